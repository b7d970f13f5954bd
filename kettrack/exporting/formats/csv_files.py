"""A data set as CSV, safe against the formulas of spreadsheets."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from kettrack.writing import csv_text


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a data set as CSV, as all tables of kettrack are written.

    Parameters
    ----------
    frame : DataFrame
        From `DataSet.frame`.
    path : Path
        Where.
    """
    path.write_bytes(csv_text(frame).encode())
