"""A mixed model from sums by pattern: against rows, against another program, and against truths."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.regression.mixed_linear_model import MixedLM

import kettrack as kt
from kettrack.analysis.association.score_lines import VISIT_WEEKS, lines_table
from kettrack.errors import NotIdentified
from kettrack.estimators.regression.line_sums import VisitPattern
from kettrack.estimators.regression.random_lines import (
    fit_lines_of_patterns,
    fit_random_lines,
)

WEEKS = np.array(VISIT_WEEKS, float)
CHANGES = np.eye(len(WEEKS))
CHANGES[:, 0] = 1


def patterns_of(scores: np.ndarray) -> dict[tuple[int, ...], VisitPattern]:
    """Sums by pattern, by plain loops over people."""
    people: dict[tuple[int, ...], list[np.ndarray]] = {}
    for row in scores:
        visits = tuple(int(place) for place in np.flatnonzero(~np.isnan(row)))
        people.setdefault(visits, []).append(row[list(visits)])
    return {
        tuple(VISIT_WEEKS[visit] for visit in visits): VisitPattern(
            np.array(visits),
            len(rows),
            sum(rows),
            sum(np.outer(row, row) for row in rows),
        )
        for visits, rows in people.items()
    }


def draw(seed: int, people: int, change: float, leaves: float) -> np.ndarray:
    """Scores of people whose drift from week to week is a walk of their own, not a line; people who
    score worse than at first leave more often (missing at random).
    """
    rng = np.random.default_rng(seed)
    scores = np.empty((people, len(WEEKS)))
    for person in range(people):
        level = rng.normal(18, 3)
        gone = False
        for place, week in enumerate(WEEKS):
            level += rng.normal(0, 0.8) if place else 0
            seen = level + change * week / WEEKS[-1] + rng.normal(0, 2)
            scores[person, place] = np.nan if gone else round(seen)
            gone = gone or rng.random() < leaves * (seen > scores[person, 0])
    return scores


def long_rows(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    person, visit = np.nonzero(~np.isnan(scores))
    return scores[person, visit], person, visit


@pytest.mark.parametrize("seed", range(4))
def test_sums_are_as_good_as_rows(seed: int) -> None:
    scores = draw(seed, 150, -5, 0.4)
    y, person, visit = long_rows(scores)
    rows = fit_random_lines(y, CHANGES[visit], person, WEEKS[visit])
    sums = fit_lines_of_patterns(list(patterns_of(scores).values()), CHANGES, WEEKS)
    assert sums.loglik == pytest.approx(rows.loglik, abs=1e-7)
    assert sums.coefficient == pytest.approx(rows.coefficient, abs=1e-5)
    assert sums.standard_error == pytest.approx(rows.standard_error, abs=1e-5)
    assert sums.random_covariance == pytest.approx(rows.random_covariance, abs=1e-3)


def test_as_statsmodels() -> None:
    scores = draw(11, 120, -4, 0.3)
    y, person, visit = long_rows(scores)
    line = np.column_stack([np.ones(len(y)), WEEKS[visit]])
    other = MixedLM(y, CHANGES[visit], person, exog_re=line).fit(reml=False)
    sums = fit_lines_of_patterns(list(patterns_of(scores).values()), CHANGES, WEEKS)
    assert sums.loglik == pytest.approx(other.llf, abs=1e-3)
    assert sums.coefficient == pytest.approx(other.fe_params, abs=1e-2)


@pytest.mark.parametrize("change", [0.0, -6.0])
def test_truth_with_people_leaving_at_bad_scores(change: float) -> None:
    """Who was scored misleads; the model does not, and its interval holds the truth."""
    held = 0
    off = []
    observed = []
    for seed in range(30):
        table = lines_table(patterns_of(draw(seed, 200, change, 0.5)))
        row = table.set_index("key").loc[f"week_{VISIT_WEEKS[-1]}"]
        held += row["ci_low"] <= change <= row["ci_high"]
        off.append(row["estimate"] - change)
        observed.append(row["observed"] - change)
    assert abs(np.mean(off)) < 0.25
    assert held >= 27
    # Those who stayed are those who had fallen by chance.
    assert abs(np.mean(observed)) > 2 * abs(np.mean(off))


def test_weeks_with_few_scores_have_no_row() -> None:
    scores = draw(3, 60, -5, 0.0)
    scores[10:, -1] = np.nan
    table = lines_table(patterns_of(scores))
    assert f"week_{VISIT_WEEKS[-1]}" not in set(table["key"])
    assert set(table["people"]) == {60}


@pytest.mark.parametrize("people", [5, 29])
def test_few_people_are_refused(people: int) -> None:
    with pytest.raises(NotIdentified, match="fewer than 30 people"):
        lines_table(patterns_of(draw(3, people, -5, 0.0)))


def test_observed_is_the_mean_of_those_scored() -> None:
    cohort = kt.derive(kt.load_cohort(kt.sample_folder()))
    table = kt.estimate("score_lines", cohort).table.set_index("key")
    courses = kt.estimate("trajectories", cohort).table.set_index("key")
    for week in VISIT_WEEKS[1:]:
        assert (
            table.loc[f"week_{week}", "n"] == courses.loc[f"week_everybody_{week}", "n"]
        )
    assert pd.notna(table.loc["week_4", "observed"])
