"""Work that the suite would otherwise do hundreds of times: reading the sample, judging the same
columns of small clinics for identifiers, and simulating the clinic of the no-effect benchmark. Of
its bootstraps, and of its people, a clinic that a test makes gets a few, unless the test judges the
benchmark.

All depend on nothing but what is handed in. Tests of these functions themselves call them where
they are defined and are not served from here.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kettrack import Cohort, sample_folder
from kettrack.analysis.response import benchmark, plasmode
from kettrack.estimators.plasmode import latent_severity
from kettrack.estimators.survival import turnbull_band
from kettrack.reading import headers, load
from kettrack.settings import Settings
from kettrack.timelines.derived import DerivedCohort

MOST_LEVELS = 200  # distinct values of a column that is worth a place in memory
MOST_CLINICS = 6  # that are kept; the bootstraps of each are up to twenty more
# Bootstraps of a clinic that is made for a test. The sample has all, as its answers are stored.
FEW_BOOTSTRAPS = 4
# People in each of them, and at most so many where the number itself comes from.
FEW_PEOPLE = 240
# Steps towards the best fit of its scores: thirty people who are all alike would take sixty.
FEW_STEPS = 8
# Files whose tests judge the number or the interval that the simulated people give.
JUDGE_BENCHMARK = {
    "test_futility.py",
    "test_gates.py",
    "test_plasmode.py",
    "test_response_curve.py",
}
# Subsamples behind an interval between two scores, unless the test judges that interval.
FEW_SUBSAMPLES = 50
JUDGE_SUBSAMPLES = {"test_gates.py", "test_turnbull.py", "turnbull_band.py"}
# Settings that are only words, or speak of what is printed: no score depends on them.
NO_SCORE = ("policy", "currency", "extract", "columns", "status")
ALL_BOOTSTRAPS = (benchmark.NULL_BOOTSTRAPS, benchmark.NULL_PEOPLE)
ALL_STEPS = latent_severity._MOST_STEPS


def install() -> None:
    """From now on all of it comes from memory; once per process."""
    load._read_folder = sample_read_once(load._read_folder)
    headers.find_in_column = judged_once(headers.find_in_column)
    benchmark._draw_bootstraps = drawn_once(benchmark._draw_bootstraps)
    benchmark._null = drawn_once(benchmark._null)
    benchmark._together = drawn_once(benchmark._together, intervals=True)
    plasmode._plasmode_data = drawn_once(plasmode._plasmode_data)
    turnbull_band._subsampled = few_drawn(turnbull_band._subsampled)


def sample_read_once(read: Callable[..., Any]) -> Callable[..., Any]:
    """A reader that reads the sample once for each way of asking for it.

    Everybody gets tables of their own: some tests change theirs.
    """
    kept: dict[Any, Any] = {}

    def read_folder(
        folder: Path, allow: tuple[str, ...], overrides: Mapping[str, object]
    ) -> Any:
        if folder != sample_folder():
            return read(folder, allow, overrides)
        key = (allow, repr(sorted(overrides.items())))
        if key not in kept:
            kept[key] = read(folder, allow, overrides)
        ledger, cohort = kept[key]
        Running.sample = cohort.provenance.input_sha256
        return copy.deepcopy(ledger), own_tables(cohort)

    return read_folder


def own_tables(cohort: Cohort) -> Cohort:
    given = {each.name: getattr(cohort, each.name) for each in fields(cohort)}
    tables = {
        name: value.copy()
        for name, value in given.items()
        if isinstance(value, pd.DataFrame)
    }
    return replace(cohort, **tables)


def judged_once(judge: Callable[..., Any]) -> Callable[..., Any]:
    """A judge of columns who remembers the small ones."""
    kept: dict[Any, Any] = {}

    def find(name: str, levels: np.ndarray, counts: np.ndarray, **how: bool) -> Any:
        if len(levels) > MOST_LEVELS:
            return judge(name, levels, counts, **how)
        key = (name, tuple(levels), tuple(counts), tuple(sorted(how.items())))
        if key not in kept:
            kept[key] = judge(name, levels, counts, **how)
        return kept[key]

    return find


def drawn_once(draw: Callable[..., Any], intervals: bool = False) -> Callable[..., Any]:
    """What the benchmark makes of the last few clinics: the same people under the same rules have
    the same, with intervals or without where the thing depends on that.
    """
    kept: dict[Any, Any] = {}

    def drawn(cohort: DerivedCohort, *people: int) -> Any:
        n_drawn, n_people = ALL_BOOTSTRAPS
        steps = ALL_STEPS
        if not all_are_drawn(cohort):
            n_drawn, n_people = FEW_BOOTSTRAPS, FEW_PEOPLE
            steps = FEW_STEPS
            people = tuple(min(number, FEW_PEOPLE) for number in people)
        asked = (n_drawn, n_people, steps, benchmark.MOST_LEARNT_FROM, *people)
        n_bootstraps = len(benchmark._bootstraps(cohort)) if intervals else -1
        text = cohort.once("content", lambda: content(cohort))
        key = (*asked, n_bootstraps, *text)
        if key not in kept:
            while len(kept) >= MOST_CLINICS:
                del kept[next(iter(kept))]
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(benchmark, "NULL_BOOTSTRAPS", n_drawn)
                patched.setattr(benchmark, "NULL_PEOPLE", n_people)
                patched.setattr(latent_severity, "_MOST_STEPS", steps)
                kept[key] = draw(cohort, *people)
        return kept[key]

    return drawn


class Running:
    """The file whose test is running, and the hash of the sample once that was read."""

    name = ""
    sample = "not read yet"


def all_are_drawn(cohort: DerivedCohort) -> bool:
    """Whether a test gets all bootstraps, and all people of them."""
    # Also of a cohort that was made from the sample in memory.
    of_sample = cohort.provenance.input_sha256 == Running.sample
    return of_sample or Running.name in JUDGE_BENCHMARK


def few_drawn(draw: Callable[..., Any]) -> Callable[..., Any]:
    """Curves of a few subsamples: each takes its time, and what is said needs few of them."""

    def drawn(
        ends: np.ndarray,
        at: np.ndarray,
        size: int,
        n_drawn: int,
        rng: np.random.Generator,
    ) -> Any:
        if Running.name not in JUDGE_SUBSAMPLES:
            n_drawn = min(n_drawn, FEW_SUBSAMPLES)
        return draw(ends, at, size, n_drawn, rng)

    return drawn


def content(cohort: DerivedCohort) -> tuple[str, ...]:
    """All that scores and sessions of a cohort depend on, as text."""
    names = {each.name for each in fields(Settings)}
    asked = {
        name: getattr(cohort.settings, name) for name in sorted(names - {*NO_SCORE})
    }
    rules = (asked, cohort.criteria, cohort.instrument)
    tables = (cohort.patients, cohort.sessions, cohort.scores, cohort.events)
    return (
        *map(repr, rules),
        *(f"{list(table.columns)}" for table in tables),
        *(
            pd.util.hash_pandas_object(table).to_numpy().tobytes().hex()
            for table in tables
        ),
    )
