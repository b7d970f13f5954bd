"""Mean scores and their change, from sums of sites."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from itertools import combinations
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.association.course_scores import STRATA
from kettrack.analysis.association.fixed_week import (
    WEEK,
    count_paired,
    paired_words,
    require_enough,
)
from kettrack.analysis.association.paired import PAIRED, PairedCounts, paired_rows
from kettrack.analysis.association.score_lines import (
    LINE_CAVEATS,
    VISIT_WEEKS,
    count_patterns,
    lines_sentence,
    lines_table,
)
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
from kettrack.estimators.regression.line_sums import VisitPattern
from kettrack.pooling.tallies import PooledQuestion, Shape, Tables
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

# Every set of weeks in which somebody can be scored.
_KNOWN: Final = frozenset(
    " ".join(map(str, weeks))
    for number in range(1, len(VISIT_WEEKS) + 1)
    for weeks in combinations(VISIT_WEEKS, number)
)
_PATTERN: Final = {"weeks": "weeks in which people were scored; 0 is the baseline"}
_LINE_SHAPES: Final = {
    "people": Shape(
        about="People by the weeks in which they were scored.",
        keys=_PATTERN,
        counts={"people": "people scored in these weeks and no others"},
        allowed=_KNOWN,
    ),
    "totals": Shape(
        about="Sums of their scores in each of these weeks.",
        keys={**_PATTERN, "week": "one of these weeks"},
        counts={},
        sums={"total": "sum of the scores"},
    ),
    "products": Shape(
        about="Sums of the products of two scores of the same person.",
        keys={
            **_PATTERN,
            "week": "one of these weeks",
            "other_week": "the same week, or a later one",
        },
        counts={},
        sums={"product": "sum over people of score times score"},
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


# ---- a line for each person, by the weeks in which people were scored


def _count_lines(cohort: DerivedCohort) -> dict[str, pd.DataFrame]:
    people = []
    totals = []
    products = []
    for weeks, each in count_patterns(cohort).items():
        name = " ".join(map(str, weeks))
        people.append({"weeks": name, "people": each.people})
        for place, week in enumerate(weeks):
            at = {"weeks": name, "week": week}
            totals.append({**at, "total": each.total[place]})
            # The table of products is the same above and below its diagonal.
            for later in range(place, len(weeks)):
                products.append(
                    {
                        **at,
                        "other_week": weeks[later],
                        "product": each.products[place, later],
                    }
                )
    return {
        "people": pd.DataFrame(people),
        "totals": pd.DataFrame(totals),
        "products": pd.DataFrame(products),
    }


def _lines(tables: Tables, rules: RulesInForce) -> Answer:
    # In one order, whichever site had a pattern first.
    names = sorted(tables["people"]["weeks"], key=_as_seen)
    table = lines_table({_weeks(name): _pattern(tables, name) for name in names})
    return Answer(
        table=table,
        sentence=lines_sentence(table),
        caveats=(*LINE_CAVEATS, f"{rules.words}."),
        level=LEVEL,
    )


def _weeks(name: str) -> tuple[int, ...]:
    return tuple(int(week) for week in name.split())


def _as_seen(name: str) -> list[bool]:
    """In which of all weeks people were scored: the order in which one site alone counts them."""
    weeks = _weeks(name)
    return [week in weeks for week in VISIT_WEEKS]


def _pattern(tables: Tables, name: str) -> VisitPattern:
    """The sums of the people with one pattern."""
    weeks = _weeks(name)
    people, totals, products = (_rows_of(tables[part], name) for part in _LINE_SHAPES)
    total = np.zeros(len(weeks))
    # A file by another hand may hold weeks that are none of the pattern's.
    for row in totals:
        if row["week"] in weeks:
            total[weeks.index(row["week"])] = row["total"]
    square = np.zeros((len(weeks), len(weeks)))
    for row in products:
        if not {row["week"], row["other_week"]} <= set(weeks):
            continue
        one = weeks.index(row["week"])
        other = weeks.index(row["other_week"])
        square[one, other] = row["product"]
        square[other, one] = row["product"]
    return VisitPattern(
        visits=np.array([VISIT_WEEKS.index(week) for week in weeks]),
        people=int(people[0]["people"]),
        total=total,
        products=square,
    )


def _rows_of(table: pd.DataFrame, name: str) -> list[dict[Any, Any]]:
    here = table[table["weeks"] == name]
    return here.to_dict("records")


LINES: Final[tuple[PooledQuestion, ...]] = (
    PooledQuestion(
        question="score_lines",
        shapes=_LINE_SHAPES,
        nearly_rows=True,
        count=_count_lines,
        answer=_lines,
    ),
)
