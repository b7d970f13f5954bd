"""Dated events with the rule they come from and the scores that prove them."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.reading.cohort import Cohort
from kettrack.timelines.admissions import returns_by_event_row
from kettrack.timelines.bucket import Bucket, bucket_of, category, missing_to_na
from kettrack.timelines.events import (
    RETURNS,
    STATUSES,
    EventRows,
    day_at,
    find_baselines,
    find_events,
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


def state_events_table(cohort: Cohort) -> pd.DataFrame:
    """First occurrence of each event in each patient: one row per patient, instrument and event.

    Returns
    -------
    DataFrame
        Sorted by patient, day and event: `patient_id` `instrument` `event` `rule` (criteria,
        version, and the rule in words) `after_day` (the event lies in (after_day, day]; missing
        when no assessment showed the contrary) `day` `confirmed_day` (the score that proved it;
        missing while it waits) `session_number` (missing for a late event) `status` `proof` (the
        scores or the event row that show it, such as `day 21: 13; day 30: 12`).

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> sorted(set(state_events_table(load_cohort(sample_folder())).event))
    ['deterioration', 'loss_of_response', 'remission', 'response']
    """
    bucket = bucket_of(cohort)
    criteria = cohort.criteria
    baselines = find_baselines(bucket, cohort.settings.baseline, cohort.instrument.sign)
    found = find_events(bucket, criteria, baselines)
    parts = [_rows_of(bucket, criteria, name, event) for name, event in found.items()]
    if not parts:
        return pd.DataFrame(columns=list(COLUMNS))
    out = _with_event_rows(pd.concat(parts, ignore_index=True), cohort).assign(
        instrument=criteria.instrument
    )
    return out.sort_values(["patient_id", "day", "event"], ignore_index=True)[
        list(COLUMNS)
    ]


def _with_event_rows(scored: pd.DataFrame, cohort: Cohort) -> pd.DataFrame:
    """Put the return that an event row shows in the place of one that scores show later, or not for
    certain.
    """
    back = returns_by_event_row(cohort)
    if back.empty:
        return scored
    kept = scored[
        ~(scored["event"].isin(RETURNS) & scored["patient_id"].isin(back["patient_id"]))
    ]
    shown = back.assign(
        rule=f"{cohort.criteria.label}: {cohort.criteria.relapse}",
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
