"""Dates that begin with the year: month and day behind it, or day and month as in 2024-13-05.

The standard has the month first. Some programs turn 13/05/2024 round and write the day first. In
one column both look alike up to the twelfth of a month, so all of its dates decide together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import pyarrow as pa

from kettrack.importing.date_order import OTHER_ORDER
from kettrack.importing.date_spelling import Spelling
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import (
    ColumnPlace,
    OpenQuestion,
    Remarks,
)

YEAR_MONTH_DAY: Final = "year month day"
YEAR_DAY_MONTH: Final = "year day month"
DAY_BEFORE_MONTH: Final = "the day stands before the month, behind the year"
_QUESTION: Final = "year_first"
_LAST_MONTH: Final = 12
# Of so many dates some have a day above 12, wherever the day stands.
_FEWEST_TELLING: Final = 5


def with_year_first(
    told: Sequence[Spelling],
    indices: pa.Array,
    place: ColumnPlace,
    answers: Answers,
    remarks: Remarks,
) -> list[Spelling]:
    """The spellings of a column, those that begin with the year in the order that all of them tell.

    Parameters
    ----------
    told : sequence of Spelling
        The distinct ones.
    indices : pyarrow.Array
        For each row the number of its spelling.
    place, answers, remarks
        As for `read_dates`; `year_first.TABLE.COLUMN` says which part follows the year.
    """
    only_turned = [one.turned is not None and one.day is None for one in told]
    if not any(only_turned):
        return list(told)
    # A day above 12 can stand in one place only.
    only_standard = [
        one.day is not None and one.digits_only and one.day.day > _LAST_MONTH
        for one in told
    ]
    n_dates = sum(one.digits_only for one in told)
    order = ""
    if not any(only_standard) and n_dates >= _FEWEST_TELLING:
        order = YEAR_DAY_MONTH
    else:
        counts = [_rows(hit, indices, place) for hit in (only_standard, only_turned)]
        order = remarks.answer(_which(place, *counts), answers)
    # Without an answer the standard stands, and what it cannot read is refused.
    if order != YEAR_DAY_MONTH:
        return list(told)
    # Dates with the name of a month leave no doubt, and stay.
    return [_turned(one) if one.digits_only else one for one in told]


def _rows(
    hit: Sequence[bool],
    indices: pa.Array,
    place: ColumnPlace,
) -> str:
    """How many rows have such a date, and which is the first."""
    # Rows and no dates: a date may tell who somebody is.
    rows = place.rows.filter(pa.array(hit, pa.bool_()).take(indices))
    first = f" (the first in row {rows[0]})" if len(rows) else ""
    return f"{len(rows)}{first}"


def _which(
    place: ColumnPlace,
    n_standard: str,
    n_turned: str,
) -> OpenQuestion:
    return OpenQuestion(
        key=place.key(_QUESTION),
        asks=(
            f"{place.named}: Which part follows the year? {n_standard} of the dates can only have"
            f" the month there, {n_turned} only the day. Those of the other kind are refused, with"
            " their rows."
        ),
        choices=(YEAR_MONTH_DAY, YEAR_DAY_MONTH),
        why="Every day between two visits hangs on it.",
    )


def _turned(one: Spelling) -> Spelling:
    if one.turned is None:
        # 2024-05-13 is no day with the month last; 2024-13-13 is none at all.
        bad = one.bad or OTHER_ORDER
        return Spelling(bad=bad)
    return replace(
        one,
        day=one.turned,
        mended=DAY_BEFORE_MONTH,
        bad="",
    )
