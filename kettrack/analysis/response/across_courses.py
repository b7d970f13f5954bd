"""Response across all courses, maintenance and retreatment included: by session number, and by week
since session 1.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import (
    LEVEL,
    death_words,
    require_log_end,
    require_scored_later,
)
from kettrack.analysis.courses.by_week import (
    WEEK_RECIPES,
    WEEK_ROLES,
    count_days,
    event_days,
    table_by_week,
    week_exits,
    week_rows,
)
from kettrack.analysis.person_rows import exit_rows, joined
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.response.curve_words import (
    GOOD_AND_BAD,
    MEDIAN,
    told_session,
    told_steps,
    unscored_words,
    waiting_words,
)
from kettrack.analysis.response.exits import (
    CAUSES,
    event_sessions,
    first_course_exits,
    last_scored_sessions,
    met_before,
    scored_after,
)
from kettrack.analysis.response.response_curve import (
    count_course_exits,
    estimate,
    require_starters,
)
from kettrack.estimators.survival.competing_risks import ExitCounts
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import COMPLETE_LOG_DAYS, LAST_WEEK_OF_RESPONSE
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.made_of import IncidenceCurve, Scaled
from kettrack.vocabulary.plain_words import share_with_interval

# The last session that a table shows: the longest usual course of TMS.
_LAST_SESSION: Final = 36
# The session that the sentence tells: twice the usual course of ketamine.
_TOLD_SESSION: Final = 12
_NO_BENCHMARK: Final = (
    "No model of sessions that do nothing stands beside it. People also get better by themselves,"
    " and the longer somebody is watched, the more often a good score comes by chance."
)
_SO_FAR: Final = (
    "Whoever had no more sessions in the log counts as stopped, and whoever had no more scores as"
    " not scored. A longer log can show that some of them came back."
)
_ROLES: Final[dict[str, Role]] = {
    "session": "key",
    "n": "denominator",
    "too_new": "count",
    # two neighbours tell by their difference how many left
    "at_risk": "running",
    **{f"new_{cause}": "count" for cause in CAUSES},
    "log_ends": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    "first_course": "derived",
    **dict.fromkeys(CAUSES[1:], "derived"),
    "still_coming": "derived",
    "at_most": "derived",
}


def all_course_exits(cohort: DerivedCohort) -> pd.DataFrame:
    """Session at which each patient left the count of all courses, and why.

    The same counting as `first_course_exits`, except that the sessions of all courses count: a
    pause, or the end of the planned course, is no way out as long as another session follows.

    Returns
    -------
    DataFrame
        One row per patient with a rated baseline: `patient_id` `step` (session; 0 = never at risk)
        `cause` (0 = the log ends first, else place in `CAUSES` from 1). `stopped`: no more sessions
        in the log; `completed`: the same, and the planned number was reached and not passed.

    Raises
    ------
    NotIdentified
        As `first_course_exits`.
    """
    return cohort.once("all course exits", lambda: _find_all(cohort)).copy(deep=False)


def _find_all(cohort: DerivedCohort) -> pd.DataFrame:
    """The table of `all_course_exits`, made anew."""
    # Refuses for the same reasons.
    first_course_exits(cohort)
    bucket = cohort.bucket
    sessions = np.diff(bucket.session_offsets)
    last_scored = last_scored_sessions(cohort, sessions)
    known = _known_sessions(cohort)
    responded = event_sessions(cohort, "response") <= known
    over = (known == sessions) & ~responded
    unscored = over & (last_scored < sessions)
    care = cohort.care["care_status"].to_numpy()
    tests = {
        "responded": responded,
        "scored_later": unscored & scored_after(cohort, sessions),
        "not_scored": unscored,
        "completed": over & (care == "planned_end"),
        "stopped": over,
    }
    places = [CAUSES.index(name) + 1 for name in tests]
    cause = np.select(list(tests.values()), places, 0)
    step = np.select(
        [responded, over],
        [event_sessions(cohort, "response"), sessions],
        np.minimum(last_scored, known),
    )
    step = np.where(met_before(cohort, "response"), 0, step)
    exits = pd.DataFrame(
        {
            "patient_id": bucket.patient_id,
            "step": step.astype(np.int64),
            "cause": cause,
        }
    )
    return exits[cohort.rated].reset_index(drop=True)


def _known_sessions(cohort: DerivedCohort) -> np.ndarray:
    """Sessions of each patient that the log is complete for `COMPLETE_LOG_DAYS` after."""
    bucket = cohort.bucket
    patient = np.repeat(np.arange(bucket.n), np.diff(bucket.session_offsets))
    complete_to = bucket.observed_to_day.astype(np.int64) - COMPLETE_LOG_DAYS
    complete = bucket.session_day <= complete_to[patient]
    return np.bincount(patient[complete], minlength=bucket.n)


def count_all_courses(cohort: DerivedCohort) -> ExitCounts:
    """Exits from all courses by session number; counts of several sites can be added."""
    return count_course_exits(all_course_exits(cohort))


@question(
    "response_by_any_session",
    balanced=GOOD_AND_BAD,
    recipes=(
        IncidenceCurve(
            step="session",
            n="n",
            at_risk="at_risk",
            causes={"estimate": "new_responded"}
            | {cause: f"new_{cause}" for cause in CAUSES[1:]},
            censored="log_ends",
            ends=("ci_low", "ci_high"),
            free="still_coming",
            sums={"at_most": ("estimate", "not_scored", "scored_later")},
        ),
        Scaled(value="first_course", of="n", most="estimate"),
    ),
    asks="How many have responded by each session of all courses, of all who started?",
    unit="percent of patients",
    estimand=(
        "Chance of a first response by session s, counted over all courses, as it happens in this"
        " clinic. Sessions after a pause and maintenance sessions count."
    ),
    roles=_ROLES,
    show=(
        "session",
        "at_risk",
        "estimate",
        "ci_low",
        "ci_high",
        "first_course",
        *CAUSES[1:],
        "still_coming",
        "at_most",
    ),
    count=count_all_courses,
)
def response_by_any_session(cohort: DerivedCohort) -> Answer:
    """Percent who have responded by each session, counted over all courses.

    Returns
    -------
    Result
        One row per session, to session 36 or the last that anybody came to and
        `FEWEST_PEOPLE` are still counted in; columns as in `response_by_session`, without the
        median. `first_course` is the share by the same session of the first course alone; it stays
        where it was when that course is over. Refused as `response_by_session`.
    """
    counts = count_all_courses(cohort)
    require_starters(counts)
    require_scored_later(cohort, cohort.rated)
    table = all_courses_table(counts, count_course_exits(first_course_exits(cohort)))
    return Answer(
        table=table,
        sentence=any_session_sentence(table),
        caveats=(
            _response_words(cohort),
            "Stopped: no more sessions in the log. Completed: the same, after the planned number."
            f" Scored later: a score, but none within {cohort.criteria.late_after_days} days after"
            f" the last session. {_SO_FAR}",
            *death_words(cohort),
            _NO_BENCHMARK,
        ),
        level=LEVEL,
        rows=partial(_session_rows, cohort),
    )


def _session_rows(cohort: DerivedCohort) -> pd.DataFrame:
    """Exits from all courses, and from the first course beside them."""
    curves = {
        "response": all_course_exits(cohort),
        "first_course": first_course_exits(cohort),
    }
    return joined([exit_rows(name, exits, CAUSES) for name, exits in curves.items()])


def all_courses_table(counts: ExitCounts, first_course: ExitCounts) -> pd.DataFrame:
    """One row per session of all courses, with the share by the same session of the first course
    beside it.
    """
    table = estimate(counts).drop(columns=["counted", *MEDIAN])
    shown = (table["session"] <= _LAST_SESSION) & (table["at_risk"] > 0)
    table = table[shown].rename(columns={"still_in_course": "still_coming"})
    share = estimate(first_course)["estimate"]
    # Flat once the first course is over.
    table["first_course"] = share.reindex(range(len(table))).ffill()
    return table


def any_session_sentence(table: pd.DataFrame) -> str:
    """What had happened by session 12, or by the last session shown."""
    row = f"row{told_session(table, _TOLD_SESSION)}"
    return (
        f"Counted over all courses, {share_with_interval(row)} of {{{row}.n}} people had responded"
        f" by session {{{row}.session}}, against {{{row}.first_course:%}} in the first course"
        f" alone; {{{row}.stopped:%}} had stopped without a response, {{{row}.completed:%}} had"
        f" ended as planned, {{{row}.not_scored:%}} were never scored after their last session,"
        f" {{{row}.scored_later:%}} were scored only later, and {{{row}.still_coming:%}} still"
        f" came. {unscored_words(row, 'responded')}{waiting_words(table, row)}"
    ).rstrip()


def _response_words(cohort: DerivedCohort) -> str:
    """The rule, and who is counted."""
    return (
        f"Response: {cohort.response_rule.words}. Rules: {cohort.criteria.label}. Counted: everyone"
        f" with a rated baseline and a log that is complete for {COMPLETE_LOG_DAYS} days after"
        " session 1, scored afterwards or not. The first response of each person counts."
    )


@question(
    "response_by_week",
    asks="How many have responded by each week since session 1, of all who started?",
    unit="percent of patients",
    estimand=(
        "Chance of a first response by week w since session 1, whatever sessions there were, as it"
        " happens in this clinic and as far as people are scored."
    ),
    roles=WEEK_ROLES,
    recipes=WEEK_RECIPES,
    balanced=GOOD_AND_BAD,
    show=(
        "week",
        "at_risk",
        "estimate",
        "ci_low",
        "ci_high",
        "stopped",
        "not_scored",
        "still_followed",
        "at_most",
    ),
)
def response_by_week(cohort: DerivedCohort) -> Answer:
    """Percent who have responded by each week since session 1, in all courses and after them.

    Returns
    -------
    Result
        See `table_by_week`. People who stopped stay in the count for as long as somebody scores
        them. Refused when the criteria have no such rule, no log says to which day it is complete,
        or too few people can be counted.
    """
    rule = cohort.response_rule
    require_log_end(cohort)
    require_scored_later(cohort, cohort.rated)
    days = event_days(cohort, rule, cohort.rated)
    exits = week_exits(cohort, days, cohort.rated, "last score")
    table = table_by_week(count_days(exits))
    return Answer(
        table=table,
        sentence=week_sentence,
        caveats=(
            _response_words(cohort),
            "Stopped: no more sessions in the log, scored after the last one, and then no longer."
            " Not scored: no score after the last session. Both leave at their last score."
            f" {_SO_FAR}",
            *death_words(cohort),
            _NO_BENCHMARK,
            f"The table ends with week {LAST_WEEK_OF_RESPONSE}, or where fewer than"
            f" {FEWEST_PEOPLE} people are still counted.",
        ),
        level=LEVEL,
        rows=partial(week_rows, {"event": exits}),
    )


def week_sentence(table: pd.DataFrame) -> str:
    """The last week, and what had become of the others."""
    last = f"row{told_steps(table)['week'].iloc[-1]}"
    return (
        f"Of {{{last}.n}} people who started with a rated baseline, {share_with_interval(last)} had"
        f" responded at some time by week {{{last}.week}} after session 1, in all courses and after"
        f" them; {{{last}.stopped:%}} had no more sessions and were then no longer scored,"
        f" {{{last}.not_scored:%}} were not scored after their last session, and"
        f" {{{last}.still_followed:%}} were still scored without a response. If everyone who was no"
        f" longer scored had responded as well, it would be {{{last}.at_most:%}}."
        f" {waiting_words(table, last)}"
    ).rstrip()
