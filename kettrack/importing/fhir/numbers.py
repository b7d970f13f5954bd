"""The number that an answer or a total stands for, in whatever type it was written.

The points beside an answer (an ordinal value) go before those of its code, since whoever wrote them
knew the form; where the two differ, that is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from kettrack.importing.fhir.resources import Coding, Extension, Quantity
from kettrack.vocabulary.outside_codes import LOINC_ANSWERS, system_of

NOTHING: Final = "no number stands in it"
YES_NO: Final = "a yes or no is no score"
WORDS: Final = "words stand where a number is expected"
LIMIT: Final = "its number is a limit, not a value"
NO_POINTS: Final = "nobody can tell how many points this answer is"
PERCENT: Final = "its number is a percentage"
AS_TEXT: Final = "a number as text; read as that number"
DIFFER: Final = (
    "the points beside the answer and those of its code differ; those beside it count"
)
_NUMBER: Final = re.compile(r"\s*[+-]?\d+(?:\.\d+)?\s*")
_BARE: Final = re.compile(r"\d{1,2}")
# Last part of the address of an extension: R4, R5, SDC, and the older ones still in use.
_ORDINAL: Final = frozenset(
    (
        "ordinalValue",
        "itemWeight",
        "ordinal",
        "questionnaire-ordinalValue",
        "questionnaireresponse-ordinalValue",
        "valueset-ordinalValue",
        "iso21090-CO-value",
    )
)
_LOINC: Final = "LOINC"
OptionPoints = Mapping[tuple[str, str], float]


class NoNumber(ValueError):
    """A value that is no number; the text is the reason and holds no value."""


class AnswerPoints(NamedTuple):
    """A number, and what is to be said of it.

    Parameters
    ----------
    number : float
        The number.
    said : str
        Why it was read in another form than written; empty where it was not.
    """

    number: float
    said: str = ""


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """What is known of the codes of answers.

    Parameters
    ----------
    options : mapping
        (link of the question, code) to the points that the form gives it.
    bare : float or None
        What is added to a code that is a bare number; None = such a code says nothing.
    """

    options: OptionPoints = field(default_factory=dict)
    bare: float | None = None


def plain_number(value: Any) -> AnswerPoints:
    """The number of an observation, a component or an answer that is no code.

    Raises
    ------
    NoNumber
        When it holds none.

    Examples
    --------
    >>> from kettrack.importing.fhir.resources import Observation
    >>> plain_number(Observation(value_string="12")).number
    12.0
    """
    quantity: Quantity | None = value.value_quantity
    if quantity is not None:
        return _of_quantity(quantity)
    for one in (value.value_integer, value.value_decimal):
        if one is not None:
            return _checked(one)
    if value.value_string is not None:
        return _checked(value.value_string)
    if value.value_boolean is not None:
        raise NoNumber(YES_NO)
    raise NoNumber(NOTHING)


def _of_quantity(quantity: Quantity) -> AnswerPoints:
    if quantity.value is None:
        raise NoNumber(NOTHING)
    if quantity.comparator:
        raise NoNumber(LIMIT)
    if "%" in (quantity.code, quantity.unit):
        raise NoNumber(PERCENT)
    return _checked(quantity.value)


def _checked(value: object) -> AnswerPoints:
    # In Python a truth value is a whole number.
    if isinstance(value, bool):
        raise NoNumber(YES_NO)
    if isinstance(value, int | float):
        return AnswerPoints(float(value))
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return AnswerPoints(float(value), AS_TEXT)
    raise NoNumber(WORDS)


def points_of(
    codings: Iterable[Coding],
    beside: Sequence[Extension],
    link: str,
    key: AnswerKey,
) -> AnswerPoints:
    """The points of an answer that is a code.

    Parameters
    ----------
    codings : iterable of Coding
        Codes that say the same.
    beside : sequence of Extension
        Of the answer itself.
    link : str
        The question, as the form calls it.
    key : AnswerKey
        What is known of codes.

    Raises
    ------
    NoNumber
        When nothing gives it points.
    """
    codings = list(codings)
    if not beside and len(codings) == 1 and not codings[0].extension:
        # Nothing stands beside the code, as in most exports.
        points = _of_code(codings[0], link, key)
        if points is None:
            raise NoNumber(NO_POINTS)
        return AnswerPoints(points)
    written = [_ordinal(beside), *(_ordinal(one.extension) for one in codings)]
    known = [_of_code(one, link, key) for one in codings]
    number = _first(written)
    of_code = _first(known)
    if number is None and of_code is None:
        raise NoNumber(NO_POINTS)
    if number is None:
        return AnswerPoints(of_code or 0.0)
    differ = of_code is not None and of_code != number
    return AnswerPoints(number, DIFFER if differ else "")


def _first(numbers: Iterable[float | None]) -> float | None:
    return next((one for one in numbers if one is not None), None)


def _ordinal(extensions: Iterable[Extension]) -> float | None:
    for one in extensions:
        if one.url.rpartition("/")[2] in _ORDINAL:
            for value in (one.value_decimal, one.value_integer):
                if isinstance(value, int | float) and not isinstance(value, bool):
                    return float(value)
    return None


def _of_code(coding: Coding, link: str, key: AnswerKey) -> float | None:
    option = key.options.get((link, coding.code))
    if option is not None:
        return option
    # The answers of LOINC have letters that no other system uses, so its name may be missing.
    points = LOINC_ANSWERS.get(coding.code)
    of_loinc = not coding.system or system_of(coding.system) == _LOINC
    if points is not None and of_loinc:
        return float(points)
    if key.bare is not None and _BARE.fullmatch(coding.code):
        return float(coding.code) + key.bare
    return None


def ordinal_of(extensions: Iterable[Extension], coding: Coding) -> float | None:
    """The points that a form gives one of its answers; None where it gives none."""
    return _first((_ordinal(extensions), _ordinal(coding.extension)))
