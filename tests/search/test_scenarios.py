"""What PubMed has been seen to do, one numbered scenario each, over HTTP: what the client must make of it.

S37 to S44 are about months that follow each other; they are tested where snapshots are.
"""

import itertools
import logging
import math
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from livingreview.errors import InputError, ReviewError
from livingreview.search import query
from livingreview.search.pubmed import articles, entrez, replies
from livingreview.search.pubmed.entrez import (
    BATCH,
    WINDOW,
    BrokenZero,
    IncompleteAnswer,
    KeyRefused,
    Refused,
    Unreachable,
)
from livingreview.search.pubmed.failures import Passing

KEY = "0123456789abcdef" * 2 + "beef"
IDENTITY = {"db": "pubmed", "tool": "test", "email": "test@example.org"}


class NoWait:
    """Lets every request go at once."""

    def wait(self):
        """No wait."""


def records_of(row, n, *, step=7):
    return [row(step * number, "Pain") for number in range(1, n + 1)]


def pmids_of(records):
    return {record["pmid"] for record in records}


def asked(sandbox, service):
    return [request.params for request in sandbox.requests if request.service == f"{service}.fcgi"]


def answered(sandbox, **params):
    """The body of an ESearch answer to a request that the client itself never makes."""
    with requests.Session() as session:
        session.trust_env = False
        return session.post(f"{sandbox.url}esearch.fcgi", data={**IDENTITY, **params}, timeout=30).content


@pytest.fixture
def quick(make_client):
    """Makes clients that keep no pace."""
    return lambda url, **options: make_client(url, **{"limiter": NoWait(), **options})


@pytest.fixture
def no_network(monkeypatch):
    """Fails on any name that is looked up."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("the network was asked"))


def test_s01_a_search_is_whole_and_its_raw_answer_is_kept(make_sandbox, quick):
    sandbox = make_sandbox()
    found = quick(sandbox.url).search("pain[ti]")
    assert asked(sandbox, "esearch") == [
        {
            "db": "pubmed",
            "term": "pain[ti]",
            "retmax": "9999",
            "retmode": "xml",
            "usehistory": "y",
            "tool": "living-review-test",
            "email": "test@example.org",
        }
    ]
    assert len(set(found.pmids)) == len(found.pmids) == found.count == 3
    assert found.parts[0].term == "pain[ti]"
    assert found.translation == '"pain"[Title]'
    assert b"<WebEnv>MCID_" in found.body
    assert b"<Count>3</Count>" in found.body
    assert found.parts[0].body == found.body


def test_s02_the_whole_window_is_one_request(row, make_sandbox, quick):
    records = records_of(row, WINDOW)
    sandbox = make_sandbox(records)
    found = quick(sandbox.url).search("pain[ti]")
    assert set(found.pmids) == pmids_of(records)
    assert found.count == WINDOW
    assert found.messages == ()
    assert len(sandbox.requests) == 1


def test_s03_one_record_beyond_the_window_is_not_lost(row, make_sandbox, quick):
    records = records_of(row, WINDOW + 1)
    sandbox = make_sandbox(records)
    found = quick(sandbox.url).search("pain[ti]")
    assert found.body.count(b"<Id>") == WINDOW
    assert "Restrictions achieved. start and count adjusted to 0, 9999" in found.messages
    assert set(found.pmids) == pmids_of(records)
    assert len(found.pmids) == found.count == 10_000
    assert [request["term"] for request in asked(sandbox, "esearch")] == [
        "pain[ti]",
        "(pain[ti]) AND 1:13[UID]",
    ]


@pytest.mark.parametrize("retmax", ["10000", "100000"])
def test_s04_an_answer_that_is_clamped_lists_less_than_it_counts(row, make_sandbox, quick, retmax):
    sandbox = make_sandbox(records_of(row, 10_000))
    clamped = replies.read_search(answered(sandbox, term="pain[ti]", retmax=retmax), date="")
    assert (clamped.count, len(clamped.pmids)) == (10_000, WINDOW)
    sandbox.requests.clear()
    assert len(set(quick(sandbox.url).search("pain[ti]").pmids)) == 10_000
    assert {request["retmax"] for request in asked(sandbox, "esearch")} == {"9999"}


def test_s05_a_page_at_the_edge_of_the_window_holds_one_id(row, make_sandbox):
    sandbox = make_sandbox(records_of(row, 10_000))
    page = replies.read_search(answered(sandbox, term="pain[ti]", retstart="9998", retmax="10"), date="")
    assert page.count == 10_000
    assert page.pmids == ("14",)
    assert page.messages == ("Restrictions achieved. start and count adjusted to 9998, 1",)


def test_s06_the_error_beyond_the_window_is_read_from_invalid_json_and_not_asked_for_again(
    make_sandbox, quick
):
    sandbox = make_sandbox(faults=["invalid json"])
    with pytest.raises(Refused, match="'retstart' cannot be larger than 9998"):
        quick(sandbox.url).search("pain[ti]")
    assert len(sandbox.requests) == 1
    body = answered(sandbox, term="pain[ti]", retstart="9999", retmode="json")
    assert b"Exception:\n'retstart'" in body
    with pytest.raises(Refused, match="'retstart' cannot be larger than 9998"):
        replies.read_search(body, date="")


def test_s07_the_same_error_in_xml_stops_the_run(make_sandbox, make_session, quick):
    body = answered(make_sandbox(), term="pain[ti]", retstart="9999")
    session = make_session(body)
    with pytest.raises(Refused, match="'retstart' cannot be larger than 9998"):
        quick("https://pubmed.invalid/", session=session).search("pain[ti]")
    assert len(session.sent) == 1
    assert issubclass(Refused, ReviewError)


@pytest.mark.parametrize("order", ["uid", "date", "shuffled"])
def test_s08_a_large_search_is_the_union_of_parts_without_duplicates(row, make_sandbox, quick, order):
    records = [
        row(7 * number, "Pain", entry_date=f"20{10 + number // 2400:02d}-{1 + number % 12:02d}-01")
        for number in range(1, 23_418)
    ]
    sandbox = make_sandbox(records, order=order)
    found = quick(sandbox.url).search("pain[ti]")
    assert len(found.pmids) == found.count == 23_417
    assert set(found.pmids) == pmids_of(records)
    assert len(found.parts) >= 3
    assert sum(part.count for part in found.parts) == found.count
    if order == "uid":
        assert len(sandbox.requests) == math.ceil(23_417 / WINDOW)


@pytest.mark.usefixtures("window_of_50")
@pytest.mark.parametrize("order", ["uid", "date", "shuffled"])
@pytest.mark.parametrize("arrival", [(1, 5), (2, 5), (3, 801), (4, 5), (1, 2001)])
def test_s09_a_record_that_enters_meanwhile_is_taken_once_or_left_to_the_next_run(
    row, make_sandbox, quick, order, arrival
):
    after, pmid = arrival
    records = records_of(row, 234)
    sandbox = make_sandbox(records, order=order, arrivals={after: [row(pmid, "Pain")]})
    found = quick(sandbox.url).search("pain[ti]")
    assert set(found.pmids) in (pmids_of(records), pmids_of(records) | {str(pmid)})
    assert len(set(found.pmids)) == len(found.pmids) == found.count == sum(part.count for part in found.parts)


@pytest.mark.usefixtures("window_of_50")
def test_s09_growth_within_a_part_not_yet_read_is_accepted_after_a_new_count(row, make_sandbox, quick):
    sandbox = make_sandbox(records_of(row, 234), arrivals={1: [row(5, "Pain")]})
    found = quick(sandbox.url).search("pain[ti]")
    assert found.count == 235
    assert "5" in found.pmids
    assert b"<Count>235</Count>" in found.body


@pytest.mark.usefixtures("window_of_50")
@pytest.mark.parametrize("order", ["uid", "date", "shuffled"])
@pytest.mark.parametrize("request_", range(1, 5))
def test_s10_a_part_that_says_none_is_asked_for_again(row, make_sandbox, quick, order, request_):
    records = records_of(row, 234)
    sandbox = make_sandbox(records, order=order, faults=[None] * request_ + ["zero"])
    assert set(quick(sandbox.url).search("pain[ti]").pmids) == pmids_of(records)


@pytest.mark.usefixtures("window_of_50")
def test_s10_parts_that_never_add_up_are_an_error(row, make_sandbox, quick):
    sandbox = make_sandbox(records_of(row, 51), faults=[None, "zero", "zero"] * 30)
    with pytest.raises(IncompleteAnswer, match=r"PubMed announced .* Nothing was saved"):
        quick(sandbox.url).search("pain[ti]")


def test_s11_a_misspelt_tag_is_refused_before_anything_is_sent_and_told_if_it_is_sent(make_sandbox, quick):
    sandbox = make_sandbox()
    with pytest.raises(InputError, match=r"tiabb"):
        query.check("pain[tiabb]")
    assert sandbox.requests == []
    assert quick(sandbox.url).search("pain[tiabb]").dropped == (replies.UNNAMED_TAG,)


def test_s12_a_phrase_that_pubmed_drops_is_told(make_sandbox, quick):
    found = quick(make_sandbox().url).search('pain[ti] OR "body battery"[tiab]')
    assert found.count == 3
    assert found.dropped == ('"body battery"[tiab]',)


def test_s13_a_stop_word_that_empties_the_result_is_no_result(make_sandbox, quick):
    with pytest.raises(BrokenZero, match="could not look up the: "):
        quick(make_sandbox().url).search("the[tiab] AND pain[ti]")


def test_s14_a_true_zero_is_a_result(make_sandbox, quick):
    found = quick(make_sandbox().url).search("pain[ti] AND 1804[dp]")
    assert (found.count, found.pmids, found.dropped) == (0, (), ())
    assert found.messages == ("No items found.",)


def test_s15_a_count_without_a_list_is_never_a_search(make_sandbox, quick):
    sandbox = make_sandbox()
    with pytest.raises(Passing, match="without a count and a list"):
        replies.read_search(answered(sandbox, term="pain[ti]", rettype="count"), date="")
    sandbox.requests.clear()
    quick(sandbox.url).search("pain[ti]")
    assert "rettype" not in sandbox.requests[0].params


def test_s16_one_request_too_many_is_made_again_after_the_time_that_is_asked_for(make_sandbox, quick, time):
    sandbox = make_sandbox(limit_rate=True, clock=time.clock)
    client = quick(sandbox.url)
    for _ in range(4):
        assert client.search("pain[ti]").count == 3
    assert time.slept == [2.5]
    assert len(sandbox.requests) == 5


def test_s17_a_rate_limit_is_known_by_its_body(make_sandbox, quick, time):
    assert quick(make_sandbox(faults=["429 as 200"]).url).search("pain[ti]").count == 3
    assert len(time.slept) == 1


def test_s18_a_rate_limit_without_end_is_given_up_on(make_sandbox, quick, time):
    sandbox = make_sandbox(faults=["429"] * 99)
    with pytest.raises(Unreachable, match="too many requests"):
        quick(sandbox.url).search("pain[ti]")
    assert len(sandbox.requests) == 5
    assert issubclass(Unreachable, ReviewError)
    assert all(pause >= 2 for pause in time.slept)


def test_s19_a_bad_key_is_refused_once_and_a_blank_one_is_not_sent(make_sandbox, quick, caplog):
    caplog.set_level(logging.DEBUG)
    sandbox = make_sandbox()
    with pytest.raises(KeyRefused) as caught:
        quick(sandbox.url, environ={"NCBI_API_KEY": "very-secret"}).search("pain[ti]")
    assert len(sandbox.requests) == 1
    assert "very-secret" not in str(caught.value) + caplog.text
    assert quick(sandbox.url, environ={"NCBI_API_KEY": ""}).search("pain[ti]").count == 3
    assert "api_key" not in sandbox.requests[1].params


def test_s20_faults_of_the_server_are_waited_out(make_sandbox, quick, time):
    sandbox = make_sandbox(faults=["500", "502", "503"])
    assert quick(sandbox.url).search("pain[ti]").count == 3
    assert len(sandbox.requests) == 4
    assert len(time.slept) == 3
    assert min(time.slept) > 0


def test_s21_a_backend_that_fails_once_is_asked_again(make_sandbox, quick):
    sandbox = make_sandbox(faults=["backend"])
    assert quick(sandbox.url).search("pain[ti]").count == 3
    assert len(sandbox.requests) == 2


@pytest.mark.parametrize("fault", ["close", "reset"])
def test_s22_a_connection_that_closes_before_an_answer_is_made_again(make_sandbox, quick, fault):
    sandbox = make_sandbox(faults=[fault])
    assert quick(sandbox.url).search("pain[ti]").count == 3
    assert len(sandbox.requests) == 2


def test_s23_a_server_that_never_answers_is_left(make_sandbox, quick):
    sandbox = make_sandbox(faults=["hang"])
    assert quick(sandbox.url, timeout=(5, 0.3)).search("pain[ti]").count == 3
    assert len(sandbox.requests) == 2


@pytest.mark.parametrize("fault", ["cut chunks", "truncated gzip"])
def test_s24_a_batch_cut_on_the_wire_is_thrown_away_whole(make_sandbox, quick, fault):
    sandbox = make_sandbox(faults=[fault])
    fetching = quick(sandbox.url).fetch(["101", "102", "103"])
    assert [one.pmid for one in fetching] == ["101", "102", "103"]
    assert [request["id"] for request in asked(sandbox, "efetch")] == ["101,102,103"] * 2


@pytest.mark.parametrize("fault", ["half document", "close-delimited short"])
def test_s25_a_batch_cut_within_the_document_is_thrown_away_whole(make_sandbox, quick, fault):
    sandbox = make_sandbox(faults=[fault])
    fetching = quick(sandbox.url).fetch(["101", "102", "103"])
    assert [one.pmid for one in fetching] == ["101", "102", "103"]
    assert [request["id"] for request in asked(sandbox, "efetch")] == ["101,102,103"] * 2


def test_s26_a_body_shorter_than_its_length_is_never_taken(make_sandbox, quick):
    sandbox = make_sandbox(faults=["short body"] * 99)
    with pytest.raises(Unreachable, match="cut short"):
        list(quick(sandbox.url).fetch(["101", "102", "103"]))
    # A text format could be cut between two records unseen; XML has an end.
    assert {request["retmode"] for request in asked(sandbox, "efetch")} == {"xml"}


def test_s27_records_that_are_left_out_are_asked_for_singly_and_reported(row, make_sandbox, quick):
    records = records_of(row, 200)
    away = {"70", "700", "1400"}
    sandbox = make_sandbox(records, withheld=away)
    fetching = quick(sandbox.url).fetch([record["pmid"] for record in records])
    assert len(list(fetching)) == 197
    assert set(fetching.absent) == away
    assert [request["id"] for request in asked(sandbox, "efetch")[1:]] == ["70", "700", "1400"]
    assert [request["id"] for request in asked(sandbox, "esummary")] == ["70,700,1400"]


def test_s27_a_record_that_pubmed_holds_and_does_not_deliver_is_not_called_absent(make_sandbox, quick):
    sandbox = make_sandbox(undelivered=["102"])
    with pytest.raises(IncompleteAnswer, match="PubMed holds 1 records that it did not deliver"):
        list(quick(sandbox.url).fetch(["101", "102"]))


def test_s28_a_batch_of_which_nothing_is_held_is_no_error(make_sandbox, quick):
    fetching = quick(make_sandbox().url).fetch(["997", "998"])
    assert list(fetching) == []
    assert fetching.absent == ("997", "998")


@pytest.mark.parametrize("fault", [None, "expired"])
def test_s29_nothing_can_expire_because_nothing_is_stored(row, make_sandbox, quick, fault):
    records = records_of(row, 10_000 if fault is None else 600)
    sandbox = make_sandbox(records, expire_history=True, faults=[fault] * 2)
    client = quick(sandbox.url)
    found = client.search("pain[ti]")
    assert {one.pmid for one in client.fetch(found.pmids[:600])} == set(found.pmids[:600])
    assert len(found.pmids) == len(records)
    assert all(not {"WebEnv", "query_key"} & request.params.keys() for request in sandbox.requests)


def test_s30_a_short_page_is_known_by_its_pmids_and_no_page_straddles_the_window(row, make_sandbox, quick):
    records = records_of(row, 10_000)
    sandbox = make_sandbox(records, expire_history=True, faults=["omit"])
    client = quick(sandbox.url)
    found = client.search("pain[ti]")
    fetching = client.fetch(found.pmids)
    assert {one.pmid for one in fetching} == pmids_of(records)
    assert fetching.absent == ()
    pages = asked(sandbox, "efetch")
    assert [page["id"].count(",") + 1 for page in pages] == [BATCH, 1] + [BATCH] * 19
    assert not any("retstart" in page for page in pages)


BOOK = b"""<PubmedBookArticle><BookDocument><PMID Version="1">102</PMID><ArticleIdList>
<ArticleId IdType="bookaccession">EX1</ArticleId></ArticleIdList><Book><Publisher><PublisherName>Example Press
</PublisherName></Publisher><BookTitle book="ex">Example Reviews</BookTitle><PubDate><Year>2020</Year></PubDate></Book>
<ArticleTitle book="ex" part="p1">An example chapter</ArticleTitle><Language>eng</Language>
<Abstract><AbstractText>A chapter on pain.</AbstractText></Abstract></BookDocument></PubmedBookArticle>"""
MARKUP = b"""<PubmedArticle><MedlineCitation Status="MEDLINE"><PMID Version="1">101</PMID><Article><Journal><Title>Example
J</Title><JournalIssue><PubDate>%s</PubDate></JournalIssue></Journal><ArticleTitle>Effects of <i>Exemplum</i> at
10<sup>-3</sup></ArticleTitle><Abstract><AbstractText Label="RESULTS" NlmCategory="RESULTS">Pain fell
(<i>p</i> &lt; 0.05) by <mml:math xmlns:mml="http://www.w3.org/1998/Math/MathML"><mml:mi>x</mml:mi><mml:mo>=</mml:mo>
<mml:mn>2</mml:mn></mml:math> points; CO<sub>2</sub> &amp; more.</AbstractText></Abstract></Article></MedlineCitation>
<PubmedData><ArticleIdList><ArticleId IdType="pubmed">101</ArticleId></ArticleIdList><ReferenceList><Reference>
<Citation>Another</Citation><ArticleIdList><ArticleId IdType="doi">10.1000/cited.1</ArticleId></ArticleIdList>
</Reference></ReferenceList></PubmedData></PubmedArticle>"""
PLAIN_DATE = b"<Year>2020</Year>"


def one_article(make_sandbox, quick, raw):
    (found,) = quick(make_sandbox(articles={"101": raw}).url).fetch(["101"])
    assert found.raw == raw
    return found


def test_s31_a_chapter_of_a_book_is_a_record_like_any_other(make_sandbox, quick):
    sandbox = make_sandbox(articles={"102": BOOK})
    fetching = quick(sandbox.url).fetch(["101", "102", "103"])
    assert [(one.pmid, one.kind) for one in fetching] == [
        ("101", "article"),
        ("102", "book"),
        ("103", "article"),
    ]
    assert fetching.absent == ()
    assert len(sandbox.requests) == 1


def test_s32_markup_in_texts_loses_no_character(make_sandbox, quick):
    found = one_article(make_sandbox, quick, MARKUP % PLAIN_DATE)
    text = " ".join(articles.abstract_text(found.abstract).split())
    assert "(p < 0.05)" in text
    assert "CO2 & more." in text
    assert "".join(text.split()).startswith("RESULTS:Painfell(p<0.05)byx=2points;")
    assert " ".join(found.title.split()) == "Effects of Exemplum at 10-3"


@pytest.mark.parametrize(
    ("date", "year"),
    [
        (b"<MedlineDate>1999 Dec-2000 Jan</MedlineDate>", "1999"),
        (b"<MedlineDate>no year</MedlineDate>", ""),
        (b"<Year>2020</Year><Season>Spring</Season>", "2020"),
        (b"<Year>2020</Year><Month>May</Month>", "2020"),
        (b"", ""),
    ],
)
def test_s33_a_date_in_any_form_gives_a_year_or_none(make_sandbox, quick, date, year):
    assert one_article(make_sandbox, quick, MARKUP % date).published.year == year


def test_s34_the_doi_of_a_cited_paper_is_not_the_articles_own(make_sandbox, quick):
    assert one_article(make_sandbox, quick, MARKUP % PLAIN_DATE).doi == ""


def test_s35_an_unknown_document_type_is_not_looked_for(make_session, quick, no_network):
    doctype = (
        b'<?xml version="1.0" ?>\n<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January'
        b' 2027//EN" "https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_270101.dtd">\n'
    )
    body = doctype + b"<PubmedArticleSet>%s</PubmedArticleSet>" % (MARKUP % PLAIN_DATE)
    (found,) = quick("https://pubmed.invalid/", session=make_session(body)).fetch(["101"])
    assert found.pmid == "101"


def test_s36_a_long_query_is_posted(make_sandbox, quick):
    term = " OR ".join(["pain[ti]"] * 500)
    sandbox = make_sandbox()
    with requests.Session() as session:
        session.trust_env = False
        params = {**IDENTITY, "term": term}
        assert session.get(f"{sandbox.url}esearch.fcgi", params=params, timeout=30).status_code == 414
    assert quick(sandbox.url).search(term).count == 3
    assert sandbox.requests[-1].method == "POST"


SEARCHES = """
import sys
from livingreview.search.pubmed import entrez, rate
url, path, seconds, times = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
limiter = rate.SharedLimiter(path, seconds)
options = {"tool": "test", "email": "test@example.org", "limiter": limiter, "tries": 1}
with entrez.Client(url, **options) as client:
    for _ in range(times):
        assert client.search("pain[ti]").count == 3
"""


def test_s45_processes_at_once_keep_the_rate_together(make_sandbox, tmp_path):
    scripts = Path(entrez.__file__).resolve().parents[3]
    sandbox = make_sandbox(limit_rate=True)
    # Six requests a second where ten are granted: each process alone would use half of what is granted, and
    # a busy computer may delay some without a refusal.
    command = [sys.executable, "-c", SEARCHES, sandbox.url, str(tmp_path / "pace" / "file"), str(1 / 6), "6"]
    environ = {**os.environ, "PYTHONPATH": str(scripts), "NCBI_API_KEY": KEY}
    processes = [subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    said = [process.communicate(timeout=120)[1] for process in processes]
    assert said == ["", "", ""]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert len(sandbox.requests) == 18


def test_every_scenario_of_the_client_has_its_test():
    named = {name[5:8] for name in globals() if name.startswith("test_s") and name[6:8].isdigit()}
    expected = {f"s{number:02d}" for number in itertools.chain(range(1, 37), [45])}
    assert named == expected
