"""Damaged answers, thousands of them: each must end in the exact answer or in a clear error.

Good answers of the sandbox's services (ESearch, EFetch, ESummary, and errors in XML and JSON) are damaged at
random: cut, bytes swapped, spans deleted or doubled, entities declared, fields blown up, elements nested,
packing spoilt. Each goes through the client, and those of EFetch through `articles.read` too. A failure is:

- an exception that is no ReviewError, a warning, or no end within a minute;
- a record lost or added without an error (by PMID, by Count, and by another XML parser's reading);
- any look at the network;
- more memory than `LIMIT_MB` (the work is done in a child process that cannot have more).

Prints a table and, last, a line of JSON; ends with 1 on any failure, which the same seed makes again.

    python benchmarks/mutate_answers.py --count 10000 --seed 1
"""

import argparse
import collections
import contextlib
import datetime
import faulthandler
import gzip
import io
import json
import logging
import multiprocessing
import random
import re
import resource
import socket
import sys
import time
import traceback
import urllib.parse
import warnings
import xml.etree.ElementTree as ET
from pathlib import Path

import requests
import urllib3

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

from livingreview.errors import ReviewError
from livingreview.search.pubmed import articles, entrez, replies
from livingreview.search.sandbox.eutilities import Eutilities

LIMIT_MB = 2048  # of address space, in which Python, its libraries and the largest answer fit
LONGEST_S = 60  # for one damaged answer
URL = "https://pubmed.invalid/entrez/eutils/"
DAY = datetime.date(2026, 1, 1)
QUERY = 'example[ti] OR "example phrase"[tiab]'
RECORDS = 30
ABSENT = "999"  # asked for and nowhere held
RICH = b"""<PubmedArticle><MedlineCitation Status="MEDLINE" Owner="NLM"><PMID Version="1">%d</PMID>
<Article PubModel="Print"><Journal><ISSN IssnType="Print">0000-0000</ISSN><JournalIssue><Volume>1</Volume>
<PubDate><MedlineDate>1999 Dec-2000 Jan</MedlineDate></PubDate></JournalIssue>
<Title>Example J &amp; more</Title></Journal>
<ArticleTitle>An example of <i>markup</i>, H<sub>2</sub>O</ArticleTitle><Abstract>
<AbstractText Label="AIM" NlmCategory="OBJECTIVE">p &lt; 0.05 <![CDATA[& so on]]></AbstractText></Abstract>
<AuthorList CompleteYN="Y"><Author ValidYN="Y"><LastName>\xc3\x89xample</LastName></Author></AuthorList>
</Article></MedlineCitation><PubmedData><ArticleIdList><ArticleId IdType="doi">10.1000/example.%d</ArticleId>
</ArticleIdList></PubmedData></PubmedArticle>"""
PIECES = [
    b"\0", b"\xff\xfe", b"\xed\xa0\x80", b"<", b"&", b"]]>", b"<!--", b"<![CDATA[", b"<?xml ?>", b"&amp;",
    b"&nope;", b"&#0;", b"<ERROR>odd</ERROR>", b"<Id>5</Id>", b"<PMID Version='1'>5</PMID>",
    b"</PubmedArticle>",
]  # fmt: skip
INSTEAD = [
    b'{"error":"API rate limit exceeded","api-key":"192.0.2.1","count":"5","limit":"3"}',
    b'{"error":"API key invalid","api-key":"none","type":"invalid","status":"unknown"}',
    b'{"header":{},"esearchresult":{"ERROR":"Search Backend failed: Exception:\n\'retstart\' cannot be"}}',
    b'{"header":{},"esearchresult":{"ERROR":"Search Backend failed: no answer"}}',
    b'{"esummaryresult":["Unable to obtain query #1"]}',
    b"<eSearchResult><ERROR>Search Backend failed: Exception: no answer</ERROR></eSearchResult>",
    b"<eFetchResult>\n\t<ERROR>Unable to obtain query #1</ERROR>\n</eFetchResult>",
    b"<ePostResult><ERROR>Empty ID list; Nothing to store</ERROR></ePostResult>",
    b"<eSummaryResult><ERROR>Neither query_key nor id specified</ERROR></eSummaryResult>",
    b"<PubmedArticleSet></PubmedArticleSet>",
    b"<html><head><title>Example Error</title></head></html>",
    b"",
]
BOMB = (
    b'<!DOCTYPE %s [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(
        b'<!ENTITY %c "%b">' % (letter + 1, b"&%c;" % letter * 10) for letter in range(ord("a"), ord("k"))
    )
    + b"]>"
)
EXTERNAL = b'<!DOCTYPE %s SYSTEM "http://127.0.0.1:9/x.dtd" [<!ENTITY k SYSTEM "file:///etc/hostname">]>'
PARAMETER = b'<!DOCTYPE %s [<!ENTITY %% k SYSTEM "http://127.0.0.1:9/x.dtd">%%k;]>'


class Failure(Exception):
    """What must not happen."""


class NoPace:
    """Lets every request go at once."""

    def wait(self):
        """No wait."""


class Answering(requests.adapters.BaseAdapter):
    """A session's way to the services, without a network; the answers of one service come damaged."""

    def __init__(self, services, service, damage, *, once):
        super().__init__()
        self._services = services
        self._service = service
        self._damage = damage
        self._once = once
        self.damaged = []

    def send(self, request, **_):
        params = dict(urllib.parse.parse_qsl(request.body or ""))
        service = request.url.rpartition("/")[2]
        answer = self._services.answer(service, params)
        status, headers, body = answer.status, {"Content-Type": answer.kind, **answer.headers}, answer.body
        # A batch is damaged, and what is then asked for singly is not: nothing may be missing in the end.
        hit = service == self._service and ("id" not in params or "," in params["id"])
        if hit and not (self._once and self.damaged):
            status, headers, body = self._damage(status, headers, body)
            self.damaged.append((headers, body))
        headers = {"Date": "Thu, 01 Jan 2026 00:00:00 GMT", **headers}
        response = requests.Response()
        response.status_code = status
        response.headers = requests.structures.CaseInsensitiveDict(headers)
        response.raw = urllib3.HTTPResponse(
            body=io.BytesIO(body), headers=headers, status=status, preload_content=False, decode_content=False
        )
        response.url, response.request = request.url, request
        return response

    def close(self):
        """Nothing is open."""


def cut(body, rng):
    return body[: rng.randrange(len(body) + 1)]


def swap_bytes(body, rng):
    changed = bytearray(body)
    for _ in range(rng.choice([1, 1, 2, 10])):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def exchange(body, rng):
    changed = bytearray(body)
    one, other = rng.randrange(len(changed)), rng.randrange(len(changed))
    changed[one], changed[other] = changed[other], changed[one]
    return bytes(changed)


def _span(body, rng):
    start = rng.randrange(len(body))
    return start, min(len(body), start + int(rng.expovariate(1 / rng.choice([3, 30, 300]))) + 1)


def delete(body, rng):
    start, end = _span(body, rng)
    return body[:start] + body[end:]


def double(body, rng):
    start, end = _span(body, rng)
    return body[:end] + body[start:end] * rng.choice([1, 1, 1, 50]) + body[end:]


def move(body, rng):
    start, end = _span(body, rng)
    rest = body[:start] + body[end:]
    place = rng.randrange(len(rest) + 1)
    return rest[:place] + body[start:end] + rest[place:]


def insert(body, rng):
    place = rng.randrange(len(body) + 1)
    piece = rng.choice(PIECES)
    return body[:place] + piece + body[place:]


def elements(body, rng):
    """Delete, double or exchange whole elements, so that the document stays well-formed."""
    found = list(
        re.finditer(
            rb"<(Id|PubmedArticle|DocSum|PMID|Item|Count|IdList|Title)\b[^>]*>.*?</\1>\s*", body, re.S
        )
    )
    if not found:
        return delete(body, rng)
    one, other = sorted(rng.choices(found, k=2), key=lambda match: match.start())
    kind = rng.randrange(3)
    if kind == 0:
        return body[: one.start()] + body[one.end() :]
    if kind == 1:
        return body[: one.end()] + one[0] + body[one.end() :]
    if one.end() > other.start():
        return body
    between = body[one.end() : other.start()]
    return body[: one.start()] + other[0] + between + one[0] + body[other.end() :]


def digits(body, rng):
    found = list(re.finditer(rb"\d", body))
    if not found:
        return body
    place = rng.choice(found).start()
    return body[:place] + b"%d" % rng.randrange(10) + body[place + 1 :]


def entities(body, rng):
    """Declare entities before the root, with or without the document type that is there, and use one."""
    root = re.search(rb"<([A-Za-z]\w*)", body)
    if not root:
        return BOMB % b"a" + body
    declared = rng.choice([BOMB, EXTERNAL, PARAMETER]) % root[1]
    document = re.sub(rb"<!DOCTYPE[^>]*>", b"", body) if rng.random() < 0.7 else body
    start = document.index(root[0]) if root[0] in document else 0
    document = document[:start] + declared + document[start:]
    texts = list(re.finditer(rb">[^<>]+<", document[start + len(declared) :]))
    if not texts:
        return document
    place = start + len(declared) + rng.choice(texts).start()
    if rng.random() < 0.5:
        return document[:place] + b' x="&k;"' + document[place:]
    return document[: place + 1] + b"&k;" + document[place + 1 :]


def huge(body, rng):
    """A text, an attribute, a name or the space before the document of some megabytes."""
    size = rng.choice([10**5, 3 * 10**6, 12 * 10**6])
    texts = list(re.finditer(rb">[^<>]+<", body))
    place = rng.choice(texts).start() if texts else len(body)
    kind = rng.randrange(5)
    if kind == 0:
        return body[: place + 1] + b"x" * size + body[place + 1 :]
    if kind == 1:
        return body[:place] + b' x="' + b"y" * size + b'"' + body[place:]
    if kind == 2:
        return body[:place] + b"z" * size + body[place:]
    if kind == 3:
        return b" " * size + body
    return body[: place + 1] + b"<!-- " + b"- " * (size // 2) + b"-->" + body[place + 1 :]


def nest(body, rng):
    depth = rng.choice([200, 10_000, 300_000])
    texts = list(re.finditer(rb">[^<>]+<", body))
    place = rng.choice(texts).start() + 1 if texts else len(body)
    if body.lstrip().startswith(b"{"):
        return rng.choice([b'{"a":', b"["]) * depth + body
    name = rng.choice([b"b", b"Id", b"PubmedArticle", b"Item"])
    return body[:place] + b"<%b>" % name * depth + b"</%b>" % name * depth + body[place:]


def encode(body, rng):
    kind = rng.randrange(4)
    if kind == 0:
        return body.decode("utf-8", "replace").encode(
            rng.choice(["utf-16", "utf-32", "utf-7", "cp037"]), "replace"
        )
    if kind == 1:
        return b"\xef\xbb\xbf" + body
    name = rng.choice([b"UTF-16", b"UTF-7", b"ISO-8859-1", b"cp037", b"nonsense", b"EUC-JP", b"x" * 300])
    return re.sub(rb"<\?xml[^>]*>", b'<?xml version="1.0" encoding="%b"?>' % name, body, count=1)


def unchanged(body, _):
    return body


BODIES = [
    cut, swap_bytes, exchange, delete, double, move, insert, elements, elements, digits, entities, huge, nest,
    encode, unchanged,
]  # fmt: skip


def packing(status, headers, body, rng):
    """Spoil how an answer is packed."""
    packed = gzip.compress(body, 1, mtime=0)
    kind = rng.randrange(6)
    if kind == 0:
        return status, {**headers, "Content-Encoding": "gzip"}, body
    if kind == 1:
        return status, {**headers, "Content-Encoding": "gzip"}, cut(packed, rng)
    if kind == 2:
        return status, {**headers, "Content-Encoding": "gzip"}, swap_bytes(packed, rng)
    if kind == 3:
        return (
            status,
            {**headers, "Content-Encoding": rng.choice(["br", "deflate", "gzip, gzip", "x"])},
            packed,
        )
    if kind == 4:
        return status, headers, packed
    bomb = gzip.compress(b"\0" * 2**20, mtime=0) * rng.choice([20, 300])
    return status, {**headers, "Content-Encoding": "gzip"}, rng.choice([bomb, packed + bomb])


def headers_too(status, headers, body, rng):
    """Change what stands around the body."""
    kind = rng.randrange(4)
    if kind == 0:
        return (
            rng.choice([100, 204, 206, 301, 400, 403, 404, 414, 418, 429, 500, 502, 503, 599]),
            headers,
            body,
        )
    if kind == 1:
        text = rng.choice(["", "x", "-1", "9" * 30, "nan", "Thu, 01 Jan 2026 00:00:09 GMT", "Thu, 99 Foo"])
        return 429, {**headers, "Retry-After": text}, body
    if kind == 2:
        return (
            status,
            {**headers, "Date": rng.choice(["", "yesterday", "Thu, 99 Foo 2026 00:00:00 GMT"])},
            body,
        )
    return status, {**headers, "Content-Type": "text/html"}, body


def other_answer(status, headers, _, rng):
    """Something else in the place of the answer, itself damaged as often as not."""
    text = rng.choice(INSTEAD)
    if text and rng.random() < 0.6:
        text = rng.choice(BODIES)(text, rng)
    return rng.choice([status, 200, 400, 429, 500]), headers, text


def damage(rng):
    """A way to damage answers, and its name; the same for all answers of one case."""
    seed = rng.getrandbits(64)
    kind = rng.random()
    if kind < 0.12:
        whole, name = packing, "packing"
    elif kind < 0.18:
        whole, name = headers_too, "headers"
    elif kind < 0.3:
        whole, name = other_answer, "another answer"
    else:
        one = rng.choice(BODIES)
        name, twice = one.__name__.replace("_", " "), rng.random() < 0.2

        def whole(status, headers, body, rng):
            body = one(body, rng) if body else body
            return status, headers, rng.choice(BODIES)(body, rng) if twice and body else body

    return name, lambda status, headers, body: whole(status, headers, body, random.Random(seed))


class Cases:
    """Damages and judges answers, one after the other."""

    def __init__(self, seed):
        rows = [
            {"pmid": str(number), "title": f"Example {number}", "entry_date": "2020-01-01"}
            for number in range(1001, 1001 + RECORDS)
        ]
        rich = {str(number): RICH % (number, number) for number in range(1001, 1011)}
        self._seed = seed
        self._services = Eutilities(rows, as_of=DAY, articles=rich)
        self._pmids = tuple(row["pmid"] for row in rows)
        with self._client(unchanged_answer, "none", once=False) as client:
            self._found = client.search(QUERY)
            self._articles = {one.pmid: one for one in client.fetch(self._pmids)}

    @contextlib.contextmanager
    def _client(self, damage_, service, *, once):
        adapter = Answering(self._services, service, damage_, once=once)
        session = requests.Session()
        session.mount("https://", adapter)
        options = {
            "session": session,
            "limiter": NoPace(),
            "sleep": lambda _: None,
            "environ": {},
            "tries": 2,
        }
        with entrez.Client(URL, tool="t", email="e@example.org", **options) as client:
            client.adapter = adapter
            yield client

    def run(self, number):
        """(kind of answer, kind of damage, outcome) of one case; raises Failure."""
        rng = random.Random(f"{self._seed} {number}")
        kind = rng.choice(["search", "search", "fetch", "fetch", "summary", "read"])
        name, way = damage(rng)
        once = rng.random() < 0.3
        try:
            outcome = getattr(self, f"_{kind}")(way, once=once)
        except ReviewError as error:
            if not str(error).strip():
                raise Failure("an error without words") from error
            outcome = type(error).__name__
        return kind, name, outcome

    def _search(self, way, *, once):
        with self._client(way, "esearch.fcgi", once=once) as client:
            found = client.search(QUERY)
            bodies = [body for _, body in client.adapter.damaged]
        if len(set(found.pmids)) != len(found.pmids) or len(found.pmids) != found.count:
            raise Failure(f"count {found.count}, {len(set(found.pmids))} of {len(found.pmids)} ids differ")
        if found.pmids == self._found.pmids and found.dropped == self._found.dropped:
            return "exact"
        if found.body not in bodies:
            raise Failure("another result than that of any answer")
        root = ET.fromstring(found.body)
        listed = [one.text for one in root.iter("Id")]
        if [root.findtext("Count"), *listed] != [str(found.count), *found.pmids]:
            raise Failure("another result than that of its answer")
        return "read"

    def _fetch(self, way, *, once):
        with self._client(way, "efetch.fcgi", once=once) as client:
            fetching = client.fetch(self._pmids)
            came = list(fetching)
        if fetching.absent:
            raise Failure(f"called absent: {fetching.absent}")
        return self._judged(came, self._pmids)

    def _summary(self, way, *, once):
        asked = (*self._pmids[:3], ABSENT, ABSENT + "8")
        with self._client(way, "esummary.fcgi", once=once) as client:
            fetching = client.fetch(asked)
            came = list(fetching)
        if fetching.absent != asked[3:]:
            raise Failure(f"called absent: {fetching.absent}")
        return self._judged(came, asked[:3])

    def _read(self, way, *, once):  # noqa: ARG002
        good = self._services.answer(
            "efetch.fcgi", {"id": ",".join(self._pmids), "retmode": "xml", "tool": "t", "email": "e"}
        )
        _, _, body = way(200, {}, good.body)
        found = articles.read(body)
        pieces = ET.fromstring(body)
        if len(found) != sum(piece.tag in ("PubmedArticle", "PubmedBookArticle") for piece in pieces):
            raise Failure(f"read {len(found)} articles of {len(pieces)}")
        return self._judged(found, [one.pmid for one in found])

    def _judged(self, came, expected):
        pmids = [one.pmid for one in came]
        if sorted(pmids) != sorted(expected):
            raise Failure(f"{len(pmids)} articles came where {len(expected)} are held")
        for one in came:
            if b"<PMID" not in one.raw or not replies.OPENING.match(one.raw.decode()):
                raise Failure(f"{one.pmid} is no whole article")
        return "exact" if all(self._articles.get(one.pmid) == one for one in came) else "read"


def unchanged_answer(status, headers, body):
    return status, headers, body


@contextlib.contextmanager
def no_network():
    """Counts looks at the network, in a list, and refuses them."""
    looks = []

    def refuse(*arguments, **_):
        looks.append(str(arguments[1:]))
        raise OSError("no network here")

    kept = socket.getaddrinfo, socket.socket.connect
    socket.getaddrinfo, socket.socket.connect = refuse, refuse
    try:
        yield looks
    finally:
        socket.getaddrinfo, socket.socket.connect = kept


@contextlib.contextmanager
def _quiet():
    """Let the client warn of nothing: damage is all that these cases have."""
    log = logging.getLogger("livingreview")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(level)


def run(count, *, seed, first=0):
    """Run cases; the counted outcomes by (answer, damage), and the failures as texts."""
    outcomes, failures = collections.Counter(), []
    cases = Cases(seed)
    with no_network() as looks, warnings.catch_warnings(), _quiet():
        warnings.simplefilter("error")
        for number in range(first, first + count):
            faulthandler.dump_traceback_later(LONGEST_S, exit=True)
            try:
                outcomes[cases.run(number)] += 1
            except Exception:  # whatever it is, it is what this looks for
                failures.append(f"case {number} of seed {seed}: {traceback.format_exc()}")
            if looks:
                failures.append(f"case {number} of seed {seed}: looked at the network: {looks}")
                looks.clear()
    faulthandler.cancel_dump_traceback_later()
    return outcomes, failures


def _child(connection, count, seed, first):
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_MB * 2**20, LIMIT_MB * 2**20))
    outcomes, failures = run(count, seed=seed, first=first)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    connection.send((outcomes, failures, peak))


def main(arguments=None):
    """Run all cases in a child process, print, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first case, to make one again")
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    here, there = multiprocessing.Pipe(duplex=False)
    context = multiprocessing.get_context("spawn")
    child = context.Process(target=_child, args=(there, options.count, options.seed, options.first))
    child.start()
    there.close()
    try:
        outcomes, failures, peak = here.recv()
    except EOFError:
        outcomes, failures, peak = collections.Counter(), ["the child process ended without a word"], 0
    child.join()
    _print_table(outcomes)
    for failure in failures[:10]:
        print(failure, file=sys.stderr)
    totals = collections.Counter()
    for (_, _, outcome), number in outcomes.items():
        totals[outcome] += number
    result = {
        "count": options.count,
        "seed": options.seed,
        "outcomes": dict(sorted(totals.items())),
        "failures": len(failures),
        "peak_mb": peak,
        "seconds": round(time.perf_counter() - start, 1),
    }
    print(json.dumps(result))
    return 1 if failures or sum(totals.values()) != options.count else 0


def _print_table(outcomes):
    kinds = sorted({outcome for _, _, outcome in outcomes})
    print(f"{'damage':16}" + "".join(f"{kind:>18}" for kind in kinds))
    for name in sorted({name for _, name, _ in outcomes}):
        numbers = [
            sum(n for (_, one, outcome), n in outcomes.items() if (one, outcome) == (name, kind))
            for kind in kinds
        ]
        print(f"{name:16}" + "".join(f"{number:18}" for number in numbers))


if __name__ == "__main__":
    sys.exit(main())
