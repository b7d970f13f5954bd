"""A column as a file of SPSS, Stata or SAS stores it, before its format is looked at; how letters
are written in it; and a file that cannot be read at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NoReturn

import pyarrow as pa
import pyarrow.compute as pc

from kettrack.errors import DataProblems, Problem
from kettrack.importing.remarks import OpenQuestion, Remark, Remarks
from kettrack.importing.statistics.formats import Program
from kettrack.privacy.identifying_people import shown

# Under which `[answers]` names the encoding; the first is what files of today have.
ENCODING: Final = "encoding"
USUAL: Final = "WINDOWS-1252"
UNICODE: Final = "UTF-8"
_CHOICES: Final = (UNICODE, USUAL, "WINDOWS-1250", "WINDOWS-1251", "SHIFT_JIS")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredColumn:
    """One variable.

    Parameters
    ----------
    name, label : str
        As in the file.
    form : str
        Its format, empty where there is none.
    values : pyarrow.Array
        float64, int64 or text; null where nothing stands or where the file says "missing".
    why_missing : pyarrow.Array, optional
        Text: which kind of missing it is, `.a` or a code as text; null elsewhere.
    value_labels : mapping
        Code as text, or kind of missing, to its label.
    single : bool
        Whether numbers are stored with 7 digits.
    """

    name: str
    label: str = ""
    form: str = ""
    values: pa.Array
    why_missing: pa.Array | None = None
    value_labels: Mapping[str, str] = field(default_factory=dict)
    single: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTable:
    """One data set.

    Parameters
    ----------
    system : {"spss", "stata", "sas"}
        Which program the formats are of.
    file, name : str
        Of the file and of the table in it.
    columns : sequence of StoredColumn
        In the order of the file.
    n_rows : int
        How many records the file holds.
    """

    system: Program
    file: str
    name: str
    columns: Sequence[StoredColumn]
    n_rows: int


def code_as_text(code: object) -> str:
    """A code as it is shown: a whole number without a point.

    Examples
    --------
    >>> code_as_text(3.0), code_as_text(0.5), code_as_text("F")
    ('3', '0.5', 'F')
    """
    if isinstance(code, float) and code.is_integer():
        return str(int(code))
    return str(code)


def blank_is_nothing(texts: pa.Array) -> pa.Array:
    """Text in which cells of blanks alone are null, and blanks at the end are gone: these systems
    fill up with them.
    """
    # Blanks in front may be meant, as in a code; those behind never are.
    cut = pc.utf8_rtrim(texts, characters=" \x00")
    blank = pc.equal(pc.utf8_trim_whitespace(cut), "")
    return pc.if_else(
        pc.fill_null(blank, True),
        pa.scalar(None, pa.string()),
        cut,
    )


def say_unicode(file: str, remarks: Remarks) -> None:
    """Letters that are right in UTF-8 are hardly ever so by chance, so nobody is asked."""
    remarks.add(
        Remark(
            file=file,
            table=file,
            action="noted",
            reason="the file does not say how letters are written; they were read as UTF-8",
        )
    )


def ask_encoding(file: str, remarks: Remarks) -> None:
    """Ask which encoding is right; meanwhile the usual one is taken."""
    asks = (
        f"{shown(file, file=True)} does not say how letters such as é are written. They were"
        f" read as {USUAL}. Which is right?"
    )
    remarks.ask(
        OpenQuestion(
            key=ENCODING,
            asks=asks,
            choices=_CHOICES,
            why="A record number or a word with such letters is read wrongly otherwise.",
        )
    )


def damaged(
    file: str,
    expected: str,
) -> NoReturn:
    """Stop: the file is not what it should be.

    Parameters
    ----------
    file : str
        Its name.
    expected : str
        What it should be, in words.

    Raises
    ------
    DataProblems
        Always. Called outside of `except`, it has no error of a library behind it.
    """
    raise DataProblems([Problem(shown(file, file=True), None, "", "", expected)])
