"""Files of SPSS, Stata and SAS through pyreadstat, told cell by cell what is missing and why.

Read into lists (`output_format="dict"`): in its frames, pyreadstat 1.3.7 gives 0 for a plain
missing value below a tagged one. Dates are read as numbers, since its list of formats is short.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.importing.registry import require
from kettrack.importing.remarks import Remark, Remarks
from kettrack.importing.statistics.formats import NUMBER, Program, told_by
from kettrack.importing.statistics.stored import (
    ENCODING,
    UNICODE,
    USUAL,
    StoredColumn,
    StoredTable,
    ask_encoding,
    blank_is_nothing,
    code_as_text,
    damaged,
    say_unicode,
)
from kettrack.privacy.identifying_people import shown

_NEW_STATA: Final = b"<stata_dta><header><release>"
_FIRST_UNICODE_STATA: Final = 118
_ENDING: Final = ".sas7bcat"
Labels = Mapping[str, Mapping[Any, str]]


class _Read(NamedTuple):
    """What pyreadstat returned."""

    cells: Mapping[str, Sequence[Any]]
    meta: Any


class _Kind(NamedTuple):
    """How one kind of file is read."""

    function: str
    system: Program
    # Whether values that the file's owner called missing can be had.
    kept_missing: bool
    takes_encoding: bool = True


KINDS: Final = {
    ".sav": _Kind("read_sav", "spss", True),
    ".zsav": _Kind("read_sav", "spss", True),
    ".por": _Kind("read_por", "spss", False, False),
    ".dta": _Kind("read_dta", "stata", True),
    ".sas7bdat": _Kind("read_sas7bdat", "sas", True),
}


def read_native(
    path: Path,
    answers: Mapping[str, str],
    remarks: Remarks,
) -> StoredTable:
    """Read one file.

    Parameters
    ----------
    path : Path
        The file; its ending is one of `KINDS`.
    answers : mapping
        `encoding` says how its letters are written, where the file does not.
    remarks : Remarks
        Takes what was assumed about letters.

    Raises
    ------
    DataProblems
        When the file is damaged, or its letters cannot be read.
    """
    require("pyreadstat", "pyreadstat")
    file = shown(path.name, file=True)
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        damaged(file, f"a file with one of the endings {', '.join(KINDS)}")
    read = _with_letters(path, kind, answers, remarks)
    n_rows = max((len(cells) for cells in read.cells.values()), default=0)
    columns = [_column(name, read, kind) for name in read.cells]
    return StoredTable(
        system=kind.system,
        file=file,
        name=file,
        columns=columns,
        n_rows=n_rows,
    )


def _with_letters(
    path: Path,
    kind: _Kind,
    answers: Mapping[str, str],
    remarks: Remarks,
) -> _Read:
    """Read with the encoding that the file names, or the one that fits."""
    given = answers.get(ENCODING, "")
    read = _attempt(path, kind, given)
    if given or not kind.takes_encoding:
        return _or_damaged(read, path, given)
    if read is not None and (_names_encoding(path, read) or not _has_letters(read)):
        return read
    # Letters beyond ASCII that are right in UTF-8 are hardly ever so by chance.
    unicode = _attempt(path, kind, UNICODE)
    if unicode is not None and _has_letters(unicode):
        say_unicode(shown(path.name, file=True), remarks)
        return unicode
    guessed = _or_damaged(read or _attempt(path, kind, USUAL), path, "")
    ask_encoding(shown(path.name, file=True), remarks)
    return guessed


def _attempt(
    path: Path,
    kind: _Kind,
    encoding: str,
) -> _Read | None:
    """Read; None where it fails, for the text of the error may hold cells of the file."""
    import pyreadstat

    options: dict[str, Any] = {
        "output_format": "dict",
        "disable_datetime_conversion": True,
    }
    if kind.kept_missing:
        options["user_missing"] = True
    if encoding:
        options["encoding"] = encoding
    try:
        with warnings.catch_warnings():
            # That a name comes twice is told by the names it makes of it.
            warnings.simplefilter("ignore")
            cells, meta = getattr(pyreadstat, kind.function)(str(path), **options)
    # Too little memory is no fault of the file.
    except MemoryError:
        raise
    except Exception:
        return None
    return _Read(cells, meta)


def _or_damaged(
    read: _Read | None,
    path: Path,
    encoding: str,
) -> _Read:
    if read is not None:
        return read
    expected = "a whole file; this one is damaged, cut off, or of another kind"
    if encoding:
        expected = f"letters in the encoding of [answers] {ENCODING}, or {expected}"
    damaged(path.name, expected)


def _names_encoding(
    path: Path,
    read: _Read,
) -> bool:
    """Whether a file says how its letters are written."""
    if path.suffix.lower() != ".dta":
        return bool(read.meta.file_encoding)
    with path.open("rb") as file:
        start = file.read(len(_NEW_STATA) + 3)
    release = start[len(_NEW_STATA) :]
    new = start.startswith(_NEW_STATA) and release.isdigit()
    # Stata writes UTF-8 from this release on; before, whatever the machine had.
    return new and int(release) >= _FIRST_UNICODE_STATA


def _has_letters(read: _Read) -> bool:
    """Whether any text, name or label goes beyond ASCII."""
    meta = read.meta
    words = [*read.cells, *(label for label in meta.column_labels if label)]
    for labels in meta.variable_value_labels.values():
        words += labels.values()
    texts = [name for name in read.cells if _is_text(name, read)]
    return not all(str(word).isascii() for word in words) or any(
        not cell.isascii() for name in texts for cell in read.cells[name] if cell
    )


def _is_text(
    name: str,
    read: _Read,
) -> bool:
    return bool(read.meta.readstat_variable_types[name] == "string")


def _column(
    name: str,
    read: _Read,
    kind: _Kind,
) -> StoredColumn:
    """One variable with the reasons of its missing values."""
    meta = read.meta
    labels = meta.variable_value_labels.get(name, {})
    text = _is_text(name, read)
    split = _of_text if text else _of_numbers
    values, why = split(read.cells[name], meta.missing_ranges.get(name, []))
    tag = "" if text or kind.system == "spss" else "."
    return StoredColumn(
        name=name,
        label=(meta.column_names_to_labels.get(name) or "").strip(),
        form=meta.original_variable_types.get(name) or "",
        values=values,
        why_missing=why,
        value_labels={_labelled(code, tag): word for code, word in labels.items()},
        single=meta.readstat_variable_types[name] == "float",
    )


def _labelled(
    code: object,
    tag: str,
) -> str:
    """A code; the letter of a kind of missing with the point that Stata and SAS show before it."""
    return tag + code if tag and isinstance(code, str) else code_as_text(code)


def _of_text(
    cells: Sequence[Any], ranges: Sequence[Mapping[str, Any]]
) -> tuple[pa.Array, pa.Array | None]:
    texts = blank_is_nothing(pa.array(cells, pa.string(), from_pandas=True))
    # SPSS knows single words only, no ranges of text.
    words = {str(one["lo"]).rstrip() for one in ranges}
    if not words:
        return texts, None
    missing = np.asarray([cell in words for cell in texts.to_pylist()], dtype=bool)
    nothing = pa.scalar(None, pa.string())
    return (
        pc.if_else(missing, nothing, texts),
        pc.if_else(missing, texts, nothing),
    )


def _of_numbers(
    cells: Sequence[Any], ranges: Sequence[Mapping[str, Any]]
) -> tuple[pa.Array, pa.Array | None]:
    # A letter in a column of numbers is a kind of missing.
    tags: list[str | None] = [
        f".{cell}" if isinstance(cell, str) else None for cell in cells
    ]
    values = pa.array(
        [None if isinstance(cell, str) else cell for cell in cells], from_pandas=True
    )
    if pa.types.is_null(values.type):
        values = values.cast(pa.float64())
    if not ranges:
        return values, pa.array(tags, pa.string())
    numbers = np.asarray(pc.fill_null(values.cast(pa.float64()), np.nan))
    called = np.zeros(len(numbers), dtype=bool)
    for one in ranges:
        called |= (numbers >= one["lo"]) & (numbers <= one["hi"])
    codes = [
        code_as_text(float(number)) if is_called else None
        for number, is_called in zip(numbers.tolist(), called.tolist(), strict=True)
    ]
    # Codes may be words of the value labels, so they are kept as text.
    kept = pc.if_else(called, pa.scalar(None, values.type), values)
    return kept, pa.array(codes, pa.string())


def with_catalog(
    table: StoredTable,
    path: Path,
    remarks: Remarks,
) -> StoredTable:
    """Add the labels of a catalog that has the name of the data, or is the only one there.

    Parameters
    ----------
    table : StoredTable
        As read.
    path : Path
        Of the data.
    remarks : Remarks
        Takes which catalog was used.
    """
    beside = sorted(
        one for one in path.parent.iterdir() if one.suffix.lower() == _ENDING
    )
    named = [one for one in beside if one.stem.lower() == path.stem.lower()] or beside
    if len(named) != 1:
        return table
    labels = _labels(named[0])
    said = "gave the labels of its codes" if labels else "could not be read"
    remarks.add(
        Remark(
            file=table.file,
            table=table.name,
            action="noted",
            reason=f"the catalog of formats {shown(named[0].name, file=True)} {said}",
        )
    )
    columns = [_with_labels(column, labels) for column in table.columns]
    return replace(table, columns=columns)


def _labels(catalog: Path) -> Labels:
    """Name of a format to its labels; none where the catalog cannot be read."""
    require("pyreadstat", "pyreadstat")
    import pyreadstat

    try:
        _, meta = pyreadstat.read_sas7bcat(str(catalog), output_format="dict")
    # Too little memory is no fault of the file.
    except MemoryError:
        raise
    except Exception:
        return {}
    return {str(name).upper(): words for name, words in meta.value_labels.items()}


def _with_labels(
    column: StoredColumn,
    labels: Labels,
) -> StoredColumn:
    name = re.sub(r"[\d.]+$", "", column.form.upper())
    words = labels.get(name, {})
    # A format of SAS itself keeps its meaning, whatever a catalog calls so.
    if not words or told_by("sas", name) != NUMBER:
        return column
    named = {code_as_text(code): word for code, word in words.items()}
    return replace(column, value_labels=named)
