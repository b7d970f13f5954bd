"""Words for yes and no, as clinics write them in six languages and as programs do."""

from __future__ import annotations

from typing import Final

from kettrack.vocabulary.status_words import NO, YES, bare

_YES: Final = f"{YES}, checked, on, present"
_NO: Final = f"{NO}, unchecked, off, absent, none, keine, aucun, ninguno, nessuno"
_MEANS: Final = {bare(word): True for word in _YES.split(", ")} | {
    bare(word): False for word in _NO.split(", ")
}
# Signs are no letters, so they are told apart as they stand.
_SIGNS: Final = {
    "✓": True,
    "✔": True,
    "☑": True,
    "☒": True,
    "☐": False,
    "✗": False,
}


def truth_of(word: str) -> bool | None:
    """What a word says; None where it is neither yes nor no.

    Examples
    --------
    >>> truth_of("Ja"), truth_of("NON"), truth_of("1.0"), truth_of("perhaps")
    (True, False, True, None)
    """
    return _SIGNS.get(word.strip(), _MEANS.get(bare(word)))
