"""Where the names of the columns stand in a text, and what separates them: lines above them are
told and set aside.
"""

from __future__ import annotations

import csv
import io
import re

from kettrack.reading.problems import Ledger, counted

_SEPARATORS = (",", ";", "\t", "|")
_DECLARED = re.compile(rb'"?sep=([,;|\t])"?\n', re.IGNORECASE)
_FEWEST_NAMES = 2
_MOST_ABOVE = 10


def find_header(
    file: str, body: bytes, known: set[str], ledger: Ledger
) -> tuple[bytes, str]:
    """Return the text with everything above the names of the columns blanked, line by line, and the
    separator.

    Parameters
    ----------
    file : str
        For notes.
    body : bytes
        UTF-8.
    known : set of str
        Column names in small letters.
    ledger : Ledger
        Takes what was set aside.
    """
    declared = _DECLARED.match(body)
    if declared:
        return b"\n" + body[declared.end() :], declared[1].decode()
    lines = body.split(b"\n", _MOST_ABOVE)
    first = next((place for place, line in enumerate(lines) if line.strip()), 0)
    separators = [_separator(line, known) for line in lines[:_MOST_ABOVE]] or [","]
    names = [
        _n_known(line, separator, known)
        for line, separator in zip(lines, separators, strict=False)
    ]
    header = next((place for place, n in enumerate(names) if n >= _FEWEST_NAMES), first)
    if header <= first or names[first]:
        return body, separators[first]
    ledger.note(
        f"{file}: {counted(header - first, 'line')} above the names of the columns ignored."
    )
    return b"\n" * header + b"\n".join(lines[header:]), separators[header]


def _n_known(line: bytes, separator: str, known: set[str]) -> int:
    return sum(cell.casefold() in known for cell in cells_of_line(line, separator))


def cells_of_line(text: bytes, separator: str) -> list[str]:
    """Return the cells of one line, without blanks around them."""
    rows = list(csv.reader(io.StringIO(text.decode()), delimiter=separator))
    return [cell.strip() for cell in rows[0]] if rows else []


def _separator(line: bytes, known: set[str]) -> str:
    """Return the separator that shows the most known names in a line, then the most cells."""
    return max(
        _SEPARATORS,
        key=lambda one: (_n_known(line, one, known), len(cells_of_line(line, one))),
    )
