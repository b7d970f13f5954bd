"""Parameters of the scales: one code for the total of a scale, and one for each of its items."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

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
