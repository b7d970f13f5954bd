"""One delimited text file to a raw table: encoding, separator, line numbers, rows of the wrong
length.
"""

from __future__ import annotations

import codecs
import csv
import io
import os
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from kettrack.arrays import Bools, Ints
from kettrack.reading.problems import Ledger, counted, counted_was
from kettrack.reading.raw import Cells, Encoder, RawTable, cells_from_arrow
from kettrack.reading.records import STRETCH, Layout, record_layout, without_trailing

_SEPARATORS = (",", ";", "\t", "|")
_DECLARED = re.compile(rb'"?sep=([,;|\t])"?\n', re.IGNORECASE)
# One known name may also stand in a title, such as "day"; two are a header.
_FEWEST_NAMES = 2
# Exports put a title and a date above the header, not whole pages.
_MOST_ABOVE = 60
_SAID = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_EMPTY = "the file is empty; its first line must name the columns"
_INSIDE = 'quotation marks stand inside cells; write each cell that needs them as "..."'
_SHARES = 4  # of the columns, for each core: some columns take longer than others
_BLOCK = 1 << 22  # bytes parsed at a time
_LONG_BLOCK = 1 << 24  # where cells in quotation marks may hold whole paragraphs
# The first bytes of files that are often renamed to .csv.
_NOT_TEXT = {
    b"PK": "an Excel workbook or zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "a packed file (gzip)",
    b"%PDF-": "a PDF",
    b"{\\rtf": "a text document (RTF)",
    b"\xff\xfe\x00\x00": "text of four bytes a letter (UTF-32)",
    b"\x00\x00\xfe\xff": "text of four bytes a letter (UTF-32)",
}
# The same, whatever blanks stand before it, in small letters.
_OTHER_TEXT = {
    b"<!doctype": "a web page",
    b"<html": "a web page",
    b"<table": "a web page",
    b"<?xml": "XML",
    b"[{": "JSON",
    b'{"': "JSON",
}
_LONGEST_BEGINNING = 64  # bytes
NEVER_CLOSED = (
    "a quotation mark is opened and never closed; quotation marks are read as text"
)


def read_text_table(
    name: str,
    file: str,
    data: bytes,
    known: Iterable[str],
    ledger: Ledger,
) -> RawTable | None:
    """Read the bytes of a delimited file; what was assumed about them is noted.

    Parameters
    ----------
    name, file : str
        Of the table, and of the file in messages.
    data : bytes
        The whole file: UTF-8, UTF-16 or Windows-1252.
    known : iterable of str
        Column names by which the separator is recognised.
    ledger : Ledger
        Takes notes and problems.

    Returns
    -------
    RawTable or None
        None when the file holds no header line or is no text.
    """
    kind = _no_table(data)
    if kind:
        ledger.problem(file, None, "", "", f"this is {kind}; save it as CSV")
        return None
    body, separator = find_header(
        file, _decoded(file, data, ledger), set(known), ledger
    )
    if separator in _SAID:
        ledger.note(f"{file}: cells are separated by {_SAID[separator]}.")
    # Most exports are plain, and then no line of a large file need be looked for.
    plain = _plain_table(name, file, body, separator, ledger)
    if plain is not None:
        return plain
    layout = record_layout(body, separator, quotes=b'"' in body)
    if layout is not None:
        body, layout = without_trailing(file, body, separator, layout, ledger)
    if layout is None:
        ledger.problem(
            file,
            _first_left_open(body),
            "",
            "",
            NEVER_CLOSED,
        )
        # Read on without quotation marks, so that the other problems of the file are told as well.
        layout = record_layout(body, separator, quotes=False)
        return _table(name, file, body.replace(b'"', b"'"), separator, layout, ledger)
    return _table(name, file, body, separator, layout, ledger)


def _first_left_open(body: bytes) -> int:
    """The first line that ends inside of a quotation: the mark is on it, or on a later one."""
    lines = body.splitlines()
    open_ones = (n for n, line in enumerate(lines, start=1) if line.count(b'"') % 2)
    return next(open_ones, 1)


def _no_table(data: bytes) -> str | None:
    """What a file is by its first letters, where that is no delimited text."""
    begins = data[:_LONGEST_BEGINNING].removeprefix(codecs.BOM_UTF8)
    kinds = [kind for start, kind in _NOT_TEXT.items() if begins.startswith(start)]
    text = b"".join(begins.lower().split())
    kinds += [kind for start, kind in _OTHER_TEXT.items() if text.startswith(start)]
    return kinds[0] if kinds else None


def _decoded(
    file: str,
    data: bytes,
    ledger: Ledger,
) -> bytes:
    r"""Return UTF-8 with `\n` at line ends, whatever came in."""
    # Every count of lines below relies on one kind of line end.
    text = _utf8(file, data, ledger)
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text


def _utf8(
    file: str,
    data: bytes,
    ledger: Ledger,
) -> bytes:
    if data.startswith(codecs.BOM_UTF8):
        ledger.note(f"{file}: starts with a byte order mark (UTF-8).")
        data = data[3:]
    utf16 = utf16_kind(data)
    if utf16:
        ledger.note(f"{file}: the text was read as UTF-16.")
        return data.decode(utf16, errors="replace").lstrip("\ufeff").encode()
    if _is_utf8(data):
        return data
    ledger.note(f"{file}: the text is not UTF-8, and was read as Windows-1252.")
    return data.decode("cp1252", errors="replace").encode()


def utf16_kind(data: bytes) -> str | None:
    """The kind of UTF-16 that a text begins as; None where it is none."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # The beginning is enough, and a large file is not copied.
    sample = data[:2000]
    # In UTF-16 without a mark every second byte of western text is 0.
    if sample[1::2].count(0) > len(sample) // 4:
        return "utf-16-le"
    return "utf-16-be" if sample[0::2].count(0) > len(sample) // 4 else None


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    decoder = codecs.getincrementaldecoder("utf-8")()
    whole = memoryview(data)
    try:
        # In stretches: a large file is not held as text beside its bytes.
        for begin in range(0, len(data), STRETCH):
            decoder.decode(whole[begin : begin + STRETCH])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _plain_table(
    name: str,
    file: str,
    body: bytes,
    separator: str,
    ledger: Ledger,
) -> RawTable | None:
    """The table of a text in which every line below the names of the columns is a row as wide as
    they are, and nothing stands in quotation marks; None where it is otherwise.
    """
    filled = re.search(rb"[^\n]", body)
    if filled is None or b'"' in body:
        return None
    start = filled.start()
    end = body.find(b"\n", start)
    if end < 0:
        return None
    begin = end + 1
    below = body.count(b"\n", begin) + (not body.endswith(b"\n"))
    headers = cells_of_line(body[start:end], separator)
    # Nothing but names would leave no line to compare the number of rows with.
    if not below or len(headers) != body.count(separator.encode(), start, end) + 1:
        return None
    columns = _columns(body, begin, len(headers), separator)
    # Rows of another width and blank lines are passed over, so that the number tells of them.
    if len(columns[0].codes) != below:
        return None
    lines = np.arange(below, dtype=np.int64) + body.count(b"\n", 0, begin) + 1
    raw = RawTable(name, file, tuple(headers), columns, lines, separator)
    return _without_blank_rows(raw, 0, ledger)


def _table(
    name: str,
    file: str,
    body: bytes,
    separator: str,
    layout: Layout | None,
    ledger: Ledger,
) -> RawTable | None:
    if layout is None or not layout.filled.any():
        ledger.problem(file, None, "", "", _EMPTY)
        return None
    first = int(np.argmax(layout.filled))
    headers = cells_of_line(body[layout.starts[first] : layout.ends[first]], separator)
    # Everything from here on counts records; `layout.lines` leads back to lines of the file.
    below = np.ones(len(layout.lines), dtype=bool)
    below[: first + 1] = False
    fits = layout.n_cells == len(headers)
    others = layout.n_cells[below & layout.filled]
    if _holds_first_row(len(headers), others):
        line = layout.lines[first]
        ledger.problem(file, None, "", "", _lost_line_end(line, int(others[0])))
        return None
    if len(others) > 1 and (others == len(headers) + 1).all():
        ledger.problem(file, None, "", "", _numbered(len(headers)))
        return None
    _report_ragged(file, layout, below & layout.filled & ~fits, len(headers), ledger)
    lines = layout.lines[below & layout.filled & fits]
    columns = (
        _columns(body, int(layout.ends[first]) + 1, len(headers), separator)
        if len(lines)
        else tuple(cells_from_arrow(pa.array([], pa.string())) for _ in headers)
    )
    # marks within a cell: `5" tall`
    if columns and len(columns[0].codes) != len(lines):
        ledger.problem(file, None, "", "", _INSIDE)
        return None
    raw = RawTable(name, file, tuple(headers), columns, lines, separator)
    return _without_blank_rows(raw, int((below & ~layout.filled).sum()), ledger)


def _columns(
    body: bytes,
    begin: int,
    width: int,
    separator: str,
) -> tuple[Cells, ...]:
    """Cells of each column of the text behind `begin`, without rows of another width."""
    names = [str(place) for place in range(width)]
    encoders = [Encoder() for _ in names]
    quotes = b'"' in body
    options = {
        "read_options": pacsv.ReadOptions(
            column_names=names,
            # The next block is parsed while this one becomes codes.
            use_threads=len(body) > _BLOCK,
            # A record must fit in a block; notes in quotation marks can be long.
            block_size=max(_LONG_BLOCK, len(body) // 8) if quotes else _BLOCK,
        ),
        "parse_options": pacsv.ParseOptions(
            delimiter=separator,
            newlines_in_values=quotes,
            # Rows of another width are skipped here; the layout reports them by their lines.
            invalid_row_handler=lambda _row: "skip",
        ),
        "convert_options": pacsv.ConvertOptions(
            # All as text: what a cell means is judged later, by the column it belongs to.
            column_types=dict.fromkeys(names, pa.string()),
            strings_can_be_null=False,
            # It was made sure of when the bytes were decoded.
            check_utf8=False,
        ),
    }
    # A view: the text is not copied.
    text = pa.BufferReader(pa.py_buffer(body).slice(begin))
    # A thread that still holds the handler when Python ends takes the process down, and after a
    # small file the end can be near: it is read without threads.
    batches = (
        pacsv.open_csv(text, **options)
        if len(body) > _BLOCK
        else pacsv.read_csv(text, **options).to_batches()
    )
    n_shares = _SHARES * (os.cpu_count() or 1)

    def encode(batch: pa.RecordBatch, share: int) -> None:
        # A file can have thousands of columns: a task for each would take longer than its work.
        for encoder, cells in zip(
            encoders[share::n_shares], batch.columns[share::n_shares], strict=True
        ):
            encoder.add(cells)

    # Each block becomes codes at once: the text of all cells is never there together.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for batch in batches:
            list(pool.map(partial(encode, batch), range(n_shares)))
    return tuple(encoder.cells() for encoder in encoders)


def _holds_first_row(width: int, others: Ints) -> bool:
    """Whether a line end is missing behind the names, so that the first row stands beside them.

    The last name and the first cell are then one, and none of the names may be printed.
    """
    if not len(others) or others[0] < 2 or np.ptp(others):
        return False
    return bool(width == 2 * others[0] - 1)


def _lost_line_end(line: int, width: int) -> str:
    return (
        f"a line end behind the names of the columns: line {line} holds {2 * width - 1} cells, and"
        f" every other line {width}; end it behind the name of column {width}"
    )


def _numbered(width: int) -> str:
    return (
        f"a name for every column: the first line holds {counted(width, 'name')}, and every other"
        f" line {width + 1} cells. Where the first cell is only the number of the row, write the"
        " file without it (in R row.names = FALSE, in pandas index=False)"
    )


def _report_ragged(
    file: str,
    layout: Layout,
    ragged: Bools,
    width: int,
    ledger: Ledger,
) -> None:
    for line, found in zip(
        layout.lines[ragged].tolist(), layout.n_cells[ragged].tolist(), strict=True
    ):
        # The commonest cause of a cell too many is a comma within a text.
        hint = (
            "; a text that holds the separator needs quotation marks around it"
            if found > width
            else ""
        )
        expected = f"{counted(width, 'cell')} expected, as in the first line; found {found}{hint}"
        ledger.problem(file, line, "", "", expected)


def _without_blank_rows(
    raw: RawTable,
    n_blank: int,
    ledger: Ledger,
) -> RawTable:
    """Drop rows in which every cell is empty, as spreadsheets leave them below the data, and count
    them.
    """
    # A row is filled when any of its cells is: code -1 is an empty cell.
    filled = np.zeros(len(raw.lines), dtype=bool)
    for column in raw.columns:
        filled |= column.codes >= 0
    n_blank += int((~filled).sum())
    if n_blank:
        ledger.note(f"{raw.file}: {counted_was(n_blank, 'blank line')} ignored.")
    if filled.all():
        return raw
    columns = tuple(column.keep(filled) for column in raw.columns)
    return RawTable(
        raw.name, raw.file, raw.headers, columns, raw.lines[filled], raw.separator
    )


def find_header(
    file: str,
    body: bytes,
    known: set[str],
    ledger: Ledger,
) -> tuple[bytes, str]:
    """Return the text with everything above the names of the columns blanked, line by line, and the
    separator.

    Parameters
    ----------
    file : str
        For notes.
    body : bytes
        UTF-8.
    known : set of str
        Column names in small letters.
    ledger : Ledger
        Takes what was set aside.
    """
    # Excel writes and reads a first line such as "sep=;".
    declared = _DECLARED.match(body)
    if declared:
        return b"\n" + body[declared.end() :], declared[1].decode()
    lines = _first_lines(body)
    first = next((place for place, line in enumerate(lines) if line.strip()), 0)
    separator = _separator(lines[first], known)
    names = _n_known(lines[first], separator, known)
    # Nearly always it is the first line with anything, and then no other need be looked at.
    if names:
        return body, separator
    # Else the first line with enough known names is the header.
    below = range(first + 1, len(lines))
    separators = {place: _separator(lines[place], known) for place in below}
    named = (
        place
        for place, one in separators.items()
        if _n_known(lines[place], one, known) >= _FEWEST_NAMES
    )
    header = next(named, first)
    if header == first:
        return body, separator
    ledger.note(
        f"{file}: {counted_was(header - first, 'line')} ignored above the names of the columns."
    )
    begin = sum(len(line) + 1 for line in lines[:header])
    return b"\n" * header + body[begin:], separators[header]


def _first_lines(body: bytes) -> list[bytes]:
    """The lines among which the header may stand, blank ones above them included; the rest of a
    large file is not copied.
    """
    filled = re.search(rb"\S", body)
    end = filled.start() if filled else 0
    for _ in range(_MOST_ABOVE):
        end = body.find(b"\n", end) + 1
        if not end:
            return body.split(b"\n")
    return body[:end].split(b"\n")


def _n_known(
    line: bytes,
    separator: str,
    known: set[str],
) -> int:
    return sum(cell.casefold() in known for cell in cells_of_line(line, separator))


def cells_of_line(
    text: bytes,
    separator: str,
) -> list[str]:
    """Return the cells of one line, without blanks around them."""
    try:
        rows = list(csv.reader(io.StringIO(text.decode()), delimiter=separator))
    # A cell of more letters than the standard library allows is no name.
    except csv.Error:
        return []
    return [cell.strip() for cell in rows[0]] if rows else []


def _separator(
    line: bytes,
    known: set[str],
) -> str:
    """Return the separator that shows the most known names in a line, then the most cells."""
    # Known names decide: free text above the header may hold more commas than the header itself.
    return max(
        _SEPARATORS,
        key=lambda one: (_n_known(line, one, known), len(cells_of_line(line, one))),
    )
