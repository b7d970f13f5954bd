"""The fewest of many things that still do together what all of them do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def fewest(
    things: Sequence[T],
    enough: Callable[[Sequence[T]], bool],
) -> list[T]:
    """Things of which none can be left out.

    Parameters
    ----------
    things : sequence
        All of them; together they are enough.
    enough : callable
        Whether some of them are enough. More of them never are less.

    Returns
    -------
    list
        In their order. Another such list may exist, and may be shorter.

    Notes
    -----
    The deletion filter of J. W. Chinneck and E. W. Dravnieks (1991), ORSA Journal on Computing
    3(2), 157-168, with halves, quarters and so on left out before single things.

    Examples
    --------
    >>> fewest([5, 1, 4, 2, 3], lambda some: sum(some) >= 9)
    [4, 2, 3]
    """
    left = [*things]
    step = max(len(left) // 2, 1)
    while step:
        at = 0
        while at < len(left):
            others = left[:at] + left[at + step :]
            if enough(others):
                left = others
            else:
                at += step
        step //= 2
    return left
