"""The cohort as it was known some weeks ago: nothing that was recorded later is left in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from kettrack.errors import NotIdentified, UsageError
from kettrack.reading.cohort import Cohort


def as_of(cohort: Cohort, weeks_ago: int) -> Cohort:
    """Take away everything recorded later than so many weeks before each patient's
    `observed_to_day`.

    Parameters
    ----------
    cohort : Cohort
        As it came through the reader.
    weeks_ago : int
        0 = all that is known now, the cohort as it is: `observed_to_day` is floored to whole weeks,
        so the rows of the last days may lie after it.

    Returns
    -------
    Cohort
        Sessions, scores and events to that day; `observed_to_day` moved back; a later stop, its
        reason, and a later contact unknown again. Left out, and counted in the notes, are patients
        who had not started, and those without `observed_to_day`, of whom nobody can say what was
        known when.

    Raises
    ------
    UsageError
        For a number below 0.
    NotIdentified
        When no patient has an `observed_to_day`.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> cohort = load_cohort(sample_folder())
    >>> len(cohort.patients), len(as_of(cohort, 26).patients)
    (240, 159)
    """
    if weeks_ago < 0:
        raise UsageError(f"{weeks_ago} weeks ago lies in the future; give 0 or more.")
    if weeks_ago == 0:
        return cohort
    until = (
        cohort.patients.set_index("patient_id")["observed_to_day"].astype("Float64")
        - 7 * weeks_ago
    )
    if len(until) and until.isna().all():
        raise NotIdentified(
            "nobody's log says to which day it is complete.",
            "observed_to_day for each patient.",
        )
    until = until[(until >= 0).fillna(False).to_numpy(bool)]
    tables = {
        name: _rows_until(getattr(cohort, name), until)
        for name in ("sessions", "scores", "events")
    }
    tables["scores"] = _without_empty_items(tables["scores"])
    gone = len(cohort.patients) - len(until)
    known = f"as known {weeks_ago} weeks ago"
    note = (
        f"{known[0].upper()}{known[1:]}; {gone} patients who had not started, or without"
        " observed_to_day, are left out."
    )
    extract = ", ".join(filter(None, [cohort.settings.extract, known]))
    return replace(
        cohort,
        sessions=tables["sessions"],
        scores=tables["scores"],
        events=tables["events"],
        patients=_patients_until(cohort.patients, until, tables),
        settings=replace(cohort.settings, extract=extract),
        notes=(*cohort.notes, note),
    )


def as_of_days(cohort: Cohort) -> pd.Series:
    """Day on which each patient is looked at: `observed_to_day`, or the last row of the log where
    that is later.

    Returns
    -------
    Series
        int64 by `patient_id`, in patient order.
    """
    observed = cohort.patients.set_index("patient_id")["observed_to_day"].astype(
        "Float64"
    )
    last = _last_rows(cohort.sessions, cohort.scores, cohort.events).reindex(
        observed.index
    )
    return (
        pd.concat([observed, last.astype("Float64")], axis=1)
        .max(axis=1)
        .astype("int64")
    )


def _rows_until(frame: pd.DataFrame, until: pd.Series) -> pd.DataFrame:
    """Rows up to each patient's day; none of patients without one."""
    return frame[
        (frame["day"] <= frame["patient_id"].map(until)).fillna(False).to_numpy(bool)
    ].reset_index(drop=True)


def _without_empty_items(scores: pd.DataFrame) -> pd.DataFrame:
    """The reader keeps an item column only when it is filled anywhere."""
    items = [name for name in scores if str(name).startswith("item_")]
    return scores.drop(columns=[name for name in items if scores[name].isna().all()])


def _last_rows(*frames: pd.DataFrame) -> pd.Series:
    return (
        pd.concat([frame[["patient_id", "day"]] for frame in frames])
        .groupby("patient_id")["day"]
        .max()
    )


def _patients_until(
    patients: pd.DataFrame, until: pd.Series, tables: dict[str, pd.DataFrame]
) -> pd.DataFrame:
    out = patients[patients["patient_id"].isin(until.index)].reset_index(drop=True)
    day = out["patient_id"].map(until).to_numpy(np.int64)
    last = out["patient_id"].map(_last_rows(*tables.values())).astype("Int64")
    stopped = (out["stop_day"] <= day).fillna(False).to_numpy(bool)
    later = (out["last_contact_day"] > day).fillna(False).to_numpy(bool)
    return out.assign(
        observed_to_day=pd.array(day, dtype="Int64"),
        last_contact_day=out["last_contact_day"].where(~later, last),
        stop_day=out["stop_day"].where(stopped),
        stop_reason=out["stop_reason"].where(stopped),
    )
