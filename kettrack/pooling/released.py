"""Counts of a site as they may leave it: rounded, and still fit to be added.

A policy that hides counts leaves holes, and a sum over holes is wrong. So a summary is exact, or
rounded.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.arrays import Floats
from kettrack.errors import UsageError
from kettrack.pooling.tallies import Shape
from kettrack.privacy.policies import POLICIES, Policy, Rounding, get_policy

# Of means and standard deviations by the people behind them. A mean times its people is whole: with
# half of the last decimal times them above half a point, it is so for every number of people.
_MANY: Final = 100
_DECIMALS: Final = (1, 2)
# Significant digits of sums of squares, which are no counts of people.
_DIGITS: Final = 2
# Of sums over people, by which sessions of one person are alike: sum -> its two factors.
_PRODUCTS: Final = {
    "rows_squared": ("rows", "rows"),
    "events_squared": ("events", "events"),
    "rows_by_events": ("rows", "events"),
}


def require_addable(policy: str) -> Policy:
    """The policy of a summary.

    Raises
    ------
    UsageError
        For a policy that hides counts; the message names those that do not.

    Examples
    --------
    >>> require_addable("midpoint6").name
    'midpoint6'
    """
    rules = get_policy(policy)
    if rules.smallest_count > 1:
        whole = [each.name for each in POLICIES.values() if each.smallest_count <= 1]
        raise UsageError(
            f"The policy {policy!r} hides small counts, and counts with holes cannot be added."
            f" Summaries can be made under: {', '.join(whole)}."
        )
    return rules


def released(
    shape: Shape,
    table: pd.DataFrame,
    policy: Policy,
) -> pd.DataFrame:
    """A table as it may leave the site.

    Parameters
    ----------
    shape : Shape
        What stands in it.
    table : DataFrame
        Exact counts.
    policy : Policy
        From `require_addable`.

    Returns
    -------
    DataFrame
        As it came where the policy leaves counts exact. Else every count is rounded; on a clock
        the running totals are, so that no error grows with time; means keep one decimal, or two
        from 100 people on, and need enough people behind them.
    """
    if policy.rounding is None:
        return table
    if shape.clock:
        return _rounded_clock(shape, table, policy.rounding)
    rounded = table.copy()
    for name in shape.counts:
        exact = _floats(table, name)
        near = policy.rounding.of(exact)
        rounded[name] = near.astype(np.int64)
    if shape.sums:
        return _scaled_sums(rounded, table, policy)
    if _PRODUCTS.keys() <= shape.counts.keys():
        return _coarse_products(rounded, table, policy)
    return rounded


def _rounded_clock(
    shape: Shape,
    table: pd.DataFrame,
    rounding: Rounding,
) -> pd.DataFrame:
    """Steps whose running totals are rounded; those at which no total moves are left out, the last
    one too, since it is the follow-up of one person.
    """
    others = [name for name in shape.keys if name != shape.clock]
    columns = list(shape.counts)
    ordered = table.sort_values([*others, shape.clock])
    # One group where the clock is the only key.
    groups = ordered.groupby(others, sort=False) if others else [("", ordered)]
    parts = []
    for _, here in groups:
        exact = here[columns].to_numpy(np.float64)
        totals = rounding.of(exact.cumsum(axis=0))
        # A difference of rounded totals: 0, or a whole step of the rounding.
        steps = np.diff(totals, axis=0, prepend=np.zeros((1, len(columns))))
        part = here.copy()
        part[columns] = steps.astype(np.int64)
        parts.append(part[steps.any(axis=1)])
    return pd.concat(parts) if parts else ordered


def _scaled_sums(
    rounded: pd.DataFrame,
    exact: pd.DataFrame,
    policy: Policy,
) -> pd.DataFrame:
    """Sums that belong to the rounded number of people, from a mean and a spread of few decimals;
    rows with too few people behind them are left out.
    """
    enough = exact["n"] >= policy.fewest_behind
    exact = exact[enough]
    kept = rounded[enough].copy()
    n = _floats(exact, "n")
    mean = _floats(exact, "total") / n
    rest = _floats(exact, "squares") - n * mean**2
    # A difference of sums may end a rounding below 0.
    spread = np.sqrt(np.maximum(rest, 0) / (n - 1))
    people = _floats(kept, "n")
    mean = _blurred(mean, people)
    spread = _blurred(spread, people)
    kept["total"] = people * mean
    kept["squares"] = people * mean**2
    kept["squares"] += (people - 1) * spread**2
    return kept


def _blurred(values: Floats, people: Floats) -> Floats:
    """Values with so many decimals that they do not tell how many people are behind them."""
    few, many = _DECIMALS
    return np.where(people < _MANY, np.round(values, few), np.round(values, many))


def _coarse_products(
    rounded: pd.DataFrame,
    exact: pd.DataFrame,
    policy: Policy,
) -> pd.DataFrame:
    """Sums of squares with few digits; with few people behind an event, as if each of its sessions
    were of another person.
    """
    for name, factors in _PRODUCTS.items():
        scaled = _floats(exact, name)
        for factor in factors:
            scaled = scaled * _ratio(rounded[factor], exact[factor])
        rounded[name] = _digits(scaled)
    events = _floats(rounded, "events")
    per_person = _ratio(rounded["rows"], rounded["people"])
    alone = {
        "events_squared": events,
        "rows_by_events": events * per_person,
    }
    # The sessions of one or two people would be told by these sums.
    few = exact["people_with"] < policy.fewest_behind
    for name, values in alone.items():
        rounded[name] = np.where(
            few,
            values,
            rounded[name],
        )
    whole = dict.fromkeys(_PRODUCTS, np.int64)
    return rounded.astype(whole)


def _floats(
    table: pd.DataFrame,
    name: str,
) -> Floats:
    """A column as floats."""
    return table[name].to_numpy(np.float64)


def _ratio(
    part: pd.Series[Any],
    whole: pd.Series[Any],
) -> Floats:
    below = whole.to_numpy(np.float64)
    above = part.to_numpy(np.float64)
    # Where nobody is, nothing is scaled.
    return np.divide(
        above,
        below,
        out=np.ones(len(below)),
        where=below > 0,
    )


def _digits(values: Floats) -> Floats:
    """Whole numbers with a few significant digits; 0 stays 0."""
    size = np.floor(np.log10(np.maximum(values, 1)))
    step = 10.0 ** np.maximum(size - _DIGITS + 1, 0)
    return np.asarray(np.round(values / step) * step)
