"""A data set as Dataset-JSON 1.1 of CDISC.

Source: CDISC Dataset-JSON v1.1 (cdisc.org/standards/data-exchange/dataset-json).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import msgspec
import pandas as pd

from kettrack import __version__
from kettrack.exporting.variables import DataSet, Variable, VariableKind

_KINDS: Final[dict[VariableKind, str]] = {
    "text": "string",
    "whole": "integer",
    "decimal": "float",
}
# Records turned into text at a time, so that millions of them need little memory.
_BLOCK: Final = 20_000


def write_dataset_json(
    data_set: DataSet,
    frame: pd.DataFrame,
    path: Path,
    study: str,
) -> None:
    """Write a data set as Dataset-JSON.

    Parameters
    ----------
    data_set : DataSet
        What the variables are.
    frame : DataFrame
        From `DataSet.frame`.
    path : Path
        Where.
    study : str
        Name of the study.
    """
    head = json.dumps(_description(data_set, frame, study), ensure_ascii=False)
    with path.open("wb") as file:
        # The records stand inside of the object, as its last member.
        file.write(f'{head[:-1]}, "rows": ['.encode())
        between = b"\n"
        for begin in range(0, len(frame), _BLOCK):
            block = frame.iloc[begin : begin + _BLOCK]
            file.write(between + _records(block))
            between = b",\n"
        file.write(b"\n]}\n")


def _description(data_set: DataSet, frame: pd.DataFrame, study: str) -> dict[str, Any]:
    return {
        # The time of the export is left out: the same cohort gives the same file.
        "datasetJSONVersion": "1.1.0",
        "fileOID": f"{study}.{data_set.name}",
        "originator": f"kettrack {__version__}",
        "sourceSystem": {"name": "kettrack", "version": __version__},
        "studyOID": study,
        "metaDataVersionOID": f"MDV.{study}",
        "itemGroupOID": item_group(data_set),
        "records": len(frame),
        "name": data_set.name,
        "label": data_set.label,
        "columns": [_column(data_set, one) for one in data_set.variables],
    }


def item_group(data_set: DataSet) -> str:
    """Name of a data set in the metadata."""
    return f"IG.{data_set.name}"


def item(data_set: DataSet, variable: Variable) -> str:
    """Name of a variable in the metadata."""
    return f"IT.{data_set.name}.{variable.name}"


def _column(data_set: DataSet, variable: Variable) -> dict[str, Any]:
    described: dict[str, Any] = {
        "itemOID": item(data_set, variable),
        "name": variable.name,
        "label": variable.label,
        "dataType": _KINDS[variable.kind],
    }
    if variable.name in data_set.keys:
        described["keySequence"] = data_set.keys.index(variable.name) + 1
    return described


def _records(block: pd.DataFrame) -> bytes:
    """Records as JSON, one on a line, without the brackets around them."""
    columns = [_cells(block[name]) for name in block]
    lines = [msgspec.json.encode(record) for record in zip(*columns, strict=True)]
    return b",\n".join(lines)


def _cells(column: pd.Series) -> list[Any]:
    """Plain values; every kind of missing is None."""
    values = column.astype("object").to_numpy(copy=True)
    values[column.isna().to_numpy()] = None
    return values.tolist()
