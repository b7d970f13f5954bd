"""The no-effect benchmark: what the same clinic would show if sessions did nothing, with an
interval from the same clinic with other people in it, each time fitted again.

It is worked out once for each cohort; whatever is counted in the clinic is counted in it the same
way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import stdtrit

from kettrack.analysis.context import LEVEL
from kettrack.analysis.response.plasmode import (
    panel_cohort,
    plasmode_data,
    repeat_people,
    take_people,
)
from kettrack.analysis.response.plasmode_rows import scored_before
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.plasmode.clinic import (
    ClinicSimulation,
    PlasmodeModel,
    live_through,
)
from kettrack.timelines.derived import DerivedCohort

NULL_SEED: Final = 20130513
# People in the null cohort: the Monte-Carlo error of a percentage is then below one point.
NULL_PEOPLE: Final = 4_000
# In each bootstrap: its Monte-Carlo error widens the interval a little.
BOOTSTRAP_PEOPLE: Final = 2_000
# People who are learnt from: a larger clinic is judged by so many, drawn at random.
MOST_LEARNT_FROM: Final = 2_000
# Bootstraps behind an interval; its width takes their small number into account (t distribution).
NULL_BOOTSTRAPS: Final = 20
# Of a number and its interval, beside what was seen.
NULL_COLUMNS: Final = ("null", "null_low", "null_high")
NULL_CAVEAT: Final = (
    f"Null: {NULL_PEOPLE:,} people simulated from a model of this clinic's own scores, in which"
    " sessions do nothing. They have the people, plans and score days of the clinic"
    f" (at most {MOST_LEARNT_FROM:,} people drawn at random). The null shows the natural course,"
    " regression to the mean, noise, and the clinic's own way of stopping"
    f" (seed {NULL_SEED}). Its 95 % interval comes from {NULL_BOOTSTRAPS} bootstraps of people,"
    " each fitted again and simulated. The model assumes that stopping follows the"
    " scores, and that what a session does wears off. What comes with treatment but not from the"
    " sessions is credited to the sessions. So is part of a recovery by itself in the weeks of the"
    " first sessions: in a simulated clinic where many recover so, the null was 6 to 10 points too"
    " low, and its interval did not show it."
)
_BOOTSTRAPS: Final = "null bootstraps"  # by this name a cohort keeps them
Counting = Callable[[DerivedCohort], Floats]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Numbers of a clinic whose sessions do nothing, with the ends of their intervals."""

    value: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True)
class NullClinic:
    """A clinic whose sessions do nothing.

    Parameters
    ----------
    cohort : DerivedCohort
        As every estimate can count it: first courses, with the scores that follow them.
    model : PlasmodeModel
        Of its people.
    lived : ClinicSimulation
        Everybody's state at the end.
    """

    cohort: DerivedCohort
    model: PlasmodeModel
    lived: ClinicSimulation

    @property
    def course_over(self) -> DerivedCohort:
        """Those whose course ended as planned, followed for longer."""
        return self.cohort.once("course over", self._followed_on)

    def _followed_on(self) -> DerivedCohort:
        people = self.lived.follow_on()
        return panel_cohort(
            self.lived.panel().of(people),
            take_people(self.model, people),
            self.cohort,
        )


def benchmark(
    cohort: DerivedCohort,
    measure: Counting,
    limits: tuple[float, float] = (0.0, 100.0),
    course_over: bool = False,
) -> Benchmark:
    """Counting what the clinic would show if sessions did nothing.

    Parameters
    ----------
    cohort : DerivedCohort
        With scores on and off treatment.
    measure : function
        Cohort to numbers, such as percentages, always as many.
    limits : tuple of float
        No end of an interval lies beyond.
    course_over : bool
        Whether those are counted whose course ended as planned, who are followed for longer.

    Returns
    -------
    Benchmark
        A bootstrap without a number is left out; with fewer than two there is no interval.

    Raises
    ------
    NotIdentified
        As `fit_plasmode`.
    """
    clinics = [null_clinic(cohort, NULL_PEOPLE), *_bootstraps(cohort)]
    counted = [
        measure(clinic.course_over if course_over else clinic.cohort)
        for clinic in clinics
    ]
    value, *others = np.array(counted, np.float64)
    found = np.array(others)
    known = ~np.isnan(found)
    n = known.sum(axis=0)
    centre = np.where(known, found, 0.0).sum(axis=0) / np.maximum(n, 1)
    squares = np.where(known, (found - centre) ** 2, 0.0).sum(axis=0)
    # Each bootstrap is simulated like the number itself, so a Monte-Carlo error is in it too.
    spread = np.sqrt(squares / np.maximum(n - 1, 1))
    reach = stdtrit(np.maximum(n - 1, 1), (1 + LEVEL) / 2) * spread
    reach = np.where(
        n > 1,
        reach,
        np.nan,
    )
    low, high = (np.clip(value + sign * reach, *limits) for sign in (-1, 1))
    return Benchmark(
        value,
        low,
        high,
    )


def without_intervals(cohort: DerivedCohort) -> DerivedCohort:
    """The same cohort with benchmarks that have no interval, which takes most of their time."""
    other = cohort.apart()
    other.once(_BOOTSTRAPS, list)
    return other


def null_cohort(
    cohort: DerivedCohort,
    simulated: int = NULL_PEOPLE,
) -> DerivedCohort:
    """The cohort as it would look if sessions did nothing, many times over, as a cohort that every
    estimate can count.

    Parameters
    ----------
    cohort : DerivedCohort
        With scores on and off treatment.
    simulated : int
        At least so many people; everyone is drawn equally often.

    Raises
    ------
    NotIdentified
        As `fit_plasmode`.
    """
    return null_clinic(cohort, simulated).cohort


def null_clinic(
    cohort: DerivedCohort,
    simulated: int,
) -> NullClinic:
    return cohort.once(("null clinic", simulated), lambda: _null(cohort, simulated))


def _null(
    cohort: DerivedCohort,
    simulated: int,
) -> NullClinic:
    """The fitted clinic, lived through once more by everyone, with sessions that do nothing."""
    learnt = learnt_from(cohort)
    model = plasmode_data(learnt).model
    rng = np.random.default_rng(NULL_SEED)
    return _lived(
        learnt,
        model,
        simulated,
        rng,
    )


def _bootstraps(
    cohort: DerivedCohort,
) -> list[NullClinic]:
    """The same with other people of the clinic, drawn from those there are, time and again."""
    return cohort.once(_BOOTSTRAPS, lambda: _draw_bootstraps(cohort))


def _draw_bootstraps(
    cohort: DerivedCohort,
) -> list[NullClinic]:
    learnt = learnt_from(cohort)
    seeds = np.random.SeedSequence(NULL_SEED).spawn(NULL_BOOTSTRAPS)
    rngs = [np.random.default_rng(seed) for seed in seeds]
    models = plasmode_data(learnt).refitted(rngs)
    return [
        _lived(learnt, model, BOOTSTRAP_PEOPLE, rng)
        for model, rng in zip(models, rngs, strict=True)
    ]


def _lived(
    cohort: DerivedCohort,
    model: PlasmodeModel,
    simulated: int,
    rng: np.random.Generator,
) -> NullClinic:
    many = repeat_people(model, simulated)
    lived = live_through(many, 0.0, rng)
    return NullClinic(panel_cohort(lived.panel(), many, cohort), many, lived)


def learnt_from(
    cohort: DerivedCohort,
) -> DerivedCohort:
    """The cohort, or a random sample of its people where there are many."""
    people = scored_before(cohort)
    if len(people) <= MOST_LEARNT_FROM:
        return cohort
    return cohort.once("learnt from", lambda: _sample(cohort))


def _sample(
    cohort: DerivedCohort,
) -> DerivedCohort:
    rng = np.random.default_rng(NULL_SEED)
    people = scored_before(cohort).to_numpy()
    drawn = rng.choice(
        people,
        MOST_LEARNT_FROM,
        replace=False,
    )
    everyone = cohort.patients["patient_id"]
    return cohort.of_people(everyone.isin(drawn).to_numpy(bool))


def no_null_caveat(
    what: str,
    error: NotIdentified,
) -> str:
    """Why the null is missing, and what would give it.

    Examples
    --------
    >>> no_null_caveat("curve", NotIdentified("nobody is at risk.", "observed_to_day."))
    'No null curve: nobody is at risk. To have it, record: observed_to_day.'
    """
    return f"No null {what}: {error.reason} To have it, record: {error.collect}"
