"""What scores would do without sessions: a latent course under measurement error, fitted to scores
taken on and off treatment.

A regression of the next score on those before it is misled by measurement error, which hides the
state the scores come from. Here the state is modelled: each person's severity drifts to a level of
their own, every session takes something off that wears off again, and a score is the sum with an
error. The likelihood of a person's scores is exact (Kalman filter).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from kettrack.arrays import Floats
from kettrack.errors import NotIdentified

FEWEST_PAIRS: Final = 50  # score pairs without a session in between
FEWEST_PEOPLE: Final = 20  # people who have such a pair
# Weak priors, in units of the SD of all scores and in days: they decide only what the data leave
# open.
_PARTS: Final = (
    "start",
    "log_start_sd",
    "level",
    "link",
    "log_level_sd",
    "log_drift",
    "log_shock",
    "log_error",
    "session",
    "log_wear",
    "log_session_sd",
)
_CENTRE: Final = (0.0, -0.7, 0.0, 0.0, -0.1, -3.0, -1.1, -1.2, 0.05, -3.9, -2.7)
_SPREAD: Final = (1.0, 0.7, 1.0, 0.5, 0.7, 1.0, 0.7, 0.5, 0.3, 0.7, 0.7)
_DAMPING: Final = (0.0, 0.3, 3.0, 30.0, 300.0)
_MOST_STEPS: Final = 60
_GAIN: Final = 1e-3  # in log-likelihood: far below what a standard error is made of


@dataclass(frozen=True, slots=True)
class ScoreSeries:
    """Scores of n people in order, the baseline first, padded to T; arrays of shape (T, n).

    Parameters
    ----------
    score : float64
        Points; NaN where a person has no more.
    days : float64
        Days since the score before.
    sessions : float64
        Sessions between the score before and this one.
    age : float64
        Mean number of days from those sessions to this score; 0 without any.
    """

    score: Floats
    days: Floats
    sessions: Floats
    age: Floats

    @property
    def off_treatment(self) -> tuple[int, int]:
        """Score pairs after the baseline without a session in between, and the people who have
        one.
        """
        pairs = ~np.isnan(self.score[2:]) & (self.sessions[2:] == 0)
        return int(pairs.sum()), int(pairs.any(axis=0).sum())


@dataclass(frozen=True, slots=True)
class ScoreProcess:
    """The fitted course of severity, in points and days.

    Parameters
    ----------
    start, start_sd : float
        True severity at the baseline.
    level, link, level_sd : float
        The own level each person drifts to: mean, change per point of true severity at the
        baseline, SD around that.
    drift : float
        Share of the way to the level covered per day.
    shock_sd : float
        SD of severity around the level, in the long run.
    error_sd : float
        SD of measurement error.
    session, session_sd : float
        Points a session takes off, on the mean, and their SD between people.
    wear : float
        Share of that which is lost per day.
    """

    start: float
    start_sd: float
    level: float
    link: float
    level_sd: float
    drift: float
    shock_sd: float
    error_sd: float
    session: float
    wear: float
    session_sd: float


def fit_score_process(series: ScoreSeries) -> ScoreProcess:
    """Fit the course of severity by penalised maximum likelihood, given each person's baseline
    score.

    Selection on the baseline score (only cases are treated) does no harm, since that score is
    conditioned on; stopping decided by scores does none either, since the likelihood holds them.
    Stopping for reasons that no score shows does.

    Parameters
    ----------
    series : ScoreSeries
        Scores on and off treatment.

    Returns
    -------
    ScoreProcess

    Raises
    ------
    NotIdentified
        With fewer than 50 score pairs without a session in between, or fewer than 20 people who
        have one: what sessions do cannot then be told from natural course.
    """
    pairs, people = series.off_treatment
    if pairs < FEWEST_PAIRS or people < FEWEST_PEOPLE:
        raise NotIdentified(
            f"there are {pairs} pairs of scores without a session in between, from {people}"
            f" people; it takes {FEWEST_PAIRS} from {FEWEST_PEOPLE} people to tell what sessions"
            " do from what happens by itself.",
            "scores after the last session, also of those who stopped early.",
        )
    known = series.score[~np.isnan(series.score)]
    middle = known.mean()
    unit = max(float(known.std()), 1e-9)
    scaled = ScoreSeries(
        (series.score - middle) / unit, series.days, series.sessions, series.age
    )
    return _in_points(
        _climb(lambda theta: _log_likelihood(theta, scaled)), middle, unit
    )


def _in_points(theta: Floats, middle: float, unit: float) -> ScoreProcess:
    part = dict(zip(_PARTS, theta, strict=True))
    size = {
        name: unit * np.exp(part[f"log_{name}"])
        for name in ("start_sd", "level_sd", "shock", "error", "session_sd")
    }
    return ScoreProcess(
        start=float(middle + unit * part["start"]),
        start_sd=float(size["start_sd"]),
        level=float(middle + unit * part["level"]),
        link=float(part["link"]),
        level_sd=float(size["level_sd"]),
        drift=float(np.exp(part["log_drift"])),
        shock_sd=float(size["shock"]),
        error_sd=float(size["error"]),
        session=float(unit * part["session"]),
        wear=float(np.exp(part["log_wear"])),
        session_sd=float(size["session_sd"]),
    )


def _climb(likelihood: Callable[[Floats], Floats]) -> Floats:
    """Maximise log-likelihood plus prior by scoring: the information is the sum of squared
    contributions of people.
    """
    theta = np.array(_CENTRE)
    spread = np.array(_SPREAD)
    nudge = 1e-5 * np.vstack([np.zeros(theta.size), np.eye(theta.size)])

    def penalty(at: Floats) -> Floats:
        found: Floats = -0.5 * (((at - _CENTRE) / spread) ** 2).sum(axis=-1)
        return found

    for _ in range(_MOST_STEPS):
        here = likelihood(theta + nudge)
        slopes = (here[1:] - here[0]) / 1e-5
        gradient = slopes.sum(axis=1) - (theta - _CENTRE) / spread**2
        information = slopes @ slopes.T + np.diag(1 / spread**2)
        damped = [
            information + factor * np.diag(np.diag(information)) for factor in _DAMPING
        ]
        tried = theta + np.clip(
            [np.linalg.solve(matrix, gradient) for matrix in damped], -1, 1
        )
        reached = likelihood(tried).sum(axis=1) + penalty(tried)
        gain = reached.max() - here[0].sum() - penalty(theta)
        if gain < _GAIN:
            break
        theta = tried[reached.argmax()]
    return theta


def _log_likelihood(thetas: Floats, series: ScoreSeries) -> Floats:
    """Log-likelihood of each person's scores after the baseline under each of several parameter
    vectors: (vectors, n).
    """
    part = {name: thetas[:, [place]] for place, name in enumerate(_PARTS)}
    drift = np.exp(part["log_drift"])
    wear = np.exp(part["log_wear"])
    shock = np.exp(2 * part["log_shock"])
    error = np.exp(2 * part["log_error"])
    mean, spread = _begin(part, series.score[0])
    dose = np.zeros_like(mean[0])
    total = np.zeros_like(mean[0])
    for score, days, sessions, age in zip(
        series.score[1:],
        series.days[1:],
        series.sessions[1:],
        series.age[1:],
        strict=True,
    ):
        keep = np.exp(-drift * days)
        mean, spread = _drifted(mean, spread, keep, shock * (1 - keep**2))
        dose = dose * np.exp(-wear * days) + sessions * np.exp(-wear * age)
        # How far each part of the state moves with the score: severity, level, own response to
        # sessions.
        reach = [row[0] - dose * row[2] for row in spread]
        variance = reach[0] - dose * reach[2] + error
        known = ~np.isnan(score)
        surprise = np.where(known, score - (mean[0] - dose * mean[2]), 0.0)
        total = total - np.where(
            known, 0.5 * (np.log(variance) + surprise**2 / variance), 0.0
        )
        gain = [np.where(known, moved / variance, 0.0) for moved in reach]
        mean = [value + rate * surprise for value, rate in zip(mean, gain, strict=True)]
        spread = [
            [spread[i][j] - gain[i] * reach[j] for j in range(3)] for i in range(3)
        ]
    return total


def _begin(
    part: dict[str, Floats], baseline: Floats
) -> tuple[list[Floats], list[list[Floats]]]:
    """Mean and covariance of severity, level and response to sessions, given the baseline score."""
    variance = np.exp(2 * part["log_start_sd"])
    trust = variance / (variance + np.exp(2 * part["log_error"]))
    severity = part["start"] + trust * (baseline - part["start"])
    left = variance * (1 - trust) + 0 * severity
    link = part["link"]
    zero = 0 * severity
    own = np.exp(2 * part["log_session_sd"]) + zero
    level = part["level"] + link * (severity - part["start"])
    return [severity, level, part["session"] + zero], [
        [left, link * left, zero],
        [link * left, np.exp(2 * part["log_level_sd"]) + link**2 * left, zero],
        [zero, zero, own],
    ]


def _drifted(
    mean: list[Floats], spread: list[list[Floats]], keep: Floats, shock: Floats
) -> tuple[list[Floats], list[list[Floats]]]:
    """The state some days later."""
    go = 1 - keep
    first = [keep * spread[0][j] + go * spread[1][j] for j in range(3)]
    corner = keep * first[0] + go * first[1] + shock
    moved = [
        [corner, first[1], first[2]],
        [first[1], spread[1][1], spread[1][2]],
        [first[2], spread[2][1], spread[2][2]],
    ]
    return [keep * mean[0] + go * mean[1], mean[1], mean[2]], moved


def draw_start(
    process: ScoreProcess, baseline: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Draw true severity and own level of people with these baseline scores; points, shape (n,)."""
    trust = process.start_sd**2 / (process.start_sd**2 + process.error_sd**2)
    noise = process.start_sd * np.sqrt(1 - trust) * rng.standard_normal(baseline.size)
    severity = process.start + trust * (baseline - process.start) + noise
    spread = process.level_sd * rng.standard_normal(baseline.size)
    return severity, process.level + process.link * (severity - process.start) + spread


def draw_later(
    process: ScoreProcess,
    severity: Floats,
    level: Floats,
    days: Floats,
    rng: np.random.Generator,
) -> Floats:
    """Draw true severity so many days later, if nothing is done; points, shape (n,)."""
    keep = np.exp(-process.drift * days)
    noise = process.shock_sd * np.sqrt(1 - keep**2) * rng.standard_normal(severity.size)
    return keep * severity + (1 - keep) * level + noise
