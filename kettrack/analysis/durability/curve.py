"""How long a response lasts: from the end of the planned course, or from the first response, by
three estimands.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL, rule_words
from kettrack.analysis.durability.counts import (
    ESTIMANDS,
    Estimand,
    Watched,
    count,
    count_exits,
    days_since_origin,
    exits,
    retreated_unconfirmed,
    watch,
)
from kettrack.analysis.durability.weights import (
    effective_people,
    untreated,
    untreated_curve,
)
from kettrack.analysis.registry import Answer, question
from kettrack.arrays import Floats, Ints
from kettrack.errors import NotIdentified
from kettrack.estimators.intervals import patient_weights, percentile_interval
from kettrack.estimators.survival.life_table import estimate_survival
from kettrack.privacy import disclosure
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.spells import Origin
from kettrack.vocabulary.days import DAYS_IN_WEEK, LAST_CURVE_DAY
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.plain_words import share_with_interval
from kettrack.vocabulary.published_results import published_durability

_REPLICATES: Final = 500
_SEED: Final = 1
_NOT_RATED: Final = ("prior_sessions", "placebo", "no_baseline", "below_caseness")
LEFT_OUT: Final = {"not_rated": _NOT_RATED} | {
    name: (name,) for name in ("course_not_finished", "not_scored", "no_response")
}
ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "estimand": "label",
    "rule": "label",
    "day": "label",
    "n": "denominator",
    "at_risk": "running",
    "lost": "running",
    "retreated": "running",
    "retreated_unconfirmed": "count",
    "censored": "running",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    "bound_low": "derived",
    "bound_high": "derived",
    "median_day": "derived",
    "median_low": "derived",
    "median_high": "derived",
    "ess": "derived",
    **dict.fromkeys(LEFT_OUT, "count"),
}
DECIMALS: Final = {"median_day": 0, "median_low": 0, "median_high": 0, "ess": 0}
SHOWN: Final = tuple(
    column for column in ROLES if column not in ("key", "ess", *LEFT_OUT)
)
ORIGINS: Final = {
    "end_of_course": "at the end of the planned course",
    "first_response": "for the first time in their first course",
}
_ESTIMAND: Final = (
    "Share of people who are still responding, by day since the score that showed the response:"
    " of those who had responded {}."
)
# Days whose shares the sentence gives, where a curve reaches them.
_DAYS_SAID: Final = (4 * DAYS_IN_WEEK, 8 * DAYS_IN_WEEK)
ESTIMAND_NAMES: Final = {
    "treatment_policy": "whatever sessions followed (treatment policy)",
    "off_treatment": "without a further session (off treatment, weighted)",
    "composite": "when a further session ends the response too (composite)",
}
_STILL: Final = {
    "treatment_policy": "were still responding",
    "off_treatment": "were still responding",
    "composite": "had neither lost the response nor been treated again",
}
_NOT_COMPARED: Final = (
    "Sessions are given to those who feel worse, so each question looks at a different selection"
    " of people and time. The shares do not show whether stopping or going on keeps a response"
    " longer."
)
# What measurement error alone does to people who never relapse and stay 3.2 points below the line,
# with a standard deviation of 2: percent who keep the response to day 56, by days between scores.
# Simulated under the convention for the PHQ-9; a test repeats it.
KEPT_DESPITE_NOISE: Final = {3: 36, 7: 64, 14: 80, 28: 89}
KEPT_IF_CONFIRMED: Final = 95


@question(
    "durability",
    asks="How long does a response last after the planned course?",
    unit="percent of people",
    estimand=_ESTIMAND.format(ORIGINS["end_of_course"]),
    roles=ROLES,
    decimals=DECIMALS,
    show=SHOWN,
    by_group=True,
    count=count,
)
def durability(cohort: DerivedCohort) -> Answer:
    """Percent who are still responding, week by week after the planned course.

    Everyone who shows a response at a score within `Criteria.late_after_days` after the planned
    number of sessions (where no plan is recorded, after session `SESSIONS_WITHOUT_PLAN`), and
    before another session, is watched from that score.

    Returns
    -------
    Result
        One row per estimand, rule and week, to the last with at least `FEWEST_PEOPLE` at risk.
        `estimand`: `treatment_policy` (later sessions ignored), `off_treatment` (censored at the
        next session, weighted by the inverse of the chance of not having had one), `composite`
        (loss or next session, whichever comes first). `rule`: `in_force` and, where that asks for a
        second score, `single_score`. `day` since that score, `n` watched; `at_risk` at the
        beginning of the day; `lost`, `retreated` and `censored` up to it (under `treatment_policy`
        the retreated stay at risk); `retreated_unconfirmed`: of the retreated, those for whom a
        score that shows a loss still waited for its second (missing under a release policy);
        `estimate` `ci_low` `ci_high` (% still responding; log-log, for `off_treatment` from
        bootstrap samples of patients; missing at 0 and 100 %), `bound_low` `bound_high` (% if every
        loss that was never confirmed counts, or none; by a single score missing; under
        `off_treatment` the first alone), `median_day` with `median_low` and `median_high` (missing
        = not reached), `ess` (effective sample size under the weights), and the numbers not watched
        by reason. Refused when fewer than `FEWEST_PEOPLE` are watched.
    """
    return _durability(cohort, "end_of_course")


@question(
    "durability_from_response",
    asks="How long does a response last, from when it was first seen?",
    unit="percent of people",
    estimand=_ESTIMAND.format(ORIGINS["first_response"]),
    roles=ROLES,
    decimals=DECIMALS,
    show=SHOWN,
)
def durability_from_response(cohort: DerivedCohort) -> Answer:
    """`durability` from the first proven response of the first course.

    A session after the first course is the retreatment here; those that belong to the course are
    not.
    """
    return _durability(cohort, "first_response")


def _durability(cohort: DerivedCohort, origin: Origin) -> Answer:
    watched = watch(cohort, origin)
    n = len(watched[0].whatever)
    if n < FEWEST_PEOPLE:
        raise NotIdentified(
            f"{'only ' if n else ''}{n} people are known to have responded {ORIGINS[origin]};"
            f" a curve needs {FEWEST_PEOPLE}.",
            f"a score in the {cohort.criteria.late_after_days} days after the planned course and"
            " before any further session, for everyone.",
        )
    curves = [_curve(cohort, rule, kind) for rule in watched for kind in ESTIMANDS]
    table = pd.concat(curves, ignore_index=True).assign(**_left_out(watched[0]))
    return Answer(
        table=table[list(ROLES)],
        sentence=_sentence(table, origin),
        caveats=_caveats(cohort, watched[0]),
        level=LEVEL,
        seed=_SEED,
    )


def _left_out(watched: Watched) -> dict[str, int]:
    """Number of people not watched, by reason."""
    why = watched.origins["why_not"]
    return {name: int(why.isin(reasons).sum()) for name, reasons in LEFT_OUT.items()}


def _curve(cohort: DerivedCohort, watched: Watched, estimand: Estimand) -> pd.DataFrame:
    """Weekly rows of one estimand under one rule."""
    left = exits(watched, estimand)
    # The last day with enough people at risk is the exit of the one who is so many from the end.
    enough_to = int(np.sort(left["time"].to_numpy())[-FEWEST_PEOPLE])
    days = np.arange(0, min(enough_to, LAST_CURVE_DAY) + 1)
    if estimand == "off_treatment":
        shares = _weighted_shares(cohort, watched, days)
    else:
        shares = _plain_shares(watched, estimand, days)
    missing = dict.fromkeys(("bound_low", "bound_high", "ess"), np.nan)
    numbers = _numbers_by_day(watched, estimand, left, days)
    table = pd.DataFrame({"day": days, "n": len(left), **numbers, **missing, **shares})
    table = table.astype({"retreated_unconfirmed": "Int64"})
    # Beside `retreated` it would tell of the few others.
    if disclosure.get_policy(cohort.settings.policy).smallest_count > 1:
        table["retreated_unconfirmed"] = pd.NA
    table = table[table["ess"].fillna(FEWEST_PEOPLE) >= FEWEST_PEOPLE]
    table = table.assign(
        median_day=_first_day_of_half(table, "estimate"),
        median_low=_first_day_of_half(table, "ci_low"),
        median_high=_first_day_of_half(table, "ci_high"),
        estimand=estimand,
        rule=watched.name,
    )
    weekly = table[table["day"] % DAYS_IN_WEEK == 0]
    keys = [f"{estimand}_{watched.name}_{day}" for day in weekly["day"]]
    return weekly.assign(key=keys)


def _numbers_by_day(
    watched: Watched, estimand: Estimand, left: pd.DataFrame, days: Ints
) -> dict[str, Ints]:
    """People at risk at the beginning of each day, and those gone by it, by reason."""
    time = left["time"].to_numpy()
    cause = left["cause"].to_numpy()
    again = days_since_origin(watched.whatever, "retreated_day")
    # The treatment policy keeps the retreated at risk, so their exit has another cause.
    came = again <= time if estimand == "treatment_policy" else cause == 2
    waited = came & retreated_unconfirmed(watched)
    return {
        # Left side: whoever leaves on a day is at risk at its beginning.
        "at_risk": len(time) - np.searchsorted(np.sort(time), days, "left"),
        "lost": _so_far(time[cause == 1], days),
        "retreated": _so_far(again[came], days),
        "retreated_unconfirmed": _so_far(again[waited], days),
        "censored": _so_far(time[cause == 0], days),
    }


def _so_far(event_days: Floats | Ints, days: Ints) -> Ints:
    """How many events have come by the end of each day."""
    return np.searchsorted(np.sort(event_days), days, "right")


def _first_day_of_half(table: pd.DataFrame, column: str) -> float:
    """First day on which a column is at 50 % or below; NaN where it never is."""
    # Percentages are products of shares: a half may miss 50 by the last bit.
    reached = table["day"][table[column] <= 50 + 1e-9]
    return float(reached.iloc[0]) if len(reached) else np.nan


def _plain_shares(
    watched: Watched, estimand: Estimand, days: Ints
) -> dict[str, Floats]:
    """Percent still responding with interval and bounds, without weights."""
    counts = count_exits(exits(watched, estimand), estimand)
    curve = estimate_survival(counts, LEVEL)
    return {
        "estimate": 100 * curve.estimate[days],
        "ci_low": 100 * curve.ci_low[days],
        "ci_high": 100 * curve.ci_high[days],
        **_bounds(watched, estimand, curve.estimate, days),
    }


def _bounds(
    watched: Watched, estimand: Estimand, curve: Floats, days: Ints
) -> dict[str, Floats]:
    """The curve if every loss that no second score confirmed is one, and if none is; nothing where
    one score is enough.
    """
    if watched.rule.run.count == 1:
        return {}
    lost, held = (
        estimate_survival(
            count_exits(exits(watched, estimand, waiting), estimand), LEVEL
        ).estimate
        for waiting in ("lost", "held")
    )
    # Whoever waits stays at risk for longer in both, which alone may lift or lower the curve by a
    # little.
    return {
        "bound_low": 100 * np.fmin(curve[days], lost[days]),
        "bound_high": 100 * np.fmax(curve[days], held[days]),
    }


def _weighted_shares(
    cohort: DerivedCohort, watched: Watched, days: Ints
) -> dict[str, Floats]:
    """Percent still responding without a further session, with interval, effective sample size and
    lower bound.
    """
    # A loss becomes known by a later score, so people are followed a little beyond the last day.
    last_day = int(days[-1]) + cohort.criteria.state_holds_days
    people = untreated(cohort, watched, last_day)
    estimate = untreated_curve(people, days)
    drawn = patient_weights(len(people.known), _REPLICATES, _SEED)
    curves = untreated_curve(people, days, drawn)
    # At 0 and 100 % every sample says the same: that is no interval.
    inside = (estimate > 0) & (estimate < 1)
    low, high = percentile_interval(curves, LEVEL)
    found = {
        "estimate": 100 * estimate,
        "ci_low": 100 * np.where(inside, low, np.nan),
        "ci_high": 100 * np.where(inside, high, np.nan),
        "ess": effective_people(people, days),
    }
    if watched.rule.run.count == 1:
        return found
    if_lost = untreated(cohort, watched, last_day, waiting="lost")
    lowest = untreated_curve(if_lost, days)
    return found | {"bound_low": 100 * np.fmin(estimate, lowest)}


def _sentence(table: pd.DataFrame, origin: Origin) -> str:
    """Who is still responding whatever followed; then the two other questions, and why they cannot
    be set against it.
    """
    first = table["key"].iloc[0]
    parts = [
        f"{{{first}.n}} people had responded {ORIGINS[origin]}.",
        f"For {{{first}.censored}} of them no later score can show how long it lasted.",
        _shares_said(table, "treatment_policy") + ".",
        _bounds_said(table),
        _median_said(table),
    ]
    if table["retreated"].iloc[0]:
        parts.append(
            f"{{{first}.retreated}} of them had a session on the same day as the score that"
            " showed the response."
        )
    parts += [
        "Two other questions treat a further session differently.",
        _shares_said(table, "composite") + ".",
        _shares_said(table, "off_treatment") + ".",
        _unconfirmed_said(table),
    ]
    if sum(bool(_rows_said(table, kind)) for kind in ESTIMANDS) > 1:
        parts.append(_NOT_COMPARED)
    if (table["rule"] == "single_score").any():
        by_one = _shares_said(table, "treatment_policy", "single_score")
        parts.append(f"By a single score: {by_one[0].lower()}{by_one[1:]}.")
    return " ".join(part for part in parts if part)


def _shares_said(table: pd.DataFrame, kind: Estimand, rule: str = "in_force") -> str:
    """Shares at the days that are said, as far as the curve goes, with the people behind."""
    rows = _rows_said(table, kind, rule)
    name = ESTIMAND_NAMES[kind][0].upper() + ESTIMAND_NAMES[kind][1:]
    shares: list[str] = []
    for key, day in rows:
        behind = f"{{{key}.at_risk}} people at risk"
        if kind == "off_treatment":
            behind += f", effective sample size {{{key}.ess}}"
        still = "" if shares else f" {_STILL[kind]}"
        weeks = day // DAYS_IN_WEEK
        share = share_with_interval(key)
        shares.append(f"{share}{still} at {weeks} weeks ({behind})")
    if shares:
        return f"{name}, {' and '.join(shares)}"
    weeks = _DAYS_SAID[0] // DAYS_IN_WEEK
    if kind == "off_treatment":
        return f"{name}, the effective sample size is below {FEWEST_PEOPLE} at {weeks} weeks"
    return f"{name}, fewer than {FEWEST_PEOPLE} people are at risk at {weeks} weeks"


def _rows_said(
    table: pd.DataFrame, kind: Estimand, rule: str = "in_force"
) -> list[tuple[str, int]]:
    """Keys and days of the rows that the sentence gives of one curve."""
    there = set(table["key"])
    keys = [(f"{kind}_{rule}_{day}", day) for day in _DAYS_SAID]
    return [(key, day) for key, day in keys if key in there]


def _policy_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the treatment policy under the rule in force."""
    policy = table["estimand"] == "treatment_policy"
    return table[policy & (table["rule"] == "in_force")]


def _median_said(table: pd.DataFrame) -> str:
    """When half had lost the response, or how far fewer than half had; nothing where the curve ends
    before the first day that is said, without either.
    """
    rows = _policy_rows(table)
    first = rows.iloc[0]
    last = int(rows["day"].max())
    if pd.notna(first["median_day"]):
        key = first["key"]
        low, high = (
            f"{{{key}.{name}}}" if pd.notna(first[name]) else "not reached"
            for name in ("median_low", "median_high")
        )
        return (
            f"Whatever sessions followed, half had lost the response by day"
            f" {{{key}.median_day}} ({low} to {high})."
        )
    if last < _DAYS_SAID[0]:
        return ""
    end = (
        "the end of the curve"
        if last == LAST_CURVE_DAY
        else f"the last with at least {FEWEST_PEOPLE} people at risk"
    )
    return (
        "Whatever sessions followed, fewer than half had lost the response by week"
        f" {last // DAYS_IN_WEEK}, {end}: it is not known when half will have lost it."
    )


def _bounds_said(table: pd.DataFrame) -> str:
    """Between what the last share named lies, whatever the scores that never came would have
    said.
    """
    rows = _policy_rows(table)
    rows = rows[rows["day"].isin(_DAYS_SAID) & (rows["bound_low"] < rows["bound_high"])]
    if rows.empty:
        return ""
    key = rows["key"].iloc[-1]
    weeks = rows["day"].iloc[-1] // DAYS_IN_WEEK
    return (
        f"If every loss that no second score confirmed counts, the share at {weeks} weeks is"
        f" {{{key}.bound_low}} %; if none counts, it is {{{key}.bound_high}} %."
    )


def _unconfirmed_said(table: pd.DataFrame) -> str:
    """How many were treated again while a loss waited for its second score, and the share off
    treatment if all were losses.
    """
    rows = _rows_said(table, "off_treatment")
    if not rows:
        return ""
    key, day = rows[-1]
    row = table.set_index("key").loc[key]
    if pd.isna(row["retreated_unconfirmed"]):
        who = "Some people may have been treated again while a loss was not yet confirmed."
    elif row["retreated_unconfirmed"]:
        who = (
            f"{{{key}.retreated_unconfirmed}} of the {{{key}.retreated}} people treated again by"
            f" week {day // DAYS_IN_WEEK} had a loss that was not yet confirmed."
        )
    else:
        return ""
    lowest = (
        " If all of them, and all who were never scored again, had lost the response, it would"
        f" be {{{key}.bound_low:%}}."
        if pd.notna(row["bound_low"])
        else ""
    )
    return (
        f"Warning: {who} They count as treated again, not as lost, so the share without a further"
        f" session is too high where few people like them had no further session.{lowest}"
    )


def _caveats(cohort: DerivedCohort, watched: Watched) -> tuple[str, ...]:
    """Rule, weighting, how far it goes, what a single score does, and what was published."""
    level = f"{100 * LEVEL:g} %"
    gaps = ", ".join(f"{days} days" for days in KEPT_DESPITE_NOISE)
    kept = ", ".join(f"{kept} %" for kept in KEPT_DESPITE_NOISE.values())
    dated = (
        " The first of these scores dates the loss, the last one proves it. Where a loss is not"
        " proven, the person is followed up to the last score before it."
        if watched.rule.run.count > 1
        else ""
    )
    return (
        f"Loss of response: {watched.rule.words}. {rule_words(cohort)}.{dated}",
        (
            f"Brackets hold {level} intervals, each for its own day only. Off treatment they come"
            f" from {_REPLICATES} bootstrap samples of patients (seed {_SEED})."
        ),
        (
            "The three questions differ, and their differences are not the effect of maintenance."
            " Off treatment, a loss counts only if it is proven before the next session; if every"
            " loss that was not proven counts, the share is `bound_low`, its lower bound. People"
            " are weighted by time and last score; other reasons for the next session are not"
            " accounted for."
        ),
        (
            "People are followed as far as their scores go, not to the end of the log. A response"
            " that is not lost counts up to the last score that a later score could have"
            " confirmed, whatever that score said. Event rows that the rules name as relapse"
            " count as losses too."
        ),
        (
            "A single score that shows a loss is often measurement error. In a simulation of the"
            " PHQ-9 nobody relapsed: everyone stayed 3.2 points below the line (SD 2). Scored every"
            f" {gaps}, by single scores {kept} of them kept the response to day 56. Where a"
            f" second score must confirm a loss, at least {KEPT_IF_CONFIRMED} % did."
        ),
        (
            f"Published shares in the figure: {'; '.join(map(str, published_durability()))}."
            " Rule, origin and days between scores differ."
        ),
    )
