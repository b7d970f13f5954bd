"""Each patient's own clock: day 0 is the first session, in every table."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kettrack.reading.problems import Ledger, counted

_WEEK = 7
_PATIENT_DAYS = ("observed_to_day", "last_contact_day", "stop_day")


def first_days(sessions: pd.DataFrame, n_patients: int) -> NDArray[np.float64]:
    """Smallest session day of each patient code, NaN where the patient has no session."""
    first = np.full(n_patients, np.inf)
    known = sessions["day"].notna().to_numpy()
    np.minimum.at(
        first,
        sessions["patient_id"].cat.codes.to_numpy()[known],
        sessions["day"].to_numpy(np.float64)[known],
    )
    return np.where(np.isinf(first), np.nan, first)


def start_at_zero(
    frames: dict[str, pd.DataFrame], first: NDArray[np.float64], ledger: Ledger
) -> dict[str, pd.DataFrame]:
    """Move all days of a patient so that the first session is on day 0, and floor `observed_to_day`
    to whole weeks.

    Parameters
    ----------
    frames : dict
        Table name to frame; `patient_id` are categories shared by all.
    first : float array
        By patient code, as `first_days` returns it.
    ledger : Ledger
        Takes the number of patients moved.
    """
    moved = int((np.nan_to_num(first) != 0).sum())
    if moved:
        ledger.note(
            f"Day 0 was not the first session for {counted(moved, 'patient')}; all their days"
            " were moved so that it is."
        )
    return {
        name: _moved(name, frame, np.nan_to_num(first))
        for name, frame in frames.items()
    }


def _moved(name: str, frame: pd.DataFrame, first: NDArray[np.float64]) -> pd.DataFrame:
    by = first[frame["patient_id"].cat.codes.to_numpy()]
    days = _PATIENT_DAYS if name == "patients" else ("day",)
    frame = frame.assign(**{day: frame[day] - by for day in days})
    if name == "patients":
        frame["observed_to_day"] = np.floor(frame["observed_to_day"] / _WEEK) * _WEEK
    return frame
