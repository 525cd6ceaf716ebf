"""What the E-utilities answer, read strictly: errors in NCBI's words, lists of ids, document summaries."""

import io
import json
import re
from dataclasses import dataclass

from Bio import Entrez
from lxml import etree

from livingreview import xml_reading
from livingreview.search.pubmed.failures import KeyRefused, Passing, Refused, UnsafeAnswer

MOST_WORDS = 500  # characters of an answer that are shown; NCBI's longest known sentence has 380
# What comes before the root: a declaration, comments, instructions and a document type without declarations.
# Possessive, because a group that may be taken back keeps some hundred bytes for each of its turns.
MISC = r"(?:\s++|<!--(?s:.*?)-->|<\?(?s:.*?)\?>)*+"
OPENING = re.compile(
    rf"\ufeff?{MISC}(?:<!DOCTYPE\s[^<>\[]*>{MISC})?<(?P<root>[A-Za-z_][\w.-]*)(?=[\s/>])", re.ASCII
)
ENCODING = re.compile(r"<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']*)")
# Biopython knows these; any other document type would make it look for one on the network.
DOCTYPES = {
    "eSearchResult": b'<!DOCTYPE eSearchResult PUBLIC "-//NLM//DTD esearch 20060628//EN"'
    b' "https://eutils.ncbi.nlm.nih.gov/eutils/dtd/20060628/esearch.dtd">',
    "eSummaryResult": b'<!DOCTYPE eSummaryResult PUBLIC "-//NLM//DTD esummary v1 20041029//EN"'
    b' "https://eutils.ncbi.nlm.nih.gov/eutils/dtd/20041029/esummary-v1.dtd">',
}
UNNAMED_TAG = "a search tag that PubMed does not know and does not name"


@dataclass(frozen=True)
class Listing:
    """An ESearch answer.

    Attributes
    ----------
    count : int
        Records that the term finds.
    pmids : tuple of str
        Those listed, in PubMed's order; nothing says that they are as many.
    translation : str
        How PubMed understood the term.
    unknown : tuple of str
        Phrases that PubMed could not look up, as it wrote them.
    dropped : tuple of str
        All that it left out of the query: these phrases, fields not found, phrases ignored.
    messages : tuple of str
        What else it remarked.
    date : str
        When it was given.
    body : bytes
        The answer as it came.
    """

    count: int
    pmids: tuple
    translation: str
    unknown: tuple
    dropped: tuple
    messages: tuple
    date: str
    body: bytes


def check(body, root, *, status=200):
    """Tell a whole XML document with the right root from everything else that may come in its place.

    Parameters
    ----------
    body : bytes
        The answer, without the API key.
    root : str
        Name of the root element that was asked for.
    status : int, optional
        The HTTP status.

    Raises
    ------
    Passing
        If another try may bring a good answer.
    KeyRefused, Refused
        If NCBI refuses, and would refuse again.
    UnsafeAnswer
        If the document declares entities.
    """
    if status != 200:
        _check_status(body, status)
    if not body.strip():
        raise Passing("an empty answer")
    text = _text(body)
    found = OPENING.match(text)
    if not found:
        _check_declarations(text)
        raise _not_xml(text)
    name = found["root"]
    if name != root:
        raise _other_document(text, name)
    end = text.rstrip()
    if not (end.endswith(f"</{root}>") or re.fullmatch(rf"<{root}\s*/>", end[found.start("root") - 1 :])):
        raise Passing("the answer was cut short")


def read_search(body, *, date):
    """An ESearch answer, checked, as `Listing`; `date` tells when it was given.

    Raises
    ------
    Passing, Refused
        If it is an error, or no such answer.
    """
    answer = _read(body, "eSearchResult")
    if isinstance(answer, str) or answer.get("ERROR"):
        raise _said(str(answer if isinstance(answer, str) else answer["ERROR"]))
    count, ids = str(answer.get("Count", "")), [str(pmid) for pmid in answer.get("IdList", ())]
    if not re.fullmatch(r"\d{1,9}", count) or "IdList" not in answer:
        raise Passing("a search answer without a count and a list")
    if not all(re.fullmatch(r"[1-9]\d{0,7}", pmid) for pmid in ids):
        raise Passing("a search answer that lists something else than PMIDs")
    errors, notes = answer.get("ErrorList"), answer.get("WarningList", {})
    phrases = _strings(errors, "PhraseNotFound")
    fields = _strings(errors, "FieldNotFound")
    quoted = _strings(notes, "QuotedPhraseNotFound")
    # PubMed's only trace of an unknown tag is a list of errors with nothing in it.
    unnamed = (UNNAMED_TAG,) if errors is not None and not (phrases or fields) else ()
    return Listing(
        count=int(count),
        pmids=tuple(ids),
        translation=str(answer.get("QueryTranslation", "")),
        unknown=phrases + quoted,
        dropped=phrases + fields + unnamed + _strings(notes, "PhraseIgnored") + quoted,
        messages=_strings(notes, "OutputMessage"),
        date=date,
        body=body,
    )


def read_summaries(body, asked):
    """Which of the PMIDs asked for have a document summary.

    NCBI says "UID=...: cannot get document summary" of the others, or nothing.

    Raises
    ------
    Passing, Refused
        If it is another error, or no such answer.
    """
    held = []
    for entry in _read(body, "eSummaryResult"):
        if isinstance(entry, dict):
            held.append(str(entry.get("Id", "")))
        elif _is_passing(str(entry)) or not set(re.findall(r"\d+", str(entry))) & set(asked):
            raise _said(str(entry))
    if not set(held) <= set(asked):
        raise Passing("summaries of records that nobody asked for")
    return [pmid for pmid in asked if pmid in held]


def words(body):
    """What an answer of any format says, for a message: NCBI's error, or its text without markup."""
    text = body[:20_000].decode("utf-8", "replace")
    said = _json_error(text) or _xml_error(text) or re.sub(r"<[^>]*>", " ", text)
    return _short(said) or "no explanation"


def _check_status(body, status):
    said = words(body)
    if status == 429 or "rate limit" in said.lower():
        raise Passing(f"HTTP {status}, too many requests")
    if status >= 500 or status in (408, 425):
        raise Passing(f"HTTP {status}, a fault of the server")
    if _is_passing(said):
        raise Passing(f"HTTP {status}: {said}")
    kind, hint = Refused, "check search in config.yaml"
    if "api key" in said.lower():
        kind, hint = KeyRefused, "check NCBI_API_KEY in the environment, or unset it"
    elif status in (301, 302, 303, 307, 308, 404):
        hint = "check search: base_url"
    elif status in (401, 403):
        hint = "NCBI may have blocked this address; search: tool and email tell it whom to write to"
    raise kind(
        f"PubMed refused the request (HTTP {status}): {said.rstrip('.')}. Nothing was saved."
        f" Trying again will not help; {hint}."
    )


def _text(body):
    """An XML answer as text; PubMed sends UTF-8, and other encodings could hide what is looked for here."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Passing("the answer is not text in UTF-8") from None
    declared = ENCODING.search(text[:200])
    if declared and declared[1].lower() not in ("utf-8", "utf8", "us-ascii", "ascii"):
        raise Passing(f"the answer is declared as {declared[1][:20]!r}, not as UTF-8")
    return text


def _check_declarations(text):
    """Refuse what stands before the root and declares anything: entities can fill any memory."""
    head = text[:20_000]
    if re.search(r"<!(?:ENTITY|ELEMENT|ATTLIST|NOTATION)\s|<!DOCTYPE[^>]*\[", head):
        raise UnsafeAnswer(
            "PubMed's answer declares entities or elements of its own, which PubMed never does. It was not"
            " read, and nothing was saved. Check search: base_url, and whether something between this"
            " computer and PubMed changes what passes."
        )


def _not_xml(text):
    error = _json_error(text)
    if error:
        return _said(error)
    if text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        return Passing("JSON instead of XML")
    if text.lstrip().startswith("<"):
        return Passing("the answer was cut short or is not XML")
    return Passing(f"plain text instead of XML: {_short(text[:2000])}")


def _other_document(text, name):
    if name.lower() == "html":
        title = re.search(r"<title>(.*?)</title>", text[:20_000], re.S | re.I)
        return Passing(f"a web page instead of data{f' ({_short(title[1])})' if title else ''}")
    error = _xml_error(text[:20_000])
    return _said(error) if error else Passing(f"a document of type {name[:40]} that nobody asked for")


def _said(error):
    """The exception for an error in NCBI's words that came as an ordinary answer."""
    error = _short(error)
    if _is_passing(error):
        return Passing(error)
    if "api key" in error.lower():
        return KeyRefused(
            f"PubMed refused the request: {error.rstrip('.')}. Nothing was saved."
            " Check NCBI_API_KEY in the environment, or unset it."
        )
    return Refused(
        f"PubMed refused the request: {error.rstrip('.')}. Nothing was saved. Check search: query."
    )


def _is_passing(error):
    """Whether an ERROR may go away by itself: a failed backend may, a page beyond the window will not.

    No request here names a stored query, so that one cannot be found is a fault on the other side.
    """
    if "retstart" in error or "out of acceptable" in error:
        return False
    return any(words in error for words in ("Search Backend failed", "Unable to obtain query", "rate limit"))


def _json_error(text):
    """The error in a JSON answer, or None. NCBI's can hold a bare line feed, which strict parsers refuse."""
    if not text.lstrip("\ufeff \t\r\n").startswith("{"):
        return None
    try:
        answer = json.loads(text.lstrip("\ufeff"), strict=False)
    except (ValueError, RecursionError):
        return None
    search, summary = answer.get("esearchresult"), answer.get("esummaryresult")
    error = answer.get("error")
    if not error and isinstance(search, dict):
        error = search.get("ERROR")
    if not error and isinstance(summary, list):
        error = "; ".join(str(one) for one in summary)
    return str(error) if error else None


def _xml_error(text):
    """The first ERROR with words in it; some answers carry an empty one on success."""
    return next((said for said in re.findall(r"<ERROR>([^<]*)</ERROR>", text) if said.strip()), None)


def _read(body, root):
    """A small answer, by Biopython's parser; the whole document is known to be well-formed by then."""
    check(body, root)
    try:
        tree = etree.fromstring(body, xml_reading.parser())
    except etree.XMLSyntaxError as broken:
        raise Passing(f"the answer is not well-formed XML ({broken})") from None
    names = [child.tag for child in tree]
    if root == "eSearchResult" and len(set(names)) != len(names):
        raise Passing("a search answer that says something twice")
    # A namespace would make Biopython look for a schema, on the network too.
    if any(element.nsmap for element in tree.iter(etree.Element)):
        raise Passing("the answer has namespaces, which no such answer has")
    text = body.decode("utf-8")
    document = text[OPENING.match(text).start("root") - 1 :].encode()
    try:
        return Entrez.read(
            io.BytesIO(b'<?xml version="1.0" encoding="UTF-8" ?>\n' + DOCTYPES[root] + document),
            ignore_errors=True,
        )
    except (
        Exception
    ) as error:  # Biopython meets elements in wrong places with whatever comes, AssertionError too
        raise Passing(f"the answer does not have the form of {root} ({_short(str(error))})") from None


def _strings(element, name):
    return tuple(" ".join(str(text).split()) for text in (element or {}).get(name, ()))


def _short(text):
    line = " ".join(str(text)[: 10 * MOST_WORDS].split())
    return line if len(line) <= MOST_WORDS else f"{line[:MOST_WORDS]}…"
