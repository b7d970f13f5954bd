"""Rows of a table of shares: of sessions, and of people with it at least once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL
from kettrack.analysis.person_rows import share_rows
from kettrack.analysis.safety.sessions import SafetySessions
from kettrack.arrays import Bools
from kettrack.estimators.clustered import (
    ClusterSums,
    cluster_sums,
    clustered_mean,
    share_of_sums,
)
from kettrack.estimators.exact import clopper_pearson
from kettrack.result import Role
from kettrack.vocabulary.made_of import Share

SHARE_ROLES: Final[dict[str, Role]] = {
    "sessions": "denominator",
    "events": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    "n": "denominator",
    "people_with": "count",
    "people_share": "derived",
    "people_low": "derived",
    "people_high": "derived",
}
# How a policy that rounds makes the figures again.
SHARE_RECIPES: Final = (
    Share(
        value="estimate",
        events="events",
        of="sessions",
        ends=("ci_low", "ci_high"),
        interval="clustered",
    ),
    Share(
        value="people_share",
        events="people_with",
        of="n",
        ends=("people_low", "people_high"),
        interval="exact",
    ),
)
MEAN_ROLES: Final[dict[str, Role]] = {
    "sessions": "denominator",
    "n": "denominator",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
}
# Shares of a few per thousand would all read 0.0.
SHARE_DECIMALS: Final = dict.fromkeys(("estimate", "ci_low", "ci_high"), 2)
SHARE_CAVEAT: Final = (
    f"Sessions are counted per 100 sessions with a record. The {100 * LEVEL:g} % interval counts"
    " people as clusters (Korn and Graubard 1998), since the sessions of one person are alike."
    " Where nothing was seen, it is the exact interval for sessions that tell nothing of one"
    " another."
    " People are counted as the percentage with it at least once, with the exact interval of"
    " Clopper and Pearson; people with more sessions had more chances."
)


def share_row(found: SafetySessions, flag: str, inside: Bools) -> dict[str, Any]:
    """Sessions with something noted, and people with it at least once.

    Parameters
    ----------
    found : SafetySessions
        All sessions.
    flag : str
        What was noted.
    inside : bool, shape (sessions,)
        Sessions that count.
    """
    return share_cells(share_sums(found, flag, inside))


def share_sums(found: SafetySessions, flag: str, inside: Bools) -> ClusterSums:
    """What `share_cells` needs; sums of several sites can be added."""
    # Who has no record counts neither as having it nor as free of it.
    return cluster_sums(*found.by_person(found.flags[flag], inside))


def share_cells(sums: ClusterSums) -> dict[str, Any]:
    """Cells of a row: sessions with something noted, and people with it at least once."""
    share = share_of_sums(sums, LEVEL).interval
    persons = clopper_pearson(sums.people_with, sums.people, LEVEL)
    return {
        "sessions": sums.rows,
        "events": sums.events,
        **share._asdict(),
        "n": sums.people,
        "people_with": sums.people_with,
        "people_share": persons.estimate,
        "people_low": persons.ci_low,
        "people_high": persons.ci_high,
    }


def mean_row(found: SafetySessions, value: str, inside: Bools) -> dict[str, Any]:
    """Mean of a measurement over sessions; people are the clusters.

    Parameters
    ----------
    found : SafetySessions
        All sessions.
    value : str
        What was measured.
    inside : bool, shape (sessions,)
        Sessions that count.
    """
    sums, rows = found.by_person(found.values[value], inside)
    mean = clustered_mean(sums, rows, LEVEL)
    return {
        "sessions": int(rows.sum()),
        "n": int((rows > 0).sum()),
        **mean._asdict(),
    }


def people_rows(
    found: SafetySessions, parts: Mapping[str, tuple[str, Bools]]
) -> list[pd.DataFrame]:
    """Who had it at least once, of those with a record: one row per person and row of the table,
    with `time` = sessions with a record and `value` = sessions with it.

    Parameters
    ----------
    found : SafetySessions
        All sessions.
    parts : mapping
        Key of a row of the table to what was noted, and the sessions that count.
    """
    exports = []
    for key, (flag, inside) in parts.items():
        events, rows = found.by_person(found.flags[flag], inside)
        # People without a record are not known to be free of it.
        there = np.flatnonzero(rows > 0)
        persons = share_rows(key, found.people[there], events[there] > 0)
        exports.append(persons.assign(time=rows[there], value=events[there]))
    return exports
