"""What a whole month leaves and says: no secret of its environment, no formula, nothing open to everybody."""

import csv
import gzip

import openpyxl
from security.planted import PIECES, leaks

from livingreview.formulas import FORMULA, NUMBER


def test_nothing_that_a_month_leaves_or_says_holds_a_secret(built_once):
    files = [path for path in built_once.folder.rglob("*") if path.is_file()]
    names = {path.relative_to(built_once.folder).parts[0] for path in files}
    # Snakemake's own memory and logs as well.
    assert {"results", "logs", "data", ".snakemake"} <= names
    assert leaks(*built_once.said, folder=built_once.folder) == []
    for path in files:
        if path.suffix == ".gz":
            unpacked = gzip.decompress(path.read_bytes())
            assert not any(piece.encode() in unpacked for piece in PIECES), path


def test_nothing_that_a_month_leaves_may_be_written_by_everybody(built_once):
    for path in built_once.folder.rglob("*"):
        if not path.is_symlink():
            assert not path.stat().st_mode & 0o002, path


def test_no_cell_that_a_month_leaves_is_a_formula(built_once):
    """In results, sheets and workbooks; with hostile words in every table see benchmarks/hostile_text.py."""
    cells = 0
    for path in [
        *built_once.path("results").rglob("*.csv"),
        *built_once.path("data/trials/sheets").rglob("*.csv"),
    ]:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                for cell in row:
                    cells += 1
                    assert cell.startswith("'") or not FORMULA.match(cell) or NUMBER.fullmatch(cell), (
                        path,
                        cell,
                    )
    assert cells > 1000
    for path in built_once.path("data").rglob("*.xlsx"):
        for sheet in openpyxl.load_workbook(path):
            for row in sheet.iter_rows():
                assert not any(cell.data_type == "f" for cell in row), path
