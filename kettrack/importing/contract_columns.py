"""One column of a source to one column of the contract, by the kind of the latter."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import Floats
from kettrack.importing.closed_words import (
    read_scale_names,
    read_truth,
    read_words,
)
from kettrack.importing.dates_beside import DAYS_OR_DATES
from kettrack.importing.import_map import TableMap
from kettrack.importing.journal import Journal, SourceColumn
from kettrack.importing.quantities import read_amounts
from kettrack.importing.source import (
    BIRTH_DATE,
    DATE,
    SESSION_NUMBER,
    contract_table,
)
from kettrack.vocabulary.cdisc_words import CDISC_ANSWERS
from kettrack.vocabulary.cell_words import truth_of
from kettrack.vocabulary.columns import (
    AGE_CAP,
    Column,
)
from kettrack.vocabulary.instruments import PHQ9

# Units of measures that a machine shows: a fraction of one tells nothing.
_ROUNDED_UNITS: Final = ("mmHg", "/min", "%", "min", "years")
_OLDEST: Final = 125
# Answers written out are the same on every form that has these words.
_ANSWERS: Final = {
    word: str(answer) for word, answer in CDISC_ANSWERS[PHQ9.name].items()
}
_NUMBER_OF_SESSION: Final = Column(
    SESSION_NUMBER,
    "whole",
    "number of a session",
    "",
    0,
    1000,
    role="time",
)


def contract_column(table: str, name: str) -> Column | None:
    """The column of that name; None where it is a name of `importing.source`."""
    if name == SESSION_NUMBER:
        return _NUMBER_OF_SESSION
    known = contract_table(table)
    return known[name] if name in known.names else None


def read_column(
    source: SourceColumn,
    name: str,
    plan: TableMap,
    journal: Journal,
) -> pa.Array:
    """Read a column into the kind of the contract.

    Parameters
    ----------
    source : SourceColumn
        Its cells.
    name : str
        Of the contract, or of `importing.source`.
    plan : TableMap
        Holds words and units.
    journal : Journal
        Takes what is refused or mended.

    Returns
    -------
    Array
        Text, int64, float64 or bool. Dates are read elsewhere, as only the whole column tells the
        order of day and month.
    """
    column = contract_column(plan.to, name)
    words = plan.values.get(name, {})
    if name == "instrument":
        return read_scale_names(source, words, journal)
    if column is None or column.kind == "text":
        return _text(source)
    if column.kind in ("choice", "choices"):
        return read_words(source, column, words, journal)
    if column.kind == "yes_no":
        return read_truth(source, words, journal)
    unit = plan.units.get(name, "")
    if name.startswith("item_"):
        words = _ANSWERS | dict(words)
    if name == "age":
        words = {f"{AGE_CAP}+": str(AGE_CAP)} | dict(words)
    amounts = read_amounts(source, column, journal, unit, words)
    return as_kind(amounts.values, source, column, journal, unit)


def holds_dates(name: str, source: SourceColumn) -> bool:
    """Whether a column is read as dates.

    Parameters
    ----------
    name : str
        Of the contract, or of `importing.source`.
    source : SourceColumn
        The whole column.
    """
    if name in (DATE, BIRTH_DATE):
        return True
    if name not in DAYS_OR_DATES:
        return False
    kind = source.values.type
    if pa.types.is_temporal(kind) and not pa.types.is_duration(kind):
        return True
    if not pa.types.is_string(kind):
        return False
    # A day is a number; a date, however written, is not.
    text = pc.utf8_trim_whitespace(source.values)
    days = pc.match_substring_regex(text, r"^[+-]?\d{1,4}(\.0*)?$")
    return not pc.any(days).as_py()


def _text(source: SourceColumn) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(source.values.cast(pa.string()))
    return pc.if_else(
        pc.equal(trimmed, ""),
        pa.scalar(None, pa.string()),
        trimmed,
    )


def as_kind(
    values: Floats,
    source: SourceColumn,
    column: Column,
    journal: Journal,
    unit: str = "",
) -> pa.Array:
    """Numbers within the range of their column, whole where the column is.

    Parameters
    ----------
    values : array
        In the unit of the contract.
    source : SourceColumn
        Where they come from.
    column : Column
        What they become.
    journal : Journal
        Takes what is refused or mended.
    unit : str
        In which the source writes them.
    """
    read = values
    if column.name == "age":
        read = _capped_ages(values, source, journal)
    if column.kind == "whole":
        read = _whole(read, source, column, journal, unit)
    low = -np.inf if column.low is None else column.low
    high = np.inf if column.high is None else column.high
    outside = (read < low) | (read > high)
    journal.cells(
        source,
        outside,
        "refused",
        f"out of range: {column.expected}",
    )
    read = np.where(outside, np.nan, read)
    kind = pa.int64() if column.kind == "whole" else pa.float64()
    return pa.array(read, from_pandas=True).cast(kind)


def _capped_ages(values: Floats, source: SourceColumn, journal: Journal) -> Floats:
    over = (values > AGE_CAP) & (values <= _OLDEST)
    reason = f"ages over {AGE_CAP - 1} are one class, {AGE_CAP}"
    journal.counted(source, int(over.sum()), "mended", reason)
    # A child of eleven months is 0 years old.
    return np.where(over, AGE_CAP, np.floor(values))


def _whole(
    values: Floats,
    source: SourceColumn,
    column: Column,
    journal: Journal,
    unit: str,
) -> Floats:
    broken = np.isfinite(values) & (values != np.round(values))
    # A month has no whole number of days, and a blood pressure of 120.5 is one of 120.
    if column.unit in _ROUNDED_UNITS or unit:
        journal.counted(
            source,
            int(broken.sum()),
            "mended",
            "rounded to a whole number",
        )
        return np.round(values)
    journal.cells(
        source,
        broken,
        "refused",
        f"not a whole number: {column.expected}",
    )
    return np.where(broken, np.nan, values)


def constant_column(name: str, word: str, table: str, n_rows: int) -> pa.Array:
    """A column in which every row has the word of the map.

    Parameters
    ----------
    name : str
        Of the contract.
    word : str
        What all rows get; for numbers in digits, for yes or no in words.
    table : str
        Of the contract.
    n_rows : int
        How many rows.
    """
    place = np.zeros(n_rows, dtype=np.int64)
    column = contract_column(table, name)
    one = pa.array([word], pa.string())
    if column is None or column.kind in (
        "text",
        "choice",
        "choices",
    ):
        return one.take(pa.array(place))
    if column.kind == "yes_no":
        return pa.array([bool(truth_of(word))]).take(pa.array(place))
    kind = pa.int64() if column.kind == "whole" else pa.float64()
    return pa.array([float(word)]).cast(kind).take(pa.array(place))
