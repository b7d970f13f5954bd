"""Counts behind durability: when each watched response was lost, treated again, or no longer
followed, by estimand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Floats, Ints
from kettrack.errors import NotIdentified
from kettrack.estimators.survival.life_table import (
    LifeCounts,
    count_life,
    steps_to_show,
)
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.spells import Origin, loss_rows, response_origins, single_score
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS, LAST_CURVE_DAY
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.rules import Rule

Estimand = Literal["hypothetical", "composite", "treatment_policy"]
ESTIMANDS: Final[tuple[Estimand, ...]] = (
    "treatment_policy",
    "hypothetical",
    "composite",
)
CAUSES: Final = ("censored", "lost", "retreated")
# What is taken of everybody of whom it is not known.
Settled = Literal["lost", "held"]


@dataclass(frozen=True)
class Watched:
    """Responses watched under one rule: one row per patient, by `patient_id`, as from `loss_rows`.

    Parameters
    ----------
    name : str
        `in_force` or `single_score`.
    rule : Rule
        What counts as a loss of response.
    whatever, untreated : DataFrame
        Losses at any score, and losses at scores before the next session.
    origins : DataFrame
        From `response_origins`, everyone included.
    log_end : Series
        Day to which each log is complete, by `patient_id`; missing where that is not recorded.
    silent : Series of bool
        Who is not known to have lost the response and is no longer scored although the log goes
        on, by `patient_id`.
    """

    name: str
    rule: Rule
    whatever: pd.DataFrame
    untreated: pd.DataFrame
    origins: pd.DataFrame
    log_end: pd.Series
    silent: pd.Series

    @cached_property
    def settled(self) -> dict[str, Watched]:
        """The same people under both answers to each thing that is not known, by bound."""
        # Every estimand without weights reads these.
        found = {}
        for name, silent in bounds_of(self):
            found[f"{name}_low"] = settle(self, "lost", silent)
            found[f"{name}_high"] = settle(self, "held", silent)
        return found


def watch(cohort: DerivedCohort, origin: Origin) -> list[Watched]:
    """Responses from an origin under the rule in force and, where that asks for a second score, by
    a single one.

    Raises
    ------
    NotIdentified
        As `watched_origins`.
    """
    in_force = loss_rule(cohort)
    origins = watched_origins(cohort, origin)
    return [
        _watched(cohort, origins, name, rule) for name, rule in loss_rules(in_force)
    ]


# By `WHY_NOT` of the spells.
_WHY_NOBODY: Final = {
    "prior_sessions": "sessions before the log begins",
    "placebo": "placebo first",
    "no_baseline": f"no score in the {BASELINE_WINDOW_DAYS} days up to session 1",
    "below_caseness": "a baseline below caseness",
    "course_not_finished": "fewer sessions than the course has",
    "not_scored": "no score then",
    "no_response": "no response at that time",
}


def watched_origins(cohort: DerivedCohort, origin: Origin) -> pd.DataFrame:
    """The scores from which responses are watched, as from `response_origins`.

    Raises
    ------
    NotIdentified
        When the rules define no response, or nobody is known to have responded at the origin.
    """
    origins = response_origins(cohort, origin)
    if origins["why_not"].isna().any():
        return origins
    late = cohort.criteria.late_after_days
    places = {
        "end_of_course": f"within {late} days after the planned course",
        "first_response": "in the first course",
        "any_response": "at any score",
    }
    common = str(origins["why_not"].value_counts().idxmax())
    raise NotIdentified(
        f"nobody is known to have responded {places[origin]}. The most common reason:"
        f" {_WHY_NOBODY[common]}.",
        f"a score in the {late} days after the course, and one in the"
        f" {BASELINE_WINDOW_DAYS} days before it.",
    )


def _watched(
    cohort: DerivedCohort, origins: pd.DataFrame, name: str, rule: Rule
) -> Watched:
    """Responses from their origins under one rule."""
    whatever = loss_rows(cohort, origins, rule)
    patients = cohort.patients.set_index("patient_id")
    log_end = patients["observed_to_day"].reindex(whatever.index)
    log_end = log_end.astype("Int64")
    # A score tells how somebody is for so many days; who is not scored for longer is silent. A log
    # that does not say where it ends may go on for ever.
    told_to = whatever["scored_to_day"] + cohort.criteria.state_holds_days
    goes_on = log_end > told_to
    goes_on = goes_on.fillna(True).astype(bool)
    not_lost = whatever["lost_day"].isna()
    return Watched(
        name=name,
        rule=rule,
        whatever=whatever,
        untreated=loss_rows(cohort, origins, rule, untreated=True),
        origins=origins,
        log_end=log_end,
        silent=not_lost & goes_on,
    )


def loss_rule(cohort: DerivedCohort) -> Rule:
    """Loss of response under the rules in force; event rows that bring the illness back under the
    same rules are losses too.

    Raises
    ------
    NotIdentified
        When they define no loss of response.
    """
    criteria = cohort.criteria
    lost = criteria.loss_of_response
    back = criteria.relapse
    if lost is None:
        raise NotIdentified(
            f"the rules in force define no loss of response on {cohort.instrument.name}.",
            "scores of an instrument with such a rule, or [criteria] of your own in"
            " kettrack.toml.",
        )
    if lost.event_rows or back is None:
        return lost
    return replace(lost, event_rows=back.event_rows)


def loss_rules(in_force: Rule) -> Iterator[tuple[str, Rule]]:
    """The rule in force and, where that asks for a second score, the same by a single one."""
    yield "in_force", in_force
    if in_force.run.count > 1:
        yield "single_score", single_score(in_force)


def exits(watched: Watched, estimand: Estimand) -> pd.DataFrame:
    """When each watched person left the curve of an estimand, and why.

    Parameters
    ----------
    watched : Watched
        From `watch`, or from `settle`.
    estimand : {"treatment_policy", "hypothetical", "composite"}
        Which curve.

    Returns
    -------
    DataFrame
        By `patient_id`: `time` (int64, days since the origin) and `cause` (place in `CAUSES`).
        `hypothetical`: censored at the next session; `composite`: that session is an event;
        `treatment_policy`: it is nothing.
    """
    if estimand == "treatment_policy":
        return exits_whatever(watched.whatever)
    rows = watched.untreated if estimand == "hypothetical" else watched.whatever
    lost = days_since_origin(rows, "lost_day")
    held_to = days_since_origin(rows, "held_to_day")
    # In the composite a session counts as long as a loss could still have been shown: both are then
    # seen alike.
    until = "decided_to_day" if estimand == "composite" else "scored_to_day"
    followed = days_since_origin(watched.whatever, until)
    again = days_since_origin(rows, "retreated_day")
    again = np.where(again <= followed, again, np.nan)
    # A loss on the day of the next session comes first; comparing with NaN is False.
    first_lost = lost <= np.where(np.isnan(again), np.inf, again)
    cause = np.select([first_lost, ~np.isnan(again)], [1, 2], 0)
    time = np.choose(cause, [held_to, lost, again])
    return _exit_rows(rows, time, cause)


def exits_whatever(rows: pd.DataFrame) -> pd.DataFrame:
    """`exits` of the losses at any score, whatever sessions followed."""
    lost = days_since_origin(rows, "lost_day")
    held_to = days_since_origin(rows, "held_to_day")
    cause = np.where(np.isnan(lost), 0, 1)
    time = np.where(cause == 1, lost, held_to)
    return _exit_rows(rows, time, cause)


def _exit_rows(
    rows: pd.DataFrame,
    time: Floats,
    cause: Ints,
) -> pd.DataFrame:
    return pd.DataFrame(
        {"time": time.astype(np.int64), "cause": cause}, index=rows.index
    )


def settle(watched: Watched, how: Settled, silent: bool = False) -> Watched:
    """The same people as if it were known what became of those of whom it is not.

    Parameters
    ----------
    watched : Watched
        From `watch`.
    how : {"lost", "held"}
        Whether every score that shows a loss, and that no second score confirmed, is a loss on its
        day, or none is one.
    silent : bool
        Whether the silent are settled too: each lost the response on the day after the last score,
        or held it to the end of the log. Between the two lies the answer, whatever the missing
        scores would have said, as far as logs that ended did so for reasons of their own.
    """
    nobody = watched.silent & False
    whom = watched.silent if silent else nobody
    if how == "held":
        held = _held(watched, whom)
        return replace(watched, whatever=held)
    scored_to = watched.whatever["scored_to_day"]
    came_back = watched.untreated["retreated_day"] <= scored_to
    came_back = came_back.fillna(False).astype(bool)
    after_last = scored_to + 1
    # Whoever was treated again was still scored then, and fell silent later.
    untreated = _lost(watched.untreated, after_last.where(whom & ~came_back))
    whatever = _lost(watched.whatever, after_last.where(whom))
    return replace(
        watched,
        whatever=whatever,
        untreated=untreated,
    )


def _lost(rows: pd.DataFrame, silent_from: pd.Series) -> pd.DataFrame:
    """Rows in which a loss that waits for its second score is one on its day, and silence is one on
    its first day.
    """
    day = rows["waiting_day"].fillna(silent_from)
    scored_to = rows["scored_to_day"]
    later = (day > scored_to).fillna(False)
    return rows.assign(
        lost_day=rows["lost_day"].fillna(day),
        known_day=rows["known_day"].fillna(day),
        scored_to_day=scored_to.mask(later, day),
    )


def _held(watched: Watched, silent: pd.Series) -> pd.DataFrame:
    """Rows in which a loss that waits for its second score is none, and the silent hold the
    response to the end of the log.
    """
    rows = watched.whatever
    year_later = rows["origin_day"] + LAST_CURVE_DAY
    log_end = watched.log_end.fillna(year_later)
    held_silently = log_end.where(silent)
    scored_to = rows["scored_to_day"]
    waits = rows["waiting_day"].notna()
    waits &= rows["lost_day"].isna()
    held_to = rows["held_to_day"].mask(waits, scored_to)
    return rows.assign(
        held_to_day=held_silently.fillna(held_to),
        decided_to_day=held_silently.fillna(rows["decided_to_day"]),
        scored_to_day=held_silently.fillna(scored_to),
    )


def bounds_of(watched: Watched) -> list[tuple[str, bool]]:
    """Pairs of bounds, each with whether the silent are settled: what no second score confirmed,
    where one is needed; the silent besides.
    """
    silent = ("silent", True)
    return [silent] if watched.rule.run.count == 1 else [("bound", False), silent]


def days_shown(left: pd.DataFrame, estimand: Estimand) -> Ints:
    """Days of a curve, as long as it stands on enough people.

    Parameters
    ----------
    left : DataFrame
        From `exits`.
    estimand : {"treatment_policy", "hypothetical", "composite"}
        Which curve.
    """
    counts = count_exits(left, estimand)
    longest = LAST_CURVE_DAY + 1
    shown = steps_to_show(counts.still_counted, counts.censored, FEWEST_PEOPLE, longest)
    return np.arange(shown)


def came_again(
    watched: Watched,
    estimand: Estimand,
    left: pd.DataFrame,
) -> Bools:
    """Whether each person had another session while on the curve.

    Parameters
    ----------
    watched : Watched
        From `watch`.
    estimand : {"treatment_policy", "hypothetical", "composite"}
        Which curve; the treatment policy keeps people at risk who are treated again.
    left : DataFrame
        From `exits`.
    """
    cause = left["cause"].to_numpy()
    if estimand != "treatment_policy":
        return cause == CAUSES.index("retreated")
    again = days_since_origin(watched.whatever, "retreated_day")
    time = left["time"].to_numpy()
    return again <= time


def fell_silent(watched: Watched, left: pd.DataFrame) -> Bools:
    """Whether each person left a curve because nobody scored them any more."""
    cause = left["cause"].to_numpy()
    silent = watched.silent.to_numpy(bool)
    return (cause == 0) & silent


def retreated_unconfirmed(watched: Watched) -> Bools:
    """Whether a loss was waiting for its second score when the next session came, by patient as in
    `watched.untreated`.

    The second score comes after that session, if at all: off treatment such a loss can never be
    counted.
    """
    rows = watched.untreated
    gap = rows["retreated_day"] - rows["waiting_day"]
    waited = gap.to_numpy(float, na_value=np.nan)
    # Beyond the longest gap of the rule no score could have confirmed the loss any more.
    could_confirm = waited <= watched.rule.run.max_gap
    never_proven = rows["lost_day"].isna().to_numpy()
    return could_confirm & never_proven


def days_since_origin(rows: pd.DataFrame, column: str) -> Floats:
    """Days from the origin to the day in a column of `loss_rows`; NaN where missing."""
    days = rows[column] - rows["origin_day"]
    return days.to_numpy(float, na_value=np.nan)


def count(
    cohort: DerivedCohort,
    estimand: Estimand = "treatment_policy",
    origin: Origin = "end_of_course",
) -> LifeCounts:
    """Losses by day since the origin under the rule in force; counts of several sites can be added.

    For `composite` a retreatment counts as a loss. `hypothetical` counts what was seen,
    unweighted.

    Raises
    ------
    NotIdentified
        As `watch`.
    """
    return count_exits(exits(watch(cohort, origin)[0], estimand), estimand)


def count_exits(left: pd.DataFrame, estimand: Estimand) -> LifeCounts:
    """Life table counts of exits under an estimand."""
    event = left["cause"] > 0 if estimand == "composite" else left["cause"] == 1
    return count_life(left["time"].to_numpy(), event.to_numpy())
