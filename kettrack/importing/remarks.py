"""What happened to the rows and cells of a source on the way, and what nobody but its owner can
answer. No value of the source stands here, only its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd
import pyarrow as pa

from kettrack.privacy.identifying_people import shown
from kettrack.reading.import_remarks import REMARK_COLUMNS

# dropped: it does not reach the cohort, as it is no observation, or nothing asks for it;
# refused: it cannot be used as it stands; mended: it was read in another form than written;
# noted: nothing was changed.
Action = Literal["dropped", "refused", "mended", "noted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One thing that happened.

    Parameters
    ----------
    file, table : str
        Where; `table` is the sheet or kind of record.
    row : int, optional
        Its number in the source; None where the remark is about a column or the whole table.
    column : str
        As the source calls it; empty where it is about a whole row or table.
    action : {"dropped", "refused", "mended", "noted"}
        What was done.
    reason : str
        Why, in a sentence that repeats no value.
    count : int
        Cells or rows that it is about.
    """

    file: str
    table: str
    row: int | None = None
    column: str = ""
    action: Action
    reason: str
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnPlace:
    """Where a column stands.

    Parameters
    ----------
    file, table, column : str
        As in `Remark`.
    rows : pyarrow.Array of int64
        For each cell the number of its row in the source.
    """

    file: str
    table: str
    column: str
    rows: pa.Array

    @property
    def named(self) -> str:
        """The column in words; a name that reads like a person's is not repeated."""
        where = "" if self.table == self.file else f" of {shown(self.table, file=True)}"
        return f"{shown(self.file, file=True)}, column {shown(self.column)}{where}"

    def key(self, what: str) -> str:
        """Under which a question about the column is answered, as `date_order.Visits.Date`."""
        return f"{what}.{shown(self.table, file=True)}.{shown(self.column)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenQuestion:
    """What the file does not tell.

    Parameters
    ----------
    key : str
        Under which `[answers]` in `map.toml` answers it, such as `date_order.Visits.Date`.
    asks : str
        The question in plain words, without a value of the file.
    choices : tuple of str
        What can be answered; empty where any text can.
    why : str
        What hangs on it.
    """

    key: str
    asks: str
    choices: tuple[str, ...] = ()
    why: str = ""


@dataclass(slots=True)
class Remarks:
    """Collects remarks and open questions, in the order in which they come up."""

    said: list[Remark] = field(default_factory=list)
    asked: list[OpenQuestion] = field(default_factory=list)

    def add(self, remark: Remark) -> None:
        """Add one remark."""
        self.said.append(remark)

    def drop_rows(
        self, file: str, table: str, rows: Iterable[int], reason: str
    ) -> None:
        """Say of whole rows that they do not reach the cohort: one remark each."""
        self.said += [
            Remark(file=file, table=table, row=row, action="dropped", reason=reason)
            for row in rows
        ]

    def cells(
        self, place: ColumnPlace, hit: pa.Array, action: Action, reason: str
    ) -> None:
        """Say of single cells of a column what was done with them: one remark each.

        Parameters
        ----------
        place : ColumnPlace
            The column.
        hit : pyarrow.Array of bool
            Which of its cells; null counts as no.
        action, reason
            As in `Remark`.
        """
        self.said += [
            Remark(
                file=place.file,
                table=place.table,
                row=row,
                column=place.column,
                action=action,
                reason=reason,
            )
            for row in place.rows.filter(hit).to_pylist()
        ]

    def column(
        self, place: ColumnPlace, action: Action, reason: str, count: int
    ) -> None:
        """Say what was done with a number of cells of a column; nothing where the number is 0."""
        if count:
            self.add(
                Remark(
                    file=place.file,
                    table=place.table,
                    column=place.column,
                    action=action,
                    reason=reason,
                    count=count,
                )
            )

    def ask(self, question: OpenQuestion) -> None:
        """Add one question, once."""
        if question.key not in {one.key for one in self.asked}:
            self.asked.append(question)

    def answer(self, question: OpenQuestion, answers: Mapping[str, str]) -> str:
        """Which of its choices was answered; empty, and the question asked, where none was."""
        answer = answers.get(question.key, "")
        if answer in question.choices:
            return answer
        self.ask(question)
        return ""

    def table(self) -> pd.DataFrame:
        """One row per remark: `file` `table` `row` `column` `action` `reason` `count`."""
        rows = [
            (
                one.file,
                one.table,
                one.row,
                one.column,
                one.action,
                one.reason,
                one.count,
            )
            for one in self.said
        ]
        frame = pd.DataFrame(rows, columns=list(REMARK_COLUMNS))
        kinds = dict.fromkeys(REMARK_COLUMNS, "str")
        return frame.astype(kinds | {"row": "Int64", "count": "int64"})
