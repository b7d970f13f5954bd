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


def total_from_items(
    instrument: Instrument,
    items: Floats,
) -> Floats:
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
    answers = _counted(instrument, items)
    n_items = answers.shape[1]
    if instrument.n_items == 0 or n_items < instrument.n_items:
        return np.full(len(answers), np.nan)
    if instrument.total == "highest":
        return _highest_yes(answers)
    total = _sum_of_domains(_domains(instrument), answers)
    if instrument.total == "t_value":
        return _t_values(instrument, total)
    return total


def total_bounds(
    instrument: Instrument,
    items: Floats,
) -> tuple[Floats, Floats]:
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
    answers = _counted(instrument, items)
    missing = np.isnan(answers)
    highest = np.array(instrument.item_maxima, dtype=np.float64)
    least = np.where(missing, instrument.item_minimum, answers)
    most = np.where(missing, highest, answers)
    if instrument.total == "domains":
        most = _blank_alternatives(instrument, answers, most)
    lowest_total = total_from_items(instrument, least)
    highest_total = total_from_items(instrument, most)
    return lowest_total, highest_total


def total_of_answered(
    instrument: Instrument,
    items: Floats,
) -> Floats:
    """What a form gives that takes a missing answer for 0: no total, but often written as one.

    Parameters
    ----------
    instrument : Instrument
        With items.
    items : array, shape (n, k)
        As in `total_from_items`.

    Examples
    --------
    >>> from kettrack.vocabulary.instruments import PHQ9
    >>> total_of_answered(PHQ9, np.array([[1.0] * 3 + [np.nan] * 6]))
    array([3.])
    """
    answers = _counted(instrument, items)
    return total_from_items(instrument, np.nan_to_num(answers))


def rounded_total(
    score: Floats,
) -> Floats:
    """Totals that were prorated for missing answers, as whole numbers.

    Half a point goes up, as people round; `numpy.round` would take 12.5 down and 13.5 up.

    Parameters
    ----------
    score : array
        Totals, NaN where there is none.

    Examples
    --------
    >>> rounded_total(np.array([12.5, 13.5, 12.4]))
    array([13., 14., 12.])
    """
    rounded: Floats = np.floor(score + 0.5)
    return rounded


def _counted(
    instrument: Instrument,
    items: Floats,
) -> Floats:
    """Answers to the items that the instrument has; further columns are left out. An item that the
    form skips has its lowest answer.
    """
    # Whole answers may come in 32 bits, which hold them and their sums.
    given = np.asarray(items)
    if given.dtype != np.float32:
        given = given.astype(np.float64, copy=False)
    answers = given[:, : instrument.n_items]
    if not instrument.skips:
        return answers
    answers = answers.copy()
    n_items = answers.shape[1]
    lowest = instrument.item_minimum
    for gate, behind in instrument.skips:
        columns = [number - 1 for number in behind]
        # A column that is not there at all leaves nothing to skip.
        if max(behind) > n_items:
            continue
        closed = answers[:, [gate - 1]] == lowest
        asked = answers[:, columns]
        skipped = closed & np.isnan(asked)
        answers[:, columns] = np.where(skipped, lowest, asked)
    return answers


def _domains(
    instrument: Instrument,
) -> tuple[Domain, ...]:
    if instrument.total == "domains":
        return instrument.domains
    # a plain sum: each item is a domain of its own
    items = range(1, instrument.n_items + 1)
    return tuple(((item,),) for item in items)


def _highest(
    answers: Floats,
    numbers: tuple[int, ...],
) -> Floats:
    """Highest answer among the numbered items, NaN where none is given (quietly, unlike
    `nanmax`).
    """
    columns = [number - 1 for number in numbers]
    if len(columns) == 1:
        return answers[:, columns[0]]
    given = answers[:, columns]
    # Minus infinity stands for a missing answer: it is never the highest unless all are missing.
    comparable = np.where(np.isnan(given), -np.inf, given)
    best = comparable.max(axis=1)
    return np.where(np.isinf(best), np.nan, best)


def _sum_of_domains(
    domains: tuple[Domain, ...],
    answers: Floats,
) -> Floats:
    total = np.zeros(len(answers))
    for domain in domains:
        answered = [_highest(answers, group) for group in domain]
        # `maximum` hands a NaN on: a group without an answer makes the whole total missing.
        total += np.maximum.reduce(answered)
    return total


def _highest_yes(
    answers: Floats,
) -> Floats:
    """Position of the highest yes, 0 for none; missing unless every item above it is answered."""
    n_items = answers.shape[1]
    positions = np.arange(1.0, n_items + 1)
    yes = np.where(answers > 0, positions, 0)
    missing = np.where(np.isnan(answers), positions, 0)
    highest = yes.max(axis=1)
    # A missing answer above the highest yes could itself be a yes.
    unknown = missing.max(axis=1) > highest
    return np.where(unknown, np.nan, highest)


def _t_values(
    instrument: Instrument,
    raw: Floats,
) -> Floats:
    """T value of each raw sum; missing where the sum is missing or outside the table."""
    t_values = instrument.t_values
    lowest = instrument.item_minimum * instrument.n_items
    sums = np.arange(lowest, lowest + len(t_values))
    # Sums are whole numbers, so each is a point of the table and nothing is interpolated.
    return np.interp(raw, sums, t_values, left=np.nan, right=np.nan)


def _blank_alternatives(
    instrument: Instrument,
    answers: Floats,
    most: Floats,
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
            item = number - 1
            kept[answered, item] = answers[answered, item]
    return kept
