"""What one person has to screen, from the files of the month and the ledger as they are now."""

import contextlib
from typing import NamedTuple

import numpy as np
import pandas as pd

from livingreview import kept_rows, tables
from livingreview.desk import saving, standing
from livingreview.desk.screening import highlighting, listing
from livingreview.desk.screening.waiting import Waiting
from livingreview.errors import InputError, ReviewError
from livingreview.screening import blinding, filing
from livingreview.screening import decisions as ledger
from livingreview.screening import queue as screening_queue

# Keys of the coded reasons: what is left of the keyboard beside the keys of the page.
REASON_KEYS = "1234567890bdfmoqvxyz"
QUEUE_NUMBERS = ("score", "p_title_abstract", "p_full_text")
QUEUE_CELLS = (*QUEUE_NUMBERS, "band", "model")


class Seat(NamedTuple):
    """Who screens.

    Attributes
    ----------
    name : str
    own : dict
        The independent reviewers, from `filing.own_queues`; empty where one decides alone.
    """

    name: str
    own: dict

    @property
    def is_asked(self):
        """Whether this person screens at all: where two decide independently, no third does."""
        return not self.own or self.name in self.own

    @property
    def role(self):
        """The role in which decisions are filed, as the ledger has it."""
        return ledger.INDEPENDENT if self.own else None

    @property
    def owner(self):
        """The person, if the decisions must be theirs."""
        return self.name if self.own else None


def seat(held, name):
    """The `Seat` of a person under the protocol."""
    return Seat(name, filing.own_queues(held.config()["screening"]))


def waiting(held, who):
    """What waits for a person: a `Waiting` that has taken in the ledger as it is on disk."""
    run, stages = held.run(), held.config()["screening"]["stages"]
    queue, records = held.results("queue.csv"), held.results("records.csv")
    key = ("waiting", run, who.name)
    made = held.derived(key, [queue, records, "config.yaml"], lambda *_: _waiting(held, who, run, stages))
    return made.follow(held.table(filing.LEDGER, "screening"))


def read_ahead(held):
    """Read the large files of the month before anybody asks; what cannot be read is said on its page.

    A queue of twenty thousand records takes seconds to check, once.
    """
    with contextlib.suppress(ReviewError, OSError):
        held.table(filing.LEDGER, "screening")
        held.table(held.results("records.csv"))
        held.table(held.results("queue.csv"), "queue")
        texts(held)
        standing.states(held)
        for path in kept_rows.TABLES:
            saving.gone(held, path)
        for name in seat(held, None).own:
            waiting(held, seat(held, name))
            standing.standings(held)


def _waiting(held, who, run, stages):
    return Waiting(
        held.table(held.results("queue.csv"), "queue"),
        held.table(held.results("records.csv")),
        run=run,
        stages=stages,
        name=who.name,
        names=list(who.own),
    )


def cells_of(held, record_id):
    """A record's row of ``records.csv`` as a dict, missing values None.

    Raises
    ------
    InputError
        If no search or import has found it.
    """
    path = held.results("records.csv")
    columns, places = held.derived(("record places", path), [path], lambda _: _places(held.table(path)))
    if record_id not in places:
        raise InputError(path, column="record_id", problem="there is no such record", found=record_id[:100])
    place = places[record_id]
    return {name: None if pd.isna(cells[place]) else cells[place] for name, cells in columns.items()}


def _places(records):
    """The columns of the corpus, and where in them each record stands: of one row a frame is slow to make."""
    places = {record_id: place for place, record_id in enumerate(records["record_id"])}
    return {name: records[name].to_numpy() for name in records.columns}, places


def texts(held):
    """What the list searches: see `listing.texts`."""
    path = held.results("records.csv")
    return held.derived(("texts", path), [path], lambda _: listing.texts(held.table(path)))


def protocol_terms(held):
    """The protocol's words; see `highlighting.protocol_terms`."""
    config = held.config()
    return highlighting.protocol_terms(config["search"]["query"], config["eligibility"])


def reasons(config, stage):
    """The coded reasons of a stage, each with its key: a list of (code, words, key or None)."""
    coded = ledger.reasons_at(stage, config["screening"]["reasons"])
    keys = [*REASON_KEYS, *[None] * len(coded)]
    return [(code, words, key) for (code, words), key in zip(coded.items(), keys, strict=False)]


def own_rows(rows, who, stage):
    """Of a record's rows at a stage, what this person may know of, in the order of filing."""
    seen = visible(rows, who)
    return seen[seen["stage"] == stage]


def visible(rows, who):
    """Of a record's rows those that this person may know of."""
    return blinding.shown_to(rows, name=who.name, names=who.own)


def said(rows, who):
    """A person's own last row among those of a stage that is not taken back, or None."""
    role = who.role or ledger.ALONE
    here = tables.rows(ledger.said_by(rows, ledger.ALL_RUNS))
    own = [row for row in here if row.reviewer == who.name and ledger.role_of(row) == role]
    return own[-1] if own else None


def in_force(rows, run):
    """The one row that decides at a stage, or None; `rows` are of one record and stage."""
    return next(iter(tables.rows(ledger.latest(rows, run))), None)


class Entered(NamedTuple):
    """What a person entered of a record."""

    record_id: str
    stage: str
    decision: str
    reason: str | None
    note: str | None


def file(held, who, entered, *, seen, decided_at):
    """File a decision; on disk when this returns.

    Parameters
    ----------
    held : Held
    who : Seat
    entered : Entered
    seen : str
        The token of what the page showed, from `saving.seen` of `own_rows`.
    decided_at : str

    Returns
    -------
    bool
        Whether a row was added; no if the ledger says exactly this already.

    Raises
    ------
    Changed
        If somebody has decided since the page was shown.
    InputError
        As `decisions.from_queue`.
    """
    config, run = held.config(), held.run()
    waits = waiting(held, who)
    cells = cells_of(held, entered.record_id)
    with saving.changing(held, filing.LEDGER, "screening") as table:
        before = table.frame
        rows = waits.follow(before).of_record(before, entered.record_id)
        here = own_rows(rows, who, entered.stage)
        last = said(here, who)
        if seen != saving.seen(here) and last is not None and _same(last, entered):
            return False  # the same key twice, or the same form sent again
        saving.refuse_changed(here, seen, what=f"record {entered.record_id}")
        added, _ = ledger.from_queue(
            _as_queue(entered, who, waits.row(entered.record_id), cells),
            ledger.said_by(rows, ledger.ALL_RUNS),
            path=filing.LEDGER,
            known={entered.record_id},
            reasons=config["screening"]["reasons"],
            stages=config["screening"]["stages"],
            run=run,
            decided_at=decided_at,
            correct=True,  # the page shows what stands, and the ledger asks for a note
            role=who.role,
            owner=who.owner,
        )
        if last is None or not _same(last, entered):
            saving.refuse_repeated(added, filing.LEDGER)
        table.append(added)
        waits.follow(table.frame, after=before, added=[entered.record_id] if len(added) else [])
    return len(added) > 0


def _same(row, entered):
    return (row.decision, row.reason or None, row.note or None) == entered[2:]


def _as_queue(entered, who, row, cells):
    """The entry as a filled-in row of a queue, with the ranking under which it was read."""
    ranked = row if row is not None and row["stage"] == entered.stage else {}
    filled = dict.fromkeys(tables.columns("queue")) | {
        **{name: ranked.get(name) for name in QUEUE_CELLS},
        "record_id": entered.record_id,
        "pmid": cells["pmid"],
        "stage": entered.stage,
        "state": ranked.get("state"),
        "decision": entered.decision,
        "reason": entered.reason,
        "reviewer": who.name,
        "note": entered.note,
    }
    numbers = {name: np.array([filled[name]], dtype=float) for name in QUEUE_NUMBERS}
    return pd.DataFrame([filled], dtype=object).assign(**numbers)


def take_back(held, who, record_id, stage, *, filed, decided_at):
    """Take back a person's last decision on a record; on disk when this returns. Raises as `withdrawal`.

    Parameters
    ----------
    held : Held
    who : Seat
    record_id, stage : str
    filed : str
        The decision that is meant and when it was filed, with a blank between.
    decided_at : str

    Returns
    -------
    bool
        Whether it was; no if the person's last decision is another, as when the same key was pressed twice.
    """
    waits = waiting(held, who)
    with saving.changing(held, filing.LEDGER, "screening") as table:
        frame = table.frame
        rows = frame[frame["record_id"].isin(waits.filed_as(record_id))]
        own = said(rows[rows["stage"] == stage], who)
        if own is None or filed != f"{own.decision} {own.decided_at}":
            return False
        table.append(
            ledger.withdrawal(
                rows,
                record_id=own.record_id,
                stage=stage,
                reviewer=who.name,
                role=own.role,
                run=held.run(),
                decided_at=decided_at,
                path=filing.LEDGER,
                note="taken back at the desk",
            )
        )
    return True


def unfiled(held, who):
    """What a person typed into their file of the month and has not filed: (file, number of rows)."""
    results = held.review / "results" / held.run()
    path = results / filing.QUEUE
    options = {}
    if who.own:
        path = results / filing.QUEUES / who.own[who.name]
        options = {"role": who.role, "owner": who.name}
    name = str(path.relative_to(held.review))
    if not held.exists(name):
        return name, 0
    typed = held.derived(
        ("begun", name), [name], lambda _: ledger.begun(held.table(name, "queue"), options.get("owner"))
    )
    if typed.empty:
        return name, 0
    rows = ledger.unfiled(typed, held.table(filing.LEDGER, "screening"), run=held.run(), **options)
    return name, len(rows)


def chance(row, shown=screening_queue.PROBABILITY):
    """The probability that a queue shows at the stage of a row, or None."""
    asked = row[shown[row["stage"]]]
    return row["p_full_text"] if asked is None else asked
