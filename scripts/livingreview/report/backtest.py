"""The ranking tested on the review's own past: its months, the choice of the model, the probabilities."""

from livingreview.report import prose, shares
from livingreview.report.prose import count, number
from livingreview.screening.stopping import exact_interval, percent

MONTHS_SHOWN = 24  # months of the back-test printed in the report; all of them are in backtest.csv
MONTHS_DRAWN = 12


def backtest(label, tested, context, *, heading):
    """What is shown of the test of one label.

    Parameters
    ----------
    label : str
        The stage whose decisions were learnt from.
    tested : dict
        Its part of ``backtest.json``.
    context : dict
        As for ``pages.build``.
    heading : str
        What tells it from other labels; empty where it is alone.
    """
    summary, period = tested["summary"], tested["period"]
    rows = [row for row in context["months"] if row["label"] == label]
    done = [row for row in rows if row["tested"]]
    shown = done[-MONTHS_SHOWN:]
    budgets = sorted(summary["recall"], key=float)
    untested = [
        {"period": named(row["month"], period), "reason": row["reason"]} for row in summary["not_tested"]
    ]
    return {
        "name": f"test-{label}",
        "heading": heading,
        "intro": _intro(summary, period),
        "warnings": tested["warnings"],
        "period": period,
        "budgets": [f"{budget}%" for budget in budgets],
        "rows": [_tested_row(row, period, budgets) for row in shown],
        "earlier": _earlier(len(done) - len(shown), period, context["run"]),
        "pooled": _pooled(summary, budgets) if done else None,
        "resampled": _resampled(summary) if done else "",
        "figure": _figure(label, shown[-MONTHS_DRAWN:], context, period, summary["confidence"]),
        "untested": untested,
        "n_untested": prose.plural(len(untested), f"{period} not tested", f"{period}s not tested"),
        "choice": _choice(tested["choice"]),
        "calibration": _calibration(label, summary),
    }


def named(label, period):
    """A month in words; a year as it is, and records without one by that."""
    if period == "month":
        return prose.month(str(label))
    return "no year" if str(label) in ("0", "0000") else str(label)


def _intro(summary, period):
    if not summary["n_months"]:
        return "No part of this review’s past could be tested yet."
    of = prose.plural(summary["n_months"], period)
    text = (
        f"A model trained on what was decided before each {period} ranked the {period}’s records, which"
        f" people had decided too: {prose.plural(summary['n_ranked'], 'record')} of {of},"
        f" {count(summary['n_included'])} included."
    )
    if period == "year":
        text += (
            " Its decisions fell in too few months to be tested by month, so the year of publication is used."
        )
    return text


def _earlier(n, period, run):
    if not n:
        return ""
    which = f"One earlier {period} is" if n == 1 else f"{count(n)} earlier {period}s are"
    return f"{which} in results/{run}/backtest.csv and in the pooled line."


def share(value):
    """A share, 0 to 1, in whole percent; a dash where there is none."""
    return prose.NOT_ESTIMATED if prose.missing(value) else percent(value).replace("-", prose.MINUS)


def _held(row):
    if prose.missing(row["n_included_read_first"]) or not row["n_included"]:
        return ""
    return f"{count(row['n_included_read_first'])} of {count(row['n_included'])}"


def _tested_row(row, period, budgets):
    return {
        "label": named(row["month"], period),
        "sort": str(row["month"]),
        "n_train": count(row["n_train"]),
        "n_train_included": f"{count(row['n_train_included'])} included",
        "n_ranked": count(row["n_ranked"]),
        "n_included": count(row["n_included"]),
        "recall": [share(row[f"recall_{budget}"]) for budget in budgets],
        "last": count(row["last_relevant_rank"]),
        "saved": share(row["work_saved"]),
        "held": share(row["read_first_recall"]),
        "n_held": _held(row),
        "read": share(row["read_first_share"]),
    }


def between(found, low="low", high="high"):
    """The interval of a share, such as ``54% to 74%``; empty where there is none."""
    if found is None or prose.missing(found[low]):
        return ""
    return f"{percent(found[low])} to {percent(found[high])}"


def _pooled(summary, budgets):
    band, n = summary["read_first"], summary["n_months"]
    return {
        "label": "Overall" if n == 1 else f"All {count(n)} {summary['period']}s",
        "n_ranked": count(summary["n_ranked"]),
        "n_included": count(summary["n_included"]),
        "recall": [
            {"share": share(found["micro"]), "interval": between(found)}
            for found in (summary["recall"][budget] for budget in budgets)
        ],
        "saved": {
            "share": share(summary["work_saved"]["macro"]),
            "interval": between(summary["work_saved"]),
        },
        "held": {"share": share(band and band["recall"]), "interval": between(band)},
        "read": share(band and band["share"]),
    }


def _resampled(summary):
    if not summary["resampled"]:
        return ""
    return (
        f"Beneath each pooled share its {percent(summary['confidence'])} bootstrap interval"
        f" (from {count(summary['n_resamples'])} resamplings of {summary['resampled']}). Work saved is the"
        f" mean over {summary['period']}s of the share of records ranked after the last one that people"
        " included."
    )


def _figure(label, rows, context, period, confidence):
    """The drawings of recall by month, or None where no month has an included record and a band."""
    drawn = [_drawn(row, period, confidence) for row in rows if _held(row)]
    if not drawn:
        return None
    target = context["ranking"]["target_recall"]
    said = prose.listed(f"{row['label']} {row['numbers']}" for row in drawn)
    view = {
        "name": f"recall-{label}",
        "title": f"What “read first” held, by {period}",
        "description": f"The target is {percent(target)}. {said}.",
        "target": target,
        "target_label": f"Target {percent(target)}",
        "axis": "Share of included records in “read first”",
        "rows": drawn,
    }
    caption = (
        f"What “read first” would have held of each {period}’s included records, with exact"
        f" {percent(confidence)} intervals. {_reached(drawn, target, period)}"
    )
    return {
        "wide": shares.by_month(view, shares.WIDE),
        "narrow": shares.by_month(view, shares.NARROW),
        "caption": caption,
    }


def _reached(drawn, target, period):
    n = sum(row["share"] >= target - 1e-9 for row in drawn)
    if len(drawn) == 1:
        return f"The target (dashed) was {'reached' if n else 'not reached'}."
    return f"The target (dashed) was reached in {count(n) if n else 'none'} of {count(len(drawn))} {period}s."


def _drawn(row, period, confidence):
    held, n = int(row["n_included_read_first"]), int(row["n_included"])
    low, high = exact_interval(held, n, confidence=confidence)
    label = named(row["month"], period)
    return {"label": label, "share": held / n, "low": low, "high": high, "numbers": _held(row)}


def _choice(choice):
    return {
        "reason": prose.sentence(choice["reason"]),
        "table": [
            {
                "name": row["name"],
                "chosen": row["name"] == choice["chosen"],
                "average_precision": number(row["average_precision"], 3),
                "wss_95": share(row["wss_95"]),
                "best": count(row["months_best"]),
            }
            for row in choice["table"]
        ],
        "compared": bool(choice["table"][0]["n_months"]),
    }


def _calibration(label, summary):
    """The reliability plot and its table, or why there is none."""
    rows = summary["reliability"]
    if not rows:
        return {"text": "No probability could be tested against what people decided yet.", "rows": []}
    level = percent(summary["confidence"])
    said = [
        {
            "given": f"{percent(row['low'])} to {percent(row['high'])}",
            "mean": percent(row["mean_probability"]),
            "n": count(row["n"]),
            "n_included": count(row["n_included"]),
            "share": percent(row["share"]),
            "interval": f"{percent(row['share_low'])} to {percent(row['share_high'])}",
        }
        for row in rows
    ]
    view = {
        "name": f"reliability-{label}",
        "title": "Reliability of the probabilities",
        "description": " ".join(
            f"Given {row['given']}: {row['n_included']} of {row['n']} included." for row in said
        ),
        "rows": rows,
    }
    return {
        "text": (
            f"Records with a given probability, and the share of them that people included. On average these"
            f" differ by {percent(summary['calibration_error'])} (expected calibration error"
            f" {number(summary['calibration_error'], 3)}); the Brier score is {number(summary['brier'], 3)}"
            " (0 is perfect, and lower is better)."
        ),
        "caption": (
            f"Each square is the records of one tenth of the scale, with the exact {level} interval of the"
            f" share that people included; at the top, how many they are. {_on_the_line(rows)}"
        ),
        "figure": shares.reliability(view),
        "rows": said,
        "level": level,
    }


def _on_the_line(rows):
    n = sum(row["share_low"] <= row["mean_probability"] <= row["share_high"] for row in rows)
    if len(rows) == 1:
        return f"The dashed line, on which both agree, {'crosses' if n else 'misses'} the interval."
    which = f"all {count(n)}" if n == len(rows) else f"{count(n)} of the {count(len(rows))}"
    return f"The dashed line, on which both agree, crosses {which} intervals."
