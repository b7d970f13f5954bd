"""A stricter threshold never improves anything: not a state, not an event, not a rating."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kettrack.timelines.bucket import bucket_from_arrays
from kettrack.timelines.events import day_at, find_baselines, find_events
from kettrack.timelines.published.sudden_gains import gain_rows
from kettrack.timelines.published.visits import enough_weeks, visit_rows
from kettrack.timelines.states import STATES, states_of
from kettrack.vocabulary.criteria import conventions
from kettrack.vocabulary.instrument import Fact
from kettrack.vocabulary.instruments import PHQ9
from kettrack.vocabulary.patient_rules import GainRule

ARRAYS = settings(max_examples=60, deadline=None, derandomize=True)
A_SCORE = st.sampled_from([0.0, 4.0, 5.0, 9.0, 10.0, 11.0, 15.0, 20.0, 27.0, np.nan])
LOGS = st.lists(
    st.dictionaries(st.integers(-31, 90), A_SCORE, max_size=12), min_size=1, max_size=4
)
RULES = st.sampled_from(conventions(PHQ9))
LIMITS = {"response": st.integers(-90, -10), "remission": st.integers(0, 12)}


def bucket_of(logs):
    rows = [
        (patient, day, score)
        for patient, log in enumerate(logs)
        for day, score in sorted((log | {-1: 20.0}).items())
    ]
    patient, day, score = (np.array(column) for column in zip(*rows, strict=True))
    everyone = np.arange(len(logs))
    return bucket_from_arrays(
        len(logs),
        patient,
        day.astype(np.int32),
        score,
        everyone,
        np.zeros(len(logs), np.int32),
    )


def with_limit(criteria, name, limit):
    rule = getattr(criteria, name)
    return replace(
        criteria,
        **{name: replace(rule, predicate=replace(rule.predicate, limit=limit))},
    )


@ARRAYS
@given(LOGS, RULES, st.sampled_from(list(LIMITS)), st.data())
def test_a_stricter_threshold_never_improves_a_state(logs, criteria, name, data):
    loose, strict = sorted(
        (data.draw(LIMITS[name]), data.draw(LIMITS[name])), reverse=True
    )
    bucket = bucket_of(logs)
    baselines = find_baselines(bucket)
    states = {
        limit: states_of(bucket, with_limit(criteria, name, limit), baselines)
        for limit in (loose, strict)
    }
    assert (states[strict] <= states[loose]).all()
    assert set(np.unique(states[strict])) <= set(range(-1, len(STATES)))


@ARRAYS
@given(LOGS, RULES, st.sampled_from(list(LIMITS)), st.data())
def test_a_stricter_threshold_never_makes_an_event_more_certain_or_earlier(
    logs, criteria, name, data
):
    loose, strict = sorted(
        (data.draw(LIMITS[name]), data.draw(LIMITS[name])), reverse=True
    )
    bucket = bucket_of(logs)
    baselines = find_baselines(bucket)
    found = {
        limit: find_events(bucket, with_limit(criteria, name, limit), baselines)[name]
        for limit in (loose, strict)
    }
    proven = found[strict].proven
    assert (~proven | found[loose].proven).all()
    assert (
        day_at(bucket, found[loose].row)[proven]
        <= day_at(bucket, found[strict].row)[proven]
    ).all()


@ARRAYS
@given(LOGS, st.integers(0, 15), st.integers(0, 15), st.integers(0, 2))
def test_a_stricter_threshold_never_makes_more_weeks_enough(logs, one, other, excused):
    bucket = bucket_of(logs)
    strict, loose = sorted((one, other))
    rows = visit_rows(
        bucket, bucket.score_known & (bucket.score_day > 0), (1, 2, 3, 4), 3
    )
    holds = {
        limit: (rows >= 0) & (bucket.score[rows] <= limit) for limit in (loose, strict)
    }
    excusable = np.array([True, True, False, False])
    assert (
        enough_weeks(holds[strict], excusable, excused)
        <= enough_weeks(holds[loose], excusable, excused)
    ).all()


@ARRAYS
@given(LOGS)
def test_no_score_stands_for_two_weeks_and_none_lies_outside_its_window(logs):
    bucket = bucket_of(logs)
    rows = visit_rows(
        bucket, bucket.score_known & (bucket.score_day > 0), (1, 2, 4, 6), 7
    )
    used = rows[rows >= 0]
    assert len(set(used.tolist())) == used.size
    target = np.broadcast_to(7 * np.array([1, 2, 4, 6]), rows.shape)[rows >= 0]
    assert (np.abs(bucket.score_day[used] - target) <= 7).all()


@ARRAYS
@given(LOGS, st.integers(1, 12), st.integers(1, 12))
def test_a_larger_smallest_drop_or_the_published_criterion_never_adds_a_gain(
    logs, one, other
):
    bucket = bucket_of(logs)
    small, large = sorted((one, other))
    rule = GainRule(
        name="", outcome="", instrument="", source="", smallest_drop=Fact(small, "")
    )
    gains, judged = gain_rows(bucket, rule)
    assert (gains <= judged).all()
    assert (
        gain_rows(bucket, replace(rule, smallest_drop=Fact(large, "")))[0] <= gains
    ).all()
    assert (gain_rows(bucket, replace(rule, third="published"))[0] <= gains).all()
