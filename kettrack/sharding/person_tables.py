"""Tables with rows of single patients, made bucket by bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

import pandas as pd

from kettrack.errors import UsageError
from kettrack.reading.cohort import Cohort
from kettrack.reading.sharded.opened import ShardedFolder
from kettrack.sharding.schedulers import each_bucket
from kettrack.timelines.tables import (
    courses_table,
    outcomes_table,
    person_sessions_table,
    state_events_table,
    timeline_table,
)

# Each row of them rests on the rows of one patient alone.
_TABLES: Final[Mapping[str, Callable[[Cohort], pd.DataFrame]]] = {
    "courses": courses_table,
    "timeline": timeline_table,
    "outcomes": outcomes_table,
    "events": state_events_table,
    "person_sessions": person_sessions_table,
}


def rows_by_bucket(
    table: str,
    opened: ShardedFolder,
    scheduler: str | None = None,
) -> Iterator[pd.DataFrame]:
    """One table of kettrack, bucket by bucket.

    Parameters
    ----------
    table : str
        `courses`, `timeline`, `outcomes`, `events` or `person_sessions`.
    opened : ShardedFolder
        From `open_sharded`.
    scheduler : str, optional
        Address of a scheduler of Dask, or `local`; by default this process.

    Returns
    -------
    iterator of DataFrame
        In the order of the buckets. Within a bucket rows are in the order that they have when all
        are read at once.

    Raises
    ------
    UsageError
        For another table.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from kettrack import open_sharded, sample_folder, shard
    >>> with TemporaryDirectory() as place:
    ...     made = shard(sample_folder(), f"{place}/buckets", buckets=2)
    ...     folder = open_sharded(f"{place}/buckets")
    ...     rows = [len(part) for part in rows_by_bucket("outcomes", folder)]
    >>> len(rows), sum(rows)
    (2, 600)
    """
    if table not in _TABLES:
        raise UsageError(
            f"There is no table {table!r}; there are: {', '.join(_TABLES)}."
        )
    return each_bucket(partial(_rows_of_bucket, table=table), opened, scheduler)


def _rows_of_bucket(opened: ShardedFolder, number: int, table: str) -> pd.DataFrame:
    return _TABLES[table](opened.bucket(number))
