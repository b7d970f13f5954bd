"""Sessions to series and courses, all patients at once, as in `kernels`."""

from __future__ import annotations

import numpy as np

from kettrack.arrays import Bools, Ints, Numbers
from kettrack.timelines.kernels import (
    NO_ROW,
    CourseLimits,
    first_of_each,
    patients_of_rows,
)


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
