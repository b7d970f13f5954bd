"""Every table that comes out, column by column: from the functions that make it, and the sample."""

from __future__ import annotations

from collections.abc import Callable

import docstrings
import md
import pandas as pd

import kettrack as kt
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.columns import TABLES

MADE_BY: dict[str, Callable[[DerivedCohort], pd.DataFrame]] = {
    "kettrack courses": kt.courses_table,
    "kettrack timeline": kt.timeline_table,
    "kettrack outcomes": kt.outcomes_table,
    "kettrack events": kt.state_events_table,
    "kettrack review": kt.review_table,
    "": kt.person_sessions_table,
}
# Where a docstring leaves the columns to another function.
SAID_BY = {"courses_table": "kettrack.timelines.courses.derive_courses"}
# A column that goes in and comes out again under its name is described where it goes in.
COMES_IN = {
    column.name: column.about for table in TABLES.values() for column in table.columns
}
MOST_VALUES = 12


def tables_page(cohort: DerivedCohort) -> str:
    """The data dictionary of what comes out."""
    sections = [
        _section(command, function, function(cohort))
        for command, function in MADE_BY.items()
    ]
    return md.page(
        md.anchor("tables-out"),
        "# Every table that comes out",
        "Each table is a plain DataFrame in Python, and CSV or Parquet from the command line."
        " *Empty* says how many of the rows of the synthetic sample have no value. A truth value is"
        " `TRUE` or `FALSE` in CSV. What goes in stands in"
        " [the data dictionary](../../data/sample/data_dictionary.md), and every variable of the"
        " standard tables (CDISC, OMOP) in [Export](../export.md).",
        *sections,
    )


def _section(command: str, function: Callable[..., object], table: pd.DataFrame) -> str:
    name = function.__name__
    told = _told(function)
    rows = [_row(column, table[column], told) for column in table.columns]
    by = (
        f"`{command}`, or in Python `kt.{name}`"
        if command
        else f"In Python: `kt.{name}`"
    )
    return md.page(
        f"## {name}",
        f"{docstrings.first_line(function)} {by}.",
        md.table(("column", "kind", "what stands in it", "empty"), rows),
    )


def _told(function: Callable[..., object]) -> dict[str, str]:
    elsewhere = SAID_BY.get(function.__name__)
    if elsewhere is None:
        return docstrings.columns(function)
    module, _, name = elsewhere.rpartition(".")
    return docstrings.columns(getattr(__import__(module, fromlist=[name]), name))


def _row(column: str, values: pd.Series, told: dict[str, str]) -> tuple[str, ...]:
    kind = str(values.dtype)
    meaning = (
        told.get(column) or _of_every_event(column, told) or COMES_IN.get(column, "")
    )
    if isinstance(values.dtype, pd.CategoricalDtype):
        kind = "choice"
        listed = [str(one) for one in values.cat.categories]
        # Study codes are categories too, and name single people.
        if len(listed) <= MOST_VALUES:
            meaning = f"{meaning}; one of: {', '.join(listed)}".lstrip("; ")
    return md.code(column), kind, meaning, f"{100 * values.isna().mean():.0f} %"


def _of_every_event(column: str, told: dict[str, str]) -> str:
    """What is said of `E_day`, for a column such as `response_day`."""
    endings = [one for one in told if one.startswith("E_")]
    fitting = [one for one in endings if column.endswith(one.removeprefix("E"))]
    return told[max(fitting, key=len)] if fitting else ""
