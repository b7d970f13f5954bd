"""Rows to tables in columns of the contract, one for each kind of record in each file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from operator import attrgetter
from typing import Any, Final, NamedTuple

import pyarrow as pa

from kettrack.importing.fhir.codes import ITEM, SCORE
from kettrack.importing.fhir.notes import RecordOrigin
from kettrack.importing.fhir.people import KnownPatients
from kettrack.importing.fhir.scores import ScorePart
from kettrack.importing.fhir.treatments import FhirSession
from kettrack.importing.source import BIRTH_DATE, DATE, SourceTable

DEATHS: Final = "Patient deaths"


class PatientRow(NamedTuple):
    """A patient, as a record tells it.

    Parameters
    ----------
    origin : RecordOrigin
        Where it stands.
    patient_id : str
        The id.
    birth_date : date or None
        Where it names a day.
    sex : str
        Word of FHIR, which are those of the contract.
    """

    origin: RecordOrigin
    patient_id: str
    birth_date: date | None
    sex: str


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    kind: pa.DataType
    cell: Callable[[Any], Any]

    def cells(self, rows: Iterable[Any]) -> pa.Array:
        return pa.array([self.cell(row) for row in rows], self.kind)


def _by_place(rows: Iterable[Any]) -> dict[tuple[str, str], list[Any]]:
    """Rows by file and kind of record, in the order of the file."""
    groups: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for row in rows:
        origin = row.origin
        groups[origin.file, origin.kind].append(row)
    # Rows were put together by patient and day; the file has another order.
    for group in groups.values():
        group.sort(key=attrgetter("origin.row"))
    return dict(sorted(groups.items()))


def _tables(
    rows: Iterable[Any],
    is_a: str,
    columns_of: Callable[[Sequence[Any]], Iterable[_Column]],
) -> list[SourceTable]:
    tables = []
    for (file, kind), group in _by_place(rows).items():
        columns = columns_of(group)
        numbers = [row.origin.row for row in group]
        tables.append(
            SourceTable(
                file=file,
                name=kind,
                data=pa.table({one.name: one.cells(group) for one in columns}),
                rows=pa.array(numbers, pa.int64()),
                is_a=is_a,
            )
        )
    return tables


def _column(
    name: str,
    kind: pa.DataType,
    cell: Callable[[Any], Any] | None = None,
) -> _Column:
    """A column; where nothing else is said, its cell is the attribute of that name."""
    return _Column(name, kind, cell or attrgetter(name))


def _text(name: str) -> _Column:
    """A column of words; an empty one is nothing."""
    word = attrgetter(name)
    return _column(
        name,
        pa.string(),
        lambda row: word(row) or None,
    )


def _who(people: KnownPatients) -> _Column:
    return _column(
        "patient_id",
        pa.string(),
        lambda row: people.id_of(row.pointer),
    )


_DAY: Final = _column(
    DATE,
    pa.date32(),
    attrgetter("moment.day"),
)


def session_tables(
    rows: Iterable[FhirSession],
    people: KnownPatients,
) -> list[SourceTable]:
    """Sessions."""
    weight = _column("weight_kg", pa.float64())
    columns = [
        _who(people),
        _DAY,
        _text("drug"),
        _text("route"),
        _text("dose_mg"),
        _column("duration_min", pa.float64()),
        _column("stopped_early", pa.bool_()),
    ]
    return _tables(
        rows,
        "sessions",
        lambda group: [*columns, *_if_filled(weight, group)],
    )


def _if_filled(column: _Column, group: Sequence[Any]) -> list[_Column]:
    """A column that few sources have, where any row fills it."""
    filled = any(column.cell(row) is not None for row in group)
    return [column] if filled else []


def score_tables(
    rows: Iterable[ScorePart],
    people: KnownPatients,
) -> list[SourceTable]:
    """Scores, with the item columns that are needed."""

    def columns_of(group: Sequence[ScorePart]) -> list[_Column]:
        # A column that no record fills would look as if it were there.
        filled = (name for part in group for name in part.cells)
        items = sorted(set(filled) - {SCORE}, key=_number_of)
        return [
            _who(people),
            _DAY,
            _text("instrument"),
            _number(SCORE, pa.float64()),
            *_if_filled(_text("timing"), group),
            *(_number(name, pa.int64()) for name in items),
        ]

    return _tables(rows, "scores", columns_of)


def _number_of(name: str) -> int:
    return int(name.removeprefix(ITEM))


def _number(name: str, kind: pa.DataType) -> _Column:
    # An answer is whole by now, so its column may be one of whole numbers.
    as_kind = int if pa.types.is_integer(kind) else float

    def cell(part: ScorePart) -> float | None:
        value = part.cells.get(name)
        return None if value is None else as_kind(value)

    return _column(name, kind, cell)


_PATIENTS: Final = (
    _text("patient_id"),
    _column(BIRTH_DATE, pa.date32()),
    _text("sex"),
)


def patient_tables(rows: Iterable[PatientRow]) -> list[SourceTable]:
    """Patients."""
    return _tables(rows, "patients", lambda _: _PATIENTS)


class Death(NamedTuple):
    """The death of a patient, which ends a log.

    Parameters
    ----------
    origin : RecordOrigin
        The record of the patient.
    patient_id : str
        The id.
    date : date
        The clinic's day.
    """

    origin: RecordOrigin
    patient_id: str
    date: date

    @property
    def event(self) -> str:
        """As the contract calls it."""
        return "death"


_DEATHS: Final = (
    _text("patient_id"),
    _column(DATE, pa.date32()),
    _text("event"),
)


def death_tables(rows: Iterable[Death]) -> list[SourceTable]:
    """Deaths; the records are those of patients, so the tables have a name of their own."""
    tables = _tables(rows, "events", lambda _: _DEATHS)
    return [replace(table, name=DEATHS) for table in tables]


def numbers_by_place(
    origins: Iterable[RecordOrigin],
) -> Mapping[tuple[str, str], pa.Array]:
    """(file, kind) to the numbers of records."""
    found: dict[tuple[str, str], list[int]] = defaultdict(list)
    for one in origins:
        found[one.file, one.kind].append(one.row)
    return {
        place: pa.array(sorted(set(rows)), pa.int64()) for place, rows in found.items()
    }
