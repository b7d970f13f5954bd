"""Parametric g-formula on a weekly grid: how scores go from week to week, and what they would be if sessions were set.

One linear model says the next score from the history and the sessions of the week. What a session does is learnt from the weeks
in which it was still open, after a week with a session and a score; how scores go by themselves from all of them. (Who stopped
long ago did so at scores that a summary of the history no longer holds: with those weeks in the comparison, sessions that do
nothing seemed to do .3 points of harm or good.) People are then sent through it week by week. Measurement error in the score
hides part of what the model needs, so contrasts come out too small (-1.02 for -1.36 where stopping is random): a second
opinion, with a check that untouched people end up where they were seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kettrack.errors import NotIdentified
from kettrack.estimators.least_squares import fit_least_squares
from kettrack.estimators.logistic import fit_logistic

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Counts = npt.NDArray[np.number]

_FEWEST = 50  # weeks with a score before and at their end
_SESSION = 2  # columns, the last ones, that say what the sessions of the week do


@dataclass(frozen=True, slots=True)
class Weeks:
    """Scores and sessions by week; a week is the days up to and with its number times seven, week 0 is day 0.

    Parameters
    ----------
    baseline : float64, shape (people,)
        Score before session 1; never missing.
    score : float64, shape (people, weeks)
        Score of weeks 0, 1, ...; missing where none was taken.
    sessions : int64, shape (people, weeks)
        Session days in each week; one in week 0.
    lowest, highest : float
        Range of the scale.
    """

    baseline: Floats
    score: Floats
    sessions: Ints
    lowest: float
    highest: float

    @property
    def carried(self) -> Floats:
        """Last score known at the end of each week; the baseline in the first column, weeks 0, 1, ... after it."""
        out = np.column_stack([self.baseline, self.score])
        for week in range(1, out.shape[1]):
            out[:, week] = np.where(np.isnan(out[:, week]), out[:, week - 1], out[:, week])
        return out


@dataclass(frozen=True, slots=True)
class WeekModels:
    """What was fitted to the weeks, once or for many replicates.

    Parameters
    ----------
    next_score : float64, shape (columns,) or (replicates, columns)
        Of the linear model.
    residuals : float64, shape (weeks with a score,)
        Observed less fitted, at the fit to everybody once.
    comes : float64, shape (columns,)
        Of the logistic model for any session in a week; it serves the natural course only, so replicates have zeros.
    number : int64, shape (weeks with a session,)
        Session days in weeks that have any.
    pace : tuple of int64 arrays
        By week, the session days of those who had any in that week or later: the clinic's own spacing.
    """

    next_score: Floats
    residuals: Floats
    comes: Floats
    number: Ints
    pace: tuple[Ints, ...]


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of everybody before a week; arrays of shape (..., people)."""

    baseline: Floats
    last: Floats
    previous: Floats
    total: Floats
    weeks: int
    before: Ints
    last_week: Ints

    def after(self, score: Floats, given: Ints) -> _Known:
        """The same a week later."""
        total = self.total + score
        return _Known(self.baseline, score, self.last, total, self.weeks + 1, self.before + given, given)

    @property
    def mean(self) -> Floats:
        """Of the baseline and every score since."""
        return self.total / (self.weeks + 1)

    def for_score(self, given: Ints, weeks: int) -> list[npt.NDArray[np.floating]]:
        """Covariates of the week's score: every week has its own intercept, what its sessions do comes last."""
        own = [np.full(self.last.shape, float(week == self.weeks)) for week in range(weeks)]
        return [*own, self.last, self.last**2 / 10, self.previous, self.mean, self.baseline, 1.0 * given,
                given * self.last / 10]  # fmt: skip

    def for_session(self) -> list[npt.NDArray[np.floating]]:
        """Covariates of any session in the week."""
        came, before = 1.0 * (self.last_week > 0), 1.0 * self.before
        return [np.ones(self.last.shape), came, came * self.last, came * self.last**2 / 10, self.mean, self.baseline, before,
                before**2 / 10]  # fmt: skip


def _start(baseline: Floats) -> _Known:
    none = np.zeros(baseline.shape, np.int64)
    return _Known(baseline, baseline, baseline, baseline, 0, none, none)


def fit_weeks(weeks: Weeks, counted: Counts | None = None) -> WeekModels:
    """Fit both models to all weeks of all people.

    Parameters
    ----------
    weeks : Weeks
        Observed.
    counted : number, shape (replicates, people), optional
        How often each person counts; default once.

    Raises
    ------
    NotIdentified
        Fewer than 50 weeks with a score.
    """
    seen, length = ~np.isnan(weeks.score), weeks.score.shape[1]
    decided = (weeks.sessions[:, :-1] > 0) & seen[:, :-1]
    open_still = np.column_stack([np.ones(len(seen), dtype=bool), decided]).T[seen.T]
    if seen.sum() < _FEWEST:
        raise NotIdentified(f"only {seen.sum()} weeks have a score.", "a score every week, on and off treatment.")
    carried, known, score_x, session_x = weeks.carried, _start(weeks.baseline), [], []
    for week in range(length):
        score_x.append(np.column_stack(known.for_score(weeks.sessions[:, week], length))[seen[:, week]])
        session_x.append(np.column_stack(known.for_session()))
        known = known.after(carried[:, week + 1], weeks.sessions[:, week])
    columns, scores = np.vstack(score_x), weeks.score.T[seen.T]
    people = np.broadcast_to(np.arange(len(seen)), (length, len(seen)))
    given, coming = weeks.sessions[:, 1:], np.vstack(session_x[1:])
    usual = _score_model(columns, scores, open_still, None)
    beta = usual if counted is None else _score_model(columns, scores, open_still, counted[:, people[seen.T]])
    comes = fit_logistic(coming, given.T.ravel() > 0) if counted is None else np.zeros(coming.shape[1])
    later = np.cumsum(weeks.sessions[:, ::-1], axis=1)[:, ::-1] > 0
    pace = tuple(weeks.sessions[later[:, week], week] for week in range(length))
    return WeekModels(beta, scores - columns @ usual, comes, given[given > 0], pace)


def _score_model(x: Floats, y: Floats, open_still: npt.NDArray[np.bool_], weights: Counts | None) -> Floats:
    """Coefficients: of the sessions from the weeks in which one was still open, of all else, given those, from every week."""
    own, given = x[:, :-_SESSION], x[:, -_SESSION:]
    theirs = None if weights is None else weights[:, open_still]
    does = fit_least_squares(x[open_still], y[open_still], theirs)[..., -_SESSION:]
    goes = fit_least_squares(own, y, weights)
    for column in range(_SESSION):  # least squares is linear in the outcome: take off what the sessions did
        goes = goes - does[..., column, None] * fit_least_squares(own, given[:, column], weights)
    return np.concatenate([goes, does], axis=-1)


def simulate_weeks(weeks: Weeks, models: WeekModels, stop_after: int | None, seed: int) -> Floats:
    """Scores if everybody stopped after so many sessions, or with `None` as the clinic goes on by itself.

    Parameters
    ----------
    weeks : Weeks
        Whose baselines are kept; its scores and sessions are not used.
    models : WeekModels
        From `fit_weeks`.
    stop_after : int or None
        The strategy, at the clinic's own spacing.
    seed : int
        Two strategies with the same seed share their chance.

    Returns
    -------
    float64, shape (people, weeks) or (replicates, people, weeks)
    """
    rng, length = np.random.default_rng(seed), weeks.score.shape[1]
    shape = (*models.next_score.shape[:-1], len(weeks.baseline))
    known, scores = _start(np.broadcast_to(weeks.baseline, shape)), []
    for week in range(length):
        given = np.ones(shape, np.int64)
        chance = rng.random(shape)
        if week and stop_after is None:
            comes = chance < _expit(_combined(models.comes, known.for_session()))
            given = comes * (rng.choice(models.number, shape) if len(models.number) else 0)
        elif week:
            pace = np.sort(models.pace[week]) if len(models.pace[week]) else np.zeros(1, np.int64)
            given = pace[(chance * len(pace)).astype(np.int64)]
        if stop_after is not None:
            given = np.minimum(given, stop_after - known.before)
        fitted = _combined(models.next_score, known.for_score(given, length))
        score = np.clip(np.rint(fitted + rng.choice(models.residuals, shape)), weeks.lowest, weeks.highest)
        known = known.after(score, given)
        scores.append(score)
    return np.stack(scores, axis=-1)


def _combined(coefficients: Floats, columns: list[npt.NDArray[np.floating]]) -> Floats:
    return np.asarray(sum(coefficients[..., place, None] * column for place, column in enumerate(columns)), dtype=np.float64)


def _expit(fitted: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(fitted, -700, 700))), dtype=np.float64)


def largest_miss(weeks: Weeks, simulated: Floats) -> tuple[float, int]:
    """How far the simulated mean lies from the observed one in the week in which it is farthest, and that week.

    Weeks with fewer than 30 scores are passed over. The observed mean is of those who were scored, and so is the simulated.
    """
    seen = ~np.isnan(weeks.score)
    misses = [
        float(np.abs(simulated[:, week].mean() - weeks.score[seen[:, week], week].mean())) if seen[:, week].sum() >= 30 else 0.0
        for week in range(weeks.score.shape[1])
    ]
    week = int(np.argmax(misses))
    return misses[week], week
