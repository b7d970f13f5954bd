"""Mean scores and their change, from sums of sites."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Final

import pandas as pd

from kettrack.analysis.association.course_scores import STRATA
from kettrack.analysis.association.fixed_week import (
    WEEK,
    count_paired,
    paired_words,
    require_enough,
)
from kettrack.analysis.association.paired import PAIRED, PairedCounts, paired_rows
from kettrack.analysis.association.trajectories import (
    EVERYBODY,
    every_part,
    means_by_place,
    require_baselines,
    sums_by_place,
    trajectories_sentence,
)
from kettrack.analysis.context import LEVEL
from kettrack.analysis.registry import Answer
from kettrack.analysis.rules_in_force import RulesInForce
from kettrack.estimators.moments import Moments
from kettrack.pooling.parts import PooledQuestion, Tables
from kettrack.pooling.tallies import Shape
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.limits import FEWEST_PEOPLE

_SUMS: Final = {
    "total": "sum of the values",
    "squares": "sum of the squares of the values",
}
_PAIRED: Final = {
    "values": Shape(
        about=f"Baseline, score at week {WEEK} and change of the people scored then.",
        keys={"value": "what is averaged"},
        counts={"n": "people scored then"},
        sums=_SUMS,
    ),
    "people": Shape(
        about=f"People who could have been scored at week {WEEK}.",
        keys={
            "group": "started: could have been scored; worse: scored worse than before"
        },
        counts={"people": "people"},
        needed=("started", "worse"),
        row_part_of={"worse": "started"},
    ),
}


def _count_change(cohort: DerivedCohort) -> dict[str, pd.DataFrame]:
    counts = count_paired(cohort)
    rows = [
        {"value": name, "n": each.n, "total": each.total, "squares": each.squares}
        for name, each in counts.sums.items()
    ]
    # Who could have been scored is not known from those who were.
    groups = {"group": ["started", "worse"], "people": [counts.started, counts.worse]}
    return {"values": pd.DataFrame(rows), "people": pd.DataFrame(groups)}


def _change(tables: Tables, rules: RulesInForce) -> Answer:
    groups = tables["people"].set_index("group")["people"]
    sums = change_moments(tables)
    n = sums["change"].n
    require_enough(n, WEEK)
    started = int(groups["started"])
    counts = PairedCounts(started, int(groups["worse"]), sums)
    table = pd.DataFrame(paired_rows(counts, WEEK)).assign(started=started, n=n)
    return Answer(
        table=table.astype({"events": "Int64"}),
        sentence=paired_words(counts, WEEK),
        caveats=(
            f"Among the people who were scored, whatever sessions they had. {rules.words}.",
        ),
        level=LEVEL,
    )


def change_moments(tables: Tables) -> dict[str, Moments]:
    """Baseline, score and change of the people scored at the week, as sums."""
    rows = tables["values"].to_dict("records")
    values = {str(row["value"]): row for row in rows}
    # A site with few people under a release policy sends no sums.
    nobody: dict[Hashable, Any] = {"n": 0, "total": 0.0, "squares": 0.0}
    return {name: _moments(values.get(name, nobody)) for name in PAIRED}


def _moments(row: Mapping[Hashable, Any]) -> Moments:
    return Moments(int(row["n"]), float(row["total"]), float(row["squares"]))


# ---- by session and by week

_COURSE: Final = {
    "scores": Shape(
        about="Scores after each session and in each week.",
        keys={
            "axis": "session, or week since session 1",
            "stratum": "everybody, or the number of sessions that people had in the end",
            "at": "number of the session or week; 0 is the baseline",
        },
        counts={"n": "people scored there"},
        sums=_SUMS,
    ),
    "people": Shape(
        about="People in each line of means.",
        keys={"axis": "session or week", "stratum": "as above"},
        counts={"people": "people"},
    ),
}


def _count_course(cohort: DerivedCohort) -> dict[str, pd.DataFrame]:
    # Strata however small: whether one is large enough is decided by the sum.
    parts = every_part(cohort)
    scores = [
        sums_by_place(rows, axis)
        .rename_axis("at")
        .reset_index()
        .assign(axis=axis, stratum=stratum)
        for rows, axis, stratum in parts
    ]
    people = [
        {"axis": axis, "stratum": stratum, "people": rows["patient_id"].nunique()}
        for rows, axis, stratum in parts
    ]
    return {"scores": pd.concat(scores), "people": pd.DataFrame(people)}


def _course(tables: Tables, rules: RulesInForce) -> Answer:
    by_part = tables["people"].set_index(["axis", "stratum"])["people"]
    require_baselines(int(by_part.get(("session", EVERYBODY), 0)))
    scores = tables["scores"]
    lines = []
    # In the order of the question's own table.
    for axis, stratum in [
        ("session", EVERYBODY),
        *(("session", name) for name in STRATA),
        ("week", EVERYBODY),
    ]:
        people = int(by_part.get((axis, stratum), 0))
        # The same limit as in the question of one clinic.
        if stratum != EVERYBODY and people < FEWEST_PEOPLE:
            continue
        here = scores[(scores["axis"] == axis) & (scores["stratum"] == stratum)]
        sums = here.set_index("at")[["n", "total", "squares"]].sort_index()
        lines.append(means_by_place(sums, people, axis, stratum))
    table = pd.concat(lines, ignore_index=True)
    return Answer(
        table=table,
        sentence=trajectories_sentence(table),
        caveats=(
            "This shows who stops when, not what sessions do. The later means are of those who"
            f" remain. {rules.words}.",
        ),
        level=LEVEL,
    )


CHANGE: Final[tuple[PooledQuestion, ...]] = (
    PooledQuestion(
        question="paired_change",
        shapes=_PAIRED,
        lacks=(
            "What regression to the mean alone would make: the entry cut-off of a clinic is found"
            " from its baselines one by one."
        ),
        count=_count_change,
        answer=_change,
    ),
    PooledQuestion(
        question="trajectories",
        shapes=_COURSE,
        count=_count_course,
        answer=_course,
    ),
)
