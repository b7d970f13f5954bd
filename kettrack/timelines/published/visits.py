"""Scores on a grid of weeks: the score closest to each target day, and the rules that ask for
certain weeks.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from kettrack.timelines.bucket import (
    Array,
    Bucket,
    days_or_missing,
    values_at,
)
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.kernels import NO_ROW
from kettrack.timelines.published.ratings import (
    Rating,
    Scored,
    rating,
    too_new,
)
from kettrack.vocabulary.days import DAYS_IN_WEEK
from kettrack.vocabulary.patient_rules import VisitRule

_NEVER: Final = np.iinfo(np.int32).max


def visit_rows(
    bucket: Bucket,
    chosen: Array,
    weeks: tuple[int, ...],
    reach_days: int,
) -> Array:
    """Score that stands for each week: the one closest to its target day, of two equally close the
    earlier.

    Windows never overlap: a score between two target days belongs to the nearer, half-way to the
    earlier.

    Parameters
    ----------
    bucket : Bucket
        Day 0 is the first session.
    chosen : bool, shape (scores,)
        Scores that may stand for a week.
    weeks : tuple of int
        Rising; week w is aimed at day 7 w from the first session.
    reach_days : int
        Farthest a score may lie from its target day, both ends included.

    Returns
    -------
    int64, shape (n, weeks)
        Rows of the bucket; -1 = no score for that week.

    Examples
    --------
    >>> from kettrack.timelines.bucket import bucket_from_arrays
    >>> days, one = np.array([25, 31, 35, 42]), np.zeros(4, int)
    >>> bucket = bucket_from_arrays(1, one, days, np.ones(4), one[:1], np.array([0]))
    >>> visit_rows(bucket, np.ones(4, bool), (4, 6), 7).tolist()
    [[0, 3]]
    """
    targets = DAYS_IN_WEEK * np.asarray(weeks)
    n_weeks = targets.size
    # A day half-way between two targets is not above the middle: it belongs to the earlier week.
    apart = np.diff(targets)
    middles = targets[:-1] + apart / 2
    rows = np.flatnonzero(chosen)
    day = bucket.score_day[rows]
    week = np.searchsorted(middles, day)
    distance = np.abs(day - targets[week])
    near = distance <= reach_days
    rows = rows[near]
    week = week[near]
    # The closest, and of those the earliest, is assigned last and stays.
    distance = distance[near]
    order = np.lexsort((-rows, -distance))
    rows = rows[order]
    patient = bucket.score_patient[rows]
    shape = (bucket.n, n_weeks)
    out = np.full(shape, NO_ROW, np.int64)
    out[patient, week[order]] = rows
    return out


def enough_weeks(
    holds: Array,
    excusable: Array,
    excused: int,
) -> Array:
    """Whether every week holds but at most `excused` of the excusable ones.

    Parameters
    ----------
    holds : bool, shape (n, weeks)
        False where a week fails or has no score.
    excusable : bool, shape (weeks,)
        Weeks that may fail.
    excused : int
        How many of them.

    Returns
    -------
    bool, shape (n,)

    Examples
    --------
    >>> rows = [[0, 1, 1, 1], [0, 0, 1, 1], [1, 1, 1, 0]]
    >>> weeks = np.array(rows, dtype=bool)
    >>> enough_weeks(weeks, np.array([True, True, False, False]), 1).tolist()
    [True, False, False]
    """
    fails = ~holds
    needed = fails & ~excusable
    few = fails.sum(axis=1) <= excused
    return few & ~needed.any(axis=1)


def rate_visits(scored: Scored, rule: VisitRule) -> Rating:
    """Rate every patient under a rule of fixed weeks.

    A week without a score decides only where it must: a known failure beyond what is excused is not
    met, whatever is missing. Logs that end before the last window closes are not rated at all, so
    that met and not met are seen alike.
    """
    bucket = scored.bucket
    last_week = rule.weeks[-1]
    last = DAYS_IN_WEEK * last_week
    reach = rule.reach_days
    weeks = rule.weeks
    rows = visit_rows(bucket, scored.assessment, weeks, reach)
    known = rows != NO_ROW
    scored_well = scored.holds(*rule.predicates)
    holds = values_at(scored_well, rows, False)
    excusable = np.isin(weeks, rule.excusable)
    excused = 1 if rule.excusable else 0
    met = enough_weeks(holds, excusable, excused)
    at_best = enough_weeks(holds | ~known, excusable, excused)
    faults = dict(scored.faults)
    begin = last - reach
    end = last + reach
    faults["too_new"] = too_new(bucket, begin, end)
    if rule.missing == "not rated":
        # the weeks without a score decide
        faults["not_scored"] = at_best & ~met
    if rule.in_care:
        met &= stop_days(scored.cohort) >= last
    return rating(met, faults, (bucket, rows))


def stop_days(cohort: DerivedCohort) -> Array:
    """Day on which each patient stopped early: as recorded, else the last session; the largest
    integer while care goes on.
    """
    care = cohort.care
    # A stop recorded before a later session was not the end; a missing one is far below every day.
    recorded = days_or_missing(cohort.patients["stop_day"])
    last_session = care["last_session_day"].to_numpy()
    day = np.maximum(recorded, last_session)
    stopped = care["care_status"] == "stopped"
    return np.where(stopped, day, _NEVER)
