"""From everyone who started to those who can be analysed, with a reason and a count for each
loss.
"""

from __future__ import annotations

from typing import Final

import pandas as pd

from kettrack.analysis.context import made_from, release, rule_words
from kettrack.analysis.registry import question
from kettrack.result import Result
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.outcomes import EXCLUSIONS

REASONS: Final = {
    "no_baseline": "no score in the 30 days before session 1",
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


@question("ladder", asks="Who is counted, and who is left out, and why?")
def ladder(cohort: DerivedCohort) -> Result:
    """Who started, who is left out for which reason, and who can be analysed.

    Returns
    -------
    Result
        Rows `started`, one per reason in the order in which they are tested, and `analysable`:
        `lost` here and `left` after it of `n` who started, with `estimate` = % left.
    """
    reason = cohort.outcomes["exclusion_reason"]
    n = len(reason)
    rows: list[dict[str, object]] = [
        {
            "key": "started",
            "step": "started (at least one session)",
            "lost": 0,
            "left": n,
        }
    ]
    for name in EXCLUSIONS:
        lost = int((reason == name).sum())
        left = int(rows[-1]["left"]) - lost  # type: ignore[call-overload]
        rows.append({"key": name, "step": REASONS[name], "lost": lost, "left": left})
    rows.append(
        {"key": "analysable", "step": "analysable", "lost": 0, "left": rows[-1]["left"]}
    )
    table = pd.DataFrame(rows)
    table["n"] = n
    table["estimate"] = 100 * table["left"] / max(n, 1)
    result = Result(
        name="ladder",
        table=table,
        roles={
            "key": "key",
            "step": "label",
            "lost": "count",
            "left": "running",
            "n": "denominator",
            "estimate": "derived",
        },
        show=("step", "lost", "left", "estimate"),
        sentence=_sentence(table),
        estimand=(
            "Everyone with at least one session in the log; each person is counted at the first"
            " reason that applies."
        ),
        caveats=(rule_words(cohort), *_before_the_door(cohort)),
        made_from=made_from(cohort, unit="patients"),
    )
    return release(result, cohort)


def _sentence(table: pd.DataFrame) -> str:
    """Name every reason that lost somebody, in the order of the ladder."""
    lost = table.loc[(table["lost"] > 0), "key"]
    reasons = ", ".join(f"{{{key}.lost}} {LOST[key]}" for key in lost)
    whole = (
        "Of {started.left} people who started, {analysable.left} ({analysable.estimate} %) can be"
        " analysed"
    )
    return f"{whole}: {reasons}." if reasons else f"{whole}."


def _before_the_door(cohort: DerivedCohort) -> list[str]:
    """What the reader kept out or noticed: counts that no policy has looked at, so for the clinic's
    own eyes only.
    """
    if cohort.settings.policy != "internal":
        return []
    kept_out = [
        f"Kept out on loading: {row.reason} (patients: {row.n_patients})."
        for row in cohort.exclusions.itertuples()
    ]
    return [*kept_out, *cohort.notes]
