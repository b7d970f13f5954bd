"""Many simulated cohorts like the one at hand, made and counted together, and what is found in
each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from kettrack.analysis.association.course_scores import final_scores
from kettrack.analysis.calibration.found import (
    FOR_TRUTH,
    Found,
    at_once,
    simulated_cohort,
)
from kettrack.analysis.context import NORMAL_QUANTILE
from kettrack.analysis.next_session.outcome_model import fit_trials
from kettrack.analysis.next_session.trials import Trials, decision_points, find_trials
from kettrack.analysis.response.exits import first_course_exits
from kettrack.analysis.response.plasmode import fit_plasmode, repeat_people
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.plasmode.clinic import PlasmodeModel, simulate_plasmode
from kettrack.estimators.plasmode.one_decision import DecisionByLot, true_difference
from kettrack.estimators.regression.least_squares import fit_clustered
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import FRESH_DAYS, NEXT_SESSION_WINDOW_DAYS


@dataclass(frozen=True, slots=True)
class Clinic:
    """A clinic that can be simulated.

    Parameters
    ----------
    cohort : DerivedCohort
        It was fitted to.
    model : PlasmodeModel
        Its people, scores, stopping and scoring.
    observed_to : float64, shape (people,)
        Day to which the log of each goes.
    recall, grace : int
        Of the trials of the next session, days.
    """

    cohort: DerivedCohort
    model: PlasmodeModel
    observed_to: Floats
    recall: int
    grace: int

    @property
    def people(self) -> int:
        """In each simulated cohort."""
        return int(self.model.baseline.size)


@dataclass(frozen=True, slots=True)
class Runs:
    """What was found in the cohorts: one more session; the adjusted slope, where sessions do
    nothing; and the mean day of the outcomes, counted from the decision."""

    answers: Found
    slopes: Found
    looked_at: float


def clinic_of(cohort: DerivedCohort, recall_days: int | None, grace: int) -> Clinic:
    """Fit a clinic.

    Raises
    ------
    NotIdentified
        As `fit_plasmode`, and where nobody has another session within the grace.
    """
    model = fit_plasmode(cohort)
    if not ((model.attendance.gaps > 0) & (model.attendance.gaps <= grace)).any():
        raise NotIdentified(
            f"nobody had another session within {grace} days.",
            "sessions with their days; or a longer grace.",
        )
    exits = first_course_exits(cohort).set_index("patient_id")
    observed = cohort.patients.set_index("patient_id")["observed_to_day"].reindex(
        exits.index[exits["step"] > 0]
    )
    days = observed.astype("Float64").to_numpy(np.float64)
    return Clinic(
        cohort,
        model,
        np.asarray(days, np.float64),
        cohort.instrument.recall(recall_days).days,
        grace,
    )


def run_cohorts(
    clinic: Clinic, effect: float, cohorts: int, rng: np.random.Generator
) -> Runs:
    """Simulate cohorts and analyse each; many are made and turned into trials together."""
    answers: list[tuple[float, ...]] = []
    slopes: list[tuple[float, ...]] = []
    days: list[Floats] = []
    for number in at_once(cohorts, clinic.people):
        together = _simulated(clinic, effect, number, rng)
        trials = find_trials(decision_points(together), clinic.grace, clinic.recall)
        days.append(trials.after[trials.observed] + _half_a_day(trials, together))
        answers += [
            _difference(part)
            for part in _parted(trials, clinic.people, len(together.patients))
        ]
        slopes += [] if effect else _slopes(together, clinic.people)
    every = np.concatenate(days)
    looked_at = (
        float(every.mean()) if every.size else float(clinic.grace + clinic.recall)
    )
    found, naive = (
        Found(*np.array(each).reshape(-1, 3).T) for each in (answers, slopes)
    )
    return Runs(found, naive, looked_at)


def true_answer(
    clinic: Clinic, effect: float, looked_at: float, rng: np.random.Generator
) -> float:
    """What one more session changes in the simulated clinic, with one decision of each person
    settled by lot.
    """
    model = repeat_people(clinic.model, FOR_TRUTH)
    latest = np.tile(
        clinic.observed_to - (clinic.grace + clinic.recall + NEXT_SESSION_WINDOW_DAYS),
        model.baseline.size // clinic.people,
    )
    decision = DecisionByLot(
        grace=clinic.grace, fresh=FRESH_DAYS, looked_at=looked_at, latest=latest
    )
    return true_difference(model, effect, decision, rng)


def _simulated(
    clinic: Clinic, effect: float, cohorts: int, rng: np.random.Generator
) -> DerivedCohort:
    """Cohorts in a row as one: people 0 to n - 1 are the first. Logs end where those of the clinic
    do.
    """
    model = repeat_people(clinic.model, cohorts * clinic.people)
    return simulated_cohort(
        simulate_plasmode(model, effect, rng), model, clinic.cohort, clinic.observed_to
    )


def _half_a_day(trials: Trials, cohort: DerivedCohort) -> float:
    """Half a day when scores of a session's day are mostly taken after it, so that the session
    counts; else 0.
    """
    days = pd.MultiIndex.from_frame(cohort.sessions[["patient_id", "day"]]).unique()
    timing = cohort.scores["timing"][
        pd.MultiIndex.from_frame(cohort.scores[["patient_id", "day"]]).isin(days)
    ]
    return 0.5 if (timing == "after").mean() > 0.5 else 0.0


def _parted(trials: Trials, people: int, everybody: int) -> Iterator[Trials]:
    """The trials of each cohort."""
    edges = np.searchsorted(trials.patient, np.arange(0, everybody + 1, people))
    for begin, end in zip(edges[:-1], edges[1:], strict=True):
        yield trials.take(slice(begin, end))


def _difference(trials: Trials) -> tuple[float, float, float]:
    try:
        found = fit_trials(trials).difference()
    except NotIdentified:
        return np.nan, np.nan, np.nan
    return found.estimate, found.low, found.high


def _slopes(cohort: DerivedCohort, people: int) -> list[tuple[float, float, float]]:
    """Last score on the number of sessions at equal baselines, in each cohort."""
    rows = final_scores(cohort).dropna(subset=["last"])
    part = rows["patient_id"].to_numpy() // people
    out = []
    for number in range(len(cohort.patients) // people):
        here = rows[part == number]
        if len(here) < 30 or here["total"].nunique() < 2:
            out.append((np.nan, np.nan, np.nan))
            continue
        x = np.column_stack(
            [np.ones(len(here)), here[["total", "baseline"]].to_numpy(float)]
        )
        fit = fit_clustered(
            x, here["last"].to_numpy(float), here["patient_id"].to_numpy()
        )
        half = NORMAL_QUANTILE * float(fit.error[1])
        out.append(
            (
                float(fit.coefficients[1]),
                float(fit.coefficients[1]) - half,
                float(fit.coefficients[1]) + half,
            )
        )
    return out
