"""One row of people with an event, or of a printed odds ratio, to Hedges' g.

The odds ratio is that of arm 1 over arm 2, and `higher_is` says whether the event is good ("better": a
responder) or bad. Its logarithm is divided by pi / sqrt(3): the difference that it would be, were an outcome
of logistic distribution cut in two (Hasselblad & Hedges 1995, Psychol Bull 117:167-178).
"""

import math

from livingreview.trials.checks import known
from livingreview.trials.conversions import measures
from livingreview.trials.conversions.lacking import Converted, LackingError, needs, turned
from livingreview.trials.smd import se_from_ci

RESPONDERS = "more responders in arm 1"
LOGISTIC = "a logistic outcome cut in two"


def from_events(row):
    """Hedges' g of a row with events and sizes of both arms.

    A table with a zero gets 0.5 in every cell, as metafor's default.

    Raises
    ------
    LackingError
        A count is missing; nobody, or everybody, has the event in both arms; the sign has no meaning, or
        `printed_direction` and `higher_is` give it two.
    """
    needs(row, "events_1", "n_1", "events_2", "n_2")
    counts = {name: row[name] for name in ("events_1", "n_1", "events_2", "n_2")}
    log_or, vi = measures.log_odds_ratio(**counts, drop00=True)
    if math.isnan(log_or):
        raise LackingError(
            "nobody, or everybody, has the event in both arms, which says nothing of their odds"
        )
    if turned(log_or, row, _direction(row)) != turned(log_or, row):
        raise LackingError(
            f"events, by higher_is {row['higher_is']!r} and printed_direction {row['printed_direction']!r},"
            " favour one arm and the other; correcting one would mend it"
        )
    zero = 0 in (row["events_1"], row["events_2"]) or row["events_1"] == row["n_1"]
    zero = zero or row["events_2"] == row["n_2"]
    assumed = f"{LOGISTIC}; 0.5 added to each count, one being zero" if zero else LOGISTIC
    return _standardised(row, log_or, vi, "events", assumed)


def from_odds_ratio(row):
    """Hedges' g of a row with a printed odds ratio, its variance from the 95% interval or a standard error.

    The interval comes first: it is symmetric on the log scale only, while a printed standard error may be of
    the ratio; without an interval it is taken as that of the logarithm, which is said.

    Raises
    ------
    LackingError
        The ratio, or what its variance follows from, is missing or not above zero; the sign has no meaning.
    """
    if not row["printed_effect"]:
        raise LackingError("odds_ratio without printed_effect, which would mend it")
    ratio, low, high = float(row["printed_effect"]), row["printed_ci_low"], row["printed_ci_high"]
    if ratio <= 0 or low <= 0:
        raise LackingError("an odds ratio and its interval lie above 0; is its logarithm printed?")
    if known(low, high):
        se, how, assumed = se_from_ci(math.log(low), math.log(high)), "CI", LOGISTIC
    elif known(row["printed_se"]):
        se, how = row["printed_se"], "SE"
        assumed = f"{LOGISTIC}; printed_se taken as that of the log odds ratio"
    else:
        raise LackingError(
            "odds_ratio without printed_ci_low and printed_ci_high, or printed_se, which would mend it"
        )
    return _standardised(row, math.log(ratio), se**2, f"printed odds ratio and {how}", assumed)


def _standardised(row, log_or, vi, what, assumed):
    g, vi = measures.from_log_odds_ratio(log_or, vi)
    return Converted(
        turned(float(g), row, _direction(row)),
        float(vi),
        f"{what}, log odds ratio times sqrt(3) / pi (Hasselblad & Hedges 1995)",
        assumed,
        control_part=_control_part(row),
    )


def _direction(row):
    """What the sign of the log odds ratio means: as printed, or arm 1 over arm 2."""
    printed = row["printed_direction"]
    if printed == RESPONDERS and row["higher_is"] == "worse":
        raise LackingError(
            "responders with higher_is 'worse': is the event good? higher_is 'better', or another"
            " printed_direction, would mend it"
        )
    return "arm 1 minus arm 2" if printed in ("", RESPONDERS) else printed


def _control_part(row):
    """The control's part of the variance on the scale of g, or NaN where its events are not known."""
    events, n = row["events_2"], row["n_2"]
    if not known(events, n):
        return math.nan
    a, b = events, n - events
    if 0 in (a, b, row["events_1"], row["n_1"] - row["events_1"]):
        a, b = a + 0.5, b + 0.5
    return (1 / a + 1 / b) / measures.LOGISTIC_SD**2


# How each effect type that tells of odds becomes Hedges' g, where the protocol says that it may.
ODDS_RATIOS = {"events": from_events, "odds_ratio": from_odds_ratio}
