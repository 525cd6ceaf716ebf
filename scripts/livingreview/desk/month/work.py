"""What waits for people at this moment: what the last build listed, less what was done since."""

from dataclasses import dataclass

from livingreview.desk.conflicts import verdicts
from livingreview.desk.standing import TRIALS
from livingreview.operation.job import waiting
from livingreview.screening import decisions as ledger
from livingreview.screening import filing

# Of records to decide on, those that are asked for in full text; they have a page of their own.
ASSESS = "full texts to assess"


@dataclass(frozen=True)
class Kind:
    """A kind of work.

    Attributes
    ----------
    kind : str
        A name of `operation.job.waiting`.
    waits, of : int
        Items that wait now; those that the last build listed, or that came into this kind since.
    since : str or None
        The month since when the oldest of them waits.
    whom : str
        Who does it.
    ready : int
        Items that are done and are taken in by the next build.
    """

    kind: str
    waits: int
    of: int
    since: str | None = None
    whom: str = ""
    ready: int = 0

    @property
    def done(self):
        """Items that were done since the last build."""
        return self.of - self.waits


@dataclass(frozen=True)
class Queue:
    """The records of a queue by where they stand now.

    Attributes
    ----------
    standing : dict
        Record id -> kind of work for which it waits; None for a record that is decided.
    before : dict
        Record id -> kind as the last build had it.
    included : tuple of str
        Records that are included since.
    """

    standing: dict
    before: dict
    included: tuple


def queue_now(told, decisions, *, run, stages):
    """Where the records of a queue stand by the ledger as it is now.

    Parameters
    ----------
    told : list of dict
        ``waiting`` of status.json: each record of the queue, its stage, and what the build knew of it.
    decisions : DataFrame
        The whole ledger.
    run : str
    stages : list of str
        The protocol's.

    Returns
    -------
    Queue
    """
    before = {
        row["record_id"]: _kind(row["stage"], row["state"] == "awaiting", row["waits_for"]) for row in told
    }
    now, included = {}, []
    for stage in dict.fromkeys(row["stage"] for row in told):
        ids = [row["record_id"] for row in told if row["stage"] == stage]
        own = decisions[decisions["record_id"].isin(ids)]
        # Of most records of a long queue nobody has said anything yet.
        heard = set(own["record_id"])
        spoken = [record_id for record_id in ids if record_id in heard]
        now |= dict.fromkeys(ids, _kind(stage, False, None))
        # From the stage on at which it is asked: what led there may stand under a duplicate's id.
        later = stages[stages.index(stage) :] if stage in stages else stages
        for row in ledger.statuses(spoken, own, run=run, stages=later).itertuples():
            if row.status == ledger.INCLUDED:
                included.append(row.record_id)
            now[row.record_id] = (
                _kind(row.ask, row.status == ledger.AWAITING, row.waits_for) if row.ask is not None else None
            )
    return Queue(now, before, tuple(included))


def _kind(stage, awaits, waits_for):
    if waits_for is not None:
        return {ledger.SECOND_REVIEWER: waiting.SECOND, ledger.ADJUDICATION: waiting.CONFLICTS}[waits_for]
    if awaits:
        return waiting.AWAITING
    return ASSESS if stage == ledger.FULL_TEXT else waiting.UNDECIDED


def named(kind, n):
    """A kind of work after its number, as `operation.job.waiting.named`."""
    return "full text to assess" if (kind, n) == (ASSESS, 1) else waiting.named(kind, n)


def now(held):
    """All kinds of work of which the last build listed any, or of which there is any now.

    Returns
    -------
    list of Kind
        In the order in which the work is best done.

    Raises
    ------
    InputError
        If a table is missing or broken.
    """
    run = held.run()
    built = {row["kind"]: row for row in _built(held)}
    of_queue, included = _of_queue(held)
    found = {**of_queue, waiting.PAIRS: _pairs(held), waiting.EXTRACTION: _extraction(held, included)}
    kinds = []
    order = [waiting.UNDECIDED, ASSESS, *(kind for kind in waiting.TASKS if kind != waiting.UNDECIDED)]
    for kind in order:
        whom, _ = waiting.TASKS[waiting.UNDECIDED if kind == ASSESS else kind]
        told = built.get(kind, {"n": 0, "since": None})
        waits, of = found.get(kind, (told["n"], told["n"]))
        if of:
            since = told["since"] or (run if kind in found else None)
            kinds.append(Kind(kind, waits, of, since=since if waits else None, whom=whom))
    return kinds


def _of_queue(held):
    """By each kind of work on the queue, what waits now and in all; and what was included since."""
    run, stages = held.run(), held.config()["screening"]["stages"]
    paths = [held.results("status.json"), filing.LEDGER]

    def count(*_):
        told, decisions = held.json(paths[0])["waiting"], held.table(paths[1], "screening")
        records = queue_now(told, decisions, run=run, stages=stages)
        return counted(records), records.included

    return held.derived(("month queue", run, tuple(stages)), paths, count)


def counted(records):
    """Waiting now and in all of a `Queue`, by kind: a dict of kinds to pairs of numbers."""
    kinds = (waiting.UNDECIDED, ASSESS, waiting.AWAITING, waiting.SECOND, waiting.CONFLICTS)
    waits, of = dict.fromkeys(kinds, 0), dict.fromkeys(kinds, 0)
    for record_id, kind in records.standing.items():
        was = records.before[record_id]
        of[was] += 1
        if kind is not None:
            waits[kind] += 1
            of[kind] += kind != was
    return {kind: (waits[kind], of[kind]) for kind in kinds}


def _pairs(held):
    asked = [row for row in verdicts.asked(held) if row["verdict"] is None]
    return sum(row["given"] is None for row in asked), len(asked)


def _extraction(held, included):
    path = held.results("extraction.csv")
    listed = list(held.table(path)["record_id"]) if held.exists(path) else []
    asked = dict.fromkeys([*listed, *included])
    merged = set(held.table(TRIALS["reports"], "reports", optional=True)["record_id"])
    return sum(record_id not in merged for record_id in asked), len(asked)


def _built(held):
    """What waited after the last build."""
    run = held.run()
    files = ("status.json", "pairs.csv", "extraction.csv", "extraction_conflicts.csv", "findings.csv")
    paths = [held.results(name) for name in (*files, "methods_reasons.csv")]
    return held.derived(
        ("month waiting", run),
        paths,
        lambda *_: waiting.read(held.review, run, held.json(paths[0])),
    )
