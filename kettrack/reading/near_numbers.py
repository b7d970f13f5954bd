"""Whole numbers that lie close together, as scores, days and doses do: their codes are told by a
subtraction, without looking up any value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from kettrack.arrays import Bools, Ints, Objects

_MOST: Final = 1 << 10  # numbers from the lowest to the highest


@dataclass(frozen=True, slots=True)
class NearNumbers:
    """A block of a column.

    Parameters
    ----------
    codes : int array
        Row to number, counted from the lowest one; -1 = missing.
    low : int
        The lowest number.
    used : bool array
        Whether a row has the number, for each one from the lowest.
    truth : bool
        Whether the numbers stand for truth values.
    """

    codes: NDArray[np.signedinteger]
    low: int
    used: Bools
    truth: bool = False

    def __len__(self) -> int:
        """Numbers from the lowest one to the highest."""
        return len(self.used)

    def text(
        self,
        number: int,
    ) -> str:
        """One number as it is written."""
        if self.truth:
            return "true" if number else "false"
        return str(number)

    def texts(self) -> pa.Array:
        """All from the lowest one; null where no row has it."""
        written = [
            self.text(self.low + place) if used else None
            for place, used in enumerate(self.used.tolist())
        ]
        return pa.array(written, pa.string())


def numbers_together(
    blocks: Sequence[NearNumbers],
) -> tuple[Ints, Objects]:
    """The numbers of all blocks of a column as one list.

    Parameters
    ----------
    blocks : sequence of NearNumbers
        One at least.

    Returns
    -------
    places : int array
        Of each number of each block, from its lowest one to its highest, in the list; -1 where no
        row has it.
    texts : object array of str
        The list, rising.
    """
    lows = [one.low for one in blocks]
    low = min(lows)
    # Blocks may lie as far apart as numbers can.
    above = []
    for one in blocks:
        step = np.arange(len(one), dtype=np.uint64)
        above.append(step + np.uint64(one.low - low))
    numbers = np.concatenate(above)
    all_used = [one.used for one in blocks]
    used = np.concatenate(all_used)
    distinct = np.unique(numbers[used])
    places = np.searchsorted(distinct, numbers)
    places[~used] = -1
    first = blocks[0]
    texts = [first.text(low + number) for number in distinct.tolist()]
    written = np.array(texts, dtype=object)
    return places, written


def near_numbers(
    values: pa.Array,
) -> NearNumbers | None:
    """A block of numbers or truth values by subtraction; None where they are anything else."""
    truth = pa.types.is_boolean(values.type)
    # Where nothing is there, any number may stand; it only makes the way longer.
    numbers = _bits(values, 1) if truth else _whole(values)
    if numbers is None or not len(numbers):
        return None
    low = int(numbers.min())
    n_numbers = int(numbers.max()) - low + 1
    if n_numbers > _MOST:
        return None
    kind = np.min_scalar_type(-1 - n_numbers)
    # The last bits of a number are enough for its distance from another one nearby.
    codes = numbers.astype(kind)
    codes -= np.array(low).astype(kind)
    there = _bits(values, 0)
    if there is not None:
        # Arithmetic is several times as fast as a choice row by row.
        codes += 1
        codes *= there
        codes -= 1
    return NearNumbers(codes, low, _used(codes, n_numbers), truth)


def _used(
    codes: NDArray[np.signedinteger],
    n_numbers: int,
) -> Bools:
    """Whether a row has the number of each code."""
    if codes.itemsize == 1:
        # Looking for a byte ends where it first comes, so that most rows are never looked at.
        data = codes.tobytes()
        there = [code in data for code in range(n_numbers)]
        return np.array(there, dtype=bool)
    # One place higher, -1 is a number that can be counted and left out.
    places = codes + codes.dtype.type(1)
    counts = np.bincount(places, minlength=n_numbers + 1)
    used: Bools = counts[1:] > 0
    return used


def _whole(
    values: pa.Array,
) -> NDArray[Any] | None:
    """Numbers as they lie in memory, missing ones among them; None where any has decimals."""
    kind = values.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return None
    data = values.buffers()[1]
    end = values.offset + len(values)
    if data is None:
        return None
    numbers = np.frombuffer(data, kind.to_pandas_dtype(), end)[values.offset :]
    if pa.types.is_integer(kind):
        return numbers
    # What is no number, or too large, becomes any other, and is not equal to it.
    with np.errstate(invalid="ignore"):
        whole = numbers.astype(np.int16)
    return whole if np.array_equal(whole, numbers) else None


def _bits(
    values: pa.Array,
    place: int,
) -> NDArray[np.int8] | None:
    """One of the buffers that hold a bit for each row: whether a value is there, or is true."""
    data = values.buffers()[place]
    if data is None:
        return None
    end = values.offset + len(values)
    bits = np.frombuffer(data, np.uint8)
    each = np.unpackbits(bits, count=end, bitorder="little")
    return each[values.offset :].view(np.int8)
