"""Life table, median, restricted mean and log-rank: by hand, at their edges, and what they
refuse.
"""

import numpy as np
import pytest

from kettrack.estimators.survival.life_table import (
    count_life,
    estimate_survival,
)


def life(*written):
    """Each patient a word: the step, and `+` when the log ends there."""
    words = " ".join(written).split()
    return count_life(
        np.array([int(word.rstrip("+")) for word in words], int),
        np.array(["+" not in word for word in words]),
    )


def test_by_hand():
    """Ten people: 2 events and a log that ends at 1, nothing at 2, 3 events among the remaining 7
    at 3, and 4 go on.
    """
    counts = life("1 1 1+", "3 3 3", "4+ 4+ 4+ 4+")
    curve = estimate_survival(counts)
    assert counts.at_risk.tolist() == [10, 10, 7, 7, 4]
    assert curve.estimate == pytest.approx([1, 0.8, 0.8, 0.8 * 4 / 7, 0.8 * 4 / 7])
    assert curve.standard_error[3] == pytest.approx(
        0.8 * 4 / 7 * np.sqrt(2 / (10 * 8) + 3 / (7 * 4))
    )


@pytest.mark.parametrize(
    ("transform", "low", "high"),
    [
        ("log-log", 0.1430, 0.7298),
        ("log", 0.2242, 0.9321),
        ("plain", 0.1314, 0.7828),
    ],
)
def test_interval_by_hand(transform, low, high):
    """The same ten people: at 3 the logarithm of the curve has the variance 2/80 + 3/28."""
    counts = life("1 1 1+", "3 3 3", "4+ 4+ 4+ 4+")
    curve = estimate_survival(counts, transform=transform)
    assert curve.ci_low[3] == pytest.approx(low, abs=5e-5)
    assert curve.ci_high[3] == pytest.approx(high, abs=5e-5)


def test_a_curve_carries_who_was_counted():
    counts = life("1 1 1+", "3 3 3", "4+ 4+ 4+ 4+")
    curve = estimate_survival(counts)
    assert curve.at_risk.tolist() == counts.at_risk.tolist()
    assert curve.events.tolist() == [0, 2, 0, 3, 0]
    assert curve.censored.tolist() == [0, 1, 0, 0, 4]


def test_at_equal_time_an_event_comes_before_the_end_of_a_log():
    assert estimate_survival(life("2 2+")).estimate.tolist() == [1, 1, 0.5]


@pytest.mark.parametrize("transform", ["log-log", "log", "plain"])
def test_intervals_are_missing_where_the_curve_is_0_or_1_and_stay_between(transform):
    curve = estimate_survival(life("1+ 2 2 3 4 5"), transform=transform)
    inside = (curve.estimate > 0) & (curve.estimate < 1)
    assert np.isnan(curve.ci_low[~inside]).all()
    assert np.isnan(curve.standard_error).tolist() == [False] * 5 + [True]
    assert np.all(
        (curve.ci_low[inside] >= 0) & (curve.ci_low[inside] < curve.estimate[inside])
    )
    assert np.all(
        (curve.ci_high[inside] <= 1) & (curve.ci_high[inside] > curve.estimate[inside])
    )


def test_a_curve_nobody_is_left_on_goes_on_flat():
    short = life("1 2+")
    long = life("4+")
    weightless = count_life(
        np.array([1, 2, 4]), np.array([1, 0, 1]), np.array([1.0, 1.0, 0.0])
    )
    assert estimate_survival(weightless).estimate.tolist() == [1, 0.5, 0.5, 0.5, 0.5]
    assert len((short + long).events) == 5


@pytest.mark.parametrize(
    "time", [[-1, 2], [1.5, 2.0]], ids=["negative", "no-whole-number"]
)
def test_times_that_are_no_steps(time):
    with pytest.raises((ValueError, TypeError)):
        count_life(np.array(time), np.array([1, 1]))


def test_small_unsigned_steps_do_not_wrap():
    assert count_life(np.array([200, 3], np.uint8), np.array([1, 0])).events.nonzero()[
        0
    ].tolist() == [200]


def test_without_censoring_the_area_is_the_mean_time():
    times = np.array([1, 2, 2, 5, 9])
    curve = estimate_survival(count_life(times, np.ones(5)))
    for to in (2, 5, 9):
        assert curve.estimate[:to].sum() == pytest.approx(np.minimum(times, to).mean())
