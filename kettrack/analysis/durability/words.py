"""How long a response lasts, in words: the sentence under the curve, and what must be known to use
it.
"""

from __future__ import annotations

from typing import Final

import pandas as pd

from kettrack.analysis.context import FEWEST, rule_words
from kettrack.analysis.durability.counts import ESTIMANDS, Estimand, Watched
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.spells import Origin
from kettrack.vocabulary.published_results import published_durability

WEEK: Final = 7
LAST_DAY: Final = 364  # of the curves
# days whose shares the sentence gives, where a curve reaches them
TOLD: Final = (4 * WEEK, 8 * WEEK)
NOT_COMPARED: Final = (
    "Sessions are given to those who feel worse, so each question looks at time selected in its"
    " own way: which share is higher does not tell whether stopping or going on holds a response"
    " longer."
)
WORDS: Final = {
    "treatment_policy": "whatever sessions followed (treatment policy)",
    "off_treatment": "as long as no further session came (off treatment, weighted)",
    "composite": "had neither lost it nor been treated again (composite)",
}
_NAMES: Final = {
    "treatment_policy": "whatever sessions followed (treatment policy)",
    "off_treatment": "without a further session (off treatment)",
    "composite": "neither lost nor treated again (composite)",
}
ORIGINS: Final = {
    "end_of_course": "at the end of the planned course",
    "first_response": "for the first time in their first course",
}


def sentence(table: pd.DataFrame, origin: Origin) -> str:
    """What is held at 4 and 8 weeks whatever followed; then the two other questions, and why they
    cannot be set against it.
    """
    first = table["key"].iloc[0]
    composite, untreated = (
        _said(table, kind, "in_force") for kind in ("composite", "off_treatment")
    )
    single = (
        _said(table, "treatment_policy", "single_score")
        if (table["rule"] == "single_score").any()
        else ""
    )
    again = (
        f" {{{first}.retreated}} of them had a session on the very day of that score."
        if table["retreated"].iloc[0]
        else ""
    )
    return (
        f"Of {{{first}.n}} people who had responded {ORIGINS[origin]} ({{{first}.censored}} of"
        " them not followed far enough by scores to tell),"
        f" {_said(table, 'treatment_policy', 'in_force')}.{_bounds_said(table)}{_median_said(table)}{again}"
        f" Two other questions, about other stretches of time: {composite};"
        f" {untreated}.{_unconfirmed_said(table)}"
        + (
            f" {NOT_COMPARED}"
            if sum(bool(_told(table, kind)) for kind in ESTIMANDS) > 1
            else ""
        )
        + (f" By a single score: {single}." if single else "")
    )


def _said(table: pd.DataFrame, kind: Estimand, rule: str) -> str:
    """Shares at 4 and at 8 weeks, as far as the curve goes, each with the people it rests on."""
    shares = [
        f"{{{key}.estimate}} % ({{{key}.ci_low}}-{{{key}.ci_high}}) at {day // WEEK} weeks"
        f" ({{{key}.at_risk}} at risk"
        + (
            f", {{{key}.ess}} people's worth of information)"
            if kind == "off_treatment"
            else ")"
        )
        for key, day in _told(table, kind, rule)
    ]
    verb = "" if kind == "composite" else "still held it "
    if shares:
        return f"{' and '.join(shares)} {verb}{WORDS[kind]}"
    left = (
        "people's worth of information" if kind == "off_treatment" else "people at risk"
    )
    return f"{_NAMES[kind]}: fewer than {FEWEST} {left} at 4 weeks"


def _told(
    table: pd.DataFrame, kind: Estimand, rule: str = "in_force"
) -> list[tuple[str, int]]:
    """Keys and days of the rows that the sentence tells of one curve."""
    there = set(table["key"])
    return [(key, day) for day in TOLD if (key := f"{kind}_{rule}_{day}") in there]


def _median_said(table: pd.DataFrame) -> str:
    """When half had lost it, or how far fewer than half had; nothing where the curve ends before 4
    weeks without either.
    """
    rows = table[
        (table["estimand"] == "treatment_policy") & (table["rule"] == "in_force")
    ]
    first = rows.iloc[0]
    last = int(rows["day"].max())
    if pd.notna(first["median_day"]):
        key = first["key"]
        ends = [
            f"{{{key}.{name}}}" if pd.notna(first[name]) else "open"
            for name in ("median_low", "median_high")
        ]
        return (
            f" Whatever sessions followed, half had lost it by day {{{key}.median_day}}"
            f" ({ends[0]} to {ends[1]})."
        )
    if last < TOLD[0]:
        return ""
    end = "looked at" if last == LAST_DAY else f"with at least {FEWEST} at risk"
    return (
        f" Whatever sessions followed, fewer than half had lost it by week {last // WEEK}, the"
        f" last {end}: when half will have is not known."
    )


def _bounds_said(table: pd.DataFrame) -> str:
    """Between what the last share named lies, whatever the scores that never came would have
    said.
    """
    rows = table[
        (table["estimand"] == "treatment_policy")
        & (table["rule"] == "in_force")
        & table["bound_low"].notna()
    ]
    rows = rows[rows["day"].isin(TOLD) & (rows["bound_low"] < rows["bound_high"])]
    if rows.empty:
        return ""
    key = rows["key"].iloc[-1]
    weeks = rows["day"].iloc[-1] // WEEK
    return (
        " With every loss that no second score confirmed, or with none of them, it is"
        f" {{{key}.bound_low}} to {{{key}.bound_high}} % at {weeks} weeks whatever sessions"
        " followed."
    )


def _unconfirmed_said(table: pd.DataFrame) -> str:
    """How many were treated again while a loss waited for its second score, and the share off
    treatment if all were losses.
    """
    told = _told(table, "off_treatment")
    if not told:
        return ""
    key, day = told[-1]
    row = table.set_index("key").loc[key]
    if pd.isna(row["retreated_unconfirmed"]):
        how_many = (
            "People treated again while a score above the line waited for its second"
        )
    elif row["retreated_unconfirmed"]:
        how_many = (
            f"{{{key}.retreated_unconfirmed}} of the {{{key}.retreated}} treated again by week"
            f" {day // WEEK} had a score above the line that was not yet confirmed; they"
        )
    else:
        return ""
    lowest = (
        "; if all of them, and all who were never asked again, had lost it, it would be"
        f" {{{key}.bound_low}} %"
        if pd.notna(row["bound_low"])
        else ""
    )
    return (
        f" Warning: {how_many} count as treated, not as lost, so the share without a further"
        f" session is too high wherever few like them stayed untreated{lowest}."
    )


def caveats(
    cohort: DerivedCohort, watched: Watched, replicates: int, seed: int
) -> tuple[str, ...]:
    """Rule, weighting, how far it goes, what a single score does, and what was published."""
    return (
        (
            f"Loss of response: {watched.words}; {rule_words(cohort)}. Dated at the first of the"
            " two scores, known at the second; one that still waits, or can no longer be"
            " confirmed, counts as no longer followed from the last score before it."
        ),
        (
            "Three questions, three answers: their differences are not what maintenance does."
            " Off treatment a loss counts only if its second score comes before the next"
            " session; with every waiting score a loss the share is `bound_low`, its lower"
            " bound. Weighted by time and last score; reasons that no score shows remain."
            f" {replicates} bootstrap samples of patients, seed {seed}. Intervals are pointwise."
        ),
        (
            "Followed as far as scores go: not to the end of the log. A response not lost counts"
            " up to the last score that a later one could have confirmed, whatever it said. Event"
            " rows that the rules name as relapse are losses too."
        ),
        (
            "A single score above the line is often noise: people who never relapse, but stay 3.2"
            " points below it with a standard deviation of 2, keep a response to day 56 in 36,"
            " 64, 80 and 89 % when scored every 3, 7, 14 and 28 days; confirmed, in at least"
            " 95 %."
        ),
        (
            f"Published, as drawn: {'; '.join(map(str, published_durability()))}. Rule, origin"
            " and scoring interval differ."
        ),
    )
