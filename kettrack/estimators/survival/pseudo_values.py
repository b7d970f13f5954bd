"""Pseudo-values: what each person adds to a curve, so that an ordinary regression can explain a
share of people who were not all followed to the end.
"""

from __future__ import annotations

import numpy as np

from kettrack.arrays import Floats, Ints
from kettrack.errors import NotIdentified
from kettrack.estimators.survival.competing_risks import (
    aalen_johansen,
    count_competing_risks,
)


def pseudo_values(
    step: Ints,
    cause: Ints,
    n_causes: int,
    horizon: int,
) -> tuple[Floats, Floats]:
    """Pseudo-value of each person for the first cause: n times the estimate of everybody less n - 1
    times that of everybody else.

    Parameters
    ----------
    step : int, shape (n,)
        Step at which each person left, 1 or later.
    cause : int, shape (n,)
        0 = the log ended, 1 .. n_causes = why.
    n_causes : int
        Number of causes.
    horizon : int
        Step by which the event is counted.

    Returns
    -------
    by_horizon : float64, shape (n,)
        For the cumulative incidence by the horizon, a fraction.
    without : float64, shape (n,)
        For the mean number of steps, of the first `horizon`, taken without the event before them.

    Raises
    ------
    NotIdentified
        With fewer than two people.

    Notes
    -----
    Andersen, Klein and Rosthøj 2003 (Biometrika 90:15); for cumulative incidences Klein and
    Andersen 2005 (Biometrics 61:223). Logs must end for reasons that have nothing to do with the
    event. Without a log that ends, a pseudo-value is what was seen: 1 or 0.

    Examples
    --------
    >>> by_two, without = pseudo_values(np.array([1, 2, 3]), np.array([1, 2, 1]), 2, 2)
    >>> by_two.round(6).tolist(), without.round(6).tolist()
    ([1.0, 0.0, 0.0], [1.0, 2.0, 2.0])
    """
    n = len(step)
    if n < 2:
        raise NotIdentified("fewer than two people are at risk.", "more people.")
    counts = count_competing_risks(
        step,
        cause,
        n_causes,
    )
    table = np.column_stack([counts.censored, counts.events]).astype(np.float64)
    # People who left alike have one pseudo-value: it is worked out once for each kind.
    cell = (step - 1) * (n_causes + 1) + cause
    kinds, kind_of = np.unique(cell, return_inverse=True)
    tables = np.repeat(
        table.reshape(1, -1),
        len(kinds) + 1,
        axis=0,
    )
    # the first table keeps everybody
    tables[
        np.arange(1, len(kinds) + 1),
        kinds,
    ] -= 1
    found = _both(tables.reshape(-1, *table.shape), horizon)
    values = n * found[:1] - (n - 1) * found[1:]
    return values[kind_of, 0], values[kind_of, 1]


def _both(
    tables: Floats,
    horizon: int,
) -> Floats:
    """Incidence by the horizon and mean steps without the event, shape (tables, 2)."""
    people = tables.sum(axis=-1)
    at_risk = np.cumsum(people[:, ::-1], axis=1)[:, ::-1]
    curve = aalen_johansen(
        tables[..., 1:],
        at_risk,
    )[2][..., 0]
    # where everybody has left, the curve goes on as it is
    last = curve.shape[1] - 1
    steps = np.minimum(np.arange(horizon), last)
    shown = curve[:, steps]
    # the first step is taken by everybody, the next by those without the event by then
    without = 1 + (1 - shown[:, :-1]).sum(axis=1)
    return np.column_stack([shown[:, -1], without])
