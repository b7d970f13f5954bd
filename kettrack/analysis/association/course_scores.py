"""Scores of the first course on the grid of sessions: the rows that every description of change by
session reads.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.errors import NotIdentified
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import COMPLETE_LOG_DAYS

STRATA: Final = ("1-3", "4-6", "7-12", "13+")
_EDGES: Final = (3, 6, 12)
# days after session 1: one time for everybody, whenever the course ended
HORIZON: Final = 84
WITHIN: Final = 7  # days either way


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
        reason = (
            "nobody with a rated baseline was scored within 14 days after a session."
        )
        raise NotIdentified(
            reason,
            "a score in the 30 days before session 1, and scores between sessions.",
        )
    start = rows.groupby("patient_id", sort=False).first().reset_index()
    before = pd.DataFrame(
        {"patient_id": start["patient_id"], "session": 0, "score": start["baseline"]}
    )
    after = scored[["patient_id", "session"]].assign(score=scored["session_score"])
    out = pd.concat([before, after], ignore_index=True).sort_values(
        ["patient_id", "session"]
    )
    total = _totals(rows)
    out = out.assign(
        baseline=out["patient_id"].map(start.set_index("patient_id")["baseline"]),
        total=out["patient_id"].map(total),
    )
    return out.assign(stratum=strata(out["total"])).reset_index(drop=True)


def score_gaps(cohort: DerivedCohort) -> pd.DataFrame:
    """Days between neighbouring scores as they were taken, from the baseline to the end of the
    first course, of rated patients.

    Returns
    -------
    DataFrame
        One row per score but the first of each patient: `patient_id` `gap` (days since the score
        before; 0 = the same day).
    """
    rows = cohort.person_sessions
    last = rows[rows["excluded"].isna() & rows["is_last"]].set_index("patient_id")[
        ["day", "sessions_to_date"]
    ]
    bucket = cohort.bucket
    baselines = cohort.baselines
    ends = last.set_axis(["last_day", "sessions"], axis=1)
    ends["baseline_day"] = pd.Series(baselines.day, index=bucket.patient_id).reindex(
        ends.index
    )
    line = cohort.timeline.dropna(subset=["score"]).join(
        ends, on="patient_id", how="inner"
    )
    inside = (line["day"] >= line["baseline_day"]) & (
        line["sessions_to_date"] <= line["sessions"]
    )
    line = line[
        inside & (line["day"] <= line["last_day"] + cohort.criteria.late_after_days)
    ]
    gap = line.groupby("patient_id", sort=False)["day"].diff()
    return (
        line[["patient_id"]]
        .assign(gap=gap)
        .dropna(subset=["gap"])
        .reset_index(drop=True)
    )


def strata(total: pd.Series) -> pd.Categorical:
    """Number of sessions as one of `STRATA`; missing stays missing.

    Examples
    --------
    >>> strata(pd.Series([3, 4, np.nan])).tolist()
    ['1-3', '4-6', nan]
    """
    numbers = total.astype("Float64").to_numpy(float, na_value=np.nan)
    codes = np.where(
        np.isnan(numbers), -1, np.searchsorted(np.array(_EDGES), numbers, side="left")
    )
    return pd.Categorical.from_codes(codes.astype(int), list(STRATA), ordered=True)  # type: ignore[call-overload]


def _totals(rows: pd.DataFrame) -> pd.Series:
    """Session days of each first course that is known to be over: going on would have been seen by
    now, or the plan was met.
    """
    last = rows[rows["is_last"]].set_index("patient_id")
    seen = (last["days_complete_after"] >= COMPLETE_LOG_DAYS).fillna(False).astype(bool)
    return last["session"].where(seen).dropna()


def final_scores(cohort: DerivedCohort) -> pd.DataFrame:
    """What everybody plots: number of sessions, first and last score, one row per rated patient
    with a course that is over.

    Returns
    -------
    DataFrame
        `patient_id` `total` `baseline` `last` (last score of the course; missing without one within
        14 days after its last session) `at_horizon` (score nearest day 84, 7 days either way;
        missing without one).
    """
    scores = course_scores(cohort)
    rows = scores.dropna(subset=["total"])
    out = rows.groupby("patient_id", sort=False)[["total", "baseline"]].first()
    last = rows[rows["session"] == rows["total"]].set_index("patient_id")["score"]
    return out.assign(last=last, at_horizon=_nearest(cohort)).reset_index()


def _nearest(cohort: DerivedCohort) -> pd.Series:
    line = cohort.timeline.dropna(subset=["score"])
    line = line.assign(away=(line["day"] - HORIZON).abs())
    near = line[line["away"] <= WITHIN].sort_values(
        ["patient_id", "away", "day"], kind="stable"
    )
    return near.groupby("patient_id")["score"].first()
