"""Adherence and persistence: how many sessions came in the window of an induction, and when people
stopped coming, by the reason.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL, death_words, require_log_end
from kettrack.analysis.person_rows import exit_rows, joined, share_rows
from kettrack.analysis.registry import Answer, question
from kettrack.arrays import Bools, Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.intervals import wilson
from kettrack.estimators.survival.competing_risks import (
    count_competing_risks,
    estimate_incidence,
)
from kettrack.estimators.survival.life_table import steps_to_show
from kettrack.result import Role
from kettrack.timelines.as_of import death_days
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import (
    COMPLETE_LOG_DAYS,
    DAYS_IN_WEEK,
    INDUCTION_WINDOWS,
    LAST_CURVE_DAY,
)
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.made_of import COUNTED_BY_UNIT, Scaled
from kettrack.vocabulary.plain_words import share_with_interval

_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "about": "label",
    "unit": "label",
    "n": "denominator",
    "events": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
}
_REASON_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "week": "label",
    "reason": "label",
    "n": "denominator",
    "events": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
}
# Weeks since session 1 at which the share that stopped is told.
WEEKS: Final = (4, 12, 26, 52)
_UNKNOWN: Final = "unknown"
_DIED: Final = "died"
_ALL: Final = "any_reason"


@question(
    "induction_completed",
    recipes=(COUNTED_BY_UNIT,),
    asks="How many completed the induction in time?",
    unit="as named in each row",
    estimand=(
        "Share of everybody who started who had a given number of sessions within a given number"
        " of days, the first session being day 0; and the days between sessions meanwhile."
    ),
    roles=_ROLES,
)
def induction_completed(cohort: DerivedCohort) -> Answer:
    """Share with so many sessions in the window of an induction.

    Returns
    -------
    Result
        One row per window of `INDUCTION_WINDOWS`: `events` of `n` people whose log reaches to the
        end of the window, with Wilson's interval; `days_per_session`: median days per session from
        the first to the last of the longest window, among people with two or more. Refused with
        fewer than `FEWEST_PEOPLE`.
    """
    require_log_end(cohort)
    windows = {
        f"sessions_{sessions}_in_{days // DAYS_IN_WEEK}_weeks": (sessions, days)
        for sessions, days in INDUCTION_WINDOWS
    }
    flags = {key: _completed(cohort, *window) for key, window in windows.items()}
    if max(len(flag) for flag in flags.values()) < FEWEST_PEOPLE:
        raise NotIdentified(
            f"fewer than {FEWEST_PEOPLE} people have a log that reaches to the end of the window.",
            "observed_to_day for each patient.",
        )
    rows = [_share_row(key, windows[key], flag) for key, flag in flags.items()]
    rows.append(_pace_row(cohort, max(days for _, days in INDUCTION_WINDOWS)))
    table = pd.DataFrame(rows).reindex(columns=list(_ROLES))
    table["events"] = table["events"].astype("Int64")
    first = next(iter(windows))
    sessions, days = windows[first]
    # Where everybody had one session there is no pace.
    pace = (
        " The median was {days_per_session.estimate} days per session."
        if rows[-1]["n"]
        else ""
    )
    return Answer(
        table=table,
        sentence=(
            f"{{{first}.events}} of {{{first}.n}} people had {sessions} sessions or more within"
            f" {days // DAYS_IN_WEEK} weeks: {share_with_interval(first)}.{pace} The others came"
            " more slowly or stopped; this does not say why, or how they did."
        ),
        caveats=(
            "A session on the last day of the window counts, and so do two sessions on one day."
            " People whose log ends before the window does are left out, whatever they had by"
            " then.",
            "Six in three weeks is a course of two infusions a week. Four in four weeks is the"
            " least that McInnes 2022 (J Affect Disord 301:486) called an induction.",
        ),
        level=LEVEL,
        rows=partial(_window_rows, flags),
    )


def _completed(cohort: DerivedCohort, sessions: int, days: int) -> pd.Series:
    """Whether each person had so many sessions in the window, of those whose log reaches so far."""
    observed = cohort.patients.set_index("patient_id")["observed_to_day"]
    # Day 0 is the first day of the window.
    last = days - 1
    long_enough = (observed.astype("Float64") >= last).fillna(False).astype(bool)
    begun = ~_begun_before(cohort)
    rows = cohort.sessions
    inside = (rows["day"] <= last).groupby(rows["patient_id"].astype(object)).sum()
    people = observed.index[long_enough.to_numpy() & begun]
    return inside.reindex(people).fillna(0) >= sessions


def _begun_before(cohort: DerivedCohort) -> Bools:
    """Who had sessions before the log begins: nobody knows when their induction was."""
    return np.asarray(cohort.log_reasons["prior_sessions"], bool)


def _share_row(key: str, window: tuple[int, int], flag: pd.Series) -> dict[str, Any]:
    events = int(flag.sum())
    return {
        "key": key,
        "about": f"{window[0]} sessions or more within {window[1] // DAYS_IN_WEEK} weeks",
        "unit": "%",
        "n": len(flag),
        "events": events,
        **wilson(events, len(flag), LEVEL)._asdict(),
    }


def _pace_row(cohort: DerivedCohort, days: int) -> dict[str, Any]:
    """Days per session in the longest window, each person once."""
    rows = cohort.sessions[cohort.sessions["day"] < days]
    by_patient = rows.groupby(rows["patient_id"].astype(object))["day"]
    # One session has no pace.
    number = by_patient.size()
    pace = (by_patient.max() / (number - 1))[number > 1]
    low, middle, high = pace.astype(float).quantile([0.25, 0.5, 0.75])
    return {
        "key": "days_per_session",
        "about": "median days per session, with the middle half of people",
        "unit": "days",
        "n": len(pace),
        "estimate": middle,
        "ci_low": low,
        "ci_high": high,
    }


def _window_rows(flags: dict[str, pd.Series]) -> pd.DataFrame:
    """Who had enough sessions in each window."""
    return joined(
        [share_rows(key, flag.index, flag.to_numpy()) for key, flag in flags.items()]
    )


@question(
    "time_to_discontinuation",
    recipes=(Scaled(value="estimate", of="n", ends=("ci_low", "ci_high")),),
    asks="When do people stop coming, and for which recorded reason?",
    unit="percent of patients",
    estimand=(
        f"Share of everybody who started whose sessions ended, followed by {COMPLETE_LOG_DAYS} days"
        " or more without one, by week since session 1 and by recorded reason, the reasons being"
        " competing causes. The end of a planned course is no reason of its own."
    ),
    roles=_REASON_ROLES,
    show=("week", "reason", "n", "events", "estimate", "ci_low", "ci_high"),
)
def time_to_discontinuation(cohort: DerivedCohort) -> Answer:
    """Percent who had stopped by some weeks, by reason.

    Returns
    -------
    Result
        One row per week of `WEEKS` that the curve reaches, and reason (`any_reason` first):
        `events` of `n` people, and the Aalen-Johansen estimate with its interval. The day of
        stopping is that of the last session before the first gap that is too long; whoever comes
        back later has stopped once. Refused with fewer than `FEWEST_PEOPLE`, and where no log says
        how far it reaches.
    """
    require_log_end(cohort)
    exits, reasons = discontinuations(cohort)
    counted = exits[exits["step"] > 0]
    if len(counted) < FEWEST_PEOPLE:
        raise NotIdentified(
            f"fewer than {FEWEST_PEOPLE} people have a log that is complete for"
            f" {COMPLETE_LOG_DAYS} days after session 1.",
            "observed_to_day for each patient.",
        )
    table = _reason_table(counted, reasons)
    last = int(table["week"].max())
    return Answer(
        table=table,
        sentence=_reason_sentence(table, last),
        caveats=(
            f"Stopped: no session for {COMPLETE_LOG_DAYS} days after it. A session counts only when"
            " the log is complete for so long after it. Who comes back after such a gap has stopped"
            " all the same. The recorded reason is that of the last stop, so it is not known for"
            " people who came back.",
            *death_words(
                cohort,
                f"Who died within {COMPLETE_LOG_DAYS} days of the last session, and of whom no"
                " reason is recorded, stopped because of the death.",
            ),
            "Reasons compete (Aalen-Johansen): their shares add up to that of any reason. A stop is"
            " no failure and no success: some people are well, others are not helped. The reason"
            " is what the clinic recorded, and unknown where it recorded none.",
        ),
        level=LEVEL,
        rows=partial(
            exit_rows,
            "stopped",
            exits.assign(step=exits["step"] - 1),
            reasons,
            first_step=0,
        ),
    )


def discontinuations(cohort: DerivedCohort) -> tuple[pd.DataFrame, list[str]]:
    """Day on which each person stopped coming, and why.

    Returns
    -------
    exits : DataFrame
        One row per patient without sessions before the log: `patient_id` `step` (day + 1; 0 = the
        log is too short) `cause` (0 = the log ends first, else place in the reasons from 1).
    reasons : list of str
        Those that anybody stopped for.
    """
    bucket = cohort.bucket
    known_to = np.asarray(bucket.observed_to_day, np.float64) - COMPLETE_LOG_DAYS
    last, gap_after = _last_before_gap(cohort)
    death = death_days(cohort.cohort).to_numpy(np.float64, na_value=np.inf)
    # Whoever dies before a gap is too long can have no more sessions, however far the log goes on.
    died = (death <= last + COMPLETE_LOG_DAYS) & ~np.isfinite(gap_after)
    stopped = (last <= known_to) | died
    recorded = cohort.patients["stop_reason"].astype(object)
    # What the clinic recorded of the stop came before the death.
    recorded = recorded.mask(recorded.isna().to_numpy() & died, _DIED).fillna(_UNKNOWN)
    # A reason belongs to the end of all sessions, not to a pause before somebody came back.
    reason = recorded.where(~np.isfinite(gap_after), _UNKNOWN).to_numpy(object)
    reasons = sorted({str(name) for name in reason[stopped]})
    place = np.array(
        [reasons.index(name) + 1 if name in reasons else 0 for name in reason]
    )
    step = np.where(stopped, last, known_to) + 1
    counted = (known_to >= 0) | died
    exits = pd.DataFrame(
        {
            "patient_id": bucket.patient_id,
            "step": np.where(counted, step, 0).astype(np.int64),
            "cause": np.where(stopped & counted, place, 0),
        }
    )
    return exits[~_begun_before(cohort)].reset_index(drop=True), reasons


def _last_before_gap(cohort: DerivedCohort) -> tuple[Floats, Floats]:
    """Day of the last session before the first gap that is too long, and that gap; infinite where
    nobody came back.
    """
    bucket = cohort.bucket
    day = bucket.session_day.astype(np.float64)
    following = np.append(day[1:], np.inf)
    # The last session of a patient is followed by nothing, not by the next patient.
    following[bucket.session_offsets[1:] - 1] = np.inf
    gap = following - day
    # Every patient has such a gap: the last one is without end.
    rows = np.flatnonzero(gap > COMPLETE_LOG_DAYS)
    first = rows[np.searchsorted(rows, bucket.session_offsets[:-1])]
    return day[first], gap[first]


def _reason_table(exits: pd.DataFrame, reasons: list[str]) -> pd.DataFrame:
    """One row per week and reason, as far as the curve stands on enough people."""
    step = exits["step"].to_numpy()
    cause = exits["cause"].to_numpy()
    whole = count_competing_risks(step, (cause > 0).astype(np.int64), 1)
    # Steps begin with 1, days with 0.
    longest = LAST_CURVE_DAY + 1
    shown = steps_to_show(whole.still_counted, whole.censored, FEWEST_PEOPLE, longest)
    # Without any stop there are no reasons to split by.
    found = {_ALL: (estimate_incidence(whole, LEVEL), 0)}
    if reasons:
        parts = estimate_incidence(count_competing_risks(step, cause, len(reasons)))
        found |= {name: (parts, place) for place, name in enumerate(reasons)}
    days = [DAYS_IN_WEEK * week for week in WEEKS if DAYS_IN_WEEK * week < shown]
    rows = []
    for end in days or [0]:
        by_then = cause * (step <= end + 1)
        for name, (curve, place) in found.items():
            at = min(end, len(curve.free) - 1)
            stopped = by_then > 0 if name == _ALL else by_then == place + 1
            rows.append(
                {
                    "key": f"{name}_{end // DAYS_IN_WEEK}",
                    "week": end // DAYS_IN_WEEK,
                    "reason": name,
                    "n": len(exits),
                    "events": int(stopped.sum()),
                    "estimate": 100 * curve.estimate[at, place],
                    "ci_low": 100 * curve.ci_low[at, place],
                    "ci_high": 100 * curve.ci_high[at, place],
                }
            )
    return pd.DataFrame(rows)


def _reason_sentence(table: pd.DataFrame, last: int) -> str:
    """Everybody who had stopped by the last week, and the reasons."""
    here = table[(table["week"] == last) & (table["reason"] != _ALL)]
    parts = [
        f"{{{key}.reason}} {{{key}.estimate:%}}"
        for key in here.sort_values("estimate", ascending=False, kind="stable")["key"]
    ]
    key = f"{_ALL}_{last}"
    return (
        f"Of {{{key}.n}} people, {share_with_interval(key)} had stopped coming by week {last}"
        f" after session 1, the end of a planned course included. Recorded"
        f" reasons: {'; '.join(parts) or 'none'}."
    )
