"""A source and its map to dated tables; every record is in one of them, or is said not to be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from kettrack.arrays import Ints
from kettrack.errors import DataProblems, Problem
from kettrack.importing.dates_beside import date_columns
from kettrack.importing.dose import NO_WEIGHTS, KnownWeights, weights_of
from kettrack.importing.import_map import (
    ImportMap,
    TableMap,
)
from kettrack.importing.journal import Journal
from kettrack.importing.map_checks import (
    check_map,
    of_table,
)
from kettrack.importing.map_file import MAP_FILE
from kettrack.importing.patients_joined import (
    one_row_each,
)
from kettrack.importing.remarks import Remarks
from kettrack.importing.session_days import (
    with_session_days,
)
from kettrack.importing.session_details import (
    with_details,
)
from kettrack.importing.source import (
    ORIGIN,
    SESSION_DETAILS,
    SOURCE_FILE,
    SOURCE_ROW,
    SOURCE_TABLE,
    SourceData,
    SourceTable,
    tables_by_name,
)
from kettrack.importing.table_rows import (
    TableRows,
)

_Where = tuple[str, str]
NOT_READ = "the map does not use this table"
NOT_TAKEN = (
    "the map takes no row of this kind, or none of the columns that it reads is filled"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedTables:
    """The tables that a map makes of a source; None where it makes none.

    Each has the columns of the contract that the source fills: text, int64, float64 or bool. It has
    `date` (date32), `day` (int64) or both, and in each row at least one of them; `birth_date`
    (date32) in patients; `observed_to_day`, `last_contact_day` and `stop_day` of patients are
    date32 where the source has dates there. The last columns are `source_file`, `source_table` and
    `source_row`.

    Parameters
    ----------
    sessions, scores, patients, events : pyarrow.Table or None
        Record numbers are as the source writes them.
    """

    sessions: pa.Table | None = None
    scores: pa.Table | None = None
    patients: pa.Table | None = None
    events: pa.Table | None = None

    def named(self) -> dict[str, pa.Table]:
        """The tables that there are, by name, as `deidentify` takes them."""
        tables = {
            "sessions": self.sessions,
            "scores": self.scores,
            "patients": self.patients,
            "events": self.events,
        }
        return {name: table for name, table in tables.items() if table is not None}


def apply_map(
    source: SourceData,
    plan: ImportMap,
    remarks: Remarks,
) -> DatedTables:
    """Make the tables of the contract from a source.

    Parameters
    ----------
    source : SourceData
        As its reader returns it.
    plan : ImportMap
        What is what. Its `answers` are those to the questions of an earlier run.
    remarks : Remarks
        Takes every row and cell that was dropped, refused or mended, and what only the owner of the
        data can answer.

    Returns
    -------
    DatedTables
        Every record of the source is in a row of these, or stands among the remarks as a whole row.

    Raises
    ------
    DataProblems
        When the map names tables or columns that the source does not have.
    """
    journal = Journal(remarks, plan.answers)
    tables = tables_by_name(source.tables)
    check_map(plan, tables)
    parts: dict[str, list[pa.Table]] = defaultdict(list)
    weights = NO_WEIGHTS
    # Doses per kg need the weights of all tables, so these come first.
    of_details = [one for one in plan.tables if one.to == SESSION_DETAILS]
    for one in of_details:
        parts[one.to] += _rows_of(one, plan, tables, weights, journal)
    if of_details:
        weights = weights_of(_below_each_other(parts[SESSION_DETAILS]))
    for one in plan.tables:
        if one.to != SESSION_DETAILS:
            parts[one.to] += _rows_of(one, plan, tables, weights, journal)
    made = {
        name: _in_order(_below_each_other(several)) for name, several in parts.items()
    }
    # Only now all sessions are known, wherever in the map their part stands.
    made = with_session_days(made, journal)
    if "patients" in made:
        made["patients"] = one_row_each(made["patients"], journal)
    made, details = with_details(made, journal)
    there = made if details is None else {**made, SESSION_DETAILS: details}
    arrived = _with_joined(_arrived(there), journal)
    # What is said of a row depends on whether another table has it.
    journal.settle(arrived)
    _say_of_joined(journal)
    _say_not_taken(source, plan, arrived, remarks)
    return DatedTables(**made)


def _rows_of(
    part: TableMap,
    plan: ImportMap,
    tables: Mapping[str, Sequence[SourceTable]],
    weights: KnownWeights,
    journal: Journal,
) -> list[pa.Table]:
    """The rows that one part of the map makes."""
    # A table that several parts read may feed each of them with some of its rows.
    beside = [one for one in plan.tables if one.source == part.source]
    shared = len(beside) > 1 or bool(part.wide)
    dated = date_columns(beside)
    made: list[pa.Table] = []
    for table in tables[part.source]:
        rows = TableRows(
            table,
            of_table(part, table),
            journal,
            shared,
            dated,
            weights,
        )
        made += rows.made()
    return made


def _below_each_other(
    several: list[pa.Table],
) -> pa.Table:
    """The rows of all parts; a column that one of them lacks is empty there."""
    kinds: dict[str, pa.DataType] = {}
    for table in several:
        for field in table.schema:
            # A column in which nothing stands takes the kind that it has elsewhere.
            if table[field.name].null_count < len(table):
                kind = kinds.setdefault(field.name, field.type)
                if kind != field.type:
                    raise DataProblems([_two_kinds(field.name)])
    for table in several:
        for field in table.schema:
            kinds.setdefault(field.name, field.type)
    alike = [_with_kinds(table, kinds) for table in several]
    return pa.concat_tables(alike, promote_options="default")


def _with_kinds(
    table: pa.Table,
    kinds: Mapping[str, pa.DataType],
) -> pa.Table:
    fields = [
        pa.field(field.name, kinds.get(field.name, field.type))
        for field in table.schema
    ]
    done = table
    for place, field in enumerate(fields):
        if field.type != table.schema.field(place).type:
            nothing = pa.nulls(len(table), field.type)
            done = done.set_column(place, field, nothing)
    return done


def _two_kinds(name: str) -> Problem:
    expected = "dates in every table that has it, or days in every one"
    return Problem(
        MAP_FILE,
        None,
        f"tables.columns.{name}",
        "",
        expected,
    )


def _in_order(table: pa.Table) -> pa.Table:
    """The columns with those of the origin at the end, whichever part had which."""
    own = [name for name in table.column_names if name not in ORIGIN]
    return table.select([*own, *ORIGIN])


def _arrived(
    made: Mapping[str, pa.Table],
) -> dict[_Where, Ints]:
    """(file, table) to the rows that stand in any table."""
    found: dict[_Where, list[Ints]] = defaultdict(list)
    for table in made.values():
        by_place = table.group_by([SOURCE_FILE, SOURCE_TABLE])
        groups = by_place.aggregate([(SOURCE_ROW, "list")])
        files = groups[SOURCE_FILE].to_pylist()
        names = groups[SOURCE_TABLE].to_pylist()
        lists = groups[f"{SOURCE_ROW}_list"]
        for file, name, rows in zip(files, names, lists, strict=True):
            numbers = rows.values.to_numpy()
            found[file, name].append(numbers)
    return {where: np.concatenate(rows) for where, rows in found.items()}


def _with_joined(
    arrived: Mapping[_Where, Ints],
    journal: Journal,
) -> dict[_Where, Ints]:
    """The rows with those whose cells stand in them."""
    found = dict(arrived)
    for where, (firsts, members) in journal.joined.items():
        there = found.get(where, np.array([], dtype=np.int64))
        arrived_too = members[np.isin(firsts, there)]
        found[where] = np.concatenate([there, arrived_too])
    return found


def _say_of_joined(journal: Journal) -> None:
    """Of the rows that were joined to a refused one, the same is said."""
    said = journal.remarks.said
    whole = {
        (one.file, one.table, one.row): one
        for one in said
        if one.row is not None and not one.column
    }
    for (file, table), (firsts, members) in journal.joined.items():
        rows = [row for (*where, row) in whole if where == [file, table]]
        lost = np.isin(firsts, rows) & (members != firsts)
        for first, member in zip(firsts[lost], members[lost], strict=True):
            said.append(replace(whole[file, table, int(first)], row=int(member)))


def _say_not_taken(
    source: SourceData,
    plan: ImportMap,
    arrived: Mapping[_Where, Ints],
    remarks: Remarks,
) -> None:
    """Records that are in no table, and of which nothing has been said yet."""
    used = {part.source for part in plan.tables}
    said: dict[_Where, set[int]] = defaultdict(set)
    # Also what the reader has said: it may have dropped rows before the map saw them.
    for one in remarks.said:
        if one.row is not None and not one.column:
            said[one.file, one.table].add(one.row)
    for (
        where,
        records,
    ) in source.records.items():
        numbers = records.to_numpy(zero_copy_only=False)
        joined = source.joined.get(where, pa.array([], pa.int64()))
        known = [
            arrived.get(where, np.array([], dtype=np.int64)),
            np.fromiter(said[where], np.int64),
            joined.to_numpy(zero_copy_only=False),
        ]
        # As a table of truth values: a set of a million numbers takes seconds.
        left = numbers[~np.isin(numbers, np.concatenate(known))]
        file, table = where
        remarks.drop_rows(
            file,
            table,
            left.tolist(),
            NOT_TAKEN if table in used else NOT_READ,
        )
