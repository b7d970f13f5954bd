"""Transport files of SAS written byte by byte, for what no free writer can write: numbers of fewer
than eight bytes, letters of missing values, several data sets.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

_STAMP = b"01JAN25:00:00:00"


@dataclass(frozen=True)
class Variable:
    """A column: its cells are numbers, letters of missing values (`.`, `.A`), or text."""

    name: str
    cells: Sequence[float | str]
    length: int = 8
    is_text: bool = False
    form: str = ""


def ibm(number: float, length: int) -> bytes:
    """A number in base 16, cut to a length: sign and exponent, then the fraction."""
    rest = abs(Fraction(number))
    if not rest:
        return bytes(length)
    power = 64
    while rest >= 1:
        rest /= 16
        power += 1
    while rest < Fraction(1, 16):
        rest *= 16
        power -= 1
    whole = int(rest * 16**14)
    first = power + (128 if number < 0 else 0)
    return (bytes([first]) + whole.to_bytes(7, "big"))[:length]


def _cell(variable: Variable, cell: float | str) -> bytes:
    if variable.is_text:
        return str(cell).encode().ljust(variable.length)
    if isinstance(cell, str):
        letter = cell[-1].encode()
        return letter + bytes(variable.length - 1)
    return ibm(cell, variable.length)


def _header(kind: str, numbers: str) -> bytes:
    return f"HEADER RECORD*******{kind:8}HEADER RECORD!!!!!!!{numbers:<30}  ".encode()


def _filled(data: bytes) -> bytes:
    return data + b" " * (-len(data) % 80)


def _described(number: int, variable: Variable, position: int) -> bytes:
    return struct.pack(
        ">hhhh8s40s8shhh2s8shhi52s",
        2 if variable.is_text else 1,
        0,
        variable.length,
        number,
        variable.name.encode().ljust(8),
        b" " * 40,
        variable.form.encode().ljust(8),
        0,
        0,
        0,
        b"  ",
        b" " * 8,
        0,
        0,
        position,
        # Nothing is said of these bytes in version 5.
        b"LEFTOVER".ljust(52),
    )


def long_labels(name: str, label: str, form: str) -> bytes:
    """What version 8 writes behind the variables, of the first of them, where a label or the name
    of a format is long.
    """
    parts = [name.encode(), label.encode(), form.encode(), b""]
    lengths = struct.pack(">5h", 1, *map(len, parts))
    return _header("LABELV9", "1") + _filled(lengths + b"".join(parts))


def member(name: str, variables: Sequence[Variable], labels: bytes = b"") -> bytes:
    """One data set."""
    described = b""
    position = 0
    for number, variable in enumerate(variables, start=1):
        described += _described(number, variable, position)
        position += variable.length
    rows = zip(*(variable.cells for variable in variables), strict=True)
    data = b"".join(
        _cell(variable, cell)
        for row in rows
        for variable, cell in zip(variables, row, strict=True)
    )
    named = b"SAS     " + name.encode().ljust(8) + b"SASDATA 9.4     X64     "
    return b"".join(
        [
            _header("MEMBER", "000000000000000001600000000140"),
            _header("DSCRPTR", "0" * 30),
            named.ljust(64) + _STAMP,
            _STAMP.ljust(80),
            _header("NAMESTR", f"000000{len(variables):04d}00000000000000000000"),
            _filled(described),
            labels,
            _header("OBS", "0" * 30),
            _filled(data),
        ]
    )


def library(*members: bytes) -> bytes:
    """A whole file."""
    first = b"SAS     SAS     SASLIB  9.4     X64     "
    start = _header("LIBRARY", "0" * 30) + first.ljust(64) + _STAMP + _STAMP.ljust(80)
    return start + b"".join(members)
