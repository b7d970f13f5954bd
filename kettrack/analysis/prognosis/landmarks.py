"""What was known of people before a session, and whether they had responded in the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.response.curve_words import TOLD_SESSION
from kettrack.analysis.response.exits import CAUSES, first_course_exits
from kettrack.arrays import Bools
from kettrack.timelines.derived import DerivedCohort

# Sessions after which somebody asks what will come; 0 = before the first one.
LANDMARKS: Final = (0, 2, 4)
# Of the patients table; a column without entries is left out.
NUMBERS: Final = ("age", "failed_antidepressants")
KINDS: Final = (
    "sex",
    "diagnosis",
    "anxiety",
    "ptsd",
    "substance_use",
    "psychotherapy",
)
_RESPONDED: Final = CAUSES.index("responded") + 1
# Who left so was not scored in time: whether there was a response is not known.
_NOT_KNOWN: Final = tuple(
    CAUSES.index(cause) + 1 for cause in ("not_scored", "scored_later")
)


@dataclass(frozen=True, slots=True)
class Landmark:
    """People who came to the next session without a response so far.

    Parameters
    ----------
    session : int
        Sessions they had had.
    known : DataFrame
        One row per person, by `patient_id`: what was known of them; missing where it was not.
    responded : bool, shape (people,)
        By session `TOLD_SESSION` of the first course.
    site : Series
        By `patient_id`; missing where not recorded.
    unknown : int
        People left out, since nobody knows whether they responded.
    """

    session: int
    known: pd.DataFrame
    responded: Bools
    site: pd.Series
    unknown: int


def landmark(cohort: DerivedCohort, session: int) -> Landmark:
    """Who came to the next session without a response, what was known, and what became of it."""
    exits = first_course_exits(cohort).set_index("patient_id")
    # A response after this session came before the next one, so that it is no forecast.
    there = exits[exits["step"] > session]
    step = there["step"]
    unscored = there["cause"].isin(_NOT_KNOWN)
    lost = unscored & (step <= TOLD_SESSION)
    # A log that ends before the session says nothing of it.
    open_end = there["cause"] == 0
    waiting = open_end & (step < TOLD_SESSION)
    unknown = lost | waiting
    counted = there[~unknown]
    in_time = counted["step"] <= TOLD_SESSION
    responded = (counted["cause"] == _RESPONDED) & in_time
    site = cohort.patients.set_index("patient_id")["site"]
    return Landmark(
        session=session,
        known=describe(cohort, session, counted.index),
        responded=responded.to_numpy(bool),
        site=site.loc[counted.index],
        unknown=int(unknown.sum()),
    )


def describe(cohort: DerivedCohort, session: int, people: pd.Index) -> pd.DataFrame:
    """What was known of people before the session after this one; a row each, by `patient_id`."""
    patients = cohort.patients.set_index("patient_id").loc[people]
    known = _known_at_start(cohort, patients)
    if session:
        known["percent_change"] = _last_change(cohort, session, people)
    return known


def _known_at_start(cohort: DerivedCohort, patients: pd.DataFrame) -> pd.DataFrame:
    """Baseline score and what the patients table says; numbers as floats, kinds as text."""
    baseline = pd.Series(cohort.baselines.score, cohort.patients["patient_id"])
    known = pd.DataFrame({"baseline": baseline.loc[patients.index]})
    for column in NUMBERS:
        values = patients[column].astype("Float64")
        if values.notna().any():
            known[column] = values.to_numpy(float, na_value=np.nan)
    for column in KINDS:
        kinds = patients[column]
        # Not being asked may say something as well, so it is a kind of its own.
        if kinds.notna().any():
            known[column] = kinds.astype("str").fillna("not recorded")
    return known


def _last_change(
    cohort: DerivedCohort, session: int, people: pd.Index
) -> pd.Series[float]:
    """Percent change at the last score before the next session; missing without one."""
    line = cohort.timeline
    so_far = (line["day"] > 0) & (line["sessions_to_date"] <= session)
    known = line["percent_change"].notna()
    rows = line[so_far & known]
    by_person = rows.groupby("patient_id", observed=True)
    # Rows rise by day within a patient, so the last one is the latest.
    last = by_person["percent_change"].last()
    return last.reindex(people).astype("float64")
