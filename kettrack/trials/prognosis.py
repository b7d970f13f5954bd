"""Prognosis on trial: an outcome that nothing tells beforehand, and one whose chance is known of
every person.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.prognosis.forecast import (
    Forecasts,
    Landmark,
    by_patients,
    landmark,
    score,
)
from kettrack.arrays import Floats
from kettrack.reading.cohort import Cohort
from kettrack.timelines.derived import derive
from kettrack.trials.gate import Check, Gate, Truths, share

CLINICS: Final = 200
PEOPLE: Final = 600
_SESSIONS_HAD: Final = 2
# Logits per standard deviation of the percent change so far: as strong as in published forecasts
# by early improvement, which tell the right one of a pair in about 75 of 100 pairs.
_STRENGTH: Final = 1.2
# Of clinics in which nothing tells the outcome. An interval of 95 % errs to one side in 2.5 %.
_MISLED: Final = 0.05
_FOUND: Final = 0.9
_COVERED: Final = (0.91, 0.99)
# Below 1, forecasts are further apart than outcomes; a shrunken model may err to the other side.
_SLOPES: Final = (0.8, 1.2)
# Percentage points between the mean forecast and the share that responded.
_LARGEST_MISS: Final = 1.0


def measure_forecasts(cohort: Cohort) -> dict[str, float]:
    """How forecasts fare on an outcome dealt at random, and on one drawn from known chances, in
    the people and with the columns of a clinic.
    """
    people = landmark(derive(cohort), _SESSIONS_HAD)
    # Clinics differ in their number of scores, so that each has draws of its own.
    rng = np.random.default_rng(len(cohort.scores))
    dealt = rng.permutation(people.responded)
    luck = score(by_patients(people.known, dealt), dealt)
    chance = known_chance(people)
    drawn = rng.random(len(chance)) < chance
    forecasts = by_patients(people.known, drawn)
    found = score(forecasts, drawn)
    gain = true_gain(forecasts, chance)
    return {
        "misled": float(luck.gain_low > 0),
        "found": float(found.gain_low > 0),
        "held": float(found.gain_low <= gain <= found.gain_high),
        "slope": found.slope,
        "miss": 100 * float(forecasts.chance.mean() - drawn.mean()),
        "unequal": unequal_quarters(forecasts.chance, chance),
    }


def known_chance(people: Landmark) -> Floats:
    """The chance of a response that each person is given: the better so far, the higher."""
    change = people.known["percent_change"]
    # Nobody is told apart by a score that was not taken.
    filled = change.fillna(change.median()).to_numpy(float)
    spread = filled.std() or 1.0
    logit = -_STRENGTH * (filled - filled.mean()) / spread
    return np.asarray(1 / (1 + np.exp(-logit)))


def true_gain(forecasts: Forecasts, chance: Floats) -> float:
    """How much closer the forecasts are to the chances than the one number is: what the difference
    of Brier scores is on average over outcomes.
    """
    own = (forecasts.chance - chance) ** 2
    base = (forecasts.base - chance) ** 2
    return float((base - own).mean())


def unequal_quarters(forecast: Floats, chance: Floats) -> float:
    """Percentage points between the mean forecast and the mean chance in quarters of people by
    their forecast, on average over the quarters.
    """
    told = pd.DataFrame({"forecast": forecast, "chance": chance})
    quarter = pd.qcut(told["forecast"], 4, labels=False, duplicates="drop")
    means = told.groupby(quarter).mean()
    return 100 * float((means["forecast"] - means["chance"]).abs().mean())


def judge_forecasts(frame: pd.DataFrame, truths: Truths) -> list[Check]:
    """Nothing is found where there is nothing; what is there is found, and means what it says."""
    return [
        share(
            frame,
            "misled",
            high=_MISLED,
            what="share of clinics said to beat the base rate where nothing tells the outcome",
        ),
        share(
            frame,
            "found",
            _FOUND,
            what="share of clinics said to beat the base rate where the change so far tells it",
        ),
        share(
            frame,
            "held",
            *_COVERED,
            what="coverage of the gain over the base rate",
        ),
        _mean(frame, "slope", _SLOPES, "mean calibration slope"),
        _mean(
            frame,
            "miss",
            (-_LARGEST_MISS, _LARGEST_MISS),
            "mean forecast less the share that responded, percentage points",
        ),
        _mean(
            frame,
            "unequal",
            (float("-inf"), float("inf")),
            "forecast and chance apart in quarters of people, percentage points",
        ),
    ]


def _mean(
    frame: pd.DataFrame, column: str, wanted: tuple[float, float], what: str
) -> Check:
    """The mean over clinics, to lie in a range."""
    low, high = wanted
    spread = float(frame[column].std() / np.sqrt(len(frame)))
    # A clinic without a number would make the mean look better than it is.
    found = float(frame[column].mean(skipna=False))
    return Check(what=what, found=found, mc_error=spread, low=low, high=high)


GATES: Final = (
    Gate(
        name="prognosis-measured",
        question="Are forecasts believed only where something tells the outcome?",
        scenario="measured",
        n=PEOPLE,
        cohorts=CLINICS,
        fast_cohorts=2,
        first_seed=1414,
        measure=measure_forecasts,
        judge=judge_forecasts,
    ),
)
