"""What always holds between the numbers of kettrack's tables, learned from simulated clinics as a
stranger could: which are always equal, which are the sum of two others, which columns add up.

Nothing here reads what the package itself says of its tables. `python -m kettrack.trials.relations
FILE` writes what it finds.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Floats, Ints
from kettrack.privacy.release.cells import (
    Printed,
    Release,
    ReleaseCell,
    read_counts,
    tried_sums,
)
from kettrack.privacy.release.relations import CellTerm, ColumnTerm, Relations
from kettrack.result import Role
from kettrack.trials.simulated_answers import Clinics, simulated, without_null

# What holds in all of one group is learned, also where a clinic of another group breaks it: what
# nearly always holds tells nearly as much.
GROUPS: Final[tuple[Clinics, ...]] = (("clinic", 7_000, 40), ("clinic", 89_976, 24))
# Of fewer clinics, and of the large ones among them, which have rows that small ones lack; what
# those of other seeds break is left out.
_FEWER: Final[tuple[Clinics, ...]] = (
    ("clinic", 80_008, 8),
    ("measured", 81_000, 5),
)
_JUDGES: Final[tuple[Clinics, ...]] = (
    ("clinic", 80_000, 8),
    ("measured", 81_005, 5),
)
_MANY: Final = 180  # people
# Of things and not of people: people are no part of them.
THINGS: Final = frozenset({"sessions", "events", "unrecorded", "n_rows", "trials"})
# Columns of people with a value, among everybody: no sum shows it, the words of the table do.
RECORDED: Final = {"baseline_table": ("n",)}
# People with a record at each session. Where nothing is forgotten, each row is a part of the one
# before; the simulated clinics forget some.
FALLING: Final = {"dissociation_over_sessions": ("n",)}
# A number that is nearly always 0 equals many others by chance.
FEWEST_CLINICS: Final = 9
_FEWEST_ROWS: Final = 30
_FULL_ROWS: Final = 60  # of a table with a row a day only the columns are looked at
_SEED: Final = 20261129


def learn(clinics: Sequence[Release]) -> Relations:
    """Every relation that holds in all of the clinics."""
    samples = _samples(clinics)
    roles = {q: printed.roles for release in clinics for q, printed in release.items()}
    nested = {
        q: _nested(
            rows,
            roles[q],
        )
        for q, rows in samples.items()
    }
    for question, columns in FALLING.items():
        if question in nested:
            steps = [
                (
                    column,
                    column,
                    1,
                )
                for column in columns
            ]
            known = [*nested[question], *steps]
            nested[question] = tuple(dict.fromkeys(known))
    return Relations(
        _between_cells(clinics),
        _columns(samples),
        nested,
        RECORDED,
    )


def never_broken(
    found: Relations,
    clinics: Sequence[Release],
) -> Relations:
    """What no clinic breaks that has all of its cells: what holds in some by chance is gone.

    Parameters
    ----------
    found : Relations
        Learned from other clinics.
    clinics : sequence of Release
        Of other seeds, and other scenarios.
    """
    counts = [_with_sums(release) for release in clinics]
    kept = tuple(
        relation
        for relation in found.cells
        if not any(_breaks(relation, one) for one in counts)
    )
    return replace(found, cells=kept)


def _breaks(
    relation: Iterable[CellTerm],
    counts: Mapping[ReleaseCell, int],
) -> bool:
    total = 0
    for cell, weight in relation:
        # A clinic without the row says nothing.
        if cell not in counts:
            return False
        total += weight * counts[cell]
    return total != 0


def _between_cells(
    clinics: Sequence[Release],
) -> tuple[tuple[CellTerm, ...], ...]:
    counts = [_with_sums(release) for release in clinics]
    names = sorted({cell for one in counts for cell in one})
    values = np.array(
        [[one.get(cell, 0) for one in counts] for cell in names],
        dtype=np.int64,
    )
    alive = (values != 0).sum(axis=1) >= min(
        FEWEST_CLINICS,
        len(clinics),
    )
    names = [
        cell
        for cell, kept in zip(
            names,
            alive,
            strict=True,
        )
        if kept
    ]
    values = values[alive]
    same, relations = _equal(names, values)
    relations += _sums_of_two(
        [names[k] for k in same],
        values[same],
    )
    return tuple(relations)


def _with_sums(release: Release) -> dict[ReleaseCell, int]:
    """The counts of a clinic with the sums that a reader would try."""
    short = {q: p for q, p in release.items() if len(p.table) <= _FULL_ROWS}
    counts = read_counts(short)
    for cell, parts in tried_sums(short).items():
        if all(part in counts for part in parts):
            counts[cell] = sum(counts[part] for part in parts)
    return counts


def _hashes(values: Ints) -> Ints:
    """One number for what a cell holds in all clinics; sums of cells have sums of these."""
    weights = np.random.default_rng(_SEED).integers(
        1,
        2**62,
        values.shape[1],
    )
    with np.errstate(over="ignore"):
        found: Ints = values @ weights
    return found


def _equal(
    names: list[ReleaseCell], values: Ints
) -> tuple[list[int], list[tuple[CellTerm, ...]]]:
    """The first cell of each class of equal ones, and the others of the class against it."""
    first: dict[int, int] = {}
    relations: list[tuple[CellTerm, ...]] = []
    for place, code in enumerate(_hashes(values).tolist()):
        if code in first:
            relations.append(((names[first[code]], 1), (names[place], -1)))
        else:
            first[code] = place
    return list(first.values()), relations


def _sums_of_two(
    names: list[ReleaseCell],
    values: Ints,
) -> list[tuple[CellTerm, ...]]:
    """Cells that are the sum of two others."""
    # Millions of pairs: one sorted list of sums is looked up instead of each pair by itself.
    codes = _hashes(values)
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    relations: list[tuple[CellTerm, ...]] = []
    for place in range(len(names)):
        with np.errstate(over="ignore"):
            wanted = codes[place] + codes[place:]
        found = np.searchsorted(
            ordered,
            wanted,
        )
        found[found == len(ordered)] = 0
        for other in np.flatnonzero(ordered[found] == wanted):
            whole = int(order[found[other]])
            part = place + int(other)
            if len({whole, part, place}) == 3:
                terms = ((names[whole], 1), (names[place], -1), (names[part], -1))
                relations += [] if _says_nothing(terms) else [terms]
    return relations


def _says_nothing(terms: Iterable[CellTerm]) -> bool:
    """Whether it only says what a sum is: the first five rows are the first four and the fifth."""
    columns = {
        (cell.question, cell.column.removeprefix("sum of ")) for cell, _ in terms
    }
    return len(columns) == 1 and any(c.column.startswith("sum of ") for c, _ in terms)


def _samples(
    clinics: Sequence[Release],
) -> dict[str, pd.DataFrame]:
    """All rows of all clinics, each beside the next one, by question."""
    samples: dict[str, list[pd.DataFrame]] = defaultdict(list)
    for release in clinics:
        for question, printed in release.items():
            samples[question].append(_pairs(printed))
    return {question: pd.concat(frames) for question, frames in samples.items()}


def _pairs(printed: Printed) -> pd.DataFrame:
    """The counts of each row beside those of the next row of the same part of the table."""
    numbers = printed.table[printed.counts].astype("Float64").reset_index(drop=True)
    parts = printed.parts
    after = numbers.shift(-1)
    after[
        parts
        != np.append(
            parts[1:],
            -1,
        )
    ] = pd.NA
    return pd.DataFrame(
        {(c, 0): numbers[c] for c in numbers} | {(c, 1): after[c] for c in numbers}
    )


def _columns(
    samples: Mapping[str, pd.DataFrame],
) -> dict[str, tuple[tuple[ColumnTerm, ...], ...]]:
    """Sums of the columns of a row and the next that are always 0."""
    found = {}
    for question, frame in samples.items():
        # A row with a missing number says nothing of how columns hang together.
        rows = frame.dropna(
            axis=1,
            how="all",
        ).dropna()
        found[question] = tuple(
            tuple(
                (str(c), int(down), int(weight))
                for (c, down), weight in zip(
                    _names(rows),
                    vector,
                    strict=True,
                )
                if weight
            )
            for vector in null_space(rows.to_numpy(float))
        )
    return found


def _nested(
    rows: pd.DataFrame, roles: Mapping[str, Role]
) -> tuple[tuple[str, str, int], ...]:
    """Columns of which one is never larger than another: a part of its denominator in the same row,
    and what is left of a number in the next.
    """
    things = THINGS if "sessions" in roles or "trials" in roles else frozenset()
    kept = []
    for whole in dict.fromkeys(column for column, _ in _names(rows)):
        for part, down in _names(rows):
            wanted = bool(down) == (part == whole)
            left = roles[whole] == "running" and part == whole
            if not wanted or not (left or roles[whole] == "denominator"):
                continue
            if (part in things) != (whole in things):
                continue
            both = rows[[(whole, 0), (part, down)]].dropna().to_numpy(float)
            rest = both[:, 0] - both[:, 1]
            if len(rest) > _FEWEST_ROWS and (rest >= 0).all() and (rest > 0).any():
                kept.append((str(part), str(whole), int(down)))
    return tuple(kept)


def _names(
    rows: pd.DataFrame,
) -> list[tuple[str, int]]:
    """Column and how many rows further down."""
    return [(str(name[0]), int(name[1])) for name in rows.columns.to_flat_index()]


def null_space(rows: Floats) -> list[Ints]:
    """Whole-number combinations of columns that are 0 in every row."""
    if len(rows) < 2 * rows.shape[1]:
        return []
    reduced, pivots = _echelon(rows)
    vectors = []
    for column in sorted(set(range(rows.shape[1])) - set(pivots)):
        vector = np.zeros(rows.shape[1])
        vector[column] = 1
        vector[pivots] = -reduced[: len(pivots), column]
        whole = np.round(vector)
        # A combination with fractions is chance, or no sum of people.
        if np.abs(vector - whole).max() < 1e-6 and not (rows @ whole).any():
            vectors.append(whole.astype(np.int64))
    return vectors


def _echelon(
    rows: Floats,
) -> tuple[Floats, list[int]]:
    """Gauss with the largest pivot: the reduced rows and the columns of their pivots."""
    work = np.array(np.linalg.qr(rows)[1] if len(rows) > rows.shape[1] else rows)
    pivots: list[int] = []
    scale = np.abs(work).max(initial=1.0)
    for column in range(work.shape[1]):
        at = len(pivots)
        if at == len(work):
            break
        best = at + int(np.argmax(np.abs(work[at:, column])))
        if abs(work[best, column]) < 1e-8 * scale:
            continue
        work[[at, best]] = work[[best, at]]
        work[at] /= work[at, column]
        others: Bools = np.arange(len(work)) != at
        work[others] -= np.outer(
            work[others, column],
            work[at],
        )
        pivots.append(column)
    return work, pivots


def learned() -> Relations:
    """What clinics of many sizes teach."""
    found = Relations()
    for group in GROUPS:
        found = found.joined(learn([*simulated([group]).values()]))
    few = simulated(_FEWER)
    large = [release for (_, n), release in few.items() if n >= _MANY]
    more = Relations(
        cells=learn([*few.values()]).cells,
    ).joined(
        Relations(cells=learn(large).cells),
    )
    others = simulated(_JUDGES)
    kept = never_broken(
        more,
        [*few.values(), *others.values()],
    )
    return found.joined(kept)


def main(arguments: Sequence[str]) -> None:
    """Learn anew, and write what was found."""
    parser = argparse.ArgumentParser(
        prog="relations", description="Learn what always holds between tables."
    )
    parser.add_argument(
        "file",
        type=Path,
        help="where to write what was found",
    )
    asked = parser.parse_args(arguments)
    with without_null():
        lines = sorted(learned().lines())
    asked.file.write_text(
        "\n".join(lines) + "\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main(sys.argv[1:])
