"""What is true of a weekly scenario, found by forcing the regime on many people instead of looking at who stops when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kettrack.simulation.habits import DAYS_PER_WEEK
from kettrack.simulation.history import History, run
from kettrack.simulation.parameters import Parameters
from kettrack.simulation.people import Floats

LAST_WEEK = 12
MANY, FEW = 8, 3  # sessions of the two regimes that are compared


@dataclass(frozen=True, slots=True)
class Truth:
    """A number and the Monte-Carlo standard error it was found with."""

    value: float
    error: float


def weekly_scores(history: History) -> Floats:
    """Scores of a weekly scenario, patients × weeks: the first is the screening score, then weeks 1 to 12."""
    log = history.scores
    table = np.full((history.people.n, LAST_WEEK + 1), np.nan)
    table[log.who, log.day // DAYS_PER_WEEK + 1] = log.score
    return table


def _mean(values: npt.ArrayLike) -> Truth:
    found = np.asarray(values, dtype=np.float64)
    return Truth(float(found.mean()), float(found.std() / len(found) ** 0.5))


def force_truth(parameters: Parameters, n: int, seed: int) -> dict[str, Truth]:
    """Truths of a weekly scenario with n people.

    Parameters
    ----------
    parameters : Parameters
        Twelve weekly sessions, a score every week.
    n, seed : int
        Number of people and seed.

    Returns
    -------
    dict of str to Truth
        `stop_after_8_minus_3`: mean difference of the week-12 score, eight sessions against three, in points.
        `response_by_8`: share with a score at most half of the screening score in weeks 1 to 8, if all go on.
    """
    many, few, all_on = (weekly_scores(run(parameters, n, seed, regime=k)) for k in (MANY, FEW, LAST_WEEK))
    responded = (all_on[:, 1 : MANY + 1] <= 0.5 * all_on[:, [0]]).any(axis=1)
    return {
        "stop_after_8_minus_3": _mean(many[:, LAST_WEEK] - few[:, LAST_WEEK]),
        "response_by_8": _mean(responded),
    }
