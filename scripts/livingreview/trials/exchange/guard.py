"""Text that a spreadsheet would take for a formula, made safe on the way out and as it was on the way in."""

# OWASP, "CSV injection": a cell that begins with one of these may be run by a spreadsheet.
STARTS = ("=", "+", "-", "@", "\t", "\r")


def guard(frame):
    """A copy of a frame in which text that would be a formula begins with an apostrophe."""
    return frame.map(lambda cell: f"'{cell}" if isinstance(cell, str) and cell.startswith(STARTS) else cell)


def unguard(text):
    """A cell without the apostrophe that `guard` put before it."""
    return text[1:] if text.startswith("'") and text[1:].startswith(STARTS) else text
