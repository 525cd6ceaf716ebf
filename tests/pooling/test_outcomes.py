"""One outcome of the protocol, from effects to what the report shows; and the two scripts."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import pool_outcomes
from livingreview.pooling.outcomes import (
    SUBGROUP_COLUMNS,
    flat,
    flat_subgroups,
    participants,
    pool_outcome,
)
from livingreview.pooling.random_effects import fit
from livingreview.trials.risk_of_bias import COLUMNS

SUBGROUPS = [
    {
        "variable": "condition",
        "label": "Condition",
        "groups": {"headache": {"label": "Headache"}, "other": {"label": "Other pain"}},
    }
]


def effect(row_id, study, yi, vi, **values):
    about = {"label": f"{study} 2020", "outcome": "pain", "comparison": None, "ni": 80.0}
    about |= {"in_pool": True, "in_sensitivity": True, "condition": "other"}
    return {"row_id": row_id, "study": study, "yi": yi, "vi": vi} | about | values


EFFECTS = pd.DataFrame(
    [
        effect("r1", "A", -0.6, 0.04, condition="headache"),
        effect("r2", "B", -0.1, 0.02, comparison="a", label="B 2020 a", ni=60.5),
        effect("r3", "B", -0.2, 0.03, comparison="b", label="B 2020 b", ni=59.5),
        effect("r4", "C", -0.5, 0.05, condition="unclassified", ni=math.nan),
        effect("r5", "D", -0.9, 0.06, in_pool=False),
        effect("r6", "E", 9.9, 0.06, in_pool=False, in_sensitivity=False),
        effect("r7", "A", 5.0, 0.01, outcome="depression"),
    ]
)


def pain(**options):
    return pool_outcome(EFFECTS, outcome="pain", label="Pain", subgroups=SUBGROUPS, **options)


def test_the_main_analysis_pools_what_is_in_the_pool():
    main = pain()["main"]
    expected = fit([-0.6, -0.1, -0.2, -0.5], [0.04, 0.02, 0.03, 0.05])
    assert (main["k"], main["n_studies"]) == (4, 3)
    assert main["estimate"] == expected.estimate
    assert (main["pi_low"], main["tau2"], main["QE_p"]) == (expected.pi_low, expected.tau2, expected.QE_p)
    assert (main["outcome"], main["label"], main["measure"]) == ("pain", "Pain", "SMD")


def test_participants_are_summed_where_printed_and_the_rest_is_counted():
    main = pain()["main"]
    assert (main["n_participants"], main["n_participants_unknown_rows"]) == (200, 1)
    assert participants(np.array([])) == (0, 0)
    nobody, rows = participants(np.array([math.nan, math.nan]))
    assert (math.isnan(nobody), rows) == (True, 2)


def test_the_sensitivity_analysis_adds_what_is_kept_for_it_and_says_so():
    sensitivity = pain()["sensitivity"]
    expected = fit([-0.6, -0.1, -0.2, -0.5, -0.9], [0.04, 0.02, 0.03, 0.05, 0.06])
    assert (sensitivity["k"], sensitivity["estimate"]) == (5, expected.estimate)
    assert sensitivity["what"] == "with 1 effect more whose arm sizes are not printed, equal arms assumed"
    other = pool_outcome(EFFECTS, outcome="depression", label="Depression")
    assert other["sensitivity"]["what"].startswith("no effect is kept")
    assert other["sensitivity"]["estimate"] == other["main"]["estimate"]


def test_weights_name_each_effect_with_its_own_interval():
    weights = pain()["weights"]
    assert [w["label"] for w in weights] == ["A 2020", "B 2020 a", "B 2020 b", "C 2020"]
    assert sum(w["weight"] for w in weights) == pytest.approx(100, rel=1e-12)
    assert (weights[0]["ci_low"], weights[0]["ci_high"]) == pytest.approx((-0.9919927969, -0.2080072031))


def test_leaving_out_takes_a_study_with_both_its_comparisons():
    left_out = pain()["leave_one_out"]
    assert [(one["omitted"], one["label"], one["k"]) for one in left_out] == [
        ("A", "A 2020", 3),
        ("B", "B 2020", 2),
        ("C", "C 2020", 3),
    ]
    assert left_out[1]["estimate"] == fit([-0.6, -0.5], [0.04, 0.05]).estimate


def test_subgroups_come_in_the_order_of_the_config_and_the_unclassified_are_shown():
    (condition,) = pain()["subgroups"]
    shown = [(g["value"], g["label"], g["k"], g["n_studies"]) for g in condition["groups"]]
    assert shown == [
        ("headache", "Headache", 1, 1),
        ("other", "Other pain", 2, 1),
        ("unclassified", "unclassified", 1, 1),
    ]
    assert sum(g["k"] for g in condition["groups"]) == 4


def test_one_group_has_no_test_between_groups():
    others = EFFECTS[EFFECTS["condition"] == "other"]
    (condition,) = pool_outcome(others, outcome="pain", label="Pain", subgroups=SUBGROUPS)["subgroups"]
    assert condition["between"] is None
    assert [g["value"] for g in condition["groups"]] == ["other"]
    rows = flat_subgroups({"pain": {"subgroups": [condition]}})
    assert math.isnan(rows[0]["QM"])
    assert math.isnan(rows[0]["n_groups_compared"])


def test_groups_of_one_effect_are_shown_but_not_compared():
    (condition,) = pain()["subgroups"]
    assert condition["between"] is None
    more = pd.concat([EFFECTS, pd.DataFrame([effect("r8", "F", -0.8, 0.04, condition="headache")])])
    result = pool_outcome(more, outcome="pain", label="Pain", subgroups=SUBGROUPS)
    (condition,) = result["subgroups"]
    assert [g["value"] for g in condition["groups"]] == ["headache", "other", "unclassified"]
    # -0.7 (variance 0.02) against -0.14 (0.012), without tau² in either.
    expected = {"QM": 0.56**2 / 0.032, "df": 1, "n_groups": 2}
    assert {name: condition["between"][name] for name in expected} == pytest.approx(expected, rel=1e-9)
    assert condition["between"]["left_out"] == ["unclassified"]
    assert {row["n_groups_compared"] for row in flat_subgroups({"pain": result})} == {2}


def test_groups_left_out_are_named_in_the_order_in_which_they_are_listed():
    conditions = ["other", "other", "b", "b", "unclassified", "headache"]
    rows = [effect(f"r{i}", f"S{i}", -i / 10, 0.04, condition=c) for i, c in enumerate(conditions)]
    result = pool_outcome(pd.DataFrame(rows), outcome="pain", label="Pain", subgroups=SUBGROUPS)
    (condition,) = result["subgroups"]
    assert [g["value"] for g in condition["groups"]] == ["headache", "other", "b", "unclassified"]
    assert condition["between"]["left_out"] == ["headache", "unclassified"]


def test_an_outcome_without_effects_is_a_row_without_numbers():
    result = pool_outcome(EFFECTS, outcome="anxiety", label="Anxiety", subgroups=SUBGROUPS)
    main = result["main"]
    assert (main["k"], main["n_studies"], main["n_participants"]) == (0, 0, 0)
    assert math.isnan(main["estimate"])
    assert (result["weights"], result["leave_one_out"], result["influence"], result["cumulative"]) == (
        [],
        [],
        [],
        [],
    )
    assert result["subgroups"] == [
        {"variable": "condition", "label": "Condition", "between": None, "groups": []}
    ]
    assert main["method_tau2"] == "no study"


def test_the_options_of_the_analysis_reach_every_part():
    result = pain(method="DL", test="z", level=0.9)
    assert result["main"]["method_tau2"] == "DerSimonian-Laird"
    assert (
        result["main"]["ci_low"]
        == fit([-0.6, -0.1, -0.2, -0.5], [0.04, 0.02, 0.03, 0.05], method="DL", test="z", level=0.9).ci_low
    )
    # 0.2 times the normal quantile of 0.95
    assert result["weights"][0]["ci_high"] == pytest.approx(-0.6 + 0.2 * 1.6448536270, rel=1e-9)
    without_b = fit([-0.6, -0.5], [0.04, 0.05], method="DL", test="z", level=0.9)
    assert result["leave_one_out"][1]["ci_low"] == without_b.ci_low


def test_flat_tables_name_their_outcome():
    results = {"pain": pain()}
    assert {row["outcome"] for row in flat(results, "leave_one_out")} == {"pain"}
    assert len(flat(results, "leave_one_out")) == 3
    assert [row["label"] for row in flat_subgroups(results)] == ["Headache", "Other pain", "unclassified"]
    assert set(flat_subgroups(results)[0]) == {*SUBGROUP_COLUMNS}


def job(tmp_path, effects):
    effects.to_csv(tmp_path / "effects.csv", index=False)
    names = dict.fromkeys(("estimates", "subgroups", *pool_outcomes.PARTS), "csv") | {"details": "json"}
    judged = pd.DataFrame([("A", "low")], columns=["study_id", "judgement"])
    judged = judged.reindex(columns=list(COLUMNS)).assign(tool="any", domain="overall")
    judged.to_csv(tmp_path / "judged.csv", index=False)
    return SimpleNamespace(
        input=SimpleNamespace(effects=tmp_path / "effects.csv", judged=tmp_path / "judged.csv"),
        output=SimpleNamespace(**{name: tmp_path / f"{name}.{end}" for name, end in names.items()}),
        params=SimpleNamespace(
            run="2020-01",
            outcomes={"pain": {"label": "Pain"}, "anxiety": {"label": "Anxiety"}},
            analysis={"measure": "SMD", "method_tau2": "REML", "method_ci": "knha", "level": 0.95},
            subgroups=SUBGROUPS,
            interpretation={"no_effect": 0.1, "small": 0.2, "moderate": 0.5},
        ),
    )


@pytest.mark.parametrize("effects", [EFFECTS, EFFECTS.iloc[:0]], ids=["some", "none"])
def test_the_script_writes_every_outcome_of_the_protocol_in_its_order(tmp_path, effects):
    one = job(tmp_path, effects)
    pool_outcomes.main(one)
    table = pd.read_csv(one.output.estimates)
    assert list(table["outcome"]) == ["pain", "anxiety"]
    assert list(table["k"]) == ([4, 0] if len(effects) else [0, 0])
    details = json.loads(one.output.details.read_text())
    assert (details["run"], details["level"]) == ("2020-01", 0.95)
    assert details["outcomes"]["anxiety"]["main"]["estimate"] is None
    assert pd.read_csv(one.output.leave_one_out).shape == (3 if len(effects) else 0, 9)
    if len(effects):
        row = table.iloc[0].to_dict()
        main = details["outcomes"]["pain"]["main"]
        assert {name: main[name] for name in row} == pytest.approx(row)
        low = next(
            one
            for one in details["outcomes"]["pain"]["sensitivity_table"]
            if one["analysis"] == "low_risk_of_bias"
        )
        assert (low["k"], low["estimate"]) == (1, -0.6)
        assert list(pd.read_csv(one.output.subgroups)["value"]) == ["headache", "other", "unclassified"]


def test_the_script_writes_the_same_bytes_twice(tmp_path):
    one = job(tmp_path, EFFECTS)
    pool_outcomes.main(one)
    first = {name: path.read_bytes() for name, path in vars(one.output).items()}
    pool_outcomes.main(one)
    assert {name: path.read_bytes() for name, path in vars(one.output).items()} == first


def test_a_funnel_has_the_pooled_effects_and_egger_s_line():
    funnel = pain()["funnel"]
    assert [(row["row_id"], row["yi"]) for row in funnel["points"]] == [
        ("r1", -0.6),
        ("r2", -0.1),
        ("r3", -0.2),
        ("r4", -0.5),
    ]
    # Weighted least squares of yi on its standard error, weights 1 / vi, by hand.
    y = np.array([-0.6, -0.1, -0.2, -0.5])
    v = np.array([0.04, 0.02, 0.03, 0.05])
    design = np.column_stack([np.ones(4), np.sqrt(v)]) / np.sqrt(v)[:, None]
    limit, slope = np.linalg.lstsq(design, y / np.sqrt(v), rcond=None)[0]
    assert (funnel["limit"], funnel["slope"]) == pytest.approx((limit, slope))


def test_an_asymmetrical_funnel_is_filled_on_the_side_where_effects_are_missing():
    v = np.array([0.01, 0.01, 0.01, 0.02, 0.02, 0.05, 0.06, 0.08, 0.1, 0.12])
    y = np.array([-0.2, -0.22, -0.18, -0.25, -0.2, -0.6, -0.7, -0.8, -0.9, -1.0])
    rows = [effect(f"r{i}", f"S{i}", *pair) for i, pair in enumerate(zip(y, v, strict=True))]
    funnel = pool_outcome(pd.DataFrame(rows), outcome="pain", label="Pain")["funnel"]
    assert funnel["side"] == "right"
    assert len(funnel["filled"]) > 0
    assert min(row["yi"] for row in funnel["filled"]) > -0.2
    assert funnel["reason"] is None


def test_a_funnel_of_too_few_effects_says_why_nothing_is_filled():
    funnel = pool_outcome(EFFECTS, outcome="depression", label="Depression")["funnel"]
    assert (len(funnel["points"]), funnel["filled"]) == (1, [])
    assert "at least" in funnel["reason"]
    empty = pool_outcome(EFFECTS, outcome="anxiety", label="Anxiety")["funnel"]
    assert (empty["points"], empty["filled"]) == ([], [])
    assert "at least" in empty["reason"]


def test_the_script_regresses_on_the_numbers_that_the_protocol_names(tmp_path, write_example):
    effects = EFFECTS.assign(study=EFFECTS["study"].str.lower(), weeks=[8.0, 9.0, 10.0, 12.0, 8.0, 8.0, 8.0])
    one = job(tmp_path, effects)
    years = [{"study_id": name, "year": year} for name, year in (("a", "2001"), ("b", "2004"), ("c", ""))]
    one.input.studies = write_example("studies", *years, path=tmp_path / "studies.csv")
    one.params.moderators = {"weeks": "Weeks", "year": "Year of publication"}
    one.params.run = "2099-01"
    pool_outcomes.main(one)
    weeks, year = json.loads(one.output.details.read_text())["outcomes"]["pain"]["regressions"]
    # Of the row itself, and of its trial; trial C states no year.
    assert [point["value"] for point in weeks["points"]] == [8, 9, 10, 12]
    assert [point["value"] for point in year["points"]] == [2001, 2004, 2004]
    assert year["left_out"] == ["C 2020"]
    expected = fit([-0.6, -0.1, -0.2], [0.04, 0.02, 0.03], mods={"year": [2001.0, 2004.0, 2004.0]})
    assert year["slope"] == pytest.approx(expected.coefficients[1].estimate, rel=1e-6)
