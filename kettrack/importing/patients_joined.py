"""Several rows about one patient, as on a sheet of visits, to one row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import Bools, Ints
from kettrack.importing.journal import Journal
from kettrack.importing.remarks import (
    Action,
    ColumnPlace,
)
from kettrack.importing.source import (
    ORIGIN,
    SOURCE_FILE,
    SOURCE_ROW,
    SOURCE_TABLE,
)

_ID: Final = "patient_id"
# Of several days the last is the one to which something is known; a person is as old at the first
# session as the lowest age says.
_CHOSEN: Final[Mapping[str, str]] = {
    "observed_to_day": "max",
    "last_contact_day": "max",
    "age": "min",
    "start_year": "min",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsOfOne:
    """What several rows are about, and what is said of them.

    Parameters
    ----------
    key : str
        The column in which rows of one are equal.
    joined, differ : str
        What is said of rows that were joined, and of cells that contradict one another.
    chosen : mapping
        Column to `min` or `max`, where several values are no contradiction.
    """

    key: str = _ID
    joined: str = "joined with another row of the same patient"
    differ: str = "rows of one patient say different things, so none of them is used"
    chosen: Mapping[str, str] = field(default_factory=lambda: _CHOSEN)


def one_row_each(
    patients: pa.Table,
    journal: Journal,
    about: RowsOfOne = RowsOfOne(),
) -> pa.Table:
    """One row per patient: of each column what any of the patient's rows says.

    Parameters
    ----------
    patients : pyarrow.Table
        Of the contract, with origins.
    journal : Journal
        Takes the rows that were joined, and cells that contradict one another.
    about : RowsOfOne
        Where the rows are about something else than patients.
    """
    keys = patients[about.key].combine_chunks()
    codes = keys.dictionary_encode().indices.to_numpy()
    n_patients = int(codes.max(initial=-1)) + 1
    # The usual case: every patient has one row.
    if n_patients == len(codes):
        return patients
    first = np.unique(codes, return_index=True)[1]
    later = np.ones(len(codes), dtype=bool)
    later[first] = False
    say_of_rows(
        patients,
        later,
        "",
        "mended",
        about.joined,
        journal,
    )
    made = {}
    for name in patients.column_names:
        values = patients[name].combine_chunks()
        if name in (about.key, *ORIGIN):
            made[name] = values.take(pa.array(first))
            continue
        how = about.chosen.get(name, "first")
        chosen = _per_patient(how, values, codes, n_patients)
        if name not in about.chosen:
            differ = _contradictions(values, codes, chosen)
            say_of_rows(
                patients,
                differ,
                name,
                "refused",
                about.differ,
                journal,
            )
            wrong = np.zeros(n_patients, dtype=bool)
            wrong[codes[differ]] = True
            chosen = pc.if_else(
                pa.array(wrong),
                pa.scalar(None, values.type),
                chosen,
            )
        made[name] = chosen
    return pa.table(made)


def _per_patient(
    how: str,
    values: pa.Array,
    codes: Ints,
    n_patients: int,
) -> pa.Array:
    """What the first filled row of each patient says, or the least or greatest of them."""
    # In threads the first row would be any row.
    groups = pa.table({"code": codes, "value": values}).group_by(
        "code", use_threads=False
    )
    found = groups.aggregate([("value", how)]).sort_by("code")
    return found[f"value_{how}"].combine_chunks()


def _contradictions(
    values: pa.Array,
    codes: Ints,
    chosen: pa.Array,
) -> Bools:
    """Cells that differ from what is taken for their patient."""
    same = pc.equal(values, chosen.take(pa.array(codes)))
    # An empty cell contradicts nothing.
    filled = pc.fill_null(same, True)
    return ~np.asarray(filled.to_numpy(zero_copy_only=False), dtype=bool)


def say_of_rows(
    patients: pa.Table,
    hit: Bools,
    name: str,
    action: Action,
    reason: str,
    journal: Journal,
) -> None:
    """Say of rows, or of their cells in a column, what was done with them.

    Parameters
    ----------
    patients : pyarrow.Table
        Of the contract, with origins.
    hit : bool array
        Which of its rows.
    name : str
        The column; empty where it is about whole rows.
    action, reason
        As in `Remark`.
    journal : Journal
        Takes it; nothing is said of a row that reaches another table.
    """
    rows = patients.select(ORIGIN).filter(pa.array(hit))
    places = rows.group_by([SOURCE_FILE, SOURCE_TABLE])
    groups = places.aggregate([(SOURCE_ROW, "list")]).to_pylist()
    for group in groups:
        place = ColumnPlace(
            file=group[SOURCE_FILE],
            table=group[SOURCE_TABLE],
            column=name,
            rows=pa.array(group[f"{SOURCE_ROW}_list"], pa.int64()),
        )
        everywhere = np.ones(len(place.rows), dtype=bool)
        if name:
            journal.remarks.cells(
                place,
                pa.array(everywhere),
                action,
                reason,
            )
        else:
            journal.rows(
                place,
                everywhere,
                action,
                reason,
                quiet=True,
            )
