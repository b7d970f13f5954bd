"""First response, its loss, and the score after a decision, read off a simulated history.

Everything is counted plainly, apart from the code that is later tested on it: the two share no
function. The lengths of time are those of the shipped truths, and no setting changes them.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from kettrack.arrays import Bools, Floats, Ints
from kettrack.simulation.history import History
from kettrack.simulation.process import AFTER
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS, DAYS_IN_WEEK

AFTER_SESSION_DAYS: Final = 14  # a score belongs to a session for so long
CONFIRMED_WITHIN: Final = (7, 60)  # days between the two scores that prove a loss
RECENT_DAYS: Final = 14  # a decision counts when the last score is no older
OUTCOME_DAYS: Final = 14  # the outcome is the first score of so many days
CASE: Final = 10  # a baseline below it is not rated; `PHQ9.caseness`
_PATIENT: Final = 100_000  # width of a patient's block of sort keys
_NEVER: Final = (
    1_000  # days since a session that has not come, and a day that does not come
)


# ---- response and its loss


def weekly_scores(history: History) -> Floats:
    """Scores of a weekly scenario.

    Parameters
    ----------
    history : History
        Scored once a week.

    Returns
    -------
    array of float, shape (patients, weeks)
        The screening score first, then one from day 0 on every week; missing where none was taken.
    """
    log = history.scores
    weeks = history.parameters.last_day // DAYS_IN_WEEK + 2
    table = np.full((history.people.n, weeks), np.nan)
    # the screening score lies in the week before day 0, which floor division numbers -1
    table[log.who, log.day // DAYS_IN_WEEK + 1] = log.score
    return table


def _sessions_before(history: History) -> tuple[Ints, Ints]:
    """For each score the number of sessions before it, and the days since the last of them; a score
    after a session of the same day counts that session.
    """
    sessions = history.sessions
    scores = history.scores
    # One number orders everything: a block per patient, in it two places per day. Sessions take the
    # odd places, so a score before the session of its day (even) lies below it, and one after it
    # (even, one day on) above.
    keys = np.sort(sessions.who * _PATIENT + 2 * sessions.day + 1)
    block = scores.who * _PATIENT
    at = (
        block
        + 2 * scores.day
        + np.where(
            scores.timing == AFTER,
            2,
            0,
        )
    )
    before = np.searchsorted(keys, at)
    number = before - np.searchsorted(keys, block)
    last = keys[np.maximum(before - 1, 0)]
    last_day = (last % _PATIENT - 1) // 2
    return number, np.where(
        number > 0,
        scores.day - last_day,
        _NEVER,
    )


def baselines(history: History) -> Floats:
    """Last score of the baseline window; missing where there is none."""
    scores = history.scores
    number, _ = _sessions_before(history)
    fits = (number == 0) & (scores.day >= -BASELINE_WINDOW_DAYS)
    found = np.full(history.people.n, np.nan)
    # the log is in order of days: the last one written stays
    found[scores.who[fits]] = scores.score[fits]
    return found


def is_rated(history: History) -> Bools:
    """Who has a baseline, and one that is a case."""
    return np.nan_to_num(baselines(history)) >= CASE


def first_responses(history: History) -> Ints:
    """Number of the session after which each patient first scored at most half of baseline, within
    14 days; 0 = never.
    """
    scores = history.scores
    number, since = _sessions_before(history)
    half = 0.5 * baselines(history)[scores.who]
    in_time = (number > 0) & (since <= AFTER_SESSION_DAYS)
    responds = in_time & (scores.score <= half)
    first = np.full(history.people.n, _NEVER)
    np.minimum.at(
        first,
        scores.who[responds],
        number[responds],
    )
    return np.where(
        first == _NEVER,
        0,
        first,
    )


def confirmed_losses(
    history: History,
    planned: int,
    confirmed: bool = True,
) -> Floats:
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
    end = _course_ends(history, planned)
    since = scores.day - end[scores.who]
    # by patient and day: the next row of a patient is the next score
    order = np.lexsort((since, scores.who))
    who = scores.who[order]
    since = since[order]
    number = _sessions_before(history)[0][order]
    above = scores.score[order] > 0.5 * baselines(history)[who]
    after = (number >= planned) & (since >= 0)
    responds = after & ~above & (since <= AFTER_SESSION_DAYS)
    origin = np.full(history.people.n, np.inf)
    np.minimum.at(
        origin,
        who[responds],
        since[responds].astype(float),
    )
    proved = (
        _next_score_agrees(
            who,
            since,
            above,
        )
        if confirmed
        else above
    )
    lost = after & above & proved & (since > origin[who])
    responded = np.isfinite(origin)
    loss = np.where(
        responded,
        np.inf,
        np.nan,
    )
    np.fmin.at(
        loss,
        who[lost],
        since[lost].astype(float),
    )
    return np.where(
        responded,
        loss,
        np.nan,
    )


def _course_ends(
    history: History,
    planned: int,
) -> Ints:
    """Day of the last session of the planned course; far out for those who did not get there."""
    sessions = history.sessions
    end = np.full(history.people.n, _NEVER)
    at = sessions.number == planned
    end[sessions.who[at]] = sessions.day[at]
    return end


def _next_score_agrees(
    who: Ints,
    since: Ints,
    above: Bools,
) -> Bools:
    """Whether the next score of the same patient also lies above, 7-60 days on; scores are sorted
    by patient and day.
    """
    gap = np.diff(since)
    earliest, latest = CONFIRMED_WITHIN
    in_time = (gap >= earliest) & (gap <= latest)
    agrees = (np.diff(who) == 0) & in_time & above[1:]
    # the last score of all has no next one
    return np.append(agrees, False)


# ---- scores around a decision


def decision_days(
    history: History,
    at: Ints,
) -> Floats:
    """Day of session number `at` of each patient; missing where it did not come."""
    log = history.sessions
    here = log.number == at[log.who]
    found = np.full(history.people.n, np.nan)
    found[log.who[here]] = log.day[here]
    return found


def has_recent_score(
    history: History,
    day: Floats,
) -> Bools:
    """Whether each patient was scored in the two weeks up to a day, that day among them."""
    log = history.scores
    age = day[log.who] - log.day
    recent = (age >= 0) & (age <= RECENT_DAYS)
    found = np.zeros(history.people.n, dtype=bool)
    found[log.who[recent]] = True
    return found


def scores_from(
    history: History,
    day: Floats,
) -> Floats:
    """First score of each patient from a day on, at most two weeks later; on that day itself, one
    before a session of the day does not count. Missing without one.
    """
    log = history.scores
    sessions = history.sessions
    treated = np.zeros(history.people.n, dtype=bool)
    treated[sessions.who[sessions.day == day[sessions.who]]] = True
    since = log.day - day[log.who]
    before_session = (since == 0) & treated[log.who] & (log.timing != AFTER)
    counts = (since >= 0) & (since <= OUTCOME_DAYS) & ~before_session
    # the log is in order of days; assigned from the back, the first stays
    rows = np.flatnonzero(counts)[::-1]
    found = np.full(history.people.n, np.nan)
    found[log.who[rows]] = log.score[rows]
    return found
