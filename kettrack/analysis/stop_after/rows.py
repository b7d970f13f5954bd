"""Sessions up to week 12 as time at risk of the next one, with what was known before each stretch
of it, and the outcome.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from kettrack.analysis.stop_after.history import (
    HORIZON,
    LAST,
    SCORES,
    WINDOW,
    Log,
    deaths,
    history,
    known_before_outcome,
    outcomes,
    remission_days,
    take_days,
    why_no_remission,
)
from kettrack.analysis.stop_after.visits import why_irregular
from kettrack.errors import NotIdentified
from kettrack.estimators.causal.stop_strategies import GapRows, possible_rows
from kettrack.timelines.bucket import Array, days_or_missing
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.events import Baselines, ratable
from kettrack.timelines.session_days import SessionDays, session_days

GRACE: Final = 28  # days within which the next session of a course must come
# First day of each bin after a session. Past the grace every week is a bin of its own: whether
# somebody comes back depends on the score of that week, not on the one four weeks after the
# session.
STARTS: Final = np.array([1, 4, 8, 15, *range(22, HORIZON, 7)])
# its days, unless the horizon cuts it short
WIDTHS: Final = np.append(np.diff(STARTS), 7)
LEFT_OUT: Final = (
    "no_baseline",
    "below_caseness",
    "prior_sessions",
    "placebo",
    "log_ends",
)


@dataclass(frozen=True, slots=True)
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
        Score nearest the horizon; missing without one within `WINDOW` days.
    known : float64, shape (n, columns)
        What was known before the outcome was due: at the last session, and just before the window.
    scored_to : float64, shape (n,)
        Day of the last score; missing without one.
    trigger : float64, shape (n,)
        Day on which a second score in a row, at least 7 days after the first, showed remission;
        infinite without one.
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
    def observed(self) -> Array:
        """Whose outcome is there."""
        return ~np.isnan(self.outcome)


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
    >>> data = stop_data(load_cohort(sample_folder()))
    >>> bool((data.first_days[:, 0] == 0).all())
    True
    """
    bucket = cohort.bucket
    baselines = cohort.baselines
    fault = _faults(cohort, baselines)
    kept = fault == len(LEFT_OUT)
    left_out = {
        name: int((fault == place).sum()) for place, name in enumerate(LEFT_OUT)
    }
    if not kept.any():
        raise NotIdentified(
            f"nobody has a rated baseline and a log complete to day {HORIZON + WINDOW}.",
            "a score before session 1, and observed_to_day for each patient.",
        )
    days = session_days(bucket)
    course = _course(days) & kept[days.patient]
    return _gather(
        Log(cohort, bucket, baselines), days, course, np.cumsum(kept) - 1, left_out
    )


def _faults(cohort: DerivedCohort, baselines: Baselines) -> Array:
    """Position in `LEFT_OUT` of the first reason to leave each patient out; its length for none."""
    observed = days_or_missing(cohort.patients["observed_to_day"]).astype(np.int64)
    found = [
        np.isnan(baselines.score),
        ~ratable(baselines, cohort.criteria),
        *cohort.log_reasons.values(),
        observed < HORIZON + WINDOW,  # a missing day is smaller than any
    ]
    return np.select(found, range(len(found)), len(LEFT_OUT))


def _course(days: SessionDays) -> Array:
    """Session days that each lie within the grace of the one before, also beyond the horizon."""
    gap = np.where(days.number > 1, np.diff(days.day, prepend=0), 0)
    broken = np.cumsum(gap > GRACE)
    first = np.searchsorted(days.patient, days.patient)
    return np.asarray(broken == broken[first])


def _gather(
    log: Log, days: SessionDays, course: Array, place: Array, left_out: dict[str, int]
) -> StopData:
    run = course & (days.day <= HORIZON)
    same = np.append(days.patient[1:] == days.patient[:-1], False)
    next_day = np.where(same, np.append(days.day[1:], 0), np.inf)[run]
    chosen = take_days(days, run)
    is_last = np.append(chosen.patient[1:] != chosen.patient[:-1], True)
    people = place[chosen.patient]
    rows, start, end, entry = _hazard_rows(log, chosen, is_last, next_day, people)
    possible = possible_rows(rows)
    if not possible.any():
        raise NotIdentified(
            f"nobody had a second session within {GRACE} days.",
            "every session with its day.",
        )
    last = chosen.patient[is_last]
    first_days = _days_of(chosen, place)
    outcome, outcome_day, scored_to = outcomes(log, last)
    return StopData(
        rows=rows.take(possible),
        gap_start=chosen.day[entry][possible],
        row_start=start[possible],
        row_end=end[possible],
        sessions=chosen.number[is_last],
        last_day=chosen.day[is_last],
        later=next_day[is_last] <= HORIZON,
        outcome=outcome,
        outcome_day=outcome_day,
        known=known_before_outcome(log, take_days(chosen, is_last)),
        scored_to=scored_to,
        trigger=remission_days(log)[last],
        died=deaths(log)[last],
        first_days=first_days,
        course_days=_days_of(take_days(days, course), place),
        patient=last,
        left_out=left_out,
        baseline=log.baselines.score[last],
        no_remission=why_no_remission(log.cohort),
        irregular=why_irregular(log, last, first_days),
    )


def _hazard_rows(
    log: Log, chosen: SessionDays, is_last: Array, next_day: Array, people: Array
) -> tuple[GapRows, Array, Array, Array]:
    """Every session by every bin of the gap after it, the days on which the bin lies, and the
    session each row belongs to.
    """
    entry, bins = _grid(chosen, is_last)
    start = chosen.day[entry] + STARTS[bins]
    end = np.minimum((STARTS + WIDTHS - 1)[bins] + chosen.day[entry], HORIZON)
    gap = (next_day - chosen.day)[entry]
    event = (gap >= STARTS[bins]) & (gap <= end - chosen.day[entry])
    reached = np.searchsorted(STARTS, gap, "right") - 1  # bin of the next session
    known_to = chosen.day[entry] + STARTS[np.minimum(bins, reached)] - 1
    before = history(log, chosen, entry, known_to)
    apart = _by_bin(before, history(log, chosen, entry, chosen.day[entry]), bins)
    share = np.log((end - start + 1) / WIDTHS[bins])
    rows = GapRows(
        people[entry],
        chosen.number[entry],
        bins,
        STARTS[bins] <= gap,
        event,
        STARTS[bins] <= GRACE,
        np.column_stack([before, apart, share]),
        int(people.max()) + 1,
    )
    return rows, start, end, entry


def _by_bin(before: Array, at_session: Array, bins: Array) -> Array:
    """Score on the day of the session, its square, and both scores once more for early, later and
    late bins.

    Many decide on the day of the session, whatever is scored later, and then come at a usual gap or
    not at all: no session so far says more about a stop the longer it lasts, so a score does not
    mean the same in every bin. With one slope for all bins the contrast came out at a fifth of the
    truth in a simulated clinic with irregular visits.
    """
    scores = np.column_stack([before[:, LAST], at_session[:, LAST]])
    apart = [
        scores * np.isin(bins, group)[:, None]
        for group in ((0,), (2,), range(3, len(STARTS)))
    ]
    return np.column_stack([at_session[:, SCORES], *apart])


def _grid(chosen: SessionDays, is_last: Array) -> tuple[Array, Array]:
    """Entry and bin of every row: bins of the grace after each session, and of all time to the
    horizon after the last.
    """
    wanted = (chosen.day[:, None] + STARTS <= HORIZON) & (
        is_last[:, None] | (STARTS <= GRACE)
    )
    entry, bins = np.nonzero(wanted)
    return entry, bins


def _days_of(chosen: SessionDays, place: Array) -> Array:
    people = place[chosen.patient]
    out = np.full((int(people.max()) + 1, int(chosen.number.max())), np.nan)
    out[people, chosen.number - 1] = chosen.day
    return out
