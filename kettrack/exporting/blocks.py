"""Data sets in blocks of records, so that those of a large clinic fit into memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from kettrack.exporting.variables import DataSet

# Blocks of one data set, in order. They can be walked through again and again.
Blocks = Iterable[pd.DataFrame]
Write = Callable[[pd.DataFrame], None]


@dataclass(frozen=True, slots=True)
class Sizes:
    """What has to be known of a data set before its first record is written.

    Parameters
    ----------
    records : int
        How many there are.
    widths : mapping
        Text variable to the bytes of its longest text.
    """

    records: int
    widths: Mapping[str, int]


def sizes_of(data_set: DataSet, blocks: Blocks) -> Sizes:
    """Count the records, and the bytes of texts.

    Parameters
    ----------
    data_set : DataSet
        What the variables are.
    blocks : iterable of DataFrame
        All of its records.
    """
    texts = []
    for one in data_set.variables:
        if one.kind == "text":
            texts.append(one.name)
    records = 0
    widths = dict.fromkeys(texts, 0)
    for block in blocks:
        records += len(block)
        for name in texts:
            # Each word once: a column of millions of cells has few.
            words = block[name].dropna().unique()
            bytes_of = [len(str(word).encode()) for word in words]
            longest = max(bytes_of, default=0)
            widths[name] = max(widths[name], longest)
    return Sizes(records, widths)
