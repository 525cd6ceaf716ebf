"""living-review: keep a systematic review alive, from the monthly search to the report.

Rooms, in the order in which facts flow through them (imports point the same way):
search, screening, trials, pooling, living, report.
"""

__version__ = "0.1.0"
