"""Releases one after the other: what each one's frozen numbers say, and how they differ from those before."""

import math

from livingreview.living import versions

# Frozen numbers have ten significant digits; less than this is no correction.
TOLERANCE = 1e-8
SHOWN = ["label", "estimate", "ci_low", "ci_high", "k", "n_studies"]


def steps(releases):
    """Each release with its outcomes, and what moved since the release before it.

    Parameters
    ----------
    releases : list of dict
        As in ``release.json``; those of this review also have the frames ``estimates`` and ``effects`` as
        they were frozen. Published reviews may be among them, and have no step.

    Returns
    -------
    list of dict
        Oldest version first: ``release`` (without the frames), ``before`` (the version before, or None) and
        ``outcomes``, of each ``outcome``, the numbers (`SHOWN`), ``before`` (the same numbers, or None),
        ``difference`` of the estimates (None where either is missing), and ``added``, ``removed``,
        ``retracted`` and ``corrected``: labels of the rows in the pool, sorted. ``dropped`` are labels of
        outcomes that were there before and are no more.
    """
    ordered = sorted(releases, key=lambda release: versions.parse(release["version"]))
    found, last = [], None
    for release in ordered:
        about = {key: value for key, value in release.items() if key not in ("estimates", "effects")}
        if release["kind"] != "release":
            found.append({"release": about, "before": None, "outcomes": [], "dropped": []})
            continue
        found.append({"release": about, "before": last and last["version"], **_step(last, release)})
        last = release
    return found


def _step(before, after):
    numbers, earlier = _numbers(after), _numbers(before)
    pool, earlier_pool, withdrawn = _pool(after), _pool(before), _withdrawn(after)
    outcomes = [
        {
            "outcome": name,
            **row,
            "before": earlier.get(name),
            "difference": _difference(earlier.get(name), row),
            **_moved(earlier_pool.get(name, {}), pool.get(name, {}), withdrawn=withdrawn),
        }
        for name, row in numbers.items()
    ]
    return {
        "outcomes": outcomes,
        "dropped": [row["label"] for name, row in earlier.items() if name not in numbers],
    }


def _numbers(release):
    """Numbers by outcome, in the order in which they were frozen."""
    if release is None:
        return {}
    rows = release["estimates"].to_dict("records")
    return {row["outcome"]: {key: _or_none(row.get(key)) for key in SHOWN} for row in rows}


def _pool(release):
    """Rows in the pool by outcome and row id."""
    found = {}
    if release is not None:
        effects = release["effects"]
        for row in effects[effects["in_pool"]].to_dict("records"):
            found.setdefault(row["outcome"], {})[row["row_id"]] = row
    return found


def _withdrawn(release):
    """The rows that a retraction took out; none in releases older than the column."""
    effects = release["effects"]
    if "withdrawn" not in effects.columns:
        return set()
    return set(effects.loc[effects["withdrawn"].astype(bool), "row_id"])


def _moved(before, after, *, withdrawn):
    common = before.keys() & after.keys()
    gone = before.keys() - common
    corrected = [
        key
        for key in common
        if any(abs(after[key][part] - before[key][part]) > TOLERANCE for part in ("yi", "vi"))
    ]
    return {
        "added": sorted(after[key]["label"] for key in after.keys() - common),
        "removed": sorted(before[key]["label"] for key in gone - withdrawn),
        "retracted": sorted(before[key]["label"] for key in gone & withdrawn),
        "corrected": sorted(after[key]["label"] for key in corrected),
    }


def _difference(before, after):
    if before is None or before["estimate"] is None or after["estimate"] is None:
        return None
    return after["estimate"] - before["estimate"]


def _or_none(value):
    return None if isinstance(value, float) and math.isnan(value) else value
