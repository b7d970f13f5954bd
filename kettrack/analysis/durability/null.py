"""How many would still respond some weeks later if sessions did nothing: those whose course ended
as planned in the simulated clinic, followed on and counted like anybody.

Only whatever sessions followed: the simulated clinic does not know who has another session later.
Where sessions do nothing that question does not need it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.durability.counts import (
    Estimand,
    count_exits,
    days_shown,
    exits_whatever,
    loss_rule,
    loss_rules,
    watched_origins,
)
from kettrack.analysis.durability.words import DAYS_SAID, rows_said
from kettrack.analysis.response.benchmark import (
    NULL_CAVEAT,
    NULL_COLUMNS,
    NullClinics,
    benchmark,
    no_null_caveat,
)
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.survival.life_table import estimate_survival
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.spells import loss_rows
from kettrack.vocabulary.days import DAYS_IN_WEEK
from kettrack.vocabulary.limits import FEWEST_PEOPLE

_STRATEGY: Final[Estimand] = "treatment_policy"
_RULES: Final = ("in_force", "single_score")
_HELD_CAVEAT: Final = (
    "The null of the shares still responding holds whatever sessions followed. It is of the people"
    " of the null who respond when their planned course ends. It stands in no row that counts"
    " another session, since the null does not know who comes again. In 200 simulated clinics of"
    " 240 people, of two kinds, it was at most 0.9 points from the truth on the mean by the rule in"
    " force, and 1.5 by a single score; its interval held the truth in 90 to 98 %. Larger clinics"
    " were not tried."
)


def null_held(null: NullClinics) -> Floats:
    """`still_responding` of each simulated clinic, by the rule in force, then by a single score;
    shape (clinics, 2 * len(DAYS_SAID)).
    """
    try:
        left = exits_at_end(null.cohort)
    except NotIdentified:
        # The simulated clinics may have nobody who responded.
        return np.full((len(null), len(_RULES) * len(DAYS_SAID)), np.nan)
    shares = dict.fromkeys(_RULES, np.full((len(null), len(DAYS_SAID)), np.nan))
    for name, people in left.items():
        shares[name] = null.each(people, still_responding)
    return np.hstack(list(shares.values()))


def exits_at_end(cohort: DerivedCohort) -> dict[str, pd.DataFrame]:
    """How those left who responded at the end of the planned course, whatever sessions followed, by
    each rule of losses.

    Raises
    ------
    NotIdentified
        As `watched_origins`.
    """
    in_force = loss_rule(cohort)
    origins = watched_origins(cohort, "end_of_course")
    # not `watch`: what follows sessions is not asked for here, and takes half of the time
    return {
        name: exits_whatever(loss_rows(cohort, origins, rule))
        for name, rule in loss_rules(in_force)
    }


def still_responding(left: pd.DataFrame) -> Floats:
    """Percent still responding on `DAYS_SAID`, whatever sessions followed; missing where fewer than
    `FEWEST_PEOPLE` tell it.

    Parameters
    ----------
    left : DataFrame
        As from `exits_at_end`.
    """
    if len(left) < FEWEST_PEOPLE:
        return np.full(len(DAYS_SAID), np.nan)
    days = np.array(DAYS_SAID)
    share = estimate_survival(count_exits(left, _STRATEGY)).estimate
    # where everybody has left, the curve goes on as it is
    there = np.minimum(days, len(share) - 1)
    told = days < len(days_shown(left, _STRATEGY))
    return np.where(told, 100 * share[there], np.nan)


def add_null_held(
    table: pd.DataFrame,
    cohort: DerivedCohort,
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table of `durability` with what sessions that do nothing would show, and the caveats that
    explain it or say why it is missing.
    """
    table = table.assign(**dict.fromkeys(NULL_COLUMNS, np.nan))
    try:
        null = benchmark(cohort, null_held, course_over=True)
    except NotIdentified as error:
        return table, (no_null_caveat("share still responding", error),)
    keys = [f"{_STRATEGY}_{rule}_{day}" for rule in _RULES for day in DAYS_SAID]
    columns = dict(zip(NULL_COLUMNS, (null.value, null.low, null.high), strict=True))
    shares = pd.DataFrame(columns, index=keys)
    for name in NULL_COLUMNS:
        table[name] = table["key"].map(shares[name]).astype(float)
    return table, (NULL_CAVEAT, _HELD_CAVEAT)


def null_held_words(table: pd.DataFrame) -> str:
    """The shares where sessions do nothing, by the rule in force; empty without one."""
    nulls = table.set_index("key")["null"]
    rows = [
        (key, day) for key, day in rows_said(table, _STRATEGY) if pd.notna(nulls[key])
    ]
    shares = " and ".join(
        f"{{{key}.null:%}} ({{{key}.null_low:%}} to {{{key}.null_high:%}}) at"
        f" {day // DAYS_IN_WEEK} weeks"
        for key, day in rows
    )
    if not shares:
        return ""
    return (
        " In a model fitted to this clinic in which sessions do nothing, of those who respond when"
        f" the planned course ends, about {shares} still respond."
    )
