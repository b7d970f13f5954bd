"""Life table, median, restricted mean and log-rank: by hand, at their edges, and what they
refuse.
"""

import numpy as np
import pytest

from kettrack.errors import NotIdentified, UsageError
from kettrack.estimators.life_table import (
    count_life,
    estimate_survival,
    median_time,
    restricted_mean,
)
from kettrack.estimators.log_rank import log_rank


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
    ("patients", "median"),
    [
        pytest.param("1 2 3 4", 2, id="first-step-at-exactly-half"),
        pytest.param("1 1 1 2", 1, id="passed-in-one-step"),
        pytest.param("1 2+ 2+ 2+", np.nan, id="not-reached"),
        pytest.param("0 0 1", 0, id="at-once"),
        pytest.param("", np.nan, id="nobody"),
    ],
)
def test_median(patients, median):
    assert median_time(estimate_survival(life(patients)))[0] == pytest.approx(
        median, nan_ok=True
    )


def test_half_reached_by_rounding():
    """.9 x 8/9 x 7/8 x 6/7 x 5/6 is one half, but not in the computer."""
    assert median_time(estimate_survival(life("1 2 3 4 5 6+ 6+ 6+ 6+ 6+")))[0] == 5


def test_restricted_mean_by_hand_and_without_censoring_the_plain_mean():
    times = np.array([1, 2, 2, 5, 9])
    curve = estimate_survival(count_life(times, np.ones(5)))
    for to in (2, 5, 9, 20):
        cut = np.minimum(times, to)
        assert restricted_mean(curve, to) == pytest.approx(
            (cut.mean(), cut.std() / np.sqrt(5))
        )


def test_nothing_is_extrapolated():
    curve = estimate_survival(life("1 2 3+"))
    assert restricted_mean(curve, 3)[0] == pytest.approx(1 + 2 / 3 + 1 / 3)
    with pytest.raises(NotIdentified, match="ends at step 3"):
        restricted_mean(curve, 4)


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


def test_identical_groups_are_0_apart():
    found = log_rank([life("1 2 2+ 3"), life("1 2 2+ 3")])
    assert (found.chi2, found.p) == (pytest.approx(0, abs=1e-12), pytest.approx(1))


def test_a_group_never_at_risk_at_an_event_is_left_out():
    one = life("3 4 5 6+")
    other = life("3 3 4 7+")
    gone = life("1+ 2+")
    assert log_rank([one, other, gone]).chi2 == pytest.approx(
        log_rank([one, other]).chi2
    )
    assert log_rank([one, other, gone]).df == 1


def test_nothing_happened():
    found = log_rank([life("1+ 2+"), life("3+")])
    assert np.isnan(found.p)
    assert found.df == 0


def test_one_group_is_no_comparison():
    with pytest.raises(UsageError, match="two groups"):
        log_rank([life("1 2")])


def test_log_rank_holds_its_level():
    """1,000 pairs of 60 people on 8 sessions, ends of logs three times as frequent in one group:
    about 5 % below .05.
    """
    rng = np.random.default_rng(3)
    below = []
    for _ in range(1000):
        groups = []
        for rate in (0.3, 0.1):
            event = rng.geometric(0.2, 60)
            end = np.minimum(rng.geometric(rate, 60), 8)
            groups.append(count_life(np.minimum(event, end), event <= end))
        below.append(log_rank(groups).p < 0.05)
    assert 0.03 <= np.mean(below) <= 0.07
