"""The check of a query before it is sent.

PubMed takes almost anything without complaint: an unknown tag, a tag after a parenthesis or a typographic
asterisk each change what is searched, silently, by up to five orders of magnitude. `check` refuses what is
surely not meant, each fault with its place, what PubMed would do with it, and the mend. `remarks` lists what
may be meant and is worth knowing.

Source of PubMed's rules: PubMed User Guide, "Truncating search terms", "Proximity searching", "Stopwords",
"PubMed character conversions".
"""

import datetime
import re
import unicodedata
from typing import NamedTuple

from livingreview.errors import InputError, problem
from livingreview.search.query import fields
from livingreview.search.query.matching import STOPWORDS
from livingreview.search.query.syntax import (
    DATE,
    OPERATORS,
    RELATIVE,
    Join,
    QueryError,
    Range,
    Term,
    extent,
    parse,
    terms,
)

MINIMUM_STEM = 4  # characters before an asterisk; PubMed User Guide, "Truncating search terms"
EXCERPT = 60  # characters of the query that a remark shows
# What word processors and web pages put in the place of plain characters.
LOOKALIKES = {
    **dict.fromkeys("\u2217\u204e\u2731\uff0a\u00d7\ufe61", "*"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033\uff02", '"'),
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4`", "'"),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d", "-"),
    "\uff08": "(",
    "\uff09": ")",
    "\uff3b": "[",
    "\uff3d": "]",
    "\uff1a": ":",
}
SPACE, NOTHING = "a plain space", "nothing in its place"
ENTITY = re.compile(r"&(?:#\d+|#x[0-9a-f]+|amp|lt|gt|quot|apos|nbsp);", re.I)
URL_CODE = re.compile(r"%(?:20|22|28|29|2A|5B|5D|3A|2F)", re.I)
PHRASE = re.compile(r'"([^"]*)"')
PHRASE_OR_TAG = re.compile(r'"[^"]*"|\[[^\[\]]*\]')
# Search syntax of Ovid, Embase.com and other databases, which PubMed takes for words or for spaces.
FOREIGN = [
    (r"\b(?:adj\d+|(?:near|next|w|n)/\d+)\b", "distance between words", 'write "word1 word2"[tiab:~5]'),
    (
        r"\.(?:mp|ti|ab|tw|kw|kf|pt|sh|fs)(?:,\w\w)*\.",
        "a field of Ovid",
        "write the tag of PubMed, as [tiab]",
    ),
    (r"\bexp\s+[\"']?[A-Z][^()\[\]]*/", "a heading of Ovid", 'write "Chronic Pain"[mh]'),
    (r"(?<=\w)[?$#](?=\w)", "a wildcard within a word", "write the spellings out, joined by OR"),
    (r"(?<=[a-z]{4})\$", "a wildcard of another database", "write * at the end of the word"),
]


class Remark(NamedTuple):
    """Something about a query that may be meant and is worth knowing.

    Attributes
    ----------
    line, column : int
        Where in the query, counted from 1.
    found : str
        The piece of the query, cut to `EXCERPT` characters.
    says : str
        What PubMed does with it, and what to consider.
    """

    line: int
    column: int
    found: str
    says: str


class _Fault(NamedTuple):
    start: int
    text: str
    found: str
    hint: str


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
        Naming every fault found, in order, each with its line and column in the query and what to write
        instead.
    """
    faults, query = _faults(text)
    if faults:
        lines = []
        for fault in sorted(faults, key=lambda one: one.start):
            line, column = place(text, fault.start)
            where = f"line {line}, column {column}"
            lines.append(problem(f"{where}: {fault.text}", found=fault.found, hint=fault.hint))
        raise InputError(file, problems=list(dict.fromkeys(lines)))
    return query


def remarks(text):
    """What is worth knowing about a query that `check` accepts.

    Returns
    -------
    list of Remark
        In order of the text: the order of mixed operators, limits by date or language, parts that records
        without headings cannot meet, terms that PubMed maps by itself, NOT, filters, repetitions.

    Raises
    ------
    QueryError
        If the query has no tree.
    """
    query = parse(text)
    found = [*_mixed_operators(text, query), *_unindexed(query.tree), *_takes_away(query.tree)]
    found += [(start, end, says) for term in terms(query.tree) for start, end, says in _term_remarks(term)]
    found += _repetitions(query.tree)
    return [
        Remark(*place(text, start), _shortened(text[start:end]), says)
        for start, end, says in sorted(dict.fromkeys(found))
    ]


def place(text, position):
    """Line and column of a position in a text, counted from 1."""
    return text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)


def _faults(text):
    """Faults of a query and its parsed form; None where it has none."""
    faults = [
        *_odd_characters(text),
        *_codes(text),
        *_history_lines(text),
        *_other_operators(text),
        *_foreign_syntax(text),
        *_swallowed_tags(text),
    ]
    try:
        query = parse(text)
    except QueryError as error:
        return [*faults, _Fault(error.start, str(error), error.found, error.hint)], None
    faults += [_Fault(one.start, one.reason, one.written, one.hint) for one in query.ignored]
    faults += [fault for term in terms(query.tree) for fault in _term_faults(term)]
    return faults, query


def _blanked(text):
    """The query with phrases and tags replaced by spaces, so that positions stay."""
    return PHRASE_OR_TAG.sub(lambda match: " " * len(match[0]), text)


def _odd_characters(text):
    for position, character in enumerate(text):
        meant = _meant(character)
        if meant:
            yield _Fault(
                position,
                f"a typographic character (U+{ord(character):04X}) that PubMed does not understand",
                _context(text, position),
                f"type {meant}",
            )


def _meant(character):
    """What to type in the place of a character; None where it may stay."""
    if character in LOOKALIKES:
        return LOOKALIKES[character]
    kind = unicodedata.category(character)
    if kind == "Zs" and character != " ":
        return SPACE
    return NOTHING if kind == "Cf" or (kind == "Cc" and character not in "\t\n\r") else None


def _codes(text):
    for pattern, name in ((ENTITY, "an HTML code"), (URL_CODE, "the code of a web address")):
        for match in pattern.finditer(text):
            yield _Fault(
                match.start(),
                f"{name} in the place of a character; PubMed would search for its letters",
                _context(text, match.start()),
                "type the character itself",
            )


def _history_lines(text):
    for match in re.finditer(r"(?<![\w&])#\d+", _blanked(text)):
        yield _Fault(
            match.start(),
            "line numbers exist only in a search history on the web",
            match[0],
            "write the whole query as one expression",
        )


def _other_operators(text):
    bare = ENTITY.sub(lambda match: " " * len(match[0]), _blanked(text))
    for match in re.finditer(r"(?<![\w-])(?:and|or|not)(?![\w-])", bare, re.I):
        if not match[0].isupper():
            yield _Fault(
                match.start(),
                "PubMed reads an operator only in capitals; in small letters it is a word to search for",
                match[0],
                f"write {match[0].upper()}; where it belongs to a name, put the name in quotation marks",
            )
    for match in re.finditer(r"&+|\|+", bare):
        operator = "AND" if "&" in match[0] else "OR"
        yield _Fault(
            match.start(),
            f"PubMed reads {match[0][0]} as the operator {operator}",
            _context(text, match.start()),
            f"write {operator}; where it belongs to a name, put the name in quotation marks",
        )


def _foreign_syntax(text):
    bare = _blanked(text)
    for pattern, name, hint in FOREIGN:
        for match in re.finditer(pattern, bare, re.I if "exp" not in pattern else 0):
            yield _Fault(
                match.start(),
                f"{name}: the syntax of another database, which PubMed takes for words or spaces",
                _context(text, match.start()),
                hint,
            )


def _swallowed_tags(text):
    """Phrases that hold a tag: one quotation mark is missing, or the tag stands on the wrong side of it."""
    for match in PHRASE.finditer(text):
        if "[" in match[1] or "]" in match[1]:
            yield _Fault(
                match.start(),
                "a field tag within quotation marks, where PubMed takes it for words",
                _shortened(match[0]),
                'close the quotation mark before the tag: "chronic pain"[tiab]',
            )


def _term_faults(term):
    if isinstance(term, Range):
        yield from _range_faults(term)
        return
    if not re.search(r"\w", term.text):
        yield _Fault(term.start, "a term without letters or digits", term.written(), "take it out")
        return
    if term.name in fields.DATES:
        yield from _date_faults(term)
    if term.name == "UID" and not term.text.isdigit():
        yield _Fault(term.start, "this is not a PMID", term.written(), "digits only, as 31017024[uid]")
    if term.tag and term.name in fields.TEXTS and not (term.modifier or "").startswith("~"):
        yield from _stop_words(term)
    if (term.modifier or "").startswith("~"):
        yield from _proximity_faults(term)
    yield from _truncation_faults(term)


def _range_faults(term):
    for written in term.text:
        if term.name != "UID" and not _is_a_day(written):
            yield _Fault(
                term.start, "there is no such day", written, "write a day of the calendar, or YYYY/MM"
            )
    ends = (int(term.low), int(term.high)) if term.name == "UID" else (term.low, term.high)
    if ends[0] > ends[1]:
        yield _Fault(
            term.start,
            "the range ends before it begins; PubMed would find nothing",
            ":".join(term.text) or term.written(),
            "write the lower end first",
        )


def _date_faults(term):
    if DATE.fullmatch(term.text):
        if not _is_a_day(term.text):
            yield _Fault(
                term.start, "there is no such day", term.written(), "write a day of the calendar, or YYYY/MM"
            )
    elif not RELATIVE.fullmatch(term.text):
        hint = 'write 2020[dp], "2020/03/01"[crdt] or 2020/01/01:2020/12/31[crdt]'
        yield _Fault(term.start, "this is not a date", term.written(), hint)


def _is_a_day(text):
    match = DATE.fullmatch(text.strip())
    year, month, day = (int(part) if part else 1 for part in match.groups()) if match else (0, 0, 0)
    try:
        datetime.date(year, month, day)
    except ValueError:
        return False
    return True


def _stop_words(term):
    words = re.findall(r"\w+\*?", term.text.lower())
    if all(word in STOPWORDS for word in words):
        yield _Fault(
            term.start,
            "PubMed does not index such words: with a tag this finds nothing and empties every AND",
            term.written(),
            "take it out, or put it into a phrase with the words beside it",
        )


def _proximity_faults(term):
    hint = f'write "word1 word2"[{term.tag.partition(":")[0]}:{term.modifier}]'
    if not term.quoted:
        text = "PubMed searches by distance only for words in quotation marks"
        yield _Fault(term.start, text, term.written(), hint)
    if "*" in term.text:
        text = "PubMed ignores the distance where a word is truncated"
        yield _Fault(term.start, text, term.written(), "write the words out, each pair with its distance")
    if len(re.findall(r"\w+", term.text)) < 2:
        text = "a distance is one between two words or more"
        yield _Fault(term.start, text, term.written(), hint)


def _truncation_faults(term):
    for match in re.finditer(r"[^\s*]*\*\S*", term.text):
        word = match[0]
        if not word.endswith("*") or word.count("*") > 1:
            text = "PubMed truncates only at the end of a word, and takes any other asterisk for a space"
            yield _Fault(term.start, text, term.written(), "one * at the end")
        elif len(word) - 1 < MINIMUM_STEM:
            yield _Fault(
                term.start,
                f"PubMed wants at least {MINIMUM_STEM} characters before an asterisk,"
                " and takes it for a space otherwise",
                term.written(),
                "write out the words that are meant, each with its tag, joined by OR",
            )
        elif match.end() < len(term.text) and (term.quoted or term.tag):
            yield _Fault(
                term.start,
                "PubMed truncates only the last word of a phrase",
                term.written(),
                "write out the words that are meant, each phrase with its tag, joined by OR",
            )


def _mixed_operators(text, query):
    for one in query.mixed:
        yield (
            one.start,
            min(len(text), one.start + EXCERPT),
            f"{one.before} and {one.operator} stand side by side without parentheses; PubMed reads from left"
            f" to right, so all that stands before this {one.operator} is taken together first. Set"
            " parentheses to say which is meant.",
        )


def _unindexed(tree):
    """Parts joined by AND that only records with headings or publication types can meet."""
    if not _needs_indexing(tree):
        return
    if isinstance(tree, Join) and tree.operator != "OR":
        for part in tree.parts[:1] if tree.operator == "NOT" else tree.parts:
            yield from _unindexed(part)
        return
    only_types = all(term.name == "Publication Type" for term in terms(tree))
    yield (
        *extent(tree),
        "only publication types stand here: a record that is not indexed yet, or is indexed wrongly, is"
        " missed. Add words for the design, as random*[tiab]."
        if only_types
        else "only headings stand here: records that are not indexed yet, and those that never will be, are"
        " missed. Add words for the same concept, with [tiab].",
    )


def _needs_indexing(node):
    if isinstance(node, Join):
        needs = [_needs_indexing(part) for part in node.parts]
        return needs[0] if node.operator == "NOT" else any(needs) if node.operator == "AND" else all(needs)
    return node.name in fields.INDEXED


def _takes_away(node):
    if not isinstance(node, Join):
        return
    for part in node.parts:
        yield from _takes_away(part)
    if node.operator != "NOT":
        return
    for part in node.parts[1:]:
        names = {term.text.lower() for term in terms(part) if isinstance(term, Term)}
        if "animals" in names and "humans" not in names:
            says = (
                "this takes away studies of animals and humans together as well. Write"
                " NOT (animals[mh] NOT humans[mh])."
            )
        else:
            says = "NOT takes away every record that says this anywhere, relevant ones included."
        yield (*extent(part), says)


def _term_remarks(term):
    where = term.start, term.end
    if term.name in fields.DATES:
        moving = isinstance(term, Term) and RELATIVE.fullmatch(term.text)
        yield (
            *where,
            "a limit by date"
            + (" that moves with the day of the search" if moving else "")
            + ": records that enter late or whose date is corrected fall outside of it. What is new is found"
            " by comparing whole searches, without a date.",
        )
    if isinstance(term, Range):
        return
    if term.name == "Language":
        yield (*where, "a limit by language; records whose language PubMed does not know are missed.")
    if term.name == "Filter":
        yield (*where, "a filter that PubMed computes; what it holds changes without the records changing.")
    if term.name == "All Fields" and not term.quoted and "*" not in term.text:
        yield (
            *where,
            "a term without a tag: PubMed adds headings and synonyms of its own choice, which change with"
            " time. Write the tag, as [tiab].",
        )
    if term.tag and term.name in fields.TEXTS and not term.quoted and len(term.text.split()) > 1:
        yield (
            *where,
            "words without quotation marks: where its index lacks the phrase, PubMed takes it apart. Write"
            f' "{term.text}"[{term.tag}].',
        )
    if term.quoted and set(term.text.split()) & set(OPERATORS):
        yield (*where, "an operator within quotation marks is a word of the phrase.")
    if re.search(r"(?:^|\s)'|'(?:\s|$)", term.text):
        yield (*where, 'single quotation marks are spaces to PubMed and make no phrase; write ".')


def _repetitions(node):
    if not isinstance(node, Join):
        return
    seen = set()
    for part in node.parts:
        yield from _repetitions(part)
        if not isinstance(part, Join):
            key = part if isinstance(part, Range) else (part.text.lower(), part.name, part.modifier)
            if key in seen:
                yield (*extent(part), "this stands in the same group twice.")
            seen.add(key)


def _context(text, position):
    return text[max(0, position - 15) : position + 15]


def _shortened(text):
    plain = " ".join(text.split())
    return plain if len(plain) <= EXCERPT else plain[: EXCERPT - 1] + "…"
