"""What the same clinic would show if sessions did nothing: fitted to its own scores, and counted
like any cohort.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.response.exits import counted_outcomes, first_course_exits
from kettrack.analysis.response.plasmode_rows import (
    course_rows,
    first_row,
    score_rows,
    session_rows,
)
from kettrack.errors import NotIdentified
from kettrack.estimators.plasmode.attendance import fit_attendance
from kettrack.estimators.plasmode.clinic import (
    PlasmodeModel,
    SimulatedPanel,
    simulate_plasmode,
)
from kettrack.estimators.plasmode.latent_severity import ScoreSeries, fit_score_process
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.course_rules import CourseRules
from kettrack.vocabulary.days import COMPLETE_LOG_DAYS

SEED: Final = 20130513
# people in the null cohort: Monte-Carlo error of a percentage below one point
SIMULATED: Final = 4_000
# scores up to so long after session 1 teach the course of severity
FITTED_DAYS: Final = 182
NULL_CAVEAT: Final = (
    "Null: the same people, plans and score days with sessions that do nothing: natural course,"
    f" regression to the mean, noise and the clinic's own stopping; {SIMULATED:,} people"
    f" simulated from a model of the clinic's own scores (seed {SEED}). It assumes that stopping"
    " follows the scores. What comes with treatment but not from the sessions counts for them;"
    " what only the first session does may count as natural course. It is one fitted model"
    " without an interval: read it as about."
)


def fit_plasmode(cohort: DerivedCohort) -> PlasmodeModel:
    """Fit scores, stopping and scoring of the first course.

    Raises
    ------
    NotIdentified
        When there are too few score pairs without a session in between, nobody can be counted, or
        the log has no end.
    """
    exits = first_course_exits(cohort).set_index("patient_id")
    people = exits.index[exits["step"] > 0]
    if people.empty:
        raise NotIdentified(
            "nobody is at risk.",
            "observed_to_day, and a score in the 30 days before session 1.",
        )
    known = counted_outcomes(cohort)
    first = cohort.first_courses
    line = score_rows(cohort, known.index, first["length"])
    process = fit_score_process(_series(cohort, known, line))
    course = first.loc[people]
    if (course["length"] < 2).all():
        raise NotIdentified(
            "nobody had a second session.", "courses of more than one session."
        )
    plan = (
        cohort.patients.set_index("patient_id")["planned_sessions"]
        .astype("Float64")
        .reindex(people)
    )
    rules = CourseRules()
    scale = cohort.instrument
    return PlasmodeModel(
        process=process,
        attendance=fit_attendance(
            session_rows(course_rows(cohort, course), known, line)
        ),
        baseline=known.loc[people, "baseline"].to_numpy(float),
        baseline_day=known.loc[people, "baseline_day"].to_numpy(float),
        planned=np.asarray(plan.fillna(rules.induction_sessions), np.int64),
        longest_gap=np.where(
            plan.notna(), COMPLETE_LOG_DAYS, rules.series_gap_days
        ).astype(float),
        lowest=scale.minimum,
        highest=scale.maximum,
        whole_numbers=scale.whole_numbers,
    )


def null_cohort(
    cohort: DerivedCohort, simulated: int = SIMULATED, seed: int = SEED
) -> DerivedCohort:
    """The cohort as it would look if sessions did nothing, many times over, as a cohort that every
    estimate can count.

    Parameters
    ----------
    cohort : DerivedCohort
        With scores on and off treatment.
    simulated : int
        At least so many people; everyone is drawn equally often.
    seed : int
        Everything random follows from it.

    Raises
    ------
    NotIdentified
        As `fit_plasmode`.
    """
    return cohort.once(
        ("null cohort", simulated, seed), lambda: _simulate(cohort, simulated, seed)
    )


def _simulate(cohort: DerivedCohort, simulated: int, seed: int) -> DerivedCohort:
    """The fitted clinic, lived through once more by everyone, with sessions that do nothing."""
    model = repeat_people(fit_plasmode(cohort), simulated)
    panel = simulate_plasmode(model, 0.0, np.random.default_rng(seed))
    return panel_cohort(panel, model, cohort)


def repeat_people(model: PlasmodeModel, at_least: int) -> PlasmodeModel:
    """The same clinic with everyone in it so often that there are at least so many people."""
    times = -(-at_least // model.baseline.size)
    return replace(
        model,
        baseline=np.tile(model.baseline, times),
        baseline_day=np.tile(model.baseline_day, times),
        planned=np.tile(model.planned, times),
        longest_gap=np.tile(model.longest_gap, times),
    )


def panel_cohort(
    panel: SimulatedPanel, model: PlasmodeModel, cohort: DerivedCohort
) -> DerivedCohort:
    """A simulated panel under the settings of the cohort it was fitted to; every log is
    complete.
    """
    people = np.arange(model.baseline.size)
    sessions = pd.DataFrame(
        {"patient_id": panel.session_person, "day": panel.session_day.astype(np.int32)}
    )
    sessions["order"] = (
        sessions.groupby(["patient_id", "day"]).cumcount().to_numpy(np.int32) + 1
    )
    last = sessions.groupby("patient_id")["day"].max()
    before = pd.DataFrame(
        {
            "patient_id": people,
            "day": model.baseline_day,
            "timing": "before",
            "score": model.baseline,
        }
    )
    timing = np.where(panel.score_after, "after", "before")
    later = pd.DataFrame(
        {
            "patient_id": panel.score_person,
            "day": panel.score_day,
            "timing": timing,
            "score": panel.score,
        }
    )
    scores = pd.concat([before, later]).sort_values(
        ["patient_id", "day"], kind="stable", ignore_index=True
    )
    scores = scores.drop_duplicates(
        ["patient_id", "day", "timing"], keep="last", ignore_index=True
    )
    planned = np.where(model.longest_gap == COMPLETE_LOG_DAYS, model.planned, np.nan)
    patients = pd.DataFrame(
        {
            "patient_id": people,
            "planned_sessions": planned,
            "observed_to_day": last.to_numpy() + 1000,
            "stop_day": np.nan,
        }
    )
    whole = dict.fromkeys(("planned_sessions", "observed_to_day", "stop_day"), "Int64")
    return cohort.replace(
        sessions=_like(cohort.sessions, sessions.assign(drug="ketamine")),
        scores=scores.assign(
            instrument=cohort.instrument.name, day=scores["day"].astype(np.int32)
        ),
        patients=patients.astype(whole).assign(prior_sessions=0, stop_reason=None),
        events=cohort.events.iloc[:0],
    )


def _like(table: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with every column of a table; what is not simulated is missing."""
    missing = [str(name) for name in table if name not in rows]
    return rows.assign(
        **{
            name: pd.Series(index=rows.index, dtype=table[name].dtype)
            for name in missing
        }
    )


def _series(
    cohort: DerivedCohort, known: pd.DataFrame, line: pd.DataFrame
) -> ScoreSeries:
    """Baseline and later scores of each person, padded, with the sessions in between."""
    early = line[line["day"] <= FITTED_DAYS]
    column = known.index.get_indexer(pd.Index(early["patient_id"]))
    row = early.groupby("patient_id").cumcount().to_numpy() + 1
    shape = (int(row.max(initial=0)) + 1, len(known))
    score, day, to_date, ages = (
        np.full(shape, value) for value in (np.nan, np.nan, 0.0, 0.0)
    )
    score[0] = known["baseline"].to_numpy(float)
    day[0] = known["baseline_day"].to_numpy(float)
    for table, name in ((score, "score"), (day, "day"), (to_date, "sessions_to_date")):
        table[row, column] = early[name].to_numpy(float)
    sums = np.append(0.0, np.cumsum(cohort.sessions["day"].to_numpy(float)))
    begin = first_row(cohort).reindex(known.index).to_numpy()
    given = np.maximum.accumulate(to_date, axis=0).astype(np.int64)
    between = np.diff(given, axis=0, prepend=0)
    total = np.diff(sums[begin + given], axis=0, prepend=sums[begin][None])
    ages = np.where(between > 0, day - total / np.maximum(between, 1), 0.0)
    days = np.diff(day, axis=0, prepend=day[:1])
    return ScoreSeries(
        score, np.nan_to_num(days), between.astype(float), np.nan_to_num(ages)
    )
