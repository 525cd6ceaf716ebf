"""One effect for a study's several instruments of one comparison and outcome: their mean."""

import math

import numpy as np


def composites(records, *, correlation, slots, priorities):
    """Effects of one study, comparison and outcome replaced by their plain mean.

    Parameters
    ----------
    records : list of dict
        Effects as `effects.compute` makes them: row_id, yi, vi (a variance), ni, instrument, source,
        conversion, assumption, in_pool, in_sensitivity, reason.
    correlation : float
        Of the sampling errors of effects of one slot, from 0 to below 1.
    slots : list of tuple
        Study, comparison and outcome of each record.
    priorities : list of int
        1 is the preferred instrument.

    Returns
    -------
    list of dict
        As many, in the same order. The preferred record of a slot carries the mean of its n effects, with
        variance sum_ij(r_ij sqrt(v_i v_j)) / n², r_ij = 1 for i = j and else `correlation`; and the largest
        ni, since they are of the same people. The others keep their own yi and vi and leave the pool, with
        the reason. A slot of one effect is left as it is, and so are effects that enter nowhere.

    References
    ----------
    Borenstein, Hedges, Higgins & Rothstein 2009, Introduction to Meta-Analysis, ch. 24, equation 24.5.
    """
    members = {}
    for at in sorted(range(len(records)), key=lambda i: priorities[i]):
        if records[at]["in_sensitivity"]:
            members.setdefault(slots[at], []).append(at)
    found = list(records)
    for group in members.values():
        if len(group) < 2:
            continue
        first, *others = group
        found[first] = _mean([records[i] for i in group], correlation)
        for i in others:
            reason = f"part of the composite in row {records[first]['row_id']}"
            found[i] = records[i] | {"in_pool": False, "in_sensitivity": False, "reason": reason}
    return found


def _mean(records, correlation):
    """The preferred record, which comes first, with the mean effect and its variance."""
    n = len(records)
    sd = np.sqrt([record["vi"] for record in records])
    # The covariances of all pairs, then what the diagonal has beyond them.
    total = correlation * sd.sum() ** 2 + (1 - correlation) * np.square(sd).sum()
    sizes = [record["ni"] for record in records if not math.isnan(record["ni"])]
    how = f"mean of {n} effects, correlation {correlation:g} assumed"
    return records[0] | {
        "yi": float(np.mean([record["yi"] for record in records])),
        "vi": float(total / n**2),
        "ni": max(sizes, default=math.nan),
        "instrument": _distinct(records, "instrument"),
        "source": _distinct(records, "source"),
        "conversion": f"{how} ({_distinct(records, 'conversion')})",
        "assumption": "; ".join(
            text
            for text in (f"correlation {correlation:g} of its {n} effects", _distinct(records, "assumption"))
            if text
        ),
    }


def _distinct(records, column):
    """The texts of a column, each once, in order."""
    return "; ".join(dict.fromkeys(str(record[column]) for record in records if record[column]))
