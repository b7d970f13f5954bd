"""Units behind "a number", in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Units that do not follow an "of" as they stand.
_IN_WORDS: Final[Mapping[str, str]] = {
    "/min": "per minute",
    "%": "of percent",
    "currency of kettrack.toml": "in the currency of kettrack.toml",
}


def with_unit(what: str, unit: str) -> str:
    """A number with its unit, as a sentence has it.

    Examples
    --------
    >>> with_unit("a number", "mg"), with_unit("a whole number", "/min"), with_unit("a number", "")
    ('a number of mg', 'a whole number per minute', 'a number')
    """
    if not unit:
        return what
    return f"{what} {_IN_WORDS.get(unit, f'of {unit}')}"
