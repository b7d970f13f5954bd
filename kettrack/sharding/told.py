"""What was found in parts of a source, told as if it had been found in the whole."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import msgspec

from kettrack.errors import Problem
from kettrack.reading.problems import Ledger
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
    parts: Sequence[Found],
) -> list[tuple[str, int, int]]:
    """Rows and patients left out, added up by reason."""
    rows: Counter[str] = Counter()
    patients: Counter[str] = Counter()
    for part in parts:
        for reason, n_rows, n_patients in part.left_out:
            rows[reason] += n_rows
            patients[reason] += n_patients
    reasons = in_one_order([[one[0] for one in part.left_out] for part in parts])
    return [(reason, rows[reason], patients[reason]) for reason in reasons]


def in_one_order(
    lists: Iterable[Sequence[str]],
) -> list[str]:
    """Words of all lists, once each: a word that a later list has before another one stays before
    it.

    Examples
    --------
    >>> in_one_order([["a", "d"], ["b", "d"], ["a", "c"]])
    ['a', 'b', 'd', 'c']
    """
    order: list[str] = []
    for words in lists:
        place = len(order)
        # From the end: each word stands right before the next one of its list.
        for word in reversed(words):
            if word in order:
                place = order.index(word)
            else:
                order.insert(place, word)
    return order


def notes_of_files(
    parts: Iterable[Found],
) -> list[str]:
    """Notes on the text of files: a number that stands by itself in one counts rows or lines, and
    is added up.

    Examples
    --------
    >>> said = ["a.csv: 2 lines were blank.", "a.csv: 2 lines were blank."]
    >>> notes_of_files([Found(notes=[one]) for one in said])
    ['a.csv: 4 lines were blank.']
    """
    alike = _by_shape(parts)
    return [_added(notes, _BY_ITSELF) for notes in alike.values()]


def notes_of_buckets(
    parts: Sequence[Found],
) -> list[str]:
    """Notes of all buckets: one for those that differ in counts alone. What is told of some buckets
    only is told as that.

    Examples
    --------
    >>> said = ["2 scores were doubtful.", "3 scores were doubtful."]
    >>> notes_of_buckets([Found(notes=[one]) for one in said])
    ['5 scores were doubtful.']
    >>> notes_of_buckets([Found(notes=["A column is empty."]), Found()])
    ['In 1 of 2 buckets: A column is empty.']
    """
    if len(parts) == 1:
        return parts[0].notes
    ledger = Ledger()
    for reason, n_rows, n_patients in left_out_of(parts):
        ledger.leave_out(
            reason,
            n_rows,
            n_patients,
        )
    alike = _by_shape(parts)
    told = [_of_buckets(notes, len(parts)) for notes in alike.values()]
    return [*told, *ledger.notes]


def _by_shape(
    parts: Iterable[Found],
) -> dict[str, list[str]]:
    """Notes that differ in their numbers alone, those on rows left out apart."""
    alike = defaultdict(list)
    orders = []
    for one in parts:
        notes = [note for note in dict.fromkeys(one.notes) if not _tells_rows(note)]
        orders.append([_shape(note) for note in notes])
        for note in notes:
            alike[_shape(note)].append(note)
    return {shape: alike[shape] for shape in in_one_order(orders)}


def _tells_rows(
    note: str,
) -> bool:
    """Whether a note tells of rows left out, which are added up by their reasons."""
    return note.startswith(_LEFT_OUT)


def _shape(
    note: str,
) -> str:
    """A note without its numbers, one or many."""
    plain = _NUMBER.sub("#", note).replace(" was ", " were ")
    return re.sub(r"s\b", "", plain)


def _of_buckets(
    notes: Sequence[str],
    n_buckets: int,
) -> str:
    first = notes[0]
    where = f"In {len(notes)} of {n_buckets} buckets"
    if len(set(notes)) == 1:
        # A count that happens to be the same everywhere is not that of the whole.
        whole = len(notes) == n_buckets and not _BY_ITSELF.search(first)
        return first if whole else f"{where}: {first}"
    # One of several numbers may be a count that happens to be the same, or none.
    if len(_BY_ITSELF.findall(first)) == 1:
        return _added(notes, _BY_ITSELF)
    return f"{where}, such as: {first}"


def _added(
    notes: Sequence[str],
    counts: re.Pattern[str],
) -> str:
    """One note with the sums of the counts in all, in the words of the one with most."""
    numbers = [[int(one) for one in counts.findall(note)] for note in notes]
    sums = [str(sum(each)) for each in zip(*numbers, strict=True)]
    most = notes[numbers.index(max(numbers))]
    rest = iter(sums)
    return counts.sub(lambda _found: next(rest), most)


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
