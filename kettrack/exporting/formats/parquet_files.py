"""A data set as Parquet, with the label, unit and derivation of each variable in its schema."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from kettrack.exporting.variables import DataSet, Variable, VariableKind

_KINDS: Final[dict[VariableKind, pa.DataType]] = {
    "text": pa.string(),
    "whole": pa.int64(),
    "decimal": pa.float64(),
}


def write_parquet(
    data_set: DataSet,
    frame: pd.DataFrame,
    path: Path,
) -> None:
    """Write a data set as Parquet.

    Parameters
    ----------
    data_set : DataSet
        What the variables are.
    frame : DataFrame
        From `DataSet.frame`.
    path : Path
        Where.
    """
    schema = pa.schema([_field(one) for one in data_set.variables])
    # Words that pandas holds once become plain text again: R would read them as factors.
    columns = [
        pa.array(_plain(frame[one.name]), _KINDS[one.kind], from_pandas=True)
        for one in data_set.variables
    ]
    described = schema.with_metadata({"label": data_set.label, "name": data_set.name})
    pq.write_table(pa.table(columns, described), path, compression="zstd")


def _plain(column: pd.Series) -> pd.Series:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.astype("str")
    return column


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
