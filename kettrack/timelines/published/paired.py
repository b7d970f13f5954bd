"""First against last, deadlines, and two scales at once: what a baseline and one later score
decide.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kettrack.errors import UsageError
from kettrack.timelines.bucket import Array, Bucket
from kettrack.timelines.kernels import MISSING_DAY, NO_ROW
from kettrack.timelines.published.ratings import (
    Rating,
    Scored,
    rating,
    score_cohort,
    too_new,
)
from kettrack.timelines.published.reliable_change import classify_change
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.patient_rules import (
    ChangeRule,
    DeadlineRule,
    LastRule,
    TwoScaleRule,
)


@dataclass(frozen=True, slots=True)
class _Ends:
    """First and last score of each patient on one scale; arrays of shape (n,)."""

    scale: Instrument
    bucket: Bucket
    last_row: Array
    first: Array
    last: Array

    @property
    def fall(self) -> Array:
        """Points by which each patient became better; negative = worse."""
        drop = self.first - self.last
        return drop * self.scale.sign

    def is_case(self, score: Array) -> Array:
        """Whether each score is a case on this scale."""
        sign = self.scale.sign
        limit = _number(self.scale, "caseness")
        return sign * score >= sign * limit

    def changed(self, sign: int) -> Array:
        """Whether each patient became reliably better (+1) or worse (-1)."""
        limit = _number(self.scale, "reliable_change")
        return sign * self.fall >= limit

    @property
    def was_case(self) -> Array:
        """Whether the baseline is a case."""
        return self.is_case(self.first)

    @property
    def still_case(self) -> Array:
        """Whether the last score is a case."""
        return self.is_case(self.last)

    @property
    def no_baseline(self) -> Array:
        """Where there is no first score."""
        return np.isnan(self.first)

    @property
    def no_follow_up(self) -> Array:
        """Where there is no last score."""
        return self.last_row == NO_ROW


def rate_deadline(scored: Scored, rule: DeadlineRule) -> Rating:
    """Whether some score up to the day holds the predicate; a patient not scored by then is not
    rated.
    """
    bucket = scored.bucket
    in_time = scored.assessment & (bucket.score_day <= rule.by_day)
    first = bucket.first_row(in_time & scored.holds(rule.predicate))
    last = bucket.last_row(in_time)
    met = first != NO_ROW
    faults = dict(scored.faults)
    faults["too_new"] = too_new(bucket, MISSING_DAY, rule.by_day)
    faults["not_scored"] = last == NO_ROW
    # where nothing shows that it was met, the last score in time shows that it was not
    proof = np.where(met, first, last)
    return rating(met, faults, (bucket, proof))


def rate_last(scored: Scored, rule: LastRule) -> Rating:
    """Whether the last score holds every predicate."""
    bucket = scored.bucket
    last, faults = _last_and_faults(scored)
    # The last score holds where the last that holds is the last of all.
    held = bucket.last_row(scored.holds(*rule.predicates))
    return rating(last == held, faults, (bucket, last))


def rate_change(scored: Scored, rule: ChangeRule) -> Rating:
    """Whether the last score is reliably better than the baseline and across the cut-off."""
    last, faults = _last_and_faults(scored)
    change = classify_change(
        scored.baselines.score,
        scored.value(last),
        rule.reliable_change.value,
        rule.cutoff.value,
        scored.instrument.higher_is_worse,
    )
    recovered = np.asarray(change == "recovered")
    return rating(recovered, faults, (scored.bucket, last))


def _last_and_faults(scored: Scored) -> tuple[Array, dict[str, Array]]:
    """Row of each patient's last assessment, and why a patient cannot be rated."""
    last = scored.bucket.last_row(scored.assessment)
    faults = dict(scored.faults)
    faults["no_follow_up"] = last == NO_ROW
    return last, faults


def rate_two_scales(scored: Scored, rule: TwoScaleRule) -> Rating:
    """First against last on two scales: recovery, reliable improvement or deterioration, or both at
    once.

    Parameters
    ----------
    scored : Scored
        On the rule's first scale; the second is read from the cohort under its own baseline rule.
    rule : TwoScaleRule
        A rule of recovery is rated only for a case on either scale at baseline; every rule needs
        both scales at both ends.
    """
    second = score_cohort(scored.cohort, rule.second)
    one = _ends(scored)
    other = _ends(second)
    met = np.ones(scored.bucket.n, bool)
    if rule.recovery:
        met &= ~(one.still_case | other.still_case)
    if rule.reliable:
        sign = 1 if rule.reliable == "improvement" else -1
        met &= one.changed(sign) | other.changed(sign)
        # better on one scale and worse on the other is no change for the better
        met &= ~(one.changed(-sign) | other.changed(-sign))
    # who was a case on neither scale had nothing to recover from
    was_case = one.was_case | other.was_case
    n_sessions = np.diff(scored.bucket.session_offsets)
    faults = {
        "prior_sessions": scored.faults["prior_sessions"],
        "placebo": scored.faults["placebo"],
        "no_baseline": one.no_baseline | other.no_baseline,
        "below_caseness": ~was_case & rule.recovery,
        "few_sessions": n_sessions < rule.fewest_sessions,
        "no_follow_up": one.no_follow_up | other.no_follow_up,
    }
    proof = [(ends.bucket, ends.last_row) for ends in (one, other)]
    return rating(met, faults, *proof)


def _ends(scored: Scored) -> _Ends:
    """First and last scores on one scale."""
    last_row = scored.bucket.last_row(scored.assessment)
    return _Ends(
        scale=scored.instrument,
        bucket=scored.bucket,
        last_row=last_row,
        first=scored.baselines.score,
        last=scored.value(last_row),
    )


def _number(scale: Instrument, name: str) -> float:
    fact = getattr(scale, name)
    if fact is None:
        raise UsageError(
            f"{scale.name} has no {name.replace('_', ' ')}, which this rule needs."
        )
    return float(fact.value)
