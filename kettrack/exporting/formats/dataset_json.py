"""A data set as Dataset-JSON 1.1 of CDISC.

Source: CDISC Dataset-JSON v1.1 (cdisc.org/standards/data-exchange/dataset-json).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
import pandas as pd

from kettrack import __version__
from kettrack.exporting.data_sets import DataSet, Sizes, Variable, VariableKind, Write

_KINDS: Final[dict[VariableKind, str]] = {
    "text": "string",
    "whole": "integer",
    "decimal": "float",
}
_NO_TIME: Final = "1970-01-01T00:00:00"


@contextmanager
def dataset_json_file(
    data_set: DataSet,
    sizes: Sizes,
    path: Path,
    study: str,
) -> Iterator[Write]:
    """Open a file of Dataset-JSON, and hand out the function that writes a block of records.

    Parameters
    ----------
    data_set : DataSet
        What the variables are.
    sizes : Sizes
        How many records will come.
    path : Path
        Where.
    study : str
        Name of the study.
    """
    described = _description(data_set, sizes, study)
    head = json.dumps(described, ensure_ascii=False)
    with path.open("wb") as file:
        # The records stand inside of the object, as its last member.
        file.write(f'{head[:-1]}, "rows": ['.encode())
        between = b"\n"

        def write(block: pd.DataFrame) -> None:
            nonlocal between
            # An empty block would leave a comma without a record behind it.
            if len(block):
                file.write(between + _records(block))
                between = b",\n"

        yield write
        file.write(b"\n]}\n")


def _description(data_set: DataSet, sizes: Sizes, study: str) -> dict[str, Any]:
    return {
        # The standard asks for a time. The true one, beside the days to which logs are complete,
        # would tell the date of everybody's first session.
        "datasetJSONCreationDateTime": _NO_TIME,
        "datasetJSONVersion": "1.1.0",
        "fileOID": f"{study}.{data_set.name}",
        "originator": f"kettrack {__version__}",
        "sourceSystem": {"name": "kettrack", "version": __version__},
        "studyOID": study,
        "metaDataVersionOID": f"MDV.{study}",
        "itemGroupOID": item_group(data_set),
        "records": sizes.records,
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
