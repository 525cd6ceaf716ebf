import json
import re

import example
import pytest

from livingreview import tables
from livingreview.report import data, downloads, pages


@pytest.fixture(scope="module")
def made():
    context = example.context()
    return data.report(context, pages.view(context))


def test_every_key_is_documented(made, root_docs):
    documented = set()
    for line in root_docs.splitlines():
        if line.startswith("| `"):
            documented |= set(re.findall(r"`([a-z_]+)`", line.split("|")[1]))
    assert set(made) - documented == set()


@pytest.fixture(scope="module")
def root_docs():
    return (pages.TEMPLATES.parent / "docs" / "report.md").read_text(encoding="utf-8")


def test_it_is_plain_data_without_the_bulk_of_records(made, tmp_path):
    tables.write_json(made, tmp_path / "report.json")
    back = tables.read_json(tmp_path / "report.json")
    assert json.loads(json.dumps(back)) == back
    assert "records" not in back
    assert back["counts"] == {"records": 3, "decisions": 1}


def test_numbers_are_not_rounded_for_reading(made):
    main = example.context()["estimates"]["outcomes"]["many"]["main"]
    assert made["estimates"]["outcomes"]["many"]["main"]["estimate"] == main["estimate"]


def test_sentences_are_those_of_the_page(made):
    page = pages.build(example.context())
    assert made["sentences"].keys() == example.CONFIG["outcomes"].keys()
    assert made["citation"] in page
    assert made["living_status"] in page


def test_a_citation_names_authors_title_version_and_search():
    context = example.context()
    context["config"]["review"]["authors"] = [{"name": "A. One"}, {"name": "B. Two"}]
    text = downloads.citation(context)
    assert text.startswith(
        "A. One and B. Two. Example treatment for example pain: a living systematic review."
    )
    assert text.endswith("search of 1 November 2026.")


def test_without_authors_the_title_leads():
    assert downloads.citation(example.context()).startswith("Example treatment for example pain:")


def test_a_table_too_large_to_travel_is_named_and_left_beside_the_page():
    context = example.context()
    context["embedded"] = [{"name": "effects.csv", "text": "x" * (downloads.MOST_EMBEDDED + 1)}]
    view = downloads.downloads(context)
    assert view["embedded"] == []
    assert [row["name"] for row in view["too_large"]] == ["effects.csv"]
    assert "Too large to travel inside this page: effects.csv" in pages.build(context)


def test_every_file_that_readers_ask_for_is_listed_and_else_only_those_of_this_run_s_folder():
    context = example.context()
    shown = {"name": "/elsewhere/results/2026-11/zzz.csv", "sha256": "0" * 64, "bytes": 10}
    others = [shown | {"name": name} for name in ("data/trials/studies.csv", "results/2026-10/effects.csv")]
    context["files"] += [shown, *others]
    view = downloads.downloads(context)
    assert [row["name"] for row in view["files"]] == [*downloads.CONTENTS, "zzz.csv"]
    assert {row["name"]: row["size"] for row in view["files"] if row["size"]} == {
        "effects.csv": "12 kB",
        "zzz.csv": "1 kB",
    }


def test_the_page_says_which_of_its_files_a_release_keeps():
    kept = downloads.downloads(example.context())["kept"]
    assert "ledger.csv" in kept
    assert "checklists.csv" in kept
    assert "queue.csv" not in kept


def test_the_page_allows_its_own_script_alone():
    page = pages.build(example.context())
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)[1]
    assert policy.startswith("default-src &#39;none&#39;") or policy.startswith("default-src 'none'")
    assert "script-src 'sha256-" in policy
    assert "unsafe-inline" not in policy.split("script-src")[1]


def test_a_page_of_many_rows_is_laid_out_section_by_section():
    context = example.context()
    assert '<body class="long">' not in pages.build(context)
    assert pages.view(context)["long"] is False
    context["effects"] += [context["effects"][-1]] * pages.MANY_EFFECTS
    assert pages.view(context)["long"] is True
