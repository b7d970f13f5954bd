"""A bucket of whole patients as sorted arrays: the form in which every timeline is computed, small
or large.

`bucket_of` makes one from a cohort, `bucket_from_arrays` from integer codes; everything after that
is the same code.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from kettrack.errors import UsageError
from kettrack.reading.cohort import Cohort
from kettrack.timelines import kernels
from kettrack.timelines.kernels import LARGE
from kettrack.vocabulary.instruments import get_instrument

Array = npt.NDArray[Any]

# patients worked on at a time: their rows stay in the processor's cache between kernels
BLOCK: Final = 1 << 15


@dataclass(frozen=True)
class Bucket:
    """Scores of one instrument, and sessions, of n patients; rows of patient p are
    `offsets[p]:offsets[p + 1]`.

    Parameters
    ----------
    patient_id : Index
        n patients, in row order.
    score_offsets, session_offsets : int64, shape (n + 1,)
        Where each patient's rows begin.
    score_day, session_day : int32
        Day of each row, rising within a patient.
    score : number
        Total in points; any integer or float type.
    score_known : bool
        False where the total is incomplete.
    score_after : bool
        True where the score was taken after a session of the same day.
    observed_to_day : int32, shape (n,)
        Day to which the log is complete; `MISSING_DAY` where it is not known.
    large : bool
        Whether it is worked on in blocks, on every core.
    zero : float
        Lowest score of the scale, from which percent change counts.

    Attributes
    ----------
    n : int
        Number of patients.
    """

    patient_id: pd.Index
    score_offsets: Array
    score_day: Array
    score: Array
    score_known: Array
    score_after: Array
    session_offsets: Array
    session_day: Array
    observed_to_day: Array
    large: bool
    zero: float = 0.0

    n: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", len(self.patient_id))  # frozen, and set once

    @cached_property
    def score_patient(self) -> Array:
        """Position of the patient of each score, shape (scores,)."""
        n_scores = np.diff(self.score_offsets)
        return np.repeat(np.arange(self.n), n_scores)

    def first_row(self, chosen: Array) -> Array:
        """First chosen score row of each patient: int64, shape (n,); -1 = none."""
        rows = np.flatnonzero(chosen)
        return self._row_assigned_last(rows[::-1])

    def last_row(self, chosen: Array) -> Array:
        """Last chosen score row of each patient: int64, shape (n,); -1 = none."""
        return self._row_assigned_last(np.flatnonzero(chosen))

    def _row_assigned_last(self, rows: Array) -> Array:
        """One of these rows for each patient: of several, the one assigned last stays."""
        out = self.no_rows()
        out[self.score_patient[rows]] = rows
        return out

    def no_rows(self) -> Array:
        """No row for any patient: int64, shape (n,), all -1."""
        return np.full(self.n, kernels.NO_ROW, np.int64)

    def blocks(self) -> Iterator[Bucket]:
        """Split into smaller buckets of whole patients, in order; views, not copies."""
        n = max(self.n, 1)  # nobody at all is one empty block
        for begin in range(0, n, BLOCK):
            chosen = slice(begin, begin + BLOCK)
            # one offset more than patients: it says where the last one ends
            edges = slice(begin, begin + BLOCK + 1)
            scores = self.score_offsets[edges]
            sessions = self.session_offsets[edges]
            rows = slice(scores[0], scores[-1])
            days = slice(sessions[0], sessions[-1])
            yield Bucket(
                patient_id=self.patient_id[chosen],
                score_offsets=scores - scores[0],
                score_day=self.score_day[rows],
                score=self.score[rows],
                score_known=self.score_known[rows],
                score_after=self.score_after[rows],
                session_offsets=sessions - sessions[0],
                session_day=self.session_day[days],
                observed_to_day=self.observed_to_day[chosen],
                large=self.large,
                zero=self.zero,
            )


def map_blocks(
    work: Callable[[Bucket], dict[str, Array]],
    bucket: Bucket,
) -> dict[str, Array]:
    """Apply `work` to each block, on every core, and join the arrays it names: one entry per
    patient, or per row.
    """
    if not bucket.large:
        return work(bucket)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        parts = list(pool.map(work, bucket.blocks()))
    joined = {}
    for name in parts[0]:
        joined[name] = np.concatenate([part[name] for part in parts])
    return joined


def offsets_of(codes: Array, n: int) -> Array:
    """Where each patient's rows begin.

    Parameters
    ----------
    codes : integer, shape (rows,)
        Position of the patient of each row, 0 to n - 1, sorted.
    n : int
        Number of patients.

    Returns
    -------
    int64, shape (n + 1,)

    Raises
    ------
    UsageError
        When the codes are not sorted.

    Examples
    --------
    >>> offsets_of(np.array([0, 0, 2]), 3).tolist()
    [0, 2, 2, 3]
    """
    offsets = np.zeros(n + 1, np.int64)
    if not codes.size:
        return offsets
    if (codes[1:] < codes[:-1]).any():
        raise UsageError("Rows must be sorted by patient.")
    if not 0 <= codes[0] <= codes[-1] < n:
        raise UsageError(
            "Patients must be numbered from 0, and rows sorted by patient."
        )
    np.cumsum(np.bincount(codes, minlength=n), out=offsets[1:])
    return offsets


def bucket_from_arrays(
    n: int,
    score_patient: Array,
    score_day: Array,
    score: Array,
    session_patient: Array,
    session_day: Array,
) -> Bucket:
    """Bucket from integer patient codes: the way in for millions of patients.

    Parameters
    ----------
    n : int
        Number of patients; codes run from 0 to n - 1.
    score_patient, session_patient : integer
        Patient of each row, sorted.
    score_day, session_day : int32
        Day of each row, sorted within patient; day 0 = first session.
    score : number
        Total in points, on a scale that starts at 0; NaN = incomplete where the type has it.

    Examples
    --------
    >>> patient = np.zeros(2, int)
    >>> score_day = np.array([-1, 7])
    >>> score = np.array([20, 9])
    >>> session_day = np.array([0])
    >>> bucket = bucket_from_arrays(1, patient, score_day, score, patient[:1], session_day)
    >>> bucket.score_offsets.tolist()
    [0, 2]
    """
    with ThreadPoolExecutor(2) as pool:
        scores = pool.submit(offsets_of, score_patient, n)
        sessions = pool.submit(offsets_of, session_patient, n)
    # Only a float can be missing; the same value for all costs no memory.
    known = np.broadcast_to(True, score.shape)
    if score.dtype.kind == "f":
        known = ~np.isnan(score)
    after = np.broadcast_to(False, score.shape)
    unknown = np.broadcast_to(np.int32(kernels.MISSING_DAY), n)
    return Bucket(
        patient_id=pd.RangeIndex(n, name="patient_id"),
        score_offsets=scores.result(),
        score_day=score_day,
        score=score,
        score_known=known,
        score_after=after,
        session_offsets=sessions.result(),
        session_day=session_day,
        observed_to_day=unknown,
        large=_is_large(score, session_day),
    )


def _is_large(*columns: Array) -> bool:
    """Whether blocks pay, from how many rows there are."""
    return max(column.size for column in columns) >= LARGE


def bucket_of(
    cohort: Cohort,
    instrument: str | None = None,
) -> Bucket:
    """Bucket of a cohort for one instrument.

    Parameters
    ----------
    cohort : Cohort
        As it came through the reader.
    instrument : str, optional
        Default the cohort's primary instrument.
    """
    name = instrument or cohort.settings.instrument
    scale = get_instrument(name, cohort.settings.known_instruments)
    # Items, other columns and other scales are not looked at here, and would only be copied.
    chosen = cohort.scores_on(name)
    scores = cohort.columns("scores", ["day", "score", "timing"], chosen)
    # Before the frame of the patients is asked for: after that, names would be compared.
    score_patient = cohort.patient_places("scores")[chosen]
    session_patient = cohort.patient_places("sessions")
    patients = cohort.patients
    patient_id = pd.Index(patients["patient_id"], name="patient_id")
    n = len(patient_id)
    score = scores["score"].to_numpy(np.float64)
    day = scores["day"].to_numpy(np.int32)
    session_day = cohort.columns("sessions", ["day"])["day"].to_numpy(np.int32)
    return Bucket(
        patient_id=patient_id,
        score_offsets=offsets_of(score_patient, n),
        score_day=day,
        score=score,
        score_known=~np.isnan(score),
        score_after=(scores["timing"] == "after").to_numpy(bool),
        session_offsets=offsets_of(session_patient, n),
        session_day=session_day,
        observed_to_day=days_or_missing(patients["observed_to_day"]),
        large=_is_large(score, session_day),
        zero=float(scale.minimum),
    )


def scores_of(
    scores: pd.DataFrame,
    instrument: str,
) -> pd.DataFrame:
    """Scores of one instrument, one row per patient and score, in the order of the cohort."""
    chosen = scores["instrument"] == instrument
    return scores[chosen].reset_index(drop=True)


def days_or_missing(days: pd.Series) -> Array:
    """Days as int32, `MISSING_DAY` where there is none."""
    known = days.astype("Float64")
    whole = known.fillna(kernels.MISSING_DAY).to_numpy(np.int64)
    return whole.astype(np.int32)


def values_at(
    values: Array,
    row: Array,
    missing: Any = np.nan,
) -> Array:
    """Values of rows, `missing` where the row is -1.

    Parameters
    ----------
    values : shape (rows,)
        Of each row.
    row : integer
        Any shape; -1 = none.
    missing
        Stands for a row that is not there.

    Examples
    --------
    >>> values_at(np.array([7, 9]), np.array([1, -1])).tolist()
    [9.0, nan]
    """
    # -1 points at the entry appended last
    return np.append(values, missing)[row]


def missing_to_na(days: Array) -> pd.arrays.IntegerArray:
    """Days as nullable integers, missing where they are `MISSING_DAY`."""
    missing = days == kernels.MISSING_DAY
    return pd.arrays.IntegerArray(days, missing)


def typed_columns(
    arrays: dict[str, Array],
    statuses: tuple[str, ...],
) -> dict[str, object]:
    """Arrays as columns: `*_status` as categories, `*_day` and `*_session` as nullable integers."""
    columns: dict[str, object] = {}
    for name, values in arrays.items():
        if name.endswith("_status"):
            columns[name] = category(values, statuses)
        elif name.endswith(("_day", "_session")):
            columns[name] = missing_to_na(values)
        else:
            columns[name] = values
    return columns


def category(
    codes: Array,
    names: tuple[str, ...],
) -> pd.Categorical:
    """Codes as an ordered category; -1 = missing."""
    return pd.Categorical.from_codes(codes, list(names), ordered=True)  # type: ignore[call-overload]
