"""What each key of `map.toml` must hold."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from kettrack.importing.source import SESSION_DETAILS
from kettrack.reading.settings_schema import one_of
from kettrack.vocabulary.columns import TABLES

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
