"""A thousand bootstrap replicates of the response curve of 2,000 patients: patients weighed,
against rows drawn with pandas.

Both take the same draws, and every replicate of both is compared before anything is printed. Run
with `make bench`.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd

from kettrack.estimators.intervals import (
    SimultaneousBand,
    patient_weights,
    percentile_interval,
    simultaneous_band,
)
from kettrack.estimators.survival.competing_risks import aalen_johansen

SESSIONS = 12
CAUSES = 2
MOST_SECONDS = 2.0


def make_clinic(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Session at which each patient left, and why: 0 log ends, 1 responded, 2 stopped without
    response.
    """
    rng = np.random.default_rng(seed)
    draws = rng.random((n, SESSIONS))
    what = np.where(
        draws < 0.12, 1, np.where(draws < 0.22, 2, np.where(draws < 0.25, 0, -1))
    )
    what[:, -1] = np.where(what[:, -1] < 0, 0, what[:, -1])
    session = (what >= 0).argmax(axis=1) + 1
    return session, what[np.arange(n), session - 1]


def by_weights(
    session: np.ndarray, cause: np.ndarray, replicates: int
) -> tuple[np.ndarray, np.ndarray]:
    """Response curve of every replicate: the draws times one row of exits per patient, then all
    curves at once.
    """
    weights = patient_weights(len(session), replicates, seed=1)
    exits = np.eye(SESSIONS * (CAUSES + 1))[(session - 1) * (CAUSES + 1) + cause]
    counts = (weights @ exits).reshape(replicates, SESSIONS, CAUSES + 1)
    at_risk = counts.sum(axis=2)[:, ::-1].cumsum(axis=1)[:, ::-1]
    return weights, aalen_johansen(counts[:, :, 1:], at_risk)[2][:, :, 0]


def intervals(
    curves: np.ndarray,
) -> tuple[tuple[np.ndarray, np.ndarray], SimultaneousBand]:
    """Interval of each session and band of the whole curve."""
    return percentile_interval(curves), simultaneous_band(curves.mean(axis=0), curves)


def by_rows(session: np.ndarray, cause: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The same curves, each from a frame of the patients drawn."""
    patients = pd.DataFrame({"session": session, "cause": cause})
    return np.array(
        [
            _curve(patients.iloc[np.repeat(np.arange(len(patients)), drawn)])
            for drawn in weights
        ]
    )


def _curve(drawn: pd.DataFrame) -> np.ndarray:
    """Aalen-Johansen estimate of response by session, as one writes it with pandas."""
    left = (
        drawn.groupby(["session", "cause"])
        .size()
        .unstack(fill_value=0)
        .reindex(range(1, SESSIONS + 1), fill_value=0)
    )
    at_risk = left.sum(axis=1)[::-1].cumsum()[::-1]
    free = (1 - (left[1] + left[2]) / at_risk).cumprod().shift(fill_value=1.0)
    return (free * left[1] / at_risk).cumsum().to_numpy()


def main() -> None:
    """Time both, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=2000)
    parser.add_argument("--replicates", type=int, default=1000)
    options = parser.parse_args()
    session, cause = make_clinic(options.patients)
    by_weights(session, cause, 2)
    begin = time.perf_counter()
    weights, curves = by_weights(session, cause, options.replicates)
    intervals(curves)
    ours = time.perf_counter() - begin
    begin = time.perf_counter()
    expected = by_rows(session, cause, weights)
    theirs = time.perf_counter() - begin
    np.testing.assert_allclose(curves, expected, atol=1e-12)
    print(
        f"{options.replicates:,} replicates of {options.patients:,} patients: by weights, with"
        f" interval and band, {ours:.2f} s (at most {MOST_SECONDS:.0f} s), by rows {theirs:.1f}"
        f" s, {theirs / ours:.0f} x faster"
    )
    if ours > MOST_SECONDS:
        raise SystemExit(f"{ours:.2f} s is more than {MOST_SECONDS:.0f} s.")


if __name__ == "__main__":
    main()
