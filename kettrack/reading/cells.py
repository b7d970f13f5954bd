"""Cells to values: each distinct spelling is judged once by its column's kind, and every bad cell
is reported.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from kettrack.arrays import Floats, Objects
from kettrack.reading.cell_hints import hints
from kettrack.reading.coded import Coded, CodedRows, coded_values
from kettrack.reading.day_cells import days_gone_wrong
from kettrack.reading.decimal_marks import POINTED, is_like, perhaps_thousands
from kettrack.reading.headers import Matched
from kettrack.reading.problems import Ledger, counted_was, did_you_mean, show
from kettrack.reading.raw import Cells, RawTable, smallest_codes
from kettrack.reading.scale_names import nearest_scale, other_version, scale_meant
from kettrack.vocabulary.columns import AGE_CAP, Column

# No nan, no inf and no hexadecimal: NumPy would read them, a clinic never means them.
_NUMBER: Final = r"^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,2})?$"
_DECIMAL_COMMA: Final = r"^[+-]?\d+,\d+$"
_NOTHING: Final = "none"  # of a closed list
_PASSED_THROUGH_FLOAT: Final = re.compile(r"\d+\.0")
# Spreadsheets and Parquet files write truth values in all of these ways.
_TRUTH: Final = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}
# 1.23E+15: many long numbers have become this one
ROUNDED_CODE: Final = r"^\d(?:[.,]\d+)?[eE]\+\d+$"
# A code with a tab or line end in it would break every table that prints it.
CONTROL_SIGN: Final = r"[\x00-\x1f\x7f-\x9f]"
# What programs write where a code is missing: rows of several people would become one patient.
NO_CODE: Final = (
    r"(?i)^(?:none|unknown|missing|unassigned|tbd|no (?:id|code|number)"
    r"|not (?:known|available|assigned|recorded)|[-?]+)$"
)


@dataclass(slots=True)
class Judged:
    """The levels of one column as values: numbers, or places in `words`; `bad` says what was
    expected instead.
    """

    values: Floats
    bad: dict[int, str]
    words: Sequence[str] | None = None


def read_rows(
    matched: Matched,
    instruments: Sequence[str],
    ledger: Ledger,
) -> CodedRows:
    """Turn the columns of one table into values; a bad cell is reported and missing.

    Parameters
    ----------
    matched : Matched
        The columns under their contract names.
    instruments : sequence of str
        Known instruments, the allowed words of `instrument`.
    ledger : Ledger
        Takes notes and problems.

    Returns
    -------
    CodedRows
        One row per row of the source; every column of the contract, items as far as the source has
        any; a truth value is 1 or 0.
    """
    raw = matched.raw
    spare = _spare_items(matched)
    read = {}
    for column in matched.table.columns:
        if column.name in spare:
            continue
        cells = matched.columns.get(column.name)
        # An identifying column is read as absent, so that none of its values reaches a message.
        if cells is None or (
            column.name in matched.identifying and column.name != "patient_id"
        ):
            read[column.name] = _absent(column, len(raw.lines))
        else:
            read[column.name] = _read(
                raw, _with_words(column, instruments), cells, ledger
            )
    return CodedRows(raw.lines, read)


def _spare_items(matched: Matched) -> set[str]:
    """Items behind the last one of the source.

    Nobody can have answered them, and a cohort holds no such columns; on the way there they would
    only cost time.
    """
    items = [name for name in matched.table.names if name.startswith("item_")]
    n_kept = 0
    for place, name in enumerate(items, start=1):
        if name in matched.columns:
            n_kept = place
    return set(items[n_kept:])


def _with_words(
    column: Column,
    instruments: Sequence[str],
) -> Column:
    return (
        # A user may add instruments, so the list of allowed words is known only now.
        replace(column, kind="choice", allowed=tuple(sorted(instruments)))
        if column.name == "instrument"
        else column
    )


def _absent(
    column: Column,
    n_rows: int,
) -> Coded:
    numeric = column.kind in ("whole", "decimal", "yes_no")
    values = np.zeros(0, dtype=np.float64 if numeric else object)
    missing = np.full(n_rows, -1, dtype=np.int8)
    return Coded(missing, values)


def _read(
    raw: RawTable,
    column: Column,
    cells: Cells,
    ledger: Ledger,
) -> Coded:
    judged = _judge(raw, column, cells, ledger)
    _report_bad(raw, column, cells, judged, ledger)
    # Empty cells have code -1, so no level of theirs is judged; they are reported by line.
    if column.required:
        for line in raw.lines[cells.codes < 0].tolist():
            ledger.problem(
                raw.file, line, column.name, "", f"empty; {_wanted(column)} is needed"
            )
    note_marked(raw.file, column.name, cells.n_marked, ledger)
    if judged.words is None:
        return coded_values(cells.codes, judged.values)
    # The place of a word is a whole number held as a float, so that NaN can stand for none. An
    # empty cell, code -1, takes the entry appended.
    words = np.array(list(judged.words), dtype=object)
    place = np.nan_to_num(np.append(judged.values, np.nan), nan=-1)
    smallest = smallest_codes(len(words))
    return Coded(place.astype(smallest)[cells.codes], words)


def note_marked(
    file: str,
    column: str,
    n_marked: int,
    ledger: Ledger,
) -> None:
    """Say in how many cells a word such as NA was read as empty."""
    if n_marked:
        ledger.note(
            f"{file}, {column}: {counted_was(n_marked, 'cell')} read as empty, for a word such as"
            " NA."
        )


def _judge(
    raw: RawTable,
    column: Column,
    cells: Cells,
    ledger: Ledger,
) -> Judged:
    if column.name == "patient_id":
        return _codes_as_written(raw, cells, ledger)
    if column.kind == "text":
        return _as_words(list(cells.levels))
    if column.kind == "choice":
        return _choice(raw, column, cells, ledger)
    if column.kind == "choices":
        return _choices(column, cells)
    return (
        _truth(raw, column, cells, ledger)
        if column.kind == "yes_no"
        else _numbers(raw, column, cells, ledger)
    )


def _report_bad(
    raw: RawTable,
    column: Column,
    cells: Cells,
    judged: Judged,
    ledger: Ledger,
) -> None:
    if not judged.bad:
        return
    bad = np.zeros(len(cells.levels), dtype=bool)
    # One bad spelling may stand in many rows; each row is reported.
    bad[list(judged.bad)] = True
    for row in cells.rows(bad).tolist():
        level = int(cells.codes[row])
        word = cells.levels[level]
        # HAMD-21 names nobody, and is told apart from HAMD-17 only by being shown.
        scale = column.name == "instrument" and other_version(word, column.allowed)
        value = show(
            word,
            (*column.allowed, word) if scale else column.allowed,
            # An age above the cap tells who somebody is, so it is never repeated.
            high=AGE_CAP - 1 if column.name == "age" else None,
        )
        ledger.problem(
            raw.file, int(raw.lines[row]), column.name, value, judged.bad[level]
        )


def _wanted(column: Column) -> str:
    return (
        "the name of an instrument" if column.name == "instrument" else column.expected
    )


def _codes_as_written(
    raw: RawTable,
    cells: Cells,
    ledger: Ledger,
) -> Judged:
    """Study codes stay text, `001` with its noughts; `1.0` throughout is a whole number that passed
    through a float.
    """
    levels = list(cells.levels)
    # Only where every code looks so: a single "1.0" may be a code of its own.
    # Nearly always the first code shows that it is not so.
    floats = bool(levels) and all(map(_PASSED_THROUGH_FLOAT.fullmatch, levels))
    _decided(raw, "patient_id", "written as 1.0", floats, bool(levels), ledger)
    if floats:
        ledger.note(
            f"{raw.file}: patient_id is written as 1.0, 2.0, ...; it is read as 1, 2, ..."
        )
        levels = [level[:-2] for level in levels]
    judged = _as_words(levels)
    judged.bad |= _codes_gone_wrong(Cells(cells.codes, np.array(levels, dtype=object)))
    return judged


def _decided(
    raw: RawTable,
    column: str,
    what: str,
    how: bool,
    told: bool,
    ledger: Ledger,
) -> None:
    """Take down what was decided from a whole column, where its cells tell anything of it."""
    if told:
        ledger.decided(f"{raw.file}, {column}: {what}", "yes" if how else "no")


def _codes_gone_wrong(codes: Cells) -> dict[int, str]:
    if _plainly_codes(codes.levels):
        return {}
    rounded = (
        "looks like a spreadsheet has rounded the code; give the column the format Text and"
        " export it again"
    )
    said = dict.fromkeys(np.flatnonzero(is_like(codes, ROUNDED_CODE)).tolist(), rounded)
    missing = (
        "a study code; this word says that there is none, and the rows of several people would"
        " become one patient's"
    )
    said |= dict.fromkeys(np.flatnonzero(is_like(codes, NO_CODE)).tolist(), missing)
    control = np.flatnonzero(is_like(codes, CONTROL_SIGN)).tolist()
    return said | dict.fromkeys(
        control, "a study code without tabs, line ends or other control characters"
    )


def _plainly_codes(levels: Objects) -> bool:
    """Whether every code holds a digit, and none a plus or a control character: then none of them
    is rounded, missing or broken. Told from all of them at once, as a large clinic has many.
    """
    text = "\n".join(levels)
    one_a_line = text.count("\n") + 1 == len(levels)
    plain = one_a_line and "+" not in text and text.replace("\n", "").isprintable()
    return plain and not re.search(r"(?m)^\D*$", text)


def _as_words(
    levels: Sequence[str],
) -> Judged:
    # Levels are distinct, so each is a word of its own, and its value is its place.
    places = np.arange(len(levels), dtype=np.float64)
    return Judged(places, {}, levels)


def _choice(
    raw: RawTable,
    column: Column,
    cells: Cells,
    ledger: Ledger,
) -> Judged:
    place = {
        # Capital letters carry no meaning in any closed list.
        word.casefold(): float(number)
        for number, word in enumerate(column.allowed)
    }
    values = np.array(
        [place.get(level.casefold(), np.nan) for level in cells.levels],
        dtype=np.float64,
    )
    bad = {
        int(level): _not_known(column, cells.levels[level])
        for level in np.flatnonzero(np.isnan(values))
    }
    # Levels that are known only without regard to capital letters.
    cased = sum(level not in column.allowed for level in cells.levels) - len(bad)
    if cased:
        ledger.note(
            f"{raw.file}, {column.name}: capital and small letters are treated as the same."
        )
    return Judged(values, bad, column.allowed)


def _not_known(
    column: Column,
    value: str,
) -> str:
    if column.name == "instrument":
        return _not_a_scale(value, column.allowed)
    near = did_you_mean(value, column.allowed)
    return f"not known{near}" if near else column.expected


def _not_a_scale(
    value: str,
    names: Sequence[str],
) -> str:
    hint = scale_meant(value, names)
    if nearest_scale(value, names):
        return f"not known; {hint}"
    if other_version(value, names):
        return f"not built in, and another version of a scale is another scale; {hint}"
    return f"not a known instrument: {', '.join(names)}; {hint}"


def _choices(
    column: Column,
    cells: Cells,
) -> Judged:
    """Lists joined by `;`, each part from the closed list; written back in the order of the list,
    once each.
    """
    place_of = {word: place for place, word in enumerate(column.allowed)}
    tidy: list[str | None] = []
    bad: dict[int, str] = {}
    for number, level in enumerate(cells.levels):
        parts = [part.strip() for part in level.casefold().split(";")]
        places = {place_of.get(part, -1) for part in parts if part}
        if place_of.get(_NOTHING) in places and len(places) > 1:
            tidy.append(None)
            bad[number] = f"{_NOTHING}, or what there was: the two exclude each other"
            continue
        if -1 not in places:
            tidy.append(";".join(column.allowed[place] for place in sorted(places)))
            continue
        tidy.append(None)
        # The first strange part is enough to say what is wrong with the cell.
        strange = next(part for part in parts if part and part not in place_of)
        bad[number] = _not_known(column, strange)
    # Two spellings such as "a;b" and "b; a" become one word, in the order of the closed list.
    words = list(dict.fromkeys(word for word in tidy if word is not None))
    place_in = {word: float(place) for place, word in enumerate(words)}
    values = np.array(
        [np.nan if word is None else place_in[word] for word in tidy],
        dtype=np.float64,
    )
    return Judged(values, bad, words)


def _truth(
    raw: RawTable,
    column: Column,
    cells: Cells,
    ledger: Ledger,
) -> Judged:
    values = np.array(
        [_TRUTH.get(level.casefold(), np.nan) for level in cells.levels],
        dtype=np.float64,
    )
    # A 1 could also have meant a count, so the reading is told.
    if any(level[:1] in "01" for level in cells.levels):
        ledger.note(f"{raw.file}, {column.name}: 0 and 1 are read as false and true.")
    return Judged(
        values,
        dict.fromkeys(np.flatnonzero(np.isnan(values)).tolist(), column.expected),
    )


def _numbers(
    raw: RawTable,
    column: Column,
    cells: Cells,
    ledger: Ledger,
) -> Judged:
    levels = _without_decimal_commas(raw, column, cells, ledger)
    written = is_like(Cells(cells.codes, levels), _NUMBER)
    values = np.full(len(levels), np.nan)
    # What is not written as a number stays NaN and fails the comparison below.
    values[written] = levels[written].astype(np.float64)
    if column.name == "age":
        return _ages(raw, cells, values, ledger)
    low = column.low if column.low is not None else -np.inf
    high = column.high if column.high is not None else np.inf
    # NaN compares false, so what is no number is not fine.
    fine = (values >= low) & (values <= high)
    if column.kind == "whole":
        fine &= values == np.round(values)
    bad = dict.fromkeys(np.flatnonzero(~fine).tolist(), column.expected)
    bad |= hints(column, levels, list(bad))
    bad |= perhaps_thousands(raw, column, levels, cells, high)
    if column.role == "time" and column.unit == "days":
        bad |= days_gone_wrong(column, levels, values, ~fine)
    return Judged(np.where(fine, values, np.nan), bad)


def _without_decimal_commas(
    raw: RawTable,
    column: Column,
    cells: Cells,
    ledger: Ledger,
) -> Objects:
    """Read `7,5` as 7.5 where the comma does not separate cells and no point does the same job in
    this column.
    """
    # Where the comma separates cells, or where there is no text file, a comma is no decimal sign.
    if raw.separator in ("", ","):
        return cells.levels
    comma = is_like(cells, _DECIMAL_COMMA)
    # With a point as decimal sign in the same column, "1,500" is more likely fifteen hundred.
    pointed = bool(is_like(cells, POINTED).any())
    told = pointed or bool(comma.any())
    _decided(raw, column.name, "decimal commas", not pointed, told, ledger)
    if not comma.any() or pointed:
        return cells.levels
    ledger.note(
        f"{raw.file}, {column.name}: decimal commas are read as decimal points."
    )
    return np.array(
        [
            level.replace(",", ".") if yes else level
            for level, yes in zip(cells.levels, comma, strict=True)
        ],
        dtype=object,
    )


def _ages(
    raw: RawTable,
    cells: Cells,
    values: Floats,
    ledger: Ledger,
) -> Judged:
    # Ages from the cap on are one class, since few people are so old.
    top = cells.levels == f"{AGE_CAP}+"
    if top.any():
        ledger.note(
            f"{raw.file}: {counted_was(len(cells.rows(top)), 'age')} given as {AGE_CAP}+ and"
            f" read as {AGE_CAP}."
        )
    fine = top | ((values >= 0) & (values < AGE_CAP) & (values == np.round(values)))
    expected = (
        f"a whole number of years, 0 to {AGE_CAP - 1}; above that write {AGE_CAP}+, which is read"
        f" as {AGE_CAP}"
    )
    bad = dict.fromkeys(np.flatnonzero(~fine).tolist(), expected)
    return Judged(np.where(top, AGE_CAP, np.where(fine, values, np.nan)), bad)
