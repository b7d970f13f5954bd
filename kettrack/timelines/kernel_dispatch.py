"""How a kernel is run: as plain Python on a small cohort, compiled through numba on a large one."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from kettrack.timelines import _kernels as kernels

LARGE: Final = 200_000  # rows; below it compiling costs more than it saves

_PLAIN: Final = "?bhilqBHILQfd"  # types that a memoryview turns into numbers of Python

_log = logging.getLogger(__name__)


class BaselineHow(NamedTuple):
    """Which score is the baseline, as fixed scalar types."""

    window: int
    rule: int
    sign: int


class CourseLimits(NamedTuple):
    """`CourseRules` as fixed scalar types."""

    series_gap: int
    induction_sessions: int
    stretch_after: int
    stretch_gap: int
    stretch_factor: float
    reinduction_sessions: int
    reinduction_pause: int


class RunLimits(NamedTuple):
    """A predicate and a `Run` as fixed scalar types, since numba compiles anew for every new type.

    `measure` 0 score, 1 change, 2 percent change; `operator` 0 at most, 1 at least, 2 above, 3
    below.
    """

    measure: int
    operator: int
    limit: float
    length: int
    min_gap: int
    max_gap: int


@functools.cache
def _compiled(kernel: Callable[..., None]) -> Callable[..., None]:
    try:
        import numba
    except ImportError:
        _log.warning(
            "numba is not installed: large inputs run slowly (pip install 'kettrack[fast]')"
        )
        return kernel
    for helper in kernels.HELPERS:
        numba.extending.register_jitable(helper)
    return numba.njit(cache=True, nogil=True)(kernel)


def run_kernel(kernel: Callable[..., None], large: bool, *arguments: Any) -> None:
    """Run a kernel: as Python on a small cohort, compiled on a large one."""
    if large:
        _compiled(kernel)(*arguments)
    else:
        kernel(*map(_as_python, arguments))


def _as_python(argument: Any) -> Any:
    """The same memory as plain numbers: a loop in Python reads them several times as fast as
    numbers of NumPy.
    """
    plain = (
        isinstance(argument, np.ndarray)
        and argument.dtype.char in _PLAIN
        and argument.dtype.isnative
    )
    return memoryview(argument) if plain and argument.flags.aligned else argument
