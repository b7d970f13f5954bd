"""One patient's page: everything the timeline figure draws, as one table. For the treating clinic,
asked for by name.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import made_from, release, rule_words
from kettrack.analysis.person_rows import require_patient, rows_of
from kettrack.analysis.suicidality.readings import (
    behaviour_answers,
    cssrs_forms,
    suicidality_readings,
)
from kettrack.reading.cohort import Cohort
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort, derive
from kettrack.vocabulary.plain_words import UNCHANGED_MEANS
from kettrack.vocabulary.rules import Predicate

COLUMNS: Final = (
    "patient_id",
    "what",
    "day",
    "to_day",
    "value",
    "low",
    "high",
    "label",
)
ROLES: Final[dict[str, Role]] = {
    "patient_id": "key",
    "what": "label",
    "label": "label",
    "day": "person",
    "to_day": "person",
    "value": "person",
    "low": "person",
    "high": "person",
    "n": "denominator",
}
# Lane of an event in the figure; every other event stands in the lane "other".
LANES: Final = {
    "medication_change": "medication",
    "ect": "ECT, TMS",
    "tms": "ECT, TMS",
    "hospitalisation": "admission, attempt",
    "suicide_attempt": "admission, attempt",
}
_PRESSURE: Final = ("before", "peak", "after")


def patient_page(cohort: Cohort | DerivedCohort, patient_id: str) -> Result:
    """Scores, states, sessions, suicidality, events and blood pressure of one patient.

    Parameters
    ----------
    cohort : Cohort or DerivedCohort
        As it is, or from `as_of`.
    patient_id : str
        The study code.

    Returns
    -------
    Result
        One row per thing to draw: `patient_id` `what` (band, line, score, state, session,
        suicidality, event, systolic, diastolic, end) `day` `to_day` (since the first session)
        `value` (points, mg, mmHg) `low` `high` (of bands and ranges) `label` (band, rule, state,
        route, scale, or lane and event). Empty under a release policy.

    Raises
    ------
    UsageError
        When the cohort has no such patient.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> page = patient_page(load_cohort(sample_folder()), "S061").table
    >>> page[page.what == "line"].label.tolist()
    ['half of the baseline', 'remission']
    """
    cohort = derive(cohort)
    require_patient(cohort, patient_id)
    line = rows_of(cohort.timeline, patient_id)
    parts = [
        _levels(cohort, line),
        _rows(
            "score",
            line["day"],
            value=line["score"],
            label=line["state"].astype("str").fillna(""),
        ),
        _states(
            line,
            cohort.criteria.state_holds_days,
            int(cohort.log_ends[patient_id]),
        ),
        _sessions(rows_of(cohort.sessions, patient_id)),
        _suicidality(rows_of(suicidality_readings(cohort), patient_id)),
        _ideation(rows_of(cssrs_forms(cohort.scores), patient_id)),
        _events(rows_of(cohort.events, patient_id)),
        _behaviour(rows_of(behaviour_answers(cohort.scores), patient_id)),
        _end(cohort, patient_id),
    ]
    table = pd.concat([part for part in parts if len(part)], ignore_index=True).assign(
        n=1
    )
    table.insert(0, "patient_id", patient_id)
    result = Result(
        name="patient_page",
        table=table,
        roles=ROLES,
        decimals=dict.fromkeys(("day", "to_day", "low", "high"), 0),
        show=COLUMNS[1:],
        sentence=(
            f"Patient {patient_id}: everything that was recorded, in days since the first session"
            " of this patient."
        ),
        estimand="",
        caveats=(
            f"{rule_words(cohort)}.",
            (
                "A state lasts until the next score, at most"
                f" {cohort.criteria.state_holds_days} days. {UNCHANGED_MEANS}."
            ),
        ),
        made_from=made_from(cohort, unit="as recorded"),
    )
    return release(result, cohort)


def _rows(what: str, day: object, **columns: object) -> pd.DataFrame:
    """Things of one kind to draw, with the columns of the page."""
    frame = pd.DataFrame({"day": day, **columns}).assign(what=what)
    frame = frame.reindex(columns=list(COLUMNS[1:]))
    numbers = ["day", "to_day", "value", "low", "high"]
    # Through Float64, which takes every kind of missing.
    frame = frame.astype(dict.fromkeys(numbers, "Float64"))
    return frame.astype(dict.fromkeys(numbers, "float64"))


def _levels(cohort: DerivedCohort, line: pd.DataFrame) -> pd.DataFrame:
    """Severity bands, and the lines that mean response and remission for this patient."""
    scale = cohort.instrument
    rules = cohort.criteria
    bands = pd.DataFrame(
        [(band.low, band.high, band.label) for band in scale.bands],
        columns=["low", "high", "label"],
    )
    baseline = line["baseline"].dropna()
    lines = {}
    if rules.response is not None and len(baseline):
        label, level = _response_level(
            rules.response.predicate, baseline.iloc[0], scale.minimum
        )
        lines[label] = level
    # A remission by percent has no one level on the axis of scores, and no preset has one.
    remission = rules.remission.predicate if rules.remission is not None else None
    if remission is not None and remission.measure == "score":
        lines["remission"] = remission.limit
    parts = [
        _rows(
            "band",
            [np.nan] * len(bands),
            low=bands["low"],
            high=bands["high"],
            label=bands["label"],
        ),
        _rows(
            "line", [np.nan] * len(lines), value=list(lines.values()), label=list(lines)
        ),
    ]
    return pd.concat([part for part in parts if len(part)] or parts[:1])


def _response_level(
    response: Predicate, baseline: float, zero: float
) -> tuple[str, float]:
    """What the response rule in force means for a baseline: in words, and as a score. `zero` is the
    lowest score of the scale.
    """
    if response.measure == "score":
        return "response", response.limit
    if response.measure == "change":
        return "response", baseline + response.limit
    percent = 100 + response.limit
    share = "half" if percent == 50 else f"{percent:g} %"
    level = zero + (baseline - zero) * percent / 100
    # The words say from where percent change counts, where that is not 0.
    start = f", counted from {zero:g}" if zero else ""
    return f"{share} of the baseline{start}", level


def _states(line: pd.DataFrame, holds: int, until: int) -> pd.DataFrame:
    """Stretches of one state: until the next score, at most so many days, never beyond the log."""
    # A score without a state still ends the state before it.
    known = line.dropna(subset=["score"])
    following = known["day"].shift(-1).fillna(until).to_numpy(float)
    rated = known["state"].notna().to_numpy()
    start = known["day"].to_numpy(float)
    stop = np.minimum(following, start + holds)
    return _rows(
        "state",
        start[rated],
        to_day=stop[rated],
        label=known["state"].astype("str").to_numpy()[rated],
    )


def _sessions(sessions: pd.DataFrame) -> pd.DataFrame:
    parts = [
        _rows(
            "session",
            sessions["day"],
            value=sessions["dose_mg"],
            label=sessions["route"].fillna("not recorded"),
        )
    ]
    for kind in ("systolic", "diastolic"):
        taken = (
            sessions[[f"{kind}_{when}" for when in _PRESSURE]]
            .astype("Float64")
            .astype("float64")
        )
        there = taken.notna().any(axis=1)
        low = taken.min(axis=1)[there]
        high = taken.max(axis=1)[there]
        parts.append(
            _rows(
                kind,
                sessions["day"][there],
                value=taken[f"{kind}_peak"][there],
                low=low,
                high=high,
                label=kind,
            )
        )
    return pd.concat(parts)


def _suicidality(readings: pd.DataFrame) -> pd.DataFrame:
    return _rows(
        "suicidality",
        readings["day"],
        value=readings["value"],
        label=readings["instrument"],
    )


def _ideation(forms: pd.DataFrame) -> pd.DataFrame:
    """C-SSRS forms; one that leaves questions open has a range, from the least that it can be."""
    return _rows(
        "suicidality",
        forms["day"],
        value=forms["value"],
        low=forms["value"],
        high=forms["highest"],
        label=forms["instrument"],
    )


def _behaviour(answers: pd.DataFrame) -> pd.DataFrame:
    """Suicidal behaviour that the C-SSRS tells, among the events."""
    yes = answers[answers["value"] > 0]
    words = "admission, attempt: suicidal behaviour (C-SSRS)"
    return _rows("event", yes["day"], label=words)


def _events(events: pd.DataFrame) -> pd.DataFrame:
    lane = events["event"].map(LANES).fillna("other")
    what = events["detail"].where(
        events["detail"].notna() & (lane != "other"), events["event"]
    )
    return _rows("event", events["day"], label=lane + ": " + what.str.replace("_", " "))


def _end(cohort: DerivedCohort, patient_id: str) -> pd.DataFrame:
    patient = rows_of(cohort.patients, patient_id).iloc[0]
    ends = {"log ends": cohort.log_ends[patient_id]}
    if not pd.isna(patient["stop_day"]):
        reason = (
            ""
            if pd.isna(patient["stop_reason"])
            else f": {patient['stop_reason'].replace('_', ' ')}"
        )
        ends[f"stopped{reason}"] = patient["stop_day"]
    return _rows("end", list(ends.values()), label=list(ends))
