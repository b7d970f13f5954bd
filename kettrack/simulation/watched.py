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
from kettrack.simulation.detail import Watched
from kettrack.simulation.session_records import Given
from kettrack.vocabulary.columns import MANIA_PSYCHOSIS, SYMPTOM_GRADES

AWAKE: Final = 5  # MOAA/S of somebody who answers at once


def draw_watched(
    given: Given,
    monitored: Bools,
    numbers: Watched,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """One row per session, in the order of the log; empty where nobody asked.

    Parameters
    ----------
    given : Given
        What is given at each session.
    monitored : bool, shape (sessions,)
        Whether somebody was there to look.
    numbers : Watched
        Rates.
    rng : numpy.random.Generator
        Stream of the sessions, after everything else that is drawn from it.
    """
    who = given.sessions.who
    number = given.sessions.number
    takes = rng.random(given.n_patients) < numbers.takes_benzodiazepine
    took = takes[who] & (rng.random(given.size) < numbers.benzodiazepine_that_day)
    chance = (
        numbers.sedated
        + numbers.sedated_per_mg_kg * given.exposure
        + numbers.sedated_with_benzodiazepine * took
    )
    moaas = _moaas(np.clip(chance, 0.0, 1.0), numbers, rng)
    # Some people have symptoms at most sessions, and most people never.
    prone = rng.gamma(numbers.prone_shape, 1 / numbers.prone_shape, given.n_patients)
    bladder = numbers.bladder + numbers.bladder_per_session * (number - 1)
    missed = rng.poisson(numbers.missed, given.size)
    asked = rng.random(given.size) < numbers.asked
    table = pd.DataFrame(
        {
            "moaas_lowest": pd.Series(moaas, dtype="Int64").where(monitored),
            "bladder": _grades(bladder * prone[who], numbers, rng),
            "cognition": _grades(numbers.cognition * prone[who], numbers, rng),
            "mania_psychosis": _named(
                MANIA_PSYCHOSIS, numbers.mania_psychosis, given.size, rng
            ),
            "misuse_concern": rng.random(given.size) < numbers.misuse,
            "benzodiazepine": took,
            # Nobody can miss an appointment before the first one.
            "no_shows_before": np.where(number > 1, missed, 0),
        }
    )
    for name in ("bladder", "cognition", "mania_psychosis"):
        table[name] = table[name].where(asked)
    return table


def _moaas(
    chance: Floats,
    numbers: Watched,
    rng: np.random.Generator,
) -> Floats:
    """Lowest score of each session: awake, or down by one or more."""
    sedated = rng.random(len(chance)) < chance
    depth = rng.choice(
        np.arange(1, len(numbers.depths) + 1),
        len(chance),
        p=numbers.depths,
    )
    return np.where(sedated, AWAKE - depth, AWAKE).astype(np.float64)


def _grades(
    chance: Floats,
    numbers: Watched,
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
