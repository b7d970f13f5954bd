"""Transport files of SAS (XPORT, versions 5 and 8), read from their bytes.

pyreadstat gives the first data set of such a file only, and no letters of missing values (`.A`);
pandas 3.1.1 makes 5.4e-79 of every 0. The layout is public: SAS TS-140, "Record layout of a SAS
version 5 or 6 data set in SAS transport format", and its companion for versions 8 and 9.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kettrack.arrays import Bools, Floats
from kettrack.importing.remarks import Remarks
from kettrack.importing.statistics.stored import (
    ENCODING,
    UNICODE,
    USUAL,
    StoredColumn,
    StoredTable,
    ask_encoding,
    blank_is_nothing,
    damaged,
    say_unicode,
)
from kettrack.privacy.identifying_people import shown

Bytes = NDArray[np.uint8]
_RECORD: Final = 80
_HEADER: Final = re.compile(
    rb"HEADER RECORD\*{7}(LIBRARY|LIBV8|MEMBER|MEMBV8|DSCRPTR|DSCPTV8|NAMESTR|NAMSTV8"
    rb"|LABELV8|LABELV9|OBS|OBSV8) *HEADER RECORD!{7}(.{30})",
    re.DOTALL,
)
_MEMBER: Final = re.compile(rb"HEADER RECORD\*{7}MEMB(?:ER|V8)  HEADER RECORD!{7}")
_NEW: Final = "MEMBV8"  # version 8, or 9
_COMPRESSED: Final = b"**COMPRESSED**"
_BLANK: Final = 0x20
# type, length, name, label, format with width, and position: the first 88 bytes of a variable.
_VARIABLE: Final = struct.Struct(">h2xh2x8s40s8shh4x8s4xi")
_LONG_NAME: Final = slice(88, 120)
_TEXT: Final = 2
# Bytes of a number; mainframes have stored as few as two.
_SHORTEST_NUMBER: Final = 2
_LONGEST_NUMBER: Final = 8
# An exponent of base 16 that is off by 64, and a fraction of 56 bits.
_FRACTION_BITS: Final = 56
_EXCESS: Final = 64
# A missing value is one letter, and nothing behind it.
_MISSING: Final = np.frombuffer(b"._ABCDEFGHIJKLMNOPQRSTUVWXYZ", dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class _Variable:
    is_text: bool
    length: int
    name: bytes
    label: bytes
    form: str
    position: int


@dataclass(frozen=True, slots=True)
class _Member:
    """One data set: its variables, and its records as one block of bytes."""

    name: bytes
    variables: tuple[_Variable, ...]
    records: Bytes


class _CutOff(Exception):
    """The bytes end before what they announce."""


def read_transport(
    file: str,
    data: bytes,
    answers: Mapping[str, str],
    remarks: Remarks,
) -> list[StoredTable]:
    """Read all data sets of a transport file.

    Parameters
    ----------
    file : str
        Its name.
    data : bytes
        The whole file.
    answers : mapping
        `encoding` says how its letters are written.
    remarks : Remarks
        Takes what was assumed about letters.

    Raises
    ------
    DataProblems
        When the file is damaged, cut off or of another kind.
    """
    if data.startswith(_COMPRESSED):
        damaged(
            file,
            "a transport file of the XPORT engine. This one was made by PROC CPORT, which only"
            " SAS reads: write it again with LIBNAME x XPORT",
        )
    try:
        members = list(_members(data))
    except (_CutOff, struct.error, ValueError):
        members = []
    # Raised here, not above, so that no error of another kind hangs behind it.
    if not members:
        damaged(file, "a whole transport file; this one is damaged or cut off")
    encoding = _encoding(file, members, answers, remarks)
    return [_table(file, member, encoding) for member in members]


def _members(data: bytes) -> Iterator[_Member]:
    # A transport file is made of whole records.
    if not data.startswith(b"HEADER RECORD") or len(data) % _RECORD:
        raise _CutOff
    starts = [m.start() for m in _MEMBER.finditer(data) if not m.start() % _RECORD]
    for start, end in zip(starts, [*starts[1:], len(data)], strict=True):
        yield _member(data[start:end])


def _header(
    data: bytes,
    at: int,
) -> tuple[str, list[int]]:
    """Name of a header record and its six numbers."""
    found = _HEADER.match(data, at)
    if found is None:
        raise _CutOff
    digits = found[2].replace(b" ", b"0")
    numbers = [int(digits[i : i + 5]) for i in range(0, 30, 5)]
    return found[1].decode(), numbers


def _member(data: bytes) -> _Member:
    kind, numbers = _header(data, 0)
    size = numbers[5]
    # Two headers, then two records on the data set itself.
    name_ends = 40 if kind == _NEW else 16
    name = data[2 * _RECORD + 8 : 2 * _RECORD + name_ends]
    _, counts = _header(data, 4 * _RECORD)
    at = 5 * _RECORD
    block = data[at : at + size * counts[1]]
    if len(block) < size * counts[1]:
        raise _CutOff
    variables = [
        _variable(block[place : place + size], kind == _NEW)
        for place in range(0, len(block), size)
    ]
    at = _next_record(at + len(block))
    at, variables = _with_long_labels(data, at, variables)
    _require_places(variables)
    _header(data, at)
    return _Member(
        name.strip(), tuple(variables), _records(data[at + _RECORD :], variables)
    )


def _require_places(variables: Sequence[_Variable]) -> None:
    """Every variable has bytes of its own in a record, and every byte is of one: other places would
    give numbers that nobody wrote.
    """
    at = 0
    for variable in sorted(variables, key=lambda each: each.position):
        length = variable.length
        if variable.position != at or length < 0:
            raise _CutOff
        if not variable.is_text and not _SHORTEST_NUMBER <= length <= _LONGEST_NUMBER:
            raise _CutOff
        at += length


def _next_record(at: int) -> int:
    return -(-at // _RECORD) * _RECORD


def _variable(
    raw: bytes,
    is_new: bool,
) -> _Variable:
    kind, length, name, label, form, width, decimals, _, position = (
        _VARIABLE.unpack_from(raw)
    )
    # Version 5 has no long names; nobody knows what stands there.
    long_name = raw[_LONG_NAME].strip(b" \x00") if is_new else b""
    numbers = f"{width or ''}{f'.{decimals}' if decimals else ''}"
    return _Variable(
        is_text=kind == _TEXT,
        length=length,
        name=long_name or name.strip(),
        label=label.strip(b" \x00"),
        form=form.strip(b" \x00").decode("ascii", "replace") + numbers,
        position=position,
    )


def _with_long_labels(
    data: bytes, at: int, variables: list[_Variable]
) -> tuple[int, list[_Variable]]:
    """Labels of more than 40 letters stand behind the variables, in version 8."""
    kind, _ = _header(data, at)
    if not kind.startswith("LABELV"):
        return at, variables
    # Their number stands behind the words of the header.
    n_labels = int(data[at + 48 : at + _RECORD].split()[0])
    # Name, label; in the other kind of record also format and informat.
    n_lengths = 2 if kind == "LABELV8" else 4
    at += _RECORD
    for _ in range(n_labels):
        number, *lengths = struct.unpack_from(f">{1 + n_lengths}h", data, at)
        at += 2 * (1 + n_lengths)
        parts = []
        for length in lengths:
            parts.append(data[at : at + length])
            at += length
        variables[number - 1] = _relabelled(variables[number - 1], parts)
    return _next_record(at), variables


def _relabelled(
    variable: _Variable,
    parts: list[bytes],
) -> _Variable:
    """Name and label, then perhaps format and informat, each as long as it is."""
    form = parts[2].strip().decode("ascii", "replace") if len(parts) > 2 else ""
    return _Variable(
        variable.is_text,
        variable.length,
        parts[0].strip() or variable.name,
        parts[1].strip(),
        form or variable.form,
        variable.position,
    )


def _records(
    data: bytes,
    variables: list[_Variable],
) -> Bytes:
    """The records, without the blanks that fill up the last 80 bytes of the file."""
    size = sum(variable.length for variable in variables)
    if not size:
        raise _CutOff
    n_rows = len(data) // size
    rest = data[n_rows * size :]
    if rest.strip(b" "):
        raise _CutOff
    block = np.frombuffer(data, dtype=np.uint8, count=n_rows * size)
    block = block.reshape(n_rows, size)
    # A record of blanks alone holds nothing: no number is written so.
    holds = np.flatnonzero((block != _BLANK).any(axis=1))
    return block[: int(holds[-1]) + 1 if len(holds) else 0]


def _encoding(
    file: str,
    members: list[_Member],
    answers: Mapping[str, str],
    remarks: Remarks,
) -> str:
    """How letters are written: a transport file never says."""
    given = answers.get(ENCODING, "")
    texts = b"".join(text for member in members for text in _all_text(member))
    if not given and texts.isascii():
        return UNICODE
    if _can_be(texts, given or UNICODE):
        if not given:
            say_unicode(file, remarks)
        return given or UNICODE
    if given:
        damaged(file, f"letters in the encoding that [answers] {ENCODING} names")
    ask_encoding(file, remarks)
    return USUAL


def _all_text(member: _Member) -> Iterator[bytes]:
    for variable in member.variables:
        yield variable.name + b" " + variable.label + b" "
        if variable.is_text:
            yield _cells(member, variable).tobytes()


def _can_be(
    texts: bytes,
    encoding: str,
) -> bool:
    try:
        texts.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return False
    return True


def _cells(
    member: _Member,
    variable: _Variable,
) -> Bytes:
    begin = variable.position
    return member.records[:, begin : begin + variable.length]


def _table(
    file: str,
    member: _Member,
    encoding: str,
) -> StoredTable:
    columns = [_column(member, variable, encoding) for variable in member.variables]
    return StoredTable(
        system="sas",
        file=file,
        name=shown(member.name.decode(encoding, "replace"), file=True),
        columns=columns,
        n_rows=len(member.records),
    )


def _column(
    member: _Member,
    variable: _Variable,
    encoding: str,
) -> StoredColumn:
    raw = _cells(member, variable)
    values, why = _text(raw, encoding) if variable.is_text else _numbers(raw)
    return StoredColumn(
        name=variable.name.decode(encoding, "replace"),
        label=variable.label.decode(encoding, "replace"),
        form="" if variable.is_text else variable.form,
        values=values,
        why_missing=why,
    )


def _text(
    raw: Bytes,
    encoding: str,
) -> tuple[pa.Array, None]:
    cells = _as_unicode(raw) if encoding == UNICODE else None
    if cells is None:
        texts = [row.tobytes().decode(encoding, "replace") for row in raw]
        cells = pa.array(texts, pa.string())
    return blank_is_nothing(cells), None


def _as_unicode(raw: Bytes) -> pa.Array | None:
    """All cells at once; None where one of them ends within a letter."""
    n_rows, length = raw.shape
    buffer = pa.py_buffer(np.ascontiguousarray(raw))
    cells = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(length),
        n_rows,
        [None, buffer],
    )
    try:
        return cells.cast(pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:
        return None


def _numbers(raw: Bytes) -> tuple[pa.Array, pa.Array]:
    """Numbers as mainframes of IBM write them, and the letters of those that are missing."""
    whole = np.zeros((len(raw), _LONGEST_NUMBER), dtype=np.uint8)
    # SAS leaves out the last bytes of a number that is stored shorter.
    whole[:, : raw.shape[1]] = raw
    missing = np.isin(whole[:, 0], _MISSING) & ~whole[:, 1:].any(axis=1)
    values = pa.array(_from_ibm(whole), mask=missing)
    return values, _letters(whole[:, 0], missing)


def _from_ibm(whole: Bytes) -> Floats:
    bits = np.ascontiguousarray(whole).view(">u8").ravel().astype(np.uint64)
    fraction = bits & np.uint64((1 << _FRACTION_BITS) - 1)
    exponent = (bits >> np.uint64(_FRACTION_BITS)) & np.uint64(0x7F)
    power = 4 * (exponent.astype(np.int64) - _EXCESS) - _FRACTION_BITS
    size = np.ldexp(fraction.astype(np.float64), power)
    negative = (bits >> np.uint64(63)).astype(bool)
    return np.where(negative & (size > 0), -size, size)


def _letters(
    first: Bytes,
    missing: Bools,
) -> pa.Array:
    """`.A` for a kind of missing; a plain missing value has no reason."""
    named = missing & (first != ord("."))
    kinds = [f".{chr(letter)}" for letter in range(256)]
    words = np.array(kinds, dtype=object)[first]
    return pa.array(words, pa.string(), mask=~named)
