"""Where the records of a delimited text stand: a line end or separator between quotation marks is
none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kettrack.arrays import Bools, Ints
from kettrack.reading.problems import Ledger, counted

_NEWLINE = ord("\n")
_QUOTE = ord('"')
STRETCH = 1 << 20  # bytes looked through at a time: they stay in the processor's cache


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the records of a text stand: start and end in bytes, line in the file, number of
    cells.
    """

    starts: Ints
    ends: Ints
    lines: Ints
    n_cells: Ints

    @property
    def filled(self) -> Bools:
        return self.ends > self.starts


def without_trailing(
    file: str,
    body: bytes,
    separator: str,
    layout: Layout,
    ledger: Ledger,
) -> tuple[bytes, Layout | None]:
    """Cut off separators beyond the width of the first line, as spreadsheets leave them, and rows
    that are nothing else.
    """
    first = int(np.argmax(layout.filled)) if len(layout.starts) else 0
    # A sum over at most one entry: 0 where the file has no line at all.
    width = layout.n_cells[first : first + 1].sum()
    cut = separator.encode()
    kept = []
    last = 0
    n_cut = 0
    below = layout.n_cells[first + 1 :]
    uneven = np.flatnonzero(below != width) + first + 1
    # Whole stretches of the text are kept between two cuts; it is copied once, at the end.
    for row in uneven.tolist():
        start = int(layout.starts[row])
        end = int(layout.ends[row])
        more = int(layout.n_cells[row] - width)
        record = body[start:end]
        # A row of separators alone is cut whole and becomes a blank line.
        if record and not record.strip(cut + b" "):
            more = len(record)
        elif more <= 0 or not record.endswith(cut * more):
            continue
        kept.append(body[last : end - more])
        last = end
        n_cut = n_cut + 1
    if not n_cut:
        return body, layout
    ledger.note(
        f"{file}: {counted(n_cut, 'row')} had empty cells at the end, which were ignored."
    )
    shorter = b"".join([*kept, body[last:]])
    return shorter, record_layout(shorter, separator, quotes=b'"' in shorter)


def record_layout(
    body: bytes,
    separator: str,
    quotes: bool,
) -> Layout | None:
    """Find the records; a line end or separator between quotation marks is none. None when the
    marks do not pair up.
    """
    # One number per byte: in UTF-8 no byte of a longer letter looks like a separator.
    letters = np.frombuffer(body, dtype=np.uint8)
    counts = _Counts()
    stretches = [
        _record_ends(letters[begin : begin + STRETCH], separator, quotes, counts)
        for begin in range(0, len(letters), STRETCH)
    ]
    if counts.inside:
        return None
    # A last line without a line end is a record as well.
    last = [[len(letters)], [counts.lines], [counts.cuts]]
    if len(letters) and not body.endswith(b"\n"):
        stretches.append(np.array(last, dtype=np.int64))
    nothing = np.zeros((3, 0), np.int64)
    ends, lines, cuts = np.hstack([nothing, *stretches])
    n_cuts = np.diff(cuts, prepend=0)
    # What stands before a record stood at the end of the one before it. The line of a record is
    # one more than the line ends before it; its cells are one more than the separators in it.
    return Layout(
        starts=_moved_down(ends + 1, 0),
        ends=ends,
        lines=_moved_down(lines + 1, 1),
        n_cells=n_cuts + 1,
    )


@dataclass(slots=True)
class _Counts:
    """What was counted up to the end of a stretch."""

    letters: int = 0
    lines: int = 0
    cuts: int = 0
    inside: bool = False


def _record_ends(
    letters: NDArray[np.uint8],
    separator: str,
    quotes: bool,
    counts: _Counts,
) -> Ints:
    """Where records end in a stretch of text: a column for each, its end in bytes, and the line
    ends and separators before that end, counted from the first byte of the file.
    """
    line_ends = letters == _NEWLINE
    cuts = letters == ord(separator)
    ends = np.flatnonzero(line_ends)
    nth_line = np.arange(1, len(ends) + 1) + counts.lines
    counts.lines += len(ends)
    if quotes:
        # Each mark turns "inside" on or off: exclusive or over all marks so far. A doubled mark
        # within a cell turns it off and on again, which is right as well.
        marks = (letters == _QUOTE).view(np.uint8)
        marks[0] ^= counts.inside
        inside = np.bitwise_xor.accumulate(marks).view(bool)
        counts.inside = bool(inside[-1])
        cuts &= ~inside
        outside = ~inside[ends]
        ends = ends[outside]
        nth_line = nth_line[outside]
    n_cuts = np.cumsum(cuts, dtype=np.int32)
    found = np.stack(
        [
            ends + counts.letters,
            nth_line,
            n_cuts[ends] + counts.cuts,
        ]
    )
    counts.letters += len(letters)
    counts.cuts += int(n_cuts[-1])
    return found


def _moved_down(
    counted: Ints,
    first: int,
) -> Ints:
    """The values of the record before, and `first` at the first."""
    if not len(counted):
        return counted
    before = counted[:-1]
    return np.append(np.int64(first), before)
