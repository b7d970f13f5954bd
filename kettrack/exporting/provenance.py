"""Where an export comes from: versions, rules, files in and out, rows left out and why."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from kettrack import __version__
from kettrack.exporting.adam.times_to_event import is_defined
from kettrack.exporting.words import TIMES
from kettrack.privacy.policies import get_policy
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.columns import TABLES

PROVENANCE_FILE: Final = "provenance.json"
# Of the layout of this file and of the data sets.
SCHEMA: Final = "1"
_BLOCK: Final = 1 << 20
# Columns that the data sets after CDISC are made from; scores go into them whole.
_USED: Final[Mapping[str, str]] = {
    "sessions": (
        "patient_id day order drug route dose_mg duration_min adverse_events serious stopped_early"
    ),
    "patients": (
        "patient_id age sex ethnicity site diagnosis failed_antidepressants prior_sessions"
        " planned_sessions anxiety ptsd substance_use psychotherapy start_year observed_to_day"
        " last_contact_day stop_day stop_reason"
    ),
    "events": "patient_id day event detail",
}
# Data set, reason, and number of rows of a table of the cohort that have no record in it.
LeftOut = tuple[str, str, int]


def provenance_json(
    cohort: DerivedCohort,
    folder: Path,
    written: Mapping[str, int],
    left_out: Sequence[LeftOut],
) -> str:
    """Text of `provenance.json`. It names no folder and no time: the same cohort gives the same.

    Parameters
    ----------
    cohort : DerivedCohort
        What was exported.
    folder : Path
        Where the files stand.
    written : mapping
        Path of each file within the folder to its records.
    left_out : sequence of LeftOut
        What has no record.
    """
    criteria = cohort.criteria
    settings = cohort.settings
    came_from = cohort.provenance
    said: dict[str, Any] = {
        "schema": SCHEMA,
        "made_by": _versions(),
        "policy": settings.policy,
        "warning": get_policy(settings.policy).banner,
        "rules": {
            "instrument": cohort.instrument.name,
            "criteria": {
                "name": criteria.name,
                "version": criteria.version,
                "hash": criteria.hash,
                "standing": criteria.standing,
            },
            "baseline": settings.baseline,
            "log_complete_to": settings.log_complete_to,
            "not_defined": [one.event for one in TIMES if not is_defined(cohort, one)],
        },
        "input": {
            "files": list(came_from.files),
            "sha256": came_from.input_sha256,
            "allowed_columns": list(came_from.allowed),
            "extract": settings.extract,
        },
        "rows_in": {name: len(getattr(cohort, name)) for name in TABLES},
        "left_out_at_the_door": _records(cohort.exclusions),
        "notes_of_the_reader": list(cohort.notes),
        "import_remarks": _remark_counts(cohort.import_remarks),
        "left_out_of_data_sets": [
            {"dataset": name, "reason": reason, "rows": n}
            for name, reason, n in left_out
        ],
        "only_in_the_data_package": _without_a_place(cohort),
        "files": [_file(folder, name, n) for name, n in written.items()],
    }
    return json.dumps(said, indent=1, ensure_ascii=False) + "\n"


def _versions() -> dict[str, str]:
    return {
        "kettrack": __version__,
        "python": platform.python_version(),
        "pandas": pd.__version__,
        "numpy": np.__version__,
        "pyarrow": pa.__version__,
    }


def _without_a_place(cohort: DerivedCohort) -> dict[str, list[str]]:
    """Columns that hold something and stand in no data set after CDISC, such as blood pressure."""
    found = {}
    for table, used in _USED.items():
        frame: pd.DataFrame = getattr(cohort, table)
        others = [str(name) for name in frame if name not in used.split()]
        found[table] = [name for name in others if frame[name].notna().any()]
    return {table: names for table, names in found.items() if names}


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    plain = table.astype("object")
    return [
        {str(name): value for name, value in row.items()}
        for row in plain.to_dict("records")
    ]


def _remark_counts(remarks: pd.DataFrame) -> list[dict[str, Any]]:
    """What an import did before, by action and reason: not each of its rows."""
    if remarks.empty:
        return []
    counted = remarks.groupby(["action", "reason"], sort=True)["count"].sum()
    return _records(counted.reset_index())


def _file(folder: Path, name: str, records: int) -> dict[str, Any]:
    path = folder / name
    digest = hashlib.sha256()
    with path.open("rb") as file:
        # A transport file of a large clinic is larger than memory should hold.
        while block := file.read(_BLOCK):
            digest.update(block)
    return {
        "file": name,
        "records": records,
        "bytes": path.stat().st_size,
        "sha256": digest.hexdigest(),
    }
