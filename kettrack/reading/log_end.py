"""To which day a log is complete where nobody recorded it: unknown, or as the folder's settings
choose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from kettrack.reading.problems import Ledger
from kettrack.reading.typed import CheckedTable
from kettrack.settings import LAST_ROW, SETTINGS_FILE, Settings


def choose_log_end(
    tables: Mapping[str, CheckedTable],
    settings: Settings,
    ledger: Ledger,
) -> tuple[CheckedTable | pd.DataFrame, Settings]:
    """Fill `observed_to_day` as `log_complete_to` asks, and say for how many patients.

    Parameters
    ----------
    tables : mapping
        Checked, on each patient's own clock.
    settings : Settings
        As chosen.
    ledger : Ledger
        Takes the note.

    Returns
    -------
    patients : CheckedTable or DataFrame
        A frame where the choice fills anything.
    settings : Settings
        In force: a choice that fills nothing is none, so that no output names it.
    """
    if settings.log_complete_to != LAST_ROW:
        return tables["patients"], settings
    patients = tables["patients"].frame()
    unknown = patients["observed_to_day"].isna()
    n_unknown = int(unknown.sum())
    if not n_unknown:
        ledger.note(
            f"Every patient has observed_to_day, so log_complete_to in {SETTINGS_FILE} changes"
            " nothing."
        )
        return patients, replace(settings, log_complete_to="observed_to_day")
    # Not floored to whole weeks, as a recorded end is: this day stands in the tables anyhow.
    last_rows = _last_rows(patients["patient_id"], tables)
    filled = patients["observed_to_day"].fillna(last_rows)
    of_whom = f"{n_unknown} of {len(patients)} patients"
    if n_unknown == len(patients):
        of_whom = "every patient"
    ledger.note(
        f"observed_to_day is missing for {of_whom}. The log is taken to be complete to the"
        f" {LAST_ROW}, as log_complete_to in {SETTINGS_FILE} asks."
    )
    with_ends = patients.assign(observed_to_day=filled)
    return with_ends, settings


def _last_rows(
    whose: pd.Series,
    tables: Mapping[str, CheckedTable],
) -> pd.Series:
    """Day of the last session or score of each patient, along the patients table."""
    # Entries of the events table do not show that a log was kept, so they do not count.
    columns = ["patient_id", "day"]
    rows = [
        tables["sessions"].frame(columns),
        tables["scores"].frame(columns),
    ]
    by_patient = pd.concat(rows).groupby("patient_id")
    last = by_patient["day"].max()
    return whose.map(last).astype("Int64")
