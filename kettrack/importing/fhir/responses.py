"""Responses to forms: answers, wherever in nested groups they stand, to items and totals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import msgspec

from kettrack.importing.fhir.codes import ITEM, UNCOUNTED, is_uncounted
from kettrack.importing.fhir.forms import (
    NO_FORM,
    FormKey,
    column_of_link,
    counted_otherwise,
    form_of,
    scale_in_name,
)
from kettrack.importing.fhir.notes import FhirNotes, RecordOrigin
from kettrack.importing.fhir.numbers import (
    NO_POINTS,
    AnswerKey,
    AnswerPoints,
    NoNumber,
    plain_number,
    points_of,
)
from kettrack.importing.fhir.observations import NOT_WHOLE
from kettrack.importing.fhir.people import NoPerson, pointer_to
from kettrack.importing.fhir.resources import (
    FormAnswer,
    Questionnaire,
    QuestionnaireResponse,
    ResponseItem,
    decoded,
)
from kettrack.importing.fhir.scores import ScorePart
from kettrack.importing.fhir.status import StatusReader
from kettrack.importing.fhir.times import ClinicClock, NoDay
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import OpenQuestion
from kettrack.privacy.identifying_people import may_be_shown
from kettrack.vocabulary.outside_codes import ScoreCode

NO_QUESTIONS: Final = "none of its questions is of a scale that kettrack knows"
OTHER_NUMBERS: Final = (
    "the numbers of its questions do not begin with the first question, so nobody can tell which"
    " question is which"
)
OTHER_QUESTION: Final = "a question of no scale that kettrack knows"
TWO_ANSWERS: Final = "two different answers to one question"
_POINTS: Final = "points"
_POINTS_FROM_ONE: Final = "one more than the points"
_BARE: Final[Mapping[str, float]] = {_POINTS: 0.0, _POINTS_FROM_ONE: -1.0}
_CONTAINED: Final = msgspec.json.Decoder(Questionnaire)
ResponseNumbers = dict[ScoreCode, float]


@dataclass(slots=True)
class ResponseReader:
    """Reads responses.

    Parameters
    ----------
    notes, status, clock
        Shared by all records of the source.
    answers : mapping
        `form.NAME` says of which scale a form is; `answer_codes.NAME` what answers mean whose code
        is a bare number.
    forms : mapping
        Address or id of a form to what its definition says.
    """

    notes: FhirNotes
    status: StatusReader
    clock: ClinicClock
    answers: Answers
    forms: Mapping[str, FormKey]
    _asked: set[str] = field(default_factory=set)

    def read(self, origin: RecordOrigin, one: QuestionnaireResponse) -> list[ScorePart]:
        """What a response says, scale by scale; what makes no row is said."""
        questions = list(_answered(one.item))
        form = self._form(one)
        columns = self._columns(origin, one, questions, form)
        if not columns:
            return []
        standing = self.status.standing(origin, one.status)
        if standing is None:
            return []
        try:
            pointer = pointer_to(one.subject, one.contained)
            moment = self.clock.moment(one.authored)
        except (NoPerson, NoDay) as reason:
            self.notes.whole(origin, "refused", str(reason))
            return []
        name = _last_part(one.questionnaire)
        key = AnswerKey(
            form.options, _BARE.get(self.answers.get(f"answer_codes.{name}", ""))
        )
        found = self._numbers(origin, questions, columns, key, name)
        # One record may hold several scales, as an intake form does.
        parts = [
            ScorePart(origin, pointer, moment, scale, cells, standing.mends)
            for scale, cells in _by_scale(found).items()
        ]
        if not parts:
            self.notes.whole(origin, "refused", "none of its answers can be read")
        return parts

    def _columns(
        self,
        origin: RecordOrigin,
        one: QuestionnaireResponse,
        questions: Sequence[ResponseItem],
        form: FormKey,
    ) -> dict[int, ScoreCode | None]:
        """What each question is, by the number of its object: a form may ask under one link twice.
        Empty where nobody can tell, which is then said.
        """
        name = _last_part(one.questionnaire)
        instrument = (
            self.answers.get(f"form.{name}", "")
            or form.instrument
            or scale_in_name(one.questionnaire)
        )
        columns = {
            id(item): form.columns.get(item.link_id)
            or column_of_link(item.link_id, instrument)
            for item in questions
        }
        if not any(columns.values()):
            self._ask_scale(name, bool(questions))
            self.notes.whole(origin, "dropped", NO_QUESTIONS)
            return {}
        # A code in the form needs no number in its link.
        links = {item.link_id for item in questions} - form.columns.keys()
        if counted_otherwise(links, instrument):
            self.notes.whole(origin, "refused", OTHER_NUMBERS)
            return {}
        return columns

    def _form(self, one: QuestionnaireResponse) -> FormKey:
        name = one.questionnaire
        if name.startswith("#"):
            for raw in one.contained:
                with suppress(msgspec.DecodeError):
                    inside = decoded(_CONTAINED, raw)
                    if f"#{inside.id}" == name:
                        return form_of(inside)
            return NO_FORM
        # An address may end in the version of the form.
        address = name.partition("|")[0]
        return self.forms.get(address) or self.forms.get(_last_part(name)) or NO_FORM

    def _numbers(
        self,
        origin: RecordOrigin,
        questions: Iterable[ResponseItem],
        columns: Mapping[int, ScoreCode | None],
        key: AnswerKey,
        name: str,
    ) -> ResponseNumbers:
        found: ResponseNumbers = {}
        twice: set[ScoreCode] = set()
        for item in questions:
            column = columns[id(item)]
            if column is None:
                self.notes.cell(origin, "item", "dropped", OTHER_QUESTION)
                continue
            if is_uncounted(column):
                self.notes.cell(origin, column.column, "dropped", UNCOUNTED)
                continue
            for answer in item.answer:
                number = self._number(origin, answer, item, column, key, name)
                # The same answer twice is one answer.
                if number is not None and found.setdefault(column, number) != number:
                    twice.add(column)
        for column in twice:
            del found[column]
            self.notes.cell(origin, column.column, "refused", TWO_ANSWERS)
        return found

    def _number(
        self,
        origin: RecordOrigin,
        answer: FormAnswer,
        item: ResponseItem,
        column: ScoreCode,
        key: AnswerKey,
        name: str,
    ) -> float | None:
        try:
            points = _points(answer, item.link_id, key)
            if column.column.startswith(ITEM) and points.number % 1:
                raise NoNumber(NOT_WHOLE)
        except NoNumber as reason:
            self.notes.cell(origin, column.column, "refused", str(reason))
            if str(reason) == NO_POINTS:
                self._ask_codes(name, answer)
            return None
        if points.said:
            self.notes.cell(origin, column.column, "mended", points.said)
        return points.number

    def _ask_scale(self, name: str, answered: bool) -> None:
        if not answered or not name or not may_be_shown(name):
            return
        self._ask(
            f"form.{name}",
            f"Of which scale is the form {name}? Write its name, such as PHQ-9.",
            (),
            "None of its questions says which scale it belongs to.",
        )

    def _ask_codes(self, name: str, answer: FormAnswer) -> None:
        coding = answer.value_coding
        if coding is None or not coding.code.isdigit() or not may_be_shown(name):
            return
        self._ask(
            f"answer_codes.{name}",
            f"The answers of the form {name} have bare numbers as codes. What are they?",
            tuple(_BARE),
            "A form that counts from 1 would give each answer one point too many.",
        )

    def _ask(
        self,
        key: str,
        asks: str,
        choices: tuple[str, ...],
        why: str,
    ) -> None:
        if key in self._asked:
            return
        self._asked.add(key)
        self.notes.remarks.ask(
            OpenQuestion(key=key, asks=asks, choices=choices, why=why)
        )


def _points(answer: FormAnswer, link: str, key: AnswerKey) -> AnswerPoints:
    if answer.value_coding is not None:
        return points_of([answer.value_coding], answer.extension, link, key)
    return plain_number(answer)


def _answered(items: Iterable[ResponseItem]) -> Iterator[ResponseItem]:
    """Every question with an answer, in groups and below answers too."""
    for item in items:
        if item.answer:
            yield item
        yield from _answered(item.item)
        for answer in item.answer:
            yield from _answered(answer.item)


def _by_scale(found: ResponseNumbers) -> dict[str, dict[str, float]]:
    scales: dict[str, dict[str, float]] = defaultdict(dict)
    for column, number in found.items():
        scales[column.instrument][column.column] = number
    return scales


def _last_part(address: str) -> str:
    return address.partition("|")[0].rstrip("/").rpartition("/")[2]
