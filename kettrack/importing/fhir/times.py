"""FHIR dates and times to the clinic's day.

A time is written with the zone of whoever wrote it, and its day is the clinic's day. Many servers
write every time in UTC instead; then the day is that of UTC, unless `time_zone` says where the
clinic is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from kettrack.errors import UsageError
from kettrack.importing.fhir.resources import Period
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import OpenQuestion, Remark, Remarks

ZONE_KEY: Final = "time_zone"
_EARLIEST_YEAR: Final = 1900
_PARTS: Final = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<clock>\d\d:\d\d(?::\d\d)?)(?:\.\d+)?(?P<zone>Z|[+-]\d\d:?\d\d)?)?)?)?"
)
_UTC: Final = ("Z", "+00:00", "-00:00", "+0000")
# Whoever is within six hours of UTC has the same day between these hours.
_SAME_DAY_FROM: Final = time(6)
_SAME_DAY_TO: Final = time(18)
_MIDNIGHT: Final = time(0)

MISSING: Final = "no date stands in it"
PARTIAL: Final = "its date names no day"
NO_DATE: Final = "its date is no date of FHIR, such as 2024-01-31"
NO_SUCH_DAY: Final = "its date is not in the calendar, or before 1900"
WITHOUT_ZONE: Final = "a time names no zone; its day is taken as written"
IN_UTC: Final = "a time stands in UTC; its day is that of UTC"
SEVERAL_DAYS: Final = "it stands for a period of several days, and no day of its own"


@dataclass(frozen=True, slots=True)
class ClinicMoment:
    """A day of the clinic, and the time on that day where it is known.

    Parameters
    ----------
    day : date
        The clinic's day.
    clock : time, optional
        The clinic's time.
    """

    day: date
    clock: time | None = None


class NoDay(ValueError):
    """A date that cannot be used; the text is the reason and holds no date."""


@dataclass(slots=True)
class ClinicClock:
    """Reads dates, and counts what is worth a word.

    Parameters
    ----------
    zone : ZoneInfo, optional
        Where the clinic is; None = the day is the one that is written.
    without_zone, in_utc, near_midnight : int
        Times that name no zone, that are in UTC, and of these the ones whose day hangs on the zone.
    """

    zone: ZoneInfo | None = None
    without_zone: int = 0
    in_utc: int = 0
    near_midnight: int = 0
    _days: dict[str, date] = field(default_factory=dict)

    def moment(self, text: str) -> ClinicMoment:
        """The day of a FHIR date, dateTime or instant.

        Raises
        ------
        NoDay
            When it names no day, or none that there is.

        Examples
        --------
        >>> ClinicClock().moment("2024-01-31T23:30:00-05:00").day.isoformat()
        '2024-01-31'
        """
        if not text:
            raise NoDay(MISSING)
        found = _PARTS.fullmatch(text.strip())
        if found is None:
            raise NoDay(NO_DATE)
        if found["day"] is None:
            raise NoDay(PARTIAL)
        day = self._day(text[: len("2024-01-31")])
        if found["clock"] is None:
            return ClinicMoment(day)
        clock = _clock(found["clock"])
        return self._local(day, clock, found["zone"])

    def _day(self, text: str) -> date:
        # A clinic has few days and many records.
        if text not in self._days:
            try:
                day = date.fromisoformat(text)
            except ValueError:
                # The message of the standard library repeats the date.
                raise NoDay(NO_SUCH_DAY) from None
            if day.year < _EARLIEST_YEAR:
                raise NoDay(NO_SUCH_DAY)
            self._days[text] = day
        return self._days[text]

    def _local(self, day: date, clock: time, zone: str | None) -> ClinicMoment:
        self.without_zone += zone is None
        if zone not in _UTC:
            return ClinicMoment(day, clock)
        # Midnight in UTC is a date that was written as a time.
        if clock == _MIDNIGHT:
            return ClinicMoment(day)
        self.in_utc += 1
        self.near_midnight += not _SAME_DAY_FROM <= clock < _SAME_DAY_TO
        if self.zone is None:
            return ClinicMoment(day, clock)
        utc = datetime.combine(day, clock, ZoneInfo("UTC"))
        local = utc.astimezone(self.zone)
        return ClinicMoment(local.date(), local.time())

    def single_day(self, single: str, period: Period | None) -> ClinicMoment:
        """The day of something that was at one time, or over a period within one day.

        Raises
        ------
        NoDay
            When there is none.
        """
        if single or period is None:
            return self.moment(single)
        start = self.moment(period.start or period.end)
        end = self.moment(period.end) if period.end else start
        if start.day != end.day:
            raise NoDay(SEVERAL_DAYS)
        return start


def minutes(start: ClinicMoment, end: ClinicMoment) -> float | None:
    """Minutes from one moment to another; None where a time of day is missing."""
    if start.clock is None or end.clock is None:
        return None
    length = datetime.combine(end.day, end.clock) - datetime.combine(
        start.day, start.clock
    )
    return length / timedelta(minutes=1)


@cache
def _clock(text: str) -> time:
    """A time of day; a leap second is the second before it."""
    # FHIR has no 24:00.
    hours, minutes_, *_ = text.split(":")
    if int(hours) > 23 or int(minutes_) > 59:
        raise NoDay(NO_DATE)
    seconds = text[6:8] or "00"
    return time(int(hours), int(minutes_), min(int(seconds), 59))


def clinic_clock(answers: Answers) -> ClinicClock:
    """A clock for the zone that was answered.

    Raises
    ------
    UsageError
        When there is no such zone.
    """
    name = answers.get(ZONE_KEY, "")
    if not name:
        return ClinicClock()
    if name not in available_timezones():
        raise UsageError(
            f"{ZONE_KEY} in [answers] names no time zone. Write one such as"
            ' "America/New_York", or "UTC" where the clinic has the days of UTC.'
        )
    return ClinicClock(ZoneInfo(name))


def say_times(clock: ClinicClock, remarks: Remarks) -> None:
    """Say which times have no zone, and ask where the clinic is if its days hang on it."""
    if clock.without_zone:
        remarks.add(_said(WITHOUT_ZONE, clock.without_zone))
    if not clock.in_utc or clock.zone is not None:
        return
    if not clock.near_midnight:
        remarks.add(_said(IN_UTC, clock.in_utc))
        return
    remarks.ask(
        OpenQuestion(
            key=ZONE_KEY,
            asks=(
                "Times stand in UTC, and some are near midnight there. In which time zone is the"
                ' clinic? Write a name such as "America/New_York" or "Europe/Berlin", or "UTC"'
                " where its days are those of UTC."
            ),
            why="An evening in America is the next day in UTC.",
        )
    )


def _said(reason: str, count: int) -> Remark:
    return Remark(file="", table="", action="noted", reason=reason, count=count)
