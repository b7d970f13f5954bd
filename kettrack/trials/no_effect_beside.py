"""The no-effect benchmark beside a response held, and beside points per session: a clinic and its
twin whose sessions do nothing.

As in `no_effect`, the benchmark is made from the clinic alone. Whatever sessions followed, a
response is held as long in the twin as its scores say, so nobody need know who comes again.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.association.course_scores import scored_at_end
from kettrack.analysis.association.slopes import last_slopes, null_slopes
from kettrack.analysis.durability.null import (
    exits_at_end,
    null_held,
    still_responding,
)
from kettrack.analysis.durability.words import DAYS_SAID
from kettrack.analysis.response.benchmark import Benchmark, benchmark
from kettrack.reading.cohort import Cohort
from kettrack.simulation.parameters import Parameters
from kettrack.simulation.presets import SCENARIOS
from kettrack.simulation.truth import Truth
from kettrack.timelines.derived import DerivedCohort, derive
from kettrack.trials.gate import Check, Gate, Truths
from kettrack.trials.no_effect import PAIRS, SIZES, checks_of, twins_of, without_effect

LARGEST_BIAS: Final = {"held": 1.5, "slope": 0.1}  # points; points per session
LARGEST_EXCESS_BIAS: Final = {"held": 2.0, "slope": 0.15}
# People are scored after the planned course, so that a response can be seen to last.
HELD_IN: Final = ("clinic", "capped")
SLOPES_IN: Final = ("clinic", "A", "irregular", "returns")
TWINS: Final = 10
FIRST_TWIN: Final = 20261130
FIRST_SEED: Final = 104
_HELD: Final = tuple(
    f"held_{by}_{day}" for by in ("confirmed", "single") for day in DAYS_SAID
)
_SLOPES: Final = ("slope_raw", "slope_adjusted")


def seen_in(cohort: DerivedCohort, scenario: str) -> dict[str, float]:
    """What is on trial in a scenario, as a cohort shows it."""
    found: dict[str, float] = {}
    if scenario in HELD_IN:
        left = exits_at_end(cohort).values()
        held = np.hstack([still_responding(people) for people in left])
        found.update(zip(_HELD, held, strict=True))
    if scenario in SLOPES_IN:
        # the correlations that follow them are not on trial
        slopes = last_slopes(scored_at_end(cohort))[: len(_SLOPES)]
        found.update(zip(_SLOPES, slopes, strict=True))
    return found


def measure_beside(
    cohort: Cohort,
    scenario: str,
) -> dict[str, float]:
    """What is seen and the benchmark of it with its interval."""
    derived = derive(cohort)
    seen = seen_in(derived, scenario)
    numbers = {f"seen_{name}": seen[name] for name in seen}
    if scenario in HELD_IN:
        held = benchmark(
            derived,
            null_held,
            course_over=True,
        )
        numbers |= _told(_HELD, held)
    if scenario in SLOPES_IN:
        slope = benchmark(
            derived,
            null_slopes,
            limits=(-np.inf, np.inf),
        )
        numbers |= _told(_SLOPES, slope)
    return numbers


def _told(
    names: tuple[str, ...],
    found: Benchmark,
) -> dict[str, float]:
    numbers = {}
    for place, name in enumerate(names):
        numbers[f"null_{name}"] = float(found.value[place])
        numbers[f"low_{name}"] = float(found.low[place])
        numbers[f"high_{name}"] = float(found.high[place])
    return numbers


@cache
def true_numbers(parameters: Parameters) -> dict[str, Truth]:
    """What is on trial, in many people of a clinic."""
    twins = twins_of(parameters, range(FIRST_TWIN, FIRST_TWIN + TWINS))
    frame = pd.DataFrame([seen_in(twin, parameters.name) for twin in twins])
    found = {}
    for name in frame:
        mean = float(frame[name].mean())
        error = float(frame[name].std() / np.sqrt(TWINS))
        found[str(name)] = Truth(mean, error)
    return found


def judge_beside(frame: pd.DataFrame, truths: Truths, scenario: str) -> list[Check]:
    """Unbiased, its interval covers, and what is seen beyond it is what sessions did."""
    return list(_checks(frame, scenario))


def _checks(frame: pd.DataFrame, scenario: str) -> Iterator[Check]:
    clinic = SCENARIOS[scenario]
    seen = true_numbers(clinic)
    for name, null in true_numbers(without_effect(clinic)).items():
        kind, *rest = name.split("_")
        yield from checks_of(
            frame,
            name,
            truths=(null, seen[name]),
            limits=(LARGEST_BIAS[kind], LARGEST_EXCESS_BIAS[kind]),
            where=_words(kind, rest),
        )


def _words(kind: str, rest: list[str]) -> str:
    """What is on trial, in words."""
    if kind == "slope":
        return f"{rest[0]} slope of the last score, points per session"
    by = "a single score" if rest[0] == "single" else "two scores"
    return f"still responding on day {rest[1]} by {by}, percentage points"


def _gate(scenario: str, n: int) -> Gate:
    return Gate(
        name=f"no_effect_beside-{scenario}-{n}",
        question=(
            "Does the benchmark find how long responses last, and the slope, that the twin without"
            " effect shows?"
        ),
        scenario=scenario,
        n=n,
        cohorts=PAIRS,
        # its truths take longer than a fast run may
        fast_cohorts=0,
        first_seed=FIRST_SEED,
        measure=partial(measure_beside, scenario=scenario),
        judge=partial(judge_beside, scenario=scenario),
    )


GATES: Final = tuple(
    _gate(scenario, n) for n in SIZES for scenario in dict.fromkeys(HELD_IN + SLOPES_IN)
)
