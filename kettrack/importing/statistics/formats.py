"""What the format of a numeric column says that its numbers are, by family and not by a list of
single formats: `DATE9.`, `WORDDATE18.` and `JULIAN7.` of SAS are all days since 1960.

Sources: SAS 9.4 Formats and Informats (Reference), SPSS Statistics Command Syntax Reference
("Date and time formats"), Stata Data Management Reference ("Datetime").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import Bools, Floats, Ints, Objects

Program = Literal["spss", "stata", "sas"]
# period: a count of months, quarters, weeks or half years, with no day in it;
# padded: a number that is shown with leading zeros; unknown: ask.
What = Literal[
    "number",
    "date",
    "moment",
    "length",
    "moment or length",
    "period",
    "padded",
    "unknown",
]

SECONDS_A_DAY: Final = 86_400
_SPSS_ORIGIN: Final = date(1582, 10, 14)
_SAS_ORIGIN: Final = date(1960, 1, 1)
# A language (DEU, FRA, EUR ...), then the kind of date.
_OF_A_LANGUAGE: Final = "[A-Z]{3}DF"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a format tells.

    Parameters
    ----------
    what : str
        What the numbers are.
    a_day : float
        How many of them make a day.
    origin : date
        The day that is 0.
    shows : str
        `month` or `week` where the format shows no more than that of a date; for a period its
        letter in Stata.
    width : int
        Digits of a padded number.
    leap : bool
        Whether leap seconds are counted (`%tC` of Stata).
    """

    what: What
    a_day: float = 1
    origin: date = _SAS_ORIGIN
    shows: str = ""
    width: int = 0
    leap: bool = False


NUMBER: Final = Told(what="number")
UNKNOWN: Final = Told(what="unknown")


def told_by(system: Program, form: str) -> Told:
    """What a format says.

    Parameters
    ----------
    system : {"spss", "stata", "sas"}
        Which program the file is of.
    form : str
        As it stands in the file, in any case; empty where there is none.

    Examples
    --------
    >>> told_by("sas", "WORDDATE18.").what, told_by("stata", "%tdDD/NN/CCYY").what
    ('date', 'date')
    >>> told_by("stata", "%tm").what, told_by("spss", "TIME8").what
    ('period', 'length')
    """
    if not form:
        return NUMBER
    if system == "stata":
        return _stata(form)
    return _spss(form.upper()) if system == "spss" else _sas(form.upper())


# The answers to the question what an unknown format shows.
ANSWERS: Final[dict[str, What]] = {
    "date": "date",
    "date and time": "moment",
    "length of time": "length",
    "number": "number",
}


def told_by_answer(system: Program, answer: str) -> Told:
    """What the owner of the file says that a format shows; one of `ANSWERS`."""
    what = ANSWERS[answer]
    if system == "spss":
        return Told(what=what, a_day=SECONDS_A_DAY, origin=_SPSS_ORIGIN)
    if what == "date":
        return Told(what=what)
    a_day = SECONDS_A_DAY * (1000 if system == "stata" else 1)
    return Told(what=what, a_day=a_day)


def _name_and_width(form: str) -> tuple[str, int]:
    """`WORDDATE18.` -> `WORDDATE`, 18. A name of SAS or SPSS never ends in a digit."""
    found = re.fullmatch(r"([A-Z_](?:\w*[A-Z_])?)(\d*)\.?\d*", form)
    if found is None:
        return "", 0
    return found[1], int(found[2] or 0)


_SPSS_DATES: Final = re.compile("[AESJ]?DATE")
_SPSS_COARSE: Final = {"MOYR": "month", "QYR": "month", "WKYR": "week"}
_SPSS_MOMENTS: Final = re.compile("DATETIME|YMDHMS")
_SPSS_LENGTHS: Final = re.compile("D?TIME|MTIME")


def _spss(form: str) -> Told:
    """Every date of SPSS is a number of seconds."""
    name, width = _name_and_width(form)
    what: What = "number"
    if _SPSS_DATES.fullmatch(name) or name in _SPSS_COARSE:
        what = "date"
    elif _SPSS_MOMENTS.fullmatch(name):
        what = "moment"
    elif _SPSS_LENGTHS.fullmatch(name):
        what = "length"
    elif name == "N":
        return Told(what="padded", width=width)
    shows = _SPSS_COARSE.get(name, "")
    return Told(what=what, a_day=SECONDS_A_DAY, origin=_SPSS_ORIGIN, shows=shows)


_STATA_PERIODS: Final = "wmqh"


def _stata(form: str) -> Told:
    padded = re.fullmatch(r"%0(\d+)(?:\.0)?[fg]c?", form)
    if padded:
        return Told(what="padded", width=int(padded[1]))
    found = re.match(r"%-?(?:t([a-zA-Z])|d)(.*)", form)
    if found is None:
        return NUMBER
    kind = found[1] or "d"
    if kind in "cC":
        return _stata_clock(kind, found[2])
    if kind in _STATA_PERIODS:
        return Told(what="period", shows=kind)
    # A year is a number of four digits; days of a business calendar cannot be told without it.
    by_kind: dict[str, Told] = {"d": Told(what="date"), "b": UNKNOWN}
    return by_kind.get(kind, NUMBER)


def _stata_clock(kind: str, detail: str) -> Told:
    """Thousandths of a second; a format that shows no part of a day may be for lengths."""
    a_day = SECONDS_A_DAY * 1000
    only_clock = bool(detail) and not re.search("DD|dd|NN|nn|[Mm]on|CC|YY|J", detail)
    what: What = "moment or length" if only_clock else "moment"
    return Told(what=what, a_day=a_day, leap=kind == "C")


_SAS_DATES: Final = re.compile(
    "DATE|DAY|X?(?:DDMMYY|MMDDYY|YYMMDD)[BCDNPS]?|WEEKDAT[EX]|WORDDAT[EX]|JULIAN|JULDAY"
    "|PDJUL[GI]|DOWNAME|WEEKDAY|WEEK[UVW]|NENGO|MINGUO|HDATE|HEBDATE|(?:E|B|IS)8601DA|NLDATE"
    f"|NLDATE[LSW]|{_OF_A_LANGUAGE}(?:DD|DE|DN|DWN|WDX|WKX)"
)
_SAS_COARSE: Final = re.compile(
    "MONYY|MONNAME|MONTH|YYMON|(?:YYMM|MMYY|YYQR?)[BCDNPSZ]?|YEAR|QTRR?"
    f"|NLDATE(?:MN|MD|YM|YQ|YR|YW)[LMSW]?|{_OF_A_LANGUAGE}M[NY]"
)
# Seconds, also where only the day of them is shown.
_SAS_MOMENTS: Final = re.compile(
    "DATETIME|DTDATE|DTMONYY|DTYEAR|DTYYQC|DTWKDATX|DATEAMPM|MDYAMPM"
    f"|(?:E|B|IS)8601(?:DT|DZ|DN|DX|LX)|NLDATM\\w*|{_OF_A_LANGUAGE}DT"
)
_SAS_LENGTHS: Final = re.compile(
    r"TIME|TIMEAMPM|HHMM|HOUR|MMSS|(?:E|B|IS)8601(?:TM|TZ|LZ|TX)|NLTIM\w*"
)
# A format that somebody made: its name is all there is.
_LIKE_A_DATE: Final = re.compile("DA?TE|DTTM|DATUM|TIME|MON|YYMM|MMDD|DDMM")


def _sas(form: str) -> Told:
    name, width = _name_and_width(form)
    if _SAS_DATES.fullmatch(name):
        return Told(what="date")
    if _SAS_COARSE.fullmatch(name):
        return Told(what="date", shows="month")
    if _SAS_MOMENTS.fullmatch(name):
        return Told(what="moment", a_day=SECONDS_A_DAY)
    if _SAS_LENGTHS.fullmatch(name):
        return Told(what="length", a_day=SECONDS_A_DAY)
    # Shows the time of day of a moment, and lengths as well.
    if name == "TOD":
        return Told(what="moment or length", a_day=SECONDS_A_DAY)
    if name == "Z":
        return Told(what="padded", width=width)
    return UNKNOWN if _LIKE_A_DATE.search(name) else NUMBER


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
