"""A mixed model of scores by week, from cross-products of sites: sums over the people who were
scored in the same weeks.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.association.score_lines import (
    LINE_CAVEATS,
    VISIT_WEEKS,
    count_patterns,
    lines_sentence,
    lines_table,
)
from kettrack.analysis.context import LEVEL
from kettrack.analysis.registry import Answer
from kettrack.analysis.rules_in_force import RulesInForce
from kettrack.estimators.regression.line_sums import VisitPattern
from kettrack.pooling.parts import PooledQuestion, Tables
from kettrack.pooling.tallies import Shape
from kettrack.timelines.derived import DerivedCohort

# Every set of weeks in which somebody can be scored.
_KNOWN: Final = frozenset(
    " ".join(map(str, weeks))
    for number in range(1, len(VISIT_WEEKS) + 1)
    for weeks in combinations(VISIT_WEEKS, number)
)
_PATTERN: Final = {"weeks": "weeks in which people were scored; 0 is the baseline"}
_SHAPES: Final = {
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


def _count(cohort: DerivedCohort) -> dict[str, pd.DataFrame]:
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


def _answer(tables: Tables, rules: RulesInForce) -> Answer:
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
    people, totals, products = (_rows(tables[part], name) for part in _SHAPES)
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


def _rows(table: pd.DataFrame, name: str) -> list[dict[Any, Any]]:
    here = table[table["weeks"] == name]
    return here.to_dict("records")


LINES: Final[tuple[PooledQuestion, ...]] = (
    PooledQuestion(
        question="score_lines",
        shapes=_SHAPES,
        nearly_rows=True,
        count=_count,
        answer=_answer,
    ),
)
