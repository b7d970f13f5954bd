"""Slopes of the score on the number of sessions, and the same where sessions do nothing."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.association.course_scores import scored_at_end
from kettrack.analysis.context import NORMAL_QUANTILE
from kettrack.analysis.response.benchmark import (
    NULL_CAVEAT,
    NULL_COLUMNS,
    NullClinics,
    benchmark,
    no_null_caveat,
)
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.regression.least_squares import fit_clustered
from kettrack.timelines.derived import DerivedCohort

# Pairs of values below which a line or a correlation is not even drawn; far below the limit of the
# answer, it only keeps the arithmetic from failing in the score at the horizon.
FEWEST_PAIRS: Final = 5
# A correlation so near 1 is 1 up to rounding: all points on one line.
ON_ONE_LINE: Final = 1e-12
# Rows that are told where sessions do nothing too, in the order of `slope_rows`.
NULL_ROWS: Final = (
    "slope_last",
    "slope_last_adjusted",
    "correlation_change",
    "correlation_last",
)
_SLOPES_CAVEAT: Final = (
    "The null of the slopes was tried in 400 simulated clinics of 240 people, of four kinds. On the"
    " mean it was at most 0.03 points per session from the truth; its interval held the truth in 91"
    " to 98 %. Larger clinics, and the null of the correlations, were not tried."
)
SlopeRow = dict[str, Any]


def slope_rows(people: pd.DataFrame, outcome: str, words: str) -> list[SlopeRow]:
    """Slope of change on the number of sessions, raw and with the baseline held equal, and the
    plain correlations.
    """
    # the score at the horizon is of one fixed time, whenever the course ended
    name = "last" if outcome == "last" else "fixed"
    score = people[outcome]
    change = score - people["baseline"]
    raw = f"change to {words}, per session, raw"
    adjusted = f"{words}, per session, at equal baselines"
    rows = [
        _slope(f"slope_{name}", raw, people, change, ("total",)),
        _slope(
            f"slope_{name}_adjusted", adjusted, people, score, ("total", "baseline")
        ),
    ]
    if name == "fixed":
        return rows
    sessions = people["total"]
    with_change = "number of sessions with change"
    with_score = f"number of sessions with {words}"
    return [
        *rows,
        _correlation("correlation_change", with_change, sessions, change),
        _correlation("correlation_last", with_score, sessions, score),
    ]


def _slope(
    key: str,
    about: str,
    people: pd.DataFrame,
    outcome: pd.Series,
    columns: tuple[str, ...],
) -> SlopeRow:
    """Least squares with errors that allow for unequal spread: every person a cluster of one
    (HC1).
    """
    n = len(people)
    row: SlopeRow = {"key": key, "about": about, "unit": "points per session", "n": n}
    if n < FEWEST_PAIRS or people["total"].nunique() < 2:
        return row | {"estimate": np.nan}
    # a baseline that is the same for all is the constant again
    varying = [name for name in columns if people[name].nunique() > 1]
    x = np.column_stack([np.ones(n), people[varying].to_numpy(float)])
    fit = fit_clustered(x, outcome.to_numpy(float), np.arange(n))
    return row | interval_of(float(fit.coefficients[1]), float(fit.error[1]))


def interval_of(estimate: float, error: float) -> SlopeRow:
    """An estimate with its interval, as cells of a row."""
    return {
        "estimate": estimate,
        "ci_low": estimate - NORMAL_QUANTILE * error,
        "ci_high": estimate + NORMAL_QUANTILE * error,
    }


def _correlation(key: str, about: str, one: pd.Series, other: pd.Series) -> SlopeRow:
    """Pearson's correlation with Fisher's interval."""
    n = len(one)
    row: SlopeRow = {"key": key, "about": about, "unit": "correlation", "n": n}
    if one.nunique() < 2 or other.nunique() < 2 or n < FEWEST_PAIRS:
        return row | {"estimate": np.nan}
    pearson = float(np.corrcoef(one.to_numpy(float), other.to_numpy(float))[0, 1])
    # all on one line: Fisher's interval has no end
    if abs(pearson) > 1 - ON_ONE_LINE:
        return row | {"estimate": pearson}
    # Fisher's z has the variance 1 / (n - 3), whatever the correlation
    half = NORMAL_QUANTILE / np.sqrt(n - 3)
    middle = np.arctanh(pearson)
    return row | {
        "estimate": pearson,
        "ci_low": np.tanh(middle - half),
        "ci_high": np.tanh(middle + half),
    }


def add_null_slopes(
    table: pd.DataFrame,
    cohort: DerivedCohort,
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table with what sessions that do nothing would show, and the caveats that explain it or
    say why it is missing.
    """
    told = table["key"].isin(NULL_ROWS)
    table = table.assign(**dict.fromkeys(NULL_COLUMNS, np.nan))
    try:
        null = benchmark(cohort, null_slopes, limits=(-np.inf, np.inf))
    except NotIdentified as error:
        return table, (no_null_caveat("slope", error),)
    ends = np.column_stack([null.value, null.low, null.high])
    table.loc[told, list(NULL_COLUMNS)] = ends
    return table, (NULL_CAVEAT, _SLOPES_CAVEAT)


def null_slopes(null: NullClinics) -> Floats:
    """`last_slopes` of each simulated clinic, shape (clinics, len(NULL_ROWS))."""
    people = scored_at_end(null.cohort)
    return null.each(people, last_slopes)


def last_slopes(people: pd.DataFrame) -> Floats:
    """Slopes and correlations of the last score, by `NULL_ROWS`; missing where they have none.

    Parameters
    ----------
    people : DataFrame
        As from `scored_at_end`.
    """
    rows = slope_rows(people, "last", "")
    return np.array([row["estimate"] for row in rows], np.float64)


def null_slope_words(row: Mapping[Hashable, Any]) -> str:
    """The same slope where sessions do nothing; empty without it."""
    if np.isnan(row["estimate"]) or np.isnan(row["null"]):
        return ""
    return (
        " In a model fitted to this clinic in which sessions do nothing, it is about"
        " {slope_last_adjusted.null} points per session (95 % interval"
        " {slope_last_adjusted.null_low} to {slope_last_adjusted.null_high})."
    )
