"""Administrations and procedures to sessions: ketamine and esketamine, when, by which route, how
much and how long.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import msgspec
from msgspec import Raw

from kettrack.importing.fhir.codes import (
    MOST_ASKED,
    NONE,
    may_be_printed,
    question_key,
)
from kettrack.importing.fhir.notes import FhirNotes, RecordOrigin
from kettrack.importing.fhir.people import NoPerson, Pointer, pointer_to
from kettrack.importing.fhir.resources import (
    DrugReference,
    Medication,
    MedicationAdministration,
    NamedConcept,
    Period,
    Procedure,
    Quantity,
    Reference,
    decoded,
)
from kettrack.importing.fhir.status import StatusReader
from kettrack.importing.fhir.times import ClinicClock, ClinicMoment, NoDay, minutes
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import OpenQuestion
from kettrack.vocabulary.cell_words import word_meant
from kettrack.vocabulary.columns import DRUGS
from kettrack.vocabulary.outside_codes import (
    drug_in_words,
    drug_of_code,
    route_of_code,
)

OTHER_DRUG: Final = "it is neither ketamine nor esketamine"
BACKWARDS: Final = "it ends before it begins"
_LIMIT: Final = "its number is a limit, not a value"
_NOT_A_DOSE: Final = "no number stands in it"
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
    end : ClinicMoment or None
        When it ended.
    drug, route, dose_mg : str
        Words; the dose has its unit behind it.
    stopped_early : bool or None
        True where it was stopped before its end; None where nothing says so.
    joined : list of RecordOrigin
        Records that tell of the same session.
    weight_kg : float or None
        Of the patient on that day.
    """

    origin: RecordOrigin
    pointer: Pointer
    moment: ClinicMoment
    drug: str
    route: str = ""
    dose_mg: str = ""
    stopped_early: bool | None = None
    joined: list[RecordOrigin] = field(default_factory=list)
    end: ClinicMoment | None = None
    weight_kg: float | None = None

    @property
    def duration_min(self) -> float | None:
        """Minutes from its beginning to its end; None where a time is not known."""
        return minutes(self.moment, self.end) if self.end else None


@dataclass(slots=True)
class TreatmentReader:
    """Reads administrations and procedures.

    Parameters
    ----------
    notes, status, clock
        Shared by all records of the source.
    drugs : mapping
        Id or address of a Medication to the drug that it is.
    answers : mapping
        `code.SYSTEM|CODE` says which drug a code is.
    unknown : Counter
        Codes without words of drugs that nobody knows.
    """

    notes: FhirNotes
    status: StatusReader
    clock: ClinicClock
    drugs: Mapping[str, NamedConcept]
    answers: Answers
    unknown: Counter[str] = field(default_factory=Counter)

    def administration(
        self, origin: RecordOrigin, one: MedicationAdministration
    ) -> FhirSession | None:
        """The session that an administration is; None where it is none, which is then said."""
        concept = self._drug_concept(one)
        drug, route = self._drug(concept)
        if not drug and concept is not None:
            self._note_unknown(concept)
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
        # A procedure has no words of its own for a route or a dose.
        drug, route = self._drug(one.code)
        single = one.performed_date_time or one.occurrence_date_time
        period = one.performed_period or one.occurrence_period
        session = self._session(
            origin, drug, one.status, (one.subject, one.contained), (single, period)
        )
        if session is not None:
            session.route = route
        return session

    def _drug(self, concept: NamedConcept | None) -> tuple[str, str]:
        for coding in concept.coding if concept else ():
            own = self.answers.get(question_key(coding))
            if own:
                return (own, "") if own in DRUGS else ("", "")
        return drug_of(concept)

    def _note_unknown(self, concept: NamedConcept) -> None:
        # Words that name another drug have answered the question.
        if not any(_words_of(concept)):
            self.unknown.update(
                question_key(coding)
                for coding in concept.coding
                if may_be_printed(coding)
            )

    def ask_about_codes(self) -> None:
        """Ask which of the unknown codes are ketamine, when no session has been found."""
        for key, _ in self.unknown.most_common(MOST_ASKED):
            self.notes.remarks.ask(
                OpenQuestion(
                    key=key,
                    asks="Administrations have this code and no words. Which drug is it?",
                    choices=(*DRUGS, NONE),
                    why="No session has been found.",
                )
            )

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
            end=self._end(origin, moment, period),
            stopped_early=standing.broken_off or None,
        )

    def _end(
        self,
        origin: RecordOrigin,
        start: ClinicMoment,
        period: Period | None,
    ) -> ClinicMoment | None:
        if period is None or not period.end:
            return None
        try:
            end = self.clock.moment(period.end)
        except NoDay as reason:
            self.notes.cell(origin, "period.end", "refused", str(reason))
            return None
        length = minutes(start, end)
        if length is not None and length < 0:
            self.notes.cell(origin, "period.end", "refused", BACKWARDS)
            return None
        return end

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
                inside = decoded(_CONTAINED, raw)
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
    named = (drug_in_words(one) for one in _words_of(concept))
    return next((one for one in named if one), ""), ""


def _words_of(concept: NamedConcept) -> list[str]:
    return [concept.text, *(coding.display for coding in concept.coding)]


def _route(concept: NamedConcept | None) -> str:
    """A route of the contract by its code, else the words as they stand."""
    if concept is None:
        return ""
    for coding in concept.coding:
        route = route_of_code(coding.system, coding.code)
        if route is not None:
            return route
    words = [one for one in _words_of(concept) if one]
    known = (word_meant("route", one) for one in words)
    # What nobody knows is left to the map, which asks about it.
    return next(filter(None, known), words[0] if words else "")
