"""Where the records stand by the ledger as it is now, which may be ahead of the last run's results."""

from livingreview import tables
from livingreview.desk.kept_up import Standings, States
from livingreview.screening import decisions as ledger
from livingreview.screening import filing
from livingreview.trials import instruments

# People's tables of trials by their schema, from the review's folder.
TRIALS = {name: f"data/trials/{name}.csv" for name in ("reports", "studies", "outcomes")}


def records(held):
    """The records of the last run, duplicates too: a DataFrame by record_id, which is a column too."""
    path = held.results("records.csv")
    return held.derived(
        ("records by id", path),
        [path],
        lambda file: tables.read_results(file).set_index("record_id", drop=False),
    )


def registry(held):
    """The instruments in force, as a `instruments.Lookup`; empty where a review does without."""
    run = held.run()
    return held.derived(
        ("registry", run),
        [instruments.TABLE],
        lambda path: instruments.lookup(instruments.read(path, run=run)),
        optional=True,
    )


def rules(held):
    """What `decisions.from_queue` takes from the protocol, as its options."""
    screening = held.config()["screening"]
    return {
        "path": filing.LEDGER,
        "reasons": screening["reasons"],
        "stages": screening["stages"],
        "run": held.run(),
    }


def decisions(held):
    """The ledger under the records that are kept."""
    run, path = held.run(), held.results("records.csv")

    def make(_ledger, _records):
        kept = ledger.kept_ids(records(held))
        return ledger.under_kept(held.table(filing.LEDGER, "screening"), kept, run=run)

    return held.derived(("decisions under kept", run), [filing.LEDGER, path], make)


def standings(held):
    """The `decisions.Standing` of every record and stage that independent reviewers share."""
    run, path = held.run(), held.results("records.csv")
    kept_up = held.derived(
        ("standings", run), [path], lambda _: Standings(ledger.kept_ids(records(held)), run=run)
    )
    return kept_up.follow(held.table(filing.LEDGER, "screening"))


def states(held):
    """Where each record stands that is no duplicate: `decisions.statuses` by record_id.

    By decisions in force only: nothing of what one of two reviewers said alone. Do not change it.
    """
    run, path = held.run(), held.results("records.csv")
    stages = held.config()["screening"]["stages"]
    kept_up = held.derived(
        ("states", run, tuple(stages)), [path], lambda _: States(records(held), run=run, stages=stages)
    )
    return kept_up.follow(held.table(filing.LEDGER, "screening"))
