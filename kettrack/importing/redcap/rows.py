"""Which rows of an export hold a form: its status is the only honest test of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import (
    Bools,
    Ints,
)
from kettrack.importing.delimited import Delimited
from kettrack.importing.redcap.cells import (
    is_box,
    label_of_box,
    ticked,
)
from kettrack.importing.redcap.dictionary import DataDictionary
from kettrack.importing.redcap.layout import RedcapForm
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import (
    OpenQuestion,
    Remark,
    Remarks,
)
from kettrack.reading.problems import counted

# Answers to the question about forms that hold something and have no status.
READ = "read them"
LEAVE = "leave them out"
_KEY: Final = "double_entry"
_FIRST: Final = "the first entry, --1"
_SECOND: Final = "the second entry, --2"
_MERGED: Final = "the record without an ending, where two people's entries were merged"
_CHOICES: Final = (_FIRST, _SECOND, _MERGED)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormRows:
    """The rows in which a form was filled.

    Parameters
    ----------
    form : RedcapForm
        The form.
    shown : str
        Its name as it may be printed.
    places : int array
        Rows of the export, from 0.
    holding : int array
        All rows in which any of its cells holds something.
    """

    form: RedcapForm
    shown: str
    places: Ints
    holding: Ints


def rows_of_form(
    form: RedcapForm,
    shown: str,
    export: Delimited,
    dictionary: DataDictionary,
    answer: str,
    remarks: Remarks,
) -> FormRows:
    """Find the rows in which a form was filled, and say which others hold something.

    Parameters
    ----------
    form, shown
        The form, and its name as it may be printed.
    export : Delimited
        The file.
    dictionary : DataDictionary
        Of the project; may be empty.
    answer : str
        To what shall become of forms without a status.
    remarks : Remarks
        Takes what is left out.
    """
    filled = _filled(form, export, dictionary, entered=False)
    entered = _filled(form, export, dictionary, entered=True)
    computed = export.lines[filled & ~entered].tolist()
    # REDCap may compute a total of 0 on a form that nobody opened.
    why = "only fields that REDCap computes are filled"
    remarks.drop_rows(export.file, shown, computed, why)
    if form.complete is None:
        return FormRows(
            form=form,
            shown=shown,
            places=np.flatnonzero(entered),
            holding=np.flatnonzero(filled),
        )
    status = export.columns[form.complete]
    has_status = status.is_valid().to_numpy(zero_copy_only=False)
    # Newer exports leave the status of a form that nobody opened empty, older ones write 0 there.
    begun = has_status & ~_unfinished(status)
    nothing = begun & ~filled
    why = "the form has a status, and no cell of it is filled"
    remarks.drop_rows(export.file, shown, export.lines[nothing].tolist(), why)
    _say_without_status(shown, export, entered & ~has_status, answer, remarks)
    # An incomplete form counts: its questions were answered, some or all.
    read = entered & (has_status | (answer == READ))
    _say_unfinished(shown, export, read & has_status & ~begun, remarks)
    return FormRows(
        form=form,
        shown=shown,
        places=np.flatnonzero(read),
        holding=np.flatnonzero(filled | nothing),
    )


def has_labels(
    form: RedcapForm,
    export: Delimited,
) -> bool | None:
    """Whether the status of a form is written in words, as in an export with labels; None where
    the form has no status.
    """
    if form.complete is None:
        return None
    status = export.columns[form.complete].drop_null()
    digits = pc.match_substring_regex(status, r"^\d+$")
    # Of an empty column nothing can be said.
    told = pc.all(digits).as_py()
    return None if told is None else not told


def _unfinished(
    status: pa.Array,
) -> Bools:
    words = pc.utf8_lower(pc.fill_null(status, ""))
    found = pc.is_in(words, pa.array(["0", "incomplete"]))
    return found.to_numpy(zero_copy_only=False)


def _filled(
    form: RedcapForm,
    export: Delimited,
    dictionary: DataDictionary,
    entered: bool,
) -> Bools:
    """Rows in which a field holds something; `entered` leaves out what REDCap computes itself."""
    filled = np.zeros(export.n_rows, dtype=bool)
    kinds = {name: dictionary.field_of(name) for name in form.columns}
    computes = {name for name, one in kinds.items() if one and one.kind == "calc"}
    # A form of nothing but computed fields has no other sign of life.
    skipped = computes if entered and len(computes) < len(kinds) else set()
    for name, place in form.columns.items():
        if name in skipped:
            continue
        column = export.columns[place]
        # A box that is not ticked is written as 0 also where nobody opened the form.
        if is_box(name):
            filled |= ticked(column, label_of_box(name, kinds[name]))
        else:
            filled |= column.is_valid().to_numpy(zero_copy_only=False)
    return filled


def _say_without_status(
    shown: str,
    export: Delimited,
    silent: Bools,
    answer: str,
    remarks: Remarks,
) -> None:
    """Forms that hold something and have no status, as when values were loaded from elsewhere."""
    if not silent.any() or answer == READ:
        return
    why = "its status is empty, so the form was not filled in this row"
    remarks.drop_rows(export.file, shown, export.lines[silent].tolist(), why)
    if answer != LEAVE:
        n_rows = counted(int(silent.sum()), "row")
        question = OpenQuestion(
            key=f"without_status.{shown}",
            asks=f"In {n_rows} the form {shown} holds something and has no status"
            f" ({shown}_complete is empty). REDCap leaves it so where values were loaded from"
            " another program. Shall these rows be read?",
            choices=(READ, LEAVE),
            why="Without an answer they are left out.",
        )
        remarks.ask(question)


def _say_unfinished(
    shown: str,
    export: Delimited,
    unfinished: Bools,
    remarks: Remarks,
) -> None:
    n_rows = int(unfinished.sum())
    if n_rows:
        said = Remark(
            file=export.file,
            table=shown,
            action="noted",
            reason="the form is marked as incomplete; what it holds is read",
            count=n_rows,
        )
        remarks.add(said)


def say_empty_rows(
    export: Delimited,
    forms: Sequence[FormRows],
    remarks: Remarks,
) -> Ints:
    """Say which rows hold no form at all, and return their lines."""
    # A row is told here once, not once for each of its empty forms.
    empty = np.ones(export.n_rows, dtype=bool)
    for one in forms:
        empty[one.holding] = False
    lines = export.lines[empty]
    remarks.drop_rows(
        export.file, export.file, lines.tolist(), "no form is filled in this row"
    )
    return lines


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
