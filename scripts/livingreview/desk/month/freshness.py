"""How old the month's results are: what people have filed, merged or changed since they were built."""

from dataclasses import dataclass
from pathlib import Path

from livingreview import saved_meanwhile
from livingreview.desk.standing import TRIALS
from livingreview.operation.job import month
from livingreview.operation.job.outcome import ALL_DONE, NOTHING_NEW, TRIGGER_FIRED, WORK_WAITS
from livingreview.screening import filing
from livingreview.search.linkage import pairs
from livingreview.trials import merging, prefilling

BUILT = (NOTHING_NEW, ALL_DONE, WORK_WAITS, TRIGGER_FIRED)  # outcomes of a month that was built
COUNTED = {
    filing.LEDGER: ("decision", "decisions"),
    pairs.LEDGER: ("verdict on a pair", "verdicts on pairs"),
    TRIALS["reports"]: ("extracted report", "extracted reports"),
    TRIALS["outcomes"]: ("extracted row", "extracted rows"),
}


@dataclass(frozen=True)
class Since:
    """What came since the month was built.

    Attributes
    ----------
    built : float
        The moment of the build, in seconds since 1970.
    decisions : int
        Rows of the ledger when it was built.
    added : dict
        Table -> rows that were added since; without those of which there are none.
    changed : tuple of str
        Files that were saved since and are not counted in `added`, from the review's folder.
    ready : tuple of str
        Sheets that are marked as ready, which the next build merges.
    """

    built: float
    decisions: int
    added: dict
    changed: tuple = ()
    ready: tuple = ()

    @property
    def any(self):
        """Whether a new build would take something in."""
        return bool(self.added or self.changed or self.ready)

    @property
    def decided(self):
        """Whether decisions on records or pairs are among it, from which full texts and sheets follow."""
        return any(path.startswith("data/decisions/") for path in (*self.added, *self.changed))


def since(held):
    """What came since the month was built, or None where it has no report.

    Returns
    -------
    Since or None
    """
    built = moment(held.review, held.run())
    checked = held.results("checked.json")
    if built is None or not held.exists(checked):
        return None
    counts = held.json(checked)
    added = {}
    for path in COUNTED:
        if path in counts and held.exists(path):
            schema = Path(path).stem
            more = len(held.table(path, schema)) - counts[path]
            if more > 0:
                added[path] = more
    changed = [path for path in _saved_after(held.review, built) if path not in added]
    return Since(built, counts.get(filing.LEDGER, 0), added, tuple(changed), tuple(_ready(held)))


def moment(review, run):
    """When a month was last built, in seconds since 1970; None where it has no report.

    A start that changed nothing made no new report, and looked at everything all the same.
    """
    report = Path(review, "results", run, "report.html")
    if not report.is_file():
        return None
    about = Path(review, "logs", run, month.NAME)
    told = month.read(review, run)
    looked = about.stat().st_mtime if told.get("outcome") in BUILT and about.is_file() else 0
    return max(report.stat().st_mtime, looked)


def _saved_after(review, moment):
    """People's files that are newer than a moment, sorted."""
    review = Path(review)
    files = [review / "config.yaml"]
    for folder in saved_meanwhile.FOLDERS:
        files += sorted((review / folder).glob("[!.~]*"))
    return [
        path.relative_to(review).as_posix()
        for path in files
        if path.is_file() and path.stat().st_mtime > moment
    ]


def _ready(held):
    """Names of sheets that are marked as ready; looked at again when one of them has changed."""
    folder = held.review / prefilling.SHEETS
    files = sorted(
        path.relative_to(held.review).as_posix() for path in folder.glob("*/*") if path.is_file()
    ) + sorted(path.relative_to(held.review).as_posix() for path in folder.glob("*/*/*.*"))
    return held.derived(
        "sheets that are ready", files, lambda *_: [one.name for one in merging.marked_ready(folder)]
    )
