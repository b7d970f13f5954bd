"""Logistic regression: equal to a library fit, replicates as weights, and designs that break the
usual fit.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.genmod import families
from statsmodels.genmod.generalized_linear_model import GLM

from kettrack.errors import NotIdentified, UsageError
from kettrack.estimators.intervals import patient_weights
from kettrack.estimators.regression import logistic, whitening
from kettrack.estimators.regression.logistic import (
    fit_logistic,
    predict_logistic,
    solve_logistic,
)
from kettrack.estimators.regression.logistic_steps import step_logistic


def clinic(rows=600, seed=1):
    """Correlated columns on unlike scales, as sessions, their squares and scores are."""
    rng = np.random.default_rng(seed)
    session = rng.integers(1, 13, rows)
    score = rng.integers(0, 28, rows)
    x = np.column_stack(
        [np.ones(rows), session, session**2, score, 0.7 * score + rng.normal(size=rows)]
    )
    y = rng.random(rows) < 1 / (1 + np.exp(2.5 - 0.1 * session - 0.05 * score))
    return x, y.astype(float)


def by_library(x, y, weights):
    return (
        GLM(y, x, family=families.Binomial(), freq_weights=weights)
        .fit(tol=1e-14)
        .params
    )


@pytest.mark.parametrize("seed", range(5))
def test_equal_to_statsmodels(seed):
    x, y = clinic(seed=seed)
    weights = np.random.default_rng(seed).gamma(1, 1, len(y))
    assert fit_logistic(x, y) == pytest.approx(
        by_library(x, y, np.ones(len(y))), abs=1e-8
    )
    assert fit_logistic(x, y, weights) == pytest.approx(
        by_library(x, y, weights), abs=1e-8
    )


def test_rare_outcome_is_equal_too():
    x, _ = clinic(rows=4000)
    y = (np.random.default_rng(3).random(4000) < 0.004).astype(float)
    assert fit_logistic(x, y) == pytest.approx(
        by_library(x, y, np.ones(4000)), abs=1e-7
    )


def test_grouped_counts_equal_single_rows():
    x = np.array([[1.0, 0], [1, 1], [1, 2]])
    events = np.array([3, 10, 4])
    trials = np.array([12, 20, 6])
    single = np.repeat(x, trials, axis=0)
    outcome = np.concatenate(
        [[1.0] * d + [0.0] * (n - d) for d, n in zip(events, trials, strict=True)]
    )
    assert fit_logistic(x, events / trials, trials) == pytest.approx(
        fit_logistic(single, outcome), abs=1e-10
    )


def test_integer_weights_are_rows_written_again():
    x, y = clinic()
    counts = patient_weights(len(y), 20, seed=4)
    together = fit_logistic(x, y, counts)
    for fitted, drawn in zip(together, counts, strict=True):
        again = np.repeat(np.arange(len(y)), drawn)
        assert fitted == pytest.approx(
            by_library(x[again], y[again], np.ones(len(again))), abs=1e-8
        )


def test_many_replicates_equal_one_at_a_time_over_blocks():
    x, y = clinic(rows=5000)
    weights = np.random.default_rng(2).gamma(1, 1, (120, len(y)))
    together = fit_logistic(x, y, weights)
    assert together[[0, 57, 119]] == pytest.approx(
        np.array([fit_logistic(x, y, weights[i]) for i in (0, 57, 119)]), abs=1e-10
    )


def test_wide_and_long_designs_work_in_parts(monkeypatch):
    x, y = clinic()
    whole = fit_logistic(x, y)
    monkeypatch.setattr("kettrack.estimators.regression.logistic._PRODUCTS", 0)
    assert fit_logistic(x, y) == pytest.approx(whole, abs=1e-10)


def test_many_rows_give_the_fit_of_few(monkeypatch):
    x, y = clinic(rows=9_000)
    weights = np.random.default_rng(1).gamma(1, 1, len(y))
    few = solve_logistic(x, y, weights)
    monkeypatch.setattr(logistic, "MANY_ROWS", 500)
    monkeypatch.setattr(whitening, "MANY_ROWS", 500)
    many = solve_logistic(x, y, weights)
    assert many.coefficients == pytest.approx(few.coefficients, abs=1e-9)
    assert many.rank == few.rank == 5


def test_a_part_of_many_rows_that_is_separated_leaves_the_fit_alone(monkeypatch):
    x, y = clinic(rows=2_000)
    # every sixteenth row, of which a fit begins, has an outcome that is settled
    y[::16] = x[::16, 3] > 13
    few = fit_logistic(x, y)
    monkeypatch.setattr(logistic, "MANY_ROWS", 500)
    assert fit_logistic(x, y) == pytest.approx(few, abs=1e-9)
    # and weights that leave all of these out
    weights = np.ones(len(y))
    weights[::16] = 0
    padded = np.where(weights > 0, y, 0.0)
    assert np.isfinite(fit_logistic(x, padded, weights)).all()


def test_one_step_is_near_the_fit_of_each_sample():
    x, y = clinic(rows=6_000)
    person = np.arange(6_000) // 3
    counted = patient_weights(2_000, 20, seed=1)
    stepped = step_logistic(x, y, person, counted)
    fitted = fit_logistic(x, y, counted[:, person])
    apart = np.abs(stepped - fitted)
    assert (apart < 0.2 * fitted.std(axis=0)).mean() > 0.9
    once = step_logistic(x, y, person, np.ones((1, 2_000)))
    assert once[0] == pytest.approx(fit_logistic(x, y), abs=1e-9)


def test_rows_without_weight_may_hold_anything():
    x, y = clinic()
    weights = np.ones(len(y))
    weights[:50] = 0
    expected = fit_logistic(x[50:], y[50:])
    x[:50] = np.nan
    y[:50] = np.nan
    assert fit_logistic(x, y, weights) == pytest.approx(expected, abs=1e-10)


@given(st.floats(1e-4, 1e4), st.integers(0, 100))
def test_a_constant_times_all_weights_changes_nothing(factor, seed):
    x, y = clinic(rows=200, seed=seed)
    assert fit_logistic(x, y, np.full(200, factor)) == pytest.approx(
        fit_logistic(x, y), abs=1e-8
    )


def test_fitted_mean_is_the_observed_mean():
    """A property of the maximum with an intercept, in each replicate under its own weights."""
    x, y = clinic()
    counts = patient_weights(len(y), 10, seed=1)
    fitted = predict_logistic(x, fit_logistic(x, y, counts))
    assert (fitted * counts).sum(axis=1) == pytest.approx(counts @ y)


def test_separation_is_marked_and_finite():
    """Everyone above 10 stopped and nobody else: the limit is at infinity, the fitted probabilities
    are not lost.
    """
    score = np.arange(20.0)
    x = np.column_stack([np.ones(20), score])
    y = (score > 10).astype(float)
    found = solve_logistic(x, y)
    assert found.separated
    assert np.isfinite(found.coefficients).all()
    assert predict_logistic(x, found.coefficients) == pytest.approx(y, abs=1e-7)


def test_one_empty_cell_leaves_the_others_alone():
    """Nobody stopped at session 2: its fitted risk is 0, those of sessions 1 and 3 are the plain
    shares.
    """
    session = np.repeat([0, 1, 2], [40, 30, 50])
    y = np.zeros(120)
    y[:10] = y[70:90] = 1
    found = solve_logistic(np.eye(3)[session], y)
    assert found.separated
    assert predict_logistic(np.eye(3), found.coefficients) == pytest.approx(
        [0.25, 0, 0.4], abs=1e-9
    )


def test_only_separated_replicates_are_marked():
    x = np.eye(2)[np.repeat([0, 1], 10)]
    y = np.tile([0.0, 1.0], 10)
    weights = np.ones((3, 20))
    # replicate 1 draws nobody who stopped in the second cell
    weights[1, 10:] = np.tile([1, 0], 5)
    weights[2, 10:] = 0  # replicate 2 draws nobody of the second cell at all
    assert solve_logistic(x, y, weights).separated.tolist() == [False, True, False]


def test_likely_but_not_separated_is_not_marked():
    """One in 20,000: a linear predictor of -10 is an estimate."""
    y = np.zeros(20_000)
    y[0] = 1
    found = solve_logistic(np.ones((20_000, 1)), y)
    assert not found.separated
    assert found.coefficients[0] == pytest.approx(np.log(1 / 19_999))


def test_repeated_and_empty_columns_take_nothing_from_the_fit():
    x, y = clinic()
    wider = np.column_stack([x, np.zeros(len(y)), x[:, 3], np.full(len(y), 7.0)])
    found = solve_logistic(wider, y)
    assert (found.rank, wider.shape[1]) == (5, 8)
    assert found.coefficients[5] == 0
    assert predict_logistic(wider, found.coefficients) == pytest.approx(
        predict_logistic(x, fit_logistic(x, y)), abs=1e-9
    )


def test_far_outliers_do_not_throw_the_fit():
    """A plain Newton step from 0 overshoots here and never comes back."""
    x = np.column_stack([np.ones(60), np.r_[np.linspace(-1, 1, 58), 300.0, -300.0]])
    y = np.r_[np.tile([0.0, 1.0], 29), 1.0, 0.0]
    y[:20], y[38:58] = 0, 1
    found = fit_logistic(x, y)
    slope = x.T @ (y - predict_logistic(x, found))
    assert slope == pytest.approx(np.zeros(2), abs=1e-5)


def test_a_replicate_that_weighs_nothing_is_missing():
    x, y = clinic()
    weights = np.ones((2, len(y)))
    weights[1] = 0
    found = fit_logistic(x, y, weights)
    assert found[0] == pytest.approx(fit_logistic(x, y), abs=1e-10)
    assert np.isnan(found[1]).all()


def test_refusals():
    x, y = clinic()
    with pytest.raises(NotIdentified):
        fit_logistic(x, y, np.zeros(len(y)))
    with pytest.raises(NotIdentified):
        fit_logistic(np.ones((0, 2)), np.ones(0))
    for bad in (-np.ones(len(y)), np.full(len(y), np.nan), np.ones(3)):
        with pytest.raises(UsageError):
            fit_logistic(x, y, bad)
    with pytest.raises(UsageError):
        fit_logistic(x, y * 2)
    with pytest.raises(UsageError):
        fit_logistic(np.where(x == 3, np.nan, x), y)


def test_a_separated_fit_is_the_same_wherever_it_starts():
    """Its maximum is that of the ridge; a step towards it must not be held back because the
    likelihood falls.
    """
    x = np.column_stack([np.ones(8), [-3, -2, -2, -1, 1, 2, 2, 3]])
    problem = logistic.LogitProblem(
        x, x.T.copy(), (x[:, 1] > 0).astype(float), None, 4.0
    )
    near, far = (
        logistic._newton(problem, np.ones((1, 8)), np.array([0.0, start]))[0]
        for start in (0, 2000)
    )
    assert np.abs(near - far).max() < 0.001


def test_a_step_is_not_halved_for_ever():
    """Covariates of many sizes: sums in another order differ by more than the step gains."""
    rng = np.random.default_rng(5036)
    wild = rng.standard_cauchy(300) * 10 ** rng.uniform(-2, 2, 300)
    found = solve_logistic(
        np.column_stack([np.ones(300), wild]),
        (wild > 0) * 1.0,
        rng.poisson(1, (64, 300)),
    )
    assert np.isfinite(found.coefficients).all()


def test_a_fit_that_walks_to_infinity_walks_in_strides(monkeypatch) -> None:
    steps = []
    derivatives = logistic._derivatives

    def counted(*given):
        steps.append(1)
        return derivatives(*given)

    monkeypatch.setattr(logistic, "_derivatives", counted)
    x = np.column_stack([np.ones(40), np.repeat([0, 1], 20), np.tile([0, 1], 20)])
    y = np.repeat([0, 1], 20)
    y[1] = 1
    found = logistic.solve_logistic(x, y)
    assert found.separated
    # One at a time there would be twice as many.
    assert len(steps) < 16
    fitted = logistic.predict_logistic(x, found.coefficients[None])[0]
    assert fitted[20:] == pytest.approx(1, abs=1e-7)
    assert fitted[:20].sum() == pytest.approx(1)
