import pytest
from lxml import etree
from scipy.stats import norm

from livingreview.report import planes
from livingreview.report.figures import Scale

ACROSS = Scale(-1.0, 1.0, planes.LEFT, planes.RIGHT)
DOWN = Scale(0.0, 0.4, planes.TOP, planes.BOTTOM)


def drawn(markup):
    return etree.fromstring(str(markup))


def of_class(svg, style):
    return [element for element in svg.iter() if style in (element.get("class") or "").split()]


def funnel(*points, **changed):
    base = {
        "name": "funnel-example",
        "title": "Funnel plot: example",
        "description": "Three effects.",
        "points": list(points)
        or [
            {"yi": -0.5, "se": 0.1, "new": False},
            {"yi": -0.2, "se": 0.2, "new": False},
            {"yi": 0.1, "se": 0.3, "new": True},
        ],
        "filled": [],
        "estimate": -0.3,
        "limit": float("nan"),
        "slope": float("nan"),
        "level": 0.95,
    }
    return base | changed


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 0.43, [0.0, 0.1, 0.2, 0.3, 0.4]),
        (0.0, 9.3, [0.0, 2.0, 4.0, 6.0, 8.0]),
        (2003.0, 2027.0, [2005.0, 2010.0, 2015.0, 2020.0, 2025.0]),
        (1.0, 1.0, [1.0]),
    ],
)
def test_ticks_are_round_and_few(low, high, expected):
    assert planes.rounded_ticks(low, high) == pytest.approx(expected)


def test_a_wedge_inside_the_plot_is_a_triangle():
    apex, right, left = planes.wedge(ACROSS, DOWN, 1.96)
    assert apex == (ACROSS.x(0.0), DOWN.x(0.0))
    assert right == pytest.approx((ACROSS.x(1.96 * 0.4), planes.BOTTOM))
    assert left == pytest.approx((ACROSS.x(-1.96 * 0.4), planes.BOTTOM))


def test_a_wedge_that_leaves_the_plot_is_cut_off_where_it_does():
    corners = planes.wedge(ACROSS, DOWN, 4.0)
    assert corners[1] == pytest.approx((planes.RIGHT, DOWN.x(0.25)))
    assert corners[2] == (planes.RIGHT, planes.BOTTOM)
    assert corners[-1] == pytest.approx((planes.LEFT, DOWN.x(0.25)))


def test_the_contours_are_those_of_90_95_and_99_per_cent():
    view = funnel()
    across, down = planes.funnel_axes(view)
    svg = drawn(planes.funnel(view))
    for level, style in planes.CONTOURS:
        (shape,) = [one for one in of_class(svg, style) if one.tag == "polygon"]
        right = float(shape.get("points").split()[1].split(",")[0])
        bound = norm.ppf(0.5 + level / 2) * down.high
        assert right == pytest.approx(across.x(bound), abs=0.02)


def test_points_lie_at_their_effect_and_standard_error():
    view = funnel()
    across, down = planes.funnel_axes(view)
    points = of_class(drawn(planes.funnel(view)), "point")
    for point, row in zip(points, view["points"], strict=True):
        found = (float(point.get("cx")), float(point.get("cy")))
        assert found == pytest.approx((across.x(row["yi"]), down.x(row["se"])), abs=0.01)
    assert ["new" in point.get("class") for point in points] == [False, False, True]


def test_filled_effects_are_open_circles():
    svg = drawn(planes.funnel(funnel(filled=[{"yi": 0.4, "se": 0.2}])))
    assert [one.tag for one in of_class(svg, "filled")] == ["circle"]


def test_an_effect_beyond_the_axis_is_an_arrowhead_at_its_edge():
    svg = drawn(
        planes.funnel(funnel({"yi": -8.0, "se": 0.1, "new": False}, {"yi": 0, "se": 0.2, "new": False}))
    )
    far, near = of_class(svg, "point")
    assert (far.tag, near.tag) == ("polygon", "circle")
    assert far.get("points").startswith(f"{planes.LEFT:.2f},")


def test_egger_s_line_runs_from_its_limit_and_stays_inside():
    view = funnel(limit=-0.1, slope=-1.0)
    across, down = planes.funnel_axes(view)
    (line,) = of_class(drawn(planes.funnel(view)), "line")
    ends = [float(line.get(key)) for key in ("x1", "y1", "x2", "y2")]
    assert ends == pytest.approx(
        [across.x(-0.1), down.x(0), across.x(-0.1 - down.high), down.x(down.high)], abs=0.01
    )
    (line,) = of_class(drawn(planes.funnel(funnel(limit=-0.1, slope=-50.0))), "line")
    assert float(line.get("x2")) == pytest.approx(planes.LEFT, abs=0.01)
    assert float(line.get("y2")) < planes.BOTTOM


def test_without_egger_s_line_or_estimate_neither_is_drawn():
    svg = drawn(planes.funnel(funnel(estimate=None)))
    assert of_class(svg, "line") == of_class(svg, "pooled") == of_class(svg, "funnel") == []


def test_a_baujat_plot_names_the_points_that_stand_out_and_no_name_covers_another():
    points = [{"label": f"Example {at}", "across": at / 10, "up": 0.001} for at in range(9)]
    points += [{"label": f"Far {at}", "across": 5.0, "up": 0.4 + at / 1e4} for at in range(3)]
    view = {"name": "b", "title": "t", "description": "d", "points": points}
    svg = drawn(planes.baujat(view))
    assert len(of_class(svg, "point")) == 12
    names = of_class(svg, "small")
    assert {name.text for name in names if name.text.startswith("Far")} == {"Far 0", "Far 1", "Far 2"}
    assert len({(name.get("x"), name.get("y"), name.get("text-anchor")) for name in names}) == len(names)


def test_a_baujat_plot_of_effects_that_are_all_alike_has_axes_all_the_same():
    points = [{"label": "x", "across": 0.0, "up": 0.0}] * 3
    svg = drawn(planes.baujat({"name": "b", "title": "t", "description": "d", "points": points}))
    assert {one.get("cy") for one in of_class(svg, "point")} == {f"{planes.BOTTOM:.2f}"}


def test_bubbles_lie_at_their_values_with_areas_by_weight_and_the_line_runs_through():
    points = [
        {"label": "a", "value": 2010.0, "yi": -0.5, "weight": 40.0},
        {"label": "b", "value": 2020.0, "yi": -0.1, "weight": 10.0},
    ]
    line = [
        {"value": 2010.0, "estimate": -0.5, "ci_low": -0.8, "ci_high": -0.2},
        {"value": 2020.0, "estimate": -0.1, "ci_low": -0.4, "ci_high": 0.2},
    ]
    view = {"name": "y", "title": "t", "description": "d", "what": "Year", "points": points, "line": line}
    across, up = planes.bubble_axes(view)
    svg = drawn(planes.bubble(view))
    big, small = of_class(svg, "bubble")
    assert float(big.get("cx")) == pytest.approx(across.x(2010.0), abs=0.01)
    assert float(big.get("cy")) == pytest.approx(up.x(-0.5), abs=0.01)
    assert float(big.get("r")) / float(small.get("r")) == pytest.approx(2.0, abs=0.01)
    (drawn_line,) = of_class(svg, "line")
    assert float(drawn_line.get("y2")) == pytest.approx(up.x(-0.1), abs=0.01)
    ticks = [one.text for one in of_class(svg, "tick")]
    assert "2010" in ticks
