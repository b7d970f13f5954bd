"""Days: from the clock of the source to each patient's own, on which the first session is day 0."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Floats
from kettrack.reading.problems import Ledger, counted
from kettrack.vocabulary.days import DAYS_IN_WEEK

_PATIENT_DAYS: Final = ("observed_to_day", "last_contact_day", "stop_day")
# CDISC: the day of the first dose is study day 1, the day before it -1 (SDTM Implementation Guide
# 3.4, section 4.4.4).
_FIRST_STUDY_DAY: Final = 1
_MOST: Final = 0.5


def from_study_days(
    frames: dict[str, pd.DataFrame],
    ledger: Ledger,
) -> dict[str, pd.DataFrame]:
    """Close the gap of a clock that has no day 0, where day 1 follows day -1.

    It is such a clock where no table has a day 0, something happened before the first session, and
    the first session of most patients is on day 1. Where the first sessions are elsewhere, nobody
    can tell; the days are kept, and a note says so.

    Parameters
    ----------
    frames : dict
        Table name to frame, with the days of the source.
    ledger : Ledger
        Takes the note.
    """
    days = _all_days(frames)
    first = frames["sessions"].groupby("patient_id", observed=True)["day"].min()
    before = (days < 0).any()
    after = (days > 0).any()
    if first.empty or not (before and after) or (days == 0).any():
        return frames
    by_first_dose = first == _FIRST_STUDY_DAY
    # A first session before day 1 is no first dose of a study.
    if by_first_dose.mean() <= _MOST or (first < _FIRST_STUDY_DAY).any():
        # One gap of a day between two rows tells nothing where few people are in the files.
        ledger.note(
            "No table has a day 0. If your days are study days (CDISC: day 1 follows day -1), days"
            " before the first session are one day too early here: add 1 to every day below 0."
        )
        return frames
    ledger.note(
        "No table has a day 0, and first sessions are on day 1. The days are read as study days"
        " (CDISC), in which day 1 follows day -1: the first session becomes day 0, and -1 stays one"
        " day before it. If your days do have a day 0, count from it, with the first session on"
        " day 0."
    )
    return {name: _closed(name, frame) for name, frame in frames.items()}


def _columns(
    name: str,
) -> tuple[str, ...]:
    return _PATIENT_DAYS if name == "patients" else ("day",)


def _all_days(
    frames: dict[str, pd.DataFrame],
) -> Floats:
    parts = []
    for name, frame in frames.items():
        for column in _columns(name):
            days = frame[column]
            parts.append(days.to_numpy(np.float64))
    return np.concatenate(parts)


def _closed(
    name: str,
    frame: pd.DataFrame,
) -> pd.DataFrame:
    closed = {}
    for column in _columns(name):
        day = frame[column]
        closed[column] = day - (day > 0)
    return frame.assign(**closed)


def first_days(
    sessions: pd.DataFrame,
    n_patients: int,
) -> Floats:
    """Smallest session day of each patient code, NaN where the patient has no session."""
    known = sessions["day"].notna().to_numpy()
    patient = sessions["patient_id"].cat.codes.to_numpy()[known]
    day = sessions["day"].to_numpy(np.float64)[known]
    first = np.full(n_patients, np.inf)
    # `at` works through repeated patients one by one; plain indexing would keep only the last.
    np.minimum.at(first, patient, day)
    return np.where(np.isinf(first), np.nan, first)


def start_at_day_zero(
    frames: dict[str, pd.DataFrame],
    first: Floats,
    ledger: Ledger,
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
    by = np.nan_to_num(first)
    n_moved = int(np.count_nonzero(by))
    if n_moved:
        ledger.note(
            f"Day 0 was not the first session for {counted(n_moved, 'patient')}; all their"
            " days were moved so that it is."
        )
    return {name: _moved(name, frame, by) for name, frame in frames.items()}


def _moved(
    name: str,
    frame: pd.DataFrame,
    by: Floats,
) -> pd.DataFrame:
    """One table with its days counted from each patient's first session."""
    codes = frame["patient_id"].cat.codes.to_numpy()
    shift = by[codes]
    moved = {day: frame[day] - shift for day in _columns(name)}
    if name == "patients":
        # The exact end of the log, the same date for everybody, would tell when each patient began.
        weeks = np.floor(moved["observed_to_day"] / DAYS_IN_WEEK)
        moved["observed_to_day"] = weeks * DAYS_IN_WEEK
    return frame.assign(**moved)
