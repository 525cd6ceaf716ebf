"""The one thing to do next."""

from dataclasses import dataclass, field

from livingreview.desk.month import run_state, work
from livingreview.operation.job import waiting
from livingreview.report import prose
from livingreview.screening.decisions import FULL_TEXT

START, BUILD = "start", "build"  # buttons of this page

# Of each kind of work: the page on which it is done, what is done there, and what its address needs.
PLACES = {
    waiting.UNDECIDED: ("screening.page", "Screen {n}", {}),
    work.ASSESS: ("screening.page", "Assess {n}", {"stage": FULL_TEXT}),
    waiting.AWAITING: ("screening.page", "Look again at {n}", {}),
    waiting.SECOND: ("screening.page", "Screen {n}", {}),
    waiting.CONFLICTS: ("conflicts.page", "Settle {n}", {}),
    waiting.PAIRS: ("conflicts.all_pairs", "Judge {n}", {}),
    waiting.EXTRACTION: ("extraction.page", "Extract {n}", {}),
    waiting.EXTRACTION_CONFLICTS: ("extraction.page", "Settle {n}", {}),
    waiting.FINDINGS: ("history.findings", "Check {n}", {}),
    waiting.ALERTS: ("month.report", "Look at {n}", {}),
    waiting.SENTINELS: ("month.report", "Look at {n}", {}),
    waiting.REASONS: ("history.page", "Give the reason of {n}", {}),
}
DECIDING = (waiting.UNDECIDED, work.ASSESS, waiting.SECOND, waiting.CONFLICTS, waiting.PAIRS)
EXTRACTING = (waiting.EXTRACTION, waiting.EXTRACTION_CONFLICTS)
OWN = (waiting.UNDECIDED, waiting.SECOND)  # of two reviewers each has their own
LOOKING = (waiting.FINDINGS, waiting.ALERTS, waiting.SENTINELS, waiting.REASONS)


@dataclass(frozen=True)
class Step:
    """A step.

    Attributes
    ----------
    text : str
        What to do.
    why : str
        A sentence.
    place : str
        The endpoint of the page on which it is done, `START`, `BUILD`, or empty where nothing is to be done.
    options : dict
        What the address of the page needs.
    """

    text: str
    why: str
    place: str = ""
    options: dict = field(default_factory=dict)


def find(kinds, since, *, run, next_run, asked, started, mine=None):
    """The next step.

    Parameters
    ----------
    kinds : list of work.Kind
    since : freshness.Since or None
        None where the month was never built.
    run : run_state.Run
        The last start: of the month that the desk works on, or of a later one that never was built.
    next_run : str or None
        The month that may be started now; None if none is due.
    asked : str
        Why a new version is to be published; empty if none is.
    started : bool
        Whether a run works in the folder.
    mine : int, optional
        Of two reviewers, the records in the queue of who is at the desk; None where one decides.

    Returns
    -------
    Step
    """
    month, this = prose.month(run.run), {"run": run.run}
    if started:
        return Step(
            "Watch the run",
            "A run is being built. Decisions that are filed meanwhile are safe.",
            "month.progress",
            this,
        )
    if run.state == run_state.KILLED:
        why = (
            "The last run was ended before it was done. What was complete is kept, and it goes on from there."
        )
        return Step(f"Build {month} again", why, BUILD, this)
    if run.about and run.about.get("outcome") in run_state.STOPPED:
        return Step("See why the last run stopped", _last_line(run.about), "month.progress", this)
    if since is None:
        why = "Nothing is built yet: the run searches PubMed, ranks what is new, and makes the report."
        return Step(f"Build {month}", why, BUILD, this)
    waits = {one.kind: one for one in kinds if one.waits}
    if step := _first(waits, DECIDING, mine):
        return step
    if since.decided:
        return Step(
            f"Build {month} again",
            "A build takes in what was decided; full texts and sheets to extract follow from it.",
            BUILD,
            this,
        )
    if step := _first(waits, EXTRACTING, mine):
        return step
    if since.any:
        return Step(
            f"Build {month} again", "A build takes in what was changed since, and pools again.", BUILD, this
        )
    if step := _first(waits, LOOKING, mine):
        return step
    if asked:
        return Step(
            "Read the report, and release a version", f"The protocol asks for one: {asked}.", "month.report"
        )
    if next_run:
        return Step(f"Start {prose.month(next_run)}", "Nothing waits, and the next search is due.", START)
    return Step("Nothing to do", "All that was found is decided, extracted and pooled.")


def _first(waits, order, mine):
    for kind in order:
        own = kind in OWN and mine is not None
        if kind not in waits or (own and mine == 0):
            continue
        one = waits[kind]
        place, verb, options = PLACES[kind]
        if own:
            return Step(
                verb.format(n=prose.plural(mine, "record")), "They wait in your own queue.", place, options
            )
        n = one.waits
        # "Judge 3 pairs of records", without "to judge".
        what = work.named(kind, n).partition(" to ")[0]
        return Step(verb.format(n=f"{prose.count(n)} {what}"), _age(one), place, options)
    return None


def _age(one):
    done = f"{prose.count(one.done)} of {prose.count(one.of)} {'is' if one.done == 1 else 'are'} done. "
    since = f"The oldest waits since {prose.month(one.since)}." if one.since else ""
    return f"{done if one.done else ''}{since}".strip()


def _last_line(about):
    return prose.excerpt(str(about.get("reason") or "").split("\n")[0], 300)
