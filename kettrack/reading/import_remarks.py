"""`import_problems.csv`: what an import mended, refused and left out on the way to a folder. It is
read only to be shown.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from kettrack.reading.problems import Ledger

IMPORT_PROBLEMS_FILE: Final = "import_problems.csv"
REMARK_COLUMNS: Final = (
    "file",
    "table",
    "row",
    "column",
    "action",
    "reason",
    "count",
)
# How the reason of such a column begins; why follows.
COLUMN_NOT_USED: Final = "the column is not used: "


def no_remarks() -> pd.DataFrame:
    """The table of a folder that no import made: the columns and no row."""
    empty = pd.DataFrame(columns=list(REMARK_COLUMNS))
    return _typed(empty)


def read_import_remarks(folder: Path, ledger: Ledger) -> pd.DataFrame:
    """What an import did: `file` `table` `row` `column` `action` `reason` `count`; no row for any
    other folder. A file that cannot be read is a note of the ledger, since no number rests on it.
    """
    path = folder / IMPORT_PROBLEMS_FILE
    if not path.is_file():
        return no_remarks()
    try:
        found = pd.read_csv(
            path,
            dtype="str",
            keep_default_na=False,
        )
        return _typed(found[list(REMARK_COLUMNS)])
    # What pandas says may repeat a value of the file.
    except (ValueError, KeyError):
        ledger.note(f"{IMPORT_PROBLEMS_FILE} is not as the import wrote it; not shown.")
        return no_remarks()


def _typed(remarks: pd.DataFrame) -> pd.DataFrame:
    words = remarks.astype("str")
    # A remark on a whole column or table has no row.
    row = pd.to_numeric(words["row"])
    count = pd.to_numeric(words["count"])
    return words.assign(row=row.astype("Int64"), count=count.astype("int64"))
