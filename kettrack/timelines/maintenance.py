"""Maintenance intervals: how long each was, whether the response held over it, and where a
patient's own limit lies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.states import meets
from kettrack.vocabulary.days import FRESH_DAYS

MEASURES: Final = ("score", "change", "percent_change")
HOLDING: Final = ("between", "at_least", "at_most", "contradictory", "not_estimable")


@dataclass(frozen=True, slots=True)
class HoldingRules:
    """When an interval can be rated, and when a patient has enough of them. kettrack's own
    convention.

    Parameters
    ----------
    score_days : int
        The state at a session is that of the last score since the session before, at most this many
        days old.
    fewest_intervals : int
        Rated intervals below which nothing is said of a patient.
    """

    score_days: int = FRESH_DAYS
    fewest_intervals: int = 3


def maintenance_intervals(
    cohort: DerivedCohort, rules: HoldingRules | None = None
) -> pd.DataFrame:
    """Every interval that ended in a maintenance session or in the first of a re-induction.

    An interval held when the response rule is met at the session that begins it and at the one that
    ends it; it failed when it is met at the first only. The stretch after the last session has no
    length that anybody chose and is left out.

    Returns
    -------
    DataFrame
        One row per patient and interval: `patient_id` `session_number` (of the session that ends
        it) `from_day` `days` (length) `state_start` `state_end` (of the scores at both ends;
        missing without one) `ended_by` (maintenance, re-induction) `result` (held, failed,
        not_well_at_start, not_known).

    Raises
    ------
    NotIdentified
        When the rules in force define no response.
    """
    rules = rules or HoldingRules()
    sessions = cohort.courses.merge(
        _at_sessions(cohort, rules), "left", ["patient_id", "session_number"]
    )
    before = sessions.groupby("patient_id", sort=False)[["day", "state", "well"]].shift(
        1
    )
    out = sessions.assign(
        from_day=before["day"],
        days=sessions["gap_days"],
        state_start=before["state"],
        state_end=sessions["state"],
        ended_by=sessions["course"].astype(str),
        result=_results(before["well"], sessions["well"]),
    )
    # the first session of a re-induction shows how long the response held before it
    first_again = (out["course"] == "re-induction") & (out["number_in_course"] == 1)
    out = out[
        (out["session_number"] > 1) & ((out["course"] == "maintenance") | first_again)
    ]
    columns = [
        "patient_id",
        "session_number",
        "from_day",
        "days",
        "state_start",
        "state_end",
        "ended_by",
        "result",
    ]
    return (
        out[columns]
        .astype({"from_day": np.int64, "days": np.int64})
        .reset_index(drop=True)
    )


def _at_sessions(cohort: DerivedCohort, rules: HoldingRules) -> pd.DataFrame:
    """State, and whether the response rule is met, at each session with a score in time: one row
    per such session.
    """
    line = cohort.timeline.dropna(subset=["score"])
    rated = cohort.patients["patient_id"][cohort.rated]
    line = line[line["patient_id"].isin(rated) & (line["sessions_to_date"] > 0)]
    # the session a score is waiting for
    line = line.assign(session_number=line["sessions_to_date"] + 1)
    days = cohort.courses[["patient_id", "session_number", "day"]].rename(
        columns={"day": "session_day"}
    )
    line = line.merge(days, "inner", ["patient_id", "session_number"])
    fresh = line[line["session_day"] - line["day"] <= rules.score_days]
    # rows are sorted by day: the last before the session
    last = fresh.groupby(["patient_id", "session_number"], sort=False).tail(1)
    well = meets(
        cohort.response_rule, {name: last[name].to_numpy(float) for name in MEASURES}
    )
    return last[["patient_id", "session_number", "state"]].assign(
        well=pd.array(well, dtype="boolean")
    )


def _results(start: pd.Series, end: pd.Series) -> np.ndarray:
    """What became of an interval, from whether the response rule was met at its ends (missing = no
    score).
    """
    start = start.astype("boolean")
    end = end.astype("boolean")
    known = (start.notna() & end.notna()).to_numpy(bool)
    ill = start.eq(False).fillna(False).to_numpy(bool)
    # the first that applies; a state that was not well at the start cannot be held
    choices = [ill, ~known, end.fillna(False).to_numpy(bool)]
    return np.select(choices, ["not_well_at_start", "not_known", "held"], "failed")


def holding_intervals(
    intervals: pd.DataFrame, rules: HoldingRules | None = None
) -> pd.DataFrame:
    """The interval that each patient's own log says still holds: (longest that held, shortest that
    failed].

    Parameters
    ----------
    intervals : DataFrame
        From `maintenance_intervals`.

    Returns
    -------
    DataFrame
        One row per patient with any maintenance interval: `patient_id` `n_intervals` `n_rated`
        (held or failed) `n_failed` `longest_held` `shortest_failed` (days; missing when none did)
        `holding`: `between` both; `at_least` the longest, none failed; `at_most`: none held, below
        the shortest; `contradictory`: one failed that was no longer than one that held;
        `not_estimable`: fewer than `HoldingRules.fewest_intervals` were rated, and no limits
        are given.

    Examples
    --------
    >>> days, result = [14, 21, 28], ["held", "held", "failed"]
    >>> one = holding_intervals(pd.DataFrame({"patient_id": "A", "days": days, "result": result}))
    >>> one[["longest_held", "shortest_failed", "holding"]].to_numpy().tolist()
    [[21, 28, 'between']]
    """
    rules = rules or HoldingRules()
    held = intervals["result"] == "held"
    failed = intervals["result"] == "failed"
    days = intervals["days"].astype("Int64")
    marked = intervals.assign(
        rated=held | failed,
        failed=failed,
        held_days=days.where(held),
        failed_days=days.where(failed),
    )
    out = marked.groupby("patient_id").agg(
        n_intervals=("days", "size"),
        n_rated=("rated", "sum"),
        n_failed=("failed", "sum"),
        longest_held=("held_days", "max"),
        shortest_failed=("failed_days", "min"),
    )
    enough = out["n_rated"] >= rules.fewest_intervals
    out["holding"] = pd.Categorical(_holding(out, enough), categories=list(HOLDING))
    out[["longest_held", "shortest_failed"]] = out[
        ["longest_held", "shortest_failed"]
    ].where(enough)
    return out.reset_index()


def _holding(out: pd.DataFrame, enough: pd.Series) -> np.ndarray:
    upper = out["shortest_failed"]
    lower = out["longest_held"]
    # an interval failed that was no longer than one that held
    contradictory = (upper <= lower).fillna(False).to_numpy(bool)
    choices = [
        ~enough.to_numpy(bool),
        upper.isna().to_numpy(bool),
        lower.isna().to_numpy(bool),
        contradictory,
    ]
    return np.select(
        choices, ["not_estimable", "at_least", "at_most", "contradictory"], "between"
    )
