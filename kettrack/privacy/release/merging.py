"""Steps of a curve taken together until they may be shown, for a policy that hides small counts.

Session by session few people leave. Of sessions 1 to 4 together enough have left to say how many.
What is shown is made of the sums so far at the steps that are kept, and of nothing else.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Floats, Ints
from kettrack.privacy.release.columns import column_numbers
from kettrack.privacy.release.step_blocks import (
    StepBlocks,
    counted_columns,
    figures_again,
    set_counts,
)
from kettrack.vocabulary.made_of import IncidenceCurve


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
    set_counts(
        table,
        first,
        blocks.rows,
        blocks.events,
    )
    moved = blocks.ended > 0
    set_counts(
        table,
        curve.censored,
        blocks.rows[moved],
        blocks.ended[moved],
    )
    # With no log that ends there is nothing to hold back.
    if not exits[curve.censored].any():
        set_counts(
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
        set_counts(
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
        set_counts(
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


def _figures(
    curve: IncidenceCurve, table: pd.DataFrame, blocks: StepBlocks | None
) -> pd.DataFrame:
    figures_again(
        curve,
        table,
        blocks,
    )
    return table
