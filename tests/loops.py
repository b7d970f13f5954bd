"""What `kernels` and `runs` of `kettrack.timelines` find, patient by patient and row by row, as the
rules read.

The loops write into the arrays that come last; `LOOPS` take and give what the kernels do.
"""

from functools import partial

import numpy as np

from kettrack.timelines import kernels, runs
from kettrack.timelines.kernels import (
    ANY_DAY,
    BASELINE_LAST,
    BASELINE_MEAN,
    BASELINE_WORST,
    CONFIRMED,
    MISSING_DAY,
    NO_ROW,
    NONE,
    PENDING,
    SINGLE,
    UNCONFIRMABLE,
    Baseline,
)
from kettrack.timelines.runs import _OPEN, _REFUTED, FirstRuns


def anchor(
    offsets,
    day,
    after,
    score,
    known,
    how,
    assessment,
    baseline,
    baseline_day,
    n_assessments,
    last_day,
):
    """One walk over each patient's scores: where assessments begin, the baseline, their number and
    the last day.

    An assessment comes after the first session: on a later day, or on day 0 and marked `after`. The
    baseline is taken from the known scores of the `how.window` days before.
    """
    for p in range(len(offsets) - 1):
        row = offsets[p]
        end = offsets[p + 1]
        n = 0
        value = np.nan
        on = MISSING_DAY
        while row < end and not (day[row] > 0 or (day[row] == 0 and after[row])):
            if known[row] and day[row] >= -how.window:
                here = float(score[row])
                n += 1
                if (
                    n == 1
                    or how.rule == BASELINE_LAST
                    or (
                        how.rule == BASELINE_WORST
                        and how.sign * here >= how.sign * value
                    )
                ):
                    value = here
                    on = day[row]
                elif how.rule == BASELINE_MEAN:
                    # a running mean needs no list of the scores so far
                    value = value + (here - value) / n
                    on = day[row]
            row += 1
        assessment[p] = row
        baseline[p] = value
        baseline_day[p] = on
        # From here on every row is an assessment.
        n = 0
        on = MISSING_DAY
        for later in range(row, end):
            if known[later]:
                n += 1
                on = day[later]
        n_assessments[p] = n
        last_day[p] = on


def _cut(baseline, run):
    """The score at which a predicate turns, on the patient's own scale: all measures rise with the
    score.

    NaN, which nothing holds against, without a baseline, and under a percent change with a baseline
    at the lowest score.
    """
    if run.measure == 0:
        return run.limit
    if run.measure == 1:
        return baseline + run.limit
    above = baseline - run.zero
    return baseline + run.limit * above / 100.0 if above != 0 else np.nan


def _holds(value, cut, operator):
    """Whether a value is on the right side of a cut; never for a missing one."""
    if operator == 0:
        return value <= cut
    if operator == 1:
        return value >= cut
    if operator == 2:
        return value > cut
    return value < cut


def _closed(p, offsets, day, session_offsets, session_day, observed_to):
    """Day to which the patient's log is complete: `observed_to`, else the last row of either
    table.
    """
    if observed_to[p] != MISSING_DAY:
        return observed_to[p]
    # asked only of a patient with a score, so that there is a last row
    latest = day[offsets[p + 1] - 1]
    if session_offsets[p + 1] > session_offsets[p]:
        latest = max(latest, session_day[session_offsets[p + 1] - 1])
    return latest


def _follow(day, value, cut, known, row, end, run):
    """What becomes of a run that starts at `row`: its outcome and the last row that belongs to
    it.
    """
    found = 1
    latest = row
    if found == run.length:
        return SINGLE, row
    for j in range(row + 1, end):
        if not known[j]:
            continue
        gap = day[j] - day[latest]
        # Nothing after the widest gap can confirm or refute, whatever it says.
        if gap > run.max_gap:
            return UNCONFIRMABLE, latest
        if not _holds(value[j], cut, run.operator):
            return _REFUTED, latest
        # One that comes too soon after the last that counted neither counts nor refutes.
        if gap >= run.min_gap:
            found += 1
            latest = j
            if found == run.length:
                return CONFIRMED, j
    return _OPEN, latest


def _is_late(first, last, since, run):
    """Whether a proven run is dated too long after a session."""
    if run.within == ANY_DAY:
        return False
    dated = last if run.dated_last else first
    return since[dated] > run.within


def first_run(
    offsets,
    day,
    value,
    known,
    sessions,
    session_day,
    observed_to,
    since,
    baseline,
    start,
    run,
    event,
    proof,
    contrary,
    status,
):
    """First confirmed run of scores that hold a predicate, else the first one still waiting.

    `start[p]` is the row to begin at (NO_ROW: patient not at risk); `sessions` are the offsets of
    `session_day`. `since` are the days from a session to each row; it is read only where
    `run.within` sets a limit, and a run dated later is passed over. Writes the first row of the
    run, the row that proved it, the last row before it that showed the contrary, and the status.
    """
    for p in range(len(offsets) - 1):
        event[p] = proof[p] = contrary[p] = NO_ROW
        status[p] = NONE
        if start[p] == NO_ROW:
            continue
        opposite = NO_ROW  # last score that did not hold, before the run
        # One cut per patient: the measure is turned into a score once, not at every row.
        cut = _cut(baseline[p], run)
        for row in range(start[p], offsets[p + 1]):
            if not known[row]:
                continue
            if not _holds(value[row], cut, run.operator):
                opposite = row
                continue
            outcome, latest = _follow(day, value, cut, known, row, offsets[p + 1], run)
            if outcome == _OPEN:
                # Too late for a confirming score once the log is complete up to the widest gap.
                closed = _closed(p, offsets, day, sessions, session_day, observed_to)
                outcome = (
                    UNCONFIRMABLE if closed >= day[latest] + run.max_gap else PENDING
                )
            proven = outcome in (SINGLE, CONFIRMED)
            # The first proven run wins; until one comes, the first that still waits is kept.
            if proven or (outcome != _REFUTED and status[p] == NONE):
                event[p] = row
                proof[p] = latest if proven else NO_ROW
                contrary[p] = opposite
                status[p] = outcome
            if proven and _is_late(row, latest, since, run):
                # It belongs to no session: what follows is judged as if the patient began here.
                event[p] = proof[p] = contrary[p] = opposite = NO_ROW
                status[p] = NONE
            elif proven:
                break


def recovered(
    offsets, day, value, known, baseline, start, back_day, run, days, max_gap, out
):
    """How an illness came back on `back_day`.

    0 = within `days` of `start`, 1 = after recovery, 2 = later than `days` without recovery.
    Recovery is a score `days` or more after `start` that does not hold `run`, with no unscored gap
    over `max_gap` before.
    """
    for p in range(len(offsets) - 1):
        out[p] = 0
        if start[p] == NO_ROW or back_day[p] == MISSING_DAY:
            continue
        begin = day[start[p]]
        previous = day[start[p]]
        cut = _cut(baseline[p], run)
        if back_day[p] - begin >= days:
            out[p] = 2
        for row in range(start[p] + 1, offsets[p + 1]):
            if not known[row]:
                continue
            # beyond the return, or after a gap in which nobody knows how the patient was
            if day[row] >= back_day[p] or day[row] - previous > max_gap:
                break
            previous = day[row]
            if previous - begin >= days and not _holds(value[row], cut, run.operator):
                out[p] = 1


def align(offsets, day, after, session_offsets, session_day, to_date, since):
    """Sessions before each row, and days since the latest of them; a session on the same day counts
    only for `after`.
    """
    for p in range(len(offsets) - 1):
        begin = session_offsets[p]
        end = session_offsets[p + 1]
        k = begin  # rises with the rows: both are sorted by day
        for row in range(offsets[p], offsets[p + 1]):
            while k < end and (
                session_day[k] < day[row] or (after[row] and session_day[k] == day[row])
            ):
                k += 1
            # sessions before the row are those up to k; the last of them is k - 1
            to_date[row] = k - begin
            since[row] = day[row] - session_day[k - 1] if k > begin else MISSING_DAY


def locate(
    event,
    contrary,
    day,
    after,
    session_offsets,
    session_day,
    late_after,
    out_day,
    out_session,
    out_after_day,
):
    """Day of each patient's event row, sessions before it, and day of the contrary row; MISSING_DAY
    where there is none.

    There is no session number when the last session was more than `late_after` days before. A
    session on the day of the event counts only where the score was taken `after`.
    """
    for p in range(len(event)):
        out_day[p] = out_session[p] = out_after_day[p] = MISSING_DAY
        row = event[p]
        if row == NO_ROW:
            continue
        begin = session_offsets[p]
        k = session_offsets[p]
        on = day[row]
        while k < session_offsets[p + 1] and (
            session_day[k] < on or (after[row] and session_day[k] == on)
        ):
            k += 1
        out_day[p] = on
        if k > begin and on - session_day[k - 1] <= late_after:
            out_session[p] = k - begin
        if contrary[p] != NO_ROW:
            out_after_day[p] = day[contrary[p]]


def _series_end(day, begin, start, end, rules):
    """One past the last session of the series that starts at `start`; the first one also ends where
    its pace slackens.
    """
    stop = start + 1
    while stop < end:
        gap = day[stop] - day[stop - 1]
        if gap > rules.series_gap:
            break
        if (
            start == begin
            and stop - begin >= rules.stretch_after
            and gap >= rules.stretch_gap
            and stop + 1 < end
        ):
            # mean gap so far; `max` for rules that let the pace slacken after one session
            pace = (day[stop - 1] - day[begin]) / max(stop - begin - 1, 1)
            if (
                gap >= rules.stretch_factor * pace
                and day[stop + 1] - day[stop] >= rules.stretch_gap
            ):
                break
        stop += 1
    return stop


def courses(offsets, day, rules, course, course_number, number_in_course):
    """Course of each session (0 induction, 1 maintenance, 2 re-induction), its number in the
    patient, and the place in it.
    """
    for p in range(len(offsets) - 1):
        begin = offsets[p]
        end = offsets[p + 1]
        start = begin  # of the series at hand
        n_courses = 0
        place = 0
        previous = NO_ROW
        while start < end:
            stop = _series_end(day, begin, start, end, rules)
            again = start > begin and stop - start >= rules.reinduction_sessions
            again = again and day[start] - day[start - 1] >= rules.reinduction_pause
            for row in range(start, stop):
                code = 1
                if row - start < rules.induction_sessions and (start == begin or again):
                    code = 0 if start == begin else 2
                # a second re-induction follows the first without maintenance between them
                if code != previous or (code == 2 and row == start):
                    n_courses = n_courses + 1
                    place = 0
                place += 1
                course[row] = code
                course_number[row] = n_courses
                number_in_course[row] = place
                previous = code
            start = stop


# ---- as the kernels are called


def _found(loop, types, size, *arguments):
    """What a loop writes into empty arrays: one entry per patient, or per row of `size`."""
    found = [np.empty(size(*arguments), kind) for kind in types]
    loop(*arguments, *found)
    return found


def _patients(offsets, *_):
    return len(offsets) - 1


def _rows(_, day, *__):
    return len(day)


_ROW = np.int64
_DAY = np.int32
_ANCHOR = (_ROW, np.float64, _DAY, np.int32, _DAY)
_RUN = (_ROW, _ROW, _ROW, np.int8)
LOOPS = {
    (kernels, "anchor"): lambda *given: Baseline(
        *_found(anchor, _ANCHOR, _patients, *given)
    ),
    (runs, "first_run"): lambda *given: FirstRuns(
        *_found(first_run, _RUN, _patients, *given)
    ),
    (runs, "recovered"): lambda *given: _found(recovered, [np.int8], _patients, *given)[
        0
    ],
    (kernels, "align"): partial(_found, align, (np.int32, _DAY), _rows),
    (kernels, "locate"): partial(
        _found, locate, (_DAY, np.int32, _DAY), lambda event, *_: len(event)
    ),
    (kernels, "courses"): partial(
        _found, courses, (np.int8, np.int32, np.int32), _rows
    ),
}
