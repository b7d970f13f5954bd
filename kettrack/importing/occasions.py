"""Columns that hold one occasion each, gathered by occasion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kettrack.importing.import_map import WideBlock


@dataclass(slots=True)
class Occasion:
    """One visit of everybody: the columns that belong to it, and when it was.

    Parameters
    ----------
    constants : mapping
        Contract column to its word.
    day : float, optional
        On the patient's clock.
    date : str
        Source column that holds its date; empty where there is none.
    session : int, optional
        Number of the session at which it was.
    into : dict
        Contract column to source column.
    """

    constants: Mapping[str, str]
    day: float | None
    date: str
    session: int | None
    into: dict[str, str] = field(default_factory=dict)


def occasions_of(blocks: tuple[WideBlock, ...]) -> list[Occasion]:
    """The occasions of all blocks: what shares its time and its constants is one row, so that
    item_1, item_2 and score of week 2 stand side by side.

    Parameters
    ----------
    blocks : tuple of WideBlock
        As the map has them.

    Examples
    --------
    >>> blocks = (
    ...     WideBlock(columns={"q1_w2": 14, "q1_w4": 28}, into="item_1"),
    ...     WideBlock(columns={"q2_w2": 14}, into="item_2"),
    ... )
    >>> [(one.day, one.into) for one in occasions_of(blocks)]
    [(14, {'item_1': 'q1_w2', 'item_2': 'q2_w2'}), (28, {'item_1': 'q1_w4'})]
    """
    found: list[Occasion] = []
    for block in blocks:
        for column, day in block.columns.items():
            is_date = block.into == "date"
            date = block.dates.get(column, column if is_date else "")
            session = block.sessions.get(column)
            there = _same(found, block, (day, date, session))
            if there is None:
                there = Occasion(block.constants, day, date, session)
                found.append(there)
            there.into[block.into] = column
    return found


def _same(
    found: list[Occasion],
    block: WideBlock,
    when: tuple[float | None, str, int | None],
) -> Occasion | None:
    for one in found:
        # Two columns for the same thing on one day are two rows.
        if block.into in one.into:
            continue
        if (
            one.day,
            one.date,
            one.session,
        ) == when and one.constants == block.constants:
            return one
    return None
