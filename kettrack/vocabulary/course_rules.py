"""When a series of sessions is an induction, and how long a course without a plan is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# Where no plan is recorded, durability looks from the end of the usual induction: kettrack's own
# convention.
SESSIONS_WITHOUT_PLAN: Final = 6


@dataclass(frozen=True, slots=True)
class CourseRules:
    """When a series of sessions is an induction.

    The default extends McInnes 2022 (4-8 infusions within 7-28 days) to clinics that give 2-3
    sessions a week for 2-3 weeks, up to 12, before the intervals stretch.

    Parameters
    ----------
    series_gap_days : int
        Sessions at most this far apart belong to one series.
    induction_sessions : int
        A series is induction up to this number; what follows in it is maintenance.
    stretch_after_sessions : int
        From this many sessions on, the first series also ends where its pace slackens for good:
        twice a week becoming weekly, but not one late session.
    stretch_gap_days : int
        The pace slackens for good when two gaps in a row are at least so long,
    stretch_factor : float
        and the first of them is at least so many times the mean gap so far.
    reinduction_sessions : int
        A later series of at least this many sessions can be a re-induction; a smaller one is
        maintenance.
    reinduction_pause_days : int
        A series of that many sessions is a re-induction when it begins at least so long after the
        session before it.
    """

    series_gap_days: int = 10
    induction_sessions: int = 12
    stretch_after_sessions: int = 4
    stretch_gap_days: int = 7
    stretch_factor: float = 1.5
    reinduction_sessions: int = 3
    reinduction_pause_days: int = 28
