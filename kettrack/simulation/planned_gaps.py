"""When the next session was planned, as written down at each session. Kept intervals come from
the process; the plan is told from them, so that how often people are late is known.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from kettrack.arrays import Bools, Floats
from kettrack.simulation.detail import Plans
from kettrack.simulation.history import SessionLog
from kettrack.vocabulary.columns import SESSIONS

# Days of the interval that is planned at a session after which nobody came, in a first course.
_USUAL_GAP: Final = 4.0
# Among many thousands of sessions one would lie beyond it, and the clinic would not load.
_FURTHEST: Final = SESSIONS["planned_next_days"].high


def draw_planned_gaps(
    sessions: SessionLog,
    numbers: Plans,
    rng: np.random.Generator,
) -> Floats:
    """Days to the next session as planned at each one; missing where nobody wrote it down.

    Parameters
    ----------
    sessions : SessionLog
        Who, when and which number.
    numbers : Plans
        How often people come late or early.
    rng : numpy.random.Generator
        Stream of the sessions, after everything else that is drawn from it.
    """
    n = len(sessions.day)
    day = sessions.day.astype(np.float64)
    # The log may hold the sessions of a day before those of a person.
    order = np.lexsort((day, sessions.who))
    who = sessions.who[order]
    other = who[1:] != who[:-1]
    gap = np.append(np.diff(day[order]), np.nan)
    # The last session of a person is followed by nothing, not by the next person.
    last = np.append(other, True)
    gap[last] = np.nan
    first = np.append(True, other)
    planned = np.where(
        last,
        _before(gap, first),
        gap,
    )
    late = rng.random(n) < numbers.late
    early = rng.random(n) < numbers.early
    # A share of the interval, so that a month is missed by more days than a week.
    by = rng.uniform(*numbers.off, n) * planned
    moved = np.select(
        [last, late, early],
        [0.0, -by, by],
        0.0,
    )
    days = np.round(planned + moved)
    # Nobody plans the next session for the same day, or beyond what the reader takes.
    days = np.clip(
        days,
        1.0,
        _FURTHEST,
    )
    written = rng.random(n) < numbers.written
    found = np.full(n, np.nan)
    found[order] = np.where(
        written,
        days,
        np.nan,
    )
    return found


def _before(
    gap: Floats,
    first: Bools,
) -> Floats:
    """The interval that led to each session; the usual one at a person's first."""
    earlier = np.append(np.nan, gap[:-1])
    return np.where(
        first,
        _USUAL_GAP,
        earlier,
    )
