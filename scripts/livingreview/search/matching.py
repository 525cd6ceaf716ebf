"""Which records match a query: PubMed's rules over the columns that the sandbox's corpus holds.

Three things that PubMed has are missing here, and make counts smaller than PubMed's: abstracts ([tiab] looks
at titles), the MeSH tree ([mh] finds the heading itself, not the narrower ones), and Automatic Term Mapping
(a term without a tag is looked up in all fields, word by word, without synonyms). A field that the corpus
does not hold at all is an error, never a count of zero.
"""

import re
import unicodedata
from dataclasses import dataclass

from livingreview.search.syntax import RELATIVE, Join, Range, days

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
LANGUAGES = {
    "english": "eng",
    "german": "ger",
    "french": "fre",
    "spanish": "spa",
    "dutch": "dut",
    "portuguese": "por",
    "italian": "ita",
    "swedish": "swe",
    "japanese": "jpn",
    "chinese": "chi",
}
TEXTS = ("Title", "Title/Abstract", "Text Word", "All Fields")
LISTS = ("MeSH Terms", "MeSH Major Topic", "MeSH Subheading", "Publication Type", "Journal", "Language")
AUTHORS = ("Author", "Author - First", "Author - Last")
IDENTIFIERS = ("UID", "Article Identifier", "Location ID", "Secondary Source ID")
DAYS_IN = {"day": 1, "week": 7, "month": 31, "year": 366}


class CannotEvaluate(Exception):
    """PubMed knows this field and the sandbox's corpus does not hold it."""


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


class Index:
    """Records, made ready to be searched.

    Parameters
    ----------
    records : list of dict
        Rows of the sandbox's corpus; empty cells are None or "".
    today : datetime.date
        Day from which "last 30 days" counts back.
    """

    def __init__(self, records, *, today):
        self._documents = {record["pmid"]: _document(record) for record in records}
        self._today = today

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
        test = self._test(node)
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

    def _test(self, node):
        """A function from document to bool."""
        if isinstance(node, Range):
            return _range_test(node)
        if node.modifier and node.modifier.startswith("~"):
            raise CannotEvaluate(f"proximity search [{node.tag}]")
        if node.name == "All Fields" and not node.quoted:
            return _word_by_word_test(node)
        if node.name in TEXTS:
            return _text_test(node.text, node.name)
        tests = {**dict.fromkeys(LISTS, _list_test), **dict.fromkeys(AUTHORS, _author_test)}
        tests |= dict.fromkeys(IDENTIFIERS, _identifier_test)
        return tests.get(node.name, self._date_test)(node)

    def _date_test(self, node):
        if node.name not in ("Date - Create", "Date - Entry", "Date - Publication"):
            raise CannotEvaluate(f"the field [{node.tag}], {node.name}")
        relative = RELATIVE.fullmatch(node.text.strip())
        if relative:
            back = int(relative[1]) * DAYS_IN[relative[2].lower()]
            low = self._today.fromordinal(max(1, self._today.toordinal() - back))
            bounds = (low.year, low.month, low.day), (9999, 12, 31)
        else:
            bounds = days(node.text)
        return lambda document: _within(document[node.name], *bounds)


def normalise(text):
    """Words of a text: lower case, without accents and punctuation, single spaces between."""
    plain = unicodedata.normalize("NFKD", text or "").casefold()
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    return " ".join(re.findall(r"[^\W_]+", plain))


def split_list(text):
    """Entries of a "; "-separated cell."""
    return [entry.strip() for entry in (text or "").split(";") if entry.strip()]


def split_heading(entry):
    """A MeSH entry such as "Pain / therapy*" or "Pain/therapy*" as [("Pain", False), ("therapy", True)].

    The first part is the descriptor, the others its qualifiers; the flag marks a major topic.
    """
    parts = [part.strip() for part in entry.split("/")]
    return [(part.rstrip("*").strip(), part.endswith("*")) for part in parts]


def _document(record):
    headings = [split_heading(entry) for entry in split_list(record.get("mesh_terms"))]
    title = normalise(record.get("title"))
    names = [normalise(author) for author in split_list(record.get("authors"))]
    types = [normalise(entry) for entry in split_list(record.get("publication_types"))]
    mesh = [_heading_forms(heading) for heading in headings]
    subheadings = [normalise(part) for heading in headings for part, _ in heading[1:]]
    registry = [entry.lower() for entry in split_list(record.get("registry_ids"))]
    doi = (record.get("doi") or "").lower()
    words = [title, *(forms[0] for forms in mesh), *subheadings, *types]
    others = [*names, normalise(record.get("journal")), *registry, normalise(doi), record["pmid"]]
    year = record.get("year")
    entry = tuple(int(part) for part in record["entry_date"].split("-"))
    return {
        "Title": f" {title} ",
        "Title/Abstract": f" {title} ",
        "Text Word": f" {' | '.join(words)} ",
        "All Fields": f" {' | '.join([*words, *others])} ",
        "MeSH Terms": [form for forms in mesh for form in forms],
        "MeSH Major Topic": [
            form
            for heading, forms in zip(headings, mesh, strict=True)
            if any(major for _, major in heading)
            for form in forms
        ],
        "MeSH Subheading": subheadings,
        "Publication Type": types,
        "Journal": [normalise(record["journal"])] if record.get("journal") else [],
        "Language": split_list(record.get("language")),
        "Author": names,
        "Author - First": names[:1],
        "Author - Last": names[-1:],
        "UID": [record["pmid"]],
        "Article Identifier": [doi] if doi else [],
        "Location ID": [doi] if doi else [],
        "Secondary Source ID": registry,
        "Date - Create": entry,
        "Date - Entry": entry,
        "Date - Publication": (int(year), 1, 1) if year else None,
    }


def _heading_forms(heading):
    """The texts by which [mh] finds a heading: itself, and itself with each qualifier."""
    descriptor, *qualifiers = [normalise(part) for part, _ in heading]
    return [descriptor, *(f"{descriptor}/{qualifier}" for qualifier in qualifiers)]


def _pattern(text):
    """Regular expression for a phrase among normalised words; "stem*" stands for any ending."""
    words = [
        rf"{re.escape(normalise(word))}\w*" if word.endswith("*") else re.escape(normalise(word))
        for word in _words(text)
    ]
    return " ".join(words)


def _words(text):
    """Words of a term; a hyphen or other punctuation parts them, an asterisk stays at its word."""
    return [word for word in re.split(r"[^\w*]+", text.replace("_", " ")) if word.strip("*")]


def _text_test(text, name):
    words = _words(text)
    if not words or (len(words) == 1 and words[0].lower() in STOPWORDS):
        return lambda _: False
    if "*" not in text:
        phrase = f" {normalise(text)} "
        return lambda document: phrase in document[name]
    pattern = re.compile(f" {_pattern(text)} ")
    return lambda document: pattern.search(document[name]) is not None


def _word_by_word_test(node):
    words = [word for word in node.text.split() if word.lower() not in STOPWORDS]
    tests = [_text_test(word, node.name) for word in words]
    return lambda document: bool(tests) and all(test(document) for test in tests)


def _list_test(node):
    if node.name == "Language":
        code = LANGUAGES.get(node.text.lower(), node.text.lower())
        return lambda document: code in document["Language"]
    pattern = re.compile("/".join(_pattern(part) for part in node.text.split("/")))
    return lambda document: any(pattern.fullmatch(entry) for entry in document[node.name])


def _author_test(node):
    wanted = normalise(node.text)
    if node.quoted:
        return lambda document: wanted in document[node.name]
    # Without quotation marks PubMed completes the initials: "Palermo T" finds "Palermo TM".
    whole = wanted if " " in wanted else f"{wanted} "
    return lambda document: any(
        name == wanted or name.startswith(whole) or (node.text.endswith("*") and name.startswith(wanted))
        for name in document[node.name]
    )


def _identifier_test(node):
    wanted = node.text.lower()
    if wanted.endswith("*"):
        return lambda document: any(entry.startswith(wanted[:-1]) for entry in document[node.name])
    return lambda document: wanted in document[node.name]


def _range_test(node):
    if node.name == "UID":
        low, high = int(node.low), int(node.high)
        return lambda document: low <= int(document["UID"][0]) <= high
    if node.name not in ("Date - Create", "Date - Entry", "Date - Publication"):
        raise CannotEvaluate(f"the field {node.name}")
    bounds = days(node.low)[0], days(node.high)[1]
    return lambda document: _within(document[node.name], *bounds)


def _within(day, low, high):
    return day is not None and low <= day <= high


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
