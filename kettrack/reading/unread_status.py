"""Columns that nothing reads and that seem to say that a row is no observation.

A status column is known by its name. A column of another name, such as `outcome` or `Termin`, can
say the same; its rows must not count as observations without a word.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from kettrack.arrays import Bools
from kettrack.reading.headers import Matched, printable, shown_header
from kettrack.reading.problems import Ledger
from kettrack.reading.raw import Cells
from kettrack.settings import SETTINGS_FILE, Settings
from kettrack.vocabulary.status_words import STATUS, bare, says_no_observation

# A day or a reason in such a column stands only in rows of that kind.
_OF_ROWS_TAKEN_BACK: Final = re.compile(
    r"(?:cancel|noshow|voided|void(?:reason|date|day)|deleted|reschedul|didnotattend)"
)


def ask_about_unread(
    matched: Matched,
    settings: Settings,
    ledger: Ledger,
) -> None:
    """Ask about each column that nothing reads and whose words are those of a status.

    Parameters
    ----------
    matched : Matched
        The columns under their contract names.
    settings : Settings
        Columns that `status.ignore` names are passed over.
    ledger : Ledger
        Takes a question where every word is one of a status, and a note where some are.
    """
    if matched.table.name not in STATUS.tables:
        return
    ignored = set(map(bare, settings.status.ignore))
    for place in matched.free:
        header = matched.raw.headers[place]
        if bare(header) not in ignored:
            _ask_about(matched, place, ledger)


def _ask_about(
    matched: Matched,
    place: int,
    ledger: Ledger,
) -> None:
    raw = matched.raw
    cells = raw.columns[place]
    said = [says_no_observation(level) for level in cells.levels]
    hit = np.array([bool(word) for word in said], dtype=bool)
    if hit.any():
        header = shown_header(raw, place)
        words = ", ".join(dict.fromkeys(word for word in said if word))
        # A name that is not shown cannot be written into the answer either.
        name = f'"{header}"' if printable(raw.headers[place]) else "its name"
        way_on = (
            f"If it tells which rows are observations, write in {SETTINGS_FILE}: [status], then"
            f" columns = [{name}]; if it does not: [status], then ignore = [{name}]"
        )
        _say(matched, header, (cells, hit), f"{words}. {way_on}", ledger)
    elif _partly_filled(cells) and _OF_ROWS_TAKEN_BACK.match(
        bare(raw.headers[place]).removeprefix("is")
    ):
        header = shown_header(raw, place)
        ledger.note(
            f"Look at this first: {raw.file}: {header} is filled in some rows and not read;"
            " these rows count as observations. If they are none, say so in a column status,"
            " as cancelled or voided."
        )


def _say(
    matched: Matched,
    header: str,
    found: tuple[Cells, Bools],
    words: str,
    ledger: Ledger,
) -> None:
    raw = matched.raw
    cells, hit = found
    known = [STATUS.meaning(level) is not None for level in cells.levels]
    # Among other words it may be a remark, and a remark is no reason to stop a folder.
    if not all(known):
        ledger.note(
            f"Look at this first: {raw.file}: {header} is not read, and in some rows it says"
            f" {words}."
        )
        return
    line = int(raw.lines[cells.rows(hit)[0]])
    expected = f"this column is not read, and its rows would count as observations. It says {words}"
    ledger.problem(raw.file, line, header, "", expected)


def _partly_filled(cells: Cells) -> bool:
    filled = cells.codes >= 0
    return bool(filled.any() and not filled.all())
