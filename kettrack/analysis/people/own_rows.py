"""Rows of one patient, for the page and the sheet of a person."""

from __future__ import annotations

import pandas as pd


def rows_of(
    frame: pd.DataFrame,
    patient_id: str,
) -> pd.DataFrame:
    """Rows of one patient, numbered from 0."""
    # Through an array of numpy: codes that are categories compare to a missing truth.
    own = (frame["patient_id"] == patient_id).to_numpy(bool)
    return frame[own].reset_index(drop=True)
