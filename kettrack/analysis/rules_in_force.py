"""By which rules a cohort is counted: what must be the same where two are added up, or set beside
each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Final

from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS
from kettrack.vocabulary.rules import Rule

# Rules whose words are told.
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
    """By which rules a site has counted; sites are compared or pooled only where all of it is the
    same.

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

    def differs_from(
        self,
        other: RulesInForce,
    ) -> str:
        """Name of the first thing that is not the same; empty where all of it is."""
        mine = asdict(self)
        # Sites may differ in whether they know it.
        del mine["log_end_known"]
        theirs = asdict(other)
        return next((name for name in mine if mine[name] != theirs[name]), "")


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
