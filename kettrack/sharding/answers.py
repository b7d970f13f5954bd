"""Questions asked of a sharded folder: counted bucket by bucket, answered from the sum."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from typing import Final

from kettrack.analysis.registry import Answer, answered_with_less
from kettrack.errors import UsageError
from kettrack.pooling.catalogue import PARTS
from kettrack.pooling.counts import PeopleCounts, added, count_people
from kettrack.pooling.released import require_addable
from kettrack.pooling.summary import Summary, countable, summary_of
from kettrack.privacy.doors import require_together
from kettrack.reading.sharded.opened import ShardedFolder
from kettrack.result import Result
from kettrack.sharding.schedulers import each_bucket
from kettrack.timelines.derived import derive

_BY_BUCKET: Final = "Counted bucket by bucket, without all rows at once."
_Advance = Callable[[], None]


def estimate_by_bucket(
    name: str,
    opened: ShardedFolder,
    scheduler: str | None = None,
    advance: _Advance | None = None,
) -> Result:
    """Answer one question about a sharded folder of any size.

    Parameters
    ----------
    name : str
        A question whose counts can be added: `pooled_questions()` lists them.
    opened : ShardedFolder
        From `open_sharded`.
    scheduler : str, optional
        Address of a scheduler of Dask, or `local`; by default this process.
    advance : callable, optional
        Called after each bucket.

    Returns
    -------
    Result
        As `estimate` answers it of all rows at once. Where counts do not hold all of an answer, a
        caveat says what is not in it.

    Raises
    ------
    UsageError
        For a question whose counts cannot be added, and under a policy that hides: what leaves then
        is protected together with a report, which needs all rows at once.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from kettrack import open_sharded, sample_folder, shard
    >>> with TemporaryDirectory() as place:
    ...     made = shard(sample_folder(), f"{place}/buckets", buckets=2)
    ...     folder = open_sharded(f"{place}/buckets")
    ...     answer = estimate_by_bucket("ladder", folder)
    >>> int(answer.table["left"].iloc[0])
    600
    """
    if name not in PARTS:
        there = ", ".join(PARTS)
        raise UsageError(
            f"{name!r} needs all rows at once: load_cohort reads them where they fit into memory."
            f" These questions are counted bucket by bucket: {there}."
        )
    require_together(
        opened.settings.policy,
        "an answer that is counted bucket by bucket",
        "ask where all rows fit into memory",
    )
    counts = _counted([name], opened, scheduler, advance)
    whole = derive(opened.nobody())
    return answered_with_less(
        name,
        whole,
        lambda: _answer(counts, name),
        counts.people,
    )


def _answer(counts: PeopleCounts, name: str) -> Answer:
    answer = counts.answer(name)
    lacks = PARTS[name].lacks
    said = f"{_BY_BUCKET} Not in it: {lacks}" if lacks else _BY_BUCKET
    return replace(answer, caveats=(*answer.caveats, said))


def summarise_by_bucket(
    opened: ShardedFolder,
    site: str = "",
    scheduler: str | None = None,
    advance: _Advance | None = None,
) -> Summary:
    """Count what a site sends, as `summarise` does, bucket by bucket.

    Parameters
    ----------
    opened, scheduler, advance
        As for `estimate_by_bucket`.
    site : str
        As for `summarise`.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from kettrack import open_sharded, sample_folder, shard
    >>> with TemporaryDirectory() as place:
    ...     made = shard(sample_folder(), f"{place}/buckets", buckets=2)
    ...     summary = summarise_by_bucket(open_sharded(f"{place}/buckets"), site="A")
    >>> summary.people
    600
    """
    policy = require_addable(opened.settings.policy)
    counts = _counted(countable(policy), opened, scheduler, advance)
    return summary_of(counts, derive(opened.nobody()), site)


def _counted(
    names: Collection[str],
    opened: ShardedFolder,
    scheduler: str | None,
    advance: _Advance | None,
) -> PeopleCounts:
    """The counts of all buckets; each is added as it comes."""
    task = partial(_counts_of_bucket, names=tuple(names))
    whole: PeopleCounts | None = None
    for counts in each_bucket(task, opened, scheduler):
        whole = added([whole, counts]) if whole else counts
        if advance is not None:
            advance()
    if whole is None:
        raise UsageError("The folder has no buckets.")
    return whole


def _counts_of_bucket(
    opened: ShardedFolder,
    number: int,
    names: Collection[str],
) -> PeopleCounts:
    return count_people(opened.bucket(number), names)
