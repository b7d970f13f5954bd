"""Proportions and their comparison at the edges; published numbers stand in
tests/reference/test_published_oracles.py.
"""

import itertools

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import binom

from kettrack.estimators.proportions import Interval, percent_agrees, wilson
from kettrack.estimators.two_proportions import (
    TwoCounts,
    _restricted_error,
    number_to_treat,
    odds_ratio,
    p_value,
    risk_difference,
    risk_ratio,
)

METHODS = ("miettinen_nurminen", "newcombe", "wald")
SMALL = [TwoCounts(a, 4, b, 3) for a, b in itertools.product(range(5), range(4))]


def test_wilson_behaves_at_0_and_at_100_and_without_patients():
    assert wilson(0, 20) == pytest.approx((0, 0, 16.11), abs=0.01)
    assert wilson(20, 20) == pytest.approx((100, 83.89, 100), abs=0.01)
    assert np.isnan(wilson(0, 0)).all()


def test_score_interval_solves_its_equation():
    """Values of an independent root search on the likelihood; statsmodels 0.15 ends at 34.40."""
    assert risk_difference(TwoCounts(56, 70, 48, 80)) == pytest.approx(
        (20, 5.28, 33.82), abs=0.005
    )


@pytest.mark.parametrize(
    "counts",
    [
        TwoCounts(7, 10, 2, 9),
        TwoCounts(0, 5, 3, 8),
        TwoCounts(6, 6, 0, 4),
        TwoCounts(0, 9, 0, 9),
    ],
)
@pytest.mark.parametrize("difference", [-0.7, -0.2, 0.0, 0.15, 0.6])
def test_restricted_shares_maximise_the_likelihood(counts, difference):
    a, n_a, b, n_b = counts

    def lack(share_b):
        return -binom.logpmf(a, n_a, share_b + difference) - binom.logpmf(
            b, n_b, share_b
        )

    bounds = (max(0, -difference) + 1e-12, min(1, 1 - difference) - 1e-12)
    share_b = minimize_scalar(
        lack, bounds=bounds, method="bounded", options={"xatol": 1e-10}
    ).x
    share_a = share_b + difference
    variance = share_a * (1 - share_a) / n_a + share_b * (1 - share_b) / n_b
    expected = np.sqrt(variance * (n_a + n_b) / (n_a + n_b - 1))
    assert _restricted_error(counts, difference) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("counts", SMALL)
def test_swapping_groups_turns_the_sign(method, counts):
    there = risk_difference(counts, method)
    back = risk_difference(TwoCounts(*counts[2:], *counts[:2]), method)
    assert there == pytest.approx(
        (-back.estimate, -back.ci_high, -back.ci_low), abs=1e-6
    )


@pytest.mark.parametrize("counts", SMALL)
def test_score_interval_holds_the_estimate_and_stays_on_the_scale(counts):
    found = risk_difference(counts)
    assert -100 <= found.ci_low <= found.estimate <= found.ci_high <= 100
    assert found.ci_low < found.ci_high


@pytest.mark.parametrize("method", METHODS)
def test_an_empty_group(method):
    assert np.isnan(risk_difference(TwoCounts(0, 0, 3, 5), method)).all()
    assert np.isnan(odds_ratio(TwoCounts(0, 0, 3, 5))).all()
    assert np.isnan(risk_ratio(TwoCounts(0, 0, 3, 5))).all()


def test_ratios_of_an_empty_cell_are_not_made_up():
    assert np.isnan(odds_ratio(TwoCounts(5, 5, 2, 5))).all()
    assert np.isnan(risk_ratio(TwoCounts(0, 5, 2, 5))).all()
    assert risk_ratio(TwoCounts(5, 5, 2, 5)).estimate == pytest.approx(2.5)


def test_risk_ratio_of_the_physicians_health_study():
    """104 of 11,037 against 189 of 11,034 (aspirin and heart attack, N Engl J Med 1989;321:129):
    .55 (.43-.70).
    """
    assert risk_ratio(TwoCounts(104, 11037, 189, 11034)) == pytest.approx(
        (0.55, 0.43, 0.70), abs=0.005
    )


@pytest.mark.parametrize(
    ("difference", "number"),
    [
        ((25.0, 4.0, 46.0), (4, 100 / 46, 25)),
        ((-20.0, -40.0, -10.0), (-5, -10, -2.5)),
        ((5.0, -5.0, 15.0), (20, np.nan, np.nan)),
        ((0.0, -10.0, 10.0), (np.nan, np.nan, np.nan)),
    ],
    ids=["benefit", "harm", "interval-through-0", "no-difference"],
)
def test_number_to_treat(difference, number):
    assert number_to_treat(Interval(*difference)) == pytest.approx(number, nan_ok=True)


def test_nobody_responded_in_either_group():
    assert np.isnan(p_value(TwoCounts(0, 10, 0, 8), "pearson"))
    assert p_value(TwoCounts(0, 10, 0, 8), "fisher") == 1


@pytest.mark.parametrize(
    ("events", "n", "percent", "decimals"),
    [(1, 8, 12.5, 1), (1, 8, 13, 0), (1, 8, 12, 0), (0, 7, 0.0, 1)],
)
def test_a_percent_on_the_edge_agrees_with_either_rounding(
    events, n, percent, decimals
):
    assert percent_agrees(events, n, percent, decimals)


def test_a_percent_of_nobody_agrees_with_nothing():
    assert not percent_agrees(0, 0, 0.0)
