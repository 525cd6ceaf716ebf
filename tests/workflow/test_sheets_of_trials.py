"""Extraction sheets in whole runs: made, waited for, merged when they are ready, and never by a mere look."""

import csv
import shutil

import openpyxl
import pytest
import yaml
from workflow.conftest import ROOT, Review

from livingreview import tables

RUN = "2026-11"
EFFECTS = f"results/{RUN}/effects.csv"
WAITING = f"results/{RUN}/extraction.csv"
STUDY = {
    "population": "adult",
    "condition": "other",
    "comparator_class": "waitlist",
    "intervention_class": "other",
    "guided": "no",
}
MEANS = {
    "instrument": "Example sleep scale",
    "mean_1": 4,
    "sd_1": 2,
    "n_1": 40,
    "mean_2": 5,
    "sd_2": 2,
    "n_2": 40,
    "effect_type": "means",
    "source": "the report",
    "page": "7",
}


def write_rows(path, columns, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A review of which one record is included and has a fresh sheet."""
    review = Review(tmp_path_factory.mktemp("sheets") / "tea")
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    config["review"] = {"title": "Tea", "question": "Does tea help?", "demonstration": ""}
    config["search"] |= {"query": "tea[tiab]", "acknowledged": []}
    config["outcomes"] = {"sleep": {"label": "Sleep", "short": "Sleep"}}
    config["screening"]["stages"] = ["full-text"]
    config |= {"subgroups": [], "run": RUN}
    del config["rehearsal"]
    tables.write_text(yaml.safe_dump(config), review.path("config.yaml"))
    corpus = {
        "pmid": "101",
        "title": "Green tea and sleep: an example trial",
        "entry_date": "2026-10-05",
        "entry_date_basis": "PubMed",
        "source": "made up for this test",
    }
    decision = {
        "record_id": "101",
        "run": RUN,
        "stage": "full-text",
        "decision": "include",
        "reviewer": "AB",
        "decided_at": "2026-11-01T10:00:00Z",
    }
    scale = {
        "name": "Example sleep scale",
        "outcome": "sleep",
        "higher_is": "worse",
        "run": RUN,
        "revision": "1",
    }
    for place, schema, rows in [
        ("sandbox/records", "sandbox_records", [corpus]),
        ("decisions/screening", "screening", [decision]),
        ("decisions/pairs", "pairs", []),
        ("trials/instruments", "instruments", [scale]),
        *((f"trials/{name}", name, []) for name in ("studies", "reports", "outcomes")),
    ]:
        write_rows(review.path("data", f"{place}.csv"), tables.columns(schema), *rows)
    done = review.snakemake(EFFECTS, WAITING)
    assert done.returncode == 0, done.stderr
    return review


@pytest.fixture
def review(first, tmp_path):
    return first.copy(tmp_path / "review")


def type_in(review, study=(), outcome=()):
    """Type cells into the workbook of the sheet."""
    path = review.path("data/trials/sheets/101/extraction.xlsx")
    book = openpyxl.load_workbook(path)
    for name, cells in (("study", dict(study)), ("outcomes", dict(outcome))):
        header = [cell.value for cell in book[name][1]]
        for column, value in cells.items():
            book[name].cell(2, header.index(column) + 1).value = value
    book.save(path)


def waiting(review):
    return tables.read_results(review.path(WAITING))[["sheet", "state"]].values.tolist()


SHEET = "data/trials/sheets/101"


def test_a_sheet_is_begun_then_ready_then_merged_by_the_run_and_never_by_a_look(review):
    assert waiting(review) == [[SHEET, "empty"]]
    assert review.path(SHEET, "extraction.xlsx").is_file()
    type_in(review, outcome=MEANS)
    done = review.snakemake(WAITING)
    assert done.returncode == 0, done.stderr
    assert waiting(review) == [[SHEET, "begun"]]

    type_in(review, STUDY | {"ready": "yes"})
    before = review.files("data")
    done = review.snakemake("--dry-run")
    assert done.returncode == 0, done.stderr
    assert review.files("data") == before

    done = review.snakemake(EFFECTS, WAITING)
    assert done.returncode == 0, done.stderr
    assert "Extraction sheet 101: study" in done.stderr
    assert waiting(review) == []
    effects = tables.read_results(review.path(EFFECTS))
    assert effects[["outcome", "in_pool"]].values.tolist() == [["sleep", True]]
    assert effects.at[0, "yi"] == pytest.approx(-0.4951, abs=1e-4)
    assert review.path("data/trials/sheets/merged/101/extraction.xlsx").is_file()


def test_a_ready_sheet_at_fault_stops_the_run_and_leaves_everything_as_it_was(review):
    type_in(review, STUDY | {"ready": "yes"}, MEANS | {"sd_1": 0, "page": None})
    before = review.files("data")
    done = review.snakemake(EFFECTS)
    assert done.returncode != 0
    said = done.stderr[-1500:]
    assert f"{SHEET}/extraction.xlsx, sheet outcomes: 2 problems" in said
    assert "row 2, column sd_1: found 0.0; allowed: more than 0" in said
    assert "numbers without their place in the report" in said
    assert review.files("data") == before


def test_a_month_that_is_built_again_merges_nothing(review):
    type_in(review, STUDY | {"ready": "yes"}, MEANS)
    searches = review.path("data/searches")
    shutil.copytree(searches / RUN, searches / "2026-12")
    done = review.snakemake(EFFECTS, WAITING)
    assert done.returncode == 0, done.stderr
    assert "Extraction sheet" not in done.stderr
    assert waiting(review) == [[SHEET, "ready"]]
    assert tables.read_results(review.path(EFFECTS)).empty
