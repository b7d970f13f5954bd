"""Forms: which question of a scale a link of a response stands for, and what its answers are worth.

Links are whatever the maker of a form chose: a code of LOINC (`/44250-9`), the scale with a number
(`PHQ-9.1`), or a bare number. A code in the form goes before the look of a link. A link without the
whole name of a scale counts only where something else says which scale it is.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final, NamedTuple

from kettrack.importing.fhir.codes import ITEM, SCORE
from kettrack.importing.fhir.numbers import OptionPoints, ordinal_of
from kettrack.importing.fhir.resources import Coding, FormItem, Questionnaire
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.instruments import INSTRUMENTS
from kettrack.vocabulary.outside_codes import (
    LOINC_PANELS,
    LOINC_SCORES,
    ScoreCode,
    system_of,
)

_LOINC: Final = "LOINC"
_CODE: Final = re.compile(r"(?<!\d)\d{4,6}-\d(?!\d)")
_TOTAL: Final = re.compile(
    r"[ ./_-]*(?:sum|total|score|totalscore|gesamt|summe)(?:[ ._-]?(?:score|wert))?"
)
_NUMBER: Final = r"[ ./_-]*(?:(?:q|item|question|frage|nr)[ ._-]*)?0*(\d{1,2})"
# After a whole name such as `phq9` a number needs something between: `phq91` is no first question.
_AFTER_NAME: Final = re.compile(
    r"[ ./_-]+(?:(?:q|item|question|frage|nr)[ ._-]*)?0*(\d{1,2})"
    r"|(?:q|item|question|frage|nr)[ ._-]*0*(\d{1,2})"
)
_BARE: Final = re.compile(_NUMBER)


@dataclass(frozen=True, slots=True)
class FormKey:
    """What a definition of a form says.

    Parameters
    ----------
    instrument : str
        The one scale it is; empty where it is none or several.
    columns : mapping
        Link to what its question is.
    options : mapping
        (link, code of the answer) to points.
    """

    instrument: str = ""
    columns: Mapping[str, ScoreCode] = field(default_factory=dict)
    options: OptionPoints = field(default_factory=dict)


NO_FORM: Final = FormKey()


def form_of(one: Questionnaire) -> FormKey:
    """What a Questionnaire says of its questions."""
    columns: dict[str, ScoreCode] = {}
    options: dict[tuple[str, str], float] = {}
    for item in _every(one.item):
        # A question may also have codes of the clinic's own.
        score = _first_score(item.code)
        if score is not None:
            columns[item.link_id] = score
        for option in item.answer_option:
            if option.value_coding is None:
                continue
            points = ordinal_of(option.extension, option.value_coding)
            if points is not None:
                options[item.link_id, option.value_coding.code] = points
    # The code of the form goes before those of its questions: a form may borrow questions.
    scales = {score.instrument for score in columns.values()}
    panels = {
        LOINC_PANELS[coding.code]
        for coding in one.code
        if coding.code in LOINC_PANELS and _is_loinc(coding)
    }
    named = panels or scales
    return FormKey(next(iter(named)) if len(named) == 1 else "", columns, options)


def _every(items: Iterable[FormItem]) -> Iterator[FormItem]:
    for item in items:
        yield item
        yield from _every(item.item)


def _first_score(codings: Iterable[Coding]) -> ScoreCode | None:
    for coding in codings:
        if _is_loinc(coding) and coding.code in LOINC_SCORES:
            return LOINC_SCORES[coding.code]
    return None


def _is_loinc(coding: Coding) -> bool:
    return not coding.system or system_of(coding.system) == _LOINC


@cache
def column_of_link(link: str, instrument: str) -> ScoreCode | None:
    """The question that a link stands for by its look; None where nobody can tell.

    Parameters
    ----------
    link : str
        As in the response.
    instrument : str
        The scale of the form; empty where it is not known.

    Examples
    --------
    >>> column_of_link("/44250-9", "").column, column_of_link("PHQ-9.9", "").column
    ('item_1', 'item_9')
    >>> column_of_link("3", "") is None, column_of_link("3", "PHQ-9").column
    (True, 'item_3')
    """
    codes = _CODE.findall(link)
    # The code of a group may stand before that of its question.
    if codes and codes[-1] in LOINC_SCORES:
        return LOINC_SCORES[codes[-1]]
    parts = _parts_of(link, instrument)
    if parts is None:
        return None
    scale = INSTRUMENTS[parts.scale]
    if _TOTAL.fullmatch(parts.rest):
        return ScoreCode(scale.name, SCORE)
    number = parts.number
    # `PHQ.14` is no question of PHQ-9, so the form is another one.
    if number is None or not 1 <= number <= _last_question(scale):
        return None
    return ScoreCode(scale.name, f"{ITEM}{number}")


class _LinkParts(NamedTuple):
    scale: str
    rest: str
    pattern: re.Pattern[str]

    @property
    def number(self) -> int | None:
        found = self.pattern.fullmatch(self.rest)
        if found is None:
            return None
        return int(next(part for part in found.groups() if part))


def _parts_of(link: str, instrument: str) -> _LinkParts | None:
    """The scale that a link names, and what stands behind its name."""
    small = link.casefold().strip().lstrip("/")
    for name in INSTRUMENTS:
        whole = _whole_name(name).match(small)
        # `PHQ.9` is the ninth question, not the scale.
        if whole and whole.end() < len(small):
            return _LinkParts(
                name,
                small[whole.end() :],
                _AFTER_NAME,
            )
    if instrument not in INSTRUMENTS:
        return None
    # `PHQ.1` may be a question of PHQ-2, 4, 8, 9 or 15: only the form tells.
    short = re.match(_first_word(instrument) + r"(?=[ ./_])", small)
    rest = small[short.end() :] if short else small
    return _LinkParts(instrument, rest, _BARE)


def _last_question(scale: Instrument) -> int:
    return max(scale.n_items, scale.uncounted_item or 0)


def counted_otherwise(links: Iterable[str], instrument: str) -> bool:
    """Whether the numbers of links are not those of the questions: they begin with 0, or a heading
    has the number 1.

    Parameters
    ----------
    links : iterable of str
        Of all questions of a response that have no code.
    instrument : str
        As for `column_of_link`.

    Examples
    --------
    >>> counted_otherwise(["0", "1"], "PHQ-9"), counted_otherwise(["2", "11"], "PHQ-9")
    (True, True)
    >>> counted_otherwise(["1", "2"], "PHQ-9"), counted_otherwise(["2", "9"], "PHQ-9")
    (False, False)
    """
    numbers: dict[str, set[int]] = defaultdict(set)
    for link in links:
        parts = _parts_of(link, instrument)
        if parts is None:
            continue
        number = parts.number
        if number is not None:
            numbers[parts.scale].add(number)
    return any(
        _begin_elsewhere(INSTRUMENTS[name], found) for name, found in numbers.items()
    )


def _begin_elsewhere(scale: Instrument, numbers: set[int]) -> bool:
    if 0 in numbers:
        return True
    # A question that nobody answered may be left out, so a first one alone may be missing.
    return 1 not in numbers and max(numbers) > scale.n_items


@cache
def _whole_name(instrument: str) -> re.Pattern[str]:
    """`PHQ-9` as phq9, phq-9, phq_9, phq 9."""
    parts = re.findall(r"[a-z]+|\d+", instrument.casefold())
    return re.compile(r"[ ._-]?".join(parts) + r"(?!\d)")


def _first_word(instrument: str) -> str:
    return re.split(r"[^a-z]", instrument.casefold())[0]


@cache
def scale_in_name(name: str) -> str:
    """The one scale that the address of a form names; empty where it names none or several.

    Examples
    --------
    >>> scale_in_name("http://example.org/Questionnaire/phq-9-example"), scale_in_name("intake")
    ('PHQ-9', '')
    """
    small = name.casefold()
    found = {
        scale
        for scale in INSTRUMENTS
        if re.search(rf"(?<![a-z\d]){_whole_name(scale).pattern}(?![a-z])", small)
    }
    return next(iter(found)) if len(found) == 1 else ""
