"""Which questions can be answered by group: how people leave, and when groups are compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import pandas as pd

from kettrack.analysis.durability.counts import exits as durability_exits
from kettrack.analysis.durability.counts import watch
from kettrack.analysis.response.exits import CAUSES, first_course_exits
from kettrack.analysis.response.futility_counts import LITTLE_PERCENT, later_exits
from kettrack.analysis.subgroups.groups import EARLY_SESSION
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import DAYS_IN_WEEK

# After how many sessions going on is compared: half of the usual course, where clinics review.
GOING_ON_AFTER: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitQuestion:
    """A question that can be split: how people leave, when to look, and what the share is called.

    Parameters
    ----------
    exits : callable
        DerivedCohort to a frame with `step` (1, 2, ...; 0 = never at risk) and `cause` (1 = the
        event), by `patient_id`.
    n_causes : int
        Number of causes.
    times : tuple of int
        Steps at which groups are compared.
    event : str
        What had happened, in words.
    unit : str
        Of a step.
    when : str
        A step in words, with `{}` for its number.
    among : str
        Of whom; empty = of everyone who started.
    after_landmark : bool
        Whether the clock runs in sessions, so that early response splits only those still without
        the event at its landmark.
    course_over : bool
        Whether the clock starts at the end of the planned course.
    """

    exits: Callable[[DerivedCohort], pd.DataFrame]
    n_causes: int
    times: tuple[int, ...]
    event: str
    unit: str = "session"
    when: str = "session {}"
    among: str = ""
    after_landmark: bool = True
    course_over: bool = False

    def at_time(self, step: object) -> str:
        """A step, or several, in words."""
        return self.when.format(step)

    def landmark(self, by: str) -> int:
        """Session at which the clock of the groups starts; 0 for groups known at the start."""
        return EARLY_SESSION if by == "early_response" and self.after_landmark else 0


def _course_exits(cohort: DerivedCohort, event: str) -> pd.DataFrame:
    """First response or remission by session of the first course."""
    return first_course_exits(cohort, event).set_index("patient_id")


def _losses(cohort: DerivedCohort) -> pd.DataFrame:
    """Confirmed loss by day since the end of the planned course, sessions ignored."""
    # The first is by the rule in force; the others are variants of it.
    watched = watch(cohort, "end_of_course")[0]
    exits = durability_exits(watched, "treatment_policy")
    return exits.rename(columns={"time": "step"})


def _later_responses(cohort: DerivedCohort) -> pd.DataFrame:
    """Confirmed response of those who had hardly improved and went on, by sessions since."""
    return later_exits(cohort, GOING_ON_AFTER)


# Times are those that the tables and the first page name too.
SPLIT_QUESTIONS: Final = {
    "response_by_session": SplitQuestion(
        exits=partial(_course_exits, event="response"),
        n_causes=len(CAUSES),
        times=(2, 4, 6, 8),
        event="responded",
    ),
    "remission_by_session": SplitQuestion(
        exits=partial(_course_exits, event="remission"),
        n_causes=len(CAUSES),
        times=(2, 4, 6, 8),
        event="remitted",
    ),
    "should_we_go_on": SplitQuestion(
        exits=_later_responses,
        n_causes=len(CAUSES),
        times=(2, 3),
        event="responded later",
        unit=f"session after session {GOING_ON_AFTER}",
        when=f"{{}} sessions after session {GOING_ON_AFTER}",
        among=(
            f"people who had improved by less than {LITTLE_PERCENT} % after session"
            f" {GOING_ON_AFTER} and went on"
        ),
        after_landmark=False,
    ),
    "durability": SplitQuestion(
        exits=_losses,
        n_causes=1,
        times=(4 * DAYS_IN_WEEK, 8 * DAYS_IN_WEEK),
        event="lost the response",
        unit="day",
        when="day {}",
        among="people who were responding at the end of the planned course",
        after_landmark=False,
        course_over=True,
    ),
}
