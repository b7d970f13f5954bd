"""The no-effect benchmark: a clinic and its twin whose sessions do nothing.

The benchmark is made from the clinic alone; what is true is counted in many people of the twin.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.response.benchmark import benchmark
from kettrack.analysis.response.response_curve import null_shares, share_reached
from kettrack.errors import NotIdentified
from kettrack.reading.cohort import Cohort
from kettrack.reading.load import cohort_from_frames
from kettrack.simulation.cohort import simulate
from kettrack.simulation.parameters import Parameters
from kettrack.simulation.presets import SCENARIOS
from kettrack.simulation.truth import Truth
from kettrack.timelines.derived import DerivedCohort, derive
from kettrack.trials.gate import Check, Gate, Truths, bias, coverage, share

READ_AT: Final = (2, 4, 6)  # sessions
LARGEST_BIAS: Final = 1.5  # points
LARGEST_EXCESS_BIAS: Final = 2.0  # points
COVERED: Final = (0.90, 0.97)
SIZES: Final = (240, 800, 2_000)
PAIRS: Final = 100
# What the course of severity cannot be told from, or is not that of the model: refused.
REFUSED: Final = ("maintenance", "silent")
ANSWERED: Final = ("clinic", "A", "B", "irregular", "returns")
FAST: Final = ("B", 240)
TWINS: Final = 5  # the error of the truth is then about .15 points
TWIN_PEOPLE: Final = 20_000
FIRST_TWIN: Final = 20261128
FIRST_SEED: Final = 103


def measure_benchmark(cohort: Cohort) -> dict[str, float]:
    """What is seen and the benchmark by some sessions, in percent; missing where it is refused."""
    derived = derive(cohort)
    last = READ_AT[-1]

    seen = share_reached(derived, "response", last)
    numbers = {"refused": 0.0}
    numbers |= {f"seen_{at}": float(seen[at - 1]) for at in READ_AT}
    try:
        found = benchmark(derived, lambda null: null_shares(null, "response", last))
    except NotIdentified:
        return {"refused": 1.0}
    for at in READ_AT:
        numbers[f"null_{at}"] = float(found.value[at - 1])
        numbers[f"low_{at}"] = float(found.low[at - 1])
        numbers[f"high_{at}"] = float(found.high[at - 1])
    return numbers


def without_effect(parameters: Parameters) -> Parameters:
    """The same clinic with sessions that do nothing."""
    return replace(parameters, effect=replace(parameters.effect, per_session=0.0))


def twins_of(parameters: Parameters, seeds: Iterable[int]) -> Iterator[DerivedCohort]:
    """`TWIN_PEOPLE` of a clinic for each seed."""
    for seed in seeds:
        people = simulate(parameters, TWIN_PEOPLE, seed)
        cohort = cohort_from_frames(
            people.sessions,
            people.scores,
            people.patients,
            people.events,
        )
        yield derive(cohort)


@cache
def true_shares(parameters: Parameters) -> tuple[Truth, ...]:
    """Percent of a clinic seen to respond by some sessions, over several twins."""
    twins = twins_of(parameters, range(FIRST_TWIN, FIRST_TWIN + TWINS))
    shares = [share_reached(twin, "response", READ_AT[-1]) for twin in twins]
    found = np.mean(shares, axis=0)
    truths = []
    for at in READ_AT:
        value = float(found[at - 1])
        error = np.sqrt(value * (100 - value) / (TWINS * TWIN_PEOPLE))
        truths.append(Truth(value, float(error)))
    return tuple(truths)


def judge_benchmark(frame: pd.DataFrame, truths: Truths, scenario: str) -> list[Check]:
    """Unbiased, its interval covers, and what is seen beyond it is what sessions did."""
    return list(_checks(frame, scenario))


def _checks(frame: pd.DataFrame, scenario: str) -> Iterator[Check]:
    clinic = SCENARIOS[scenario]
    nulls = true_shares(without_effect(clinic))
    seen = true_shares(clinic)
    limits = (LARGEST_BIAS, LARGEST_EXCESS_BIAS)
    for at, *truths in zip(READ_AT, nulls, seen, strict=True):
        where = f"response by session {at}, percentage points"
        yield from checks_of(frame, str(at), truths, limits, where)


def checks_of(
    frame: pd.DataFrame,
    name: str,
    truths: Sequence[Truth],
    limits: tuple[float, float],
    where: str,
) -> Iterator[Check]:
    """The three checks of one number.

    Parameters
    ----------
    frame : DataFrame
        Measurements, with columns `null_` `low_` `high_` `seen_` and the name.
    name : str
        Of the number.
    truths : sequence of Truth
        In the twin without effect, and in the clinic.
    limits : tuple of float
        Largest bias of the benchmark, and of what is seen beyond it.
    where : str
        The number in words, with its unit.
    """
    null, with_effect = truths
    yield bias(
        frame,
        f"null_{name}",
        null,
        limits[0],
        f"bias of the benchmark, {where}",
    )
    yield coverage(
        frame,
        (f"low_{name}", f"high_{name}"),
        null,
        *COVERED,
        what=f"coverage of the 95 % interval of the benchmark, {where}",
    )
    excess = frame.assign(excess=frame[f"seen_{name}"] - frame[f"null_{name}"])
    beyond = Truth(
        with_effect.value - null.value,
        float(np.hypot(with_effect.error, null.error)),
    )
    yield bias(
        excess,
        "excess",
        beyond,
        limits[1],
        f"bias of what is seen beyond the benchmark, {where}",
    )


def judge_refused(frame: pd.DataFrame, truths: Truths) -> list[Check]:
    """Refused, since a number would be wrong."""
    return [
        share(
            frame,
            "refused",
            low=0.95,
            what="share of clinics in which the benchmark is refused",
        )
    ]


def _gate(scenario: str, n: int) -> Gate:
    refused = scenario in REFUSED
    judge = judge_refused if refused else partial(judge_benchmark, scenario=scenario)
    return Gate(
        name=f"no_effect_benchmark-{scenario}-{n}",
        question=(
            "Does the benchmark find what the twin without effect shows, from the clinic alone?"
        ),
        scenario=scenario,
        n=n,
        cohorts=PAIRS,
        fast_cohorts=4 if (scenario, n) == FAST else 0,
        first_seed=FIRST_SEED,
        measure=measure_benchmark,
        judge=judge,
        version=2,
    )


GATES: Final = tuple(
    _gate(scenario, n) for n in SIZES for scenario in (*ANSWERED, *REFUSED)
)
