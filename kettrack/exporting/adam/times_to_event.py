"""ADTTE: one record per patient and event, from the day on which it could first happen."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Bools
from kettrack.exporting.data_sets import DATA_SETS
from kettrack.exporting.words import (
    CENSORED_LAST_SCORE,
    CENSORED_NEVER_SCORED,
    CENSORED_NOT_PROVEN,
    CENSORED_OTHER_RETURN,
    CENSORED_WORDS,
    TIMES,
    TimeTo,
    study_days,
)
from kettrack.timelines.bucket import missing_to_na
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.events import RETURNS, day_at
from kettrack.timelines.kernels import NO_ROW

# AVAL = ADY - STARTDY + 1, as the standard counts: an event on the first day has the time 1.
FIRST_DAY: Final = 1
_PROVEN: Final = ("single", "confirmed")
_WAITING: Final = ("pending", "unconfirmable")


def time_rows(
    cohort: DerivedCohort,
    study: str,
) -> pd.DataFrame:
    """The records of ADTTE. An event that the rules in force do not define has none.

    Parameters
    ----------
    cohort : DerivedCohort
        Of any size.
    study : str
        Name of the study.
    """
    outcomes = cohort.outcomes.reset_index(drop=True)
    rated = np.asarray(cohort.rated, bool)
    parts = []
    for one in TIMES:
        if is_defined(cohort, one):
            people = _could_happen(outcomes, rated, one)
            other = _other_return(cohort, outcomes, one)
            parts.append(_rows_of(outcomes[people], one, other[people]))
    if not parts:
        nothing: list[str] = []
        return DATA_SETS["ADTTE"].frame(
            dict.fromkeys(DATA_SETS["ADTTE"].names, nothing)
        )
    found = pd.concat(parts, ignore_index=True).assign(STUDYID=study, AVALU="DAYS")
    found["PARAMN"] = found["PARAMCD"].map(
        {one.code: place for place, one in enumerate(TIMES, start=1)}
    )
    # Patients in the order of the cohort, which is that of their codes.
    found = found.sort_values(["USUBJID", "PARAMCD"], kind="stable", ignore_index=True)
    return DATA_SETS["ADTTE"].frame(
        {name: found[name] for name in DATA_SETS["ADTTE"].names}
    )


def is_defined(cohort: DerivedCohort, time: TimeTo) -> bool:
    """Whether the rules in force define an event, and the one from which it counts."""
    # One rule defines both returns; how long somebody was well tells which of them it is.
    rule = "relapse" if time.event == "recurrence" else time.event
    needed = [rule, time.origin] if time.origin else [rule]
    return all(getattr(cohort.criteria, name) is not None for name in needed)


def _could_happen(
    outcomes: pd.DataFrame,
    rated: Bools,
    time: TimeTo,
) -> Bools:
    if not time.origin:
        return rated
    return rated & _has(outcomes[f"{time.origin}_status"], _PROVEN)


def _has(status: pd.Series, words: tuple[str, ...]) -> Bools:
    return np.asarray(status.isin(words), bool)


def _other_return(
    cohort: DerivedCohort,
    outcomes: pd.DataFrame,
    time: TimeTo,
) -> pd.Series:
    """Day on which the illness came back in another way than the event says; missing where it did
    not, and for events that are no return.
    """
    never = pd.Series(pd.NA, index=outcomes.index, dtype="Int64")
    if time.event not in RETURNS:
        return never
    first = never
    for name in RETURNS:
        if name == time.event:
            continue
        # Of the three ways one has no columns among the outcomes.
        if f"{name}_day" in outcomes:
            proven = _has(outcomes[f"{name}_status"], _PROVEN)
            day = outcomes[f"{name}_day"].astype("Int64").where(proven)
        else:
            day = _unclear(cohort, name)
        first = first.fillna(day)
    return first


def _unclear(cohort: DerivedCohort, name: str) -> pd.Series:
    """Day of a proven return of that name, as scores or an entry of the events table show it."""
    found = cohort.event_rows[name]
    row = np.where(found.proven, found.row, NO_ROW)
    by_scores = pd.Series(missing_to_na(day_at(cohort.bucket, row)), dtype="Int64")
    returns = cohort.returns
    told = returns[returns["event"] == name].set_index("patient_id")["day"]
    by_entry = cohort.outcomes["patient_id"].map(told).reset_index(drop=True)
    # An entry stands among the returns only where it came before the scores showed it.
    return by_entry.astype("Int64").fillna(by_scores)


def _rows_of(
    outcomes: pd.DataFrame,
    time: TimeTo,
    other: pd.Series,
) -> pd.DataFrame:
    """The records of one event."""
    status = outcomes[f"{time.event}_status"]
    event = _has(status, _PROVEN)
    waiting = _has(status, _WAITING)
    never = np.asarray(outcomes["end_day"].isna()) & ~event
    start = pd.Series(0, index=outcomes.index, dtype="Int64")
    if time.origin:
        start = outcomes[f"{time.origin}_day"].astype("Int64")
    seen = outcomes[f"{time.event}_day"].astype("Int64")
    before = outcomes[f"{time.event}_after_day"].astype("Int64")
    last = outcomes["end_day"].astype("Int64")
    day = last.mask(waiting, before).mask(event, seen)
    competing = np.asarray(other.notna()) & ~event
    day = day.mask(competing, other)
    # Without any score that tells the contrary, nothing is known beyond the first day.
    day = day.fillna(start).clip(lower=start)
    reason = np.select(
        [event, competing, never, waiting],
        [
            0,
            CENSORED_OTHER_RETURN,
            CENSORED_NEVER_SCORED,
            CENSORED_NOT_PROVEN,
        ],
        CENSORED_LAST_SCORE,
    )
    words = pd.Series(reason, index=outcomes.index).map(CENSORED_WORDS)
    return pd.DataFrame(
        {
            "USUBJID": outcomes["patient_id"],
            "PARAMCD": time.code,
            "PARAM": time.param,
            "STARTDY": study_days(start),
            "ADY": study_days(day),
            "AVAL": day - start + FIRST_DAY,
            "CNSR": reason,
            "EVENT": event.astype(np.int64),
            "EVNTDESC": pd.Series(time.words.upper(), index=outcomes.index).where(
                event
            ),
            "CNSDTDSC": words.mask(event),
            "LODY": study_days(before).where(event),
            "SESSN": outcomes[f"{time.event}_session"].astype("Int64").where(event),
            "STATUS": status.astype("str").str.upper(),
        }
    )
