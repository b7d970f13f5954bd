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
from kettrack.vocabulary.criteria import is_reliable
from kettrack.vocabulary.days import ASSUMED_RECALL_DAYS
from kettrack.vocabulary.rules import Rule

_STANDING: Final = {
    kernels.SINGLE: "by one score",
    kernels.CONFIRMED: "confirmed",
    kernels.PENDING: "not yet confirmed",
}


@dataclass(frozen=True, slots=True)
class ReviewScores:
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

    def nobody(self, reason: str) -> pd.DataFrame:
        """No row of one reason."""
        nowhere = np.zeros(0, int)
        return self.flagged(reason, nowhere, nowhere, [])

    def flagged(
        self,
        reason: str,
        patient: Array,
        day: Array | pd.Series,
        words: list[str],
    ) -> pd.DataFrame:
        """Rows of one reason."""
        days = pd.Series(np.asarray(day), dtype="Int64")
        rows = {
            "patient_id": self.bucket.patient_id[patient],
            "reason": reason,
            "day": days.array,
            "words": pd.array(words, dtype="str"),
        }
        return pd.DataFrame(rows, columns=list(COLUMNS))


def review_scores(cohort: DerivedCohort) -> ReviewScores:
    """Bucket, baselines, day of the review and last score of each patient."""
    bucket = cohort.bucket
    last_row = _last_rows(bucket, bucket.score_known)
    return ReviewScores(
        cohort=cohort,
        bucket=bucket,
        baselines=cohort.baselines,
        as_of=cohort.log_ends.to_numpy(),
        last_row=last_row,
    )


def _last_rows(bucket: Bucket, chosen: Array) -> Array:
    """Last row of each patient among those chosen, -1 without one."""
    rows = np.flatnonzero(chosen)
    out = np.full(bucket.n, kernels.NO_ROW, np.int64)
    np.maximum.at(out, bucket.score_patient[rows], rows)
    return out


def care_reasons(scored: ReviewScores) -> pd.DataFrame:
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


def standing_run(
    scored: ReviewScores,
    rule: Rule,
    start: Array,
) -> tuple[EventRows, Array]:
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
    measures = {
        "score": bucket.score,
        "change": change,
        "percent_change": percent_change,
    }
    holds = meets(rule, measures)
    contrary = _last_rows(bucket, bucket.score_known & ~holds)
    after_contrary = np.maximum(start, contrary + 1)
    begin = np.where(start >= 0, after_contrary, kernels.NO_ROW)
    begin = np.where(scored.last_row >= begin, begin, kernels.NO_ROW)
    whole = find_first_run(bucket, rule, baselines.score, begin)
    # What is not proven by the run as a whole waits from its last score on.
    last = np.where(begin >= 0, scored.last_row, kernels.NO_ROW)
    tail = find_first_run(bucket, rule, baselines.score, last)
    status = np.where(whole.proven, whole.status, tail.status)
    status = status.astype(np.int8)
    run = EventRows(whole.first_row, whole.proof_row, contrary, status)
    return run, contrary


def _after(scored: ReviewScores, rule: Rule | None) -> Array:
    """Row after the first that proves a rule, -1 without: from there on the good state can be
    lost.
    """
    nowhere = np.full(scored.bucket.n, kernels.NO_ROW, np.int64)
    if rule is None:
        return nowhere
    rated = ratable(scored.baselines, scored.cohort.criteria)
    first = scored.baselines.first_assessment
    start = np.where(rated, first, nowhere)
    proven = find_first_run(scored.bucket, rule, scored.baselines.score, start)
    return np.where(proven.proven, proven.row + 1, kernels.NO_ROW)


def _run_rows(
    scored: ReviewScores,
    reason: str,
    run: EventRows,
    what: str,
) -> pd.DataFrame:
    """Rows for a run that stands, in words; one that can no longer be confirmed is not among
    them.
    """
    bucket = scored.bucket
    stands = np.isin(run.status, list(_STANDING))
    patient = np.flatnonzero(stands)
    first = run.first_row[patient]
    words = []
    for who, since in zip(patient, first, strict=True):
        status = run.status[who]
        sure = _STANDING[status]
        if status == kernels.CONFIRMED:
            sure += f" on day {bucket.score_day[run.proof_row[who]]}"
        score = bucket.score[scored.last_row[who]]
        baseline = scored.baselines.score[who]
        words.append(
            f"{what} since day {bucket.score_day[since]}, {sure}; score {score:g}, baseline"
            f" {baseline:g}"
        )
    return scored.flagged(reason, patient, bucket.score_day[first], words)


def _lost_response(scored: ReviewScores) -> pd.DataFrame:
    criteria = scored.cohort.criteria
    rule = criteria.loss_of_response
    if rule is None:
        return scored.nobody("loss_of_response")
    start = _after(scored, criteria.response)
    run, _ = standing_run(scored, rule, start)
    return _run_rows(scored, "loss_of_response", run, "response lost")


def _relapsed(scored: ReviewScores) -> pd.DataFrame:
    criteria = scored.cohort.criteria
    rule = criteria.relapse
    if rule is None:
        return scored.nobody("relapse")
    start = _after(scored, criteria.remission)
    run, contrary = standing_run(scored, rule, start)
    by_scores = _run_rows(scored, "relapse", run, "ill again after remission")
    admitted = _admitted(scored, rule, start, contrary)
    # An entry of the events table needs no second score, so it comes first.
    both = pd.concat([admitted, by_scores])
    return both.drop_duplicates("patient_id", ignore_index=True)


def _admitted(
    scored: ReviewScores,
    rule: Rule,
    start: Array,
    contrary: Array,
) -> pd.DataFrame:
    """Event rows that are a relapse by themselves, after remission and not followed by a score that
    shows the contrary.
    """
    events = scored.cohort.events
    named = events["event"].isin(rule.event_rows)
    # An admission for another illness is no relapse.
    admission = events["event"].eq("hospitalisation")
    medical = admission & events["detail"].eq("medical")
    rows = events[named & ~medical]
    patient_id = scored.bucket.patient_id
    who = pd.Index(rows["patient_id"])
    patient = patient_id.get_indexer(who)
    # A day 0 appended last stands for "no row", which -1 points to.
    day = np.append(scored.bucket.score_day, np.int32(0))
    remitted = start[patient] > 0
    since_remission = rows["day"] > day[start[patient] - 1]
    since_contrary = rows["day"] >= day[contrary[patient]]
    after = remitted & since_remission & since_contrary
    last = rows[after.to_numpy(bool)]
    last = last.drop_duplicates("patient_id", keep="last")
    words = [
        f"{what.replace('_', ' ')} after remission: a relapse by itself"
        for what in last["event"]
    ]
    found = pd.Index(last["patient_id"])
    place = patient_id.get_indexer(found)
    return scored.flagged("relapse", place, last["day"], words)


def _deteriorated(scored: ReviewScores) -> pd.DataFrame:
    criteria = scored.cohort.criteria
    rule = criteria.deterioration
    if rule is None:
        return scored.nobody("deterioration")
    rated = ratable(scored.baselines, criteria)
    first = scored.baselines.first_assessment
    start = np.where(rated, first, kernels.NO_ROW)
    run, _ = standing_run(scored, rule, start)
    # The heading of the list says the rule itself.
    scale = scored.cohort.instrument
    what = "worse than before treatment"
    if is_reliable(criteria, scale):
        what = f"reliably {what}"
    return _run_rows(scored, "deterioration", run, what)


def _off_track(scored: ReviewScores) -> pd.DataFrame:
    """Last scores that are worse than those of most people with a similar baseline after as many
    sessions.
    """
    cohort = scored.cohort
    bucket = scored.bucket
    rows = comparable_scores(cohort)
    cells = cell_shares(count_scores(rows))
    treated = rows[rows["sessions"] > 0]
    last = treated.drop_duplicates("patient_id", keep="last")
    place = bucket.patient_id.get_indexer(pd.Index(last["patient_id"]))
    # Somebody with a later score that cannot be compared is not judged by an old one.
    last_day = bucket.score_day[scored.last_row[place]]
    last = last[last["day"].to_numpy() == last_day]
    percentile = percentiles(cells, last, cohort.instrument.sign)
    last = last.assign(percentile=percentile)
    limit = cohort.criteria.review.off_track_percentile
    off = last[last["percentile"] >= limit]
    words = [
        f"score {row.score:g} after {row.sessions} session{'s' if row.sessions > 1 else ''}: worse"
        f" than {int(row.percentile)} % of those who began {row.band}"
        for row in off.itertuples()
    ]
    place = bucket.patient_id.get_indexer(pd.Index(off["patient_id"]))
    return scored.flagged("not_on_track", place, off["day"], words)


def _unscored(scored: ReviewScores) -> pd.DataFrame:
    """Nobody asked for longer than the questions look back."""
    cohort = scored.cohort
    limit = longest_unscored(cohort)
    stated = cohort.criteria.review.unscored_days is not None
    assumed = stated or cohort.instrument.recall().assumed
    after = f"listed after {limit} days" if assumed else f"it looks back {limit} days"
    scored_once = scored.last_row >= 0
    score_day = np.append(scored.bucket.score_day, np.int32(0))
    last = score_day[scored.last_row]
    # Whoever was never scored waits since session 1, on day 0.
    day = np.where(scored_once, last, 0)
    patient = np.flatnonzero(scored.as_of - day > limit)
    name = cohort.instrument.name
    words = [
        (
            f"no {name} for {scored.as_of[who] - day[who]} days; {after}"
            if scored_once[who]
            else f"never scored on the {name} since session 1"
        )
        for who in patient
    ]
    never = ~scored_once[patient]
    on = pd.Series(day[patient], dtype="Int64")
    on = on.mask(never)
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
    except NotIdentified:
        # Without a response rule no response can last.
        return pd.Series(dtype="Float64")
    own = holding_intervals(intervals, HoldingRules(fewest_intervals=fewest))
    own = own.set_index("patient_id")
    held = own["longest_held"].astype("Float64")
    below_failed = own["shortest_failed"].astype("Float64") - 1
    limits = pd.concat([held, below_failed], axis=1)
    return limits.min(axis=1).dropna()


def _overdue(scored: ReviewScores) -> pd.DataFrame:
    """More days since the last session than the patient's own response has lasted between
    sessions.
    """
    bucket = scored.bucket
    held = held_days(scored.cohort).reindex(bucket.patient_id)
    longest = held.to_numpy(float, na_value=np.nan)
    # Nobody is without a session, so the one before the next patient's first is their last.
    last = bucket.session_day[bucket.session_offsets[1:] - 1]
    days = scored.as_of - last
    patient = np.flatnonzero(days > longest)
    words = [
        f"{days[who]} days since the last session; the response has lasted {longest[who]:.0f} days"
        " between sessions so far"
        for who in patient
    ]
    return scored.flagged("maintenance_overdue", patient, last[patient], words)
