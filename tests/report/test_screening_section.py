"""The section on the screening: what waits, in which order, what may have been missed, how well it works."""

import copy
import itertools
import re

import example
import example_screening as screened
import pytest
from lxml import html

from livingreview.report import backtest, pages, screening
from livingreview.screening import bands, statement, stopping
from livingreview.screening import decisions as ledger
from livingreview.tables import plain_rows

COLD = {
    "method": "likeness to the protocol",
    "model": None,
    "heads": {},
    "no_abstract_band": False,
    "explanation": "Too few decisions to learn from.",
    "bands": {bands.UNRANKED: 3},
    "stopping": None,
}


def section(context):
    """The section alone, which is quicker to make than the page."""
    template = pages.environment().get_template("report/screening.html.j2")
    return html.fragment_fromstring(template.render(screening=screening.screening(context)))


def words(element):
    return re.sub(r"\s+", " ", element.text_content()).strip()


def cells(tree, label):
    """The body of the table in the region of that label, as a list of rows of texts."""
    rows = tree.xpath(f".//div[@aria-label='{label}']//tbody/tr")
    return [[words(cell) for cell in row] for row in rows]


def heads(tree):
    return [words(one) for one in tree.xpath(".//h3")]


def two_reviewers(context, *, rows=(), conflicts=0):
    context["config"]["screening"]["reviewers"] = {"independent": 2, "names": ["A. One", "B. Two"]}
    context["agreement"] = screened.measured(*rows, names=["A. One", "B. Two"])
    context["conflicts"] = [{"record_id": str(index)} for index in range(conflicts)]
    return context


def cold():
    """Too few decisions to learn from, and so nothing tested."""
    context = example.context()
    about, one = screened.back_tested(minimum=1000)
    context["ranking"] = screened.ranking({"full-text": about}, **COLD)
    context["backtest"] = {"full-text": about}
    context["months"] = plain_rows(one.months.assign(label="full-text"))
    context["suspicious"] = []
    for row in context["queue"]:
        row |= {
            "p_full_text": None,
            "band": bands.UNRANKED,
            "model": None,
            "terms": "included studies (+0.50)",
        }
    return context


def both():
    """Both stages are learnt from, each for the records that wait for it."""
    context = example.context()
    about, one = context["backtest"]["full-text"], context["months"]
    # In the order of a file whose keys are sorted, which is not that of the stages.
    context["backtest"] = {"full-text": about, "title-abstract": copy.deepcopy(about)}
    context["months"] = [row | {"label": "title-abstract"} for row in one] + one
    context["ranking"]["heads"] = {
        "full-text": screened.head(model="ranker-2 n=60 second"),
        "title-abstract": screened.head(model="ranker-2 n=50 first"),
    }
    context["queue"][0] |= {"p_title_abstract": 0.62}
    context["queue"][1] |= {"stage": "full-text", "p_title_abstract": 0.9}
    return context


def nothing_waits():
    context = example.context()
    context["queue"] = []
    context["status"] |= {"waiting": [], "oldest_waiting_since": None, "n_queue": 0}
    none = {"n_queue": 0, "n_awaiting": 0, "n_no_abstract": 0, "bands": {}}
    none["stopping"] = screened.bounds() | {"month": None}
    context["ranking"] |= none
    return context


def new_review():
    """Nothing was ever decided, and nothing waits."""
    context = cold()
    context |= {"queue": [], "months": [], "decisions": []}
    context["status"] |= {"waiting": [], "oldest_waiting_since": None, "n_queue": 0}
    context["ranking"] |= {"n_queue": 0, "n_no_abstract": 0, "bands": {}}
    summary = context["backtest"]["full-text"]["summary"]
    summary["not_tested"] = []
    return context


def pair():
    rows = [
        ("1", "2026-11", "title-abstract", "include", "A. One", ledger.INDEPENDENT),
        ("1", "2026-11", "title-abstract", "include", "B. Two", ledger.INDEPENDENT),
        ("2", "2026-11", "title-abstract", "include", "A. One", ledger.INDEPENDENT),
        ("2", "2026-11", "title-abstract", "exclude", "B. Two", ledger.INDEPENDENT),
        ("3", "2026-11", "title-abstract", "exclude", "A. One", ledger.INDEPENDENT),
        ("3", "2026-11", "title-abstract", "exclude", "B. Two", ledger.INDEPENDENT),
    ]
    return two_reviewers(example.context(), rows=rows, conflicts=1)


FORMS = {
    "default": example.context,
    "cold": cold,
    "both": both,
    "nothing waits": nothing_waits,
    "new review": new_review,
    "two reviewers": pair,
    "two reviewers who have said nothing": lambda: two_reviewers(example.context()),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_the_section_is_whole(form):
    tree = html.document_fromstring(pages.build(FORMS[form]()))
    ids = tree.xpath("//@id")
    assert len(ids) == len(set(ids))
    for names in tree.xpath("//@aria-labelledby"):
        assert set(names.split()) <= set(ids)
    labels = tree.xpath("//*[@role='region']/@aria-label")
    assert len(labels) == len(set(labels))
    assert not tree.xpath("//th[not(@scope)]")
    levels = [int(one.tag[1]) for one in tree.xpath("//h1 | //h2 | //h3 | //h4")]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    (found,) = tree.xpath("//section[@id='screening']")
    text = words(found)
    assert not re.search(r"\b(None(?! of )|nan|NaN|undefined)\b", text)
    assert not re.search(r"\.\.|\s[.,;:]|\(\)", text)


def test_the_chance_is_said_in_words_and_sorted_as_a_number():
    found = section(example.context())
    rows = found.xpath(".//div[@aria-label='Waiting records']//tbody/tr")
    assert [words(row[1]) for row in rows] == [
        "31% likely to be included",
        "under 1% likely to be included",
        "over 99% likely to be included",
    ]
    assert [float(row[1].get("data-sort")) for row in rows] == [0.31, 0.004, 0.9962]


def test_the_order_is_that_of_the_queue():
    context = example.context()
    context["queue"].reverse()
    rows = cells(section(context), "Waiting records")
    assert [row[0][:26] for row in rows] == [row["title"][:26] for row in context["queue"]]


@pytest.mark.parametrize(
    ("stage", "first", "last", "expected"),
    [
        ("title-abstract", 0.6, 0.2, 0.6),
        ("title-abstract", None, 0.2, 0.2),
        ("full-text", 0.6, 0.2, 0.2),
        ("full-text", 0.6, float("nan"), 0.6),
        ("full-text", None, None, None),
    ],
)
def test_the_chance_is_that_of_the_stage_for_which_a_record_waits(stage, first, last, expected):
    row = {"stage": stage, "p_title_abstract": first, "p_full_text": last}
    assert screening.probability(row) == expected


def test_design_band_and_terms_stand_with_each_record():
    row = cells(section(example.context()), "Waiting records")[0]
    assert row[0].endswith("Signs of a randomised trial in the text")
    assert row[2] == "read first"
    assert row[5] == "Up: internet +0.51Down: title: pain \u22120.20"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a (+1.00); b (-0.50); c d (+0.25)", (["a +1.00", "c d +0.25"], ["b \u22120.50"], "")),
        ("pain (chronic) (+0.10)", (["pain (chronic) +0.10"], [], "")),
        ("as people wrote it", ([], [], "as people wrote it")),
        ("", ([], [], "")),
        (None, ([], [], "")),
    ],
)
def test_terms_are_parted_by_what_they_did(text, expected):
    assert screening.terms(text) == expected


def test_a_record_that_awaits_classification_has_an_age_in_months():
    rows = cells(section(example.context()), "Waiting records")
    assert rows[2][3] == "Awaiting classificationtitle and abstract"
    assert rows[2][4] == "August 202515 months"
    assert rows[1][4] == "October 2026"
    assert "The one that awaits classification has waited for 15 months." in words(section(example.context()))


def test_the_oldest_of_several_is_named():
    context = example.context()
    for row, waiting in zip(context["queue"][:2], context["status"]["waiting"], strict=False):
        row["state"] = waiting["state"] = "awaiting"
    assert "The oldest of those that await classification has waited for 15 months." in words(
        section(context)
    )


def test_what_waits_for_another_reviewer_is_told_and_not_what_the_first_said():
    context = example.context()
    context["status"]["waiting"][0]["waits_for"] = ledger.SECOND_REVIEWER
    context["status"]["waiting"][1]["waits_for"] = ledger.ADJUDICATION
    context["status"] |= {"n_second_reviewer": 1, "n_conflicts": 2}
    found = section(context)
    rows = cells(found, "Waiting records")
    assert rows[0][3].endswith("waits for a second reviewer")
    assert rows[1][3].endswith("waits for an adjudicator")
    assert "1 record waits for a second reviewer and 2 records wait for an adjudicator; what" in words(found)
    assert not {"include", "exclude"} & set(
        words(found.xpath(".//div[@aria-label='Waiting records']")[0]).split()
    )


def test_one_record_waits_in_the_singular():
    context = example.context()
    context["queue"] = context["queue"][2:]
    context["status"]["waiting"] = context["status"]["waiting"][2:]
    context["ranking"]["n_queue"] = 1
    text = words(section(context))
    assert "1 record waits for a decision: 1 awaiting classification." in text
    assert "It has waited for 15 months." in text
    assert "The record has no abstract;" in text


@pytest.mark.parametrize(
    ("bare", "foreign", "said"),
    [
        (0, 0, ""),
        (1, 0, "1 of the 3 has no abstract; a place"),
        (2, 1, "2 of the 3 have no abstract and 1 of the 3 is not in English; a place"),
        (3, 2, "None of the 3 has an abstract and 2 of the 3 are not in English; a place"),
    ],
)
def test_records_that_are_ranked_on_few_words_are_counted(bare, foreign, said):
    context = example.context()
    context["ranking"] |= {"n_no_abstract": bare, "n_not_english": foreign}
    text = words(section(context))
    assert said in text
    assert ("is less sure." in text) == bool(said)


def test_a_long_queue_is_cut_and_its_file_named():
    context = example.context()
    row, waiting = context["queue"][0], context["status"]["waiting"][0]
    ids = [str(3000 + index) for index in range(screening.QUEUE_SHOWN + 1)]
    context["queue"] = [row | {"record_id": one} for one in ids]
    context["status"]["waiting"] = [waiting | {"record_id": one} for one in ids]
    found = section(context)
    assert len(cells(found, "Waiting records")) == screening.QUEUE_SHOWN
    assert "The first 25 are shown, all of them are in results/2026-11/queue.csv." in words(found)


def test_bands_come_in_the_order_of_reading_and_each_has_a_meaning():
    context = example.context()
    context["ranking"]["bands"] = dict.fromkeys(sorted(bands.BANDS), 1)
    rows = cells(section(context), "Bands of the queue")
    assert [row[0] for row in rows] == bands.BANDS
    assert all(len(set(row)) == 4 and all(row) for row in rows)


def test_the_target_is_told_with_its_name_or_as_a_number():
    context = example.context()
    assert "The target is 95%, which the protocol calls “standard”." in words(section(context))
    context["config"]["screening"]["ranking"]["read_first_recall"] = 0.93
    context["ranking"]["target_recall"] = 0.93
    assert "The target is 93%." in words(section(context))


def test_the_past_of_the_band_is_told_with_its_interval():
    text = words(section(example.context()))
    assert (
        "above it were 9 of 10 that people had included (90%; exact 95% interval 56% to over 99%), and 40% of all"
        in text
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"reads_all": True}, "Everything is to be read first"),
        ({"n_left_out": 1}, "1 excluded record, drawn at random, was not learnt from"),
        ({"n_left_out": 2500}, "2,500 excluded records, drawn at random, were not learnt from"),
        ({"n_cut": 1}, "1 record had a very long title or abstract; only the beginning of it was read"),
        ({"n_cut": 2}, "2 records had a very long title or abstract; only the beginning of them was read"),
        ({"in_time": False}, "scored by models that had not seen them"),
    ],
)
def test_what_is_unusual_of_a_model_is_told(changed, said):
    context = example.context()
    assert said not in words(section(context))
    context["ranking"]["heads"]["full-text"] |= changed
    assert said in words(section(context))


def test_a_band_that_is_not_in_use_has_its_reason():
    context = example.context()
    said = "The band “no abstract” is not in use, since fewer than half"
    assert said not in words(section(context))
    context["ranking"]["no_abstract_band"] = False
    assert said in words(section(context))


@pytest.mark.parametrize("n_audit_read", [0, 1, 2])
def test_what_may_have_been_missed_is_said_as_it_was_worked_out(n_audit_read):
    context = example.context()
    found = context["ranking"]["stopping"] = screened.bounds(n_audit_read=n_audit_read)
    text = words(section(context))
    for sentence in (found["month"]["sentence"], found["month"]["promise"], found["cumulative"]["sentence"]):
        assert sentence in text
    assert found["month"]["sentence"] in words(section(context).xpath(".//p[@class='says']")[0])


def test_a_month_without_records_has_nothing_to_miss():
    assert "No record was found or decided this month" in words(section(nothing_waits()))


def test_the_table_of_the_test_has_the_numbers_of_each_month():
    context = example.context()
    rows = cells(section(context), "Test of the ranking on the past")
    tested = [row for row in context["months"] if row["tested"]]
    assert len(rows) == len(tested) == 3
    assert rows[2] == [
        "October 2026",
        "206 included",
        "7",
        "2",
        "50%",
        "50%",
        "50%",
        "6",
        "14%",
        "50%1 of 2",
        "43%",
    ]


def test_the_pooled_line_has_its_bootstrap_intervals():
    context = example.context()
    summary = context["backtest"]["full-text"]["summary"]
    (row,) = section(context).xpath(".//table[contains(@class, 'backtest')]/tfoot/tr")
    found = [words(cell) for cell in row]
    share, interval = found[4][:3], found[4][3:]
    recall = summary["recall"]["10"]
    assert share == stopping.percent(recall["micro"])
    assert interval == f"{stopping.percent(recall['low'])} to {stopping.percent(recall['high'])}"
    assert found[0] == "All 3 months"
    assert found[9].startswith(stopping.percent(summary["read_first"]["recall"]))


def test_a_single_month_has_its_overall_line_too():
    context = example.context()
    context["months"] = context["months"][:2]
    context["backtest"]["full-text"]["summary"]["n_months"] = 1
    (row,) = section(context).xpath(".//table[contains(@class, 'backtest')]/tfoot/tr")
    assert words(row[0]) == "Overall"


def test_a_warning_of_the_test_is_a_box_and_without_one_there_is_none():
    context = example.context()
    (sentence,) = context["backtest"]["full-text"]["warnings"]
    (box,) = section(context).xpath(".//div[@class='notice']")
    assert sentence in words(box)
    context["backtest"]["full-text"]["warnings"] = []
    assert not section(context).xpath(".//div[@class='notice']")


def test_months_that_were_not_tested_are_named_with_the_reason():
    (part,) = section(example.context()).xpath(".//details[contains(summary, 'not tested')]")
    assert words(part) == "1 month not tested, and why July 2026: nothing was decided before it"


def test_many_months_are_cut_in_table_and_figure_and_the_rest_is_told():
    context = example.context()
    row = next(row for row in context["months"] if row["tested"])
    names = [f"20{year:02d}-{month:02d}" for year in (20, 21, 22) for month in range(1, 13)]
    context["months"] = [row | {"month": name} for name in names]
    found = section(context)
    assert len(cells(found, "Test of the ranking on the past")) == backtest.MONTHS_SHOWN
    assert "12 earlier months are in results/2026-11/backtest.csv and in the pooled line." in words(found)
    drawing = found.xpath(".//*[local-name()='svg' and contains(@class, 'plot wide')]")[0]
    assert len(drawing.xpath(".//*[local-name()='rect']")) == backtest.MONTHS_DRAWN


def test_a_past_by_year_is_called_so():
    context = example.context()
    tested = context["backtest"]["full-text"]
    tested["period"] = tested["summary"]["period"] = "year"
    for row, year in zip(context["months"], (0, 2016, 2018, 2020), strict=True):
        row["month"] = year
    tested["summary"]["not_tested"] = [{"month": "0000", "reason": "nothing was decided before it"}]
    found = section(context)
    assert [row[0] for row in cells(found, "Test of the ranking on the past")] == ["2016", "2018", "2020"]
    assert "the year of publication is used" in words(found)
    assert "1 year not tested, and why no year: nothing" in words(found)
    assert "All 3 years" in words(found)


def test_the_figure_says_in_how_many_months_the_target_was_reached():
    text = words(section(example.context()))
    assert "The target (dashed) was reached in 2 of 3 months." in text
    context = example.context()
    for row in context["months"][1:]:
        row |= {"n_included": 9, "n_included_read_first": 1}
    assert "The target (dashed) was reached in none of 3 months." in words(section(context))
    context = example.context()
    context["months"] = context["months"][:2]
    assert "The target (dashed) was reached." in words(section(context))


def test_the_choice_of_the_model_and_its_reason_are_told():
    context = example.context()
    found = section(context)
    assert context["backtest"]["full-text"]["choice"]["reason"][1:] in words(found)
    rows = cells(found, "Models compared")
    assert [row[0] for row in rows] == ["blend in use", "words alone"]
    assert rows[1][2].startswith("\u2212")


def test_the_reliability_plot_has_its_numbers_in_a_table():
    context = example.context()
    bins = context["backtest"]["full-text"]["summary"]["reliability"]
    rows = cells(section(context), "Reliability")
    assert len(rows) == len(bins)
    assert [row[2] for row in rows] == [str(one["n"]) for one in bins]
    assert sum(int(row[2]) for row in rows) == 18


def test_old_decisions_are_listed_with_what_to_do():
    context = example.context()
    found = section(context)
    rows = cells(found, "Old decisions worth a second look")
    assert len(rows) == len(context["suspicious"]) == 4
    assert rows[0] == [
        "An old example 22",
        "Included on full textOctober 2026, E. X.",
        "exclude",
        "11% likely to be included",
    ]
    assert "these four decisions" in words(found)
    assert "scripts/file_decisions.py --queue FILE --correct" in words(found)


def test_one_old_decision_is_spoken_of_in_the_singular_and_none_as_none():
    context = example.context()
    context["suspicious"] = context["suspicious"][:1]
    assert "A model that had not seen this decision would have made it otherwise." in words(section(context))
    context["suspicious"] = []
    assert "No old decision stands out" in words(section(context))


def test_one_reviewer_agrees_with_nobody():
    assert "Do the reviewers agree?" not in heads(section(example.context()))


def test_the_agreement_of_two_reviewers_is_told_by_stage():
    found = section(pair())
    rows = cells(found, "Agreement of reviewers")
    assert [row[0] for row in rows] == ["Title and abstract", "Full text", "Both stages"]
    assert rows[0][1:3] == ["3", "67%9% to 99%"]
    assert rows[0][3].startswith("0.40")
    assert rows[1][1:] == ["0", "\u2013", "\u2013", "\u2013"]
    assert "1 conflict waits for an adjudicator, in results/2026-11/conflicts.csv." in words(found)


def test_agreement_of_former_months_stays_when_one_reviewer_is_asked_now():
    context = pair()
    del context["config"]["screening"]["reviewers"]
    assert "Do the reviewers agree?" in heads(section(context))


def test_two_reviewers_who_have_not_met_yet_have_no_table():
    found = section(two_reviewers(example.context(), conflicts=0))
    assert "No record was decided by two independent reviewers." in words(found)
    assert "No conflict waits for an adjudicator." in words(found)
    assert not cells(found, "Agreement of reviewers")


def test_the_statement_has_all_its_items_in_their_order():
    context = example.context()
    found = section(context)
    (part,) = found.xpath(".//dl[contains(@class, 'statement')]")
    assert [words(one) for one in part.xpath("dt")] == [screening.STATEMENT[item] for item in statement.ITEMS]
    expected = [row["text"] for row in context["ranking"]["statement"]]
    assert [words(one) for one in part.xpath("dd")] == expected


def test_without_a_model_no_chance_is_given_and_all_are_to_be_read():
    found = section(cold())
    assert [words(one) for one in found.xpath(".//div[@aria-label='Waiting records']//th[@scope='col']")][
        1
    ] == "Score"
    text = words(found)
    assert "likely to be included" not in text
    assert "The score orders the records and is no probability." in text
    assert "all of them are to be read" in text
    assert "No part of this review’s past could be tested yet." in text
    assert "No probability could be tested" in text
    assert "4 months not tested, and why" in text
    assert not found.xpath(".//*[local-name()='svg']")
    assert not found.xpath(".//table[contains(@class, 'models') or contains(@class, 'backtest')]")


def test_two_heads_are_told_apart():
    found = section(both())
    rows = cells(found, "Waiting records")
    assert [row[1] for row in rows] == [
        "62% likely to be included",
        "under 1% likely to be included",
        "over 99% likely to be included",
    ]
    text = words(found)
    assert "For inclusion on title and abstract: model ranker-2 n=50 first." in text
    assert "For inclusion in the end: model ranker-2 n=60 second." in text
    names = ["Inclusion on title and abstract", "Inclusion in the end"]
    assert [words(one) for one in found.xpath(".//h4")] == names * 2


def test_nothing_waiting_needs_no_bands():
    found = section(nothing_waits())
    assert "No record waits for a decision." in words(found)
    assert not cells(found, "Bands of the queue")
