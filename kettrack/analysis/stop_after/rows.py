"""Sessions up to the horizon as time at risk of the next one, with what was known before each
stretch of it, and the outcome.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from kettrack.analysis.context import require_log_end
from kettrack.analysis.stop_after.history import (
    LAST_SCORE,
    LAST_SCORES,
    deaths,
    history,
    known_before_outcome,
    outcomes,
    remission_days,
    take_days,
    why_irregular,
    why_no_remission,
)
from kettrack.arrays import Bools, Floats, Ints, Numbers
from kettrack.errors import NotIdentified
from kettrack.estimators.causal.stop_strategies import (
    GapRows,
    observed_chance,
    possible_rows,
    session_hazard,
)
from kettrack.timelines.bucket import Array, days_or_missing
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.events import ratable
from kettrack.timelines.session_days import SessionDays, session_days
from kettrack.vocabulary.days import (
    DAYS_IN_WEEK,
    HORIZON_DAYS,
    HORIZON_TOLERANCE_DAYS,
    STOP_AFTER_GRACE_DAYS,
)

# First day of each bin after a session. Past the grace every week is a bin of its own: whether
# somebody comes back depends on the score of that week, not on the one four weeks after the
# session.
STARTS: Final = np.array([1, 4, 8, 15, *range(22, HORIZON_DAYS, DAYS_IN_WEEK)])
# its days, unless the horizon cuts it short
WIDTHS: Final = np.append(np.diff(STARTS), DAYS_IN_WEEK)
# Bins in which a score gets slopes of its own, beside those of all bins: early, later, late.
SLOPE_BINS: Final = ((0,), (2,), tuple(range(3, len(STARTS))))
# Why a patient is left out, in the order in which it is asked, and who that is.
LEFT_OUT: Final = {
    "no_baseline": "without a score before session 1",
    "below_caseness": "with a baseline below caseness",
    "prior_sessions": "with sessions before this log",
    "placebo": "with placebo first",
    "log_ends": "whose log ends before the outcome window does, or has no known end",
}


@dataclass(frozen=True, kw_only=True)
class StopData:
    """Patients fixed at day 0, their sessions up to the horizon and the score there; arrays of
    shape (n,) or (rows,).

    Parameters
    ----------
    rows : GapRows
        Time after each session in which a next one was possible at all.
    gap_start, row_start, row_end : int64, shape (rows,)
        Day of the session, first and last day of the bin.
    sessions : int64, shape (n,)
        Session days from day 0 on, each within the grace of the one before.
    last_day : int64, shape (n,)
        Day of the last of them.
    later : bool, shape (n,)
        A session came after that and up to the horizon: too late for the course, so a re-induction.
    outcome, outcome_day : float64, shape (n,)
        Score nearest the horizon; missing without one within `HORIZON_TOLERANCE_DAYS`.
    known : float64, shape (n, columns)
        What was known before the outcome was due: at the last session, and just before the window.
    scored_to : float64, shape (n,)
        Day of the last score; missing without one.
    trigger : float64, shape (n,)
        Day on which a second score showed remission, at least `SECOND_REMISSION_DAYS` after the
        first; infinite without one.
    died : bool, shape (n,)
        A death up to the end of the window.
    first_days : float64, shape (n, most sessions)
        Day of each of `sessions`; missing beyond.
    course_days : float64, shape (n, most sessions)
        As `first_days`, and on beyond the horizon.
    patient : int64, shape (n,)
        Position in the cohort.
    left_out : dict of str to int
        Patients who are not among the n, by reason.
    baseline : float64, shape (n,)
    no_remission, irregular : str
        Why the criteria cannot end a strategy by remission, and in what visits are irregular; empty
        where they can, or are not.
    """

    rows: GapRows
    gap_start: Array
    row_start: Array
    row_end: Array
    sessions: Array
    last_day: Array
    later: Array
    outcome: Array
    outcome_day: Array
    known: Array
    scored_to: Array
    trigger: Array
    died: Array
    first_days: Array
    course_days: Array
    patient: Array
    left_out: dict[str, int]
    baseline: Array
    no_remission: str
    irregular: str

    @property
    def n(self) -> int:
        """Number of patients."""
        return len(self.sessions)

    @property
    def observed(self) -> Bools:
        """Whose outcome is there."""
        return np.asarray(~np.isnan(self.outcome))

    @cached_property
    def hazard(self) -> Floats:
        """From `session_hazard`, each patient counted once."""
        return session_hazard(self.rows)

    @cached_property
    def seen(self) -> Floats:
        """From `chance_observed`, each patient counted once."""
        return self.chance_observed()

    def chance_observed(self, counted: Numbers | None = None) -> Floats:
        """Fitted probability that the score at the horizon is there."""
        everybody = np.ones(self.n, dtype=bool)
        return observed_chance(self.known, self.observed, everybody, counted)

    def take(self, chosen: Ints) -> StopData:
        """Some of the patients, whose places are given rising, as if they were all."""
        inside = np.isin(self.rows.patient, chosen)
        rows = self.rows.take(inside)
        place = np.searchsorted(chosen, rows.patient)
        return StopData(
            rows=replace(rows, patient=place, people=len(chosen)),
            gap_start=self.gap_start[inside],
            row_start=self.row_start[inside],
            row_end=self.row_end[inside],
            sessions=self.sessions[chosen],
            last_day=self.last_day[chosen],
            later=self.later[chosen],
            outcome=self.outcome[chosen],
            outcome_day=self.outcome_day[chosen],
            known=self.known[chosen],
            scored_to=self.scored_to[chosen],
            trigger=self.trigger[chosen],
            died=self.died[chosen],
            first_days=self.first_days[chosen],
            course_days=self.course_days[chosen],
            patient=self.patient[chosen],
            left_out=self.left_out,
            baseline=self.baseline[chosen],
            no_remission=self.no_remission,
            irregular=self.irregular,
        )


def stop_data(cohort: DerivedCohort) -> StopData:
    """Rows, strategies followed and outcomes of a cohort.

    Parameters
    ----------
    cohort : DerivedCohort
        As it came through the reader.

    Raises
    ------
    NotIdentified
        When nobody can be followed to the horizon, or nobody ever had a second session within the
        grace.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> from kettrack.timelines.derived import derive
    >>> data = stop_data(derive(load_cohort(sample_folder())))
    >>> bool((data.first_days[:, 0] == 0).all())
    True
    """
    require_log_end(cohort)
    reason = _reasons(cohort)
    kept = reason == len(LEFT_OUT)
    if not kept.any():
        complete_to = HORIZON_DAYS + HORIZON_TOLERANCE_DAYS
        raise NotIdentified(
            f"nobody has a rated baseline and a log that is complete to day {complete_to}.",
            "a score before session 1, and observed_to_day for each patient.",
        )
    left_out = {
        name: int((reason == place).sum()) for place, name in enumerate(LEFT_OUT)
    }
    days = session_days(cohort.bucket)
    course = _in_course(days) & kept[days.patient]
    place = np.cumsum(kept) - 1  # of those kept, among themselves
    return _gather(cohort, days, course, place, left_out)


def _reasons(cohort: DerivedCohort) -> Ints:
    """Position in `LEFT_OUT` of the first reason to leave each patient out; its length for none."""
    observed = days_or_missing(cohort.patients["observed_to_day"]).astype(np.int64)
    complete_to = HORIZON_DAYS + HORIZON_TOLERANCE_DAYS
    holds = [
        np.isnan(cohort.baselines.score),
        ~ratable(cohort.baselines, cohort.criteria),
        *cohort.log_reasons.values(),
        observed < complete_to,  # a missing day is smaller than any
    ]
    return np.select(holds, range(len(holds)), len(LEFT_OUT))


def _in_course(days: SessionDays) -> Bools:
    """Session days that each lie within the grace of the one before, also beyond the horizon."""
    since_last = np.diff(days.day, prepend=0)
    gap = np.where(days.number > 1, since_last, 0)
    # breaks counted over all patients; a day is in the course while the count is that of the
    # patient's first day
    breaks = np.cumsum(gap > STOP_AFTER_GRACE_DAYS)
    first = np.searchsorted(days.patient, days.patient)
    return np.asarray(breaks == breaks[first])


def _gather(
    cohort: DerivedCohort,
    days: SessionDays,
    course: Bools,
    place: Ints,
    left_out: dict[str, int],
) -> StopData:
    to_horizon = course & (days.day <= HORIZON_DAYS)
    next_day = _next_days(days)[to_horizon]
    chosen = take_days(days, to_horizon)
    is_last = np.append(chosen.patient[1:] != chosen.patient[:-1], True)
    people = place[chosen.patient]
    rows, start, end, entry = _gap_rows(cohort, chosen, is_last, next_day, people)
    possible = possible_rows(rows)
    if not possible.any():
        raise NotIdentified(
            f"nobody had a second session within {STOP_AFTER_GRACE_DAYS} days.",
            "every session with its day.",
        )
    last = chosen.patient[is_last]
    first_days = _days_by_number(chosen, place)
    outcome, outcome_day, scored_to = outcomes(cohort, last)
    return StopData(
        rows=rows.take(possible),
        gap_start=chosen.day[entry][possible],
        row_start=start[possible],
        row_end=end[possible],
        sessions=chosen.number[is_last],
        last_day=chosen.day[is_last],
        later=next_day[is_last] <= HORIZON_DAYS,
        outcome=outcome,
        outcome_day=outcome_day,
        known=known_before_outcome(cohort, take_days(chosen, is_last)),
        scored_to=scored_to,
        trigger=remission_days(cohort)[last],
        died=deaths(cohort)[last],
        first_days=first_days,
        course_days=_days_by_number(take_days(days, course), place),
        patient=last,
        left_out=left_out,
        baseline=cohort.baselines.score[last],
        no_remission=why_no_remission(cohort),
        irregular=why_irregular(cohort, last, first_days),
    )


def _next_days(days: SessionDays) -> Floats:
    """Day of the patient's next session day; infinite after the last."""
    same_patient = np.append(days.patient[1:] == days.patient[:-1], False)
    following = np.append(days.day[1:], 0)
    return np.where(same_patient, following, np.inf)


def _gap_rows(
    cohort: DerivedCohort,
    chosen: SessionDays,
    is_last: Bools,
    next_day: Floats,
    people: Ints,
) -> tuple[GapRows, Ints, Ints, Ints]:
    """Every session by every bin of the gap after it, the days on which the bin lies, and the
    session each row belongs to.
    """
    entry, bins = _bins_after(chosen, is_last)
    session_day = chosen.day[entry]
    begins = STARTS[bins]
    start = session_day + begins
    end = np.minimum(session_day + begins + WIDTHS[bins] - 1, HORIZON_DAYS)
    gap = (next_day - chosen.day)[entry]
    event = (gap >= begins) & (gap <= end - session_day)
    # A bin that begins after the next session came is nobody's time at risk; its history is the
    # last that was known before that session, never one that only those who came can have.
    bin_of_next = np.searchsorted(STARTS, gap, "right") - 1
    known_to = session_day + STARTS[np.minimum(bins, bin_of_next)] - 1
    before = history(cohort, chosen, entry, known_to)
    at_session = history(cohort, chosen, entry, session_day)
    by_bin = _slopes_by_bin(before, at_session, bins)
    share = np.log((end - start + 1) / WIDTHS[bins])
    rows = GapRows(
        patient=people[entry],
        session=chosen.number[entry],
        bin=bins,
        at_risk=begins <= gap,
        event=event,
        in_grace=begins <= STOP_AFTER_GRACE_DAYS,
        history=np.column_stack([before, by_bin, share]),
        people=int(people.max()) + 1,
    )
    return rows, start, end, entry


def _slopes_by_bin(before: Floats, at_session: Floats, bins: Ints) -> Floats:
    """Score on the day of the session, its square, and both scores once more for early, later and
    late bins.

    Many decide on the day of the session, whatever is scored later, and then come at a usual gap or
    not at all: no session so far says more about a stop the longer it lasts, so a score does not
    mean the same in every bin. With one slope for all bins the contrast came out at a fifth of the
    truth in a simulated clinic with irregular visits.
    """
    scores = np.column_stack([before[:, LAST_SCORE], at_session[:, LAST_SCORE]])
    slopes = []
    for group in SLOPE_BINS:
        inside = np.isin(bins, group)
        slopes.append(scores * inside[:, None])
    return np.column_stack([at_session[:, LAST_SCORES], *slopes])


def _bins_after(chosen: SessionDays, is_last: Bools) -> tuple[Ints, Ints]:
    """Entry and bin of every row: bins of the grace after each session, and of all time to the
    horizon after the last.
    """
    before_horizon = chosen.day[:, None] + STARTS <= HORIZON_DAYS
    in_grace = STARTS <= STOP_AFTER_GRACE_DAYS
    asked = before_horizon & (is_last[:, None] | in_grace)
    # row by row: sorted by entry, then bin, as `GapRows` asks
    entry, bins = np.nonzero(asked)
    return entry, bins


def _days_by_number(chosen: SessionDays, place: Ints) -> Floats:
    """Day of each session by its number, one row per person; missing beyond their last."""
    people = place[chosen.patient]
    shape = (int(people.max()) + 1, int(chosen.number.max()))
    out = np.full(shape, np.nan)
    out[people, chosen.number - 1] = chosen.day
    return out
