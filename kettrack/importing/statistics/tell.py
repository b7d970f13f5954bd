"""A stored table to a table of the import: numbers become what their formats say, missing values
get their reasons, and codes keep their labels beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from kettrack.arrays import Bools, Floats
from kettrack.importing.remarks import Action, ColumnPlace, OpenQuestion, Remarks
from kettrack.importing.source import SourceTable
from kettrack.importing.statistics.formats import (
    ANSWERS,
    Told,
    as_dates,
    as_lengths,
    as_moments,
    as_periods,
    months_of,
    numbers_of,
    only_periods,
    told_by,
    told_by_answer,
    within_a_day,
)
from kettrack.importing.statistics.stored import StoredColumn, StoredTable, damaged
from kettrack.privacy.identifying_people import shown

# A double counts every whole number up to here.
_MOST_WHOLE: Final = 2**53
_MOST_DIGITS: Final = 2**63
_NO_DAY: Final = "no day of the calendar stands behind this number"
_PERIODS: Final = {
    "m": "months",
    "q": "quarters",
    "w": "weeks",
    "h": "half years",
    "month": "months",
    "week": "weeks",
}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a column stands, and what takes the remarks about it."""

    table: StoredTable
    column: StoredColumn
    answers: Mapping[str, str]
    remarks: Remarks

    @property
    def _where(self) -> ColumnPlace:
        return ColumnPlace(
            file=self.table.file,
            table=self.table.name,
            column=shown(self.column.name),
            rows=pa.array(np.arange(1, self.table.n_rows + 1)),
        )

    def say(self, action: Action, reason: str, count: int) -> None:
        """Remark on the whole column."""
        self.remarks.column(self._where, action, reason, count)

    def refuse(self, hit: Bools, reason: str) -> None:
        """Remark on single cells."""
        if hit.any():
            self.remarks.cells(self._where, pa.array(hit), "refused", reason)

    def answer(self, about: str, question: str, choices: tuple[str, ...]) -> str:
        """What the owner answered; asked where nobody has."""
        where = self._where
        asks = f"{where.named}: {question}"
        asked = OpenQuestion(key=where.key(about), asks=asks, choices=choices)
        return self.remarks.answer(asked, self.answers)


def told_table(
    stored: StoredTable,
    answers: Mapping[str, str],
    remarks: Remarks,
) -> SourceTable:
    """Make the table that a map works on.

    Parameters
    ----------
    stored : StoredTable
        What stands in the file.
    answers : mapping
        To the questions of an earlier run.
    remarks : Remarks
        Takes what a format leaves open and what could not be read.
    """
    _names_are_single(stored)
    columns = {}
    reasons: dict[str, pa.Array] = {}
    for column in stored.columns:
        place = _Place(stored, column, answers, remarks)
        columns[column.name] = _told(place)
        reasons |= _reasons(column)
    return SourceTable(
        file=stored.file,
        name=stored.name,
        data=pa.table(columns),
        rows=pa.array(np.arange(1, stored.n_rows + 1)),
        labels={one.name: one.label for one in stored.columns if one.label},
        value_labels={
            one.name: dict(one.value_labels)
            for one in stored.columns
            if one.value_labels
        },
        reasons=reasons,
    )


def _names_are_single(stored: StoredTable) -> None:
    """Two columns of one name cannot be told apart in a map."""
    names = [column.name for column in stored.columns]
    if len(set(names)) < len(names) or "" in names:
        damaged(stored.file, "a name of its own for every column")


def _reasons(column: StoredColumn) -> dict[str, pa.Array]:
    """Why nothing stands in a cell, in the words of the file where it has some."""
    why = column.why_missing
    if why is None or why.null_count == len(why):
        return {}
    # Each kind of missing once: there are few, in many rows.
    coded = why.dictionary_encode()
    words = [column.value_labels.get(one, one) for one in coded.dictionary.to_pylist()]
    named = pa.DictionaryArray.from_arrays(coded.indices, pa.array(words, pa.string()))
    return {column.name: named.cast(pa.string())}


def _told(place: _Place) -> pa.Array:
    """The cells of a column as what they are."""
    column = place.column
    if pa.types.is_string(column.values.type):
        return column.values
    told = told_by(place.table.system, column.form)
    if told.what == "unknown":
        told = _asked(place)
    values = numbers_of(column.values)
    if told.what == "moment or length":
        return _clock(told, values, place)
    if told.what == "moment":
        return _checked(*as_moments(told, values), values, place)
    if told.what == "length":
        return as_lengths(told, values)
    if told.what == "date":
        return _dates(told, values, place)
    if told.what == "period":
        return _periods(told, values, place)
    return _padded(told, values) if told.what == "padded" else _plain(place)


def _asked(place: _Place) -> Told:
    """A format that nobody but its maker knows."""
    given = place.answer(
        "format",
        "the file shows its numbers in a format that is not one of the program's own,"
        " or cannot be told without a calendar of its own. What do they stand for?",
        tuple(ANSWERS),
    )
    return told_by_answer(place.table.system, given or "number")


def _clock(told: Told, values: Floats, place: _Place) -> pa.Array:
    """A format that shows hours and minutes, of a moment or of a length of time."""
    # No visit was on 1 January 1960, the day that is 0.
    if within_a_day(told, values):
        return as_lengths(told, values)
    return _checked(*as_moments(told, values), values, place)


def _checked(
    cells: pa.Array,
    within: Bools,
    values: Floats,
    place: _Place,
) -> pa.Array:
    """Say which numbers are no day of the calendar."""
    place.refuse(~within & ~np.isnan(values), _NO_DAY)
    return cells


def _dates(told: Told, values: Floats, place: _Place) -> pa.Array:
    """Dates; where a format shows months only, days may have been made up by whoever typed them."""
    if not told.shows:
        return _checked(*as_dates(told, values), values, place)
    what = _PERIODS[told.shows]
    # Days other than the first were typed by somebody who knew them.
    if not only_periods(told, values):
        place.say(
            "noted",
            f"its format shows {what} only; the days behind them were read",
            int((~np.isnan(values)).sum()),
        )
        return _checked(*as_dates(told, values), values, place)
    given = place.answer(
        "days",
        f"its format shows {what} only, and all of its dates are the first day of one."
        " Are these the days, or is no more known than the period?",
        ("days", "periods"),
    )
    if given == "days":
        return _checked(*as_dates(told, values), values, place)
    _say_no_days(place, what, values)
    return months_of(told, values)


def _periods(told: Told, values: Floats, place: _Place) -> pa.Array:
    _say_no_days(place, _PERIODS[told.shows], values)
    return as_periods(told, values)


def _say_no_days(place: _Place, what: str, values: Floats) -> None:
    place.say(
        "noted",
        f"this column holds {what}, not days: it cannot be used as a date",
        int((~np.isnan(values)).sum()),
    )


def _padded(told: Told, values: Floats) -> pa.Array:
    """Numbers that are shown with zeros in front, as study codes are."""
    known = np.isfinite(values)
    whole = known & (np.floor(values) == values)
    written = [
        f"{int(value):0{told.width}d}" if is_whole else repr(value)
        for value, is_whole in zip(values.tolist(), whole.tolist(), strict=True)
    ]
    return pa.array(written, pa.string(), mask=~known)


def _plain(place: _Place) -> pa.Array:
    """Numbers: whole where all of them are, as these systems store no other kind."""
    values = place.column.values
    if pa.types.is_integer(values.type):
        return values.cast(pa.int64())
    if place.column.single:
        values = _shortest(values, place)
    numbers = numbers_of(values)
    known = numbers[~np.isnan(numbers)]
    whole = np.isfinite(known) & (np.floor(known) == known)
    if not len(known) or not whole.all():
        return values
    too_long = int((np.abs(known) >= _MOST_WHOLE).sum())
    if too_long:
        place.say(
            "noted",
            "numbers of more than 15 digits: the file does not keep their last digits",
            too_long,
        )
    if (np.abs(known) >= _MOST_DIGITS).any():
        return values
    # Also long ones, digit by digit: rounded once more, several people could share a number.
    cells = np.where(np.isnan(numbers), 0, numbers).astype(np.int64)
    return pa.array(cells, mask=np.isnan(numbers))


def _shortest(values: pa.Array, place: _Place) -> pa.Array:
    """Numbers that were stored with 7 digits, without the digits that nobody wrote."""
    numbers = numbers_of(values)
    # The shortest number that is stored so is the one that was typed.
    written = numbers.astype(np.float32).astype(str).astype(np.float64)
    changed = ~np.isnan(numbers) & (written != numbers)
    if changed.any():
        place.say(
            "mended",
            "the file stores 7 digits; further ones, which nobody wrote, were left out",
            int(changed.sum()),
        )
    return pa.array(written, mask=np.isnan(numbers))
