"""Answers about the sample, or another cohort, each worked out once per process, and those about
the sample once for all processes of a run. For tests that only read; who changes a table loads the
sample.

A disclosure policy decides what is shown, not what is so: what a question finds is worked out once
and passes the gate of each policy. A question that looks at the policy itself is worked out under
each.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import os
import pickle
import sys
from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kettrack import Cohort, estimate, load_cohort, sample_folder
from kettrack.analysis import registry
from kettrack.errors import NotIdentified
from kettrack.result import Result
from kettrack.settings import Settings
from kettrack.timelines.derived import DerivedCohort, derive
from kettrack.timelines.keeping import Keeping

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
INTERNAL = "internal"


def derived_sample(policy: str = INTERNAL) -> DerivedCohort:
    """The sample under a disclosure policy, with what its questions share."""
    return SAMPLE.derived(policy)


def sample_answer(name: str, policy: str = INTERNAL, by: str | None = None) -> Result:
    """The answer to a question about the sample."""
    return SAMPLE.answer(name, policy, by)


class PolicyReads:
    """The field `policy` of the settings, which counts how often it is looked at."""

    def __init__(self, field: Any) -> None:
        self.field = field
        self.n = 0

    def __get__(self, settings: Settings | None, owner: type) -> Any:
        if settings is None:
            return self
        # To copy it into other settings is not to look at it; who looks at the copy is counted.
        copied = sys._getframe(1).f_code is dataclasses.replace.__code__
        self.n += not copied
        return self.field.__get__(settings, owner)

    def __set__(self, settings: Settings, value: str) -> None:
        self.field.__set__(settings, value)


class KeptUnderAnyPolicy(dict[Hashable, Any]):
    """What questions keep with the sample: all policies share it, so nothing in it may depend on
    one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.missing: dict[object, int] = {}

    def __contains__(self, key: object) -> bool:
        there = super().__contains__(key)
        if not there:
            self.missing[key] = READS.n
        return there

    def __setitem__(self, key: Hashable, value: Any) -> None:
        # It was made since the key was looked for in vain.
        looked = READS.n - self.missing[key]
        assert not looked, f"{key!r} is kept for all policies and depends on the policy"
        super().__setitem__(key, value)


READS = PolicyReads(Settings.__dict__["policy"])


def handed_on(found: Any) -> Any:
    """What a question found, in the way it came: an answer, or a refusal raised."""
    if isinstance(found, NotIdentified):
        raise found
    return found


def put(found: Result, path: Path) -> None:
    """Write an answer whole or not at all: others may read at any moment."""
    try:
        text = pickle.dumps(found)
    except (AttributeError, pickle.PicklingError):
        # A few hold a function that only their own process has.
        return
    own = path.with_suffix(f".{os.getpid()}")
    own.write_bytes(text)
    own.replace(path)


class AnswersOnce:
    """Answers about one cohort.

    Parameters
    ----------
    load : callable
        Gives the cohort when the first question is asked.
    faster : mapping
        Question -> the options with which it is asked here.
    """

    def __init__(
        self,
        load: Callable[[], Cohort],
        faster: Mapping[str, Mapping[str, Any]] = FASTER,
    ) -> None:
        self._load = functools.cache(load)
        self._faster = faster
        self._kept = KeptUnderAnyPolicy()
        self._beside: Path | None = None
        # By place only: the same question asked in two ways is one entry.
        self._derive_once = functools.cache(self._derive)
        self._ask_once = functools.cache(self._ask)
        self._find_once = functools.cache(self._find)

    def derived(self, policy: str = INTERNAL) -> DerivedCohort:
        """The cohort under a disclosure policy, with what its questions share."""
        return self._derive_once(policy)

    def answer(
        self, name: str, policy: str = INTERNAL, by: str | None = None
    ) -> Result:
        """The answer to a question."""
        return self._ask_once(name, policy, by)

    def share_in(self, folder: Path) -> None:
        """Take answers that another process of this run has put there, and put one's own."""
        self._beside = folder

    def _derive(self, policy: str) -> DerivedCohort:
        cohort = self._load()
        settings = replace(cohort.settings, policy=policy)
        return replace(
            derive(replace(cohort, settings=settings)), _keeping=Keeping(self._kept)
        )

    def _ask(self, name: str, policy: str, by: str | None) -> Result:
        if self._beside is None:
            return self._work_out(name, policy, by)
        path = self._beside / f"answer-{name}-{policy}-{by}.pickle"
        try:
            found: Result = pickle.loads(path.read_bytes())
        except FileNotFoundError:
            found = self._work_out(name, policy, by)
            put(found, path)
        return found

    def _work_out(self, name: str, policy: str, by: str | None) -> Result:
        if by:
            return estimate(name, self.derived(policy), by=by)
        found, looked = self._find_once(name, INTERNAL)
        if looked and policy != INTERNAL:
            found, _ = self._find_once(name, policy)
        asked = registry.get_question(name)
        return registry._answered(asked, self.derived(policy), lambda: handed_on(found))

    def _find(self, name: str, policy: str) -> tuple[Any, bool]:
        """What a question finds, and whether it looked at the policy to find it."""
        # The table of all methods takes the answers of each method where they are there already.
        beside = {
            option: self.answer(part, policy)
            for option, part in BESIDE.get(name, {}).items()
        }
        options = {**self._faster.get(name, {}), **beside}
        function = inspect.unwrap(registry.get_question(name).answer)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Settings, "policy", READS)
            cohort = self.derived(policy)
            before = READS.n
            counted = cohort._keeping.looks.n
            try:
                found = function(cohort, **options)
            except NotIdentified as refused:
                found = refused
            looked = READS.n > before
            # What is kept for all policies hangs on this count, which misses nobody.
            counted = cohort._keeping.looks.n - counted
            assert counted or not looked or isinstance(found, NotIdentified), name
        # Answers of other questions went through the gate; a sentence that is told anew after the
        # gate may look at the policy then.
        retold = callable(getattr(found, "sentence", ""))
        return found, looked or retold or bool(beside)


SAMPLE = AnswersOnce(lambda: load_cohort(sample_folder()))
