"""ShownColumns of a table as a page shows them: an interval beside its value, a count beside its
percentage, and a head in words with its unit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Final, Literal

from kettrack.report.table_heads import (
    DIFFERENCES,
    ENDS_OF,
    HEADS,
    OF_EACH_ROW,
    SHARES,
    UNITS,
)

CellTexts = tuple[str, ...]
HeadWords = Mapping[str, str]
DOTS: Final = "..."  # where rows are left out
HIDDEN: Final = "hidden"
_NOTHING: Final = "–"
_SPACE: Final = "\N{NO-BREAK SPACE}"
# An interval stays on one line, or goes to the next one whole.
_TO: Final = f"{_SPACE}to{_SPACE}"
INTERVAL: Final = f"95{_SPACE}% interval"
# 1,204 or -3.5, also with an interval behind it; or a cell without a number.
_NUMBER: Final = re.compile(
    r"(?:(?:[-−+<]?\d[\d,.]*|hidden|–)(?: ?%| \(.*\)|\sto\s.*)?|(?:from|to)\s-?\d.*|\.\.\.|)"
)
# Of the last decimal: how far a rounded percentage may be from its counts.
_ROUNDING: Final = 0.51
_PERCENT: Final = 100


@dataclass(frozen=True, slots=True)
class ShownColumn:
    """A column: what a program calls it, its cells as HTML, and what stands in them."""

    name: str
    cells: CellTexts
    kind: Literal["plain", "count", "value", "interval"] = "plain"
    percent: bool = False
    head: str = ""

    @property
    def is_words(self) -> bool:
        """Whether it holds something else than numbers."""
        return not all(map(_NUMBER.fullmatch, self.cells))

    @property
    def said(self) -> set[str]:
        """What stands in its cells."""
        return {*self.cells} - {DOTS}

    @property
    def is_empty(self) -> bool:
        """Whether no cell says anything."""
        return not self.said - {""}


ShownColumns = Sequence[ShownColumn]


def columns_as_read(
    columns: ShownColumns,
    own: HeadWords,
    unit: str,
    shares: str,
) -> list[ShownColumn]:
    """The columns as a page shows them.

    Parameters
    ----------
    columns : sequence of ShownColumn
        As a notebook shows them.
    own : mapping
        ShownColumn to its head, where the question has one of its own.
    unit : str
        Of the question.
    shares : str
        ShownColumns that are percentages, each with the columns of its counts.
    """
    filled = [one for one in columns if not one.is_empty]
    worded = _without_keys(filled)
    unit, kept = _one_unit(worded, unit)
    together = list(_together(kept, _Shares(shares, kept)))
    shown = _means_with_sd(together)
    head = partial(_head, own=own, unit=unit)
    return [replace(one, head=head(one)) for one in shown]


def _without_keys(columns: ShownColumns) -> ShownColumns:
    """Without the names by which programs know a row, where the row has words too."""
    others = [one for one in columns if one.name != "key"]
    worded = any(one.is_words for one in others)
    return others if worded else columns


def _one_unit(columns: ShownColumns, unit: str) -> tuple[str, ShownColumns]:
    """The unit of all rows; where each has its own, that column stays."""
    units = [one for one in columns if one.name == "unit"]
    if not units:
        return unit, columns
    (column,) = units
    others = [one for one in columns if one is not column]
    if len(column.said) > 1:
        return OF_EACH_ROW, columns
    (only,) = column.said
    return only, others


class _Shares:
    """Which columns of a table are percentages, and which of them the counts beside them make."""

    def __init__(self, told: str, columns: ShownColumns) -> None:
        self._cells = {one.name: one.cells for one in columns}
        self.counts: dict[str, str] = {}
        self.percent: set[str] = set()
        for share in told.split():
            names = share.replace("_", " ")
            value, events, of = names.split("/")
            self.percent.add(value)
            taken = events in self.counts.values()
            if not taken and self._made_of(value, events, of):
                self.counts[value] = events

    def _made_of(self, value: str, events: str, of: str) -> bool:
        """Whether the table shows counts that make the percentage in every row."""
        cells = self._cells
        if not {value, events} <= set(cells):
            return False
        # A whole that is the same for all rows need not stand in the table.
        nothing = ("",) * len(cells[value])
        whole = cells.get(of, nothing)
        made = map(_adds_up, cells[events], whole, cells[value])
        return all(made)


def _adds_up(events: str, of: str, share: str) -> bool:
    """Whether a percentage is that of its counts; true where any of them is missing. A curve that
    people leave whose log ends is not.
    """
    try:
        part = _number(events)
        whole = _number(of)
        told = _number(share)
    except ValueError:
        return True
    if not whole:
        return False
    decimals = len(share.partition(".")[2])
    within = _ROUNDING * 10**-decimals
    made = _PERCENT * part / whole
    return abs(made - told) <= within


def _number(cell: str) -> float:
    return float(cell.replace(",", ""))


def _together(columns: ShownColumns, shares: _Shares) -> Iterator[ShownColumn]:
    """ShownColumns with each interval beside its value, and each count with its percentage."""
    by_name = {one.name: one.cells for one in columns}
    intervals = dict(_intervals(by_name))
    ends = chain.from_iterable(map(_ends_of, intervals))
    taken = {*ends, *shares.counts.values()}
    for column in columns:
        name = column.name
        if name in taken:
            continue
        marked = replace(column, percent=name in shares.percent)
        interval = intervals.get(name)
        if name in shares.counts:
            events = by_name[shares.counts[name]]
            counts = map(_counted, events, column.cells)
            yield replace(marked, cells=tuple(counts), kind="count")
            if interval:
                yield ShownColumn(name, interval, "interval")
        elif interval:
            values = map(_with_ends, column.cells, interval)
            yield replace(marked, cells=tuple(values), kind="value")
        else:
            yield marked


def _intervals(cells: Mapping[str, CellTexts]) -> Iterator[tuple[str, CellTexts]]:
    """Each column that has an interval, with its cells."""
    for name in cells:
        low, high = _ends_of(name)
        if {low, high} <= set(cells):
            both = map(_from_to, cells[low], cells[high])
            yield name, tuple(both)


def _ends_of(name: str) -> tuple[str, str]:
    """The columns of an interval."""
    stem = ENDS_OF.get(name, name)
    return f"{stem} low", f"{stem} high"


def _from_to(low: str, high: str) -> str:
    if low == high and low in ("", DOTS, HIDDEN):
        return low
    if not high:
        return f"from{_SPACE}{low}"
    if not low:
        return f"to{_SPACE}{high}"
    return f"{low}{_TO}{high}"


def _with_ends(value: str, interval: str) -> str:
    if not interval or value in (DOTS, HIDDEN):
        return value
    return f"{value or _NOTHING} ({interval})"


def _counted(events: str, share: str) -> str:
    alike = events == share
    if alike or not share or events == DOTS:
        return events
    return f"{events or _NOTHING} ({share})"


def _means_with_sd(columns: ShownColumns) -> ShownColumns:
    """ShownColumns with each standard deviation beside its mean."""
    by_name = {one.name: one for one in columns}
    mean = by_name.get("mean")
    sd = by_name.get("sd")
    if mean is None or sd is None:
        return columns
    cells = map(_counted, mean.cells, sd.cells)
    together = ShownColumn("mean, sd", tuple(cells))
    others = [one for one in columns if one is not sd]
    return [together if one is mean else one for one in others]


def _head(column: ShownColumn, own: HeadWords, unit: str) -> str:
    """The head of a column in words, with its unit."""
    if column.kind == "interval":
        return INTERVAL
    plain = HEADS.get(column.name, column.name)
    words = own.get(column.name, plain)
    if column.name == "estimate":
        words = _value_head(column, own, unit)
    elif column.kind == "count":
        words = f"{words} (%)"
    elif column.percent and "%" not in words:
        less = column.name in DIFFERENCES
        words += ", percentage points" if less else ", %"
    return f"{words} ({INTERVAL})" if column.kind == "value" else words


def _value_head(column: ShownColumn, own: HeadWords, unit: str) -> str:
    """What stands over the values of the rows."""
    sign = "%" if column.percent else ""
    share = _percent_words(unit) or sign
    if column.kind == "count":
        counted = own.get("estimate", "n")
        return f"{counted} ({share})"
    plain = share or UNITS.get(unit, unit)
    return own.get("estimate", plain)


def _percent_words(unit: str) -> str:
    """A unit of percentages with its sign; empty for any other."""
    words = SHARES.get(unit, unit)
    first, space, rest = words.partition(" ")
    return f"%{space}{rest}" if first == "percent" else ""
