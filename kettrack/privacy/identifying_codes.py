"""Study codes that are made from a person: a surname with a year, a surname with an initial, first
names with a number, initials with a date of birth, numbers as a hospital gives them.

The same form may be an honest code: `Site_2024`, `Ketawell_1901`, `KT010203`. So words of study
design are left alone, and so is a word that several codes share, which is the name of a study.
Where honest codes remain likely, a note says what to look at, and the load goes on: also where
codes share several such words, as relatives and common surnames do.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final, NamedTuple

import numpy as np

from kettrack.arrays import Bools, Objects
from kettrack.privacy.identifying_people import common_first_names, word_of_nobody
from kettrack.privacy.identifying_shapes import all_plain, matches, none_match

_NEARLY_ALL: Final = 0.9
_SHARED_BY: Final = 3  # codes with the same word: the name of a study
_FEWEST: Final = 3  # different initials in a column of them
_SHARE_OF_OWN: Final = 0.3  # initials among the codes that have some
_SHARE_OF_SURNAMES: Final = 0.1  # words among the codes that hold one; sites are fewer
_MANY: Final = 50  # initials: in a large clinic they come back
# A year in which a patient may be born, or a visit may be; later codes are years of a study.
_YEAR: Final = r"(?:19\d\d|20[0-2]\d)"
_DAY: Final = r"(?:0[1-9]|[12]\d|3[01])"
_MONTH: Final = r"(?:0[1-9]|1[0-2])"
_WORD: Final = r"(?:(?:[\p{L}]['’])?[\p{L}]{3,}(?:['’-][\p{L}]{2,})?)"
_INITIALS: Final = r"[\p{L}]{2,3}"
_WITH_YEAR: Final = rf"{_WORD}[ ._-]?{_YEAR}"
# smith.j, smith.j2, j.smith, Smith_J, J_Smith, SmithJ.
_WITH_INITIAL: Final = (
    rf"{_WORD}[._ -][\p{{L}}]\.?\d{{0,2}}"
    r"|[\p{L}][._][\p{L}]{3,}|[A-Z][a-z]{2,}[A-Z]"
)
_BORN: Final = (
    rf"{_INITIALS}[ ._-]?(?:{_DAY}[./-]?{_MONTH}[./-]?(?:{_YEAR}|\d\d)"
    rf"|\d\d[./-]?{_MONTH}[./-]?{_DAY})"
)
_WITH_NUMBER: Final = rf"{_WORD}[ ._-]?\d{{1,3}}"  # Jane07
_LONG_NUMBER: Final = r"[A-Z]?\d{7,10}"  # as hospitals write them
_THINLY: Final = (
    20  # numbers there could be for each one there is; a study counts on from one
)
_BORN_IN: Final = rf"{_INITIALS}[ ._-]?{_YEAR}"
# What is told below is told of codes that have one of these forms.
_FORMS: Final = (
    _WITH_YEAR,
    _WITH_INITIAL,
    _BORN,
    _BORN_IN,
    _WITH_NUMBER,
    _LONG_NUMBER,
)
_SHARED: Final = (
    (_WITH_YEAR, "a surname with a year of birth"),
    (_WITH_INITIAL, "a surname with an initial"),
    (_WITH_NUMBER, "a name with a number"),
)
WAY_ON: Final = "if these are study codes, nothing has to be done"


class CodesOfPersons(NamedTuple):
    """What codes are made from, whether that stops, and which of the distinct values show it."""

    why: str
    stop: bool
    hit: Bools


def persons_in_codes(levels: Objects) -> CodesOfPersons | None:
    """Look for study codes that are made from a person.

    Parameters
    ----------
    levels : object array of str
        The distinct values.

    Examples
    --------
    >>> codes = np.array(["P01", "P02", "Ashworth_1942"], dtype=object)
    >>> found = persons_in_codes(codes)
    >>> found.why, found.stop, found.hit.tolist()
    ('looks like a surname with a year of birth', True, [False, False, True])
    >>> persons_in_codes(np.array(["Arm_1942", "KT-0001-1985"], dtype=object)) is None
    True
    """
    if all_plain(levels, codes=True) or none_match(levels, _FORMS):
        return None
    named = _of_own_words(levels, _WITH_YEAR)
    if named.any():
        return CodesOfPersons("looks like a surname with a year of birth", True, named)
    initialled = _of_own_words(levels, _WITH_INITIAL)
    if initialled.any():
        return _surnames_with_initials(levels, initialled)
    for form, what in ((_BORN, "a date of birth"), (_BORN_IN, "a year of birth")):
        found = _initials(levels, form, f"initials with {what}")
        if found is not None:
            return found
    return _first_names(levels) or _of_shared_words(levels) or _record_numbers(levels)


def _of_shared_words(levels: Objects) -> CodesOfPersons | None:
    """Several words that codes share may be sites, and may be surnames that are common here."""
    for form, what in _SHARED:
        hit = matches(levels, form)
        words = _words(levels[hit])
        known = set(filter(word_of_nobody, words))
        most = _SHARE_OF_SURNAMES * hit.sum()
        if len(words - known) >= max(_FEWEST, most):
            why = f"may be {what}; {WAY_ON}"
            return CodesOfPersons(why, False, hit)
    return None


def _first_names(levels: Objects) -> CodesOfPersons | None:
    """Several common first names with a number behind each are no names of sites."""
    hit = matches(levels, _WITH_NUMBER)
    words = [_word(level) for level in levels[hit]]
    hit[hit] = common_first_names(np.array(words, dtype=object))
    if len(_words(levels[hit])) < _FEWEST:
        return None
    why = "looks like first names with a number"
    return CodesOfPersons(why, True, hit)


def _words(levels: Objects) -> set[str]:
    return {_word(level) for level in levels}


def _record_numbers(levels: Objects) -> CodesOfPersons | None:
    """Long numbers far apart are how a hospital counts; a study counts on from its first."""
    hit = matches(levels, _LONG_NUMBER)
    if hit.sum() < _FEWEST or hit.mean() < _NEARLY_ALL:
        return None
    digits = [re.sub(r"\D", "", level) for level in levels[hit]]
    numbers = np.array(digits, dtype=np.int64)
    if np.ptp(numbers) < _THINLY * len(numbers):
        return None
    why = f"may be record numbers; {WAY_ON}"
    return CodesOfPersons(why, False, hit)


def _surnames_with_initials(levels: Objects, hit: Bools) -> CodesOfPersons:
    """A full stop or a capital is how people write names; small letters joined otherwise may be
    words of anything.
    """
    written_so = np.array(
        ["." in level or level != level.casefold() for level in levels]
    )
    if (hit & written_so).any() or hit.sum() >= _FEWEST:
        return CodesOfPersons("looks like a surname with an initial", True, hit)
    return CodesOfPersons(f"may be a surname with an initial; {WAY_ON}", False, hit)


def _of_own_words(levels: Objects, form: str) -> Bools:
    """Which values have a form with a word that is their own: no word of study design, and none
    that several share.
    """
    formed = matches(levels, form)
    words = [_word(level) for level in levels[formed]]
    shared = Counter(words)
    own = [shared[word] < _SHARED_BY and not word_of_nobody(word) for word in words]
    formed[formed] = own
    return formed


def _word(level: str) -> str:
    """The longest run of letters, in small letters."""
    return max(re.findall(r"[^\W\d_]+", level.casefold()), key=len, default="")


def _initials(levels: Objects, form: str, what: str) -> CodesOfPersons | None:
    """Initials that differ from person to person stop; a few among other codes are noted."""
    hit = matches(levels, form)
    initials = _words(levels[hit])
    # Letters that come back before many numbers are the name of a site or study.
    most = min(_SHARE_OF_OWN * hit.sum(), _MANY)
    if len(initials) < max(_FEWEST, most):
        return None
    if hit.mean() >= _NEARLY_ALL:
        return CodesOfPersons(f"looks like {what}", True, hit)
    return CodesOfPersons(f"may hold {what}; {WAY_ON}", False, hit)
