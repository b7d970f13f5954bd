"""Shapes of values that identify: addresses, dates, telephone and record numbers, tested on
distinct values.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Final, NamedTuple
from weakref import ref

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import Bools, Objects

# Parts of dates. Days and months may lack their leading zero, but must be possible: 13.31.2024 is a
# code, not a date.
_YEAR: Final = r"(?:19|20)\d\d"
_MONTH: Final = r"(?:0?[1-9]|1[0-2])"
_DAY: Final = r"(?:0?[1-9]|[12]\d|3[01])"
# English, German and French, with a full stop or written out.
_MONTH_WORD: Final = (
    r"(?i:jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[\p{L}]*\.?"
)
_ENGLISH_MONTH: Final = r"(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATE: Final = (
    rf"(?:{_YEAR}[-/.]{_MONTH}[-/.]{_DAY}"  # 2024-05-01
    rf"|{_DAY}[-/.]{_DAY}[-/.](?:\d{{4}}|\d{{2}})"  # 1.5.2024, 5/1/24: either order
    rf"|\d{{1,2}}[ -]?{_MONTH_WORD}[ -]\d{{2,4}}"  # 1 May 2024, 1-May-24
    rf"|{_ENGLISH_MONTH} \d{{1,2}},? \d{{4}})"  # May 1, 2024
)
_CLOCK: Final = r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[AaPp][Mm])?"
_ZONE: Final = r"(?:Z|[+-]\d{2}:?\d{2})"
# A time of day may follow a date: 2024-05-01T09:30:00Z, 1.5.2024 9:30.
_TIME: Final = rf"(?:[T ]{_CLOCK}{_ZONE}?)?"
_DATE_OF_DIGITS: Final = rf"{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
DATE_IN_TEXT: Final = rf"(?:^|[^\w./-])(?:{_DATE}|{_DATE_OF_DIGITS})(?:[^\w/-]|$)"
_EMAIL: Final = r"[\w.+-]+@[\w-]+\.[\w.-]+"
_PHONE: Final = r"\+?\(?\d[\d ()./-]{8,20}\d"
_FRACTION: Final = r"-?(?:0|[1-9]\d{0,4})\.\d{5,}"
_FEWEST_DIGITS: Final = 10  # of a telephone number with its area code
_MOST_DIGITS: Final = 15  # the longest number of the international plan (ITU-T E.164)
_MANY_COLUMNS: Final = 100  # from here on they are looked through together
_MOST_VALUES: Final = 1_000_000  # that may be held once more for it
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
        # No digit before or after it: longer runs of digits are codes.
        rf"(?:^|\D){_YEAR}[-/.]{_MONTH}[-/.]{_DAY}(?:\D|$)",
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
        r"^[\p{L}]{2,3}[ ._-]?(?:19|20)\d\d[-/.]?(?:0[1-9]|1[0-2])[-/.]?(?:0[1-9]|[12]\d|3[01])$",
    ),
)

# Plain words and short numbers, and letter-and-digits codes: nothing above, and no name of a
# person, can look like these.
_PLAIN: Final = r"[A-Za-z_-]{1,40}|[+-]?\d{1,4}(?:[.,]\d{1,3})?"
_PLAIN_CODE: Final = r"[A-Z]?\d{1,6}"

# Letters of every alphabet, and those of them that ASCII has. Patterns write them within square
# brackets only, so that either may stand there.
_LETTERS: Final = {r"\p{L}": "A-Za-z", r"\p{Lu}": "A-Z", r"\p{Ll}": "a-z"}


def all_plain(levels: Objects, codes: bool) -> bool:
    """Tell that no value of a column can identify anyone. This holds for most columns, and spares
    them the other patterns, which are slow to set up.

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
    """Each of `IN_TEXT` or `IN_CODES` with the distinct values that hold it."""
    # Every one of these shapes needs a digit, an @ or a colon; without them nothing is set up.
    if not matches(levels, r"[\d@:]", whole=False).any():
        return
    patterns = [pattern for _, pattern in shapes]
    if none_match(levels, patterns, whole=False):
        return
    for what, pattern in shapes:
        yield what, matches(levels, pattern, whole=False)


def none_match(
    levels: Objects,
    patterns: Iterable[str],
    whole: bool = True,
) -> bool:
    """Tell that no value matches any of some patterns, in one look: of most columns that is all
    there is to say, and one by one the patterns take ten times as long.

    Examples
    --------
    >>> none_match(np.array(["KT-01"], dtype=object), ["[a-z]+", "[0-9]+"])
    True
    """
    return not matches(levels, any_of(patterns), whole).any()


def any_of(patterns: Iterable[str]) -> str:
    """One pattern for several; each keeps its anchors and flags to itself."""
    return "|".join(f"(?:{pattern})" for pattern in patterns)


def matches(levels: Objects, pattern: str, whole: bool = True) -> Bools:
    """Tell which of some distinct values match a pattern, as a whole or anywhere."""
    # In brackets, so that "^" and "$" hold for every branch of the pattern.
    searched = f"^(?:{pattern})$" if whole else pattern
    together = _TOGETHER.get()
    if together is not None and id(levels) in together.places:
        return together.found(levels, searched)
    return _found(levels, searched)


def _found(levels: Objects, searched: str) -> Bools:
    if not len(levels):
        return np.zeros(0, dtype=bool)
    column = _column(levels)
    if column.is_ascii:
        searched = _for_ascii(searched)
    if searched not in column.hits:
        found = pc.match_substring_regex(column.text, searched)
        column.hits[searched] = np.asarray(
            found.to_numpy(zero_copy_only=False), dtype=bool
        )
    # A copy: whoever asked may change what they got.
    return column.hits[searched].copy()


class _Column(NamedTuple):
    """Values as Arrow holds them, whether all are ASCII, and what was looked for in them."""

    levels: ref[Objects]
    text: pa.Array
    is_ascii: bool
    hits: dict[str, Bools]


# The long columns that were asked about last, as long as somebody holds them.
_LAST: Final[deque[_Column]] = deque(maxlen=4)
_LONG: Final = 10_000  # values, from which it is worth it


def _column(levels: Objects) -> _Column:
    """A column is asked about dozens of times, and the codes of patients stand in every table:
    making text of a million of them takes as long as looking through it.
    """
    kept = list(_LAST)
    for one in kept:
        if one.levels() is levels:
            return one
    text = pa.array(levels, pa.string())
    is_ascii = bool(pc.all(pc.string_is_ascii(text)).as_py())
    made = _Column(ref(levels, _forget), text, is_ascii, {})
    if len(levels) < _LONG:
        return made
    for one in kept:
        if one.text.equals(text):
            made = made._replace(text=one.text, hits=one.hits)
    _LAST.append(made)
    return made


def _forget(gone: ref[Objects]) -> None:
    """Nothing is kept of a column that is no longer there."""
    held = [one for one in _LAST if one.levels is not gone]
    _LAST.clear()
    _LAST.extend(held)


class _Together:
    """The values of many columns in one list, through which each pattern is looked for once."""

    def __init__(
        self,
        columns: Sequence[Objects],
    ) -> None:
        self._columns = (
            columns  # held, so that no other array gets the number of one of them
        )
        self._values = np.concatenate([np.zeros(0, dtype=object), *columns])
        self._hits: dict[str, Bools] = {}
        self.places: dict[int, slice] = {}
        begin = 0
        for column in columns:
            end = begin + len(column)
            self.places[id(column)] = slice(begin, end)
            begin = end

    def found(
        self,
        levels: Objects,
        searched: str,
    ) -> Bools:
        """Which values of one of the columns hold a pattern."""
        if searched not in self._hits:
            self._hits[searched] = _found(self._values, searched)
        place = self.places[id(levels)]
        # A copy: whoever asked may change what they got.
        return self._hits[searched][place].copy()


_TOGETHER: Final[ContextVar[_Together | None]] = ContextVar("together", default=None)


@contextmanager
def looked_through_together(columns: Sequence[Objects]) -> Iterator[None]:
    """Inside, each pattern is set up once for all of some columns, and not once for each: in a file
    of thousands of columns that takes longer than the looking.

    Parameters
    ----------
    columns : sequence of object array of str
        The distinct values of each column.

    Examples
    --------
    >>> columns = [np.array(values, dtype=object) for values in (["a"], ["1", "b"])]
    >>> with looked_through_together(columns):
    ...     matches(columns[1], "[a-z]").tolist()
    [False, True]
    """
    few = len(columns) < _MANY_COLUMNS
    n_values = sum(map(len, columns))
    # All values of a large file would be held twice, for the few patterns that most columns need.
    alone = few or n_values > _MOST_VALUES
    token = _TOGETHER.set(None if alone else _Together(columns))
    try:
        yield
    finally:
        _TOGETHER.reset(token)
        # A cohort is much larger than its codes, but they need not stay beside it.
        _LAST.clear()


@cache
def _for_ascii(pattern: str) -> str:
    """A pattern that finds the same in text of ASCII characters.

    The letters of every alphabet take up to 50 milliseconds to set up, those of one none.
    """
    for everywhere, ascii_letters in _LETTERS.items():
        pattern = pattern.replace(everywhere, ascii_letters)
    return pattern


def is_calendar_date(levels: Objects) -> Bools:
    """Tell which of some distinct values are calendar dates, with or without a time of day."""
    return matches(levels, f"{_DATE}{_TIME}")


def telephone(levels: Objects) -> Bools:
    """Tell which values are telephone numbers: digits with separators, as many as a number with its
    area code has; trial codes such as 001-0001-01 have fewer.
    """
    dialled = matches(levels, _PHONE)
    if not dialled.any():
        return dialled
    text = _column(levels).text
    bare = pc.replace_substring_regex(text, r"\D", "")
    n_digits = pc.utf8_length(bare).to_numpy(zero_copy_only=False)
    # Bare digits may be anything; a plus sign, or separators between digits, make them a number to
    # dial.
    separated = matches(levels, r"\+.*|.*\d[ ()./-]+\d.*")
    of_length = (n_digits >= _FEWEST_DIGITS) & (n_digits <= _MOST_DIGITS)
    # An age of 17.15537303 was worked out, not dialled.
    fraction = matches(levels, _FRACTION)
    return dialled & separated & of_length & ~fraction
