"""Counts behind durability: when each watched response was lost, treated again, or no longer
followed, by estimand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from kettrack.errors import NotIdentified
from kettrack.estimators.survival.life_table import LifeCounts, count_life
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.spells import Origin, loss_rows, response_origins, single_score
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
    rule : str
        `in_force` or `single_score`.
    words : Rule
        The rule itself.
    whatever, untreated : DataFrame
        Losses at any score, and losses at scores before the next session.
    origins : DataFrame
        From `response_origins`, everyone included.
    """

    rule: str
    words: Rule
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
        at = (
            "within 14 days after the planned course"
            if origin == "end_of_course"
            else "in the first course"
        )
        raise NotIdentified(
            f"nobody is known to have responded {at}.",
            "a score in the 14 days after the course, and one in the 30 before it.",
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
    return (
        lost
        if lost.event_rows or back is None
        else replace(lost, event_rows=back.event_rows)
    )


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
        What a score above the line means that no second one confirmed: the end of what is known, a
        loss on its day, or nothing. The last two are the bounds between which the answer lies,
        whatever the missing scores would have said.

    Returns
    -------
    DataFrame
        By `patient_id`: `time` (int64, days since the origin) and `cause` (place in `CAUSES`).
        `off_treatment`: censored at the next session; `composite`: that session is an event;
        `treatment_policy`: it is nothing.
    """
    rows = watched.untreated if estimand == "off_treatment" else watched.whatever
    lost = _since(rows, "lost_day")
    held_to = _since(rows, "held_to_day")
    unproven = _since(rows, "waiting_day")
    if waiting == "lost":
        lost = np.where(np.isnan(lost), unproven, lost)
    elif waiting == "held":
        held_to = np.where(np.isnan(unproven), held_to, _since(rows, "scored_to_day"))
    if estimand == "treatment_policy":
        cause = np.where(np.isnan(lost), 0, 1)
        time = np.where(cause == 1, lost, held_to)
    else:
        # In the composite a session counts as long as a loss could still have been shown: both are
        # then seen alike.
        followed = _since(
            watched.whatever,
            "decided_to_day" if estimand == "composite" else "scored_to_day",
        )
        again = _since(rows, "retreated_day")
        again = np.where(again <= followed, again, np.nan)
        cause = np.select(
            [lost <= np.where(np.isnan(again), np.inf, again), ~np.isnan(again)],
            [1, 2],
            0,
        )
        time = np.choose(cause, [held_to, lost, again])
    return pd.DataFrame(
        {"time": time.astype(np.int64), "cause": cause}, index=rows.index
    )


def retreated_unconfirmed(watched: Watched) -> npt.NDArray[np.bool_]:
    """Whether a loss was waiting for its second score when the next session came, by patient as in
    `watched.untreated`.

    The second score comes after that session, if at all: off treatment such a loss can never be
    counted.
    """
    rows = watched.untreated
    waited = (rows["retreated_day"] - rows["waiting_day"]).to_numpy(
        float, na_value=np.nan
    )
    return (waited <= watched.words.run.max_gap) & rows["lost_day"].isna().to_numpy()


def _since(rows: pd.DataFrame, column: str) -> npt.NDArray[np.float64]:
    """Days from the origin; NaN where missing."""
    days: npt.NDArray[np.float64] = (rows[column] - rows["origin_day"]).to_numpy(
        float, na_value=np.nan
    )
    return days


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
