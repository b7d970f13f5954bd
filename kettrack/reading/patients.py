"""Patients: codes that are probably one patient in two spellings, and the day each patient's time
is counted from.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import Floats
from kettrack.reading.problems import Ledger, counted
from kettrack.vocabulary.days import DAYS_IN_WEEK

# Soft hyphens, zero-width and direction marks, byte order marks, and every kind of blank.
_UNSEEN: Final = r"[\x{00ad}\x{200b}-\x{200f}\x{2060}\x{feff}\s]"
_LEADING_ZEROS: Final = r"(^|\D)0+(\d)"
_PATIENT_DAYS: Final = ("observed_to_day", "last_contact_day", "stop_day")


def note_similar_ids(
    codes: pd.Index,
    ledger: Ledger,
) -> None:
    """Say how many patient codes differ from another only by something that nobody sees or means.

    Parameters
    ----------
    codes : Index
        Every code of every table, once each.
    ledger : Ledger
        Takes the note; it names no code.
    """
    folded = _folded(codes)
    similar = folded.duplicated(keep=False)
    if not similar.any():
        return
    n_codes = counted(int(similar.sum()), "patient code")
    n_patients = counted(folded[similar].nunique(), "patient")
    ledger.note(
        f"{n_codes} differ from another only by capital letters, leading zeros, invisible"
        f" spaces or the Unicode form. If these are the same people, they are {n_patients};"
        " now each code is read as a patient of its own. Write each patient's code the"
        " same in every table."
    )


def _folded(codes: pd.Index) -> pd.Series:
    """The codes without what may differ by accident; equal values are similar codes."""
    text = pa.array(codes, pa.string())
    plain = pc.utf8_lower(pc.utf8_normalize(text, form="NFKC"))
    seen = pc.replace_substring_regex(plain, _UNSEEN, "")
    short = pc.replace_substring_regex(seen, _LEADING_ZEROS, r"\1\2")
    return pd.Series(short.to_pandas(), copy=False)


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
    days = _PATIENT_DAYS if name == "patients" else ("day",)
    moved = {day: frame[day] - shift for day in days}
    if name == "patients":
        # The exact end of the log, the same date for everybody, would tell when each patient began.
        weeks = np.floor(moved["observed_to_day"] / DAYS_IN_WEEK)
        moved["observed_to_day"] = weeks * DAYS_IN_WEEK
    return frame.assign(**moved)
