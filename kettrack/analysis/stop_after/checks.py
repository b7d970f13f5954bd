"""Whether the data carry "stop after k" against "stop after m": which numbers may be compared, and
what stands against it.
"""

from __future__ import annotations

from math import ceil, floor
from typing import Final

import numpy as np

from kettrack.analysis.stop_after.history import HORIZON, WINDOW
from kettrack.analysis.stop_after.rows import StopData
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.causal.stop_strategies import Following
from kettrack.estimators.causal.weights import WeightSummary, describe_weights

FEWEST_FOLLOWERS: Final = 30
# of those who have k sessions must have had them before the outcome can look back on them
IN_TIME: Final = 0.9
FEWEST_EFFECTIVE: Final = 50
LARGEST_SHARE: Final = 0.05
LEAST_SEEN: Final = 50.0  # percent
LARGEST_GAP: Final = 20.0  # percentage points
MOST_UNSUPPORTED: Final = 0.10
MEAN_WEIGHT: Final = (0.9, 1.1)  # of a compared window, where the models fit


def in_time(data: StopData, recall: int) -> tuple[int, ...]:
    """Numbers of sessions that 90 % of those who had so many had before the outcome window and its
    recall begin.

    Those who are slow count too, also where they had the last of so many only after the horizon.
    """
    latest = HORIZON - WINDOW - recall
    numbers = range(1, data.first_days.shape[1] + 1)
    days = [data.course_days[:, number - 1] for number in numbers]
    return tuple(
        k
        for k, day in zip(numbers, days, strict=True)
        if (day[~np.isnan(day)] <= latest).mean() >= IN_TIME
    )


def comparable(data: StopData, following: Following, recall: int) -> tuple[int, ...]:
    """Numbers of sessions that are over in time and that at least 30 people stopped at by
    themselves.
    """
    followers = np.bincount(following.sessions, minlength=data.first_days.shape[1] + 1)
    return tuple(k for k in in_time(data, recall) if followers[k] >= FEWEST_FOLLOWERS)


def below(value: float, limit: float) -> str:
    """A number, rounded; one that is too small and would round to its limit keeps a decimal, and is
    never rounded up to it.

    Examples
    --------
    >>> below(49.97, 50), below(46.2, 50), below(61.5, 50)
    ('49.9', '46', '62')
    """
    return (
        f"{floor(10 * value) / 10:.1f}"
        if value < limit and round(value) >= limit
        else f"{value:.0f}"
    )


def above(value: float, limit: float) -> str:
    """A number, rounded; one that is too large and would round to its limit keeps a decimal, and is
    never rounded down to it.

    Examples
    --------
    >>> above(5.22, 5), above(6.4, 5)
    ('5.3', '6')
    """
    return (
        f"{ceil(10 * value) / 10:.1f}"
        if value > limit and round(value) <= limit
        else f"{value:.0f}"
    )


def window_weights(
    following: Following, weights: Floats, k: int, reach: int = 1
) -> WeightSummary:
    """Weights of those observed who stopped at k, or up to `reach` sessions from it.

    Raises
    ------
    NotIdentified
        When there is nobody.
    """
    near = following.followed & (np.abs(following.sessions - k) <= reach)
    return describe_weights(np.where(near, weights, 0.0))


def require_window(summary: WeightSummary, k: int, other: int) -> None:
    """Stop where a handful of people would have to speak for everybody.

    Raises
    ------
    NotIdentified
        Fewer than 50 effective people, or one with more than 5 % of the weight.
    """
    better = f"whether {max(k, other)} sessions beat {min(k, other)}"
    collect = (
        "more patients; or treat people who are alike for different numbers of sessions by plan,"
        " and record the plan."
    )
    if summary.ess < FEWEST_EFFECTIVE - 1e-6:
        raise NotIdentified(
            f"these data cannot say {better}: only {below(summary.ess, FEWEST_EFFECTIVE)}"
            f" people's worth of information on {k}; at least {FEWEST_EFFECTIVE} are wanted.",
            collect,
        )
    if summary.largest_share > LARGEST_SHARE:
        raise NotIdentified(
            f"these data cannot say {better}: one person carries"
            f" {above(100 * summary.largest_share, 100 * LARGEST_SHARE)} % of the information on"
            f" {k}; at most {100 * LARGEST_SHARE:.0f} % is allowed.",
            collect,
        )


def require_outcomes(data: StopData, following: Following, k: int, m: int) -> None:
    """Stop where the score at the horizon is missing too often, or scores end with the sessions.

    Raises
    ------
    NotIdentified
        With what to record.
    """
    collect = f"a score around day {HORIZON} of everybody, also of those who stopped long before."
    early = following.followed & (data.last_day < HORIZON - 2 * WINDOW)
    usual_gap = (
        float(np.nanmedian(np.diff(data.first_days, axis=1)))
        if data.first_days.shape[1] > 1
        else 1.0
    )
    if (
        early.any()
        and not (data.scored_to[early] >= data.last_day[early] + usual_gap).any()
    ):
        raise NotIdentified(
            "nobody was scored after the last session, so nothing is known of those who stop.",
            collect,
        )
    seen = {
        number: 100 * float(data.observed[following.sessions == number].mean())
        for number in (k, m)
    }
    if min(seen.values()) < LEAST_SEEN:
        said = " and ".join(
            f"{below(seen[number], LEAST_SEEN)} % of those who stopped after {number}"
            for number in seen
        )
        raise NotIdentified(
            f"the score around day {HORIZON} is there for {said}; at least half is wanted.",
            collect,
        )
    apart = abs(seen[k] - seen[m])
    if apart > LARGEST_GAP:
        said = " and ".join(
            f"{share:.0f} % of those who stopped after {number}"
            for number, share in seen.items()
        )
        raise NotIdentified(
            f"the score around day {HORIZON} is there for {said}: {above(apart, LARGEST_GAP)}"
            f" points apart; at most {LARGEST_GAP:.0f} are allowed.",
            collect,
        )


def require_remission(data: StopData) -> None:
    """Stop where no score can end a strategy.

    Raises
    ------
    NotIdentified
        The criteria define no remission by the score.
    """
    if data.no_remission:
        raise NotIdentified(
            data.no_remission, "criteria with a remission that is a cut on the score."
        )


def require_support(share: float) -> None:
    """Stop where nearly everybody goes on, or stops, at the same session.

    Raises
    ------
    NotIdentified
        More than 10 % of decisions with a chance to go on outside 2 to 98 %.
    """
    if share > MOST_UNSUPPORTED:
        raise NotIdentified(
            f"{100 * share:.0f} % of the decisions to go on were next to certain either way, as"
            " at a planned end; where everybody does the same there is nobody to compare with.",
            "patients treated for different numbers of sessions although they were alike.",
        )
