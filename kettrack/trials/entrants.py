"""Cohorts for a trial: many are simulated and checked at the front door together, and parted
afterwards.

The simulated patients are independent, so every n of them are a cohort of their own, and one pass
through the door for many cohorts costs much less than many passes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Final

import numpy as np
import pandas as pd

from kettrack.reading.cohort import Cohort
from kettrack.reading.load import cohort_from_frames
from kettrack.simulation.cohort import simulate
from kettrack.simulation.presets import SCENARIOS
from kettrack.trials.gate import Gate

PATIENTS_TOGETHER: Final = 40_000  # enough rows for the compiled kernels to pay


def cohorts_together(gate: Gate) -> int:
    """How many cohorts of a gate are simulated at once."""
    return max(1, min(PATIENTS_TOGETHER // gate.n, gate.cohorts))


def draw_cohorts(gate: Gate, batch: int) -> Cohort:
    """The patients of the cohorts of one batch, checked; the same whatever else is run."""
    seed = int(np.random.SeedSequence([gate.first_seed, batch]).generate_state(1)[0])
    simulated = simulate(
        SCENARIOS[gate.scenario], gate.n * cohorts_together(gate), seed
    )
    prepared = gate.prepare(simulated) if gate.prepare else simulated
    return cohort_from_frames(
        prepared.sessions, prepared.scores, prepared.patients, prepared.events
    )


def measure_cohorts(gate: Gate, cohort: Cohort, most: int) -> list[dict[str, float]]:
    """Measurements of the cohorts of n patients in a row that make up a batch, `most` of them at
    most.
    """
    if gate.measure_together is not None:
        return [
            dict(numbers) for numbers in gate.measure_together(cohort, gate.n)[:most]
        ]
    measure = gate.measured_by
    return [dict(measure(part)) for part in islice(part_cohort(cohort, gate.n), most)]


def part_cohort(cohort: Cohort, n: int) -> Iterator[Cohort]:
    """A cohort as cohorts of n patients each, in patient order; what is left over at the end makes
    a smaller one.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> [len(part.patients) for part in part_cohort(load_cohort(sample_folder()), 100)]
    [100, 100, 40]
    """
    patients = pd.Index(cohort.patients["patient_id"])
    frames = {
        name: getattr(cohort, name)
        for name in ("sessions", "scores", "patients", "events")
    }
    places = {
        name: patients.get_indexer(frame["patient_id"])
        for name, frame in frames.items()
    }
    for begin in range(0, len(patients), n):
        edges = {
            name: np.searchsorted(place, (begin, begin + n))
            for name, place in places.items()
        }
        yield replace(
            cohort,
            **{
                name: frames[name].iloc[slice(*edge)].reset_index(drop=True)
                for name, edge in edges.items()
            },
        )
