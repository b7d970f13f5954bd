"""Where each person starts from, as far as the scores tell, and the draw of it."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from kettrack.arrays import Floats, Ints
from kettrack.estimators.plasmode.severity_filter import (
    TINY,
    FilterState,
    ScoreProcess,
    ScoreSeries,
    begin_filter,
    follow_scores,
    process_parts,
)


@dataclass(frozen=True, slots=True)
class Start:
    """Severity and own level of n people as far as their scores tell them; arrays of shape (n,), in
    points.

    Parameters
    ----------
    day : float64
        Of the last score before session 1.
    severity, severity_sd : float64
        True severity on that day: mean and SD.
    level, slope, level_sd : float64
        The own level: mean, change per point of severity above its mean, and SD around that.
    """

    day: Floats
    severity: Floats
    severity_sd: Floats
    level: Floats
    slope: Floats
    level_sd: Floats

    def of(self, places: Ints) -> Start:
        """The people in these places."""
        columns = (getattr(self, part.name) for part in fields(self))
        return Start(*(column[places] for column in columns))


def known_start(
    process: ScoreProcess,
    series: ScoreSeries,
) -> Start:
    """What all scores of a person tell of the day of the last one before session 1.

    Later scores are used too: levels are then spread as they are in this clinic, whatever their
    shape, and not as a bell.
    """
    before = ~series.treated & ~np.isnan(series.score)
    state = begin_filter(process_parts(process), series.score[:1])
    state, _ = follow_scores(
        process,
        state,
        series,
        before,
    )
    # A copy that no time moves: what is learnt of severity later is learnt of the start too.
    severity, *others = state.spread
    copied = [severity[0], *severity[1:], severity[0]]
    rows = [[*row, row[0]] for row in (severity, *others)]
    state = FilterState([*state.mean, state.mean[0]], [*rows, copied])
    state, _ = follow_scores(
        process,
        state,
        series,
        ~before,
    )
    of_severity = np.maximum(state.spread[3][3], TINY)
    shared = state.spread[3][1]
    slope = shared / of_severity
    left = np.maximum(state.spread[1][1] - slope * shared, 0.0)
    passed = (series.days * before).sum(axis=0)
    return Start(
        day=series.begin + passed,
        severity=state.mean[3][0],
        severity_sd=np.sqrt(of_severity[0]),
        level=state.mean[1][0],
        slope=slope[0],
        level_sd=np.sqrt(left[0]),
    )


def draw_start(
    start: Start,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Draw true severity and own level of each person; points, shape (n,)."""
    above = start.severity_sd * rng.standard_normal(start.day.size)
    own = start.level_sd * rng.standard_normal(start.day.size)
    return start.severity + above, start.level + start.slope * above + own
