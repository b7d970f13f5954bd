"""A column of dates that are text: each spelling is read once, the order told by all of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from kettrack.importing.date_order import (
    DAY_FIRST,
    MONTH_FIRST,
    OTHER_ORDER,
    fitting,
    in_order,
    order_of,
)
from kettrack.importing.date_spelling import Spelling, full_year, spelling, this_day
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import ColumnPlace, OpenQuestion, Remarks

# Behind a date of at least six signs: T10:15:00.5+02:00, 2:30 PM, 14h30, 14.30 Uhr, 10:15 CET,
# 10:15:00 GMT+0100 (CET).
_TIME: Final = (
    r"^(.{6,}?)(?:[Tt ]|, ?) *\d{1,2}(?:[:.h]\d\d){1,2}(?:[.,]\d+)?"
    r" *(?i:[ap]\.?m\.?|uhr)? *(?:(?i:Z|UTC|GMT)?(?:[+-]\d\d(?::?\d\d)?)?|[A-Z]{3,4})"
    r"(?: \([^()]*\))?$"
)
_HOUR: Final = r"^(.{6,}?)(?: |, ?)\d{1,2} ?(?i:uhr|h|[ap]\.?m\.?)$"
# As a program writes it that has no other form: Tue Jan 07 10:15:00 CET 2025.
_YEAR_BEHIND: Final = r"^(\w{3} \w{3} \d\d) \d\d:\d\d:\d\d [A-Z]{3,4} (\d{4})$"
_TIME_OF_RUN: Final = r"^(\d{8})T?\d{4}(?:\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?$"
_HOUR_ONLY: Final = r"^(\d{4}-\d\d-\d\d)T\d\d(?:Z|[+-]\d\d:?\d\d)?$"
_IN_UTC: Final = r"(?i)\d(?:Z| ?UTC| ?GMT|[+-]00:?00)$"
# A spreadsheet counts days from 1900, and counts a 29 February 1900 that never was.
SPREADSHEET_DAY_0: Final = date(1899, 12, 30)
SPREADSHEET_DAYS: Final = (10_000, 73_050)  # 1927 to 2099
SAID_SPREADSHEET: Final = (
    "the number is read as a day of a spreadsheet, counted from 1900"
)
_SERIAL: Final = re.compile(r"(\d{5})(?:[.,]\d+)?")
# So many dates with a day up to 12 are no accident.
_FEWEST_SWAPPED: Final = 5
_LAST_MONTH: Final = 12
_ORDER_OF_ALL: Final = "date_order"
_SWAPPED: Final = "swapped"
_AS_THEY_STAND: Final = "as they stand"
_NOTHING: Final = pa.scalar(None, pa.string())
YEAR_MONTH_DAY: Final = "year month day"
YEAR_DAY_MONTH: Final = "year day month"
DAY_BEFORE_MONTH: Final = "the day stands before the month, behind the year"
_QUESTION: Final = "year_first"
# Of so many dates some have a day above 12, wherever the day stands.
_FEWEST_TELLING: Final = 5


def read_text_dates(
    text: pa.Array,
    place: ColumnPlace,
    answers: Answers,
    remarks: Remarks,
) -> pa.Array:
    """Read a column of text as days; the parameters are those of `read_dates`."""
    encoded = _without_time(text, place, remarks).dictionary_encode()
    words = encoded.dictionary.to_pylist()
    # A number of a spreadsheet first: five digits are no date in any other form.
    written = [_serial(word) or spelling(word) for word in words]
    told = with_year_first(written, encoded.indices, place, answers, remarks)
    order = _order(told, encoded.indices, place, answers, remarks)
    read = [in_order(one, order) if one.parts and order else one for one in told]
    if _look_swapped(told):
        read = _asked_whether_swapped(read, told, place, answers, remarks)
    _tell(read, encoded.indices, place, remarks)
    days = pa.array([one.day for one in read], pa.date32())
    return days.take(encoded.indices)


def _without_time(
    text: pa.Array,
    place: ColumnPlace,
    remarks: Remarks,
) -> pa.Array:
    """Text without the time of day; null where nothing stands."""
    # The answers of a form share their time, so each spelling is looked at once.
    coded = text.dictionary_encode()
    written = pc.utf8_trim_whitespace(coded.dictionary)
    written = pc.if_else(pc.equal(written, ""), _NOTHING, written)
    of_utc = pc.match_substring_regex(written, _IN_UTC).take(coded.indices)
    in_utc = pc.sum(of_utc).as_py()
    remarks.column(
        place,
        "noted",
        "the time is given in UTC, and the day is that of UTC; late in the evening it can be"
        " another than in the clinic",
        in_utc or 0,
    )
    written = pc.replace_substring_regex(written, _YEAR_BEHIND, r"\1 \2")
    for pattern in (_TIME, _TIME_OF_RUN, _HOUR_ONLY, _HOUR):
        written = pc.replace_substring_regex(written, pattern, r"\1")
    return pc.utf8_trim_whitespace(written).take(coded.indices)


def _serial(word: str) -> Spelling | None:
    """A day of a spreadsheet, which left its number where it could not write the date."""
    found = _SERIAL.fullmatch(word)
    if found is None:
        return None
    number = int(found.group(1))
    first, last = SPREADSHEET_DAYS
    if not first <= number <= last:
        return None
    return Spelling(day=SPREADSHEET_DAY_0 + timedelta(number), mended=SAID_SPREADSHEET)


def _order(
    told: Sequence[Spelling],
    indices: pa.Array,
    place: ColumnPlace,
    answers: Answers,
    remarks: Remarks,
) -> str:
    """The order of the parts; empty where it has to be asked, and is asked."""
    open_ones = [one for one in told if one.parts]
    order = order_of(open_ones)
    if not open_ones or order.known:
        return order.known
    key = place.key(_ORDER_OF_ALL)
    # The key without a column answers for all of them.
    answer = answers.get(key) or answers.get(_ORDER_OF_ALL, "")
    # An answer that no longer fits the file is asked for again.
    if answer in order.possible:
        return answer
    asks = (
        _asks_of_mixed(told, indices, place)
        if order.mixed
        else "Which part of these dates stands first? Every date of the column can be read in"
        " more than one way."
    )
    remarks.ask(
        OpenQuestion(
            key=key,
            asks=f"{place.named}: {asks}",
            choices=order.possible,
            why="Every day between two visits hangs on it.",
        )
    )
    return ""


def _asks_of_mixed(
    told: Sequence[Spelling],
    indices: pa.Array,
    place: ColumnPlace,
) -> str:
    """What to ask where some dates can be read in one order only, and some in another only."""
    said = []
    for order in (DAY_FIRST, MONTH_FIRST):
        only = pa.array([fitting(one) == (order,) for one in told])
        rows = place.rows.filter(only.take(indices))
        if len(rows):
            said.append(f"{len(rows)} only {order} (the first in row {rows[0]})")
    return (
        f"The dates are in different orders: {', '.join(said)}. Which is right for those that can"
        " be read both ways? The others are refused, with their rows."
    )


def _look_swapped(
    told: Sequence[Spelling],
) -> bool:
    """Whether a spreadsheet of another country may have opened the file before.

    It takes 03/07/2025 for a date in its own order, and leaves 13/07/2025 as text. Then every date
    of the one kind has a day up to 12, and of the other kind one above.
    """
    real = [one.day for one in told if one.day and one.digits_only]
    left = [one for one in told if one.parts]
    # Only dates of digits: a spreadsheet does not turn round the name of a month.
    low = all(day.day <= _LAST_MONTH for day in real)
    return (
        len(real) >= _FEWEST_SWAPPED
        and bool(left)
        and low
        and all(len(fitting(one)) == 1 for one in left)
    )


def _asked_whether_swapped(
    read: list[Spelling],
    told: Sequence[Spelling],
    place: ColumnPlace,
    answers: Answers,
    remarks: Remarks,
) -> list[Spelling]:
    question = OpenQuestion(
        key=place.key("date_swapped"),
        asks=f"{place.named}: Are day and month swapped in the dates that begin with the"
        " year? All of them have a day up to 12, and all others have one above. This is"
        " how it looks when a spreadsheet of another country has opened the file.",
        choices=(_SWAPPED, _AS_THEY_STAND),
        why="Every day between two visits hangs on it.",
    )
    if remarks.answer(question, answers) != _SWAPPED:
        return read
    return [
        _turned(one) if was.digits_only and one.day else one
        for one, was in zip(read, told, strict=True)
    ]


def _turned(
    one: Spelling,
) -> Spelling:
    day = one.day
    if day is None:
        return one
    turned = day.replace(month=day.day, day=day.month)
    return replace(one, day=turned, mended="day and month are put in their places")


def _tell(
    read: Sequence[Spelling],
    indices: pa.Array,
    place: ColumnPlace,
    remarks: Remarks,
) -> None:
    """Say which cells are refused, and what is behind the others."""
    for reason in dict.fromkeys(one.bad for one in read if one.bad):
        hit = pa.array([one.bad == reason for one in read])
        remarks.cells(place, hit.take(indices), "refused", reason)
    for how in dict.fromkeys(one.mended for one in read if one.mended):
        hit = pa.array([one.mended == how for one in read])
        n_cells = pc.sum(hit.take(indices)).as_py()
        remarks.column(place, "mended", how, n_cells or 0)
    short = pa.array([one.short_year for one in read], pa.bool_())
    n_short = pc.sum(short.take(indices)).as_py()
    last = full_year(this_day().year % 100)
    remarks.column(
        place,
        "mended",
        f"years of two digits are read as {last - 99} to {last}",
        n_short or 0,
    )


# The standard has the month first. Some programs turn 13/05/2024 round and write the day first.
# In one column both look alike up to the twelfth of a month, so all of its dates decide together.
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
    return [_day_first(one) if one.digits_only else one for one in told]


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


def _day_first(one: Spelling) -> Spelling:
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
