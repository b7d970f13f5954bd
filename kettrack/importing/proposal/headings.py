"""What a heading says that its column is, in which unit, and for which adverse event a column of
yes and no asks.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final, NamedTuple

from kettrack.importing.proposal.facts import ColumnFacts
from kettrack.privacy.identifying_names import words_of
from kettrack.vocabulary.cell_words import truth_of, word_meant
from kettrack.vocabulary.columns import TABLES
from kettrack.vocabulary.heading_words import (
    EMPTY_WORDS,
    HEADINGS,
    TABLE_WORDS,
    TRAILING_UNITS,
)
from kettrack.vocabulary.units import factor

_IN_BRACKETS: Final = re.compile(r"[(\[]\s*([^)\]]{1,12}?)\s*[)\]]")
_MEASURED_IN: Final = ("mg", "kg", "min", "days", "years", "mmHg", "%", "/min")
# As long as a heading can be and still be a heading rather than a sentence.
_MOST_WORDS: Final = 8
EXACT: Final = 2.0
_OWN_NAMES: Final = frozenset(
    name for table in TABLES.values() for name in table.names
) - frozenset(HEADINGS)


class Heading(NamedTuple):
    """What a heading says.

    Parameters
    ----------
    meanings : dict
        Column of the contract to how well it fits: 2 = exactly, less = among other words.
    unit : str
        Empty where none is said.
    """

    meanings: dict[str, float]
    unit: str


@cache
def heading_of(
    text: str,
) -> Heading:
    """Read a heading.

    Examples
    --------
    >>> heading_of("Dose (mg/kg)")
    Heading(meanings={'dose': 2.0}, unit='mg/kg')
    >>> max(heading_of("Datum der Infusion").meanings), heading_of("Gewicht [kg]").unit
    ('session_date', 'kg')
    """
    bare, unit = _without_unit(text)
    words = [word for word in words_of(bare) if word not in EMPTY_WORDS]
    meanings: dict[str, float] = {}
    if not words or len(words) > _MOST_WORDS:
        return Heading(meanings, unit)
    for meaning, phrases in HEADINGS.items():
        fit = max(_fit(words, phrase) for phrase in phrases)
        if fit:
            meanings[meaning] = fit
    # Whoever writes kettrack's own names means them: item_3, heart_rate_peak, dissociation.
    own = "_".join(words_of(text))
    if own in _OWN_NAMES:
        meanings[own] = EXACT
    return Heading(meanings, unit)


def _without_unit(
    text: str,
) -> tuple[str, str]:
    """A heading without its unit, and the unit."""
    found = _IN_BRACKETS.search(text)
    if found:
        inside = found[1]
        unit = inside if _is_unit(inside) else ""
        before = text[: found.start()]
        after = text[found.end() :]
        # What else stands in brackets belongs to the heading: "Date (infusion)".
        return f"{before} {'' if unit else inside} {after}", unit
    words = re.split(r"[\s_.,/-]+", text.strip())
    for n_words in (3, 2, 1):
        last = " ".join(words[-n_words:]).casefold()
        unit = TRAILING_UNITS.get(last, "")
        if unit and len(words) > n_words:
            return " ".join(words[:-n_words]), unit
    return text, ""


def _is_unit(
    text: str,
) -> bool:
    return any(factor(text, target) is not None for target in _MEASURED_IN)


def _fit(
    words: list[str],
    phrase: tuple[str, ...],
) -> float:
    """How well a phrase fits: all words of it and nothing else, or among others."""
    wanted = [word for word in phrase if word not in EMPTY_WORDS] or list(phrase)
    if words == wanted or "".join(words) == "".join(wanted):
        return EXACT
    if not set(wanted) <= set(words):
        return 0.0
    # One short word among several says little: "id" in "device id".
    if len(wanted) == 1 and (len(words) > 2 or len(wanted[0]) < 3):
        return 0.0
    return 1.0 + len(wanted) / (len(words) + 1)


def table_hints(
    name: str,
) -> list[str]:
    """The tables of the contract that the name of a sheet or file speaks of.

    Examples
    --------
    >>> table_hints("Infusionen 2024"), table_hints("sheet1")
    (['sessions'], [])
    """
    words = set(words_of(re.sub(r"\.\w{1,7}$", "", name)))
    return [table for table, known in TABLE_WORDS.items() if words & known]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Beside the name of an event they say that it is one, and not an illness of the patient.
OF_AN_EVENT: Final = _words(
    "ae aes adverse event events side effect effects during nebenwirkung nebenwirkungen effet"
    " effets secondaire secondaires efecto efectos"
)
_BESIDE: Final = OF_AN_EVENT | _words(
    "after post session infusion yes no yn y n ja nein oui non si"
)
_BRACKETS: Final = re.compile(r"[(\[][^)\]]*[)\]]")


def event_asked_in(facts: ColumnFacts) -> str:
    """The adverse event that a heading names, where the column holds nothing but yes and no; empty
    where it does not.
    """
    # A column that may identify is not looked at more closely.
    if facts.finding is not None or facts.kind == "empty":
        return ""
    said = [truth_of(str(word)) for word in facts.as_words]
    # How bad it was is no yes and no.
    if None in said:
        return ""
    return _event_named(facts.name) or _event_named(facts.label)


def _event_named(text: str) -> str:
    words = words_of(_BRACKETS.sub(" ", text))
    event = " ".join(word for word in words if word not in _BESIDE)
    return word_meant("adverse_events", event) or ""
