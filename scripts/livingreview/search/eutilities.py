"""What the E-utilities answer: ESearch, EFetch, EPost and EInfo for PubMed, over a small set of records.

Bodies, limits and oddities are those that were recorded from NCBI's servers, the invalid JSON of the
over-window error included, so that a client that copes with this copes with PubMed. Answers of its own begin
with "Sandbox:". They depend on the records, the day and the request, and on nothing else.
"""

import hashlib
import json
import re
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from livingreview.search.citation_xml import article_set
from livingreview.search.matching import CannotEvaluate, Index
from livingreview.search.syntax import Join, QueryError, Range, days, parse, translate

WINDOW = 9999  # records of one PubMed search that can be listed; NCBI documents 10,000 and serves 9,999
DATE_TYPES = {
    "pdat": "Date - Publication",
    "edat": "Date - Entry",
    "crdt": "Date - Create",
    "mdat": "Date - Modification",
}
OVER_WINDOW = (
    "Search Backend failed: Exception:\n'retstart' cannot be larger than 9998. For PubMed, ESearch can only"
    " retrieve the first 9,999 records matching the query. To obtain more than 9,999 PubMed records, consider"
    " using EDirect that contains additional logic to batch PubMed search results automatically so that an"
    " arbitrary number can be retrieved. For details see https://www.ncbi.nlm.nih.gov/books/NBK25499/"
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


class _Failure(Exception):
    """An ERROR in NCBI's words; the endpoint wraps it in its own envelope."""


class Eutilities:
    """The services over a fixed set of records.

    Parameters
    ----------
    records : list of dict
        Rows of the corpus. Those with an entry date after `as_of` do not exist yet.
    as_of : datetime.date
        The day on which the services are asked.
    withheld : iterable of str
        PMIDs that ESearch still lists and EFetch no longer returns, as happens around deletions.
    """

    def __init__(self, records, *, as_of, withheld=()):
        visible = [record for record in records if record["entry_date"] <= as_of.isoformat()]
        self._records = {record["pmid"]: record for record in visible}
        self._index = Index(visible, today=as_of)
        self._as_of = as_of
        self._withheld = frozenset(withheld)
        self._history = {}

    def answer(self, service, params):
        """The answer to one request.

        Parameters
        ----------
        service : str
            "esearch.fcgi", "efetch.fcgi", "epost.fcgi" or "einfo.fcgi".
        params : dict of str
            The parameters of the request.
        """
        refusal = _refusal(params)
        if refusal:
            return refusal
        services = {
            "esearch.fcgi": self._esearch,
            "efetch.fcgi": self._efetch,
            "epost.fcgi": self._epost,
            "einfo.fcgi": self._einfo,
        }
        if service not in services:
            known = ", ".join(services)
            return Answer(f"Sandbox: there is no {service} here, only {known}\n".encode(), 404, TEXT)
        return services[service](params)

    def _esearch(self, params):
        in_json = params.get("retmode") == "json"
        try:
            found = self._search(params)
        except _Failure as failure:
            return _esearch_error(str(failure), in_json=in_json)
        if params.get("rettype") == "count":
            return _count(found["count"], in_json=in_json)
        return _esearch_json(found) if in_json else _esearch_xml(found)

    def _search(self, params):
        _check_database(params)
        self._check_environment(params)
        start = _number(params, "retstart", 0)
        size = _number(params, "retmax", 20)
        query = _parsed(params)
        matches = self._matches(query.tree)
        pmids = sorted(matches.pmids, key=int, reverse=True)
        if start > WINDOW - 1:
            raise _Failure(OVER_WINDOW)
        page = pmids[start : min(start + size, WINDOW)]
        messages = []
        if not pmids:
            messages.append("No items found.")
        if len(pmids) > WINDOW and start + size >= WINDOW:
            messages.append(f"Restrictions achieved. start and count adjusted to {start}, {WINDOW - start}")
        return {
            "count": len(pmids),
            "start": start,
            "page": page,
            "history": self._remember(params, pmids),
            "translation": translate(matches.tree, missing=matches.missing),
            "phrases": [term.text for term in matches.missing if not term.quoted],
            "quoted": [term.written() for term in matches.missing if term.quoted],
            "ignored": bool(query.ignored),
            "messages": messages,
        }

    def _matches(self, tree):
        try:
            return self._index.find(tree)
        except CannotEvaluate as error:
            raise _Failure(f"Sandbox: {error} exists in PubMed, but this corpus holds no such data") from None
        except QueryError as error:
            raise _Failure(f"Search Backend failed: {error}: {error.found}") from None

    def _check_environment(self, params):
        if params.get("WebEnv") and params["WebEnv"] not in self._history:
            raise _Failure(f"Unable to obtain query #{params.get('query_key', '1')}")

    def _remember(self, params, pmids):
        """Store a result on the history server; (query key, environment), or None if not asked to."""
        if params.get("usehistory") != "y":
            return None
        name = params.get("WebEnv") or self._environment(params.get("term", ""))
        results = self._history.setdefault(name, [])
        if pmids not in results:
            results.append(pmids)
        return results.index(pmids) + 1, name

    def _environment(self, text):
        digest = hashlib.sha256(f"{self._as_of.isoformat()} {text}".encode()).hexdigest()
        return f"MCID_{digest[:24]}"

    def _efetch(self, params):
        try:
            _check_database(params)
            if params.get("retmode", "xml") == "json":
                return Answer("".join(f"{pmid}\n" for pmid in self._asked(params)).encode(), kind=TEXT)
            if params.get("retmode", "xml") != "xml":
                raise _Failure(f"Sandbox: EFetch answers in XML only, not in {params['retmode']}")
            pmids = self._asked(params)
        except _Failure as failure:
            body = (
                f"{EFETCH_ERROR_HEAD}<eFetchResult>\n\t<ERROR>{escape(str(failure))}</ERROR>\n</eFetchResult>"
            )
            return Answer(body.encode(), 400)
        held = [pmid for pmid in pmids if pmid in self._records and pmid not in self._withheld]
        return Answer(article_set(self._records[pmid] for pmid in held))

    def _asked(self, params):
        """The PMIDs that a request names, in order, each once; letters are dropped as NCBI drops them."""
        if params.get("id"):
            ids = [re.sub(r"\D", "", part) for part in params["id"].split(",")]
            return list(dict.fromkeys(part for part in ids if part))
        if not params.get("WebEnv"):
            raise _Failure("Neither query_key nor id specified")
        key = _number(params, "query_key", 1)
        results = self._history.get(params["WebEnv"], [])
        if not 1 <= key <= len(results):
            raise _Failure(f"Unable to obtain query #{key}")
        start = _number(params, "retstart", 0)
        if start >= WINDOW:
            raise _Failure(OVER_WINDOW)
        return results[key - 1][start : min(start + _number(params, "retmax", 20), WINDOW)]

    def _epost(self, params):
        try:
            _check_database(params)
            pmids = [part.strip() for part in params.get("id", "").split(",") if part.strip().isdigit()]
            if not pmids:
                raise _Failure("Empty ID list; Nothing to store")
        except _Failure as failure:
            body = f"{EPOST_HEAD}<ePostResult>\n\t<ERROR>{escape(str(failure))}</ERROR>\n</ePostResult>\n"
            return Answer(body.encode())
        key, name = self._remember({"usehistory": "y", "term": ",".join(pmids)}, pmids)
        inner = f"\n\t<QueryKey>{key}</QueryKey>\n\t<WebEnv>{name}</WebEnv>\n"
        body = f"{EPOST_HEAD}<ePostResult>{inner}</ePostResult>\n"
        return Answer(body.encode())

    def _einfo(self, _):
        return Answer(
            f"{EINFO_HEAD}<eInfoResult>\n<DbList>\n\n\t<DbName>pubmed</DbName>\n</DbList>\n\n</eInfoResult>\n".encode()
        )


def rate_limited(*, client, count, limit):
    """NCBI's answer to one request too many; `client` is the API key, or the address where there is none."""
    body = {"error": "API rate limit exceeded", "api-key": client, "count": str(count), "limit": str(limit)}
    headers = {"Retry-After": "2", "X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": "0"}
    return Answer(_json(body), 429, JSON, headers)


def _refusal(params):
    missing = [name for name in ("tool", "email") if not params.get(name, "").strip()]
    if missing:
        text = f"Sandbox: every request must carry tool and email; {' and '.join(missing)} missing\n"
        return Answer(text.encode(), 400, TEXT)
    key = params.get("api_key")
    if key is not None and not re.fullmatch(r"[0-9a-f]{36}", key):
        body = {"error": "API key invalid", "api-key": key, "type": "invalid", "status": "unknown"}
        return Answer(_json(body), 400, JSON)
    return None


def _check_database(params):
    if params.get("db", "pubmed") != "pubmed":
        raise _Failure(f"Invalid db name specified: {params['db']}")


def _number(params, name, default):
    text = params.get(name, "").strip()
    return int(text) if text.isdigit() else default


def _parsed(params):
    if not params.get("term", "").strip():
        raise _Failure("Empty term and query_key - nothing todo")
    try:
        query = parse(params["term"])
        limits = _date_limits(params)
    except QueryError as error:
        raise _Failure(f"Search Backend failed: {error}: {error.found}") from None
    if limits:
        query.tree = Join("AND", (query.tree, limits))
    return query


def _date_limits(params):
    """The range that datetype with mindate and maxdate, or reldate, adds to a query; None without them."""
    name = DATE_TYPES.get(params.get("datetype", "pdat"))
    if name is None:
        raise _Failure(f"Sandbox: no datetype {params['datetype']}, only {', '.join(DATE_TYPES)}")
    if params.get("reldate", "").isdigit():
        return parse(f'"last {params["reldate"]} days"[{name}]').tree
    if not (params.get("mindate") and params.get("maxdate")):
        return None
    bounds = days(params["mindate"])[0], days(params["maxdate"])[1]
    return Range(*("{:04d}/{:02d}/{:02d}".format(*day) for day in bounds), name)


def _json(body):
    return (json.dumps(body, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def _esearch_error(text, *, in_json):
    if not in_json:
        body = f"{ESEARCH_HEAD}<eSearchResult><ERROR>{escape(text)}</ERROR></eSearchResult>\n"
        return Answer(body.encode())
    body = _json({"header": {"type": "esearch", "version": "0.3"}, "esearchresult": {"ERROR": text}})
    # NCBI leaves a line feed bare within the string, which makes its JSON invalid.
    return Answer(body.replace(b"\\n", b"\n"), kind=JSON)


def _count(count, *, in_json):
    if in_json:
        body = {"header": {"type": "esearch", "version": "0.3"}, "esearchresult": {"count": str(count)}}
        return Answer(_json(body), kind=JSON)
    return Answer(f"{ESEARCH_HEAD}<eSearchResult>\n\t<Count>{count}</Count>\n</eSearchResult>\n".encode())


def _esearch_json(found):
    result = {
        "count": str(found["count"]),
        "retmax": str(len(found["page"])),
        "retstart": str(found["start"]),
    }
    if found["history"]:
        result["querykey"], result["webenv"] = str(found["history"][0]), found["history"][1]
    result |= {"idlist": found["page"], "translationset": [], "querytranslation": found["translation"]}
    if found["phrases"] or found["ignored"]:
        result["errorlist"] = {"phrasesnotfound": found["phrases"], "fieldsnotfound": []}
    if found["quoted"] or found["messages"]:
        result["warninglist"] = {
            "phrasesignored": [],
            "quotedphrasesnotfound": found["quoted"],
            "outputmessages": found["messages"],
        }
    return Answer(
        _json({"header": {"type": "esearch", "version": "0.3"}, "esearchresult": result}), kind=JSON
    )


def _esearch_xml(found):
    history = ""
    if found["history"]:
        key, name = found["history"]
        history = f"<QueryKey>{key}</QueryKey><WebEnv>{name}</WebEnv>"
    ids = "".join(f"<Id>{pmid}</Id>\n" for pmid in found["page"])
    body = (
        f"{ESEARCH_HEAD}<eSearchResult><Count>{found['count']}</Count><RetMax>{len(found['page'])}</RetMax>"
        f"<RetStart>{found['start']}</RetStart>{history}"
        + (f"<IdList>\n{ids}</IdList>" if ids else "<IdList/>")
        + f"<TranslationSet/><QueryTranslation>{escape(found['translation'])}</QueryTranslation>"
        f"{_error_list(found)}{_warning_list(found)}</eSearchResult>\n"
    )
    return Answer(body.encode())


def _error_list(found):
    if not (found["phrases"] or found["ignored"]):
        return ""
    phrases = "".join(f"<PhraseNotFound>{escape(text)}</PhraseNotFound>" for text in found["phrases"])
    return f"<ErrorList>{phrases}</ErrorList>"


def _warning_list(found):
    if not (found["quoted"] or found["messages"]):
        return ""
    quoted = [f"<QuotedPhraseNotFound>{escape(text)}</QuotedPhraseNotFound>" for text in found["quoted"]]
    messages = [f"<OutputMessage>{escape(text)}</OutputMessage>" for text in found["messages"]]
    return f"<WarningList>{''.join([*quoted, *messages])}</WarningList>"
