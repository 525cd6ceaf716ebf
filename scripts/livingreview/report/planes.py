"""Drawings with two axes: funnel plot, Baujat plot, and effects against a number that may explain them."""

import math

import scipy  # its parts load at their first use; not every step that loads this reckons with it

from livingreview.report import figures, svg
from livingreview.report.figures import Scale
from livingreview.report.prose import excerpt, missing, number

LEFT, TOP, RIGHT, BOTTOM = 58, 16, 560, 340  # of the plot, in pixels
WIDTH, HEIGHT, LEGEND = 580, 394, 36
# Two-sided levels of a funnel's contours, from the narrowest (Peters et al. 2008, J Clin Epidemiol 61:991).
CONTOURS = ((0.90, "inner"), (0.95, "middle"), (0.99, "outer"))
MOST_TICKS = 6
RADIUS = 4
LARGEST_BUBBLE = 14
NAMED = 5  # so many of the points that stand out most get a label
LABEL_LENGTH = 24
LETTER, LINE = 5.8, 12  # width of a letter and height of a line of small text, in pixels, about


def rounded_ticks(low, high, most=MOST_TICKS):
    """At most `most` round values from `low` to `high`, apart by 1, 2 or 5 times a power of ten."""
    if high <= low:
        return [low]
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    for step in (power, 2 * power, 5 * power, 10 * power, 20 * power):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < most:
            break
    return [at * step for at in range(first, last + 1)]


def funnel_axes(view):
    """The axes of a funnel plot: effects across, standard errors down from zero.

    Returns
    -------
    tuple of Scale
    """
    shown = (*view["points"], *view["filled"])
    largest = max(row["se"] for row in shown)
    pools = [] if missing(view["estimate"]) else [view["estimate"]]
    across = figures.scale([row["yi"] for row in shown], [], pools=pools, left=LEFT, right=RIGHT)
    return across, Scale(0.0, largest * 1.08, TOP, BOTTOM)


def wedge(across, down, slope, *, apex=0.0):
    """The corners of what lies within apex plus and minus slope times se, held within the plot.

    Parameters
    ----------
    across, down : Scale
    slope : float
        Above zero.
    apex : float
        Effect at a standard error of zero.
    """
    corners = []
    for edge, side in ((across.low, -1), (across.high, 1)):
        reached = (edge - apex) * side / slope
        if reached < down.high:
            # The side of the plot cuts the wedge off; below, its corner is that of the plot.
            part = [(across.x(edge), down.x(reached)), (across.x(edge), down.x(down.high))]
        else:
            part = [(across.x(apex + side * slope * down.high), down.x(down.high))]
        corners.append(part)
    left, right = corners
    return [(across.x(apex), down.x(0.0)), *right, *reversed(left)]


def funnel(view):
    """A funnel plot with contours of the test against no effect.

    Parameters
    ----------
    view : dict
        ``name``, ``title``, ``description``, ``points`` (yi, se, new), ``filled`` (yi, se), ``estimate`` (or
        None), ``limit`` and ``slope`` of Egger's line (or NaN), ``level``.
    """
    across, down = funnel_axes(view)
    drawing = _start(view, height=HEIGHT + LEGEND)
    svg.box(drawing, (LEFT, TOP), (RIGHT, BOTTOM), "contour")
    for level, style in reversed(CONTOURS):
        svg.polygon(drawing, wedge(across, down, -scipy.special.ndtri((1 - level) / 2)), f"contour {style}")
    svg.line(drawing, (across.x(0), TOP), (across.x(0), BOTTOM), "null")
    if not missing(view["estimate"]):
        x = across.x(view["estimate"])
        cone = wedge(across, down, -scipy.special.ndtri((1 - view["level"]) / 2), apex=view["estimate"])
        svg.polygon(drawing, cone, "funnel")
        svg.line(drawing, (x, TOP), (x, BOTTOM), "pooled")
    if not missing(view["slope"]):
        _line(drawing, across, down, view["limit"], view["slope"])
    for row in view["filled"]:
        _point(drawing, across, row["yi"], down.x(row["se"]), "filled")
    for row in view["points"]:
        _point(drawing, across, row["yi"], down.x(row["se"]), "point new" if row["new"] else "point")
    _bottom_axis(drawing, across, across.ticks(), "Effect (Hedges\u2019 g)", decimals=1)
    _left_axis(drawing, down, rounded_ticks(down.low, down.high), "Standard error")
    _legend(drawing)
    return svg.markup(drawing)


def baujat_axes(rows):
    """The axes of a Baujat plot: contribution to heterogeneity across, influence upwards; both from zero."""
    most = [max((row[key] for row in rows), default=0.0) or 1.0 for key in ("across", "up")]
    return Scale(0.0, most[0] * 1.05, LEFT, RIGHT), Scale(0.0, most[1] * 1.08, BOTTOM, TOP)


def baujat(view):
    """How far each effect adds to heterogeneity, and how far it moves the estimate.

    Parameters
    ----------
    view : dict
        ``name``, ``title``, ``description``, ``points`` (label, across, up).
    """
    across, up = baujat_axes(view["points"])
    drawing = _start(view)
    farthest = sorted(
        view["points"],
        key=lambda row: -math.hypot(row["across"] / across.high, row["up"] / up.high),
    )[:NAMED]
    for row in view["points"]:
        svg.circle(drawing, (across.x(row["across"]), up.x(row["up"])), RADIUS, "point")
    _labels(drawing, [(across.x(row["across"]), up.x(row["up"]), row["label"]) for row in farthest])
    _bottom_axis(drawing, across, rounded_ticks(across.low, across.high), "Contribution to heterogeneity (Q)")
    _left_axis(drawing, up, rounded_ticks(up.low, up.high), "Influence on the pooled effect")
    return svg.markup(drawing)


def bubble_axes(view):
    """The axes of effects against a number: the number across, effects upwards."""
    values = [row["value"] for row in view["points"]]
    room = (max(values) - min(values)) * 0.05 or 1.0
    up = figures.scale([row["yi"] for row in view["points"]], [], left=BOTTOM, right=TOP)
    return Scale(min(values) - room, max(values) + room, LEFT, RIGHT), up


def bubble(view):
    """Effects against a number, with the fitted line and its interval; areas by weight.

    Parameters
    ----------
    view : dict
        ``name``, ``title``, ``description``, ``what`` (the number), ``points`` (label, value, yi, weight),
        ``line`` (rows of value, estimate, ci_low, ci_high in rising order; may be empty).
    """
    across, up = bubble_axes(view)
    drawing = _start(view)
    if view["line"]:
        upper = [(across.x(row["value"]), up.x(row["ci_high"])) for row in view["line"]]
        lower = [(across.x(row["value"]), up.x(row["ci_low"])) for row in reversed(view["line"])]
        svg.polygon(drawing, upper + lower, "band")
    svg.line(drawing, (LEFT, up.x(0)), (RIGHT, up.x(0)), "null")
    if view["line"]:
        first, last = view["line"][0], view["line"][-1]
        ends = [(across.x(row["value"]), up.x(row["estimate"])) for row in (first, last)]
        svg.line(drawing, *ends, "line")
    heaviest = max(row["weight"] for row in view["points"])
    for row in view["points"]:
        radius = max(2.0, LARGEST_BUBBLE * math.sqrt(row["weight"] / heaviest))
        svg.circle(drawing, (across.x(row["value"]), up.x(row["yi"])), radius, "filled bubble")
    _bottom_axis(drawing, across, rounded_ticks(across.low, across.high), view["what"])
    _left_axis(drawing, up, up.ticks(), "Effect (Hedges\u2019 g)", decimals=1)
    return svg.markup(drawing)


def _start(view, *, height=HEIGHT):
    drawing = svg.start(WIDTH, height, "plot plane")
    svg.describe(drawing, name=view["name"], title=view["title"], description=view["description"])
    return drawing


def _labels(drawing, points):
    """Names beside points, each on the first side where it covers no name before it."""
    taken = []
    for x, y, label in points:
        text = excerpt(label, LABEL_LENGTH)
        width = LETTER * len(text)
        places = [
            (x + 8, y + 4, "start", x + 8),
            (x - 8, y + 4, "end", x - 8 - width),
            (x + 4, y - 8, "start", x + 4),
            (x + 4, y + 16, "start", x + 4),
        ]
        # In the right half the left side comes first, so that names stay inside.
        places = places if x < (LEFT + RIGHT) / 2 else [places[1], places[0], *places[2:]]
        for at_x, at_y, anchor, left in places:
            box = (left, at_y, left + width)
            if left >= LEFT and box[2] <= WIDTH and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                svg.text(drawing, (at_x, at_y), text, "small", anchor=anchor)
                break


def _overlap(one, other):
    return abs(one[1] - other[1]) < LINE and one[0] < other[2] and other[0] < one[2]


def _point(drawing, across, value, y, style):
    """A round point, or an arrowhead at the edge that the value lies beyond."""
    if across.holds(value):
        svg.circle(drawing, (across.x(value), y), RADIUS, style)
        return
    x, towards = (RIGHT, -1) if value > across.high else (LEFT, 1)
    svg.polygon(drawing, [(x, y), (x + towards * 9, y - 5), (x + towards * 9, y + 5)], style)


def _line(drawing, across, down, limit, slope):
    """Egger's line, as far as it runs inside the plot."""
    ends = [0.0, down.high]
    if slope:
        crossings = sorted((edge - limit) / slope for edge in (across.low, across.high))
        ends = [max(ends[0], crossings[0]), min(ends[1], crossings[1])]
    if ends[0] < ends[1] and (slope or across.holds(limit)):
        svg.line(drawing, *((across.x(limit + slope * se), down.x(se)) for se in ends), "line")


def _bottom_axis(drawing, across, ticks, title, *, decimals=None):
    svg.line(drawing, (LEFT, BOTTOM), (RIGHT, BOTTOM), "axis")
    for value in ticks:
        x = across.x(value)
        svg.line(drawing, (x, BOTTOM), (x, BOTTOM + 4), "axis")
        svg.text(drawing, (x, BOTTOM + 18), _tick(value, ticks, decimals), "tick", anchor="middle")
    svg.text(drawing, ((LEFT + RIGHT) / 2, BOTTOM + 40), title, "side", anchor="middle")


def _left_axis(drawing, scale, ticks, title, *, decimals=None):
    svg.line(drawing, (LEFT, TOP), (LEFT, BOTTOM), "axis")
    for value in ticks:
        y = scale.x(value)
        svg.line(drawing, (LEFT - 4, y), (LEFT, y), "axis")
        svg.text(drawing, (LEFT - 8, y + 4), _tick(value, ticks, decimals), "tick", anchor="end")
    side = svg.text(drawing, (0, 0), title, "side", anchor="middle")
    side.set("transform", f"translate(12 {(TOP + BOTTOM) / 2:.2f}) rotate(-90)")


def _tick(value, ticks, decimals):
    """The label of a tick, with as many decimals as the distance of the ticks needs; years without commas."""
    if value == 0:
        return "0"
    if decimals is None:
        step = ticks[1] - ticks[0] if len(ticks) > 1 else abs(value)
        decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return number(value, decimals).replace(",", "")


def _legend(drawing):
    """What the shades of the contours mean, below the axis."""
    y, shades = HEIGHT + LEGEND - 18, ("contour inner", "contour middle", "contour outer", "contour")
    words = ("p > 0.10", "p 0.05 to 0.10", "p 0.01 to 0.05", "p < 0.01")
    for place, (style, text) in enumerate(zip(shades, words, strict=True)):
        x = LEFT + 128 * place
        svg.box(drawing, (x, y - 10), (x + 14, y + 2), f"{style} key")
        svg.text(drawing, (x + 20, y), text, "small")
