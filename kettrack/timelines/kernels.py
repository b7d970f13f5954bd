"""What is found in the sorted rows of whole patients, all patients at once: baselines, and the
sessions before a score.

Rows of patient p are `offsets[p]:offsets[p + 1]`, sorted by day. A missing row is -1 and a missing
day is MISSING_DAY. A loop over patients as the rules read stands in `tests/loops.py`, and gives the
same numbers.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from kettrack.arrays import Bools, Floats, Ints, Numbers

LARGE: Final = (
    200_000  # rows; from here on patients are worked on in blocks, on every core
)

NO_ROW: Final = -1
MISSING_DAY: Final = -(2**31)
ANY_DAY: Final = 2**31 - 1

# Status of an event: position in `events.STATUSES`.
NONE, SINGLE, CONFIRMED, PENDING, UNCONFIRMABLE = range(5)

BASELINE_LAST, BASELINE_MEAN, BASELINE_WORST = range(3)


class BaselineHow(NamedTuple):
    """Which score is the baseline."""

    window: int
    rule: int
    sign: int


class CourseLimits(NamedTuple):
    """`CourseRules` as plain numbers."""

    series_gap: int
    induction_sessions: int
    stretch_after: int
    stretch_gap: int
    stretch_factor: float
    reinduction_sessions: int
    reinduction_pause: int


class RunLimits(NamedTuple):
    """A predicate and a `Run` as plain numbers.

    `measure` is 0 score, 1 change, 2 percent change; `operator` is 0 at most, 1 at least, 2 above,
    3 below. `dated_last` is 1 where the score that proves a run dates it, else its first does.
    `within` is the most days after a session at which a run may be dated; `ANY_DAY` = no limit.
    `zero` is the lowest score of the scale, from which percent change counts.
    """

    measure: int
    operator: int
    limit: float
    length: int
    min_gap: int
    max_gap: int
    dated_last: int
    within: int
    zero: float


class Baseline(NamedTuple):
    """What one walk over each patient's scores finds; arrays of shape (patients,)."""

    assessment: Ints
    score: Floats
    day: Numbers
    n_assessments: Numbers
    last_day: Numbers


def patients_of_rows(offsets: Numbers) -> Ints:
    """Position of the patient of each row."""
    return np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))


def first_of_each(
    patient: Ints,
    place: Ints,
    n: int,
    none: Any = NO_ROW,
) -> Ints:
    """First of some rising places in each patient.

    Examples
    --------
    >>> first_of_each(np.array([0, 2, 2]), np.array([4, 8, 9]), 3).tolist()
    [4, -1, 8]
    """
    # Of several places given to one patient the one assigned last stays.
    return last_of_each(
        patient[::-1],
        place[::-1],
        n,
        none,
    )


def last_of_each(
    patient: Ints,
    place: Ints,
    n: int,
    none: Any = NO_ROW,
) -> Ints:
    """Last of some rising places in each patient."""
    found = np.full(
        n,
        none,
        np.int64,
    )
    found[patient] = place
    return found


def anchor(
    offsets: Numbers,
    day: Numbers,
    after: Bools,
    score: Numbers,
    known: Bools,
    how: BaselineHow,
) -> Baseline:
    """Where each patient's assessments begin, the baseline, their number and the last day.

    An assessment comes after the first session: on a later day, or on day 0 and marked `after`. The
    baseline is taken from the known scores of the `how.window` days before.
    """
    n = len(offsets) - 1
    patient = patients_of_rows(offsets)
    late = np.flatnonzero((day > 0) | ((day == 0) & after))
    assessment = first_of_each(
        patient[late],
        late,
        n,
    )
    # Who has none has them all behind the last row.
    assessment = np.where(
        assessment == NO_ROW,
        offsets[1:],
        assessment,
    )
    # From the first one on every row is an assessment.
    assessed = np.arange(len(day)) >= assessment[patient]
    counted = np.flatnonzero(known & assessed)
    before = np.flatnonzero(known & ~assessed & (day >= -how.window))
    values, row = _baseline(patient[before], before, score[before], how, n)
    last = last_of_each(
        patient[counted],
        counted,
        n,
    )
    n_assessments = np.bincount(patient[counted], minlength=n)
    return Baseline(
        assessment=assessment,
        score=values,
        day=days_at(day, row),
        n_assessments=n_assessments.astype(np.int32),
        last_day=days_at(day, last),
    )


def days_at(
    day: Numbers,
    row: Ints,
) -> Numbers:
    """Day of each row, `MISSING_DAY` where there is none."""
    return np.append(day, np.int32(MISSING_DAY))[row]


def _baseline(
    patient: Ints,
    row: Ints,
    score: Numbers,
    how: BaselineHow,
    n: int,
) -> tuple[Floats, Ints]:
    """The baseline of each patient, NaN without one, and the row that dates it."""
    value = score.astype(np.float64)
    if how.rule == BASELINE_MEAN:
        return _running_mean(patient, value, n), last_of_each(patient, row, n)
    if how.rule == BASELINE_WORST:
        worst = np.full(n, -np.inf)
        np.maximum.at(worst, patient, how.sign * value)
        # Of several equally bad ones the last counts.
        chosen = how.sign * value == worst[patient]
        patient = patient[chosen]
        row = row[chosen]
        value = value[chosen]
    place = last_of_each(
        patient,
        np.arange(len(row)),
        n,
    )
    return np.append(value, np.nan)[place], np.append(row, NO_ROW)[place]


def _running_mean(
    patient: Ints,
    value: Floats,
    n: int,
) -> Floats:
    """Mean of each patient's values, one after the other; NaN without any."""
    mean = np.full(n, np.nan)
    counts = np.bincount(patient, minlength=n)
    first = np.cumsum(counts) - counts
    # Few people have more than a handful of scores before the first session.
    for nth in range(1, int(counts.max(initial=0)) + 1):
        who = np.flatnonzero(counts >= nth)
        here = value[first[who] + nth - 1]
        # The first is the mean itself.
        so_far = here if nth == 1 else mean[who]
        mean[who] = so_far + (here - so_far) / nth
    return mean


def sessions_before(
    patient: Ints,
    day: Numbers,
    after: Bools,
    sessions: Numbers,
    session_day: Numbers,
) -> Ints:
    """Sessions before some rows, as one past the place of the last of them; a session on the same
    day counts only for `after`.
    """
    # One rising number over all patients, so that one search serves them all.
    low = min(session_day.min(initial=0), day.min(initial=0))
    span = int(max(session_day.max(initial=0), day.max(initial=0))) - int(low) + 2
    key = patients_of_rows(sessions) * span + (session_day - int(low))
    wanted = patient * span + (day - int(low)) + after
    return np.searchsorted(key, wanted)


def align(
    offsets: Numbers,
    day: Numbers,
    after: Bools,
    sessions: Numbers,
    session_day: Numbers,
) -> tuple[Numbers, Numbers]:
    """Sessions before each row, and days since the latest of them; a session on the same day counts
    only for `after`.
    """
    patient = patients_of_rows(offsets)
    place = sessions_before(
        patient,
        day,
        after,
        sessions,
        session_day,
    )
    # A session that came before one row came before all later ones.
    place = np.maximum.accumulate(place)
    to_date = place - sessions[patient]
    # Without a session before the row, the place points at no session of the patient.
    latest = days_at(session_day, np.where(to_date > 0, place - 1, NO_ROW))
    since = np.where(
        to_date > 0,
        day - latest,
        MISSING_DAY,
    )
    return to_date.astype(np.int32), since.astype(np.int32)


def locate(
    event: Ints,
    contrary: Ints,
    day: Numbers,
    after: Bools,
    sessions: Numbers,
    session_day: Numbers,
    late_after: int,
) -> tuple[Numbers, Numbers, Numbers]:
    """Day of each patient's event row, sessions before it, and day of the contrary row; MISSING_DAY
    where there is none.

    There is no session number when the last session was more than `late_after` days before. A
    session on the day of the event counts only where the score was taken `after`.
    """
    there = np.flatnonzero(event != NO_ROW)
    row = event[there]
    place = sessions_before(
        there,
        day[row],
        after[row],
        sessions,
        session_day,
    )
    number = place - sessions[there]
    latest = days_at(session_day, np.where(number > 0, place - 1, NO_ROW))
    near = (number > 0) & (day[row] - latest.astype(np.int64) <= late_after)
    session = np.full(
        len(event),
        MISSING_DAY,
        np.int32,
    )
    session[there[near]] = number[near]
    shown = np.where(
        event != NO_ROW,
        contrary,
        NO_ROW,
    )
    return days_at(day, event), session, days_at(day, shown)
