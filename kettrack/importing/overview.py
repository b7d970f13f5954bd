"""What was found in a source, and what each column of it is used as: nothing of a patient. Columns
that were told by what they hold alone are to be looked at first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import pyarrow as pa

from kettrack.importing.import_map import ImportMap, TableMap
from kettrack.importing.proposal.columns import DATES, said_of
from kettrack.importing.proposal.facts import ColumnFacts, facts_of
from kettrack.importing.proposal.score_columns import parse_heading
from kettrack.importing.source import SourceData, SourceTable, tables_by_name
from kettrack.privacy.identifying_names import words_of
from kettrack.privacy.identifying_people import shown
from kettrack.vocabulary.columns import TABLES

Guesses = Mapping[tuple[str, str], str]
_KINDS: Final = {
    "empty": "empty",
    "whole": "whole numbers",
    "decimal": "numbers",
    "text": "words",
    "date": "dates",
    "duration": "lengths of time",
    "yes_no": "yes or no",
}
_MEASURED: Final = frozenset(
    column.name
    for table in TABLES.values()
    for column in table.columns
    if column.role == "measure"
) | {"dose"}
A_GUESS: Final = "a guess from what the column holds"
# What a heading may say for a column of the contract that is called otherwise.
_SAID: Final[Mapping[str, tuple[str, ...]]] = {
    "date": DATES,
    "day": ("day", "week", "month", "occasion"),
    "dose_mg": ("dose", "drug"),
    "route": ("route", "drug"),
}
# Told by words of their own, and not by those of headings.
_OTHERWISE: Final = (
    "status",
    "event",
    "score",
    "item",
    "adverse_events_",
    "start_time",
    "end_time",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundColumn:
    """One column of a source.

    Parameters
    ----------
    table, column : str
        Their names.
    holds : str
        Kind of its cells; the range too, where it is that of a measure.
    used_as : str
        Columns of a cohort that it becomes, or why it becomes none.
    """

    table: str
    column: str
    holds: str
    used_as: str


def found_columns(
    source: SourceData,
    plan: ImportMap,
    ranges: bool,
) -> list[FoundColumn]:
    """One row per column of the source.

    Parameters
    ----------
    source : SourceData
        With names that may be shown.
    plan : ImportMap
        What is what.
    ranges : bool
        Whether the range of measures is told.
    """
    guesses = doubts(source, plan)
    return [
        row
        for several in tables_by_name(source.tables).values()
        for row in _of_table(
            _together(several),
            plan,
            ranges,
            guesses,
        )
    ]


def _together(tables: Sequence[SourceTable]) -> SourceTable:
    """Tables of one name as one."""
    if len(tables) == 1:
        return tables[0]
    cells = [table.data for table in tables]
    data = pa.concat_tables(cells, promote_options="permissive")
    rows = pa.concat_arrays([table.rows for table in tables])
    return replace(tables[0], data=data, rows=rows)


def _of_table(
    table: SourceTable,
    plan: ImportMap,
    ranges: bool,
    guesses: Guesses,
) -> Iterator[FoundColumn]:
    uses: dict[str, list[str]] = {}
    for part in plan.tables:
        if part.source == table.name:
            for column, use in _uses(part, guesses):
                uses.setdefault(column, []).append(use)
    unused = plan.unused.get(table.name, {})
    for facts in facts_of(table):
        # A column may be used by several parts, and for several things.
        used = list(dict.fromkeys(uses.get(facts.name, [])))
        measured = any(
            use.rpartition(".")[2].split(" ")[0] in _MEASURED for use in used
        )
        yield FoundColumn(
            table=shown(table.name, file=True),
            column=shown(facts.name),
            holds=_holds(facts, ranges and measured),
            used_as=", ".join(used)
            or f"not used: {unused.get(facts.name, 'left out')}",
        )


def _uses(
    part: TableMap,
    guesses: Guesses,
) -> Iterator[tuple[str, str]]:
    """Source column and what it becomes."""
    for meaning, column in part.columns.items():
        unit = part.units.get(meaning, "")
        guess = guesses.get((part.source, meaning), "")
        said = f" ({unit})" if unit else ""
        said += f" - {guess}" if guess else ""
        yield column, f"{part.to}.{meaning}{said}"
    for column in part.where:
        yield column, f"which rows are {part.to}"
    for block in part.wide:
        scale = block.constants.get("instrument") or part.constants.get(
            "instrument", ""
        )
        for column, day in block.columns.items():
            when = "" if day is None else f" day {day:g}"
            yield column, f"{part.to}.{block.into}" + f" {scale}{when}".rstrip()
        for column in block.dates.values():
            yield column, f"{part.to}.date"


def _holds(
    facts: ColumnFacts,
    ranges: bool,
) -> str:
    said = _KINDS[facts.kind]
    # The range of a record number or a date would tell something of patients.
    if ranges and facts.low is not None:
        return f"{said}, {facts.low:g} to {facts.high:g}"
    return said


def counted_tables(source: SourceData) -> list[str]:
    """One sentence per table: how many rows and columns it has.

    Parameters
    ----------
    source : SourceData
        With names that may be shown.
    """
    told = []
    for several in tables_by_name(source.tables).values():
        table = _together(several)
        size = f"{table.data.num_rows} rows, {table.data.num_columns} columns"
        named = shown(table.file, file=True)
        where = "" if table.name == table.file else f" of {named}"
        if len(several) > 1:
            where = f" of {len(several)} files"
        told.append(f"{shown(table.name, file=True)}{where}: {size}")
    return told


def doubts(
    source: SourceData,
    plan: ImportMap,
) -> dict[tuple[str, str], str]:
    """(source table, contract column) to a remark, where no heading says what a column is.

    Parameters
    ----------
    source : SourceData
        With names that may be shown.
    plan : ImportMap
        As proposed.
    """
    tables = {table.name: table for table in source.tables if not table.is_a}
    return {
        (part.source, name): A_GUESS
        for part in plan.tables
        if part.source in tables
        for name, column in part.columns.items()
        if not _is_said(tables[part.source], name, column)
    }


def _is_said(
    table: SourceTable,
    name: str,
    column: str,
) -> bool:
    if name.startswith(_OTHERWISE):
        return True
    label = table.labels.get(column, "")
    said = said_of(column, label).meanings
    pressure = any(word.startswith("blood_pressure") for word in said)
    if pressure and name.startswith(("systolic", "diastolic")):
        return True
    # The date of a questionnaire is named after its scale.
    scored = parse_heading(column) or parse_heading(label)
    wanted = _SAID.get(name, (name,))
    return bool(scored or set(wanted) & said.keys() or "date" in words_of(column))
