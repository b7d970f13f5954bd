"""Could the decision to go on have gone either way, and were those who went on like those who did
not?
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import rule_words
from kettrack.analysis.courses.expected_course import baseline_bands
from kettrack.analysis.next_session.decisions import HISTORY, decision_points
from kettrack.analysis.next_session.outcome_model import (
    history_columns,
    probability_of_going_on,
    require_people,
)
from kettrack.analysis.next_session.trials import Trials, find_trials
from kettrack.analysis.registry import Answer, asked_as, question
from kettrack.arrays import Bools
from kettrack.estimators.causal.weights import standardised_differences
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import NEXT_SESSION_GRACE_DAYS
from kettrack.vocabulary.limits import ALIKE_WITHIN_SD, FEWEST_PEOPLE
from kettrack.vocabulary.made_of import Kept, Share

# Later sessions hold too few people in each severity band.
LAST_SESSION_SHOWN: Final = 8
_GOING_ON_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "band": "label",
    "session": "label",
    "n": "denominator",
    "events": "count",
    "without": "count",
    "estimate": "derived",
    "note": "label",
}
_BALANCE_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "about": "label",
    "n": "denominator",
    "estimate": "derived",
    "after": "derived",
    "note": "label",
}
# One entry for each name of `HISTORY`.
_HISTORY_WORDS: Final = {
    "score": "last score",
    "score_squared": "last score, squared",
    "previous_score": "score before it",
    "mean_score": "mean score",
    "baseline": "baseline",
    "improved": "share of the baseline that is gone",
    "improved_squared": "that share, squared",
    "session": "session number",
    "session_squared": "session number, squared",
    "score_age": "age of the score",
    "score_after": "taken after the session",
    "last_gap": "last gap",
    "days_since_first": "days since session 1",
    "dose_mg": "dose",
    "adverse": "adverse event",
}


def _first_course_trials(cohort: DerivedCohort) -> Trials:
    """The trials of `next_session`, where each arm has enough people."""
    recall = cohort.instrument.recall()
    points = decision_points(cohort)
    trials = find_trials(points, NEXT_SESSION_GRACE_DAYS, recall.days)
    require_people(trials)
    return trials


@question(
    "going_on_by_score",
    recipes=(Share(value="estimate", events="events", of="n"),),
    asks="Who goes on, by last score and session? Could it have gone either way?",
    unit="percent of decisions",
    estimand=(
        "Share of the decisions after which another session came within"
        f" {NEXT_SESSION_GRACE_DAYS} days, by last score and session."
    ),
    roles=_GOING_ON_ROLES,
    show=("band", "session", "n", "events", "estimate", "note"),
)
def going_on_by_score(cohort: DerivedCohort) -> Answer:
    """Who goes on, by last score and session: where everybody does, or nobody, nothing can be
    compared.

    Returns
    -------
    Result
        One row per severity band of the last score and session to `LAST_SESSION_SHOWN`: `n`
        decisions (a person decides once per session), `events` (went on within the grace) `without`
        `estimate` (%) `note` (everybody or nobody went on; too few). Refused as `next_session` is
        with too few people in an arm.
    """
    trials = _first_course_trials(cohort)
    table = _going_on_table(trials, cohort)
    return Answer(
        table=table,
        sentence=_going_on_words(table),
        caveats=(
            (
                "Where everybody went on, or nobody, the data do not show what the other choice"
                " would have led to. Only a statistical model can say it, and there it"
                " extrapolates."
            ),
            (
                "These are the decisions of the first course behind the answer to"
                f" {asked_as('next_session')} {rule_words(cohort)}. {cohort.instrument.recall()}"
            ),
        ),
        people=trials.n_people,
    )


def _going_on_table(trials: Trials, cohort: DerivedCohort) -> pd.DataFrame:
    names = [band.label for band in cohort.instrument.bands] or ["all"]
    score = trials.history[:, HISTORY.index("score")]
    # a scale without bands has one row of groups
    band = baseline_bands(score, cohort.instrument)
    # groups without a decision keep their row, so that the figure has no holes
    last = min(int(trials.session.max()), LAST_SESSION_SHOWN)
    rows = []
    for place, name in enumerate(names):
        for session in range(1, last + 1):
            # a decision is in one group: one band, one session number
            arm = trials.arm[(band == name) & (trials.session == session)]
            named = {
                "key": f"band{place}_session{session}",
                "band": name,
                "session": session,
            }
            rows.append(named | _share_going_on(arm))
    return pd.DataFrame(rows)


def _share_going_on(arm: Bools) -> dict[str, object]:
    """Cells of one band and session; the share is missing with fewer than `FEWEST_PEOPLE`."""
    n = len(arm)
    events = int(arm.sum())
    share = 100 * events / n if n >= FEWEST_PEOPLE else np.nan
    return {
        "n": n,
        "events": events,
        "without": n - events,
        "estimate": share,
        "note": _share_note(n, events),
    }


def _share_note(n: int, events: int) -> str:
    if n == 0:
        return "nobody"
    if n < FEWEST_PEOPLE:
        return "too few"
    if events == n:
        return "everybody went on"
    return "" if events else "nobody went on"


def _going_on_words(table: pd.DataFrame) -> str:
    shown = table[table["estimate"].notna()]
    one_sided = int(shown["note"].ne("").sum())
    if shown.empty:
        return (
            "No group by last score and session has at least"
            f" {FEWEST_PEOPLE} decisions, so nothing can be compared."
        )
    groups = f"{len(shown)} groups with at least {FEWEST_PEOPLE} decisions"
    if not one_sided:
        return (
            f"The decisions are grouped by last score and session. In each of the {groups} some"
            " people went on and some did not."
        )
    return (
        "The decisions are grouped by last score and session. Everybody went on, or nobody, in"
        f" {one_sided} of {groups}. In these groups nothing can be compared."
    )


@question(
    "balance",
    recipes=(
        Kept(
            values=(
                "estimate",
                "after",
            ),
            of="n",
        ),
    ),
    asks="Were those who went on like those who did not?",
    unit="standard deviations",
    estimand=(
        "Difference between those who went on and those who did not, in standard deviations, before"
        " and after weighting. The weight is one divided by the fitted probability of what they"
        " did."
    ),
    roles=_BALANCE_ROLES,
    decimals={"estimate": 2, "after": 2},
    show=("about", "n", "estimate", "after", "note"),
)
def balance(cohort: DerivedCohort) -> Answer:
    """How alike those who went on and those who did not were, before and after weighting: the love
    plot.

    Returns
    -------
    Result
        One row per part of the history: `n` decisions, `estimate` (standardised difference before)
        `after` (after weighting) `note` (where more than `ALIKE_WITHIN_SD` is left). Refused as
        `next_session` is with too few people in an arm.
    """
    trials = _first_course_trials(cohort)
    table = _balance_table(trials)
    # a note stands where weighting was not enough
    unlike = int(table["note"].ne("").sum())
    return Answer(
        table=table,
        sentence=(
            f"{_last_scores(table)} After weighting, {unlike} of {len(table)} parts of the history"
            f" still differ by more than {ALIKE_WITHIN_SD:g}."
        ),
        caveats=(
            (
                f"The answer to {asked_as('next_session')} adjusts by regression. The weights here"
                " only show whether similar people are found in both groups."
            ),
            (
                "Balance in what was recorded says nothing about what was not recorded."
                f" {rule_words(cohort)}. {cohort.instrument.recall()}"
            ),
        ),
        people=trials.n_people,
    )


def _last_scores(table: pd.DataFrame) -> str:
    """How far the last scores are apart; they are no row where all are the same."""
    if "score" not in set(table["key"]):
        return "The last score was the same at every decision."
    return (
        "Before weighting, the last scores of those who went on and of those who did not differ by"
        " {score.estimate} standard deviations; after weighting, by {score.after}."
    )


def _balance_table(trials: Trials) -> pd.DataFrame:
    # the columns that the answer itself adjusts for
    history, _ = history_columns(trials)
    going_on = probability_of_going_on(trials, history)
    # each decision stands for all that were as likely to be decided that way
    weights = 1 / np.where(trials.arm, going_on, 1 - going_on)
    before = standardised_differences(history, trials.arm, None)
    after = standardised_differences(history, trials.arm, weights)
    rows = [
        {
            "key": name,
            "about": _HISTORY_WORDS[name],
            "n": trials.n,
            "estimate": unweighted,
            "after": weighted,
            "note": _balance_note(weighted),
        }
        for name, unweighted, weighted in zip(
            _varying_parts(trials), before, after, strict=True
        )
    ]
    return pd.DataFrame(rows)


def _varying_parts(trials: Trials) -> list[str]:
    """Names of the columns that `history_columns` keeps."""
    names = []
    for name, column in zip(HISTORY, trials.history.T, strict=True):
        known = column[~np.isnan(column)]
        if known.size and np.ptp(known) > 0:
            names.append(name)
    return names


def _balance_note(weighted: float) -> str:
    return (
        f"more than {ALIKE_WITHIN_SD:g} left" if abs(weighted) > ALIKE_WITHIN_SD else ""
    )
