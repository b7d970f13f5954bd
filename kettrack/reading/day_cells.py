"""What most likely made a number that is no day: a calendar date, a time of day, the clocks."""

from __future__ import annotations

from typing import Final

import numpy as np

from kettrack.arrays import Bools, Floats, Objects
from kettrack.privacy.identifying_shapes import is_calendar_date
from kettrack.reading.problems import TO_DAYS
from kettrack.vocabulary.columns import Column

_BARE_DATES: Final = (19_000_101, 21_001_231)  # 20240501 for 2024-05-01
_EXCEL_SERIALS: Final = (20_000, 80_000)  # days since 1900: the years 1954 to 2119
_CLOCK_CHANGE: Final = 1 / 24  # an hour, the usual step between summer and winter time


def days_gone_wrong(
    column: Column,
    levels: Objects,
    values: Floats,
    wrong: Bools,
) -> dict[int, str]:
    """What was expected in the place of numbers that are no days, by level.

    Parameters
    ----------
    column : Column
        Of days.
    levels, values : array
        Distinct spellings, and the numbers that they stand for.
    wrong : bool array
        Those that are no days.
    """
    bare_dates = (values >= _BARE_DATES[0]) & (values <= _BARE_DATES[1])
    # Dates are told apart from other mistakes, because the remedy is another one.
    dates = is_calendar_date(levels) | bare_dates
    serials = (values >= _EXCEL_SERIALS[0]) & (values <= _EXCEL_SERIALS[1])
    instead = f"send days counted from the patient's first session (day 0); {TO_DAYS}"
    said = dict.fromkeys(
        np.flatnonzero(wrong & dates).tolist(), f"looks like a calendar date; {instead}"
    )
    said |= dict.fromkeys(
        np.flatnonzero(wrong & serials).tolist(),
        f"looks like a date as Excel stores it; {instead}",
    )
    return said | _fractions_of_days(
        column,
        values,
        wrong & ~dates & ~serials,
    )


def _fractions_of_days(
    column: Column,
    values: Floats,
    wrong: Bools,
) -> dict[int, str]:
    """Days with a part behind the point, told by what most likely made them."""
    size = np.abs(values)
    # Bounds of the range are none of this, nor is what is no number.
    broken = wrong & (size <= max(abs(column.low or 0), abs(column.high or 0)))
    # A number of hundreds of digits is read as one without end, of which nothing can be taken.
    finite = np.where(
        broken,
        values,
        0.0,
    )
    off = np.abs(finite - np.round(finite))
    # Allows for digits that were cut off.
    clock = broken & (off <= _CLOCK_CHANGE + 1e-3)
    by_clock = (
        f"{column.expected}; a change of the clocks is in it, as one hour is 0.0417 of a day."
        " Round to the nearest whole number: 2.958333 is day 3 (in Excel =ROUND(A2,0), in R"
        " round(x))"
    )
    by_time = (
        f"{column.expected}; a time of day is in it. Take the difference of the two dates without"
        " their times (in Excel =INT(A2)-INT(B2), in R as.Date(x) - as.Date(y))"
    )
    said = dict.fromkeys(np.flatnonzero(broken).tolist(), by_time)
    return said | dict.fromkeys(np.flatnonzero(clock).tolist(), by_clock)
