"""The score some weeks after a forced decision, plainly counted: apart from the code that is later
tested on it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from kettrack.arrays import Bools, Floats, Ints
from kettrack.simulation.history import History
from kettrack.simulation.scoring import AFTER

FRESH_DAYS: Final = 14  # a decision counts when the last score is no older
OUTCOME_DAYS: Final = 14  # the outcome is the first score of so many days


def decision_days(history: History, at: Ints) -> Floats:
    """Day of session number `at` of each patient; missing where it did not come."""
    log = history.sessions
    here = log.number == at[log.who]
    found = np.full(history.people.n, np.nan)
    found[log.who[here]] = log.day[here]
    return found


def known_by(history: History, day: Floats) -> Bools:
    """Whether each patient was scored in the two weeks up to a day, that day among them."""
    log = history.scores
    age = day[log.who] - log.day
    seen = np.zeros(history.people.n, dtype=bool)
    seen[log.who[(age >= 0) & (age <= FRESH_DAYS)]] = True
    return seen


def scores_from(history: History, day: Floats) -> Floats:
    """First score of each patient from a day on, at most two weeks later; on that day itself, one
    before a session of the day does not count. Missing without one."""
    log = history.scores
    sessions = history.sessions
    treated = np.zeros(history.people.n, dtype=bool)
    treated[sessions.who[sessions.day == day[sessions.who]]] = True
    since = log.day - day[log.who]
    counts = (since >= 0) & (since <= OUTCOME_DAYS)
    counts &= ~((since == 0) & treated[log.who] & (log.timing != AFTER))
    # the log is in order of days; assigned from the back, the first stays
    rows = np.flatnonzero(counts)[::-1]
    found = np.full(history.people.n, np.nan)
    found[log.who[rows]] = log.score[rows]
    return found
