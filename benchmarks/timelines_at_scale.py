"""Courses, every event under one preset, and outcomes for a million patients, against the path of
`outcomes_against_duckdb`.

Prints the ratio of times, the peak of memory as a multiple of the input, and how time grows from
10^5 to 10^6 patients. Run with `make bench`.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from pathlib import Path

import numpy as np
from outcomes_against_duckdb import make_arrays, run_kettrack

from kettrack.timelines.bucket import bucket_from_arrays
from kettrack.timelines.courses import course_arrays
from kettrack.timelines.outcomes import outcomes_of
from kettrack.vocabulary.criteria import get_criteria
from kettrack.vocabulary.instruments import PHQ9
from kettrack.vocabulary.rules import CourseRules


def run_all(n: int, arrays: dict[str, np.ndarray]) -> tuple[object, object]:
    """Courses of every session, and outcomes with all events under one preset."""
    bucket = bucket_from_arrays(n, *arrays.values())
    courses = course_arrays(bucket.session_offsets, bucket.session_day, CourseRules())
    return courses, outcomes_of(bucket, get_criteria(PHQ9, "McInnes 2022"))


def best_of(times: int, work, *arguments) -> float:
    """Shortest of several runs, in seconds."""
    seconds = []
    for _ in range(times):
        gc.collect()
        begin = time.perf_counter()
        work(*arguments)
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


def memory_of(work, *arguments) -> int:
    """Bytes by which the resident memory of this process rises at most while it works; Linux
    only.
    """
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before = _resident("VmRSS")
    kept = work(*arguments)
    risen = _resident("VmHWM") - before
    del kept
    return risen


def _resident(field: str) -> int:
    line = next(
        line
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith(field)
    )
    return int(line.split()[1]) * 1024


def main() -> None:
    """Time, weigh, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=1_000_000)
    n = parser.parse_args().patients
    run_all(20_000, make_arrays(20_000))  # compiles, or loads what was compiled
    small = make_arrays(n // 10)
    large = make_arrays(n)
    size = sum(array.nbytes for array in large.values())
    whole = best_of(5, run_all, n, large)
    first = best_of(5, run_kettrack, n, large)
    tenth = best_of(5, run_all, n // 10, small)
    print(
        f"courses, all events, outcomes: {whole:.2f} s, {whole / first:.1f} x the first"
        f" benchmark's path ({first:.2f} s)"
    )
    if sys.platform == "linux":
        used = memory_of(run_all, n, large)
        print(
            f"memory beside the input: at most {used / size:.1f} x the input ({size / 2**20:.0f}"
            " MiB)"
        )
    print(
        f"time per patient, {n:,} against {n // 10:,} patients: {whole / (10 * tenth):.2f}"
    )


if __name__ == "__main__":
    main()
