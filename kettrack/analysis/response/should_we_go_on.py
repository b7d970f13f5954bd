"""The futility sheet: of the people who had hardly improved after a few sessions and went on, how
many responded later.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL, rule_words
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.response.benchmark import (
    NULL_CAVEAT,
    NULL_SEED,
    NullClinics,
    benchmark,
    no_null_caveat,
)
from kettrack.analysis.response.exits import confirmed_rule
from kettrack.analysis.response.futility_counts import (
    EVENT_COUNTS,
    LANDMARKS,
    LITTLE_GROUP,
    LITTLE_PERCENT,
    count,
    estimate,
    exits_after,
    n_followed,
    person_rows,
    shares_later,
)
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import COMPLETE_LOG_DAYS
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.made_of import Kept, Scaled
from kettrack.vocabulary.plain_words import share_with_interval
from kettrack.vocabulary.published_results import GOING_ON

_ESTIMAND: Final = (
    "Chance of a first response, confirmed by a second score, between a landmark session and the"
    " end of the first course, among people without a response at the landmark who went on, as it"
    " happens in this clinic."
)
# Of people who went on: the share, its interval, and what noise alone would show.
_SHARES: Final = ("estimate", "ci_low", "ci_high", "null", "null_low", "null_high")
# Column of what noise alone would show, and the share it stands beside.
_NULLS: Final = {
    "null": "estimate",
    "soon_null": "soon",
    "single_null": "single",
    "single_soon_null": "single_soon",
}
_NULL_ENDS: Final = ("null_low", "null_high")
_DERIVED: Final = (
    *_SHARES,
    "soon",
    "soon_low",
    "soon_high",
    "soon_null",
    "single",
    "single_low",
    "single_high",
    "single_null",
    "single_soon",
    "single_soon_low",
    "single_soon_high",
    "single_soon_null",
    "median_day",
)
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "landmark": "label",
    "group": "label",
    "at_landmark": "denominator",
    **dict.fromkeys(("responded", "unscored"), "count"),
    "in_group": "denominator",
    **dict.fromkeys(("stopped", "completed", "went_on"), "count"),
    "n": "denominator",
    **dict.fromkeys(EVENT_COUNTS.values(), "count"),
    **dict.fromkeys(_DERIVED, "derived"),
    "reason": "label",
}
# Counts of people first, then shares of those who went on, then why a row is empty.
_SHOWN: Final = (
    "landmark",
    "group",
    "unscored",
    "responded",
    "stopped",
    "completed",
    "went_on",
    "n",
    *_SHARES,
    "soon",
    "soon_null",
    "single",
    "single_null",
    "reason",
)
# The sentence tells the first of these landmarks that has an answer: half of the usual course, then
# the others.
_TOLD_FIRST: Final = (3, 2, 4, 6)


@question(
    "should_we_go_on",
    recipes=(
        Scaled(value="estimate", of="n", ends=("ci_low", "ci_high")),
        Scaled(value="soon", of="n", ends=("soon_low", "soon_high")),
        Scaled(value="single", of="n", ends=("single_low", "single_high")),
        Scaled(
            value="single_soon", of="n", ends=("single_soon_low", "single_soon_high")
        ),
        Kept(
            values=(
                "null",
                "null_low",
                "null_high",
                "soon_null",
                "single_null",
                "single_soon_null",
                "median_day",
            ),
            of="n",
        ),
    ),
    asks="Of people who are not better so far, how many respond later if they go on?",
    unit="percent of patients",
    estimand=_ESTIMAND,
    roles=_ROLES,
    decimals={"median_day": 0},
    show=_SHOWN,
    by_group=True,
)
def should_we_go_on(cohort: DerivedCohort) -> Answer:
    """The futility sheet after each session of `LANDMARKS`.

    The landmark score is the last one with so many sessions behind it, at most `late_after_days`
    after the session. Whoever had a score that meets the response rule by then, confirmed or not,
    is counted apart; nothing seen later decides who is in a row.

    Parameters
    ----------
    cohort : DerivedCohort
        With `observed_to_day`.

    Returns
    -------
    Result
        One row per landmark and group (`below_20`, `20_to_49`: improvement in percent, without a
        response): `at_landmark` people with so many sessions and a log complete for
        `COMPLETE_LOG_DAYS` after, of whom `responded` already and `unscored` then; `in_group` of
        whom `stopped`, `completed` (planned end, or a pause of at most `COMPLETE_LOG_DAYS`) and
        `went_on`; `n` of these can be followed: not those whose log is not complete for
        `COMPLETE_LOG_DAYS` after their next session, or who were not scored since. In percent of
        n: `estimate` `ci_low` `ci_high` responded by the end of the first course, confirmed by a
        second score (dated at the first), and `soon...` within two more sessions; `single...` the
        same by one score; `..._events` the people who did;
        `null` `soon_null` `single_null` `single_soon_null` what a model fitted to this clinic shows
        where sessions do nothing (`null_low` `null_high` its 95 % interval). `median_day` of the
        landmark score. `reason` why a row is refused: fewer than `FEWEST_PEOPLE`.
    """
    counts = count(cohort)
    # One group with enough people makes a sheet; smaller groups stay as refused rows.
    if max(n_followed(found) for found in counts.values()) < FEWEST_PEOPLE:
        raise NotIdentified(
            f"there is no session after which at least {FEWEST_PEOPLE} people were scored, had not"
            " responded, went on, and can be followed.",
            f"a score within {cohort.criteria.late_after_days} days of each session, and"
            " observed_to_day.",
        )
    table, null_caveat = _add_null(estimate(counts), cohort)
    return Answer(
        table=table,
        sentence=_sentence(table, cohort),
        caveats=_caveats(cohort, table, null_caveat),
        level=LEVEL,
        seed=NULL_SEED,
        rows=partial(person_rows, cohort),
    )


def _add_null(
    table: pd.DataFrame,
    cohort: DerivedCohort,
) -> tuple[pd.DataFrame, str]:
    """The sheet with the same shares where sessions do nothing, and the caveat that explains them
    or says why they are missing.
    """
    try:
        null = benchmark(cohort, _null_shares)
    except NotIdentified as error:
        missing = dict.fromkeys((*_NULLS, *_NULL_ENDS), np.nan)
        return table.assign(**missing), no_null_caveat("column", error)
    columns = dict(zip(_NULLS, null.value, strict=True))
    ends = dict(zip(_NULL_ENDS, (null.low[0], null.high[0]), strict=True))
    return table.assign(**columns, **ends), NULL_CAVEAT


def _null_shares(null: NullClinics) -> Floats:
    """Shares of each simulated clinic, shape (clinics, len(_NULLS), rows of the sheet)."""
    rows = []
    for _, by_rule in exits_after(null.cohort):
        shares = [null.each(exits, shares_later) for exits in by_rule.values()]
        row = np.hstack(shares)
        # The simulated clinic is large, but few of it may be in a group: those are missing.
        followed = null.each(by_rule["confirmed"], _n_at_risk)
        row[followed < FEWEST_PEOPLE] = np.nan
        rows.append(row)
    return np.stack(rows, axis=-1)


def _n_at_risk(exits: pd.DataFrame) -> int:
    return int(exits["step"].gt(0).sum())


def _sentence(table: pd.DataFrame, cohort: DerivedCohort) -> str:
    """The first of the usual landmarks that is not refused, for those who had improved least."""
    # At least one row has an answer, or the whole sheet was refused.
    answered = table[table["reason"] == ""].set_index("key")
    usual = [f"after{session}_{LITTLE_GROUP}" for session in _TOLD_FIRST]
    key = next(name for name in (*usual, *answered.index) if name in answered.index)
    row = answered.loc[key]
    little = row["group"] == LITTLE_GROUP
    improved = f"{'less than' if little else 'at least'} {LITTLE_PERCENT} %"
    without = "" if little else ", without a response,"
    session = row["landmark"]
    null_words = ""
    single_null = ""
    if pd.notna(row["null"]):
        null_words = (
            f", against about {{{key}.null:%}} (95 % interval {{{key}.null_low:%}} to"
            f" {{{key}.null_high:%}}) in a model fitted to this clinic in which sessions do"
            " nothing"
        )
        single_null = f" (about {{{key}.single_null:%}} in that model)"
    return (
        f"Of {{{key}.n}} people who had improved by {improved}{without} after session {session}"
        f" and went on, {share_with_interval(key)} responded later, confirmed by a second"
        f" score{null_words}. By a single score, {{{key}.single:%}} responded{single_null}."
        f" {{{key}.stopped}} people like them stopped after session {session}."
        f" {{{key}.unscored}} people had no score in time: after session {session}, before the next"
        f" session, and within {cohort.criteria.late_after_days} days."
    )


def _caveats(
    cohort: DerivedCohort, table: pd.DataFrame, null_caveat: str
) -> tuple[str, ...]:
    """The recall window first, then rules, who is counted, and what others published."""
    rule = confirmed_rule(cohort.criteria.response)
    # 3 in n is the rule of three: the upper 95 % limit of a share of which none of n was seen.
    return (
        *_recall_caveats(cohort, table),
        f"{rule_words(cohort)}. The 95 % intervals are log-log intervals of the cumulative"
        " incidence, each by itself. Stopping, the end of the course and not being scored are"
        " events of their own. Where nobody responded there is no interval: with n people, a true"
        " share of about 3 in n is still possible.",
        "Went on: had another session of the first course. n: the people among them who can be"
        f" followed, with a log complete for {COMPLETE_LOG_DAYS} days after that session and a"
        " score since.",
        "The people who went on chose to, or were advised to. How many of them responded later is"
        " no promise to people who stopped.",
        f"Confirmed: {rule.run.words if rule else 'no rule'}. Each null column is counted by the"
        " same rule in a model of this clinic in which sessions do nothing.",
        null_caveat,
        *(str(finding) for finding in GOING_ON),
        "The published findings disagree. They rate improvement and response on other scales and"
        " days.",
    )


def _recall_caveats(cohort: DerivedCohort, table: pd.DataFrame) -> list[str]:
    """A warning that stands first, when landmark scores still ask about days before or between
    sessions.
    """
    recall = cohort.instrument.recall()
    # Days of a landmark are the same for its groups, so the first row stands for all.
    median_days = table.groupby("landmark")["median_day"].first().reindex(LANDMARKS)
    early = median_days[median_days < recall.days]
    if early.empty:
        return []
    sessions = ", ".join(
        f"{session} (median day {day:.0f})" for session, day in early.items()
    )
    return [
        f"{recall} Scores after session {sessions} still ask about days before treatment, so part"
        " of a small improvement there comes from the days that the questions cover."
    ]
