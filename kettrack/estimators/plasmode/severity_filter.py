"""The course of severity under measurement error, score by score: what is known of a person after
each (Kalman filter), for many people and many parameter vectors at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from scipy.special import log_ndtr

from kettrack.arrays import Bools, Floats

FAR_SD: Final = (
    4.0  # standard deviations from which a score is far from what was expected
)
TINY: Final = (
    1e-9  # a spread of nothing, where one is divided by or its logarithm is taken
)


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
    edge : float64
        -1 where a score is the lowest there is, 1 where it is the highest, else 0.
    step : float
        Half a step between two scores, points; 0 where scores are not rounded.
    """

    score: Floats
    days: Floats
    sessions: Floats
    age: Floats
    first_age: Floats
    begin: Floats
    edge: Floats
    step: float

    @property
    def treated(self) -> Bools:
        """Whether any session lies before each score, shape (T, n)."""
        anew = (self.sessions > 0) | ~np.isnan(self.first_age)
        return np.asarray(np.logical_or.accumulate(anew, axis=0))

    @property
    def mean_first(self) -> float:
        """Mean of the first scores: about where people start from."""
        return float(self.score[0].mean())

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


class FilterState(NamedTuple):
    """Mean and covariance of severity, level and response to sessions, and of parts that stay as
    they are; each entry of shape (vectors, n).
    """

    mean: list[Floats]
    spread: list[list[Floats]]


def score_known(
    state: FilterState,
    dose: Floats,
    score: Floats,
    error: Floats | float,
    edge: Floats,
    step: float,
) -> tuple[FilterState, Floats, Floats]:
    """The state once a score is known, what the score costs in log-likelihood, and the square of
    its distance from what was expected, in standard deviations.

    A score at an end of the scale tells only that somebody is there or beyond. Taken at its word it
    would make errors look smaller than they are, and everybody more alike.
    """
    mean, spread = state
    # How far each part of the state moves with the score. A score is severity less dose times
    # response, so its covariance with each part is that difference of two columns.
    reach = [row[0] - dose * row[2] for row in spread]
    own = reach[0] - dose * reach[2]
    variance = own + error
    # a person without a further score neither costs nor moves
    known = ~np.isnan(score)
    expected = mean[0] - dose * mean[2]
    surprise = _where_known(score - expected, known)
    squared = surprise**2 / variance
    cost = 0.5 * (np.log(variance) + squared)
    # how much of the spread that a score could take away this one does
    told = np.ones_like(variance)
    ends = np.flatnonzero((edge != 0) & known)
    if ends.size:
        at_end = _beyond(
            surprise[:, ends] - edge[ends] * step,
            np.sqrt(variance[:, ends]),
            edge[ends],
        )
        surprise[:, ends], told[:, ends], cost[:, ends], squared[:, ends] = at_end
    found = []
    gain = []
    for value, moved in zip(mean, reach, strict=True):
        rate = _where_known(moved / variance, known)
        gain.append(rate * told)
        found.append(value + rate * surprise)
    left = []
    for row, rate in zip(spread, gain, strict=True):
        pairs = zip(
            row,
            reach,
            strict=True,
        )
        left.append([entry - rate * moved for entry, moved in pairs])
    return FilterState(found, left), _where_known(cost, known), squared


def _where_known(values: Floats, known: Bools) -> Floats:
    """0 where there is no score."""
    # mostly everybody has one, and nothing need be copied
    return values if known.all() else np.where(known, values, 0.0)


def _beyond(
    distance: Floats,
    spread: Floats,
    edge: Floats,
) -> tuple[Floats, Floats, Floats, Floats]:
    """What it tells that a score lies beyond a limit: by how much it is expected to differ, the
    share of its spread that goes, its cost in log-likelihood, and the square of its distance.

    Parameters
    ----------
    distance : float64
        From what was expected to the limit, points.
    spread : float64
        Standard deviation of the score.
    edge : float64
        -1: below the limit; 1: above it.
    """
    # a normal distribution cut off at the limit (Tobin); its first two moments are kept
    room = -edge * distance / spread
    log_chance = log_ndtr(room)
    pull = np.exp(-0.5 * room**2 - log_chance) / np.sqrt(2 * np.pi)
    # the constant that the cost of an ordinary score leaves out
    cost = -log_chance - 0.5 * np.log(2 * np.pi)
    return (
        edge * pull * spread,
        pull * (pull + room),
        cost,
        np.minimum(room, 0.0) ** 2,
    )


def begin_filter(
    part: dict[str, Floats],
    baseline: Floats,
) -> FilterState:
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
    # people differ in what a session does by a share of its mean
    own = np.exp(2 * part["log_session_spread"]) * part["session"] ** 2 + zero
    return FilterState(
        mean=[severity, level, part["session"] + zero],
        spread=[
            [left, shared, zero],
            [shared, of_level + link**2 * left, zero],
            [zero, zero, own],
        ],
    )


def first_people(state: FilterState, n: int) -> FilterState:
    """What is known of the first n people."""
    if state.mean[0].shape[1] == n:
        return state
    return FilterState(
        mean=[part[:, :n] for part in state.mean],
        spread=[[entry[:, :n] for entry in row] for row in state.spread],
    )


def days_later(
    state: FilterState,
    keep: Floats,
    shock: Floats,
) -> FilterState:
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
    return FilterState([moved, level, *others], rows)


def process_parts(
    process: ScoreProcess,
) -> dict[str, Floats]:
    """The process as parameters of the likelihood, each of shape (1, 1)."""
    spreads = {
        "log_start_sd": process.start_sd,
        "log_level_sd": process.level_sd,
        "log_error": process.error_sd,
        "log_session_spread": process.session_sd / max(abs(process.session), TINY),
    }
    plain = ("start", "level", "link", "session")
    values = {name: getattr(process, name) for name in plain}
    values |= {name: np.log(max(sd, TINY)) for name, sd in spreads.items()}
    return {name: np.array([[value]]) for name, value in values.items()}


def follow_scores(
    process: ScoreProcess,
    state: FilterState,
    series: ScoreSeries,
    used: Bools,
) -> tuple[FilterState, int]:
    """The state once the used scores are known, the first row left out; and how many of them were
    far from what was expected.
    """
    far = 0
    dose = np.zeros_like(state.mean[0])
    wear = process.wear
    for row in range(1, len(series.score)):
        use = used[row : row + 1]
        if not use.any():
            continue
        # where a score is not used the clock stands still, and nothing is learnt
        days = np.where(
            use,
            series.days[row],
            0.0,
        )
        keep = np.exp(-process.drift * days)
        state = days_later(
            state,
            keep,
            process.shock_sd**2 * (1 - keep**2),
        )
        first = process.first * np.exp(-wear * series.first_age[row])
        later = series.sessions[row] * np.exp(-wear * series.age[row])
        fresh = later + np.nan_to_num(first)
        dose = dose * np.exp(-wear * days) + np.where(use, fresh, 0.0)
        score = np.where(
            use,
            series.score[row],
            np.nan,
        )
        state, _, squared = score_known(
            state,
            dose,
            score,
            process.error_sd**2,
            series.edge[row],
            series.step,
        )
        far += int((squared > FAR_SD**2).sum())
    return state, far
