"""Covariances within studies: shared control arms, refusals, the nearest matrix that has an inverse."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livingreview.pooling import covariance
from livingreview.pooling.covariance import (
    autocorrelated,
    check_definite,
    correlated,
    known,
    nearest_definite,
    shared_control,
)

REFERENCE = Path(__file__).parents[1] / "reference" / "dependence"


def test_effects_of_a_study_are_found_wherever_they_stand():
    V = correlated([0.1, 0.2, 0.4], ["a", "b", "a"], rho=0.5)
    assert V.studies == ("a", "b")
    assert [at.tolist() for at in V.rows] == [[0, 2], [1]]
    np.testing.assert_allclose(V.dense(), [[0.1, 0, 0.1], [0, 0.2, 0], [0.1, 0, 0.4]])
    np.testing.assert_allclose(V.vi, [0.1, 0.2, 0.4])


def test_a_correlation_can_be_given_for_each_study():
    V = correlated([1.0, 1.0, 1.0, 1.0], ["a", "a", "b", "b"], rho={"a": 0.2, "b": 0.7})
    assert V.blocks[0][0, 1] == pytest.approx(0.2)
    assert V.blocks[1][0, 1] == pytest.approx(0.7)
    with pytest.raises(ValueError, match="rho names no correlation for study 'b'"):
        correlated([1.0, 1.0], ["a", "b"], rho={"a": 0.2})


def test_no_effects_are_no_blocks():
    V = correlated([], [], rho=0.5)
    assert (V.k, V.studies, V.rows) == (0, (), ())
    assert V.dense().shape == (0, 0)


def shared(measure, **columns):
    two = {name: np.full(2, value) for name, value in columns.items()}
    V = shared_control([0.5, 0.8], [0.5, 0.5], ["a", "a"], ["c", "c"], measure=measure, **two)
    return V.blocks[0][0, 1]


@pytest.mark.parametrize(
    ("measure", "columns", "expected"),
    [
        ("MD", {"n_control": 20, "variance": 9.0}, 9 / 20),
        ("ROM", {"n_control": 20, "variance": 0.25}, 0.25 / 20),
        ("SMD", {"n_control": 20, "n_total": 65}, 1 / 20 + 0.5 * 0.8 / (2 * 65)),
        ("SMD", {"n_control": 20, "n_total": 65, "df_pooled": 38}, 1 / 20 + 0.2 * 19 / 38**2),
        ("OR", {"n_control": 20, "events": 5}, 1 / 5 + 1 / 15),
        ("RR", {"n_control": 20, "events": 5}, 1 / 5 - 1 / 20),
        ("RD", {"n_control": 20, "events": 5}, 0.25 * 0.75 / 20),
    ],
)
def test_a_shared_control_gives_the_covariance_of_its_own_part(measure, columns, expected):
    assert shared(measure, **columns) == pytest.approx(expected, rel=1e-14)


def test_different_controls_are_not_correlated():
    V = shared_control(
        [0.5, 0.8, 0.2],
        [0.2, 0.2, 0.2],
        ["a", "a", "a"],
        ["c", "d", "c"],
        measure="MD",
        n_control=[10, 20, 10],
        variance=[1.0, 1.0, 1.0],
    )
    np.testing.assert_allclose(V.dense(), [[0.2, 0, 0.1], [0, 0.2, 0], [0.1, 0, 0.2]])


@pytest.mark.parametrize("own_sd", [True, False])
def test_the_covariance_of_standardised_differences_is_that_of_simulated_trials(own_sd):
    rng = np.random.default_rng(11)
    n, means = np.array([40, 40, 30]), np.array([1.0, 1.5, 0.0])
    draws = 400_000
    arms = means + rng.standard_normal((draws, 3)) / np.sqrt(n)
    squares = np.column_stack([rng.chisquare(size - 1, draws) for size in n])
    if own_sd:
        sd = np.sqrt((squares[:, :2] + squares[:, 2:]) / (n[:2] + n[2] - 2))
    else:
        sd = np.sqrt(squares.sum(1) / (n.sum() - 3))[:, None]
    simulated = np.cov((arms[:, :2] - arms[:, 2:]) / sd, rowvar=False)[0, 1]
    found = shared_control(
        means[:2],
        [0.1, 0.1],
        ["a", "a"],
        ["c", "c"],
        measure="SMD",
        n_control=[30, 30],
        n_total=[110, 110],
        df_pooled=[68, 68] if own_sd else None,
    ).blocks[0][0, 1]
    # The formulas are first order in 1/n; simulation error is a tenth of this.
    assert found == pytest.approx(simulated, rel=0.06)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"n_control": [10, 12], "variance": [1, 1]}, "study 'a' share a control arm but give it different"),
        ({"n_control": [10, 10]}, "measure MD needs variance"),
        ({"n_control": [10, 0], "variance": [1, 1]}, "n_control must hold 2 finite numbers above zero"),
        ({"n_control": [1, 1], "variance": [9, 9]}, "not positive definite.*cannot belong together"),
    ],
)
def test_figures_of_a_control_that_cannot_be_are_refused(columns, message):
    with pytest.raises(ValueError, match=message):
        shared_control([0.5, 0.8], [0.5, 0.5], ["a", "a"], ["c", "c"], measure="MD", **columns)


ARMS = {
    "study": ["1", "1", "1", "1", "2", "2", "3"],
    "treatment": ["A", "B", "A", "B", "A", "B", "A"],
    "control": ["C", "C", "C", "C", "C", "C", "C"],
    "outcome": ["pain", "pain", "sleep", "sleep", "pain", "pain", "pain"],
}


def test_several_outcomes_of_several_arms_have_the_covariances_of_vcalc(expected_arms):
    treated, controls = np.array([20, 30, 20, 30, 15, 25, 40]), np.array([25, 25, 25, 25, 18, 18, 12])
    vi = 1 / treated + 1 / controls
    V = shared_control(
        np.zeros(7), vi, measure="MD", n_control=controls, variance=np.ones(7), rho=0.6, **ARMS
    )
    np.testing.assert_allclose(V.dense(), expected_arms, rtol=1e-9)


@pytest.fixture
def expected_arms():
    table = pd.read_csv(REFERENCE / "expected.csv")
    values = table.loc[table["model"] == "vcalc/arms", "value"].to_numpy()
    return values.reshape(7, 7)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"treatment": ["A", "B", "A", "B", "A", "A", "A"]}, "study '2' compares 'A' with 'C' twice"),
        (
            {"control": ["C", "C", "C", "C", "C", "A", "C"]},
            "arm 'A' of study '2' is a control and is compared",
        ),
        (
            {"control": ["C", "C", "D", "C", "C", "C", "C"]},
            "arm 'A' of study '1' is compared with 'C' and 'D'",
        ),
        ({"treatment": None}, "outcome, treatment and rho belong together"),
    ],
)
def test_arms_that_cannot_be_told_apart_are_refused(change, message):
    ones = np.ones(7)
    with pytest.raises(ValueError, match=message):
        shared_control(
            0 * ones, ones, measure="MD", n_control=9 * ones, variance=ones, rho=0.6, **ARMS | change
        )


def test_events_of_a_control_must_leave_room():
    with pytest.raises(ValueError, match="events of a control arm must be below its participants, found 20"):
        shared("OR", n_control=20, events=20)
    with pytest.raises(ValueError, match="hint: correct zero events"):
        shared("OR", n_control=20, events=0)
    with pytest.raises(ValueError, match="measure 'HR' is not known; allowed: MD, SMD"):
        shared("HR", n_control=20)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: correlated([0.1, 0.1], ["a", "a"], rho=1.2), "rho 1.2 must lie above -1 and not above 1"),
        (lambda: correlated([0.1] * 3, ["a"] * 3, rho=-0.6), "must be above -1 / \\(n - 1\\) = -0.5"),
        (lambda: correlated([0.1, 0.0], ["a", "a"], rho=0.5), "above zero"),
        (lambda: correlated([0.1, 0.1], ["a", None], rho=0.5), "study is missing for effect 2"),
        (lambda: correlated([0.1, 0.1], ["a"], rho=0.5), "study must name"),
        (lambda: autocorrelated([0.1], ["a"], [1], phi=2), "phi 2 must lie between 0 and 1"),
        (lambda: autocorrelated([0.1], ["a"], [1], phi=0.5, rho=0.5), "rho and kind belong together"),
        (lambda: known([[1, 0.5], [0.4, 1]], ["a", "a"]), "symmetric: row 1, column 2 is 0.5, not 0.4"),
        (lambda: known([[1, 0.5], [0.5, 1]], ["a", "b"]), "covariance 0.5 between effects 1 and 2"),
        (lambda: known([[1, 0.5]], ["a"]), "square"),
        (lambda: known([[1, np.nan], [np.nan, 1]], ["a", "a"]), "finite"),
        (lambda: known([[1, 2], [2, 1]], ["a", "a"]), "study 'a' are those of no random variables"),
    ],
)
def test_covariances_that_cannot_be_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_singular_block_is_refused_by_name_and_mended_on_request():
    V = correlated([0.1, 0.4, 0.2], ["a", "a", "b"], rho=1.0)
    with pytest.raises(ValueError, match="study 'a' are not positive definite: smallest eigenvalue"):
        check_definite(V)
    mended = nearest_definite(V)
    check_definite(mended)
    np.testing.assert_allclose(mended.vi, V.vi, rtol=1e-12)
    np.testing.assert_allclose(mended.dense(), V.dense(), atol=1e-7)


def test_the_nearest_correlations_are_those_of_higham():
    # Higham 2002, section 4: the nearest correlation matrix to this one.
    R = np.array([[1.0, 1, 0], [1, 1, 1], [0, 1, 1]])
    V = covariance.Blocks(3, ("a",), (np.arange(3),), (R,))
    found = nearest_definite(V).blocks[0]
    expected = [[1, 0.7607, 0.1573], [0.7607, 1, 0.7607], [0.1573, 0.7607, 1]]
    np.testing.assert_allclose(found, expected, atol=6e-5)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.floats(0.01, 10), st.integers(0, 3)), min_size=1, max_size=12), st.floats(0, 0.99)
)
def test_blocks_are_definite_and_keep_their_variances(effects, rho):
    vi, study = [v for v, _ in effects], [f"s{s}" for _, s in effects]
    V = correlated(vi, study, rho=rho)
    check_definite(V)
    np.testing.assert_array_equal(V.vi, vi)
    np.testing.assert_array_equal(V.dense(), V.dense().T)
