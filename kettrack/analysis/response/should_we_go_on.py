"""The futility sheet: of those who had not improved after a few sessions and went on, how many
responded later.
"""

from __future__ import annotations

from typing import Final

import pandas as pd

from kettrack.analysis.context import FEWEST, made_from, refusal, release, rule_words
from kettrack.analysis.registry import question
from kettrack.analysis.response.futility_counts import LANDMARKS, count, estimate
from kettrack.analysis.response.plasmode import NULL_CAVEAT, SEED, null_cohort
from kettrack.errors import NotIdentified
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.published_results import GOING_ON

ESTIMAND: Final = (
    "Chance of a first response, confirmed by a second score, between a landmark session and the"
    " end of the first course, among people without response at the landmark who went on, as it"
    " happens in this clinic."
)
QUANTITIES: Final = ("estimate", "ci_low", "ci_high", "null")
_DERIVED: Final = (
    *QUANTITIES,
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
ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "landmark": "label",
    "group": "label",
    "at_landmark": "denominator",
    **dict.fromkeys(("responded", "unscored"), "count"),
    "in_group": "denominator",
    **dict.fromkeys(("stopped", "completed", "went_on"), "count"),
    "n": "denominator",
    **dict.fromkeys(_DERIVED, "derived"),
    "reason": "label",
}
_SAID_FIRST: Final = (
    "after3_below_20",
    "after2_below_20",
    "after4_below_20",
    "after6_below_20",
)


@question(
    "should_we_go_on",
    asks="Not better so far: how many respond later if they go on?",
    by_group=True,
)
def should_we_go_on(cohort: DerivedCohort) -> Result:
    """The futility sheet after session 2, 3, 4 and 6.

    The landmark score is the last one with so many sessions behind it, at most 14 days after the
    session. Whoever had a score that meets the response rule by then, confirmed or not, is counted
    apart; nothing seen later decides who is in a row.

    Parameters
    ----------
    cohort : DerivedCohort
        With `observed_to_day`.

    Returns
    -------
    Result
        One row per landmark and group (improved by less than 20 %, by 20-49 %): `at_landmark`
        people with so many sessions and a log complete for 60 days after, of whom `responded`
        already and `unscored` then; `in_group` of whom `stopped`, `completed` (planned end, or a
        pause of at most 60 days) and `went_on`; `n` of these can be followed: not those whose log
        is not complete for 60 days after their next session, or who were not scored since. In
        percent of n: `estimate` `ci_low` `ci_high` responded by the end of the first course,
        confirmed by a second score 7-60 days later (dated at the first), and `soon...` within two
        more sessions; `single...` the same by one score; `null` `soon_null` `single_null`
        `single_soon_null` what a model fitted to this clinic shows where sessions do nothing.
        `median_day` of the landmark score. `reason` why a row is refused: fewer than 11 people.
    """
    try:
        counts = count(cohort)
        if (
            max(
                int(found.later["confirmed"].at_risk.max(initial=0))
                for found in counts.values()
            )
            < FEWEST
        ):
            raise NotIdentified(
                f"after no session did {FEWEST} people go on who were scored, had not responded"
                " and can be followed.",
                "a score within 14 days of each session, and observed_to_day.",
            )
    except NotIdentified as error:
        return release(refusal("should_we_go_on", cohort, error, ESTIMAND), cohort)
    try:
        null = count(null_cohort(cohort))
        null_caveat = NULL_CAVEAT
    except NotIdentified as error:
        null = None
        null_caveat = (
            f"No null column: {error.reason} To have it, record: {error.collect}"
        )
    table = estimate(counts, null)
    result = Result(
        name="should_we_go_on",
        table=table,
        roles=ROLES,
        decimals={"median_day": 0},
        show=(
            "landmark",
            "group",
            "unscored",
            "responded",
            "stopped",
            "completed",
            "went_on",
            "n",
            *QUANTITIES,
            "soon",
            "soon_null",
            "single",
            "single_null",
            "reason",
        ),
        sentence=_sentence(table),
        estimand=ESTIMAND,
        caveats=_caveats(cohort, table, null_caveat),
        made_from=made_from(cohort, unit="percent of patients", level=0.95, seed=SEED),
    )
    return release(result, cohort)


def _sentence(table: pd.DataFrame) -> str:
    """The first of the usual landmarks that is not refused, for those who had improved least."""
    answered = table[table["reason"] == ""].set_index("key")
    key = next(
        name for name in (*_SAID_FIRST, *answered.index) if name in answered.index
    )
    row = answered.loc[key]
    improved = "less than 20 %" if row["group"] == "below_20" else "20-49 %"
    noise = ""
    single_noise = ""
    if pd.notna(row["null"]):
        noise = (
            f", against about {{{key}.null}} % by a model fitted to this clinic in which sessions"
            " do nothing"
        )
        single_noise = f" (about {{{key}.single_null}} % in that model)"
    return (
        f"Of {{{key}.n}} people who had improved {improved} after session {row['landmark']} and"
        f" went on, {{{key}.estimate}} % ({{{key}.ci_low}}-{{{key}.ci_high}}) responded later,"
        f" confirmed by a second score{noise}; by a single score {{{key}.single}}"
        f" %{single_noise}. {{{key}.stopped}} like them stopped there, and {{{key}.unscored}}"
        f" people had no score between session {row['landmark']} and the next, or within 14 days."
    )


def _caveats(
    cohort: DerivedCohort, table: pd.DataFrame, null_caveat: str
) -> tuple[str, ...]:
    return (
        *_recall(cohort, table),
        (
            f"{rule_words(cohort)}. 95 % log-log intervals of the cumulative incidence,"
            " pointwise; stopping, the end of the course and not being scored are events of"
            " their own. Where nobody responded there is no interval: none of n leaves about 3"
            " in n possible."
        ),
        (
            "Went on: had another session of the first course; n: those of them who can be"
            " followed past it, with a log complete for 60 days after it and a score since."
        ),
        (
            "Those who went on chose to, or were advised to: their later response is no promise"
            " to those who stopped."
        ),
        (
            "Confirmed: a second score 7-60 days later; the null column under a rule is what its"
            " own rule makes of a model of this clinic in which sessions do nothing."
        ),
        null_caveat,
        *(f"{finding}" for finding in GOING_ON),
        (
            "The published findings disagree, and rate improvement and response on other scales"
            " and days."
        ),
    )


def _recall(cohort: DerivedCohort, table: pd.DataFrame) -> list[str]:
    """A warning that stands first, when landmark scores still ask about days before or between
    sessions.
    """
    recall = cohort.instrument.recall()
    days = table.groupby("landmark")["median_day"].first().reindex(LANDMARKS)
    early = days[days < recall.days]
    if early.empty:
        return []
    said = ", ".join(
        f"{session} (median day {day:.0f})" for session, day in early.items()
    )
    return [
        f"{recall} Scores after session {said} still cover days before treatment, so little"
        " improvement there is partly the window of the questions."
    ]
