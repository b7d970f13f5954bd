"""Rows that are no observation: left out before their cells are read, each with its reason and
counted.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from kettrack.arrays import Bools
from kettrack.reading.headers import Matched, shown_header
from kettrack.reading.problems import Ledger, counted, show
from kettrack.reading.raw import Cells
from kettrack.settings import SETTINGS_FILE, Settings
from kettrack.vocabulary.status_words import (
    EMPTY,
    NOT_OBSERVED,
    OBSERVED,
    Meaning,
    StatusColumn,
    status_column,
)
from kettrack.vocabulary.total_words import is_no_code

# REDCap writes one row per event of a study and fills only the form that belongs to it.
_BLOCK_MATRIX: Final = "redcap_"
# Filled by the export itself also where nobody was seen.
_NOT_TELLING: Final = ("patient_id", "instrument")


def only_observations(
    matched: Matched,
    settings: Settings,
    ledger: Ledger,
) -> Matched:
    """Leave out the rows that are blank, rows of totals, and those that a status column says are no
    observation.

    Parameters
    ----------
    matched : Matched
        The columns under their contract names.
    settings : Settings
        `status` says what the words of this folder mean.
    ledger : Ledger
        Takes what is left out, word by word, and a question for each word that is not known.

    Returns
    -------
    Matched
        The other rows.
    """
    matched = _without_rows(matched, _blank(matched, ledger))
    matched = _without_rows(matched, _totals(matched, ledger))
    out = np.zeros(len(matched.raw.lines), dtype=bool)
    for place, kind in matched.statuses.items():
        out |= _not_observed(matched, place, kind, out, settings, ledger)
    _report_nothing_left(matched, out, ledger)
    return _without_rows(matched, out)


def _report_nothing_left(
    matched: Matched,
    out: Bools,
    ledger: Ledger,
) -> None:
    """A table that is needed and whose every row is left out: its status was most likely read
    wrongly.
    """
    if out.all() and len(out) and matched.table.required:
        expected = (
            f"no row of this file is an observation: all {len(out)} are left out. If they are,"
            f" say in {SETTINGS_FILE} what their words mean: [status], then"
            f' "the word" = "{OBSERVED}"'
        )
        ledger.problem(matched.raw.file, None, "", "", expected)


def _blank(
    matched: Matched,
    ledger: Ledger,
) -> Bools:
    """Rows of a block matrix in which no cell of this table is filled."""
    raw = matched.raw
    none = np.zeros(len(raw.lines), dtype=bool)
    # Elsewhere a row with a patient's code and nothing else is a mistake, and reported as one.
    if not any(header.casefold().startswith(_BLOCK_MATRIX) for header in raw.headers):
        return none
    telling = [
        cells.codes >= 0
        for name, cells in matched.columns.items()
        if name not in _NOT_TELLING
    ]
    if not telling:
        return none
    blank: Bools = ~np.logical_or.reduce(telling)
    _leave_out(matched, blank, "no cell of this table is filled (REDCap)", ledger)
    return blank


def _totals(
    matched: Matched,
    ledger: Ledger,
) -> Bools:
    """Rows of totals or means, which would count as a patient of that name."""
    patients = matched.columns.get("patient_id")
    if patients is None:
        return np.zeros(len(matched.raw.lines), dtype=bool)
    words = patients.levels.tolist()
    codes = frozenset(words)
    said = [place for place, word in enumerate(words) if is_no_code(word, codes)]
    rows = np.isin(patients.codes, said)
    file = matched.raw.file
    why = f"no observation in {file}: a row of totals or means"
    # they are of no patient
    ledger.leave_out(why, int(rows.sum()), 0)
    return rows


def _not_observed(
    matched: Matched,
    place: int,
    kind: StatusColumn,
    already: Bools,
    settings: Settings,
    ledger: Ledger,
) -> Bools:
    """Rows that one status column says are no observation."""
    cells = matched.raw.columns[place]
    header = _name_of(matched, place)
    by_word = _levels_by_word(cells, kind, matched.raw.name, settings)
    unknown = np.isin(np.arange(len(cells.levels)), by_word.pop("", []))
    _ask(matched, place, kind, unknown, header, ledger)
    # A row that two columns speak of is counted once.
    new = ~already
    out = np.zeros(len(already), dtype=bool)
    for word, levels in by_word.items():
        rows = np.isin(cells.codes, levels) & new
        _leave_out(matched, rows, f"{header} says {word}", ledger)
        out |= rows
    empty = (cells.codes < 0) & new
    meaning = _empty_meaning(cells, kind, matched.raw.name, settings)
    if (cells.codes < 0).any():
        ledger.decided(f"{matched.raw.file}, {header}: an empty cell", meaning)
    if meaning == NOT_OBSERVED:
        _leave_out(matched, empty, f"{header} is empty", ledger)
        out |= empty
    elif kind.empty_is_said and empty.any() and (cells.codes >= 0).any():
        _say_empty(matched, empty, header, settings, ledger)
    return out


def _levels_by_word(
    cells: Cells,
    kind: StatusColumn,
    table: str,
    settings: Settings,
) -> dict[str, list[int]]:
    """Spellings that say "not observed" by the word that is printed for them; those that nobody
    knows under the empty word.
    """
    found: dict[str, list[int]] = {}
    for level, word in enumerate(cells.levels):
        own = settings.status.meaning(word, table)
        known = (own, "a word of [status]") if own else kind.meaning(word)
        if known is None:
            found.setdefault("", []).append(level)
        elif known[0] == NOT_OBSERVED:
            found.setdefault(known[1], []).append(level)
    return found


def _name_of(
    matched: Matched,
    place: int,
) -> str:
    """The column's name; one that the vocabulary knows is no person's, whatever it looks like."""
    raw = matched.raw
    header = raw.headers[place]
    return header if status_column(header, raw.name) else shown_header(raw, place)


def _empty_meaning(
    cells: Cells,
    kind: StatusColumn,
    table: str,
    settings: Settings,
) -> Meaning:
    own = settings.status.meaning(EMPTY, table)
    if own:
        return own
    if not kind.only_with_yes:
        return OBSERVED
    words = [
        kind.meaning(cells.levels[code]) for code in np.unique(cells.codes) if code >= 0
    ]
    yes = any(word is not None and word[0] == OBSERVED for word in words)
    return NOT_OBSERVED if yes else OBSERVED


def _say_empty(
    matched: Matched,
    empty: Bools,
    header: str,
    settings: Settings,
    ledger: Ledger,
) -> None:
    raw = matched.raw
    # Whoever has said what it means need not be asked.
    if settings.status.meaning(EMPTY, raw.name):
        return
    ledger.note(
        f"{raw.file}: {header} is empty in {counted(int(empty.sum()), 'row')}. They are read"
        f" as observed. If they are not, write in {SETTINGS_FILE}: [status], then {EMPTY} ="
        f' "{NOT_OBSERVED}".'
    )


def _ask(
    matched: Matched,
    place: int,
    kind: StatusColumn,
    unknown: Bools,
    header: str,
    ledger: Ledger,
) -> None:
    """One question for each row whose word is not known."""
    raw = matched.raw
    cells = raw.columns[place]
    expected = (
        f"does this word say that the row is an observation? Known are, as {kind.known_words}."
        f" Write what it means in {SETTINGS_FILE}: [status], then"
        f' "the word" = "{OBSERVED}" or "the word" = "{NOT_OBSERVED}". If the whole column'
        f' means something else: [status], then ignore = ["{header}"]'
    )
    known = [
        word for row in (*kind.observed, *kind.not_observed) for word in row.split(", ")
    ]
    for row in cells.rows(unknown).tolist():
        word = cells.levels[cells.codes[row]]
        value = show(word, known)
        ledger.problem(raw.file, int(raw.lines[row]), header, value, expected)


def _leave_out(
    matched: Matched,
    rows: Bools,
    why: str,
    ledger: Ledger,
) -> None:
    patients = matched.columns.get("patient_id")
    n_patients = 0
    if patients is not None:
        codes = np.unique(patients.codes[rows])
        n_patients = int((codes >= 0).sum())
    ledger.leave_out(
        f"no observation in {matched.raw.file}: {why}", int(rows.sum()), n_patients
    )


def _without_rows(
    matched: Matched,
    out: Bools,
) -> Matched:
    """The other rows, and of each column the spellings that are left."""
    if not out.any():
        return matched
    kept = ~out
    raw = matched.raw
    columns = tuple(cells.keep(kept).used() for cells in raw.columns)
    # By place: two names of the contract never share a column here without a problem.
    place_of = {id(cells): place for place, cells in enumerate(raw.columns)}
    renamed = {
        name: columns[place_of[id(cells)]]
        if id(cells) in place_of
        else cells.keep(kept).used()
        for name, cells in matched.columns.items()
    }
    shorter = replace(raw, columns=columns, lines=raw.lines[kept])
    return replace(matched, raw=shorter, columns=renamed)
