"""Probit dose curve through published points, and regression to the mean against a simulated pair
of scores.
"""

from __future__ import annotations

import numpy as np
import pytest
from spec.tables import cohort

from kettrack import Cohort
from kettrack.analysis.association.regression_to_mean import (
    find_entry_cutoff,
    regression_words,
)
from kettrack.errors import UsageError
from kettrack.estimators.regression.comparison_models import (
    expected_drop,
    fit_probit_curve,
)
from kettrack.timelines.derived import derive


def test_howard_1986() -> None:
    """About half improved by session 8 and three quarters by 26: back-solved, a = -1.190 and b =
    .572.
    """
    curve = fit_probit_curve([8, 26], [5000, 7500], [10000, 10000])
    assert (curve.intercept, curve.slope) == pytest.approx((-1.190, 0.572), abs=0.005)
    assert curve.share([1, 4, 8, 26, 52]) == pytest.approx(
        [0.12, 0.35, 0.50, 0.75, 0.86], abs=0.005
    )


@pytest.mark.parametrize(
    ("groups", "improved"),
    [([3, 3], [1, 2]), ([1, 2], [0, 0]), ([1, 2], [5, 5])],
    ids=["one number", "nobody", "everybody"],
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
    assert expected_drop(12, 6, 15, 0.7) == pytest.approx(
        (first - second)[entered].mean(), abs=0.05
    )


def test_impossible_reliability() -> None:
    with pytest.raises(UsageError, match="reliability"):
        expected_drop(14, 5.5, 15, 1.2)


def came_with(scores: list[int] | np.ndarray, **settings: str) -> Cohort:
    rows = [
        f"p{number} | -1 | {score}\np{number} | 3 | {score}"
        for number, score in enumerate(scores)
    ]
    return cohort("\n".join(["patient | day | score", *rows]), **settings)


def whole_scores(mean: float, sd: float, lowest: int, n: int) -> np.ndarray:
    drawn = np.round(np.random.default_rng(7).normal(mean, sd, 60 * n)).astype(int)
    return drawn[(drawn >= lowest) & (drawn <= 60)][:n]


def test_population_behind_a_cut_off() -> None:
    """A scale long enough that its end plays no part."""
    entry = find_entry_cutoff(
        derive(came_with(whole_scores(24, 8, 30, 4000), instrument="MADRS"))
    )
    assert (entry.cutoff, entry.mean, entry.sd) == pytest.approx(
        (29.5, 24, 8), rel=0.12
    )
    assert entry.words == "entry at the least severe baseline, 30 or above"


def test_a_stray_below_caseness_is_not_the_cut_off() -> None:
    scores = [4, *whole_scores(14, 4, 16, 200)]
    assert find_entry_cutoff(derive(came_with(scores))).cutoff == 15.5
    many = find_entry_cutoff(derive(came_with([4] * 20 + scores)))
    assert (many.words, many.cutoff) == ("entry at caseness, 10 or above", 10)


@pytest.mark.parametrize(
    "scores",
    [[20] * 120, [18] * 60 + [19] * 30 + [20] * 16 + [21] * 8 + [22] * 4 + [24, 27]],
    ids=["all the same", "thinning out like any tail"],
)
def test_a_cut_off_that_cannot_be_told(scores: list[int]) -> None:
    entry = find_entry_cutoff(derive(came_with(scores)))
    assert not entry.known
    assert np.isnan(entry.drop(0.6))
    assert (
        entry.words
        == f"all baselines at the least severe of them or beyond, {min(scores)} or above"
    )
    assert "the baselines do not show at which score people came" in regression_words(
        entry
    )


def test_few_baselines_tell_no_cut_off() -> None:
    assert not find_entry_cutoff(
        derive(came_with(whole_scores(24, 8, 30, 99), instrument="MADRS"))
    ).known
    assert find_entry_cutoff(
        derive(came_with(whole_scores(24, 8, 30, 100), instrument="MADRS"))
    ).known


def test_a_release_policy_does_not_print_the_baseline_of_one_person() -> None:
    entry = find_entry_cutoff(
        derive(
            came_with(whole_scores(24, 8, 30, 400), instrument="MADRS", policy="cms")
        )
    )
    assert (entry.known, entry.words) == (True, "entry at the least severe baseline")
