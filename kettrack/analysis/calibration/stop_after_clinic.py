"""A clinic in which "stop after k" can be asked again: courses by their gaps, who stops, comes back
and is scored.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.response.exits import counted_outcomes
from kettrack.analysis.response.plasmode import (
    course_rows,
    fit_plasmode,
    repeat_people,
    score_rows,
    session_rows,
)
from kettrack.analysis.stop_after.history import BASELINE_SCORE, LAST_SCORE
from kettrack.analysis.stop_after.rows import StopData
from kettrack.arrays import Floats
from kettrack.estimators.plasmode.attendance import (
    GOES_ON,
    LEFT,
    SessionRows,
    attendance_columns,
    fit_attendance,
)
from kettrack.estimators.plasmode.clinic import PlasmodeModel
from kettrack.estimators.plasmode.stopping import (
    RETURN_UNIT,
    Stopping,
    plan_columns,
    return_columns,
)
from kettrack.estimators.regression.logistic import fit_logistic
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import HORIZON_DAYS as HORIZON
from kettrack.vocabulary.days import HORIZON_TOLERANCE_DAYS as WINDOW
from kettrack.vocabulary.days import STOP_AFTER_GRACE_DAYS as GRACE

# to draw from after each session; with fewer, those of the sessions around it too
FEWEST_GAPS: Final = 30


@dataclass(frozen=True, slots=True)
class Clinic:
    """A clinic that can be simulated up to the outcome.

    Parameters
    ----------
    cohort : DerivedCohort
        It was fitted to.
    model : PlasmodeModel
        Its people, scores and scoring.
    stopping : Stopping
        Who stops and who comes back.
    observed_to : float64, shape (people,)
        Day to which the log of each goes.
    """

    cohort: DerivedCohort
    model: PlasmodeModel
    stopping: Stopping
    observed_to: Floats

    @property
    def people(self) -> int:
        """In each simulated cohort."""
        return int(self.model.baseline.size)

    def repeated(self, at_least: int) -> tuple[PlasmodeModel, Stopping]:
        """Everyone so often that there are at least so many people."""
        model = repeat_people(self.model, at_least)
        planned = np.tile(self.stopping.planned, model.baseline.size // self.people)
        return model, replace(self.stopping, planned=planned)


def clinic_of(cohort: DerivedCohort, data: StopData) -> Clinic:
    """Fit a clinic to the people of "stop after k".

    Raises
    ------
    NotIdentified
        As `fit_plasmode`.
    """
    fitted = fit_plasmode(cohort)
    daily = cohort.replace(
        sessions=cohort.sessions.drop_duplicates(
            ["patient_id", "day"], ignore_index=True
        ),
    )
    known = counted_outcomes(cohort)
    ids = cohort.bucket.patient_id[data.patient]
    course = _courses(daily, ids)
    line = score_rows(daily, ids, course["length"])
    rows = course_rows(daily, course, GRACE)
    rows = rows[rows["day"] <= HORIZON]
    table = session_rows(rows, known, line, HORIZON + WINDOW)
    people = cohort.patients.set_index("patient_id").reindex(ids)
    planned, observed_to = (
        np.asarray(
            people[name].astype("Float64").to_numpy(np.float64, na_value=np.inf),
            np.float64,
        )
        for name in ("planned_sessions", "observed_to_day")
    )
    attendance = fit_attendance(table)
    theirs = np.asarray(
        pd.Series(planned, index=ids).reindex(rows["patient_id"]), np.float64
    )
    stopping = _stopping(
        data, table, rows["day"].to_numpy(np.float64), (planned, theirs)
    )
    model = replace(
        fitted,
        attendance=attendance,
        baseline=known.loc[ids, "baseline"].to_numpy(float),
        baseline_day=known.loc[ids, "baseline_day"].to_numpy(float),
        planned=np.full(len(ids), len(stopping.gaps) + 1),
        longest_gap=np.full(len(ids), float(GRACE)),
    )
    return Clinic(cohort, model, stopping, observed_to)


def _courses(daily: DerivedCohort, ids: pd.Index) -> pd.DataFrame:
    """Sessions of each person that lie within the grace of the one before; plans do not end
    them.
    """
    gap = daily.sessions.groupby("patient_id")["day"].diff().fillna(0)
    broken = (gap > GRACE).groupby(daily.sessions["patient_id"]).cumsum()
    length = (broken == 0).groupby(daily.sessions["patient_id"]).sum()
    return pd.DataFrame({"length": length.reindex(ids), "as_planned": False})


def _stopping(
    data: StopData, table: SessionRows, day: Floats, planned: tuple[Floats, Floats]
) -> Stopping:
    """Who stops and who comes back; plans by person, and by row of the table."""
    columns = attendance_columns(
        table.last, table.baseline, table.session, table.scored_before
    )
    x = np.column_stack([columns, plan_columns(table.session, planned[1])])
    left = table.followed_by == LEFT
    scored = left & ~np.isnan(table.offsets).all(axis=1)
    order = np.flatnonzero(scored)[np.argsort(day[scored], kind="stable")]
    return Stopping(
        planned=planned[0],
        stops=fit_logistic(x, left.astype(np.float64)),
        gaps=_gaps(table),
        left_on=day[order],
        offsets=table.offsets[order],
        returns=_returns(data),
        grace=GRACE,
        horizon=HORIZON,
    )


def _gaps(table: SessionRows) -> tuple[Floats, ...]:
    """Days to the next session after each number of sessions, with those around it until there are
    enough.
    """
    on = table.followed_by == GOES_ON
    session = table.session[on]
    gap = table.gap[on]
    pools = []
    for number in range(1, int(session.max(initial=0)) + 1):
        reach = np.sort(np.abs(session - number))[:FEWEST_GAPS][-1]
        pools.append(gap[np.abs(session - number) <= reach])
    return tuple(pools)


def _returns(data: StopData) -> Floats:
    """Coefficients of a session in a week past the grace, given what was known before it."""
    rows = data.rows
    of = (
        ~rows.in_grace
        & rows.at_risk
        & (data.row_end - data.row_start == RETURN_UNIT - 1)
    )
    known = rows.history[of]
    weeks = (data.row_start - data.gap_start - 1)[of] / RETURN_UNIT
    columns = return_columns(known[:, LAST_SCORE], known[:, BASELINE_SCORE], weeks)
    if not rows.event[of].any():
        return np.full(columns.shape[1], np.nan)
    return fit_logistic(columns, rows.event[of].astype(np.float64))
