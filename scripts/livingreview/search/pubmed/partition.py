"""Searches that find more records than PubMed lists, cut into ranges of UIDs that tile.

PubMed lists 9,999 records of a search, from the highest UID downwards. So the list of a range that holds more
is complete down to its smallest UID if the records below that one are as many fewer as the list is long: one
further request both proves this and goes on. Where a list is in another order it proves nothing, and the
range is cut where the listed UIDs say that each piece will fit.
"""

import math
from dataclasses import dataclass

WINDOW = 9999  # records of one search that PubMed lists; asking for 10,000 silently loses one
FIRST_UID = 1
LAST_UID = 99_999_999  # a PMID has at most eight digits (NLM, "MEDLINE/PubMed Data Element Descriptions")
LISTINGS = 3  # times that one range is asked for while its list is shorter than its count
ROUNDS = 3  # plans made of a set that changes meanwhile; PubMed grows by some records a minute at most
SPREAD = 2.5  # standard deviations by which pieces are planned smaller than the window
# Requests for one plan. An even spread of UIDs takes about one for each window; this many means that the
# counts contradict each other and no cut will ever help.
ALLOWED_ROUNDABOUT = 6
ALLOWED_EXTRA = 40
MOSTLY = 0.9  # share of a list's first half above its median from which the list counts as falling
SAFE_SHARE = 0.95  # of such a list; what entered late and is not on it must fit in as well


class Unsettled(Exception):
    """Counts and lists that contradict each other, however often asked; the text says what PubMed did."""


@dataclass(frozen=True)
class Part:
    """A range of UIDs and all that the search finds in it.

    Attributes
    ----------
    term : str
        The query as it was sent.
    low, high : int
        The smallest and largest UID that the part answers for.
    count : int
        Records in this range. Where the answer announces more than that, the next lower part's Count is the
        difference.
    pmids : tuple of str
        As many as `count`, in PubMed's order.
    body : bytes
        The answer as it came; it lists `pmids`, and may list others below `low`.
    """

    term: str
    low: int
    high: int
    count: int
    pmids: tuple
    body: bytes


def collect(ask, query, *, window=WINDOW, rounds=ROUNDS):
    """Everything that a query finds.

    Parameters
    ----------
    ask : callable
        From a term to an answer with `count` (int), `pmids` (tuple of str) and `body` (bytes). An answer
        lists as many ids as its count, up to `window`.
    query : str
        The query.
    window : int, optional
        How many ids an answer lists at most.
    rounds : int, optional
        How often a plan is made anew when its parts do not add up to the whole.

    Returns
    -------
    (answer, tuple of Part)
        The answer to the query itself, and parts from the highest UIDs to the lowest. The parts are
        disjoint, leave no UID out, and add up to the answer's count.

    Raises
    ------
    Unsettled
        If the parts never add up.
    """
    whole = ask(query)
    for _ in range(rounds):
        try:
            parts = _tile(ask, query, whole, window)
            total = sum(part.count for part in parts)
            reason = f"announced {whole.count:,} records and listed {total:,} in parts"
        except Unsettled as failure:
            total, reason = None, str(failure)
        if total == whole.count:
            return whole, parts
        again = ask(query)
        if total == again.count > whole.count:
            # Records entered while the parts were read; they are in the parts.
            return again, parts
        whole = again
    raise Unsettled(reason)


def within(query, low, high):
    """A query for those of its records that have a UID from `low` to `high`."""
    return f"({query}) AND {low}:{high}[UID]"


def _tile(ask, query, whole, window):
    """Parts that cover all UIDs, from high to low."""
    reader = _Reader(
        ask, window, allowed=ALLOWED_EXTRA + ALLOWED_ROUNDABOUT * math.ceil(whole.count / window)
    )
    parts, proved = [], []
    by_uid = True
    # Ranges to be read, each with the answer to it where that is known already.
    ranges = [(FIRST_UID, LAST_UID, query, whole)]
    while ranges:
        low, high, term, answer = ranges.pop()
        answer, uids = reader.read(low, high, term, answer)
        if by_uid and uids != sorted(uids, reverse=True):
            # Then a record may be missing from a list that seemed to be proved: another one may have entered
            # below at the same moment.
            by_uid = False
            ranges += [(part.low, part.high, within(query, part.low, part.high), None) for part in proved]
            proved = []
        if answer.count <= window:
            parts.append(Part(term, low, high, answer.count, answer.pmids, answer.body))
            continue
        cut = min(uids)
        if not by_uid or cut == low:
            ranges += _pieces(query, uids, (low, high), answer.count, window)
            continue
        below = within(query, low, cut - 1)
        rest, _ = reader.read(low, cut - 1, below)
        ranges.append((low, cut - 1, below, rest))
        if answer.count - rest.count == len(uids):
            proved.append(Part(term, cut, high, len(uids), answer.pmids, answer.body))
        else:
            ranges.append((cut, high, within(query, cut, high), None))
    return tuple(sorted([*parts, *proved], key=lambda part: part.low, reverse=True))


class _Reader:
    """Asks for ranges, as often as is allowed, and takes no list that is shorter than its count."""

    def __init__(self, ask, window, *, allowed):
        self._ask = ask
        self._window = window
        self._left = allowed

    def read(self, low, high, term, answer=None):
        """The answer to a range (the given one, if it will do), and the UIDs that it lists."""
        for _ in range(LISTINGS):
            answer = answer or self._asked(term)
            uids = [int(pmid) for pmid in answer.pmids]
            fault = _fault(answer.count, uids, low, high, self._window)
            if fault is None:
                return answer, uids
            answer = None
        raise Unsettled(fault)

    def _asked(self, term):
        self._left -= 1
        if self._left < 0:
            raise Unsettled("gave counts of ranges of UIDs that no further range makes agree")
        return self._ask(term)


def _fault(count, uids, low, high, window):
    """What is wrong with a list, or None."""
    expected = min(count, window)
    different = len(set(uids))
    if len(uids) != expected or different != expected:
        return f"announced {count:,} records and listed {different:,} different ones"
    if uids and not (low <= min(uids) and max(uids) <= high):
        return f"listed other UIDs than those from {low} to {high}"
    return None


def _pieces(query, uids, bounds, count, window):
    """Ranges that likely fit into the window, the highest last.

    A list that mostly falls (newest first, with records that entered late) is nearly complete at its upper
    end, which is cut off. Any other is taken for a random sample.
    """
    low, high = bounds
    rising = sorted(uids)
    half = len(uids) // 2
    if sum(uid > rising[half] for uid in uids[:half]) >= MOSTLY * half:
        cuts = [rising[math.ceil((1 - SAFE_SHARE) * len(uids))]]
    else:
        cuts = _quantiles(rising, count, window)
    cuts = [cut for cut in cuts if cut > low]
    if not cuts:
        raise Unsettled(f"announced more than {window:,} records from UID {low} to {high}")
    lows, highs = [low, *cuts], [*(cut - 1 for cut in cuts), high]
    return [(first, last, within(query, first, last), None) for first, last in zip(lows, highs, strict=True)]


def _quantiles(rising, count, window):
    """Where to cut a range of `count` records of which some, `rising`, are a random sample.

    Between two members of the sample that stand `r` apart lie about ``r * share`` records, with a standard
    deviation of about ``sqrt(window * share)`` where that is near the window (``share``: records per member).
    """
    share = count / len(rising)
    fitting = max(window / 2, window - SPREAD * math.sqrt(window * share))
    pieces = max(2, math.ceil(count / fitting))
    return sorted({rising[len(rising) * piece // pieces] for piece in range(1, pieces)})
