"""The same cohort under every named rule and every baseline: how much of an answer is only its
definition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL
from kettrack.analysis.registry import Answer, question
from kettrack.errors import NotIdentified, UsageError
from kettrack.estimators.intervals import wilson
from kettrack.result import Role
from kettrack.settings import BaselineRule
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.outcomes import outcomes_of
from kettrack.timelines.published.ratings import Scored, score_cohort
from kettrack.timelines.published.table import rate, rules_in_force
from kettrack.vocabulary.criteria import convention, criteria_for, rated_instruments
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.instruments import get_instrument
from kettrack.vocabulary.made_of import COUNTED
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
_ROLES: Final[dict[str, Role]] = {
    "number": "key",
    "instrument": "label",
    "outcome": "label",
    "definition": "label",
    "rule": "label",
    "standing": "label",
    "baseline": "label",
    "events": "count",
    "waiting": "count",
    "n": "denominator",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
}
_MET: Final = {
    "response": "responded",
    "remission": "remitted",
    "loss_of_response": "lost their response",
    "deterioration": "deteriorated",
}


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
    _require_rules(cohort, also)
    rows: list[dict[str, object]] = []
    for scale in _scales(cohort):
        for baseline in BASELINES:
            settings = replace(
                cohort.settings, instrument=scale.name, baseline=baseline
            )
            scored = score_cohort(cohort.replace(settings=settings))
            found = (*_of_bundles(scored, also), *_of_ratings(scored, also))
            rows += [row | {"baseline": baseline} for row in found]
            on_step()
    return pd.DataFrame(rows, columns=list(COLUMNS))


def n_steps(cohort: DerivedCohort) -> int:
    """Steps that `count` takes."""
    return len(_scales(cohort)) * len(BASELINES)


def _scales(cohort: DerivedCohort) -> list[Instrument]:
    """The primary instrument, and every scale of depression that was used."""
    used = set(cohort.scores["instrument"].unique())
    known = cohort.settings.known_instruments
    others = rated_instruments("depression", known)
    # The primary instrument comes first, each scale once.
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


def _require_rules(cohort: DerivedCohort, also: tuple[str, ...]) -> None:
    """Stop at a name in `also` that no rule of any scale has."""
    scales = _scales(cohort)
    names = {
        bundle.name
        for scale in scales
        for bundle in criteria_for(scale, cohort.settings.user_criteria)
    }
    names |= {rule.name for scale in scales for rule in published_rules(scale)}
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
            # Only a response can be lost.
            people = responded if event == "loss_of_response" else rated
            status = people[f"{event}_status"]
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


def estimate(counts: pd.DataFrame) -> pd.DataFrame:
    """Percent with its Wilson interval for each combination.

    Returns
    -------
    DataFrame
        The counts, numbered from 1, with `estimate` `ci_low` `ci_high`; missing where nobody could
        be rated.
    """
    table = counts.reset_index(drop=True)
    pairs = zip(table["events"], table["n"], strict=True)
    found = [wilson(int(events), int(n), LEVEL) for events, n in pairs]
    columns = ["estimate", "ci_low", "ci_high"]
    table[columns] = pd.DataFrame(found, columns=columns, dtype=float)
    table.insert(0, "number", table.index + 1)
    return table


@question(
    "specification",
    recipes=(COUNTED,),
    asks="What would the answer be under every other published rule?",
    unit="percent of patients rated",
    estimand=(
        "Percent of the people who can be rated under a rule who ever met it in the log. Loss of"
        " response is counted among the people who responded."
    ),
    roles=_ROLES,
    show=(
        "instrument",
        "outcome",
        "rule",
        "standing",
        "baseline",
        "events",
        "n",
        "estimate",
        "ci_low",
        "ci_high",
    ),
    count=count,
)
def specification(
    cohort: DerivedCohort,
    also: tuple[str, ...] = (),
    on_step: Callable[[], None] = lambda: None,
) -> Answer:
    """The same people under every named rule and every choice of baseline.

    Parameters
    ----------
    cohort : DerivedCohort
        From `load_cohort`. The primary instrument, and every depression scale used beside it.
    also : tuple of str
        Names of recalled rules to apply as well; they are marked in the column `standing`.
    on_step : callable
        Called after each of the `n_steps` steps.

    Returns
    -------
    Result
        One row per combination of `instrument`, `rule`, `baseline` and `outcome` (response,
        remission, loss_of_response, deterioration, recovery, improvement, sudden_gain; `definition`
        says which kind): `events` of `n` rated, `waiting` for a second score and not counted,
        `estimate` % with its Wilson interval.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> table = specification(load_cohort(sample_folder())).table
    >>> sorted(set(table.baseline))
    ['last', 'mean', 'worst']
    """
    counts = count(cohort, also, on_step)
    if counts.empty:
        raise NotIdentified(
            "no instrument with a rule was scored.",
            "a depression scale before and after the first session.",
        )
    table = estimate(counts)
    return Answer(
        table=table,
        sentence=_sentence(table),
        caveats=_caveats(table),
        level=LEVEL,
    )


def _sentence(table: pd.DataFrame) -> str:
    """The lowest and the highest percentage of each outcome, among rules that look for a first
    event.
    """
    first_events = table[table["definition"] == FIRST_EVENT].dropna(subset="estimate")
    parts = []
    for outcome, word in _MET.items():
        rows = first_events[first_events["outcome"] == outcome]
        if len(rows):
            ordered = rows.sort_values(["estimate", "number"])["number"]
            low = f"row{ordered.iloc[0]}"
            high = f"row{ordered.iloc[-1]}"
            parts.append(f"{{{low}.estimate:pc}} to {{{high}.estimate:%}} {word}")
    if not parts:
        return "Nobody could be rated for a first event under any rule."
    return f"The same people under every named rule, scale and baseline: {', '.join(parts)}."


def _caveats(table: pd.DataFrame) -> tuple[str, ...]:
    recalled = sorted(set(table.loc[table["standing"] == "recalled", "rule"]))
    said = (
        (
            "An event counts at any time in the log, so people who are followed longer have more"
            " chances. For time, see the curves by session."
        ),
        (
            "All rows are about the same people: many rows that agree are no more evidence than"
            " one. n differs with what was scored."
        ),
        (
            "With the worst score as baseline, chance alone looks like improvement: the score"
            " after the worst of several is usually lower."
        ),
        (
            "People whose event still waits for a second score, or who were never scored again,"
            " are counted in n and not in events."
        ),
    )
    if not recalled:
        return said
    return (
        *said,
        f"The wording of these rules is not confirmed; they were asked for: {', '.join(recalled)}.",
    )
