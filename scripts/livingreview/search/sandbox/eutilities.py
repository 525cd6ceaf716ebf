"""What the E-utilities answer: ESearch, EFetch, ESummary, EPost and EInfo for PubMed, over a set of records.

Bodies, limits and oddities are those that were recorded from NCBI's servers, the invalid JSON of the
over-window error included, so that a client that copes with this copes with PubMed. Answers of its own begin
with "Sandbox:". They depend on the records, the day and the requests so far, and on nothing else.
"""

import hashlib
import re
from functools import lru_cache

from livingreview.search.query.matching import CannotEvaluate, Index, Matches
from livingreview.search.query.syntax import Join, QueryError, Range, days, parse, translate
from livingreview.search.sandbox import bodies, citation_xml, summaries
from livingreview.search.sandbox.bodies import OVER_WINDOW, Answer, Found, plain

WINDOW = 9999  # records of one PubMed search that can be listed; NCBI documents 10,000 and serves 9,999
DATE_TYPES = {
    "pdat": "Date - Publication",
    "edat": "Date - Entry",
    "crdt": "Date - Create",
    "mdat": "Date - Modification",
}
ORDERS = ("uid", "date", "shuffled")
LARGEST_ID = 18446744073709551615
LARGEST_NUMBER = 10**18  # numbers in requests are cut down to it, so that none is too long to read
KEY = re.compile(r"[0-9a-f]{36}")
FETCH_TYPES = ("", "full", "xml", "abstract", "null")
# Queries whose results are kept; a client that splits a large result asks one query again and again.
KEPT = 16


class Unobtainable(Exception):
    """An ERROR in NCBI's words; the service puts it in its own envelope."""


class Eutilities:
    """The services over records that may come and go.

    Parameters
    ----------
    records : list of dict
        Rows of the corpus. Those with an entry date after `as_of` do not exist yet.
    as_of : datetime.date
        The day on which the services are asked.
    withheld : iterable of str
        PMIDs that ESearch still lists, that EFetch does not deliver and ESummary has no document for, as
        happens around deletions.
    undelivered : iterable of str
        PMIDs that ESearch and ESummary have, and EFetch does not deliver.
    articles : dict of str to bytes, optional
        PubmedArticle or PubmedBookArticle elements that are delivered to the byte, by PMID, in place of what
        would be made from the row. ESearch and ESummary go by the row.
    order : str
        Order of ESearch's list: "uid" (descending), "date" (latest entry first), or "shuffled" (the same
        disorder each time).
    expire_history : bool
        Whether every stored result is gone at once.
    window : int
        How many records of one search are listed; a small one makes tests of what lies beyond it quick.

    Raises
    ------
    InputError
        For a row with a notice of a type that PubMed does not have.
    """

    def __init__(
        self,
        records,
        *,
        as_of,
        withheld=(),
        undelivered=(),
        articles=None,
        order="uid",
        expire_history=False,
        window=WINDOW,
    ):
        self._window = window
        self._as_of = as_of
        self._withheld = frozenset(withheld)
        self._undelivered = frozenset(undelivered)
        self._articles = dict(articles or {})
        self._order = order
        self._expire = expire_history
        self._history = {}
        self._records = {}
        self.change(arrived=records)

    def change(self, *, arrived=(), departed=()):
        """Let records enter, or replace those of the same PMID, and let others vanish.

        Stored results keep the PMIDs that they had, as on NCBI's history server.
        """
        for record in arrived:
            citation_xml.check(record)
            if record["entry_date"] <= self._as_of.isoformat():
                self._records[record["pmid"]] = record
        for pmid in departed:
            self._records.pop(pmid, None)
        index = Index([_searchable(record) for record in self._records.values()], today=self._as_of)
        self._find = lru_cache(KEPT)(index.find)
        self._listed = self._in_order()

    def _in_order(self):
        """All PMIDs in the order in which ESearch lists them."""
        pmids = sorted(self._records, key=int, reverse=True)
        if self._order == "date":
            pmids.sort(key=lambda pmid: self._records[pmid]["entry_date"], reverse=True)
        elif self._order == "shuffled":
            pmids.sort(key=lambda pmid: hashlib.sha256(pmid.encode()).digest())
        return pmids

    def answer(self, service, params, *, change=None):
        """The answer to one request.

        Parameters
        ----------
        service : str
            Such as "esearch.fcgi".
        params : dict of str
            The parameters of the request.
        change : callable, optional
            Makes a fault: takes and returns `Found` for ESearch; for EFetch it takes the articles about to be
            delivered and one that nobody asked for (all in bytes), and returns articles.
        """
        refusal = _refusal(params)
        if refusal:
            return refusal
        services = {
            "esearch.fcgi": self._esearch,
            "efetch.fcgi": self._efetch,
            "esummary.fcgi": self._esummary,
            "epost.fcgi": self._epost,
            "einfo.fcgi": self._einfo,
        }
        if service not in services:
            return plain(f"Sandbox: there is no {service} here, only {', '.join(services)}", status=404)
        try:
            if params.get("db", "pubmed") != "pubmed":
                raise Unobtainable(f"Invalid db name specified: {params['db']}")
            return services[service](params, change)
        except Unobtainable as failure:
            return bodies.error(service, str(failure), in_json=_in_json(params))

    def _esearch(self, params, change):
        found = self._search(params)
        found = change(found) if change else found
        if params.get("rettype") == "count":
            return bodies.count(found.count, in_json=_in_json(params))
        return bodies.search(found, in_json=_in_json(params))

    def _search(self, params):
        if params.get("WebEnv"):
            self._environment(params)
        start, size = _number(params, "retstart", 0), _number(params, "retmax", 20)
        if start > self._window - 1:
            raise Unobtainable(OVER_WINDOW)
        query = _parsed(params)
        matches = self._matches(query.tree)
        pmids = [pmid for pmid in self._listed if pmid in matches.pmids]
        messages = [] if pmids else ["No items found."]
        if len(pmids) > self._window and start + size >= self._window:
            messages.append(
                f"Restrictions achieved. start and count adjusted to {start}, {self._window - start}"
            )
        return Found(
            count=len(pmids),
            start=start,
            page=pmids[start : min(start + size, self._window)],
            history=self._remember(params, pmids, name=params["term"]),
            translation=translate(matches.tree, missing=matches.missing),
            phrases=[term.text for term in matches.missing if not term.quoted],
            quoted=[term.written() for term in matches.missing if term.quoted],
            ignored=bool(query.ignored),
            messages=messages,
        )

    def _matches(self, tree):
        try:
            return self._narrowed(tree)
        except CannotEvaluate as error:
            raise Unobtainable(
                f"Sandbox: {error} exists in PubMed, but this corpus holds no such data"
            ) from None
        except QueryError as error:
            raise Unobtainable(f"Search Backend failed: {error}: {error.found}") from None
        except (ValueError, OverflowError, RecursionError) as error:
            raise Unobtainable(f"Search Backend failed: Sandbox: {type(error).__name__}") from None

    def _narrowed(self, tree):
        """Matches of a tree. A range behind "AND" is applied to the result of what stands before it.

        A client that splits a large result asks the same query with one range after the other; the query is
        evaluated once.
        """
        last = tree.parts[-1] if isinstance(tree, Join) and tree.operator == "AND" else None
        if not isinstance(last, Range):
            return self._find(tree)
        chain = len(tree.parts) > 2
        before = self._find(Join("AND", tree.parts[:-1]) if chain else tree.parts[0])
        kept = before.tree.parts if chain else (before.tree,)
        return Matches(self._within(before.pmids, last), Join("AND", (*kept, last)), before.missing)

    def _within(self, pmids, limits):
        if limits.name != "UID":
            return pmids & self._find(limits).pmids
        low, high = int(limits.low), int(limits.high)
        return frozenset(pmid for pmid in pmids if low <= int(pmid) <= high)

    def _remember(self, params, pmids, *, name):
        """Store a result on the history server; (query key, environment), or None if not asked to."""
        if params.get("usehistory") != "y":
            return None
        digest = hashlib.sha256(f"{self._as_of.isoformat()} {name}".encode(errors="replace")).hexdigest()
        name = params.get("WebEnv") or f"MCID_{digest[:24]}"
        results = self._history.setdefault(name, [])
        if pmids not in results:
            results.append(pmids)
        return results.index(pmids) + 1, name

    def _environment(self, params):
        """The stored results of the environment that a request names."""
        results = self._history.get(params["WebEnv"])
        if results is None or self._expire:
            raise Unobtainable(expired(params))
        return results

    def _efetch(self, params, change):
        as_text = params.get("retmode", "xml") in ("text", "json")
        kind = params.get("rettype", "")
        if kind == "uilist" or params.get("retmode") == "json":
            pmids = self._asked(params)
            return bodies.id_list(pmids, as_text=as_text)
        if as_text or params.get("retmode", "xml") != "xml" or kind not in FETCH_TYPES:
            raise Unobtainable(
                f"Sandbox: EFetch answers in XML, and with rettype=uilist in text, not with"
                f" retmode={params.get('retmode', 'xml')} and rettype={kind}"
            )
        pmids = self._asked(params)
        away = self._withheld | self._undelivered
        delivered = [self._article(pmid) for pmid in pmids if pmid in self._records and pmid not in away]
        if change:
            delivered = change(delivered, self._foreign(pmids))
        return Answer(citation_xml.collect(delivered))

    def _article(self, pmid):
        return self._articles.get(pmid) or citation_xml.article(self._records[pmid])

    def _foreign(self, pmids):
        """An article that is none of those asked for: another of the corpus, or else an invented one."""
        for pmid in self._listed:
            if pmid not in pmids:
                return self._article(pmid)
        number = 1 + max((int(pmid) for pmid in pmids), default=0)
        title = "An example that nobody asked for"
        return citation_xml.article(
            {"pmid": str(number), "title": title, "entry_date": self._as_of.isoformat()}
        )

    def _asked(self, params):
        """The PMIDs that a request names, in order, each once; letters are dropped as NCBI drops them."""
        if params.get("id"):
            ids = [re.sub(r"[^0-9]", "", part).lstrip("0") for part in params["id"].split(",")]
            return list(dict.fromkeys(part for part in ids if part))
        return self._stored(params)

    def _stored(self, params):
        if not params.get("WebEnv"):
            raise Unobtainable("Neither query_key nor id specified")
        results = self._environment(params)
        key = _number(params, "query_key", 1)
        if not 1 <= key <= len(results):
            raise Unobtainable(expired(params))
        start = _number(params, "retstart", 0)
        if start >= self._window:
            raise Unobtainable(OVER_WINDOW)
        return results[key - 1][start : min(start + _number(params, "retmax", self._window), self._window)]

    def _esummary(self, params, _):
        if params.get("version", "1.0") not in ("", "1.0", "1") and not _in_json(params):
            raise Unobtainable(f"Sandbox: ESummary has version 1.0 only, not {params['version']}")
        ids = [part.strip() for part in params.get("id", "").split(",") if part.strip()]
        invalid = [f"Invalid uid {part} at position= {number}" for number, part in _invalid(ids)]
        pmids = list(dict.fromkeys(part for part in ids if _is_id(part))) if ids else self._stored(params)
        held = {pmid: self._records[pmid] for pmid in pmids if self._has_document(pmid)}
        if _in_json(params):
            body = summaries.in_json(pmids, held)
            return bodies.as_json({**body, "error": invalid[0]} if invalid else body)
        documents = [
            summaries.docsum(held[pmid])
            if pmid in held
            else f"<ERROR>UID={pmid}: {summaries.NOT_HELD}</ERROR>\n"
            for pmid in pmids
        ]
        return bodies.docsums(documents, errors=invalid)

    def _has_document(self, pmid):
        return pmid in self._records and pmid not in self._withheld

    def _epost(self, params, _):
        ids = [part.strip() for part in params.get("id", "").split(",") if part.strip()]
        pmids = [part for part in ids if _is_id(part)]
        errors = []
        if len(pmids) < len(ids):
            errors = [f"Some IDs have invalid value and were omitted. Maximum ID value {LARGEST_ID}"]
        if not pmids:
            return bodies.not_posted(["Empty ID list; Nothing to store", *errors])
        if params.get("WebEnv"):
            self._environment(params)
        where = {"usehistory": "y", "WebEnv": params.get("WebEnv")}
        key, environment = self._remember(where, pmids, name=",".join(pmids))
        return bodies.posted(key, environment, errors=errors)

    def _einfo(self, _params, _change):
        return bodies.databases()


def expired(params):
    """What NCBI says when it no longer has the result that a request names."""
    return f"Unable to obtain query #{_number(params, 'query_key', 1)}"


def _searchable(record):
    """A row whose abstract and keywords are one text each, as a table would hold them."""
    texts = {}
    if isinstance(record.get("abstract"), list | tuple):
        texts["abstract"] = " ".join(text for _, text in record["abstract"])
    if isinstance(record.get("keywords"), list | tuple):
        texts["keywords"] = "; ".join(record["keywords"])
    return {**record, **texts} if texts else record


def _in_json(params):
    return params.get("retmode") == "json"


def _refusal(params):
    missing = [name for name in ("tool", "email") if not params.get(name, "").strip()]
    if missing:
        text = f"Sandbox: every request must carry tool and email; {' and '.join(missing)} missing"
        return plain(text, status=400)
    key = params.get("api_key")
    return None if key is None or KEY.fullmatch(key) else bodies.bad_key(key)


def _is_id(text):
    return re.fullmatch(r"[0-9]{1,20}", text) is not None and 0 < int(text) <= LARGEST_ID


def _invalid(ids):
    """Ids that are no numbers, each with its position in characters, as NCBI counts."""
    position = 0
    for part in ids:
        if not _is_id(part):
            yield position, part
        position += len(part) + 1


def _number(params, name, default):
    text = params.get(name, "").strip()
    if not re.fullmatch(r"[0-9]+", text):
        return default
    return min(int(text[:20]) if len(text) <= 20 else LARGEST_NUMBER, LARGEST_NUMBER)


def _parsed(params):
    if not params.get("term", "").strip():
        raise Unobtainable("Empty term and query_key - nothing todo")
    try:
        query = parse(params["term"])
        limits = _date_limits(params)
    except QueryError as error:
        raise Unobtainable(f"Search Backend failed: {error}: {error.found}") from None
    except (ValueError, OverflowError, RecursionError) as error:
        raise Unobtainable(f"Search Backend failed: Sandbox: {type(error).__name__}") from None
    if limits:
        query.tree = Join("AND", (query.tree, limits))
    return query


def _date_limits(params):
    """The range that datetype with mindate and maxdate, or reldate, adds to a query; None without them."""
    name = DATE_TYPES.get(params.get("datetype", "pdat"))
    if name is None:
        raise Unobtainable(f"Sandbox: no datetype {params['datetype']}, only {', '.join(DATE_TYPES)}")
    if params.get("reldate"):
        return parse(f'"last {min(_number(params, "reldate", 0), 10**6)} days"[{name}]').tree
    if not (params.get("mindate") and params.get("maxdate")):
        return None
    bounds = days(params["mindate"])[0], days(params["maxdate"])[1]
    return Range(*("{:04d}/{:02d}/{:02d}".format(*day) for day in bounds), name)
