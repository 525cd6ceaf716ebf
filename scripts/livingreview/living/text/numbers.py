"""Numbers that stand in hand-written text as they were typed, and look like results.

What is no result is taken out first: years and dates, the numbers of sections, tables, items and versions,
citations, addresses and code, names that hold a digit (PHQ-9, CD010216), and properties of instruments and
designs (a 24-item scale, a 12-week course). Whatever digits are left must come from a key.
"""

import re

MONTHS = (
    "January|February|March|April|May|June|July|August|September|October|November|December"
    "|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec"
)
PLACES = (
    "sections?|chapters?|tables?|figures?|figs?\\.?|items?|steps?|appendix|appendices|box|boxes|versions?"
    "|releases?|phases?|pages?|pp?\\.|questions?|parts?|equations?|footnotes?|notes?|"
    "types?|lines?|paragraphs?"
    "|volumes?|issues?|supplements?|domains?|stages?"
)
NUMERAL = r"\d+(?:[.,]\d+)*"
NO_RESULTS = re.compile(
    "|".join(
        [
            r"`[^`]*`",  # code
            r"\[[^\]]*@[^\]]*\]",  # a citation [@key]
            r"\[\^?\d+(?:\s*[,;–-]\s*\d+)*\]",  # a citation or footnote by number
            r"\]\([^)]*\)",  # the address of a link
            r"(?:https?|mailto):\S+",
            r"\b(?:doi:?\s*)?10\.\d{4,9}/\S+",
            r"\b(?:PMID|PMCID|ISSN|ISBN|ORCID)s?:?\s*[\d-]+X?",
            rf"\b\d{{1,2}}\s+(?:{MONTHS})\s+\d{{4}}\b",
            rf"\b(?:{MONTHS})\s+\d{{1,2}},?\s+\d{{4}}\b",
            r"\b(?:19|20)\d{2}-\d{2}(?:-\d{2})?\b",
            # A year; the same digits before what is counted are a count.
            r"(?<![\d.,−-])\b(?:19|20)\d{2}(?:\s*[–-]\s*(?:19|20)?\d{2})?\b(?![.,]?\d|%)"
            r"(?!\s+(?:people|participants|patients|adults|children|trials|studies|records|reports"
            r"|comparisons|effects|per cent|percent))",
            rf"(?i:\b(?:{PLACES}))\s+{NUMERAL}[a-z]?(?:\s*(?:[–,-]|and|to|or)\s*{NUMERAL}[a-z]?)*\b",
            r"\bRoB\s*2(?:\.0)?",
            rf"\b{NUMERAL}[-‑](?:items?|points?|weeks?|months?|years?|days?|hours?|minutes?|sessions?|arms?"
            r"|modules?)\b",
            r"\b[A-Za-z]+[A-Za-z-]*\d[\w-]*\b",  # a name that holds a digit
            r"^\s*\d+[.)]\s",  # the number of a list's line
        ]
    )
)
BARE = re.compile(rf"[−+-]?{NUMERAL}\s*(?:%|per cent\b|percent\b)?|[½¼¾⅓⅔]")
UNITS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
UNITS += " seventeen eighteen nineteen"
UNITS = {word: value for value, word in enumerate(UNITS.split(), start=1)}
TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
TENS = {word: 10 * value for value, word in enumerate(TENS.split(), start=2)}
_UNIT = "|".join(sorted(UNITS, key=len, reverse=True))
_TEN = "|".join(TENS)
SPELLED = rf"(?:(?:{_TEN})(?:[- ](?:{_UNIT}))?|(?:{_UNIT}))(?: hundred| thousand)?"
# Shares and multiples in words are results as much as digits are.
IN_WORDS = re.compile(
    rf"\b(?:half|(?:a|one|two|three) (?:third|quarter|fifth)s?) of the\b"
    rf"|\b{SPELLED} (?:per cent|percent)\b"
    r"|\b(?:doubled|halved|tripled|twofold|threefold|twice as|half as)\b"
    rf"|\b(?:{SPELLED}) (?:participants|patients|records)\b",
    re.IGNORECASE,
)


def bare_numbers(sentence):
    """What in a sentence looks like a typed result.

    Parameters
    ----------
    sentence : str
        With every key and literal already taken out.

    Returns
    -------
    list of str
        As they stand, in order.
    """
    left = NO_RESULTS.sub(" ", sentence)
    found = [match.group().strip() for match in BARE.finditer(left)]
    return found + [match.group() for match in IN_WORDS.finditer(left)]


def value_of(words):
    """A number in words below a million; ``twenty-four`` is 24."""
    total = 0
    for word in re.split(r"[- ]+", words.lower()):
        if word in ("hundred", "thousand"):
            total = (total or 1) * (100 if word == "hundred" else 1000)
        else:
            total += UNITS.get(word, TENS.get(word, 0))
    return total
