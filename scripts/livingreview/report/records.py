"""The records: from what the search found to the studies."""

from livingreview.report import changes, flow, prose
from livingreview.report.prose import count


def records(context):
    """Flow diagram, and the sums that were checked."""
    decisions = context["decisions"]
    sums = prose.spelled_plural(len(context["flow"]["checks"]), "sum")
    # Two who decide together stand in one row, with semicolons between their names.
    readers = {name for row in decisions for name in row["reviewer"].split("; ")}
    return {
        "decisions": prose.plural(len(decisions), "decision in force", "decisions in force"),
        "n_reviewers": prose.spelled_plural(len(readers), "reader"),
        "release": changes.compared_with(context),
        "other": bool(context["flow"]["other"]["identified"]),
        "boxes": flow.boxes(
            context["flow"], context["config"]["screening"]["reasons"], release=changes.compared_with(context)
        ),
        "checks": [
            {"identity": row["identity"], "n": count(row["left"])} for row in context["flow"]["checks"]
        ],
        "checked": f"{prose.sentence(sums)} over these counts checked when this page was built; all hold.",
    }
