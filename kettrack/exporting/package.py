"""The cohort itself as a data package of Frictionless, which is a cohort folder at the same time:
kettrack reads it again as it was.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from kettrack.errors import UsageError
from kettrack.exporting.settings_text import settings_text
from kettrack.reading.cohort import Cohort
from kettrack.settings import SETTINGS_FILE
from kettrack.vocabulary.columns import AGE_CAP, TABLES, Table
from kettrack.vocabulary.table_schema import OPEN_AGE, describe_package
from kettrack.writing import csv_text, reads_as_formula, write_text

PACKAGE_FILE: Final = "datapackage.json"
_ABOUT: Final = (
    "A cohort folder of kettrack: rows of single patients, pseudonymised and not anonymous. They"
    " stay in the clinic."
)


def write_package(
    cohort: Cohort,
    study: str,
    folder: Path,
) -> dict[str, int]:
    """Write the tables of a cohort, its settings, and what describes them.

    Parameters
    ----------
    cohort : Cohort
        As it came through the reader.
    study : str
        Names the package.
    folder : Path
        A folder that is there.

    Returns
    -------
    dict of str to int
        Name of each file to its records; 0 for those without.
    """
    _require_names(cohort)
    written = {}
    contents = {}
    for name, table in TABLES.items():
        frame: pd.DataFrame = getattr(cohort, name)
        # The other tables refer to the patients, also where nothing else is known of them.
        if not len(frame) and name == "events":
            continue
        content = csv_text(_with_open_age(_filled(frame, table))).encode()
        contents[name] = content
        (folder / f"{name}.csv").write_bytes(content)
        written[f"{name}.csv"] = len(frame)
    write_text(settings_text(cohort.settings), folder / SETTINGS_FILE)
    described = describe_package(_package_name(study), _ABOUT, contents)
    write_text(described, folder / PACKAGE_FILE)
    return written | {SETTINGS_FILE: 0, PACKAGE_FILE: 0}


def _require_names(cohort: Cohort) -> None:
    """Refuse a scale whose name would get an apostrophe in the table and none in the settings."""
    for scale in cohort.settings.user_instruments:
        if reads_as_formula(scale.name):
            raise UsageError(
                "The name of a scale begins like a formula of a spreadsheet, and CSV cannot keep it"
                " as it is. Give the scale another name in the kettrack.toml, or leave datapackage"
                " out of the formats."
            )


def _filled(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """The columns in which anything stands; the reader makes the others itself."""
    kept = [
        name
        for name in table.names
        if name in frame and (table[name].required or frame[name].notna().any())
    ]
    return frame[kept]


def _with_open_age(rows: pd.DataFrame) -> pd.DataFrame:
    """The oldest class as `90+`: a plain 90 would be an age that somebody has, and the reader
    refuses it.
    """
    oldest = rows["age"] == AGE_CAP if "age" in rows else None
    if oldest is None or not oldest.any():
        return rows
    words = rows["age"].astype("str")
    return rows.assign(age=words.mask(oldest.fillna(False), OPEN_AGE))


def _package_name(study: str) -> str:
    """A name as the standard of data packages has it: small letters, digits, and signs between."""
    small = "".join(one if one.isalnum() and one.isascii() else "-" for one in study)
    return f"kettrack-{small.lower().strip('-') or 'cohort'}"
