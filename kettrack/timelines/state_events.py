"""Dated events with the rule they come from and the scores that prove them."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.timelines.bucket import Bucket, category, missing_to_na
from kettrack.timelines.events import (
    RETURNS,
    STATUSES,
    EventRows,
    day_at,
)
from kettrack.timelines.outcomes import event_columns
from kettrack.vocabulary.rules import Criteria

COLUMNS: Final = (
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
        return pd.DataFrame(columns=list(COLUMNS))
    out = _with_event_rows(pd.concat(parts, ignore_index=True), criteria, back).assign(
        instrument=criteria.instrument
    )
    return out.sort_values(["patient_id", "day", "event"], ignore_index=True)[
        list(COLUMNS)
    ]


def _with_event_rows(
    scored: pd.DataFrame, criteria: Criteria, back: pd.DataFrame
) -> pd.DataFrame:
    """Put the return that an event row shows in the place of one that scores show later, or not for
    certain.
    """
    if back.empty:
        return scored
    kept = scored[
        ~(scored["event"].isin(RETURNS) & scored["patient_id"].isin(back["patient_id"]))
    ]
    shown = back.assign(
        rule=f"{criteria.label}: {criteria.relapse}",
        confirmed_day=back["day"],
        status=pd.Categorical(
            ["single"] * len(back), categories=list(STATUSES), ordered=True
        ),
        proof="day "
        + back["day"].astype("str")
        + ": "
        + back["what"].str.replace("_", " "),
    )
    return pd.concat([kept, shown.drop(columns="what")], ignore_index=True)


def _rows_of(
    bucket: Bucket, criteria: Criteria, name: str, event: EventRows
) -> pd.DataFrame:
    columns = event_columns(bucket, name, event, criteria.late_after_days)
    rule = getattr(criteria, "relapse" if name in RETURNS else name)
    frame = pd.DataFrame(
        {
            "patient_id": bucket.patient_id,
            "event": name,
            "rule": f"{criteria.label}: {rule}",
            "after_day": missing_to_na(columns[f"{name}_after_day"]),
            "day": missing_to_na(columns[f"{name}_day"]),
            "confirmed_day": missing_to_na(day_at(bucket, event.proof_row)),
            "session_number": missing_to_na(columns[f"{name}_session"]),
            "status": category(event.status, STATUSES),
            "proof": _proofs(bucket, event),
        }
    )
    return frame[event.first_row >= 0]


def _proofs(bucket: Bucket, event: EventRows) -> list[str]:
    """The known scores from the first of the run to the one that proved it."""
    texts = []
    last_rows = np.maximum(event.proof_row, event.first_row)
    for first, last in zip(event.first_row, last_rows, strict=True):
        rows = [
            row
            for row in range(first, last + 1)
            if first >= 0 and bucket.score_known[row]
        ]
        texts.append(
            "; ".join(
                f"day {bucket.score_day[row]}: {bucket.score[row]:g}" for row in rows
            )
        )
    return texts
