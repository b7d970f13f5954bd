"""Cells to numbers in the unit of the contract: decimal signs, units beside the number, durations,
percent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import Bools, Floats
from kettrack.importing.journal import (
    Journal,
    SourceColumn,
    named_column,
)
from kettrack.importing.remarks import ColumnPlace
from kettrack.reading.raw import cells_from_arrow
from kettrack.vocabulary.columns import Column
from kettrack.vocabulary.status_words import bare
from kettrack.vocabulary.units import factor, per_kg

NOT_A_NUMBER: Final = "this is no number"
UNKNOWN_UNIT: Final = "the unit beside the number is not known for this column"
_SECONDS: Final = 60
# A number with its marks, then whatever is written behind it.
_WITH_UNIT: Final = re.compile(r"([^\d]*?)([+-]?[\d.,][\d.,'’\s]*)(.*)")
_PLAIN: Final = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,2})?")
_THOUSANDS: Final = re.compile(r"[+-]?[1-9]\d{0,2}(?:([.,])\d{3})(?:\1\d{3})*")
_BLANKS: Final = re.compile(r"[\s'’]+")
_CLOCK: Final = re.compile(r"(\d+):([0-5]\d)(?::([0-5]\d)(?:\.\d+)?)?")
_HOURS_AND_MINUTES: Final = re.compile(r"(\d+)\s*h\w*\.?\s*(\d{1,2})\s*(?:m\w*\.?)?")
_PRESSURES: Final = re.compile(r"(\d{2,3})\s*/\s*(\d{2,3})\s*(?:mm\s?Hg)?", re.I)


class Amounts(NamedTuple):
    """Numbers of one column.

    Parameters
    ----------
    values : array
        In the unit of the contract; NaN where nothing stands or the cell was refused.
    by_weight : array of bool
        Which are per kilogram of body weight.
    """

    values: Floats
    by_weight: Bools


def read_amounts(
    source: SourceColumn,
    column: Column,
    journal: Journal,
    unit: str = "",
    words: Mapping[str, str] | None = None,
) -> Amounts:
    """Read a column of numbers.

    Parameters
    ----------
    source : SourceColumn
        Its cells.
    column : Column
        What it becomes.
    journal : Journal
        Takes each cell that is refused.
    unit : str
        Of numbers that have none beside them; empty = that of the contract.
    words : mapping
        Word of the source to the number it stands for; an empty one = nothing.
    """
    of_words = {_key(word): number for word, number in (words or {}).items()}
    kind = source.values.type
    if pa.types.is_duration(kind):
        return _durations(source, column, journal)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        values = _from_numbers(source.values, of_words)
        by_factor = factor(unit, column.unit) if unit else 1.0
        return Amounts(
            np.round(values * (by_factor or 1.0), 6),
            np.full(len(values), per_kg(unit)),
        )
    # A truth value or a date in a column of numbers is neither 1 nor a day of some count.
    if not _is_text(kind):
        filled = ~source.empty
        journal.cells(source, filled, "refused", NOT_A_NUMBER)
        return _nothing(len(filled))
    return _from_text(source, column, journal, unit, of_words)


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _nothing(n_rows: int) -> Amounts:
    return Amounts(np.full(n_rows, np.nan), np.zeros(n_rows, dtype=bool))


def _key(word: str) -> str:
    return bare(word) or word.strip()


def _durations(
    source: SourceColumn,
    column: Column,
    journal: Journal,
) -> Amounts:
    if column.unit != "min":
        journal.cells(
            source,
            ~source.empty,
            "refused",
            "this is a length of time",
        )
        return _nothing(len(source.values))
    seconds = source.values.cast(pa.duration("s"), safe=False).cast(pa.int64())
    values = _floats(seconds) / _SECONDS
    return Amounts(values, np.zeros(len(values), dtype=bool))


def _floats(values: pa.Array) -> Floats:
    filled = pc.fill_null(values.cast(pa.float64()), np.nan)
    return np.array(
        filled.to_numpy(zero_copy_only=False),
        dtype=np.float64,
    )


def _from_numbers(
    values: pa.Array,
    of_words: Mapping[str, str],
) -> Floats:
    read = _floats(values)
    # Infinity has no meaning in any column.
    read[np.isinf(read)] = np.nan
    given = read.copy()
    for word, number in of_words.items():
        if _PLAIN.fullmatch(word):
            read[given == float(word)] = _number(number)
    return read


def _number(text: str) -> float:
    return float(text) if _PLAIN.fullmatch(text) else np.nan


def _from_text(
    source: SourceColumn,
    column: Column,
    journal: Journal,
    unit: str,
    of_words: Mapping[str, str],
) -> Amounts:
    cells = cells_from_arrow(source.values)
    levels = [str(level) for level in cells.levels]
    parts = [_parted(level, column) for level in levels]
    numbers = [number for number, _ in parts]
    sign = _decimal_sign(numbers, source, column, journal)
    # Code -1, an empty cell, takes the entry appended.
    values = np.full(len(levels) + 1, np.nan)
    by_weight = np.zeros(len(levels) + 1, dtype=bool)
    refused: dict[str, list[int]] = {}
    for place, level in enumerate(levels):
        if _key(level) in of_words:
            # Said by the person who made the map: no judgement beside it.
            values[place] = _number(of_words[_key(level)])
            continue
        number, written = parts[place]
        value = _in_unit(number, written or unit, sign, column)
        if isinstance(value, str):
            refused.setdefault(value, []).append(place)
        else:
            values[place] = value
            by_weight[place] = per_kg(written or unit)
    for reason, places in refused.items():
        hit = np.isin(cells.codes, places)
        journal.cells(source, hit, "refused", reason)
    return Amounts(values[cells.codes], by_weight[cells.codes])


def _in_unit(
    number: str,
    unit: str,
    sign: str,
    column: Column,
) -> float | str:
    """A number in the unit of its column, or why it is none."""
    value = _without_marks(number, sign)
    by_factor = factor(unit, column.unit) if unit else 1.0
    if value is None:
        return NOT_A_NUMBER
    if by_factor is None:
        return UNKNOWN_UNIT
    # Products such as 0.3 x 3 leave dust behind the sixth place.
    return round(value * by_factor, 6)


def _parted(level: str, column: Column) -> tuple[str, str]:
    """A cell as its number and its unit; the number is empty where there is none."""
    if column.unit == "min":
        minutes = _clock(level)
        if minutes is not None:
            return f"{minutes:g}", "min"
    if column.unit == "mmHg":
        pressures = _PRESSURES.fullmatch(level)
        if pressures:
            # 120/80 is written for both; the name of the column says which one is meant.
            return pressures[1 if column.name.startswith("systolic") else 2], ""
    if _PLAIN.fullmatch(level):
        return level, ""
    found = _WITH_UNIT.fullmatch(level)
    if not found:
        return "", ""
    before = found[1].strip()
    after = found[3].strip()
    # A currency may stand before its number, any other word makes it no number.
    if before and (after or factor(before, column.unit) is None):
        return "", ""
    return _BLANKS.sub("", found[2]), before or after


def _clock(level: str) -> float | None:
    """Minutes of `0:40`, `1:05:30` or `1 h 10`."""
    clock = _CLOCK.fullmatch(level)
    if clock:
        return int(clock[1]) * 60 + int(clock[2]) + int(clock[3] or 0) / _SECONDS
    written = _HOURS_AND_MINUTES.fullmatch(level)
    return int(written[1]) * 60 + int(written[2]) if written else None


def _decimal_sign(
    numbers: Sequence[str],
    source: SourceColumn,
    column: Column,
    journal: Journal,
) -> str:
    """The decimal sign of a column, told from all of its numbers; asked where 1,500 stands and
    nothing tells.
    """
    marked = {number for number in numbers if "," in number or "." in number}
    sure = {_sure_sign(number) for number in marked}
    if "," in sure and "." not in sure:
        n_commas = sum("," in number for number in marked)
        journal.counted(
            source,
            n_commas,
            "mended",
            "decimal commas read as points",
        )
        return ","
    comma_only = all("," in number for number in marked)
    if sure != {""} or (column.high or 0) < 1000:
        # What looks like thousands is none in a column that holds no thousands.
        return "," if marked and sure == {""} and comma_only else "."
    return _asked_sign(source.place, journal)


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


def _asked_sign(place: ColumnPlace, journal: Journal) -> str:
    answer = journal.ask(
        f"decimal_sign.{place.table}.{place.column}",
        f"Is 1,500 or 1.500 in {named_column(place)} one and a half, or fifteen hundred?",
        ("one and a half", "fifteen hundred"),
        "every number of the column that is written so",
    )
    return "both" if answer == "one and a half" else "none"


def _without_marks(number: str, sign: str) -> float | None:
    """A number, `None` where it is written as no number can be under this decimal sign."""
    if sign in ("both", "none") and _THOUSANDS.fullmatch(number):
        joined = re.sub("[.,]", "." if sign == "both" else "", number)
        return float(joined)
    if sign == "," and "," in number:
        whole, _, rest = number.rpartition(",")
        number = f"{whole.replace('.', '')}.{rest}"
    elif sign == "," and _THOUSANDS.fullmatch(number):
        number = number.replace(".", "")
    elif sign != ",":
        whole, point, rest = number.partition(".")
        if "," in whole and not _THOUSANDS.fullmatch(whole):
            return None
        number = f"{whole.replace(',', '')}{point}{rest}"
    return float(number) if _PLAIN.fullmatch(number) else None
