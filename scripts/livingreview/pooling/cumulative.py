"""The estimate as it grew: pooled again as each effect, or each study, came in."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from livingreview.pooling.batch import SubsetFit, fit_subsets
from livingreview.pooling.random_effects import checked, checked_names


@dataclass(frozen=True)
class Step:
    """The estimate once one more study is in.

    Attributes
    ----------
    added : str
        The name of what came in.
    order : object
        Its value of the ordering key.
    result : SubsetFit
        The fit of all that came in so far.
    """

    added: str
    order: object
    result: SubsetFit


def cumulative(yi, vi, order, *, names, ties=None, method="REML", test="knha", level=0.95):
    """Pool the first, the first two, ... in a stated order.

    Parameters
    ----------
    yi, vi : array-like of shape (k,)
        Effects and sampling variances.
    order : sequence of length k
        The key to sort by, of one sortable type: the run in which a study entered the review, its year, its
        precision.
    names : sequence of str, length k
        The effect's name, or its study's: effects of one name come in together, at their earliest key.
    ties : sequence of length k, optional
        A second key that decides among equals of the first, for instance the study's id.
    method, test, level
        As `batch.fit_subsets`. A first step of one effect has its Wald interval and no tau².

    Returns
    -------
    list of Step
        One per name, empty without effects. The last step is the estimate of all.

    Raises
    ------
    ValueError
        As `fit_subsets`; or a length differs, a key is missing, or two names are equal in all keys: the
        result would hang on the order of rows.
    """
    yi, vi = checked(yi, vi)
    keys = _keys(order, ties, checked_names(names, yi, "name"), k=len(yi))
    entered = sorted(keys, key=keys.get)
    position = {name: number for number, name in enumerate(entered)}
    rank = np.array([position[name] for name in names], dtype=int)
    members = rank <= np.arange(len(entered))[:, None]
    fits = fit_subsets(yi, vi, members.reshape(len(entered), len(yi)), method=method, test=test, level=level)
    return [Step(name, keys[name][0], fits.row(number)) for number, name in enumerate(entered)]


def _keys(order, ties, names, *, k):
    """The earliest key of each name.

    Raises
    ------
    ValueError
        A length differs, a key is missing, or names are tied.
    """
    columns = {"order": list(order)} | ({} if ties is None else {"ties": list(ties)})
    for what, values in columns.items():
        if len(values) != k:
            raise ValueError(f"{what} must have a key for each of the {k} effects, found {len(values)}")
        missing = [name for name, value in zip(names, values, strict=True) if pd.isna(value)]
        if missing:
            raise ValueError(f"{what} has no key for {', '.join(map(str, missing))}; every effect needs one")
    keys = {}
    for name, key in zip(names, zip(*columns.values(), strict=True), strict=True):
        keys[name] = min(key, keys.get(name, key))
    tied = {key for key, times in Counter(keys.values()).items() if times > 1}
    if tied:
        same = [str(name) for name, key in keys.items() if key in tied]
        raise ValueError(f"{', '.join(same)} are tied in the order; give ties, a key that tells them apart")
    return keys
