"""What a maintainer reads when something is wrong: the reason, last, and everything as it was."""

import csv
import io
import re

import pytest


def last_words(done, n=6):
    """The last lines that a failed run printed."""
    return "\n".join(done.stderr.strip().splitlines()[-n:])


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "  base_url: sandbox",
            "  base_ulr: sandbox",
            r"unknown key search\.base_ulr;.* hint: did you mean base_url\?",
        ),
        ("  method_tau2: REML", "  method_tau2: reml", r"key analysis\.method_tau2"),
        ('run: "2026-11"', 'run: "2026-13"', "key run"),
        ("  level: 0.95", "  level: 95", r"key analysis\.level"),
    ],
)
def test_a_fault_in_the_config_is_the_last_thing_printed_and_nothing_is_written(clone, old, new, expected):
    clone.replace("config.yaml", old, new)
    done = clone.snakemake()
    assert done.returncode != 0
    assert re.search(expected, last_words(done))
    assert "allowed:" in last_words(done)
    assert not clone.path("results").exists()


# Cells are looked at first, so that only a table of good cells is compared with other tables.
BAD_ROWS = {
    "impossible values": [
        ("sd_1", "0", "more than 0"),
        ("n_2", "1", "2 or more"),
        ("mean_1", "4,3", "a number with a decimal point; hint: write the decimal comma as a point"),
        ("run", "Jan-16", "a month as YYYY-MM"),
        ("effect_type", "mean", "means"),
    ],
    "an unknown study": [("study_id", "williams_2011", "a study of studies.csv")],
}


@pytest.mark.parametrize("faults", BAD_ROWS.values(), ids=BAD_ROWS)
def test_impossible_values_stop_the_run_are_told_together_and_leave_the_results_as_they_were(built, faults):
    before = built.files("results/2026-11")
    del before["checked.json"]
    path = built.path("data/trials/outcomes.csv")
    with path.open(encoding="utf-8", newline="") as file:
        ids = [row["row_id"] for row in csv.DictReader(file)][-len(faults) :]
    told = {}
    for row_id, (column, value, expected) in zip(ids, faults, strict=True):
        told[set_cell(path, row_id, column, value)] = row_id, column, value, expected
    done = built.snakemake()
    assert done.returncode != 0
    said = last_words(done, 3 + len(faults)).splitlines()
    assert "data/trials/outcomes.csv" in "".join(said)
    for number, (row_id, *parts) in told.items():
        line = next(line for line in said if f"row {number}," in line or f"row {row_id}" in line)
        assert [part for part in parts if part not in line] == []
    assert built.files("results/2026-11") == before


def test_an_interval_that_does_not_hold_its_estimate_is_named(built):
    set_cell(
        built.path("data/trials/outcomes.csv"),
        "lorig_2008.interference_disability.1",
        "printed_ci_low",
        "0.3",
    )
    done = built.snakemake()
    assert done.returncode != 0
    assert "lorig_2008.interference_disability.1" in last_words(done)
    assert "within the printed interval" in last_words(done)


def test_a_table_saved_with_semicolons_is_refused_with_a_hint(built):
    path = built.path("data/trials/outcomes.csv")
    with path.open(encoding="utf-8", newline="") as file:
        cells = list(csv.reader(file))
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=";", lineterminator="\r\n").writerows(cells)
    done = built.snakemake()
    assert done.returncode != 0
    assert "separated by semicolons" in last_words(done)


def test_a_duplicate_key_is_named_with_both_rows(built):
    path = built.path("data/trials/studies.csv")
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([*lines, lines[1]]), encoding="utf-8")
    done = built.snakemake()
    assert done.returncode != 0
    assert "duplicate key" in last_words(done)
    assert "first in row 2" in last_words(done)


def test_a_queue_that_is_being_filled_in_is_never_made_again(built):
    path = built.path("results/2026-11/queue.csv")
    set_cell(path, "42372252", "decision", "include", key="record_id")
    filled = path.read_bytes()
    # Something that would otherwise make the queue again.
    with built.path("data/decisions/screening.csv").open("a", encoding="utf-8") as file:
        file.write("41701966,2026-11,title-abstract,exclude,review,AB,,2026-11-22,,,,,\n")
    done = built.snakemake()
    assert done.returncode != 0
    assert "make decisions" in last_words(done)
    assert "42372252" in last_words(done)
    assert path.read_bytes() == filled


HEADER = "record_id,run,stage,decision,reason,reviewer,role,decided_at,note,score,probability,band,model\n"
BAD_DECISIONS = {
    "contradictory stages": (
        ["41701966,2026-11,title-abstract,exclude,review,AB,,2026-11-22,,,,,"],
        ["41701966,2026-11,full-text,include,,AB,,2026-11-22,,,,,"],
        "the record is included on full text and excluded on title and abstract",
    ),
    "a reason that the protocol has not": (
        [],
        ["41701966,2026-11,title-abstract,exclude,too_short,AB,,2026-11-22,,,,,"],
        "column reason: found 'too_short'; allowed: not_rct, protocol",
    ),
    "two decisions by one reviewer on one day": (
        ["41701966,2026-11,title-abstract,exclude,review,AB,,2026-11-22,,,,,"],
        ["41701966,2026-11,title-abstract,include,,AB,,2026-11-22T10:00:00Z,,,,,"],
        "AB said exclude of it on the same day, 2026-11-22",
    ),
}


@pytest.mark.parametrize(("before", "row", "expected"), BAD_DECISIONS.values(), ids=BAD_DECISIONS)
def test_a_decision_that_cannot_be_stops_the_run_before_anything_is_ranked(clone, before, row, expected):
    path = clone.path("data/decisions/screening.csv")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] + "\n" == HEADER
    path.write_text("\n".join([*lines, *before, *row]) + "\n", encoding="utf-8")
    done = clone.snakemake("--", "results/2026-11/checked.json")
    assert done.returncode != 0
    assert f"row {len(lines) + len(before) + 1}" in last_words(done)
    assert expected in last_words(done)
    assert clone.files("results") == {}


def test_labels_of_a_stage_that_the_protocol_has_not_stop_the_run_before_any_job(clone):
    clone.replace("config.yaml", "  stages: [title-abstract, full-text]", "  stages: [full-text]")
    clone.replace("config.yaml", "    learn_from: full-text", "    learn_from: title-abstract")
    done = clone.snakemake()
    assert done.returncode != 0
    assert "key screening.ranking.learn_from; found 'title-abstract'; allowed: full-text" in last_words(done)
    assert not clone.path("results").exists()


def test_faults_in_a_queue_are_told_together_and_nothing_is_filed(built):
    path = built.path("results/2026-11/queue.csv")
    ledger = built.path("data/decisions/screening.csv")
    before = ledger.read_bytes()
    for column, value in {"decision": "exclude", "reason": "too_short", "reviewer": "AB"}.items():
        set_cell(path, "42372252", column, value, key="record_id")
    for column, value in {"decision": "include", "reviewer": "AB", "record_id": "999"}.items():
        set_cell(path, "41701966", column, value, key="record_id")
    done = built.command("file_decisions.py")
    assert done.returncode == 1
    assert "2 problems" in done.stderr
    assert "(42372252, title-abstract), column reason: found 'too_short'; allowed: not_rct" in done.stderr
    assert "column record_id: no search or import has found this record; found '999'" in done.stderr
    assert done.stderr.endswith("No decisions were filed.\n")
    assert ledger.read_bytes() == before


def test_after_an_upgrade_a_queue_is_made_again_and_what_was_typed_into_it_is_filed_first(built):
    """Older versions wrote no chances of inclusion, and kept no role in the ledger."""
    path, ledger = built.path("results/2026-11/queue.csv"), built.path("data/decisions/screening.csv")
    drop_columns(ledger, "role", "probability", "model")
    drop_columns(path, "design", "p_title_abstract", "p_full_text", "model")
    assert built.snakemake("--dry-run").returncode == 0
    for column, value in {"decision": "include", "reviewer": "AB"}.items():
        set_cell(path, "42372252", column, value, key="record_id")
    done = built.snakemake("--dry-run")
    assert done.returncode != 0
    assert "1 filled-in rows are not filed as decisions yet; found '42372252'" in last_words(done)
    assert built.command("file_decisions.py").returncode == 0
    with ledger.open(encoding="utf-8", newline="") as file:
        *_, row = csv.DictReader(file)
    assert (row["record_id"], row["decision"], row["role"], row["probability"]) == (
        "42372252",
        "include",
        "",
        "",
    )
    assert built.snakemake("--dry-run").returncode == 0


def drop_columns(path, *names):
    """Write a table as a version that had not these columns wrote it."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file))
    kept = [n for n, column in enumerate(header) if column not in names]
    assert len(kept) == len(header) - len(names)
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([[row[n] for n in kept] for row in [header, *rows]])
    path.write_text(out.getvalue(), encoding="utf-8")


def test_a_search_that_is_not_answered_stops_the_run_and_running_again_carries_on(clone):
    address = "http://127.0.0.1:9/entrez/eutils/"
    clone.replace("config.yaml", "  base_url: sandbox", f"  base_url: {address}")
    last = "data/searches/2026-01/pubmed/provenance.json"
    clone.replace(last, '"base_url": "sandbox"', f'"base_url": "{address}"')
    done = clone.snakemake()
    assert done.returncode != 0
    assert "could not be reached" in last_words(done)
    assert clone.files("data/searches/2026-11").keys() == {"imports/citations.csv", "imports/sources.csv"}
    clone.replace("config.yaml", f"  base_url: {address}", "  base_url: sandbox")
    clone.replace(last, f'"base_url": "{address}"', '"base_url": "sandbox"')
    done = clone.snakemake("results/2026-11/records.csv")
    assert done.returncode == 0, done.stderr


def set_cell(path, row_id, column, value, *, key="row_id"):
    """Set one cell of a table; returns its row as a spreadsheet counts it."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file))
    number = next(n for n, row in enumerate(rows) if row[header.index(key)] == row_id)
    rows[number][header.index(column)] = value
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([header, *rows])
    path.write_text(out.getvalue(), encoding="utf-8")
    return number + 2
