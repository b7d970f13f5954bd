"""Groups compared on cumulative incidence: level, power, joint coverage, and what the answer must
not depend on.
"""

import numpy as np
import pytest
from reference.published_survival import log_rank_chi2
from scipy.stats import CensoredData, logrank

from kettrack.errors import NotIdentified, UsageError
from kettrack.estimators.survival.competing_risks import (
    count_competing_risks,
    estimate_incidence,
)
from kettrack.estimators.survival.incidence_difference import (
    compare_incidence,
)
from kettrack.estimators.survival.life_table import count_life


def clinic(rng, n, hazard, other=0.15, steps=12):
    """Exits of n people: the event and another cause at constant hazards, logs that end at any
    session.
    """
    draws = rng.random((n, steps))
    what = np.where(draws < hazard, 1, np.where(draws < hazard + other, 2, 0))
    happened = what.any(axis=1)
    step = np.where(happened, (what > 0).argmax(axis=1) + 1, steps)
    cause = np.where(happened, what[np.arange(n), step - 1], 0)
    end = rng.integers(1, 2 * steps, n)
    return np.minimum(step, end), np.where(end < step, 0, cause)


def exits(step, cause):
    return count_competing_risks(step, cause, 2)


@pytest.fixture
def pair():
    rng = np.random.default_rng(1)
    return [exits(*clinic(rng, 80, hazard)) for hazard in (0.1, 0.2)]


def test_difference_is_that_of_the_two_curves(pair):
    found = compare_incidence(pair, at=[3, 6], replicates=999)
    curves = [estimate_incidence(group).estimate[[2, 5], 0] for group in pair]
    assert found.estimate == pytest.approx(np.column_stack(curves))
    assert found.difference[:, 0] == pytest.approx(curves[1] - curves[0])
    assert np.all(
        (found.ci_low < found.difference) & (found.difference < found.ci_high)
    )


def test_same_seed_same_answer_and_another_seed_another(pair):
    one, again, other = (
        compare_incidence(pair, at=[6], replicates=999, seed=seed) for seed in (1, 1, 2)
    )
    assert (one.p, one.ci_low) == (again.p, again.ci_low)
    assert one.ci_low != other.ci_low


def test_simultaneous_intervals_are_wider_for_more_steps(pair):
    alone = compare_incidence(pair, at=[6], replicates=999)
    among = compare_incidence(pair, at=[2, 4, 6, 8], replicates=999)
    assert among.ci_high[2] - among.ci_low[2] > alone.ci_high[0] - alone.ci_low[0]


def test_with_one_cause_the_score_and_p_are_near_those_of_the_log_rank_test():
    rng = np.random.default_rng(8)
    data = [clinic(rng, 60, hazard, other=0) for hazard in (0.12, 0.18)]
    found = compare_incidence(
        [count_competing_risks(step, cause, 1) for step, cause in data],
        at=[6],
        replicates=4999,
    )
    lives = [count_life(step, cause == 1) for step, cause in data]
    test = logrank(
        *(
            CensoredData(uncensored=step[cause == 1], right=step[cause != 1])
            for step, cause in data
        )
    )
    chi2 = log_rank_chi2(found.score, lives)
    assert chi2 == pytest.approx(test.statistic**2)
    assert found.p == pytest.approx(test.pvalue, abs=0.03)


def test_order_of_groups_does_not_change_the_score():
    rng = np.random.default_rng(3)
    groups = [
        exits(*clinic(rng, n, hazard))
        for n, hazard in ((40, 0.1), (60, 0.2), (30, 0.2))
    ]
    forward, back = (
        compare_incidence(order, at=[6], replicates=999)
        for order in (groups, groups[::-1])
    )
    assert forward.score == pytest.approx(back.score[::-1])
    assert forward.p == pytest.approx(back.p, abs=0.02)
    assert forward.score.sum() == pytest.approx(0, abs=1e-9)


def test_a_group_that_is_not_followed_so_far():
    long = exits(np.repeat([2, 5, 9], 10), np.tile([1, 0], 15))
    short = exits(np.repeat([2, 4], 10), np.tile([1, 0], 10))
    found = compare_incidence([long, short], at=[2, 6, 12], replicates=999)
    assert np.isnan(found.difference[:, 0]).tolist() == [False, True, True]
    assert np.isnan(found.ci_low[:, 0]).tolist() == [False, True, True]


def test_a_group_in_which_everybody_left_is_known_for_ever():
    gone = exits(np.repeat([1, 2], 10), np.tile([1, 2], 10))
    found = compare_incidence(
        [exits(np.repeat([3, 9], 10), np.tile([1, 0], 10)), gone],
        at=[8],
        replicates=999,
    )
    assert found.estimate[0].tolist() == pytest.approx([0.25, 0.5])


def test_nothing_happened():
    quiet = exits(np.repeat([3, 4], 10), np.zeros(20, int))
    found = compare_incidence([quiet, quiet], at=[3], replicates=999)
    assert found.p == 1
    # 0 of 20 may be up to 16.8 %, in either group
    assert found.ci_low[0, 0] == pytest.approx(-0.1684, abs=1e-4)
    assert found.ci_high[0, 0] == pytest.approx(0.1684, abs=1e-4)


def test_a_group_without_an_event_is_not_certain():
    """0 of 20 against 10 of 20: the bootstrap knows only the error of the second."""
    none = exits(np.full(20, 4), np.zeros(20, int))
    half = exits(np.full(20, 3), np.repeat([0, 1], 10))
    found = compare_incidence([none, half], at=[3], replicates=999)
    alone = compare_incidence([half, none], at=[3], replicates=999)
    # a standard error of .11 reaches .22 to each side; the exact end of 0 of 20 adds .17 below
    assert found.ci_low[0, 0] == pytest.approx(0.5 - np.hypot(0.22, 0.168), abs=0.03)
    assert found.ci_high[0, 0] == pytest.approx(0.72, abs=0.03)
    assert alone.ci_high[0, 0] == pytest.approx(-found.ci_low[0, 0], abs=0.03)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"groups": 1}, "two groups"),
        ({"replicates": 100}, "at least 999"),
        ({"at": [0]}, "begin with 1"),
    ],
)
def test_what_cannot_be_asked(pair, change, message):
    asked = {"at": [3], "replicates": 999} | change
    with pytest.raises(UsageError, match=message):
        compare_incidence(pair[: asked.pop("groups", 2)], asked.pop("at"), **asked)


def test_weights_are_not_people(pair):
    weighted = count_competing_risks(
        np.array([1, 2]), np.array([1, 0]), 2, np.array([0.5, 1.5])
    )
    with pytest.raises(UsageError, match="not of weights"):
        compare_incidence([pair[0], weighted], at=[3])


def test_an_empty_group_is_refused(pair):
    with pytest.raises(NotIdentified, match="group 2"):
        compare_incidence(
            [pair[0], count_competing_risks(np.zeros(3, int), np.zeros(3, int), 2)],
            at=[3],
        )


def trials(hazards, n):
    rng = np.random.default_rng(4)
    return [
        compare_incidence(
            [exits(*clinic(rng, 60, hazard)) for hazard in hazards],
            at=[3, 6],
            replicates=999,
            seed=seed,
        )
        for seed in range(n)
    ]


def test_level_and_joint_coverage_without_a_difference():
    """60 pairs of clinics that differ in nothing: few below .05, and the intervals hold 0 in nearly
    all.
    """
    found = trials((0.15, 0.15), 60)
    assert np.mean([one.p <= 0.05 for one in found]) <= 0.12
    assert (
        np.mean([np.all((one.ci_low <= 0) & (one.ci_high >= 0)) for one in found])
        >= 0.88
    )


def test_power():
    """Twice the hazard and more in one clinic of 60: nearly always seen."""
    assert np.mean([one.p <= 0.05 for one in trials((0.08, 0.25), 20)]) >= 0.9
