"""One number of one site on a scale on which sites can be averaged, with its uncertainty."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL
from kettrack.analysis.durability.counts import Estimand
from kettrack.analysis.durability.day_counts import BY_DAY, DayCounts
from kettrack.analysis.response.curve_words import TOLD_SESSION
from kettrack.analysis.response.exits import CAUSES
from kettrack.analysis.response.response_curve import is_silent
from kettrack.analysis.safety.shares import share_cells
from kettrack.estimators.clustered import share_of_sums
from kettrack.estimators.intervals import wilson
from kettrack.estimators.survival.competing_risks import estimate_incidence
from kettrack.estimators.survival.life_table import estimate_survival
from kettrack.pooling.curves import by_day_of, exits_of
from kettrack.pooling.questions.by_session import curve_shapes
from kettrack.pooling.questions.change import change_moments
from kettrack.pooling.questions.safety import event_sums
from kettrack.pooling.tallies import Tables
from kettrack.vocabulary.days import DAYS_IN_WEEK, HORIZON_DAYS

# Eight weeks on: the last day that the sentences on durability tell.
_STILL_DAY: Final = 8 * DAYS_IN_WEEK
_FIRST: Final = 1  # sessions are numbered from 1
_HALF: Final = (
    0.5  # a person on both sides, where a share of 0 or 100 % has no logarithm
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A share or a mean, of one site or of several.

    Parameters
    ----------
    n : int
        People behind it.
    events : int or None
        People who had it, as far as they are counted; None for a mean.
    estimate, ci_low, ci_high : float
        As it is shown: percent, or points.
    value, variance : float
        On the scale on which sites are averaged: log odds, or points.
    """

    n: int
    events: int | None
    estimate: float
    ci_low: float
    ci_high: float
    value: float
    variance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteMeasure:
    """One thing in which sites are set side by side.

    Parameters
    ----------
    key, about, unit : str
        Name, words, and unit as it is shown.
    question : str
        Whose tables it is made from.
    of : callable
        Tables in, effect out; None where nobody is behind it.
    """

    key: str
    about: str
    unit: str
    question: str
    of: Callable[[Tables], Effect | None]


def share_effect(
    n: int,
    happened: int,
    estimate: float,
    ends: tuple[float, float],
    people: float,
) -> Effect:
    """A share on the scale of log odds.

    Parameters
    ----------
    n, happened : int
        People behind it, and those of them who had it.
    estimate, ends
        Percent, and its interval.
    people : float
        How many people, each seen to the end, would tell as much.
    """
    events = people * estimate / 100
    rest = people - events
    # Only where it must: half a person moves the share of a small site.
    if min(events, rest) <= 0:
        events += _HALF
        rest += _HALF
    return Effect(
        n=n,
        events=happened,
        estimate=estimate,
        ci_low=ends[0],
        ci_high=ends[1],
        value=float(np.log(events / rest)),
        variance=1 / events + 1 / rest,
    )


def _people_behind(
    share: float,
    low: float,
    n: int,
) -> float:
    """People who would tell as much as a curve whose interval is symmetric on the log-log scale."""
    from scipy.special import ndtri

    # At 0 and 100 % the interval is exact for everybody there.
    if not 0 < low < share < 1:
        return float(n)
    spread = np.log(np.log(low) / np.log(share))
    error = spread * share * -np.log(share) / ndtri(0.5 + LEVEL / 2)
    # Censoring only takes away from what the people would tell.
    return float(min(share * (1 - share) / error**2, n))


# ---- from tables


def silent_sites(sites: Sequence[Tables]) -> int:
    """How many of these sites have no share of their own, since nobody was scored in time.

    Parameters
    ----------
    sites : sequence of mapping
        Tables of `response_by_session` of each site that has counted it.
    """
    shape = curve_shapes("response")["response"]
    counts = [exits_of(shape, tables["response"], _FIRST) for tables in sites]
    return sum(map(is_silent, counts))


def _by_session(
    tables: Tables,
    event: str,
    cause: str,
) -> Effect | None:
    """Share who left the first course for a cause by the session that is told."""
    counts = exits_of(curve_shapes(event)[event], tables[event], _FIRST)
    n = int(counts.at_risk.max(initial=0))
    # 0 % of people whom nobody scored would be no answer
    if not n or is_silent(counts):
        return None
    found = estimate_incidence(counts, LEVEL)
    place = min(TOLD_SESSION, len(counts.censored)) - 1
    of = CAUSES.index(cause)
    share = float(found.estimate[place, of])
    low = float(found.ci_low[place, of])
    high = float(found.ci_high[place, of])
    return share_effect(
        n,
        int(counts.events[: place + 1, of].sum()),
        100 * share,
        (100 * low, 100 * high),
        _people_behind(share, low, n),
    )


def _still_responding(tables: Tables) -> Effect | None:
    """Share still responding some weeks later, whatever sessions followed."""
    kind: Estimand = "treatment_policy"
    days = tables.get("days", pd.DataFrame())
    if days.empty:
        return None
    here = days[(days["estimand"] == kind) & (days["rule"] == "in_force")]
    life = DayCounts(by_day_of(here, BY_DAY), {}).life(kind)
    n = int(life.at_risk.max(initial=0))
    # A site none of whose logs goes so far says nothing of that day.
    if not n or len(life.censored) <= _STILL_DAY:
        return None
    curve = estimate_survival(life, LEVEL)
    share = float(curve.estimate[_STILL_DAY])
    low = float(curve.ci_low[_STILL_DAY])
    high = float(curve.ci_high[_STILL_DAY])
    # Who lost it is the small number here.
    lost = int(life.events[: _STILL_DAY + 1].sum())
    return share_effect(
        n,
        lost,
        100 * share,
        (100 * low, 100 * high),
        _people_behind(share, low, n),
    )


def _worse(tables: Tables) -> Effect | None:
    """Share of everybody scored before and after who got worse."""
    rows = tables["people"].set_index("key")
    n = int(rows["n"].to_dict()["worse"])
    if not n:
        return None
    worse = int(rows["events"].to_dict()["worse"])
    share = wilson(worse, n, LEVEL)
    ends = (share.ci_low, share.ci_high)
    return share_effect(n, worse, share.estimate, ends, n)


def _event(
    tables: Tables,
    event: str,
) -> Effect | None:
    """Share of the sessions with a record at which something was noted."""
    sums, _ = event_sums(tables)[event]
    if not sums.rows:
        return None
    cells = share_cells(sums)
    ends = (cells["ci_low"], cells["ci_high"])
    # Sessions of one person are alike, so that fewer of them would tell as much.
    effective = share_of_sums(sums, LEVEL).effective
    return share_effect(
        sums.people,
        sums.people_with,
        cells["estimate"],
        ends,
        effective,
    )


def _change(tables: Tables) -> Effect | None:
    """Mean change of the people scored at the week."""
    change = change_moments(tables)["change"]
    # One person has no spread, and people who all changed alike have none to go by.
    if not change.sd > 0:
        return None
    low, high = change.interval(LEVEL)
    return Effect(
        n=change.n,
        events=None,
        estimate=change.mean,
        ci_low=low,
        ci_high=high,
        value=change.mean,
        variance=change.sd**2 / change.n,
    )


_SHARE: Final = "% of people"
_SESSIONS: Final = "% of sessions"
_BY_THEN: Final = f"by session {TOLD_SESSION} of the first course"
# Good and bad news in turn, so that nobody reads one without the other.
MEASURES: Final[Mapping[str, SiteMeasure]] = {
    each.key: each
    for each in (
        SiteMeasure(
            key="responded",
            about=f"had responded {_BY_THEN}",
            unit=_SHARE,
            question="response_by_session",
            of=partial(_by_session, event="response", cause="responded"),
        ),
        SiteMeasure(
            key="worse",
            about="were worse than before treatment at one score or more",
            unit=_SHARE,
            question="worsening",
            of=_worse,
        ),
        SiteMeasure(
            key="remitted",
            about=f"had remitted {_BY_THEN}",
            unit=_SHARE,
            question="remission_by_session",
            of=partial(_by_session, event="remission", cause="responded"),
        ),
        SiteMeasure(
            key="stopped",
            about=f"had stopped without a response {_BY_THEN}",
            unit=_SHARE,
            question="response_by_session",
            of=partial(_by_session, event="response", cause="stopped"),
        ),
        SiteMeasure(
            key="still_responding",
            about=(
                f"were still responding {_STILL_DAY // DAYS_IN_WEEK} weeks after the planned"
                " course, whatever sessions followed"
            ),
            unit=_SHARE,
            question="durability",
            of=_still_responding,
        ),
        SiteMeasure(
            key="any_event",
            about="had a side effect noted",
            unit=_SESSIONS,
            question="adverse_events",
            of=partial(_event, event="any"),
        ),
        SiteMeasure(
            key="serious",
            about="had a serious adverse event noted",
            unit=_SESSIONS,
            question="adverse_events",
            of=partial(_event, event="serious"),
        ),
        SiteMeasure(
            key="change",
            about=f"mean change to week {HORIZON_DAYS // DAYS_IN_WEEK}, of those scored then",
            unit="points",
            question="paired_change",
            of=_change,
        ),
    )
}
