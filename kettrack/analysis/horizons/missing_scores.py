"""One horizon under every way with missing scores, and the tipping point for the silent."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.association.regression_to_mean import (
    CAVEAT,
    LOW_RELIABILITY,
    find_entry_cutoff,
    regression_rows,
    regression_words,
)
from kettrack.analysis.context import LEVEL, rule_words
from kettrack.analysis.horizons.strategies import (
    COMPOSITE,
    IMPUTATION_SEED,
    IMPUTED,
    OBSERVED,
    SETS,
    STRATEGIES,
    WORST,
    Completed,
    Estimates,
    OutcomeCells,
    complete,
    gather,
    outcome_names,
)
from kettrack.analysis.horizons.visits import (
    CHANGE,
    DEFAULT_HORIZON,
    HORIZON_NAMES,
    MONTHS,
    OUTCOMES,
    RESPONSE,
    WEEKS,
    WORSE,
    Visit,
    flags_of,
    require_horizon,
    visit_at,
)
from kettrack.analysis.person_rows import COLUMNS
from kettrack.analysis.registry import Answer, question
from kettrack.errors import NotIdentified
from kettrack.estimators.regression.imputation import pool_means
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import HORIZON_TOLERANCE_DAYS
from kettrack.vocabulary.instruments.phq9 import ELEVATED_ABOVE
from kettrack.vocabulary.limits import FEWEST_PEOPLE, UNSCORED_WORSE_BY_SD
from kettrack.vocabulary.made_of import COUNTED_BY_UNIT
from kettrack.vocabulary.plain_words import share_with_interval, value_with_interval

NO_CHANGE: Final = "tipping_no_change"
REGRESSION: Final = "tipping_regression"
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "horizon": "label",
    "outcome": "label",
    "strategy": "label",
    "estimand": "label",
    "assumes": "label",
    "unit": "label",
    "started": "denominator",
    "n": "denominator",
    "scored": "denominator",
    "events": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
}
_TIPPED: Final = {
    NO_CHANGE: "the interval of the mean change reaches no change",
    REGRESSION: "the interval of the mean change reaches what regression to the mean makes alone",
}


@question(
    "missing_scores",
    recipes=(COUNTED_BY_UNIT,),
    asks="What would the outcome be if the people who were not scored were better or worse?",
    unit="as named in each row",
    estimand=(
        "State and mean change at a fixed horizon after session 1, whatever sessions there were"
        " (treatment policy), of everybody who could have been scored there, under each named"
        " assumption about the people who were not."
    ),
    roles=_ROLES,
    decimals={"estimate": 1, "ci_low": 1, "ci_high": 1},
    show=(
        "outcome",
        "strategy",
        "estimand",
        "unit",
        "started",
        "n",
        "scored",
        "events",
        "estimate",
        "ci_low",
        "ci_high",
    ),
)
def missing_scores(cohort: DerivedCohort, horizon: str = DEFAULT_HORIZON) -> Answer:
    """The same outcomes side by side under each strategy for missing scores.

    Parameters
    ----------
    horizon : str
        `end_of_induction`, `week_4`, `week_6`, `week_12`, `week_26`, or, for the PHQ-9,
        `months_4_to_8`.

    Returns
    -------
    Result
        One row per outcome and strategy, `response_observed` and so on: `started` people could have
        been scored, `n` count in the row; `scored` and `events` are the same in every row of an
        outcome: people scored, and those of them who have it. A strategy that the data cannot carry
        has no rows, and a caveat says why.
        `tipping_no_change`, `tipping_regression`: points by which the silent would have to be worse
        than similar people with a score before the interval of the mean change reaches no change,
        or what regression to the mean makes; missing where no score of the scale is bad enough, and
        without anybody silent. Refused with fewer than `FEWEST_PEOPLE` scored.
    """
    require_horizon(horizon, cohort)
    visit = visit_at(cohort, horizon)
    require_scored(visit)
    estimates = Estimates(cohort, visit)
    completed = try_to_complete(visit)
    cells, without = gather(estimates, completed, STRATEGIES)
    rows = [
        _row(outcome, strategy, visit, cells)
        for outcome in outcome_names(cohort)
        for strategy in STRATEGIES
        if outcome in cells.get(strategy, {})
    ]
    tipped = _tipping(cohort, visit, completed)
    rows += [_tipping_row(key, visit, point) for key, point in tipped.items()]
    # People came when they were ill, so part of any change would be there anyway.
    rows += benchmark_rows(cohort, visit)
    named = pd.DataFrame(rows).assign(horizon=HORIZON_NAMES[horizon])
    table = named.reindex(columns=list(_ROLES))
    table["events"] = table["events"].astype("Int64")
    return Answer(
        table=table,
        sentence=_sentence(cohort, visit, list(table["key"]), tipped),
        caveats=(
            *horizon_caveats(cohort, horizon),
            _assumptions(estimates),
            CAVEAT,
            *(
                f"Without an answer: {STRATEGIES[name].words}, because {why}"
                for name, why in without.items()
            ),
        ),
        level=LEVEL,
        seed=IMPUTATION_SEED,
        rows=partial(horizon_person_rows, cohort, visit),
    )


def require_scored(visit: Visit) -> None:
    """Refuse where too few were scored.

    Raises
    ------
    NotIdentified
        With what to record.
    """
    if int(visit.scored.sum()) < FEWEST_PEOPLE:
        place = HORIZON_NAMES[visit.horizon]
        raise NotIdentified(
            f"fewer than {FEWEST_PEOPLE} people with a rated baseline were scored at the horizon"
            f" ({place}).",
            f"a score of everybody {at_horizon(visit.horizon)}.",
        )


def try_to_complete(visit: Visit) -> Completed | NotIdentified:
    """Imputed scores, or why the scores cannot carry the model."""
    try:
        return complete(visit)
    except NotIdentified as error:
        return error


def _row(
    outcome: str, strategy: str, visit: Visit, cells: dict[str, OutcomeCells]
) -> dict[str, Any]:
    about, unit = OUTCOMES[outcome]
    named = STRATEGIES[strategy]
    scored = int(visit.scored.sum())
    row = {
        "key": f"{outcome}_{strategy}",
        "outcome": about,
        "strategy": named.words,
        "estimand": named.estimand,
        "assumes": named.assumes,
        "unit": unit,
        "started": len(visit.baseline),
        "n": scored if strategy == OBSERVED else len(visit.baseline),
        "scored": scored,
    }
    # A bound, less those who were not scored, would tell a count that is hidden elsewhere: so all
    # rows of an outcome are hidden together.
    events = cells[OBSERVED][outcome].get("events")
    found = cells[strategy][outcome]
    kept = ("estimate", "ci_low", "ci_high")
    return row | {name: found.get(name) for name in kept} | {"events": events}


def _tipping(
    cohort: DerivedCohort, visit: Visit, completed: Completed | NotIdentified
) -> dict[str, Tipping]:
    """Tipping points of the mean change, where somebody is silent and the model speaks."""
    if isinstance(completed, NotIdentified) or visit.scored.all():
        return {}
    scale = cohort.instrument
    # Nobody can be beyond the end of the scale.
    worst = scale.maximum if scale.higher_is_worse else scale.minimum
    find = partial(tipping_point, visit, completed, scale.sign, worst)
    alone = find_entry_cutoff(cohort).drop(LOW_RELIABILITY)
    found = {NO_CHANGE: find()}
    return found if np.isnan(alone) else found | {REGRESSION: find(alone)}


def benchmark_rows(cohort: DerivedCohort, visit: Visit) -> list[dict[str, Any]]:
    """What regression to the mean alone would make of the mean change, as an improvement."""
    known = visit.scored
    people = pd.DataFrame({"baseline": visit.baseline, "last": visit.score})[known]
    rows = regression_rows(cohort, people, find_entry_cutoff(cohort))[1:]
    n = int(known.sum())
    return [
        {
            "key": row["key"],
            "outcome": row["about"],
            "unit": row["unit"],
            "started": n,
            "n": n,
            "scored": n,
            "estimate": row["estimate"],
        }
        for row in rows
    ]


def _tipping_row(key: str, visit: Visit, point: Tipping) -> dict[str, Any]:
    return {
        "key": key,
        "outcome": "how much worse the silent would have to be",
        "strategy": f"imputed and worse, until {_TIPPED[key]}",
        "estimand": "treatment policy, sensitivity",
        "assumes": "they are worse than similar people with a score by the points of this row",
        "unit": "points",
        "started": len(visit.baseline),
        "n": len(visit.baseline),
        "scored": int(visit.scored.sum()),
        "estimate": point.points,
    }


def _sentence(
    cohort: DerivedCohort, visit: Visit, keys: list[str], tipped: dict[str, Tipping]
) -> str:
    """Response and harm under three assumptions, the mean change, and the tipping point."""
    parts = [
        f"{at_horizon(visit.horizon).capitalize()}, {{{keys[0]}.n}} of {{{keys[0]}.started}}"
        " people were scored."
    ]
    if f"{RESPONSE}_{OBSERVED}" in keys:
        when = "if not to be scored counts as no response"
        parts.append(_told(RESPONSE, "Response", keys, (COMPOSITE, when)))
    if f"{WORSE}_{OBSERVED}" in keys:
        when = "if all of the others were worse"
        parts.append(_told(WORSE, "Worse by a reliable change", keys, (WORST, when)))
    imputed = f"{CHANGE}_{IMPUTED}" in keys
    row = f"{CHANGE}_{IMPUTED if imputed else OBSERVED}"
    who = "everybody, as imputed" if imputed else "the people scored"
    parts.append(f"Mean change of {who}: {value_with_interval(row)} points.")
    benchmark = regression_words(find_entry_cutoff(cohort))
    return " ".join([*parts, _tipping_words(visit, tipped), benchmark])


def at_horizon(horizon: str) -> str:
    """When it is, as a part of a sentence.

    Examples
    --------
    >>> at_horizon("week_26")
    'at week 26'
    """
    words = HORIZON_NAMES[horizon]
    return f"at {words}" if horizon in WEEKS else words


def _told(outcome: str, name: str, keys: list[str], other: tuple[str, str]) -> str:
    """A share of the scored, as imputed, and in the least comfortable way to count."""
    strategy, when = other
    said = (
        f"{name}: {share_with_interval(f'{outcome}_{OBSERVED}')} of the people scored"
    )
    if f"{outcome}_{IMPUTED}" in keys:
        share = share_with_interval(f"{outcome}_{IMPUTED}")
        alike = "if the others are like scored people with the same earlier scores"
        said += f"; {share} of everybody {alike}"
    return f"{said}; {{{outcome}_{strategy}.estimate:%}} {when}."


def _tipping_words(visit: Visit, tipped: dict[str, Tipping]) -> str:
    if visit.scored.all():
        return "Nobody is missing."
    if NO_CHANGE not in tipped:
        unknown = "How much worse the others would have to be cannot be told"
        return f"{unknown}, because no model fits these scores."
    point = tipped[NO_CHANGE].points
    falls = "the interval of the mean change"
    if np.isnan(point):
        worst = "Even if all of the others had the worst score there is"
        return f"{worst}, {falls} would not reach 0."
    if point == 0:
        return f"Even if the others are like such people, {falls} holds 0."
    return (
        f"The others would have to be {{{NO_CHANGE}.estimate}} points worse than such people before"
        f" {falls} reached 0."
    )


def horizon_caveats(cohort: DerivedCohort, horizon: str = "") -> tuple[str, ...]:
    """Which score counts, of whom, and what the horizon is not."""
    said = [
        "At a week the score nearest to it counts, at most"
        f" {HORIZON_TOLERANCE_DAYS} days before or after; after the first course the first score in"
        " the window. Counted are people with a rated baseline and a log that reaches to the end of"
        f" the window, whatever sessions they had. {rule_words(cohort)}."
    ]
    if cohort.patients["observed_to_day"].isna().all():
        said.append(
            "No log says how far it reaches (observed_to_day), so people who came only lately count"
            " as not scored."
        )
    if horizon in ("", MONTHS):
        said.append(
            "Months 4 to 8 are the window of HEDIS Depression Remission or Response, in which the"
            " most recent score counts. HEDIS starts at any elevated PHQ-9 score and asks for a"
            " diagnosis; here it starts at the baseline of people who are a case. Elevated is a"
            f" score above {ELEVATED_ABOVE} in the measure that HEDIS has adapted (MN Community"
            " Measurement, NQF 0710)."
        )
    return tuple(said)


def _assumptions(estimates: Estimates) -> str:
    return (
        "No data can tell how the people were who were not scored. Weights, imputation"
        f" ({SETS} sets) and the mixed model take them to be like scored people with the same"
        f" baseline and earlier scores; the delta-adjusted rows make them {UNSCORED_WORSE_BY_SD:g}"
        f" SD ({estimates.shift():.1f} points) worse than that. Best and worst case assume nothing."
        " People who died count as not scored. Intervals are for one row at a time. The effect size"
        " divides by the spread of baselines, which is narrow among people who came with a high"
        " score, so it looks large."
    )


def horizon_person_rows(cohort: DerivedCohort, visit: Visit) -> pd.DataFrame:
    """Change of each person as the value, and whether they responded; missing without a score."""
    known = visit.scored
    # Without a score there is no state; a filled one only keeps the arrays of one length.
    codes = pd.Index(cohort.bucket.patient_id)[visit.person]
    filled = np.where(known, visit.score, visit.baseline)
    flags = flags_of(cohort, visit.baseline, filled)
    responded = flags.get(RESPONSE, np.zeros(len(known), bool))
    status = pd.Series(responded, dtype="boolean").where(known)
    rows = pd.DataFrame(
        {
            "curve": visit.horizon,
            "patient_id": codes,
            "status": status,
            "cause": np.where(known, "scored", "not_scored"),
            "weight": 1.0,
            "value": visit.score - visit.baseline,
        }
    )
    return rows.reindex(columns=list(COLUMNS))


@dataclass(frozen=True, slots=True)
class Tipping:
    """The point at which a conclusion about the mean change falls.

    Parameters
    ----------
    points : float
        By which the silent would have to be worse than similar people with a score; 0 where the
        conclusion does not hold as it is, NaN where no score of the scale is bad enough.
    mean_score : float
        Mean score of the silent at that point; NaN without one.
    """

    points: float
    mean_score: float


def tipping_point(
    visit: Visit,
    completed: Completed,
    sign: int,
    worst: float,
    threshold: float = 0.0,
) -> Tipping:
    """Points by which the interval of the mean improvement comes to reach a threshold.

    Parameters
    ----------
    visit : Visit
        At which somebody was not scored.
    completed : Completed
        Imputed as if the silent were like similar people with a score.
    sign : int
        +1 where a higher score is worse.
    worst : float
        The worst score of the scale, beyond which nobody can be.
    threshold : float
        Points of improvement, such as those that regression to the mean makes by itself.
    """
    silent = ~visit.scored
    # Turned so that a fall is an improvement on every scale.
    change = sign * (completed.scores - visit.baseline)
    mean_silent = float(completed.scores[:, silent].mean())

    def above(points: float) -> float:
        """How far the interval's end reaches beyond the threshold; above 0 it has fallen."""
        moved = np.where(silent, points, 0.0)
        return pool_means(change + moved).interval(LEVEL)[1] + threshold

    if above(0.0) >= 0:
        return Tipping(0.0, mean_silent)
    room = sign * (worst - mean_silent)
    # Nobody can be worse than the worst score: then the conclusion holds whoever is silent.
    if room <= 0 or above(room) < 0:
        return Tipping(np.nan, np.nan)
    from scipy.optimize import brentq

    points = float(brentq(above, 0.0, room, xtol=1e-6))
    return Tipping(points, mean_silent + sign * points)
