"""Where a record does not say whose it is: the number stands once for several rows, in a heading
above them, or as the name of the sheet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from kettrack.importing.remarks import OpenQuestion
from kettrack.importing.source import SourceTable
from kettrack.importing.workbooks.grid import column_shown
from kettrack.importing.workbooks.looks import says_who
from kettrack.importing.workbooks.names import TablePlace

PATIENT_COLUMN: Final = "Patient"
FROM_ABOVE: Final = "from above"
LEAVE_EMPTY: Final = "leave empty"
# One forgotten number is a slip; a fifth of all is a way of writing.
_SHARE: Final = (0.2, 0.95)
_FEWEST_ROWS: Final = 3
# A workbook with a sheet a patient has more than a pair of them.
_FEWEST_SHEETS: Final = 3
_UNNAMED: Final = re.compile(
    r"(?:sheet|tabelle|feuil|hoja|blad|foglio|table)\s?\d+", re.IGNORECASE
)


def filled_down(
    table: SourceTable,
    place: TablePlace,
) -> SourceTable:
    """Fill the numbers of patients down, where the user says that they stand once for several rows.

    Parameters
    ----------
    table : SourceTable
        As read.
    place : TablePlace
        Of the table. `fill_down.TABLE.COLUMN` is looked up in its answers.
    """
    name = table.data.column_names[0]
    cells = table.data[name].combine_chunks()
    n_rows = len(cells)
    least, most = _SHARE
    share = cells.null_count / n_rows if n_rows else 0.0
    # Above the first number nobody stands.
    if (
        n_rows < _FEWEST_ROWS
        or not least <= share <= most
        or not says_who(name)
        or not cells[0].is_valid
    ):
        return table
    shown = column_shown(name, 1)
    question = OpenQuestion(
        key=f"fill_down.{place.table}.{shown}",
        asks=(
            f"{cells.null_count} of {n_rows} cells of {shown} in {place.table} are empty."
            " Does a number stand for the rows below it, too?"
        ),
        choices=(FROM_ABOVE, LEAVE_EMPTY),
        why="A row without a patient cannot be used.",
    )
    if place.remarks.answer(question, place.answers) != FROM_ABOVE:
        return table
    why = "an empty cell got the number that stands above it, as answered"
    place.say(
        "mended",
        why,
        shown,
        cells.null_count,
    )
    filled = pc.fill_null_forward(cells)
    return replace(table, data=table.data.set_column(0, name, filled))


def with_owners(
    table: SourceTable,
    owners: Mapping[int, str],
    place: TablePlace,
) -> SourceTable:
    """Add whom the headings above the rows name, as a column of its own.

    Parameters
    ----------
    table : SourceTable
        As read; no column of it says who it is about.
    owners : mapping
        Number of a row to whom the heading above it names.
    place : TablePlace
        Takes what is said.
    """
    cells = [owners.get(row) for row in table.rows.to_pylist()]
    why = "headings above the rows were added as a column, since no column says who it is about"
    place.say("mended", why, count=len(set(cells)))
    column = pa.array(cells, pa.string())
    return replace(table, data=table.data.add_column(0, PATIENT_COLUMN, column))


def with_names_of_sheets(
    tables: Sequence[SourceTable],
    sheets: Mapping[str, str],
    place: TablePlace,
) -> list[SourceTable]:
    """Add the name of its sheet to tables of one layout that do not say who they are about.

    Parameters
    ----------
    tables : sequence of SourceTable
        Of one workbook.
    sheets : mapping
        Name of a table to that of its sheet as written.
    place : TablePlace
        Takes what is said.
    """
    layouts: dict[tuple[str, ...], list[str]] = {}
    for table in tables:
        if table.name in sheets:
            layout = tuple(table.data.column_names)
            layouts.setdefault(layout, []).append(table.name)
    about = {
        name
        for layout, names in layouts.items()
        if len(names) >= _FEWEST_SHEETS and not any(map(says_who, layout))
        for name in names
        # Sheet1, Sheet2 are names that nobody gave.
        if not _UNNAMED.fullmatch(sheets[name])
    }
    if not about:
        return list(tables)
    why = "the name of the sheet was added as a column, since no column says who it is about"
    place.say("mended", why, count=len(about))
    return [
        _with_name(table, sheets[table.name]) if table.name in about else table
        for table in tables
    ]


def _with_name(
    table: SourceTable,
    name: str,
) -> SourceTable:
    cells = pa.array([name] * table.data.num_rows, pa.string())
    return replace(table, data=table.data.add_column(0, PATIENT_COLUMN, cells))
