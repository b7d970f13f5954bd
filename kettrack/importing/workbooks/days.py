"""Days as spreadsheets count them, to dates and back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import numpy as np

from kettrack.arrays import Floats

_BEFORE_1900: Final = datetime.fromisoformat("1899-12-30")
_FROM_1904: Final = datetime.fromisoformat("1904-01-01")
# Excel counts a 29 February 1900 that never was: its days up to that one lie one day later.
_PHANTOM_DAY: Final = 60
_SECONDS: Final = 86400
# 31 December 9999, the last day that spreadsheets know.
LAST_SHEET_DAY: Final = 2_958_465


def days_since_1900(
    moment: datetime,
    from_1904: bool = False,
) -> float:
    """The number that a spreadsheet stores for a moment.

    Examples
    --------
    >>> days_since_1900(datetime.fromisoformat("2025-01-07T12:00"))
    45664.5
    """
    start = _FROM_1904 if from_1904 else _BEFORE_1900
    # A zone is no part of what a spreadsheet shows.
    moment = moment.replace(tzinfo=None)
    return (moment - start) / timedelta(days=1)


def days_as_excel(moment: datetime) -> float:
    """As `days_since_1900`, with the phantom day of Excel.

    Examples
    --------
    >>> days_as_excel(datetime.fromisoformat("1900-01-09"))
    9.0
    """
    days = days_since_1900(moment)
    return days - 1 if days <= _PHANTOM_DAY else days


def moments(
    days: Floats,
    from_1904: bool,
) -> np.ndarray[tuple[int], np.dtype]:
    """Dates and times of the numbers that a spreadsheet stores, to the second.

    Examples
    --------
    >>> moments(np.array([45664.5]), from_1904=False)
    array(['2025-01-07T12:00:00'], dtype='datetime64[s]')
    """
    start = np.datetime64(_FROM_1904 if from_1904 else _BEFORE_1900, "s")
    # A time of day is a fraction that no binary number holds exactly.
    seconds = np.rint(days * _SECONDS).astype(np.int64)
    return start + seconds.astype("timedelta64[s]")


def day_text(days: float) -> str:
    """A day of the usual count, as 2025-01-07, without its time.

    Examples
    --------
    >>> day_text(45664.5)
    '2025-01-07'
    """
    return (_BEFORE_1900 + timedelta(days=days)).date().isoformat()
