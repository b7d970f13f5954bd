"""Times between visits: what other estimators give where they apply, a plain search elsewhere, and
what must not matter.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import CensoredData, ecdf

from kettrack.errors import NotIdentified, UsageError
from kettrack.estimators.survival.turnbull import fit_turnbull
from kettrack.estimators.survival.turnbull_band import subsample_survival

END = 10
one_interval = st.tuples(
    st.integers(0, END - 1), st.integers(1, END), st.booleans()
).map(lambda drawn: (drawn[0], np.inf if drawn[2] else max(drawn[0] + 1, drawn[1])))
samples = st.lists(one_interval, min_size=1, max_size=25)
timed = st.lists(st.tuples(st.integers(1, 8), st.booleans()), min_size=1, max_size=40)


def ends(sample):
    return np.array(sample, dtype=float).T


def coverage(left, right, box_left, box_right):
    """Which interval covers which box, one row per interval."""
    return ((left[:, None] <= box_left) & (box_right <= right[:, None])).astype(float)


def by_hand(left, right, steps=20_000):
    """Log-likelihood after many plain steps of expectation-maximisation on every unit of the clock,
    the last one endless.
    """
    units = np.arange(END + 1.0)
    covers = coverage(left, right, units, np.append(units[1:], np.inf))
    mass = np.full(END + 1, 1 / (END + 1))
    for _ in range(steps):
        before = mass
        mass = mass * (covers / (covers @ mass)[:, None]).mean(axis=0)
        if np.abs(mass - before).max() < 1e-9:
            break
    return float(np.log(covers @ mass).sum())


@given(samples)
@settings(max_examples=30)
def test_a_plain_search_finds_the_same_likelihood(sample):
    left, right = ends(sample)
    assert fit_turnbull(left, right).loglik == pytest.approx(
        by_hand(left, right), abs=1e-4
    )


@given(samples)
@settings(max_examples=60)
def test_it_is_a_maximum(sample):
    """No box would gain by more mass: the condition that is sufficient, from a full table of
    intervals and boxes.
    """
    left, right = ends(sample)
    found = fit_turnbull(left, right)
    covers = coverage(left, right, found.left, found.right)
    assert (covers / (covers @ found.mass)[:, None]).mean(axis=0).max() <= 1 + 1e-6
    assert found.is_maximum
    assert found.mass.min() >= 0
    assert found.mass.sum() == pytest.approx(1)


@given(samples)
@settings(max_examples=60)
def test_probabilities_of_intervals_fix_the_masses(sample):
    left, right = ends(sample)
    found = fit_turnbull(left, right)
    assert np.linalg.matrix_rank(coverage(left, right, found.left, found.right)) == len(
        found.mass
    )


@given(timed)
def test_exact_times_give_kaplan_meier(sample):
    time, seen = (np.array(column) for column in zip(*sample, strict=True))
    steps = np.arange(1, 9)
    known = (
        ecdf(CensoredData(uncensored=time[seen], right=time[~seen])).sf.evaluate(steps)
        if seen.any()
        else np.ones(8)
    )
    exact = fit_turnbull(time, np.where(seen, time, np.inf))
    unit = fit_turnbull(np.where(seen, time - 1, time), np.where(seen, time, np.inf))
    for found in (exact, unit):
        assert found.survival(steps)[1] == pytest.approx(known, abs=1e-6)
    assert exact.loglik == pytest.approx(unit.loglik)


@given(samples, st.randoms(use_true_random=False), st.floats(0.1, 30))
def test_order_and_scale_of_weights_do_not_matter(sample, random, scale):
    found = fit_turnbull(*ends(sample))
    shuffled = random.sample(sample, len(sample))
    again = fit_turnbull(*ends(shuffled), weights=np.full(len(sample), scale))
    assert np.array_equal(again.left, found.left)
    assert again.mass == pytest.approx(found.mass, abs=1e-6)
    assert again.loglik == pytest.approx(scale * found.loglik, rel=1e-9, abs=1e-9)


@given(samples)
@settings(max_examples=60)
def test_counts_of_distinct_intervals_are_all_rows(sample):
    distinct, count = np.unique(ends(sample), axis=1, return_counts=True)
    found = fit_turnbull(*ends(sample))
    counted = fit_turnbull(*distinct, weights=count)
    assert counted.mass == pytest.approx(found.mass, abs=1e-6)
    assert (counted.loglik, counted.n) == (pytest.approx(found.loglik), found.n)


def test_visits_that_share_an_end_do_not_overlap():
    found = fit_turnbull([0, 1], [1, 2])
    assert (found.left.tolist(), found.right.tolist(), found.mass.tolist()) == (
        [0, 1],
        [1, 2],
        [0.5, 0.5],
    )


def test_inside_a_box_survival_is_a_range():
    found = fit_turnbull([0, 0, 5, 20], [10, 10, 10, np.inf])
    low, high = found.survival([0, 5, 6, 10, 20, 21])
    assert low == pytest.approx([1, 1, 0.25, 0.25, 0.25, 0])
    assert high == pytest.approx([1, 1, 1, 0.25, 0.25, 0.25])
    assert found.quantile() == (5, 10)
    assert found.quantile(0.9) == (20, np.inf)


def test_an_exact_time_lies_before_an_interval_that_opens_there():
    found = fit_turnbull([7, 7, 0], [7, 14, 7])
    assert list(zip(found.left, found.right, found.mass.round(6), strict=True)) == [
        (7, 7, 0.666667),
        (7, 14, 0.333333),
    ]
    assert found.survival([6, 7]) == (
        pytest.approx([1, 1 / 3]),
        pytest.approx([1, 1 / 3]),
    )


@pytest.mark.parametrize(
    ("left", "right", "weights", "said"),
    [
        ([], [], None, "no intervals"),
        ([3, 1], [2, 2], None, "1 with left after right (first: number 0)"),
        ([0, np.nan], [2, 2], None, "1 with a missing end (first: number 1)"),
        ([np.inf], [np.inf], None, "inner side"),
        ([0, 0], [1, 1], [1, 0], "weight that is not above 0"),
        ([0, 0], [1], None, "do not fit"),
    ],
)
def test_what_cannot_be_used_is_said(left, right, weights, said):
    with pytest.raises(UsageError) as error:
        fit_turnbull(left, right, weights)
    assert said in str(error.value)


def weekly(n, seed):
    """Times seen at shared weekly visits, nobody lost."""
    seen = np.ceil(np.random.default_rng(seed).exponential(6, n)) * 7
    return seen - 7, seen


def test_with_shared_visits_the_interval_is_that_of_a_proportion():
    left, right = weekly(400, 2)
    found = subsample_survival(left, right, [28], shared_visits=True, replicates=300)
    p = float(np.mean(right > 28))
    assert found.low == pytest.approx([p], abs=1e-9)
    error = 1.96 * np.sqrt(p * (1 - p) / 400)
    assert (found.ci_low[0], found.ci_high[0]) == (
        pytest.approx(p - error, abs=0.01),
        pytest.approx(p + error, abs=0.01),
    )


def test_interval_says_how_it_was_made_and_comes_out_the_same_again():
    left, right = weekly(60, 3)
    found, again = (
        subsample_survival(left, right, [7, 28, 200], replicates=40, seed=9)
        for _ in range(2)
    )
    assert (found.n, found.size, found.replicates, found.seed, found.rate) == (
        60,
        15,
        40,
        9,
        1 / 3,
    )
    assert np.array_equal(found.ci_low, again.ci_low)
    assert np.all(
        (found.ci_low <= found.high + 1e-9) & (found.ci_high >= found.low - 1e-9)
    )
    assert np.all((found.ci_low >= 0) & (found.ci_high <= 1))
    other = subsample_survival(left, right, [7, 28, 200], replicates=40, seed=10)
    assert not np.array_equal(found.ci_low, other.ci_low)


def test_any_day_interval_is_the_wider_one():
    left, right = weekly(100, 4)
    wide, narrow = (
        subsample_survival(left, right, [28], shared_visits=shared, replicates=60)
        for shared in (False, True)
    )
    assert wide.ci_high - wide.ci_low > narrow.ci_high - narrow.ci_low


def test_too_few_patients_are_refused():
    with pytest.raises(NotIdentified, match="49 patients are too few"):
        subsample_survival(*weekly(49, 1), [7])
