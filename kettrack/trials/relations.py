"""What always holds between the numbers of kettrack's tables, learned from simulated clinics as a
stranger could: which are always equal, which are the sum of two others, which columns add up.

Nothing here reads what the package itself says of its tables. `python -m kettrack.trials.relations
FILE` writes what it finds.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis import estimate
from kettrack.analysis.registry import load_questions
from kettrack.arrays import Bools, Floats, Ints
from kettrack.errors import KettrackError
from kettrack.privacy.release.cells import (
    Printed,
    Release,
    ReleaseCell,
    read_counts,
    release_of,
    tried_sums,
)
from kettrack.privacy.release.relations import CellTerm, ColumnTerm, Relations
from kettrack.reading.cohort import Cohort
from kettrack.reading.load import cohort_from_frames
from kettrack.result import Result, Role
from kettrack.settings import Settings
from kettrack.simulation.cohort import simulate
from kettrack.simulation.presets import SCENARIOS
from kettrack.timelines.derived import derive

# Groups that every simulated clinic has.
GROUPED_BY: Final = ("route", "severity", "sex")
# These simulate clinics or draw people anew: minutes each, and no count of their own.
SLOW: Final = frozenset(
    {
        "calibration",
        "stop_after_calibration",
        "stop_after",
        "sessions_and_change",
        "next_session",
        "next_session_maintenance",
        "specification",
    }
)
SIZES: Final = (60, 240, 120, 400, 600, 40, 180, 300)
# Scenario, first seed, and number of clinics.
Clinics = tuple[str, int, int]
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
_FEW: Final = {"replicates": 20}


def clinic(
    seed: int,
    n: int,
    policy: str = "internal",
    *,
    later: int = 0,
    scenario: str = "clinic",
) -> Cohort:
    """A simulated clinic as the front door lets it in.

    Parameters
    ----------
    seed, n : int
        As for `simulate`.
    policy : str
        In force.
    later : int
        Of the n people, how many have not come yet.
    scenario : str
        Name of one with sites, drugs and all other columns: clinic, measured or clinic-null.
    """
    made = simulate(
        SCENARIOS[scenario],
        n,
        seed,
    )
    there = made.patients["patient_id"].iloc[: n - later]
    tables = [
        table[table["patient_id"].isin(there)]
        for table in (
            made.sessions,
            made.scores,
            made.patients,
            made.events,
        )
    ]
    return cohort_from_frames(
        *tables,
        settings=Settings(policy=policy),
    )


def answers(
    cohort: Cohort,
    names: Iterable[str] = (),
) -> list[Result]:
    """Everything that can be asked of a clinic in seconds, of everybody and by group.

    Parameters
    ----------
    cohort : Cohort
        Under the policy in force.
    names : iterable of str
        Only these questions; all where none is named.
    """
    # Derived once: what all questions need is worked out for the first.
    derived = derive(cohort)
    found = []
    for name, by, few in asked_for(names):
        # Some clinic has no such group.
        with suppress(KettrackError):
            found.append(estimate(name, derived, by=by, **few))
    return found


def asked_for(
    names: Iterable[str] = (),
) -> Iterator[tuple[str, str | None, dict[str, Any]]]:
    """Each question that takes seconds, of everybody and by group: its name, the group, and options
    that make it quick.

    Parameters
    ----------
    names : iterable of str
        Only these questions; all where none is named.
    """
    wanted = set(names)
    for name, asked in load_questions().items():
        if name in SLOW or (wanted and name not in wanted):
            continue
        yield name, None, _FEW if "replicates" in asked.options else {}
        if asked.by_group:
            yield from ((name, by, {}) for by in GROUPED_BY)


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


def never_broken(found: Relations, clinics: Sequence[Release]) -> Relations:
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
    order = np.argsort(codes)
    ordered = codes[order]
    relations: list[tuple[CellTerm, ...]] = []
    for place in range(len(names)):
        with np.errstate(over="ignore"):
            wanted = codes[place] + codes[place:]
        found = np.searchsorted(ordered, wanted)
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
        rows = frame.dropna(axis=1, how="all").dropna()
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


def simulated(groups: Iterable[Clinics], fewest: int = 0) -> list[Release]:
    """The answers of simulated clinics, each of the size of its seed; none of fewer people."""
    return [
        release_of(answers(clinic(seed, size_of(seed), scenario=scenario)))
        for scenario, first, number in groups
        for seed in range(first, first + number)
        if size_of(seed) >= fewest
    ]


def size_of(seed: int) -> int:
    """How many people the clinic of a seed has."""
    return SIZES[seed % len(SIZES)]


def main(file: Path) -> None:
    """Learn from clinics of many sizes and write what was found."""
    found = Relations()
    for group in GROUPS:
        found = found.joined(learn(simulated([group])))
    few = simulated(_FEWER)
    large = learn(simulated(_FEWER, _MANY))
    more = Relations(
        cells=learn(few).cells,
    ).joined(
        Relations(cells=large.cells),
    )
    others = simulated(_JUDGES)
    kept = never_broken(
        more,
        [*few, *others],
    )
    found = found.joined(kept)
    lines = sorted(found.lines())
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
