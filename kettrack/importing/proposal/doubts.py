"""Which columns of a map were told by what they hold alone: these are to be looked at first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kettrack.importing.import_map import ImportMap
from kettrack.importing.proposal.columns import DATES, said_of
from kettrack.importing.proposal.score_columns import parse_heading
from kettrack.importing.source import SourceData, SourceTable
from kettrack.privacy.identifying_names import words_of

A_GUESS: Final = "a guess from what the column holds"
# What a heading may say for a column of the contract that is called otherwise.
_SAID: Final[Mapping[str, tuple[str, ...]]] = {
    "date": DATES,
    "day": ("day", "week", "month", "occasion"),
    "dose_mg": ("dose", "drug"),
    "route": ("route", "drug"),
}
# Told by words of their own, and not by those of headings.
_OTHERWISE: Final = (
    "status",
    "event",
    "score",
    "item",
    "adverse_events_",
    "start_time",
    "end_time",
)


def doubts(
    source: SourceData,
    plan: ImportMap,
) -> dict[tuple[str, str], str]:
    """(source table, contract column) to a remark, where no heading says what a column is.

    Parameters
    ----------
    source : SourceData
        With names that may be shown.
    plan : ImportMap
        As proposed.
    """
    tables = {table.name: table for table in source.tables if not table.is_a}
    return {
        (part.source, name): A_GUESS
        for part in plan.tables
        if part.source in tables
        for name, column in part.columns.items()
        if not _is_said(tables[part.source], name, column)
    }


def _is_said(
    table: SourceTable,
    name: str,
    column: str,
) -> bool:
    if name.startswith(_OTHERWISE):
        return True
    label = table.labels.get(column, "")
    said = said_of(column, label).meanings
    pressure = any(word.startswith("blood_pressure") for word in said)
    if pressure and name.startswith(("systolic", "diastolic")):
        return True
    # The date of a questionnaire is named after its scale.
    scored = parse_heading(column) or parse_heading(label)
    wanted = _SAID.get(name, (name,))
    return bool(scored or set(wanted) & said.keys() or "date" in words_of(column))
