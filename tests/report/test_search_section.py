"""The section on the search: each of its sentences says what the data say, in every case that can occur."""

import re

import example
import pytest
from lxml import html

from livingreview.report import pages, search
from livingreview.screening import decisions as ledger
from livingreview.search.content import NOTICES_ON_ORIGINALS, PARTS
from livingreview.search.events import ALERTS, OF_PARTS

HOSTILE = "<script>alert('x')</script> & \"quotes\""


def section(context):
    return search.search(context)


def text_of(element):
    return re.sub(r"\s+", " ", element.text_content()).strip()


def shown(context):
    """What a reader reads in the section."""
    tree = html.document_fromstring(pages.build(context))
    return text_of(tree.get_element_by_id("search"))


@pytest.fixture
def context():
    return example.context()


@pytest.fixture
def latest(context):
    """The provenance of this run, to be changed."""
    return context["provenances"][-1]


def fact(context, label):
    return dict(section(context)["items"])[label]


@pytest.mark.parametrize(
    ("query", "limits"),
    [
        ("pain[ti] AND english[la]", ['"english"[Language]']),
        (
            'pain[ti] AND ("2015/01/01"[dp] : "3000"[dp]) AND trial[pt]',
            ["2015/01/01:3000/12/31[Date - Publication]", '"trial"[Publication Type]'],
        ),
        ("pain[ti] AND (english[la] OR german[la])", ['"english"[Language] OR "german"[Language]']),
        ("(pain[ti] AND english[la]) AND web[tiab]", ['"english"[Language]']),
        ("pain[ti] NOT review[pt]", ['NOT "review"[Publication Type]']),
        ("pain[ti] NOT (rats[tiab] OR review[pt])", ['NOT "review"[Publication Type]']),
    ],
)
def test_what_every_record_must_or_must_not_be_is_a_limit(context, latest, query, limits):
    latest["query"] = query
    n = f"{len(limits)} limit{'s' if len(limits) > 1 else ''}"
    assert fact(context, "Limits") == f"{n} in the query: {'; '.join(limits)}."


@pytest.mark.parametrize(
    "query",
    [
        "pain[ti] AND web[tiab]",
        "pain[ti] OR english[la]",
        "pain[ti] AND (web[tiab] OR trial[pt])",
        "pain[ti] NOT (rats[tiab] AND review[pt])",
    ],
)
def test_what_a_record_may_fulfil_in_another_way_is_no_limit(context, latest, query):
    latest["query"] = query
    assert fact(context, "Limits") == "None: neither by date nor by language, publication type or filter."


def test_a_query_of_an_old_run_that_cannot_be_read_any_more_says_so(context, latest):
    latest["query"] = "pain[ti] AND ("
    assert fact(context, "Limits") == "The query could not be read."


def test_source_date_updates_records_and_deduplication_are_named(context):
    context["pairs"] = []
    items = dict(section(context)["items"])
    assert items["Database"] == "the bundled sandbox, a stand-in for PubMed"
    assert items["Date of this search"] == "1 November 2026 (2026-11-01T00:00:00+00:00)"
    assert items["Updates"].startswith("The whole query is run again every month;")
    assert items["Records in all"] == (
        "2 records from all searches and imports after 1 duplicate, 1 of them from other sources than PubMed."
    )
    assert items["Deduplication"].endswith("No pair is uncertain.")


def test_pubmed_itself_is_named_with_its_address(context, latest):
    latest["base_url"] = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"
    context["config"]["living"]["search_every_months"] = 3
    assert "eutils.ncbi.nlm.nih.gov" in fact(context, "Database")
    assert "run again every three months" in fact(context, "Updates")


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        (["duplicate"], "One uncertain pair waits for a person; none was merged."),
        (["duplicate"] * 2, "Two uncertain pairs wait for a person; none was merged."),
        (["companion"], "No pair is uncertain."),
    ],
)
def test_pairs_that_may_be_one_record_are_counted_apart_from_those_of_one_trial(context, kinds, said):
    context["pairs"] = [example.pair("1", str(n), kind) for n, kind in enumerate(kinds, start=2)]
    assert fact(context, "Deduplication").endswith(said)


def test_a_complete_answer_says_so_in_one_sentence(context):
    assert section(context)["complete"] == (
        "The service announced 209 records and listed 209 in one part; 209 were delivered, none is missing."
    )


def test_records_that_the_service_lists_and_does_not_hold_are_told(context, latest):
    latest |= {"absent": ["7", "8"], "n_fetched": 207, "parts": latest["parts"] * 3}
    assert section(context)["complete"] == (
        "The service announced 209 records and listed 209 in three parts; 207 were delivered, and two records"
        " that it lists it does not hold (asked for twice, and looked up)."
    )


def test_the_sums_are_all_printed(context, latest):
    latest |= {"absent": ["7"], "n_fetched": 208}
    latest["known"] |= {"gone": 3, "not_asked": 4, "not_found": 5}
    assert [(row["label"], row["n"]) for row in section(context)["proof"]] == [
        ("Announced by the service", "209"),
        ("Listed, each PMID once", "209"),
        ("Delivered whole", "208"),
        ("Listed and not held by the service", "1"),
        ("Known before, of all searches", "200"),
        ("of these unchanged", "199"),
        ("of these changed", "1"),
        ("of these gone from PubMed", "3"),
        ("of these not asked for", "4"),
        ("Known before and not found by this search", "5"),
    ]


def test_new_records_are_told_by_how_they_arrived(context, latest):
    assert section(context)["arrivals"] == [
        {"label": "entered PubMed since the last search", "n": "7"},
        {"label": "were in PubMed already and match the query only now", "n": "2"},
    ]
    latest["arrivals"] = {}
    assert section(context)["arrivals"] == []
    assert "No record of PubMed is new this month." in shown(context)


def test_every_way_of_arriving_has_words(context, latest):
    latest["arrivals"] = dict.fromkeys(search.ARRIVALS, 1)
    assert len(section(context)["arrivals"]) == 5


@pytest.mark.parametrize(
    ("missed", "n_new", "said"),
    [
        ({"since": None, "entry_date": 0, "create_date": 0}, 9, ""),
        ({"since": "2026-10-01", "entry_date": 0, "create_date": 0}, 0, ""),
        (
            {"since": "2026-10-01", "entry_date": 0, "create_date": 0},
            9,
            "A search limited to records entered since 1 October 2026 would have found the same new records.",
        ),
        (
            {"since": "2026-10-01", "entry_date": 1, "create_date": 0},
            9,
            "A search limited to the dates since 1 October 2026 would have missed one of them by PubMed’s"
            " entry date and none by its create date.",
        ),
        (
            {"since": "2026-10-01", "entry_date": 0, "create_date": 12},
            19,
            "A search limited to the dates since 1 October 2026 would have missed none of them by PubMed’s"
            " entry date and 12 by its create date.",
        ),
    ],
    ids=["first search", "nothing new", "the same", "one", "many"],
)
def test_what_a_search_by_dates_would_have_missed_is_said(context, latest, missed, n_new, said):
    latest |= {"missed_by_date_window": missed, "n_new": n_new}
    assert section(context)["window"] == said


def missing(*pmids):
    return [
        {"record_id": pmid, "pmid": pmid, "title": f"Example {pmid}", "reason": "no longer found"}
        for pmid in pmids
    ]


@pytest.mark.parametrize(
    ("sentinels", "said"),
    [
        (
            {"n": 0, "missing": [], "without_pmid": 0},
            "No included study has a record in PubMed, so there is nothing to test the search with.",
        ),
        (
            {"n": 7, "missing": [], "without_pmid": 1},
            "All 7 included records that have a PMID are found by the query. One included record came from"
            " other sources and has no PMID, so the search cannot be held against it.",
        ),
        (
            {"n": 7, "missing": missing("5"), "without_pmid": 0},
            "One of 7 included records that have a PMID is not found by the query; it may need mending.",
        ),
        (
            {"n": 7, "missing": missing("5", "6"), "without_pmid": 3},
            "Two of 7 included records that have a PMID are not found by the query; it may need mending."
            " Three included records came from other sources and have no PMID, so the search cannot be held"
            " against them.",
        ),
    ],
    ids=["none", "all found", "one missing", "some missing"],
)
def test_included_records_test_the_search(context, sentinels, said):
    context["status"]["sentinels"] = sentinels
    found = section(context)["sentinels"]
    assert found["text"] == said
    assert [row["pmid"] for row in found["missing"]] == [row["pmid"] for row in sentinels["missing"]]


def test_a_single_included_record_is_not_spoken_of_as_many(context):
    context["status"]["sentinels"] = {"n": 1, "missing": [], "without_pmid": 0}
    assert section(context)["sentinels"]["text"] == (
        "The one included record that has a PMID is found by the query."
    )
    context["status"]["sentinels"] = {"n": 1, "missing": missing("5"), "without_pmid": 0}
    assert section(context)["sentinels"]["text"] == (
        "The one included record that has a PMID is not found by the query; it may need mending."
    )


def test_included_records_that_are_missing_are_linked_with_the_reason(context):
    context["status"]["sentinels"] = {"n": 7, "missing": missing("5"), "without_pmid": 0}
    tree = html.document_fromstring(pages.build(context)).get_element_by_id("search")
    (item,) = tree.xpath(".//li[a[@href='https://pubmed.ncbi.nlm.nih.gov/5/']]")
    assert text_of(item) == "5 Example 5 (no longer found)"


def alert(pmid, event, status):
    return {"record_id": pmid, "title": "x", "status": status, "event": event}


def test_changes_that_need_a_person_come_first_and_the_rest_in_order(context):
    context["events"] = [
        example.event("2026-11", "11", "MeSH changed"),
        example.event("2026-11", "9", "MeSH changed"),
        example.event("2026-11", "1", "comment"),
        example.event("2026-11", "8", "abstract changed"),
        example.event("2026-11", "7", "retraction"),
        example.event("2026-11", "10", "retraction"),
        example.event("2026-10", "2", "retraction"),
    ]
    context["status"]["alerts"] = [
        alert("8", "abstract changed", ledger.UNSCREENED),
        alert("7", "retraction", ledger.INCLUDED),
    ]
    changed = section(context)["changed"]
    assert [(row["pmid"], row["status"]) for row in changed["shown"]] == [
        ("7", ledger.INCLUDED),
        ("8", ledger.UNSCREENED),
        ("10", ""),
        ("1", ""),
        ("9", ""),
        ("11", ""),
    ]
    assert changed["n"] == "Six changes were"
    assert changed["kinds"][0] == {"label": "retraction", "n": "2"}
    assert sum(int(kind["n"]) for kind in changed["kinds"]) == 6


def test_only_the_first_changes_are_shown_and_the_file_with_all_is_named(context):
    context["events"] = [example.event("2026-11", str(n), "MeSH added") for n in range(1, 27)]
    changed = section(context)["changed"]
    assert (changed["n"], len(changed["shown"]), changed["all_shown"]) == ("26 changes were", 25, False)
    said = shown(context)
    assert (
        "26 changes were seen; the first of them are shown, all are in results/2026-11/record_events.csv:"
        in said
    )
    context["events"].pop()
    assert section(context)["changed"]["all_shown"] is True
    assert "the first of them are shown" not in shown(context)


def test_a_first_search_has_nothing_to_compare_with(context, latest):
    context["provenances"] = [latest]
    context["events"] = []
    latest["missed_by_date_window"] = {"since": None, "entry_date": 0, "create_date": 0}
    said = shown(context)
    assert "This was the first search; there is nothing to compare with." in said
    assert "changes were seen" not in said
    assert section(context)["translation_change"] is None


def test_a_month_without_changes_says_how_many_records_were_compared(context):
    context["events"] = [example.event("2026-10", "1", "retraction")]
    said = shown(context)
    assert "None of the 199 known records says anything else than before." in said


def test_a_change_names_the_record_the_notice_and_whether_anything_is_to_be_done(context):
    context["status"]["alerts"] = [alert("1", "erratum", ledger.INCLUDED)]
    tree = html.document_fromstring(pages.build(context)).get_element_by_id("search")
    (row,) = tree.xpath(".//table[thead//th='What PubMed says now']/tbody/tr")
    assert [text_of(cell) for cell in row] == [
        "Example record 1",
        "has a published erratum (900)",
        "included",
        "30 September 2026",
    ]
    assert row.xpath(".//a/@href") == [
        "https://pubmed.ncbi.nlm.nih.gov/1/",
        "https://pubmed.ncbi.nlm.nih.gov/900/",
    ]


def test_a_change_of_a_record_without_title_or_dates_is_still_a_row(context):
    """A record that is gone before its article was ever delivered has neither."""
    event = example.event("2026-11", "77", "disappeared") | {"date_revised": None, "other_pmid": None}
    context["events"] = [event]
    (row,) = section(context)["changed"]["shown"]
    assert (row["title"], row["revised"], row["other_link"]) == ("(no title)", "", None)
    assert "no action needed" in shown(context)


WEIGHTY = {*ALERTS, *NOTICES_ON_ORIGINALS.values(), "returned", "found again", "merged"}


@pytest.mark.parametrize("event", sorted(WEIGHTY))
def test_every_weighty_change_is_a_sentence_and_no_verdict(event):
    said = search.event_words({"event": event})
    assert re.match(r"(has|is|no longer|abstract)\b", said)
    assert not re.search(r"fraud|misconduct|invalid|unreliable|wrong|!", said)


def test_every_change_of_a_part_has_words():
    assert set(OF_PARTS) == set(PARTS) - {"notices"}
    for kinds in OF_PARTS.values():
        for event in kinds:
            assert search.event_words({"event": event})


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ("notice RetractionOf", "is itself a notice about another record (RetractionOf)"),
        ("notice ErratumFor", "is itself a notice about another record (ErratumFor)"),
        ("notice CommentOn", "is itself a notice about another record (CommentOn)"),
        ("notice ErratumFor removed", "is no longer a notice about another record (ErratumFor)"),
        ("notice AssociatedDataset", "has a new link to another record (AssociatedDataset)"),
        (
            "notice SummaryForPatientsIn removed",
            "no longer has a link to another record (SummaryForPatientsIn)",
        ),
    ],
)
def test_a_notice_is_never_taken_for_the_article_it_is_about(event, said):
    assert search.event_words({"event": event}) == said


TRANSLATION = '("pain"[Title] OR "neck pain"[MeSH Terms]) AND web*[Title/Abstract]'


@pytest.mark.parametrize(
    ("after", "query_changed", "expected"),
    [
        (TRANSLATION, False, ("The same as in October 2026.", [], [])),
        (
            'web*[Title/Abstract] AND ("neck pain"[MeSH Terms] OR "pain"[Title])',
            False,
            (
                "The same terms as in October 2026, in another order or grouping. The query is the same.",
                [],
                [],
            ),
        ),
        (
            '("pain"[Title] OR "neck ache"[MeSH Terms]) AND web*[Title/Abstract]',
            False,
            (
                "It differs from October 2026. The query is the same.",
                ['"neck pain"[MeSH Terms]'],
                ['"neck ache"[MeSH Terms]'],
            ),
        ),
        (
            f"{TRANSLATION} AND english[Language]",
            True,
            ("It differs from October 2026. The query has changed too.", [], ["english[Language]"]),
        ),
    ],
    ids=["same", "other order", "terms gone and came", "query changed"],
)
def test_how_the_service_understands_the_query_is_compared_with_the_last_run(
    context, latest, after, query_changed, expected
):
    context["provenances"][0]["query_translation"] = TRANSLATION
    latest |= {"query_translation": after, "query_changed": query_changed}
    change = section(context)["translation_change"]
    assert (change["text"], change["gone"], change["came"]) == expected


def test_only_the_run_just_before_is_compared_with(context):
    other = {"query_translation": "other[Title]"}
    context["provenances"] += [example.provenance(run, 300) | other for run in ("2026-09", "2026-12")]
    assert section(context)["translation_change"]["text"] == "The same as in October 2026."
    assert section(context)["complete"].startswith("The service announced 209 records")


def test_what_the_service_left_out_and_said_is_printed(context, latest):
    assert "The service left nothing out of the query." in shown(context)
    latest |= {"dropped": ["ehealth", '"e-health"[tiab]'], "messages": ["Too many results"]}
    said = shown(context)
    assert 'searched without them, as the protocol allows: ehealth, "e-health"[tiab].' in said
    assert "It said: Too many results" in said


def test_a_query_of_the_protocol_that_changed_since_is_told(context, latest):
    assert section(context)["protocol_differs"] is False
    latest["query"] = "pain[ti]"
    assert "The protocol’s query has been changed since this search." in shown(context)
    latest["query"] = '  pain[ti]\n  AND "web"[tiab] '
    assert section(context)["protocol_differs"] is False


def test_other_sources_are_listed_with_what_a_reader_needs_to_repeat_them(context):
    (row,) = section(context)["sources"]
    assert row["strategy"] == "exp *pain/ and web.ti,ab."
    assert (row["searched"], row["n"], row["limits"]) == ("2 November 2026", "2", "not stated")
    context["imports"][0] |= {"strategy": "", "searched_on": "", "note": "found by hand", "n_repeated": 1}
    (row,) = section(context)["sources"]
    assert (row["strategy"], row["searched"], row["repeated"]) == ("not stated", "not stated", "1")
    assert "found by hand" in shown(context)
    context["imports"] = []
    assert "No records were imported from other databases." in shown(context)


AGAIN = {"run": "2026-10", "n_records": 1200, "changed": [], "uncomparable": [], "absent": []}


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({}, ""),
        ({"changed": ["5", "6"]}, " Changed since then: PMID 5, 6; their present state is used here."),
        (
            {"uncomparable": ["5"]},
            " 1 record cannot be compared, as another version of this program took them.",
        ),
        ({"absent": ["7"]}, " No longer to be had: PMID 7."),
    ],
)
def test_records_that_were_fetched_again_are_told_with_what_changed(context, told, said):
    context["refetched"] = [AGAIN | told]
    assert section(context)["refetched"] == [
        "The records of October 2026 are kept on another machine; 1,200 records were fetched again by PMID."
        + said
    ]
    assert "kept on another machine" in shown(context)


def test_every_run_is_a_row_with_its_remarks(context, latest):
    latest |= {"query_changed": True, "dropped": ["ehealth"], "messages": ["slow"], "absent": ["7"]}
    first, last = section(context)["runs"]
    assert (first["run"], first["notes"], first["n_new"], first["late"]) == ("October 2026", "", "9", "2")
    assert last["notes"] == "query changed; left out of the query: ehealth; slow"
    assert (last["absent"], last["changed"], last["gone"]) == ("1", "1", "0")


def test_pairs_are_put_to_people_with_both_records_and_never_more_than_a_few(context):
    context["pairs"] = [example.pair("1", str(n), "companion") for n in range(2, 14)]
    found = section(context)["pairs"]
    assert (found["n"], len(found["shown"]), found["all_shown"]) == (
        "12 pairs look alike and wait",
        10,
        False,
    )
    said = shown(context)
    assert "12 pairs look alike and wait for a person" in said
    assert "results/2026-11/pairs.csv" in said
    assert (
        "2 reports are known to belong together, by registration number, PubMed’s links or a person’s verdict (1 trial)."
        in said
    )
    context |= {"pairs": [], "companions": []}
    said = shown(context)
    assert "No two reports are known to belong to one trial. No pair waits for a person." in said


def test_hostile_text_is_shown_and_never_run(context, latest):
    for row in context["records"]:
        row["title"] = HOSTILE
    context["events"][1] |= {"detail": HOSTILE, "event": HOSTILE, "other_pmid": '1"><script>'}
    context["imports"][0] |= dict.fromkeys(
        ("database", "platform", "strategy", "limits", "note", "file"), HOSTILE
    )
    hostile_pair = dict.fromkeys(("title_a", "title_b", "journal_a", "evidence", "record_b"), HOSTILE)
    context["pairs"] = [example.pair("1", "2") | hostile_pair]
    context["status"]["sentinels"]["missing"] = [
        {"record_id": "5", "pmid": '5"><script>', "title": HOSTILE, "reason": HOSTILE}
    ]
    context["status"]["notices_on_included"] = [
        example.notice("5", "retracted", "excluded", title=HOSTILE, notices=HOSTILE, label=HOSTILE)
    ]
    context["refetched"] = [AGAIN | {"changed": [HOSTILE]}]
    latest |= {
        "query": f'pain[ti] AND "{HOSTILE}"[tiab]',
        "query_translation": f"{HOSTILE}[Title]",
        "dropped": [HOSTILE],
        "messages": [HOSTILE],
    }
    page = pages.build(context)
    tree = html.document_fromstring(page)
    assert len(tree.xpath("//script")) == 1
    assert "<script>alert('x')" not in page
    assert not [link for link in tree.xpath("//a/@href") if "<" in link or '"' in link]
    assert text_of(tree.get_element_by_id("search")).count(HOSTILE) >= 12


def test_without_notices_there_is_no_such_box(context):
    tree = html.document_fromstring(pages.build(context))
    assert tree.xpath("//header//*[@aria-label='Notices on included reports']") == []
