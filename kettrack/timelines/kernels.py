"""What is found in the sorted rows of whole patients, all patients at once: baselines, the
sessions before a score, and the series and courses that sessions make.

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


def courses(
    offsets: Numbers,
    day: Numbers,
    rules: CourseLimits,
) -> tuple[Numbers, Numbers, Numbers]:
    """Course of each session (0 induction, 1 maintenance, 2 re-induction), its number in the
    patient, and the place in it.
    """
    patient = patients_of_rows(offsets)
    row = np.arange(len(day))
    opens = row == offsets[patient]
    # That of a patient's first session is never looked at.
    gap = np.zeros(len(day), np.int64)
    gap[1:] = day[1:].astype(np.int64) - day[:-1]
    starts = opens | _series_starts(
        offsets,
        patient,
        day,
        gap,
        rules,
    )
    start = np.maximum.accumulate(np.where(starts, row, 0))
    at = np.flatnonzero(starts)
    size = _repeated(np.diff(np.append(at, len(day))))
    # Whether the series that a session belongs to is the first of its patient.
    first = opens[start]
    again = ~first
    again &= size >= rules.reinduction_sessions
    again &= gap[start] >= rules.reinduction_pause
    # Everything is maintenance that is nothing else.
    course = np.ones(len(day), np.int8)
    early = row - start < rules.induction_sessions
    course[early & first] = 0
    course[early & again] = 2
    # A second re-induction follows the first without maintenance between them.
    new = opens | ((course == 2) & starts)
    new[1:] |= course[1:] != course[:-1]
    begun = np.cumsum(new)
    # Courses of the patients before are not counted.
    number = begun - begun[offsets[patient]] + 1
    new_rows = np.where(
        new,
        row,
        0,
    )
    last_new = np.maximum.accumulate(new_rows)
    place = row - last_new + 1
    return (
        course,
        number.astype(np.int32),
        place.astype(np.int32),
    )


def _repeated(sizes: Ints) -> Ints:
    """The size of its series for each session."""
    return np.repeat(sizes, sizes)


def _series_starts(
    offsets: Numbers,
    patient: Ints,
    day: Numbers,
    gap: Ints,
    rules: CourseLimits,
) -> Bools:
    """Sessions at which a new series of the same patient starts: after a long gap, and the first
    series of a patient also ends where its pace slackens.
    """
    row = np.arange(len(day))
    begin = offsets[patient]
    inside = row > begin
    long = inside & (gap > rules.series_gap)
    # The first session of a patient is the 0th.
    nth = row - begin
    # Days from the first session to the one before.
    so_far = day.astype(np.int64) - gap - day[begin]
    # Mean gap so far; `maximum` for rules that let the pace slacken after one session.
    pace = so_far / np.maximum(nth - 1, 1)
    slack = inside
    slack &= nth >= rules.stretch_after
    slack &= gap >= rules.stretch_gap
    slack &= gap >= rules.stretch_factor * pace
    # It slackens for good only where the next gap is as long; a last session tells nothing.
    slack[:-1] &= gap[1:] >= rules.stretch_gap
    slack &= row + 1 < offsets[patient + 1]
    # Only the first end of the first series is asked for.
    ends = np.flatnonzero(long | slack)
    first_end = np.zeros(len(day), dtype=bool)
    found = first_of_each(
        patient[ends],
        ends,
        len(offsets) - 1,
    )
    first_end[found[found != NO_ROW]] = True
    return long | (slack & first_end)
