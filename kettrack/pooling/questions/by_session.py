"""Response and remission by session, from counts of sites."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL
from kettrack.analysis.registry import Answer
from kettrack.analysis.response.across_courses import (
    all_courses_table,
    any_session_sentence,
    count_all_courses,
)
from kettrack.analysis.response.curve_words import session_sentence
from kettrack.analysis.response.exits import CAUSES
from kettrack.analysis.response.response_curve import (
    NULLS,
    add_other_events,
    count,
    estimate,
    other_events,
    require_somebody_known,
    require_starters,
)
from kettrack.analysis.rules_in_force import RulesInForce
from kettrack.pooling.curves import exit_shape, exit_tally, exits_of
from kettrack.pooling.tallies import PooledQuestion, Shape, Tables
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import COMPLETE_LOG_DAYS

_FIRST: Final = 1  # sessions are numbered from 1
_CAUSE_WORDS: Final = {
    "responded": "people whose {} was first seen after this session",
    "stopped": "people who stopped with this session, without it",
    "not_scored": "people never scored after this session, their last",
    "completed": "people who completed the course with this session, without it",
    "scored_later": "people scored only later after this session, their last",
}
# Said with every share, since the curve of a clinic has that model beside it.
_NO_NULL: Final = (
    "No model of sessions that do nothing stands beside it: it is fitted to rows of single people."
    " People also get better by themselves."
)


def _shape(about: str, event: str) -> Shape:
    words = {name: _CAUSE_WORDS[name].format(event) for name in CAUSES}
    return exit_shape(about, {"session": "number of the session"}, words)


def curve_shapes(event: str) -> dict[str, Shape]:
    """Tables of one curve, by what counts as the event."""
    start = "How everyone with a rated baseline left the first course"
    shapes = {
        event: _shape(f"{start}, by session.", event),
        "confirmed": _shape(
            f"{start}, if a second score must confirm the {event}.", event
        ),
    }
    # Remission stands beside response, and not the other way round.
    if event == "response":
        instead = f"{start}, with remission in its place."
        # Rules without remission leave it out.
        shapes["remitted"] = replace(_shape(instead, "remission"), optional=True)
    return shapes


def _count(cohort: DerivedCohort, event: str) -> dict[str, pd.DataFrame]:
    counts = {event: count(cohort, event), **other_events(cohort, event)}
    shapes = curve_shapes(event)
    return {
        name: exit_tally(shapes[name], each, _FIRST) for name, each in counts.items()
    }


def _answer(tables: Tables, rules: RulesInForce, event: str) -> Answer:
    shapes = curve_shapes(event)
    counts = {
        name: exits_of(shapes[name], table, _FIRST) for name, table in tables.items()
    }
    # What remains stands beside the curve.
    main = counts.pop(event)
    require_starters(main)
    require_somebody_known(main)
    table = add_other_events(estimate(main), counts, event)
    # The figures of a clinic have these columns; here they are missing.
    table = table.assign(**dict.fromkeys(NULLS, np.nan))
    return Answer(
        table=table.astype({"counted": "Int64"}),
        sentence=session_sentence(table, event),
        caveats=(*_caveats(rules, event), _NO_NULL),
        level=LEVEL,
    )


def _caveats(rules: RulesInForce, event: str) -> tuple[str, ...]:
    return (
        f"{event.capitalize()}: {rules.in_words[event]}. Rules: {rules.label}.",
        "Counted: everyone with a rated baseline and a log that is complete for"
        f" {COMPLETE_LOG_DAYS} days after session 1, scored afterwards or not. The shares are not"
        " the effect of giving more sessions, because people do not stop by chance.",
    )


# ---- all courses

_ALL: Final = _shape(
    "How everyone with a rated baseline left the count of all courses, by session.",
    "response",
)


def _count_all(cohort: DerivedCohort) -> dict[str, pd.DataFrame]:
    first = curve_shapes("response")["response"]
    return {
        "all_courses": exit_tally(_ALL, count_all_courses(cohort), _FIRST),
        "first_course": exit_tally(first, count(cohort), _FIRST),
    }


def _all_courses(tables: Tables, rules: RulesInForce) -> Answer:
    everything, first = (
        exits_of(_ALL, tables[name], _FIRST) for name in ("all_courses", "first_course")
    )
    require_starters(everything)
    require_somebody_known(everything)
    table = all_courses_table(everything, first)
    return Answer(
        table=table,
        sentence=any_session_sentence(table),
        caveats=(*_caveats(rules, "response"), _NO_NULL),
        level=LEVEL,
    )


_NULL_LACKS: Final = (
    "The curve of sessions that do nothing: a model fitted to rows of single people."
)
BY_SESSION: Final[tuple[PooledQuestion, ...]] = (
    *(
        PooledQuestion(
            question=f"{event}_by_session",
            shapes=curve_shapes(event),
            lacks=_NULL_LACKS,
            count=partial(_count, event=event),
            answer=partial(_answer, event=event),
        )
        for event in ("response", "remission")
    ),
    PooledQuestion(
        question="response_by_any_session",
        shapes={
            "all_courses": _ALL,
            "first_course": curve_shapes("response")["response"],
        },
        count=_count_all,
        answer=_all_courses,
    ),
)
