"""Several months of a made-up review: what the ranking said each month, and what it says of its own past."""

import shutil

import pytest
from lxml import html
from workflow import made_up
from workflow.conftest import Review

import rehearse_months
from livingreview import tables
from livingreview.screening import bands

FIRST, MONTHS = "2019-12", ["2020-01", "2020-02"]
LAST = MONTHS[-1]
# Every third record is wanted; three excluded ones look as if they were.
BEFORE = [
    made_up.record(number, wanted=number % 3 == 0, entered="2019-11-05", year=str(2014 + number % 6))
    for number in range(101, 161)
]
LATER = {
    month: [made_up.record(number, wanted=number % 5 == 0, entered=f"{month}-01") for number in numbers]
    for month, numbers in zip(MONTHS, (range(201, 226), range(301, 326)), strict=True)
}
MISLEADING = {"103", "118", "210"}


def decision(record, run):
    """The people's answer: what the title was made to say, but for a few."""
    wanted = "randomized" in record["title"] and record["pmid"] not in MISLEADING
    answer = {"decision": "include"} if wanted else {"decision": "exclude", "reason": "not_rct"}
    return answer | {"record_id": record["pmid"], "run": run, "stage": "full-text", "reviewer": "EX"}


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory, write_example):
    """(the copy in which the months were rehearsed, what was printed); not to be changed."""
    folder = tmp_path_factory.mktemp("months")
    decided = [decision(record, FIRST) for record in BEFORE]
    decided += [decision(record, month) for month, records in LATER.items() for record in records]
    review = made_up.begin(
        folder / "review",
        write_example,
        [*BEFORE, *(record for records in LATER.values() for record in records)],
        run=FIRST,
        screening={"stages": ["full-text"]},
        decided=decided,
        rehearsal={"after": FIRST, "months": len(MONTHS)},
    )
    # The rehearsal starts from a search; what is decided of later months is not yet there to be found.
    ledger = review.path("data/decisions/screening.csv")
    everything = ledger.read_text(encoding="utf-8")
    tables.write(tables.read(ledger, "screening").query("run == @FIRST"), ledger)
    done = review.snakemake("--", f"results/{FIRST}/records.csv")
    assert done.returncode == 0, done.stderr
    ledger.write_text(everything, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        said = []
        patch.setattr("builtins.print", lambda *parts, **_: said.append(" ".join(map(str, parts))))
        status = rehearse_months.main(["--directory", str(review.folder), "--target", str(folder / "copy")])
    assert status == 0, said
    return Review(folder / "copy"), "\n".join(said)


def results(copy, run, name):
    path = copy.path("results", run, name)
    return tables.read_json(path) if path.suffix == ".json" else tables.read_results(path)


def test_decisions_carry_what_the_reviewer_saw(rehearsed):
    ledger = tables.read(rehearsed[0].path("data/decisions/screening.csv"), "screening")
    before, later = ledger[ledger["run"] == FIRST], ledger[ledger["run"] > FIRST]
    assert before["model"].isna().all()
    assert len(later) == sum(map(len, LATER.values()))
    assert later["score"].notna().all()
    assert later["probability"].between(0, 1).all()
    assert set(later["band"]) == {bands.READ_FIRST, bands.AUDIT, bands.THEN}
    models = later.groupby("run")["model"].agg(set)
    assert [len(names) for names in models] == [1, 1]
    # The second month's model has learnt from the first month too.
    assert [f"n={n}" for n in (60, 85)] == [names.copy().pop().split()[1] for names in models]


def test_the_model_was_useful_and_is_not_told_the_answers(rehearsed):
    ledger = tables.read(rehearsed[0].path("data/decisions/screening.csv"), "screening")
    later = ledger[ledger["run"] > FIRST]
    included = later["decision"] == "include"
    assert later[included]["probability"].median() > 2 * later[~included]["probability"].median()
    # It can't know that this one was excluded.
    assert later.set_index("record_id").loc["210", "band"] == bands.READ_FIRST


def test_the_audit_of_every_month_is_kept_and_bounds_what_was_missed(rehearsed):
    copy, _ = rehearsed
    ledger = tables.read(copy.path("data/decisions/screening.csv"), "screening")
    ranking = results(copy, LAST, "ranking.json")
    audits = {row["month"]: row for row in ranking["audit"]}
    for month in MONTHS:
        drawn = ledger[(ledger["run"] == month) & (ledger["band"] == bands.AUDIT)]
        low = ledger[(ledger["run"] == month) & ledger["band"].isin([bands.AUDIT, bands.THEN])]
        assert len(drawn) == min(10, len(low)) > 0
        assert (audits[month]["n_audit"], audits[month]["n_audit_read"]) == (len(drawn), len(drawn))
        assert audits[month]["n_below"] == len(low)
    overall = ranking["stopping"]["cumulative"]
    assert overall["n_audit_read"] == sum(audits[month]["n_audit"] for month in MONTHS)
    assert overall["n_unread"] == 0
    assert overall["bound_missed"] == 0


def test_the_past_is_tested_month_by_month(rehearsed):
    copy, _ = rehearsed
    about = results(copy, LAST, "backtest.json")["full-text"]
    months = results(copy, LAST, "backtest.csv")
    predictions = results(copy, LAST, "predictions.csv")
    tested = months[months["tested"]]
    assert len(tested) == about["summary"]["n_months"] > 0
    assert len(predictions) == about["summary"]["n_ranked"] == tested["n_ranked"].sum()
    assert (predictions["trained_before"] <= predictions["month"]).all()
    assert set(months["month"]) >= set(predictions["month"])
    assert about["choice"]["chosen"] in {row["name"] for row in about["choice"]["table"]}


def test_doubtful_old_decisions_are_listed(rehearsed):
    doubts = results(rehearsed[0], LAST, "suspicious.csv")
    assert 0 < len(doubts) <= 5
    assert MISLEADING & set(doubts["record_id"])


def test_the_report_says_it_all(rehearsed):
    copy, _ = rehearsed
    page = html.fromstring(copy.path("results", LAST, "report.html").read_text(encoding="utf-8"))
    text = " ".join(page.text_content().split())
    ranking = results(copy, LAST, "ranking.json")
    assert ranking["statement"]
    for part in ranking["statement"]:
        assert " ".join(part["text"].split()) in text
    assert ranking["stopping"]["cumulative"]["sentence"] in text
    for warning in results(copy, LAST, "backtest.json")["full-text"]["warnings"]:
        assert warning in text
    doubts = results(copy, LAST, "suspicious.csv")
    assert [title for title in doubts["title"] if title not in text] == []


def test_the_rehearsal_prints_bands_and_the_bound_of_each_month(rehearsed):
    copy, said = rehearsed
    header = next(line for line in said.splitlines() if line.startswith("run"))
    assert {"first/audit/then", "low-ranked"} <= set(header.split())
    ledger = tables.read(copy.path("data/decisions/screening.csv"), "screening")
    for month in MONTHS:
        counts = ledger[ledger["run"] == month]["band"].value_counts()
        shown = "/".join(str(counts[band]) for band in (bands.READ_FIRST, bands.AUDIT, bands.THEN))
        assert shown in next(line for line in said.splitlines() if line.startswith(month)).split()
    overall = results(copy, LAST, "ranking.json")["stopping"]["cumulative"]
    last = next(line for line in said.splitlines() if line.startswith(LAST)).split()
    assert f"{overall['n_pooled_relevant']}/{overall['n_pooled']}" in last
    assert next(cell for cell in last if cell.startswith("<=")).endswith("%")


def test_a_month_built_again_after_later_decisions_is_the_same_to_the_byte(rehearsed, tmp_path):
    copy = rehearsed[0].copy(tmp_path / "again")
    before = copy.files("results", MONTHS[0])
    assert {"queue.csv", "ranking.json", "backtest.json", "backtest.csv", "predictions.csv"} <= before.keys()
    assert {"suspicious.csv", "conflicts.csv", "agreement.json", "report.html"} <= before.keys()
    shutil.rmtree(copy.path("results", MONTHS[0]))
    done = copy.snakemake("--config", f"run={MONTHS[0]}")
    assert done.returncode == 0, done.stderr
    assert copy.files("results", MONTHS[0]) == before
