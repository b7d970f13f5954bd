"""Each course of treatment judged by itself: from its own baseline, by the same window, the first
one and every later one.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.timelines.bucket import Bucket, missing_to_na, offsets_of
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.events import (
    Baselines,
    EventRows,
    find_baselines,
    find_first_run,
    ratable,
)
from kettrack.timelines.outcomes import event_columns
from kettrack.timelines.states import is_assessment
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS

WHY_NOT: Final = (
    "prior_sessions",
    "placebo",
    "no_baseline",
    "below_caseness",
    "log_ends",
    "no_follow_up",
)


def rated_courses(cohort: DerivedCohort) -> pd.DataFrame:
    """The first course and every re-induction of each patient, each rated from its own baseline.

    1. The baseline of a course is a score of the `BASELINE_WINDOW_DAYS` up to its first session,
       under the cohort's baseline rule.
    2. Its assessments are the scores after its first session and before the next course, at most
       `Criteria.late_after_days` after its last session.
    3. It is rated when it is over: another session follows outside of it, or the log goes on for
       those days after its last session. This holds whether it worked or not, so that an early
       response does not count sooner than a late one.

    Returns
    -------
    DataFrame
        One row per patient and course of that kind: `patient_id` `treatment` (1 = first course, 2,
        3, ... re-inductions) `start_day` `n_sessions` `baseline` `original_baseline` (that of
        treatment 1) `best` (best score in it; points) `responded` (missing when not rated)
        `after_sessions` (sessions of this course before the response) `from_original` (whether the
        same rule is met against the original baseline; missing without one) `why_not` (first that
        applies of prior_sessions, placebo, no_baseline, below_caseness, log_ends, no_follow_up;
        missing when rated).

    Raises
    ------
    NotIdentified
        When the rules in force define no response.
    """
    rule = cohort.response_rule
    courses = _courses(cohort)
    bucket = _bucket(cohort, courses)
    # Every course is a patient of this bucket: its baselines are not those of the cohort.
    rule_of_baseline = cohort.settings.baseline
    base = find_baselines(bucket, rule_of_baseline, cohort.instrument.sign)
    # every course of a patient points at the first one, whose baseline is the original
    first = courses["row"].groupby(courses["patient_id"]).transform("first").to_numpy()
    original = base.score[first]
    scored = np.where(base.n_assessments > 0, base.first_assessment, -1)
    own, against_first = (
        find_first_run(bucket, rule, score, scored) for score in (base.score, original)
    )
    # the baseline of the course at hand, not of the first, says whether it is a case
    case = ratable(base, cohort.criteria)
    why_not = _why_not(cohort, courses, base.score, case, base.n_assessments)
    rated = pd.isna(why_not)
    out = courses[["patient_id", "treatment", "start_day", "n_sessions"]].assign(
        baseline=base.score,
        original_baseline=original,
        best=_best(bucket, base),
        responded=pd.arrays.BooleanArray(own.proven, ~rated),
        after_sessions=_sessions(bucket, own, rated, cohort),
        from_original=pd.arrays.BooleanArray(
            against_first.proven, ~(rated & case[first])
        ),
        why_not=pd.Categorical(why_not, categories=list(WHY_NOT)),
    )
    return out.reset_index(drop=True)


def _courses(cohort: DerivedCohort) -> pd.DataFrame:
    """First course and re-inductions: where each begins and ends, by day and by session number."""
    sessions = cohort.courses
    chosen = sessions[
        (sessions["course_number"] == 1) | (sessions["course"] == "re-induction")
    ]
    out = chosen.groupby(
        ["patient_id", "course_number"], sort=False, as_index=False
    ).agg(
        start_day=("day", "min"),
        last_day=("day", "max"),
        first_number=("session_number", "min"),
        last_number=("session_number", "max"),
        n_sessions=("day", "size"),
    )
    # over for good where another session lies outside, else where the log shows that none came soon
    total = sessions.groupby("patient_id").size()
    out["treatment"] = out.groupby("patient_id").cumcount() + 1
    over = (
        cohort.log_ends.reindex(out["patient_id"]).to_numpy()
        >= out["last_day"] + cohort.criteria.late_after_days
    )
    out["over"] = over | (
        total.reindex(out["patient_id"]).to_numpy() > out["last_number"]
    )
    return out.assign(row=np.arange(len(out)))


def _bucket(cohort: DerivedCohort, courses: pd.DataFrame) -> Bucket:
    """Courses as the patients of a bucket, each on its own clock."""
    scores = (
        cohort.timeline.dropna(subset=["score"])
        .merge(courses, on="patient_id")
        .sort_values("row", kind="stable")
    )
    # a score belongs to the course of the last session before it
    number = scores["sessions_to_date"]
    within = number.between(scores["first_number"], scores["last_number"])
    within &= (
        (scores["days_since_session"] <= cohort.criteria.late_after_days)
        .fillna(False)
        .astype(bool)
    )
    before = (number < scores["first_number"]) & (
        scores["day"] >= scores["start_day"] - BASELINE_WINDOW_DAYS
    )
    # On the first day of the course a score is after it whenever a session came before the score,
    # whatever `timing` says.
    after = np.where(
        scores["day"] == scores["start_day"], within, scores["timing"] == "after"
    )
    scores = scores[before | within]
    after = after[(before | within).to_numpy(bool)]
    days = cohort.sessions.assign(
        number=cohort.sessions.groupby("patient_id").cumcount() + 1
    )[["patient_id", "day", "number"]]
    sessions = days.merge(courses, on="patient_id").sort_values(
        ["row", "number"], kind="stable"
    )
    sessions = sessions[
        sessions["number"].between(sessions["first_number"], sessions["last_number"])
    ]
    score = scores["score"].to_numpy(np.float64)
    n = len(courses)
    return Bucket(
        patient_id=pd.RangeIndex(n),
        score_offsets=offsets_of(scores["row"].to_numpy(), n),
        score_day=(scores["day"] - scores["start_day"]).to_numpy(np.int32),
        score=score,
        score_known=np.ones(score.size, bool),
        score_after=after,
        session_offsets=offsets_of(sessions["row"].to_numpy(), n),
        session_day=(sessions["day"] - sessions["start_day"]).to_numpy(np.int32),
        # a course is only rated when it is over: nothing in it still waits
        observed_to_day=np.full(n, 2**30, np.int32),
        large=False,
        zero=cohort.bucket.zero,
    )


def _why_not(
    cohort: DerivedCohort,
    courses: pd.DataFrame,
    baseline: np.ndarray,
    case: np.ndarray,
    n_assessments: np.ndarray,
) -> np.ndarray:
    """First reason that applies for each course; None where it is rated."""
    place = pd.Index(cohort.patients["patient_id"]).get_indexer(courses["patient_id"])
    log = cohort.log_reasons
    faults = [
        log["prior_sessions"][place],
        log["placebo"][place],
        np.isnan(baseline),
        ~case,
        ~courses["over"].to_numpy(bool),
        n_assessments == 0,
    ]
    found: np.ndarray = np.select(
        faults, [np.array(name, object) for name in WHY_NOT], np.array(None, object)
    )
    return found


def _best(bucket: Bucket, base: Baselines) -> np.ndarray:
    """Lowest score after the first session of each course (highest on a scale that rises with
    health).
    """
    scores = pd.DataFrame(
        {"row": bucket.score_patient, "score": base.sign * bucket.score}
    )[is_assessment(bucket, base)]
    return base.sign * scores.groupby("row")["score"].min().reindex(
        range(bucket.n)
    ).to_numpy(float)


def _sessions(
    bucket: Bucket, event: EventRows, rated: np.ndarray, cohort: DerivedCohort
) -> pd.arrays.IntegerArray:
    """Sessions of the course before its response."""
    proven = event.only(event.proven & rated)
    return missing_to_na(
        event_columns(bucket, "response", proven, cohort.criteria.late_after_days)[
            "response_session"
        ]
    )
