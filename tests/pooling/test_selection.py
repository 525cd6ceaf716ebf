"""Selection models against metafor's selmodel(); their derivatives; and where they are not defined.

metafor climbs by differences, in logarithms of tau² and delta, which limits its answers to about 1e-5 of a
standard error; it stops beside a bound where this package reaches it; and it keeps the maximum that it meets
first. So what is tested is that the likelihood here is never lower, and that estimates agree wherever it is
not higher either.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pooling.small_study_sets import SETS, effects, reference

from livingreview.pooling import selection_weights
from livingreview.pooling.random_effects import fit
from livingreview.pooling.selection import _Problem, selection_model

STEPS = reference("selection_steps.csv")
SMOOTH = reference("selection_smooth.csv")
# Sets in which metafor stops at a lower maximum, and by how much: the likelihood rises again towards tau² =
# 0.
LOWER_IN_METAFOR = {("li2007", "less", "0.025"), ("li2007", "less", "0.005;0.025;0.5")}


def steps_of(row):
    return None if isinstance(row["steps"], float) else [float(x) for x in row["steps"].split(";")]


def fitted(row):
    return selection_model(
        *effects(row["set"]), type=row["type"], alternative=row["alternative"], steps=steps_of(row)
    )


def test_step_functions_agree_with_metafor():
    compared = 0
    for _, row in STEPS.iterrows():
        result = fitted(row)
        if result.reason:
            # metafor goes on when it is the first interval that is empty, and ends at a bound.
            assert result.n_in_step[0] == 0
            continue
        assert result.ll >= row["ll"] - 1e-10
        if (row["set"], row["alternative"], row["steps"]) in LOWER_IN_METAFOR:
            assert result.ll > row["ll"] + 0.5
            continue
        compared += 1
        assert result.ll == pytest.approx(row["ll"], abs=1e-5)
        if not result.at_bound:
            assert_same(result, row, share_of_se=3e-5, rel=6e-5)
    assert compared >= 55


def test_continuous_weight_functions_agree_with_metafor():
    kinds = set()
    for _, row in SMOOTH.iterrows():
        result = fitted(row)
        kinds.add(row["type"])
        assert result.ll >= row["ll"] - 1e-6
        if not result.at_bound:
            # metafor's integrals are good to 1e-9 at best, with kinks at the cut-offs of p less.
            assert result.ll == pytest.approx(row["ll"], abs=2e-5)
            assert_same(result, row, share_of_se=5e-5, rel=3e-4, lrt=4e-5)
    assert kinds == {"beta", "halfnorm", "negexp", "logistic", "power"}


def assert_same(result, row, *, share_of_se, rel, lrt=3e-6):
    where = dict(row)
    for name, se in (("estimate", "se"), ("tau2", "se_tau2")):
        assert abs(getattr(result, name) - row[name]) <= share_of_se * row[se], where
        assert getattr(result, se) == pytest.approx(row[se], rel=rel), where
    for j, (delta, se) in enumerate(zip(result.delta, result.se_delta, strict=True)):
        wanted = row[f"se_delta{j + 1}"]
        if math.isnan(se):
            assert delta == row[f"delta{j + 1}"] == 1
            continue
        assert abs(delta - row[f"delta{j + 1}"]) <= share_of_se * wanted, where
        assert se == pytest.approx(wanted, rel=rel), where
    assert (result.LRT, result.LRTp) == (
        pytest.approx(row["LRT"], abs=lrt),
        pytest.approx(row["LRTp"], abs=lrt),
    )
    assert result.LRTdf == row["LRTdf"]
    assert (result.ci_low, result.ci_high) == pytest.approx(
        (row["ci_low"], row["ci_high"]), abs=4 * rel * row["se"]
    )


@pytest.mark.parametrize("name", SETS)
def test_without_selection_it_is_the_random_effects_model_by_maximum_likelihood(name):
    result = selection_model(*effects(name), steps=(0.5,))
    if result.reason is None:
        plain = fit(*effects(name), method="ML", test="z")
        assert result.ll_null == pytest.approx(plain.log_likelihood(restricted=False), rel=1e-9)
        assert result.ll >= result.ll_null


POINTS = [
    ("stepfun", (0.025, 0.5), (0.2, 0.1, 1.0, 0.6, 0.3)),
    ("beta", None, (0.2, 0.1, 0.7, 1.4)),
    ("halfnorm", None, (0.2, 0.1, 1.5)),
    ("negexp", (0.05,), (0.2, 0.1, 1.5)),
    ("logistic", None, (0.2, 0.1, 2.5)),
    ("power", None, (0.2, 0.1, 0.5)),
]


@pytest.mark.parametrize("two_sided", [False, True])
@pytest.mark.parametrize(("name", "steps", "point"), POINTS)
def test_the_derivatives_are_those_of_the_likelihood(name, steps, point, two_sided):
    yi, vi = effects("bcg")
    problem = _Problem(selection_weights.family(name, steps=steps), -yi, vi, two_sided=two_sided)
    theta, h = np.array(point), 1e-5
    _, gradient, hessian = problem.evaluate(theta)
    for j in range(len(theta)):
        up, down = theta.copy(), theta.copy()
        up[j] += h
        down[j] -= h
        high, low = problem.evaluate(up), problem.evaluate(down)
        assert (high[0] - low[0]) / (2 * h) == pytest.approx(gradient[j], rel=1e-5, abs=1e-5)
        np.testing.assert_allclose((high[1] - low[1]) / (2 * h), hessian[j], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("name", "steps", "point"), POINTS)
def test_the_integral_of_a_weight_of_one_is_one_and_of_others_less(name, steps, point):
    fam = selection_weights.family(name, steps=steps)
    vi = np.array([1e-4, 0.1, 5.0])
    none = selection_weights.expected_weight(fam, vi, mu=0.2, tau2=0.3, delta=fam.null, two_sided=True)
    np.testing.assert_allclose(none.value, 1, rtol=1e-12)


def test_the_sign_of_effects_goes_with_the_alternative():
    yi, vi = effects("selected_60")
    less, greater = selection_model(yi, vi), selection_model(-yi, vi, alternative="greater")
    assert less.estimate == pytest.approx(-greater.estimate)
    assert less.delta == pytest.approx(greater.delta)
    assert (less.ci_low, less.pval) == (pytest.approx(-greater.ci_high), pytest.approx(greater.pval))
    assert less.steps == (0.025, 1.0)
    assert sum(less.n_in_step) == less.k == 60


def test_made_up_suppression_is_found_and_corrected_for():
    yi, vi = effects("selected_60")
    result = selection_model(yi, vi)
    assert result.delta[1] < 0.5
    assert fit(yi, vi).estimate < result.estimate


def test_too_few_effects_and_empty_intervals_have_a_reason_and_no_number():
    for k in (0, 1, 2):
        result = selection_model([-0.1] * k, [0.1] * k)
        assert result.reason.startswith(f"{k} effect")
        assert result.reason.endswith(" too few for a model of 3 parameters")
        assert math.isnan(result.estimate)
    result = selection_model([0.1, 0.2, 0.3], [0.1, 0.2, 0.3])
    assert result.reason == "no effect has a p-value above 0 and up to 0.025"
    same = selection_model([-0.3] * 4, [0.1] * 4, type="halfnorm")
    assert same.reason == "all effects and all variances are equal"


def test_few_effects_come_with_a_warning():
    result = selection_model(*effects("small_5"))
    assert not result.interpretable
    assert "not to be interpreted: 5 effects" in result.advice
    assert "three effects or fewer" in result.advice


def test_the_bound_of_no_heterogeneity_is_reached_and_named():
    result = selection_model(*effects("tied_8"))
    assert result.tau2 == 0
    assert result.at_bound == ("tau2",)
    assert math.isnan(result.se_tau2)
    assert result.se > 0


def test_what_is_asked_wrongly_is_answered_with_what_is_allowed():
    yi, vi = effects("bcg")
    with pytest.raises(ValueError, match="alternative 'lower' is not known; allowed: less, greater"):
        selection_model(yi, vi, alternative="lower")
    with pytest.raises(ValueError, match="type 'step' is not known; allowed: stepfun, beta, halfnorm"):
        selection_model(yi, vi, type="step")
    with pytest.raises(ValueError, match="steps must lie between 0 and 1"):
        selection_model(yi, vi, steps=(2.5,))
    with pytest.raises(ValueError, match="takes no steps"):
        selection_model(yi, vi, type="beta", steps=(0.05,))
    with pytest.raises(ValueError, match="one step at most, not 2"):
        selection_model(yi, vi, type="power", steps=(0.05, 0.5))
    with pytest.raises(ValueError, match="needs steps"):
        selection_model(yi, vi, steps=())


@settings(derandomize=True, max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), scale=st.floats(0.05, 20))
def test_order_and_scale_change_nothing_but_what_they_must(seed, scale):
    random = np.random.default_rng(seed)
    vi = random.uniform(0.02, 0.3, 25)
    yi = random.normal(-0.3, np.sqrt(vi + 0.05))
    order = random.permutation(25)
    first = selection_model(yi, vi)
    if first.reason or first.at_bound:
        return
    other = selection_model(scale * yi[order], scale**2 * vi[order])
    assert other.estimate == pytest.approx(scale * first.estimate, rel=1e-5, abs=1e-6 * scale)
    assert other.tau2 == pytest.approx(scale**2 * first.tau2, rel=1e-5)
    assert other.delta == pytest.approx(first.delta, rel=1e-5)
    assert other.LRT == pytest.approx(first.LRT, rel=1e-5, abs=1e-8)
