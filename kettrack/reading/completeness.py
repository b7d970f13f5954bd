"""What a cohort that can be read still lacks: questions that will be refused, and days that do not
fit together.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pandas as pd

from kettrack.privacy.disclosure import get_policy
from kettrack.reading.cohort import Cohort
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS, DAYS_IN_WEEK

# `observed_to_day` is floored to whole weeks, so rows of the week after it are no contradiction
ENDS: Final = {"sessions": "session", "scores": "score"}


def missing_information(cohort: Cohort) -> list[str]:
    """Say what cannot be answered from a cohort for want of a column, and which days contradict one
    another.

    Returns
    -------
    list of str
        One sentence each, with how to record it; none is an error. Counts are left out under a
        release policy.
    """
    return [*_missing(cohort), *_contradictions(cohort)]


def _missing(cohort: Cohort) -> Iterator[str]:
    patients = cohort.patients
    name = cohort.instrument.name
    unknown = patients["observed_to_day"].isna()
    if unknown.any():
        yield (
            f"observed_to_day is missing for {_of(unknown, cohort)}: without it a stop cannot be"
            " told from a gap. "
            + (
                "Response and remission by session, the same if nobody had stopped, whether to go"
                " on, and what more sessions change will be refused. "
                if unknown.all()
                else "They are left out of the shares by session. "
            )
            + "Record in patients.csv the last day, on the patient's own clock, to which the log"
            " is complete."
        )
    scores = cohort.scores[
        (cohort.scores["instrument"] == name) & cohort.scores["score"].notna()
    ]
    first = scores[
        scores["day"].between(-BASELINE_WINDOW_DAYS, 0)
        & ~((scores["day"] == 0) & (scores["timing"] == "after"))
    ]
    unrated = ~patients["patient_id"].isin(first["patient_id"])
    if unrated.any():
        yield (
            f"No {name} in the {BASELINE_WINDOW_DAYS} days up to session 1 for"
            f" {_of(unrated, cohort)}:"
            " no change and no response can be told. Record a score before the first session."
        )
    if patients["planned_sessions"].isna().all():
        yield (
            "planned_sessions is recorded for nobody: nobody can be said to have completed a"
            " course, and the first course is read off the gaps between sessions. Record how many"
            " sessions were planned at the start."
        )
    asked = cohort.instrument.suicidality_item
    item = f"item_{asked.value:.0f}" if asked is not None and asked.usable else ""
    if item and (item not in cohort.scores or scores[item].isna().all()):
        yield (
            f"{item} of the {name} is recorded for nobody: the review list knows nothing of"
            " suicidal thoughts from it."
        )


def _contradictions(cohort: Cohort) -> Iterator[str]:
    patients = cohort.patients.set_index("patient_id")
    last = {
        table: getattr(cohort, table).groupby("patient_id")["day"].max()
        for table in ENDS
    }
    limits = {
        "stop_day": (0, ("sessions",)),
        "observed_to_day": (DAYS_IN_WEEK - 1, ("sessions", "scores")),
    }
    for column, (spare, tables) in limits.items():
        for table in tables:
            day = patients[column].astype("Float64") + spare
            later = (
                (last[table].reindex(patients.index).astype("Float64") > day)
                .fillna(False)
                .astype(bool)
            )
            if later.any():
                yield (
                    f"{column} lies before a later {ENDS[table]} of {_of(later, cohort)}: one of"
                    " the two is wrong. "
                    f"{'Treatment goes on after a stop' if column == 'stop_day' else 'The log goes on after its end'}."
                )


def _of(flags: pd.Series, cohort: Cohort) -> str:
    """How many of how many patients; under a release policy only whether all."""
    if flags.all():
        return "every patient"
    if get_policy(cohort.settings.policy).smallest_count > 1:
        return "some patients"
    return f"{int(flags.sum()):,} of {len(flags):,} patients"
