"""Many fits at once equal fits one by one, in every number."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livingreview.pooling import batch
from livingreview.pooling.batch import METHODS, SubsetFit, fit_subsets
from livingreview.pooling.random_effects import fit

FIELDS = [name for name in SubsetFit.__annotations__ if name != "factor"]


def assert_same(row, one, *, typical):
    """Each number within 1e-10 of its own size, or of what it is measured in."""
    for name in FIELDS:
        slack = 1e-8 if name in ("I2", "H2") else 1e-10
        if name in ("tau2", "QE"):
            slack = 1e-10 * max(typical, 1)
        assert getattr(row, name) == pytest.approx(getattr(one, name), rel=1e-9, abs=slack, nan_ok=True), name


def effects(seed, *, k, tau2, spread):
    rng = np.random.default_rng(seed)
    vi = 0.05 * np.exp(rng.normal(0, spread, k))
    return rng.normal(0.3, np.sqrt(vi + tau2)), vi, rng


@pytest.mark.parametrize("method", [name for name in METHODS if name != "PMM"])
@settings(max_examples=12, derandomize=True, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    k=st.integers(1, 15),
    spreads=st.tuples(st.sampled_from([0.0, 0.02, 1.0]), st.sampled_from([0.0, 1.0, 2.5])),
    test=st.sampled_from(["z", "t", "knha", "adhoc"]),
)
def test_each_row_equals_fit_on_its_subset(method, seed, k, spreads, test):
    yi, vi, rng = effects(seed, k=k, tau2=spreads[0], spread=spreads[1])
    members = rng.random((6, k)) < 0.6
    fits = fit_subsets(yi, vi, members, method=method, test=test, level=0.9)
    for position, inside in enumerate(members):
        one = fit(yi[inside], vi[inside], method=method, test=test, level=0.9)
        assert_same(fits.row(position), one, typical=vi.max())


def test_an_estimator_without_a_form_in_rows_is_fitted_one_by_one():
    yi, vi, rng = effects(3, k=8, tau2=0.1, spread=1.0)
    inside = rng.random(8) < 0.7
    row = fit_subsets(yi, vi, inside[None], method="PMM").row(0)
    assert_same(row, fit(yi[inside], vi[inside], method="PMM"), typical=vi.max())


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_rows_that_do_not_settle_are_handed_to_fit(method, monkeypatch):
    yi, vi, _ = effects(5, k=9, tau2=0.2, spread=1.0)
    members = ~np.eye(9, dtype=bool)
    expected = fit_subsets(yi, vi, members, method=method)
    monkeypatch.setattr(batch, "MAX_STEPS", 1)
    assert fit_subsets(yi, vi, members, method=method).tau2 == pytest.approx(expected.tau2, rel=1e-9)


@pytest.mark.parametrize("test", ["knha", "z"])
def test_variances_far_apart_lose_no_digits(test):
    yi, vi = np.array([0.1, 0.4, -0.2, 0.3, 0.7]), np.array([1e-14, 0.1, 0.2, 1e9, 0.3])
    members = np.array(
        [[True] * 5, [True, False, False, False, False], [False] * 5, [True, True, True, False, True]]
    )
    fits = fit_subsets(yi, vi, members, test=test)
    for position, inside in enumerate(members):
        one = fit(yi[inside], vi[inside], test=test)
        assert_same(fits.row(position), one, typical=1)
    plain = fit(yi, vi, test="z")
    assert fits.factor[0] == pytest.approx(1 if test == "z" else (fits.se[0] / plain.se) ** 2, rel=1e-9)


def test_the_size_of_chunks_changes_nothing(monkeypatch):
    yi, vi, rng = effects(7, k=10, tau2=0.05, spread=1.0)
    members = rng.random((50, 10)) < 0.5
    whole = fit_subsets(yi, vi, members)
    monkeypatch.setattr(batch, "CHUNK_ELEMENTS", 30)
    assert fit_subsets(yi, vi, members).ci_low == pytest.approx(whole.ci_low, rel=1e-12, nan_ok=True)


def test_an_empty_selection_is_missing_and_a_single_effect_is_itself():
    fits = fit_subsets([0.5, 0.1], [0.04, 0.01], np.array([[False, False], [True, False]]))
    assert np.isnan([fits.estimate[0], fits.se[0], fits.ci_low[0], fits.tau2[0], fits.pval[0]]).all()
    assert (fits.estimate[1], fits.se[1]) == pytest.approx((0.5, 0.2))
    assert fits.ci_high[1] == pytest.approx(0.5 + 1.959963984540054 * 0.2)
    assert np.isnan([fits.tau2[1], fits.I2[1], fits.QE[1], fits.pi_low[1]]).all()


@pytest.mark.parametrize("shape", [(0, 2), (0, 0), (3, 0)])
def test_no_selection_or_no_effect_gives_rows_without_numbers(shape):
    k = shape[1]
    fits = fit_subsets([0.1, 0.2][:k], [0.1, 0.1][:k], np.zeros(shape, dtype=bool))
    assert len(fits) == shape[0]
    assert np.isnan(fits.estimate).all()


def test_equal_effects_have_no_hartung_knapp_variance():
    row = fit_subsets([0.3] * 4, [0.1, 0.2, 0.3, 0.1], np.ones((1, 4), dtype=bool)).row(0)
    assert (row.tau2, row.se, row.stat, row.pval) == (0, 0, np.inf, 0)


def test_selections_of_another_width_or_kind_are_refused():
    with pytest.raises(ValueError, match="each of the 2 effects"):
        fit_subsets([0.1, 0.2], [0.1, 0.1], np.ones((1, 3), dtype=bool))
    with pytest.raises(ValueError, match="found int64"):
        fit_subsets([0.1, 0.2], [0.1, 0.1], np.ones((1, 2), dtype=np.int64))


@pytest.mark.parametrize("option", [{"method": "XX"}, {"test": "wald"}, {"level": 1.0}])
def test_unknown_options_are_refused_by_name(option):
    with pytest.raises(ValueError, match=next(iter(option))):
        fit_subsets([0.1, 0.2], [0.1, 0.1], np.ones((1, 2), dtype=bool), **option)
