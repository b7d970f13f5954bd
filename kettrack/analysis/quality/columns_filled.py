"""What the rows hold: which columns are filled in, and how far; and days that contradict each
other.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from kettrack.analysis.registry import Answer, question
from kettrack.reading.completeness import contradictions
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.columns import TABLES
from kettrack.vocabulary.made_of import Share


@question(
    "columns_filled",
    recipes=(Share(value="estimate", events="filled", of="n"),),
    asks="Which columns are filled in, and how far?",
    unit="percent of rows",
    estimand="Rows that are used, of every column that kettrack knows.",
    roles={
        "key": "key",
        "file": "label",
        "column": "label",
        "filled": "count",
        "n": "denominator",
        "estimate": "derived",
    },
    decimals={"estimate": 0},
    show=("file", "column", "filled", "n", "estimate"),
)
def columns_filled(cohort: DerivedCohort) -> Answer:
    """Rows in which each column says something.

    Returns
    -------
    Result
        One row per file and column: `filled` of `n` rows, `estimate` in percent. Items of a scale
        are one row: filled where at least one item is.
    """
    table = pd.DataFrame(list(_rows(cohort)))
    empty = table["filled"] == 0
    sentence = (
        f"{int((~empty).sum())} columns hold something; {int(empty.sum())} are empty."
    )
    return Answer(
        table=table,
        sentence=sentence,
        people=len(cohort.patients),
        caveats=("An empty column is no error. The list below says what it costs.",),
    )


def _rows(cohort: DerivedCohort) -> Iterator[dict[str, object]]:
    tables = {
        "sessions": cohort.sessions,
        "scores": cohort.scores,
        "patients": cohort.patients,
        "events": cohort.events,
    }
    for name, rows in tables.items():
        # An optional file that is not there has no row to fill.
        if rows.empty:
            continue
        for column in TABLES[name].columns:
            # Items of one form are filled in together; thirty bars would hide the rest.
            if not column.name.startswith("item_"):
                filled = _says_something(rows[column.name])
                yield _row(name, column.name, filled)
        if name == "scores":
            items = [each for each in rows.columns if each.startswith("item_")]
            yield _row(name, "items", rows[items].notna().any(axis=1))


def _says_something(column: pd.Series) -> pd.Series:
    # An unknown sex or timing says nothing.
    return column.notna() & (column.astype("object") != "unknown")


def _row(file: str, column: str, filled: pd.Series) -> dict[str, object]:
    n_filled = int(filled.sum())
    return {
        "key": f"{file}_{column}",
        "file": file,
        "column": column,
        "filled": n_filled,
        "n": len(filled),
        "estimate": 100 * n_filled / len(filled),
    }


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
