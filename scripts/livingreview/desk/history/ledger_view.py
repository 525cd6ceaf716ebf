"""Every decision of the ledger for people to look through, and the story of one record."""

import pandas as pd

from livingreview import tables
from livingreview.desk.kept_up import Visible
from livingreview.desk.standing import TRIALS
from livingreview.report import links
from livingreview.screening import decisions as ledger
from livingreview.screening import filing
from livingreview.search.linkage import pairs as pair_ledger

PAGE = 100
CHOICES = ("stage", "decision", "reviewer", "run", "reason")


def visible(held, name):
    """The ledger as one person may see it up to the month; see `blinding.shown_to`."""
    return _seen(held, name).rows


def _seen(held, name):
    config = held.config()
    names = tuple(filing.own_queues(config["screening"]))
    run = config["run"]
    who = name if name in names else None
    kept_up = held.derived(("visible decisions", who, names, run), [], lambda: Visible(name, names, run=run))
    return kept_up.follow(held.table(filing.LEDGER, "screening"))


def titles(held):
    """Record ids to titles; empty where no month was built."""
    path = held.results("records.csv")
    if not held.exists(path):
        return {}

    def make(_):
        frame = held.table(path)
        return dict(zip(frame["record_id"], frame["title"], strict=True))

    return held.derived(("titles", path), [path], make)


def listing(held, name):
    """The ledger newest first, with what the list shows beside it.

    Returns
    -------
    DataFrame
        The columns of the ledger, ``title`` ("" where it is not known), ``in_force`` and ``words``: what a
        search by words looks through.
    """
    path = held.results("records.csv")
    return held.derived(
        ("decisions listed", path, name),
        [filing.LEDGER, path],
        lambda *_: _listed(_seen(held, name), titles(held)),
        optional=True,
    )


def _listed(seen, title_of):
    rows = seen.rows
    shown = rows.assign(
        title=[title_of.get(record_id) or "" for record_id in rows["record_id"]],
        in_force=rows.index.isin(seen.in_force),
    )
    words = shown["title"] + "\n" + shown["record_id"] + "\n" + shown["note"].fillna("")
    return shown.assign(words=words.str.casefold()).iloc[::-1]


def choices(rows):
    """What the filters offer, by column: the values that the ledger holds, sorted."""
    return {column: sorted(rows[column].dropna().unique()) for column in CHOICES}


def chosen(rows, asked):
    """The rows that a person asked for.

    Parameters
    ----------
    rows : DataFrame
        From `listing`.
    asked : dict
        A value for any of `CHOICES`; ``words``, all of which stand in the title, the id or the note;
        ``in_force`` ("yes": only what counts now). Empty values ask for nothing.
    """
    for column in CHOICES:
        if asked.get(column):
            rows = rows[rows[column] == asked[column]]
    for word in asked.get("words", "").casefold().split():
        rows = rows[rows["words"].str.contains(word, regex=False)]
    return rows[rows["in_force"]] if asked.get("in_force") == "yes" else rows


def of_record(held, record_id, name):
    """The whole story of one record, or None if nothing is known of it.

    Returns
    -------
    dict
        ``record`` (cells of the corpus, or None where no month was built), ``links``, ``kept`` and
        ``duplicates`` (ids), ``decisions`` (dicts with ``in_force`` and ``row``, their place in the ledger,
        oldest first), ``state``, ``events``, ``pairs``, ``studies``, ``versions``.
    """
    records = _rows(held, "records.csv", "record_id", [record_id])
    record = records[0] if records else None
    duplicates = [one["record_id"] for one in _rows(held, "records.csv", "duplicate_of", [record_id])]
    ids = [record_id, *duplicates]
    decided = story(visible(held, name), ids)
    if record is None and not decided:
        return None
    config = held.config()
    state = ledger.statuses(
        [record_id],
        _under(visible(held, name), ids),
        run=config["run"],
        stages=config["screening"]["stages"],
    )
    pairs = held.table(pair_ledger.LEDGER, "pairs", optional=True)
    return {
        "record": record,
        "links": [] if record is None else links.named(record),
        "kept": record and record["duplicate_of"],
        "duplicates": duplicates,
        "decisions": decided,
        "state": state.to_dict("records")[0],
        "events": _rows(held, "record_events.csv", "pmid", [record and record["pmid"]]),
        "notices": _rows(held, "notices.csv", "record_id", ids),
        "pairs": pairs[pairs["record_a"].isin(ids) | pairs["record_b"].isin(ids)].to_dict("records"),
        "studies": _studies(held, ids),
        "versions": [row for row in _rows(held, "ledger.csv", "id", ids) if row["kind"] != "study"],
    }


def story(decisions, ids):
    """The decisions on some records that are one, oldest first, each with whether it is in force."""
    rows = decisions[decisions["record_id"].isin(ids)]
    held = ledger.index_in_force(rows)
    rows = rows.assign(in_force=rows.index.isin(held), row=rows.index)
    return tables.plain_rows(rows)


def _under(decisions, ids):
    """Of the ledger the rows of some records, all under the first."""
    rows = decisions[decisions["record_id"].isin(ids)]
    return rows.assign(record_id=pd.Series(ids[0], index=rows.index, dtype=object))


def _studies(held, ids):
    reports = held.table(TRIALS["reports"], "reports", optional=True)
    return sorted(set(reports.loc[reports["record_id"].isin(ids), "study_id"]))


def _rows(held, name, column, values):
    """Rows of a table of the month's results, as dicts; none where it is not there."""
    path = held.results(name)
    if not held.exists(path):
        return []
    frame = held.table(path)
    return tables.plain_rows(frame[frame[column].isin([value for value in values if value])])
