"""A release as a puzzle: every number that can be read, every sum that binds the others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import copy
from typing import Final

import numpy as np

from kettrack.arrays import Floats
from kettrack.privacy.release.cells import (
    Release,
    ReleaseCell,
    printed_places,
    read_counts,
    read_rounded_counts,
    rests_of,
    tried_sums,
    unrecorded_of,
)
from kettrack.privacy.release.guesses import guessed
from kettrack.privacy.release.programs import NothingFits
from kettrack.privacy.release.relations import CellTerm, Relations, row_relations
from kettrack.privacy.release.system import (
    HiddenNumbers,
    Sum,
    Sums,
    holding_down,
)

MOST: Final = 10**6  # no clinic has more people, sessions or scores
# What a number that is read says of the true one: its smallest and its largest value.
Meant = Callable[[int], tuple[int, int]]


class Puzzle:
    """What a reader who knows how kettrack counts can do with a release.

    Parameters
    ----------
    release : mapping
        Question to the table as it is printed.
    relations : Relations
        What always holds.
    truth : mapping, optional
        Question to the table before anything was hidden: what does not hold in this clinic misleads
        a reader and tells nothing, so it is left out.
    meaning : callable, optional
        What a number that is read says of the true one, where numbers are rounded.
    """

    def __init__(
        self,
        release: Release,
        relations: Relations,
        truth: Release | None = None,
        meaning: Meant | None = None,
    ) -> None:
        self.meaning = meaning
        self.floor = 0.0
        self._first: dict[ReleaseCell, ReleaseCell] = {}
        # A release may lack rows that its sums are made of.
        self._whole = release if truth is None else truth
        self._tried = tried_sums(self._whole)
        self.true = (
            None if truth is None else _true_counts(truth, relations, self._tried)
        )
        if truth is not None and self.true is not None:
            found = guessed(truth, self._tried, self.true)
            relations = relations.with_cells(found)
        # A share of rounded numbers tells a rounded number, which stands beside it.
        self.read = read_rounded_counts(release) if meaning else read_counts(release)
        # In their order: a set has another one in every run, and then something else is hidden.
        self.printed = dict.fromkeys([*printed_places(release), *self.read])
        if self.true is not None:
            # Nearly every number is a share of another by chance in a table of one row.
            known = {*printed_places(release), *self.true}
            self.read = {c: value for c, value in self.read.items() if c in known}
        self.rests = [
            *rests_of(release, relations.nested),
            *unrecorded_of(self._whole, relations.recorded),
        ]
        self._unite(relations)
        terms = list(self._terms(release, relations))
        names = dict.fromkeys(self.first(cell) for each in terms for cell, _ in each)
        names |= dict.fromkeys(self.first(cell) for cell in self.printed)
        self.place = {cell: at for at, cell in enumerate(names)}
        self.sums = Sums.of(self._sum(each) for each in terms)
        self.terms = terms

    def since(
        self,
        before: Mapping[ReleaseCell, int],
        sign: int,
    ) -> Puzzle:
        """The puzzle of what has changed since another release: whatever adds up in both adds up in
        their differences.

        Parameters
        ----------
        before : mapping
            Numbers that the other release shows.
        sign : int
            1 for what has grown, -1 for what has become less.
        """
        changed = copy(self)
        changed.read = _differences(
            self.read,
            before,
            sign,
        )
        changed.true = _differences(
            self.true or {},
            before,
            sign,
        )
        for whole, part, rest in self.rests:
            if whole in changed.true and part in changed.true:
                changed.true[rest] = changed.true[whole] - changed.true[part]
        # People also leave: a log that was open may have ended.
        changed.floor = -float(MOST)
        return changed

    def first(self, cell: ReleaseCell) -> ReleaseCell:
        """The first of all cells that are always equal to this one."""
        # Classes are joined pair by pair, so the first is some steps away.
        while cell in self._first:
            cell = self._first[cell]
        return cell

    def _unite(self, relations: Relations) -> None:
        """Cells that are always equal become one."""
        for relation in relations.cells:
            if not self._holds(relation):
                continue
            if len(relation) == 2 and sum(weight for _, weight in relation) == 0:
                (one, _), (other, _) = relation
                self._join(one, other)

    def _join(
        self,
        one: ReleaseCell,
        other: ReleaseCell,
    ) -> None:
        first = self.first(one)
        second = self.first(other)
        if first != second:
            self._first[second] = first

    def _terms(
        self, release: Release, relations: Relations
    ) -> Iterable[list[CellTerm]]:
        """Every sum that is 0 in this release."""
        defined = {cell: parts for cell, parts in self._tried.items() if len(parts) > 1}
        used = {cell for relation in relations.cells for cell, _ in relation}
        used |= {*self.read}
        for cell in filter(used.__contains__, defined):
            yield [(cell, -1), *((part, 1) for part in defined[cell])]
        for relation in relations.cells:
            # A row that is not printed may hold nobody, or not exist in this clinic.
            there = all(c in self.printed or c in defined for c, _ in relation)
            if len(relation) > 2 and there and self._holds(relation):
                yield list(relation)
        yield from filter(
            self._holds,
            self._row_terms(release, relations),
        )

    def _row_terms(
        self, release: Release, relations: Relations
    ) -> Iterable[list[CellTerm]]:
        """What holds row by row."""
        for question, printed in release.items():
            yield from row_relations(question, printed, relations)
        for each in self.rests:
            # A part that is larger than its whole is none in this clinic.
            if (
                self.true is None
                or self.true.get(
                    each.rest,
                    0,
                )
                >= 0
            ):
                yield [(each.whole, 1), (each.part, -1), (each.rest, -1)]

    def _holds(self, terms: Iterable[CellTerm]) -> bool:
        """Whether a sum is 0 in this clinic, where that is known."""
        if self.true is None:
            return True
        total = 0
        for cell, weight in terms:
            # Of a row that this clinic does not have nothing follows.
            if cell not in self.true:
                return False
            total += self.true[cell] * weight
        return total == 0

    def _sum(self, terms: list[CellTerm]) -> Sum:
        weights: dict[int, int] = {}
        for cell, weight in terms:
            place = self.place[self.first(cell)]
            weights[place] = weights.get(place, 0) + weight
        # Cells that are always equal may cancel out.
        kept = {place: weight for place, weight in weights.items() if weight}
        return Sum(
            list(kept),
            list(kept.values()),
        )

    def system(
        self, hidden: Iterable[ReleaseCell] = (), *, whole: bool = True
    ) -> HiddenNumbers:
        """The puzzle with further cells hidden."""
        low, high = self._ends(hidden)
        return HiddenNumbers(
            low,
            high,
            self.sums,
            whole=whole,
        )

    def _ends(self, hidden: Iterable[ReleaseCell]) -> tuple[Floats, Floats]:
        """The smallest and the largest value of each place, with further cells hidden."""
        gone = set(hidden)
        low: Floats = np.full(len(self.place), self.floor)
        high: Floats = np.full(
            len(self.place),
            float(MOST),
        )
        for cell, value in self.read.items():
            if cell not in gone:
                place = self.place[self.first(cell)]
                least, most = self.meaning(value) if self.meaning else (value, value)
                low[place] = max(low[place], least)
                high[place] = min(high[place], most)
        return low, high

    def holding_down(
        self, cell: ReleaseCell, enough: int, hidden: Iterable[ReleaseCell]
    ) -> list[int] | None:
        """Places of the numbers that keep a cell below a number, with further cells hidden; None
        where nothing does.
        """
        low, high = self._ends(hidden)
        place = self.place[self.first(cell)]
        return holding_down(low, high, self.sums, place, enough)

    def told(
        self, system: HiddenNumbers, small: Iterable[ReleaseCell], smallest: int
    ) -> list[ReleaseCell]:
        """Which of some small numbers can only be small."""
        asked = self._places(small)
        places = list(asked)
        narrow = system.never_reaching(
            places,
            smallest,
            largest=True,
        )
        # Nobody is shown as 0, so what is hidden and small is somebody; a change may be none.
        if self.floor < 0:
            narrow = system.never_reaching(narrow, 0, largest=False)
        return [asked[place] for place in narrow]

    def small(self, smallest: int) -> list[ReleaseCell]:
        """The true numbers of people that nobody may be told: counts, and what parts leave of their
        wholes.
        """
        return [
            cell
            for cell, value in (self.true or {}).items()
            if 0 < value < smallest and not cell.column.startswith("sum of ")
        ]

    def _places(
        self,
        cells: Iterable[ReleaseCell],
    ) -> dict[int, ReleaseCell]:
        """Places of the cells that stand in the release, or follow from what does."""
        asked: dict[int, ReleaseCell] = {}
        for cell in cells:
            place = self.place.get(self.first(cell))
            if place is not None:
                asked.setdefault(place, cell)
        return asked

    def truly_told(
        self, hidden: Collection[ReleaseCell], cells: Sequence[ReleaseCell]
    ) -> list[ReleaseCell]:
        """Which of some numbers can only be what they are, with further cells hidden.

        Numbers at risk are made again from rounded ones, so their own band may not hold the truth.
        One reader believes every band; where all of them together fit nobody, that tells nothing.
        Another one knows which bands mislead, and leaves them out.
        """
        told: dict[ReleaseCell, None] = {}
        for left_out in ((), self.misleading()):
            with suppress(NothingFits):
                system = self.system({*hidden, *left_out})
                told |= dict.fromkeys(self._only_true(system, cells))
        return [*told]

    def misleading(self) -> list[ReleaseCell]:
        """The numbers that are read and do not say the truth: a band that does not hold it, or a
        share of another whole that is a whole number by chance.
        """
        true = self.true or {}
        meaning = self.meaning or _as_it_stands
        bands = {cell: meaning(value) for cell, value in self.read.items()}
        return [
            cell
            for cell, (least, most) in bands.items()
            if not least <= true.get(cell, least) <= most
        ]

    def _only_true(
        self, system: HiddenNumbers, cells: Iterable[ReleaseCell]
    ) -> list[ReleaseCell]:
        """Which of some numbers can take their true value only."""
        true = self.true or {}
        asked = self._places(cells)
        left = list(asked)
        for aim in _aims(left):
            found = system.fitting({place: aim[place] for place in left})
            # Whoever takes another value once, among values that fit, is not told.
            left = [
                place
                for place in left
                if found.get(place, true[asked[place]]) == true[asked[place]]
            ]
        for step in (1, -1):
            left = [
                place
                for place in left
                if system.never_reaching(
                    [place], true[asked[place]] + step, largest=step > 0
                )
            ]
        return [asked[place] for place in left]


def _as_it_stands(shown: int) -> tuple[int, int]:
    """What an exact number says of the true one."""
    return shown, shown


def _aims(places: Sequence[int]) -> Iterator[dict[int, float]]:
    """Weights under which values are looked for: all large, all small, then one half against the
    other, halved by each bit of the number of a place, so that any two are opponents once.
    """
    yield dict.fromkeys(places, -1.0)
    yield dict.fromkeys(places, 1.0)
    for bit in range(len(places).bit_length()):
        for sign in (1.0, -1.0):
            yield {
                place: sign if at >> bit & 1 else -sign
                for at, place in enumerate(places)
            }


def _differences(
    now: Mapping[ReleaseCell, int],
    before: Mapping[ReleaseCell, int],
    sign: int,
) -> dict[ReleaseCell, int]:
    """Differences of the numbers that stand in both."""
    return {
        cell: sign * (value - before[cell])
        for cell, value in now.items()
        if cell in before
    }


def _true_counts(
    truth: Release,
    relations: Relations,
    tried: Mapping[ReleaseCell, Sequence[ReleaseCell]],
) -> dict[ReleaseCell, int]:
    """All counts of a clinic, with the sums and the rests of them."""
    counts = read_counts(truth)
    for cell, parts in tried.items():
        if all(part in counts for part in parts):
            counts[cell] = sum(counts[part] for part in parts)
    rests = [
        *rests_of(truth, relations.nested),
        *unrecorded_of(truth, relations.recorded),
    ]
    for each in rests:
        if each.whole in counts and each.part in counts:
            counts[each.rest] = counts[each.whole] - counts[each.part]
    return counts
