"""What a record says, laid out by PubMed's search fields, so that a query can be put to it.

Rows of the sandbox's corpus and articles become the same kind of document. Texts are normalised words with a
space at either end and " | " between parts, so that no phrase is found across two parts; lists hold one
normalised entry each; dates are a list of (day, sure), or None where the record does not say.

Source of what each field holds: PubMed User Guide, "PubMed data field descriptions".
"""

import functools
import html
import re
import unicodedata

ASCII = str.maketrans({chr(code): " " for code in range(128) if not chr(code).isalnum()})
# PubMed finds a Greek letter by its name and a Latin letter without its stroke or ligature; Unicode's
# decomposition does neither.
_GREEK = """
α alpha β beta γ gamma δ delta ε epsilon ζ zeta η eta θ theta ι iota κ kappa λ lambda μ mu ν nu ξ xi ο omicron
π pi ρ rho σ sigma ς sigma τ tau υ upsilon φ phi χ chi ψ psi ω omega
"""
_LATIN = "ø o æ ae œ oe ł l đ d ð d þ th ı i"
_PAIRS = f"{_GREEK} {_LATIN}".split()
LETTERS = str.maketrans(dict(zip(_PAIRS[::2], _PAIRS[1::2], strict=True)))
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec"
MONTHS = {name: number for number, name in enumerate(_MONTHS.split(), start=1)}
# PubMed User Guide, Publication Date: winter is January, spring April, summer July and fall October.
MONTHS |= {"win": 1, "spr": 4, "sum": 7, "fal": 10, "aut": 10}
MONTH = re.compile(rf"\b({'|'.join(MONTHS)})[a-z]*", re.I)
ANY_DATE = "any date"  # added to a field's name: dates that only a range finds


class _Folds(dict):
    """What each character becomes in normalised text, found out when it first occurs."""

    def __missing__(self, code):
        plain = unicodedata.normalize("NFKD", chr(code)).casefold().translate(LETTERS)
        plain = "".join(one for one in plain if not unicodedata.combining(one))
        self[code] = folded = "".join(one if one.isalnum() else " " for one in plain)
        return folded


_FOLDS = _Folds()


def normalise(text):
    """Words of a text: lower case, without accents and punctuation, single spaces between."""
    if not text:
        return ""
    # Most texts of most records, and half the time of putting a query to them.
    if text.isascii():
        return " ".join(text.lower().translate(ASCII).split())
    return " ".join(text.translate(_FOLDS).split())


@functools.lru_cache(maxsize=1 << 16)
def _entry(text):
    """The same for entries of a controlled list, which come again and again (MeSH has 30,000 headings)."""
    return normalise(text)


def split_list(text):
    """Entries of a "; "-separated cell."""
    return [entry.strip() for entry in (text or "").split(";") if entry.strip()]


def split_heading(entry):
    """A MeSH entry such as "Pain / therapy*" or "Pain/therapy*" as [("Pain", False), ("therapy", True)].

    The first part is the descriptor, the others its qualifiers; the flag marks a major topic.
    """
    parts = [part.strip() for part in entry.split("/")]
    return [(part.rstrip("*").strip(), part.endswith("*")) for part in parts]


# Fields that a row of the corpus fills; the abstract only where the corpus has that column.
ROW_FIELDS = frozenset(
    {
        "All Fields",
        "Article Identifier",
        "Author",
        "Author - First",
        "Author - Last",
        "Date - Create",
        "Date - Entry",
        "Date - Publication",
        "Journal",
        "Language",
        "Location ID",
        "MeSH Major Topic",
        "MeSH Subheading",
        "MeSH Terms",
        "Publication Type",
        "Secondary Source ID",
        "Text Word",
        "Title",
        "Title/Abstract",
        "UID",
    }
)


def of_row(record):
    """The document of a row of the sandbox's corpus."""
    headings = [split_heading(entry) for entry in split_list(record.get("mesh_terms"))]
    title = normalise(record.get("title"))
    abstract = normalise(record.get("abstract"))
    abstracts = [abstract, *map(normalise, _other_abstracts(record))]
    keywords = [normalise(entry) for entry in split_list(record.get("keywords"))]
    names = [normalise(author) for author in split_list(record.get("authors"))]
    types = [normalise(entry) for entry in split_list(record.get("publication_types"))]
    mesh = [_heading_forms(heading) for heading in headings]
    subheadings = [normalise(part) for heading in headings for part, _ in heading[1:]]
    registry = [entry.lower() for entry in split_list(record.get("registry_ids"))]
    doi = (record.get("doi") or "").lower()
    words = [title, *abstracts, *keywords, *(forms[0] for forms in mesh), *subheadings, *types]
    others = [*names, normalise(record.get("journal")), *registry, normalise(doi), record["pmid"]]
    entry = [(_day(record["entry_date"]), True)]
    published = [((int(record["year"]), 1, 1), True)] if record.get("year") else []
    return {
        "Title": _text(title),
        "Abstract": _text(*abstracts),
        "Title/Abstract": _text(title, *abstracts, *keywords),
        "Other Term": _text(*keywords),
        "Text Word": _text(*words),
        "All Fields": _text(*words, *others),
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
        "Author": [(name,) for name in names],
        "Author - First": [(name,) for name in names[:1]],
        "Author - Last": [(name,) for name in names[-1:]],
        "UID": [record["pmid"]],
        "Article Identifier": [doi] if doi else [],
        "Location ID": [doi] if doi else [],
        "Secondary Source ID": registry,
        "Date - Create": entry,
        "Date - Entry": [(_day(record["pubmed_date"]), True)] if record.get("pubmed_date") else entry,
        "Date - Publication": published,
        f"Date - Publication, {ANY_DATE}": published,
    }


def _other_abstracts(record):
    """Texts of a row's other abstracts, which are one text or (type, language, text) triples."""
    others = record.get("other_abstract") or []
    return [others] if isinstance(others, str) else [text for *_, text in others]


class ArticleDocument(dict):
    """The document of an article: fields are laid out when a query first asks for them."""

    def __init__(self, article):
        super().__init__()
        self._article = article

    def __missing__(self, name):
        self[name] = value = _ARTICLE[name](self._article)
        return value


def _abstracts(article):
    """The abstract and the others, each one text with its labels."""
    every = [article.abstract, *(other.parts for other in article.other_abstracts)]
    return [" ".join(f"{part.label} {part.text}" for part in parts) for parts in every if parts]


def _keywords(article):
    return [keyword.text for keyword in article.keywords]


def _indexing_words(article):
    """What a text word finds beside title, abstracts and keywords."""
    return [
        *(heading.name for heading in article.mesh),
        *(name for heading in article.mesh for _, name, _ in heading.qualifiers),
        *(kind.name for kind in article.publication_types),
        *_substances(article),
        *_elements(article, b"PersonalNameSubject"),
        *_collectives(article),
        *_databanks(article),
        *(notice.source for notice in article.notices),
    ]


def _elements(article, tag):
    """Texts of all elements of one name in the article as it came; most articles have none."""
    if b"<" + tag not in article.raw:
        return []
    found = re.findall(rb"<%b(?:\s[^>]*)?>(.*?)</%b>" % (tag, tag), article.raw, re.S)
    return [_plain(text) for text in found]


def _plain(text):
    """Text of a piece of XML, markup dropped."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text.decode("utf-8"))).split())


def _substances(article):
    return _elements(article, b"NameOfSubstance")


def _databanks(article):
    """Secondary sources of all kinds as their accession, their bank, and bank/accession; lower case."""
    forms = []
    for bank in re.findall(rb"<DataBank>(.*?)</DataBank>", article.raw, re.S):
        name = "".join(_plain(one) for one in re.findall(rb"<DataBankName>(.*?)<", bank)[:1])
        forms.append(name)
        for number in map(_plain, re.findall(rb"<AccessionNumber>(.*?)<", bank)):
            forms += [number, f"{name}/{number}"]
    return [form.lower() for form in dict.fromkeys(forms)]


def _collectives(article):
    return [author.collective for author in article.authors if author.collective]


def _headings(article):
    """(forms, major) of each heading."""
    for heading in article.mesh:
        parts = [(heading.name, heading.major), *((name, major) for _, name, major in heading.qualifiers)]
        yield _heading_forms(parts), any(major for _, major in parts)


def _authors(article):
    """Each personal author as the forms by which the name is searched: short, then full in both orders."""
    names = []
    for author in article.authors:
        if not author.last:
            continue
        short = normalise(" ".join(part for part in (author.last, author.initials, author.suffix) if part))
        full = [f"{author.last} {author.fore}", f"{author.fore} {author.last}"] if author.fore else []
        names.append((short, *map(normalise, full)))
    return names


def _identifiers(article):
    return [one.lower() for one in (article.doi, article.pii) if one]


def _journals(article):
    return list(
        dict.fromkeys(normalise(name) for name in (article.journal_abbreviation, article.journal) if name)
    )


def _everything(article):
    """All words that an article is known to be found by in all fields; PubMed's index may hold more."""
    names = [name for author in _authors(article) for name in author]
    others = [*_journals(article), article.vernacular_title, *_identifiers(article), article.pmid]
    others += [article.volume, article.issue, article.coi_statement, *article.languages]
    return [
        article.title,
        *_abstracts(article),
        *_keywords(article),
        *_indexing_words(article),
        *names,
        *others,
    ]


def _history(article, *statuses):
    """The first of some dates of PubMed's own history; None where the article has none of them."""
    for status in statuses:
        days = [(_day(day), True) for name, day in article.history if name == status and day]
        if days:
            return days[:1]
    return None


def _print_date(article):
    """The date of the issue by PubMed's rule: of several months the first; without one, January; day 1."""
    published = article.published
    if not published.year:
        return None
    named = MONTH.search(f"{published.month} {published.season} {published.medline_date}")
    number = published.month if published.month.isdigit() else ""
    month = int(number) if number else MONTHS[named[1].lower()] if named else 1
    return int(published.year), month, int(published.day) if published.day.isdigit() else 1


def _published(article, *, in_range):
    """Print and electronic date; the later electronic one is found by a range only."""
    printed = _print_date(article)
    electronic = _day(article.electronic_date) if article.electronic_date else None
    if printed is None:
        return [(electronic, True)] if electronic else None
    days = [(printed, True)]
    if electronic and (in_range or electronic <= printed):
        days.append((electronic, True))
    elif electronic and not article.published.day and electronic[0] == printed[0]:
        # Whether it is later than an issue that is dated by year or month alone, PubMed does not say.
        days.append((electronic, False))
    return days


_ARTICLE = {
    "Title": lambda article: _text(normalise(article.title)),
    "Abstract": lambda article: _text(*map(normalise, _abstracts(article))),
    "Title/Abstract": lambda article: _text(
        *map(normalise, [article.title, *_abstracts(article), *_keywords(article)])
    ),
    "Other Term": lambda article: _text(*map(normalise, _keywords(article))),
    "Transliterated Title": lambda article: _text(normalise(article.vernacular_title)),
    "Author - Corporate": lambda article: _text(*map(normalise, _collectives(article))),
    "Text Word": lambda article: _text(
        *map(
            normalise,
            [article.title, *_abstracts(article), *_keywords(article), *_indexing_words(article)],
        )
    ),
    "All Fields": lambda article: _text(*map(normalise, _everything(article))),
    "MeSH Terms": lambda article: [form for forms, _ in _headings(article) for form in forms],
    "MeSH Major Topic": lambda article: [
        form for forms, major in _headings(article) if major for form in forms
    ],
    "MeSH Subheading": lambda article: [
        _entry(name) for heading in article.mesh for _, name, _ in heading.qualifiers
    ],
    "Publication Type": lambda article: [_entry(kind.name) for kind in article.publication_types],
    "Supplementary Concept": lambda article: [normalise(name) for name in _substances(article)],
    "Journal": lambda article: [*_journals(article), *([normalise(article.issn)] if article.issn else [])],
    "ISSN": lambda article: [article.issn.lower()] if article.issn else [],
    "Language": lambda article: [code.lower() for code in article.languages],
    "Author": _authors,
    "Author - First": lambda article: _authors(article)[:1],
    "Author - Last": lambda article: _authors(article)[-1:],
    "UID": lambda article: [article.pmid],
    "PMCID": lambda article: [article.pmcid.lower()] if article.pmcid else [],
    "Article Identifier": _identifiers,
    "Location ID": _identifiers,
    "Secondary Source ID": _databanks,
    "Volume": lambda article: [article.volume.lower()] if article.volume else [],
    "Issue": lambda article: [article.issue.lower()] if article.issue else [],
    "Pagination": lambda article: [re.split(r"[-,;\s]", article.pages.lower())[0]] if article.pages else [],
    "Date - Create": lambda article: _history(article, "entrez"),
    "Date - Entry": lambda article: _history(article, "pubmed"),
    # "The MeSH Date is initially set to the Entry Date", PubMed User Guide.
    "Date - MeSH": lambda article: _history(article, "medline", "pubmed"),
    "Date - Completion": lambda article: [(_day(article.completed), True)] if article.completed else [],
    "Date - Modification": lambda article: [(_day(article.revised), True)] if article.revised else None,
    "Electronic Publication Date": lambda article: (
        [(_day(article.electronic_date), True)] if article.electronic_date else []
    ),
    "Date - Publication": lambda article: _published(article, in_range=False),
    f"Date - Publication, {ANY_DATE}": lambda article: _published(article, in_range=True),
}
ARTICLE_FIELDS = frozenset(_ARTICLE) - {f"Date - Publication, {ANY_DATE}"}


def _text(*parts):
    return f" {' | '.join(part for part in parts if part)} "


def _day(text):
    year, month, day = map(int, text.split("-"))
    return year, month, day


def _heading_forms(heading):
    """The texts by which [mh] finds a heading: itself, and itself with each qualifier."""
    descriptor, *qualifiers = [_entry(part) for part, _ in heading]
    return [descriptor, *(f"{descriptor}/{qualifier}" for qualifier in qualifiers)]
