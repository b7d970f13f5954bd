"""Scores and sessions on a weekly grid, and what is known of everybody as the weeks go by.

A week without a score hands on the last one known, and its sessions count until the next score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kettrack.arrays import Bools, Floats, Ints


@dataclass(frozen=True, slots=True)
class Weeks:
    """Scores and sessions by week; a week is the days up to and with its number times seven, week 0
    is day 0.

    Parameters
    ----------
    baseline : float64, shape (people,)
        Score before session 1; never missing.
    score : float64, shape (people, weeks)
        Score of weeks 0, 1, ...; missing where none was taken.
    sessions : int64, shape (people, weeks)
        Session days in each week; one in week 0.
    lowest, highest : float
        Range of the scale.
    """

    baseline: Floats
    score: Floats
    sessions: Ints
    lowest: float
    highest: float


@dataclass(frozen=True, slots=True)
class KnownHistory:
    """What is known of everybody before a week; arrays of shape (..., people).

    Parameters
    ----------
    baseline, last, previous, total : float64
        Scores: before session 1, the last known, that of a week earlier, and the sum over baseline
        and weeks, the last known standing in for a week without one.
    weeks : int
        The week that comes.
    before, last_week, unscored : int64
        Session days so far, in the week that ended, and since the last score.
    """

    baseline: Floats
    last: Floats
    previous: Floats
    total: Floats
    weeks: int
    before: Ints
    last_week: Ints
    unscored: Ints

    def after(
        self,
        score: Floats,
        given: Ints,
    ) -> KnownHistory:
        """The same a week later; a missing score leaves the last one known."""
        missing = np.isnan(score)
        last = np.where(missing, self.last, score)
        return KnownHistory(
            baseline=self.baseline,
            last=last,
            previous=self.last,
            # one term for every week, scored or not, so that the mean divides by the weeks
            total=self.total + last,
            weeks=self.weeks + 1,
            before=self.before + given,
            last_week=given,
            unscored=np.where(missing, self.unscored + given, 0),
        )

    @property
    def mean(self) -> Floats:
        """Of the baseline and every score since."""
        # the baseline is one term more than there are weeks
        return self.total / (self.weeks + 1)

    def for_score(
        self,
        given: Ints,
        weeks: int,
    ) -> list[npt.NDArray[np.floating]]:
        """Covariates of the week's score: an intercept for every week; what sessions since the last
        score do comes last.
        """
        since = self.unscored + given
        shape = self.last.shape
        # squares and products are divided by 10, to be of the size of the other columns
        return [
            *(np.full(shape, float(week == self.weeks)) for week in range(weeks)),
            self.last,
            self.last**2 / 10,
            self.previous,
            self.mean,
            self.baseline,
            1.0 * since,
            since * self.last / 10,
        ]

    def for_chance(
        self,
        group: Bools,
        weeks: int,
    ) -> list[npt.NDArray[np.floating]]:
        """Covariates of what happens in the week or does not: each of two groups has its own
        intercept in every week.
        """
        own = []
        for week in range(weeks):
            for one in (False, True):
                own.append(1.0 * (group == one) * (week == self.weeks))
        # what the last score says counts only for those who were treated in the week before
        came = 1.0 * (self.last_week > 0)
        before = 1.0 * self.before
        return [
            *own,
            came,
            came * self.last,
            came * self.last**2 / 10,
            self.mean,
            self.baseline,
            before,
            before**2 / 10,
        ]


def history_before_week_0(baseline: Floats) -> KnownHistory:
    """What is known before week 0."""
    none = np.zeros(baseline.shape, np.int64)
    # the baseline stands for every score so far, and is the first term of the sum
    return KnownHistory(
        baseline=baseline,
        last=baseline,
        previous=baseline,
        total=baseline,
        weeks=0,
        before=none,
        last_week=none,
        unscored=none,
    )
