"""Invented sources as text tables: what a reader would make of a file."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from kettrack.importing.source import SourceData, SourceTable


def source_of(**tables: str) -> SourceData:
    """A source of text cells: one table per argument, columns parted by `|`."""
    made = [_table(name, text) for name, text in tables.items()]
    records = {(table.file, table.name): table.rows for table in made}
    return SourceData(kind="text", tables=made, records=records)


def _table(name: str, text: str) -> SourceTable:
    frame = pd.read_csv(
        io.StringIO(text.strip("\n")),
        sep=r"\s*\|\s*",
        engine="python",
        dtype=str,
        keep_default_na=False,
    )
    columns = {
        str(heading).strip(): pa.array(
            [cell.strip() or None for cell in frame[heading]], pa.string()
        )
        for heading in frame.columns
    }
    rows = pa.array(np.arange(2, len(frame) + 2))
    return SourceTable(file="log.txt", name=name, data=pa.table(columns), rows=rows)


def source_of_file(path: Path) -> SourceData:
    """A file of text, every cell as it stands."""
    separator = "\t" if path.suffix == ".tsv" else ","
    frame = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False)
    columns = {
        str(name): pa.array([cell or None for cell in frame[name]], pa.string())
        for name in frame.columns
    }
    rows = pa.array(np.arange(2, len(frame) + 2))
    table = SourceTable(
        file=path.name, name=path.name, data=pa.table(columns), rows=rows
    )
    return SourceData(
        kind="text", tables=[table], records={(path.name, path.name): rows}
    )
