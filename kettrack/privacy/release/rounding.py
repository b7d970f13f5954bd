"""A table under a policy that rounds counts: every count rounded, and every figure made again from
rounded counts, as the question declares it (`vocabulary/made_of.py`).

What is shown is a function of the rounded counts. A share, its interval or a step of a curve then
tells no more than the rounded counts beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Floats
from kettrack.privacy.policies import Policy, Rounding
from kettrack.privacy.release.columns import column_numbers
from kettrack.privacy.release.curves import incidence_again, responding_again
from kettrack.privacy.release.ratios import one_forecast_again, per_event_again
from kettrack.privacy.release.row_differences import fill_row_differences
from kettrack.privacy.release.scaled import (
    by_row_again,
    difference_again,
    like_counts_again,
    scaled_again,
)
from kettrack.privacy.release.shares import rate_again, share_again
from kettrack.privacy.release.step_blocks import (
    counted_columns,
    figures_again,
    is_merged,
    one_curve,
    rounded_blocks,
)
from kettrack.result import SUPPRESSED, Result, Role
from kettrack.vocabulary.made_of import (
    ByRow,
    FigureDifference,
    IncidenceCurve,
    Kept,
    LikeCounts,
    MadeOf,
    OneForecast,
    PerEvent,
    Rate,
    RowDifference,
    Scaled,
    Share,
    StillResponding,
)

COUNTS: Final[tuple[Role, ...]] = ("count", "denominator", "running")
_DECIMALS: Final = 1  # where a result names no other number


def rounded_table(
    result: Result,
    shown: pd.DataFrame,
    policy: Policy,
) -> pd.DataFrame:
    """The table of a result with rounded counts, and with figures made again from them.

    Parameters
    ----------
    result : Result
        Before the gate.
    shown : DataFrame
        Its table with what the policy hides already missing.
    policy : Policy
        One that rounds.
    """
    # Which cells are figures at all is read from the table before the gate.
    exact = result.table
    curve = one_curve(result.recipes, exact)
    if curve is not None and is_merged(curve, shown):
        return _merged_table(result, shown, curve, policy)
    table = shown.copy()
    counts = _columns(result, *COUNTS)
    derived = _columns(result, "derived")
    for column in counts:
        table[column] = _rounded(policy, column_numbers(table, column))
    # What nobody declares cannot be made again, and stays missing.
    table[derived] = np.nan
    for recipe in result.recipes:
        if _has(recipe, exact):
            _make(recipe, table, exact, policy)
    # Last, since it may leave rows to a recipe that makes them again.
    for recipe in result.recipes:
        if isinstance(recipe, Kept):
            _keep(recipe, table, shown, exact, policy)
    # A row with a hidden count shows nothing that follows from it.
    if SUPPRESSED in shown:
        table.loc[shown[SUPPRESSED].to_numpy(bool), derived] = np.nan
    _cut_decimals(table, derived, result.decimals)
    whole = table.astype(dict.fromkeys(counts, "Int64"))
    # A median that is no longer reached is not hidden: the curve says so.
    medians = {name for recipe in result.recipes for name in _medians(recipe)}
    looked_at = [name for name in counts + derived if name not in medians]
    return whole.assign(**{SUPPRESSED: _lost(table, exact, looked_at)})


def _merged_table(
    result: Result, shown: pd.DataFrame, curve: IncidenceCurve, policy: Policy
) -> pd.DataFrame:
    """The table of a curve of which steps are taken together, its sums so far rounded."""
    assert policy.rounding is not None, "asked for under a policy that rounds"
    table = shown.copy()
    # Read before the whole is rounded, since the share that is left belongs to it.
    blocks = rounded_blocks(curve, table, policy.rounding)
    for column in _columns(result, *COUNTS):
        if column not in (*counted_columns(curve), curve.at_risk):
            table[column] = _rounded(policy, column_numbers(table, column))
    figures_again(curve, table, blocks)
    _cut_decimals(table, _columns(result, "derived"), result.decimals)
    return table.astype(dict.fromkeys(_columns(result, *COUNTS), "Int64"))


def _medians(recipe: MadeOf) -> tuple[str, ...]:
    match recipe:
        case IncidenceCurve():
            return recipe.half_by
        case StillResponding():
            return recipe.median
        case _:
            return ()


def _rounded(
    policy: Policy,
    counts: Floats,
) -> Floats:
    return counts if policy.rounding is None else policy.rounding.of(counts)


def _columns(
    result: Result,
    *roles: Role,
) -> list[str]:
    return [
        column
        for column, role in result.roles.items()
        if role in roles and column in result.table
    ]


def _has(
    recipe: MadeOf,
    table: pd.DataFrame,
) -> bool:
    """Whether the table holds the figures: an answer may leave some of its columns out."""
    return recipe.columns[0] in table


def _make(
    recipe: MadeOf,
    table: pd.DataFrame,
    exact: pd.DataFrame,
    policy: Policy,
) -> None:
    """Fill in what one recipe makes of rounded counts."""
    rounding = policy.rounding
    if rounding is None:
        return
    match recipe:
        case Share():
            share_again(recipe, table, exact)
        case Rate():
            rate_again(recipe, table, exact)
        case IncidenceCurve():
            incidence_again(recipe, table, exact, rounding)
        case StillResponding():
            responding_again(recipe, table, exact, rounding)
        case ByRow():
            by_row_again(recipe, table, exact, policy)
        case PerEvent():
            per_event_again(recipe, table, exact, policy)
        case _:
            _make_without_counts(recipe, table, exact, rounding)


def _make_without_counts(
    recipe: MadeOf,
    table: pd.DataFrame,
    exact: pd.DataFrame,
    rounding: Rounding,
) -> None:
    """The same for figures that no counts of their table add up to."""
    match recipe:
        case Scaled():
            scaled_again(recipe, table, exact, rounding)
        case OneForecast():
            one_forecast_again(recipe, table, exact)
        case FigureDifference():
            difference_again(recipe, table)
        case RowDifference():
            fill_row_differences(recipe, table)
        case LikeCounts():
            like_counts_again(recipe, table, exact, rounding)


def _keep(
    recipe: Kept,
    table: pd.DataFrame,
    shown: pd.DataFrame,
    exact: pd.DataFrame,
    policy: Policy,
) -> None:
    """Let figures through that are no share of people, where enough people are behind them."""
    people = column_numbers(shown, recipe.of)
    # A person behind a mean of few could be worked out by whoever knows the others.
    enough = people >= policy.fewest_behind
    for column in recipe.values:
        if column not in exact:
            continue
        # Words such as "inside the limits" are a figure too, and no number.
        if not pd.api.types.is_numeric_dtype(exact[column]):
            table[column] = exact[column].where(enough)
            continue
        own = column_numbers(exact, column)
        # A recipe before this one may have filled other rows of the same column.
        filled = column_numbers(table, column)
        table[column] = np.where(np.isnan(filled) & enough, own, filled)


def _cut_decimals(
    table: pd.DataFrame,
    derived: list[str],
    decimals: Mapping[str, int],
) -> None:
    """No more decimals than people see: all of them could tell a count, as 11.33217993 is a ratio
    of two whole numbers.
    """
    for column in derived:
        if not pd.api.types.is_numeric_dtype(table[column]):
            continue
        table[column] = column_numbers(table, column).round(
            decimals.get(column, _DECIMALS)
        )


def _lost(
    table: pd.DataFrame,
    exact: pd.DataFrame,
    columns: list[str],
) -> Bools:
    """Rows in which something is missing that was there."""
    there = exact[columns].notna().to_numpy(bool)
    gone = table[columns].isna().to_numpy(bool)
    return np.asarray((there & gone).any(axis=1), bool)
