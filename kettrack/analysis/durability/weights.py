"""Response off treatment: those treated again are stood for by people like them who were not, on
the day they came back.

Coming back is not chance: people come because they feel worse, or because the next date was set. A
logistic model of the daily chance to be treated again, given the last score before that day and the
baseline, gives everyone still untreated the weight of those who left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

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
# Days on which a loss became known, weighed together.
_DAYS_AT_ONCE: Final = 16


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

    @property
    def n(self) -> int:
        """Number of people."""
        return len(self.known)

    def at_risk(self, days: Ints) -> Bools:
        """Whether each person is still followed on each day, shape (n, days)."""
        return self.known[:, None] >= days


def untreated(
    cohort: DerivedCohort,
    watched: Watched,
    last_day: int,
) -> Untreated:
    """People, their days and their scores, to `last_day` after the origin.

    A loss dated at the first of two scores is only seen when nobody treats in between; it is
    weighted on the day of the second and counted on that of the first. Where `settle` counts every
    loss that no second score confirmed, the share still responding is too low rather than too high.
    """
    rows = watched.untreated
    lost = days_since_origin(rows, "lost_day")
    proven = days_since_origin(rows, "known_day")
    again = days_since_origin(rows, "retreated_day")
    scored_to = days_since_origin(watched.whatever, "scored_to_day")
    end = np.minimum(scored_to, last_day)
    # Whatever comes first makes the end known; fmin passes over the NaN of what never came.
    known = np.fmin(proven, again)
    known = np.fmin(known, end)
    known = known.astype(np.int64)
    seen = proven <= known
    back = (again <= known) & ~seen
    # The day of the next session itself is a day on which it could have come.
    length = known + back
    origin = rows["origin_day"].to_numpy(np.int64)
    person, begins, score = _stretches(cohort, rows.index, origin, length)
    ends, is_last = _ends(person, begins, length)
    baseline = _baselines(cohort, rows.index)[person]
    same_day = _has_own_day(known, back)
    history = _history(begins, score, baseline, same_day)
    seen_lost = np.where(seen, lost, np.nan)
    return Untreated(
        known=known,
        lost=seen_lost,
        person=person,
        begins=begins,
        days=ends - begins,
        again=is_last & back[person],
        history=history,
    )


def untreated_to(
    cohort: DerivedCohort,
    watched: Watched,
    days: Ints,
) -> Untreated:
    """`untreated` for a curve over these days: a loss becomes known by a later score, so people are
    followed a little beyond the last of them.
    """
    last_shown = int(days[-1])
    beyond = cohort.criteria.state_holds_days
    return untreated(
        cohort,
        watched,
        last_shown + beyond,
    )


def weights_known(people: Untreated) -> tuple[Ints, Floats]:
    """Days on which a loss became known, and the weight of each person on each, shape (n, days)."""
    lost = ~np.isnan(people.lost)
    known = people.known[lost]
    days = np.unique(known)
    once = np.ones((1, people.n))
    weights = stay_weights(
        people,
        once,
        days,
    )
    return days, weights[0]


def _ends(
    person: Ints,
    begins: Ints,
    length: Ints,
) -> tuple[Ints, Bools]:
    """First day after each stretch, and whether it is the last one of its person.

    A stretch ends where the next one of the same person begins, the last one with the person.
    """
    next_person = np.append(person, -1)[1:]
    next_begins = np.append(begins, 0)[1:]
    is_last = person != next_person
    end_of_person = length[person]
    ends = np.where(is_last, end_of_person, next_begins)
    return ends, is_last


def _has_own_day(known: Ints, back: Bools) -> bool:
    """Whether enough people were treated again on the day of origin, and enough were not, for that
    day to have a chance of its own.
    """
    on_the_day = back & (known == 0)
    later = known > 0
    n_then = on_the_day.sum()
    n_later = later.sum()
    fewer = min(n_then, n_later)
    return bool(fewer >= FEWEST_PEOPLE_ON_DAY)


def _baselines(cohort: DerivedCohort, people: pd.Index) -> Floats:
    """Baseline score of each person."""
    place = cohort.bucket.patient_id.get_indexer(people)
    return cohort.baselines.score[place]


def _history(
    begins: Ints,
    score: Floats,
    baseline: Floats,
    same_day: bool,
) -> Floats:
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
    cohort: DerivedCohort,
    people: pd.Index,
    origin: Ints,
    days: Ints,
) -> tuple[Ints, Ints, Floats]:
    """Person, first day and last score before it, of each stretch cut at weeks and after each
    score; origin score on day 0.
    """
    bucket = cohort.bucket
    place = people.get_indexer(bucket.patient_id)
    place = place[bucket.score_patient]
    kept = bucket.score_known & (place >= 0)
    who = place[kept].astype(np.int64)
    score = bucket.score[kept].astype(float)
    day = bucket.score_day[kept] - origin[who]
    person, begins = _cuts(who, day, days)
    # The last score before a day; on day 0 that of the origin, which is on day 0 itself. One key
    # per person and day, people so far apart that no day of one reaches the next.
    width = _width(day, days)
    score_key = who * width + day
    order = np.argsort(score_key, kind="stable")
    before_day = np.maximum(begins, 1)
    asked = person * width + before_day
    sorted_key = score_key[order]
    place = np.searchsorted(sorted_key, asked, "left")
    before = order[place - 1]
    return person, begins, score[before]


def _cuts(
    who: Ints,
    day: Ints,
    days: Ints,
) -> tuple[Ints, Ints]:
    """Person and first day of each stretch: on the day of origin, on the day after each week, and
    on the day after each score, by person and day.
    """
    n = len(days)
    last_day = int(days.max(initial=0))
    weeks = np.arange(0, last_day + DAYS_IN_WEEK, DAYS_IN_WEEK)
    everyone = np.arange(n)
    origin = np.zeros(n, np.int64)
    by_week = np.tile(weeks + 1, n)
    begins = np.concatenate([origin, by_week, day + 1])
    each_week = np.repeat(everyone, len(weeks))
    person = np.concatenate([everyone, each_week, who])
    end = days[person]
    inside = (begins >= 0) & (begins < end)
    # Equal keys are one cut; sorting them sorts by person, then by day.
    width = _width(day, days)
    keys = person * width + begins
    cuts = np.sort(keys[inside])
    # `np.unique` takes twenty times as long for millions of different numbers (NumPy 2.4)
    anew = np.ones(len(cuts), dtype=bool)
    np.not_equal(cuts[1:], cuts[:-1], out=anew[1:])
    cuts = cuts[anew]
    return cuts // width, cuts % width


def _width(day: Ints, days: Ints) -> np.int64:
    """How far apart people stand in one line of keys: more than twice the furthest day."""
    last_day = days.max(initial=0)
    apart = np.abs(day)
    furthest = apart.max(initial=0)
    furthest = max(furthest, last_day)
    return np.int64(furthest + 2) * 2


def untreated_curve(
    people: Untreated,
    grid: Ints,
    counts: Numbers | None = None,
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
    once = np.ones((1, people.n))
    drawn = once if counts is None else counts
    known_days = np.unique(people.known)
    n_days = min(len(known_days), _DAYS_AT_ONCE)
    cells = max(people.n * n_days, 1)
    few = max(1, _BLOCK // cells)
    # So many replicates at a time that their weights fit in memory.
    begins = range(0, len(drawn), few)
    blocks = [drawn[begin : begin + few] for begin in begins]
    parts = [_curves(people, grid, block) for block in blocks]
    curves = np.concatenate(parts)
    return curves[0] if counts is None else curves


def _curves(
    people: Untreated,
    grid: Ints,
    drawn: Numbers,
) -> Floats:
    """Weighted share still responding, one row for each row of `drawn`."""
    lost = ~np.isnan(people.lost)
    seen = np.flatnonzero(lost)
    known = people.known[seen]
    days = np.unique(known)
    place = np.searchsorted(days, known)
    total, mass = _weighed(people, drawn, days, seen)
    at_risk = total[:, place]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = mass / at_risk
    share = np.where(at_risk > 0, share, 0)
    before = _share_before(share, place, len(days))
    # Known on one day, counted on another: the share is taken when known, and falls when dated.
    day_lost = people.lost[seen]
    dated = day_lost[:, None] <= grid
    fallen = share * before[:, place]
    # A sum of parts of a whole may end a few bits above it.
    return np.maximum(1 - fallen @ dated, 0)


def _weighed(
    people: Untreated,
    drawn: Numbers,
    days: Ints,
    seen: Ints,
) -> tuple[Floats, Floats]:
    """Weight of all at risk on each day, and of each of the people `seen` to lose it on the day on
    which that became known: shapes (replicates, days) and (replicates, seen).
    """
    place = np.searchsorted(days, people.known[seen])
    total = np.zeros((len(drawn), len(days)))
    mass = np.zeros((len(drawn), len(seen)))
    rate = _daily_rates(people, drawn)
    for begin in range(0, len(days), _DAYS_AT_ONCE):
        block = days[begin : begin + _DAYS_AT_ONCE]
        end = begin + len(block)
        # Most people leave early: from their last day on they weigh nothing.
        who = np.flatnonzero(people.known >= block[0])
        weights = _stay_weights(people, rate, block, who)
        weights *= drawn[:, who, None].astype(np.float64)
        weights *= people.at_risk(block)[who]
        total[:, begin:end] = weights.sum(axis=1)
        here = np.flatnonzero((place >= begin) & (place < end))
        person = np.searchsorted(who, seen[here])
        mass[:, here] = weights[:, person, place[here] - begin]
    return total, mass


def _share_before(share: Floats, place: Ints, n_days: int) -> Floats:
    """Share still responding before each day on which a loss became known, shape (replicates,
    n_days).
    """
    # Losses known on one day add up; what is left before it is the product over the days before.
    loss = np.arange(len(place))
    shape = (len(place), n_days)
    hit = np.zeros(shape)
    hit[loss, place] = 1
    lost_then = np.minimum(share @ hit, 1)
    left = np.cumprod(1 - lost_then, axis=1)
    shape = (len(share), 1)
    everyone = np.ones(shape)
    day_before = left[:, :-1]
    return np.concatenate([everyone, day_before], axis=1)


def stay_weights(
    people: Untreated,
    drawn: Numbers,
    days: Ints,
) -> Floats:
    """One over the chance of not having been treated before each day, shape (replicates, n,
    days).
    """
    rate = _daily_rates(people, drawn)
    return _stay_weights(people, rate, days, np.arange(people.n))


def _stay_weights(
    people: Untreated,
    rate: Floats,
    days: Ints,
    who: Ints,
) -> Floats:
    """`stay_weights` of some people, from the daily rates."""
    if not rate.size or not days.size:
        shape = (len(rate), len(who), len(days))
        return np.ones(shape)
    # Rate added up to the beginning of each stretch, over all people in one line.
    whole = rate * people.days
    before = np.cumsum(whole, axis=1) - whole
    at, there = _stretch_of_day(people, days, who)
    since = days - people.begins[at]
    length = people.days[at]
    part = np.clip(since, 0, length)
    # Those without a stretch have a first place past the end; their sum is set to 0 below.
    first = np.searchsorted(people.person, who)
    last_place = len(people.person) - 1
    first = np.minimum(first, last_place)
    origin = before[:, first]
    # One array for everything: it is the largest there is.
    total = before[:, at]
    total -= origin[:, :, None]
    last_stretch = rate[:, at]
    last_stretch *= part
    total += last_stretch
    total *= there
    np.minimum(total, _LARGEST_LOG, out=total)
    return np.exp(total, out=total)


def _stretch_of_day(
    people: Untreated,
    days: Ints,
    who: Ints,
) -> tuple[Ints, Bools]:
    """Place of the stretch that each day of each of these people lies in, the last one that begins
    before it, and whether there is one; shape (people, days).
    """
    everyone = who[:, None]
    # One line of keys, people so far apart that no day of one reaches the stretches of the next.
    last_begin = people.begins.max()
    furthest = max(days.max(), last_begin)
    width = np.int64(furthest + 2)
    stretch_key = people.person * width + people.begins
    day_key = everyone * width + days
    at = np.searchsorted(stretch_key, day_key, "left") - 1
    # A place of -1 points to the nobody appended last.
    person = np.append(people.person, -1)
    there = person[at] == everyone
    return np.where(there, at, 0), there


def _daily_rates(people: Untreated, drawn: Numbers) -> Floats:
    """Daily rate of being treated again in each stretch, by the logistic model refitted in each
    replicate: shape (replicates, stretches); without stretches where nobody was treated again.
    """
    if not people.again.any():
        return np.zeros((len(drawn), 0))
    weights = drawn[:, people.person] * people.days
    share_of_days = people.again / people.days
    fitted = fit_logistic(
        people.history,
        share_of_days,
        weights,
    )
    chance = predict_logistic(people.history, fitted)
    chance = np.minimum(chance, _MOST_LIKELY)
    return -np.log1p(-chance)


def effective_people(
    people: Untreated,
    left: Ints,
    days: Ints,
) -> Floats:
    """Effective sample size on each day: (sum of weights)^2 / sum of squared weights of those at
    risk.

    Parameters
    ----------
    people : Untreated
        From `untreated`.
    left : int64, shape (n,)
        Day on which each person left the curve. Scores go on after it, but a loss on a later day
        could not have been proven, so who is still scored then tells nothing of that day.
    days : int64, shape (d,)
        Days since the origin.
    """
    once = np.ones((1, people.n))
    weights = stay_weights(people, once, days)[0]
    weights = weights * (left[:, None] >= days)
    squares = weights**2
    squares = squares.sum(axis=0)
    total = weights.sum(axis=0)
    size = np.zeros(len(days))
    there = squares > 0
    return np.divide(
        total**2,
        squares,
        out=size,
        where=there,
    )
