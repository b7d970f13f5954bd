"""Work on buckets done by the workers of Dask: on this machine, or on many."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Final, TypeVar

from kettrack.errors import UsageError
from kettrack.memory import TooLittleMemory
from kettrack.reading.sharded.opened import ShardedFolder

T = TypeVar("T")
# The folder and the number of a bucket in.
BucketTask = Callable[[ShardedFolder, int], T]
LOCAL: Final = "local"
# Workers on this machine, and what each may take.
_WORKERS: Final = 2
_MEMORY: Final = "2GB"
# Nobody else on a shared machine may look at the pages of a cluster.
_LOOPBACK: Final = "127.0.0.1"
_NOT_THERE: Final = (
    "--scheduler needs Dask, which is not installed here. To have it: pip install"
    " 'kettrack[distributed]'"
)
# Buckets that are asked for before their turn: results wait in memory.
_AHEAD: Final = 4
_SECONDS: Final = 20  # until a scheduler that does not answer is given up


def on_cluster(
    task: BucketTask[T],
    opened: ShardedFolder,
    scheduler: str,
) -> Iterator[T]:
    """What a task gives for each bucket, in their order, by the workers of a cluster.

    Parameters
    ----------
    task : callable
        A function at the top of a module.
    opened : ShardedFolder
        In a place that every worker finds under the same path.
    scheduler : str
        Address of a scheduler, such as `tls://10.0.0.1:8786`; certificates are those that the
        settings of Dask name. `local` starts workers on this machine.

    Raises
    ------
    UsageError
        Where Dask is not installed, and where nobody answers at the address.
    TooLittleMemory
        Where workers die of a bucket.
    """
    with ExitStack() as stack:
        client = _client(scheduler, stack)
        numbers = range(opened.manifest.n_buckets)
        ahead = _AHEAD * max(len(client.scheduler_info()["workers"]), 1)
        waiting: deque[Any] = deque()
        # In their order, whichever worker is first: an answer does not depend on who was fast.
        for number in numbers:
            waiting.append(client.submit(task, opened, number, pure=False))
            if len(waiting) >= ahead:
                yield _result(waiting.popleft())
        while waiting:
            yield _result(waiting.popleft())


def _result(future: Any) -> Any:
    """What a worker found.

    Raises
    ------
    TooLittleMemory
        Where one worker after another died of the same bucket.
    """
    from distributed import KilledWorker

    try:
        return future.result()
    except KilledWorker as error:
        step = "on the workers for one of the buckets: they were killed at it, one after another"
        raise TooLittleMemory(step) from error


def _client(scheduler: str, stack: ExitStack) -> Any:
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        raise UsageError(_NOT_THERE) from None
    address: Any = scheduler
    if scheduler == LOCAL:
        cluster = LocalCluster(
            n_workers=_WORKERS,
            threads_per_worker=1,
            memory_limit=_MEMORY,
            host=_LOOPBACK,
            # No pages at all: they tell what is being worked on.
            dashboard_address=None,
        )
        address = stack.enter_context(cluster)
    try:
        return stack.enter_context(Client(address, timeout=_SECONDS))
    # Who has mistyped an address sees no trace of the library.
    except (OSError, ValueError) as error:
        raise UsageError(
            f"No scheduler of Dask answers at {scheduler!r}. Start one: dask scheduler --host"
            f" {_LOOPBACK}"
        ) from error
