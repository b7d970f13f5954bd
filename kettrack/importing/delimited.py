"""One delimited text file of another program, every cell as text, with the line it stands in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from kettrack.arrays import Ints
from kettrack.errors import (
    DataProblems,
    Problem,
)
from kettrack.importing.remarks import (
    Remark,
    Remarks,
)
from kettrack.privacy.identifying_people import shown
from kettrack.reading.problems import Ledger
from kettrack.reading.raw import (
    Cells,
    RawTable,
)
from kettrack.reading.textfile import NEVER_CLOSED, read_text_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Delimited:
    """A text file before anything in it is believed.

    Parameters
    ----------
    file : str
        Its name as it may be printed.
    headers : tuple of str
        As written; may repeat.
    columns : tuple of pyarrow.Array
        Text, null where nothing stands; one per header.
    lines : int array
        Line of each row in the file.
    """

    file: str
    headers: tuple[str, ...]
    columns: tuple[pa.Array, ...]
    lines: Ints

    @property
    def n_rows(
        self,
    ) -> int:
        """Number of rows."""
        return len(self.lines)


def read_delimited(
    path: Path,
    known: Iterable[str],
    remarks: Remarks,
    file: str = "",
) -> Delimited:
    """Read a text file; lines of another width are refused and said.

    Parameters
    ----------
    path : Path
        The file.
    known : iterable of str
        Column names by which separator and header line are recognised, in small letters.
    remarks : Remarks
        Takes what was assumed and what was refused.
    file : str
        Its name as it may be printed, where several files must keep apart.

    Raises
    ------
    DataProblems
        When the file cannot be read at all.
    """
    file = file or shown(path.name, file=True)
    ledger = Ledger()
    raw = read_text_table(path.name, file, _bytes(path, file), known, ledger)
    # A problem without a line is one of the whole file.
    whole = [
        one
        for one in ledger.problems
        # Whatever stands behind such a mark may be read wrongly.
        if one.line is None or one.expected == NEVER_CLOSED
    ]
    if raw is None or whole:
        raise DataProblems(whole)
    for one in ledger.problems:
        said = Remark(
            file=file,
            table=file,
            row=one.line,
            action="refused",
            reason=one.expected,
        )
        remarks.add(said)
    for note in ledger.notes:
        said = Remark(file=file, table=file, action="noted", reason=note)
        remarks.add(said)
    _say_marked(raw, remarks)
    return from_raw(raw)


def _say_marked(
    raw: RawTable,
    remarks: Remarks,
) -> None:
    """Say how many cells hold a word for nothing, which no longer shows in the columns."""
    for number, (header, cells) in enumerate(
        zip(raw.headers, raw.columns, strict=True), start=1
    ):
        if cells.n_marked:
            said = Remark(
                file=raw.file,
                table=raw.file,
                column=shown(header, f"column {number}"),
                action="noted",
                reason="cells that say that nothing stands there (NA, null, .) are empty",
                count=cells.n_marked,
            )
            remarks.add(said)


def _bytes(
    path: Path,
    file: str,
) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        expected = "the file cannot be opened"
        raise DataProblems([Problem(file, None, "", "", expected)]) from None


def from_raw(
    raw: RawTable,
) -> Delimited:
    """The same cells as Arrow text."""
    return Delimited(
        file=raw.file,
        headers=raw.headers,
        columns=tuple(_text(cells) for cells in raw.columns),
        lines=np.asarray(raw.lines, dtype=np.int64),
    )


def _text(
    cells: Cells,
) -> pa.Array:
    levels = pa.array(cells.levels, pa.string())
    # Code -1 is a cell in which nothing stands.
    empty = cells.codes < 0
    codes = pa.array(cells.codes, pa.int32(), mask=empty)
    return pa.DictionaryArray.from_arrays(codes, levels).cast(pa.string())
