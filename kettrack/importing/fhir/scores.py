"""Parts of one form on one day to one row: a total, its answers and the response they came from are
often records of their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date, time
from typing import Final, NamedTuple

import numpy as np

from kettrack.importing.fhir.codes import ITEM, SCORE
from kettrack.importing.fhir.notes import FhirNotes, RecordOrigin
from kettrack.importing.fhir.people import KnownPatients, Pointer
from kettrack.importing.fhir.times import ClinicMoment
from kettrack.importing.fhir.treatments import FhirSession
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import Action, OpenQuestion, Remarks
from kettrack.vocabulary.instruments import GAD7, INSTRUMENTS, PHQ9
from kettrack.vocabulary.totals import total_from_items

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
_TIMES_KEY: Final = "score_times"
ANSWERED: Final = "when the person answered"
SAVED: Final = "when it was saved"


@dataclass(slots=True)
class ScorePart:
    """What one record says.

    Parameters
    ----------
    origin : RecordOrigin
        Where it stands.
    pointer : str or PatientNumber
        The patient, as the record points at one.
    moment : ClinicMoment
        When it was answered.
    instrument : str
        Name of the scale.
    cells : dict
        `score` and `item_n` to their numbers.
    mends : bool
        Whether it replaces an earlier record.
    joined : list of RecordOrigin
        Records whose numbers have been put into this one.
    total : float or None
        What its answers make; None where an answer is missing.
    timing : str
        `before` or `after` a session of the day; empty where nobody can tell.
    """

    origin: RecordOrigin
    pointer: Pointer
    moment: ClinicMoment
    instrument: str
    cells: dict[str, float]
    mends: bool = False
    joined: list[RecordOrigin] = field(default_factory=list)
    total: float | None = None
    timing: str = ""

    @property
    def contradicts_itself(self) -> bool:
        """Whether its stated total is not that of its answers."""
        stated = self.cells.get(SCORE)
        if stated is None or self.total is None:
            return False
        return stated != self.total

    @property
    def answered(self) -> Set[str]:
        """The questions that it answers."""
        return self.cells.keys() - {SCORE}

    def agrees_with(self, other: ScorePart) -> bool:
        """Whether both can be of one form: no number of theirs differs."""
        # What only one of them has cannot differ.
        for name, number in other.cells.items():
            if self.cells.get(name, number) != number:
                return False
        stated = self.cells.get(SCORE, other.cells.get(SCORE))
        # Of one time they are one form, and its total is then not that of its answers.
        if stated is None or self.moment == other.moment:
            return True
        total = self._total_with(other)
        return total is None or stated == total

    def take_in(self, other: ScorePart) -> None:
        """Put the numbers of another part of the same form beside the own ones."""
        self.total = self._total_with(other)
        self.cells |= other.cells
        self.joined += [other.origin, *other.joined]
        self.mends |= other.mends

    def _total_with(self, other: ScorePart) -> float | None:
        own = self.answered
        others = other.answered
        # A total beside its answers is the common case, and adds no answer.
        if others <= own:
            return self.total
        if own <= others:
            return other.total
        together = self.cells | other.cells
        (total,) = _totals(self.instrument, [together])
        return total


def with_totals(parts: Iterable[ScorePart]) -> None:
    """Work out the totals that the answers of parts make, all of one scale at once."""
    by_scale: dict[str, list[ScorePart]] = {}
    for part in parts:
        scale = by_scale.setdefault(part.instrument, [])
        scale.append(part)
    # A call for each form would take most of the time of a large export.
    for instrument, several in by_scale.items():
        totals = _totals(
            instrument,
            [part.cells for part in several],
        )
        for part, total in zip(several, totals, strict=True):
            part.total = total


def _totals(
    instrument: str,
    forms: Sequence[Mapping[str, float]],
) -> list[float | None]:
    scale = INSTRUMENTS.get(instrument)
    # A scale of the clinic's own has its rule in kettrack.toml, which is not read here.
    if scale is None or not scale.n_items:
        return [None] * len(forms)
    names = [f"{ITEM}{number}" for number in range(1, scale.n_items + 1)]
    answers = [
        [
            cells.get(name, np.nan)  # not answered
            for name in names
        ]
        for cells in forms
    ]
    totals = total_from_items(scale, np.array(answers))
    return [_or_none(total) for total in totals.tolist()]


def _or_none(total: float) -> float | None:
    return None if np.isnan(total) else total


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


# The time of a form may be that at which somebody typed it in. A form from the waiting room would
# then count as one from after the session, and nobody would have a baseline. So a person is
# asked.
def set_timing(
    parts: Iterable[ScorePart],
    sessions: Iterable[FhirSession],
    people: KnownPatients,
    answers: Answers,
    remarks: Remarks,
) -> None:
    """Give scores of session days their timing, or ask what their times mean.

    Parameters
    ----------
    parts : iterable of ScorePart
        What records say of scores.
    sessions : iterable of FhirSession
        All sessions.
    people : KnownPatients
        Knows the patients.
    answers : mapping
        `score_times` says what the time of a score is.
    remarks : Remarks
        Takes the question.
    """
    begins = _beginnings(sessions, people)
    # A time of saving says nothing of the session.
    if answers.get(_TIMES_KEY) == SAVED:
        return
    for part in parts:
        clock = part.moment.clock
        begin = begins.get((people.id_of(part.pointer), part.moment.day))
        if clock is None or begin is None:
            continue
        late = clock > begin
        if answers.get(_TIMES_KEY) == ANSWERED:
            part.timing = "after" if late else "before"
        elif late:
            # A score of unknown timing counts as one from before the session.
            remarks.ask(_QUESTION)
            return


def _beginnings(
    sessions: Iterable[FhirSession],
    people: KnownPatients,
) -> dict[tuple[str, date], time]:
    """When the first session of a patient's day began."""
    begins: dict[tuple[str, date], time] = {}
    for one in sessions:
        clock = one.moment.clock
        if clock is None:
            continue
        # A second session of the day comes later, so the first one decides.
        day = (people.id_of(one.pointer), one.moment.day)
        begins[day] = min(clock, begins.get(day, clock))
    return begins


_QUESTION: Final = OpenQuestion(
    key=_TIMES_KEY,
    asks=(
        "Some scores have a time after the session of their day had begun. What is the time of a"
        " score?"
    ),
    choices=(ANSWERED, SAVED),
    why="A score from before the first session is a baseline; one from after it is not.",
)
