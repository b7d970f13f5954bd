"""The person-level rows behind a curve or a share, so that somebody else can work it out again; and
those of one patient, and whether they may be shown.

A question hands the very exits that it counted to `Answer(rows=...)`; nothing is worked out a
second time for the export. `docs/rebuild.R` turns the rows back into figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Floats, Ints
from kettrack.errors import UsageError
from kettrack.privacy.policies import get_policy
from kettrack.timelines.derived import DerivedCohort

# In this order in every export; a later package may add columns behind them.
COLUMNS: Final = (
    "curve",
    "group",
    "patient_id",
    "start",
    "time",
    "status",
    "cause",
    "weight",
    "dated",
    "value",
)
# Of people whom a curve never had at risk: they are exported, and count nowhere.
NEVER_AT_RISK: Final = "never_at_risk"
LOG_ENDS: Final = "log_ends"


def exit_rows(
    curve: str,
    exits: pd.DataFrame,
    causes: Sequence[str],
    group: pd.Series | None = None,
    first_step: int = 1,
) -> pd.DataFrame:
    """Rows of a curve by the exits of its people: one row per person.

    Parameters
    ----------
    curve : str
        Which of the curves of an answer, as its columns or keys name it.
    exits : DataFrame
        `patient_id` (a column, or the index), `step` or `time` (when a person left), `cause` (0 =
        the log ended, else place in `causes` from 1).
    causes : sequence of str
        Why people leave.
    group : Series, optional
        Group of each person, by `patient_id`.
    first_step : int
        First step at which anybody can leave: 1 on the clock of sessions, 0 on that of days.
        Whoever left earlier never was at risk.

    Examples
    --------
    >>> exits = pd.DataFrame({"patient_id": ["a", "b"], "step": [2, 0], "cause": [1, 0]})
    >>> exit_rows("response", exits, ["responded"])[["time", "status", "cause"]].values.tolist()
    [[2, True, 'responded'], [0, False, 'never_at_risk']]
    """
    flat = exits if "patient_id" in exits else exits.rename_axis("patient_id")
    flat = flat.reset_index(drop="patient_id" in exits)
    time = flat["step"] if "step" in flat else flat["time"]
    cause = flat["cause"].to_numpy(np.int64)
    names = np.array([LOG_ENDS, *causes], dtype=object)[cause]
    names[time.to_numpy() < first_step] = NEVER_AT_RISK
    rows = pd.DataFrame(
        {
            "curve": curve,
            "patient_id": flat["patient_id"],
            "time": time,
            "status": cause > 0,
            "cause": names,
            "weight": 1.0,
            "dated": time,
        }
    )
    if group is not None:
        rows["group"] = rows["patient_id"].map(group.astype("object"))
    return rows.reindex(columns=list(COLUMNS))


def share_rows(
    curve: str,
    people: Sequence[object] | pd.Index,
    has: Bools,
    unknown: Sequence[object] = (),
) -> pd.DataFrame:
    """Rows of a share: one row per person, with neither time nor end.

    Parameters
    ----------
    curve : str
        As the answer's rows name it.
    people : sequence
        Patient codes of those who count.
    has : bool, shape (people,)
        Whether each is in the state.
    unknown : sequence
        Codes of those of whom it is not known; they stand in the bounds alone.
    """
    known = pd.DataFrame(
        {
            "patient_id": list(people),
            "status": pd.array(np.asarray(has, bool), dtype="boolean"),
            "cause": np.where(has, curve, ""),
        }
    )
    others = pd.DataFrame({"patient_id": list(unknown), "cause": "not_scored"})
    both = pd.concat([known, others], ignore_index=True) if len(others) else known
    both = both.assign(curve=curve, weight=1.0)
    return both.reindex(columns=list(COLUMNS))


def state_rows(
    flags: Mapping[str, Bools],
    people: Sequence[object] | pd.Index,
    unknown: Sequence[object],
) -> pd.DataFrame:
    """`share_rows` of several states of the same people, one below the other."""
    return joined(
        [share_rows(key, people, flag, unknown) for key, flag in flags.items()]
    )


def joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Exports one below the other; columns that say nothing in any of them are left out."""
    filled = [part.dropna(axis=1, how="all") for part in parts if len(part)]
    if not filled:
        return pd.DataFrame(columns=list(COLUMNS))
    rows = pd.concat(filled, ignore_index=True)
    return rows[[name for name in COLUMNS if name in rows]]


def weighted_rows(
    curve: str,
    people: pd.Index,
    until: Ints,
    dated: Floats,
    weights: Floats,
    days: Ints,
) -> pd.DataFrame:
    """Rows of a curve whose weights change from day to day: one row per person and stretch between
    two days on which a loss became known, and one for the rest of the time at risk.

    Parameters
    ----------
    curve : str
        As the answer names it.
    people : Index
        Patient codes, n of them.
    until : int64, shape (n,)
        Day to which each person is at risk.
    dated : float64, shape (n,)
        Day on which the loss that became known on `until` counts; NaN without one.
    weights : float64, shape (n, days)
        Weight of each person on each day.
    days : int64, shape (days,)
        Days on which a loss became known, rising.
    """
    person, place = np.nonzero(until[:, None] >= days)
    before = np.append(-1, days)
    # After the last of these days nothing is told any more, whatever the weight.
    n_days = np.searchsorted(days, until, "right")
    rest = np.flatnonzero(until > before[n_days])
    last = np.column_stack([np.ones(len(people)), weights])[rest, n_days[rest]]
    whose = np.append(person, rest)
    time = np.append(days[place], until[rest])
    lost = ~np.isnan(dated[whose]) & (time == until[whose])
    rows = pd.DataFrame(
        {
            "curve": curve,
            "patient_id": people[whose],
            "start": np.append(before[place], before[n_days[rest]]),
            "time": time,
            "status": lost,
            "cause": np.where(lost, "lost", LOG_ENDS),
            "weight": np.append(weights[person, place], last),
            "dated": np.where(lost, dated[whose], time),
        }
    )
    return rows.sort_values(["patient_id", "start"], ignore_index=True)


def finished(rows: pd.DataFrame) -> pd.DataFrame:
    """An export as it is handed out: every column of `COLUMNS` in its order; times that are whole
    numbers are written as such.
    """
    rows = rows.reindex(columns=list(COLUMNS))
    times = rows[["start", "time", "dated"]].astype("Float64")
    # An interval between two scores may begin half a day before its end.
    whole = [name for name in times if (times[name].dropna() % 1 == 0).all()]
    return rows.assign(**times.astype(dict.fromkeys(whole, "Int64")))


def rows_of(
    frame: pd.DataFrame,
    patient_id: str,
) -> pd.DataFrame:
    """Rows of one patient, numbered from 0."""
    # Through an array of numpy: a nullable column answers with missing truths.
    own = (frame["patient_id"] == patient_id).to_numpy(bool)
    return frame[own].reset_index(drop=True)


def require_internal(cohort: DerivedCohort, what: str) -> None:
    """Stop where `what`, which shows a single patient, would leave the clinic.

    Raises
    ------
    UsageError
        Under a release policy.
    """
    if get_policy(cohort.policy).for_release:
        raise UsageError(
            f"A {what} shows a single patient, so it is made under the policy internal only."
        )


def require_patient(cohort: DerivedCohort, patient_id: str) -> None:
    """Stop where the cohort has no such patient.

    Raises
    ------
    UsageError
        Which does not repeat the code: it may be a name, typed by mistake.
    """
    if patient_id not in set(cohort.patients["patient_id"]):
        raise UsageError(
            "No patient of the cohort has this code. The codes stand in patient_id of sessions.csv."
        )
