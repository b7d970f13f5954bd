"""Which bucket a patient is in: told from the code alone, the same in every program.

It is the CRC-32 of the code in UTF-8, modulo the number of buckets. CRC-32 is that of ISO 3309, of
zip files and PNG pictures. Engines have hashes of their own, which differ with the type of a column
and the version of the engine; Python's differs from run to run.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from zlib import crc32

import numpy as np

from kettrack.arrays import Ints

# As it is named in the files.
HASH_NAME: Final = (
    "CRC-32 of the UTF-8 code without .0 at its end, modulo the number of buckets"
)


def bucket_number(
    patient_id: str,
    n_buckets: int,
) -> int:
    """The bucket of one patient, counted from 0.

    Parameters
    ----------
    patient_id : str
        The code. Blanks around it are gone already. A code that passed through a float, as 7.0,
        is in the bucket of 7: which of the two is right is seen only when all codes are known.
    n_buckets : int
        How many there are.

    Examples
    --------
    >>> bucket_number("123456789", 2**32) == 0xCBF43926
    True
    >>> bucket_number("7", 64) == bucket_number("7.0", 64)
    True
    """
    numbers = bucket_numbers([patient_id], n_buckets)
    return int(numbers[0])


def bucket_numbers(
    codes: Iterable[str],
    n_buckets: int,
) -> Ints:
    """The bucket of each of many patients."""
    plain = (code.removesuffix(".0").encode() for code in codes)
    # Without a call of our own for each: a registry has millions of codes.
    hashes = map(crc32, plain)
    return np.fromiter(hashes, np.int64) % n_buckets
