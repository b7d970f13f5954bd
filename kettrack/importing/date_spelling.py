"""One date as somebody wrote it: which day it is, or what it can be, or why it is none."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from kettrack.vocabulary.calendar_words import BETWEEN, MONTHS, WEEKDAYS

NO_DATE: Final = "this is no date in any form that kettrack reads"
NO_SUCH_DAY: Final = "the calendar has no such day"
IN_PART: Final = "a part is missing; a date needs day, month and year"
# Before it nobody in these files was treated or born: it stands for "not known".
FIRST_YEAR: Final = 1900
# Copies for research may have shifted dates; what lies further on stands for "open end".
LAST_YEAR: Final = 2299
TOO_LATE: Final = f"the year lies after {LAST_YEAR}"
TOO_EARLY: Final = f"the year lies before {FIRST_YEAR}"

_YEAR_FIRST: Final = re.compile(r"(\d{4})([-/. ])(\d{1,2})\2(\d{1,2})")
_RUN: Final = re.compile(r"(\d{4})(\d\d)(\d\d)")
_YEAR_LAST: Final = re.compile(r"(\d{1,2})([-/. ])(\d{1,2})\2(\d{4}|\d\d)")
# 07032025; the second group stands for the mark between the parts.
_RUN_YEAR_LAST: Final = re.compile(r"(\d\d)()(\d\d)((?:19|20)\d\d)")
_BLANK_BEHIND: Final = re.compile(r"(?<=\d)([./-]) (?=\d)")
# 2025-03, 03/2025, 2025; SDTM writes 2025---07, others XX, UN or 00 where a part is not known.
_PARTLY: Final = re.compile(
    r"\d{4}|\d{4}[-/. ]\d{1,2}|\d{1,2}[-/. ]\d{4}"
    r"|(?:\d{1,4}|-|u+|un|unk|x+|\?+|00|[-/. ])+"
)
# Marks on letters, and signs that nobody sees.
_UNSEEN: Final = ("Mn", "Cf")
_DASHES: Final = dict.fromkeys("‐‑‒–—−", "-")
_PARTS: Final = re.compile(r"[^\W\d_]+|\d+")
_WEEKDAY: Final = re.compile(r"([^\W\d_]+)[.,]*[ ,]+(.+)")
# 1st, 2nd, 1er, 1º: letters right behind a number.
_ORDINAL: Final = re.compile(r"(?<=\d)(?:st|nd|rd|th|er|re|ste|de|o|a|e)\b")


@dataclass(frozen=True, slots=True)
class Spelling:
    """What one spelling says.

    Parameters
    ----------
    day : date, optional
        The day, where there is no doubt.
    parts : tuple of int, optional
        Three numbers, where their order is open.
    two_digits : bool
        Whether the first of them could be the year, as each has two digits.
    weekday : int, optional
        The weekday beside it, Monday = 1.
    short_year : bool
        Whether the year has two digits.
    digits_only : bool
        Whether it is written without words, the year first.
    turned : date, optional
        The day that it would be with the day before the month, where it begins with the year.
    mended : str
        What was done to read it; empty where it says the day itself.
    bad : str
        Why it is no day; empty where it is one or may be one.
    """

    day: date | None = None
    parts: tuple[int, int, int] | None = None
    two_digits: bool = False
    weekday: int | None = None
    short_year: bool = False
    digits_only: bool = False
    turned: date | None = None
    mended: str = ""
    bad: str = ""


def spelling(text: str) -> Spelling:
    """Read one spelling, without time of day.

    Parameters
    ----------
    text : str
        As written, blanks at the ends and the time of day taken off.

    Examples
    --------
    >>> spelling("7 mars 2025").day, spelling("20250307").day
    (datetime.date(2025, 3, 7), datetime.date(2025, 3, 7))
    >>> spelling("03/07/2025").parts, spelling("March 2025").bad
    ((3, 7, 2025), 'a part is missing; a date needs day, month and year')
    """
    plain = _plain(text)
    found = _of_digits(plain) or _of_words(plain) or _with_weekday(plain)
    if found is not None:
        return found
    return Spelling(bad=IN_PART if _in_part(plain) else NO_DATE)


def this_day() -> date:
    """Today on the clock of this computer."""
    return datetime.now().astimezone().date()


def full_year(year: int) -> int:
    """The last year that ends in two digits and is not to come.

    Examples
    --------
    >>> full_year(99)
    1999
    """
    this = this_day().year
    return this - (this - year) % 100


def a_day(year: int, month: int, day: int) -> Spelling:
    """A spelling whose parts are known; they may still be no day."""
    if year < FIRST_YEAR:
        return Spelling(bad=TOO_EARLY)
    try:
        return Spelling(day=date(year, month, day))
    except ValueError:
        return Spelling(bad=NO_SUCH_DAY)


def _plain(text: str) -> str:
    """Small letters without accents, one blank between words."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(
        _DASHES.get(one, one)
        for one in letters
        if unicodedata.category(one) not in _UNSEEN
    )
    # Programs put an apostrophe before text that a spreadsheet would take for a number.
    return " ".join(bare.split()).strip("' ")


def _of_digits(text: str) -> Spelling | None:
    """A date of digits alone; None where it is not."""
    text = _BLANK_BEHIND.sub(r"\1", text)  # 7. 1. 2025
    found = _YEAR_FIRST.fullmatch(text)
    if found:
        return _checked(*found.group(1, 3, 4))
    found = _RUN.fullmatch(text)
    if found and found.group(1) >= str(FIRST_YEAR):
        return _checked(*found.groups())
    found = _YEAR_LAST.fullmatch(text) or _RUN_YEAR_LAST.fullmatch(text)
    if found is None:
        return None
    parts = found.group(1, 3, 4)
    numbers = (int(parts[0]), int(parts[1]), int(parts[2]))
    if 0 in numbers[:2]:
        return Spelling(bad=IN_PART)
    two_digits = all(len(part) == 2 for part in parts)
    return Spelling(
        parts=numbers,
        # 7-1-25 and 07.01.25 do not begin with a year; 07-01-25 may.
        two_digits=two_digits and found.group(2) != ".",
        short_year=len(parts[2]) == 2,
    )


def _checked(year: str, month: str, day: str) -> Spelling:
    # 2025-00-00 is how some programs write that only the year is known.
    if int(year) and not int(month) * int(day):
        return Spelling(bad=IN_PART)
    standard = a_day(
        int(year),
        int(month),
        int(day),
    )
    # Not the standard, but some programs write 2024-13-05; the whole column tells.
    turned = a_day(
        int(year),
        int(day),
        int(month),
    )
    return replace(
        standard,
        digits_only=True,
        turned=turned.day,
    )


def _of_words(text: str) -> Spelling | None:
    """A date with the name of its month; None where it is not."""
    parts = _word_parts(text)
    place = _place_of_month(parts)
    if place is None or len(parts) != 3:
        return None
    month = MONTHS[parts.pop(place)]
    if not all(part.isdigit() for part in parts):
        return None
    # 2025 March 7; else the year comes last.
    year, day = parts if len(parts[0]) == 4 else reversed(parts)
    if len(year) not in (2, 4) or len(day) > 2:
        return None
    if len(year) == 4:
        return a_day(int(year), month, int(day))
    return replace(
        a_day(
            full_year(int(year)),
            month,
            int(day),
        ),
        short_year=True,
    )


def _word_parts(text: str) -> list[str]:
    parts = _PARTS.findall(_ORDINAL.sub("", text))
    return [part for part in parts if part not in BETWEEN]


def _place_of_month(parts: list[str]) -> int | None:
    return next(
        (n for n, part in enumerate(parts) if part in MONTHS),
        None,
    )


def _with_weekday(text: str) -> Spelling | None:
    """A date behind the name of its weekday; None where there is no weekday."""
    found = _WEEKDAY.fullmatch(text)
    if found is None or found.group(1) not in WEEKDAYS:
        return None
    rest = _of_digits(found.group(2)) or _of_words(found.group(2))
    return rest and replace(
        rest,
        weekday=WEEKDAYS[found.group(1)],
    )


def _in_part(text: str) -> bool:
    """Whether a text is a date of which a part is not known."""
    parts = _word_parts(text)
    if _place_of_month(parts) is not None:
        numbers = [part for part in parts if part.isdigit()]
        return len(parts) <= 2 and bool(numbers)
    return bool(_PARTLY.fullmatch(text) and re.search(r"\d{4}", text))
