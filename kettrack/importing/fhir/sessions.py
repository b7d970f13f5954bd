"""Records of one session to one row: an administration and the procedure it was part of, the parts
of a dose, and the weight of the day.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from kettrack.importing.fhir.notes import FhirNotes, RecordOrigin
from kettrack.importing.fhir.numbers import NoNumber, plain_number
from kettrack.importing.fhir.people import (
    KnownPatients,
    NoPerson,
    Pointer,
    pointer_to,
)
from kettrack.importing.fhir.resources import Observation
from kettrack.importing.fhir.status import StatusReader
from kettrack.importing.fhir.times import ClinicClock, ClinicMoment, NoDay
from kettrack.importing.fhir.treatments import FhirSession
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import OpenQuestion
from kettrack.vocabulary.units import factor

DOCUMENTED_TWICE: Final = (
    "an administration and a procedure of the same patient and day; they make one row"
)
PARTS: Final = "parts of one session; they make one row"
NO_SESSION_DAY: Final = "a weight of a day without a session"
NO_MASS: Final = "its unit is no unit of weight"
SAME_DAY_KEY: Final = "same_day_sessions"
PARTS_OF_ONE: Final = "parts of one session"
SEVERAL: Final = "several sessions"
_PROCEDURE: Final = "Procedure"
_KG: Final = "kg"
_DOSE: Final = re.compile(r"(?P<number>[\d.e+-]+) ?(?P<unit>.*)")


@dataclass(frozen=True, slots=True)
class DayWeight:
    """A patient's weight on a day.

    Parameters
    ----------
    origin : RecordOrigin
        Where the record stands.
    pointer : str or PatientNumber
        The patient.
    day : date
        The clinic's day.
    kg : float
        The weight.
    """

    origin: RecordOrigin
    pointer: Pointer
    day: date
    kg: float


def weight_of(
    origin: RecordOrigin,
    one: Observation,
    status: StatusReader,
    clock: ClinicClock,
) -> DayWeight | None:
    """The weight that an observation tells; None where it tells none, which is then said."""
    notes = status.notes
    # A weight that was entered in error would make a wrong dose.
    if status.standing(origin, one.status) is None:
        return None
    quantity = one.value_quantity
    unit = (quantity.code or quantity.unit) if quantity else ""
    # Pounds are `[lb_av]` in UCUM.
    by_factor = factor(unit.strip("[]").partition("_")[0], _KG)
    if by_factor is None:
        notes.whole(origin, "dropped", NO_MASS)
        return None
    try:
        number = plain_number(one).number
        pointer = pointer_to(one.subject, one.contained)
        moment = clock.single_day(one.effective_date_time, one.effective_period)
    except (NoNumber, NoPerson, NoDay) as reason:
        notes.whole(origin, "refused", str(reason))
        return None
    # Scales tell no more than a decimal.
    kg = round(number * by_factor, 1)
    return DayWeight(origin, pointer, moment.day, kg)


@dataclass(slots=True)
class SessionMerger:
    """One row for each session.

    Parameters
    ----------
    notes : FhirNotes
        Takes what was put together.
    people : KnownPatients
        Knows the patients.
    answers : mapping
        `same_day_sessions` says what several administrations of one day are.
    """

    notes: FhirNotes
    people: KnownPatients
    answers: Answers

    def rows(
        self,
        sessions: Iterable[FhirSession],
        weights: Iterable[DayWeight],
    ) -> list[FhirSession]:
        """The sessions, each with all that its records say."""
        # Two drugs of one day are two sessions, whatever the times.
        days: dict[tuple[str, date, str], list[FhirSession]] = defaultdict(list)
        for one in sessions:
            patient = self.people.id_of(one.pointer)
            days[patient, one.moment.day, one.drug].append(one)
        rows = [row for day in days.values() for row in self._of_day(day)]
        self._weigh(rows, weights)
        return rows

    def _of_day(self, day: list[FhirSession]) -> list[FhirSession]:
        given: list[FhirSession] = []
        done: list[FhirSession] = []
        for one in day:
            kind = one.origin.kind
            of_kind = done if kind == _PROCEDURE else given
            of_kind.append(one)
        if len(given) > 1:
            given = self._parts_or_several(given)
        if not given:
            return done
        # One to one: a second procedure of the day may be a second session.
        for procedure, administration in zip(done, given, strict=False):
            self._join(procedure, administration)
        return [*given, *done[len(given) :]]

    def _join(self, procedure: FhirSession, into: FhirSession) -> None:
        into.route = into.route or procedure.route
        # The procedure knows both its ends, or neither is taken.
        if into.end is None and procedure.end is not None:
            into.moment = procedure.moment
            into.end = procedure.end
        if procedure.stopped_early:
            into.stopped_early = True
        into.joined.append(procedure.origin)
        self.notes.cell(procedure.origin, "", "mended", DOCUMENTED_TWICE)

    def _parts_or_several(self, given: list[FhirSession]) -> list[FhirSession]:
        """A spray of two devices, or a rate that was changed, is often two records."""
        question = OpenQuestion(
            key=SAME_DAY_KEY,
            asks=(
                "Some patients have several administrations of a drug on one day. What are"
                " they?"
            ),
            choices=(PARTS_OF_ONE, SEVERAL),
            why="Parts of one session are one row with the sum of their doses.",
        )
        choice = self.notes.remarks.answer(question, self.answers)
        # Nothing is put together unless somebody has said so.
        if choice != PARTS_OF_ONE:
            return given
        first, *others = sorted(given, key=_beginning)
        doses = [one.dose_mg for one in given]
        first.dose_mg = _sum_of(doses)
        ends = [one.end or one.moment for one in given]
        # Without a time the length of the session is not known.
        clocks = [end.clock for end in ends]
        if all(clocks):
            first.end = max(ends, key=_in_order)
        first.stopped_early = any(one.stopped_early for one in given) or None
        for one in others:
            first.route = first.route or one.route
            first.joined.append(one.origin)
            self.notes.cell(one.origin, "", "mended", PARTS)
        return [first]

    def _weigh(
        self,
        rows: Iterable[FhirSession],
        weights: Iterable[DayWeight],
    ) -> None:
        """Give sessions the weight of their day; another day's weight would be a guess."""
        by_day: dict[tuple[str, date], list[FhirSession]] = defaultdict(list)
        for row in rows:
            by_day[self.people.id_of(row.pointer), row.moment.day].append(row)
        for weight in weights:
            patient = self.people.id_of(weight.pointer)
            on_day = by_day.get((patient, weight.day), [])
            if not on_day:
                self.notes.whole(weight.origin, "dropped", NO_SESSION_DAY)
            for row in on_day:
                row.weight_kg = weight.kg
                row.joined.append(weight.origin)


def _beginning(one: FhirSession) -> tuple[date, str]:
    return _in_order(one.moment)


def _in_order(moment: ClinicMoment) -> tuple[date, str]:
    return moment.day, str(moment.clock or "")


def _sum_of(doses: list[str]) -> str:
    """The doses together; nothing where one is missing or has another unit."""
    found = [_DOSE.fullmatch(dose) for dose in doses]
    units = {one["unit"] for one in found if one}
    if None in found or len(units) != 1:
        return ""
    total = sum(float(one["number"]) for one in found if one)
    return f"{total:.10g} {units.pop()}".strip()
