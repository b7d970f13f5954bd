"""Text tables in, one plain value per patient out, so that a test reads as the rule it tests.

A table has a header and one row per line; `|` separates cells, `#` starts a comment, an empty cell
is a missing value. Without a sessions table each patient has one session, on day 0. Unless a test
says otherwise, the scale is the PHQ-9 under kettrack's convention: 0 to 27, a case from 10,
response at half of the baseline, remission at 4 or less.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from read_once import own_tables

from kettrack import Cohort, cohort_from_frames, published_rules_table
from kettrack.settings import Settings
from kettrack.timelines.derived import derive
from kettrack.timelines.tables import outcomes_table, state_events_table, timeline_table

# Tests of one file ask about the same clinic again and again: text and settings -> cohort.
_READ: dict[tuple[str, ...], Cohort] = {}


def read(text: str) -> pd.DataFrame:
    """Text table to frame, all cells text; an empty cell is missing."""
    lines = [line.partition("#")[0] for line in text.splitlines()]
    rows = [
        [cell.strip() or None for cell in line.split("|")]
        for line in lines
        if line.strip()
    ]
    return pd.DataFrame(rows[1:], columns=rows[0])


def cohort(
    scores: str,
    sessions: str = "",
    patients: str = "",
    events: str = "",
    **settings: Any,
) -> Cohort:
    """Cohort from text tables; `sessions` has columns `patient | days`, the days separated by
    blanks.
    """
    chosen = Settings(**settings)
    asked = (scores, sessions, patients, events, repr(chosen))
    if asked not in _READ:
        _READ[asked] = _cohort(scores, sessions, patients, events, chosen)
    return own_tables(_READ[asked])


def _cohort(
    scores: str, sessions: str, patients: str, events: str, chosen: Settings
) -> Cohort:
    scored = _named(scores)
    if "instrument" not in scored:
        scored["instrument"] = chosen.instrument
    days = (
        _named(sessions)
        if sessions
        else scored[["patient_id"]].drop_duplicates().assign(days="0")
    )
    given = days.assign(day=days.pop("days").str.split()).explode("day")
    more = [_named(text) if text else None for text in (patients, events)]
    return cohort_from_frames(given, scored, *more, settings=chosen)


def _named(text: str) -> pd.DataFrame:
    return read(text).rename(columns={"patient": "patient_id"})


def plain(value: Any) -> Any:
    """A cell as a Python value: None for missing, whole numbers as int."""
    if (
        value is None
        or value is pd.NA
        or (isinstance(value, float) and np.isnan(value))
    ):
        return None
    if isinstance(value, (float, np.floating)):
        return int(value) if float(value).is_integer() else round(float(value), 6)
    return value.item() if isinstance(value, np.generic) else value


def one_each(table: pd.DataFrame, *columns: str) -> dict[str, Any]:
    """Patient -> cell, or tuple of cells; the table has one row per patient."""
    assert table["patient_id"].is_unique
    cells = {
        row["patient_id"]: tuple(plain(row[name]) for name in columns)
        for row in table.to_dict("records")
    }
    return {
        patient: row[0] if len(columns) == 1 else row for patient, row in cells.items()
    }


def all_of(table: pd.DataFrame, column: str) -> dict[str, list[Any]]:
    """Patient -> every cell of a column, in the order of the table."""
    return {
        str(patient): [plain(cell) for cell in rows[column]]
        for patient, rows in table.groupby("patient_id", sort=False)
    }


def found(event: str, clinic: Cohort) -> dict[str, Any]:
    """Patient -> (status, day, confirming day) of an event; None where it did not happen; else why
    the patient is left out.

    Status and day come from `outcomes`, the confirming day from `state_events`; the two tables must
    tell the same.
    """
    derived = derive(clinic)
    events = state_events_table(derived)
    shown = one_each(events[events["event"] == event], "status", "day", "confirmed_day")
    result: dict[str, Any] = {}
    for row in outcomes_table(derived).to_dict("records"):
        patient = row["patient_id"]
        status = row[f"{event}_status"]
        assert (status == "none") == (patient not in shown)
        if status != "none":
            assert (status, plain(row[f"{event}_day"])) == shown[patient][:2]
        result[patient] = shown.get(patient, plain(row["exclusion_reason"]))
    return result


def outcomes(clinic: Cohort, *columns: str) -> dict[str, Any]:
    """Patient -> cells of the outcomes table."""
    return one_each(outcomes_table(clinic), *columns)


def interval(event: str, clinic: Cohort) -> dict[str, Any]:
    """Patient -> (after_day, day): the event lies after the first and not after the second."""
    return outcomes(clinic, f"{event}_after_day", f"{event}_day")


def timeline(clinic: Cohort, column: str) -> dict[str, list[Any]]:
    """Patient -> a column of the timeline, one entry per score."""
    return all_of(timeline_table(clinic), column)


def verdicts(rule: str, clinic: Cohort, also: tuple[str, ...] = ()) -> dict[str, Any]:
    """Patient -> (verdict, or why there is none; the scores that decide) under a published rule
    that rates a patient once.
    """
    table = published_rules_table(clinic, also)
    table = table[table["rule"].str.startswith(f"{rule} (")]
    verdict = table["verdict"].astype(object).fillna(table["reason"].astype(object))
    return one_each(table.assign(verdict=verdict), "verdict", "proof")


def said(rule: str, clinic: Cohort, also: tuple[str, ...] = ()) -> dict[str, str]:
    """Patient -> verdict, or why there is none."""
    return {
        patient: cells[0] for patient, cells in verdicts(rule, clinic, also).items()
    }
