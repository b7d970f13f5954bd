"""What a column's name promises, read in whole words.

A word such as `name`, `number` or `time` says nothing alone: `score_name` is harmless,
`patient_name` is not. And a telling word may be about something else: `city` is an address,
`city_size` is not, and which of the two a column is shows in its values.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, NamedTuple

from kettrack.privacy.identifying_words import (
    GLUE,
    IN_COMPANY,
    LAST_WORD_TIMES,
    MEASURES,
    NUMBER_WORDS,
    NUMBERS,
    PEOPLE,
    SETTLING,
    SOFTENING,
    TELLING,
)

# Letters that have no plain one within.
_SPELT: Final = str.maketrans(
    {"ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "æ": "ae"}
)


class Promise(NamedTuple):
    """What a name says that a column is.

    Parameters
    ----------
    reason : str
        In words, such as `an address`.
    settled : bool
        Whether the name leaves no doubt; otherwise the values decide.
    softened : bool
        Whether a word of the name says that it is about something else.
    measured : bool
        Whether its last word is a measure, so that long numbers are no codes.
    """

    reason: str
    settled: bool
    softened: bool = False
    measured: bool = False


def words_of(name: str) -> list[str]:
    """Return the words of a column name, without case and accents.

    Examples
    --------
    >>> words_of("PatientName"), words_of("Né(e) le"), words_of("birth.dt")
    (['patient', 'name'], ['ne', 'e', 'le'], ['birth', 'dt'])
    """
    spaced = re.sub(r"(?<=[a-zà-ÿ0-9])(?=[A-ZÀ-Þ])", " ", name.translate(_SPELT))
    plain = (
        unicodedata.normalize("NFKD", spaced)
        .encode("ascii", "ignore")
        .decode()
        .casefold()
    )
    return re.findall(r"[a-z]+|\d+", plain)


def promise_of(name: str) -> Promise | None:
    """Say what a column's name promises, None where the name is harmless.

    Parameters
    ----------
    name : str
        As written.

    Examples
    --------
    >>> promise_of("home_city").settled, promise_of("city_size").settled
    (True, False)
    >>> promise_of("Geburtsdatum").reason, promise_of("score_name")
    ('a date of birth', None)
    """
    words = [word for word in words_of(name) if not word.isdigit()]
    for reason, telling in TELLING.items():
        said = {word for word in words if word in telling}
        if said or "".join(words) in telling:
            return _weighed(reason, words, said or set(words))
    found = _in_company(words)
    if found:
        return found
    if words and (words[-1] in LAST_WORD_TIMES or words[0] in ("date", "datum")):
        return Promise("a date or time", settled=False)
    return None


def _weighed(reason: str, words: list[str], said: set[str]) -> Promise:
    """The promise of a telling word beside the others of the name."""
    others = [word for word in words if word not in said]
    telling = frozenset[str]().union(*TELLING.values())
    settling = (SETTLING | telling) - SOFTENING
    beside = [word for word in others if word not in settling]
    softened = any(word in SOFTENING for word in beside)
    # Nothing but telling words and those that go with them.
    settled = not beside and not _says_how_many(words)
    return Promise(reason, settled, softened, words[-1] in MEASURES)


def _says_how_many(words: list[str]) -> bool:
    """Whether a name counts things: `number of phone visits`, not `phone number`."""
    return words[:2] == ["number", "of"] and len(words) > 2


def _in_company(words: list[str]) -> Promise | None:
    """The promise of a word that tells something alone or beside certain others."""
    plain = [word for word in words if word not in GLUE]
    for place, word in enumerate(plain):
        if word not in IN_COMPANY:
            continue
        reason, company = IN_COMPANY[word]
        neighbours = {*plain[max(place - 1, 0) : place], *plain[place + 1 : place + 2]}
        if len(plain) == 1 or neighbours & company:
            return _weighed(reason, plain, {word, *(neighbours & company)})
    return None


def hints_at_number(name: str) -> bool:
    """Tell whether a name fits a record, identity or telephone number."""
    return any(word in NUMBER_WORDS for word in words_of(name))


def all_known_words() -> frozenset[str]:
    """Every word that says what a column is: none of them is part of a person's name."""
    telling = frozenset[str]().union(*TELLING.values())
    return (
        telling
        | frozenset(IN_COMPANY)
        | PEOPLE
        | NUMBERS
        | LAST_WORD_TIMES
        | NUMBER_WORDS
        | {"dates", "hour", "hours"}
    )
