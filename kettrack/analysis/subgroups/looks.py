"""Looks at one characteristic after another: groups beside the first of their kind, as counted and
at equal other characteristics, with intervals that hold for all looks at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL
from kettrack.analysis.subgroups.adjusted import (
    BOUND_TOGETHER,
    Characteristic,
    Comparison,
    adjusted_comparison,
    holm,
    others_of,
    shrink,
)
from kettrack.arrays import Floats
from kettrack.escapes import in_sentence
from kettrack.result import Role
from kettrack.vocabulary.limits import FEWEST_PEOPLE_IN_ARM
from kettrack.vocabulary.made_of import Kept, Scaled

DIFFERENCES: Final = (
    "difference",
    "difference_low",
    "difference_high",
    "adjusted",
    "adjusted_low",
    "adjusted_high",
    "shrunken",
)
LOOK_ROLES: Final[dict[str, Role]] = {
    **dict.fromkeys(DIFFERENCES, "derived"),
    "chance": "derived",
    "chance_all": "derived",
}
# What is left of a difference, and its chances, go with the people of the row.
SHRUNKEN_RECIPE: Final = Scaled(value="shrunken", of="n")
CHANCE_RECIPE: Final = Kept(values=("chance", "chance_all"), of="n")
LOOK_RECIPES: Final = (
    *(
        Scaled(value=name, of="n", ends=(f"{name}_low", f"{name}_high"), weighted=True)
        for name in ("difference", "adjusted")
    ),
    SHRUNKEN_RECIPE,
    CHANCE_RECIPE,
)
# Chances are told in percent; those of one look are small.
LOOK_DECIMALS: Final = {"chance": 1, "chance_all": 1}
# A row for a number in place of groups.
PER_SPREAD: Final = "per standard deviation"
# One group of a characteristic, by its label, to the row that counts it.
GroupRow = Callable[[str], dict[str, Any]]


class Looked(NamedTuple):
    """One characteristic compared: as counted, and at equal others."""

    of: Characteristic
    rows: list[dict[str, Any]]
    counted: Comparison
    equal: Comparison


def look_at_all(
    characteristics: list[Characteristic],
    outcome: Floats,
    row_of: Callable[[Characteristic], GroupRow],
    held: Sequence[Characteristic] = (),
) -> list[Looked]:
    """Every characteristic by its groups, then every number as a straight line.

    Parameters
    ----------
    characteristics : list of Characteristic
        Of the people compared.
    outcome : array of float, shape (people,)
        What each person adds, in percent.
    row_of : function
        Characteristic to the function that counts one of its groups.
    held : sequence of Characteristic
        Held equal beside the others of those compared, and not compared themselves.
    """
    equal = [*characteristics, *held]
    grouped = [_groups(each, outcome, equal, row_of(each)) for each in characteristics]
    lines = [
        _line(each, outcome, equal) for each in characteristics if len(each.number)
    ]
    return [*grouped, *lines]


def _groups(
    each: Characteristic,
    outcome: Floats,
    characteristics: list[Characteristic],
    row_of: GroupRow,
) -> Looked:
    """The groups of one characteristic."""
    rows = []
    for place, label in enumerate(each.group.cat.categories):
        # Keys name the place of a group, since labels may hold any signs.
        facts = {"key": f"{each.name}_{place}", "characteristic": each.label}
        rows.append(facts | {"group": str(label)} | row_of(str(label)))
    return _compared(each, rows, each.dummies, outcome, characteristics)


def _line(
    each: Characteristic,
    outcome: Floats,
    characteristics: list[Characteristic],
) -> Looked:
    """One characteristic as a straight line in its number."""
    row = {
        "key": f"{each.name}_line",
        "characteristic": each.label,
        "group": f"{PER_SPREAD} ({each.spread:.1f}) more",
        "n": int(each.group.notna().sum()),
    }
    return _compared(each, [row], each.number[:, None], outcome, characteristics)


def _compared(
    each: Characteristic,
    rows: list[dict[str, Any]],
    own: Floats,
    outcome: Floats,
    characteristics: list[Characteristic],
) -> Looked:
    # What is compared is never held equal, not even as a number.
    others = others_of(each.name, characteristics)
    return Looked(
        of=each,
        rows=rows,
        counted=adjusted_comparison(outcome, own, each.unknown, []),
        equal=adjusted_comparison(outcome, own, each.unknown, others),
    )


def looks_table(looks: list[Looked], columns: Sequence[str]) -> pd.DataFrame:
    """Rows of every look; intervals that hold for all of them at once.

    Parameters
    ----------
    looks : list of Looked
        From `look_at_all`.
    columns : sequence of str
        Of the table, in order.
    """
    from scipy.special import stdtrit

    chance_all = holm(np.array([look.equal.chance for look in looks]))
    n_differences = sum(len(look.equal.difference) for look in looks)
    # Bonferroni: as many differences share the level.
    tail = (1 - LEVEL) / n_differences / 2
    rows = []
    for look, chance in zip(looks, chance_all, strict=True):
        reach = float(-stdtrit(look.equal.freedom, tail))
        chances = {"chance": 100 * look.equal.chance, "chance_all": 100 * chance}
        # The first group has none: it is what the others are compared with.
        first = len(look.rows) - len(look.equal.difference)
        rows += look.rows[:first]
        for place, row in enumerate(look.rows[first:]):
            rows.append(
                row
                | _ends("difference", look.counted, place, reach)
                | _ends("adjusted", look.equal, place, reach)
                | chances
            )
    return _with_shrunken(pd.DataFrame(rows), looks).reindex(columns=list(columns))


def _ends(name: str, found: Comparison, place: int, reach: float) -> dict[str, float]:
    """One difference with its interval."""
    difference = found.difference[place]
    half = reach * found.error[place]
    return {
        name: difference,
        f"{name}_low": difference - half,
        f"{name}_high": difference + half,
    }


def _with_shrunken(table: pd.DataFrame, looks: list[Looked]) -> pd.DataFrame:
    """The table with what is left of each difference between groups after chance is taken off."""
    grouped = [look.equal for look in looks if len(look.rows) > 1]
    difference = np.concatenate([found.difference for found in grouped])
    error = np.concatenate([found.error for found in grouped])
    drawn, _ = shrink(difference, error)
    # A row of a number has no group, and so no estimate.
    later = table["adjusted"].notna() & table["estimate"].notna()
    shrunken = np.full(len(table), np.nan)
    shrunken[later.to_numpy()] = drawn
    return table.assign(shrunken=shrunken)


def beyond_chance(table: pd.DataFrame) -> list[str]:
    """Templates of the differences whose interval, which holds for all looks at once, leaves out
    0.
    """
    outside = table[(table["adjusted_low"] > 0) | (table["adjusted_high"] < 0)]
    return [
        f"{in_sentence(str(row.characteristic))}, {in_sentence(str(row.group))}:"
        f" {{{row.key}.adjusted}} points"
        f" ({{{row.key}.adjusted_low}} to {{{row.key}.adjusted_high}})"
        for row in outside.itertuples()
    ]


def look_caveats(table: pd.DataFrame, looks: list[Looked]) -> tuple[str, ...]:
    """What is held equal, how many looks there were, and what is drawn together."""
    names = ", ".join(look.of.label for look in looks if look.rows[1:])
    n_differences = int(table["adjusted"].notna().sum())
    bound = " and ".join(BOUND_TOGETHER)
    return (
        f"Held equal are, by a linear regression: {names}. {bound.capitalize()} go together, so"
        " neither is held equal while the other is compared; both are standardised over the rest."
        " What was not recorded is not held equal.",
        f"{n_differences} differences were looked at. Their intervals hold for all of them at once"
        " (Bonferroni); chance is given for one look, and for all of them together (Holm). In"
        " 20 looks at groups that are alike, one has a chance below 5 %.",
        "Shrunken is the difference at equal other characteristics, drawn toward no difference by"
        " the part of the spread of all differences that chance explains (empirical Bayes). It is"
        " the better guess for one group, and has no interval here.",
        f"Left out are groups with fewer than {FEWEST_PEOPLE_IN_ARM} people. People whose"
        " characteristic is not recorded stay in the comparison of the others.",
    )
