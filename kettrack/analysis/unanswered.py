"""Which questions a cohort cannot answer, found by asking them all."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.registry import Question, load_questions
from kettrack.analysis.response.benchmark import without_intervals
from kettrack.reading.cohort import Cohort
from kettrack.timelines.derived import DerivedCohort, derive

# A refusal shows with few patients as with many; asking everything of a large cohort takes long.
MOST_PATIENTS: Final = 5_000
_COLUMNS: Final = (
    "question",
    "asks",
    "reason",
    "what_to_record",
)
# Whether there is an answer does not hang on the width of its interval.
_FEW_REPLICATES: Final = 20
# Options of questions that simulate clinics, or are put together from the answers to others.
_NOT_ASKED: Final = {"cohorts", "calibrations"}


def unanswered(cohort: Cohort | DerivedCohort) -> pd.DataFrame:
    """Ask every question, and list those that the data cannot answer.

    Questions that only simulate clinics, or put the answers to others side by side, are not asked.
    Of a cohort of more than 5,000 patients the first 5,000 by their code are asked about.

    Parameters
    ----------
    cohort : Cohort or DerivedCohort
        From `load_cohort` or `derive`.

    Returns
    -------
    DataFrame
        One row per question without an answer: `question` `asks` `reason` `what_to_record`.

    Examples
    --------
    >>> from kettrack import cohort_from_frames
    >>> sessions = pd.DataFrame({"patient_id": ["A", "B"], "day": 0})
    >>> scores = sessions.assign(day=-1, instrument="PHQ-9", score=[17, 21])
    >>> few = unanswered(cohort_from_frames(sessions, scores))
    >>> "response_by_session" in few["question"].tolist()
    True
    """
    # Nor does it hang on the interval of a benchmark.
    derived = without_intervals(_few_of(derive(cohort)))
    refused = []
    for name, asked in load_questions().items():
        if _NOT_ASKED & set(asked.options):
            continue
        result = asked.answer(derived, **_cheap(asked))
        if result.status == "refused":
            row = {
                "question": name,
                "asks": asked.asks,
                "reason": result.reason,
                "what_to_record": result.collect,
            }
            refused.append(row)
    return pd.DataFrame(refused, columns=list(_COLUMNS))


def _cheap(asked: Question) -> dict[str, Any]:
    """The options by which a question costs least."""
    options = {}
    if "replicates" in asked.options:
        options["replicates"] = _FEW_REPLICATES
    return options


def _few_of(derived: DerivedCohort) -> DerivedCohort:
    """The same cohort, or its first patients where it is large."""
    n = len(derived.patients)
    if n <= MOST_PATIENTS:
        return derived
    return derived.of_people(np.arange(n) < MOST_PATIENTS)
