"""What is said of rows and cells while a map is applied; whole rows are settled at the end, when it
is known which of them reached a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from kettrack.arrays import Bools, Ints
from kettrack.importing.dates import read_dates
from kettrack.importing.remarks import (
    Action,
    ColumnPlace,
    OpenQuestion,
    Remark,
    Remarks,
)
from kettrack.importing.word_keys import word_key
from kettrack.privacy.identifying_people import shown
from kettrack.reading.raw import cells_from_arrow

_Where = tuple[str, str]
_TOLD_BESIDE = "the order of day and month is told by the dates beside them"
_MOST_ROWS = 3  # told in a question


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """One column of a source, or some of its cells.

    Parameters
    ----------
    values : pyarrow.Array
        As the source has them.
    place : ColumnPlace
        Where they stand.
    labels : mapping
        Code, as `word_key` has it, to its label.
    numbers : frozenset of str
        Texts that were numbers in the source.
    """

    values: pa.Array
    place: ColumnPlace
    labels: Mapping[str, str] = field(default_factory=dict)
    numbers: frozenset[str] = frozenset()

    @property
    def empty(self) -> Bools:
        """Which cells hold nothing."""
        null = self.values.is_null()
        return np.asarray(null.to_numpy(zero_copy_only=False), dtype=bool)

    @property
    def blank(self) -> Bools:
        """Which cells hold nothing, or blanks and words for nothing."""
        kind = self.values.type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
            return self.empty
        return np.asarray(cells_from_arrow(self.values).codes < 0)

    def label(self, word: str) -> str:
        """What the source calls a code in words; empty where it says nothing of it."""
        return self.labels.get(word_key(word), "")

    def rows_in_words(self, hit: Bools) -> str:
        """Where some of the cells stand: `row 3`, or `rows 3, 7, 9 and 5 more`."""
        rows = [str(row) for row in self.place.rows.filter(pa.array(hit)).to_pylist()]
        told = rows[:_MOST_ROWS]
        if len(rows) > _MOST_ROWS:
            told.append(f"and {len(rows) - _MOST_ROWS} more")
            return f"rows {', '.join(told[:-1])} {told[-1]}"
        return f"row{'' if len(rows) == 1 else 's'} {', '.join(told)}"

    def take(self, rows: Ints) -> SourceColumn:
        """Some of the cells."""
        place = replace(self.place, rows=self.place.rows.take(pa.array(rows)))
        return replace(
            self,
            values=self.values.take(pa.array(rows)),
            place=place,
        )


@dataclass(slots=True)
class Journal:
    """Remarks, questions and answers of one run.

    Parameters
    ----------
    remarks : Remarks
        Takes what is said.
    answers : mapping
        To questions of an earlier run.
    joined : dict
        (file, table) to rows, and to the rows that were joined to them: what becomes of the first
        becomes of the others.
    """

    remarks: Remarks
    answers: Mapping[str, str]
    joined: dict[_Where, tuple[Ints, Ints]] = field(default_factory=dict)
    _rows: list[Remark] = field(default_factory=list)
    _quiet: list[Remark] = field(default_factory=list)
    _dates: dict[tuple[str, str, str], pa.Array] = field(default_factory=dict)

    def cells(
        self,
        column: SourceColumn,
        hit: Bools,
        action: Action,
        reason: str,
    ) -> None:
        """Say of single cells what was done with them: one remark each."""
        if hit.any():
            place = replace(column.place, column=shown(column.place.column))
            self.remarks.cells(place, pa.array(hit), action, reason)

    def counted(
        self,
        column: SourceColumn,
        count: int,
        action: Action,
        reason: str,
    ) -> None:
        """Say of a column in one remark what was done with some of its cells."""
        place = column.place
        if count:
            self.remarks.add(
                Remark(
                    file=place.file,
                    table=place.table,
                    column=shown(place.column),
                    action=action,
                    reason=reason,
                    count=int(count),
                )
            )

    def rows(
        self,
        place: ColumnPlace,
        hit: Bools,
        action: Action,
        reason: str,
        *,
        quiet: bool = False,
    ) -> None:
        """Say of whole rows what was done with them. The column of the place is the one that
        decides: where the row reaches another table, the remark is about that cell alone, and
        nothing is said where it is `quiet`.
        """
        column = shown(place.column)
        said = self._quiet if quiet else self._rows
        said += [
            Remark(
                file=place.file,
                table=place.table,
                row=row,
                column=column,
                action=action,
                reason=reason,
            )
            for row in place.rows.filter(pa.array(hit)).to_pylist()
        ]

    def settle(self, arrived: Mapping[_Where, Ints]) -> None:
        """Pass the remarks on whole rows on.

        Parameters
        ----------
        arrived : mapping
            (file, table) to the rows that are in a table.
        """
        there = {where: set(rows.tolist()) for where, rows in arrived.items()}
        settled = [
            one
            if one.row in there.get((one.file, one.table), ())
            # Without a column it is about the whole row.
            else replace(one, column="")
            for one in self._rows
        ]
        lost = [
            one
            for one in self._quiet
            if one.row not in there.get((one.file, one.table), ())
        ]
        said = self.remarks.said
        # Two parts of a map may say the same of one row or cell.
        said[:] = dict.fromkeys([*said, *settled, *lost])
        self._rows.clear()
        self._quiet.clear()

    def ask(
        self,
        key: str,
        asks: str,
        choices: tuple[str, ...],
        why: str,
    ) -> str:
        """The answer to a question; empty, and the question asked, where there is none.

        Parameters
        ----------
        key, asks, choices, why
            As in `OpenQuestion`.
        """
        question = OpenQuestion(key=key, asks=asks, choices=choices, why=why)
        return self.remarks.answer(question, self.answers)

    def dates(
        self,
        column: SourceColumn,
        order: str = "",
    ) -> pa.Array:
        """The whole column as dates; read once, so that nothing is said or asked twice.

        Parameters
        ----------
        column : SourceColumn
            All of it: a part would take the place of the whole when it is asked for again.
        order : str
            Of day and month, where other columns tell it.
        """
        place = column.place
        key = (place.file, place.table, place.column)
        if key not in self._dates:
            answers = dict(self.answers)
            if order:
                answers.setdefault(place.key("date_order"), order)
                n_cells = len(column.empty) - int(column.empty.sum())
                self.counted(
                    column,
                    n_cells,
                    "noted",
                    f"{_TOLD_BESIDE}: {order}",
                )
            self._dates[key] = read_dates(
                column.values,
                replace(place, column=shown(place.column)),
                answers,
                self.remarks,
            )
        return self._dates[key]
