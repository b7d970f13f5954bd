"""Mean course of the score by session and by week, and the same in people sorted by how many
sessions they ended up having.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.association.course_scores import STRATA, course_scores
from kettrack.analysis.context import FEWEST, made_from, refusal, release, rule_words
from kettrack.analysis.registry import question
from kettrack.errors import NotIdentified
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort

LAST_WEEK: Final = 12
EVERYBODY: Final = "everybody"
ESTIMAND: Final = (
    "Mean score among those who had that session and were scored after it. Each later mean is of"
    " fewer and other people, and the number of sessions in a course is known only at its end."
)
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "axis": "label",
    "stratum": "label",
    "at": "label",
    "people": "denominator",
    "n": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
}


@question("trajectories", asks="How does the mean score go, and who stops when?")
def trajectories(cohort: DerivedCohort) -> Result:
    """Mean score by session and by week, for everybody and by the number of sessions people ended
    up having.

    Returns
    -------
    Result
        One row per mean: `axis` (session, week) `stratum` (everybody, or sessions in the first
        course: 1-3, 4-6, 7-12, 13+) `at` (session or week; 0 = baseline) `people` (in the stratum)
        `n` (of them scored there) `estimate` (mean score) `ci_low` `ci_high`; the mean is missing
        where fewer than 11 are scored. Refused when nobody can be rated.
    """
    try:
        table = _table(cohort)
    except NotIdentified as error:
        return release(refusal("trajectories", cohort, error, ESTIMAND), cohort)
    result = Result(
        name="trajectories",
        table=table,
        roles=_ROLES,
        show=("axis", "stratum", "at", "people", "n", "estimate", "ci_low", "ci_high"),
        sentence=_sentence(table),
        estimand=ESTIMAND,
        caveats=_caveats(cohort),
        made_from=made_from(cohort, unit="points", level=0.95),
    )
    return release(result, cohort)


def _table(cohort: DerivedCohort) -> pd.DataFrame:
    scores = course_scores(cohort)
    if scores["patient_id"].nunique() < FEWEST:
        raise NotIdentified(
            f"fewer than {FEWEST} people have a rated baseline.",
            "a score in the 30 days before session 1.",
        )
    parts = [_means(scores, "session", EVERYBODY, scores["session"])]
    for name in STRATA:
        here = scores[scores["stratum"] == name]
        if here["patient_id"].nunique() >= FEWEST:
            parts.append(_means(here, "session", name, here["session"]))
    weekly = _weekly(cohort, scores)
    parts.append(_means(weekly, "week", EVERYBODY, weekly["week"]))
    return pd.concat(parts, ignore_index=True)


def _means(rows: pd.DataFrame, axis: str, stratum: str, at: pd.Series) -> pd.DataFrame:
    """Mean, t interval and numbers at each place of the axis, to the last where enough are
    scored.
    """
    from scipy.special import stdtrit

    found = rows["score"].groupby(at.to_numpy()).agg(["size", "mean", "std"])
    last = found.index[found["size"] >= FEWEST].max()
    found = found.loc[:last] if not np.isnan(last) else found.iloc[:1]
    enough = (found["size"] >= FEWEST).to_numpy()
    half = (
        stdtrit(found["size"].clip(lower=2) - 1, 0.975)
        * found["std"]
        / np.sqrt(found["size"])
    )
    table = pd.DataFrame(
        {"axis": axis, "stratum": stratum, "at": found.index.astype(int)}
    )
    table["people"], table["n"] = rows["patient_id"].nunique(), found["size"].to_numpy()
    for name, values in (
        ("estimate", found["mean"]),
        ("ci_low", found["mean"] - half),
        ("ci_high", found["mean"] + half),
    ):
        table[name] = np.where(enough, values, np.nan)
    table.insert(
        0,
        "key",
        [
            f"{axis}_{stratum.replace('-', '_').replace('+', '_')}_{place}"
            for place in table["at"]
        ],
    )
    return table


def _weekly(cohort: DerivedCohort, scores: pd.DataFrame) -> pd.DataFrame:
    """Last score of each week after session 1, sessions going on or not; week 0 is the baseline."""
    line = cohort.timeline.dropna(subset=["score"])
    line = line[
        line["patient_id"].isin(scores["patient_id"]) & (line["sessions_to_date"] > 0)
    ]
    line = line.assign(week=line["day"] // 7 + 1)
    later = (
        line[line["week"] <= LAST_WEEK]
        .groupby(["patient_id", "week"], sort=False)["score"]
        .last()
        .reset_index()
    )
    before = scores[scores["session"] == 0][["patient_id", "score"]].assign(week=0)
    return pd.concat([before, later], ignore_index=True)


def _sentence(table: pd.DataFrame) -> str:
    """Where each stratum began and where it ended: who stops when."""
    shown = table[(table["axis"] == "session") & table["estimate"].notna()]
    parts = []
    for name in STRATA:
        keys = shown.loc[shown["stratum"] == name, "key"]
        if len(keys) > 1:
            first = keys.iloc[0]
            last = keys.iloc[-1]
            parts.append(
                f"{name} sessions ({{{first}.people}} people) from {{{first}.estimate}} to"
                f" {{{last}.estimate}}"
            )
    everybody = shown.loc[shown["stratum"] == EVERYBODY, "key"]
    first = everybody.iloc[0]
    last = everybody.iloc[-1]
    start = (
        f"The mean score went from {{{first}.estimate}} ({{{first}.n}} people) to"
        f" {{{last}.estimate}} after session {{{last}.at}} ({{{last}.n}} still coming and"
        " scored)."
    )
    return (
        f"{start} By the number of sessions people ended up having: {'; '.join(parts)}."
        if parts
        else start
    )


def _caveats(cohort: DerivedCohort) -> tuple[str, ...]:
    return (
        (
            "Who stops when, not what sessions do: people leave because they are well, or because"
            " they are not helped, and those left behind make the later means."
        ),
        (
            f"Means of {FEWEST} people or more; 95 % t intervals, pointwise. People whose course"
            " is not known to be over are in the row for everybody only."
        ),
        (
            f"Last score that belongs to each session, at most {cohort.criteria.late_after_days}"
            " days after it."
        ),
        f"{rule_words(cohort)}.",
    )
