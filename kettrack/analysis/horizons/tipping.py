"""How much worse the people who were not scored would have to be before a conclusion falls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kettrack.analysis.context import LEVEL
from kettrack.analysis.horizons.strategies import Completed
from kettrack.analysis.horizons.visits import Visit
from kettrack.estimators.regression.imputation import pool_means


@dataclass(frozen=True, slots=True)
class Tipping:
    """The point at which a conclusion about the mean change falls.

    Parameters
    ----------
    points : float
        By which the silent would have to be worse than similar people with a score; 0 where the
        conclusion does not hold as it is, NaN where no score of the scale is bad enough.
    mean_score : float
        Mean score of the silent at that point; NaN without one.
    """

    points: float
    mean_score: float


def tipping_point(
    visit: Visit,
    completed: Completed,
    sign: int,
    worst: float,
    threshold: float = 0.0,
) -> Tipping:
    """Points by which the interval of the mean improvement comes to reach a threshold.

    Parameters
    ----------
    visit : Visit
        At which somebody was not scored.
    completed : Completed
        Imputed as if the silent were like similar people with a score.
    sign : int
        +1 where a higher score is worse.
    worst : float
        The worst score of the scale, beyond which nobody can be.
    threshold : float
        Points of improvement, such as those that regression to the mean makes by itself.
    """
    silent = ~visit.scored
    # Turned so that a fall is an improvement on every scale.
    change = sign * (completed.scores - visit.baseline)
    mean_silent = float(completed.scores[:, silent].mean())

    def above(points: float) -> float:
        """How far the interval's end reaches beyond the threshold; above 0 it has fallen."""
        moved = np.where(silent, points, 0.0)
        return pool_means(change + moved).interval(LEVEL)[1] + threshold

    if above(0.0) >= 0:
        return Tipping(0.0, mean_silent)
    room = sign * (worst - mean_silent)
    # Nobody can be worse than the worst score: then the conclusion holds whoever is silent.
    if room <= 0 or above(room) < 0:
        return Tipping(np.nan, np.nan)
    from scipy.optimize import brentq

    points = float(brentq(above, 0.0, room, xtol=1e-6))
    return Tipping(points, mean_silent + sign * points)
