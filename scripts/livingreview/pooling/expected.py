"""Where the effect of a trial is expected, by those of the others."""

import math

import numpy as np
from scipy.special import stdtrit

from livingreview.pooling import random_effects


def predict(yi, vi, vi_new, *, level=0.95):
    """Where the effect of a new study is expected, its own sampling error included.

    Parameters
    ----------
    yi, vi : array-like, shape (k,)
        Effects and sampling variances of other studies, k >= 3.
    vi_new : float
        Sampling variance of the new one.

    Returns
    -------
    low, high : float
        t with k - 2 degrees of freedom (Higgins, Thompson and Spiegelhalter 2009, J R Stat Soc A
        172:137-159),
        with tau² by DerSimonian and Laird, which always has an answer.
    """
    fitted = random_effects.fit(np.asarray(yi), np.asarray(vi), method="DL", test="z")
    reach = -stdtrit(len(yi) - 2, (1 - level) / 2) * math.sqrt(fitted.tau2 + fitted.se**2 + vi_new)
    return fitted.estimate - reach, fitted.estimate + reach
