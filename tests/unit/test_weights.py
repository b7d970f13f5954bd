"""Inverse-probability weights and weighted least squares: library answers, identities, and what
must not change the answer.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.regression.linear_model import OLS, WLS

from kettrack.errors import NotIdentified, UsageError
from kettrack.estimators.causal.weights import (
    TRUNCATION_CENTILES,
    describe_weights,
    e_value,
    e_value_of_difference,
    observed_probability,
    standardised_differences,
    truncate_weights,
)
from kettrack.estimators.intervals import patient_weights
from kettrack.estimators.regression.least_squares import (
    fit_clustered,
    fit_least_squares,
)


def visits(patients=80, seed=1):
    """Rows of several visits per patient, correlated within patients."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), rng.integers(1, 9, patients))
    session = np.arange(len(patient)) - np.searchsorted(patient, patient) + 1
    score = rng.integers(0, 28, len(patient))
    x = np.column_stack([np.ones(len(patient)), session, session**2, score])
    y = (
        3
        + 0.4 * score
        - 0.2 * session
        + rng.normal(size=patients)[patient]
        + rng.normal(size=len(patient))
    )
    return x, y, patient


@pytest.mark.parametrize("corrected", [True, False])
def test_clustered_errors_equal_statsmodels(corrected):
    x, y, patient = visits()
    weights = np.random.default_rng(2).gamma(1, 1, len(y))
    shuffled = np.random.default_rng(3).permutation(len(y))
    for w in (np.ones(len(y)), weights):
        expected = WLS(y, x, weights=w).fit(
            cov_type="cluster",
            cov_kwds={
                "groups": patient,
                "use_correction": corrected,
                "df_correction": corrected,
            },
        )
        found = fit_clustered(
            x[shuffled],
            y[shuffled],
            patient[shuffled] * 7 + 3,
            w[shuffled],
            corrected=corrected,
        )
        assert found.coefficients == pytest.approx(expected.params, abs=1e-9)
        assert found.error == pytest.approx(expected.bse, rel=1e-8)
        assert (found.patients, found.rank) == (80, 4)


def test_all_patients_four_times_leave_the_errors_when_their_ids_are_kept():
    x, y, patient = visits()
    once = fit_clustered(x, y, patient, corrected=False)
    again = fit_clustered(
        np.tile(x, (4, 1)), np.tile(y, 4), np.tile(patient, 4), corrected=False
    )
    assert again.error == pytest.approx(once.error)


def test_rows_without_weight_may_hold_anything():
    x, y, patient = visits()
    weights = np.ones(len(y))
    weights[:30] = 0
    expected = fit_clustered(x[30:], y[30:], patient[30:])
    x[:30] = np.nan
    y[:30] = np.inf
    found = fit_clustered(x, y, patient, weights)
    assert found.coefficients == pytest.approx(expected.coefficients)
    assert found.error == pytest.approx(expected.error)


def test_least_squares_of_replicates_equals_rows_written_again(monkeypatch):
    x, y, patient = visits()
    counts = patient_weights(80, 15, seed=3)[:, patient]
    monkeypatch.setattr(
        "kettrack.estimators.regression.least_squares._BLOCK", 4 * len(y)
    )
    for fitted, drawn in zip(fit_least_squares(x, y, counts), counts, strict=True):
        again = np.repeat(np.arange(len(y)), drawn)
        assert fitted == pytest.approx(OLS(y[again], x[again]).fit().params, abs=1e-9)


def test_repeated_columns_share_what_one_would_take():
    x, y, patient = visits()
    whole = fit_least_squares(x, y)
    found = fit_clustered(np.column_stack([x, x[:, 3], np.zeros(len(y))]), y, patient)
    assert found.rank == 4
    assert found.coefficients == pytest.approx(
        [*whole[:3], whole[3] / 2, whole[3] / 2, 0], abs=1e-9
    )


def test_least_squares_refuses_what_it_cannot_know():
    with pytest.raises(NotIdentified):
        fit_clustered(np.ones((5, 1)), np.arange(5), np.zeros(5))
    with pytest.raises(NotIdentified):
        fit_least_squares(np.ones((5, 1)), np.arange(5), np.zeros(5))
    with pytest.raises(UsageError):
        fit_least_squares(np.ones((5, 1)), np.full(5, np.nan))
    assert np.isnan(
        fit_least_squares(np.ones((2, 1)), np.ones(2), [[1, 1], [0, 0]])[1]
    ).all()


def test_probability_of_what_happened_by_hand():
    """One patient goes on twice (.8, .5) and stops (.25); another stops at once (.2)."""
    found = observed_probability([0.8, 0.5, 0.75, 0.8], [True, True, False, False])
    assert found == pytest.approx([0.8, 0.5, 0.25, 0.2])


def test_equal_weights_are_worth_everybody():
    found = describe_weights(np.full(200, 3.0))
    assert (found.n, found.ess, found.ess_share, found.largest_share) == pytest.approx(
        (200, 200, 1, 1 / 200)
    )


def test_one_heavy_patient_is_worth_one():
    found = describe_weights([1e6, *[1.0] * 99, 0, 0])
    assert found.n == 100
    assert found.ess == pytest.approx(1, abs=1e-3)
    assert found.largest_share == pytest.approx(1, abs=1e-3)
    assert found.above_10 == 1


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=50), st.floats(0.01, 100))
def test_effective_number_lies_between_1_and_n_and_has_no_unit(weights, factor):
    found = describe_weights(weights)
    assert 1 - 1e-9 <= found.ess <= found.n + 1e-9
    assert describe_weights(np.array(weights) * factor).ess == pytest.approx(found.ess)


def test_truncation_goes_step_by_step():
    weights = np.arange(1.0, 1001)
    largest = [
        truncate_weights(weights, centile).max() for centile in TRUNCATION_CENTILES
    ]
    assert largest == pytest.approx([1000, 995, 990, 975, 950], abs=0.1)
    assert truncate_weights(weights, 100) == pytest.approx(weights)


def test_weighting_removes_an_imbalance_that_decided_who_went_on():
    """30 of 40 with high scores went on and 10 of 40 with low ones: inverse probabilities balance
    the two exactly.
    """
    high = np.repeat([1.0, 1.0, 0.0, 0.0], [30, 10, 10, 30])[:, None]
    went_on = np.repeat([True, False, True, False], [30, 10, 10, 30])
    weights = 1 / observed_probability(np.where(high[:, 0] == 1, 0.75, 0.25), went_on)
    # Shares of .75 and .25, variance of each group .1923 (40 people, divisor 39)
    assert standardised_differences(high, went_on) == pytest.approx(
        [0.5 / 0.4385], abs=1e-3
    )
    assert standardised_differences(high, went_on, weights) == pytest.approx(
        [0], abs=1e-12
    )


def test_balance_of_a_constant_column_and_of_an_empty_group():
    assert standardised_differences(
        np.ones((4, 1)), [True, True, False, False]
    ) == pytest.approx([0])
    with pytest.raises(NotIdentified):
        standardised_differences(np.ones((4, 1)), np.ones(4, dtype=bool))


def test_e_values():
    assert [e_value(2), e_value(1.5), e_value(1)] == pytest.approx(
        [3.41, 2.37, 1], abs=5e-3
    )
    assert e_value_of_difference(0.3) == pytest.approx(1.96, abs=5e-3)
    with pytest.raises(UsageError):
        e_value(0)


@pytest.mark.parametrize("weights", [[-1, 2], [np.nan, 1], [np.inf, 1]])
def test_weights_that_are_none(weights):
    with pytest.raises(UsageError):
        describe_weights(weights)


def test_nobody_weighs_anything():
    with pytest.raises(NotIdentified):
        describe_weights([0, 0])
