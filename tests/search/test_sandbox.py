"""The sandbox speaks as PubMed does; the requests here are made without the client."""

import gzip
import http.client
import io
import json
import random
import re
import string
import threading
import urllib.parse
import urllib.request
from contextlib import redirect_stderr, redirect_stdout

import pandas as pd
import pytest
import requests
from Bio import Entrez
from lxml import etree

import serve_sandbox
from livingreview import tables
from livingreview.errors import InputError
from livingreview.search.sandbox import Sandbox, serve, wire

IDENTITY = {"tool": "living-review-test", "email": "test@example.org"}
COLUMNS = (
    "pmid,doi,title,journal,year,authors,publication_types,mesh_terms,registry_ids,language,entry_date,"
    "entry_date_basis,source"
)


@pytest.fixture
def ask():
    """POSTs to a service of a sandbox and returns the response."""
    with requests.Session() as session:
        session.trust_env = False

        def post(sandbox, service, **params):
            return session.post(f"{sandbox.url}{service}.fcgi", data=IDENTITY | params, timeout=10)

        yield post


@pytest.fixture
def send():
    """Sends bytes as they are and returns all that comes back until the connection ends."""

    def exchange(sandbox, data):
        address = urllib.parse.urlsplit(sandbox.url)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
        connection.connect()
        connection.sock.sendall(data)
        received = b""
        while piece := connection.sock.recv(65536):
            received += piece
        connection.close()
        return received

    return exchange


@pytest.fixture
def call():
    """Any method on any path of a sandbox, below its host."""
    with requests.Session() as session:
        session.trust_env = False

        def request(sandbox, method, path, **options):
            url = urllib.parse.urljoin(sandbox.url, path)
            return session.request(method, url, timeout=10, **options)

        yield request


def search(ask, sandbox, term="pain[ti]", **params):
    """ESearch's result in JSON."""
    return ask(sandbox, "esearch", term=term, retmode="json", **params).json()["esearchresult"]


def delivered(ask, sandbox, **params):
    """PMIDs that EFetch delivers."""
    root = etree.fromstring(ask(sandbox, "efetch", **params).content)
    return [element.text for element in root.iterfind("*/MedlineCitation/PMID")]


@pytest.fixture(scope="module")
def many():
    """10,000 records that match pain[ti]."""
    row = {"entry_date": "2020-01-01", "title": "Pain"}
    return [{"pmid": str(number), **row} for number in range(1, 10_001)]


def test_a_search_answer_has_pubmeds_shape(make_sandbox, ask):
    sandbox = make_sandbox()
    answer = ask(sandbox, "esearch", db="pubmed", term="pain[ti]", retmax="9999", usehistory="y")
    root = etree.fromstring(answer.content)
    assert answer.content.startswith(
        b'<?xml version="1.0" encoding="UTF-8" ?>\n<!DOCTYPE eSearchResult PUBLIC'
    )
    assert [element.tag for element in root] == [
        "Count", "RetMax", "RetStart", "QueryKey", "WebEnv", "IdList", "TranslationSet", "QueryTranslation",
    ]  # fmt: skip
    assert [element.text for element in root.find("IdList")] == ["104", "103", "101"]
    assert answer.headers["Date"] == "Sun, 01 Nov 2026 00:00:00 GMT"
    assert answer.headers["Content-Type"] == "text/xml; charset=UTF-8"


def test_equal_requests_get_equal_bytes_from_different_servers(make_sandbox, ask):
    first, second = make_sandbox(), make_sandbox()
    for service, params in [("esearch", {"term": "pain", "usehistory": "y"}), ("efetch", {"id": "101,102"})]:
        assert ask(first, service, **params).content == ask(second, service, **params).content


def test_records_that_enter_after_the_day_do_not_exist(make_sandbox, ask):
    sandbox = make_sandbox()
    assert b"<Count>0</Count>" in ask(sandbox, "esearch", term="105[uid]").content
    assert b"<PubmedArticle>" not in ask(sandbox, "efetch", db="pubmed", id="105").content


def test_json_holds_numbers_as_strings_and_no_lists_of_faults_when_all_is_well(make_sandbox, ask):
    answer = ask(
        make_sandbox(), "esearch", term="asthma[tiab] OR pain[ti]", retmode="json", retmax="1"
    ).json()
    result = ask(make_sandbox(), "esearch", term="pain[ti]", retmode="json", retmax="1").json()[
        "esearchresult"
    ]
    assert result["count"] == "3"
    assert result["retmax"] == "1"
    assert "errorlist" not in result
    assert answer["header"] == {"type": "esearch", "version": "0.3"}


def test_at_9999_records_all_are_listed_without_a_word(make_sandbox, ask, many):
    content = ask(make_sandbox(many[:9999]), "esearch", term="pain[ti]", retmax="9999").content
    assert content.count(b"<Id>") == 9999
    assert b"WarningList" not in content


@pytest.mark.parametrize("retmax", ["9999", "10000", "100000"])
def test_at_10000_records_one_is_missing_and_the_status_is_still_200(make_sandbox, ask, many, retmax):
    answer = ask(make_sandbox(many), "esearch", term="pain[ti]", retmax=retmax)
    assert answer.status_code == 200
    assert b"<Count>10000</Count><RetMax>9999</RetMax>" in answer.content
    assert b"Restrictions achieved. start and count adjusted to 0, 9999" in answer.content


def test_the_last_page_is_cut_at_the_window(make_sandbox, ask, many):
    content = ask(make_sandbox(many), "esearch", term="pain[ti]", retstart="9998", retmax="10").content
    assert content.count(b"<Id>") == 1
    assert b"start and count adjusted to 9998, 1" in content


def test_beyond_the_window_json_is_invalid_and_xml_has_an_error(make_sandbox, ask, many):
    sandbox = make_sandbox(many)
    answer = ask(sandbox, "esearch", term="pain[ti]", retstart="9999", retmode="json")
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.content)
    error = json.loads(answer.content, strict=False)["esearchresult"]["ERROR"]
    assert error.startswith("Search Backend failed: Exception:\n'retstart' cannot be larger than 9998.")
    xml = ask(sandbox, "esearch", term="pain[ti]", retstart="9999")
    assert etree.fromstring(xml.content).findtext("ERROR") == error


def test_history_is_served_by_key_and_clamped_at_the_window(make_sandbox, ask, many):
    sandbox = make_sandbox(many)
    found = ask(sandbox, "esearch", term="pain[ti]", usehistory="y", retmode="json").json()["esearchresult"]
    where = {"db": "pubmed", "WebEnv": found["webenv"], "query_key": found["querykey"], "retmax": "500"}
    assert ask(sandbox, "efetch", **where, retstart="9500").content.count(b"<PubmedArticle>") == 499
    assert ask(sandbox, "efetch", **where, retstart="9999").status_code == 400


def test_an_expired_environment_is_an_error_with_status_200_or_400(make_sandbox, ask):
    sandbox = make_sandbox()
    answer = ask(sandbox, "efetch", db="pubmed", WebEnv="MCID_bogus", query_key="1")
    assert b"<ERROR>Unable to obtain query #1</ERROR>" in answer.content
    assert b"<!DOCTYPE eEfetchResult" in answer.content
    result = ask(sandbox, "esearch", term="pain", WebEnv="MCID_bogus", retmode="json").json()
    assert result["esearchresult"] == {"ERROR": "Unable to obtain query #1"}


def test_posted_ids_can_be_fetched(make_sandbox, ask):
    sandbox = make_sandbox()
    posted = etree.fromstring(ask(sandbox, "epost", db="pubmed", id="101,102").content)
    content = ask(
        sandbox, "efetch", WebEnv=posted.findtext("WebEnv"), query_key=posted.findtext("QueryKey")
    ).content
    assert content.count(b"<PubmedArticle>") == 2
    assert b"Empty ID list" in ask(sandbox, "epost", db="pubmed", id="").content


def test_an_unknown_tag_is_ignored_and_leaves_two_empty_lists(make_sandbox, ask, rows, as_of):
    result = ask(make_sandbox(), "esearch", term="pain[tiabb]", retmode="json").json()["esearchresult"]
    assert result["count"] == "3"
    assert result["errorlist"] == {"phrasesnotfound": [], "fieldsnotfound": []}


def test_a_dropped_phrase_is_named_while_others_are_found(make_sandbox, ask):
    term = 'pain[ti] OR "body battery"[tiab]'
    result = ask(make_sandbox(), "esearch", term=term, retmode="json").json()["esearchresult"]
    assert result["count"] == "3"
    assert result["warninglist"]["quotedphrasesnotfound"] == ['"body battery"[tiab]']


def test_a_stop_word_empties_the_result(make_sandbox, ask):
    result = ask(make_sandbox(), "esearch", term="the[tiab] AND pain[ti]", retmode="json").json()[
        "esearchresult"
    ]
    assert result["count"] == "0"
    assert result["errorlist"]["phrasesnotfound"] == ["the"]


def test_a_legitimate_zero_says_only_that_nothing_was_found(make_sandbox, ask):
    result = ask(make_sandbox(), "esearch", term="pain[ti] AND 1804[dp]", retmode="json").json()[
        "esearchresult"
    ]
    assert result["count"] == "0"
    assert "errorlist" not in result
    assert result["warninglist"]["outputmessages"] == ["No items found."]
    assert result["querytranslation"].endswith("1804/01/01:1804/12/31[Date - Publication]")


def test_date_parameters_become_part_of_the_translation(make_sandbox, ask):
    dates = {"datetype": "crdt", "mindate": "2026/10", "maxdate": "2026/10"}
    result = ask(make_sandbox(), "esearch", term="pain[ti]", retmode="json", **dates).json()["esearchresult"]
    assert result["idlist"] == ["103"]
    assert result["querytranslation"] == '"pain"[Title] AND 2026/10/01:2026/10/31[Date - Create]'


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"term": "(("}, "Search Backend failed: "),
        ({"term": " "}, "Empty term"),
        ({"term": "x[gr]"}, "Sandbox: the field [gr]"),
        ({"term": "pain", "db": "nothing"}, "Invalid db name specified: nothing"),
    ],
)
def test_a_search_that_cannot_be_carried_out_is_an_error_with_status_200(make_sandbox, ask, params, error):
    answer = ask(make_sandbox(), "esearch", **params)
    assert answer.status_code == 200
    assert etree.fromstring(answer.content).findtext("ERROR").startswith(error)


def test_rettype_count_hides_every_warning(make_sandbox, ask):
    content = ask(make_sandbox(), "esearch", term="the[tiab] AND pain", rettype="count").content
    assert [element.tag for element in etree.fromstring(content)] == ["Count"]


def test_a_request_without_tool_and_email_is_refused_in_the_sandboxs_own_name(make_sandbox):
    url = make_sandbox().url + "esearch.fcgi?term=pain&tool=x"
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(url, timeout=10)
    assert answer.status_code == 400
    assert answer.text == "Sandbox: every request must carry tool and email; email missing\n"


@pytest.mark.parametrize("key", ["", "secret"])
def test_a_bad_key_is_refused_and_echoed(make_sandbox, ask, key):
    answer = ask(make_sandbox(), "esearch", term="pain", api_key=key)
    assert answer.status_code == 400
    assert answer.json()["api-key"] == key


def test_a_long_query_is_refused_by_get_and_taken_by_post(make_sandbox, ask):
    sandbox = make_sandbox()
    term = " OR ".join(["pain[ti]"] * 500)
    with requests.Session() as session:
        session.trust_env = False
        assert session.get(f"{sandbox.url}esearch.fcgi", params={"term": term}, timeout=10).status_code == 414
    assert b"<Count>3</Count>" in ask(sandbox, "esearch", term=term).content


def test_the_fourth_request_within_a_second_is_refused(make_sandbox, ask, time):
    sandbox = make_sandbox(limit_rate=True, clock=time.clock)
    answers = [ask(sandbox, "esearch", term="pain") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[3].headers["Retry-After"] == "2"
    assert answers[3].json()["error"] == "API rate limit exceeded"
    time.now += 1
    assert ask(sandbox, "esearch", term="pain").status_code == 200


def test_unknown_and_lettered_ids_are_treated_as_ncbi_treats_them(make_sandbox, ask):
    sandbox = make_sandbox()
    assert ask(sandbox, "efetch", id="999").content.endswith(b"<PubmedArticleSet></PubmedArticleSet>")
    assert b'<PMID Version="1">101</PMID>' in ask(sandbox, "efetch", id="PMC101").content


def test_an_incomplete_author_list_says_so(make_sandbox, ask):
    root = etree.fromstring(ask(make_sandbox(), "efetch", id="101,102").content)
    assert [element.get("CompleteYN") for element in root.iter("AuthorList")] == ["Y", "N"]


def test_delivered_records_have_the_elements_that_biopythons_copy_of_the_dtd_declares(make_sandbox, ask):
    content = ask(make_sandbox(), "efetch", id="101,102,103,104").content
    articles = Entrez.read(io.BytesIO(content), validate=True)["PubmedArticle"]
    assert [str(article["MedlineCitation"]["PMID"]) for article in articles] == ["101", "102", "103", "104"]
    assert articles[0]["MedlineCitation"]["MeshHeadingList"][0]["QualifierName"][0].attributes == {
        "UI": "",
        "MajorTopicYN": "Y",
    }


def test_what_is_not_served_is_said_plainly(make_sandbox, ask):
    assert "only esearch.fcgi" in ask(make_sandbox(), "elink").text
    assert b"<DbName>pubmed</DbName>" in ask(make_sandbox(), "einfo").content


def test_serve_reads_a_table_and_names_its_faults(tmp_path, as_of):
    corpus = tmp_path / "records.csv"
    corpus.write_text(f"{COLUMNS}\n1,,Example,,,,,,,,2020-01-01,PubMed,test\n")
    with serve(corpus, as_of) as url, requests.Session() as session:
        session.trust_env = False
        assert (
            b"<Id>1</Id>" in session.post(f"{url}esearch.fcgi", data=IDENTITY | {"term": "example"}).content
        )
    corpus.write_text(f"{COLUMNS}\n1,,Example,,,,,,,,soon,PubMed,test\n")
    with pytest.raises(InputError, match="entry_date"), serve(corpus, as_of):
        pass


def test_a_page_without_ids_still_tells_the_count(make_sandbox, ask, many):
    result = search(ask, make_sandbox(many), retmax="0")
    assert (result["count"], result["retmax"], result["idlist"]) == ("10000", "0", [])
    assert "warninglist" not in result
    assert search(ask, make_sandbox(), retstart="9")["idlist"] == []


def test_the_error_beyond_the_window_is_the_recorded_one_to_the_byte(make_sandbox, ask):
    answer = ask(make_sandbox(), "esearch", term="pain[ti]", retstart="9999", retmax="1", retmode="json")
    assert answer.content == (
        b'{"header":{"type":"esearch","version":"0.3"},"esearchresult":{"ERROR":"Search Backend failed: Exception:\n'
        b"'retstart' cannot be larger than 9998. For PubMed, ESearch can only retrieve the first 9,999 records"
        b" matching the query. To obtain more than 9,999 PubMed records, consider using EDirect that contains"
        b" additional logic to batch PubMed search results automatically so that an arbitrary number can be"
        b' retrieved. For details see https://www.ncbi.nlm.nih.gov/books/NBK25499/"}}\n'
    )


def test_a_tag_on_a_group_is_ignored_and_leaves_two_empty_lists(make_sandbox, ask):
    result = search(ask, make_sandbox(), "(pain OR headache)[ti]")
    assert result["count"] == "4"
    assert result["errorlist"] == {"phrasesnotfound": [], "fieldsnotfound": []}


def test_a_phrase_with_an_html_code_is_not_found_and_comes_back_escaped_once_more(make_sandbox, ask):
    result = search(ask, make_sandbox(), '"Example &amp; Sample"[jour]')
    assert result["count"] == "0"
    assert result["querytranslation"] == '"Example &amp; Sample"[jour]'
    assert result["warninglist"]["quotedphrasesnotfound"] == ['"Example &amp;amp; Sample"[jour]']
    assert "errorlist" not in result


def test_good_answers_tell_what_is_left_of_the_second(make_sandbox, ask, time):
    sandbox = make_sandbox(limit_rate=True, clock=time.clock)
    left = [ask(sandbox, "esearch", term="pain").headers["X-RateLimit-Remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    answer = ask(make_sandbox(), "esearch", term="pain", api_key="0" * 36)
    assert (answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]) == ("10", "9")


def test_a_client_of_http_1_0_gets_no_chunks(make_sandbox, send):
    sandbox = make_sandbox()
    query = urllib.parse.urlencode(IDENTITY | {"term": "pain[ti]"})
    path = urllib.parse.urlsplit(sandbox.url).path
    received = send(sandbox, f"GET {path}esearch.fcgi?{query} HTTP/1.0\r\n\r\n".encode())
    assert b"chunked" not in received
    etree.fromstring(received.partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize(
    ("order", "pmids"),
    [
        ("uid", ["104", "103", "101"]),
        ("date", ["101", "104", "103"]),
    ],
)
def test_ids_come_in_the_order_that_was_asked_for(make_sandbox, ask, rows, order, pmids):
    rows[0]["entry_date"] = "2026-11-01"
    rows[3]["entry_date"] = "2026-10-31"
    assert search(ask, make_sandbox(rows, order=order))["idlist"] == pmids


def test_a_shuffled_list_is_in_no_order_and_always_in_the_same(make_sandbox, ask, many):
    first, second = (
        search(ask, make_sandbox(many[:50], order="shuffled"), retmax="50")["idlist"] for _ in range(2)
    )
    assert first == second
    assert sorted(first, key=int) not in (first, first[::-1])
    assert len(set(first)) == 50


def test_a_withheld_record_is_found_and_neither_delivered_nor_summarised(make_sandbox, ask):
    sandbox = make_sandbox(withheld=["101"])
    assert "101" in search(ask, sandbox)["idlist"]
    assert delivered(ask, sandbox, id="101,103") == ["103"]
    content = ask(sandbox, "esummary", id="101,103").content
    assert b"<ERROR>UID=101: cannot get document summary</ERROR>" in content
    assert b"<Id>103</Id>" in content


def test_an_undelivered_record_is_found_and_summarised(make_sandbox, ask):
    sandbox = make_sandbox(undelivered=["101"])
    assert "101" in search(ask, sandbox)["idlist"]
    assert delivered(ask, sandbox, id="101,103") == ["103"]
    assert b"ERROR" not in ask(sandbox, "esummary", id="101").content


def test_records_arrive_and_depart_between_two_requests(make_sandbox, ask, row):
    late = row(110, "Late pain", entry_date="2026-11-01")
    sandbox = make_sandbox(arrivals={1: [late]}, departures={2: ["103"], 3: ["104"]})
    lists = [search(ask, sandbox, usehistory="y")["idlist"] for _ in range(4)]
    assert lists == [
        ["104", "103", "101"],
        ["110", "104", "103", "101"],
        ["110", "104", "101"],
        ["110", "101"],
    ]


def test_a_record_that_departed_leaves_a_gap_in_a_stored_result(make_sandbox, ask):
    sandbox = make_sandbox(departures={1: ["103"]})
    found = search(ask, sandbox, usehistory="y")
    where = {"WebEnv": found["webenv"], "query_key": found["querykey"]}
    assert delivered(ask, sandbox, **where) == ["104", "101"]
    assert delivered(ask, sandbox, **where, retstart="1", retmax="1") == []


def test_an_arrival_with_a_known_pmid_is_a_revision(make_sandbox, ask, rows):
    revised = rows[0] | {"title": "Retracted: an example", "notices": "RetractionIn:104", "version": 2}
    sandbox = make_sandbox(arrivals={1: [revised]})
    assert b"Retracted" not in ask(sandbox, "efetch", id="101").content
    assert b'RefType="RetractionIn"' in ask(sandbox, "efetch", id="101").content
    assert search(ask, sandbox)["idlist"] == ["104", "103"]


def test_raw_articles_are_delivered_to_the_byte_and_found_by_their_rows(make_sandbox, ask):
    book = "<PubmedBookArticle><BookDocument><PMID Version='1'>101</PMID>é</BookDocument></PubmedBookArticle>"
    sandbox = make_sandbox(articles={"101": book.encode()})
    assert book.encode() in ask(sandbox, "efetch", id="101,103").content
    assert delivered(ask, sandbox, id="101,103") == ["103"]
    assert "101" in search(ask, sandbox)["idlist"]
    assert b"<Id>101</Id>" in ask(sandbox, "esummary", id="101").content


def test_history_can_expire_at_once(make_sandbox, ask):
    sandbox = make_sandbox(expire_history=True)
    found = search(ask, sandbox, usehistory="y")
    where = {"WebEnv": found["webenv"], "query_key": found["querykey"]}
    assert b"<ERROR>Unable to obtain query #1</ERROR>" in ask(sandbox, "efetch", **where).content
    assert b"<ERROR>Unable to obtain query #1</ERROR>" in ask(sandbox, "esummary", **where).content
    assert search(ask, sandbox, WebEnv=found["webenv"]) == {"ERROR": "Unable to obtain query #1"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": "random"}, "found 'random'; allowed: uid, date, shuffled"),
        ({"articles": {"999": b"<PubmedArticle></PubmedArticle>"}}, "an article without a row; found '999'"),
        ({"articles": {"101": b"<PubmedArticleSet/>"}}, "the article of 101 is not one PubmedArticle"),
        ({"arrivals": {1: [{"pmid": "110", "entry_date": "2026-11-02"}]}}, "arrives after the sandbox's day"),
    ],
)
def test_options_without_an_effect_are_refused(make_sandbox, options, message):
    with pytest.raises(InputError, match=message):
        make_sandbox(**options)


def test_a_summary_has_what_biopythons_copy_of_the_dtd_declares(make_sandbox, ask, rows):
    sandbox = make_sandbox([rows[0] | {"abstract": "Example.", "pmcid": "PMC0000001"}, *rows[1:]])
    content = ask(sandbox, "esummary", id="101,102").content
    first, second = Entrez.read(io.BytesIO(content), validate=True)
    assert first["Id"] == "101"
    assert first["Title"] == rows[0]["title"]
    assert first["AuthorList"] == ["Example AB", "Sample C"]
    assert first["LangList"] == ["English"]
    identifiers = {"medline": [], "pubmed": ["101"], "doi": "10.1000/Example.1", "pmc": "PMC0000001"}
    assert first["ArticleIds"] == identifiers
    assert (first["History"]["pubmed"], first["History"]["entrez"]) == (
        ["2015/03/04 00:00"],
        "2015/03/04 00:00",
    )
    assert (first["HasAbstract"], second["HasAbstract"]) == (1, 0)


def test_a_summary_in_json_names_what_it_does_not_hold(make_sandbox, ask, rows):
    answer = ask(make_sandbox(), "esummary", id="102,999", retmode="json").json()
    assert answer["header"] == {"type": "esummary", "version": "0.3"}
    assert answer["result"]["uids"] == ["102", "999"]
    assert answer["result"]["102"]["title"] == rows[1]["title"]
    assert answer["result"]["102"]["articleids"][1]["value"] == "10.1000/example.2"
    assert answer["result"]["999"] == {"uid": "999", "error": "cannot get document summary"}


def test_500_summaries_are_the_most_in_json_and_not_in_xml(make_sandbox, ask):
    sandbox = make_sandbox()
    ids = [",".join(str(number) for number in range(1, last + 1)) for last in (500, 501)]
    assert len(ask(sandbox, "esummary", id=ids[0], retmode="json").json()["result"]["uids"]) == 500
    assert ask(sandbox, "esummary", id=ids[1], retmode="json").json() == {
        "header": {"type": "esummary", "version": "0.3"},
        "error": "Too many UIDs in request. Maximum number of UIDs is 500 for JSON format output.",
    }
    assert ask(sandbox, "esummary", id=ids[1]).content.count(b"<ERROR>UID=") == 497


def test_a_summary_of_nothing_or_of_no_number_is_an_error(make_sandbox, ask):
    sandbox = make_sandbox()
    root = etree.fromstring(ask(sandbox, "esummary").content)
    assert [element.text for element in root] == ["Neither query_key nor id specified"]
    root = etree.fromstring(ask(sandbox, "esummary", id="abc,101").content)
    assert root.findtext("ERROR") == "Invalid uid abc at position= 0"
    assert root.findtext("DocSum/Id") == "101"
    assert "1.0 only" in ask(sandbox, "esummary", id="101", version="2.0").text
    expired = ask(sandbox, "esummary", WebEnv="MCID_bogus", query_key="3", retmode="json").json()
    assert expired == {"esummaryresult": ["Unable to obtain query #3"]}


def test_a_stored_result_is_summarised_by_key(make_sandbox, ask):
    sandbox = make_sandbox()
    found = search(ask, sandbox, usehistory="y")
    where = {"WebEnv": found["webenv"], "query_key": found["querykey"]}
    content = ask(sandbox, "esummary", **where, retstart="1").content
    assert re.findall(rb"<Id>(\d+)</Id>", content) == [b"103", b"101"]


def test_results_posted_to_one_environment_get_keys_in_turn(make_sandbox, ask):
    sandbox = make_sandbox()
    found = search(ask, sandbox, usehistory="y")
    posted = etree.fromstring(ask(sandbox, "epost", id="102", WebEnv=found["webenv"]).content)
    assert (posted.findtext("WebEnv"), posted.findtext("QueryKey")) == (found["webenv"], "2")
    assert delivered(ask, sandbox, WebEnv=found["webenv"], query_key="2") == ["102"]


def test_invalid_ids_of_epost_are_omitted_with_a_word(make_sandbox, ask):
    posted = etree.fromstring(ask(make_sandbox(), "epost", id="101,x,99999999999999999999").content)
    assert posted.findtext("ERROR").startswith("Some IDs have invalid value and were omitted.")
    assert posted.findtext("QueryKey") == "1"
    posted = etree.fromstring(ask(make_sandbox(), "epost", id="x").content)
    assert [element.tag for element in posted] == ["ERROR", "ERROR"]


def test_a_list_of_ids_can_be_fetched_as_text_or_xml(make_sandbox, ask):
    sandbox = make_sandbox()
    assert ask(sandbox, "efetch", id="101,102", rettype="uilist", retmode="text").text == "101\n102\n"
    assert b"<Id>102</Id>" in ask(sandbox, "efetch", id="101,102", rettype="uilist").content
    refused = ask(sandbox, "efetch", id="101", rettype="medline", retmode="text")
    assert refused.status_code == 400
    assert "Sandbox: EFetch answers in XML" in refused.text


@pytest.mark.parametrize("term", ["{} AND {}[UID]", "({}) AND {}[UID]", "a OR ({} AND {}[UID])"])
@pytest.mark.parametrize("query", ["pain[ti]", "pain[ti] AND zzz[ti]", "zzz[ti]", 'pain[ti] OR "z z"[ti]'])
def test_a_range_of_pmids_narrows_a_query_as_any_other_term_does(make_sandbox, ask, term, query):
    ranged = search(ask, make_sandbox(), term.format(query, "102:103"))
    listed = search(ask, make_sandbox(), term.format(query, "(102[UID] OR 103[UID])").replace(")[UID]", ")"))
    for key in ("count", "idlist", "errorlist", "warninglist"):
        assert ranged.get(key) == listed.get(key)


@pytest.mark.parametrize("query", ["pain[ti]", "pain[ti] OR zzz[ti]", "zzz[ti]", "pain[ti] AND therapy[ti]"])
def test_a_range_of_days_narrows_a_query_wherever_it_stands(make_sandbox, ask, query):
    days = "2026/10/31:2026/12/31[crdt]"
    behind, before = (
        search(ask, make_sandbox(), f"{one} AND {two}")
        for one, two in [(f"({query})", days), (days, f"({query})")]
    )
    assert (behind["count"], behind["idlist"]) == (before["count"], before["idlist"])
    assert behind.get("errorlist") == before.get("errorlist")


def test_ranges_of_pmids_tile_a_large_result(make_sandbox, ask, many):
    sandbox = make_sandbox(many)
    pmids = []
    for low in range(1, 10_001, 2500):
        result = search(ask, sandbox, f"(pain[ti]) AND {low}:{low + 2499}[UID]", retmax="9999")
        assert result["querytranslation"] == f'"pain"[Title] AND {low}:{low + 2499}[UID]'
        pmids += result["idlist"]
    assert len(pmids) == len(set(pmids)) == 10_000


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_get_and_head_are_answered(make_sandbox, call, method):
    sandbox = make_sandbox()
    answer = call(sandbox, method, "esearch.fcgi", params=IDENTITY | {"term": "pain[ti]"})
    assert answer.status_code == 200
    assert bool(answer.content) == (method == "GET")
    assert [request.method for request in sandbox.requests] == [method]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_not_allowed(make_sandbox, call, method):
    sandbox = make_sandbox()
    answer = call(sandbox, method, "esearch.fcgi", data={"term": "pain"})
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, POST")
    assert sandbox.requests == []


def test_a_form_in_parts_is_read_like_any_other(make_sandbox, call):
    sandbox = make_sandbox()
    form = {name: (None, value) for name, value in (IDENTITY | {"term": "pain & é[ti]"}).items()}
    assert call(sandbox, "POST", "esearch.fcgi", files=form).status_code == 200
    assert sandbox.requests[0].params["term"] == "pain & é[ti]"


def test_repeated_parameters_are_joined_by_commas(make_sandbox, call):
    sandbox = make_sandbox()
    query = urllib.parse.urlencode([*IDENTITY.items(), ("id", "101"), ("id", "102")])
    assert call(sandbox, "GET", f"efetch.fcgi?{query}").content.count(b"<PubmedArticle>") == 2
    assert sandbox.requests[0].params["id"] == "101,102"


def test_a_body_beyond_the_limit_is_refused(make_sandbox, call, monkeypatch):
    monkeypatch.setattr(wire, "LARGEST_BODY", 200_000)
    sandbox = make_sandbox()
    assert call(sandbox, "POST", "esearch.fcgi", data="x" * 300_000).status_code == 413
    assert call(sandbox, "POST", "esearch.fcgi", data="x" * 3000).status_code == 400
    assert [request.params for request in sandbox.requests] == [{"x" * 3000: ""}]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (b"Content-Length: -5", 400),
        (b"Content-Length: 5x", 400),
        (b"Content-Length: 99999999999999999999999", 400),
        (b"Transfer-Encoding: chunked", 411),
        (b"X: " + b"y" * 70_000, 431),
        (b"\r\n".join(b"X-%d: 1" % number for number in range(200)), 431),
    ],
)
def test_a_malformed_request_gets_an_answer(make_sandbox, ask, send, headers, status):
    sandbox = make_sandbox()
    received = send(sandbox, b"POST /entrez/eutils/esearch.fcgi HTTP/1.1\r\n" + headers + b"\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 %d " % status)
    assert ask(sandbox, "esearch", term="pain").status_code == 200


def test_half_a_request_is_not_taken_for_a_whole_one(make_sandbox):
    sandbox = make_sandbox()
    address = urllib.parse.urlsplit(sandbox.url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
    connection.connect()
    connection.sock.sendall(
        b"POST /entrez/eutils/esearch.fcgi HTTP/1.1\r\nContent-Length: 99\r\n\r\nterm=pain"
    )
    connection.sock.shutdown(1)
    assert connection.sock.recv(100) == b""
    connection.close()
    assert sandbox.requests == []


def test_a_client_that_never_asks_does_not_keep_the_sandbox_open(rows, as_of):
    with Sandbox(rows, as_of) as sandbox:
        address = urllib.parse.urlsplit(sandbox.url)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
        connection.connect()
        connection.sock.sendall(b"GET /entrez")
    connection.close()


ODD = [
    "pain\x00\x01\x1f[ti]",
    "\ud800 \ufffe \U0001f4a5",
    "<b>&amp;]]>--><![CDATA[",
    "\r\n\t",
    "a" * 5000,
    "(" * 3000,
    "NOT " * 50,
    "²:³[UID]",
    f"1:{'9' * 6000}[UID]",
    "0000[dp]",
    "9999/99/99[crdt]",
    '"last 99999999999999 days"[crdt]',
    "*",
    '""[ti]',
    "[ti]",
    "OR",
]


@pytest.mark.parametrize("term", ODD, ids=range(len(ODD)))
@pytest.mark.parametrize("retmode", ["xml", "json"])
def test_any_term_gets_a_well_formed_answer(make_sandbox, call, term, retmode):
    body = urllib.parse.urlencode(IDENTITY | {"term": term, "retmode": retmode}, errors="surrogatepass")
    answer = call(make_sandbox(), "POST", "esearch.fcgi", data=body)
    assert answer.status_code == 200
    if retmode == "json":
        json.loads(answer.content)
    else:
        etree.fromstring(answer.content)


@pytest.mark.parametrize("service", ["esearch", "efetch", "esummary", "epost", "einfo"])
def test_odd_numbers_get_a_well_formed_answer(make_sandbox, ask, service):
    sandbox = make_sandbox()
    for name in ("retstart", "retmax", "query_key", "reldate", "mindate", "id", "version"):
        for value in ("-1", "1e3", "²", "9" * 5000, "", "0x10", "1.5", "NaN", "9998"):
            params = {"term": "pain", "WebEnv": "", "maxdate": "2020", name: value}
            answer = ask(sandbox, service, **params)
            assert answer.status_code in (200, 400)
            etree.fromstring(answer.content)


def test_random_requests_never_break_it(make_sandbox, send, ask):
    sandbox = make_sandbox(control=True)
    source = random.Random(5)
    characters = string.printable + "%%%%&&==++\x00é\ud7ff"
    for _ in range(150):
        noise = "".join(source.choices(characters, k=source.randrange(60)))
        service = source.choice(["esearch", "efetch", "esummary", "epost", "einfo", "", "../x"])
        path = source.choice(["/entrez/eutils/", "/sandbox/", "/"])
        query = f"tool=x&email=y&term={noise}&id={noise}&WebEnv={noise}".encode().replace(b" ", b"%20")
        line = b"GET %s%s.fcgi?%s HTTP/1.1\r\n\r\n" % (path.encode(), service.encode(), query)
        received = send(sandbox, line)
        assert received
        assert b"fault of its own" not in received
    assert ask(sandbox, "esearch", term="pain").status_code == 200


def test_a_fault_of_the_sandbox_itself_is_an_answer_that_says_so(make_sandbox, ask):
    sandbox = make_sandbox()
    sandbox.faults.append("never heard of")
    answer = ask(sandbox, "esearch", term="pain")
    assert answer.status_code == 500
    assert answer.text.startswith("Sandbox: a fault of its own, InputError: ")
    assert "there is no such fault; found 'never heard of'" in answer.text


def test_answers_are_compressed_for_clients_that_take_it(make_sandbox, call):
    sandbox = make_sandbox()
    query = IDENTITY | {"term": "pain[ti]"}
    plain = call(sandbox, "GET", "esearch.fcgi", params=query, headers={"Accept-Encoding": "identity"})
    zipped = call(sandbox, "GET", "esearch.fcgi", params=query, stream=True)
    assert "Content-Encoding" not in plain.headers
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert zipped.headers["Transfer-Encoding"] == "chunked"
    assert gzip.decompress(zipped.raw.read(decode_content=False)) == plain.content


def test_control_is_off_unless_it_was_asked_for(make_sandbox, call):
    sandbox = make_sandbox()
    for method, what in [("POST", "faults"), ("GET", "requests"), ("DELETE", "requests")]:
        assert call(sandbox, method, f"/sandbox/{what}", data="[]").status_code == 403


def test_faults_are_set_shown_and_cleared_from_outside(make_sandbox, call, ask):
    sandbox = make_sandbox(control=True)
    assert call(sandbox, "POST", "/sandbox/faults", data='["500", null, "omit"]').json() == [
        "500",
        None,
        "omit",
    ]
    assert ask(sandbox, "esearch", term="pain").status_code == 500
    assert call(sandbox, "GET", "/sandbox/faults").json() == [None, "omit"]
    assert call(sandbox, "DELETE", "/sandbox/faults").json() == []
    assert delivered(ask, sandbox, id="101,102") == ["101", "102"]


def test_requests_are_listed_and_forgotten_from_outside(make_sandbox, call, ask):
    sandbox = make_sandbox(control=True)
    ask(sandbox, "esearch", term="pain é")
    assert call(sandbox, "GET", "/sandbox/requests").json() == [
        {"method": "POST", "service": "esearch.fcgi", "params": IDENTITY | {"term": "pain é"}}
    ]
    assert call(sandbox, "DELETE", "/sandbox/requests").json() == []
    assert call(sandbox, "GET", "/sandbox/requests").json() == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('["nonsense"]', "there is no such fault; found 'nonsense'; allowed: 429,"),
        ('"429"', "found '429'; allowed: a list of names"),
        ("429", "allowed: a list of names"),
        ('{"429": 1, "x": 2}', "found 'x'"),
        ("[[]]", "there is no such fault; found []"),
        ("not json", "this is not JSON"),
        ("[" * 100_000, "this is not a list of names"),
        (b"\xff\xff", "this is not JSON"),
    ],
)
def test_what_is_no_list_of_faults_is_refused_and_changes_nothing(make_sandbox, call, body, message):
    sandbox = make_sandbox(control=True, faults=["500"])
    answer = call(sandbox, "POST", "/sandbox/faults", data=body)
    assert answer.status_code == 400
    assert message in answer.text
    assert list(sandbox.faults) == ["500"]


@pytest.mark.parametrize(("method", "what"), [("PUT", "faults"), ("POST", "requests"), ("GET", "records")])
def test_control_names_what_there_is(make_sandbox, call, method, what):
    answer = call(make_sandbox(control=True), method, f"/sandbox/{what}")
    assert answer.status_code == 404
    assert "/sandbox/faults (GET, POST, DELETE)" in answer.text


@pytest.fixture
def corpus(tmp_path, rows):
    path = tmp_path / "corpus.csv"
    tables.write(pd.DataFrame(rows)[tables.columns("sandbox_records")], path)
    return str(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--fault", "nonsense"], "invalid choice: 'nonsense' (choose from"),
        (["--order", "random"], "invalid choice: 'random'"),
        (["--as-of", "soon"], "'soon' is not a day; write YYYY-MM-DD"),
        (["--port", "70000"], "'70000' is not a port"),
        (["--withhold", "PMC1"], "'PMC1' is not a PMID"),
        (["--withhold", "999"], "there is no such record; found '999'"),
        (["--undeliver", "999"], "there is no such record; found '999'"),
        (["--corpus", "nowhere.csv"], "nowhere.csv: there is no such file"),
    ],
)
def test_a_bad_option_is_named_and_nothing_is_served(corpus, options, message):
    given = ["--as-of", "2026-11-01", "--port", "0", "--corpus", corpus, *options]
    with redirect_stderr(io.StringIO()) as said:
        try:
            status = serve_sandbox.main(given)
        except SystemExit as end:
            status = end.code
    assert status == 2
    assert message in said.getvalue()


def test_a_port_in_use_is_named(corpus, make_sandbox):
    port = str(urllib.parse.urlsplit(make_sandbox().url).port)
    with redirect_stderr(io.StringIO()) as said:
        assert serve_sandbox.main(["--as-of", "2026-11-01", "--port", port, "--corpus", corpus]) == 2
    assert "in use" in said.getvalue()


def test_the_command_serves_what_its_options_say(corpus, call, ask):
    stop = threading.Event()
    given = ["--as-of", "2026-11-01", "--port", "0", "--corpus", corpus, "--control", "--no-limit-rate"]
    given += ["--withhold", "101", "--undeliver", "102", "103", "--order", "shuffled"]
    given += ["--fault", "500", "none", "--fault", "omit"]
    out = io.StringIO()
    with redirect_stdout(out):
        server = threading.Thread(target=serve_sandbox.main, args=(given,), kwargs={"stop": stop})
        server.start()
        while "Stop with" not in out.getvalue() and server.is_alive():
            stop.wait(0.01)
    served = type("Served", (), {"url": re.search(r"http://127\S+/eutils/", out.getvalue())[0]})
    assert call(served, "GET", "/sandbox/faults").json() == ["500", None, "omit"]
    call(served, "DELETE", "/sandbox/faults")
    assert search(ask, served)["idlist"] == ["101", "103", "104"]
    assert delivered(ask, served, id="101,102,103,104") == ["104"]
    assert [ask(served, "einfo").status_code for _ in range(12)] == [200] * 12
    stop.set()
    server.join()


def test_the_guides_example_brings_biopython_here(root, make_sandbox, monkeypatch):
    sandbox = make_sandbox()
    guide = (root / "docs" / "sandbox.md").read_text(encoding="utf-8")
    (example,) = (code for code in re.findall(r"```python\n(.*?)```", guide, re.S) if "Entrez" in code)
    host = sandbox.url.removesuffix(wire.PATH)
    monkeypatch.setattr(urllib.request, "_opener", None)
    monkeypatch.setattr(Entrez, "email", None)
    with redirect_stdout(io.StringIO()) as out:
        exec(example.replace("http://127.0.0.1:8765", host).replace("internet*", "pain"), {})
    assert "'Count': '3'" in out.getvalue()
    assert sandbox.requests[0].params["tool"] == "biopython"


@pytest.mark.parametrize("abstract", ["Zebra crossing", [("METHODS", "A zebra crossing."), ("", "B.")]])
@pytest.mark.parametrize("keywords", ["relief; example", ["relief", "example"]])
def test_abstracts_and_keywords_are_searched_in_either_form(make_sandbox, ask, rows, abstract, keywords):
    sandbox = make_sandbox([rows[0] | {"abstract": abstract, "keywords": keywords}, *rows[1:]])
    assert search(ask, sandbox, '"zebra crossing"[tiab] AND relief[ot]')["idlist"] == ["101"]
    assert b"<Keyword " in ask(sandbox, "efetch", id="101").content


@pytest.mark.parametrize("service", ["esearch", "efetch", "esummary", "epost", "einfo"])
def test_another_database_is_an_error_of_every_service(make_sandbox, ask, service):
    answer = ask(make_sandbox(), service, db="nothing", term="pain", id="101")
    assert etree.fromstring(answer.content).findtext("ERROR") == "Invalid db name specified: nothing"
