"""How far two reviewers agree by now, as the report prints it."""

from livingreview.desk import standing
from livingreview.desk.kept_up import FirstSaid
from livingreview.report import prose
from livingreview.screening import agreement, filing
from livingreview.screening import decisions as ledger


def of(held, *, names):
    """Agreement by stage, from the ledger as it is now.

    Returns
    -------
    dict or None
        None where no two have decided on one record yet. Else text, level, since and until (the first and the
        last month with a record that both decided), pairs (of reviewers, with their number of records), rows
        (one per stage, from `report.screening.agreed`).
    """
    run, stages, path = held.run(), held.config()["screening"]["stages"], held.results("records.csv")
    said = held.derived(
        ("first said", run, tuple(names)),
        [path],
        lambda _: FirstSaid(ledger.kept_ids(standing.records(held)), run=run, names=names),
    )
    return held.derived(
        ("agreement", run, tuple(stages), tuple(names)),
        [filing.LEDGER, path],
        lambda *_: _of(said.follow(held.table(filing.LEDGER, "screening")), run=run, stages=stages),
    )


def _of(pairs, *, run, stages):
    from livingreview.report.screening import STAGES, agreed  # noqa: PLC0415  loads what draws figures

    found = agreement.of_pairs(pairs, run=run, stages=stages)
    total = found["cumulative"][agreement.TOTAL]
    if not total["n"]:
        return None
    labels = [(prose.sentence(STAGES[stage]), stage) for stage in stages]
    return {
        "text": total["sentence"],
        "level": prose.percent(found["level"] * 100),
        "since": prose.month(min(found["runs"])),
        "until": prose.month(max(found["runs"])),
        "pairs": [f"{prose.listed(one['reviewers'])}: {prose.count(one['n'])}" for one in found["pairs"]],
        "rows": [
            agreed(label, found["cumulative"][key])
            for label, key in [*labels, *([("Both stages", agreement.TOTAL)] if len(stages) > 1 else [])]
        ],
    }
