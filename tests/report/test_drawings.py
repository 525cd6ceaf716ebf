import itertools
import math
import re
import struct
from types import SimpleNamespace

import example
import pandas as pd
import pytest
from lxml import etree

import draw_figures
from livingreview import tables
from livingreview.pooling.regressions import regression
from livingreview.report import drawings, figures, forest, listings, pages, standalone
from livingreview.trials import checks
from livingreview.trials.effects import compute
from livingreview.trials.inclusion import entered
from livingreview.trials.revisions import rows_at

TEMPLATES = draw_figures.TEMPLATES
FONTS = sorted(map(str, TEMPLATES.glob("fonts/*.otf")))


@pytest.fixture(scope="module")
def style():
    names = ("tokens.css", "report/figures.css")
    return standalone.light_style(*((TEMPLATES / name).read_text("utf-8") for name in names))


def test_a_release_stands_between_what_it_had_seen_and_what_came_later():
    steps = [{"entered": "2025-01"}, {"entered": "2025-03"}, {"entered": "2025-05"}]
    releases = [("2024-01", "first"), ("2025-03", "second"), ("2025-09", "third")]
    found = [words or step["entered"] for step, words in listings.marked(steps, releases)]
    assert found == ["first", "2025-01", "2025-03", "second", "2025-05", "third"]
    assert listings.marked([], []) == []


def test_the_cumulative_figure_has_a_row_for_each_step_and_the_releases():
    context = example.context()
    rows = listings.cumulative(context, "many")["rows"]
    steps = context["estimates"]["outcomes"]["many"]["cumulative"]
    assert [row["yi"] for row in rows if "yi" in row] == [step["estimate"] for step in steps]
    assert [row["heading"] for row in rows if "heading" in row] == ["Release 26.0.0"]


def test_leaving_out_draws_the_main_estimate_below():
    context = example.context()
    made = listings.left_out(context, "many")
    assert len(made["rows"]) == 6
    assert made["pool"]["estimate"] == context["estimates"]["outcomes"]["many"]["main"]["estimate"]
    assert listings.left_out(context, "one") is None


def test_analyses_of_one_label_are_told_apart_by_their_note():
    rows = listings.analyses(example.context(), "many")["rows"]
    labels = [row["label"] for row in rows]
    assert len(labels) == len(set(labels))


def test_groups_hold_their_trials_and_a_diamond_from_two_on():
    context = example.context()
    for row in context["effects"]:
        row["population"] = "youth" if row["row_id"] == "many-1" else "adult"
    part = context["estimates"]["outcomes"]["many"]["subgroups"][0]
    part["groups"][1] |= {"k": 1, "estimate": -0.5}
    rows = listings.groups(context, "many", part)["rows"]
    assert [row.get("heading", row.get("label")) for row in rows] == [
        "Adults",
        "Example 2010",
        *(f"Example {year}" for year in range(2012, 2016)),
        "Pooled (k = 6)",
        "Youth",
        "Example 2011",
    ]


def test_cells_are_drawn_on_the_axis_of_the_whole_figure():
    made = listings.left_out(example.context(), "many")
    axis = figures.cell_scale(figures.forest_scale(made))
    cells = listings.cells(made)["cells"]
    assert len(cells) == len(made["rows"])
    line = etree.fromstring(str(cells[0]))[0]
    assert float(line.get("x1")) == pytest.approx(axis.x(made["rows"][0]["ci_low"]), abs=0.01)
    assert listings.cells(None) is None


def test_a_row_without_an_estimate_has_an_empty_cell():
    context = example.context()
    context["estimates"]["outcomes"]["many"]["leave_one_out"][2] |= {"estimate": None, "ci_low": None}
    cells = listings.cells(listings.left_out(context, "many"))["cells"]
    assert len(etree.fromstring(str(cells[2]))) == 0


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("none", set()),
        ("one", {"forest", "sensitivity", "cumulative"}),
        ("two", {"forest", "sensitivity", "cumulative", "leave-one-out"}),
        ("many", {"forest", "sensitivity", "cumulative", "leave-one-out", "funnel", "baujat"}),
    ],
)
def test_the_figures_of_an_outcome_are_those_it_has_effects_for(name, kinds):
    made = drawings.views_of(example.context(), name)
    assert {kind for kind in made if not kind.startswith("forest-by-")} == kinds


def test_every_filled_effect_is_told_in_words():
    context = example.context()
    shape = context["estimates"]["outcomes"]["many"]["funnel"]
    assert drawings.funnel_words(context, "two")[0].startswith("Trim and fill was not computed: ")
    shape |= {"filled": [], "reason": None}
    assert drawings.funnel_words(context, "many") == ["Trim and fill finds no effect missing."]
    shape |= {"filled": [{"yi": 0.25, "vi": 0.04}], "side": "right"}
    expected = "Trim and fill puts in one effect on the right: 0.25 (standard error 0.20)."
    assert drawings.funnel_words(context, "many") == [expected]


def test_five_hundred_effects_keep_their_places_and_the_cells_stay_small():
    rows = [
        {
            "label": f"Example {at}",
            "yi": at / 500 - 0.7,
            "ci_low": -1.0,
            "ci_high": 0.4,
            "weight": 0.2,
            "new": False,
        }
        for at in range(500)
    ]
    made = listings.left_out(example.context(), "many") | {"rows": rows}
    drawing = etree.fromstring(str(figures.forest(made)))
    squares = [one for one in drawing.iter("rect") if one.get("class") == "square"]
    assert len(squares) == 500
    gaps = {round(float(b.get("y")) - float(a.get("y")), 2) for a, b in itertools.pairwise(squares)}
    assert gaps == {figures.ROW}
    assert max(len(str(cell)) for cell in listings.cells(made)["cells"]) < 450


def test_every_colour_of_a_file_is_that_of_the_page_on_light_paper(style):
    assert "var(" not in style
    tokens = (TEMPLATES / "tokens.css").read_text("utf-8")
    blue = re.search(r"--blue: (#\w+);", tokens)[1]
    assert f"svg .square {{ fill: {blue}; }}" in style


def test_a_variable_that_the_page_does_not_define_stops_the_drawing():
    with pytest.raises(KeyError, match="purple"):
        standalone.light_style(":root { --sans: Arial; }", "svg { fill: var(--purple); }")


def test_a_file_holds_style_title_and_origin_and_all_of_the_figure(style):
    view = forest.drawing(example.context(), "many")
    text = standalone.standalone(
        figures.forest(view), style=style, title=view["title"], origin="<b>Example</b> & run"
    )
    svg = etree.fromstring(text.encode())
    assert svg.tag == f"{{{standalone.NAMESPACE}}}svg"
    words = [one.text for one in svg.iter(f"{{{standalone.NAMESPACE}}}text")]
    assert words[0] == "Forest plot: many trials"
    assert words[-1] == "<b>Example</b> & run"
    assert "Example 2013" in words
    left, top, width, height = map(float, svg.get("viewBox").split())
    for one in svg.iter(f"{{{standalone.NAMESPACE}}}text"):
        if not one.get("transform"):
            assert left <= float(one.get("x")) <= left + width
            assert top <= float(one.get("y")) <= top + height


def pixels(png):
    return struct.unpack(">II", png[16:24])


def test_a_png_has_twice_the_pixels_and_the_same_bytes_each_time(style):
    view = forest.drawing(example.context(), "two")
    text = standalone.standalone(figures.forest(view), style=style, title="x", origin="y")
    png = standalone.png(text, fonts=FONTS)
    width, height = (float(re.search(rf'{side}="([\d.]+)"', text)[1]) for side in ("width", "height"))
    assert pixels(png) == (round(2 * width), round(2 * height))
    assert standalone.png(text, fonts=FONTS) == png


def test_text_is_drawn_with_the_fonts_that_come_along(style):
    def made(label):
        return standalone.png(
            standalone.standalone(
                '<svg width="200" height="30" class="x" role="img" aria-labelledby="x"></svg>',
                style=style,
                title=label,
                origin="",
            ),
            fonts=FONTS,
        )

    assert len(FONTS) == 2
    # Even a character that the fonts do not have leaves a mark.
    assert len({made(label) for label in ("", "Grasås", "Grasas", "\u4e2d")}) == 4


def test_a_very_long_figure_is_drawn_with_fewer_pixels(style):
    drawing = '<svg width="20" height="12000" class="x" role="img" aria-labelledby="x"></svg>'
    text = standalone.standalone(drawing, style=style, title="", origin="")
    assert pixels(standalone.png(text, fonts=FONTS))[1] == standalone.TALLEST


@pytest.fixture
def job(tmp_path, monkeypatch):
    context = example.context()
    # Drawing pixels is tested above, once.
    monkeypatch.setattr(standalone, "png", lambda text, **_: text.encode())
    inputs = {"releases": []}
    for name in ("estimates", "changes"):
        inputs[name] = tmp_path / f"{name}.json"
        tables.write_json(context[name], inputs[name])
    for at, row in enumerate(context["releases"]):
        inputs["releases"].append(tmp_path / f"release-{at}.json")
        tables.write_json(row, inputs["releases"][-1])
    common = {"run": "2026-01", "revision": 1, "source": "example", "guided": "yes"}
    frames = {
        "effects": pd.DataFrame(context["effects"]),
        "included": pd.DataFrame([{"study_id": row["study_id"]} for row in context["studies"]]),
        "studies": pd.DataFrame([row | common for row in context["studies"]]).reindex(
            columns=tables.columns("studies")
        ),
    }
    for name, frame in frames.items():
        inputs[name] = tmp_path / f"{name}.csv"
        tables.write(frame, inputs[name])
    return SimpleNamespace(
        input=SimpleNamespace(**inputs),
        output=SimpleNamespace(figures=tmp_path / "figures"),
        params=SimpleNamespace(
            run="2026-11", config=context["config"], known=tmp_path / ".cache", code="test"
        ),
    )


def test_the_files_are_those_that_the_page_links_to(job):
    draw_figures.main(job)
    context = example.context()
    promised = {
        name
        for outcome in context["config"]["outcomes"]
        for file in drawings.in_page(context, outcome, forest.view(context, outcome))["files"].values()
        for name in (file["svg"], file["png"])
    }
    written = {f"figures/{path.name}" for path in job.output.figures.iterdir()}
    assert written == promised
    assert len(written) > 10
    drawn = etree.parse(job.output.figures / "forest-many.svg")
    text = " ".join(one.text for one in drawn.iter(f"{{{standalone.NAMESPACE}}}text"))
    assert "Bold: new since release 26.0.0." in text
    words = "Living systematic review; trials last entered or corrected in run 2026-01."
    assert f"Example treatment for example pain. {words}" in text


def test_a_month_in_which_no_trial_changed_has_the_same_files_and_draws_no_image(job, monkeypatch):
    def made():
        draw_figures.main(job)
        return {path.name: path.read_bytes() for path in job.output.figures.iterdir()}

    before = made()
    job.params.run, job.output.figures = "2026-12", job.output.figures.with_name("next")
    monkeypatch.setattr(standalone, "png", lambda *_, **__: pytest.fail("an image was drawn again"))
    assert made() == before


def outcome_row(row_id, run, revision, mean):
    """A row of outcomes of one trial, as a person extracted or corrected it in a run."""
    printed = {"mean_1": mean, "sd_1": 2.0, "n_1": 30, "mean_2": 5.0, "sd_2": 2.0, "n_2": 30}
    named = {"study_id": "example_2020", "outcome": "pain", "instrument": row_id, "higher_is": "worse"}
    named |= {"timepoint": "post", "arm_1": "app", "arm_2": "wait", "effect_type": "means", "status": "ok"}
    texts = dict.fromkeys(
        ("comparison", "printed_effect", "printed_direction", "shared_control", "set_aside_reason", "note")
    )
    numbers = dict.fromkeys([*checks.NUMBERS, "baseline_mean_1", "baseline_mean_2"], math.nan)
    about = {"row_id": row_id, "run": run, "revision": revision, "source": "table 2"}
    about |= {"priority": {"a": 1, "b": 2}[row_id]}
    return numbers | texts | named | printed | about


@pytest.mark.parametrize(
    ("rows", "included", "study", "said"),
    [
        ([("a", "2026-02", 1, 4.0)], "2026-01", "2026-01", "2026-02"),
        ([("a", "2026-02", 1, 4.0)], "2026-04", "2026-01", "2026-04"),
        ([("a", "2026-02", 1, 4.0), ("a", "2026-08", 2, 3.0)], "2026-01", "2026-01", "2026-08"),
        ([("a", "2026-02", 1, 4.0), ("b", "2026-09", 1, 3.0)], "2026-01", "2026-01", "2026-09"),
        ([("a", "2026-02", 1, 4.0)], "2026-01", "2026-10", "2026-10"),
        ([("a", "2026-02", 1, 4.0), ("a", "2027-01", 2, 3.0)], "2026-01", "2026-01", "2026-02"),
    ],
    ids=["entered", "included later", "corrected", "another row", "the trial corrected", "not yet corrected"],
)
def test_a_figure_names_the_run_in_which_its_trials_last_changed(rows, included, study, said):
    outcomes = pd.DataFrame([outcome_row(*row) for row in rows])
    about = {"population": "adult", "condition": "back", "comparator_class": "waitlist"}
    studies = [{"study_id": "example_2020", "first_author": "Example", "year": "2020", "run": study} | about]
    effects = compute(
        rows_at(outcomes, "2026-12", ["row_id"]), pd.DataFrame(studies), {"example_2020"}, protocol=["pain"]
    )
    since = pd.DataFrame([{"study_id": "example_2020", "since_run": included}])
    effects["entered"] = entered(effects, outcomes, since)
    context = {"effects": tables.plain_rows(effects), "studies": studies}
    assert drawings.last_change(context, "pain") == said


def test_a_figure_says_nothing_of_trials_where_none_has_entered():
    context = {"effects": [], "studies": [], "config": {"review": {"title": "A review"}}}
    assert drawings.origin(context, "pain") == "A review. Living systematic review."


def test_a_review_without_effects_has_an_empty_folder_of_figures(job):
    job.params.config["outcomes"] = {"none": job.params.config["outcomes"]["none"]}
    draw_figures.main(job)
    assert list(job.output.figures.iterdir()) == []


def test_effects_against_a_number_of_the_protocol_have_a_figure_sentences_and_a_table():
    context = example.context()
    rows = [row for row in context["effects"] if row["outcome"] == "many"]
    values = {row["row_id"]: 2010.0 + at for at, row in enumerate(rows[:5])}
    found = regression(
        pd.DataFrame(rows), variable="year", label="Year of publication", values=values, test="z", method="DL"
    )
    context["estimates"]["outcomes"]["many"]["regressions"] = [found]
    made = drawings.in_page(context, "many", forest.view(context, "many"))
    (one,) = made["regressions"]
    assert made["files"]["bubble-year"]["svg"] == "figures/bubble-year-many.svg"
    assert one["says"][0].startswith("From one unit of year of publication to the next, g changes by 0.1")
    assert one["says"][1:] == [
        "A slope from fewer than 10 effects is a guess.",
        "Left out, since the number is not known: one effect (Example 2015).",
    ]
    assert [row["value"] for row in one["rows"]] == ["2010", "2011", "2012", "2013", "2014"]
    assert "Effects by year of publication" in pages.build(context)


def test_a_number_of_which_too_little_is_known_has_no_figure_and_says_why():
    found = regression(
        pd.DataFrame(columns=["row_id", "label", "study", "yi", "vi"]),
        variable="weeks",
        label="Weeks",
        values={},
    )
    context = example.context()
    context["estimates"]["outcomes"]["none"]["regressions"] = [found]
    (one,) = drawings.in_page(context, "none", None)["regressions"]
    assert (one["drawn"], one["rows"]) == (None, [])
    assert one["says"] == ["No regression was computed: 0 effects have the number; at least 3 are needed."]
