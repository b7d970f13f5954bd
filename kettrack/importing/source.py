"""What every reader makes of a file: Arrow tables whose every row can be traced to its place.

A reader believes nothing and changes nothing. It tells what stands in the file, of which type, and
where; what the columns mean is decided by the map.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import pyarrow as pa

from kettrack.importing.remarks import ColumnPlace
from kettrack.vocabulary.columns import (
    SESSIONS,
    TABLES,
    Table,
)

# Names by which a reader that knows what a column is calls it. They stand beside the names of the
# contract in `vocabulary.columns`, and are gone once a cohort folder is written.
DATE: Final = "date"
BIRTH_DATE: Final = "birth_date"
DOSE: Final = "dose"
DOSE_UNIT: Final = "dose_unit"
STATUS: Final = "status"
# The number of a session of the patient; it gives a score without a date the day of that session.
SESSION_NUMBER: Final = "session_number"
# In a table with one row for each answer: which item it answers, and to which form it belongs.
ITEM: Final = "item"
FORM: Final = "form"
# What a map calls a table whose rows are no sessions, but tell something of the session of their
# day: a weight, blood pressures, adverse events.
SESSION_DETAILS: Final = "session_details"
# Where a row comes from: the last columns of every table between the map and the cohort folder.
SOURCE_FILE: Final = "source_file"
SOURCE_TABLE: Final = "source_table"
SOURCE_ROW: Final = "source_row"
ORIGIN: Final = (SOURCE_FILE, SOURCE_TABLE, SOURCE_ROW)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTable:
    """One sheet, file or kind of record, as it stands in its source.

    Parameters
    ----------
    file : str
        Name of the file, without its folder.
    name : str
        Name of the sheet, table or kind of record; equal to `file` where a file holds one table.
    data : pyarrow.Table
        One row per record. A column is text, int64, float64, bool, date32, timestamp without a zone
        or duration, as the source itself has it; a column of mixed kinds is text. Null = nothing
        stands there. Names of columns are unique and not empty.
    rows : pyarrow.Array of int64
        For each row its number in the source: the line of a text file, the row of a sheet, the
        number of the record, from 1.
    is_a : str
        `sessions`, `scores`, `patients` or `events` where the reader knows, and has named the
        columns by the contract; else empty.
    labels : mapping
        Column to what its source calls it in words.
    value_labels : mapping
        Column to {code as text: label}.
    reasons : mapping
        Column to a text array as long as the table: why nothing stands there ("#N/A", "refused"),
        null where something does or no reason is known.
    numbers : mapping
        Column of mixed kinds to the texts that were numbers in the source: their point is no
        decimal sign that anybody has written.
    cells : mapping
        Column to where its cells stand in the source, for columns that are gathered from the rows
        of several records; a column of dates among them is read already.
    """

    file: str
    name: str
    data: pa.Table
    rows: pa.Array
    is_a: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    value_labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    reasons: Mapping[str, pa.Array] = field(default_factory=dict)
    numbers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    cells: Mapping[str, ColumnPlace] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceData:
    """Everything that was read.

    Parameters
    ----------
    kind : str
        Name of the reader.
    tables : sequence of SourceTable
        In the order of the source. Tables whose reader knows what they are may share a name, as
        the files of a bulk export do; they then mean the same.
    records : mapping
        (file, name) to the numbers of all records that hold anything. Each of them is a row of a
        table, stands in `joined`, or stands among the remarks with its reason.
    joined : mapping
        (file, name) to the numbers of records whose cells stand in the row of another record, as
        the answers of a form of which each is a record of its own.
    """

    kind: str
    tables: Sequence[SourceTable]
    records: Mapping[tuple[str, str], pa.Array]
    joined: Mapping[tuple[str, str], pa.Array] = field(default_factory=dict)


def tables_by_name(tables: Sequence[SourceTable]) -> dict[str, list[SourceTable]]:
    """Tables that share a name have one meaning, and one part of a map.

    Parameters
    ----------
    tables : sequence of SourceTable
        Of one source.
    """
    found: dict[str, list[SourceTable]] = {}
    for table in tables:
        found.setdefault(table.name, []).append(table)
    return found


def contract_table(to: str) -> Table:
    """The table of the contract whose columns the rows of a part of the map have.

    Parameters
    ----------
    to : str
        As the map says it.

    Examples
    --------
    >>> contract_table("scores").name, contract_table("session_details").name
    ('scores', 'sessions')
    """
    return SESSIONS if to == SESSION_DETAILS else TABLES[to]
