"""Records and decisions out to ASReview, Rayyan and Zotero, and their exports back as decisions."""

from livingreview.screening.exchange.returning import Hints, digest, file, from_export
from livingreview.screening.exchange.ticket import TOOLS
from livingreview.screening.exchange.writing import FORMATS, PARTS, count, export, file_name, refuse_unread

__all__ = [
    "FORMATS",
    "PARTS",
    "TOOLS",
    "Hints",
    "count",
    "digest",
    "export",
    "file",
    "file_name",
    "from_export",
    "refuse_unread",
]
