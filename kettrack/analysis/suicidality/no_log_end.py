"""Attempts, deaths and admissions of people whose log does not say to which day it is complete.

Nobody knows for how long they were followed, so their events have no rate. They happened all the
same: a rate of the others must never read as if they had not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import log_end_days
from kettrack.analysis.suicidality.people import no_placebo
from kettrack.analysis.suicidality.recorded import (
    WORDS,
    followed,
    recorded_harms,
)
from kettrack.arrays import Bools, Floats
from kettrack.privacy.policies import get_policy
from kettrack.timelines.derived import DerivedCohort

NO_END: Final = "log without an end, so without a rate"
_PEOPLE: Final = "people whose log does not say to which day it is complete"


def events_without_end(
    cohort: DerivedCohort,
    kinds: Sequence[str] = tuple(WORDS),
) -> list[dict[str, object]]:
    """Events since session 1 of people whose log has no end, one row per kind that was recorded.

    Parameters
    ----------
    cohort : DerivedCohort
        Of any size.
    kinds : sequence of str
        Of `WORDS`.

    Returns
    -------
    list of dict
        `key` `what` `phase` `n` (people whose log has no end) `people` `events`. None under a
        policy for release: so few people would be known.
    """
    if get_policy(cohort.policy).for_release:
        return []
    return _rows(cohort, kinds)


def no_end_words(
    cohort: DerivedCohort,
    kinds: Sequence[str] = tuple(WORDS),
) -> str:
    """What was recorded of people whose log has no end; empty where there was nothing.

    Its numbers are those of the rows of `events_without_end`.
    """
    rows = _rows(cohort, kinds)
    if not rows:
        return ""
    if get_policy(cohort.policy).for_release:
        return f"Not in these numbers: events of {_PEOPLE}. Some were recorded."
    told = ", ".join(f"{row['what']} {{{row['key']}.events}}" for row in rows)
    n = f"{{{rows[0]['key']}.n}}"
    return f"Not in these numbers: {n} {_PEOPLE}. Recorded of them: {told}."


def _rows(
    cohort: DerivedCohort,
    kinds: Sequence[str],
) -> list[dict[str, object]]:
    if cohort.events.empty:
        return []
    people = no_placebo(cohort) & ~followed(cohort)
    events = recorded_harms(cohort, people)
    ends = log_end_days(cohort)
    rows = [_row(key, events[key], people, ends) for key in kinds]
    return [row for row in rows if row["events"]]


def _row(
    key: str,
    rows: pd.DataFrame,
    people: Bools,
    ends: Floats,
) -> dict[str, object]:
    day = rows["day"]
    # As for everybody else: nothing counts before session 1, or after a death.
    inside = rows[(day >= 0) & (day <= ends[rows["who"]])]
    return {
        "key": f"{key}_no_end",
        "what": WORDS[key],
        "phase": NO_END,
        "n": int(np.count_nonzero(people)),
        "people": inside["who"].nunique(),
        "events": len(inside),
    }
