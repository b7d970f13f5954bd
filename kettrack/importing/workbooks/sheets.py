"""A sheet to source tables, with everything said that whoever looks at the sheet would not see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from kettrack.importing.registry import Answers
from kettrack.importing.remarks import Remarks
from kettrack.importing.source import SourceTable
from kettrack.importing.workbooks.areas import Area, find_areas
from kettrack.importing.workbooks.columns import ColumnCells, ColumnRead, read_cells
from kettrack.importing.workbooks.grid import (
    Grid,
    column_shown,
)
from kettrack.importing.workbooks.names import (
    TablePlace,
    ask_header,
    unique_names,
)
from kettrack.importing.workbooks.patients_above import filled_down, with_owners


@dataclass(frozen=True, slots=True)
class SheetRead:
    """What became of a sheet.

    Parameters
    ----------
    tables : list of SourceTable
        In the order of the sheet.
    records : dict
        Name of each table to the numbers of all its rows that hold anything.
    """

    tables: list[SourceTable]
    records: dict[str, pa.Array]


def read_sheet(
    grid: Grid,
    answers: Answers,
    remarks: Remarks,
) -> SheetRead:
    """Read the tables of a sheet.

    Parameters
    ----------
    grid : Grid
        The sheet; its `name` is that of the table.
    answers : mapping
        `header_row.NAME`, `tables.NAME` and `repeated.NAME.COLUMN` are looked up.
    remarks : Remarks
        Takes what was mended, dropped or refused, and what is to be asked.
    """
    found = SheetRead([], {})
    sheet = TablePlace(
        grid.file,
        grid.name,
        answers,
        remarks,
    )
    if not grid.rows:
        sheet.say("noted", "the sheet is empty")
        return found
    stated = answers.get(f"header_row.{grid.name}", "")
    # An answer of an earlier run goes before what the sheet looks like.
    areas = find_areas(
        grid,
        header=int(stated) if stated.isdigit() else None,
        one=answers.get(f"tables.{grid.name}") == "one",
    )
    _say_what_is_hidden(grid, sheet)
    if len(areas) > 1:
        why = (
            f"{len(areas)} tables stand on this sheet; each is read as a table of its own"
            f' (to read them as one, answer "one" to tables.{grid.name})'
        )
        sheet.say("noted", why, count=len(areas))
    for number, area in enumerate(areas, start=1):
        name = grid.name if number == 1 else f"{grid.name} ({number})"
        place = replace(sheet, table=name)
        # Rows above and below the records are accounted for as well.
        dropped = [row for row, _ in area.dropped]
        found.records[name] = pa.array(sorted([*area.records, *dropped]), pa.int64())
        found.tables.extend(_tables(grid, area, place))
    return found


def _say_what_is_hidden(
    grid: Grid,
    sheet: TablePlace,
) -> None:
    # A hidden row without a cell hides nothing.
    filled_rows = grid.hidden_rows & set(grid.rows)
    filled_columns = grid.hidden_columns & set(grid.columns)
    if filled_rows:
        why = "hidden rows were read like all others"
        sheet.say("noted", why, count=len(filled_rows))
    if filled_columns:
        why = "hidden columns were read like all others"
        sheet.say("noted", why, count=len(filled_columns))


def _tables(
    grid: Grid,
    area: Area,
    place: TablePlace,
) -> list[SourceTable]:
    """The table of an area; none where it holds only notes, or no column that can be read."""
    # Rows of one reason stand together among the remarks.
    for reason in dict.fromkeys(reason for _, reason in area.dropped):
        rows = [row for row, why in area.dropped if why == reason]
        place.drop(rows, reason)
    if not area.is_table:
        why = "no table stands here: no row names columns, and no numbers stand below"
        place.drop(area.records, why)
        return []
    if area.header is None:
        ask_header(place)
    names = unique_names(area.columns, area.names, place)
    if not names:
        place.drop(area.records, "none of the columns can be read")
        return []
    table = _table(
        grid,
        area,
        names,
        place,
    )
    if area.owners:
        return [with_owners(table, area.owners, place)]
    return [filled_down(table, place)]


def _table(
    grid: Grid,
    area: Area,
    names: dict[int, str],
    place: TablePlace,
) -> SourceTable:
    # A merged cell stands for all the rows that it covers.
    merged = _fill_merges(grid, area, place)
    cells = _Columns(grid, area, merged)
    columns: dict[str, ColumnRead] = {}
    for column, text in names.items():
        read = read_cells(cells.of(column))
        columns[text] = read
        for action, reason, count in read.said:
            place.say(
                action,
                reason,
                column_shown(text, column),
                count,
            )
    return SourceTable(
        file=place.file,
        name=place.table,
        data=pa.table({text: read.data for text, read in columns.items()}),
        rows=pa.array(area.records, pa.int64()),
        labels={
            names[column]: label
            for column, label in area.labels.items()
            if column in names
        },
        reasons={
            text: read.reasons
            for text, read in columns.items()
            if read.reasons is not None
        },
        numbers={text: read.numbers for text, read in columns.items() if read.numbers},
    )


def _fill_merges(
    grid: Grid,
    area: Area,
    place: TablePlace,
) -> list[tuple[int, int, int]]:
    """Rows and columns that a merged cell covers below its first row, with the row it begins in."""
    if not grid.merges:
        return []
    records = set(area.records)
    # A merge over empty cells says nothing.
    filled = set(zip(grid.rows, grid.columns, strict=True))
    covered = [
        (row, left, top)
        for top, left, bottom, _ in grid.merges
        if bottom > top and (top, left) in filled and top in records
        for row in range(top + 1, bottom + 1)
        if row in records and left in area.columns
    ]
    if covered:
        why = "a merged cell stands for every row that it covers"
        place.say("mended", why, count=len(covered))
    return covered


class _Columns:
    """Gives the cells of one column of an area after the other."""

    def __init__(
        self, grid: Grid, area: Area, merged: Iterable[tuple[int, int, int]]
    ) -> None:
        self.rows = np.array(grid.rows, dtype=np.int64)
        self.columns = np.array(grid.columns, dtype=np.int64)
        self.kinds = np.array(grid.kinds, dtype=np.int64)
        self.numbers = np.array(grid.numbers, dtype=np.float64)
        self.texts = np.array(grid.texts, dtype=object)
        self.records = np.array(area.records, dtype=np.int64)
        self.from_1904 = grid.from_1904
        self.covered: dict[int, list[tuple[int, int]]] = {}
        for row, column, top in merged:
            self.covered.setdefault(column, []).append((row, top))

    def of(
        self,
        column: int,
    ) -> ColumnCells:
        """The cells of a column that stand in records."""
        here = np.flatnonzero(self.columns == column)
        rows = self.rows[here]
        copies = self.covered.get(column, [])
        if copies:
            # A cell under a merge may still hold something; it stays.
            at = dict(zip(rows.tolist(), here.tolist(), strict=True))
            more = [(row, at[top]) for row, top in copies if row not in at]
            rows = np.append(rows, [row for row, _ in more]).astype(np.int64)
            here = np.append(here, [place for _, place in more]).astype(np.int64)
        places = np.searchsorted(self.records, rows)
        # Rows beyond the last record have no place at all.
        inside = places < len(self.records)
        inside[inside] = self.records[places[inside]] == rows[inside]
        chosen = here[inside]
        return ColumnCells(
            places[inside],
            self.kinds[chosen],
            self.numbers[chosen],
            self.texts[chosen],
            len(self.records),
            self.from_1904,
        )
