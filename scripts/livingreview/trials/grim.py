"""Whether a printed mean and standard deviation can come from whole numbers at all.

GRIM: the mean of n whole numbers is a multiple of 1 / n. GRIMMER: their standard deviation then takes few
values too. Both test the rounding of the paper, no more; imputed or adjusted values fail them too.
"""

import math

# A millionth of the last printed digit, so that halves count as rounded either way.
SLACK = 1e-6


def decimals(text):
    """Digits after the point of a number as printed, zeros at its end included; 0 for a whole number."""
    return len(text.strip().partition(".")[2])


def grim(mean, n, *, digits, items=1):
    """Whether whole numbers can have this mean.

    Parameters
    ----------
    mean : float
        As printed.
    n : int
        Number of participants, 1 or more.
    digits : int
        Digits after the point as printed (see `decimals`).
    items : int, default 1
        Items over which each participant's score was averaged; 1 for a sum of items.

    Returns
    -------
    bool or None
        None where every mean is possible: n times items reaches 10 to the power of `digits`.

    References
    ----------
    Brown and Heathers 2017, Soc Psychol Personal Sci 8:363-369.
    """
    units = n * items
    if units >= 10**digits:
        return None
    return len(_sums(mean, units, digits)) > 0


def grimmer(mean, sd, n, *, digits_mean, digits_sd, low=None, high=None):
    """Whether whole numbers can have this mean and this standard deviation together.

    Every whole sum that rounds to the mean is tried with every whole sum of squares that rounds to the
    standard deviation (with n - 1). Both sums are even or both odd. The squares are no fewer than when the
    values are as equal as they can be and, on a scale with ends, no more than when all but one lie at them.

    Each is necessary; together they do not suffice, so that some impossible pairs pass.

    Parameters
    ----------
    mean, sd : float
        As printed.
    n : int
        Number of participants, 2 or more.
    digits_mean, digits_sd : int
        Digits after the point as printed.
    low, high : int, optional
        Ends of the scale.

    Returns
    -------
    bool or None
        None where the mean has no power (as in `grim`).

    References
    ----------
    Anaya 2016, PeerJ Preprints 4:e2400v1; Allard 2018, analytic GRIMMER.
    """
    if n >= 10**digits_mean:
        return None
    return any(
        _squares_exist(total, sd, n, digits=digits_sd, low=low, high=high)
        for total in _sums(mean, n, digits_mean)
    )


def _sums(mean, units, digits):
    half = 10.0**-digits * (0.5 + SLACK)
    return range(math.ceil((mean - half) * units), math.floor((mean + half) * units) + 1)


def _squares_exist(total, sd, n, *, digits, low, high):
    half = 10.0**-digits * (0.5 + SLACK)
    least, most = ((n - 1) * max(0.0, sd + side) ** 2 + total**2 / n for side in (-half, half))
    # The arithmetic's own error grows with the squares.
    slack = 1e-9 * max(1.0, most)
    first = max(math.ceil(least - slack), _fewest_squares(total, n))
    last = math.floor(most + slack)
    if low is not None and high is not None:
        last = min(last, _most_squares(total, n, int(low), int(high)))
    if first % 2 != total % 2:
        first += 1
    return first <= last


def _fewest_squares(total, n):
    value, more = divmod(total, n)
    return (n - more) * value**2 + more * (value + 1) ** 2


def _most_squares(total, n, low, high):
    rest = total - n * low
    if not 0 <= rest <= n * (high - low):
        return -1
    at_top, between = divmod(rest, high - low)
    return at_top * high**2 + (n - at_top) * low**2 + ((low + between) ** 2 - low**2 if between else 0)
