"""How long a response lasts, and how often it is lost, from counts of sites."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

import pandas as pd

from kettrack.analysis.context import LEVEL
from kettrack.analysis.durability.counts import Estimand, watch
from kettrack.analysis.durability.curve import (
    COURSE_ROLES,
    LEFT_OUT,
    ROLES,
    count_left_out,
    weekly_rows,
    with_single_score,
)
from kettrack.analysis.durability.day_counts import (
    BY_DAY,
    DayCounts,
    count_by_day,
    days_told,
    shares_by_day,
)
from kettrack.analysis.durability.recurrent_loss import (
    count,
    estimate,
    losses_sentence,
    require_followed,
)
from kettrack.analysis.durability.words import ORIGINS, as_some_logs_end, sentence
from kettrack.analysis.registry import Answer
from kettrack.analysis.rules_in_force import RulesInForce
from kettrack.errors import NotIdentified
from kettrack.pooling.curves import (
    LOG_ENDS,
    RECURRENCE,
    by_day_of,
    days_tally,
    life_of,
    life_tally,
    recurrence_of,
    recurrence_tallies,
)
from kettrack.pooling.tallies import PooledQuestion, Shape, Tables
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.spells import Origin, response_origins
from kettrack.vocabulary.limits import FEWEST_PEOPLE

# Off treatment people are weighted, and a weight needs a model of all rows.
_POOLED: Final[tuple[Estimand, ...]] = ("treatment_policy", "composite")
_KEYS: Final = {
    "rule": "in_force, or single_score: one score is enough",
    "estimand": "treatment_policy: later sessions ignored; composite: they count as a loss",
}
_DAY: Final = {"day": "days since the score that showed the response"}
_SHAPES: Final = {
    "days": Shape(
        about="What became of the people whose response is watched, by day.",
        keys={**_KEYS, **_DAY},
        counts={
            "censored": "people followed no further",
            "lost": "people who lost the response",
            "retreated": "people who left the count with another session",
            "came_again": "people who had another session",
            "waited": "those of them with a loss that no second score had confirmed yet",
            "silent": "people who were no longer scored although their log went on",
        },
        clock="day",
        optional=True,
    ),
    "bounds": Shape(
        about="Losses by day if what is not known were settled one way or the other.",
        keys={
            **_KEYS,
            "settled": (
                "bound: losses that no second score confirmed; silent: the silent besides; low: all"
                " are losses, high: none is"
            ),
            **_DAY,
        },
        counts={
            "events": "people with a loss, or with another session where that counts",
            LOG_ENDS: "people followed no further",
        },
        clock="day",
        optional=True,
    ),
    "not_watched": Shape(
        about="People whose response is not watched.",
        keys={"reason": "first reason that applies"},
        counts={"people": "people"},
    ),
}


def _count(cohort: DerivedCohort, origin: Origin) -> dict[str, pd.DataFrame]:
    why = response_origins(cohort, origin)
    # People who are not watched count in the answer as well, by their reason.
    reasons = count_left_out(why)
    left_out = {"reason": list(reasons), "people": list(reasons.values())}
    tables = {"not_watched": pd.DataFrame(left_out)}
    # A site in which nobody responded has people who are not watched, and no days.
    if why["why_not"].notna().all():
        return tables
    days = []
    bounds = []
    for watched in watch(cohort, origin):
        for kind in _POOLED:
            keys = {"rule": watched.name, "estimand": kind}
            counts = count_by_day(watched, kind)
            days.append(days_tally(keys, BY_DAY, counts.by_day))
            bounds += [
                life_tally({**keys, "settled": name}, life)
                for name, life in counts.settled.items()
            ]
    return {"days": pd.concat(days), "bounds": pd.concat(bounds), **tables}


def _answer(tables: Tables, rules: RulesInForce, origin: Origin) -> Answer:
    days = tables.get("days", pd.DataFrame(columns=_SHAPES["days"].columns))
    curves = {of: _counts(days, tables, of) for of in _curves(days)}
    # Everybody watched leaves by one of the first three columns.
    watched = [each.by_day[:, :3].sum() for each in curves.values()]
    if max(watched, default=0) < FEWEST_PEOPLE:
        raise NotIdentified(
            f"fewer than {FEWEST_PEOPLE} people are known to have responded"
            f" {ORIGINS[origin]}.",
            "a score after the planned course and before any further session, for everyone.",
        )
    rows = [
        weekly_rows(each, shares_by_day(each, of[0], days_told(each, of[0])), of)
        for of, each in curves.items()
    ]
    reasons = tables["not_watched"].set_index("reason")["people"]
    # Under a release policy a site may have held a reason back.
    left_out = {name: int(reasons.get(name, 0)) for name in LEFT_OUT}
    table = pd.concat(rows, ignore_index=True).assign(**left_out)
    columns = COURSE_ROLES if origin == "end_of_course" else ROLES
    table = with_single_score(table).reindex(columns=list(columns))
    said = sentence(table, origin, _POOLED)
    return Answer(
        table=table,
        sentence=said if rules.log_end_known else as_some_logs_end(said),
        caveats=(
            f"Loss of response: {rules.in_words['loss_of_response']}. {rules.words}.",
            "What would be seen without a further session is not pooled: the weights for it need"
            " the rows of single people.",
        ),
        level=LEVEL,
    )


def _curves(days: pd.DataFrame) -> list[tuple[Estimand, str]]:
    """Estimand and rule of each curve, in the order of the question's own table."""
    rules = [
        name for name in ("in_force", "single_score") if (days["rule"] == name).any()
    ]
    return [(kind, rule) for rule in rules for kind in _POOLED]


def _counts(days: pd.DataFrame, tables: Tables, of: tuple[Estimand, str]) -> DayCounts:
    """The counts of one curve."""
    kind, rule = of
    here = days[(days["estimand"] == kind) & (days["rule"] == rule)]
    # Which bounds there are depends on the rule: one score leaves nothing unconfirmed.
    bounds = tables["bounds"]
    bounds = bounds[(bounds["estimand"] == kind) & (bounds["rule"] == rule)]
    settled = {
        name: life_of(bounds[bounds["settled"] == name])
        for name in ("bound_low", "bound_high", "silent_low", "silent_high")
        if (bounds["settled"] == name).any()
    }
    return DayCounts(by_day_of(here, BY_DAY), settled)


def _count_losses(cohort: DerivedCohort) -> dict[str, pd.DataFrame]:
    return recurrence_tallies(count(cohort))


def _losses(tables: Tables, rules: RulesInForce) -> Answer:
    table = estimate(recurrence_of(tables))
    require_followed(table)
    return Answer(
        table=table,
        sentence=losses_sentence(table),
        caveats=(
            f"Loss of response: {rules.in_words['loss_of_response']}. {rules.words}.",
            "This is a mean over people: some lose the response many times, most never.",
        ),
        level=LEVEL,
    )


_QUESTIONS: Final[Mapping[str, Origin]] = {
    "durability": "end_of_course",
    "durability_from_response": "first_response",
    "durability_of_every_response": "any_response",
}
# Only after the planned course is it told for one clinic.
_NO_NULL: Final = " So does the model of sessions that do nothing."
DURABILITY: Final[tuple[PooledQuestion, ...]] = (
    *(
        PooledQuestion(
            question=name,
            shapes=_SHAPES,
            lacks=(
                "The hypothetical strategy (no further session): its weights need the rows of"
                f" single people.{_NO_NULL if origin == 'end_of_course' else ''}"
            ),
            count=partial(_count, origin=origin),
            answer=partial(_answer, origin=origin),
        )
        for name, origin in _QUESTIONS.items()
    ),
    PooledQuestion(
        question="recurrent_loss",
        shapes=RECURRENCE,
        nearly_rows=True,
        count=_count_losses,
        answer=_losses,
    ),
)
