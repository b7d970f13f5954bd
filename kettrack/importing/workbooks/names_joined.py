"""Two rows of names to one: `PHQ-9` over `Week 0` and `Week 2` names two columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kettrack.importing.workbooks.grid import CellKind, Corner, Grid
from kettrack.importing.workbooks.looks import (
    MOST_ABOVE,
    Cell,
    Row,
    SheetLook,
    filled_columns,
    number_columns,
)

# Weeks and numbers of questions under the name of a group.
_LARGEST_NAME: Final = 104
Names = dict[int, str]


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
