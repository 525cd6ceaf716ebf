"""Drawings of effects: the small interval of the first screen, and the forest plot.

Every function takes numbers and returns markup. Horizontal positions come from `Scale`, so that a test can
ask where a value must lie.
"""

import dataclasses
import math

from livingreview.report import svg
from livingreview.report.prose import excerpt, interval, missing, number, percent

STEP = 0.5  # distance of axis ticks, in g
WIDEST = (-1.5, 1.0)  # whiskers alone never stretch an axis beyond this; point estimates do
ROOM = 0.25  # space beyond the outermost point estimate, in g
ARROW = (6, 3.5)  # length and half height of an arrowhead, in pixels
DIAMOND = 7  # half height of a pooled estimate's diamond
CAP = 4  # half height of the end marks of a prediction interval
SMALLEST = 3  # side of the smallest square: an effect with little weight is still seen
LABEL_LENGTH = 31  # characters of a study label that fit beside the plot
AXIS_HEIGHT = 52


@dataclasses.dataclass(frozen=True)
class Scale:
    """A linear axis: `low` to `high` in units of the effect, drawn from `left` to `right`."""

    low: float
    high: float
    left: float
    right: float

    def x(self, value):
        """Position of a value, held within the plot."""
        held = min(max(value, self.low), self.high)
        return self.left + (held - self.low) / (self.high - self.low) * (self.right - self.left)

    def between(self, left, right):
        """The same axis, drawn elsewhere."""
        return dataclasses.replace(self, left=left, right=right)

    def ticks(self):
        """Values of the ticks, multiples of `STEP` within the axis."""
        first, last = math.ceil(self.low / STEP - 1e-9), math.floor(self.high / STEP + 1e-9)
        return [step * STEP for step in range(first, last + 1)]


def scale(points, intervals, *, left=0.0, right=1.0):
    """An axis that holds all point estimates and zero, and whiskers as far as `WIDEST` allows.

    Parameters
    ----------
    points : iterable of float
        Values that must lie inside.
    intervals : iterable of (float, float)
        Ends that should lie inside; those beyond are clipped and get an arrowhead.
    """
    points = [0.0, *(p for p in points if not missing(p))]
    ends = [end for pair in intervals if not any(map(missing, pair)) for end in pair]
    low = min(min(points) - ROOM, max(min(ends, default=0.0), WIDEST[0]))
    high = max(max(points) + ROOM, min(max(ends, default=0.0), WIDEST[1]))
    return Scale(math.floor(low / STEP) * STEP, math.ceil(high / STEP) * STEP, left, right)


def summary_scale(rows, *, left, right):
    """One axis for all outcomes of the first screen."""
    pooled = [row for row in rows if not missing(row["estimate"])]
    return scale(
        [row["estimate"] for row in pooled],
        [(row[a], row[b]) for row in pooled for a, b in (("ci_low", "ci_high"), ("pi_low", "pi_high"))],
        left=left,
        right=right,
    )


def small_interval(row, axis, *, height=26):
    """The drawing of one outcome on the first screen: estimate, interval, and prediction interval thinner.

    The digits stand in the next cell, so the drawing is hidden from screen readers.
    """
    drawing = svg.start(axis.right + axis.left, height, "mini", hidden=True)
    if missing(row["estimate"]):
        return svg.markup(drawing)
    middle = height / 2
    _whiskers(drawing, axis, (row["pi_low"], row["pi_high"]), middle, "pi")
    _whiskers(drawing, axis, (row["ci_low"], row["ci_high"]), middle, "ci strong")
    x = axis.x(row["estimate"])
    if row["k"] == 1:
        svg.square(drawing, (x, middle), DIAMOND)
    else:
        points = [(x - 6, middle), (x, middle - 6), (x + 6, middle), (x, middle + 6)]
        svg.polygon(drawing, points, "pool")
    return svg.markup(drawing)


def small_zone(axis, *, zone):
    """The band of no effect and the line at zero, to be stretched over the height of a table row."""
    drawing = svg.start(axis.right + axis.left, 10, "mini band", hidden=True)
    drawing.set("preserveAspectRatio", "none")
    _zone(drawing, axis, zone, 0, 10)
    return svg.markup(drawing)


def small_axis(axis, *, height=22):
    """The axis under the small drawings."""
    drawing = svg.start(axis.right + axis.left, height, "mini", hidden=True)
    _axis(drawing, axis, 0, height - 8)
    return svg.markup(drawing)


@dataclasses.dataclass(frozen=True)
class Shape:
    """Where the parts of a forest plot go, in pixels at full size.

    A row is `row` high; its text stands `text_up`, its marks stand `mark_up` above the row's lower edge.
    The plot runs from `left` to `right`; `numbers` and `weight` are right edges (no weights if None).
    """

    name: str
    width: float
    left: float
    right: float
    row: float
    text_up: float
    mark_up: float
    numbers: float
    weight: float | None
    head: float
    largest: float


WIDE = Shape(
    name="wide",
    width=860,
    left=226,
    right=590,
    row=25,
    text_up=8,
    mark_up=12.5,
    numbers=768,
    weight=860,
    head=26,
    largest=15,
)
NARROW = Shape(
    name="narrow",
    width=350,
    left=15,
    right=335,
    row=37,
    text_up=24,
    mark_up=9,
    numbers=350,
    weight=None,
    head=22,
    largest=12,
)


def forest(view, shape):
    """A forest plot.

    Parameters
    ----------
    view : dict
        ``name`` (unique in the page), ``title``, ``description``, ``rows`` (label, yi, ci_low, ci_high,
        weight, new), ``pool`` (the main estimate, or None where nothing is pooled), ``before`` (estimate,
        ci_low, ci_high and label, or None), ``level``, ``zone``, ``favours_left``, ``favours_right``.
    shape : Shape
        `WIDE` (labels beside the plot) or `NARROW` (above it, for phones).
    """
    return svg.markup(_Forest(view, shape).draw())


def forest_scale(view):
    """The axis of a forest plot, one unit wide."""
    pools = [pool for pool in (view["pool"], view["before"]) if pool is not None]
    return scale(
        [row["yi"] for row in view["rows"]] + [pool["estimate"] for pool in pools],
        [(row["ci_low"], row["ci_high"]) for row in (*view["rows"], *pools)]
        + [(pool["pi_low"], pool["pi_high"]) for pool in pools if "pi_low" in pool],
    )


def diamond(axis, pool, middle, half=DIAMOND):
    """Corners of a pooled estimate's diamond: interval ends and point estimate."""
    return [
        (axis.x(pool["ci_low"]), middle),
        (axis.x(pool["estimate"]), middle - half),
        (axis.x(pool["ci_high"]), middle),
        (axis.x(pool["estimate"]), middle + half),
    ]


class _Forest:
    """One forest plot in the making; `y` is the lower edge of the row drawn last."""

    def __init__(self, view, shape):
        self.view = view
        self.shape = shape
        self.axis = forest_scale(view).between(shape.left, shape.right)
        self.predicted = view["pool"] is not None and not missing(view["pool"]["pi_low"])
        n_pools = (view["pool"] is not None) + self.predicted + (view["before"] is not None)
        self.bottom = shape.head + shape.row * (len(view["rows"]) + n_pools) + 14
        self.drawing = svg.start(shape.width, self.bottom + AXIS_HEIGHT, f"forest {shape.name}")
        self.y = shape.head

    def draw(self):
        view, shape = self.view, self.shape
        name = f"{view['name']}-{shape.name}"
        svg.describe(self.drawing, name=name, title=view["title"], description=view["description"])
        _zone(self.drawing, self.axis, view["zone"], shape.head, self.bottom)
        self.head()
        heaviest = max(row["weight"] for row in view["rows"])
        for row in view["rows"]:
            self.study(row, heaviest)
        if view["pool"] is not None:
            svg.line(self.drawing, (0, self.y + 4), (shape.width, self.y + 4))
            self.y += 6
            self.diamond(view["pool"] | {"label": "Pooled, random effects"}, "pool")
        if self.predicted:
            self.prediction(view["pool"])
        if view["before"] is not None:
            self.diamond(view["before"], "before")
        self.foot()
        return self.drawing

    def head(self):
        shape = self.shape
        svg.text(self.drawing, (0, 14), "Trial", "head")
        heading = f"g [{percent(100 * self.view['level'])} CI]"
        svg.text(self.drawing, (shape.numbers, 14), heading, "head", anchor="end")
        if shape.weight is not None:
            svg.text(self.drawing, (shape.weight, 14), "Weight", "head", anchor="end")
        svg.line(self.drawing, (0, shape.head - 4), (shape.width, shape.head - 4))

    def study(self, row, heaviest):
        shape = self.shape
        numbers = f"{number(row['yi'])} {interval(row['ci_low'], row['ci_high'])}"
        middle = self.next_row(row["label"], numbers, "new" if row["new"] else "")
        _whiskers(self.drawing, self.axis, (row["ci_low"], row["ci_high"]), middle, "ci")
        side = max(SMALLEST, shape.largest * math.sqrt(row["weight"] / heaviest))
        svg.square(self.drawing, (self.axis.x(row["yi"]), middle), side)
        if shape.weight is not None:
            place = (shape.weight, self.y - shape.text_up)
            svg.text(self.drawing, place, percent(row["weight"], 1), anchor="end")

    def diamond(self, pool, style):
        numbers = f"{number(pool['estimate'])} {interval(pool['ci_low'], pool['ci_high'])}"
        middle = self.next_row(pool["label"], numbers, style)
        svg.polygon(self.drawing, diamond(self.axis, pool, middle), style)

    def prediction(self, pool):
        ends = (pool["pi_low"], pool["pi_high"])
        middle = self.next_row("Prediction interval", interval(*ends), "")
        _whiskers(self.drawing, self.axis, ends, middle, "pi")
        for end in ends:
            if self.axis.low <= end <= self.axis.high:
                x = self.axis.x(end)
                svg.line(self.drawing, (x, middle - CAP), (x, middle + CAP), "pi")

    def next_row(self, label, numbers, style):
        """Write the texts of the next row; the height of its marks."""
        shape = self.shape
        self.y += shape.row
        svg.text(self.drawing, (0, self.y - shape.text_up), excerpt(label, LABEL_LENGTH), style)
        svg.text(self.drawing, (shape.numbers, self.y - shape.text_up), numbers, style, anchor="end")
        return self.y - shape.mark_up

    def foot(self):
        _axis(self.drawing, self.axis, self.bottom, self.bottom + 20)
        zero, y = self.axis.x(0), self.bottom + 42
        svg.text(self.drawing, (zero - 12, y), f"\u2190 {self.view['favours_left']}", "side", anchor="end")
        svg.text(self.drawing, (zero + 12, y), f"{self.view['favours_right']} \u2192", "side")


def _whiskers(drawing, axis, ends, y, style):
    """An interval as a line; an end beyond the axis becomes an arrowhead."""
    low, high = ends
    if missing(low) or missing(high) or high < axis.low or low > axis.high:
        return
    left, right = axis.x(low), axis.x(high)
    svg.line(drawing, (left, y), (right, y), style)
    length, half = ARROW
    if low < axis.low:
        points = [(left, y), (left + length, y - half), (left + length, y + half)]
        svg.polygon(drawing, points, f"arrow {style}")
    if high > axis.high:
        points = [(right, y), (right - length, y - half), (right - length, y + half)]
        svg.polygon(drawing, points, f"arrow {style}")


def _zone(drawing, axis, zone, top, bottom):
    svg.box(drawing, (axis.x(-zone), top), (axis.x(zone), bottom), "zone")
    svg.line(drawing, (axis.x(0), top), (axis.x(0), bottom), "null")


def _axis(drawing, axis, y, text_y):
    svg.line(drawing, (axis.left, y), (axis.right, y), "axis")
    for value in axis.ticks():
        svg.line(drawing, (axis.x(value), y), (axis.x(value), y + 4), "axis")
        label = "0" if value == 0 else number(value, 1)
        svg.text(drawing, (axis.x(value), text_y), label, "tick", anchor="middle")
