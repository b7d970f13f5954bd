"""Parts of a sheet that are tables of their own: side by side, and below one another."""

from __future__ import annotations

from itertools import pairwise

from kettrack.importing.workbooks.looks import (
    MOST_ABOVE,
    Rows,
    SheetLook,
    filled_columns,
    number_columns,
    row_words,
)


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
