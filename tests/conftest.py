"""Example tables: one valid row per schema, changed by the tests; every name in them is made up."""

import csv
import os
import shutil
from pathlib import Path

import pytest
import yaml
from hypothesis import settings

from livingreview import tables

ROOT = Path(__file__).resolve().parents[1]
# Folders of tests of minutes. Two workers that end with the short files end together.
LONG = [ROOT / "tests/workflow", ROOT / "tests/operation", ROOT / "tests/desk"]

# Nothing that a test says may depend on how busy a machine is.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

# Tests run as root in containers, where Chromium's sandbox cannot start; the pages are the project's own.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]

EXAMPLES = {
    "reports": {"record_id": "101", "study_id": "example_2020", "run": "2020-01"},
    "screening": {
        "record_id": "101",
        "run": "2020-01",
        "stage": "title-abstract",
        "decision": "include",
        "reviewer": "EX",
        "decided_at": "2020-01-15",
    },
    "queue": {"record_id": "101", "pmid": "101", "stage": "title-abstract", "state": "new"},
    "conflicts": {
        "record_id": "101",
        "pmid": "101",
        "stage": "title-abstract",
        "differ_in": "decision",
        "reviewer_1": "A",
        "decision_1": "include",
        "reviewer_2": "B",
        "decision_2": "exclude",
    },
    "pairs": {
        "record_a": "101",
        "record_b": "doi:10.1000/example.9",
        "verdict": "same_record",
        "reviewer": "EX",
        "run": "2020-01",
        "decided_at": "2020-01-15",
    },
    "pair_queue": {
        "record_a": "101",
        "record_b": "doi:10.1000/example.9",
        "kind": "duplicate",
        "score": "0.8",
        "evidence": "same title",
    },
    "sheet_history": {
        "at": "2020-01-15T12:00:00Z",
        "by": "EX",
        "table": "outcomes",
        "row_id": "example_2020.pain_intensity.1",
        "field": "mean_1",
        "after": "4.2",
    },
    "import_sources": {
        "file": "example.csv",
        "database": "Example registry",
        "n_records": "1",
        "note": "found by hand",
    },
    "import_records": {
        "doi": "10.1000/example.9",
        "title": "An example trial from a registry",
        "authors": "Registry E",
        "year": "2020",
    },
    "ratings": {
        "outcome": "pain_intensity",
        "domain": "imprecision",
        "rating": "-1",
        "reason": "few people",
        "by": "EX",
        "k": "1",
        "estimate": "-0.5",
        "run": "2020-01",
        "revision": "1",
    },
    "sandbox_records": {
        "pmid": "101",
        "title": "Internet treatment for example pain",
        "entry_date": "2019-06-01",
        "entry_date_basis": "PubMed",
        "source": "test",
    },
    "studies": {
        "study_id": "example_2020",
        "first_author": "Example",
        "year": "2020",
        "title": "Internet treatment for example pain",
        "population": "adult",
        "condition": "back",
        "comparator_class": "waitlist",
        "intervention_class": "cbt",
        "guided": "yes",
        "source": "Example 2020, table 1",
        "run": "2020-01",
        "revision": "1",
    },
    "outcomes": {
        "row_id": "example_2020.pain_intensity.1",
        "study_id": "example_2020",
        "outcome": "pain_intensity",
        "instrument": "NRS",
        "higher_is": "worse",
        "timepoint": "post",
        "mean_1": "4.0",
        "sd_1": "2.0",
        "n_1": "40",
        "mean_2": "5.0",
        "sd_2": "2.0",
        "n_2": "40",
        "effect_type": "means",
        "priority": "1",
        "status": "ok",
        "source": "Example 2020, table 2",
        "run": "2020-01",
        "revision": "1",
    },
}


def pytest_collection_modifyitems(items):
    """Hands out the long files first, the rest in the order of their names."""
    items.sort(key=lambda item: not any(item.path.is_relative_to(folder) for folder in LONG))


@pytest.fixture
def root():
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def write_example():
    """Writes a table of example rows, each given as the cells that differ."""

    def write(schema, *rows, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        columns = tables.columns(schema)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(dict.fromkeys(columns, "") | EXAMPLES[schema] | row for row in rows)
        return path

    return write


@pytest.fixture
def example_table(tmp_path, write_example):
    """The same for one test, into its own folder; returns the path."""

    def make(schema, *rows, path=None):
        return write_example(schema, *rows, path=path or tmp_path / f"{schema}.csv")

    return make


@pytest.fixture
def example_frame(tmp_path, example_table):
    """The same as a frame, read as the program reads it."""

    def make(schema, *rows):
        return tables.read(example_table(schema, *rows, path=tmp_path / "frames" / f"{schema}.csv"), schema)

    return make


@pytest.fixture
def shipped():
    """The bundled config, fresh for each test to change."""
    return yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))


def chromium():
    """Path of the browser: CHROMIUM, or Debian's chromium; None where there is none."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium")


@pytest.fixture(scope="session")
def browser():
    """One browser for all tests of a process, which can drive no second one; skipped where there is none."""
    if not chromium():
        pytest.skip("no Chromium: install Debian's package chromium, or name one in CHROMIUM")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield opened
        opened.close()
