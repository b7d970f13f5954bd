"""What holds for every log, whatever is in it: checked on logs that Hypothesis makes up."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from kettrack import Cohort, cohort_from_frames
from kettrack.settings import Settings
from kettrack.timelines.bucket import Bucket, bucket_from_arrays
from kettrack.timelines.events import EVENTS, find_baselines, find_events
from kettrack.timelines.outcomes import outcomes_of
from kettrack.timelines.tables import outcomes_table, timeline_table
from kettrack.vocabulary.criteria import convention, get_criteria
from kettrack.vocabulary.instruments import MADRS, PHQ9

RULES = {
    "PHQ-9 convention": convention(PHQ9),
    "MADRS SUSTAIN-1": get_criteria(MADRS, "SUSTAIN-1"),
}
PROVEN = ["single", "confirmed"]
COLUMNS = ("day", "session", "after_day", "status")
LAST_DAY = 260
# The same examples on every run: a suite that fails by chance is not believed. More of them:
# max_examples.
ARRAYS = settings(max_examples=40, deadline=None, derandomize=True)
COHORTS = settings(ARRAYS, max_examples=10)


@dataclass(frozen=True)
class Log:
    """Day -> score of one patient (NaN = incomplete), and session days; the first is 0."""

    scores: dict[int, float]
    sessions: tuple[int, ...]


# Few values, near the cut-offs, and days near the edges of the windows: that is where rules break.
A_SCORE = st.sampled_from([4.0, 5.0, 10.0, 11.0, 12.0, 13.0, 20.0, 22.0, 26.0, np.nan])
A_DAY = st.one_of(
    st.sampled_from([-31, -30, -1, 0, 1, 7, 14, 21, 28, 74, 75, 121, 135]),
    st.integers(1, LAST_DAY),
)
LOGS = st.builds(
    Log,
    st.dictionaries(A_DAY, A_SCORE, max_size=14).map(
        lambda scores: {-2: 22.0} | scores
    ),
    st.sets(st.integers(1, LAST_DAY), max_size=6).map(lambda days: (0, *sorted(days))),
)
CLINICS = st.lists(LOGS, min_size=1, max_size=5)
A_RULE = st.sampled_from(list(RULES))


def bucket_of(logs: list[Log]) -> Bucket:
    scores = [
        (patient, day, score)
        for patient, log in enumerate(logs)
        for day, score in sorted(log.scores.items())
    ]
    sessions = [
        (patient, day) for patient, log in enumerate(logs) for day in log.sessions
    ]
    patient, day, score = zip(*scores, strict=True)
    of, on = zip(*sessions, strict=True)
    days = np.array(day, np.int32)
    session_days = np.array(on, np.int32)
    return bucket_from_arrays(
        len(logs), np.array(patient), days, np.array(score), np.array(of), session_days
    )


def cohort_of(
    logs: list[Log], names: list[str], shift: dict[str, int] | None = None
) -> Cohort:
    moved = shift or {}
    named = list(zip(names, logs, strict=True))
    scores = [
        (name, day + moved.get(name, 0), score)
        for name, log in named
        for day, score in log.scores.items()
    ]
    sessions = [
        (name, day + moved.get(name, 0)) for name, log in named for day in log.sessions
    ]
    scored = pd.DataFrame(scores, columns=["patient_id", "day", "score"]).assign(
        instrument="PHQ-9"
    )
    return cohort_from_frames(
        pd.DataFrame(sessions, columns=["patient_id", "day"]),
        scored,
        settings=Settings(),
    )


def rows_of(outcomes: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Each patient's outcomes without the name, missing values alike."""
    plain = outcomes.drop(columns="patient_id").astype(object)
    return [tuple(row) for row in plain.where(plain.notna(), None).to_numpy()]


@ARRAYS
@given(CLINICS, A_RULE, st.randoms(use_true_random=False))
def test_the_order_of_patients_changes_nothing(logs, rules, random):
    criteria = RULES[rules]
    order = random.sample(range(len(logs)), len(logs))
    straight = rows_of(outcomes_of(bucket_of(logs), criteria))
    shuffled = rows_of(
        outcomes_of(bucket_of([logs[place] for place in order]), criteria)
    )
    assert shuffled == [straight[place] for place in order]


@ARRAYS
@given(CLINICS, A_RULE)
def test_every_patient_twice_doubles_every_count(logs, rules):
    criteria = RULES[rules]
    once, twice = (
        outcomes_of(bucket_of(some), criteria) for some in (logs, logs + logs)
    )
    for name in (
        "included",
        "exclusion_reason",
        *(f"{event}_status" for event in EVENTS),
    ):
        counts = once[name].value_counts(dropna=False)
        assert (
            twice[name].value_counts(dropna=False).reindex(counts.index) == 2 * counts
        ).all()


@ARRAYS
@given(LOGS, A_RULE, st.integers(1, 100), A_SCORE)
def test_a_later_score_never_changes_what_was_proven(log, rules, later, score):
    criteria = RULES[rules]
    last = max(*log.scores, *log.sessions)
    grown = Log(log.scores | {last + later: score}, log.sessions)
    before, after = (outcomes_of(bucket_of([each]), criteria) for each in (log, grown))
    for event in EVENTS:
        if before[f"{event}_status"].item() in PROVEN:
            columns = ["patient_id", *(f"{event}_{column}" for column in COLUMNS)]
            assert rows_of(before[columns]) == rows_of(after[columns])


@ARRAYS
@given(CLINICS, A_RULE)
def test_an_event_lies_after_a_score_that_showed_the_contrary_and_not_after_its_day(
    logs, rules
):
    criteria = RULES[rules]
    out = outcomes_of(bucket_of(logs), criteria)
    for event in EVENTS:
        dated = out[out[f"{event}_after_day"].notna()]
        assert (dated[f"{event}_after_day"] < dated[f"{event}_day"]).all()
        happened = out[f"{event}_status"] != "none"
        assert (out[f"{event}_day"].notna() == happened).all()
        assert not (out[f"{event}_after_day"].notna() & ~happened).any()


@ARRAYS
@given(CLINICS, A_RULE)
def test_confirmed_means_a_second_score_within_the_window_and_nothing_contrary_between(
    logs, rules
):
    criteria = RULES[rules]
    bucket = bucket_of(logs)
    baselines = find_baselines(bucket)
    found = find_events(bucket, criteria, baselines)
    for name, rule in (
        ("loss_of_response", criteria.loss_of_response),
        ("relapse", criteria.relapse),
    ):
        for patient in np.flatnonzero(found[name].status == 2) if name in found else ():
            first = found[name].first_row[patient]
            proof = found[name].proof_row[patient]
            gap = bucket.score_day[proof] - bucket.score_day[first]
            assert rule.run.min_gap <= gap <= rule.run.max_gap
            between = bucket.score[first : proof + 1]
            limit = 22 if name == "relapse" else baselines.score[patient] / 2
            holds = between >= limit if name == "relapse" else between > limit
            assert (holds | np.isnan(between)).all()


@ARRAYS
@given(CLINICS, A_RULE)
def test_events_come_in_the_order_the_rules_say(logs, rules):
    criteria = RULES[rules]
    out = outcomes_of(bucket_of(logs), criteria)
    for earlier, later in (
        ("response", "loss_of_response"),
        ("remission", "relapse"),
        ("remission", "recurrence"),
    ):
        came = out[out[f"{later}_status"] != "none"]
        assert came[f"{earlier}_status"].isin(PROVEN).all()
        assert (came[f"{earlier}_day"] < came[f"{later}_day"]).all()
    assert ((out.relapse_status == "none") | (out.recurrence_status == "none")).all()


@COHORTS
@given(CLINICS)
def test_outcomes_and_timeline_tell_the_same(logs):
    cohort = cohort_of(logs, [f"P{place}" for place in range(len(logs))])
    timeline = timeline_table(cohort)
    outcomes = outcomes_table(cohort).set_index("patient_id")
    responded = (
        timeline[(timeline.percent_change <= -50) & timeline.state.notna()]
        .groupby("patient_id")["day"]
        .min()
    )
    remitted = (
        timeline[timeline.state == "remission"].groupby("patient_id")["day"].min()
    )
    worse = (
        timeline[(timeline.change >= 6) & timeline.state.notna()]
        .groupby("patient_id")["day"]
        .min()
    )
    for event, days in (
        ("response", responded),
        ("remission", remitted),
        ("deterioration", worse),
    ):
        assert outcomes[f"{event}_day"].dropna().to_dict() == days.to_dict()


@COHORTS
@given(CLINICS, st.lists(st.integers(-300, 300), min_size=5, max_size=5))
def test_days_may_be_counted_from_anywhere(logs, shifts):
    names = [f"P{place}" for place in range(len(logs))]
    from_zero = cohort_of(logs, names)
    from_anywhere = cohort_of(logs, names, dict(zip(names, shifts, strict=False)))
    pd.testing.assert_frame_equal(
        outcomes_table(from_zero), outcomes_table(from_anywhere)
    )
    pd.testing.assert_frame_equal(
        timeline_table(from_zero), timeline_table(from_anywhere)
    )


@COHORTS
@given(CLINICS, st.permutations([f"P{place}" for place in range(5)]))
def test_names_change_nothing(logs, names):
    plain = sorted(names)[: len(logs)]
    other = list(names)[: len(logs)]
    expected = outcomes_table(cohort_of(logs, plain)).set_index("patient_id")
    renamed = outcomes_table(cohort_of(logs, other)).set_index("patient_id")
    pd.testing.assert_frame_equal(
        renamed.loc[other].reset_index(drop=True),
        expected.loc[plain].reset_index(drop=True),
    )
