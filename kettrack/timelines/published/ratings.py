"""Rating a patient once: who can be rated under a rule, who cannot and why, and the scores that
decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from kettrack.settings import BaselineRule
from kettrack.timelines.bucket import Array, Bucket, bucket_of, values_at
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.events import Baselines, find_baselines, ratable
from kettrack.timelines.kernels import MISSING_DAY, NO_ROW
from kettrack.timelines.outcomes import EXCLUSIONS
from kettrack.timelines.states import change_of, is_assessment, meets
from kettrack.vocabulary.criteria import convention
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.instruments import get_instrument
from kettrack.vocabulary.rules import Predicate, Rule

REASONS: Final = (*EXCLUSIONS, "few_sessions", "too_new", "not_scored", "no_items")


@dataclass(frozen=True, slots=True)
class Scored:
    """A cohort's scores on one instrument with their baselines: what every rule here is applied to.

    Parameters
    ----------
    cohort : DerivedCohort
        Whose scores they are.
    instrument : Instrument
        The scale.
    bucket : Bucket
        Its scores, and the sessions.
    baselines : Baselines
        By the rule in force.
    assessment : bool, shape (scores,)
        Complete scores after the first session.
    faults : dict of str to bool, shape (n,)
        Why a patient cannot be rated under any rule: no baseline, below caseness, treated before,
        placebo.
    """

    cohort: DerivedCohort
    instrument: Instrument
    bucket: Bucket
    baselines: Baselines
    assessment: Array
    faults: Mapping[str, Array]

    def holds(self, *predicates: Predicate) -> Array:
        """Whether each assessment holds every predicate: bool, shape (scores,)."""
        change, percent_change = change_of(self.bucket, self.baselines)
        measures = {
            "score": self.bucket.score,
            "change": change,
            "percent_change": percent_change,
        }
        held = [meets(Rule(predicate), measures) for predicate in predicates]
        return self.assessment & np.logical_and.reduce(held)

    def value(self, row: Array) -> Array:
        """Score of each row; NaN where the row is -1."""
        score = np.asarray(self.bucket.score, np.float64)
        return values_at(score, row)


@dataclass(frozen=True, slots=True)
class Rating:
    """Who met a rule; arrays over the patients of a cohort.

    Parameters
    ----------
    met : bool, shape (n,)
        False also where it could not be rated.
    reason : int8, shape (n,)
        Why it could not: position in `REASONS`, -1 where it could.
    proof : tuple of (Bucket, int64 of shape (n, k))
        Score rows that decided; -1 = none.
    """

    met: Array
    reason: Array
    proof: tuple[tuple[Bucket, Array], ...]

    @property
    def rated(self) -> Array:
        """Whether each patient could be rated: bool, shape (n,)."""
        return self.reason < 0


def score_cohort(
    cohort: DerivedCohort,
    instrument: str | None = None,
    baseline: BaselineRule | None = None,
) -> Scored:
    """Scores and baselines of a cohort on one instrument.

    Parameters
    ----------
    cohort : DerivedCohort
        From `load_cohort`.
    instrument : str, optional
        Default the primary one.
    baseline : {"last", "mean", "worst"}, optional
        Default the cohort's own.
    """
    settings = cohort.settings
    name = instrument or settings.instrument
    scale = get_instrument(name, settings.known_instruments)
    bucket = bucket_of(cohort.cohort, scale.name)
    rule = baseline or settings.baseline
    baselines = find_baselines(bucket, rule, scale.sign)
    after = is_assessment(bucket, baselines)
    # These rules name no caseness of their own: that of the convention for the scale is taken.
    faults = {
        "no_baseline": np.isnan(baselines.score),
        "below_caseness": ~ratable(baselines, convention(scale)),
        **cohort.log_reasons,
    }
    return Scored(
        cohort=cohort,
        instrument=scale,
        bucket=bucket,
        baselines=baselines,
        assessment=bucket.score_known & after,
        faults=faults,
    )


def rating(
    met: Array,
    faults: Mapping[str, Array],
    *proof: tuple[Bucket, Array],
) -> Rating:
    """A rating from who met the rule and who cannot be rated; the first fault that applies, in the
    order of `REASONS`.
    """
    # `select` takes the first that applies, so the order of `REASONS` decides
    names = [name for name in REASONS if name in faults]
    applies = [faults[name] for name in names]
    codes = [REASONS.index(name) for name in names]
    reason = np.select(applies, codes, -1).astype(np.int8)
    rated = reason < 0
    # one column of rows, or several: always a table with a line for each patient
    shown = [(bucket, rows.reshape(bucket.n, -1)) for bucket, rows in proof]
    return Rating(met & rated, reason, tuple(shown))


def too_new(
    bucket: Bucket,
    from_day: int,
    to_day: int,
) -> Array:
    """Logs that end before `to_day`, so that met and not met would not be seen alike.

    Where nothing says to which day a log is complete, one that has no row from `from_day` on.
    """
    last_score = _last_of(bucket.score_offsets, bucket.score_day)
    last_session = _last_of(bucket.session_offsets, bucket.session_day)
    latest = np.maximum(last_score, last_session)
    observed = bucket.observed_to_day
    stated = observed != MISSING_DAY
    return np.where(stated, observed < to_day, latest < from_day)


def _last_of(offsets: Array, day: Array) -> Array:
    """Day of each patient's last row; `MISSING_DAY` without one."""
    there = np.diff(offsets) > 0
    last = np.where(there, offsets[1:] - 1, NO_ROW)
    return values_at(day, last, np.int32(MISSING_DAY))
