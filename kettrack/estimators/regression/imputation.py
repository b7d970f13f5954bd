"""Multiple imputation of missing scores from a repeated-measures model, and what many completed
sets of data say together (Rubin's rules).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Bools, Floats
from kettrack.estimators.intervals import student_interval
from kettrack.estimators.regression.repeated_measures import (
    RepeatedMeasures,
    draw_parameters,
)

# Scored people with a like expectation, of whom one lends a missing score its distance from it: a
# fifth of them all, so that no handful of people speaks for everybody at the end of the range.
_DONORS: Final = 0.2
_FEWEST_DONORS: Final = 20


def impute_scores(
    fit: RepeatedMeasures,
    x: Floats,
    y: Floats,
    draws: int,
    seed: int,
) -> Floats:
    """Scores at a visit, those that are missing as they could have been.

    Parameters
    ----------
    fit : RepeatedMeasures
        Its first visits are those of `y`.
    x : float64, shape (people, c)
        Covariates, as in `fit_repeated_measures`.
    y : float64, shape (people, v)
        Scores at the visits up to the one that is asked for, which is the last, in time order.
    draws, seed : int
        How many sets, and from which seed; the same seed gives the same sets.

    Returns
    -------
    float64, shape (draws, people)
        Scores that are known are the same in every set.

    Notes
    -----
    Visit by visit, since people leave visit by visit. Each missing score is what the model expects
    after the visits before it, and the distance of somebody scored from the same expectation: local
    residual draws (Schenker and Taylor 1996, Comput Stat Data Anal 22:425). Scores of a scale with
    an end are not normal, and the share of people beyond a cut-off would feel it.
    """
    drawn = draw_parameters(
        fit,
        draws,
        seed,
    )
    rng = np.random.default_rng([seed, 1])
    fitted = _Expectation(x @ fit.coefficients.T, fit.covariance)
    missing = np.isnan(y)
    out = np.empty((draws, len(y)))
    for place, (beta, covariance) in enumerate(zip(*drawn, strict=True)):
        filled = np.where(
            missing,
            0.0,
            y,
        )
        uncertain = _Expectation(x @ beta.T, covariance)
        for visit in range(y.shape[1]):
            silent = missing[:, visit]
            likely = fitted.at(visit, filled)
            # The model is an estimate: what it expects of the silent is drawn, while a distance is
            # that of real people from the fit itself.
            lent = _lent(
                likely,
                filled[:, visit] - likely,
                silent,
                rng,
            )
            ratio = uncertain.deviation(visit) / fitted.deviation(visit)
            away = uncertain.at(visit, filled)[silent] + ratio * lent
            filled[silent, visit] = away
        out[place] = filled[:, -1]
    return out


@dataclass(frozen=True, slots=True)
class _Expectation:
    """What is expected of each person at a visit after the visits before it.

    Parameters
    ----------
    mean : float64, shape (people, v)
        Without any score.
    covariance : float64, shape (v, v)
    """

    mean: Floats
    covariance: Floats

    def _slopes(
        self,
        visit: int,
    ) -> Floats:
        before = self.covariance[:visit, :visit]
        with_this = self.covariance[:visit, visit]
        return np.asarray(np.linalg.solve(before, with_this), dtype=np.float64)

    def at(
        self,
        visit: int,
        scores: Floats,
    ) -> Floats:
        """Expected score at a visit, given all scores before it."""
        apart = scores[:, :visit] - self.mean[:, :visit]
        return np.asarray(self.mean[:, visit] + apart @ self._slopes(visit))

    def deviation(
        self,
        visit: int,
    ) -> float:
        """SD of a score about its expectation."""
        told = self._slopes(visit) @ self.covariance[:visit, visit]
        return float(np.sqrt(self.covariance[visit, visit] - told))


def _lent(
    expected: Floats, away: Floats, silent: Bools, rng: np.random.Generator
) -> Floats:
    """For each silent person the distance of one of the scored people nearest in expectation."""
    scored = np.flatnonzero(~silent)
    # Who lends is a sample too: each set has donors of its own (approximate Bayesian bootstrap).
    donors = rng.choice(scored, len(scored))
    order = donors[np.argsort(expected[donors], kind="stable")]
    wanted = max(_FEWEST_DONORS, round(_DONORS * len(order)))
    number = min(wanted, len(order))
    middle = np.searchsorted(expected[order], expected[silent]) - number // 2
    first = np.clip(
        middle,
        0,
        len(order) - number,
    )
    chosen = first + rng.integers(
        0,
        number,
        len(first),
    )
    return away[order[chosen]]


@dataclass(frozen=True, slots=True)
class Pooled:
    """One number from many completed sets of data.

    Parameters
    ----------
    estimate, variance : float
        Mean over the sets, and its variance.
    freedom : float
        Degrees of freedom of Student's interval.
    """

    estimate: float
    variance: float
    freedom: float

    def interval(
        self,
        level: float = 0.95,
    ) -> tuple[float, float]:
        """Student's interval."""
        _, low, high = student_interval(
            self.estimate,
            float(np.sqrt(self.variance)),
            self.freedom,
            level,
        )
        return low, high


def pool_sets(
    estimates: npt.ArrayLike, variances: npt.ArrayLike, freedom: float
) -> Pooled:
    """Rubin's rules.

    Parameters
    ----------
    estimates, variances : float, shape (sets,)
        What each completed set says, and the variance that it claims; at least two sets.
    freedom : float
        Degrees of freedom if nothing were missing.

    Notes
    -----
    Rubin 1987, with the degrees of freedom of Barnard and Rubin 1999 (Biometrika 86:948).

    Examples
    --------
    >>> pooled = pool_sets([9, 11, 10, 10], [1, 1, 1, 1], freedom=50)
    >>> pooled.estimate, round(pooled.variance, 3), round(pooled.freedom, 1)
    (10.0, 1.833, 9.3)
    """
    values = np.asarray(estimates, dtype=np.float64)
    # What one set claims is too sure: it takes its imputed scores for real ones.
    sets = len(values)
    within = float(np.asarray(variances, dtype=np.float64).mean())
    between = float(values.var(ddof=1)) * (1 + 1 / sets)
    total = within + between
    missing = between / total if total > 0 else 0.0
    # With nothing missing the formula below would divide by 0.
    if missing <= 0:
        return Pooled(
            float(values.mean()),
            total,
            freedom,
        )
    from_sets = (sets - 1) / missing**2
    from_people = (freedom + 1) / (freedom + 3) * freedom * (1 - missing)
    joint = 1 / (1 / from_sets + 1 / from_people) if from_people > 0 else 0.0
    # A whole number of people is behind it: below one degree there is no interval at all.
    return Pooled(
        float(values.mean()),
        total,
        max(joint, 1.0),
    )


def pool_shares(flags: Bools) -> Pooled:
    """Share of people with an outcome, 0 to 1, from completed sets of flags (sets, people)."""
    people = flags.shape[1]
    shares = flags.mean(axis=1)
    return pool_sets(
        shares,
        shares * (1 - shares) / people,
        people - 1,
    )


def pool_means(values: Floats) -> Pooled:
    """Mean of completed sets of values (sets, people)."""
    people = values.shape[1]
    return pool_sets(
        values.mean(axis=1), values.var(axis=1, ddof=1) / people, people - 1
    )
