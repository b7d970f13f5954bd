"""How an event came week by week since session 1, across all courses, and how the others left: the
sessions were over, nobody scored them any more, or the log ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL
from kettrack.analysis.person_rows import exit_rows, joined
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.survival.competing_risks import (
    ExitCounts,
    aalen_johansen,
    count_competing_risks,
    estimate_incidence,
)
from kettrack.estimators.survival.life_table import padded, steps_to_show
from kettrack.result import Role
from kettrack.timelines.bucket import Array
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.events import day_at, find_first_run
from kettrack.timelines.kernels import NO_ROW
from kettrack.vocabulary.days import (
    BASELINE_WINDOW_DAYS,
    COMPLETE_LOG_DAYS,
    DAYS_IN_WEEK,
    LAST_WEEK_OF_RESPONSE,
)
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.made_of import IncidenceCurve, MadeOf
from kettrack.vocabulary.rules import Rule

# When somebody who stopped leaves the count: after the last score, or some days after the session.
Leaving = Literal["last score", "last session"]
# Places in this list, counted from 1, are the causes of the tables; 0 is the end of the log.
WEEK_CAUSES: Final = ("event", "stopped", "not_scored")
WEEK_ROLES: Final[dict[str, Role]] = {
    "week": "key",
    "n": "denominator",
    "too_new": "count",
    # two neighbours tell by their difference how many left
    "at_risk": "running",
    **{f"new_{cause}": "count" for cause in WEEK_CAUSES},
    "log_ends": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    "stopped": "derived",
    "not_scored": "derived",
    "still_followed": "derived",
    "at_most": "derived",
}

# How a policy that rounds makes the figures again.
WEEK_RECIPES: Final[tuple[MadeOf, ...]] = (
    IncidenceCurve(
        step="week",
        n="n",
        at_risk="at_risk",
        causes={"estimate": "new_event"}
        | {cause: f"new_{cause}" for cause in WEEK_CAUSES[1:]},
        censored="log_ends",
        ends=("ci_low", "ci_high"),
        free="still_followed",
        sums={"at_most": ("estimate", "stopped", "not_scored")},
        ticks=DAYS_IN_WEEK,
    ),
)


def event_days(cohort: DerivedCohort, rule: Rule, chosen: Array) -> Floats:
    """Day of the first proven event of each patient; infinite without one.

    Parameters
    ----------
    rule : Rule
        Looked for from the first score after session 1.
    chosen : bool, shape (patients,)
        Who can have it; the others have none.
    """
    bucket = cohort.bucket
    start = np.where(chosen, cohort.baselines.first_assessment, NO_ROW)
    found = find_first_run(
        bucket,
        rule,
        cohort.baselines.score,
        start,
    )
    days = day_at(bucket, found.row)
    return np.where(found.proven, days, np.inf)


def week_exits(
    cohort: DerivedCohort,
    event_day: Floats,
    chosen: Array,
    leaving: Leaving,
) -> pd.DataFrame:
    """Day on which each patient left the count since session 1, and why.

    A day belongs to the count only when the log is complete for `COMPLETE_LOG_DAYS` after it,
    whatever followed: an event is known at once, that nobody scored again only later.

    Parameters
    ----------
    cohort : DerivedCohort
        With `observed_to_day`; patients without it are never at risk.
    event_day : float64, shape (patients,)
        From `event_days`.
    chosen : bool, shape (patients,)
        Who is counted.
    leaving : {"last score", "last session"}
        Whether people who stopped stay in the count as long as somebody scores them, or leave it
        `late_after_days` after their last session.

    Returns
    -------
    DataFrame
        One row per chosen patient: `patient_id` `step` (day + 1; 0 = never at risk: the log is too
        short) `cause` (0 = the log ends first, else place in `WEEK_CAUSES` from 1). `stopped`: had
        no more sessions, and was scored after the last one; `not_scored`: was not.
    """
    bucket = cohort.bucket
    sessions = np.diff(bucket.session_offsets)
    after_all = cohort.alignment.sessions_to_date >= sessions[bucket.score_patient]
    scored_at_end = bucket.first_row(bucket.score_known & after_all) != NO_ROW
    last_score = cohort.baselines.last_day.astype(np.float64)
    return exits_from(
        cohort, event_day, chosen, leaving, last_score, np.asarray(scored_at_end, bool)
    )


def last_session_day(cohort: DerivedCohort) -> Floats:
    """Day of the last session of each patient."""
    bucket = cohort.bucket
    last = bucket.session_day[bucket.session_offsets[1:] - 1]
    return np.asarray(last, np.float64)


def exits_from(
    cohort: DerivedCohort,
    event_day: Floats,
    chosen: Array,
    leaving: Leaving,
    last_score: Floats,
    scored_at_end: Array,
) -> pd.DataFrame:
    """Exits as from `week_exits`, where something else than the primary instrument is asked.

    Parameters
    ----------
    cohort, event_day, chosen, leaving
        As there.
    last_score : float64, shape (patients,)
        Day of the last answer.
    scored_at_end : bool, shape (patients,)
        Who answered after the last session.
    """
    bucket = cohort.bucket
    known_to = np.asarray(bucket.observed_to_day, np.float64) - COMPLETE_LOG_DAYS
    # Whoever was never scored leaves on the day of session 1.
    leaves = np.maximum(np.nan_to_num(last_score), 0)
    if leaving == "last session":
        late = last_session_day(cohort) + cohort.criteria.late_after_days
        leaves = np.where(scored_at_end, late, leaves)
    tests = {
        "event": (event_day <= known_to) & (event_day <= leaves),
        "stopped": (leaves <= known_to) & scored_at_end,
        "not_scored": leaves <= known_to,
    }
    places = [WEEK_CAUSES.index(name) + 1 for name in tests]
    cause = np.select(list(tests.values()), places, 0)
    day = np.select([cause == 1, cause > 1], [event_day, leaves], known_to)
    step = np.where(known_to >= 0, day + 1, 0)
    exits = pd.DataFrame(
        {"patient_id": bucket.patient_id, "step": step.astype(np.int64)}
    )
    return exits.assign(cause=cause)[chosen].reset_index(drop=True)


def count_days(exits: pd.DataFrame) -> ExitCounts:
    """Exits by day; counts of several sites can be added."""
    return count_competing_risks(
        exits["step"].to_numpy(),
        exits["cause"].to_numpy(),
        len(WEEK_CAUSES),
    )


def table_by_week(counts: ExitCounts) -> pd.DataFrame:
    """Cumulative incidence by week since session 1, in percent.

    Returns
    -------
    DataFrame
        One row per week, to `LAST_WEEK_OF_RESPONSE` or the last in which `FEWEST_PEOPLE` are still
        counted; columns as in `WEEK_ROLES`. Week 1 ends on day 7 and includes day 0. `at_risk` is
        the number at the beginning of the week; the bands and the estimate add up to 100 %;
        `at_most` is the share if everyone no longer scored had the event.

    Raises
    ------
    NotIdentified
        When too few people can be counted for a week.
    """
    weeks = _weeks_to_show(counts)
    end = DAYS_IN_WEEK * np.arange(1, weeks + 1)
    days = int(end[-1]) + 1
    # Logs may end before the last week, or go on after it.
    whole = max(days, len(counts.censored))
    events = padded(counts.events, whole)[:days]
    censored = padded(counts.censored, whole)[:days]
    at_risk = padded(counts.at_risk, whole)[:days]
    found = estimate_incidence(counts, LEVEL)
    # Where everybody has left before the last week, the curves go on flat.
    row = np.minimum(end, len(found.free) - 1)
    begin = np.concatenate([[0], end[:-1] + 1])
    table = pd.DataFrame(
        {
            "week": np.arange(1, weeks + 1),
            "n": int(counts.at_risk.max(initial=0)),
            "too_new": counts.never_at_risk,
            "at_risk": at_risk[begin],
        }
    )
    for place, cause in enumerate(WEEK_CAUSES):
        table[f"new_{cause}"] = np.add.reduceat(events[:, place], begin)
    table["log_ends"] = np.add.reduceat(censored, begin)
    table["estimate"] = 100 * found.estimate[row, 0]
    table["ci_low"] = 100 * found.ci_low[row, 0]
    table["ci_high"] = 100 * found.ci_high[row, 0]
    for place, cause in enumerate(WEEK_CAUSES[1:], start=1):
        table[cause] = 100 * found.estimate[row, place]
    table["still_followed"] = 100 * found.free[row]
    table["at_most"] = table[["estimate", "stopped", "not_scored"]].sum(axis=1)
    return table


def _weeks_to_show(counts: ExitCounts) -> int:
    """Weeks whose last day stands on enough people."""
    last_step = DAYS_IN_WEEK * LAST_WEEK_OF_RESPONSE + 1
    steps = steps_to_show(
        counts.still_counted,
        counts.censored,
        FEWEST_PEOPLE,
        last_step,
    )
    weeks = (steps - 1) // DAYS_IN_WEEK
    if weeks < 1:
        raise NotIdentified(
            f"fewer than {FEWEST_PEOPLE} people have a baseline and a log that is complete for"
            f" {COMPLETE_LOG_DAYS} days after the first week.",
            f"a score in the {BASELINE_WINDOW_DAYS} days before session 1, and"
            " observed_to_day.",
        )
    return weeks


def share_by_week(counts: ExitCounts, weeks: int) -> Floats:
    """Percent with the event by the end of each week, without an interval: for what stands beside
    an answer.
    """
    _, _, incidence = aalen_johansen(counts.events, counts.at_risk)
    if not len(incidence):
        return np.full(weeks, np.nan)
    end = DAYS_IN_WEEK * np.arange(1, weeks + 1)
    return 100 * incidence[np.minimum(end, len(incidence) - 1), 0]


def week_rows(curves: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The rows of single patients behind curves by week, on the clock of days since session 1.

    Parameters
    ----------
    curves : mapping
        Name of a curve, as the table's columns have it, to its exits from `week_exits`.
    """
    return joined(
        [
            # Steps begin with 1, days with 0.
            exit_rows(
                name, exits.assign(step=exits["step"] - 1), WEEK_CAUSES, first_step=0
            )
            for name, exits in curves.items()
        ]
    )
