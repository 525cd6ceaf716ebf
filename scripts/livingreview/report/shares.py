"""Drawings of shares: what "read first" held in each month, and what probabilities turned out to be."""

import dataclasses

from livingreview.report import svg
from livingreview.report.prose import count, excerpt

TICKS = (0, 0.2, 0.4, 0.6, 0.8, 1.0)
LABEL_LENGTH = 24
SIDE = 8  # of a point's square, in pixels
LOW_TARGET = 0.3
CROWDED = 1000  # a count with more digits than fit above its bin is written in thousands


@dataclasses.dataclass(frozen=True)
class Shape:
    """Where the parts of the drawing by month go, in pixels at full size.

    The plot runs from `left` to `right`; a row is `row` high, its text stands `text_up` and its marks
    `mark_up` above the row's lower edge; `numbers` is a right edge, or None where they follow the label.
    """

    name: str
    width: float
    left: float
    right: float
    row: float
    text_up: float
    mark_up: float
    numbers: float | None


WIDE = Shape("wide", width=700, left=130, right=590, row=25, text_up=8, mark_up=12.5, numbers=700)
NARROW = Shape("narrow", width=350, left=18, right=332, row=37, text_up=24, mark_up=9, numbers=None)
HEAD = 26
FOOT = 46
# The reliability plot: a square, with room for the axes and for the counts above it.
SQUARE_LEFT, SQUARE_TOP, SQUARE_SIDE = 52, 30, 290
SQUARE_WIDTH, SQUARE_HEIGHT = 362, 376


def across(shape, share):
    """Horizontal position of a share, 0 to 1, in the drawing by month."""
    return shape.left + share * (shape.right - shape.left)


def square_x(share):
    """Horizontal position of a share in the reliability plot."""
    return SQUARE_LEFT + share * SQUARE_SIDE


def square_y(share):
    """Vertical position of a share in the reliability plot."""
    return SQUARE_TOP + (1 - share) * SQUARE_SIDE


def by_month(view, shape):
    """What "read first" held in each month, with its interval and the target.

    Parameters
    ----------
    view : dict
        ``name`` (unique in the page), ``title``, ``description``, ``target`` (a share), ``target_label``,
        ``rows`` (label, share, low, high, numbers).
    shape : Shape
        `WIDE` (labels beside the plot) or `NARROW` (above it, for phones).
    """
    bottom = HEAD + shape.row * len(view["rows"]) + 6
    drawing = svg.start(shape.width, bottom + FOOT, f"plot {shape.name}")
    svg.describe(
        drawing,
        name=f"{view['name']}-{shape.name}",
        title=view["title"],
        description=view["description"],
    )
    target = across(shape, view["target"])
    # Left of the line, unless a target so low leaves no room there.
    beside = "end" if view["target"] > LOW_TARGET else "start"
    svg.line(drawing, (target, HEAD - 6), (target, bottom), "target")
    svg.text(drawing, (target, 14), view["target_label"], "head", anchor=beside)
    if shape.numbers is not None:
        svg.text(drawing, (shape.numbers, 14), "Held", "head", anchor="end")
    for place, row in enumerate(view["rows"], start=1):
        y = HEAD + shape.row * place
        label = excerpt(row["label"], LABEL_LENGTH)
        if shape.numbers is None:
            svg.text(drawing, (0, y - shape.text_up), f"{label}: {row['numbers']}")
        else:
            svg.text(drawing, (0, y - shape.text_up), label)
            svg.text(drawing, (shape.numbers, y - shape.text_up), row["numbers"], anchor="end")
        middle = y - shape.mark_up
        svg.line(drawing, (across(shape, row["low"]), middle), (across(shape, row["high"]), middle), "ci")
        svg.square(drawing, (across(shape, row["share"]), middle), SIDE)
    svg.line(drawing, (shape.left, bottom), (shape.right, bottom), "axis")
    for share in TICKS:
        x = across(shape, share)
        svg.line(drawing, (x, bottom), (x, bottom + 4), "axis")
        svg.text(drawing, (x, bottom + 19), f"{share:.0%}", "tick", anchor="middle")
    middle = across(shape, 0.5)
    svg.text(drawing, (middle, bottom + 40), view["axis"], "side", anchor="middle")
    return svg.markup(drawing)


def reliability(view):
    """What probabilities turned out to be: said on the x axis, seen on the y axis, counts on top.

    Parameters
    ----------
    view : dict
        ``name`` (unique in the page), ``title``, ``description``, ``rows`` as `backtest.reliability` gives
        them.
    """
    drawing = svg.start(SQUARE_WIDTH, SQUARE_HEIGHT, "plot square")
    svg.describe(drawing, name=view["name"], title=view["title"], description=view["description"])
    svg.line(drawing, (square_x(0), square_y(0)), (square_x(1), square_y(1)), "target")
    svg.text(drawing, (SQUARE_LEFT - 8, 14), "n", "tick", anchor="end")
    for row in view["rows"]:
        middle = square_x((row["low"] + row["high"]) / 2)
        svg.text(drawing, (middle, 14), _short(row["n"]), "tick", anchor="middle")
        x = square_x(row["mean_probability"])
        svg.line(drawing, (x, square_y(row["share_low"])), (x, square_y(row["share_high"])), "ci")
        svg.square(drawing, (x, square_y(row["share"])), SIDE)
    svg.line(drawing, (square_x(0), square_y(0)), (square_x(1), square_y(0)), "axis")
    svg.line(drawing, (square_x(0), square_y(0)), (square_x(0), square_y(1)), "axis")
    for share in TICKS:
        x, y = square_x(share), square_y(share)
        svg.line(drawing, (x, square_y(0)), (x, square_y(0) + 4), "axis")
        svg.text(drawing, (x, square_y(0) + 18), f"{share:.0%}", "tick", anchor="middle")
        svg.line(drawing, (SQUARE_LEFT - 4, y), (SQUARE_LEFT, y), "axis")
        svg.text(drawing, (SQUARE_LEFT - 8, y + 4), f"{share:.0%}", "tick", anchor="end")
    svg.text(
        drawing, (square_x(0.5), square_y(0) + 40), "Probability that was given", "side", anchor="middle"
    )
    side = svg.text(drawing, (0, 0), "Share that people included", "side", anchor="middle")
    side.set("transform", f"translate(11 {square_y(0.5):.2f}) rotate(-90)")
    return svg.markup(drawing)


def _short(n):
    """A count that fits above its bin."""
    return count(n) if n < CROWDED else f"{n / CROWDED:.3g}k"
