"""Two sides made alike in who their people were at the start: severity, and treatments that had
failed before.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from kettrack.analysis.context import NORMAL_QUANTILE
from kettrack.arrays import Bools, Floats
from kettrack.estimators.causal.standardised import standardised_ratio
from kettrack.estimators.difference import Ends
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.limits import (
    FEWEST_EFFECTIVE_OUTCOMES,
    FEWEST_EVENTS,
    FEWEST_MISSING_PER_COLUMN,
    FEWEST_PEOPLE_IN_ARM,
)

# Named before any data: what is chosen by how far the sides are apart would flatter the interval.
CASE_MIX: Final = {
    "baseline": "the score before session 1",
    "failed_antidepressants": "antidepressants that had failed before",
}
_PERCENT: Final = 100.0


class MadeAlike(NamedTuple):
    """One measure of both sides, were the people of each like those of both together.

    Parameters
    ----------
    here, there : float
        The share of each side, in percent.
    apart : Ends
        Their difference, by itself.
    effective : tuple of float
        How many people the weighted ones of each side count like.
    """

    here: float
    there: float
    apart: Ends
    effective: tuple[float, float]


def case_mix(cohort: DerivedCohort) -> pd.DataFrame:
    """What sides are made alike in, by `patient_id`; missing where it is not known.

    Returns
    -------
    DataFrame
        One column for each of `CASE_MIX`.
    """
    people = cohort.patients.set_index("patient_id")
    baseline = cohort.outcomes.set_index("patient_id")["baseline"]
    known = {
        "baseline": baseline.reindex(people.index),
        "failed_antidepressants": people["failed_antidepressants"],
    }
    numbers = {
        name: values.astype("Float64").to_numpy(float, na_value=np.nan)
        for name, values in known.items()
    }
    return pd.DataFrame(numbers, index=people.index)


def known_on_both(
    here: pd.DataFrame,
    there: pd.DataFrame,
) -> list[str]:
    """What is known of enough people of both sides, and differs between any of them."""
    both = pd.concat([here, there])
    names = []
    for name in CASE_MIX:
        fewest = min(here[name].count(), there[name].count())
        differs = both[name].nunique() > 1
        if fewest >= FEWEST_PEOPLE_IN_ARM and differs:
            names.append(name)
    return names


def made_alike(
    here: pd.DataFrame,
    there: pd.DataFrame,
) -> MadeAlike | None:
    """A share of both sides at the same case mix; none where too few people stand for the others.

    Parameters
    ----------
    here, there : DataFrame
        One row per person: `part`, `whole` and the columns of `CASE_MIX`.
    """
    fewest = min(_fewer_outcomes(here), _fewer_outcomes(there))
    # A difference without events has no spread to make an interval of.
    if fewest < FEWEST_EVENTS:
        return None
    names = known_on_both(here, there)
    if not names:
        return None
    both = pd.concat([here, there], ignore_index=True)
    inside = np.arange(len(both)) < len(here)
    columns = _columns(both[names], inside)
    part = both["part"].to_numpy(float)
    whole = both["whole"].to_numpy(float)
    own = standardised_ratio(
        inside,
        columns,
        part,
        whole,
    )
    other = standardised_ratio(
        ~inside,
        columns,
        part,
        whole,
    )
    effective = (own.effective, other.effective)
    # Where a column tells without exception who is where, nobody stands for the others.
    told_apart = own.separated or other.separated
    if told_apart or min(effective) < FEWEST_EFFECTIVE_OUTCOMES:
        return None
    # One person adds to both, by way of the weights.
    each = own.influence - other.influence
    error = float(each.std(ddof=1) / np.sqrt(len(each)))
    apart = _PERCENT * (own.value - other.value)
    half = _PERCENT * NORMAL_QUANTILE * error
    return MadeAlike(
        here=_PERCENT * own.value,
        there=_PERCENT * other.value,
        apart=Ends.of(apart, apart - half, apart + half),
        effective=effective,
    )


def _fewer_outcomes(side: pd.DataFrame) -> float:
    """Events, or what is without one, whichever is less."""
    part = float(side["part"].sum())
    return min(part, float(side["whole"].sum()) - part)


def _columns(
    known: pd.DataFrame,
    inside: Bools,
) -> Floats:
    """Each number and its square, and who is unknown; as many as the smaller side can carry."""
    lines: list[Floats] = []
    squares: list[Floats] = []
    unknown: list[Floats] = []
    for name in known:
        values = known[name].to_numpy(float)
        line = (values - np.nanmean(values)) / np.nanstd(values)
        # Whoever is unknown stands at the mean.
        lines.append(np.nan_to_num(line))
        squares.append(np.nan_to_num(line**2 - 1))
        missing = np.isnan(values)
        fewest = min(missing[inside].sum(), missing[~inside].sum())
        if fewest >= FEWEST_EVENTS:
            unknown.append(missing.astype(np.float64))
    n_here = int(inside.sum())
    smaller = min(n_here, len(inside) - n_here)
    few = smaller // FEWEST_MISSING_PER_COLUMN
    return np.column_stack([*lines, *unknown, *squares][:few])
