"""Files that have kettrack's own column names, but dates and record numbers: `sessions.csv` with
`date` in the place of `day`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from kettrack.errors import UsageError
from kettrack.importing.registry import Answers, read_source
from kettrack.importing.remarks import Remark, Remarks
from kettrack.importing.source import (
    BIRTH_DATE,
    DATE,
    DOSE,
    DOSE_UNIT,
    STATUS,
    SourceData,
    SourceTable,
)
from kettrack.privacy.identifying_names import promise_of
from kettrack.privacy.identifying_people import may_be_shown
from kettrack.reading.problems import did_you_mean
from kettrack.vocabulary.columns import TABLES

_OTHERS: Final = (DATE, BIRTH_DATE, DOSE, DOSE_UNIT, STATUS)


def read_contract_source(
    path: Path,
    answers: Answers,
    remarks: Remarks,
) -> SourceData:
    """Read files whose names say which table they are.

    Parameters
    ----------
    path : Path
        A folder with sessions and scores, or a workbook with sheets of these names.
    answers, remarks
        As for `read_source`.

    Raises
    ------
    UsageError
        When no table has the name of one of kettrack's.
    """
    source = read_source(path, answers, remarks)
    tables = [_known(table) for table in source.tables]
    if not any(table.is_a == "sessions" for table in tables):
        raise UsageError(
            f"{str(path)!r} has no table called sessions. kettrack deidentify needs tables with"
            " kettrack's own names; for files of any other form use kettrack import."
        )
    known = replace(source, tables=tables)
    _tell_unused(known, remarks)
    return known


def _known(table: SourceTable) -> SourceTable:
    # sessions.csv and a sheet called Sessions are both the sessions.
    name = table.name.partition(".")[0].strip().casefold()
    return replace(table, is_a=name) if name in TABLES else table


class Unused(NamedTuple):
    """A column that does not go on.

    Parameters
    ----------
    column : str
        As written. Where it may be the name of a person, it is shown to the person at the terminal
        and stands in no file.
    why : str
        What it seems to be, or which name was probably meant.
    may_be_shown : bool
        Whether its name can stand in a file.
    """

    column: str
    why: str
    may_be_shown: bool


def unused_columns(source: SourceData) -> list[Unused]:
    """Columns that do not go on, for the person to look at.

    Parameters
    ----------
    source : SourceData
        As `read_contract_source` returns it.
    """
    return [
        Unused(column, _why(table, column), may_be_shown(column))
        for table in source.tables
        for column in table.data.column_names
        if column not in _names(table)
    ]


def _names(table: SourceTable) -> tuple[str, ...]:
    """Names of columns that go on."""
    own = TABLES[table.is_a].names if table.is_a else ()
    return (*own, *_OTHERS)


def _why(table: SourceTable, column: str) -> str:
    if not table.is_a:
        return "its table has none of kettrack's names"
    promise = promise_of(column)
    if promise:
        return f"it is {promise.reason} by its name"
    return f"no table has it{did_you_mean(column, _names(table))}".rstrip("?")


def _tell_unused(source: SourceData, remarks: Remarks) -> None:
    """One remark for each column that does not go on; its reason repeats no value."""
    for table in source.tables:
        for column in table.data.column_names:
            if column in _names(table):
                continue
            filled = len(table.data) - table.data[column].null_count
            remarks.add(
                Remark(
                    file=table.file,
                    table=table.name,
                    column=column,
                    action="dropped",
                    reason=f"the column does not go on: {_why(table, column)}",
                    count=filled,
                )
            )
