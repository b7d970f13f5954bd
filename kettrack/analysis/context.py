"""What every estimate of a cohort carries with it, and the gate each passes before anyone sees
it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Final

import pandas as pd

from kettrack import __version__
from kettrack.errors import NotIdentified
from kettrack.privacy import disclosure
from kettrack.result import Result
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS


def made_from(
    cohort: DerivedCohort,
    unit: str,
    level: float | None = None,
    seed: int | None = None,
) -> dict[str, Any]:
    """Instrument, rules, unit and provenance of a result, under the names of the contract."""
    criteria = cohort.criteria
    return {
        "instrument": cohort.instrument.name,
        "criteria": {
            "name": criteria.name,
            "version": criteria.version,
            "hash": criteria.hash,
        },
        "baseline_rule": cohort.settings.baseline,
        "level": level,
        "unit": unit,
        "seed": seed,
        "extract": cohort.settings.extract,
        "input_sha256": cohort.provenance.input_sha256,
        "version": __version__,
    }


# people behind a share or at risk on a curve: with fewer, one person moves it by a tenth
FEWEST: Final = 11
LEVEL: Final = 0.95
NORMAL: Final = 1.959963984540054  # standard errors to each side at that level

# Reasons that more people would end; a rule that is not defined is none of them.
_FOR_WANT_OF_PEOPLE: Final = re.compile(rf"\b{FEWEST}\b|\bfewer\b|\bonly\b|\bnobody\b")
# A count of 1 to 10 in words that no cell of the table stands behind; "fewer than 10 people" is a
# threshold, not a count.
_SMALL_COUNT: Final = re.compile(
    r"(?<!than )\b([1-9]|10)(?= (?:people|persons?|patients?|pairs|decisions|of them|who) ?)"
)


def release(result: Result, cohort: DerivedCohort) -> Result:
    """Pass a result through the gate under the cohort's own policy; reasons and caveats name no
    small count either.
    """
    policy = cohort.settings.policy
    if disclosure.get_policy(policy).smallest_count > 1:
        reason = _without_counts(result.reason)
        sentence = _without_counts(result.sentence)
        caveats = tuple(_without_counts(caveat) for caveat in result.caveats)
        result = replace(result, reason=reason, sentence=sentence, caveats=caveats)
    return disclosure.apply(result, policy)


def _without_counts(words: str) -> str:
    return _SMALL_COUNT.sub("few", words)


def refusal(
    name: str, cohort: DerivedCohort, error: NotIdentified, estimand: str
) -> Result:
    """A refusal as a result, so that a report shows it as a row and not as a blank.

    A log with fewer people than any curve can be drawn for lacks people first, whatever else it
    lacks.
    """
    n = len(cohort.patients)
    collect = error.collect
    if n < FEWEST and _FOR_WANT_OF_PEOPLE.search(error.reason):
        held = (
            "fewer"
            if disclosure.get_policy(cohort.settings.policy).smallest_count > 1
            else f"only {n}"
        )
        collect = f"at least {FEWEST} people, where this log holds {held}; for each of them, {collect}"
    return Result(
        name=name,
        table=pd.DataFrame(),
        roles={},
        sentence="",
        estimand=estimand,
        status="refused",
        reason=error.reason,
        collect=collect,
        made_from=made_from(cohort, unit=""),
        policy=cohort.settings.policy,
    )


def rule_words(cohort: DerivedCohort) -> str:
    """Instrument and rules as they stand under every figure.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> rule_words(load_cohort(sample_folder()))
    'PHQ-9, convention 1, baseline: last score in the 30 days up to session 1'
    """
    criteria = cohort.criteria
    baseline = cohort.settings.baseline
    return (
        f"{criteria.instrument}, {criteria.label}, baseline: {baseline} score in the"
        f" {BASELINE_WINDOW_DAYS} days up to session 1"
    )
