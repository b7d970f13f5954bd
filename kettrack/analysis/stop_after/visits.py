"""Whether visits are regular: sessions evenly spaced, none decided by scores between them, and
scores whoever attends.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from kettrack.analysis.stop_after.history import HORIZON, WINDOW, Log
from kettrack.timelines.bucket import Array

# share of gaps more than a day off the median; share of gaps with a score inside
UNEVEN: Final = 0.10
# by which the share of weeks with a score may differ in the course and after it
LARGEST_GAP: Final = 0.20
_WEEK: Final = 7


def why_irregular(log: Log, patient: Array, days: Array) -> str:
    """In what visits are irregular, in words; empty where they are regular.

    Parameters
    ----------
    patient : int64, shape (n,)
        Position in the cohort.
    days : float64, shape (n, most sessions)
        Session days of the course up to the horizon; missing beyond.
    """
    gaps = np.diff(days, axis=1)
    known = gaps[~np.isnan(gaps)]
    if not known.size:
        return ""
    who, day = _scores(log, patient)
    in_care, after = _weeks_scored(who, day, np.nanmax(days, axis=1))
    found = {
        "sessions are unevenly spaced": (
            float((np.abs(known - np.median(known)) > 1).mean()) > UNEVEN
        ),
        "scores are taken between sessions": _between(who, day, days) > UNEVEN,
        # never of a missing share
        "scores depend on attendance": abs(in_care - after) > LARGEST_GAP,
    }
    return ", ".join(words for words, holds in found.items() if holds)


def _scores(log: Log, patient: Array) -> tuple[Array, Array]:
    """Person, by place in `patient`, and day of each score after day 0 up to the horizon."""
    place = np.full(log.bucket.n, -1)
    place[patient] = np.arange(len(patient))
    rows = np.flatnonzero(log.bucket.score_known)
    who = place[log.bucket.score_patient[rows]]
    day = log.bucket.score_day[rows].astype(np.int64)
    kept = (who >= 0) & (day > 0) & (day <= HORIZON)
    return who[kept], day[kept]


def _weeks_scored(who: Array, day: Array, last_day: Array) -> tuple[float, float]:
    """Share of weeks with a score: of those wholly in the course, and of those begun after it;
    before the outcome window.
    """
    end = np.arange(_WEEK, HORIZON - WINDOW + 1, _WEEK)
    scored = np.zeros((len(last_day), HORIZON // _WEEK), dtype=bool)
    scored[who, (day - 1) // _WEEK] = True
    weeks = scored[:, : len(end)]
    parts = (
        weeks[end <= last_day[:, None]],
        weeks[end - _WEEK >= last_day[:, None] + WINDOW],
    )
    inside, after = (
        float(part.mean()) if part.size else float("nan") for part in parts
    )
    return inside, after


def _between(who: Array, day: Array, days: Array) -> float:
    """Share of gaps between two sessions of the course with a score on a day strictly inside."""
    # sessions before the day of the score
    before = (days[who] < day[:, None]).sum(axis=1)
    on_session = (days[who] == day[:, None]).any(axis=1)
    inside = ~on_session & (before > 0) & (before < (~np.isnan(days)).sum(axis=1)[who])
    gaps = len(np.unique(who[inside] * days.shape[1] + before[inside]))
    return gaps / max(int((~np.isnan(days[:, 1:])).sum()), 1)
