"""First response and its loss in a simulated history, plainly counted: apart from the code that is
later tested on it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from kettrack.arrays import Bools, Floats, Ints
from kettrack.simulation.habits import DAYS_PER_WEEK
from kettrack.simulation.history import History
from kettrack.simulation.scoring import AFTER

BASELINE_DAYS: Final = 30
AFTER_SESSION_DAYS: Final = 14  # a score belongs to a session for so long
CONFIRMED_WITHIN: Final = (7, 60)  # days between the two scores that prove a loss
CASE: Final = 10
_PATIENT: Final = 100_000  # width of a patient's block of sort keys
_LONG_AGO: Final = -1_000  # day


def weekly_scores(history: History) -> Floats:
    """Scores of a weekly scenario, patients × weeks: the first is the screening score, then one
    from day 0 on every week.
    """
    log = history.scores
    table = np.full(
        (history.people.n, history.parameters.last_day // DAYS_PER_WEEK + 2), np.nan
    )
    table[log.who, log.day // DAYS_PER_WEEK + 1] = log.score
    return table


def _places(history: History) -> tuple[Ints, Ints]:
    """For each score the number of sessions before it, and the days since the last of them; a score
    after a session of the same day counts that session."""
    sessions = history.sessions
    scores = history.scores
    keys = np.sort(sessions.who * _PATIENT + 2 * sessions.day + 1)
    at = scores.who * _PATIENT + 2 * scores.day + np.where(scores.timing == AFTER, 2, 0)
    before = np.searchsorted(keys, at)
    number = before - np.searchsorted(keys, scores.who * _PATIENT)
    last = (keys[np.maximum(before - 1, 0)] % _PATIENT - 1) // 2
    return number, np.where(number > 0, scores.day - last, -_LONG_AGO)


def baselines(history: History) -> Floats:
    """Last score of the 30 days up to session 1; missing where there is none."""
    scores = history.scores
    number, _ = _places(history)
    fits = (number == 0) & (scores.day >= -BASELINE_DAYS)
    found = np.full(history.people.n, np.nan)
    found[scores.who[fits]] = scores.score[fits]  # the log is in order of days
    return found


def rated(history: History) -> Bools:
    """Who has a baseline, and one that is a case."""
    return np.nan_to_num(baselines(history)) >= CASE


def first_responses(history: History) -> Ints:
    """Number of the session after which each patient first scored at most half of baseline, within
    14 days; 0 = never.
    """
    scores = history.scores
    number, since = _places(history)
    half = 0.5 * baselines(history)[scores.who]
    responds = (number > 0) & (since <= AFTER_SESSION_DAYS) & (scores.score <= half)
    never = np.iinfo(np.int64).max
    first = np.full(history.people.n, never)
    np.minimum.at(first, scores.who[responds], number[responds])
    return np.where(first == never, 0, first)


def confirmed_losses(history: History, planned: int, confirmed: bool = True) -> Floats:
    """Days from the end of the planned course to the loss of response, of those who completed it
    and responded.

    Parameters
    ----------
    history : History
        Scored every week, without sessions after the planned course.
    planned : int
        Sessions of the planned course.
    confirmed : bool
        Whether a second score 7-60 days later must agree, none in between having said otherwise;
        dated at the first.

    Returns
    -------
    array of float
        One per patient: missing for those who stopped earlier or had no score at most half of
        baseline from the end of the course to 14 days later, infinite where no loss was seen after
        the first such score.
    """
    scores = history.scores
    n = history.people.n
    end = _course_end(history, planned)
    since = scores.day - end[scores.who]
    order = np.lexsort((since, scores.who))
    who = scores.who[order]
    since = since[order]
    number = _places(history)[0][order]
    above = scores.score[order] > 0.5 * baselines(history)[who]
    after = (number >= planned) & (since >= 0)
    origin = np.full(n, np.inf)
    starts = after & ~above & (since <= AFTER_SESSION_DAYS)
    np.minimum.at(origin, who[starts], since[starts].astype(float))
    lost = (
        after
        & above
        & (since > origin[who])
        & (_agrees(who, since, above) if confirmed else True)
    )
    loss = np.where(np.isinf(origin), np.nan, np.inf)
    np.fmin.at(loss, who[lost], since[lost].astype(float))
    return np.where(np.isinf(origin), np.nan, loss)


def _course_end(history: History, planned: int) -> Ints:
    """Day of the last session of the planned course; far out for those who did not get there."""
    sessions = history.sessions
    end = np.full(history.people.n, -_LONG_AGO)
    at = sessions.number == planned
    end[sessions.who[at]] = sessions.day[at]
    return end


def _agrees(who: Ints, since: Ints, above: Bools) -> Bools:
    """Whether the next score of the same patient also lies above, 7-60 days on; scores are sorted
    by patient and day.
    """
    gap = np.diff(since)
    next_agrees = (
        (np.diff(who) == 0)
        & above[1:]
        & (gap >= CONFIRMED_WITHIN[0])
        & (gap <= CONFIRMED_WITHIN[1])
    )
    return np.append(next_agrees, False)
