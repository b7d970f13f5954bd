"""Events by day since session 1, from counts of sites: response, remission, and getting worse."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

import pandas as pd

from kettrack.analysis.context import LEVEL, never_scored_again
from kettrack.analysis.courses.by_week import WEEK_CAUSES, table_by_week
from kettrack.analysis.courses.worsening import (
    NOBODY_SCORED_TWICE,
    count_worsening,
    worsening_counts,
    worsening_shares,
    worsening_table,
)
from kettrack.analysis.registry import Answer
from kettrack.analysis.response.across_courses import week_sentence
from kettrack.analysis.response.time_to import (
    count_event_days,
    days_sentence,
    days_until,
)
from kettrack.analysis.rules_in_force import RulesInForce
from kettrack.errors import NotIdentified
from kettrack.escapes import in_sentence
from kettrack.estimators.survival.competing_risks import ExitCounts
from kettrack.pooling.curves import exit_shape, exit_tally, exits_of
from kettrack.pooling.tallies import PooledQuestion, Shape, Tables
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.plain_words import share_with_interval

_FIRST: Final = 0  # day of session 1
# Days and not weeks: weeks are made from the sum, so that days_until needs nothing else.
_CLOCK: Final = {"day": "days since session 1"}
_CAUSE_WORDS: Final = {
    "event": "people whose first {} was seen on this day",
    "stopped": "people who left on this day without it, their sessions being over",
    "not_scored": "people who left on this day without it, nobody scoring them any more",
}


def _shape(about: str, event: str, optional: bool = False) -> Shape:
    words = {name: _CAUSE_WORDS[name].format(event) for name in WEEK_CAUSES}
    return replace(exit_shape(about, _CLOCK, words), optional=optional)


# ---- response and remission


def _days_shape(event: str) -> Shape:
    return _shape(f"First {event} by day, in all courses and after them.", event)


def _count_days(cohort: DerivedCohort, event: str) -> dict[str, pd.DataFrame]:
    counts = count_event_days(cohort, event)
    return {event: exit_tally(_days_shape(event), counts, _FIRST)}


def _known_days(tables: Tables, event: str) -> ExitCounts:
    """The counts of all sites; refused where nobody was scored after session 1."""
    counts = exits_of(_days_shape(event), tables[event], _FIRST)
    # whoever was never scored leaves on the day of session 1
    never = int(counts.events[:1, WEEK_CAUSES.index("not_scored")].sum())
    everybody = int(counts.events.sum() + counts.censored.sum())
    if 0 < everybody == never:
        raise never_scored_again()
    return counts


def _days(tables: Tables, rules: RulesInForce, event: str) -> Answer:
    table = days_until(_known_days(tables, event), event)
    return Answer(
        table=table,
        sentence=days_sentence(table, event),
        caveats=(_rule_words(rules, event),),
        level=LEVEL,
    )


def _weeks(tables: Tables, rules: RulesInForce) -> Answer:
    table = table_by_week(_known_days(tables, "response"))
    return Answer(
        table=table,
        sentence=week_sentence(table),
        caveats=(_rule_words(rules, "response"),),
        level=LEVEL,
    )


def _rule_words(rules: RulesInForce, event: str) -> str:
    return f"{event.capitalize()}: {rules.in_words[event]}. {rules.words}."


# ---- worse

# Four curves of the same people, so that good and bad news are counted in one way.
_WORSE: Final = {
    "event": _shape("First worsening while sessions go on.", "worsening"),
    "confirmed": _shape(
        "The same, if a second score must confirm it.", "confirmed worsening"
    ),
    "any_time": _shape(
        "The same, counted for as long as somebody scores.", "worsening"
    ),
    "responded": _shape(
        "First response of the people with a rated baseline, counted in the same way.",
        "response",
        optional=True,
    ),
}
_GROUPS: Final = Shape(
    about="People with a baseline and a later score, and those of them who got worse.",
    keys={
        "key": "name of the row",
        "people": "group of people",
        "rule": "how many scores must show it",
    },
    counts={
        "n": "people in the group",
        "could": "those of them whose baseline leaves room to get worse",
        "events": "those of them who got worse",
    },
    needed=("worse",),
    part_of={"could": "n", "events": "n"},
)


def _count_worse(cohort: DerivedCohort) -> dict[str, pd.DataFrame]:
    counts = count_worsening(cohort)
    return {
        name: exit_tally(_WORSE[name], each, _FIRST) for name, each in counts.items()
    }


def _worse_by_week(tables: Tables, rules: RulesInForce) -> Answer:
    counts = {
        name: exits_of(_WORSE[name], table, _FIRST) for name, table in tables.items()
    }
    # What remains stands beside the curve.
    main = counts.pop("event")
    table = worsening_table(main, counts)
    last = f"row{table['week'].iloc[-1]}"
    return Answer(
        table=table,
        sentence=(
            f"Of {{{last}.n}} people who started with a baseline, {share_with_interval(last)} had"
            f" been worse by week {{{last}.week}}, while their sessions went on; the sessions of"
            f" {{{last}.stopped:%}} had ended before, and {{{last}.not_scored:%}} were no longer"
            f" scored. Scores after the last session included: {{{last}.any_time:%}}."
        ),
        caveats=(_rule_words(rules, "deterioration"),),
        level=LEVEL,
    )


def _count_groups(cohort: DerivedCohort) -> dict[str, pd.DataFrame]:
    return {"people": worsening_counts(cohort)}


def _worsening(tables: Tables, rules: RulesInForce) -> Answer:
    counts = tables["people"]
    # A site without anybody scored twice sends zeros; all sites may.
    if not counts["n"].any():
        raise NotIdentified(
            NOBODY_SCORED_TWICE,
            "scores before and after session 1.",
        )
    table = worsening_shares(counts.reset_index(drop=True))
    # Where the rule itself asks for two scores there is no such row.
    confirmed = (
        " A second score confirmed it in {worse_confirmed.events} people,"
        f" {share_with_interval('worse_confirmed')}."
    )
    return Answer(
        table=table,
        sentence=(
            f"{{worse.events}} of {{worse.n}} people, {share_with_interval('worse')}, were worse"
            f" than before treatment ({in_sentence(rules.in_words['deterioration'])})."
            f"{confirmed if 'worse_confirmed' in set(table['key']) else ''}"
        ),
        caveats=(_rule_words(rules, "deterioration"),),
        level=LEVEL,
    )


BY_DAY: Final[tuple[PooledQuestion, ...]] = (
    *(
        PooledQuestion(
            question=f"time_to_{event}",
            shapes={event: _days_shape(event)},
            count=partial(_count_days, event=event),
            answer=partial(_days, event=event),
        )
        for event in ("response", "remission")
    ),
    PooledQuestion(
        question="response_by_week",
        shapes={"response": _days_shape("response")},
        count=partial(_count_days, event="response"),
        answer=_weeks,
    ),
    PooledQuestion(
        question="worsening_by_week",
        shapes=_WORSE,
        count=_count_worse,
        answer=_worse_by_week,
    ),
    PooledQuestion(
        question="worsening",
        shapes={"people": _GROUPS},
        count=_count_groups,
        answer=_worsening,
    ),
)
