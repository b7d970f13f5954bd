"""Probit dose curve through published points, and regression to the mean against a simulated pair of scores."""

from __future__ import annotations

import numpy as np
import pytest

from kettrack.errors import UsageError
from kettrack.estimators.dose_curve import fit_probit_curve
from kettrack.estimators.regression_to_mean import expected_drop


def test_howard_1986() -> None:
    """About half improved by session 8 and three quarters by 26: back-solved, a = -1.190 and b = .572."""
    curve = fit_probit_curve([8, 26], [5000, 7500], [10000, 10000])
    assert (curve.intercept, curve.slope) == pytest.approx((-1.190, 0.572), abs=0.005)
    assert curve.share([1, 4, 8, 26, 52]) == pytest.approx([0.12, 0.35, 0.50, 0.75, 0.86], abs=0.005)


@pytest.mark.parametrize(
    ("groups", "improved"), [([3, 3], [1, 2]), ([1, 2], [0, 0]), ([1, 2], [5, 5])], ids=["one number", "nobody", "everybody"]
)
def test_nothing_to_fit(groups: list[int], improved: list[int]) -> None:
    with pytest.raises(UsageError, match="at least two"):
        fit_probit_curve(groups, improved, [5, 5])


@pytest.mark.parametrize(("reliability", "drop"), [(0.84, 0.8), (0.6, 2.0)])
def test_published_example(reliability: float, drop: float) -> None:
    """SD 5.5, mean 14, entry from 15."""
    assert expected_drop(14, 5.5, 15, reliability) == pytest.approx(drop, abs=0.05)


def test_two_scores_of_unchanged_people() -> None:
    rng = np.random.default_rng(1)
    person = 12 + rng.normal(0, np.sqrt(0.7 * 36), 400_000)
    first, second = person + rng.normal(0, np.sqrt(0.3 * 36), (2, 400_000))
    entered = first >= 15
    assert expected_drop(12, 6, 15, 0.7) == pytest.approx((first - second)[entered].mean(), abs=0.05)


def test_impossible_reliability() -> None:
    with pytest.raises(UsageError, match="reliability"):
        expected_drop(14, 5.5, 15, 1.2)
