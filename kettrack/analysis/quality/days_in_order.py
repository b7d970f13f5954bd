"""Days that contradict each other."""

from __future__ import annotations

import pandas as pd

from kettrack.analysis.registry import Answer, question
from kettrack.reading.completeness import contradictions
from kettrack.timelines.derived import DerivedCohort


@question(
    "days_in_order",
    asks="Which days contradict each other?",
    unit="patients",
    log_end=False,
    estimand="Everyone with at least one session in the log.",
    roles={
        "key": "key",
        "what": "label",
        "n": "count",
        "of": "denominator",
    },
    show=("what", "n", "of"),
)
def days_in_order(cohort: DerivedCohort) -> Answer:
    """People with a session or score after the day on which it could have been the last.

    Returns
    -------
    Result
        One row per comparison, also where nobody contradicts it: `n` patients `of` all.
    """
    found = contradictions(cohort.cohort)
    rows = [
        {"key": f"order{place}", "what": one.what, "n": int(one.people.sum())}
        for place, one in enumerate(found, start=1)
    ]
    table = pd.DataFrame(rows).assign(of=len(cohort.patients))
    some = bool((table["n"] > 0).any())
    sentence = (
        "Some days contradict each other: one of the two is wrong."
        if some
        else "No day contradicts another."
    )
    return Answer(table=table, sentence=sentence)
