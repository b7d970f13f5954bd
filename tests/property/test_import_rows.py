"""Over all readers: every record of a source is in a row of a table, is joined to one, or stands
among the remarks.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from import_clinics import Clinic
from import_forms import EVERY_FORM

from kettrack.importing.apply import NOT_READ, NOT_TAKEN, DatedTables, apply_map
from kettrack.importing.import_map import ImportMap, TableMap
from kettrack.importing.prepare import Prepared, prepare
from kettrack.importing.remarks import Remarks
from kettrack.importing.source import SourceData, SourceTable

# What makes a record unusable, or a cell of it.
TROUBLES = ("drugs", "dates", "scores", "nobody")
LAST_NET = (NOT_TAKEN, NOT_READ)
# Records beside those of the clinic: a note in the extract of OMOP, and the patient once more in
# each message of HL7.
BESIDE = {
    "omop": lambda clinic: 1,
    "hl7": lambda clinic: len(clinic.sessions) + len(clinic.scores),
}

_Places = set[tuple[str, str, int]]


@settings(max_examples=6, deadline=None, derandomize=True)
@given(st.sets(st.sampled_from(TROUBLES)), st.integers(1, 4))
@pytest.mark.parametrize("form", EVERY_FORM)
def test_rows_in_are_rows_out_and_rows_said(
    form: str, troubles: set[str], n_patients: int
) -> None:
    clinic = Clinic(frozenset(troubles), n_patients)
    with TemporaryDirectory() as folder:
        kind, write = EVERY_FORM[form]
        source = write(clinic, Path(folder))
        ready = prepare(source, "", {})
    made = apply_map(ready.source, ready.plan, ready.remarks)
    records = _places(ready.source.records)
    joined = _places(ready.source.joined)
    out = _rows_out(made)
    said = _rows_said(ready)
    # As many as were written into the files, not as many as a reader says there are.
    tables = (clinic.sessions, clinic.scores, clinic.patients)
    n_written = sum(map(len, tables))
    n_read = len(records) + _n_counted(ready)
    n_beside = BESIDE[kind](clinic) if kind in BESIDE else 0
    assert n_written <= n_read <= n_written + n_beside
    assert records <= out | joined | said
    assert not out & said
    # Nobody left a record to the last net, which tells all that nothing else has told.
    assert [one for one in ready.remarks.said if one.reason in LAST_NET] == []


def _places(of_tables: object) -> _Places:
    return {
        (file, name, row)
        for (file, name), rows in of_tables.items()  # type: ignore[attr-defined]
        for row in rows.to_pylist()
    }


def _rows_out(made: DatedTables) -> _Places:
    origin = ["source_file", "source_table", "source_row"]
    return {
        tuple(row.values())
        for table in made.named().values()
        for row in table.select(origin).to_pylist()
    }


def _n_counted(ready: Prepared) -> int:
    """Records of which an extract holds millions, such as other drugs: their number is told."""
    return sum(
        one.count
        for one in ready.remarks.said
        if one.row is None and not one.column and one.action == "dropped"
    )


def _rows_said(ready: Prepared) -> _Places:
    return {
        (one.file, one.table, one.row)
        for one in ready.remarks.said
        if one.row is not None and not one.column
    }


ANSWERS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", None]),
        st.sampled_from(["2024-01-02 09:00", "2024-01-02 10:00", "2024-01-09", "soon"]),
        st.sampled_from(["g1", "g2", "g3", "mood", None]),
        st.sampled_from(["0", "3", "8", None]),
    ),
    min_size=1,
    max_size=14,
)
FORMS = TableMap(
    source="answers",
    to="scores",
    columns={"patient_id": "id", "date": "at", "item": "q", "score": "a"},
    values={"item": {f"g{number}": f"GAD-7 item {number}" for number in (1, 2, 3)}},
)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(ANSWERS)
def test_every_answer_is_in_a_form_or_said(
    answers: list[tuple[str | None, str, str | None, str | None]],
) -> None:
    columns = zip(*answers, strict=True)
    names = ("id", "at", "q", "a")
    data = pa.table(
        {
            name: pa.array(cells, pa.string())
            for name, cells in zip(names, columns, strict=True)
        }
    )
    rows = pa.array(range(2, len(answers) + 2), pa.int64())
    table = SourceTable(file="f", name="answers", data=data, rows=rows)
    source = SourceData(
        kind="text", tables=[table], records={("f", "answers"): table.rows}
    )
    remarks = Remarks()
    made = apply_map(
        source, ImportMap(kind="text", tables=(FORMS,), answers={}), remarks
    ).scores
    assert made is not None
    whole = [one.row for one in remarks.said if one.row and not one.column]
    # Once, and not once for each form that it might have been in.
    assert len(whole) == len(set(whole))
    assert not [one for one in remarks.said if one.reason in LAST_NET]
    items = [name for name in made.column_names if name.startswith("item_")]
    n_answers = sum(len(made) - made[name].null_count for name in items)
    # An answer of 8 is refused, while its row stands in the form.
    cells = [one for one in remarks.said if one.reason.startswith("out of range")]
    of_forms = [one for one in cells if one.row not in whole]
    assert n_answers + len(of_forms) + len(whole) == len(answers)
    given_answers = {(who, item, answer) for who, _, item, answer in answers}
    for row in made.to_pylist():
        for name in items:
            if row[name] is not None:
                question = f"g{name.removeprefix('item_')}"
                assert (row["patient_id"], question, str(row[name])) in given_answers
