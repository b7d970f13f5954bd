"""Who was still scored on the way to a horizon, and what was known of them at each step."""

from __future__ import annotations

from typing import Final

import numpy as np

from kettrack.analysis.horizons.visits import Visit, score_in, week_windows
from kettrack.arrays import Floats, Ints
from kettrack.estimators.causal.standardised import FollowedRows
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.kernels import NO_ROW

# Columns of the history beside one for each step: they need enough people who leave.
HISTORY_COLUMNS: Final = 6


def followed_rows(
    cohort: DerivedCohort,
    visit: Visit,
) -> FollowedRows:
    """Steps on the way to a horizon, for as long as each person was still to be scored.

    A step begins with the window of each earlier visit, and the last one with that of the horizon.
    Somebody stays if a score comes at the step or later, at the last step if it comes in the
    window. A step at which nobody leaves changes no weight, and is left out.
    """
    person = visit.person
    window = visit.window
    # A score after the window says nothing of who could be scored in it.
    last = _last_day(cohort, window.high)[person]
    begins = [each.low for each in week_windows(cohort.bucket.n).values()]
    # Everybody is followed at the start; whoever leaves is asked no more.
    there = np.ones(len(person), bool)
    # A visit that begins with the window or after it is no step on the way.
    open_at = [(begin < window.low)[person] for begin in begins]
    stays_at = [last >= begin[person] for begin in begins]
    rows = []
    for place, begin in enumerate([*begins, window.low]):
        final = place == len(begins)
        here = there if final else there & open_at[place]
        stays = visit.scored if final else stays_at[place]
        if final or not stays[here].all():
            history = _history(
                cohort,
                begin,
                visit,
                (place, len(begins)),
            )
            rows.append((np.flatnonzero(here), history[here], stays[here]))
        there = there & (stays | ~here)
    who, history, stays = (np.concatenate(part) for part in zip(*rows, strict=True))
    # A step that nobody takes would leave a column that says nothing.
    return FollowedRows(
        who,
        history[:, (history != 0).any(axis=0)],
        stays,
    )


def _last_day(
    cohort: DerivedCohort,
    high: Ints,
) -> Ints:
    """Day of the last score up to the end of the window; the first session where there is none."""
    bucket = cohort.bucket
    day = np.asarray(bucket.score_day, dtype=np.int64)
    inside = bucket.score_known & (day <= high[bucket.score_patient])
    rows = np.asarray(bucket.last_row(inside), dtype=np.int64)
    return _day_of(day, rows)


def _day_of(
    day: Ints,
    rows: Ints,
) -> Ints:
    if not len(day):
        return np.zeros(len(rows), dtype=np.int64)
    return np.where(
        rows == NO_ROW,
        0,
        day[rows],
    )


def _history(
    cohort: DerivedCohort, begin: Ints, visit: Visit, step: tuple[int, int]
) -> Floats:
    """What was known of each person on the day before a step begins."""
    bucket = cohort.bucket
    person = visit.person
    day = np.asarray(bucket.score_day, dtype=np.int64)
    before = bucket.score_known & (day < begin[bucket.score_patient])
    rows = np.asarray(bucket.last_row(before), dtype=np.int64)
    last = score_in(cohort, rows)[person]
    ago = (begin - _day_of(day, rows))[person]
    place, final = step
    # Each step has a chance of its own, and the last score may weigh more later on.
    steps = np.zeros((len(person), final + 1))
    steps[:, place] = 1.0
    known = np.where(
        np.isnan(last),
        visit.baseline,
        last,
    )
    return np.column_stack(
        [
            steps,
            visit.baseline,
            known,
            known * place / final,
            # Very ill and very well people may both stay away.
            (known - visit.baseline.mean()) ** 2,
            # A day more matters less the longer ago, and so does a session more.
            np.log1p(np.maximum(ago, 0)),
            np.log1p(_sessions_before(cohort, begin)[person]),
        ]
    )


def _sessions_before(
    cohort: DerivedCohort,
    begin: Ints,
) -> Ints:
    bucket = cohort.bucket
    whose = np.repeat(
        np.arange(bucket.n),
        np.diff(bucket.session_offsets),
    )
    had = np.asarray(bucket.session_day) < begin[whose]
    return np.bincount(whose[had], minlength=bucket.n)
