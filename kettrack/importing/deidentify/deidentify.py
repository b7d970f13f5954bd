"""From dated tables with record numbers to tables with days and codes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from kettrack.importing.deidentify.options import Deidentification
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import Remarks
from kettrack.importing.source import BIRTH_DATE, DATE
from kettrack.vocabulary.columns import TABLES

_CODE_LENGTH: Final = 10
ArrowTables = Mapping[str, pa.Table]


class Deidentified(NamedTuple):
    """What comes out.

    Parameters
    ----------
    tables : mapping
        `sessions`, `scores`, `patients`, `events` to tables with `day`, codes and the columns of
        the contract, and with `source_file` `source_table` `source_row` at the end of each row.
    linkage : pyarrow.Table
        `code` and `patient_id`, the only way back. It belongs beside no cohort folder.
    """

    tables: ArrowTables
    linkage: pa.Table


def deidentify(
    tables: ArrowTables,
    how: Deidentification,
    answers: Answers,
    remarks: Remarks,
) -> Deidentified:
    """Take record numbers and dates out of tables.

    Parameters
    ----------
    tables : mapping
        `sessions`, `scores`, `patients`, `events` to tables in columns of the contract. They hold
        `date` (date32) instead of `day`, or `day`; `birth_date` (date32) in patients; the columns
        `observed_to_day` `last_contact_day` `stop_day` of patients hold days or dates (date32).
        The last columns of each are `source_file` `source_table` `source_row`.
    how : Deidentification
        The choices.
    answers : mapping
        To questions of an earlier run.
    remarks : Remarks
        Takes rows and columns that go, and what only their owner can answer.
    """
    ids = pa.chunked_array(
        [chunk for table in tables.values() for chunk in table["patient_id"].chunks],
        pa.string(),
    ).unique()
    codes = pa.array(
        [_code(raw, how) for raw in ids.to_pylist()],
        pa.string(),
    )
    first = _first_days(tables["sessions"])
    coded = {
        name: _coded(
            name,
            table,
            ids,
            codes,
            first,
        )
        for name, table in tables.items()
    }
    return Deidentified(coded, pa.table({"code": codes, "patient_id": ids}))


def _code(raw: str, how: Deidentification) -> str:
    if how.key is None:
        return secrets.token_hex(_CODE_LENGTH // 2)
    return hmac.new(
        how.key,
        raw.encode(),
        hashlib.sha256,
    ).hexdigest()[:_CODE_LENGTH]


def _first_days(sessions: pa.Table) -> pa.Table | None:
    if DATE not in sessions.column_names:
        return None
    return sessions.group_by("patient_id").aggregate([(DATE, "min")])


def _coded(
    name: str, table: pa.Table, ids: pa.Array, codes: pa.Array, first: pa.Table | None
) -> pa.Table:
    patients = table["patient_id"]
    if DATE in table.column_names and first is not None:
        place = pc.index_in(patients, first["patient_id"].combine_chunks())
        zero = first[f"{DATE}_min"].combine_chunks().take(place.combine_chunks())
        days = pc.subtract(
            table[DATE].combine_chunks().cast(pa.int32()), zero.cast(pa.int32())
        )
        table = table.append_column("day", days)
    coded = codes.take(pc.index_in(patients, ids).combine_chunks())
    table = table.set_column(
        table.column_names.index("patient_id"), "patient_id", coded
    )
    gone = [one for one in (DATE, BIRTH_DATE) if one in table.column_names]
    table = table.drop_columns(gone)
    known = [one for one in TABLES[name].names if one in table.column_names]
    others = [one for one in table.column_names if one not in known]
    return table.select([*known, *others])
