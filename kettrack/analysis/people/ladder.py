"""From everyone who started to those who can be analysed, with a reason and a count for each
loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

import pandas as pd

from kettrack.analysis.context import rule_words
from kettrack.analysis.person_rows import share_rows
from kettrack.analysis.registry import Answer, question
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.outcomes import EXCLUSIONS
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS
from kettrack.vocabulary.made_of import Share

REASONS: Final[dict[str, str]] = {
    "no_baseline": f"no score in the {BASELINE_WINDOW_DAYS} days before session 1",
    "below_caseness": "baseline below caseness",
    "no_follow_up": "never scored after session 1",
    "prior_sessions": "treated before the log begins",
    "placebo": "placebo",
}
LOST: Final = {
    "no_baseline": "had no baseline score",
    "below_caseness": "were below caseness",
    "no_follow_up": "were never scored after session 1",
    "prior_sessions": "had been treated before the log begins",
    "placebo": "had placebo",
}


@question(
    "ladder",
    asks="Who is counted, and who is left out, and why?",
    unit="patients",
    log_end=False,
    estimand=(
        "Everyone with at least one session in the log. Each person is counted at the first"
        " reason that applies."
    ),
    roles={
        "key": "key",
        "step": "label",
        "lost": "count",
        "left": "running",
        "n": "denominator",
        "estimate": "derived",
    },
    recipes=(Share(value="estimate", events="left", of="n"),),
    show=("step", "lost", "left", "estimate"),
)
def ladder(cohort: DerivedCohort) -> Answer:
    """Who started, who is left out for which reason, and who can be analysed.

    Returns
    -------
    Result
        Rows `started`, one per reason in the order in which they are tested, and `analysable`:
        `lost` here and `left` after it of `n` who started, with `estimate` = % left.
    """
    table = ladder_table(count_reasons(cohort))
    return Answer(
        table=table,
        sentence=ladder_sentence(table),
        caveats=(f"{rule_words(cohort)}.", *_left_out_by_reader(cohort)),
        rows=partial(_person_rows, cohort),
    )


def count_reasons(cohort: DerivedCohort) -> dict[str, int]:
    """People who started, and those left out by their first reason; counts of several sites can be
    added.
    """
    reason = cohort.outcomes["exclusion_reason"]
    lost = {name: int((reason == name).sum()) for name in EXCLUSIONS}
    return {"started": len(reason), **lost}


def ladder_table(counts: Mapping[str, int]) -> pd.DataFrame:
    """The steps of the ladder, from `count_reasons`."""
    n = counts["started"]
    rows = [_step("started", "started (at least one session)", 0, n)]
    left = n
    for name in EXCLUSIONS:
        left -= counts[name]
        rows.append(_step(name, REASONS[name], counts[name], left))
    rows.append(_step("analysable", "analysable", 0, left))
    table = pd.DataFrame(rows)
    # An empty log has nobody to divide by.
    share = 100 * table["left"] / max(n, 1)
    return table.assign(n=n, estimate=share)


def _person_rows(cohort: DerivedCohort) -> pd.DataFrame:
    """Whether each person can be analysed, and the first reason where not."""
    outcomes = cohort.outcomes
    reason = outcomes["exclusion_reason"].astype("object")
    can_be = reason.isna().to_numpy(bool)
    rows = share_rows("analysable", outcomes["patient_id"].to_list(), can_be)
    return rows.assign(cause=reason.fillna("").to_numpy()).dropna(axis=1, how="all")


def _step(key: str, step: str, lost: int, left: int) -> dict[str, object]:
    """One row of the ladder."""
    return {"key": key, "step": step, "lost": lost, "left": left}


def ladder_sentence(table: pd.DataFrame) -> str:
    """Name every reason that lost somebody, in the order of the ladder."""
    lost = table.loc[table["lost"] > 0, "key"]
    reasons = ", ".join(f"{{{key}.lost}} {LOST[key]}" for key in lost)
    whole = (
        "{started.left} people started, and {analysable.left} of them ({analysable.estimate:%})"
        " can be analysed."
    )
    return f"{whole} Left out: {reasons}." if reasons else whole


def _left_out_by_reader(cohort: DerivedCohort) -> list[str]:
    """What the reader kept out or noticed: counts that no policy has looked at, so for the clinic's
    own eyes only.
    """
    if cohort.policy != "internal":
        return []
    kept_out = [
        f"Left out on loading: {row.reason} (patients: {row.n_patients})."
        for row in cohort.exclusions.itertuples()
    ]
    return [*kept_out, *cohort.notes]
