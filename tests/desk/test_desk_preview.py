"""What typed values do to the result: the workflow's own digits, why there are none, drawn where they are typed."""

import html
import re

import pytest
from desk.one_trial import ANXIETY, PAIN, fields, include, merge, steps

from livingreview import tables
from livingreview.desk import standing
from livingreview.desk.extraction import form
from livingreview.desk.preview import effects_now, pages, pools, typed
from livingreview.report import prose

RULES_OF_WORDS = {
    "no_effect": 0.1,
    "small": 0.2,
    "moderate": 0.5,
    "large": 0.8,
    "minimum_studies": 3,
    "favours_left": "favours treatment",
    "favours_right": "favours control",
}


def plain(answer):
    """The text of a page or a part of one, in one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def preview(client, name, given, **options):
    return client.post(f"/extraction/{name}/preview", **given, **options)


def of_form(client, name, given):
    """The trials with a form's values, as the page computes them."""
    held = client.desk.held
    here = effects_now.now(held)
    read = typed.read(
        form.study(given),
        form.rows(given),
        standing=here,
        registry=standing.registry(held),
        record_id=pages._record_of(client.desk.review, name),
    )
    return here, effects_now.with_typed(here, read.typed)


def pooled(estimate, low, high, *, k=4, tau2=0.01):
    return {
        "estimate": estimate,
        "ci_low": low,
        "ci_high": high,
        "k": k,
        "n_studies": k,
        "tau2": tau2,
        "I2": 10.0,
    }


def test_the_tables_of_now_give_the_digits_that_the_run_wrote(client):
    held = client.desk.held
    here, written = effects_now.now(held), held.table(held.results("effects.csv"))
    columns = [name for name in written if name != "entered"]
    assert tables.to_csv(here.effects[columns]) == tables.to_csv(written[columns])
    estimates = held.json(held.results("estimates.json"))["outcomes"]
    for outcome, found in estimates.items():
        made = pools.main_of(here.effects, outcome, here.config)
        assert tables.to_json(made) == tables.to_json({key: found[key] for key in made})


def test_what_was_previewed_is_what_the_steps_write_once_it_is_merged(client):
    name = include(client)
    given = fields(PAIN, ANXIETY)
    shown = plain(preview(client, name, given))
    _, whole = of_form(client, name, given)
    previewed = {one: pools.main_of(whole.effects, one, whole.config) for one in whole.config["outcomes"]}
    assert [row["k"] for row in (previewed[one]["main"] for one in ("pain_intensity", "anxiety"))] == [7, 4]

    merge(client, name, PAIN, ANXIETY)
    made = steps(client)
    effects = tables.read_results(made / "effects.csv").drop(columns="entered")
    ours = whole.effects[whole.effects["study"] == "new_2026"]
    theirs = effects[effects["study"] == "new_2026"]
    numbers = ["row_id", "label", "yi", "vi", "ni", "in_pool", "reason", "conversion", "assumption"]
    assert len(theirs) == 2
    assert tables.to_csv(ours[numbers]) == tables.to_csv(theirs[numbers])
    estimates = tables.read_json(made / "estimates.json")["outcomes"]
    for outcome, found in estimates.items():
        assert tables.to_json(previewed[outcome]) == tables.to_json(
            {key: found[key] for key in previewed[outcome]}
        )
    pain = estimates["pain_intensity"]["main"]
    assert f"{prose.number(pain['estimate'])}" in shown
    assert prose.interval(pain["ci_low"], pain["ci_high"]) in shown
    assert prose.interval(pain["pi_low"], pain["pi_high"]) in shown


def test_a_merged_trial_is_seen_in_the_results_before_any_run(client):
    name = include(client)
    before = plain(client.get("/effects"))
    assert "Pain intensity −0.49" in before.replace("Run of November 2026: ", "")
    assert "Added" not in before
    merge(client, name, PAIN)
    after = plain(client.get("/effects"))
    assert "Added: New 2026." in after
    page = plain(client.get("/effects/pain_intensity"))
    assert "Something has changed since the run of November 2026" in page
    assert "Effects 6 trials 7 trials" in page
    assert "New 2026 new" in page
    assert "nothing that it rests on has changed since" in plain(client.get("/effects/depression"))


def test_each_row_says_what_it_gives_or_why_it_gives_nothing(client):
    name = include(client)
    rows = [
        PAIN,
        PAIN | {"timepoint": "follow-up", "instrument": "VAS", "mean_1": "31", "mean_2": "42"},
        ANXIETY | {"mean_1": "5,1"},
        ANXIETY | {"outcome": "depression", "instrument": "PHQ-9", "sd_1": "0"},
        ANXIETY | {"outcome": "physical_function", "instrument": "SF-36", "higher_is": "better"},
    ]
    said = plain(preview(client, name, fields(*rows)))
    assert (
        "NRS, after treatment g −0.53 [−0.94, −0.13] favours internet treatment From means and SDs." in said
    )
    assert "Not pooled: Time point follow-up; the protocol's is post" in said
    assert "No effect yet: Mean (treatment): found '5,1'" in said
    assert "No effect yet: Standard deviation (treatment): found 0.0; allowed: more than 0" in said
    assert "Not pooled: Outcome physical_function is not one of the protocol's" in said


def test_a_form_without_numbers_says_when_something_will_be_drawn(client):
    name = include(client)
    empty = {"outcome": "pain_intensity", "timepoint": "post", "priority": "1"}
    assert "Nothing is typed yet that gives an effect" in plain(preview(client, name, fields(empty)))


def test_a_fault_in_the_facts_of_the_study_hides_no_effect(client):
    name = include(client)
    said = plain(preview(client, name, fields(PAIN, n_randomised="many", population="nobody")))
    assert "g −0.53 [−0.94, −0.13]" in said
    assert "Effects 6 trials 7 trials" in said


def test_a_study_that_nobody_included_is_drawn_and_not_pooled(client):
    said = plain(preview(client, "nothing_of_that_name", fields(PAIN)))
    assert "Not pooled: No person has included this study" in said
    assert "Pooled g" not in said


def test_the_whole_page_comes_to_a_browser_without_script_and_the_part_alone_to_a_script(client):
    name = include(client)
    alone = client.post(f"/extraction/{name}/check", **fields(PAIN)).json["preview"]
    whole = preview(client, name, fields(PAIN)).text
    assert alone.lstrip().startswith('<div class="preview">')
    assert whole.startswith("<!doctype html>")
    assert "Nothing was saved by looking" in whole
    assert alone in whole


def test_hostile_names_are_text_in_the_drawing(client):
    name = include(client)
    answer = preview(client, name, fields(PAIN, first_author="<img src=x onerror=alert(1)>"))
    assert "<img" not in answer.text
    assert "&lt;img src=x onerror=alert(1)&gt; 2026" in answer.text


@pytest.mark.parametrize("name", ["..%2f..%2f..%2fconfig.yaml", "%2e%2e", "a%00b", "~root"])
def test_a_sheet_is_looked_for_in_its_folder_only(client, name):
    answer = preview(client, name, fields(PAIN))
    assert answer.status_code in (404, 405, 409)
    assert "interpretation:" not in answer.text


def test_an_outcome_that_there_is_not_is_not_found(client):
    assert client.get("/effects/height").status_code == 404


def test_results_that_were_never_built_say_what_to_do_first(client):
    for path in (client.desk.review / "results").rglob("estimates.json"):
        path.unlink()
    answer = client.get("/effects")
    assert answer.status_code == 409
    assert "Build the month first" in answer.text


@pytest.mark.parametrize(
    ("after", "before", "said"),
    [
        (
            pooled(-0.50, -0.8, -0.2),
            pooled(-0.40, -0.7, -0.1),
            ["moves by −0.10", "favours treatment", "from"],
        ),
        # Printed are −0.49 and −0.51, whatever the digits behind them.
        (pooled(-0.506, -0.8, -0.2), pooled(-0.494, -0.7, -0.1), ["moves by −0.02"]),
        (pooled(-0.506, -0.8, -0.2), pooled(-0.514, -0.7, -0.1), ["stays where it is", "+0.008"]),
        (
            pooled(-0.30, -0.6, 0.1),
            pooled(-0.4, -0.7, -0.1),
            ["+0.10", "favours control", "now includes zero"],
        ),
        (pooled(-0.30, -0.6, -0.1), pooled(-0.301, -0.7, -0.1), ["stays where it is", "+0.001", "stands"]),
        (pooled(None, None, None, k=0), pooled(-0.3, -0.6, -0.1), ["Nothing can be pooled now"]),
        (pooled(-0.3, -0.6, -0.1), pooled(None, None, None, k=0), ["Nothing is pooled then", "4 effects"]),
        (pooled(-0.3, -0.6, -0.1, k=1), pooled(-0.4, -0.6, -0.1), ["one trial, not pooled"]),
    ],
)
def test_a_move_is_told_in_words(after, before, said):
    found = " ".join(pools.words(after, before, rules=RULES_OF_WORDS, with_="now", without="then"))
    assert [part for part in said if part not in found] == []


def test_changed_effects_are_told_apart():
    one, two, three = ({"row_id": key, "yi": -0.5, "vi": 0.1} for key in "abc")
    found = pools.changed([one, two | {"vi": 0.2}], [two, three])
    assert {what: [row["row_id"] for row in rows] for what, rows in found.items()} == {
        "added": ["a"],
        "revised": ["b"],
        "removed": ["c"],
    }


def test_values_typed_in_the_form_are_drawn_beside_the_other_trials(client, open_desk):
    name = include(client)
    page = open_desk(client.desk.review, path=f"/extraction/{name}")
    type_pain(page)
    page.wait_for_selector("#preview tr.marked")
    assert "Nhu" not in page.inner_text("#preview tr.marked")
    assert page.locator("#preview tr.marked svg.cell").evaluate(
        "cell => getComputedStyle(cell.querySelector('.square')).fill"
    ) == page.evaluate("getComputedStyle(document.querySelector('#preview svg .square')).fill")
    colour = page.locator("#preview svg .square").first.evaluate("mark => getComputedStyle(mark).fill")
    assert colour == "rgb(28, 78, 128)"
    assert "−0.53 [−0.94, −0.13]" in page.inner_text("#preview")


def type_pain(page):
    """Type a result on pain into the first row of that outcome, as a person does."""
    row = page.evaluate(
        "[...document.querySelectorAll('[name$=\".outcome\"]')]"
        ".find(field => field.value === 'pain_intensity').name.split('.')[1]"
    )
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    for column in ("instrument", "way", "n_1", "mean_1", "sd_1", "n_2", "mean_2", "sd_2"):
        field = page.locator(f'[name="row.{row}.{column}"]').first
        if field.evaluate("field => field.tagName") == "SELECT":
            field.select_option(PAIN[column])
        else:
            field.fill(PAIN[column])


def test_two_rows_of_one_id_are_told_and_neither_is_pooled(client):
    name = include(client)
    rows = [PAIN | {"row_id": "new_2026.x.1"}, PAIN | {"row_id": "new_2026.x.1", "priority": "2"}]
    said = plain(preview(client, name, fields(*rows)))
    assert said.count("No effect yet: Row id: two rows of this id") == 2
    assert "Pooled g" not in said
