"""Thoughts of suicide that were not there before session 1: in whom, and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL, require_log_end
from kettrack.analysis.courses.by_week import (
    WEEK_RECIPES,
    WEEK_ROLES,
    count_days,
    exits_from,
    last_session_day,
    table_by_week,
    week_rows,
)
from kettrack.analysis.person_rows import joined, share_rows
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.suicidality.people import (
    ANY_THOUGHT,
    COLLECT,
    EXACT,
    RECORDED,
    Asked,
    main_scale,
    no_placebo,
    recall_words,
)
from kettrack.arrays import Bools, Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.exact import clopper_pearson
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS
from kettrack.vocabulary.made_of import COUNTED
from kettrack.vocabulary.plain_words import share_with_interval

_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "scale": "label",
    "what": "label",
    "n": "denominator",
    "events": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
}
_NONE_BEFORE: Final = (
    "no such thoughts at the last answer in the"
    f" {BASELINE_WINDOW_DAYS} days up to session 1"
)


@dataclass(frozen=True, slots=True)
class _Share:
    """One row: who of some people had thoughts of suicide."""

    key: str
    what: str
    people: Bools
    has: Bools


@question(
    "treatment_emergent_ideation",
    recipes=(COUNTED,),
    asks="In how many people did thoughts of suicide appear that were not there before?",
    unit="percent of people",
    log_end=False,
    estimand=(
        "Share of the people without thoughts of suicide at the last answer before session 1 who"
        " answered that they had any at one or more answers after it, at any time, whatever"
        " sessions followed."
    ),
    roles=_ROLES,
    show=tuple(name for name in _ROLES if name != "key"),
)
def treatment_emergent_ideation(cohort: DerivedCohort) -> Answer:
    """Of those who answered 0 before session 1, how many answered 1 or more after it.

    Returns
    -------
    Result
        Rows of the main scale: `emerged` (any answer of 1 or more), `again` (two such answers one
        after the other), `from_threshold` (an answer from which the review list names a patient),
        `first` and `last` (the first and the last answer after session 1), and `untreated` (the
        next answer while no session had been given, of those whose answer before it was 0).
        `not_asked` had no answer after session 1 and stand in no share. Refused when nobody
        answered 0 before and was asked again.
    """
    asked = main_scale(cohort)
    people = no_placebo(cohort) & _began_without(asked)
    if not (people & asked.asked_after).any():
        raise NotIdentified(
            "nobody without thoughts of suicide before session 1 was asked again after it.",
            COLLECT,
        )
    shares = list(_shares(asked, people, cohort))
    rows = [_row(asked, share) for share in shares]
    # Not asked again is not the same as none.
    silent = people & ~asked.asked_after
    rows.append(not_asked(asked, silent))
    table = pd.DataFrame(rows)
    everyone = pd.Index(cohort.patients["patient_id"])
    return Answer(
        table=table[list(_ROLES)],
        sentence=_sentence(table, asked),
        caveats=(
            "Treatment-emergent means after session 1, and not because of it. Answers change by"
            " themselves: people who answer 0 once often answer 1 the next time. The row of answers"
            " before session 1 shows how often, though only for one next answer, and in the time"
            " in which people seek treatment.",
            f"{recall_words(cohort, asked.scale)} {EXACT} People who had placebo are not"
            " counted.".strip(),
            RECORDED,
        ),
        level=LEVEL,
        rows=partial(_person_rows, shares, everyone),
    )


def _began_without(
    asked: Asked,
) -> Bools:
    """Who answered before session 1 that there were no such thoughts."""
    return np.asarray(asked.before < ANY_THOUGHT, bool)


def _shares(
    asked: Asked,
    people: Bools,
    cohort: DerivedCohort,
) -> Iterator[_Share]:
    known = people & asked.asked_after
    # From there on the review list names a patient whatever else is known.
    threshold = cohort.criteria.review.suicidality_item
    yield _Share(
        "emerged",
        "any answer after session 1",
        known,
        asked.highest >= ANY_THOUGHT,
    )
    yield _Share(
        "again",
        "two answers after session 1 in a row",
        known,
        twice_in_a_row(asked),
    )
    yield _Share(
        "from_threshold",
        f"any answer of {threshold} or more after session 1",
        known,
        asked.highest >= threshold,
    )
    yield _Share(
        "first",
        "the first answer after session 1",
        known,
        asked.first >= ANY_THOUGHT,
    )
    yield _Share(
        "last",
        "the last answer after session 1",
        known,
        asked.last >= ANY_THOUGHT,
    )
    # Whoever was treated before the log begins gave no untreated answer.
    fresh = no_placebo(cohort) & ~np.asarray(cohort.log_reasons["prior_sessions"], bool)
    was_without = fresh & (asked.earlier < ANY_THOUGHT)
    if was_without.any():
        yield _Share(
            "untreated",
            "the next answer, still before session 1",
            was_without,
            asked.before >= ANY_THOUGHT,
        )


def twice_in_a_row(
    asked: Asked,
) -> Bools:
    """Who answered 1 or more at two answers after session 1, one after the other."""
    rows = asked.rows
    has = rows["value"] >= ANY_THOUGHT
    # The rows of a person stand together, in the order in which they were given.
    again = has & has.shift(fill_value=False) & (rows["who"] == rows["who"].shift())
    out = np.zeros(len(asked.before), bool)
    out[rows.loc[again, "who"].to_numpy(np.int64)] = True
    return out


def _row(
    asked: Asked,
    share: _Share,
) -> dict[str, object]:
    has = share.has[share.people]
    events = int(has.sum())
    found = clopper_pearson(events, len(has), LEVEL)
    return {
        "key": share.key,
        "scale": asked.item,
        "what": share.what,
        "n": len(has),
        "events": events,
        **found._asdict(),
    }


def not_asked(
    asked: Asked,
    people: Bools,
) -> dict[str, object]:
    """People without an answer after session 1, who stand in no share."""
    return {
        "key": "not_asked",
        "scale": asked.item,
        "what": "not asked after session 1",
        "n": int(people.sum()),
    }


def _person_rows(
    shares: list[_Share],
    everyone: pd.Index,
) -> pd.DataFrame:
    return joined(
        [
            share_rows(
                share.key,
                everyone[share.people],
                share.has[share.people],
            )
            for share in shares
        ]
    )


def _sentence(
    table: pd.DataFrame,
    asked: Asked,
) -> str:
    """Any answer, how lasting, and what answers do by themselves."""
    words = (
        f"Of {{emerged.n}} people with {_NONE_BEFORE} ({asked.item}), {{emerged.events}},"
        f" {share_with_interval('emerged')}, answered at some time after session 1 that they had"
        f" them; {share_with_interval('again')} at two answers in a row, and"
        f" {share_with_interval('last')} at the last answer."
    )
    if "untreated" in set(table["key"]):
        words += (
            f" At the first answer after session 1 it was {share_with_interval('first')}. Before"
            " session 1, with no treatment, it was"
            f" {share_with_interval('untreated')} at the next answer."
        )
    return f"{words} {{not_asked.n}} more people were not asked again."


# ---- when


@question(
    "treatment_emergent_ideation_by_week",
    asks="When did thoughts of suicide appear that were not there before?",
    unit="percent of patients",
    estimand=(
        "Chance of a first answer that shows thoughts of suicide by week w since session 1, in"
        " people without them before it, while sessions go on, as it happens in this clinic."
    ),
    roles=WEEK_ROLES,
    recipes=WEEK_RECIPES,
    show=(
        "week",
        "at_risk",
        "estimate",
        "ci_low",
        "ci_high",
        "stopped",
        "not_scored",
        "still_followed",
    ),
)
def treatment_emergent_ideation_by_week(cohort: DerivedCohort) -> Answer:
    """Percent in whom thoughts of suicide had appeared by each week since session 1; stopping is a
    competing event.

    Returns
    -------
    Result
        See `table_by_week`; `not_scored` counts people who were no longer asked. Refused when no
        log says to which day it is complete, or too few people can be counted.
    """
    asked = main_scale(cohort)
    require_log_end(cohort)
    people = no_placebo(cohort) & _began_without(asked)
    # Leaving is told by the answers on this scale, and not by totals.
    exits = emergent_exits(cohort, asked, people)
    table = table_by_week(count_days(exits))
    return Answer(
        table=table,
        sentence=_weeks_sentence(table, asked),
        caveats=(
            f"The {100 * LEVEL:g} % intervals are log-log intervals, each for one week by itself."
            " Thoughts are dated at the answer that shows them; they began before it.",
            "Stopped: no more sessions in the log, after the planned number or before; it counts"
            f" {cohort.criteria.late_after_days} days after the last one. Not scored: not asked"
            " after the last session; the person leaves at the last answer. What people think who"
            " have left is not in these numbers.",
            RECORDED,
        ),
        level=LEVEL,
        rows=partial(week_rows, {"event": exits}),
    )


def emergent_exits(
    cohort: DerivedCohort,
    asked: Asked,
    people: Bools,
) -> pd.DataFrame:
    """Day and reason of leaving the count, as in `week_exits`, by the answers on one scale."""
    # An answer of the day of the last session speaks of the time before it.
    asked_at_end = asked.last_day > last_session_day(cohort)
    return exits_from(
        cohort,
        first_day(asked, ANY_THOUGHT),
        people,
        "last session",
        asked.last_day,
        asked_at_end,
    )


def first_day(
    asked: Asked,
    least: int,
) -> Floats:
    """Day of the first answer after session 1 of at least so much; infinite without one."""
    rows = asked.rows[asked.rows["value"] >= least]
    first = rows.groupby("who")["day"].first()
    days = first.reindex(range(len(asked.before)))
    return np.asarray(days.fillna(np.inf), np.float64)


def _weeks_sentence(
    table: pd.DataFrame,
    asked: Asked,
) -> str:
    last = f"row{table['week'].iloc[-1]}"
    words = (
        f"Of {{{last}.n}} people without thoughts of suicide before session 1 ({asked.item}),"
        f" {share_with_interval(last)} had answered that they had them by week {{{last}.week}},"
        f" while their sessions went on; the sessions of {{{last}.stopped:%}} had ended before, and"
        f" {{{last}.not_scored:%}} were no longer asked."
    )
    if table["too_new"].any():
        words += f" {{{last}.too_new}} more people cannot be counted yet."
    return words
