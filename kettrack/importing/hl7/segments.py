r"""Files of HL7 v2 messages to segments, each with the line that it stands in.

The standard ends a segment with a carriage return. Files that have been through an editor or a
browser have line feeds instead, which a strict parser takes for one long segment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from kettrack.importing.fhir.times import MISSING, ClinicClock, ClinicMoment, NoDay

# Frames of the transport (MLLP), which some interfaces leave in the file.
_FRAMES: Final = bytes([0x0B, 0x1C])
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_NAME: Final = re.compile(r"[A-Z][A-Z0-9]{2}")
_ESCAPED: Final = re.compile(
    r"(?P<sign>.)(?P<what>[FSTREH]|N|\.br|\.sp|X[0-9A-F]+)(?P=sign)"
)
HEADER: Final = "MSH"
# Wrappers of a file of many messages.
BATCH: Final = ("FHS", "BHS", "BTS", "FTS")
NO_TIME: Final = "its date is no date of HL7, such as 20240131"
_PARTS: Final = re.compile(
    r"(?P<year>\d{4})(?:(?P<month>\d\d)(?:(?P<day>\d\d)"
    r"(?:(?P<hour>\d\d)(?P<minute>\d\d)?(?P<second>\d\d)?(?:\.\d{1,4})?)?)?)?"
    r"(?P<zone>[+-]\d{4})?"
)


@dataclass(frozen=True, slots=True)
class Marks:
    r"""The five marks that a message declares for itself.

    Parameters
    ----------
    field, component, repetition, escape, part : str
        One letter each; usually `|`, `^`, `~`, `\` and `&`.
    """

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    part: str = "&"


@dataclass(frozen=True, slots=True)
class Segment:
    """One line of a message.

    Parameters
    ----------
    name : str
        Three letters; empty for a line that is no segment.
    line : int
        Where it stands in the file, from 1.
    fields : sequence of str
        As written; the first is the name.
    marks : Marks
        Of its message.
    """

    name: str
    line: int
    fields: Sequence[str]
    marks: Marks

    def field(self, number: int) -> str:
        """A field as written, by its number in the standard; empty where it is missing."""
        # The mark between the fields is the first field of a header.
        place = number - 1 if self.name == HEADER else number
        return self.fields[place] if 0 < place < len(self.fields) else ""

    def repetitions(self, number: int) -> list[list[str]]:
        """Components of each repetition of a field."""
        written = self.field(number)
        if not written:
            return []
        return [
            [self._plain(one) for one in repetition.split(self.marks.component)]
            for repetition in written.split(self.marks.repetition)
        ]

    def components(self, number: int) -> list[str]:
        """Components of the first repetition of a field."""
        repetitions = self.repetitions(number)
        return repetitions[0] if repetitions else []

    def text(self, number: int) -> str:
        """First component of a field."""
        components = self.components(number)
        return components[0] if components else ""

    def _plain(self, written: str) -> str:
        # Two quotation marks say that a value was taken away.
        if written == '""':
            return ""
        escape = self.marks.escape
        if escape not in written:
            return written.strip()
        letters = {
            "F": self.marks.field,
            "S": self.marks.component,
            "T": self.marks.part,
            "R": self.marks.repetition,
            "E": escape,
            ".br": "\n",
            ".sp": "\n",
        }

        def turned(found: re.Match[str]) -> str:
            if found["sign"] != escape:
                return found[0]
            what = found["what"]
            if what.startswith("X"):
                return bytes.fromhex(what[1:]).decode("cp1252", errors="replace")
            # H and N switch the looks of a text.
            return letters.get(what, "")

        return _ESCAPED.sub(turned, written).strip()


def component(components: Sequence[str], number: int) -> str:
    """A component by its number in the standard; empty where it is missing."""
    return components[number - 1] if number <= len(components) else ""


def segments_of(data: bytes) -> Iterator[Segment]:
    """Segments of all messages of a file, in order.

    Parameters
    ----------
    data : bytes
        The whole file.

    Examples
    --------
    >>> lines = b"MSH|^~\\\\&|LAB\\nPID|1||17^^^CLINIC^MR\\n"
    >>> [(one.name, one.line, one.text(3)) for one in segments_of(lines)]
    [('MSH', 1, 'LAB'), ('PID', 2, '17')]
    """
    marks = Marks()
    for line, written in enumerate(_LINE_END.split(_decoded(data)), start=1):
        text = written.strip(" \t")
        if not text:
            continue
        name = text[:3]
        if name == HEADER or name in BATCH:
            marks = _declared(text)
        known = _NAME.fullmatch(name) and text[3:4] in ("", marks.field)
        fields = text.split(marks.field)
        yield Segment(
            name if known else "",
            line,
            fields,
            marks,
        )


def _declared(text: str) -> Marks:
    letters = text[3:8]
    # A header that is cut off declares nothing.
    if len(letters) < 5:
        return Marks()
    return Marks(*letters)


def _decoded(data: bytes) -> str:
    bare = data.translate(None, _FRAMES)
    try:
        return bare.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Older interfaces write Latin-1; the cells that are read are plain letters in both.
        return bare.decode("cp1252", errors="replace")


def looks_like_hl7(start: bytes) -> bool:
    """Whether the first bytes of a file are those of a message or of a batch of them.

    Examples
    --------
    >>> looks_like_hl7(b"MSH|^~"), looks_like_hl7(b"MSH,PHQ-9")
    (True, False)
    """
    bare = start.translate(None, _FRAMES).lstrip(b"\xef\xbb\xbf\r\n ")
    wrapped = bare.startswith((b"MSH", b"FHS", b"BHS"))
    # A name of a column is followed by a separator of cells.
    return (
        wrapped
        and bare[3:4] not in (b"", b",", b";", b"\t", b"_", b" ")
        and not (bare[3:4].isalnum())
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
