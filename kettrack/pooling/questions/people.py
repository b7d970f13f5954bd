"""Who is counted, and how many sessions people had, from counts of sites."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.courses.session_counts import (
    FIRST_COURSE,
    count_sessions,
    session_counts_sentence,
    session_counts_table,
)
from kettrack.analysis.people.ladder import (
    REASONS,
    count_reasons,
    ladder_sentence,
    ladder_table,
)
from kettrack.analysis.registry import Answer
from kettrack.analysis.rules_in_force import RulesInForce
from kettrack.estimators.survival.life_table import padded
from kettrack.pooling.tallies import PooledQuestion, Shape, Tables
from kettrack.timelines.derived import DerivedCohort

_REASONS: Final = Shape(
    about="Everyone with a session in the log, and those left out, by their first reason.",
    keys={"reason": "started (everyone), or why people are left out"},
    counts={"people": "people"},
    row_part_of=dict.fromkeys(REASONS, "started"),
)
_SESSIONS: Final = Shape(
    about="People by their number of sessions so far.",
    keys={"sessions": "number of sessions"},
    counts={
        "first_course": "people with so many sessions in their first course",
        "in_all": "people with so many sessions in all",
    },
    clock="sessions",
)


def _count_ladder(cohort: DerivedCohort) -> dict[str, pd.DataFrame]:
    counts = count_reasons(cohort)
    table = pd.DataFrame({"reason": list(counts), "people": list(counts.values())})
    return {"reasons": table}


def _ladder(tables: Tables, rules: RulesInForce) -> Answer:
    reasons = tables["reasons"].set_index("reason")["people"]
    # Under a release policy a site may have held a reason back.
    names = ["started", *REASONS]
    counts = {name: int(reasons.get(name, 0)) for name in names}
    table = ladder_table(counts)
    return Answer(
        table=table,
        sentence=ladder_sentence(table),
        caveats=(f"{rules.words}.",),
    )


def _count_lengths(cohort: DerivedCohort) -> dict[str, pd.DataFrame]:
    counts = count_sessions(cohort)
    # Nobody has more sessions in the first course than in all, but the tables are of one length.
    longest = max(len(people) for people in counts.values())
    columns = {name: padded(people, longest) for name, people in counts.items()}
    table = pd.DataFrame({"sessions": np.arange(longest), **columns})
    return {"people": table}


def _lengths(tables: Tables, rules: RulesInForce) -> Answer:
    table = tables["people"]
    by_number = table.groupby("sessions")[list(_SESSIONS.counts)].sum()
    whole = by_number.reindex(range(int(by_number.index.max()) + 1), fill_value=0)
    # Medians need every number of sessions, not only those that the table tells apart.
    counts = {name: whole[name].to_numpy(np.int64) for name in _SESSIONS.counts}
    return Answer(
        table=session_counts_table(counts),
        sentence=session_counts_sentence(),
        caveats=(FIRST_COURSE,),
    )


PEOPLE: Final[tuple[PooledQuestion, ...]] = (
    PooledQuestion(
        question="ladder",
        shapes={"reasons": _REASONS},
        count=_count_ladder,
        answer=_ladder,
    ),
    PooledQuestion(
        question="session_counts",
        shapes={"people": _SESSIONS},
        count=_count_lengths,
        answer=_lengths,
    ),
)
