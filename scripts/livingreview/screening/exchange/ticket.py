"""The note that every exported record carries, so that it is known again when it comes back.

All three programs keep a record's notes: ASReview LAB 3 writes back every note but its own labels (its
``data/ris.py``), Rayyan appends its data to the notes that it was given (its help centre, "Understanding your
Rayyan export files"), Zotero makes a child note of them and exports it. So identity travels in a note. RIS
files say it once more in CN, Zotero's call number, since notes may be left out of Zotero's exports.
"""

import re
from typing import NamedTuple
from urllib.parse import quote, unquote

ASREVIEW, RAYYAN, ZOTERO = "asreview", "rayyan", "zotero"
TOOLS = (ASREVIEW, RAYYAN, ZOTERO)
# As people know them.
NAMES = {ASREVIEW: "ASReview", RAYYAN: "Rayyan", ZOTERO: "Zotero"}
UNLABELLED = "none"

TICKET = re.compile(r"living-review record_id=([^\s<>|]+) stage=([a-z-]+) label=([\w:%.~-]+)")
CALL_NUMBER = re.compile(r"record_id=([^\s<>|;]+)")


class Ticket(NamedTuple):
    """What a record was when it left; `label` is "include", "exclude", "exclude:reason" or "none"."""

    record_id: str
    stage: str
    label: str


def label(decision, reason=None):
    """A decision and its coded reason in one word."""
    if decision is None:
        return UNLABELLED
    return f"{decision}:{reason}" if reason else decision


def text(ticket):
    """The note; signs that programs may take for markup or separators are percent-encoded."""
    record_id, stage, said = ticket
    return f"living-review record_id={encoded(record_id)} stage={stage} label={quote(said, ':')}"


def encoded(record_id):
    """A record id in letters, digits and ``:/().-_``."""
    return quote(record_id, safe=":/()")


def find(text):
    """All tickets in a text, in their order."""
    return [Ticket(unquote(one), stage, unquote(said)) for one, stage, said in TICKET.findall(text)]


def without(text):
    """A text without the tickets in it."""
    return TICKET.sub("", text)


def from_call_number(text):
    """The record id in a call number that `writing` wrote, or None."""
    found = CALL_NUMBER.search(text)
    return unquote(found[1]) if found else None
