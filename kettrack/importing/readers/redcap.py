"""Exports of REDCap: a CSV with or without labels, a folder of them, a frame of PyCap."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import (
    Iterable,
    Mapping,
    Sequence,
)
from pathlib import Path
from typing import Final

import pandas as pd

from kettrack.errors import (
    DataProblems,
    Problem,
)
from kettrack.importing.delimited import (
    Delimited,
    from_raw,
    read_delimited,
)
from kettrack.importing.redcap.dictionary import (
    DataDictionary,
    dictionary_from,
    is_dictionary,
)
from kettrack.importing.redcap.layout import is_export
from kettrack.importing.redcap.tables import export_tables
from kettrack.importing.registry import (
    Answers,
    reader,
)
from kettrack.importing.remarks import (
    Remark,
    Remarks,
)
from kettrack.importing.source import SourceData
from kettrack.privacy.identifying_people import shown
from kettrack.reading.raw import table_from_frame

KIND: Final = "redcap"
# Headers with whole questions in them are long.
_FIRST_BYTES: Final = 1 << 20
_KNOWN: Final = (
    "record_id",
    "redcap_event_name",
    "redcap_repeat_instrument",
    "redcap_repeat_instance",
    "variable / field name",
    "form name",
    "field type",
    "field label",
    "field_name",
    "form_name",
    "event name",
    "complete?",
)


def _recognise(
    path: Path,
) -> int:
    """An export of REDCap, or a folder of nothing but such exports and their dictionary."""
    files = _text_files(path)
    headers = [_first_line(file) for file in files]
    exports = [is_export(names) for names in headers]
    ours = [
        export or is_dictionary(names)
        for export, names in zip(exports, headers, strict=True)
    ]
    return 2 if any(exports) and all(ours) else 0


def _text_files(
    path: Path,
) -> list[Path]:
    if path.is_dir():
        return sorted(one for one in path.iterdir() if one.suffix.casefold() == ".csv")
    return [path] if path.suffix.casefold() in (".csv", ".txt", ".tsv") else []


def _first_line(
    path: Path,
) -> list[str]:
    """Cells of the first line that holds anything; none where the file is no text."""
    try:
        with path.open("rb") as file:
            text = file.read(_FIRST_BYTES).decode("utf-8-sig", errors="replace")
    except OSError:
        return []
    # A workbook that is called .csv, or UTF-16, which REDCap does not write.
    if "\0" in text:
        return []
    line = next((line for line in io.StringIO(text) if line.strip()), "")
    separator = max(",;\t", key=line.count)
    # A label may hold a line end, so that the first record is more than the first line.
    records = csv.reader(io.StringIO(text.lstrip()), delimiter=separator)
    try:
        cells = next(records, [])
    except csv.Error:
        return []
    return [cell.strip() for cell in cells]


@reader(KIND, about="REDCap exports, CSV, raw or labelled", recognise=_recognise)
def read_redcap(
    path: Path,
    answers: Answers,
    remarks: Remarks,
) -> SourceData:
    """Read an export of REDCap, with its data dictionary where one stands beside it.

    Parameters
    ----------
    path : Path
        The export, or a folder of exports.
    answers : mapping
        To the questions of an earlier run.
    remarks : Remarks
        Takes what was dropped, refused or assumed, and what is to be asked.

    Raises
    ------
    DataProblems
        When no export is there, or when one cannot be read.
    """
    files = _text_files(path)
    first_lines = {file: _first_line(file) for file in files}
    exports = [file for file in files if _is_read(file, first_lines[file], path)]
    if not exports:
        expected = "no CSV with columns of REDCap, such as record_id and phq9_complete"
        name = shown(path.name, file=True)
        raise DataProblems([Problem(name, None, "", "", expected)])
    for file in files:
        if file not in exports and not is_dictionary(first_lines[file]):
            _say_not_read(file, remarks)
    folder = path if path.is_dir() else path.parent
    dictionaries = _dictionaries(folder, remarks)
    tables = []
    records = {}
    for file, name in zip(exports, _names(exports), strict=True):
        export = read_delimited(file, _KNOWN, remarks, name)
        dictionary = _of_project(export, dictionaries)
        _say_dictionary(export, dictionary, remarks)
        made, held = export_tables(export, dictionary, answers, remarks)
        tables += made
        records.update(held)
    return SourceData(kind=KIND, tables=tuple(tables), records=records)


def _names(
    files: Sequence[Path],
) -> list[str]:
    """What exports are called in messages, each once."""
    found: list[str] = []
    for file in files:
        # The program writes the day and minute of the export into the name: `log_DATA_2025-06-01`.
        stem = re.sub(r"[_-]?\d{4}-\d{2}-\d{2}(_\d{4})?", "", file.name)
        name = shown(stem, file=True)
        found.append(f"{name} {len(found) + 1}" if name in found else name)
    return found


def _is_read(
    file: Path,
    first_line: list[str],
    path: Path,
) -> bool:
    """A file that is named itself is read whatever its columns; a dictionary never."""
    if is_dictionary(first_line):
        return False
    return file == path or is_export(first_line)


def _say_not_read(
    file: Path,
    remarks: Remarks,
) -> None:
    name = shown(file.name, file=True)
    reason = "no export of REDCap; it is not read"
    remarks.add(Remark(file=name, table=name, action="noted", reason=reason))


def _dictionaries(
    folder: Path,
    remarks: Remarks,
) -> list[DataDictionary]:
    """Every data dictionary of a folder."""
    files = _text_files(folder)
    found = [file for file in files if is_dictionary(_first_line(file))]
    return [dictionary_from(read_delimited(file, _KNOWN, remarks)) for file in found]


def _of_project(
    export: Delimited,
    dictionaries: Iterable[DataDictionary],
) -> DataDictionary:
    """The dictionary that knows the most columns of an export."""
    labels_and_names = set(export.headers)

    def n_known(
        one: DataDictionary,
    ) -> int:
        labels = {field.label for field in one.fields.values()}
        by_name = sum(one.field_of(name) is not None for name in export.headers)
        return by_name + len(labels & labels_and_names)

    # A folder may hold the dictionaries of several projects.
    best = max(dictionaries, key=n_known, default=DataDictionary())
    return best if n_known(best) else DataDictionary()


def _say_dictionary(
    export: Delimited,
    dictionary: DataDictionary,
    remarks: Remarks,
) -> None:
    if not dictionary.fields:
        reason = (
            "no data dictionary stands beside the export; identifiers, choices and codes for"
            " missing data are not known, and fields are told by their names alone"
        )
        file = export.file
        remarks.add(Remark(file=file, table=file, action="noted", reason=reason))


def source_from_frame(
    frame: pd.DataFrame,
    answers: Mapping[str, str],
    remarks: Remarks,
    dictionary: pd.DataFrame | None = None,
) -> SourceData:
    """Take an export that PyCap has fetched.

    Parameters
    ----------
    frame : DataFrame
        From `Project.export_records(format_type="df")`, with its index.
    answers : mapping
        To questions.
    remarks : Remarks
        As in `read_redcap`.
    dictionary : DataFrame, optional
        From `Project.export_metadata(format_type="df")`.

    Examples
    --------
    >>> frame = pd.DataFrame(
    ...     {"record_id": ["1"], "phq9_date": ["2025-01-06"], "phq9_total": [20]}
    ... ).set_index("record_id")
    >>> source_from_frame(frame, {}, Remarks()).tables[0].is_a
    'scores'
    """
    export = from_raw(table_from_frame(KIND, _with_index(frame), KIND))
    fields = DataDictionary()
    if dictionary is not None:
        raw = table_from_frame("dictionary", _with_index(dictionary), "dictionary")
        fields = dictionary_from(from_raw(raw))
    tables, records = export_tables(export, fields, answers, remarks)
    return SourceData(kind=KIND, tables=tuple(tables), records=records)


def _with_index(
    frame: pd.DataFrame,
) -> pd.DataFrame:
    """Record and event stand in the index of PyCap's frames, and may repeat there."""
    named = [name for name in frame.index.names if name is not None]
    return frame.reset_index(named) if named else frame
