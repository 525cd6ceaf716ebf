"""Drawings of effects: small ones in table cells, and whole forest plots.

Every function takes numbers and returns markup. Horizontal positions come from `Scale`, so that a test can
ask where a value must lie. Cells of a table and whole figures are made of the same marks.
"""

import dataclasses
import math

from livingreview.report import svg
from livingreview.report.prose import excerpt, interval, missing, number, percent

STEP = 0.5  # distance of axis ticks, in g, as long as they are few
STEPS = (STEP, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
MOST_TICKS = 7
WIDEST = (-1.5, 1.0)  # whiskers alone never stretch an axis beyond this; point estimates do
# An effect beyond this is hardly a real standardised difference: it does not squeeze all others, but stands
# at the edge as an arrowhead, with its digits beside it. Pooled estimates always lie inside.
FARTHEST = 3.0
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

    def holds(self, value):
        """Whether a value lies within the axis."""
        return self.low <= value <= self.high

    def ticks(self):
        """Values of the ticks: multiples of the smallest of `STEPS` that gives at most `MOST_TICKS`."""
        for step in STEPS:
            first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
            if last - first < MOST_TICKS:
                break
        return [at * step for at in range(first, last + 1)]


def scale(points, intervals, *, pools=(), left=0.0, right=1.0):
    """An axis that holds zero, pooled and single estimates, and whiskers as far as `WIDEST` allows.

    Parameters
    ----------
    points : iterable of float
        Single estimates; those beyond `FARTHEST` on either side do not stretch the axis.
    intervals : iterable of (float, float)
        Ends that should lie inside; those beyond are clipped and get an arrowhead.
    pools : iterable of float
        Values that must lie inside.
    """
    points = [0.0, *(p for p in points if not missing(p) and abs(p) <= FARTHEST), *pools]
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


ROW = 25  # height of a row of a whole figure, in pixels
TEXT_UP, MARK_UP = 8, 12.5  # how far texts and marks stand above the lower edge of their row
WIDTH, LEFT, RIGHT = 860, 226, 590  # of a whole figure, and of the plot within it
LONG_LEFT, LONG_LENGTH = 350, 54  # the same of a figure whose labels are sentences rather than names
NUMBERS, WEIGHTS = 768, 860  # right edges of the columns of digits
HEAD = 26
LARGEST = 15  # side of the square of the heaviest effect
PLAIN = 8  # side of a square that stands for no weight
CELL_LEFT, CELL_RIGHT, CELL_WIDTH = 8, 192, 200  # the plot within a cell of a table, in pixels
CELL_HEIGHT = 22
CELL_LARGEST = 13


def forest(view):
    """A whole forest plot, or a list of estimates drawn like one.

    Parameters
    ----------
    view : dict
        ``name`` (unique in the page), ``title``, ``description``, ``what`` (head of the labels), ``rows``,
        ``pool`` (the main estimate, or None where nothing is pooled), ``before`` (estimate, ci_low, ci_high
        and label, or None), ``level``, ``zone``, ``favours_left``, ``favours_right``; optionally
        ``long_labels``. A row is one of: an
        effect (label, yi, ci_low, ci_high, weight or None, new), an estimate (label, estimate, ci_low,
        ci_high, optionally strong: whether its words are bold), or a heading (heading).
    """
    return svg.markup(_Forest(view).draw())


def forest_scale(view):
    """The axis of a forest plot, one unit wide."""
    pools = [pool for pool in (view["pool"], view["before"]) if pool is not None]
    pools += [row for row in view["rows"] if "estimate" in row]
    effects = [row for row in view["rows"] if "yi" in row]
    return scale(
        [row["yi"] for row in effects],
        [(row["ci_low"], row["ci_high"]) for row in (*effects, *pools)]
        + [(pool["pi_low"], pool["pi_high"]) for pool in pools if "pi_low" in pool],
        pools=[pool["estimate"] for pool in pools if not missing(pool["estimate"])],
    )


def diamond(axis, pool, middle, half=DIAMOND):
    """Corners of a pooled estimate's diamond: interval ends and point estimate.

    Without an interval, or for an interval shorter than a sign can be, the diamond keeps its least width.
    """
    x = axis.x(pool["estimate"])
    ends = [pool[key] for key in ("ci_low", "ci_high")]
    left, right = (x if missing(end) else axis.x(end) for end in ends)
    return [(min(left, x - 1), middle), (x, middle - half), (max(right, x + 1), middle), (x, middle + half)]


def cell_scale(axis):
    """The same axis within a cell of a table."""
    return axis.between(CELL_LEFT, CELL_RIGHT)


def cell_band(axis, *, zone):
    """Where the band of no effect and the line at zero lie in a cell: custom properties of the table."""
    edges = {"zl": -zone, "zr": zone, "z0": 0.0}
    return ";".join(f"--{key}:{100 * axis.x(value) / CELL_WIDTH:.2f}%" for key, value in edges.items())


def cell_effect(axis, row, *, heaviest=None):
    """An effect in its cell: interval, and a square whose area is its weight (plain if none is heaviest)."""
    drawing = _cell()
    _effect(drawing, axis, row, CELL_HEIGHT / 2, heaviest=heaviest, largest=CELL_LARGEST)
    return svg.markup(drawing)


def cell_pool(axis, row, *, style="pool"):
    """A pooled estimate in its cell, as a diamond; empty where there is none."""
    drawing = _cell()
    if not missing(row["estimate"]):
        _diamond(drawing, axis, row, CELL_HEIGHT / 2, half=6, style=style)
    return svg.markup(drawing)


def cell_prediction(axis, row):
    """A prediction interval in its cell."""
    drawing = _cell()
    _prediction(drawing, axis, (row["pi_low"], row["pi_high"]), CELL_HEIGHT / 2)
    return svg.markup(drawing)


def cell_estimate(axis, row):
    """An estimate with its interval and, thinner, its prediction interval where it has one."""
    drawing = _cell()
    if not missing(row["estimate"]):
        _whiskers(drawing, axis, (row.get("pi_low"), row.get("pi_high")), CELL_HEIGHT / 2, "pi")
        _diamond(drawing, axis, row, CELL_HEIGHT / 2, half=5, style="pool")
    return svg.markup(drawing)


def cell_axis(axis):
    """The axis below a column of cells."""
    drawing = _cell(height=24)
    _axis(drawing, axis, 1, 19)
    return svg.markup(drawing)


def _cell(*, height=CELL_HEIGHT):
    return svg.start(CELL_WIDTH, height, "cell", hidden=True)


def _effect(drawing, axis, row, middle, *, heaviest, largest):
    """Interval and square of an effect; one that lies beyond the axis is an arrowhead at its edge."""
    if not axis.holds(row["yi"]):
        right = row["yi"] > axis.high
        x, towards = (axis.right, -1) if right else (axis.left, 1)
        length, half = ARROW[0] * 1.5, ARROW[1] * 1.5
        corners = [(x, middle), (x + towards * length, middle - half), (x + towards * length, middle + half)]
        svg.polygon(drawing, corners, "arrow beyond")
        return
    _whiskers(drawing, axis, (row["ci_low"], row["ci_high"]), middle, "ci")
    side = PLAIN if heaviest is None else max(SMALLEST, largest * math.sqrt(row["weight"] / heaviest))
    svg.square(drawing, (axis.x(row["yi"]), middle), side)


def _diamond(drawing, axis, pool, middle, *, half, style):
    """A pooled estimate; an end of its interval beyond the axis has an arrowhead outside the plot."""
    svg.polygon(drawing, diamond(axis, pool, middle, half), style)
    length, height = ARROW
    ends = [pool[key] for key in ("ci_low", "ci_high")]
    for end, x, away in zip(ends, (axis.left, axis.right), (-1, 1), strict=True):
        if not missing(end) and not axis.holds(end):
            tip = x + away * length
            svg.polygon(
                drawing, [(tip, middle), (x, middle - height), (x, middle + height)], f"arrow {style}"
            )


def _prediction(drawing, axis, ends, middle):
    _whiskers(drawing, axis, ends, middle, "pi")
    for end in ends:
        if not missing(end) and axis.holds(end):
            svg.line(drawing, (axis.x(end), middle - CAP), (axis.x(end), middle + CAP), "pi")


class _Forest:
    """One forest plot in the making; `y` is the lower edge of the row drawn last."""

    def __init__(self, view):
        self.view = view
        long = view.get("long_labels", False)
        self.length = LONG_LENGTH if long else LABEL_LENGTH
        weights = [row["weight"] for row in view["rows"] if not missing(row.get("weight"))]
        self.heaviest = max(weights, default=None)
        # Without weights, plot and digits take the room of their column.
        self.numbers = NUMBERS if weights else WEIGHTS
        right = RIGHT + self.numbers - NUMBERS
        self.axis = forest_scale(view).between(LONG_LEFT if long else LEFT, right)
        self.predicted = view["pool"] is not None and not missing(view["pool"].get("pi_low"))
        n_pools = (view["pool"] is not None) + self.predicted + (view["before"] is not None)
        self.bottom = HEAD + ROW * (len(view["rows"]) + n_pools) + 14
        self.drawing = svg.start(WIDTH, self.bottom + AXIS_HEIGHT, "forest")
        self.y = HEAD

    def draw(self):
        view = self.view
        svg.describe(self.drawing, name=view["name"], title=view["title"], description=view["description"])
        _zone(self.drawing, self.axis, view["zone"], HEAD, self.bottom)
        self.head()
        for row in view["rows"]:
            self.row(row)
        if view["pool"] is not None:
            svg.line(self.drawing, (0, self.y + 4), (WIDTH, self.y + 4))
            self.y += 6
            self.diamond(view["pool"], "pool")
            if self.predicted:
                self.prediction(view["pool"])
        if view["before"] is not None:
            self.diamond(view["before"], "before")
        self.foot()
        return self.drawing

    def head(self):
        svg.text(self.drawing, (0, 14), self.view["what"], "head")
        numbers = f"g [{percent(100 * self.view['level'])} CI]"
        svg.text(self.drawing, (self.numbers, 14), numbers, "head", anchor="end")
        if self.heaviest is not None:
            svg.text(self.drawing, (WEIGHTS, 14), "Weight", "head", anchor="end")
        svg.line(self.drawing, (0, HEAD - 2), (WIDTH, HEAD - 2))

    def row(self, row):
        if "heading" in row:
            self.next_row(row["heading"], "", "pool")
        elif "estimate" in row:
            self.diamond(row, "pool", words="pool" if row.get("strong", True) else "")
            ends = (row.get("pi_low"), row.get("pi_high"))
            _whiskers(self.drawing, self.axis, ends, self.y - MARK_UP, "pi")
        else:
            self.effect(row)

    def effect(self, row):
        numbers = f"{number(row['yi'])} {interval(row['ci_low'], row['ci_high'])}"
        middle = self.next_row(row["label"], numbers, "new" if row["new"] else "")
        weighted = self.heaviest if not missing(row["weight"]) else None
        _effect(self.drawing, self.axis, row, middle, heaviest=weighted, largest=LARGEST)
        if not missing(row["weight"]):
            place = (WEIGHTS, self.y - TEXT_UP)
            svg.text(self.drawing, place, percent(row["weight"], 1), anchor="end")

    def diamond(self, pool, style, *, words=None):
        numbers = f"{number(pool['estimate'])} {interval(pool['ci_low'], pool['ci_high'])}"
        middle = self.next_row(pool["label"], numbers, style if words is None else words)
        if not missing(pool["estimate"]):
            _diamond(self.drawing, self.axis, pool, middle, half=DIAMOND, style=style)

    def prediction(self, pool):
        ends = (pool["pi_low"], pool["pi_high"])
        middle = self.next_row("Prediction interval", interval(*ends), "")
        _prediction(self.drawing, self.axis, ends, middle)

    def next_row(self, label, numbers, style):
        """Write the texts of the next row; the height of its marks."""
        self.y += ROW
        svg.text(self.drawing, (0, self.y - TEXT_UP), excerpt(label, self.length), style)
        if numbers:
            svg.text(self.drawing, (self.numbers, self.y - TEXT_UP), numbers, style, anchor="end")
        return self.y - MARK_UP

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
