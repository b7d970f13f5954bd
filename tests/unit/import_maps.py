"""Sheets written as text tables, and what a map makes of them."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from kettrack.importing.apply import DatedTables, apply_map
from kettrack.importing.import_map import ImportMap, TableMap
from kettrack.importing.remarks import Remarks
from kettrack.importing.source import SourceData, SourceTable


def sheet(
    text: str, name: str = "Visits", **more: Mapping[str, Mapping[str, str]]
) -> SourceTable:
    """A sheet written as a text table: `|` between cells, a dot for an empty one."""
    lines = [line.strip() for line in text.strip().splitlines()]
    cells = [[cell.strip() for cell in line.split("|")] for line in lines]
    columns = {
        header: pa.array(
            [None if row[k] == "." else row[k] for row in cells[1:]], pa.string()
        )
        for k, header in enumerate(cells[0])
    }
    rows = pa.array(range(2, len(lines) + 1), pa.int64())
    return SourceTable(
        file="log.xlsx", name=name, data=pa.table(columns), rows=rows, **more
    )


def applied(
    *parts: TableMap,
    tables: tuple[SourceTable, ...],
    answers: Mapping[str, str] | None = None,
) -> tuple[DatedTables, Remarks]:
    """What a map makes of sheets."""
    records = {(one.file, one.name): one.rows for one in tables}
    source = SourceData(kind="excel", tables=tables, records=records)
    remarks = Remarks()
    plan = ImportMap(kind="excel", tables=parts, answers=answers or {})
    return apply_map(source, plan, remarks), remarks


def column(table: pa.Table | None, name: str) -> list[object]:
    """The values of one column."""
    assert table is not None
    return table[name].to_pylist()


def said(remarks: Remarks) -> list[tuple[int | None, str, str, str]]:
    """Row, column, action and reason of every remark."""
    return [(one.row, one.column, one.action, one.reason) for one in remarks.said]
