"""Interactions: whether the difference between two kinds of treatment is another one in another
group of people.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL, rule_words
from kettrack.analysis.person_rows import exit_rows
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.response.curve_words import TOLD_SESSION
from kettrack.analysis.response.exits import CAUSES, first_course_exits
from kettrack.analysis.subgroups.adjusted import (
    Characteristic,
    Comparison,
    adjusted_comparison,
    holm,
    known_characteristics,
    others_of,
    shrink,
)
from kettrack.analysis.subgroups.groups import (
    compared_groups,
    grouping_name,
    groups_of,
    silent_caveats,
    silent_groups,
)
from kettrack.analysis.subgroups.looks import (
    CHANCE_RECIPE,
    PER_SPREAD,
    SHRUNKEN_RECIPE,
)
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.escapes import in_sentence
from kettrack.estimators.survival.competing_risks import pseudo_values
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.limits import FEWEST_PEOPLE, FEWEST_PEOPLE_IN_ARM
from kettrack.vocabulary.made_of import Scaled
from kettrack.vocabulary.plain_words import value_with_interval

_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "characteristic": "label",
    "group": "label",
    "compared": "label",
    "n": "denominator",
    "second": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    "interaction": "derived",
    "interaction_low": "derived",
    "interaction_high": "derived",
    "shrunken": "derived",
    "chance": "derived",
    "chance_all": "derived",
}
_SHOWN: Final = tuple(name for name in _ROLES if name not in ("key", "compared"))


class _Arms(NamedTuple):
    """The people of the two kinds: what each adds in percent, and whether each is of the second."""

    outcome: Floats
    second: Floats
    names: tuple[str, str]


class _Row(NamedTuple):
    """One characteristic: its rows, differences in each group, and interactions after the first."""

    rows: list[dict[str, Any]]
    within: Comparison | None
    between: Comparison


@question(
    "interactions",
    recipes=(
        Scaled(value="estimate", of="n", ends=("ci_low", "ci_high"), weighted=True),
        Scaled(
            value="interaction",
            of="n",
            ends=("interaction_low", "interaction_high"),
            weighted=True,
        ),
        SHRUNKEN_RECIPE,
        CHANCE_RECIPE,
    ),
    asks="Does the difference between two treatments vary from group to group?",
    unit="percentage points",
    estimand=(
        f"Difference in the chance of a response by session {TOLD_SESSION} between the two"
        " commonest kinds of a column, at equal other characteristics, in each group of people; and"
        " how far it differs between groups. It is an association."
    ),
    roles=_ROLES,
    show=_SHOWN,
)
def interactions(cohort: DerivedCohort, column: str = "route") -> Answer:
    """The difference between two kinds of treatment in every group, with interactions.

    Parameters
    ----------
    column : str
        As for `by`; its two largest groups are compared.

    Returns
    -------
    Result
        Row `all`, then one row per group of each other characteristic with `FEWEST_PEOPLE` of both
        kinds: `n` people, `second` of them of the second kind; `estimate` `ci_low` `ci_high`
        (difference, second less first, pointwise); `interaction` `interaction_low`
        `interaction_high` (from the difference in the first group; intervals hold all at once),
        `shrunken` (drawn toward none), `chance` and `chance_all` as in `for_whom`. One row per
        number, for a straight line. `compared` names the two kinds. Refused when the column has no
        two groups of `FEWEST_PEOPLE_IN_ARM` people.
    """
    name = grouping_name(cohort, column)
    exits = first_course_exits(cohort).set_index("patient_id")
    arms, at_risk = _arms(cohort, name, exits[exits["step"] > 0])
    there = known_characteristics(cohort, at_risk.index)
    others = others_of(name, there)
    # Everybody here has one of the two kinds, so that nobody is unknown.
    nobody = np.zeros((len(at_risk), 1))
    whole = adjusted_comparison(arms.outcome, arms.second[:, None], nobody, others)
    looks = [found for each in others for found in _looks(each, arms, others)]
    table = _table(arms, whole, looks)
    return Answer(
        table=table,
        sentence=_sentence(table, arms),
        caveats=_caveats(cohort, name, table),
        level=LEVEL,
        rows=partial(
            exit_rows,
            "responded",
            at_risk,
            list(CAUSES),
            groups_of(cohort, name),
        ),
    )


def interaction_looks(cohort: DerivedCohort, column: str) -> dict[str, float]:
    """Name of each characteristic in groups to the chance of its interactions, if there were
    none.
    """
    exits = first_course_exits(cohort).set_index("patient_id")
    arms, at_risk = _arms(cohort, column, exits[exits["step"] > 0])
    others = others_of(column, known_characteristics(cohort, at_risk.index))
    found = {}
    for each in others:
        grouped = _grouped(each, arms, _held(each, others))
        # One group alone has no other to differ from.
        if grouped is not None:
            found[each.name] = grouped.between.chance
    return found


def _held(each: Characteristic, others: list[Characteristic]) -> list[Characteristic]:
    """What is held equal; what makes the groups is in the comparison itself."""
    return [other for other in others if other.name != each.name]


def _arms(
    cohort: DerivedCohort, name: str, at_risk: pd.DataFrame
) -> tuple[_Arms, pd.DataFrame]:
    """The two largest groups of the column, and their people."""
    group = groups_of(cohort, name).reindex(at_risk.index)
    sizes = group.value_counts(sort=False).sort_values(ascending=False, kind="stable")
    # 0 % of a group of whom nothing is known would be no answer
    compared = compared_groups(cohort, group, FEWEST_PEOPLE_IN_ARM)
    large = [str(label) for label in sizes.index if str(label) in compared]
    if len(large) < 2:
        raise NotIdentified(
            f"fewer than two groups by {name.replace('_', ' ')} have {FEWEST_PEOPLE_IN_ARM} people"
            " at risk, and scores after session 1.",
            f"{name} of each patient, for more people.",
        )
    # Pseudo-values of everybody, so that the share they explain is the one of the other tables.
    outcome = pseudo_values(
        at_risk["step"].to_numpy(),
        at_risk["cause"].to_numpy(),
        len(CAUSES),
        TOLD_SESSION,
    )[0]
    chosen = group.isin(large[:2]).to_numpy()
    second = (group[chosen] == large[1]).to_numpy().astype(np.float64)
    names = (large[0], large[1])
    return _Arms(100 * outcome[chosen], second, names), at_risk[chosen]


def _looks(
    each: Characteristic,
    arms: _Arms,
    others: list[Characteristic],
) -> Iterator[_Row]:
    """One characteristic by its groups, and as a straight line where it is a number."""
    held = _held(each, others)
    grouped = _grouped(each, arms, held)
    if grouped is not None:
        yield grouped
    if len(each.number):
        yield _line(each, arms, held)


def _grouped(
    each: Characteristic,
    arms: _Arms,
    held: list[Characteristic],
) -> _Row | None:
    """The difference in every group with enough people of both kinds."""
    codes = each.group.cat.codes.to_numpy()
    second = arms.second
    sizes = {
        place: (int((codes == place).sum()), int(second[codes == place].sum()))
        for place in range(len(each.group.cat.categories))
    }
    kept = [
        place
        for place, (n, of_second) in sizes.items()
        if min(of_second, n - of_second) >= FEWEST_PEOPLE
    ]
    # One group alone has no other to differ from.
    if len(kept) < 2:
        return None
    inside = (codes[:, None] == np.array(kept)).astype(np.float64)
    # People of small groups stay in, with a difference of their own, for what is held equal.
    outside = 1 - inside.sum(axis=1, keepdims=True)
    main = [inside[:, 1:], outside, outside * second[:, None]]
    per_group = inside * second[:, None]
    within = adjusted_comparison(arms.outcome, per_group, np.hstack(main), held)
    # With the difference in the first group beside them, the others are what they add to it.
    between = adjusted_comparison(
        arms.outcome,
        per_group[:, 1:],
        np.hstack([second[:, None], *main]),
        held,
    )
    rows = [
        {
            "key": f"{each.name}_{place}",
            "characteristic": each.label,
            "group": str(each.group.cat.categories[place]),
            "n": sizes[place][0],
            "second": sizes[place][1],
        }
        for place in kept
    ]
    return _Row(rows, within, between)


def _line(
    each: Characteristic,
    arms: _Arms,
    held: list[Characteristic],
) -> _Row:
    """How far the difference changes with a number."""
    number = each.number[:, None]
    second = arms.second[:, None]
    # A missing number stands at the mean, and its people have a difference of their own.
    main = [second, number, each.unknown, each.unknown * second]
    between = adjusted_comparison(arms.outcome, number * second, np.hstack(main), held)
    row = {
        "key": f"{each.name}_line",
        "characteristic": each.label,
        "group": f"{PER_SPREAD} ({each.spread:.1f}) more",
        "n": len(number),
        "second": int(arms.second.sum()),
    }
    return _Row([row], None, between)


def _table(arms: _Arms, whole: Comparison, looks: list[_Row]) -> pd.DataFrame:
    """Everybody, then every look; intervals of interactions that hold for all of them at once."""
    from scipy.special import stdtrit

    everybody = {
        "key": "all",
        "characteristic": "everybody",
        "group": "everybody",
        "n": len(arms.second),
        "second": int(arms.second.sum()),
        **_pointwise(whole, 0),
    }
    n_interactions = max(sum(len(look.between.difference) for look in looks), 1)
    chance_all = holm(np.array([look.between.chance for look in looks]))
    rows = [everybody]
    for look, chance in zip(looks, chance_all, strict=True):
        # Bonferroni: as many interactions share the level.
        reach = float(-stdtrit(look.between.freedom, (1 - LEVEL) / n_interactions / 2))
        # The first group has no interaction: it is what the others are compared with.
        first = len(look.rows) - len(look.between.difference)
        for place, row in enumerate(look.rows):
            cells = _pointwise(look.within, place) if look.within else {}
            later = place - first
            more = (
                _interaction(look.between, later, reach)
                | {"chance": 100 * look.between.chance, "chance_all": 100 * chance}
                if later >= 0
                else {}
            )
            rows.append(row | cells | more)
    table = pd.DataFrame(rows).reindex(columns=list(_ROLES))
    table = table.astype(dict.fromkeys(("n", "second"), "Int64"))
    # A figure must say what is compared, and sees the table alone.
    table["compared"] = f"{arms.names[1]} against {arms.names[0]}"
    return _with_shrunken(table, looks)


def _pointwise(found: Comparison, place: int) -> dict[str, float]:
    """One difference with an interval of its own."""
    from scipy.special import stdtrit

    estimate = float(found.difference[place])
    half = float(-stdtrit(found.freedom, (1 - LEVEL) / 2) * found.error[place])
    return {"estimate": estimate, "ci_low": estimate - half, "ci_high": estimate + half}


def _interaction(found: Comparison, place: int, reach: float) -> dict[str, float]:
    """One interaction with an interval that holds with all the others."""
    middle = float(found.difference[place])
    half = reach * float(found.error[place])
    return {
        "interaction": middle,
        "interaction_low": middle - half,
        "interaction_high": middle + half,
    }


def _with_shrunken(table: pd.DataFrame, looks: list[_Row]) -> pd.DataFrame:
    """The table with what is left of each interaction between groups after chance is taken off."""
    grouped = [look.between for look in looks if look.within is not None]
    shrunken = np.full(len(table), np.nan)
    if grouped:
        difference = np.concatenate([found.difference for found in grouped])
        error = np.concatenate([found.error for found in grouped])
        # A row of a number is in other units, and is not drawn together with groups.
        of_groups = table["interaction"].notna() & table["estimate"].notna()
        shrunken[of_groups.to_numpy()] = shrink(difference, error)[0]
    return table.assign(shrunken=shrunken)


def _sentence(table: pd.DataFrame, arms: _Arms) -> str:
    """The difference of everybody, and the groups in which it is another one."""
    first, second = (in_sentence(name) for name in arms.names)
    looked = table[table["interaction"].notna()]
    n_looks = looked["characteristic"].nunique()
    start = (
        f"At equal other characteristics, {value_with_interval('all')} points more responded with"
        f" {second} than with {first} (minus means fewer). Whether this differs between groups was"
        f" looked at in {n_looks} characteristics."
    )
    # Only an interval that holds for all looks at once makes a sentence.
    outside = looked[(looked["interaction_low"] > 0) | (looked["interaction_high"] < 0)]
    if outside.empty:
        return (
            f"{start} No interaction is beyond what chance makes of so many looks. That is not the"
            " same as none: small groups could hide a large one, as the intervals show."
        )
    parts = [
        f"{in_sentence(str(row.characteristic))}, {in_sentence(str(row.group))}:"
        f" {value_with_interval(str(row.key), of='interaction', ends='interaction')} points"
        for row in outside.itertuples()
    ]
    return (
        f"{start} Beyond what chance makes of so many looks, the difference is another one in"
        f" {'; '.join(parts)}, each beside the first group."
    )


def _caveats(cohort: DerivedCohort, name: str, table: pd.DataFrame) -> tuple[str, ...]:
    """What an interaction is and is not."""
    n_interactions = int(table["interaction"].notna().sum())
    what = name.replace("_", " ")
    silent = silent_groups(cohort, groups_of(cohort, name), FEWEST_PEOPLE_IN_ARM)
    return (
        *silent_caveats(silent),
        f"Nobody was put into a kind of {what} by lot: a difference, and its interaction, may come"
        " from what was not recorded. All other characteristics are held equal by a linear"
        " regression, but for those that go with it.",
        f"{n_interactions} interactions were looked at. Their intervals hold for all of them at"
        " once (Bonferroni), those of the differences each for itself; chance is given for one"
        " look, and for all of them together (Holm). Shrunken is the interaction drawn toward none"
        " (empirical Bayes).",
        "An interaction needs about four times as many people as a difference of its size, so most"
        " clinics can see only very large ones. A difference in one group and none in another is"
        " not an interaction.",
        f"Left out are groups with fewer than {FEWEST_PEOPLE} people of either kind, and people of"
        f" other kinds of {what}.",
        f"{rule_words(cohort)}.",
    )
