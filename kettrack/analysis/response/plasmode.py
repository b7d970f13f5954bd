"""What the same clinic would show if sessions did nothing: a model fitted to its own scores and
sessions, simulated, and counted like any cohort.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from kettrack.arrays import Floats, Ints
from kettrack.errors import NotIdentified
from kettrack.estimators.plasmode.attendance import (
    SessionRows,
    fit_attendance,
    refit_attendance,
)
from kettrack.estimators.plasmode.clinic import (
    PanelPeople,
    PlasmodeModel,
    SimulatedPanel,
)
from kettrack.estimators.plasmode.latent_severity import (
    SeverityFit,
    fit_score_process,
)
from kettrack.estimators.plasmode.severity_filter import ScoreSeries
from kettrack.estimators.plasmode.severity_start import Start, known_start
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS, COMPLETE_LOG_DAYS
from kettrack.vocabulary.rules import CourseRules

# Simulated logs are complete for so long after the last session: longer than any rule asks for.
_COMPLETE_DAYS: Final = 1000


@dataclass(frozen=True, slots=True)
class PlasmodeData:
    """What a clinic is learnt from.

    Parameters
    ----------
    series : ScoreSeries
        Scores of everybody who is learnt from.
    fit : SeverityFit
        Course of severity.
    rows : SessionRows
        Sessions of the people at risk.
    row_person : int
        Place among the people at risk of each row.
    place : int
        Place in the series of each person at risk.
    model : PlasmodeModel
        Fitted to them.
    """

    series: ScoreSeries
    fit: SeverityFit
    rows: SessionRows
    row_person: Ints
    place: Ints
    model: PlasmodeModel

    def refitted(self, rngs: Sequence[np.random.Generator]) -> list[PlasmodeModel]:
        """The model of clinics with people drawn from these, each as often as chance has it."""
        n = self.series.begin.size
        draws = [np.bincount(rng.integers(n, size=n), minlength=n) for rng in rngs]
        times = np.array(draws)
        at_risk = times[:, self.place]
        # all at once: many fits to the same rows take little longer than one
        fits = refit_attendance(self.rows, at_risk[:, self.row_person])
        found = []
        for place, rng in enumerate(rngs):
            process = self.fit.refitted(times[place], rng)
            anew = replace(
                self.model,
                process=process,
                start=known_start(process, self.series).of(self.place),
                attendance=fits[place],
            )
            people = np.repeat(np.arange(self.place.size), at_risk[place])
            found.append(take_people(anew, people))
        return found


def fit_plasmode(cohort: DerivedCohort) -> PlasmodeModel:
    """Fit scores, stopping and scoring of the first course.

    Raises
    ------
    NotIdentified
        When there are too few score pairs without a session in between, scores jump, nobody can be
        counted, or the log has no end.
    """
    return plasmode_data(cohort).model


def plasmode_data(cohort: DerivedCohort) -> PlasmodeData:
    """What `fit_plasmode` rests on, with its model.

    Raises
    ------
    NotIdentified
        As `fit_plasmode`.
    """
    return cohort.once("plasmode", lambda: _plasmode_data(cohort))


def _plasmode_data(cohort: DerivedCohort) -> PlasmodeData:
    exits = first_course_exits(cohort).set_index("patient_id")
    people = exits.index[exits["step"] > 0]
    if people.empty:
        raise NotIdentified(
            "nobody is at risk.",
            f"observed_to_day, and a score in the {BASELINE_WINDOW_DAYS} days before session 1.",
        )
    first = cohort.first_courses
    course = first.loc[people]
    if (course["length"] < 2).all():
        raise NotIdentified(
            "nobody had a second session.", "courses of more than one session."
        )
    known = counted_outcomes(cohort)
    series, fit, start = fit_severity(cohort)
    line = score_rows(cohort, known.index, first["length"])
    # After the next course has begun a score can only confirm what was seen in the first.
    of_first = line["sessions_to_date"] == line["session"]
    late = line["offset"] > cohort.criteria.late_after_days
    sessions = course_rows(cohort, course)
    rows = session_rows(sessions, known, line[of_first | late])
    patients = cohort.patients.set_index("patient_id")
    plan = patients["planned_sessions"].astype("Float64").reindex(people)
    rules = CourseRules()
    longest_gap = np.where(
        plan.notna(),
        COMPLETE_LOG_DAYS,
        rules.series_gap_days,
    )
    scale = cohort.instrument
    model = PlasmodeModel(
        process=fit.process,
        attendance=fit_attendance(rows),
        start=start.of(known.index.get_indexer(people)),
        baseline=known.loc[people, "baseline"].to_numpy(float),
        baseline_day=known.loc[people, "baseline_day"].to_numpy(float),
        planned=np.asarray(plan.fillna(rules.induction_sessions), np.int64),
        longest_gap=longest_gap.astype(float),
        lowest=scale.minimum,
        highest=scale.maximum,
        whole_numbers=scale.whole_numbers,
    )
    return PlasmodeData(
        series=series,
        fit=fit,
        rows=rows,
        row_person=people.get_indexer(pd.Index(sessions["patient_id"])),
        place=scored_before(cohort).get_indexer(people),
        model=model,
    )


def fit_severity(cohort: DerivedCohort) -> tuple[ScoreSeries, SeverityFit, Start]:
    """Scores of everybody who is learnt from, their course, and where everybody of
    `counted_outcomes` starts from.

    Raises
    ------
    NotIdentified
        As `fit_score_process`.
    """
    return cohort.once("severity", lambda: _fit_severity(cohort))


def _fit_severity(cohort: DerivedCohort) -> tuple[ScoreSeries, SeverityFit, Start]:
    # Cases or not: a baseline decides who counts, and the second of two scores must not decide who
    # is learnt from.
    people = scored_before(cohort)
    series = score_series(cohort, people)
    fit = fit_score_process(series)
    counted = people.get_indexer(counted_outcomes(cohort).index)
    return series, fit, known_start(fit.process, series).of(counted)


def repeat_people(model: PlasmodeModel, at_least: int) -> PlasmodeModel:
    """The same clinic with everyone in it so often that there are at least so many people."""
    people = np.arange(model.baseline.size)
    times = -(-at_least // people.size)  # rounded up
    return take_people(model, np.tile(people, times))


def take_people(model: PlasmodeModel, people: Ints) -> PlasmodeModel:
    """The same clinic with the people in these places."""
    return replace(
        model,
        baseline=model.baseline[people],
        baseline_day=model.baseline_day[people],
        start=model.start.of(people),
        planned=model.planned[people],
        longest_gap=model.longest_gap[people],
    )


# ---- the simulated panel as a cohort


def panel_cohort(
    panel: SimulatedPanel, people: PanelPeople, cohort: DerivedCohort
) -> DerivedCohort:
    """A simulated panel under the settings of the cohort it was fitted to; every log is
    complete.
    """
    sessions = _panel_sessions(panel)
    last_day = sessions.groupby("patient_id")["day"].max().to_numpy()
    scores = _panel_scores(panel, people)
    score_days = scores["day"].astype(np.int32)
    return cohort.replace(
        sessions=_like(cohort.sessions, sessions.assign(drug="ketamine")),
        scores=scores.assign(instrument=cohort.instrument.name, day=score_days),
        patients=_panel_patients(people, last_day),
        events=cohort.events.iloc[:0],
    )


def _panel_sessions(panel: SimulatedPanel) -> pd.DataFrame:
    """Sessions of the panel, numbered within a day."""
    day = panel.session_day.astype(np.int32)
    sessions = pd.DataFrame({"patient_id": panel.session_person, "day": day})
    earlier = sessions.groupby(["patient_id", "day"]).cumcount()
    sessions["order"] = earlier.to_numpy(np.int32) + 1
    return sessions


def _panel_scores(panel: SimulatedPanel, people: PanelPeople) -> pd.DataFrame:
    """Baselines and later scores of the panel, one for each person, day and timing."""
    before = pd.DataFrame(
        {
            "patient_id": np.arange(people.baseline.size),
            "day": people.baseline_day,
            "timing": "before",
            "score": people.baseline,
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


def _panel_patients(people: PanelPeople, last_day: Floats) -> pd.DataFrame:
    """One row per simulated person; who has the long gap of a plan has the plan."""
    has_plan = people.longest_gap == COMPLETE_LOG_DAYS
    patients = pd.DataFrame(
        {
            "patient_id": np.arange(people.baseline.size),
            "planned_sessions": np.where(has_plan, people.planned, np.nan),
            "observed_to_day": last_day + _COMPLETE_DAYS,
            "stop_day": np.nan,
        }
    )
    whole = dict.fromkeys(("planned_sessions", "observed_to_day", "stop_day"), "Int64")
    return patients.astype(whole).assign(prior_sessions=0, stop_reason=None)


def _like(
    table: pd.DataFrame,
    rows: pd.DataFrame,
) -> pd.DataFrame:
    """Rows with every column of a table; what is not simulated is missing."""
    others = [name for name in table if name not in rows]
    # Missing in all rows at once: one column after the other takes a third of the whole panel.
    missing = table[others].iloc[:0].reindex(range(len(rows)))
    return pd.concat([rows.reset_index(drop=True), missing], axis=1)
