"""From predicates and runs to dated events: the first occurrence of each, with its interval, status
and proof.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from kettrack.timelines import kernels, runs
from kettrack.timelines.bucket import Array, Bucket, values_at
from kettrack.timelines.kernels import BaselineHow, RunLimits
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS
from kettrack.vocabulary.rules import Criteria, Rule

RETURNS: Final = ("relapse", "recurrence", "return_timing_unclear")
EVENTS: Final = (
    "response",
    "remission",
    "loss_of_response",
    "relapse",
    "recurrence",
    "deterioration",
)
STATUSES: Final = ("none", "single", "confirmed", "pending", "unconfirmable")
_BASELINE_RULES: Final = {
    "last": kernels.BASELINE_LAST,
    "mean": kernels.BASELINE_MEAN,
    "worst": kernels.BASELINE_WORST,
}
_MEASURES: Final = {"score": 0, "change": 1, "percent_change": 2}
_OPERATORS: Final = {"at most": 0, "at least": 1, "above": 2, "below": 3}
# A kernel takes no None; without a limit it never reads these days.
_NO_DAYS: Final = np.zeros(0, np.int32)


@dataclass(frozen=True, slots=True)
class Baselines:
    """Baseline of each patient, and what follows it; arrays of shape (n,).

    Parameters
    ----------
    score : float64
        Points; NaN without a score in the window.
    day : int32
        Day of it (of the last one used, under the rule `mean`); `MISSING_DAY` without.
    first_assessment : int64
        Row of the first score after the first session; one past the patient's last row where there
        is none.
    n_assessments : int32
        Complete scores after the first session.
    last_day : int32
        Day of the last of them; `MISSING_DAY` without. Score events are censored there.
    sign : int
        +1 where higher is worse, -1 where higher is better.
    """

    score: Array
    day: Array
    first_assessment: Array
    n_assessments: Array
    last_day: Array
    sign: int = 1


@dataclass(frozen=True, slots=True)
class EventRows:
    """First occurrence of one event in each patient; arrays of shape (n,), rows point into the
    bucket's scores.

    Parameters
    ----------
    first_row, proof_row, after_row : int64
        The first score of the run, the score that proved it, the last score before that showed the
        contrary; -1 = none.
    status : int8
        Position in `STATUSES`.
    dated_at_confirming : bool
        Whether the rule dates the event at the score that proved it.
    """

    first_row: Array
    proof_row: Array
    after_row: Array
    status: Array
    dated_at_confirming: bool = False

    @property
    def row(self) -> Array:
        """The score that gives the event its day; -1 = none."""
        if not self.dated_at_confirming:
            return self.first_row
        return np.where(self.proven, self.proof_row, self.first_row)

    @property
    def proven(self) -> Array:
        """Where the event is beyond waiting: single or confirmed."""
        return (self.status == kernels.SINGLE) | (self.status == kernels.CONFIRMED)

    def only(self, chosen: Array) -> EventRows:
        """The same with every patient outside `chosen` set to none."""
        status = np.where(chosen, self.status, kernels.NONE)
        return EventRows(
            first_row=np.where(chosen, self.first_row, kernels.NO_ROW),
            proof_row=np.where(chosen, self.proof_row, kernels.NO_ROW),
            after_row=np.where(chosen, self.after_row, kernels.NO_ROW),
            status=status.astype(np.int8),
            dated_at_confirming=self.dated_at_confirming,
        )


class Alignment(NamedTuple):
    """Scores against sessions; arrays of shape (scores,).

    Parameters
    ----------
    sessions_to_date : int32
        Sessions strictly before the score.
    days_since_session : int32
        Days since the last of them; `MISSING_DAY` before the first session.
    """

    sessions_to_date: Array
    days_since_session: Array


def align_scores(bucket: Bucket) -> Alignment:
    """Sessions to date and days since the last session, for every score of a bucket.

    A score on a session day counts as before that session unless it was taken after.

    Returns
    -------
    sessions_to_date : int32, shape (scores,)
        Sessions strictly before the score.
    days_since_session : int32, shape (scores,)
        `MISSING_DAY` before the first session.
    """
    to_date, since = kernels.align(
        bucket.score_offsets,
        bucket.score_day,
        bucket.score_after,
        bucket.session_offsets,
        bucket.session_day,
    )
    return Alignment(to_date, since)


def find_baselines(bucket: Bucket, rule: str = "last", sign: int = 1) -> Baselines:
    """Baseline: a score of the `BASELINE_WINDOW_DAYS` up to and before the first session.

    Parameters
    ----------
    bucket : Bucket
        Day 0 is the first session.
    rule : {"last", "mean", "worst"}
        Which of several; `worst` manufactures improvement by regression to the mean.
    sign : int
        +1 where higher is worse, -1 where higher is better.
    """
    found = kernels.anchor(
        bucket.score_offsets,
        bucket.score_day,
        bucket.score_after,
        bucket.score,
        bucket.score_known,
        BaselineHow(BASELINE_WINDOW_DAYS, _BASELINE_RULES[rule], sign),
    )
    return Baselines(
        score=found.score,
        day=found.day,
        first_assessment=found.assessment,
        n_assessments=found.n_assessments,
        last_day=found.last_day,
        sign=sign,
    )


def find_first_run(
    bucket: Bucket,
    rule: Rule,
    baseline: Array,
    start: Array,
    since: Array | None = None,
    within: int = kernels.ANY_DAY,
) -> EventRows:
    """First run of scores that hold a rule, in each patient.

    Parameters
    ----------
    baseline : float64, shape (n,)
        Points; NaN without one.
    start : int64, shape (n,)
        Row to begin at; -1 where the patient is not at risk.
    since : int32, shape (scores,), optional
        Days since the last session, from `align_scores`. With `within`, a run dated later than so
        many days after a session belongs to no session: it is passed over, and the same state seen
        again in time counts.
    within : int
        Days; default no limit.

    Returns
    -------
    EventRows
        The first confirmed run; without one, the first that still waits or can no longer be
        confirmed.
    """
    found = runs.first_run(
        bucket.score_offsets,
        bucket.score_day,
        bucket.score,
        bucket.score_known,
        bucket.session_offsets,
        bucket.session_day,
        bucket.observed_to_day,
        _NO_DAYS if since is None else since,
        baseline,
        start,
        _limits(rule, bucket.zero, within),
    )
    return EventRows(
        first_row=found.event,
        proof_row=found.proof,
        after_row=found.contrary,
        status=found.status,
        dated_at_confirming=rule.run.dated_at == "confirming",
    )


def _limits(rule: Rule, zero: float, within: int = kernels.ANY_DAY) -> RunLimits:
    run = rule.run
    predicate = rule.predicate
    return RunLimits(
        measure=_MEASURES[predicate.measure],
        operator=_OPERATORS[predicate.operator],
        limit=float(predicate.limit),
        length=run.count,
        min_gap=run.min_gap,
        max_gap=run.max_gap,
        dated_last=int(run.dated_at == "confirming"),
        within=within,
        zero=zero,
    )


def find_events(
    bucket: Bucket,
    criteria: Criteria,
    baselines: Baselines,
    wanted: tuple[str, ...] = EVENTS,
) -> dict[str, EventRows]:
    """First occurrence of each event under the criteria, in the order of `EVENTS`.

    Response, remission and deterioration are looked for from the first assessment; loss of response
    from a proven response; relapse from a proven remission, where a return after recovery is a
    recurrence instead. A patient without a baseline, or with one below caseness, is not at risk of
    anything.

    Parameters
    ----------
    wanted : tuple of str
        Events to find; those of a rule the criteria do not define are left out.
    """
    case = ratable(baselines, criteria)
    at_risk = np.where(case, baselines.first_assessment, kernels.NO_ROW)
    found: dict[str, EventRows] = {}

    def look_for(name: str, rule: Rule | None, start: Array) -> None:
        if rule is not None and name in wanted:
            found[name] = find_first_run(bucket, rule, baselines.score, start)

    look_for("response", criteria.response, at_risk)
    look_for("remission", criteria.remission, at_risk)
    look_for("deterioration", criteria.deterioration, at_risk)
    # lost or back can only be what was there: the search starts at the proven event
    if "response" in found:
        responding = _from_proven(found["response"])
        look_for("loss_of_response", criteria.loss_of_response, responding)
    if "remission" in found:
        look_for("relapse", criteria.relapse, _from_proven(found["remission"]))
    if criteria.relapse is not None and "relapse" in found:
        back = found["relapse"]
        back_day = day_at(bucket, back.row)
        kind = kind_of_return(
            bucket, criteria, criteria.relapse, baselines, found["remission"], back_day
        )
        # one of the three names has the run, the other two are none
        found |= {name: back.only(kind == code) for code, name in enumerate(RETURNS)}
    return {name: found[name] for name in (*EVENTS, RETURNS[-1]) if name in found}


def ratable(baselines: Baselines, criteria: Criteria) -> Array:
    """Whether change from the baseline may be rated: it exists, and is a case."""
    if criteria.caseness is None:
        return ~np.isnan(baselines.score)
    severity = baselines.sign * baselines.score
    # a missing baseline is NaN, for which this is False
    return severity >= baselines.sign * criteria.caseness.value


def _from_proven(event: EventRows) -> Array:
    return np.where(event.proven, event.row, kernels.NO_ROW)


def kind_of_return(
    bucket: Bucket,
    criteria: Criteria,
    rule: Rule,
    baselines: Baselines,
    remission: EventRows,
    back_day: Array,
) -> Array:
    """Position in `RETURNS` of an illness that is back on `back_day` after remission, in each
    patient.

    A recurrence comes after recovery: a score that does not hold the relapse `rule`,
    `recovery_days` or more after remission, without an unscored gap over `recovery_max_gap` on the
    way. A relapse comes within `recovery_days`; of a later return without such a score the timing
    is unclear.
    """
    return runs.recovered(
        bucket.score_offsets,
        bucket.score_day,
        bucket.score,
        bucket.score_known,
        baselines.score,
        _from_proven(remission),
        back_day,
        _limits(rule, bucket.zero),
        criteria.recovery_days,
        criteria.recovery_max_gap,
    )


def day_at(bucket: Bucket, row: Array) -> Array:
    """Day of each patient's row: int32, `MISSING_DAY` where the row is -1."""
    missing = np.int32(kernels.MISSING_DAY)
    return values_at(bucket.score_day, row, missing)
