"""A data set as a SAS transport file, version 5, written block by block.

Source: SAS Technical Support TS-140, "The Record Layout of a Data Set in SAS Transport (XPORT)
Format".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from kettrack.arrays import Floats
from kettrack.errors import UsageError
from kettrack.exporting.data_sets import LONGEST_TEXT, DataSet, Sizes, Variable, Write

_RECORD: Final = 80  # bytes; every part of the file is filled up to a multiple
_NUMBER: Final = 8  # bytes
_NAMES: Final = struct.Struct(">hhhh8s40s8shhh2s8shhl52s")
_NUMERIC: Final = 1
_TEXT: Final = 2
# The true time, beside the days to which logs are complete, would tell the date of everybody's
# first session. So the first day of SAS stands in its place.
_NO_TIME: Final = "01JAN60:00:00:00"
_MADE_BY: Final = f"SAS     {{}}{'9.4':8}{'':8}{'':24}{_NO_TIME}"
_MISSING: Final = np.uint64(ord(".") << 56)
# IBM's double: a sign, an exponent of 16 that is 64 too large, and 56 bits.
_BITS: Final = 56
_EXCESS: Final = 64
_SIGN: Final = np.uint64(1 << 63)


@contextmanager
def transport_file(
    data_set: DataSet,
    sizes: Sizes,
    path: Path,
) -> Iterator[Write]:
    """Open a SAS transport file, and hand out the function that writes a block of records.

    Parameters
    ----------
    data_set : DataSet
        What the variables are.
    sizes : Sizes
        How wide each text is.
    path : Path
        Where.

    Raises
    ------
    UsageError
        Where a text is longer than such a file can hold; the text is not repeated.
    """
    widths = [_width(one, sizes) for one in data_set.variables]
    with path.open("wb") as file:
        file.write(_header(data_set, widths))

        def write(block: pd.DataFrame) -> None:
            file.write(_rows(data_set, widths, block))

        yield write
        n_bytes = sum(widths) * sizes.records
        # Blanks to the end of the last record: a reader cannot tell them from a blank text, and so
        # no data set may end in one. Each has a number, which is never blank.
        file.write(b" " * (-n_bytes % _RECORD))


def _width(variable: Variable, sizes: Sizes) -> int:
    if variable.kind != "text":
        return _NUMBER
    width = sizes.widths[variable.name]
    # A longer text would be cut without a word.
    if width > LONGEST_TEXT:
        raise UsageError(
            f"A text of {variable.name} has {width} bytes, and a SAS transport file holds"
            f" {LONGEST_TEXT}. Shorten the name, or leave xpt out of the formats."
        )
    # A text that is empty everywhere still has a place.
    return max(width, 1)


def _header(data_set: DataSet, widths: list[int]) -> bytes:
    n = len(data_set.variables)
    lines = [
        _line("LIBRARY", "0" * 30),
        _MADE_BY.format(f"{'SAS':8}{'SASLIB':8}"),
        _NO_TIME,
        _line("MEMBER", f"{'0' * 17}16{'0' * 8}140"),
        _line("DSCRPTR", "0" * 30),
        _MADE_BY.format(f"{data_set.name:8}{'SASDATA':8}"),
        f"{_NO_TIME}{'':16}{data_set.label:40}",
        _line("NAMESTR", f"{'0' * 6}{n:04}{'0' * 20}"),
    ]
    names = b"".join(_names(data_set, widths))
    filled = names + b" " * (-len(names) % _RECORD)
    text = "".join(f"{line:{_RECORD}}" for line in lines)
    end = f"{_line('OBS', '0' * 30):{_RECORD}}"
    return text.encode("ascii") + filled + end.encode("ascii")


def _line(kind: str, numbers: str) -> str:
    return f"HEADER RECORD*******{kind:8}HEADER RECORD!!!!!!!{numbers}"


def _names(data_set: DataSet, widths: list[int]) -> Iterator[bytes]:
    """What each variable is called, and where in a row it stands."""
    position = 0
    for number, variable in enumerate(data_set.variables, start=1):
        width = widths[number - 1]
        yield _NAMES.pack(
            _TEXT if variable.kind == "text" else _NUMERIC,
            0,
            width,
            number,
            f"{variable.name:8}".encode("ascii"),
            f"{variable.label:40}".encode("ascii"),
            # No format of its own: eight blanks, then widths of 0.
            b" " * 8,
            0,
            0,
            0,
            b"  ",
            b" " * 8,
            0,
            0,
            position,
            b"\0" * 52,
        )
        position += width


def _rows(
    data_set: DataSet,
    widths: list[int],
    block: pd.DataFrame,
) -> bytes:
    """Records as the file has them: every variable at its place, and nothing between."""
    cells = [
        _texts(block[one.name], width)
        if one.kind == "text"
        else _ibm(block[one.name].to_numpy(np.float64, na_value=np.nan))
        for one, width in zip(data_set.variables, widths, strict=True)
    ]
    row = np.dtype([(str(place), part.dtype) for place, part in enumerate(cells)])
    table = np.empty(len(block), row)
    for place, part in enumerate(cells):
        table[str(place)] = part
    return table.tobytes()


def _texts(
    column: pd.Series,
    width: int,
) -> npt.NDArray[np.bytes_]:
    """Text filled up with blanks; nothing but blanks where it is missing."""
    codes, words = pd.factorize(column)
    # Each word is filled up once. The last one stands for the missing, whose code is -1.
    filled = [str(word).encode().ljust(width) for word in words]
    held = np.array([*filled, b" " * width], dtype=f"S{width}")
    return held[codes]


def _ibm(values: Floats) -> npt.NDArray[np.void]:
    """Numbers as doubles of IBM mainframes, the first byte first."""
    known = np.isfinite(values)
    plain = np.where(known, values, 0.0)
    fraction, exponent = np.frexp(np.abs(plain))
    # The exponent is one of 16: the fraction is moved down by up to three bits, which fit.
    of_16 = -(-exponent // 4)
    moved = np.ldexp(fraction, _BITS + exponent - 4 * of_16)
    biased = (of_16 + _EXCESS).astype(np.uint64) << np.uint64(_BITS)
    whole = np.where(plain == 0, np.uint64(0), biased | moved.astype(np.uint64))
    signed = np.where(plain < 0, whole | _SIGN, whole)
    return np.where(known, signed, _MISSING).astype(">u8")
