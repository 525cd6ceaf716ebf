"""Text that a spreadsheet would take for a formula, made safe on the way out and as it was on the way in.

A cell of a CSV file that begins with =, +, -, @, a tab or a line end may be run by the spreadsheet that
opens it (OWASP, "CSV injection"). Such text gets an apostrophe before it; text that begins with apostrophes
and then such a character gets one more, so that taking one away gives back every text exactly. Numbers are
no formulas.
"""

import re

# Full-width signs too: a spreadsheet set to Japanese takes them for the plain ones. White space before a sign
# is passed over by some.
FORMULA = re.compile(r"'*(?:[^\S\t\r\n]*[=+\-@＝＋－＠]|[\t\r\n])")
GUARDED = re.compile(r"'" + FORMULA.pattern)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def guarded(text):
    """The text as a cell may hold it: with an apostrophe before what would be a formula."""
    return f"'{text}" if FORMULA.match(text) and not NUMBER.fullmatch(text) else text


def unguarded(text):
    """The text of a cell without the apostrophe of `guarded`; other text as it is."""
    return text[1:] if GUARDED.match(text) else text
