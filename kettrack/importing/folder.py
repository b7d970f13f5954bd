"""A cohort folder from tables with days and codes: whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from kettrack.importing.remarks import Remarks
from kettrack.importing.source import ORIGIN
from kettrack.reading.import_remarks import IMPORT_PROBLEMS_FILE
from kettrack.settings import SETTINGS_FILE


def write_cohort(
    tables: Mapping[str, pa.Table],
    folder: Path,
    remarks: Remarks,
    *,
    settings: str = "",
    replace: bool = False,
) -> None:
    """Write a cohort folder.

    Parameters
    ----------
    tables : mapping
        As `deidentify` returns them.
    folder : Path
        Where it shall stand.
    remarks : Remarks
        Becomes `import_problems.csv`.
    settings : str
        Content of `kettrack.toml`; empty = the instrument with the most scores.
    replace : bool
        Whether an existing folder is replaced as a whole.

    Raises
    ------
    UsageError
        When the folder exists and is not to be replaced.
    DataProblems
        When what would be written cannot be read as a cohort; the places are those of the source.
    """
    folder.mkdir(parents=True, exist_ok=replace)
    for name, table in tables.items():
        origin = [one for one in ORIGIN if one in table.column_names]
        csv.write_csv(table.drop_columns(origin), folder / f"{name}.csv")
    (folder / SETTINGS_FILE).write_text(settings, encoding="utf-8")
    remarks.table().to_csv(folder / IMPORT_PROBLEMS_FILE, index=False)
