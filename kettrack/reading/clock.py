"""Days: from the clock of the source to each patient's own, on which the first session is day 0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from kettrack.arrays import Floats
from kettrack.reading.coded import CodedRows, coded_numbers, coded_values, coded_whole
from kettrack.reading.problems import Ledger, counted
from kettrack.vocabulary.days import DAYS_IN_WEEK

_PATIENT_DAYS: Final = ("observed_to_day", "last_contact_day", "stop_day")
# CDISC: the day of the first dose is study day 1, the day before it -1 (SDTM Implementation Guide
# 3.4, section 4.4.4).
_FIRST_STUDY_DAY: Final = 1
_MOST: Final = 0.5
_CLOCK: Final = "the clock that days are counted on"


def from_study_days(
    tables: Mapping[str, CodedRows],
    ledger: Ledger,
) -> Mapping[str, CodedRows]:
    """Close the gap of a clock that has no day 0, where day 1 follows day -1.

    It is such a clock where no table has a day 0, something happened before the first session, and
    the first session of most patients is on day 1. Where the first sessions are elsewhere, nobody
    can tell; the days are kept, and a note says so.

    Parameters
    ----------
    tables : mapping
        Table name to rows, with the days of the source.
    ledger : Ledger
        Takes the note.
    """
    days = _all_days(tables)
    first = first_days(tables["sessions"])
    first = first[np.isfinite(first)]
    before = (days < 0).any()
    after = (days > 0).any()
    has_zero = bool((days == 0).any())
    # Without days on both sides of the first session, any clock leads to the same days.
    told = bool(first.size) and bool(before and after)
    if told and has_zero:
        ledger.decided(_CLOCK, "with a day 0")
    if not told or has_zero:
        return tables
    by_first_dose = first == _FIRST_STUDY_DAY
    # A first session before day 1 is no first dose of a study.
    if by_first_dose.mean() <= _MOST or (first < _FIRST_STUDY_DAY).any():
        ledger.decided(_CLOCK, "without a day 0, and kept as it is")
        # One gap of a day between two rows tells nothing where few people are in the files.
        ledger.note(
            "No table has a day 0. If your days are study days (CDISC: day 1 follows day -1), days"
            " before the first session are one day too early here: add 1 to every day below 0."
        )
        return tables
    ledger.decided(_CLOCK, "study days, which have no day 0")
    ledger.note(
        "No table has a day 0, and first sessions are on day 1. The days are read as study days"
        " (CDISC), in which day 1 follows day -1: the first session becomes day 0, and -1 stays one"
        " day before it. If your days do have a day 0, count from it, with the first session on"
        " day 0."
    )
    closed = {}
    for name, rows in tables.items():
        closed[name] = _closed(name, rows)
    return closed


def _columns(
    name: str,
) -> tuple[str, ...]:
    return _PATIENT_DAYS if name == "patients" else ("day",)


def _all_days(
    tables: Mapping[str, CodedRows],
) -> Floats:
    """Every day that stands in a row, once for each table and column."""
    parts = []
    for name, rows in tables.items():
        for column in _columns(name):
            days = rows[column]
            parts.append(days.values[days.used].astype(np.float64))
    return np.concatenate(parts)


def _closed(
    name: str,
    rows: CodedRows,
) -> CodedRows:
    closed = {}
    for column in _columns(name):
        day = rows[column]
        values = day.values.astype(np.float64)
        closed[column] = coded_values(day.codes, values - (values > 0))
    return rows.replaced(closed)


def first_days(
    sessions: CodedRows,
) -> Floats:
    """Smallest session day of each patient code, NaN where the patient has no session."""
    day = sessions["day"]
    patient = sessions["patient_id"]
    # Codes of days rise with them.
    none = len(day.values)
    first = np.full(len(patient.values), none, dtype=np.int64)
    # `at` works through repeated patients one by one; plain indexing would keep only the last.
    np.minimum.at(first, patient.codes, day.codes.astype(np.int64))
    return np.append(day.values, np.nan)[first]


def start_at_day_zero(
    tables: Mapping[str, CodedRows],
    first: Floats,
    ledger: Ledger,
) -> dict[str, CodedRows]:
    """Move all days of a patient so that the first session is on day 0, and floor `observed_to_day`
    to whole weeks.

    Parameters
    ----------
    tables : mapping
        Table name to rows; codes of patients are shared by all.
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
            " days were moved so that it is. Where somebody had sessions before, record how many in"
            " prior_sessions of patients.csv."
        )
    return {name: _moved(name, rows, by) for name, rows in tables.items()}


def _moved(
    name: str,
    rows: CodedRows,
    by: Floats,
) -> CodedRows:
    """One table with its days counted from each patient's first session."""
    shift = by[rows["patient_id"].codes]
    if name != "patients":
        # A row without a day is a problem, and not among these any more.
        day = rows["day"].numbers - shift
        return rows.replaced({"day": coded_whole(day.astype(np.int32))})
    moved = {day: rows[day].numbers - shift for day in _columns(name)}
    # The exact end of the log, the same date for everybody, would tell when each patient began.
    weeks = np.floor(moved["observed_to_day"] / DAYS_IN_WEEK)
    moved["observed_to_day"] = weeks * DAYS_IN_WEEK
    coded = {}
    for name, days in moved.items():
        coded[name] = coded_numbers(days)
    return rows.replaced(coded)
