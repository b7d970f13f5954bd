"""The cells of one column to one Arrow array: of a single kind where they are, else text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import Bools, Floats, Ints, Objects
from kettrack.importing.remarks import Action
from kettrack.importing.workbooks.days import moments
from kettrack.importing.workbooks.grid import CellKind

# Days of 1900: a number that was given the format of a date by accident, as after a copied cell.
_DISGUISED_BELOW: Final = 367
# 1954 to 2119: what a date looks like that lost its format.
_DAY_FROM: Final = 20_000
_DAY_TO: Final = 80_000
_EXACT: Final = 2**53
# Excel keeps fifteen digits of a number and makes the others zeros.
_MOST_DIGITS: Final = 10**15
_KNOWN_ERROR: Final = re.compile(r"#[A-Z0-9_/]{1,20}[!?]?|Err:\d{3}")
_DATE_LIKE: Final = re.compile(r"\d{1,4}[./-](?:\d{1,2}|[A-Za-z]{3,9})[./-]\d{1,4}.*")
NEVER_CALCULATED: Final = "formula never calculated"


@dataclass(frozen=True, slots=True)
class ColumnCells:
    """The filled cells of one column.

    Parameters
    ----------
    places : int array
        Row of the table of each, from 0.
    kinds : int array
        A `CellKind` each.
    numbers : float array
        0 where the cell is text.
    texts : object array
        Text, kind of error, or how a number is spelled; None where nothing but the number is.
    n : int
        Rows of the table.
    from_1904 : bool
        Whether days are counted from 1904.
    """

    places: Ints
    kinds: Ints
    numbers: Floats
    texts: Objects
    n: int
    from_1904: bool

    def keep(
        self,
        which: Bools,
    ) -> ColumnCells:
        """Some of the cells."""
        return ColumnCells(
            self.places[which],
            self.kinds[which],
            self.numbers[which],
            self.texts[which],
            self.n,
            self.from_1904,
        )


@dataclass(slots=True)
class ColumnRead:
    """What became of a column.

    Parameters
    ----------
    data : pyarrow.Array
        One cell per row of the table.
    reasons : pyarrow.Array or None
        Why nothing stands in a cell.
    said : list of (action, reason, count)
        What was mended, refused or noticed.
    numbers : frozenset of str
        In a column of texts, those that are numbers in the sheet.
    """

    data: pa.Array
    reasons: pa.Array | None = None
    said: list[tuple[Action, str, int]] = field(default_factory=list)
    numbers: frozenset[str] = frozenset()


def read_cells(cells: ColumnCells) -> ColumnRead:
    """Read a column.

    Parameters
    ----------
    cells : ColumnCells
        Its filled cells.
    """
    read = ColumnRead(pa.nulls(cells.n, pa.string()))
    cells = _without_errors(cells, read)
    cells = _without_disguise(cells, read)
    cells = _days_without_format(cells, read)
    _say_digits(cells, read)
    kinds = {CellKind(kind) for kind in np.unique(cells.kinds).tolist()}
    spelled = not pc.all(pc.is_null(pa.array(cells.texts, pa.string()))).as_py()
    if not kinds:
        return read
    # A column of one kind keeps it; anything else becomes text.
    if kinds == {CellKind.YES_NO}:
        read.data = _placed(
            cells,
            cells.numbers > 0,
            pa.bool_(),
        )
    elif kinds <= {CellKind.NUMBER, CellKind.PERCENT} and not spelled:
        read.data = _numbers(cells, read)
    elif kinds == {CellKind.DAY}:
        read.data = _days(cells)
    elif kinds == {CellKind.CLOCK}:
        seconds = np.rint(cells.numbers * 86400).astype("timedelta64[s]")
        read.data = _placed(
            cells,
            seconds,
            pa.duration("s"),
        )
    else:
        read.data = _texts(cells, read)
    return read


def _without_errors(
    cells: ColumnCells,
    read: ColumnRead,
) -> ColumnCells:
    errors = cells.kinds == CellKind.ERROR
    uncalculated = cells.kinds == CellKind.UNCALCULATED
    if not (errors | uncalculated).any():
        return cells
    words = np.full(
        len(cells.kinds),
        None,
        dtype=object,
    )
    # An error is one of a short list; anything else could be a value.
    words[errors] = [
        text if _KNOWN_ERROR.fullmatch(text or "") else "error"
        for text in cells.texts[errors].tolist()
    ]
    words[uncalculated] = NEVER_CALCULATED
    for word in dict.fromkeys(words[errors].tolist()):
        count = int((words == word).sum())
        read.said.append(("refused", f"the cell holds the error {word}", count))
    if uncalculated.any():
        why = (
            f"{NEVER_CALCULATED}: open the workbook in Excel or LibreOffice and save it"
        )
        read.said.append(("refused", why, int(uncalculated.sum())))
    bad = errors | uncalculated
    read.reasons = _spread(cells.keep(bad), words[bad])
    return cells.keep(~bad)


def _without_disguise(
    cells: ColumnCells,
    read: ColumnRead,
) -> ColumnCells:
    """Turn dates of 1900 back into the numbers that they are, and hours that are dates into
    dates.
    """
    kinds = cells.kinds.copy()
    kinds[(kinds == CellKind.CLOCK) & (cells.numbers >= _DAY_FROM)] = CellKind.DAY
    small = (kinds == CellKind.DAY) & (cells.numbers < _DISGUISED_BELOW)
    # What remains was meant as a date.
    real = (kinds == CellKind.DAY) & ~small
    changed = ColumnCells(
        cells.places, kinds, cells.numbers, cells.texts, cells.n, cells.from_1904
    )
    if not small.any():
        return changed
    count = int(small.sum())
    if real.any():
        # Among real dates such a cell is a slip, and nobody can tell which.
        read.said.append(("refused", "a date of 1900 among other dates", count))
        words = np.full(
            count,
            "date of 1900",
            dtype=object,
        )
        said = _spread(changed.keep(small), words)
        read.reasons = said if read.reasons is None else pc.coalesce(read.reasons, said)
        return changed.keep(~small)
    # A 0 under such a format comes from .xls as the time of day 0:00.
    small |= (kinds == CellKind.CLOCK) & (cells.numbers == 0)
    count = int(small.sum())
    kinds[small] = CellKind.NUMBER
    why = "a number that is formatted as a date of 1900 was read as the number"
    read.said.append(("mended", why, count))
    return changed


def _days_without_format(
    cells: ColumnCells,
    read: ColumnRead,
) -> ColumnCells:
    """Turn the numbers of a column of dates into dates."""
    plain = cells.kinds == CellKind.NUMBER
    others = ~plain
    if not plain.any() or not others.any():
        return cells
    # Scores and doses are far below any day of a living patient.
    numbers = cells.numbers[plain]
    in_reach = ((numbers >= _DAY_FROM) & (numbers <= _DAY_TO)).all()
    dates = (cells.kinds == CellKind.DAY) | np.array(
        [bool(_DATE_LIKE.fullmatch(text or "")) for text in cells.texts.tolist()],
        dtype=bool,
    )
    if not in_reach or dates[others].mean() <= 0.5:
        return cells
    kinds = np.where(
        plain,
        int(CellKind.DAY),
        cells.kinds,
    )
    why = "a number in a column of dates was read as the date that it stands for"
    read.said.append(("mended", why, int(plain.sum())))
    return ColumnCells(
        cells.places, kinds, cells.numbers, cells.texts, cells.n, cells.from_1904
    )


def _say_digits(
    cells: ColumnCells,
    read: ColumnRead,
) -> None:
    long = (cells.kinds == CellKind.NUMBER) & (np.abs(cells.numbers) >= _MOST_DIGITS)
    if long.any():
        why = (
            "numbers of more than 15 digits; Excel keeps 15, so two record numbers may have"
            " become one"
        )
        read.said.append(("noted", why, int(long.sum())))


def _numbers(
    cells: ColumnCells,
    read: ColumnRead,
) -> pa.Array:
    percent = cells.kinds == CellKind.PERCENT
    # 0.97 shown as 97 %: a percentage is recorded as the sheet shows it.
    numbers = np.where(
        percent,
        np.round(cells.numbers * 100, 10),
        cells.numbers,
    )
    if percent.any():
        why = "a percentage was read as the sheet shows it, not as a fraction"
        read.said.append(("mended", why, int(percent.sum())))
    # Beyond this not every whole number has a float of its own.
    whole = (numbers % 1 == 0) & (np.abs(numbers) < _EXACT)
    if whole.all():
        return _placed(
            cells,
            numbers.astype(np.int64),
            pa.int64(),
        )
    return _placed(
        cells,
        numbers,
        pa.float64(),
    )


def _days(cells: ColumnCells) -> pa.Array:
    when = moments(cells.numbers, cells.from_1904)
    if (cells.numbers % 1 == 0).all():
        return _placed(
            cells,
            when.astype("datetime64[D]"),
            pa.date32(),
        )
    return _placed(
        cells,
        when,
        pa.timestamp("s"),
    )


def _texts(
    cells: ColumnCells,
    read: ColumnRead,
) -> pa.Array:
    """Every cell as text, as the sheet shows it."""
    texts = cells.texts.copy()
    bare = np.array([text is None for text in texts.tolist()], dtype=bool)
    # The format shows 00123 where the file holds 123.
    spelled = ~bare & (cells.kinds != CellKind.TEXT)
    if spelled.any():
        why = "numbers are shown with leading zeros or letters, and were read as shown"
        read.said.append(("mended", why, int(spelled.sum())))
    for kind, write in _WRITERS.items():
        here = bare & (cells.kinds == kind)
        texts[here] = [write(number) for number in cells.numbers[here].tolist()]
    counted = np.isin(cells.kinds, [CellKind.NUMBER, CellKind.PERCENT])
    read.numbers = frozenset(texts[bare & counted].tolist())
    here = bare & (cells.kinds == CellKind.DAY)
    days = cells.numbers[here]
    when = moments(days, cells.from_1904)
    # A day without a time of day is written without one.
    texts[here] = [
        text[:10] if whole else text
        for text, whole in zip(
            when.astype(str),
            days % 1 == 0,
            strict=True,
        )
    ]
    return _spread(cells, texts)


def number_text(number: float) -> str:
    """A number as text: whole ones without a decimal point.

    Examples
    --------
    >>> number_text(7.0), number_text(7.5)
    ('7', '7.5')
    """
    if number % 1 == 0 and abs(number) < _EXACT:
        return str(int(number))
    return repr(number)


def _clock_text(days: float) -> str:
    seconds = round(days * 86400)
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


_WRITERS: Final[dict[CellKind, Callable[[float], str]]] = {
    CellKind.NUMBER: number_text,
    CellKind.PERCENT: lambda number: f"{number_text(round(number * 100, 10))}%",
    CellKind.CLOCK: _clock_text,
    CellKind.YES_NO: lambda number: "TRUE" if number else "FALSE",
}


def _placed(
    cells: ColumnCells,
    values: np.ndarray,
    kind: pa.DataType,
) -> pa.Array:
    """Values in the rows where they stand, nothing elsewhere."""
    where = np.full(
        cells.n,
        -1,
        dtype=np.int64,
    )
    where[cells.places] = np.arange(len(cells.places))
    take = pa.array(where, mask=where < 0)
    return pa.array(values, kind).take(take)


def _spread(
    cells: ColumnCells,
    words: Objects,
) -> pa.Array:
    return _placed(
        cells,
        words,
        pa.string(),
    )
