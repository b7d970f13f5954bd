"""What a reader would guess from the names of rows and columns, in clinics of any kind.

What is learned from simulated clinics names rows: it says nothing of a site, a drug or a scale that
only the clinic at hand has. A guess that does not hold in this clinic misleads, and is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from kettrack.privacy.release.cells import Printed, Release, ReleaseCell
from kettrack.privacy.release.relations import CellTerm
from kettrack.vocabulary.limits import FEWEST_PEOPLE

Alike = list[ReleaseCell]


def guessed(
    release: Release,
    tried: Collection[ReleaseCell],
    true: Mapping[ReleaseCell, int],
) -> Iterator[tuple[CellTerm, ...]]:
    """Alike that a reader would take for equal, and that are equal here: each against the first of
    its class.

    Parameters
    ----------
    release : mapping
        Question to table, before anything was hidden.
    tried : collection of ReleaseCell
        Sums over rows that a reader would try.
    true : mapping
        Every count of the clinic, and every such sum.
    """
    classes = [
        *_everybody(release, tried),
        *_same_names(release),
    ]
    for cells in classes:
        first: dict[int, ReleaseCell] = {}
        for cell in cells:
            if cell not in true:
                continue
            one = first.setdefault(
                true[cell],
                cell,
            )
            if one != cell:
                yield (
                    (one, 1),
                    (cell, -1),
                )


def _everybody(
    release: Release,
    tried: Collection[ReleaseCell],
) -> Iterator[Alike]:
    """Of each column what everybody may be: the largest rows, and the rows of one label together.

    Steps of a curve with nobody between are alike by chance, so nobody takes each sum for another:
    only the first cell of a class, a largest row, is everybody.
    """
    sums = _sums(tried)
    for question, printed in release.items():
        for column in printed.counts:
            rows = _largest_rows(
                question,
                printed,
                column,
            )
            for each in sums[question, column]:
                yield [*rows[:1], each]
            # A few people are not everybody: rows of so few are alike by chance.
            if printed.table[column].ge(FEWEST_PEOPLE).any():
                yield rows


def _sums(
    tried: Collection[ReleaseCell],
) -> Mapping[tuple[str, str], Alike]:
    """By question and column the sums over rows of one label, and over all rows."""
    found = defaultdict(list)
    for cell in tried:
        column = cell.column.removeprefix("sum of ")
        # Sums from the top down are of some rows only.
        if not cell.row.startswith("to "):
            found[cell.question, column].append(cell)
    return found


def _largest_rows(
    question: str,
    printed: Printed,
    column: str,
) -> Alike:
    """The rows that nobody is missing in."""
    numbers = printed.table[column].astype("Float64")
    # What is left of a number is of everybody in its first row only.
    if printed.roles[column] == "running":
        return []
    largest = numbers.eq(numbers.max())
    return [
        ReleaseCell(question, row, column)
        for row, most in zip(
            printed.rows,
            largest.fillna(value=False),
            strict=True,
        )
        if most
    ]


def _same_names(
    release: Release,
) -> Iterator[Alike]:
    """Alike of several tables with the same names of row and column."""
    named = defaultdict(list)
    for question, printed in release.items():
        for column in printed.counts:
            for row in printed.rows:
                cell = ReleaseCell(question, row, column)
                named[row, column].append(cell)
    yield from named.values()
