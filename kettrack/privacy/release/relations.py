"""What always holds between the numbers of kettrack's tables, whatever the clinic; learned from
simulated clinics, where anybody can learn it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Final, TypeVar

from kettrack.privacy.release.cells import Printed, ReleaseCell

FILE: Final = "relations.txt"
# Between the parts of a cell's name; no key of a row holds it.
_BETWEEN: Final = "\t"

T = TypeVar("T")
# Column, how many rows further down, and its weight.
ColumnTerm = tuple[str, int, int]
CellTerm = tuple[ReleaseCell, int]
# Part, whole, and how many rows further down the part stands.
NestedPair = tuple[str, str, int]


@dataclass(
    frozen=True,
    slots=True,
)
class Relations:
    """What always holds.

    Parameters
    ----------
    cells : tuple
        Sums of cells that are always 0.
    columns : mapping
        Question to sums of columns that are 0 in every row.
    nested : mapping
        Question to columns of which one is part of another: part, whole, and how many rows further
        down the part stands.
    recorded : mapping
        Question to columns of people with a value: whom a row lacks of its largest number has none.
    """

    cells: tuple[tuple[CellTerm, ...], ...] = ()
    columns: Mapping[str, tuple[tuple[ColumnTerm, ...], ...]] = field(
        default_factory=dict
    )
    nested: Mapping[str, tuple[NestedPair, ...]] = field(default_factory=dict)
    recorded: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def lines(
        self,
    ) -> Iterator[str]:
        """One line for each."""
        for relation in self.cells:
            terms = [_BETWEEN.join((f"{w:+d}", *cell)) for cell, w in relation]
            words = ("cells", *terms)
            yield _BETWEEN.join(words)
        for question, sums in self.columns.items():
            for each in sums:
                terms = [_BETWEEN.join((f"{w:+d}", c, str(k))) for c, k, w in each]
                words = ("columns", question, *terms)
                yield _BETWEEN.join(words)
        for question, pairs in self.nested.items():
            for part, whole, down in pairs:
                words = ("nested", question, part, whole, str(down))
                yield _BETWEEN.join(words)
        for question, names in self.recorded.items():
            words = ("recorded", question, *names)
            yield _BETWEEN.join(words)

    def joined(self, other: Relations) -> Relations:
        """Everything that either knows."""
        names = {
            *self.columns,
            *self.nested,
            *other.columns,
            *other.nested,
        }
        return Relations(
            _once(
                self.cells,
                other.cells,
            ),
            {
                q: _once(self.columns.get(q, ()), other.columns.get(q, ()))
                for q in names
            },
            {q: _once(self.nested.get(q, ()), other.nested.get(q, ())) for q in names},
            {**self.recorded, **other.recorded},
        )

    def with_cells(
        self,
        more: Iterable[tuple[CellTerm, ...]],
    ) -> Relations:
        """The same with further sums of cells."""
        return replace(self, cells=(*self.cells, *more))

    # Text, so that a change of what always holds can be read line by line.
    @classmethod
    def read(
        cls,
        text: str,
    ) -> Relations:
        """The relations of a text of such lines."""
        cells: list[tuple[CellTerm, ...]] = []
        columns: dict[str, list[tuple[ColumnTerm, ...]]] = {}
        nested: dict[str, list[NestedPair]] = {}
        recorded: dict[str, tuple[str, ...]] = {}
        for line in text.splitlines():
            kind, *words = line.split(_BETWEEN)
            if kind == "cells":
                cells.append(_cell_terms(words))
                continue
            question, *words = words
            if kind == "columns":
                sums = columns.setdefault(question, [])
                sums.append(_column_terms(words))
            elif kind == "recorded":
                recorded[question] = tuple(words)
            else:
                part, whole, down = words
                pairs = nested.setdefault(question, [])
                pairs.append((part, whole, int(down)))
        return cls(
            tuple(cells),
            {question: tuple(each) for question, each in columns.items()},
            {question: tuple(each) for question, each in nested.items()},
            recorded,
        )


def _once(one: Iterable[T], other: Iterable[T]) -> tuple[T, ...]:
    """What is in either, in its order."""
    return tuple(dict.fromkeys([*one, *other]))


def _cell_terms(words: list[str]) -> tuple[CellTerm, ...]:
    fours = zip(
        *[iter(words)] * 4,
        strict=True,
    )
    return tuple((ReleaseCell(*name), int(weight)) for weight, *name in fours)


def _column_terms(words: list[str]) -> tuple[ColumnTerm, ...]:
    threes = zip(
        *[iter(words)] * 3,
        strict=True,
    )
    return tuple((column, int(down), int(weight)) for weight, column, down in threes)


@cache
def stored_relations() -> Relations:
    """Those that come with kettrack."""
    room = files("kettrack.privacy.release")
    text = room.joinpath(FILE).read_text(encoding="utf-8")
    return Relations.read(text)


def relations_within(question: str) -> Relations:
    """Those of the stored ones that bind cells of no other table."""
    # Rows and columns are looked up by the question anyway.
    return replace(
        stored_relations(),
        cells=_cells_within().get(
            question,
            (),
        ),
    )


@cache
def _cells_within() -> Mapping[str, tuple[tuple[CellTerm, ...], ...]]:
    """Sums of the cells of one table, by its question."""
    found: dict[str, list[tuple[CellTerm, ...]]] = defaultdict(list)
    for relation in stored_relations().cells:
        questions = {cell.question for cell, _ in relation}
        if len(questions) == 1:
            found[questions.pop()].append(relation)
    return {question: tuple(each) for question, each in found.items()}


def row_relations(
    question: str, printed: Printed, relations: Relations
) -> Iterator[list[CellTerm]]:
    """The sums of columns, row by row."""
    if printed.table.empty:
        return
    rows = printed.rows
    parts = printed.parts
    there = set(printed.counts)
    for each in relations.columns.get(
        question,
        (),
    ):
        if not {column for column, _, _ in each} <= there:
            continue
        # The last row has no next one to be related to.
        down = max(step for _, step, _ in each)
        for at in range(len(rows) - down):
            if parts[at] == parts[at + down]:
                yield [
                    (
                        ReleaseCell(
                            question,
                            rows[at + k],
                            c,
                        ),
                        w,
                    )
                    for c, k, w in each
                ]
