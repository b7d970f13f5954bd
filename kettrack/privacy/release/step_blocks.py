"""Steps of a curve that are taken together: what a table of them says, and its figures made again
from that alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Floats, Ints
from kettrack.estimators.survival.competing_risks import ExitCounts
from kettrack.privacy.policies import Rounding
from kettrack.privacy.release.columns import column_numbers, first_with_half
from kettrack.privacy.release.within_steps import gone_before, incidence_of_rows
from kettrack.vocabulary.made_of import IncidenceCurve, MadeOf

_LEVEL: Final = 0.95
_ALL: Final = 100.0


@dataclass(frozen=True, slots=True)
class StepBlocks:
    """Steps of a curve that are taken together, one entry for each block.

    Parameters
    ----------
    rows : int
        Place of the last row of each block; only these rows have numbers.
    events, others, ended : int
        People to whom the first cause happened in a block, to whom another one did, and whose logs
        are taken to end after it.
    """

    rows: Ints
    events: Ints
    others: Ints
    ended: Ints

    def shown_in(self, column: pd.Series) -> StepBlocks | None:
        """The blocks whose row still has a number; None where none has."""
        kept = column.notna().to_numpy(bool)[self.rows]
        if not kept.any():
            return None
        return StepBlocks(
            self.rows[kept], self.events[kept], self.others[kept], self.ended[kept]
        )

    def gone_before(self, ticks: int) -> Floats:
        """How many of the logs of each block are taken to end before what happens in it."""
        rows_in_block = np.diff(self.rows, prepend=-1)
        return gone_before(self.ended, ticks * rows_in_block)

    def counts(self, n: int) -> ExitCounts:
        """The blocks as steps of a curve of two causes, with everybody left over at the end."""
        both = np.column_stack([self.events, self.others])
        ended = self.ended.copy()
        # Sums that a policy has rounded apart may come to more than everybody.
        ended[-1] += max(n - int(both.sum()) - int(ended.sum()), 0)
        return ExitCounts(events=both, censored=ended)


def one_curve(recipes: Sequence[MadeOf], table: pd.DataFrame) -> IncidenceCurve | None:
    """The recipe of a table that is one curve, step after step; None for any other table."""
    curves = [each for each in recipes if isinstance(each, IncidenceCurve)]
    if len(curves) != 1 or curves[0].step not in table or table.empty:
        return None
    steps = column_numbers(table, curves[0].step)
    # Several curves in one table begin anew; a missing step belongs to none.
    return curves[0] if (np.diff(steps) > 0).all() else None


def counted_columns(curve: IncidenceCurve) -> list[str]:
    """Columns of the people who left at each step, by cause, and of the logs that end."""
    return [*curve.causes.values(), curve.censored]


def is_merged(curve: IncidenceCurve, table: pd.DataFrame) -> bool:
    """Whether some steps are taken together: their counts are then missing."""
    return bool(table[counted_columns(curve)].isna().any(axis=None))


def blocks_of(curve: IncidenceCurve, table: pd.DataFrame) -> StepBlocks | None:
    """The blocks that a table with steps taken together shows; None where it shows none."""
    first = next(iter(curve.causes.values()))
    events = column_numbers(table, first)
    rows = np.flatnonzero(~np.isnan(events))
    if not len(rows):
        return None
    at_risk = column_numbers(table, curve.at_risk)[rows]
    free = column_numbers(table, curve.free)[rows]
    before = np.concatenate([[_ALL], free[:-1]])
    ended = np.nan_to_num(column_numbers(table, curve.censored)[rows])
    in_block = curve.ticks * np.diff(rows, prepend=-1)
    seen = at_risk - gone_before(ended, in_block)
    # Of a block the share that is left after it tells how many have left in it.
    stay = np.divide(
        free,
        before,
        out=np.ones_like(free),
        where=before > 0,
    )
    left = np.round(seen * (1 - stay))
    return StepBlocks(
        rows=rows,
        events=events[rows].astype(np.int64),
        others=(left - events[rows]).astype(np.int64),
        ended=ended.astype(np.int64),
    )


def rounded_blocks(
    curve: IncidenceCurve, table: pd.DataFrame, rounding: Rounding
) -> StepBlocks | None:
    """The counts of a table with steps taken together, their sums so far rounded.

    Parameters
    ----------
    curve : IncidenceCurve
        What it is made of.
    table : DataFrame
        Changed in place, but for its figures.
    rounding : Rounding
        Of the policy.

    Returns
    -------
    StepBlocks
        For `figures_again`.
    """
    blocks = blocks_of(curve, table)
    for column in counted_columns(curve):
        known = np.flatnonzero(~np.isnan(column_numbers(table, column)))
        steps = column_numbers(table, column)[known]
        set_counts(
            table,
            column,
            known,
            _steps_rounded(steps, rounding),
        )
    if blocks is None:
        return None
    return StepBlocks(
        rows=blocks.rows,
        events=_steps_rounded(blocks.events, rounding),
        others=_steps_rounded(blocks.others, rounding),
        ended=_steps_rounded(blocks.ended, rounding),
    )


def _steps_rounded(steps: Floats | Ints, rounding: Rounding) -> Ints:
    # Steps that are rounded one by one would add up to a sum that tells each of them.
    sums = rounding.of(np.cumsum(np.asarray(steps, np.float64)))
    return np.diff(sums, prepend=0).astype(np.int64)


def figures_again(
    curve: IncidenceCurve, table: pd.DataFrame, blocks: StepBlocks | None
) -> None:
    """Fill in the figures of a table with steps taken together, from its counts alone.

    Parameters
    ----------
    curve : IncidenceCurve
        What it is made of.
    table : DataFrame
        With its counts; changed in place.
    blocks : StepBlocks, optional
        What stands in it; None where nothing does.
    """
    for column in curve.columns:
        table[column] = np.nan
    if blocks is None:
        return
    rows = blocks.rows
    people = column_numbers(table, curve.n)[0]
    counts = blocks.counts(int(people))
    found = incidence_of_rows(
        counts,
        blocks.gone_before(curve.ticks),
        _LEVEL,
    )
    set_counts(
        table,
        curve.at_risk,
        rows,
        counts.at_risk.astype(np.int64),
    )
    value, *others = curve.causes
    made = {value: found.estimate[:, 0], curve.free: found.free}
    made |= zip(curve.ends, (found.ci_low[:, 0], found.ci_high[:, 0]), strict=True)
    for column, share in made.items():
        _put(
            table,
            column,
            rows,
            _ALL * share,
        )
    for column in others:
        _share_of_other(
            curve,
            column,
            table,
            blocks,
            found.estimate[:, 1],
        )
    for column, parts in curve.sums.items():
        table[column] = table[list(parts)].sum(axis=1, skipna=False)
    _halves(
        curve,
        value,
        table,
        rows,
    )


def _share_of_other(
    curve: IncidenceCurve,
    column: str,
    table: pd.DataFrame,
    blocks: StepBlocks,
    together: Floats,
) -> None:
    """The share of one of the other causes, where its count so far tells it.

    Parameters
    ----------
    curve, table, blocks
        As in `figures_again`.
    together : float
        Share of all other causes together, at each block.
    """
    rows = blocks.rows
    people = column_numbers(table, curve.n)[0]
    so_far = column_numbers(table, curve.causes[column])[rows]
    # Without a log that ended before, a share is its count of everybody, whatever came between.
    before = np.cumsum(blocks.ended) - blocks.ended + blocks.gone_before(curve.ticks)
    count = np.nancumsum(so_far)
    # Else nobody is told when they left: of all who left, as many as of those who were counted.
    others = np.maximum(np.cumsum(blocks.others), 1)
    share = _ALL * np.where(before == 0, count / people, together * count / others)
    told = ~np.isnan(so_far)
    _put(
        table,
        column,
        rows[told],
        share[told],
    )


def _halves(
    curve: IncidenceCurve,
    value: str,
    table: pd.DataFrame,
    rows: Ints,
) -> None:
    """The first step with one half, and those at which the ends of its interval have it."""
    steps = table[curve.step].iloc[rows]
    low, high = curve.ends
    # The upper end of the curve reaches one half first.
    for column, share in zip(
        curve.half_by,
        (value, high, low),
        strict=False,
    ):
        shares = column_numbers(table, share)[rows]
        _put(
            table,
            column,
            rows,
            first_with_half(shares, steps),
        )


def set_counts(
    table: pd.DataFrame,
    column: str,
    rows: Ints,
    values: Ints,
) -> None:
    """Set a column of counts in some rows; the others keep what they hold."""
    numbers = column_numbers(table, column)
    numbers[rows] = values
    table[column] = pd.Series(numbers, index=table.index).astype("Int64")


def _put(table: pd.DataFrame, column: str, rows: Ints, values: Floats) -> None:
    numbers = column_numbers(table, column)
    numbers[rows] = values
    table[column] = numbers
