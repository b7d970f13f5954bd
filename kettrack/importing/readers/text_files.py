"""Delimited text files: CSV, TSV and their kin, alone or a folder of them."""

from __future__ import annotations

from pathlib import Path

from kettrack.importing.registry import Answers, reader
from kettrack.importing.remarks import Remarks
from kettrack.importing.source import SourceData
from kettrack.importing.table_files import files_with, read_table_files
from kettrack.importing.text_tables import TEXT_ENDINGS


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
    return read_table_files(
        "text",
        path,
        answers,
        remarks,
    )
