"""Administrations (RXA, with the route in RXR) to sessions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from kettrack.importing.fhir.notes import FhirNotes, RecordOrigin
from kettrack.importing.fhir.resources import NamedCoding, NamedConcept
from kettrack.importing.fhir.times import ClinicClock, NoDay, minutes
from kettrack.importing.fhir.treatments import (
    BACKWARDS,
    OTHER_DRUG,
    FhirSession,
    drug_of,
)
from kettrack.importing.hl7.results import NO_PATIENT
from kettrack.importing.hl7.segments import Segment, component, hl7_moment
from kettrack.vocabulary.cell_words import word_meant
from kettrack.vocabulary.outside_codes import route_of_code

# HL7 v2 table 0322, completion status, and 0323, action code.
_NOT_GIVEN: Final = {
    "RE": "its status says that the patient refused (RE)",
    "NA": "its status says that nothing was given (NA)",
}
_PARTLY: Final = "PA"
_DELETED: Final = "D"
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")
# What stands for an amount that nobody recorded, as the standard asks for.
_NO_AMOUNT: Final = "999"


@dataclass(slots=True)
class AdministrationReader:
    """Reads administrations.

    Parameters
    ----------
    notes : FhirNotes
        Takes every one that is no session.
    clock : ClinicClock
        Reads times.
    """

    notes: FhirNotes
    clock: ClinicClock
    sessions: list[FhirSession] = field(default_factory=list)
    _last: FhirSession | None = None

    def read(
        self,
        origin: RecordOrigin,
        patient: str,
        segment: Segment,
    ) -> None:
        """Take an administration in; arguments as `ResultReader.read`."""
        # A route that follows is that of this administration, or of none.
        self._last = None
        drug, route = drug_of(_drug(segment.components(5)))
        reason = self._no_session(
            patient,
            segment,
            drug,
        )
        if reason:
            self.notes.whole(origin, "dropped" if patient else "refused", reason)
            return
        try:
            moment = hl7_moment(self.clock, segment.text(3))
        except NoDay as why:
            self.notes.whole(origin, "refused", str(why))
            return
        session = FhirSession(
            origin,
            patient,
            moment,
            drug,
            route,
            dose_mg=self._dose(origin, segment),
            stopped_early=True if segment.text(20) == _PARTLY else None,
        )
        self._add_length(session, segment)
        self.sessions.append(session)
        self._last = session

    def _no_session(
        self,
        patient: str,
        segment: Segment,
        drug: str,
    ) -> str:
        """Why an administration is no session; empty where it is one."""
        if not drug:
            return OTHER_DRUG
        if segment.text(21) == _DELETED:
            return "it takes an administration back (D)"
        said = _NOT_GIVEN.get(segment.text(20), "")
        return said or ("" if patient else NO_PATIENT)

    def add_route(self, segment: Segment) -> None:
        """Take the route (RXR) of the administration before it."""
        session = self._last
        if session is None:
            return
        code = segment.components(1)
        known = route_of_code(component(code, 3) or "HL70162", component(code, 1))
        words = component(code, 2) or component(code, 1)
        # What nobody knows is left to the map, which asks about it.
        meant = known or word_meant("route", words) or words
        session.route = meant or session.route

    def _dose(
        self,
        origin: RecordOrigin,
        segment: Segment,
    ) -> str:
        amount = segment.text(6)
        if amount in ("", _NO_AMOUNT):
            return ""
        if not _NUMBER.fullmatch(amount):
            why = "no number stands in it"
            self.notes.cell(
                origin,
                "RXA-6",
                "refused",
                why,
            )
            return ""
        return f"{amount} {segment.text(7)}".strip()

    def _add_length(
        self,
        session: FhirSession,
        segment: Segment,
    ) -> None:
        text = segment.text(4)
        if not text:
            return
        try:
            end = hl7_moment(self.clock, text)
        except NoDay as why:
            self._refuse_end(session, str(why))
            return
        length = minutes(session.moment, end)
        if length is not None and length < 0:
            self._refuse_end(session, BACKWARDS)
        elif length:
            # Many systems write the start once more where nobody noted the end.
            session.end = end

    def _refuse_end(
        self,
        session: FhirSession,
        why: str,
    ) -> None:
        self.notes.cell(
            session.origin,
            "RXA-4",
            "refused",
            why,
        )


def _drug(components: list[str]) -> NamedConcept:
    codings = [
        NamedCoding(
            system=component(components, at + 2),
            code=component(components, at),
            display=component(components, at + 1),
        )
        for at in (1, 4)
    ]
    return NamedConcept(coding=codings)
