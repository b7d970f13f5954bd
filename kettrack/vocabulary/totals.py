"""Totals from items, by each instrument's own rule. An incomplete total is missing, never a sum of
what is left.

A plain sum is a sum over domains with one item in each, so it takes the same way as a sum over the
domains of an instrument. A T value is looked up from such a sum. The position of the highest yes is
the one total that is no sum.
"""

from __future__ import annotations

import itertools

import numpy as np

from kettrack.arrays import Floats
from kettrack.vocabulary.instrument import Domain, Instrument


def total_from_items(instrument: Instrument, items: Floats) -> Floats:
    """Total of each row of answers, by the instrument's own rule.

    Parameters
    ----------
    instrument : Instrument
        Says which rule, and how many items.
    items : array, shape (n, k)
        Answers in the order of the form, NaN where there is none; k is at least the number of
        items, further ones are ignored.

    Returns
    -------
    array, shape (n,)
        In the unit of the instrument's score (PROMIS: T value). NaN where an item the rule needs is
        missing.

    Examples
    --------
    >>> from kettrack.vocabulary.instruments import PHQ9
    >>> total_from_items(PHQ9, np.array([[1.0] * 9, [1.0] * 8 + [np.nan]]))
    array([ 9., nan])
    """
    answers = np.asarray(items, dtype=np.float64)[:, : instrument.n_items]
    if instrument.n_items == 0 or answers.shape[1] < instrument.n_items:
        return np.full(len(answers), np.nan)
    if instrument.total == "highest":
        return _highest_yes(answers)
    total = _sum_of_domains(_domains(instrument), answers)
    if instrument.total == "t_value":
        return _t_values(instrument, total)
    return total


def total_bounds(instrument: Instrument, items: Floats) -> tuple[Floats, Floats]:
    """Lowest and highest total the answers given leave possible, each missing one taken at its
    ends.

    Parameters
    ----------
    instrument : Instrument
        With items.
    items : array, shape (n, k)
        As in `total_from_items`.

    Returns
    -------
    low, high : array, shape (n,)
        Both equal the total where the answers are complete.

    Examples
    --------
    >>> from kettrack.vocabulary.instruments import PHQ9
    >>> low, high = total_bounds(PHQ9, np.array([[3.0] * 8 + [np.nan]]))
    >>> float(low[0]), float(high[0])
    (24.0, 27.0)
    """
    answers = np.asarray(items, dtype=np.float64)[:, : instrument.n_items]
    least = np.where(np.isnan(answers), instrument.item_minimum, answers)
    most = np.where(
        np.isnan(answers), np.asarray(instrument.item_maxima, dtype=np.float64), answers
    )
    if instrument.total == "domains":
        most = _blank_alternatives(instrument, answers, most)
    return total_from_items(instrument, least), total_from_items(instrument, most)


def _domains(instrument: Instrument) -> tuple[Domain, ...]:
    if instrument.total == "domains":
        return instrument.domains
    return tuple(((item,),) for item in range(1, instrument.n_items + 1))


def _highest(answers: Floats, numbers: tuple[int, ...]) -> Floats:
    """Highest answer among the numbered items, NaN where none is given (quietly, unlike
    `nanmax`).
    """
    given = answers[:, [number - 1 for number in numbers]]
    best = np.where(np.isnan(given), -np.inf, given).max(axis=1)
    return np.where(np.isinf(best), np.nan, best)


def _sum_of_domains(domains: tuple[Domain, ...], answers: Floats) -> Floats:
    total = np.zeros(len(answers))
    for domain in domains:
        # `maximum` hands a NaN on: a group without an answer makes the whole total missing.
        total += np.maximum.reduce([_highest(answers, group) for group in domain])
    return total


def _highest_yes(answers: Floats) -> Floats:
    """Position of the highest yes, 0 for none; missing unless every item above it is answered."""
    positions = np.arange(1, answers.shape[1] + 1)
    highest = np.where(answers > 0, positions, 0).max(axis=1).astype(np.float64)
    unknown = np.where(np.isnan(answers), positions, 0).max(axis=1)
    return np.where(unknown > highest, np.nan, highest)


def _t_values(instrument: Instrument, raw: Floats) -> Floats:
    """T value of each raw sum; missing where the sum is missing or outside the table."""
    table: Floats = np.array(instrument.t_values, dtype=np.float64)
    lowest = instrument.item_minimum * instrument.n_items
    # A missing sum fails both comparisons, so it never becomes an index.
    inside = (raw >= lowest) & (raw < lowest + len(table))
    values: Floats = np.full(len(raw), np.nan)
    values[inside] = table[raw[inside].astype(np.int64) - lowest]
    return values


def _blank_alternatives(
    instrument: Instrument, answers: Floats, most: Floats
) -> Floats:
    """Where one of two alternatives is answered, the other was rightly left blank and cannot raise
    the total.
    """
    groups = itertools.chain.from_iterable(instrument.domains)
    pairs = [group for group in groups if len(group) > 1]
    kept = most.copy()
    for pair in pairs:
        answered = np.isfinite(_highest(answers, pair))
        for number in pair:
            kept[answered, number - 1] = answers[answered, number - 1]
    return kept
