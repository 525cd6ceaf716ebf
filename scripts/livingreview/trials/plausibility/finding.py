"""A finding, and the list of checks that make them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pandas as pd

SEVERITIES = ("error", "warning", "note")
COLUMNS = ("row_id", "check", "severity", "found", "expected", "hint", "cells")
CHECKS = {}


@dataclass(frozen=True)
class Check:
    """What one check is called, what it looks for, and the function that looks at one row."""

    id: str
    severity: str
    about: str
    look: Callable


@dataclass(frozen=True)
class Finding:
    """One thing in one row that a person should look at.

    Attributes
    ----------
    row_id, check : str
    severity : {"error", "warning", "note"}
        Most likely a mistake; possibly one; to be known.
    found, expected, hint : str
        Parts of a sentence.
    cells : tuple of (str, str)
        Row and column of the values that were judged; a later change of one opens the finding again.
    """

    row_id: str
    check: str
    severity: str
    found: str
    expected: str
    hint: str
    cells: tuple

    def sentence(self):
        """The finding as one line for a person."""
        return f"row {self.row_id}: {self.found}; expected {self.expected}; hint: {self.hint}"


def check(name, severity, about):
    """Register a function ``look(row, trials)`` that yields findings as a check.

    The function yields ``(found, expected, hint, columns)``, or the same with a severity of its own at the
    end. A column is a name of this row, or a pair of row_id and name.
    """

    def register(function):
        def look(row, trials):
            for said, expected, hint, columns, *own in function(row, trials):
                cells = tuple((row["row_id"], c) if isinstance(c, str) else tuple(c) for c in columns)
                yield Finding(row["row_id"], name, own[0] if own else severity, said, expected, hint, cells)

        CHECKS[name] = Check(name, severity, about, look)
        return function

    return register


def merged(findings, *, set_aside=()):
    """One finding for each row and check, of the highest severity; notes only for rows set aside."""
    together = {}
    for one in findings:
        together.setdefault((one.row_id, one.check), []).append(one)
    out = []
    for (row_id, _), group in sorted(together.items()):
        worst = min(group, key=lambda one: SEVERITIES.index(one.severity))
        out.append(
            replace(
                worst,
                severity="note" if row_id in set_aside else worst.severity,
                found="; ".join(dict.fromkeys(one.found for one in group)),
                expected="; ".join(dict.fromkeys(one.expected for one in group)),
                cells=tuple(sorted({cell for one in group for cell in one.cells})),
            )
        )
    return out


def table(findings):
    """Findings as a frame of `COLUMNS`; cells as ``column`` or ``row:column``, with semicolons between."""
    rows = [
        [f.row_id, f.check, f.severity, f.found, f.expected, f.hint, "; ".join(_cell(f, *c) for c in f.cells)]
        for f in findings
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)


def _cell(finding, row_id, column):
    return column if row_id == finding.row_id else f"{row_id}:{column}"
