"""Where the tables of a sheet are: the names of their columns, their records, and what stands
above, below and beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from kettrack.importing.workbooks.grid import Grid
from kettrack.importing.workbooks.looks import (
    MOST_ABOVE,
    Rows,
    SheetLook,
    filled_columns,
    look_of,
    number_columns,
    owner_named,
    row_words,
    says_total,
    says_who,
)
from kettrack.importing.workbooks.names import NameRows

ABOVE: Final = "it stands above the names of the columns"
BELOW: Final = "it stands below the table"
TOTALS: Final = "a row of totals or means"
REPEATED: Final = "the names of the columns stand here once more"
DESCRIPTION: Final = "it describes the columns; kept as their labels"
OWNER: Final = "it says whose the rows below it are; kept as a column"
SECOND_NAMES: Final = "a second row of names; joined to the first"


@dataclass(slots=True)
class Area:
    """One table of a sheet.

    Parameters
    ----------
    columns : list of int
        Those that hold anything.
    header : int or None
        Row of the names; None where none was found.
    names : dict
        Column to its name; a column without one is missing.
    labels : dict
        Column to what a row under the names says of it.
    records : list of int
        Rows of the records.
    dropped : list of (row, reason)
        Other rows that hold anything.
    owners : dict
        Record to whom a heading above it names, where no column does.
    is_table : bool
        False for notes: no row names columns, and no two columns hold numbers.
    """

    columns: list[int] = field(default_factory=list)
    header: int | None = None
    names: dict[int, str] = field(default_factory=dict)
    labels: dict[int, str] = field(default_factory=dict)
    records: list[int] = field(default_factory=list)
    dropped: list[tuple[int, str]] = field(default_factory=list)
    owners: dict[int, str] = field(default_factory=dict)
    is_table: bool = True


def find_areas(
    grid: Grid,
    header: int | None = None,
    one: bool = False,
) -> list[Area]:
    """Find the tables of a sheet, side by side and below one another.

    Parameters
    ----------
    grid : Grid
        The sheet.
    header : int, optional
        Row of the names, where the user says it.
    one : bool
        Whether the user says that all is one table.
    """
    look = look_of(grid)
    if not look.rows:
        return []
    # The user has looked at the sheet; nothing is guessed then.
    if header is not None:
        return [_Finder(grid, look).below(sorted(look.rows), header)]
    # Side by side comes first: a gap in one table is no gap in its neighbour.
    parts = [look] if one else side_by_side(look)
    found: list[Area] = []
    for part in parts:
        finder = _Finder(grid, part)
        numbers = sorted(part.rows)
        for stretch in [numbers] if one else one_below_another(part, numbers):
            found.append(finder.area(stretch))
    return found


def names_row(grid: Grid) -> int | None:
    """The first row that names columns, None where none does."""
    look = look_of(grid)
    numbers = sorted(look.rows)
    place = look.place_of_names(numbers)
    return numbers[place] if place < len(numbers) else None


def without_tail(
    grid: Grid,
    area: Area,
) -> list[int]:
    """Rows of a sheet without the totals and notes at its end, which `area` then names."""
    look = look_of(grid)
    return _Finder(grid, look).without_tail(area, sorted(look.rows))


@dataclass(frozen=True, slots=True)
class _Finder:
    """Tells the rows of one table apart."""

    grid: Grid
    look: SheetLook

    def area(
        self,
        numbers: list[int],
    ) -> Area:
        """The table of some rows."""
        place = self.look.place_of_names(numbers)
        if place < len(numbers):
            return self.below(numbers, numbers[place])
        # No row reads like names: every row may be a record.
        columns = sorted(filled_columns(self.look.rows, numbers))
        # A sheet of notes is words in one column, or words only.
        is_table = len(columns) > 1 and bool(number_columns(self.look.rows, numbers))
        return Area(
            columns=columns,
            records=numbers,
            is_table=is_table,
        )

    def below(
        self,
        numbers: Sequence[int],
        header: int,
    ) -> Area:
        """The table of some rows whose names stand in one of them."""
        around = NameRows(
            self.grid,
            self.look,
            header,
        )
        area = Area(header=header, names=around.names())
        above = [number for number in numbers if number < header]
        left = [number for number in numbers if number > header]
        joined = around.with_above(above, left)
        if joined:
            area.names = joined
            area.dropped.append((above.pop(), SECOND_NAMES))
        owner = self._owner_above(area, above)
        area.dropped += [(number, ABOVE) for number in above]
        # Never three rows: what stands below two of them is a record.
        lower = None if joined else around.with_below(left)
        if lower:
            area.names = lower
            area.dropped.append((left.pop(0), SECOND_NAMES))
        left = self._without_descriptions(area, left)
        area.records = self._records(area, left, owner)
        # A column with a name and no cell is kept: it may be asked for by name.
        wide = filled_columns(self.look.rows, area.records) | area.names.keys()
        area.columns = sorted(wide)
        return area

    def _without_descriptions(
        self,
        area: Area,
        left: list[int],
    ) -> list[int]:
        while len(left) > 1 and self.look.describes(left[0], left[1:]):
            row = self.look.rows[left[0]]
            # The first such row is kept as labels: Qualtrics writes a second one for programs.
            area.labels = area.labels or {
                column: cell.text for column, cell in row.items()
            }
            area.dropped.append((left[0], DESCRIPTION))
            left = left[1:]
        return left

    def _owner_above(
        self,
        area: Area,
        above: list[int],
    ) -> str:
        """Whom the last heading above the names names; its row is then taken out of `above`."""
        if any(map(says_who, area.names.values())):
            return ""
        for number in reversed(above):
            owner = owner_named(self.look.rows[number])
            if owner:
                above.remove(number)
                area.dropped.append((number, OWNER))
                return owner
        return ""

    def _records(
        self,
        area: Area,
        left: list[int],
        owner: str,
    ) -> list[int]:
        names = {name.casefold() for name in area.names.values()}
        told = any(map(says_who, area.names.values()))
        records = []
        for number in left:
            row = self.look.rows[number]
            named = "" if told else owner_named(row)
            words = row_words(row)
            # A heading holds for the rows below it, as far as the next one.
            if named:
                owner = named
                area.dropped.append((number, OWNER))
                continue
            if owner:
                area.owners[number] = owner
            # Printed logs repeat the names on every page.
            if len(words) > 1 and words <= names:
                area.dropped.append((number, REPEATED))
            else:
                records.append(number)
        return self.without_tail(area, records)

    def without_tail(
        self,
        area: Area,
        records: list[int],
    ) -> list[int]:
        """Take totals and notes off the end."""
        totals = set(self.grid.totals)
        while records:
            last = records[-1]
            if last in totals or says_total(self.look.rows[last]):
                area.dropped.append((last, TOTALS))
                records = records[:-1]
                continue
            n_notes = self._notes_at_end(area, records)
            if not n_notes:
                break
            area.dropped += [(number, BELOW) for number in records[-n_notes:]]
            records = records[:-n_notes]
        return records

    def _notes_at_end(
        self,
        area: Area,
        records: Sequence[int],
    ) -> int:
        """How many rows at the end are notes: one cell of words each, with a gap above them."""
        # In a table of one or two columns a record may have one cell.
        if len(area.names) <= 2:
            return 0
        n_notes = 0
        for number in reversed(records):
            row = self.look.rows[number]
            if len(row) > 1 or not row[min(row)].is_text:
                break
            n_notes += 1
        above = len(records) - n_notes - 1
        if not n_notes or above < 0:
            return 0
        return n_notes if records[above + 1] - records[above] > 1 else 0


def side_by_side(look: SheetLook) -> list[SheetLook]:
    """Parts of a sheet that a column without any cell divides, where each is a table of its own."""
    rows = look.rows
    parts: list[Rows] = []
    for columns in _runs(sorted(filled_columns(rows, list(rows)))):
        within = {
            number: {column: row[column] for column in columns if column in row}
            for number, row in rows.items()
            if row.keys() & columns
        }
        parts.append(within)
    whole = parts[0]
    found: list[Rows] = []
    for part in parts[1:]:
        if _apart(look.part(whole), look.part(part)):
            found.append(whole)
            whole = part
        else:
            whole = _merged(whole, part)
    return [look.part(rows) for rows in (*found, whole)]


def _runs(columns: list[int]) -> list[set[int]]:
    runs = [{columns[0]}]
    for before, column in pairwise(columns):
        if column - before > 1:
            runs.append(set())
        runs[-1].add(column)
    return runs


def _merged(
    one: Rows,
    other: Rows,
) -> Rows:
    # Both parts are one table, so its rows are put together again.
    numbers = one.keys() | other.keys()
    return {
        number: {**one.get(number, {}), **other.get(number, {})} for number in numbers
    }


def _apart(
    one: SheetLook,
    other: SheetLook,
) -> bool:
    """Whether two parts are two tables: both have names, and they repeat one or end elsewhere."""
    # A column of remarks to the right has no names of a table.
    names = [_first_names(part) for part in (one, other)]
    if not all(names):
        return False
    return bool(names[0] & names[1]) or max(one.rows) != max(other.rows)


def _first_names(look: SheetLook) -> set[str]:
    numbers = sorted(look.rows)
    place = look.place_of_names(numbers)
    return row_words(look.rows[numbers[place]]) if place < len(numbers) else set()


def one_below_another(
    look: SheetLook,
    numbers: list[int],
) -> list[list[int]]:
    """Stretches of rows that each begin with names of their own, after a row without any cell."""
    starts = [0]
    first = look.place_of_names(numbers)
    for place in range(first + 2, len(numbers) - 1):
        # Only after a gap: within a table a row of words is a record.
        gap = numbers[place] - numbers[place - 1] > 1
        if gap and _begins_table(
            look,
            numbers,
            place,
            first,
        ):
            starts.append(place)
    ends = [*starts[1:], len(numbers)]
    return [numbers[start:end] for start, end in zip(starts, ends, strict=True)]


def _begins_table(
    look: SheetLook,
    numbers: list[int],
    place: int,
    first: int,
) -> bool:
    """Whether other names than those of the first table begin here, or one row under a title."""
    rows = look.rows
    names = row_words(rows[numbers[first]])
    # In a table of words every record looks like names, so numbers must stand above them.
    above = number_columns(rows, numbers[first + 1 : place][-MOST_ABOVE:])
    for at in (place, place + 1):
        below = numbers[at + 1 :]
        if not below:
            return False
        row = rows[numbers[at]]
        other = not row_words(row) <= names and bool(above & row.keys())
        if other and look.looks_like_names(numbers[at], below):
            return True
        if len(row) > 1:
            return False
    return False
