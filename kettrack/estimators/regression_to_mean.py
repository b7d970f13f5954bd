"""How far scores fall by themselves when people enter because one score was high."""

from __future__ import annotations

from kettrack.errors import UsageError


def expected_drop(mean: float, sd: float, cutoff: float, reliability: float) -> float:
    """Expected fall from an entry score at or above a cut-off to a second score, nothing having
    changed.

    Parameters
    ----------
    mean, sd : float
        Of entry scores in the people from whom those at or above the cut-off were taken, in points.
    cutoff : float
        Lowest entry score, in points.
    reliability : float
        Correlation of two scores of an unchanged person, 0 to 1.

    Returns
    -------
    float
        Points; positive = scores fall.

    Raises
    ------
    UsageError
        For a negative spread, or a reliability outside 0 to 1.

    Notes
    -----
    Of a normal score cut off from below: (1 - reliability) sd phi(z) / (1 - Phi(z)) with z = (cutoff - mean) / sd.
    Davis 1976 (Am J Epidemiol 104:493).

    Examples
    --------
    >>> round(expected_drop(14, 5.5, 15, 0.6), 1)
    2.0
    """
    from scipy.stats import norm

    if sd <= 0 or not 0 <= reliability <= 1:
        raise UsageError(
            "Regression to the mean needs a positive spread and a reliability between 0 and 1."
        )
    z = (cutoff - mean) / sd
    return float((1 - reliability) * sd * norm.pdf(z) / norm.sf(z))
