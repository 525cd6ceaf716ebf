"""Tables of the review as files: which there are, what is in each, and their bytes."""

from typing import NamedTuple

from livingreview import tables
from livingreview.desk.history import ledger_view
from livingreview.desk.risk_of_bias import asked
from livingreview.errors import InputError
from livingreview.screening import filing
from livingreview.trials.revisions import rows_at

FORMS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class Offered(NamedTuple):
    """A table that can be taken away: its name in addresses and files, what it is called, what is in it."""

    name: str
    title: str
    about: str
    n: int


# By the name in addresses: the title, what is in it, and where it comes from.
TITLES = {
    "queue": ("Queue", "the records that wait for a decision, in the order in which to read them"),
    "decisions": ("Decisions", "every decision that was ever given, oldest first, with who, when and why"),
    "studies": ("Studies", "one row for each included trial: people, treatment, comparator, numbers"),
    "outcomes": ("Extracted values", "one row for each result, as the reports print it, with its source"),
    "effects": ("Effects", "the standardised mean difference of each row, its variance, and why it is in"),
    "estimates": ("Estimates", "the pooled result of each outcome, with the method of every number"),
    "risk_of_bias": ("Risk of bias", "the judgement of each domain of each trial"),
    "corrections": ("Corrections", "every value that was corrected, from what to what and why"),
}
TRIALS = {"studies": ["study_id"], "outcomes": ["row_id"]}


def offered(held, name):
    """What can be taken away now, in the order of `TITLES`; what was not built yet is not among it."""
    found = []
    for key, (title, about) in TITLES.items():
        frame = _frame(held, key, name)
        if frame is not None:
            found.append(Offered(key, title, about, len(frame)))
    return found


def make(held, key, form, name):
    """The bytes of a table.

    Parameters
    ----------
    held : Held
    key : str
        One of `TITLES`.
    form : str
        One of `FORMS`.
    name : str
        Who asks: of two independent reviewers, each gets their own queue and no decision of the other that
        they must not know yet.

    Raises
    ------
    InputError
        If it was not built yet.
    ReviewError
        If a workbook cannot hold it.
    """
    frame = _frame(held, key, name)
    if frame is None:
        raise InputError(
            held.results(f"{key}.csv"),
            problem="there is no such file",
            hint="build the month first: the button on the page This month, or make month",
        )
    if form == "csv":
        return tables.to_csv(frame).encode("utf-8")
    # The library takes half a second to load.
    from livingreview.trials import workbook  # noqa: PLC0415

    return workbook.of_tables({key: frame})


def _frame(held, key, name):
    """A table as it is now, or None where it was not built."""
    if key == "decisions":
        return ledger_view.visible(held, name)
    if key in TRIALS:
        return rows_at(held.table(f"data/trials/{key}.csv", key, optional=True), held.run(), TRIALS[key])
    if key == "risk_of_bias":
        return _judged(held, name)
    path = _queue(held, name) if key == "queue" else held.results(f"{key}.csv")
    if not held.exists(path):
        return None
    return held.table(path, "queue") if key == "queue" else held.table(path)


def _judged(held, name):
    """The judgements of the month, without those of the other of two who judge by themselves alone."""
    path = held.results("risk_of_bias.csv")
    if not held.exists(path):
        return None
    frame = held.table(path)
    names = asked.read(held.config(), asked.tools_of(held)).names
    others = [one for one in names if one != name]
    return frame[~frame["reviewers"].isin(others)] if name in names else frame


def _queue(held, name):
    own = filing.own_queues(held.config()["screening"])
    return held.results(f"{filing.QUEUES}/{own[name]}" if name in own else filing.QUEUE)
