"""Which records match a query: PubMed's rules over what a record holds.

Each term of a query is true or false of a record, or undecided where the record does not hold what the term
asks for; AND, OR and NOT combine the three by Kleene's logic, so that nothing is guessed. Two things that
PubMed has are missing everywhere, and `limits` says so of each term that they touch: the trees of headings,
subheadings and publication types (a term finds the entry itself, not the narrower ones), and the tables of
Automatic Term Mapping.

The sandbox is its own PubMed, so it maps a term without a tag word by word, and a field that its corpus lacks
is an error, never a count of zero.

Sources: PubMed User Guide, "Searching for a phrase", "Truncating search terms", "PubMed data field
descriptions", "PubMed character conversions".
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

from livingreview.search.query import fields
from livingreview.search.query.documents import (
    ANY_DATE,
    ARTICLE_FIELDS,
    ROW_FIELDS,
    ArticleDocument,
    normalise,
    of_row,
    split_heading,
    split_list,
)
from livingreview.search.query.syntax import RELATIVE, Join, Range, Term, days

__all__ = [
    "ADDS",
    "LANGUAGES",
    "MISSES",
    "STOPWORDS",
    "UNDECIDED",
    "CannotEvaluate",
    "Index",
    "Limit",
    "Matches",
    "Predicate",
    "limits",
    "split_heading",
    "split_list",
]

# Words that PubMed does not index (PubMed User Guide, "Stopwords"). Alone with a tag they find nothing.
_STOPWORDS = """
a about again all almost also although always among an and another any are as at be because been before
being between both but by can could did do does done due during each either enough especially etc for found
from further had has have having here how however i if in into is it its itself just kg km made mainly make
may mg might ml mm most mostly must nearly neither no nor obtained of often on our overall perhaps pmid
quite rather really regarding seem seen several should show showed shown shows significantly since so some
such than that the their theirs them then there therefore these they this those through thus to upon various
very was we were what when which while with within without would
"""
STOPWORDS = frozenset(_STOPWORDS.split())
# Names of languages with the codes of MEDLINE's records (MARC).
_LANGUAGES = """
afrikaans:afr albanian:alb arabic:ara armenian:arm azerbaijani:aze bosnian:bos bulgarian:bul catalan:cat
chinese:chi croatian:hrv czech:cze danish:dan dutch:dut english:eng esperanto:epo estonian:est finnish:fin
french:fre georgian:geo german:ger greek:gre hebrew:heb hindi:hin hungarian:hun icelandic:ice
indonesian:ind italian:ita japanese:jpn kazakh:kaz korean:kor latin:lat latvian:lav lithuanian:lit
macedonian:mac malay:may norwegian:nor persian:per polish:pol portuguese:por romanian:rum russian:rus
serbian:srp slovak:slo slovenian:slv spanish:spa swedish:swe thai:tha turkish:tur ukrainian:ukr
vietnamese:vie welsh:wel
"""
LANGUAGES = dict(pair.split(":") for pair in _LANGUAGES.split())
ENTRIES = {
    "Journal",
    "Language",
    "MeSH Major Topic",
    "MeSH Subheading",
    "MeSH Terms",
    "Publication Type",
    "Supplementary Concept",
}
AUTHORS = {"Author", "Author - First", "Author - Last"}
IDENTIFIERS = {
    "Article Identifier",
    "ISSN",
    "Issue",
    "Location ID",
    "PMCID",
    "Pagination",
    "Secondary Source ID",
    "UID",
    "Volume",
}
PHRASES = fields.TEXTS | {"Author - Corporate"}
ISSN = re.compile(r"\d{4}-\d{3}[\dx]", re.I)
DAYS_IN = {"day": 1, "week": 7, "month": 31, "year": 366}

# What a limit does to a result.
UNDECIDED = "undecided"
MISSES = "may miss records"
ADDS = "may find further records"
_OPPOSITE = {MISSES: ADDS, ADDS: MISSES, UNDECIDED: UNDECIDED}


class CannotEvaluate(Exception):
    """PubMed knows this field or form of search, and the records here do not hold what it asks for."""


class Limit(NamedTuple):
    """A term that is not carried out as PubMed carries it out.

    Attributes
    ----------
    term : str
        As written.
    why : str
    effect : str
        `UNDECIDED`, `MISSES` or `ADDS`, with regard to the whole query: under NOT the last two change places.
    """

    term: str
    why: str
    effect: str


@dataclass(frozen=True)
class Matches:
    """What a query finds.

    Attributes
    ----------
    pmids : frozenset of str
        The records found.
    tree : Term, Range or Join
        The query as it was carried out, without the terms that were dropped.
    missing : tuple of Term
        Terms that occur nowhere. Under OR and after NOT they are dropped; under AND they empty the result.
    """

    pmids: frozenset
    tree: object
    missing: tuple


@dataclass(frozen=True)
class _Holdings:
    """What a kind of document holds.

    Attributes
    ----------
    fields : frozenset
        Fields that can be asked for at all.
    partial : frozenset
        Those in which PubMed may hold more: what is not found there is undecided.
    maps : bool
        Whether a term without a tag is looked up word by word, in the place of Automatic Term Mapping.
    """

    fields: frozenset
    partial: frozenset = frozenset()
    maps: bool = False


_ROWS = _Holdings(ROW_FIELDS, maps=True)
_ARTICLES = _Holdings(ARTICLE_FIELDS, partial=frozenset({"All Fields", "ISSN"}))


class Index:
    """Rows of a corpus, made ready to be searched.

    Parameters
    ----------
    records : list of dict
        Rows of the sandbox's corpus; empty cells are None or "".
    today : datetime.date
        Day from which "last 30 days" counts back.
    """

    def __init__(self, records, *, today):
        self._documents = {record["pmid"]: of_row(record) for record in records}
        self._today = today
        # A corpus with abstracts, or with keywords, can be asked for them alone.
        more = {
            name
            for name in ("Abstract", "Other Term")
            if any(d[name].strip() for d in self._documents.values())
        }
        self._holdings = _Holdings(_ROWS.fields | more, maps=True)

    def find(self, tree):
        """The records that match a tree.

        Raises
        ------
        CannotEvaluate
            For a field or modifier that the corpus has no data for.
        """
        missing = []
        pmids, kept = self._evaluate(tree, missing)
        return Matches(frozenset(pmids or ()), kept or tree, tuple(missing))

    def _evaluate(self, node, missing):
        """The PMIDs of a node and the node without dropped terms; (None, None) if nothing of it exists."""
        if isinstance(node, Join):
            return self._join(node, missing)
        test = _test(node, self._holdings, self._today)
        found = {pmid for pmid, document in self._documents.items() if test(document)}
        if not found and _is_looked_up(node):
            missing.append(node)
            return None, None
        return found, node

    def _join(self, node, missing):
        results = [self._evaluate(part, missing) for part in node.parts]
        if node.operator == "AND":
            return _intersection(node, results)
        first, *others = results
        if node.operator == "NOT":
            if first[0] is None:
                return None, None
            pmids = first[0].difference(*(pmids or () for pmids, _ in others))
        else:
            pmids = set().union(*(pmids or () for pmids, _ in results))
        kept = tuple(part for _, part in results if part is not None)
        if not kept:
            return None, None
        return pmids, kept[0] if len(kept) == 1 else Join(node.operator, kept)


class Predicate:
    """A query, to be asked of one article after another.

    Parameters
    ----------
    tree : Term, Range or Join
    today : datetime.date, optional
        Day from which "last 30 days" counts back; without it such a term is undecided.

    Attributes
    ----------
    limits : list of Limit
        See `limits`.
    """

    def __init__(self, tree, *, today=None):
        self.limits = limits(tree, today=today)
        self._test = _compile(tree, today)

    def __call__(self, article):
        """True or False, or None where the article cannot decide it."""
        return self._test(ArticleDocument(article))


def limits(tree, *, today=None):
    """Terms of a query that are not carried out on articles as PubMed carries them out, in order.

    Parameters
    ----------
    tree : Term, Range or Join
    today : datetime.date, optional
        As for `Predicate`.

    Returns
    -------
    list of Limit
        Each once, though a term may have several.
    """
    return list(dict.fromkeys(_limits(tree, today, inverted=False)))


def _limits(node, today, *, inverted):
    if isinstance(node, Join):
        for place, part in enumerate(node.parts):
            yield from _limits(part, today, inverted=inverted != (node.operator == "NOT" and place > 0))
        return
    for why, effect in _reasons(node, today):
        yield Limit(node.written(), why, _OPPOSITE[effect] if inverted else effect)


def _reasons(node, today):
    try:
        _test(node, _ARTICLES, today)
    except CannotEvaluate as error:
        yield f"{error} cannot be evaluated on the record itself", UNDECIDED
        return
    if isinstance(node, Range):
        return
    if node.name in _ARTICLES.partial or (node.name == "Journal" and ISSN.fullmatch(node.text)):
        yield "PubMed's index may hold more than the record shows; what is not found is undecided", UNDECIDED
    if node.name in fields.NO_EXPLOSION and node.modifier != "noexp":
        yield "narrower terms, and other names of this one, are not included", MISSES
    if node.name == "Supplementary Concept":
        yield "other names of this substance are not included", MISSES
    if node.name == "Journal":
        yield "other names of the journal than its abbreviation and full title are not included", MISSES
    if node.name in PHRASES and len(_words(node.text)) > 1:
        if node.quoted or "-" in node.text:
            yield (
                "found wherever the words stand together; PubMed finds phrases of its phrase index only",
                ADDS,
            )
        else:
            yield "taken as a phrase; PubMed parts it where its phrase index does not hold it", MISSES


def _compile(node, today):
    """A function from an article's document to True, False or None."""
    if not isinstance(node, Join):
        try:
            return _test(node, _ARTICLES, today)
        except CannotEvaluate:
            return _undecided_test(node)
    parts = [_compile(part, today) for part in node.parts]
    if node.operator == "NOT":
        first, *others = parts
        return _all_of([first, _negation(_any_of(others))])
    return _all_of(parts) if node.operator == "AND" else _any_of(parts)


def _all_of(tests):
    def test(document):
        result = True
        for one in tests:
            value = one(document)
            if value is False:
                return False
            if value is None:
                result = None
        return result

    return test


def _any_of(tests):
    def test(document):
        result = False
        for one in tests:
            value = one(document)
            if value is True:
                return True
            if value is None:
                result = None
        return result

    return test


def _negation(test):
    def negated(document):
        value = test(document)
        return None if value is None else not value

    return negated


def _undecided_test(node):
    """What can be said of a term that is not evaluated: words near each other must at least be there."""
    near = isinstance(node, Term) and (node.modifier or "").startswith("~") and node.name in ARTICLE_FIELDS
    if not near or "*" in node.text:
        return lambda _: None
    words = [f" {word} " for word in normalise(node.text).split()]
    name = node.name
    return lambda document: None if all(word in document[name] for word in words) else False


def _test(node, holdings, today):
    """A function from a document to True, False or None for one term or range.

    Raises
    ------
    CannotEvaluate
        If documents of this kind do not hold what the term asks for.
    """
    if isinstance(node, Range):
        return _range_test(node, holdings)
    if node.modifier and node.modifier.startswith("~"):
        raise CannotEvaluate(f"proximity search [{node.tag}]")
    if node.name not in holdings.fields:
        raise CannotEvaluate(f"the field [{node.tag}], {node.name},")
    if node.name in fields.DATES:
        return _date_test(node, today)
    if node.name == "All Fields" and not node.quoted and "*" not in node.text:
        if not holdings.maps:
            raise CannotEvaluate("Automatic Term Mapping of a term without a tag")
        return _word_by_word_test(node)
    if node.name in PHRASES:
        test = _text_test(node.text, node.name)
    elif node.name in ENTRIES:
        test = _entry_test(node)
    else:
        test = _author_test(node) if node.name in AUTHORS else _identifier_test(node)
    looks_like_issn = node.name == "Journal" and not holdings.maps and ISSN.fullmatch(node.text)
    return _or_undecided(test) if node.name in holdings.partial or looks_like_issn else test


def _or_undecided(test):
    return lambda document: test(document) or None


def _pattern(text):
    """Regular expression for a phrase among normalised words; "stem*" stands for any ending."""
    return " ".join(
        re.escape(normalise(word)) + (r"\w*" if word.endswith("*") else "") for word in _words(text)
    )


def _words(text):
    """Words of a term; a hyphen or other punctuation parts them, an asterisk stays at its word."""
    return [word for word in re.split(r"[^\w*]+", text.replace("_", " ")) if word.strip("*")]


def _text_test(text, name):
    words = _words(text)
    if not words or (len(words) == 1 and words[0].lower() in STOPWORDS):
        return lambda _: False
    ends_open = words[-1].endswith("*")
    if not any("*" in word for word in words[:-1]) and words[-1].count("*") == ends_open:
        # The end of a text is a space: an open end needs no more than the beginning of a word.
        phrase = f" {normalise(text)}" if ends_open else f" {normalise(text)} "
        return lambda document: phrase in document[name]
    pattern = re.compile(f" {_pattern(text)} ")
    return lambda document: pattern.search(document[name]) is not None


def _word_by_word_test(node):
    words = [word for word in node.text.split() if word.lower() not in STOPWORDS]
    tests = [_text_test(word, node.name) for word in words]
    return lambda document: bool(tests) and all(test(document) for test in tests)


def _entry_test(node):
    """Whether one of a record's entries is the term; with an asterisk, whether one begins with it."""
    name = node.name
    if name == "Language":
        return _language_test(node)
    parts = [part.strip() for part in node.text.split("/")]
    has_subheading = name == "MeSH Subheading" or (len(parts) > 1 and name.startswith("MeSH"))
    if has_subheading and len(parts[-1]) == 2:
        raise CannotEvaluate(f"the abbreviation of a subheading, {parts[-1]},")
    if "*" not in node.text:
        wanted = "/".join(map(normalise, parts)) if name.startswith("MeSH") else normalise(node.text)
        return lambda document: wanted in document[name]
    pattern = re.compile("/".join(map(_pattern, parts)))

    def test(document):
        found = [pattern.match(entry) for entry in document[name]]
        if any(match and match.end() == len(match.string) for match in found):
            return True
        # PubMed's guide does not say whether the asterisk reaches beyond the word.
        return None if any(found) else False

    return test


def _language_test(node):
    wanted = node.text.lower()
    code = LANGUAGES.get(wanted, wanted)
    if len(code) != 3:
        raise CannotEvaluate(f"the language {node.text},")
    return lambda document: code in document["Language"]


def _author_test(node):
    wanted, name = normalise(node.text), node.name
    if node.quoted and not node.text.endswith("*"):
        return lambda document: any(forms[0] == wanted for forms in document[name])
    # Without quotation marks PubMed completes the initials: "Palermo T" finds "Palermo TM".
    begins = wanted if " " in wanted or node.text.endswith("*") else f"{wanted} "

    def test(document):
        for short, *full in document[name]:
            if short == wanted or short.startswith(begins):
                return True
            if " " in wanted and any(f"{form} ".startswith(f"{wanted} ") for form in full):
                return True
        return False

    return test


def _identifier_test(node):
    wanted, name = node.text.lower(), node.name
    if wanted.endswith("*"):
        return lambda document: any(entry.startswith(wanted[:-1]) for entry in document[name])
    return lambda document: wanted in document[name]


def _date_test(node, today):
    relative = RELATIVE.fullmatch(node.text.strip())
    if not relative:
        return _within(node.name, *days(node.text))
    if today is None:
        raise CannotEvaluate("a date that counts back from the day of the search")
    back = int(relative[1]) * DAYS_IN[relative[2].lower()]
    low = today.fromordinal(max(1, today.toordinal() - back))
    return _within(node.name, (low.year, low.month, low.day), (9999, 12, 31))


def _range_test(node, holdings):
    if node.name == "UID":
        low, high = int(node.low), int(node.high)
        return lambda document: low <= int(document["UID"][0]) <= high
    if node.name not in holdings.fields:
        raise CannotEvaluate(f"the field {node.name}")
    name = f"{node.name}, {ANY_DATE}" if node.name == "Date - Publication" else node.name
    return _within(name, days(node.low)[0], days(node.high)[1])


def _within(name, low, high):
    def test(document):
        dates = document[name]
        if dates is None:
            return None
        hits = [sure for day, sure in dates if low <= day <= high]
        return True if any(hits) else None if hits else False

    return test


def _is_looked_up(node):
    """Whether PubMed looks a term up in an index, and so can miss it; dates and numbers are only compared."""
    return not isinstance(node, Range) and not node.name.startswith("Date") and node.name != "UID"


def _intersection(node, results):
    if all(pmids is None for pmids, _ in results):
        return None, None
    if any(pmids is None for pmids, _ in results):
        return set(), node
    kept = Join("AND", tuple(part for _, part in results))
    return set.intersection(*(pmids for pmids, _ in results)), kept
