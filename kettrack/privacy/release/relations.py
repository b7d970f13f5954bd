"""What always holds between the numbers of kettrack's tables, whatever the clinic; learned from
simulated clinics, where anybody can learn it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Final

from kettrack.privacy.release.cells import Printed, ReleaseCell

FILE: Final = "relations.txt"
# Between the parts of a cell's name; no key of a row holds it.
_BETWEEN: Final = "\t"

# Column, how many rows further down, and its weight.
ColumnTerm = tuple[str, int, int]
CellTerm = tuple[ReleaseCell, int]


@dataclass(frozen=True, slots=True)
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
    """

    cells: tuple[tuple[CellTerm, ...], ...] = ()
    columns: Mapping[str, tuple[tuple[ColumnTerm, ...], ...]] = field(
        default_factory=dict
    )
    nested: Mapping[str, tuple[tuple[str, str, int], ...]] = field(default_factory=dict)

    def lines(
        self,
    ) -> Iterator[str]:
        """One line for each."""
        for relation in self.cells:
            terms = [_BETWEEN.join((f"{w:+d}", *cell)) for cell, w in relation]
            yield _BETWEEN.join(("cells", *terms))
        for question, sums in self.columns.items():
            for each in sums:
                terms = [_BETWEEN.join((f"{w:+d}", c, str(k))) for c, k, w in each]
                yield _BETWEEN.join(("columns", question, *terms))
        for question, pairs in self.nested.items():
            for part, whole, down in pairs:
                yield _BETWEEN.join(("nested", question, part, whole, str(down)))

    # Text, so that a change of what always holds can be read line by line.
    @classmethod
    def read(
        cls,
        text: str,
    ) -> Relations:
        """The relations of a text of such lines."""
        cells: list[tuple[CellTerm, ...]] = []
        columns: dict[str, list[tuple[ColumnTerm, ...]]] = {}
        nested: dict[str, list[tuple[str, str, int]]] = {}
        for line in text.splitlines():
            kind, *words = line.split(_BETWEEN)
            if kind == "cells":
                fours = zip(
                    *[iter(words)] * 4,
                    strict=True,
                )
                cells.append(tuple((ReleaseCell(*name), int(w)) for w, *name in fours))
            elif kind == "columns":
                threes = zip(
                    *[iter(words[1:])] * 3,
                    strict=True,
                )
                columns.setdefault(
                    words[0],
                    [],
                ).append(tuple((c, int(k), int(w)) for w, c, k in threes))
            else:
                question, part, whole, down = words
                nested.setdefault(
                    question,
                    [],
                ).append((part, whole, int(down)))
        return cls(
            tuple(cells),
            {question: tuple(each) for question, each in columns.items()},
            {question: tuple(each) for question, each in nested.items()},
        )


@cache
def stored_relations() -> Relations:
    """Those that come with kettrack."""
    text = files("kettrack.privacy.release").joinpath(FILE).read_text(encoding="utf-8")
    return Relations.read(text)


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
