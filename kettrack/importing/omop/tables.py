"""The tables of an extract, as CSV, Parquet or a DuckDB file: batches of text, with row numbers.

Tables of this model may hold hundreds of millions of rows, of which a few are about a scale or a
drug. So they are gone through batch by batch, only in the columns that are asked for, and nothing
is guessed about types: a number of a person or concept stays the text it is.
"""

from __future__ import annotations

import csv
import io
import sys
from collections import Counter
from collections.abc import (
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import contextmanager
from dataclasses import (
    dataclass,
    replace,
)
from pathlib import Path
from typing import (
    Any,
    Final,
)

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from kettrack.arrays import Bools, Ints
from kettrack.errors import (
    DataProblems,
    Problem,
)
from kettrack.importing.registry import require
from kettrack.privacy.identifying_people import shown

# Columns by which a table is known, whatever its file is called.
_SIGNS: Final = {
    "person": ("person_id", "year_of_birth"),
    "measurement": ("measurement_concept_id", "measurement_date"),
    "observation": ("observation_concept_id", "observation_date"),
    "drug_exposure": ("drug_concept_id", "drug_exposure_start_date"),
    "procedure_occurrence": ("procedure_concept_id", "procedure_date"),
    "visit_occurrence": ("visit_concept_id", "visit_start_date"),
    "death": ("person_id", "death_date"),
    "observation_period": ("person_id", "observation_period_end_date"),
    "concept": ("concept_id", "vocabulary_id", "concept_code"),
    "concept_ancestor": ("ancestor_concept_id", "descendant_concept_id"),
}
_TEXT_ENDINGS: Final = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz")
_PARQUET: Final = ".parquet"
_DUCKDB_ENDINGS: Final = (".duckdb", ".db", ".ddb")
_DUCKDB_MARK: Final = (8, b"DUCK")
_FIRST_BYTES: Final = 1 << 16
_NULL_WORDS: Final = ("", "NULL", "null", "\\N")
_WHOLE: Final = ("_id", "_of_birth")
_BATCH: Final = 1 << 16
_SMALL: Final = 1 << 22  # bytes that are read at once
Batches = Iterator[tuple[Ints, pa.Table]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OmopTable:
    """One file or table of an extract.

    Parameters
    ----------
    kind : str
        Name of the table in the model, such as `drug_exposure`.
    file : str
        Name of the file as it may be printed.
    path : Path
        The file.
    columns : mapping
        Name in small letters to the name as written.
    inside : str
        In a DuckDB file, the name of the table.
    separator : str
        Between cells of a text file.
    """

    kind: str
    file: str
    path: Path
    columns: dict[str, str]
    inside: str = ""
    separator: str = ","

    def batches(
        self,
        wanted: Sequence[str],
        skipped: list[int],
    ) -> Batches:
        """Go through the table.

        Parameters
        ----------
        wanted : sequence of str
            Columns, in small letters; one that is not there is empty.
        skipped : list of int
            Takes the numbers of rows whose cells do not fit the header.

        Yields
        ------
        (int array, pyarrow.Table)
            Numbers of rows, from 1; in a text file the header is row 1. The columns as text.

        Raises
        ------
        DataProblems
            When the file is damaged.
        """
        there = [name for name in wanted if name in self.columns]
        with _told_plainly(self.file):
            number = 1
            for first, batch in _unprinted(self._raw(there, skipped)):
                number = first or number
                rows = _numbers(number, batch.num_rows, skipped)
                number = int(rows[-1]) + 1 if len(rows) else number
                cells = _as_text(batch, there, wanted)
                # Blank lines keep the lines behind them in their places, and are no records.
                filled = _filled(cells)
                yield rows[filled], cells.filter(pa.array(filled))

    def _raw(
        self,
        there: Sequence[str],
        skipped: list[int],
    ) -> Iterator[tuple[int, Any]]:
        names = [self.columns[name] for name in there]
        if self.inside:
            batches = _duckdb_batches(self.path, self.inside, names)
        elif self.path.suffix == _PARQUET:
            batches = pq.ParquetFile(self.path).iter_batches(_BATCH, columns=names)
        else:
            batches = self._text_batches(names, skipped)
        # The header of a text file is its first row.
        first = 2 if not self.inside and self.path.suffix != _PARQUET else 1
        for batch in batches:
            yield first, batch
            first = 0

    def _text_batches(
        self,
        names: Sequence[str],
        skipped: list[int],
    ) -> Iterator[Any]:
        def skip(
            row: Any,
        ) -> str:
            skipped.append(row.number)
            return "skip"

        if not _has_rows(self.path):
            return
        # Every column gets its type: a column left to guess loses zeros and decimals.
        everything = list(self.columns.values())
        # Vocabulary files are parted by tabs, and their quotation marks are part of the names.
        quotes = self.separator != "\t"
        options = {
            "read_options": pacsv.ReadOptions(
                column_names=everything,
                skip_rows=1,
                use_threads=False,
            ),
            "parse_options": pacsv.ParseOptions(
                delimiter=self.separator,
                quote_char='"' if quotes else False,
                newlines_in_values=quotes,
                ignore_empty_lines=False,
                invalid_row_handler=skip,
            ),
            "convert_options": pacsv.ConvertOptions(
                column_types=dict.fromkeys(everything, pa.string()),
                include_columns=names,
                strings_can_be_null=True,
                null_values=_NULL_WORDS,
            ),
        }
        text = pa.input_stream(str(self.path), compression="detect")
        # A thread that still holds `skip` when Python ends takes the process down, and after a
        # small file the end can be near.
        if self.path.stat().st_size < _SMALL:
            yield from pacsv.read_csv(text, **options).to_batches()
        else:
            yield from pacsv.open_csv(text, **options)


@contextmanager
def _told_plainly(
    file: str,
) -> Iterator[None]:
    """Errors of libraries repeat cells, so that only the fact is passed on."""
    try:
        yield
    # Too little memory is no fault of the file.
    except MemoryError:
        raise
    except (OSError, ValueError, pa.ArrowException):
        expected = (
            "a whole file in UTF-8; this one is damaged, cut off or in another encoding"
        )
        raise DataProblems([Problem(file, None, "", "", expected)]) from None


def _has_rows(file: Path) -> bool:
    """Whether anything stands below the header; the reader of Arrow takes nothing for damage."""
    with pa.input_stream(str(file), compression="detect") as stream:
        _, _, below = stream.read(_FIRST_BYTES).partition(b"\n")
    return bool(below.strip())


def _filled(cells: pa.Table) -> Bools:
    filled = np.zeros(cells.num_rows, dtype=bool)
    for column in cells.columns:
        filled |= column.is_valid().to_numpy()
    return filled


def _unprinted(
    batches: Iterator[tuple[int, Any]],
) -> Iterator[tuple[int, Any]]:
    """The same batches. Arrow prints a trace where a broken row is no UTF-8, before it raises."""
    while True:
        printed = sys.unraisablehook
        sys.unraisablehook = lambda _: None
        try:
            batch = next(batches)
        except StopIteration:
            return
        finally:
            sys.unraisablehook = printed
        yield batch


def _numbers(
    first: int,
    n_rows: int,
    skipped: Iterable[int],
) -> Ints:
    """Numbers of the next rows; those that were skipped are left out."""
    # A broken row keeps its number, so that the rows behind it keep theirs.
    gone = sorted(number for number in skipped if number >= first)
    numbers = np.arange(first, first + n_rows + len(gone), dtype=np.int64)
    return numbers[~np.isin(numbers, gone)][:n_rows]


def _as_text(
    batch: Any,
    there: Sequence[str],
    wanted: Sequence[str],
) -> pa.Table:
    columns = {}
    for name in wanted:
        if name in there:
            column = batch.column(there.index(name))
            columns[name] = _text_of(column, name)
        else:
            columns[name] = pa.nulls(batch.num_rows, pa.string())
    return pa.table(columns)


def _text_of(
    column: pa.Array,
    name: str,
) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    text = pc.utf8_trim_whitespace(column.cast(pa.string()))
    # Whole numbers beside empty cells became 8507.0 on their way through some other program.
    if name.endswith(_WHOLE):
        text = pc.replace_substring_regex(text, r"^(\d+)\.0$", r"\1")
    return pc.if_else(pc.equal(text, ""), None, text)


def omop_tables(
    path: Path,
) -> list[OmopTable]:
    """Find the tables of an extract by the names of their columns.

    Parameters
    ----------
    path : Path
        A file, or a folder of files; parts of a Parquet table may stand in a folder of their own.
    """
    if path.is_dir():
        files = sorted(one for one in path.rglob("*") if one.is_file())
        found = [_table_in(file) for file in files if not _is_note(file, path)]
        return _named_apart([table for tables in found for table in tables])
    return _table_in(path)


def _named_apart(
    tables: Sequence[OmopTable],
) -> list[OmopTable]:
    """Parts of a table may have one name in several folders; they are numbered."""
    seen: Counter[tuple[str, str]] = Counter()
    named = []
    for table in tables:
        where = (table.file, table.kind)
        seen[where] += 1
        again = f"{table.file} {seen[where]}"
        named.append(replace(table, file=again if seen[where] > 1 else table.file))
    return named


def _is_note(
    file: Path,
    folder: Path,
) -> bool:
    """Whether a file holds notes, which are free text and never opened."""
    # By name alone: to look inside would be to open it.
    parts = file.relative_to(folder).parts
    return any(
        part.casefold().partition(".")[0] in ("note", "note_nlp") for part in parts
    )


def _table_in(
    file: Path,
) -> list[OmopTable]:
    name = file.name.casefold()
    if is_duckdb(file):
        return _duckdb_tables(file)
    try:
        if name.endswith(_PARQUET):
            return _known(file, pq.read_schema(file).names)
        if name.endswith(_TEXT_ENDINGS):
            header, separator = _header(file)
            return _known(file, header, separator=separator)
    except (OSError, ValueError, pa.ArrowException):
        # What cannot be opened is no table of an extract; its reader says so by name.
        return []
    return []


def _known(
    file: Path,
    header: Sequence[str],
    inside: str = "",
    separator: str = ",",
) -> list[OmopTable]:
    columns = {name.casefold(): name for name in header}
    for kind, signs in _SIGNS.items():
        if columns.keys() >= set(signs):
            table = OmopTable(
                kind=kind,
                file=shown(file.name, file=True),
                path=file,
                columns=columns,
                inside=inside,
                separator=separator,
            )
            return [table]
    return []


def _header(
    file: Path,
) -> tuple[list[str], str]:
    # The first line is enough; what stands below is not looked at for this.
    with pa.input_stream(str(file), compression="detect") as stream:
        text = stream.read(_FIRST_BYTES).decode("utf-8-sig", errors="replace")
    line = next(io.StringIO(text), "")
    separator = max(",\t;|", key=line.count)
    try:
        cells = next(csv.reader([line], delimiter=separator), [])
    # Line ends of old systems, and a cell without end: the reader of text tells them.
    except csv.Error:
        return [], separator
    return [cell.strip() for cell in cells], separator


def is_duckdb(
    file: Path,
) -> bool:
    """Tell whether a file is a database of DuckDB, by its first bytes."""
    if file.suffix.casefold() not in _DUCKDB_ENDINGS:
        return False
    start, mark = _DUCKDB_MARK
    with file.open("rb") as stream:
        first = stream.read(start + len(mark))
    return first[start:] == mark


@contextmanager
def _duckdb(
    file: Path,
) -> Iterator[Any]:
    require("duckdb", "duckdb")
    import duckdb

    try:
        with duckdb.connect(str(file), read_only=True) as connection:
            yield connection
    except duckdb.Error:
        name = shown(file.name, file=True)
        expected = "a database that this version of DuckDB can read"
        raise DataProblems([Problem(name, None, "", "", expected)]) from None


def _duckdb_tables(
    file: Path,
) -> list[OmopTable]:
    sql = (
        "SELECT table_schema, table_name, column_name FROM information_schema.columns"
        " ORDER BY table_schema, table_name, ordinal_position"
    )
    headers: dict[tuple[str, str], list[str]] = {}
    with _duckdb(file) as connection:
        for schema, table, column in connection.execute(sql).fetchall():
            headers.setdefault((schema, table), []).append(column)
    found = []
    for (schema, table), header in headers.items():
        inside = f"{_quoted(schema)}.{_quoted(table)}"
        found += _known(file, header, inside=inside)
    return found


def _duckdb_batches(
    file: Path,
    table: str,
    names: Sequence[str],
) -> Iterator[Any]:
    # The database writes numbers of any size as text without a loss.
    texts = ", ".join(f"CAST({_quoted(name)} AS VARCHAR)" for name in names)
    with _duckdb(file) as connection:
        rows = connection.sql(f"SELECT {texts} FROM {table}")
        # Version 2 has one name for this, the versions before it another.
        stream = getattr(rows, "to_arrow_reader", None) or rows.fetch_arrow_reader
        yield from stream(_BATCH)


def _quoted(
    name: str,
) -> str:
    return '"' + name.replace('"', '""') + '"'
