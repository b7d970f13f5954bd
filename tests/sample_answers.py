"""Answers about the sample, each worked out once per process. For tests that only read; who
changes a table loads the sample.
"""

from __future__ import annotations

import functools
from dataclasses import replace

from kettrack import estimate, load_cohort, sample_folder
from kettrack.result import Result
from kettrack.timelines.derived import DerivedCohort, derive

# Each simulated clinic takes seconds, and what is said needs few of them.
FASTER = {
    "calibration": {"cohorts": 4},
    "stop_after_calibration": {"cohorts": 1, "replicates": 20},
    "stop_after": {"replicates": 50},
}
BESIDE = {
    "sessions_and_change": {
        "stop": "stop_after",
        "following": "next_session",
        "naive": "association",
    },
}


def derived_sample(policy: str = "internal") -> DerivedCohort:
    """The sample under a disclosure policy, with what its questions share."""
    return _derived(policy)


def sample_answer(name: str, policy: str = "internal", by: str | None = None) -> Result:
    """The answer to a question about the sample."""
    return _answer(name, policy, by)


# Arguments by place only: the same question asked in two ways is one entry.
@functools.cache
def _derived(policy: str) -> DerivedCohort:
    sample = load_cohort(sample_folder())
    settings = replace(sample.settings, policy=policy)
    return derive(replace(sample, settings=settings))


@functools.cache
def _answer(name: str, policy: str, by: str | None) -> Result:
    # The table of all methods takes the answers of each method where they are there already.
    parts = {} if by else BESIDE.get(name, {})
    beside = {option: _answer(part, policy, None) for option, part in parts.items()}
    options = {**FASTER.get(name, {}), **beside}
    return estimate(name, _derived(policy), by=by, **options)
