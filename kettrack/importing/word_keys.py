"""When two spellings of a word are the same word."""

from __future__ import annotations

import re
from typing import Final

from kettrack.vocabulary.status_words import bare

_NUMBER: Final = re.compile(r"[+-]?\d{1,15}(?:[.,]\d{1,15})?")


def word_key(word: str) -> str:
    """A word without what makes no difference: capitals, blanks and hyphens in a word, noughts at
    the end of a number.

    Parameters
    ----------
    word : str
        As a source or a map writes it.

    Examples
    --------
    >>> word_key("Ketamine-IV"), word_key("1.0"), word_key("-9"), word_key("1,5"), word_key("+")
    ('ketamineiv', '1', '-9', '1.5', '+')
    """
    text = word.strip()
    # A minus makes another number, and a point another one again.
    if _NUMBER.fullmatch(text):
        return f"{float(text.replace(',', '.')):.15g}"
    # Signs such as - or + have no letters to compare.
    return bare(text) or text
