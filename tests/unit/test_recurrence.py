"""Mean number of events per patient: each patient's own account, identities, the bootstrap, and
what must not matter.
"""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kettrack.errors import UsageError
from kettrack.estimators.survival.recurrent_events import (
    count_recurrences,
    estimate_mean_count,
)

# One patient: last step followed, and events as shares of it.
patient = st.tuples(st.integers(1, 9), st.lists(st.integers(1, 9), max_size=5)).map(
    lambda drawn: (drawn[0], [min(event, drawn[0]) for event in drawn[1]])
)
clinics = st.lists(patient, min_size=1, max_size=25)


def counted(clinic):
    return count_recurrences(*rows(clinic))


def rows(clinic):
    who = np.array(
        [place for place, (_, events) in enumerate(clinic) for _ in events],
        dtype=np.int64,
    )
    when = np.array([event for _, events in clinic for event in events], dtype=np.int64)
    return who, when, np.ones(len(who), bool), np.array([end for end, _ in clinic])


def accounts(who, when, followed_to):
    """Mean count, and its standard error from one line per patient: own events less what the mean
    gives while at risk.
    """
    steps = np.arange(1, followed_to.max() + 1)
    own = np.zeros((len(followed_to), len(steps)))
    np.add.at(own, (who, when - 1), 1)
    there = followed_to[:, None] >= steps
    mean = own.sum(axis=0) / there.sum(axis=0)
    lines = np.cumsum((own - there * mean) / there.sum(axis=0), axis=1)
    return np.cumsum(mean), np.sqrt((lines**2).sum(axis=0))


@given(clinics)
@settings(max_examples=50)
def test_error_is_that_of_the_patients_accounts(clinic):
    who, when, _, followed = rows(clinic)
    found = estimate_mean_count(counted(clinic))
    mean, error = accounts(who, when, followed)
    assert found.estimate == pytest.approx(mean)
    assert found.error == pytest.approx(error, abs=1e-7)


@given(clinics)
@settings(max_examples=50)
def test_with_everyone_followed_it_is_the_mean_and_its_standard_error(clinic):
    clinic = [(9, events) for _, events in clinic]
    found = estimate_mean_count(counted(clinic))
    own = np.array(
        [
            [sum(event <= step for event in events) for step in range(1, 10)]
            for _, events in clinic
        ]
    )
    assert found.estimate == pytest.approx(own.mean(axis=0))
    assert found.error == pytest.approx(
        own.std(axis=0) / np.sqrt(len(clinic)), abs=1e-7
    )


@given(st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=1, max_size=30))
@settings(max_examples=50)
def test_one_event_at_most_and_everyone_followed_is_the_plain_fraction(sample):
    clinic = [(9, [step] if seen else []) for step, seen in sample]
    plain = [
        np.mean([seen and step <= s for step, seen in sample]) for s in range(1, 10)
    ]
    assert estimate_mean_count(counted(clinic)).estimate == pytest.approx(plain)


@given(clinics, clinics)
@settings(max_examples=50)
def test_counts_of_two_clinics_add_up_to_the_counts_of_both(one, other):
    both = counted(one + other)
    added = counted(one) + counted(other)
    for name in ("ended", "events", "pairs", "never_at_risk"):
        assert np.array_equal(getattr(both, name), getattr(added, name))


@given(clinics, st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_order_of_patients_and_of_rows_does_not_matter(clinic, random):
    shuffled = random.sample(clinic, len(clinic))
    who, when, seen, followed = rows(shuffled)
    order = random.sample(range(len(who)), len(who))
    again = count_recurrences(who[order], when[order], seen, followed)
    assert np.array_equal(again.pairs, counted(clinic).pairs)
    assert np.array_equal(again.events, counted(clinic).events)


def test_four_copies_of_every_patient_halve_the_error():
    clinic = [(9, [1, 1, 4]), (5, []), (7, [2, 7]), (3, [3])]
    one, four = (estimate_mean_count(counted(clinic * times)) for times in (1, 4))
    assert four.estimate == pytest.approx(one.estimate)
    assert four.error == pytest.approx(one.error / 2)


def test_by_hand():
    """Three patients: events at 1 and 3, at 2, none; the second leaves after 2, so that 2 are at
    risk at step 3.
    """
    found = estimate_mean_count(counted([(3, [1, 3]), (2, [2]), (3, [])]))
    assert found.estimate == pytest.approx([1 / 3, 2 / 3, 2 / 3 + 1 / 2])
    assert found.at_risk.tolist() == [3, 3, 2]
    assert found.events.tolist() == [1, 1, 1]
    lines = np.array([1 / 3 - 1 / 9, -1 / 9, -1 / 9])  # after step 1
    assert found.error[0] == pytest.approx(np.sqrt((lines**2).sum()))
    assert (found.ci_low < found.estimate).all()
    # an interval on the log scale
    assert found.ci_low * found.ci_high == pytest.approx(found.estimate**2)


def test_nothing_happened_yet():
    found = estimate_mean_count(counted([(4, [3]), (4, []), (0, [])]))
    assert found.estimate.tolist() == [0, 0, 0.5, 0.5]
    # no event among the 2 at risk: a Poisson count of 0 may stand for 3.69
    assert found.ci_low[:2].tolist() == [0, 0]
    assert found.ci_high[:2] == pytest.approx([1.844, 1.844], abs=1e-3)
    assert found.at_risk.tolist() == [2, 2, 2, 2]
    assert counted([(4, [3]), (4, []), (0, [])]).never_at_risk == 1


def test_rows_that_are_no_events_are_passed_over():
    who = np.array([0, 0, 1])
    when = np.array([2, 5, 4])
    found = count_recurrences(
        who, when, np.array([True, False, False]), np.array([3, 4])
    )
    assert found.per_step.tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize(
    ("when", "followed", "said"),
    [(5, 4, "1 events"), (0, 4, "1 events"), (1, -1, "1 last steps are < 0")],
)
def test_events_outside_of_follow_up_are_an_error(when, followed, said):
    with pytest.raises(UsageError, match=said):
        count_recurrences(
            np.array([0]), np.array([when]), np.array([True]), np.array([followed])
        )


def test_error_and_interval_when_events_bunch_in_patients():
    """300 clinics of 150 patients whose rates differ (gamma, variance 1), followed to 5 .. 20;
    truth .1 a step.
    """
    rng = np.random.default_rng(8)
    found = []
    for _ in range(300):
        rate = 0.1 * rng.gamma(1, 1, 150)
        followed = rng.integers(5, 21, 150)
        number = rng.poisson(rate[:, None], (150, 20)) * (
            np.arange(1, 21) <= followed[:, None]
        )
        who, step = (
            np.repeat(place, number[number > 0]) for place in np.nonzero(number)
        )
        one = estimate_mean_count(
            count_recurrences(who, step + 1, np.ones(len(who), bool), followed)
        )
        found.append(
            (one.estimate[9], one.error[9], one.ci_low[9] <= 1.0 <= one.ci_high[9])
        )
    estimate, error, hit = np.array(found, dtype=float).T
    assert estimate.mean() == pytest.approx(1.0, abs=0.02)
    assert error.mean() == pytest.approx(estimate.std(), rel=0.1)
    assert 0.92 <= hit.mean() <= 0.98


def test_infections_in_cgd_against_the_bootstrap(reference_data):
    """Chronic granulomatous disease, 128 patients, 76 infections: the error of the mean count by
    drawing patients anew.
    """
    table = pd.read_csv(reference_data / "survival_R" / "cgd.csv")
    who, people = pd.factorize(table["id"])
    followed = table.groupby(who)["tstop"].max().to_numpy()
    seen = (table["status"] == 1).to_numpy()
    found = estimate_mean_count(
        count_recurrences(who, table["tstop"].to_numpy(), seen, followed)
    )
    assert (len(people), int(found.events.sum())) == (128, 76)
    own = np.zeros((128, followed.max()))
    np.add.at(own, (who[seen], table["tstop"].to_numpy()[seen] - 1), 1)
    there = followed[:, None] >= np.arange(1, followed.max() + 1)
    rng = np.random.default_rng(1)
    times = rng.multinomial(128, np.full(128, 1 / 128), 1000)
    draws = np.cumsum(times @ own / np.maximum(times @ there, 1), axis=1)
    for day in (100, 200, 300):
        assert found.error[day - 1] == pytest.approx(draws[:, day - 1].std(), rel=0.06)
