"""How many sessions until a patient responds, with those who stopped and those never scored kept in the denominator."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import made_from, refusal, release
from kettrack.analysis.exits import CAUSES, first_course_exits
from kettrack.analysis.session_counts import FIRST_COURSE
from kettrack.errors import NotIdentified
from kettrack.estimators.competing import ExitCounts, count_exits, estimate_incidence
from kettrack.reading.cohort import Cohort
from kettrack.result import Result, Role

FEWEST_AT_RISK: Final = 11  # a curve ends where fewer are left: below it one person moves it by a tenth
LEVEL: Final = 0.95
COUNTED: Final = (
    "Counted: everyone with a rated baseline and a log complete for 60 days after session 1, scored or not. "
    f"{FIRST_COURSE} Completed: reached its end, or went on after a pause, without the event."
)
BANDS: Final = ("responded", "stopped", "not_scored", "completed", "still_in_course")
ROLES: Final[dict[str, Role]] = {
    "session": "key",
    "n": "denominator",
    "too_new": "count",
    "at_risk": "running",
    **{f"new_{cause}": "count" for cause in CAUSES},
    "log_ends": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    **dict.fromkeys(BANDS[1:], "derived"),
    "half_by": "derived",
}
_WORDS: Final = {"response": "responded", "remission": "remitted"}


def count(cohort: Cohort, event: str = "response") -> ExitCounts:
    """Exits from the first course by session number; counts of several sites can be added.

    Raises
    ------
    NotIdentified
        When no log says to which day it is complete.
    """
    exits = first_course_exits(cohort, event)
    return count_exits(exits["step"].to_numpy(), exits["cause"].to_numpy(), len(CAUSES))


def estimate(counts: ExitCounts) -> pd.DataFrame:
    """Cumulative incidence by session number, in percent.

    Returns
    -------
    DataFrame
        One row per session, to the last with at least 11 at risk: `session` `n` (at risk at session 1) `too_new` (people whose
        log is too short, or holds no score yet, to be at risk at all) `at_risk`, the new exits by cause, `log_ends`, `estimate`
        `ci_low` `ci_high` (% who had the event by that session; missing at 0 and 100 %), the other bands, which with the
        estimate add up to 100 %, and `half_by` (first session with at least 50 %; missing before).
    """
    found = estimate_incidence(counts, LEVEL)
    last = int((counts.at_risk >= FEWEST_AT_RISK).sum())
    session = np.arange(1, last + 1)
    table = pd.DataFrame({"session": session, "at_risk": counts.at_risk[:last]})
    table.insert(1, "n", counts.at_risk.max(initial=0))
    table.insert(2, "too_new", counts.never_at_risk)
    for place, cause in enumerate(CAUSES):
        table[f"new_{cause}"] = counts.events[:last, place]
    table["log_ends"] = counts.censored[:last]
    for name, values in (("estimate", found.estimate), ("ci_low", found.ci_low), ("ci_high", found.ci_high)):
        table[name] = 100 * values[:last, 0]
    for place, cause in enumerate(CAUSES[1:], start=1):
        table[cause] = 100 * found.estimate[:last, place]
    half = np.flatnonzero(found.estimate[:last, 0] >= 0.5 - 1e-9)
    reached = (np.arange(last) >= half[0]) if half.size else np.zeros(last, bool)
    return table.assign(still_in_course=100 * found.free[:last], half_by=np.where(reached, session[half[:1]].sum(), np.nan))


def response_by_session(cohort: Cohort, event: str = "response") -> Result:
    """Percent who have responded (or remitted) by each session of the first course, as it happens in this clinic.

    Estimand E1: the chance of a first response by session s, where stopping, never being scored again, and ending the course
    without response are things that happen, not reasons to leave people out.

    Parameters
    ----------
    cohort : Cohort
        With `observed_to_day` or `stop_day` for at least some patients.
    event : {"response", "remission"}
        Under the cohort's criteria.

    Returns
    -------
    Result
        See `estimate` for the table. Refused when no log says to which day it is complete, or fewer than 11 are at risk.
    """
    estimand = f"Chance of a first {event} by session s of the first course, as it happens in this clinic."
    name = f"{event}_by_session"
    try:
        counts = count(cohort, event)
        if counts.at_risk.max(initial=0) < FEWEST_AT_RISK:
            raise NotIdentified(
                "fewer than 11 patients have a rated baseline and a log that is complete for 60 days after session 1.",
                "a score in the 30 days before session 1, and observed_to_day.",
            )
    except NotIdentified as error:
        return release(refusal(name, cohort, error, estimand), cohort)
    table = estimate(counts)
    result = Result(
        name=name,
        table=table,
        roles=ROLES,
        decimals={"half_by": 0},
        show=("session", "at_risk", "estimate", "ci_low", "ci_high", *BANDS[1:]),
        sentence=_sentence(table, event),
        estimand=estimand,
        caveats=_caveats(cohort, event),
        made_from=made_from(cohort, unit="percent of patients", level=LEVEL),
    )
    return release(result, cohort)


def remission_by_session(cohort: Cohort) -> Result:
    """`response_by_session` for remission."""
    return response_by_session(cohort, "remission")


def _sentence(table: pd.DataFrame, event: str) -> str:
    """The state of things at session 6, or at the last session shown."""
    key, last = f"row{min(6, len(table))}", f"row{len(table)}"
    word = _WORDS[event]
    reached = table["half_by"].notna().any()
    median = f"Half had {word} by session {{{last}.half_by}}."
    if not reached:
        median = f"Fewer than half had {word} by session {{{last}.session}}, the last with at least {FEWEST_AT_RISK} at risk."
    return (
        f"Of {{{key}.n}} people who started with a rated baseline ({{{key}.too_new}} more cannot be counted yet), "
        f"{{{key}.estimate}} % "
        f"({{{key}.ci_low}}-{{{key}.ci_high}}) had {word} by session {{{key}.session}} while still in their first course; "
        f"{{{key}.stopped}} % had stopped without, {{{key}.not_scored}} % were not scored within 14 days after their last "
        f"session, {{{key}.completed}} % had completed the course without, {{{key}.still_in_course}} % were still in it. "
        f"{median}"
    )


def _caveats(cohort: Cohort, event: str) -> tuple[str, ...]:
    instrument, rule = cohort.instrument, getattr(cohort.criteria, event)
    recall = instrument.recall_days
    window = (
        [f"{instrument.name} looks back {recall.value:g} days: scores between sessions closer than that overlap."]
        if recall is not None and recall.usable and recall.value > 0
        else []
    )
    return (
        f"{event.capitalize()}: {rule}; {cohort.criteria.label}. 95 % log-log intervals, pointwise.",
        "Association with the number of sessions, not the effect of giving more: who stops when is not chance.",
        COUNTED,
        f"Not scored: no score within {cohort.criteria.late_after_days} days after the last session of the course.",
        *window,
    )
