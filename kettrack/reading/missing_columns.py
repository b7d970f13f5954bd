"""Columns that a table needs and does not have: what was most likely meant, and what may stand for
them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from kettrack.arrays import Bools
from kettrack.reading.headers import Matched, printable
from kettrack.reading.problems import Ledger, counted, nearest
from kettrack.reading.raw import Cells
from kettrack.reading.scale_names import nearest_scale
from kettrack.settings import SETTINGS_FILE, Settings

# Words by which other systems call these columns. AVAL, QSSTRESN, QSORRES and PARAMCD, QSTESTCD are
# those of CDISC.
_OTHER_NAMES: Final[Mapping[str, str]] = {
    "score": r"total|sum|score|points|result|value|aval|qsstresn|qsorres|raw",
    "instrument": r"scale|measure|questionnaire|instruments?|tool|paramcd|param|qstestcd|qscat",
}
_NUMBER: Final = r"[+-]?\d+(?:[.,]\d+)?"


def with_needed_columns(
    matched: Matched,
    settings: Settings,
    ledger: Ledger,
) -> Matched:
    """Report the columns that are needed and missing. A table of scores without `instrument` gets
    the one that the settings file names.

    Parameters
    ----------
    matched : Matched
        The rows that are observations.
    settings : Settings
        `scores_of` is the instrument of scores without one.
    ledger : Ledger
        Takes problems, with the column that was probably meant.
    """
    table = matched.table
    # A column that [columns] names for this table is reported there, so here it counts as found.
    found = matched.found | set(settings.columns.get(table.name, {}))
    for column in table.columns:
        if not column.required or column.name in found:
            continue
        if column.name == "instrument":
            matched = _of_one_scale(matched, settings, ledger)
        else:
            _report(matched, column.name, "", ledger)
    if table.name == "scores" and "score" not in found:
        _report_no_score(matched, settings, ledger)
    elif table.name == "scores":
        _report_empty_scores(matched, ledger)
    # Most likely the line with the names is missing, which explains all other problems.
    if not found:
        _report_no_header(matched, ledger)
    return matched


def _report_no_header(
    matched: Matched,
    ledger: Ledger,
) -> None:
    names = ", ".join(matched.table.names[:4])
    expected = (
        "no column is known; the first line of the file must name the columns:"
        f" {names}, ..."
    )
    ledger.problem(matched.raw.file, 1, "", "", expected)


def _report(
    matched: Matched,
    name: str,
    way_on: str,
    ledger: Ledger,
) -> None:
    near = _meant(matched, name)
    hint = ""
    if near == name:
        # Only the settings can hide a column that has the right name.
        hint = (
            f"; {near!r} is there, but {SETTINGS_FILE} names another: delete that line"
        )
    elif near:
        hint = (
            f"; did you mean {near!r}? Rename that column, or name it in [columns] of"
            f" {SETTINGS_FILE}"
        )
    # Where nothing resembles it, a person still needs to know what can be done.
    if not hint and not way_on and matched.found:
        hint = f"; rename the column that holds it, or name it in [columns] of {SETTINGS_FILE}"
    expected = f"this column is missing{hint}{way_on}"
    ledger.problem(matched.raw.file, 1, name, "", expected)


def _meant(
    matched: Matched,
    name: str,
) -> str | None:
    """The column that was probably meant by one that is missing."""
    if not matched.found:
        return None
    headers = [matched.raw.headers[place] for place in matched.free]
    near = nearest(name, filter(printable, headers))
    if near or name not in _OTHER_NAMES:
        return near
    for place, header in zip(matched.free, headers, strict=True):
        called = [
            re.fullmatch(_OTHER_NAMES[name], word) is not None
            for word in re.findall(r"[^\W\d_]+", header.casefold())
        ]
        # "Sum Score" looks like two names, but these words are nobody's.
        if not any(called) or not (all(called) or printable(header)):
            continue
        if name != "score" or _numeric(matched.raw.columns[place]):
            return header
    return None


def _numeric(cells: Cells) -> bool:
    """Whether a column holds numbers, and at least one."""
    numbers = [bool(re.fullmatch(_NUMBER, level)) for level in cells.levels]
    return bool(numbers) and all(numbers)


def _of_one_scale(
    matched: Matched,
    settings: Settings,
    ledger: Ledger,
) -> Matched:
    """Scores without an instrument are those of the one that the settings file names."""
    raw = matched.raw
    name = settings.scores_of
    # Named already, it is no answer to a column that may hold several scales.
    way_on = (
        ""
        if name
        else (
            "; if all scores are of one scale, name it in"
            f' {SETTINGS_FILE}: instrument = "{settings.instrument}", for example'
        )
    )
    # A column under another name may hold several scales, which would all become one.
    if not name or _meant(matched, "instrument") or _names_scales(matched, settings):
        _report(matched, "instrument", way_on, ledger)
        return matched
    ledger.note(
        f"{raw.file}: there is no column instrument; all"
        f" {counted(len(raw.lines), 'score')} are read as {name}, the instrument that"
        f" {SETTINGS_FILE} names."
    )
    everywhere = Cells(
        codes=np.zeros(len(raw.lines), dtype=np.int32),
        levels=np.array([name], dtype=object),
    )
    columns = {**matched.columns, "instrument": everywhere}
    return replace(matched, columns=columns)


def _names_scales(
    matched: Matched,
    settings: Settings,
) -> bool:
    """Whether some column that nothing reads holds the name of another scale."""
    names = list(settings.known_instruments)
    for place in matched.free:
        for level in matched.raw.columns[place].levels:
            if nearest_scale(level, names) not in (None, settings.scores_of):
                return True
    return False


def _report_no_score(
    matched: Matched,
    settings: Settings,
    ledger: Ledger,
) -> None:
    """Items can stand for the total, which is then computed; but only where there are any."""
    answered = _answered(matched)
    empty = _of_scales_without_items(matched, answered)
    if not answered.any():
        _report(matched, "score", _wide_form(matched, settings), ledger)
    elif empty:
        rows = counted(empty, "row")
        _report(
            matched,
            "score",
            f"; {rows} of scales without items would have no score",
            ledger,
        )
    elif _meant(matched, "score"):
        # A total beside complete items may be anything; then it can go.
        _report(matched, "score", ", or remove it if it is no total", ledger)


def _wide_form(
    matched: Matched,
    settings: Settings,
) -> str:
    """The way on where columns are called as scales are; empty where none is."""
    names = list(settings.known_instruments)
    headers = [matched.raw.headers[place] for place in matched.free]
    called = {nearest_scale(header, names) for header in headers}
    # In the order of the vocabulary, whatever that of the file.
    there = [name for name in names if name in called]
    if not there:
        return ""
    return (
        f"; columns are called {' and '.join(there)}, as scales are. Write one row for each"
        " score, with the name of the scale in instrument and the number in score"
    )


def _report_empty_scores(
    matched: Matched,
    ledger: Ledger,
) -> None:
    """A score column without a score, beside another that looks like one, was named by mistake."""
    scores = matched.columns.get("score")
    if scores is None or (scores.codes >= 0).any() or _answered(matched).all():
        return
    near = _meant(matched, "score")
    if near:
        expected = (
            f"this column is empty in every row; did you mean {near!r}? Name that column in"
            f" [columns.scores] of {SETTINGS_FILE}, or remove it if it is no total"
        )
        ledger.problem(matched.raw.file, 1, "score", "", expected)


def _of_scales_without_items(
    matched: Matched,
    answered: Bools,
) -> int:
    """Rows of scales of which not one form holds an answer: all their scores would be lost.

    A blank form among others is just not filled in.
    """
    instrument = matched.columns.get("instrument")
    if instrument is None:
        return int((~answered).sum())
    with_items = np.unique(instrument.codes[answered])
    return int((~np.isin(instrument.codes, with_items)).sum())


def _answered(matched: Matched) -> Bools:
    """Rows with an answer to an item."""
    answered = np.zeros(len(matched.raw.lines), dtype=bool)
    for name, cells in matched.columns.items():
        if name.startswith("item_"):
            answered |= cells.codes >= 0
    return answered
