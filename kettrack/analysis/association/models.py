"""Rows of the association table: slopes, growth models, probit curve."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import NORMAL
from kettrack.errors import UsageError
from kettrack.estimators.regression.comparison_models import fit_probit_curve
from kettrack.estimators.regression.growth import GrowthFit, fit_growth
from kettrack.estimators.regression.least_squares import fit_clustered
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.states import meets

EXACT: Final = 1e-12
Row = dict[str, Any]


def slope_rows(people: pd.DataFrame, outcome: str, words: str) -> list[Row]:
    """Slope of change on the number of sessions, raw and with the baseline held equal, and the
    plain correlations.
    """
    name = "last" if outcome == "last" else "fixed"
    raw = people[outcome] - people["baseline"]
    rows = [
        _slope(
            f"slope_{name}",
            f"change to {words}, per session, raw",
            people,
            raw,
            adjusted=False,
        ),
        _slope(
            f"slope_{name}_adjusted",
            f"{words}, per session, baselines being equal",
            people,
            people[outcome],
            adjusted=True,
        ),
    ]
    if name == "fixed":
        return rows
    pairs = {
        "change": ("number of sessions with change", raw),
        "last": (f"number of sessions with {words}", people[outcome]),
    }
    return rows + [
        _correlation(f"correlation_{key}", about, people["total"], values)
        for key, (about, values) in pairs.items()
    ]


def _slope(
    key: str, about: str, people: pd.DataFrame, outcome: pd.Series, adjusted: bool
) -> Row:
    """Least squares with errors that allow for unequal spread: every person a cluster of one
    (HC1).
    """
    row: Row = {
        "key": key,
        "about": about,
        "unit": "points per session",
        "n": len(people),
    }
    if len(people) < 5 or people["total"].nunique() < 2:
        return row | {"estimate": np.nan}
    columns = (
        ["total", "baseline"]
        if adjusted and people["baseline"].nunique() > 1
        else ["total"]
    )
    x = np.column_stack([np.ones(len(people)), people[columns].to_numpy(float)])
    fit = fit_clustered(x, outcome.to_numpy(float), np.arange(len(people)))
    return row | _interval(float(fit.coefficients[1]), float(fit.error[1]))


def _interval(estimate: float, error: float) -> Row:
    return {
        "estimate": estimate,
        "ci_low": estimate - NORMAL * error,
        "ci_high": estimate + NORMAL * error,
    }


def _correlation(key: str, about: str, one: pd.Series, other: pd.Series) -> Row:
    """Pearson's correlation with Fisher's interval."""
    row: Row = {"key": key, "about": about, "unit": "correlation", "n": len(one)}
    if one.nunique() < 2 or other.nunique() < 2 or len(one) < 5:
        return row | {"estimate": np.nan}
    found = float(np.corrcoef(one.to_numpy(float), other.to_numpy(float))[0, 1])
    if abs(found) > 1 - EXACT:  # all on one line: Fisher's interval has no end
        return row | {"estimate": found}
    half = NORMAL / np.sqrt(len(one) - 3)
    return row | {
        "estimate": found,
        "ci_low": np.tanh(np.arctanh(found) - half),
        "ci_high": np.tanh(np.arctanh(found) + half),
    }


def growth_rows(scores: pd.DataFrame) -> list[Row]:
    """One curve for all against a curve that differs by the number of sessions in the end; both of
    one kind.
    """
    n = scores["patient_id"].nunique()
    try:
        one, own, why = _growth_pair(scores)
    except UsageError:
        return [
            {"key": key, "about": about, "unit": unit, "n": n, "estimate": np.nan}
            for key, about, unit in _GROWTH
        ]
    values = {
        "one_curve_rate": _interval(*one["log_session"]),
        "own_curve_rate": _interval(*own["log_session"]),
        "own_curve_by_length": _interval(*own["log_session_by_length"]),
        "likelihood_ratio": {"estimate": 2 * (own.loglik - one.loglik)},
        "aic_gain": {"estimate": one.aic - own.aic},
    }
    kind = f"{own.kind}, instead of {why}" if why else own.kind
    return [
        {"key": key, "about": f"{about} ({kind})", "unit": unit, "n": n} | values[key]
        for key, about, unit in _GROWTH
    ]


_GROWTH: Final = (
    (
        "one_curve_rate",
        "one growth curve for all: change",
        "points per ln(session + 1)",
    ),
    (
        "own_curve_rate",
        "curves by length of course: change at the mean length",
        "points per ln(session + 1)",
    ),
    (
        "own_curve_by_length",
        "curves by length of course: how change differs with length",
        "per ln(sessions in the end)",
    ),
    (
        "likelihood_ratio",
        "likelihood ratio of the two, 2 degrees of freedom",
        "chi-squared",
    ),
    (
        "aic_gain",
        "AIC of one curve less that of curves by length",
        "positive = by length fits better",
    ),
)


def _growth_pair(scores: pd.DataFrame) -> tuple[GrowthFit, GrowthFit, str]:
    """Both of one kind, and why it is not the first kind."""
    log_session = np.log(scores["session"].to_numpy(float) + 1)
    log_total = np.log(scores["total"].to_numpy(float))
    length = (
        log_total
        - np.log(scores.groupby("patient_id")["total"].first().to_numpy(float)).mean()
    )
    names = ("intercept", "log_session", "length", "log_session_by_length")
    x = np.column_stack(
        [np.ones(len(scores)), log_session, length, log_session * length]
    )
    y = scores["score"].to_numpy(float)
    patient = scores["patient_id"].to_numpy()
    own = fit_growth(y, x, patient, names, slope="log_session")
    one = fit_growth(
        y, x[:, :2], patient, names[:2], slope="log_session", kind=own.kind
    )
    why = "; ".join(filter(None, (own.fallback, one.fallback)))
    if one.kind != own.kind:  # only the simpler of the two kinds holds for both
        own = fit_growth(y, x, patient, names, slope="log_session", kind=one.kind)
    return one, own, why


def probit_rows(people: pd.DataFrame, cohort: DerivedCohort) -> list[Row]:
    """Share responding at the end of the course against the logarithm of its length."""
    change = people["last"] - people["baseline"]
    measures = {
        "score": people["last"],
        "change": change,
        "percent_change": 100 * change / people["baseline"],
    }
    rule = cohort.criteria.response
    missing = [
        {"key": key, "about": about, "unit": unit, "n": len(people), "estimate": np.nan}
        for key, about, unit in _PROBIT
    ]
    if rule is None:
        return missing
    flags = meets(
        rule, {name: values.to_numpy(float) for name, values in measures.items()}
    )
    groups = (
        pd.DataFrame({"total": people["total"].to_numpy(float), "hit": flags})
        .groupby("total")["hit"]
        .agg(["sum", "size"])
    )
    try:
        curve = fit_probit_curve(
            groups.index.to_numpy(), groups["sum"].to_numpy(), groups["size"].to_numpy()
        )
    except UsageError:
        return missing
    shares = 100 * curve.share([4, 8])
    slope = _interval(curve.slope, float(np.sqrt(curve.covariance[1, 1])))
    return [
        row | found
        for row, found in zip(
            missing, [slope, *({"estimate": share} for share in shares)], strict=True
        )
    ]


_PROBIT: Final = (
    (
        "probit_slope",
        "probit curve of responding at the end on ln(sessions)",
        "probit per ln(sessions)",
    ),
    ("probit_4", "probit curve: responding among those who had 4", "%"),
    ("probit_8", "probit curve: responding among those who had 8", "%"),
)
