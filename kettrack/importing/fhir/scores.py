"""Parts of one form on one day to one row: a total, its answers and the response they came from are
often records of their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Final, NamedTuple

from kettrack.importing.fhir.codes import ITEM, SCORE
from kettrack.importing.fhir.notes import FhirNotes
from kettrack.importing.fhir.parts import ScorePart, with_totals
from kettrack.importing.fhir.people import KnownPatients
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import Action, OpenQuestion
from kettrack.vocabulary.instruments import GAD7, PHQ9

TWICE: Final = "another record of the same patient, scale and day says the same"
TO_ONE_ROW: Final = "records of the same patient, scale and day; they make one row"
MENDED: Final = "an amended record of the same patient, scale and day replaces it"
SEVERAL: Final = "other numbers of the same patient, scale and day stand elsewhere"
NOT_CHOSEN: Final = "another record of the same day was chosen"
CONTRADICTS: Final = "its total is not that of its answers"
FROM_ITEMS: Final = "its total is not that of its answers; the answers count"
FROM_TOTAL: Final = "its total is not that of its answers; the total counts"
_FIRST: Final = "first"
_LAST: Final = "last"
_BY_ITEMS: Final = "answers"
_BY_TOTAL: Final = "total"
_END: Final = time.max
# Scale to the short form that is its first two questions, asked in many screening forms.
SHORT_FORMS: Final[Mapping[str, str]] = {
    PHQ9.name: "PHQ-2",
    GAD7.name: "GAD-2",
}
_OF_SHORT_FORMS: Final = {f"{ITEM}1", f"{ITEM}2"}
_RESPONSE: Final = "QuestionnaireResponse"


class _OneRow(NamedTuple):
    patient: str
    instrument: str
    day: date
    timing: str


@dataclass(slots=True)
class ScoreMerger:
    """Puts parts together.

    Parameters
    ----------
    notes : FhirNotes
        Takes what was put together, and what contradicts itself.
    answers : mapping
        `same_day.SCALE` says which of several different records of one day counts;
        `total_or_answers.SCALE` what counts where a total is not that of its answers.
    people : KnownPatients
        Knows the patients.
    """

    notes: FhirNotes
    answers: Answers
    people: KnownPatients

    def rows(self, parts: Iterable[ScorePart]) -> list[ScorePart]:
        """One part for each patient, scale and day."""
        # Not by time of day: a server stamps a form, its total and its answers apart.
        parts = list(parts)
        with_totals(parts)
        groups: dict[_OneRow, list[ScorePart]] = defaultdict(list)
        for part in parts:
            row = _OneRow(
                self.people.id_of(part.pointer),
                part.instrument,
                part.moment.day,
                part.timing,
            )
            groups[row].append(part)
        rows = []
        for group in groups.values():
            one = group[0] if len(group) == 1 else self._one_of(group)
            if one is not None and self._consistent(one):
                rows.append(one)
        return rows

    def _one_of(self, group: list[ScorePart]) -> ScorePart | None:
        merged = self._merged(group)
        if len(merged) > 1:
            merged = self._without_mended(merged)
        if len(merged) > 1:
            merged = self._chosen(merged)
        return merged[0] if merged else None

    def _merged(self, group: list[ScorePart]) -> list[ScorePart]:
        """Parts that can be of one form are put together; a response is the base of its numbers."""
        ordered = sorted(group, key=_base_first)
        forms: list[ScorePart] = []
        for part in ordered:
            into = next((one for one in forms if one.agrees_with(part)), None)
            if into is None:
                forms.append(part)
                continue
            # A total beside its answers adds something, a copy does not.
            new = part.cells.keys() - into.cells.keys()
            into.take_in(part)
            said = TO_ONE_ROW if new else TWICE
            self.notes.cell(part.origin, "", "mended", said)
        return forms

    def _without_mended(self, forms: list[ScorePart]) -> list[ScorePart]:
        mending = [one for one in forms if one.mends]
        # Of two amended records nobody knows which one is the last.
        if len(mending) != 1:
            return forms
        self._drop([one for one in forms if not one.mends], "dropped", MENDED)
        return mending

    def _chosen(self, forms: list[ScorePart]) -> list[ScorePart]:
        scale = forms[0].instrument
        clocks = {one.moment.clock for one in forms}
        question = OpenQuestion(
            key=f"same_day.{scale}",
            asks=(
                f"Some patients have different {scale} scores on one day, at different times. Which"
                " one counts?"
            ),
            choices=(_FIRST, _LAST),
            why="A day has one score of a scale. Until somebody says, none of them counts.",
        )
        choice = ""
        # Records of one time cannot be put in order, and neither can one without a time.
        if len(clocks) == len(forms) and None not in clocks:
            choice = self.notes.remarks.answer(question, self.answers)
        if not choice:
            self._drop(forms, "refused", SEVERAL)
            return []
        by_time = sorted(forms, key=_clock)
        kept = by_time[0 if choice == _FIRST else -1]
        self._drop([one for one in forms if one is not kept], "dropped", NOT_CHOSEN)
        return [kept]

    def _consistent(self, one: ScorePart) -> bool:
        short = SHORT_FORMS.get(one.instrument, "")
        # The short form borrows the codes of two questions; it is no beginning of the long one.
        if short and one.cells.keys() == _OF_SHORT_FORMS:
            self._drop([one], "dropped", f"its two answers are those of {short}")
            return False
        if not one.contradicts_itself:
            return True
        scale = one.instrument
        question = OpenQuestion(
            key=f"total_or_answers.{scale}",
            asks=f"Some {scale} totals are not those of their answers. Which counts?",
            choices=(_BY_ITEMS, _BY_TOTAL),
            why="Until somebody says, these scores are left out.",
        )
        choice = self.notes.remarks.answer(question, self.answers)
        if choice == _BY_ITEMS:
            # The reader of the cohort makes the total from the answers.
            del one.cells[SCORE]
            self.notes.cell(one.origin, SCORE, "mended", FROM_ITEMS)
            return True
        if choice == _BY_TOTAL:
            one.cells = {SCORE: one.cells[SCORE]}
            self.notes.cell(one.origin, "item", "mended", FROM_TOTAL)
            return True
        self._drop([one], "refused", CONTRADICTS)
        return False

    def _drop(self, forms: Sequence[ScorePart], action: Action, reason: str) -> None:
        """Whole forms go: the records that were put into them are said as well."""
        for one in forms:
            for origin in (one.origin, *one.joined):
                self.notes.whole(origin, action, reason)


def _base_first(part: ScorePart) -> tuple[bool, bool, time]:
    """A response before single numbers, a total before answers, then by time."""
    only_items = all(name.startswith(ITEM) for name in part.cells)
    return part.origin.kind != _RESPONSE, only_items, _clock(part)


def _clock(part: ScorePart) -> time:
    return part.moment.clock or _END
