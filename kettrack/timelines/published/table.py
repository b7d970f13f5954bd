"""Every published rule, by name: what there is, and who meets the ones that rate a patient once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.errors import UsageError
from kettrack.reading.cohort import Cohort
from kettrack.timelines.bucket import Array, Bucket, category
from kettrack.timelines.derived import DerivedCohort, derive
from kettrack.timelines.published.paired import (
    rate_change,
    rate_deadline,
    rate_last,
    rate_two_scales,
)
from kettrack.timelines.published.ratings import REASONS, Rating, Scored, score_cohort
from kettrack.timelines.published.recovery import rate_recovery, rate_symptoms
from kettrack.timelines.published.sudden_gains import rate_gains
from kettrack.timelines.published.visits import rate_visits
from kettrack.vocabulary.criteria import criteria_for
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.instruments import INSTRUMENTS
from kettrack.vocabulary.patient_rules import (
    ChangeRule,
    DeadlineRule,
    GainRule,
    LastRule,
    PatientRule,
    RecoveryRule,
    SymptomRule,
    TwoScaleRule,
    VisitRule,
)
from kettrack.vocabulary.published_rules import published_rules
from kettrack.vocabulary.rules import Criteria, Rule

# The kind of a rule says how it is rated.
_RATE: Final[dict[type[PatientRule], Callable[[Scored, Any], Rating]]] = {
    VisitRule: rate_visits,
    DeadlineRule: rate_deadline,
    LastRule: rate_last,
    ChangeRule: rate_change,
    TwoScaleRule: rate_two_scales,
    SymptomRule: rate_symptoms,
    RecoveryRule: rate_recovery,
    GainRule: rate_gains,
}
VERDICTS: Final = ("not_met", "met")
DEFINED: Final = (
    "response",
    "remission",
    "partial",
    "loss_of_response",
    "relapse",
    "deterioration",
)


def rate(scored: Scored, rule: PatientRule) -> Rating:
    """Rate every patient of a cohort under one rule."""
    return _RATE[type(rule)](scored, rule)


def list_presets(instrument: str | None = None) -> pd.DataFrame:
    """Every rule that has a name, with its source and standing: one row per instrument, name and
    outcome.

    Parameters
    ----------
    instrument : str, optional
        Default all built-in ones.

    Returns
    -------
    DataFrame
        `instrument` `name` `outcome` `rule` (in words) `standing` (`verified`, `computed`,
        `convention`, or `recalled`: never applied unless asked for by name) `source` `kind`
        (`criteria`: dated events, for `--criteria`; `rating`: each patient met it or not, for
        `published_rules_table`).

    Examples
    --------
    >>> presets = list_presets("MADRS")
    >>> presets.loc[presets.name == "SUSTAIN-1 stable remission", "standing"].item()
    'verified'
    """
    scales = (
        list(INSTRUMENTS.values()) if instrument is None else [_built_in(instrument)]
    )
    bundles = [
        row
        for scale in scales
        for bundle in criteria_for(scale)
        for row in _rows_of(bundle)
    ]
    ratings = [
        _row(scale.name, rule, rule.outcome, "rating")
        for scale in scales
        for rule in published_rules(scale)
    ]
    return pd.DataFrame([*bundles, *ratings])


def _built_in(name: str) -> Instrument:
    if name not in INSTRUMENTS:
        raise UsageError(
            f"No built-in instrument is called {name!r}; there are: {', '.join(INSTRUMENTS)}."
        )
    return INSTRUMENTS[name]


def _rows_of(bundle: Criteria) -> list[dict[str, str]]:
    rules = {outcome: getattr(bundle, outcome) for outcome in DEFINED}
    return [
        _row(bundle.instrument, rule, outcome, "criteria")
        | {"name": bundle.name}
        | _unconfirmed(bundle)
        for outcome, rule in rules.items()
        if rule is not None
    ]


def _unconfirmed(bundle: Criteria) -> dict[str, str]:
    """A bundle with an unconfirmed part is unconfirmed."""
    return {"standing": bundle.standing} if bundle.standing == "recalled" else {}


def _row(
    instrument: str, rule: PatientRule | Rule, outcome: str, kind: str
) -> dict[str, str]:
    name = rule.name if isinstance(rule, PatientRule) else ""
    words = {
        "instrument": instrument,
        "name": name,
        "outcome": outcome.replace("_", " "),
        "rule": str(rule),
    }
    return words | {"standing": rule.standing, "source": rule.source, "kind": kind}


def rules_in_force(
    instrument: Instrument, also: Iterable[str] = ()
) -> tuple[PatientRule, ...]:
    """Rules applied without being asked for, and those asked for by name: a recalled rule is never
    among the former.
    """
    # a rule that nobody could confirm is applied only when it is asked for by name
    asked = set(also)
    return tuple(
        rule
        for rule in published_rules(instrument)
        if rule.standing != "recalled" or rule.name in asked
    )


def published_rules_table(
    cohort: Cohort | DerivedCohort, also: tuple[str, ...] = ()
) -> pd.DataFrame:
    """Who meets which published rule on the primary instrument: one row per patient and rule.

    Parameters
    ----------
    cohort : Cohort or DerivedCohort
        From `load_cohort`.
    also : tuple of str
        Names of recalled rules to apply as well.

    Returns
    -------
    DataFrame
        In the order of rules and patients: `patient_id` `instrument` `rule` `outcome` `verdict`
        (not_met < met; missing where it cannot be rated) `reason` (why it cannot: no_baseline,
        below_caseness, no_follow_up, prior_sessions, placebo, few_sessions, too_new, not_scored,
        no_items) `proof` (the scores that decide) `standing`.

    Raises
    ------
    UsageError
        For a name that is none of the instrument's rules.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> table = published_rules_table(load_cohort(sample_folder()))
    >>> table.verdict.cat.categories.tolist()
    ['not_met', 'met']
    """
    cohort = derive(cohort)
    known = [rule.name for rule in published_rules(cohort.instrument)]
    # a misspelt name would otherwise apply nothing, and nobody would notice
    unknown = [name for name in also if name not in known]
    if unknown:
        raise UsageError(
            f"No rule for {cohort.instrument.name} is called {unknown[0]!r}; there are:"
            f" {'; '.join(known)}."
        )
    # baselines and reasons are worked out once, for every rule
    scored = score_cohort(cohort)
    parts = [
        _verdicts(scored, rule) for rule in rules_in_force(cohort.instrument, also)
    ]
    return (
        pd.concat(parts, ignore_index=True)
        if parts
        else pd.DataFrame(columns=list(_COLUMNS))
    )


_COLUMNS: Final = (
    "patient_id",
    "instrument",
    "rule",
    "outcome",
    "verdict",
    "reason",
    "proof",
    "standing",
)


def _verdicts(scored: Scored, rule: PatientRule) -> pd.DataFrame:
    found = rate(scored, rule)
    return pd.DataFrame(
        {
            "patient_id": scored.bucket.patient_id,
            "instrument": rule.instrument,
            "rule": f"{rule.name} ({rule.standing}): {rule}",
            "outcome": rule.outcome,
            "verdict": category(
                np.where(found.rated, found.met, -1).astype(np.int8), VERDICTS
            ),
            "reason": category(found.reason, REASONS),
            "proof": _proofs(found),
            "standing": rule.standing,
        }
    )


def _proofs(found: Rating) -> list[str]:
    """The deciding scores of each patient in words; those of a second scale after a bar."""
    scales = [[_words(bucket, rows) for rows in block] for bucket, block in found.proof]
    return [" | ".join(filter(None, parts)) for parts in zip(*scales, strict=True)]


def _words(bucket: Bucket, rows: Array) -> str:
    return "; ".join(
        f"day {bucket.score_day[row]}: {bucket.score[row]:g}"
        for row in rows
        if row >= 0
    )
