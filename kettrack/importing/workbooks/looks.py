"""What a row looks like: names of columns, descriptions of them, totals, or a record."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from kettrack.importing.workbooks.grid import CellKind, Grid

# Names fill nearly every column that holds anything below them; where no row does, a row that
# fills half of them is taken.
NAMED_SHARES: Final = (0.7, 0.5)
_ROWS_BELOW: Final = 30
_MOST_NUMBERS: Final = 0.8
# A first cell that says who the record is about, where the others are weeks or dates.
_WHO: Final = re.compile(
    r"\b(?:patients?|subjects?|participants?|clients?|record|study|case|pat|pt|mrn|id|code|nr"
    r"|patienten?|fall|sujets?|pacientes?|pazienti|pazienti?|deelnemer|dossier|number|name)\b"
    r"|id$|nummer$|_no$",
    re.IGNORECASE,
)
_TOTALS: Final = (
    "total totals sum mean average avg median sd std stdev n count min max minimum maximum range"
    " subtotal gesamt summe mittelwert mittel durchschnitt anzahl standardabweichung somme moyenne"
    " médiane effectif suma promedio media mediana totale somma numero totaal som gemiddelde aantal"
)
_TOTAL_WORDS: Final = frozenset(_TOTALS.split()) | {
    "grand total",
    "std dev",
    "std. dev.",
}
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
        return f"{self.number:.15g}" if self.written is None else self.written

    @property
    def is_text(self) -> bool:
        """Whether it is a word: text that is no number or date."""
        return self.kind is CellKind.TEXT and not _NUMBER_LIKE.fullmatch(self.text)


Row = Mapping[int, Cell]
Rows = Mapping[int, Row]


def rows_of(grid: Grid) -> dict[int, dict[int, Cell]]:
    """Row to column to cell."""
    found: dict[int, dict[int, Cell]] = {}
    cells = map(
        Cell,
        grid.kinds,
        grid.texts,
        grid.numbers,
    )
    for row, column, cell in zip(grid.rows, grid.columns, cells, strict=True):
        if row not in found:
            found[row] = {}
        found[row][column] = cell
    return found


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
            words.setdefault(
                column,
                [],
            ).append(cell.is_text)
    least = 1 - _MOST_NUMBERS
    return {
        column
        for column, are_words in words.items()
        if sum(are_words) <= least * len(are_words)
    }


def looks_like_names(
    rows: Rows, number: int, below: Sequence[int], share: float = NAMED_SHARES[0]
) -> bool:
    """Whether a row names the columns of the rows below it, or that share of them."""
    below = below[:_ROWS_BELOW]
    row = rows[number]
    if len(row) < 2 or not below:
        return False
    wide = (
        filled_columns(
            rows,
            below,
        )
        | row.keys()
    )
    named = len(row) >= share * len(wide)
    words = [cell.is_text for cell in row.values()]
    if all(words):
        return named
    # Weeks or dates may stand for names; then a word must say who the rows are about.
    first = row[min(row)]
    return named and words[0] and bool(_WHO.search(first.text))


def describes(
    rows: Rows,
    number: int,
    below: Sequence[int],
) -> bool:
    """Whether a row right under the names says in words what they are, or in which unit."""
    row = rows[number]
    numeric = number_columns(
        rows,
        below[:_ROWS_BELOW],
    )
    here = numeric & row.keys()
    # A record has a number or a date in some column of numbers.
    if not here or not all(cell.is_text for cell in row.values()):
        return False
    leftmost = min(
        filled_columns(
            rows,
            below[:_ROWS_BELOW],
        ),
        default=0,
    )
    return len(here) >= 2 or leftmost not in row


def says_total(row: Row) -> bool:
    """Whether the first word of a row is one for totals.

    Examples
    --------
    >>> says_total({1: Cell(CellKind.TEXT, "Mean:"), 3: Cell(CellKind.NUMBER, "14.2")})
    True
    """
    first = row[min(row)]
    return first.is_text and first.text.strip(" :=.").casefold() in _TOTAL_WORDS
