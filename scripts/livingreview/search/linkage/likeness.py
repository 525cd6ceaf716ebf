"""What two citations have in common: titles, authors, journals, pages and years in comparable form."""

import functools
import html
import re
import unicodedata
from dataclasses import dataclass

MARKUP = re.compile(r"</?(?:i|b|u|em|strong|sub|sup|inf|italic|bold)\b[^<>]*>", re.I)
WORD = re.compile(r"[^\W_]+")
NUMERALS = frozenset(["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii"])
ORDINALS = frozenset(["first", "second", "third", "fourth", "fifth"])
# A paper about another paper carries that paper's title; these words tell the two apart.
NOTICES = re.compile(
    r"\b(errat\w+|corrigend\w+|correction|corrected|retract\w+|withdrawn|withdrawal|expression of concern"
    r"|reply|replies|response to|author s? ?response|authors? repl\w+|comments? on|commentary|letter to|re)\b"
)
KINDS = re.compile(
    r"\b(protocol|rationale and design|study design|follow up|secondary analys[ie]s|post hoc|pilot"
    r"|feasibility|cost effectiveness|economic evaluation|qualitative|update)\b"
)
MEETING = re.compile(r"conference abstract|meeting abstract|congress|poster|abstract$", re.I)
# Words that journals' abbreviations leave out.
SMALL = frozenset(
    [
        "of",
        "the",
        "and",
        "for",
        "in",
        "on",
        "a",
        "an",
        "der",
        "die",
        "das",
        "und",
        "fur",
        "la",
        "le",
        "les",
        "de",
        "du",
        "des",
        "et",
        "y",
        "el",
        "e",
    ]
)
STOP = frozenset(
    [
        "a",
        "an",
        "and",
        "as",
        "at",
        "by",
        "during",
        "for",
        "from",
        "in",
        "into",
        "is",
        "its",
        "of",
        "on",
        "or",
        "the",
        "their",
        "to",
        "versus",
        "vs",
        "with",
        "without",
        "using",
        "study",
        "trial",
        "randomized",
        "randomised",
        "controlled",
        "patients",
        "treatment",
        "effects",
        "effect",
    ]
)


@functools.cache
def _spelled():
    """Greek letters by name; accents, which decomposition sets apart, and apostrophes without a trace."""
    greek = {code: unicodedata.name(chr(code)).rsplit(" ", 1)[-1].lower() for code in range(0x3B1, 0x3CA)}
    # All of Unicode is looked through: not at import, since who reads pairs has no use for it.
    accents = {code: None for code in range(0x110000) if unicodedata.combining(chr(code))}
    return {**greek, **accents, ord("’"): None}


@dataclass(slots=True)
class Citation:
    """The parts of a record by which it is compared; text is plain (see `words`), "" where unknown."""

    record_id: str
    from_pubmed: bool
    pmid: str
    doi: str
    title: str
    words: tuple
    numbers: frozenset
    notices: frozenset
    kinds: frozenset
    year: int  # 0 where unknown
    authors: tuple  # last names
    journal: tuple
    volume: str
    page: str
    abstract: str
    meeting: bool
    trigrams: frozenset


def citation(row):
    """Of a row of records, a `Citation`; columns that the row lacks count as unknown."""

    def cell(name):
        value = row.get(name)
        return value if isinstance(value, str) else ""

    title_words = words(cell("title"))
    title = "".join(title_words)
    spaced = " ".join(title_words)
    year = cell("year")[:4]
    return Citation(
        record_id=row["record_id"],
        from_pubmed=cell("source") == "PubMed",
        pmid=cell("pmid"),
        doi=cell("doi").lower(),
        title=title,
        words=title_words,
        numbers=frozenset(_numbers(title_words)),
        notices=frozenset(match[0][:6] for match in NOTICES.finditer(spaced)),
        kinds=frozenset(match[0][:8] for match in KINDS.finditer(spaced)),
        year=int(year) if year.isdigit() else 0,
        authors=tuple(filter(None, map(last_name, cell("authors").split(";")))),
        journal=_journal(cell("journal")),
        volume=_number(cell("volume")),
        page=_page(cell("pages")),
        abstract="".join(words(cell("abstract")[:1500])),
        meeting=bool(MEETING.search(cell("publication_types"))),
        trigrams=trigrams(title),
    )


def words(text):
    """The words of a text: no markup, accents, punctuation or capitals, Greek letters by name.

    "β-Endorphin &amp; <i>pain</i>" gives ("beta", "endorphin", "and", "pain").
    """
    text = html.unescape(MARKUP.sub("", text)).replace("&", " and ")
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text).casefold().translate(_spelled())
    return tuple(WORD.findall(text.casefold().replace("'", "")))


def plain(text):
    """The same as one string without spaces, so that "self-help" and "selfhelp" are equal."""
    return "".join(words(text))


def trigrams(text):
    """All runs of three letters of a plain text."""
    return frozenset(text[start : start + 3] for start in range(len(text) - 2)) or frozenset([text])


def dice(left, right):
    """Share of runs of three letters that two texts have in common, 0 to 1 (Dice 1945, Ecology 26:297)."""
    return 2 * len(left & right) / (len(left) + len(right))


def last_name(author):
    """The last name in "Last FM", plain; a group's name stays whole."""
    parts = author.strip().split()
    if len(parts) > 1 and re.fullmatch(r"(?:\w[.-]?){1,4}", parts[-1]) and parts[-1] == parts[-1].upper():
        parts = parts[:-1]
    return plain(" ".join(parts))


def same_name(left, right):
    """Whether two last names are one, give or take one letter or the second half of a double name."""
    if left == right:
        return True
    shorter, longer = sorted((left, right), key=len)
    if len(shorter) >= 4 and (longer.startswith(shorter) or longer.endswith(shorter)):
        return True
    return len(shorter) >= 5 and _one_edit(shorter, longer)


def same_journal(left, right):
    """Whether one journal's name may stand for the other: equal, abbreviated, or by its initials.

    Parameters
    ----------
    left, right : tuple of str
        Words of a name, without small words.
    """
    if not left or not right:
        return None
    if left == right or "".join(left) == "".join(right):
        return True
    shorter, longer = sorted((left, right), key=lambda name: (len(name), len("".join(name))))
    if len(shorter) == 1 and len(longer) > 1 and shorter[0] == "".join(word[0] for word in longer):
        return True
    return len(left) == len(right) and all(map(_abbreviates, shorter, longer))


def _abbreviates(left, right):
    shorter, longer = sorted((left, right), key=len)
    if longer.startswith(shorter):
        return True
    # "rsch" for "research", "natl" for "national": first letter and the rest in order.
    rest = iter(longer[1:])
    return len(shorter) >= 3 and shorter[0] == longer[0] and all(letter in rest for letter in shorter[1:])


def starts_alike(left, right, *, at_least):
    """Whether one plain title is the beginning of the other, as where a subtitle was lost or cut.

    A typing error or two are passed over.
    """
    shorter, longer = sorted((left, right), key=len)
    if len(shorter) < at_least or shorter[:2] != longer[:2]:
        return False
    start = longer[: len(shorter)]
    return start == shorter or dice(trigrams(start), trigrams(shorter)) >= 0.85


def _one_edit(shorter, longer):
    if len(longer) - len(shorter) > 1:
        return False
    start = next((at for at, (a, b) in enumerate(zip(shorter, longer, strict=False)) if a != b), len(shorter))
    if len(shorter) == len(longer):
        swapped = shorter[start : start + 2][::-1] == longer[start : start + 2]
        return shorter[start + 1 :] == longer[start + 1 :] or (
            swapped and shorter[start + 2 :] == longer[start + 2 :]
        )
    return shorter[start:] == longer[start + 1 :]


def _numbers(title):
    """What tells one part of a series from the next."""
    for at, word in enumerate(title):
        if (
            word in NUMERALS
            or word in ORDINALS
            or any(letter.isdigit() for letter in word)
            or (len(word) == 1 and at and title[at - 1] in ("part", "study", "phase", "experiment"))
        ):
            yield word


@functools.cache
def _journal(name):
    # "Spine (Phila Pa 1976)", "Pain : official journal of ..." and "Lancet, The" are Spine, Pain, Lancet.
    short = re.split(r"\s*[(:=]|\s\.\s", name, maxsplit=1)[0]
    return tuple(word for word in words(short) if word not in SMALL) or words(name)


def _number(text):
    found = re.search(r"\d+", text)
    return found[0].lstrip("0") if found else plain(text)


def _page(pages):
    """The first page: "S12-S20" gives "s12", "0123-30" gives "123", "e0123" gives "123".

    An S marks a supplement and counts; an e marks an article's number, which some databases leave out.
    """
    found = re.match(r"\s*(?:pp?\.?\s*)?([A-Za-z]{0,3})\s*0*(\d+)", pages)
    return (found[1].lower().removeprefix("e") + found[2]) if found else ""
