"""The ranking tested on the review's own past: train on what was decided before a month, rank that month."""

import hashlib
import json
from typing import NamedTuple

import numpy as np
import pandas as pd

from livingreview.screening import metrics
from livingreview.screening.stopping import exact_interval, percent, records

BUDGETS = (0.1, 0.2, 0.5)
RECALL = 0.95  # of work saved over sampling, as the field reports it
MAX_CUTS = 12  # models trained in one back-test, whatever the age of the review
DIGITS = 6  # of scores and probabilities: beyond any use, and the same on every processor
FEWEST_MONTHS_TO_CHOOSE = 3
FEWEST_INCLUDED_TO_CHOOSE = 20
FEWEST_MONTHS_TO_RESAMPLE = 5
BINS = 10

PREDICTIONS = [
    "record_id",
    "month",
    "trained_before",
    "n_train",
    "score",
    "probability",
    "read_first",
    "included",
    "key",
]


class BackTest(NamedTuple):
    """What `run` found: a row per month, and a row per record ranked by a model of earlier months."""

    months: pd.DataFrame
    predictions: pd.DataFrame


def run(
    labelled,
    included,
    months,
    *,
    make_model,
    minimum_included,
    minimum_excluded,
    order=None,
    budgets=BUDGETS,
    read_first=None,
    name="",
    known=None,
    since=None,
    max_cuts=MAX_CUTS,
):
    """Train on everything before each month and rank that month, for every month.

    A model for every month would make each run dearer than the last. So at most `max_cuts` models are
    trained: the newest half of the cut points stand before one month each, the older months share the others
    in blocks of consecutive months, all ranked by a model trained before the block (`cut_points`). Every
    month is ranked and measured by itself all the same, the older ones by a slightly older model.

    Parameters
    ----------
    labelled : list of dict
        Decided records: what the model reads, and record_id (unique).
    included : array-like of bool, shape (n_records,)
    months : sequence, shape (n_records,)
        When each record was ranked: a run, or a finer or coarser sortable label, such as the year where all
        records of a review were decided in one run.
    make_model : callable
        Gives an unfitted estimator with ``fit(records, included)`` (and ``order=`` if `order` is given),
        ``decision_function`` and, where it has probabilities, ``probability`` (of scores) or
        ``predict_proba``.
    minimum_included, minimum_excluded : int
        What a model needs to be trained; at least one of each.
    order : sequence, shape (n_records,), optional
        Time of each record, handed to ``fit``.
    budgets : sequence of float
        Shares of a month's records at which recall is given.
    read_first : callable, optional
        ``read_first(model, scores)`` says which records the fitted model puts in that band; bool, shape
        (n_records,).
    name : str
        The model's name and version. It is part of the key under which predictions are known, so it changes
        with whatever changes what the model (or `read_first`) says.
    known : DataFrame, optional
        Predictions of an earlier back-test (`BackTest.predictions`). Those with the same key, a digest of
        name, training records, labels, order, the month's records and the record itself, are taken over; a
        cut point that needs no others is not trained again. The result is the same without them.
    since : optional
        Months before it are not tested.
    max_cuts : int
        At least 2.

    Returns
    -------
    BackTest
        ``months``, in their order: month, tested (bool), reason (why not, else None), trained_before (the
        first month that the model had not seen), n_train, n_train_included, n_ranked, n_included,
        ``recall_<percent>`` for each budget, last_relevant_rank, work_saved (share of records ranked after
        the last relevant one), wss_95, average_precision, n_read_first, n_included_read_first,
        read_first_recall, read_first_share, brier, calibration_error; None where it isn't defined: no
        included record, no probabilities, no band, not tested.
        ``predictions``: the columns `PREDICTIONS`, by month and record; score, probability and read_first
        are out of fold.

    Raises
    ------
    ValueError
        If lengths differ or a record stands twice.
    """
    past = _Past(labelled, included, months, order, name)
    least = max(minimum_included, 1), max(minimum_excluded, 1)
    reasons = {month: _untestable(past, month, least, since) for month in past.names}
    cuts = cut_points([month for month in past.names if reasons[month] is None], max_cuts=max_cuts)
    parts = []
    for cut in sorted(set(cuts.values())):
        tested = [month for month in past.names if cuts.get(month) == cut]
        parts.append(_predict(past, cut, tested, make_model=make_model, read_first=read_first, known=known))
    predictions = pd.DataFrame([row for part in parts for row in part], columns=PREDICTIONS)
    predictions = predictions.astype(dict.fromkeys(["probability", "read_first"], object))
    by_month = dict(list(predictions.groupby("month", sort=False)))
    rows = [
        _month_row(
            past,
            month,
            reason=reasons[month],
            cut=cuts.get(month),
            ranked=by_month.get(month),
            budgets=budgets,
        )
        for month in past.names
    ]
    return BackTest(pd.DataFrame(rows, columns=_month_columns(budgets), dtype=object), predictions)


def cut_points(testable, *, max_cuts=MAX_CUTS):
    """Before which month the model of each month is trained.

    Parameters
    ----------
    testable : list
        Months in order.
    max_cuts : int

    Returns
    -------
    dict
        Month to the first month of its block. Up to `max_cuts` months: each its own. Beyond, the newest half
        of `max_cuts` are alone, and the older ones lie in blocks of 2, 4, 8, … months counted from the first,
        the smallest power of two for which the blocks suffice. Blocks so counted stay the same from month to
        month until the power doubles, so that their predictions stay known.
    """
    if max_cuts < 2:
        raise ValueError(f"a back-test needs two cut points or more, found {max_cuts}")
    if len(testable) <= max_cuts:
        return {month: month for month in testable}
    newest = max_cuts // 2
    older, size = len(testable) - newest, 1
    while -(-older // size) > max_cuts - newest:
        size *= 2
    return {
        month: testable[place // size * size] if place < older else month
        for place, month in enumerate(testable)
    }


def summarise(backtest, *, budgets=BUDGETS, confidence=0.95, n_resamples=1000, seed=0, period="month"):
    """All tested months together.

    Parameters
    ----------
    backtest : BackTest
    budgets : sequence of float
        As given to `run`.
    confidence : float
    n_resamples : int
        Of the bootstrap. Months are resampled where at least five have an included record; else the records
        within each month, included and excluded ones apart, which tells nothing of how months differ.
    seed : int
    period : str
        What one label of `run`'s months is, for the words.

    Returns
    -------
    dict
        period, n_months, n_months_with_included, n_ranked, n_included; not_tested (a list of month and
        reason); resampled ("months", "records within months" or None), n_resamples, confidence;
        recall: {percent: {micro, macro, low, high}}, micro being the share of all included records found
        when each month is read to that budget, macro the mean over months, low and high of the micro one;
        average_precision, wss_95 and work_saved: {macro, low, high};
        read_first: {recall, n_held, n_included, low, high (bootstrap), exact_low, exact_high (binomial),
        share, n_read_first, n_ranked} or None; brier, calibration_error (over all predictions; None without
        probabilities); reliability (see `reliability`). Values are None where no month has an included one.
    """
    rows = backtest.months.to_dict("records")
    tested = [row for row in rows if row["tested"]]
    having = [row for row in tested if row["n_included"]]
    groups = dict(list(backtest.predictions.groupby("month", sort=False)))
    draws, resampled = _resamples(having, groups, budgets, n_resamples, seed)
    values = _pooled(having, budgets)
    low, high = _percentiles(draws, values, confidence)

    def interval(measure):
        return {"low": low[measure], "high": high[measure]}

    return {
        "period": period,
        "n_months": len(tested),
        "n_months_with_included": len(having),
        "n_ranked": sum(row["n_ranked"] for row in tested),
        "n_included": sum(row["n_included"] for row in tested),
        "not_tested": [{"month": row["month"], "reason": row["reason"]} for row in rows if not row["tested"]],
        "resampled": resampled and resampled.replace("month", period),
        "n_resamples": len(draws),
        "confidence": confidence,
        "recall": {
            _percent(share): {"micro": values[_recall(share)], "macro": values[f"macro_{_recall(share)}"]}
            | interval(_recall(share))
            for share in budgets
        },
        **{
            measure: {"macro": values[measure]} | interval(measure)
            for measure in ("average_precision", "wss_95", "work_saved")
        },
        "read_first": _read_first(tested, having, confidence, interval("read_first_recall")),
        **_of_probabilities(backtest.predictions, confidence),
    }


def reliability(included, probabilities, *, bins=BINS, confidence=0.95):
    """What was said and what came, for a reliability plot.

    Returns
    -------
    list of dict
        One row per bin of equal width that holds a record: low, high (of the bin), n, mean_probability,
        n_included, share, share_low, share_high (exact binomial).
    """
    included, probabilities = np.asarray(included, dtype=bool), np.asarray(probabilities, dtype=float)
    place = np.minimum((probabilities * bins).astype(int), bins - 1)
    rows = []
    for one in sorted(set(place.tolist())):
        inside = place == one
        n, x = int(inside.sum()), int(included[inside].sum())
        low, high = exact_interval(x, n, confidence=confidence)
        rows.append(
            {
                "low": one / bins,
                "high": (one + 1) / bins,
                "n": n,
                "mean_probability": float(probabilities[inside].mean()),
                "n_included": x,
                "share": x / n,
                "share_low": low,
                "share_high": high,
            }
        )
    return rows


def warn(backtest, *, target, last=3, confidence=0.95, period="month"):
    """Sentences for the report where the latest months fall below the target; mostly none.

    Parameters
    ----------
    backtest : BackTest
    target : float
        Recall that "read first" is to hold.
    last : int
        How many of the latest tested months with an included record are looked at.
    confidence : float
        Of the exact binomial interval.
    period : str
        What one label of `run`'s months is, for the words.
    """
    latest = [row for row in backtest.months.to_dict("records") if row["tested"] and row["n_included"]][
        -last:
    ]
    if not latest or any(row["n_included_read_first"] is None for row in latest):
        return []
    held, n = (sum(row[name] for row in latest) for name in ("n_included_read_first", "n_included"))
    if held >= target * n - 1e-9:
        return []
    low, high = exact_interval(held, n, confidence=confidence)
    share = percent(held / n, beside=target)
    names = ", ".join(str(row["month"]) for row in latest)
    some = period if len(latest) == 1 else _periods(len(latest), period)
    where = f"the latest {some} with included records ({names})"
    chance = (
        "So few records can't tell a ranking below the target from chance."
        if high >= target
        else "That is more than chance explains: there the ranking missed its target."
    )
    return [
        f"In {where}, “read first” held {held:,} of {records(n)} that people included ({share};"
        f" exact {percent(confidence)} interval {percent(low)} to {percent(high)}), below the target of"
        f" {percent(target)}. {chance}"
    ]


def choose(candidates, *, period="month"):
    """The model with the best mean average precision over the months and the most months won, and why.

    Parameters
    ----------
    candidates : dict
        Name to `BackTest`, all of the same records and months; the first is the default.
    period : str
        What one label of the months is, for the words.

    Returns
    -------
    dict
        chosen, default (names); reason (a sentence); table: one dict per candidate with name, n_months and
        n_included (over which all are compared), average_precision, wss_95 (means over months; None without
        any), months_best (in how many it was best, ties counted for all).
    """
    default = next(iter(candidates))
    rows = {
        name: {
            row["month"]: row for row in one.months.to_dict("records") if row["tested"] and row["n_included"]
        }
        for name, one in candidates.items()
    }
    shared = [month for month in rows[default] if all(month in one for one in rows.values())]
    n_included = sum(rows[default][month]["n_included"] for month in shared)
    best = {
        month: max(round(one[month]["average_precision"], DIGITS) for one in rows.values())
        for month in shared
    }
    table = [
        {
            "name": name,
            "n_months": len(shared),
            "n_included": n_included,
            "average_precision": _mean([one[month]["average_precision"] for month in shared]),
            "wss_95": _mean([one[month]["wss_95"] for month in shared]),
            "months_best": sum(
                round(one[month]["average_precision"], DIGITS) == best[month] for month in shared
            ),
        }
        for name, one in rows.items()
    ]
    chosen, reason = _choice(table, default, _periods(len(shared), period), n_included)
    return {"chosen": chosen, "default": default, "reason": reason, "table": table}


def _choice(table, default, months, n_included):
    if table[0]["n_months"] < FEWEST_MONTHS_TO_CHOOSE or n_included < FEWEST_INCLUDED_TO_CHOOSE:
        return default, (
            f"{default} was kept without comparison: {months} with {records(n_included)} included can be"
            f" tested, where {FEWEST_MONTHS_TO_CHOOSE} and {FEWEST_INCLUDED_TO_CHOOSE} are needed to choose."
        )
    # Means that agree in all digits that are kept are a tie, and the first candidate wins it. A higher mean
    # may come from one lucky month; so the default gives way only to what was also best in more months.
    winner = max(table, key=lambda row: round(row["average_precision"], DIGITS))
    shown = ", ".join(f"{row['name']} {row['average_precision']:.3f}" for row in table)
    if winner is not table[0] and winner["months_best"] <= table[0]["months_best"]:
        return default, (
            f"{default} was kept: {winner['name']} has a higher mean average precision over {months} with"
            f" {records(n_included)} included ({shown}), and was best in no more of them."
        )
    return winner["name"], (
        f"{winner['name']} has the highest mean average precision over {months} with {records(n_included)}"
        f" included ({shown})."
    )


def _periods(n, period):
    return f"{n} {period}" if n == 1 else f"{n} {period}s"


class _Past:
    """The labelled records in order of month and id, so that no result depends on the order given."""

    def __init__(self, labelled, included, months, order, name):
        sizes = {len(labelled), len(included), len(months), *([] if order is None else [len(order)])}
        if len(sizes) > 1:
            raise ValueError(f"records, labels, months and order differ in length: {sorted(sizes)}")
        ids = [one["record_id"] for one in labelled]
        if len(set(ids)) < len(ids):
            raise ValueError("a record stands twice among the labelled ones")
        places = sorted(range(len(ids)), key=lambda i: (months[i], ids[i]))
        self.records = [labelled[i] for i in places]
        self.digests = [hashlib.sha256(_canonical(one)).digest() for one in self.records]
        self.included = np.asarray(included, dtype=bool)[places]
        self.months = [months[i] for i in places]
        self.order = None if order is None else np.asarray(order)[places]
        self.name = name
        self.names = sorted(set(months))
        self.starts = {}
        for place, month in enumerate(self.months):
            self.starts.setdefault(month, place)

    def places(self, month):
        """Where the records of a month lie."""
        following = self.names.index(month) + 1
        end = self.starts[self.names[following]] if following < len(self.names) else len(self.months)
        return range(self.starts[month], end)

    def keys(self, cut, month):
        """Under what each prediction of a month is known: a digest of all that it depends on.

        That is the whole month and not the record alone: models compute with single precision, and a sum's
        last digits follow from what is ranked together.
        """
        training = hashlib.sha256(_canonical([self.name, self.order is None]))
        for place in range(self.starts[cut]):
            order = None if self.order is None else str(self.order[place])
            training.update(self.digests[place] + _canonical([bool(self.included[place]), order]))
        places = self.places(month)
        training.update(b"ranked" + b"".join(self.digests[place] for place in places))
        keys = []
        for place in places:
            one = training.copy()
            one.update(b"one" + self.digests[place])
            keys.append(one.hexdigest()[:24])
        return keys


def _canonical(value):
    return json.dumps(value, sort_keys=True, default=str).encode() + b"\n"


def _untestable(past, month, least, since):
    """Why a month can't be tested, or None."""
    before = past.included[: past.starts[month]]
    if since is not None and month < since:
        return f"before {since}, from which months are tested"
    if not len(before):
        return "nothing was decided before it"
    n_included, n_excluded = int(before.sum()), int((~before).sum())
    if n_included < least[0] or n_excluded < least[1]:
        return (
            f"too little to learn from: {n_included} included and {n_excluded} excluded before it, where"
            f" {least[0]} and {least[1]} are needed"
        )
    return None


def _predict(past, cut, tested, *, make_model, read_first, known):
    """Rows of the predictions for the months of one cut point, in their order; months are known whole."""
    n_train, model, rows = past.starts[cut], None, []
    for month in tested:
        places, keys = past.places(month), past.keys(cut, month)
        found = _known(known, keys)
        if len(found) < len(places):
            model = model or _fitted(past, n_train, make_model)
            fresh = _ranked(model, [past.records[place] for place in places], read_first)
            found = dict(zip(keys, fresh, strict=True))
        rows += [
            {
                "record_id": past.records[place]["record_id"],
                "month": month,
                "trained_before": cut,
                "n_train": n_train,
                **found[key],
                "included": bool(past.included[place]),
                "key": key,
            }
            for place, key in zip(places, keys, strict=True)
        ]
    return rows


def _fitted(past, n_train, make_model):
    more = {} if past.order is None else {"order": past.order[:n_train]}
    return make_model().fit(past.records[:n_train], past.included[:n_train], **more)


def _ranked(model, records, read_first):
    scores = np.asarray(model.decision_function(records), dtype=float)
    if hasattr(model, "probability"):
        chances = model.probability(scores)
    elif hasattr(model, "predict_proba"):
        chances = model.predict_proba(records)[:, 1]
    else:
        chances = [None] * len(records)
    bands = [None] * len(records) if read_first is None else read_first(model, scores)
    return [
        {
            "score": round(float(score), DIGITS),
            "probability": None if chance is None else round(float(chance), DIGITS),
            "read_first": None if band is None else bool(band),
        }
        for score, chance, band in zip(scores, chances, bands, strict=True)
    ]


def _known(known, keys):
    """Of known predictions those with the keys; a table read from a file may hold text and NaN."""
    if known is None or known.empty:
        return {}
    rows = known[known["key"].isin(set(keys))]
    return {
        row["key"]: {
            "score": float(row["score"]),
            "probability": None if pd.isna(row["probability"]) else float(row["probability"]),
            "read_first": None if pd.isna(row["read_first"]) else str(row["read_first"]).lower() == "true",
        }
        for row in rows.to_dict("records")
    }


def _month_columns(budgets):
    return [
        *("month", "tested", "reason", "trained_before", "n_train", "n_train_included"),
        *("n_ranked", "n_included"),
        *(_recall(share) for share in budgets),
        *("last_relevant_rank", "work_saved", "wss_95", "average_precision"),
        *("n_read_first", "n_included_read_first", "read_first_recall", "read_first_share"),
        *("brier", "calibration_error"),
    ]


def _month_row(past, month, *, reason, cut, ranked, budgets):
    places = past.places(month)
    row = dict.fromkeys(_month_columns(budgets)) | {
        "month": month,
        "tested": reason is None,
        "reason": reason,
        "n_ranked": len(places),
        "n_included": int(past.included[places.start : places.stop].sum()),
    }
    if reason is not None:
        return row
    n_train = past.starts[cut]
    row |= {"trained_before": cut, "n_train": n_train, "n_train_included": int(past.included[:n_train].sum())}
    return row | _measures(ranked, budgets)


def _measures(ranked, budgets):
    """The measures of one month's predictions that are defined."""
    included, scores = ranked["included"].to_numpy(dtype=bool), ranked["score"].to_numpy(dtype=float)
    found = _measures_of_order(included, scores, _band(ranked), budgets)
    if ranked["probability"].notna().all():
        probabilities = ranked["probability"].to_numpy(dtype=float)
        found |= {
            "brier": metrics.brier_score(included, probabilities),
            "calibration_error": metrics.calibration_error(included, probabilities),
        }
    return found


def _band(ranked):
    """Which records were to be read first; None where not all of them say so."""
    return ranked["read_first"].to_numpy(dtype=bool) if ranked["read_first"].notna().all() else None


def _measures_of_order(included, scores, band, budgets):
    """The measures of one month that need no probabilities, as `_resamples` takes them a thousand times."""
    n, n_included = len(included), int(included.sum())
    found = {}
    if n_included:
        order = metrics.ReadingOrder(included, scores)
        last = order.last_needed(1.0)
        found = {_recall(share): order.recall_within(share) for share in budgets} | {
            "last_relevant_rank": last,
            "work_saved": 1 - last / n,
            "wss_95": order.work_saved(RECALL),
            "average_precision": order.average_precision(),
        }
    if band is not None:
        held = int((band & included).sum())
        found |= {"n_read_first": int(band.sum()), "n_included_read_first": held}
        found |= {"read_first_share": band.sum() / n}
        found |= {"read_first_recall": held / n_included if n_included else None}
    return found


def _pooled(having, budgets):
    """Values over months with an included record, from their rows; None where there is none."""
    n = sum(row["n_included"] for row in having)
    values = {}
    for name in map(_recall, budgets):
        values[name] = sum(row[name] * row["n_included"] for row in having) / n if n else None
        values[f"macro_{name}"] = _mean([row[name] for row in having])
    for name in ("average_precision", "wss_95", "work_saved"):
        values[name] = _mean([row[name] for row in having])
    held = [row["n_included_read_first"] for row in having]
    values["read_first_recall"] = sum(held) / n if n and None not in held else None
    return values


def _resamples(having, groups, budgets, n_resamples, seed):
    """`_pooled` of resampled months, or of resampled records where months are few."""
    if not having or not n_resamples:
        return [], None
    rng = np.random.default_rng(seed)
    if len(having) >= FEWEST_MONTHS_TO_RESAMPLE:
        picks = rng.integers(0, len(having), (n_resamples, len(having)))
        return [_pooled([having[i] for i in pick], budgets) for pick in picks], "months"
    months = []
    for row in having:
        ranked = groups[row["month"]]
        labels = ranked["included"].to_numpy(dtype=bool)
        parts = [part for part in (np.flatnonzero(labels), np.flatnonzero(~labels)) if len(part)]
        months.append((row, labels, ranked["score"].to_numpy(dtype=float), _band(ranked), parts))
    draws = []
    for _ in range(n_resamples):
        rows = []
        for row, labels, scores, band, parts in months:
            # Copies of a record have equal scores; by place, they keep the order of the records.
            picks = np.sort(np.concatenate([rng.choice(part, len(part)) for part in parts]))
            drawn = None if band is None else band[picks]
            rows.append(row | _measures_of_order(labels[picks], scores[picks], drawn, budgets))
        draws.append(_pooled(rows, budgets))
    return draws, "records within months"


def _percentiles(draws, values, confidence):
    tail = (1 - confidence) / 2
    low, high = {}, {}
    for name, value in values.items():
        if value is None or not draws:
            low[name] = high[name] = None
            continue
        low[name], high[name] = map(float, np.quantile([draw[name] for draw in draws], [tail, 1 - tail]))
    return low, high


def _read_first(tested, having, confidence, interval):
    if not tested or any(row["n_read_first"] is None for row in tested):
        return None
    held, n = (sum(row[name] for row in having) for name in ("n_included_read_first", "n_included"))
    n_first, n_ranked = (sum(row[name] for row in tested) for name in ("n_read_first", "n_ranked"))
    exact_low, exact_high = exact_interval(held, n, confidence=confidence) if n else (None, None)
    return {
        "recall": held / n if n else None,
        "n_held": held,
        "n_included": n,
        **interval,
        "exact_low": exact_low,
        "exact_high": exact_high,
        "share": n_first / n_ranked,
        "n_read_first": n_first,
        "n_ranked": n_ranked,
    }


def _of_probabilities(predictions, confidence):
    if predictions.empty or predictions["probability"].isna().any():
        return {"brier": None, "calibration_error": None, "reliability": []}
    included = predictions["included"].to_numpy(dtype=bool)
    chances = predictions["probability"].to_numpy(dtype=float)
    return {
        "brier": metrics.brier_score(included, chances),
        "calibration_error": metrics.calibration_error(included, chances),
        "reliability": reliability(included, chances, confidence=confidence),
    }


def _mean(values):
    return float(np.mean(values)) if values else None


def _percent(share):
    return f"{100 * share:g}"


def _recall(share):
    return f"recall_{_percent(share)}"
