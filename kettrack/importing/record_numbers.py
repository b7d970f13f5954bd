"""Record numbers of patients as the source writes them, and words that are no record number."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import Bools
from kettrack.importing.closed_words import as_words
from kettrack.importing.journal import Journal, SourceColumn
from kettrack.reading.cells import (
    CONTROL_SIGN,
    NO_CODE,
    ROUNDED_CODE,
)

# pattern of what is no record number -> why
_WRONG: Final = {
    NO_CODE: "the word in place of the patient's record number says that there is none",
    ROUNDED_CODE: "a spreadsheet has rounded the patient's record number, so that several people"
    " may share it; give the column the format Text and export it again",
    CONTROL_SIGN: "a control character stands in the patient's record number",
}


def read_record_numbers(source: SourceColumn, journal: Journal) -> pa.Array:
    """Record numbers as text; null where the row has none, which is then refused.

    Parameters
    ----------
    source : SourceColumn
        Text stays as it is but for blanks around it: 007, 7 and 1E3 are three patients.
    journal : Journal
        Takes the rows that are refused.
    """
    cells = as_words(source)
    levels = pa.array(cells.levels, pa.string())
    wrong = np.zeros(len(levels) + 1, dtype=bool)
    for pattern, reason in _WRONG.items():
        hit = _like(levels, pattern)
        journal.rows(source.place, hit[cells.codes], "refused", reason)
        wrong |= hit
    # Blanks and words such as NA are both nothing.
    empty = cells.codes < 0
    journal.rows(
        source.place,
        empty,
        "refused",
        "no record number of a patient stands in it",
    )
    numbers = pa.concat_arrays([levels, pa.array([None], pa.string())])
    places = np.where(empty | wrong[cells.codes], len(levels), cells.codes)
    return numbers.take(pa.array(places))


def _like(levels: pa.Array, pattern: str) -> Bools:
    """Which levels fit, with an entry appended for code -1."""
    hit = pc.match_substring_regex(levels, pattern).to_numpy(zero_copy_only=False)
    return np.append(np.asarray(hit, dtype=bool), False)
