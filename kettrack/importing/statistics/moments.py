"""Numbers of SPSS, Stata and SAS to dates, moments, lengths of time and periods."""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import Bools, Floats, Ints, Objects
from kettrack.importing.statistics.formats import SECONDS_A_DAY, Told

_EPOCH: Final = date(1970, 1, 1)
_THOUSANDTHS_A_DAY: Final = SECONDS_A_DAY * 1000
# Years that a calendar of four digits can show.
_FIRST: Final = (date(1582, 10, 15) - _EPOCH).days
_LAST: Final = (date(9999, 12, 31) - _EPOCH).days
_STATA_YEAR: Final = 1960
_A_YEAR: Final = {"m": 12, "q": 4, "w": 52, "h": 2}
# How a period is written; a week of Stata is no week of ISO: its first begins on 1 January.
_PERIOD: Final = {"m": "{}-{:02d}", "q": "{}q{}", "w": "{}w{:02d}", "h": "{}h{}"}
# Days at whose end a second was added (IERS Bulletin C; none since 2016).
_LEAP_DAYS: Final = """
1972-06-30 1972-12-31 1973-12-31 1974-12-31 1975-12-31 1976-12-31 1977-12-31 1978-12-31 1979-12-31
1981-06-30 1982-06-30 1983-06-30 1985-06-30 1987-12-31 1989-12-31 1990-12-31 1992-06-30 1993-06-30
1994-06-30 1995-12-31 1997-06-30 1998-12-31 2005-12-31 2008-12-31 2012-06-30 2015-06-30 2016-12-31
"""
_LEAP_SECONDS: Final = np.array(_LEAP_DAYS.split(), dtype="datetime64[D]")


def numbers_of(values: pa.Array) -> Floats:
    """Numbers of a column, NaN where nothing stands."""
    filled = pc.fill_null(
        values.cast(pa.float64()),
        np.nan,
    )
    return np.asarray(filled)


def calendar_days(
    told: Told,
    values: Floats,
) -> tuple[Ints, Bools]:
    """Days since 1970, and whether a number is one of a day of the calendar."""
    shift = (told.origin - _EPOCH).days
    with np.errstate(invalid="ignore"):
        days = np.floor(values / told.a_day) + shift
        within = (days >= _FIRST) & (days <= _LAST)
    return np.where(within, days, 0).astype(np.int64), within


def as_dates(
    told: Told,
    values: Floats,
) -> tuple[pa.Array, Bools]:
    """Dates, and which numbers are one."""
    days, within = calendar_days(told, values)
    stored = pa.array(days.astype(np.int32), mask=~within)
    return stored.cast(pa.date32()), within


def as_moments(
    told: Told,
    values: Floats,
) -> tuple[pa.Array, Bools]:
    """Dates with their time of day, to a thousandth of a second, and which numbers are one."""
    if told.leap:
        values = _without_leap_seconds(values)
    _, within = calendar_days(told, values)
    shift = (told.origin - _EPOCH).days * _THOUSANDTHS_A_DAY
    # To thousandths: seconds of SPSS are stored with a fraction that is not exact.
    a_tick = _THOUSANDTHS_A_DAY / told.a_day
    since_origin = np.round(np.where(within, values, 0) * a_tick)
    ticks = since_origin.astype(np.int64) + shift
    stored = pa.array(ticks, mask=~within)
    return stored.cast(pa.timestamp("ms")), within


def _without_leap_seconds(values: Floats) -> Floats:
    """`%tC` of Stata counts them, so that its days get longer and longer."""
    days = (_LEAP_SECONDS - np.datetime64("1960-01-01")).astype(
        np.int64,
    ) + 1
    # The n-th second was added when n - 1 others had been.
    begin = days * _THOUSANDTHS_A_DAY + np.arange(len(days)) * 1000
    added = np.searchsorted(begin, values, side="right")
    return values - 1000.0 * np.where(
        np.isnan(values),
        0,
        added,
    )


def as_lengths(
    told: Told,
    values: Floats,
) -> pa.Array:
    """Lengths of time, which may be longer than a day."""
    known = np.isfinite(values)
    ticks = np.where(known, values, 0) * (_THOUSANDTHS_A_DAY / told.a_day)
    stored = pa.array(
        np.round(ticks).astype(np.int64),
        mask=~known,
    )
    return stored.cast(pa.duration("ms"))


def within_a_day(
    told: Told,
    values: Floats,
) -> bool:
    """Whether all numbers are times of day or lengths below a day, seen from 0."""
    known = values[~np.isnan(values)]
    short = (known >= 0) & (known < told.a_day)
    return bool(short.all())


def as_periods(
    told: Told,
    values: Floats,
) -> pa.Array:
    """Counts of months, quarters, weeks or half years since 1960, as text: `2025-03`."""
    a_year = _A_YEAR[told.shows]
    known = np.isfinite(values)
    whole = np.floor(np.where(known, values, 0))
    counts = whole.astype(np.int64)
    spellings, place = np.unique(counts, return_inverse=True)
    written = np.array(
        [
            _PERIOD[told.shows].format(
                _STATA_YEAR + one // a_year,
                one % a_year + 1,
            )
            for one in spellings.tolist()
        ],
        dtype=object,
    )
    return pa.array(
        written[place] if len(counts) else [],
        pa.string(),
        mask=~known,
    )


def only_periods(
    told: Told,
    values: Floats,
) -> bool:
    """Whether all dates are the first of a month, or of a week that is counted from 1 January."""
    days, within = calendar_days(told, values)
    days = days[within]
    dates = days.astype("datetime64[D]")
    if told.shows == "week":
        in_year = (dates - dates.astype("datetime64[Y]")).astype(np.int64)
        return bool((in_year % 7 == 0).all())
    return bool((dates == dates.astype("datetime64[M]")).all())


def months_of(
    told: Told,
    values: Floats,
) -> pa.Array:
    """The months of dates of which no more is known, as text: `2025-03`."""
    days, within = calendar_days(told, values)
    months: Objects = days.astype("datetime64[D]").astype("datetime64[M]").astype(str)
    return pa.array(
        months.astype(object),
        pa.string(),
        mask=~within,
    )
