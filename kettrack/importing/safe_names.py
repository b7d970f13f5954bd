"""Names of a source's files, tables and columns, made safe before anything can repeat them.

A sheet may be called after a patient, and so may a column. Such a name is replaced by its place as
soon as a source is read: `table 2`, `column 5`. The map, the messages and the cohort folder then
have nothing to hide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

import pyarrow as pa

from kettrack.importing.remarks import Remarks
from kettrack.importing.source import SourceData, SourceTable
from kettrack.privacy.identifying_people import may_be_shown

_Names = Mapping[str, str]
_Of = TypeVar("_Of")
_Where = tuple[str, str]


def with_safe_names(source: SourceData) -> SourceData:
    """A source in which no name of a file, table or column reads like a person, date or number.

    Parameters
    ----------
    source : SourceData
        As its reader returned it.
    """
    # A file that only remarks are about has no table.
    places = [
        *((table.file, table.name) for table in source.tables),
        *source.records,
        *source.joined,
    ]
    files = _safe([file for file, _ in places], "file")
    tables = _safe([name for _, name in places], "table")
    # A table that is its whole file is called like it.
    tables |= files
    return replace(
        source,
        tables=[_table(one, files, tables) for one in source.tables],
        records=_at(source.records, files, tables),
        joined=_at(source.joined, files, tables),
    )


def _at(
    numbers: Mapping[tuple[str, str], pa.Array],
    files: _Names,
    tables: _Names,
) -> dict[tuple[str, str], pa.Array]:
    """Numbers of records under the safe names of their places."""
    safe = {}
    for place, rows in numbers.items():
        file, name = place
        safe[files[file], tables[name]] = rows
    return safe


def _safe(
    names: list[str],
    what: str,
) -> dict[str, str]:
    """Each name to what may stand in its place."""
    distinct = list(dict.fromkeys(names))
    return {
        name: name if may_be_shown(name, file=True) else f"{what} {place}"
        for place, name in enumerate(distinct, start=1)
    }


def _table(
    table: SourceTable,
    files: _Names,
    tables: _Names,
) -> SourceTable:
    # A reader that names columns by the contract shows nothing of the file.
    columns = {
        name: name if may_be_shown(name) else f"column {place}"
        for place, name in enumerate(table.data.column_names, start=1)
    }
    # Rebuilt by place: two columns may never have had the same name, but may get one.
    arrow = pa.table(
        [table.data.column(place) for place in range(table.data.num_columns)],
        names=list(columns.values()),
    )
    return replace(
        table,
        file=files[table.file],
        name=tables[table.name],
        data=arrow,
        labels=_under(table.labels, columns),
        value_labels=_under(table.value_labels, columns),
        reasons=_under(table.reasons, columns),
        numbers=_under(table.numbers, columns),
    )


def _under(
    of_columns: Mapping[str, _Of],
    names: _Names,
) -> dict[str, _Of]:
    return {names[name]: one for name, one in of_columns.items() if name in names}


def with_unique_names(source: SourceData, remarks: Remarks) -> SourceData:
    """The same source; a table whose name stands twice is called by its file, too.

    Parameters
    ----------
    source : SourceData
        As its reader returns it.
    remarks : Remarks
        What the reader has said of such a table is said of its new name.
    """
    # A reader that names columns by the contract gives one name to tables of one meaning, such as
    # the parts of a bulk export: they share their part of the map.
    guessed = [table for table in source.tables if not table.is_a]
    counts = Counter(table.name for table in guessed)
    wheres = [(table.file, table.name) for table in source.tables]
    renamed = {
        (file, name): (file, f"{file}: {name}")
        for file, name in wheres
        if counts[name] > 1 and wheres.count((file, name)) == 1
    }
    # Where file and name are the same, only the reader could tell the tables apart.
    if not renamed:
        return source
    tables = [
        replace(
            table,
            name=renamed.get(
                (table.file, table.name),
                ("", table.name),
            )[1],
        )
        for table in source.tables
    ]
    # Rows are counted by file and table, so the remarks must follow.
    for place, one in enumerate(remarks.said):
        where = (one.file, one.table)
        there = renamed.get(where)
        if there:
            remarks.said[place] = replace(one, table=there[1])
    return replace(
        source,
        tables=tables,
        records={renamed.get(at, at): rows for at, rows in source.records.items()},
        joined={renamed.get(at, at): rows for at, rows in source.joined.items()},
    )
