"""`simulate`: a parameter set turned into the four tables that come in, with the truth beside
them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Floats, Objects
from kettrack.simulation.detail import DETAIL, ROUTE, Detail
from kettrack.simulation.doses import draw_doses
from kettrack.simulation.history import History, run
from kettrack.simulation.measures import gad7_rows, madrs_rows, phq9_rows
from kettrack.simulation.missing import lose_final_scores
from kettrack.simulation.parameters import Parameters
from kettrack.simulation.records import (
    add_endings,
    draw_characteristics,
    draw_events,
    pick,
)
from kettrack.simulation.safety import describe_sessions
from kettrack.simulation.scoring import TIMING_NAMES
from kettrack.vocabulary.columns import (
    EVENT_ROWS,
    PATIENTS,
    SCORES,
    SESSIONS,
    STOP_REASONS,
)
from kettrack.vocabulary.instruments import PHQ9

# after the two of `run`; children do not depend on how many there are
DETAIL_STREAMS = 4
LOSS_STREAM = 6
HARD_SESSION_EVENT = "nausea"
FEWEST_DIGITS = 3  # S001
# share of sessions with psychotherapy in those who have it, assumption
WITH_PSYCHOTHERAPY = 0.5
SESSION_KEY = ["patient_id", "day"]
SCORE_KEY = ["patient_id", "instrument", "day", "timing"]


@dataclass(frozen=True, slots=True)
class Simulated:
    """A synthetic cohort and what is true of it.

    Parameters
    ----------
    sessions, scores, patients, events : DataFrame
        As in a cohort folder, columns in the order of the vocabulary.
    people : DataFrame
        Truth, one row per patient: `patient_id` `level` (the own long-run level) `responsiveness`
        `stop_reason` (empty while in care).
    severity : DataFrame
        Truth, one row per PHQ-9 score: `patient_id` `day` `timing` `severity` and, without
        sessions, `natural`.
    parameters : Parameters
        The clinic.
    seed : int
        Of the run.
    regime : int or None
        Forced number of sessions.
    """

    sessions: pd.DataFrame
    scores: pd.DataFrame
    patients: pd.DataFrame
    events: pd.DataFrame
    people: pd.DataFrame
    severity: pd.DataFrame
    parameters: Parameters
    seed: int
    regime: int | None = None


def name_patients(n: int) -> Objects:
    """Study codes `S001`, `S002`, ...: people are drawn in no order, so the number says nothing."""
    digits = max(FEWEST_DIGITS, len(str(n)))
    return np.array([f"S{i:0{digits}d}" for i in range(1, n + 1)], dtype=object)


def _ordered(
    table: pd.DataFrame, columns: tuple[str, ...], key: list[str]
) -> pd.DataFrame:
    """Columns of the vocabulary that are there, in its order; rows by key."""
    kept = table[[name for name in columns if name in table]]
    return kept.sort_values(key, kind="stable", ignore_index=True)


def _base_scores(history: History, ids: Objects) -> pd.DataFrame:
    log = history.scores
    timing = np.array(TIMING_NAMES, dtype=object)[log.timing]
    return pd.DataFrame({"patient_id": ids[log.who], "day": log.day, "timing": timing})


def _weights(sex: pd.Series, detail: Detail, rng: np.random.Generator) -> Floats:
    numbers = detail.characteristics
    mean = np.where(sex == "male", numbers.weight_mean[1], numbers.weight_mean[0])
    return np.clip(
        rng.normal(mean, numbers.weight_sd), numbers.weight_low, numbers.weight_high
    )


def _true(answer: pd.Series) -> Bools:
    return answer.fillna(False).to_numpy(bool)


def _detailed_scores(
    history: History, patients: pd.DataFrame, detail: Detail, rng: np.random.Generator
) -> pd.DataFrame:
    n = history.people.n
    log = history.scores
    scales = detail.scales
    anxious = _true(patients.anxiety)
    rows = (
        phq9_rows(log, n, scales, rng),
        gad7_rows(log, anxious, scales, rng),
        madrs_rows(log, n, scales, rng),
    )
    return pd.concat(rows, ignore_index=True)


def _detailed_sessions(
    history: History, patients: pd.DataFrame, detail: Detail, rng: np.random.Generator
) -> pd.DataFrame:
    route = pick(ROUTE, history.people.n, rng)
    given = draw_doses(
        history.sessions, route, _weights(patients.sex, detail, rng), detail.safety, rng
    )
    table = describe_sessions(given, detail.safety, rng)
    in_therapy = _true(patients.psychotherapy)[history.sessions.who]
    table["psychotherapy"] = in_therapy & (
        rng.random(len(in_therapy)) < WITH_PSYCHOTHERAPY
    )
    return table.assign(order=1)


def _detailed(
    history: History, chance: list[np.random.SeedSequence]
) -> tuple[pd.DataFrame, ...]:
    """Sessions, scores, patients, events without ids, with every optional column; each from a
    stream of its own.
    """
    first, second, third, fourth = (np.random.default_rng(child) for child in chance)
    patients = draw_characteristics(history, DETAIL.characteristics, first)
    sessions = _detailed_sessions(history, patients, DETAIL, second)
    scores = _detailed_scores(history, patients, DETAIL, third)
    events = draw_events(
        history, sessions.serious.to_numpy(bool), DETAIL.happenings, fourth
    )
    return (
        sessions,
        scores,
        add_endings(patients, history, DETAIL.characteristics, fourth),
        events,
    )


def _plain(history: History) -> tuple[pd.DataFrame, ...]:
    """Sessions, scores, patients, events without ids, with what the estimators need and no more."""
    log = history.scores
    parameters = history.parameters
    sessions = pd.DataFrame(
        {"order": 1, "drug": "ketamine", "route": "iv"},
        index=range(len(history.sessions.who)),
    )
    if parameters.schedule.hard_session:
        sessions["adverse_events"] = np.where(
            history.sessions.hard, HARD_SESSION_EVENT, "none"
        )
    score = pd.Series(log.score).astype("Int64")
    scores = pd.DataFrame(
        {"row": np.arange(len(log.who)), "instrument": PHQ9.name, "score": score}
    )
    patients = pd.DataFrame(
        {"prior_sessions": 0, "planned_sessions": history.people.planned}
    )
    if parameters.extras.sites:
        patients["site"] = np.array(
            [site.name for site in parameters.extras.sites], dtype=object
        )[history.people.site]
    events = pd.DataFrame({"who": [], "day": [], "event": [], "detail": []}).astype(
        {"who": "int64", "day": "int64"}
    )
    return (
        sessions,
        scores,
        add_endings(patients, history, None, np.random.default_rng(0)),
        events,
    )


def _truth(history: History, ids: Objects) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What nobody in the clinic can know: one row per patient, one row per PHQ-9 score."""
    people = history.people
    log = history.scores
    reasons = np.array([*STOP_REASONS, "planned_end", ""], dtype=object)[history.reason]
    by_patient = pd.DataFrame(
        {
            "patient_id": ids,
            "level": people.level,
            "responsiveness": people.responsiveness,
        }
    )
    by_score = _base_scores(history, ids).assign(
        severity=log.severity, natural=log.natural
    )
    return by_patient.assign(stop_reason=reasons), by_score.sort_values(
        ["patient_id", "day", "timing"], ignore_index=True
    )


def simulate(
    parameters: Parameters, n: int, seed: int, regime: int | None = None
) -> Simulated:
    """Simulate a cohort.

    Parameters
    ----------
    parameters : Parameters
        The clinic, such as one of `presets.SCENARIOS`.
    n : int
        Number of patients.
    seed : int
        Everything random follows from it.
    regime : int, optional
        Exactly so many sessions for everybody, nobody stops earlier; all other chance stays the
        same.

    Returns
    -------
    Simulated
        Four tables as they come in, and the truth.

    Examples
    --------
    >>> from kettrack.simulation.presets import SCENARIOS
    >>> len(simulate(SCENARIOS["A"], n=20, seed=1, regime=3).sessions)
    60
    """
    chance = np.random.SeedSequence(seed).spawn(LOSS_STREAM + 1)[2:]
    history = lose_final_scores(
        run(parameters, n, seed, regime), np.random.default_rng(chance[DETAIL_STREAMS])
    )
    detailed = parameters.detailed
    sessions, scores, patients, events = (
        _detailed(history, chance[:DETAIL_STREAMS]) if detailed else _plain(history)
    )
    ids = name_patients(n)
    sessions = sessions.assign(
        patient_id=ids[history.sessions.who], day=history.sessions.day
    )
    scores = scores.join(_base_scores(history, ids), on="row")
    events = events.assign(patient_id=ids[events.who.to_numpy(np.int64)])
    by_patient, by_score = _truth(history, ids)
    return Simulated(
        _ordered(sessions, SESSIONS.names, SESSION_KEY),
        _ordered(scores, SCORES.names, SCORE_KEY),
        _ordered(patients.assign(patient_id=ids), PATIENTS.names, ["patient_id"]),
        _ordered(events, EVENT_ROWS.names, ["patient_id", "day", "event"]),
        by_patient,
        by_score,
        parameters,
        seed,
        regime,
    )
