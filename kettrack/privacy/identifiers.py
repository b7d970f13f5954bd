"""Find columns that could identify a person, by their name and by what the whole column looks like.

A checksum on one value is worth little: one in eleven random ten-digit codes is a valid NHS number.
Hence names are read in whole words (`score_name` is harmless, `patient_name` is not), and values
are judged by how much of the column agrees. There are two exceptions: among study codes one
unmistakable value stops the load, and a single one in any other column of text is noted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import Bools, Ints, Objects
from kettrack.errors import WrongArgument
from kettrack.privacy.identifying_codes import persons_in_codes
from kettrack.privacy.identifying_names import Promise, hints_at_number, promise_of
from kettrack.privacy.identifying_numbers import personal_numbers
from kettrack.privacy.identifying_people import (
    common_first_names,
    first_names,
    person_like,
    titled,
)
from kettrack.privacy.identifying_shapes import (
    IN_CODES,
    IN_TEXT,
    PATTERNS,
    all_plain,
    is_calendar_date,
    matches,
    none_match,
    shapes_within,
    telephone,
)
from kettrack.privacy.identifying_words import HARMLESS_VALUES
from kettrack.vocabulary.total_words import is_no_code

# A column is judged by its values when so many agree: a fifth of the rows, and not only one or two.
_SHARE: Final = 0.2
_FEWEST: Final = 3
_NEARLY_ALL: Final = 0.9  # for digits without a shape of their own
_SMALL_NUMBER: Final = r"[+-]?\d{1,4}(?:[.,]\d+)?"
# With a leading nought it is a code, such as the beginning of a postcode.
_MEASURED: Final = r"[+-]?(?:0|[1-9]\d{0,3})(?:[.,]\d+)?"
_LONG_MEASURE: Final = r"(?:0|[1-9]\d{0,8})(?:[.,]\d+)?"
_YEAR: Final = r"(?:19|20)\d\d"
_KIND: Final = r"[\p{L} _/<>=+%-]*\d?[\p{L} _/<>=+%-]*"
_FEW_VALUES: Final = 12  # distinct ones of a column that sorts people into kinds
_DATE_OF_DIGITS: Final = r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_LONG_TEXT: Final = 40  # mean length of free text
_WHOLE_SHAPES: Final = [pattern for _, pattern in PATTERNS]
_TWO_NAMES: Final = r"[\p{Lu}][\p{L}'’-]*[\p{Ll}][\p{L}'’-]*"


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
    lone : bool
        Whether only single values show it, in a column that is otherwise harmless.
    """

    column: str
    why: str
    stop: bool
    hit: Bools
    lone: bool = False


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

    Raises
    ------
    UsageError
        When it is no DataFrame.

    Examples
    --------
    >>> frame = pd.DataFrame({"score_name": ["PHQ-9"], "visit_date": ["2024-05-01"]})
    >>> [(found.column, found.why, found.stop) for found in find_identifiers(frame)]
    [('visit_date', 'has the heading of a date or time', True)]
    """
    if not isinstance(frame, pd.DataFrame):
        raise WrongArgument("find_identifiers", "a DataFrame", frame)
    findings = []
    for place, name in enumerate(map(str, frame.columns)):
        if name in allow:
            continue
        values = frame.iloc[:, place].astype("object").dropna()
        counts = values.astype("str").value_counts(sort=False)
        finding = find_in_column(
            name,
            counts.index.to_numpy(dtype=object),
            np.asarray(counts, dtype=np.int64),
            is_id=name == "patient_id",
        )
        if finding is not None:
            findings.append(finding)
    return findings


def find_in_column(
    name: str,
    levels: Objects,
    counts: Ints,
    *,
    is_id: bool = False,
    known: bool = False,
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
        Whether the vocabulary has a column of that name, so that the name itself is above
        suspicion.
    """
    if plainly_harmless(name, levels, is_id=is_id, known=known):
        return None
    none = np.zeros(len(levels), dtype=bool)
    small = matches(levels, _SMALL_NUMBER)
    numeric = _share(small, counts) >= _NEARLY_ALL
    promise = None if known else promise_of(name)
    if promise and not _about_something_else(promise, levels, counts, numeric):
        return Finding(name, f"has the heading of {promise.reason}", True, none)
    # From here on the values decide. Cheap and telling tests come first; what stops comes before
    # what is only noted.
    if not counts.sum() or all_plain(levels, codes=is_id):
        return None
    among_codes = _in_codes(name, levels, counts) if is_id else None
    if is_id and (among_codes or numeric):
        return among_codes
    lone = None if is_id else _lone(name, levels)
    if numeric:
        return lone
    return (
        _by_shape(name, levels, counts)
        or _by_digits(name, levels, counts, is_id)
        or _by_text(name, levels, counts, is_id)
        or lone
    )


def plainly_harmless(
    name: str,
    levels: Objects,
    *,
    is_id: bool = False,
    known: bool = False,
) -> bool:
    """Tell that nothing can be found in a column, without counting its rows: most are so.

    Parameters
    ----------
    name, levels, is_id, known
        As for `find_in_column`.

    Examples
    --------
    >>> plainly_harmless("score", np.array(["12", "7"], dtype=object))
    True
    >>> plainly_harmless("telephone", np.array(["12", "7"], dtype=object))
    False
    """
    promised = not known and promise_of(name) is not None
    return not promised and all_plain(levels, codes=is_id)


def _about_something_else(
    promise: Promise, levels: Objects, counts: Ints, numeric: bool
) -> bool:
    """Tell whether a column is harmless though its name has a telling word: `city_size` holds
    sizes. Names that leave no doubt stop whatever the column holds.
    """
    if promise.settled:
        return False
    # An infusion time in minutes is no time of day.
    if promise.reason == "a date or time" and numeric:
        return True
    plain = matches(levels, _LONG_MEASURE if promise.measured else _MEASURED)
    if promise.reason == "a date of birth":
        plain &= ~matches(levels, _YEAR)
    said = np.array([_says_nothing_personal(level) for level in levels], dtype=bool)
    # Kinds come back; what each row has for itself is no kind.
    most = min(_FEW_VALUES, max(_FEWEST, counts.sum() // 2))
    if promise.softened and len(levels) <= most:
        said |= _kinds(levels)
    return bool((plain | said).all())


def _says_nothing_personal(level: str) -> bool:
    """Whether a value is made of words such as yes, low or weekly, and of single signs."""
    parts = re.findall(r"[^\W_]+", level.casefold())
    return all(part in HARMLESS_VALUES or len(part) == 1 for part in parts)


def _kinds(levels: Objects) -> Bools:
    """Values that could name a kind of thing: words without long numbers, and nobody's name."""
    person = titled(levels) | common_first_names(levels)
    return matches(levels, _KIND) & ~person


def _in_codes(
    name: str,
    levels: Objects,
    counts: Ints,
) -> Finding | None:
    """Judge a column of study codes, where one person is one too many."""
    for what, hit in shapes_within(levels, IN_CODES):
        if hit.any():
            return Finding(name, f"looks like {what}", True, hit)
    number = personal_numbers(levels, codes=True)
    if number is not None:
        return Finding(name, f"looks like {number[0].what}", True, number[1])
    person = person_like(levels) | titled(levels)
    # "Grand Total" is two words with capitals too; such a row is left out later
    person &= [not is_no_code(level) for level in levels]
    if not person.any():
        person = first_names(levels, counts)
    if person.any():
        return Finding(name, "looks like a person's name", True, person)
    found = persons_in_codes(levels)
    return found and Finding(name, found.why, found.stop, found.hit)


def _lone(name: str, levels: Objects) -> Finding | None:
    """Look for a single value that is hardly ever anything else."""
    for what, hit in shapes_within(levels, IN_TEXT):
        if hit.any():
            return Finding(name, f"holds what looks like {what}", False, hit, True)
    shapes = {
        "a calendar date": is_calendar_date(levels),
        "a telephone number": telephone(levels),
        "a name": titled(levels),
    }
    for what, hit in shapes.items():
        if hit.any():
            return Finding(name, f"holds what looks like {what}", False, hit, True)
    return None


def _share(hit: Bools, counts: Ints) -> float:
    total = counts.sum()
    return float(counts[hit].sum() / total) if total else 0.0


def _enough(hit: Bools, counts: Ints) -> bool:
    """Tell whether so much of the column agrees that it is no accident; of fewer than three values,
    all must.
    """
    n_rows = counts.sum()
    needed = min(n_rows, max(_FEWEST, _SHARE * n_rows))
    return bool(counts[hit].sum() >= needed)


def _by_shape(
    name: str,
    levels: Objects,
    counts: Ints,
) -> Finding | None:
    patterns = () if none_match(levels, _WHOLE_SHAPES) else PATTERNS
    for what, pattern in patterns:
        hit = matches(levels, pattern)
        if _enough(hit, counts):
            return Finding(name, f"looks like {what}", True, hit)
    phone = telephone(levels)
    if _enough(phone, counts):
        return Finding(name, "looks like a telephone number", True, phone)
    return None


def _by_digits(
    name: str,
    levels: Objects,
    counts: Ints,
    is_id: bool,
) -> Finding | None:
    """Judge bare digits: by checksum over many values, or when the name agrees with them."""
    long = matches(levels, r"\d{8,16}")
    if hints_at_number(name) and long.all():
        return Finding(name, "looks like a record number", True, long)
    # Among codes less would have been enough, and was looked for.
    number = None if is_id else personal_numbers(levels)
    if number is not None:
        return Finding(name, f"looks like {number[0].what}", True, number[1])
    days = matches(levels, _DATE_OF_DIGITS)
    if _share(days, counts) >= _NEARLY_ALL and days.sum() >= _FEWEST:
        return Finding(name, "looks like a calendar date", True, days)
    return None


def _by_text(
    name: str,
    levels: Objects,
    counts: Ints,
    is_id: bool,
) -> Finding | None:
    if not is_id:
        letters = matches(levels, r"[\p{L}]", whole=False)
        for what, hit in shapes_within(levels, IN_TEXT):
            if (hit & letters).any():
                return Finding(name, f"holds {what} within text", True, hit & letters)
    person = matches(levels, f"{_TWO_NAMES} {_TWO_NAMES}")
    if _enough(person, counts):
        return Finding(name, "may hold names of people", False, person)
    text = pa.array(levels, pa.string())
    lengths = pc.utf8_length(text).to_numpy(zero_copy_only=False)
    spaced = matches(levels, r"\S\s+\S", whole=False)
    n_rows = counts.sum()
    # Most rows say something of their own, in more than one word.
    varied = len(levels) > n_rows / 2 and spaced.mean() > 0.5 and n_rows >= _FEWEST
    if np.average(lengths, weights=counts) > _LONG_TEXT or varied:
        return Finding(name, "may be free text", False, spaced)
    return None
