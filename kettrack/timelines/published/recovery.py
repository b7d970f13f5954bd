"""Remission by symptoms, and remission that has lasted long enough to be called recovery."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kettrack.timelines.bucket import Array, Bucket, scores_of
from kettrack.timelines.events import EventRows, find_first_run
from kettrack.timelines.kernels import CONFIRMED, NO_ROW, PENDING, UNCONFIRMABLE
from kettrack.timelines.published.ratings import (
    Rating,
    Scored,
    rating,
    too_new,
)
from kettrack.vocabulary.patient_rules import RecoveryRule, Symptom, SymptomRule
from kettrack.vocabulary.rules import Predicate, Rule, Run


def rate_recovery(scored: Scored, rule: RecoveryRule) -> Rating:
    """Whether a remission lasted; only of logs long enough that it could have."""
    bucket = scored.bucket
    recovered = recovery_rows(
        bucket,
        scored.assessment,
        scored.holds(rule.remission),
        scored.holds(rule.lost),
        rule,
    )
    faults = dict(scored.faults) | {
        "too_new": too_new(bucket, rule.days, rule.days),
        "no_follow_up": bucket.last_row(scored.assessment) == NO_ROW,
    }
    return rating(recovered != NO_ROW, faults, (bucket, recovered))


def recovery_rows(
    bucket: Bucket, known: Array, well: Array, lost: Array, rule: RecoveryRule
) -> Array:
    """First score of each patient that shows recovery: so long after a remission began, never lost,
    never long unscored.

    Parameters
    ----------
    known, well, lost : bool, shape (scores,)
        Scores that count; those that begin a remission; those that end it.
    rule : RecoveryRule
        Its days and largest gap.

    Returns
    -------
    int64, shape (n,)
        -1 where there is none.
    """
    out = bucket.no_rows()
    patient = bucket.score_patient
    previous = -1
    since = None
    last_day = 0
    for row in np.flatnonzero(known):
        who = patient[row]
        day = int(bucket.score_day[row])
        if who != previous or lost[row] or day - last_day > rule.max_gap:
            # another patient, the illness is back, or nobody looked for too long
            since = None
        previous = who
        last_day = day
        if since is None:
            since = day if well[row] else None
        elif day - since >= rule.days and out[who] == NO_ROW:
            out[who] = row
    return out


def rate_symptoms(scored: Scored, rule: SymptomRule) -> Rating:
    """Remission by items, or the recovery that follows it; without complete items nothing is
    rated.
    """
    bucket = scored.bucket
    minimal = minimal_symptoms(scored, rule)
    # A run of weeks with minimal symptoms is a run of ones: the same search as for any event.
    rated = bucket_with(bucket, minimal)
    seen = bucket.last_row(scored.assessment & ~np.isnan(minimal))
    # weeks in a row, each scored within the gaps that the rule allows
    run = Rule(
        Predicate("score", "at least", 1),
        Run(rule.weeks, rule.shortest_gap, rule.longest_gap),
    )
    found = find_first_run(
        rated,
        run,
        np.zeros(bucket.n),
        np.where(seen == NO_ROW, NO_ROW, scored.baselines.first_assessment),
    )
    faults = dict(scored.faults) | {"no_items": seen == NO_ROW}
    if rule.recovery_days and rule.back is not None:
        return _rate_recovered(scored, rule, rule.back, found, faults)
    waits = {
        "too_new": found.status == PENDING,
        "not_scored": found.status == UNCONFIRMABLE,
    }
    met = found.status == CONFIRMED
    return rating(
        met,
        faults | waits,
        (bucket, np.stack([found.first_row, found.proof_row], axis=1)),
    )


def _rate_recovered(
    scored: Scored,
    rule: SymptomRule,
    back: Predicate,
    found: EventRows,
    faults: dict[str, Array],
) -> Rating:
    """The score that shows recovery from a proven remission by symptoms."""
    bucket = scored.bucket
    # recovery is counted from the first score of the proven remission, and from no other
    onset = np.zeros(bucket.score.size, bool)
    onset[found.first_row[found.proven]] = True
    lasting = RecoveryRule(
        name=rule.name,
        outcome=rule.outcome,
        instrument=rule.instrument,
        source=rule.source,
        remission=back,
        lost=back,
        days=rule.recovery_days,
        max_gap=rule.recovery_max_gap,
    )
    row = recovery_rows(bucket, scored.assessment, onset, scored.holds(back), lasting)
    short = too_new(bucket, rule.recovery_days, rule.recovery_days)
    return rating(
        row != NO_ROW,
        faults | {"too_new": short},
        (bucket, np.stack([found.first_row, row], axis=1)),
    )


def minimal_symptoms(scored: Scored, rule: SymptomRule) -> Array:
    """Whether each score shows minimal symptoms: 1 or 0, NaN where an item the rule needs is
    missing; shape (scores,).
    """
    items = scores_of(scored.cohort.scores, scored.instrument.name).filter(
        regex=r"^item_\d+$"
    )
    answers = {
        int(str(name)[len("item_") :]): items[name].to_numpy(
            np.float64, na_value=np.nan
        )
        for name in items
    }
    there = [
        [_symptom(answers, symptom, scored.bucket.score.size) for symptom in group]
        for group in (rule.core, rule.others)
    ]
    core, others = (np.array(group) for group in there)
    unknown = np.isnan(core).any(axis=0) | np.isnan(others).any(axis=0)
    minimal = (core < rule.present_from).all(axis=0) & (
        (others >= rule.present_from).sum(axis=0) < rule.fewer_than
    )
    return np.where(unknown, np.nan, minimal)


def _symptom(answers: dict[int, Array], symptom: Symptom, n: int) -> Array:
    """Highest answer to the items of a symptom; NaN where a group of alternatives has no answer."""
    missing = np.full(n, np.nan)
    groups = [
        np.fmax.reduce([answers.get(item, missing) for item in group])
        for group in symptom
    ]
    return np.maximum.reduce(groups)  # NaN of any group stays


def bucket_with(bucket: Bucket, score: Array) -> Bucket:
    """The same bucket with another value for each score, NaN = not known."""
    return replace(bucket, score=score, score_known=~np.isnan(score))
