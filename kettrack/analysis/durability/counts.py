"""Counts behind durability: when each watched response was lost, treated again, or no longer
followed, by estimand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
import pandas as pd

from kettrack.arrays import Bools, Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.survival.life_table import LifeCounts, count_life
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.spells import Origin, loss_rows, response_origins, single_score
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS
from kettrack.vocabulary.rules import Rule

Estimand = Literal["off_treatment", "composite", "treatment_policy"]
ESTIMANDS: Final[tuple[Estimand, ...]] = (
    "treatment_policy",
    "off_treatment",
    "composite",
)
CAUSES: Final = ("censored", "lost", "retreated")
Waiting = Literal["censored", "lost", "held"]


@dataclass(frozen=True, slots=True)
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
    """

    name: str
    rule: Rule
    whatever: pd.DataFrame
    untreated: pd.DataFrame
    origins: pd.DataFrame


def watch(cohort: DerivedCohort, origin: Origin) -> list[Watched]:
    """Responses from an origin under the rule in force and, where that asks for a second score, by
    a single one.

    Raises
    ------
    NotIdentified
        When the rules define no response or no loss of it, or nobody is known to have responded at
        the origin.
    """
    in_force = loss_rule(cohort)
    origins = response_origins(cohort, origin)
    if origins["why_not"].notna().all():
        late = cohort.criteria.late_after_days
        at = (
            f"within {late} days after the planned course"
            if origin == "end_of_course"
            else "in the first course"
        )
        raise NotIdentified(
            f"nobody is known to have responded {at}.",
            f"a score in the {late} days after the course, and one in the"
            f" {BASELINE_WINDOW_DAYS} days before it.",
        )
    return [
        Watched(
            name,
            rule,
            loss_rows(cohort, origins, rule),
            loss_rows(cohort, origins, rule, untreated=True),
            origins,
        )
        for name, rule in _rules(in_force)
    ]


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


def _rules(in_force: Rule) -> Iterator[tuple[str, Rule]]:
    yield "in_force", in_force
    if in_force.run.count > 1:
        yield "single_score", single_score(in_force)


def exits(
    watched: Watched, estimand: Estimand, waiting: Waiting = "censored"
) -> pd.DataFrame:
    """Day since the origin on which each patient left the risk set, and why.

    Parameters
    ----------
    watched : Watched
        Responses under one rule.
    estimand : {"treatment_policy", "off_treatment", "composite"}
        What a further session means.
    waiting : {"censored", "lost", "held"}
        What a score that shows a loss means when no second score confirmed it: the end of what is
        known, a loss on its day, or nothing. The last two are the bounds between which the answer
        lies, whatever the missing scores would have said.

    Returns
    -------
    DataFrame
        By `patient_id`: `time` (int64, days since the origin) and `cause` (place in `CAUSES`).
        `off_treatment`: censored at the next session; `composite`: that session is an event;
        `treatment_policy`: it is nothing.
    """
    rows = watched.untreated if estimand == "off_treatment" else watched.whatever
    lost = days_since_origin(rows, "lost_day")
    held_to = days_since_origin(rows, "held_to_day")
    unproven = days_since_origin(rows, "waiting_day")
    if waiting == "lost":
        lost = np.where(np.isnan(lost), unproven, lost)
    elif waiting == "held":
        scored_to = days_since_origin(rows, "scored_to_day")
        held_to = np.where(np.isnan(unproven), held_to, scored_to)
    if estimand == "treatment_policy":
        cause = np.where(np.isnan(lost), 0, 1)
        time = np.where(cause == 1, lost, held_to)
    else:
        # In the composite a session counts as long as a loss could still have been shown: both are
        # then seen alike.
        until = "decided_to_day" if estimand == "composite" else "scored_to_day"
        followed = days_since_origin(watched.whatever, until)
        again = days_since_origin(rows, "retreated_day")
        again = np.where(again <= followed, again, np.nan)
        # A loss on the day of the next session comes first; comparing with NaN is False.
        first_lost = lost <= np.where(np.isnan(again), np.inf, again)
        cause = np.select([first_lost, ~np.isnan(again)], [1, 2], 0)
        time = np.choose(cause, [held_to, lost, again])
    return pd.DataFrame(
        {"time": time.astype(np.int64), "cause": cause}, index=rows.index
    )


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

    For `composite` a retreatment counts as a loss. `off_treatment` counts what was seen,
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
