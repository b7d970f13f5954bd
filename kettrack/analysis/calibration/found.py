"""What both calibrations share: simulated cohorts whose logs end as the real ones do, and what a
method found in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.response.plasmode import panel_cohort
from kettrack.arrays import Floats
from kettrack.estimators.plasmode.clinic import PlasmodeModel, SimulatedPanel
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort

TOGETHER: Final = 20_000  # people simulated at once
FOR_TRUTH: Final = 40_000  # people on whom the truth is found
EFFECTS: Final = (0, 1)  # points that each session takes off
ROLES: Final[dict[str, Role]] = {
    "key": "key",
    **dict.fromkeys(("about", "method"), "label"),
    "n": "denominator",
    **dict.fromkeys(
        (
            "cohorts",
            "answers",
            "truth",
            "estimate",
            "bias",
            "sd",
            "holds",
            "tells",
            "refused",
        ),
        "derived",
    ),
}
DECIMALS: Final = dict.fromkeys(
    ("cohorts", "answers", "holds", "tells", "refused"), 0
) | dict.fromkeys(("truth", "estimate", "bias", "sd"), 2)
SHOW: Final = (
    "about",
    "n",
    "cohorts",
    "answers",
    "truth",
    "estimate",
    "bias",
    "sd",
    "holds",
    "tells",
    "refused",
)
OWN_MODEL: Final = (
    "A simulated clinic follows its own model: in it people stop and are scored as their scores"
    " say, and for no other reason. It cannot show what an unrecorded reason does; it shows what"
    " few people, unequal scoring and the method do."
)


@dataclass(frozen=True, slots=True)
class Found:
    """Estimates and intervals, one per cohort; missing where refused, or where a method gives no
    interval.
    """

    estimate: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True)
class Asked:
    """A method, on cohorts of so many people in which each session takes so many points off."""

    key: str
    method: str
    people: int
    effect: int


def simulated_cohort(
    panel: SimulatedPanel,
    model: PlasmodeModel,
    cohort: DerivedCohort,
    observed_to: Floats,
) -> DerivedCohort:
    """A panel as a cohort whose logs end where those of the clinic do; the clinic may be in it many
    times over.
    """
    whole = panel_cohort(panel, model, cohort)
    end = np.tile(observed_to, model.baseline.size // observed_to.size)
    kept = {name: getattr(whole, name) for name in ("sessions", "scores")}
    kept = {
        name: rows[rows["day"].to_numpy() <= end[rows["patient_id"].to_numpy()]]
        for name, rows in kept.items()
    }
    patients = whole.patients.assign(observed_to_day=pd.Series(end).astype("Int64"))
    return whole.replace(
        patients=patients,
        **{name: rows.reset_index(drop=True) for name, rows in kept.items()},
    )


def at_once(cohorts: int, people: int) -> Iterator[int]:
    """How many cohorts to simulate together, until there are so many."""
    most = max(TOGETHER // people, 1)
    for begin in range(0, cohorts, most):
        yield min(most, cohorts - begin)


def judged(asked: Asked, found: Found, truth: float) -> dict[str, Any]:
    """Bias, spread, coverage and refusals of one method where a session takes off so many
    points.
    """
    given = ~np.isnan(found.estimate)
    estimate = found.estimate[given]
    low = found.low[given]
    high = found.high[given]
    does = (
        f"each session takes off {asked.effect} point"
        if asked.effect
        else "sessions do nothing"
    )
    row = {
        "key": f"{asked.key}_{asked.effect}",
        "about": f"{asked.method}, where {does}",
        "method": asked.method,
        "n": asked.people,
        "cohorts": len(given),
        "answers": int(given.sum()),
        "truth": truth,
        "refused": 100 * float((~given).mean()),
    }
    if not given.any():
        return row
    mean = float(estimate.mean())
    row |= {
        "estimate": mean,
        "bias": mean - truth,
        "sd": float(estimate.std(ddof=1)) if given.sum() > 1 else np.nan,
    }
    if np.isnan(low).all():
        return row
    holds = (low <= truth) & (truth <= high)
    tells = (low > 0) | (high < 0)
    return row | {
        "holds": 100 * float(holds.mean()),
        "tells": 100 * float(tells.mean()),
    }
