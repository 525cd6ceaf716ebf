"""PubMed's articles, read from XML without loss and without the network.

Only what an article says of itself is taken: identifiers of cited papers and copyright lines stay out, and
translated abstracts are kept apart. Where the document leaves out an attribute, NLM's default holds (DTD of
2025), whatever document type is named: document types are never fetched.
"""

import functools
import gc
import io
import operator
import re
from collections import deque
from dataclasses import dataclass, fields
from datetime import date
from typing import NamedTuple

from lxml import etree

from livingreview.errors import ReviewError
from livingreview.search import registries
from livingreview.search.pubmed.article_stream import Broken, Slice, Stream, parser
from livingreview.search.pubmed.article_workers import Task, Workers, exchange
from livingreview.search.pubmed.markup import text_of

# DataBankList also names sequence and data archives; these are registries of trials.
REGISTRIES = re.compile(
    r"clinicaltrials|isrctn|anzctr|^ntr$|dutch|umin|japic|jma|jprn|jrct|rebec|cris|ctri|drks|eudract|^ctis$"
    r"|irct|pactr|rpcec|slctr|tctr|chictr|repec|lbctr|itmctr",
    re.I,
)
YEAR = re.compile(r"\b(?:18|19|20)[0-9]{2}\b")
ORCID = re.compile(r"(?:.*orcid\.org/)?([0-9]{4})-?([0-9]{4})-?([0-9]{4})-?([0-9]{3}[0-9Xx])/?", re.I)
MONTHS = dict(
    zip("jan feb mar apr may jun jul aug sep oct nov dec".split(), range(1, 13), strict=True)  # noqa: SIM905
)
# Bytes of XML that another process is given at a time (some twenty articles; more of them leave the caches of
# the processor), and that this one parses before it looks again whether another is free (one or two).
SHARED, OWN = 1 << 18, 1 << 14
MOST_HELD = 500  # batches that are parsed and wait for an earlier one: 8 MB or, of long articles, more


class ArticleError(ReviewError):
    """An article that cannot be told from others, or is no citation at all."""


class Author(NamedTuple):
    """One author in order; a group has only `collective`. Names that PubMed marks invalid are left out."""

    last: str
    fore: str
    initials: str
    suffix: str
    collective: str
    orcid: str  # four groups of four, as 0000-0002-1825-0097; "" where none or malformed


class AbstractPart(NamedTuple):
    """One AbstractText: label and category are "" where PubMed gives none."""

    label: str
    category: str
    text: str


class OtherAbstract(NamedTuple):
    """An abstract beside the main one: a translation, a plain-language summary."""

    kind: str
    language: str
    parts: tuple  # of AbstractPart


class PublicationType(NamedTuple):
    ui: str
    name: str


class Heading(NamedTuple):
    """A MeSH heading; `automated` is DescriptorName/@AutoHM == "Y"."""

    ui: str
    name: str
    major: bool
    automated: bool
    qualifiers: tuple  # of (ui, name, major)


class Keyword(NamedTuple):
    owner: str
    text: str


class RegistryNumber(NamedTuple):
    """A number of DataBankList (`bank` as PubMed names it) or found in the abstract (`bank` "abstract")."""

    bank: str
    number: str


class Notice(NamedTuple):
    """An entry of CommentsCorrectionsList other than Cites; RefType verbatim, pmid "" where none is given."""

    ref_type: str
    pmid: str
    source: str


class PublicationDate(NamedTuple):
    """PubDate as printed; every part "" where absent. Only `year` is derived, from a MedlineDate."""

    year: str = ""
    month: str = ""
    day: str = ""
    season: str = ""
    medline_date: str = ""


UNDATED = PublicationDate()


@dataclass(slots=True)
class Article:
    """One PubmedArticle or PubmedBookArticle. Text is str, "" where PubMed says nothing; dates "YYYY-MM-DD".

    A date whose month or day PubMed leaves out has "01" there; one that is no date is "".
    """

    pmid: str = ""
    version: int = 1
    kind: str = "article"  # "article" or "book"
    status: str = ""  # MedlineCitation/@Status; "" for books
    indexing_method: str = ""  # MedlineCitation/@IndexingMethod; "" where absent
    title: str = ""  # a whole book's title for books that are one record
    vernacular_title: str = ""
    abstract: tuple = ()  # of AbstractPart
    other_abstracts: tuple = ()  # of OtherAbstract
    authors: tuple = ()  # of Author; of a chapter its own, else the book's, never editors
    authors_complete: bool = True  # AuthorList/@CompleteYN, True where absent
    journal: str = ""  # Journal/Title; a book's title for books
    journal_abbreviation: str = ""  # MedlineTA, else ISOAbbreviation
    issn: str = ""  # of the issue, else the linking one
    volume: str = ""
    issue: str = ""
    pages: str = ""  # MedlinePgn, else first and last page
    published: PublicationDate = UNDATED
    electronic_date: str = ""  # ArticleDate[@DateType=Electronic], or ""
    completed: str = ""  # DateCompleted
    revised: str = ""  # DateRevised
    history: tuple = ()  # of (PubStatus, "YYYY-MM-DD"), in order
    languages: tuple = ()  # codes of three letters; "und" (undetermined) is left out
    publication_types: tuple = ()  # of PublicationType
    mesh: tuple = ()  # of Heading
    keywords: tuple = ()  # of Keyword
    doi: str = ""  # the article's own, lower case
    pmcid: str = ""
    pii: str = ""
    registry: tuple = ()  # of RegistryNumber, each number once
    notices: tuple = ()  # of Notice
    coi_statement: str = ""
    accession: str = ""  # a book's number in NCBI's Bookshelf (NBK...)
    raw: bytes = b""  # the article exactly as it came


_FIELDS = tuple(field.name for field in fields(Article))
_SENT = operator.attrgetter(*_FIELDS[:-1])
_PUBLISHED, _OTHERS = _FIELDS.index("published"), _FIELDS.index("other_abstracts")
# By field, what makes one of its entries of a sequence of values; twice as fast as the class itself.
_MADE = {
    name: functools.partial(tuple.__new__, made)
    for name, made in {
        "abstract": AbstractPart,
        "authors": Author,
        "publication_types": PublicationType,
        "mesh": Heading,
        "keywords": Keyword,
        "registry": RegistryNumber,
        "notices": Notice,
    }.items()
}
_LISTS = tuple((_FIELDS.index(name), make) for name, make in _MADE.items())


class Reader:
    """Articles of a PubmedArticleSet, in order and one at a time.

    Nothing is skipped. A document that is not whole is found out at the latest after its last article, so
    what was read is good only when the reader has come to its end.

    Parameters
    ----------
    file : binary file object
        Plain XML of any size; what `gzip.open` returns is read too.

    Attributes
    ----------
    deleted : tuple of str
        PMIDs of DeleteCitation; complete after the last article.

    Raises
    ------
    Broken
        If the document is not whole, not well-formed or no set of articles, declares entities, is not UTF-8,
        or holds an article of more than 32 MB.
    ArticleError
        If an article has no PMID or no citation.
    """

    def __init__(self, file):
        self._stream = Stream(file)
        self._articles = self._read()

    @property
    def deleted(self):
        return self._stream.deleted

    def __iter__(self):
        return self._articles

    def _read(self):
        build = parser()
        for piece in self._stream:
            yield _article(piece, self._stream.wrapper, build)


class ParallelReader(Reader):
    """The same with the work shared among processes; see `read_parallel`."""

    def __init__(self, file, *, workers):
        self._workers = workers
        self._fault = None
        super().__init__(file)

    def _read(self):
        pieces, build, held = iter(self._stream), parser(), deque()
        with Workers(self._workers - 1) as workers:
            while batch := self._next(pieces, SHARED if (free := workers.free()) else OWN):
                if free:
                    task = workers.give(([tuple(piece) for piece in batch], self._stream.wrapper))
                    held.append((batch, task, _unpacked))
                else:
                    done = Task(answer=_readable(batch, self._stream.wrapper, build))
                    held.append((batch, done, lambda article, _: article))
                while held and (held[0][1].answer is not None or len(held) > MOST_HELD):
                    yield from self._joined(workers, *held.popleft())
            while held:
                yield from self._joined(workers, *held.popleft())
        if self._fault:
            raise self._fault

    def _next(self, pieces, size):
        """Slices of so many bytes or a little more; an error behind them waits until they were read."""
        batch = []
        try:
            for piece in pieces:
                batch.append(piece)
                size -= len(piece.body)
                if size <= 0:
                    break
        except Broken as error:
            self._fault = error
        return batch

    def _joined(self, workers, batch, task, made):
        """Articles of a batch, those of another process with their own bytes, which did not travel back."""
        workers.wait(task)
        for piece, values in zip(batch, task.answer, strict=False):
            yield made(values, piece.body)
        # Reading stopped at the first article with an error; reading that one again raises it.
        for piece in batch[len(task.answer) :]:
            yield _article(piece, self._stream.wrapper, parser())


def read(body):
    """Articles of one whole document, such as an answer of EFetch.

    Parameters
    ----------
    body : bytes

    Returns
    -------
    list of Article
        In order. Raises as `Reader` does.
    """
    return list(Reader(io.BytesIO(body)))


def read_parallel(file, *, workers):
    """Articles of a large document, in order, parsed by several processes.

    Parameters
    ----------
    file : binary file object
        See `Reader`.
    workers : int
        Processes that parse, this one included: it cuts the document, gives the others as much as they can
        do, and parses what they have no time for.

    Returns
    -------
    Reader
        Errors are raised at the article that has them, as `Reader` does.
    """
    return Reader(file) if workers == 1 else ParallelReader(file, workers=workers)


def abstract_text(parts):
    """An abstract as one text: its parts (of `AbstractPart`), each behind its label."""
    return " ".join(f"{part.label}: {part.text}" if part.label else part.text for part in parts)


def _article(piece, wrapper, build):
    """The article in a slice of the document."""
    try:
        root = etree.fromstring(wrapper[0] + piece.body + wrapper[1], build)
    except etree.XMLSyntaxError as error:
        raise Broken(_where(piece, f"is not well-formed: {error.msg}")) from error
    if wrapper[0]:
        root = root[0]
    if root.tag != piece.name:
        raise Broken(_where(piece, f"is not PubMed's: its element is {root.tag}"))
    article = Article(kind=KINDS[piece.name], raw=piece.body)
    try:
        _fill(article, root, _TOP)
    except _Fault as error:
        raise ArticleError(_where(piece, str(error))) from error
    if not article.pmid:
        raise ArticleError(_where(piece, f"is without a PMID or a citation; found {piece.body[:80]!r}"))
    if article.abstract:
        article.registry = _with_numbers_of_abstract(article)
    return article


def _where(piece, text):
    hint = "hint: do not use this document, fetch it again"
    return f"PubMed's document: article number {piece.number} (from byte {piece.offset}) {text}; {hint}"


class _Fault(Exception):
    """What is wrong with an article, before it is said which one it is."""


def _fill(article, element, readers):
    """Hand each child of an element to what reads it; children that nothing reads are passed over."""
    for child in element:
        reader = readers.get(child.tag)
        if reader is not None:
            reader(article, child)


def _text_into(name):
    """A reader that keeps the first text it meets in one field."""

    def reader(article, element):
        if not getattr(article, name):
            setattr(article, name, text_of(element))

    return reader


def _date_into(name):
    def reader(article, element):
        setattr(article, name, _date(element))

    return reader


def _within(**readers):
    """A reader of an element that only holds others."""

    def reader(article, element):
        _fill(article, element, readers)

    return reader


def _citation(article, element):
    article.status = element.get("Status", "")
    article.indexing_method = element.get("IndexingMethod", "")
    _fill(article, element, _CITATION)
    if not article.title and element.find("Article") is None:
        raise _Fault("has no citation (Article)")


def _pmid(article, element):
    if article.pmid:
        return
    pmid, version = text_of(element), element.get("Version") or "1"
    if not (pmid.isascii() and pmid.isdigit()):
        raise _Fault(f"is without a PMID; found {pmid!r}")
    if not (version.isascii() and version.isdigit()):
        raise _Fault(f"(PMID {pmid}) has a version that is no number; found {version!r}")
    article.pmid, article.version = pmid, int(version)


def _published(article, element):
    """A PubDate; it does not replace a ContributionDate, which is nearer to the article."""
    if article.published.year:
        return
    found = {child.tag: text_of(child) for child in element}
    printed = found.get("MedlineDate", "")
    year = found.get("Year", "")
    if not year and printed:
        match = YEAR.search(printed)
        year = match[0] if match else ""
    article.published = PublicationDate(
        year, found.get("Month", ""), found.get("Day", ""), found.get("Season", ""), printed
    )


def _contributed(article, element):
    if any(child.tag == "Year" and child.text for child in element):
        article.published = PublicationDate()
        _published(article, element)


def _electronic_date(article, element):
    if not article.electronic_date and element.get("DateType", "Electronic") == "Electronic":
        article.electronic_date = _date(element)


def _date(element):
    year = month = day = ""
    for child in element:
        tag = child.tag
        if tag == "Year":
            year = child.text
        elif tag == "Month":
            month = child.text
        elif tag == "Day":
            day = child.text
    return _iso(year, month, day)


@functools.lru_cache(maxsize=1 << 14)
def _iso(year, month, day):
    month = (month or "1").strip()
    try:
        return date(int(year), MONTHS.get(month[:3].lower()) or int(month), int(day or 1)).isoformat()
    except (TypeError, ValueError):
        return ""


def _pagination(article, element):
    found = {child.tag: text_of(child) for child in element}
    ends = (found.get("StartPage", ""), found.get("EndPage", ""))
    article.pages = found.get("MedlinePgn") or "-".join(end for end in ends if end)


def _abstract(article, element):
    article.abstract += _parts(element)


def _other_abstract(article, element):
    made = OtherAbstract(element.get("Type", ""), element.get("Language", "eng"), _parts(element))
    article.other_abstracts += (made,)


def _parts(element):
    """Parts of an abstract; not CopyrightInformation, which stands beside them."""
    parts = []
    for child in element:
        if child.tag == "AbstractText":
            text = text_of(child)
            if text:
                parts.append(AbstractPart(child.get("Label", ""), child.get("NlmCategory", ""), text))
    return tuple(parts)


def _authors(article, element):
    """The authors of an article or chapter; editors have a list of their own."""
    if element.get("Type") == "editors":
        return
    authors = [_author(child) for child in element if child.tag == "Author" and child.get("ValidYN") != "N"]
    if authors:
        article.authors = tuple(authors)
        article.authors_complete = element.get("CompleteYN") != "N"


def _author(element):
    values = ["", "", "", "", "", ""]
    for child in element:
        tag = child.tag
        place = NAMES.get(tag)
        if place is not None:
            values[place] = text_of(child)
        elif tag == "Identifier" and not values[-1] and child.get("Source") == "ORCID":
            values[-1] = _orcid(text_of(child))
    return _MADE["authors"](values)


def _orcid(text):
    match = ORCID.fullmatch(text.replace(" ", ""))
    return "-".join(match.groups()).upper() if match else ""


def _language(article, element):
    code = text_of(element)
    if code and code != "und":
        article.languages += (code,)


def _publication_type(article, element):
    article.publication_types += (PublicationType(element.get("UI", ""), text_of(element)),)


def _journal_info(article, element):
    """MedlineTA is the abbreviation that PubMed searches by; it stands before the one in the article."""
    for child in element:
        if child.tag == "MedlineTA":
            article.journal_abbreviation = text_of(child) or article.journal_abbreviation
        elif child.tag == "ISSNLinking" and not article.issn:
            article.issn = text_of(child)


def _mesh(article, element):
    article.mesh += tuple([_heading(child) for child in element if child.tag == "MeshHeading"])


def _heading(element):
    ui = name = ""
    major = automated = False
    qualifiers = []
    for child in element:
        tag = child.tag
        if tag == "DescriptorName":
            ui, name = child.get("UI", ""), text_of(child)
            major, automated = child.get("MajorTopicYN") == "Y", child.get("AutoHM") == "Y"
        elif tag == "QualifierName":
            qualifiers.append((child.get("UI", ""), text_of(child), child.get("MajorTopicYN") == "Y"))
    return _MADE["mesh"]((ui, name, major, automated, tuple(qualifiers)))


def _keywords(article, element):
    owner = element.get("Owner", "NLM")
    texts = (text_of(child) for child in element if child.tag == "Keyword")
    article.keywords += tuple(Keyword(owner, text) for text in texts if text)


def _bare(number):
    """A registry number without the spelling that differs from place to place."""
    return re.sub(r"[^0-9a-z]|^eudract|^ctis", "", number.casefold())


def _data_bank(article, element):
    bank, numbers = "", []
    for child in element:
        if child.tag == "DataBankName":
            bank = text_of(child)
        elif child.tag == "AccessionNumberList":
            numbers += [text_of(number) for number in child if number.tag == "AccessionNumber"]
    if not bank or REGISTRIES.search(bank):
        known = {one.number for one in article.registry}
        new = dict.fromkeys(number for number in numbers if number and number not in known)
        article.registry += tuple(RegistryNumber(bank, number) for number in new)


def _with_numbers_of_abstract(article):
    """The registry numbers of DataBankList, and after them those that only the abstract names."""
    found = registries.find(abstract_text(article.abstract))
    if not found:
        return article.registry
    known = {_bare(one.number) for one in article.registry}
    new = (number for number in found if _bare(number) not in known)
    return article.registry + tuple(RegistryNumber("abstract", number) for number in new)


def _notices(article, element):
    article.notices += tuple(
        _notice(child)
        for child in element
        if child.get("RefType") != "Cites" and child.tag == "CommentsCorrections"
    )


def _notice(element):
    pmid = source = ""
    for child in element:
        if child.tag == "PMID":
            pmid = text_of(child)
        elif child.tag == "RefSource":
            source = text_of(child)
    return Notice(element.get("RefType", ""), pmid, source)


def _location(article, element):
    """An ELocationID: the second source of a DOI and a publisher's number."""
    name = LOCATED.get(element.get("EIdType"))
    if name and element.get("ValidYN") != "N" and not getattr(article, name):
        setattr(article, name, _identifier(name, element))


def _identifiers(article, element):
    """The article's own ArticleIdList; lists of cited papers hang deeper and are not asked."""
    found = {}
    for child in element:
        name = IDENTIFIERS.get(child.get("IdType"))
        if name and child.tag == "ArticleId":
            text = _identifier(name, child)
            if text:
                found.setdefault(name, text)
    for name, text in found.items():
        setattr(article, name, text)


def _identifier(name, element):
    text = text_of(element)
    return text.lower() if name == "doi" else text


def _history(article, element):
    article.history += tuple(
        (child.get("PubStatus", ""), _date(child)) for child in element if child.tag == "PubMedPubDate"
    )


def _book_document(article, element):
    _fill(article, element, _BOOK_DOCUMENT)
    article.title = article.title or article.journal


NAMES = {"LastName": 0, "ForeName": 1, "Initials": 2, "Suffix": 3, "CollectiveName": 4}  # places in Author
KINDS = {"PubmedArticle": "article", "PubmedBookArticle": "book"}
LOCATED = {"doi": "doi", "pii": "pii"}
IDENTIFIERS = {"doi": "doi", "pii": "pii", "pmc": "pmcid", "bookaccession": "accession"}
_JOURNAL = {
    "Title": _text_into("journal"),
    "ISOAbbreviation": _text_into("journal_abbreviation"),
    "ISSN": _text_into("issn"),
    "JournalIssue": _within(Volume=_text_into("volume"), Issue=_text_into("issue"), PubDate=_published),
}
_WORK = {  # what articles and chapters have in common
    "ArticleTitle": _text_into("title"),
    "VernacularTitle": _text_into("vernacular_title"),
    "Pagination": _pagination,
    "ELocationID": _location,
    "Abstract": _abstract,
    "AuthorList": _authors,
    "Language": _language,
}
_ARTICLE = {
    **_WORK,
    "Journal": _within(**_JOURNAL),
    "ArticleDate": _electronic_date,
    "DataBankList": _within(DataBank=_data_bank),
    "PublicationTypeList": _within(PublicationType=_publication_type),
}
_CITATION = {
    "PMID": _pmid,
    "DateCompleted": _date_into("completed"),
    "DateRevised": _date_into("revised"),
    "Article": _within(**_ARTICLE),
    "MedlineJournalInfo": _journal_info,
    "MeshHeadingList": _mesh,
    "KeywordList": _keywords,
    "OtherAbstract": _other_abstract,
    "CommentsCorrectionsList": _notices,
    "CoiStatement": _text_into("coi_statement"),
}
_BOOK = {
    "BookTitle": _text_into("journal"),
    "PubDate": _published,
    "AuthorList": _authors,
    "Volume": _text_into("volume"),
}
_BOOK_DOCUMENT = {
    **_WORK,
    "PMID": _pmid,
    "ArticleIdList": _identifiers,
    "Book": _within(**_BOOK),
    "ContributionDate": _contributed,
    "DateRevised": _date_into("revised"),
    "PublicationType": _publication_type,
    "KeywordList": _keywords,
}
_DATA = {"History": _history, "ArticleIdList": _identifiers}
_TOP = {
    "MedlineCitation": _citation,
    "PubmedData": _within(**_DATA),
    "BookDocument": _book_document,
    "PubmedBookData": _within(**_DATA),
}


def _readable(pieces, wrapper, build):
    """The articles of slices, up to the first that has an error."""
    found = []
    try:
        for piece in pieces:
            found.append(_article(piece, wrapper, build))
    except (ArticleError, Broken):
        pass  # it is raised, with its text, where the articles are wanted
    return found


def serve():
    """What another process does: say that it is ready, then read batches and write articles."""
    build = parser()
    gc.disable()  # nothing here refers to itself
    answer = []
    while batch := exchange(answer):
        pieces, wrapper = batch
        answer = [_packed(one) for one in _readable([Slice(*piece) for piece in pieces], wrapper, build)]


def _packed(article):
    """Fields but the bytes as plain values, which are copied between processes several times as fast."""
    values = list(_SENT(article))
    for index, _ in _LISTS:
        values[index] = tuple(map(tuple, values[index]))
    values[_PUBLISHED] = tuple(values[_PUBLISHED])
    values[_OTHERS] = tuple((one.kind, one.language, tuple(map(tuple, one.parts))) for one in values[_OTHERS])
    return values


def _unpacked(values, raw):
    for index, make in _LISTS:
        values[index] = tuple(map(make, values[index]))
    values[_PUBLISHED] = PublicationDate(*values[_PUBLISHED])
    values[_OTHERS] = tuple(
        OtherAbstract(kind, language, tuple(AbstractPart(*part) for part in parts))
        for kind, language, parts in values[_OTHERS]
    )
    return Article(*values, raw)
