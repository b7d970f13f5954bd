"""Simulated cohorts for tests, each made once for all tests of a process.

A test gets tables of its own: what it changes in them reaches no other test. They are copies on
write, so a table that nobody changes costs nothing.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TypeVar

from kettrack import Cohort, cohort_from_frames
from kettrack.simulation.cohort import Simulated, simulate
from kettrack.simulation.presets import SCENARIOS

TABLES = ("sessions", "scores", "patients", "events")
Tables = TypeVar("Tables", Simulated, Cohort)


def simulated(scenario: str, n: int, seed: int, regime: int | None = None) -> Simulated:
    """The tables of a scenario and the truth beside them."""
    return _with_own_tables(
        _made(scenario, n, seed, regime), (*TABLES, "people", "severity")
    )


def simulated_cohort(scenario: str, n: int, seed: int) -> Cohort:
    """A scenario as the front door lets it in."""
    return _with_own_tables(_let_in(scenario, n, seed), TABLES)


def enter(made: Simulated) -> Cohort:
    """Simulated tables through the front door."""
    return cohort_from_frames(made.sessions, made.scores, made.patients, made.events)


def thin_clinic() -> Cohort:
    """A clinic of 240 that scores few of those who stopped: it must refuse what the sample can
    answer.
    """
    return simulated_cohort("clinic", 240, 20261121)


@functools.cache
def _made(scenario: str, n: int, seed: int, regime: int | None) -> Simulated:
    return simulate(SCENARIOS[scenario], n, seed, regime)


@functools.cache
def _let_in(scenario: str, n: int, seed: int) -> Cohort:
    return enter(simulated(scenario, n, seed))


def _with_own_tables(made: Tables, names: tuple[str, ...]) -> Tables:
    return replace(
        made, **{name: getattr(made, name).copy(deep=False) for name in names}
    )
