"""Side effects on trial: pressure rises with the dose and dissociation differs by route, as was
planted; sites differ in nothing.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.safety.dissociation import dissociation_over_sessions
from kettrack.analysis.safety.sites import adverse_events_by_site
from kettrack.analysis.safety.vitals import pressure_rise
from kettrack.reading.cohort import Cohort
from kettrack.timelines.derived import derive
from kettrack.trials.gate import Check, Gate, Truths, share

CLINICS: Final = 200
PEOPLE: Final = 600
_FOUND: Final = 0.9  # of clinics, where something is there
# Of sites that differ in nothing, outside of the limits that hold 95 %; fewer than 5 % of them,
# since each is a part of the whole that it is held against.
_OUTSIDE: Final = 0.08
_DOSE: Final = "dose in mg per kg, by route"


def measure_planted_safety(cohort: Cohort) -> dict[str, float]:
    """Whether what was planted is found, and the share of sites outside of their limits."""
    derived = derive(cohort)
    rise = pressure_rise(derived).table
    doses = rise[(rise["grouping"] == _DOSE) & (rise["pressure"] == "systolic")]
    iv = doses[doses["group"].str.startswith("iv")]
    dissociation = dissociation_over_sessions(derived).table
    first = dissociation[dissociation["session"] == 1].set_index("route")
    sites = adverse_events_by_site(derived).table
    own = sites[sites["event"] == "any adverse event"]
    outside = (own["estimate"] < own["low_95"]) | (own["estimate"] > own["high_95"])
    return {
        # Bands are in order, the lowest dose first.
        "pressure": float(iv["ci_high"].iloc[0] < iv["ci_low"].iloc[-1]),
        "dissociation": float(first["ci_high"]["sublingual"] < first["ci_low"]["iv"]),
        "outside": float(outside.mean()) if len(own) else np.nan,
    }


def judge_safety(frame: pd.DataFrame, truths: Truths) -> list[Check]:
    """Dose and route are found; sites seldom are, since they are alike."""
    return [
        share(
            frame,
            "pressure",
            _FOUND,
            what="share of clinics in which pressure rises more with the highest iv dose",
        ),
        share(
            frame,
            "dissociation",
            _FOUND,
            what="share of clinics in which dissociation is less by sublingual tablet than iv",
        ),
        share(
            frame,
            "outside",
            high=_OUTSIDE,
            what="share of alike sites outside of their 95 % limits of side effects",
        ),
    ]


GATES: Final = (
    Gate(
        name="safety-measured",
        question=(
            "Are the rise of pressure with the dose and the routes apart in dissociation found, and"
            " sites that are alike not?"
        ),
        scenario="measured",
        n=PEOPLE,
        cohorts=CLINICS,
        fast_cohorts=2,
        first_seed=1618,
        measure=measure_planted_safety,
        judge=judge_safety,
    ),
)
