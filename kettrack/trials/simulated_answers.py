"""What simulated clinics answer to everything that can be asked of them in seconds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, NoReturn
from unittest.mock import patch

from kettrack.analysis import estimate
from kettrack.analysis.registry import load_questions
from kettrack.analysis.response import benchmark
from kettrack.errors import KettrackError, NotIdentified
from kettrack.privacy.release.cells import Release, release_of
from kettrack.reading.cohort import Cohort
from kettrack.reading.load import cohort_from_frames
from kettrack.result import Result
from kettrack.settings import Settings
from kettrack.simulation.cohort import simulate
from kettrack.simulation.presets import SCENARIOS
from kettrack.timelines.derived import DerivedCohort, derive

# Groups that every simulated clinic has.
GROUPED_BY: Final = ("route", "severity", "sex")
# These simulate clinics or draw people anew: minutes each, and no count of their own.
SLOW: Final = frozenset(
    {
        "calibration",
        "stop_after_calibration",
        "stop_after",
        "sessions_and_change",
        "next_session",
        "next_session_maintenance",
        "specification",
    }
)
SIZES: Final = (60, 240, 120, 400, 600, 40, 180, 300)
_FEW: Final = {"replicates": 20}
# Scenario, first seed, and number of clinics.
Clinics = tuple[str, int, int]


def clinic(
    seed: int,
    n: int,
    policy: str = "internal",
    *,
    later: int = 0,
    scenario: str = "clinic",
) -> Cohort:
    """A simulated clinic as the front door lets it in.

    Parameters
    ----------
    seed, n : int
        As for `simulate`.
    policy : str
        In force.
    later : int
        Of the n people, how many have not come yet.
    scenario : str
        Name of one with sites, drugs and all other columns: clinic, measured or clinic-null.
    """
    made = simulate(
        SCENARIOS[scenario],
        n,
        seed,
    )
    there = made.patients["patient_id"].iloc[: n - later]
    tables = [
        table[table["patient_id"].isin(there)]
        for table in (
            made.sessions,
            made.scores,
            made.patients,
            made.events,
        )
    ]
    return cohort_from_frames(
        *tables,
        settings=Settings(policy=policy),
    )


def answers(
    cohort: Cohort | DerivedCohort,
    names: Iterable[str] = (),
) -> list[Result]:
    """Everything that can be asked of a clinic in seconds, of everybody and by group.

    Parameters
    ----------
    cohort : Cohort or DerivedCohort
        Under the policy in force.
    names : iterable of str
        Only these questions; all where none is named.
    """
    # Derived once: what all questions need is worked out for the first.
    derived = derive(cohort)
    found = []
    for name, by, few in asked_for(names):
        # Some clinic has no such group.
        with suppress(KettrackError):
            found.append(estimate(name, derived, by=by, **few))
    return found


def asked_for(
    names: Iterable[str] = (),
) -> Iterator[tuple[str, str | None, dict[str, Any]]]:
    """Each question that takes seconds, of everybody and by group: its name, the group, and options
    that make it quick.

    Parameters
    ----------
    names : iterable of str
        Only these questions; all where none is named.
    """
    wanted = set(names)
    for name, asked in load_questions().items():
        if name in SLOW or (wanted and name not in wanted):
            continue
        yield name, None, _FEW if "replicates" in asked.options else {}
        if asked.by_group:
            yield from ((name, by, {}) for by in GROUPED_BY)


@contextmanager
def without_null() -> Iterator[None]:
    """No clinic in which sessions do nothing: it is half of the time, and of simulated people, whom
    nobody needs to protect.
    """

    def left_out(*_: object) -> NoReturn:
        raise NotIdentified("It is left out here.", "nothing.")

    with patch.object(benchmark, "null_clinic", left_out):
        yield


def simulated(groups: Iterable[Clinics]) -> dict[tuple[int, int], Release]:
    """What simulated clinics answer, by seed and number of people, which hangs on the seed."""
    return {
        (seed, size_of(seed)): release_of(
            answers(clinic(seed, size_of(seed), scenario=scenario))
        )
        for scenario, first, number in groups
        for seed in range(first, first + number)
    }


def size_of(seed: int) -> int:
    """How many people the clinic of a seed has."""
    return SIZES[seed % len(SIZES)]
