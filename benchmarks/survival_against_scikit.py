"""A million patients by session number: life table and competing risks with intervals, against
scikit-survival with its own.

scikit-survival runs in an environment of its own: that of `--oracle-python`, or one made in a
temporary folder. Both sides start from the same arrays in memory, on the same machine in the same
run, and the results are compared before a ratio is printed. Compared are the curves, and the
intervals that both can compute: log-log with Greenwood's variance for the life table, log-log with
the delta-method variance (`var_type="Dinse_Approx"`) for each cause. Aalen's variance, the default
there, is another number where causes tie; its time is printed too. All logs end at session 40
without an event: where the last step leaves nobody, the delta-method variance of scikit-survival
0.28 is missing at every step.

Ends with status 1 when results differ or a ratio is below 20, and with 0 and the reason when
scikit-survival cannot be had.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

import numpy as np

from kettrack.estimators.survival.competing_risks import (
    count_competing_risks,
    estimate_incidence,
)
from kettrack.estimators.survival.life_table import count_life, estimate_survival

LEAST = 20.0
CAUSES = 3
CLOSE = 1e-9
ORACLE = """
import sys, time, warnings
import numpy as np
warnings.simplefilter("ignore")
from sksurv.nonparametric import cumulative_incidence_competing_risks as incidence
from sksurv.nonparametric import kaplan_meier_estimator as life_table

folder = sys.argv[1]
step, cause = (np.load(f"{folder}/{name}.npy") for name in ("step", "cause"))
found, seconds = {}, {}

def timed(name, work):
    begin = time.perf_counter()
    out = work()
    seconds[name] = time.perf_counter() - begin
    return out

event = cause == 1
found["life_step"], found["life"], found["life_interval"] = timed(
    "life table", lambda: life_table(event, step, conf_type="log-log"))
for name, kind in (("competing risks", "Dinse_Approx"), ("competing risks, Aalen", "Aalen")):
    found["step"], found["incidence"], found["interval"] = timed(
        name, lambda: incidence(cause, step, conf_type="log-log", var_type=kind))
    if kind == "Dinse_Approx":
        np.savez(f"{folder}/found.npz", **found)
np.savez(f"{folder}/seconds.npz", **seconds)
"""


def make_patients(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Session 1-40 at which each left, and why: 0 = the log ends."""
    rng = np.random.default_rng(seed)
    step = np.minimum(rng.geometric(0.12, n), rng.integers(1, 41, n))
    return step, np.where(
        step < step.max(), rng.choice(CAUSES + 1, n, p=[0.2, 0.4, 0.3, 0.1]), 0
    )


def survival(step: np.ndarray, cause: np.ndarray):
    """Life table of the first cause."""
    return estimate_survival(count_life(step, cause == 1))


def incidence(step: np.ndarray, cause: np.ndarray):
    """Cumulative incidence of every cause."""
    return estimate_incidence(count_competing_risks(step, cause, CAUSES))


def oracle_python(named: Path | None, folder: Path) -> Path | None:
    """An interpreter that has scikit-survival: the one named, or a new one; None, and why, when
    there is none.
    """
    python = named
    if python is None:
        print("making an environment for scikit-survival ...", flush=True)
        venv.create(folder / "oracle", with_pip=True)
        python = (
            folder
            / "oracle"
            / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        )
        install = [
            str(python),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "scikit-survival",
        ]
        done = subprocess.run(install, capture_output=True, text=True)
        if done.returncode:
            print(
                "not measured: scikit-survival could not be installed"
                f" ({_last_line(done.stderr)})"
            )
            return None
    asked = "import sksurv; print('scikit-survival', sksurv.__version__)"
    done = subprocess.run([str(python), "-c", asked], capture_output=True, text=True)
    print(
        done.stdout.strip()
        if not done.returncode
        else f"not measured: no scikit-survival there ({_last_line(done.stderr)})"
    )
    return None if done.returncode else python


def _last_line(text: str) -> str:
    return next(reversed(text.strip().splitlines()), "no message")


def run_oracle(
    python: Path, folder: Path, step: np.ndarray, cause: np.ndarray
) -> tuple[dict, dict]:
    """Results and seconds of scikit-survival."""
    np.save(folder / "step.npy", step)
    np.save(folder / "cause.npy", cause)
    subprocess.run([str(python), "-c", ORACLE, str(folder)], check=True)
    return dict(np.load(folder / "found.npz")), dict(np.load(folder / "seconds.npz"))


def compare(life, risks, found: dict) -> None:
    """Stop unless curves and intervals are the same."""
    at = found["life_step"].astype(int)
    _same("life table", life.estimate[at], found["life"])
    _same(
        "its interval",
        np.array([life.ci_low, life.ci_high])[:, at],
        found["life_interval"],
    )
    at = found["step"].astype(int) - 1
    # row 0 is the sum of all causes
    _same("competing risks", risks.estimate[at].T, found["incidence"][1:])
    ours = np.stack([risks.ci_low[at].T, risks.ci_high[at].T], axis=1)
    _same("their intervals", ours, found["interval"][1:])


def _same(name: str, ours: np.ndarray, theirs: np.ndarray) -> None:
    apart = float(np.nanmax(np.abs(ours - theirs)))
    missing = int(np.isnan(ours).sum())
    print(
        f"{name}: largest difference {apart:.1e} over {ours.size} numbers, {missing} missing"
        " (curve at 0 or 1)"
    )
    if apart > CLOSE:
        raise SystemExit(f"{name}: the results differ")


def _timed(work, times: int = 5):
    seconds = []
    for _ in range(times):
        begin = time.perf_counter()
        out = work()
        seconds.append(time.perf_counter() - begin)
    return min(seconds), out


def main() -> None:
    """Time both, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=1_000_000)
    parser.add_argument(
        "--oracle-python", type=Path, help="an interpreter that has scikit-survival"
    )
    chosen = parser.parse_args()
    step, cause = make_patients(chosen.patients)
    print(
        f"{chosen.patients:,} patients, sessions 1-{step.max()}, {CAUSES} causes and ends of"
        " logs, all tied"
    )
    with tempfile.TemporaryDirectory() as name:
        python = oracle_python(chosen.oracle_python, Path(name))
        if python is None:
            return
        life_seconds, life = _timed(lambda: survival(step, cause))
        risk_seconds, risks = _timed(lambda: incidence(step, cause))
        found, seconds = run_oracle(python, Path(name), step, cause)
    compare(life, risks, found)
    pairs = {
        "life table": life_seconds,
        "competing risks": risk_seconds,
        "competing risks, Aalen": risk_seconds,
    }
    ratios = {name: float(seconds[name]) / ours for name, ours in pairs.items()}
    for name, ours in pairs.items():
        theirs = float(seconds[name])
        print(
            f"{name}: kettrack {1000 * ours:.1f} ms, scikit-survival {1000 * theirs:.0f} ms,"
            f" {ratios[name]:.0f} x faster"
        )
    if min(ratios.values()) < LEAST:
        raise SystemExit(f"a ratio is below {LEAST:.0f}")


if __name__ == "__main__":
    main()
