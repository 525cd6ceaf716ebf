"""Searches that find more than PubMed lists, over a set of numbers that stands in for PubMed."""

import itertools
import math
import random
import re
from types import SimpleNamespace

import pytest

from livingreview.search.pubmed.partition import FIRST_UID, LAST_UID, Unsettled, collect, within

WINDOW = 100


class Index:
    """Answers terms of the form Q and (Q) AND low:high[UID] over a set of UIDs that may change meanwhile."""

    def __init__(self, uids, *, order="uid", window=WINDOW):
        self.uids = set(uids)
        self.order = order
        self.window = window
        self.terms = []
        self.before = {}  # request, from 1 -> function of this index, called before it is answered
        self.instead = {}  # request -> function of the true answer to the one that is given

    def ask(self, term):
        self.terms.append(term)
        self.before.get(len(self.terms), lambda _: None)(self)
        low, high = FIRST_UID, LAST_UID
        if term != "Q":
            low, high = map(int, re.fullmatch(r"\(Q\) AND (\d+):(\d+)\[UID\]", term).groups())
        found = sorted((uid for uid in self.uids if low <= uid <= high), reverse=True)
        if self.order == "shuffled":
            random.Random(f"{low} {high}").shuffle(found)
        elif self.order == "date":  # newest first; every 50th record was back-filled with an old date
            found.sort(key=lambda uid: uid - 10**6 if uid % 50 == 0 else uid, reverse=True)
        pmids = tuple(str(uid) for uid in found[: self.window])
        answer = SimpleNamespace(count=len(found), pmids=pmids, body=term.encode())
        return self.instead.get(len(self.terms), lambda good: good)(answer)


def collected(index, **options):
    return collect(index.ask, "Q", window=index.window, **options)


def check(index, whole, parts, uids):
    """The parts tile all UIDs, hold each record once, and add up."""
    assert [part.high for part in parts[:1]] == [LAST_UID]
    assert parts[-1].low == FIRST_UID
    assert all(upper.low == lower.high + 1 for upper, lower in itertools.pairwise(parts))
    for part in parts:
        assert len(part.pmids) == part.count <= index.window
        assert all(part.low <= int(pmid) <= part.high for pmid in part.pmids)
        assert part.body == part.term.encode()
    pmids = [pmid for part in parts for pmid in part.pmids]
    assert sorted(map(int, pmids)) == sorted(uids)
    assert whole.count == len(pmids)


def test_a_term_is_bracketed_so_that_its_operators_stay_together():
    assert within("a[ti] OR b[ti]", 1, 9) == "(a[ti] OR b[ti]) AND 1:9[UID]"


@pytest.mark.parametrize("hits", [0, 1, 99, 100, 101, 199, 200, 201, 202, 1000, 5003])
def test_a_list_by_uid_takes_one_request_for_each_window(hits):
    uids = random.Random(1).sample(range(1, 40_000), hits)
    index = Index(uids)
    check(index, *collected(index), uids)
    assert len(index.terms) == max(1, math.ceil(hits / WINDOW))


@pytest.mark.parametrize("order", ["shuffled", "date"])
@pytest.mark.parametrize("hits", [101, 150, 1000, 5003])
def test_a_list_in_another_order_takes_a_few_requests_more(order, hits):
    uids = random.Random(2).sample(range(1, 40_000), hits)
    index = Index(uids, order=order)
    check(index, *collected(index), uids)
    assert len(index.terms) <= 4 + 3 * math.ceil(hits / WINDOW)


@pytest.mark.parametrize("order", ["uid", "shuffled", "date"])
def test_uids_in_clusters_far_apart_are_found_all(order):
    rng = random.Random(3)
    uids = {start + rng.randrange(300) for start in (1, 5_000, 90_000_000) for _ in range(400)}
    uids |= {FIRST_UID, LAST_UID}
    index = Index(uids, order=order)
    check(index, *collected(index), uids)


def test_uids_without_a_gap_are_found_all():
    index = Index(range(1, 1001), order="shuffled")
    check(index, *collected(index), range(1, 1001))


@pytest.mark.parametrize("seed", range(60))
def test_any_set_in_any_order_is_found_whole(seed):
    rng = random.Random(seed)
    top = rng.choice([150, 1000, 10**5, LAST_UID])
    uids = {rng.randint(1, top) for _ in range(rng.randrange(1500))}
    index = Index(uids, order=rng.choice(["uid", "shuffled", "date"]), window=rng.choice([2, 7, 100]))
    check(index, *collected(index), uids)


@pytest.mark.parametrize("order", ["uid", "shuffled", "date"])
@pytest.mark.parametrize("request_", [2, 3, 5, 8])
@pytest.mark.parametrize("new", [3, 20_001, 39_999])
def test_a_record_that_enters_meanwhile_is_accepted_once_or_left_to_the_next_run(order, request_, new):
    uids = set(random.Random(4).sample(range(10, 20_000), 700)) | {30_000 + n for n in range(100)}
    index = Index(uids, order=order)
    index.before[request_] = lambda changing: changing.uids.add(new)
    whole, parts = collected(index)
    found = {int(pmid) for part in parts for pmid in part.pmids}
    assert found in (uids, uids | {new})
    check(index, whole, parts, found)


@pytest.mark.parametrize("order", ["uid", "shuffled"])
@pytest.mark.parametrize("request_", [2, 4, 7])
def test_a_record_that_leaves_meanwhile_leads_to_a_new_plan(order, request_):
    uids = set(random.Random(5).sample(range(10, 20_000), 800))
    gone = sorted(uids)[0]
    index = Index(uids, order=order)
    index.before[request_] = lambda changing: changing.uids.discard(gone)
    check(index, *collected(index), uids - {gone})


@pytest.mark.parametrize("order", ["uid", "shuffled", "date"])
@pytest.mark.parametrize("request_", range(1, 9))
def test_a_part_that_says_none_where_some_were_planned_is_asked_for_again(order, request_):
    uids = set(random.Random(6).sample(range(10, 20_000), 800))
    index = Index(uids, order=order)
    index.instead[request_] = lambda _: SimpleNamespace(count=0, pmids=(), body=b"")
    if request_ == 1:
        # A whole search that says none is a legitimate answer; only its messages tell.
        assert collected(index)[0].count == 0
        return
    check(index, *collected(index), uids)


def test_a_proof_by_difference_is_taken_back_when_a_list_shows_that_its_order_is_not_by_uid():
    # 1950 has an old date, so the first list leaves it out and falls all the same; 2 enters when the rest is
    # counted, so that the difference seems right; only the list that holds 50 shows the order.
    uids = {*range(1, 2000, 2), 1950, 50}
    index = Index(uids, order="date")
    index.before[2] = lambda changing: changing.uids.add(2)
    check(index, *collected(index), uids | {2})


def test_a_list_one_short_is_asked_for_again():
    index = Index(range(1, 1001))
    for number in (1, 4):
        index.instead[number] = lambda good: SimpleNamespace(
            count=good.count, pmids=good.pmids[1:], body=good.body
        )
    check(index, *collected(index), range(1, 1001))
    assert len(index.terms) == 12


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lambda good: {"pmids": good.pmids[1:]}, "announced 1,000 records and listed 99 different ones"),
        (lambda good: {"pmids": good.pmids[1:] * 2}, "listed 99 different ones"),
        (lambda good: {"pmids": (*good.pmids[1:], good.pmids[1])}, "listed 99 different ones"),
        (lambda good: {"pmids": (*good.pmids[1:], "100000000")}, "listed other UIDs than those from 1 to"),
    ],
)
def test_a_list_that_stays_wrong_is_never_taken(fault, words):
    index = Index(range(1, 1001))
    for number in range(1, 2000):
        index.instead[number] = lambda good: SimpleNamespace(**{**vars(good), **fault(good)})
    with pytest.raises(Unsettled, match=words):
        collected(index)


def test_a_range_that_lists_records_outside_it_is_never_taken():
    index = Index(range(1, 1001))
    for number in range(1, 2000):
        index.instead[number] = lambda good: (
            good
            if good.body == b"Q"
            else SimpleNamespace(**{**vars(good), "pmids": (str(LAST_UID), *good.pmids[1:])})
        )
    with pytest.raises(Unsettled, match="listed other UIDs than those from 1 to 900"):
        collected(index)


def test_parts_that_never_add_up_end_in_an_error_and_not_in_a_part():
    index = Index(range(1, 1001))
    for number in range(2, 4000):
        index.instead[number] = lambda good: (
            good if good.body == b"Q" else SimpleNamespace(count=0, pmids=(), body=b"")
        )
    with pytest.raises(Unsettled, match="announced 1,000 records and listed 0 in parts"):
        collected(index)
    assert len(index.terms) < 20


def test_counts_that_never_fall_end_in_an_error_after_a_bounded_number_of_requests():
    def ask(term):
        terms.append(term)
        low = int(re.search(r"(\d+):", term)[1]) if ":" in term else 1
        pmids = tuple(str(low + n) for n in range(WINDOW))
        return SimpleNamespace(count=50 * WINDOW, pmids=pmids, body=b"")

    terms = []
    with pytest.raises(Unsettled, match="gave counts of ranges of UIDs that no further range makes agree"):
        collect(ask, "Q", window=WINDOW)
    assert len(terms) < 3 * (40 + 6 * 50) + 10
