"""A map makes tables of the contract of a source, and says what becomes of every row and cell."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from kettrack.importing.apply import apply_map
from kettrack.importing.dated_tables import DatedTables
from kettrack.importing.import_map import ImportMap, TableMap, WideBlock
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


VISITS = """
Record | Date       | Drug        | Dose      | Weight
007    | 2024-01-02 | Ketamine IV | 0.5 mg/kg | 154 lb
7      | 2024-01-03 | Spravato    | 84 mg     | .
1E3    | 2024-01-04 | ketamine iv | 35        | 70
"""
SESSIONS = TableMap(
    source="Visits",
    to="sessions",
    columns={
        "patient_id": "Record",
        "date": "Date",
        "drug": "Drug",
        "route": "Drug",
        "dose_mg": "Dose",
        "weight_kg": "Weight",
    },
    values={
        "drug": {"Ketamine IV": "ketamine", "Spravato": "esketamine"},
        "route": {"Ketamine IV": "iv", "Spravato": "intranasal"},
    },
)


def test_one_column_says_drug_and_route() -> None:
    made, remarks = applied(SESSIONS, tables=(sheet(VISITS),))
    assert column(made.sessions, "patient_id") == ["007", "7", "1E3"]
    assert column(made.sessions, "drug") == ["ketamine", "esketamine", "ketamine"]
    assert column(made.sessions, "route") == ["iv", "intranasal", "iv"]
    # 154 lb are 69.85 kg.
    assert column(made.sessions, "dose_mg") == [34.926612, 84.0, 35.0]
    assert said(remarks) == []


def test_a_wide_block_becomes_rows() -> None:
    table = sheet(
        """
        id | pre | w2 | w4
        a  | 20  | .  | 10
        b  | 21  | 9  | 77
        c  | .   | .  | .
        """,
        "Scores",
    )
    plan = TableMap(
        source="Scores",
        to="scores",
        columns={"patient_id": "id"},
        wide=(
            WideBlock(
                columns={"pre": 0.0, "w2": 14.0, "w4": 28.0},
                constants={"instrument": "PHQ-9"},
            ),
        ),
    )
    made, remarks = applied(plan, tables=(table,))
    assert made.scores is not None
    frame = made.scores.to_pandas()
    assert frame[["patient_id", "day", "score", "source_row"]].values.tolist()[:3] == [
        ["a", 0, 20.0, 2],
        ["b", 0, 21.0, 3],
        ["b", 14, 9.0, 3],
    ]
    assert said(remarks) == [
        (3, "w4", "refused", "out of range: a PHQ-9 total is a whole number, 0 to 27"),
        (4, "", "dropped", "no part of the map takes anything from it"),
    ]
