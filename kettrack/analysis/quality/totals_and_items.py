"""Totals and the items under them, scale by scale."""

from __future__ import annotations

import pandas as pd

from kettrack.analysis.registry import Answer, question
from kettrack.errors import NotIdentified
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.instrument import Instrument


@question(
    "totals_and_items",
    asks="Which scores have their items, and which have no total?",
    unit="scores",
    log_end=False,
    estimand="Scores that are used, by scale.",
    roles={
        "key": "key",
        "scale": "label",
        "all_items": "count",
        "some_items": "count",
        "no_items": "count",
        "no_total": "count",
        "lowest_score": "count",
        "highest_score": "count",
        "n": "denominator",
    },
)
def totals_and_items(cohort: DerivedCohort) -> Answer:
    """By scale: scores with all items, with some, with none; rows without a total; and scores at
    the two ends of the range.

    Returns
    -------
    Result
        One row per scale: `all_items` + `some_items` + `no_items` = `n` rows. `no_total` of them
        are empty; `lowest_score` and `highest_score` stand at an end of the range.
    """
    scores = cohort.scores
    names = [str(name) for name in scores["instrument"].drop_duplicates()]
    if not names:
        raise NotIdentified("There is no score.", "scores.")
    known = cohort.settings.known_instruments
    rows = [_row(known[name], scores[scores["instrument"] == name]) for name in names]
    return Answer(
        table=pd.DataFrame(rows),
        people=len(cohort.patients),
        sentence="Totals that disagree with their items stop the reading, so none stands here.",
        caveats=(
            "A row without a total is an incomplete form: its items are no sum, and it is not"
            " counted as a score.",
        ),
    )


def _row(scale: Instrument, rows: pd.DataFrame) -> dict[str, object]:
    items = [
        f"item_{number}"
        for number in range(1, scale.n_items + 1)
        if f"item_{number}" in rows
    ]
    n_filled = rows[items].notna().sum(axis=1)
    # A scale without items has no answer that could be missing.
    complete = (n_filled == scale.n_items) & (scale.n_items > 0)
    # A form without an answer may have a total all the same, copied from paper.
    none = n_filled == 0
    score = rows["score"]
    return {
        "key": scale.name,
        "scale": scale.name,
        "all_items": int(complete.sum()),
        "some_items": int((~complete & ~none).sum()),
        "no_items": int(none.sum()),
        "no_total": int(score.isna().sum()),
        "lowest_score": int((score == scale.minimum).sum()),
        "highest_score": int((score == scale.maximum).sum()),
        "n": len(rows),
    }
