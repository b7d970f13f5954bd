"""Parameters of the scales: one code for the total of a scale, and one for each of its items."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Ints
from kettrack.vocabulary.cdisc_words import (
    LONGEST_STEM,
    PARAMETER_STEMS,
    parameter_code,
)

_NOT_IN_A_CODE: Final = re.compile("[^A-Z0-9]")
_WITHOUT_LETTERS: Final = "SCALE"


def stems_of(scales: Iterable[str]) -> dict[str, str]:
    """Begin of the parameter codes of each scale; own scales get one made from their name.

    Parameters
    ----------
    scales : iterable of str
        Names of scales.

    Examples
    --------
    >>> stems_of(["PHQ-9", "WSAS", "Sleep diary", "Sleep diary 2"])
    {'PHQ-9': 'PHQ9', 'WSAS': 'WSAS', 'Sleep diary': 'SLEEP', 'Sleep diary 2': 'SLEE2'}
    """
    found: dict[str, str] = {}
    # A code of a built-in scale is never lent to an own one, also where the former is not there.
    taken = set(PARAMETER_STEMS.values())
    for scale in scales:
        stem = PARAMETER_STEMS.get(scale) or _free_stem(scale, taken)
        taken.add(stem)
        found[scale] = stem
    return found


def _free_stem(scale: str, taken: set[str]) -> str:
    letters = _NOT_IN_A_CODE.sub("", scale.upper()).lstrip("0123456789")
    stem = (letters or _WITHOUT_LETTERS)[:LONGEST_STEM]
    number = 1
    # Names that begin alike are told apart by a number at their end.
    while stem in taken:
        number += 1
        end = str(number)
        stem = (letters or _WITHOUT_LETTERS)[: LONGEST_STEM - len(end)] + end
    return stem


def parameters_of(scale: str, stem: str, columns: Iterable[str]) -> Mapping[str, str]:
    """Parameter code to what it is in words, for a total and items.

    Examples
    --------
    >>> parameters_of("MADRS", "MADRS", ["score", "item_3"])
    {'MADRSTOT': 'MADRS Total', 'MADRSI3': 'MADRS Item 3'}
    """
    return {
        parameter_code(stem, column): f"{scale} {_in_words(column)}"
        for column in columns
    }


def _in_words(column: str) -> str:
    if column == "score":
        return "Total"
    return f"Item {column.removeprefix('item_')}"


@dataclass(frozen=True, slots=True)
class ScaleParameters:
    """The parameters of an export.

    Parameters
    ----------
    scales : list of str
        Names of the scales, in the order in which they come.
    scale : int array
        Scale of each form.
    codes, words : list of str
        PARAMCD and PARAM of each parameter that anybody has a record of.
    number : int array, shape (scales, columns)
        Parameter of a column of a scale; -1 where nobody has a record of it.
    """

    scales: list[str]
    scale: Ints
    codes: list[str]
    words: list[str]
    number: Ints


def parameters_in(
    scores: pd.DataFrame,
    columns: list[str],
) -> ScaleParameters:
    """The parameters that scores have records of.

    Parameters
    ----------
    scores : DataFrame
        Of the cohort.
    columns : list of str
        `score`, then the items.
    """
    scale, levels = pd.factorize(scores["instrument"])
    scales = levels.tolist()
    number = np.full((len(scales), len(columns)), -1)
    filled = scores[columns].notna().to_numpy()
    codes: list[str] = []
    words: list[str] = []
    for place, (name, stem) in enumerate(stems_of(scales).items()):
        answered = filled[scale == place].any(axis=0)
        # A total has a record also where it is incomplete in every form.
        answered[0] = True
        there = [column for column, has in zip(columns, answered, strict=True) if has]
        number[place, answered] = np.arange(len(there)) + len(codes)
        parameters = parameters_of(name, stem, there)
        codes += list(parameters)
        words += list(parameters.values())
    return ScaleParameters(
        scales=scales,
        scale=scale,
        codes=codes,
        words=words,
        number=number,
    )
