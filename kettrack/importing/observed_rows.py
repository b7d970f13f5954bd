"""Rows of a source that belong to a table, and are observations of somebody: their record numbers
as the source writes them, and words that are no record number.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import Bools
from kettrack.importing.closed_words import as_words
from kettrack.importing.import_map import TableMap
from kettrack.importing.journal import (
    Journal,
    SourceColumn,
)
from kettrack.importing.word_keys import word_key
from kettrack.reading.cells import (
    CONTROL_SIGN,
    NO_CODE,
    ROUNDED_CODE,
)
from kettrack.vocabulary.status_words import (
    NOT_OBSERVED,
    OBSERVED,
    STATUS,
    Meaning,
    bare,
    status_column,
)

_STATES: Final[dict[str, Meaning]] = {
    bare(OBSERVED): OBSERVED,
    bare(NOT_OBSERVED): NOT_OBSERVED,
}
# pattern of what is no record number -> why
_WRONG: Final = {
    NO_CODE: "the word in place of the patient's record number says that there is none",
    ROUNDED_CODE: "a spreadsheet has rounded the patient's record number, so that several people"
    " may share it; give the column the format Text and export it again",
    CONTROL_SIGN: "a control character stands in the patient's record number",
}


def wanted(source: SourceColumn, words: tuple[str, ...]) -> Bools:
    """Cells with one of these words; without words, cells that hold anything."""
    cells = as_words(source)
    if not words:
        return np.asarray(cells.codes >= 0)
    known = {word_key(word) for word in words}
    # A code may be meant by its label.
    hit = [
        word_key(level) in known or word_key(source.label(level)) in known
        for level in cells.levels
    ]
    return np.array([*hit, False], dtype=bool)[cells.codes]


def observed(source: SourceColumn, plan: TableMap, journal: Journal) -> Bools:
    """Rows that a column of statuses lets through; the others are dropped, and said.

    Parameters
    ----------
    source : SourceColumn
        The column that says whether a row is an observation.
    plan : TableMap
        `values` under `status` says what words of the clinic's own mean.
    journal : Journal
        Takes the rows, and asks about words that are not known.
    """
    cells = as_words(source)
    # The word that is printed, empty where a row is observed, to its spellings.
    said: dict[str, list[int]] = {}
    unknown: list[int] = []
    for place, level in enumerate(cells.levels):
        meaning = _meaning(level, source, plan)
        if meaning is None:
            unknown.append(place)
        elif meaning[0] == NOT_OBSERVED:
            said.setdefault(meaning[1], []).append(place)
    out = np.zeros(len(cells.codes), dtype=bool)
    for word, places in said.items():
        hit = np.isin(cells.codes, places)
        reason = f"it is no observation: the status says {word}"
        journal.rows(source.place, hit, "dropped", reason)
        out |= hit
    # Without an answer the careful reading: nobody knows that it took place.
    hit = np.isin(cells.codes, unknown)
    if hit.any() and _asked(source, hit, journal) != OBSERVED:
        reason = "what its status means is not known"
        journal.rows(source.place, hit, "refused", reason)
        out |= hit
    return ~out


def _meaning(
    level: str,
    source: SourceColumn,
    plan: TableMap,
) -> tuple[Meaning, str] | None:
    """What a status says, and its word; what the map says goes first."""
    mapped = plan.values.get("status", {})
    spelled = {word_key(word): target for word, target in mapped.items()}
    own = _STATES.get(bare(spelled.get(word_key(level), "")))
    if own:
        return own, "so, as the map has it"
    kind = status_column(source.place.column, plan.to) or STATUS
    label = source.label(level)
    return kind.meaning(level) or kind.meaning(label)


def _asked(
    source: SourceColumn,
    hit: Bools,
    journal: Journal,
) -> str:
    place = source.place
    where = source.rows_in_words(hit)
    return journal.ask(
        place.key("status"),
        f"Is a row whose status is not known an observation? See {place.named}, {where}.",
        (OBSERVED, NOT_OBSERVED),
        "Rows that are no observation are dropped. To answer for each word, write a line for it"
        " under [tables.values.status].",
    )


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
