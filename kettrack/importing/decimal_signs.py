"""Decimal signs: which of point and comma a column uses, told from all of its numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from kettrack.importing.journal import Journal, SourceColumn
from kettrack.vocabulary.columns import Column

PLAIN_NUMBER: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,2})?")
_THOUSANDS: Final = re.compile(r"[+-]?[1-9]\d{0,2}(?:([.,])\d{3})(?:\1\d{3})*")
_FROM_THOUSANDS: Final = 1000
_READ_AS_POINTS: Final = "decimal commas read as points"
# What 1,500 and 1.500 are where nothing but the owner of the data can tell.
_ONE_AND_A_HALF: Final = "one and a half"
_FIFTEEN_HUNDRED: Final = "fifteen hundred"


def decimal_sign(
    numbers: Mapping[str, int],
    source: SourceColumn,
    column: Column,
    journal: Journal,
) -> str:
    """The decimal sign of a column; asked for where 1,500 stands and nothing tells.

    Parameters
    ----------
    numbers : mapping of str to int
        Every spelling of the column, and how many cells have it.
    source : SourceColumn
        Where they stand.
    column : Column
        What they become: one that holds no thousands needs no question.
    journal : Journal
        Takes the question, and what was read in another form.

    Returns
    -------
    str
        A point or a comma; or the answer to the question.
    """
    marked = {number for number in numbers if "," in number or "." in number}
    sure = {_sure_sign(number) for number in marked}
    with_comma = {number for number in marked if "," in number}
    n_commas = sum(numbers[number] for number in with_comma)
    if "," in sure and "." not in sure:
        journal.counted(source, n_commas, "mended", _READ_AS_POINTS)
        return ","
    if sure != {""}:
        return "."
    if (column.high or 0) >= _FROM_THOUSANDS:
        return _asked(source, journal)
    # What looks like thousands is none in a column that holds no thousands.
    if with_comma == marked:
        journal.counted(source, n_commas, "mended", _READ_AS_POINTS)
        return ","
    return "."


def _sure_sign(number: str) -> str:
    """The decimal sign where one number tells it."""
    last = max(number.rfind(","), number.rfind("."))
    sign = number[last]
    other = "." if sign == "," else ","
    if other in number:
        return sign
    if number.count(sign) > 1:
        return other
    return "" if _THOUSANDS.fullmatch(number) else sign


def _asked(source: SourceColumn, journal: Journal) -> str:
    return journal.ask(
        source.place.key("decimal_sign"),
        f"What is 1,500 or 1.500 in {source.place.named}?",
        (_ONE_AND_A_HALF, _FIFTEEN_HUNDRED),
        "Every number of the column that is written so is read by it.",
    )


def number_of(number: str, sign: str) -> float | None:
    """A number; None where it is written as no number can be under its column's decimal sign.

    Parameters
    ----------
    number : str
        As written, without blanks.
    sign : str
        As `decimal_sign` returns it.

    Examples
    --------
    >>> number_of("1.234,5", ","), number_of("1,234.5", "."), number_of("7,5", ".")
    (1234.5, 1234.5, None)
    """
    if sign not in (".", ",") and _THOUSANDS.fullmatch(number):
        # Without an answer nothing is read: a wrong guess is wrong by a factor of a thousand.
        if not sign:
            return None
        return float(re.sub("[.,]", "." if sign == _ONE_AND_A_HALF else "", number))
    thousands = "." if sign == "," else ","
    whole, point, rest = number.partition(sign if sign == "," else ".")
    if thousands in whole and not _THOUSANDS.fullmatch(whole):
        return None
    joined = whole.replace(thousands, "") + (f".{rest}" if point else "")
    return float(joined) if PLAIN_NUMBER.fullmatch(joined) else None
