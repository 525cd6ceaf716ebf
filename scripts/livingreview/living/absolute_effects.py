"""Effects in units that people know: points of one instrument, and how many people improve."""

import math

import pandas as pd

from livingreview.errors import InputError
from livingreview.pooling.shares import helped
from livingreview.trials.instruments import plain

FROM_TRIALS = "from trials"
# Named as assumptions wherever they are shown: a low, two middling and a high share of controls who improve.
ASSUMED_RESPONSES = (10, 20, 30, 50)
NUMBERS = ("estimate", "ci_low", "ci_high")


def standard_deviation(outcomes, *, outcome, scale, studies, timepoint, lookup):
    """The standard deviation of an instrument in the control arms of this review's trials.

    Parameters
    ----------
    outcomes : DataFrame
        Rows of data/trials/outcomes.csv in force at the run.
    outcome : str
    scale : dict
        The protocol's ``familiar_scale``: its ``instrument``.
    studies : collection of str
        Trials that are in the review.
    timepoint : {"post", "follow-up"}
    lookup : instruments.Lookup
        Knows the instrument's other names.

    Returns
    -------
    dict
        ``sd`` = sqrt(sum (n - 1) sd² / sum (n - 1)) over control arms (None without any), ``rows`` (row_id,
        sd, n), ``n_without`` (rows of the instrument that state no such standard deviation or number),
        ``higher_is``.

    Raises
    ------
    InputError
        If rows of the instrument point in different directions.

    Notes
    -----
    Cochrane Handbook, section 15.5.3.2: the standard deviation is that of control arms of the review's own
    trials, averaged. A trial counts once, though it compares several arms with its control or has several
    rows. Rows that are set aside do not count.
    """
    rows = outcomes[
        (outcomes["outcome"] == outcome)
        & (outcomes["timepoint"] == timepoint)
        & (outcomes["status"] == "ok")
        & outcomes["study_id"].isin(set(studies))
    ].sort_values(["study_id", "priority", "row_id"])
    rows = [
        row
        for row in rows.to_dict("records")
        if _same_instrument(row["instrument"], scale["instrument"], outcome, lookup)
    ]
    directions = sorted({row["higher_is"] for row in rows})
    if len(directions) > 1:
        raise InputError(
            "data/trials/outcomes.csv",
            problem=f"rows of {scale['instrument']} for {outcome} point in different directions",
            column="higher_is",
            found=", ".join(directions),
            allowed="one direction",
            hint=f"compare the rows {', '.join(row['row_id'] for row in rows)}",
        )
    usable = {}
    for row in rows:
        if _number(row["sd_2"]) and _number(row["n_2"]) and row["n_2"] > 1:
            usable.setdefault(row["study_id"], row)
    used = [
        {"row_id": row["row_id"], "sd": float(row["sd_2"]), "n": int(row["n_2"])} for row in usable.values()
    ]
    freedom = sum(row["n"] - 1 for row in used)
    sd = math.sqrt(sum((row["n"] - 1) * row["sd"] ** 2 for row in used) / freedom) if used else None
    return {
        "sd": sd,
        "rows": used,
        "n_without": len({row["study_id"] for row in rows} - set(usable)),
        "higher_is": directions[0] if directions else None,
    }


def on_familiar_scale(main, *, scale, found):
    """A pooled effect in points of an instrument: the effect times the standard deviation.

    Parameters
    ----------
    main : dict
        ``estimate``, ``ci_low``, ``ci_high`` of the pool; negative favours treatment.
    scale : dict
        The protocol's ``familiar_scale``: instrument, unit, sd (a number with its ``source``, or "from
        trials") and, with a number, ``higher_is``.
    found : dict or None
        From `standard_deviation` where the protocol says "from trials".

    Returns
    -------
    dict
        instrument, unit, sd, source, rows, n_without, and estimate, ci_low, ci_high in points, treatment
        minus control as the instrument counts (None where there is no estimate or no standard deviation).

    References
    ----------
    Cochrane Handbook for Systematic Reviews of Interventions, section 15.5.3.2.
    """
    from_trials = scale["sd"] == FROM_TRIALS
    sd = found["sd"] if from_trials else float(scale["sd"])
    higher = found["higher_is"] if from_trials else scale.get("higher_is", "worse")
    known = {
        "instrument": scale["instrument"],
        "unit": scale["unit"],
        "sd": sd,
        "higher_is": higher,
        "source": FROM_TRIALS if from_trials else scale["source"],
        "rows": found["rows"] if from_trials else [],
        "n_without": found["n_without"] if from_trials else 0,
    }
    if sd is None or not main["k"]:
        return known | dict.fromkeys(NUMBERS)
    points = [_times(main[name], sd if higher == "worse" else -sd) for name in NUMBERS]
    if higher == "better":
        points = [points[0], points[2], points[1]]
    return known | dict(zip(NUMBERS, points, strict=True))


def people_improved(main, responses):
    """Of how many people improve, with and without treatment, for each share of controls who do.

    Parameters
    ----------
    main : dict
        As `on_familiar_scale`.
    responses : list of dict
        The protocol's ``control_responses``: ``percent`` and ``source``. Empty: `ASSUMED_RESPONSES`.

    Returns
    -------
    list of dict
        ``control`` (per cent), ``source`` (None where it is assumed), ``treated``, ``treated_low``,
        ``treated_high`` (per cent; low and high are the ends of the interval, None without), ``nnt``
        (None where there is no difference). Empty without an estimate.

    Notes
    -----
    See `shares.helped` (Furukawa and Leucht 2011): outcomes are taken to be normal with equal variances.
    """
    if not main["k"] or not _number(main["estimate"]):
        return []
    given = responses or [{"percent": percent, "source": None} for percent in ASSUMED_RESPONSES]
    rows = []
    for one in given:
        rate = one["percent"] / 100
        treated = helped(main["estimate"], control_rate=rate)
        limits = [
            100 * helped(main[name], control_rate=rate).treated_rate if _number(main[name]) else None
            for name in ("ci_high", "ci_low")
        ]
        rows.append(
            {
                "control": one["percent"],
                "source": one["source"],
                "treated": 100 * treated.treated_rate,
                "treated_low": limits[0],
                "treated_high": limits[1],
                "nnt": treated.nnt if math.isfinite(treated.nnt) else None,
            }
        )
    return rows


def _same_instrument(name, wanted, outcome, lookup):
    if not isinstance(name, str):
        return False
    one, other = lookup.find(name, outcome), lookup.find(wanted, outcome)
    if one is not None and other is not None:
        return one["name"] == other["name"]
    return plain(name) == plain(wanted)


def _times(value, factor):
    return value * factor if _number(value) else None


def _number(value):
    return not pd.isna(value)
