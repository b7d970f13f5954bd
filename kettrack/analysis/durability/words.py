"""What the durability curves say in words: the shares some weeks later, by each strategy for
further sessions, and what they rest on.
"""

from __future__ import annotations

from typing import Final

import pandas as pd

from kettrack.analysis.context import LEVEL, rule_words
from kettrack.analysis.durability.counts import ESTIMANDS, Estimand, Watched
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.spells import Origin
from kettrack.vocabulary.days import DAYS_IN_WEEK, LAST_CURVE_DAY
from kettrack.vocabulary.limits import FEWEST_PEOPLE, MOST_BOOTSTRAPPED
from kettrack.vocabulary.plain_words import share_with_interval
from kettrack.vocabulary.published_results import published_durability

REPLICATES: Final = 500
SEED: Final = 1
ORIGINS: Final = {
    "end_of_course": "at the end of the planned course",
    "first_response": "for the first time in their first course",
    "any_response": "for the first time, in whichever course and however late",
}
# Words of a refusal that the first page tells in short.
KNOWN_TO_RESPOND: Final = "known to have responded"
NO_LONGER: Final = "no longer responded at its end"
# Days whose shares the sentence gives, where a curve reaches them.
DAYS_SAID: Final = (4 * DAYS_IN_WEEK, 8 * DAYS_IN_WEEK)
# Each question by the name of its strategy in ICH E9(R1), section A.3.2.
ESTIMAND_NAMES: Final = {
    "treatment_policy": "whatever sessions followed (treatment policy strategy)",
    "hypothetical": "if nobody had had a further session (hypothetical strategy, weighted)",
    "composite": "when a further session counts as a loss (composite variable strategy)",
}
_STILL: Final = {
    "treatment_policy": "were still responding",
    "hypothetical": "would still be responding",
    "composite": "had neither lost the response nor been treated again",
}
_NOT_COMPARED: Final = (
    "Sessions are given to those who feel worse, so each question looks at a different selection"
    " of people and time. The shares do not show whether stopping or going on keeps a response"
    " longer."
)
# What measurement error alone does to people who never relapse and stay 3.2 points below the line,
# with a standard deviation of 2: percent who keep the response to day 56, by days between scores.
# Simulated under the convention for the PHQ-9; a test repeats it.
KEPT_DESPITE_NOISE: Final = {3: 36, 7: 64, 14: 80, 28: 89}
KEPT_IF_CONFIRMED: Final = 95
_WENT_ON: Final = "while their log went on"
# Who lost the response, or was treated again, can be counted for ever after.
_TOO_FEW: Final = f"fewer than {FEWEST_PEOPLE} people can still be counted"
# Of every curve, whatever the clinic.
_STRATEGIES: Final = (
    "The strategies are those of ICH E9(R1), section A.3.2. What came first, a loss or"
    " another session, counts losses while nobody had been treated again (while on"
    " treatment strategy): the other sessions compete with the losses (Aalen-Johansen)."
)
NULL_UNKNOWN: Final = (
    "How many would still respond if sessions did nothing is not told here. Depression also"
    " lifts and comes back by itself, so these shares are not the effect of sessions. The"
    " answer on how long a response lasts after the planned course says it, whatever sessions"
    " followed. From other origins it is not tried."
)
_FOLLOWED: Final = (
    "People are followed as far as their scores go, not to the end of the log. A response"
    " that is not lost counts up to the last score that a later score could have"
    " confirmed, whatever that score said. Event rows that the rules name as relapse"
    " count as losses too."
)


def sentence(
    table: pd.DataFrame, origin: Origin, kinds: tuple[Estimand, ...] = ESTIMANDS
) -> str:
    """What came first; who was still responding by each strategy, why these cannot be set against
    each other; and what is not known of the silent.

    Parameters
    ----------
    table : DataFrame
        Of `durability`.
    origin : str
        Where it counts from.
    kinds : tuple of str
        Strategies that the table has.
    """
    first = table["key"].iloc[0]
    parts = [
        f"{{{first}.n}} people had responded {ORIGINS[origin]}.",
        f"For {{{first}.censored}} of them no later score can show how long it lasted.",
        *(firsts_said(table, day) for day in DAYS_SAID),
    ]
    if table["retreated"].iloc[0]:
        parts.append(
            f"{{{first}.retreated}} of them had a session on the same day as the score that"
            " showed the response."
        )
    how_many = "Three" if kinds == ESTIMANDS else "Two"
    parts += [
        f"{how_many} questions treat a further session differently.",
        f"{_strategy_said(table, 'treatment_policy')}.",
        _bounds_said(table),
        _median_said(table),
    ]
    if "hypothetical" in kinds:
        parts += [
            f"{_strategy_said(table, 'hypothetical')}.",
            _unconfirmed_said(table),
        ]
    parts.append(f"{_strategy_said(table, 'composite')}.")
    if sum(bool(rows_said(table, kind)) for kind in kinds) > 1:
        parts.append(_NOT_COMPARED)
    parts.append(silent_said(table))
    return " ".join(part for part in parts if part)


def rows_said(
    table: pd.DataFrame, kind: Estimand, rule: str = "in_force"
) -> list[tuple[str, int]]:
    """Keys and days of the rows that the sentence gives of one curve."""
    there = set(table["key"])
    keys = [(f"{kind}_{rule}_{day}", day) for day in DAYS_SAID]
    return [(key, day) for key, day in keys if key in there]


def firsts_said(table: pd.DataFrame, day: int) -> str:
    """What had come first by a day: nothing yet, a loss or another session; a loss by a single
    score beside it. Empty where the curve does not go so far.
    """
    there = set(table["key"])
    key = f"composite_in_force_{day}"
    if key not in there:
        return ""
    single = f"composite_single_score_{day}"
    by_one = (
        f"; by a single score, {_share(single, 'lost_first')}"
        if single in there
        else ""
    )
    return (
        f"{day // DAYS_IN_WEEK} weeks later, {share_with_interval(key)} were still responding"
        f" without another session; {_share(key, 'again_first')} had had another session first;"
        f" {_share(key, 'lost_first')} had lost the response first{by_one}."
    )


def _share(key: str, column: str) -> str:
    """A percentage whose interval stands in columns of the same name."""
    return share_with_interval(key, of=column, ends=column)


def single_beside(table: pd.DataFrame, key: str) -> str:
    """The share by a single score, behind that by the rule in force; empty where one score is the
    rule.
    """
    rows = table[table["key"] == key]
    if rows["single"].isna().all():
        return ""
    return f"; by a single score, {_share(key, 'single')}"


def _strategy_said(table: pd.DataFrame, kind: Estimand) -> str:
    """Shares at the days that are said, as far as the curve goes, with the people behind."""
    name = ESTIMAND_NAMES[kind][0].upper() + ESTIMAND_NAMES[kind][1:]
    shares: list[str] = []
    for key, day in rows_said(table, kind):
        behind = f"{{{key}.at_risk}} people at risk"
        if kind == "hypothetical":
            behind += f", effective sample size {{{key}.ess}}"
        still = "" if shares else f" {_STILL[kind]}"
        share = share_with_interval(key)
        weeks = day // DAYS_IN_WEEK
        shares.append(
            f"{share}{still} at {weeks} weeks ({behind}{single_beside(table, key)})"
        )
    if shares:
        return f"{name}, {' and '.join(shares)}"
    weeks = DAYS_SAID[0] // DAYS_IN_WEEK
    if kind == "hypothetical":
        return (
            f"{name}: too few people are left without one to tell it at {weeks} weeks"
        )
    return f"{name}, {_TOO_FEW} at {weeks} weeks"


def _policy_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the treatment policy under the rule in force."""
    policy = table["estimand"] == "treatment_policy"
    return table[policy & (table["rule"] == "in_force")]


def _median_said(table: pd.DataFrame) -> str:
    """When half had lost the response, or how far fewer than half had; nothing where the curve ends
    before the first day that is said, without either.
    """
    rows = _policy_rows(table)
    first = rows.iloc[0]
    last = int(rows["day"].max())
    if pd.notna(first["median_day"]):
        key = first["key"]
        low, high = (
            f"{{{key}.{name}}}" if pd.notna(first[name]) else "not reached"
            for name in ("median_low", "median_high")
        )
        return (
            f"Whatever sessions followed, half had lost the response by day"
            f" {{{key}.median_day}} ({low} to {high})."
        )
    if last < DAYS_SAID[0]:
        return ""
    end = (
        "the end of the curve"
        if last == LAST_CURVE_DAY
        else "the last week that can be shown"
    )
    return (
        "Whatever sessions followed, fewer than half had lost the response by week"
        f" {last // DAYS_IN_WEEK}, {end}: it is not known when half will have lost it."
    )


def _bounds_said(table: pd.DataFrame) -> str:
    """Between what the last share named lies, whatever the scores that never came would have
    said.
    """
    rows = _policy_rows(table)
    rows = rows[rows["day"].isin(DAYS_SAID) & (rows["bound_low"] < rows["bound_high"])]
    if rows.empty:
        return ""
    key = rows["key"].iloc[-1]
    weeks = rows["day"].iloc[-1] // DAYS_IN_WEEK
    return (
        f"If every loss that no second score confirmed counts, the share at {weeks} weeks is"
        f" {{{key}.bound_low}} %; if none counts, it is {{{key}.bound_high}} %."
    )


def silent_said(table: pd.DataFrame) -> str:
    """How many fell silent by the last day said, and between what the share lies, whatever became
    of them; empty where nobody did.
    """
    rows = _policy_rows(table)
    if rows["silent"].isna().all():
        return (
            f"Some people may have been no longer scored {_WENT_ON}; the shares take them to be"
            " like the others."
        )
    last = rows["key"].iloc[-1]
    rows = rows[rows["silent"] > 0]
    if rows.empty:
        return ""
    rows = rows[rows["day"].isin(DAYS_SAID)]
    if rows.empty:
        return (
            f"{{{last}.silent}} of the {{{last}.n}} people were no longer scored {_WENT_ON}:"
            " nobody knows how long their response lasted after their last score."
        )
    key = rows["key"].iloc[-1]
    weeks = rows["day"].iloc[-1] // DAYS_IN_WEEK
    waiting = rows["bound_low"].notna().any()
    unconfirmed = ", and every loss without a second score counted," if waiting else ","
    return (
        f"By week {weeks}, {{{key}.silent}} of the {{{key}.n}} people were no longer scored"
        f" {_WENT_ON}. The shares take them to be like the others. If all of them had lost the"
        f" response after their last score{unconfirmed} {{{key}.silent_low:%}} would still be"
        f" responding at {weeks} weeks, whatever sessions followed; if none had,"
        f" {{{key}.silent_high:%}}."
    )


def as_logs_end(said: str, cohort: DerivedCohort) -> str:
    """A sentence on the silent as it is true of this cohort: where no log says to which day it is
    complete, nobody knows that it went on.
    """
    if cohort.patients["observed_to_day"].notna().any():
        return said
    return said.replace(_WENT_ON, "although no end of their log is recorded")


def as_some_logs_end(said: str) -> str:
    """A sentence on the silent where only some sites record to which day a log is complete."""
    return said.replace(
        _WENT_ON, "although their log went on, or no end of it is recorded"
    )


def _unconfirmed_said(table: pd.DataFrame) -> str:
    """How many were treated again while a loss waited for its second score, and the share without a
    further session if all were losses.
    """
    rows = rows_said(table, "hypothetical")
    if not rows:
        return ""
    key, day = rows[-1]
    row = table.set_index("key").loc[key]
    if pd.isna(row["retreated_unconfirmed"]):
        who = "Some people may have been treated again while a loss was not yet confirmed."
    elif row["retreated_unconfirmed"]:
        who = (
            f"{{{key}.retreated_unconfirmed}} of the {{{key}.retreated}} people treated again by"
            f" week {day // DAYS_IN_WEEK} had a loss that was not yet confirmed."
        )
    else:
        return ""
    lowest = (
        " If all of them, and all who were never scored again, had lost the response, it would"
        f" be {{{key}.bound_low:%}}."
        if pd.notna(row["bound_low"])
        else ""
    )
    return (
        f"Warning: {who} They count as treated again, not as lost, so the share without a further"
        f" session is too high where few people like them had no further session.{lowest}"
    )


def _of_some(watched: Watched) -> str:
    """That not everybody was bootstrapped, where people are many."""
    if len(watched.untreated) <= MOST_BOOTSTRAPPED:
        return ""
    return f", of {MOST_BOOTSTRAPPED:,} people drawn by chance; their width is scaled to all people"


def caveats(cohort: DerivedCohort, watched: Watched) -> tuple[str, ...]:
    """Rule, weighting, how far it goes, what a single score does, and what was published."""
    level = f"{100 * LEVEL:g} %"
    kept = "; ".join(
        f"scored every {days} days, {share} %"
        for days, share in KEPT_DESPITE_NOISE.items()
    )
    dated = (
        " The first of these scores dates the loss, the last one proves it. Where a loss is not"
        " proven, the person is followed up to the last score before it."
        if watched.rule.run.count > 1
        else ""
    )
    return (
        f"Loss of response: {watched.rule.words}. {rule_words(cohort)}.{dated}",
        (
            f"Brackets hold {level} intervals, each for its own day only. Without a further session"
            f" they come from {REPLICATES} bootstrap samples of patients (seed {SEED})"
            f"{_of_some(watched)}. At 0 and 100 % their ends are exact. A curve ends where fewer"
            f" than {FEWEST_PEOPLE} people are at risk or have had a loss or, where it counts,"
            " another session."
        ),
        _STRATEGIES,
        (
            "The questions differ, and their differences are not the effect of maintenance."
            " Without a further session, a loss counts only if it is proven before the next"
            " session; if every loss that was not proven counts, the share is at its"
            " lower bound. People are weighted by time and last score; other reasons for the next"
            " session are not accounted for."
        ),
        _FOLLOWED,
        (
            "Silent are people who are not known to have lost the response, and whose log is"
            f" complete for more than {cohort.criteria.state_holds_days} days after their last"
            " score, or does not say where it ends. Two columns say what the"
            " share would be if all of them had lost it after that score, or held it to the end of"
            " the log, every loss that no second score confirmed counted in the first and not in"
            " the second."
        ),
        (
            "A single score that shows a loss is often measurement error. In a simulation of the"
            " PHQ-9 nobody relapsed: everyone stayed 3.2 points below the line (SD 2). Still, a"
            " single score often showed a loss. This many people had no such score by day 56:"
            f" {kept}. When a second score had to confirm a loss, at least {KEPT_IF_CONFIRMED} %"
            " had no loss, however often they were scored."
        ),
        (
            f"Published shares in the figure: {'; '.join(map(str, published_durability()))}."
            " Rule, origin and days between scores differ."
        ),
    )
