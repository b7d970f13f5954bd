"""Messages one after the other: who they are about, and what they say."""

from __future__ import annotations

from datetime import date
from typing import Final

from kettrack.importing.fhir.codes import CodeReader
from kettrack.importing.fhir.notes import FhirNotes, RecordOrigin
from kettrack.importing.fhir.people import KnownPatients
from kettrack.importing.fhir.scores import ScoreMerger
from kettrack.importing.fhir.tables import (
    PatientRow,
    numbers_by_place,
    patient_tables,
    score_tables,
    session_tables,
)
from kettrack.importing.fhir.times import NoDay, clinic_clock, say_times
from kettrack.importing.hl7.results import ResultReader
from kettrack.importing.hl7.segments import (
    BATCH,
    HEADER,
    Segment,
    component,
    hl7_moment,
    segments_of,
)
from kettrack.importing.hl7.treatments import AdministrationReader
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import Remark, Remarks
from kettrack.importing.source import SourceData

NO_SEGMENT: Final = "the line is no segment of HL7"
NO_NUMBER: Final = "no number of a patient stands in it"
BEFORE: Final = "it stands before the first message"
_PATIENT: Final = "PID"
_RECORDS: Final = (_PATIENT, "OBX", "RXA")
# HL7 v2 table 0203: the number of the medical record goes before others.
_NUMBERS: Final = ("MR", "PI", "PT")
# HL7 v2 table 0001.
_SEXES: Final = {
    "F": "female",
    "M": "male",
    "O": "other",
    "A": "other",
    "U": "unknown",
    "N": "unknown",
}


class MessageReading:
    """Reads files of messages.

    Parameters
    ----------
    answers, remarks
        As `read_source` takes them.
    """

    def __init__(
        self,
        answers: Answers,
        remarks: Remarks,
    ) -> None:
        self._answers = answers
        self._remarks = remarks
        self._notes = FhirNotes(remarks)
        self._clock = clinic_clock(answers)
        self._results = ResultReader(
            self._notes,
            CodeReader(answers, remarks),
            self._clock,
            answers,
        )
        self._given = AdministrationReader(self._notes, self._clock)
        self._origins: list[RecordOrigin] = []
        self._persons: dict[str, PatientRow] = {}
        self._again: list[RecordOrigin] = []
        self._patient = ""
        self._request: Segment | None = None
        # Segments that hold nothing which is read, by name.
        self._others: dict[str, int] = {}

    def read(
        self,
        file: str,
        data: bytes,
    ) -> bool:
        """Read a file; returns whether it holds a message.

        Parameters
        ----------
        file : str
            Its name as it may be shown.
        data : bytes
            Its content.
        """
        in_message = False
        for segment in segments_of(data):
            if segment.name == HEADER:
                in_message = True
                self._begin()
            elif not segment.name or not (in_message or segment.name in BATCH):
                kind = segment.name or "no segment"
                origin = self._origin(file, kind, segment)
                why = BEFORE if segment.name else NO_SEGMENT
                self._notes.whole(origin, "refused", why)
            else:
                self._take(file, segment)
        return in_message

    def _begin(self) -> None:
        # A message without a patient must not go to the patient before.
        self._patient = ""
        self._request = None

    def _origin(
        self,
        file: str,
        kind: str,
        segment: Segment,
    ) -> RecordOrigin:
        origin = RecordOrigin(file, kind, segment.line)
        self._origins.append(origin)
        return origin

    def _take(
        self,
        file: str,
        segment: Segment,
    ) -> None:
        name = segment.name
        if name == "OBR":
            self._request = segment
        elif name == "RXR":
            self._given.add_route(segment)
        elif name in _RECORDS:
            self._take_record(self._origin(file, name, segment), segment)
        elif name not in BATCH:
            self._others[name] = self._others.get(name, 0) + 1

    def _take_record(
        self,
        origin: RecordOrigin,
        segment: Segment,
    ) -> None:
        if segment.name == _PATIENT:
            self._take_patient(origin, segment)
        elif segment.name == "OBX":
            self._results.read(
                origin,
                self._patient,
                segment,
                self._request,
            )
        else:
            self._given.read(
                origin,
                self._patient,
                segment,
            )

    def _take_patient(
        self,
        origin: RecordOrigin,
        segment: Segment,
    ) -> None:
        self._patient = _number_of(segment)
        if not self._patient:
            self._notes.whole(origin, "refused", NO_NUMBER)
            return
        row = PatientRow(
            origin,
            self._patient,
            self._birth(origin, segment.text(7)),
            self._sex(origin, segment.text(8)),
        )
        first = self._persons.setdefault(self._patient, row)
        if first is row:
            return
        self._again.append(origin)
        # Every message repeats the patient; only a contradiction is worth a word.
        for column, old, new in (
            ("PID-7", first.birth_date, row.birth_date),
            ("PID-8", first.sex, row.sex),
        ):
            if new and old != new:
                why = "another message of the same patient says otherwise; the first counts"
                self._notes.cell(
                    origin,
                    column,
                    "noted",
                    why,
                )

    def _birth(
        self,
        origin: RecordOrigin,
        written: str,
    ) -> date | None:
        if not written:
            return None
        try:
            return hl7_moment(self._clock, written[:8]).day
        except NoDay as why:
            self._notes.cell(
                origin,
                "PID-7",
                "refused",
                str(why),
            )
            return None

    def _sex(
        self,
        origin: RecordOrigin,
        written: str,
    ) -> str:
        sex = _SEXES.get(written.upper(), "")
        if written and not sex:
            why = "this is no letter of HL7 table 0001"
            self._notes.cell(
                origin,
                "PID-8",
                "refused",
                why,
            )
        return sex

    def finish(self, kind: str) -> SourceData:
        """The tables.

        Parameters
        ----------
        kind : str
            Name of the reader.
        """
        people = KnownPatients()
        merger = ScoreMerger(
            self._notes,
            self._answers,
            people,
        )
        scores = merger.rows(self._results.parts)
        joined = [*self._again]
        for row in scores:
            joined += row.joined
        self._notes.finish()
        say_times(self._clock, self._remarks)
        self._say_others()
        return SourceData(
            kind=kind,
            tables=[
                *session_tables(self._given.sessions, people),
                *score_tables(scores, people),
                *patient_tables(self._persons.values()),
            ],
            records=numbers_by_place(self._origins),
            joined=numbers_by_place(joined),
        )

    def _say_others(self) -> None:
        for name, count in self._others.items():
            why = "segments of this kind hold no score, session or patient"
            self._remarks.add(
                Remark(
                    file="",
                    table=name,
                    action="noted",
                    reason=why,
                    count=count,
                )
            )


def _number_of(segment: Segment) -> str:
    """The number of a patient: of several that of the medical record, else the first."""
    numbers = [one for one in segment.repetitions(3) if component(one, 1)]
    for kind in _NUMBERS:
        for one in numbers:
            if component(one, 5) == kind:
                return component(one, 1)
    # Older messages have one number, in another field.
    return component(numbers[0], 1) if numbers else segment.text(2)
