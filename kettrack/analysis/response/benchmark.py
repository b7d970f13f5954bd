"""The no-effect benchmark: what the same clinic would show if sessions did nothing, with an
interval from the same clinic with other people in it, each time fitted again.

It is worked out once for each cohort; whatever is counted in the clinic is counted in it the same
way. The simulated clinics stand in one cohort, one after the other: their tables are made at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import stdtrit

from kettrack.analysis.context import LEVEL
from kettrack.analysis.response.plasmode import (
    panel_cohort,
    plasmode_data,
    repeat_people,
    take_people,
)
from kettrack.analysis.response.plasmode_rows import scored_before
from kettrack.arrays import Floats, Ints
from kettrack.errors import NotIdentified
from kettrack.estimators.plasmode.clinic import (
    PanelPeople,
    PlasmodeModel,
    SimulatedPanel,
    live_through,
)
from kettrack.timelines.derived import DerivedCohort

NULL_SEED: Final = 20130513
# People in the null cohort: the Monte-Carlo error of a percentage is then below one point. A
# bootstrap has as many, so that its own error is that of the null, and the interval no wider.
NULL_PEOPLE: Final = 4_000
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
    " each fitted again and simulated. Only first courses are simulated: whoever came back after a"
    " pause that ended the first course stops there in the null, and does not come back. The model"
    " assumes that stopping follows the scores, and that what a session does wears off. What comes"
    " with treatment but not from the sessions is credited to the sessions. So is part of a"
    " recovery by itself in the weeks of the first sessions: in a simulated clinic where many"
    " recover so, the null was 6 to 10 points too low, and its interval did not show it."
)
_BOOTSTRAPS: Final = "null bootstraps"  # by this name a cohort keeps them
# A panel and the people in it.
_Lived = tuple[SimulatedPanel, PanelPeople]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Numbers of a clinic whose sessions do nothing, with the ends of their intervals."""

    value: Floats
    low: Floats
    high: Floats


class NullClinic:
    """A clinic whose sessions do nothing.

    Parameters
    ----------
    model : PlasmodeModel
        Of its people.
    rng : Generator
        Of NumPy; its chance.
    """

    def __init__(self, model: PlasmodeModel, rng: np.random.Generator) -> None:
        self._model = model
        self._lived = live_through(model, 0.0, rng)
        # now, as what is told later of those whose course is over is written down beside it
        self.first_course: _Lived = (self._lived.panel(), PanelPeople.of(model))

    @cached_property
    def course_over(self) -> _Lived:
        """Those whose course ended as planned, followed for longer."""
        people = self._lived.follow_on()
        model = take_people(self._model, people)
        return self._lived.panel().of(people), PanelPeople.of(model)


@dataclass(frozen=True, slots=True)
class NullClinics:
    """Clinics whose sessions do nothing, as one cohort that every estimate can count.

    Parameters
    ----------
    cohort : DerivedCohort
        The people of all; the first courses, with the scores that follow them.
    first : int, shape (clinics + 1,)
        `patient_id` of the first person of each clinic, and the next after the last person.
    """

    cohort: DerivedCohort
    first: Ints

    def __len__(self) -> int:
        return len(self.first) - 1

    def each(
        self,
        rows: pd.DataFrame,
        measure: Callable[[pd.DataFrame], npt.ArrayLike],
    ) -> Floats:
        """Numbers of each clinic from its rows of a table, shape (clinics, ...).

        Parameters
        ----------
        rows : DataFrame
            By `patient_id`.
        measure : function
            Rows of one clinic, in their order, to numbers, always as many.
        """
        people = rows.index.to_numpy(np.int64)
        clinic = np.searchsorted(self.first, people, side="right") - 1
        in_order = np.argsort(clinic, kind="stable")
        begins = np.searchsorted(clinic[in_order], np.arange(len(self) + 1))
        parts = [rows.iloc[in_order[a:b]] for a, b in pairwise(begins)]
        return np.array([measure(part) for part in parts], np.float64)


def benchmark(
    cohort: DerivedCohort,
    measure: Callable[[NullClinics], Floats],
    limits: tuple[float, float] = (0.0, 100.0),
    course_over: bool = False,
) -> Benchmark:
    """Counting what the clinic would show if sessions did nothing.

    Parameters
    ----------
    cohort : DerivedCohort
        With scores on and off treatment.
    measure : function
        Clinics to numbers of each, such as percentages, shape (clinics, ...).
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
    key = ("null clinics", course_over)
    counted = measure(cohort.once(key, lambda: _together(cohort, course_over)))
    value = counted[0]
    found = counted[1:]
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


def _together(cohort: DerivedCohort, course_over: bool) -> NullClinics:
    """The null and its bootstraps as one cohort; the null comes first."""
    clinics = [null_clinic(cohort, NULL_PEOPLE), *_bootstraps(cohort)]
    lived = [
        clinic.course_over if course_over else clinic.first_course for clinic in clinics
    ]
    people = [people for _, people in lived]
    sizes = [each.baseline.size for each in people]
    first = np.cumsum([0, *sizes], dtype=np.int64)
    panel = SimulatedPanel.joined([panel for panel, _ in lived], first[:-1])
    return NullClinics(panel_cohort(panel, PanelPeople.joined(people), cohort), first)


def null_clinic(
    cohort: DerivedCohort,
    simulated: int,
) -> NullClinic:
    """The clinic if sessions did nothing, with at least so many people; everyone equally often."""
    return cohort.once(("null clinic", simulated), lambda: _null(cohort, simulated))


def _null(
    cohort: DerivedCohort,
    simulated: int,
) -> NullClinic:
    """The fitted clinic, lived through once more by everyone, with sessions that do nothing."""
    model = plasmode_data(learnt_from(cohort)).model
    return NullClinic(
        repeat_people(model, simulated),
        np.random.default_rng(NULL_SEED),
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
        NullClinic(repeat_people(model, NULL_PEOPLE), rng)
        for model, rng in zip(models, rngs, strict=True)
    ]


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
