"""A map as a file that teaches the person who edits it what each line is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kettrack.importing.asked_events import ASKED_EVENTS
from kettrack.importing.contract_columns import contract_column
from kettrack.importing.import_map import OF_THE_ROW, ImportMap, TableMap, WideBlock
from kettrack.importing.registry import require
from kettrack.importing.remarks import OpenQuestion
from kettrack.writing import write_text

if TYPE_CHECKING:
    from tomlkit import TOMLDocument
    from tomlkit.items import AoT, Table

# (source table, contract column) to what is said of the line, such as how sure it is.
Notes = Mapping[tuple[str, str], str]
_HEAD = """\
What each column of your file means. kettrack wrote this and reads it again:
  kettrack import YOUR_FILE -o FOLDER --map THIS_FILE
Change what is wrong, and leave the rest. Text after # is for you only.
The names of your own columns stand on the right, kettrack's on the left.
It holds names of columns and words of closed lists, and no record of a patient."""
_ANSWERS = """\
What your file does not tell. Take the # away from the line that is right."""
_UNUSED = """\
Columns that are not used, and why. To use one, move its name to a [tables.columns] above."""
_VALUES = """\
Words of your file on the left, kettrack's on the right; "" means: nothing."""
_WHERE = """\
Only rows with one of these words in the column belong to this table; [] stands for any word."""
_WIDE = """\
Columns that hold one visit each, and the day of that visit; day 0 is the first session."""
_UNITS = "In which units your file writes these; kettrack turns them into its own."
_CONSTANTS = "What is the same in all rows."
# What becomes of columns that are used up on the way; the contract tells of the others.
_BECOMES: Mapping[str, str] = {
    "patient_id": "tells patients apart; a code takes its place",
    "date": "becomes days since the first session",
    "birth_date": "becomes the age at the first session",
    "status": "a row that it calls cancelled, missed or the like is dropped",
    "dose": "becomes dose_mg",
    "dose_unit": "the unit of the dose in the same row",
    "session_number": "gives the row the day of that session",
    "item": "which item, or the total, the answer of the row is to",
    "form": "tells the forms of one day apart",
    "start_time": "with end_time it becomes duration_min, and is not kept",
    "end_time": "with start_time it becomes duration_min, and is not kept",
    **dict.fromkeys(ASKED_EVENTS, "yes or no; where yes, it stands in adverse_events"),
}


def write_map(
    plan: ImportMap,
    path: Path,
    questions: Iterable[OpenQuestion] = (),
    notes: Notes | None = None,
) -> Path:
    """Write a map.

    Parameters
    ----------
    plan : ImportMap
        The map.
    path : Path
        Replaced if it exists.
    questions : iterable of OpenQuestion
        They stand in `[answers]` with their choices, each behind a `#`.
    notes : mapping
        (source table, contract column) to what is said of that line.
    """
    return write_text(map_text(plan, questions, notes), path)


def map_text(
    plan: ImportMap,
    questions: Iterable[OpenQuestion] = (),
    notes: Notes | None = None,
) -> str:
    """The content of `map.toml`.

    Parameters
    ----------
    plan, questions, notes
        As in `write_map`.
    """
    require("tomlkit", "tomlkit", "Writing the map")
    import tomlkit

    document = tomlkit.document()
    _comment(document, _HEAD)
    document.add(tomlkit.nl())
    document.add("kind", tomlkit.item(plan.kind))
    document.add(tomlkit.nl())
    document.add("answers", _answers(plan, questions))
    if plan.tables:
        document.add("tables", _parts(plan.tables, notes or {}))
    if any(plan.unused.values()):
        document.add("unused", _unused(plan))
    text = tomlkit.dumps(document)
    # One empty line between tables is enough.
    return re.sub(r"\n{3,}", "\n\n", text)


def with_answers(
    text: str,
    answers: Mapping[str, str],
) -> str:
    """A map with answers to its questions, everything else as its owner wrote it.

    Parameters
    ----------
    text : str
        Content of a `map.toml`.
    answers : mapping
        Key of a question to its answer.
    """
    import tomlkit

    document = tomlkit.parse(text)
    table = document.setdefault("answers", tomlkit.table())
    for key, answer in answers.items():
        table[key] = answer
    return tomlkit.dumps(document)


def _comment(table: TOMLDocument | Table, text: str) -> None:
    import tomlkit

    for line in text.splitlines():
        table.add(tomlkit.comment(_one_line(line)))


def _one_line(text: str) -> str:
    # TOML allows no control characters in a comment.
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _answers(plan: ImportMap, questions: Iterable[OpenQuestion]) -> Table:
    import tomlkit

    table = tomlkit.table()
    # What is answered needs no question beside it.
    open_ones = [one for one in questions if one.key not in plan.answers]
    if open_ones:
        _comment(table, _ANSWERS)
    for key, answer in plan.answers.items():
        table.add(key, answer)
    for one in open_ones:
        table.add(tomlkit.nl())
        _comment(table, one.asks)
        if one.why:
            _comment(table, one.why)
        for choice in one.choices or ("your answer",):
            line = tomlkit.table()
            # Keys hold names of columns, which need quotation marks as a rule.
            line.add(one.key, choice)
            _comment(table, line.as_string().strip())
    table.add(tomlkit.nl())
    return table


def _parts(parts: Iterable[TableMap], notes: Notes) -> AoT:
    import tomlkit

    tables = tomlkit.aot()
    for part in parts:
        table = tomlkit.table()
        table.add("source", part.source)
        table.add("to", part.to)
        table.add("columns", _columns(part, notes))
        if part.where:
            where = {column: list(words) for column, words in part.where.items()}
            table.add("where", _lines(where, _WHERE))
        if part.constants:
            table.add("constants", _lines(part.constants, _CONSTANTS))
        if part.units:
            table.add("units", _lines(part.units, _UNITS))
        if any(part.values.values()):
            table.add("values", _values(part))
        if part.wide:
            table.add("wide", _blocks(part.wide))
        tables.append(table)
    return tables


def _columns(part: TableMap, notes: Notes) -> Table:
    import tomlkit

    table = tomlkit.table()
    for name, source in part.columns.items():
        table.add(name, source)
        column = contract_column(part.to, name)
        about = _BECOMES.get(name, column.about if column else "")
        said = [notes.get((part.source, name), ""), about]
        comment = "; ".join(filter(None, said))
        if comment:
            table[name].comment(_one_line(comment))
    table.add(tomlkit.nl())
    return table


def _lines(content: Mapping[str, Any], comment: str = "") -> Table:
    import tomlkit

    table = tomlkit.table()
    _comment(table, comment)
    for key, value in content.items():
        table.add(key, value)
    table.add(tomlkit.nl())
    return table


def _values(part: TableMap) -> Table:
    import tomlkit

    table = tomlkit.table(is_super_table=True)
    for name, words in part.values.items():
        column = contract_column(part.to, name)
        comment = _VALUES
        if column is not None and column.allowed:
            comment = f"{_VALUES}\nKnown are: {', '.join(column.allowed)}"
        table.add(name, _lines(words, comment))
    return table


def _blocks(blocks: Iterable[WideBlock]) -> AoT:
    import tomlkit

    tables = tomlkit.aot()
    for block in blocks:
        table = tomlkit.table()
        table.add("into", block.into)
        days = {
            column: OF_THE_ROW if day is None else _short(day)
            for column, day in block.columns.items()
        }
        table.add("columns", _lines(days, _WIDE))
        for key, content in (
            ("dates", block.dates),
            ("sessions", block.sessions),
            ("constants", block.constants),
        ):
            if content:
                table.add(key, _lines(content))
        tables.append(table)
    return tables


def _short(day: float) -> float:
    return int(day) if float(day).is_integer() else day


def _unused(plan: ImportMap) -> Table:
    import tomlkit

    table = tomlkit.table()
    _comment(table, _UNUSED)
    for source, columns in plan.unused.items():
        if columns:
            table.add(source, _lines(columns))
    return table
