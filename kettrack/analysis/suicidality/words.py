"""What every answer on suicidal thoughts has to say beside its numbers."""

from __future__ import annotations

from typing import Final

from kettrack.analysis.context import LEVEL
from kettrack.timelines.derived import DerivedCohort

BY_ITSELF: Final = (
    "People begin treatment when they are worse than usual. So thoughts of suicide are more common"
    " before session 1 than they are for the same people at other times, and answers fall"
    " afterwards even where sessions do nothing. A fall alone is no effect of treatment."
)
EXACT: Final = f"Brackets hold exact {100 * LEVEL:g} % intervals (Clopper and Pearson)."
RECORDED: Final = (
    "An answer is what somebody wrote on a form. It does not replace a talk, and nobody knows what"
    " people thought who were not asked. For single people see the review list."
)


def recall_words(
    cohort: DerivedCohort,
    scale: str,
) -> str:
    """How far back a scale looks, where that is known; empty otherwise."""
    recall = cohort.settings.known_instruments[scale].recall()
    if recall.assumed:
        return ""
    return (
        f"The {scale} asks about the last {recall.days:g} days, so an early answer also speaks of"
        " the days before session 1."
    )
