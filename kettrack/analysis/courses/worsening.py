"""Who got worse: at any score after the first session, beside those who got better."""

from __future__ import annotations

from typing import Final

import pandas as pd

from kettrack.analysis.context import made_from, refusal, release
from kettrack.analysis.registry import question
from kettrack.errors import NotIdentified
from kettrack.estimators.intervals import wilson
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort

_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "n": "denominator",
    "events": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
}
_ESTIMAND: Final = (
    "Share of the analysable people with at least one score as bad as the rule for deterioration"
    " says, at any time."
)


@question("worsening", asks="How many got worse, and when?")
def worsening(cohort: DerivedCohort) -> Result:
    """How many of the analysable people met the rule for deterioration at any score after session
    1.

    Returns
    -------
    Result
        One row: `events` of `n` with Wilson interval. Refused when the criteria have no such rule,
        or nobody is analysable.
    """
    outcomes = cohort.outcomes
    rated = outcomes[outcomes["included"]]
    rule = cohort.criteria.deterioration
    if rule is None or rated.empty:
        why = (
            "nobody is analysable (see the ladder)."
            if rule
            else f"no rule for deterioration on {cohort.instrument.name}."
        )
        return release(
            refusal(
                "worsening",
                cohort,
                NotIdentified(why, "scores before and after session 1."),
                _ESTIMAND,
            ),
            cohort,
        )
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
    result = Result(
        name="worsening",
        table=pd.DataFrame([row]),
        roles=_ROLES,
        sentence=(
            "Of {worse.n} analysable people, {worse.events} ({worse.estimate} %;"
            " {worse.ci_low}-{worse.ci_high}) were reliably worse than before treatment at some"
            " score."
        ),
        estimand=_ESTIMAND,
        caveats=(
            (
                f"Deterioration: {rule}; {cohort.criteria.label}. People scored more often are"
                " found worse more often."
            ),
        ),
        made_from=made_from(cohort, unit="percent of analysable patients", level=0.95),
    )
    return release(result, cohort)
