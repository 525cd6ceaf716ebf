"""How the included trials are counted, also where none, one or all of them are of a kind."""

import example

from livingreview.report import studies


def told(*, pooled, n=8, stated=True):
    context = example.context()
    context["studies"] = context["studies"][:n]
    of_pool = {one["study_id"] for one in context["studies"][:pooled]}
    for row in context["effects"]:
        row["in_pool"] = row["study"] in of_pool
    have = {row["study"] for row in context["effects"] if row["in_pool"]}
    assert len(have) == pooled
    if not stated:
        context["studies"] = [one | {"n_randomised": None} for one in context["studies"]]
    found = studies.studies(context)
    return found["counted"], found["people"]


def test_some_trials_give_numbers_and_some_none():
    counted, people = told(pooled=6)
    assert counted == (
        "8 trials are included: 6 give numbers to at least one pool, 2 none that can be pooled, which is said in"
        " the row."
    )
    assert people == "In 7 trials with a stated number 700 people were randomised."


def test_where_none_or_all_give_numbers_no_zero_is_counted():
    assert told(pooled=0)[0] == (
        "8 trials are included; none gives a number that can be pooled, which is said in its row."
    )
    assert told(pooled=1, n=1)[0] == "1 trial is included; it gives numbers to at least one pool."
    assert told(pooled=0, n=0)[0] == "No trial is included."


def test_where_no_source_states_a_number_nobody_is_counted():
    assert told(pooled=6, stated=False)[1] == "No source used here states how many people were randomised."
