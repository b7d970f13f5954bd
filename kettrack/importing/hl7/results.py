"""Results (OBX) to parts of scores: code, value, status, and the day of the observation."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from kettrack.importing.fhir.codes import CodeReader
from kettrack.importing.fhir.notes import FhirNotes, RecordOrigin
from kettrack.importing.fhir.numbers import (
    LIMIT,
    NO_POINTS,
    NOTHING,
    WORDS,
    NoNumber,
)
from kettrack.importing.fhir.resources import Coding, Concept
from kettrack.importing.fhir.scores import ScorePart
from kettrack.importing.fhir.times import ClinicClock, NoDay
from kettrack.importing.hl7.segments import Segment, component, hl7_moment
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import OpenQuestion
from kettrack.vocabulary.instruments import INSTRUMENTS
from kettrack.vocabulary.outside_codes import LOINC_ANSWERS, system_of
from kettrack.vocabulary.status_words import NOT_OBSERVED, OBSERVED

NO_PATIENT: Final = "the message names no patient"
REPLACED: Final = "a later message corrects it"
TAKEN_BACK: Final = "a later message takes it back"
TAKES_BACK: Final = "it takes an earlier result back"
# HL7 v2 table 0085, observation result status. A and C replace an earlier result; U says that an
# earlier preliminary one is final.
_STATUS: Final = {
    "F": OBSERVED,
    "C": OBSERVED,
    "A": OBSERVED,
    "U": OBSERVED,
    "X": NOT_OBSERVED,
    "N": NOT_OBSERVED,
    "I": NOT_OBSERVED,
    "O": NOT_OBSERVED,
}
_STATUS_SAID: Final = {
    "X": "its status says that no result could be obtained (X)",
    "N": "its status says that it was not asked (N)",
    "I": "its status says that the result is pending (I)",
    "O": "its status says that it holds no result (O)",
}
_MENDS: Final = ("A", "C")
_TAKES_BACK: Final = ("D", "W")
_OPEN: Final = ("P", "R", "S", "V", "B")
_NUMBER: Final = re.compile(r"[+-]?\d+(?:\.\d+)?")
_NAMES_A_SCALE: Final = re.compile(
    "|".join(
        # PHQ stands for PHQ-9, and MADRS for itself.
        sorted({re.split(r"[-\d ]", name)[0] for name in INSTRUMENTS})
    ),
    re.IGNORECASE,
)
_SURVEY: Final = [Concept(coding=[Coding(code="survey")])]
_Key = tuple[str, str, str, object]


@dataclass(slots=True)
class ResultReader:
    """Reads results, one after the other in the order of the messages.

    Parameters
    ----------
    notes : FhirNotes
        Takes every result that is no part of a score.
    codes : CodeReader
        Looks codes up.
    clock : ClinicClock
        Reads times.
    answers : mapping
        `status.OBX.LETTER` says "observed" or "not observed".
    """

    notes: FhirNotes
    codes: CodeReader
    clock: ClinicClock
    answers: Answers
    _parts: dict[_Key, list[ScorePart]] = field(default_factory=dict)

    @property
    def parts(self) -> list[ScorePart]:
        """What is left when all messages are read."""
        return [part for parts in self._parts.values() for part in parts]

    def read(
        self,
        origin: RecordOrigin,
        patient: str,
        segment: Segment,
        request: Segment | None,
    ) -> None:
        """Take a result in.

        Parameters
        ----------
        origin : RecordOrigin
            Where it stands.
        patient : str
            Whose it is; empty where the message does not say.
        segment : Segment
            The result.
        request : Segment or None
            The report (OBR) that it belongs to.
        """
        status = segment.text(11).upper()
        part = self._part(
            origin,
            patient,
            segment,
            request,
            status,
        )
        if part is None:
            return
        (column,) = part.cells
        key = (
            patient,
            part.instrument,
            column,
            part.moment.day,
        )
        if status in _TAKES_BACK:
            self._drop(key, TAKEN_BACK)
            self.notes.whole(origin, "dropped", TAKES_BACK)
        elif status in _MENDS:
            self._drop(key, REPLACED)
            self._parts[key] = [part]
        else:
            self._parts.setdefault(key, []).append(part)

    def _drop(self, key: _Key, reason: str) -> None:
        for part in self._parts.pop(key, []):
            self.notes.whole(part.origin, "dropped", reason)

    def _part(
        self,
        origin: RecordOrigin,
        patient: str,
        segment: Segment,
        request: Segment | None,
        status: str,
    ) -> ScorePart | None:
        concept = _concept(segment.components(3))
        meaning = self.codes.meaning(concept)
        # Most results of a laboratory are of something else.
        if meaning.score is None:
            if _NAMES_A_SCALE.search(component(segment.components(3), 2)):
                self.codes.ask_about_survey(concept, _SURVEY)
            self.notes.whole(origin, "dropped", meaning.reason)
            return None
        if not self._is_observed(origin, status):
            return None
        try:
            number = 0.0 if status in _TAKES_BACK else _number(segment)
            moment = hl7_moment(self.clock, _when(segment, request))
        except (NoNumber, NoDay) as reason:
            self.notes.whole(origin, "refused", str(reason))
            return None
        if not patient:
            self.notes.whole(origin, "refused", NO_PATIENT)
            return None
        if meaning.said:
            self.notes.cell(origin, "OBX-3", "mended", meaning.said)
        return ScorePart(
            origin,
            patient,
            moment,
            meaning.score.instrument,
            {meaning.score.column: number},
            mends=status in _MENDS,
        )

    def _is_observed(
        self,
        origin: RecordOrigin,
        status: str,
    ) -> bool:
        own = self.answers.get(f"status.OBX.{status}", "")
        meaning = own or _STATUS.get(status, "")
        # A result that takes another one back is looked up like the other one.
        if status in _TAKES_BACK or meaning == OBSERVED:
            return True
        if not status:
            self.notes.cell(
                origin,
                "OBX-11",
                "noted",
                "no status; read as an observation",
            )
            return True
        if meaning == NOT_OBSERVED:
            said = _STATUS_SAID.get(
                status, "its status was answered to be no observation"
            )
            self.notes.whole(origin, "dropped", said)
            return False
        self._ask(origin, status)
        return False

    def _ask(
        self,
        origin: RecordOrigin,
        status: str,
    ) -> None:
        if status not in _OPEN:
            why = "its status is none of HL7 table 0085"
            self.notes.whole(origin, "refused", why)
            return
        why = f"its status, {status}, leaves open whether it is an observation"
        self.notes.whole(origin, "refused", why)
        self.notes.remarks.ask(
            OpenQuestion(
                key=f"status.OBX.{status}",
                asks=f"Are results with the status {status} (OBX-11) observations?",
                choices=(OBSERVED, NOT_OBSERVED),
                why="Scores are made of observations alone.",
            )
        )


def _concept(components: list[str]) -> Concept:
    """The code of a result, and the other code that may stand beside it."""
    codings = [
        Coding(component(components, at + 2), component(components, at))
        for at in (1, 4)
        if component(components, at)
    ]
    return Concept(coding=codings)


def _when(
    segment: Segment,
    request: Segment | None,
) -> str:
    """The time of the result itself, else that of its report."""
    return segment.text(14) or (request.text(7) if request else "")


def _number(segment: Segment) -> float:
    kind = segment.text(2)
    components = segment.components(5)
    if not any(components):
        raise NoNumber(NOTHING)
    if kind == "SN":
        return _structured(components)
    if kind in ("CWE", "CE", "CNE", "CF"):
        return _points(components)
    # NM is a number; ST and its kin are text that may be one.
    if len(components) > 1 or len(segment.repetitions(5)) > 1:
        raise NoNumber("several values stand where one is expected")
    return _plain(components[0])


def _plain(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise NoNumber(WORDS)
    return float(text)


def _structured(components: list[str]) -> float:
    """A number with a sign of comparison before it, or a range: only "equal" is a value."""
    sign = component(components, 1)
    if sign not in ("", "=") or component(components, 3):
        raise NoNumber(LIMIT)
    return _plain(component(components, 2))


def _points(components: list[str]) -> float:
    for at in (1, 4):
        code = component(components, at)
        system = system_of(component(components, at + 2))
        # The answers of LOINC have letters that no other system uses.
        if code in LOINC_ANSWERS and system in ("LOINC", None):
            return float(LOINC_ANSWERS[code])
    raise NoNumber(NO_POINTS)
