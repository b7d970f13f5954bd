"""How a clinic's files code the answers to items: 1 to 4 where the scale says 0 to 3 makes every
sum too high by the number of items, and no single answer looks wrong.
"""

from __future__ import annotations

import json
import re
from typing import Final

import numpy as np

from kettrack.arrays import Floats
from kettrack.reading.problems import counted
from kettrack.settings import SETTINGS_FILE
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.limits import FEWEST_FORMS_FOR_CODING
from kettrack.vocabulary.totals import total_from_items

# Totals that must differ from the sums before a reason is told for them.
_FEWEST_TOTALS: Final = 3
# Of the totals; a few may be slips of the pen.
_MOST: Final = 0.5


def coded_wrongly(
    scale: Instrument,
    items: Floats,
    score: Floats,
) -> str:
    """What to say where the answers look coded one too high or one too low; empty where they do
    not, and where the clinic has said how they are coded.

    Parameters
    ----------
    scale : Instrument
        With items.
    items : array, shape (n, k)
        Answers as the file writes them, NaN where there is none.
    score : array, shape (n,)
        Stated totals, NaN where there is none.
    """
    answers = items[:, : scale.n_items]
    # The first answer that is found will do.
    given = any(np.isfinite(column).any() for column in answers.T)
    if scale.items_coded_from is not None or not given:
        return ""
    # A yes or no may be 1 or 2, which no subtraction mends: such an answer is a problem by itself.
    if scale.total == "highest":
        return ""
    too_high = _one_too_high(scale, answers, score)
    return too_high or _one_too_low(scale, answers)


def _highest(scale: Instrument, answers: Floats) -> Floats:
    """Highest answer of each column."""
    maxima = np.array(scale.item_maxima, dtype=np.float64)
    return maxima[: answers.shape[1]]


def _one_too_high(
    scale: Instrument,
    answers: Floats,
    score: Floats,
) -> str:
    low = scale.item_minimum
    start = low + 1
    if np.nanmin(answers) != start:
        return ""
    above = answers - _highest(scale, answers)
    seen = f"no answer is {low}, its lowest"
    # One answer of 5 where 4 is one too high is a slip of the pen, and told as one.
    if np.nanmax(above) == 1:
        n_over = int((above == 1).sum())
        over = counted(n_over, "answer")
        return _question(scale, start, f"{seen}, and {over} one above the highest")
    if answers.shape[1] < scale.n_items:
        return ""
    if _sums_are_totals(scale, answers, score):
        return ""
    if _sums_are_too_high(scale, answers, score):
        return _question(scale, start, f"{seen}, and every sum is above its total")
    whole = np.isfinite(answers).all(axis=1)
    n_forms = int(whole.sum())
    if n_forms < FEWEST_FORMS_FOR_CODING:
        return ""
    forms = counted(n_forms, "complete form")
    return _question(scale, start, f"{seen}, in {forms}")


def _sums_are_totals(
    scale: Instrument,
    answers: Floats,
    score: Floats,
) -> bool:
    """Whether most stated totals are what the items add up to as they stand."""
    total = total_from_items(scale, answers)
    both = np.isfinite(total) & np.isfinite(score)
    if both.sum() < _FEWEST_TOTALS:
        return False
    # Coded one too high, every sum is too high by as much as there are items.
    return bool(np.mean(total[both] == score[both]) > _MOST)


def _sums_are_too_high(
    scale: Instrument,
    answers: Floats,
    score: Floats,
) -> bool:
    """Whether every stated total is what the items give when one is taken off each answer."""
    total = total_from_items(scale, answers)
    shifted = total_from_items(scale, answers - 1)
    both = np.isfinite(total) & np.isfinite(score)
    # Two may differ by chance; three in a row by as much as there are items do not.
    if both.sum() < _FEWEST_TOTALS:
        return False
    stated = score[both]
    differ = total[both] != stated
    explained = shifted[both] == stated
    return bool(differ.all() and explained.all())


def _one_too_low(scale: Instrument, answers: Floats) -> str:
    low = scale.item_minimum
    start = low - 1
    if np.nanmin(answers) != start:
        return ""
    at_top = answers == _highest(scale, answers)
    if at_top.any():
        return ""
    n_under = int((answers == start).sum())
    under = counted(n_under, "answer")
    seen = f"{under} {start}, and none is the highest there is"
    return _question(scale, start, seen)


def _question(
    scale: Instrument,
    coded_from: int,
    seen: str,
) -> str:
    low = scale.item_minimum
    high = max(scale.item_maxima)
    step = coded_from - low
    wrong = f"{low + step} to {high + step}"
    way = "high" if step > 0 else "low"
    # A name with a blank stands in quotation marks in TOML.
    bare = re.fullmatch(r"[\w-]+", scale.name)
    name = scale.name if bare else json.dumps(scale.name)
    return (
        f"answers of {low} to {high}; {seen}. They look coded {wrong}, which makes every sum"
        f" {scale.n_items} too {way}. If they are, write items_coded_from = {coded_from} under"
        f" [instruments.{name}] in {SETTINGS_FILE}; if they are not, write items_coded_from ="
        f" {low} there"
    )
