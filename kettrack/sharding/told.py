"""What was found in parts of a source, told as if it had been found in the whole."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import msgspec

from kettrack.errors import Problem
from kettrack.reading.problems import Ledger, counted
from kettrack.sharding.source_files import LINES_A_FILE, SourceFile

_NUMBER: Final = re.compile(r"\d+")
# Not part of a name such as PHQ-9.
_BY_ITSELF: Final = re.compile(r"(?<![\w-])\d+")
_LEFT_OUT: Final = "Left out: "


class Found(msgspec.Struct, frozen=True):
    """What a ledger holds, as it is kept between two runs.

    Parameters
    ----------
    problems, notes, left_out, decisions : list
        As in `Ledger`.
    """

    problems: list[Problem] = []
    notes: list[str] = []
    left_out: list[tuple[str, int, int]] = []
    decisions: list[tuple[str, str]] = []


def found_in(
    ledger: Ledger,
) -> Found:
    """What a ledger holds."""
    return Found(
        problems=ledger.problems,
        notes=ledger.notes,
        left_out=ledger.left_out,
        decisions=ledger.decisions,
    )


def problems_of(
    parts: Iterable[Found],
    files: Sequence[SourceFile],
) -> list[Problem]:
    """All problems, once each, with the file and line of the source."""
    by_table = defaultdict(list)
    for one in files:
        by_table[one.table].append(one)
    told: dict[Problem, None] = {}
    for part in parts:
        for problem in part.problems:
            placed = _in_source(problem, by_table)
            # What is wrong with the names of columns is found in every part.
            told[placed] = None
    return list(told)


def _in_source(
    problem: Problem,
    files: Mapping[str, Sequence[SourceFile]],
) -> Problem:
    """A problem whose line tells of which file of a table it is."""
    here = files.get(problem.file, ())
    if not problem.line or not here:
        return problem
    place, line = divmod(problem.line, LINES_A_FILE)
    return replace(
        problem,
        file=here[place].file,
        line=line,
    )


def left_out_of(
    parts: Iterable[Found],
) -> list[tuple[str, int, int]]:
    """Rows and patients left out, added up by reason."""
    rows: Counter[str] = Counter()
    patients: Counter[str] = Counter()
    for part in parts:
        for reason, n_rows, n_patients in part.left_out:
            rows[reason] += n_rows
            patients[reason] += n_patients
    return [(reason, rows[reason], patients[reason]) for reason in rows]


def notes_of(
    parts: Sequence[Found],
    part: str,
) -> list[str]:
    """Notes of all parts: one for those that differ in counts alone.

    Parameters
    ----------
    parts : sequence of Found
        All there are.
    part : str
        What one is called, such as `bucket`.

    Examples
    --------
    >>> said = ["2 lines were blank.", "3 lines were blank."]
    >>> notes_of([Found(notes=[one]) for one in said], "block")
    ['5 lines were blank.']
    >>> notes_of([Found(notes=["It starts with a mark."]), Found()], "block")
    ['In 1 of 2 blocks: It starts with a mark.']
    """
    ledger = Ledger()
    for reason, n_rows, n_patients in left_out_of(parts):
        ledger.leave_out(
            reason,
            n_rows,
            n_patients,
        )
    alike: dict[str, list[str]] = {}
    for one in parts:
        for note in dict.fromkeys(one.notes):
            if not note.startswith(_LEFT_OUT):
                alike.setdefault(_shape(note), []).append(note)
    told = [
        _as_one(
            notes,
            len(parts),
            part,
        )
        for notes in alike.values()
    ]
    return [*told, *ledger.notes]


def _shape(
    note: str,
) -> str:
    """A note without its numbers, one or many."""
    plain = _NUMBER.sub("#", note).replace(" was ", " were ")
    return re.sub(
        r"s\b",
        "",
        plain,
    )


def _as_one(
    notes: Sequence[str],
    n_parts: int,
    part: str,
) -> str:
    whole = counted(n_parts, part)
    if len(set(notes)) == 1:
        note = notes[0]
        everywhere = len(notes) == n_parts
        # A count that happens to be the same everywhere is not that of the whole.
        said_once = everywhere and (n_parts == 1 or not _BY_ITSELF.search(note))
        return note if said_once else f"In {len(notes)} of {whole}: {note}"
    numbers = [[int(one) for one in _NUMBER.findall(note)] for note in notes]
    by_place = list(zip(*numbers, strict=True))
    same = [len(set(each)) == 1 for each in by_place]
    # The one with the largest counts: its words are those of many.
    note = notes[numbers.index(max(numbers))]
    places = list(_NUMBER.finditer(note))
    lone = {found.start() for found in _BY_ITSELF.finditer(note)}
    if any(
        alike and at.start() in lone
        for alike, at in zip(
            same,
            places,
            strict=True,
        )
    ):
        return f"In {len(notes)} of {whole}, such as: {note}"
    sums = iter(
        str(each[0] if alike else sum(each))
        for alike, each in zip(
            same,
            by_place,
            strict=True,
        )
    )
    return _NUMBER.sub(lambda _found: next(sums), note)


def contradictions_in(
    parts: Iterable[Found],
) -> list[str]:
    """What was decided in one way in some parts and otherwise in others."""
    ways = defaultdict(set)
    for part in parts:
        for what, how in part.decisions:
            ways[what].add(how)
    return [
        f"{what} ({' in some buckets, '.join(sorted(how))} in others)"
        for what, how in ways.items()
        if len(how) > 1
    ]
