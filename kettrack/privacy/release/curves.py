"""Curves made again from rounded counts: how many have left so far is rounded, so that each step of
a curve stands for a whole band of people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Floats, Ints
from kettrack.estimators.survival.competing_risks import ExitCounts
from kettrack.estimators.survival.life_table import LifeCounts
from kettrack.privacy.policies import Rounding
from kettrack.privacy.release.columns import column_numbers, fill, first_with_half
from kettrack.privacy.release.within_steps import (
    gone_before,
    incidence_of_rows,
    survival_of_rows,
)
from kettrack.vocabulary.made_of import IncidenceCurve, StillResponding

_LEVEL: Final = 0.95
_HALF: Final = 0.5
_LAST_BITS: Final = 1e-9  # a half may end a few bits above it


def incidence_again(
    recipe: IncidenceCurve,
    table: pd.DataFrame,
    exact: pd.DataFrame,
    rounding: Rounding,
) -> None:
    """Fill in a curve of competing causes, and the counts of each step, from rounded running sums.

    Parameters
    ----------
    recipe : IncidenceCurve
        What it is made of.
    table : DataFrame
        With rounded counts; changed in place.
    exact : DataFrame
        Before the gate.
    rounding : Rounding
        Of the policy.

    Notes
    -----
    Single steps are not rounded: steps of one person each would add up to a rounded sum, and tell
    that each was one.
    """
    left = [*recipe.causes.values(), recipe.censored]
    # A step that is hidden would be told by the sums around it.
    if table[[recipe.n, *left]].isna().any(axis=None):
        return
    sums = {column: _so_far(exact, column, rounding) for column in left}
    exits = {column: np.diff(total, prepend=0) for column, total in sums.items()}
    counts = _exit_counts(
        recipe,
        exits,
        column_numbers(table, recipe.n)[0],
    )
    for column, steps in exits.items():
        table[column] = steps
    table[recipe.at_risk] = counts.at_risk
    # The estimator of the clinic itself, so that only the counts are other ones.
    ended = exits[recipe.censored]
    ticks = np.full(len(ended), recipe.ticks)
    found = incidence_of_rows(counts, gone_before(ended, ticks), _LEVEL)
    for place, share in enumerate(recipe.causes):
        table[share] = 100 * found.estimate[:, place]
    low, high = recipe.ends
    table[low] = 100 * found.ci_low[:, 0]
    table[high] = 100 * found.ci_high[:, 0]
    table[recipe.free] = 100 * found.free
    for column, parts in recipe.sums.items():
        table[column] = table[list(parts)].sum(axis=1)
    for column, end in zip(recipe.half_by, ("estimate", high, low), strict=False):
        share = "estimate" if end == "estimate" else end
        table[column] = first_with_half(
            column_numbers(table, share), table[recipe.step]
        )


def _so_far(
    exact: pd.DataFrame,
    column: str,
    rounding: Rounding,
) -> Ints:
    return rounding.of(np.cumsum(column_numbers(exact, column))).astype(np.int64)


def _exit_counts(
    recipe: IncidenceCurve,
    exits: Mapping[str, Ints],
    n: float,
) -> ExitCounts:
    """Who left at each step, with everybody that the rows do not tell of at the end."""
    events = np.column_stack([exits[column] for column in recipe.causes.values()])
    censored = exits[recipe.censored].copy()
    # Sums that are rounded apart may come to more than everybody; then nobody is left over.
    gone = int(events.sum() + censored.sum())
    # Nobody is told apart there: they are whoever was still followed.
    censored[-1] += max(int(n) - gone, 0)
    return ExitCounts(events=events, censored=censored)


def responding_again(
    recipe: StillResponding,
    table: pd.DataFrame,
    exact: pd.DataFrame,
    rounding: Rounding,
) -> None:
    """Fill in the curves of durability of both strategies that only count, with medians, and with
    the share by a single score beside the rule in force.

    Parameters
    ----------
    recipe, table, exact, rounding
        As in `incidence_again`.

    Notes
    -----
    Rows are weeks: within a week a loss comes before the end of a log, as on a day.
    """
    for kind, rows in _curves(exact):
        part = table.iloc[rows]
        # One hidden number leaves every later step of its curve open.
        if part[["n", "lost", "censored"]].isna().any(axis=None):
            continue
        fill(
            table,
            rows,
            _curve_again(recipe, kind, part),
        )
    _medians_again(recipe, table, exact)
    _single_again(recipe, table)


@dataclass(frozen=True, slots=True)
class _Gone:
    """Who left one curve at each row, from rounded numbers.

    Parameters
    ----------
    n : int
        Everybody at the start.
    lost, again, censored : float, shape (rows,)
        People with a loss, with another session that ends their part, and whose logs end; `again`
        is 0 where none does.
    days : float, shape (rows,)
        Days that each row stands for.
    """

    n: int
    lost: Floats
    again: Floats | int
    censored: Floats
    days: Floats

    @property
    def events(self) -> Floats:
        """Whatever ends a response at each row."""
        return self.lost + self.again

    @property
    def before(self) -> Floats:
        """Logs taken to end before what happens in their row."""
        return gone_before(self.censored, self.days)

    @property
    def everybody(self) -> Floats:
        """Ends of logs, with everybody still followed after the last row at its end."""
        gone = self.events + self.censored
        everybody = self.censored.copy()
        # Sums that are rounded apart may come to more than everybody.
        everybody[-1] += max(self.n - gone.sum(), 0)
        return everybody

    @property
    def at_risk(self) -> Floats:
        """People at risk on the last day of each row, which gives the row its name."""
        gone = self.events + self.censored
        so_far = np.cumsum(gone)
        # Of several days nothing says who leaves on the last one: they are taken to be gone.
        first = np.where(self.days == 1, gone, 0)
        return np.maximum(self.n - so_far + first, 0)


def _curves(exact: pd.DataFrame) -> Iterator[tuple[str, Ints]]:
    """Strategy and rows of each curve that stands on counts alone."""
    for rows in _groups(exact):
        kind = str(exact["estimand"].iloc[rows[0]])
        # The third strategy weights people, so no counts give it.
        if kind in ("treatment_policy", "composite"):
            yield kind, rows


def _groups(exact: pd.DataFrame) -> list[Ints]:
    """Rows of each strategy under each rule."""
    places = exact.groupby(["estimand", "rule"], sort=False).indices.values()
    return [np.asarray(rows, np.int64) for rows in places]


def _curve_again(
    recipe: StillResponding,
    kind: str,
    part: pd.DataFrame,
) -> dict[str, Floats]:
    """Columns of one curve from the rounded numbers of those gone so far."""
    # Whatever sessions followed: who came again is watched on.
    again = 0 if kind == "treatment_policy" else _steps_of(part, "retreated")
    gone = _Gone(
        n=int(part["n"].iloc[0]),
        lost=_steps_of(part, "lost"),
        again=again,
        censored=_steps_of(part, "censored"),
        days=_steps_of(part, "day", before=-1),
    )
    life = LifeCounts(gone.events, gone.everybody)
    # In the composite, the share to whom nothing has happened yet.
    curve = survival_of_rows(
        life,
        gone.before,
        _LEVEL,
    )
    made = {"at_risk": gone.at_risk}
    made |= _of_survival(
        recipe,
        curve.estimate,
        curve.ci_low,
        curve.ci_high,
    )
    if kind == "treatment_policy":
        return made
    return made | _firsts(recipe, gone)


def _firsts(recipe: StillResponding, gone: _Gone) -> dict[str, Floats]:
    """The shares to whom a loss, and to whom another session, came first."""
    found = incidence_of_rows(
        ExitCounts(
            events=np.column_stack([gone.lost, gone.again]),
            censored=gone.everybody,
        ),
        gone.before,
        _LEVEL,
    )
    arrays = (found.estimate, found.ci_low, found.ci_high)
    return {
        name: 100 * array[:, place]
        for place, names in enumerate((recipe.lost_first, recipe.again_first))
        for name, array in zip(names, arrays, strict=True)
    }


def _steps_of(part: pd.DataFrame, column: str, before: int = 0) -> Floats:
    """How far a column rises at each row."""
    return np.diff(column_numbers(part, column), prepend=before)


def _of_survival(
    recipe: StillResponding,
    share: Floats,
    low: Floats,
    high: Floats,
) -> dict[str, Floats]:
    # Fractions inside, percent in every table.
    columns = (recipe.value, *recipe.ends)
    return {
        name: 100 * array
        for name, array in zip(columns, (share, low, high), strict=True)
    }


def _medians_again(
    recipe: StillResponding,
    table: pd.DataFrame,
    exact: pd.DataFrame,
) -> None:
    """First week of each curve with one half or fewer left, and the ends of its interval."""
    ends = (recipe.value, *recipe.ends)
    for rows in _groups(exact):
        for column, share in zip(recipe.median, ends, strict=True):
            # Taken anew each time: the column before it has just been filled.
            part = table.iloc[rows]
            below = part["day"][column_numbers(part, share) <= 100 * _HALF + _LAST_BITS]
            first = float(below.iloc[0]) if len(below) else np.nan
            fill(
                table,
                rows,
                {column: first},
            )


def _single_again(
    recipe: StillResponding,
    table: pd.DataFrame,
) -> None:
    """The share by a single score beside the rule in force, copied from its own rows."""
    ends = (recipe.value, *recipe.ends)
    single = table[table["rule"] == "single_score"].set_index(["estimand", "day"])
    beside = table["rule"] == "in_force"
    # A day that the other rule does not reach stays empty.
    places = pd.MultiIndex.from_frame(table.loc[beside, ["estimand", "day"]])
    for column, share in zip(recipe.single, ends, strict=True):
        table.loc[beside, column] = single[share].reindex(places).to_numpy(np.float64)
