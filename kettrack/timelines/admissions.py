"""Entries of the events table that count as a relapse by themselves: an admission, a suicide attempt (SUSTAIN-1)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kettrack.reading.cohort import Cohort
from kettrack.timelines.bucket import scores_of
from kettrack.vocabulary.rules import Criteria

_WELL_ENOUGH = ("single", "confirmed")


def merge_event_rows(outcomes: pd.DataFrame, cohort: Cohort) -> pd.DataFrame:
    """Date relapse, or recurrence, at an event row that comes before the scores show it.

    The day of an event row is exact, so its interval is (day - 1, day].

    Parameters
    ----------
    outcomes : DataFrame
        From `outcomes_of`.
    cohort : Cohort
        Its criteria say which rows count; most say none, and the frame comes back as it was.
    """
    rule = cohort.criteria.relapse
    if rule is None or not rule.event_rows or cohort.events.empty:
        return outcomes
    out = outcomes.set_index("patient_id", drop=False)
    chosen = cohort.events[cohort.events["event"].isin(rule.event_rows)]
    for patient, day in chosen[["patient_id", "day"]].sort_values(["day"]).itertuples(index=False):
        if _comes_first(out.loc[patient], day):
            _write(out, patient, day, _kind(cohort, patient, out.loc[patient, "remission_day"], day))
    return out.reset_index(drop=True)


def _comes_first(row: pd.Series, day: int) -> bool:
    """Whether the patient had remitted before that day and nothing proven brought the illness back sooner."""
    if row["remission_status"] not in _WELL_ENOUGH or day <= row["remission_day"]:
        return False
    proven = [row[f"{name}_day"] for name in ("relapse", "recurrence") if row[f"{name}_status"] in _WELL_ENOUGH]
    return all(day < other for other in proven)


def _kind(cohort: Cohort, patient: str, remission_day: int, day: int) -> str:
    """Relapse before recovery, recurrence after it; an unscored gap makes it a relapse, the earlier of the two names."""
    criteria: Criteria = cohort.criteria
    scores = scores_of(cohort, criteria.instrument).query("patient_id == @patient and score.notna()")["day"]
    known = scores[(scores >= remission_day) & (scores <= day)].to_numpy()
    recovered = known.size and known[-1] - remission_day >= criteria.recovery_days
    scored_through = known.size and np.diff(known).max(initial=0) <= criteria.recovery_max_gap
    return "recurrence" if recovered and scored_through else "relapse"


def _write(out: pd.DataFrame, patient: str, day: int, kind: str) -> None:
    for name in ("relapse", "recurrence"):
        out.loc[patient, [f"{name}_day", f"{name}_session", f"{name}_after_day"]] = pd.NA
        out.loc[patient, f"{name}_status"] = "none"
    out.loc[patient, [f"{kind}_day", f"{kind}_after_day"]] = [day, day - 1]
    out.loc[patient, f"{kind}_status"] = "single"
