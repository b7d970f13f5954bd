"""The people without a score: how far they could move a share at a fixed week, and how many of them
it would take.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from kettrack.analysis.association.fixed_week import WEEK
from kettrack.analysis.context import LEVEL, rule_words
from kettrack.analysis.person_rows import joined, share_rows
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.response.exits import require_rule
from kettrack.analysis.subgroups.adjusted import known_characteristics
from kettrack.analysis.subgroups.at_week import (
    COLLECT,
    LAST_STATES,
    SHORT_LOGS,
    STILL_COMING,
    meets_at_week,
    people_at_week,
)
from kettrack.arrays import Bools, Floats, Ints, Numbers
from kettrack.errors import NotIdentified
from kettrack.estimators.causal.weights import describe_weights
from kettrack.estimators.intervals import (
    drawn_places,
    patient_weights,
    percentile_interval,
    wilson,
)
from kettrack.estimators.regression.logistic import (
    LogisticFit,
    predict_logistic,
    solve_logistic,
)
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.criteria import worse_words
from kettrack.vocabulary.days import HORIZON_TOLERANCE_DAYS
from kettrack.vocabulary.limits import (
    FEWEST_EFFECTIVE_PEOPLE,
    FEWEST_MISSING_PER_COLUMN,
    FEWEST_PEOPLE,
    MOST_BOOTSTRAPPED,
)
from kettrack.vocabulary.made_of import COUNTED
from kettrack.vocabulary.plain_words import share_with_interval

SILENT_REPLICATES: Final = 500
SILENT_SEED: Final = 20261205
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "outcome": "label",
    "about": "label",
    "n": "denominator",
    "events": "count",
    "seen": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
}
# `seen` is there for disclosure control: every guess tells how many were seen to meet the rule.
_SHOWN: Final = tuple(name for name in _ROLES if name != "seen")
_RESPONDED: Final = "responded"
_WORSE: Final = "worse"


class _People(NamedTuple):
    """Everybody rated: who was scored, how they were last seen, what tells who is scored."""

    frame: pd.DataFrame
    columns: Floats


@question(
    "silent_bounds",
    recipes=(COUNTED,),
    asks="How far could the people without a score change the answer?",
    unit="percent of patients",
    estimand=(
        "Share of everybody who started with a rated baseline who would meet the rule at the score"
        f" nearest to week {WEEK} (within {HORIZON_TOLERANCE_DAYS} days), under named guesses about"
        " the people who had none."
    ),
    roles=_ROLES,
    show=_SHOWN,
)
def silent_bounds(cohort: DerivedCohort) -> Answer:
    """Response and worsening at a fixed week, and what the people without a score could make of
    them.

    Returns
    -------
    Result
        For each outcome: `scored` (of those scored, Wilson's interval), `alike` (everybody, were
        the people without a score like those scored of whom the same is known: inverse-probability
        weights, bootstrap interval), `if_none` and `if_all` (everybody, if none or all of them met
        the rule), `last_seen` (how those without a score were at their last score before),
        `tipping_low` and `tipping_high` (percent of them at which the share of everybody leaves the
        interval of `scored`). Refused with fewer than `FEWEST_PEOPLE` scored, without a rule for
        response, and where everybody was scored.
    """
    require_rule(cohort, "response")
    people = _people(cohort)
    # Good and bad side by side: silence can hide either.
    rules = {
        _RESPONDED: cohort.criteria.response,
        _WORSE: cohort.criteria.deterioration,
    }
    has = {
        name: meets_at_week(cohort, people.frame, rule)
        for name, rule in rules.items()
        if rule is not None
    }
    rows: list[dict[str, Any]] = []
    for outcome, flag in has.items():
        rows += _rows(outcome, flag, people)
    table = pd.DataFrame(rows).reindex(columns=list(_ROLES))
    table = table.astype(dict.fromkeys(("events", "seen"), "Int64"))
    return Answer(
        table=table,
        sentence=_sentence(table, cohort),
        caveats=_caveats(cohort, table),
        level=LEVEL,
        seed=SILENT_SEED,
        rows=partial(_person_rows, people.frame, has),
    )


def _people(cohort: DerivedCohort) -> _People:
    """Everybody rated whose log reaches past the week."""
    frame = people_at_week(cohort)
    frame = frame[frame["rated"]]
    n_scored = int(frame["scored"].sum())
    if n_scored < FEWEST_PEOPLE:
        raise NotIdentified(
            f"fewer than {FEWEST_PEOPLE} people with a rated baseline were scored at week {WEEK}.",
            COLLECT,
        )
    if n_scored == len(frame):
        raise NotIdentified(
            f"everybody with a rated baseline was scored at week {WEEK}; nobody is silent.",
            COLLECT,
        )
    return _People(frame, _columns(cohort, frame))


def _columns(cohort: DerivedCohort, frame: pd.DataFrame) -> Floats:
    """What tells who is scored: an intercept, the course of treatment first, then the start."""
    n_missing = int((~frame["scored"]).sum())
    # Whoever was never scored is taken with those who do not respond: nobody else stands for them.
    responding = frame["state"] == LAST_STATES[1]
    coming = frame["coming"] == STILL_COMING[1]
    course = np.column_stack([responding, coming]).astype(np.float64)
    parts: list[Floats] = [course]
    for each in known_characteristics(cohort, frame.index, silent=True):
        # A number says what its groups say, in one column.
        has_number = len(each.number) > 0
        parts.append(each.number[:, None] if has_number else each.dummies)
    # As many columns as the people without a score can carry, the most telling ones first.
    few = np.hstack(parts)[:, : n_missing // FEWEST_MISSING_PER_COLUMN]
    return np.column_stack([np.ones(len(frame)), few])


def _rows(outcome: str, has: Bools, people: _People) -> list[dict[str, Any]]:
    """Every guess about one outcome."""
    scored = people.frame["scored"].to_numpy(bool)
    n = len(scored)
    n_scored = int(scored.sum())
    events = int(has.sum())
    seen = wilson(events, n_scored, LEVEL)
    silent = n - n_scored
    all_of_them = events + silent
    # So many of the silent, added to those seen, give an end of the interval for everybody.
    tips = {
        "low": (seen.ci_low * n / 100 - events) / silent,
        "high": (seen.ci_high * n / 100 - events) / silent,
    }
    rows: list[dict[str, Any]] = [
        {"key": "scored", "n": n_scored, "events": events, **seen._asdict()},
        {"key": "alike", "n": n, **_alike(has, scored, people.columns)},
        {"key": "if_none", "n": n, "events": events, "estimate": 100 * events / n},
        {"key": "if_all", "n": n, "estimate": 100 * all_of_them / n},
        *_last_seen(outcome, people.frame),
        *(
            # No more than all of them, and no fewer than none.
            {
                "key": f"tipping_{end}",
                "n": silent,
                "estimate": 100 * min(max(tip, 0), 1),
            }
            for end, tip in tips.items()
        ),
    ]
    return [
        row
        | {
            "key": f"{outcome}_{row['key']}",
            "outcome": outcome,
            "about": _ABOUT[row["key"]],
            # Of how the others were last seen, nothing tells it.
            "seen": row["events"] if row["key"] == "last_seen" else events,
        }
        for row in rows
    ]


_ABOUT: Final = {
    "scored": "of the people scored",
    "alike": "of everybody, if the others were like people scored of whom the same is known",
    "if_none": "of everybody, if none of the others",
    "if_all": "of everybody, if all of the others",
    "last_seen": "of the others, at their last score before",
    "tipping_low": "of the others: below, the share of everybody falls out of the interval",
    "tipping_high": "of the others: above, the share of everybody rises out of the interval",
}


def _alike(has: Bools, scored: Bools, columns: Floats) -> dict[str, float]:
    """Everybody, were the people without a score like those who have one; nothing where too few
    stand for too many.
    """
    some = drawn_places(len(scored), MOST_BOOTSTRAPPED, SILENT_SEED)
    shares, fitted = _weighed_shares(
        has[some], scored[some], columns[some], _drawn(len(some))
    )
    own = shares[0]
    if len(some) < len(scored):
        as_they_are = np.ones((1, len(scored)))
        whole, fitted = _weighed_shares(has, scored, columns, as_they_are)
        # The more people, the nearer to their own share samples lie.
        own = whole[0]
        shares = own + (shares - shares[0]) * np.sqrt(len(some) / len(scored))
    chance = predict_logistic(columns, fitted.coefficients[0])
    as_they_are = np.divide(1.0, chance, out=np.zeros(len(chance)), where=scored)
    enough = describe_weights(as_they_are).ess >= FEWEST_EFFECTIVE_PEOPLE
    # Where the columns tell without exception who is scored, nobody stands for the others.
    if fitted.separated[0] or not enough:
        return {"estimate": np.nan}
    # Each replicate weighs its people anew, so the interval knows that weights are estimates.
    low, high = percentile_interval(shares[1:], LEVEL)
    return {
        "estimate": float(own),
        "ci_low": float(low),
        "ci_high": float(high),
    }


def _drawn(n: int) -> Ints:
    """How often each person counts; the first set is the people as they are."""
    people = patient_weights(n, SILENT_REPLICATES, SILENT_SEED)
    return np.vstack([np.ones(n, people.dtype), people])


def _weighed_shares(
    has: Bools, scored: Bools, columns: Floats, every: Numbers
) -> tuple[Floats, LogisticFit]:
    """Percent of everybody for each set of weights, and the fits behind them."""
    fitted = solve_logistic(columns, scored.astype(float), every)
    shares = np.empty(len(every))
    # Row by row: the chances of all replicates at once would fill the memory of a large clinic.
    for place, own in enumerate(every):
        chance = predict_logistic(columns, fitted.coefficients[place])
        weights = np.divide(own, chance, out=np.zeros(len(own)), where=scored)
        shares[place] = 100 * (weights * has).sum() / weights.sum()
    return shares, fitted


def _last_seen(outcome: str, frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """How the people without a score were when they were last seen."""
    # Of worsening there is no such row: a state names the best that holds.
    if outcome != _RESPONDED:
        return
    seen = frame[~frame["scored"] & (frame["state"] != LAST_STATES[2])]
    well = int((seen["state"] == LAST_STATES[1]).sum())
    interval = wilson(well, len(seen), LEVEL)
    yield {"key": "last_seen", "n": len(seen), "events": well, **interval._asdict()}


def _person_rows(frame: pd.DataFrame, has: dict[str, Bools]) -> pd.DataFrame:
    """Who met the rule, of the people scored; the others stand in the bounds alone."""
    scored = frame["scored"].to_numpy(bool)
    silent = frame.index[~scored]
    return joined(
        [
            share_rows(outcome, frame.index[scored], flag[scored], list(silent))
            for outcome, flag in has.items()
        ]
    )


def _sentence(table: pd.DataFrame, cohort: DerivedCohort) -> str:
    """What was seen, good and bad, how far the others could move it, and the point at which they
    would.
    """
    worse = worse_words(cohort.criteria, cohort.instrument)
    parts = [
        f"At week {WEEK}, {{responded_scored.n}} of {{responded_if_none.n}} people with a rated"
        f" baseline were scored. Of them {share_with_interval('responded_scored')} responded"
    ]
    if f"{_WORSE}_scored" in set(table["key"]):
        parts.append(f" and {share_with_interval('worse_scored')} were {worse}")
    parts.append(
        ". If none of the others responded, it would be {responded_if_none.estimate:%} of"
        " everybody; if all did, {responded_if_all.estimate:%}."
    )
    # Without weights there is nobody who is alike to speak of.
    if table.set_index("key")["estimate"].notna()["responded_alike"]:
        parts.append(
            " If they were like the people scored of whom the same is known,"
            f" {share_with_interval('responded_alike')}."
        )
    if f"{_WORSE}_scored" in set(table["key"]):
        parts.append(
            f" For {worse} the ends are {{worse_if_none.estimate:%}} and"
            " {worse_if_all.estimate:%}."
        )
    parts.append(_tipping_words(table))
    return "".join(parts)


def _tipping_words(table: pd.DataFrame) -> str:
    """At which share of the others the answer is no longer the one of the people scored."""
    tips = table.set_index("key")["estimate"]
    low = float(tips["responded_tipping_low"])
    high = float(tips["responded_tipping_high"])
    said = "between {responded_tipping_low.estimate:%} and {responded_tipping_high.estimate:%}"
    # Where no number of them moves the share out at one side, only the other is told.
    if low <= 0 and high >= 100:
        return (
            " Whatever became of the others, the share of everybody stays inside the interval of"
            " the people scored."
        )
    if low <= 0:
        said = "at most {responded_tipping_high.estimate:%}"
    elif high >= 100:
        said = "at least {responded_tipping_low.estimate:%}"
    return (
        " The tipping point: the share of everybody stays inside the interval of the people scored"
        f" as long as {said} of the others responded."
    )


def _caveats(cohort: DerivedCohort, table: pd.DataFrame) -> tuple[str, ...]:
    """What the guesses rest on."""
    known = table.set_index("key")["estimate"].notna()
    some = (
        f", of {MOST_BOOTSTRAPPED:,} people drawn by chance; their width is scaled to all people"
        if table["n"].max() > MOST_BOOTSTRAPPED
        else ""
    )
    no_weights = (
        "The row of people who are alike is empty: too few people scored would stand for too many"
        " of the others."
    )
    return (
        "Nobody knows how people without a score are. The ends, none and all, hold whatever became"
        " of them. That they are like others of whom the same is known is a guess, which no score"
        " can test: people who are worse may answer less.",
        f"Alike is by a logistic regression of being scored on how people were at their last score,"
        " whether they still came, and what was known at the start, one column for every"
        f" {FEWEST_MISSING_PER_COLUMN} people without a score; {SILENT_REPLICATES} bootstrap"
        f" samples of patients, seed {SILENT_SEED}{some}. People never scored after session 1 are"
        " taken with those who did not respond.",
        *([] if known["responded_alike"] else [no_weights]),
        "How the others were when last seen is no answer to how they are at the week.",
        SHORT_LOGS,
        "One score decides here, also where the rule in force asks for a second.",
        f"{rule_words(cohort)}.",
    )
