"""Who was at risk of a first response after each session of the first course, and who went on and
was scored again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from kettrack.errors import NotIdentified
from kettrack.estimators.causal.censoring_weights import StayRows
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.person_sessions import EXCLUDED
from kettrack.vocabulary.course_rules import CourseRules
from kettrack.vocabulary.days import COMPLETE_LOG_DAYS

# how a row can be a patient's last
WAYS: Final = ("responded", "stopped", "not_scored", "completed", "log_ends")


@dataclass(frozen=True, slots=True)
class Continued:
    """Rows at risk and how they end; those of two clinics can be added.

    Parameters
    ----------
    rows : StayRows
        One per patient and session at risk.
    way : int64, shape (rows,)
        Position in `WAYS` where it is the patient's last row; -1 elsewhere.
    planned_end : bool, shape (rows,)
        The course was to end there: the planned number was reached, or twelve without a plan.
    left_out : dict of str to int
        Patients who are not in the rows, by reason.
    stoppers, stoppers_scored : int
        People who stopped early without an earlier response, and those of them scored within 14
        days after the last session.
    """

    rows: StayRows
    way: npt.NDArray[np.int64]
    planned_end: npt.NDArray[np.bool_]
    left_out: dict[str, int]
    stoppers: int
    stoppers_scored: int

    def __add__(self, other: Continued) -> Continued:
        names = [
            *self.left_out,
            *(name for name in other.left_out if name not in self.left_out),
        ]
        return Continued(
            self.rows + other.rows,
            np.concatenate([self.way, other.way]),
            np.concatenate([self.planned_end, other.planned_end]),
            {
                name: self.left_out.get(name, 0) + other.left_out.get(name, 0)
                for name in names
            },
            self.stoppers + other.stoppers,
            self.stoppers_scored + other.stoppers_scored,
        )


def count(cohort: DerivedCohort) -> Continued:
    """Rows at risk of a first response, from the first course.

    A session counts when the log is complete for 60 days after it, whatever followed. A patient is
    at risk up to the last session with a score of its own, or the first response.

    Raises
    ------
    NotIdentified
        When the criteria have no rule for response, no log says to which day it is complete, or
        nobody is at risk.
    """
    if cohort.criteria.response is None:
        raise NotIdentified(
            f"{cohort.criteria.label} has no rule for response on {cohort.instrument.name}.",
            "another instrument.",
        )
    if cohort.patients["observed_to_day"].isna().all():
        raise NotIdentified(
            "nobody's log says to which day it is complete, so stopping cannot be told from"
            " going on.",
            "observed_to_day for each patient in patients.csv.",
        )
    table = cohort.person_sessions
    why = table.loc[table["session"] == 1, "excluded"]
    left_out = {name: int((why == name).sum()) for name in EXCLUDED}
    table = table[table["excluded"].isna()]
    left_out["response_before"] = int(
        (table["response_before"] & (table["session"] == 1)).sum()
    )
    table = _facts(table[~table["response_before"]].reset_index(drop=True))
    left_out |= _never_at_risk(table)
    left = table["known"] & table["is_last"] & ~table["over"] & ~table["pauses"]
    stoppers = table[left & (table["responds"] >= table["session"])]
    kept = table[
        table["known"]
        & (table["session"] <= np.minimum(table["scored_to"], table["responds"]))
    ]
    if kept.empty:
        raise NotIdentified(
            f"nobody has a rated baseline, a log complete for {COMPLETE_LOG_DAYS} days after"
            " session 1 and a score after it.",
            "a score before session 1 and after each session, and observed_to_day.",
        )
    scored = int((stoppers["scored_to"] == stoppers["session"]).sum())
    return Continued(
        _rows(kept),
        _ways(kept),
        kept["over"].to_numpy(bool),
        left_out,
        len(stoppers),
        scored,
    )


def _facts(table: pd.DataFrame) -> pd.DataFrame:
    """Per row: whether it is known, whether the course was over by plan, and the patient's last
    scored and response session.
    """
    scored = table["session"].where(table["session_score"].notna(), 0)
    responds = table["session"].where(table["session_response"], np.inf)
    cap = table["planned_sessions"].isna() & (
        table["sessions_to_date"] >= CourseRules().induction_sessions
    )
    last_known = table["days_complete_after"] >= COMPLETE_LOG_DAYS
    return table.assign(
        known=last_known.fillna(False).astype(bool),
        over=table["as_planned"] | cap,
        scored_to=scored.groupby(table["patient_id"]).transform("max"),
        responds=responds.groupby(table["patient_id"]).transform("min"),
        pauses=table["is_last"]
        & (table["next_gap"] <= COMPLETE_LOG_DAYS).fillna(False).astype(bool),
    )


def _never_at_risk(table: pd.DataFrame) -> dict[str, int]:
    """Patients without a row at risk: the log is too short, or nothing was scored after session
    1.
    """
    first = table[table["session"] == 1]
    return {
        "too_new": int((~first["known"]).sum()),
        "never_scored": int((first["known"] & (first["scored_to"] == 0)).sum()),
    }


def _ways(kept: pd.DataFrame) -> npt.NDArray[np.int64]:
    """How each patient's last row ends; -1 for the others."""
    last = (kept["patient_id"] != kept["patient_id"].shift(-1)).to_numpy(bool)
    at_end = kept["is_last"].to_numpy(bool)
    known = _judged(kept)
    tests = [
        kept["responds"] <= kept["session"],
        kept["over"] | kept["pauses"],
        at_end,
        (kept["session"] == kept["scored_to"]) & known,
    ]
    codes = [
        WAYS.index(name) for name in ("responded", "completed", "stopped", "not_scored")
    ]
    return np.where(
        last,
        np.select(
            [np.asarray(test, dtype=bool) for test in tests],
            codes,
            WAYS.index("log_ends"),
        ),
        -1,
    ).astype(np.int64)


def _judged(kept: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether a score of the next session would have been seen: the log is complete for 14 days
    after it.
    """
    seen = (kept["observed_to_day"] >= kept["next_day"] + 14).fillna(False).astype(bool)
    return np.asarray(
        seen | kept["is_last"] | (kept["scored_to"] > kept["session"]), dtype=bool
    )


def _rows(kept: pd.DataFrame) -> StayRows:
    """Arrays for the estimator. The model holds rows with a score, before the planned end, whose
    next step can be judged.
    """
    event = (kept["responds"] == kept["session"]).to_numpy(bool)
    decided = (
        ~event
        & kept["session_score"].notna().to_numpy(bool)
        & ~kept["over"].to_numpy(bool)
        & _judged(kept)
    )
    person = pd.factorize(kept["patient_id"])[0].astype(np.int64)
    return StayRows(
        person=person,
        step=kept["session"].to_numpy(np.int64),
        event=event,
        decided=decided,
        goes_on=(kept["scored_to"] > kept["session"]).to_numpy(bool),
        history=_history(kept),
        people=int(person.max()) + 1,
    )


def _history(kept: pd.DataFrame) -> npt.NDArray[np.float64]:
    """What was measured up to a session's own score: that score, its square, the one before, the
    mean so far, the baseline.
    """
    people = kept["patient_id"]
    now = kept["session_score"]
    baseline = kept["baseline"]
    carried = now.groupby(people).ffill().fillna(baseline)
    previous = carried.groupby(people).shift().fillna(baseline)
    known = now.fillna(0).groupby(people).cumsum() + baseline
    mean = known / (now.notna().groupby(people).cumsum() + 1)
    step = kept["session"].astype(float)
    columns = (
        now,
        now**2 / 10,
        previous,
        mean,
        baseline,
        1 + 0 * step,
        step,
        step**2 / 10,
    )
    return np.column_stack([column.to_numpy(float) for column in columns])
