"""A corrected row of the trials: what it takes, what it refuses, and what it leaves."""

import shutil
from pathlib import Path

import pytest

from livingreview import tables
from livingreview.errors import InputError
from livingreview.trials import correcting

DATA = Path(__file__).resolve().parents[2] / "data/trials"
ROW = "baumeister_2021.depression.1"
GIVEN = {"run": "2026-11", "named": ["depression"], "by": "EX", "decided_at": "2026-11-15T12:00:00Z"}


@pytest.fixture
def trials(tmp_path):
    folder = tmp_path / "trials"
    folder.mkdir()
    for name in ("studies", "outcomes", "instruments", "clearances"):
        shutil.copy2(DATA / f"{name}.csv", folder)
    return folder


def rows(trials, row_id=ROW):
    frame = tables.read(trials / "outcomes.csv", "outcomes")
    return frame[frame["row_id"] == row_id]


def correct(trials, cells, *, row_id=ROW, reason="misread", **options):
    return correcting.correct(trials, "outcomes", row_id, cells, reason=reason, **GIVEN | options)


def test_a_correction_is_a_new_revision_and_every_old_row_stays(trials):
    before = tables.read(trials / "outcomes.csv", "outcomes")
    assert correct(trials, {"mean_1": "9.1"}) is not None
    after = tables.read(trials / "outcomes.csv", "outcomes")
    assert tables.to_csv(after.iloc[:-1]) == tables.to_csv(before)
    old, new = rows(trials).to_dict("records")
    assert (new["mean_1"], new["revision"], new["revision_reason"]) == (9.1, 2, "misread")
    same = set(old) - {"mean_1", "revision", "revision_reason", "run"}
    assert {name: tables.to_text(new[name]) for name in same} == {
        name: tables.to_text(old[name]) for name in same
    }


def test_what_changes_nothing_adds_nothing(trials):
    before = (trials / "outcomes.csv").read_bytes()
    assert correct(trials, {"instrument": "HDRS-17"}, reason="") is None
    assert (trials / "outcomes.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("cells", "reason", "said"),
    [
        ({"mean_1": "9.1"}, " ", "a correction says why"),
        ({"mean_1": "nine"}, "misread", "mean_1"),
        ({"n_1": "-4"}, "misread", "n_1"),
        ({"outcome": "depresion"}, "misread", "did you mean depression"),
        ({"mean_1": ""}, "misread", "mean"),
    ],
)
def test_a_correction_without_a_reason_or_with_a_value_that_cannot_be_is_refused(trials, cells, reason, said):
    before = (trials / "outcomes.csv").read_bytes()
    with pytest.raises(InputError, match=said):
        correct(trials, cells, reason=reason)
    assert (trials / "outcomes.csv").read_bytes() == before


def test_ids_and_bookkeeping_are_not_corrected(trials):
    assert correct(trials, {"row_id": "x.y.1", "revision": "9", "run": "2000-01"}) is None


def test_an_error_of_the_plausibility_checks_is_refused_until_it_is_cleared(trials):
    cells = {"mean_1": "900"}
    with pytest.raises(InputError, match="say below why the value is right") as stopped:
        correct(trials, cells)
    checks = {(one.row, one.column) for one in stopped.value.problems}
    assert {row for row, _ in checks} == {ROW}
    left = correct(trials, cells, clear=dict.fromkeys(checks, "as printed"))
    assert set(left["severity"]) <= {"warning", "note"}
    held = tables.read(trials / "clearances.csv", "clearances")
    assert {(row.row_id, row.check) for row in held[held["note"] == "as printed"].itertuples()} == checks
    assert rows(trials)["mean_1"].tolist()[-1] == 900


def test_a_row_that_was_corrected_for_a_later_month_is_not_corrected_for_an_earlier(trials):
    correct(trials, {"mean_1": "9.1"}, run="2026-12")
    with pytest.raises(InputError, match="2026-12 or later"):
        correct(trials, {"mean_1": "9.2"}, run="2026-11")


def test_a_study_is_corrected_too_and_a_row_that_is_not_there_is_named(trials):
    found = correcting.correct(
        trials, "studies", "baumeister_2021", {"n_randomised": "212"}, reason="CONSORT diagram", **GIVEN
    )
    assert found is not None
    frame = tables.read(trials / "studies.csv", "studies")
    assert frame[frame["study_id"] == "baumeister_2021"]["n_randomised"].tolist()[-1] == 212
    with pytest.raises(InputError, match="there is no such row"):
        correct(trials, {"mean_1": "1"}, row_id="nobody.depression.1")
