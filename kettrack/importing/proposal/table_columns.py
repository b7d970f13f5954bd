"""One table of a source with all that was told about its columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.importing.proposal.columns import columns_of
from kettrack.importing.proposal.facts import ColumnFacts, facts_of
from kettrack.importing.proposal.headings import table_hints
from kettrack.importing.proposal.score_columns import (
    ScoreColumn,
    columns_of_scores,
    scale_named,
)
from kettrack.importing.source import SourceTable
from kettrack.vocabulary.columns import PATIENTS, SESSIONS

# Said of a session and of nothing else.
_OF_SESSIONS: Final = frozenset(
    {
        "session_date",
        "drug",
        "route",
        "dose",
        "dose_unit",
        "duration_min",
        "adverse_events",
        "blood_pressure",
        "stopped_early",
        *(
            name
            for name in SESSIONS.names
            if name.startswith(("systolic", "diastolic", "heart", "spo2"))
        ),
    }
)
_FEW_KINDS: Final = (
    3  # different words of a column that sorts rows, and tells nobody apart
)
_OF_PATIENTS: Final = frozenset({"birth_date", *PATIENTS.names}) - {"patient_id"}
# A yes or no of a session as well; alone it makes no table of patients.
_OF_EITHER: Final = frozenset({"psychotherapy"})
_NEVER_A_CODE: Final = ("free text", "an address", "a telephone number")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumns:
    """A table and its columns.

    Parameters
    ----------
    table : SourceTable
        As read.
    facts : tuple of ColumnFacts
        What each column holds.
    scores : tuple of ScoreColumn
        Columns of scores, and of the days of scores.
    fits : mapping
        Meaning to the other columns that it may be, the best first.
    hints : tuple of str
        Tables of the contract that the name speaks of.
    scale : str or None
        The scale that the name speaks of.
    named : str
        The column that tells patients apart, where somebody has said it.
    weighed_elsewhere : bool
        Whether another table tells the weights of patients.
    """

    table: SourceTable
    facts: tuple[ColumnFacts, ...]
    scores: tuple[ScoreColumn, ...]
    fits: Mapping[str, list[ColumnFacts]]
    hints: tuple[str, ...]
    scale: str | None
    named: str = ""
    weighed_elsewhere: bool = False

    def best(
        self,
        meaning: str,
    ) -> str:
        """The column that a meaning has most likely; empty where there is none."""
        found = self.fits.get(meaning, [])
        return found[0].name if found else ""

    @property
    def codes(self) -> list[ColumnFacts]:
        """Columns that may hold codes of patients, by their headings."""
        # A name is taken only where somebody says so: two people may share one.
        return [
            one
            for one in self.fits.get("patient_id", [])
            if _is_code(one) and not _is_name(one)
        ]

    @property
    def patient(self) -> str:
        """The column that tells patients apart; empty where there is none."""
        return self.named

    @property
    def may_be_patients(self) -> list[str]:
        """Columns of names; and those in which every row has something of its own, as a code of a
        patient has where each patient has one row. Where there is none, whatever nothing else is
        known of, and comes in many kinds.
        """
        n_rows = self.table.data.num_rows
        scores = {one.facts.name for one in self.scores}
        words = [
            one
            for one in self.facts
            if one.kind in ("text", "whole") and one.name not in scores
        ]
        sure = [
            one.name
            for one in words
            if _is_name(one) or (one.n == len(one.levels) == n_rows and _is_code(one))
        ]
        known = {one.name for fits in self.fits.values() for one in fits}
        return sure or [
            one.name
            for one in words
            if one.name not in known
            and one.n == n_rows
            and len(one.levels) > _FEW_KINDS
            and _is_code(one)
        ]

    @property
    def speaks_of_sessions(self) -> bool:
        """Whether a column tells something of sessions."""
        told = _OF_SESSIONS & self.fits.keys()
        # A date alone, in a column that is named after a session, is enough.
        return bool(told - {"dose_unit"})

    @property
    def of_patients(self) -> list[str]:
        """Columns of the contract that describe a person."""
        found = [name for name in self.fits if name in _OF_PATIENTS]
        return found if set(found) - _OF_EITHER else []

    @property
    def several_rows(self) -> bool:
        """Whether a patient has more than one row."""
        if not self.patient:
            return False
        patients = self.table.data[self.patient]
        n_patients = pc.count_distinct(patients).as_py()
        return bool(n_patients < len(patients) - patients.null_count)

    def one_per_patient(
        self,
        column: str,
    ) -> bool:
        """Whether all rows of a patient agree in a column."""
        if not self.patient:
            return False
        data = self.table.data
        pairs = pa.table(
            {
                "patient": data[self.patient].cast(pa.string()),
                "cell": data[column].cast(pa.string()),
            }
        )
        counted = pairs.group_by("patient").aggregate(
            [("cell", "count_distinct", pc.CountOptions(mode="all"))]
        )
        numbers = counted["cell_count_distinct"].to_numpy()
        return bool(np.all(numbers <= 1))


def _is_name(facts: ColumnFacts) -> bool:
    return facts.finding is not None and "a name" in facts.finding.why


def _is_code(
    facts: ColumnFacts,
) -> bool:
    # A record number may be what tells patients apart; a telephone number may not.
    finding = facts.finding
    return finding is None or not any(word in finding.why for word in _NEVER_A_CODE)


def read_columns(
    table: SourceTable,
) -> TableColumns:
    """Tell what the columns of a table could be.

    Parameters
    ----------
    table : SourceTable
        As its reader returned it.
    """
    facts = facts_of(table)
    scale = scale_named(table.name)
    if scale is None:
        # A workbook of one sheet is often called after its scale.
        scale = scale_named(table.file)
    scores = columns_of_scores(facts, scale)
    # A column of scores is nothing else: "PHQ-9 date" is no date of sessions.
    taken = {one.facts.name for one in scores}
    others = [one for one in facts if one.name not in taken]
    return TableColumns(
        table=table,
        facts=tuple(facts),
        scores=tuple(scores),
        fits=columns_of(table, others),
        hints=tuple(table_hints(table.name)),
        scale=scale,
    )
