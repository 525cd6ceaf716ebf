"""Every change of the protocol is listed key by key, and no release is made while one lacks its reason."""

import copy

import pandas as pd
import pytest
import yaml

from livingreview import tables
from livingreview.living import frozen_protocol, methods_changes
from livingreview.pooling.random_effects import fit


@pytest.fixture(scope="module")
def shipped():
    """The bundled protocol; not to be changed."""
    return yaml.safe_load((tables.SCHEMAS.parent / "config.yaml").read_text(encoding="utf-8"))


def compare(before, after, **more):
    return methods_changes.compare(before, after, **more)


def keys(rows):
    return [(row["key"], row["before"], row["after"]) for row in rows]


def changed(shipped, path, value):
    """The bundled protocol with one key set."""
    after = copy.deepcopy(shipped)
    *folders, key = path.split(".")
    place = after
    for folder in folders:
        place = place[folder]
    place[key] = value
    return after


def test_the_same_protocol_has_no_change(shipped):
    found = compare(shipped, copy.deepcopy(shipped), versions=("0.1.0", "0.1.0"))
    assert (found["changes"], found["left_out"], found["protocol_frozen"]) == ([], [], True)


def test_a_key_is_listed_with_what_it_was_and_became(shipped):
    found = compare(shipped, changed(shipped, "analysis.method_tau2", "DL"))
    assert keys(found["changes"]) == [("analysis.method_tau2", "REML", "DL")]
    assert found["changes"][0]["reason"] is None


def test_a_key_that_came_or_went_is_listed(shipped):
    found = compare(shipped, changed(shipped, "analysis.convert_odds_ratios", True))
    assert keys(found["changes"]) == [("analysis.convert_odds_ratios", "", "yes")]
    back = compare(changed(shipped, "analysis.convert_odds_ratios", True), shipped)
    assert keys(back["changes"]) == [("analysis.convert_odds_ratios", "yes", "")]


def test_lists_are_compared_item_by_item(shipped):
    items = [item for item in shipped["eligibility"]["include"] if "Adults" not in item]
    found = compare(shipped, changed(shipped, "eligibility.include", [*items, "People of any age"]))
    gone = next(item for item in shipped["eligibility"]["include"] if "Adults" in item)
    assert keys(found["changes"]) == [
        ("eligibility.include", gone, ""),
        ("eligibility.include", "", "People of any age"),
    ]


def test_another_order_of_a_list_is_one_change(shipped):
    found = compare(shipped, changed(shipped, "other_outcomes", ["b", "a"]) | {})
    assert len(found["changes"]) == 3
    one, other = ({"screening": {"stages": order}} for order in (["a", "b"], ["b", "a"]))
    assert keys(methods_changes.differences(*map(methods_changes.flat, (one, other)))) == [
        ("screening.stages", "a; b", "b; a")
    ]


def test_a_new_outcome_and_a_changed_subgroup_are_named_by_their_keys(shipped):
    after = changed(
        shipped, "outcomes.sleep", {"label": "Sleep", "short": "Sleep", "description": "Of nights"}
    )
    after["subgroups"] = after["subgroups"][1:]
    found = compare(shipped, after)["changes"]
    assert ("outcomes.sleep.description", "", "Of nights") in keys(found)
    assert any(key.startswith("subgroups.population.") and new == "" for key, _, new in keys(found))


def test_a_query_that_is_only_wrapped_otherwise_has_not_changed(shipped):
    query = shipped["search"]["query"].replace(" OR ", "\n  OR ")
    assert compare(shipped, changed(shipped, "search.query", query))["changes"] == []


@pytest.mark.parametrize(
    ("path", "value"),
    [("run", "2030-01"), ("search.email", "b@example.org"), ("outcomes.depression.short", "Mood")],
)
def test_what_is_no_method_is_listed_apart_with_what_it_is(shipped, path, value):
    found = compare(shipped, changed(shipped, path, value))
    assert found["changes"] == []
    assert [row["key"] for row in found["left_out"]] == [path]
    assert found["left_out"][0]["why"]


def test_a_pause_wants_one_reason_and_not_one_for_each_key_that_says_it(shipped):
    after = copy.deepcopy(shipped)
    after["living"] |= {"mode": "paused", "since": "2026-12", "reason": "An example"}
    found = compare(shipped, after)
    assert keys(found["changes"]) == [("living.mode", "active", "paused")]
    assert [row["key"] for row in found["left_out"]] == ["living.since", "living.reason"]


def test_another_version_of_the_software_is_a_change_and_an_unrecorded_one_is_not(shipped):
    found = compare(shipped, shipped, versions=("0.1.0", "0.2.0"))
    assert keys(found["changes"]) == [("software.living-review", "0.1.0", "0.2.0")]
    assert compare(shipped, shipped, versions=(None, "0.2.0"))["changes"] == []


def reason(**cells):
    about = {"key": "analysis.method_tau2", "before": "REML", "after": "DL", "reason": "Because.", "by": "EX"}
    return about | {"run": "2020-02", "decided_at": "2020-02-01"} | cells


def test_a_reason_is_found_by_key_before_and_after(shipped):
    after = changed(shipped, "analysis.method_tau2", "DL")
    found = compare(shipped, after, reasons=[reason()])
    assert (found["changes"][0]["reason"], found["changes"][0]["by"]) == ("Because.", "EX")
    assert methods_changes.missing_reasons(found) == []
    assert found["unused_reasons"] == []


def test_a_reason_for_another_change_does_not_count_and_is_told(shipped):
    after = changed(shipped, "analysis.method_tau2", "DL")
    found = compare(shipped, after, reasons=[reason(before="PM")])
    assert found["changes"][0]["reason"] is None
    assert [row["before"] for row in found["unused_reasons"]] == ["PM"]


def test_of_two_reasons_for_one_change_the_later_counts(shipped):
    after = changed(shipped, "analysis.method_tau2", "DL")
    rows = [reason(run="2020-03", reason="Later."), reason()]
    assert compare(shipped, after, reasons=rows)["changes"][0]["reason"] == "Later."


def test_an_empty_cell_stands_for_nothing_before(shipped):
    after = changed(shipped, "analysis.convert_odds_ratios", True)
    row = reason(key="analysis.convert_odds_ratios", before=None, after="yes")
    assert compare(shipped, after, reasons=[row])["changes"][0]["reason"] == "Because."


def test_a_missing_reason_names_the_change_and_the_file(shipped):
    found = compare(shipped, changed(shipped, "analysis.method_tau2", "DL"))
    (line,) = methods_changes.missing_reasons(found)
    assert "analysis.method_tau2 changed from 'REML' to 'DL' without a reason" in line
    assert "data/methods/changes.csv" in line


def frozen(**methods):
    result = fit([-0.6, -0.1, -0.2], [0.04, 0.02, 0.03], **methods)
    row = {name: getattr(result, name) for name in ("k", "method_tau2", "method_ci", "method_pi")}
    empty = {"k": 0} | dict.fromkeys(("method_tau2", "method_ci", "method_pi"), "no study")
    return pd.DataFrame([empty, row]).assign(measure="SMD")


@pytest.mark.parametrize("method", ["REML", "ML", "DL", "PM", "PMM", "EB", "HE", "HS", "HSk", "SJ"])
@pytest.mark.parametrize("test", ["knha", "adhoc", "t", "z"])
def test_the_methods_that_estimates_name_are_read_back(method, test):
    named = frozen_protocol.named_methods(frozen(method=method, test=test, pi="HTS"))
    assert named == {"measure": "SMD", "method_tau2": method, "method_ci": test, "method_pi": "HTS"}


@pytest.mark.parametrize("kind", ["metafor", "HTS", "Riley", "k-1", "z"])
def test_the_kind_of_prediction_interval_is_read_back(kind):
    assert frozen_protocol.named_methods(frozen(pi=kind))["method_pi"] == kind


def test_a_release_without_a_protocol_is_compared_by_what_its_estimates_name(shipped):
    named = methods_changes.named(frozen(method="DL"), 0.9)
    found = compare(None, shipped, named=named)
    assert found["protocol_frozen"] is False
    assert keys(found["changes"]) == [
        ("analysis.method_tau2", "DL", "REML"),
        ("analysis.level", "0.9", "0.95"),
    ]
    assert "analysis.method_ci" in found["compared"]


def test_what_a_release_does_not_state_is_taken_from_today_and_named(shipped):
    analysis, unstated = frozen_protocol.analysis_of(None, frozen(method="DL"), 0.9, shipped["analysis"])
    assert (analysis["method_tau2"], analysis["level"], analysis["timepoint"]) == ("DL", 0.9, "post")
    assert unstated == ["arm_sizes_not_printed", "timepoint"]
    kept = changed(shipped, "analysis.method_tau2", "PM")
    assert frozen_protocol.analysis_of(kept, None, None, shipped["analysis"]) == (kept["analysis"], [])


def test_a_release_without_any_estimate_names_no_method(shipped):
    assert frozen_protocol.named_methods(frozen().iloc[:1]) == {}


def test_which_keys_make_other_effects(shipped):
    today = shipped["analysis"]
    assert not frozen_protocol.makes_other_effects(today, today | {"method_tau2": "DL", "level": 0.9})
    assert not frozen_protocol.makes_other_effects(today, today | {"several_effects": "priority"})
    assert frozen_protocol.makes_other_effects(today, today | {"arm_sizes_not_printed": "equal"})
