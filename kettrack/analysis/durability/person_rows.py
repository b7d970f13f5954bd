"""The person-level rows behind the curves of durability and their bounds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from kettrack.analysis.durability.counts import (
    CAUSES,
    ESTIMANDS,
    Estimand,
    Settled,
    Watched,
    bounds_of,
    came_again,
    days_shown,
    days_since_origin,
    exits,
    fell_silent,
    settle,
)
from kettrack.analysis.durability.weights import untreated_to, weights_known
from kettrack.analysis.person_rows import exit_rows, joined, share_rows, weighted_rows
from kettrack.timelines.derived import DerivedCohort


def durability_rows(cohort: DerivedCohort, watched: Sequence[Watched]) -> pd.DataFrame:
    """One row per curve and person; of the hypothetical curve, whose weights change, several.

    Parameters
    ----------
    cohort : DerivedCohort
        Whose answer it is.
    watched : sequence of Watched
        As they were counted.
    """
    parts = [
        _rows(cohort, rule, kind, name, those)
        for rule in watched
        for kind in ESTIMANDS
        for name, those in _cases(rule, kind)
    ]
    parts += [
        part for rule in watched for kind in ESTIMANDS for part in _counted(rule, kind)
    ]
    return joined(parts)


def _counted(watched: Watched, estimand: Estimand) -> Iterator[pd.DataFrame]:
    """Who had another session while on the curve, and who fell silent, with the day: counted
    beside the curve, and no curves themselves.
    """
    curve = f"{estimand}_{watched.name}"
    left = exits(watched, estimand)
    again = days_since_origin(watched.whatever, "retreated_day")
    flags = {
        "retreated": (came_again(watched, estimand, left), again),
        "silent": (fell_silent(watched, left), left["time"].to_numpy(float)),
    }
    for what, (flag, day) in flags.items():
        rows = share_rows(f"{curve}_count_{what}", left.index, flag)
        yield rows.assign(time=np.where(flag, day, np.nan))


def _cases(watched: Watched, estimand: Estimand) -> Iterator[tuple[str, Watched]]:
    """The curve itself, then as if it were known what became of those of whom it is not."""
    curve = f"{estimand}_{watched.name}"
    yield curve, watched
    ends: tuple[Settled, ...] = ("lost", "held")
    for bound, silent in bounds_of(watched):
        for how in ends:
            # No second score can hold what it never refuted: that bound is the curve.
            if estimand == "hypothetical" and how == "held" and not silent:
                continue
            yield f"{curve}_{bound}_{how}", settle(watched, how, silent)


def _rows(
    cohort: DerivedCohort,
    watched: Watched,
    estimand: Estimand,
    curve: str,
    those: Watched,
) -> pd.DataFrame:
    if estimand != "hypothetical":
        left = exits(those, estimand)
        return exit_rows(curve, left, CAUSES[1:], first_step=0)
    days = days_shown(exits(watched, estimand), estimand)
    people = untreated_to(cohort, those, days)
    known, weights = weights_known(people)
    return weighted_rows(
        curve,
        those.untreated.index,
        people.known,
        people.lost,
        weights,
        known,
    )
