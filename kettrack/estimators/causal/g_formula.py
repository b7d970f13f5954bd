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
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Bools, Floats, Ints, Numbers
from kettrack.errors import NotIdentified
from kettrack.estimators.causal.weekly_history import (
    KnownHistory,
    Weeks,
    history_before_week_0,
)
from kettrack.estimators.regression.least_squares import fit_least_squares
from kettrack.estimators.regression.logistic import fit_logistic

_FEWEST_SCORED_WEEKS = 50  # weeks with a score before and at their end
_FEWEST_TO_CHECK = 30  # scores of a week whose mean is compared
# columns, the last ones, that say what the sessions since the last score do
_SESSION = 2


@dataclass(frozen=True, slots=True)
class WeeklyChance:
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

    def strikes(
        self,
        known: KnownHistory,
        group: Bools,
        chance: Floats,
    ) -> Bools:
        """Whether it happens: to all, to nobody, or by the model."""
        share = self.share[known.weeks, group.astype(np.int64)]
        some = (share > 0) & (share < 1)
        if some.any():
            columns = known.for_chance(group, len(self.share))
            modelled = _expit(_combined(self.coefficients, columns))
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
    comes : WeeklyChance
        Of any session, for those without and with one in the week before; it serves the natural
        course only.
    number : int64, shape (weeks with a session,)
        Session days in weeks that have any.
    pace : tuple of int64 arrays
        By week, the session days of those who had any in that week or later: the clinic's own
        spacing.
    scored : WeeklyChance
        Of a score, for those without and with a session in the week.
    """

    next_score: Floats
    residuals: Floats
    comes: WeeklyChance
    number: Ints
    pace: tuple[Ints, ...]
    scored: WeeklyChance


def fit_weeks(
    weeks: Weeks,
    counted: Numbers | None = None,
) -> WeekModels:
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
    if seen.sum() < _FEWEST_SCORED_WEEKS:
        raise NotIdentified(
            f"only {seen.sum()} weeks have a score.",
            "a score every week, on and off treatment.",
        )
    columns = _weekly_columns(weeks, seen)
    # rows by week and then by person, as the columns of the weeks are stacked
    scores = weeks.score.T[seen.T]
    usual = _score_model(columns.score, scores, columns.open_still, None)
    beta = usual
    if counted is not None:
        people = np.broadcast_to(
            np.arange(len(seen)),
            seen.T.shape,
        )
        drawn = counted[:, people[seen.T]]
        beta = _score_model(columns.score, scores, columns.open_still, drawn)
    # week 0 holds the first session of everybody, and nothing to learn from
    given = weeks.sessions[:, 1:]
    any_given = weeks.sessions > 0
    nobody = np.zeros(len(seen), dtype=bool)
    week_before = np.column_stack([nobody, any_given[:, :-1]])
    return WeekModels(
        next_score=beta,
        residuals=scores - columns.score @ usual,
        comes=_fit_chance(columns.comes, any_given, week_before),
        number=given[given > 0],
        pace=_pace(weeks.sessions),
        scored=_fit_chance(columns.scored, seen, any_given),
    )


class _WeeklyColumns(NamedTuple):
    """Covariates by week: of the scores there are, shape (scores, columns), and which of these
    scores follow an open week; of sessions and of scoring, shape (weeks * people, columns).
    """

    score: Floats
    open_still: Bools
    comes: Floats
    scored: Floats


def _weekly_columns(weeks: Weeks, seen: Bools) -> _WeeklyColumns:
    length = weeks.score.shape[1]
    known = history_before_week_0(weeks.baseline)
    score = []
    comes = []
    scored = []
    # a week is open when the week before it has a score, and a session since the score before that
    decided = np.ones(len(seen), dtype=bool)
    open_still = []
    for now, came, there in zip(
        weeks.score.T,
        weeks.sessions.T,
        seen.T,
        strict=True,
    ):
        open_still.append(decided[there])
        score.append(np.column_stack(known.for_score(came, length))[there])
        comes.append(np.column_stack(known.for_chance(known.last_week > 0, length)))
        scored.append(np.column_stack(known.for_chance(came > 0, length)))
        decided = there & (known.unscored + came > 0)
        known = known.after(now, came)
    return _WeeklyColumns(
        score=np.vstack(score),
        open_still=np.concatenate(open_still),
        comes=np.vstack(comes),
        scored=np.vstack(scored),
    )


def _pace(sessions: Ints) -> tuple[Ints, ...]:
    """By week, the session days of those who had any in that week or later."""
    # summed from the last week back
    later = np.cumsum(sessions[:, ::-1], axis=1)[:, ::-1] > 0
    weeks = range(sessions.shape[1])
    return tuple(sessions[later[:, week], week] for week in weeks)


def _fit_chance(
    x: Floats,
    happened: Bools,
    group: Bools,
) -> WeeklyChance:
    """Chance of what happened by week, given the covariates of each week; arrays of shape (people,
    weeks).
    """
    shares = []
    for one in (False, True):
        members = group == one
        people = np.maximum(members.sum(axis=0), 1)
        shares.append((happened & members).sum(axis=0) / people)
    share = np.column_stack(shares)
    some = ((share > 0) & (share < 1)).ravel()
    # The first columns are the intercepts of week and group, in the order of `some`: a row belongs
    # to the model when its own intercept does.
    rows = x[:, : some.size][:, some].any(axis=1)
    coefficients = np.zeros(x.shape[1])
    if rows.any():
        coefficients = fit_logistic(
            x[rows],
            happened.T.ravel()[rows],
        )
    return WeeklyChance(share, coefficients)


def _score_model(
    x: Floats,
    y: Floats,
    open_still: Bools,
    weights: Numbers | None,
) -> Floats:
    """Coefficients: of the sessions from the weeks in which one was still open, of all else, given
    those, from every week.
    """
    own = x[:, :-_SESSION]
    given = x[:, -_SESSION:]
    theirs = None if weights is None else weights[:, open_still]
    does = fit_least_squares(
        x[open_still],
        y[open_still],
        theirs,
    )[..., -_SESSION:]
    goes = fit_least_squares(own, y, weights)
    # least squares is linear in the outcome: take off what the sessions did
    for column in range(_SESSION):
        of_column = fit_least_squares(own, given[:, column], weights)
        goes = goes - does[..., column, None] * of_column
    return np.concatenate([goes, does], axis=-1)


def simulate_weeks(
    weeks: Weeks,
    models: WeekModels,
    stop_after: int | None,
    seed: int,
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
    # who is scored is drawn apart, so that two strategies with one seed share the rest
    of_scores = np.random.default_rng([seed, 1])
    length = weeks.score.shape[1]
    shape = (*models.next_score.shape[:-1], len(weeks.baseline))
    known = history_before_week_0(np.broadcast_to(weeks.baseline, shape))
    scores = []
    for week in range(length):
        chance = rng.random(shape)
        if week == 0:
            given = np.ones(shape, np.int64)
        elif stop_after is None:
            given = _as_they_come(models, known, chance, rng)
        else:
            given = _at_their_pace(models.pace[week], chance)
        if stop_after is not None:
            given = np.minimum(given, stop_after - known.before)
        fitted = _combined(
            models.next_score,
            known.for_score(given, length),
        )
        drawn = np.rint(fitted + rng.choice(models.residuals, shape))
        score = np.clip(drawn, weeks.lowest, weeks.highest)
        scored = models.scored.strikes(
            known,
            given > 0,
            of_scores.random(shape),
        )
        if stop_after is not None and week == length - 1:
            scored = _everybody(models.scored.share[week], given)
        scores.append(np.where(scored, score, np.nan))
        known = known.after(scores[-1], given)
    return np.stack(scores, axis=-1)


def _as_they_come(
    models: WeekModels,
    known: KnownHistory,
    chance: Floats,
    rng: np.random.Generator,
) -> Ints:
    """Session days of a week of the natural course."""
    comes = models.comes.strikes(known, known.last_week > 0, chance)
    if not len(models.number):
        return np.zeros(comes.shape, np.int64)
    return comes * rng.choice(models.number, comes.shape)


def _at_their_pace(pace: Ints, chance: Floats) -> Ints:
    """Session days of a week under a strategy, while sessions are left."""
    # sorted, so that the same chance means a quick or a slow person under every strategy
    ordered = np.sort(pace) if len(pace) else np.zeros(1, np.int64)
    return ordered[(chance * len(ordered)).astype(np.int64)]


def _everybody(
    share: Floats,
    given: Ints,
) -> Bools:
    """All, where those without and those with a session in the week were scored at all."""
    for came, words in enumerate(("without", "with")):
        if share[came] == 0 and ((given > 0) == came).any():
            reason = f"nobody {words} a session in the last week was scored in it."
            raise NotIdentified(reason, "a score every week, on and off treatment.")
    return np.ones(given.shape, dtype=bool)


def _combined(
    coefficients: Floats,
    columns: list[npt.NDArray[np.floating]],
) -> Floats:
    total = sum(
        coefficients[..., place, None] * column for place, column in enumerate(columns)
    )
    return np.asarray(total, dtype=np.float64)


def _expit(fitted: Floats) -> Floats:
    # exp(710) overflows; the chance is 0 or 1 long before
    bounded = np.clip(fitted, -700, 700)
    return np.asarray(
        1 / (1 + np.exp(-bounded)),
        dtype=np.float64,
    )


def largest_miss(
    weeks: Weeks,
    simulated: Floats,
) -> tuple[float, int]:
    """How far the simulated mean lies from the observed one in the week in which it is farthest,
    and that week.

    Weeks with fewer than 30 scores are passed over. The observed mean is of those who were scored,
    and so is the simulated.
    """
    misses = []
    for seen, made in zip(
        weeks.score.T,
        simulated.T,
        strict=True,
    ):
        there = seen[~np.isnan(seen)]
        told = made[~np.isnan(made)]
        if len(there) < _FEWEST_TO_CHECK:
            misses.append(0.0)
        elif len(told):
            misses.append(abs(float(told.mean() - there.mean())))
        else:
            misses.append(np.inf)
    week = int(np.argmax(misses))
    return misses[week], week
