"""Totals from items, by each instrument's own rule. An incomplete total is missing, never a sum of
what is left.

Every rule but one is a sum over domains of the highest answer in the domain: a plain sum has one
item in each. The C-SSRS total is the position of the highest yes, and the PROMIS short form 8a
turns a raw sum into a T value.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from kettrack.arrays import Floats
from kettrack.vocabulary.instrument import Instrument

# groups of item positions; of each group at least one answer is needed
Domain = tuple[tuple[int, ...], ...]

# Item numbers as on the form, from 1. QIDS-SR16: sleep is 1-4, appetite and weight 6-9 (6 or 7, and
# 8 or 9, is answered), restlessness 15-16; the highest answer of a domain counts.
_QIDS: Final[tuple[Domain, ...]] = (
    ((1,), (2,), (3,), (4,)),
    ((5,),),
    ((6, 7), (8, 9)),
    *(((item,),) for item in range(10, 15)),
    ((15,), (16,)),
)
# IDS-SR30: 11 or 12 (appetite) and 13 or 14 (weight) is answered, so 28 of 30 count.
_IDS: Final[tuple[Domain, ...]] = (
    *(((item,),) for item in range(1, 11)),
    ((11, 12),),
    ((13, 14),),
    *(((item,),) for item in range(15, 31)),
)

# T value of raw sums 8, 9, ... 40. PROMIS Depression short form 8a, score conversion table of the
# PROMIS adult scoring manual.
PROMIS_SF8A_T: Final = (
    38.2,
    44.7,
    47.5,
    49.4,
    50.9,
    52.1,
    53.2,
    54.1,
    55.1,
    55.9,
    56.8,
    57.7,
    58.5,
    59.4,
    60.3,
    61.2,
    62.1,
    63.0,
    63.9,
    64.9,
    65.8,
    66.8,
    67.7,
    68.7,
    69.7,
    70.7,
    71.7,
    72.8,
    73.9,
    75.0,
    76.4,
    78.2,
    81.3,
)
_PROMIS_LOWEST_RAW: Final = 8


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
    return _promis_t(total) if instrument.total == "promis_sf8a" else total


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
    if instrument.total in ("qids", "ids"):
        most = _blank_alternatives(instrument, answers, most)
    return total_from_items(instrument, least), total_from_items(instrument, most)


def _domains(instrument: Instrument) -> tuple[Domain, ...]:
    if instrument.total == "qids":
        return _QIDS
    if instrument.total == "ids":
        return _IDS
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


def _promis_t(raw: Floats) -> Floats:
    table: Floats = np.array(PROMIS_SF8A_T, dtype=np.float64)
    inside = (raw >= _PROMIS_LOWEST_RAW) & (raw < _PROMIS_LOWEST_RAW + len(table))
    values: Floats = np.full(len(raw), np.nan)
    values[inside] = table[raw[inside].astype(np.int64) - _PROMIS_LOWEST_RAW]
    return values


def _blank_alternatives(
    instrument: Instrument, answers: Floats, most: Floats
) -> Floats:
    """Where one of two alternatives is answered, the other was rightly left blank and cannot raise
    the total.
    """
    pairs = [
        group for domain in _domains(instrument) for group in domain if len(group) > 1
    ]
    kept = most.copy()
    for pair in pairs:
        answered = np.isfinite(_highest(answers, pair))
        for number in pair:
            kept[answered, number - 1] = answers[answered, number - 1]
    return kept
