"""The small drawings of a move: where the estimate stood before and after each cause."""

import math

from livingreview.report import svg
from livingreview.report.figures import Scale
from livingreview.report.prose import missing, number

LEFT, RIGHT, HEIGHT = 12, 188, 22  # pixels
BAR = 4  # half height of a bar
MARK = 7  # half height of the mark of an estimate
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)  # distances of ticks, in g
TICKS = 4  # at most so many parts of the axis


def axis_of(values):
    """An axis that holds some estimates, from tick to tick; and the distance of its ticks."""
    values = [value for value in values if not missing(value)]
    low, high = min(values), max(values)
    step = next((one for one in STEPS if _parts(low, high, one) <= TICKS), STEPS[-1])
    first, last = _ends(low, high, step)
    return Scale(first * step, last * step, LEFT, RIGHT), step


def _ends(low, high, step):
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return first, max(last, first + 1)


def _parts(low, high, step):
    first, last = _ends(low, high, step)
    return last - first


def mark(axis, value):
    """One estimate, as an upright line."""
    drawing = _start(axis)
    x = axis.x(value)
    svg.box(drawing, (x - 1.25, HEIGHT / 2 - MARK), (x + 1.25, HEIGHT / 2 + MARK), "square")
    return svg.markup(drawing)


def bar(axis, start, end):
    """A step from one estimate to the next; one that is not visible is a hair's breadth."""
    drawing = _start(axis)
    middle, (left, right) = HEIGHT / 2, sorted((axis.x(start), axis.x(end)))
    svg.line(drawing, (axis.x(start), middle - MARK), (axis.x(start), middle + MARK), "axis")
    svg.box(drawing, (left, middle - BAR), (max(right, left + 1), middle + BAR), "square")
    return svg.markup(drawing)


def foot(axis, step):
    """The axis under the drawings, with its ends and, if it lies between them, zero."""
    drawing = _start(axis)
    svg.line(drawing, (axis.left, 1), (axis.right, 1), "axis")
    first, last = _ends(axis.low, axis.high, step)
    decimals = 2 if step < 0.1 else 1
    for at in range(first, last + 1):
        x = axis.x(at * step)
        svg.line(drawing, (x, 1), (x, 5), "axis")
        if at in (first, last):
            anchor = "start" if at == first else "end"
            place = (x - 8 if at == first else x + 8, 18)
            svg.text(drawing, place, number(at * step, decimals), "tick", anchor=anchor)
        elif at == 0 and last - first > 2:
            svg.text(drawing, (x, 18), "0", "tick", anchor="middle")
    return svg.markup(drawing)


def _start(axis):
    drawing = svg.start(axis.right + LEFT, HEIGHT, "mini", hidden=True)
    if axis.low < 0 < axis.high:
        svg.line(drawing, (axis.x(0), 0), (axis.x(0), HEIGHT), "null")
    return drawing
