"""Scores of the first course on the grid of sessions: the rows that every description of change by
session reads.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.errors import NotIdentified
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import (
    BASELINE_WINDOW_DAYS,
    COMPLETE_LOG_DAYS,
    HORIZON_DAYS,
    HORIZON_TOLERANCE_DAYS,
)

# Numbers of sessions that share a stratum: each ends at its edge, the last has no end.
# Not "1-3", which a spreadsheet takes for a date.
STRATA: Final = ("1 to 3", "4 to 6", "7 to 12", "13+")
_EDGES: Final = (3, 6, 12)


def course_scores(cohort: DerivedCohort) -> pd.DataFrame:
    """Baseline and last score of each session, of rated patients.

    Returns
    -------
    DataFrame
        One row per patient and session that was scored, and one for the baseline (session 0):
        `patient_id` `session` `score` `baseline` `total` (session days of the first course; missing
        while it is not known to be over) `stratum` (category of it).

    Raises
    ------
    NotIdentified
        When nobody has a rated baseline and a score after a session.
    """
    rows = cohort.person_sessions
    rows = rows[rows["excluded"].isna()]
    scored = rows.dropna(subset=["session_score"])
    if scored.empty:
        raise NotIdentified(
            "nobody with a rated baseline was scored within"
            f" {cohort.criteria.late_after_days} days after a session.",
            f"a score in the {BASELINE_WINDOW_DAYS} days before session 1, and scores between"
            " sessions.",
        )
    by_patient = rows.groupby("patient_id", sort=False)
    start = by_patient.first()
    # the baseline stands as session 0 on the same grid
    before = pd.DataFrame(
        {
            "patient_id": start.index,
            "session": 0,
            "score": start["baseline"].array,
        }
    )
    after = pd.DataFrame(
        {
            "patient_id": scored["patient_id"],
            "session": scored["session"],
            "score": scored["session_score"],
        }
    )
    both = pd.concat([before, after], ignore_index=True)
    both = both.sort_values(["patient_id", "session"])
    patient = both["patient_id"]
    total = patient.map(_totals(rows))
    both = both.assign(
        baseline=patient.map(start["baseline"]),
        total=total,
        stratum=strata(total),
    )
    return both.reset_index(drop=True)


def score_gaps(cohort: DerivedCohort) -> pd.DataFrame:
    """Days between neighbouring scores as they were taken, from the baseline to the end of the
    first course, of rated patients.

    Returns
    -------
    DataFrame
        One row per score but the first of each patient: `patient_id` `gap` (days since the score
        before; 0 = the same day).
    """
    scores = cohort.timeline.dropna(subset=["score"])
    scores = scores.join(
        _course_ends(cohort),
        on="patient_id",
        how="inner",
    )
    late = cohort.criteria.late_after_days
    from_baseline = scores["day"] >= scores["baseline_day"]
    # a score belongs to the course until the next session, and no longer than a late score may
    in_course = scores["sessions_to_date"] <= scores["sessions"]
    not_late = scores["day"] <= scores["last_day"] + late
    scores = scores[from_baseline & in_course & not_late]
    by_patient = scores.groupby("patient_id", sort=False)
    gaps = pd.DataFrame(
        {
            "patient_id": scores["patient_id"],
            "gap": by_patient["day"].diff(),
        }
    )
    # the first score of each patient has no score before it
    return gaps.dropna(subset=["gap"]).reset_index(drop=True)


def _course_ends(cohort: DerivedCohort) -> pd.DataFrame:
    """Last day and number of sessions of the first course, and the day of the baseline, of rated
    patients; one row per patient.
    """
    rows = cohort.person_sessions
    rated = rows["excluded"].isna()
    last = rows[rated & rows["is_last"]]
    last = last.set_index("patient_id")
    baseline_day = pd.Series(cohort.baselines.day, index=cohort.bucket.patient_id)
    return pd.DataFrame(
        {
            "last_day": last["day"],
            "sessions": last["sessions_to_date"],
            "baseline_day": baseline_day.reindex(last.index),
        }
    )


def strata(total: pd.Series) -> pd.Categorical:
    """Number of sessions as one of `STRATA`; missing stays missing.

    Examples
    --------
    >>> strata(pd.Series([3, 4, np.nan])).tolist()
    ['1 to 3', '4 to 6', nan]
    """
    edges = [0, *_EDGES, np.inf]
    numbers = total.astype("Float64")
    # a number on an edge belongs to the stratum that ends there
    return pd.cut(
        numbers.to_numpy(float, na_value=np.nan),
        bins=edges,
        labels=list(STRATA),
    )


def _totals(rows: pd.DataFrame) -> pd.Series:
    """Session days of each first course that is known to be over: going on would have been seen by
    now, or the plan was met.
    """
    last = rows[rows["is_last"]]
    last = last.set_index("patient_id")
    long_enough = last["days_complete_after"] >= COMPLETE_LOG_DAYS
    # an unknown end of the log is not long enough
    over = long_enough.fillna(False).astype(bool)
    return last["session"].where(over).dropna()


def final_scores(cohort: DerivedCohort) -> pd.DataFrame:
    """What everybody plots: number of sessions, first and last score, one row per rated patient
    with a course that is over.

    Returns
    -------
    DataFrame
        `patient_id` `total` `baseline` `last` (last score of the course; missing without one within
        `Criteria.late_after_days` after its last session) `at_horizon` (score nearest to
        `HORIZON_DAYS`, at most `HORIZON_TOLERANCE_DAYS` away; missing without one).
    """
    scores = course_scores(cohort)
    rows = scores.dropna(subset=["total"])
    by_patient = rows.groupby("patient_id", sort=False)
    people = by_patient[["total", "baseline"]].first()
    # the row of the last session has the last score that belongs to the course
    at_end = rows[rows["session"] == rows["total"]]
    last = at_end.set_index("patient_id")["score"]
    people = people.assign(last=last, at_horizon=_nearest_to_horizon(cohort))
    return people.reset_index()


def scored_at_end(cohort: DerivedCohort) -> pd.DataFrame:
    """`total` `baseline` `last` of `final_scores` alone, of those who have all three: a shorter way
    to them, for one simulated clinic after the other.
    """
    rows = cohort.person_sessions
    rated = rows[rows["excluded"].isna()]
    ends = rated[rated["is_last"]].set_index("patient_id")
    people = ends[["baseline"]].assign(
        total=_totals(rated).reindex(ends.index),
        last=ends["session_score"],
    )
    return people.dropna()


def _nearest_to_horizon(cohort: DerivedCohort) -> pd.Series:
    """Score nearest to the horizon, by patient; of two as near the earlier one."""
    scores = cohort.timeline.dropna(subset=["score"])
    away = (scores["day"] - HORIZON_DAYS).abs()
    scores = scores.assign(away=away)
    near = scores[scores["away"] <= HORIZON_TOLERANCE_DAYS]
    near = near.sort_values(["patient_id", "away", "day"], kind="stable")
    return near.groupby("patient_id")["score"].first()
