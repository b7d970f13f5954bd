"""How many sessions until a patient responds. Those who stopped, and those who were never scored,
stay in the denominator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Final, Literal

import numpy as np
import pandas as pd

from kettrack.analysis.context import (
    LEVEL,
    SCORES_TO_RECORD,
    death_words,
    require_scored_later,
)
from kettrack.analysis.courses.session_counts import FIRST_COURSE
from kettrack.analysis.person_rows import exit_rows, joined
from kettrack.analysis.registry import Answer, answered_with_less, question
from kettrack.analysis.response.benchmark import (
    NULL_CAVEAT,
    NULL_SEED,
    NullClinics,
    benchmark,
    no_null_caveat,
)
from kettrack.analysis.response.curve_words import (
    GOOD_AND_BAD,
    MEDIAN,
    session_sentence,
)
from kettrack.analysis.response.exits import (
    CAUSES,
    confirmed_rule,
    first_course_exits,
    require_confirmation,
)
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified, UsageError
from kettrack.estimators.survival.competing_risks import (
    ExitCounts,
    aalen_johansen,
    count_competing_risks,
    estimate_incidence,
)
from kettrack.estimators.survival.life_table import steps_to_show
from kettrack.privacy.policies import get_policy
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS, COMPLETE_LOG_DAYS
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.made_of import IncidenceCurve, Kept, MadeOf, Scaled
from kettrack.vocabulary.published_results import published_words

# Bands of the stacked figure; at every session they add up to everyone who started.
BANDS: Final = (*CAUSES, "still_in_course")
_UNIT: Final = "percent of patients"
_ESTIMAND: Final = (
    "Chance of a first {} by session s of the first course, as it happens in this"
    " clinic."
)
_ROLES: Final[dict[str, Role]] = {
    "session": "key",
    "n": "denominator",
    "too_new": "count",
    # two neighbours tell by their difference how many left
    "at_risk": "running",
    # with those who left by any cause before: only the end of a log takes somebody out
    "counted": "count",
    **{f"new_{cause}": "count" for cause in CAUSES},
    "log_ends": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    **dict.fromkeys(BANDS[1:], "derived"),
    "at_most": "derived",
    **dict.fromkeys(MEDIAN, "derived"),
    **dict.fromkeys(("remitted", "confirmed"), "derived"),
    **dict.fromkeys(("confirmed_low", "confirmed_high"), "derived"),
    **dict.fromkeys(("null", "null_low", "null_high", "null_confirmed"), "derived"),
}
_DECIMALS: Final = dict.fromkeys(MEDIAN, 0)
_SHOWN_FIRST: Final = (
    "session",
    "at_risk",
    "estimate",
    "ci_low",
    "ci_high",
    "null",
    "null_low",
    "null_high",
)
_SHOWN_LAST: Final = ("confirmed", "null_confirmed", *BANDS[1:], "at_most")
# What would be seen if sessions did nothing, by one score with its interval, and by two.
NULLS: Final = ("null", "null_low", "null_high", "null_confirmed")

COURSE_RECIPES: Final[tuple[MadeOf, ...]] = (
    IncidenceCurve(
        step="session",
        n="n",
        at_risk="at_risk",
        causes={"estimate": "new_responded"}
        | {cause: f"new_{cause}" for cause in CAUSES[1:]},
        censored="log_ends",
        ends=("ci_low", "ci_high"),
        free="still_in_course",
        sums={"at_most": ("estimate", "not_scored", "scored_later")},
        half_by=MEDIAN,
    ),
    Scaled(value="remitted", of="n", most="estimate"),
    Scaled(
        value="confirmed",
        of="n",
        ends=("confirmed_low", "confirmed_high"),
        most="estimate",
    ),
    # Of simulated people, whom nobody needs to protect.
    Kept(values=("null", "null_low", "null_high", "null_confirmed"), of="n"),
)


def count(cohort: DerivedCohort, event: str = "response") -> ExitCounts:
    """Exits from the first course by session number; counts of several sites can be added.

    Raises
    ------
    NotIdentified
        When no log says to which day it is complete.
    """
    return count_course_exits(first_course_exits(cohort, event))


def count_course_exits(exits: pd.DataFrame) -> ExitCounts:
    """Exits by step and cause, from `first_course_exits` or a table like it."""
    step = exits["step"].to_numpy()
    return count_competing_risks(step, exits["cause"].to_numpy(), len(CAUSES))


def estimate(counts: ExitCounts) -> pd.DataFrame:
    """Cumulative incidence by session number, in percent.

    Returns
    -------
    DataFrame
        One row per session, to the last with at least `FEWEST_PEOPLE` at risk or gone by any cause
        but the end of the log: `session` `n` (at risk at session 1) `too_new` (people whose log is
        too short, or holds no score yet, to be at risk at all) `at_risk`, `counted` (at risk or
        gone by a cause before), the new exits by cause, `log_ends`, `estimate` `ci_low` `ci_high`
        (% who had the event by that session; exact ends at 0 and 100 %), the other bands, which
        with the estimate add up to 100 %, and `half_by` (first session with at least 50 %) with its
        interval `half_by_low` `half_by_high`, the first sessions at which the upper and the lower
        end of the interval are at least 50 %; each missing before it is reached.
    """
    found = estimate_incidence(counts, LEVEL)
    at_risk = counts.at_risk
    last = steps_to_show(
        counts.still_counted, counts.censored, FEWEST_PEOPLE, len(at_risk)
    )
    table = pd.DataFrame(
        {
            "session": np.arange(1, last + 1),
            "n": at_risk.max(initial=0),
            "too_new": counts.never_at_risk,
            "at_risk": at_risk[:last],
            "counted": counts.still_counted[:last],
        }
    )
    for place, cause in enumerate(CAUSES):
        table[f"new_{cause}"] = counts.events[:last, place]
    table["log_ends"] = counts.censored[:last]
    table["estimate"] = 100 * found.estimate[:last, 0]
    table["ci_low"] = 100 * found.ci_low[:last, 0]
    table["ci_high"] = 100 * found.ci_high[:last, 0]
    for place, cause in enumerate(CAUSES[1:], start=1):
        table[cause] = 100 * found.estimate[:last, place]
    table["still_in_course"] = 100 * found.free[:last]
    # Nobody can tell how those were whom nobody scored in time.
    table["at_most"] = table[["estimate", "not_scored", "scored_later"]].sum(axis=1)
    # The upper end of the curve reaches one half first: it is the lower end of the median.
    table["half_by"] = _first_with_half(found.estimate[:last, 0])
    table["half_by_low"] = _first_with_half(found.ci_high[:last, 0])
    table["half_by_high"] = _first_with_half(found.ci_low[:last, 0])
    return table


def _first_with_half(share: Floats) -> Floats:
    """First session with at least one half, on every row from there; missing before."""
    # An exact half may end a few bits below it, being a sum.
    reached = np.maximum.accumulate(np.nan_to_num(share) >= 0.5 - 1e-9)
    return np.where(reached, reached.argmax() + 1.0, np.nan)


@question(
    "response_by_session",
    asks="How many people have responded by each session, of all who started?",
    unit=_UNIT,
    estimand=_ESTIMAND.format("response"),
    roles=_ROLES,
    decimals=_DECIMALS,
    recipes=COURSE_RECIPES,
    show=(*_SHOWN_FIRST, "remitted", *_SHOWN_LAST),
    balanced=GOOD_AND_BAD,
    by_group=True,
)
def response_by_session(
    cohort: DerivedCohort, event: str = "response"
) -> Answer | Result:
    """Percent who have responded (or remitted) by each session of the first course, as it happens
    in this clinic.

    Estimand E1: the chance of a first response by session s, where stopping, never being scored
    again, and ending the course without response are things that happen, not reasons to leave
    people out.

    Parameters
    ----------
    cohort : DerivedCohort
        With `observed_to_day` or `stop_day` for at least some patients.
    event : {"response", "remission"}
        Under the cohort's criteria; `remission` gives `remission_by_session`.

    Returns
    -------
    Result
        See `estimate` for the table. Beside it stand, by the same session and in percent:
        `remitted` (for a response; by the same counting), `confirmed` with its interval (the event
        seen again by a second score, see `TWICE_IN_60_DAYS`), `null` (what a model fitted to this
        clinic shows if sessions do nothing; missing where it cannot be fitted, with a caveat that
        says why) and `null_confirmed` (the same, seen again by a second score). Refused when no log
        says to which day it is complete, or fewer than `FEWEST_PEOPLE` are at risk.
    """
    # An answer has the name of its question, so remission is the other question.
    if event == "remission":
        return remission_by_session(cohort)
    if event != "response":
        raise UsageError(f"event is 'response' or 'remission', not {event!r}.")
    return _shares_by_session(cohort, event)


@question(
    "remission_by_session",
    asks="How many people have remitted by each session, of all who started?",
    unit=_UNIT,
    estimand=_ESTIMAND.format("remission"),
    roles=_ROLES,
    decimals=_DECIMALS,
    recipes=COURSE_RECIPES,
    show=(*_SHOWN_FIRST, *_SHOWN_LAST),
    balanced=GOOD_AND_BAD,
    by_group=True,
)
def remission_by_session(cohort: DerivedCohort) -> Answer:
    """`response_by_session` for remission."""
    return _shares_by_session(cohort, "remission")


def curve_alone(cohort: DerivedCohort, event: str) -> Result:
    """`response_by_session` or `remission_by_session` without the benchmark, which takes by far the
    most of their time: its columns are missing, and not shown.
    """
    curve = answered_with_less(
        f"{event}_by_session",
        cohort,
        lambda: _shares_by_session(cohort, event, null=False),
    )
    there = tuple(name for name in curve.show if name not in NULLS)
    return replace(curve, show=there)


def _shares_by_session(cohort: DerivedCohort, event: str, null: bool = True) -> Answer:
    """The curve of one event with what stands beside it, in words."""
    counts = count(cohort, event)
    require_starters(counts)
    require_scored_later(cohort, cohort.rated)
    table = estimate(counts).astype({"counted": "Int64"})
    # Beside `n` it would tell how many logs had ended.
    if get_policy(cohort.policy).for_release:
        table["counted"] = pd.NA
    table = add_other_events(table, other_events(cohort, event), event)
    table = table.assign(**dict.fromkeys(NULLS, np.nan))
    null_caveats: list[str] = []
    if null:
        table, null_caveat = _add_null(table, cohort, event)
        null_caveats.append(null_caveat)
    last_session = int(table["session"].max())
    return Answer(
        table=table,
        sentence=partial(_told, cohort=cohort, event=event),
        caveats=(
            *_caveats(cohort, event),
            *null_caveats,
            _published_caveat(event, last_session),
        ),
        level=LEVEL,
        seed=NULL_SEED,
        rows=partial(_person_rows, cohort, event),
    )


def _told(table: pd.DataFrame, cohort: DerivedCohort, event: str) -> str:
    """The sentence on a table; a policy that rounds may move a median."""
    return f"{session_sentence(table, event)}{_plan_words(cohort)}"


def _person_rows(cohort: DerivedCohort, event: str) -> pd.DataFrame:
    """Exits behind the curve, behind the same seen again by a second score, and behind remission
    beside response.
    """
    curves = {event: (cohort, event)}
    curves["confirmed"] = (require_confirmation(cohort), event)
    if event == "response" and cohort.criteria.remission is not None:
        curves["remitted"] = (cohort, "remission")
    # Kept with the cohort since they were counted.
    return joined(
        [
            exit_rows(name, first_course_exits(whose, which), CAUSES)
            for name, (whose, which) in curves.items()
        ]
    )


def is_silent(counts: ExitCounts) -> bool:
    """Whether people left the first course, and of nobody is it known how they were then."""
    unknown = [CAUSES.index(cause) for cause in ("not_scored", "scored_later")]
    left = counts.events.sum(axis=0)
    everybody = int(left.sum() + counts.censored.sum())
    return 0 < everybody == int(left[unknown].sum())


def require_somebody_known(counts: ExitCounts) -> None:
    """Refuse counts that tell nothing: 0 % of people whom nobody scored would be no answer.

    Raises
    ------
    NotIdentified
        Asking for scores.
    """
    if is_silent(counts):
        raise NotIdentified(
            "nobody who is counted was scored in time after a session.",
            SCORES_TO_RECORD,
        )


def require_starters(counts: ExitCounts) -> None:
    """Refuse where too few people can be counted.

    Raises
    ------
    NotIdentified
        Asking for baselines and `observed_to_day`.
    """
    if counts.at_risk.max(initial=0) < FEWEST_PEOPLE:
        raise NotIdentified(
            f"fewer than {FEWEST_PEOPLE} people have a rated baseline and a log that is complete"
            f" for {COMPLETE_LOG_DAYS} days after session 1.",
            f"a score in the {BASELINE_WINDOW_DAYS} days before session 1, and"
            " observed_to_day.",
        )


def other_events(cohort: DerivedCohort, event: str) -> dict[str, ExitCounts]:
    """Exits behind what stands beside the curve, by column: the event seen again by a second score
    and, beside a response, remission; counts of several sites can be added.
    """
    found = {"confirmed": count(require_confirmation(cohort), event)}
    if event == "response" and cohort.criteria.remission is not None:
        found["remitted"] = count(cohort, "remission")
    return found


def add_other_events(
    table: pd.DataFrame, others: Mapping[str, ExitCounts], event: str
) -> pd.DataFrame:
    """The table of `estimate` with what `other_events` counted: the event confirmed by a second
    score, with its interval, and remission beside response, missing without a rule for it.
    """
    sessions = len(table)
    if event == "response":
        has_rule = "remitted" in others
        table["remitted"] = (
            _share_of(others["remitted"], sessions) if has_rule else np.nan
        )
    confirmed = estimate_incidence(others["confirmed"], LEVEL)
    ends = (confirmed.estimate, confirmed.ci_low, confirmed.ci_high)
    names = ("confirmed", "confirmed_low", "confirmed_high")
    return table.assign(
        **{
            name: _to_session(share[:, 0], sessions)
            for name, share in zip(names, ends, strict=True)
        }
    )


def _add_null(
    table: pd.DataFrame, cohort: DerivedCohort, event: str
) -> tuple[pd.DataFrame, str]:
    """The table with the curve of sessions that do nothing, and the caveat that explains it or says
    why it is missing.
    """
    sessions = len(table)

    def measure(null: NullClinics) -> Floats:
        confirmed = replace(null, cohort=require_confirmation(null.cohort))
        curves = [null_shares(each, event, sessions) for each in (null, confirmed)]
        return np.stack(curves, axis=1)

    try:
        null = benchmark(cohort, measure)
    except NotIdentified as error:
        # The curve of the clinic itself stands without its null.
        return table, no_null_caveat("curve", error)
    columns = {
        "null": null.value[0],
        "null_low": null.low[0],
        "null_high": null.high[0],
        "null_confirmed": null.value[1],
    }
    return table.assign(**columns), NULL_CAVEAT


def share_reached(cohort: DerivedCohort, event: str, sessions: int) -> Floats:
    """Percent with the event by each of the first sessions."""
    return _share_of(count(cohort, event), sessions)


def null_shares(null: NullClinics, event: str, sessions: int) -> Floats:
    """`share_reached` of each clinic, shape (clinics, sessions)."""
    exits = first_course_exits(null.cohort, event).set_index("patient_id")
    return null.each(exits, lambda rows: _share_of(count_course_exits(rows), sessions))


def _share_of(counts: ExitCounts, sessions: int) -> Floats:
    """Percent with the event by each of the first sessions, from counts."""
    _, _, incidence = aalen_johansen(counts.events, counts.at_risk)
    return _to_session(incidence[:, 0], sessions)


def _to_session(share: Floats, sessions: int) -> Floats:
    """A curve in percent to a session; the last value holds on where nobody is left."""
    share = share[:sessions]
    last = share[-1:] if len(share) else np.zeros(1)
    beyond = np.repeat(last, sessions - len(share))
    return 100 * np.concatenate([share, beyond])


def _plan_words(cohort: DerivedCohort) -> str:
    """That few or none can have completed the course, where most have no plan to complete."""
    planned = cohort.patients["planned_sessions"].notna()
    # With a plan for half of the people the band of completed courses means something.
    if planned.mean() >= 0.5:
        return ""
    whom = "most people" if planned.any() else "anybody"
    return (
        f" No planned number of sessions is recorded for {whom}. Without a plan, a course that"
        " went as planned looks like stopping; only people who came back after a pause count as"
        " completed."
    )


def _caveats(cohort: DerivedCohort, event: str) -> tuple[str, ...]:
    """Rule, who is counted, what confirms, and how far the instrument looks back."""
    # It is there: without it the question was refused.
    rule = getattr(cohort.criteria, event)
    confirmed = confirmed_rule(rule)
    recall = cohort.instrument.recall()
    overlap = f"{recall} Scores closer together than that ask about the same days."
    return (
        f"{event.capitalize()}: {rule.words}. Rules: {cohort.criteria.label}. The 95 % intervals"
        " are log-log intervals, each for one session by itself.",
        "The shares rise with the number of sessions. They are not the effect of giving more"
        " sessions, because people do not stop by chance.",
        "Counted: everyone with a rated baseline and a log that is complete for"
        f" {COMPLETE_LOG_DAYS} days after session 1, scored afterwards or not. {FIRST_COURSE}"
        f" Completed: reached the end of the course, or went on after a pause, without a {event}.",
        f"Confirmed: {confirmed.run.words if confirmed else 'no rule'}. It is not the main result,"
        " because people who are well often leave before a second score. Its null asks for a"
        " second score too; noise seldom repeats itself.",
        "Not scored: no score after the last session of the course. Scored later: a score, but"
        f" none within {cohort.criteria.late_after_days} days after that session and before"
        " another one. Nobody knows how either of them were at the end of the course.",
        *([overlap] if recall.days else []),
        *death_words(cohort),
    )


def _published_caveat(event: str, last_session: int) -> str:
    """The marks that a figure may set beside the curve."""
    kind: Literal["response", "remission"]
    kind = "remission" if event == "remission" else "response"
    studies = "; ".join(published_words(kind, last_session))
    return (
        "Published shares by session. The studies differ in rules, scales, people and intervals:"
        f" {studies}."
    )
