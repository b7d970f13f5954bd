"""How long a response lasts, in words: the sentence under the curve, and what must be known to use it."""

from __future__ import annotations

from typing import Final

import pandas as pd

from kettrack.analysis.context import FEWEST, rule_words
from kettrack.analysis.durability.counts import ESTIMANDS, Estimand, Watched
from kettrack.reading.cohort import Cohort
from kettrack.timelines.spells import Origin
from kettrack.vocabulary.published_durability import published_durability

WEEK: Final = 7
WORDS: Final = {
    "treatment_policy": "whatever sessions followed (treatment policy)",
    "off_treatment": "without a further session (off treatment, weighted)",
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
    """What is held at 4 and 8 weeks, by each estimand, and what others found."""
    first = table["key"].iloc[0]
    parts = [_said(table, kind, "in_force") for kind in ESTIMANDS]
    single = _said(table, "treatment_policy", "single_score") if (table["rule"] == "single_score").any() else ""
    reached = table.loc[table["key"] == first, "median_day"].notna().item()
    median = " Whatever sessions followed, half had not lost it by the end."
    if reached:
        ends = [
            f"{{{first}.{name}}}" if table[name].iloc[0] == table[name].iloc[0] else "open"
            for name in ("median_low", "median_high")
        ]
        median = f" Whatever sessions followed, half had lost it by day {{{first}.median_day}} ({ends[0]} to {ends[1]})."
    bounds = _bounds_said(table)
    again = f" {{{first}.retreated}} of them had a session on the very day of that score." if table["retreated"].iloc[0] else ""
    return (
        f"Of {{{first}.n}} people who had responded {ORIGINS[origin]} ({{{first}.censored}} of them not followed far enough "
        f"by scores to tell), {'; '.join(parts)}.{bounds}{median}{again}" + (f" By a single score: {single}." if single else "")
    )


def _said(table: pd.DataFrame, kind: Estimand, rule: str) -> str:
    """Shares at 4 and at 8 weeks, as far as the curve goes."""
    there = set(table["key"])
    shares = [
        f"{{{key}.estimate}} % ({{{key}.ci_low}}-{{{key}.ci_high}}) at {weeks} weeks"
        for weeks in (4, 8)
        if (key := f"{kind}_{rule}_{WEEK * weeks}") in there
    ]
    verb = "" if kind == "composite" else "still held it "
    if shares:
        return f"{' and '.join(shares)} {verb}{WORDS[kind]}"
    left = "people's worth of information" if kind == "off_treatment" else "people at risk"
    return f"{_NAMES[kind]}: fewer than {FEWEST} {left} at 4 weeks"


def _bounds_said(table: pd.DataFrame) -> str:
    """Between what the last share named lies, whatever the scores that never came would have said."""
    rows = table[(table["estimand"] == "treatment_policy") & (table["rule"] == "in_force") & table["bound_low"].notna()]
    rows = rows[rows["day"].isin((4 * WEEK, 8 * WEEK)) & (rows["bound_low"] < rows["bound_high"])]
    if rows.empty:
        return ""
    key, weeks = rows["key"].iloc[-1], rows["day"].iloc[-1] // WEEK
    return (
        f" With every loss that no second score confirmed, or with none of them, it is {{{key}.bound_low}} to "
        f"{{{key}.bound_high}} % at {weeks} weeks whatever sessions followed."
    )


def caveats(cohort: Cohort, watched: Watched, replicates: int, seed: int) -> tuple[str, ...]:
    """Rule, weighting, how far it goes, what a single score does, and what was published."""
    marks = [figure for figure in published_durability() if figure.study == "McInnes 2022"]
    shares = " and ".join(f"about {figure.percent:g} % at {figure.day // WEEK} weeks" for figure in marks)
    return (
        f"Loss of response: {watched.words}; {rule_words(cohort)}. Dated at the first of the two scores, known at the second; "
        "one that still waits, or can no longer be confirmed, counts as no longer followed from the last score before it.",
        "Three questions, three answers: their differences are not what maintenance does, since sessions are given for "
        "worsening. "
        f"Off treatment is weighted by time and last score; reasons that no score shows remain. {replicates} bootstrap samples "
        f"of patients, seed {seed}. Intervals are pointwise.",
        "Followed as far as scores go: not to the end of the log. A response not lost counts up to the last score that "
        "a later one could have confirmed, whatever it said. Event rows that the rules name as relapse are losses too.",
        "A single score above the line is often noise: people who never relapse, but stay 3.2 points below it with a standard "
        "deviation of 2, keep a response to day 56 in 36, 64, 80 and 89 % when scored every 3, 7, 14 and 28 days; confirmed, "
        "in at least 95 %.",
        f"{marks[0].study} saw {shares} without maintenance ({marks[0].source}); rule, origin and scoring interval differ.",
    )
