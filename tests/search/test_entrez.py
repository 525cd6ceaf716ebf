"""The client against a sandbox that misbehaves on request, and against scripted answers."""

import itertools
import logging
import math
import socket
import urllib.parse

import pytest

from livingreview.search.pubmed import articles, entrez, rate
from livingreview.search.pubmed.entrez import (
    BATCH,
    BrokenZero,
    EntrezError,
    IncompleteAnswer,
    KeyRefused,
    Refused,
    Unreachable,
    UnsafeAnswer,
)

PASSING = [
    "429", "429 as 200", "500", "502", "503", "html", "backend", "empty", "expired",
    "close", "reset", "cut chunks", "short body", "half document", "truncated gzip", "close-delimited short",
]  # fmt: skip
KEY = "0123456789abcdef" * 2 + "beef"
URL = "https://pubmed.invalid.ncbi.nlm.nih.gov/entrez/eutils/"
ESEARCH = (
    b'<?xml version="1.0" encoding="UTF-8" ?><eSearchResult><Count>1</Count><RetMax>1</RetMax>'
    b"<RetStart>0</RetStart><IdList><Id>101</Id></IdList><TranslationSet/>"
    b"<QueryTranslation>%s</QueryTranslation></eSearchResult>"
)


def article(pmid, *, version=1, title="Pain"):
    return (
        f'<PubmedArticle><MedlineCitation Status="MEDLINE"><PMID Version="{version}">{pmid}</PMID>'
        f"<Article><Journal><Title>Example J</Title></Journal><ArticleTitle>{title}</ArticleTitle></Article>"
        "</MedlineCitation></PubmedArticle>"
    ).encode()


def article_set(*pieces):
    return b"<PubmedArticleSet>%s</PubmedArticleSet>" % b"".join(pieces)


def many(row, n):
    return [row(pmid, "Pain") for pmid in range(1, n + 1)]


def services(sandbox):
    return [request.service.removesuffix(".fcgi") for request in sandbox.requests]


def test_a_search_returns_all_ids_and_what_provenance_needs(make_sandbox, make_client):
    found = make_client(make_sandbox().url).search("pain[ti]")
    assert found.pmids == ("104", "103", "101")
    assert found.count == 3
    assert found.translation == '"pain"[Title]'
    assert found.searched_at == "2026-11-01T00:00:00+00:00"
    assert (found.dropped, found.messages) == ((), ())
    assert found.body.startswith(b"<?xml")
    (part,) = found.parts
    assert (part.term, part.low, part.high, part.count) == ("pain[ti]", 1, 99_999_999, 3)
    assert (part.pmids, part.body) == (found.pmids, found.body)


def test_every_request_is_posted_with_tool_and_email_and_without_a_key(make_sandbox, make_client):
    sandbox = make_sandbox(withheld=["102"])
    client = make_client(sandbox.url, environ={"NCBI_API_KEY": " "})
    client.search("pain[ti]")
    list(client.fetch(["101", "102"]))
    assert services(sandbox) == ["esearch", "efetch", "efetch", "esummary"]
    for request in sandbox.requests:
        assert request.method == "POST"
        assert request.params["db"] == "pubmed"
        assert request.params["retmode"] == "xml"
        assert request.params["tool"] == "living-review-test"
        assert request.params["email"] == "test@example.org"
        assert "api_key" not in request.params


def test_nothing_is_asked_of_the_history_server(make_sandbox, make_client):
    sandbox = make_sandbox(expire_history=True)
    client = make_client(sandbox.url)
    assert len(list(client.fetch(client.search("pain[ti]").pmids))) == 3
    for request in sandbox.requests:
        assert not {"WebEnv", "query_key", "retstart"} & request.params.keys()


def test_a_query_of_6000_characters_is_no_trouble(make_sandbox, make_client):
    query = " OR ".join(["pain[ti]"] * 500)
    assert make_client(make_sandbox().url).search(query).count == 3


@pytest.mark.parametrize("fault", [*PASSING, "no date"])
def test_a_passing_fault_is_survived_with_a_pause(make_sandbox, make_client, time, fault):
    sandbox = make_sandbox(faults=[fault])
    assert make_client(sandbox.url).search("pain[ti]").count == 3
    assert len(sandbox.requests) == 2
    assert time.slept[0] >= 1


def test_three_faults_in_a_row_are_survived_with_growing_pauses(make_sandbox, make_client, time):
    sandbox = make_sandbox(faults=["500", "close", "503"])
    assert make_client(sandbox.url).search("pain[ti]").count == 3
    assert [pause for pause in time.slept if pause >= 1] == [1.5, 3.0, 6.0]


def test_no_pause_grows_beyond_a_minute_and_its_share_of_chance(make_sandbox, make_client, time):
    make_client(make_sandbox(faults=["500"] * 11).url, tries=12).search("pain[ti]")
    assert max(time.slept) == 90
    assert time.slept.count(90) >= 2


@pytest.mark.parametrize("fault", ["hang", "slow"])
def test_a_server_that_never_comes_to_an_end_is_given_up_on_and_asked_again(make_sandbox, make_client, fault):
    import time as real

    sandbox = make_sandbox(faults=[fault])
    client = make_client(
        sandbox.url, timeout=(5, 0.5), time_limit=0.5, clock=real.monotonic, limiter=NoWait()
    )
    assert client.search("pain[ti]").count == 3
    assert len(sandbox.requests) == 2


class NoWait:
    """Lets every request go at once, and counts them."""

    def __init__(self):
        self.count = 0

    def wait(self):
        self.count += 1


def test_the_limiter_is_asked_before_every_request(make_sandbox, make_client):
    sandbox, limiter = make_sandbox(faults=["500", None, "close"]), NoWait()
    client = make_client(sandbox.url, limiter=limiter)
    client.search("pain[ti]")
    list(client.fetch(["101"]))
    assert limiter.count == len(sandbox.requests) == 4


def test_a_client_of_pubmed_shares_its_pace_and_one_of_a_local_server_does_not(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    options = {"clock": None, "sleep": None}
    shared = entrez._limiter(entrez.PUBMED, keyed=True, **options)
    assert isinstance(shared, rate.SharedLimiter)
    assert shared._path == tmp_path / "living-review" / "eutils.ncbi.nlm.nih.gov-with-key"
    assert shared._seconds == rate.interval(keyed=True)
    local = entrez._limiter("http://127.0.0.1:80/", keyed=False, clock=lambda: 0, sleep=None)
    assert isinstance(local, rate.Limiter)


def test_retry_after_is_honoured_and_spread(make_sandbox, make_client, time):
    make_client(make_sandbox(faults=["429"]).url).search("pain[ti]")
    assert time.slept[0] == 2.5


@pytest.mark.parametrize(
    ("value", "waited"),
    [
        ("7", 7.5),
        ("7.5", 8.0),
        ("0", 1.5),
        ("99999", 600.5),
        ("Sun, 01 Nov 2026 00:00:30 GMT", 30.5),
        ("Sat, 31 Oct 2026 00:00:30 GMT", 1.5),
        ("Sun, 01 Nov 2099 00:00:30 GMT", 600.5),
        ("Sun, 01 Nov 2026 00:00:30", 1.5),
        ("soon", 1.5),
        ("nan", 1.5),
        ("-5", 1.5),
        ("", 1.5),
    ],
)
def test_retry_after_comes_in_seconds_or_as_a_date_and_is_capped(
    make_session, make_client, time, value, waited
):
    for status in (429, 503):
        session = make_session((status, {"Retry-After": value}, b""), ESEARCH % b"x")
        assert make_client(URL, session=session, limiter=NoWait()).search("x").count == 1
    assert time.slept == [waited, waited]


def test_a_rate_limit_without_end_is_given_up_on_after_five_tries(make_sandbox, make_client):
    sandbox = make_sandbox(faults=["429"] * 10)
    with pytest.raises(Unreachable, match=r"after 5 tries \(last: HTTP 429, too many requests\)"):
        make_client(sandbox.url).search("pain[ti]")
    assert len(sandbox.requests) == 5


def test_no_server_at_all_is_said_in_plain_words(make_client):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Unreachable) as caught:
        make_client(f"http://127.0.0.1:{port}/entrez/eutils/").search("pain[ti]")
    assert str(caught.value) == (
        f"PubMed could not be reached at http://127.0.0.1:{port}/entrez/eutils/ after 5 tries"
        " (last: connection refused). Nothing was saved. Run the same command again later."
    )


def test_a_server_that_answers_nonsense_is_not_called_unreachable_in_words(make_sandbox, make_client):
    with pytest.raises(
        Unreachable, match=r"^PubMed gave no usable answer at http.* \(last: an empty answer\)"
    ):
        make_client(make_sandbox(faults=["empty"] * 5).url).search("pain[ti]")


def test_an_address_that_is_none_is_not_tried_again(make_client, time):
    with pytest.raises(EntrezError, match="Check search: base_url"):
        make_client("pubmed", limiter=NoWait()).search("pain[ti]")
    assert time.slept == []


def test_a_client_that_keeps_the_rate_is_never_refused(make_sandbox, make_client, time):
    sandbox = make_sandbox(limit_rate=True, clock=time.clock)
    client = make_client(sandbox.url)
    for _ in range(8):
        client.search("pain[ti]")
    assert len(sandbox.requests) == 8


def test_a_good_key_is_sent_and_allows_ten_requests_per_second(make_sandbox, make_client, time):
    sandbox = make_sandbox(limit_rate=True, clock=time.clock)
    client = make_client(sandbox.url, environ={"NCBI_API_KEY": KEY})
    for _ in range(12):
        client.search("pain[ti]")
    assert sandbox.requests[0].params["api_key"] == KEY
    assert time.now == pytest.approx(11 * 0.11)


def test_a_bad_key_is_refused_once_and_never_shown(make_sandbox, make_client, caplog):
    caplog.set_level(logging.DEBUG)
    sandbox = make_sandbox(faults=["bad key"])
    with pytest.raises(
        KeyRefused, match=r"API key invalid.*Trying again will not help.*NCBI_API_KEY"
    ) as caught:
        make_client(sandbox.url, environ={"NCBI_API_KEY": KEY}).search("pain[ti]")
    assert len(sandbox.requests) == 1
    assert KEY not in str(caught.value) + caplog.text


NASTY = 'a/b c&d"é%+'
SPELLINGS = [
    NASTY,
    NASTY.upper(),
    urllib.parse.quote(NASTY),
    urllib.parse.quote(NASTY, safe=""),
    urllib.parse.quote(NASTY, safe="").lower(),
    urllib.parse.quote_plus(NASTY),
    'a/b c&d\\"\\u00e9%+',
    'a\\/b c&d\\"\\u00e9%+',
    'a/b c&amp;d"é%+',
    "a/b c&amp;d&quot;é%+",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize(
    "answer",
    [
        (400, '{"error":"API key invalid","api-key":"%s"}', KeyRefused),
        (400, '{"error":"API key invalid: %s"}', KeyRefused),
        (400, "the key %s is odd", Refused),
        (429, '{"error":"API rate limit exceeded: %s"}', Unreachable),
        (200, "<html><title>for %s</title></html>", Unreachable),
        (200, "Sorry, %s", Unreachable),
        (200, "<eSearchResult><ERROR>odd key %s</ERROR></eSearchResult>", Refused),
    ],
)
def test_a_key_is_never_shown_however_it_comes_back(make_session, make_client, caplog, spelling, answer):
    status, form, kind = answer
    caplog.set_level(logging.DEBUG)
    session = make_session((status, {}, (form % spelling).encode()))
    client = make_client(URL, session=session, environ={"NCBI_API_KEY": NASTY}, limiter=NoWait())
    with pytest.raises(kind) as caught:
        client.search("x")
    said = (str(caught.value) + caplog.text).lower()
    for one in SPELLINGS:
        assert one.lower() not in said


def test_the_key_is_in_no_trace_of_an_error(make_session, make_client):
    import traceback

    session = make_session((500, {}, KEY.encode()))
    client = make_client(URL, session=session, environ={"NCBI_API_KEY": KEY}, limiter=NoWait())
    with pytest.raises(Unreachable) as caught:
        client.search("x")
    assert KEY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("spelling", [*SPELLINGS[2:6], *SPELLINGS[8:]])
def test_a_good_answer_that_repeats_the_key_is_not_kept(make_session, make_client, spelling):
    def client(body):
        session = make_session(body)
        return make_client(URL, session=session, environ={"NCBI_API_KEY": NASTY}, limiter=NoWait())

    with pytest.raises(Refused, match="repeats the API key, and answers are kept in files"):
        client(ESEARCH % spelling.replace("&d", "&amp;d").encode()).search("x")
    with pytest.raises(Refused, match="repeats the API key"):
        list(client(article_set(article(101, title=spelling.replace("&d", "&amp;d")))).fetch(["101"]))


def test_an_answer_to_a_request_with_a_key_is_otherwise_unchanged(make_sandbox, make_client):
    sandbox = make_sandbox()
    with_key = make_client(sandbox.url, environ={"NCBI_API_KEY": KEY})
    without = make_client(sandbox.url)
    assert with_key.search("pain[ti]") == without.search("pain[ti]")
    assert list(with_key.fetch(["101", "102"])) == list(without.fetch(["101", "102"]))


def test_an_error_in_pubmeds_words_is_passed_on_and_not_tried_again(make_sandbox, make_client):
    sandbox = make_sandbox(faults=["invalid json"])
    with pytest.raises(Refused, match="'retstart' cannot be larger than 9998"):
        make_client(sandbox.url).search("pain[ti]")
    assert len(sandbox.requests) == 1


def test_a_query_that_the_backend_never_takes_ends_with_its_words(make_sandbox, make_client):
    with pytest.raises(Unreachable, match="Search Backend failed"):
        make_client(make_sandbox().url).search("((")


def test_an_answer_that_declares_entities_is_not_read_and_not_asked_for_again(make_session, make_client):
    bomb = b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;">]>'
    for body, use in [
        (bomb + ESEARCH[38:] % b"&b;", lambda client: client.search("x")),
        (bomb + article_set(article(101, title="&b;")), lambda client: list(client.fetch(["101"]))),
    ]:
        session = make_session(body)
        with pytest.raises(UnsafeAnswer, match="declares entities"):
            use(make_client(URL, session=session, limiter=NoWait()))
        assert len(session.sent) == 1


def test_an_answer_that_is_far_too_large_is_not_asked_for_again(make_session, make_client, monkeypatch):
    monkeypatch.setattr(entrez, "LARGEST_LIST", 1000)
    session = make_session(ESEARCH % (b"x" * 1000))
    with pytest.raises(UnsafeAnswer, match="larger than 1,000 bytes"):
        make_client(URL, session=session, limiter=NoWait()).search("x")
    assert len(session.sent) == 1


def test_the_largest_list_and_batch_leave_room_for_true_ones():
    ids = len("<Id>99999999</Id>\n") * entrez.WINDOW
    assert entrez.LARGEST_LIST > 20 * ids
    assert entrez.LARGEST_BATCH > BATCH * 200_000


def test_a_short_list_is_asked_for_again_and_never_taken(make_sandbox, make_client):
    sandbox = make_sandbox(faults=["lost id"])
    assert make_client(sandbox.url).search("pain[ti]").count == 3
    assert len(sandbox.requests) == 2
    with pytest.raises(IncompleteAnswer, match="announced 3 records and listed 2 different ones"):
        make_client(make_sandbox(faults=["lost id"] * 99).url).search("pain[ti]")


def test_what_pubmed_dropped_is_told(make_sandbox, make_client):
    found = make_client(make_sandbox().url).search('pain[ti] OR "body battery"[tiab] OR unheard[ti]')
    assert found.count == 3
    assert found.dropped == ("unheard", '"body battery"[tiab]')
    assert found.messages == ()


@pytest.mark.parametrize("query", ["the[tiab] AND pain[ti]", '"no such heading"[mh]'])
def test_a_zero_made_by_a_term_that_cannot_be_looked_up_is_a_fault(make_sandbox, make_client, query):
    with pytest.raises(BrokenZero, match="could not look up"):
        make_client(make_sandbox().url).search(query)


def test_a_legitimate_zero_is_an_answer(make_sandbox, make_client):
    found = make_client(make_sandbox().url).search("pain[ti] AND 1804[dp]")
    assert found.pmids == ()
    assert found.dropped == ()
    assert found.messages == ("No items found.",)


@pytest.mark.parametrize("order", ["uid", "date", "shuffled"])
def test_a_search_beyond_the_window_is_read_in_parts(row, make_sandbox, make_client, window_of_50, order):
    records = [
        row(pmid, "Pain", entry_date=f"2020-{1 + pmid % 12:02d}-{1 + pmid % 28:02d}")
        for pmid in range(7, 7 * 431, 7)
    ]
    sandbox = make_sandbox(records, order=order)
    found = make_client(sandbox.url).search("pain[ti] OR unheard[ti]")
    assert found.count == len(found.pmids) == 430
    assert sorted(found.pmids, key=int) == [record["pmid"] for record in records]
    assert found.translation == '"pain"[Title]'
    assert found.dropped == ("unheard",)
    assert found.messages == ("Restrictions achieved. start and count adjusted to 0, 50",)
    terms = [request.params["term"] for request in sandbox.requests]
    assert terms[0] == "pain[ti] OR unheard[ti]"
    assert all(term.startswith("(pain[ti] OR unheard[ti]) AND ") for term in terms[1:])
    assert {part.term for part in found.parts} <= set(terms)
    for part in found.parts:
        assert all(f"<Id>{pmid}</Id>".encode() in part.body for pmid in part.pmids)
    assert all(upper.low == lower.high + 1 for upper, lower in itertools.pairwise(found.parts))
    if order == "uid":
        assert len(terms) == math.ceil(430 / 50)


def test_records_are_fetched_in_batches_of_500_each_before_the_next_is_asked_for(
    row, make_sandbox, make_client
):
    records = many(row, 2 * BATCH + 1)
    sandbox = make_sandbox(records)
    fetching = make_client(sandbox.url).fetch(record["pmid"] for record in records)
    came = []
    for number, one in enumerate(fetching):
        came.append(one.pmid)
        assert len(sandbox.requests) == 1 + number // BATCH
    assert came == [record["pmid"] for record in records]
    assert fetching.absent == ()


def test_articles_come_as_they_are_and_in_the_order_asked_for(make_sandbox, make_client):
    sandbox = make_sandbox(articles={"101": article(101, title="As it is: 1 &lt; 2")})
    found = list(make_client(sandbox.url).fetch(["102", "101", "102"]))
    assert [one.pmid for one in found] == ["102", "101"]
    assert found[1].raw == article(101, title="As it is: 1 &lt; 2")
    assert found[1].title == "As it is: 1 < 2"


@pytest.mark.parametrize("fault", [*PASSING, "foreign"])
def test_a_batch_that_does_not_come_whole_is_thrown_away_and_fetched_again(make_sandbox, make_client, fault):
    good = list(make_client(make_sandbox().url).fetch(["101", "102"]))
    sandbox = make_sandbox(faults=[fault])
    assert list(make_client(sandbox.url).fetch(["101", "102"])) == good
    assert services(sandbox) == ["efetch", "efetch"]


def test_a_batch_without_a_date_is_as_good_as_any(make_sandbox, make_client):
    sandbox = make_sandbox(faults=["no date"])
    assert len(list(make_client(sandbox.url).fetch(["101"]))) == 1
    assert len(sandbox.requests) == 1


def test_missing_records_are_asked_for_again_singly_and_then_looked_up(make_sandbox, make_client):
    sandbox = make_sandbox(withheld=["103"])
    fetching = make_client(sandbox.url).fetch(["101", "103", "104", "999"])
    assert [one.pmid for one in fetching] == ["101", "104"]
    assert fetching.absent == ("103", "999")
    assert services(sandbox) == ["efetch"] * 3 + ["esummary"]
    assert [request.params["id"] for request in sandbox.requests] == [
        "101,103,104,999",
        "103",
        "999",
        "103,999",
    ]


def test_a_record_that_one_batch_left_out_is_delivered(make_sandbox, make_client):
    sandbox = make_sandbox(faults=["omit"])
    fetching = make_client(sandbox.url).fetch(["101", "102", "103"])
    assert sorted(one.pmid for one in fetching) == ["101", "102", "103"]
    assert fetching.absent == ()
    assert [request.params["id"] for request in sandbox.requests] == ["101,102,103", "101"]


def test_a_record_that_pubmed_holds_and_never_delivers_is_an_error(make_sandbox, make_client):
    sandbox = make_sandbox(undelivered=["103"], withheld=["102"])
    fetching = make_client(sandbox.url).fetch(["101", "102", "103"])
    with pytest.raises(IncompleteAnswer, match=r"PubMed holds 1 records that it did not deliver.*\(103\)"):
        list(fetching)
    with pytest.raises(RuntimeError, match="only after the last article"):
        fetching.absent  # noqa: B018


def test_what_is_absent_is_not_known_before_the_end(make_sandbox, make_client):
    fetching = make_client(make_sandbox().url).fetch(["101", "999"])
    with pytest.raises(RuntimeError, match="only after the last article"):
        fetching.absent  # noqa: B018
    assert next(iter(fetching)).pmid == "101"
    with pytest.raises(RuntimeError):
        fetching.absent  # noqa: B018
    assert len(list(fetching)) == 1
    assert fetching.absent == ("999",)


def test_a_whole_batch_that_is_missing_is_asked_for_once_more_before_its_records_singly(
    row, make_sandbox, make_client
):
    records = many(row, 60)
    pmids = [record["pmid"] for record in records]
    sandbox = make_sandbox(records, arrivals={1: [row(61, "Pain")]}, withheld=pmids[:30])
    fetching = make_client(sandbox.url).fetch([*pmids, "61"])
    assert [one.pmid for one in fetching] == [*pmids[30:], "61"]
    assert len(fetching.absent) == 30
    asked = [request.params["id"].count(",") + 1 for request in sandbox.requests]
    assert asked == [61, 31, *[1] * 30, 30]


def test_a_record_that_comes_twice_is_taken_once(make_sandbox, make_client):
    sandbox = make_sandbox(faults=["twice"])
    assert [one.pmid for one in make_client(sandbox.url).fetch(["101", "102"])] == ["101", "102"]
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize("versions", [(1, 2), (2, 1), (1, 3, 2)])
def test_of_several_versions_of_a_record_the_highest_is_taken(make_session, make_client, versions):
    body = article_set(*(article(101, version=one, title=f"Version {one}") for one in versions))
    (found,) = make_client(URL, session=make_session(body), limiter=NoWait()).fetch(["101"])
    assert found.version == max(versions)
    assert found.title == f"Version {max(versions)}"


def test_two_different_records_under_one_pmid_are_never_taken(make_session, make_client):
    body = article_set(article(101, title="Pain"), article(101, title="Asthma"))
    session = make_session(body)
    with pytest.raises(IncompleteAnswer, match="two different records as 101, 5 times"):
        list(make_client(URL, session=session, limiter=NoWait()).fetch(["101"]))
    assert len(session.sent) == 5


def test_a_record_that_nobody_asked_for_is_never_taken(make_sandbox, make_client):
    sandbox = make_sandbox(faults=["foreign"] * 5)
    with pytest.raises(IncompleteAnswer, match=r"records that nobody asked for \(10\d\), 5 times"):
        list(make_client(sandbox.url).fetch(["101"]))


def test_an_article_that_cannot_be_read_is_named(make_session, make_client):
    body = article_set(article(101).replace(b'<PMID Version="1">101</PMID>', b""))
    with pytest.raises(articles.ArticleError, match="without a PMID"):
        list(make_client(URL, session=make_session(body), limiter=NoWait()).fetch(["101"]))


@pytest.mark.parametrize("wrong", ["PMC101", "", "0101", "-1", "101,102", "123456789", "１０１"])
def test_something_else_than_a_pmid_is_not_sent(make_sandbox, make_client, wrong):
    sandbox = make_sandbox()
    with pytest.raises(EntrezError, match="not a PMID"):
        make_client(sandbox.url).fetch(["101", wrong])
    assert sandbox.requests == []


def test_nothing_to_fetch_asks_nothing(make_sandbox, make_client):
    sandbox = make_sandbox()
    fetching = make_client(sandbox.url).fetch([])
    assert list(fetching) == []
    assert fetching.absent == ()
    assert sandbox.requests == []


def test_only_one_batch_is_held_in_memory(make_session, make_client, monkeypatch):
    # Eight batches of some 0.8 MB each; what is held is measured in Python's own objects.
    import tracemalloc

    monkeypatch.setattr(entrez, "BATCH", 20)
    text = "Pain " * 8000
    pmids = [str(pmid) for pmid in range(1, 8 * 20 + 1)]
    bodies = [
        article_set(*(article(pmid, title=text) for pmid in pmids[start : start + 20]))
        for start in range(0, len(pmids), 20)
    ]
    client = make_client(URL, session=make_session(*bodies), limiter=NoWait())
    tracemalloc.start()
    try:
        assert sum(1 for _ in client.fetch(pmids)) == len(pmids)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # A batch is there as bytes, as text and as articles with their bytes, and the one before it may be.
    assert most < 8 * len(bodies[0])
