"""How many sessions until a patient responds, with those who stopped and those never scored kept in
the denominator.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from kettrack.analysis.context import FEWEST, LEVEL, made_from, refusal, release
from kettrack.analysis.registry import question
from kettrack.analysis.response.exits import CAUSES, by_confirmed, first_course_exits
from kettrack.analysis.response.plasmode import NULL_CAVEAT, SEED, null_cohort
from kettrack.analysis.response.words import caveats, published, sentence
from kettrack.errors import NotIdentified
from kettrack.estimators.survival.competing_risks import (
    ExitCounts,
    count_competing_risks,
    estimate_incidence,
)
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort

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
    **dict.fromkeys(("half_by", "half_by_low", "half_by_high"), "derived"),
    **dict.fromkeys(("remitted", "confirmed", "null", "null_confirmed"), "derived"),
}


def count(cohort: DerivedCohort, event: str = "response") -> ExitCounts:
    """Exits from the first course by session number; counts of several sites can be added.

    Raises
    ------
    NotIdentified
        When no log says to which day it is complete.
    """
    exits = first_course_exits(cohort, event)
    return count_competing_risks(
        exits["step"].to_numpy(), exits["cause"].to_numpy(), len(CAUSES)
    )


def estimate(counts: ExitCounts) -> pd.DataFrame:
    """Cumulative incidence by session number, in percent.

    Returns
    -------
    DataFrame
        One row per session, to the last with at least 11 at risk: `session` `n` (at risk at session
        1) `too_new` (people whose log is too short, or holds no score yet, to be at risk at all)
        `at_risk`, the new exits by cause, `log_ends`, `estimate` `ci_low` `ci_high` (% who had the
        event by that session; missing at 0 and 100 %), the other bands, which with the estimate add
        up to 100 %, and `half_by` (first session with at least 50 %) with its interval
        `half_by_low` `half_by_high`, the first sessions at which the upper and the lower end of the
        interval are at least 50 %; each missing before it is reached.
    """
    found = estimate_incidence(counts, LEVEL)
    last = int((counts.at_risk >= FEWEST).sum())
    session = np.arange(1, last + 1)
    table = pd.DataFrame({"session": session, "at_risk": counts.at_risk[:last]})
    table.insert(1, "n", counts.at_risk.max(initial=0))
    table.insert(2, "too_new", counts.never_at_risk)
    for place, cause in enumerate(CAUSES):
        table[f"new_{cause}"] = counts.events[:last, place]
    table["log_ends"] = counts.censored[:last]
    for name, values in (
        ("estimate", found.estimate),
        ("ci_low", found.ci_low),
        ("ci_high", found.ci_high),
    ):
        table[name] = 100 * values[:last, 0]
    for place, cause in enumerate(CAUSES[1:], start=1):
        table[cause] = 100 * found.estimate[:last, place]
    table["still_in_course"] = 100 * found.free[:last]
    for name, values in (
        ("", found.estimate),
        ("_low", found.ci_high),
        ("_high", found.ci_low),
    ):
        table[f"half_by{name}"] = _first_with_half(values[:last, 0])
    return table


def _first_with_half(share: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """First session with at least one half, on every row from there; missing before."""
    reached = np.maximum.accumulate(np.nan_to_num(share) >= 0.5 - 1e-9)
    return np.where(reached, reached.argmax() + 1.0, np.nan)


@question(
    "response_by_session",
    asks="How many have responded by each session, of all who started?",
    by_group=True,
)
def response_by_session(cohort: DerivedCohort, event: str = "response") -> Result:
    """Percent who have responded (or remitted) by each session of the first course, as it happens
    in this clinic.

    Estimand E1: the chance of a first response by session s, where stopping, never being scored
    again, and ending the course without response are things that happen, not reasons to leave
    people out.

    Parameters
    ----------
    cohort : DerivedCohort
        With `observed_to_day` or `stop_day` for at least some patients.
    event : {"response", "remission"}
        Under the cohort's criteria.

    Returns
    -------
    Result
        See `estimate` for the table. Beside it stand, by the same session and in percent:
        `remitted` (for a response; by the same counting), `confirmed` (the event seen again by a
        second score 7-60 days later), `null` (what a model fitted to this clinic shows if sessions
        do nothing; missing where it cannot be fitted, with a caveat that says why) and
        `null_confirmed` (the same, seen again by a second score). Refused when no log says to which
        day it is complete, or fewer than 11 are at risk.
    """
    estimand = (
        f"Chance of a first {event} by session s of the first course, as it happens in this"
        " clinic."
    )
    name = f"{event}_by_session"
    try:
        counts = count(cohort, event)
        if counts.at_risk.max(initial=0) < FEWEST:
            raise NotIdentified(
                "fewer than 11 patients have a rated baseline and a log that is complete for 60"
                " days after session 1.",
                "a score in the 30 days before session 1, and observed_to_day.",
            )
    except NotIdentified as error:
        return release(refusal(name, cohort, error, estimand), cohort)
    table, null_caveat = _with_null(
        _with_others(estimate(counts), cohort, event), cohort, event
    )
    result = Result(
        name=name,
        table=table,
        roles=ROLES,
        decimals=dict.fromkeys(("half_by", "half_by_low", "half_by_high"), 0),
        show=(
            "session",
            "at_risk",
            "estimate",
            "ci_low",
            "ci_high",
            "null",
            *(["remitted"] if event == "response" else []),
            "confirmed",
            "null_confirmed",
            *BANDS[1:],
        ),
        sentence=sentence(table, cohort, event),
        estimand=estimand,
        caveats=(
            *caveats(cohort, event),
            null_caveat,
            published(event, int(table["session"].max())),
        ),
        made_from=made_from(cohort, unit="percent of patients", level=LEVEL, seed=SEED),
    )
    return release(result, cohort)


@question(
    "remission_by_session",
    asks="How many have remitted by each session, of all who started?",
    by_group=True,
)
def remission_by_session(cohort: DerivedCohort) -> Result:
    """`response_by_session` for remission."""
    return response_by_session(cohort, "remission")


def _with_others(
    table: pd.DataFrame, cohort: DerivedCohort, event: str
) -> pd.DataFrame:
    """Remission beside response, and the event by two scores beside the one by one."""
    if event == "response":
        table["remitted"] = (
            np.nan
            if cohort.criteria.remission is None
            else _reached(cohort, "remission", len(table))
        )
    return table.assign(confirmed=_reached(by_confirmed(cohort), event, len(table)))


def _with_null(
    table: pd.DataFrame, cohort: DerivedCohort, event: str
) -> tuple[pd.DataFrame, str]:
    """The curve of sessions that do nothing, and the caveat that explains it or why it is
    missing.
    """
    try:
        nothing = null_cohort(cohort)
        shares = {"null": nothing, "null_confirmed": by_confirmed(nothing)}
        return (
            table.assign(
                **{
                    name: _reached(made, event, len(table))
                    for name, made in shares.items()
                }
            ),
            NULL_CAVEAT,
        )
    except NotIdentified as error:
        missing = table.assign(null=np.nan, null_confirmed=np.nan)
        return (
            missing,
            f"No null curve: {error.reason} To have it, record: {error.collect}",
        )


def _reached(
    cohort: DerivedCohort, event: str, sessions: int
) -> npt.NDArray[np.float64]:
    """Percent with the event by each of the first sessions; the last value holds on where nobody is
    left.
    """
    share = estimate_incidence(count(cohort, event), LEVEL).estimate[:sessions, 0]
    return 100 * np.pad(
        share, (0, sessions - len(share)), "edge" if len(share) else "constant"
    )
