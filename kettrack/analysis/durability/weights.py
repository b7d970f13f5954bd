"""Response off treatment: those treated again are stood for by people like them who were not, on
the day they came back.

Coming back is not chance: people come because they feel worse, or because the next date was set. A
logistic model of the daily chance to be treated again, given the last score before that day and the
baseline, gives everyone still untreated the weight of those who left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd

from kettrack.analysis.durability.counts import Watched, days_since_origin
from kettrack.arrays import Bools, Floats, Ints, Numbers
from kettrack.estimators.regression.logistic import fit_logistic, predict_logistic
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import DAYS_IN_WEEK
from kettrack.vocabulary.limits import FEWEST_PEOPLE_ON_DAY

# A chance of 1 leaves nobody to stand for the others: the effective number at risk shows it.
_MOST_LIKELY: Final = 1 - 1e-9
# exp of it is still a number; a larger weight is none.
_LARGEST_LOG: Final = 300.0
# Replicates by people by days held in memory at a time.
_BLOCK: Final = 1 << 21


@dataclass(frozen=True, slots=True)
class Untreated:
    """People off treatment by the day on which a loss becomes known, in days since the origin;
    arrays of shape (n,).

    Parameters
    ----------
    known : int64
        Day on which the loss was proven, or the person was treated again, or scores end.
    lost : float64
        Day of the loss that was proven on `known`; NaN without one.
    person, days, again : arrays of shape (stretches,)
        Person of each stretch of days with one history, its length in days, and whether it ended
        with a session; sorted by person and day.
    begins : int64, shape (stretches,)
        First day of each.
    history : float64, shape (stretches, columns)
        Covariates of the daily chance to be treated again.
    """

    known: Ints
    lost: Floats
    person: Ints
    begins: Ints
    days: Ints
    again: Bools
    history: Floats


def untreated(
    cohort: DerivedCohort,
    watched: Watched,
    last_day: int,
    waiting: Literal["censored", "lost"] = "censored",
) -> Untreated:
    """People, their days and their scores, to `last_day` after the origin.

    A loss dated at the first of two scores is only seen when nobody treats in between; it is
    weighted on the day of the second and counted on that of the first. With `waiting` as `lost` a
    score that shows a loss, and that no second one confirmed before the next session, is a loss on
    its day: the share still responding is then too low rather than too high.
    """
    rows = watched.untreated
    lost = days_since_origin(rows, "lost_day")
    proven = days_since_origin(rows, "known_day")
    again = days_since_origin(rows, "retreated_day")
    if waiting == "lost":
        unproven = days_since_origin(rows, "waiting_day")
        nothing_proven = np.isnan(lost)
        lost = np.where(nothing_proven, unproven, lost)
        proven = np.where(nothing_proven, unproven, proven)
    end = days_since_origin(watched.whatever, "scored_to_day").astype(np.int64)
    end = np.minimum(end, last_day)
    # Whatever comes first makes the end known; fmin passes over the NaN of what never came.
    known = np.fmin(np.fmin(proven, again), end).astype(np.int64)
    seen = proven <= known
    back = (again <= known) & ~seen
    # The day of the next session itself is a day on which it could have come.
    length = known + back
    origin = rows["origin_day"].to_numpy(np.int64)
    person, begins, score = _stretches(cohort, rows.index, origin, length)
    is_last = np.append(person[1:] != person[:-1], True)[: person.size]
    # A stretch ends where the next one of the same person begins, the last one with the person.
    next_begins = np.append(begins[1:], 0)[: person.size]
    ends = np.where(is_last, length[person], next_begins)
    baseline = baseline_of(cohort).reindex(rows.index).to_numpy(float)
    return Untreated(
        known=known,
        lost=np.where(seen, lost, np.nan),
        person=person,
        begins=begins,
        days=ends - begins,
        again=is_last & back[person],
        history=_history(begins, score, baseline[person], _has_own_day(known, back)),
    )


def _has_own_day(known: Ints, back: Bools) -> bool:
    """Whether enough people were treated again on the day of origin, and enough were not, for that
    day to have a chance of its own.
    """
    on_the_day = (back & (known == 0)).sum()
    later = (known > 0).sum()
    return bool(min(on_the_day, later) >= FEWEST_PEOPLE_ON_DAY)


def baseline_of(cohort: DerivedCohort) -> pd.Series:
    """Baseline score by `patient_id`."""
    return pd.Series(cohort.baselines.score, index=cohort.bucket.patient_id)


def _history(begins: Ints, score: Floats, baseline: Floats, same_day: bool) -> Floats:
    """Covariates of each stretch: time and last score with their squares, the baseline and, where
    it has a chance of its own, the day of origin.
    """
    late = np.log1p(begins)
    points = score / 10
    columns = [
        np.ones(len(begins)),
        late,
        late**2,
        points,
        points**2,
        baseline / 10,
    ]
    if same_day:
        columns.append(begins == 0)
    return np.column_stack(columns).astype(float)


def _stretches(
    cohort: DerivedCohort, people: pd.Index, origin: Ints, days: Ints
) -> tuple[Ints, Ints, Floats]:
    """Person, first day and last score before it, of each stretch cut at weeks and after each
    score; origin score on day 0.
    """
    bucket = cohort.bucket
    n = len(people)
    place = people.get_indexer(bucket.patient_id)[bucket.score_patient]
    kept = bucket.score_known & (place >= 0)
    who = place[kept].astype(np.int64)
    score = bucket.score[kept].astype(float)
    day = bucket.score_day[kept] - origin[who]
    last_day = int(days.max(initial=0))
    weeks = np.arange(0, last_day + DAYS_IN_WEEK, DAYS_IN_WEEK) + 1
    # Cuts: the day of origin, the day after each week, and the day after each score.
    first = np.zeros(n, np.int64)
    begins = np.concatenate([first, np.tile(weeks, n), day + 1])
    everyone = np.arange(n)
    person = np.concatenate([everyone, np.repeat(everyone, len(weeks)), who])
    inside = (begins >= 0) & (begins < days[person])
    # One key per person and day, people so far apart that no day of one reaches the next: sorting
    # keys sorts by person, then by day.
    furthest = max(np.abs(day).max(initial=0), last_day)
    width = np.int64(furthest + 2) * 2
    cuts = np.unique(person[inside] * width + begins[inside])
    person = cuts // width
    begins = cuts % width
    score_key = who * width + day
    order = np.argsort(score_key, kind="stable")
    # The last score before a day; on day 0 that of the origin, which is on day 0 itself.
    asked = person * width + np.maximum(begins, 1)
    before = np.searchsorted(score_key[order], asked, "left") - 1
    return person, begins, score[order][before]


def untreated_curve(
    people: Untreated, grid: Ints, counts: Numbers | None = None
) -> Floats:
    """Weighted share of people still responding on each day of the grid.

    Parameters
    ----------
    people : Untreated
        From `untreated`.
    grid : int64, shape (g,)
        Days since the origin.
    counts : number, shape (replicates, n), optional
        How often each person counts; default once. The model is refitted in every replicate.

    Returns
    -------
    float64, shape (g,) or (replicates, g)
    """
    n = len(people.known)
    drawn = np.ones((1, n)) if counts is None else counts
    n_days = len(np.unique(people.known))
    few = max(1, _BLOCK // max(n * max(n_days, 1), 1))
    parts = [
        _curves(people, grid, drawn[begin : begin + few])
        for begin in range(0, len(drawn), few)
    ]
    curves = np.concatenate(parts)
    return curves[0] if counts is None else curves


def _curves(people: Untreated, grid: Ints, drawn: Numbers) -> Floats:
    """Weighted share still responding, one row for each row of `drawn`."""
    seen = np.flatnonzero(~np.isnan(people.lost))
    days = np.unique(people.known[seen])
    at_risk_then = people.known[:, None] >= days
    weights = stay_weights(people, drawn, days) * drawn[:, :, None] * at_risk_then
    at_risk = weights.sum(axis=1)
    # Of each loss: the place of the day on which it became known, and its weight on that day.
    place = np.searchsorted(days, people.known[seen])
    where = np.broadcast_to(place[None, :, None], (len(drawn), len(seen), 1))
    mass = np.take_along_axis(weights[:, seen], where, 2)[:, :, 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = mass / at_risk[:, place]
    share = np.where(at_risk[:, place] > 0, share, 0)
    # Losses known on one day add up; what is left before it is the product over the days before.
    hit = np.zeros((len(seen), len(days)))
    hit[np.arange(len(seen)), place] = 1
    left = np.cumprod(1 - np.minimum(share @ hit, 1), axis=1)
    before = np.concatenate([np.ones((len(drawn), 1)), left[:, :-1]], axis=1)
    # Known on one day, counted on another: the share is taken when known, and falls when dated.
    dated = people.lost[seen][:, None] <= grid
    return 1 - (share * before[:, place]) @ dated


def stay_weights(people: Untreated, drawn: Numbers, days: Ints) -> Floats:
    """One over the chance of not having been treated before each day, shape (replicates, n,
    days).
    """
    n = len(people.known)
    out = np.ones((len(drawn), n, len(days)))
    if not people.again.any() or not days.size:
        return out
    rate = _daily_rates(people, drawn)
    # Rate added up to the beginning of each stretch, over all people in one line.
    whole = rate * people.days
    before = np.cumsum(whole, axis=1) - whole
    # The stretch that a day lies in: the last that begins before it. People stand in one line of
    # keys, so far apart that a day finds none of another's stretches after its own.
    width = np.int64(max(days.max(), people.begins.max()) + 2)
    everyone = np.arange(n)
    stretch_key = people.person * width + people.begins
    day_key = everyone[:, None] * width + days
    at = np.searchsorted(stretch_key, day_key, "left") - 1
    first = np.searchsorted(people.person, everyone)
    own = np.append(people.person, n)[at] == everyone[:, None]
    there = (at >= first[:, None]) & own
    at = np.where(there, at, 0)
    part = np.clip(days - people.begins[at], 0, people.days[at])
    # Those without a stretch have a first place past the end; they are set to 0 below.
    start = before[:, np.minimum(first, len(people.person) - 1)]
    total = before[:, at] - start[:, :, None] + rate[:, at] * part
    logs = np.minimum(np.where(there, total, 0), _LARGEST_LOG)
    return np.exp(logs, out=out)


def _daily_rates(people: Untreated, drawn: Numbers) -> Floats:
    """Daily rate of being treated again in each stretch, by the logistic model refitted in each
    replicate: shape (replicates, stretches).
    """
    weights = drawn[:, people.person] * people.days
    share_of_days = people.again / people.days
    fitted = fit_logistic(people.history, share_of_days, weights)
    chance = predict_logistic(people.history, fitted)
    return -np.log1p(-np.minimum(chance, _MOST_LIKELY))


def effective_people(people: Untreated, days: Ints) -> Floats:
    """Effective sample size on each day: (sum of weights)^2 / sum of squared weights of those at
    risk.
    """
    once = np.ones((1, len(people.known)))
    at_risk = people.known[:, None] >= days
    weights = stay_weights(people, once, days)[0] * at_risk
    squares = (weights**2).sum(axis=0)
    size = np.zeros(len(days))
    return np.divide(weights.sum(axis=0) ** 2, squares, out=size, where=squares > 0)
