"""What all pages of a desk work with."""

import datetime
from dataclasses import dataclass, field
from pathlib import Path

import flask

from livingreview.desk.held import Held


@dataclass(frozen=True)
class Desk:
    """What the pages of one desk work with; `current` gives it to them.

    Attributes
    ----------
    review : Path
        The review's folder.
    held : Held
        Its tables and protocol in memory, as they are on disk.
    clock : callable
        Returns now, with its time zone.
    cores : int
        How many jobs a run that is started from the desk does at once.
    """

    review: Path
    held: Held
    clock: object = field(default=lambda: datetime.datetime.now(datetime.UTC))
    cores: int = 2

    def decided_at(self):
        """The moment of filing as the ledger has it, YYYY-MM-DDThh:mm:ssZ."""
        return self.clock().astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def today(self):
        """The day, YYYY-MM-DD, in UTC as everywhere in the review."""
        return self.decided_at()[:10]


def current():
    """The `Desk` of the request that is being answered."""
    return flask.current_app.extensions["desk"]
