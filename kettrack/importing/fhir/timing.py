"""Whether a score of a session day was taken before or after the session, where times can tell.

The time of a form may be that at which somebody typed it in. A form from the waiting room would
then count as one from after the session, and nobody would have a baseline. So a person is asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, time
from typing import Final

from kettrack.importing.fhir.parts import ScorePart
from kettrack.importing.fhir.people import KnownPatients
from kettrack.importing.fhir.treatments import FhirSession
from kettrack.importing.registry import Answers
from kettrack.importing.remarks import OpenQuestion, Remarks

KEY: Final = "score_times"
ANSWERED: Final = "when the person answered"
SAVED: Final = "when it was saved"


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
    if answers.get(KEY) == SAVED:
        return
    for part in parts:
        clock = part.moment.clock
        begin = begins.get((people.id_of(part.pointer), part.moment.day))
        if clock is None or begin is None:
            continue
        late = clock > begin
        if answers.get(KEY) == ANSWERED:
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
    key=KEY,
    asks=(
        "Some scores have a time after the session of their day had begun. What is the time of a"
        " score?"
    ),
    choices=(ANSWERED, SAVED),
    why="A score from before the first session is a baseline; one from after it is not.",
)
