"""The files of a source, each read part by part into raw tables."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

from kettrack.errors import NotRead, Problem
from kettrack.reading.folder import find_tables
from kettrack.reading.formats.parquet import n_parquet_rows, parquet_parts
from kettrack.reading.headers import source_names
from kettrack.reading.problems import Ledger
from kettrack.reading.raw import RawTable, give_back_memory
from kettrack.reading.table_files import table_files
from kettrack.reading.textfile import read_text_table
from kettrack.settings import Settings
from kettrack.sharding.source_text import (
    BLOCK_BYTES,
    Content,
    text_blocks,
)
from kettrack.vocabulary.columns import TABLES

ROWS_A_PART: Final = 1 << 20
# About 100,000 patients, who are checked in less than a gigabyte.
_BYTES_A_BUCKET: Final = 170_000_000
_ROWS_A_BUCKET: Final = 3_000_000
# A line of the second file of a table is counted from here, and so on.
LINES_A_FILE: Final = 10**12


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a table.

    Parameters
    ----------
    table, file : str
        Name of the table, and of the file in messages.
    path : Path
        Where it is.
    place : int
        Among the files of its table, from 0.
    """

    table: str
    file: str
    path: Path
    place: int

    @property
    def is_text(self) -> bool:
        """Whether it is no Parquet."""
        return self.path.suffix.lower() == ".csv"

    @property
    def size(self) -> int:
        """Bytes."""
        try:
            return self.path.stat().st_size
        except OSError as error:
            raise NotRead(self.path, error) from error


def source_files(folder: Path, ledger: Ledger) -> list[SourceFile]:
    """Every file of every table: one file each, or a folder of parts under the table's name.

    Parameters
    ----------
    folder : Path
        The source.
    ledger : Ledger
        Takes files that are missing, and notes on those that are not used.
    """
    in_parts = {name: _parts(folder, name) for name in TABLES}
    folders = {parts[0].parent for parts in in_parts.values() if parts}
    single = find_tables(folder, ledger, folders)
    found = []
    for name in TABLES:
        paths = in_parts[name] or ([single[name]] if name in single else [])
        for place, path in enumerate(paths):
            file = path.relative_to(folder).as_posix()
            found.append(SourceFile(name, file, path, place))
    return found


def _parts(folder: Path, table: str) -> list[Path]:
    """The files in the folder of a table, in the order of their names."""
    names = [table, *(f"{table}{ending}" for ending in table_files())]
    for name in names:
        inside = folder / name
        if not inside.is_dir():
            continue
        there = sorted(inside.iterdir())
        # Programs for large tables leave marks such as _SUCCESS.
        return [
            path
            for path in there
            if path.suffix.lower() in table_files() and path.name[0] not in "._"
        ]
    return []


class FilePart(NamedTuple):
    """Some rows of a file.

    Parameters
    ----------
    number : int
        From 0.
    raw : RawTable or None
        None where the file cannot be read.
    ledger : Ledger
        What was found in it.
    """

    number: int
    raw: RawTable | None
    ledger: Ledger


def read_parts(
    one: SourceFile,
    content: Content,
    settings: Settings,
    done: Container[int],
) -> Iterator[FilePart]:
    """The parts of a file that are not done yet.

    Parameters
    ----------
    one : SourceFile
        The file.
    content : Content
        From `look_through`.
    settings : Settings
        Names the columns.
    done : container of int
        Numbers of parts that are passed over.
    """
    parts = (
        _text_parts(one, content, settings, done)
        if one.is_text
        else _parquet_parts(one, done)
    )
    for part in parts:
        yield part._replace(raw=_on_one_clock(part, one))
        give_back_memory()
        # Nothing below can be read either.
        if part.raw is None:
            return


def _text_parts(
    one: SourceFile,
    content: Content,
    settings: Settings,
    done: Container[int],
) -> Iterator[FilePart]:
    sources = source_names(TABLES[one.table], settings).values()
    known = {source.casefold() for source in sources}
    first = Ledger()
    blocks = text_blocks(one.file, one.path, content.encoding, known, first)
    number = -1
    for number, block in enumerate(blocks):
        if number in done:
            continue
        # What was assumed about the bytes is told with the first block.
        ledger = Ledger() if number else first
        raw = read_text_table(one.table, one.file, block.text, known, ledger)
        before = block.lines_before
        # Lines of the block, the names of the columns above it, become lines of the file.
        ledger.problems = [_lower(each, before) for each in ledger.problems]
        yield FilePart(number, raw and replace(raw, lines=raw.lines + before), ledger)
    if number < 0:
        raw = read_text_table(one.table, one.file, b"", known, first)
        yield FilePart(0, raw, first)


def _parquet_parts(one: SourceFile, done: Container[int]) -> Iterator[FilePart]:
    parts = parquet_parts(one.table, one.file, one.path, ROWS_A_PART)
    for number, (raw, ledger) in enumerate(parts):
        if number not in done:
            yield FilePart(number, raw, ledger)


def _lower(problem: Problem, lines: int) -> Problem:
    return replace(problem, line=problem.line + lines) if problem.line else problem


def _on_one_clock(part: FilePart, one: SourceFile) -> RawTable | None:
    """The part with lines that tell the files of its table apart."""
    if part.raw is None:
        return None
    lines = part.raw.lines + one.place * LINES_A_FILE
    return replace(part.raw, lines=lines)


def n_parts(one: SourceFile) -> int:
    """How many parts there are, roughly: for a bar that shows progress."""
    if one.is_text:
        return one.size // BLOCK_BYTES + 1
    return n_parquet_rows(one.path) // ROWS_A_PART + 1


def buckets_filled(one: SourceFile) -> float:
    """How many buckets of the usual size a file fills."""
    if one.is_text:
        return one.size / _BYTES_A_BUCKET
    return n_parquet_rows(one.path) / _ROWS_A_BUCKET
