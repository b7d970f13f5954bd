"""Administrations and procedures to sessions: ketamine and esketamine, when, by which route, how
much and how long.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import msgspec
from msgspec import Raw

from kettrack.importing.fhir.notes import FhirNotes, RecordOrigin
from kettrack.importing.fhir.people import KnownPatients, NoPerson, Pointer, pointer_to
from kettrack.importing.fhir.resources import (
    DrugReference,
    Medication,
    MedicationAdministration,
    NamedConcept,
    Period,
    Procedure,
    Quantity,
    Reference,
)
from kettrack.importing.fhir.status import StatusReader
from kettrack.importing.fhir.times import ClinicClock, ClinicMoment, NoDay, minutes
from kettrack.vocabulary.outside_codes import (
    drug_in_words,
    drug_of_code,
    route_of_code,
)

OTHER_DRUG: Final = "it is neither ketamine nor esketamine"
DOCUMENTED_TWICE: Final = (
    "an administration and a procedure of the same patient and day; they make one row"
)
BACKWARDS: Final = "it ends before it begins"
_LIMIT: Final = "its number is a limit, not a value"
_NOT_A_DOSE: Final = "no number stands in it"
_PROCEDURE: Final = "Procedure"
_CONTAINED: Final = msgspec.json.Decoder(Medication)


@dataclass(slots=True)
class FhirSession:
    """One session, as a record tells it.

    Parameters
    ----------
    origin : RecordOrigin
        Where the record stands.
    pointer : str or PatientNumber
        The patient.
    moment : ClinicMoment
        When it began.
    drug, route, dose_mg : str
        Words; the dose has its unit behind it.
    duration_min : float or None
        Minutes.
    stopped_early : bool or None
        True where it was stopped before its end; None where nothing says so.
    joined : list of RecordOrigin
        Records that tell of the same session.
    """

    origin: RecordOrigin
    pointer: Pointer
    moment: ClinicMoment
    drug: str
    route: str = ""
    dose_mg: str = ""
    duration_min: float | None = None
    stopped_early: bool | None = None
    joined: list[RecordOrigin] = field(default_factory=list)


@dataclass(slots=True)
class TreatmentReader:
    """Reads administrations and procedures.

    Parameters
    ----------
    notes, status, clock
        Shared by all records of the source.
    drugs : mapping
        Id or address of a Medication to the drug that it is.
    """

    notes: FhirNotes
    status: StatusReader
    clock: ClinicClock
    drugs: Mapping[str, NamedConcept]

    def administration(
        self, origin: RecordOrigin, one: MedicationAdministration
    ) -> FhirSession | None:
        """The session that an administration is; None where it is none, which is then said."""
        concept = self._drug_concept(one)
        drug, route = drug_of(concept)
        single = (
            one.effective_date_time
            or one.occurence_date_time
            or one.occurrence_date_time
        )
        period = one.effective_period or one.occurence_period or one.occurrence_period
        session = self._session(
            origin, drug, one.status, (one.subject, one.contained), (single, period)
        )
        if session is None:
            return None
        session.route = _route(one.dosage.route if one.dosage else None) or route
        if one.dosage is not None and one.dosage.dose is not None:
            session.dose_mg = self._dose(origin, one.dosage.dose)
        return session

    def procedure(self, origin: RecordOrigin, one: Procedure) -> FhirSession | None:
        """The session that a procedure is; None where it is none, which is then said."""
        drug, route = drug_of(one.code)
        single = one.performed_date_time or one.occurrence_date_time
        period = one.performed_period or one.occurrence_period
        session = self._session(
            origin, drug, one.status, (one.subject, one.contained), (single, period)
        )
        if session is not None:
            session.route = route
        return session

    def _session(
        self,
        origin: RecordOrigin,
        drug: str,
        status: str,
        who: tuple[Reference | None, Iterable[Raw]],
        when: tuple[str, Period | None],
    ) -> FhirSession | None:
        # Most administrations of a hospital are of other drugs.
        if not drug:
            self.notes.whole(origin, "dropped", OTHER_DRUG)
            return None
        standing = self.status.standing(origin, status)
        if standing is None:
            return None
        single, period = when
        try:
            pointer = pointer_to(*who)
            # A session belongs to the day on which it began.
            moment = self.clock.moment(single or (period.start if period else ""))
        except (NoPerson, NoDay) as reason:
            self.notes.whole(origin, "refused", str(reason))
            return None
        return FhirSession(
            origin,
            pointer,
            moment,
            drug,
            duration_min=self._duration(origin, moment, period),
            stopped_early=standing.broken_off or None,
        )

    def _duration(
        self,
        origin: RecordOrigin,
        start: ClinicMoment,
        period: Period | None,
    ) -> float | None:
        if period is None or not period.end:
            return None
        try:
            length = minutes(start, self.clock.moment(period.end))
        except NoDay as reason:
            self.notes.cell(origin, "period.end", "refused", str(reason))
            return None
        if length is not None and length < 0:
            self.notes.cell(origin, "period.end", "refused", BACKWARDS)
            return None
        return length

    def _dose(self, origin: RecordOrigin, dose: Quantity) -> str:
        value = dose.value
        if dose.comparator:
            self.notes.cell(origin, "dosage.dose", "refused", _LIMIT)
            return ""
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.notes.cell(origin, "dosage.dose", "refused", _NOT_A_DOSE)
            return ""
        return f"{value:.10g} {dose.code or dose.unit}".strip()

    def _drug_concept(self, one: MedicationAdministration) -> NamedConcept | None:
        r5 = one.medication
        concept = one.medication_codeable_concept or (r5.concept if r5 else None)
        reference = one.medication_reference or (r5.reference if r5 else None)
        if concept is not None or reference is None:
            return concept
        return self._referred(reference, one.contained)

    def _referred(
        self,
        reference: DrugReference,
        contained: Iterable[Raw],
    ) -> NamedConcept | None:
        name = reference.reference
        for raw in contained if name.startswith("#") else ():
            with suppress(msgspec.DecodeError):
                inside = _CONTAINED.decode(raw)
                if f"#{inside.id}" == name:
                    return inside.code
        found = self.drugs.get(name) or self.drugs.get(name.rpartition("/")[2])
        # A drug that is not there may still be named.
        return found or NamedConcept(text=reference.display)


def drug_of(concept: NamedConcept | None) -> tuple[str, str]:
    """Drug and route that codes or words name; empty where they name neither.

    Examples
    --------
    >>> drug_of(NamedConcept(text="Ketamine infusion"))
    ('ketamine', '')
    """
    if concept is None:
        return "", ""
    # A code before words: words may name a drug that was not given.
    for coding in concept.coding:
        found = drug_of_code(coding.system, coding.code)
        if found is not None:
            return found.drug, found.route
    words = [concept.text, *(coding.display for coding in concept.coding)]
    named = (drug_in_words(one) for one in words)
    return next((one for one in named if one), ""), ""


def _route(concept: NamedConcept | None) -> str:
    """A route of the contract by its code, else the words as they stand."""
    if concept is None:
        return ""
    # Words are left to the map, which knows them in several languages.
    for coding in concept.coding:
        route = route_of_code(coding.system, coding.code)
        if route is not None:
            return route
    words = [concept.text, *(coding.display for coding in concept.coding)]
    return next((one for one in words if one), "")


@dataclass(slots=True)
class SessionMerger:
    """One row for a session that was written down as an administration and as a procedure.

    Parameters
    ----------
    notes : FhirNotes
        Takes what was put together.
    people : KnownPatients
        Knows the patients.
    """

    notes: FhirNotes
    people: KnownPatients

    def rows(self, sessions: Iterable[FhirSession]) -> list[FhirSession]:
        """The sessions, without procedures that an administration of the day tells better."""
        days: dict[tuple[str, date, str], list[FhirSession]] = defaultdict(list)
        for one in sessions:
            patient = self.people.id_of(one.pointer)
            days[patient, one.moment.day, one.drug].append(one)
        return [row for day in days.values() for row in self._of_day(day)]

    def _of_day(self, day: list[FhirSession]) -> list[FhirSession]:
        given = [one for one in day if one.origin.kind != _PROCEDURE]
        done = [one for one in day if one.origin.kind == _PROCEDURE]
        if not given:
            return done
        # One to one: a second procedure of the day may be a second session.
        for procedure, administration in zip(done, given, strict=False):
            administration.route = administration.route or procedure.route
            if administration.duration_min is None:
                administration.duration_min = procedure.duration_min
            if procedure.stopped_early:
                administration.stopped_early = True
            administration.joined.append(procedure.origin)
            self.notes.cell(procedure.origin, "", "mended", DOCUMENTED_TWICE)
        return [*given, *done[len(given) :]]
