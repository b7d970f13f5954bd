"""Delimited text files: CSV, TSV and their kin, alone or a folder of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kettrack.importing.registry import Answers, reader
from kettrack.importing.remarks import Remarks
from kettrack.importing.source import SourceData, SourceTable
from kettrack.importing.table_files import files_with, read_table_files
from kettrack.importing.text_tables import TEXT_ENDINGS
from kettrack.vocabulary.columns import TABLES


def _is_text(path: Path) -> int:
    # Many programs export text files; a reader that knows the program is surer of them.
    if path.is_dir():
        return int(bool(files_with(path, TEXT_ENDINGS)))
    return int(path.suffix.lower() in TEXT_ENDINGS)


@reader(
    "text",
    about="text files with separators: .csv, .tsv, .txt, or a folder of them",
    recognise=_is_text,
)
def read_text(
    path: Path,
    answers: Answers,
    remarks: Remarks,
) -> SourceData:
    """Read a text file, or all text files and workbooks of a folder.

    Parameters
    ----------
    path, answers, remarks
        As `read_source` takes them.
    """
    read = read_table_files(
        "text",
        path,
        answers,
        remarks,
    )
    return replace(read, tables=[_as_named(table) for table in read.tables])


def _as_named(table: SourceTable) -> SourceTable:
    """A table that is kettrack's own by its name and every heading needs no guess."""
    name = table.name.partition(".")[0].casefold()
    own = TABLES.get(name)
    if own is None:
        return table
    headings = set(table.data.column_names)
    needed = {column.name for column in own.columns if column.required}
    # One heading of another program, and the whole table is guessed as before.
    ours = needed <= headings <= set(own.names)
    return replace(table, is_a=name) if ours else table
