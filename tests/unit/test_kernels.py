"""Kernels say the same as loops over patients, whole and in blocks, and the same as a slow reading
of the rule.
"""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from loops import LOOPS

from kettrack.errors import UsageError
from kettrack.timelines import bucket as buckets
from kettrack.timelines import courses, kernels
from kettrack.timelines.bucket import Bucket, bucket_from_arrays, offsets_of
from kettrack.timelines.courses import course_arrays
from kettrack.timelines.events import (
    Baselines,
    align_scores,
    find_baselines,
    find_events,
    find_first_run,
)
from kettrack.timelines.outcomes import outcomes_of
from kettrack.vocabulary.criteria import convention, get_criteria
from kettrack.vocabulary.instruments import MADRS, PHQ9
from kettrack.vocabulary.rules import CourseRules, Predicate, Rule, Run

CRITERIA = {
    "PHQ-9 convention": convention(PHQ9),
    "MADRS SUSTAIN-1": get_criteria(MADRS, "SUSTAIN-1"),
}


@contextmanager
def by_loops():
    """The kernels as loops over patients."""
    with pytest.MonkeyPatch.context() as patched:
        for (module, name), loop in LOOPS.items():
            patched.setattr(module, name, loop)
        yield


def random_bucket(n=1000, seed=1, score_type=np.float64, highest=27):
    """Patients with 0 to 12 scores and 0 to 8 sessions; a tenth of the scores missing where the
    type can say so.
    """
    rng = np.random.default_rng(seed)
    per_patient = rng.integers(0, 13, n)
    n_sessions = rng.integers(0, 9, n)
    patient = np.repeat(np.arange(n), per_patient)
    score = np.round(highest * rng.beta(0.5, 0.5, patient.size)).astype(score_type)
    known = np.ones(patient.size, bool)
    if np.dtype(score_type).kind == "f":
        known = rng.random(patient.size) > 0.1
        score[~known] = np.nan
    day = rng.choice(
        [-35, -30, -7, -1, 0, *range(1, 150), 200, 250], patient.size
    ).astype(np.int32)
    who = np.repeat(np.arange(n), n_sessions)
    session_day = rng.integers(0, 200, who.size).astype(np.int32)
    observed = rng.integers(10, 300, n).astype(np.int32)
    return Bucket(
        patient_id=pd.RangeIndex(n, name="patient_id"),
        score_offsets=offsets_of(patient, n),
        score_day=day[np.lexsort((day, patient))],
        score=score,
        score_known=known,
        score_after=rng.random(patient.size) < 0.3,
        session_offsets=offsets_of(who, n),
        session_day=session_day[np.lexsort((session_day, who))],
        observed_to_day=np.where(
            rng.random(n) < 0.5, observed, np.int32(kernels.MISSING_DAY)
        ),
        large=False,
    )


@pytest.mark.parametrize("score_type", [np.float64, np.float32, np.int16])
@pytest.mark.parametrize("name", CRITERIA)
def test_outcomes_are_those_of_loops(name, score_type):
    bucket = random_bucket(score_type=score_type, highest=27 if "PHQ" in name else 60)
    found = outcomes_of(bucket, CRITERIA[name])
    with by_loops():
        looped = outcomes_of(bucket, CRITERIA[name])
    pd.testing.assert_frame_equal(found, looped)
    statuses = set(found.loss_of_response_status) | set(found.relapse_status)
    # the data reach every branch
    assert statuses >= {"none", "confirmed", "pending", "unconfirmable"}


@pytest.mark.parametrize("rule", ["last", "mean", "worst"])
@pytest.mark.parametrize("sign", [1, -1])
def test_baselines_are_those_of_loops(rule, sign):
    bucket = random_bucket(seed=2)
    found = find_baselines(bucket, rule, sign)
    with by_loops():
        looped = find_baselines(bucket, rule, sign)
    for name in ("score", "day", "first_assessment", "n_assessments", "last_day"):
        np.testing.assert_array_equal(
            getattr(found, name), getattr(looped, name), err_msg=name
        )


def test_alignment_is_that_of_loops():
    bucket = random_bucket(seed=3)
    found = align_scores(bucket)
    with by_loops():
        looped = align_scores(bucket)
    for one, other in zip(found, looped, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("seed", [8, 9])
def test_courses_are_those_of_loops(seed):
    bucket = random_bucket(n=2000, seed=seed)
    gaps = np.random.default_rng(seed).choice(
        [0, 3, 4, 7, 10, 11, 28, 40], bucket.session_day.size
    )
    # rising within each patient is all that counts
    day = np.cumsum(gaps).astype(np.int32)
    found = course_arrays(bucket.session_offsets, day, CourseRules())
    with by_loops():
        looped = course_arrays(bucket.session_offsets, day, CourseRules())
    assert set(found[0]) == {0, 1, 2}
    for one, other in zip(found, looped, strict=True):
        np.testing.assert_array_equal(one, other)


def test_relapse_and_recurrence_are_those_of_loops():
    bucket = random_bucket(n=4000, seed=4, highest=60)
    criteria = replace(CRITERIA["MADRS SUSTAIN-1"], recovery_days=40)
    found = find_events(bucket, criteria, find_baselines(bucket))
    with by_loops():
        looped = find_events(bucket, criteria, find_baselines(bucket))
    for name in ("relapse", "recurrence", "return_timing_unclear"):
        assert (found[name].first_row >= 0).any()
        for field in ("first_row", "proof_row", "after_row", "status"):
            np.testing.assert_array_equal(
                getattr(found[name], field),
                getattr(looped[name], field),
                err_msg=f"{name} {field}",
            )


@pytest.mark.parametrize("dated_at", ["first", "confirming"])
@pytest.mark.parametrize(
    "run", [Run(), Run(2, 7, 60), Run(3, 5, 30), Run(2, 9, 4)], ids=str
)
def test_runs_that_belong_to_no_session_are_passed_over_as_by_loops(run, dated_at):
    """A run dated too long after a session is none, and what follows is judged anew."""
    bucket = random_bucket(n=3000, seed=11)
    rule = Rule(Predicate("score", "at least", 14), replace(run, dated_at=dated_at))
    start = np.where(
        np.arange(bucket.n) % 5 == 0, kernels.NO_ROW, bucket.score_offsets[:-1]
    )
    given = (rule, np.full(bucket.n, 20.0), start, align_scores(bucket)[1], 14)
    found = find_first_run(bucket, *given)
    with by_loops():
        looped = find_first_run(bucket, *given)
    assert len(set(found.status)) > 1
    for field in ("first_row", "proof_row", "after_row", "status"):
        np.testing.assert_array_equal(
            getattr(found, field), getattr(looped, field), err_msg=field
        )


def test_blocks_give_the_same_as_the_whole(monkeypatch):
    monkeypatch.setattr(buckets, "BLOCK", 7)
    bucket = random_bucket(n=101, seed=5)
    assert len(list(bucket.blocks())) == 15
    whole = outcomes_of(bucket, CRITERIA["PHQ-9 convention"])
    pd.testing.assert_frame_equal(
        whole, outcomes_of(replace(bucket, large=True), CRITERIA["PHQ-9 convention"])
    )


def test_blocks_hold_each_patient_once_and_whole(monkeypatch):
    monkeypatch.setattr(buckets, "BLOCK", 7)
    bucket = random_bucket(n=20, seed=6)
    parts = list(bucket.blocks())
    assert [part.n for part in parts] == [7, 7, 6]
    for name in (
        "patient_id",
        "score_day",
        "score",
        "score_known",
        "score_after",
        "session_day",
        "observed_to_day",
    ):
        np.testing.assert_array_equal(
            np.concatenate([getattr(part, name) for part in parts]),
            getattr(bucket, name),
        )


def test_empty_bucket_and_patients_without_rows():
    nothing = bucket_from_arrays(0, *(np.zeros(0, np.int32),) * 5)
    silent = bucket_from_arrays(2, *(np.zeros(0, np.int32),) * 5)
    for large in (False, True):
        assert outcomes_of(
            replace(nothing, large=large), CRITERIA["PHQ-9 convention"]
        ).empty
        out = outcomes_of(replace(silent, large=large), CRITERIA["PHQ-9 convention"])
        assert out.exclusion_reason.tolist() == ["no_baseline", "no_baseline"]


def test_arrays_must_be_sorted_by_patient():
    with pytest.raises(UsageError, match="sorted by patient"):
        offsets_of(np.array([0, 2, 1, 2]), 3)
    with pytest.raises(UsageError, match="numbered from 0"):
        offsets_of(np.array([0, 3]), 3)
    with pytest.raises(UsageError, match="numbered from 0"):
        offsets_of(np.array([-1, 0]), 3)


def slow_first_run(days, scores, holds, run, start, closed):
    """The rule as it reads, one patient at a time: (first, confirming, contrary before, status) as
    positions.
    """
    rows = [row for row in range(start, len(days)) if not np.isnan(scores[row])]
    waiting = None
    for place, row in enumerate(rows):
        if not holds[row]:
            continue
        contrary = [other for other in rows[:place] if not holds[other]]
        before = contrary[-1] if contrary else -1
        if run.count == 1:
            return row, row, before, "single"
        after = rows[place + 1 :]
        in_window = [other for other in after if days[other] <= days[row] + run.max_gap]
        refuting = next((other for other in in_window if not holds[other]), None)
        confirming = next(
            (
                other
                for other in in_window
                if holds[other] and days[other] >= days[row] + run.min_gap
            ),
            None,
        )
        if confirming is not None and (refuting is None or confirming < refuting):
            return row, confirming, before, "confirmed"
        if refuting is None and waiting is None:
            over = len(in_window) < len(after) or closed >= days[row] + run.max_gap
            waiting = (row, -1, before, "unconfirmable" if over else "pending")
    return waiting or (-1, -1, -1, "none")


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize(
    "run", [Run(), Run(2, 7, 60), Run(2, 5, 15), Run(2, 0, 30), Run(2)], ids=str
)
def test_first_run_follows_the_rule_as_it_reads(run, large):
    bucket = replace(random_bucket(n=600, seed=7), large=large)
    start = bucket.score_offsets[:-1] + np.minimum(2, np.diff(bucket.score_offsets))
    rule = Rule(Predicate("score", "at least", 14), run)
    event = find_first_run(bucket, rule, np.full(bucket.n, np.nan), start)
    for p in range(bucket.n):
        begin = bucket.score_offsets[p]
        end = bucket.score_offsets[p + 1]
        days = bucket.score_day[begin:end].astype(int)
        scores = bucket.score[begin:end]
        sessions = bucket.session_day[
            bucket.session_offsets[p] : bucket.session_offsets[p + 1]
        ]
        observed = int(bucket.observed_to_day[p])
        closed = (
            observed
            if observed != kernels.MISSING_DAY
            else max([*days, *sessions], default=0)
        )
        first, proof, contrary, status = slow_first_run(
            days, scores, scores >= 14, run, int(start[p] - begin), closed
        )
        seen = (event.first_row[p], event.proof_row[p], event.after_row[p])
        assert seen == tuple(
            row + begin if row >= 0 else -1 for row in (first, proof, contrary)
        )
        assert ("none", "single", "confirmed", "pending", "unconfirmable")[
            event.status[p]
        ] == status


@pytest.mark.parametrize(
    ("measure", "operator", "limit", "expected"),
    [
        pytest.param(
            "score", "at most", 10, [False, True, True], id="score at most 10"
        ),
        pytest.param("score", "below", 10, [False, False, True], id="score below 10"),
        pytest.param(
            "score", "at least", 10, [True, True, False], id="score at least 10"
        ),
        pytest.param("score", "above", 10, [True, False, False], id="score above 10"),
        pytest.param(
            "change", "at most", -10, [False, True, True], id="ten points down"
        ),
        pytest.param("percent_change", "at most", -50, [False, True, True], id="half"),
        pytest.param(
            "percent_change", "above", -50, [True, False, False], id="less than half"
        ),
    ],
)
def test_predicates_include_their_limit_or_not(measure, operator, limit, expected):
    for score, holds in zip([11, 10, 9], expected, strict=True):
        bucket = bucket_from_arrays(
            1,
            np.zeros(1, int),
            np.array([7], np.int32),
            np.array([float(score)]),
            np.zeros(1, int),
            np.zeros(1, np.int32),
        )
        event = find_first_run(
            bucket,
            Rule(Predicate(measure, operator, limit)),
            np.array([20.0]),
            np.zeros(1, np.int64),
        )
        assert bool(event.proven[0]) is holds


def test_nothing_holds_against_a_missing_or_zero_baseline():
    bucket = bucket_from_arrays(
        2,
        np.arange(2),
        np.full(2, 7, np.int32),
        np.zeros(2),
        np.arange(2),
        np.zeros(2, np.int32),
    )
    start = np.arange(2)
    baseline = np.array([np.nan, 0.0])
    for operator in ("at most", "at least", "above", "below"):
        event = find_first_run(
            bucket, Rule(Predicate("percent_change", operator, -50)), baseline, start
        )
        assert not event.proven.any()


def test_baselines_remember_the_direction():
    assert isinstance(find_baselines(random_bucket(n=3), sign=-1), Baselines)
    assert find_baselines(random_bucket(n=3), sign=-1).sign == -1


def test_courses_do_not_depend_on_the_size_of_blocks(monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(4)
    n_sessions = rng.integers(1, 30, 40)
    gaps = rng.choice([1, 3, 7, 14, 30, 90, 200], n_sessions.sum())
    offsets = np.append(0, np.cumsum(n_sessions))
    day = np.cumsum(gaps).astype(np.int32)
    day -= np.repeat(day[offsets[:-1]], n_sessions)
    whole = course_arrays(offsets, day, CourseRules())
    assert set(whole[0].tolist()) == {0, 1, 2}
    monkeypatch.setattr(courses, "BLOCK", 7)
    for found, expected in zip(
        course_arrays(offsets, day, CourseRules()), whole, strict=True
    ):
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype
