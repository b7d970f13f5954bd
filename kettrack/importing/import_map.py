"""What `map.toml` says: which column of a source is what, and what its words mean; and what each of
its keys must hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kettrack.importing.source import SESSION_DETAILS
from kettrack.reading.settings_schema import KeyPath, one_of
from kettrack.vocabulary.columns import TABLES

Words = Mapping[str, str]
WordsOfEach = Mapping[str, Words]
DayOfEach = Mapping[str, float | None]
NumberOfEach = Mapping[str, int]
WordsWanted = Mapping[str, tuple[str, ...]]
_Text = Annotated[str, Meta(description='text in quotation marks, as in key = "text"')]
_Contract = Annotated[str, one_of((*TABLES, SESSION_DETAILS))]
_Words = Annotated[
    dict[str, Any],
    Meta(description='a table of lines such as "name" = "text"'),
]
_Tables = Annotated[
    dict[str, Any],
    Meta(description='tables of lines such as "name" = "text", each with a header'),
]
# Every key may be absent here, so that what fits is read on; what is needed is asked for after.
# A list of tables is read one by one, so that each mistake has its line.
_List = Annotated[list[Any], Meta(description="tables under [[double brackets]]")]
# How a map says that a column stands at the time of its row.
OF_THE_ROW: Final = "of the row"


def _none_said() -> Any:
    """A field that is an empty mapping where nothing is said."""
    return field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class WideBlock:
    """Columns that hold one occasion each, such as `phq9_week2`, `phq9_week4`.

    Parameters
    ----------
    columns : mapping
        Source column to the day of its occasion on the patient's clock.
    dates : mapping
        Source column to the source column that holds its date, where there is one.
    sessions : mapping
        Source column to the number of the session at which its occasion was, where nothing else
        says when: its day is the day of that session of the patient.
    into : str
        Contract column that the cells fill, as `score` or `item_3`; `date` where the columns hold
        nothing but dates, one session each.
    constants : mapping
        Contract column to the word that all of them share, as {"instrument": "PHQ-9"}.
    """

    columns: DayOfEach = _none_said()
    dates: Words = _none_said()
    sessions: NumberOfEach = _none_said()
    into: str = "score"
    constants: Words = _none_said()


@dataclass(frozen=True, slots=True, kw_only=True)
class TableMap:
    """How one table of the source becomes rows of one table of the contract.

    Parameters
    ----------
    source : str
        Name of the source table.
    to : str
        `sessions`, `scores`, `patients` or `events`.
    columns : mapping
        Contract column, or one of the names in `importing.source`, to source column. One source
        column may stand under several.
    constants : mapping
        Contract column to the word that all rows get, as {"instrument": "PHQ-9"}.
    values : mapping
        Contract column to {word in the source: word of the contract}; an empty word = nothing.
    units : mapping
        Contract column to the unit of its source, as {"dose_mg": "mg/kg"} or {"day": "weeks"}.
    where : mapping
        Source column to the words with which a row belongs to this table; no words = any. One
        column that fits is enough. Where nothing is said, every row belongs.
    wide : tuple of WideBlock
        Blocks of columns that become rows.
    lines : mapping
        Keys from here down to the line of the file where they stand; nothing in a proposal, which
        no file holds yet. Two parts that say the same on different lines are equal.
    """

    source: str
    to: str
    columns: Words = _none_said()
    constants: Words = _none_said()
    values: WordsOfEach = _none_said()
    units: Words = _none_said()
    where: WordsWanted = _none_said()
    wide: tuple[WideBlock, ...] = ()
    lines: Mapping[KeyPath, int] = field(
        default_factory=dict,
        compare=False,
        repr=False,
    )

    def line(self, *keys: str) -> int | None:
        """The line of a key, or of the nearest one around it."""
        around = (keys[:depth] for depth in range(len(keys), -1, -1))
        return next((self.lines[path] for path in around if path in self.lines), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportMap:
    """The whole map.

    Parameters
    ----------
    kind : str
        Name of the reader.
    tables : tuple of TableMap
        In the order of the file.
    answers : mapping
        Key of a question to its answer.
    unused : mapping
        Source table to {source column: why it is not used}.
    """

    kind: str
    tables: tuple[TableMap, ...] = ()
    answers: Words = _none_said()
    unused: WordsOfEach = _none_said()


class MapTable(msgspec.Struct, kw_only=True):
    """The whole file."""

    kind: _Text | UnsetType = UNSET
    tables: _List | UnsetType = UNSET
    answers: _Words | UnsetType = UNSET
    unused: _Tables | UnsetType = UNSET


class PartTable(msgspec.Struct, kw_only=True):
    """One `[[tables]]`."""

    source: _Text | UnsetType = UNSET
    to: _Contract | UnsetType = UNSET
    columns: _Words | UnsetType = UNSET
    constants: _Words | UnsetType = UNSET
    values: _Tables | UnsetType = UNSET
    units: _Words | UnsetType = UNSET
    where: _Words | UnsetType = UNSET
    wide: _List | UnsetType = UNSET


class WideTable(msgspec.Struct, kw_only=True):
    """One `[[tables.wide]]`."""

    columns: _Words | UnsetType = UNSET
    into: _Text | UnsetType = UNSET
    dates: _Words | UnsetType = UNSET
    sessions: _Words | UnsetType = UNSET
    constants: _Words | UnsetType = UNSET
