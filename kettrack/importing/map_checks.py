"""A map held against its source: tables and columns that it names and the source does not have."""

from __future__ import annotations

from collections.abc import (
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import replace

from kettrack.errors import DataProblems, Problem
from kettrack.importing.import_map import (
    ImportMap,
    TableMap,
)
from kettrack.importing.map_file import MAP_FILE
from kettrack.importing.source import SourceTable
from kettrack.privacy.identifying_people import (
    may_be_shown,
    shown,
)
from kettrack.reading.problems import nearest


def check_map(
    plan: ImportMap,
    tables: Mapping[str, Sequence[SourceTable]],
) -> None:
    """Stop where the map names what is not there.

    Parameters
    ----------
    plan : ImportMap
        The map.
    tables : mapping
        Tables of the source by name.

    Raises
    ------
    DataProblems
        With all of it at once.
    """
    problems = [problem for part in plan.tables for problem in _of_part(part, tables)]
    if problems:
        raise DataProblems(problems)


def _of_part(
    part: TableMap,
    tables: Mapping[str, Sequence[SourceTable]],
) -> Iterator[Problem]:
    named = shown(part.source, file=True)
    if part.source not in tables:
        yield _problem(
            "source",
            f"there is no table {named!r}{_near(part.source, tables)}",
        )
        return
    known = [name for table in tables[part.source] for name in table.data.column_names]
    # A column that is named twice is told once.
    for where, name in dict.fromkeys(_columns_of(part)):
        if name not in known:
            expected = (
                f"there is no column {shown(name)!r} in {named!r}{_near(name, known)}"
            )
            yield _problem(where, expected)
    if "patient_id" not in part.columns:
        yield _problem(
            "columns",
            f"patient_id is missing in what is said of {named!r}",
        )


def of_table(part: TableMap, table: SourceTable) -> TableMap:
    """The part of the map with the columns that one of several tables of its name has.

    Parameters
    ----------
    part : TableMap
        What the tables of this name become.
    table : SourceTable
        One of them.
    """
    there = set(table.data.column_names)
    columns = {name: one for name, one in part.columns.items() if one in there}
    return replace(part, columns=columns)


def _problem(where: str, expected: str) -> Problem:
    return Problem(
        MAP_FILE,
        None,
        f"tables.{where}",
        "",
        expected,
    )


def _columns_of(
    part: TableMap,
) -> Iterator[tuple[str, str]]:
    """Where the map names a column, and its name."""
    for name, column in part.columns.items():
        yield f"columns.{name}", column
    for column in part.where:
        yield "where", column
    for block in part.wide:
        for column in (
            *block.columns,
            *block.dates.values(),
        ):
            yield "wide", column


def _near(name: str, known: Iterable[str]) -> str:
    near = nearest(
        name,
        [one for one in known if may_be_shown(one)],
    )
    return f"; did you mean {near!r}?" if near else ""
