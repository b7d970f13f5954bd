"""A clinic in which "stop after k" can be asked again: courses by their gaps, who stops, comes back
and is scored.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kettrack.analysis.calibration.runner import floats_of_column
from kettrack.analysis.response.exits import counted_outcomes
from kettrack.analysis.response.plasmode import (
    fit_plasmode,
    fit_severity,
    repeat_people,
    take_people,
)
from kettrack.analysis.response.plasmode_rows import (
    course_rows,
    score_rows,
    session_rows,
)
from kettrack.analysis.stop_after.history import BASELINE_SCORE, LAST_SCORE
from kettrack.analysis.stop_after.rows import StopData
from kettrack.arrays import Floats
from kettrack.estimators.intervals import drawn_places
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
from kettrack.vocabulary.days import (
    HORIZON_DAYS,
    HORIZON_TOLERANCE_DAYS,
    STOP_AFTER_GRACE_DAYS,
)
from kettrack.vocabulary.limits import FEWEST_GAPS, MOST_SIMULATED


@dataclass(frozen=True, slots=True)
class StopAfterClinic:
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
    everybody : int
        Of whom these people are; more than they where only some are simulated.
    """

    cohort: DerivedCohort
    model: PlasmodeModel
    stopping: Stopping
    observed_to: Floats
    everybody: int

    @property
    def people(self) -> int:
        """In each simulated cohort."""
        return int(self.model.baseline.size)

    def drawn(self, everybody: int, seed: int) -> StopAfterClinic:
        """With some of its people, drawn by chance, where they are many; they stand for everybody
        of the comparison.
        """
        some = drawn_places(self.people, MOST_SIMULATED, seed)
        planned = self.stopping.planned[some]
        return replace(
            self,
            model=take_people(self.model, some),
            stopping=replace(self.stopping, planned=planned),
            observed_to=self.observed_to[some],
            everybody=everybody,
        )

    def repeated(self, at_least: int) -> tuple[PlasmodeModel, Stopping]:
        """Everyone so often that there are at least so many people."""
        model = repeat_people(self.model, at_least)
        planned = np.tile(self.stopping.planned, model.baseline.size // self.people)
        return model, replace(self.stopping, planned=planned)


def fit_stop_after_clinic(cohort: DerivedCohort, data: StopData) -> StopAfterClinic:
    """Fit a clinic to the people of "stop after k".

    Raises
    ------
    NotIdentified
        As `fit_plasmode`.
    """
    fitted = fit_plasmode(cohort)
    # two sessions on a day are one
    names = ["patient_id", "day"]
    daily = cohort.replace(
        sessions=cohort.sessions.drop_duplicates(names, ignore_index=True)
    )
    # everybody with a rated baseline: the people of the comparison are among them
    known = counted_outcomes(cohort)
    ids = cohort.bucket.patient_id[data.patient]
    course = _courses(daily, ids)
    line = score_rows(daily, ids, course["length"])
    rows = course_rows(daily, course, STOP_AFTER_GRACE_DAYS)
    rows = rows[rows["day"] <= HORIZON_DAYS]
    table = session_rows(rows, known, line, HORIZON_DAYS + HORIZON_TOLERANCE_DAYS)
    people = cohort.patients.set_index("patient_id").reindex(ids)
    # without a plan, or with a log whose end is unknown, nothing ends a course
    planned = floats_of_column(people["planned_sessions"], missing=np.inf)
    observed_to = floats_of_column(people["observed_to_day"], missing=np.inf)
    plan_of_row = pd.Series(planned, index=ids).reindex(rows["patient_id"])
    stopping = _stopping(
        data,
        table,
        planned,
        np.asarray(plan_of_row, np.float64),
    )
    _, _, start = fit_severity(cohort)
    # courses end by `stopping` alone: a plan or a gap that would end one is out of reach
    model = replace(
        fitted,
        attendance=fit_attendance(table),
        start=start.of(known.index.get_indexer(ids)),
        baseline=known.loc[ids, "baseline"].to_numpy(float),
        baseline_day=known.loc[ids, "baseline_day"].to_numpy(float),
        planned=np.full(len(ids), len(stopping.gaps) + 1),
        longest_gap=np.full(len(ids), float(STOP_AFTER_GRACE_DAYS)),
    )
    return StopAfterClinic(cohort, model, stopping, observed_to, len(ids))


def _courses(daily: DerivedCohort, ids: pd.Index) -> pd.DataFrame:
    """Sessions of each person that lie within the grace of the one before; plans do not end
    them.
    """
    who = daily.sessions["patient_id"]
    gap = daily.sessions.groupby("patient_id")["day"].diff().fillna(0)
    # the number of breaks so far: the course lasts while it is 0
    breaks = (gap > STOP_AFTER_GRACE_DAYS).groupby(who).cumsum()
    length = (breaks == 0).groupby(who).sum()
    return pd.DataFrame({"length": length.reindex(ids), "as_planned": False})


def _stopping(
    data: StopData,
    table: SessionRows,
    planned: Floats,
    plan_of_row: Floats,
) -> Stopping:
    """Who stops and who comes back; plans by person, and by row of the table."""
    attended = attendance_columns(
        table.last,
        table.best,
        table.baseline,
        table.session,
        table.scored_before,
    )
    x = np.column_stack([attended, plan_columns(table.session, plan_of_row)])
    left = table.followed_by == LEFT
    return Stopping(
        planned=planned,
        stops=fit_logistic(x, left.astype(np.float64)),
        gaps=_gaps(table),
        returns=_returns(data),
        grace=STOP_AFTER_GRACE_DAYS,
        horizon=HORIZON_DAYS,
    )


def _gaps(table: SessionRows) -> tuple[Floats, ...]:
    """Days to the next session after each number of sessions, with those around it until there are
    enough.
    """
    goes_on = table.followed_by == GOES_ON
    session = table.session[goes_on]
    gap = table.gap[goes_on]
    pools = []
    for number in range(1, int(session.max(initial=0)) + 1):
        distance = np.abs(session - number)
        # distance of the last of the nearest gaps; all at that distance are drawn from
        reach = np.sort(distance)[:FEWEST_GAPS][-1]
        pools.append(gap[distance <= reach])
    return tuple(pools)


def _returns(data: StopData) -> Floats:
    """Coefficients of a session in a week past the grace, given what was known before it."""
    rows = data.rows
    # the horizon cuts some weeks short; those say less of a whole week
    whole_week = data.row_end - data.row_start == RETURN_UNIT - 1
    of = ~rows.in_grace & rows.at_risk & whole_week
    known = rows.history[of]
    since_session = data.row_start - data.gap_start - 1
    columns = return_columns(
        known[:, LAST_SCORE],
        known[:, BASELINE_SCORE],
        since_session[of] / RETURN_UNIT,
    )
    came_back = rows.event[of]
    if not came_back.any():
        return np.full(columns.shape[1], np.nan)
    return fit_logistic(columns, came_back.astype(np.float64))
