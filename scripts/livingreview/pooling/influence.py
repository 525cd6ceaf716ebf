"""What the estimate would be without each study in turn."""

from dataclasses import dataclass

from livingreview.pooling.random_effects import Estimate, checked, checked_names, fit


@dataclass(frozen=True)
class LeftOut:
    """The estimate without one study."""

    omitted: str
    result: Estimate


def leave_one_study_out(yi, vi, study, *, method="REML", test="knha", level=0.95):
    """Pool again without each study, all of its effects at once.

    A trial with several arms gives several effects; leaving out one of them would leave the trial in.

    Parameters
    ----------
    yi, vi : array-like of shape (k,)
        Effects and sampling variances.
    study : sequence of str, length k
        The study of each effect.
    method, test, level
        As `fit`.

    Returns
    -------
    list of LeftOut
        One per study, in the order in which studies first occur. Empty with fewer than two studies: without
        its only study nothing is left to estimate.

    Raises
    ------
    ValueError
        As `fit`, or `study` is of another length.
    """
    yi, vi = checked(yi, vi)
    study = checked_names(study, yi, "study")
    names = list(dict.fromkeys(study))
    if len(names) < 2:
        return []
    return [
        LeftOut(name, fit(yi[study != name], vi[study != name], method=method, test=test, level=level))
        for name in names
    ]
