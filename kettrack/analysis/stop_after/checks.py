"""Whether the data carry "stop after k" against "stop after m": which numbers may be compared, and what stands against it."""

from __future__ import annotations

from typing import Final

import numpy as np

from kettrack.analysis.stop_after.history import HORIZON, WINDOW
from kettrack.analysis.stop_after.rows import StopData
from kettrack.errors import NotIdentified
from kettrack.estimators.strategies import Floats, Following
from kettrack.estimators.weights import WeightSummary, describe_weights

USUAL: Final = (6, 3)  # compared where nobody asks for other numbers
FEWEST_FOLLOWERS: Final = 30
IN_TIME: Final = 0.9  # of those who have k sessions must have had them before the outcome can look back on them
FEWEST_EFFECTIVE: Final = 50
LARGEST_SHARE: Final = 0.05
LEAST_SEEN: Final = 50.0  # percent
LARGEST_GAP: Final = 20.0  # percentage points
MOST_UNSUPPORTED: Final = 0.10


def in_time(data: StopData, recall: int) -> tuple[int, ...]:
    """Numbers of sessions that 90 % of those who had so many had before the outcome window and its recall begin."""
    latest = HORIZON - WINDOW - recall
    numbers = range(1, data.first_days.shape[1] + 1)
    days = [data.first_days[:, number - 1] for number in numbers]
    return tuple(k for k, day in zip(numbers, days, strict=True) if (day[~np.isnan(day)] <= latest).mean() >= IN_TIME)


def comparable(data: StopData, following: Following, recall: int) -> tuple[int, ...]:
    """Numbers of sessions that are over in time and that at least 30 people stopped at by themselves."""
    followers = np.bincount(following.sessions, minlength=data.first_days.shape[1] + 1)
    return tuple(k for k in in_time(data, recall) if followers[k] >= FEWEST_FOLLOWERS)


def choose_pair(allowed: tuple[int, ...], k: int | None, m: int | None) -> tuple[int, int]:
    """The pair asked for, else 6 and 3, else the two that lie farthest apart.

    Raises
    ------
    NotIdentified
        When a number asked for cannot be compared, or there are no two.

    Examples
    --------
    >>> choose_pair((1, 2, 3, 4, 5, 6, 7), None, None), choose_pair((2, 3, 4), None, None)
    ((6, 3), (4, 2))
    """
    for asked in (k, m):
        if asked is not None and asked not in allowed:
            raise NotIdentified(
                f"stopping after {asked} cannot be compared: at least {FEWEST_FOLLOWERS} people must have stopped there by "
                f"themselves, and nine in ten of those who had {asked} sessions must have had them before the days that the "
                f"score of day {HORIZON} looks back on. Possible here: {', '.join(map(str, allowed)) or 'none'}.",
                "more patients, with every session dated and observed_to_day; or compare other numbers.",
            )
    if len(allowed) < 2 or (k is not None and k == m):
        raise NotIdentified(
            f"fewer than two numbers of sessions can be compared: at each, at least {FEWEST_FOLLOWERS} people must have "
            f"stopped by themselves, before the days that the score of day {HORIZON} looks back on.",
            "more patients, or a clinic in which courses differ in length.",
        )
    if k is not None and m is not None:
        return k, m
    usual = (k or USUAL[0], m or USUAL[1])
    if usual[0] != usual[1] and set(usual) <= set(allowed):
        return usual
    low, high = allowed[0], allowed[-1]
    if k is not None:
        return k, low if low != k else high
    return (high if high != m else low), low if m is None else m


def window_weights(following: Following, weights: Floats, k: int, reach: int = 1) -> WeightSummary:
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
    collect = "more patients; or treat people who are alike for different numbers of sessions by plan, and record the plan."
    if summary.ess < FEWEST_EFFECTIVE - 1e-6:
        raise NotIdentified(
            f"these data cannot say {better}: only {summary.ess:.0f} people's worth of information on {k}; at least "
            f"{FEWEST_EFFECTIVE} are wanted.",
            collect,
        )
    if summary.largest_share > LARGEST_SHARE:
        raise NotIdentified(
            f"these data cannot say {better}: one person carries {100 * summary.largest_share:.0f} % of the information on "
            f"{k}; at most {100 * LARGEST_SHARE:.0f} % is allowed.",
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
    usual_gap = float(np.nanmedian(np.diff(data.first_days, axis=1))) if data.first_days.shape[1] > 1 else 1.0
    if early.any() and not (data.scored_to[early] >= data.last_day[early] + usual_gap).any():
        raise NotIdentified("nobody was scored after the last session, so nothing is known of those who stop.", collect)
    seen = {number: 100 * float(data.observed[following.sessions == number].mean()) for number in (k, m)}
    said = " and ".join(f"{share:.0f} % of those who stopped after {number}" for number, share in seen.items())
    if min(seen.values()) < LEAST_SEEN:
        raise NotIdentified(f"the score around day {HORIZON} is there for {said}; at least half is wanted.", collect)
    if abs(seen[k] - seen[m]) > LARGEST_GAP:
        raise NotIdentified(
            f"the score around day {HORIZON} is there for {said}; more than {LARGEST_GAP:.0f} points apart.",
            collect,
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
            f"{100 * share:.0f} % of the decisions to go on were next to certain either way, as at a planned end; where "
            "everybody does the same there is nobody to compare with.",
            "patients treated for different numbers of sessions although they were alike.",
        )
