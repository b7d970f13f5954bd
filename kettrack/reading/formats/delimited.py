"""Tables as delimited text."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kettrack.reading.headers import source_names
from kettrack.reading.problems import Ledger, counted_was
from kettrack.reading.raw import RawTable
from kettrack.reading.table_files import table_file
from kettrack.reading.textfile import read_text_table
from kettrack.settings import Settings
from kettrack.vocabulary.columns import TABLES


@table_file(".csv")
def read_csv_table(
    name: str,
    file: str,
    data: bytes,
    settings: Settings,
    ledger: Ledger,
) -> RawTable | None:
    """Read a text file, whatever its encoding and separator."""
    # The separator is the one that shows the most names that are known here.
    sources = source_names(TABLES[name], settings).values()
    known = {source.casefold() for source in sources}
    raw = read_text_table(name, file, data, known, ledger)
    return raw and _without_names_below(raw, ledger)


def _without_names_below(
    raw: RawTable,
    ledger: Ledger,
) -> RawTable:
    """Drop rows in which the names of the columns stand again, as at the top of a printed page, and
    count them.
    """
    again = np.ones(len(raw.lines), dtype=bool)
    for name, column in zip(raw.headers, raw.columns, strict=True):
        there = np.flatnonzero(column.levels == name)
        code = -1  # of an empty cell
        if name:
            if not len(there):
                return raw
            code = there[0]
        again &= column.codes == code
    if not again.any():
        return raw
    n_lines = int(again.sum())
    lines = counted_was(n_lines, "further line")
    ledger.note(f"{raw.file}: {lines} ignored that held the names of the columns.")
    kept = ~again
    columns = [column.keep(kept).used() for column in raw.columns]
    return replace(
        raw,
        columns=tuple(columns),
        lines=raw.lines[kept],
    )
