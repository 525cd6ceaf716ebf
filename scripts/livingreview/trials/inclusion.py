"""Which studies people have included: a study is in when one of its reports is."""

import pandas as pd

from livingreview.errors import InputError, problem
from livingreview.screening import decisions as ledger
from livingreview.trials.revisions import rows_at


def included_studies(studies, reports, decisions, *, run, stages, known):
    """The included studies at a run, with the records that carry them.

    Parameters
    ----------
    studies, reports, decisions : DataFrame
        data/trials/studies.csv, data/trials/reports.csv, data/decisions/screening.csv.
    run : str
        A month YYYY-MM.
    stages : list of str
        The protocol's stages.
    known : collection of str
        Record ids of the corpus at this run.

    Returns
    -------
    DataFrame
        Columns study_id, record_ids (semicolons between), since_run; sorted by study_id.

    Raises
    ------
    InputError
        If a report names a study that data/trials/studies.csv does not hold, or a record that no search or
        import has found.
    """
    reports = reports[reports["run"] <= run].drop_duplicates(["record_id", "study_id"])
    studies = rows_at(studies, run, ["study_id"])
    check_links(reports, set(studies["study_id"]), known)
    state = ledger.statuses(reports["record_id"], decisions, run=run, stages=stages)
    linked = reports.merge(state, on="record_id")
    linked = linked[linked["status"] == ledger.INCLUDED]
    rows = [
        (study_id, "; ".join(sorted(rows["record_id"])), rows["since_run"].min())
        for study_id, rows in linked.groupby("study_id", sort=True)
    ]
    return pd.DataFrame(rows, columns=["study_id", "record_ids", "since_run"])


def check_links(reports, study_ids, known=None):
    """Refuse reports of unknown studies and, if `known` is given, of records that nobody has found.

    Raises
    ------
    InputError
        Naming every such row of data/trials/reports.csv.
    """
    problems = [
        problem(
            "unknown study",
            row=row.Index + 2,
            column="study_id",
            found=row.study_id,
            allowed="a study_id of data/trials/studies.csv",
        )
        for row in reports.itertuples()
        if row.study_id not in study_ids
    ]
    problems += [
        problem(
            "no search or import up to this run has found this record",
            row=row.Index + 2,
            column="record_id",
            found=row.record_id,
            hint="a record from elsewhere is first imported: data/searches/<run>/imports/",
        )
        for row in reports.itertuples()
        if known is not None and row.record_id not in known
    ]
    if problems:
        raise InputError("data/trials/reports.csv", problems=problems)


def awaiting_extraction(record_ids, reports, decisions, *, run, stages):
    """Included records that no study carries yet: each needs an extraction sheet.

    Returns
    -------
    list of str
        Record ids, in the order given.
    """
    return not_carried(ledger.statuses(record_ids, decisions, run=run, stages=stages), reports, run=run)


def not_carried(state, reports, *, run):
    """As `awaiting_extraction`, by what `decisions.statuses` gives."""
    carried = set(reports.loc[reports["run"] <= run, "record_id"])
    included = state.loc[state["status"] == ledger.INCLUDED, "record_id"]
    return [record_id for record_id in included if record_id not in carried]


def entered(effects, outcomes, included):
    """The run in which each effect entered the review.

    Parameters
    ----------
    effects : DataFrame
        With row_id and study.
    outcomes : DataFrame
        All revisions of data/trials/outcomes.csv: a correction leaves the entry where it was.
    included : DataFrame
        From `included_studies`.

    Returns
    -------
    Series
        The later of the run that first held the extracted row and the run since which the study is included;
        None for a study that is not. Index as `effects`.
    """
    extracted = outcomes.groupby("row_id")["run"].min()
    since = included.set_index("study_id")["since_run"]
    pairs = zip(effects["row_id"].map(extracted), effects["study"].map(since), strict=True)
    found = [max(pair) if all(isinstance(run, str) for run in pair) else None for pair in pairs]
    return pd.Series(found, index=effects.index, dtype=object)
