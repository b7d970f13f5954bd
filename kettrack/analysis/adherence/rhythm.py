"""How close together maintenance is, from weekly to monthly and longer, and how it thins out."""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.adherence.planned import (
    ENOUGH_OF_EACH,
    following_sessions,
    groups_not_shown,
    split_rows,
)
from kettrack.analysis.context import LEVEL, require_log_end
from kettrack.analysis.person_rows import COLUMNS
from kettrack.analysis.registry import Answer, question
from kettrack.arrays import Objects
from kettrack.errors import NotIdentified
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import (
    COMPLETE_LOG_DAYS,
    DAYS_IN_WEEK,
    MAINTENANCE_GAP_ENDS,
)
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.made_of import ByRow
from kettrack.vocabulary.plain_words import share_with_interval

_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "period": "label",
    "next_session": "label",
    "sessions": "denominator",
    "n": "denominator",
    "events": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
}
# Last weeks since session 1 of the stretches of a year; what comes later is open.
_PERIOD_ENDS: Final = (13, 26, 52)
_RHYTHMS: Final = ("weekly", "two_weekly", "three_weekly", "monthly", "longer")
NONE_KEY: Final = "none"
NONE_WORDS: Final = f"none within {COMPLETE_LOG_DAYS} days"


@question(
    "maintenance_rhythm",
    recipes=(ByRow(of="sessions", events="events", percent=True),),
    asks="How close together are maintenance sessions, and do they thin out over time?",
    unit="percent of sessions",
    estimand=(
        "Share of the maintenance sessions after which the next session came within about a week,"
        " 2 weeks, 3 weeks, a month, or later, or not at all within"
        f" {COMPLETE_LOG_DAYS} days, by time since session 1."
    ),
    roles=_ROLES,
    show=tuple(name for name in _ROLES if name != "key"),
)
def maintenance_rhythm(cohort: DerivedCohort) -> Answer:
    """Days to the next session after each maintenance session, by time since session 1.

    Returns
    -------
    Result
        One row per stretch of time (`period`; the first is `all` of them) and rhythm: `events` of
        `sessions` in maintenance as `estimate`, with an interval that counts people as clusters,
        and the `n` people they are of. Counted are sessions whose log is complete for
        `COMPLETE_LOG_DAYS` days after them, so that coming and not coming are judged alike. Refused
        with fewer than `FEWEST_PEOPLE` people, and where no log says how far it reaches.
    """
    require_log_end(cohort)
    rows = following_sessions(cohort, "maintenance")
    rows = rows[rows["days_known"] >= COMPLETE_LOG_DAYS]
    if rows["patient_id"].nunique() < FEWEST_PEOPLE:
        raise NotIdentified(
            f"fewer than {FEWEST_PEOPLE} people have a maintenance session with a log that is"
            f" complete for {COMPLETE_LOG_DAYS} days after it.",
            "sessions beyond the first course, and observed_to_day.",
        )
    rows = rows.assign(kind=_kinds(rows), group=_periods(rows))
    # Nothing is split before enough people are known to be there.
    policy = cohort.policy
    table = split_rows(rows, _words(), "next_session", policy)
    table = table.rename(columns={"group": "period"})
    return Answer(
        table=table.reindex(columns=list(_ROLES)),
        sentence=_sentence(table),
        caveats=(
            f"A session counts when its log is complete for {COMPLETE_LOG_DAYS} days after it,"
            " whether anybody came or not. A log ends with a death. Bands: up to"
            f" {', '.join(map(str, MAINTENANCE_GAP_ENDS))} days, and longer.",
            "People who are well are given longer intervals, and people who get worse come sooner."
            " The rhythm follows how people do as much as the other way round. Later stretches are"
            " of fewer and other people: those who stayed.",
            f"Intervals hold {100 * LEVEL:g} % and count people as clusters (Korn and Graubard"
            f" 1998). {ENOUGH_OF_EACH}",
            *groups_not_shown(rows, table, "period", policy),
        ),
        level=LEVEL,
        people=int(rows["patient_id"].nunique()),
        rows=partial(_person_rows, rows),
    )


def _words() -> dict[str, str]:
    """Kind of a gap to its words, from the shortest."""
    lows = [1, *(end + 1 for end in MAINTENANCE_GAP_ENDS)]
    names = ("weekly", "every 2 weeks", "every 3 weeks", "monthly")
    closed = zip(_RHYTHMS, names, lows, MAINTENANCE_GAP_ENDS, strict=False)
    words = {
        key: f"about {name} ({low} to {end} days)" for key, name, low, end in closed
    }
    words["longer"] = f"longer ({lows[-1]} to {COMPLETE_LOG_DAYS} days)"
    # Not coming is one of the answers, so that the shares add up to everybody.
    words[NONE_KEY] = NONE_WORDS
    return words


def _kinds(rows: pd.DataFrame) -> Objects:
    """Rhythm of each session by the days to the next one."""
    gap = rows["gap"].to_numpy(np.float64)
    place = np.searchsorted(np.array(MAINTENANCE_GAP_ENDS), gap, "left")
    names = np.array(_RHYTHMS, dtype=object)[np.minimum(place, len(_RHYTHMS) - 1)]
    # No further session is an infinite gap.
    return np.asarray(np.where(gap > COMPLETE_LOG_DAYS, NONE_KEY, names), object)


def _periods(rows: pd.DataFrame) -> pd.Categorical:
    """Stretch of time in which each session lies."""
    week = rows["day"].to_numpy() // DAYS_IN_WEEK
    # Week 1 holds days 0 to 6.
    place = np.searchsorted(np.array(_PERIOD_ENDS), week, "right")
    edges = [0, *_PERIOD_ENDS]
    closed = [
        f"weeks {low + 1} to {high}"
        for low, high in zip(edges, edges[1:], strict=False)
    ]
    names = [*closed, f"after week {edges[-1]}"]
    return pd.Categorical.from_codes(place, names, ordered=True)  # type: ignore[call-overload]


def _sentence(table: pd.DataFrame) -> str:
    """The rhythm of all, how many did not come again, and how it differs late."""
    there = set(table["key"])
    # Under a release policy a stretch with a small count is not there.
    if f"all_{NONE_KEY}" not in there:
        return "The rhythm of all maintenance sessions is not shown: a part of it is small."
    parts = {
        "weekly": "about a week later",
        "two_weekly": "about 2 weeks later",
        "three_weekly": "about 3 weeks later",
        "monthly": "about a month later",
        "longer": f"later than that, within {COMPLETE_LOG_DAYS} days",
    }
    told = [
        f"{share_with_interval(f'all_{key}')} {said}"
        for key, said in parts.items()
        if f"all_{key}" in there
    ]
    none = f"all_{NONE_KEY}"
    return (
        f"After {{{none}.sessions}} maintenance sessions of {{{none}.n}} people, the next session"
        f" came {'; '.join(told)}. After {share_with_interval(none)} nobody came within"
        f" {COMPLETE_LOG_DAYS} days; this does not say whether they were well or not."
    )


def _person_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Days to the next session after each maintenance session, as the value."""
    return pd.DataFrame(
        {
            "curve": "maintenance",
            "group": rows["group"].astype(str),
            "patient_id": rows["patient_id"],
            "start": rows["day"],
            "status": rows["kind"] != NONE_KEY,
            "cause": rows["kind"],
            "weight": 1.0,
            "value": rows["gap"].where(np.isfinite(rows["gap"])),
        }
    ).reindex(columns=list(COLUMNS))
