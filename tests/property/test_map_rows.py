"""Whatever stands in a sheet, and whatever a map makes of it: a record is in a row of a table or
stands among the remarks, never in neither, and no word of the sheet is repeated.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from kettrack.errors import DataProblems
from kettrack.importing.apply import DatedTables, apply_map
from kettrack.importing.import_map import ImportMap, TableMap, WideBlock
from kettrack.importing.remarks import Remarks
from kettrack.importing.source import SourceData, SourceTable

RUNS = settings(max_examples=150, deadline=None, derandomize=True)
SECRET = "Quilliam"
A_CELL = st.sampled_from(
    [
        None,
        "",
        "NA",
        "a",
        "7",
        "007",
        "12",
        "12.5",
        "7,5",
        "99",
        "2024-02-01",
        "31.02.2024",
        "02/13/2024",
        "03/04/2024",
        "Ketamine IV",
        "yes",
        "cancelled",
        "0.5 mg/kg",
        "70 kg",
        "120/80",
        "PHQ-9",
        "nausea; headache",
        f"{SECRET} 4711",
    ]
)
COLUMNS = ("A", "B", "C", "D", "E")
A_SHEET = st.lists(st.tuples(*[A_CELL] * len(COLUMNS)), min_size=1, max_size=8)
NAMES: Mapping[str, tuple[str, ...]] = {
    "sessions": (
        "date",
        "day",
        "drug",
        "dose_mg",
        "weight_kg",
        "adverse_events",
        "status",
    ),
    "scores": (
        "date",
        "day",
        "session_number",
        "instrument",
        "score",
        "item_9",
        "status",
    ),
    "patients": ("sex", "age", "site", "birth_date", "last_contact_day"),
    "events": ("date", "day", "event", "detail"),
}
A_BLOCK = st.sampled_from(
    [
        WideBlock(columns={"D": 0.0, "E": 14.0}, constants={"instrument": "PHQ-9"}),
        WideBlock(
            columns={"E": None}, dates={"E": "D"}, constants={"instrument": "GAD-7"}
        ),
        WideBlock(
            columns={"E": None}, sessions={"E": 1}, constants={"instrument": "MADRS"}
        ),
    ]
)


@st.composite
def a_part(draw: st.DrawFn) -> TableMap:
    """Any part of a map over the columns of a sheet."""
    to = draw(st.sampled_from(sorted(NAMES)))
    used = draw(st.lists(st.sampled_from(NAMES[to]), unique=True, max_size=4))
    columns = {name: draw(st.sampled_from(COLUMNS)) for name in ("patient_id", *used)}
    wide = draw(st.lists(A_BLOCK, max_size=1)) if to == "scores" else []
    where = draw(st.sampled_from([{}, {"B": ()}, {"C": ("yes", "7")}]))
    return TableMap(
        source=draw(st.sampled_from(["S0", "S1"])),
        to=to,
        columns=columns,
        where=where,
        wide=tuple(wide),
    )


def sheet_of(name: str, cells: list[tuple[str | None, ...]]) -> SourceTable:
    data = {
        header: pa.array([row[place] for row in cells], pa.string())
        for place, header in enumerate(COLUMNS)
    }
    rows = pa.array([2 * place + 3 for place in range(len(cells))], pa.int64())
    return SourceTable(file="log.xlsx", name=name, data=pa.table(data), rows=rows)


def made_of(source: SourceData, parts: list[TableMap], remarks: Remarks) -> DatedTables:
    """What the map makes; one that takes dates and days into one column is refused as a whole."""
    try:
        return apply_map(source, ImportMap(kind="excel", tables=tuple(parts)), remarks)
    except DataProblems as error:
        if "dates in every table that has it, or days in every one" not in str(error):
            raise
        reject()


@RUNS
@given(st.tuples(A_SHEET, A_SHEET), st.lists(a_part(), max_size=4))
def test_rows_in_are_rows_out_and_rows_said(
    sheets: tuple[list[tuple[str | None, ...]], ...], parts: list[TableMap]
) -> None:
    tables = [sheet_of(f"S{place}", cells) for place, cells in enumerate(sheets)]
    records = {(table.file, table.name): table.rows for table in tables}
    source = SourceData(kind="excel", tables=tables, records=records)
    remarks = Remarks()
    made = made_of(source, parts, remarks)
    out = {
        (row["source_table"], row["source_row"])
        for table in made.named().values()
        for row in table.select(["source_table", "source_row"]).to_pylist()
    }
    said = {(one.table, one.row) for one in remarks.said if one.row and not one.column}
    every = {(table.name, row) for table in tables for row in table.rows.to_pylist()}
    assert out | said == every
    assert not out & said
    # Nothing is said twice, and nothing of what stands in a cell.
    assert len(set(remarks.said)) == len(remarks.said)
    words = repr(remarks)
    assert SECRET not in words
    assert "4711" not in words
    for table in made.named().values():
        assert table["patient_id"].null_count == 0
        assert table.column_names[-3:] == ["source_file", "source_table", "source_row"]


TYPED = (
    pa.array(["a", "b", None, "a"]),
    pa.array([1, 2, None, 99999999999]),
    pa.array([0.5, 1e300, None, float("inf")]),
    pa.array([True, None, False, True]),
    pa.array([19000, None, -40000, 19007], pa.date32()),
    pa.array([1_700_000_000, None, 0, 5], pa.timestamp("s")),
    pa.array([2400, None, 90_000, -5], pa.duration("s")),
    pa.array(["a", None, "b", "12"], pa.large_string()),
)


@RUNS
@given(
    st.lists(st.sampled_from(TYPED), min_size=5, max_size=5),
    st.lists(a_part(), max_size=3),
)
def test_no_kind_of_column_is_a_fault(
    columns: list[pa.Array], parts: list[TableMap]
) -> None:
    tables = []
    for name, kept in (("S0", 4), ("S1", 0)):
        data = {
            header: values.slice(0, kept)
            for header, values in zip(COLUMNS, columns, strict=True)
        }
        rows = pa.array(range(1, kept + 1), pa.int64())
        tables.append(
            SourceTable(file="f.sav", name=name, data=pa.table(data), rows=rows)
        )
    records = {(table.file, table.name): table.rows for table in tables}
    source = SourceData(kind="spss", tables=tables, records=records)
    remarks = Remarks()
    made = made_of(source, parts, remarks)
    out = {
        row
        for table in made.named().values()
        for row in table["source_row"].to_pylist()
    }
    said = {one.row for one in remarks.said if one.row and not one.column}
    assert out | said == {1, 2, 3, 4}
