"""What waits for people at this moment, beside what the last build listed, and what of it waits for whom."""

from dataclasses import dataclass

from livingreview.desk import standing
from livingreview.desk.conflicts import verdicts
from livingreview.desk.extraction import comparing, listing
from livingreview.desk.history import protocol, values
from livingreview.desk.screening import work as screening
from livingreview.errors import ReviewError
from livingreview.operation.job import waiting
from livingreview.screening import decisions as ledger
from livingreview.screening import filing
from livingreview.trials import double_extraction, merging, prefilling, sheets

# Of records to decide on, those that are asked for in full text; they have a page of their own.
ASSESS = "full texts to assess"
# What a search or a rebuilt result alone can tell.
AS_BUILT = (waiting.ALERTS, waiting.SENTINELS)


@dataclass(frozen=True)
class Kind:
    """A kind of work.

    Attributes
    ----------
    kind : str
        A name of `operation.job.waiting`, or `ASSESS`.
    waits, of : int
        Items that wait now; those that the last build listed, or that came into this kind since.
    since : str or None
        The month since when the oldest of them waits.
    whom : str
        Who does it.
    as_built : bool
        Whether the number is that of the last build.
    """

    kind: str
    waits: int
    of: int
    since: str | None = None
    whom: str = ""
    as_built: bool = False

    @property
    def done(self):
        """Items that were done since the last build."""
        return self.of - self.waits


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
    found = {
        **_of_queue(held),
        waiting.PAIRS: _pairs(held),
        waiting.EXTRACTION: _extraction(held),
        waiting.EXTRACTION_CONFLICTS: _differing(held),
        waiting.FINDINGS: sum(not row["cleared_by"] for row in values.findings(held)),
        waiting.REASONS: sum(not row["reason"] for row in protocol.changes(held)["changes"]),
    }
    kinds = []
    order = [waiting.UNDECIDED, ASSESS, *(kind for kind in waiting.TASKS if kind != waiting.UNDECIDED)]
    for kind in order:
        whom, _ = waiting.TASKS[waiting.UNDECIDED if kind == ASSESS else kind]
        told = built.get(kind, {"n": 0, "since": None})
        waits, of = _counts(found.get(kind, told["n"]), told["n"])
        if of:
            # Nothing of it was listed: it came since.
            since = (told["since"] or (None if told["n"] else run)) if waits else None
            kinds.append(Kind(kind, waits, of, since=since, whom=whom, as_built=kind in AS_BUILT))
    return kinds


def _counts(found, listed):
    """What waits and in all; of some kinds it is only known how many wait."""
    return found if isinstance(found, tuple) else (found, max(found, listed))


def _of_queue(held):
    """By each kind of work on the queue, what waits now and in all."""
    path = held.results("status.json")

    def count(*_):
        return counted(held.json(path)["waiting"], standing.states(held))

    return held.derived(
        ("month queue", held.run()), [path, filing.LEDGER, held.results("records.csv")], count
    )


def counted(told, states):
    """Where the records of a queue stand by now, beside where they stood when it was built.

    Parameters
    ----------
    told : list of dict
        ``waiting`` of status.json: each record of the queue, its stage, and what the build knew of it.
    states : DataFrame
        From `standing.states`.

    Returns
    -------
    dict
        Kind of work -> what waits now, and what waited then or came into this kind since.
    """
    before = {
        row["record_id"]: _kind(row["stage"], row["state"] == "awaiting", row["waits_for"]) for row in told
    }
    asked = states[states["ask"].notna()]
    cells = zip(asked["record_id"], asked["ask"], asked["status"], asked["waits_for"], strict=True)
    now = {one: _kind(stage, status == ledger.AWAITING, whom) for one, stage, status, whom in cells}
    kinds = (waiting.UNDECIDED, ASSESS, waiting.AWAITING, waiting.SECOND, waiting.CONFLICTS)
    waits, of = dict.fromkeys(kinds, 0), dict.fromkeys(kinds, 0)
    for kind in before.values():
        of[kind] += 1
    for record_id, kind in now.items():
        waits[kind] += 1
        of[kind] += kind != before.get(record_id)
    return {kind: (waits[kind], of[kind]) for kind in kinds}


def _kind(stage, awaits, waits_for):
    if waits_for is not None:
        return {ledger.SECOND_REVIEWER: waiting.SECOND, ledger.ADJUDICATION: waiting.CONFLICTS}[waits_for]
    if awaits:
        return waiting.AWAITING
    return ASSESS if stage == ledger.FULL_TEXT else waiting.UNDECIDED


def _pairs(held):
    asked = [row for row in verdicts.asked(held) if row["verdict"] is None]
    return sum(row["given"] is None for row in asked), len(asked)


def _extraction(held):
    path = held.results("extraction.csv")
    listed = list(held.table(path)["record_id"]) if held.exists(path) else []
    waits = listing.awaited(held)
    return len(waits), len({*listed, *waits})


def _differing(held):
    """Values on which two extractors differ and that nobody has settled, over the sheets that can be read."""
    top = held.review / prefilling.SHEETS

    def count(*_):
        return sum(_left(folder, standing.registry(held)) for folder in merging.pending_pairs(top))

    return held.derived("values that differ", _sheet_files(held), count, optional=True)


def _sheet_files(held):
    top = held.review / prefilling.SHEETS
    files = [*top.glob("*/*.*"), *top.glob("*/*/*.*")]
    return sorted(path.relative_to(held.review).as_posix() for path in files if path.is_file())


def _left(folder, registry):
    try:
        return comparing.view(folder, registry=registry, named={}).left
    except ReviewError:  # the page Extraction says what is at fault in it
        return 0


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


def mine(held, who):
    """Of the kinds of work that the protocol gives to named people, how much waits for one person.

    Parameters
    ----------
    held : Held
    who : str

    Returns
    -------
    dict
        Kind of work -> number, 0 for somebody who is not named. Kinds that anybody may do are not in it.
    """
    found = {}
    seat = screening.seat(held, who)
    if seat.own:
        found = {waiting.UNDECIDED: 0, ASSESS: 0, waiting.SECOND: 0}
        if seat.is_asked:
            waits = screening.waiting(held, seat)
            # Where the other one stands is nobody's: one's own queue holds both.
            found |= {kind: _own(waits.rows(stage)) for kind, stage in OWN_STAGES.items()}
    named = double_extraction.extractors(held.config().get("extraction", {}))
    if named:
        found[waiting.EXTRACTION] = _own_sheets(held, who) if who in named else 0
    return found


OWN_STAGES = {waiting.UNDECIDED: ledger.TITLE_ABSTRACT, ASSESS: ledger.FULL_TEXT}


def _own_sheets(held, who):
    """Of the trials that wait for extraction, those whose sheet this extractor has not marked as ready."""
    paths = [filing.LEDGER, standing.TRIALS["reports"], held.results("records.csv"), *_sheet_files(held)]

    def count(*_):
        rows = listing.waiting(held, who=who)
        return sum(one.since is not None and one.state != sheets.READY_STATE for one in rows)

    return held.derived(("own sheets", held.run(), who), paths, count, optional=True)


def _own(rows):
    return sum(row["state"] != "awaiting" for row in rows)
