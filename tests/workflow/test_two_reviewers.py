"""Two people who decide independently of each other, from their queues to one decision."""

import csv

import pytest
from workflow import made_up
from workflow.test_bad_input import last_words

from livingreview import tables

RUN = "2020-01"
ANNA, BO = "Anna Example", "Bo Sample"
OWN = {ANNA: "results/2020-01/queues/anna-example.csv", BO: "results/2020-01/queues/bo-sample.csv"}
BY_ANNA = {"101": "include", "102": "exclude", "103": "include", "104": "exclude"}
WORD = "a word that only Anna wrote"
QUEUES = [*OWN.values(), f"results/{RUN}/conflicts.csv", f"results/{RUN}/agreement.json"]


@pytest.fixture(scope="module")
def begun(tmp_path_factory, write_example):
    """A review of which the first of two reviewers has decided four records of six; not to be changed."""
    records = [
        made_up.record(number, wanted=number % 2 == 1, entered="2019-12-05") for number in range(101, 107)
    ]
    review = made_up.begin(
        tmp_path_factory.mktemp("two") / "review",
        write_example,
        records,
        run=RUN,
        screening={"reviewers": {"independent": 2, "names": [ANNA, BO]}},
        decided=[
            {"record_id": record_id, "run": RUN, "decision": decision, "reviewer": ANNA, "note": WORD}
            | {"role": "independent reviewer"}
            for record_id, decision in BY_ANNA.items()
        ],
    )
    rebuild(review, *QUEUES)
    return review


@pytest.fixture
def review(begun, tmp_path):
    return begun.copy(tmp_path / "copy")


def fill(review, path, entries):
    """Type decisions, {record_id: cells}, into a file of people's."""
    path = review.path(path)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert entries.keys() <= {row["record_id"] for row in rows}
    for row in rows:
        row.update(entries.get(row["record_id"], {}))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def file_all(review, *options):
    done = review.command("file_decisions.py", *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rebuild(review, *wanted):
    done = review.snakemake(*(["--", *wanted] if wanted else []))
    assert done.returncode == 0, done.stderr


def rows(review, path):
    return tables.read_results(review.path(path)).to_dict("records")


def asked(review, path):
    return {row["record_id"]: row["stage"] for row in rows(review, path)}


def test_each_decides_alone_and_what_they_differ_in_is_settled_by_a_third(review):
    # One has spoken; the other is asked everything, and learns nothing of it.
    assert asked(review, OWN[ANNA]).keys() == {"105", "106"}
    assert asked(review, OWN[BO]) == {str(number): "title-abstract" for number in range(101, 107)}
    assert WORD not in review.path(OWN[BO]).read_text(encoding="utf-8")
    assert ANNA not in review.path(OWN[BO]).read_text(encoding="utf-8")
    assert {row["state"] for row in rows(review, OWN[BO])} == {"new"}
    assert rows(review, f"results/{RUN}/conflicts.csv") == []

    # The other agrees on all but one.
    said = BY_ANNA | {"103": "exclude"}
    fill(review, OWN[BO], {one: {"decision": decision} for one, decision in said.items()})
    assert f"4 decisions of {BO} filed" in file_all(review)
    rebuild(review, *QUEUES)
    [conflict] = rows(review, f"results/{RUN}/conflicts.csv")
    assert (conflict["record_id"], conflict["differ_in"]) == ("103", "decision")
    assert {
        conflict["reviewer_1"]: conflict["decision_1"],
        conflict["reviewer_2"]: conflict["decision_2"],
    } == {
        ANNA: "include",
        BO: "exclude",
    }
    for path in OWN.values():
        assert asked(review, path) == {
            "101": "full-text",
            "105": "title-abstract",
            "106": "title-abstract",
        }
        assert WORD not in review.path(path).read_text(encoding="utf-8")
    measured = tables.read_json(review.path(f"results/{RUN}/agreement.json"))["cumulative"]["title-abstract"]
    assert (measured["n"], measured["n_agree"], measured["agreement"]) == (4, 3, 0.75)
    # Cohen's kappa of 1, 0, 1, 0 against 1, 0, 0, 0: observed 3/4, by chance 1/2 * 1/4 + 1/2 * 3/4.
    assert measured["kappa"] == pytest.approx(0.5)

    # A third decides; agreement is of what the two said first.
    settled = {"decision": "include", "reviewer": "Cleo Third", "note": "a third person read it"}
    fill(review, f"results/{RUN}/conflicts.csv", {"103": settled})
    assert "1 adjudication filed" in file_all(review)
    rebuild(review)
    assert rows(review, f"results/{RUN}/conflicts.csv") == []
    for path in OWN.values():
        assert asked(review, path)["103"] == "full-text"
    after = tables.read_json(review.path(f"results/{RUN}/agreement.json"))["cumulative"]["title-abstract"]
    assert (after["n"], after["n_agree"]) == (4, 3)
    ledger = tables.read(review.path("data/decisions/screening.csv"), "screening")
    assert ledger["role"].tolist() == ["independent reviewer"] * 8 + ["adjudicator"]
    assert ledger["band"].tolist() == [None] * 4 + ["not ranked by decisions"] * 4 + [None]
    assert review.path(f"results/{RUN}/report.html").is_file()


def test_the_common_queue_and_another_s_file_are_no_place_to_decide(review):
    fill(review, f"results/{RUN}/queue.csv", {"101": {"decision": "include", "reviewer": ANNA}})
    refused = review.command("file_decisions.py", "--queue", review.path(f"results/{RUN}/queue.csv"))
    assert refused.returncode == 1
    assert "asks for two independent reviewers, so nobody decides in this file" in refused.stderr
    assert OWN[ANNA].rpartition("/")[2] in refused.stderr
    stopped = review.snakemake("--dry-run")
    assert stopped.returncode != 0
    assert "1 filled-in rows are not filed" in last_words(stopped)
    assert "asks for two reviewers" in last_words(stopped)
    fill(review, f"results/{RUN}/queue.csv", {"101": {"decision": "", "reviewer": ""}})
    fill(review, OWN[ANNA], {"105": {"decision": "include", "reviewer": BO}})
    refused = review.command("file_decisions.py")
    assert refused.returncode == 1
    assert f"column reviewer: this is the file of {ANNA}" in refused.stderr
    assert len(tables.read(review.path("data/decisions/screening.csv"), "screening")) == len(BY_ANNA)
