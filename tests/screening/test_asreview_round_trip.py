"""A real round trip through ASReview LAB: its own import, its own model, its own export.

Runs where ASReview is: the environment variable ASREVIEW_PYTHON names its interpreter, or the program asreview
is on the path. Anything that goes wrong there is a failure; only its absence is a reason to skip.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from screening.exchange_fixtures import DECIDED, REASONS, STAGES, UGLY, make_record

from livingreview import tables
from livingreview.errors import InputError
from livingreview.screening import decisions as ledger
from livingreview.screening import exchange

DRIVER = Path(__file__).with_name("asreview_lab.py")
WITHOUT_LONG = {record_id: cells for record_id, cells in UGLY.items() if record_id != "110"}


def interpreter():
    """ASReview's Python, or None."""
    if os.environ.get("ASREVIEW_PYTHON"):
        return os.environ["ASREVIEW_PYTHON"]
    program = shutil.which("asreview")
    return str(Path(program).resolve().with_name("python")) if program else None


pytestmark = pytest.mark.skipif(
    interpreter() is None, reason="ASReview is not here: set ASREVIEW_PYTHON to its interpreter"
)
# What a person decides in ASReview, by record id; the ugliest ones.
GIVEN = {
    "103": {"label": 1, "note": "中文: looks right\nread again", "reason": ""},
    "104": {"label": 0, "note": "", "reason": "not_pain"},
    "106": {"label": 0, "note": 'with "quotes", a comma', "reason": ""},
    "107": {"label": 1, "note": "", "reason": ""},
    "109": {"label": 0, "note": "", "reason": "not_rct"},
    "doi:10.1002/(sici)1000(1998)17:15<1661::aid-sim968>3.0.co;2-2": {"label": 1, "note": "", "reason": ""},
}


def corpus(cells):
    return pd.DataFrame([make_record(record_id, **row) for record_id, row in cells.items()], dtype=object)


@pytest.fixture
def decided(tmp_path, write_example):
    """The ledger's path: four records decided at the first stage."""
    rows = [
        {"record_id": record_id, "decision": decision, "reason": reason or "", "run": "2020-01"}
        for record_id, (decision, reason) in DECIDED.items()
    ]
    return write_example("screening", *rows, path=tmp_path / "decisions/screening.csv")


def export(records, ledger_path, form):
    return exchange.export(
        records,
        tables.read(ledger_path, "screening"),
        run="2020-02",
        stages=STAGES,
        stage="title-abstract",
        tool="asreview",
        form=form,
    )


def through_asreview(data, form, records_in_file, folder):
    """LAB's exports of a file in which `GIVEN` was decided, and what LAB made of the file."""
    source, labels = folder / f"sent.{form}", folder / "labels.json"
    source.write_bytes(data)
    given = [{"at": records_in_file.index(record_id), **one} for record_id, one in GIVEN.items()]
    labels.write_text(json.dumps(given), encoding="utf-8")
    done = subprocess.run(
        [interpreter(), str(DRIVER), str(source), str(labels), str(folder)],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,  # one of its libraries leaves a cache where it is started
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def bring_back(path, ledger_path, records):
    return exchange.file(
        path,
        ledger_path,
        tool="asreview",
        records=records,
        stage="title-abstract",
        stages=STAGES,
        reasons=REASONS,
        run="2020-02",
        decided_at="2020-02-15T00:00:00Z",
        reviewer="AN",
    )


@pytest.mark.parametrize("form", ["ris", "csv"])
def test_decisions_go_to_asreview_and_come_back_as_the_same_and_the_new_ones(form, decided, tmp_path):
    records = corpus(UGLY if form == "ris" else WITHOUT_LONG)
    sent = export(records, decided, form)
    waiting = [one for one in records["record_id"] if one not in DECIDED]
    in_file = [*waiting, *(one for one in records["record_id"] if one in DECIDED)]
    seen = through_asreview(sent.data, form, in_file, tmp_path)
    # It has the labels as prior knowledge, and takes no two records for one.
    expected = {str(in_file.index(one)): int(said == "include") for one, (said, _) in DECIDED.items()}
    assert seen == {"priors": expected, "records": len(records), "groups": len(records)}
    before = decided.read_bytes()
    for number, ending in enumerate(("csv", "ris") if form == "ris" else ("csv", "csv")):
        back = bring_back(tmp_path / f"export.{ending}", decided, records)
        assert (len(back.rows), back.unchanged, back.unlabelled, back.maybe) == (
            len(GIVEN) if number == 0 else 0,
            len(DECIDED),
            len(records) - len(DECIDED) - len(GIVEN),
            0,
        ), ending
        if number == 0:
            assert_given(back.rows, tmp_path / f"export.{ending}")
    held = tables.read(decided, "screening")
    assert decided.read_bytes().startswith(before)
    assert ledger.in_force(held, "2020-02") == {
        **{one: {"title-abstract": said} for one, (said, _) in DECIDED.items()},
        **{one: {"title-abstract": "include" if said["label"] else "exclude"} for one, said in GIVEN.items()},
    }


def assert_given(rows, path):
    """The new rows say what was typed into ASReview, when, and where they come from."""
    digest = exchange.digest(path.read_bytes())
    said = {row.record_id: row for row in rows.itertuples()}
    assert said.keys() == GIVEN.keys()
    for record_id, one in GIVEN.items():
        row = said[record_id]
        assert (row.reason or "", row.reviewer) == (one["reason"], "AN")
        assert (
            row.decided_at > "2020-02-15T00:00:00Z"
        )  # ASReview says when; the moment of filing is not needed
        source = f"ASReview: {path.name}, sha256 {digest}"
        assert row.note == (f"{one['note']} ({source})" if one["note"] else source)


def test_a_label_changed_in_asreview_conflicts_with_the_decision_in_force(decided, tmp_path):
    records = corpus(UGLY)
    sent = export(records, decided, "ris").data.replace(
        b"N1  - ASReview_irrelevant\nN1  - living-review record_id=102",
        b"N1  - ASReview_relevant\nN1  - living-review record_id=102",
    )
    waiting = [one for one in records["record_id"] if one not in DECIDED]
    in_file = [*waiting, *(one for one in records["record_id"] if one in DECIDED)]
    through_asreview(sent, "ris", in_file, tmp_path)
    before = decided.read_bytes()
    with pytest.raises(
        InputError, match=r"102, title-abstract.*conflicts with the decision of EX in run 2020-01"
    ):
        bring_back(tmp_path / "export.ris", decided, records)
    assert decided.read_bytes() == before
    assert not (decided.parent / "imported").exists()
