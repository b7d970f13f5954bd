"""Runs of scores that hold a predicate: the first of each patient, and whether somebody had
recovered before an illness came back.

Rows of patient p are `offsets[p]:offsets[p + 1]`, sorted by day, as in `kernels`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from kettrack.arrays import Bools, Floats, Ints, Numbers
from kettrack.timelines.kernels import (
    ANY_DAY,
    CONFIRMED,
    MISSING_DAY,
    NO_ROW,
    NONE,
    PENDING,
    SINGLE,
    UNCONFIRMABLE,
    RunLimits,
    days_at,
    first_of_each,
    last_of_each,
)

# What a run can come to besides: a score spoke against it, or it still waits for a later one.
_REFUTED: Final = 5
_OPEN: Final = 6

# How a value is compared with a cut, by `RunLimits.operator`.
_COMPARED: Final = (np.less_equal, np.greater_equal, np.greater, np.less)


class FirstRuns(NamedTuple):
    """First run of each patient: its first row, the row that proved it, the last row before that
    showed the contrary, and its status.
    """

    event: Ints
    proof: Ints
    contrary: Ints
    status: Numbers


def cut(
    baseline: Floats,
    run: RunLimits,
) -> Floats:
    """The score at which a predicate turns, on each patient's own scale: all measures rise with the
    score.

    NaN, which nothing holds against, without a baseline, and under a percent change with a baseline
    at the lowest score.
    """
    if run.measure == 0:
        return np.full(len(baseline), run.limit)
    if run.measure == 1:
        return baseline + run.limit
    above = baseline - run.zero
    return np.where(
        above != 0,
        baseline + run.limit * above / 100.0,
        np.nan,
    )


def first_run(
    offsets: Numbers,
    day: Numbers,
    value: Numbers,
    known: Bools,
    sessions: Numbers,
    session_day: Numbers,
    observed_to: Numbers,
    since: Numbers,
    baseline: Floats,
    start: Ints,
    run: RunLimits,
) -> FirstRuns:
    """First confirmed run of scores that hold a predicate, else the first one still waiting.

    `start[p]` is the row to begin at (NO_ROW: patient not at risk); `sessions` are the offsets of
    `session_day`. `since` are the days from a session to each row; it is read only where
    `run.within` sets a limit, and a run dated later is passed over: what follows it is judged as if
    the patient began there.
    """
    n = len(offsets) - 1
    scores = ScoresAtRisk.at_risk(
        offsets, day, value, known, start, cut(baseline, run), run.operator
    )
    first = np.flatnonzero(scores.holds)
    # Where one score is enough and no run is passed over, nobody has a second run to look at.
    if run.length == 1 and run.within == ANY_DAY:
        first = _first_places(scores.patient[first], first)
    outcome, latest = _follow(scores, first, run)
    waits = np.flatnonzero(outcome == _OPEN)
    closed = _closed(
        offsets,
        day,
        sessions,
        session_day,
        observed_to,
    )
    # Too late for a confirming score once the log is complete up to the widest gap.
    last_day = scores.day[latest[waits]] + run.max_gap
    over = closed[scores.patient[first[waits]]] >= last_day
    outcome[waits] = np.where(
        over,
        UNCONFIRMABLE,
        PENDING,
    )
    late = _late(
        scores.row[first],
        scores.row[latest],
        outcome,
        since,
        run,
    )
    chosen, after = _chosen(scores.patient[first], outcome, late, n)
    there = chosen != NO_ROW
    place = first[chosen[there]]
    found = _nothing(n)
    found.event[there] = scores.row[place]
    found.status[there] = outcome[chosen[there]]
    proof = np.where(
        _proven(found.status[there]),
        scores.row[latest[chosen[there]]],
        NO_ROW,
    )
    found.proof[there] = proof
    # Where nothing was passed over, -1 takes the entry appended.
    passed = np.append(first, NO_ROW)[after[there]]
    found.contrary[there] = _contrary(
        scores,
        place,
        passed,
    )
    return found


def _contrary(
    scores: ScoresAtRisk,
    place: Ints,
    passed: Ints,
) -> Ints:
    """Row of the last score before some places that did not hold; -1 = none.

    Parameters
    ----------
    scores : ScoresAtRisk
        All of them.
    place : int array
        One for each patient who has a run.
    passed : int array
        Place of the last run before it that was passed over: what came before that counts no more.
    """
    # Before the first place of all, -1 takes the entry appended.
    contrary = np.append(scores.last_not_holding(), NO_ROW)[place - 1]
    # One of another patient, who comes before, is none.
    begins = scores.begin[scores.patient[place]]
    shown = (contrary >= begins) & (contrary > passed)
    return np.where(
        shown,
        np.append(scores.row, NO_ROW)[contrary],
        NO_ROW,
    )


def _first_places(
    patient: Ints,
    place: Ints,
) -> Ints:
    """Those places that are the first of their patient."""
    opens = np.ones(len(patient), dtype=bool)
    opens[1:] = patient[1:] != patient[:-1]
    return place[opens]


def _proven(outcome: Numbers) -> Bools:
    """Which runs are beyond waiting."""
    proven: Bools = (outcome == SINGLE) | (outcome == CONFIRMED)
    return proven


def _nothing(n: int) -> FirstRuns:
    """No run in any patient."""
    return FirstRuns(
        event=np.full(n, NO_ROW, np.int64),
        proof=np.full(n, NO_ROW, np.int64),
        contrary=np.full(n, NO_ROW, np.int64),
        status=np.full(n, NONE, np.int8),
    )


def _follow(
    scores: ScoresAtRisk,
    first: Ints,
    run: RunLimits,
) -> tuple[Numbers, Ints]:
    """What becomes of the runs that start at some places: their outcome, and the last place that
    belongs to each.
    """
    ends_well = SINGLE if run.length == 1 else CONFIRMED
    outcome = np.full(
        len(first),
        ends_well,
        np.int8,
    )
    latest = first.copy()
    if run.length == 1:
        return outcome, latest
    refuting = scores.next_not_holding()
    # One that comes too soon after the last that counted neither counts nor refutes, unless it does
    # not hold. Nothing after the widest gap can confirm or refute, whatever it says.
    soonest = min(run.min_gap, run.max_gap + 1)
    on = np.arange(len(first))
    # One round for each score that is still needed; fewer and fewer runs are in it.
    for _ in range(run.length - 1):
        here = latest[on]
        then = np.maximum(scores.days_later(here, soonest), here + 1)
        then = np.minimum(then, refuting[here + 1])
        # No score of the patient is left that could speak for it or against it.
        ends = then >= scores.end[here]
        outcome[on[ends]] = _OPEN
        on = on[~ends]
        here = here[~ends]
        then = then[~ends]
        far = scores.day[then] - scores.day[here] > run.max_gap
        against = ~far & ~scores.holds[then]
        outcome[on[far]] = UNCONFIRMABLE
        outcome[on[against]] = _REFUTED
        on = on[~far & ~against]
        latest[on] = then[~far & ~against]
    return outcome, latest


def _closed(
    offsets: Numbers,
    day: Numbers,
    sessions: Numbers,
    session_day: Numbers,
    observed_to: Numbers,
) -> Ints:
    """Day to which each patient's log is complete: `observed_to`, else the last row of either
    table; without any row it is never asked for.
    """
    # The entry appended stands where a patient has no row.
    nowhere = np.int32(MISSING_DAY)
    last = np.where(
        np.diff(offsets) > 0,
        offsets[1:] - 1,
        len(day),
    )
    latest = np.append(day, nowhere)[last]
    at_end = np.where(
        np.diff(sessions) > 0,
        sessions[1:] - 1,
        len(session_day),
    )
    latest = np.maximum(latest, np.append(session_day, nowhere)[at_end])
    return np.where(observed_to != MISSING_DAY, observed_to, latest).astype(np.int64)


def _late(
    first: Ints,
    last: Ints,
    outcome: Numbers,
    since: Numbers,
    run: RunLimits,
) -> Bools:
    """Which proven runs are dated too long after a session."""
    if run.within == ANY_DAY:
        return np.zeros(len(first), dtype=bool)
    dated = last if run.dated_last else first
    late: Bools = _proven(outcome) & (since[dated] > run.within)
    return late


def _chosen(
    patient: Ints,
    outcome: Numbers,
    late: Bools,
    n: int,
) -> tuple[Ints, Ints]:
    """Which run of each patient counts, and the last one before it that was passed over; -1 = none.

    The first proven run wins; without one, the first that still waits, after any that was passed
    over.
    """
    nth = np.arange(len(patient))
    proven = np.flatnonzero(_proven(outcome) & ~late)
    best = first_of_each(
        patient[proven],
        proven,
        n,
    )
    # Of those passed over, only the ones before it.
    limit = np.where(
        best == NO_ROW,
        len(patient),
        best,
    )
    passed = np.flatnonzero(late & (nth < limit[patient]))
    after = last_of_each(
        patient[passed],
        passed,
        n,
    )
    waits = (outcome == PENDING) | (outcome == UNCONFIRMABLE)
    waits &= nth > after[patient]
    waiting = np.flatnonzero(waits)
    first_waiting = first_of_each(
        patient[waiting],
        waiting,
        n,
    )
    return np.where(best == NO_ROW, first_waiting, best), after


def recovered(
    offsets: Numbers,
    day: Numbers,
    value: Numbers,
    known: Bools,
    baseline: Floats,
    start: Ints,
    back_day: Numbers,
    run: RunLimits,
    days: int,
    max_gap: int,
) -> Numbers:
    """How an illness came back on `back_day`: int8, shape (patients,).

    0 = within `days` of `start`, 1 = after recovery, 2 = later than `days` without recovery.
    Recovery is a score `days` or more after `start` that does not hold `run`, with no unscored gap
    over `max_gap` before.
    """
    # Who had not remitted, or did not fall ill again, is not looked at.
    asked = (start != NO_ROW) & (back_day != MISSING_DAY)
    after_start = np.where(
        asked,
        start + 1,
        NO_ROW,
    )
    scores = ScoresAtRisk.at_risk(
        offsets, day, value, known, after_start, cut(baseline, run), run.operator
    )
    begin = days_at(day, np.where(asked, start, NO_ROW)).astype(np.int64)
    back = back_day.astype(np.int64)
    patient = scores.patient
    # The first of each patient follows the start, every other the one before it.
    previous = np.empty(len(scores), np.int64)
    previous[1:] = scores.day[:-1]
    opens = _first_places(patient, np.arange(len(scores)))
    previous[opens] = begin[patient[opens]]
    # Beyond the return, or after a gap in which nobody knows how the patient was.
    breaks = (scores.day >= back[patient]) | (scores.day - previous > max_gap)
    at = np.flatnonzero(breaks)
    broken = first_of_each(
        patient[at],
        at,
        len(begin),
        none=len(scores),
    )
    # What is seen up to there may show a recovery.
    seen = np.arange(len(scores)) < broken[patient]
    well = seen & (scores.day - begin[patient] >= days) & ~scores.holds
    out = np.where(asked & (back - begin >= days), 2, 0).astype(np.int8)
    out[patient[well]] = 1
    return out


@dataclass(frozen=True, slots=True)
class ScoresAtRisk:
    """The known scores at which patients are at risk, one after the other.

    Of each score: its `row` among all rows, its `patient` and `day`, whether it `holds` the
    predicate, and the `end`, one past the last place of the same patient. `begin` has the first
    place of each patient.
    """

    row: Ints
    patient: Ints
    day: Ints
    holds: Bools
    end: Ints
    begin: Ints

    @classmethod
    def at_risk(
        cls,
        offsets: Numbers,
        day: Numbers,
        value: Numbers,
        known: Bools,
        begin: Ints,
        cuts: Floats,
        operator: int,
    ) -> ScoresAtRisk:
        """Those from row `begin` of each patient; a patient with `NO_ROW` has none."""
        # Whole stretches of rows are listed: patients who are not at risk cost nothing.
        there = np.flatnonzero(begin != NO_ROW)
        first = begin[there]
        size = np.maximum(offsets[there + 1] - first, 0)
        patient = np.repeat(there, size)
        shift = first - (np.cumsum(size) - size)
        row = np.arange(len(patient)) + np.repeat(shift, size)
        scored = known[row]
        row = row[scored]
        patient = patient[scored]
        n_rows = np.bincount(patient, minlength=len(begin))
        ends = np.cumsum(n_rows)
        return cls(
            row=row,
            patient=patient,
            day=day[row].astype(np.int64),
            holds=_COMPARED[operator](value[row], cuts[patient]),
            end=ends[patient],
            begin=ends - n_rows,
        )

    def __len__(self) -> int:
        return len(self.row)

    def next_not_holding(self) -> Ints:
        """First place from each on, of any patient, that does not hold; one more than there are
        places.
        """
        places = np.where(
            self.holds,
            len(self),
            np.arange(len(self)),
        )
        at_end = np.append(places, len(self))
        return np.minimum.accumulate(at_end[::-1])[::-1]

    def last_not_holding(self) -> Ints:
        """Last place up to each, of any patient, that does not hold; -1 = none."""
        places = np.where(
            self.holds,
            NO_ROW,
            np.arange(len(self)),
        )
        return np.maximum.accumulate(places)

    def days_later(self, place: Ints, days: int) -> Ints:
        """First place of the same patient, or behind it, so many days after some places."""
        # One rising number over all patients, so that one search serves them all.
        low = self.day.min(initial=0)
        span = self.day.max(initial=0) - low + 1
        key = self.patient * span + (self.day - low)
        # No day is farther away than the whole span.
        wanted = self.day[place] - low + min(days, span)
        beyond = wanted >= span
        found = np.searchsorted(key, key[place] + min(days, span))
        return np.where(
            beyond,
            self.end[place],
            found,
        )
