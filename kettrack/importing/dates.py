"""Columns of dates as people and programs write them, to days of the calendar."""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import Bools, Floats
from kettrack.importing.date_spelling import (
    FIRST_YEAR,
    LAST_YEAR,
    NO_DATE,
    TOO_EARLY,
    TOO_LATE,
    this_day,
)
from kettrack.importing.date_text import (
    SAID_SPREADSHEET,
    SPREADSHEET_DAY_0,
    SPREADSHEET_DAYS,
    read_text_dates,
)
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import ColumnPlace, Remarks

_UNIX_DAY_0: Final = date(1970, 1, 1)
# From which Unix, SAS and Stata, and the spreadsheets count.
_DAYS_0: Final = (
    _UNIX_DAY_0,
    date(1960, 1, 1),
    date(1900, 1, 1),
    date(1904, 1, 1),
)
DATES_LOST: Final = (
    "every date of the column is the first day that a program counts: the dates were lost when the"
    " file was written"
)
_RUNS: Final = (19_000_101, 22_991_231)  # 20250307 as a number
# From this number on a spreadsheet has counted a 29 February 1900, which never was.
_GAP: Final = 61
_MOST: Final = 0.5
_NUMBER: Final = "this is a number and no date"
_NO_TIME: Final = "this is a time of day or a length of time, and no date"


def read_dates(
    column: pa.Array | pa.ChunkedArray,
    place: ColumnPlace,
    answers: Answers,
    remarks: Remarks,
) -> pa.Array:
    """Read a column of dates.

    A time of day is left out. Where an offset from UTC stands beside it, the day is the one that
    is written, which is that of the clock in the clinic.

    Parameters
    ----------
    column : Array or ChunkedArray
        Dates, timestamps, text or numbers, as the source has them.
    place : ColumnPlace
        Where it stands.
    answers : mapping
        `date_order.TABLE.COLUMN` says "day first" or "month first"; `date_order` says it for all
        columns.
    remarks : Remarks
        Takes each cell that cannot be read, with its row, and the question where nobody can tell
        day from month.

    Returns
    -------
    Array of date32
        Null where nothing stands, where a cell was refused, or where a question is open.

    Examples
    --------
    >>> place = ColumnPlace(file="v.csv", table="v.csv", column="Date", rows=pa.array([2, 3]))
    >>> dates = pa.array(["7.3.2025", "31.3.25 10:15"])
    >>> [day.isoformat() for day in read_dates(dates, place, {}, Remarks()).to_pylist()]
    ['2025-03-07', '2025-03-31']
    """
    cells = _one_array(column)
    kind = cells.type
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        days = _of_calendar(cells)
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
        days = _of_numbers(cells, place, answers, remarks)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        text = cells.cast(pa.string())
        days = read_text_dates(text, place, answers, remarks)
    else:
        reason = _NO_TIME if pa.types.is_temporal(kind) else NO_DATE
        remarks.cells(place, cells.is_valid(), "refused", reason)
        days = pa.nulls(len(cells), pa.date32())
    days = _without_day_0(days, place, remarks)
    return _in_range(days, place, remarks)


def _one_array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _of_calendar(cells: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(cells.type) and cells.type.tz is not None:
        cells = pc.local_timestamp(cells)
    # Unsafe only in that the time of day is cut off.
    return cells.cast(pa.date32(), safe=False)


def _of_numbers(
    cells: pa.Array,
    place: ColumnPlace,
    answers: Answers,
    remarks: Remarks,
) -> pa.Array:
    """Dates that are stored as numbers: 20250307, or the days of a spreadsheet."""
    values = pc.fill_null(
        cells.cast(pa.float64()),
        np.nan,
    ).to_numpy()
    # Infinity is a number to NumPy, and no day of any calendar.
    written = ~np.isnan(values)
    values = np.where(np.isfinite(values), values, np.nan)
    runs = (values >= _RUNS[0]) & (values <= _RUNS[1]) & (values % 1 == 0)
    # Both kinds may stand in one column; no number can be both.
    serials = _serials(values)
    neither = pa.array(written & ~runs & ~serials)
    remarks.cells(place, neither, "refused", _NUMBER)
    remarks.column(place, "mended", SAID_SPREADSHEET, int(serials.sum()))
    # As text a number that is no day of the calendar is refused with its reason.
    text = pa.array(
        np.where(
            runs,
            values,
            0,
        ).astype(np.int64)
    ).cast(pa.string())
    nothing = pa.scalar(None, pa.string())
    of_runs = read_text_dates(
        pc.if_else(pa.array(runs), text, nothing), place, answers, remarks
    )
    return pc.coalesce(of_runs, _days_of_spreadsheet(values, serials))


def _serials(values: Floats) -> Bools:
    """Numbers that are days of a spreadsheet: small ones only where most are of this century."""
    first, last = SPREADSHEET_DAYS
    known = np.isfinite(values)
    likely = (values >= first) & (values <= last)
    if likely.sum() <= _MOST * known.sum():
        return np.zeros(len(values), dtype=np.bool_)
    possible: Bools = (values >= 1) & (values <= last)
    return possible


def _days_of_spreadsheet(values: Floats, serials: Bools) -> pa.Array:
    whole = np.floor(np.where(serials, values, 0))
    days = whole + (whole < _GAP) - (_UNIX_DAY_0 - SPREADSHEET_DAY_0).days
    return pa.array(
        days.astype(np.int32),
        mask=~serials,
    ).cast(pa.date32())


def _without_day_0(
    days: pa.Array,
    place: ColumnPlace,
    remarks: Remarks,
) -> pa.Array:
    """Refuse a column in which every date is the day from which a program counts."""
    distinct = pc.unique(days.drop_null())
    several = len(days) - days.null_count > 1
    if not several or len(distinct) > 1 or distinct[0].as_py() not in _DAYS_0:
        return days
    remarks.cells(
        place,
        days.is_valid(),
        "refused",
        DATES_LOST,
    )
    return pa.nulls(len(days), pa.date32())


def _in_range(
    days: pa.Array,
    place: ColumnPlace,
    remarks: Remarks,
) -> pa.Array:
    """Refuse what lies before anybody's birth, and say what lies in the future."""
    early = pc.less(
        days,
        pa.scalar(date(FIRST_YEAR, 1, 1)),
    )
    remarks.cells(place, early, "refused", TOO_EARLY)
    late = pc.greater(days, pa.scalar(date(LAST_YEAR, 12, 31)))
    remarks.cells(place, late, "refused", TOO_LATE)
    outside = pc.or_(early, late)
    days = pc.if_else(outside, pa.scalar(None, pa.date32()), days)
    # Research copies of real data have shifted dates, so a future one is no error by itself.
    future = pc.sum(pc.greater(days, pa.scalar(this_day()))).as_py()
    remarks.column(
        place,
        "noted",
        "the date lies in the future; it is kept. An appointment that has not taken place is no"
        " session: mark it with a status, or leave it out",
        future or 0,
    )
    return days
