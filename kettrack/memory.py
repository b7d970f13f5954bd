"""Memory and threads: too little memory, how it is recognised and what would help; and how many
threads linear algebra may have. A limit on the addresses of a program (`ulimit -v`) is the one case
in which kettrack can know beforehand that memory is short.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from kettrack.errors import KettrackError

_BYTES_IN_MB: Final = 1_000_000
_BYTES_IN_KB: Final = 1024  # as Linux counts them
_MEMORY_FILE: Final = Path("/proc/meminfo")
_GROUP: Final = Path("/sys/fs/cgroup")
# Each thread keeps room for addresses that it never uses: one of a kind is enough where this is
# scarce. The names are those that NumPy, Arrow and the compiler of the kernels read.
_ONE_THREAD: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "ARROW_IO_THREADS",
    "NUMBA_NUM_THREADS",
)
# Linear algebra, under the names of OpenBLAS, MKL and Apple.
_LINEAR_ALGEBRA: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
# How libraries say that memory is short where they raise no MemoryError.
_SAID: Final = (
    "can't start new thread",
    "cannot allocate memory",
    "failed to map segment",
    "out of memory",
)


class TooLittleMemory(KettrackError):
    """There is not enough memory to begin, or to go on.

    Parameters
    ----------
    step : str
        What could not be done, as the end of a sentence.

    Examples
    --------
    >>> print(TooLittleMemory("to read the folder"))  # doctest: +ELLIPSIS
    There was not enough memory to read the folder. ...
    """

    def __init__(self, step: str) -> None:
        super().__init__(f"There was not enough memory {step}. {_what_helps()}")


def is_short_of_memory(error: BaseException) -> bool:
    """Whether an error, or one that it came from, says that memory is short.

    Examples
    --------
    >>> is_short_of_memory(MemoryError()), is_short_of_memory(ValueError("seven"))
    (True, False)
    """
    return any(_says_so(one) for one in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error, and those it came from."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        yield one
        seen.add(id(one))
        one = one.__cause__ or one.__context__


def _says_so(error: BaseException) -> bool:
    # The errors of NumPy and of Arrow are both kinds of it.
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno == errno.ENOMEM
    # The compiler of the kernels finds no room for its library, and says that it is not there.
    if isinstance(error, OSError):
        return "shared object" in str(error) and _address_limit() is not None
    # Threads that cannot start, and libraries that cannot be loaded.
    known = isinstance(error, RuntimeError | ImportError)
    return known and sounds_like_memory(type(error).__name__, str(error))


def sounds_like_memory(name: str, message: str) -> bool:
    """Whether the name and the message of an error, all that another process tells of it, say that
    memory is short.

    Examples
    --------
    >>> sounds_like_memory("ArrowMemoryError", ""), sounds_like_memory("KeyError", "day")
    (True, False)
    """
    said = message.casefold()
    return name.endswith("MemoryError") or any(words in said for words in _SAID)


def require_memory(least_mb: int, step: str) -> None:
    """Stop before work for which the system leaves a program no room, and be sparing where room is
    limited at all.

    Parameters
    ----------
    least_mb : int
        What is needed before any data are read. Below it some libraries end the process without a
        word.
    step : str
        As for `TooLittleMemory`.
    """
    limit = _address_limit()
    if limit is None:
        return
    for name in _ONE_THREAD:
        os.environ.setdefault(name, "1")
    if limit < least_mb * _BYTES_IN_MB:
        raise TooLittleMemory(f"{step}, which takes {least_mb:,} MB before any data")


def one_thread_each(environment: MutableMapping[str, str]) -> None:
    """Let linear algebra do with one thread, unless the user has named a number.

    The matrices here are small: threads that share one wait for each other longer than they work,
    and two notebooks run side by side.

    Parameters
    ----------
    environment : mutable mapping
        Of this process, before NumPy is loaded, or of one that is to be started.

    Examples
    --------
    >>> there = {"OMP_NUM_THREADS": "4"}
    >>> one_thread_each(there)
    >>> there["OMP_NUM_THREADS"], there["OPENBLAS_NUM_THREADS"]
    ('4', '1')
    """
    for name in _LINEAR_ALGEBRA:
        environment.setdefault(name, "1")


@contextmanager
def one_thread() -> Iterator[None]:
    """Linear algebra with one thread for a while, in a process that has loaded it already, such as
    somebody's notebook; as `one_thread_each` otherwise.

    Examples
    --------
    >>> with one_thread():
    ...     pass
    """
    # The command line and the report have seen to it when they began.
    if not _named_threads():
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1, user_api="blas"):
            yield
    else:
        yield


def _named_threads() -> bool:
    """Whether somebody has said how many threads linear algebra may have."""
    return any(name in os.environ for name in _LINEAR_ALGEBRA)


def require_free_memory(needed_mb: int, step: str) -> None:
    """Stop before work that would fill the memory of this machine.

    Parameters
    ----------
    needed_mb : int
        What it takes, roughly.
    step : str
        As for `TooLittleMemory`.
    """
    free = free_memory_mb()
    if free is not None and needed_mb > free:
        raise TooLittleMemory(
            f"{step}, which takes about {needed_mb:,} MB; {free:,} MB are free"
        )


def free_memory_mb() -> int | None:
    """Memory that a program can still take here; None where the system does not tell."""
    found = [_address_limit(), _available(), _left_in_group()]
    known = [one for one in found if one is not None]
    return min(known) // _BYTES_IN_MB if known else None


def _available() -> int | None:
    """Bytes that are free, or in use only until somebody needs them."""
    # Only Linux has this file.
    with suppress(OSError):
        for line in _MEMORY_FILE.read_text().splitlines():
            name, _, rest = line.partition(":")
            if name == "MemAvailable":
                return int(rest.split()[0]) * _BYTES_IN_KB
    return None


def _left_in_group() -> int | None:
    """Bytes left to a container; None outside of one, and where it has no limit."""
    with suppress(OSError, ValueError):
        limit = int((_GROUP / "memory.max").read_text())
        used = int((_GROUP / "memory.current").read_text())
        return limit - used
    return None


def _address_limit() -> int | None:
    """Bytes that a program may address here; None where nobody has set a limit."""
    # Windows has no such limit, and no such module.
    try:
        import resource
    except ImportError:
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if limit == resource.RLIM_INFINITY else limit


def _what_helps() -> str:
    limit = _address_limit()
    if limit is None:
        return "Close other programs, or use a computer with more memory."
    return (
        f"A program may use {limit // _BYTES_IN_MB:,} MB here. Allow it more, and type the command"
        " again: ulimit -v unlimited"
    )
