"""A data set as a SAS transport file, version 5."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from kettrack.errors import UsageError
from kettrack.exporting.variables import LONGEST_TEXT, DataSet

_VERSION_5 = 5


def require_transport() -> Any:
    """The package that writes transport files.

    Raises
    ------
    UsageError
        Where it is not installed, saying what to install.
    """
    try:
        return importlib.import_module("pyreadstat")
    except ImportError:
        raise UsageError(
            "SAS transport files need pyreadstat, which is not installed."
            " Type: pip install 'kettrack[import]'"
        ) from None


def write_transport(
    data_set: DataSet,
    frame: pd.DataFrame,
    path: Path,
) -> None:
    """Write a data set as a SAS transport file.

    Parameters
    ----------
    data_set : DataSet
        What the variables are.
    frame : DataFrame
        From `DataSet.frame`.
    path : Path
        Where.

    Raises
    ------
    UsageError
        Where a text is longer than such a file can hold; the text is not repeated.
    """
    pyreadstat = require_transport()
    columns: dict[str, Any] = {}
    for one in data_set.variables:
        if one.kind == "text":
            columns[one.name] = _texts(frame[one.name])
        else:
            # The format has one kind of number.
            columns[one.name] = frame[one.name].to_numpy(np.float64, na_value=np.nan)
    pyreadstat.write_xport(
        pd.DataFrame(columns),
        str(path),
        file_label=data_set.label,
        column_labels=[one.label for one in data_set.variables],
        table_name=data_set.name,
        file_format_version=_VERSION_5,
    )


def _texts(column: pd.Series) -> pd.Series:
    """Text as the file has it: nothing where it is missing."""
    words = column.astype("object")
    filled = words.where(column.notna(), "")
    # A longer text would be cut without a word.
    longest = max((len(word.encode()) for word in filled.unique()), default=0)
    if longest > LONGEST_TEXT:
        raise UsageError(
            f"A text of {column.name} has {longest} bytes, and a SAS transport file holds"
            f" {LONGEST_TEXT}. Shorten the name, or leave xpt out of --format."
        )
    return filled
