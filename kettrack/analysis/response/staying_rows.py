"""Who was at risk of a first response after each session of the first course, and who went on and
was scored again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from kettrack.analysis.context import require_log_end
from kettrack.analysis.response.exits import require_rule
from kettrack.arrays import Bools, Floats, Ints
from kettrack.errors import NotIdentified
from kettrack.estimators.causal.censoring_weights import StayRows
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.person_sessions import EXCLUDED
from kettrack.vocabulary.days import COMPLETE_LOG_DAYS
from kettrack.vocabulary.rules import CourseRules

# How a row can be a patient's last; positions in it are the codes of `way`.
WAYS: Final = ("responded", "stopped", "not_scored", "completed", "log_ends")


@dataclass(frozen=True, slots=True)
class StayingCounts:
    """Rows at risk, whether people stayed, and how they left; those of two clinics can be added.

    Parameters
    ----------
    rows : StayRows
        One per patient and session at risk.
    patient_id : str, shape (rows,)
        Patient of each row.
    way : int64, shape (rows,)
        Position in `WAYS` where it is the patient's last row; -1 elsewhere.
    planned_end : bool, shape (rows,)
        The course was to end there: the planned number was reached, or `induction_sessions` without
        a plan.
    left_out : dict of str to int
        Patients who are not in the rows, by reason.
    stoppers, stoppers_scored : int
        People who stopped early without an earlier response, and those of them scored within
        `late_after_days` after the last session.
    late_after_days : int
        Days after a session within which a score belongs to it, by the criteria in force.
    """

    rows: StayRows
    patient_id: npt.NDArray[Any]
    way: Ints
    planned_end: Bools
    left_out: dict[str, int]
    stoppers: int
    stoppers_scored: int
    late_after_days: int

    def __add__(self, other: StayingCounts) -> StayingCounts:
        names = dict.fromkeys([*self.left_out, *other.left_out])
        left_out = {
            name: self.left_out.get(
                name,
                0,
            )
            + other.left_out.get(name, 0)
            for name in names
        }
        return StayingCounts(
            rows=self.rows + other.rows,
            patient_id=np.concatenate([self.patient_id, other.patient_id]),
            way=np.concatenate([self.way, other.way]),
            planned_end=np.concatenate([self.planned_end, other.planned_end]),
            left_out=left_out,
            stoppers=self.stoppers + other.stoppers,
            stoppers_scored=self.stoppers_scored + other.stoppers_scored,
            late_after_days=max(self.late_after_days, other.late_after_days),
        )


def count(cohort: DerivedCohort) -> StayingCounts:
    """Rows at risk of a first response, from the first course.

    A session counts when the log is complete for `COMPLETE_LOG_DAYS` after it, whatever followed. A
    patient is at risk up to the last session with a score of its own, or the first response.

    Raises
    ------
    NotIdentified
        When the criteria have no rule for response, no log says to which day it is complete, or
        nobody is at risk.
    """
    require_rule(cohort, "response")
    require_log_end(cohort)
    table = cohort.person_sessions
    first = table["session"] == 1
    # Why somebody is excluded stands on every row of theirs; the first one counts them once.
    why = table.loc[first, "excluded"]
    left_out = {name: int((why == name).sum()) for name in EXCLUDED}
    counted = table["excluded"].isna()
    had_before = counted & table["response_before"]
    left_out["response_before"] = int((had_before & first).sum())
    at_start = table[counted & ~table["response_before"]].reset_index(drop=True)
    table = _add_facts(at_start, cohort.criteria.late_after_days)
    left_out |= _never_at_risk(table)
    kept = table[_at_risk(table)]
    if kept.empty:
        raise NotIdentified(
            f"nobody has a rated baseline, a log complete for {COMPLETE_LOG_DAYS} days after"
            " session 1 and a score after it.",
            "a score before session 1 and after each session, and observed_to_day.",
        )
    stoppers = table[_stops_early(table)]
    stoppers_scored = stoppers["scored_to"] == stoppers["session"]
    return StayingCounts(
        rows=_stay_rows(kept),
        patient_id=kept["patient_id"].to_numpy(object),
        way=_ways(kept),
        planned_end=kept["over"].to_numpy(bool),
        left_out=left_out,
        stoppers=len(stoppers),
        stoppers_scored=int(stoppers_scored.sum()),
        late_after_days=cohort.criteria.late_after_days,
    )


def _add_facts(
    table: pd.DataFrame,
    late_after_days: int,
) -> pd.DataFrame:
    """The rows with what is known of each: whether it is known, whether the course was over by
    plan, the patient's last scored and response session, and whether the next step can be judged.
    """
    people = table["patient_id"]
    scored = table["session"].where(
        table["session_score"].notna(),
        0,
    )
    # Without a response it is infinite, so that no row lies after it.
    responds = table["session"].where(
        table["session_response"],
        np.inf,
    )
    # Without a plan the course is over where a series is no induction any more.
    no_plan = table["planned_sessions"].isna()
    at_most = table["sessions_to_date"] >= CourseRules().induction_sessions
    known = table["days_complete_after"] >= COMPLETE_LOG_DAYS
    comes_back = table["next_gap"] <= COMPLETE_LOG_DAYS
    table = table.assign(
        known=known.fillna(False).astype(bool),
        over=table["as_planned"] | (no_plan & at_most),
        scored_to=scored.groupby(people).transform("max"),
        responds=responds.groupby(people).transform("min"),
        pauses=table["is_last"] & comes_back.fillna(False).astype(bool),
    )
    return table.assign(judged=_judged(table, late_after_days))


def _at_risk(table: pd.DataFrame) -> pd.Series:
    """Rows up to the patient's last session with a score of its own, or the first response."""
    to_session = np.minimum(table["scored_to"], table["responds"])
    return table["known"] & (table["session"] <= to_session)


def _stops_early(table: pd.DataFrame) -> pd.Series:
    """Last rows of people who stopped before the planned end, for good, without an earlier
    response.
    """
    left = table["known"] & table["is_last"] & ~table["over"] & ~table["pauses"]
    return left & (table["responds"] >= table["session"])


def _never_at_risk(table: pd.DataFrame) -> dict[str, int]:
    """Patients without a row at risk: the log is too short, or nothing was scored after session
    1.
    """
    first = table[table["session"] == 1]
    unscored = first["known"] & (first["scored_to"] == 0)
    return {
        "too_new": int((~first["known"]).sum()),
        "never_scored": int(unscored.sum()),
    }


def _ways(kept: pd.DataFrame) -> Ints:
    """How each patient's last row ends; -1 for the others."""
    # Rows of a patient lie one after another, so the last is where the next row is another's.
    last = kept["patient_id"] != kept["patient_id"].shift(-1)
    unscored_next = (kept["session"] == kept["scored_to"]) & kept["judged"]
    # The first test that holds decides.
    tests = {
        "responded": kept["responds"] <= kept["session"],
        "completed": kept["over"] | kept["pauses"],
        "stopped": kept["is_last"],
        "not_scored": unscored_next,
    }
    way = np.select(
        [test.to_numpy(bool) for test in tests.values()],
        [WAYS.index(name) for name in tests],
        WAYS.index("log_ends"),
    )
    return np.where(
        last.to_numpy(bool),
        way,
        -1,
    ).astype(np.int64)


def _judged(
    table: pd.DataFrame,
    late_after_days: int,
) -> Bools:
    """Whether a score of the next session would have been seen: the log is complete for so long
    after it.
    """
    complete = table["observed_to_day"] >= table["next_day"] + late_after_days
    seen = complete.fillna(False).astype(bool)
    scored_later = table["scored_to"] > table["session"]
    return np.asarray(
        seen | table["is_last"] | scored_later,
        dtype=bool,
    )


def _stay_rows(kept: pd.DataFrame) -> StayRows:
    """Arrays for the estimator. The model holds rows with a score, before the planned end, whose
    next step can be judged.
    """
    event = (kept["responds"] == kept["session"]).to_numpy(bool)
    scored = kept["session_score"].notna().to_numpy(bool)
    over = kept["over"].to_numpy(bool)
    judged = kept["judged"].to_numpy(bool)
    # Numbers from 0 in order of appearance; rows of a patient lie one after another.
    codes, _ = pd.factorize(kept["patient_id"])
    person = codes.astype(np.int64)
    return StayRows(
        person=person,
        step=kept["session"].to_numpy(np.int64),
        event=event,
        decided=~event & scored & ~over & judged,
        goes_on=(kept["scored_to"] > kept["session"]).to_numpy(bool),
        history=_history(kept),
        people=int(person.max()) + 1,
    )


def _history(kept: pd.DataFrame) -> Floats:
    """What was measured up to a session's own score: that score, its square, the one before, the
    mean so far, the baseline.
    """
    people = kept["patient_id"]
    now = kept["session_score"]
    baseline = kept["baseline"]
    # A session without a score keeps the last one, at first the baseline.
    carried = now.groupby(people).ffill().fillna(baseline)
    previous = carried.groupby(people).shift().fillna(baseline)
    # The baseline counts as one of the scores so far.
    total = now.fillna(0).groupby(people).cumsum() + baseline
    n_scores = now.notna().groupby(people).cumsum() + 1
    step = kept["session"].astype(float)
    # Squares are divided by 10, so that no column is of another order of size than the rest.
    columns = (
        now,
        now**2 / 10,
        previous,
        total / n_scores,
        baseline,
        1 + 0 * step,
        step,
        step**2 / 10,
    )
    return np.column_stack([column.to_numpy(float) for column in columns])
