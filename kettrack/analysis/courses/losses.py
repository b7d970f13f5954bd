"""After a response or a remission: how often it was seen to be lost, by how sure that is. Counts,
not a survival curve.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import made_from, refusal, release, rule_words
from kettrack.analysis.registry import question
from kettrack.errors import NotIdentified
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.events import RETURNS
from kettrack.timelines.spells import single_score
from kettrack.vocabulary.rules import Criteria, Rule

PROVEN: Final = ("single", "confirmed")
ESTIMAND: Final = (
    "First loss of response after a first response, and first return of illness after a first"
    " remission, as far as scores show."
)
_AFTER: Final = {"loss_of_response": "response", **dict.fromkeys(RETURNS, "remission")}
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "event": "label",
    "rule": "label",
    "n": "denominator",
    "seen": "count",
    "pending": "count",
    "unconfirmable": "count",
    "not_seen": "count",
    "estimate": "derived",
    "median_days": "derived",
    "median_sessions": "derived",
    "followed_days": "derived",
}


@question("losses", asks="How often was a response or remission seen to be lost?")
def losses(cohort: DerivedCohort) -> Result:
    """Loss of response, relapse, recurrence and returns of unclear timing: how many, how sure, and
    after how long.

    Returns
    -------
    Result
        One row per event and rule, the rule in force and, where that asks for a second score, the
        same by a single score beside it: of `n` people who had responded (or remitted), `seen`,
        `pending` (still waiting for the second score), `unconfirmable` (it never came) and
        `not_seen`, which add up to `n`, `estimate` = % seen; among those seen the medians
        `median_days` and `median_sessions` since the response (or remission); `followed_days` =
        median days from it to the last score, of all `n`. Refused when the rules define neither
        event, or nobody responded or remitted.
    """
    try:
        table = _table(cohort)
    except NotIdentified as error:
        return release(refusal("losses", cohort, error, ESTIMAND), cohort)
    result = Result(
        name="losses",
        table=table,
        roles=_ROLES,
        decimals={"median_days": 0, "median_sessions": 0, "followed_days": 0},
        show=tuple(name for name in _ROLES if name != "key"),
        sentence=_sentence(table),
        estimand=ESTIMAND,
        caveats=_caveats(cohort),
        made_from=made_from(cohort, unit="people"),
    )
    return release(result, cohort)


def _table(cohort: DerivedCohort) -> pd.DataFrame:
    criteria = cohort.criteria
    if criteria.loss_of_response is None and criteria.relapse is None:
        raise NotIdentified(
            "the rules in force define neither loss of response nor relapse on"
            f" {cohort.instrument.name}.",
            "scores of an instrument with such a rule, or [criteria] of your own in"
            " kettrack.toml.",
        )
    rows = _rows(cohort, "in force")
    if any(rule.run.count > 1 for rule in _rules(criteria)):
        rows += _rows(_by_single_score(cohort), "single score")
    if not any(row["n"] for row in rows):
        raise NotIdentified(
            "nobody is known to have responded or remitted.",
            "scores after session 1, and one before it.",
        )
    table = pd.DataFrame(rows)
    order = table["event"].map(
        {name.replace("_", " "): place for place, name in enumerate(_AFTER)}
    )
    return (
        table.assign(order=order)
        .sort_values("order", kind="stable")
        .drop(columns="order")
        .reset_index(drop=True)
    )


def _rules(criteria: Criteria) -> list[Rule]:
    return [
        rule
        for rule in (criteria.loss_of_response, criteria.relapse)
        if rule is not None
    ]


def _by_single_score(cohort: DerivedCohort) -> DerivedCohort:
    """The same cohort under the same rules, a single score being enough for a loss or a return."""
    criteria = cohort.criteria
    loss = _once(criteria.loss_of_response)
    relapse = _once(criteria.relapse)
    return cohort.with_criteria(
        replace(
            criteria,
            name=f"{criteria.name}, single score",
            loss_of_response=loss,
            relapse=relapse,
        )
    )


def _once(rule: Rule | None) -> Rule | None:
    return None if rule is None else single_score(rule)


def _rows(cohort: DerivedCohort, how: str) -> list[dict[str, object]]:
    """One row per event that the rules define."""
    events = cohort.state_events.set_index("patient_id")
    last = cohort.outcomes.set_index("patient_id")["end_day"]
    defined = ["loss_of_response"] if cohort.criteria.loss_of_response else []
    defined += list(RETURNS) if cohort.criteria.relapse else []
    return [
        _row(name, how, events, last, _rule_words(cohort.criteria, name))
        for name in defined
    ]


def _rule_words(criteria: Criteria, name: str) -> str:
    rule = criteria.loss_of_response if name == "loss_of_response" else criteria.relapse
    return str(rule)


def _row(
    name: str, how: str, events: pd.DataFrame, last: pd.Series, rule: str
) -> dict[str, object]:
    before = events[(events["event"] == _AFTER[name]) & events["status"].isin(PROVEN)]
    came = events[events["event"] == name].reindex(before.index)
    seen = came[came["status"].isin(PROVEN)]
    counts = {"seen": len(seen)} | {
        status: int((came["status"] == status).sum())
        for status in ("pending", "unconfirmable")
    }
    n = len(before)
    since = {
        f"median_{unit}": _median(
            seen[column].astype("Float64")
            - before[column].reindex(seen.index).astype("Float64")
        )
        for unit, column in (("days", "day"), ("sessions", "session_number"))
    }
    return (
        {
            "key": f"{name}_{how.replace(' ', '_')}",
            "event": name.replace("_", " "),
            "rule": rule,
            "n": n,
        }
        | counts
        | {
            "not_seen": n - sum(counts.values()),
            "estimate": 100 * len(seen) / n if n else np.nan,
        }
        | since
        | {
            "followed_days": _median(
                last.reindex(before.index).astype("Float64")
                - before["day"].astype("Float64")
            )
        }
    )


def _median(values: pd.Series) -> float:
    known = values.dropna()
    return float(known.median()) if len(known) else float("nan")


def _sentence(table: pd.DataFrame) -> str:
    """What is lost under the rule in force, and by a single score where that differs."""
    there = list(table["key"])
    parts = []
    for key in (key for key in there if key.endswith("_in_force")):
        name = key.removesuffix("_in_force")
        words = name.replace("_", " ")
        before = {"response": "responded", "remission": "remitted"}[_AFTER[name]]
        part = (
            f"{words} was seen in {{{key}.seen}} of {{{key}.n}} people who had {before}"
            f" ({{{key}.estimate}} %)"
        )
        single = f"{name}_single_score"
        parts.append(
            part
            + (f", by a single score in {{{single}.seen}}" if single in there else "")
        )
    said = "; ".join(parts)
    first = table["key"].iloc[0]
    return (
        f"{said[:1].upper()}{said[1:]}. They were followed by scores for a median"
        f" {{{first}.followed_days}} days."
    )


def _caveats(cohort: DerivedCohort) -> tuple[str, ...]:
    undefined = (
        ""
        if cohort.criteria.relapse
        else " These rules define no relapse or recurrence; name a preset that does."
    )
    return (
        f"{rule_words(cohort)}.{undefined}",
        (
            "Of those who were followed, for as long as they were: a percentage that grows with"
            " follow-up, not a risk by a given time. Those scored more often are seen to lose"
            " more; medians are of those seen only."
        ),
        (
            "A single score above the line is often noise, a second one often missing: read the"
            " two rules together."
        ),
    )
