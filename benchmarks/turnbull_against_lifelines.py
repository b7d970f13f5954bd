"""Interval-censored survival of 3,000 patients visited on random days, against lifelines on the
same intervals.

Prints one ratio, the log-likelihood of both solutions, and the time of an interval by subsampling.
lifelines runs in an environment of its own: name its Python with `--oracle-python`, else one is
made in a temporary folder with pip. Where that fails, the reason is printed and nothing is
compared. lifelines takes minutes. Run with `make bench`; `--patients` makes it smaller.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

import numpy as np

from kettrack.estimators.survival.turnbull import fit_turnbull
from kettrack.estimators.survival.turnbull_band import subsample_survival

ORACLE = """
import json, sys, time, warnings
import numpy as np
from lifelines import KaplanMeierFitter
warnings.simplefilter("ignore")
left, right = np.load(sys.argv[1])
KaplanMeierFitter().fit_interval_censoring(left[:20], right[:20])
begin = time.perf_counter()
found = KaplanMeierFitter().fit_interval_censoring(left, right)
seconds = time.perf_counter() - begin
table = found.survival_function_
curves = table.T.to_numpy().tolist()
print(json.dumps({"seconds": seconds, "times": table.index.tolist(), "curves": curves}))
"""


def make_intervals(
    n: int, seed: int = 1, gap: float = 10, follow_up: float = 120, grid: int = 1
) -> np.ndarray:
    """Left and right ends, shape (2, n): visits at random gaps, rounded to the grid in days, until
    the end of follow-up.
    """
    rng = np.random.default_rng(seed)
    event = 60 * rng.weibull(1.2, n)
    left = np.zeros(n)
    right = np.full(n, np.inf)
    visit = np.zeros(n)
    while (visit < follow_up).any():
        visit = visit + np.maximum(np.rint(rng.exponential(gap, n) / grid), 1) * grid
        came = visit <= follow_up
        left = np.where(came & (visit < event), visit, left)
        right = np.where(came & (visit >= event), np.minimum(right, visit), right)
    return np.stack([left, right])


def oracle_python(named: str | None, folder: str) -> str:
    """A Python that has lifelines; raises CalledProcessError or OSError where there is none."""
    python = named or str(Path(folder) / "oracle" / "bin" / "python")
    if named is None:
        venv.create(Path(folder) / "oracle", with_pip=True)
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "lifelines"],
            check=True,
            capture_output=True,
            text=True,
        )
    subprocess.run(
        [python, "-c", "import lifelines"], check=True, capture_output=True, text=True
    )
    return python


def run_oracle(python: str, folder: str, intervals: np.ndarray) -> dict:
    """Seconds and survival curves of lifelines."""
    path = Path(folder) / "intervals.npy"
    np.save(path, intervals)
    done = subprocess.run(
        [python, "-c", ORACLE, str(path)], check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def half_open(oracle: dict, intervals: np.ndarray) -> tuple[float, int]:
    """Log-likelihood of the better of the two curves lifelines gives, over the intervals (left,
    right] it holds possible, and the number of those it holds impossible."""
    times = np.array(oracle["times"])
    found = []
    for curve in oracle["curves"]:
        steps = np.concatenate([[1.0], curve, [0.0]])
        left, right = (
            steps[np.searchsorted(np.append(times, np.inf), end, side="right")]
            for end in intervals
        )
        probability = left - right
        possible = probability > 1e-12
        found.append(
            (float(np.log(probability[possible]).sum()), int((~possible).sum()))
        )
    return min(found, key=lambda pair: pair[1])


def best_of(times: int, work):
    """Shortest time of several runs, in seconds, and what came out."""
    seconds = []
    out = None
    for _ in range(times):
        begin = time.perf_counter()
        out = work()
        seconds.append(time.perf_counter() - begin)
    return min(seconds), out


def main() -> None:
    """Time both, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=3_000)
    parser.add_argument("--oracle-python", help="a Python with lifelines")
    chosen = parser.parse_args()
    intervals = make_intervals(chosen.patients)
    seconds, ours = best_of(5, lambda: fit_turnbull(*intervals))
    print(
        f"{chosen.patients:,} patients, {len(ours.mass)} boxes, {int((ours.mass > 0).sum())} with"
        " mass"
    )
    print(
        f"kettrack {seconds * 1000:.1f} ms, mean gradient at most 1 +"
        f" {max(ours.largest_gradient - 1, 0):.0e}"
    )
    weekly = make_intervals(400, grid=7)
    spent, _ = best_of(1, lambda: subsample_survival(*weekly, np.arange(7, 120, 7)))
    print(f"interval of a weekly curve, 400 patients, 500 subsamples: {spent:.2f} s")
    with tempfile.TemporaryDirectory() as folder:
        try:
            oracle = run_oracle(
                oracle_python(chosen.oracle_python, folder), folder, intervals
            )
        except (OSError, subprocess.CalledProcessError) as error:
            said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()[-1]
            print(f"lifelines cannot be had, nothing is compared: {said}")
            sys.exit(0)
    theirs, impossible = half_open(oracle, intervals)
    print(
        f"Turnbull: lifelines {oracle['seconds']:.1f} s, {oracle['seconds'] / seconds:.0f} x"
        " faster"
    )
    print(
        f"log-likelihood on (left, right]: kettrack {ours.loglik:.3f}; lifelines, on closed"
        f" intervals, {theirs:.3f}",
        end="",
    )
    print(
        f" and {impossible} of {chosen.patients:,} patients impossible"
        if impossible
        else ""
    )


if __name__ == "__main__":
    main()
