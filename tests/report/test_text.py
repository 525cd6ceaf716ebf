"""Hand-written text on the page, the keys that it may quote, and the script that checks it."""

import copy
from pathlib import Path
from types import SimpleNamespace

import example
import pandas as pd
import pytest
from lxml import html

import check_text
from livingreview import tables
from livingreview.errors import InputError
from livingreview.living.text import stale
from livingreview.living.text.support import Result
from livingreview.report import pages, prose, text, text_keys

REFERENCE = Path(__file__).parents[1] / "reference" / "prose"
HOSTILE = "<img src=x onerror=alert(1)> **bold** [x](javascript:alert(1)) {{ run }}"


def keys(**changed):
    context = example.context() | changed
    names = ("config", "run", "estimates", "changes", "status", "flow", "certainty")
    return {
        key: shown for key, (shown, _) in text_keys.values(**{name: context[name] for name in names}).items()
    }


def test_keys_print_what_the_report_prints():
    found = keys()
    assert found["run"] == "2026-11"
    assert found["month"] == "November 2026"
    assert found["level"] == "95%"
    assert found["many.k"] == "6"
    assert found["many.estimate"].startswith("−0.")
    assert found["many.ci"].replace(" to ", ", ") == found["many.interval"].strip("[]")
    assert found["none.sentence"].startswith("No trial has numbers on without trials")
    assert found["release"] == "26.0.0"


def test_a_number_that_does_not_exist_has_no_text():
    found = keys()
    assert {found[f"none.{key}"] for key in ("estimate", "ci", "pi", "I2", "tau2", "size_word")} == {None}
    assert found["none.n_studies"] == "0"
    assert found["one.I2"] is None
    assert found["two.pi"] is None
    without = copy.deepcopy(example.context()["changes"]) | {"release": None}
    assert keys(changes=without)["release"] is None


def test_every_key_of_an_outcome_is_described():
    found = keys()
    for name in example.CONFIG["outcomes"]:
        assert {key for key in text_keys.OUTCOME_KEYS if f"{name}.{key}" in found} == set(
            text_keys.OUTCOME_KEYS
        )


def test_the_report_s_own_sentences_pass_the_check():
    given = tables.read_json(REFERENCE / "results.json")
    rules, outcomes = given["rules"], given["outcomes"]
    names = stale.Names.of({name: one["names"] for name, one in outcomes.items()})
    results = {
        name: Result(
            name=name,
            label=one["names"][0],
            now=one | {"n_participants_unknown_rows": 0},
            **{key: one[key] for key in ("before", "n_favour", "n_against", "certainty")},
        )
        for name, one in outcomes.items()
    }
    read = 0
    for name, result in results.items():
        said = prose.outcome_sentences(result.now, label=result.label, rules=rules, level=0.95)
        found = stale.check(said, results, names=names, rules=rules, topic=[name])
        # Their numbers are made and not typed.
        assert [fault for _, fault in found if fault.kind != "number"] == []
        read += len(said)
    assert read == 16


def test_the_documentation_names_every_key(root):
    told = (root / "docs" / "text.md").read_text(encoding="utf-8")
    single = {key for key in keys() if "." not in key}
    assert [key for key in sorted({*text_keys.OUTCOME_KEYS, *single}) if f"`{key}`" not in told] == []


def test_a_value_is_neither_markup_nor_markdown():
    shown = text.rendered("Title: {{ title }}.", {"title": HOSTILE})
    assert html.fragment_fromstring(shown, create_parent="div").text_content().strip() == f"Title: {HOSTILE}."
    assert "<img" not in shown
    assert "<strong>" not in shown


def test_html_in_the_text_is_printed_as_typed():
    shown = text.rendered("<script>alert(1)</script> and <b>bold</b>\n\n<div onclick=x>\n", {})
    assert "<script" not in shown
    assert "<b>" not in shown
    assert "<div" not in shown
    assert "&lt;script&gt;" in shown


def test_headings_go_down_one_level_at_a_time_below_the_title():
    tree = html.fragment_fromstring(
        text.rendered("### A\n\n##### B\n\n# C\n\n## D\n", {}), create_parent="div"
    )
    assert [(h.tag, h.text) for h in tree] == [("h4", "A"), ("h5", "B"), ("h4", "C"), ("h5", "D")]


def test_citations_lead_to_the_list_and_literals_print_their_text():
    shown = text.rendered(
        'Shown [@b; @a] in {{ literal "24": a reason }} hours.', {}, references=["a", "b"], name="x"
    )
    links = html.fragment_fromstring(shown, create_parent="div").xpath(".//a")
    assert [(a.text, a.get("href")) for a in links] == [("2", "#text-x-b"), ("1", "#text-x-a")]
    assert "in 24 hours" in shown


def test_the_page_has_the_sections_and_what_was_checked():
    tree = html.document_fromstring(pages.build(example.context()))
    (section,) = tree.xpath("//section[@id='text']")
    words = " ".join(section.text_content().split())
    assert "The effect was −0.36 [1]." in words
    assert (
        "Three sentences were read: one makes a claim about a result and was held against it; two quote"
        in words
    )
    assert "24 (Background, line 4): hours in a day" in words


def test_text_without_claims_says_so():
    given = example.context()["text"]
    quiet = {"claims": 0, "others": 1, "sentences": 1, "values": {}, "body": "Yes."}
    shown = text.text({"text": given | {"sections": [given["sections"][0] | quiet]}})
    assert shown["lead"] == (
        "One sentence was read: none makes a claim about a result; one quotes or cites others and was not."
        " No results are quoted by key."
    )


def test_a_review_without_text_has_no_such_section():
    context = example.context() | {"text": {"sections": [], "protocol_sentences": 0}}
    tree = html.document_fromstring(pages.build(context))
    assert tree.xpath("//*[@id='text'] | //a[@href='#text']") == []


@pytest.fixture
def job(tmp_path):
    context = example.context()
    inputs = {}
    for name in ("estimates", "changes", "certainty", "flow", "status"):
        inputs[name] = tmp_path / f"{name}.json"
        tables.write_json(context[name], inputs[name])
    tables.write(pd.DataFrame(context["effects"]), tmp_path / "effects.csv")
    return SimpleNamespace(
        input=SimpleNamespace(**inputs, effects=tmp_path / "effects.csv", texts=[]),
        output=SimpleNamespace(text=tmp_path / "text.json", quotable=tmp_path / "text_keys.csv"),
        params=SimpleNamespace(run="2026-11", config=context["config"]),
    )


def write(job, tmp_path, body, head="title: Background"):
    path = tmp_path / "background.md"
    path.write_text(f"---\n{head}\n---\n{body}\n", encoding="utf-8")
    job.input.texts = [str(path)]


def test_the_script_writes_the_checked_text_and_the_keys(job, tmp_path):
    write(job, tmp_path, "Example treatment improved many: {{ many.estimate }}.")
    check_text.main(job)
    (section,) = tables.read_json(job.output.text)["sections"]
    assert section["values"] == {"many.estimate": keys()["many.estimate"]}
    assert section["claims"] == 1
    listed = pd.read_csv(job.output.quotable, dtype=str, keep_default_na=False)
    assert list(listed.columns) == ["key", "prints", "what"]
    assert dict(zip(listed["key"], listed["prints"], strict=True))["run"] == "2026-11"


def test_the_script_stops_at_a_false_sentence(job, tmp_path):
    write(job, tmp_path, "Example treatment worsened many.")
    with pytest.raises(InputError, match=r"background\.md: row 4: “Example treatment worsened many\."):
        check_text.main(job)


def test_text_of_a_later_run_is_no_text_of_an_earlier_one(job, tmp_path):
    write(job, tmp_path, "Example treatment worsened many.", head='title: Later\nsince: "2026-12"')
    check_text.main(job)
    assert tables.read_json(job.output.text)["sections"] == []


def test_without_texts_there_are_only_the_keys(job):
    check_text.main(job)
    assert tables.read_json(job.output.text) == {"protocol_sentences": 3, "sections": []}
