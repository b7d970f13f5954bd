"""The same cohort under every named rule and every baseline: how much of an answer is only its
definition.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pandas as pd

from kettrack.analysis.context import LEVEL, made_from, refusal, release
from kettrack.analysis.courses.specification_counts import EVENTS, FIRST_EVENT, count
from kettrack.analysis.registry import question
from kettrack.errors import NotIdentified
from kettrack.estimators.intervals import wilson
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort

_ESTIMAND: Final = (
    "Percent of the people who can be rated under a rule who ever met it in the log; loss of"
    " response: of those who responded."
)


def estimate(counts: pd.DataFrame) -> pd.DataFrame:
    """Percent with its Wilson interval for each combination.

    Returns
    -------
    DataFrame
        The counts, numbered from 1, with `estimate` `ci_low` `ci_high`; missing where nobody could
        be rated.
    """
    table = counts.reset_index(drop=True)
    found = [
        wilson(int(events), int(n), LEVEL)
        for events, n in zip(table["events"], table["n"], strict=True)
    ]
    table[["estimate", "ci_low", "ci_high"]] = pd.DataFrame(
        found, columns=["estimate", "ci_low", "ci_high"], dtype=float
    )
    table.insert(0, "number", table.index + 1)
    return table


@question(
    "specification", asks="What would the answer be under every other published rule?"
)
def specification(
    cohort: DerivedCohort,
    also: tuple[str, ...] = (),
    on_step: Callable[[], None] = lambda: None,
) -> Result:
    """The same people under every named rule and every choice of baseline.

    Parameters
    ----------
    cohort : DerivedCohort
        From `load_cohort`. The primary instrument, and every depression scale used beside it.
    also : tuple of str
        Names of recalled rules to apply as well; they are marked in the column `standing`.
    on_step : callable
        Called after each of the `n_steps` steps.

    Returns
    -------
    Result
        One row per combination of `instrument`, `rule`, `baseline` and `outcome` (response,
        remission, loss_of_response, deterioration, recovery, improvement, sudden_gain; `definition`
        says which kind): `events` of `n` rated, `waiting` for a second score and not counted,
        `estimate` % with its Wilson interval.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> table = specification(load_cohort(sample_folder())).table
    >>> sorted(set(table.baseline))
    ['last', 'mean', 'worst']
    """
    counts = count(cohort, also, on_step)
    if counts.empty:
        reason = NotIdentified(
            "no instrument with a rule was scored.",
            "a depression scale before and after the first session.",
        )
        return refusal("specification", cohort, reason, _ESTIMAND)
    table = estimate(counts)
    result = Result(
        name="specification",
        table=table,
        roles=ROLES,
        show=(
            "instrument",
            "outcome",
            "rule",
            "standing",
            "baseline",
            "events",
            "n",
            "estimate",
            "ci_low",
            "ci_high",
        ),
        sentence=_sentence(table),
        estimand=_ESTIMAND,
        caveats=_caveats(table),
        made_from=made_from(cohort, unit="percent of patients rated", level=LEVEL),
    )
    return release(result, cohort)


ROLES: Final[dict[str, Role]] = {
    "number": "key",
    **dict.fromkeys(
        ("instrument", "outcome", "definition", "rule", "standing", "baseline"), "label"
    ),
    "events": "count",
    "waiting": "count",
    "n": "denominator",
    **dict.fromkeys(("estimate", "ci_low", "ci_high"), "derived"),
}


def _sentence(table: pd.DataFrame) -> str:
    """The lowest and the highest percentage of each outcome, among rules that look for a first
    event.
    """
    words = dict(
        zip(
            EVENTS,
            ("responded", "remitted", "lost their response", "deteriorated"),
            strict=True,
        )
    )
    parts = []
    for outcome, word in words.items():
        rows = table[
            (table["outcome"] == outcome) & (table["definition"] == FIRST_EVENT)
        ].dropna(subset=["estimate"])
        if len(rows):
            ordered = rows.sort_values(["estimate", "number"])["number"]
            low = ordered.iloc[0]
            high = ordered.iloc[-1]
            parts.append(f"{{row{low}.estimate}} % to {{row{high}.estimate}} % {word}")
    if not parts:
        return "Nobody could be rated for a first event under any rule."
    return f"The same cohort under every named rule, scale and baseline: {', '.join(parts)}."


def _caveats(table: pd.DataFrame) -> tuple[str, ...]:
    recalled = sorted(set(table.loc[table["standing"] == "recalled", "rule"]))
    return (
        (
            "Ever, in all that was scored: who is followed longer has more chances. For time, see"
            " the curves by session."
        ),
        (
            "The rows are the same people: many that agree are no more evidence than one. n"
            " differs with what was scored."
        ),
        (
            "The worst score as baseline makes change out of chance: after the worst of several"
            " the next is lower anyway."
        ),
        (
            "Events still waiting for a second score, or for which nobody asked again, are in n"
            " and not in events."
        ),
        *(
            [
                f"Unconfirmed wording, applied because it was asked for: {', '.join(recalled)}."
            ]
            if recalled
            else []
        ),
    )
