"""Observations to scores: totals, single answers, and forms whose parts are answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kettrack.importing.fhir.codes import ITEM, NO_SCALE, CodeMeaning, CodeReader
from kettrack.importing.fhir.notes import FhirNotes, RecordOrigin
from kettrack.importing.fhir.numbers import (
    NOTHING,
    AnswerKey,
    AnswerPoints,
    NoNumber,
    plain_number,
    points_of,
)
from kettrack.importing.fhir.people import NoPerson, pointer_to
from kettrack.importing.fhir.resources import Component, Observation
from kettrack.importing.fhir.scores import ScorePart
from kettrack.importing.fhir.status import StatusReader
from kettrack.importing.fhir.times import ClinicClock, ClinicMoment, NoDay
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import Action, OpenQuestion

OF_FORM: Final = "its code names the form; its number is read as the total"
ONLY_MEMBERS: Final = "it names a form; the records of its questions are read instead"
TWO_SCALES: Final = "its parts are of two scales"
NOT_WHOLE: Final = "an answer is a whole number of points"
ONLY_ISSUED: Final = "it says when it was issued, and not when it was answered"
_KEY: Final = AnswerKey()
_YES: Final = "yes"
_ISSUED: Final = OpenQuestion(
    key="issued_is_day",
    asks="Some scores have the time at which they were issued, and no other. Is that their day?",
    choices=(_YES, "no"),
    why="Without a day a score cannot be used.",
)


@dataclass(slots=True)
class ObservationReader:
    """Reads observations.

    Parameters
    ----------
    notes, status, codes, clock
        Shared by all records of the source.
    answers : mapping
        `issued_is_day` says whether the day on which a result was issued is its day.
    """

    notes: FhirNotes
    status: StatusReader
    codes: CodeReader
    clock: ClinicClock
    answers: Answers

    def read(self, origin: RecordOrigin, one: Observation) -> ScorePart | None:
        """What an observation says; None where it says nothing, which is then said."""
        meaning = self.codes.meaning(one.code)
        # The code first: nobody needs to hear of the status of a blood pressure.
        if meaning.score is None:
            if meaning.reason == NO_SCALE:
                self.codes.ask_about_survey(one.code, one.category)
            self.notes.whole(origin, "dropped", meaning.reason)
            return None
        standing = self.status.standing(origin, one.status)
        if standing is None:
            return None
        cells = self._cells(origin, one, meaning)
        if not cells:
            return None
        try:
            pointer = pointer_to(one.subject, one.contained)
            moment = self._moment(one)
        except (NoPerson, NoDay) as reason:
            self.notes.whole(origin, "refused", str(reason))
            return None
        return ScorePart(
            origin,
            pointer,
            moment,
            meaning.score.instrument,
            cells,
            standing.mends,
        )

    def _moment(self, one: Observation) -> ClinicMoment:
        single = one.effective_date_time or one.effective_instant
        # The time of the answers goes before that of the record.
        if single or one.effective_period or not one.issued:
            return self.clock.single_day(single, one.effective_period)
        if self.answers.get(_ISSUED.key) == _YES:
            return self.clock.moment(one.issued)
        self.notes.remarks.ask(_ISSUED)
        raise NoDay(ONLY_ISSUED)

    def _cells(
        self, origin: RecordOrigin, one: Observation, meaning: CodeMeaning
    ) -> dict[str, float]:
        """Numbers by column; empty where there are none, which is then said."""
        assert meaning.score is not None
        cells: dict[str, float] = {}
        for part in one.component:
            inside = self.codes.meaning(part.code)
            if inside.score is None:
                self.notes.cell(origin, "component", "dropped", inside.reason)
            elif inside.score.instrument != meaning.score.instrument:
                self.notes.whole(origin, "refused", TWO_SCALES)
                return {}
            else:
                self._add(origin, part, inside, cells)
        try:
            cells[meaning.score.column] = self._number(origin, one, meaning).number
        except NoNumber as reason:
            # A form may have answers and no total of its own.
            if cells and str(reason) == NOTHING:
                return cells
            why = ONLY_MEMBERS if one.has_member else str(reason)
            self.notes.whole(origin, _action(why), why)
            return {}
        self._say(origin, meaning)
        return cells

    def _say(self, origin: RecordOrigin, meaning: CodeMeaning) -> None:
        if meaning.panel:
            self.notes.cell(origin, "value[x]", "mended", OF_FORM)
        if meaning.said:
            self.notes.cell(origin, "code", "mended", meaning.said)

    def _add(
        self,
        origin: RecordOrigin,
        part: Component,
        meaning: CodeMeaning,
        cells: dict[str, float],
    ) -> None:
        assert meaning.score is not None
        column = meaning.score.column
        try:
            cells[column] = self._number(origin, part, meaning).number
        except NoNumber as reason:
            self.notes.cell(origin, f"component, {column}", "refused", str(reason))

    def _number(
        self, origin: RecordOrigin, part: Component, meaning: CodeMeaning
    ) -> AnswerPoints:
        assert meaning.score is not None
        # An answer by code, else a number in one of its types.
        concept = part.value_codeable_concept
        if concept is not None:
            points = points_of(concept.coding, part.extension, "", _KEY)
        else:
            points = plain_number(part)
        if meaning.score.column.startswith(ITEM) and points.number % 1:
            raise NoNumber(NOT_WHOLE)
        if points.said:
            self.notes.cell(origin, "value[x]", "mended", points.said)
        return points


def _action(why: str) -> Action:
    return "dropped" if why in (NOTHING, ONLY_MEMBERS) else "refused"
