"""Tables of one source with the same name, as first sheets of two workbooks have, told apart."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from kettrack.importing.remarks import Remarks
from kettrack.importing.source import SourceData

_Where = tuple[str, str]


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
