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
import numpy.typing as npt
import pandas as pd

from kettrack.analysis.durability.counts import Watched
from kettrack.arrays import Floats, Ints
from kettrack.estimators.regression.logistic import fit_logistic, predict_logistic
from kettrack.timelines.derived import DerivedCohort

WEEK: Final = 7
# people treated again on the day of origin, and not, before that day has a chance of its own
FEWEST_ON_THE_DAY: Final = 5
# a chance of 1 leaves nobody to stand for the others: the effective number at risk shows it
_MOST_LIKELY: Final = 1 - 1e-9
_LARGEST_LOG = 300.0  # a weight beyond it is no number any more
_BLOCK: Final = 1 << 21  # replicates by people by days held at a time


@dataclass(frozen=True, slots=True)
class Untreated:
    """People off treatment on the clock on which a loss becomes known, days since the origin;
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
    again: npt.NDArray[np.bool_]
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
    score above the line that no second one confirmed before the next session is a loss on its day:
    the share held is then too low rather than too high.
    """
    rows = watched.untreated
    origin = rows["origin_day"].to_numpy(np.int64)
    lost, proven, again = (
        (rows[name] - rows["origin_day"]).to_numpy(float, na_value=np.nan)
        for name in ("lost_day", "known_day", "retreated_day")
    )
    if waiting == "lost":
        unproven = (rows["waiting_day"] - rows["origin_day"]).to_numpy(
            float, na_value=np.nan
        )
        lost, proven = (
            np.where(np.isnan(lost), unproven, days) for days in (lost, proven)
        )
    end = (watched.whatever["scored_to_day"] - watched.whatever["origin_day"]).to_numpy(
        np.int64
    )
    end = np.minimum(end, last_day)
    known = np.fmin(np.fmin(proven, again), end).astype(np.int64)
    seen = proven <= known
    back = (again <= known) & ~seen
    person, begins, score = _stretches(cohort, rows.index, origin, known + back)
    last = (
        np.append(person[1:] != person[:-1], True) if person.size else np.zeros(0, bool)
    )
    ends = np.where(last, (known + back)[person], np.append(begins[1:], 0))
    same_day = (back & (known == 0)).sum() >= FEWEST_ON_THE_DAY and (
        known > 0
    ).sum() >= FEWEST_ON_THE_DAY
    return Untreated(
        known,
        np.where(seen, lost, np.nan),
        person,
        begins,
        ends - begins,
        last & back[person],
        _history(
            begins,
            score,
            baseline_of(cohort).reindex(rows.index).to_numpy(float)[person],
            bool(same_day),
        ),
    )


def baseline_of(cohort: DerivedCohort) -> pd.Series:
    """Baseline score by `patient_id`."""
    bucket = cohort.bucket
    found = cohort.baselines
    return pd.Series(found.score, index=bucket.patient_id)


def _history(begins: Ints, score: Floats, baseline: Floats, same_day: bool) -> Floats:
    late = np.log1p(begins)
    points = score / 10
    before = baseline / 10
    columns = [np.ones(len(begins)), late, late**2, points, points**2, before]
    return np.column_stack([*columns, begins == 0] if same_day else columns).astype(
        float
    )


def _stretches(
    cohort: DerivedCohort, people: pd.Index, origin: Ints, days: Ints
) -> tuple[Ints, Ints, Floats]:
    """Person, first day and last score before it, of each stretch cut at weeks and after each
    score; origin score on day 0.
    """
    bucket = cohort.bucket
    place = people.get_indexer(bucket.patient_id)[bucket.score_patient]
    kept = bucket.score_known & (place >= 0)
    who = place[kept].astype(np.int64)
    score = bucket.score[kept].astype(float)
    day = bucket.score_day[kept] - origin[who]
    weeks = np.arange(0, int(days.max(initial=0)) + WEEK, WEEK) + 1
    begins = np.concatenate(
        [np.zeros(len(people), np.int64), np.tile(weeks, len(people)), day + 1]
    )
    person = np.concatenate(
        [np.arange(len(people)), np.repeat(np.arange(len(people)), len(weeks)), who]
    )
    inside = (begins >= 0) & (begins < days[person])
    width = np.int64(max(np.abs(day).max(initial=0), days.max(initial=0)) + 2) * 2
    cuts = np.unique(person[inside] * width + begins[inside])
    person = cuts // width
    begins = cuts % width
    order = np.argsort(who * width + day, kind="stable")
    before = (
        np.searchsorted(
            (who * width + day)[order], person * width + np.maximum(begins, 1), "left"
        )
        - 1
    )
    return person, begins, score[order][before]


def untreated_curve(
    people: Untreated, grid: Ints, counts: npt.NDArray[np.number] | None = None
) -> Floats:
    """Weighted share that still holds the response on each day of the grid.

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
    drawn = np.ones((1, len(people.known))) if counts is None else counts
    few = max(
        1, _BLOCK // max(len(people.known) * max(len(np.unique(people.known)), 1), 1)
    )
    parts = [
        _curves(people, grid, drawn[begin : begin + few])
        for begin in range(0, len(drawn), few)
    ]
    return np.concatenate(parts)[0] if counts is None else np.concatenate(parts)


def _curves(people: Untreated, grid: Ints, drawn: npt.NDArray[np.number]) -> Floats:
    seen = np.flatnonzero(~np.isnan(people.lost))
    days = np.unique(people.known[seen])
    weights = (
        stay_weights(people, drawn, days)
        * drawn[:, :, None]
        * (people.known[:, None] >= days)
    )
    at_risk = weights.sum(axis=1)
    place = np.searchsorted(days, people.known[seen])
    hit = np.zeros((len(seen), len(days)))
    hit[np.arange(len(seen)), place] = 1
    mass = np.take_along_axis(
        weights[:, seen],
        np.broadcast_to(place[None, :, None], (len(drawn), len(seen), 1)),
        2,
    )[:, :, 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        # of those at risk, on the day on which the loss became known
        share = mass / at_risk[:, place]
    share = np.where(at_risk[:, place] > 0, share, 0)
    before = np.cumprod(1 - np.minimum(share @ hit, 1), axis=1)
    before = np.concatenate([np.ones((len(drawn), 1)), before[:, :-1]], axis=1)
    return 1 - (share * before[:, place]) @ (people.lost[seen][:, None] <= grid)


def stay_weights(
    people: Untreated, drawn: npt.NDArray[np.number], days: Ints
) -> Floats:
    """One over the chance of not having been treated before each day, shape (replicates, n,
    days).
    """
    out = np.ones((len(drawn), len(people.known), len(days)))
    if not people.again.any() or not days.size:
        return out
    weights = drawn[:, people.person] * people.days
    chance = predict_logistic(
        people.history,
        fit_logistic(people.history, people.again / people.days, weights),
    )
    rate = -np.log1p(-np.minimum(chance, _MOST_LIKELY))
    before = np.cumsum(rate * people.days, axis=1) - rate * people.days
    width = np.int64(max(days.max(), people.begins.max()) + 2)
    n = len(people.known)
    first = np.searchsorted(people.person, np.arange(n))
    at = (
        np.searchsorted(
            people.person * width + people.begins,
            (np.arange(n)[:, None] * width + days),
            "left",
        )
        - 1
    )
    there = (at >= first[:, None]) & (
        np.append(people.person, n)[at] == np.arange(n)[:, None]
    )
    at = np.where(there, at, 0)
    part = np.clip(days - people.begins[at], 0, people.days[at])
    total = (
        before[:, at]
        - before[:, np.minimum(first, len(people.person) - 1)][:, :, None]
        + rate[:, at] * part
    )
    return np.exp(np.minimum(np.where(there, total, 0), _LARGEST_LOG), out=out)
