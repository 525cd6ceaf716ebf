"""The client against a sandbox that misbehaves on request."""

import logging
import socket

import pytest

from livingreview.search.entrez import (
    BrokenZero,
    EntrezError,
    IncompleteAnswer,
    Refused,
    TooManyRecords,
    Unreachable,
    _error_in,
    _read_esearch,
)

PASSING = [
    "429", "429 as 200", "500", "502", "503", "html", "backend", "empty",
    "close", "cut chunks", "short body", "half document",
]  # fmt: skip


def test_a_search_returns_all_ids_and_what_provenance_needs(make_sandbox, make_client):
    found = make_client(make_sandbox().url).search("pain[ti]")
    assert found.pmids == ("104", "103", "101")
    assert found.count == 3
    assert found.translation == '"pain"[Title]'
    assert found.searched_at == "2026-11-01T00:00:00+00:00"
    assert found.warnings == ()
    assert found.body.startswith(b"<?xml")


def test_every_request_is_posted_with_tool_and_email_and_without_a_key(make_sandbox, make_client):
    sandbox = make_sandbox()
    client = make_client(sandbox.url, environ={"NCBI_API_KEY": " "})
    client.search("pain[ti]")
    client.fetch(["101"])
    assert [request.method for request in sandbox.requests] == ["POST", "POST"]
    for request in sandbox.requests:
        assert request.params["tool"] == "living-review-test"
        assert request.params["email"] == "test@example.org"
        assert "api_key" not in request.params


def test_a_query_of_6000_characters_is_no_trouble(make_sandbox, make_client):
    query = " OR ".join(["pain[ti]"] * 500)
    assert make_client(make_sandbox().url).search(query).count == 3


@pytest.mark.parametrize("fault", PASSING)
def test_a_passing_fault_is_survived_with_a_pause(make_sandbox, make_client, time, fault):
    sandbox = make_sandbox(faults=[fault])
    assert make_client(sandbox.url).search("pain[ti]").count == 3
    assert len(sandbox.requests) == 2
    assert time.slept[0] >= 1


def test_three_faults_in_a_row_are_survived_with_growing_pauses(make_sandbox, make_client, time):
    sandbox = make_sandbox(faults=["500", "close", "503"])
    assert make_client(sandbox.url).search("pain[ti]").count == 3
    assert [pause for pause in time.slept if pause >= 1] == [1.5, 3.0, 6.0]


def test_a_server_that_never_answers_is_given_up_on_and_asked_again(make_sandbox, make_client):
    sandbox = make_sandbox(faults=["hang"])
    assert make_client(sandbox.url, timeout=(5, 0.5)).search("pain[ti]").count == 3


def test_retry_after_is_honoured_and_spread(make_sandbox, make_client, time):
    make_client(make_sandbox(faults=["429"]).url).search("pain[ti]")
    assert time.slept[0] == 2.5


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


def test_an_address_that_is_none_is_not_tried_again(make_client, time):
    with pytest.raises(EntrezError, match="Check search: base_url"):
        make_client("pubmed").search("pain[ti]")
    assert time.slept == []


def test_a_client_that_keeps_the_rate_is_never_refused(make_sandbox, make_client, time):
    sandbox = make_sandbox(limit_rate=True, clock=time.clock)
    client = make_client(sandbox.url)
    for _ in range(8):
        client.search("pain[ti]")
    assert len(sandbox.requests) == 8


def test_a_bad_key_is_refused_once_and_never_shown(make_sandbox, make_client, caplog):
    caplog.set_level(logging.DEBUG)
    sandbox = make_sandbox()
    with pytest.raises(Refused) as caught:
        make_client(sandbox.url, environ={"NCBI_API_KEY": "very-secret"}).search("pain[ti]")
    assert len(sandbox.requests) == 1
    assert "API key invalid" in str(caught.value)
    assert "very-secret" not in str(caught.value) + caplog.text


def test_a_good_key_is_sent_and_allows_ten_requests_per_second(make_sandbox, make_client, time):
    sandbox = make_sandbox(limit_rate=True, clock=time.clock)
    client = make_client(sandbox.url, environ={"NCBI_API_KEY": "0" * 36})
    for _ in range(12):
        client.search("pain[ti]")
    assert sandbox.requests[0].params["api_key"] == "0" * 36
    assert time.now == pytest.approx(11 * 0.11)


def test_an_error_in_pubmeds_words_is_passed_on_and_not_tried_again(make_sandbox, make_client):
    sandbox = make_sandbox()
    with pytest.raises(Refused, match=r"the field \[gr\]"):
        make_client(sandbox.url).search("x[gr]")
    assert len(sandbox.requests) == 1


def test_a_query_that_the_backend_never_takes_ends_with_its_words(make_sandbox, make_client):
    with pytest.raises(Unreachable, match="Search Backend failed"):
        make_client(make_sandbox().url).search("((")


def test_the_over_window_error_is_read_from_invalid_json_and_not_tried_again():
    body = b'{"esearchresult":{"ERROR":"Search Backend failed: Exception:\n\'retstart\' cannot be larger"}}'
    assert _error_in(body) == "Search Backend failed: Exception: 'retstart' cannot be larger"


def test_an_empty_error_element_is_no_error():
    assert _error_in(b"<eSpellResult><ERROR/></eSpellResult>") is None
    assert _error_in(b"<eSpellResult><ERROR></ERROR></eSpellResult>") is None


def test_9999_records_are_accepted_and_10000_are_a_clear_stop(make_sandbox, make_client):
    many = [{"pmid": str(n), "title": "Pain", "entry_date": "2020-01-01"} for n in range(1, 10_001)]
    assert len(make_client(make_sandbox(many[:9999]).url).search("pain[ti]").pmids) == 9999
    with pytest.raises(TooManyRecords, match=r"holds 10,000 records .* at most 9,999.*Narrow the query"):
        make_client(make_sandbox(many).url).search("pain[ti]")


def test_an_id_list_shorter_than_its_count_is_never_complete(make_sandbox, make_client):
    with pytest.raises(IncompleteAnswer, match="announced 3 records and listed 2"):
        make_client(make_sandbox(faults=["lost id"]).url).search("pain[ti]")


def test_a_dropped_phrase_becomes_a_warning(make_sandbox, make_client):
    found = make_client(make_sandbox().url).search('pain[ti] OR "body battery"[tiab] OR unheard[ti]')
    assert found.count == 3
    assert found.warnings == (
        "term not found and left out: unheard",
        'phrase not found and left out: "body battery"[tiab]',
    )


@pytest.mark.parametrize("query", ["the[tiab] AND pain[ti]", '"no such heading"[mh]'])
def test_a_zero_made_by_a_term_that_cannot_be_looked_up_is_a_fault(make_sandbox, make_client, query):
    with pytest.raises(BrokenZero, match="could not look up"):
        make_client(make_sandbox().url).search(query)


def test_a_legitimate_zero_is_an_answer(make_sandbox, make_client):
    found = make_client(make_sandbox().url).search("pain[ti] AND 1804[dp]")
    assert found.pmids == ()
    assert found.warnings == ("No items found.",)


def test_records_are_fetched_in_batches_of_200(make_sandbox, make_client):
    many = [{"pmid": str(n), "title": "Pain", "entry_date": "2020-01-01"} for n in range(1, 402)]
    sandbox = make_sandbox(many)
    fetched = make_client(sandbox.url).fetch(row["pmid"] for row in many)
    assert len(sandbox.requests) == len(fetched.bodies) == 3
    assert fetched.pmids == tuple(row["pmid"] for row in many)
    assert fetched.not_returned == ()


@pytest.mark.parametrize("fault", PASSING)
def test_a_batch_that_does_not_come_whole_is_thrown_away_and_fetched_again(make_sandbox, make_client, fault):
    good = make_client(make_sandbox().url).fetch(["101", "102"])
    assert make_client(make_sandbox(faults=[fault]).url).fetch(["101", "102"]) == good


def test_missing_records_are_asked_for_once_more_singly_and_then_reported(make_sandbox, make_client):
    sandbox = make_sandbox(withheld=["103"])
    fetched = make_client(sandbox.url).fetch(["101", "103", "104", "999"])
    assert fetched.pmids == ("101", "104")
    assert fetched.not_returned == ("103", "999")
    assert [request.params["id"] for request in sandbox.requests] == ["101,103,104,999", "103", "999"]


def test_nothing_to_fetch_asks_nothing(make_sandbox, make_client):
    sandbox = make_sandbox()
    assert make_client(sandbox.url).fetch([]).bodies == ()
    assert sandbox.requests == []


def test_a_wrong_article_is_never_taken(make_sandbox, make_client):
    with pytest.raises(IncompleteAnswer, match="nobody asked for"):
        make_client(make_sandbox().url).fetch(["PMC101"])


def test_an_unknown_document_type_is_not_looked_for_on_the_network():
    body = (
        b'<?xml version="1.0"?><!DOCTYPE eSearchResult PUBLIC "-//NLM//DTD esearch 20990101//EN"'
        b' "https://dtd.invalid/esearch_990101.dtd">'
        b"<eSearchResult><Count>1</Count><RetMax>1</RetMax><RetStart>0</RetStart><IdList><Id>7</Id></IdList>"
        b"<TranslationSet/><QueryTranslation>x</QueryTranslation></eSearchResult>"
    )
    assert _read_esearch(body)["IdList"] == ["7"]
