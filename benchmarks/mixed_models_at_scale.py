"""A mixed model with an intercept and a slope of each patient's own: a hundred thousand patients by
kettrack, and fewer by both kettrack and statsmodels.

Seconds are those of processors, so that they can be compared where others use the machine. Before
anything is printed both must find the same coefficients of the smaller clinic. `--patients` and
`--compared` name the sizes.
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import NamedTuple

import numpy as np

from kettrack.arrays import Floats, Ints
from kettrack.estimators.regression.random_lines import RandomLines, fit_random_lines

MOST_SCORES = 10  # of a patient; on average half of it and a half
TRUTH = np.array([20.0, -1.0, 0.5, 0.2, 1.0, -1.0])
AGREES = 0.02  # standard errors


class Rows(NamedTuple):
    """Scores, fixed part, patients and weeks."""

    y: Floats
    x: Floats
    patient: Ints
    week: Floats


def main() -> None:
    """Fit, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=100_000)
    parser.add_argument("--compared", type=int, default=2_000)
    asked = parser.parse_args()
    few = draw(asked.compared)
    ours, our_time = by_kettrack(few)
    theirs, their_time = by_statsmodels(few)
    off = np.abs(ours.coefficient - theirs) / ours.standard_error
    if off.max() > AGREES:
        raise SystemExit(f"the coefficients differ by {off.max():.3f} standard errors")
    many = draw(asked.patients)
    fit, took = by_kettrack(many)
    off = np.abs(fit.coefficient - TRUTH) / fit.standard_error
    print(
        f"{asked.compared:,} patients, {len(few.y):,} scores: kettrack {our_time:.2f} s,"
        f" statsmodels {their_time:.2f} s; kettrack takes {our_time / their_time:.3f} of the time"
    )
    print(
        f"{asked.patients:,} patients, {len(many.y):,} scores: kettrack {took:.1f} s;"
        f" the furthest coefficient is {off.max():.1f} standard errors from the truth"
    )


def draw(n: int) -> Rows:
    """Patients with one to ten weekly scores, and a level and a slope of their own."""
    rng = np.random.default_rng(1)
    counts = rng.integers(1, MOST_SCORES + 1, n)
    patient = np.repeat(np.arange(n), counts)
    begins = np.cumsum(counts) - counts
    week = (np.arange(len(patient)) - begins[patient]).astype(float)
    own = rng.normal(0, [4, 0.5], (n, 2))[patient]
    columns = [
        np.ones(len(patient)),
        week,
        rng.normal(size=n)[patient],
        rng.normal(size=n)[patient],
        rng.integers(0, 2, n)[patient],
        np.log1p(week),
    ]
    x = np.column_stack(columns)
    noise = rng.normal(0, 3, len(patient))
    y = x @ TRUTH + own[:, 0] + own[:, 1] * week + noise
    return Rows(y, x, patient, week)


def by_kettrack(rows: Rows) -> tuple[RandomLines, float]:
    """The fit, and the seconds it took."""
    begin = time.process_time()
    fit = fit_random_lines(*rows, restricted=True)
    return fit, time.process_time() - begin


def by_statsmodels(rows: Rows) -> tuple[Floats, float]:
    """The coefficients, and the seconds they took."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    line = np.column_stack([np.ones(len(rows.y)), rows.week])
    begin = time.process_time()
    with warnings.catch_warnings():
        # It says so where its search does not arrive.
        warnings.simplefilter("ignore")
        fit = MixedLM(rows.y, rows.x, rows.patient, line).fit()
    return np.asarray(fit.fe_params), time.process_time() - begin


if __name__ == "__main__":
    main()
