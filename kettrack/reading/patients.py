"""Patients: codes that are probably one patient in two spellings, and the day each patient's time
is counted from.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kettrack.reading.problems import Ledger, counted
from kettrack.vocabulary.days import DAYS_IN_WEEK

_UNSEEN = r"[\x{00ad}\x{200b}-\x{200f}\x{2060}\x{feff}\s]"
_PATIENT_DAYS = ("observed_to_day", "last_contact_day", "stop_day")


def note_similar_ids(codes: pd.Index, ledger: Ledger) -> None:
    """Say how many study codes differ from another only by something nobody sees or means.

    Parameters
    ----------
    codes : Index
        Every code of every table, once each.
    ledger : Ledger
        Takes the note; it names no code.
    """
    folded = pd.Series(_folded(pa.array(codes, pa.string())).to_pandas(), copy=False)
    similar = folded.duplicated(keep=False)
    if similar.any():
        ledger.note(
            f"{counted(int(similar.sum()), 'patient code')} differ from another only by capital"
            " letters, leading noughts, invisible spaces or the Unicode form"
            f" ({counted(int(folded[similar].nunique()), 'patient')} if they are the same people);"
            " each is read as a patient of its own. Write each patient's code the same in every"
            " table."
        )


def _folded(codes: pa.Array) -> pa.Array:
    plain = pc.utf8_lower(pc.utf8_normalize(codes, form="NFKC"))
    seen = pc.replace_substring_regex(plain, _UNSEEN, "")
    return pc.replace_substring_regex(seen, r"(^|\D)0+(\d)", r"\1\2")


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


def start_at_day_zero(
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
        frame["observed_to_day"] = (
            np.floor(frame["observed_to_day"] / DAYS_IN_WEEK) * DAYS_IN_WEEK
        )
    return frame
