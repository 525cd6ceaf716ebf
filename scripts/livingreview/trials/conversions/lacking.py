"""What a conversion gives, what it says when a row does not hold enough, and the sign of its result."""

import math
from dataclasses import dataclass

from livingreview.trials.checks import known
from livingreview.trials.smd import favouring_negative


@dataclass(frozen=True)
class Converted:
    """Hedges' g, negative where it favours the treatment, its sampling variance, and how they came about.

    `control_part` is what the control arm adds to the variance, where that is not 1 / n_2: a control that m
    comparisons share adds it m - 1 times more. NaN: not known. None: 1 / n_2.
    """

    yi: float
    vi: float
    conversion: str
    assumption: str = ""
    control_part: float | None = None

    def shared_increment(self, n_control, m):
        """What the variance grows by when a control of `n_control` people is divided by m."""
        part = 1 / n_control if self.control_part is None else self.control_part
        return (m - 1) * part

    def can_share(self):
        """Whether the control's part of the variance is known."""
        return self.control_part is None or not math.isnan(self.control_part)


class LackingError(ValueError):
    """The row does not hold what its conversion needs; the message is the reason for setting it aside."""


def needs(row, *columns):
    """Refuse a row in which one of the numbers is missing; the message names all that are."""
    missing = [c for c in columns if not known(row[c])]
    if missing:
        raise LackingError(f"{row['effect_type']} without {', '.join(missing)}, which would mend it")


def turned(value, row, direction="arm 1 minus arm 2"):
    """An effect with its sign turned so that negative favours the treatment, by `direction` and higher_is."""
    if direction == "arm 1 minus arm 2" and row["higher_is"] not in ("worse", "better"):
        raise LackingError(f"{row['effect_type']} without higher_is, which would mend it")
    if not direction:
        raise LackingError(f"{row['effect_type']} without printed_direction, which would mend it")
    return float(favouring_negative(value, direction=direction, higher_is=row["higher_is"]))
