"""The review's effects as the next run will compute them from the tables of now, with or without typed rows.

Nothing here is a rule of its own: links, notices and effects come from the functions that the workflow's
steps call, in the same order, so that the digits are those of the steps' files.
"""

import functools
from dataclasses import dataclass, field, replace

import pandas as pd

from livingreview import tables
from livingreview.desk.standing import TRIALS
from livingreview.screening import decisions as ledger
from livingreview.screening.filing import LEDGER
from livingreview.trials import inclusion, notices
from livingreview.trials.labels import labels
from livingreview.trials.revisions import rows_at

# So many joined reports are remembered: a person types one sheet at a time, and may have a few open.
OPEN_SHEETS = 8


@dataclass(frozen=True)
class Standing:
    """The trials as they stand at the month of the desk.

    Attributes
    ----------
    run : str
    config : dict
        The protocol.
    studies, outcomes : DataFrame
        The rows in force at `run`.
    effects : DataFrame
        As ``effects.csv`` of a run would have them, but for the column ``entered``.
    joined : callable
        See `Links.joined`.
    without : dict
        Pools without one study, by study and outcome: they stay the same while that study is typed.
    """

    run: str
    config: dict
    studies: pd.DataFrame
    outcomes: pd.DataFrame
    effects: pd.DataFrame
    joined: object = field(repr=False)
    without: dict = field(default_factory=dict, init=False, repr=False)


@dataclass(frozen=True)
class Typed:
    """A study as it was typed, with the rows that are free of fault.

    Attributes
    ----------
    study : DataFrame
        One row in the columns of ``studies``.
    rows : DataFrame
        In the columns of ``outcomes``; may be empty.
    record_id : str or None
        The record that its sheet is for; None for a study that is in the tables with its report.
    """

    study: pd.DataFrame
    rows: pd.DataFrame
    record_id: str | None = None

    @property
    def study_id(self):
        """The id that was typed."""
        return self.study.at[0, "study_id"]


def now(held):
    """The `Standing` of the tables on disk; computed again when one of them has changed.

    Raises
    ------
    InputError
        A table that is missing or broken, or impossible values in the trials' tables.
    """
    run = held.run()
    paths = [*_linking(held), TRIALS["outcomes"]]
    return held.derived(("standing", run), paths, lambda *_: _standing(held, links(held), run=run))


def links(held):
    """The `Links` of the tables on disk: which studies count, without any of their numbers."""
    run = held.run()
    records, events, *_ = _linking(held)

    def make(*_):
        people = {name: held.table(path, name) for name, path in TRIALS.items() if name != "outcomes"}
        people["screening"] = held.table(LEDGER, "screening")
        return Links(held.table(records), held.table(events), people, run=run, config=held.config())

    return held.derived(("links", run), _linking(held), make)


def _linking(held):
    """The files that say which studies count."""
    results = [held.results(name) for name in ("records.csv", "record_events.csv")]
    return [*results, "config.yaml", LEDGER, TRIALS["reports"], TRIALS["studies"]]


def with_typed(standing, typed):
    """The trials with a study as it was typed, in the place of what the tables have of it.

    Returns
    -------
    Standing

    Raises
    ------
    InputError
        Impossible values in the typed rows, or in other rows of the study.
    """
    run = standing.run
    before = standing.outcomes
    own = before[(before["study_id"] == typed.study_id) & ~before["row_id"].isin(typed.rows["row_id"])]
    others = standing.studies[standing.studies["study_id"] != typed.study_id]
    studies = _together(others, typed.study.assign(run=run)).sort_values("study_id", ignore_index=True)
    rows = _together(own, typed.rows.assign(run=run)).sort_values("row_id", ignore_index=True)
    made = _effects(rows, studies, *standing.joined(typed.record_id, typed.study_id), config=standing.config)
    kept = standing.effects[standing.effects["study"] != typed.study_id]
    whole = _together(kept, made).sort_values("row_id", ignore_index=True)
    return replace(
        standing,
        studies=studies,
        outcomes=_together(before[before["study_id"] != typed.study_id], rows),
        effects=_named(whole, studies),
    )


def _together(*frames):
    """Frames below each other; an empty one would have its columns' types decide."""
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else frames[0]


def _with_row(frame, **cells):
    """A frame with one more row, empty but for some cells."""
    row = pd.DataFrame([{column: cells.get(column) for column in frame.columns}], dtype=object)
    return _together(frame, row)


def _named(effects, studies):
    """Effects with the labels of all studies together: a new trial can turn "Lee 2020" into "Lee 2020a"."""
    names = dict(zip(studies["study_id"], labels(studies), strict=True))
    pairs = zip(effects["study"], effects["comparison"], effects["label"], strict=True)
    told = [f"{names.get(study, label)} {comparison or ''}".strip() for study, comparison, label in pairs]
    return effects.assign(label=pd.Series(told, index=effects.index, dtype=object))


def _standing(held, linked, *, run):
    paths = ["config.yaml", TRIALS["studies"], TRIALS["outcomes"]]
    extracted = held.derived(("extracted", run), paths, lambda *_: Extracted(held, run=run))
    included, noticed = linked.joined(None, None)
    return Standing(
        run=run,
        config=extracted.config,
        studies=extracted.studies,
        outcomes=extracted.outcomes,
        effects=extracted.effects(frozenset(included), tuple(map(tuple, noticed.to_numpy()))),
        joined=linked.joined,
    )


class Extracted:
    """The rows in force at a run; their effects are computed again only if other studies count.

    Most decisions of screening change nothing of that.
    """

    def __init__(self, held, *, run):
        self.config = held.config()
        self.studies = rows_at(held.table(TRIALS["studies"], "studies"), run, ["study_id"])
        self.outcomes = rows_at(held.table(TRIALS["outcomes"], "outcomes"), run, ["row_id"])
        # effects(included, noticed), the notices as a tuple of rows.
        self.effects = functools.lru_cache(1)(self._effects)

    def _effects(self, included, noticed):
        found = pd.DataFrame(list(noticed), columns=list(notices.COLUMNS), dtype=object)
        return _effects(self.outcomes, self.studies, set(included), found, config=self.config)


def _effects(rows, studies, included, noticed, *, config):
    """What the step ``compute_effects`` writes of some rows, as it reads back from its file."""
    # SciPy's special functions load with it: a tenth of a second that other pages need not pay.
    from livingreview.trials.effects import compute, options  # noqa: PLC0415

    found = compute(
        rows,
        studies,
        included | notices.excluded_studies(noticed),
        protocol=list(config["outcomes"]),
        subgroups=config["subgroups"],
        **options(config["analysis"]),
    )
    return _as_read(notices.mark(found, noticed))


def _as_read(frame):
    """Numbers with the digits that a table on disk keeps of them, from which the pools are computed."""
    numbers = [name for name in frame if pd.api.types.is_float_dtype(frame[name])]
    return frame.assign(**{name: [float(format(v, tables.FLOAT_FORMAT)) for v in frame[name]]
                           for name in numbers})  # fmt: skip


class Links:
    """Which studies count at a run, by the decisions on their records and the notices on them."""

    def __init__(self, records, events, people, *, run, config):
        kept = ledger.kept_ids(records)
        self._kept = kept
        self._records, self._events = records, events
        self._decisions = ledger.under_kept(people["screening"], kept, run=run)
        self._reports = people["reports"]
        self._studies = people["studies"]
        self._run, self._stages = run, config["screening"]["stages"]
        # joined(record_id, study_id): see `_joined`.
        self.joined = functools.lru_cache(OPEN_SHEETS)(self._joined)

    def _joined(self, record_id, study_id):
        """The included studies (a set of ids) and the notices, with one more report of a study if given."""
        reports, studies, run = self._reports, self._studies, self._run
        if record_id is not None:
            reports = _with_row(reports, record_id=record_id, study_id=study_id, run=run)
            if study_id not in set(studies["study_id"]):
                studies = _with_row(studies, study_id=study_id, run=run, revision=1)
        reports = ledger.under_kept(reports, self._kept)
        given = {"run": run, "stages": self._stages}
        noticed = notices.find(self._records, self._events, self._decisions, reports, **given)
        included = inclusion.included_studies(
            studies, reports, self._decisions, known=set(self._records["record_id"]), **given
        )
        return set(included["study_id"]), noticed
