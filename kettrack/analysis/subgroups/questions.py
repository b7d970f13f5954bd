"""Questions that can be answered by group: how people leave, when groups are compared, and how it
is said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pandas as pd

from kettrack.analysis.durability.counts import exits as durability_exits
from kettrack.analysis.durability.counts import watch
from kettrack.analysis.response.exits import CAUSES, first_course_exits
from kettrack.analysis.response.futility_counts import later_exits
from kettrack.timelines.derived import DerivedCohort


@dataclass(frozen=True, slots=True)
class Question:
    """What is compared: how people leave, when to look, and what the cumulative share is called.

    Parameters
    ----------
    exits : callable
        DerivedCohort to a frame with `step` (1, 2, ...; 0 = never at risk) and `cause` (1 = the event), by
        `patient_id`.
    n_causes : int
        Number of causes.
    at : tuple of int
        Steps at which groups are compared.
    unit, event : str
        Of a step, and what had happened, in words.
    after_landmark : bool
        Whether the clock runs in sessions, so that early response splits only those still without
        the event at its landmark.
    when : str
        A step in words, with `{}` for its number; empty = the unit and the number.
    """

    exits: Callable[[DerivedCohort], pd.DataFrame]
    n_causes: int
    at: tuple[int, ...]
    unit: str
    event: str
    after_landmark: bool = True
    when: str = ""

    def at_time(self, step: object) -> str:
        """A step, or several, in words."""
        return (self.when or f"{self.unit} {{}}").format(step)


def _first_course(event: str) -> Callable[[DerivedCohort], pd.DataFrame]:
    return lambda cohort: first_course_exits(cohort, event).set_index("patient_id")


def _losses(cohort: DerivedCohort) -> pd.DataFrame:
    """Confirmed loss by day since the end of the planned course, sessions ignored."""
    return durability_exits(
        watch(cohort, "end_of_course")[0], "treatment_policy"
    ).rename(columns={"time": "step"})


def _later(cohort: DerivedCohort) -> pd.DataFrame:
    """Confirmed response of those below 20 % improvement after session 3 who went on, by sessions
    since.
    """
    return later_exits(cohort, GOING_ON_AFTER)


GOING_ON_AFTER: Final = 3
QUESTIONS: Final = {
    "response_by_session": Question(
        _first_course("response"), len(CAUSES), (2, 4, 6, 8), "session", "responded"
    ),
    "remission_by_session": Question(
        _first_course("remission"), len(CAUSES), (2, 4, 6, 8), "session", "remitted"
    ),
    "should_we_go_on": Question(
        _later,
        len(CAUSES),
        (2, 3),
        "session after session 3",
        "responded later, having improved less than 20 % by session 3 and gone on,",
        after_landmark=False,
        when="{} sessions after session 3",
    ),
    "durability": Question(
        _losses, 1, (28, 56), "day", "lost the response", after_landmark=False
    ),
}
