"""What one more maintenance session changes: the same trials, after the first course, each with the
grace of its own pace.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.next_session.answer import ANSWER_FACTS, answer_next_session
from kettrack.analysis.next_session.decisions import (
    EXCLUSIONS,
    HISTORY,
    DecisionPoints,
    decision_points_from,
)
from kettrack.analysis.next_session.protocol import (
    ProtocolWords,
    TrialGroup,
    TrialProtocol,
    groups_by_session,
    range_key,
)
from kettrack.analysis.next_session.trials import Trials
from kettrack.analysis.registry import Answer, question
from kettrack.timelines.bucket import Array
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.person_sessions import response_met
from kettrack.vocabulary.days import (
    FRESH_DAYS,
    MAINTENANCE_GAP_ENDS,
    MAINTENANCE_GRACE_DAYS,
    MAINTENANCE_GRACE_FACTOR,
    NEXT_SESSION_WINDOW_DAYS,
)
from kettrack.vocabulary.instruments import GAD7
from kettrack.vocabulary.made_of import SAID_BY_UNIT, ByRow
from kettrack.vocabulary.rules import CourseRules

# How well somebody is, and how long they stay well without a session, decides the next gap.
MORE_HISTORY: Final = ("responding", "longest_held")
# Days: a week, two, three, a month, and longer; the last has no end.
_ENDS: Final = (0, *MAINTENANCE_GAP_ENDS, np.inf)
# First and last day of each band of gaps.
GAP_GROUPS: Final = tuple(
    (before + 1, end) for before, end in zip(_ENDS, _ENDS[1:], strict=False)
)
# Both ends also stand in the estimand.
_SHORTEST, _LONGEST = MAINTENANCE_GRACE_DAYS
ESTIMAND: Final = (
    "Mean difference in the score between having and not having another session within"
    f" {MAINTENANCE_GRACE_FACTOR} times the gap before it (at least {_SHORTEST} and at most"
    f" {_LONGEST} days) after a session of maintenance, with care as usual afterwards. The mean is"
    " over the decisions of people in maintenance."
)


@question(
    "next_session_maintenance",
    recipes=(
        SAID_BY_UNIT,
        ByRow(value="size", ends=("size_low", "size_high"), unit="unit"),
    ),
    asks="What does one more maintenance session change?",
    estimand=ESTIMAND,
    **ANSWER_FACTS,
)
def next_session_maintenance(
    cohort: DerivedCohort, recall_days: int | None = None
) -> Answer:
    """What having the next maintenance session in time changes in the score, against not having it,
    at equal histories.

    The trials of `next_session` over the session days after the first course. Maintenance begins
    with the first of them: the first after the planned number of sessions or, without a plan, after
    the first gap longer than `CourseRules.series_gap_days` or after
    `CourseRules.induction_sessions` sessions. From session `CourseRules.reinduction_sessions` of a
    re-induction on, nobody decides on maintenance. Only what was known at the time says what a
    session is; the labels of `derive_courses` also look ahead.

    Parameters
    ----------
    cohort : DerivedCohort
        With `observed_to_day`, and scores between sessions and after stopping.
    recall_days : int, optional
        As for `next_session`.

    Returns
    -------
    Result
        Columns and rows as for `next_session`; the answer is in the row `next_session_maintenance`.
        `session_*` counts maintenance sessions. Besides: `gap_*` (the same fit over the decisions
        after gaps of so many days) and `grace` `grace_shortest` `grace_longest` (days). The grace
        of a decision is `MAINTENANCE_GRACE_FACTOR` times the gap before it, in whole days, within
        `MAINTENANCE_GRACE_DAYS`; `half_grace` and `double_grace` take half and twice that.

        Refused as `next_session`.

    Raises
    ------
    UsageError
        For a negative number of days.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> next_session_maintenance(load_cohort(sample_folder())).name
    'next_session_maintenance'
    """
    return answer_next_session(cohort, MAINTENANCE, recall_days)


def maintenance_points(
    cohort: DerivedCohort, left_out: str = GAD7.name
) -> DecisionPoints:
    """Every session day after the first course with what was known at its end; `session` counts
    from 1 after that course.

    To `HISTORY` come whether the response rule is met, and the longest gap so far over which it
    was, by recent scores at both ends (0 without one).

    Parameters
    ----------
    cohort : DerivedCohort
        As it came through the reader.
    left_out : str
        Instrument kept out of the history, to test it with.
    """
    table = cohort.all_sessions
    score = table["score"].to_numpy(float)
    baseline = table["baseline"].to_numpy(float)
    # over all sessions: the first gap of maintenance begins in the first course
    zero = cohort.bucket.zero
    responding = response_met(cohort.criteria, score, baseline, zero)
    table = table.assign(responding=responding)
    table = table.assign(
        longest_held=_longest_gap_in_response(table),
        re_induction=_in_re_induction(cohort, table),
    )
    # only now: what went before has left its mark on the columns
    table = table[~table["in_first_course"]].reset_index(drop=True)
    own = {"re_induction": table["re_induction"]}
    points = decision_points_from(cohort, table, left_out, own, MORE_HISTORY)
    return replace(points, session=points.session - _first_course_days(points))


def maintenance_grace(points: DecisionPoints) -> Array:
    """Days of grace after each maintenance session: `MAINTENANCE_GRACE_FACTOR` times the gap before
    it, in whole days, within `MAINTENANCE_GRACE_DAYS`.
    """
    gap = points.history[:, HISTORY.index("last_gap")]
    # whole days, as sessions are known by day
    whole_days = np.floor(MAINTENANCE_GRACE_FACTOR * gap)
    return np.clip(whole_days, *MAINTENANCE_GRACE_DAYS).astype(np.int64)


def _first_course_days(points: DecisionPoints) -> Array:
    """Session days of the first course of the patient of each point: one fewer than the number of
    the first point after it.
    """
    # points are sorted by patient, so a search from the left finds the first of each
    first = np.searchsorted(points.patient, points.patient)
    return points.session[first] - 1


def _longest_gap_in_response(table: pd.DataFrame) -> pd.Series:
    """Longest gap so far with a response at both ends, in days."""
    recent = (table["score_age"] <= FRESH_DAYS).fillna(False).astype(bool)
    responding = table["responding"] & recent
    patient = table["patient_id"]
    by_patient = responding.groupby(patient, sort=False, observed=True)
    at_both_ends = responding & by_patient.shift(1, fill_value=False)
    gap = table["last_gap"].astype("Float64").where(at_both_ends, 0.0)
    return gap.groupby(patient, sort=False, observed=True).cummax()


def _in_re_induction(cohort: DerivedCohort, table: pd.DataFrame) -> pd.Series:
    """Whether the sessions so far are a re-induction: from its third on, as the first two may still
    have been maintenance.
    """
    # two sessions on one day are one decision
    courses = cohort.courses.drop_duplicates(["patient_id", "day"], keep="last")
    far_enough = courses["number_in_course"] >= CourseRules().reinduction_sessions
    known = (courses["course"] == "re-induction") & far_enough
    rows = courses.assign(known=known)[["patient_id", "day", "known"]]
    days = table[["patient_id", "day"]].merge(rows, "left", ["patient_id", "day"])
    # a left merge keeps the order of the table, not its index
    return days["known"].set_axis(table.index)


def _groups(trials: Trials) -> list[TrialGroup]:
    # whole days, so the groups leave no gap between them
    gap = trials.history[:, HISTORY.index("last_gap")]
    by_gap = []
    for low, high in GAP_GROUPS:
        chosen = (gap >= low) & (gap <= high)
        days = f"{low} days or more" if np.isinf(high) else f"{low} to {high} days"
        about = f"decided after a gap of {days}"
        by_gap.append((range_key("gap", low, high), about, chosen))
    return groups_by_session(trials, "maintenance session") + by_gap


def _graces(trials: Trials) -> list[tuple[str, str, str, float]]:
    mean = float(trials.grace.mean())
    shortest = float(trials.grace.min())
    longest = float(trials.grace.max())
    about = "mean grace: a session within so many days counts as going on"
    return [
        ("grace", about, "days", mean),
        ("grace_shortest", "shortest grace", "days", shortest),
        ("grace_longest", "longest grace", "days", longest),
    ]


def _window_words(recall: int) -> str:
    """Days of the outcome for a recall in days."""
    end = recall + NEXT_SESSION_WINDOW_DAYS
    return (
        f"from {recall} to {end} days after the end of the decision's own grace, the same days in"
        " both groups"
    )


def _decision_words(rules: CourseRules) -> str:
    """When maintenance begins, and where nobody decides on it."""
    return (
        "Maintenance begins with the first session after the first course. The first course is the"
        f" planned number of sessions or, without a plan, sessions at most {rules.series_gap_days}"
        f" days apart, up to {rules.induction_sessions}. From session {rules.reinduction_sessions}"
        " of a re-induction on, nobody decides on maintenance. Its first sessions still count,"
        " because at the time nobody knows that they begin a re-induction."
    )


# The numbers of the next two texts are found in simulated clinics; they follow no rule.
_SCORES_BETWEEN: Final = (
    "Where a high score between two sessions brings the next session forward, the answer is biased"
    " towards harm: such scores decide, but the history of the answer ends before them. The row"
    " weighted for them is experimental. In 50 simulated clinics of 800 people, in which sessions"
    " did nothing and a high score often brought the next one forward, the answer was 0.10 points"
    " too high and the weighted row 0.09 points too low. Their 95 % intervals included 0 in 80 %"
    " and 88 % of the clinics."
)
_WARNINGS: Final = (
    (
        "This answer is experimental. In simulated clinics of 400 people that decide by"
        " recorded scores (60 to 200 clinics of each kind) the bias was -0.01 to +0.05 points"
        " where a session helped (95 % intervals included the truth in 94 %) and -0.07 to +0.06"
        " points where it did nothing (93 to 95 %). Where people stop mostly when they are well,"
        " the bias of -0.07 does not shrink with more people (-0.09 in 20 clinics of 1,000"
        " people, 90 %): so small a difference means nothing. Where each person has a pace of"
        " their own that is not recorded, the bias was +0.15 for a true difference of -1.33 (92"
        " %)."
    ),
    (
        "With fewer than about 80 outcomes in an arm, similar clinics differ by most of a point"
        " (intervals included the truth in 93 % of 59 clinics). Half and twice the grace were not"
        " tested in simulations."
    ),
)
MAINTENANCE: Final = TrialProtocol(
    name="next_session_maintenance",
    points=maintenance_points,
    grace=maintenance_grace,
    exclusions=tuple(name for name in EXCLUSIONS if name != "planned_end"),
    groups=_groups,
    # in simulated clinics the weights did not make the answer about maintenance right
    weighted_for_wait=False,
    more_rows=_graces,
    words=ProtocolWords(
        estimand=ESTIMAND,
        people="people in maintenance",
        graces=(
            "next session within half the grace",
            "next session within twice the grace",
        ),
        window=_window_words,
        further_history=(
            ", whether the response rule is met, and the longest gap so far with a response at"
            " both ends"
        ),
        decisions=_decision_words(CourseRules()),
        scores_between=_SCORES_BETWEEN,
        excludes="The first course is not part of it.",
        warnings=_WARNINGS,
    ),
)
