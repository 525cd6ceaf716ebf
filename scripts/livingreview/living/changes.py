"""What changed since the last release, outcome by outcome, and which trials stand behind it."""

import math

from livingreview.living.attribution import TOLERANCE, attribute
from livingreview.pooling.outcomes import participants

COMPARED = [
    "estimate",
    "ci_low",
    "ci_high",
    "pi_low",
    "pi_high",
    "tau2",
    "I2",
    "k",
    "n_studies",
    "n_participants",
    "n_participants_unknown_rows",
]


def compare(estimates, effects, release):
    """Compare a run with a release.

    Parameters
    ----------
    estimates, effects : DataFrame
        Of this run.
    release : dict or None
        With the frames ``estimates`` and ``effects`` as frozen, and version, run, frozen_on; None if there is
        no earlier release.

    Returns
    -------
    dict
        ``release`` (or None) and per outcome before, after, difference, added, removed, corrected. The rows
        named are rows in the pool; a row is corrected if its effect or variance differs.
    """
    pool = _pool(effects)
    before_pool = _pool(release["effects"]) if release else {}
    before_rows = release["estimates"].set_index("outcome").to_dict("index") if release else {}
    outcomes = {
        row["outcome"]: _outcome(
            row,
            before_rows.get(row["outcome"]),
            pool.get(row["outcome"], {}),
            before_pool.get(row["outcome"], {}),
        )
        for row in estimates.to_dict("records")
    }
    about = release and {key: release.get(key) for key in ("version", "run", "frozen_on", "note")}
    dropped = sorted(set(before_rows) - set(outcomes))
    return {"release": about, "outcomes": outcomes, "outcomes_dropped": dropped}


def attributions(compared, effects, release, *, options, reanalysed=None, retracted=()):
    """What moved each outcome's estimate since a release.

    Parameters
    ----------
    compared : dict
        From `compare`.
    effects : DataFrame
        Of this run.
    release : dict or None
        As for `compare`.
    options, reanalysed, retracted
        As for `attribution.attribute`; `reanalysed` with all outcomes.

    Returns
    -------
    dict
        Per outcome the result of `attribution.attribute` and ``participants_added``: those of the rows that
        came into the pool (``known``), and how many of these rows do not print their number
        (``unknown_rows``). Empty without a release.
    """
    if release is None:
        return {}

    def rows(frame, outcome):
        return frame[frame["outcome"] == outcome]

    return {
        outcome: attribute(
            change["before"],
            change["after"],
            frozen=rows(release["effects"], outcome),
            current=rows(effects, outcome),
            options=options,
            reanalysed=None if reanalysed is None else rows(reanalysed, outcome),
            retracted=retracted,
        )
        | {"participants_added": _participants(rows(effects, outcome), change["added"])}
        for outcome, change in compared["outcomes"].items()
    }


def _participants(effects, added):
    came = effects["row_id"].isin([row["row_id"] for row in added])
    known, unknown = participants(effects.loc[came, "ni"].to_numpy(float))
    return {"known": known, "unknown_rows": unknown}


def _pool(effects):
    """Rows in the pool, by outcome and row id."""
    found = {}
    for row in effects[effects["in_pool"]].to_dict("records"):
        found.setdefault(row["outcome"], {})[row["row_id"]] = row
    return found


def _outcome(row, before, pool, before_pool):
    after = {key: row.get(key, math.nan) for key in COMPARED}
    common = sorted(pool.keys() & before_pool.keys())
    return {
        "before": before and {key: before.get(key, math.nan) for key in COMPARED},
        "after": after,
        "difference": _difference(before, after),
        "added": [_named(pool[key]) for key in sorted(pool.keys() - before_pool.keys())],
        "removed": [_named(before_pool[key]) for key in sorted(before_pool.keys() - pool.keys())],
        "corrected": [
            {
                "row_id": key,
                "study": pool[key]["study"],
                "label": pool[key]["label"],
                "before": {part: before_pool[key][part] for part in ("yi", "vi")},
                "after": {part: pool[key][part] for part in ("yi", "vi")},
            }
            for key in common
            if any(abs(pool[key][part] - before_pool[key][part]) > TOLERANCE for part in ("yi", "vi"))
        ],
    }


def _difference(before, after):
    if not before or _missing(before["estimate"]) or _missing(after["estimate"]):
        return None
    return after["estimate"] - before["estimate"]


def _missing(value):
    return value is None or math.isnan(value)


def _named(row):
    return {key: row[key] for key in ("row_id", "study", "label", "yi", "vi")}
