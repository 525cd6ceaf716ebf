"""The check of a query before it is sent.

PubMed takes almost anything without complaint: an unknown tag, a tag after a parenthesis or a typographic
asterisk each change what is searched, silently, by up to five orders of magnitude. `check` refuses them.
"""

import re

from livingreview.errors import InputError, problem
from livingreview.search import fields
from livingreview.search.syntax import DATE, RELATIVE, QueryError, Range, parse, terms

MINIMUM_STEM = 4  # characters before an asterisk; PubMed User Guide, "Truncating search terms"
# What word processors and web pages put in the place of plain characters.
LOOKALIKES = {
    **dict.fromkeys("\u2217\u204e\u2731\uff0a\u00d7", "*"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033", '"'),
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032", "'"),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
    **dict.fromkeys("\u00a0\u2007\u2009\u202f\u3000", "a plain space"),
    **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad", "nothing in its place"),
}
ENTITY = re.compile(r"&(?:#\d+|#x[0-9a-f]+|amp|lt|gt|quot|apos|nbsp);", re.I)


def check(text, *, file="config.yaml, search: query"):
    """Refuse a query that PubMed would accept and then understand as something else.

    Parameters
    ----------
    text : str
        The complete query.
    file : str
        Where the query stands, for the message.

    Returns
    -------
    Query
        The parsed query, with nothing ignored.

    Raises
    ------
    InputError
        Naming every fault found, each with what to write instead.
    """
    faults = [*_odd_characters(text), *_history_lines(text), *_small_operators(text)]
    try:
        query = parse(text)
    except QueryError as error:
        faults.append(problem(str(error), found=error.found, hint=error.hint))
        raise InputError(file, problems=faults) from None
    faults += [problem(reason, found=written, hint=hint) for written, reason, hint in query.ignored]
    faults += [fault for term in terms(query.tree) for fault in _term_faults(term)]
    if faults:
        raise InputError(file, problems=faults)
    return query


def _odd_characters(text):
    found = [
        problem(
            f"a typographic character (U+{ord(character):04X}) that PubMed does not understand",
            found=_context(text, position),
            hint=f"type {LOOKALIKES[character]}",
        )
        for position, character in enumerate(text)
        if character in LOOKALIKES
    ]
    found += [
        problem(
            "an HTML code in the place of a character",
            found=_context(text, match.start()),
            hint="type the character itself",
        )
        for match in ENTITY.finditer(text)
    ]
    return found


def _history_lines(text):
    bare = re.sub(r'"[^"]*"', '""', text)
    return [
        problem(
            "line numbers exist only in a search history on the web",
            found=match[0],
            hint="write the whole query as one expression",
        )
        for match in re.finditer(r"(?<![\w&])#\d+", bare)
    ]


def _small_operators(text):
    bare = re.sub(r'"[^"]*"|\[[^\]]*\]', " ", text)
    return [
        problem(
            "PubMed reads an operator only in capitals",
            found=match[0],
            hint=f"write {match[0].upper()}; where it belongs to a name, put the name in quotation marks",
        )
        for match in re.finditer(r"(?<![\w-])(?:and|or|not)(?![\w-])", bare, re.I)
        if not match[0].isupper()
    ]


def _term_faults(term):
    if isinstance(term, Range):
        return []
    faults = []
    if not re.search(r"\w", term.text):
        faults.append(problem("a term without letters or digits", found=term.written()))
    if term.name in fields.DATES and not (DATE.fullmatch(term.text) or RELATIVE.fullmatch(term.text)):
        faults.append(
            problem("this is not a date", found=term.written(), hint='write 2020[dp] or "2020/03/01"[crdt]')
        )
    if term.name == "UID" and not term.text.isdigit():
        faults.append(
            problem("this is not a PMID", found=term.written(), hint="digits only, as 31017024[uid]")
        )
    for match in re.finditer(r"[^\s*]*\*\S*", term.text):
        faults += _truncation_faults(term, match[0])
    return faults


def _truncation_faults(term, word):
    if not word.endswith("*") or word.count("*") > 1:
        return [
            problem(
                "PubMed truncates only at the end of a word", found=term.written(), hint="one * at the end"
            )
        ]
    if len(word) - 1 < MINIMUM_STEM:
        return [
            problem(
                f"PubMed wants at least {MINIMUM_STEM} characters before an asterisk",
                found=term.written(),
                hint="write out the words that are meant, each with its tag, joined by OR",
            )
        ]
    return []


def _context(text, position):
    return text[max(0, position - 15) : position + 15]
