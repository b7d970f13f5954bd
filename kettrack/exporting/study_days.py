"""Days of kettrack as study days of CDISC, which have no day 0."""

from __future__ import annotations

import pandas as pd


def study_days(days: pd.Series) -> pd.Series:
    """Days since the first session as study days: day 0 becomes 1, and day -1 stays.

    Parameters
    ----------
    days : Series
        Whole days on the patient's own clock; missing ones stay missing.

    Examples
    --------
    >>> study_days(pd.Series([-1, 0, 7, None], dtype="Int64")).tolist()
    [-1, 1, 8, <NA>]
    """
    whole = days.astype("Int64")
    # The standard counts the day of the first dose as the first day of the study.
    before = whole < 0
    since = whole + 1
    return whole.where(before, since)
