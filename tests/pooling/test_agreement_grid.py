"""Every data set of metadat that has effects, times every method, against what R made of them."""

import json
import sys
from collections import Counter
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
# Sets on which each kind of method is compared; diagnostics are left to sets of up to 120 effects.
ALL, SMALLER, WITH_MODERATORS, CLUSTERED = 76, 71, 24, 17
# Methods of each kind. A grid that a change of make_grid.R, or R itself, made smaller fails here.
METHODS = {ALL: 25 + 4 + 4 + 1 + 3 + 3 + 1, SMALLER: 3, WITH_MODERATORS: 8, CLUSTERED: 1 + 3 + 1 + 2 + 1}
NUMBERS = 75858


@pytest.fixture(scope="module")
def program():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import agree_with_metafor
    finally:
        sys.path.remove(str(BENCHMARKS))
    return agree_with_metafor


@pytest.fixture(scope="module")
def grid(program):
    return program.load()


@pytest.fixture(scope="module")
def rows(program, grid):
    sets, _, values = grid
    return program.run(sets, values)


def test_the_grid_is_whole(grid, program, rows):
    sets, _, values = grid
    assert len(sets) == len(values) == ALL
    counted = Counter(cell for cells in values.values() for cell in cells)
    assert Counter(counted.values()) == METHODS
    assert {(row["set"], row["cell"]) for row in rows} == {
        (name, cell) for name, cells in values.items() for cell in cells
    }
    assert sum(line.get("numbers", 0) for line in program.table(rows)) == NUMBERS


def test_every_number_agrees_or_its_reason_is_known(program, rows):
    unexplained = [one for one in program.apart(rows) if not one["reason"]]
    assert unexplained == []
    assert len(program.apart(rows)) < NUMBERS / 500


def test_where_one_side_alone_stops_is_known(program, rows):
    assert {(row["set"], row["cell"]) for row in program.stopped(rows)} == {
        (name, "selection.threeparameter") for name in ("dat.axfors2021", "dat.egger2001", "dat.hine1989")
    }


def test_a_number_that_is_off_is_found(program, grid):
    sets, _, values = grid
    cells = {"tau2.REML.knha": dict(values["dat.bcg"]["tau2.REML.knha"])}
    cells["tau2.REML.knha"]["tau2"] *= 1 + 2e-6
    found = program.apart(program.run(sets, {"dat.bcg": cells}))
    assert [(one["field"], one["reason"]) for one in found] == [("tau2", "")]


def test_the_page_in_the_docs_is_what_the_program_writes(program, grid, rows):
    page = (BENCHMARKS.parent / "docs/agreement.md").read_text(encoding="utf-8")
    versions = json.loads((program.GRID / "versions.json").read_text(encoding="utf-8"))
    made = program.markdown(program.table(rows), rows, versions, grid[1], n_sets=len(grid[0]))
    # The last digits of what agrees differ between processors.
    steady = [line for line in made.splitlines() if not line.startswith("|")]
    assert [line for line in page.splitlines() if not line.startswith("|")] == steady
