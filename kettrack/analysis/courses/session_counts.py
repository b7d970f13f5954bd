"""How many sessions people had, and how far apart."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import made_from, release
from kettrack.analysis.registry import question
from kettrack.result import Result
from kettrack.timelines.derived import DerivedCohort

FIRST_COURSE: Final = (
    "First course: the planned sessions, with pauses up to 60 days; without a recorded plan,"
    " sessions at most 10 days apart, up to 12 (kettrack's convention, extended from McInnes"
    " 2022)."
)
MOST: Final = 12  # sessions told apart; more are one bar


@question("session_counts", asks="How many sessions did people have?")
def session_counts(cohort: DerivedCohort) -> Result:
    """Number of people by number of sessions, in the first course and in all.

    Returns
    -------
    Result
        One row per number of sessions, the last being 12 and more: `first_course` and `in_all`
        people of `n`.
    """
    lengths = {
        "first_course": cohort.first_courses["length"],
        "in_all": cohort.sessions.groupby("patient_id").size(),
    }
    table = pd.DataFrame({"sessions": range(1, MOST + 1)})
    for name, length in lengths.items():
        table[name] = np.bincount(length.clip(upper=MOST), minlength=MOST + 1)[1:]
    table["n"] = len(lengths["in_all"])
    table["median_first_course"] = float(lengths["first_course"].median())
    table["median_in_all"] = float(lengths["in_all"].median())
    result = Result(
        name="session_counts",
        table=table,
        roles={
            "sessions": "key",
            "first_course": "count",
            "in_all": "count",
            "n": "denominator",
            "median_first_course": "derived",
            "median_in_all": "derived",
        },
        decimals={"median_first_course": 0, "median_in_all": 0},
        show=("sessions", "first_course", "in_all", "n"),
        sentence=(
            "{row1.n} people had at least one session; the median number was"
            " {row1.median_first_course} in the first course and {row1.median_in_all} in all."
        ),
        estimand="Sessions recorded so far; people still in care will have more.",
        caveats=(f"{MOST} stands for {MOST} and more.", FIRST_COURSE),
        made_from=made_from(cohort, unit="patients"),
    )
    return release(result, cohort)


@question("session_gaps", asks="How far apart were the sessions?")
def session_gaps(cohort: DerivedCohort) -> Result:
    """Days between sessions, by session number.

    Returns
    -------
    Result
        One row per session from the second: `n` people who had it, and quartiles of the days since
        the session before (`q25` `estimate` = median, `q75`).
    """
    sessions = cohort.courses.dropna(subset=["gap_days"])
    gaps = sessions[sessions["session_number"] <= MOST].groupby("session_number")[
        "gap_days"
    ]
    table = (
        gaps.agg(n="size").reset_index().rename(columns={"session_number": "session"})
    )
    for name, share in (("q25", 0.25), ("estimate", 0.5), ("q75", 0.75)):
        table[name] = gaps.quantile(share).to_numpy(float)
    result = Result(
        name="session_gaps",
        table=table,
        roles={
            "session": "key",
            "n": "running",
            "q25": "derived",
            "estimate": "derived",
            "q75": "derived",
        },
        sentence=(
            "The second session came a median {row2.estimate} days after the first."
            if len(table)
            else "Nobody came twice."
        ),
        estimand="Days since the session before, among those who came back for that session.",
        caveats=(
            "Only those who came back are in a row: later rows are fewer and different people.",
        ),
        made_from=made_from(cohort, unit="days"),
    )
    return release(result, cohort)
