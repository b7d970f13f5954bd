"""Times of HL7 v2, such as 20240131 and 202401312330-0500, in the spelling of FHIR."""

from __future__ import annotations

import re
from typing import Final

from kettrack.importing.fhir.times import MISSING, ClinicClock, ClinicMoment, NoDay

NO_TIME: Final = "its date is no date of HL7, such as 20240131"
_PARTS: Final = re.compile(
    r"(?P<year>\d{4})(?:(?P<month>\d\d)(?:(?P<day>\d\d)"
    r"(?:(?P<hour>\d\d)(?P<minute>\d\d)?(?P<second>\d\d)?(?:\.\d{1,4})?)?)?)?"
    r"(?P<zone>[+-]\d{4})?"
)


def hl7_moment(clock: ClinicClock, written: str) -> ClinicMoment:
    """The clinic's day of a time.

    Parameters
    ----------
    clock : ClinicClock
        Knows where the clinic is, where that was answered.
    written : str
        As the message has it.

    Raises
    ------
    NoDay
        When it names no day, or none that there is.

    Examples
    --------
    >>> hl7_moment(ClinicClock(), "202401312330-0500").day.isoformat()
    '2024-01-31'
    """
    if not written:
        raise NoDay(MISSING)
    found = _PARTS.fullmatch(written.strip())
    if found is None:
        raise NoDay(NO_TIME)
    # A month or a year alone is refused there, as in FHIR.
    dated = "-".join(filter(None, found.group("year", "month", "day")))
    if found["hour"] is None:
        return clock.moment(dated)
    minute = found["minute"] or "00"
    second = found["second"] or "00"
    zone = found["zone"] or ""
    offset = f"{zone[:3]}:{zone[3:]}" if zone else ""
    return clock.moment(f"{dated}T{found['hour']}:{minute}:{second}{offset}")
