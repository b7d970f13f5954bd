"""Which two numbers of sessions are compared: asked for, or the first of a fixed order that the
weights can carry.
"""

from __future__ import annotations

from itertools import permutations
from typing import Final

from kettrack.analysis.stop_after.checks import (
    FEWEST_FOLLOWERS,
    comparable,
    in_time,
    require_window,
    window_weights,
)
from kettrack.analysis.stop_after.history import HORIZON
from kettrack.analysis.stop_after.rows import StopData
from kettrack.analysis.stop_after.weights import (
    Pair,
    chance_observed,
    final_weights,
    static_following,
)
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified, UsageError
from kettrack.estimators.causal.stop_strategies import Following, session_hazard

USUAL: Final = (6, 3)  # compared where nobody asks for other numbers


def pair_of(
    data: StopData, asked: tuple[int | None, int | None], usual_care: bool, recall: int
) -> Pair:
    """What is compared, of the numbers asked for and those the data allow.

    Where a number is left open, the pairs stand in the order of `pairs_in_order`, and the first is
    taken of which both compared windows have 50 effective people and nobody with more than 5 % of
    the weight; where there is none, the first of all, which is then refused. Only followers and
    weights decide, never a score at the horizon.

    Raises
    ------
    NotIdentified, UsageError
        As `pairs_in_order`.
    """
    following = static_following(data, usual_care)
    pairs = pairs_in_order(comparable(data, following, recall), *asked)
    k, m = pairs[0] if len(pairs) == 1 else _first_carried(data, following, pairs)
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
    allowed: tuple[int, ...], k: int | None, m: int | None
) -> tuple[tuple[int, int], ...]:
    """Pairs to try, one after another: those nearest to 6 against 3 first, of equally near ones the
    wider, then the smaller k.

    Nearness is the sum of the two distances. A number asked for stays; the larger comes first where
    neither is asked for. Where 6 is asked for against something else, or something else against 3,
    that something is sought near the other usual number.

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
    for asked in (k, m):
        if asked is not None and asked not in allowed:
            raise NotIdentified(
                f"stopping after {asked} cannot be compared: at least {FEWEST_FOLLOWERS} people"
                " must have stopped there by themselves, and nine in ten of those who had"
                f" {asked} sessions must have had them before the days that the score of day"
                f" {HORIZON} looks back on. Possible here:"
                f" {', '.join(map(str, allowed)) or 'none'}.",
                "more patients, with every session dated and observed_to_day; or compare other"
                " numbers.",
            )
    if len(allowed) < 2:
        raise NotIdentified(
            "fewer than two numbers of sessions can be compared: at each, at least"
            f" {FEWEST_FOLLOWERS} people must have stopped by themselves, before the days that"
            f" the score of day {HORIZON} looks back on.",
            "more patients, or a clinic in which courses differ in length.",
        )
    usual = USUAL[::-1] if k == USUAL[1] or m == USUAL[0] else USUAL
    pairs = [
        pair
        for pair in permutations(allowed, 2)
        if all(a in (None, b) for a, b in zip((k, m), pair, strict=True))
    ]
    if k is None and m is None:
        pairs = [pair for pair in pairs if pair[0] > pair[1]]
    return tuple(sorted(pairs, key=lambda pair: _far(pair, usual)))


def _far(pair: tuple[int, int], usual: tuple[int, int]) -> tuple[int, int, int]:
    """Place of a pair in the order: distance from the usual one, then the wider, then the smaller
    k.
    """
    return (
        abs(pair[0] - usual[0]) + abs(pair[1] - usual[1]),
        -abs(pair[0] - pair[1]),
        pair[0],
    )


def _first_carried(
    data: StopData, following: Following, pairs: tuple[tuple[int, int], ...]
) -> tuple[int, int]:
    """First pair whose windows the weights carry, else the first; the weights are the same whatever
    is compared.
    """
    weights = final_weights(
        data, following, session_hazard(data.rows), chance_observed(data)
    )
    carried = {
        number
        for number in {number for pair in pairs for number in pair}
        if _carries(following, weights, number)
    }
    return next((pair for pair in pairs if carried.issuperset(pair)), pairs[0])


def _carries(following: Following, weights: Floats, number: int) -> bool:
    try:
        require_window(window_weights(following, weights, number), number, number)
    except NotIdentified:
        return False
    return True
