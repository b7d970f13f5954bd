"""Parametric g-formula on a weekly grid: how scores go from week to week, and what they would be if
sessions were set.

One linear model says the next score from the history and the sessions since the last one. What a
session does is learnt from the weeks in which it was still open, after a session and a score; how
scores go by themselves from all of them. (Who stopped long ago did so at scores that a summary of
the history no longer holds: with those weeks in the comparison, sessions that do nothing seemed to
do .3 points of harm or good.) People are then sent through it week by week. A week without a score
hands on the last one known, in the fit and in the simulation, which draws who is scored too.
Measurement error in the score hides part of what the model needs, so contrasts come out too small
(-1.02 for -1.36 where stopping is random): a second opinion, with a check that untouched people end
up where they were seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Bools, Floats, Ints, Numbers
from kettrack.errors import NotIdentified
from kettrack.estimators.causal.weekly_history import Known, Weeks, start
from kettrack.estimators.regression.least_squares import fit_least_squares
from kettrack.estimators.regression.logistic import fit_logistic

_FEWEST = 50  # weeks with a score before and at their end
# columns, the last ones, that say what the sessions since the last score do
_SESSION = 2


@dataclass(frozen=True, slots=True)
class Chance:
    """Of something in a week, for people in one of two groups; at the fit to everybody once.

    Parameters
    ----------
    share : float64, shape (weeks, 2)
        Of each group to whom it happened; 0 where there was nobody.
    coefficients : float64, shape (columns,)
        Of the logistic model for the weeks and groups in which it happened to some and not to
        others.
    """

    share: Floats
    coefficients: Floats

    def strikes(self, known: Known, group: Bools, chance: Floats) -> Bools:
        """Whether it happens: to all, to nobody, or by the model."""
        share = self.share[known.weeks, group.astype(np.int64)]
        some = (share > 0) & (share < 1)
        if some.any():
            modelled = _expit(
                _combined(self.coefficients, known.for_chance(group, len(self.share)))
            )
            share = np.where(some, modelled, share)
        return np.asarray(chance < share)


@dataclass(frozen=True, slots=True)
class WeekModels:
    """What was fitted to the weeks, once or for many replicates.

    Parameters
    ----------
    next_score : float64, shape (columns,) or (replicates, columns)
        Of the linear model.
    residuals : float64, shape (weeks with a score,)
        Observed less fitted, at the fit to everybody once.
    comes : Chance
        Of any session, for those without and with one in the week before; it serves the natural
        course only.
    number : int64, shape (weeks with a session,)
        Session days in weeks that have any.
    pace : tuple of int64 arrays
        By week, the session days of those who had any in that week or later: the clinic's own
        spacing.
    scored : Chance
        Of a score, for those without and with a session in the week.
    """

    next_score: Floats
    residuals: Floats
    comes: Chance
    number: Ints
    pace: tuple[Ints, ...]
    scored: Chance


def fit_weeks(weeks: Weeks, counted: Numbers | None = None) -> WeekModels:
    """Fit the models to all weeks of all people.

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
    seen = ~np.isnan(weeks.score)
    length = weeks.score.shape[1]
    if seen.sum() < _FEWEST:
        raise NotIdentified(
            f"only {seen.sum()} weeks have a score.",
            "a score every week, on and off treatment.",
        )
    known = start(weeks.baseline)
    score_x = []
    comes_x = []
    scored_x = []
    decided = [np.ones(len(seen), dtype=bool)]
    for score, came, there in zip(weeks.score.T, weeks.sessions.T, seen.T, strict=True):
        score_x.append(np.column_stack(known.for_score(came, length))[there])
        comes_x.append(np.column_stack(known.for_chance(known.last_week > 0, length)))
        scored_x.append(np.column_stack(known.for_chance(came > 0, length)))
        decided.append(there & (known.unscored + came > 0))
        known = known.after(score, came)
    open_still = np.stack(decided[:-1])[seen.T]
    columns = np.vstack(score_x)
    scores = weeks.score.T[seen.T]
    people = np.broadcast_to(np.arange(len(seen)), (length, len(seen)))
    given = weeks.sessions[:, 1:]
    any_given = weeks.sessions > 0
    usual = _score_model(columns, scores, open_still, None)
    beta = (
        usual
        if counted is None
        else _score_model(columns, scores, open_still, counted[:, people[seen.T]])
    )
    comes = _fit_chance(
        comes_x,
        any_given,
        np.column_stack([np.zeros(len(seen), dtype=bool), any_given[:, :-1]]),
    )
    later = np.cumsum(weeks.sessions[:, ::-1], axis=1)[:, ::-1] > 0
    pace = tuple(weeks.sessions[later[:, week], week] for week in range(length))
    scored = _fit_chance(scored_x, seen, any_given)
    return WeekModels(
        beta, scores - columns @ usual, comes, given[given > 0], pace, scored
    )


def _fit_chance(columns: list[Floats], happened: Bools, group: Bools) -> Chance:
    """Chance of what happened by week, given the covariates of each week; arrays of shape (people,
    weeks).
    """
    x = np.vstack(columns)
    groups = [group == one for one in (False, True)]
    share = np.column_stack(
        [
            (happened & one).sum(axis=0) / np.maximum(one.sum(axis=0), 1)
            for one in groups
        ]
    )
    some = ((share > 0) & (share < 1)).ravel()
    rows = x[:, : some.size][:, some].any(axis=1)
    return Chance(
        share,
        fit_logistic(x[rows], happened.T.ravel()[rows])
        if rows.any()
        else np.zeros(x.shape[1]),
    )


def _score_model(
    x: Floats, y: Floats, open_still: Bools, weights: Numbers | None
) -> Floats:
    """Coefficients: of the sessions from the weeks in which one was still open, of all else, given
    those, from every week.
    """
    own = x[:, :-_SESSION]
    given = x[:, -_SESSION:]
    theirs = None if weights is None else weights[:, open_still]
    does = fit_least_squares(x[open_still], y[open_still], theirs)[..., -_SESSION:]
    goes = fit_least_squares(own, y, weights)
    # least squares is linear in the outcome: take off what the sessions did
    for column in range(_SESSION):
        goes = goes - does[..., column, None] * fit_least_squares(
            own, given[:, column], weights
        )
    return np.concatenate([goes, does], axis=-1)


def simulate_weeks(
    weeks: Weeks, models: WeekModels, stop_after: int | None, seed: int
) -> Floats:
    """Scores if everybody stopped after so many sessions, or with `None` as the clinic goes on by
    itself.

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
        Missing where the person would not be scored; under a strategy all have a score in the last
        week.

    Raises
    ------
    NotIdentified
        Under a strategy, where nobody without (or with) a session in the last week was scored in
        it.
    """
    rng = np.random.default_rng(seed)
    length = weeks.score.shape[1]
    shape = (*models.next_score.shape[:-1], len(weeks.baseline))
    known = start(np.broadcast_to(weeks.baseline, shape))
    scores = []
    of_scores = np.random.default_rng([seed, 1])
    for week in range(length):
        given = np.ones(shape, np.int64)
        chance = rng.random(shape)
        if week and stop_after is None:
            comes = models.comes.strikes(known, known.last_week > 0, chance)
            given = comes * (
                rng.choice(models.number, shape) if len(models.number) else 0
            )
        elif week:
            pace = (
                np.sort(models.pace[week])
                if len(models.pace[week])
                else np.zeros(1, np.int64)
            )
            given = pace[(chance * len(pace)).astype(np.int64)]
        if stop_after is not None:
            given = np.minimum(given, stop_after - known.before)
        fitted = _combined(models.next_score, known.for_score(given, length))
        score = np.clip(
            np.rint(fitted + rng.choice(models.residuals, shape)),
            weeks.lowest,
            weeks.highest,
        )
        scored = models.scored.strikes(known, given > 0, of_scores.random(shape))
        if stop_after is not None and week == length - 1:
            scored = _everybody(models.scored.share[week], given)
        scores.append(np.where(scored, score, np.nan))
        known = known.after(scores[-1], given)
    return np.stack(scores, axis=-1)


def _everybody(share: Floats, given: Ints) -> Bools:
    """All, where those without and those with a session in the week were scored at all."""
    for came, words in enumerate(("without", "with")):
        if share[came] == 0 and ((given > 0) == came).any():
            reason = f"nobody {words} a session in the last week was scored in it."
            raise NotIdentified(reason, "a score every week, on and off treatment.")
    return np.ones(given.shape, dtype=bool)


def _combined(coefficients: Floats, columns: list[npt.NDArray[np.floating]]) -> Floats:
    return np.asarray(
        sum(
            coefficients[..., place, None] * column
            for place, column in enumerate(columns)
        ),
        dtype=np.float64,
    )


def _expit(fitted: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(fitted, -700, 700))), dtype=np.float64)


def largest_miss(weeks: Weeks, simulated: Floats) -> tuple[float, int]:
    """How far the simulated mean lies from the observed one in the week in which it is farthest,
    and that week.

    Weeks with fewer than 30 scores are passed over. The observed mean is of those who were scored,
    and so is the simulated.
    """
    misses = []
    for seen, made in zip(weeks.score.T, simulated.T, strict=True):
        there = seen[~np.isnan(seen)]
        told = made[~np.isnan(made)]
        miss = (
            abs(float(told.mean() - there.mean()))
            if len(told) and len(there)
            else np.inf
        )
        misses.append(miss if len(there) >= 30 else 0.0)
    week = int(np.argmax(misses))
    return misses[week], week
