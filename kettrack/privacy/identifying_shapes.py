"""Shapes of values that identify: addresses, dates, telephone and record numbers, tested on
distinct values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import Bools, Objects

_DATE: Final = (
    r"(?:(?:19|20)\d\d[-/.](?:0?[1-9]|1[0-2])[-/.](?:0?[1-9]|[12]\d|3[01])"
    r"|(?:0?[1-9]|[12]\d|3[01])[-/.](?:0?[1-9]|[12]\d|3[01])[-/.](?:\d{4}|\d{2})"
    r"|\d{1,2}[ -]?(?i:jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])\p{L}*\.?["
    r" -]\d{2,4}"
    r"|(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? \d{1,2},? \d{4})"
)
_TIME: Final = r"(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[AaPp][Mm])?(?:Z|[+-]\d{2}:?\d{2})?)?"
_EMAIL: Final = r"[\w.+-]+@[\w-]+\.[\w.-]+"
_PHONE: Final = r"\+?\(?\d[\d ()./-]{8,20}\d"
_SSN: Final = r"\d{3}-\d{2}-\d{4}"

# What a whole cell may look like, each with what is said about it. Order: the most telling first.
PATTERNS: Final[tuple[tuple[str, str], ...]] = (
    ("an e-mail address", _EMAIL),
    ("a web address", r"(?:https?://|www\.)\S+"),
    ("a calendar date", f"{_DATE}{_TIME}"),
    ("a social security number", _SSN),
    (
        "a network address",
        r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)",
    ),
    ("a postcode", r"(?i:[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2})"),
    ("a postcode", r"\d{5}-\d{4}"),
)
# Within longer text one hit is enough, so only shapes that are hardly ever anything else.
IN_TEXT: Final[tuple[tuple[str, str], ...]] = (
    ("an e-mail address", _EMAIL),
    ("a web address", r"https?://\S+"),
    (
        "a calendar date",
        r"\b(?:19|20)\d\d-\d\d-\d\d\b|\b\d{1,2}[/.]\d{1,2}[/.](?:19|20)\d\d\b",
    ),
    (
        "a telephone number",
        r"\+\d[\d ()./-]{7,}\d|\(\d{3}\) ?\d{3}-\d{4}|\b\d{3}-\d{3}-\d{4}\b",
    ),
    ("a social security number", rf"\b{_SSN}\b"),
)
# Among study codes one of these is enough, whatever the others look like.
IN_CODES: Final[tuple[tuple[str, str], ...]] = (
    *IN_TEXT,
    (
        "a calendar date",
        r"(?:^|\D)(?:19|20)\d\d[-/.](?:0?[1-9]|1[0-2])[-/.](?:0?[1-9]|[12]\d|3[01])(?:\D|$)",
    ),
    ("a calendar date", f"^{_DATE}{_TIME}$"),
    (
        "a telephone number",
        r"\b\d{3}[ .-]\d{3}[ .-]\d{4}\b|\b0\d{2,4} \d{3,4} \d{3,4}\b",
    ),
    (
        "a record number",
        r"(?i)^(?:mrn|nhs|ssn|medicare|medicaid)(?:[ .:#_-]*|[ ]*no\.?[ ]*)\d",
    ),
    (
        "initials with a date of birth",
        r"^\p{L}{2,3}[ ._-]?(?:19|20)\d\d[-/.]?(?:0[1-9]|1[0-2])[-/.]?(?:0[1-9]|[12]\d|3[01])$",
    ),
)

# Plain words and short numbers, and letter-and-digits codes: nothing above, and no name of a
# person, can look like these.
_PLAIN: Final = r"[A-Za-z_-]{1,40}|[+-]?\d{1,4}(?:[.,]\d{1,3})?"
_PLAIN_CODE: Final = r"[A-Z]?\d{1,6}"


def all_plain(levels: Objects, codes: bool) -> bool:
    """Tell at one glance that no value of a column can identify, as in most columns; the patterns
    are slow to set up.

    Parameters
    ----------
    levels : object array of str
        The distinct values.
    codes : bool
        Whether they are study codes, where a word may be a name.

    Examples
    --------
    >>> all_plain(np.array(["before", "12.5"], dtype=object), codes=False)
    True
    >>> all_plain(np.array(["S001", "Jane"], dtype=object), codes=True)
    False
    """
    return bool(matches(levels, _PLAIN_CODE if codes else _PLAIN).all())


def shapes_within(
    levels: Objects, shapes: tuple[tuple[str, str], ...]
) -> Iterator[tuple[str, Bools]]:
    """Each of `IN_TEXT` or `IN_CODES` with the distinct values that hold it; none of them does
    without a digit, @ or colon.
    """
    if matches(levels, r"[\d@:]", whole=False).any():
        for what, pattern in shapes:
            yield what, matches(levels, pattern, whole=False)


def matches(levels: Objects, pattern: str, whole: bool = True) -> Bools:
    """Tell which of some distinct values match a pattern, as a whole or anywhere."""
    if not len(levels):
        return np.zeros(0, dtype=bool)
    text = pa.array(levels, pa.string())
    found = pc.match_substring_regex(text, f"^(?:{pattern})$" if whole else pattern)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)


def is_calendar_date(levels: Objects) -> Bools:
    """Tell which of some distinct values are calendar dates, with or without a time of day."""
    return matches(levels, f"{_DATE}{_TIME}")


def telephone(levels: Objects) -> Bools:
    """Digits with separators, ten to fifteen of them; trial codes such as 001-0001-01 have
    fewer.
    """
    if not len(levels):
        return np.zeros(0, dtype=bool)
    text = pa.array(levels, pa.string())
    digits = pc.utf8_length(pc.replace_substring_regex(text, r"\D", "")).to_numpy(
        zero_copy_only=False
    )
    separated = matches(levels, r"\+.*|.*\d[ ()./-]+\d.*")
    return matches(levels, _PHONE) & separated & (digits >= 10) & (digits <= 15)
