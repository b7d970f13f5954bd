"""A gate: one method, one scenario with a known truth, and what must be found before the method may
be trusted; and the checks that gates are made of: bias, coverage, a share of cohorts.

Every module of this room that names some in `GATES` is in the registry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd

from kettrack import trials
from kettrack.errors import UsageError
from kettrack.reading.cohort import Cohort
from kettrack.simulation.cohort import Simulated
from kettrack.simulation.truth import Truth

FAST_COHORTS: Final = 8
FAST_SLACK: Final = 3.0  # Monte-Carlo errors by which a run of few cohorts may miss
COVERAGE: Final = (0.925, 0.975)  # what an interval that claims 95 % must keep
CLAIMED: Final = 0.95
Truths = Mapping[str, Truth]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One number and the range it must lie in.

    Parameters
    ----------
    what : str
        What was measured, in words.
    found, mc_error : float
        The number over all cohorts and its Monte-Carlo standard error.
    low, high : float
        Range that passes, both ends included; infinite where there is no limit.
    truth : float
        What it is measured against; missing where nothing is known to be true.
    """

    what: str
    found: float
    mc_error: float
    low: float = field(default=float("-inf"))
    high: float = field(default=float("inf"))
    truth: float = field(default=float("nan"))

    @property
    def reported(self) -> bool:
        """Whether nothing was wanted of it."""
        return self.low == float("-inf") and self.high == float("inf")

    @property
    def wanted(self) -> str:
        """The range in words."""
        if self.reported:
            return "reported only"
        if self.low == -self.high:
            return f"within {self.high:g}"
        if self.low == float("-inf"):
            return f"at most {self.high:g}"
        return (
            f"at least {self.low:g}"
            if self.high == float("inf")
            else f"from {self.low:g} to {self.high:g}"
        )

    def passed(self, slack: float = 0.0) -> bool:
        """Whether it lies in the range, or no more than `slack` Monte-Carlo errors outside; a
        missing number never does.
        """
        # a missing number compares as false
        room = slack * self.mc_error
        return self.reported or bool(self.low - room <= self.found <= self.high + room)


class Source(Protocol):
    """Where the cohorts of a gate come from, where it is no scenario of the synthetic clinic."""

    def draw(self, n: int, seed: int) -> Cohort:
        """A checked cohort of n patients."""
        ...

    def truths(self) -> Truths:
        """What is true there."""
        ...

    def numbers(self) -> str:
        """Everything that a measurement there depends on."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One method on trial in one scenario.

    Parameters
    ----------
    name : str
        Of the gate and of its files; letters, digits, `_` and `-`.
    question : str
        What it asks, in one sentence.
    scenario : str
        Name in `kettrack.simulation.presets.SCENARIOS`.
    n : int
        Patients in a cohort.
    cohorts, fast_cohorts : int
        How many cohorts, and how many in a fast run; 0 there leaves the gate out of it.
    first_seed : int
        Everything random follows from it.
    measure : function, optional
        Cohort to named numbers; a missing number is NaN. It runs in another process: a function of
        a module, or a `functools.partial` of one. It never sees the truth.
    measure_together : function, optional
        In its place where that is much quicker: a cohort of many times n patients, and n, to the
        numbers of each n patients in a row.
    judge : function
        All measurements (one row per cohort, with the columns `cohort` and those of `measure`) and
        the truths of the scenario to the checks.
    prepare : function, optional
        Simulated patients to simulated patients, before they go through the front door.
    source : Source, optional
        In place of a scenario, which `scenario` then only names; it goes to other processes.
    version : int
        Raised when `measure` means something else; earlier measurements are then left aside.
    """

    name: str
    question: str
    scenario: str
    n: int = 400
    cohorts: int
    fast_cohorts: int = FAST_COHORTS
    first_seed: int = 1
    judge: Callable[[pd.DataFrame, Truths], list[Check]]
    measure: Callable[[Cohort], Mapping[str, float]] | None = None
    measure_together: Callable[[Cohort, int], Sequence[Mapping[str, float]]] | None = (
        None
    )
    prepare: Callable[[Simulated], Simulated] | None = None
    source: Source | None = None
    version: int = 1

    @property
    def measured_by(self) -> Callable[..., Any]:
        """The function that measures.

        Raises
        ------
        UsageError
            When there is none, or two.
        """
        functions = [
            function
            for function in (self.measure, self.measure_together)
            if function is not None
        ]
        if len(functions) != 1:
            raise UsageError(
                f"The gate {self.name!r} needs one of measure and measure_together."
            )
        return functions[0]


def all_gates() -> dict[str, Gate]:
    """Name to gate, in the order of modules and of their lists.

    Raises
    ------
    UsageError
        When two gates have one name: their files would take each other's place.
    """
    gates: dict[str, Gate] = {}
    for name in sorted(found.name for found in iter_modules(trials.__path__)):
        if name == "__main__":  # running it would run the trials
            continue
        module = import_module(f"{trials.__name__}.{name}")
        # A module without gates, such as `run`, only helps the others.
        for gate in getattr(module, "GATES", ()):
            if gate.name in gates:
                raise UsageError(f"Two gates are called {gate.name!r}.")
            gates[gate.name] = gate
    return gates


def choose_gates(names: list[str]) -> list[Gate]:
    """Gates by name, or by the part before `-`, which names them in every scenario; all without
    names.

    Raises
    ------
    UsageError
        For a name that fits none; the message says which there are.
    """
    gates = all_gates()
    # "next_session" names that method in all its scenarios.
    known = {*gates, *map(_method_of, gates)}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise UsageError(
            f"No gate is called {unknown[0]!r}; there are: {', '.join(gates)}."
        )
    return [
        gate
        for name, gate in gates.items()
        if not names or name in names or _method_of(name) in names
    ]


def _method_of(name: str) -> str:
    """The name of a gate without its scenario."""
    return name.partition("-")[0]


def _mean_error(values: pd.Series) -> float:
    return (
        float(values.std() / np.sqrt(len(values))) if len(values) > 1 else float("nan")
    )


def bias(
    frame: pd.DataFrame, column: str, truth: Truth, limit: float, what: str = ""
) -> Check:
    """Mean estimate less the truth, to lie within `limit`; a cohort without an estimate makes it
    missing.
    """
    # the truth was found by simulation too, and has an error of its own
    error = float(np.hypot(_mean_error(frame[column]), truth.error))
    found = float(frame[column].mean(skipna=False) - truth.value)
    return Check(
        what=what or f"bias of {column}",
        found=found,
        mc_error=error,
        low=-limit,
        high=limit,
        truth=truth.value,
    )


def off_by(
    frame: pd.DataFrame, column: str, truth: Truth, least: float, what: str = ""
) -> Check:
    """Mean estimate less the truth, to lie above `least`, or below it where that is negative: a
    known bias must be there.
    """
    error = float(np.hypot(_mean_error(frame[column]), truth.error))
    found = float(frame[column].mean(skipna=False) - truth.value)
    # The sign says on which side the known bias lies.
    bounds = {"low": least} if least > 0 else {"high": least}
    return Check(
        what=what or f"bias of {column}",
        found=found,
        mc_error=error,
        truth=truth.value,
        **bounds,
    )


def coverage(
    frame: pd.DataFrame,
    ends: Sequence[str],
    truth: Truth,
    low: float = COVERAGE[0],
    high: float = COVERAGE[1],
    what: str = "",
) -> Check:
    """Share of cohorts whose interval, in the two columns `ends`, holds the truth; one without an
    interval does not.
    """
    # A missing end compares false, so a missing interval does not hold the truth.
    holds = (frame[ends[0]] <= truth.value) & (truth.value <= frame[ends[1]])
    # the error that the claim implies: a poor interval is not excused by its own spread
    error = float(np.sqrt(CLAIMED * (1 - CLAIMED) / len(frame)))
    words = what or "coverage of the 95 % interval"
    return Check(
        what=words,
        found=float(holds.mean()),
        mc_error=error,
        low=low,
        high=high,
        truth=truth.value,
    )


def share(
    frame: pd.DataFrame,
    column: str,
    low: float = 0.0,
    high: float = 1.0,
    what: str = "",
) -> Check:
    """Share of cohorts in which a 0/1 measurement is 1, such as a refusal or a rejected null."""
    found = float(frame[column].mean(skipna=False))
    likely = min(max(found, 0.01), 0.99)  # none or all of few cohorts is not certainty
    error = float(np.sqrt(likely * (1 - likely) / len(frame)))
    return Check(
        what=what or f"share with {column}",
        found=found,
        mc_error=error,
        low=low,
        high=high,
    )
