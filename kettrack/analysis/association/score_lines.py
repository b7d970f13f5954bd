"""Mean change to some weeks if nobody had gone unscored for reasons of their own: a mixed model in
which each person has a level and a slope of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.association.trajectories import LAST_WEEK_SHOWN, every_part
from kettrack.analysis.context import LEVEL, rule_words
from kettrack.analysis.registry import Answer, question
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.regression.line_sums import VisitPattern
from kettrack.estimators.regression.random_lines import (
    RandomLines,
    fit_lines_of_patterns,
)
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS
from kettrack.vocabulary.limits import FEWEST_PEOPLE, FEWEST_PEOPLE_FOR_SLOPE
from kettrack.vocabulary.made_of import SAID_BY_UNIT, ByRow

# The baseline, and the weeks that the report tells. Few, so that many people share a pattern.
VISIT_WEEKS: Final[tuple[int, ...]] = (0, 2, 4, 8, LAST_WEEK_SHOWN)
_FEWEST_VISITS: Final = 3  # a level, a slope and a rest cannot be told apart with two
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "about": "label",
    "unit": "label",
    "people": "denominator",
    "n": "denominator",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    "observed": "derived",
}
# Weeks at which people were scored -> their sums.
WeekPatterns = Mapping[tuple[int, ...], VisitPattern]


def count_patterns(cohort: DerivedCohort) -> dict[tuple[int, ...], VisitPattern]:
    """Sums over people by the weeks at which they were scored; sums of several sites can be
    added.

    Returns
    -------
    dict
        Weeks of `VISIT_WEEKS` at which a person was scored to the people with these weeks and no
        others.
    """
    weekly, _, _ = every_part(cohort)[-1]
    scores = weekly[weekly["week"].isin(VISIT_WEEKS)]
    grid = scores.pivot(index="patient_id", columns="week", values="score")
    grid = grid.reindex(columns=list(VISIT_WEEKS))
    values = grid.to_numpy(np.float64)
    seen = ~np.isnan(values)
    patterns, whose = np.unique(seen, axis=0, return_inverse=True)
    found = {}
    for place, pattern in enumerate(patterns):
        visits = np.flatnonzero(pattern)
        here = values[whose.ravel() == place][:, visits]
        weeks = tuple(VISIT_WEEKS[visit] for visit in visits)
        found[weeks] = VisitPattern(
            visits=visits,
            people=len(here),
            total=here.sum(axis=0),
            products=here.T @ here,
        )
    return found


@question(
    "score_lines",
    recipes=(SAID_BY_UNIT, ByRow(value="observed", ends=(), unit="unit")),
    asks="How much would scores have changed if everybody had been scored?",
    unit="as named in each row",
    estimand=(
        "Mean change from the baseline to a week, whatever sessions there were, if people who were"
        " not scored had gone on like people with the same scores before (missing at random)."
    ),
    roles=_ROLES,
    decimals={"estimate": 2, "ci_low": 2, "ci_high": 2, "observed": 2},
    count=count_patterns,
)
def score_lines(cohort: DerivedCohort) -> Answer:
    """Mean change to each of `VISIT_WEEKS` from a mixed model, beside that of the people scored.

    Returns
    -------
    Result
        Rows `week_2` `week_4` and so on: mean change to the week (`estimate`, with its interval)
        from the scores of all `people` with a rated baseline, and `observed`, the mean change of
        the `n` scored in that week. `sd_start`, `sd_slope` and `sd_rest`: standard deviations
        between people of their level and of their slope, and of what is left, in points. A week
        with fewer than `FEWEST_PEOPLE` scored has no row. Refused with fewer than
        `FEWEST_PEOPLE_FOR_SLOPE` people, or fewer than three weeks, the baseline among them.
    """
    table = lines_table(count_patterns(cohort))
    return Answer(
        table=table,
        sentence=lines_sentence(table),
        caveats=(*LINE_CAVEATS, f"{rule_words(cohort)}."),
        level=LEVEL,
    )


LINE_CAVEATS: Final = (
    "People who are not scored may differ from those with the same scores before. No model can tell"
    " from the scores that there are.",
    "Mean change is not the effect of sessions: scores also fall by themselves, most of all where"
    " people come when they feel worst. How many got worse stands in worsening.",
    "Restricted maximum likelihood, an intercept and a slope by week for each person (Laird and"
    " Ware 1982, Biometrics 38:963). Intervals are Student's, with Satterthwaite's degrees of"
    " freedom.",
)


def lines_table(patterns: WeekPatterns) -> pd.DataFrame:
    """The rows of `score_lines`, from `count_patterns` or the sum of several.

    Raises
    ------
    NotIdentified
        Asking for baselines and for scores in the weeks.
    """
    scored = {week: _scored(patterns, week) for week in VISIT_WEEKS}
    weeks = [week for week, n in scored.items() if n >= FEWEST_PEOPLE]
    people = scored[0]
    if people < FEWEST_PEOPLE_FOR_SLOPE or len(weeks) < _FEWEST_VISITS:
        raise NotIdentified(
            f"fewer than {FEWEST_PEOPLE_FOR_SLOPE} people have a rated baseline, or fewer than"
            f" {FEWEST_PEOPLE} were scored in two later weeks.",
            f"a score in the {BASELINE_WINDOW_DAYS} days before session 1, and scores in weeks"
            f" {', '.join(map(str, VISIT_WEEKS[1:]))}.",
        )
    fit = _fit(_of_weeks(patterns, weeks), weeks)
    rows = [
        _week_row(patterns, week, scored[week], fit, place)
        for place, week in enumerate(weeks)
        if week
    ]
    table = pd.DataFrame([*rows, *_spread_rows(fit, people)])
    return table.assign(people=people).reindex(columns=list(_ROLES))


def _scored(patterns: WeekPatterns, week: int) -> int:
    """How many people were scored in a week."""
    return sum(each.people for weeks, each in patterns.items() if week in weeks)


def _of_weeks(patterns: WeekPatterns, weeks: list[int]) -> list[VisitPattern]:
    """The patterns with some weeks only, as places among these."""
    found = []
    for there, each in patterns.items():
        kept = [place for place, week in enumerate(there) if week in weeks]
        # Who was scored in other weeks only tells nothing of these.
        if kept:
            found.append(
                VisitPattern(
                    visits=np.array([weeks.index(there[place]) for place in kept]),
                    people=each.people,
                    total=each.total[kept],
                    products=each.products[np.ix_(kept, kept)],
                )
            )
    return found


def _fit(patterns: list[VisitPattern], weeks: list[int]) -> RandomLines:
    """The model whose first coefficient is the baseline, and the others changes from it."""
    if not any(_changes(pattern.products) for pattern in patterns):
        raise NotIdentified(
            "nobody's score is another one than before treatment, in any of these weeks.",
            "scores of more people. Where every score is the same, see whether they were carried"
            " forward.",
        )
    x = np.eye(len(weeks))
    x[:, 0] = 1
    return fit_lines_of_patterns(
        patterns, x, np.array(weeks, np.float64), restricted=True
    )


def _changes(products: Floats) -> bool:
    """Whether anybody scored differently at two visits: the sum of their squared distances."""
    squares = np.diag(products)
    apart = squares[:, None] + squares[None, :] - 2 * products
    return bool(apart.any())


def _week_row(
    patterns: WeekPatterns, week: int, n: int, fit: RandomLines, place: int
) -> dict[str, Any]:
    """Change to one week, by the model and as observed."""
    # Of the people scored then, the baseline as well: all have one.
    change = sum(
        float(each.total[weeks.index(week)] - each.total[0])
        for weeks, each in patterns.items()
        if week in weeks
    )
    return {
        "key": f"week_{week}",
        "about": f"mean change to week {week}",
        "unit": "points",
        "n": n,
        **fit.interval(place, LEVEL)._asdict(),
        "observed": change / n,
    }


def _spread_rows(fit: RandomLines, people: int) -> list[dict[str, Any]]:
    """How much people differ in level and slope, and what is left."""
    start, slope = np.sqrt(np.diag(fit.random_covariance))
    spreads = {
        "sd_start": ("SD between people of their level", "points", start),
        "sd_slope": ("SD between people of their slope", "points per week", slope),
        "sd_rest": ("SD of what is left", "points", np.sqrt(fit.residual_variance)),
    }
    return [
        {"key": key, "about": about, "unit": unit, "n": people, "estimate": float(sd)}
        for key, (about, unit, sd) in spreads.items()
    ]


def lines_sentence(table: pd.DataFrame) -> str:
    """The change to the last week, by the model and as observed."""
    keys = [key for key in table["key"] if key.startswith("week_")]
    last = keys[-1]
    week = last.removeprefix("week_")
    return (
        f"If everybody had been scored, the mean change of {{{last}.people}} people to week {week}"
        f" would have been {{{last}.estimate}} points (95 % interval {{{last}.ci_low}} to"
        f" {{{last}.ci_high}}), as far as people without a score went on like people with the same"
        f" scores before. Of the {{{last}.n}} people who were scored in that week, it was"
        f" {{{last}.observed}} points."
    )
