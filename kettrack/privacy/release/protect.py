"""Which further numbers of a release must go, so that the tables together do not tell what each of
them hides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Bools
from kettrack.privacy.policies import Policy
from kettrack.privacy.release.cells import Printed, Release, ReleaseCell
from kettrack.privacy.release.columns import hide_derived
from kettrack.privacy.release.fewest import fewest
from kettrack.privacy.release.puzzle import Puzzle
from kettrack.privacy.release.relations import Relations
from kettrack.privacy.release.step_blocks import (
    blocks_of,
    counted_columns,
    figures_again,
)
from kettrack.result import SUPPRESSED, Role

# What it costs to hide a number: a denominator is what the others are read by.
_COST: Final[Mapping[Role, int]] = {"denominator": 20, "running": 4, "count": 1}
_SHARE_COST: Final = 2
_BESIDE_COST: Final = 10  # who stopped is the bad figure beside the good one of a curve
_CURVE_COST: Final = 40  # a step of a curve, with all after it
# Each round hides at least one number, so it always ends; more rounds than this are no progress.
_MOST_ROUNDS: Final = 400
# Under a rounding, as under the strictest of the policies that hide: counts of 1 to 10.
_SMALL_BY_ROUNDING: Final = 11
# In the name of a count that a share tells; no column has it.
_OF: Final = " of "


def hidden_cells(
    truth: Release,
    release: Release,
    relations: Relations,
    policy: Policy,
    before: Iterable[Mapping[ReleaseCell, int]] = (),
) -> set[ReleaseCell]:
    """Further numbers to hide, so that no small one can be told.

    Parameters
    ----------
    truth : mapping
        Question to the table before anything was hidden.
    release : mapping
        The same after each table has passed the gate by itself.
    relations : Relations
        What always holds between them.
    policy : Policy
        In force.
    before : iterable of mapping
        Numbers that each earlier release of the same clinic shows: what has changed by few people
        must not be told either.
    """
    meaning = policy.meant if policy.rounding else None
    puzzle = Puzzle(
        release,
        relations,
        truth,
        meaning,
    )
    puzzles = [puzzle]
    # Rounded numbers change by whole bands, which tells of no single person.
    if policy.rounding is None:
        puzzles += [puzzle.since(each, sign) for each in before for sign in (1, -1)]
    hidden: set[ReleaseCell] = set()
    for each in puzzles:
        # What is safe stays safe when more is hidden, so one after the other is enough.
        _hide_what_tells(_Search(each, release, hidden), policy.smallest_count)
    return hidden


def told_by_rounding(
    truth: Release,
    release: Release,
    relations: Relations,
    policy: Policy,
) -> set[ReleaseCell]:
    """Rounded numbers to hide, since others tell which number of people they stand for.

    A rounded number stands for several. But where a sum can only be reached when each of its parts
    is as small as it may be and the whole as large, or the other way round, every part is told.

    Parameters
    ----------
    truth : mapping
        Question to the table before anything was rounded.
    release : mapping
        The same after each table has passed the gate by itself.
    relations : Relations
        What always holds between them.
    policy : Policy
        In force; it rounds.
    """
    puzzle = Puzzle(
        release,
        relations,
        truth,
        policy.meant,
    )
    hidden: set[ReleaseCell] = set()
    told = puzzle.small(_SMALL_BY_ROUNDING)
    for _ in range(_MOST_ROUNDS):
        # What could not be told before cannot be told from less.
        told = puzzle.truly_told(hidden, told)
        if not told:
            break
        own = {each for cell in told for each in _printed_as(puzzle, cell)}
        # What stands nowhere, or is hidden already, is told by others.
        hidden |= own - hidden or _cheapest_that_tells(
            _Search(puzzle, release, hidden), told[0]
        )
    return hidden


def _cheapest_that_tells(search: _Search, cell: ReleaseCell) -> set[ReleaseCell]:
    """A number without which others no longer tell a cell, wherever it stands."""
    puzzle = search.puzzle
    shown = [each for each in puzzle.read if each not in search.hidden]

    def tell(some: Sequence[ReleaseCell]) -> bool:
        gone = {*puzzle.read} - {*some}
        return bool(puzzle.truly_told(gone, [cell]))

    places = {puzzle.place[puzzle.first(each)] for each in fewest(shown, tell)}
    # An empty group is hidden last: it says of nobody how many they are.
    cheapest = min(
        places,
        key=lambda one: (
            one not in search.readable,
            search.cost(one),
            one,
        ),
    )
    return set(search.members[cheapest])


def _printed_as(puzzle: Puzzle, cell: ReleaseCell) -> list[ReleaseCell]:
    """The numbers in which a cell can be read; where it follows from others, those of its row."""
    same = [c for c in puzzle.read if puzzle.first(c) == puzzle.first(cell)]
    if same:
        return same
    place = (cell.question, cell.row)
    return [c for c in puzzle.read if (c.question, c.row) == place]


def _hide_what_tells(search: _Search, smallest: int) -> None:
    puzzle = search.puzzle
    told = puzzle.small(smallest)
    # Whoever believes what misleads finds that nothing fits, and is told nothing.
    misleading = puzzle.misleading()
    for _ in range(_MOST_ROUNDS):
        system = puzzle.system({*search.hidden, *misleading}, whole=False)
        # What could not be told before cannot be told from less.
        told = puzzle.told(
            system,
            told,
            smallest,
        )
        if not told:
            break
        before = len(search.hidden)
        for cell in told:
            search.hide_for(
                cell,
                smallest,
                misleading,
            )
        # Nobody can say which number would end it.
        if len(search.hidden) == before:
            for cell in told:
                search.hide_table(cell.question)


class _Search:
    """Numbers hidden so far, and which to hide next."""

    def __init__(
        self, puzzle: Puzzle, release: Release, hidden: set[ReleaseCell]
    ) -> None:
        self.puzzle = puzzle
        self.release = release
        self.hidden = hidden
        # Looked up once: it is asked for each number that might go.
        self.causes = {
            question: counted_columns(printed.curve)[1:-1]
            for question, printed in release.items()
            if printed.curve is not None and printed.merged
        }
        self.members: dict[int, list[ReleaseCell]] = defaultdict(list)
        for cell in puzzle.read:
            self.members[puzzle.place[puzzle.first(cell)]].append(cell)
        self.readable = {place for place in self.members if self._can_be_read(place)}

    def hide_for(
        self,
        cell: ReleaseCell,
        smallest: int,
        misleading: Sequence[ReleaseCell],
    ) -> None:
        """Hide one more number, so that less can be told of a cell; all of its table where no
        single number is left that tells of it.
        """
        place = self.puzzle.place[self.puzzle.first(cell)]
        # A small number that can be read tells itself, whatever else tells it.
        if place in self.readable:
            self._hide(place)
            return
        gone = {*self.hidden, *misleading}
        held = self.puzzle.holding_down(
            cell,
            smallest,
            gone,
        )
        # What went for another cell of this round may have been enough.
        if held is None:
            return
        choices = self.readable.intersection(held)
        if choices:
            self._hide(
                min(
                    choices,
                    key=lambda one: (self.cost(one), one),
                )
            )
            return
        self.hide_table(cell.question)

    def hide_table(self, question: str) -> None:
        """Hide every number of a table."""
        self._gone({c for c in self.puzzle.read if c.question == question})

    def cost(self, place: int) -> int:
        """What it costs to hide a number wherever it still stands."""
        return sum(
            self._cost_of(cell)
            for cell in self.members[place]
            if cell not in self.hidden
        )

    def _can_be_read(self, place: int) -> bool:
        """Whether a number other than 0 still stands somewhere."""
        members = self.members[place]
        return any(c not in self.hidden and self.puzzle.read[c] != 0 for c in members)

    def _gone(self, cells: Iterable[ReleaseCell]) -> None:
        """Hide cells, and know which numbers can be read no more."""
        mine = {*cells}
        self.hidden |= mine
        for place in {self.puzzle.place[self.puzzle.first(c)] for c in mine}:
            if not self._can_be_read(place):
                self.readable.discard(place)

    def _cost_of(self, cell: ReleaseCell) -> int:
        # A curve hangs on what happened first and on all others together.
        causes = self.causes.get(cell.question)
        column = cell.column.removeprefix("sum of ")
        if causes is not None and column not in causes:
            return _CURVE_COST
        if causes and column == causes[0]:
            return _BESIDE_COST
        return _COST.get(
            self.release[cell.question].roles.get(cell.column, "label"), _SHARE_COST
        )

    def _hide(self, place: int) -> None:
        """Hide a number wherever it can be read, and what its rows tell by shares."""
        gone = set(self.members[place])
        rows = {(cell.question, cell.row) for cell in gone}
        shares = {
            cell
            for cell in self.puzzle.read
            if _OF in cell.column and (cell.question, cell.row) in rows
        }
        self._gone(gone | {each for each in shares if self._tells_of(each, gone)})

    def _tells_of(self, share: ReleaseCell, gone: set[ReleaseCell]) -> bool:
        """Whether a count that a share tells is made of one of some numbers of its row."""
        name, _, whole = share.column.partition(_OF)
        behind = self.release[share.question].behind.get(name)
        mine = {c.column for c in gone if c[:2] == share[:2]}
        # What nobody declares may be made of any count of its row.
        return behind is None or bool(mine & {*behind, whole, share.column})


def without(
    printed: Printed,
    hidden: Iterable[ReleaseCell],
    question: str,
) -> Printed:
    """A table without some of its numbers, and without what is derived in their rows.

    Parameters
    ----------
    printed : Printed
        After the gate.
    hidden : iterable of ReleaseCell
        Those of other questions are passed over.
    question : str
        Whose table it is.
    """
    own = [cell for cell in hidden if cell.question == question]
    figures = [cell for cell in own if printed.roles.get(cell.column) == "derived"]
    if figures:
        printed = printed._replace(table=_without_figures(printed, figures))
    mine = [cell for cell in own if cell not in figures]
    if not mine:
        return printed
    if printed.merged:
        return printed._replace(table=_shorter(printed, mine))
    table = printed.table.copy()
    roles = printed.roles
    rows = np.array(printed.rows, dtype=object)
    touched = np.isin(rows, [cell.row for cell in mine])
    counts = table[printed.counts].notna()
    for column in printed.counts:
        gone = np.isin(
            rows,
            [cell.row for cell in mine if cell.column == column],
        )
        # What is left of a number tells the exits between two rows.
        if roles[column] == "running":
            gone = gone | (np.arange(len(rows)) > np.argmax(touched))
            touched = touched | gone
        table[column] = table[column].astype("Int64").mask(gone)
    lost = counts & table[printed.counts].isna()
    _hide_figures(table, printed, mine, lost)
    return printed._replace(table=_marked(table, touched))


def _without_figures(printed: Printed, figures: Iterable[ReleaseCell]) -> pd.DataFrame:
    """A table without some of its means; the counts of their rows stay."""
    table = printed.table.copy()
    rows = np.array(printed.rows, dtype=object)
    touched = np.zeros(len(rows), bool)
    for cell in figures:
        here = rows == cell.row
        table[cell.column] = table[cell.column].mask(here)
        touched |= here
    return _marked(table, touched)


def _marked(table: pd.DataFrame, touched: Bools) -> pd.DataFrame:
    """A table whose rows say that something of them is hidden."""
    before = (
        table[SUPPRESSED]
        if SUPPRESSED in table
        else pd.Series(
            False,
            table.index,
        )
    )
    return table.assign(**{SUPPRESSED: before.to_numpy(bool) | touched})


def _hide_figures(
    table: pd.DataFrame,
    printed: Printed,
    hidden: list[ReleaseCell],
    lost: pd.DataFrame,
) -> None:
    """Hide what is made of hidden counts, and shares that would tell one."""
    roles = printed.roles
    behind = printed.behind
    derived = [c for c, role in roles.items() if role == "derived" and c in table]
    hide_derived(
        table,
        derived,
        lost,
        behind,
    )
    rows = np.array(printed.rows, dtype=object)
    # A count that a share tells has no column of its own: the share goes, with its interval.
    for cell in hidden:
        if cell.column in table:
            continue
        needs = behind.get(cell.column.partition(_OF)[0])
        same = [c for c in derived if needs is None or behind.get(c) == needs]
        table.loc[rows == cell.row, same] = np.nan


def _shorter(
    printed: Printed,
    hidden: Iterable[ReleaseCell],
) -> pd.DataFrame:
    """A curve of which steps are taken together, without some of its sums so far.

    A sum that goes takes those after it along, since what is left would be counted from elsewhere.
    Where it is not one of the other causes, there is no curve from there on.
    """
    curve = printed.curve
    assert curve is not None, "only a curve is taken together"
    table = printed.table.copy()
    blocks = blocks_of(curve, table)
    first, *causes, ends = counted_columns(curve)
    rows = printed.rows
    for cell in hidden:
        at = rows.index(cell.row.removeprefix("to "))
        column = cell.column.removeprefix("sum of ")
        gone = [column]
        # What does not run along the curve, such as people too new to be on it, goes whole.
        if column == curve.n:
            # Nothing of a curve stands without the people that it is of.
            at = 0
            gone = [curve.n, first, *causes, ends, curve.at_risk]
        elif column in table and column not in (first, *causes, ends, curve.at_risk):
            at = 0
        elif column not in causes:
            gone = [first, *causes, ends, curve.at_risk]
        later = np.arange(len(rows)) >= at
        for each in gone:
            table[each] = table[each].astype("Int64").mask(later)
    if blocks is not None:
        blocks = blocks.shown_in(table[first])
    figures_again(curve, table, blocks)
    return table
