"""What is true of a simulated clinic, beside the answers that should have found it."""

from __future__ import annotations

from typing import Final

import pandas as pd

from kettrack.analysis.session_answers.method_rows import sessions_compared
from kettrack.result import Result
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import NEXT_SESSION_GRACE_DAYS
from kettrack.vocabulary.instruments import PHQ9

_STOP_AFTER_ROWS: Final = ("stop_after", "strict", "g_formula")
TRUTH_SHOWN: Final = (
    "The clinic is simulated, so the truth is known: it was found by settling what happens to many"
    " simulated people instead of looking at who stops when. A clinic of real people has no such"
    " column."
)


def truths_of(
    cohort: DerivedCohort,
    stop: Result,
) -> dict[str, float]:
    """The truth of each answer of which a simulated clinic knows it; empty for any other clinic.

    The row `next_session` asks about a session within the grace, and about the first score after
    the recall. The rows of `stop_after` have a truth for the numbers of sessions that the file
    names, and where no session follows.
    """
    truths = cohort.cohort.truths
    scale = cohort.instrument
    # What is simulated is a PHQ-9.
    if not truths or scale.name != PHQ9.name:
        return {}
    begin = NEXT_SESSION_GRACE_DAYS + scale.recall().days
    k, m = sessions_compared(stop)
    wanted = {"next_session": f"going_on_from_day_{begin}"}
    for row in _STOP_AFTER_ROWS:
        wanted[row] = f"stop_after_{k}_minus_{m}"
    return {
        row: truths[name]
        for row, name in wanted.items()
        # A truth of other numbers of sessions is none of these.
        if name in truths
    }


def with_truths(
    table: pd.DataFrame,
    cohort: DerivedCohort,
    stop: Result,
) -> pd.DataFrame:
    """The table with the column `truth`; missing where none is known."""
    truths = truths_of(cohort, stop)
    known = table["key"].map(truths)
    return table.assign(truth=known.astype("float64"))
