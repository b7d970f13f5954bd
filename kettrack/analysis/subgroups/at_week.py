"""Everybody who started, at a fixed week: who can be analysed, who was scored then, and what was
known of each before it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.association.fixed_week import (
    WEEK,
    log_reaches,
    nearest_scores,
)
from kettrack.analysis.context import require_log_end
from kettrack.arrays import Bools
from kettrack.errors import NotIdentified
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.states import measures, meets
from kettrack.vocabulary.days import (
    DAYS_IN_WEEK,
    HORIZON_TOLERANCE_DAYS,
    STOP_AFTER_GRACE_DAYS,
)
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.rules import Rule

WEEK_DAY: Final = DAYS_IN_WEEK * WEEK
# Everything known before the window of scores opens may tell who is scored in it.
_KNOWN_BEFORE: Final = WEEK_DAY - HORIZON_TOLERANCE_DAYS
LAST_STATES: Final = (
    "last score: not responding",
    "last score: responding",
    "not scored since session 1",
)
STILL_COMING: Final = (
    f"no session in the {STOP_AFTER_GRACE_DAYS} days before",
    f"a session in the {STOP_AFTER_GRACE_DAYS} days before",
)
SHORT_LOGS: Final = (
    f"People whose log ends before week {WEEK} is over, or of whom nobody knows how far it reaches,"
    " are not counted: they are not missing yet."
)
COLLECT: Final = (
    f"observed_to_day for each patient, and scores around week {WEEK} for everyone, also for those"
    " who stop coming."
)


def people_at_week(cohort: DerivedCohort) -> pd.DataFrame:
    """Everybody who started and whose log reaches past the week.

    Returns
    -------
    DataFrame
        One row per patient, by `patient_id`: `rated` (baseline is a case, nothing before the log),
        `analysable` (scored after session 1 as well), `scored` (around the week, and rated),
        `score` (nearest to it), `baseline`, `state` (ordered category: the last one before the
        window of scores opens), `coming` (ordered category: a session shortly before it, or none).

    Raises
    ------
    NotIdentified
        With fewer than `FEWEST_PEOPLE` such people, and where no log says how far it reaches.
    """
    # Without the end of a log nobody can tell who is silent and whose record ends.
    require_log_end(cohort)
    people = pd.Index(cohort.patients["patient_id"], name="patient_id")
    reason = cohort.outcomes.set_index("patient_id")["exclusion_reason"]
    # Of several scores around the week one counts, as everywhere else.
    nearest = nearest_scores(cohort, WEEK_DAY)["score"].reindex(people)
    found = pd.DataFrame(
        {
            "rated": cohort.rated,
            "analysable": reason.reindex(people).isna().to_numpy(),
            "score": nearest.to_numpy(float),
            "baseline": cohort.baselines.score,
            "state": _last_states(cohort, people),
            "coming": _still_coming(cohort, people),
        },
        index=people,
    )
    found["scored"] = found["score"].notna() & found["rated"]
    # Somebody who started lately is not missing yet.
    there = found[log_reaches(cohort, WEEK_DAY + HORIZON_TOLERANCE_DAYS)]
    if len(there) < FEWEST_PEOPLE:
        raise NotIdentified(
            f"fewer than {FEWEST_PEOPLE} people have a log that reaches past week {WEEK}.",
            COLLECT,
        )
    return there


def meets_at_week(
    cohort: DerivedCohort,
    people: pd.DataFrame,
    rule: Rule | None,
) -> Bools:
    """Whether the score at the week meets a rule, were it the only one; False without a score."""
    values = measures(
        people["score"].to_numpy(float),
        people["baseline"].to_numpy(float),
        cohort.bucket.zero,
    )
    return np.asarray(meets(rule, values)) & people["scored"].to_numpy(bool)


def _last_states(cohort: DerivedCohort, people: pd.Index) -> pd.Series:
    """How each person was at the last score before the window."""
    line = cohort.timeline
    # A score inside of the window would tell itself.
    inside = line["state"].notna() & (line["day"] < _KNOWN_BEFORE)
    last = line[inside].groupby("patient_id")["state"].last().reindex(people)
    not_responding, responding, never = LAST_STATES
    names = np.where(
        last.isin(["response", "remission"]),
        responding,
        not_responding,
    )
    # The states of people who are not rated are missing too, and they are not compared.
    names = np.where(last.isna(), never, names)
    cut = pd.Categorical(names, categories=list(LAST_STATES), ordered=True)
    return pd.Series(cut, index=people)


def _still_coming(cohort: DerivedCohort, people: pd.Index) -> pd.Series:
    """Whether each person had a session shortly before the window."""
    day = cohort.sessions["day"]
    shortly = (day < _KNOWN_BEFORE) & (day >= _KNOWN_BEFORE - STOP_AFTER_GRACE_DAYS)
    came = people.isin(cohort.sessions.loc[shortly, "patient_id"])
    names = np.where(came, STILL_COMING[1], STILL_COMING[0])
    cut = pd.Categorical(names, categories=list(STILL_COMING), ordered=True)
    return pd.Series(cut, index=people)
