"""Life table, median, restricted mean and log-rank: by hand, at their edges, and what they
refuse.
"""

import numpy as np
import pytest

from kettrack.estimators.survival.life_table import (
    count_life,
    estimate_survival,
    ratio_or_zero,
    steps_to_show,
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


def test_the_ends_of_a_curve_have_the_interval_of_the_level_asked_for():
    """Six people without an event, and the last of five with one: 5 % on each side."""
    curve = estimate_survival(life("1+ 2 2 3 4 5"), level=0.9)
    assert curve.ci_low[0] == pytest.approx(0.05 ** (1 / 6))
    assert curve.ci_high[-1] == pytest.approx(1 - 0.05 ** (1 / 5))


def test_with_nobody_there_nothing_happens_whatever_stood_in_memory_before():
    part, whole = np.arange(8.0), np.zeros(8)
    for left_over in (3.0, 7.0):
        # Freed at once: an array that is not filled would be handed this memory.
        np.full(8, left_over)
        assert ratio_or_zero(part, whole).tolist() == [0] * 8


def test_of_nobody_there_is_nothing_to_count():
    counts = count_life(np.array([], int), np.array([], bool))
    assert counts.at_risk.tolist() == counts.events.tolist() == []


@pytest.mark.parametrize(
    ("counted", "censored", "shown"),
    [
        ([30, 11], [19, 11], 2),  # as many as a point needs are enough
        ([30, 10], [20, 10], 1),
        ([30], [0], 9),  # everybody had the event at the first step
        ([], [], 0),  # nobody was there
    ],
)
def test_a_curve_stands_on_as_many_people_as_it_needs(counted, censored, shown):
    counted, censored = np.array(counted, int), np.array(censored, int)
    assert steps_to_show(counted, censored, fewest=11, at_most=9) == shown


def test_a_curve_carries_who_was_counted():
    counts = life("1 1 1+", "3 3 3", "4+ 4+ 4+ 4+")
    curve = estimate_survival(counts)
    assert curve.at_risk.tolist() == counts.at_risk.tolist()
    assert curve.events.tolist() == [0, 2, 0, 3, 0]
    assert curve.censored.tolist() == [0, 1, 0, 0, 4]


def test_at_equal_time_an_event_comes_before_the_end_of_a_log():
    assert estimate_survival(life("2 2+")).estimate.tolist() == [1, 1, 0.5]


@pytest.mark.parametrize("transform", ["log-log", "log", "plain"])
def test_intervals_are_exact_where_the_curve_is_0_or_1_and_stay_between(transform):
    curve = estimate_survival(life("1+ 2 2 3 4 5"), transform=transform)
    inside = (curve.estimate > 0) & (curve.estimate < 1)
    # 6 at risk on steps 0 and 1, no event yet; the last of all has it at step 5
    assert curve.ci_low[~inside] == pytest.approx([0.5407, 0.5407, 0], abs=1e-4)
    assert curve.ci_high[~inside] == pytest.approx([1, 1, 0.5218], abs=1e-4)
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


def test_all_and_none_of_30_have_the_ends_of_clopper_and_pearson():
    all_lost = estimate_survival(life("2 " * 30))
    none_lost = estimate_survival(life("2+ " * 30))
    assert all_lost.ci_low.round(3).tolist() == [0.884, 0.884, 0]
    assert all_lost.ci_high.round(3).tolist() == [1, 1, 0.116]
    assert none_lost.ci_low.round(3).tolist() == [0.884] * 3


def test_with_half_of_the_logs_ended_the_exact_end_is_that_of_those_at_risk():
    """The beta product procedure: no event among 40, of whom 20 are followed beyond step 1."""
    curve = estimate_survival(life("1+ " * 20, "3+ " * 20))
    assert curve.ci_low[[1, 2]] == pytest.approx([0.025 ** (1 / 40), 0.025 ** (1 / 20)])


def test_exact_ends_seldom_miss_where_standard_errors_say_nothing():
    """2,000 clinics of 15 people, 80 % held at step 4, logs that end at any step: no loss is seen
    by chance, and the low end lies above the truth in at most one clinic in forty.
    """
    rng = np.random.default_rng(3)
    missed = []
    for _ in range(2000):
        loss = rng.geometric(1 - 0.8 ** (1 / 4), 15)
        end = rng.integers(4, 12, 15)
        curve = estimate_survival(count_life(np.minimum(loss, end), loss <= end))
        at = min(4, len(curve.estimate) - 1)
        missed.append(curve.estimate[at] == 1 and curve.ci_low[at] > 0.8)
    assert np.mean(missed) <= 0.025


def test_who_lost_stays_in_the_count_and_who_is_no_longer_followed_does_not():
    counts = life("1 " * 25, "2+ " * 3, "9+ " * 2)
    assert counts.still_counted.tolist() == [30, 30, 30, *[27] * 7]
    shown = [
        steps_to_show(given.still_counted, given.censored, 11, 20)
        for given in (counts, life("1 " * 30), life("1 " * 5, "2+ " * 25))
    ]
    # to the last day that anybody is followed; for ever, as all have lost; to the day 25 leave
    assert shown == [10, 20, 3]
