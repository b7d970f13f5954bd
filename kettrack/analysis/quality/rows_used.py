"""What became of the rows that came in: used, or left out with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pandas as pd

from kettrack.analysis.registry import Answer, question
from kettrack.timelines.derived import DerivedCohort

_COLUMNS: Final = ("key", "what", "became", "n_rows", "n_patients")
# What an import did to a row or cell -> how the table says it.
_DONE: Final = {
    "mended": "cells mended by the import",
    "refused": "refused by the import",
    "dropped": "left out by the import",
}


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
