"""What scores would do without sessions: a latent course under measurement error, fitted to scores
taken on and off treatment.

A regression of the next score on those before it is misled by measurement error, which hides the
state the scores come from. Here the state is modelled: each person's severity drifts to a level of
their own, every session takes something off that wears off again, the first of them more or less
than a later one, and a score is the sum with an error. The likelihood of a person's scores is exact
(Kalman filter).

What tells the natural course from the sessions: scores before session 1, where a person has more
than one; pairs of scores without a session in between; and how the scores of a person hang
together, since the pull to the own level is the same on and off treatment. Without a first effect
of its own, a first session that does more would pass for a quick natural course.

Own code, since a state space model of statsmodels is one long series; here are many short ones,
with days of their own, under one law.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Final, NamedTuple

import numpy as np

from kettrack.arrays import Bools, Floats, Ints
from kettrack.errors import NotIdentified

FEWEST_PAIRS_OFF_TREATMENT: Final = 50  # score pairs without a session in between
FEWEST_PEOPLE_OFF_TREATMENT: Final = 20  # people who have such a pair
# Weak priors, centre and spread, in units of the SD of all scores and in days: they decide only
# what the data leave open.
_PRIORS: Final = {
    "start": (0.0, 1.0),
    "log_start_sd": (-0.7, 0.7),
    "level": (0.0, 1.0),
    "link": (0.0, 0.5),
    "log_level_sd": (-0.1, 0.7),
    "log_drift": (-3.0, 1.0),
    "log_shock": (-1.1, 0.7),
    "log_error": (-1.2, 0.5),
    "session": (0.05, 0.3),
    "first": (1.0, 1.5),
    "log_wear": (-3.9, 0.7),
    "log_session_sd": (-2.7, 0.7),
}
_TINY: Final = 1e-9  # a spread of nothing, where one is divided by
_NUDGE: Final = 1e-5  # of a parameter, for its slope
# shares of the information added to itself; 0 is Newton's step
_DAMPING: Final = (0.0, 0.3, 3.0, 30.0, 300.0)
_MOST_STEPS: Final = 60
_GAIN: Final = 1e-3  # in log-likelihood: far below what a standard error is made of


@dataclass(frozen=True, slots=True)
class ScoreSeries:
    """Scores of n people in order, the first one before session 1, padded to T; arrays of shape
    (T, n).

    Parameters
    ----------
    score : float64
        Points; NaN where a person has no more.
    days : float64
        Days since the score before.
    sessions : float64
        Sessions between the score before and this one, the very first of a person left out.
    age : float64
        Mean number of days from those sessions to this score; 0 without any.
    first_age : float64
        Days from the very first session, where it lies between the score before and this one; else
        NaN.
    begin : float64, shape (n,)
        Day of the first score.
    """

    score: Floats
    days: Floats
    sessions: Floats
    age: Floats
    first_age: Floats
    begin: Floats

    @property
    def treated(self) -> Bools:
        """Whether any session lies before each score, shape (T, n)."""
        anew = (self.sessions > 0) | ~np.isnan(self.first_age)
        return np.asarray(np.logical_or.accumulate(anew, axis=0))

    @property
    def off_treatment(self) -> tuple[int, int]:
        """Pairs of scores without a session in between, and the people who have one."""
        missing = np.isnan(self.score[1:])
        untreated = (self.sessions[1:] == 0) & np.isnan(self.first_age[1:])
        pairs = untreated & ~missing
        people = pairs.any(axis=0)
        return int(pairs.sum()), int(people.sum())


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
    first : float
        How many times as much the very first session takes off.
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
    first: float
    wear: float
    session_sd: float


def fit_score_process(series: ScoreSeries) -> ScoreProcess:
    """Fit the course of severity by penalised maximum likelihood, given each person's first score.

    Selection on that score (only cases are treated) does no harm, since that score is
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
    few = pairs < FEWEST_PAIRS_OFF_TREATMENT or people < FEWEST_PEOPLE_OFF_TREATMENT
    if few:
        raise NotIdentified(
            f"there are {pairs} pairs of scores without a session in between, from {people}"
            f" people. At least {FEWEST_PAIRS_OFF_TREATMENT} pairs from"
            f" {FEWEST_PEOPLE_OFF_TREATMENT} people are needed to tell the effect of sessions"
            " from what happens without them.",
            "scores after the last session, also of those who stopped early.",
        )
    missing = np.isnan(series.score)
    known = series.score[~missing]
    middle = known.mean()
    # in units of the spread of scores, so that one prior serves every scale
    spread = float(known.std())
    unit = max(spread, 1e-9)
    scaled = ScoreSeries(
        score=(series.score - middle) / unit,
        days=series.days,
        sessions=series.sessions,
        age=series.age,
        first_age=series.first_age,
        begin=series.begin,
    )
    theta = _climb(lambda thetas: _log_likelihood(thetas, scaled))
    return _in_points(theta, middle, unit)


def _in_points(
    theta: Floats,
    middle: float,
    unit: float,
) -> ScoreProcess:
    part = dict(zip(_PRIORS, theta, strict=True))
    # spreads are fitted as logarithms, which keeps them above 0
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
        first=float(part["first"]),
        wear=float(np.exp(part["log_wear"])),
        session_sd=float(size["session_sd"]),
    )


def _climb(likelihood: Callable[[Floats], Floats]) -> Floats:
    """Maximise log-likelihood plus prior by scoring: the information is the sum of squared
    contributions of people.
    """
    centre, spread = np.array(list(_PRIORS.values())).T
    theta = centre
    for _ in range(_MOST_STEPS):
        here, gradient, information = _derivatives(likelihood, theta)
        gradient -= (theta - centre) / spread**2
        information += np.diag(1 / spread**2)
        steps = _damped_steps(information, gradient)
        # all of them are tried together, and the best is taken
        tried = theta + np.clip(steps, -1, 1)
        risen = likelihood(tried).sum(axis=1)
        reached = risen + _log_prior(tried, centre, spread)
        gain = reached.max() - here - _log_prior(theta, centre, spread)
        if gain < _GAIN:
            break
        theta = tried[reached.argmax()]
    return theta


def _derivatives(
    likelihood: Callable[[Floats], Floats],
    theta: Floats,
) -> tuple[float, Floats, Floats]:
    """Log-likelihood, its gradient, and the sum of squared contributions of people."""
    # the point itself and one beside it along each parameter: all slopes in one call
    itself = np.zeros(theta.size)
    beside = np.eye(theta.size)
    nudge = _NUDGE * np.vstack([itself, beside])
    here = likelihood(theta + nudge)
    slopes = (here[1:] - here[0]) / _NUDGE
    return here[0].sum(), slopes.sum(axis=1), slopes @ slopes.T


def _log_prior(
    theta: Floats,
    centre: Floats,
    spread: Floats,
) -> Floats:
    far = (theta - centre) / spread
    found: Floats = -0.5 * (far**2).sum(axis=-1)
    return found


def _damped_steps(
    information: Floats,
    gradient: Floats,
) -> list[Floats]:
    """Newton's step, and shorter ones that turn towards the gradient (Levenberg-Marquardt)."""
    own = np.diag(np.diag(information))
    steps = []
    for factor in _DAMPING:
        damped = information + factor * own
        steps.append(np.asarray(np.linalg.solve(damped, gradient), np.float64))
    return steps


def _log_likelihood(
    thetas: Floats,
    series: ScoreSeries,
) -> Floats:
    """Log-likelihood of each person's scores after the baseline under each of several parameter
    vectors: (vectors, n).
    """
    part = {}
    for place, name in enumerate(_PRIORS):
        part[name] = thetas[:, [place]]
    drift = np.exp(part["log_drift"])
    wear = np.exp(part["log_wear"])
    shock = np.exp(2 * part["log_shock"])
    error = np.exp(2 * part["log_error"])
    state = _begin(part, series.score[0])
    total = np.zeros_like(state.mean[0])
    columns = (
        series.score,
        series.days,
        series.sessions,
        series.age,
        series.first_age,
    )
    later = (column[1:] for column in columns)
    dose = np.zeros_like(total)
    for score, days, sessions, age, first_age in zip(*later, strict=True):
        keep = np.exp(-drift * days)
        renewed = 1 - keep**2
        state = _drifted(state, keep, shock * renewed)
        fresh = sessions * np.exp(-wear * age)
        if not np.isnan(first_age).all():
            fresh = fresh + part["first"] * np.nan_to_num(np.exp(-wear * first_age))
        earlier = dose * np.exp(-wear * days)
        dose = earlier + fresh
        state, cost = _scored(state, dose, score, error)
        total = total - cost
    return total


# ---- where each person starts from


@dataclass(frozen=True, slots=True)
class Start:
    """Severity and own level of n people as far as their scores tell them; arrays of shape (n,), in
    points.

    Parameters
    ----------
    day : float64
        Of the last score before session 1.
    severity, severity_sd : float64
        True severity on that day: mean and SD.
    level, slope, level_sd : float64
        The own level: mean, change per point of severity above its mean, and SD around that.
    """

    day: Floats
    severity: Floats
    severity_sd: Floats
    level: Floats
    slope: Floats
    level_sd: Floats

    def of(self, places: Ints) -> Start:
        """The people in these places."""
        columns = (getattr(self, part.name) for part in fields(self))
        return Start(*(column[places] for column in columns))


def known_start(process: ScoreProcess, series: ScoreSeries) -> Start:
    """What all scores of a person tell of the day of the last one before session 1.

    Later scores are used too: levels are then spread as they are in this clinic, whatever their
    shape, and not as a bell.
    """
    before = ~series.treated & ~np.isnan(series.score)
    state = _begin(_parts(process), series.score[:1])
    state = _followed(process, state, series, before)
    # A copy that no time moves: what is learnt of severity later is learnt of the start too.
    severity, *others = state.spread
    copied = [severity[0], *severity[1:], severity[0]]
    rows = [[*row, row[0]] for row in (severity, *others)]
    state = _State([*state.mean, state.mean[0]], [*rows, copied])
    state = _followed(process, state, series, ~before)
    of_severity = np.maximum(state.spread[3][3], _TINY)
    shared = state.spread[3][1]
    slope = shared / of_severity
    left = np.maximum(state.spread[1][1] - slope * shared, 0.0)
    passed = (series.days * before).sum(axis=0)
    return Start(
        day=series.begin + passed,
        severity=state.mean[3][0],
        severity_sd=np.sqrt(of_severity[0]),
        level=state.mean[1][0],
        slope=slope[0],
        level_sd=np.sqrt(left[0]),
    )


def _followed(
    process: ScoreProcess,
    state: _State,
    series: ScoreSeries,
    used: Bools,
) -> _State:
    """The state once the used scores are known, the first row left out."""
    dose = np.zeros_like(state.mean[0])
    wear = process.wear
    for row in range(1, len(series.score)):
        use = used[row : row + 1]
        # where a score is not used the clock stands still, and nothing is learnt
        days = np.where(use, series.days[row], 0.0)
        keep = np.exp(-process.drift * days)
        state = _drifted(state, keep, process.shock_sd**2 * (1 - keep**2))
        first = process.first * np.exp(-wear * series.first_age[row])
        later = series.sessions[row] * np.exp(-wear * series.age[row])
        fresh = later + np.nan_to_num(first)
        dose = dose * np.exp(-wear * days) + np.where(use, fresh, 0.0)
        score = np.where(use, series.score[row], np.nan)
        state, _ = _scored(state, dose, score, process.error_sd**2)
    return state


def draw_start(start: Start, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw true severity and own level of each person; points, shape (n,)."""
    above = start.severity_sd * rng.standard_normal(start.day.size)
    own = start.level_sd * rng.standard_normal(start.day.size)
    return start.severity + above, start.level + start.slope * above + own


def _parts(process: ScoreProcess) -> dict[str, Floats]:
    """The process as parameters of the likelihood, each of shape (1, 1)."""
    spreads = {
        "log_start_sd": process.start_sd,
        "log_level_sd": process.level_sd,
        "log_error": process.error_sd,
        "log_session_sd": process.session_sd,
    }
    plain = ("start", "level", "link", "session")
    values = {name: getattr(process, name) for name in plain}
    values |= {name: np.log(max(sd, _TINY)) for name, sd in spreads.items()}
    return {name: np.array([[value]]) for name, value in values.items()}


# ---- the filter


class _State(NamedTuple):
    """Mean and covariance of severity, level and response to sessions, and of parts that stay as
    they are; each entry of shape (vectors, n).
    """

    mean: list[Floats]
    spread: list[list[Floats]]


def _scored(
    state: _State,
    dose: Floats,
    score: Floats,
    error: Floats | float,
) -> tuple[_State, Floats]:
    """The state once a score is known, and what the score costs in log-likelihood."""
    mean, spread = state
    # How far each part of the state moves with the score. A score is severity less dose times
    # response, so its covariance with each part is that difference of two columns.
    reach = [row[0] - dose * row[2] for row in spread]
    own = reach[0] - dose * reach[2]
    variance = own + error
    # a person without a further score neither costs nor moves
    known = ~np.isnan(score)
    expected = mean[0] - dose * mean[2]
    surprise = np.where(known, score - expected, 0.0)
    squared = surprise**2 / variance
    cost = 0.5 * (np.log(variance) + squared)
    found = []
    gain = []
    for value, moved in zip(mean, reach, strict=True):
        rate = np.where(known, moved / variance, 0.0)
        gain.append(rate)
        found.append(value + rate * surprise)
    left = []
    for row, rate in zip(spread, gain, strict=True):
        pairs = zip(row, reach, strict=True)
        left.append([entry - rate * moved for entry, moved in pairs])
    return _State(found, left), np.where(known, cost, 0.0)


def _begin(part: dict[str, Floats], baseline: Floats) -> _State:
    """What is known of each person from the baseline score."""
    variance = np.exp(2 * part["log_start_sd"])
    error = np.exp(2 * part["log_error"])
    # share of a baseline score that is severity and not error
    trust = variance / (variance + error)
    start = part["start"]
    severity = start + trust * (baseline - start)
    # adding 0 times the severity gives every entry the shape (vectors, people)
    zero = 0 * severity
    left = variance * (1 - trust) + zero
    link = part["link"]
    shared = link * left
    level = part["level"] + link * (severity - start)
    of_level = np.exp(2 * part["log_level_sd"])
    own = np.exp(2 * part["log_session_sd"]) + zero
    return _State(
        mean=[severity, level, part["session"] + zero],
        spread=[
            [left, shared, zero],
            [shared, of_level + link**2 * left, zero],
            [zero, zero, own],
        ],
    )


def _drifted(
    state: _State,
    keep: Floats,
    shock: Floats,
) -> _State:
    """The state some days later."""
    severity, level, *others = state.mean
    go = 1 - keep
    # only severity moves; the other parts stay, so their block does too
    of_severity, of_level, *_ = state.spread
    first = []
    for own, other in zip(of_severity, of_level, strict=True):
        first.append(keep * own + go * other)
    mixed = keep * first[0] + go * first[1]
    moved = keep * severity + go * level
    rows = [[mixed + shock, *first[1:]]]
    for begin, row in zip(first[1:], state.spread[1:], strict=True):
        rows.append([begin, *row[1:]])
    return _State([moved, level, *others], rows)
