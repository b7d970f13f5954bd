"""A data set as Parquet, with the label, unit and derivation of each variable in its schema."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from kettrack.exporting.data_sets import DataSet, Sizes, Variable, VariableKind, Write

_KINDS: Final[dict[VariableKind, pa.DataType]] = {
    "text": pa.string(),
    "whole": pa.int64(),
    "decimal": pa.float64(),
}


@contextmanager
def parquet_file(
    data_set: DataSet,
    _sizes: Sizes,
    path: Path,
) -> Iterator[Write]:
    """Open a Parquet file, and hand out the function that writes a block of records.

    Parameters
    ----------
    data_set : DataSet
        What the variables are.
    path : Path
        Where.
    """
    described = {"label": data_set.label, "name": data_set.name}
    fields = [_field(one) for one in data_set.variables]
    schema = pa.schema(fields, metadata=described)
    with pq.ParquetWriter(path, schema, compression="zstd") as file:

        def write(block: pd.DataFrame) -> None:
            columns = [_cells(block[one.name], one) for one in data_set.variables]
            file.write_table(pa.table(columns, schema))

        yield write


def _cells(column: pd.Series, variable: Variable) -> pa.Array:
    kind = _KINDS[variable.kind]
    cells = pa.array(column, from_pandas=True)
    # Words that pandas holds once become plain text again: R would read them as factors.
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    return cells.cast(kind)


def _field(variable: Variable) -> pa.Field:
    said = {"label": variable.label, "derivation": variable.derivation}
    if variable.unit:
        said["unit"] = variable.unit
    return pa.field(
        variable.name,
        _KINDS[variable.kind],
        # A reader learns from the schema what may be empty.
        nullable=not variable.required,
        metadata=said,
    )
