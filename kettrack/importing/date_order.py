"""Which number of 03/07/2025 is the month: told by the whole column, or asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from kettrack.importing.date_spelling import (
    NO_SUCH_DAY,
    Spelling,
    a_day,
    full_year,
)

DAY_FIRST: Final = "day first"
MONTH_FIRST: Final = "month first"
YEAR_FIRST: Final = "year first"
ORDERS: Final = (DAY_FIRST, MONTH_FIRST, YEAR_FIRST)
OTHER_ORDER: Final = "day and month stand in another order than this column has"
_LAST_MONTH: Final = 12
_LAST_DAY: Final = 31
# Visits of one clinic lie within some years; the days of a month are spread over all of them.
_MOST_YEARS: Final = 15
_FEWEST_TELLING: Final = 8


@dataclass(frozen=True, slots=True)
class Order:
    """What a column tells about the order of its dates.

    Parameters
    ----------
    possible : tuple of str
        The orders in which every date of the column can be read; where there is none, those in
        which some can.
    mixed : bool
        Whether no order fits all of them.
    """

    possible: tuple[str, ...]
    mixed: bool = False

    @property
    def known(self) -> str:
        """The order; empty where nobody can tell."""
        return self.possible[0] if len(self.possible) == 1 else ""


def order_of(
    spellings: Sequence[Spelling],
) -> Order:
    """Tell the order of a column's dates.

    Parameters
    ----------
    spellings : sequence of Spelling
        The distinct ones of the column whose order is open.

    Examples
    --------
    >>> from kettrack.importing.date_spelling import spelling
    >>> order_of([spelling("03/07/2025"), spelling("13/07/2025")]).known
    'day first'
    >>> order_of([spelling("03/07/2025")]).possible
    ('day first', 'month first')
    """
    # What no order can read is no date, and tells nothing.
    told = {one: fitting(one) for one in spellings if fitting(one)}
    possible = [
        order for order in ORDERS if all(order in orders for orders in told.values())
    ]
    if not possible:
        some = {order for orders in told.values() for order in orders}
        return Order(tuple(order for order in ORDERS if order in some), mixed=True)
    likely = _with_likely_years(possible, told)
    # 05/05/2025 is the same day in either order.
    if all(_same_in_all(one, likely) for one in told):
        likely = likely[:1]
    return Order(tuple(likely))


def fitting(
    one: Spelling,
) -> tuple[str, ...]:
    """The orders in which a spelling can be read."""
    return tuple(order for order in ORDERS if _fits(one, order))


def in_order(
    one: Spelling,
    order: str,
) -> Spelling:
    """Read a spelling whose order is open."""
    if not _fits(one, order):
        return Spelling(bad=OTHER_ORDER if fitting(one) else NO_SUCH_DAY)
    year, month, day = _placed(one, order)
    short = one.short_year or order == YEAR_FIRST
    read = a_day(full_year(year) if short else year, month, day)
    return replace(read, short_year=short)


def _placed(
    one: Spelling,
    order: str,
) -> tuple[int, int, int]:
    """Year, month and day."""
    first, second, third = one.parts or (0, 0, 0)
    if order == YEAR_FIRST:
        return first, second, third
    return (third, second, first) if order == DAY_FIRST else (third, first, second)


def _fits(
    one: Spelling,
    order: str,
) -> bool:
    if order == YEAR_FIRST and not one.two_digits:
        return False
    _, month, day = _placed(one, order)
    if month > _LAST_MONTH or day > _LAST_DAY:
        return False
    # Most dates have no weekday beside them.
    if one.weekday is None:
        return True
    read = in_order(replace(one, weekday=None), order)
    # The name of the weekday beside it decides where the numbers leave both open.
    return read.day is not None and read.day.isoweekday() == one.weekday


def _with_likely_years(
    possible: list[str],
    told: dict[Spelling, tuple[str, ...]],
) -> list[str]:
    """Leave out orders in which the years are spread like days of a month, where in another they
    are not.
    """
    if len(told) < _FEWEST_TELLING:
        return possible
    near = [order for order in possible if _years_are_near(order, told)]
    return near or possible


def _years_are_near(
    order: str,
    told: dict[Spelling, tuple[str, ...]],
) -> bool:
    days = [in_order(one, order).day for one in told]
    years = [day.year for day in days if day is not None]
    return not years or max(years) - min(years) <= _MOST_YEARS


def _same_in_all(
    one: Spelling,
    orders: list[str],
) -> bool:
    return len({in_order(one, order).day for order in orders}) == 1
