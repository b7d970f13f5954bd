"""Where the tables of a sheet are: the names of their columns, their records, and what stands
above, below and beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from kettrack.importing.workbooks.grid import Corner, Grid
from kettrack.importing.workbooks.looks import (
    NAMED_SHARES,
    Row,
    Rows,
    describes,
    filled_columns,
    looks_like_names,
    number_columns,
    row_words,
    rows_of,
    says_total,
)

# Exports put a title, a date and the name of a clinic above the names, not whole pages.
_MOST_ABOVE: Final = 60
ABOVE: Final = "it stands above the names of the columns"
BELOW: Final = "it stands below the table"
TOTALS: Final = "a row of totals or means"
REPEATED: Final = "the names of the columns stand here once more"
DESCRIPTION: Final = "it describes the columns; kept as their labels"
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
    is_table : bool
        False for notes: no row names columns, and no two columns hold numbers.
    """

    columns: list[int] = field(default_factory=list)
    header: int | None = None
    names: dict[int, str] = field(default_factory=dict)
    labels: dict[int, str] = field(default_factory=dict)
    records: list[int] = field(default_factory=list)
    dropped: list[tuple[int, str]] = field(default_factory=list)
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
    rows: Rows = rows_of(grid)
    if not rows:
        return []
    # The user has looked at the sheet; nothing is guessed then.
    if header is not None:
        return [
            _below(
                grid,
                rows,
                sorted(rows),
                header,
            )
        ]
    parts = [rows] if one else _side_by_side(rows)
    found: list[Area] = []
    for part in parts:
        numbers = sorted(part)
        # Side by side comes first: a gap in one table is no gap in its neighbour.
        for stretch in [numbers] if one else _one_below_another(part, numbers):
            found.append(_area(grid, part, stretch))
    return found


def names_row(grid: Grid) -> int | None:
    """The first row that names columns, None where none does."""
    rows = rows_of(grid)
    numbers = sorted(rows)
    place = _place_of_names(rows, numbers)
    return numbers[place] if place < len(numbers) else None


def without_tail(
    grid: Grid,
    area: Area,
) -> list[int]:
    """Rows of a sheet without the totals and notes at its end, which `area` then names."""
    rows = rows_of(grid)
    return _without_tail(
        grid,
        rows,
        area,
        sorted(rows),
    )


def _area(
    grid: Grid,
    rows: Rows,
    numbers: list[int],
) -> Area:
    place = _place_of_names(rows, numbers)
    if place < len(numbers):
        return _below(
            grid,
            rows,
            numbers,
            numbers[place],
        )
    # No row reads like names: every row may be a record.
    columns = sorted(filled_columns(rows, numbers))
    # A sheet of notes is words in one column, or words only.
    is_table = len(columns) > 1 and bool(number_columns(rows, numbers))
    return Area(columns=columns, records=numbers, is_table=is_table)


def _below(
    grid: Grid,
    rows: Rows,
    numbers: Sequence[int],
    header: int,
) -> Area:
    area = Area(header=header)
    above = [number for number in numbers if number < header]
    left = [number for number in numbers if number > header]
    # Names come before joins: a second row of names changes them.
    area.names = {column: cell.text for column, cell in rows.get(header, {}).items()}
    above = _join_above(
        grid,
        rows,
        area,
        above,
        left,
    )
    area.dropped += [(number, ABOVE) for number in above]
    left = _join_below(
        grid,
        rows,
        area,
        left,
    )
    while len(left) > 1 and describes(rows, left[0], left[1:]):
        # The first such row is kept as labels: Qualtrics writes a second one for programs.
        area.labels = area.labels or {
            column: cell.text for column, cell in rows[left[0]].items()
        }
        area.dropped.append((left[0], DESCRIPTION))
        left = left[1:]
    area.records = _records(
        grid,
        rows,
        area,
        left,
    )
    # A column with a name and no cell is kept: it may be asked for by name.
    wide = filled_columns(rows, area.records) | area.names.keys()
    area.columns = sorted(wide)
    return area


def _join_above(
    grid: Grid, rows: Rows, area: Area, above: list[int], below: Sequence[int]
) -> list[int]:
    """Put the names of groups, one row higher, before the names under them."""
    header = area.header or 0
    if not above or above[-1] != header - 1:
        return above
    upper = rows[above[-1]]
    names = [name.casefold() for name in area.names.values()]
    # Week 0, Week 2, Week 0, Week 2 need the name of their scale from above.
    repeated = len(set(names)) < len(names)
    wide = filled_columns(rows, below[:_MOST_ABOVE]) | area.names.keys()
    groups = [one for one in grid.merges if one[0] == header - 1 and one[1] != one[3]]
    # A title is merged over the whole width, or stands alone.
    grouped = any(last - first + 1 < len(wide) for _, first, _, last in groups)
    # A name that is merged over both rows stands in the upper one.
    taller = bool(upper.keys() - area.names.keys()) and len(upper) > 1
    if not (repeated or grouped or taller) or not all(
        cell.is_text for cell in upper.values()
    ):
        return above
    # One word over the whole width is a title.
    if len(upper) == 1 and not grouped:
        return above
    _join(
        area,
        _spread(
            upper,
            grid,
            header - 1,
            wide,
            set(area.names),
        ),
        area.names,
    )
    area.dropped.append((above[-1], SECOND_NAMES))
    return above[:-1]


def _join_below(
    grid: Grid,
    rows: Rows,
    area: Area,
    left: list[int],
) -> list[int]:
    """Put the names of single columns, one row lower, after the names of groups."""
    header = area.header or 0
    if len(left) < 2 or left[0] != header + 1:
        return left
    lower = rows[left[0]]
    records = left[1:]
    wide = filled_columns(rows, records[:_MOST_ABOVE])
    unnamed = wide - area.names.keys()
    merged = {
        column
        for top, first, _, last in grid.merges
        if top == header and last > first
        for column in range(first, last + 1)
    }
    # A record has something in the leftmost column; a second row of names stands under groups.
    under = unnamed | merged
    is_names = (
        bool(unnamed & lower.keys())
        and lower.keys() <= under | {min(under, default=0) - 1}
        and all(cell.is_text for cell in lower.values())
        and bool(number_columns(rows, records[:_MOST_ABOVE]) & lower.keys())
    )
    if not is_names:
        return left
    upper = _spread(
        rows[header],
        grid,
        header,
        wide,
        set(lower),
    )
    _join(area, upper, {column: cell.text for column, cell in lower.items()})
    area.dropped.append((left[0], SECOND_NAMES))
    return records


def _spread(
    upper: Row, grid: Grid, number: int, wide: set[int], under: set[int]
) -> dict[int, str]:
    """The name of a group, for every column under it."""
    spread = {column: cell.text for column, cell in upper.items()}
    merged: dict[int, Corner] = {one[1]: one for one in grid.merges if one[0] == number}
    for column in sorted(upper):
        # A merge says how far a group goes.
        last = merged[column][3] if column in merged else max(wide)
        # Without a merge a group goes on to the next name, as far as there are names below it.
        for place in range(column + 1, last + 1):
            if place in upper or (column not in merged and place not in under):
                break
            if column in under:
                spread[place] = spread[column]
    return spread


def _join(
    area: Area,
    upper: dict[int, str],
    lower: dict[int, str],
) -> None:
    for column in upper.keys() | lower.keys():
        parts = [upper.get(column, ""), lower.get(column, "")]
        area.names[column] = " ".join(filter(None, parts))


def _records(
    grid: Grid,
    rows: Rows,
    area: Area,
    left: list[int],
) -> list[int]:
    names = {name.casefold() for name in area.names.values()}
    records = []
    for number in left:
        words = row_words(rows[number])
        # Printed logs repeat the names on every page.
        if len(words) > 1 and words <= names:
            area.dropped.append((number, REPEATED))
        else:
            records.append(number)
    return _without_tail(
        grid,
        rows,
        area,
        records,
    )


def _without_tail(
    grid: Grid,
    rows: Rows,
    area: Area,
    records: list[int],
) -> list[int]:
    """Take totals and notes off the end."""
    totals = set(grid.totals)
    wide = len(area.names)
    while records:
        last = records[-1]
        row = rows[last]
        # A note keeps a distance, or stands under another note.
        gap = len(records) > 1 and last - records[-2] > 1
        lone = len(row) == 1 and wide > 2 and row[min(row)].is_text
        if last in totals or says_total(row):
            area.dropped.append((last, TOTALS))
        elif lone and (gap or area.dropped and area.dropped[-1] == (last + 1, BELOW)):
            area.dropped.append((last, BELOW))
        else:
            break
        records = records[:-1]
    return records


def _side_by_side(rows: Rows) -> list[Rows]:
    """Parts of a sheet that a column without any cell divides, where each is a table of its own."""
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
        if _apart(whole, part):
            found.append(whole)
            whole = part
        else:
            whole = _merged(whole, part)
    return [*found, whole]


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
    one: Rows,
    other: Rows,
) -> bool:
    """Whether two parts are two tables: both have names, and they repeat one or end elsewhere."""
    # A column of remarks to the right has no names of a table.
    names = [_first_names(part) for part in (one, other)]
    if not all(names):
        return False
    return bool(names[0] & names[1]) or max(one) != max(other)


def _first_names(rows: Rows) -> set[str]:
    numbers = sorted(rows)
    place = _place_of_names(rows, numbers)
    return row_words(rows[numbers[place]]) if place < len(numbers) else set()


def _one_below_another(
    rows: Rows,
    numbers: list[int],
) -> list[list[int]]:
    """Stretches of rows that each begin with names of their own, after a row without any cell."""
    starts = [0]
    first = _place_of_names(rows, numbers)
    for place in range(first + 2, len(numbers) - 1):
        # Only after a gap: within a table a row of words is a record.
        gap = numbers[place] - numbers[place - 1] > 1
        if gap and _begins_table(
            rows,
            numbers,
            place,
            first,
        ):
            starts.append(place)
    ends = [*starts[1:], len(numbers)]
    return [numbers[start:end] for start, end in zip(starts, ends, strict=True)]


def _place_of_names(
    rows: Rows,
    numbers: list[int],
) -> int:
    """Place of the first row that names columns; the number of rows where none does."""
    for share in NAMED_SHARES:
        for place, number in enumerate(numbers[:_MOST_ABOVE]):
            if looks_like_names(
                rows,
                number,
                numbers[place + 1 :],
                share,
            ):
                return place
    return len(numbers)


def _begins_table(
    rows: Rows,
    numbers: list[int],
    place: int,
    first: int,
) -> bool:
    """Whether other names than those of the first table begin here, or one row under a title."""
    names = row_words(rows[numbers[first]])
    # In a table of words every record looks like names, so numbers must stand above them.
    above = number_columns(rows, numbers[first + 1 : place][-_MOST_ABOVE:])
    for at in (place, place + 1):
        below = numbers[at + 1 :]
        if not below:
            return False
        row = rows[numbers[at]]
        other = not row_words(row) <= names and bool(above & row.keys())
        if other and looks_like_names(rows, numbers[at], below):
            return True
        if len(row) > 1:
            return False
    return False
