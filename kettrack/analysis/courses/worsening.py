"""Who got worse: at any score after the first session, beside those who got better."""

from __future__ import annotations

from typing import Final

import pandas as pd

from kettrack.analysis.context import LEVEL
from kettrack.analysis.registry import Answer, question
from kettrack.errors import NotIdentified
from kettrack.estimators.intervals import wilson
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.plain_words import share_with_interval

_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "n": "denominator",
    "events": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
}
_COLLECT: Final = "scores before and after session 1."


@question(
    "worsening",
    asks="How many got worse, and when?",
    unit="percent of analysable patients",
    estimand=(
        "Share of the analysable people who had at least one score that meets the rule for"
        " deterioration, at any time after session 1."
    ),
    roles=_ROLES,
)
def worsening(cohort: DerivedCohort) -> Answer:
    """How many of the analysable people met the rule for deterioration at any score after session
    1.

    Returns
    -------
    Result
        One row: `events` of `n` with Wilson interval. Refused when the criteria have no such rule,
        or nobody is analysable.
    """
    rule = cohort.criteria.deterioration
    if rule is None:
        name = cohort.instrument.name
        raise NotIdentified(
            f"the rules in force define no deterioration on {name}.", _COLLECT
        )
    outcomes = cohort.outcomes
    rated = outcomes[outcomes["included"]]
    if rated.empty:
        raise NotIdentified("nobody is analysable (see the ladder).", _COLLECT)
    # One score that still waits for a second, or never got one, is not counted.
    events = int(rated["deterioration_status"].isin(["single", "confirmed"]).sum())
    estimate, low, high = wilson(events, len(rated))
    row = {
        "key": "worse",
        "n": len(rated),
        "events": events,
        "estimate": estimate,
        "ci_low": low,
        "ci_high": high,
    }
    return Answer(
        table=pd.DataFrame([row]),
        sentence=(
            f"{{worse.events}} of {{worse.n}} analysable people, {share_with_interval('worse')},"
            " were worse than before treatment at one score or more, by the rule for"
            " deterioration."
        ),
        caveats=(
            (
                f"Deterioration: {rule.words}; {cohort.criteria.label}. Worsening is seen more"
                " often in people who are scored more often. Brackets hold the"
                f" {100 * LEVEL:g} % interval."
            ),
        ),
        level=LEVEL,
    )
