"""Side effects, from counts of sites."""

from __future__ import annotations

from typing import Final

import pandas as pd

from kettrack.analysis.context import LEVEL
from kettrack.analysis.registry import Answer
from kettrack.analysis.rules_in_force import RulesInForce
from kettrack.analysis.safety.adverse_events import (
    PUBLISHED_CAVEAT,
    count_adverse_events,
    events_sentence,
    events_table,
)
from kettrack.analysis.safety.shares import SHARE_CAVEAT
from kettrack.estimators.clustered import ClusterSums
from kettrack.pooling.tallies import PooledQuestion, Shape, Tables
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.safety import EVENT_TERMS

# Fields of `ClusterSums`, in their order.
_SUMS: Final = {
    "people": "people with a record",
    "people_with": "people with the event at one session or more",
    "rows": "sessions with a record",
    "events": "sessions with the event",
    "rows_squared": "sum over people of their sessions, squared",
    "events_squared": "sum over people of their sessions with the event, squared",
    "rows_by_events": "sum over people of their sessions times those with the event",
}
_SHAPE: Final = Shape(
    about=(
        "Sessions and people with each side effect. The last three sums say how alike the sessions"
        " of one person are."
    ),
    keys={"event": "side effect"},
    counts={**_SUMS, "unrecorded": "sessions of which nothing is recorded"},
    needed=tuple(term.key for term in EVENT_TERMS),
    part_of={"people_with": "people", "events": "rows"},
)


def _count(cohort: DerivedCohort) -> dict[str, pd.DataFrame]:
    # An event that nobody noted is a row of zeros: that it was asked for is news too.
    rows = [
        {
            "event": key,
            **{name: getattr(sums, name) for name in _SUMS},
            "unrecorded": unrecorded,
        }
        for key, (sums, unrecorded) in count_adverse_events(cohort).items()
    ]
    return {"events": pd.DataFrame(rows)}


def event_sums(tables: Tables) -> dict[str, tuple[ClusterSums, int]]:
    """Sums over people, and the sessions without a record, by event."""
    # By name: a summary may list the events in another order.
    rows = tables["events"].set_index("event")
    return {
        str(key): (
            ClusterSums(**{name: int(row[name]) for name in _SUMS}),
            int(row["unrecorded"]),
        )
        for key, row in rows.iterrows()
    }


def _answer(tables: Tables, rules: RulesInForce) -> Answer:
    table = events_table(event_sums(tables))
    return Answer(
        table=table,
        sentence=events_sentence(table),
        caveats=(SHARE_CAVEAT, PUBLISHED_CAVEAT),
        level=LEVEL,
        people=int(tables["events"]["people"].max()),
    )


SAFETY: Final[tuple[PooledQuestion, ...]] = (
    PooledQuestion(
        question="adverse_events",
        shapes={"events": _SHAPE},
        count=_count,
        answer=_answer,
    ),
)
