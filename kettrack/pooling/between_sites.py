"""Sites side by side, never ranked: each site's own figures, and how far sites differ by more than
chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL
from kettrack.analysis.registry import Answer
from kettrack.analysis.rules_in_force import RulesInForce
from kettrack.arrays import Bools, Ints
from kettrack.errors import NotIdentified
from kettrack.estimators.meta_analysis import MetaAnalysis, random_effects
from kettrack.pooling.counts import summed
from kettrack.pooling.effects import MEASURES, Effect, SiteMeasure, silent_sites
from kettrack.pooling.summary import Summary
from kettrack.result import Role
from kettrack.vocabulary.limits import FEWEST_PEOPLE

SIDE_BY_SIDE: Final = "sites_side_by_side"
DIFFERENCES: Final = "differences_between_sites"
SITE_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "measure": "label",
    "about": "label",
    "unit": "label",
    "site": "label",
    "n": "denominator",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    "value": "derived",
    "error": "derived",
}
DIFFERENCE_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "about": "label",
    "unit": "label",
    "sites": "label",
    "n": "denominator",
    "events": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    "mean": "derived",
    "mean_low": "derived",
    "mean_high": "derived",
    "next_low": "derived",
    "next_high": "derived",
    "spread": "derived",
    "spread_low": "derived",
    "spread_high": "derived",
    "not_chance": "derived",
    "q": "derived",
}
SHOWN: Final = {
    SIDE_BY_SIDE: ("about", "unit", "site", "n", "estimate", "ci_low", "ci_high"),
    DIFFERENCES: tuple(name for name in DIFFERENCE_ROLES if name != "key"),
}
ESTIMANDS: Final = {
    SIDE_BY_SIDE: "Each figure at each site by itself, as it happens there.",
    DIFFERENCES: (
        "Mean over sites, each with a truth of its own; the spread of these truths; and between"
        " what a further site like these would lie."
    ),
}
_NO_RANKING: Final = (
    "Sites stand in the order of their names. They differ in people, treatment, and in how"
    " carefully they ask and record. This is no ranking, and the best and the worst figure are"
    " often those of the smallest sites."
)
_METHOD: Final = (
    "estimate: all counts added up, so that large sites count more. mean: the average over sites"
    " (random effects, restricted maximum likelihood, on log odds for shares; Hartung, Knapp, Sidik"
    " and Jonkman). next_low and next_high: a further site (prediction interval, Higgins 2009)."
    " spread: standard deviation of the sites' truths, in log odds or in points. not_chance:"
    " percent of the differences that is more than chance (I squared)."
)


# Key of a measure -> the figure of each site by itself; None where a site cannot tell it.
SiteEffects = Mapping[str, list[Effect | None]]


def effects_by_measure(sites: Sequence[Summary]) -> SiteEffects:
    """Every figure of each site by itself, in the order of the sites."""
    return {
        key: [
            measure.of(summed([site], measure.question))
            if measure.question in site.tables
            else None
            for site in sites
        ]
        for key, measure in MEASURES.items()
    }


def shown_alone(people: Ints) -> Bools:
    """Which of several sites may be shown alone.

    Parameters
    ----------
    people : int, shape (sites,)
        Behind the figure of each; 0 where there is none.

    Examples
    --------
    Of a single small site, all would be known from the sum; the next smallest goes with it.

    >>> shown_alone(np.array([200, 5, 60, 90])).tolist()
    [True, False, False, True]
    >>> shown_alone(np.array([200, 60])).tolist()
    [True, True]
    """
    shown = people >= FEWEST_PEOPLE
    by_size = np.argsort(people, kind="stable")
    for place in by_size:
        gone = people[~shown & (people > 0)]
        safe = len(gone) != 1 and not 0 < gone.sum() < FEWEST_PEOPLE
        if safe:
            break
        # What is left out is then of several sites, and of enough people.
        if people[place] > 0:
            shown[place] = False
    return shown


def sites_in_order(
    sites: Sequence[Summary],
    rules: RulesInForce,
    effects: SiteEffects,
) -> Answer:
    """One row per measure and site that may be shown alone, in the order of names.

    Raises
    ------
    NotIdentified
        When none may be.
    """
    rows = [
        row
        for key, measure in MEASURES.items()
        for row in _site_rows(sites, measure, effects[key])
    ]
    if not rows:
        raise NotIdentified(
            f"no site has {FEWEST_PEOPLE} people, so none is shown alone.",
            "more people at each site.",
        )
    table = pd.DataFrame(rows)
    there = set(table["site"])
    without = len(sites) - len(there)
    hidden = (
        f"{without} of {len(sites)} sites have too few people to be shown alone, or would be known"
        " from the sum. They count in the sum. "
        if without
        else ""
    )
    return Answer(
        table=table,
        roles=SITE_ROLES,
        show=SHOWN[SIDE_BY_SIDE],
        sentence=f"{len(there)} sites side by side, in the order of their names. {hidden}",
        caveats=(*_silent_caveats(sites), _NO_RANKING, f"{rules.words}."),
        level=LEVEL,
        people=sum(site.people for site in sites),
    )


def _silent_caveats(sites: Sequence[Summary]) -> list[str]:
    """That sites have no share of response by session of their own; by their number, since a small
    site is not shown.
    """
    question = "response_by_session"
    tables = [site.tables[question] for site in sites if question in site.tables]
    silent = silent_sites(tables)
    if not silent:
        return []
    return [
        f"At {silent} of {len(sites)} sites nobody was scored in time after a session, so these"
        " have no share of response, remission or stopping of their own: 0 % would be no answer."
        " In the sum their people count as not scored."
    ]


def _site_rows(
    sites: Sequence[Summary],
    measure: SiteMeasure,
    found: Sequence[Effect | None],
) -> Iterator[dict[str, Any]]:
    people = np.array([each.n if each else 0 for each in found])
    shown = shown_alone(people)
    for place, (site, each) in enumerate(zip(sites, found, strict=True)):
        if each is None or not shown[place]:
            continue
        yield {
            "key": f"{measure.key}_{place}",
            "measure": measure.key,
            "about": measure.about,
            "unit": measure.unit,
            "site": site.site,
            "n": each.n,
            "estimate": each.estimate,
            "ci_low": each.ci_low,
            "ci_high": each.ci_high,
            "value": each.value,
            "error": np.sqrt(each.variance),
        }


def differences(
    sites: Sequence[Summary],
    rules: RulesInForce,
    effects: SiteEffects,
) -> Answer:
    """One row per measure: the sum of all counts, the mean over sites, and how far sites differ.

    Raises
    ------
    NotIdentified
        With fewer than two sites that can tell any measure.
    """
    rows = [
        row
        for key, measure in MEASURES.items()
        if (row := _difference(sites, measure, effects[key])) is not None
    ]
    if not rows:
        raise NotIdentified(
            "fewer than two sites can tell any of the figures.",
            "counts of more sites, from kettrack summarise.",
        )
    # A mean has no people who had it.
    table = pd.DataFrame(rows).astype({"events": "Int64"})
    return Answer(
        table=table,
        roles=DIFFERENCE_ROLES,
        decimals={"spread": 2, "spread_low": 2, "spread_high": 2},
        show=SHOWN[DIFFERENCES],
        sentence=_sentence(table),
        caveats=(_METHOD, *_silent_caveats(sites), _NO_RANKING, f"{rules.words}."),
        level=LEVEL,
        people=sum(site.people for site in sites),
    )


def _difference(
    sites: Sequence[Summary],
    measure: SiteMeasure,
    found_by_site: Sequence[Effect | None],
) -> dict[str, Any] | None:
    """How far sites differ in one measure; None with fewer than two that can tell it."""
    known = [each for each in found_by_site if each is not None]
    counted = [site for site in sites if measure.question in site.tables]
    whole = measure.of(summed(counted, measure.question)) if counted else None
    if len(known) < 2 or whole is None:
        return None
    found = random_effects(
        np.array([each.value for each in known]),
        np.array([each.variance for each in known]),
        LEVEL,
    )
    return {
        "key": measure.key,
        "about": measure.about,
        "unit": measure.unit,
        "sites": len(known),
        "n": whole.n,
        "events": whole.events,
        "estimate": whole.estimate,
        "ci_low": whole.ci_low,
        "ci_high": whole.ci_high,
        **_as_shown(found, measure),
        "spread": np.sqrt(found.tau_squared),
        "spread_low": found.tau_low,
        "spread_high": found.tau_high,
        "not_chance": found.i_squared,
        "q": found.q,
    }


def _as_shown(
    found: MetaAnalysis,
    measure: SiteMeasure,
) -> dict[str, float]:
    """Mean and prediction in percent, or in points."""
    ends: Mapping[str, float] = {
        "mean": found.mean,
        "mean_low": found.ci_low,
        "mean_high": found.ci_high,
        "next_low": found.prediction_low,
        "next_high": found.prediction_high,
    }
    if measure.unit == "points":
        return dict(ends)
    from scipy.special import expit

    # Back from log odds: the mean of the sites in the middle, not of all people.
    return {name: 100 * float(expit(value)) for name, value in ends.items()}


def _sentence(table: pd.DataFrame) -> str:
    """What is good, then what is bad, each with its sum, its mean and a further site."""
    there = set(table["key"])
    parts = []
    for key in ("responded", "worse"):
        if key not in there:
            continue
        about = MEASURES[key].about
        row = table.set_index("key").loc[key]
        further = (
            f"; a further site like these would lie between {{{key}.next_low:pc}} and"
            f" {{{key}.next_high:%}}"
            if pd.notna(row["next_low"])
            else "; with fewer than three sites nothing can be said of a further one"
        )
        parts.append(
            f"{{{key}.estimate:%}} of {{{key}.n}} people {about} when all counts are added"
            f" ({{{key}.ci_low:pc}} to {{{key}.ci_high:%}}). The mean of the {{{key}.sites}} sites"
            f" is {{{key}.mean:%}} ({{{key}.mean_low:pc}} to {{{key}.mean_high:%}}){further}."
            f" {{{key}.not_chance:%}} of the differences between sites is more than chance."
        )
    return " ".join(parts) or "See the table."
