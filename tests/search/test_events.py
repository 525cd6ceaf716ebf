"""Changes of known records become events, each of the right kind; notices and their originals are told apart."""

from dataclasses import replace

import pytest

from livingreview.search import content, events
from livingreview.search.pubmed.articles import (
    AbstractPart,
    Article,
    Author,
    Heading,
    Notice,
    PublicationDate,
    PublicationType,
)

ARTICLE = Article(
    pmid="101",
    version=1,
    kind="article",
    status="Publisher",
    indexing_method="",
    title="Internet treatment for example pain.",
    vernacular_title="",
    abstract=(AbstractPart("AIM", "OBJECTIVE", "To show an example."),),
    other_abstracts=(),
    authors=(Author("Example", "Anna B", "AB", "", "", ""),),
    authors_complete=True,
    journal="Example Journal of Pain",
    journal_abbreviation="Example J Pain",
    issn="",
    volume="1",
    issue="",
    pages="",
    published=PublicationDate("2020", "", "", "", ""),
    electronic_date="",
    completed="",
    revised="2020-02-02",
    history=(("entrez", "2020-01-15"), ("pubmed", "2019-12-31")),
    languages=("eng",),
    publication_types=(PublicationType("D016428", "Journal Article"),),
    mesh=(),
    keywords=(),
    doi="10.1000/example.1",
    pmcid="",
    pii="",
    registry=(),
    notices=(),
    coi_statement="",
    raw=b"",
)
PAIN = Heading("D059350", "Chronic Pain", True, False, ())
RETRACTED = PublicationType("D016441", "Retracted Publication")
RETRACTION = PublicationType("D016440", "Retraction of Publication")


def kinds(old, new):
    """The events that lead from one state of an article to another, as text."""
    rows = [events.row(article, arrival=events.FIRST_SEARCH) for article in (old, new)]
    return [event["event"] for event in events.between(*rows, date="2020-03-01")]


def test_an_article_that_says_the_same_has_no_event_whatever_its_dates_of_revision():
    later = replace(ARTICLE, revised="2020-09-09", history=(*ARTICLE.history, ("medline", "2020-09-09")))
    assert kinds(ARTICLE, later) == []
    assert content.digests(ARTICLE) == content.digests(later)


@pytest.mark.parametrize(
    ("change", "event"),
    [
        ({"abstract": ()}, "abstract removed"),
        ({"abstract": (AbstractPart("", "", "Another text."),)}, "abstract changed"),
        ({"title": "Another title."}, "title changed"),
        ({"mesh": (PAIN,)}, "MeSH added"),
        ({"authors": ()}, "authors removed"),
        ({"volume": "2"}, "publication details changed"),
        ({"doi": "10.1000/example.2"}, "identifiers changed"),
        ({"status": "MEDLINE"}, "indexing status changed"),
        ({"version": 2}, "new version"),
        ({"coi_statement": "None."}, "statement of interests changed"),
        ({"publication_types": (*ARTICLE.publication_types, RETRACTION)}, "publication types changed"),
    ],
)
def test_each_part_that_changes_is_one_event(change, event):
    assert kinds(ARTICLE, replace(ARTICLE, **change)) == [event]


def test_an_abstract_that_comes_late_is_added_not_changed():
    assert kinds(replace(ARTICLE, abstract=()), ARTICLE) == ["abstract added"]


def test_mesh_that_is_added_to_mesh_is_a_change():
    more = replace(ARTICLE, mesh=(PAIN, Heading("D006801", "Humans", False, False, ())))
    assert kinds(replace(ARTICLE, mesh=(PAIN,)), more) == ["MeSH changed"]


@pytest.mark.parametrize(
    ("ref_type", "event"),
    [
        ("RetractionIn", "retraction"),
        ("RetractedandRepublishedIn", "retraction"),
        ("ExpressionOfConcernIn", "expression of concern"),
        ("ErratumIn", "erratum"),
        ("CorrectedandRepublishedIn", "erratum"),
        ("UpdateIn", "update"),
        ("RepublishedIn", "update"),
        ("CommentIn", "comment"),
        ("RetractionOf", "notice RetractionOf"),
        ("ErratumFor", "notice ErratumFor"),
        ("ExpressionOfConcernFor", "notice ExpressionOfConcernFor"),
        ("UpdateOf", "notice UpdateOf"),
    ],
)
def test_a_notice_is_an_event_of_its_kind_with_the_other_pmid(ref_type, event):
    new = replace(ARTICLE, notices=(Notice(ref_type, "202", "Example J Pain. 2020;2:1"),))
    rows = [events.row(article, arrival=events.FIRST_SEARCH) for article in (ARTICLE, new)]
    (found,) = events.between(*rows, date="2020-03-01")
    assert (found["event"], found["other_pmid"], found["detail"]) == (event, "202", ref_type)
    assert (found["date"], found["date_revised"]) == ("2020-03-01", "2020-02-02")


def test_a_notice_without_a_pmid_keeps_its_source():
    new = replace(ARTICLE, notices=(Notice("ErratumIn", "", "Example J Pain; 2020: 5"),))
    rows = [events.row(article, arrival=events.FIRST_SEARCH) for article in (ARTICLE, new)]
    (found,) = events.between(*rows, date="2020-03-01")
    assert (found["other_pmid"], found["detail"]) == ("", "ErratumIn: Example J Pain, 2020: 5")


def test_a_retraction_is_seen_by_its_publication_type_or_its_title_alone():
    typed = replace(ARTICLE, publication_types=(*ARTICLE.publication_types, RETRACTED))
    titled = replace(ARTICLE, title="RETRACTED: Internet treatment for example pain.")
    assert kinds(ARTICLE, typed) == ["retraction", "publication types changed"]
    assert kinds(ARTICLE, titled) == ["retraction", "title changed"]


def test_the_notice_of_a_retraction_is_never_called_retracted():
    notice = replace(
        ARTICLE, publication_types=(RETRACTION,), notices=(Notice("RetractionOf", "77", "Example"),)
    )
    assert content.editorial_status(notice) == "retraction notice"
    original = replace(ARTICLE, notices=(Notice("RetractionIn", "77", "Example"),))
    assert content.editorial_status(original) == "retracted"
    assert "retraction" not in kinds(ARTICLE, notice)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, ""),
        ({"notices": (Notice("ErratumIn", "5", ""),)}, "corrected"),
        (
            {"notices": (Notice("ErratumIn", "5", ""), Notice("ExpressionOfConcernIn", "6", ""))},
            "expression of concern",
        ),
        (
            {"notices": (Notice("ExpressionOfConcernIn", "6", ""), Notice("RetractionIn", "7", ""))},
            "retracted",
        ),
        ({"title": "[Retracted] An example"}, "retracted"),
        ({"title": "Retracted arms in an example"}, ""),
        ({"notices": (Notice("ErratumFor", "5", ""),)}, ""),
    ],
)
def test_the_gravest_notice_is_the_editorial_status(change, status):
    assert content.editorial_status(replace(ARTICLE, **change)) == status


def test_a_retraction_that_is_withdrawn_is_an_event_too():
    retracted = replace(ARTICLE, notices=(Notice("RetractionIn", "77", "Example"),))
    assert kinds(retracted, ARTICLE) == ["retraction removed"]
    both = replace(ARTICLE, notices=(*retracted.notices, Notice("RetractionIn", "78", "Example")))
    assert kinds(both, retracted) == ["notice of retraction removed"]


def test_digests_of_another_version_say_nothing_but_notices_do():
    old = events.row(ARTICLE, arrival=events.FIRST_SEARCH) | {"content_version": "0", "title_digest": "x"}
    new = events.row(replace(ARTICLE, notices=(Notice("ErratumIn", "5", ""),)), arrival=events.FIRST_SEARCH)
    assert [event["event"] for event in events.between(old, new, date="2020-03-01")] == ["erratum"]


@pytest.mark.parametrize(
    ("last_search", "query_changed", "arrival"),
    [
        (None, False, "first search"),
        ("2020-01-01", False, "newly entered"),
        ("2020-01-15", False, "newly entered"),
        ("2020-02-01", False, "newly matching"),
        ("2020-02-01", True, "query changed"),
        ("2020-01-01", True, "newly entered"),
    ],
)
def test_a_new_record_is_labelled_by_the_day_on_which_it_came_into_pubmed(
    last_search, query_changed, arrival
):
    assert events.arrival(ARTICLE, last_search=last_search, query_changed=query_changed) == arrival


def test_a_record_that_is_gone_is_merged_where_another_carries_its_doi():
    row = events.row(ARTICLE, arrival=events.FIRST_SEARCH)
    gone = events.disappeared(row, {"10.1000/example.1": "303"}, date="2020-03-01")
    assert (gone["event"], gone["other_pmid"]) == ("merged", "303")
    assert events.disappeared(row, {}, date="2020-03-01")["event"] == "disappeared"
    nameless = events.row(replace(ARTICLE, doi=""), arrival=events.FIRST_SEARCH)
    assert events.disappeared(nameless, {"": "303"}, date="2020-03-01")["event"] == "disappeared"


def test_a_record_that_comes_back_is_said_to_have_returned():
    old = events.row(ARTICLE, arrival=events.FIRST_SEARCH) | {"state": events.GONE}
    new = events.row(ARTICLE, arrival=events.FIRST_SEARCH)
    assert [event["event"] for event in events.between(old, new, date="2020-03-01")] == ["returned"]


def test_leaving_the_result_and_coming_back_to_it_are_events():
    found = events.of_results(
        {"1": True, "2": True, "3": False, "4": False}, {"1", "3"}, date="d", revised={}
    )
    assert [(event["pmid"], event["event"]) for event in found] == [
        ("2", "no longer found"),
        ("3", "found again"),
    ]


def test_digests_stay_the_same_as_long_as_their_version_does():
    """Digests are kept for years: if this fails, raise `content.VERSION` and write the new digest here."""
    assert content.VERSION == 1
    assert content.digests(ARTICLE)["sha256"] == (
        "f965842ab8f8ceed2c4f8b56c135b5d198c797ce26d7b1673bb5308a5c4f9476"
    )
