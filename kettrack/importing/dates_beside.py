"""Columns of dates that stand beside each other: who fills in a sheet writes them all in one way.

The order of day and month that one column leaves open is told by the others, so that six columns of
sessions need no six answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import pyarrow as pa

from kettrack.importing.date_order import order_of
from kettrack.importing.date_spelling import (
    Spelling,
    spelling,
)
from kettrack.importing.import_map import TableMap
from kettrack.importing.journal import SourceColumn
from kettrack.importing.source import BIRTH_DATE, DATE
from kettrack.reading.raw import cells_from_arrow

# Columns of patients whose day may stand as a date in the source.
DAYS_OR_DATES: Final = (
    "observed_to_day",
    "last_contact_day",
    "stop_day",
)


def date_columns(
    parts: Iterable[TableMap],
) -> tuple[str, ...]:
    """The columns of a table that its parts of the map take dates from.

    Parameters
    ----------
    parts : iterable of TableMap
        All parts that read the table.
    """
    found: dict[str, None] = {}
    for part in parts:
        for name in (DATE, BIRTH_DATE, *DAYS_OR_DATES):
            if name in part.columns:
                found[part.columns[name]] = None
        for block in part.wide:
            found |= dict.fromkeys(block.dates.values())
            if block.into == DATE:
                found |= dict.fromkeys(block.columns)
    return tuple(found)


def order_beside(
    column: SourceColumn,
    beside: Sequence[SourceColumn],
) -> str:
    """The order of day and month that other columns tell; empty where the column tells its own, and
    where they do not tell it either.

    Parameters
    ----------
    column : SourceColumn
        The column of dates, as a whole.
    beside : sequence of SourceColumn
        The other columns of dates of its table.
    """
    own = _open(column)
    if not own or order_of(own).known or order_of(own).mixed:
        return ""
    # Together they must fit one order: a column in another one makes all of them doubtful.
    together = [one for other in beside for one in _open(other)]
    return order_of([*own, *together]).known


def _open(column: SourceColumn) -> list[Spelling]:
    """Distinct spellings whose order is open."""
    kind = column.values.type
    if not pa.types.is_string(kind):
        return []
    told = [spelling(str(word)) for word in cells_from_arrow(column.values).levels]
    return [one for one in told if one.parts]
