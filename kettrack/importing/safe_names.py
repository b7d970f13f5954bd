"""Names of a source's files, tables and columns, made safe before anything can repeat them.

A sheet may be called after a patient, and so may a column. Such a name is replaced by its place as
soon as a source is read: `table 2`, `column 5`. The map, the messages and the cohort folder then
have nothing to hide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

import pyarrow as pa

from kettrack.importing.source import SourceData, SourceTable
from kettrack.privacy.identifying_people import may_be_shown

_Names = Mapping[str, str]
_Of = TypeVar("_Of")


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
