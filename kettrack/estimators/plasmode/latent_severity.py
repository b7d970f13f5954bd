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
from dataclasses import dataclass
from typing import Final

import numpy as np

from kettrack.arrays import Floats, Ints
from kettrack.errors import NotIdentified
from kettrack.estimators.plasmode.severity_filter import (
    FAR_SD,
    ScoreProcess,
    ScoreSeries,
    begin_filter,
    days_later,
    first_people,
    follow_scores,
    process_parts,
    score_known,
)

FEWEST_PAIRS_OFF_TREATMENT: Final = 50  # score pairs without a session in between
FEWEST_PEOPLE_OFF_TREATMENT: Final = 20  # people who have such a pair
# Scores far from what the model expects: one in ten thousand where it holds, one in fifty where
# effects are lost at one moment.
MOST_FAR_PERCENT: Final = 1.0
# Weak priors, centre and spread, in units of the SD of all scores and in days: they decide only
# what the data leave open.
_PRIORS: Final = {
    # From the mean first score, which is seen. Where people are taken in by that score it lies
    # above true severity, and never below.
    "start": (-0.1, 0.3),
    "log_start_sd": (-0.7, 0.7),
    "level": (0.0, 1.0),
    "link": (0.0, 0.5),
    "log_level_sd": (-0.1, 0.7),
    "log_drift": (-3.0, 1.0),
    "log_shock": (-1.1, 0.7),
    "log_error": (-1.2, 0.5),
    "session": (0.05, 0.3),
    # Like any later one until scores say otherwise: a centre above 1 would take from the natural
    # course, and so flatter the sessions, where one score before session 1 cannot tell.
    "log_first": (0.0, 0.8),
    "log_wear": (-3.9, 0.7),
    # As a share of the mean: sessions that do nothing do it to everybody, while a spread of its own
    # would take chance for sessions that help some people.
    "log_session_spread": (0.0, 0.7),
}
_NUDGE: Final = 1e-5  # of a parameter, for its slope
# shares of the information added to itself; 0 is Newton's step
_DAMPING: Final = (0.0, 0.3, 3.0, 30.0, 300.0)
_MOST_STEPS: Final = 60
_BOOTSTRAP_STEPS: Final = (
    2  # from the fit; further ones move nothing that an interval shows
)
_GAIN: Final = 1e-3  # in log-likelihood: far below what a standard error is made of
# People worked on at a time: what is known of them stays in the processor's cache.
_TOGETHER: Final = 500


@dataclass(frozen=True, slots=True)
class SeverityFit:
    """A fitted course of severity that can be fitted again to other shares of the same people.

    Parameters
    ----------
    process : ScoreProcess
        As fitted.
    theta : float64
        Its parameters, in units of the spread of scores.
    slopes : float64, shape (parameters, n)
        Of each person's log-likelihood there.
    scaled : ScoreSeries
        Their scores, in units of that spread from their centre.
    middle, unit : float
        Centre and spread of the scores, points.
    """

    process: ScoreProcess
    theta: Floats
    slopes: Floats
    scaled: ScoreSeries
    middle: float
    unit: float

    def refitted(
        self,
        times: Ints,
        rng: np.random.Generator,
    ) -> ScoreProcess:
        """The process where each person counts so many times: some steps of scoring from the fit,
        as far as a bootstrap needs it.

        The centres of the priors are drawn anew. With fixed centres, what the data leave open would
        be as good as known, and an interval too short.
        """
        centre, spread = _priors()
        drawn = centre + spread * rng.standard_normal(centre.size)
        theta = self._step(self.theta, self.slopes, times, drawn)
        # whoever was not drawn counts for nothing
        chosen = np.flatnonzero(times)
        for _ in range(_BOOTSTRAP_STEPS - 1):
            _, slopes = _derivatives(
                lambda thetas: _log_likelihood(thetas, self.scaled, chosen),
                theta,
            )
            theta = self._step(theta, slopes, times[chosen], drawn)
        return _in_points(theta, self.scaled, self.middle, self.unit)

    def _step(
        self,
        theta: Floats,
        slopes: Floats,
        times: Ints,
        centre: Floats,
    ) -> Floats:
        _, spread = _priors()
        counted = slopes * times
        gradient = counted.sum(axis=1) - (theta - centre) / spread**2
        information = counted @ slopes.T + np.diag(1 / spread**2)
        step = np.linalg.solve(information, gradient)
        return theta + np.clip(step, -1, 1)


def fit_score_process(series: ScoreSeries) -> SeverityFit:
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
    SeverityFit

    Raises
    ------
    NotIdentified
        With fewer than 50 score pairs without a session in between, or fewer than 20 people who
        have one: what sessions do cannot then be told from natural course. With scores that jump:
        more than 1 % are farther than 4 standard deviations from what the model expects of them.
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
        edge=series.edge,
        step=series.step / unit,
    )
    everybody = np.arange(scaled.begin.size)
    theta, slopes = _climb(lambda thetas: _log_likelihood(thetas, scaled, everybody))
    process = _in_points(theta, scaled, middle, unit)
    _require_no_jumps(process, series)
    return SeverityFit(
        process,
        theta,
        slopes,
        scaled,
        middle,
        unit,
    )


def _require_no_jumps(process: ScoreProcess, series: ScoreSeries) -> None:
    """Refuse where severity does not drift but jumps: the natural course is then not that of the
    model.
    """
    used = ~np.isnan(series.score)
    _, far = follow_scores(
        process, begin_filter(process_parts(process), series.score[:1]), series, used
    )
    share = 100 * far / max(int(used[1:].sum()), 1)
    if share <= MOST_FAR_PERCENT:
        return
    raise NotIdentified(
        f"{share:.1f} % of the scores are more than {FAR_SD:g} standard deviations from what the"
        f" model expects of them, where at most {MOST_FAR_PERCENT:g} % may be. Scores jump here, as"
        " when a response is held and then lost on one day. The model knows only severity that"
        " changes little by little.",
        "nothing more, where people do change that fast; else look for scores that were entered"
        " wrongly.",
    )


def _in_points(
    theta: Floats,
    scaled: ScoreSeries,
    middle: float,
    unit: float,
) -> ScoreProcess:
    part = dict(zip(_PRIORS, theta, strict=True))
    # spreads are fitted as logarithms, which keeps them above 0
    size = {
        name: unit * np.exp(part[f"log_{name}"])
        for name in ("start_sd", "level_sd", "shock", "error")
    }
    session = unit * part["session"]
    start = scaled.mean_first + part["start"]
    return ScoreProcess(
        start=float(middle + unit * start),
        start_sd=float(size["start_sd"]),
        level=float(middle + unit * part["level"]),
        link=float(part["link"]),
        level_sd=float(size["level_sd"]),
        drift=float(np.exp(part["log_drift"])),
        shock_sd=float(size["shock"]),
        error_sd=float(size["error"]),
        session=float(session),
        first=float(np.exp(part["log_first"])),
        wear=float(np.exp(part["log_wear"])),
        session_sd=float(np.exp(part["log_session_spread"]) * abs(session)),
    )


def _priors() -> tuple[Floats, Floats]:
    """Centres and spreads of the priors."""
    centre, spread = np.array(list(_PRIORS.values())).T
    return centre, spread


def _climb(likelihood: Callable[[Floats], Floats]) -> tuple[Floats, Floats]:
    """Maximise log-likelihood plus prior by scoring: the information is the sum of squared
    contributions of people. The place reached, and the slopes of each person's part there.
    """
    centre, spread = _priors()
    theta = centre
    for _ in range(_MOST_STEPS):
        here, slopes = _derivatives(likelihood, theta)
        gradient = slopes.sum(axis=1) - (theta - centre) / spread**2
        information = slopes @ slopes.T + np.diag(1 / spread**2)
        steps = _damped_steps(information, gradient)
        # all of them are tried together, and the best is taken
        tried = theta + np.clip(steps, -1, 1)
        risen = likelihood(tried).sum(axis=1)
        reached = risen + _log_prior(tried, centre, spread)
        gain = reached.max() - here - _log_prior(theta, centre, spread)
        if gain < _GAIN:
            break
        theta = tried[reached.argmax()]
    return theta, slopes


def _derivatives(
    likelihood: Callable[[Floats], Floats],
    theta: Floats,
) -> tuple[float, Floats]:
    """Log-likelihood, and the slopes of each person's part of it."""
    # the point itself and one beside it along each parameter: all slopes in one call
    itself = np.zeros(theta.size)
    beside = np.eye(theta.size)
    nudge = _NUDGE * np.vstack([itself, beside])
    here = likelihood(theta + nudge)
    slopes = (here[1:] - here[0]) / _NUDGE
    return here[0].sum(), np.asarray(slopes, np.float64)


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
    people: Ints,
) -> Floats:
    """Log-likelihood of the scores of some people after the baseline under each of several
    parameter vectors: (vectors, people).
    """
    part = {name: thetas[:, [place]] for place, name in enumerate(_PRIORS)}
    part["start"] = part["start"] + series.mean_first
    # those with most scores first, so that whoever has no more stands at the end and is let go
    scores = (~np.isnan(series.score[:, people])).sum(axis=0)
    order = np.argsort(-scores, kind="stable")
    total = np.empty((len(thetas), order.size))
    for begin in range(0, order.size, _TOGETHER):
        chosen = order[begin : begin + _TOGETHER]
        total[:, chosen] = _follow(part, series, people[chosen], scores[chosen])
    return total


def _follow(
    part: dict[str, Floats],
    series: ScoreSeries,
    people: Ints,
    scores: Ints,
) -> Floats:
    """Log-likelihood of some people, who stand in the order of their number of scores."""
    drift = np.exp(part["log_drift"])
    wear = np.exp(part["log_wear"])
    first = np.exp(part["log_first"])
    shock = np.exp(2 * part["log_shock"])
    error = np.exp(2 * part["log_error"])
    state = begin_filter(part, series.score[:1, people][0])
    total = np.zeros_like(state.mean[0])
    dose = np.zeros_like(total)
    for row in range(1, int(scores[0])):
        still = people[: np.searchsorted(-scores, -row)]
        state = first_people(state, still.size)
        days = series.days[row, still]
        keep = np.exp(-drift * days)
        state = days_later(state, keep, shock * (1 - keep**2))
        fresh = series.sessions[row, still] * np.exp(-wear * series.age[row, still])
        first_age = series.first_age[row, still]
        if not np.isnan(first_age).all():
            fresh = fresh + first * np.nan_to_num(np.exp(-wear * first_age))
        dose = dose[:, : still.size] * np.exp(-wear * days) + fresh
        state, cost, _ = score_known(
            state,
            dose,
            score=series.score[row, still],
            error=error,
            edge=series.edge[row, still],
            step=series.step,
        )
        total[:, : still.size] -= cost
    return total
