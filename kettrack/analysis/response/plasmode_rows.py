"""Scores and sessions of a course as rows that stopping and scoring are learned from."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.estimators.plasmode.attendance import (
    GOES_ON,
    LEFT,
    PLANNED_END,
    SessionRows,
)
from kettrack.timelines.bucket import Array
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import COMPLETE_LOG_DAYS

# scores so long after the last session are drawn too: a confirming one may come 60 days later
FOLLOWED_DAYS: Final = 75


def score_rows(
    cohort: DerivedCohort, people: pd.Index, length: pd.Series
) -> pd.DataFrame:
    """Known scores after session 1, with the session each belongs to and the days since it.

    Parameters
    ----------
    people : Index
        Patients whose scores are wanted.
    length : Series
        Sessions of the course by `patient_id`; a score after it belongs to its last.

    Returns
    -------
    DataFrame
        `patient_id` `day` `score` `sessions_to_date` `session` `offset` (days).
    """
    line = cohort.timeline.dropna(subset=["score"])
    line = line[(line["sessions_to_date"] > 0) & line["patient_id"].isin(people)]
    session = np.minimum(
        line["sessions_to_date"].to_numpy(),
        length.reindex(line["patient_id"]).to_numpy(),
    )
    days = cohort.sessions["day"].to_numpy()[
        first_row(cohort).reindex(line["patient_id"]).to_numpy() + session - 1
    ]
    return line[["patient_id", "day", "score", "sessions_to_date"]].assign(
        session=session, offset=line["day"] - days
    )


def first_row(cohort: DerivedCohort) -> pd.Series:
    """Row of each patient's first session."""
    ids = cohort.sessions["patient_id"]
    return pd.Series(np.arange(len(ids)), index=ids.to_numpy()).groupby(level=0).first()


def course_rows(
    cohort: DerivedCohort, course: pd.DataFrame, complete: int = COMPLETE_LOG_DAYS
) -> pd.DataFrame:
    """Sessions of a course whose log is complete for so many days after them, and what followed.

    Parameters
    ----------
    course : DataFrame
        `length` `as_planned` by `patient_id`.
    complete : int
        Days.

    Returns
    -------
    DataFrame
        `patient_id` `day` `session` `kind` (as in `attendance`) `gap` (days to the next; missing
        after the last).
    """
    rows = cohort.sessions[cohort.sessions["patient_id"].isin(course.index)][
        ["patient_id", "day"]
    ].reset_index(drop=True)
    rows["session"] = rows.groupby("patient_id").cumcount() + 1
    rows["gap"] = rows.groupby("patient_id")["day"].shift(-1) - rows["day"]
    known_to = (
        cohort.patients.set_index("patient_id")["observed_to_day"].astype("Float64")
        - complete
    )
    here = course.reindex(rows["patient_id"])
    inside = rows["session"].to_numpy() <= here["length"].to_numpy()
    told = rows["day"].to_numpy() <= known_to.reindex(rows["patient_id"]).fillna(
        -1
    ).to_numpy(float)
    ends = rows["session"].to_numpy() == here["length"].to_numpy()
    rows["kind"] = np.where(
        ends, np.where(here["as_planned"].to_numpy(bool), PLANNED_END, LEFT), GOES_ON
    )
    rows["gap"] = rows["gap"].where(~ends)
    return rows[inside & told]


def session_rows(
    rows: pd.DataFrame,
    known: pd.DataFrame,
    line: pd.DataFrame,
    followed: int = FOLLOWED_DAYS,
) -> SessionRows:
    """What was known by the end of the day of each session, and the days of scores after it.

    Parameters
    ----------
    rows : DataFrame
        From `course_rows`.
    known : DataFrame
        `baseline` by `patient_id`.
    line : DataFrame
        From `score_rows`.
    followed : int
        Days after a session to which its scores are drawn.
    """
    rows = rows.merge(_last_known(rows, known, line), on=["patient_id", "session"])
    offsets = _offsets(rows, line, followed)
    scored = (
        (line.groupby(["patient_id", "session"]).size() > 0)
        .reindex(_keys(rows), fill_value=False)
        .to_numpy()
    )
    earlier = (
        pd.Series(scored).groupby(rows["patient_id"].to_numpy()).cumsum().to_numpy()
        - scored
    )
    today = line[line["offset"] == 0].groupby(["patient_id", "session"]).size()
    return SessionRows(
        last=rows["last"].to_numpy(float),
        baseline=known.loc[rows["patient_id"], "baseline"].to_numpy(float),
        session=rows["session"].to_numpy(np.int64),
        scored_before=(earlier + 0.5) / rows["session"].to_numpy(),
        followed_by=rows["kind"].to_numpy(np.int64),
        same_day=today.reindex(_keys(rows), fill_value=0).to_numpy() > 0,
        gap=rows["gap"].to_numpy(float),
        offsets=offsets,
    )


def _keys(rows: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(rows[["patient_id", "session"]])


def _last_known(
    rows: pd.DataFrame, known: pd.DataFrame, line: pd.DataFrame
) -> pd.DataFrame:
    """Last score by the end of the day of each session; the baseline where there is none after
    it.
    """
    before = (
        known.reset_index()[["patient_id", "baseline"]]
        .rename(columns={"baseline": "score"})
        .assign(day=-1)
    )
    scores = pd.concat([before, line[["patient_id", "day", "score"]]]).sort_values(
        "day", kind="stable"
    )
    days = rows[["patient_id", "session", "day"]].sort_values("day", kind="stable")
    scores = scores.astype({"day": np.int64})
    days = days.astype({"day": np.int64})
    return (
        pd.merge_asof(days, scores, on="day", by="patient_id")
        .rename(columns={"score": "last"})
        .drop(columns="day")
    )


def _offsets(rows: pd.DataFrame, line: pd.DataFrame, followed: int) -> Array:
    """Days from each session to the later scores that belong to it, NaN-padded."""
    later = line[(line["offset"] > 0) & (line["offset"] <= followed)].drop_duplicates(
        ["patient_id", "session", "offset"]
    )
    place = _keys(rows).get_indexer(_keys(later))
    later = later.assign(place=place)[place >= 0]
    number = later.groupby("place").cumcount().to_numpy()
    out = np.full((len(rows), int(number.max(initial=0)) + 1), np.nan)
    out[later["place"].to_numpy(), number] = later["offset"].to_numpy(float)
    return out
