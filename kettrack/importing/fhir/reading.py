"""Records one after the other: what each says, and tables of what they say together."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, NamedTuple, cast

import msgspec

from kettrack.importing.fhir.codes import CodeReader, is_body_weight
from kettrack.importing.fhir.files import FhirRecord
from kettrack.importing.fhir.forms import FormKey, form_of
from kettrack.importing.fhir.notes import FhirNotes, RecordOrigin
from kettrack.importing.fhir.observations import ObservationReader
from kettrack.importing.fhir.people import SEVERAL_SERVERS, KnownPatients, NoPerson
from kettrack.importing.fhir.resources import (
    NAMED,
    OTHER,
    READ,
    Head,
    Medication,
    Meta,
    NamedConcept,
    Observation,
    Patient,
    Questionnaire,
    decoded,
)
from kettrack.importing.fhir.responses import ResponseReader
from kettrack.importing.fhir.scores import ScoreMerger, ScorePart, set_timing
from kettrack.importing.fhir.sessions import DayWeight, SessionMerger, weight_of
from kettrack.importing.fhir.status import StatusReader
from kettrack.importing.fhir.tables import (
    Death,
    PatientRow,
    death_tables,
    numbers_by_place,
    patient_tables,
    score_tables,
    session_tables,
)
from kettrack.importing.fhir.times import NoDay, clinic_clock, say_times
from kettrack.importing.fhir.treatments import FhirSession, TreatmentReader
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import Remark, Remarks
from kettrack.importing.source import SourceData
from kettrack.vocabulary.columns import SEXES

NOT_READ: Final = "records of this kind hold no session, score or patient"
NO_JSON: Final = "it is no JSON, or cut off"
NO_KIND: Final = "it is no record of FHIR: it does not say of which kind it is"
NOT_AS_FHIR: Final = "a field that is read is not of the type that FHIR gives it"
OF_FORMS: Final = "it defines a form; it was used to understand its responses"
OF_DRUGS: Final = "it describes a drug; it was used to understand administrations"
NO_ID: Final = "it has no id, so no other record can point at it"
TWICE: Final = "another record of the same patient counts"
REPLACED: Final = "it says that another record of the same patient replaces it"
BIRTH_IN_PART: Final = (
    "only the year or month of birth is known; its middle is taken for the age"
)
UNREADABLE: Final = "unreadable"
# Length of a date that is known in part to what makes it the middle of what it says.
_MIDDLES: Final = {
    len("1971"): "-07-15",
    len("1971-03"): "-15",
}
_NO_SEX: Final = "this is no word of FHIR"
_SAID_SERVERS: Final = Remark(
    file="",
    table="",
    action="noted",
    reason=SEVERAL_SERVERS,
)
_HEAD: Final = msgspec.json.Decoder(Head)
_DECODERS: Final = {name: msgspec.json.Decoder(kind) for name, kind in READ.items()}
EARLIER: Final = "an earlier version of another record"
SAME: Final = "the same record stands elsewhere"
_NONE: Final = Meta()
_Place = tuple[str, int]


@dataclass(slots=True)
class _Found:
    """What has been read so far."""

    forms: dict[str, FormKey] = field(default_factory=dict)
    drugs: dict[str, NamedConcept] = field(default_factory=dict)
    parts: list[ScorePart] = field(default_factory=list)
    sessions: list[FhirSession] = field(default_factory=list)
    deaths: list[Death] = field(default_factory=list)
    weights: list[DayWeight] = field(default_factory=list)
    persons: dict[str, PatientRow] = field(default_factory=dict)
    origins: list[RecordOrigin] = field(default_factory=list)


class FhirReading:
    """Reads a source in two rounds.

    Parameters
    ----------
    answers : mapping
        To the questions of an earlier run.
    remarks : Remarks
        Takes every record that makes no row, with its reason.
    """

    def __init__(self, answers: Answers, remarks: Remarks) -> None:
        self._notes = FhirNotes(remarks)
        self._clock = clinic_clock(answers)
        self._people = KnownPatients()
        self._versions = RecordVersions()
        self._found = _Found()
        self._answers = answers
        # One of each for all records, so that each question is asked once.
        status = self._status = StatusReader(self._notes, answers)
        codes = CodeReader(answers, remarks)
        self._observations = ObservationReader(
            self._notes,
            status,
            codes,
            self._clock,
            answers,
        )
        self._responses = ResponseReader(
            self._notes,
            status,
            self._clock,
            answers,
            self._found.forms,
        )
        self._treatments = TreatmentReader(
            self._notes,
            status,
            self._clock,
            self._found.drugs,
            answers,
        )

    def look_at(self, record: FhirRecord) -> None:
        """First round: patients, forms and drugs, and which version of a record is the latest."""
        # What cannot be read is said in the second round.
        with suppress(msgspec.DecodeError, NoPerson):
            head = decoded(_HEAD, record.body)
            self._versions.see(record, head)
            self._people.note_server(record.body)
            if head.resource_type in ("Patient", "Questionnaire", "Medication"):
                one = decoded(_DECODERS[head.resource_type], record.body)
                self._take_in(one, record.full_url)

    def _take_in(self, one: Any, full_url: str) -> None:
        # A reference may use either.
        names = [name for name in (one.id, full_url) if name]
        if isinstance(one, Patient):
            self._people.add(one, full_url)
        elif isinstance(one, Questionnaire):
            form = form_of(one)
            self._found.forms |= dict.fromkeys([*names, one.url], form)
        elif isinstance(one, Medication) and one.code is not None:
            self._found.drugs |= dict.fromkeys(names, one.code)

    def read(self, record: FhirRecord) -> None:
        """Second round: what a record says."""
        try:
            head = decoded(_HEAD, record.body)
        except msgspec.DecodeError as error:
            origin = self._origin(record, UNREADABLE)
            # The words of the library repeat the place, and may repeat more.
            built = isinstance(error, msgspec.ValidationError)
            reason = NOT_AS_FHIR if built or not record.body else NO_JSON
            self._notes.whole(origin, "refused", reason)
            return
        if not head.resource_type:
            self._notes.whole(self._origin(record, UNREADABLE), "refused", NO_KIND)
            return
        # A kind that nobody knows is counted without its name.
        kind = head.resource_type if head.resource_type in NAMED else OTHER
        origin = self._origin(record, kind)
        earlier = self._versions.left_out.get((record.file, record.row))
        if earlier:
            self._notes.whole(origin, "dropped", earlier)
        elif kind not in READ:
            self._notes.whole(origin, "dropped", NOT_READ)
        else:
            self._read(origin, record)

    def _origin(self, record: FhirRecord, kind: str) -> RecordOrigin:
        origin = RecordOrigin(record.file, kind, record.row)
        self._found.origins.append(origin)
        return origin

    def _read(self, origin: RecordOrigin, record: FhirRecord) -> None:
        try:
            one = cast("Any", decoded(_DECODERS[origin.kind], record.body))
        except msgspec.DecodeError:
            self._notes.whole(origin, "refused", NOT_AS_FHIR)
            return
        if origin.kind == "Observation":
            self._read_observation(origin, one)
        elif origin.kind == "QuestionnaireResponse":
            self._found.parts += self._responses.read(origin, one)
        elif origin.kind == "MedicationAdministration":
            self._add(self._treatments.administration(origin, one))
        elif origin.kind == "Procedure":
            self._add(self._treatments.procedure(origin, one))
        elif origin.kind == "Patient":
            self._read_patient(origin, one, record.full_url)
        else:
            reason = OF_FORMS if origin.kind == "Questionnaire" else OF_DRUGS
            self._notes.whole(origin, "dropped", reason)

    def _read_observation(self, origin: RecordOrigin, one: Observation) -> None:
        if is_body_weight(one.code):
            weight = weight_of(origin, one, self._status, self._clock)
            self._found.weights += [weight] if weight else []
            return
        part = self._observations.read(origin, one)
        self._found.parts += [part] if part else []

    def _add(self, session: FhirSession | None) -> None:
        self._found.sessions += [session] if session else []

    def _read_patient(self, origin: RecordOrigin, one: Patient, full_url: str) -> None:
        try:
            name = self._people.add(one, full_url)
        except NoPerson:
            name = ""
        if not name:
            self._notes.whole(origin, "refused", NO_ID)
        elif self._people.id_of(name) != name:
            self._notes.whole(origin, "dropped", REPLACED)
        # Bundles of single visits repeat the patient in each.
        elif name in self._found.persons:
            self._notes.whole(origin, "dropped", TWICE)
        else:
            birth = self._birth(origin, one.birth_date)
            sex = one.gender if one.gender in SEXES else ""
            if one.gender and not sex:
                self._notes.cell(origin, "gender", "refused", _NO_SEX)
            self._found.persons[name] = PatientRow(origin, name, birth, sex)
            self._read_death(origin, name, one.deceased_date_time)

    def _birth(self, origin: RecordOrigin, text: str) -> date | None:
        missing = _MIDDLES.get(len(text), "")
        if missing:
            self._notes.cell(origin, "birthDate", "mended", BIRTH_IN_PART)
        return self._date(origin, "birthDate", text + missing)

    def _read_death(self, origin: RecordOrigin, name: str, text: str) -> None:
        day = self._date(origin, "deceasedDateTime", text)
        if day is not None:
            self._found.deaths.append(Death(origin, name, day))

    def _date(self, origin: RecordOrigin, column: str, text: str) -> date | None:
        if not text:
            return None
        try:
            return self._clock.moment(text).day
        except NoDay as reason:
            self._notes.cell(origin, column, "refused", str(reason))
            return None

    def finish(self, kind: str) -> SourceData:
        """The tables.

        Parameters
        ----------
        kind : str
            Name of the reader.
        """
        # Only now is every patient known, also those that stand last.
        people = self._people
        found = self._found
        sessions = SessionMerger(
            self._notes,
            people,
            self._answers,
        ).rows(found.sessions, found.weights)
        set_timing(
            found.parts,
            sessions,
            people,
            self._answers,
            self._notes.remarks,
        )
        scores = ScoreMerger(
            self._notes,
            self._answers,
            people,
        ).rows(found.parts)
        if not sessions:
            self._treatments.ask_about_codes()
        joined: list[RecordOrigin] = []
        for row in scores:
            joined += row.joined
        for session in sessions:
            joined += session.joined
        if len(people.servers) > 1:
            self._notes.remarks.add(_SAID_SERVERS)
        self._notes.finish()
        say_times(self._clock, self._notes.remarks)
        return SourceData(
            kind=kind,
            tables=[
                *session_tables(sessions, people),
                *score_tables(scores, people),
                *patient_tables(found.persons.values()),
                *death_tables(found.deaths),
            ],
            records=numbers_by_place(found.origins),
            joined=numbers_by_place(joined),
        )


class _Version(NamedTuple):
    place: _Place
    number: str
    updated: str
    content: int


@dataclass(slots=True)
class RecordVersions:
    """Finds records of one id.

    Parameters
    ----------
    left_out : dict
        (file, number) of a record to the reason why it does not count.
    """

    left_out: dict[_Place, str] = field(default_factory=dict)
    _latest: dict[tuple[str, str], _Version] = field(default_factory=dict)

    def see(self, record: FhirRecord, head: Head) -> None:
        """Take a record in, and leave out the one of both that is older."""
        # Records of a bundle that was never stored have none.
        if not head.id:
            return
        meta = head.meta or _NONE
        new = _Version(
            (record.file, record.row),
            meta.version_id,
            meta.last_updated,
            hash(record.body),
        )
        key = (head.resource_type, head.id)
        old = self._latest.setdefault(key, new)
        if old is new:
            return
        if old.content == new.content:
            self.left_out[new.place] = SAME
            return
        later = _later(old, new)
        # Without versions these may be two records whose maker gave both one id.
        if later is None:
            return
        self._latest[key] = later
        earlier = old if later is new else new
        self.left_out[earlier.place] = EARLIER


def _later(old: _Version, new: _Version) -> _Version | None:
    """The later of two versions; None where neither says."""
    # As numbers: version 10 comes after 9.
    if old.number.isdigit() and new.number.isdigit() and old.number != new.number:
        return new if int(new.number) > int(old.number) else old
    if old.updated and new.updated:
        # Times of one server are written alike, so their text has their order.
        return new if new.updated > old.updated else old
    return None
