"""Natural cubic splines: a smooth curve in a number that is straight beyond its outer knots."""

from __future__ import annotations

from typing import Final

import numpy as np

from kettrack.arrays import Floats

# Shares of people below each knot, by number of knots (Harrell 2015, Regression Modeling
# Strategies, 2nd ed., table 2.3).
_PLACES: Final = {
    4: (0.05, 0.35, 0.65, 0.95),
    3: (0.10, 0.50, 0.90),
}


def spline_knots(values: Floats) -> Floats:
    """Four knots at quantiles of a number; three where many people share a value, none where most
    do.

    Parameters
    ----------
    values : array of float
        Without missing ones.

    Examples
    --------
    >>> spline_knots(np.arange(101.0)).tolist()
    [5.0, 35.0, 65.0, 95.0]
    >>> spline_knots(np.array([0.0, 0.0, 0.0, 1.0])).tolist()
    []
    """
    for places in _PLACES.values():
        knots = np.unique(np.quantile(values, places))
        # Two knots at one place would leave a column that says nothing.
        if len(knots) == len(places):
            return knots
    return np.empty(0)


def natural_spline(values: Floats, knots: Floats) -> Floats:
    """Columns of a natural cubic spline, without an intercept: the number itself, and one for each
    knot but two.

    Parameters
    ----------
    values : array of float, shape (n,)
        The number.
    knots : array of float
        Rising; none gives a straight line.

    Returns
    -------
    float64, shape (n, columns)

    Notes
    -----
    Truncated powers as in Harrell 2015, divided by the square of the range of the knots, so that
    all columns are of one size.

    Examples
    --------
    >>> natural_spline(np.array([0.0, 2.0]), np.array([0.0, 1.0, 2.0])).tolist()
    [[0.0, 0.0], [2.0, 1.5]]
    """
    straight = values[:, None]
    if len(knots) < 3:
        return straight.astype(np.float64)
    last = knots[-1]
    before = knots[-2]
    gap = last - before
    bent = []
    for knot in knots[:-2]:
        # The two outer terms take off what would not be straight beyond the last knot.
        down = (last - knot) / gap
        up = (before - knot) / gap
        column = _cube(values - knot)
        column -= down * _cube(values - before)
        column += up * _cube(values - last)
        bent.append(column)
    scale = (last - knots[0]) ** 2
    curved = np.column_stack(bent)
    return np.column_stack(
        [
            straight,
            curved / scale,
        ]
    )


def _cube(values: Floats) -> Floats:
    """The cube above 0, and 0 below."""
    above = np.maximum(values, 0.0)
    return np.asarray(above**3)
