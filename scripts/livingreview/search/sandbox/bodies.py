"""The documents with which the sandbox answers, byte for byte as far as they were recorded from NCBI.

Every text is made fit for XML: a character that XML cannot hold becomes U+FFFD, so that no request can make
an answer that is not well-formed. JSON is well-formed except where NCBI's is not.
"""

import json
from dataclasses import dataclass, field

from livingreview.search.sandbox.citation_xml import markup

OVER_WINDOW = (
    "Search Backend failed: Exception:\n'retstart' cannot be larger than 9998. For PubMed, ESearch can only"
    " retrieve the first 9,999 records matching the query. To obtain more than 9,999 PubMed records, consider"
    " using EDirect that contains additional logic to batch PubMed search results automatically so that an"
    " arbitrary number can be retrieved. For details see https://www.ncbi.nlm.nih.gov/books/NBK25499/"
)
SERVER_ERROR = (
    b"<html><head><title>NCBI/eutils202 - WWW Error 500 Diagnostic</title></head>"
    b"<body><h1>Server Error</h1></body></html>\n"
)
DECLARATION = '<?xml version="1.0" encoding="UTF-8" ?>\n'
DTD = "https://eutils.ncbi.nlm.nih.gov/eutils/dtd"
ESEARCH_HEAD = (
    f"{DECLARATION}<!DOCTYPE eSearchResult PUBLIC"
    f' "-//NLM//DTD esearch 20060628//EN" "{DTD}/20060628/esearch.dtd">\n'
)
# NCBI's document type is spelt eEfetchResult while its root is eFetchResult.
EFETCH_ERROR_HEAD = (
    f'{DECLARATION.strip()}<!DOCTYPE eEfetchResult PUBLIC "-//NLM//DTD efetch 20131226//EN"'
    f' "{DTD}/20131226/efetch.dtd">'
)
EPOST_HEAD = (
    f'{DECLARATION}<!DOCTYPE ePostResult PUBLIC "-//NLM//DTD epost 20090526//EN" "{DTD}/20090526/epost.dtd">'
)
EINFO_HEAD = (
    f'{DECLARATION}<!DOCTYPE eInfoResult PUBLIC "-//NLM//DTD einfo 20190110//EN"'
    f' "{DTD}/20190110/einfo.dtd">\n'
)
ESUMMARY_HEAD = (
    f'{DECLARATION}<!DOCTYPE eSummaryResult PUBLIC "-//NLM//DTD esummary v1 20041029//EN"'
    f' "{DTD}/20041029/esummary-v1.dtd">\n'
)
XML = "text/xml; charset=UTF-8"
JSON = "application/json; charset=UTF-8"
TEXT = "text/plain; charset=UTF-8"
HTML = "text/html; charset=UTF-8"


@dataclass(frozen=True)
class Answer:
    """One HTTP answer: status, body, content type and further headers."""

    body: bytes
    status: int = 200
    kind: str = XML
    headers: dict = field(default_factory=dict)


@dataclass
class Found:
    """What ESearch says about a search.

    Attributes
    ----------
    count : int
        Records that match.
    start : int
        Position of the first listed one.
    page : list of str
        The PMIDs listed.
    history : (int, str) or None
        Query key and environment, where the result was stored.
    translation : str
    phrases, quoted : list of str
        Terms that were not found, without and with quotation marks.
    ignored : bool
        Whether a tag was ignored.
    messages : list of str
    """

    count: int
    start: int
    page: list
    history: tuple | None
    translation: str
    phrases: list
    quoted: list
    ignored: bool
    messages: list


def plain(text, *, status=200):
    """An answer in plain text; the sandbox's own refusals are such, with a status from 400 on."""
    return Answer(f"{text}\n".encode(errors="replace"), status, TEXT)


def as_json(body, *, status=200, headers=None):
    """An answer in JSON, written as NCBI writes it: no spaces, no escapes that are not needed."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Answer(f"{text}\n".encode(errors="replace"), status, JSON, headers or {})


def rate_limited(*, client, count, limit, status=429):
    """NCBI's answer to one request too many; `client` is the API key, or the address where there is none."""
    body = {"error": "API rate limit exceeded", "api-key": client, "count": str(count), "limit": str(limit)}
    headers = {"Retry-After": "2", "X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": "0"}
    return as_json(body, status=status, headers=headers)


def bad_key(key):
    """NCBI's answer to an API key that it does not know; the key comes back in it."""
    body = {"error": "API key invalid", "api-key": key, "type": "invalid", "status": "unknown"}
    return as_json(body, status=400)


def over_window():
    """The JSON of a search beyond the window, invalid as NCBI's is: a line feed stands bare in a string."""
    answer = as_json(_esearch({"ERROR": OVER_WINDOW}))
    return Answer(answer.body.replace(b"Exception:\\n", b"Exception:\n"), kind=JSON)


def error(service, text, *, in_json=False):
    """An error in NCBI's words, in the envelope of the service.

    Parameters
    ----------
    service : str
        Such as "esearch.fcgi".
    text : str
        What NCBI says.
    in_json : bool
        Whether JSON was asked for; only ESearch and ESummary have it.
    """
    if service == "efetch.fcgi":
        inner = f"<eFetchResult>\n\t<ERROR>{markup(text)}</ERROR>\n</eFetchResult>"
        return Answer(f"{EFETCH_ERROR_HEAD}{inner}".encode(), 400)
    if service == "epost.fcgi":
        return not_posted([text])
    if service == "esummary.fcgi":
        return as_json({"esummaryresult": [text]}) if in_json else docsums([], errors=[text])
    if service == "einfo.fcgi":
        return Answer(f"{EINFO_HEAD}<eInfoResult>{_errors([text])}</eInfoResult>\n".encode())
    if in_json:
        return over_window() if text == OVER_WINDOW else as_json(_esearch({"ERROR": text}))
    inner = f"<eSearchResult><ERROR>{markup(text)}</ERROR></eSearchResult>"
    return Answer(f"{ESEARCH_HEAD}{inner}\n".encode())


def count(number, *, in_json):
    """ESearch with rettype=count: the number and nothing else, not even a warning."""
    if in_json:
        return as_json(_esearch({"count": str(number)}))
    inner = f"<eSearchResult>\n\t<Count>{number}</Count>\n</eSearchResult>"
    return Answer(f"{ESEARCH_HEAD}{inner}\n".encode())


def search(found, *, in_json):
    """ESearch's answer to a search that was carried out, from `Found`."""
    return _search_json(found) if in_json else _search_xml(found)


def posted(key, environment, *, errors=()):
    """EPost's answer."""
    inner = f"\n\t<QueryKey>{key}</QueryKey>\n\t<WebEnv>{markup(environment)}</WebEnv>"
    return Answer(f"{EPOST_HEAD}<ePostResult>{inner}{_errors(errors)}</ePostResult>\n".encode())


def not_posted(errors):
    """EPost's answer where nothing was stored."""
    return Answer(f"{EPOST_HEAD}<ePostResult>{_errors(errors)}</ePostResult>\n".encode())


def docsums(documents, *, errors=()):
    """ESummary's answer in XML from whole DocSum elements."""
    lines = "".join(f"\t<ERROR>{markup(text)}</ERROR>\n" for text in errors)
    inner = "".join(f"{document}\n" for document in documents)
    return Answer(f"{ESUMMARY_HEAD}<eSummaryResult>\n{lines}{inner}</eSummaryResult>\n".encode())


def databases():
    """EInfo's list of databases."""
    names = "<DbList>\n\n\t<DbName>pubmed</DbName>\n</DbList>"
    return Answer(f"{EINFO_HEAD}<eInfoResult>\n{names}\n\n</eInfoResult>\n".encode())


def id_list(pmids, *, as_text):
    """EFetch with rettype=uilist."""
    if as_text:
        return Answer("".join(f"{pmid}\n" for pmid in pmids).encode(), kind=TEXT)
    ids = "".join(f"\t<Id>{pmid}</Id>\n" for pmid in pmids)
    return Answer(f'<?xml version="1.0" ?>\n<IdList>\n{ids}</IdList>\n'.encode())


def _esearch(result):
    return {"header": {"type": "esearch", "version": "0.3"}, "esearchresult": result}


def _errors(texts):
    return "".join(f"\n\t<ERROR>{markup(text)}</ERROR>" for text in texts) + "\n"


def _search_json(found):
    result = {"count": str(found.count), "retmax": str(len(found.page)), "retstart": str(found.start)}
    if found.history:
        result |= {"querykey": str(found.history[0]), "webenv": found.history[1]}
    result |= {"idlist": found.page, "translationset": [], "querytranslation": found.translation}
    if found.phrases or found.ignored:
        result["errorlist"] = {"phrasesnotfound": found.phrases, "fieldsnotfound": []}
    if found.quoted or found.messages:
        result["warninglist"] = {
            "phrasesignored": [],
            # NCBI writes these as for XML even here: "A & B" comes as "A &amp; B".
            "quotedphrasesnotfound": [markup(text) for text in found.quoted],
            "outputmessages": found.messages,
        }
    return as_json(_esearch(result))


def _search_xml(found):
    history = ""
    if found.history:
        key, name = found.history
        history = f"<QueryKey>{key}</QueryKey><WebEnv>{markup(name)}</WebEnv>"
    ids = "".join(f"<Id>{pmid}</Id>\n" for pmid in found.page)
    body = (
        f"{ESEARCH_HEAD}<eSearchResult><Count>{found.count}</Count><RetMax>{len(found.page)}</RetMax>"
        f"<RetStart>{found.start}</RetStart>{history}"
        + (f"<IdList>\n{ids}</IdList>" if ids else "<IdList/>")
        + f"<TranslationSet/><QueryTranslation>{markup(found.translation)}</QueryTranslation>"
        f"{_error_list(found)}{_warning_list(found)}</eSearchResult>\n"
    )
    return Answer(body.encode())


def _error_list(found):
    if not (found.phrases or found.ignored):
        return ""
    return f"<ErrorList>{_each('PhraseNotFound', found.phrases)}</ErrorList>"


def _warning_list(found):
    if not (found.quoted or found.messages):
        return ""
    quoted = _each("QuotedPhraseNotFound", found.quoted)
    return f"<WarningList>{quoted}{_each('OutputMessage', found.messages)}</WarningList>"


def _each(name, texts):
    return "".join(f"<{name}>{markup(text)}</{name}>" for text in texts)
