"""One question that can be pooled: what a site counts for it, and the answer from the sum."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import pandas as pd

from kettrack.analysis.registry import Answer
from kettrack.pooling.tallies import Shape
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS
from kettrack.vocabulary.rules import Rule

Tables = Mapping[str, pd.DataFrame]
# Rules whose words a summary carries.
RULES: Final = (
    "response",
    "remission",
    "loss_of_response",
    "relapse",
    "deterioration",
)
NOT_DEFINED: Final = "not defined by these rules"


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesInForce:
    """By which rules a site has counted; sites are pooled only where all of it is the same.

    Parameters
    ----------
    instrument, scale : str
        Name of the instrument, and its range, direction and cut-off for a case in words.
    criteria, criteria_version, criteria_hash, label : str
        The rules; equal hashes are equal rules.
    baseline : str
        Which score of the baseline window is the baseline.
    log_complete_to : str
        To which day a log is taken to be complete where that is not recorded.
    in_words : mapping
        Each of `RULES` in words.
    log_end_known : bool
        Whether every site records to which day at least some of its logs are complete; sites may
        differ in it.
    """

    instrument: str
    scale: str
    criteria: str
    criteria_version: str
    criteria_hash: str
    label: str
    baseline: str
    log_complete_to: str
    in_words: Mapping[str, str]
    log_end_known: bool = field(default=True, compare=False)

    @property
    def words(self) -> str:
        """Instrument, rules and baseline as they stand under every answer."""
        return (
            f"{self.instrument}, {self.label}, baseline: {self.baseline} score in the"
            f" {BASELINE_WINDOW_DAYS} days up to session 1"
        )


def rules_of_site(cohort: DerivedCohort) -> RulesInForce:
    """The rules of a cohort."""
    scale = cohort.instrument
    criteria = cohort.criteria
    # Scales of a clinic's own may share a name and differ in range or direction.
    direction = "higher is worse" if scale.higher_is_worse else "higher is better"
    case = f"{criteria.caseness.value:g}" if criteria.caseness else "none"
    return RulesInForce(
        instrument=scale.name,
        scale=(
            f"{scale.range_text}, {direction}, cut-off for a case {case}, totals with decimals:"
            f" {scale.prorated or 'as they come'}"
        ),
        criteria=criteria.name,
        criteria_version=criteria.version,
        criteria_hash=criteria.hash,
        label=criteria.label,
        baseline=cohort.settings.baseline,
        log_complete_to=cohort.settings.log_complete_to,
        in_words={name: _words(getattr(criteria, name)) for name in RULES},
        log_end_known=bool(cohort.patients["observed_to_day"].notna().any()),
    )


def _words(rule: Rule | None) -> str:
    return rule.words if rule is not None else NOT_DEFINED


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledQuestion:
    """One question that can be pooled.

    Parameters
    ----------
    question : str
        Name in `kettrack.questions()`.
    shapes : mapping
        Name of each table to what stands in it.
    lacks : str
        What of the question's own answer is not pooled, and why; empty where everything is.
    nearly_rows : bool
        Whether the counts are nearly as fine as the people; they leave a site exact or not at all.
    count : callable
        A derived cohort in, tables out; refuses where the site cannot count at all.
    answer : callable
        Sum of the tables of all sites in, answer out; refuses where it is too little.
    """

    question: str
    shapes: Mapping[str, Shape]
    lacks: str = ""
    nearly_rows: bool = False
    count: Callable[[DerivedCohort], dict[str, pd.DataFrame]]
    answer: Callable[[Tables, RulesInForce], Answer]
