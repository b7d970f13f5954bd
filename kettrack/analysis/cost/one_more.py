"""What going on costs for each additional person in response: cost and response are both outcomes
of the trials of the next session, at equal histories.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from kettrack.analysis.context import NORMAL_QUANTILE
from kettrack.analysis.next_session.answer_table import left_out_instrument
from kettrack.analysis.next_session.outcome_model import (
    Interval,
    fit_trials,
    fitted_to,
)
from kettrack.analysis.next_session.protocol import first_course
from kettrack.analysis.next_session.trials import Trials, find_trials
from kettrack.analysis.response.exits import require_rule
from kettrack.arrays import Bools, Floats, Ints
from kettrack.errors import NotIdentified
from kettrack.estimators.difference import fieller
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.session_days import day_key
from kettrack.timelines.states import measures, meets
from kettrack.vocabulary.days import NEXT_SESSION_GRACE_DAYS

_NO_COST: Final = (
    "too few of the sessions between a decision and its score have a cost.",
    "cost of each session in sessions.csv.",
)


@dataclass(frozen=True, slots=True)
class OneMore:
    """Going on against pausing.

    Parameters
    ----------
    cost : Interval
        More money until the score after the decision.
    responders : Interval
        More people in response at that score, as a share of the decisions.
    ratio : Interval
        Cost of each additional responder; the upper end is infinite where the data also fit none,
        and the estimate is missing where no more people responded.
    days : float
        Mean days from the decision to the score.
    people : int
        Behind the decisions.
    """

    cost: Interval
    responders: Interval
    ratio: Interval
    days: float
    people: int


def cost_of_one_more(cohort: DerivedCohort) -> OneMore:
    """The trials of the next session with two other outcomes than the score.

    Raises
    ------
    NotIdentified
        As `fit_trials`; where the rules have no response; where sessions have no cost; where all
        scores are in response, or none is.
    """
    require_rule(cohort, "response")
    protocol = first_course(NEXT_SESSION_GRACE_DAYS)
    points = protocol.points(cohort, left_out_instrument(cohort))
    recall = cohort.instrument.recall(None).days
    trials = find_trials(points, protocol.grace(points), recall)
    money = _cost_meanwhile(cohort, trials)
    known = ~np.isnan(money)
    if not known.any():
        raise NotIdentified(*_NO_COST)
    response = _known_response(cohort, trials, known)
    model = fit_trials(
        trials.with_outcome(response),
        protocol.weighted_for_wait,
    )
    seen = model.trials
    responders = model.difference()
    cost = fitted_to(model, money).difference()
    # the variance of a difference of both tells how they vary together
    scale = _error(cost) / _error(responders)
    apart = fitted_to(model, money - scale * response).difference()
    top = _error(cost) ** 2
    bottom = _error(responders) ** 2
    twice = top + scale**2 * bottom - _error(apart) ** 2
    low, high = fieller(
        cost.estimate,
        responders.estimate,
        (top, bottom, twice / (2 * scale)),
        NORMAL_QUANTILE,
    )
    both_more = cost.estimate > 0 and responders.estimate > 0
    ratio = np.nan
    if both_more:
        ratio = cost.estimate / responders.estimate
    return OneMore(
        cost=cost,
        responders=responders,
        ratio=Interval(ratio, low, high),
        days=float(np.nanmean(seen.after[seen.observed])),
        people=seen.n_people,
    )


def _known_response(cohort: DerivedCohort, trials: Trials, known: Bools) -> Floats:
    """`_in_response`, missing where no cost is known; refused where all scores are in response, or
    none is: no difference can be told then.
    """
    response = _in_response(cohort, trials)
    if len(np.unique(response[known])) < 2:
        how_many = "every score" if response[known].any() else "no score"
        raise NotIdentified(
            f"{how_many} after a decision is in response, so nobody can tell whether one more"
            " session makes it more likely.",
            "more patients.",
        )
    return np.where(known, response, np.nan)


def _error(
    found: Interval,
) -> float:
    half = (found.high - found.low) / 2
    return half / NORMAL_QUANTILE


def _in_response(
    cohort: DerivedCohort,
    trials: Trials,
) -> Floats:
    """1 where the score after the decision meets the rule of response by itself, else 0."""
    baseline = np.asarray(cohort.baselines.score)
    values = measures(
        trials.outcome,
        baseline[trials.patient],
        cohort.bucket.zero,
    )
    met = meets(cohort.criteria.response, values)
    return np.asarray(met, np.float64)


def _cost_meanwhile(
    cohort: DerivedCohort,
    trials: Trials,
) -> Floats:
    """Cost of all sessions between each decision and its score; missing where one has none, and
    without a score.
    """
    sessions = cohort.sessions
    place = cohort.cohort.patient_places("sessions")
    inside = place >= 0
    day = sessions["day"].to_numpy(np.int64)
    key = day_key(place, day)[inside]
    cost = sessions["cost"].astype("Float64")
    money = cost.to_numpy(np.float64, na_value=np.nan)[inside]
    days, of_day = np.unique(
        key,
        return_inverse=True,
    )
    none = np.isnan(money)
    known_money = np.where(
        none,
        0.0,
        money,
    )
    spent = _added_up(of_day, known_money)
    without = _added_up(of_day, none)
    decided = day_key(trials.patient, trials.day)
    begin = np.searchsorted(
        days,
        decided,
        "right",
    )
    received = np.nan_to_num(trials.received)
    end = begin + received.astype(np.int64)
    known = without[end] == without[begin]
    return np.where(
        known & trials.observed,
        spent[end] - spent[begin],
        np.nan,
    )


def _added_up(
    of_day: Ints,
    values: Floats | Bools,
) -> Floats:
    """Sums up to each day, and 0 before the first."""
    each = np.bincount(of_day, values)
    so_far = np.cumsum(each)
    return np.concatenate([[0.0], so_far])
