"""Who is scored: what is known of people before a fixed week, and how much oftener or more rarely
such people are scored then.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.association.fixed_week import WEEK
from kettrack.analysis.context import LEVEL, rule_words
from kettrack.analysis.person_rows import share_rows
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.subgroups.adjusted import (
    Characteristic,
    known_characteristics,
)
from kettrack.analysis.subgroups.at_week import (
    COLLECT,
    SHORT_LOGS,
    people_at_week,
)
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
from kettrack.estimators.intervals import wilson
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import HORIZON_TOLERANCE_DAYS
from kettrack.vocabulary.limits import FEWEST_PEOPLE_IN_ARM
from kettrack.vocabulary.made_of import ByRow

_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "characteristic": "label",
    "group": "label",
    "n": "denominator",
    "scored": "count",
    "unscored": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    **LOOK_ROLES,
}
# `unscored` is there for disclosure control: n less scored tells it.
_SHOWN: Final = tuple(name for name in _ROLES if name not in ("key", "unscored"))
# Columns of the people that are known only in the course of treatment, as a reader knows them.
_LATER: Final = {"state": "before the week", "coming": "still coming"}


@question(
    "scored_predictors",
    recipes=(
        ByRow(events="scored", percent=True),
        *LOOK_RECIPES,
    ),
    asks="Who is scored, and of whom do we know nothing?",
    unit="percent of patients",
    estimand=(
        f"Chance of a score within {HORIZON_TOLERANCE_DAYS} days of week {WEEK}, of everybody who"
        " started with a rated baseline, by what was known of them before. It is an association."
    ),
    roles=_ROLES,
    decimals=LOOK_DECIMALS,
    show=_SHOWN,
)
def scored_predictors(cohort: DerivedCohort) -> Answer:
    """Share scored at a fixed week in every group, with its difference from the first group of its
    kind.

    Returns
    -------
    Result
        Rows and columns as in `for_whom`, with `scored` and `unscored` people of `n`, and two
        characteristics that are known only later: how people were at their last score before the
        week, and whether they still came. Refused when no characteristic has two groups of
        `FEWEST_PEOPLE_IN_ARM` people, and where everybody or nobody was scored.
    """
    people = _people(cohort)
    looks = _looks(cohort, people)
    whole = dict.fromkeys(("n", "scored", "unscored"), "Int64")
    table = looks_table(looks, list(_ROLES)).astype(whole)
    return Answer(
        table=table,
        sentence=_sentence(table),
        caveats=(
            *look_caveats(table, looks),
            "How people were at the last score, and whether they still came, is known only in the"
            " course of treatment. These rows say who stands for the people without a score. They"
            " are not held equal while what was known at the start is compared.",
            SHORT_LOGS,
            f"{rule_words(cohort)}.",
        ),
        level=LEVEL,
        rows=partial(
            share_rows, "scored", people.index, people["scored"].to_numpy(bool)
        ),
    )


def scored_looks(cohort: DerivedCohort) -> dict[str, float]:
    """Name of each characteristic known at the start to the chance of its differences in being
    scored, if there were none.
    """
    looks = _looks(cohort, _people(cohort))
    # A number comes after its groups, and is another look.
    return {look.of.name: look.equal.chance for look in reversed(looks)}


def _people(cohort: DerivedCohort) -> pd.DataFrame:
    """Everybody with a rated baseline whose log reaches past the week."""
    people = people_at_week(cohort)
    # Whoever has no rated baseline is in no figure by score, scored or not.
    people = people[people["rated"]]
    _require_both(people["scored"])
    return people


def _looks(cohort: DerivedCohort, people: pd.DataFrame) -> list[Looked]:
    """Every characteristic compared: those known later first."""
    later = _later_characteristics(people)
    start = known_characteristics(cohort, people.index, silent=True)
    if not later and not start:
        raise NotIdentified(
            "no characteristic has two groups of"
            f" {FEWEST_PEOPLE_IN_ARM} people whose log reaches past week {WEEK}.",
            "age, sex, diagnosis and the other columns of patients.csv, for more people.",
        )
    outcome = 100 * people["scored"].to_numpy(float)
    row_of = partial(_row_of, people["scored"])
    # What happens in treatment may be how a characteristic acts, so it is not held equal there.
    return [
        *look_at_all(later, outcome, row_of, held=start),
        *look_at_all(start, outcome, row_of),
    ]


def _require_both(scored: pd.Series) -> None:
    """Refuse where there is nothing to predict."""
    if scored.all() or not scored.any():
        who = "everybody" if scored.all() else "nobody"
        raise NotIdentified(
            f"{who} with a rated baseline was scored at week {WEEK}, so nothing tells who is.",
            COLLECT,
        )


def _later_characteristics(people: pd.DataFrame) -> list[Characteristic]:
    """What is known in the course of treatment, as groups that are large enough."""
    found = []
    for column, label in _LATER.items():
        sizes = people[column].value_counts(sort=False)
        large = list(sizes.index[sizes >= FEWEST_PEOPLE_IN_ARM])
        # One group alone has nothing to be compared with.
        if len(large) > 1:
            group = people[column].cat.set_categories(large)
            found.append(Characteristic(column, label, group, np.empty(0), np.nan))
    return found


def _row_of(scored: pd.Series, each: Characteristic) -> GroupRow:
    """The function that counts one group of a characteristic."""
    # Parted once for all groups of the characteristic.
    parts = dict(list(scored.groupby(each.group.astype(object))))
    return lambda label: _group_row(parts[label])


def _group_row(part: pd.Series) -> dict[str, Any]:
    """Share scored of one group."""
    n = len(part)
    there = int(part.sum())
    interval = wilson(there, n, LEVEL)
    return {"n": n, "scored": there, "unscored": n - there, **interval._asdict()}


def _sentence(table: pd.DataFrame) -> str:
    """What stands out of all looks, or that nothing does."""
    n_looks = table.loc[table["adjusted"].notna(), "characteristic"].nunique()
    start = (
        f"Being scored at week {WEEK} was compared within {n_looks} characteristics."
    )
    # Only what is beyond the chance of all looks is worth a sentence.
    parts = beyond_chance(table)
    if not parts:
        return (
            f"{start} At equal other characteristics no difference is beyond what chance makes of"
            " so many looks. That does not say that the people without a score are like the"
            " others."
        )
    return (
        f"{start} Beyond what chance makes of so many looks, at equal other characteristics:"
        f" {'; '.join(parts)}, each from the first group. Minus means that fewer were scored, so"
        " figures by score tell less of them."
    )
