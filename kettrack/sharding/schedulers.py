"""Who does the work on buckets: this process, one after another, or the workers of Dask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from kettrack.reading.sharded.opened import ShardedFolder
from kettrack.sharding.cluster import BucketTask, on_cluster

T = TypeVar("T")


def each_bucket(
    task: BucketTask[T],
    opened: ShardedFolder,
    scheduler: str | None = None,
) -> Iterator[T]:
    """What a task gives for each bucket, in their order.

    Parameters
    ----------
    task : callable
        A function at the top of a module, so that other processes find it.
    opened : ShardedFolder
        The folder.
    scheduler : str, optional
        Address of a scheduler of Dask, or `local`. By default this process does all of it.
    """
    numbers = range(opened.manifest.n_buckets)
    if scheduler is None:
        # A generator: one bucket is in memory at a time.
        return (task(opened, number) for number in numbers)
    return on_cluster(task, opened, scheduler)
