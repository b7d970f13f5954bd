"""Side effects at the sites of a cohort, as a funnel: which sites lie further out than chance."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.safety.sessions import (
    SafetySessions,
    left_out_words,
    safety_sessions,
)
from kettrack.analysis.safety.shares import (
    SHARE_DECIMALS,
    SHARE_RECIPES,
    SHARE_ROLES,
    share_row,
)
from kettrack.arrays import Bools
from kettrack.errors import NotIdentified
from kettrack.escapes import in_sentence
from kettrack.estimators.clustered import clustered_share, funnel_limits
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.made_of import Kept, LikeCounts, Scaled
from kettrack.vocabulary.plain_words import share_with_interval
from kettrack.vocabulary.safety import ANY_EVENT, EVENT_TERMS, SERIOUS, STOPPED_EARLY

_WORDS: Final = {term.key: term.words for term in EVENT_TERMS}
# The wider limits of a funnel, about three standard deviations (Spiegelhalter 2005).
WIDE_LEVEL: Final = 0.998
INSIDE: Final = "inside the limits"
OUTSIDE: Final = "outside the 95 % limits"
FAR_OUTSIDE: Final = "outside the 99.8 % limits"
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "site": "label",
    "event": "label",
    **SHARE_ROLES,
    "overall": "derived",
    "low_95": "derived",
    "high_95": "derived",
    "low_998": "derived",
    "high_998": "derived",
    "effective": "derived",
    "place": "derived",
}


@question(
    "adverse_events_by_site",
    recipes=(
        *SHARE_RECIPES,
        Scaled(value="overall", of="sessions"),
        Scaled(value="low_95", of="sessions"),
        Scaled(value="high_95", of="sessions"),
        Scaled(value="low_998", of="sessions"),
        Scaled(value="high_998", of="sessions"),
        LikeCounts(values=("effective",)),
        Kept(values=("place",), of="n"),
    ),
    asks="Do sites differ in side effects by more than chance?",
    unit="per 100 sessions",
    log_end=False,
    estimand=(
        "Share of the sessions with a record at which an event was noted, by site, beside the share"
        " of all sites and the limits within which chance alone would leave a site of this size."
        " Sites differ in drug, route, people, and in how carefully they ask."
    ),
    roles=_ROLES,
    decimals={**SHARE_DECIMALS, "effective": 0},
    show=tuple(name for name in _ROLES if name != "key"),
)
def adverse_events_by_site(cohort: DerivedCohort) -> Answer:
    """Any adverse event, serious ones and sessions stopped early by site, with funnel limits.

    Returns
    -------
    Result
        One row per event and site: as `adverse_events`, with `overall` per 100 sessions, the exact
        binomial limits `low_95` `high_95` `low_998` `high_998` around it at the `effective` number
        of sessions, and the `place` of the site. Sites of fewer than `FEWEST_PEOPLE` people have no
        row. Refused with fewer than two sites.
    """
    found = safety_sessions(cohort)
    sites = _sites(cohort, found)
    rows = []
    small: set[str] = set()
    for event in (ANY_EVENT, SERIOUS, STOPPED_EARLY):
        there, left_out = _event_rows(found, event, sites)
        rows += there
        # A site can be too small for one event and large enough for another.
        small |= left_out
    if not rows:
        raise NotIdentified(
            f"fewer than two sites have {FEWEST_PEOPLE} people with a record.",
            "site of each patient in patients.csv, and adverse_events of each session.",
        )
    table = pd.DataFrame(rows)
    return Answer(
        table=table,
        sentence=_sentence(table),
        caveats=(
            "The limits are exact binomial ones around the share of all sites (Spiegelhalter 2005,"
            " Stat Med 24:1185). They count the effective number of sessions, because the sessions"
            " of one person are alike; one site in twenty lies outside the 95 % limits by chance.",
            "A site that asks everybody finds more than one that notes what people tell. This is"
            " no ranking.",
            *_small_words(len(small)),
            *left_out_words(found),
        ),
        level=LEVEL,
        people=len(found.people),
    )


def _small_words(small: int) -> tuple[str, ...]:
    """That small sites have no row; nothing where there are none."""
    if not small:
        return ()
    return (
        f"Sites with fewer than {FEWEST_PEOPLE} people have no row; they count in the overall.",
    )


def _sites(cohort: DerivedCohort, found: SafetySessions) -> dict[str, Bools]:
    """Sessions of each site, in the order of their codes."""
    site = cohort.patients.set_index("patient_id")["site"]
    # In the order of the people, so that one look-up serves every session.
    own = site.reindex(found.people).to_numpy(object)
    # People without a site count at none.
    codes = sorted({str(code) for code in own if pd.notna(code)})
    of_session = own[found.person]
    return {code: np.asarray(of_session == code, bool) for code in codes}


def _event_rows(
    found: SafetySessions, event: str, sites: dict[str, Bools]
) -> tuple[list[dict[str, Any]], set[str]]:
    """One row per site that is large enough, and the sites that are not; no row for one site
    alone.
    """
    flag = found.flags[event]
    whole = np.any(list(sites.values()), axis=0) if sites else np.zeros(len(flag), bool)
    events, sessions = found.by_person(flag, whole)
    all_sites = clustered_share(events, sessions, LEVEL)
    # One design effect for all: that of a small site is too uncertain to be told.
    # How many sessions count like one of another person, over all sites.
    design = sessions.sum() / all_sites.effective if all_sites.effective else 1.0
    overall = all_sites.interval.estimate
    rows = []
    small = set()
    for place, (site, inside) in enumerate(sites.items()):
        row = share_row(found, event, inside)
        if row["n"] < FEWEST_PEOPLE:
            small |= {site}
            continue
        # A site has at least one session, also where a large design effect leaves less.
        effective = max(row["sessions"] / design, 1.0)
        labels = {"key": f"{event}{place}", "site": site, "event": _WORDS[event]}
        limits = _limits(overall, effective)
        where = _place(row["estimate"], limits)
        rows.append(
            {
                **labels,
                **row,
                "overall": overall,
                **limits,
                "effective": effective,
                "place": where,
            }
        )
    return (rows, small) if len(rows) > 1 else ([], small)


def _limits(overall: float, effective: float) -> dict[str, float]:
    """Ends of the two pairs of limits, in percent."""
    low, high = funnel_limits(overall, effective, LEVEL)
    wide_low, wide_high = funnel_limits(overall, effective, WIDE_LEVEL)
    return {
        "low_95": low,
        "high_95": high,
        "low_998": wide_low,
        "high_998": wide_high,
    }


def _place(estimate: float, limits: dict[str, float]) -> str:
    """Where a site lies."""
    # The wider limits first: who lies outside of them lies outside of both.
    if not limits["low_998"] <= estimate <= limits["high_998"]:
        return FAR_OUTSIDE
    if not limits["low_95"] <= estimate <= limits["high_95"]:
        return OUTSIDE
    return INSIDE


def _sentence(table: pd.DataFrame) -> str:
    """Each site's share of any event, or of the first event there is."""
    event = table["event"].iloc[0]
    shown = table[table["event"] == event]
    named = [
        f"{share_with_interval(str(row.key))} at {in_sentence(str(row.site))} ({{{row.key}.place}})"
        for row in shown.itertuples()
    ]
    return (
        f"Sessions with {event}: {'; '.join(named)}; overall"
        f" {{{shown['key'].iloc[0]}.overall:%}}."
    )
