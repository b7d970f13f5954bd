"""Steps of a curve taken together until they may be shown, for a policy that hides small counts.

Session by session few people leave. Of sessions 1 to 4 together enough have left to say how many.
What is shown is made of the sums so far at the steps that are kept, and of nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Ints
from kettrack.privacy.release.columns import column_numbers
from kettrack.privacy.release.step_blocks import (
    StepBlocks,
    counted_columns,
    figures_again,
    set_counts,
)
from kettrack.vocabulary.made_of import IncidenceCurve


def merged_curve(
    curve: IncidenceCurve,
    exact: pd.DataFrame,
    smallest: int,
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
    table = _without_numbers(
        curve,
        exact,
        smallest,
    )
    exits = _exits_of(curve, exact)
    blocks = None
    # A table that lacks a count, or whose whole is small, has nothing to take together.
    if exits is not None and exits.people >= smallest:
        blocks = exits.blocks(smallest)
    if exits is not None and blocks is not None:
        _show_first_cause(
            curve,
            exits,
            table,
            blocks,
        )
        _show_causes(
            exits,
            table,
            blocks,
            smallest,
        )
    figures_again(
        curve,
        table,
        blocks,
    )
    return table


@dataclass(frozen=True, slots=True)
class _Exits:
    """People who left at each step, before the gate.

    Parameters
    ----------
    people : int
        Everybody at the first step.
    first, ended : int
        To whom the first cause happened, and whose logs ended, shape (steps,).
    others : dict
        Column of another cause to the people to whom it happened, shape (steps,).
    """

    people: int
    first: Ints
    ended: Ints
    others: dict[str, Ints]

    def blocks(self, smallest: int) -> StepBlocks | None:
        """Steps taken together; None where no number of any block may be shown."""
        # Who left by any of the other causes is one number: it is larger than each of them.
        others = np.sum(
            [*self.others.values()],
            axis=0,
            dtype=np.int64,
        )
        return _blocks(
            np.cumsum(self.first),
            np.cumsum(np.broadcast_to(others, self.first.shape)),
            np.cumsum(self.ended),
            self.people,
            smallest,
        )


def _exits_of(curve: IncidenceCurve, exact: pd.DataFrame) -> _Exits | None:
    """Who left at each step; None where one of the counts is missing."""
    people = column_numbers(exact, curve.n)[0]
    counts = {c: column_numbers(exact, c) for c in counted_columns(curve)}
    if np.isnan([people, *np.concatenate([*counts.values()])]).any():
        return None
    whole = {c: each.astype(np.int64) for c, each in counts.items()}
    first, *others = curve.causes.values()
    return _Exits(
        people=int(people),
        first=whole[first],
        ended=whole[curve.censored],
        others={c: whole[c] for c in others},
    )


def _without_numbers(
    curve: IncidenceCurve,
    exact: pd.DataFrame,
    smallest: int,
) -> pd.DataFrame:
    """The table with none of its counts by step, and with everybody where that may be shown."""
    table = exact.copy()
    for column in (*counted_columns(curve), curve.at_risk):
        table[column] = _nothing(table)
    everybody = table[curve.n].astype("Int64")
    table[curve.n] = everybody.mask(everybody < smallest)
    return table


def _nothing(table: pd.DataFrame) -> pd.Series:
    return pd.Series(
        pd.NA,
        table.index,
        dtype="Int64",
    )


def _show_first_cause(
    curve: IncidenceCurve,
    exits: _Exits,
    table: pd.DataFrame,
    blocks: StepBlocks,
) -> None:
    """Show to whom the first cause happened, and the logs that end."""
    first = next(iter(curve.causes.values()))
    set_counts(
        table,
        first,
        blocks.rows,
        blocks.events,
    )
    # With no log that ends there is nothing to hold back.
    told = (blocks.ended > 0) | (not exits.ended.any())
    set_counts(
        table,
        curve.censored,
        blocks.rows[told],
        blocks.ended[told],
    )


def _blocks(
    events: Ints,
    others: Ints,
    ended: Ints,
    people: int,
    smallest: int,
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
    start = (0, -1, 0)
    for at in range(len(events)):
        best: tuple[int, int, int] | None = None
        for before in range(-1, at):
            chain = chains[before] if before >= 0 else start
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
    chains: list[tuple[int, int, int] | None],
    events: Ints,
    others: Ints,
) -> StepBlocks | None:
    """The blocks of the chain with the most of them."""
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
        rows.insert(0, at)
        ended.insert(0, chain[2])
        at = chain[1]
    kept = np.array(rows)
    return StepBlocks(
        rows=kept,
        events=np.diff(events[kept], prepend=0),
        others=np.diff(others[kept], prepend=0),
        ended=np.diff(np.array(ended), prepend=0),
    )


def _show_causes(
    exits: _Exits,
    table: pd.DataFrame,
    blocks: StepBlocks,
    smallest: int,
) -> None:
    """Show the other causes as far as they, and what they leave of all others, tell no small
    number.
    """
    sums = {c: np.cumsum(each)[blocks.rows] for c, each in exits.others.items()}
    # By the last block alone, which stands for everything before it.
    totals = {c: each[-1:] for c, each in sums.items()}
    everybody = blocks.others.sum(keepdims=True)
    at_end = _may_stand(
        totals,
        [*totals],
        everybody,
        smallest,
    )
    # What is told in every block is told at the end as well.
    steps = {c: np.diff(each, prepend=0) for c, each in sums.items()}
    in_blocks = _may_stand(
        steps,
        at_end,
        blocks.others,
        smallest,
    )
    for column in at_end:
        if column in in_blocks:
            set_counts(
                table,
                column,
                blocks.rows,
                steps[column],
            )
        else:
            set_counts(
                table,
                column,
                blocks.rows[-1:],
                totals[column],
            )


def _may_stand(
    steps: Mapping[str, Ints],
    columns: Sequence[str],
    together: Ints,
    smallest: int,
) -> list[str]:
    """Which of some columns may be shown beside each other: none of their numbers is small, and
    what they leave of all is nobody, or so many that each hidden column may hold many.
    """
    large = [c for c in columns if not _few(steps[c], smallest).any()]
    # The first of them, who stopped, is the bad figure beside the good one: it goes last.
    beside = next(iter(steps), "")
    kept = sorted(large, key=lambda c: (c == beside, int(steps[c].sum())))
    while kept:
        rest = together - np.sum([steps[c] for c in kept], axis=0)
        hidden = len(steps) - len(kept)
        # A hidden number is not 0, so each of the others takes one away from the largest.
        if not _few(rest, smallest + max(hidden - 1, 0)).any():
            break
        # Of the others the smallest goes first: it is the dearest to keep.
        kept = kept[1:]
    return kept


def _few(numbers: Ints, smallest: int) -> Bools:
    return np.asarray((numbers > 0) & (numbers < smallest), bool)
