"""Scores against sessions: how many sessions a score has behind it, and how long ago the last one
was.
"""

from __future__ import annotations

import numpy as np

from kettrack.timelines import _kernels as kernels
from kettrack.timelines._running import run_kernel
from kettrack.timelines.bucket import Array, Bucket


def align_scores(bucket: Bucket) -> tuple[Array, Array]:
    """Sessions to date and days since the last session, for every score of a bucket.

    A score on a session day counts as before that session unless it was taken after.

    Returns
    -------
    sessions_to_date : int32, shape (scores,)
        Sessions strictly before the score.
    days_since_session : int32, shape (scores,)
        `MISSING_DAY` before the first session.
    """
    to_date, since = (np.empty(bucket.score_day.size, np.int32) for _ in range(2))
    scores = (bucket.score_offsets, bucket.score_day, bucket.score_after)
    run_kernel(
        kernels.align,
        bucket.large,
        *scores,
        bucket.session_offsets,
        bucket.session_day,
        to_date,
        since,
    )
    return to_date, since
