"""Columns of dates as people and programs write them, to days of the calendar."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from kettrack.importing.registry import Answers
from kettrack.importing.remarks import ColumnPlace, Remarks


def read_dates(
    column: pa.Array | pa.ChunkedArray,
    place: ColumnPlace,
    answers: Answers,
    remarks: Remarks,
) -> pa.Array:
    """Read a column of dates.

    Parameters
    ----------
    column : Array or ChunkedArray
        Dates, timestamps, text or numbers, as the source has them.
    place : ColumnPlace
        Where it stands.
    answers : mapping
        `date_order.TABLE.COLUMN` says "day first" or "month first".
    remarks : Remarks
        Takes each cell that cannot be read, with its row, and the question where nobody can tell
        day from month.

    Returns
    -------
    Array of date32
        Null where nothing stands, or where a cell was refused.
    """
    cells = _one_array(column)
    if pa.types.is_date32(cells.type):
        return cells
    if pa.types.is_temporal(cells.type):
        return cells.cast(pa.date32(), safe=False)
    text = pc.utf8_trim_whitespace(cells.cast(pa.string()))
    iso = pc.match_substring_regex(text, r"^\d{4}-\d\d-\d\d$")
    remarks.cells(
        place, pc.invert(iso), "refused", "this is no date of the form 2024-01-31"
    )
    return pc.if_else(
        iso,
        text,
        pa.scalar(None, pa.string()),
    ).cast(pa.date32())


def _one_array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
