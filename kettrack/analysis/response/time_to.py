"""Days from session 1 to a first response or remission, of everybody who started and in all
courses.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import (
    LEVEL,
    death_words,
    require_log_end,
    require_scored_later,
    rule_words,
)
from kettrack.analysis.courses.by_week import (
    count_days,
    event_days,
    week_exits,
    week_rows,
)
from kettrack.analysis.registry import Answer, asked_as, question
from kettrack.analysis.response.exits import require_rule
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.survival.competing_risks import (
    ExitCounts,
    Incidence,
    estimate_incidence,
)
from kettrack.estimators.survival.life_table import steps_to_show
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import (
    BASELINE_WINDOW_DAYS,
    COMPLETE_LOG_DAYS,
    DAYS_IN_WEEK,
    LAST_WEEK_OF_RESPONSE,
)
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.made_of import SAID_BY_UNIT, Kept

# Shares of everybody who started, in percent, whose day is told.
SHARES: Final = (10, 25, 50, 75)
# A sum of shares may miss a half by the last bit.
_SAME: Final = 1e-9
_LAST_DAY: Final = DAYS_IN_WEEK * LAST_WEEK_OF_RESPONSE
_HAPPENED: Final = {"response": "responded", "remission": "reached remission"}
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "about": "label",
    "unit": "label",
    "n": "denominator",
    "too_new": "count",
    "events": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    "to_day": "derived",
}
_DECIMALS: Final = {"to_day": 0}
_SHOWN: Final = ("about", "unit", "n", "events", "estimate", "ci_low", "ci_high")
_ESTIMAND: Final = (
    "Day since session 1 by which a given share of everybody who started have a first {}, whatever"
    " sessions there were, as it happens in this clinic and as far as people are scored."
)


def count_event_days(cohort: DerivedCohort, event: str = "response") -> ExitCounts:
    """First responses, or remissions, and other exits by day; counts of several sites can be
    added.

    Parameters
    ----------
    cohort : DerivedCohort
        With `observed_to_day`.
    event : {"response", "remission"}
        What people wait for.
    """
    return count_days(event_exits(cohort, event))


def event_exits(cohort: DerivedCohort, event: str) -> pd.DataFrame:
    """Day on which each person left the count, and why; see `week_exits`."""
    require_rule(cohort, event)
    require_log_end(cohort)
    rule = getattr(cohort.criteria, event)
    days = event_days(cohort, rule, cohort.rated)
    return week_exits(cohort, days, cohort.rated, "last score")


@question(
    "time_to_response",
    recipes=(
        SAID_BY_UNIT,
        Kept(values=("to_day",), of="n"),
    ),
    asks="How many days until people respond, of all who started?",
    unit="as named in each row",
    estimand=_ESTIMAND.format("response"),
    roles=_ROLES,
    decimals=_DECIMALS,
    show=_SHOWN,
    count=count_event_days,
)
def time_to_response(cohort: DerivedCohort) -> Answer:
    """Days until given shares of everybody have responded, in all courses and after them.

    Returns
    -------
    Result
        Rows `share_10` `share_25` `share_50` `share_75`: day by which that percentage of `n` people
        had a first response (`estimate`; missing where it was not reached by `to_day`), with an
        interval from the band of the Aalen-Johansen curve; its end is missing where the band does
        not get there. `by_end`: percent by `to_day`. `among_event`: median day among the
        `events` people seen to respond, with the middle half of them in `ci_low` and `ci_high`; it
        leaves out everybody who did not. Refused as `response_by_week`.
    """
    return _time_to(cohort, "response")


@question(
    "time_to_remission",
    recipes=(
        SAID_BY_UNIT,
        Kept(values=("to_day",), of="n"),
    ),
    asks="How many days until people reach remission, of all who started?",
    unit="as named in each row",
    estimand=_ESTIMAND.format("remission"),
    roles=_ROLES,
    decimals=_DECIMALS,
    show=_SHOWN,
    count=partial(count_event_days, event="remission"),
)
def time_to_remission(cohort: DerivedCohort) -> Answer:
    """`time_to_response` with remission in the place of response."""
    return _time_to(cohort, "remission")


def _time_to(cohort: DerivedCohort, event: str) -> Answer:
    exits = event_exits(cohort, event)
    # here and not where they are counted: some people of a clinic may be a bucket or a group
    require_scored_later(cohort, cohort.rated)
    table = days_until(count_days(exits), event)
    return Answer(
        table=table,
        sentence=days_sentence(table, event),
        caveats=_caveats(cohort, event),
        level=LEVEL,
        rows=partial(week_rows, {event: exits}),
    )


def days_until(counts: ExitCounts, event: str) -> pd.DataFrame:
    """One row per share, the share by the last day, and the people seen to have it.

    Parameters
    ----------
    counts : ExitCounts
        From `count_event_days`, or the sum of several.
    event : {"response", "remission"}
        What people wait for.
    """
    last = _last_step(counts)
    found = estimate_incidence(counts, LEVEL)
    events = counts.events[: last + 1, 0]
    came = pd.Series(np.repeat(np.arange(len(events)), events))
    happened = _HAPPENED[event]
    rows: list[dict[str, Any]] = [
        {
            "key": f"share_{share}",
            "about": f"{share} % of all had {happened}",
            "unit": "days",
            **_reached(found, share / 100, last),
        }
        for share in SHARES
    ]
    # Where everybody has left before the last day, the curve goes on flat.
    end = min(last, len(found.free) - 1)
    rows += [_by_end(found, end, happened), _among_event(came, happened)]
    common = {
        "n": int(counts.at_risk.max(initial=0)),
        "too_new": counts.never_at_risk,
        "events": len(came),
        "to_day": float(last),
    }
    return pd.DataFrame([row | common for row in rows])[list(_ROLES)]


def _last_step(counts: ExitCounts) -> int:
    """Last day that stands on enough people."""
    steps = steps_to_show(
        counts.still_counted,
        counts.censored,
        FEWEST_PEOPLE,
        _LAST_DAY + 1,
    )
    if steps < 1:
        raise NotIdentified(
            f"fewer than {FEWEST_PEOPLE} people have a baseline and a log that is complete for"
            f" {COMPLETE_LOG_DAYS} days after session 1.",
            f"a score in the {BASELINE_WINDOW_DAYS} days before session 1, and"
            " observed_to_day.",
        )
    return steps - 1


def _reached(found: Incidence, share: float, last: int) -> dict[str, float]:
    """First day on which the curve, and each end of its band, is at a share."""
    # The upper end of the band gets there first: it is the lower end of the day.
    ends = {
        "estimate": found.estimate,
        "ci_low": found.ci_high,
        "ci_high": found.ci_low,
    }
    return {
        name: _first_day(curve[: last + 1, 0], share) for name, curve in ends.items()
    }


def _first_day(curve: Floats, share: float) -> float:
    """First step of a rising curve at a share or above; NaN where there is none."""
    there = np.flatnonzero(curve >= share - _SAME)
    return float(there[0]) if there.size else np.nan


def _by_end(found: Incidence, end: int, happened: str) -> dict[str, Any]:
    return {
        "key": "by_end",
        "about": f"had {happened} by the last day told",
        "unit": "% of all",
        "estimate": 100 * found.estimate[end, 0],
        "ci_low": 100 * found.ci_low[end, 0],
        "ci_high": 100 * found.ci_high[end, 0],
    }


def _among_event(days: pd.Series, happened: str) -> dict[str, Any]:
    """Median and middle half of those who had it: the figure that most papers print."""
    low, middle, high = days.quantile([0.25, 0.5, 0.75])
    return {
        "key": "among_event",
        "about": f"median of those who {happened}, with the middle half",
        "unit": "days",
        "estimate": middle,
        "ci_low": low,
        "ci_high": high,
    }


def days_sentence(table: pd.DataFrame, event: str) -> str:
    """Half of everybody, or that half never got there; then what papers print."""
    happened = _HAPPENED[event]
    rows = table.set_index("key")
    half = "Half of them"
    row = "share_50"
    if rows["estimate"].isna()["share_50"]:
        half = "A quarter of them"
        row = "share_25"
    if rows["estimate"].isna()[row]:
        when = f"Fewer than a quarter of them had {happened} by day {{by_end.to_day}}."
    else:
        when = f"{half} had {happened} by day {{{row}.estimate:.0f}}{_days(rows, row)}."
    among = (
        f" The {{among_event.events}} people who {happened} took a median of"
        " {among_event.estimate:.0f} days. That figure leaves out everybody else."
    )
    return (
        "{by_end.n} people started with a rated baseline. "
        f"{when} By day {{by_end.to_day}}, {{by_end.estimate:%}} ({{by_end.ci_low:pc}} to"
        f" {{by_end.ci_high:%}}) had {happened}, in all courses and after them."
        f"{among if rows['events'].iloc[0] else ''} The harm beside it is the answer to"
        f" {asked_as('worsening_by_week')}"
    )


def _days(rows: pd.DataFrame, row: str) -> str:
    """The interval of a day; an end that the curve does not show says so."""
    low, high = (
        "not reached" if pd.isna(rows[end][row]) else f"{{{row}.{end}:.0f}}"
        for end in ("ci_low", "ci_high")
    )
    return f" (95 % interval {low} to {high})"


def _caveats(cohort: DerivedCohort, event: str) -> tuple[str, ...]:
    rule = getattr(cohort.criteria, event)
    return (
        f"{event.capitalize()}: {rule.words}. {rule_words(cohort)}. Counted: everyone with a rated"
        f" baseline and a log that is complete for {COMPLETE_LOG_DAYS} days after session 1,"
        " scored afterwards or not.",
        "People who stopped leave the count at their last score, and people who were never scored"
        " again on the day of session 1 or at their last score. They stay in the denominator"
        " (competing events, Aalen-Johansen). The log's end takes people out.",
        "The day is the day of the score that shows it. It happened between that score and the"
        " one before, so a clinic that scores rarely has later days.",
        *death_words(cohort),
        "No model of sessions that do nothing stands beside these days. People also get better by"
        f" themselves; how many would is the column null in the answer to"
        f" {asked_as('response_by_session')}",
    )
