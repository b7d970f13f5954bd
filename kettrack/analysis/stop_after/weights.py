"""Weights of those who followed a strategy, and the contrasts made of them: once, or for many
bootstrap replicates together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from kettrack.analysis.stop_after.history import HORIZON, WINDOW
from kettrack.analysis.stop_after.rows import GRACE, StopData
from kettrack.arrays import Floats, Numbers
from kettrack.estimators.causal.stop_strategies import (
    Following,
    following_probability,
    observed_chance,
    probability_within_grace,
    session_hazard,
    share_following,
    smooth_means,
    stop_after_last,
    weighted_mean,
)
from kettrack.estimators.intervals import patient_weights
from kettrack.timelines.bucket import Array

STEPS: Final = 10  # reports of progress in a bootstrap
LEAST_CHANCE: Final = 0.02
FAMILIES: Final = ("static", "other", "dynamic")  # contrasts that share their weights


@dataclass(frozen=True, slots=True)
class Pair:
    """What is compared.

    Parameters
    ----------
    k, m : int
        "Stop after k" against "stop after m".
    usual_care : bool
        Sessions that come later than the grace after the last one are allowed.
    largest : int
        Largest number of sessions that is over in time; followers of more are left out of the
        smooth model.
    """

    k: int
    m: int
    usual_care: bool
    largest: int


def static_following(data: StopData, usual_care: bool) -> Following:
    """Who followed "stop after k" for some k, each for their own."""
    followed = np.ones(data.n, dtype=bool) if usual_care else ~data.later
    return stop_after_last(data.rows, data.sessions, followed, usual_care)


def following_at_most(data: StopData, most: int) -> Following:
    """Who followed "at most so many sessions, and stop once a second score in a row shows
    remission".

    Up to that score the next session had to come within the grace. One session in the 7 days after
    it may come or not, so neither is weighted; a later one is a departure.
    """
    before = (data.first_days <= data.trigger[:, None]).sum(axis=1)
    day_before = data.first_days[np.arange(data.n), before - 1]
    triggered = (before < most) & (
        data.trigger <= np.minimum(day_before + GRACE, HORIZON)
    )
    after = data.sessions - before
    allowed = (after == 0) | ((after == 1) & (data.last_day <= data.trigger + WINDOW))
    full = (before >= most) & (data.sessions == most)
    followed = ~data.later & np.where(triggered, allowed, full)
    rows = data.rows
    who = data.rows.patient
    go_to = np.where(triggered, before, data.sessions)
    free_to = np.where(triggered & (after == 0), data.trigger + WINDOW, -1)[who]
    length = data.row_end - data.row_start + 1
    away = np.clip(
        (data.row_end - np.maximum(data.row_start, free_to + 1) + 1) / length, 0, 1
    )
    at_last = rows.session == data.sessions[who]
    had_to_go_on = followed[who] & rows.in_grace & (rows.session < go_to[who])
    cut = (followed & triggered)[who] & rows.in_grace & (rows.session == before[who])
    left = np.clip(
        (data.row_end - np.maximum(data.row_start, data.trigger[who] + 1) + 1) / length,
        0,
        1,
    )
    return Following(
        np.where(followed, most, 0),
        had_to_go_on,
        np.where(followed[who] & at_last, away, 0.0),
        np.where(cut, left, np.nan),
    )


def chance_observed(data: StopData, counted: Numbers | None = None) -> Floats:
    """Fitted probability that the score at the horizon is there."""
    return observed_chance(
        data.known, data.observed, np.ones(data.n, dtype=bool), counted
    )


def final_weights(
    data: StopData,
    following: Following,
    hazard: Floats,
    seen: Floats,
    counted: Numbers | None = None,
) -> Floats:
    """Weight of each patient in the strategy they followed, stabilised by the share that followed
    it; 0 for the others.

    Parameters
    ----------
    hazard : float64, shape (rows,) or (replicates, rows)
        From `session_hazard`.
    seen : float64, shape (n,) or (replicates, n)
        From `chance_observed`.
    counted : number, shape (replicates, n), optional
        How often each patient was drawn.

    Returns
    -------
    float64, shape (n,) or (replicates, n)
    """
    chance = following_probability(data.rows, hazard, following) * seen
    weights = share_following(following.sessions, counted) / chance * data.observed
    return weights if counted is None else weights * counted.astype(np.float64)


def contrasts(
    data: StopData,
    pair: Pair,
    counted: Numbers | None = None,
    wanted: tuple[str, ...] = FAMILIES,
) -> dict[str, Floats]:
    """Contrasts of means, "stop after k" minus "stop after m", with all models fitted anew.

    Parameters
    ----------
    data : StopData
        From `stop_data`.
    pair : Pair
        What is compared.
    counted : number, shape (replicates, n), optional
        How often each patient was drawn; default once.
    wanted : tuple of str
        Of `FAMILIES`.

    Returns
    -------
    dict of str to float64, shape () or (replicates,)
        For `static`: `smooth` `strict` `strict_k` `strict_m` (means); for `other`: `other` (smooth,
        under the other rule for later sessions); for `dynamic`: `dynamic` (at most k against at
        most m). Missing where nobody followed.
    """
    hazard = session_hazard(data.rows, counted)
    seen = chance_observed(data, counted)
    found: dict[str, Floats] = {}
    if "static" in wanted:
        following = static_following(data, pair.usual_care)
        weights = final_weights(data, following, hazard, seen, counted)
        means = [
            _mean(data, weights * (following.sessions == number))
            for number in (pair.k, pair.m)
        ]
        found["smooth"] = smooth_contrast(data, pair, following, weights)
        found |= {
            "strict": means[0] - means[1],
            "strict_k": means[0],
            "strict_m": means[1],
        }
    if "other" in wanted:
        following = static_following(data, not pair.usual_care)
        found["other"] = smooth_contrast(
            data, pair, following, final_weights(data, following, hazard, seen, counted)
        )
    if "dynamic" in wanted:
        rules = [following_at_most(data, number) for number in (pair.k, pair.m)]
        ends = [
            _mean(data, final_weights(data, rule, hazard, seen, counted))
            for rule in rules
        ]
        found["dynamic"] = ends[0] - ends[1]
    return found


def _mean(data: StopData, weights: Floats) -> Floats:
    return weighted_mean(np.where(data.observed, data.outcome, 0.0), weights)


def smooth_contrast(
    data: StopData, pair: Pair, following: Following, weights: Floats
) -> Floats:
    """Difference of the two means under the smooth model in the number of sessions."""
    of = following.followed & data.observed & (following.sessions <= pair.largest)
    if len(np.unique(following.sessions[of])) < 3:
        return np.full(weights.shape[:-1], np.nan)
    means = smooth_means(
        following.sessions[of], data.outcome[of], weights[..., of], (pair.k, pair.m)
    )
    return np.asarray(means[..., 0] - means[..., 1])


def replicate_contrasts(
    data: StopData,
    pair: Pair,
    draws: tuple[int, int],
    wanted: tuple[str, ...] = FAMILIES,
    on_step: Callable[[], None] = lambda: None,
) -> dict[str, Floats]:
    """`contrasts` of every bootstrap replicate, patients drawn as weights.

    Parameters
    ----------
    draws : tuple of int
        Replicates and seed.
    on_step : callable
        Called `STEPS` times in all.
    """
    counted = patient_weights(data.n, *draws)
    parts = []
    for drawn in np.array_split(counted, STEPS):
        if len(drawn):
            parts.append(contrasts(data, pair, drawn, wanted))
        on_step()
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def unsupported_share(data: StopData, pair: Pair, hazard: Floats) -> float:
    """Share of decisions up to the longer strategy at which going on had a chance outside 2 to 98
    %.

    After the last session of the longer strategy only stopping is asked for: a chance to go on of
    0, as at a planned end, does no harm there.
    """
    longer = max(pair.k, pair.m)
    first, chance = probability_within_grace(data.rows, hazard)
    # 0 where no row was possible: nobody ever went on from there
    possible: Array = np.zeros((data.n, longer + 1))
    session = data.rows.session[first]
    who = data.rows.patient[first]
    inside = session <= longer
    possible[who[inside], session[inside]] = chance[inside]
    number = np.arange(longer + 1)
    there = (number >= 1) & (number <= data.sessions[:, None])
    outside = (possible > 1 - LEAST_CHANCE) | (
        (possible < LEAST_CHANCE) & (number < longer)
    )
    return float((there & outside).sum() / there.sum())
