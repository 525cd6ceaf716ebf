"""The errors that a maintainer reads: each says where, what was found, what is allowed, and one hint."""

MAX_SHOWN = 25  # a file saved with the wrong separator is wrong in every row; the first ones say it all


class Problem(str):
    """One line about one fault, which also knows where the fault is and the line without that.

    Attributes
    ----------
    row, column : int, str or None
        As given to `problem`.
    what : str
        The line without its place, for who shows it in that place.
    """

    __slots__ = ("column", "row", "what")


def problem(text=None, *, row=None, column=None, found=None, allowed=None, hint=None):
    """One line about one fault in one place, a `Problem`.

    Parameters
    ----------
    text : str, optional
        What is wrong, in words.
    row : int or str, optional
        The row as a spreadsheet counts it (the header is row 1), or the key of the row.
    column, found, allowed, hint : optional
        The column or config key, the value found there, what is allowed, one hint.
    """
    where = []
    if row is not None:
        where.append(f"row {row}")
    if column is not None:
        where.append(f"column {column}")
    what = [text] if text else []
    if found is not None:
        what.append(f"found {found!r}")
    if allowed is not None:
        what.append(f"allowed: {allowed}")
    if hint is not None:
        what.append(f"hint: {hint}")
    said = "; ".join(what)
    made = Problem((f"{', '.join(where)}: " if where else "") + said)
    made.row, made.column, made.what = row, column, said
    return made


CORRECTION = "if it is a correction, write why in the column note and file it with CORRECT=yes"


def unexplained(before, *, column, what, found, allowed, note, correct):
    """Why an entry must not take the place of a different one that is in force, or None if it may.

    Parameters
    ----------
    before : object with reviewer and run
        The entry in force.
    column, what : str
        Where the entry stands, and its name in the field's words ("decision", "verdict").
    found, allowed : str
        What it says, and what the one in force says.
    note : str or None
        The person's reason.
    correct : bool
        Whether it is meant as a correction.

    Returns
    -------
    dict or None
        Arguments for `problem`.
    """
    if not correct:
        return {
            "column": column,
            "text": f"conflicts with the {what} of {before.reviewer} in run {before.run}",
            "found": found,
            "allowed": allowed,
            "hint": CORRECTION,
        }
    if note is None:
        return {
            "column": "note",
            "text": "a correction says why",
            "hint": "write the reason in the column note",
        }
    return None


class ReviewError(Exception):
    """A stop that a maintainer can act on; its text is the last thing that a failed run prints."""


class InputError(ReviewError):
    """Bad input in one file; nothing was written.

    Parameters
    ----------
    file : path or str
        The file (or config) in which the fault lies.
    problem : str, optional
        What is wrong, in words.
    problems : list of str, optional
        Several faults of the same file, each a line from `problem`.
    row, column, found, allowed, hint : optional
        See `problem`.
    """

    def __init__(
        self,
        file,
        *,
        problem=None,
        problems=None,
        row=None,
        column=None,
        found=None,
        allowed=None,
        hint=None,
    ):
        self.file = str(file)
        self.problems = (
            list(problems)
            if problems is not None
            else [_line(problem, row=row, column=column, found=found, allowed=allowed, hint=hint)]
        )
        super().__init__(self._text())

    def _text(self):
        shown = self.problems[:MAX_SHOWN]
        more = len(self.problems) - len(shown)
        if len(self.problems) == 1:
            return f"{self.file}: {self.problems[0]}"
        lines = [f"{self.file}: {len(self.problems)} problems", *(f"  - {line}" for line in shown)]
        if more:
            lines.append(f"  - and {more} more")
        return "\n".join(lines)


_line = problem
