"""What comes in the place of an answer, and what an answer must have."""

import socket

import pytest

from livingreview.search.pubmed.failures import KeyRefused, Passing, Refused, UnsafeAnswer
from livingreview.search.pubmed.replies import UNNAMED_TAG, check, read_search, read_summaries

HEAD = b'<?xml version="1.0" encoding="UTF-8" ?>\n'
OVER_WINDOW = b"Search Backend failed: Exception:\n'retstart' cannot be larger than 9998. For PubMed, ..."
GOOD = (
    b"<eSearchResult><Count>2</Count><RetMax>2</RetMax><RetStart>0</RetStart><IdList><Id>7</Id><Id>5</Id>"
    b"</IdList><TranslationSet/><QueryTranslation>x</QueryTranslation>%s</eSearchResult>"
)


def listing(inner=b"", *, body=None):
    return read_search(body or HEAD + GOOD % inner, date="2026-11-01T00:00:00+00:00")


def test_a_search_answer_is_read_whole():
    body = HEAD + GOOD % b""
    found = read_search(body, date="2026-11-01T00:00:00+00:00")
    assert (found.count, found.pmids, found.translation) == (2, ("7", "5"), "x")
    assert (found.unknown, found.dropped, found.messages) == ((), (), ())
    assert (found.date, found.body) == ("2026-11-01T00:00:00+00:00", body)


def test_what_pubmed_left_out_is_told_from_what_it_remarked():
    found = listing(
        b"<ErrorList><PhraseNotFound>unheard[ti]</PhraseNotFound><FieldNotFound>foo</FieldNotFound></ErrorList>"
        b"<WarningList><PhraseIgnored>the</PhraseIgnored>"
        b'<QuotedPhraseNotFound>"body\n battery"[tiab]</QuotedPhraseNotFound>'
        b"<OutputMessage>Restrictions achieved. start and count adjusted to 0, 9999</OutputMessage>"
        b"<OutputMessage>No items found.</OutputMessage></WarningList>"
    )
    assert found.dropped == ("unheard[ti]", "foo", "the", '"body battery"[tiab]')
    assert found.unknown == ("unheard[ti]", '"body battery"[tiab]')
    assert found.messages == (
        "Restrictions achieved. start and count adjusted to 0, 9999",
        "No items found.",
    )


def test_an_empty_list_of_errors_is_the_trace_of_an_unknown_tag():
    assert listing(b"<ErrorList></ErrorList>").dropped == (UNNAMED_TAG,)
    assert listing(b"<WarningList></WarningList>").dropped == ()


def test_an_empty_error_is_no_error():
    assert listing(b"<ERROR/>").count == 2
    assert listing(b"<ERROR></ERROR>").count == 2


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "an empty answer"),
        (b" \n ", "an empty answer"),
        (b"Sorry, too busy", "plain text instead of XML: Sorry, too busy"),
        (
            b"<html><head><title>Oops\n here</title></head></html>",
            r"a web page instead of data \(Oops here\)",
        ),
        (b"<!DOCTYPE html><HTML></HTML>", "a web page instead of data"),
        (b'{"header":{"type":"esearch"},"esearchresult":{"count":"2"}}', "JSON instead of XML"),
        (b'{"esearchresult":', "JSON instead of XML"),
        (b"[" * 100_000, "JSON instead of XML"),
        (b'{"a":' * 100_000, "JSON instead of XML"),
        (HEAD + (GOOD % b"")[:-5], "cut short"),
        (HEAD[:20], "cut short or is not XML"),
        (HEAD + b"<PubmedArticleSet></PubmedArticleSet>", "a document of type PubmedArticleSet"),
        (HEAD + GOOD % b"<b>", "not well-formed"),
        (HEAD + GOOD % b"&nbsp;", "not well-formed"),
        (HEAD + b"<eSearchResult></eSearchResult>", "without a count and a list"),
        (HEAD + b"<eSearchResult/>", "without a count and a list"),
        (HEAD + b"<eSearchResult><Count>2</Count></eSearchResult>", "without a count and a list"),
        (HEAD + (GOOD % b"").replace(b">2<", b">two<", 1), "without a count and a list"),
        (HEAD + (GOOD % b"").replace(b">7<", b">PMC7<"), "something else than PMIDs"),
        (HEAD + (GOOD % b"").replace(b">7<", b">07<"), "something else than PMIDs"),
        (HEAD + GOOD % b"<Count>3</Count>", "says something twice"),
        (HEAD + GOOD % b"<IdList><Id>9</Id></IdList>", "says something twice"),
        (HEAD + GOOD % b"<Surprise/>", "does not have the form of eSearchResult"),
        (HEAD + GOOD % b"<Id>9</Id>", "does not have the form of eSearchResult"),
        (HEAD + GOOD % (b"<ErrorList>" * 300 + b"</ErrorList>" * 300), "not well-formed"),
        ((HEAD + GOOD % b"").decode().encode("utf-16"), "not text in UTF-8"),
        ((HEAD + GOOD % b"").replace(b"UTF-8", b"UTF-7"), "declared as 'UTF-7'"),
        (HEAD + GOOD % b"\xff", "not text in UTF-8"),
    ],
)
def test_what_is_no_search_answer_is_worth_another_try(body, words):
    with pytest.raises(Passing, match=words):
        read_search(body, date="")


@pytest.mark.parametrize(
    "text",
    [
        "Search Backend failed: Exception: no answer",
        "Unable to obtain query #1",
        "API rate limit exceeded",
    ],
)
@pytest.mark.parametrize("form", ["<eSearchResult><ERROR>%s</ERROR></eSearchResult>", '{"error":"%s"}'])
def test_an_error_that_may_pass_is_worth_another_try(text, form):
    with pytest.raises(Passing, match=text):
        read_search((form % text).encode(), date="")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"header":{},"esearchresult":{"ERROR":"%s"}}\n' % OVER_WINDOW, "'retstart' cannot be larger"),
        (b"<eSearchResult><ERROR>%s</ERROR></eSearchResult>" % OVER_WINDOW, "'retstart' cannot be larger"),
        (
            b"<eSearchResult><ERROR>Search Backend failed: Exception: Position 15000 is out of acceptable range"
            b" [9999,9998]</ERROR></eSearchResult>",
            "Position 15000 is out of acceptable range",
        ),
        (
            b'<?xml version="1.0" encoding="UTF-8" ?><!DOCTYPE eEfetchResult PUBLIC "-//NLM//DTD efetch'
            b' 20131226//EN" "https://eutils.ncbi.nlm.nih.gov/eutils/dtd/20131226/efetch.dtd"><eFetchResult>\n'
            b"\t<ERROR>Cannot retrieve</ERROR>\n</eFetchResult>",
            "Cannot retrieve",
        ),
        (
            b"<ePostResult><ERROR>Empty ID list; Nothing to store</ERROR><ERROR>More</ERROR></ePostResult>",
            "Empty ID list; Nothing to store",
        ),
        (
            b"<eSummaryResult><ERROR>Neither query_key nor id specified</ERROR></eSummaryResult>",
            "Neither query_key nor id",
        ),
        (b'{"esummaryresult":["No such thing"]}', "No such thing"),
        (b'{"error":"Odd","count":"1"}', "Odd"),
    ],
)
@pytest.mark.parametrize("root", ["eSearchResult", "eSummaryResult", "PubmedArticleSet"])
def test_an_error_that_would_come_again_is_passed_on_in_ncbis_words(body, words, root):
    readers = {
        "eSearchResult": lambda: read_search(body, date=""),
        "eSummaryResult": lambda: read_summaries(body, ["7"]),
        "PubmedArticleSet": lambda: check(body, root),
    }
    with pytest.raises(Refused, match=r"^PubMed refused the request: .*Nothing was saved") as caught:
        readers[root]()
    assert words in str(caught.value)


def test_a_key_that_is_refused_has_an_error_of_its_own():
    body = b'{"error":"API key invalid","api-key":"...","type":"invalid","status":"unknown"}'
    for status in (200, 400):
        with pytest.raises(KeyRefused, match=r"API key invalid.*NCBI_API_KEY"):
            check(body, "eSearchResult", status=status)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_status_that_may_pass_is_worth_another_try(status):
    with pytest.raises(Passing, match=f"HTTP {status}"):
        check(b"<html>Server Error</html>", "eSearchResult", status=status)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, b"<eFetchResult><ERROR>Bad id</ERROR></eFetchResult>", r"\(HTTP 400\): Bad id\. Nothing was"),
        (400, b'{"esearchresult":{"ERROR":"%s"}}' % OVER_WINDOW, "'retstart' cannot be larger"),
        (301, b"", "no explanation.*check search: base_url"),
        (404, b"<h1>Not Found</h1>", "Not Found.*check search: base_url"),
        (403, b"Blocked", "Blocked.*search: tool and email"),
        (414, b"<html><h1>Request-URI Too Large</h1></html>", "Request-URI Too Large"),
        (204, b"", "no explanation"),
    ],
)
def test_a_status_that_would_come_again_is_final(status, body, words):
    with pytest.raises(Refused, match=words):
        check(body, "eSearchResult", status=status)


def test_a_failed_backend_with_a_bad_status_is_worth_another_try():
    with pytest.raises(Passing, match="HTTP 400: Search Backend failed"):
        check(b"<x><ERROR>Search Backend failed: no</ERROR></x>", "eSearchResult", status=400)


def test_a_long_explanation_is_cut():
    with pytest.raises(Refused) as caught:
        check(b"x" * 10**6, "eSearchResult", status=400)
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize(
    "declaration",
    [
        b'<!DOCTYPE eSearchResult [<!ENTITY a "b">]>',
        b'<!DOCTYPE eSearchResult SYSTEM "x" [ ]>',
        b'<!DOCTYPE eSearchResult [<!ENTITY % a SYSTEM "http://example.invalid/">%a;]>',
        b'<!-- a --><!DOCTYPE eSearchResult\n[<!ATTLIST Count a CDATA "b">]>',
    ],
)
@pytest.mark.parametrize("root", [b"eSearchResult", b"PubmedArticleSet"])
def test_an_answer_that_declares_anything_is_refused_unread(declaration, root):
    body = HEAD + declaration.replace(b"eSearchResult", root) + b"<%s>&a;</%s>" % (root, root)
    with pytest.raises(UnsafeAnswer, match="declares entities"):
        check(body, root.decode())


def test_no_document_type_and_no_schema_is_looked_for_on_the_network(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: pytest.fail("the network was asked"))
    doctype = (
        b'<!DOCTYPE eSearchResult PUBLIC "-//NLM//DTD esearch 20990101//EN"'
        b' "https://dtd.nlm.nih.gov/esearch_990101.dtd">'
    )
    assert listing(body=HEAD + doctype + GOOD % b"").count == 2
    schema = b' xmlns:xsi="x" xsi:noNamespaceSchemaLocation="https://dtd.nlm.nih.gov/a.xsd">'
    with pytest.raises(Passing, match="namespaces"):
        listing(body=HEAD + doctype + (GOOD % b"").replace(b">", schema, 1))


def summaries(inner, asked=("7", "5")):
    return read_summaries(HEAD + b"<eSummaryResult>" + inner + b"</eSummaryResult>", list(asked))


DOCUMENT = b'<DocSum><Id>%d</Id><Item Name="Title" Type="String">Pain</Item></DocSum>'


def test_a_summary_tells_what_pubmed_holds():
    assert summaries(DOCUMENT % 7 + DOCUMENT % 5) == ["7", "5"]
    assert summaries(DOCUMENT % 5) == ["5"]
    assert summaries(b"") == []


def test_a_uid_without_a_summary_is_no_error():
    said = b"<ERROR>UID=7: cannot get document summary</ERROR>"
    assert summaries(said) == []
    assert summaries(DOCUMENT % 5 + said) == ["5"]
    assert summaries(said, asked=["7"]) == []


def test_an_error_that_names_no_uid_is_one():
    with pytest.raises(Refused, match="Neither"):
        summaries(b"<ERROR>Neither query_key nor id specified</ERROR>")
    with pytest.raises(Passing, match="Search Backend failed"):
        summaries(b"<ERROR>Search Backend failed: no answer</ERROR>")
    with pytest.raises(Refused, match="UID=70"):
        summaries(b"<ERROR>UID=70: cannot get document summary</ERROR>")
    with pytest.raises(Passing, match="UID=7: Search Backend failed"):
        summaries(b"<ERROR>UID=7: Search Backend failed</ERROR>")


def test_a_summary_of_something_else_is_never_taken():
    with pytest.raises(Passing, match="nobody asked for"):
        summaries(DOCUMENT % 8)
    with pytest.raises(Passing, match="nobody asked for"):
        summaries(b"<DocSum></DocSum>")


def test_a_backend_that_fails_in_a_comment_is_no_proof_of_absence():
    body = b'<DocumentSummarySet status="OK"><!-- Database backend failed --></DocumentSummarySet>'
    with pytest.raises(Passing, match="does not have the form of eSummaryResult"):
        summaries(body)
