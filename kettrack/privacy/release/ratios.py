"""Figures in which a count stands below the line, or beside its square: what sessions cost per
responder, and how far one forecast for everybody is from what happens.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Floats
from kettrack.privacy.policies import Policy
from kettrack.privacy.release.columns import column_numbers, fill
from kettrack.vocabulary.made_of import OneForecast, PerEvent

# The width of an interval hangs on the count too; so few digits leave it a band as wide as a
# rounded count.
_DIGITS: Final = 2


def per_event_again(
    recipe: PerEvent,
    table: pd.DataFrame,
    exact: pd.DataFrame,
    policy: Policy,
) -> None:
    """Fill in a total divided by the people with an event: its mean of everybody, which tells no
    count, times the rounded people, divided by the rounded events.

    Parameters
    ----------
    recipe : PerEvent
        What it is made of.
    table : DataFrame
        With rounded counts; changed in place.
    exact : DataFrame
        Before the gate.
    policy : Policy
        Says how many people a mean needs.
    """
    events = column_numbers(table, recipe.events)
    of = column_numbers(table, recipe.of)
    # Two counts are rounded apart, so a part may come out above its whole.
    parts = np.minimum(events, of)
    share = column_numbers(exact, recipe.events) / column_numbers(exact, recipe.of)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = share * of / parts
    enough = events >= policy.fewest_behind
    rows = np.flatnonzero(enough & np.isfinite(factor))
    again = column_numbers(exact, recipe.value) * factor
    fill(
        table,
        rows,
        {recipe.value: again[rows]},
    )
    # Of everybody there is nothing to tell.
    whole = column_numbers(exact, recipe.events) == column_numbers(exact, recipe.of)
    outward = (np.floor, np.ceil)
    for column, rounded in zip(
        recipe.ends,
        outward,
        strict=False,
    ):
        end = column_numbers(exact, column) * factor
        unit = np.where(
            whole,
            np.nan,
            _unit(end),
        )
        coarse = np.where(
            whole,
            end,
            rounded(end / unit) * unit,
        )
        fill(
            table,
            rows,
            {column: coarse[rows]},
        )


def _unit(values: Floats) -> Floats:
    """The place of the last digit that is told of each number."""
    size = np.abs(
        np.where(
            values == 0,
            1.0,
            values,
        )
    )
    return np.asarray(10.0 ** (np.floor(np.log10(size)) - (_DIGITS - 1)))


def one_forecast_again(
    recipe: OneForecast,
    table: pd.DataFrame,
    exact: pd.DataFrame,
) -> None:
    """Fill in the Brier score of one forecast for everybody, from the rounded share.

    Parameters
    ----------
    recipe : OneForecast
        What it is made of.
    table : DataFrame
        With rounded counts; changed in place.
    exact : DataFrame
        Before the gate: tells which rows have it.
    """
    of = column_numbers(table, recipe.of)
    parts = np.clip(
        column_numbers(table, recipe.events),
        0,
        of,
    )
    there = exact[recipe.value].notna().to_numpy(bool)
    rows = np.flatnonzero(there & (of > 0))
    share = parts[rows] / of[rows]
    # Whoever forecasts the share itself is off by this much, squared and on average.
    fill(
        table,
        rows,
        {recipe.value: share * (1 - share)},
    )
