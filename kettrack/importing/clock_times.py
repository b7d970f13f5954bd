"""How long an administration took, from the clock at its beginning and at its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import (
    Bools,
    Floats,
    Objects,
)
from kettrack.importing.contract_columns import (
    as_kind,
)
from kettrack.importing.journal import (
    Journal,
    SourceColumn,
)
from kettrack.vocabulary.columns import (
    SESSIONS,
)

START: Final = "start_time"
END: Final = "end_time"
CLOCK_TIMES: Final = (
    START,
    END,
)
_LENGTH: Final = "duration_min"
# 9:05, 09.05, 9h05, 21:05:30, 9:05 pm, and any of them behind a date.
_CLOCK: Final = (
    r"(?i)^(?:.*[\sT])?(?P<hour>\d{1,2})[:.h](?P<minute>\d{2})(?::\d{2}(?:\.\d+)?)?"
    r"\s*(?P<half>[ap])?\.?(?:m\.?)?$"
)
_NO_CLOCK: Final = "this is no time of day"
_ALONE: Final = "the time at the other end is missing, so nobody knows how long it took"
_HOURS: Final = 24
_HALF_DAY: Final = 12
_MINUTES: Final = 60
_DAY: Final = _HOURS * _MINUTES


def with_lengths(
    columns: Mapping[str, pa.Array],
    sources: Mapping[str, SourceColumn],
    journal: Journal,
) -> dict[str, pa.Array]:
    """The columns with `duration_min` from `start_time` to `end_time`; the times themselves are
    not kept.

    Parameters
    ----------
    columns : mapping
        Of the contract.
    sources : mapping
        Name in the map to cells.
    journal : Journal
        Takes what is no time of day, and what stands alone.
    """
    if not {*CLOCK_TIMES} <= {*sources}:
        return dict(columns)
    start = minutes_of_day(sources[START], journal)
    end = minutes_of_day(sources[END], journal)
    # Who begins before midnight may end after it.
    took = (end - start) % _DAY
    for source, own, other in (
        (sources[START], start, end),
        (sources[END], end, start),
    ):
        alone = np.isfinite(own) & np.isnan(other)
        journal.cells(source, alone, "refused", _ALONE)
    lengths = as_kind(
        took,
        sources[END],
        SESSIONS[_LENGTH],
        journal,
        "min",
    )
    # What the file says itself goes before what is worked out.
    said = columns.get(_LENGTH, lengths)
    return {**columns, _LENGTH: pc.coalesce(said, lengths)}


def minutes_of_day(
    source: SourceColumn,
    journal: Journal,
) -> Floats:
    """Minutes since midnight, NaN where no time of day stands.

    Parameters
    ----------
    source : SourceColumn
        Times of day as text, as lengths since midnight, or as moments.
    journal : Journal
        Takes cells that hold something else.
    """
    kind = source.values.type
    if pa.types.is_timestamp(kind):
        minutes = _of_moments(source.values)
    elif pa.types.is_duration(kind):
        seconds = source.values.cast(pa.duration("s"), safe=False)
        minutes = _numbers(seconds.cast(pa.int64())) / _MINUTES
    else:
        minutes = _of_text(source.values.cast(pa.string()))
    wrong = ~(minutes < _DAY) & ~source.blank
    journal.cells(source, wrong, "refused", _NO_CLOCK)
    return np.where(wrong, np.nan, minutes)


def is_clock(levels: Objects) -> Bools:
    """Which of some distinct values are times of day.

    Examples
    --------
    >>> is_clock(np.array(["9:05 pm", "2024-05-01 09.30", "25:00", "40"], dtype=object)).tolist()
    [True, True, False, False]
    """
    texts = pa.array(levels, pa.string())
    minutes = _of_text(texts)
    return np.isfinite(minutes)


def _of_moments(moments: pa.Array) -> Floats:
    if moments.type.tz is not None:
        moments = pc.local_timestamp(moments)
    hours = _numbers(pc.hour(moments))
    return hours * _MINUTES + _numbers(pc.minute(moments))


def _of_text(texts: pa.Array) -> Floats:
    trimmed = pc.utf8_trim_whitespace(texts)
    parts = pc.extract_regex(trimmed, _CLOCK)
    hours = _numbers(_part(parts, "hour"))
    minutes = _numbers(_part(parts, "minute"))
    half = pc.utf8_lower(pc.struct_field(parts, "half"))
    known_half = pc.fill_null(half, "").to_numpy(zero_copy_only=False)
    # 12:30 am is half past midnight; 13 o'clock has no half of the day.
    with_half = known_half != ""
    wrong = (minutes >= _MINUTES) | (hours >= _HOURS)
    wrong |= with_half & ((hours > _HALF_DAY) | (hours == 0))
    hours = np.where(with_half, hours % _HALF_DAY, hours)
    hours = hours + _HALF_DAY * (known_half == "p")
    return np.where(wrong, np.nan, hours * _MINUTES + minutes)


def _part(parts: pa.Array, name: str) -> pa.Array:
    found = pc.struct_field(parts, name)
    return pc.if_else(pc.equal(found, ""), None, found).cast(pa.float64())


def _numbers(values: pa.Array) -> Floats:
    known = pc.fill_null(values.cast(pa.float64()), np.nan)
    return np.asarray(known.to_numpy(zero_copy_only=False), dtype=np.float64)
