"""Find columns that could identify a person, by their name and by what the whole column looks like.

A checksum on one value is worth little: one in eleven random ten-digit codes is a valid NHS number. Hence names are read in
whole words (`score_name` is harmless, `patient_name` is not), and values are judged by how much of the column agrees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kettrack.privacy.identifying_names import hints_at_number, reason_in_name

Flags = NDArray[np.bool_]

_SHARE: Final = 0.2
_FEWEST: Final = 3
_NEARLY_ALL: Final = 0.9  # for digits without a shape of their own
_ENOUGH_FOR_CHECKSUM: Final = 10  # distinct values; by chance nine in ten pass once in some 10^8 columns
_LONG_TEXT: Final = 40  # mean length of free text
_DATE: Final = (
    r"(?:(?:19|20)\d\d[-/.](?:0?[1-9]|1[0-2])[-/.](?:0?[1-9]|[12]\d|3[01])"
    r"|(?:0?[1-9]|[12]\d|3[01])[-/.](?:0?[1-9]|[12]\d|3[01])[-/.](?:\d{4}|\d{2})"
    r"|\d{1,2}[ -]?(?i:jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])\p{L}*\.?[ -]\d{2,4}"
    r"|(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.? \d{1,2},? \d{4})"
)
_TIME: Final = r"(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[AaPp][Mm])?(?:Z|[+-]\d{2}:?\d{2})?)?"
_WORD: Final = r"\p{Lu}[\p{L}'’-]*\p{Ll}[\p{L}'’-]*"
_ANY_CASE_WORD: Final = r"\p{Lu}[\p{L}'’.-]+"
_EMAIL: Final = r"[\w.+-]+@[\w-]+\.[\w.-]+"
_PHONE: Final = r"\+?\(?\d[\d ()./-]{8,20}\d"
_SSN: Final = r"\d{3}-\d{2}-\d{4}"

# What a whole cell may look like, each with what is said about it. Order: the most telling first.
_PATTERNS: Final[tuple[tuple[str, str], ...]] = (
    ("an e-mail address", _EMAIL),
    ("a web address", r"(?:https?://|www\.)\S+"),
    ("a calendar date", f"{_DATE}{_TIME}"),
    ("a social security number", _SSN),
    ("a network address", r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)"),
    ("a postcode", r"(?i:[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2})"),
    ("a postcode", r"\d{5}-\d{4}"),
)
# Within longer text one hit is enough, so only shapes that are hardly ever anything else.
_IN_TEXT: Final[tuple[tuple[str, str], ...]] = (
    ("an e-mail address", _EMAIL),
    ("a web address", r"https?://\S+"),
    ("a calendar date", r"\b(?:19|20)\d\d-\d\d-\d\d\b|\b\d{1,2}[/.]\d{1,2}[/.](?:19|20)\d\d\b"),
    ("a telephone number", r"\+\d[\d ()./-]{7,}\d|\(\d{3}\) ?\d{3}-\d{4}|\b\d{3}-\d{3}-\d{4}\b"),
    ("a social security number", rf"\b{_SSN}\b"),
)
_PERSON: Final = f"{_WORD}(?: (?:{_WORD}|\\p{{Lu}}\\.?)){{0,2}} {_WORD}|{_ANY_CASE_WORD}, ?{_ANY_CASE_WORD}(?: .*)?"


@dataclass(frozen=True, slots=True)
class Finding:
    """A column that may identify; it never carries a value.

    Parameters
    ----------
    column : str
        Its name as written.
    why : str
        In words, such as `looks like an e-mail address`.
    stop : bool
        Whether it stops the load; otherwise it is only noted.
    hit : bool array
        Which of the distinct values show it; none where the name alone does.
    """

    column: str
    why: str
    stop: bool
    hit: Flags


def find_identifiers(frame: pd.DataFrame, allow: Sequence[str] = ()) -> list[Finding]:
    """Look through a frame for columns that could identify a person.

    Parameters
    ----------
    frame : DataFrame
        Any table.
    allow : sequence of str
        Names of columns to leave out of the check.

    Returns
    -------
    list of Finding
        In column order; empty where nothing was found.

    Examples
    --------
    >>> frame = pd.DataFrame({"score_name": ["PHQ-9"], "visit_date": ["2024-05-01"]})
    >>> [(found.column, found.why, found.stop) for found in find_identifiers(frame)]
    [('visit_date', 'is a date or time by its name', True)]
    """
    found = []
    for place, name in enumerate(map(str, frame.columns)):
        counts = frame.iloc[:, place].astype("object").dropna().astype("str").value_counts(sort=False)
        levels = counts.index.to_numpy(dtype=object)
        if name not in allow:
            found.append(find_in_column(name, levels, np.asarray(counts, dtype=np.int64), is_id=name == "patient_id"))
    return [one for one in found if one is not None]


def find_in_column(
    name: str, levels: NDArray[np.object_], counts: NDArray[np.int64], *, is_id: bool = False, known: bool = False
) -> Finding | None:
    """Judge one column.

    Parameters
    ----------
    name : str
        As written in the source.
    levels : object array of str
        The distinct values.
    counts : int array
        Rows of each.
    is_id : bool
        Whether it is to be the patient's study code; there one name is one too many.
    known : bool
        Whether the vocabulary has a column of that name, so that the name itself is above suspicion.
    """
    none = np.zeros(len(levels), dtype=bool)
    numeric = _share(_matches(levels, r"[+-]?\d{1,4}(?:[.,]\d+)?"), counts) >= _NEARLY_ALL
    reason = None if known else reason_in_name(name, small_numbers=bool(numeric))
    if reason:
        return Finding(name, f"is {reason} by its name", True, none)
    if not counts.sum() or numeric:
        return None
    return _by_shape(name, levels, counts, is_id) or _by_digits(name, levels, counts) or _by_text(name, levels, counts, is_id)


def is_calendar_date(levels: NDArray[np.object_]) -> Flags:
    """Tell which of some distinct values are calendar dates, with or without a time of day."""
    return _matches(levels, f"{_DATE}{_TIME}")


def _matches(levels: NDArray[np.object_], pattern: str, whole: bool = True) -> Flags:
    if not len(levels):
        return np.zeros(0, dtype=bool)
    text = pa.array(levels, pa.string())
    found = pc.match_substring_regex(text, f"^(?:{pattern})$" if whole else pattern)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=bool)


def _share(hit: Flags, counts: NDArray[np.int64]) -> float:
    total = counts.sum()
    return float(counts[hit].sum() / total) if total else 0.0


def _enough(hit: Flags, counts: NDArray[np.int64]) -> bool:
    """Tell whether so much of the column agrees that it is no accident; of fewer than three values, all must."""
    needed = min(counts.sum(), max(_FEWEST, _SHARE * counts.sum()))
    return bool(counts[hit].sum() >= needed)


def _by_shape(name: str, levels: NDArray[np.object_], counts: NDArray[np.int64], is_id: bool) -> Finding | None:
    for what, pattern in _PATTERNS:
        hit = _matches(levels, pattern)
        # A single e-mail address among study codes is already a person.
        if _enough(hit, counts) or (is_id and hit.any() and "mail" in what):
            return Finding(name, f"looks like {what}", True, hit)
    phone = _telephone(levels)
    if _enough(phone, counts):
        return Finding(name, "looks like a telephone number", True, phone)
    person = _matches(levels, _PERSON) if is_id else np.zeros(len(levels), dtype=bool)
    return Finding(name, "looks like a person's name", True, person) if person.any() else None


def _telephone(levels: NDArray[np.object_]) -> Flags:
    """Digits with separators, ten to fifteen of them; trial codes such as 001-0001-01 have fewer."""
    if not len(levels):
        return np.zeros(0, dtype=bool)
    text = pa.array(levels, pa.string())
    digits = pc.utf8_length(pc.replace_substring_regex(text, r"\D", "")).to_numpy(zero_copy_only=False)
    separated = _matches(levels, r"\+.*|.*\d[ ()./-]+\d.*")
    return _matches(levels, _PHONE) & separated & (digits >= 10) & (digits <= 15)


def _by_digits(name: str, levels: NDArray[np.object_], counts: NDArray[np.int64]) -> Finding | None:
    """Judge bare digits: by checksum over many values, or when the name agrees with them."""
    long = _matches(levels, r"\d{9,10}")
    if hints_at_number(name) and long.all():
        return Finding(name, "looks like a record number", True, long)
    ten = _matches(levels, r"\d{3} ?\d{3} ?\d{4}")
    if ten.mean() >= _NEARLY_ALL and ten.sum() >= _ENOUGH_FOR_CHECKSUM:
        valid = np.zeros(len(levels), dtype=bool)
        valid[ten] = [_nhs_valid(value.replace(" ", "")) for value in levels[ten]]
        if valid.mean() >= _NEARLY_ALL:
            return Finding(name, "looks like an NHS number", True, valid)
    days = _matches(levels, r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
    if _share(days, counts) >= _NEARLY_ALL and days.sum() >= _FEWEST:
        return Finding(name, "looks like a calendar date", True, days)
    return None


def _nhs_valid(digits: str) -> bool:
    check = 11 - sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=False)) % 11
    return check % 11 == int(digits[9]) and check != 10


def _by_text(name: str, levels: NDArray[np.object_], counts: NDArray[np.int64], is_id: bool) -> Finding | None:
    if not is_id:
        for what, pattern in _IN_TEXT:
            hit = _matches(levels, pattern, whole=False) & _matches(levels, r"\p{L}", whole=False)
            if hit.any():
                return Finding(name, f"holds {what} within text", True, hit)
    person = _matches(levels, f"{_WORD} {_WORD}")
    if _enough(person, counts):
        return Finding(name, "may hold names of people", False, person)
    lengths = pc.utf8_length(pa.array(levels, pa.string())).to_numpy(zero_copy_only=False)
    spaced = _matches(levels, r"\S\s+\S", whole=False)
    varied = len(levels) > counts.sum() / 2 and spaced.mean() > 0.5 and counts.sum() >= _FEWEST
    if np.average(lengths, weights=counts) > _LONG_TEXT or varied:
        return Finding(name, "may be free text", False, spaced)
    return None
