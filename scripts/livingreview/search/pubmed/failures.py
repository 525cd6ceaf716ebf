"""What can go wrong with an answer of PubMed."""

from livingreview.errors import ReviewError

LATER = "Nothing was saved. Run the same command again later."


class EntrezError(ReviewError):
    """PubMed's answer cannot be used; nothing was saved."""


class Unreachable(EntrezError):
    """No usable answer after all tries; later it may work."""


class Refused(EntrezError):
    """PubMed answered, and said no; the same request would be refused again."""


class KeyRefused(Refused):
    """PubMed does not take the API key."""


class IncompleteAnswer(EntrezError):
    """What came is not what was announced or asked for."""


class UnsafeAnswer(EntrezError):
    """An answer that PubMed would not send: far too large, or with declarations that could grow in memory."""


class BrokenZero(EntrezError):
    """No records, and a term that PubMed could not look up: a fault of the query, not an empty result."""


class Passing(Exception):
    """A failure worth another try.

    Attributes
    ----------
    wait : float
        Seconds that the server asked for.
    last : type
        The error in which a row of such failures ends.
    answered : bool
        Whether there was an answer, if not a good one.
    """

    def __init__(self, text, *, wait=0.0, last=Unreachable, answered=False):
        super().__init__(text)
        self.wait = wait
        self.last = last
        self.answered = answered
