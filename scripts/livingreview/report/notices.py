"""Editorial notices on the reports of studies, in neutral words, and the numbers before and after."""

from livingreview.report import links, prose
from livingreview.report.prose import count, interval, number, signed
from livingreview.trials import notices as cascade

OUT = "Its numbers have left the analyses; the study is listed as excluded, with its notice."
UNTIL = "Until people have checked the extracted values against it, the study is listed as excluded."
# What a notice means for a reader, by its kind; retractions have words of their own.
EDITORIAL = {
    cascade.CONCERN: "is under an expression of concern. Its numbers stay in the analyses; each pool that"
    " holds them has a sensitivity analysis without them.",
    cascade.CORRECTED: "has a published erratum; the maintainers have to check the extracted values against"
    " it. Each pool that holds them has a sensitivity analysis without them.",
    cascade.OF_ANOTHER: "is the notice of a retraction, not a trial.",
}
MARKS = {
    cascade.RETRACTED: "a report retracted",
    cascade.CONCERN: "expression of concern",
    cascade.CORRECTED: "erratum published",
    cascade.OF_ANOTHER: "a report is itself a notice",
    cascade.SIBLING: "",
}
REF_TYPES = {
    "RetractionIn": "notice of retraction",
    "RetractedandRepublishedIn": "retracted and published again as",
    "PartialRetractionIn": "notice of partial retraction",
    "ExpressionOfConcernIn": "expression of concern",
    "ErratumIn": "erratum",
    "CorrectedandRepublishedIn": "corrected and published again as",
    "UpdateIn": "update",
    "RetractionOf": "notice of the retraction of",
    cascade.RECORDED: "recorded by the reviewers",
}


def told(row):
    """A notice of status.json as it stands on the first screen.

    Returns
    -------
    dict
        ``lead`` ("Included report." or "Excluded report."), ``title``, ``link`` (None for a report that
        PubMed does not hold), ``text`` and ``notices`` (what each is, where it stands, and a link).
    """
    out = row["effect"] == cascade.EXCLUDED
    return {
        "lead": "Excluded report." if out else "Included report.",
        "title": row["title"] or row["record_id"],
        "link": _link(row["record_id"]),
        "text": _said(row),
        "notices": _begun([_notice(entry) for entry in _entries(row)]),
    }


def _begun(entries):
    """Notices as they follow on a sentence: the first in upper case."""
    return [one | {"what": prose.sentence(one["what"])} for one in entries[:1]] + entries[1:]


def notices(context):
    """The section on notices: what is out, what is marked, and each pool before and after.

    Returns
    -------
    dict
        ``excluded`` and ``flagged`` (rows for a table), ``pools`` (outcomes whose pool lost a trial, with the
        estimate as before and now); empty lists where there is nothing.
    """
    rows = context["status"]["notices_on_included"]
    return {
        "excluded": [_row(row) for row in rows if row["effect"] == cascade.EXCLUDED],
        "flagged": [_row(row) for row in rows if row["effect"] == cascade.FLAGGED],
        "pools": [
            pool
            for name, declared in context["config"]["outcomes"].items()
            for pool in _pools(context["estimates"]["outcomes"][name], declared["short"])
        ],
    }


def marks(rows, study_id):
    """The kinds of notice on the reports of a study that stays in, as its row in a table says them."""
    kinds = [row["editorial_status"] for row in rows if row["study_id"] == study_id]
    return prose.listed(MARKS[kind] for kind in cascade.KINDS if kind in kinds)


def _said(row):
    if row["editorial_status"] != cascade.RETRACTED:
        return EDITORIAL[row["editorial_status"]]
    kinds = {entry.split(":", 1)[0] for entry in (row["notices"] or "").split("; ")}
    again = "RetractedandRepublishedIn" in kinds
    partial = cascade.is_partial(row["notices"])
    what = "has been retracted and published again" if again else "has been retracted in part"
    if row["effect"] == cascade.EXCLUDED:
        return f"{what}. {UNTIL}" if partial else f"has been retracted. {OUT}"
    if row["read"]:
        return f"{what}; people have checked the extracted values against the notice, and the study stays."
    return f"{what if partial else 'has been retracted'}. People use no data of this report; the study stays."


def _row(row):
    return {
        "study": row["label"] or "not extracted yet",
        "study_id": row["study_id"],
        "title": row["title"] or row["record_id"],
        "link": _link(row["record_id"]),
        "said": prose.sentence(_said(row)),
        "since": prose.month(row["since_run"]),
        "notices": [_notice(entry) for entry in _entries(row)],
    }


def _entries(row):
    return [entry for entry in (row["notices"] or "").split("; ") if entry]


def _notice(entry):
    kind, _, where = entry.partition(":")
    return {"what": REF_TYPES.get(kind, kind), "where": where, "link": _link(where)}


def _link(record_id):
    return links.pubmed_link(record_id) if record_id.isdigit() else None


def _pools(found, label):
    """One outcome's pool as before and now, if a retraction has changed it."""
    before = next((row for row in found["sensitivity_table"] if row["analysis"] == "with_retracted"), None)
    if before is None or prose.missing(before["estimate"]):
        return
    now = found["main"]
    yield {
        "label": label,
        "trials": before["note"].removeprefix("with "),
        "before": _state(before),
        "after": _state(now),
        "difference": signed(now["estimate"] - before["estimate"]) if now["k"] else prose.NOT_ESTIMATED,
    }


def _state(row):
    if not row["k"]:
        return {"k": "0", "estimate": "no estimate", "interval": ""}
    return {
        "k": count(row["k"]),
        "estimate": number(row["estimate"]),
        "interval": interval(row["ci_low"], row["ci_high"]),
    }
