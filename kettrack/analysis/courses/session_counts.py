"""How many sessions people had, and how far apart."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.person_rows import joined, share_rows
from kettrack.analysis.registry import Answer, question
from kettrack.arrays import Ints
from kettrack.estimators.survival.life_table import padded
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import COMPLETE_LOG_DAYS
from kettrack.vocabulary.made_of import Kept
from kettrack.vocabulary.rules import CourseRules

_RULES: Final = CourseRules()
FIRST_COURSE: Final = (
    f"First course: the planned sessions, with pauses of up to {COMPLETE_LOG_DAYS} days. Where no"
    f" plan is recorded: sessions at most {_RULES.series_gap_days} days apart, up to"
    f" {_RULES.induction_sessions} of them (kettrack's convention, extended from McInnes 2022)."
)
# Numbers of sessions that are told apart; more are one bar.
_MOST_SESSIONS: Final = 12


@question(
    "session_counts",
    asks="How many sessions did people have?",
    unit="patients",
    log_end=False,
    estimand="Sessions recorded so far; people still in care will have more.",
    roles={
        "sessions": "key",
        "first_course": "count",
        "in_all": "count",
        "n": "denominator",
        "median_first_course": "derived",
        "median_in_all": "derived",
    },
    decimals={"median_first_course": 0, "median_in_all": 0},
    recipes=(Kept(values=("median_first_course", "median_in_all"), of="n"),),
    show=("sessions", "first_course", "in_all", "n"),
)
def session_counts(cohort: DerivedCohort) -> Answer:
    """Number of people by number of sessions, in the first course and in all.

    Returns
    -------
    Result
        One row per number of sessions, the last being 12 and more: `first_course` and `in_all`
        people of `n`.
    """
    lengths = _lengths(cohort)
    table = session_counts_table(count_sessions(cohort))
    return Answer(
        table=table,
        sentence=session_counts_sentence(),
        caveats=(
            f"The last row counts people with {_MOST_SESSIONS} sessions or more.",
            FIRST_COURSE,
        ),
        rows=partial(_person_rows, lengths),
    )


def _lengths(cohort: DerivedCohort) -> dict[str, pd.Series]:
    """Number of sessions of each person, in the first course and in all."""
    return {
        "first_course": cohort.first_courses["length"],
        "in_all": cohort.sessions.groupby("patient_id").size(),
    }


def count_sessions(cohort: DerivedCohort) -> dict[str, Ints]:
    """People with 0, 1, 2, ... sessions, in the first course and in all; counts of several sites
    can be added.
    """
    return {
        name: np.bincount(length.to_numpy(np.int64))
        for name, length in _lengths(cohort).items()
    }


def session_counts_table(counts: Mapping[str, Ints]) -> pd.DataFrame:
    """One row per number of sessions, from `count_sessions`."""
    most = _MOST_SESSIONS
    table = pd.DataFrame({"sessions": range(1, most + 1)})
    for name, people in counts.items():
        shown = padded(people, max(most + 1, len(people)))
        # Nobody has 0 sessions: the first count is dropped.
        table[name] = [*shown[1:most], shown[most:].sum()]
    table["n"] = int(counts["in_all"].sum())
    for name, people in counts.items():
        each = np.repeat(np.arange(len(people)), people)
        table[f"median_{name}"] = float(np.median(each)) if len(each) else np.nan
    return table


def session_counts_sentence() -> str:
    """How many people there are, and the median numbers."""
    return (
        "{row1.n} people had at least one session. The median number of sessions was"
        " {row1.median_first_course} in the first course and {row1.median_in_all} in all."
    )


def _person_rows(lengths: dict[str, pd.Series]) -> pd.DataFrame:
    """Number of sessions of each person, in the first course and in all, as the time."""
    parts = []
    for name, length in lengths.items():
        everybody = np.ones(len(length), bool)
        rows = share_rows(name, length.index, everybody)
        parts.append(rows.assign(time=length.to_numpy()))
    return joined(parts)


@question(
    "session_gaps",
    recipes=(
        Kept(
            values=(
                "q25",
                "estimate",
                "q75",
            ),
            of="n",
        ),
    ),
    asks="How far apart were the sessions?",
    unit="days",
    log_end=False,
    estimand=(
        "Days since the session before, among the people who came back for that session."
    ),
    roles={
        "session": "key",
        "n": "running",
        "q25": "derived",
        "estimate": "derived",
        "q75": "derived",
    },
)
def session_gaps(cohort: DerivedCohort) -> Answer:
    """Days between sessions, by session number.

    Returns
    -------
    Result
        One row per session from the second: `n` people who had it, and quartiles of the days since
        the session before (`q25` `estimate` = median, `q75`).
    """
    sessions = cohort.courses.dropna(subset=["gap_days"])
    early = sessions[sessions["session_number"] <= _MOST_SESSIONS]
    gaps = early.groupby("session_number")["gap_days"]
    table = gaps.agg(n="size").reset_index()
    table = table.rename(columns={"session_number": "session"})
    for name, share in (("q25", 0.25), ("estimate", 0.5), ("q75", 0.75)):
        table[name] = gaps.quantile(share).to_numpy(float)
    return Answer(
        table=table,
        sentence=(
            "The second session came a median of {row2.estimate} days after the first."
            if len(table)
            else "Nobody came twice."
        ),
        caveats=(
            "Each row counts only the people who came back for that session: later rows are"
            " about fewer and different people.",
        ),
    )
