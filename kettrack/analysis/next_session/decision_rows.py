"""The decisions behind the answer on one more session as rows of single patients: what was decided,
what followed, its weight, and the history that is held equal.
"""

from __future__ import annotations

import pandas as pd

from kettrack.analysis.next_session.outcome_model import OutcomeModel
from kettrack.analysis.person_rows import finished, joined
from kettrack.arrays import Floats

HISTORY_ROWS = "history"
MODIFIER_ROWS = "modifier"


def decision_rows(
    name: str,
    model: OutcomeModel,
    codes: pd.Index,
) -> pd.DataFrame:
    """One row per decision: `time` (number of the session), `status` (whether the next one came in
    time), `weight`, `value` (the outcome; missing without one). Below them, in the same order, one
    row per decision and column of the history (curves `history_1` and so on), and of that part of
    it that may change the difference (`modifier_1` and so on), both with their `value`.

    Parameters
    ----------
    name : str
        Curve of the decisions themselves.
    model : OutcomeModel
        The fit behind the answer.
    codes : Index
        Of the patients, by place.
    """
    trials = model.trials
    same = pd.DataFrame(
        {
            "patient_id": codes[trials.patient],
            "time": trials.session,
        }
    )
    cause = pd.Series(trials.arm).map({True: "went_on", False: "paused"})
    decisions = same.assign(
        curve=name,
        status=pd.array(trials.arm, dtype="boolean"),
        cause=cause,
        weight=model.weights,
        value=trials.outcome,
    )
    parts = [
        decisions,
        *_columns(HISTORY_ROWS, model.history, same),
        *_columns(MODIFIER_ROWS, model.modifiers, same),
    ]
    return finished(joined(parts))


def _columns(
    name: str,
    columns: Floats,
    same: pd.DataFrame,
) -> list[pd.DataFrame]:
    return [
        same.assign(curve=f"{name}_{place}", value=column)
        for place, column in enumerate(columns.T, start=1)
    ]
