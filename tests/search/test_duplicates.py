"""One record in several databases: merged without doubt or shown to people, never lost."""

import random

import pytest

from livingreview.errors import InputError
from livingreview.search.linkage import duplicates, likeness

TITLE = "Internet treatment for example pain in adults: a randomised controlled trial"
PLACE = {
    "year": "2020",
    "authors": "Example AB; Sample C",
    "journal": "J Ex Pain",
    "volume": "12",
    "pages": "101-110",
}


def pubmed(pmid="101", **cells):
    return {
        "record_id": pmid,
        "pmid": pmid,
        "source": "PubMed",
        "first_run": "2020-01",
        "title": TITLE,
        **PLACE,
        **cells,
    }


def imported(record_id="embase:l1", **cells):
    return {
        "record_id": record_id,
        "source": "Embase",
        "first_run": "2020-02",
        "title": TITLE,
        **PLACE,
        **cells,
    }


def verdict(record_a, record_b, said):
    return {"record_a": record_a, "record_b": record_b, "verdict": said}


def merged(*rows, verdicts=()):
    return duplicates.find(rows, verdicts).duplicate_of


def asked(*rows, verdicts=()):
    return [pair[:2] for pair in duplicates.find(rows, verdicts).uncertain]


@pytest.mark.parametrize(
    "cells",
    [
        {},
        {"title": "INTERNET TREATMENT FOR EXAMPLE PAIN IN ADULTS - A RANDOMISED CONTROLLED TRIAL."},
        {"authors": "Example A."},
        {"journal": "Journal of Example Pain"},
        {"volume": "", "pages": ""},
        {"volume": "", "pages": "", "journal": ""},
        {"pages": "101-10", "year": "2021"},
        {"authors": ""},
        {"authors": "", "journal": "", "volume": ""},
        {"title": "Internet treatment for example pain in adults"},
        {"title": "Intenet treatment for example pain in adults: a randomised controlled trial"},
        {"doi": "10.1000/a", "title": TITLE[:50], "year": "2021", "journal": "", "authors": "", "pages": ""},
        {"doi": "10.1000/a", "journal": "Another Name", "volume": "7"},
        {"pmid": "101", "title": "Behandlung von Schmerz im Internet", "pages": ""},
    ],
)
def test_what_agrees_in_enough_and_contradicts_in_nothing_is_merged(cells):
    rows = [pubmed(doi="10.1000/a"), imported(**cells)]
    assert merged(*rows) == {"embase:l1": "101"}
    assert asked(*rows) == []


@pytest.mark.parametrize(
    "cells",
    [
        {"pages": "S12", "volume": "12"},
        {"volume": "13", "pages": ""},
        {"year": "2018"},
        {"doi": "10.1000/b"},
        {"publication_types": "Conference Abstract", "pages": ""},
        {"journal": "Headache Ex", "pages": ""},
        {"title": "Intenet treatment for example pain in adults: a randomised controlled trial", "pages": ""},
        {"title": "Internet treatment for example pain in adults", "pages": ""},
        {"title": "Eine Behandlung im Netz"},
        {"doi": "10.1000/a", "title": "Sleep and walking in older people with asthma"},
        {"doi": "10.1000/a", "pages": "S12"},
        {"pmid": "101", "title": "Sleep and walking in older people", "authors": "Other B"},
        {"year": "", "pages": ""},
        # A comment on the paper, under its title and in its year, looks like this.
        {"authors": "", "journal": "", "volume": "", "pages": ""},
        {"authors": "", "pages": ""},
    ],
)
def test_what_is_alike_and_not_beyond_doubt_is_shown_to_people(cells):
    rows = [pubmed(doi="10.1000/a"), imported(**cells)]
    assert merged(*rows) == {}
    assert asked(*rows) == [("101", "embase:l1")]


@pytest.mark.parametrize(
    "cells",
    [
        {"title": f"Erratum: {TITLE}", "pages": "200"},
        {"title": f"Reply to: {TITLE}", "authors": "Other B", "pages": "200"},
        {"title": f"{TITLE}. Part II", "pages": "200"},
        {"title": "Internet treatment for example pain in children: one-year follow-up", "pages": "200"},
        {"title": "Sleep and walking in older people with asthma", "pages": "200"},
        {"authors": "Other B", "pages": "200"},
    ],
)
def test_another_paper_is_neither_merged_nor_asked_about(cells):
    rows = [pubmed(), imported(**cells)]
    assert merged(*rows) == {}
    assert asked(*rows) == []


def test_short_titles_that_papers_share_are_not_merged_without_a_number():
    rows = [pubmed(title="Chronic pain", pages=""), imported(title="Chronic pain", pages="")]
    assert merged(*rows) == {}
    assert asked(*rows) == [("101", "embase:l1")]
    rows = [pubmed(title="Chronic pain", doi="10.1000/a"), imported(title="Chronic pain", doi="10.1000/A")]
    assert merged(*rows) == {"embase:l1": "101"}


def test_pubmeds_own_records_are_never_merged_by_rule_but_people_may():
    rows = [pubmed("101"), pubmed("99")]
    assert merged(*rows) == {}
    assert asked(*rows) == [("99", "101")]
    assert merged(*rows, verdicts=[verdict("101", "99", "same_record")]) == {"101": "99"}
    assert asked(*rows, verdicts=[verdict("101", "99", "same_record")]) == []


def test_no_third_record_makes_two_of_pubmed_one():
    rows = [pubmed("101", pages=""), pubmed("102", pages=""), imported(pages="")]
    found = duplicates.find(rows, [])
    assert found.duplicate_of == {"embase:l1": "101"}
    assert [pair[:2] for pair in found.uncertain] == [("101", "102")]


def test_a_record_without_place_joins_one_of_two_that_contradict_each_other():
    rows = [
        pubmed(),
        imported("embase:l1", volume="", pages=""),
        imported("embase:l2", volume="30", pages="S3"),
    ]
    found = duplicates.find(rows, [])
    assert found.duplicate_of == {"embase:l1": "101"}
    assert ("101", "embase:l2") in [pair[:2] for pair in found.uncertain]


def test_a_doi_that_a_supplement_shares_is_no_evidence():
    titles = [
        "Sleep in older people after a fall",
        "Walking to school and attention",
        "Asthma and horses: an example survey",
        "Vision tests by telephone in deserts",
        "Hearing aids that sing to their owners",
        "Balance training on ships and trains",
        "Speech after long silence among monks",
    ]
    rows = [
        imported(
            f"embase:l{n}",
            title=title,
            doi="10.1000/s",
            pages=f"S{n}",
        )
        for n, title in enumerate(titles)
    ]
    assert duplicates.find(rows, []) == ({}, [])


def test_the_kept_record_is_pubmeds_then_the_earliest_then_the_smallest():
    late = imported("doi:10.1000/a", first_run="2021-01")
    early = imported("scopus:2", first_run="2019-01")
    same = imported("embase:l1", first_run="2019-01")
    assert merged(late, early) == {"doi:10.1000/a": "scopus:2"}
    assert merged(late, early, same) == {"doi:10.1000/a": "embase:l1", "scopus:2": "embase:l1"}
    assert set(merged(late, early, same, pubmed()).values()) == {"101"}


def test_peoples_verdicts_stand_above_every_rule():
    alike, unlike = (
        imported(),
        imported(title="Sleep and walking in older people", pages="9", authors="Other B"),
    )
    assert merged(pubmed(), alike, verdicts=[verdict("embase:l1", "101", "different")]) == {}
    assert asked(pubmed(), alike, verdicts=[verdict("embase:l1", "101", "different")]) == []
    assert merged(pubmed(), alike, verdicts=[verdict("embase:l1", "101", "same_study")]) == {}
    assert merged(pubmed(), unlike, verdicts=[verdict("101", "embase:l1", "same_record")]) == {
        "embase:l1": "101"
    }
    # The latest verdict wins, whichever way round the pair is written.
    changed = [verdict("101", "embase:l1", "same_record"), verdict("embase:l1", "101", "different")]
    assert merged(pubmed(), alike, verdicts=changed) == {}
    assert merged(pubmed(), verdicts=[verdict("101", "gone:1", "same_record")]) == {}


def test_a_verdict_keeps_apart_what_a_chain_would_join():
    rows = [pubmed(), imported("embase:l1"), imported("scopus:2")]
    found = duplicates.find(rows, [verdict("101", "scopus:2", "different")])
    assert found.duplicate_of == {"embase:l1": "101"}
    assert found.uncertain == []


def test_rules_make_no_record_of_two_that_people_decided_differently():
    rows = [pubmed(), imported()]
    stages = {"101": {"title_abstract": "include"}, "embase:l1": {"title_abstract": "exclude"}}
    found = duplicates.find(rows, [], stages)
    assert found.duplicate_of == {}
    [pair] = found.uncertain
    assert pair[:2] == ("101", "embase:l1")
    assert pair.evidence.startswith("same title; same first author")
    assert pair.evidence.endswith("; decided differently: include and exclude")
    # People's word unites them still.
    said = [verdict("101", "embase:l1", "same_record")]
    assert duplicates.find(rows, said, stages) == ({"embase:l1": "101"}, [])


@pytest.mark.parametrize(
    "decided",
    [
        {},
        {"101": {"title_abstract": "include"}},
        {"101": {"title_abstract": "include"}, "embase:l1": {"title_abstract": "include"}},
        {"101": {"title_abstract": "include"}, "embase:l1": {"full_text": "exclude"}},
        {"101": {"title_abstract": "include"}, "gone:1": {"title_abstract": "exclude"}},
    ],
)
def test_decisions_that_do_not_differ_at_a_common_stage_are_no_hindrance(decided):
    assert duplicates.find([pubmed(), imported()], [], decided).duplicate_of == {"embase:l1": "101"}


def test_no_third_record_unites_two_that_people_decided_differently():
    rows = [imported("embase:l1"), imported("scopus:2"), imported("wos:3")]
    decided = {
        "embase:l1": {"title_abstract": "include", "full_text": "awaiting"},
        "wos:3": {"title_abstract": "include", "full_text": "exclude"},
    }
    found = duplicates.find(rows, [], decided)
    assert found.duplicate_of == {"scopus:2": "embase:l1"}
    assert [(pair[:2], pair.evidence.split("; ")[-1]) for pair in found.uncertain] == [
        (("embase:l1", "wos:3"), "decided differently: awaiting and exclude")
    ]
    assert duplicates.find(rows[::-1], [], decided) == found


@pytest.mark.parametrize("seed", range(10))
def test_no_cluster_made_by_rule_holds_different_decisions(seed):
    rows = jumble(seed)
    chance = random.Random(seed)
    decided = {
        row["record_id"]: {chance.choice(["one", "two"]): chance.choice(["include", "exclude"])}
        for row in rows
        if chance.random() < 0.6
    }
    found = duplicates.find(rows, [], decided)
    said = {}
    for one, stages in decided.items():
        for stage, decision in stages.items():
            said.setdefault((found.duplicate_of.get(one, one), stage), set()).add(decision)
    assert all(len(decisions) == 1 for decisions in said.values())
    assert duplicates.find(random.Random(seed).sample(rows, len(rows)), [], decided) == found


def test_verdicts_that_contradict_each_other_are_told():
    rows = [imported(name) for name in ("a:1", "b:2", "c:3")]
    said = [
        verdict("a:1", "b:2", "same_record"),
        verdict("b:2", "c:3", "same_record"),
        verdict("a:1", "c:3", "different"),
    ]
    with pytest.raises(InputError) as caught:
        duplicates.find(rows, said)
    assert str(caught.value) == (
        "data/decisions/pairs.csv: a:1 and c:3 are different, yet other verdicts make them one record; "
        "hint: correct one of the verdicts; each correction is a new row"
    )


def test_an_id_twice_is_a_fault_of_the_caller():
    with pytest.raises(ValueError, match="twice"):
        duplicates.find([pubmed(), pubmed()], [])


def test_nothing_and_records_that_say_nothing_are_normal():
    assert duplicates.find([], []) == ({}, [])
    assert duplicates.find([{"record_id": "a:1"}, {"record_id": "b:2", "title": ""}], []) == ({}, [])


def test_pairs_for_people_come_best_first_and_say_why():
    rows = [
        pubmed(),
        imported("embase:l1", publication_types="Conference Abstract", pages=""),
        imported("embase:l2", year="2018", volume="3", pages="5", journal="Headache Ex"),
    ]
    found = duplicates.find(rows, []).uncertain
    assert [pair.score for pair in found] == sorted((pair.score for pair in found), reverse=True)
    assert found[0][:4] == (
        "101",
        "embase:l1",
        "duplicate",
        "same title; same first author; same year; one is a meeting abstract",
    )
    assert all(0 <= pair.score <= 1 for pair in found)


def jumble(seed, n=40):
    """Records of few titles, authors, years and places, so that many are alike in many ways."""
    chance = random.Random(seed)
    rows = []
    for number in range(n):
        in_pubmed = chance.random() < 0.4
        rows.append(
            {
                "record_id": str(100 + number) if in_pubmed else f"made:{number}",
                "pmid": str(100 + number) if in_pubmed else chance.choice(["", "", "101", "105"]),
                "source": "PubMed" if in_pubmed else "Made",
                "first_run": "" if in_pubmed else chance.choice(["2020-01", "2020-02"]),
                "title": chance.choice(
                    [TITLE, TITLE[:45], f"{TITLE} part II", "Sleep and walking in older people", "Pain"]
                ),
                "authors": chance.choice(["", "Example AB; Sample C", "Sample C"]),
                "year": chance.choice(["", "2020", "2021"]),
                "journal": chance.choice(["", "J Ex Pain", "Journal of Example Pain", "Headache Ex"]),
                "volume": chance.choice(["", "12"]),
                "pages": chance.choice(["", "101-110", "S3"]),
                "doi": chance.choice(["", "", "10.1000/a", "10.1000/b"]),
            }
        )
    return rows


def random_verdicts(rows, seed):
    """Verdicts on pairs of neighbours; they cannot contradict each other."""
    chance = random.Random(seed)
    ids = [row["record_id"] for row in rows]
    return [
        verdict(left, right, chance.choice(["same_record", "same_study", "different"]))
        for left, right in zip(ids[::2], ids[1::2], strict=False)
        if chance.random() < 0.5
    ]


@pytest.mark.parametrize("seed", range(25))
def test_no_record_disappears_and_the_order_of_rows_and_repetition_change_nothing(seed):
    rows = jumble(seed)
    verdicts = random_verdicts(rows, seed)
    found = duplicates.find(rows, verdicts)
    ids = {row["record_id"] for row in rows}
    kept = ids - found.duplicate_of.keys()
    # Each duplicate points at a record that is kept itself: nothing is lost and nothing needs following.
    assert set(found.duplicate_of.values()) <= kept
    assert found.duplicate_of.keys() <= ids
    shuffled = random.Random(seed).sample(rows, len(rows))
    assert duplicates.find(shuffled, verdicts) == found
    assert duplicates.find(rows, verdicts) == found
    assert all({pair.record_a, pair.record_b} <= kept for pair in found.uncertain)
    of_pubmed = {row["record_id"] for row in rows if row["source"] == "PubMed"}
    said = {frozenset((one["record_a"], one["record_b"])): one["verdict"] for one in verdicts}
    final = {one: found.duplicate_of.get(one, one) for one in ids}
    for pair, word in said.items():
        left, right = pair
        assert (final[left] == final[right]) == (word == "same_record")
    people_joined = {one for pair, word in said.items() if word == "same_record" for one in pair}
    assert {one for one in found.duplicate_of if one in of_pubmed} <= people_joined
    listed = [pair[:2] for pair in found.uncertain]
    assert len(set(listed)) == len(listed)
    assert not {frozenset(pair) for pair in listed} & said.keys()


@pytest.mark.parametrize("seed", range(5))
def test_what_is_kept_holds_no_further_sure_pair_of_other_databases(seed):
    """Finding again among the kept records merges nothing that the first time left."""
    rows = jumble(seed)
    found = duplicates.find(rows, [])
    kept = [row for row in rows if row["record_id"] not in found.duplicate_of]
    again = duplicates.find(kept, [])
    refused = {frozenset(pair[:2]) for pair in found.uncertain}
    assert {frozenset(pair) for pair in again.duplicate_of.items()} <= refused


def test_a_title_that_very_many_share_is_compared_within_author_and_year():
    rows = [
        imported(
            f"made:{n}", title=TITLE, authors=f"Author{n % 7} A", year=str(2000 + n % 5), pages="", volume=""
        )
        for n in range(300)
    ]
    found = duplicates.find(rows, [])
    # 35 authors and years: one record of each is kept, and none is compared across.
    assert len(rows) - len(found.duplicate_of) == 35


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("β-Endorphin &amp; <i>pain</i>", ("beta", "endorphin", "and", "pain")),
        ("Größe—L'été", ("grosse", "lete")),
        ("p < 0.05 in adults", ("p", "0", "05", "in", "adults")),
        ("", ()),
    ],
)
def test_words_are_plain(text, expected):
    assert likeness.words(text) == expected


@pytest.mark.parametrize(
    ("pages", "first"),
    [("S12-S20", "s12"), ("0123-30", "123"), ("e0123", "123"), ("pp. 7", "7"), ("", ""), ("none", "")],
)
def test_a_first_page_is_read_from_every_way_of_writing_it(pages, first):
    assert likeness.citation({"record_id": "1", "pages": pages}).page == first
