"""Reasons of the review list for people in care: relapse, loss of response, deterioration, off
track, unscored, overdue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.courses.expected_course import (
    cell_shares,
    comparable_scores,
    count_scores,
    percentiles,
)
from kettrack.analysis.people.review_safety import COLUMNS
from kettrack.errors import NotIdentified
from kettrack.timelines import kernels
from kettrack.timelines.bucket import Array, Bucket
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.events import (
    Baselines,
    EventRows,
    find_first_run,
    ratable,
)
from kettrack.timelines.maintenance import (
    HoldingRules,
    holding_intervals,
    maintenance_intervals,
)
from kettrack.timelines.states import change_of, meets
from kettrack.vocabulary.days import ASSUMED_RECALL_DAYS
from kettrack.vocabulary.rules import Rule

_STANDING: Final = {
    kernels.SINGLE: "by one score",
    kernels.CONFIRMED: "confirmed",
    kernels.PENDING: "not yet confirmed",
}


@dataclass(frozen=True, slots=True)
class Scored:
    """The scores of the primary instrument as the reasons look at them.

    Parameters
    ----------
    cohort : DerivedCohort
        As known on the day of the review.
    bucket, baselines
        Of its primary instrument.
    as_of : int64, shape (patients,)
        Day of the review on each patient's clock.
    last_row : int64, shape (patients,)
        Last known score, -1 without one.
    """

    cohort: DerivedCohort
    bucket: Bucket
    baselines: Baselines
    as_of: Array
    last_row: Array

    def flagged(
        self, reason: str, patient: Array, day: Array | pd.Series, words: list[str]
    ) -> pd.DataFrame:
        """Rows of one reason."""
        who = self.bucket.patient_id[patient]
        on = pd.Series(np.asarray(day), dtype="Int64").array
        rows = {
            "patient_id": who,
            "reason": reason,
            "day": on,
            "words": pd.array(words, dtype="str"),
        }
        return pd.DataFrame(rows, columns=list(COLUMNS))


def scored_of(cohort: DerivedCohort) -> Scored:
    """Bucket, baselines, day of the review and last score of each patient."""
    bucket = cohort.bucket
    baselines = cohort.baselines
    return Scored(
        cohort,
        bucket,
        baselines,
        cohort.log_ends.to_numpy(),
        _last(bucket, bucket.score_known),
    )


def _last(bucket: Bucket, chosen: Array) -> Array:
    """Last row of each patient among those chosen, -1 without one."""
    rows = np.flatnonzero(chosen)
    out = np.full(bucket.n, kernels.NO_ROW, np.int64)
    np.maximum.at(out, bucket.score_patient[rows], rows)
    return out


def care_reasons(scored: Scored) -> pd.DataFrame:
    """Every reason but safety, of every patient; who is in care is judged elsewhere."""
    parts = [
        _relapsed(scored),
        _lost_response(scored),
        _deteriorated(scored),
        _off_track(scored),
        _unscored(scored),
        _overdue(scored),
    ]
    return pd.concat(parts, ignore_index=True)


def standing_run(scored: Scored, rule: Rule, start: Array) -> tuple[EventRows, Array]:
    """The scores in a row, up to the last one, that hold a rule.

    Unlike the first occurrence in `outcomes` it is about now: a loss that was followed by a new
    response is over.

    Parameters
    ----------
    start : int64, shape (patients,)
        First row that can belong to it; -1 where the patient is not at risk.

    Returns
    -------
    EventRows
        Where the last score holds the rule: confirmed when any of these scores confirms, else what
        the last one waits for.
    contrary_row : int64, shape (patients,)
        Last score that does not hold it, -1 without one.
    """
    bucket = scored.bucket
    baselines = scored.baselines
    change, percent_change = change_of(bucket, baselines)
    holds = meets(
        rule,
        {"score": bucket.score, "change": change, "percent_change": percent_change},
    )
    contrary = _last(bucket, bucket.score_known & ~holds)
    begin = np.where(start >= 0, np.maximum(start, contrary + 1), kernels.NO_ROW)
    begin = np.where(scored.last_row >= begin, begin, kernels.NO_ROW)
    whole = find_first_run(bucket, rule, baselines.score, begin)
    tail = find_first_run(
        bucket,
        rule,
        baselines.score,
        np.where(begin >= 0, scored.last_row, kernels.NO_ROW),
    )
    status = np.where(whole.proven, whole.status, tail.status)
    return EventRows(
        whole.first_row, whole.proof_row, contrary, status.astype(np.int8)
    ), contrary


def _after(scored: Scored, rule: Rule | None) -> Array:
    """Row after the first that proves a rule, -1 without: from there on the good state can be
    lost.
    """
    start = np.where(
        ratable(scored.baselines, scored.cohort.criteria),
        scored.baselines.first_assessment,
        np.int64(kernels.NO_ROW),
    )
    if rule is None:
        return np.full(scored.bucket.n, kernels.NO_ROW, np.int64)
    proven = find_first_run(scored.bucket, rule, scored.baselines.score, start)
    return np.where(proven.proven, proven.row + 1, kernels.NO_ROW)


def _run_rows(scored: Scored, reason: str, run: EventRows, what: str) -> pd.DataFrame:
    """Rows for a run that stands, in words; one that can no longer be confirmed is not among
    them.
    """
    bucket = scored.bucket
    patient = np.flatnonzero(np.isin(run.status, list(_STANDING)))
    first = run.first_row[patient]
    proof = run.proof_row[patient]
    words = []
    for who, since, shown, status in zip(
        patient, first, proof, run.status[patient], strict=True
    ):
        day = (
            f" on day {bucket.score_day[shown]}" if status == kernels.CONFIRMED else ""
        )
        score = (
            f"score {bucket.score[scored.last_row[who]]:g}, baseline"
            f" {scored.baselines.score[who]:g}"
        )
        words.append(
            f"{what} since day {bucket.score_day[since]}, {_STANDING[status]}{day}; {score}"
        )
    return scored.flagged(reason, patient, bucket.score_day[first], words)


def _lost_response(scored: Scored) -> pd.DataFrame:
    rule = scored.cohort.criteria.loss_of_response
    if rule is None:
        return scored.flagged(
            "loss_of_response", np.zeros(0, int), np.zeros(0, int), []
        )
    run, _ = standing_run(scored, rule, _after(scored, scored.cohort.criteria.response))
    return _run_rows(scored, "loss_of_response", run, "response lost")


def _relapsed(scored: Scored) -> pd.DataFrame:
    rule = scored.cohort.criteria.relapse
    if rule is None:
        return scored.flagged("relapse", np.zeros(0, int), np.zeros(0, int), [])
    start = _after(scored, scored.cohort.criteria.remission)
    run, contrary = standing_run(scored, rule, start)
    by_scores = _run_rows(scored, "relapse", run, "ill again after remission")
    admitted = _admitted(scored, rule, start, contrary)
    return pd.concat([admitted, by_scores]).drop_duplicates(
        "patient_id", ignore_index=True
    )


def _admitted(
    scored: Scored, rule: Rule, start: Array, contrary: Array
) -> pd.DataFrame:
    """Event rows that are a relapse by themselves, after remission and not followed by a score that
    shows the contrary.
    """
    events = scored.cohort.events
    rows = events[
        events["event"].isin(rule.event_rows)
        & ~(events["event"].eq("hospitalisation") & events["detail"].eq("medical"))
    ]
    patient = scored.bucket.patient_id.get_indexer(pd.Index(rows["patient_id"]))
    day = np.append(scored.bucket.score_day, np.int32(0))
    after = (
        (start[patient] > 0)
        & (rows["day"] > day[start[patient] - 1])
        & (rows["day"] >= day[contrary[patient]])
    )
    last = rows[after.to_numpy(bool)].drop_duplicates("patient_id", keep="last")
    words = [
        f"{what.replace('_', ' ')} after remission: a relapse by itself"
        for what in last["event"]
    ]
    return scored.flagged(
        "relapse",
        scored.bucket.patient_id.get_indexer(pd.Index(last["patient_id"])),
        last["day"],
        words,
    )


def _deteriorated(scored: Scored) -> pd.DataFrame:
    rule = scored.cohort.criteria.deterioration
    if rule is None:
        return scored.flagged("deterioration", np.zeros(0, int), np.zeros(0, int), [])
    rated = ratable(scored.baselines, scored.cohort.criteria)
    run, _ = standing_run(
        scored, rule, np.where(rated, scored.baselines.first_assessment, kernels.NO_ROW)
    )
    return _run_rows(
        scored, "deterioration", run, "reliably worse than before treatment"
    )


def _off_track(scored: Scored) -> pd.DataFrame:
    """Last scores that are worse than those of most people with a similar baseline after as many
    sessions.
    """
    cohort = scored.cohort
    bucket = scored.bucket
    rows = comparable_scores(cohort)
    cells = cell_shares(count_scores(rows))
    last = rows[rows["sessions"] > 0].drop_duplicates("patient_id", keep="last")
    place = bucket.patient_id.get_indexer(pd.Index(last["patient_id"]))
    last = last[last["day"].to_numpy() == bucket.score_day[scored.last_row[place]]]
    last = last.assign(percentile=percentiles(cells, last, cohort.instrument.sign))
    off = last[last["percentile"] >= cohort.criteria.review.off_track_percentile]
    words = [
        f"score {score:g} after {n} session{'s' if n > 1 else ''}: worse than {int(share)} % of"
        f" those who began {band}"
        for score, n, share, band in zip(
            off["score"], off["sessions"], off["percentile"], off["band"], strict=True
        )
    ]
    return scored.flagged(
        "not_on_track",
        bucket.patient_id.get_indexer(pd.Index(off["patient_id"])),
        off["day"],
        words,
    )


def _unscored(scored: Scored) -> pd.DataFrame:
    """Nobody asked for longer than the questions look back."""
    cohort = scored.cohort
    limit = longest_unscored(cohort)
    stated = cohort.criteria.review.unscored_days is not None
    assumed = stated or cohort.instrument.recall().assumed
    after = f"listed after {limit}" if assumed else f"it looks back {limit}"
    day = np.where(
        scored.last_row >= 0,
        np.append(scored.bucket.score_day, np.int32(0))[scored.last_row],
        0,
    )
    patient = np.flatnonzero(scored.as_of - day > limit)
    name = scored.cohort.instrument.name
    words = [
        (
            f"no {name} for {scored.as_of[who] - day[who]} days; {after}"
            if scored.last_row[who] >= 0
            else f"never scored on the {name} since session 1"
        )
        for who in patient
    ]
    on = pd.Series(day[patient], dtype="Int64").mask(scored.last_row[patient] < 0)
    return scored.flagged("no_assessment", patient, on, words)


def longest_unscored(cohort: DerivedCohort) -> int:
    """Days without a score after which a patient is listed.

    The clinic's own number, else the days that the instrument looks back. A scale that asks about
    the moment itself (0 days) is taken as one whose window is not known.
    """
    own = cohort.criteria.review.unscored_days
    if own is not None:
        return own
    return cohort.instrument.recall().days or ASSUMED_RECALL_DAYS


def held_days(cohort: DerivedCohort) -> pd.Series:
    """Days that each patient's response is known to last after a session: Float64 by `patient_id`,
    those with enough gaps.

    The longest gap that held; one day less than the shortest that failed where none held, or where
    a shorter one failed.
    """
    fewest = cohort.criteria.review.fewest_gaps
    try:
        intervals = maintenance_intervals(cohort)
    except NotIdentified:  # no response rule: nothing can be held
        return pd.Series(dtype="Float64")
    own = holding_intervals(intervals, HoldingRules(fewest_intervals=fewest)).set_index(
        "patient_id"
    )
    limits = pd.concat(
        [
            own["longest_held"].astype("Float64"),
            own["shortest_failed"].astype("Float64") - 1,
        ],
        axis=1,
    )
    return limits.min(axis=1).dropna()


def _overdue(scored: Scored) -> pd.DataFrame:
    """More days since the last session than the patient's own response has lasted between
    sessions.
    """
    bucket = scored.bucket
    held = (
        held_days(scored.cohort)
        .reindex(bucket.patient_id)
        .to_numpy(float, na_value=np.nan)
    )
    last = bucket.session_day[bucket.session_offsets[1:] - 1]
    patient = np.flatnonzero(scored.as_of - last > held)
    days = scored.as_of - last
    words = [
        f"{days[who]} days since the last session; own response has lasted {held[who]:.0f}"
        for who in patient
    ]
    return scored.flagged("maintenance_overdue", patient, last[patient], words)
