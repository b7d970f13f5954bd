"""One delimited text file to a source table: where the names stand, what describes them, what
stands below the records. Every cell stays text.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import Bools
from kettrack.importing.delimited import Delimited, read_delimited
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import Remarks
from kettrack.importing.source import SourceTable
from kettrack.importing.workbooks.areas import (
    REPEATED,
    Area,
    find_areas,
    names_row,
    without_tail,
)
from kettrack.importing.workbooks.grid import CellKind, Grid
from kettrack.importing.workbooks.names import (
    TablePlace,
    ask_header,
    unique_names,
)
from kettrack.importing.workbooks.patients_above import filled_down
from kettrack.privacy.identifying_people import word_of_nobody

TEXT_ENDINGS: Final = (".csv", ".tsv", ".txt", ".tab")
_SEPARATORS: Final = (",", ";", "\t", "|")
# Names, descriptions and a few records; the rest of a long file is not needed to find them.
_HEAD_BYTES: Final = 200_000
_HEAD_LINES: Final = 80
_TAIL_ROWS: Final = 20
_Lines = list[tuple[int, list[str]]]


def read_text_file(
    path: Path,
    file: str,
    answers: Answers,
    remarks: Remarks,
) -> tuple[list[SourceTable], pa.Array]:
    """Read a text file.

    Parameters
    ----------
    path : Path
        The file.
    file : str
        Its name as it may be shown.
    answers, remarks
        As `read_source` takes them; `header_row.FILE` and `repeated.FILE.COLUMN` are looked up.

    Returns
    -------
    tables : list of SourceTable
        One; none where no column can be read.
    records : pyarrow.Array of int64
        Lines of all records, those that were refused or dropped among them.

    Raises
    ------
    DataProblems
        When the file cannot be read at all.
    """
    place = TablePlace(
        file,
        file,
        answers,
        remarks,
    )
    area = _head(path, place)
    known = {name.casefold() for name in area.names.values()}
    # Only what this file adds is about its lines.
    before = len(remarks.said)
    read = read_delimited(
        path,
        known,
        remarks,
        file,
    )
    if not area.names:
        # No line names columns: the first one is a record, and may hold anybody's name.
        read = _with_first_line(read, path)
    # Lines of another width were refused, and count as records.
    ragged = [one.row for one in remarks.said[before:] if one.row is not None]
    records = pa.array(sorted([*read.lines.tolist(), *ragged]), pa.int64())
    return _tables(read, area, place), records


def _tables(
    read: Delimited,
    area: Area,
    place: TablePlace,
) -> list[SourceTable]:
    written = {place: name for place, name in enumerate(read.headers, start=1) if name}
    # A second row of names has been joined to the first; without one they are as written.
    columns = range(1, len(read.headers) + 1)
    names = unique_names(columns, area.names or written, place)
    # Names that are refused take no record with them.
    keep = _records(read, area, place)
    if not names:
        place.drop(read.lines[keep].tolist(), "none of the columns can be read")
        return []
    chosen = pa.array(keep)
    table = SourceTable(
        file=place.file,
        name=place.table,
        data=pa.table(
            {
                text: read.columns[column - 1].filter(chosen)
                for column, text in names.items()
            }
        ),
        rows=pa.array(read.lines[keep], pa.int64()),
        labels={
            names[column]: label
            for column, label in area.labels.items()
            if column in names
        },
    )
    return [filled_down(table, place)]


def _with_first_line(
    read: Delimited,
    path: Path,
) -> Delimited:
    """The same text with the line that was taken for names as its first record."""
    cells = list(read.headers)
    lines = (
        line
        for line, found in _first_lines(path)
        if [one.strip() for one in found] == cells
    )
    first = pa.array([[one or None] for one in cells], pa.list_(pa.string()))
    return replace(
        read,
        headers=("",) * len(cells),
        columns=tuple(
            pa.concat_arrays([first[place].values, column])
            for place, column in enumerate(read.columns)
        ),
        lines=np.insert(read.lines, 0, next(lines, 1)),
    )


def _records(
    read: Delimited,
    area: Area,
    place: TablePlace,
) -> Bools:
    """Which rows are records; the others are dropped with their reason."""
    lines = read.lines
    keep = np.ones(len(lines), dtype=bool)
    for reason in dict.fromkeys(reason for _, reason in area.dropped):
        # Rows above the names are no rows of the table that was read.
        hit = np.isin(lines, [row for row, why in area.dropped if why == reason])
        _drop(read, keep, hit, reason, place)
    _drop(read, keep, _repeats_names(read), REPEATED, place)
    # Totals stand at the end; a long file is not gone through for them.
    tail = np.flatnonzero(keep)[-_TAIL_ROWS:]
    end = Area(names=area.names or dict(enumerate(read.headers, start=1)))
    grid = _grid(_rows(read, tail), place.file)
    without_tail(grid, end)
    for reason in dict.fromkeys(reason for _, reason in end.dropped):
        hit = np.isin(lines, [row for row, why in end.dropped if why == reason])
        _drop(read, keep, hit, reason, place)
    return keep


def _drop(
    read: Delimited,
    keep: Bools,
    hit: Bools,
    reason: str,
    place: TablePlace,
) -> None:
    place.drop(read.lines[hit & keep].tolist(), reason)
    keep &= ~hit


def _repeats_names(read: Delimited) -> Bools:
    """Rows in which every cell is the name of its column."""
    same = np.ones(read.n_rows, dtype=bool)
    for name, column in zip(read.headers, read.columns, strict=True):
        # An empty cell is no name.
        equal = pc.fill_null(pc.equal(column, name), fill_value=False)
        same &= equal.to_numpy(zero_copy_only=False)
    return same


def _rows(
    read: Delimited,
    places: Iterable[int],
) -> _Lines:
    return [
        (
            int(read.lines[at]),
            [column[int(at)].as_py() or "" for column in read.columns],
        )
        for at in places
    ]


def _grid(
    lines: _Lines,
    file: str,
) -> Grid:
    grid = Grid(file=file, name=file)
    for number, cells in lines:
        for column, text in enumerate(cells, start=1):
            grid.add(
                number,
                column,
                CellKind.TEXT,
                text=text,
            )
    return grid


def _head(
    path: Path,
    place: TablePlace,
) -> Area:
    """Names of the columns and what stands around them, told by the first lines of a file."""
    lines = _first_lines(path)
    grid = _grid(lines, place.file)
    stated = place.answers.get(f"header_row.{place.table}", "")
    header = int(stated) if stated.isdigit() else names_row(grid)
    if header is None:
        # A file of one line has nothing to ask about.
        if len(lines) > 1:
            ask_header(place)
            return Area()
        # Names alone, of a table without a record.
        alone = lines and _reads_like_names(lines[0][1])
        return Area(names=dict(enumerate(lines[0][1], start=1)) if alone else {})
    (area,) = find_areas(grid, header=header)
    # The last of these lines is not the end of a longer file.
    near = area.records[0] if area.records else header + 1
    area.dropped = [(row, why) for row, why in area.dropped if header < row < near]
    return area


def _reads_like_names(cells: list[str]) -> bool:
    """Whether some cell holds a word of headings, and none begins with a number."""
    words = [re.findall(r"[^\W\d_]+", cell.casefold()) for cell in cells]
    known = any(word_of_nobody(word) for word in chain(*words))
    return known and not any(cell.strip()[:1].isdigit() for cell in cells)


def _first_lines(path: Path) -> _Lines:
    """The first records, each with its line, in the separator that divides them most evenly."""
    with path.open("rb") as file:
        text = _decoded(file.read(_HEAD_BYTES))
    best: _Lines = []
    most = (0.0, 0)
    for separator in _SEPARATORS:
        # Quotation marks may hold line ends, so records are counted, not lines.
        reader = csv.reader(text.splitlines(keepends=True), delimiter=separator)
        lines: _Lines = []
        line = 1
        try:
            for cells in reader:
                lines.append((line, cells))
                line = reader.line_num + 1
                if len(lines) == _HEAD_LINES:
                    break
        # A lone quotation mark in a long file; the careful reader says so.
        except csv.Error:
            continue
        even = _evenness(lines)
        if even > most:
            most = even
            best = lines
    return best


def _evenness(lines: _Lines) -> tuple[float, int]:
    """Share of the lines that have the commonest number of cells, and that number."""
    widths = Counter(len(cells) for _, cells in lines if any(cells))
    # One cell in every line is no division at all.
    widths.pop(1, None)
    if not widths:
        return 0.0, 0
    # A title above the names has one cell, so the commonest width decides.
    width, count = widths.most_common(1)[0]
    filled = sum(1 for _, cells in lines if any(cells))
    return round(count / filled, 1), width


def _decoded(data: bytes) -> str:
    """Text of the first bytes, as far as names of columns need it."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    # Half a letter at the cut is no reason to doubt the whole file.
    try:
        return data[: data.rfind(b"\n") + 1 or None].decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
