"""Which columns go on: those of the contract, the clinic by its code."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from kettrack.importing.deidentify.coder import Coder
from kettrack.importing.remarks import Remark, Remarks
from kettrack.importing.source import ORIGIN, SOURCE_FILE, SOURCE_TABLE
from kettrack.privacy.identifying_names import promise_of
from kettrack.vocabulary.columns import TABLES

SITE: Final = "site"
# Rows lie in the order of codes and days: the order of the file tells who came first.
_ORDER: Final = ("patient_id", "day", "order", "instrument")


def in_contract(
    name: str,
    table: pa.Table,
    remarks: Remarks,
) -> pa.Table:
    """Keep the columns of the contract in their order, and say of the others why they go.

    Parameters
    ----------
    name : str
        Name of the table.
    table : pyarrow.Table
        Without dates by now.
    remarks : Remarks
        Takes one remark for each column that goes.
    """
    kept = [one for one in TABLES[name].names if one in table.column_names]
    for column in table.column_names:
        if column not in kept and column not in ORIGIN:
            _tell_dropped(table, column, remarks)
    keys = [(one, "ascending") for one in _ORDER if one in kept]
    return table.select([*kept, *ORIGIN]).sort_by(keys)


def _tell_dropped(
    table: pa.Table,
    column: str,
    remarks: Remarks,
) -> None:
    promise = promise_of(column)
    why = f"it has the heading of {promise.reason}" if promise else "no table has it"
    filled = len(table) - table[column].null_count
    first = table.select([SOURCE_FILE, SOURCE_TABLE]).slice(0, 1).to_pylist()
    place = first[0] if first else {}
    remarks.add(
        Remark(
            file=place.get(SOURCE_FILE) or "",
            table=place.get(SOURCE_TABLE) or "",
            column=column,
            action="dropped",
            reason=f"the column does not go on: {why}",
            count=filled,
        )
    )


def code_sites(
    patients: pa.Table | None,
    coder: Coder,
) -> tuple[pa.Table | None, pa.Table]:
    """Put codes in the place of names of clinics: a small clinic tells where somebody lives.

    Returns
    -------
    patients : pyarrow.Table or None
        As given, with codes.
    linkage : pyarrow.Table
        `original` and `code` of each.
    """
    if patients is None or SITE not in patients.column_names:
        return patients, no_links()
    sites = patients[SITE].cast(pa.string()).combine_chunks()
    names = pa.array(
        sorted(pc.unique(sites).drop_null().to_pylist()),
        pa.string(),
    )
    codes = coder.sites(names)
    coded = codes.take(pc.index_in(sites, names))
    place = patients.column_names.index(SITE)
    return (
        patients.set_column(place, SITE, coded),
        pa.table({"original": names, "code": codes}),
    )


def no_links() -> pa.Table:
    """A linkage of nobody."""
    nothing = pa.array([], pa.string())
    return pa.table({"original": nothing, "code": nothing})
