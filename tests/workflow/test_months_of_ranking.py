"""A month of a made-up review with a past: what its ranking says, then and when the month is built again."""

import json
import shutil

import pandas as pd
import pytest
from lxml import html
from workflow import made_up

import file_decisions
from livingreview import tables
from livingreview.screening import bands

BEFORE, MONTH, AFTER = "2019-12", "2020-01", "2020-02"
# Every third record is wanted, every fifth in the later month; three excluded ones look as if they were. The
# decided ones are of two years, so that the second can be ranked by a model that knows the first.
DECIDED = [
    made_up.record(
        number, wanted=number % 3 == 0, entered="2019-11-05", year="2016" if number < 137 else "2018"
    )
    for number in range(101, 161)
]
NEW = [made_up.record(number, wanted=number % 5 == 0, entered=f"{MONTH}-01") for number in range(201, 226)]
MISLEADING = {"102", "147", "210"}
# As if the earlier month had been ranked: some of the unwanted ones were its audit, and one of these was wanted.
AUDITED_BEFORE = {"101": bands.AUDIT, "103": bands.AUDIT, "105": bands.AUDIT, "108": bands.THEN}


def decision(record, run):
    """The people's answer: what the title was made to say, but for a few."""
    wanted = "randomized" in record["title"] and record["pmid"] not in MISLEADING
    answer = {"decision": "include"} if wanted else {"decision": "exclude", "reason": "not_rct"}
    return answer | {"record_id": record["pmid"], "run": run, "stage": "full-text", "reviewer": "EX"}


class Month(made_up.Review):
    """The review, and its queue as it was handed out."""

    def results(self, name):
        path = self.path("results", MONTH, name)
        return tables.read_json(path) if path.suffix == ".json" else tables.read_results(path)

    def ledger(self):
        return tables.read(self.path("data/decisions/screening.csv"), "screening")


@pytest.fixture(scope="module")
def month(tmp_path_factory, write_example):
    """The month built, decided, and built again with its decisions; not to be changed."""
    decided = [
        decision(record, BEFORE) | {"band": AUDITED_BEFORE.get(record["pmid"], bands.READ_FIRST)}
        for record in DECIDED
    ]
    folder = tmp_path_factory.mktemp("months") / "review"
    made_up.begin(
        folder,
        write_example,
        [*DECIDED, *NEW],
        run=MONTH,
        screening={"stages": ["full-text"]},
        decided=decided,
    )
    review = Month(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        made_up.search(review, BEFORE)
    path = review.path("results", MONTH, "queue.csv")
    done = review.snakemake("--", f"results/{MONTH}/queue.csv")
    assert done.returncode == 0, done.stderr
    review.handed_out = tables.read(path, "queue")
    answers = pd.DataFrame([decision(record, MONTH) for record in NEW]).set_index("record_id")
    columns = ["decision", "reason", "reviewer"]
    filled = review.handed_out.assign(
        **{column: review.handed_out["record_id"].map(answers[column]) for column in columns}
    )
    tables.write(filled, path)
    assert file_decisions.main(["--directory", str(folder)]) == 0
    done = review.snakemake()
    assert done.returncode == 0, done.stderr
    return review


def test_every_new_record_is_handed_out_once_in_a_band_with_its_chance_and_reasons(month):
    queue = month.handed_out
    assert sorted(queue["record_id"]) == [record["pmid"] for record in NEW]
    assert set(queue["band"]) == {bands.READ_FIRST, bands.AUDIT, bands.THEN}
    assert (queue["band"] == bands.AUDIT).sum() == 10
    assert queue["p_full_text"].between(0, 1).all()
    assert queue["terms"].notna().all()
    assert queue["model"].nunique() == 1
    assert "n=60" in queue["model"][0]
    # It can't know that this one will be excluded.
    assert queue.set_index("record_id").loc["210", "band"] == bands.READ_FIRST


def test_decisions_carry_what_the_reviewer_saw(month):
    ledger = month.ledger()
    filed = ledger[ledger["run"] == MONTH].set_index("record_id")
    seen = month.handed_out.set_index("record_id").loc[filed.index]
    assert len(filed) == len(NEW)
    for column, shown in {"score": "score", "probability": "p_full_text"}.items():
        assert filed[column].tolist() == pytest.approx(seen[shown].tolist())
    assert filed[["band", "model"]].equals(seen[["band", "model"]])
    included = filed["decision"] == "include"
    assert filed[included]["probability"].median() > 2 * filed[~included]["probability"].median()


def test_the_audit_of_every_month_is_kept_and_bounds_what_was_missed(month):
    ranking = month.results("ranking.json")
    audits = {row["month"]: row for row in ranking["audit"]}
    counts = ["n_below", "n_audit", "n_audit_read", "n_audit_relevant", "n_unread"]
    wanted_before = sum("randomized" in record["title"] for record in DECIDED if record["pmid"] == "105")
    assert [audits[BEFORE][name] for name in counts] == [4, 3, 3, wanted_before, 0]
    below = int((month.handed_out["band"] != bands.READ_FIRST).sum())
    assert [audits[MONTH][name] for name in counts] == [below, 10, 10, 0, 0]
    overall = ranking["stopping"]["cumulative"]
    assert (overall["n_pooled"], overall["n_pooled_relevant"]) == (13, wanted_before)
    assert overall["bound_missed"] == 0
    assert 0 < overall["share_upper"] < 0.5


def test_the_past_is_tested_and_its_predictions_are_kept(month):
    about = month.results("backtest.json")["full-text"]
    periods, predictions = month.results("backtest.csv"), month.results("predictions.csv")
    tested = periods[periods["tested"]]
    assert tested["month"].tolist() == ["2018", "2019"]
    assert about["summary"]["n_months"] == 2
    assert len(predictions) == about["summary"]["n_ranked"] == tested["n_ranked"].sum()
    assert (predictions["trained_before"] <= predictions["month"]).all()
    assert about["choice"]["chosen"] in {row["name"] for row in about["choice"]["table"]}


def test_old_decisions_that_surprise_are_listed(month):
    doubts = month.results("suspicious.csv")
    assert 0 < len(doubts) <= 5
    assert doubts["record_id"][0] == "147"


def test_the_report_says_it_all(month):
    page = html.fromstring(month.path("results", MONTH, "report.html").read_text(encoding="utf-8"))
    text = " ".join(page.text_content().split())
    ranking = month.results("ranking.json")
    assert len(ranking["statement"]) > 5
    for part in ranking["statement"]:
        assert " ".join(part["text"].split()) in text
    assert ranking["stopping"]["cumulative"]["sentence"] in text
    for warning in month.results("backtest.json")["full-text"]["warnings"]:
        assert warning in text
    assert [title for title in month.results("suspicious.csv")["title"] if title not in text] == []


def test_later_decisions_change_no_byte_of_a_month_that_is_built_again(month, tmp_path, example_frame):
    again = Month(month.copy(tmp_path / "again").folder)
    before = of_the_month(again)
    promised = (
        "queue.csv ranking.json suspicious.csv backtest.json backtest.csv predictions.csv conflicts.csv"
    )
    assert {*promised.split(), "agreement.json", "report.html"} <= before.keys()
    # Later the other way round: of old records, and of this month's.
    turned = [decision(record, AFTER) for record in [*DECIDED[:20], *NEW[:10]]]
    opposite = {
        "include": {"decision": "exclude", "reason": "not_rct"},
        "exclude": {"decision": "include", "reason": ""},
    }
    turned = [
        row | opposite[row["decision"]] | {"note": "turned", "decided_at": "2020-02-20"} for row in turned
    ]
    tables.append(
        example_frame("screening", *turned), again.path("data/decisions/screening.csv"), "screening"
    )
    shutil.rmtree(again.path("results", MONTH))
    done = again.snakemake()
    assert done.returncode == 0, done.stderr
    after = of_the_month(again)
    assert after.keys() == before.keys()
    assert [name for name in before if after[name] != before[name]] == []


def of_the_month(review):
    """Its results, without what they say of the size of people's tables as they are now."""
    files = review.files("results", MONTH)
    del files["checked.json"]
    page = html.fromstring(files["report.html"].decode("utf-8"))
    [digest] = page.xpath("//tr[th/code='data/decisions/screening.csv']")
    digest.drop_tree()
    data = json.loads(files["report.json"])
    data["files"] = [row for row in data["files"] if row["name"] != "data/decisions/screening.csv"]
    return files | {"report.html": html.tostring(page), "report.json": data}
