"""What must hold of life tables, competing risks and log-rank whatever the data."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kettrack.estimators.survival.competing_risks import (
    count_competing_risks,
    estimate_incidence,
)
from kettrack.estimators.survival.life_table import count_life, estimate_survival

patients = st.lists(
    st.tuples(st.integers(1, 12), st.integers(0, 2)), min_size=1, max_size=50
)
without_censoring = st.lists(
    st.tuples(st.integers(1, 12), st.integers(1, 2)), min_size=1, max_size=50
)


def arrays(sample):
    return tuple(np.array(column) for column in zip(*sample, strict=True))


def life(sample, weights=None):
    step, cause = arrays(sample)
    return count_life(step, cause == 1, weights)


def exits(sample, weights=None):
    return count_competing_risks(*arrays(sample), 2, weights)


def same(one, other):
    return np.array_equal(one.events, other.events) and np.array_equal(
        one.censored, other.censored
    )


@given(without_censoring)
def test_without_censoring_all_curves_are_plain_shares(sample):
    step, _ = arrays(sample)
    free = np.array([(step > s).mean() for s in range(step.max() + 1)])
    curve = estimate_survival(count_life(step, np.ones(len(step))))
    found = estimate_incidence(exits(sample))
    assert curve.estimate == pytest.approx(free)
    assert 1 - found.estimate.sum(axis=1) == pytest.approx(free[1:])
    inside = (free > 0) & (free < 1)
    assert curve.standard_error[inside] == pytest.approx(
        np.sqrt(free * (1 - free) / len(step))[inside]
    )


@given(patients)
def test_one_cause_is_one_minus_the_life_table_with_its_interval(sample):
    step, cause = arrays(sample)
    curve = estimate_survival(count_life(step, cause == 1))
    found = estimate_incidence(count_competing_risks(step, (cause == 1).astype(int), 1))
    assert found.estimate[:, 0] == pytest.approx(1 - curve.estimate[1:])
    assert np.isnan(found.ci_low[:, 0]).tolist() == np.isnan(curve.ci_low[1:]).tolist()


@given(patients, st.randoms(use_true_random=False))
def test_order_of_patients_changes_nothing(sample, random):
    mixed = random.sample(sample, len(sample))
    assert same(life(sample), life(mixed))
    assert same(exits(sample), exits(mixed))


@given(patients)
def test_relabelling_causes_swaps_their_curves(sample):
    step, cause = arrays(sample)
    one = estimate_incidence(exits(sample))
    other = estimate_incidence(
        count_competing_risks(step, np.array([0, 2, 1])[cause], 2)
    )
    assert one.estimate == pytest.approx(other.estimate[:, ::-1])
    assert one.ci_low == pytest.approx(other.ci_low[:, ::-1], nan_ok=True)


@given(patients, st.sampled_from([0.25, 3.0, 1e6]))
def test_weights_times_a_constant_change_no_estimate(sample, constant):
    weights = np.random.default_rng(len(sample)).random(len(sample))
    one, other = (
        estimate_survival(life(sample, factor * weights)) for factor in (1, constant)
    )
    assert one.estimate == pytest.approx(other.estimate)
    one, other = (
        estimate_incidence(exits(sample, factor * weights)) for factor in (1, constant)
    )
    assert one.estimate == pytest.approx(other.estimate)
    assert one.free == pytest.approx(other.free)


@given(patients)
def test_whole_weights_are_copies_of_patients(sample):
    times = np.random.default_rng(len(sample)).integers(0, 4, len(sample))
    copied = [
        patient for patient, n in zip(sample, times, strict=True) for _ in range(n)
    ] or sample
    weights = times.astype(float) if times.any() else np.ones(len(sample))
    weighted = estimate_survival(life(sample, weights))
    plain = estimate_survival(life(copied))
    known = len(plain.estimate)
    assert weighted.estimate[:known] == pytest.approx(plain.estimate)
    assert weighted.ci_low[:known] == pytest.approx(plain.ci_low, nan_ok=True)
    assert np.all(weighted.estimate[known:] == weighted.estimate[known - 1])
    weighted = estimate_incidence(exits(sample, weights))
    plain = estimate_incidence(exits(copied))
    known = len(plain.free)
    assert weighted.estimate[:known] == pytest.approx(plain.estimate)
    assert weighted.ci_low[:known] == pytest.approx(plain.ci_low, nan_ok=True)


@given(patients)
def test_everyone_twice_keeps_the_curve_and_halves_the_variance(sample):
    once = estimate_survival(life(sample))
    twice = estimate_survival(life(sample * 2))
    assert twice.estimate == pytest.approx(once.estimate)
    assert twice.standard_error**2 == pytest.approx(
        once.standard_error**2 / 2, nan_ok=True
    )


@given(patients, st.randoms(use_true_random=False))
def test_counts_of_the_parts_add_up_to_the_whole(sample, random):
    part = [random.random() < 0.5 for _ in sample]
    for count in (life, exits):
        groups = [
            [one for one, here in zip(sample, part, strict=True) if here == side]
            for side in (True, False)
        ]
        counted = [count(group) for group in groups if group]
        assert same(sum(counted[1:], counted[0]), count(sample))


@given(patients, st.data())
def test_one_more_event_never_takes_anybody_out_of_the_count(sample, data):
    """Whoever has the event at a step, or before it, instead of a log that ends then."""
    place = data.draw(st.integers(0, len(sample) - 1))
    step, _ = sample[place]
    sooner = data.draw(st.integers(1, step))
    changed = [*sample[:place], (sooner, 1), *sample[place + 1 :]]
    before = life(sample).still_counted
    after = life(changed).still_counted
    shared = min(len(before), len(after))
    assert np.all(after[:shared] >= before[:shared])
    # and everybody is counted at first
    assert after[0] == before[0] == len(sample)
