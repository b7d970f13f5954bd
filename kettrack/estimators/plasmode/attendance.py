"""Who stops after a session, and who is scored when, learnt from the sessions of a clinic.

Chances come from logistic models given what was known by the end of the day of the session. Days
come from people of the clinic: a gap, and after it the scores of somebody whose gap was as long,
since a score taken between two sessions lies as far on its way as it did there. After the last
session they are the scores of somebody who ended at about the same day: where the log of all ends
on one day, or people are scored so many weeks after session 1, who ended late has few of them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from kettrack.arrays import Bools, Floats, Ints
from kettrack.estimators.regression.logistic import fit_logistic, predict_logistic

GOES_ON, LEFT, PLANNED_END = range(3)
FEWEST_DONORS: Final = 10  # whose days of scores may be drawn


@dataclass(frozen=True, slots=True)
class SessionRows:
    """One row per person and session of the first course, as far as the log is complete; arrays of
    shape (rows,).

    Parameters
    ----------
    last, best, baseline : float64
        Last and lowest score known by the end of the day of the session, and the baseline; points.
    session : int
        1, 2, ...
    day : float64
        Of the session.
    scored_before : float64
        Share of earlier sessions of the person that a score followed, half a session counted as one
        half.
    followed_by : int
        `GOES_ON`, `LEFT` or `PLANNED_END`.
    same_day : bool
        Whether a score was taken on that day, after the session.
    gap : float64
        Days to the next session of the course; NaN where there is none.
    offsets : float64, shape (rows, scores)
        Days from the session to each later score before the next session, or after the last
        session; NaN-padded.
    much_later : float64, shape (rows, scores)
        The same for scores after these, as long as a response is followed.
    """

    last: Floats
    best: Floats
    baseline: Floats
    session: Ints
    day: Floats
    scored_before: Floats
    followed_by: Ints
    same_day: Bools
    gap: Floats
    offsets: Floats
    much_later: Floats

    def of(self, places: Ints) -> SessionRows:
        """The rows in these places."""
        columns = (getattr(self, part.name) for part in fields(self))
        return SessionRows(*(column[places] for column in columns))


@dataclass(frozen=True, slots=True)
class Attendance:
    """Who stops, and who is scored when; coefficients on the logit scale over the columns of
    `attendance_columns`.

    Parameters
    ----------
    stops, same_day : float64
        Of stopping after a session before the plan is reached, and of a score on its day.
    later : tuple of float64
        Of any later score, by what followed: going on (with the columns of `gap_columns`), left,
        planned end.
    gaps : float64
        Gaps to draw from, days.
    offsets : tuple of float64
        Days of scores to draw from, by what followed; one row per session.
    alike : tuple of float64
        What these people are drawn by, ascending: the gap of those who went on, and the day of the
        last session of the others.
    much_later : float64
        Days of scores long after the planned end, of the same people as its `offsets`.
    """

    stops: Floats
    same_day: Floats
    later: tuple[Floats, ...]
    gaps: Floats
    offsets: tuple[Floats, ...]
    alike: tuple[Floats, ...]
    much_later: Floats


def attendance_columns(
    last: Floats,
    best: Floats,
    baseline: Floats,
    session: Ints | int,
    scored_before: Floats,
) -> Floats:
    """Columns that stopping and being scored may depend on, shape (rows, 9).

    The best score so far is among them: a response that was lost is a reason of its own to come
    again, for a few sessions, and tells these people from those who never responded.
    """
    risen = last - best
    number = np.broadcast_to(np.asarray(session, np.float64), last.shape)
    # squares are divided by 10, to be of the size of the other columns
    return np.column_stack(
        [
            np.ones_like(last),
            last,
            last**2 / 10,
            baseline,
            number,
            number**2 / 10,
            scored_before,
            risen,
            risen**2 / 10,
        ]
    )


def gap_columns(columns: Floats, gap: Floats) -> Floats:
    """The same columns with the days to the next session: a longer gap holds more scores."""
    return np.column_stack([columns, np.log1p(gap)])


def fit_attendance(rows: SessionRows) -> Attendance:
    """Fit who stops and who is scored, and collect the gaps and days to draw from."""
    once = np.ones((1, rows.session.size), np.int64)
    (found,) = refit_attendance(rows, once)
    return found


def refit_attendance(rows: SessionRows, times: Ints) -> list[Attendance]:
    """The same where each row counts so many times, for many such counts at once.

    Parameters
    ----------
    rows : SessionRows
        Of everybody.
    times : int, shape (replicates, rows)
        How often each row counts.
    """
    # people who are alike stand together
    alike = np.where(rows.followed_by == GOES_ON, rows.gap, rows.day)
    order = np.argsort(alike, kind="stable")
    columns = attendance_columns(
        rows.last,
        rows.best,
        rows.baseline,
        rows.session,
        rows.scored_before,
    )
    choice = rows.followed_by != PLANNED_END  # the plan decides there
    left = rows.followed_by[choice] == LEFT
    stops = _chances(columns[choice], left, times[:, choice])
    same_day = _chances(columns, rows.same_day, times)
    later = np.asarray((~np.isnan(rows.offsets)).any(axis=1))
    chances = []
    donors = []
    # after a session that is followed by another, people are scored otherwise than after the last
    for kind in (GOES_ON, LEFT, PLANNED_END):
        here = order[rows.followed_by[order] == kind]
        known = columns[here]
        if kind == GOES_ON:
            known = gap_columns(known, rows.gap[here])
        chances.append(_chances(known, later[here], times[:, here]))
        donors.append(here[later[here]])
    found = []
    for place, counts in enumerate(times):
        drawn = [np.repeat(donor, counts[donor]) for donor in donors]
        gaps = np.repeat(rows.gap, counts)
        fit = Attendance(
            stops=stops[place],
            same_day=same_day[place],
            later=tuple(chance[place] for chance in chances),
            gaps=gaps[~np.isnan(gaps)],
            offsets=tuple(rows.offsets[donor] for donor in drawn),
            alike=tuple(alike[donor] for donor in drawn),
            much_later=rows.much_later[drawn[PLANNED_END]],
        )
        found.append(fit)
    return found


def _chances(
    columns: Floats,
    happened: Bools,
    times: Ints,
) -> Floats:
    """Coefficients of each replicate; all missing where there was nothing to learn from, which
    `draw_happens` reads as never.
    """
    found = np.full((len(times), columns.shape[1]), np.nan)
    told = times[:, happened].any(axis=1)
    if told.any():
        outcome = happened.astype(np.float64)
        found[told] = fit_logistic(columns, outcome, times[told])
    return found


def draw_happens(
    columns: Floats,
    coefficients: Floats,
    rng: np.random.Generator,
) -> Bools:
    """Draw whether it happens in each row of `attendance_columns`."""
    if np.isnan(coefficients).any():
        # never, and without a random number: the draws that follow stay as they are
        return np.zeros(len(columns), bool)
    return rng.random(len(columns)) < predict_logistic(columns, coefficients)


def draw_donors(
    donors: Floats,
    wanted: Floats,
    rng: np.random.Generator,
) -> Ints:
    """Draw for each wanted value the place of a donor with the same value, or of one of the ten
    nearest; donors ascend.
    """
    most = len(donors)
    # equal donors are one stretch, first <= place < beyond
    first = np.searchsorted(donors, wanted, "left")
    beyond = np.searchsorted(donors, wanted, "right")
    few = beyond - first < FEWEST_DONORS
    # a stretch about that value, moved inwards where it would reach past either end
    latest = max(most - FEWEST_DONORS, 0)
    around = np.clip(first - FEWEST_DONORS // 2, 0, latest)
    first = np.where(few, around, first)
    beyond = np.where(few, np.minimum(first + FEWEST_DONORS, most), beyond)
    return np.asarray(rng.integers(first, beyond), np.int64)
