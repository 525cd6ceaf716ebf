"""PubMed's query language: what a query says, what is wrong with it, and which records it matches."""

from livingreview.search.query.lint import Remark, check, remarks

__all__ = ["Remark", "check", "remarks"]
