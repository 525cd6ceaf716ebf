"""How far two reviewers agree by now, as the report prints it."""

from livingreview.desk import standing
from livingreview.report import prose
from livingreview.screening import agreement, filing


def of(held, *, names):
    """Agreement by stage, from the ledger as it is now.

    Returns
    -------
    dict or None
        None where no two have decided on one record yet. Else text, level, since and until (the first and the
        last month with a record that both decided), pairs (of reviewers, with their number of records), rows
        (one per stage, from `report.screening.agreed`).
    """
    run, stages = held.run(), held.config()["screening"]["stages"]
    return held.derived(
        ("agreement", run, tuple(stages), tuple(names)),
        [filing.LEDGER, held.results("records.csv")],
        lambda *_: _of(standing.decisions(held), run=run, stages=stages, names=names),
    )


def _of(decisions, *, run, stages, names):
    from livingreview.report.screening import STAGES, agreed  # noqa: PLC0415  loads what draws figures

    found = agreement.measure(decisions, run=run, stages=stages, names=names)
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
