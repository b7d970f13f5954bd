"""How many sessions until a patient responds, in words: the sentence under the curve, and what must
be known to use it.
"""

from __future__ import annotations

from typing import Final

import pandas as pd

from kettrack.analysis.context import FEWEST
from kettrack.analysis.courses.session_counts import FIRST_COURSE
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.published_results import published_words

COUNTED: Final = (
    "Counted: everyone with a rated baseline and a log complete for 60 days after session 1,"
    f" scored or not. {FIRST_COURSE} Completed: reached its end, or went on after a pause,"
    " without the event."
)
_WORDS: Final = {"response": "responded", "remission": "remitted"}


def sentence(table: pd.DataFrame, cohort: DerivedCohort, event: str) -> str:
    """The state of things at session 6, or at the last session shown."""
    key = f"row{min(6, len(table))}"
    word = _WORDS[event]
    null = (
        "By a model fitted to this clinic, sessions that do nothing would show about"
        f" {{{key}.null}} % by then; confirmed by a second score, {{{key}.confirmed}} % against"
        f" about {{{key}.null_confirmed}} % in that model. "
        if table["null"].notna().any()
        else ""
    )
    return (
        f"Of {{{key}.n}} people who started with a rated baseline ({{{key}.too_new}} more cannot"
        f" be counted yet), {{{key}.estimate}} % ({{{key}.ci_low}}-{{{key}.ci_high}}) had {word}"
        f" by session {{{key}.session}} while still in their first course; {{{key}.stopped}} %"
        f" had stopped without, {{{key}.not_scored}} % were not scored within 14 days after their"
        f" last session, {{{key}.completed}} % had completed the course without,"
        f" {{{key}.still_in_course}} % were still in it."
        f" {null}{_median_words(table.iloc[-1], word)}{_plan_words(cohort)}"
    )


def _plan_words(cohort: DerivedCohort) -> str:
    """That few or none can have completed the course, where most have no plan to complete."""
    planned = cohort.patients["planned_sessions"].notna()
    if planned.mean() >= 0.5:
        return ""
    whom = "most people" if planned.any() else "anybody"
    return (
        f" No planned number of sessions is recorded for {whom}: without one, a course that went"
        " as planned looks like stopping, and only who came back after a pause counts as"
        " completed."
    )


def _median_words(end: pd.Series, word: str) -> str:
    """The median with its interval, read off the last row."""
    last = f"row{end['session']:.0f}"
    low, high = (
        f"{{{last}.{name}}}" if pd.notna(end[name]) else "not reached"
        for name in ("half_by_low", "half_by_high")
    )
    # everybody at once: a share of 100 % has no interval
    if pd.notna(end["half_by"]) and pd.isna(end["half_by_low"]):
        return f"Half had {word} by session {{{last}.half_by}}."
    if pd.notna(end["half_by"]):
        return f"Half had {word} by session {{{last}.half_by}} (95 % interval {low} to {high})."
    open_end = (
        f" (95 % interval {low} to not reached)" if pd.notna(end["half_by_low"]) else ""
    )
    return (
        f"Fewer than half had {word} by session {{{last}.session}}, the last with at least"
        f" {FEWEST} at risk: the median is not reached{open_end}."
    )


def caveats(cohort: DerivedCohort, event: str) -> tuple[str, ...]:
    """Rule, who is counted, what confirms, and how far the instrument looks back."""
    instrument = cohort.instrument
    rule = getattr(cohort.criteria, event)
    recall = instrument.recall()
    overlap = f"{recall} Scores closer together than that overlap."
    window = [overlap] if recall.days else []
    return (
        (
            f"{event.capitalize()}: {rule}; {cohort.criteria.label}. 95 % log-log intervals,"
            " pointwise."
        ),
        (
            "Association with the number of sessions, not the effect of giving more: who stops"
            " when is not chance."
        ),
        COUNTED,
        (
            "Confirmed: seen again by a second score 7-60 days later. Not the headline: well"
            " people leave before it comes. Its own null stands beside it: noise seldom repeats"
            " itself."
        ),
        (
            f"Not scored: no score within {cohort.criteria.late_after_days} days after the last"
            " session of the course."
        ),
        *window,
    )


def published(event: str, last: int) -> str:
    """The marks that a figure may set beside the curve."""
    named = published_words("remission" if event == "remission" else "response", last)
    return (
        "Published by session, as drawn, with other rules, scales, people and intervals:"
        f" {'; '.join(named)}."
    )
