"""Integer programs over hidden numbers: values that fit all sums, as near an aim as they can be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from kettrack.arrays import Floats, Ints

_SECONDS: Final = 60.0  # for one program; most take less than a tenth of one
_IMPOSSIBLE: Final = 2  # what HiGHS says where nothing fits
# Of many cells at once the very best is not needed: what is missed is asked for again.
_GAP: Final = 0.02


class NothingFits(Exception):
    """No values fit all sums."""


class Aim(NamedTuple):
    """Far enough: as large as a number where the sign is 1, as small where it is -1."""

    enough: int
    sign: float

    def missed(self, cells: Iterable[int], value: Mapping[int, float]) -> list[int]:
        """Cells that are not far enough."""
        return [c for c in cells if self.sign * (value[c] - self.enough) < 0]


@dataclass(frozen=True)
class IntegerProgram:
    """Cells as an integer program, and what is to be smallest."""

    cells: Ints
    row: Ints
    column: Ints
    weight: Floats
    sums: Floats  # the bounds of each sum, below and above
    ends: Floats  # the same of each cell
    cost: Floats
    whole: bool = True
    gap: float = 0.0  # how near to the best is near enough

    def aimed(self, aim: Mapping[int, float]) -> IntegerProgram:
        """With a weighted sum of some cells as the cost."""
        cost = np.zeros(len(self.cells))
        cost[
            np.searchsorted(
                self.cells,
                [*aim],
            )
        ] = [*aim.values()]
        return replace(
            self,
            cost=cost,
        )

    def far(self, cells: Sequence[int], aim: Aim) -> IntegerProgram:
        """With as many of some cells far enough as can be.

        Beside each cell stands a new number, no further than the cell and no further than what is
        enough: so nothing is gained by one cell that goes far.
        """
        at = np.searchsorted(
            self.cells,
            cells,
        )
        new = np.arange(len(at))
        row = self.sums.shape[1] + new
        column = len(self.cells) + new
        sign = np.full(
            len(at),
            aim.sign,
        )
        enough = np.full(
            len(at),
            float(aim.enough),
        )
        ends = self.ends[:, at]
        beside = (np.minimum(ends[0], enough), enough)
        if aim.sign < 0:
            beside = (enough, np.maximum(ends[1], enough))
        unbound = np.stack([np.zeros(len(at)), np.full(len(at), np.inf)])
        return IntegerProgram(
            cells=self.cells,
            row=np.concatenate([self.row, row, row]),
            column=np.concatenate([self.column, at, column]),
            weight=np.concatenate([self.weight, sign, -sign]),
            sums=np.concatenate([self.sums, unbound], axis=1),
            ends=np.concatenate([self.ends, np.stack(beside)], axis=1),
            cost=np.concatenate([self.cost, -sign]),
            whole=self.whole,
            gap=_GAP,
        )

    def solved(self) -> dict[int, float] | None:
        """The values of the cells that make the cost smallest; None where none were found in time.

        Raises
        ------
        NothingFits
            When there are no such values.
        """
        # Half a second to import, for tables that leave the clinic only.
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csr_array

        shape = (self.sums.shape[1], len(self.cost))
        weights = csr_array(
            (self.weight, (self.row, self.column)),
            shape=shape,
        )
        n = len(self.cells)
        found = milp(
            self.cost,
            # What is beside the cells need not be whole.
            integrality=self.whole * (np.arange(len(self.cost)) < n),
            bounds=Bounds(*self.ends),
            constraints=LinearConstraint(weights, *self.sums) if shape[0] else (),
            options={"time_limit": _SECONDS, "mip_rel_gap": self.gap},
        )
        if found.status == _IMPOSSIBLE:
            raise NothingFits
        if found.x is None:
            return None
        values = np.round(found.x[:n], 6).tolist()
        return dict(
            zip(
                self.cells.tolist(),
                values,
                strict=True,
            )
        )
