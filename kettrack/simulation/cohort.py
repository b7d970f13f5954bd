"""`simulate`: a parameter set turned into the four tables that come in, with the truth beside
them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Floats, Objects
from kettrack.simulation.detail import DETAIL, ROUTE, Characteristics
from kettrack.simulation.history import History, lose_final_scores, run
from kettrack.simulation.parameters import Parameters
from kettrack.simulation.patient_records import (
    add_endings,
    draw_characteristics,
    draw_events,
    draw_names,
    gad7_rows,
    madrs_rows,
    phq9_rows,
)
from kettrack.simulation.process import TIMING_NAMES
from kettrack.simulation.session_records import (
    describe_sessions,
    draw_doses,
    draw_planned_gaps,
)
from kettrack.simulation.watched import draw_watched
from kettrack.vocabulary.columns import (
    EVENT_ROWS,
    PATIENTS,
    SCORES,
    SESSIONS,
    STOP_REASONS,
)
from kettrack.vocabulary.instruments import PHQ9

# A seed has seven streams, and none depends on how many there are: two of `run`, four of the
# details, one of the lost scores.
STREAMS: Final = 7
DETAIL_STREAMS: Final = slice(2, 6)
LOSS_STREAM: Final = 6
HARD_SESSION_EVENT: Final = "nausea"
FEWEST_DIGITS: Final = 3  # S001
# Share of sessions with psychotherapy in those who have it, assumption.
WITH_PSYCHOTHERAPY: Final = 0.5
SESSION_KEY: Final = ["patient_id", "day"]
SCORE_KEY: Final = ["patient_id", "instrument", "day", "timing"]
EVENT_KEY: Final = ["patient_id", "day", "event"]


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


@dataclass(frozen=True, slots=True)
class _Tables:
    """The four tables before the study codes: sessions and patients in the order of the history,
    scores with the `row` of the score log, events with the position `who`.
    """

    sessions: pd.DataFrame
    scores: pd.DataFrame
    patients: pd.DataFrame
    events: pd.DataFrame


def simulate(
    parameters: Parameters,
    n: int,
    seed: int,
    regime: int | None = None,
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

    Raises
    ------
    UsageError
        For less than one patient or one session, or when too few people pass the screening.

    Examples
    --------
    >>> from kettrack.simulation.presets import SCENARIOS
    >>> len(simulate(SCENARIOS["A"], n=20, seed=1, regime=3).sessions)
    60
    """
    # The same seed as `run` uses: its own two streams are the first two of these.
    streams = np.random.SeedSequence(seed).spawn(STREAMS)
    for_losses = np.random.default_rng(streams[LOSS_STREAM])
    history = lose_final_scores(run(parameters, n, seed, regime), for_losses)
    if parameters.detailed:
        tables = _detailed_tables(history, streams[DETAIL_STREAMS])
    else:
        tables = _plain_tables(history)
    # Everything before works with positions; study codes come last.
    ids = name_patients(n)
    who = ids[history.sessions.who]
    sessions = tables.sessions.assign(patient_id=who, day=history.sessions.day)
    scores = tables.scores.join(_score_keys(history, ids), on="row")
    patients = tables.patients.assign(patient_id=ids)
    concerned = tables.events["who"].to_numpy(np.int64)
    events = tables.events.assign(patient_id=ids[concerned])
    return Simulated(
        sessions=_ordered(sessions, SESSIONS.names, SESSION_KEY),
        scores=_ordered(scores, SCORES.names, SCORE_KEY),
        patients=_ordered(patients, PATIENTS.names, ["patient_id"]),
        events=_ordered(events, EVENT_ROWS.names, EVENT_KEY),
        people=_true_people(history, ids),
        severity=_true_severity(history, ids),
        parameters=parameters,
        seed=seed,
        regime=regime,
    )


def name_patients(n: int) -> Objects:
    """Study codes `S001`, `S002`, ...: people are drawn in no order, so the number says nothing."""
    # Equally many digits, so that codes sort like numbers.
    digits = max(FEWEST_DIGITS, len(str(n)))
    return np.array([f"S{i:0{digits}d}" for i in range(1, n + 1)], dtype=object)


def _ordered(
    table: pd.DataFrame,
    columns: tuple[str, ...],
    key: list[str],
) -> pd.DataFrame:
    """Columns of the vocabulary that are there, in its order; rows by key."""
    # A plain scenario has few columns, a detailed one all.
    kept = table[[name for name in columns if name in table]]
    return kept.sort_values(key, kind="stable", ignore_index=True)


def _score_keys(history: History, ids: Objects) -> pd.DataFrame:
    """Whose each score of the log is, its day and its timing in words."""
    log = history.scores
    timing = np.array(TIMING_NAMES, dtype=object)[log.timing]
    return pd.DataFrame({"patient_id": ids[log.who], "day": log.day, "timing": timing})


# ---- a clinic with every optional column


def _detailed_tables(
    history: History, streams: list[np.random.SeedSequence]
) -> _Tables:
    """Every table with every optional column, each from a stream of its own."""
    for_patients, for_sessions, for_scores, for_events = map(
        np.random.default_rng, streams
    )
    patients = draw_characteristics(history, DETAIL.characteristics, for_patients)
    sessions = _detailed_sessions(history, patients, for_sessions)
    serious = sessions["serious"].to_numpy(bool)
    scores = _detailed_scores(history, patients, for_scores)
    events = draw_events(history, serious, DETAIL.happenings, for_events)
    # the endings come from the stream of the events, after them
    add_endings(patients, history, DETAIL.characteristics, for_events)
    return _Tables(sessions, scores, patients, events)


def _detailed_scores(
    history: History,
    patients: pd.DataFrame,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """PHQ-9, GAD-7 and MADRS, one row each."""
    n = history.people.n
    log = history.scores
    scales = DETAIL.scales
    # GAD-7 is higher in people with a diagnosis of anxiety: a planted signal.
    anxious = _is_yes(patients["anxiety"])
    tables = (
        phq9_rows(log, n, scales, rng),
        gad7_rows(log, anxious, scales, rng),
        madrs_rows(log, n, scales, rng),
    )
    return pd.concat(tables, ignore_index=True)


def _detailed_sessions(
    history: History,
    patients: pd.DataFrame,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Everything recorded of a session but who and when."""
    sessions = history.sessions
    safety = DETAIL.safety
    route = draw_names(ROUTE, history.people.n, rng)
    weight = _weights(patients["sex"], DETAIL.characteristics, rng)
    given = draw_doses(
        sessions,
        route,
        weight,
        safety,
        rng,
    )
    table = describe_sessions(given, safety, rng)
    in_therapy = _is_yes(patients["psychotherapy"])[sessions.who]
    that_day = rng.random(len(in_therapy)) < WITH_PSYCHOTHERAPY
    table = table.assign(psychotherapy=in_therapy & that_day, order=1)
    # Drawn last, so that no other column of a seed changes.
    monitored = table["spo2_min"].notna().to_numpy(bool)
    watched = draw_watched(given, monitored, DETAIL.watched, rng)
    planned = draw_planned_gaps(sessions, DETAIL.plans, rng)
    return table.join(watched).assign(
        planned_next_days=pd.Series(planned, dtype="Int64")
    )


def _weights(
    sex: pd.Series,
    numbers: Characteristics,
    rng: np.random.Generator,
) -> Floats:
    """Usual weight of each patient, kg."""
    of_others, of_men = numbers.weight_mean
    mean = np.where(sex == "male", of_men, of_others)
    weight = rng.normal(mean, numbers.weight_sd)
    return np.clip(weight, numbers.weight_low, numbers.weight_high)


def _is_yes(answer: pd.Series) -> Bools:
    """Whether the answer is yes; no where it is not stated."""
    return answer.fillna(False).to_numpy(bool)


# ---- a clinic with what the estimators need and no more


def _plain_tables(history: History) -> _Tables:
    """The required columns, and those that the scenario is about."""
    return _Tables(
        _plain_sessions(history),
        _plain_scores(history),
        _plain_patients(history),
        _no_events(),
    )


def _plain_sessions(history: History) -> pd.DataFrame:
    rows = range(len(history.sessions.who))
    same = {"order": 1, "drug": "ketamine", "route": "iv"}
    sessions = pd.DataFrame(same, index=rows)
    # Adverse events are recorded only in scenarios in which they matter.
    if history.parameters.schedule.hard_session:
        hard = history.sessions.hard
        sessions["adverse_events"] = np.where(hard, HARD_SESSION_EVENT, "none")
    return sessions


def _plain_scores(history: History) -> pd.DataFrame:
    log = history.scores
    score = pd.Series(log.score).astype("Int64")
    rows = np.arange(len(log.who))
    return pd.DataFrame({"row": rows, "instrument": PHQ9.name, "score": score})


def _plain_patients(history: History) -> pd.DataFrame:
    people = history.people
    same = {"prior_sessions": 0, "planned_sessions": people.planned}
    patients = pd.DataFrame(same)
    sites = history.parameters.extras.sites
    if sites:
        names = np.array([site.name for site in sites], dtype=object)
        patients["site"] = names[people.site]
    # nothing is drawn where every end is noted exactly
    return add_endings(patients, history, None, np.random.default_rng(0))


def _no_events() -> pd.DataFrame:
    events = pd.DataFrame({"who": [], "day": [], "event": [], "detail": []})
    return events.astype({"who": "int64", "day": "int64"})


# ---- what nobody in the clinic can know


def _true_people(history: History, ids: Objects) -> pd.DataFrame:
    """One row per patient: own level, responsiveness, why the person truly stopped."""
    people = history.people
    # `NOT_STOPPED` is -1 and finds the last name
    names = np.array([*STOP_REASONS, "planned_end", ""], dtype=object)
    return pd.DataFrame(
        {
            "patient_id": ids,
            "level": people.level,
            "responsiveness": people.responsiveness,
            "stop_reason": names[history.reason],
        }
    )


def _true_severity(history: History, ids: Objects) -> pd.DataFrame:
    """One row per PHQ-9 score: severity as it is, and as it would be without sessions."""
    log = history.scores
    truth = {"severity": log.severity, "natural": log.natural}
    rows = _score_keys(history, ids).assign(**truth)
    return rows.sort_values(["patient_id", "day", "timing"], ignore_index=True)
