"""One row per patient: baseline, what happened first, after how many sessions, and why someone is
left out.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.timelines import kernels
from kettrack.timelines.bucket import Array, Bucket, category, map_blocks, typed_columns
from kettrack.timelines.events import (
    EVENTS,
    STATUSES,
    Baselines,
    EventRows,
    find_baselines,
    find_events,
    ratable,
)
from kettrack.vocabulary.rules import Criteria

EXCLUSIONS: Final = (
    "no_baseline",
    "below_caseness",
    "no_follow_up",
    "prior_sessions",
    "placebo",
)


def outcomes_of(
    bucket: Bucket,
    criteria: Criteria,
    baseline_rule: str = "last",
    sign: int = 1,
    wanted: tuple[str, ...] = EVENTS,
) -> pd.DataFrame:
    """Outcomes of every patient of a bucket: the path that a million patients take.

    Parameters
    ----------
    bucket : Bucket
        Scores of one instrument, and sessions.
    criteria : Criteria
        Rules for that instrument.
    baseline_rule : {"last", "mean", "worst"}
        Which score before the first session is the baseline.
    sign : int
        +1 where higher is worse.
    wanted : tuple of str
        Events to find.

    Returns
    -------
    DataFrame
        One row per patient in the order of the bucket: `patient_id` `included` `exclusion_reason`
        `baseline` `baseline_day` `n_sessions` `n_assessments` `end_day` (last known assessment),
        and for each event E `E_day` `E_session` `E_after_day` `E_status`. Days are nullable int32;
        events the criteria do not define are all missing, status none.
    """

    def find(block: Bucket) -> dict[str, Array]:
        baselines = find_baselines(block, baseline_rule, sign)
        events = find_events(block, criteria, baselines, wanted)
        return _arrays(block, criteria, baselines, events, wanted)

    return _typed(bucket.patient_id, map_blocks(find, bucket))


def outcome_rows(
    bucket: Bucket,
    criteria: Criteria,
    baselines: Baselines,
    events: dict[str, EventRows],
) -> pd.DataFrame:
    """The same table as `outcomes_of`, from baselines and events that are there already.

    Parameters
    ----------
    baselines : Baselines
        From `find_baselines`.
    events : dict of str to EventRows
        From `find_events`, every event.
    """
    arrays = _arrays(bucket, criteria, baselines, events, EVENTS)
    return _typed(bucket.patient_id, arrays)


def _arrays(
    bucket: Bucket,
    criteria: Criteria,
    baselines: Baselines,
    events: dict[str, EventRows],
    wanted: tuple[str, ...],
) -> dict[str, Array]:
    """Every column as a plain array: codes for categories, `MISSING_DAY` for a missing day."""
    # in the order of `EXCLUSIONS`
    faults = [
        np.isnan(baselines.score),
        ~ratable(baselines, criteria),
        baselines.n_assessments == 0,
    ]
    # one byte a patient: a wider type is slower for a million
    codes = list(np.arange(len(faults), dtype=np.int8))
    reason = np.select(faults, codes, np.int8(-1))
    columns = {
        "exclusion_reason": reason,
        "baseline": baselines.score,
        "baseline_day": baselines.day,
        "n_sessions": np.diff(bucket.session_offsets),
        "n_assessments": baselines.n_assessments,
        "end_day": baselines.last_day,
    }
    late = criteria.late_after_days
    for name in wanted:
        columns |= event_columns(bucket, name, events.get(name), late)
    return columns


def event_columns(
    bucket: Bucket, name: str, event: EventRows | None, late_after_days: int
) -> dict[str, Array]:
    """The four columns of one event, as plain arrays."""
    # an event that the criteria do not define is none for everybody
    if event is None:
        nowhere = np.full(bucket.n, kernels.MISSING_DAY, np.int32)
        return {
            f"{name}_day": nowhere,
            f"{name}_session": nowhere,
            f"{name}_after_day": nowhere,
            f"{name}_status": np.zeros(bucket.n, np.int8),
        }
    day, session, after_day = kernels.locate(
        event.row,
        event.after_row,
        bucket.score_day,
        bucket.score_after,
        bucket.session_offsets,
        bucket.session_day,
        late_after_days,
    )
    return {
        f"{name}_day": day,
        f"{name}_session": session,
        f"{name}_after_day": after_day,
        f"{name}_status": event.status,
    }


def _typed(patient_id: pd.Index, arrays: dict[str, Array]) -> pd.DataFrame:
    """Arrays as typed columns: categories for codes, missing days as missing."""
    reason = arrays.pop("exclusion_reason")
    columns = {
        "patient_id": patient_id,
        "included": reason < 0,
        "exclusion_reason": category(reason, EXCLUSIONS),
        **typed_columns(arrays, STATUSES),
    }
    # the arrays are nobody else's: no need to copy them
    return pd.DataFrame(columns, copy=False)


def leave_out(
    outcomes: pd.DataFrame,
    instrument: str,
    care: pd.DataFrame,
    reasons: dict[str, Array],
) -> pd.DataFrame:
    """Add care status, and the reasons to leave a patient out that stand in the log.

    Parameters
    ----------
    outcomes : DataFrame
        From `outcomes_of`; reasons that stand in the scores come first.
    instrument : str
        Its name.
    care : DataFrame
        From `courses.care_status`.
    reasons : dict of str to bool, shape (patients,)
        From `log_reasons`.
    """
    out = outcomes.copy(deep=False)
    # Columns are inserted, not appended: their order is that of the exported table.
    out.insert(1, "instrument", instrument)
    place = list(out.columns).index("end_day") + 1
    out.insert(place, "care_status", care["care_status"].to_numpy())
    out.insert(place + 1, "stop_reason", care["stop_reason"].to_numpy())
    reason = out["exclusion_reason"].cat.codes.to_numpy(copy=True)
    # reasons in the scores come first; the log only fills what is still open
    for name, applies in reasons.items():
        reason[(reason < 0) & applies] = EXCLUSIONS.index(name)
    out["exclusion_reason"] = category(reason, EXCLUSIONS)
    out["included"] = reason < 0
    return out


def log_reasons(sessions: pd.DataFrame, patients: pd.DataFrame) -> dict[str, Array]:
    """Reasons to leave a patient out that do not depend on scores: name -> bool per patient, in
    patient order.
    """
    prior = patients["prior_sessions"].astype("Float64").fillna(0) > 0
    return {
        "prior_sessions": prior.to_numpy(bool),
        "placebo": _began_with_placebo(sessions, patients),
    }


def _began_with_placebo(sessions: pd.DataFrame, patients: pd.DataFrame) -> Array:
    """Only the first drug tells: whoever begins with placebo is in a trial."""
    # In most clinics nobody was given any, which is told at a glance.
    if not (sessions["drug"] == "placebo").any():
        return np.zeros(len(patients), dtype=bool)
    first_drug = sessions.groupby("patient_id", sort=False)["drug"].first()
    drug = first_drug.reindex(patients["patient_id"])
    return (drug == "placebo").fillna(False).to_numpy(bool)
