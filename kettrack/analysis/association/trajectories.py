"""Mean course of the score by session and by week, and the same in people sorted by how many
sessions they had in the end.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.association.course_scores import STRATA, course_scores
from kettrack.analysis.context import LEVEL, rule_words
from kettrack.analysis.registry import Answer, question
from kettrack.errors import NotIdentified
from kettrack.estimators.moments import Moments
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS, DAYS_IN_WEEK, HORIZON_DAYS
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.made_of import Kept

LAST_WEEK_SHOWN: Final[int] = HORIZON_DAYS // DAYS_IN_WEEK
EVERYBODY: Final = "everybody"
# Scores, axis and stratum of one line of means.
TrajectoryPart = tuple[pd.DataFrame, str, str]
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


@question(
    "trajectories",
    asks="How does the mean score change, and who stops when?",
    unit="points",
    estimand=(
        "Mean score among those who had that session and were scored after it. Each later mean is"
        " of fewer and other people, and the number of sessions in a course is known only at its"
        " end."
    ),
    roles=_ROLES,
    recipes=(Kept(values=("estimate", "ci_low", "ci_high"), of="n"),),
    show=("axis", "stratum", "at", "people", "n", "estimate", "ci_low", "ci_high"),
)
def trajectories(cohort: DerivedCohort) -> Answer:
    """Mean score by session and by week, for everybody and by the number of sessions people had in
    the end.

    Returns
    -------
    Result
        One row per mean: `axis` (session, week) `stratum` (everybody, or sessions in the first
        course: 1 to 3, 4 to 6, 7 to 12, 13+) `at` (session or week; 0 = baseline) `people` (in the
        stratum) `n` (of them scored there) `estimate` (mean score) `ci_low` `ci_high`; the mean is
        missing where fewer than `FEWEST_PEOPLE` are scored. Refused when nobody can be rated.
    """
    parts = _parts(cohort)
    tables = [
        means_by_place(
            sums_by_place(rows, axis), rows["patient_id"].nunique(), axis, stratum
        )
        for rows, axis, stratum in parts
    ]
    table = pd.concat(tables, ignore_index=True)
    return Answer(
        table=table,
        sentence=trajectories_sentence(table),
        caveats=_caveats(cohort),
        level=LEVEL,
        rows=partial(_person_rows, parts),
    )


def _person_rows(parts: list[TrajectoryPart]) -> pd.DataFrame:
    """The score of each person at each place of an axis."""
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "curve": _prefix(axis, stratum),
                    "patient_id": rows["patient_id"],
                    "time": rows[axis],
                    "weight": 1.0,
                    "value": rows["score"],
                }
            )
            for rows, axis, stratum in parts
        ],
        ignore_index=True,
    )


def _parts(cohort: DerivedCohort) -> list[TrajectoryPart]:
    """Scores by session, of everybody and of each stratum, and by week."""
    parts = every_part(cohort)
    require_baselines(parts[0][0]["patient_id"].nunique())
    # a stratum with few people would show the course of single persons
    return [
        part
        for part in parts
        if part[2] == EVERYBODY or part[0]["patient_id"].nunique() >= FEWEST_PEOPLE
    ]


def require_baselines(people: int) -> None:
    """Refuse where too few people have a rated baseline.

    Raises
    ------
    NotIdentified
        Asking for baselines.
    """
    if people < FEWEST_PEOPLE:
        raise NotIdentified(
            f"fewer than {FEWEST_PEOPLE} people have a rated baseline.",
            f"a score in the {BASELINE_WINDOW_DAYS} days before session 1.",
        )


def every_part(cohort: DerivedCohort) -> list[TrajectoryPart]:
    """Scores by session, of everybody and of each stratum however small, and by week."""
    scores = course_scores(cohort)
    strata = [(scores[scores["stratum"] == name], "session", name) for name in STRATA]
    weekly = (_weekly_scores(cohort, scores), "week", EVERYBODY)
    return [(scores, "session", EVERYBODY), *strata, weekly]


def _prefix(axis: str, stratum: str) -> str:
    """How the keys of a stratum on an axis begin."""
    name = stratum.replace(" to ", "_").replace("+", "_")
    return f"{axis}_{name}"


def sums_by_place(rows: pd.DataFrame, axis: str) -> pd.DataFrame:
    """Number of scores, their sum and the sum of their squares at each place of an axis; sums of
    several sites can be added.

    Returns
    -------
    DataFrame
        By place: `n` `total` `squares`.
    """
    score = rows["score"].to_numpy(np.float64)
    columns = pd.DataFrame({"n": 1, "total": score, "squares": score**2})
    place = rows[axis].to_numpy(np.int64)
    return columns.groupby(place).sum()


def means_by_place(
    sums: pd.DataFrame, people: int, axis: str, stratum: str
) -> pd.DataFrame:
    """Mean, t interval and numbers at each place of the axis, to the last where enough are
    scored.

    Parameters
    ----------
    sums : DataFrame
        From `sums_by_place`, or the sum of several.
    people : int
        In the stratum.
    axis, stratum : str
        As they stand in the table.
    """
    last = sums.index[sums["n"] >= FEWEST_PEOPLE].max()
    # without any place that has enough people, the first one is shown without its mean
    sums = sums.iloc[:1] if np.isnan(last) else sums.loc[:last]
    found = [Moments(int(n), total, squares) for n, total, squares in sums.to_numpy()]
    # a mean of few people would be theirs
    enough = sums["n"].to_numpy() >= FEWEST_PEOPLE
    ends = np.array([each.interval(LEVEL) for each in found]).reshape(-1, 2)
    place = sums.index.astype(int)
    prefix = _prefix(axis, stratum)
    columns = {
        "key": [f"{prefix}_{number}" for number in place],
        "axis": axis,
        "stratum": stratum,
        "at": place,
        "people": people,
        "n": sums["n"].to_numpy(np.int64),
        "estimate": np.where(enough, [each.mean for each in found], np.nan),
        "ci_low": np.where(enough, ends[:, 0], np.nan),
        "ci_high": np.where(enough, ends[:, 1], np.nan),
    }
    return pd.DataFrame(columns)


def _weekly_scores(cohort: DerivedCohort, scores: pd.DataFrame) -> pd.DataFrame:
    """Last score of each week after session 1, sessions going on or not; week 0 is the baseline."""
    line = cohort.timeline.dropna(subset=["score"])
    rated = line["patient_id"].isin(scores["patient_id"])
    started = line["sessions_to_date"] > 0
    line = line[rated & started]
    # week 1 holds days 0 to 6
    line = line.assign(week=line["day"] // DAYS_IN_WEEK + 1)
    # later weeks are of few people who are still scored
    line = line[line["week"] <= LAST_WEEK_SHOWN]
    by_week = line.groupby(["patient_id", "week"], sort=False)["score"]
    later = by_week.last().reset_index()
    baselines = scores[scores["session"] == 0]
    before = baselines[["patient_id", "score"]].assign(week=0)
    return pd.concat([before, later], ignore_index=True)


def trajectories_sentence(table: pd.DataFrame) -> str:
    """Where each stratum began and where it ended: who stops when."""
    shown = table[(table["axis"] == "session") & table["estimate"].notna()]
    everybody = shown.loc[shown["stratum"] == EVERYBODY, "key"]
    first = everybody.iloc[0]
    last = everybody.iloc[-1]
    start = (
        f"The mean score changed from {{{first}.estimate}} ({{{first}.n}} people) to"
        f" {{{last}.estimate}} after session {{{last}.at}} ({{{last}.n}} people who were still"
        " coming and were scored)."
    )
    parts = _stratum_parts(shown)
    if not parts:
        return start
    return f"{start} By the number of sessions that people had in the end: {'; '.join(parts)}."


def _stratum_parts(shown: pd.DataFrame) -> list[str]:
    """What is said of each stratum with more than one mean."""
    parts = []
    for name in STRATA:
        keys = shown.loc[shown["stratum"] == name, "key"]
        # a baseline alone says nothing of a change
        if len(keys) > 1:
            first = keys.iloc[0]
            last = keys.iloc[-1]
            parts.append(
                f"{name} sessions ({{{first}.people}} people) from {{{first}.estimate}} to"
                f" {{{last}.estimate}}"
            )
    return parts


def _caveats(cohort: DerivedCohort) -> tuple[str, ...]:
    return (
        (
            "This shows who stops when, not what sessions do. Some people leave because they are"
            " well, others because they are not helped. The later means are of those who remain."
        ),
        (
            f"Means are of {FEWEST_PEOPLE} people or more. Intervals are 95 % t intervals, each for"
            " one mean. People whose course is not known to be over count only in the rows for"
            " everybody."
        ),
        (
            "Each mean takes the last score that belongs to a session, at most"
            f" {cohort.criteria.late_after_days} days after it."
        ),
        f"{rule_words(cohort)}.",
    )
