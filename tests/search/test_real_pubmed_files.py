"""Real answers of PubMed, where a folder of them lies beside the repository; skipped otherwise."""

import csv
import gzip
from pathlib import Path

import pytest

from livingreview.search import records

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "pubmed"


def listed():
    if not (FOLDER / "INDEX.csv").is_file():
        return []
    with (FOLDER / "INDEX.csv").open(encoding="utf-8", newline="") as file:
        return [
            row for row in csv.DictReader(file) if row["kind"] in ("efetch", "efetch (empty set)", "baseline")
        ]


def body_of(name):
    data = (FOLDER / name).read_bytes()
    return gzip.decompress(data) if name.endswith(".gz") else data


@pytest.mark.skipif(not listed(), reason="no folder of real files beside the repository")
def test_every_article_in_a_real_answer_becomes_a_record():
    for row in listed():
        body = body_of(row["file"])
        if row["records"] == "0" and b"<PubmedArticle>" in body:
            with pytest.raises(records.RecordError):
                records.parse(body)
            continue
        found = records.parse(body)
        assert len(found) == int(row["records"]), row["file"]
        assert records.pmids_of(body) == tuple(record["pmid"] for record in found), row["file"]


@pytest.mark.skipif(not listed(), reason="no folder of real files beside the repository")
def test_real_records_have_what_all_real_records_have():
    found = [
        record for row in listed() if row["records"] != "0" for record in records.parse(body_of(row["file"]))
    ]
    share = {column: sum(bool(record[column]) for record in found) / len(found) for column in found[0]}
    assert share["title"] > 0.99
    assert share["year"] > 0.99
    assert share["entry_date"] > 0.9
    assert all(len(record["year"]) in (0, 4) for record in found)
    assert all(record["doi"] == record["doi"].lower() for record in found)
