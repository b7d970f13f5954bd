"""What one more maintenance session changes: the same trials, after the first course, each with the
grace of its own pace.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.next_session.answer import ask
from kettrack.analysis.next_session.points import (
    FRESH,
    HISTORY,
    LEFT_OUT,
    Points,
    points_of,
)
from kettrack.analysis.next_session.question import (
    Group,
    Question,
    Words,
    groups_by_session,
)
from kettrack.analysis.next_session.trials import WINDOW, Trials
from kettrack.analysis.registry import question
from kettrack.errors import UsageError
from kettrack.result import Result
from kettrack.timelines.bucket import Array
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.person_sessions import response_met
from kettrack.vocabulary.course_rules import CourseRules
from kettrack.vocabulary.instruments import GAD7

TIMES_THE_GAP: Final = 1.5  # of the gap before: the grace
# days of grace
SHORTEST = 14
LONGEST = 60
MORE_HISTORY: Final = ("responding", "longest_held")
# days, as the bands of `maintenance`
GAPS: Final = ((1, 10), (11, 17), (18, 24), (25, 38), (39, 9_999))


@question(
    "next_session_maintenance", asks="What does one more maintenance session change?"
)
def next_session_maintenance(
    cohort: DerivedCohort, recall_days: int | None = None
) -> Result:
    """What having the next maintenance session in time changes in the score, against not having it,
    at equal histories.

    The trials of `next_session` over the session days after the first course. Maintenance begins
    with the first of them: the first after the planned number of sessions or, without a plan, after
    the first gap of more than 10 days or after twelve sessions. From the third session of a
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
        of a decision is 1.5 times the gap before it, in whole days, at least 14 and at most 60;
        `half_grace` and `double_grace` take half and twice that.

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
    if recall_days is not None and recall_days < 0:
        raise UsageError("next_session_maintenance needs a recall of at least 0 days.")
    return ask(cohort, MAINTENANCE, recall_days)


def maintenance_points(cohort: DerivedCohort, left_out: str = GAD7.name) -> Points:
    """Every session day after the first course with what was known at its end; `session` counts
    from 1 after that course.

    To `HISTORY` come whether the response rule is met, and the longest gap so far over which it
    was, by scores at most 14 days old at both ends (0 without one).

    Parameters
    ----------
    cohort : DerivedCohort
        As it came through the reader.
    left_out : str
        Instrument kept out of the history, to test it with.
    """
    table = cohort.all_sessions
    table = table.assign(
        responding=response_met(
            cohort.criteria,
            *(table[name].to_numpy(float) for name in ("score", "baseline")),
        )
    )
    table = table.assign(
        longest_held=_longest_held(table), re_induction=_in_re_induction(cohort, table)
    )
    table = table[~table["in_first_course"]].reset_index(drop=True)
    points = points_of(
        cohort, table, left_out, {"re_induction": table["re_induction"]}, MORE_HISTORY
    )
    return replace(points, session=points.session - _first_course_days(points))


def maintenance_grace(points: Points) -> Array:
    """Days of grace after each maintenance session: 1.5 times the gap before it, in whole days,
    from 14 to 60.
    """
    gap = points.history[:, HISTORY.index("last_gap")]
    return np.clip(np.floor(TIMES_THE_GAP * gap), SHORTEST, LONGEST).astype(np.int64)


def _first_course_days(points: Points) -> Array:
    """Session days of the first course of the patient of each point: one fewer than the number of
    the first point after it.
    """
    first = np.searchsorted(points.patient, points.patient)
    return points.session[first] - 1


def _longest_held(table: pd.DataFrame) -> pd.Series:
    """Longest gap so far over which the response held, in days."""
    well = table["responding"] & (table["score_age"] <= FRESH).fillna(False).astype(
        bool
    )
    patient = table["patient_id"]
    held = well & well.groupby(patient, sort=False, observed=True).shift(
        1, fill_value=False
    )
    gap = table["last_gap"].astype("Float64").where(held, 0.0)
    return gap.groupby(patient, sort=False, observed=True).cummax()


def _in_re_induction(cohort: DerivedCohort, table: pd.DataFrame) -> pd.Series:
    """Whether the sessions so far are a re-induction: from its third on, as the first two may still
    have been maintenance.
    """
    courses = cohort.courses.drop_duplicates(["patient_id", "day"], keep="last")
    known = (courses["course"] == "re-induction") & (
        courses["number_in_course"] >= CourseRules().reinduction_sessions
    )
    rows = courses.assign(known=known)[["patient_id", "day", "known"]]
    return (
        table[["patient_id", "day"]]
        .merge(rows, "left", ["patient_id", "day"])["known"]
        .set_axis(table.index)
    )


def _groups(trials: Trials) -> list[Group]:
    gap = trials.history[:, HISTORY.index("last_gap")]
    by_gap = [
        (_gap_key(low, high), _gap_words(low, high), (gap >= low) & (gap <= high))
        for low, high in GAPS
    ]
    return groups_by_session(trials, "maintenance session") + by_gap


def _gap_key(low: int, high: int) -> str:
    return f"gap_{low}_{'on' if high == GAPS[-1][1] else high}"


def _gap_words(low: int, high: int) -> str:
    return (
        f"decided after a gap of {low} days or more"
        if high == GAPS[-1][1]
        else f"decided after a gap of {low} to {high} days"
    )


def _graces(trials: Trials) -> list[tuple[str, str, str, float]]:
    return [
        (
            "grace",
            "mean grace: days within which the next session was going on",
            "days",
            float(trials.grace.mean()),
        ),
        ("grace_shortest", "shortest grace", "days", float(trials.grace.min())),
        ("grace_longest", "longest grace", "days", float(trials.grace.max())),
    ]


MAINTENANCE: Final = Question(
    name="next_session_maintenance",
    points=maintenance_points,
    grace=maintenance_grace,
    reasons=tuple(name for name in LEFT_OUT if name != "planned_end"),
    groups=_groups,
    more_rows=_graces,
    words=Words(
        estimand=(
            "Mean difference in the score between having and not having another session within"
            f" {TIMES_THE_GAP} times the gap before (at least {SHORTEST}, at most {LONGEST} days)"
            " of a session after the first course, care as usual afterwards, over the decisions"
            " of people in maintenance."
        ),
        who="people in maintenance",
        graces=(
            "next session within half the grace",
            "next session within twice the grace",
        ),
        window=lambda recall: (
            f"from {recall} to {recall + WINDOW} days after the end of the decision's own grace,"
            " the same days in both arms"
        ),
        also_known=", whether the response rule is met, the longest gap so far over which it was",
        decides=(
            "Maintenance begins with the first session after the first course (the planned number"
            " or, without a plan, sessions at most 10 days apart, up to 12); from the third"
            " session of a re-induction on nobody decides on maintenance, but that the first two"
            " begin one is not known at the time."
        ),
        meanwhile=(
            "Where scores between two sessions bring the next one forward, the answer leans"
            " towards harm: they decide, and its history ends before them. The row weighted for"
            " them is experimental. In 50 simulated clinics of 800 in which sessions did nothing"
            " and a high score often did that, the answer was .10 points too high and the"
            " weighted row .09 too low; their intervals held 0 in 80 and 88 %."
        ),
        apart="The first course is not in it.",
        warnings=(
            (
                "Experimental. In simulated clinics of 400 that decide by recorded scores (60 to"
                " 200 of each kind) the answer was off by -.01 to +.05 points where a session"
                " helped (95 % intervals held the truth in 94 %) and by -.07 to +.06 where it did"
                " nothing (93 to 95 %). Where people stop mostly when well the -.07 does not go"
                " with more people (-.09 in 20 clinics of 1,000, 90 %): so small a difference"
                " says nothing. Where the pace is the person's own and not recorded: +.15 of"
                " -1.33 (92 %)."
            ),
            (
                "With fewer than about 80 outcomes in an arm alike clinics differ by most of a"
                " point (intervals held the truth in 93 % of 59). Half and twice the grace were"
                " not tried."
            ),
        ),
    ),
)
