"""One sheet as flat lists of its filled cells, whatever file it came from."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cache
from typing import Final, Literal

from kettrack.privacy.identifying_people import shown

SheetState = Literal["visible", "hidden", "very hidden"]
Corner = tuple[int, int, int, int]
# Points have been taken out: _xlfn.STDEV.S comes as _xlfnSTDEVS.
_ADDS_UP: Final = re.compile(
    r"=?(?:_xlfn)?(?:sum|average|counta?|median|stdev[sp]?|var[sp]?|min|max|subtotal|aggregate)"
    r"\((?:\d+[,;])*([a-z]+)\d+:([a-z]+)\d+\)",
    re.IGNORECASE,
)
# The row of totals of a table that Excel manages: SUBTOTAL(109,Visits[Score]).
_OF_TABLE: Final = re.compile(r"subtotal\(1?\d\d?,\w*\[[^\[\]]+\]\)", re.IGNORECASE)


class CellKind(IntEnum):
    """What a cell says of itself: its type, and for a number what its format makes of it."""

    TEXT = 0
    NUMBER = 1
    # A number that is shown as a date, with or without a time.
    DAY = 2
    # A number of days that is shown as hours and minutes only.
    CLOCK = 3
    PERCENT = 4
    YES_NO = 5
    ERROR = 6
    # A formula that no program has calculated.
    UNCALCULATED = 7


@dataclass(slots=True)
class Grid:
    """A sheet.

    Parameters
    ----------
    file, name : str
        As they may be shown.
    number : int
        Place of the sheet in its workbook, from 1.
    state : {"visible", "hidden", "very hidden"}
        As the workbook says.
    rows, columns : list of int
        Of each filled cell, from 1, row by row.
    kinds : list of CellKind
        One each.
    numbers : list of float
        0 where the cell is text.
    texts : list of str or None
        Text, kind of error, or a number as its format spells it where that adds zeros or letters.
    totals : list of int
        Rows of the cells whose formula adds up, averages or counts the cells above.
    hidden_rows, hidden_columns : set of int
        Those that a reader of the sheet does not see.
    merges : list of (row, column, row, column)
        First and last cell of each.
    from_1904 : bool
        Whether days are counted from 1904.
    """

    file: str
    name: str
    number: int = 1
    state: SheetState = "visible"
    rows: list[int] = field(default_factory=list)
    columns: list[int] = field(default_factory=list)
    kinds: list[CellKind] = field(default_factory=list)
    numbers: list[float] = field(default_factory=list)
    texts: list[str | None] = field(default_factory=list)
    totals: list[int] = field(default_factory=list)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    merges: list[Corner] = field(default_factory=list)
    from_1904: bool = False

    def add(
        self,
        row: int,
        column: int,
        kind: CellKind,
        number: float = 0.0,
        text: str | None = None,
    ) -> None:
        """Add a filled cell; text of blanks alone is no cell."""
        if kind is CellKind.TEXT:
            # A no-break space is a blank to whoever looks at the sheet.
            text = (text or "").strip(" \t\r\n\u00a0\u200b\ufeff")
            if not text:
                return
        self.rows.append(row)
        self.columns.append(column)
        self.kinds.append(kind)
        self.numbers.append(number)
        self.texts.append(text)


def letters_of(column: int) -> str:
    """The letters by which a spreadsheet calls a column.

    Examples
    --------
    >>> letters_of(1), letters_of(28)
    ('A', 'AB')
    """
    letters = ""
    while column:
        column, place = divmod(column - 1, 26)
        letters = chr(ord("A") + place) + letters
    return letters


def column_of(reference: str) -> int:
    """Number of the column in a reference such as `AB12`.

    Examples
    --------
    >>> column_of("AB12")
    28
    """
    return _number_of(reference.rstrip("0123456789").replace("$", ""))


@cache
def _number_of(letters: str) -> int:
    # A sheet has few columns and many cells.
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter.upper()) - ord("A") + 1
    return number


def column_shown(name: str, column: int) -> str:
    """Name of a column as it may be printed; its letters where it reads like a person."""
    return shown(name, f"column {letters_of(column)}")


def adds_up(formula: str) -> bool:
    """Whether a formula adds up, averages or counts the cells of one column.

    Parameters
    ----------
    formula : str
        As Excel or OpenDocument writes it.

    Examples
    --------
    >>> adds_up("AVERAGE(C2:C40)"), adds_up("of:=SUM([.C2:.C40])")
    (True, True)

    The total of a scale goes over a row:

    >>> adds_up("SUM(C2:K2)")
    False
    """
    if _OF_TABLE.match(formula):
        return True
    bare = re.sub(r"^of:|[\[\].$]", "", formula)
    # A range over several columns is no total of one of them.
    found = _ADDS_UP.match(bare)
    return found is not None and found[1].casefold() == found[2].casefold()
