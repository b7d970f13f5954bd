"""A gate: one method, one scenario with a known truth, and what must be found before the method may
be trusted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from kettrack.errors import UsageError
from kettrack.reading.cohort import Cohort
from kettrack.simulation.cohort import Simulated
from kettrack.simulation.truth import Truth

FAST_COHORTS: Final = 8
FAST_SLACK: Final = 3.0  # Monte-Carlo errors by which a run of few cohorts may miss
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
        room = slack * self.mc_error
        return self.reported or bool(self.low - room <= self.found <= self.high + room)


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
