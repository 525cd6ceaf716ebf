"""PubMed's files beside, and in the place of, the search of a whole review."""

import json

import pytest
import yaml
from search.bulk_files import write_file

from livingreview import tables
from livingreview.search import sandbox

RUN = "2026-11"


@pytest.fixture
def with_files(clone):
    """The bundled review, with files that hold its whole corpus but for one record, and one record more."""
    rows = [
        row for row in sandbox.read_corpus(clone.path("data/sandbox/records.csv")) if not row["mesh_terms"]
    ]
    left_out = "26039902"
    assert left_out in {row["pmid"] for row in rows}
    kept = [row for row in rows if row["pmid"] != left_out]
    more = dict(rows[0]) | {"pmid": "99000001", "title": "Internet course for chronic pain: a random example"}
    folder = clone.path("pubmed-files")
    write_file(folder, 1, kept[:100])
    write_file(folder, 2, [*kept[100:], more])
    config = yaml.safe_load(clone.path("config.yaml").read_text(encoding="utf-8"))
    config["search"]["bulk"] = {"folder": "pubmed-files", "as_of": "2026-11-20"}
    clone.path("config.yaml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    clone.left_out, clone.more = left_out, more["pmid"]
    return clone


def test_an_audit_names_what_only_the_search_and_only_the_files_hold(with_files):
    done = with_files.snakemake("bulk")
    assert done.returncode == 0, done.stderr
    audit = json.loads(with_files.path(f"results/{RUN}/bulk_audit.json").read_text())
    assert audit["only_files"] == [with_files.more]
    assert audit["only_search"][with_files.left_out] == "not in the files"
    counts = audit["counts"]
    assert counts["search"] == counts["both"] + counts["only_search"]
    assert counts["files"] == counts["both"] + counts["only_files"]
    assert counts["both"] > 50


def test_the_files_can_take_the_place_of_the_service(with_files):
    with_files.replace("config.yaml", "base_url: sandbox", "base_url: bulk")
    with_files.replace("config.yaml", "drop_tolerance_percent: 5", "drop_tolerance_percent: 100")
    done = with_files.snakemake()
    assert done.returncode == 0, done.stderr
    provenance = tables.read_json(with_files.path(f"data/searches/{RUN}/pubmed/provenance.json"))
    assert provenance["searched_at"].startswith("2026-11-20")
    assert provenance["count"] == provenance["n_fetched"]
    assert provenance["known"]["not_asked"] > 0
    assert provenance["known"]["gone"] == 0
    records = tables.read_results(with_files.path(f"results/{RUN}/records.csv")).set_index("record_id")
    assert with_files.more in records.index
    # Known records that the files do not match are kept; nobody claims that PubMed has lost them.
    assert records.loc[with_files.left_out, "retrieval"] == "no longer found"
    page = with_files.path(f"results/{RUN}/report.html").read_text(encoding="utf-8")
    assert "searched offline in 2 files of PubMed" in page
    assert "PubMed’s baseline and update files, searched offline" in page
    again = with_files.snakemake()
    assert "Nothing to be done" in again.stdout + again.stderr
