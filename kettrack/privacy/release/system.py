"""Numbers that are known, numbers that are hidden, and the sums that bind them: which values can a
hidden one take?
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Bools, Floats, Ints
from kettrack.privacy.release.programs import Aim, IntegerProgram, NothingFits

# Bounds settle in a few rounds; a long chain of rows needs one for each row.
_MOST_ROUNDS: Final = 200
_SOLVED: Final = 0  # what HiGHS says
_NO_PRICE: Final = 1e-9
_NEARLY: Final = 1e-6
_MOST_NEAR: Final = 300  # cells near one that is asked for
_FEW: Final = (
    6  # cells are asked for one by one where no more are left, or cleared at once
)


@dataclass(frozen=True, slots=True)
class Sum:
    """A weighted sum of cells between two bounds.

    Parameters
    ----------
    cells : sequence of int
        Places of the cells.
    weights : sequence of int
        One for each.
    low, high : float
        Bounds of the sum; equal for an equation.
    """

    cells: Sequence[int]
    weights: Sequence[int]
    low: float = 0.0
    high: float = 0.0


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums as arrays, so that they are laid out once and tried with many bounds.

    Parameters
    ----------
    row, cell, weight : array
        One entry for each cell of each sum.
    low, high : array
        Bounds of each sum.
    """

    row: Ints
    cell: Ints
    weight: Floats
    low: Floats
    high: Floats

    @classmethod
    def of(cls, sums: Iterable[Sum]) -> Sums:
        """Sums as arrays."""
        # An iterator would be empty at the second look.
        kept = list(sums)
        lengths = [len(each.cells) for each in kept]
        return cls(
            row=np.repeat(np.arange(len(kept)), lengths),
            cell=np.array(
                [c for s in kept for c in s.cells],
                dtype=np.int64,
            ),
            weight=np.array(
                [w for s in kept for w in s.weights],
                float,
            ),
            low=np.array([each.low for each in kept], float),
            high=np.array([each.high for each in kept], float),
        )


class HiddenNumbers:
    """Whole numbers between bounds, and sums of them.

    Parameters
    ----------
    low, high : array of float
        Bounds of each cell; equal where it is known.
    sums : Sums
        What binds them.
    whole : bool
        Whether only whole numbers count; much slower, and seldom another answer.

    Examples
    --------
    Of 85 people 69 are known to be in one part and 15 in another:

    >>> parts = Sums.of([Sum([0, 1, 2, 3], [1, -1, -1, -1])])
    >>> told = HiddenNumbers([85, 69, 15, 0], [85, 69, 15, 85], parts)
    >>> told.low[3], told.high[3]
    (np.float64(1.0), np.float64(1.0))
    >>> told.never_reaching([3], 2, largest=True)
    [3]
    """

    def __init__(
        self,
        low: npt.ArrayLike,
        high: npt.ArrayLike,
        sums: Sums,
        *,
        whole: bool = True,
    ) -> None:
        self.low: Floats = np.array(low, dtype=float)
        self.high: Floats = np.array(high, dtype=float)
        self._row = sums.row
        self._cell = sums.cell
        self._weight = sums.weight
        self._sum_low = sums.low
        self._sum_high = sums.high
        self._whole = whole
        self._tighten()
        self._forget_known()
        self._part = self._parts()

    def never_reaching(
        self, cells: Sequence[int], enough: int, *, largest: bool
    ) -> list[int]:
        """Those of some cells that can never be as large as a number, or never as small.

        Values that fit are found for as many cells at once as can be; what is left is asked for one
        by one, and each answer is looked through for all others.

        Parameters
        ----------
        cells : sequence of int
            Places of the cells.
        enough : int
            The number.
        largest : bool
            Whether cells are to be as large; else as small.

        Returns
        -------
        list of int
            In their order, with the cells for which no values were found in time.
        """
        ends = self.high if largest else self.low
        sign = 1.0 if largest else -1.0
        aim = Aim(enough, sign)
        left = [cell for cell in cells if sign * (ends[cell] - enough) >= 0]
        never = {*cells} - {*left}
        left = self._together(left, aim)
        for part in np.unique(self._part[left]).tolist():
            mine = [cell for cell in left if self._part[cell] == part]
            never |= self._one_by_one(self._together(mine, aim), aim)
        return [cell for cell in cells if cell in never]

    def _together(self, cells: list[int], aim: Aim) -> list[int]:
        """Cells that are not far enough where as many as can be are."""
        left = cells
        cleared = len(cells)
        # Where few more are cleared at once, the others stand in each other's way.
        while min(len(left), cleared) > _FEW:
            value = self._around(left).far(left, aim).solved()
            rest = left if value is None else aim.missed(left, value)
            cleared = len(left) - len(rest)
            left = rest
        return left

    def _one_by_one(self, cells: list[int], aim: Aim) -> set[int]:
        """Cells of one part that can never be far enough."""
        never = set()
        left = cells
        while left:
            cell, *left = left
            if self._kept_by_near_sums(cell, aim):
                never.add(cell)
                continue
            value = self._around([cell]).aimed({cell: -aim.sign}).solved()
            # Who finds nothing in time cannot say that it is safe.
            if value is None:
                never.add(cell)
                continue
            never |= {*aim.missed([cell], value)}
            left = aim.missed(left, value)
        return never

    def _kept_by_near_sums(self, cell: int, aim: Aim) -> bool:
        """Whether the sums near a cell alone keep it from being far enough; then all of them do."""
        # Of a small part the near sums are all of them.
        if np.count_nonzero(self._part == self._part[cell]) <= _MOST_NEAR:
            return False
        program = self._program(*self._near(cell))
        value = program.aimed({cell: -aim.sign}).solved()
        return value is not None and bool(aim.missed([cell], value))

    def _near(self, cell: int) -> tuple[Ints, Ints]:
        """Some cells near a cell, and the entries of the sums that hold no others."""
        mine = np.zeros(len(self.low), bool)
        mine[cell] = True
        entries = self._entries_beside(mine)
        while True:
            wider = mine.copy()
            wider[self._cell[entries]] = True
            more = self._entries_beside(wider)
            if wider.sum() > _MOST_NEAR or len(more) == len(entries):
                break
            mine = wider
            entries = more
        mine[self._cell[entries]] = True
        return np.flatnonzero(mine), entries

    def fitting(self, aim: Mapping[int, float]) -> dict[int, int]:
        """Values that fit, with a weighted sum of some cells as small as it can be; nothing where
        none was found in time.

        Parameters
        ----------
        aim : mapping
            Cell to its weight.
        """
        open_cells = [cell for cell in aim if self.low[cell] < self.high[cell]]
        known = {cell: int(self.low[cell]) for cell in aim}
        if not open_cells:
            return known
        program = self._around(open_cells)
        value = program.aimed({cell: aim[cell] for cell in open_cells}).solved()
        if value is None:
            return {}
        return known | {cell: round(value[cell]) for cell in open_cells}

    def _around(self, cells: Sequence[int]) -> IntegerProgram:
        """The whole parts of some cells, and the sums that bind them."""
        parts = np.zeros(self._part.max() + 1, bool)
        parts[self._part[[*cells]]] = True
        mine = parts[self._part]
        return self._program(
            np.flatnonzero(mine),
            np.flatnonzero(mine[self._cell]),
        )

    def _program(self, mine: Ints, entries: Ints) -> IntegerProgram:
        """Some cells, and the sums of some entries, which hold no others."""
        place = np.full(len(self.low), -1)
        place[mine] = np.arange(len(mine))
        rows, row = np.unique(
            self._row[entries],
            return_inverse=True,
        )
        return IntegerProgram(
            cells=mine,
            row=row,
            column=place[self._cell[entries]],
            weight=self._weight[entries],
            sums=np.stack([self._sum_low[rows], self._sum_high[rows]]),
            ends=np.stack([self.low[mine], self.high[mine]]),
            cost=np.zeros(len(mine)),
            whole=self._whole,
        )

    def _forget_known(self) -> None:
        """Known cells become numbers in their sums; they bind nothing together."""
        # With them every sum would hang together, and one part would be the whole release.
        known = self.low[self._cell] == self.high[self._cell]
        told = self._weight[known] * self.low[self._cell[known]]
        fixed = np.bincount(
            self._row[known],
            told,
            len(self._sum_low),
        )
        self._sum_low, self._sum_high = self._sum_low - fixed, self._sum_high - fixed
        self._row, self._cell = self._row[~known], self._cell[~known]
        self._weight = self._weight[~known]

    def _parts(self) -> Ints:
        """Number of the part of each cell: hidden cells that some sum binds together."""
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import connected_components

        cells = len(self.low)
        # A graph of cells and sums: two cells of one sum are two steps apart.
        size = cells + len(self._sum_low)
        graph = csr_array(
            (np.ones(len(self._cell)), (self._cell, cells + self._row)),
            shape=(size, size),
        )
        parts: Ints = connected_components(graph, directed=False)[1][:cells]
        return parts

    def _tighten(self) -> None:
        """Bounds of each cell from the bounds of the others of each sum, again and again."""
        entries = np.arange(len(self._cell))
        for _ in range(_MOST_ROUNDS):
            if not len(entries):
                return
            low, high = self._implied(entries)
            if (low > high).any():
                raise NothingFits
            moved = (low != self.low) | (high != self.high)
            self.low = low
            self.high = high
            # A sum of which nothing has moved says what it said before.
            entries = self._entries_beside(moved)

    def _entries_beside(self, cells: Bools) -> Ints:
        """The entries of all sums that hold one of some cells."""
        beside = np.zeros(len(self._sum_low), bool)
        beside[self._row[cells[self._cell]]] = True
        return np.flatnonzero(beside[self._row])

    def _implied(self, entries: Ints) -> tuple[Floats, Floats]:
        """Bounds that one look at some sums gives.

        Parameters
        ----------
        entries : array of int
            All entries of those sums.
        """
        row = self._row[entries]
        cell = self._cell[entries]
        weight = self._weight[entries]
        positive = weight > 0
        at_low = weight * self.low[cell]
        at_high = weight * self.high[cell]
        least, most = np.where(
            positive,
            (at_low, at_high),
            (at_high, at_low),
        )
        sums = len(self._sum_low)
        total_least = (
            np.bincount(
                row,
                least,
                sums,
            )[row]
            - least
        )
        total_most = (
            np.bincount(
                row,
                most,
                sums,
            )[row]
            - most
        )
        upper = (self._sum_high[row] - total_least) / weight
        lower = (self._sum_low[row] - total_most) / weight
        # Dividing by a negative weight turns the bounds around.
        smallest = np.ceil(
            np.where(
                positive,
                lower,
                upper,
            )
            - 1e-9
        )
        largest = np.floor(
            np.where(
                positive,
                upper,
                lower,
            )
            + 1e-9
        )
        low = self.low.copy()
        high = self.high.copy()
        np.maximum.at(
            low,
            cell,
            smallest,
        )
        np.minimum.at(
            high,
            cell,
            largest,
        )
        return low, high


def holding_down(
    low: Floats, high: Floats, sums: Sums, cell: int, enough: int
) -> list[int] | None:
    """Numbers that together keep a cell from being as large as a number.

    Parameters
    ----------
    low, high : float64, shape (cells,)
        Bounds of each cell.
    sums : Sums
        What binds them.
    cell : int
        Place of the cell.
    enough : int
        The number.

    Returns
    -------
    list of int or None
        Places of the cells whose bounds the largest value rests on, in their order; none where the
        program finds no end, and None where it is large enough.

    Notes
    -----
    The cell is made as large as a linear program allows. A bound with a price (a dual value) of 0
    could go and nothing would change.

    Examples
    --------
    Of 85 people 69 are in one part; of another part of 15 nothing hangs on the 40 men:

    >>> low = np.array([85.0, 69.0, 15.0, 0.0, 40.0])
    >>> high = np.array([85.0, 69.0, 15.0, 85.0, 40.0])
    >>> holding_down(low, high, Sums.of([Sum([0, 1, 2, 3], [1, -1, -1, -1])]), 3, 2)
    [0, 1, 2]
    """
    from scipy.optimize import linprog
    from scipy.sparse import csr_array

    weights = csr_array(
        (sums.weight, (sums.row, sums.cell)),
        shape=(len(sums.low), len(low)),
    )
    cost = np.zeros(len(low))
    cost[cell] = -1
    # Every sum of a release is one number: what its cells leave.
    found = linprog(
        cost,
        A_eq=weights,
        b_eq=sums.low,
        bounds=np.stack([low, high], axis=1),
        method="highs",
    )
    if found.status != _SOLVED:
        return []
    # Rounding errors of the solver make no whole person.
    if found.x[cell] > enough - _NEARLY:
        return None
    prices = np.abs(found.lower.marginals) + np.abs(found.upper.marginals)
    places: list[int] = np.flatnonzero(prices > _NO_PRICE).tolist()
    return places
