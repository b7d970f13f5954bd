"""Could the decision to go on have gone either way, and were those who went on like those who did
not?
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import FEWEST, made_from, refusal, release, rule_words
from kettrack.analysis.courses.expected_course import baseline_bands
from kettrack.analysis.next_session.fit import (
    history_columns,
    probability_of_going_on,
    require_people,
)
from kettrack.analysis.next_session.points import HISTORY, decision_points
from kettrack.analysis.next_session.trials import GRACE, Trials, find_trials
from kettrack.analysis.registry import question
from kettrack.errors import NotIdentified
from kettrack.estimators.causal.weights import standardised_differences
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.limits import ALIKE_WITHIN_SD as BALANCED

MOST_SESSIONS: Final = 8
GOING_ON_ESTIMAND: Final = (
    f"Share of the decisions after which another session came within {GRACE} days, by last score"
    " and session."
)
BALANCE_ESTIMAND: Final = (
    "Difference between those who went on and those who did not, in standard deviations, before"
    " and after weighting by one over the fitted chance of what they did."
)
_GOING_ON: Final[dict[str, Role]] = {
    "key": "key",
    "band": "label",
    "session": "label",
    "n": "denominator",
    "events": "count",
    "without": "count",
    "estimate": "derived",
    "note": "label",
}
_BALANCE: Final[dict[str, Role]] = {
    "key": "key",
    "about": "label",
    "n": "denominator",
    "estimate": "derived",
    "after": "derived",
    "note": "label",
}
_WORDS: Final = {
    "score": "last score",
    "score_squared": "last score, squared",
    "previous_score": "score before it",
    "mean_score": "mean score",
    "baseline": "baseline",
    "session": "session number",
    "session_squared": "session number, squared",
    "score_age": "age of the score",
    "score_after": "taken after the session",
    "last_gap": "last gap",
    "days_since_first": "days since session 1",
    "dose_mg": "dose",
    "adverse": "adverse event",
}


def _trials(cohort: DerivedCohort) -> Trials:
    recall = cohort.instrument.recall()
    trials = find_trials(decision_points(cohort), GRACE, recall.days)
    require_people(trials)
    return trials


@question(
    "going_on_by_score",
    asks="Who goes on, by last score and session: could it have gone either way?",
)
def going_on_by_score(cohort: DerivedCohort) -> Result:
    """Who goes on, by last score and session: where everybody does, or nobody, nothing can be
    compared.

    Returns
    -------
    Result
        One row per severity band of the last score and session to 8: `n` decisions (a person
        decides once per session), `events` (went on within 7 days) `without` `estimate` (%) `note`
        (everybody or nobody went on; too few). Refused as `next_session` is with fewer than 30
        people in an arm.
    """
    try:
        trials = _trials(cohort)
    except NotIdentified as error:
        return release(
            refusal("going_on_by_score", cohort, error, GOING_ON_ESTIMAND), cohort
        )
    bands = [band.label for band in cohort.instrument.bands] or ["all"]
    band = baseline_bands(trials.history[:, HISTORY.index("score")], cohort.instrument)
    last = min(int(trials.session.max()), MOST_SESSIONS)
    rows = [
        _cell(
            name,
            place,
            session,
            trials.arm[(band == name) & (trials.session == session)],
        )
        for place, name in enumerate(bands)
        for session in range(1, last + 1)
    ]
    result = Result(
        name="going_on_by_score",
        table=pd.DataFrame(rows),
        roles=_GOING_ON,
        show=("band", "session", "n", "events", "estimate", "note"),
        sentence=_going_on_words(pd.DataFrame(rows)),
        estimand=GOING_ON_ESTIMAND,
        caveats=(
            (
                "Where everybody went on, or nobody, the people themselves cannot say what the"
                " other choice would have done; only a model can, and it guesses there."
            ),
            (
                f"Decisions of the first course that `next_session` uses. {rule_words(cohort)}."
                f" {cohort.instrument.recall()}"
            ),
        ),
        made_from=made_from(cohort, unit="percent of decisions"),
        people=len(np.unique(trials.patient)),
    )
    return release(result, cohort)


def _cell(band: str, place: int, session: int, arm: np.ndarray) -> dict[str, object]:
    n = len(arm)
    events = int(arm.sum())
    enough = n >= FEWEST
    sided = (
        "everybody went on" if events == n else "nobody went on" if not events else ""
    )
    note = sided if enough else "nobody" if not n else "too few"
    share = 100 * events / n if enough else np.nan
    cells = {
        "key": f"band{place}_session{session}",
        "band": band,
        "session": session,
        "n": n,
    }
    return cells | {
        "events": events,
        "without": n - events,
        "estimate": share,
        "note": note,
    }


def _going_on_words(table: pd.DataFrame) -> str:
    filled = table[table["estimate"].notna()]
    sided = int(filled["note"].ne("").sum())
    cells = f"{len(filled)} cells with at least {FEWEST} decisions"
    if filled.empty:
        return f"No cell has at least {FEWEST} decisions."
    if not sided:
        return f"In each of the {cells} some went on and some did not."
    return f"In {sided} of {cells} everybody went on, or nobody: there nothing can be compared."


@question("balance", asks="Were those who went on like those who did not?")
def balance(cohort: DerivedCohort) -> Result:
    """How alike those who went on and those who did not were, before and after weighting: the love
    plot.

    Returns
    -------
    Result
        One row per part of the history: `n` decisions, `estimate` (standardised difference before)
        `after` (after weighting) `note` (where more than .1 is left). Refused as `next_session` is
        with fewer than 30 people in an arm.
    """
    try:
        trials = _trials(cohort)
        history, _ = history_columns(trials)
        chance = probability_of_going_on(trials, history)
    except NotIdentified as error:
        return release(refusal("balance", cohort, error, BALANCE_ESTIMAND), cohort)
    weights = 1 / np.where(trials.arm, chance, 1 - chance)
    known = [column[~np.isnan(column)] for column in trials.history.T]
    varies = [
        name
        for name, column in zip(HISTORY, known, strict=True)
        if column.size and np.ptp(column) > 0
    ]
    before, after = (
        standardised_differences(history, trials.arm, how) for how in (None, weights)
    )
    rows = [
        {
            "key": name,
            "about": _WORDS[name],
            "n": len(trials.arm),
            "estimate": one,
            "after": other,
            "note": f"more than {BALANCED:g} left" if abs(other) > BALANCED else "",
        }
        for name, one, other in zip(varies, before, after, strict=True)
    ]
    left = sum(bool(row["note"]) for row in rows)
    result = Result(
        name="balance",
        table=pd.DataFrame(rows),
        roles=_BALANCE,
        decimals={"estimate": 2, "after": 2},
        show=("about", "n", "estimate", "after", "note"),
        sentence=(
            "Before weighting the last score differs by {score.estimate} standard deviations"
            " between those who went on and those who did not, after weighting by"
            f" {{score.after}}; {left} of {len(rows)} parts of the history still differ by more"
            f" than {BALANCED:g}."
        ),
        estimand=BALANCE_ESTIMAND,
        caveats=(
            (
                "`next_session` itself adjusts by regression; the weights here show whether"
                " people alike stand on both sides."
            ),
            (
                f"Balance of what was recorded says nothing of what was not. {rule_words(cohort)}."
                f" {cohort.instrument.recall()}"
            ),
        ),
        made_from=made_from(cohort, unit="standard deviations"),
        people=len(np.unique(trials.patient)),
    )
    return release(result, cohort)
