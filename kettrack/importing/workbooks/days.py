"""Days as spreadsheets count them, to dates and back; and what a number format makes of a number: a
date, hours and minutes, leading zeros.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from kettrack.arrays import Floats
from kettrack.importing.workbooks.grid import CellKind

_BEFORE_1900: Final = datetime.fromisoformat("1899-12-30")
_FROM_1904: Final = datetime.fromisoformat("1904-01-01")
# Excel counts a 29 February 1900 that never was: its days up to that one lie one day later.
_PHANTOM_DAY: Final = 60
_SECONDS: Final = 86400
# 31 December 9999, the last day that spreadsheets know.
LAST_SHEET_DAY: Final = 2_958_465
# Formats that a file names by number alone (ECMA-376 part 1, 18.8.30); 27-36 and 50-58 are dates
# of East Asian versions.
_BY_NUMBER: Final[Mapping[int, CellKind]] = {
    **dict.fromkeys((9, 10), CellKind.PERCENT),
    **dict.fromkeys((*range(14, 18), 22, *range(27, 37), *range(50, 59)), CellKind.DAY),
    **dict.fromkeys((*range(18, 22), *range(45, 48)), CellKind.CLOCK),
}
# Quoted text, a character after \ _ or *, and [Red], [$-409], [>=1]; not [h], [mm], [ss].
_LITERAL: Final = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<one>.)|[_*].|\[(?![hms]+\])[^\]]*\]', re.IGNORECASE
)
_ONLY_ZEROS: Final = re.compile(r'(?:"[^"]*"|\\.|[-/ ])*0{2,}(?:"[^"]*"|\\.|[-/ ])*')
_LETTER_ZEROS: Final = re.compile(r'(?:"[^"]*"|\\.)+0+(?:"[^"]*"|\\.)*')


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


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """A number format.

    Parameters
    ----------
    kind : CellKind
        What it makes of a number.
    before, after : str
        Letters that it puts around a whole number, as in `"P"000`.
    zeros : int
        Digits to which it fills up a whole number with zeros.
    """

    kind: CellKind = CellKind.NUMBER
    before: str = ""
    zeros: int = 0
    after: str = ""

    def spelled(
        self,
        number: float,
    ) -> str | None:
        """The number as the sheet shows it, None where that says no more than the number.

        Examples
        --------
        >>> number_format(164, "00000").spelled(123), number_format(165, '"P"000').spelled(7)
        ('00123', 'P007')
        """
        if not (self.zeros or self.before) or number < 0 or number % 1:
            return None
        return f"{self.before}{int(number):0{self.zeros}d}{self.after}"


def number_format(
    number: int,
    code: str | None,
) -> NumberFormat:
    """Read a number format.

    Parameters
    ----------
    number : int
        By which the file names it.
    code : str or None
        As the file spells it; None for one that has only a number.

    Examples
    --------
    >>> number_format(164, "dd/mm/yyyy").kind.name, number_format(165, "[h]:mm").kind.name
    ('DAY', 'CLOCK')
    >>> number_format(166, '0.0 "mg/day"').kind.name, number_format(167, "0.00E+00").kind.name
    ('NUMBER', 'NUMBER')
    """
    if code is None:
        return NumberFormat(_BY_NUMBER.get(number, CellKind.NUMBER))
    # The first part is for numbers above 0.
    first = code.split(";", 1)[0]
    if _ONLY_ZEROS.fullmatch(first) or _LETTER_ZEROS.fullmatch(first):
        return _with_zeros(first)
    bare = _LITERAL.sub("", first).casefold()
    return NumberFormat(_kind(bare))


def _kind(bare: str) -> CellKind:
    if "%" in bare:
        return CellKind.PERCENT
    if "general" in bare or re.search(r"[0#?]", bare.replace(".0", "")):
        return CellKind.NUMBER
    letters = set(re.sub(r"am/pm|a/p", "", bare))
    # Years, days, and months that stand without hours and seconds. "m" beside them is minutes.
    if letters & set("ydegb"):
        return CellKind.DAY
    if letters & set("hs") or "[m" in bare:
        return CellKind.CLOCK
    return CellKind.DAY if "m" in letters else CellKind.NUMBER


def _with_zeros(code: str) -> NumberFormat:
    before = ""
    after = ""
    zeros = 0
    for quoted, one, plain, digits in re.findall(r'"([^"]*)"|\\(.)|([-/ ])|(0+)', code):
        if digits:
            zeros = len(digits)
        elif zeros:
            after += quoted or one or plain
        else:
            before += quoted or one or plain
    return NumberFormat(before=before, zeros=zeros, after=after)
