"""How long an administration takes, by route and dose."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.safety.sessions import (
    GROUPINGS,
    SafetySessions,
    left_out_words,
    safety_sessions,
)
from kettrack.analysis.safety.shares import MEAN_ROLES, mean_row
from kettrack.arrays import Bools
from kettrack.errors import NotIdentified
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.made_of import MEANS, Kept

_QUANTILES: Final = {"q05": 5, "q25": 25, "median": 50, "q75": 75, "q95": 95}
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "grouping": "label",
    "group": "label",
    **MEAN_ROLES,
    **dict.fromkeys(_QUANTILES, "derived"),
}
_EVERYBODY: Final = "all sessions"


@question(
    "session_duration",
    recipes=(
        MEANS,
        Kept(
            values=(
                "q05",
                "q25",
                "median",
                "q75",
                "q95",
            ),
            of="n",
        ),
    ),
    asks="How long does a session take, by route and dose?",
    unit="minutes",
    log_end=False,
    estimand=(
        "Minutes of the administration as recorded, over the sessions of one route or dose band;"
        " waiting and recovery count only where the clinic counts them."
    ),
    roles=_ROLES,
    decimals=dict.fromkeys(_QUANTILES, 0),
    show=tuple(name for name in _ROLES if name != "key"),
)
def session_duration(cohort: DerivedCohort) -> Answer:
    """Minutes of a session: mean with its interval, and where most sessions lie.

    Returns
    -------
    Result
        One row for all sessions, then per route and dose band: `estimate` (mean) with its interval,
        `q05` `q25` `median` `q75` `q95`. Groups of fewer than `FEWEST_PEOPLE` people are left out.
        Refused when no duration is recorded.
    """
    found = safety_sessions(cohort)
    everything = np.ones(len(found.person), bool)
    # Routes differ by hours, so the row of all sessions describes no session.
    rows = _rows(found, "all", "", _EVERYBODY, everything)
    for grouping in ("route", "dose"):
        for place, (group, inside) in enumerate(found.split(grouping)):
            words = GROUPINGS[grouping]
            rows += _rows(found, f"{grouping}{place}", words, group, inside)
    if not rows:
        raise NotIdentified(
            f"the duration of sessions is recorded for fewer than {FEWEST_PEOPLE} people.",
            "duration_min of each session in sessions.csv.",
        )
    table = pd.DataFrame(rows)
    return Answer(
        table=table,
        sentence=_sentence(table),
        caveats=(
            f"The {100 * LEVEL:g} % intervals of means count people as clusters.",
            "Sessions stopped early are among them.",
            *left_out_words(found),
        ),
        level=LEVEL,
    )


def _rows(
    found: SafetySessions, key: str, grouping: str, group: str, inside: Bools
) -> list[dict[str, Any]]:
    """The row of a group, where enough people have a duration."""
    row = mean_row(found, "duration_min", inside)
    if row["n"] < FEWEST_PEOPLE:
        return []
    minutes = found.values["duration_min"][inside]
    known = minutes[~np.isnan(minutes)]
    # The longest and the shortest session would each be one person's.
    quantiles = np.percentile(known, list(_QUANTILES.values())).tolist()
    return [
        {
            "key": key,
            "grouping": grouping,
            "group": group,
            **row,
            **dict(zip(_QUANTILES, quantiles, strict=True)),
        }
    ]


def _sentence(table: pd.DataFrame) -> str:
    """All sessions, then each route."""
    words = (
        "A session took a median of {all.median} minutes; nine of ten took"
        " {all.q05} to {all.q95} minutes."
    )
    routes = table[table["grouping"] == GROUPINGS["route"]]
    # One route alone says what all sessions say.
    named = [f"{{{row.key}.median}} with {row.group}" for row in routes.itertuples()]
    return f"{words} Median minutes: {'; '.join(named)}." if len(named) > 1 else words
