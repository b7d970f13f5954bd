"""What is taken out of the clinic's hands when a truth is found: how many sessions, one decision, a
rule that ends them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kettrack.arrays import Ints
from kettrack.simulation.habits import DAYS_PER_WEEK

GRACE: Final = 28  # days without a session after which a course counts as stopped


@dataclass(frozen=True, slots=True)
class Fork:
    """One decision: what happens after a person's session number `at`; before it, and once `within`
    days are over, the clinic decides.

    Parameters
    ----------
    at : array of int, one per patient
        Number of the session after which it is decided.
    goes_on : bool
        Whether the next session comes within so many days, or none does. Those kept from one stop
        or only delay, in the shares in which the clinic's people do.
    within : int
        Days.
    """

    at: Ints
    goes_on: bool
    within: int = DAYS_PER_WEEK


@dataclass(frozen=True, slots=True)
class AtMost:
    """So many sessions at most, and an end once two scores in a row, at least a week apart, show
    remission.

    Until then nobody stops. Of sessions after those scores one may come within a week, where the
    clinic's people would have come. For scenarios that score on the days of sessions.
    """

    sessions: int


@dataclass(frozen=True, slots=True)
class UsualCareAfter:
    """So many sessions for everybody, none for the grace after them, and from then on whatever the
    clinic does.
    """

    sessions: int
    grace: int = GRACE


# so many sessions and no more; ...; the clinic decides
Regime = int | Fork | AtMost | UsualCareAfter | None
