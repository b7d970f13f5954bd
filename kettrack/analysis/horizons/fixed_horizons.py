"""How people are at every fixed horizon, in one table."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.association.regression_to_mean import (
    CAVEAT,
    find_entry_cutoff,
    regression_words,
)
from kettrack.analysis.context import LEVEL
from kettrack.analysis.horizons.missing_scores import (
    benchmark_rows,
    horizon_caveats,
    horizon_person_rows,
    require_scored,
    try_to_complete,
)
from kettrack.analysis.horizons.strategies import (
    BEST,
    COMPOSITE,
    IMPUTATION_SEED,
    IMPUTED,
    OBSERVED,
    WORST,
    Estimates,
    OutcomeCells,
    gather,
    outcome_names,
)
from kettrack.analysis.horizons.visits import (
    HORIZON_NAMES,
    MONTHS,
    OUTCOMES,
    REMISSION,
    RESPONSE,
    WORSE,
    Visit,
    horizons_of,
    visit_at,
)
from kettrack.analysis.person_rows import joined
from kettrack.analysis.registry import Answer, question
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.limits import FEWEST_PEOPLE
from kettrack.vocabulary.made_of import COUNTED_BY_UNIT, ByRow
from kettrack.vocabulary.plain_words import share_with_interval

_ASKED: Final = (OBSERVED, COMPOSITE, IMPUTED, BEST, WORST)
# Of the measure behind this horizon nothing else is published.
_PUBLISHED: Final = {MONTHS: (RESPONSE, REMISSION)}
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "horizon": "label",
    "outcome": "label",
    "unit": "label",
    "started": "denominator",
    "n": "denominator",
    "events": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    "composite": "derived",
    "composite_low": "derived",
    "composite_high": "derived",
    "imputed": "derived",
    "imputed_low": "derived",
    "imputed_high": "derived",
    "best": "derived",
    "worst": "derived",
}
_TOLD: Final = {RESPONSE: "response", WORSE: "worse by a reliable change"}


@question(
    "fixed_horizons",
    recipes=(
        COUNTED_BY_UNIT,
        ByRow(
            value="composite",
            of="started",
            ends=("composite_low", "composite_high"),
            events="events",
            unit="unit",
        ),
        ByRow(
            value="imputed",
            of="started",
            ends=("imputed_low", "imputed_high"),
            unit="unit",
        ),
        ByRow(value="best", of="started", ends=(), unit="unit"),
        ByRow(value="worst", of="started", ends=(), unit="unit"),
    ),
    asks="How are people at the end of induction, at fixed weeks, and after 4 to 8 months?",
    unit="as named in each row",
    estimand=(
        "State and mean change at each fixed horizon, whatever sessions there were (treatment"
        " policy): of the people scored there, and of everybody who could have been, if not to be"
        " scored counts as not better (composite variable) or if the others are like scored people"
        " with the same earlier scores."
    ),
    roles=_ROLES,
    show=tuple(name for name in _ROLES if name != "key"),
    decimals={name: 1 for name, role in _ROLES.items() if role == "derived"},
)
def fixed_horizons(cohort: DerivedCohort) -> Answer:
    """Response, remission, reliable change and mean change at every horizon.

    Returns
    -------
    Result
        One row per horizon and outcome, `week_12_response` and so on: `n` of `started` people were
        scored, `events` of them have the outcome, `estimate` with its interval of the people
        scored. `composite`: not to be scored counts as not better. `imputed`: multiple imputation.
        `best` and `worst`: all of the others as well, or as ill, as can be. A horizon with fewer
        than `FEWEST_PEOPLE` scored has its counts and no estimate. Refused where that holds for all
        of them. `missing_scores` shows all strategies at one horizon.
    """
    visits = [visit_at(cohort, horizon) for horizon in horizons_of(cohort)]
    enough = [visit for visit in visits if visit.scored.sum() >= FEWEST_PEOPLE]
    if not enough:
        # The refusal names the last horizon that has anybody, or the last.
        require_scored(max(visits, key=lambda visit: int(visit.scored.sum())))
    rows = [row for visit in visits for row in _rows(cohort, visit)]
    rows += benchmark_rows(cohort, max(enough, key=lambda visit: len(visit.baseline)))
    table = pd.DataFrame(rows).reindex(columns=list(_ROLES))
    table["events"] = table["events"].astype("Int64")
    return Answer(
        table=table,
        sentence=_sentence(cohort, enough),
        caveats=(
            *horizon_caveats(cohort),
            "The people scored at one horizon are not those scored at another, and logs that reach"
            " further are of people who started earlier. So a difference between two rows need not"
            " be a change of anybody. Intervals are for one row at a time.",
            "Not scored as not better says nothing of harm; `worst` does.",
            CAVEAT,
        ),
        level=LEVEL,
        seed=IMPUTATION_SEED,
        rows=lambda: joined([horizon_person_rows(cohort, visit) for visit in visits]),
    )


def _rows(cohort: DerivedCohort, visit: Visit) -> list[dict[str, Any]]:
    names = outcome_names(cohort)
    shown = [name for name in names if name in _PUBLISHED.get(visit.horizon, names)]
    cells: dict[str, OutcomeCells] = {}
    # Counts of a thin horizon stand in the table, so that it is not taken for no horizon.
    if visit.scored.sum() >= FEWEST_PEOPLE:
        estimates = Estimates(cohort, visit)
        cells, _ = gather(estimates, try_to_complete(visit), _ASKED)
    return [_row(visit, name, cells) for name in shown]


def _row(visit: Visit, outcome: str, cells: dict[str, OutcomeCells]) -> dict[str, Any]:
    about, unit = OUTCOMES[outcome]
    row: dict[str, Any] = {
        "key": f"{visit.horizon}_{outcome}",
        "horizon": HORIZON_NAMES[visit.horizon],
        "outcome": about,
        "unit": unit,
        "started": len(visit.baseline),
        "n": int(visit.scored.sum()),
    }
    of = {name: found.get(outcome, {}) for name, found in cells.items()}
    row |= of.get(OBSERVED, {})
    for column, name in (("composite", COMPOSITE), ("imputed", IMPUTED)):
        found = of.get(name, {})
        row[column] = found.get("estimate", np.nan)
        row[f"{column}_low"] = found.get("ci_low", np.nan)
        row[f"{column}_high"] = found.get("ci_high", np.nan)
    row["best"] = of.get(BEST, {}).get("estimate", np.nan)
    row["worst"] = of.get(WORST, {}).get("estimate", np.nan)
    return row


def _sentence(cohort: DerivedCohort, enough: list[Visit]) -> str:
    """Response and harm of the people scored at each horizon, with how many were."""
    names = outcome_names(cohort)
    told = []
    for visit in enough:
        shown = _PUBLISHED.get(visit.horizon, names)
        first = f"{visit.horizon}_{names[0]}"
        shares = [
            f"{words} {share_with_interval(f'{visit.horizon}_{name}')}"
            for name, words in _TOLD.items()
            if name in names and name in shown
        ]
        shares = shares or [f"mean change {{{visit.horizon}_change.estimate}} points"]
        told.append(
            f"{HORIZON_NAMES[visit.horizon]}: {{{first}.n}} of {{{first}.started}} scored,"
            f" {', '.join(shares)}"
        )
    benchmark = regression_words(find_entry_cutoff(cohort))
    return f"Of the people scored: {'; '.join(told)}. {benchmark}"
