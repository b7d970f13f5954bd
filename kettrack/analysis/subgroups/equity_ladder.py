"""The ladder of who is counted, by group: started, can be analysed, scored at a fixed week."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.association.fixed_week import WEEK
from kettrack.analysis.context import LEVEL, rule_words
from kettrack.analysis.person_rows import joined, share_rows
from kettrack.analysis.registry import Answer, asked_as, question
from kettrack.analysis.subgroups.adjusted import adjusted_comparison
from kettrack.analysis.subgroups.at_week import SHORT_LOGS, people_at_week
from kettrack.analysis.subgroups.characteristics import (
    FIRST_SESSION,
    START_COLUMNS,
    characteristic_label,
    characteristic_names,
)
from kettrack.analysis.subgroups.groups import groups_of
from kettrack.escapes import in_sentence
from kettrack.estimators.difference import Ends, ends_apart
from kettrack.estimators.intervals import is_at_border, wilson
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import HORIZON_TOLERANCE_DAYS
from kettrack.vocabulary.limits import FEWEST_PEOPLE, FEWEST_PEOPLE_IN_ARM
from kettrack.vocabulary.made_of import ByRow, Scaled, Share
from kettrack.vocabulary.plain_words import share_with_interval

_DIFFERENCE: Final = ("difference", "difference_low", "difference_high")
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "characteristic": "label",
    "group": "label",
    "n": "denominator",
    "analysable": "count",
    "analysable_share": "derived",
    "scored": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    **dict.fromkeys(_DIFFERENCE, "derived"),
}
_SHOWN: Final = tuple(name for name in _ROLES if name != "key")
# Who can be analysed follows from it.
BY_RULE: Final = ("prior_sessions",)
NOT_RECORDED: Final = "not recorded"
SMALLER: Final = "smaller groups together"
EVERYBODY: Final = "everybody"


@question(
    "equity_ladder",
    recipes=(
        Share(value="analysable_share", events="analysable", of="n"),
        ByRow(events="scored", percent=True),
        Scaled(
            value="difference",
            of="n",
            ends=("difference_low", "difference_high"),
            weighted=True,
        ),
    ),
    asks="Who is missing, group by group: started, can be analysed, scored later?",
    unit="percent of patients who started",
    estimand=(
        "Share of everybody who started who can be analysed, and who was also scored within"
        f" {HORIZON_TOLERANCE_DAYS} days of week {WEEK}, by what was known of people at the start."
    ),
    roles=_ROLES,
    show=_SHOWN,
)
def equity_ladder(cohort: DerivedCohort) -> Answer:
    """Everybody whose log reaches past the week, on the same ladder in every group.

    Returns
    -------
    Result
        Row `all`, then one row per group of each characteristic: `n` started, `analysable` of them
        (`analysable_share` %), `scored` of those at the week; `estimate` `ci_low` `ci_high` (% of
        `n` scored), `difference` `difference_low` `difference_high` (points from the first group of
        its kind, as counted, for groups of `FEWEST_PEOPLE_IN_ARM` people; intervals hold all at
        once). Groups of fewer than `FEWEST_PEOPLE` are one row together, and so are people of whom
        it is not recorded. Refused with fewer than `FEWEST_PEOPLE` people.
    """
    people = people_at_week(cohort)
    # Each step of a ladder holds only people of the step before it.
    people = people.assign(scored=people["scored"] & people["analysable"])
    groups = dict(_every_group(cohort, people.index))
    table = _table(cohort, people, groups)
    return Answer(
        table=table,
        sentence=_sentence(table),
        caveats=(
            "Everybody who started and whose log reaches past the week is on the ladder, also with"
            " a low baseline or without one. Why people cannot be analysed is the answer to"
            f" {asked_as('ladder')}",
            "Differences are as counted: groups that differ in one thing differ in others too."
            f" They are compared at equal other characteristics in the answer to"
            f" {asked_as('scored_predictors')} The intervals of the differences hold for all of"
            " them at once (Bonferroni).",
            f"Groups of fewer than {FEWEST_PEOPLE} people stand in one row, so that nobody is left"
            " out. Severity and earlier sessions make no groups here, since they decide by rule"
            " who can be analysed. Other scales make none: whether they were filled in is itself a"
            " step of care.",
            SHORT_LOGS,
            f"{rule_words(cohort)}.",
        ),
        level=LEVEL,
        rows=partial(_person_rows, people),
    )


def _every_group(
    cohort: DerivedCohort,
    people: pd.Index,
) -> Iterator[tuple[str, pd.Series]]:
    """Characteristics with the group of everybody: small groups together, nobody without one."""
    there = characteristic_names(cohort)
    own = [name for name in (*START_COLUMNS, *FIRST_SESSION) if name in there]
    # Severity and earlier sessions decide by rule who can be analysed, so they make no groups.
    for name in (*own, "route"):
        if name in BY_RULE:
            continue
        found = groups_of(cohort, name).reindex(people)
        sizes = found.value_counts(sort=False)
        large = list(sizes.index[sizes >= FEWEST_PEOPLE])
        # With one group there is nothing to set side by side.
        if len(large) > 1:
            yield name, _complete(found, large)


def _complete(found: pd.Series, large: list[str]) -> pd.Series:
    """The groups with a place for everybody, the two that are no groups last."""
    names = found.astype(object)
    small = names.notna() & ~names.isin(large)
    names = names.mask(small, SMALLER).fillna(NOT_RECORDED)
    kinds = [*large, SMALLER, NOT_RECORDED]
    cut = pd.Categorical(names, categories=kinds, ordered=True)
    return pd.Series(cut, index=found.index).cat.remove_unused_categories()


def _table(
    cohort: DerivedCohort,
    people: pd.DataFrame,
    groups: dict[str, pd.Series],
) -> pd.DataFrame:
    """Everybody, then every group; intervals that hold for all differences at once."""
    # All differences share the level, whatever they are about.
    n_differences = sum(len(_compared(group)) for group in groups.values())
    rows = [_row("all", EVERYBODY, EVERYBODY, people)]
    for name, group in groups.items():
        label = characteristic_label(cohort, name)
        differences = _differences(people, group, n_differences)
        for place, kind in enumerate(group.cat.categories):
            row = _row(f"{name}_{place}", label, str(kind), people[group == kind])
            rows.append(row | differences.get(place, {}))
    table = pd.DataFrame(rows).reindex(columns=list(_ROLES))
    return table.astype(dict.fromkeys(("n", "analysable", "scored"), "Int64"))


def _row(
    key: str,
    name: str,
    kind: str,
    part: pd.DataFrame,
) -> dict[str, Any]:
    """One group on the ladder."""
    n = len(part)
    analysable = int(part["analysable"].sum())
    scored = int(part["scored"].sum())
    return {
        "key": key,
        "characteristic": name,
        "group": kind,
        "n": n,
        "analysable": analysable,
        "analysable_share": 100 * analysable / n,
        "scored": scored,
        **wilson(scored, n, LEVEL)._asdict(),
    }


def _compared(group: pd.Series) -> list[int]:
    """Places of the groups that are large enough to be compared with the first."""
    sizes = group.value_counts(sort=False).to_numpy()
    large = [place for place, n in enumerate(sizes) if n >= FEWEST_PEOPLE_IN_ARM]
    # Several small groups are not one kind of people.
    kinds = list(group.cat.categories)
    first, *others = large or [-1]
    return [place for place in others if kinds[place] != SMALLER] if not first else []


def _differences(
    people: pd.DataFrame,
    group: pd.Series,
    n_differences: int,
) -> dict[int, dict[str, float]]:
    """Difference of each large group from the first, by its place."""
    from scipy.special import stdtrit

    places = _compared(group)
    if not places:
        return {}
    # People of no group that is compared have a column of their own, and touch nothing.
    codes = group.cat.codes.to_numpy()
    own = (codes[:, None] == np.array(places)).astype(np.float64)
    others = ~np.isin(codes, [0, *places])
    rest = others[:, None].astype(np.float64)
    outcome = 100 * people["scored"].to_numpy(float)
    # Shares near 0 and 100 % vary less, so the error takes no spread as equal.
    found = adjusted_comparison(outcome, own, rest, [])
    tail = (1 - LEVEL) / n_differences / 2
    reach = float(-stdtrit(found.freedom, tail))
    half = reach * found.error
    low = found.difference - half
    high = found.difference + half
    by_error = Ends.of(found.difference, low, high)
    by_share = _by_shares(people["scored"], group, places, n_differences)
    # Where nobody or everybody was scored, a group has no spread to take an error from.
    ends = np.where(np.isnan(by_share), by_error, by_share)
    return {
        place: dict(zip(_DIFFERENCE, each, strict=True))
        for place, each in zip(places, ends.T, strict=True)
    }


def _by_shares(
    scored: pd.Series,
    group: pd.Series,
    places: list[int],
    n_differences: int,
) -> Ends:
    """Differences with a group of 0 or 100 %, from the intervals of both; the others missing."""
    joint = 1 - (1 - LEVEL) / n_differences
    codes = group.cat.codes
    parts = [scored[codes == place] for place in (0, *places)]
    first, *others = (_scored_share(part, joint) for part in parts)
    found = []
    for each in others:
        apart = ends_apart(each, first)
        own_border = is_at_border(float(each.estimate))
        at_border = own_border or is_at_border(float(first.estimate))
        ends = np.array(apart)
        found.append(ends if at_border else np.full(3, np.nan))
    percent = 100 * np.array(found)
    return Ends.of(*percent.T)


def _scored_share(scored: pd.Series, level: float) -> Ends:
    """Share of a group that was scored, between 0 and 1."""
    n_scored = int(scored.sum())
    interval = wilson(n_scored, len(scored), level)
    share = np.array(interval) / 100
    return Ends.of(*share)


def _person_rows(people: pd.DataFrame) -> pd.DataFrame:
    """Who can be analysed, and who was scored, of everybody on the ladder."""
    # Everybody stands in both, so that the shares have one denominator.
    parts = []
    for step in ("analysable", "scored"):
        there = people[step].to_numpy(bool)
        parts.append(share_rows(step, people.index, there))
    return joined(parts)


def _sentence(table: pd.DataFrame) -> str:
    """The ladder of everybody, and the groups whose difference is beyond chance."""
    start = (
        f"Of {{all.n}} people who started and whose log reaches past week {WEEK},"
        " {all.analysable} ({all.analysable_share:%}) can be analysed, and {all.scored} were"
        f" scored then: {share_with_interval('all')}."
    )
    # The groups that say no characteristic are no finding about people.
    named = table[~table["group"].isin([NOT_RECORDED, SMALLER])]
    outside = named[(named["difference_high"] < 0) | (named["difference_low"] > 0)]
    if outside.empty:
        return (
            f"{start} Between groups no difference is beyond what chance makes of so many. That is"
            " not the same as no difference: the table says how large it may be."
        )
    parts = [
        f"{in_sentence(str(row.characteristic))}, {in_sentence(str(row.group))}:"
        f" {{{row.key}.estimate:%}}, {{{row.key}.difference}} points from the first group"
        f" ({{{row.key}.difference_low}} to {{{row.key}.difference_high}})"
        for row in outside.itertuples()
    ]
    return (
        f"{start} Beyond what chance makes of so many differences: {'; '.join(parts)}. Figures by"
        " score tell less of groups that are scored less."
    )
