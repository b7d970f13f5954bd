"""Weights of those who followed a strategy, and the contrasts made of them: once, or for many
bootstrap replicates together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import repeat
from typing import Final

import numpy as np

from kettrack.analysis.stop_after.rows import StopData
from kettrack.arrays import Bools, Floats, Ints, Numbers
from kettrack.estimators.causal.stop_strategies import (
    Following,
    following_probability,
    probability_within_grace,
    session_hazard,
    share_following,
    smooth_means,
    stepped_hazard,
    stop_after_last,
    weighted_mean,
)
from kettrack.estimators.intervals import drawn_places, patient_weights
from kettrack.vocabulary.days import (
    HORIZON_DAYS,
    SECOND_REMISSION_DAYS,
    STOP_AFTER_GRACE_DAYS,
)
from kettrack.vocabulary.limits import MOST_REWEIGHTED

STEPS: Final = 10  # reports of progress in a bootstrap
# A decision is nearly certain when the chance to go on is below this, or above 1 less it.
NEARLY_CERTAIN: Final = 0.02
# Numbers of sessions below which a quadratic has nothing to be smooth over.
FEWEST_NUMBERS: Final = 3
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
    followed = ~data.later
    # whoever comes back under usual care still does as the strategy says
    if usual_care:
        followed = np.ones(data.n, dtype=bool)
    return stop_after_last(
        data.rows,
        data.sessions,
        followed,
        usual_care,
    )


@dataclass(frozen=True, slots=True)
class _RemissionRule:
    """Who was stopped by remission under "at most so many sessions"; each of shape (n,).

    `before` is the sessions up to the day of the trigger, `triggered` whether it came while the
    next session was still to come.
    """

    before: Ints
    triggered: Bools


def _remission_rule(data: StopData, most: int) -> _RemissionRule:
    before = (data.first_days <= data.trigger[:, None]).sum(axis=1)
    # everybody has a session on day 0, and no trigger comes before it: `before` is at least 1
    day_before = data.first_days[np.arange(data.n), before - 1]
    grace_ends = np.minimum(day_before + STOP_AFTER_GRACE_DAYS, HORIZON_DAYS)
    triggered = (before < most) & (data.trigger <= grace_ends)
    return _RemissionRule(before, triggered)


def following_at_most(data: StopData, most: int) -> Following:
    """Who followed "at most so many sessions, and stop once a second score shows remission".

    Up to that score the next session had to come within the grace. One session that came within
    `SECOND_REMISSION_DAYS` of it may come or not, so neither is weighted; a later one is a
    departure.
    """
    rule = _remission_rule(data, most)
    still_due_to = data.trigger + SECOND_REMISSION_DAYS
    after = data.sessions - rule.before
    one_was_due = (after == 1) & (data.last_day <= still_due_to)
    stopped_by_rule = (after == 0) | one_was_due
    had_all = (rule.before >= most) & (data.sessions == most)
    as_asked = np.where(
        rule.triggered,
        stopped_by_rule,
        had_all,
    )
    followed = ~data.later & as_asked
    rows = data.rows
    who = rows.patient
    theirs = followed[who]
    # sessions up to which going on was asked, and days to which coming was free
    go_to = np.where(
        rule.triggered,
        rule.before,
        data.sessions,
    )
    is_free = rule.triggered & (after == 0)
    free_to = np.where(is_free, still_due_to, -1)[who]
    at_last = theirs & (rows.session == data.sessions[who])
    stayed_away = _share_after(data, free_to)
    at_trigger = rows.in_grace & (rows.session == rule.before[who])
    cut = (followed & rule.triggered)[who] & at_trigger
    return Following(
        sessions=np.where(followed, most, 0),
        had_to_go_on=theirs & rows.in_grace & (rows.session < go_to[who]),
        had_to_stay_away=np.where(at_last, stayed_away, 0.0),
        still_due=np.where(
            cut,
            _share_after(data, data.trigger[who]),
            np.nan,
        ),
    )


def _share_after(data: StopData, day: Floats) -> Floats:
    """Share of the bin of each row that lies after a day; shape (rows,)."""
    length = data.row_end - data.row_start + 1
    left = data.row_end - np.maximum(data.row_start, day + 1) + 1
    return np.asarray(np.clip(left / length, 0, 1))


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
        From `StopData.chance_observed`.
    counted : number, shape (replicates, n), optional
        How often each patient was drawn.

    Returns
    -------
    float64, shape (n,) or (replicates, n)
    """
    chance = (
        following_probability(
            data.rows,
            hazard,
            following,
        )
        * seen
    )
    share = share_following(following.sessions, counted)
    weights = share / chance * data.observed
    if counted is None:
        return weights
    return weights * counted.astype(np.float64)


def contrasts(
    data: StopData,
    pair: Pair,
    counted: Numbers | None = None,
    families: tuple[str, ...] = FAMILIES,
    hazard: Floats | None = None,
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
    families : tuple of str
        Of `FAMILIES`.
    hazard : float64, shape (replicates, rows), optional
        Of the replicates, where it is there already.

    Returns
    -------
    dict of str to float64, shape () or (replicates,)
        For `static`: `smooth` `strict` `strict_k` `strict_m` (means); for `other`: `other` (smooth,
        under the other rule for later sessions); for `dynamic`: `dynamic` (at most k against at
        most m). Missing where nobody followed.
    """
    # refitted in every replicate: an interval that took the weights as known would be off
    if hazard is None:
        hazard = data.hazard if counted is None else session_hazard(data.rows, counted)
    seen = data.seen if counted is None else data.chance_observed(counted)

    def weigh(following: Following) -> Floats:
        return final_weights(
            data,
            following,
            hazard,
            seen,
            counted,
        )

    out: dict[str, Floats] = {}
    if "static" in families:
        following = static_following(data, pair.usual_care)
        weights = weigh(following)
        out["smooth"] = smooth_contrast(
            data,
            pair,
            following,
            weights,
        )
        for name, number in (("strict_k", pair.k), ("strict_m", pair.m)):
            there = following.sessions == number
            out[name] = _mean_outcome(data, weights * there)
        out["strict"] = out["strict_k"] - out["strict_m"]
    if "other" in families:
        following = static_following(data, not pair.usual_care)
        weights = weigh(following)
        out["other"] = smooth_contrast(
            data,
            pair,
            following,
            weights,
        )
    if "dynamic" in families:
        at_most_k = weigh(following_at_most(data, pair.k))
        at_most_m = weigh(following_at_most(data, pair.m))
        mean_k = _mean_outcome(data, at_most_k)
        mean_m = _mean_outcome(data, at_most_m)
        out["dynamic"] = mean_k - mean_m
    return out


def _mean_outcome(data: StopData, weights: Floats) -> Floats:
    # a missing outcome has weight 0, and 0 times missing would be missing
    outcome = np.where(data.observed, data.outcome, 0.0)
    return weighted_mean(outcome, weights)


def smooth_contrast(
    data: StopData,
    pair: Pair,
    following: Following,
    weights: Floats,
) -> Floats:
    """Difference of the two means under the smooth model in the number of sessions."""
    of = data.observed & compared_people(following, pair)
    if len(np.unique(following.sessions[of])) < FEWEST_NUMBERS:
        return np.full(weights.shape[:-1], np.nan)
    means = smooth_means(
        following.sessions[of],
        data.outcome[of],
        weights[..., of],
        (pair.k, pair.m),
    )
    return np.asarray(means[..., 0] - means[..., 1])


def compared_people(following: Following, pair: Pair) -> Bools:
    """Who followed a strategy that the smooth model takes in, with or without an outcome."""
    in_time = following.sessions <= pair.largest
    return np.asarray(following.followed & in_time)


def replicate_contrasts(
    data: StopData,
    pair: Pair,
    draws: tuple[int, int],
    families: tuple[str, ...] = FAMILIES,
    on_step: Callable[[], None] = lambda: None,
) -> dict[str, Floats]:
    """`contrasts` of every bootstrap replicate, patients drawn as weights.

    Parameters
    ----------
    draws : tuple of int
        Replicates and seed.
    on_step : callable
        Called `STEPS` times in all.

    Notes
    -----
    Of more than `MOST_REWEIGHTED` people, so many drawn by chance are bootstrapped, and their
    models follow each sample by `step_logistic`. The distances of their replicates from their own
    contrasts, times the root of their share, are laid about the contrasts of all (Politis and
    Romano 1994, Ann Stat 22:2031).
    """
    chosen = drawn_places(data.n, MOST_REWEIGHTED, draws[1])
    few = len(chosen) == data.n
    some = data if few else data.take(chosen)
    counted = patient_weights(some.n, *draws)
    # a part at a time: all replicates together would not fit into memory
    drawn = np.array_split(counted, STEPS)
    hazards: Iterable[Floats | None] = repeat(None)
    if not few:
        hazards = stepped_hazard(some.rows, counted, STEPS)
    parts = []
    for some_counted, hazard in zip(drawn, hazards, strict=False):
        if len(some_counted):
            parts.append(contrasts(some, pair, some_counted, families, hazard))
        on_step()
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    if few:
        return found
    own = contrasts(some, pair, None, families)
    middle = contrasts(data, pair, None, families)
    share = np.sqrt(some.n / data.n)
    return {
        name: middle[name] + (values - own[name]) * share
        for name, values in found.items()
    }


@dataclass(frozen=True, slots=True)
class NearlyCertain:
    """Decisions up to the longer strategy that were nearly certain.

    Parameters
    ----------
    share, to_go_on, to_stop : float
        Of all these decisions, 0 to 1: either way, and each way.
    all_went_on, all_stopped : tuple of int
        Numbers of sessions after which everybody did so.
    """

    share: float
    to_go_on: float = 0.0
    to_stop: float = 0.0
    all_went_on: tuple[int, ...] = ()
    all_stopped: tuple[int, ...] = ()


def nearly_certain(
    data: StopData,
    pair: Pair,
    hazard: Floats,
) -> NearlyCertain:
    """Which decisions up to the longer strategy were nearly certain, and which way.

    After the last session of the longer strategy only stopping is asked for: a chance to go on of
    0, as at a planned end, does no harm there.
    """
    longer = max(pair.k, pair.m)
    first, chance = probability_within_grace(data.rows, hazard)
    # 0 where no row was possible: nobody ever went on from there
    goes_on = np.zeros((data.n, longer + 1))
    session = data.rows.session[first]
    who = data.rows.patient[first]
    inside = session <= longer
    goes_on[who[inside], session[inside]] = chance[inside]
    number = np.arange(longer + 1)
    decided = (number >= 1) & (number <= data.sessions[:, None])
    to_go_on = decided & (goes_on > 1 - NEARLY_CERTAIN)
    to_stop = decided & (goes_on < NEARLY_CERTAIN) & (number < longer)
    total = decided.sum()
    reached = decided.sum(axis=0)
    stopped = np.bincount(data.sessions, minlength=longer + 1)[: longer + 1]
    all_went_on = np.flatnonzero((reached > 0) & (stopped == 0))
    all_stopped = np.flatnonzero((reached > 0) & (stopped == reached))
    return NearlyCertain(
        share=float((to_go_on | to_stop).sum() / total),
        to_go_on=float(to_go_on.sum() / total),
        to_stop=float(to_stop.sum() / total),
        all_went_on=tuple(all_went_on.tolist()),
        all_stopped=tuple(all_stopped[all_stopped < longer].tolist()),
    )
