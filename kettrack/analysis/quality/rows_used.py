"""Rows that came in: whose stand in which file, and what became of them, used or left out with a
reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.registry import Answer, question
from kettrack.arrays import Bools, Ints
from kettrack.escapes import in_sentence
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.made_of import Share

_COLUMNS: Final = ("key", "what", "became", "n_rows", "n_patients")
# What an import did to a row or cell -> how the table says it.
_DONE: Final = {
    "mended": "cells mended by the import",
    "refused": "refused by the import",
    "dropped": "left out by the import",
}


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


@question(
    "rows_used",
    asks="What became of every row that came in?",
    unit="rows",
    log_end=False,
    estimand=(
        "Rows of the files of the folder; and rows and cells of the source, where an import made"
        " the folder."
    ),
    roles={
        "key": "key",
        "what": "label",
        "became": "label",
        "n_rows": "count",
        "n_patients": "count",
    },
    show=("what", "became", "n_rows", "n_patients"),
)
def rows_used(cohort: DerivedCohort) -> Answer:
    """Rows used, by table; rows left out on reading, by reason; what an import did before, by
    reason.

    Returns
    -------
    Result
        Rows `sessions`, `scores`, `patients`, `events` (used), `left_out1` ... (by the reader) and
        `import1` ... : `n_rows`, and `n_patients` where it is known.
    """
    table = pd.DataFrame(
        [*_used(cohort), *_left_out(cohort), *_by_import(cohort)],
        columns=list(_COLUMNS),
    )
    # Int64 of pandas: of what an import did nobody knows the patients.
    counts = dict.fromkeys(("n_rows", "n_patients"), "Int64")
    n_reasons = len(cohort.exclusions)
    left_out = (
        "No row was left out on reading."
        if not n_reasons
        else "Rows were left out on reading: the table gives each reason."
    )
    used = "{sessions.n_rows} sessions and {scores.n_rows} scores are used."
    return Answer(
        table=table.astype(counts),
        sentence=f"{used} {left_out}",
        people=len(cohort.patients),
    )


def _used(cohort: DerivedCohort) -> Iterator[tuple[object, ...]]:
    tables = {
        "sessions": cohort.sessions,
        "scores": cohort.scores,
        "patients": cohort.patients,
        "events": cohort.events,
    }
    for name, rows in tables.items():
        people = rows["patient_id"].nunique()
        yield (name, name, "used", len(rows), people)


def _left_out(cohort: DerivedCohort) -> Iterator[tuple[object, ...]]:
    rows = cohort.exclusions.itertuples(index=False)
    for place, row in enumerate(rows, start=1):
        key = f"left_out{place}"
        yield (key, row.reason, "left out on reading", row.n_rows, row.n_patients)


def _by_import(cohort: DerivedCohort) -> Iterator[tuple[object, ...]]:
    # Nobody knows whose rows they were: the codes were given only afterwards.
    remarks = cohort.import_remarks
    told = remarks[remarks["action"].isin(list(_DONE))]
    sizes = (
        told.groupby(["action", "reason"], sort=False)["count"].sum().rename("n_rows")
    )
    rows = sizes.reset_index().itertuples(index=False)
    for place, row in enumerate(rows, start=1):
        yield (f"import{place}", row.reason, _DONE[str(row.action)], row.n_rows, None)
