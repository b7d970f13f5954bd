"""What the same clinic would show if sessions did nothing: a model fitted to its own scores and
sessions, simulated, and counted like any cohort.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.response.exits import counted_outcomes, first_course_exits
from kettrack.analysis.response.plasmode_rows import (
    course_rows,
    score_rows,
    score_series,
    scored_before,
    session_rows,
)
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.plasmode.attendance import fit_attendance
from kettrack.estimators.plasmode.clinic import (
    PlasmodeModel,
    SimulatedPanel,
    simulate_plasmode,
)
from kettrack.estimators.plasmode.latent_severity import (
    ScoreProcess,
    Start,
    fit_score_process,
    known_start,
)
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS, COMPLETE_LOG_DAYS
from kettrack.vocabulary.rules import CourseRules

NULL_SEED: Final = 20130513
# People in the null cohort: the Monte-Carlo error of a percentage is then below one point.
NULL_PEOPLE: Final = 4_000
# Simulated logs are complete for so long after the last session: longer than any rule asks for.
_COMPLETE_DAYS: Final = 1000
NULL_CAVEAT: Final = (
    f"Null: {NULL_PEOPLE:,} people simulated from a model of this clinic's own scores, in which"
    " sessions do nothing. They have the people, plans and score days of the clinic. The null shows"
    " the natural course, regression to the mean, noise, and the clinic's own way of stopping"
    f" (seed {NULL_SEED}). The model assumes that stopping follows the scores. What comes with"
    " treatment but not from the sessions is credited to the sessions; what only the first session"
    " does may look like natural course. The null is one fitted model without an interval, so its"
    " numbers are approximate."
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
            f"observed_to_day, and a score in the {BASELINE_WINDOW_DAYS} days before session 1.",
        )
    known = counted_outcomes(cohort)
    first = cohort.first_courses
    process, start = fit_severity(cohort)
    course = first.loc[people]
    if (course["length"] < 2).all():
        raise NotIdentified(
            "nobody had a second session.", "courses of more than one session."
        )
    line = score_rows(cohort, known.index, first["length"])
    # After the next course has begun a score can only confirm what was seen in the first.
    of_first = line["sessions_to_date"] == line["session"]
    late = line["offset"] > cohort.criteria.late_after_days
    rows = session_rows(course_rows(cohort, course), known, line[of_first | late])
    patients = cohort.patients.set_index("patient_id")
    plan = patients["planned_sessions"].astype("Float64").reindex(people)
    rules = CourseRules()
    longest_gap = np.where(
        plan.notna(),
        COMPLETE_LOG_DAYS,
        rules.series_gap_days,
    )
    scale = cohort.instrument
    return PlasmodeModel(
        process=process,
        attendance=fit_attendance(rows),
        start=start.of(known.index.get_indexer(people)),
        baseline=known.loc[people, "baseline"].to_numpy(float),
        baseline_day=known.loc[people, "baseline_day"].to_numpy(float),
        planned=np.asarray(
            plan.fillna(rules.induction_sessions),
            np.int64,
        ),
        longest_gap=longest_gap.astype(float),
        lowest=scale.minimum,
        highest=scale.maximum,
        whole_numbers=scale.whole_numbers,
    )


def fit_severity(cohort: DerivedCohort) -> tuple[ScoreProcess, Start]:
    """The course of severity, and where everybody of `counted_outcomes` starts from.

    Raises
    ------
    NotIdentified
        As `fit_score_process`.
    """
    return cohort.once("severity", lambda: _fit_severity(cohort))


def _fit_severity(cohort: DerivedCohort) -> tuple[ScoreProcess, Start]:
    # Cases or not: a baseline decides who counts, and the second of two scores must not decide who
    # is learnt from.
    people = scored_before(cohort)
    series = score_series(cohort, people)
    process = fit_score_process(series)
    counted = people.get_indexer(counted_outcomes(cohort).index)
    return process, known_start(process, series).of(counted)


def null_cohort(
    cohort: DerivedCohort, simulated: int = NULL_PEOPLE, seed: int = NULL_SEED
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
    key = ("null cohort", simulated, seed)
    return cohort.once(
        key,
        lambda: _simulate(cohort, simulated, seed),
    )


def _simulate(
    cohort: DerivedCohort,
    simulated: int,
    seed: int,
) -> DerivedCohort:
    """The fitted clinic, lived through once more by everyone, with sessions that do nothing."""
    model = repeat_people(fit_plasmode(cohort), simulated)
    panel = simulate_plasmode(model, 0.0, np.random.default_rng(seed))
    return panel_cohort(panel, model, cohort)


def repeat_people(model: PlasmodeModel, at_least: int) -> PlasmodeModel:
    """The same clinic with everyone in it so often that there are at least so many people."""
    times = -(-at_least // model.baseline.size)  # rounded up
    return replace(
        model,
        baseline=np.tile(model.baseline, times),
        baseline_day=np.tile(model.baseline_day, times),
        start=model.start.of(np.tile(np.arange(model.baseline.size), times)),
        planned=np.tile(model.planned, times),
        longest_gap=np.tile(model.longest_gap, times),
    )


# ---- the simulated panel as a cohort


def panel_cohort(
    panel: SimulatedPanel, model: PlasmodeModel, cohort: DerivedCohort
) -> DerivedCohort:
    """A simulated panel under the settings of the cohort it was fitted to; every log is
    complete.
    """
    sessions = _panel_sessions(panel)
    last_day = sessions.groupby("patient_id")["day"].max().to_numpy()
    scores = _panel_scores(panel, model)
    score_days = scores["day"].astype(np.int32)
    return cohort.replace(
        sessions=_like(cohort.sessions, sessions.assign(drug="ketamine")),
        scores=scores.assign(
            instrument=cohort.instrument.name,
            day=score_days,
        ),
        patients=_panel_patients(model, last_day),
        events=cohort.events.iloc[:0],
    )


def _panel_sessions(panel: SimulatedPanel) -> pd.DataFrame:
    """Sessions of the panel, numbered within a day."""
    day = panel.session_day.astype(np.int32)
    sessions = pd.DataFrame({"patient_id": panel.session_person, "day": day})
    earlier = sessions.groupby(["patient_id", "day"]).cumcount()
    sessions["order"] = earlier.to_numpy(np.int32) + 1
    return sessions


def _panel_scores(panel: SimulatedPanel, model: PlasmodeModel) -> pd.DataFrame:
    """Baselines and later scores of the panel, one for each person, day and timing."""
    before = pd.DataFrame(
        {
            "patient_id": np.arange(model.baseline.size),
            "day": model.baseline_day,
            "timing": "before",
            "score": model.baseline,
        }
    )
    later = pd.DataFrame(
        {
            "patient_id": panel.score_person,
            "day": panel.score_day,
            "timing": np.where(panel.score_after, "after", "before"),
            "score": panel.score,
        }
    )
    scores = pd.concat([before, later])
    # The sort is stable, so the score drawn last on a day is the one that stays.
    in_order = scores.sort_values(
        ["patient_id", "day"], kind="stable", ignore_index=True
    )
    once = ["patient_id", "day", "timing"]
    return in_order.drop_duplicates(once, keep="last", ignore_index=True)


def _panel_patients(model: PlasmodeModel, last_day: Floats) -> pd.DataFrame:
    """One row per simulated person; who has the long gap of a plan has the plan."""
    has_plan = model.longest_gap == COMPLETE_LOG_DAYS
    patients = pd.DataFrame(
        {
            "patient_id": np.arange(model.baseline.size),
            "planned_sessions": np.where(has_plan, model.planned, np.nan),
            "observed_to_day": last_day + _COMPLETE_DAYS,
            "stop_day": np.nan,
        }
    )
    whole = dict.fromkeys(("planned_sessions", "observed_to_day", "stop_day"), "Int64")
    return patients.astype(whole).assign(
        prior_sessions=0,
        stop_reason=None,
    )


def _like(
    table: pd.DataFrame,
    rows: pd.DataFrame,
) -> pd.DataFrame:
    """Rows with every column of a table; what is not simulated is missing."""
    return rows.assign(
        **{
            str(name): pd.Series(
                index=rows.index,
                dtype=table[name].dtype,
            )
            for name in table
            if name not in rows
        }
    )
