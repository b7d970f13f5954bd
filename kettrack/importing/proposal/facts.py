"""What a column of a source holds, told from all of its cells: kind, range and distinct values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import Bools, Ints, Objects
from kettrack.importing.source import SourceTable
from kettrack.privacy.identifiers import Finding, find_in_column
from kettrack.privacy.identifying_shapes import is_calendar_date, matches

Kind = Literal["empty", "whole", "decimal", "text", "date", "duration", "yes_no"]
_NUMBER: Final = r"\s*[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)\s*%?\s*"
_WHOLE: Final = r"\s*[+-]?\d+(?:[.,]0*)?\s*"
# 84 mg, 0.5 mg/kg, 40min, 150 lbs.
_MEASURE: Final = rf"{_NUMBER}(?:[a-zA-Zµμ]{{1,7}}\.?(?:\s*/\s*[a-zA-Z]{{1,7}})?)?\s*"
# A month in words, a year alone or with its month: `dates` says what becomes of them.
_DATE_LIKE: Final = (
    r"\s*(?:\d{1,4}[-/. ]+\d{1,2}[-/. ]+\d{1,4}|\d{1,2}\.?[ -]?\p{L}{3,10}\.?[ -]+\d{2,4}"
    r"|\p{L}{3,10}\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4}|(?:19|20)\d{6})(?:[T ,]+\d{1,2}:\d\d.*)?\s*"
)
_PRESSURES: Final = r"\s*\d{2,3}\s*/\s*\d{2,3}\s*(?:mm ?[Hh][Gg])?\s*"
_CLOCK: Final = r"\s*\d{1,3}:\d\d(?::\d\d)?\s*"
_MOST_AGREE: Final = 0.8
_SOME_AGREE: Final = 0.6
_SOME_DATES: Final = 0.3
# Days since 1900, as spreadsheets count them, from 1954 to 2119.
_SERIALS: Final = (20_000, 80_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnFacts:
    """One column.

    Parameters
    ----------
    name, label : str
        As the source calls it.
    place : int
        Its number in the table, from 0.
    kind : str
        What most of its cells are.
    n : int
        Cells that hold anything.
    levels : object array of str
        The distinct values.
    counts : int array
        Cells of each.
    low, high : float or None
        Range of the numbers; None where they are none.
    measures : float
        Share of cells that are a number, with or without a unit.
    codes : mapping
        Code to its label in words.
    finding : Finding or None
        Why it may identify.
    """

    name: str
    label: str
    place: int
    kind: Kind
    n: int
    levels: Objects
    counts: Ints
    low: float | None
    high: float | None
    measures: float
    codes: Mapping[str, str]
    finding: Finding | None

    @property
    def is_number(self) -> bool:
        """Whether its cells are numbers."""
        return self.kind in ("whole", "decimal")

    @property
    def may_be_date(self) -> bool:
        """Whether it holds dates, or numbers by which a spreadsheet counts days."""
        return self.kind == "date" or (
            self.kind == "whole" and self.within(*_SERIALS) and self.n > 0
        )

    @property
    def as_words(self) -> list[str]:
        """The distinct values in words: the label where a code has one."""
        return [self.codes.get(level, level) for level in self.levels]

    def within(
        self,
        low: float,
        high: float,
    ) -> bool:
        """Whether all numbers are between two."""
        if self.low is None or self.high is None:
            return False
        return low <= self.low and self.high <= high


class _Levels(NamedTuple):
    """The distinct values of a column as text, and how often each stands there."""

    values: Objects
    counts: Ints


def facts_of(
    table: SourceTable,
) -> list[ColumnFacts]:
    """What each column of a table holds."""
    return [
        _facts(table, place, name) for place, name in enumerate(table.data.column_names)
    ]


def _facts(
    table: SourceTable,
    place: int,
    name: str,
) -> ColumnFacts:
    column = table.data.column(place)
    found = _levels(column)
    kind, numbers = _kind_and_numbers(column.type, found)
    finding = find_in_column(name, found.values, found.counts)
    return ColumnFacts(
        name=name,
        label=table.labels.get(name, ""),
        place=place,
        kind=kind,
        n=int(found.counts.sum()),
        levels=found.values,
        counts=found.counts,
        low=float(numbers.min()) if numbers.size else None,
        high=float(numbers.max()) if numbers.size else None,
        measures=_share(matches(found.values, _MEASURE), found.counts),
        codes=table.value_labels.get(name, {}),
        finding=finding,
    )


def _levels(
    column: pa.ChunkedArray,
) -> _Levels:
    # Arrow writes no length of time as text.
    if pa.types.is_duration(column.type):
        column = column.cast(pa.int64())
    text = column.drop_null().cast(pa.string())
    stripped = pc.utf8_trim_whitespace(text)
    counted = pc.value_counts(stripped.combine_chunks())
    values = counted.field(0).to_numpy(zero_copy_only=False)
    counts = counted.field(1).to_numpy(zero_copy_only=False)
    # A cell of blanks holds nothing.
    filled = values != ""
    return _Levels(values[filled].astype(object), counts[filled].astype(np.int64))


def _kind_and_numbers(
    arrow: pa.DataType,
    found: _Levels,
) -> tuple[Kind, np.ndarray]:
    """The kind of a column, and its distinct numbers where it holds numbers."""
    none = np.zeros(0)
    if not len(found.values):
        return "empty", none
    if pa.types.is_date(arrow) or pa.types.is_timestamp(arrow):
        return "date", none
    if pa.types.is_duration(arrow):
        return "duration", none
    if pa.types.is_boolean(arrow):
        return "yes_no", none
    return _kind_of_text(found)


def _kind_of_text(
    found: _Levels,
) -> tuple[Kind, np.ndarray]:
    number = matches(found.values, _NUMBER)
    dated = _dated(found.values)
    # Eight digits of a date are a number too.
    if _share(dated, found.counts) >= _MOST_AGREE:
        return "date", np.zeros(0)
    if _share(number, found.counts) < _MOST_AGREE:
        return "text", np.zeros(0)
    texts = [level.replace(",", ".").strip(" %") for level in found.values[number]]
    numbers = np.array(texts, dtype=np.float64)
    whole = matches(found.values[number], _WHOLE).all()
    return ("whole" if whole else "decimal"), numbers


def _dated(levels: Objects) -> Bools:
    return is_calendar_date(levels) | matches(levels, _DATE_LIKE)


def some_dates(facts: ColumnFacts) -> bool:
    """Whether so many cells are dates that a heading which says so is right."""
    if facts.may_be_date:
        return True
    return _share(_dated(facts.levels), facts.counts) >= _SOME_DATES


def _share(
    hit: Bools,
    counts: Ints,
) -> float:
    total = counts.sum()
    return float(counts[hit].sum() / total) if total else 0.0


def mostly_lengths_of_time(facts: ColumnFacts) -> bool:
    """Whether most cells are minutes: a number, or 0:40."""
    if facts.kind == "duration":
        return True
    clocks = _share(matches(facts.levels, _CLOCK), facts.counts)
    return clocks + facts.measures >= _SOME_AGREE


def mostly_pressures(facts: ColumnFacts) -> bool:
    """Whether most cells are two blood pressures, such as 120/80."""
    return _share(matches(facts.levels, _PRESSURES), facts.counts) >= _SOME_AGREE


def mostly_measures(
    facts: ColumnFacts,
) -> bool:
    """Whether most cells are a number, perhaps with its unit."""
    return facts.measures >= _SOME_AGREE
