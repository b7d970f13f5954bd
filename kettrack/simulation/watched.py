"""What labels ask clinics to watch at each session: sedation, bladder, memory, mania, psychosis,
misuse, benzodiazepines, missed appointments. Planted: dose, benzodiazepines and number of sessions.

Every rate is an assumption. No session ends in loss of consciousness, so that the sample shows what
"none seen" leaves open.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Floats, Objects
from kettrack.simulation.detail import WatchedHarms
from kettrack.simulation.session_records import Given
from kettrack.vocabulary.columns import MANIA_PSYCHOSIS, SYMPTOM_GRADES

AWAKE: Final = 5  # MOAA/S of somebody who answers at once


def draw_watched(
    given: Given,
    monitored: Bools,
    numbers: WatchedHarms,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """One row per session, in the order of the log; empty where nobody asked.

    Parameters
    ----------
    given : Given
        What is given at each session.
    monitored : bool, shape (sessions,)
        Whether somebody was there to look.
    numbers : WatchedHarms
        Rates.
    rng : numpy.random.Generator
        Stream of the sessions, after everything else that is drawn from it.
    """
    who = given.sessions.who
    number = given.sessions.number
    n = given.n_patients
    size = given.size
    takes = rng.random(n) < numbers.takes_benzodiazepine
    that_day = rng.random(size) < numbers.benzodiazepine_that_day
    took = takes[who] & that_day
    moaas = _moaas(
        given.exposure,
        took,
        numbers,
        rng,
    )
    # Some people have symptoms at most sessions, and most people never.
    shape = numbers.prone_shape
    prone = rng.gamma(shape, 1 / shape, n)[who]
    later = number - 1
    bladder = numbers.bladder + numbers.bladder_per_session * later
    missed = rng.poisson(numbers.missed, size)
    asked = rng.random(size) < numbers.asked
    columns = {
        "moaas_lowest": pd.Series(moaas, dtype="Int64").where(monitored),
        "bladder": _grades(bladder * prone, numbers, rng),
        "cognition": _grades(numbers.cognition * prone, numbers, rng),
        "mania_psychosis": _named(
            MANIA_PSYCHOSIS,
            numbers.mania_psychosis,
            size,
            rng,
        ),
        "misuse_concern": rng.random(size) < numbers.misuse,
        "benzodiazepine": took,
        # Nobody can miss an appointment before the first one.
        "no_shows_before": np.where(later > 0, missed, 0),
    }
    table = pd.DataFrame(columns)
    for name in ("bladder", "cognition", "mania_psychosis"):
        table[name] = table[name].where(asked)
    return table


def _moaas(
    exposure: Floats,
    took: Bools,
    numbers: WatchedHarms,
    rng: np.random.Generator,
) -> Floats:
    """Lowest score of each session: awake, or down by one or more."""
    by_dose = numbers.sedated_per_mg_kg * exposure
    by_other = numbers.sedated_with_benzodiazepine * took
    chance = numbers.sedated + by_dose + by_other
    # A chance above 1 is a chance of 1.
    sedated = rng.random(len(chance)) < chance
    steps = np.arange(1, len(numbers.depths) + 1)
    depth = rng.choice(
        steps,
        len(chance),
        p=numbers.depths,
    )
    lowest = np.where(sedated, AWAKE - depth, AWAKE)
    return lowest.astype(np.float64)


def _grades(
    chance: Floats,
    numbers: WatchedHarms,
    rng: np.random.Generator,
) -> Objects:
    """None, or one of the grades."""
    has = rng.random(len(chance)) < chance
    grade = _named(SYMPTOM_GRADES[1:], numbers.grades, len(chance), rng)
    return np.where(has, grade, SYMPTOM_GRADES[0]).astype(object)


def _named(
    names: tuple[str, ...],
    shares: tuple[float, ...],
    n: int,
    rng: np.random.Generator,
) -> Objects:
    """One of the names for each session."""
    drawn = rng.choice(len(names), n, p=shares)
    return np.array(names, dtype=object)[drawn]
