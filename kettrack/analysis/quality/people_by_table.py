"""Whose rows stand in which file: an id that stands in one file only is often one mistyped."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kettrack.analysis.registry import Answer, question
from kettrack.arrays import Bools, Ints
from kettrack.escapes import in_sentence
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.made_of import Share


@question(
    "people_by_table",
    recipes=(Share(value="estimate", events="n", of="of"),),
    asks="Do the files speak of the same people?",
    unit="patients",
    estimand="Everyone with at least one session in the log.",
    roles={
        "key": "key",
        "who": "label",
        "n": "count",
        "of": "denominator",
        "estimate": "derived",
    },
    show=("who", "n", "of", "estimate"),
)
def people_by_table(cohort: DerivedCohort) -> Answer:
    """How many of those with sessions have scores, scores of the primary instrument, rows among the
    patients, and events.

    Returns
    -------
    Result
        Rows `sessions` `scores` `primary` `complete_log` `no_score`: `n` patients `of` all with a
        session, `estimate` in percent.
    """
    name = cohort.instrument.name
    patients = cohort.patients
    scores = cohort.cohort.columns("scores", ["instrument", "score"])
    scored = scores["score"].notna().to_numpy(bool)
    primary = (scores["instrument"] == name).to_numpy(bool)
    place = cohort.cohort.patient_places("scores")
    any_score = _are_in(place[scored], len(patients))
    of_primary = _are_in(place[scored & primary], len(patients))
    n_events = cohort.events["patient_id"].nunique()
    # Each row is counted by itself: they are no steps of a ladder.
    rows = [
        ("sessions", "have sessions", len(patients)),
        ("scores", "and a score of any scale", int(any_score.sum())),
        ("primary", f"and a {name} score", int(of_primary.sum())),
        ("no_score", "and no score at all", int((~any_score).sum())),
        (
            "complete_log",
            "and a known end of the log",
            _known(patients["observed_to_day"]),
        ),
        ("events", "and an event, such as a hospital stay", n_events),
    ]
    table = pd.DataFrame(rows, columns=["key", "who", "n"])
    n_people = len(patients)
    table = table.assign(of=n_people, estimate=100 * table["n"] / max(n_people, 1))
    return Answer(
        table=table,
        sentence=(
            "Of {sessions.n} people with sessions, {no_score.n} have no score at all, and"
            f" {{primary.n}} have a {in_sentence(name)} score."
        ),
        caveats=(
            "Scores of people without a session are left out; they stand among the rows left out."
            " An id that is written in two ways looks like two people.",
        ),
    )


def _are_in(place: Ints, n: int) -> Bools:
    """Whether each of n patients stands in a list of places."""
    found = np.zeros(n, bool)
    found[place[place >= 0]] = True
    return found


def _known(column: pd.Series) -> int:
    return int(column.notna().sum())
