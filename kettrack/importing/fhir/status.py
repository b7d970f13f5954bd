"""What the status of a record says. The words that are the same everywhere stand in
`vocabulary.status_words`; here are those that only FHIR defines.

Sources: FHIR R4 and R5, code systems `questionnaire-answers-status`, `medication-admin-status`,
`event-status` (hl7.org/fhir).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from kettrack.importing.fhir.notes import FhirNotes, RecordOrigin
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import OpenQuestion
from kettrack.vocabulary.status_words import NOT_OBSERVED, OBSERVED, STATUS

_FORM: Final = "QuestionnaireResponse"
_DRUG: Final = "MedicationAdministration"
_DONE: Final = "Procedure"
# Words whose meaning FHIR gives for one kind of record.
_HERE: Final[Mapping[tuple[str, str], str]] = {
    # Changes or further answers are expected, or the form was abandoned.
    (_FORM, "in-progress"): NOT_OBSERVED,
    (_FORM, "stopped"): NOT_OBSERVED,
    # Halted for good before all of it had been given.
    (_DRUG, "stopped"): OBSERVED,
    (_DONE, "stopped"): OBSERVED,
    # Initial steps alone.
    (_DONE, "preparation"): NOT_OBSERVED,
    ("Observation", "registered"): NOT_OBSERVED,
}
# All other words of these code systems; a word that FHIR does not have is not printed.
_OPEN: Final = frozenset(("in-progress", "on-hold", "unknown", "preliminary"))
_BROKEN_OFF: Final = "stopped"
# A record with such a word counts instead of the one that it mends.
_MENDS: Final = frozenset(("amended", "corrected"))


@dataclass(frozen=True, slots=True)
class StatusMeaning:
    """What a status means.

    Parameters
    ----------
    broken_off : bool
        It began, and was stopped before its end.
    mends : bool
        It replaces an earlier record.
    """

    broken_off: bool = False
    mends: bool = False


@cache
def _known(word: str) -> tuple[str, str] | None:
    """What a word means everywhere; an export says the same few words of every record."""
    return STATUS.meaning(word)


@dataclass(slots=True)
class StatusReader:
    """Judges the status of records, and asks once of each word that leaves it open.

    Parameters
    ----------
    notes : FhirNotes
        Takes the records that are no observation.
    answers : mapping
        `status.KIND.WORD` says "observed" or "not observed".
    """

    notes: FhirNotes
    answers: Answers
    _asked: set[str] = field(default_factory=set)

    def standing(self, origin: RecordOrigin, word: str) -> StatusMeaning | None:
        """What a status means; None where the record is no observation, which is then said."""
        if not word:
            self.notes.cell(
                origin, "status", "noted", "no status; read as an observation"
            )
            return StatusMeaning()
        known = _known(word)
        own = self.answers.get(f"status.{origin.kind}.{word}")
        meaning = own or _HERE.get((origin.kind, word)) or (known[0] if known else None)
        if meaning == OBSERVED:
            return StatusMeaning(word == _BROKEN_OFF, word in _MENDS)
        if meaning == NOT_OBSERVED:
            said = known[1] if known else word
            self.notes.whole(origin, "dropped", f"its status says {said}")
        else:
            self._ask(origin, word)
        return None

    def _ask(self, origin: RecordOrigin, word: str) -> None:
        if word not in _OPEN:
            self.notes.whole(origin, "refused", "its status is no word of FHIR")
            return
        self.notes.whole(
            origin,
            "refused",
            f"its status, {word}, leaves open whether it is an observation",
        )
        key = f"status.{origin.kind}.{word}"
        # Thousands of records may say it.
        if key in self._asked:
            return
        self._asked.add(key)
        self.notes.remarks.ask(
            OpenQuestion(
                key=key,
                asks=f"Are records of the kind {origin.kind} whose status is {word} observations?",
                choices=(OBSERVED, NOT_OBSERVED),
                why="Rows are made of observations alone.",
            )
        )
