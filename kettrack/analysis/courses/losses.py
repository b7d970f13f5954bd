"""After a response or a remission: how often it was seen to be lost, by how sure that is. Counts,
not a survival curve.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import rule_words
from kettrack.analysis.registry import Answer, question
from kettrack.errors import NotIdentified
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.events import RETURNS
from kettrack.timelines.spells import single_score
from kettrack.vocabulary.made_of import Kept, Share
from kettrack.vocabulary.rules import Criteria, Rule

PROVEN: Final = ("single", "confirmed")
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


@question(
    "losses",
    recipes=(
        Share(value="estimate", events="seen", of="n"),
        Kept(
            values=(
                "median_days",
                "median_sessions",
            ),
            of="seen",
        ),
        Kept(values=("followed_days",), of="n"),
    ),
    asks="How often was a response or remission seen to be lost?",
    unit="people",
    estimand=(
        "First loss of response after a first response, and first return of the illness after a"
        " first remission, as far as scores show."
    ),
    roles=_ROLES,
    decimals={"median_days": 0, "median_sessions": 0, "followed_days": 0},
    show=tuple(name for name in _ROLES if name != "key"),
)
def losses(cohort: DerivedCohort) -> Answer:
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
    table = _table(cohort)
    return Answer(table=table, sentence=_sentence(table), caveats=_caveats(cohort))


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
    # Where one score is enough already, both rules would be the same.
    if any(rule.run.count > 1 for rule in _rules(criteria)):
        rows += _rows(_by_single_score(cohort), "single score")
    if not any(row["n"] for row in rows):
        raise NotIdentified(
            "nobody is known to have responded or remitted.",
            "scores after session 1, and one before it.",
        )
    table = pd.DataFrame(rows)
    # Both rules of an event stand together, in the order of the events.
    places = {name.replace("_", " "): place for place, name in enumerate(_AFTER)}
    table = table.assign(order=table["event"].map(places))
    table = table.sort_values("order", kind="stable", ignore_index=True)
    return table.drop(columns="order")


def _rules(criteria: Criteria) -> list[Rule]:
    """The rules for a loss or a return that these criteria define."""
    return [
        rule
        for rule in (criteria.loss_of_response, criteria.relapse)
        if rule is not None
    ]


def _by_single_score(cohort: DerivedCohort) -> DerivedCohort:
    """The same cohort under the same rules, a single score being enough for a loss or a return."""
    criteria = cohort.criteria
    by_one_score = replace(
        criteria,
        name=f"{criteria.name}, single score",
        loss_of_response=_once(criteria.loss_of_response),
        relapse=_once(criteria.relapse),
    )
    return cohort.with_criteria(by_one_score)


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
    # Whoever was not seen to lose it either waits for a second score, or nobody asked again.
    statuses = came["status"]
    counts = {
        "seen": len(seen),
        "pending": int((statuses == "pending").sum()),
        "unconfirmable": int((statuses == "unconfirmable").sum()),
    }
    n = len(before)
    start = before["day"].astype("Float64")
    followed = last.reindex(before.index).astype("Float64") - start
    return {
        "key": f"{name}_{how.replace(' ', '_')}",
        "event": name.replace("_", " "),
        "rule": rule,
        "n": n,
        **counts,
        "not_seen": n - sum(counts.values()),
        "estimate": 100 * len(seen) / n if n else np.nan,
        "median_days": _median_since(seen, before, "day"),
        "median_sessions": _median_since(seen, before, "session_number"),
        "followed_days": _median(followed),
    }


def _median_since(seen: pd.DataFrame, before: pd.DataFrame, column: str) -> float:
    """Median difference between the loss and the response or remission before it."""
    then = before[column].reindex(seen.index).astype("Float64")
    return _median(seen[column].astype("Float64") - then)


def _median(values: pd.Series) -> float:
    known = values.dropna()
    return float(known.median()) if len(known) else float("nan")


# Events whose name alone would not be understood in a sentence.
_WORDS: Final = {
    "return_timing_unclear": (
        "a return of the illness that may be a relapse or a recurrence"
    )
}


def _sentence(table: pd.DataFrame) -> str:
    """What is lost under the rule in force, and by a single score where that differs."""
    there = list(table["key"])
    parts = []
    for key in (key for key in there if key.endswith("_in_force")):
        name = key.removesuffix("_in_force")
        words = _WORDS.get(name, name.replace("_", " "))
        words = f"{words[:1].upper()}{words[1:]}"
        before = {"response": "responded", "remission": "remitted"}[_AFTER[name]]
        part = (
            f"{words} was seen in {{{key}.seen}} of {{{key}.n}} people who had {before}"
            f" ({{{key}.estimate:%}})."
        )
        single = f"{name}_single_score"
        if single in there:
            part += f" By a single score, it was seen in {{{single}.seen}}."
        parts.append(part)
    said = " ".join(parts)
    first = table["key"].iloc[0]
    return (
        f"{said} People were followed by scores for a median of"
        f" {{{first}.followed_days}} days."
    )


def _caveats(cohort: DerivedCohort) -> tuple[str, ...]:
    undefined = (
        ""
        if cohort.criteria.relapse
        else " These rules define no relapse or recurrence. A preset that does can be named."
    )
    return (
        f"{rule_words(cohort)}.{undefined}",
        (
            "People are counted for as long as they were followed. So the percentage grows with"
            " follow-up and is not a risk by a given time. More losses are seen in people who are"
            " scored more often. Medians count only the people in whom it was seen."
        ),
        (
            "A single score that shows a loss is often measurement error, and a second one is"
            " often missing: read the two rules together."
        ),
    )
