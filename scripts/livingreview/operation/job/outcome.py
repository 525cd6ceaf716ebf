"""What a scheduled month came to: one word, an exit status that a scheduler can act on, and what to do."""

from dataclasses import dataclass, replace

NOTHING_NEW, ALL_DONE = "nothing new", "all done"
PAUSED, RETIRED, NOT_DUE = "paused", "retired", "not due"
WORK_WAITS, UNFILED, TRIGGER_FIRED = "work waits", "not filed", "trigger fired"
RUNNING, FAILED, INTERRUPTED = "running", "failed", "interrupted"
LOCKED, REFUSED = "locked", "refused"

# EX_TEMPFAIL of sysexits.h, by which programs ask to be started again later.
ANOTHER_RUN = 75
USAGE = 2  # as argparse ends
EXIT_CODES = {
    NOTHING_NEW: 0,
    ALL_DONE: 0,
    PAUSED: 0,
    RETIRED: 0,
    NOT_DUE: 0,
    WORK_WAITS: 10,
    UNFILED: 10,
    TRIGGER_FIRED: 20,
    FAILED: 1,
    INTERRUPTED: 1,
    LOCKED: ANOTHER_RUN,
    REFUSED: USAGE,
}
# For --help and the documentation.
MEANING = {
    0: "nothing new and nothing waits, or there was nothing to do: paused, retired, not due",
    10: "work waits for people",
    20: "a trigger fired (work may wait too)",
    1: "failed, or interrupted; the same command again goes on where it stopped",
    ANOTHER_RUN: "another run holds the lock of this review; nothing was done",
    USAGE: "wrong usage: options, or a month that cannot be right; nothing was done",
}


@dataclass(frozen=True)
class Outcome:
    """What a month came to.

    Attributes
    ----------
    name : str
        A key of `EXIT_CODES`.
    reason : str
        Why, in a sentence or with the text of an error.
    hint : str
        What a person is to do; empty if nothing.
    n_new, n_waiting : int or None
        Records that this run brought; items that wait for people. None where that is not known.
    waiting : list of dict
        What waits, from `waiting.read`.
    waiting_of : str or None
        The month in whose files that is done, if it is an earlier one.
    fired : list of dict
        Triggers that fired: outcome, label, name, sentence.
    failed : list of dict
        Rules that failed: rule, log, error.
    """

    name: str
    reason: str = ""
    hint: str = ""
    n_new: int | None = None
    n_waiting: int | None = None
    waiting: tuple = ()
    waiting_of: str | None = None
    fired: tuple = ()
    failed: tuple = ()

    @property
    def exit_code(self):
        """The exit status; people are reminded of their work in months that have no search of their own."""
        return EXIT_CODES[WORK_WAITS if self.name == NOT_DUE and self.n_waiting else self.name]


def of_results(status, fired, waiting):
    """The outcome of a month that was built.

    Parameters
    ----------
    status : dict
        status.json.
    fired : list of dict
        Triggers that fired, as whats_new.json has them.
    waiting : list of dict
        What waits for people.
    """
    n_new = status["n_new_records"] + status["n_new_other"]
    n_waiting = sum(row["n"] for row in waiting)
    told = {"n_new": n_new, "n_waiting": n_waiting, "waiting": tuple(waiting), "fired": tuple(fired)}
    found = f"{_counted(n_new, 'new record')} found"
    wait = f"{_counted(n_waiting, 'item')} {'waits' if n_waiting == 1 else 'wait'} for people"
    if fired:
        return Outcome(
            TRIGGER_FIRED,
            reason=f"{_counted(len(fired), 'trigger')} fired since the last release; {found}",
            hint="read the report, decide whether a version is to be released, and do what waits",
            **told,
        )
    if n_waiting:
        return Outcome(
            WORK_WAITS,
            reason=f"{wait}; {found}",
            hint="do what waits; the same command again, or the next month, takes it in",
            **told,
        )
    if n_new:
        return Outcome(ALL_DONE, reason=f"{found}, and nothing waits any more", **told)
    return Outcome(NOTHING_NEW, reason="no new record found, and nothing waits", **told)


def still_waiting(outcome, waiting, run):
    """The outcome of a month without a search, with what waits since the last one that was built, `run`."""
    n_waiting = sum(row["n"] for row in waiting)
    said = f"; of {run}, {_counted(n_waiting, 'piece')} of work wait{'s' if n_waiting == 1 else ''}"
    return replace(
        outcome,
        reason=outcome.reason + (said if n_waiting else ""),
        n_waiting=n_waiting,
        waiting=tuple(waiting),
        waiting_of=run,
    )


def _counted(number, noun):
    return f"{number} {noun}{'' if number == 1 else 's'}"
