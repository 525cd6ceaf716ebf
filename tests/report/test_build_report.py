from types import SimpleNamespace

import example
import pandas as pd
import pytest
from lxml import html

import build_report
from livingreview import tables
from livingreview.errors import InputError
from livingreview.report import pages

JSON = (
    "imports",
    "extraction_agreement",
    "ranking",
    "backtest",
    "drift",
    "agreement",
    "estimates",
    "certainty",
    "changes",
    "triggers",
    "methods_changes",
    "text",
    "flow",
    "status",
    "whats_new",
)
CSV = (
    *("records", "events", "pairs", "companions", "queue", "months", "suspicious", "conflicts", "effects"),
    *("findings", "corrections", "judged"),
)
LISTS = ("provenances", "releases", "refetched")


def shown(page):
    """What a reader sees; files hold ten digits, the facts in memory more."""
    return html.document_fromstring(page).text_content()


def on_disk(folder, context):
    """The files of a run, from the context that they should give."""
    inputs = {}
    for name in JSON:
        inputs[name] = folder / f"{name}.json"
        tables.write_json(context[name], inputs[name])
    columns = {
        "pairs": tables.columns("pair_queue"),
        "companions": ["group_id", "record_id", "evidence"],
        "conflicts": tables.columns("conflicts"),
        "judged": ["study_id", "outcome", "tool", "domain", "judgement", "basis"],
    }
    frames = {name: pd.DataFrame(context[name], columns=columns.get(name)) for name in CSV}
    frames["included"] = pd.DataFrame([{"study_id": row["study_id"]} for row in context["studies"]])
    common = {"run": "2026-01", "revision": 1, "source": "example", "guided": "yes"}
    studies = [row | common for row in context["studies"]]
    left_out = studies[0] | {"study_id": "example_not_included"}
    frames["studies"] = pd.DataFrame([*studies, left_out]).reindex(columns=tables.columns("studies"))
    decision = {"run": "2026-01", "stage": "full-text", "decision": "include", "decided_at": "2026-01-02"}
    decisions = [row | decision for row in context["decisions"]]
    later = decisions[0] | {"run": "2026-12", "reviewer": "L. A. Ter"}
    frames["decisions"] = pd.DataFrame([*decisions, later]).reindex(columns=tables.columns("screening"))
    frames["outcomes"] = pd.DataFrame(columns=tables.columns("outcomes"))
    for name, frame in frames.items():
        inputs[name] = folder / f"{name}.csv"
        tables.write(frame, inputs[name])
    for name in LISTS:
        inputs[name] = [folder / f"{name}-{index}.json" for index, _ in enumerate(context[name])]
        for path, row in zip(inputs[name], context[name], strict=True):
            tables.write_json(row, path)
    return SimpleNamespace(**inputs)


def outputs(folder):
    """What the rule writes."""
    return SimpleNamespace(
        report=folder / "report.html",
        data=folder / "report.json",
        checklists=folder / "checklists.csv",
    )


def facts():
    """The example, with records that were fetched again."""
    again = {"run": "2026-10", "n_records": 200, "changed": ["7"], "uncomparable": [], "absent": []}
    return example.context() | {"refetched": [again]}


@pytest.fixture
def job(tmp_path):
    context = facts()
    return SimpleNamespace(
        input=on_disk(tmp_path, context),
        output=outputs(tmp_path),
        params=SimpleNamespace(run="2026-11", config=context["config"], code=context["code"]),
    )


def test_the_files_of_a_run_give_the_page_of_their_facts(job):
    build_report.main(job)
    page = job.output.report.read_text(encoding="utf-8")
    read = build_report.read(job.input, config=job.params.config, run="2026-11")
    expected = facts() | {name: read[name] for name in ("files", "software", "embedded")}
    assert shown(page) == shown(pages.build(expected))


def test_only_included_studies_and_earlier_decisions_are_read(job):
    read = build_report.read(job.input, config=job.params.config, run="2026-11")
    assert "example_not_included" not in {row["study_id"] for row in read["studies"]}
    assert [row["reviewer"] for row in read["decisions"]] == ["E. X."]


def test_a_release_of_this_run_or_later_is_not_shown(job):
    read = build_report.read(job.input, config=job.params.config, run="2026-01")
    assert [row["version"] for row in read["releases"]] == ["16.0.0"]


def test_every_file_read_is_listed_with_its_digest(job):
    read = build_report.read(job.input, config=job.params.config, run="2026-11")
    paths = [
        path for value in vars(job.input).values() for path in (value if isinstance(value, list) else [value])
    ]
    assert {row["name"] for row in read["files"]} == set(map(str, paths))
    assert all(len(row["sha256"]) == 64 for row in read["files"])


def test_a_flow_that_does_not_add_up_leaves_no_page(job):
    flow = tables.read_json(job.input.flow)
    flow["checks"][0]["right"] += 1
    tables.write_json(flow, job.input.flow)
    with pytest.raises(InputError, match="does not add up"):
        build_report.main(job)
    assert not job.output.report.exists()
