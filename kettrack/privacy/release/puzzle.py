"""A release as a puzzle: every number that can be read, every sum that binds the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np

from kettrack.arrays import Floats
from kettrack.privacy.release.cells import (
    Cell,
    Release,
    counts_of,
    places_of,
    rests_of,
    sums_of,
)
from kettrack.privacy.release.relations import CellTerm, Relations, row_relations
from kettrack.privacy.release.system import Sum, Sums, System

MOST: Final = 10**6  # no clinic has more people, sessions or scores
# What a number that is read says of the true one: its smallest and its largest value.
Meaning = Callable[[int], tuple[int, int]]


def exactly(read: int) -> tuple[int, int]:
    """A number that is not rounded."""
    return read, read


class Puzzle:
    """What a reader who knows how kettrack counts can do with a release.

    Parameters
    ----------
    release : mapping
        Question to the table as it is printed.
    relations : Relations
        What always holds.
    meaning : callable
        What a number that is read says of the true one.
    """

    def __init__(
        self, release: Release, relations: Relations, meaning: Meaning = exactly
    ) -> None:
        self.meaning = meaning
        self._first: dict[Cell, Cell] = {}
        self.read = counts_of(release)
        self.printed = {*places_of(release), *self.read}
        self.rests = list(rests_of(release, relations.nested))
        self._unite(relations)
        terms = list(self._terms(release, relations))
        names = dict.fromkeys(self.first(cell) for each in terms for cell, _ in each)
        names |= dict.fromkeys(self.first(cell) for cell in self.printed)
        self.place = {cell: at for at, cell in enumerate(names)}
        self.sums = Sums.of(self._sum(each) for each in terms)
        self.terms = terms

    def first(self, cell: Cell) -> Cell:
        """The first of all cells that are always equal to this one."""
        while cell in self._first:
            cell = self._first[cell]
        return cell

    def _unite(self, relations: Relations) -> None:
        """Cells that are always equal become one."""
        for relation in relations.cells:
            if len(relation) == 2 and sum(weight for _, weight in relation) == 0:
                (one, _), (other, _) = relation
                self._join(one, other)

    def _join(self, one: Cell, other: Cell) -> None:
        first, second = self.first(one), self.first(other)
        if first != second:
            self._first[second] = first

    def _terms(self, release: Release, relations: Relations) -> Iterable[list[CellTerm]]:
        """Every sum that is 0 in this release."""
        defined = {
            cell: parts for cell, parts in sums_of(release).items() if len(parts) > 1
        }
        used = {cell for relation in relations.cells for cell, _ in relation}
        for cell in used & set(defined):
            yield [(cell, -1), *((part, 1) for part in defined[cell])]
        for relation in relations.cells:
            # A row that is not printed may hold nobody, or not exist in this clinic.
            if len(relation) > 2 and all(
                cell in self.printed or cell in defined for cell, _ in relation
            ):
                yield list(relation)
        for question, printed in release.items():
            yield from row_relations(question, printed, relations)
        for each in self.rests:
            yield [(each.whole, 1), (each.part, -1), (each.rest, -1)]

    def _sum(self, terms: list[CellTerm]) -> Sum:
        weights: dict[int, int] = {}
        for cell, weight in terms:
            place = self.place[self.first(cell)]
            weights[place] = weights.get(place, 0) + weight
        # Cells that are always equal may cancel out.
        kept = {place: weight for place, weight in weights.items() if weight}
        return Sum(list(kept), list(kept.values()))

    def system(self, hidden: Iterable[Cell] = (), *, whole: bool = True) -> System:
        """The puzzle with further cells hidden."""
        gone = set(hidden)
        low: Floats = np.zeros(len(self.place))
        high: Floats = np.full(len(self.place), float(MOST))
        for cell, value in self.read.items():
            if cell not in gone:
                place = self.place[self.first(cell)]
                least, most = self.meaning(value)
                low[place] = max(low[place], least)
                high[place] = min(high[place], most)
        return System(low, high, self.sums, whole=whole)

    def told(self, system: System, small: Iterable[Cell], smallest: int) -> list[Cell]:
        """Which of some small numbers can only be small, or only be one number."""
        asked: dict[int, Cell] = {}
        for cell in small:
            place = self.place.get(self.first(cell))
            if place is not None:
                asked.setdefault(place, cell)
        narrow = _below(system, [*asked], smallest)
        # What may as well be nobody is no small number yet.
        return [asked[place] for place in _above_nobody(system, narrow)]


def _below(system: System, places: list[int], smallest: int) -> list[int]:
    """Places whose largest value is small."""
    kept = [place for place in places if system.high[place] < smallest]
    rest = [place for place in places if system.high[place] >= smallest]
    # One look at all of them clears most.
    found = system.together(rest, largest=True)
    late = [place for place in rest if found[place] < smallest]
    return kept + [p for p in late if system.extreme(p, largest=True) < smallest]


def _above_nobody(system: System, places: list[int]) -> list[int]:
    """Places whose smallest value is above 0."""
    kept = [place for place in places if system.low[place] > 0]
    rest = [place for place in places if system.low[place] <= 0]
    found = system.together(rest, largest=False)
    late = [place for place in rest if found[place] > 0]
    return kept + [p for p in late if system.extreme(p, largest=False) > 0]
