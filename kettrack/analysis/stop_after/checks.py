"""Whether the data carry "stop after k" against "stop after m": which numbers can be compared,
which two are taken, and what refuses them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import permutations
from math import ceil, floor
from typing import Final

import numpy as np

from kettrack.analysis.stop_after.rows import StopData
from kettrack.analysis.stop_after.weights import (
    NEARLY_CERTAIN,
    NearlyCertain,
    Pair,
    final_weights,
    static_following,
)
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified, UsageError
from kettrack.estimators.causal.stop_strategies import Following
from kettrack.estimators.causal.weights import WeightSummary, describe_weights
from kettrack.vocabulary.days import HORIZON_DAYS, HORIZON_TOLERANCE_DAYS
from kettrack.vocabulary.limits import (
    FEWEST_EFFECTIVE_PEOPLE,
    FEWEST_FOLLOWERS,
    FEWEST_PEOPLE,
)

# Compared where nobody asks for other numbers: a usual induction against its half.
USUAL_PAIR: Final = (6, 3)
# Of those who have k sessions, the percentage who must have had them before the outcome can look
# back on them.
LEAST_IN_TIME: Final = 90.0
# The limits below are kettrack's own conventions, in percent.
LARGEST_WEIGHT_SHARE: Final = 5.0
MOST_NEARLY_CERTAIN: Final = 10.0
MEAN_WEIGHT: Final = (0.9, 1.1)  # of a compared window, where the models fit
_LOOKS_BACK: Final = f"the days that the score of day {HORIZON_DAYS} looks back on"
_ROUNDING: Final = 1e-6  # an effective number that only rounding puts below its limit


def in_time(data: StopData, recall: int) -> tuple[int, ...]:
    """Numbers of sessions that nearly everybody who had so many had before the outcome window and
    its recall begin.

    Those who are slow count too, also where they had the last of so many only after the horizon.
    """
    latest = HORIZON_DAYS - HORIZON_TOLERANCE_DAYS - recall
    numbers = []
    for number in range(1, data.first_days.shape[1] + 1):
        day = data.course_days[:, number - 1]
        had_it = ~np.isnan(day)
        early = (day[had_it] <= latest).mean()
        if 100 * early >= LEAST_IN_TIME:
            numbers.append(number)
    return tuple(numbers)


def comparable(data: StopData, following: Following, recall: int) -> tuple[int, ...]:
    """Numbers of sessions that are over in time and that enough people stopped at by themselves."""
    most = data.first_days.shape[1]
    followers = np.bincount(following.sessions, minlength=most + 1)
    over_in_time = in_time(data, recall)
    return tuple(k for k in over_in_time if followers[k] >= FEWEST_FOLLOWERS)


def pair_of(
    data: StopData,
    asked: tuple[int | None, int | None],
    usual_care: bool,
    recall: int,
) -> Pair:
    """What is compared, of the numbers asked for and those the data allow.

    Where a number is left open, the pairs stand in the order of `pairs_in_order`, and the first is
    taken of which both compared windows have `FEWEST_EFFECTIVE_PEOPLE` and nobody with more than
    `LARGEST_WEIGHT_SHARE`; where there is none, the first of all, which is then refused. Only
    followers and weights decide, never a score at the horizon.

    Raises
    ------
    NotIdentified, UsageError
        As `pairs_in_order`.
    """
    # no weight depends on the pair, so the search costs one fit
    following = static_following(data, usual_care)
    allowed = comparable(data, following, recall)
    why = partial(_why_not, data, recall, usual_care)
    pairs = pairs_in_order(allowed, *asked, why)
    k, m = pairs[0]
    if len(pairs) > 1:
        k, m = _first_carried(data, following, pairs)
    return Pair(k, m, usual_care, max(in_time(data, recall)))


def require_two(k: int | None, m: int | None) -> None:
    """Stop where a number is to be compared with itself.

    Raises
    ------
    UsageError
        For the same number twice.
    """
    if k is not None and k == m:
        raise UsageError(
            f"stop_after compares two numbers of sessions: k and m must differ, and both are {k}."
        )


def pairs_in_order(
    allowed: tuple[int, ...],
    k: int | None,
    m: int | None,
    why: Callable[[int], str] = lambda _: "it is not among those that can be",
) -> tuple[tuple[int, int], ...]:
    """Pairs to try, one after another: those nearest to `USUAL_PAIR` first, of equally near ones
    the wider, then the smaller k.

    Nearness is the sum of the two distances. A number asked for stays; the larger comes first where
    neither is asked for. Where 6 is asked for against something else, or something else against 3,
    that something is sought near the other usual number. `why` tells what keeps a number that is
    not allowed from being compared.

    Raises
    ------
    NotIdentified
        When a number asked for cannot be compared, or there are no two.
    UsageError
        As `require_two`.

    Examples
    --------
    >>> pairs_in_order((2, 3, 5, 6), None, None)
    ((6, 3), (6, 2), (5, 3), (5, 2), (6, 5), (3, 2))
    >>> pairs_in_order((2, 3, 4), 4, None), pairs_in_order((2, 3, 4), 4, 2)
    (((4, 3), (4, 2)), ((4, 2),))
    """
    require_two(k, m)
    for number in (k, m):
        if number is not None and number not in allowed:
            raise _not_comparable(number, allowed, why(number))
    _require_pair(allowed)
    usual = USUAL_PAIR
    if k == USUAL_PAIR[1] or m == USUAL_PAIR[0]:
        usual = USUAL_PAIR[::-1]
    pairs = []
    for first, second in permutations(allowed, 2):
        as_asked = k in (None, first) and m in (None, second)
        # left open, "more against fewer" is the question; asked for, either may come first
        both_open = k is None and m is None
        if as_asked and (first > second or not both_open):
            pairs.append((first, second))

    def place(pair: tuple[int, int]) -> tuple[int, int, int]:
        distance = abs(pair[0] - usual[0]) + abs(pair[1] - usual[1])
        width = abs(pair[0] - pair[1])
        return distance, -width, pair[0]

    return tuple(sorted(pairs, key=place))


def _why_not(data: StopData, recall: int, usual_care: bool, number: int) -> str:
    """What keeps a number from being compared."""
    if not (data.sessions >= number).any():
        return f"nobody had {number} sessions by day {HORIZON_DAYS}"
    if number not in in_time(data, recall):
        return (
            f"fewer than {LEAST_IN_TIME:.0f} % of the people who had {number} sessions had them"
            f" before {_LOOKS_BACK}"
        )
    # under usual care a session after the grace is no departure
    no_later = "" if usual_care else f", and no later one up to day {HORIZON_DAYS}"
    return (
        f"fewer than {FEWEST_FOLLOWERS} people had exactly {number} sessions{no_later}"
    )


def _not_comparable(number: int, allowed: tuple[int, ...], why: str) -> NotIdentified:
    """Why a number asked for cannot be compared, and which can."""
    there = ", ".join(map(str, allowed)) or "none"
    return NotIdentified(
        f"stopping after {number} cannot be compared: {why}. Numbers that can be compared here:"
        f" {there}.",
        "more patients, with every session dated and observed_to_day; or compare other numbers.",
    )


def _require_pair(allowed: tuple[int, ...]) -> None:
    """Stop where there are no two numbers that can be compared."""
    if len(allowed) < 2:
        raise NotIdentified(
            "fewer than two numbers of sessions can be compared. At each number, at least"
            f" {FEWEST_FOLLOWERS} people must have stopped by themselves, before {_LOOKS_BACK}.",
            "more patients, or a clinic in which courses differ in length.",
        )


def _first_carried(
    data: StopData,
    following: Following,
    pairs: tuple[tuple[int, int], ...],
) -> tuple[int, int]:
    """First pair whose windows the weights carry, else the first; the weights are the same whatever
    is compared.
    """
    weights = final_weights(data, following, data.hazard, data.seen)
    numbers = {number for pair in pairs for number in pair}
    carried = {number for number in numbers if _is_carried(following, weights, number)}
    return next((pair for pair in pairs if carried.issuperset(pair)), pairs[0])


def _is_carried(following: Following, weights: Floats, number: int) -> bool:
    try:
        summary = window_weights(following, weights, number)
        require_window(summary, number, number)
    except NotIdentified:
        return False
    return True


def below(value: float, limit: float) -> str:
    """A number, rounded; one that is too small and would round to its limit keeps a decimal, and is
    never rounded up to it.

    Examples
    --------
    >>> below(49.97, 50), below(46.2, 50), below(61.5, 50)
    ('49.9', '46', '62')
    """
    if value < limit and round(value) >= limit:
        return f"{floor(10 * value) / 10:.1f}"
    return f"{value:.0f}"


def above(value: float, limit: float) -> str:
    """A number, rounded; one that is too large and would round to its limit keeps a decimal, and is
    never rounded down to it.

    Examples
    --------
    >>> above(5.22, 5), above(6.4, 5)
    ('5.3', '6')
    """
    if value > limit and round(value) <= limit:
        return f"{ceil(10 * value) / 10:.1f}"
    return f"{value:.0f}"


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
        An effective sample size below `FEWEST_EFFECTIVE_PEOPLE`, or one person with more than
        `LARGEST_WEIGHT_SHARE` of the weight.
    """
    longer = max(k, other)
    shorter = min(k, other)
    unknown = (
        f"these data cannot say whether {longer} sessions are better than {shorter}"
    )
    collect = (
        "more patients; or treat people who are alike for different numbers of sessions by plan,"
        " and record the plan."
    )
    if summary.ess < FEWEST_EFFECTIVE_PEOPLE - _ROUNDING:
        effective = below(summary.ess, FEWEST_EFFECTIVE_PEOPLE)
        raise NotIdentified(
            f"{unknown}. The effective sample size for stopping after {k} is only {effective}"
            f" people; at least {FEWEST_EFFECTIVE_PEOPLE} are required.",
            collect,
        )
    largest = 100 * summary.largest_share
    if largest > LARGEST_WEIGHT_SHARE:
        raise NotIdentified(
            f"{unknown}. One person carries {above(largest, LARGEST_WEIGHT_SHARE)} % of the weight"
            f" for stopping after {k}; at most {LARGEST_WEIGHT_SHARE:.0f} % is allowed.",
            collect,
        )


def require_scores_at_horizon(
    data: StopData, following: Following, k: int, m: int
) -> None:
    """Stop where hardly anybody has a score at the horizon, or scores end with the sessions.

    Raises
    ------
    NotIdentified
        With what to record.
    """
    around = f"around day {HORIZON_DAYS}"
    collect = f"a score {around} of everybody, also of those who stopped long before."
    if _nobody_scored_after_last(data, following):
        raise NotIdentified(
            "nobody was scored after the last session, so nothing is known about people who"
            " stopped.",
            collect,
        )
    # those who stopped exactly there, since a window would hide a gap between its numbers
    # a share would be a cliff: how many stand for how many is asked of the weights
    of_k = int(data.observed[following.sessions == k].sum())
    of_m = int(data.observed[following.sessions == m].sum())
    if min(of_k, of_m) < FEWEST_PEOPLE:
        raise NotIdentified(
            f"a score {around} is there for {of_k} people who stopped after {k}, and for {of_m} who"
            f" stopped after {m}; at least {FEWEST_PEOPLE} of both are required.",
            collect,
        )


def _nobody_scored_after_last(data: StopData, following: Following) -> bool:
    """Whether, of those who stopped well before the horizon, nobody was scored a usual gap or more
    after the last session.
    """
    well_before = HORIZON_DAYS - 2 * HORIZON_TOLERANCE_DAYS
    early = following.followed & (data.last_day < well_before)
    # where nobody had a second session, a day stands for the gap
    usual_gap = 1.0
    if data.first_days.shape[1] > 1:
        usual_gap = float(np.nanmedian(np.diff(data.first_days, axis=1)))
    scored_after = data.scored_to >= data.last_day + usual_gap
    return bool(early.any() and not scored_after[early].any())


def require_remission(data: StopData) -> None:
    """Stop where no score can end a strategy.

    Raises
    ------
    NotIdentified
        The criteria define no remission by the score.
    """
    if data.no_remission:
        raise NotIdentified(
            data.no_remission, "criteria in which remission is a cut-off on the score."
        )


def require_support(certain: NearlyCertain) -> None:
    """Stop where nearly everybody goes on, or stops, at the same session.

    Raises
    ------
    NotIdentified
        More than `MOST_NEARLY_CERTAIN` of the decisions; with what everybody did where.
    """
    if 100 * certain.share <= MOST_NEARLY_CERTAIN:
        return
    low = 100 * NEARLY_CERTAIN
    share = above(100 * certain.share, MOST_NEARLY_CERTAIN)
    words = [
        f"{share} % of the decisions were nearly certain; at most"
        f" {MOST_NEARLY_CERTAIN:.0f} % is allowed."
    ]
    if certain.to_go_on > 0:
        words.append(
            f"In {100 * certain.to_go_on:.0f} % the estimated chance of going on was above"
            f" {100 - low:.0f} %{_after('nobody stopped', certain.all_went_on)}."
        )
    if certain.to_stop > 0:
        words.append(
            f"In {100 * certain.to_stop:.0f} % it was below {low:.0f} %, as at a planned"
            f" end{_after('nobody went on', certain.all_stopped)}."
        )
    words.append("Where everybody does the same, there is nobody to compare with.")
    raise NotIdentified(
        " ".join(words),
        "patients treated for different numbers of sessions although they were alike.",
    )


def _after(what: str, numbers: tuple[int, ...]) -> str:
    """What everybody did, and after which sessions; empty where there is no such session.

    Examples
    --------
    >>> _after("nobody stopped", (1, 2)), _after("nobody stopped", ())
    (': nobody stopped after 1 or 2 sessions', '')
    """
    if not numbers:
        return ""
    *others, last = map(str, numbers)
    listed = f"{', '.join(others)} or {last}" if others else last
    return f": {what} after {listed} {'session' if numbers == (1,) else 'sessions'}"
