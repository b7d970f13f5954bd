"""Whether one more session can be told from nothing in a clinic like this: the method run where the
truth is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.association.course_scores import final_scores
from kettrack.analysis.calibration.runner import (
    CALIBRATION_DECIMALS,
    CALIBRATION_RECIPES,
    CALIBRATION_ROLES,
    CALIBRATION_SHOW,
    EFFECTS,
    OWN_MODEL,
    PEOPLE_FOR_TRUTH,
    SOME_EFFECT,
    USUAL_COHORTS,
    SimulatedAnswers,
    answers_of,
    batches,
    bias_words,
    cohort_of_panel,
    drawn_words,
    floats_of_column,
    holds_words,
    people_words,
    run_methods,
    too_few_answers,
)
from kettrack.analysis.context import LEVEL, NORMAL_QUANTILE, rule_words
from kettrack.analysis.next_session.decisions import decision_points
from kettrack.analysis.next_session.outcome_model import fit_trials
from kettrack.analysis.next_session.trials import Trials, find_trials
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.response.benchmark import learnt_from
from kettrack.analysis.response.exits import first_course_exits
from kettrack.analysis.response.plasmode import (
    fit_plasmode,
    repeat_people,
    take_people,
)
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified, UsageError
from kettrack.estimators.intervals import drawn_places
from kettrack.estimators.plasmode.clinic import PlasmodeModel, simulate_plasmode
from kettrack.estimators.plasmode.one_decision import DecisionByLot, true_difference
from kettrack.estimators.regression.least_squares import fit_clustered
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import (
    FRESH_DAYS,
    NEXT_SESSION_GRACE_DAYS,
    NEXT_SESSION_WINDOW_DAYS,
)
from kettrack.vocabulary.limits import FEWEST_PEOPLE_FOR_SLOPE, MOST_SIMULATED

_METHODS: Final = {
    "next_session": "one more session",
    "adjusted_slope": "adjusted slope, biased by design",
}
# Estimate and both ends of a cohort in which a method refuses.
_NO_ANSWER: Final = (np.nan, np.nan, np.nan)


@question(
    "calibration",
    recipes=CALIBRATION_RECIPES,
    asks="How well does the method for one more session work in simulated clinics like this one?",
    unit="points",
    estimand=(
        "The answers of each method in simulated cohorts like this one, compared with what a"
        " session really does in them."
    ),
    roles=CALIBRATION_ROLES,
    decimals=CALIBRATION_DECIMALS,
    show=CALIBRATION_SHOW,
)
def calibration_check(
    cohort: DerivedCohort,
    recall_days: int | None = None,
    grace_days: int = NEXT_SESSION_GRACE_DAYS,
    cohorts: int = USUAL_COHORTS,
    seed: int = 1,
) -> Answer:
    """Run the method for one more session on simulated cohorts like this one, in which sessions do
    nothing, or take off 1 point each.

    Parameters
    ----------
    cohort : Cohort or DerivedCohort
        With scores on and off treatment, so that its course can be simulated.
    recall_days, grace_days : int
        As `next_session`.
    cohorts : int
        Simulated for each of the two.
    seed : int
        Everything random follows from it.

    Returns
    -------
    Result
        One row per method and points that a session takes off (`next_session_0` `next_session_1`
        `adjusted_slope_0`): `about` `method` `n` (people in each cohort) `cohorts` `answers` (those
        not refused) `truth` (points, found by settling one decision of each person by lot; missing
        where a method aims at none) `estimate` (mean of the answers) `bias` `bias_error` (its
        simulation error) `sd` (of the answers, points) `holds` `holds_low` `holds_high` (% of the
        answers whose interval holds the truth, with its exact 95 % interval) `tells` (% whose
        interval leaves 0 out) `refused` (% of the cohorts).

        Refused where the course of scores cannot be fitted, or nobody has another session within
        the grace.

    Raises
    ------
    UsageError
        With fewer than 1 cohort.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> calibration_check(load_cohort(sample_folder()), cohorts=2).table["truth"].iloc[0]
    np.float64(0.0)
    """
    if cohorts < 1:
        raise UsageError("calibration_check needs at least 1 cohort.")
    # resolved once: every simulated cohort is asked with the same recall
    recall = cohort.instrument.recall(recall_days)
    clinic = _fit_clinic(cohort, recall.days, grace_days, seed)

    def run(
        effect: int, rng: np.random.Generator
    ) -> tuple[dict[str, SimulatedAnswers], float]:
        return _run_cohorts(clinic, effect, cohorts, rng)

    def find_truth(effect: int, looked_at: float, rng: np.random.Generator) -> float:
        return _true_difference(clinic, effect, looked_at, rng)

    table = run_methods(_METHODS, clinic.people, run, find_truth, seed)
    return Answer(
        table=table,
        sentence=_sentence(table),
        caveats=(*_caveats(cohort, clinic, seed), str(recall)),
        level=LEVEL,
        seed=seed,
    )


def _sentence(table: pd.DataFrame) -> str:
    begin = "In simulated cohorts like yours"
    method = "the method for one more session"
    few = too_few_answers(table, "next_session")
    if few:
        return f"{begin} where sessions do nothing, {method} can hardly be tried: {few}"
    refused = table.set_index("key")["refused"]
    among = "{next_session_0.cohorts} cohorts"
    if (refused[["next_session_0", "next_session_1"]] > 0).any():
        among = (
            "{next_session_0.answers} answers ({next_session_0.cohorts} cohorts were simulated,"
            " and the method refused in {next_session_0.refused:%})"
        )
    return (
        f"{begin} where sessions do nothing, the {100 * LEVEL:.0f} % interval of {method} holds the"
        f" truth, 0, in {holds_words('next_session_0')} of {among}. Where {SOME_EFFECT}, the true"
        " difference is {next_session_1.truth} points; the answers are off by"
        f" {bias_words('next_session_1')} on average, and the interval excludes 0 in"
        " {next_session_1.tells:%}. The adjusted slope is biased by design: where sessions do"
        " nothing, its interval holds 0 in {adjusted_slope_0.holds:%}."
    )


def _caveats(
    cohort: DerivedCohort, clinic: NextSessionClinic, seed: int
) -> tuple[str, ...]:
    people = clinic.people
    everybody = clinic.everybody
    who = people_words(people, everybody, "at risk in the first course")
    return (
        OWN_MODEL,
        (
            f"Each simulated cohort has {who}, with their baselines, their plans and the ends of"
            " their logs. Gaps between sessions, stopping and the days of scores follow models that"
            " were fitted to them; so does the time in which what a session takes off wears off."
            f" Seed {seed}."
        ),
        *drawn_words(people, everybody, cohort),
        (
            f"The truth where {SOME_EFFECT} was found by settling one decision of each person by"
            f" lot, with {clinic.grace} days of grace and everyone scored. It is not"
            f" {EFFECTS[1]}, because sessions wear off, others follow, and scores have a lowest"
            " value."
        ),
        (
            "Refused cohorts are left out of mean, bias, spread and coverage."
            f" {rule_words(cohort)}."
        ),
    )


@dataclass(frozen=True, slots=True)
class NextSessionClinic:
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
    everybody : int
        Of whom these people are; more than they where only some are simulated.
    """

    cohort: DerivedCohort
    model: PlasmodeModel
    observed_to: Floats
    recall: int
    grace: int
    everybody: int

    @property
    def people(self) -> int:
        """In each simulated cohort."""
        return int(self.model.baseline.size)


def _fit_clinic(
    cohort: DerivedCohort, recall: int, grace: int, seed: int
) -> NextSessionClinic:
    """Fit a clinic; of many people, some are simulated.

    Raises
    ------
    NotIdentified
        As `fit_plasmode`, and where nobody has another session within the grace.
    """
    learnt = learnt_from(cohort)
    model = fit_plasmode(learnt)
    gaps = model.attendance.gaps
    if not ((gaps > 0) & (gaps <= grace)).any():
        raise NotIdentified(
            f"nobody had another session within {grace} days.",
            "sessions with their days; or a longer grace.",
        )
    # in the order of the people that the model was fitted to
    at_risk = _at_risk(learnt)
    observed = learnt.patients.set_index("patient_id")["observed_to_day"]
    observed_to = floats_of_column(observed.reindex(at_risk))
    some = drawn_places(len(at_risk), MOST_SIMULATED, seed)
    return NextSessionClinic(
        learnt,
        take_people(model, some),
        observed_to[some],
        recall,
        grace,
        len(_at_risk(cohort)),
    )


def _at_risk(cohort: DerivedCohort) -> pd.Index:
    exits = first_course_exits(cohort).set_index("patient_id")
    return exits.index[exits["step"] > 0]


def _run_cohorts(
    clinic: NextSessionClinic,
    effect: int,
    cohorts: int,
    rng: np.random.Generator,
) -> tuple[dict[str, SimulatedAnswers], float]:
    """Simulate cohorts and answer in each: answers of each method, and the mean day of the
    outcomes, counted from the decision.
    """
    answers = []
    slopes = []
    days = []
    for number in batches(cohorts, clinic.people):
        # many cohorts are made and turned into trials together, which is many times quicker
        together = _simulated(clinic, effect, number, rng)
        points = decision_points(together)
        trials = find_trials(points, clinic.grace, clinic.recall)
        days.append(trials.after[trials.observed] + _half_a_day(together))
        of_each = _by_cohort(trials, clinic.people, len(together.patients))
        answers += [_difference(part) for part in of_each]
        if not effect:
            slopes += _slopes(together, clinic.people)
    every_day = np.concatenate(days)
    looked_at = float(clinic.grace + clinic.recall)
    if every_day.size:
        looked_at = float(every_day.mean())
    of_methods = {"next_session": answers_of(answers)}
    if not effect:
        # the slope aims at no causal truth: it is only asked whether it finds nothing where
        # nothing is
        of_methods["adjusted_slope"] = answers_of(slopes)
    return of_methods, looked_at


def _true_difference(
    clinic: NextSessionClinic,
    effect: int,
    looked_at: float,
    rng: np.random.Generator,
) -> float:
    """What one more session changes in the simulated clinic, with one decision of each person
    settled by lot.
    """
    model = repeat_people(clinic.model, PEOPLE_FOR_TRUTH)
    # a decision counts only where the log goes on for as long as its outcome may take
    follow_up = clinic.grace + clinic.recall + NEXT_SESSION_WINDOW_DAYS
    times = model.baseline.size // clinic.people
    decision = DecisionByLot(
        grace=clinic.grace,
        fresh=FRESH_DAYS,
        looked_at=looked_at,
        latest=np.tile(clinic.observed_to - follow_up, times),
    )
    return true_difference(model, effect, decision, rng)


def _simulated(
    clinic: NextSessionClinic,
    effect: int,
    cohorts: int,
    rng: np.random.Generator,
) -> DerivedCohort:
    """Cohorts in a row as one: people 0 to n - 1 are the first. Logs end where those of the clinic
    do.
    """
    model = repeat_people(clinic.model, cohorts * clinic.people)
    panel = simulate_plasmode(model, effect, rng)
    return cohort_of_panel(panel, model, clinic.cohort, clinic.observed_to)


def _half_a_day(cohort: DerivedCohort) -> float:
    """Half a day when scores of a session's day are mostly taken after it, so that the session
    counts; else 0.
    """
    names = ["patient_id", "day"]
    session_days = pd.MultiIndex.from_frame(cohort.sessions[names]).unique()
    score_days = pd.MultiIndex.from_frame(cohort.scores[names])
    timing = cohort.scores["timing"][score_days.isin(session_days)]
    return 0.5 if (timing == "after").mean() > 0.5 else 0.0


def _by_cohort(trials: Trials, people: int, everybody: int) -> Iterator[Trials]:
    """The trials of each cohort."""
    # trials are sorted by patient, and each cohort is a stretch of patients
    first_people = np.arange(0, everybody + 1, people)
    edges = np.searchsorted(trials.patient, first_people)
    for begin, end in zip(edges[:-1], edges[1:], strict=True):
        yield trials.take(slice(begin, end))


def _difference(trials: Trials) -> tuple[float, float, float]:
    try:
        difference = fit_trials(trials).difference()
    except NotIdentified:
        return _NO_ANSWER
    return difference.estimate, difference.low, difference.high


def _slopes(cohort: DerivedCohort, people: int) -> list[tuple[float, float, float]]:
    """Last score on the number of sessions at equal baselines, in each cohort."""
    rows = final_scores(cohort).dropna(subset=["last"])
    # people are numbered through all cohorts, each holding the next so many
    part = rows["patient_id"].to_numpy() // people
    n_cohorts = len(cohort.patients) // people
    return [_slope(rows[part == number]) for number in range(n_cohorts)]


def _slope(people: pd.DataFrame) -> tuple[float, float, float]:
    if len(people) < FEWEST_PEOPLE_FOR_SLOPE or people["total"].nunique() < 2:
        return _NO_ANSWER
    columns = people[["total", "baseline"]].to_numpy(float)
    x = np.column_stack([np.ones(len(people)), columns])
    last = people["last"].to_numpy(float)
    fit = fit_clustered(x, last, people["patient_id"].to_numpy())
    slope = float(fit.coefficients[1])
    # errors that allow for unequal spread, as in the association itself
    half = NORMAL_QUANTILE * float(fit.error[1])
    return slope, slope - half, slope + half
