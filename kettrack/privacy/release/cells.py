"""The numbers of a release one by one: counts, counts that shares tell, sums that a reader would
try, and what a part leaves of its whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Ints
from kettrack.privacy.release.columns import counts_behind
from kettrack.privacy.release.step_blocks import (
    blocks_of,
    counted_columns,
    is_merged,
    one_curve,
)
from kettrack.result import Result, Role
from kettrack.vocabulary.made_of import IncidenceCurve

COUNTS: Final = ("count", "running", "denominator")
_ADDED_UP_TO: Final = 60  # a longer table has a row a day, and nobody adds those up
# Of a curve: all who left for another cause than the first, up to a step.
OTHERS: Final = "sum of the others"
_NEAR: Final = (
    1e-6  # of a whole number: what is left of it after dividing and multiplying
)


class ReleaseCell(NamedTuple):
    """Where a number of a release stands."""

    question: str
    row: str
    column: str


class Printed(NamedTuple):
    """A table as it is printed, and what its columns are.

    Parameters
    ----------
    table : DataFrame
        Numbers that are hidden are missing.
    roles : mapping
        Column to role.
    curve : IncidenceCurve, optional
        Where the table is one curve: a policy then rounds the sums so far and not each step, or
        takes steps together.
    behind : mapping
        Figures to the counts of their row that they are made of.
    """

    table: pd.DataFrame
    roles: Mapping[str, Role]
    curve: IncidenceCurve | None = None
    behind: Mapping[str, frozenset[str]] = MappingProxyType({})

    @classmethod
    def of(cls, result: Result) -> Printed:
        """The table of a result."""
        return cls(
            result.table,
            result.roles,
            one_curve(result.recipes, result.table),
            counts_behind(result.recipes),
        )

    @property
    def merged(self) -> bool:
        """Whether it is a curve of which some steps are taken together."""
        return self.curve is not None and is_merged(self.curve, self.table)

    @property
    def rows(self) -> list[str]:
        """The key of each row, as text."""
        key = next(column for column, role in self.roles.items() if role == "key")
        return [str(value) for value in self.table[key]]

    @property
    def counts(self) -> list[str]:
        """Columns that count people, sessions or scores."""
        return [str(c) for c in self.table if self.roles.get(str(c)) in COUNTS]

    @property
    def parts(self) -> Ints:
        """Runs of rows with the same words, numbered: a table of several rules has several."""
        table = self.table
        labels = [
            c
            for c in table
            if self.roles.get(str(c)) == "label"
            and not pd.api.types.is_numeric_dtype(table[c])
        ]
        if not labels:
            return np.zeros(len(table), np.int64)
        # A new run begins where the words change, so that two parts with the same words stay apart.
        begins: Bools = np.arange(len(table)) == 0
        for label in labels:
            words = table[label].astype(str).fillna("").to_numpy(object)
            begins[1:] |= words[1:] != words[:-1]
        return np.cumsum(begins, dtype=np.int64)


Release = Mapping[str, Printed]


def release_of(results: Iterable[Result]) -> Release:
    """The tables of some answers by question, but for those with a row for each patient: no policy
    releases them.
    """
    return {
        each.name: Printed.of(each)
        for each in results
        if len(each.table) and "person" not in each.roles.values()
    }


def printed_places(release: Release) -> Iterator[ReleaseCell]:
    """Every count of a release, hidden or not."""
    for question, printed in release.items():
        if len(printed.table):
            rows = printed.rows
            yield from (
                ReleaseCell(question, row, c) for c in printed.counts for row in rows
            )


def read_counts(release: Release) -> dict[ReleaseCell, int]:
    """Every count that can be read, as it stands or from a share of a number that can."""
    found: dict[ReleaseCell, int] = {}
    for question, printed in release.items():
        # A refusal has no table.
        if printed.table.empty:
            continue
        if printed.merged:
            found |= _sums_so_far(question, printed)
            continue
        found |= _as_they_stand(
            question,
            printed,
            printed.counts,
        )
        found |= _told_by_shares(question, printed, printed.rows)
    return found


def read_rounded_counts(release: Release) -> dict[ReleaseCell, int]:
    """Every number that a policy has rounded by itself; what is made of those tells no more."""
    found: dict[ReleaseCell, int] = {}
    for question, printed in release.items():
        if printed.table.empty:
            continue
        if printed.curve is None:
            found |= _as_they_stand(question, printed, printed.counts)
        else:
            found |= _sums_so_far(question, printed)
    return found


def _sums_so_far(question: str, printed: Printed) -> dict[ReleaseCell, int]:
    """Of a curve the sums up to each step that shows them, and its other columns as they stand.

    A count stands for all steps since the last one that shows its column.
    """
    curve = printed.curve
    assert curve is not None, "only a curve has sums so far"
    steps = counted_columns(curve)
    rows = printed.rows
    others = [c for c in printed.counts if c not in (*steps, curve.at_risk)]
    found = _as_they_stand(
        question,
        printed,
        others,
    )
    for column in steps:
        known = printed.table[column].dropna().astype("int64")
        places = np.flatnonzero(printed.table[column].notna()).tolist()
        for at, total in zip(places, known.cumsum(), strict=True):
            cell = _sum_to(
                question,
                rows,
                at,
                column,
            )
            found[cell] = int(total)
    blocks = blocks_of(curve, printed.table) if printed.merged else None
    if blocks is not None:
        for at, total in zip(blocks.rows, np.cumsum(blocks.others), strict=True):
            found[ReleaseCell(question, f"to {rows[at]}", OTHERS)] = int(total)
    return found


def _sum_to(question: str, rows: list[str], at: int, column: str) -> ReleaseCell:
    """The name of a sum from the first row down to one; the first row is no sum."""
    if at == 0:
        return ReleaseCell(question, rows[0], column)
    return ReleaseCell(question, f"to {rows[at]}", f"sum of {column}")


def _as_they_stand(
    question: str, printed: Printed, columns: Iterable[str]
) -> dict[ReleaseCell, int]:
    rows = printed.rows
    return {
        ReleaseCell(question, row, column): int(value)
        for column in columns
        for row, value in zip(rows, printed.table[column], strict=True)
        if pd.notna(value)
    }


def _told_by_shares(
    question: str, printed: Printed, rows: list[str]
) -> dict[ReleaseCell, int]:
    """A share of a known number is a count: 13.6 % of 22 are 3."""
    table = printed.table
    roles = printed.roles
    wholes = [str(c) for c in table if roles.get(str(c)) == "denominator"]
    shares = [str(c) for c in table if roles.get(str(c)) == "derived"]
    numbers = {
        column: pd.to_numeric(table[column], errors="coerce")
        .astype("Float64")
        .to_numpy(float, na_value=np.nan)
        for column in [*wholes, *shares]
    }
    found = {}
    for share in shares:
        for whole in wholes:
            count = numbers[share] * numbers[whole] / 100
            there = ~np.isnan(count)
            far = np.abs(count - np.round(count)) > _NEAR
            far |= count < 0  # a net benefit can be below 0, a number of people cannot
            # Only a share of this very whole gives whole numbers in every row.
            if there.any() and not far[there].any():
                for at in np.flatnonzero(there):
                    cell = ReleaseCell(question, rows[at], f"{share} of {whole}")
                    found[cell] = round(count[at])
    return found


def tried_sums(release: Release) -> dict[ReleaseCell, tuple[ReleaseCell, ...]]:
    """Sums over rows that a reader would try: of rows with the same label, of all rows, and of
    counts from the top down.
    """
    sums: dict[ReleaseCell, tuple[ReleaseCell, ...]] = {}
    for question, printed in release.items():
        if not 1 < len(printed.table) <= _ADDED_UP_TO:
            continue
        rows = printed.rows
        same = _same_label(printed)
        down = {
            f"to {rows[k]}": range(k + 1)
            for k in range(
                1,
                len(rows),
            )
        }
        for column in printed.counts:
            role = printed.roles[column]
            # Numbers at risk hold the same people again and again: their sum is of nobody.
            groups = {} if role == "running" else same
            groups = groups | down if role == "count" else groups
            cells = [ReleaseCell(question, row, column) for row in rows]
            for name, places in groups.items():
                parts = tuple([cells[p] for p in places])
                sums[ReleaseCell(question, name, f"sum of {column}")] = parts
        if printed.curve is not None:
            others = [*printed.curve.causes.values()][1:]
            for at, row in enumerate(rows):
                parts = tuple(
                    ReleaseCell(question, each, c)
                    for each in rows[: at + 1]
                    for c in others
                )
                sums[ReleaseCell(question, f"to {row}", OTHERS)] = parts
    return sums


def _same_label(printed: Printed) -> dict[str, Sequence[int]]:
    """All rows, and the rows that share a label."""
    table = printed.table
    roles = printed.roles
    groups: dict[str, Sequence[int]] = {"all": range(len(table))}
    for label in table:
        if roles.get(str(label)) != "label":
            continue
        words = table[label].astype(str).fillna("")
        for value in words.unique():
            places = np.flatnonzero(words == value).tolist()
            if 1 < len(places) < len(table):
                groups[f"{label}={value}"] = places
    return groups


class Rest(NamedTuple):
    """What a part leaves of its whole: people too."""

    whole: ReleaseCell
    part: ReleaseCell
    rest: ReleaseCell


def rests_of(
    release: Release, nested: Mapping[str, Sequence[tuple[str, str, int]]]
) -> Iterator[Rest]:
    """Every rest of a release.

    Parameters
    ----------
    release : mapping
        Question to printed table.
    nested : mapping
        Question to columns of which one is part of another, and how many rows further down it
        stands.
    """
    for question, printed in release.items():
        if printed.table.empty or question not in nested:
            continue
        rows = printed.rows
        parts = printed.parts
        there = set(printed.counts)
        for part, whole, down in nested[question]:
            if not {part, whole} <= there:
                continue
            name = f"{whole} without {part}{' next' * down}"
            for at in range(len(rows) - down):
                if parts[at] == parts[at + down]:
                    yield Rest(
                        whole=ReleaseCell(question, rows[at], whole),
                        part=ReleaseCell(question, rows[at + down], part),
                        rest=ReleaseCell(question, rows[at], name),
                    )


def unrecorded_of(
    release: Release, recorded: Mapping[str, Sequence[str]]
) -> Iterator[Rest]:
    """Whom each row lacks of the largest number of its column: people without a value.

    Parameters
    ----------
    release : mapping
        Question to table, before anything was hidden: the largest number is sought in it.
    recorded : mapping
        Question to columns of people with a value.
    """
    for question, printed in release.items():
        if question not in recorded:
            continue
        for column in recorded[question]:
            numbers = printed.table[column].astype("Float64")
            if not numbers.notna().any():
                continue
            rows = printed.rows
            largest = int(numbers.argmax())
            whole = ReleaseCell(question, rows[largest], column)
            for row in rows:
                yield Rest(
                    whole=whole,
                    part=ReleaseCell(question, row, column),
                    rest=ReleaseCell(question, row, f"everybody without {column}"),
                )
