"""Files that have kettrack's own column names, but dates and record numbers: `sessions.csv` with
`date` in the place of `day`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from kettrack.errors import UsageError
from kettrack.importing.registry import Answers, read_source
from kettrack.importing.remarks import Remarks
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
from kettrack.reading.problems import did_you_mean
from kettrack.settings import SETTINGS_FILE
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
    # The settings that lie beside the tables are read by another door.
    remarks.said[:] = [one for one in remarks.said if one.file != SETTINGS_FILE]
    tables = [_known(table) for table in source.tables]
    if not any(table.is_a == "sessions" for table in tables):
        raise UsageError(
            f"{str(path)!r} has no table called sessions. kettrack deidentify needs tables with"
            " kettrack's own names; for files of any other form use kettrack import."
        )
    return replace(source, tables=tables)


def _known(table: SourceTable) -> SourceTable:
    # sessions.csv and a sheet called Sessions are both the sessions.
    name = table.name.partition(".")[0].strip().casefold()
    return replace(table, is_a=name) if name in TABLES else table


def unused_columns(
    source: SourceData,
) -> dict[str, dict[str, str]]:
    """Columns that do not go on, as a map says it: table to {column: why}.

    Parameters
    ----------
    source : SourceData
        As `read_contract_source` returns it.
    """
    return {
        table.name: {
            column: _why(table, column)
            for column in table.data.column_names
            if column not in _names(table)
        }
        for table in source.tables
    }


def _names(table: SourceTable) -> tuple[str, ...]:
    """Names of columns that go on."""
    own = TABLES[table.is_a].names if table.is_a else ()
    return (*own, *_OTHERS)


def _why(table: SourceTable, column: str) -> str:
    if not table.is_a:
        return "its table has none of kettrack's names"
    promise = promise_of(column)
    if promise:
        return f"it has the heading of {promise.reason}"
    return f"no table has it{did_you_mean(column, _names(table))}".rstrip("?")
