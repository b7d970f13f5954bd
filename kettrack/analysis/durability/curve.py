"""How long a response lasts: from the end of the planned course, or from the first response, by three estimands."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import FEWEST, LEVEL, made_from, refusal, release, rule_words
from kettrack.analysis.durability.counts import ESTIMANDS, Estimand, Watched, count_exits, exits, watch
from kettrack.analysis.durability.weights import Untreated, stay_weights, untreated, untreated_curve
from kettrack.errors import NotIdentified
from kettrack.estimators.life_table import estimate_survival
from kettrack.estimators.resampling import patient_weights, percentile_interval
from kettrack.reading.cohort import Cohort
from kettrack.result import Result, Role
from kettrack.timelines.spells import Origin
from kettrack.vocabulary.published_durability import published_durability

WEEK: Final = 7
LAST_DAY: Final = 364
REPLICATES: Final = 500
SEED: Final = 1
_NOT_RATED: Final = ("prior_sessions", "placebo", "no_baseline", "below_caseness")
LEFT_OUT: Final = {"not_rated": _NOT_RATED} | {name: (name,) for name in ("course_not_finished", "not_scored", "no_response")}
WORDS: Final = {
    "treatment_policy": "whatever sessions followed (treatment policy)",
    "off_treatment": "without a further session (off treatment, weighted)",
    "composite": "had neither lost it nor been treated again (composite)",
}
NAMES: Final = {
    "treatment_policy": "whatever sessions followed (treatment policy)",
    "off_treatment": "without a further session (off treatment)",
    "composite": "neither lost nor treated again (composite)",
}
ORIGINS: Final = {
    "end_of_course": "at the end of the planned course",
    "first_response": "for the first time in their first course",
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
    "censored": "running",
    **dict.fromkeys(("estimate", "ci_low", "ci_high", "median_day", "median_low", "median_high", "ess"), "derived"),
    **dict.fromkeys(LEFT_OUT, "count"),
}


def durability(cohort: Cohort) -> Result:
    """Percent who still hold their response, week by week after the planned course.

    Everyone who shows a response at a score within 14 days after the planned number of sessions (session 6 where no plan is
    recorded), and before another session, is watched from that score.

    Returns
    -------
    Result
        One row per estimand, rule and week, to the last with at least 11 at risk. `estimand`: `treatment_policy` (later
        sessions ignored), `off_treatment` (censored at the next session, weighted by the inverse of the chance of not having
        had one), `composite` (loss or next session, whichever comes first). `rule`: `in_force` and, where that asks for a
        second score, `single_score`. `day` since that score, `n` watched; `at_risk` at the beginning of the day; `lost`,
        `retreated` and `censored` up to it (under `treatment_policy` the retreated stay at risk); `estimate` `ci_low`
        `ci_high` (% who still hold it; log-log, for `off_treatment` from 500 bootstrap samples of patients; missing at 0 and
        100 %), `median_day` with `median_low` and `median_high` (missing = not reached), `ess` (people's worth of information
        under the weights), and the numbers not watched by reason. Refused when fewer than 11 are watched.
    """
    return _durability(cohort, "durability", "end_of_course")


def durability_from_response(cohort: Cohort) -> Result:
    """`durability` from the first proven response of the first course.

    A session after the first course is the retreatment here; those that belong to the course are not.
    """
    return _durability(cohort, "durability_from_response", "first_response")


def _durability(cohort: Cohort, name: str, origin: Origin) -> Result:
    estimand = f"Share that still holds a response shown {ORIGINS[origin]}, by day since the score that showed it."
    try:
        watched = watch(cohort, origin)
        n = len(watched[0].whatever)
        if n < FEWEST:
            raise NotIdentified(
                f"{'only ' if n else ''}{n} people are known to have responded {ORIGINS[origin]}; a curve needs {FEWEST}.",
                "a score in the 14 days after the planned course and before any further session, for everyone.",
            )
    except NotIdentified as error:
        return release(refusal(name, cohort, error, estimand), cohort)
    table = pd.concat([_curve(cohort, rule, kind) for rule in watched for kind in ESTIMANDS], ignore_index=True)
    table = table.assign(**_left_out(watched[0]))
    result = Result(
        name=name,
        table=table[list(ROLES)],
        roles=ROLES,
        decimals={"median_day": 0, "median_low": 0, "median_high": 0, "ess": 0},
        show=tuple(column for column in ROLES if column not in ("key", "ess", *LEFT_OUT)),
        sentence=_sentence(table, origin),
        estimand=estimand,
        caveats=_caveats(cohort, watched[0]),
        made_from=made_from(cohort, unit="percent of people", level=LEVEL, seed=SEED),
    )
    return release(result, cohort)


def _left_out(watched: Watched) -> dict[str, int]:
    why = watched.origins["why_not"]
    return {name: int(why.isin(reasons).sum()) for name, reasons in LEFT_OUT.items()}


def _curve(cohort: Cohort, watched: Watched, estimand: Estimand) -> pd.DataFrame:
    """Weekly rows of one estimand under one rule."""
    left = exits(watched, estimand)
    time, cause = left["time"].to_numpy(), left["cause"].to_numpy()
    days = np.arange(0, min(int(np.sort(time)[-FEWEST]), LAST_DAY) + 1)
    again = (watched.whatever["retreated_day"] - watched.whatever["origin_day"]).to_numpy(float, na_value=np.nan)
    retreated = np.sort(again[again <= time] if estimand == "treatment_policy" else time[cause == 2])
    numbers = {
        "at_risk": len(time) - np.searchsorted(np.sort(time), days, "left"),
        "lost": np.searchsorted(np.sort(time[cause == 1]), days, "right"),
        "retreated": np.searchsorted(retreated, days, "right"),
        "censored": np.searchsorted(np.sort(time[cause == 0]), days, "right"),
    }
    shares = _weighted(cohort, watched, days) if estimand == "off_treatment" else _plain(left, estimand, days)
    table = pd.DataFrame({"day": days, "n": len(time), **numbers, **shares})
    table = table[table["ess"].fillna(FEWEST) >= FEWEST]
    for name, column in {"median_day": "estimate", "median_low": "ci_low", "median_high": "ci_high"}.items():
        reached = table["day"][table[column] <= 50 + 1e-9]
        table = table.assign(**{name: float(reached.iloc[0]) if len(reached) else np.nan})
    weekly = table[table["day"] % WEEK == 0].assign(estimand=estimand, rule=watched.rule)
    return weekly.assign(key=[f"{estimand}_{watched.rule}_{day}" for day in weekly["day"]])


def _plain(left: pd.DataFrame, estimand: Estimand, days: np.ndarray) -> dict[str, np.ndarray | float]:
    curve = estimate_survival(count_exits(left, estimand), LEVEL)
    values = {"estimate": curve.estimate, "ci_low": curve.ci_low, "ci_high": curve.ci_high}
    return {name: 100 * value[days] for name, value in values.items()} | {"ess": np.nan}


def _weighted(cohort: Cohort, watched: Watched, days: np.ndarray) -> dict[str, np.ndarray]:
    people = untreated(cohort, watched, int(days[-1]) + cohort.criteria.state_holds_days)
    estimate = untreated_curve(people, days)
    curves = untreated_curve(people, days, patient_weights(len(people.known), REPLICATES, SEED))
    inside = (estimate > 0) & (estimate < 1)
    low, high = (np.where(inside, bound, np.nan) for bound in percentile_interval(curves, LEVEL))
    return {"estimate": 100 * estimate, "ci_low": 100 * low, "ci_high": 100 * high, "ess": _information(people, days)}


def _information(people: Untreated, days: np.ndarray) -> np.ndarray:
    """(Sum of weights)^2 / sum of squared weights of those at risk on each day."""
    weights = stay_weights(people, np.ones((1, len(people.known))), days)[0] * (people.known[:, None] >= days)
    squares = (weights**2).sum(axis=0)
    return np.divide(weights.sum(axis=0) ** 2, squares, out=np.zeros(len(days)), where=squares > 0)


def _sentence(table: pd.DataFrame, origin: Origin) -> str:
    """What is held at 4 and 8 weeks, by each estimand, and what others found."""
    first = table["key"].iloc[0]
    parts = [_said(table, kind, "in_force") for kind in ESTIMANDS]
    single = _said(table, "treatment_policy", "single_score") if (table["rule"] == "single_score").any() else ""
    reached = table.loc[table["key"] == first, "median_day"].notna().item()
    median = " Whatever sessions followed, half had not lost it by the end."
    if reached:
        ends = [
            f"{{{first}.{name}}}" if table[name].iloc[0] == table[name].iloc[0] else "open"
            for name in ("median_low", "median_high")
        ]
        median = f" Whatever sessions followed, half had lost it by day {{{first}.median_day}} ({ends[0]} to {ends[1]})."
    again = f" {{{first}.retreated}} of them had a session on the very day of that score." if table["retreated"].iloc[0] else ""
    return (
        f"Of {{{first}.n}} people who had responded {ORIGINS[origin]} ({{{first}.censored}} of them not followed far enough "
        f"by scores to tell), {'; '.join(parts)}.{median}{again}" + (f" By a single score: {single}." if single else "")
    )


def _said(table: pd.DataFrame, kind: Estimand, rule: str) -> str:
    """Shares at 4 and at 8 weeks, as far as the curve goes."""
    there = set(table["key"])
    shares = [
        f"{{{key}.estimate}} % ({{{key}.ci_low}}-{{{key}.ci_high}}) at {weeks} weeks"
        for weeks in (4, 8)
        if (key := f"{kind}_{rule}_{WEEK * weeks}") in there
    ]
    verb = "" if kind == "composite" else "still held it "
    if shares:
        return f"{' and '.join(shares)} {verb}{WORDS[kind]}"
    left = "people's worth of information" if kind == "off_treatment" else "people at risk"
    return f"{NAMES[kind]}: fewer than {FEWEST} {left} at 4 weeks"


def _caveats(cohort: Cohort, watched: Watched) -> tuple[str, ...]:
    marks = [figure for figure in published_durability() if figure.study == "McInnes 2022"]
    shares = " and ".join(f"about {figure.percent:g} % at {figure.day // WEEK} weeks" for figure in marks)
    return (
        f"Loss of response: {watched.words}; {rule_words(cohort)}. Dated at the first of the two scores, known at the second; "
        "one that still waits, or can no longer be confirmed, counts as no longer followed from the last score before it.",
        "Three questions, three answers: their differences are not what maintenance does, since sessions are given for "
        "worsening. "
        f"Off treatment is weighted by time and last score; reasons that no score shows remain. {REPLICATES} bootstrap samples "
        f"of patients, seed {SEED}. Intervals are pointwise.",
        "Followed as far as scores go: not to the end of the log. A response not lost counts up to the last score that "
        "a later one could have confirmed, whatever it said. Event rows that the rules name as relapse are losses too.",
        "A single score above the line is often noise: people who never relapse, but stay 3.2 points below it with a standard "
        "deviation of 2, keep a response to day 56 in 36, 64, 80 and 89 % when scored every 3, 7, 14 and 28 days; confirmed, "
        "in at least 95 %.",
        f"{marks[0].study} saw {shares} without maintenance ({marks[0].source}); rule, origin and scoring interval differ.",
    )
