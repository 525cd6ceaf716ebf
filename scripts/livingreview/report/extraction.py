"""Whether the extracted values can be trusted: what the checks found, what was corrected, who agreed."""

from livingreview.report import prose
from livingreview.report.prose import count, percent

SEVERITIES = ("error", "warning", "note")


def extraction(context):
    """The section on extraction: findings, corrections, agreement of two extractors, risk of bias."""
    findings = sorted(context["findings"], key=lambda row: (SEVERITIES.index(row["severity"]), row["row_id"]))
    still_open = [row for row in findings if not row["cleared_by"]]
    used = {row["row_id"] for row in context["effects"] if row["in_pool"]}
    return {
        "counts": [
            {"severity": name, "n": prose.plural(sum(row["severity"] == name for row in still_open), name)}
            for name in SEVERITIES
        ],
        "n_open": len(still_open),
        "open": [_finding(row, used) for row in still_open],
        "cleared": [_finding(row, used) for row in findings if row["cleared_by"]],
        "corrections": [_correction(row) for row in context["corrections"]],
        "agreement": _agreement(context["extraction_agreement"]),
    }


def _finding(row, used):
    return {
        "row_id": row["row_id"],
        "severity": row["severity"],
        "severity_sort": SEVERITIES.index(row["severity"]),
        "check": row["check"].replace("_", " "),
        "found": row["found"],
        "expected": row["expected"] or "",
        "hint": prose.sentence(row["hint"] or ""),
        "pooled": "yes" if row["row_id"] in used else "no",
        "cleared_by": row["cleared_by"] or "",
        "note": row["clearance_note"] or "",
    }


def _correction(row):
    return {
        "month": prose.month(row["run"]),
        "run": row["run"],
        "row": row["row"],
        "field": row["field"].replace("_", " "),
        "old": row["old"] or "(empty)",
        "new": row["new"] or "(empty)",
        "reason": row["reason"] or "",
    }


def _agreement(found):
    """How far two extractors agreed, a line for each kind of field; None where nobody extracted twice."""
    if not found["records"]:
        return None
    return {
        "records": prose.plural(found["records"], "record"),
        "kinds": [
            {
                "kind": kind,
                "fields": count(one["fields"]),
                "equal": count(one["equal"]),
                "within_rounding": count(one["within_rounding"]),
                "different": count(one["different"]),
                "share": percent(100 * one["share"]),
            }
            for kind, one in found["kinds"].items()
            if one["fields"]
        ],
    }
