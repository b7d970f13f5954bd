"""PHQ-9 scores against sessions, plainly counted: what calibration measures on, apart from the code
that it later tests.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kettrack.simulation.cohort import Simulated
from kettrack.vocabulary.instruments import PHQ9

BASELINE_DAYS = 30
AFTER_SESSION_DAYS = 14  # a score belongs to a session for so long
WINDOW = (14, 31)  # McInnes 2022: days after the course
# McInnes 2022: 4 to 8 sessions within 28 days
FEWEST_SESSIONS = 4
COURSE_DAYS = 28
CASE = 10
_PATIENT = 100_000  # width of a patient's block of sort keys


@dataclass(frozen=True, slots=True)
class Aligned:
    """A cohort ready to be counted.

    Parameters
    ----------
    scores : DataFrame
        One row per complete PHQ-9: `who` `day` `score` `item_9` `to_date` (sessions before it)
        `since` (days since the last) `baseline`.
    patients : DataFrame
        One row per patient: `n_sessions` `planned` `baseline` `course_sessions` `course_day` (last
        session of the first course) `last_day` `seen_to` `rated` (baseline a case, no sessions
        elsewhere before).
    sessions : DataFrame
        One row per session: `who` `day` `number`.
    """

    scores: pd.DataFrame
    patients: pd.DataFrame
    sessions: pd.DataFrame


def align_simulated(simulated: Simulated) -> Aligned:
    """Count sessions before each score, and add baseline and first course."""
    code = pd.Series(
        np.arange(len(simulated.patients)), index=simulated.patients.patient_id
    )
    sessions = pd.DataFrame(
        {"who": simulated.sessions.patient_id.map(code), "day": simulated.sessions.day}
    )
    sessions["number"] = sessions.groupby("who").cumcount() + 1
    scores = _scores(simulated, code, sessions)
    patients = _patients(simulated, sessions, scores)
    return Aligned(
        scores.join(patients[["baseline", "rated", "course_day"]], on="who"),
        patients,
        sessions,
    )


def _scores(
    simulated: Simulated, code: pd.Series, sessions: pd.DataFrame
) -> pd.DataFrame:
    rows = simulated.scores[
        (simulated.scores.instrument == PHQ9.name) & simulated.scores.score.notna()
    ]
    after = rows.timing.eq("after").to_numpy()
    scores = pd.DataFrame(
        {"who": rows.patient_id.map(code).to_numpy(), "day": rows.day.to_numpy()}
    )
    scores["score"] = rows.score.to_numpy(float)
    scores["item_9"] = rows.item_9.to_numpy(float) if "item_9" in rows else np.nan
    # A session stands between the scores before and after it on the same day.
    scores["at"] = scores.who * _PATIENT + 2 * scores.day + np.where(after, 2, 0)
    scores = scores.sort_values("at", kind="stable", ignore_index=True)
    keys = sessions.who.to_numpy() * _PATIENT + 2 * sessions.day.to_numpy() + 1
    before = np.searchsorted(keys, scores["at"])
    scores["to_date"] = before - np.searchsorted(keys, scores.who * _PATIENT)
    last = sessions.day.to_numpy()[np.maximum(before - 1, 0)]
    scores["since"] = np.where(scores.to_date > 0, scores.day - last, np.nan)
    return scores.drop(columns="at")


def _patients(
    simulated: Simulated, sessions: pd.DataFrame, scores: pd.DataFrame
) -> pd.DataFrame:
    table = simulated.patients
    patients = pd.DataFrame(
        {
            "planned": table.planned_sessions.to_numpy(),
            "seen_to": table.observed_to_day.to_numpy(),
        }
    )
    patients["n_sessions"] = sessions.groupby("who").size()
    patients["last_day"] = sessions.groupby("who").day.max()
    first = (
        scores[(scores.to_date == 0) & (scores.day >= -BASELINE_DAYS)]
        .groupby("who")
        .last()
    )
    patients["baseline"], patients["baseline_item_9"] = first.score, first.item_9
    patients["rated"] = (patients.baseline >= CASE) & (
        table.prior_sessions.to_numpy() == 0
    )
    patients["course_sessions"] = np.minimum(patients.n_sessions, patients.planned)
    at_end = sessions[sessions.number == sessions.who.map(patients.course_sessions)]
    patients["course_day"] = at_end.set_index("who").day
    return patients


def after_session(aligned: Aligned, session: int) -> pd.DataFrame:
    """One row per rated patient with a score after `session`, before the next, at most 14 days
    later: the last of these.
    """
    scores = aligned.scores
    near = (
        scores.rated
        & (scores.to_date == session)
        & (scores.since <= AFTER_SESSION_DAYS)
    )
    return scores[near].groupby("who").last()


def after_course(aligned: Aligned) -> pd.DataFrame:
    """One row per rated patient with a score 14-31 days after four or more sessions within 28 days:
    the last one there.
    """
    scores = aligned.scores
    patients = aligned.patients
    finished = (
        patients.rated
        & (patients.course_sessions >= FEWEST_SESSIONS)
        & (patients.course_day <= COURSE_DAYS)
    )
    since = scores.day - scores.course_day
    return (
        scores[scores.who.map(finished) & since.between(*WINDOW)].groupby("who").last()
    )


def finished_course(aligned: Aligned) -> pd.Series:
    """Whether each patient is rated, had four sessions within 28 days, and was in view to the end
    of the window.
    """
    patients = aligned.patients
    course = (patients.course_sessions >= FEWEST_SESSIONS) & (
        patients.course_day <= COURSE_DAYS
    )
    return (
        patients.rated & course & (patients.seen_to >= patients.course_day + WINDOW[1])
    )
