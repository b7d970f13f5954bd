"""Names of columns, each once: what has no name gets letters, what has a name twice is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kettrack.importing.registry import Answers
from kettrack.importing.remarks import Action, OpenQuestion, Remark, Remarks
from kettrack.importing.workbooks.grid import column_shown, letters_of

_ALL: Final = "all"
_NONE: Final = "none"


@dataclass(frozen=True, slots=True)
class TablePlace:
    """Where a table stands, and who takes what is said of it.

    Parameters
    ----------
    file, table : str
        As they may be shown.
    answers : mapping
        To questions of an earlier run.
    remarks : Remarks
        Takes what is said.
    """

    file: str
    table: str
    answers: Answers
    remarks: Remarks

    def say(
        self,
        action: Action,
        reason: str,
        column: str = "",
        count: int = 1,
    ) -> None:
        """Remark on the table or one of its columns."""
        self.remarks.add(
            Remark(
                file=self.file,
                table=self.table,
                column=column,
                action=action,
                reason=reason,
                count=count,
            )
        )

    def drop(
        self,
        rows: Sequence[int],
        reason: str,
    ) -> None:
        """Say of whole rows that they do not reach the cohort."""
        self.remarks.drop_rows(
            self.file,
            self.table,
            sorted(rows),
            reason,
        )


def ask_header(place: TablePlace) -> None:
    """Ask for the row of the names."""
    table = place.table
    place.remarks.ask(
        OpenQuestion(
            key=f"header_row.{table}",
            asks=(
                f"In which row of {table} do the names of the columns stand? (a number; 0 where"
                " there are none)"
            ),
            why="No row reads like names of columns; they are called column A, column B, ...",
        )
    )


def unique_names(
    columns: Sequence[int],
    names: Mapping[int, str],
    place: TablePlace,
) -> dict[int, str]:
    """Column to a name that no other column has.

    Parameters
    ----------
    columns : sequence of int
        Numbers of the columns, from 1.
    names : mapping
        Column to its name as written; one without a name may be missing.
    place : TablePlace
        Of the table. `repeated.TABLE.NAME` is looked up in its answers.
    """
    unique: dict[int, str] = {}
    for column in columns:
        text = " ".join(names.get(column, "").split())
        # Line ends within a name come from wrapped cells.
        unique[column] = text or f"column {letters_of(column)}"
        # Where no column has a name, that is said once, as a question.
        if not text and names:
            why = "the column has no name and is called by its letters"
            place.say("noted", why, unique[column])
    places: dict[str, list[int]] = {}
    # Capitals make no second name: a person reads Score and score as one.
    for column, text in unique.items():
        places.setdefault(text.casefold(), []).append(column)
    for alike in places.values():
        if len(alike) > 1:
            _settle_repeated(unique, alike, place)
    return unique


def _settle_repeated(
    names: dict[int, str],
    columns: list[int],
    place: TablePlace,
) -> None:
    """Keep of several columns of one name what the user says; without an answer none."""
    text = column_shown(names[columns[0]], columns[0])
    key = f"repeated.{place.table}.{text}"
    letters = [letters_of(column) for column in columns]
    answer = place.answers.get(key, "").strip()
    if answer.casefold() == _ALL:
        # Date 1, PHQ-9 1, Date 2, PHQ-9 2: one pair of columns for each visit.
        for number, column in enumerate(columns, start=1):
            names[column] = f"{names[column]} {number}"
        return
    # The letters are those that a spreadsheet shows above the column.
    kept = answer.upper() if answer.upper() in letters else ""
    if not kept and answer.casefold() != _NONE:
        place.remarks.ask(
            OpenQuestion(
                key=key,
                asks=(
                    f"{len(columns)} columns of {place.table} are called {text}:"
                    f" {', '.join(letters)}. Which is meant?"
                ),
                choices=(*letters, _ALL, _NONE),
                why='Without an answer none of them is read; "all" numbers them from the left.',
            )
        )
    for column in columns:
        # Taking the first one in silence would choose for the clinic.
        if letters_of(column) != kept:
            why = "several columns have this name, and this one was not chosen"
            place.say("refused", why, text)
            del names[column]
