"""Names of columns, each once: what has no name gets letters, what has a name twice is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kettrack.importing.registry import Answers
from kettrack.importing.remarks import Action, OpenQuestion, Remark, Remarks
from kettrack.importing.workbooks.grid import (
    CellKind,
    Corner,
    Grid,
    column_shown,
    letters_of,
)
from kettrack.importing.workbooks.looks import (
    MOST_ABOVE,
    Cell,
    Row,
    SheetLook,
    filled_columns,
    number_columns,
)

_ALL: Final = "all"
_NONE: Final = "none"
# Weeks and numbers of questions under the name of a group.
_LARGEST_NAME: Final = 104
Names = dict[int, str]


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
        # Line ends within a name come from wrapped cells. A tab stays: it parts cells of a row that
        # was taken for one name, and such a name is not shown.
        text = re.sub(r"[^\S\t]+", " ", names.get(column, "")).strip()
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


@dataclass(frozen=True, slots=True)
class NameRows:
    """The rows around the names of a table.

    Parameters
    ----------
    grid : Grid
        The sheet; its merged cells say how far a group goes.
    look : SheetLook
        Its cells.
    header : int
        Row of the names.
    """

    grid: Grid
    look: SheetLook
    header: int

    def names(self) -> Names:
        """Column to its name, as the row of names alone has it."""
        row = self.look.rows.get(self.header, {})
        return {column: cell.text for column, cell in row.items()}

    def with_above(
        self,
        above: Sequence[int],
        below: Sequence[int],
    ) -> Names | None:
        """Names with those of groups one row higher before them; None where there are none."""
        if not above or above[-1] != self.header - 1:
            return None
        upper = self.look.rows[above[-1]]
        names = self.names()
        small = [name.casefold() for name in names.values()]
        # Week 0, Week 2, Week 0, Week 2 need the name of their scale from above.
        repeated = len(set(small)) < len(small)
        wide = filled_columns(self.look.rows, below[:MOST_ABOVE]) | names.keys()
        # A title is merged over the whole width, or stands alone.
        grouped = any(
            last - first + 1 < len(wide)
            for top, first, _, last in self.grid.merges
            if top == self.header - 1 and last > first
        )
        # A name that is merged over both rows stands in the upper one.
        taller = bool(upper.keys() - names.keys()) and len(upper) > 1
        words = all(cell.is_text for cell in upper.values())
        if not words or not (repeated or grouped or taller):
            return None
        # One word over the whole width is a title.
        if len(upper) == 1 and not grouped:
            return None
        groups = self._spread(
            upper,
            self.header - 1,
            wide,
            set(names),
        )
        return _joined(groups, names)

    def with_below(
        self,
        left: Sequence[int],
    ) -> Names | None:
        """Names with those of single columns one row lower after them; None where there are none.

        Parameters
        ----------
        left : sequence of int
            Rows below the names.
        """
        if len(left) < 2 or left[0] != self.header + 1:
            return None
        lower = self.look.rows[left[0]]
        records = left[1 : MOST_ABOVE + 1]
        wide = filled_columns(self.look.rows, records)
        unnamed = wide - self.names().keys()
        covered = self.look.covered.get(self.header, set())
        under = unnamed | covered | {column - 1 for column in unnamed | covered}
        numbers = number_columns(self.look.rows, records)
        # A record has something in the leftmost column; names of single columns stand under
        # groups.
        if not (
            unnamed & lower.keys()
            and lower.keys() <= under
            and min(wide) not in lower
            and all(map(_may_name, lower.values()))
            and numbers & lower.keys()
        ):
            return None
        groups = self._spread(
            self.look.rows[self.header],
            self.header,
            wide,
            set(lower),
        )
        return _joined(groups, {column: cell.text for column, cell in lower.items()})

    def _spread(
        self,
        upper: Row,
        number: int,
        wide: set[int],
        under: set[int],
    ) -> Names:
        """The name of a group, for every column under it."""
        spread = {column: cell.text for column, cell in upper.items()}
        merged: dict[int, Corner] = {
            one[1]: one for one in self.grid.merges if one[0] == number
        }
        for column in sorted(upper):
            # A merge says how far a group goes.
            last = merged[column][3] if column in merged else max(wide)
            # Without one it goes on to the next name, as far as there are names below it.
            for place in range(column + 1, last + 1):
                if place in upper or (column not in merged and place not in under):
                    break
                if place in under:
                    spread[place] = spread[column]
        return spread


def _may_name(cell: Cell) -> bool:
    whole = cell.number % 1 == 0 and 0 <= cell.number <= _LARGEST_NAME
    return cell.kind is CellKind.TEXT or (cell.kind is CellKind.NUMBER and whole)


def _joined(
    upper: Mapping[int, str],
    lower: Mapping[int, str],
) -> Names:
    joined = {}
    for column in upper.keys() | lower.keys():
        parts = [
            upper.get(column, ""),
            lower.get(column, ""),
        ]
        joined[column] = " ".join(filter(None, parts))
    return joined
