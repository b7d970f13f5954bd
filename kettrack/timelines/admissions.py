"""Entries of the events table that bring the illness back by themselves: an admission, a suicide
attempt (SUSTAIN-1).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.timelines.bucket import Array, Bucket, missing_to_na
from kettrack.timelines.events import (
    RETURNS,
    Baselines,
    EventRows,
    day_at,
    kind_of_return,
)
from kettrack.timelines.kernels import MISSING_DAY
from kettrack.vocabulary.rules import Criteria, Rule

_NEVER: Final = np.iinfo(np.int32).max
_COLUMNS: Final = ("patient_id", "event", "after_day", "day", "session_number", "what")


def can_bring_back(events: pd.DataFrame, criteria: Criteria) -> bool:
    """Whether the criteria name event rows that are a relapse by themselves, and there are any."""
    rule = criteria.relapse
    return rule is not None and bool(rule.event_rows) and not events.empty


def no_returns() -> pd.DataFrame:
    """An empty table of returns."""
    return pd.DataFrame(columns=list(_COLUMNS))


def returns_by_event_row(
    events: pd.DataFrame,
    bucket: Bucket,
    criteria: Criteria,
    baselines: Baselines,
    found: dict[str, EventRows],
) -> pd.DataFrame:
    """Returns of the illness that an event row shows before the scores prove one.

    An event row counts when the criteria name it, it comes later than the day of remission, and no
    relapse, recurrence or return of unclear timing was proven by scores up to its day. An admission
    for a medical reason does not count; one without a stated reason does.

    Returns
    -------
    DataFrame
        One row per patient brought back that way: `patient_id` `event` (relapse, recurrence,
        return_timing_unclear) `after_day` (the day before, since the day of an event row is exact)
        `day` `session_number` (sessions before that day; missing more than 14 days after the last)
        `what` (the event row).
    """
    rule = criteria.relapse
    if rule is None or "remission" not in found:
        return no_returns()
    rows = _first_rows(bucket, _counted(events, rule), found)
    day = np.full(bucket.n, MISSING_DAY, np.int32)
    day[rows["patient"]] = rows["day"]
    kind = kind_of_return(bucket, criteria, rule, baselines, found["remission"], day)
    session = _session_at(
        bucket,
        rows["patient"].to_numpy(),
        rows["day"].to_numpy(),
        criteria.late_after_days,
    )
    rows = rows.assign(
        event=np.array(RETURNS, object)[kind[rows["patient"]]],
        after_day=(rows["day"] - 1).astype("Int32"),
        day=rows["day"].astype("Int32"),
        session_number=missing_to_na(session),
    )
    return rows[list(_COLUMNS)]


def merge_event_rows(outcomes: pd.DataFrame, back: pd.DataFrame) -> pd.DataFrame:
    """Date relapse and recurrence at the event row where that comes before the scores show it.

    Parameters
    ----------
    outcomes : DataFrame
        From `outcomes_of`, in the order of `cohort.patients`.
    back : DataFrame
        From `returns_by_event_row`; most criteria name no event rows, and the outcomes come back as
        they were.

    Returns
    -------
    DataFrame
        The same rows. A return of unclear timing leaves both relapse and recurrence empty; it
        stands in `state_events`.
    """
    if back.empty:
        return outcomes
    out = outcomes.set_index("patient_id", drop=False)
    for name in ("relapse", "recurrence"):
        dates = [f"{name}_after_day", f"{name}_day", f"{name}_session"]
        out.loc[back["patient_id"], dates] = pd.NA
        out.loc[back["patient_id"], f"{name}_status"] = "none"
        here = back[back["event"] == name]
        out.loc[here["patient_id"], dates] = here[
            ["after_day", "day", "session_number"]
        ].to_numpy()
        out.loc[here["patient_id"], f"{name}_status"] = "single"
    return out.reset_index(drop=True)


def _counted(events: pd.DataFrame, rule: Rule) -> pd.DataFrame:
    """Rows that the rule names; an admission for a medical reason says nothing about the
    illness.
    """
    medical = (events["event"] == "hospitalisation") & (events["detail"] == "medical")
    return events[events["event"].isin(rule.event_rows) & ~medical]


def _first_rows(
    bucket: Bucket, events: pd.DataFrame, found: dict[str, EventRows]
) -> pd.DataFrame:
    """First event row of each patient after remission and before any return that scores prove."""
    patient = bucket.patient_id.get_indexer(pd.Index(events["patient_id"]))
    well_from = np.where(
        found["remission"].proven, day_at(bucket, found["remission"].row), _NEVER
    )
    returns = [
        np.where(back.proven, day_at(bucket, back.row), _NEVER)
        for name, back in found.items()
        if name in RETURNS
    ]
    back_on = np.minimum.reduce(returns)
    rows = events.assign(patient=patient, what=events["event"])
    between = (rows["day"] > well_from[patient]) & (rows["day"] < back_on[patient])
    return (
        rows[between]
        .sort_values(["patient", "day"], kind="stable")
        .drop_duplicates("patient", ignore_index=True)
    )


def _session_at(
    bucket: Bucket, patient: Array, day: Array, late_after_days: int
) -> Array:
    """Sessions before each day; `MISSING_DAY` when the last of them was too long ago."""
    out = np.full(patient.size, MISSING_DAY, np.int32)
    for place, (who, on) in enumerate(zip(patient, day, strict=True)):
        days = bucket.session_day[
            bucket.session_offsets[who] : bucket.session_offsets[who + 1]
        ]
        before = days[days < on]
        if before.size and on - before[-1] <= late_after_days:
            out[place] = before.size
    return out
