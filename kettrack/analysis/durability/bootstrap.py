"""Bootstrap samples of people off treatment; where people are many, of some of them."""

from __future__ import annotations

import numpy as np

from kettrack.analysis.durability.weights import Untreated, untreated_curve
from kettrack.arrays import Floats, Ints
from kettrack.estimators.intervals import drawn_places, patient_weights
from kettrack.vocabulary.limits import MOST_BOOTSTRAPPED


def bootstrap_curves(
    people: Untreated,
    grid: Ints,
    middle: Floats,
    replicates: int,
    seed: int,
) -> Floats:
    """`untreated_curve` of bootstrap samples of people, shape (replicates, g); `middle` is that of
    all.

    Notes
    -----
    Of more than `MOST_BOOTSTRAPPED` people, so many drawn by chance are bootstrapped. The distances
    of their replicates from their own curve, times the root of their share, are laid about the
    curve of all (Politis and Romano 1994, Ann Stat 22:2031).
    """
    chosen = drawn_places(people.n, MOST_BOOTSTRAPPED, seed)
    if len(chosen) == people.n:
        return _replicates(people, grid, replicates, seed)
    some = some_of(people, chosen)
    away = _replicates(some, grid, replicates, seed)
    away -= untreated_curve(some, grid)
    nearer = away * np.sqrt(some.n / people.n)
    # A share is never below 0 or above 1.
    return np.clip(middle + nearer, 0, 1)


def _replicates(
    people: Untreated,
    grid: Ints,
    replicates: int,
    seed: int,
) -> Floats:
    drawn = patient_weights(people.n, replicates, seed)
    return untreated_curve(people, grid, drawn)


def some_of(people: Untreated, chosen: Ints) -> Untreated:
    """Some of the people, whose places are given rising, as if they were all."""
    inside = np.isin(people.person, chosen)
    person = people.person[inside]
    known = people.known[chosen]
    lost = people.lost[chosen]
    begins = people.begins[inside]
    days = people.days[inside]
    again = people.again[inside]
    history = people.history[inside]
    return Untreated(
        known=known,
        lost=lost,
        person=np.searchsorted(chosen, person),
        begins=begins,
        days=days,
        again=again,
        history=history,
    )
