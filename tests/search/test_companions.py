"""Several reports of one trial: grouped by numbers and PubMed's links, asked about by their looks."""

import random
from types import SimpleNamespace

import pandas as pd
import pytest

import group_companions
from livingreview import tables
from livingreview.search.linkage import companions


def record(record_id, **cells):
    given = {
        "title": f"Record number {record_id} on its own theme",
        "authors": f"Author{record_id} A",
        "year": "2020",
    }
    return {"record_id": record_id, "duplicate_of": "", **given, **cells}


def verdict(record_a, record_b, said):
    return {"record_a": record_a, "record_b": record_b, "verdict": said}


def group(*rows, verdicts=(), studies=None, **options):
    return companions.group(rows, verdicts, studies or {}, **options)


def together(groups):
    """The groups of two and more, as sorted lists."""
    found = {}
    for one, name in groups.group_of.items():
        found.setdefault(name, []).append(one)
    return sorted(sorted(members) for members in found.values() if len(members) > 1)


def asked(groups):
    return [pair[:2] for pair in groups.uncertain]


def test_a_number_shared_makes_reports_of_one_trial():
    found = group(
        record("1", registry_ids="NCT00000001"),
        record("2", abstract="Registered: nct 00000001."),
        record("3", title="A protocol (ISRCTN00000003)"),
        record("4", registry_ids="ISRCTN00000003; NCT00000001"),
        record("5", registry_ids="NCT00000005"),
    )
    assert together(found) == [["1", "2", "3", "4"]]
    assert found.group_of["4"] == "1"
    assert found.group_of["5"] == "5"
    assert found.evidence["2"] == "both name NCT00000001"
    assert "5" not in found.evidence
    assert found.uncertain == []


@pytest.mark.parametrize(
    "pooling",
    [
        {"registry_ids": "NCT00000001; NCT00000002"},
        {"registry_ids": "NCT00000001; ISRCTN00000002; DRKS00000003"},
        {"registry_ids": "NCT00000001", "title": "Example pain: a systematic review"},
        {"registry_ids": "NCT00000001", "publication_types": "Journal Article; Meta-Analysis"},
        {"abstract": "NCT00000001", "title": "A pooled analysis of example trials"},
    ],
)
def test_a_paper_on_several_trials_glues_none_together_and_is_asked_about(pooling):
    trials = [record("1", registry_ids="NCT00000001"), record("2", registry_ids="NCT00000002")]
    found = group(*trials, record("3", **pooling))
    assert together(found) == []
    assert ("1", "3") in asked(found)
    assert all("NCT0000000" in pair.evidence for pair in found.uncertain)


def test_two_registrations_do_not_chain_two_trials():
    found = group(
        record("1", registry_ids="NCT00000001"),
        record("2", registry_ids="NCT00000001; ISRCTN00000009"),
        record("3", registry_ids="ISRCTN00000009; NCT00000003"),
        record("4", registry_ids="ISRCTN00000009"),
    )
    assert together(found) in ([["1", "2", "4"]], [["1", "2"], ["3", "4"]])
    assert any(
        "together they name ISRCTN00000009, NCT00000001, NCT00000003" in pair.evidence
        for pair in found.uncertain
    )


def test_a_number_that_very_many_share_only_asks():
    found = group(*(record(str(n), registry_ids="NCT00000001") for n in range(1, 28)))
    assert together(found) == []
    assert len(found.uncertain) == 26


@pytest.mark.parametrize(
    "kind", ["UpdateOf", "UpdateIn", "ErratumFor", "RetractionIn", "CorrectedandRepublishedFrom"]
)
def test_pubmeds_links_between_versions_and_notices_group(kind):
    found = group(record("1"), record("2", notices=f"CommentIn:9; {kind}:1"), record("3"))
    assert together(found) == [["1", "2"]]
    assert found.evidence["1"] == f"PubMed: {kind} 1"


@pytest.mark.parametrize(
    ("kind", "pairs"), [("CommentOn", []), ("Cites", []), ("AssociatedPublication", [("1", "2")])]
)
def test_other_links_ask_or_say_nothing(kind, pairs):
    found = group(record("1"), record("2", notices=f"{kind}:1"), record("3", notices=f"{kind}:999"))
    assert together(found) == []
    assert asked(found) == pairs


PROTOCOL = {
    "title": "Internet treatment of example pain: study protocol for a randomised trial",
    "authors": "Example AB; Sample C; Third D",
    "year": "2018",
    "abstract": "We will randomise 120 participants.",
}
RESULT = {
    "title": "Internet treatment of example pain: a randomised trial",
    "authors": "Example AB; Sample C; Third D",
    "year": "2020",
    "abstract": "In all, 120 adults took part.",
}


def test_looks_alone_ask_and_never_group():
    found = group(record("1", **PROTOCOL), record("2", **RESULT))
    assert together(found) == []
    [pair] = found.uncertain
    assert pair.evidence == (
        "same first author; 3 authors in common; 100% of the title's words; sample of 120; "
        "report of another kind: protocol"
    )
    assert pair.kind == "companion"


@pytest.mark.parametrize(
    "other",
    [
        {"title": "Walking of older people: results", "authors": "Example AB; Nobody E"},
        {"title": "Internet treatment of example pain: a systematic review"},
        {"year": "2031"},
    ],
)
def test_one_author_or_theme_alone_is_not_worth_a_question(other):
    assert group(record("1", **PROTOCOL), record("2", **{**RESULT, **other})).uncertain == []


def test_a_trials_own_name_asks_and_a_methods_name_does_not():
    rows = [record(str(n), title=f"The selfBACK app number {n} for example pain") for n in (1, 2)]
    assert asked(group(*rows)) == [("1", "2")]
    many = [record(str(n), title=f"The selfBACK app number {n} for example pain") for n in range(1, 9)]
    assert asked(group(*many)) == []


def test_peoples_verdicts_and_studies_stand_above_the_rules():
    rows = [record("1", registry_ids="NCT00000001"), record("2", registry_ids="NCT00000001"), record("3")]
    assert together(group(*rows, verdicts=[verdict("2", "1", "different")])) == []
    assert asked(group(*rows, verdicts=[verdict("2", "1", "different")])) == []
    found = group(*rows, verdicts=[verdict("3", "1", "same_study")])
    assert together(found) == [["1", "2", "3"]]
    assert "people's verdict" in found.evidence["3"]
    assert together(group(*rows, studies={"1": "ex_2020", "3": "ex_2020"})) == [["1", "2", "3"]]
    apart = group(*rows, studies={"1": "ex_2020", "2": "other_2020"})
    assert together(apart) == []
    [pair] = apart.uncertain
    assert pair.evidence == "both name NCT00000001; yet filed under the studies ex_2020 and other_2020"


def test_a_verdict_keeps_apart_what_a_chain_would_join():
    rows = [
        record("1", registry_ids="NCT00000001"),
        record("2", registry_ids="NCT00000001"),
        record("3", notices="UpdateOf:2"),
    ]
    found = group(*rows, verdicts=[verdict("1", "3", "different")])
    assert together(found) == [["1", "2"]]
    assert asked(found) == [("2", "3")]


def test_what_a_duplicate_says_counts_for_the_record_that_is_kept():
    rows = [
        record("1"),
        record("central:cn-1", duplicate_of="1", registry_ids="NCT00000001"),
        record("2", registry_ids="NCT00000001"),
        record("embase:l1", duplicate_of="2"),
    ]
    found = group(*rows)
    assert together(found) == [["1", "2"]]
    assert found.group_of.keys() == {"1", "2"}
    assert together(group(*rows, verdicts=[verdict("central:cn-1", "embase:l1", "different")])) == []
    assert together(group(record("5"), *rows, studies={"embase:l1": "s", "5": "s"})) == [["1", "2", "5"]]


def test_people_are_asked_only_about_records_of_interest():
    rows = [record("1", **PROTOCOL), record("2", **RESULT)]
    assert asked(group(*rows, ask_about={"1"})) == []
    assert asked(group(*rows, ask_about={"1", "2"})) == [("1", "2")]


def test_nothing_and_a_single_record_are_normal():
    assert group() == ({}, {}, [])
    assert group(record("1")) == ({"1": "1"}, {}, [])
    assert companions.table(group()).columns.tolist() == ["group_id", "record_id", "evidence"]


def jumble(seed, n=30):
    chance = random.Random(seed)
    rows = []
    for number in range(1, n + 1):
        kept = str(chance.randint(1, number - 1)) if number > 3 and chance.random() < 0.15 else ""
        if any(row["record_id"] == kept and row["duplicate_of"] for row in rows):
            kept = ""
        numbers = chance.sample(
            ["NCT00000001", "NCT00000002", "ISRCTN00000003", "DRKS00000004"], chance.randint(0, 2)
        )
        rows.append(
            record(
                str(number),
                duplicate_of=kept,
                registry_ids="; ".join(numbers),
                notices=f"UpdateOf:{chance.randint(1, n)}" if chance.random() < 0.2 else "",
                title=chance.choice([PROTOCOL["title"], RESULT["title"], "A pooled analysis", "Walking"]),
                authors=chance.choice([PROTOCOL["authors"], "Other B", ""]),
            )
        )
    return rows


def random_verdicts(seed, n=30):
    chance = random.Random(seed)
    return [
        verdict(str(at), str(at + 1), chance.choice(["same_study", "different"]))
        for at in range(1, n, 2)
        if chance.random() < 0.4
    ]


@pytest.mark.parametrize("seed", range(20))
def test_every_kept_record_has_one_group_and_order_changes_nothing(seed):
    rows, verdicts = jumble(seed), random_verdicts(seed)
    studies = {str(n): f"study_{n % 3}" for n in range(1, 31, 7)}
    found = companions.group(rows, verdicts, studies)
    kept = {row["record_id"] for row in rows if not row["duplicate_of"]}
    assert found.group_of.keys() == kept
    assert all(found.group_of[name] == name for name in found.group_of.values())
    assert companions.group(random.Random(seed).sample(rows, len(rows)), verdicts, studies) == found
    of = {row["record_id"]: row["duplicate_of"] or row["record_id"] for row in rows}
    judged = {}
    for one in verdicts:
        pair = frozenset((of[one["record_a"]], of[one["record_b"]]))
        if len(pair) == 2:
            judged.setdefault(pair, set()).add(one["verdict"])
    for pair, said in judged.items():
        left, right = pair
        if "different" in said:
            assert found.group_of[left] != found.group_of[right] or _joined_by_people(
                left, right, judged, studies, of
            )
        else:
            assert found.group_of[left] == found.group_of[right]
    assert not {frozenset(pair) for pair in asked(found)} & judged.keys()
    table = companions.table(found)
    assert set(table["record_id"]) <= kept
    assert (table["group_id"].value_counts() > 1).all()
    assert [pair.score for pair in found.uncertain] == sorted(
        (pair.score for pair in found.uncertain), reverse=True
    )


def _joined_by_people(left, right, judged, studies, of):
    """Whether people's own links join two records that they also called different; the program can only obey."""
    links = [set(pair) for pair, said in judged.items() if "different" not in said]
    for study in set(studies.values()):
        links.append({of[one] for one, name in studies.items() if name == study})
    reached = {left}
    while True:
        more = {one for link in links if link & reached for one in link} - reached
        if not more:
            return right in reached
        reached |= more


@pytest.fixture
def job(tmp_path, write_example):
    """A run's inputs and outputs, as the rule gives them to the script."""

    def make(rows, verdicts=(), decisions=()):
        columns = [
            "record_id",
            "duplicate_of",
            "title",
            "authors",
            "year",
            "journal",
            "registry_ids",
            "source",
            "first_run",
        ]
        frame = pd.DataFrame(rows, columns=columns, dtype=object)
        tables.write(frame, tmp_path / "records.csv")
        tables.write(
            pd.DataFrame(verdicts, columns=tables.columns("pairs"), dtype=object), tmp_path / "ledger.csv"
        )
        return SimpleNamespace(
            input=SimpleNamespace(
                records=str(tmp_path / "records.csv"),
                pairs=str(tmp_path / "ledger.csv"),
                reports=str(write_example("reports", path=tmp_path / "reports.csv")),
                decisions=str(write_example("screening", *decisions, path=tmp_path / "screening.csv")),
            ),
            output=SimpleNamespace(
                companions=str(tmp_path / "companions.csv"), pairs=str(tmp_path / "pairs.csv")
            ),
            params=SimpleNamespace(run="2020-02", stages=["title-abstract", "full-text"]),
        )

    return make


def test_the_script_writes_groups_and_pairs(job, tmp_path):
    rows = [
        record("1", registry_ids="NCT00000001", **PROTOCOL),
        record("2", registry_ids="NCT00000001", source="PubMed"),
        record("embase:l1", **RESULT, source="Embase"),
        record("embase:l2", **{**RESULT, "year": "2021"}, source="Embase", duplicate_of="embase:l1"),
    ]
    group_companions.main(job(rows))
    assert (tmp_path / "companions.csv").read_text() == (
        "group_id,record_id,evidence\n1,1,both name NCT00000001\n1,2,both name NCT00000001\n"
    )
    queue = tables.read(tmp_path / "pairs.csv", "pair_queue")
    assert queue[["record_a", "record_b", "kind"]].to_numpy().tolist() == [["1", "embase:l1", "companion"]]
    before = (tmp_path / "pairs.csv").read_bytes()
    group_companions.main(job(rows))
    assert (tmp_path / "pairs.csv").read_bytes() == before


def test_the_script_asks_nothing_about_excluded_records_and_obeys_verdicts_up_to_the_run(job, tmp_path):
    rows = [record("1", **PROTOCOL), record("2", **RESULT)]
    group_companions.main(job(rows, decisions=[{"record_id": "2", "decision": "exclude"}]))
    assert tables.read(tmp_path / "pairs.csv", "pair_queue").empty
    word = {**verdict("1", "2", "same_study"), "reviewer": "EX", "decided_at": "2020-02-02"}
    group_companions.main(job(rows, verdicts=[{**word, "run": "2020-02"}]))
    assert "1,2,people's verdict" in (tmp_path / "companions.csv").read_text()
    group_companions.main(job(rows, verdicts=[{**word, "run": "2020-03"}]))
    assert (tmp_path / "companions.csv").read_text() == "group_id,record_id,evidence\n"


def test_the_script_asks_about_what_the_table_shows_alike_and_keeps_apart(job, tmp_path):
    rows = [record("1", **RESULT, source="PubMed"), record("embase:l1", **RESULT, source="Embase")]
    group_companions.main(job(rows))
    queue = tables.read(tmp_path / "pairs.csv", "pair_queue")
    assert queue[["record_a", "record_b", "kind"]].to_numpy().tolist() == [["1", "embase:l1", "duplicate"]]
    rows[1]["duplicate_of"] = "1"
    group_companions.main(job(rows))
    assert tables.read(tmp_path / "pairs.csv", "pair_queue").empty


def test_the_script_runs_on_a_review_without_records(job, tmp_path):
    group_companions.main(job([]))
    assert (tmp_path / "companions.csv").read_text() == "group_id,record_id,evidence\n"
