"""From every response in the events to the people of the curve on page one: why the numbers
differ.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.person_rows import share_rows
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.response.across_courses import all_course_exits
from kettrack.analysis.response.exits import (
    CAUSES,
    event_sessions,
    first_course_exits,
)
from kettrack.analysis.response.response_curve import (
    count_course_exits,
    estimate,
    require_starters,
)
from kettrack.arrays import Bools
from kettrack.errors import NotIdentified
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import COMPLETE_LOG_DAYS
from kettrack.vocabulary.made_of import Share

_RESPONDED: Final = CAUSES.index("responded") + 1
# Rows that tell how many are left where a reader meets the number; the others lose people.
_PLACES: Final = {
    "events": "a response in the events, proven or not",
    "outcomes": "responders in the outcomes table",
    "all_courses": "in the curve of all courses by session",
    "first_course": "in the curve of the first course",
}


@question(
    "responders",
    asks="Why do the numbers of responders differ from place to place?",
    unit="people",
    estimand=(
        "Everyone with a first response in the events. Each person is counted at the first reason"
        " that applies."
    ),
    roles={
        "key": "key",
        "step": "label",
        "lost": "count",
        "left": "running",
        "n": "denominator",
        "estimate": "derived",
    },
    recipes=(Share(value="estimate", events="left", of="n"),),
    show=("step", "lost", "left", "estimate"),
)
def responders(cohort: DerivedCohort) -> Answer:
    """How many people with a response stand in the events, in the outcomes table, in the curve of
    all courses and in that of the first course, and why the others do not.

    Returns
    -------
    Result
        One row per place (`lost` 0) and per reason, in order: `lost` here and `left` after it of
        `n` with a response in the events, with `estimate` = % left. Refused as
        `response_by_session`, and when nobody has a response in the events.
    """
    lost = _lost_at(cohort)
    n = int(lost["events"].sum())
    if n == 0:
        raise NotIdentified(
            "nobody has a response in the events.",
            "scores after session 1, and one before it.",
        )
    words = {**_PLACES, **_reasons(cohort)}
    left = lost["events"]
    why = pd.Series("", index=cohort.bucket.patient_id)
    rows = []
    for key, people in lost.items():
        gone = left & people if key not in _PLACES else np.zeros(len(left), bool)
        left = left & ~gone
        why = why.mask(gone, key)
        row = {"key": key, "step": words[key], "lost": int(gone.sum())}
        rows.append(row | {"left": int(left.sum())})
    table = pd.DataFrame(rows).assign(n=n)
    return Answer(
        table=table.assign(estimate=100 * table["left"] / n),
        sentence=_sentence(table, words),
        caveats=(
            f"Response: {cohort.response_rule.words}. Rules: {cohort.criteria.label}.",
            "The curve by week since session 1 also counts responses that belong to no session.",
        ),
        rows=partial(_person_rows, why[lost["events"]]),
    )


def _person_rows(why: pd.Series) -> pd.DataFrame:
    """Who stands in the curve of the first course, and the reason where not; by `patient_id`."""
    rows = share_rows("first_course", why.index, (why == "").to_numpy(bool))
    return rows.assign(cause=why.to_numpy())


def _lost_at(cohort: DerivedCohort) -> dict[str, Bools]:
    """Place or reason -> whether it applies, per patient, in the order of the ladder."""
    ids = cohort.bucket.patient_id
    events = cohort.state_events
    named = events[events["event"] == "response"].set_index("patient_id")
    proven = named[named["status"].isin(["single", "confirmed"])]
    included = cohort.outcomes["included"].to_numpy(bool)
    first = count_course_exits(first_course_exits(cohort))
    require_starters(first)
    in_all = _reached(all_course_exits(cohort), ids)
    in_first = _reached(first_course_exits(cohort), ids)
    late = np.isinf(event_sessions(cohort, "response"))
    return {
        "events": np.asarray(ids.isin(named.index), bool),
        "waiting": np.asarray(~ids.isin(proven.index), bool),
        "left_out": ~included,
        "outcomes": included,
        "late": late,
        "too_new": ~np.isfinite(in_all),
        "all_courses": np.isfinite(in_all),
        "later": ~np.isfinite(in_first),
        "not_shown": in_first > len(estimate(first)),
        "first_course": np.isfinite(in_first),
    }


def _reached(exits: pd.DataFrame, ids: pd.Index) -> np.ndarray:
    """Session of the response of each patient at risk; infinite without one."""
    rows = exits[(exits["cause"] == _RESPONDED) & (exits["step"] > 0)]
    step = rows.set_index("patient_id")["step"].reindex(ids)
    return step.fillna(np.inf).to_numpy(np.float64)


def _reasons(cohort: DerivedCohort) -> dict[str, str]:
    """Why people are not counted further on."""
    late = cohort.criteria.late_after_days
    too_new = f"log not complete for {COMPLETE_LOG_DAYS} days after the session"
    # The last score before session 1 can meet the rule only where it is not the baseline itself.
    if cohort.settings.baseline != "last":
        too_new += ", or the rule met before session 1"
    return {
        "waiting": "seen at too few scores for the rule",
        "left_out": "treated before the log begins, or had placebo",
        "late": f"seen only more than {late} days after a session",
        "too_new": too_new,
        "later": "responded after the first course",
        "not_shown": "after the last session that is shown",
    }


def _sentence(table: pd.DataFrame, words: dict[str, str]) -> str:
    """Every place with its number, and every reason that lost somebody between two places."""
    parts = []
    lost: list[str] = []
    for key, gone in zip(table["key"], table["lost"], strict=True):
        if gone:
            lost.append(f"{{{key}.lost}} {_VERBS.get(key, '')}{words[key]}")
        if key in _SAID:
            others = f"; the others: {'; '.join(lost)}" if lost else ""
            parts.append(f" {{{key}.left}} of them {_SAID[key]}{others}.")
            lost = []
    return f"{{events.left}} people have a response in the events.{''.join(parts)}"


_SAID: Final = {
    "outcomes": "are responders in the outcomes table",
    "all_courses": "stand in the curve of all courses by session",
    "first_course": "stand in the curve of the first course",
}
# What stands before a reason in a sentence.
_VERBS: Final = {
    **dict.fromkeys(("waiting", "left_out", "late"), "were "),
    "too_new": "had a ",
    "not_shown": "responded ",
}
