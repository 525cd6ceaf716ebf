"""Measures of effect against metafor, and conversions against their formulas turned round."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from livingreview.trials.conversions import measures
from livingreview.trials.smd import from_cohen_d, from_means

REFERENCE = Path(__file__).parents[1] / "reference" / "conversions"
MEANS = pd.read_csv(REFERENCE / "means.csv")
TABLES = pd.read_csv(REFERENCE / "tables.csv")
CHANGES = pd.read_csv(REFERENCE / "changes.csv")
ARMS = {name: MEANS[name].to_numpy() for name in ("mean_1", "sd_1", "n_1", "mean_2", "sd_2", "n_2")}
COUNTS = {name: TABLES[name].to_numpy() for name in ("events_1", "n_1", "events_2", "n_2")}


def agrees(found, frame, label):
    for values, column in zip(found, (f"yi_{label}", f"vi_{label}"), strict=True):
        assert values == pytest.approx(frame[column].to_numpy(), rel=1e-10, abs=1e-14, nan_ok=True)


@pytest.mark.parametrize(
    ("label", "function", "options"),
    [
        ("MD", measures.mean_difference, {}),
        ("LS", measures.standardised, {}),
        ("UB", measures.standardised, {"vtype": "UB"}),
        ("SMDH", measures.standardised_heteroscedastic, {}),
        ("ROM", measures.log_ratio_of_means, {}),
    ],
)
def test_measures_of_means_agree_with_escalc(label, function, options):
    agrees(function(**ARMS, **options), MEANS, label)


@pytest.mark.parametrize(
    ("label", "function", "options"),
    [
        ("OR", measures.log_odds_ratio, {}),
        ("OR_all", measures.log_odds_ratio, {"to": "all"}),
        ("OR_drop", measures.log_odds_ratio, {"drop00": True}),
        ("RR", measures.log_risk_ratio, {}),
        ("RR_if0all", measures.log_risk_ratio, {"to": "if0all", "add": 0.25}),
        ("RD", measures.risk_difference, {}),
        ("RD_drop", measures.risk_difference, {"drop00": True}),
    ],
)
def test_measures_of_events_agree_with_escalc_zero_cells_included(label, function, options):
    agrees(function(**COUNTS, **options), TABLES, label)


@pytest.mark.parametrize(("label", "method"), [("OR2DL", "hasselblad-hedges"), ("OR2DN", "cox")])
def test_odds_ratios_become_standardised_differences_as_in_escalc(label, method):
    odds = measures.log_odds_ratio(**COUNTS)
    agrees(measures.from_log_odds_ratio(*odds, method=method), TABLES, label)


def test_phi_agrees_with_escalc_where_no_margin_is_empty():
    a, c = COUNTS["events_1"], COUNTS["events_2"]
    some = (a + c > 0) & (a + c < COUNTS["n_1"] + COUNTS["n_2"])
    found = measures.phi(*(x[some] for x in (a, COUNTS["n_1"] - a, c, COUNTS["n_2"] - c)))
    agrees(found, TABLES[some], "PHI")


def test_the_change_of_one_group_agrees_with_escalc():
    names = ("mean_before", "mean_after", "sd_before", "n", "correlation")
    agrees(measures.standardised_change(**{n: CHANGES[n].to_numpy() for n in names}), CHANGES, "SMCR")


def test_t_f_and_p_of_one_comparison_give_the_effect_of_its_means():
    yi, vi = from_means(**ARMS)
    df = ARMS["n_1"] + ARMS["n_2"] - 2
    pooled = ((ARMS["n_1"] - 1) * ARMS["sd_1"] ** 2 + (ARMS["n_2"] - 1) * ARMS["sd_2"] ** 2) / df
    t = (ARMS["mean_1"] - ARMS["mean_2"]) / np.sqrt(pooled * (1 / ARMS["n_1"] + 1 / ARMS["n_2"]))
    r = t / np.sqrt(t**2 + df)
    sizes = (ARMS["n_1"], ARMS["n_2"])
    for found in (
        measures.from_t(t, *sizes),
        measures.from_f(t**2, *sizes, sign=np.sign(t)),
        measures.from_point_biserial(r, *sizes),
    ):
        assert found[0] == pytest.approx(yi, rel=1e-9)
        assert found[1] == pytest.approx(vi, rel=1e-9)


def test_an_exact_p_gives_the_effect_of_its_t_however_small():
    # R: 2 * pt(-2.5, 58) and 2 * pt(-30, 58).
    assert measures.from_p(0.015269229622423299, 30, 30, sign=-1)[0] == pytest.approx(
        measures.from_t(-2.5, 30, 30)[0], rel=1e-12
    )
    assert measures.from_p(1.0, 30, 30, sign=1)[0] == pytest.approx(0, abs=1e-15)
    tiny = measures.from_p(5.1435442688739513e-37, 30, 30, sign=1)[0]
    assert tiny == pytest.approx(measures.from_t(30, 30, 30)[0], rel=1e-9)
    with pytest.raises(ValueError, match="above 0, at most 1"):
        measures.from_p(0.0, 30, 30, sign=1)


def test_an_adjusted_difference_without_correlation_is_plain_and_gains_with_one():
    plain = from_cohen_d(0.5, 40, 40)
    none = measures.from_adjusted_difference(5, 10, 40, 40, correlation=0.0, n_covariates=0)
    assert none == pytest.approx(plain, rel=1e-14)
    some = measures.from_adjusted_difference(5, 10, 40, 40, correlation=0.6, n_covariates=0)
    assert some[1] == pytest.approx(0.05 * (1 - 0.36) + plain[0] ** 2 / 160, rel=1e-14)


def test_a_coefficient_whose_error_is_unadjusted_gives_the_plain_effect():
    found = measures.from_difference(5, 10 * math.sqrt(1 / 40 + 1 / 40), 10, 40, 40)
    assert found == pytest.approx(from_cohen_d(0.5, 40, 40), rel=1e-14)


def test_the_difference_of_changes_is_morris_example():
    arms = {"before_1": 30.0, "after_1": 20.0, "sd_before_1": 10.0, "n_1": 30}
    arms |= {"before_2": 30.0, "after_2": 25.0, "sd_before_2": 10.0, "n_2": 30}
    g, vi = measures.pretest_posttest_control(**arms, correlation=0.5)
    factor = math.exp(math.lgamma(29) - math.lgamma(28.5)) / math.sqrt(29)
    assert g == pytest.approx(-0.5 * factor, rel=1e-13)
    # Equation 25 by hand: 2 J² (1 - r) (60 / 900) (58 / 56) (1 + 15 g²) - g².
    assert vi == pytest.approx(factor**2 * (60 / 900) * (58 / 56) * (1 + 15 * g**2) - g**2, rel=1e-12)


def test_what_is_not_known_is_refused_with_what_is_allowed():
    with pytest.raises(ValueError, match="allowed: LS, UB"):
        measures.standardised(**ARMS, vtype="AV2")
    with pytest.raises(ValueError, match="allowed: only0, all, if0all, none"):
        measures.log_odds_ratio(**COUNTS, to="some")
    with pytest.raises(ValueError, match="between 0 and the size"):
        measures.log_odds_ratio(events_1=5, n_1=4, events_2=1, n_2=4)
    with pytest.raises(ValueError, match="hasselblad-hedges, cox"):
        measures.from_log_odds_ratio(0.1, 0.1, method="probit")
    with pytest.raises(ValueError, match="two means of one sign"):
        measures.log_ratio_of_means(mean_1=1, sd_1=1, n_1=9, mean_2=-1, sd_2=1, n_2=9)
