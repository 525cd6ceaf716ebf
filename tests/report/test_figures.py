import pytest
from lxml import etree

from livingreview.report import figures

AXIS = figures.Scale(-1.5, 1.0, 100.0, 350.0)
ROW = {"label": "Example 2020", "yi": -0.3, "ci_low": -0.6, "ci_high": 0.0, "weight": 60.0, "new": False}
POOL = {
    "k": 2,
    "estimate": -0.25,
    "ci_low": -0.5,
    "ci_high": 0.0,
    "pi_low": -0.7,
    "pi_high": 0.2,
}


def view(*rows, **changed):
    base = {
        "name": "forest-example",
        "title": "Forest plot: example",
        "description": "Two trials.",
        "rows": list(rows) or [ROW, ROW | {"yi": 0.1, "ci_low": -0.9, "ci_high": 1.1, "weight": 40.0}],
        "pool": POOL,
        "before": {"label": "Release 26.0.0", "estimate": -0.2, "ci_low": -0.4, "ci_high": 0.0},
        "level": 0.95,
        "zone": 0.1,
        "favours_left": "favours example treatment",
        "favours_right": "favours control",
    }
    return base | changed


def drawn(markup):
    return etree.fromstring(str(markup))


def texts(svg):
    return [text.text for text in svg.iter("text")]


def test_values_lie_where_the_scale_puts_them():
    assert AXIS.x(-1.5) == 100
    assert AXIS.x(1.0) == 350
    assert AXIS.x(0.0) == pytest.approx(250)
    assert AXIS.x(-9) == 100


def test_ticks_are_halves_within_the_axis():
    assert AXIS.ticks() == [-1.5, -1.0, -0.5, 0.0, 0.5, 1.0]


def test_the_axis_holds_every_point_but_not_every_whisker():
    axis = figures.scale([-2.3, 0.1], [(-4.0, 3.0)])
    assert axis.low <= -2.3
    assert axis.low > -4.0
    assert axis.high == 1.0


def test_the_axis_of_nothing_still_has_a_zero():
    axis = figures.scale([], [])
    assert axis.low < 0 < axis.high


def test_squares_are_centred_on_the_effect_and_sized_by_weight():
    made = view()
    axis = figures.forest_scale(made).between(figures.WIDE.left, figures.WIDE.right)
    squares = [
        r for r in drawn(figures.forest(made, figures.WIDE)).iter("rect") if r.get("class") == "square"
    ]
    assert len(squares) == 2
    for square, row in zip(squares, made["rows"], strict=True):
        side = float(square.get("width"))
        assert float(square.get("x")) + side / 2 == pytest.approx(axis.x(row["yi"]), abs=0.02)
    ratio = float(squares[1].get("width")) / float(squares[0].get("width"))
    assert ratio**2 == pytest.approx(40 / 60, rel=0.01)


def test_the_diamond_spans_the_interval_of_the_pool():
    corners = figures.diamond(AXIS, POOL, 50)
    assert corners[0] == (AXIS.x(-0.5), 50)
    assert corners[2] == (AXIS.x(0.0), 50)
    assert corners[1][0] == corners[3][0] == AXIS.x(-0.25)


def arrows(svg):
    return [p for p in svg.iter("polygon") if "arrow" in p.get("class")]


def test_a_whisker_beyond_the_axis_ends_in_an_arrowhead_and_others_do_not():
    long = ROW | {"ci_low": -4.0, "ci_high": 3.0}
    assert len(arrows(drawn(figures.forest(view(long), figures.WIDE)))) == 2
    assert not arrows(drawn(figures.forest(view(ROW), figures.WIDE)))


@pytest.mark.parametrize("shape", [figures.WIDE, figures.NARROW])
def test_the_figure_has_a_title_a_description_and_the_printed_numbers(shape):
    svg = drawn(figures.forest(view(), shape))
    assert svg.get("role") == "img"
    names = svg.get("aria-labelledby").split()
    assert [svg.find("title").get("id"), svg.find("desc").get("id")] == names
    assert "\u22120.30 [\u22120.60, 0.00]" in texts(svg)
    assert "\u22120.25 [\u22120.50, 0.00]" in texts(svg)


@pytest.mark.parametrize("shape", [figures.WIDE, figures.NARROW])
def test_everything_lies_inside_the_drawing(shape):
    svg = drawn(figures.forest(view(), shape))
    _, _, width, height = map(float, svg.get("viewBox").split())
    for element in svg.iter():
        for name, limit in (("x", width), ("x1", width), ("x2", width), ("y", height), ("y1", height)):
            assert 0 <= float(element.get(name, 0)) <= limit


def test_one_trial_has_no_diamond():
    svg = drawn(figures.forest(view(ROW, pool=None, before=None), figures.WIDE))
    assert not list(svg.iter("polygon"))
    assert "Pooled, random effects" not in texts(svg)


def test_a_pool_of_two_without_prediction_interval_has_no_row_for_it():
    svg = drawn(figures.forest(view(pool=POOL | {"pi_low": None, "pi_high": None}), figures.WIDE))
    assert "Prediction interval" not in texts(svg)


def test_labels_are_escaped():
    markup = figures.forest(view(ROW | {"label": "<script>x</script>"}), figures.WIDE)
    assert "<script>" not in str(markup)
    assert "<script>x</script>" in texts(drawn(markup))


def test_the_small_drawing_of_no_estimate_is_empty():
    row = {"k": 0, "estimate": None, "ci_low": None, "ci_high": None, "pi_low": None, "pi_high": None}
    assert len(drawn(figures.small_interval(row, AXIS))) == 0
