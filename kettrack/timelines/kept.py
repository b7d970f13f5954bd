"""What one question asks of a cohort again and again is made once.

Nothing outlives the question: between two questions the tables are in the user's hands, who may
change them.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial, wraps
from typing import Any, Concatenate, Final, NamedTuple, ParamSpec, TypeVar, cast

import pandas as pd

from kettrack.reading.cohort import Cohort

P = ParamSpec("P")
T = TypeVar("T")

_FEW: Final = 4  # of each kind; a simulated clinic gives way to the next


class _Made(NamedTuple):
    given: tuple[object, ...]
    value: Any


_made: ContextVar[defaultdict[Callable[..., Any], deque[_Made]] | None] = ContextVar(
    "made", default=None
)


@contextmanager
def one_question() -> Iterator[None]:
    """While this lasts, what was made of a cohort is not made again; a question within a question
    is the same one.
    """
    if _made.get() is not None:
        yield
        return
    token = _made.set(defaultdict(partial(deque, maxlen=_FEW)))
    try:
        yield
    finally:
        _made.reset(token)


def kept(
    *parts: str,
) -> Callable[
    [Callable[Concatenate[Cohort, P], T]], Callable[Concatenate[Cohort, P], T]
]:
    """Keep what a function makes of a cohort while `one_question` lasts; a frame is handed out as a
    copy on write.

    Parameters
    ----------
    *parts : str
        Fields of the cohort that decide the answer.
    """

    def keep(
        function: Callable[Concatenate[Cohort, P], T],
    ) -> Callable[Concatenate[Cohort, P], T]:
        @wraps(function)
        def once(cohort: Cohort, *args: P.args, **named: P.kwargs) -> T:
            made = _made.get()
            if made is None:
                return function(cohort, *args, **named)
            given = (*(getattr(cohort, part) for part in parts), *args, *named.items())
            value: T | None = next(
                (one.value for one in made[function] if _same(one.given, given)), None
            )
            if value is None:
                value = function(cohort, *args, **named)
                made[function].append(_Made(given, value))
            return (
                cast(T, value.copy(deep=False))
                if isinstance(value, pd.DataFrame)
                else value
            )

        # the cohort may be named, as in the function itself
        return cast(Callable[Concatenate[Cohort, P], T], once)

    return keep


def _same(left: tuple[object, ...], right: tuple[object, ...]) -> bool:
    """Tell whether tables are the very same and everything else is equal."""
    return len(left) == len(right) and all(
        a is b or (not isinstance(a, pd.DataFrame) and a == b)
        for a, b in zip(left, right, strict=True)
    )
