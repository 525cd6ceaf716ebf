"""Records with ugly cells, a ledger on them, and what the three programs write; all of it made up."""

import csv
import io

from livingreview.search.records import COLUMNS

STAGES = ["title-abstract", "full-text"]
REASONS = {
    "not_rct": "Not a randomised controlled trial",
    "not_pain": "Not chronic pain",
    "check_delivery": "To be checked, how it was delivered",
}
UGLY = {
    "101": {
        "title": 'Apps for "example" pain; a trial, with commas',
        "abstract": "An internet course helped.",
    },
    "102": {
        "title": "A title\nin two lines\tand a tab",
        "abstract": "BACKGROUND: x.\n\nER  - not the end\r\nTY  - JOUR\nRESULTS: y.",
    },
    "103": {"title": "慢性疼痛的网络治疗", "abstract": None},
    "104": {"title": "在线疼痛课程", "abstract": None},
    "105": {"title": "Боль и интернет — пример", "abstract": "Рандомизированное исследование."},
    "106": {"title": "=cmd|' /C calc'!A0", "abstract": "+1 -1 @example and \x0b control \x00 characters"},
    "107": {"title": None, "abstract": "An abstract without a title."},
    "108": {"title": "Reply", "abstract": None},
    "109": {"title": "Reply", "abstract": None},
    "doi:10.1002/(sici)1000(1998)17:15<1661::aid-sim968>3.0.co;2-2": {
        "title": "Pain & <i>gain</i>: 5 < 6",
        "doi": "10.1002/(sici)1000(1998)17:15<1661::aid-sim968>3.0.co;2-2",
        "abstract": "Semicolons; <b>markup</b> &amp; signs: 100% | done.",
    },
    "embase:2020.5": {"title": "NA", "abstract": "None"},
    "110": {"title": "A long one", "abstract": "internet pain " * 72_000},
}
DECIDED = {
    "101": ("include", None),
    "102": ("exclude", "not_rct"),
    "105": ("exclude", None),
    "108": ("include", None),
}


def make_record(record_id, **cells):
    """One record of the corpus, as a dict."""
    digits = record_id.isdigit()
    given = {
        "record_id": record_id,
        "pmid": record_id if digits else None,
        "authors": "Example AB; The Sample Group; Ünal Ö Jr",
        "journal": "J Examples",
        "year": "2020",
        "keywords": "pain; internet",
        "mesh_terms": "Pain / therapy*",
        "source": "PubMed",
        "first_run": "2020-01",
        "last_run": "2020-02",
    }
    return dict.fromkeys(COLUMNS) | given | cells


def csv_rows(data):
    """The rows of a CSV file, however long their cells are."""
    before = csv.field_size_limit(len(data))
    try:
        return list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))
    finally:
        csv.field_size_limit(before)


def changed_csv(data, change):
    """A CSV file with its rows changed by a function of the row's number (from 1) and the row."""
    rows = [change(number, row) for number, row in enumerate(csv_rows(data), start=1)]
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode("utf-8")
