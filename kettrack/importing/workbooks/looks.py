"""What a row looks like: names of columns, descriptions of them, totals, or a record."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from kettrack.importing.workbooks.days import day_text
from kettrack.importing.workbooks.grid import CellKind, Grid
from kettrack.vocabulary.total_words import TOTAL_WORDS, plain_word

# Names fill nearly every column that holds anything below them; where no row does, a row that
# fills half of them is taken.
_NAMED_SHARES: Final = (0.7, 0.5)
# Exports put a title, a date and the name of a clinic above the names, not whole pages.
MOST_ABOVE: Final = 60
_ROWS_BELOW: Final = 30
_MOST_NUMBERS: Final = 0.8
# Names of who a record is about.
_WHO: Final = re.compile(
    r"\b(?:patients?|subjects?|participants?|clients?|record|study|case|pat|pt|mrn|id|code|nr"
    r"|patienten?|fall|sujets?|pacientes?|pazienti?|deelnemer|dossier|number|name)\b"
    r"|id$|nummer$|_no$",
    re.IGNORECASE,
)
_HEADING: Final = re.compile(r"([^:]{2,30}):\s*(\S.*)")
_NUMBER_LIKE: Final = re.compile(
    r"[+-]?\d+(?:[.,]\d+)?|\d{1,4}[./-]\d{1,2}[./-]\d{1,4}.*"
)


class Cell(NamedTuple):
    """A filled cell, as far as its looks go.

    Parameters
    ----------
    kind : CellKind
        What it says of itself.
    written : str or None
        Text, or a number as its format spells it.
    number : float
        0 where the cell is text.
    """

    kind: CellKind
    written: str | None
    number: float = 0.0

    @property
    def text(self) -> str:
        """What the cell shows."""
        # Spelled only when asked for: most numbers never are.
        if self.written is not None:
            return self.written
        if self.kind is CellKind.DAY:
            return day_text(self.number)
        return f"{self.number:.15g}"

    @property
    def is_text(self) -> bool:
        """Whether it is a word: text that is no number or date."""
        return self.kind is CellKind.TEXT and not _NUMBER_LIKE.fullmatch(self.text)


Row = Mapping[int, Cell]
Rows = Mapping[int, Row]


@dataclass(frozen=True, slots=True)
class SheetLook:
    """The cells of a sheet by row and column.

    Parameters
    ----------
    rows : mapping
        Row to column to cell.
    covered : mapping
        Row to the columns that its merged cells cover to the right of their first.
    """

    rows: Rows
    covered: Mapping[int, set[int]] = field(default_factory=dict)

    def part(self, rows: Rows) -> SheetLook:
        """Some of the cells."""
        return SheetLook(rows, self.covered)

    def looks_like_names(
        self,
        number: int,
        below: Sequence[int],
        share: float = _NAMED_SHARES[0],
    ) -> bool:
        """Whether a row names the columns of the rows below it, or that share of them."""
        below = below[:_ROWS_BELOW]
        row = self.rows[number]
        if len(row) < 2 or not below:
            return False
        # The name of a group stands over all the columns that its cell covers.
        also = self.covered.get(number, set())
        names = row.keys() | also
        wide = filled_columns(self.rows, below) | names
        named = len(names) >= share * len(wide)
        words = [cell.is_text for cell in row.values()]
        if all(words):
            return named
        # Weeks or dates may stand for names; then a word must say who the rows are about.
        first = row[min(row)]
        return named and words[0] and says_who(first.text)

    def place_of_names(self, numbers: Sequence[int]) -> int:
        """Place of the first row that names columns; the number of rows where none does."""
        for share in _NAMED_SHARES:
            for place, number in enumerate(numbers[:MOST_ABOVE]):
                below = numbers[place + 1 :]
                if self.looks_like_names(number, below, share):
                    return place
        return len(numbers)

    def describes(
        self,
        number: int,
        below: Sequence[int],
    ) -> bool:
        """Whether a row right under the names says in words what they are, or in which unit."""
        row = self.rows[number]
        below = below[:_ROWS_BELOW]
        of_numbers = number_columns(self.rows, below)
        here = of_numbers & row.keys()
        # A record has a number or a date in some column of numbers.
        words = [cell.is_text for cell in row.values()]
        if not here or not all(words):
            return False
        filled = filled_columns(self.rows, below)
        leftmost = min(filled, default=0)
        return len(here) > 1 or leftmost not in row


def look_of(grid: Grid) -> SheetLook:
    """A sheet by row and column."""
    rows: dict[int, dict[int, Cell]] = {}
    cells = map(
        Cell,
        grid.kinds,
        grid.texts,
        grid.numbers,
    )
    for row, column, cell in zip(grid.rows, grid.columns, cells, strict=True):
        if row not in rows:
            rows[row] = {}
        rows[row][column] = cell
    covered: dict[int, set[int]] = {}
    for top, left, _, right in grid.merges:
        # A merge over an empty cell names nothing.
        if right > left and left in rows.get(top, {}):
            beyond = range(left + 1, right + 1)
            covered.setdefault(top, set()).update(beyond)
    return SheetLook(rows, covered)


def row_words(row: Row) -> set[str]:
    """What stands in a row, in small letters."""
    return {cell.text.casefold() for cell in row.values()}


def filled_columns(
    rows: Rows,
    numbers: Sequence[int],
) -> set[int]:
    """Columns in which one of some rows holds anything."""
    return {column for number in numbers for column in rows[number]}


def number_columns(
    rows: Rows,
    numbers: Sequence[int],
) -> set[int]:
    """Columns in which nearly every filled cell of some rows is a number or date."""
    words: dict[int, list[bool]] = {}
    for number in numbers:
        for column, cell in rows[number].items():
            words.setdefault(column, []).append(cell.is_text)
    least = 1 - _MOST_NUMBERS
    return {
        column
        for column, are_words in words.items()
        if sum(are_words) <= least * len(are_words)
    }


def says_who(name: str) -> bool:
    """Whether the name of a column says who a record is about.

    Examples
    --------
    >>> says_who("Patient no."), says_who("Week 2")
    (True, False)
    """
    return bool(_WHO.search(name))


def owner_named(row: Row) -> str:
    """Whom a heading above some rows names, as `Patient: P01` does; empty for any other row.

    Examples
    --------
    >>> owner_named({1: Cell(CellKind.TEXT, "Patient: P01")})
    'P01'
    """
    if len(row) != 1:
        return ""
    (cell,) = row.values()
    found = _HEADING.fullmatch(cell.text)
    return found[2] if found and says_who(found[1]) else ""


def says_total(row: Row) -> bool:
    """Whether the first word of a row is one for totals.

    Examples
    --------
    >>> says_total({1: Cell(CellKind.TEXT, "Mean:"), 3: Cell(CellKind.NUMBER, "14.2")})
    True
    >>> says_total({1: Cell(CellKind.TEXT, "n = 24")}), says_total({1: Cell(CellKind.TEXT, "N24")})
    (True, False)
    """
    first = row[min(row)]
    # n = 24 and Mean: 14.2 hold the number in the same cell.
    word = re.sub(r"\s*[=:]\s*[\d.,]+$", "", first.text)
    return first.is_text and plain_word(word) in TOTAL_WORDS
