import itertools

import pytest
from lxml import etree

from livingreview.report import figures

AXIS = figures.Scale(-1.5, 1.0, 100.0, 350.0)
ROW = {"label": "Example 2020", "yi": -0.3, "ci_low": -0.6, "ci_high": 0.0, "weight": 60.0, "new": False}
POOL = {
    "label": "Pooled, random effects",
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
        "what": "Trial",
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


@pytest.mark.parametrize(("low", "high", "step"), [(-1.0, 1.0, 0.5), (-3.0, 3.0, 1.0), (-9.0, 3.0, 2.0)])
def test_ticks_stay_few_on_a_wide_axis(low, high, step):
    ticks = figures.Scale(low, high, 0.0, 1.0).ticks()
    assert len(ticks) <= figures.MOST_TICKS
    assert {round(b - a, 9) for a, b in itertools.pairwise(ticks)} == {step}
    assert 0.0 in ticks


def test_an_effect_too_far_away_does_not_stretch_the_axis_and_a_pooled_one_does():
    far = ROW | {"yi": -12.0, "ci_low": -14.0, "ci_high": -10.0}
    assert figures.forest_scale(view(ROW, far)).low == -1.5
    pool = POOL | {"estimate": -5.0, "ci_low": -6.0, "ci_high": -4.0}
    assert figures.forest_scale(view(ROW, pool=pool)).low <= -5.25


def test_an_effect_too_far_away_is_an_arrowhead_at_the_edge_it_lies_beyond():
    far = ROW | {"yi": -12.0, "ci_low": -14.0, "ci_high": -10.0}
    svg = drawn(figures.cell_effect(AXIS, far, heaviest=60.0))
    (arrow,) = svg
    assert arrow.get("class") == "arrow beyond"
    assert arrow.get("points").split()[0] == f"{AXIS.left:.2f},11.00"
    (arrow,) = drawn(figures.cell_effect(AXIS, ROW | {"yi": 12.0}, heaviest=60.0))
    assert arrow.get("points").split()[0] == f"{AXIS.right:.2f},11.00"


def test_a_cell_draws_the_same_positions_as_its_axis():
    svg = drawn(figures.cell_effect(AXIS, ROW, heaviest=60.0))
    line, square = svg
    assert (float(line.get("x1")), float(line.get("x2"))) == (AXIS.x(-0.6), AXIS.x(0.0))
    side = float(square.get("width"))
    assert side == figures.CELL_LARGEST
    assert float(square.get("x")) + side / 2 == pytest.approx(AXIS.x(-0.3), abs=0.01)


def test_the_band_of_a_cell_lies_about_zero():
    axis = figures.cell_scale(figures.Scale(-1.0, 1.0, 0.0, 1.0))
    edges = dict(part.split(":") for part in figures.cell_band(axis, zone=0.1).split(";"))
    found = {key: float(value.rstrip("%")) / 100 * figures.CELL_WIDTH for key, value in edges.items()}
    expected = {"--zl": axis.x(-0.1), "--z0": axis.x(0.0), "--zr": axis.x(0.1)}
    assert found == pytest.approx(expected, abs=0.02)


def test_squares_are_centred_on_the_effect_and_sized_by_weight():
    made = view()
    axis = figures.forest_scale(made).between(figures.LEFT, figures.RIGHT)
    squares = [r for r in drawn(figures.forest(made)).iter("rect") if r.get("class") == "square"]
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
    assert len(arrows(drawn(figures.forest(view(long))))) == 2
    assert not arrows(drawn(figures.forest(view(ROW))))


def test_the_figure_has_a_title_a_description_and_the_printed_numbers():
    svg = drawn(figures.forest(view()))
    assert svg.get("role") == "img"
    names = svg.get("aria-labelledby").split()
    assert [svg.find("title").get("id"), svg.find("desc").get("id")] == names
    assert "\u22120.30 [\u22120.60, 0.00]" in texts(svg)
    assert "\u22120.25 [\u22120.50, 0.00]" in texts(svg)


def test_everything_lies_inside_the_drawing():
    svg = drawn(figures.forest(view()))
    _, _, width, height = map(float, svg.get("viewBox").split())
    for element in svg.iter():
        for name, limit in (("x", width), ("x1", width), ("x2", width), ("y", height), ("y1", height)):
            assert 0 <= float(element.get(name, 0)) <= limit


def test_one_trial_has_no_diamond():
    svg = drawn(figures.forest(view(ROW, pool=None, before=None)))
    assert not list(svg.iter("polygon"))
    assert "Pooled, random effects" not in texts(svg)


def test_a_pool_of_two_without_prediction_interval_has_no_row_for_it():
    svg = drawn(figures.forest(view(pool=POOL | {"pi_low": None, "pi_high": None})))
    assert "Prediction interval" not in texts(svg)


def test_a_pool_without_interval_is_a_diamond_of_the_least_width():
    left, top, right, _ = figures.diamond(AXIS, POOL | {"ci_low": None, "ci_high": None}, 50)
    assert (top[0] - left[0], right[0] - top[0]) == (1, 1)


def test_groups_have_headings_and_diamonds_of_their_own():
    group = {"label": "Subtotal", "estimate": -0.1, "ci_low": -0.3, "ci_high": 0.1}
    svg = drawn(figures.forest(view({"heading": "Adults"}, ROW, group)))
    assert texts(svg).index("Adults") < texts(svg).index("Example 2020") < texts(svg).index("Subtotal")
    assert len([p for p in svg.iter("polygon") if p.get("class") == "pool"]) == 2


def test_rows_without_weights_have_plain_squares_and_no_column_of_weights():
    svg = drawn(figures.forest(view(ROW | {"weight": None})))
    assert "Weight" not in texts(svg)
    assert [r.get("width") for r in svg.iter("rect") if r.get("class") == "square"] == ["8.00"]


def test_a_label_too_long_is_cut_in_the_figure():
    svg = drawn(figures.forest(view(ROW | {"label": "Example " * 40})))
    assert max(len(text) for text in texts(svg)) < 60


def test_labels_are_escaped():
    markup = figures.forest(view(ROW | {"label": "<script>x</script>"}))
    assert "<script>" not in str(markup)
    assert "<script>x</script>" in texts(drawn(markup))


def test_the_small_drawing_of_no_estimate_is_empty():
    row = {"k": 0, "estimate": None, "ci_low": None, "ci_high": None, "pi_low": None, "pi_high": None}
    assert len(drawn(figures.small_interval(row, AXIS))) == 0
