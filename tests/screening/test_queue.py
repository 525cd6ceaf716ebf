"""The queue holds every record that a person still has to decide, once, best first."""

import numpy as np
import pandas as pd
import pytest
from screening.invented import review

from livingreview import tables
from livingreview.errors import ReviewError
from livingreview.screening import bands
from livingreview.screening import queue as module

STAGES = ["title-abstract", "full-text"]
TA, FT = STAGES
RANKING = {
    "learn_from": FT,
    "minimum_included": 5,
    "minimum_excluded": 5,
    "read_first_recall": 0.95,
    "audit_size": 2,
    "confidence": 0.95,
    "seed": 1,
}


@pytest.fixture
def build(ledger):
    """Builds the queue of some records and decisions at run 2020-02."""

    def run(records, decided=(), **options):
        given = {
            "run": "2020-02",
            "stages": STAGES,
            "ranking": RANKING,
            "protocol": "internet treatment of pain",
        }
        frame = (
            pd.DataFrame(records, dtype=object) if records else pd.DataFrame(columns=COLUMNS, dtype=object)
        )
        return module.build(frame, ledger(*decided), **given | options)

    return run


COLUMNS = (
    "record_id pmid doi title authors journal year mesh_terms keywords abstract language first_run duplicate_of"
).split()


@pytest.fixture
def past(record):
    """Eight included and eight excluded records, with their decisions."""
    records, decided = [], []
    for n in range(8):
        records += [
            record(str(200 + n), f"internet pain treatment trial{n % 3}"),
            record(str(300 + n), f"tumour imaging cohort{n % 3}"),
        ]
        decided += [
            (str(200 + n), "2020-01", TA, "include"),
            (str(200 + n), "2020-01", FT, "include"),
            (str(300 + n), "2020-01", TA, "exclude"),
        ]
    return records, decided


@pytest.fixture
def reviewed(record):
    """Sixty records decided in 2020-01, of which a third was included, and thirty that wait, of two months."""

    def make(*, lacking=None):
        found, included, years = review(90)
        records, decided = [], []
        for at, (one, label, year) in enumerate(zip(found, included, years, strict=True)):
            one["abstract"] = None if lacking and at % lacking == 0 else one["abstract"] or "weeks of care"
            run = "2020-01" if at < 75 else "2020-02"
            records.append(
                record(
                    one["record_id"], one["title"], abstract=one["abstract"], year=str(year), first_run=run
                )
            )
            if at < 60 and label:
                decided += [(one["record_id"], "2020-01", stage, "include") for stage in STAGES]
            elif at < 60:
                decided.append((one["record_id"], "2020-01", TA, "exclude"))
        return records, decided, {one["record_id"] for one in records[60::3]}

    return make


def test_few_decisions_fall_back_to_the_protocol_and_say_so(build, record):
    queue, about = build(
        [record("101", "Tumour imaging"), record("102", "Internet treatment of pain"), record("103", "Pain")],
        [("103", "2020-01", TA, "exclude")],
    )
    assert queue["record_id"].tolist() == ["102", "101"]
    assert queue["band"].tolist() == ["not ranked by decisions"] * 2
    assert about["method"] == "likeness to the protocol"
    assert about["explanation"].startswith(
        "Too few decisions to learn from: 0 included and 1 excluded, where 5 and 5 are needed."
    )
    assert (about["model"], about["heads"], about["audit"], about["n_queue"]) == (None, {}, None, 2)
    assert about["training"] == {FT: {"n": 1, "included": 0, "excluded": 1}}
    assert queue[["p_title_abstract", "p_full_text", "model"]].isna().all(axis=None)


def test_enough_decisions_are_learnt_from(build, reviewed):
    records, decided, included = reviewed()
    queue, about = build(records, decided)
    assert about["method"] == "the review's own decisions"
    assert about["training"] == {FT: {"n": 60, "included": 20, "excluded": 40}}
    assert sum(about["bands"].values()) == about["n_queue"] == 30
    assert set(queue["band"]) <= set(bands.BANDS[:4])
    assert queue["record_id"].isin(included)[:10].sum() >= 6
    assert queue["record_id"].isin(included)[20:].sum() <= 2
    assert queue["p_full_text"].between(0, 1).all()
    assert queue["p_title_abstract"].isna().all()
    assert set(queue["model"]) == {about["model"]}
    assert about["model"].startswith("ranker-2 n=60 ")
    first = queue["band"] == "read first"
    assert (queue.loc[first, "score"] >= 0).all()
    assert (queue.loc[~first, "score"] < 0).all()
    head = about["heads"][FT]
    assert (head["candidate"], head["in_time"], head["model"]) == ("blend", True, about["model"])
    assert 0 <= head["past_recall_low"] <= head["past_recall"] <= head["past_recall_high"] <= 1
    assert head["past_held"] <= head["n_past_included"] <= head["n_past"]


def test_the_candidate_that_the_back_test_chose_is_used(build, reviewed):
    records, decided, _ = reviewed()
    _, about = build(records, decided, chosen={FT: "words alone"})
    assert about["heads"][FT]["candidate"] == "words alone"


def test_both_labels_can_be_learnt_and_each_record_is_ordered_by_the_one_it_waits_for(build, reviewed):
    records, decided, _ = reviewed()
    waits = records[62]["record_id"]
    decided = [*decided, (waits, "2020-02", TA, "include")]
    queue, about = build(records, decided, ranking=RANKING | {"learn_from": "both"})
    assert list(about["heads"]) == STAGES
    assert queue[["p_title_abstract", "p_full_text"]].notna().all(axis=None)
    assert about["training"][TA] == {"n": 61, "included": 21, "excluded": 40}
    models = dict(zip(queue["record_id"], queue["model"], strict=True))
    assert models.pop(waits) == about["heads"][FT]["model"]
    assert set(models.values()) == {about["heads"][TA]["model"]} == {about["model"]}
    assert queue.set_index("record_id").loc[waits, ["stage", "band"]].tolist() == [FT, "read first"]


def test_what_people_found_worth_a_full_text_is_read_first_even_if_nothing_else_waits(build, reviewed):
    records, decided, _ = reviewed()
    decided = [*decided, *((one["record_id"], "2020-02", TA, "include") for one in records[60:])]
    queue, _ = build(records, decided)
    assert set(queue["stage"]) == {FT}
    assert set(queue["band"]) == {"read first"}


def test_a_stage_to_learn_from_that_the_protocol_lacks_is_refused(build, record):
    with pytest.raises(ReviewError, match="'title-abstract' is no stage of this protocol"):
        build([record("101")], stages=[FT], ranking=RANKING | {"learn_from": TA})


def test_the_terms_say_what_moved_the_score(build, reviewed):
    records, decided, _ = reviewed()
    queue, _ = build(records, decided)
    for terms in queue["terms"]:
        parts = terms.split("; ")
        assert 1 <= len(parts) <= 6
        sizes = [abs(float(part.rsplit("(", 1)[1].rstrip(")"))) for part in parts]
        assert sizes == sorted(sizes, reverse=True)


def test_the_queue_does_not_depend_on_the_order_of_the_records(build, reviewed):
    records, decided, _ = reviewed()
    rng = np.random.default_rng(4)
    first = tables.to_csv(build(records, decided)[0])
    assert tables.to_csv(build([records[at] for at in rng.permutation(len(records))], decided)[0]) == first
    few = decided[:6]
    first = tables.to_csv(build(records, few)[0])
    assert tables.to_csv(build([records[at] for at in rng.permutation(len(records))], few)[0]) == first


@pytest.mark.parametrize("n_decided", [0, 60])
def test_no_record_without_abstract_comes_below_the_middle(build, reviewed, n_decided):
    records, decided, _ = reviewed(lacking=4)
    decided = [row for row in decided if row[0] in {one["record_id"] for one in records[:n_decided]}]
    queue, about = build(records, decided)
    lacks = queue["record_id"].isin([one["record_id"] for one in records if not one["abstract"]]).to_numpy()
    assert about["n_no_abstract"] == lacks.sum() > 5
    assert about["no_abstract_band"]
    before = np.cumsum(~lacks)[lacks]
    assert before.max() <= (~lacks).sum() / 2


def test_where_abstracts_are_rare_a_missing_one_says_nothing(build, reviewed):
    records, decided, _ = reviewed()
    queue, about = build([one | {"abstract": None} for one in records], decided)
    assert not about["no_abstract_band"]
    assert "no abstract" not in set(queue["band"])


def test_cells_that_a_table_left_empty_are_no_fault(build, reviewed):
    records, decided, _ = reviewed()
    for one in records:
        one |= {"year": np.nan, "keywords": np.nan, "language": np.nan, "doi": np.nan}
    queue, about = build(records, decided)
    assert len(queue) == 30
    assert not about["heads"][FT]["in_time"]  # all were decided in one run, and no year is known
    assert about["n_not_english"] == 0


def test_the_audit_is_of_low_ranked_records_and_is_counted_by_month(build, reviewed):
    records, decided, _ = reviewed()
    queue, about = build(records, decided)
    months = {row["month"]: row for row in about["audit"]}
    low = queue[queue["band"].isin(["audit", "then"])]
    for month, rows in low.groupby("first_run"):
        drawn = rows["band"] == "audit"
        assert drawn.sum() == min(2, len(rows))
        assert months[month]["n_audit"] == drawn.sum()
        assert months[month]["n_below"] == months[month]["n_unread"] == len(rows)
        assert (months[month]["n_audit_read"], months[month]["n_audit_relevant"]) == (0, 0)
    assert months["2020-02"]["n_total"] == 15


@pytest.mark.parametrize("decided", [False, True], ids=["few decisions", "enough decisions"])
def test_every_undecided_record_is_there_once_whatever_its_decisions(build, record, past, decided):
    rng = np.random.default_rng(20200102)
    records, rows = past if decided else ([], [])
    records, rows = list(records), list(rows)
    paths = {
        "none": [],
        "ta_include": [(TA, "include")],
        "ta_awaiting": [(TA, "awaiting")],
        "ft_awaiting": [(TA, "include"), (FT, "awaiting")],
        "ta_exclude": [(TA, "exclude")],
        "ft_exclude": [(TA, "include"), (FT, "exclude")],
        "ft_include": [(TA, "include"), (FT, "include")],
    }
    asked = {"none": TA, "ta_include": FT, "ta_awaiting": TA, "ft_awaiting": FT}
    expected = {}
    for n, name in enumerate(rng.choice(list(paths), 120)):
        record_id = str(1000 + n)
        records.append(record(record_id, None if n % 7 == 0 else f"example {name} word{n % 11}"))
        rows += [(record_id, "2020-01", stage, decision) for stage, decision in paths[name]]
        if name in asked:
            expected[record_id] = asked[name]
    queue, about = build(records, rows)
    assert dict(zip(queue["record_id"], queue["stage"], strict=True)) == expected
    assert len(queue) == len(expected) == about["n_queue"]
    assert about["n_awaiting"] == sum(queue["state"] == "awaiting")


def test_duplicates_are_not_asked_for(build, record):
    queue, _ = build([record("101"), record("doi:10.1000/x", duplicate_of="101", source="Example")])
    assert queue["record_id"].tolist() == ["101"]


def test_records_nobody_has_seen_come_before_those_that_await_information(build, record):
    queue, _ = build(
        [
            record("101", "internet treatment of pain", first_run="2020-01"),
            record("102", "pain", first_run="2020-02"),
            record("103", "surgery", first_run="2020-01"),
        ],
        [("101", "2020-01", TA, "awaiting")],
    )
    assert list(zip(queue["record_id"], queue["state"], strict=True)) == [
        ("102", "new"),
        ("103", "undecided"),
        ("101", "awaiting"),
    ]
    assert queue.loc[2, "score"] == queue["score"].max() > 0


def test_equal_scores_are_ordered_by_record(build, record):
    queue, _ = build([record(n, "pain") for n in ("103", "101", "102")])
    assert queue["record_id"].tolist() == ["101", "102", "103"]


def test_an_empty_corpus_and_a_decided_one_give_an_empty_queue_that_can_be_read_again(build, past, tmp_path):
    for records, decided in ([], []), past:
        queue, about = build(records, decided)
        assert (len(queue), about["n_queue"], about["n_awaiting"], about["bands"]) == (0, 0, 0, {})
        tables.write(queue, tmp_path / "queue.csv")
        assert len(tables.read(tmp_path / "queue.csv", "queue")) == 0


def test_a_written_queue_is_a_queue_that_people_can_fill_in(build, record, tmp_path):
    queue, _ = build(
        [
            record("101", "Pain, internet", authors="Example AB", journal="Example J", year="2020"),
            record("doi:10.1000/x", doi="10.1000/x", source="Example"),
            record("other:example", source="Example"),
        ]
    )
    tables.write(queue, tmp_path / "queue.csv")
    rows = tables.read(tmp_path / "queue.csv", "queue").set_index("record_id")
    assert rows.loc["101", ["authors", "journal", "year"]].tolist() == ["Example AB", "Example J", "2020"]
    assert rows.loc["101", "link"] == "https://pubmed.ncbi.nlm.nih.gov/101/"
    assert rows.loc["doi:10.1000/x", "link"] == "https://doi.org/10.1000/x"
    assert rows.loc["other:example", "link"] is None
    assert rows[["decision", "reason", "reviewer", "note"]].isna().all(axis=None)


def test_decisions_of_later_runs_are_not_learnt_from(build, record, past):
    records, decided = past
    later = [(record_id, "2020-03", stage, decision) for record_id, _, stage, decision in decided]
    queue, about = build(records, later)
    assert len(queue) == 16
    assert about["training"] == {FT: {"n": 0, "included": 0, "excluded": 0}}


def test_the_same_input_gives_the_same_queue_to_the_byte(build, record, past):
    records = [*past[0], *(record(str(400 + n), f"internet example{n % 5} tumour") for n in range(20))]
    first, second = (tables.to_csv(build(records, past[1])[0]) for _ in range(2))
    assert first == second


def test_a_record_put_back_to_awaiting_is_asked_at_the_stage_that_awaits(build, record):
    """Title and abstract corrected to awaiting after a full-text decision: full text cannot be filed then."""
    queue, _ = build(
        [record("101")],
        [
            ("101", "2020-01", TA, "include"),
            ("101", "2020-01", FT, "awaiting"),
            ("101", "2020-02", TA, "awaiting", {"note": "misread"}),
        ],
    )
    assert queue[["stage", "state"]].values.tolist() == [[TA, "awaiting"]]
