"""What groups would show if sessions did nothing: groups that are formed by the scores themselves
differ then too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.response.benchmark import (
    NULL_CAVEAT,
    NULL_COLUMNS,
    NullClinics,
    benchmark,
    no_null_caveat,
)
from kettrack.arrays import Floats, Ints
from kettrack.errors import NotIdentified
from kettrack.estimators.survival.competing_risks import (
    aalen_johansen,
    count_competing_risks,
)
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.limits import FEWEST_PEOPLE

# Exits and group of the people of a cohort, by `patient_id`.
Grouped = Callable[[DerivedCohort], tuple[pd.DataFrame, pd.Series]]
# Groups that are formed by scores; the simulated clinic knows nothing else of its people.
OF_SCORES: Final = ("severity", "early_response")
NO_CHARACTERISTICS: Final = (
    "the simulated clinic knows the scores of its people and nothing else of them."
)


def add_group_null(
    table: pd.DataFrame,
    cohort: DerivedCohort,
    grouped: Grouped,
    n_causes: int,
    without: str = "",
    course_over: bool = False,
) -> tuple[pd.DataFrame, str]:
    """The table with the share of each group if sessions did nothing, in percent, and the caveat
    that explains it or says why it is missing.

    Parameters
    ----------
    table : DataFrame
        With `group` and `at`.
    cohort : DerivedCohort
        The clinic.
    grouped : function
        How people are counted, and in which group each is.
    n_causes : int
        Causes among the exits; the first is the event.
    without : str
        Why there is none for such groups, where that is so.
    course_over : bool
        Whether people are counted from the end of the planned course on.
    """
    empty = table.assign(**dict.fromkeys(NULL_COLUMNS, np.nan))
    if without:
        return empty, f"No null for these groups: {without}"

    def measure(null: NullClinics) -> Floats:
        return _shares(null, table, grouped, n_causes)

    try:
        found = benchmark(cohort, measure, course_over=course_over)
    except NotIdentified as error:
        return empty, no_null_caveat("for these groups", error)
    columns = {
        "null": found.value,
        "null_low": found.low,
        "null_high": found.high,
    }
    return table.assign(**columns), NULL_CAVEAT


def _shares(
    null: NullClinics,
    table: pd.DataFrame,
    grouped: Grouped,
    n_causes: int,
) -> Floats:
    """Percent with the event in each row of the table, for each simulated clinic; missing where too
    few are in the group.
    """
    shares = np.full((len(null), len(table)), np.nan)
    try:
        exits, group = grouped(null.cohort)
    except NotIdentified:
        # The simulated clinics may have nobody to count, such as nobody who responded.
        return shares
    label = group.reindex(exits.index).astype(str)
    for name, rows in table.reset_index(drop=True).groupby("group", sort=False):
        times = rows["at"].to_numpy(np.int64)
        measure = partial(_shares_by, times, n_causes)
        people = exits[(label == name).to_numpy()]
        shares[:, rows.index] = null.each(people, measure)
    return shares


def _shares_by(times: Ints, n_causes: int, exits: pd.DataFrame) -> Floats:
    """Percent with the event by some steps."""
    if len(exits) < FEWEST_PEOPLE:
        return np.full(len(times), np.nan)
    counts = count_competing_risks(
        exits["step"].to_numpy(),
        exits["cause"].to_numpy(),
        n_causes,
    )
    _, _, incidence = aalen_johansen(counts.events, counts.at_risk)
    # where nobody is left the last value holds on
    last = np.minimum(times, len(incidence)) - 1
    shares: Floats = 100 * incidence[last, 0]
    return shares


def null_sentence(table: pd.DataFrame) -> str:
    """The same shares if sessions did nothing, for the rows given; empty where one is missing."""
    if table["null"].isna().any():
        return ""
    shares = ", ".join(
        f"{{{key}.null:%}} ({{{key}.null_low:%}} to {{{key}.null_high:%}})"
        for key in table["key"]
    )
    return (
        " In a model fitted to this clinic in which sessions do nothing, these shares are about"
        f" {shares}."
    )
