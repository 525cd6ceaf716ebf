"""Pairs of records that may be one, side by side, and the verdicts that people give on them."""

import difflib
import re

import pandas as pd

from livingreview import tables
from livingreview.desk import saving, standing
from livingreview.screening import decisions as ledger
from livingreview.screening import filing
from livingreview.search.linkage import pairs

QUEUE = "pairs.csv"  # of the run's results
LEDGER = pairs.LEDGER
# What is compared, as the records have it.
FIELDS = {
    "title": "Title",
    "authors": "Authors",
    "journal": "Journal",
    "year": "Year",
    "volume": "Volume",
    "issue": "Issue",
    "pages": "Pages",
    "doi": "DOI",
    "pmid": "PMID",
    "registry_ids": "Trial registration",
    "publication_types": "Type",
    "language": "Language",
    "source": "Database",
    "first_run": "First found",
    "abstract": "Abstract",
}


def asked(held):
    """The pairs of the last run, by strength of the evidence, with what was said of each.

    Returns
    -------
    list of dict
        The columns of the schema "pair_queue", and given: the verdict in force, a row as a dict, or None.
    """
    path = held.results(QUEUE)
    if not held.exists(path):
        return []
    last = _latest(held)
    return [
        row | {"given": last.get(pairs.ordered(row["record_a"], row["record_b"]))}
        for row in tables.plain_rows(held.table(path, "pair_queue"))
    ]


def _latest(held):
    rows = held.table(LEDGER, "pairs", optional=True)
    rows = rows[rows["run"] <= held.run()]
    return {pairs.ordered(row["record_a"], row["record_b"]): row for row in tables.plain_rows(rows)}


def judged_here(held):
    """The verdicts that were given in this run, the latest first, each a dict with both titles."""
    titles = standing.records(held)["title"]
    return [
        row | {f"title_{side}": titles.get(row[f"record_{side}"]) for side in "ab"}
        for row in reversed(_latest(held).values())
        if row["run"] == held.run()
    ]


def rows_of(table, record_a, record_b):
    """The rows of the ledger on one pair, in whichever order its records stand."""
    both = {record_a, record_b}
    ids = zip(table["record_a"], table["record_b"], strict=True)
    return table[pd.Series([set(one) == both for one in ids], index=table.index, dtype=bool)]


def compared(a, b):
    """What two records say, field by field.

    Parameters
    ----------
    a, b : mapping
        Rows of ``records.csv``.

    Returns
    -------
    list of dict
        label; differs (None where one of the two says nothing, so that it is no evidence); a and b, each a
        list of (text, whether it differs). Fields that both leave empty are left out.
    """
    found = []
    for field, label in FIELDS.items():
        left, right = (one.get(field) or "" for one in (a, b))
        if not left and not right:
            continue
        said = bool(left and right)
        parts = marked(left, right) if said else ([(left, False)], [(right, False)])
        differs = any(changed for side in parts for _, changed in side) if said else None
        found.append({"label": label, "differs": differs, "a": parts[0], "b": parts[1]})
    return found


def marked(left, right):
    """Two texts in parts, each with whether it differs; letters' case and punctuation do not.

    >>> marked("The Pain Course", "the pain course: a trial")
    ([('The Pain Course', False)], [('the pain course: ', False), ('a trial', True)])
    """
    words = [re.findall(r"\S+\s*", text) for text in (left, right)]
    plain = [[re.sub(r"\W", "", word.casefold()) for word in side] for side in words]
    # Long abstracts have many frequent words, which the default would ignore.
    matcher = difflib.SequenceMatcher(None, *plain, autojunk=False)
    sides = [], []
    for kind, *places in matcher.get_opcodes():
        for side, (begin, end), given in zip(sides, (places[:2], places[2:]), words, strict=True):
            text = "".join(given[begin:end])
            if text and side and side[-1][1] == (kind != "equal"):
                side[-1] = (side[-1][0] + text, side[-1][1])
            elif text:
                side.append((text, kind != "equal"))
    return sides


def file(desk, record_a, record_b, *, verdict, note, name, seen):
    """Give a verdict on a pair, or correct one; on disk when this returns. Answers as `adjudication.file`.

    Parameters
    ----------
    desk : Desk
    record_a, record_b : str
        Records that a search or an import has found.
    verdict : str
        One of `pairs.SAME_RECORD`, `pairs.SAME_STUDY` and `pairs.DIFFERENT`.
    note : str or None
        Needed for a correction.
    name, seen : str
        Who says so, and the token of the page that was answered.
    """
    held = desk.held
    records = standing.records(held)
    row = {"record_a": record_a, "record_b": record_b, "verdict": verdict, "reviewer": name, "note": note}
    titles = {one: records.at[one, "title"] for one in (record_a, record_b)}
    row |= {f"title_{side}": titles[row[f"record_{side}"]] for side in "ab"}
    with saving.changing(held, LEDGER, "pairs") as table:
        own = rows_of(table.frame, record_a, record_b)
        saving.refuse_changed(own, seen, what=f"The verdict on {record_a} and {record_b}")
        before = None if own.empty else own.iloc[-1]
        if before is not None and (before["verdict"], before["note"]) == (verdict, note):
            return False
        added, _ = pairs.from_queue(
            pd.DataFrame([row], dtype=object),
            own,
            path=LEDGER,
            known=records.index,
            run=held.run(),
            decided_at=desk.today(),
            correct=before is not None,
            titles=titles,
            decided=ledger.in_force(_of_both(held, record_a, record_b), held.run()),
        )
        saving.refuse_repeated(added, LEDGER)
        table.append(added)
    return True


def _of_both(held, record_a, record_b):
    """The decisions on two records, as they were given."""
    rows = held.table(filing.LEDGER, "screening")
    return rows[rows["record_id"].isin([record_a, record_b])]
