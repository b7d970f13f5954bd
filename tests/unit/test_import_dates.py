"""Dates as people and programs write them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kettrack.importing.date_spelling import (
    IN_PART,
    NO_DATE,
    NO_SUCH_DAY,
    TOO_EARLY,
    TOO_LATE,
)
from kettrack.importing.dates import DATES_LOST, read_dates
from kettrack.importing.remarks import ColumnPlace, Remarks

SEVENTH = date(2025, 3, 7)
THIRTEENTH = "13.03.2025"


def read(
    cells: list[object] | pa.Array, answers: dict[str, str] | None = None
) -> tuple[list[date | None], Remarks]:
    column = cells if isinstance(cells, pa.Array) else pa.array(cells)
    rows = pa.array(range(2, len(column) + 2))
    place = ColumnPlace(file="v.csv", table="Visits", column="Date", rows=rows)
    remarks = Remarks()
    days = read_dates(column, place, answers or {}, remarks)
    assert days.type == pa.date32()
    return days.to_pylist(), remarks


def refused(remarks: Remarks) -> list[tuple[int | None, str]]:
    return [(one.row, one.reason) for one in remarks.said if one.action == "refused"]


@pytest.mark.parametrize(
    "text",
    [
        "2025-03-07",
        "2025/3/7",
        "2025.03.07",
        "20250307",
        "2025-03-07T23:59:59",
        "2025-03-07 23:59",
        "2025-03-07T23:30:00-05:00",
        "2025-03-07T00:10:00.123+02:00",
        "2025-03-07T10",
        "20250307T101500",
        "20250307101500",
        "7 March 2025",
        "7th of March, 2025",
        "March 7, 2025",
        "Mar 7 2025 2:30 PM",
        "2025 Mar 07",
        "07-MAR-2025",
        "7-Mar-25",
        "07Mar2025",
        "7. März 2025",
        "Freitag, 7. März 2025, 14:30 Uhr",
        "7 mars 2025",
        "vendredi 7 mars 2025 14h30",
        "7 de marzo de 2025",
        "viernes 7 marzo 2025",
        "7 marzo 2025",
        "7 maart 2025",
        "vr 7 mrt 2025",
        "  2025-03-07\u00a0",
        "'2025-03-07",
        "45723",
        "45723.75",
        "7\u2011Mar\u20112025",
        "\ufeff2025-03-07\u200b",
        "Fri Mar 07 10:15:00 CET 2025",
        "Fri Mar 07 2025 10:15:00 GMT+0100 (Central European Time)",
        "2025-03-07 10:15 MESZ",
        "2025-03-07 10 Uhr",
    ],
)
def test_the_seventh_of_march(text: str) -> None:
    days, remarks = read([text])
    assert days == [SEVENTH]
    assert not remarks.asked
    assert not refused(remarks)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2025-03", IN_PART),
        ("03/2025", IN_PART),
        ("March 2025", IN_PART),
        ("Mar-25", IN_PART),
        ("2025", IN_PART),
        ("2025-00-00", IN_PART),
        ("2025---07", IN_PART),
        ("UN-UNK-2025", IN_PART),
        ("00.03.2025", IN_PART),
        ("2025-02-29", NO_SUCH_DAY),
        ("31.02.2025", NO_SUCH_DAY),
        ("45/45/2025", NO_SUCH_DAY),
        ("31 June 2025", NO_SUCH_DAY),
        ("1899-12-30", TOO_EARLY),
        ("0000-00-00", TOO_EARLY),
        ("9999-12-31", TOO_LATE),
        ("2025-03-07 12:30 Kim", NO_DATE),
        ("next week", NO_DATE),
        ("N/A", NO_DATE),
        ("12:30", NO_DATE),
        ("7", NO_DATE),
        ("May", NO_DATE),
        ("Ms May 7", NO_DATE),
    ],
)
def test_no_date(text: str, why: str) -> None:
    days, remarks = read(["2025-03-07", text])
    assert days == [SEVENTH, None]
    assert refused(remarks) == [(3, why)]
    # No value of the file is in a remark.
    assert text not in str(remarks.said) or len(text) < 5


def test_one_day_above_twelve_tells_the_order_of_all() -> None:
    days, remarks = read(["03.07.2025", THIRTEENTH])
    assert days == [date(2025, 7, 3), date(2025, 3, 13)]
    days, remarks = read(["03/07/2025", "03/13/2025"])
    assert days == [SEVENTH, date(2025, 3, 13)]
    assert not remarks.asked


def test_the_order_is_asked_where_nothing_tells_it() -> None:
    days, remarks = read(["03/07/2025", "2025-01-31"])
    assert days == [None, date(2025, 1, 31)]
    assert not refused(remarks)
    (question,) = remarks.asked
    assert question.key == "date_order.Visits.Date"
    assert question.choices == ("day first", "month first")
    answered, _ = read(["03/07/2025"], {question.key: "month first"})
    assert answered == [SEVENTH]
    # One answer for all columns; that of the column goes before it.
    answered, _ = read(["03/07/2025"], {"date_order": "month first"})
    assert answered == [SEVENTH]
    both = {question.key: "day first", "date_order": "month first"}
    answered, _ = read(["03/07/2025"], both)
    assert answered == [date(2025, 7, 3)]
    answered, _ = read(["03/07/2025"], {question.key: "day first"})
    assert answered == [date(2025, 7, 3)]


def test_the_same_day_in_either_order_is_not_asked() -> None:
    days, remarks = read(["05/05/2025"])
    assert days == [date(2025, 5, 5)]
    assert not remarks.asked


def test_a_column_of_both_orders_is_asked_and_the_others_are_refused() -> None:
    cells = ["13/03/2025", "03/14/2025", "03/07/2025"]
    days, remarks = read(cells)
    assert days == [None, None, None]
    (question,) = remarks.asked
    assert "1 only day first (the first in row 2)" in question.asks
    assert "1 only month first (the first in row 3)" in question.asks
    days, remarks = read(cells, {question.key: "month first"})
    assert days == [None, date(2025, 3, 14), SEVENTH]
    assert [row for row, _ in refused(remarks)] == [2]


def test_a_weekday_tells_the_order() -> None:
    # 7 March 2025 was a Friday, 3 July 2025 a Thursday.
    assert read(["13032025", "07032025"])[0] == [date(2025, 3, 13), SEVENTH]
    assert read(["Fri 03/07/2025"])[0] == [SEVENTH]
    assert read(["Thu, 03/07/2025"])[0] == [date(2025, 7, 3)]


def test_years_of_two_digits_lie_in_the_past() -> None:
    next_year = (datetime.now().astimezone().year + 1) % 100
    days, remarks = read(["31.01.24", f"31.01.{next_year:02}"])
    assert days == [date(2024, 1, 31), date(1900 + next_year, 1, 31)]
    assert any("two digits" in one.reason and one.count == 2 for one in remarks.said)


def test_two_digits_throughout() -> None:
    # Days of a month are spread over all years of a century, years of visits are not.
    visits = [date(2024, 1, 3) + timedelta(days=3 * n) for n in range(12)]
    assert read([f"{day:%d-%m-%y}" for day in visits])[0] == visits
    assert read([f"{day:%y-%m-%d}" for day in visits])[0] == visits
    # A few tell nothing; with points nobody puts the year first.
    assert read(["24-01-22"])[1].asked[0].choices == ("day first", "year first")
    # Two people born in 2005 and 2022 on neighbouring days of a month.
    born = read(["30-01-05", "31-01-22"])[1].asked[0]
    assert born.choices == ("day first", "year first")
    assert read(["24.01.22"])[0] == [date(2022, 1, 24)]


def test_a_spreadsheet_of_another_country_has_opened_the_file() -> None:
    cells = ["2025-07-03", "2025-08-03", "2025-09-03", "2025-10-03", "2025-11-03"]
    cells += ["13/03/2025", "21/03/2025"]
    _, remarks = read(cells)
    (question,) = remarks.asked
    assert question.key == "date_swapped.Visits.Date"
    days, _ = read(cells, {question.key: "swapped"})
    assert days[0] == SEVENTH
    assert days[5] == date(2025, 3, 13)
    stand, _ = read(cells, {question.key: "as they stand"})
    assert stand[0] == date(2025, 7, 3)
    # One date of the other kind with a low day: nothing was swapped.
    assert not read([*cells, "04/03/2025"])[1].asked


HALF_ISO = """
which      | cells                                                        | third day
all        | 2024-03-02 2024-02-11 2024-07-03 2024-10-12 2024-13-05       | 2024-03-07
all, run   | 20240302 20240211 20240703 20241012 20241305                 | 2024-03-07
standard   | 2024-03-02 2024-02-11 2024-07-03 2024-10-12 2024-10-05       | 2024-07-03
few        | 2024-03-02 2024-02-11 2024-07-03 2024-13-05                  | asked
mixed      | 2024-03-02 2024-02-11 2024-07-03 2024-10-12 2024-13-05 2024-05-13 | asked
no day     | 2024-03-02 2024-02-11 2024-07-03 2024-10-12 2024-45-45       | 2024-07-03
"""


@pytest.mark.parametrize("line", HALF_ISO.strip().splitlines()[1:])
def test_the_whole_column_tells_which_part_follows_the_year(line: str) -> None:
    _, cells, third = (part.strip() for part in line.split("|"))
    days, remarks = read([*cells.split()])
    asked = [one.key for one in remarks.asked]
    if third == "asked":
        assert asked == ["year_first.Visits.Date"]
    else:
        assert not asked
        assert str(days[2]) == third


def test_which_part_follows_the_year_is_answered_for_the_whole_column() -> None:
    cells = ["2024-07-03", "2024-13-05", "2024-05-13"]
    key = "year_first.Visits.Date"
    turned, remarks = read(cells, {key: "year day month"})
    assert turned == [date(2024, 3, 7), date(2024, 5, 13), None]
    assert [row for row, _ in refused(remarks)] == [4]
    assert [one.count for one in remarks.said if one.action == "mended"] == [2]
    # Numbers of a program are answered like text.
    numbers = pa.array([20240703, 20241305])
    assert read(numbers, {key: "year day month"})[0] == [
        date(2024, 3, 7),
        date(2024, 5, 13),
    ]
    standard, remarks = read(cells, {key: "year month day"})
    assert standard == [date(2024, 7, 3), None, date(2024, 5, 13)]
    assert refused(remarks) == [(3, NO_SUCH_DAY)]


def test_numbers_of_a_spreadsheet() -> None:
    for cells in (pa.array([45723, None, 45724]), pa.array([45723.0, None, 45724.5])):
        days, remarks = read(cells)
        assert days == [SEVENTH, None, date(2025, 3, 8)]
        assert [one.count for one in remarks.said] == [2]
    # Its count has a day that never was; 60 is taken for the day before it.
    days, _ = read(pa.array([59, 61, 45723, 45723, 45723]))
    assert days[:2] == [date(1900, 2, 28), date(1900, 3, 1)]
    # A column of small numbers holds no dates.
    assert read(pa.array([59, 61, 45723]))[0] == [None, None, None]
    days, remarks = read(pa.array([20250307, 20250230, 12]))
    assert days == [SEVENTH, None, None]
    assert [row for row, _ in refused(remarks)] == [4, 3]


def test_other_kinds() -> None:
    stamp = pa.array([datetime(2025, 3, 7, 23, 59)], pa.timestamp("us"))  # noqa: DTZ001
    assert read(stamp)[0] == [SEVENTH]
    assert read(pa.array([SEVENTH]))[0] == [SEVENTH]
    days, remarks = read(pa.array([timedelta(hours=3), None]))
    assert days == [None, None]
    assert [row for row, _ in refused(remarks)] == [2]
    assert read(pa.array([True]))[0] == [None]
    assert read(pa.nulls(2))[0] == [None, None]


def test_utc_and_the_future_are_said() -> None:
    _, remarks = read(["2025-03-07T23:30:00Z", "2099-01-01"])
    said = [one.reason for one in remarks.said]
    assert [("UTC" in one, "future" in one) for one in said] == [
        (True, False),
        (False, True),
    ]


def test_names_that_read_like_a_person_are_not_repeated() -> None:
    rows = pa.array([2])
    place = ColumnPlace(file="Jane Smith.csv", table="Smith, J", column="d", rows=rows)
    remarks = Remarks()
    read_dates(pa.array(["03/07/2025"]), place, {}, remarks)
    assert "Smith" not in str(remarks.asked)


FORMS = {
    "day first": "%d.%m.%Y",
    "month first": "%m/%d/%Y",
    "iso": "%Y-%m-%dT%H:%M:%S",
    "words": "%d %B %Y",
}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.dates(date(1930, 1, 1), date(2025, 12, 31)), min_size=1, max_size=30),
    st.sampled_from(sorted(FORMS)),
)
def test_what_is_written_in_one_form_is_read_again(days: list[date], form: str) -> None:
    """Every day comes back, or the order is asked; never another day."""
    written = [day.strftime(FORMS[form]) for day in days]
    back, remarks = read(written)
    if remarks.asked:
        assert all(day.day <= 12 for day in days)
        back, _ = read(written, {remarks.asked[0].key: form})
    assert back == days


@pytest.mark.parametrize("day", [date(1970, 1, 1), date(1960, 1, 1)])
def test_a_column_whose_dates_were_lost_is_refused(day: date) -> None:
    days, remarks = read([day, None, day])
    assert days == [None, None, None]
    assert refused(remarks) == [(2, DATES_LOST), (4, DATES_LOST)]
    # One such day may be a day of birth.
    assert read([day, None])[0] == [day, None]
    assert read([day, SEVENTH])[0] == [day, SEVENTH]


ODD = st.text(
    alphabet="0123456789-/. TZ:+,'MmaAryJnj\u00a0\u0661\u00b2\u2011", max_size=22
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.none(), ODD), min_size=1, max_size=8))
def test_each_cell_is_a_day_or_is_accounted_for(cells: list[str | None]) -> None:
    days, remarks = read(pa.array(cells, pa.string()))
    rows = {row for row, _ in refused(remarks)}
    for place, (cell, day) in enumerate(zip(cells, days, strict=True), start=2):
        empty = cell is None or not cell.strip()
        assert empty or day is not None or place in rows or remarks.asked
        assert not (empty and (day is not None or place in rows))
