"""The sandbox speaks as PubMed does; the requests here are made without the client."""

import io
import json

import pytest
import requests
from Bio import Entrez
from lxml import etree

from livingreview.errors import InputError
from livingreview.search.sandbox import serve

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
