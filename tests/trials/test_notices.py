"""Retractions, concerns and errata: what each does to a study, and how people have a say in it."""

from dataclasses import replace

import pandas as pd
import pytest

from livingreview.pooling import sensitivity
from livingreview.search import content, events
from livingreview.search.pubmed.articles import Article, Notice, PublicationDate, PublicationType
from livingreview.search.records import row as record_row
from livingreview.trials import notices

RUN = "2020-03"
STAGES = ["title-abstract", "full-text"]
ARTICLE = Article(
    pmid="101",
    version=1,
    kind="article",
    status="PubMed-not-MEDLINE",
    indexing_method="",
    title="Internet treatment for example pain",
    vernacular_title="",
    abstract=(),
    other_abstracts=(),
    authors=(),
    authors_complete=True,
    journal="Example J Pain",
    journal_abbreviation="Example J Pain",
    issn="",
    volume="1",
    issue="",
    pages="1-9",
    published=PublicationDate("2019", "", "", "", ""),
    electronic_date="",
    languages=("eng",),
    publication_types=(PublicationType("D016428", "Journal Article"),),
    mesh=(),
    keywords=(),
    registry=(),
    notices=(),
    doi="10.1000/example.101",
    pmcid="",
    pii="",
    history=(("entrez", "2019-05-05"),),
    completed="",
    revised="2020-01-01",
    coi_statement="",
    raw=b"",
)
RETRACTED_TYPE = PublicationType("D016441", "Retracted Publication")
NOTICE_TYPE = PublicationType("D016440", "Retraction Notice")


def with_notices(*ref_types, **changes):
    """The example article with notices 901, 902, ... of some types."""
    said = tuple(Notice(kind, str(901 + n), "Example J Pain. 2020") for n, kind in enumerate(ref_types))
    return replace(ARTICLE, notices=said, **changes)


def corpus(*articles, **cells):
    """The table of records of some articles, all found in January 2020."""
    rows = [
        {**record_row(one), "first_run": "2020-01", "duplicate_of": None, **cells.get(f"p{one.pmid}", {})}
        for one in articles
    ]
    frame = pd.DataFrame(rows, dtype=object)
    return frame.where(frame != "", None)


def seen(*rows):
    """Events: (run, pmid, event, detail)."""
    return pd.DataFrame(rows, columns=["run", "pmid", "event", "detail"], dtype=object)


def decided(example_frame, *rows):
    """Both decisions of 101 and 102 in January 2020, then more rows of the ledger."""
    both = [{"record_id": pmid, "stage": stage} for pmid in ("101", "102") for stage in STAGES]
    return example_frame("screening", *both, *rows)


@pytest.fixture
def find(example_frame):
    """The notices at March 2020 of records, with 101 and 102 as reports of one study unless told otherwise."""

    def run(records, *rows, happened=(), reports=None, at=RUN):
        linked = reports or [{"record_id": pmid, "study_id": "example_2020"} for pmid in ("101", "102")]
        return notices.find(
            records,
            seen(*happened),
            decided(example_frame, *rows),
            example_frame("reports", *linked),
            run=at,
            stages=STAGES,
        )

    return run


def told(found):
    return [(row.record_id, row.kind, row.effect) for row in found.itertuples()]


SECOND = replace(ARTICLE, pmid="102", doi="10.1000/example.102")


@pytest.mark.parametrize(
    ("ref_type", "kind", "effect"),
    [
        ("RetractionIn", "retracted", "excluded"),
        ("RetractedandRepublishedIn", "retracted", "excluded"),
        ("PartialRetractionIn", "retracted", "excluded"),
        ("ExpressionOfConcernIn", "expression of concern", "flagged"),
        ("ErratumIn", "corrected", "flagged"),
        ("CorrectedandRepublishedIn", "corrected", "flagged"),
        ("RetractionOf", "retraction notice", "flagged"),
        ("PartialRetractionOf", "retraction notice", "flagged"),
    ],
)
def test_each_reference_type_of_an_included_report_has_its_effect(find, ref_type, kind, effect):
    found = find(corpus(with_notices(ref_type)), reports=[{"record_id": "101", "study_id": "example_2020"}])
    assert told(found) == [("101", kind, effect)]
    assert found.loc[0, ["study_id", "notices", "since_run"]].tolist() == [
        "example_2020",
        f"{ref_type}:901",
        "2020-01",
    ]


@pytest.mark.parametrize(
    "ref_type",
    [
        *("UpdateIn", "UpdateOf", "CommentIn", "CommentOn", "RepublishedIn", "RepublishedFrom", "ReprintIn"),
        *("ErratumFor", "ExpressionOfConcernFor", "RetractedandRepublishedFrom", "AssociatedPublication"),
        *("CorrectedandRepublishedFrom", "SummaryForPatientsIn", "OriginalReportIn", "Cites", "ReprintOf"),
    ],
)
def test_links_that_are_no_notice_on_the_report_leave_it_alone(find, ref_type):
    assert find(corpus(with_notices(ref_type))).empty


def test_a_report_is_retracted_by_its_publication_type_or_title_too(find):
    typed = replace(ARTICLE, publication_types=(RETRACTED_TYPE,))
    titled = replace(ARTICLE, title="RETRACTED: Internet treatment for example pain")
    for article in (typed, titled):
        assert told(find(corpus(article)))[0] == ("101", "retracted", "excluded")


def test_a_notice_with_the_title_of_the_retracted_article_is_not_taken_for_it():
    notice = replace(
        ARTICLE,
        title="Retracted: Internet treatment for example pain",
        publication_types=(NOTICE_TYPE,),
        notices=(Notice("RetractionOf", "55", ""),),
    )
    assert content.editorial_status(notice) == "retraction notice"
    named_only = replace(notice, publication_types=(PublicationType("", "Retraction Notice"),), notices=())
    assert content.editorial_status(named_only) == "retraction notice"


def test_a_notice_that_was_itself_retracted_is_retracted():
    both = with_notices("RetractionOf", "RetractionIn", publication_types=(NOTICE_TYPE,))
    assert content.editorial_status(both) == "retracted"


def test_a_notice_in_the_corpus_retracts_the_report_that_pubmed_has_not_marked_yet(find):
    notice = replace(
        ARTICLE,
        pmid="900",
        publication_types=(NOTICE_TYPE,),
        notices=(Notice("RetractionOf", "101", ""), Notice("RetractionOf", "77", "")),
    )
    found = find(corpus(ARTICLE, SECOND, notice, p900={"first_run": "2020-02"}))
    assert told(found) == [("101", "retracted", "excluded"), ("102", "other report", "excluded")]
    assert found["notices"].tolist() == ["RetractionIn:900", ""]
    assert found["since_run"].tolist() == ["2020-02", "2020-02"]


def test_a_retracted_report_takes_its_study_out_and_the_other_reports_with_it(find):
    found = find(corpus(with_notices("RetractionIn"), SECOND))
    assert told(found) == [("101", "retracted", "excluded"), ("102", "other report", "excluded")]
    assert notices.excluded_studies(found) == {"example_2020"}
    assert notices.excluded_records(found) == {"101", "102"}


def test_a_study_is_newly_out_or_newly_flagged_in_the_run_of_its_notice_alone():
    rows = [
        ("a", "retracted", "excluded", "2020-02"),
        ("a", "other report", "excluded", "2020-02"),
        ("b", "retracted", "excluded", "2020-01"),
        ("b", "retracted", "excluded", "2020-02"),  # its second report; it was out before
        ("c", "corrected", "flagged", "2020-02"),
        (None, "retracted", "excluded", "2020-02"),
    ]
    found = pd.DataFrame(rows, columns=["study_id", "kind", "effect", "since_run"])
    assert notices.newly_out(found, "2020-02") == ["a"]
    assert notices.newly_flagged(found, "2020-02", notices.CORRECTED) == ["c"]
    assert notices.newly_flagged(found, "2020-01", notices.CORRECTED) == []
    assert notices.newly_out(found.iloc[:0], "2020-02") == []


def test_a_companion_that_people_excluded_for_another_reason_leaves_the_study_in(find):
    out = {"record_id": "102", "stage": "full-text", "decision": "exclude", "reason": "secondary_analysis"}
    found = find(corpus(ARTICLE, replace(with_notices("RetractionIn"), pmid="102")), out)
    assert told(found) == [("102", "retracted", "flagged")]
    assert notices.excluded_studies(found) == set()


def test_a_report_that_pubmed_does_not_hold_is_retracted_by_a_decision_with_that_reason(find):
    out = {"decision": "exclude", "reason": "retracted", "run": "2020-02", "note": "notice; in the journal"}
    found = find(corpus(ARTICLE, SECOND), {"record_id": "102", "stage": "full-text", **out})
    assert told(found) == [("101", "other report", "excluded"), ("102", "retracted", "excluded")]
    assert found.loc[1, ["notices", "since_run"]].tolist() == ["Recorded:notice, in the journal", "2020-02"]


@pytest.mark.parametrize(
    ("ref_type", "reason", "run", "effect"),
    [
        ("PartialRetractionIn", "notice_checked", "2020-02", "flagged"),
        ("RetractedandRepublishedIn", "notice_checked", "2020-03", "flagged"),
        ("PartialRetractionIn", "notice_checked", "2020-01", "excluded"),  # before the notice was seen
        ("PartialRetractionIn", "notice_checked", "2020-04", "excluded"),  # not yet, in March
        ("PartialRetractionIn", "", "2020-02", "excluded"),  # nobody says that the notice was read
        ("RetractionIn", "notice_checked", "2020-02", "excluded"),  # there is no way back
    ],
)
def test_only_a_decision_on_the_notice_brings_back_what_was_retracted_in_part(
    find, ref_type, reason, run, effect
):
    again = {"record_id": "101", "stage": "full-text", "reason": reason, "run": run, "note": "checked"}
    happened = [("2020-02", "101", "retraction", ref_type)]
    found = find(corpus(with_notices(ref_type), SECOND), again, happened=happened)
    assert (found.loc[0, "kind"], found.loc[0, "effect"]) == ("retracted", effect)


def test_a_full_retraction_beside_a_partial_one_counts_as_full():
    assert notices.is_partial("PartialRetractionIn:1; ErratumIn:2")
    assert notices.is_partial("RetractedandRepublishedIn:1; PartialRetractionIn:2")
    assert not notices.is_partial("RetractedandRepublishedIn:1; RetractionIn:2")
    assert not notices.is_partial("ErratumIn:2")
    assert not notices.is_partial("")


def test_a_retraction_that_pubmed_withdraws_puts_the_study_back(find):
    happened = [
        ("2020-02", "101", "retraction", "RetractionIn"),
        ("2020-03", "101", "retraction removed", "RetractionIn"),
    ]
    assert find(corpus(ARTICLE, SECOND), happened=happened).empty


@pytest.mark.parametrize(
    ("happened", "since"),
    [
        ([], "2020-01"),
        ([("2020-02", "retraction", "RetractionIn")], "2020-02"),
        ([("2020-02", "retraction", "publication type or title")], "2020-02"),
        (
            [
                ("2020-01", "retraction", "RetractionIn"),
                ("2020-02", "retraction removed", "RetractionIn"),
                ("2020-03", "retraction", "RetractionIn"),
            ],
            "2020-03",
        ),
    ],
)
def test_the_run_in_which_a_notice_was_first_seen_is_that_of_its_event(find, happened, since):
    rows = [(run, "101", event, detail) for run, event, detail in happened]
    found = find(corpus(with_notices("RetractionIn"), SECOND), happened=rows)
    assert found.loc[0, "since_run"] == since


def test_a_second_erratum_does_not_make_the_first_one_younger(find):
    twice = corpus(with_notices("ErratumIn", "ErratumIn"), SECOND)
    rows = [("2020-02", "101", "erratum", "ErratumIn")]
    assert find(twice, happened=rows).loc[0, "since_run"] == "2020-01"  # one of them was there at first
    rows = [("2020-02", "101", "erratum", "ErratumIn"), ("2020-03", "101", "erratum", "ErratumIn")]
    assert find(twice, happened=rows).loc[0, "since_run"] == "2020-02"


def test_an_included_report_that_no_study_carries_yet_is_told_and_not_extracted(find):
    other = [{"record_id": "102", "study_id": "example_2020"}]
    found = find(corpus(with_notices("RetractionIn"), SECOND), reports=other)
    assert told(found) == [("101", "retracted", "excluded")]
    assert found.loc[0, "study_id"] is None


def test_a_notice_on_a_duplicate_counts_for_the_record_that_is_kept(find):
    twin = replace(with_notices("RetractionIn"), pmid="109")
    found = find(corpus(ARTICLE, SECOND, twin, p109={"duplicate_of": "101"}))
    assert told(found)[0] == ("101", "retracted", "excluded")


def test_without_records_or_reports_there_is_no_notice(find, example_frame):
    empty = corpus(ARTICLE).iloc[:0]
    found = notices.find(
        empty, seen(), example_frame("screening"), example_frame("reports"), run=RUN, stages=STAGES
    )
    assert (len(found), list(found.columns)) == (0, list(notices.COLUMNS))


EFFECTS = pd.DataFrame(
    {
        "row_id": ["a.1", "a.2", "b.1", "c.1", "d.1"],
        "study": ["a", "a", "b", "c", "d"],
        "label": ["A", "A", "B", "C", "D"],
        "yi": [-1.0, -1.0, -0.2, -0.3, -0.4],
        "vi": [0.04, 0.04, 0.04, 0.05, 0.06],
        "in_pool": [True, False, True, True, True],
        "in_sensitivity": [True, False, True, True, True],
        "reason": ["", "priority 2: another enters", "", "", ""],
    }
)


def noticed(*rows):
    return pd.DataFrame(
        [(f"9{n}", *row, "2020-02") for n, row in enumerate(rows)], columns=list(notices.COLUMNS)
    )


MARKED = noticed(
    ("a", "retracted", "excluded", "RetractionIn:900"),
    ("a", "other report", "excluded", ""),
    ("b", "expression of concern", "flagged", "ExpressionOfConcernIn:901"),
    ("b", "corrected", "flagged", "ErratumIn:902"),
    ("c", "retraction notice", "flagged", "RetractionOf:903"),
)


def test_effects_of_a_study_that_is_out_leave_every_pool_with_the_notice_as_reason():
    found = notices.mark(EFFECTS, MARKED)
    assert found["in_pool"].tolist() == [False, False, True, True, True]
    assert found["in_sensitivity"].tolist() == [False, False, True, True, True]
    assert found["withdrawn"].tolist() == [True, False, False, False, False]
    assert found["notice"].tolist() == ["retracted", "retracted", "expression of concern", "", ""]
    assert found["reason"].tolist()[:3] == [
        "report 90 was retracted (notice: 900)",
        "priority 2: another enters",
        "",
    ]
    assert found["yi"].tolist() == EFFECTS["yi"].tolist()


def test_without_notices_the_effects_are_as_they_were():
    found = notices.mark(EFFECTS, noticed())
    assert found["in_pool"].tolist() == EFFECTS["in_pool"].tolist()
    assert found["notice"].tolist() == [""] * 5
    assert not found["withdrawn"].any()


def test_the_sensitivity_table_shows_the_pool_as_before_and_without_what_is_marked():
    rows = {row["analysis"]: row for row in sensitivity.table(notices.mark(EFFECTS, MARKED))}
    before = {row["analysis"]: row for row in sensitivity.table(EFFECTS)}
    assert rows["with_retracted"]["estimate"] == before["main"]["estimate"]
    assert (rows["with_retracted"]["k"], rows["main"]["k"], rows["without_notices"]["k"]) == (4, 3, 2)
    assert rows["with_retracted"]["note"] == "with A"
    assert rows["without_notices"]["note"] == "without B (expression of concern)"
    assert rows["main"]["estimate"] == pytest.approx(
        -(0.2 / 0.04 + 0.3 / 0.05 + 0.4 / 0.06) / (1 / 0.04 + 1 / 0.05 + 1 / 0.06)
    )
    for name in ("with_retracted", "without_notices"):
        assert before[name]["reason"].startswith("no trial")


def test_a_pool_of_one_retracted_trial_is_empty_and_was_not_before():
    alone = notices.mark(EFFECTS.iloc[:1], MARKED)
    rows = {row["analysis"]: row for row in sensitivity.table(alone)}
    assert (rows["main"]["k"], rows["main"]["reason"]) == (0, "no effect")
    assert rows["with_retracted"]["estimate"] == -1.0


def test_an_event_tells_of_a_partial_retraction():
    rows = [events.row(one, arrival="") for one in (ARTICLE, with_notices("PartialRetractionIn"))]
    assert [one["event"] for one in events.between(*rows, date="2020-02-01")] == ["retraction"]
