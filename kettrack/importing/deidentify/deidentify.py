"""From dated tables with record numbers to tables with days and codes."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.errors import UsageError
from kettrack.importing.deidentify.days import (
    before_extract,
    clocks_of,
    with_days,
)
from kettrack.importing.deidentify.options import ArrowTables, Deidentification
from kettrack.importing.deidentify.patients import finish_patients
from kettrack.importing.deidentify.people import Coder, code_patients
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import Remark, Remarks
from kettrack.importing.source import ORIGIN, SOURCE_FILE, SOURCE_TABLE
from kettrack.privacy.identifying_names import promise_of
from kettrack.vocabulary.columns import TABLES

_ID = "patient_id"
_PATIENTS = "patients"
_OBSERVED: Final = "observed_to_day"
_NOT_NEEDED: Final = (
    "the date of the extract changes nothing: sessions have no dates, and the source itself says"
    " to which day its logs are complete"
)
SITE: Final = "site"
# Rows lie in the order of codes and days: the order of the file tells who came first.
_ORDER: Final = ("patient_id", "day", "order", "instrument")


class Deidentified(NamedTuple):
    """What comes out.

    Parameters
    ----------
    tables : mapping
        `sessions`, `scores`, `patients`, `events` to tables with `day`, codes and the columns of
        the contract, and with `source_file` `source_table` `source_row` at the end of each row.
        Rows lie in the order of codes and days.
    linkage : pyarrow.Table
        `kind` (patient, site), `code` and `original`: the only way back. It belongs beside no
        cohort folder.
    """

    tables: ArrowTables
    linkage: pa.Table


def deidentify(
    tables: ArrowTables,
    how: Deidentification,
    answers: Answers,
    remarks: Remarks,
) -> Deidentified:
    """Take record numbers, names of clinics and dates out of tables.

    Parameters
    ----------
    tables : mapping
        `sessions`, `scores`, `patients`, `events` to tables in columns of the contract. They hold
        `date` (date32) or `day`; `birth_date` (date32) in patients; the columns `observed_to_day`
        `last_contact_day` `stop_day` of patients hold days or dates (date32). The last columns of
        each are `source_file` `source_table` `source_row`.
    how : Deidentification
        The choices.
    answers : mapping
        To questions of an earlier run.
    remarks : Remarks
        Takes rows and columns that go, and what only their owner can answer.

    Raises
    ------
    UsageError
        When the date of the extract is given, no session has a date, and the source does not say
        either to which day its logs are complete.
    """
    coder = Coder(how.key)
    people = code_patients(tables, coder, answers, remarks)
    done = {
        name: before_extract(_coded(table, people), how.extract_date, remarks)
        for name, table in tables.items()
    }
    clocks = clocks_of(done)
    if how.extract_date is not None and not np.isfinite(clocks.first).any():
        _say_not_needed(done, remarks)
        how = replace(how, extract_date=None)
    for name in done:
        if name != _PATIENTS:
            done[name] = with_days(done[name], clocks, remarks)
    finished = finish_patients(done, clocks, how, remarks)
    sites = no_links()
    if finished is not None:
        if SITE not in how.keep:
            finished, sites = code_sites(finished, coder)
        done[_PATIENTS] = finished
    ready = {name: in_contract(name, table, remarks) for name, table in done.items()}
    return Deidentified(ready, _linkage(people, sites))


def _say_not_needed(
    tables: ArrowTables,
    remarks: Remarks,
) -> None:
    """Say that the date of the extract changes nothing; stop where nothing else says the end."""
    patients = tables.get(_PATIENTS)
    there = patients is not None and _OBSERVED in patients.column_names
    ends = patients[_OBSERVED].drop_null() if patients is not None and there else []
    if patients is None or not len(ends):
        raise UsageError(
            "The date of the extract can be used only where sessions have dates. These have days,"
            " or none: leave the date out, and fill in observed_to_day in the table of patients."
        )
    origins = patients.select([SOURCE_FILE, SOURCE_TABLE])
    origin = origins.slice(0, 1).to_pylist()[0]
    remarks.add(
        Remark(
            file=origin[SOURCE_FILE],
            table=origin[SOURCE_TABLE],
            column=_OBSERVED,
            action="noted",
            reason=_NOT_NEEDED,
            count=len(ends),
        )
    )


def _coded(
    table: pa.Table,
    people: pa.Table,
) -> pa.Table:
    raw = table[_ID].cast(pa.string()).combine_chunks()
    places = pc.index_in(raw, people["original"].combine_chunks())
    codes = people["code"].combine_chunks().take(places)
    return table.set_column(table.column_names.index(_ID), _ID, codes)


def _linkage(
    people: pa.Table,
    sites: pa.Table,
) -> pa.Table:
    kinds = {"patient": people, "site": sites}
    parts = [
        table.add_column(0, "kind", pa.array([kind] * len(table), pa.string()))
        for kind, table in kinds.items()
    ]
    columns = ["kind", "code", "original"]
    every = [part.select(columns).combine_chunks() for part in parts]
    order = [(name, "ascending") for name in columns]
    return pa.concat_tables(every).sort_by(order)


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
