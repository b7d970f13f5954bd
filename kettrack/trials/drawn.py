"""Clinics that a gate draws itself: who is scored at which visit, and the logs of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Floats
from kettrack.reading.cohort import Cohort
from kettrack.reading.load import cohort_from_frames


def codes(n: int) -> np.ndarray:
    """A code for each of n people."""
    return np.array([f"P{place:05d}" for place in range(n)])


def seen_until_left(
    first: Floats,
    scores: Floats,
    leaves: tuple[float, float],
    skips: float,
    rng: np.random.Generator,
) -> Bools:
    """Whoever scored badly at the last score is likelier to leave; the others skip by chance.

    Parameters
    ----------
    first : ndarray
        Of each person, before the visits.
    scores : ndarray
        Of shape (people, visits), as they would be if everybody were asked.
    leaves : tuple of float
        Logit of leaving at a score of 0, and per point.
    skips : float
        Share of the visits that people skip who stay.
    rng : Generator
        Draws both.

    Returns
    -------
    ndarray of bool
        Of the shape of `scores`.
    """
    seen = np.ones(scores.shape, bool)
    gone = np.zeros(len(first), bool)
    last = first.copy()
    at_zero = leaves[0]
    per_point = leaves[1]
    for visit in range(scores.shape[1]):
        logit = at_zero + per_point * last
        chance = 1 / (1 + np.exp(-logit))
        gone |= rng.random(len(last)) < chance
        asked = rng.random(len(last)) >= skips
        seen[:, visit] = asked & ~gone
        # The clinic knows the last score that was taken, and no other.
        last = np.where(
            seen[:, visit],
            scores[:, visit],
            last,
        )
    return seen


def cohort_of(
    people: np.ndarray,
    scores: pd.DataFrame,
    session_days: Sequence[int],
    log_end: int,
) -> Cohort:
    """A checked cohort in which everybody has the same sessions and a log to the same day.

    Parameters
    ----------
    people : ndarray
        Their codes.
    scores : DataFrame
        One row per score, as in a folder.
    session_days : sequence of int
        Of each person.
    log_end : int
        Day to which all logs are complete.
    """
    each = {
        "patient_id": people.repeat(len(session_days)),
        "day": np.tile(session_days, len(people)),
    }
    logs = {"patient_id": people, "observed_to_day": log_end}
    return cohort_from_frames(
        pd.DataFrame(each),
        scores,
        pd.DataFrame(logs),
    )
