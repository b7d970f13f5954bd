"""For whom: response by a session in every group that people can be put in at the start, each group
beside the first of its kind, as counted and at equal other characteristics.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import pandas as pd

from kettrack.analysis.context import LEVEL, rule_words
from kettrack.analysis.person_rows import exit_rows
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.response.curve_words import TOLD_SESSION
from kettrack.analysis.response.exits import CAUSES, first_course_exits
from kettrack.analysis.subgroups.adjusted import (
    Characteristic,
    known_characteristics,
    silent_characteristics,
)
from kettrack.analysis.subgroups.groups import severity_caveat, silent_caveats
from kettrack.analysis.subgroups.looks import (
    LOOK_DECIMALS,
    LOOK_RECIPES,
    LOOK_ROLES,
    GroupRow,
    Looked,
    beyond_chance,
    look_at_all,
    look_caveats,
    looks_table,
)
from kettrack.errors import NotIdentified
from kettrack.estimators.survival.competing_risks import (
    count_competing_risks,
    estimate_incidence,
    pseudo_values,
)
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.limits import FEWEST_PEOPLE_IN_ARM
from kettrack.vocabulary.made_of import COUNTED

_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "characteristic": "label",
    "group": "label",
    "n": "denominator",
    "events": "count",
    "without": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    **LOOK_ROLES,
}
# `without` is there for disclosure control: n less events tells it.
_SHOWN: Final = tuple(name for name in _ROLES if name not in ("key", "without"))


@question(
    "for_whom",
    recipes=(
        COUNTED,
        *LOOK_RECIPES,
    ),
    asks="For whom do sessions help more often, and for whom less often?",
    unit="percent of patients",
    estimand=(
        f"Chance of a first response by session {TOLD_SESSION} of the first course, by what was"
        " known of people at the start. It is an association: it does not say whom sessions would"
        " help."
    ),
    roles=_ROLES,
    decimals=LOOK_DECIMALS,
    show=_SHOWN,
)
def for_whom(cohort: DerivedCohort) -> Answer:
    """Response in every group that can be told at the start, with its difference from the first
    group of its kind.

    Returns
    -------
    Result
        One row per group of each characteristic, and one per number (`group` says what step it is
        per): `n` `events` `without`, `estimate` `ci_low` `ci_high` (% who had responded by the
        session), `difference` with `difference_low` `difference_high` (points, from the first
        group), `adjusted` with `adjusted_low` `adjusted_high` (the same at equal other
        characteristics; intervals that hold all at once), `shrunken` (drawn toward no difference),
        `chance` (% chance that groups alike would differ so, of this one look) and `chance_all`
        (the same for all looks together). Refused when no characteristic has two groups of
        `FEWEST_PEOPLE_IN_ARM` people.

    Notes
    -----
    Differences are those of a linear regression of pseudo-values, one row a person. Their error is
    the larger of the usual one and one that does not ask for equal spread.
    """
    exits = first_course_exits(cohort).set_index("patient_id")
    # Whoever never was at risk has no pseudo-value; a caveat says so.
    at_risk = exits[exits["step"] > 0]
    characteristics = known_characteristics(cohort, at_risk.index)
    if not characteristics:
        raise NotIdentified(
            "no characteristic has two groups of"
            f" {FEWEST_PEOPLE_IN_ARM} people at risk.",
            "age, sex, diagnosis and the other columns of patients.csv, for more people.",
        )
    # One number a person stands for the share, so that a plain regression can explain it.
    step = at_risk["step"].to_numpy()
    outcome = pseudo_values(
        step, at_risk["cause"].to_numpy(), len(CAUSES), TOLD_SESSION
    )[0]
    looks = look_at_all(
        characteristics,
        100 * outcome,
        partial(_row_of, at_risk),
    )
    # Rows of a number have no events, which a column of plain integers could not say.
    whole = dict.fromkeys(("n", "events", "without"), "Int64")
    table = looks_table(looks, list(_ROLES)).astype(whole)
    return Answer(
        table=table,
        sentence=_sentence(table),
        caveats=(
            *silent_caveats(silent_characteristics(cohort, at_risk.index)),
            *_caveats(cohort, table, looks, len(exits) - len(at_risk)),
        ),
        level=LEVEL,
        rows=partial(exit_rows, "responded", exits, list(CAUSES)),
    )


def _row_of(at_risk: pd.DataFrame, each: Characteristic) -> GroupRow:
    """The function that counts one group of a characteristic."""
    # Parted once for all groups of the characteristic.
    parts = dict(list(at_risk.groupby(each.group.astype(object))))
    return lambda label: _group_row(parts[label])


def _group_row(part: pd.DataFrame) -> dict[str, Any]:
    """Share of one group who had responded by the session, as its own curve says."""
    counts = count_competing_risks(
        part["step"].to_numpy(), part["cause"].to_numpy(), len(CAUSES)
    )
    curve = estimate_incidence(counts, LEVEL)
    # Where everybody has left, the curve goes on as it is.
    last = min(TOLD_SESSION, len(curve.free)) - 1
    events = int(counts.events[: last + 1, 0].sum())
    return {
        "n": len(part),
        "events": events,
        "without": len(part) - events,
        "estimate": 100 * float(curve.estimate[last, 0]),
        "ci_low": 100 * float(curve.ci_low[last, 0]),
        "ci_high": 100 * float(curve.ci_high[last, 0]),
    }


def _sentence(table: pd.DataFrame) -> str:
    """What stands out of all looks, or that nothing does."""
    n_looks = table.loc[table["adjusted"].notna(), "characteristic"].nunique()
    start = f"Response by session {TOLD_SESSION} was compared within {n_looks} characteristics."
    # An interval that holds for all looks at once makes a difference worth a sentence.
    parts = beyond_chance(table)
    if not parts:
        return (
            f"{start} At equal other characteristics no difference is beyond what chance makes of"
            " so many looks. That is not the same as no difference: the table says how large it may"
            " be."
        )
    return (
        f"{start} Beyond what chance makes of so many looks, at equal other characteristics:"
        f" {'; '.join(parts)}, each from the first group. Minus means that fewer responded."
    )


def _caveats(
    cohort: DerivedCohort,
    table: pd.DataFrame,
    looks: list[Looked],
    uncounted: int,
) -> tuple[str, ...]:
    """What all looks have in common, who is not counted, and what severity does by itself."""
    return (
        *look_caveats(table, looks),
        *(
            [
                "Some people are not counted, because their log is too short or they were not yet"
                " scored."
            ]
            if uncounted
            else []
        ),
        severity_caveat(),
        f"{rule_words(cohort)}.",
    )
