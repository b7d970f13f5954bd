"""First against last, deadlines, and two scales at once: what a baseline and one later score
decide.
"""

from __future__ import annotations

import numpy as np

from kettrack.errors import UsageError
from kettrack.timelines.bucket import Array
from kettrack.timelines.kernels import MISSING_DAY, NO_ROW
from kettrack.timelines.published.ratings import (
    Rating,
    Scored,
    first_row,
    last_row,
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


def rate_deadline(scored: Scored, rule: DeadlineRule) -> Rating:
    """Whether some score up to the day holds the predicate; a patient not scored by then is not
    rated.
    """
    bucket = scored.bucket
    in_time = scored.assessment & (bucket.score_day <= rule.by_day)
    first = first_row(bucket, in_time & scored.holds(rule.predicate))
    last = last_row(bucket, in_time)
    faults = dict(scored.faults) | {
        "too_new": too_new(bucket, MISSING_DAY, rule.by_day),
        "not_scored": last == NO_ROW,
    }
    met = first != NO_ROW
    return rating(met, faults, (bucket, np.where(met, first, last)))


def rate_last(scored: Scored, rule: LastRule) -> Rating:
    """Whether the last score holds every predicate."""
    last, faults = _last_and_faults(scored)
    return rating(
        last == last_row(scored.bucket, scored.holds(*rule.predicates)),
        faults,
        (scored.bucket, last),
    )


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
    return rating(np.asarray(change == "recovered"), faults, (scored.bucket, last))


def _last_and_faults(scored: Scored) -> tuple[Array, dict[str, Array]]:
    last = last_row(scored.bucket, scored.assessment)
    return last, dict(scored.faults) | {"no_follow_up": last == NO_ROW}


def rate_two_scales(
    scored: Scored, rule: TwoScaleRule, second: Scored | None = None
) -> Rating:
    """First against last on two scales: recovery, reliable improvement or deterioration, or both at
    once.

    Parameters
    ----------
    scored : Scored
        On the rule's first scale.
    rule : TwoScaleRule
        A rule of recovery is rated only for a case on either scale at baseline; every rule needs
        both scales at both ends.
    second : Scored, optional
        On its second scale; default read from the cohort under its own baseline rule.
    """
    pair = (scored, second or score_cohort(scored.cohort, rule.second))
    ends = [(one.baselines.score, last_row(one.bucket, one.assessment)) for one in pair]
    falls = [
        (first - one.value(last)) * one.instrument.sign
        for one, (first, last) in zip(pair, ends, strict=True)
    ]
    limits = [_number(one.instrument, "reliable_change") for one in pair]
    case = [
        _is_case(one.instrument, first)
        for one, (first, _) in zip(pair, ends, strict=True)
    ]
    still = [
        _is_case(one.instrument, one.value(last))
        for one, (_, last) in zip(pair, ends, strict=True)
    ]
    met = np.ones(scored.bucket.n, bool)
    if rule.recovery:
        met &= ~np.logical_or.reduce(still)
    if rule.reliable:
        met &= _changed(
            falls,
            limits,
            1 if rule.reliable == "improvement" else -1,
            rule.unless_opposed,
        )
    faults = {
        "no_baseline": np.logical_or.reduce([np.isnan(first) for first, _ in ends]),
        "below_caseness": ~np.logical_or.reduce(case) & rule.recovery,
        "few_sessions": np.diff(scored.bucket.session_offsets) < rule.fewest_sessions,
        "no_follow_up": np.logical_or.reduce([last == NO_ROW for _, last in ends]),
    }
    by_log = {
        name: fault
        for name, fault in scored.faults.items()
        if name in ("prior_sessions", "placebo")
    }
    return rating(
        met,
        by_log | faults,
        *((one.bucket, last) for one, (_, last) in zip(pair, ends, strict=True)),
    )


def _changed(
    falls: list[Array], limits: list[float], sign: int, unless_opposed: bool
) -> Array:
    """Whether one of the scales changed reliably in the direction of `sign`, and, if asked, none
    the other way.
    """
    towards = [sign * fall >= limit for fall, limit in zip(falls, limits, strict=True)]
    against = [-sign * fall >= limit for fall, limit in zip(falls, limits, strict=True)]
    return np.logical_or.reduce(towards) & ~(
        np.logical_or.reduce(against) & unless_opposed
    )


def _is_case(scale: Instrument, score: Array) -> Array:
    return scale.sign * score >= scale.sign * _number(scale, "caseness")


def _number(scale: Instrument, name: str) -> float:
    fact = getattr(scale, name)
    if fact is None:
        raise UsageError(
            f"{scale.name} has no {name.replace('_', ' ')}, which this rule needs."
        )
    return float(fact.value)
