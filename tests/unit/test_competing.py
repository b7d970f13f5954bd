"""Competing risks by counting: known answers, identities, and what must not change the answer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettrack.estimators.survival.competing_risks import (
    count_competing_risks,
    estimate_incidence,
)

samples = st.lists(
    st.tuples(st.integers(1, 8), st.integers(0, 2)), min_size=1, max_size=60
)


def arrays(sample):
    return tuple(np.array(column) for column in zip(*sample, strict=True))


def test_by_hand_on_ties():
    """Ten people: 2 respond and 1 stops at session 1, one log ends there; 3 of the remaining 6
    respond at session 2.
    """
    step = np.array([1, 1, 1, 1, 2, 2, 2, 2, 2, 2])
    cause = np.array([1, 1, 2, 0, 1, 1, 1, 0, 0, 0])
    found = estimate_incidence(count_competing_risks(step, cause, 2))
    assert found.estimate == pytest.approx(
        np.array([[0.2, 0.1], [0.2 + 0.7 * 3 / 6, 0.1]])
    )
    assert found.free == pytest.approx([0.7, 0.35])


@given(samples)
def test_everyone_is_somewhere(sample):
    found = estimate_incidence(count_competing_risks(*arrays(sample), 2))
    assert found.estimate.sum(axis=1) + found.free == pytest.approx(
        np.ones(len(found.free))
    )


@given(
    st.lists(st.tuples(st.integers(1, 8), st.integers(1, 2)), min_size=1, max_size=60)
)
def test_without_censoring_it_is_the_plain_fraction(sample):
    step, cause = arrays(sample)
    found = estimate_incidence(count_competing_risks(step, cause, 2))
    plain = [
        [np.mean((step <= s) & (cause == c)) for c in (1, 2)]
        for s in range(1, step.max() + 1)
    ]
    assert found.estimate == pytest.approx(np.array(plain))


@given(
    st.lists(st.tuples(st.integers(1, 8), st.integers(1, 2)), min_size=5, max_size=60)
)
def test_without_censoring_the_interval_is_that_of_a_plain_proportion(sample):
    """Standard error of a proportion, put on the log(-log) scale by hand, however many causes tie
    in a step.
    """
    step, cause = arrays(sample)
    found = estimate_incidence(count_competing_risks(step, cause, 2))
    p = found.estimate[:, 0]
    inside = (p > 1e-9) & (p < 1 - 1e-9)
    error = np.sqrt(p[inside] * (1 - p[inside]) / len(step))
    half = 1.959963984540054 * error / (p[inside] * -np.log(p[inside]))
    assert np.log(-np.log(found.ci_low[inside, 0])) == pytest.approx(
        np.log(-np.log(p[inside])) + half
    )
    assert np.log(-np.log(found.ci_high[inside, 0])) == pytest.approx(
        np.log(-np.log(p[inside])) - half
    )


@given(
    st.lists(st.tuples(st.integers(1, 8), st.integers(0, 1)), min_size=2, max_size=60)
)
def test_one_cause_is_one_minus_kaplan_meier(sample):
    from scipy.stats import CensoredData, ecdf

    step, event = arrays(sample)
    found = estimate_incidence(count_competing_risks(step, event, 1))
    if event.all() or not event.any():
        return
    curve = ecdf(CensoredData(uncensored=step[event == 1], right=step[event == 0])).sf
    assert found.free == pytest.approx(curve.evaluate(np.arange(1, step.max() + 1)))


@given(samples, samples)
def test_counts_of_two_clinics_add_up_to_the_counts_of_both(one, other):
    both = count_competing_risks(*arrays(one + other), 2)
    added = count_competing_risks(*arrays(one), 2) + count_competing_risks(
        *arrays(other), 2
    )
    assert np.array_equal(both.events, added.events)
    assert np.array_equal(both.censored, added.censored)


@given(samples)
def test_intervals_hold_the_estimate_and_stay_between_0_and_1(sample):
    found = estimate_incidence(count_competing_risks(*arrays(sample), 2))
    inside = ~np.isnan(found.ci_low)
    assert np.all(found.ci_low[inside] <= found.estimate[inside] + 1e-12)
    assert np.all(found.ci_high[inside] >= found.estimate[inside] - 1e-12)
    assert np.all((found.ci_low[inside] >= 0) & (found.ci_high[inside] <= 1))


def test_interval_covers_what_it_should():
    """1,000 clinics of 120 people, heavy ties between causes, incidence .43 by session 6: about 95
    % of intervals hold it.
    """
    rng = np.random.default_rng(5)
    hazard = {1: 0.20, 2: 0.25}
    free = (1 - sum(hazard.values())) ** np.arange(6)
    truth = float((free * hazard[1]).sum())
    hits = []
    for _ in range(1000):
        draws = rng.random((120, 6))
        what = np.where(
            draws < hazard[1], 1, np.where(draws < hazard[1] + hazard[2], 2, 0)
        )
        happened = what.any(axis=1)
        step = np.where(happened, (what > 0).argmax(axis=1) + 1, 6)
        cause = np.where(happened, what[np.arange(120), step - 1], 0)
        ended = rng.integers(1, 12, 120)
        cause = np.where(ended < step, 0, cause)
        step = np.minimum(step, ended)
        found = estimate_incidence(count_competing_risks(step, cause, 2))
        last = min(6, len(found.free)) - 1  # everybody may be gone before
        hits.append(found.ci_low[last, 0] <= truth <= found.ci_high[last, 0])
    assert 0.93 <= np.mean(hits) <= 0.97
