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
from kettrack.reading.settings_schema import KeyPath


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
            part,
            ("source",),
            f"there is no table {named!r}{_near(part.source, tables)}",
        )
        return
    known = [name for table in tables[part.source] for name in table.data.column_names]
    told = set()
    for where, name in _columns_of(part):
        # A column that is named twice in one place is told once.
        if name in known or (_shown(where), name) in told:
            continue
        told.add((_shown(where), name))
        expected = (
            f"there is no column {shown(name)!r} in {named!r}{_near(name, known)}"
        )
        yield _problem(part, where, expected)
    if "patient_id" not in part.columns:
        yield _problem(
            part,
            ("columns",),
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


def _problem(part: TableMap, where: KeyPath, expected: str) -> Problem:
    return Problem(
        MAP_FILE,
        part.line(*where),
        _shown(where),
        "",
        expected,
    )


def _shown(where: KeyPath) -> str:
    """Keys as they are printed: below two of them stand names of the source, which may be a
    person's.
    """
    named = where[:1] if where[0] in ("where", "wide") else where
    return ".".join(("tables", *named))


def _columns_of(
    part: TableMap,
) -> Iterator[tuple[KeyPath, str]]:
    """Where the map names a column, and its name."""
    for name, column in part.columns.items():
        yield ("columns", name), column
    for column in part.where:
        yield ("where", column), column
    for number, block in enumerate(part.wide):
        for column in block.columns:
            yield ("wide", str(number), "columns", column), column
        for column, date in block.dates.items():
            yield ("wide", str(number), "dates", column), date


def _near(name: str, known: Iterable[str]) -> str:
    near = nearest(name, [one for one in known if may_be_shown(one)])
    return f"; did you mean {near!r}?" if near else ""
