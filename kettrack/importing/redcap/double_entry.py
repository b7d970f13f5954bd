"""Projects with double data entry: each record stands in an export twice, as 17--1 and 17--2."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import Ints
from kettrack.importing.delimited import Delimited
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import (
    OpenQuestion,
    Remarks,
)
from kettrack.reading.problems import counted

_KEY: Final = "double_entry"
_FIRST: Final = "the first entry, --1"
_SECOND: Final = "the second entry, --2"
_MERGED: Final = "the record without an ending, where two people's entries were merged"
_CHOICES: Final = (_FIRST, _SECOND, _MERGED)


def one_entry_each(
    export: Delimited,
    record: int,
    answers: Answers,
    remarks: Remarks,
) -> tuple[Delimited, Ints]:
    """Keep one of the entries of each record.

    Parameters
    ----------
    export : Delimited
        The file.
    record : int
        Place of the record's number.
    answers : mapping
        To the question which entry counts.
    remarks : Remarks
        Takes the rows of the other entry, and the question.

    Returns
    -------
    export, lines
        The export without the other entries, and the lines of those.
    """
    numbers = pc.fill_null(export.columns[record], "")
    twice = pc.match_substring_regex(numbers, r"--[12]$")
    n_twice = int(pc.sum(twice).as_py() or 0)
    if not n_twice:
        return export, np.array([], dtype=np.int64)
    question = OpenQuestion(
        key=_KEY,
        asks=f"In {counted(n_twice, 'row')} the number of the record ends with --1 or --2:"
        " two people entered it, each for themselves. Which entry counts?",
        choices=_CHOICES,
        why="Otherwise each patient is counted as two.",
    )
    answer = remarks.answer(question, answers)
    if not answer:
        return export, np.array([], dtype=np.int64)
    kept = pc.invert(twice)
    if answer != _MERGED:
        kept = pc.ends_with(numbers, "--1" if answer == _FIRST else "--2")
    keeps = kept.to_numpy(zero_copy_only=False)
    lines = export.lines[~keeps]
    why = "another entry of the same record counts (double data entry)"
    remarks.drop_rows(export.file, export.file, lines.tolist(), why)
    columns = [column.filter(kept) for column in export.columns]
    columns[record] = _without_ending(columns[record])
    chosen = replace(export, columns=tuple(columns), lines=export.lines[keeps])
    return chosen, lines


def _without_ending(
    numbers: pa.Array,
) -> pa.Array:
    return pc.replace_substring_regex(numbers, r"--[12]$", "")
