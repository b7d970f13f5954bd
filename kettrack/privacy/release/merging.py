"""Steps of a curve taken together until they may be shown, for a policy that hides small counts.

Session by session few people leave. Of sessions 1 to 4 together enough have left to say how many.
What is shown is made of the sums so far at the steps that are kept, and of nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Floats, Ints
from kettrack.estimators.survival.competing_risks import ExitCounts, estimate_incidence
from kettrack.privacy.policies import Rounding
from kettrack.privacy.release.columns import column_numbers, first_with_half
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

    def counts(self, n: int) -> ExitCounts:
        """The blocks as steps of a curve of two causes, with everybody left over at the end."""
        both = np.column_stack([self.events, self.others])
        ended = self.ended.copy()
        # Sums that a policy has rounded apart may come to more than everybody.
        ended[-1] += max(n - int(both.sum()) - int(ended.sum()), 0)
        return ExitCounts(
            events=both,
            censored=ended,
        )


def one_curve(recipes: Sequence[MadeOf], table: pd.DataFrame) -> IncidenceCurve | None:
    """The recipe of a table that is one curve, step after step; None for any other table."""
    curves = [each for each in recipes if isinstance(each, IncidenceCurve)]
    if len(curves) != 1 or curves[0].step not in table or table.empty:
        return None
    steps = column_numbers(
        table,
        curves[0].step,
    )
    # Several curves in one table begin anew; a missing step belongs to none.
    return curves[0] if (np.diff(steps) > 0).all() else None


def counted_columns(curve: IncidenceCurve) -> list[str]:
    """Columns of the people who left at each step, by cause, and of the logs that end."""
    return [*curve.causes.values(), curve.censored]


def is_merged(curve: IncidenceCurve, table: pd.DataFrame) -> bool:
    """Whether some steps are taken together: their counts are then missing."""
    return bool(table[counted_columns(curve)].isna().any(axis=None))


def merged_curve(
    curve: IncidenceCurve, exact: pd.DataFrame, smallest: int
) -> pd.DataFrame:
    """A curve with steps taken together until each number is 0 or large enough.

    Parameters
    ----------
    curve : IncidenceCurve
        What it is made of.
    exact : DataFrame
        Before the gate.
    smallest : int
        The smallest count above 0 that may be shown.

    Returns
    -------
    DataFrame
        With the same rows. A count stands for all steps since the last one that shows this column;
        `at_risk` is then taken at the beginning of the block. Steps that are taken together with a
        later one have no numbers.

    Notes
    -----
    Columns go before rows. Rows are kept by the first cause and by all others together. One of the
    others is shown in every block where that tells no small number, else by the last block, else
    not at all. Logs that end in few people are taken to end later, with enough others or never.
    """
    people = column_numbers(
        exact,
        curve.n,
    )[0]
    exits = {
        c: column_numbers(
            exact,
            c,
        )
        for c in counted_columns(curve)
    }
    table = exact.copy()
    for column in (*exits, curve.at_risk):
        table[column] = pd.array(
            [pd.NA] * len(table),
            "Int64",
        )
    # A table that lacks a count, or whose whole is small, has nothing to take together.
    known = not np.isnan([people, *np.concatenate([*exits.values()])]).any()
    if not known or people < smallest:
        table[curve.n] = table[curve.n].astype("Int64").mask(table[curve.n] < smallest)
        return _figures(
            curve,
            table,
            None,
        )
    first, *others = curve.causes.values()
    blocks = _blocks(
        np.cumsum(exits[first]).astype(np.int64),
        np.cumsum(sum(exits[c] for c in others)).astype(np.int64),
        np.cumsum(exits[curve.censored]).astype(np.int64),
        int(people),
        smallest,
    )
    if blocks is None:
        return _figures(
            curve,
            table,
            None,
        )
    _set(
        table,
        first,
        blocks.rows,
        blocks.events,
    )
    moved = blocks.ended > 0
    _set(
        table,
        curve.censored,
        blocks.rows[moved],
        blocks.ended[moved],
    )
    # With no log that ends there is nothing to hold back.
    if not exits[curve.censored].any():
        _set(
            table,
            curve.censored,
            blocks.rows,
            blocks.ended,
        )
    _show_causes(
        {c: exits[c] for c in others},
        table,
        blocks,
        smallest,
    )
    return _figures(
        curve,
        table,
        blocks,
    )


def _set(table: pd.DataFrame, column: str, rows: Ints, values: Ints) -> None:
    numbers = column_numbers(
        table,
        column,
    )
    numbers[rows] = values
    table[column] = pd.Series(
        numbers,
        index=table.index,
    ).astype("Int64")


def _blocks(
    events: Ints, others: Ints, ended: Ints, people: int, smallest: int
) -> StepBlocks | None:
    """The longest chain of steps between which no small number lies; None where there is none.

    Parameters
    ----------
    events, others, ended : int
        Sums up to each step.
    people : int
        Everybody at the first step.
    smallest : int
        The smallest number above 0 that may be shown.
    """
    # Of each step: how many blocks a chain has that ends there, the step before, logs ended so far.
    chains: list[tuple[int, int, int] | None] = []
    for at in range(len(events)):
        best: tuple[int, int, int] | None = None
        for before in range(-1, at):
            chain = (0, -1, 0) if before < 0 else chains[before]
            if chain is None:
                continue
            since = (events[before], others[before]) if before >= 0 else (0, 0)
            changed = (events[at] - since[0], others[at] - since[1])
            # Few people whose logs end are held back: they are taken to be followed on.
            gone = int(ended[at]) if ended[at] - chain[2] >= smallest else chain[2]
            left = people - int(events[at])
            told = (*changed, left, left - int(others[at]) - gone)
            if all(number == 0 or number >= smallest for number in told) and (
                best is None or chain[0] + 1 > best[0]
            ):
                best = (chain[0] + 1, before, gone)
        chains.append(best)
    return _longest(
        chains,
        events,
        others,
    )


def _longest(
    chains: list[tuple[int, int, int] | None], events: Ints, others: Ints
) -> StepBlocks | None:
    # The last step of all says how it ended, which is worth one step on the way.
    last = len(chains) - 1
    lengths = [
        (chain[0] + (at == last), at) for at, chain in enumerate(chains) if chain
    ]
    if not lengths:
        return None
    at = max(lengths)[1]
    rows: list[int] = []
    ended: list[int] = []
    while at >= 0:
        chain = chains[at]
        assert chain is not None, "a chain goes over steps that have one"
        rows.insert(
            0,
            at,
        )
        ended.insert(
            0,
            chain[2],
        )
        at = chain[1]
    kept = np.array(rows)
    return StepBlocks(
        rows=kept,
        events=np.diff(
            events[kept],
            prepend=0,
        ),
        others=np.diff(
            others[kept],
            prepend=0,
        ),
        ended=np.diff(
            np.array(ended),
            prepend=0,
        ),
    )


def _show_causes(
    exits: dict[str, Floats], table: pd.DataFrame, blocks: StepBlocks, smallest: int
) -> None:
    """Show the other causes as far as they, and what they leave of all others, tell no small
    number.
    """
    sums = {
        c: np.cumsum(each).astype(np.int64)[blocks.rows] for c, each in exits.items()
    }
    steps = {
        c: np.diff(
            each,
            prepend=0,
        )
        for c, each in sums.items()
    }
    # In every block, where each of its numbers may be shown.
    whole = [
        c
        for c, each in steps.items()
        if not _few(
            each,
            smallest,
        ).any()
    ]
    whole = _without_small_rest(
        whole,
        steps,
        blocks.others,
        smallest,
    )
    for column in whole:
        _set(
            table,
            column,
            blocks.rows,
            steps[column],
        )
    # By the last block alone, which stands for everything before it.
    totals = {c: each[-1:] for c, each in sums.items()}
    ends = [
        c
        for c, each in totals.items()
        if not _few(
            each,
            smallest,
        ).any()
    ]
    ends = _without_small_rest(
        ends,
        totals,
        blocks.others.sum(keepdims=True),
        smallest,
    )
    for column in set(ends) - set(whole):
        _set(
            table,
            column,
            blocks.rows[-1:],
            totals[column],
        )
    # What is told in every block is told at the end as well, so it may have to go there too.
    for column in set(whole) - set(ends):
        table[column] = pd.array(
            [pd.NA] * len(table),
            "Int64",
        )


def _few(numbers: Ints, smallest: int) -> Bools:
    return np.asarray(
        (numbers > 0) & (numbers < smallest),
        bool,
    )


def _without_small_rest(
    shown: list[str], steps: dict[str, Ints], together: Ints, smallest: int
) -> list[str]:
    """The columns that may be shown beside each other: what they leave is nobody, or so many that
    each hidden column may hold many.
    """
    kept = sorted(
        shown,
        key=lambda c: int(steps[c].sum()),
    )
    while kept:
        rest = together - np.sum(
            [steps[c] for c in kept],
            axis=0,
        )
        hidden = len(steps) - len(kept)
        # A hidden number is not 0, so each of the others takes one away from the largest.
        if not _few(
            np.asarray(rest),
            smallest + max(hidden - 1, 0),
        ).any():
            return kept
        # The smallest goes first: it is the dearest to keep.
        kept = kept[1:]
    return kept


def blocks_of(curve: IncidenceCurve, table: pd.DataFrame) -> StepBlocks | None:
    """The blocks that a table with steps taken together shows; None where it shows none."""
    first = next(iter(curve.causes.values()))
    events = column_numbers(
        table,
        first,
    )
    rows = np.flatnonzero(~np.isnan(events))
    if not len(rows):
        return None
    at_risk = column_numbers(
        table,
        curve.at_risk,
    )[rows]
    free = column_numbers(
        table,
        curve.free,
    )[rows]
    before = np.concatenate([[_ALL], free[:-1]])
    # Of a block the share that is left after it tells how many have left in it.
    stay = np.divide(
        free,
        before,
        out=np.ones_like(free),
        where=before > 0,
    )
    left = np.round(at_risk * (1 - stay))
    ended = np.nan_to_num(
        column_numbers(
            table,
            curve.censored,
        )[rows]
    )
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
    blocks = blocks_of(
        curve,
        table,
    )
    for column in counted_columns(curve):
        known = np.flatnonzero(
            ~np.isnan(
                column_numbers(
                    table,
                    column,
                )
            )
        )
        steps = column_numbers(
            table,
            column,
        )[known]
        _set(
            table,
            column,
            known,
            _steps_rounded(
                steps,
                rounding,
            ),
        )
    if blocks is None:
        return None
    return StepBlocks(
        rows=blocks.rows,
        events=_steps_rounded(
            blocks.events,
            rounding,
        ),
        others=_steps_rounded(
            blocks.others,
            rounding,
        ),
        ended=_steps_rounded(
            blocks.ended,
            rounding,
        ),
    )


def _steps_rounded(steps: Floats | Ints, rounding: Rounding) -> Ints:
    # Steps that are rounded one by one would add up to a sum that tells each of them.
    sums = rounding.of(
        np.cumsum(
            np.asarray(
                steps,
                np.float64,
            )
        )
    )
    return np.diff(
        sums,
        prepend=0,
    ).astype(np.int64)


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
    people = column_numbers(
        table,
        curve.n,
    )[0]
    counts = blocks.counts(int(people))
    found = estimate_incidence(
        counts,
        _LEVEL,
    )
    _set(
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
        )
    for column, parts in curve.sums.items():
        table[column] = table[list(parts)].sum(
            axis=1,
            skipna=False,
        )
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
) -> None:
    """The share of one of the other causes, where its count so far tells it."""
    rows = blocks.rows
    people = column_numbers(
        table,
        curve.n,
    )[0]
    so_far = column_numbers(
        table,
        curve.causes[column],
    )[rows]
    # Without a log that ended before, a share is its count of everybody, whatever came between.
    open_so_far = np.cumsum(blocks.ended) - blocks.ended == 0
    told = open_so_far & ~np.isnan(so_far)
    share = _ALL * np.nancumsum(so_far) / people
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
        shares = column_numbers(
            table,
            share,
        )[rows]
        _put(
            table,
            column,
            rows,
            first_with_half(
                shares,
                steps,
            ),
        )


def _put(table: pd.DataFrame, column: str, rows: Ints, values: Floats) -> None:
    numbers = column_numbers(
        table,
        column,
    )
    numbers[rows] = values
    table[column] = numbers


def _figures(
    curve: IncidenceCurve, table: pd.DataFrame, blocks: StepBlocks | None
) -> pd.DataFrame:
    figures_again(
        curve,
        table,
        blocks,
    )
    return table
