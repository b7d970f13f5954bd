"""Who was scored, week by week: missing scores by patient and week."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.registry import Answer, question
from kettrack.arrays import Bools
from kettrack.errors import NotIdentified
from kettrack.escapes import in_sentence
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import DAYS_IN_WEEK
from kettrack.vocabulary.made_of import Share

# Half a year: later weeks hold few people, and the picture stays readable.
LAST_WEEK: Final = 26


@question(
    "scored_by_week",
    recipes=(Share(value="estimate", events="scored", of="n", without="log_ended"),),
    asks="Who was scored in which week, and who was not?",
    unit="percent of patients",
    estimand=(
        "Everyone with at least one session, in each week since session 1. A person whose log is"
        " known to have ended before the end of the week is counted as ended."
    ),
    roles={
        "week": "key",
        "scored": "count",
        "session_only": "count",
        "nothing": "count",
        "log_ended": "count",
        "n": "denominator",
        "estimate": "derived",
    },
)
def scored_by_week(cohort: DerivedCohort) -> Answer:
    """In each week: people scored on the primary instrument, people who had a session and no score,
    people of whom nothing is recorded, and people whose log had ended.

    Returns
    -------
    Result
        One row per week from the first week of treatment (1) to week 26: `scored` `session_only`
        `nothing` `log_ended`, together `n`; `estimate` = % scored of those whose log had not ended.
    """
    patients = cohort.patients
    if patients.empty:
        raise NotIdentified("Nobody has a session.", "sessions and scores.")
    primary = cohort.scores["instrument"] == cohort.instrument.name
    scores = cohort.scores[primary & cohort.scores["score"].notna()]
    people = pd.Index(patients["patient_id"])
    scored = _in_week(scores, people)
    treated = _in_week(cohort.sessions, people)
    ended = _ended(patients["observed_to_day"])
    # What was recorded counts, also after a log is said to have ended.
    ended &= ~(scored | treated)
    session_only = treated & ~scored
    nothing = ~(scored | treated | ended)
    table = pd.DataFrame(
        {
            "week": np.arange(1, LAST_WEEK + 1),
            "scored": scored.sum(axis=0),
            "session_only": session_only.sum(axis=0),
            "nothing": nothing.sum(axis=0),
            "log_ended": ended.sum(axis=0),
        }
    )
    running = len(people) - table["log_ended"]
    share = 100 * table["scored"] / running.where(running > 0)
    table = table.assign(n=len(people), estimate=share)
    return Answer(
        table=table,
        sentence=_sentence(cohort.instrument.name, table),
        caveats=_caveats(patients["observed_to_day"]),
    )


def _in_week(rows: pd.DataFrame, people: pd.Index) -> Bools:
    """Person by week: whether a row stands there. The first day of treatment begins week 1."""
    there = np.zeros((len(people), LAST_WEEK), dtype=bool)
    week = rows["day"].to_numpy() // DAYS_IN_WEEK
    inside = (week >= 0) & (week < LAST_WEEK)
    person = people.get_indexer(pd.Index(rows["patient_id"]))
    there[person[inside], week[inside]] = True
    return there


def _ended(observed_to_day: pd.Series) -> Bools:
    """Person by week: whether the log had ended before the week was over."""
    last = observed_to_day.astype("Float64").to_numpy(float, na_value=np.inf)
    # The end of a log is floored to whole weeks: week 1 is over on day 7.
    over = DAYS_IN_WEEK * np.arange(1, LAST_WEEK + 1)
    ended: Bools = last[:, None] < over
    return ended


def _sentence(name: str, table: pd.DataFrame) -> str:
    shown = [week for week in (2, 4, 8) if table["estimate"].notna()[week - 1]]
    said = ", ".join(f"{{row{week}.estimate:%}} in week {week}" for week in shown)
    if not said:
        return "No log reaches the second week."
    scale = in_sentence(name)
    return f"Of the people whose log had not ended, {said} were scored on the {scale}."


def _caveats(observed_to_day: pd.Series) -> tuple[str, ...]:
    unknown = observed_to_day.isna()
    if not unknown.any():
        return ()
    who = "everyone" if unknown.all() else "some people"
    return (
        f"Of {who} nobody knows to which day the log is complete; they count as not ended, so that"
        " “nothing recorded” may mean that the record ends there.",
    )
