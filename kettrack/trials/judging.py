"""The checks that gates are made of: bias, coverage, a share of cohorts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from kettrack.simulation.truth import Truth
from kettrack.trials.gate import Check

COVERAGE: Final = (0.925, 0.975)  # what an interval that claims 95 % must keep
CLAIMED: Final = 0.95


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
