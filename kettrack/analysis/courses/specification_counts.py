"""How many people meet each named rule under each baseline: the counts behind the specification
table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from kettrack.errors import UsageError
from kettrack.settings import BaselineRule
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.outcomes import outcomes_of
from kettrack.timelines.published.ratings import Scored, score_cohort
from kettrack.timelines.published.table import rate, rules_in_force
from kettrack.vocabulary.conventions import convention
from kettrack.vocabulary.criteria import criteria_for, rated_instruments
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.instruments import get_instrument
from kettrack.vocabulary.published_rules import published_rules
from kettrack.vocabulary.rules import Criteria

FIRST_EVENT: Final = "first event"
BASELINES: Final[tuple[BaselineRule, ...]] = ("last", "mean", "worst")
EVENTS: Final = ("response", "remission", "loss_of_response", "deterioration")
# What a rule that rates each patient once is a definition of -> the outcome it is compared with.
OUTCOMES: Final = {
    "early response": "response",
    "sustained response": "response",
    "sustained remission": "remission",
    "remission at a fixed week": "remission",
    "remission, symptoms": "remission",
    "deterioration": "deterioration",
    "recovery": "recovery",
    "clinically significant change": "recovery",
    "early improvement": "improvement",
    "reliable improvement": "improvement",
    "sudden gain": "sudden_gain",
}
_PROVEN: Final = ("single", "confirmed")
COLUMNS: Final = (
    "instrument",
    "outcome",
    "definition",
    "rule",
    "standing",
    "baseline",
    "events",
    "waiting",
    "n",
)


def count(
    cohort: DerivedCohort,
    also: tuple[str, ...] = (),
    on_step: Callable[[], None] = lambda: None,
) -> pd.DataFrame:
    """People rated, and people who met each rule; the counts of several sites can be added.

    Parameters
    ----------
    cohort : DerivedCohort
        From `load_cohort`.
    also : tuple of str
        Names of recalled rules to apply as well.
    on_step : callable
        Called after each of the `n_steps` steps.

    Returns
    -------
    DataFrame
        One row per combination: `instrument` `outcome` `definition` `rule` `standing` `baseline`
        `events` `waiting` `n`.

    Raises
    ------
    UsageError
        For a name in `also` that is no rule.
    """
    _check(cohort, also)
    rows: list[dict[str, object]] = []
    for scale in _scales(cohort):
        for baseline in BASELINES:
            here = cohort.replace(
                settings=replace(
                    cohort.settings, instrument=scale.name, baseline=baseline
                ),
            )
            scored = score_cohort(here)
            rows += [
                row | {"baseline": baseline}
                for row in (*_of_bundles(scored, also), *_of_ratings(scored, also))
            ]
            on_step()
    return pd.DataFrame(rows, columns=list(COLUMNS))


def n_steps(cohort: DerivedCohort) -> int:
    """Steps that `count` takes."""
    return len(_scales(cohort)) * len(BASELINES)


def _scales(cohort: DerivedCohort) -> list[Instrument]:
    """The primary instrument, and every scale of depression that was used."""
    used = set(cohort.scores["instrument"])
    known = cohort.settings.known_instruments
    others = rated_instruments("depression", known)
    names = dict.fromkeys([cohort.settings.instrument, *others])
    return [get_instrument(name, known) for name in names if name in used]


def _bundles(cohort: DerivedCohort, also: tuple[str, ...]) -> list[Criteria]:
    """Rules in force: the recalled ones only where they were asked for, by `also` or as the
    cohort's own criteria.
    """
    asked = {*also, cohort.settings.criteria}
    there = criteria_for(cohort.instrument, cohort.settings.user_criteria)
    return [
        bundle
        for bundle in there
        if bundle.standing != "recalled" or bundle.name in asked
    ]


def _check(cohort: DerivedCohort, also: tuple[str, ...]) -> None:
    names = {
        bundle.name
        for scale in _scales(cohort)
        for bundle in criteria_for(scale, cohort.settings.user_criteria)
    }
    names |= {rule.name for scale in _scales(cohort) for rule in published_rules(scale)}
    unknown = [name for name in also if name not in names]
    if unknown:
        raise UsageError(
            f"No rule is called {unknown[0]!r}; there are: {'; '.join(sorted(names))}."
        )


def _of_bundles(scored: Scored, also: tuple[str, ...]) -> Iterator[dict[str, object]]:
    """Events that the scores prove, among those who can be rated and were scored after the first
    session.
    """
    scale = scored.instrument
    baseline = scored.cohort.settings.baseline
    whole = ~np.logical_or.reduce(list(scored.cohort.log_reasons.values()))
    for bundle in _bundles(scored.cohort, also):
        found = outcomes_of(scored.bucket, bundle, baseline, scale.sign, EVENTS)
        rated = found[found["included"] & whole]
        responded = rated[rated["response_status"].isin(_PROVEN)]
        for event in filter(lambda event: _says(bundle, event, scale), EVENTS):
            status = (responded if event == "loss_of_response" else rated)[
                f"{event}_status"
            ]
            yield {
                "instrument": bundle.instrument,
                "outcome": event,
                "definition": FIRST_EVENT,
                "rule": bundle.name,
                "standing": (
                    "recalled"
                    if getattr(bundle, event).standing == "recalled"
                    else bundle.standing
                ),
                "events": int(status.isin(_PROVEN).sum()),
                "waiting": int(status.isin(["pending", "unconfirmable"]).sum()),
                "n": len(status),
            }


def _says(bundle: Criteria, event: str, scale: Instrument) -> bool:
    """Whether a bundle itself says what the event is; what it only takes over from the convention
    is no second opinion.
    """
    rule = getattr(bundle, event)
    base = convention(scale)
    if rule is None or bundle.name == base.name or bundle.standing == "user":
        return rule is not None
    if event == "response" and bundle.standing != "convention":
        return True  # half down is each publication's own
    return rule != getattr(base, event) or (
        event == "loss_of_response" and bundle.response != base.response
    )


def _of_ratings(scored: Scored, also: tuple[str, ...]) -> Iterator[dict[str, object]]:
    """Rules that rate each patient once."""
    for rule in rules_in_force(scored.instrument, also):
        found = rate(scored, rule)
        yield {
            "instrument": rule.instrument,
            "outcome": OUTCOMES[rule.outcome],
            "definition": rule.outcome,
            "rule": rule.name,
            "standing": rule.standing,
            "events": int(found.met.sum()),
            "waiting": 0,
            "n": int(found.rated.sum()),
        }
