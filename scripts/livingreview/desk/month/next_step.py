"""The one thing to do next."""

from dataclasses import dataclass, field

from livingreview.desk.month import run_state, steps, work
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
# Of each kind that the protocol gives to named people, why it is next: of several, and of one.
OF_ONES_OWN = {
    waiting.UNDECIDED: ("They wait in your own queue.", "It waits in your own queue."),
    work.ASSESS: ("They wait in your own queue.", "It waits in your own queue."),
    waiting.EXTRACTION: (
        "You have your own sheets, which the other extractor does not see.",
        "You have your own sheet, which the other extractor does not see.",
    ),
}
EXTRACTING = (waiting.EXTRACTION, waiting.EXTRACTION_CONFLICTS)
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


def find(kinds, since, *, run, next_run, asked, started, mine=None, others=()):
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
    mine : dict, optional
        From `work.mine`: of the work that the protocol gives to named people, how much is that of who is at
        the desk.
    others : sequence of str
        Where who is at the desk is one of two reviewers, the other: conflicts are settled together, or by a
        third person.

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
        return Step("See why the last run stopped", _last_line(run), "month.progress", this)
    if since is None:
        why = "Nothing is built yet: the run searches PubMed, ranks what is new, and makes the report."
        return Step(f"Build {month}", why, BUILD, this)
    waits, mine = {one.kind: one for one in kinds if one.waits}, mine or {}
    if step := _first(waits, DECIDING, mine, others):
        return step
    if since.decided:
        return Step(
            f"Build {month} again",
            "A build takes in what was decided; full texts and sheets to extract follow from it.",
            BUILD,
            this,
        )
    if step := _first(waits, EXTRACTING, mine, others):
        return step
    if since.any:
        return Step(
            f"Build {month} again", "A build takes in what was changed since, and pools again.", BUILD, this
        )
    if step := _first(waits, LOOKING, mine, others):
        return step
    if left := [one for kind, one in waits.items() if kind in mine]:
        return _of_others(left)
    if asked:
        return Step(
            "Read the report, and release a version", f"The protocol asks for one: {asked}.", "month.report"
        )
    if next_run:
        return Step(f"Start {prose.month(next_run)}", "Nothing waits, and the next search is due.", START)
    return Step("Nothing to do", "All that was found is decided, extracted and pooled.")


def _first(waits, order, mine, others):
    for kind in order:
        one = waits.get(kind)
        n = mine.get(kind, one.waits if one else 0)
        if not n:
            continue
        place, verb, options = PLACES[kind]
        if kind in mine:
            what = {waiting.UNDECIDED: "record", work.ASSESS: "full text"}.get(kind)
            what = prose.plural(n, what) if what else _counted(kind, n)
            return Step(verb.format(n=what), OF_ONES_OWN[kind][n == 1], place, options)
        why = _together(others) if kind == waiting.CONFLICTS and others else _age(one)
        return Step(verb.format(n=_counted(kind, n)), why, place, options)
    return None


def _counted(kind, n):
    """ "3 pairs of records", without "to judge"."""
    return f"{prose.count(n)} {work.named(kind, n).partition(' to ')[0]}"


def _together(others):
    return f"Talk it over with {prose.listed(others)}, and settle it together; or a third person does."


def _of_others(kinds):
    what = prose.listed([f"{prose.count(one.waits)} {work.named(one.kind, one.waits)}" for one in kinds])
    wait = "waits" if len(kinds) == 1 and kinds[0].waits == 1 else "wait"
    return Step("Nothing waits for you", f"For those whom the protocol names, {what} {wait}.")


def _age(one):
    done = f"{prose.count(one.done)} of {prose.count(one.of)} {'is' if one.done == 1 else 'are'} done. "
    since = f"The oldest waits since {prose.month(one.since)}." if one.since else ""
    return f"{done if one.done else ''}{since}".strip()


def _last_line(run):
    """Why a run stopped, its step in plain words."""
    line = str(run.about.get("reason") or "").split("\n")[0]
    rule, failed, why = line.partition(" failed: ")
    if failed and rule in steps.messages():
        line = f"{steps.words(rule, run.run)} failed: {why}"
    return prose.excerpt(line, 300)
