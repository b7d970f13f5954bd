"""Dated events with the rule they come from and what proves them: scores, or an entry of the events
table that brings the illness back by itself (an admission, a suicide attempt; SUSTAIN-1).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.timelines.bucket import Array, Bucket, category, missing_to_na
from kettrack.timelines.events import (
    RETURNS,
    STATUSES,
    Baselines,
    EventRows,
    day_at,
    kind_of_return,
)
from kettrack.timelines.kernels import MISSING_DAY, NO_ROW, SINGLE
from kettrack.timelines.outcomes import event_columns
from kettrack.vocabulary.rules import Criteria, Rule

_COLUMNS: Final = (
    "patient_id",
    "instrument",
    "event",
    "rule",
    "after_day",
    "day",
    "confirmed_day",
    "session_number",
    "status",
    "proof",
)
_RETURN_COLUMNS: Final = (
    "patient_id",
    "event",
    "after_day",
    "day",
    "session_number",
    "what",
)
_NEVER: Final = np.iinfo(np.int32).max


def state_event_rows(
    bucket: Bucket,
    criteria: Criteria,
    found: dict[str, EventRows],
    back: pd.DataFrame,
) -> pd.DataFrame:
    """First occurrence of each event in each patient; see `tables.state_events_table`.

    Parameters
    ----------
    found : dict of str to EventRows
        From `find_events`.
    back : DataFrame
        Returns that an entry of the events table shows, from `returns_by_event_row`.
    """
    parts = [_rows_of(bucket, criteria, name, event) for name, event in found.items()]
    if not parts:
        return pd.DataFrame(columns=list(_COLUMNS))
    scored = pd.concat(parts, ignore_index=True)
    out = _with_event_rows(scored, criteria, back)
    out["instrument"] = criteria.instrument
    order = ["patient_id", "day", "event"]
    out = out.sort_values(order, ignore_index=True)
    return out[list(_COLUMNS)]


def _with_event_rows(
    scored: pd.DataFrame, criteria: Criteria, back: pd.DataFrame
) -> pd.DataFrame:
    """Put the return that an event row shows in the place of one that scores show later, or not for
    certain.
    """
    if back.empty:
        return scored
    brought_back = scored["patient_id"].isin(back["patient_id"])
    a_return = scored["event"].isin(RETURNS)
    kept = scored[~(a_return & brought_back)]
    single = np.full(len(back), SINGLE, np.int8)
    day = back["day"].astype("str")
    what = back["what"].str.replace("_", " ")
    shown = back.assign(
        rule=f"{criteria.label}: {criteria.relapse}",
        confirmed_day=back["day"],
        status=category(single, STATUSES),
        proof="day " + day + ": " + what,
    )
    shown = shown.drop(columns="what")
    return pd.concat([kept, shown], ignore_index=True)


def _rows_of(
    bucket: Bucket, criteria: Criteria, name: str, event: EventRows
) -> pd.DataFrame:
    """Those in whom the event was found, proven or waiting."""
    columns = event_columns(bucket, name, event, criteria.late_after_days)
    rule = getattr(criteria, "relapse" if name in RETURNS else name)
    days = {
        "after_day": columns[f"{name}_after_day"],
        "day": columns[f"{name}_day"],
        "confirmed_day": day_at(bucket, event.proof_row),
        "session_number": columns[f"{name}_session"],
    }
    frame = pd.DataFrame(
        {
            "patient_id": bucket.patient_id,
            "event": name,
            "rule": f"{criteria.label}: {rule}",
            **{name: missing_to_na(values) for name, values in days.items()},
            "status": category(event.status, STATUSES),
            "proof": _proofs(bucket, event),
        }
    )
    # one that still waits, or can no longer be confirmed, has a first row too
    return frame[event.first_row >= 0]


def _proofs(bucket: Bucket, event: EventRows) -> list[str]:
    """The known scores from the first of the run to the one that proved it, for each patient."""
    last_rows = np.maximum(event.proof_row, event.first_row)
    spans = zip(event.first_row, last_rows, strict=True)
    return [
        _scores_said(bucket, first, last) if first != NO_ROW else ""
        for first, last in spans
    ]


def _scores_said(bucket: Bucket, first: int, last: int) -> str:
    """Known scores from one row to another, such as `day 21: 13; day 30: 12`."""
    rows = first + np.flatnonzero(bucket.score_known[first : last + 1])
    said = [f"day {bucket.score_day[row]}: {bucket.score[row]:g}" for row in rows]
    return "; ".join(said)


def can_bring_back(events: pd.DataFrame, criteria: Criteria) -> bool:
    """Whether the criteria name event rows that are a relapse by themselves, and there are any."""
    rule = criteria.relapse
    return rule is not None and bool(rule.event_rows) and not events.empty


def no_returns() -> pd.DataFrame:
    """An empty table of returns."""
    return pd.DataFrame(columns=list(_RETURN_COLUMNS))


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
        `day` `session_number` (sessions before that day; missing more than
        `Criteria.late_after_days` after the last)
        `what` (the event row).
    """
    rule = criteria.relapse
    if rule is None or "remission" not in found:
        return no_returns()
    rows = _first_rows(bucket, illness_rows(events, rule), found)
    patient = rows["patient"].to_numpy()
    on = rows["day"].to_numpy()
    day = np.full(bucket.n, MISSING_DAY, np.int32)
    day[patient] = on
    kind = kind_of_return(bucket, criteria, rule, baselines, found["remission"], day)
    session = _session_at(bucket, patient, on, criteria.late_after_days)
    rows = rows.assign(
        event=np.array(RETURNS, object)[kind[patient]],
        # the day of an entry is exact: the day before, the patient was still well
        after_day=(rows["day"] - 1).astype("Int32"),
        day=rows["day"].astype("Int32"),
        session_number=missing_to_na(session),
    )
    return rows[list(_RETURN_COLUMNS)]


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
    # What scores show later is taken away under both names before the entry is written.
    out = outcomes.set_index("patient_id", drop=False)
    dates = ["after_day", "day", "session_number"]
    for name in ("relapse", "recurrence"):
        columns = [f"{name}_after_day", f"{name}_day", f"{name}_session"]
        everyone = back["patient_id"]
        out.loc[everyone, columns] = pd.NA
        out.loc[everyone, f"{name}_status"] = "none"
        here = back[back["event"] == name]
        out.loc[here["patient_id"], columns] = here[dates].to_numpy()
        out.loc[here["patient_id"], f"{name}_status"] = "single"
    return out.reset_index(drop=True)


def illness_rows(events: pd.DataFrame, rule: Rule) -> pd.DataFrame:
    """Rows that the rule names; an admission for a medical reason says nothing about the
    illness.
    """
    admitted = events["event"] == "hospitalisation"
    medical = admitted & (events["detail"] == "medical")
    named = events["event"].isin(rule.event_rows)
    return events[named & ~medical]


def _first_rows(
    bucket: Bucket, events: pd.DataFrame, found: dict[str, EventRows]
) -> pd.DataFrame:
    """First event row of each patient after remission and before any return that scores prove."""
    patient = bucket.patient_id.get_indexer(pd.Index(events["patient_id"]))
    # whichever return comes first, under any of its three names
    returns = [back for name, back in found.items() if name in RETURNS]
    well_from = _proven_day(bucket, found["remission"])
    back_on = np.minimum.reduce([_proven_day(bucket, back) for back in returns])
    # An entry on the day of remission is older than it; one on the day of a proven return adds
    # nothing.
    rows = events.assign(patient=patient, what=events["event"])
    after = rows["day"] > well_from[patient]
    before = rows["day"] < back_on[patient]
    rows = rows[after & before].sort_values(["patient", "day"], kind="stable")
    return rows.drop_duplicates("patient", ignore_index=True)


def _proven_day(bucket: Bucket, event: EventRows) -> Array:
    """Day of each patient's event; `_NEVER` where it is not proven."""
    return np.where(event.proven, day_at(bucket, event.row), _NEVER)


def _session_at(
    bucket: Bucket, patient: Array, day: Array, late_after_days: int
) -> Array:
    """Sessions before each day; `MISSING_DAY` when the last of them was too long ago."""
    out = np.full(patient.size, MISSING_DAY, np.int32)
    offsets = bucket.session_offsets
    for place, who in enumerate(patient):
        on = day[place]
        days = bucket.session_day[offsets[who] : offsets[who + 1]]
        before = days[days < on]
        if before.size and on - before[-1] <= late_after_days:
            out[place] = before.size
    return out
