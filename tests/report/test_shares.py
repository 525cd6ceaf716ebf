"""The drawings of shares: points lie where their numbers say."""

import pytest
from lxml import etree

from livingreview.report import shares

MONTHS = {
    "name": "recall-example",
    "title": "What was held",
    "description": "Two months.",
    "target": 0.95,
    "target_label": "Target 95%",
    "axis": "Share held",
    "rows": [
        {"label": "January 2026", "share": 0.5, "low": 0.1, "high": 0.9, "numbers": "1 of 2"},
        {"label": "February 2026", "share": 1.0, "low": 0.4, "high": 1.0, "numbers": "4 of 4"},
    ],
}
BINS = [
    {"low": 0.0, "high": 0.1, "n": 1234, "mean_probability": 0.02, "share": 0.01, "share_low": 0.005},
    {"low": 0.9, "high": 1.0, "n": 3, "mean_probability": 0.95, "share": 1.0, "share_low": 0.3},
]
BINS = [row | {"share_high": high} for row, high in zip(BINS, (0.02, 1.0), strict=True)]
RELIABILITY = {"name": "reliability-example", "title": "Reliability", "description": "Two.", "rows": BINS}


def drawn(markup):
    return etree.fromstring(str(markup))


def texts(drawing):
    return [text.text for text in drawing.iter("text")]


def centres(drawing):
    return [
        (float(box.get("x")) + shares.SIDE / 2, float(box.get("y")) + shares.SIDE / 2)
        for box in drawing.iter("rect")
    ]


def lines(drawing, style):
    names = ("x1", "y1", "x2", "y2")
    return [
        [float(one.get(name)) for name in names] for one in drawing.iter("line") if one.get("class") == style
    ]


@pytest.mark.parametrize("shape", [shares.WIDE, shares.NARROW])
def test_each_month_is_a_point_with_its_interval_and_the_target_is_a_line(shape):
    drawing = drawn(shares.by_month(MONTHS, shape))
    assert [x for x, _ in centres(drawing)] == [shares.across(shape, 0.5), shares.across(shape, 1.0)]
    found = [(left, right) for left, _, right, _ in lines(drawing, "ci")]
    expected = [(row["low"], row["high"]) for row in MONTHS["rows"]]
    for one, ends in zip(found, expected, strict=True):
        assert one == pytest.approx([shares.across(shape, end) for end in ends])
    ((left, _, right, _),) = lines(drawing, "target")
    assert left == right == pytest.approx(shares.across(shape, 0.95))


def test_on_a_phone_the_counts_follow_the_label():
    assert "January 2026: 1 of 2" in texts(drawn(shares.by_month(MONTHS, shares.NARROW)))
    wide = texts(drawn(shares.by_month(MONTHS, shares.WIDE)))
    assert "January 2026" in wide
    assert "1 of 2" in wide


def test_a_low_target_has_its_label_on_the_right_of_its_line():
    def anchor(target):
        drawing = drawn(shares.by_month(MONTHS | {"target": target}, shares.NARROW))
        return next(text.get("text-anchor") for text in drawing.iter("text") if text.text == "Target 95%")

    assert (anchor(0.1), anchor(0.95)) == ("start", "end")


def test_reliability_puts_what_was_said_on_one_axis_and_what_came_on_the_other():
    drawing = drawn(shares.reliability(RELIABILITY))
    for row, (x, y) in zip(BINS, centres(drawing), strict=True):
        assert (x, y) == pytest.approx(
            (shares.square_x(row["mean_probability"]), shares.square_y(row["share"]))
        )
    for row, (left, low, right, high) in zip(BINS, lines(drawing, "ci"), strict=True):
        assert left == right == pytest.approx(shares.square_x(row["mean_probability"]))
        assert (low, high) == pytest.approx(
            (shares.square_y(row["share_low"]), shares.square_y(row["share_high"]))
        )
    ((x1, y1, x2, y2),) = lines(drawing, "target")
    assert (x1, y1, x2, y2) == pytest.approx(
        (shares.square_x(0), shares.square_y(0), shares.square_x(1), shares.square_y(1))
    )


def test_counts_stand_at_the_top_and_long_ones_in_thousands():
    assert {"1.23k", "3"} <= set(texts(drawn(shares.reliability(RELIABILITY))))


@pytest.mark.parametrize("markup", [shares.by_month(MONTHS, shares.WIDE), shares.reliability(RELIABILITY)])
def test_a_drawing_is_an_image_with_a_title_and_a_description(markup):
    drawing = drawn(markup)
    assert drawing.get("role") == "img"
    ids = [one.get("id") for one in drawing.iter("title", "desc")]
    assert drawing.get("aria-labelledby").split() == ids


def test_nothing_is_drawn_outside_the_picture():
    for markup in (
        *(shares.by_month(MONTHS, shape) for shape in (shares.WIDE, shares.NARROW)),
        shares.reliability(RELIABILITY),
    ):
        drawing = drawn(markup)
        width, height = float(drawing.get("width")), float(drawing.get("height"))
        for one in drawing.iter("line", "rect"):
            for name in ("x", "x1", "x2"):
                assert 0 <= float(one.get(name, 0)) <= width
            for name in ("y", "y1", "y2"):
                assert 0 <= float(one.get(name, 0)) <= height
