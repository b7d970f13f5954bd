"""Cells to numbers in the unit of the contract: decimal signs, units beside the number, durations,
percent.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import Bools, Floats
from kettrack.importing.closed_words import as_words
from kettrack.importing.decimal_signs import (
    PLAIN_NUMBER,
    decimal_sign,
    number_of,
)
from kettrack.importing.journal import Journal, SourceColumn
from kettrack.importing.remarks import Action
from kettrack.importing.word_keys import word_key
from kettrack.reading.raw import Cells, cells_from_arrow
from kettrack.vocabulary.columns import Column
from kettrack.vocabulary.status_words import (
    NOT_OBSERVED,
    STATUS,
)
from kettrack.vocabulary.units import factor, per_kg

NOT_A_NUMBER: Final = "this is no number"
A_DASH: Final = "a dash stands there for nothing"
UNKNOWN_UNIT: Final = "the unit beside the number is not known for this column"
_SECONDS: Final = 60
# A number with its marks, then whatever is written behind it.
_WITH_UNIT: Final = re.compile(r"([^\d]*?)([+-]?[\d.,][\d.,'’\s]*)(.*)")
_BLANKS: Final = re.compile(r"[\s'’]+")
_CLOCK: Final = re.compile(r"(\d+):([0-5]\d)(?::([0-5]\d)(?:\.\d+)?)?")
_HOURS_AND_MINUTES: Final = re.compile(
    r"(\d+)\s*[hH][^\W\d]*\.?\s*(\d{1,2})\s*(?:[mM]\w*\.?)?"
)
_DEVICES: Final = re.compile(r"([1-9])\s*[x×*]\s*(\d+(?:[.,]\d+)?)\s*(.*)")
# 2 - more than half the days; 2 = ...; 12 (moderate); more than half the days (2)
_LABELLED: Final = re.compile(
    r"(\d+)\s*(?:[-–:=]\s*[^\W\d]\D*|\(\D+\))|[^\W\d]\D*\((\d+)\)"
)
_DASHES: Final = re.compile(r"[-–—?*/\s]+")
_MINUS: Final = "\N{MINUS SIGN}"
_MOST_DIGITS: Final = 6
_DIGITS: Final = {"kg": 2}
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
    of_words = dict.fromkeys(_codes_for_missing(source, journal), "")
    of_words |= {word_key(word): number for word, number in (words or {}).items()}
    kind = source.values.type
    if pa.types.is_duration(kind):
        return _durations(source, column, journal)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _from_numbers(source, column, journal, unit, of_words)
    # A truth value or a date in a column of numbers is neither 1 nor a day of some count.
    if not _is_text(kind):
        filled = ~source.empty
        journal.cells(source, filled, "refused", NOT_A_NUMBER)
        return _nothing(len(filled))
    return _from_text(source, column, journal, unit, of_words)


def _codes_for_missing(
    source: SourceColumn,
    journal: Journal,
) -> list[str]:
    """Codes whose label says that there is no answer, as 88 = Refused."""
    if not source.labels:
        return []
    found = {}
    for code, label in source.labels.items():
        meaning = STATUS.meaning(label)
        if meaning is not None and meaning[0] == NOT_OBSERVED:
            found[code] = meaning[1]
    cells = as_words(source)
    for place, level in enumerate(cells.levels):
        said = found.get(word_key(level))
        if said:
            count = int((cells.codes == place).sum())
            reason = f"codes that stand for {said} are read as empty"
            journal.counted(source, count, "noted", reason)
    return list(found)


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _nothing(n_rows: int) -> Amounts:
    return Amounts(np.full(n_rows, np.nan), np.zeros(n_rows, dtype=bool))


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
    return np.array(filled.to_numpy(zero_copy_only=False), dtype=np.float64)


def _from_numbers(
    source: SourceColumn,
    column: Column,
    journal: Journal,
    unit: str,
    of_words: Mapping[str, str],
) -> Amounts:
    given = _floats(source.values)
    by_factor = factor(unit, column.unit) if unit else 1.0
    if by_factor is None:
        journal.cells(source, ~source.empty, "refused", UNKNOWN_UNIT)
        return _nothing(len(given))
    # Infinity has no meaning in any column.
    given[np.isinf(given)] = np.nan
    values = _rounded(given * by_factor, column)
    for word, number in of_words.items():
        if PLAIN_NUMBER.fullmatch(word):
            values[given == float(word)] = _number(number)
    return Amounts(values, np.full(len(values), per_kg(unit)))


def _rounded(
    values: Floats,
    column: Column,
) -> Floats:
    """Without the dust that products such as 0.3 x 3 leave, and no finer than a scale can tell."""
    return np.round(values, _DIGITS.get(column.unit, _MOST_DIGITS))


def _number(
    text: str,
) -> float:
    return float(text) if PLAIN_NUMBER.fullmatch(text) else np.nan


def _uses(
    parts: Sequence[_Part],
    written: Sequence[bool],
    cells: Cells,
) -> Counter[str]:
    """How many cells have each spelling of a number; a number of a workbook is none, since only
    what somebody has written has a decimal sign.
    """
    filled = cells.codes[cells.codes >= 0]
    of_levels = np.bincount(filled, minlength=len(parts))
    uses: Counter[str] = Counter()
    for part, by_hand, n_cells in zip(
        parts,
        written,
        of_levels.tolist(),
        strict=True,
    ):
        uses[part.number] += n_cells * by_hand
    return +uses


def _from_text(
    source: SourceColumn,
    column: Column,
    journal: Journal,
    unit: str,
    of_words: Mapping[str, str],
) -> Amounts:
    cells = cells_from_arrow(source.values)
    levels = [str(level).replace(_MINUS, "-") for level in cells.levels]
    parts = [_parted(level, column) for level in levels]
    written = [level not in source.numbers for level in levels]
    numbers = _uses(
        parts,
        written,
        cells,
    )
    sign = decimal_sign(
        numbers,
        source,
        column,
        journal,
    )
    # Code -1, an empty cell, takes the entry appended.
    values = np.full(len(levels) + 1, np.nan)
    by_weight = np.zeros(len(levels) + 1, dtype=bool)
    refused: dict[str, list[int]] = {}
    for place, (level, part) in enumerate(zip(levels, parts, strict=True)):
        # Said by the person who made the map: no judgement beside it.
        if (key := word_key(level)) in of_words:
            values[place] = _number(of_words[key])
            continue
        own = part.unit or unit
        value = _in_unit(
            part,
            own,
            sign if written[place] else ".",
            column,
        )
        if isinstance(value, str):
            reason = value if part.number else _why_none(level)
            refused.setdefault(reason, []).append(place)
        else:
            values[place] = value
            by_weight[place] = per_kg(own)
    for reason, places in refused.items():
        hit = np.isin(cells.codes, places)
        # A dash was put there instead of nothing.
        action: Action = "noted" if reason == A_DASH else "refused"
        journal.cells(source, hit, action, reason)
    return Amounts(
        _rounded(values[cells.codes], column),
        by_weight[cells.codes],
    )


def _why_none(level: str) -> str:
    """Why a cell without a number is none."""
    if _DASHES.fullmatch(level):
        return A_DASH
    meaning = STATUS.meaning(level)
    # The word is one of the vocabulary's own, whatever the cell's spelling.
    if meaning is not None and meaning[0] == NOT_OBSERVED:
        return f"no number stands there; it says {meaning[1]}"
    return NOT_A_NUMBER


def _in_unit(
    part: _Part,
    unit: str,
    sign: str,
    column: Column,
) -> float | str:
    """A number in the unit of its column, or why it is none."""
    value = number_of(part.number, sign)
    by_factor = factor(unit, column.unit) if unit else 1.0
    if value is None:
        return NOT_A_NUMBER
    if by_factor is None:
        return UNKNOWN_UNIT
    return value * by_factor * part.times


class _Part(NamedTuple):
    """A cell as its number, its unit, and how often it counts; no number where it has none."""

    number: str = ""
    unit: str = ""
    times: int = 1


def _parted(level: str, column: Column) -> _Part:
    if PLAIN_NUMBER.fullmatch(level):
        return _Part(level)
    special = _special(level, column)
    if special:
        return special
    found = _WITH_UNIT.fullmatch(level)
    if not found:
        return _Part()
    before = found[1].strip()
    after = found[3].strip()
    # A currency may stand before its number, any other word makes it no number.
    if before and (after or factor(before, column.unit) is None):
        return _Part()
    return _Part(_BLANKS.sub("", found[2]), before or after)


def _special(level: str, column: Column) -> _Part | None:
    """Forms that only one kind of column has."""
    if column.unit == "min":
        minutes = _clock(level)
        return None if minutes is None else _Part(f"{minutes:g}", "min")
    if column.unit == "mmHg":
        # 120/80 is written for both; the name of the column says which one is meant.
        found = _PRESSURES.fullmatch(level)
        wanted = 1 if column.name.startswith("systolic") else 2
        return _Part(found[wanted]) if found else None
    if column.unit == "mg":
        # Three devices of 28 mg.
        found = _DEVICES.fullmatch(level)
        return _Part(found[2], found[3].strip(), int(found[1])) if found else None
    if column.unit == "points":
        found = _LABELLED.fullmatch(level)
        return _Part(found[1] or found[2]) if found else None
    return None


def _clock(level: str) -> float | None:
    """Minutes of `0:40`, `1:05:30` or `1 h 10`."""
    clock = _CLOCK.fullmatch(level)
    if clock:
        return int(clock[1]) * 60 + int(clock[2]) + int(clock[3] or 0) / _SECONDS
    written = _HOURS_AND_MINUTES.fullmatch(level)
    return int(written[1]) * 60 + int(written[2]) if written else None
