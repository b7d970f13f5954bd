"""Two proportions compared: differences and ratios, each interval by its name, and p values for
those who must print one.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from kettrack.estimators.proportions import UNDEFINED, Interval

DifferenceMethod = Literal["miettinen_nurminen", "newcombe", "wald"]
TestMethod = Literal["pearson", "yates", "fisher"]


class TwoCounts(NamedTuple):
    """Patients with the event, and all patients, in each of two groups.

    Parameters
    ----------
    events_a, n_a : int
        Of the group the comparison is about.
    events_b, n_b : int
        Of the group it is compared with. A group may be empty; then nothing is defined.
    """

    events_a: int
    n_a: int
    events_b: int
    n_b: int


def risk_difference(
    counts: TwoCounts,
    method: DifferenceMethod = "miettinen_nurminen",
    level: float = 0.95,
) -> Interval:
    """Percent in the first group minus percent in the second.

    Parameters
    ----------
    counts : TwoCounts
        The four counts.
    method : {"miettinen_nurminen", "newcombe", "wald"}
        The score interval of Miettinen and Nurminen (1985), which holds its level at small counts
        and near 0 and 100 %; Newcombe's of two Wilson intervals (1998, method 10); or the plain one
        of most labels, of no width when nobody or everybody in both groups had the event.
    level : float
        Coverage.

    Returns
    -------
    Interval
        Percentage points; NaN when a group is empty.

    Notes
    -----
    The score equation is solved here. The score interval of statsmodels 0.15 for a difference searches on a grid and ends off
    the solution (34.40 instead of 33.82 for 56/70 and 48/80); its other two are used.

    Examples
    --------
    >>> risk_difference(TwoCounts(56, 70, 48, 80))
    Interval(estimate=20.0, ci_low=5.28, ci_high=33.82)
    """
    if not (counts.n_a and counts.n_b):
        return UNDEFINED
    estimate = counts.events_a / counts.n_a - counts.events_b / counts.n_b
    if method == "miettinen_nurminen":
        low, high = _score_interval(counts, estimate, level)
    else:
        low, high = _statsmodels_interval(
            counts, "diff", "newcomb" if method == "newcombe" else "wald", level
        )
    return Interval(100 * estimate, 100 * low, 100 * high)


def number_to_treat(difference: Interval) -> Interval:
    """Patients for one more event: 100 over a difference in percentage points.

    Parameters
    ----------
    difference : Interval
        From `risk_difference`.

    Returns
    -------
    Interval
        Negative when the first group has fewer events. The interval is missing when that of the
        difference holds 0: it would run through infinity, from a benefit to a harm.

    Examples
    --------
    >>> number_to_treat(Interval(25.0, 4.0, 46.0))
    Interval(estimate=4.0, ci_low=2.174, ci_high=25.0)
    """
    estimate, low, high = difference
    if not low * high > 0:
        return Interval(100 / estimate if estimate else np.nan, np.nan, np.nan)
    return Interval(100 / estimate, 100 / high, 100 / low)


def odds_ratio(counts: TwoCounts, level: float = 0.95) -> Interval:
    """Odds ratio with Woolf's interval (1955).

    Parameters
    ----------
    counts : TwoCounts
        The four counts.
    level : float
        Coverage.

    Returns
    -------
    Interval
        NaN when any of the four cells, with or without the event, is 0: nothing is added to make it
        go.

    Examples
    --------
    >>> odds_ratio(TwoCounts(22, 40, 12, 40))
    Interval(estimate=2.852, ci_low=1.137, ci_high=7.152)
    """
    a, n_a, b, n_b = counts
    if 0 in (a, b, n_a - a, n_b - b):
        return UNDEFINED
    return Interval(
        a * (n_b - b) / (b * (n_a - a)),
        *_statsmodels_interval(counts, "odds-ratio", "logit", level),
    )


def risk_ratio(counts: TwoCounts, level: float = 0.95) -> Interval:
    """Ratio of two percentages, with the interval on its logarithm (Katz and others 1978).

    Parameters
    ----------
    counts : TwoCounts
        The four counts.
    level : float
        Coverage.

    Returns
    -------
    Interval
        NaN when either group has no event.

    Examples
    --------
    >>> risk_ratio(TwoCounts(22, 40, 12, 40))
    Interval(estimate=1.833, ci_low=1.058, ci_high=3.178)
    """
    a, n_a, b, n_b = counts
    if 0 in (a, b):
        return UNDEFINED
    return Interval(
        (a / n_a) / (b / n_b), *_statsmodels_interval(counts, "ratio", "log", level)
    )


def p_value(counts: TwoCounts, method: TestMethod) -> float:
    """Two-sided p value of no difference between two groups.

    Parameters
    ----------
    counts : TwoCounts
        The four counts.
    method : {"pearson", "yates", "fisher"}
        Chi-squared, chi-squared with the continuity correction, or Fisher's exact test by summing
        the less likely tables.

    Returns
    -------
    float
        For the chi-squared tests NaN when nobody or everybody had the event, or a group is empty.

    Examples
    --------
    >>> p_value(TwoCounts(22, 40, 12, 40), "pearson"), p_value(TwoCounts(22, 40, 12, 40), "fisher")
    (0.0237, 0.0411)
    """
    from scipy.stats import chi2_contingency, fisher_exact

    a, n_a, b, n_b = counts
    table = np.array([[a, n_a - a], [b, n_b - b]])
    if method == "fisher":
        return float(fisher_exact(table).pvalue)
    if not (table.any(axis=0).all() and table.any(axis=1).all()):
        return np.nan
    return float(chi2_contingency(table, correction=method == "yates").pvalue)


def _statsmodels_interval(
    counts: TwoCounts, compare: str, method: str, level: float
) -> tuple[float, float]:
    from statsmodels.stats.proportion import confint_proportions_2indep

    low, high = confint_proportions_2indep(
        *counts, method=method, compare=compare, alpha=1 - level
    )
    return float(low), float(high)


def _score_interval(
    counts: TwoCounts, estimate: float, level: float
) -> tuple[float, float]:
    """Differences, as fractions, that the score test does not reject."""
    from scipy.optimize import brentq
    from scipy.special import ndtri

    z = ndtri(0.5 + level / 2)

    def end(side: int) -> float:
        def beyond(difference: float) -> float:
            """Above 0 where the score test rejects; it always does at the end of the scale."""
            return side * (difference - estimate) - z * _restricted_error(
                counts, difference
            )

        # One step off the estimate, where with nobody or everybody affected the error itself is 0.
        return (
            float(brentq(beyond, estimate + side * 1e-9, side, xtol=1e-13))
            if estimate != side
            else estimate
        )

    return end(-1), end(1)


def _restricted_error(counts: TwoCounts, difference: float) -> float:
    """Standard error of the difference, from the shares that fit the counts best among those that
    far apart.
    """
    a, n_a, b, n_b = counts
    n = n_a + n_b
    # The share of the second group is a root of a cubic; in closed form by Farrington and Manning
    # 1990.
    second = ((n_a + 2 * n_b) * difference - n - a - b) / (3 * n)
    first = ((n_b * difference - n - 2 * b) * difference + a + b) / (3 * n)
    q = second**3 - 1.5 * second * first + b * difference * (1 - difference) / (2 * n)
    p = np.copysign(np.sqrt(max(second**2 - first, 0)), q)
    angle = (np.pi + np.arccos(np.clip(q / p**3, -1, 1) if p else 0)) / 3
    share_b = min(max(2 * p * np.cos(angle) - second, 0), 1)
    share_a = min(max(share_b + difference, 0), 1)
    variance = share_a * (1 - share_a) / n_a + share_b * (1 - share_b) / n_b
    return float(np.sqrt(variance * n / (n - 1)))
