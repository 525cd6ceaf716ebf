"""What moved an estimate since the last release: the move taken apart exactly, cause by cause.

The two ends are the rows that the release froze, pooled by its method, and this run's rows, pooled by this
run's. In between, causes take effect one at a time in the order of `ORDER`; and, so that no cause owes its
share to its place, their shares are averaged over all orders (see `shapley`).
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from livingreview.living import shapley
from livingreview.pooling.between_variance import ConvergenceError
from livingreview.pooling.outcomes import pool_rows

# Rows come before rows go: as long as both ends hold an effect, no step in between is without one.
ORDER = ("added", "admitted", "set_aside", "removed", "retracted", "redivided", "corrected", "method")

# Effects are written with ten significant digits; less than this is not a correction.
TOLERANCE = 1e-8
# The estimates are rounded likewise; more than this is an estimate that is not of these effects.
ROUNDING = 1e-6

# All 2^n combinations are pooled: 256 with eight.
MOST_CHANGES = 8
# Each needs a pool of its own; beyond so many nobody reads the list.
MOST_UNDONE = 60

# A control that is divided anew changes the variance; of the effect only the small-sample correction, which
# differs by less than this share for arms of ten and more (J = 1 - 3 / (4 df - 1)).
SMALL_SAMPLE = 0.05

MOVED = ("estimate", "ci_low", "ci_high")
SHOWN = (*MOVED, "tau2", "I2", "k")


@dataclass(frozen=True)
class Change:
    """One trial's rows that changed by one cause; or, without a study, the method."""

    cause: str
    study: str | None
    label: str
    row_ids: tuple


@dataclass(frozen=True)
class _Row:
    """A row at the release, now by the release's protocol, and now; None where it is not in the pool."""

    row_id: str
    old: dict | None
    new: dict | None
    now: dict | None
    cause: str | None

    @property
    def by_method(self):
        return _differs(self.new, self.now)

    def at(self, *, changed, method):
        """The row once its own change, and the method's, are made or not."""
        if not method or not self.by_method:
            return self.new if changed else self.old
        if changed:
            return self.now
        return self.old if self.now is not None or self.new is None else None


def attribute(before, after, *, frozen, current, options, reanalysed=None, retracted=()):
    """Take the move of one outcome's estimate apart.

    Parameters
    ----------
    before, after : dict or None
        The numbers `MOVED` as the release froze them (None if it had no such outcome), and of this run.
    frozen, current : DataFrame
        The outcome's effects at the release and now: row_id, study, label, yi, vi (a variance), in_pool and,
        where there are any, comparison and assumption.
    options : tuple of dict
        How the release pooled and how this run does: keywords of `outcomes.pool_rows`.
    reanalysed : DataFrame, optional
        Today's trials as the release's protocol would have turned them into effects; where the protocol makes
        other effects of the same trials now. Left out, it is `current`.
    retracted : collection of str
        Studies that are out because of a retraction.

    Returns
    -------
    dict
        ``reason``: None, or why there is nothing to take apart. ``causes``: per cause in the order of
        `ORDER` its rows (cause, n_rows, trials: label and row_ids; of the method ``options``, the keywords
        of `outcomes.pool_rows` that differ, and the rows that only another protocol makes or lets in), also
        without numbers. And
        where there are: ``total``, ``software`` (each of `MOVED`), ``steps`` (cause, change, `SHOWN`),
        ``shapley`` (cause, `MOVED`; ``software`` not among them), ``n_orders``, ``n_orders_possible``,
        ``by_change`` (cause, study, label, row_ids, share, without, undone).

    Raises
    ------
    ValueError
        If `after` is not what `current` gives with the second of `options`.

    Notes
    -----
    ``total`` = sum of ``shapley`` + ``software`` = sum of the steps' ``change`` + ``software``, for each of
    `MOVED`. ``software`` is what recomputing the frozen rows by the frozen method differs from the frozen
    number: rounding, unless the program computes differently. ``undone`` is this run's estimate less that
    ``without`` one change; these do not add up.
    """
    rows = _rows(frozen, reanalysed if reanalysed is not None else current, current, set(retracted))
    changes = _changes(rows, method=options[0] != options[1])
    found = {"causes": _by_cause(changes, options), "reason": _nothing(before, after)}
    if found["reason"]:
        return found
    game = _Game(rows, changes, options)
    first, last = game.numbers(set()), game.numbers(set(changes))
    if first is None or last is None:
        return found | {"reason": "the pool of the release, or of this run, cannot be computed again"}
    if abs(last[0] - after["estimate"]) > ROUNDING:
        raise ValueError(f"the effects give {last[0]:.10g}, and the estimate is {after['estimate']:.10g}")
    total = np.array([after[name] - before[name] for name in MOVED], dtype=float)
    return (
        found
        | {"total": _named(total), "software": _named(total - (last - first)), "steps": _steps(game)}
        | _shares_by_cause(game)
        | {"by_change": _by_change(game)}
    )


def _nothing(before, after):
    if before is None:
        return "the release has no such outcome"
    if _missing(before["estimate"]) and _missing(after["estimate"]):
        return "there was no estimate then and there is none now"
    if _missing(before["estimate"]):
        return "the release has no estimate to start from"
    if _missing(after["estimate"]):
        return "there is no estimate now"
    return None


def _missing(value):
    return value is None or math.isnan(value)


def _rows(frozen, reanalysed, current, retracted):
    """Every row that is in a pool at one of the ends, sorted by id."""
    old, new, now = (_pool(frame) for frame in (frozen, reanalysed, current))
    then, there = set(frozen["row_id"]), set(reanalysed["row_id"])
    out = []
    for row_id in sorted(old.keys() | new.keys() | now.keys()):
        one, other = old.get(row_id), new.get(row_id)
        if other is not None and other["study"] in retracted:
            other = None  # today's effects leave it out, whatever the protocol
        cause = _cause(one, other, known_then=row_id in then, known_now=row_id in there, retracted=retracted)
        out.append(_Row(row_id, one, other, now.get(row_id), cause))
    return out


def _pool(frame):
    return {row["row_id"]: row for row in frame[frame["in_pool"].astype(bool)].to_dict("records")}


def _cause(old, new, *, known_then, known_now, retracted):
    if old is None and new is None:
        return None
    if old is None:
        return "admitted" if known_then else "added"
    if new is None:
        if old["study"] in retracted:
            return "retracted"
        return "set_aside" if known_now else "removed"
    if not _differs(old, new):
        return None
    return "redivided" if _redivided(old, new) else "corrected"


def _differs(one, other):
    if one is None or other is None:
        return one is not other
    return any(abs(one[part] - other[part]) > TOLERANCE for part in ("yi", "vi")) or any(
        _text(one, part) != _text(other, part) for part in ("study", "comparison")
    )


def _text(row, column):
    """A cell of text, "" where it is empty or the table has no such column."""
    value = row.get(column)
    return value if isinstance(value, str) else ""


def _redivided(old, new):
    """Whether a row differs since the control that it shares is divided among more or fewer comparisons."""
    if _division(old) == _division(new):
        return False
    return abs(new["yi"] - old["yi"]) <= SMALL_SAMPLE * abs(old["yi"])


def _division(row):
    return [part for part in _text(row, "assumption").split("; ") if part.startswith("shared control of")]


def _changes(rows, *, method):
    """The single changes in the order of `ORDER`, and within a cause by study."""
    grouped = {}
    for row in rows:
        if row.cause:
            about = row.old or row.new
            grouped.setdefault((row.cause, about["study"]), []).append((row.row_id, about))
    found = [
        Change(cause, study, _label(members), tuple(row_id for row_id, _ in members))
        for (cause, study), members in grouped.items()
    ]
    by_method = tuple(row.row_id for row in rows if row.by_method)
    if method or by_method:
        found.append(Change("method", None, "", by_method))
    return sorted(found, key=lambda change: (ORDER.index(change.cause), change.study or ""))


def _label(members):
    """The study's label: that of a row without the letter of its comparison."""
    row = members[0][1]
    comparison = _text(row, "comparison")
    return row["label"].removesuffix(f" {comparison}") if comparison else row["label"]


def _by_cause(changes, options):
    """Per cause that occurs: how many rows, and of which trials; of the method what differs."""
    causes = list(dict.fromkeys(change.cause for change in changes))
    return [
        {
            "cause": cause,
            "n_rows": sum(len(change.row_ids) for change in changes if change.cause == cause),
            "trials": [
                {"study": change.study, "label": change.label, "row_ids": list(change.row_ids)}
                for change in changes
                if change.cause == cause and change.study is not None
            ],
        }
        | ({"options": _differing(*options)} if cause == "method" else {})
        for cause in causes
    ]


def _differing(then, now):
    return sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))


class _Game:
    """The pool of any combination of changes, each computed once."""

    def __init__(self, rows, changes, options):
        self.rows, self.changes, self.options = rows, changes, options
        self.of_row = {row_id: c for c in changes if c.study is not None for row_id in c.row_ids}
        self.method = next((change for change in changes if change.cause == "method"), None)
        self.causes = list(dict.fromkeys(change.cause for change in changes))
        self.known = {}

    def result(self, made):
        """The estimate once some changes are made; None without effects, or where tau² does not settle."""
        made = frozenset(made)
        if made not in self.known:
            self.known[made] = self._pooled(made)
        return self.known[made]

    def numbers(self, made):
        """The numbers `MOVED` of `result`, or None."""
        result = self.result(made)
        return None if result is None else np.array([getattr(result, name) for name in MOVED])

    def of_causes(self, causes):
        """The changes that some causes make."""
        return {change for change in self.changes if change.cause in causes}

    def _pooled(self, made):
        method = self.method in made
        at = (row.at(changed=self._changed(row, made), method=method) for row in self.rows)
        rows = [row for row in at if row is not None]
        if not rows:
            return None
        frame = pd.DataFrame(
            {
                "study": [row["study"] for row in rows],
                "comparison": [_text(row, "comparison") for row in rows],
                "yi": [row["yi"] for row in rows],
                "vi": [row["vi"] for row in rows],
            }
        )
        try:
            return pool_rows(frame, **self.options[method])
        except ConvergenceError:
            return None

    def _changed(self, row, made):
        change = self.of_row.get(row.row_id)
        return change is None or change in made


def _named(numbers):
    return dict(zip(MOVED, map(float, numbers), strict=True))


def _steps(game):
    """One cause at a time, in the stated order."""
    made, last, out = set(), game.result(set()), []
    for cause in game.causes:
        made |= game.of_causes([cause])
        result = game.result(made)
        known = result is not None and last is not None
        out.append(
            {"cause": cause, "change": result.estimate - last.estimate if known else None}
            | {name: getattr(result, name, None) for name in SHOWN}
        )
        last = result
    return out


def _shares_by_cause(game):
    if not game.causes:
        return {"shapley": [], "n_orders": 1, "n_orders_possible": 1}
    found = shapley.order_averaged(
        len(game.causes), lambda made: game.numbers(game.of_causes([game.causes[at] for at in made]))
    )
    if found is None:
        return {"shapley": None, "n_orders": 0, "n_orders_possible": math.factorial(len(game.causes))}
    return {
        "shapley": [
            {"cause": cause} | _named(share) for cause, share in zip(game.causes, found.shares, strict=True)
        ],
        "n_orders": found.n_orders,
        "n_orders_possible": found.n_orders_possible,
    }


def _by_change(game):
    """Every single change with its share (where there are few), and the estimate if it alone were undone."""
    changes = game.changes
    shares = [None] * len(changes)
    if 0 < len(changes) <= MOST_CHANGES:
        found = shapley.order_averaged(len(changes), lambda made: game.numbers({changes[at] for at in made}))
        shares = shares if found is None else [float(share[0]) for share in found.shares]
    everything = set(changes)
    now = game.result(everything)
    out = []
    for change, share in zip(changes, shares, strict=True):
        undone = game.result(everything - {change}) if len(changes) <= MOST_UNDONE else None
        without = None if undone is None else undone.estimate
        out.append(
            {
                "cause": change.cause,
                "study": change.study,
                "label": change.label,
                "row_ids": list(change.row_ids),
                "share": share,
                "without": without,
                "undone": None if without is None else now.estimate - without,
            }
        )
    return out
