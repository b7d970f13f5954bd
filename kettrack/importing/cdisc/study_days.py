"""When an observation was: by study day or by date, one way for a whole study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd
import pyarrow as pa

from kettrack.arrays import Bools, Floats
from kettrack.importing.cdisc.dataset import SUBJECT, Dataset
from kettrack.importing.remarks import Remarks
from kettrack.importing.source import DATE

Clock = Literal["day", "date"]
NO_DAY_0: Final = "study day 0, which CDISC does not have: its days are ..., -1, 1, ..."
_NO_DAY: Final = (
    "neither a whole study day nor, in its place, a date of the calendar stands in it"
)
_NO_DATE: Final = "no whole date stands in it; year and month alone are no day"
# Any fixed day: only differences are looked at.
_EARLIEST: Final = pd.Timestamp("1970-01-01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """When the records of a data set were.

    Parameters
    ----------
    dataset : Dataset
        The data set.
    study_days : float array
        As written, NaN where none stands.
    dates : Series of str
        Whole dates, missing where there is none.
    wanted : bool array, optional
        Records that a cohort needs, where not all of them are.
    """

    dataset: Dataset
    study_days: Floats
    dates: pd.Series[str]
    wanted: Bools | None = None

    def lost(
        self,
        clock: Clock,
    ) -> float:
        """Share of the records that have no time of this kind, among those that are needed."""
        lost = ~self.known(clock)
        if self.wanted is not None:
            lost = lost[self.wanted]
        return float(lost.mean()) if len(lost) else 0.0

    def known(
        self,
        clock: Clock,
    ) -> Bools:
        """Which records have a time of this kind."""
        if clock == "date":
            return np.asarray(self.dates.notna())
        days = self.study_days
        return np.isfinite(days) & (days != 0) & (np.floor(days) == days)

    def refuse(
        self,
        clock: Clock,
        among: Bools,
        remarks: Remarks,
    ) -> Bools:
        """Say of records without a time that they are refused; the others are returned."""
        known = self.known(clock)
        nought = (self.study_days == 0) if clock == "day" else np.zeros_like(known)
        none = _NO_DAY if clock == "day" else _NO_DATE
        self.dataset.say(among & nought, "refused", NO_DAY_0, remarks)
        self.dataset.say(among & ~known & ~nought, "refused", none, remarks)
        return among & known

    def cells(
        self,
        clock: Clock,
    ) -> tuple[str, pa.Array]:
        """Name and cells of the column that says when; null where there is no such time."""
        known = self.known(clock)
        if clock == "date":
            dates = pa.array(
                self.dates.to_numpy(dtype=object), pa.string(), mask=~known
            )
            return DATE, dates.cast(pa.date32())
        days = as_days(np.where(known, self.study_days, 0))
        return "day", pa.array(days.astype(np.int64), mask=~known)

    def ordinals(
        self,
        clock: Clock,
    ) -> Floats:
        """Numbers whose differences are days, NaN where there is no such time."""
        days = days_since(self.dates) if clock == "date" else as_days(self.study_days)
        return np.where(self.known(clock), days, np.nan)


def days_since(
    dates: pd.Series[str],
    first: pd.Series[str] | None = None,
) -> Floats:
    """Days from a first date, or from a fixed one, to others; NaN where either is missing."""
    last = pd.to_datetime(dates, format="%Y-%m-%d")
    begin = _EARLIEST if first is None else pd.to_datetime(first, format="%Y-%m-%d")
    return np.asarray((last - begin).dt.days, dtype=np.float64)


def as_days(study_days: Floats) -> Floats:
    """Study days without the gap at 0: day 1, the first, becomes 0.

    Examples
    --------
    >>> as_days(np.array([-1.0, 1.0, 8.0])).tolist()
    [-1.0, 0.0, 7.0]
    """
    return np.where(study_days > 0, study_days - 1, study_days)


def one_clock(
    times: Sequence[Times],
    remarks: Remarks,
) -> Clock:
    """The clock by which a smaller share of each data set is lost; days where both serve alike.

    Parameters
    ----------
    times : sequence of Times
        Of all data sets that are read.
    remarks : Remarks
        Takes which clock it is, and where both disagree.
    """
    # Shares, since a study has few doses, and many answers to forms.
    lost = {clock: sum(one.lost(clock) for one in times) for clock in ("day", "date")}
    # Days need no calendar, so they are taken where both serve.
    clock: Clock = "day" if lost["day"] <= lost["date"] else "date"
    said = {
        "day": "its study days say when its records were",
        "date": "its dates say when its records were, since fewer of them are missing",
    }
    for one in times:
        one.dataset.note(said[clock], len(one.dataset), remarks)
        _say_disagreement(one, remarks)
    return clock


def _say_disagreement(
    times: Times,
    remarks: Remarks,
) -> None:
    """The day that is day 0 by both clocks together must be one for each patient."""
    both = times.known("day") & times.known("date")
    since = days_since(times.dates[both])
    # Both clocks together name a date for day 0; one patient has one.
    first = pd.Series(since - as_days(times.study_days[both]))
    subjects = times.dataset.texts(SUBJECT)[both].to_numpy()
    n_first = first.groupby(subjects).nunique()
    several = int((n_first > 1).sum())
    if several:
        times.dataset.note(
            "study days and dates disagree with each other in some of their records: number of"
            " patients",
            several,
            remarks,
        )
