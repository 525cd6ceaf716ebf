"""Group the reports of one trial, and list for people what may be one record or one trial."""

import functools
import logging

from livingreview import tables
from livingreview.screening import decisions as ledger
from livingreview.screening import filing
from livingreview.search.linkage import companions, duplicates, pairs

log = logging.getLogger(__name__)


def main(job):
    """Write the groups of records and the pairs that people are to judge.

    Input: records, the table ``results/<run>/records.csv``; pairs, people's verdicts; reports and decisions,
    which say what people know of a record already: its study, or that it is of no interest.
    Output: companions and pairs, the tables ``results/<run>/companions.csv`` and ``results/<run>/pairs.csv``.
    """
    run = job.params.run
    frame = tables.read_results(job.input.records)
    rows = frame.astype(object).where(frame.notna(), "").to_dict("records")
    filed = tables.read(job.input.pairs, "pairs")
    filed = filed[filed["run"] <= run]
    pairs.check(filed, known={row["record_id"] for row in rows}, path=job.input.pairs)
    verdicts = filed.to_dict("records")
    decisions = tables.read(job.input.decisions, "screening")
    found = duplicates.find(rows, verdicts, decided=ledger.in_force(decisions, run))
    reports = tables.read(job.input.reports, "reports")
    reports = reports[reports["run"] <= run]
    groups = companions.group(
        rows,
        verdicts,
        dict(zip(reports["record_id"], reports["study_id"], strict=True)),
        ask_about=_undecided_or_included(frame, decisions, job.params),
    )
    queue = pairs.queue([*_still_two(found, ledger.kept_ids(frame)), *groups.uncertain], rows)
    together = companions.table(groups)
    log.info(
        "records in groups of reports: %d, in groups: %d; pairs that may be one record: %d, one trial: %d",
        len(together),
        together["group_id"].nunique(),
        (queue["kind"] == pairs.DUPLICATE).sum(),
        (queue["kind"] == pairs.COMPANION).sum(),
    )
    tables.write(together, job.output.companions)
    refuse = functools.partial(pairs.refuse_unfiled, job.output.pairs, job.input.pairs)
    filing.write(queue, job.output.pairs, refuse)


def _still_two(found, kept):
    """Pairs to ask about among the records that the table keeps.

    Where the table says less than the sources did, a pair can look surer here than it was there: it is asked
    about too, so that none is lost between the two.
    """
    surer = (
        pairs.make(left, right, kind=pairs.DUPLICATE, evidence="alike in all that the table says", score=1)
        for one, other in found.duplicate_of.items()
        if (left := kept.get(one, one)) != (right := kept.get(other, other))
    )
    return [*surer, *(pair for pair in found.uncertain if not {pair.record_a, pair.record_b} & kept.keys())]


def _undecided_or_included(frame, decisions, params):
    """Records that people have not excluded: about others nobody needs to be asked."""
    decisions = ledger.under_kept(decisions, ledger.kept_ids(frame), run=params.run)
    state = ledger.statuses(frame["record_id"], decisions, run=params.run, stages=params.stages)
    excluded = state["status"].isin([ledger.EXCLUDED_TITLE_ABSTRACT, ledger.EXCLUDED_FULL_TEXT])
    return set(state.loc[~excluded, "record_id"])


if "snakemake" in globals():
    from livingreview import stage

    stage.run(main, snakemake)  # noqa: F821
