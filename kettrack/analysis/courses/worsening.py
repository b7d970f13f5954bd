"""Who got worse: everybody with a baseline and a later score, whatever the baseline was; and when,
week by week.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import (
    LEVEL,
    death_words,
    require_log_end,
    require_scored_later,
    shown_steps,
)
from kettrack.analysis.courses.by_week import (
    WEEK_RECIPES,
    WEEK_ROLES,
    count_days,
    event_days,
    share_by_week,
    table_by_week,
    week_exits,
    week_rows,
)
from kettrack.analysis.person_rows import joined, share_rows
from kettrack.analysis.registry import Answer, question
from kettrack.arrays import Bools, Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.intervals import wilson
from kettrack.estimators.survival.competing_risks import ExitCounts
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.events import ratable
from kettrack.timelines.states import measures, meets
from kettrack.vocabulary.criteria import TWICE_IN_60_DAYS
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS
from kettrack.vocabulary.made_of import Scaled, Share
from kettrack.vocabulary.plain_words import share_with_interval
from kettrack.vocabulary.rules import Rule

_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "people": "label",
    "rule": "label",
    "n": "denominator",
    "could": "count",
    "events": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
}
_COLLECT: Final = "scores before and after session 1."
# Who a row is about. The first is everybody, and the last three add up to it.
_PEOPLE: Final = {
    "worse": "everybody",
    "could": "could meet the rule",
    "case": "at or above caseness",
    "below": "below caseness",
    "prior": "treated before the log begins",
}


# A score long before session 1 is no baseline.
NOBODY_SCORED_TWICE: Final = (
    f"nobody was scored in the {BASELINE_WINDOW_DAYS} days up to session 1 and again"
    " after it."
)


@question(
    "worsening",
    asks="How many got worse?",
    unit="percent of people",
    log_end=False,
    estimand=(
        "Share of the people with a baseline and a later score who had at least one score that"
        " meets the rule for deterioration, at any time after session 1. People below caseness"
        " count too."
    ),
    roles=_ROLES,
    recipes=(
        Share(
            value="estimate",
            events="events",
            of="n",
            ends=("ci_low", "ci_high"),
            interval="wilson",
        ),
    ),
    show=tuple(name for name in _ROLES if name != "key"),
)
def worsening(cohort: DerivedCohort) -> Answer:
    """How many of everybody who was scored before and after session 1 met the rule for
    deterioration at any later score.

    Returns
    -------
    Result
        One row per group of people and, where one score is enough, per rule (by one score, and
        seen again by a second one): `events` of `n` with their interval, and the number who `could`
        meet the rule, which a baseline near the worst score of the scale rules out. The groups:
        everybody; those who could; and everybody in three parts. Refused when the criteria have no
        such rule, or nobody was scored before and after.
    """
    rule = worsening_rule(cohort)
    people = cohort.baselines.n_assessments > 0
    people &= has_baseline(cohort)
    if not people.any():
        raise NotIdentified(NOBODY_SCORED_TWICE, _COLLECT)
    groups = list(_groups(cohort, rule, people))
    table = worsening_shares(pd.DataFrame([_row(group) for group in groups]))
    return Answer(
        table=table,
        sentence=_sentence(table, rule),
        caveats=(
            f"Deterioration: {rule.words}; {cohort.criteria.label}. Worsening is seen more often in"
            f" people who are scored more often. Brackets hold the {100 * LEVEL:g} % interval.",
            "Counted: everybody with a baseline and a later score, below caseness or not, also"
            " people treated before the log begins; not those who had placebo.",
        ),
        level=LEVEL,
        rows=partial(_person_rows, groups, cohort.bucket.patient_id),
    )


def worsening_rule(cohort: DerivedCohort) -> Rule:
    """The rule for deterioration in force, or a refusal."""
    rule = cohort.criteria.deterioration
    if rule is None:
        raise NotIdentified(
            f"the rules in force define no deterioration on {cohort.instrument.name}.",
            "scores of an instrument with such a rule, or [criteria] of your own in"
            " kettrack.toml.",
        )
    return rule


def has_baseline(cohort: DerivedCohort) -> Bools:
    """Who can be seen to get worse at all, per patient: a baseline, and no placebo."""
    known = ~np.isnan(cohort.baselines.score)
    return np.asarray(known & ~cohort.log_reasons["placebo"], bool)


def could_meet(cohort: DerivedCohort, rule: Rule) -> Bools:
    """Whose baseline leaves room for the rule on the scale, per patient.

    A rise of 6 points is impossible from 22 and above on a scale that ends at 27.
    """
    scale = cohort.instrument
    worst = scale.maximum if scale.sign > 0 else scale.minimum
    baseline = cohort.baselines.score
    scores = np.full(baseline.shape, float(worst))
    values = measures(scores, baseline, cohort.bucket.zero)
    return np.asarray(meets(rule, values), bool)


def seen_again(rule: Rule) -> Rule | None:
    """The rule with a second score; none where it asks for several already."""
    return replace(rule, run=TWICE_IN_60_DAYS) if rule.run.count == 1 else None


@dataclass(frozen=True, slots=True)
class _Group:
    """Who is looked at in one row of the table, and who of them got worse by which rule; arrays of
    all patients.
    """

    name: str
    ending: str
    rule: Rule
    people: Bools
    could: Bools
    worse: Bools

    @property
    def key(self) -> str:
        """Of the row."""
        return f"{self.name}{self.ending}"


def _groups(cohort: DerivedCohort, rule: Rule, people: Bools) -> Iterator[_Group]:
    """One for each row: rule by rule, and group by group of people."""
    could = could_meet(cohort, rule)
    prior = cohort.log_reasons["prior_sessions"]
    case = ratable(cohort.baselines, cohort.criteria)
    groups = {"worse": people, "could": people & could}
    # Parts that add up to everybody would give a small one away.
    if cohort.policy == "internal":
        groups |= {
            "case": people & case & ~prior,
            "below": people & ~case & ~prior,
            "prior": people & prior,
        }
    for ending, how in {"": rule, "_confirmed": seen_again(rule)}.items():
        if how is None:
            continue
        worse = np.isfinite(event_days(cohort, how, people))
        for name, group in groups.items():
            yield _Group(name, ending, how, group, could, worse)


def _row(group: _Group) -> dict[str, object]:
    """The row of a group."""
    worse = group.worse[group.people]
    return {
        "key": group.key,
        "people": _PEOPLE[group.name],
        "rule": str(group.rule.run),
        "n": len(worse),
        "could": int(group.could[group.people].sum()),
        "events": int(worse.sum()),
    }


def worsening_counts(cohort: DerivedCohort) -> pd.DataFrame:
    """People, those who could get worse, and those who did, by group and rule; counts of several
    sites can be added.

    Returns
    -------
    DataFrame
        Columns `key` `people` `rule` `n` `could` `events`, as in `worsening`; a group that nobody
        is in has zeros.
    """
    rule = worsening_rule(cohort)
    people = (cohort.baselines.n_assessments > 0) & has_baseline(cohort)
    return pd.DataFrame([_row(group) for group in _groups(cohort, rule, people)])


def worsening_shares(counts: pd.DataFrame) -> pd.DataFrame:
    """The counts with the share that got worse in each row, and its interval."""
    shares = [
        wilson(events, n, LEVEL)._asdict()
        for events, n in zip(counts["events"], counts["n"], strict=True)
    ]
    return pd.concat([counts, pd.DataFrame(shares)], axis=1)


def _person_rows(groups: Sequence[_Group], patient_id: pd.Index) -> pd.DataFrame:
    """Who of each group got worse."""
    return joined(
        [
            share_rows(group.key, patient_id[group.people], group.worse[group.people])
            for group in groups
        ]
    )


def _sentence(table: pd.DataFrame, rule: Rule) -> str:
    """Everybody, who could not have been seen to get worse, and the same by a second score."""
    people = dict(zip(table["key"], table["n"], strict=True))
    words = (
        f"{{worse.events}} of {{worse.n}} people, {share_with_interval('worse')}, were worse than"
        f" before treatment at one score or more ({rule.predicate.words})."
    )
    if rule.run.count > 1:
        words = words.replace("at one score or more", rule.run.words)
    if people["could"] < people["worse"]:
        words += (
            " Only {could.n} of them began far enough from the worst end of the scale to meet this"
            " rule"
        )
        # There is no share of nobody.
        words += (
            f"; {share_with_interval('could')} of these did."
            if people["could"]
            else "."
        )
    if "worse_confirmed" in people:
        words += (
            " A second score confirmed it in {worse_confirmed.events} people,"
            f" {share_with_interval('worse_confirmed')}."
        )
    return words


_BESIDE: Final[dict[str, Role]] = {
    "confirmed": "derived",
    "any_time": "derived",
    "responded": "derived",
}


@question(
    "worsening_by_week",
    asks="When did people get worse, of all who started?",
    unit="percent of patients",
    estimand=(
        "Chance of a first score that meets the rule for deterioration by week w since session 1,"
        " while sessions go on, as it happens in this clinic."
    ),
    roles={**WEEK_ROLES, **_BESIDE},
    recipes=(
        *WEEK_RECIPES,
        Scaled(value="confirmed", of="n", most="estimate"),
        Scaled(value="any_time", of="n", least="estimate"),
        Scaled(value="responded", of="n"),
    ),
    show=(
        "week",
        "at_risk",
        "estimate",
        "ci_low",
        "ci_high",
        *_BESIDE,
        "stopped",
        "not_scored",
        "still_followed",
    ),
)
def worsening_by_week(cohort: DerivedCohort) -> Answer:
    """Percent who were seen to be worse by each week since session 1; stopping is a competing
    event.

    Returns
    -------
    Result
        See `table_by_week`. Beside it stand `confirmed` (seen again by a second score), `any_time`
        (also after the sessions were over, for as long as somebody scores) and `responded` (the
        share with a response among people with a rated baseline, counted in the same way). Refused
        when the criteria have no such rule, no log says to which day it is complete, or too few
        people can be counted.
    """
    rule = worsening_rule(cohort)
    require_log_end(cohort)
    people = has_baseline(cohort)
    require_scored_later(cohort, people)
    worse = event_days(cohort, rule, people)
    exits = week_exits(cohort, worse, people, "last session")
    beside = _beside(cohort, rule, worse, people)
    counts = {name: count_days(left) for name, left in beside.items()}
    table = worsening_table(count_days(exits), counts)
    return Answer(
        table=table,
        sentence=partial(_weeks_sentence, rule=rule),
        caveats=(
            f"Deterioration: {rule.words}; {cohort.criteria.label}. The {100 * LEVEL:g} % intervals"
            " are log-log intervals, each for one week by itself.",
            "Counted: everyone with a baseline, below caseness or not, scored afterwards or not;"
            " not those who had placebo. A baseline near the end of the scale cannot show a"
            " worsening: see worsening.",
            "Stopped: no more sessions in the log, after the planned number or before; it counts"
            f" {cohort.criteria.late_after_days} days after the last one. Not scored: no score"
            " after the last session; the person leaves at the last score. Who comes back after"
            " months counts as stopped in a log that ends before, so a shorter log gives a lower"
            " share. The share with scores after the last session does not depend on it.",
            *death_words(cohort),
        ),
        level=LEVEL,
        rows=partial(week_rows, {"event": exits, **beside}),
    )


def count_worsening(cohort: DerivedCohort) -> dict[str, ExitCounts]:
    """Exits by day behind the curve (`event`) and behind what stands beside it; counts of several
    sites can be added.
    """
    rule = worsening_rule(cohort)
    require_log_end(cohort)
    people = has_baseline(cohort)
    worse = event_days(cohort, rule, people)
    exits = week_exits(cohort, worse, people, "last session")
    both = {"event": exits, **_beside(cohort, rule, worse, people)}
    return {name: count_days(left) for name, left in both.items()}


def worsening_table(
    counts: ExitCounts, beside: Mapping[str, ExitCounts]
) -> pd.DataFrame:
    """The curve by week with what stands beside it; a column without counts is missing."""
    table = table_by_week(counts)
    for name in _BESIDE:
        known = name in beside
        table[name] = share_by_week(beside[name], len(table)) if known else np.nan
    return table


def _beside(
    cohort: DerivedCohort, rule: Rule, worse: Floats, people: Bools
) -> dict[str, pd.DataFrame]:
    """Exits behind what stands beside the curve, by column; no response without a rule."""
    again = event_days(cohort, seen_again(rule) or rule, people)
    found = {
        "confirmed": week_exits(cohort, again, people, "last session"),
        "any_time": week_exits(cohort, worse, people, "last score"),
    }
    response = cohort.criteria.response
    if response is None:
        return found
    days = event_days(cohort, response, cohort.rated)
    responded = week_exits(cohort, days, cohort.rated, "last session")
    return found | {"responded": responded}


def _weeks_sentence(table: pd.DataFrame, rule: Rule) -> str:
    """The last week, half of what had happened by when, and response beside it."""
    table = shown_steps(table)
    last = f"row{table['week'].iloc[-1]}"
    one = rule.run.count == 1
    times = "at one score or more" if one else rule.run.words
    # A rule that asks for several scores is confirmed by itself.
    confirmed = f"Confirmed by a second score: {{{last}.confirmed:%}}. " if one else ""
    words = (
        f"Of {{{last}.n}} people who started with a baseline, {share_with_interval(last)} had been"
        f" worse {times} by week {{{last}.week}}, while their sessions went on; the sessions of"
        f" {{{last}.stopped:%}} had ended before, and {{{last}.not_scored:%}} were no longer"
        f" scored. {confirmed}Scores after the last session included: {{{last}.any_time:%}}. "
    )
    shares = table["estimate"].to_numpy(float)
    if shares[-1] > 0:
        half = int(np.argmax(shares >= shares[-1] / 2))
        row = f"row{table['week'].iloc[half]}"
        words += f"Half of this had been seen by week {{{row}.week}} ({{{row}.estimate:%}}). "
    if table["responded"].notna().any():
        words += (
            f"Counted in the same way, {{{last}.responded:%}} of the people with a rated baseline"
            f" had responded by week {{{last}.week}}."
        )
    if table["too_new"].gt(0).any():
        words += f" {{{last}.too_new}} more people cannot be counted yet."
    return words
