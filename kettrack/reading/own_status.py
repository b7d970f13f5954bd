"""`[status]` of `kettrack.toml`: what the words of a folder's status columns mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, get_args

from kettrack.reading.settings_schema import Place
from kettrack.vocabulary.columns import TABLES
from kettrack.vocabulary.status_words import Meaning, OwnStatus, bare

_LISTS: Final = ("columns", "ignore")
_MEANINGS: Final[tuple[Meaning, ...]] = get_args(Meaning)
_EXPECTED: Final = " or ".join(f'"{meaning}"' for meaning in _MEANINGS)


def own_status(
    content: Mapping[str, Any],
    place: Place,
) -> OwnStatus:
    """Read the table; what cannot be is reported at its key.

    Parameters
    ----------
    content : mapping
        A word to its meaning, for all tables or within `[status.sessions]`; `columns` and `ignore`
        to lists of column names.
    place : Place
        Of `[status]`.
    """
    general = {}
    words: dict[str, dict[str, Meaning]] = {}
    lists: dict[str, tuple[str, ...]] = {}
    for key, value in content.items():
        here = place.at(key)
        if isinstance(value, dict) and key in TABLES:
            words[key] = _words(value, here)
        elif key in _LISTS:
            lists[key] = _names(value, here)
        else:
            general[key] = value
    words[""] = _words(general, place)
    said = {
        section: meanings
        for section, meanings in words.items()
        # Settings that say nothing of it are equal to those without the table.
        if meanings
    }
    return OwnStatus(words=said, **lists)


def _words(
    content: Mapping[str, Any],
    place: Place,
) -> dict[str, Meaning]:
    good: dict[str, Meaning] = {}
    for word, meaning in content.items():
        here = place.at(word)
        if meaning not in _MEANINGS:
            here.problem(_EXPECTED)
        elif not bare(word):
            here.problem("a word as it stands in the column")
        elif bare(word) in map(bare, good):
            here.problem(
                "each word once; capitals, blanks and hyphens make no difference"
            )
        else:
            good[word] = meaning
    return good


def _names(
    content: object,
    place: Place,
) -> tuple[str, ...]:
    names = content if isinstance(content, list) else []
    texts = [
        name
        for name in names
        # An empty name would be every column without one.
        if isinstance(name, str) and bare(name)
    ]
    if not names or len(texts) < len(names):
        place.problem('a list of column names, as in ["visit type"]')
    return tuple(texts)
