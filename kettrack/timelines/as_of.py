"""The cohort as it was known some weeks ago: nothing that was recorded later is left in it."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from kettrack.errors import NotIdentified, UsageError
from kettrack.reading.cohort import Cohort
from kettrack.settings import LAST_ROW
from kettrack.vocabulary.columns import DEATHS
from kettrack.vocabulary.days import DAYS_IN_WEEK
from kettrack.vocabulary.plain_words import agree


def as_of(
    cohort: Cohort,
    weeks_ago: int,
) -> Cohort:
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
        When no patient has an `observed_to_day`, or the folder's settings fill it in.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> cohort = load_cohort(sample_folder())
    >>> len(cohort.patients), len(as_of(cohort, 26).patients)
    (600, 397)
    """
    if weeks_ago < 0:
        raise UsageError(f"{weeks_ago} weeks ago lies in the future; give 0 or more.")
    if weeks_ago == 0:
        return cohort
    observed = _observed_to(cohort)
    # Last rows of different people lie in different weeks: going back from them meets no one week.
    chosen = cohort.settings.log_complete_to == LAST_ROW
    if len(observed) and (chosen or observed.isna().all()):
        raise NotIdentified(
            "observed_to_day is not recorded, so it is not known to which day a log is complete.",
            "observed_to_day for each patient.",
        )
    until = observed - DAYS_IN_WEEK * weeks_ago
    # day 0 is the first session: before it nobody had started
    started = (until >= 0).fillna(False)
    until = until[started]
    sessions = _rows_until(cohort.sessions, until)
    scores = _without_empty_items(_rows_until(cohort.scores, until))
    events = _rows_until(cohort.events, until)
    last = _last_rows(sessions, scores, events)
    known = f"as known {weeks_ago} weeks ago"
    settings = cohort.settings
    extract = f"{settings.extract}, {known}" if settings.extract else known
    note = _note(observed, until, weeks_ago)
    return replace(
        cohort,
        sessions=sessions,
        scores=scores,
        events=events,
        patients=_patients_until(cohort.patients, until, last),
        settings=replace(settings, extract=extract),
        notes=(*cohort.notes, note),
    )


def _note(observed: pd.Series, until: pd.Series, weeks_ago: int) -> str:
    """Who is left out, and why."""
    missing = observed.isna()
    unknown = int(missing.sum())
    known = len(observed) - unknown
    not_started = known - len(until)
    return agree(
        f"As known {weeks_ago} weeks ago. Left out: {not_started} patients who had not started by"
        f" then, and {unknown} patients without observed_to_day."
    )


def log_ends(cohort: Cohort) -> pd.Series:
    """Day to which each patient's log reaches: `observed_to_day`, or the last row of the log where
    that is later.

    Without `observed_to_day` nothing is known after the last row.

    Returns
    -------
    Series
        int64 by `patient_id`, in patient order.
    """
    observed = _observed_to(cohort)
    last = _last_rows(cohort.sessions, cohort.scores, cohort.events)
    last = last.reindex(observed.index).astype("Float64")
    both = pd.concat(
        [observed, last],
        axis=1,
    )
    # A missing one of the two is passed over.
    latest = both.max(axis=1)
    return latest.astype("int64")


def death_days(cohort: Cohort) -> pd.Series:
    """Day of each patient's death, of whatever cause; missing where none is recorded.

    Returns
    -------
    Series
        Float64 by `patient_id`, in patient order.
    """
    events = cohort.events
    # A log may hold the death and its cause as two rows.
    fatal = events["event"].isin(DEATHS)
    first = events[fatal].groupby("patient_id")["day"].min()
    patients = cohort.patients["patient_id"]
    of_everybody = first.reindex(patients)
    return of_everybody.astype("Float64")


def _observed_to(cohort: Cohort) -> pd.Series:
    """`observed_to_day` by patient, missing where it is not recorded."""
    patients = cohort.patients.set_index("patient_id")
    return patients["observed_to_day"].astype("Float64")


def _rows_until(frame: pd.DataFrame, until: pd.Series) -> pd.DataFrame:
    """Rows up to each patient's day; none of patients without one."""
    last_day = frame["patient_id"].map(until)
    in_time = (frame["day"] <= last_day).fillna(False)
    kept = frame[in_time]
    return kept.reset_index(drop=True)


def _without_empty_items(scores: pd.DataFrame) -> pd.DataFrame:
    """The reader keeps an item column only when it is filled anywhere."""
    items = scores.filter(regex="^item_")
    empty = items.columns[items.isna().all()]
    return scores.drop(columns=empty)


def _last_rows(*frames: pd.DataFrame) -> pd.Series:
    """Day of each patient's last row in any of the tables."""
    columns = ["patient_id", "day"]
    parts = [frame[columns] for frame in frames]
    rows = pd.concat(parts).groupby("patient_id")
    return rows["day"].max()


def _patients_until(
    patients: pd.DataFrame,
    until: pd.Series,
    last: pd.Series,
) -> pd.DataFrame:
    """Patients who had started, without what was recorded of them later."""
    started = patients["patient_id"].isin(until.index)
    out = patients[started].reset_index(drop=True)
    who = out["patient_id"]
    day = who.map(until).astype("Int64")
    last_row = who.map(last).astype("Int64")
    stop_day = out["stop_day"]
    stopped = (stop_day <= day).fillna(False)
    # a later contact was not known; the last row of the log stands for it
    contact = out["last_contact_day"]
    later = (contact > day).fillna(False)
    return out.assign(
        observed_to_day=day,
        last_contact_day=contact.where(~later, last_row),
        stop_day=stop_day.where(stopped),
        stop_reason=out["stop_reason"].where(stopped),
    )
