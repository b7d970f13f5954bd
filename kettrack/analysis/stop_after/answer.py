"""Stopping after k sessions against stopping after m: the score twelve weeks on, had everybody done
the one or the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final, Literal

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL, made_from, refusal, release, rule_words
from kettrack.analysis.registry import question
from kettrack.analysis.stop_after.beside import COLUMNS, UNIT, left_out_lines, typed
from kettrack.analysis.stop_after.checks import MEAN_WEIGHT
from kettrack.analysis.stop_after.history import HORIZON, WINDOW
from kettrack.analysis.stop_after.pairs import USUAL, pair_of, require_two
from kettrack.analysis.stop_after.rows import GRACE, LEFT_OUT, StopData, stop_data
from kettrack.analysis.stop_after.second import REPLICATES as SECOND
from kettrack.analysis.stop_after.table import compare, estimands
from kettrack.analysis.stop_after.weights import STEPS, Pair
from kettrack.errors import NotIdentified, UsageError
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.instrument import Recall

NAME: Final = "stop_after"
REPLICATES: Final = 500
SEED: Final = 1
N_STEPS: Final = STEPS
AfterStop = Literal["none", "usual_care"]
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    **dict.fromkeys(("about", "unit", "k", "m", "status", "reason"), "label"),
    "n": "denominator",
    "followers": "count",
    **dict.fromkeys(
        COLUMNS[COLUMNS.index("estimate") : COLUMNS.index("status")], "derived"
    ),
}
_DECIMALS: Final = {
    "ess": 0,
    "largest_share": 3,
    "mean_weight": 2,
    "p99_weight": 2,
    "max_weight": 2,
    "estimate": 2,
    "ci_low": 2,
    "ci_high": 2,
}


@question(
    "stop_after",
    asks="Would stopping after more sessions have changed the score at week 12?",
    steps=N_STEPS,
)
def stop_after(  # noqa: PLR0913 - each part of the question by its name
    cohort: DerivedCohort,
    k: int | None = None,
    m: int | None = None,
    *,
    after_stop: AfterStop = "none",
    recall_days: int | None = None,
    replicates: int = REPLICATES,
    seed: int = SEED,
    on_step: Callable[[], None] = lambda: None,
) -> Result:
    """Difference in the mean score around day 84 between "stop after k sessions" and "stop after
    m", for everybody.

    Estimand E4. A strategy asks for so many session days, each within 28 days of the one before, at
    the clinic's own spacing, and then for none to day 84. Each patient is copied into every
    strategy on day 0, leaves it when they depart from it, and those who followed one stand for all
    by weights: one over the probability of what they did, given what was recorded.

    Parameters
    ----------
    cohort : DerivedCohort
        With `observed_to_day`, and scores around day 84 also of those who stopped early.
    k, m : int, optional
        Numbers of session days; default 6 against 3. Where the data do not carry that, the nearest
        pair that they do carry: in order of |k - 6| + |m - 3|, of equally near ones the wider, then
        the smaller k, the first with 50 effective people and nobody above 5 % of the weight on
        either side. Followers and weights decide, never the outcome.
    after_stop : {"none", "usual_care"}
        Whether later sessions depart from the strategy, or belong to it once 28 days have passed:
        another question.
    recall_days : int, optional
        Days a score looks back; default the instrument's. A strategy must be over before the
        outcome can look back on it.
    replicates, seed : int
        Of the patient bootstrap, which fits all models anew.
    on_step : callable
        Called up to `N_STEPS` times.

    Returns
    -------
    Result
        One row per quantity, by `key`: `stop_after` (the answer: a weighted quadratic in the number
        of sessions), `strict` (weighted means of those who stopped exactly there) with its two
        means `strict_k` `strict_m`, `other_rule` (the other `after_stop`), `dynamic` (at most k
        against at most m, ended by two scores in remission), `g_formula` (second opinion),
        `window_k` `window_m` (weights), `truncated_995` and on, and with deaths `deaths_worst`
        (sensitivity). Columns: `about` (the estimand) `unit` `k` `m` `n` (patients who followed a
        strategy of the row; for `g_formula` all) `followers` (those with an outcome; in the rows
        `left_out_...`, `later_sessions` and `cohort` the patients themselves) `estimate` `ci_low`
        `ci_high` (points; a minus means lower after k) `ess` `largest_share` (0 to 1, of the weaker
        side) `mean_weight` `p99_weight` `max_weight` `status` `reason`. A refused row has no
        estimate; where the first row is refused, so is the result.

    Raises
    ------
    UsageError
        For another `after_stop`, numbers below 1, the same number twice, or a recall below 0 days.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> stop_after(load_cohort(sample_folder()), replicates=20).status
    'refused'
    """
    if after_stop not in ("none", "usual_care") or any(
        number is not None and number < 1 for number in (k, m, replicates)
    ):
        raise UsageError(
            "after_stop is 'none' or 'usual_care'; k, m and replicates are at least 1."
        )
    require_two(k, m)
    recall = cohort.instrument.recall(recall_days)
    data = None
    try:
        data = stop_data(cohort)
        pair = pair_of(data, (k, m), after_stop == "usual_care", recall.days)
    except NotIdentified as error:
        return release(_refused(cohort, error, _unnamed(k, m), data), cohort)
    table, against = compare(cohort, data, pair, (replicates, seed), on_step)
    result = Result(
        name=NAME,
        table=table,
        roles=_ROLES,
        decimals=_DECIMALS,
        show=(
            "about",
            "followers",
            "estimate",
            "ci_low",
            "ci_high",
            "ess",
            "largest_share",
            "status",
            "reason",
        ),
        sentence=_sentence(pair),
        estimand=estimands(pair)["stop_after"] + ".",
        caveats=(
            *_caveats(cohort, data, pair, recall, replicates),
            *_conditional(cohort, data, pair, (k, m), table),
        ),
        made_from=made_from(cohort, unit=UNIT, level=LEVEL, seed=seed),
        status="ok" if against is None else "refused",
        reason=against.reason if against else "",
        collect=against.collect if against else "",
    )
    return release(result, cohort)


def _unnamed(k: int | None, m: int | None) -> str:
    return (
        f"Difference in mean score around day {HORIZON}, stop after {k or 'k'} minus stop after"
        f" {m or 'm'} sessions."
    )


def _refused(
    cohort: DerivedCohort, error: NotIdentified, estimand: str, data: StopData | None
) -> Result:
    """A refusal before anything could be weighed: its row, and who was left out."""
    bare = refusal(NAME, cohort, error, estimand)
    row = {
        "key": NAME,
        "about": estimand,
        "unit": UNIT,
        "status": "refused",
        "reason": error.reason,
    }
    table = typed(
        pd.DataFrame(
            [row, *(left_out_lines(data) if data else [])], columns=list(COLUMNS)
        )
    )
    return replace(
        bare, table=table, roles=_ROLES, show=("about", "followers", "status", "reason")
    )


def _sentence(pair: Pair) -> str:
    """The answer in words; a minus is left to the number, so that it holds either way."""
    row = "{stop_after."
    left = ", ".join(
        f"{name.replace('_', ' ')} {{left_out_{name}.followers}}" for name in LEFT_OUT
    )
    return (
        f"If everyone had stopped after {pair.k} rather than {pair.m} sessions, the score around"
        f" day {HORIZON} would have differed by {row}estimate}} points ({row}ci_low}} to"
        f" {row}ci_high}}; a minus means lower after {pair.k}), as far as the recorded history"
        f" explains who stops. It rests on {row}followers}} people with that score, of {row}n}}"
        " who kept to a number of sessions that is over in time ({cohort.followers} in all),"
        f" and on the weaker side on {row}ess}} people's worth of information."
        f" {{later_sessions.followers}} people had sessions more than {GRACE} days after the last"
        f" of the course. Not in it: {left}."
    )


def _caveats(
    cohort: DerivedCohort, data: StopData, pair: Pair, recall: Recall, replicates: int
) -> tuple[str, ...]:
    quartiles = np.nanpercentile(np.diff(data.first_days, axis=1), (25, 50, 75))
    deaths = (
        f" Who died by day {HORIZON + WINDOW} has no score; one row gives them the worst."
        if data.died.any()
        else ""
    )
    return (
        (
            f"{rule_words(cohort)}. Outcome: score nearest day {HORIZON}, at most {WINDOW} days"
            f" off.{deaths}"
        ),
        (
            f"Only numbers whose sessions were over {WINDOW + recall.days} days before day"
            f" {HORIZON} in nine of ten are compared. {recall}"
        ),
        (
            "The spacing is the clinic's own: days between sessions, quartiles"
            f" {quartiles[0]:.0f}, {quartiles[1]:.0f}, {quartiles[2]:.0f}; the next one within"
            f" {GRACE}."
        ),
        (
            "It assumes that every reason to go on or to stop that also predicts the score is"
            " recorded: scores, session number, adverse events, a stop for side effects. Weights"
            " are not truncated."
        ),
        (
            "A score missing at the end is weighted by the history before it. Who stops when the"
            " score is low, or high, leaves few people for the other choice: in simulated clinics"
            " like that the estimate comes out too small, and is often refused."
        ),
        (
            "The rule that two scores in remission end the sessions found its forced truth in"
            " simulated weekly clinics. Usual care afterwards is experimental: where people who"
            " relapse come back it lay .15 points too far from 0, as a quadratic in the number of"
            " sessions does not follow what comes later. With irregular visits both are"
            " experimental."
        ),
        (
            f"95 % percentile intervals from {replicates} patient bootstraps that fit every model"
            f" anew; the second opinion from {min(replicates, SECOND)}."
        ),
    )


def _conditional(
    cohort: DerivedCohort,
    data: StopData,
    pair: Pair,
    asked: tuple[int | None, int | None],
    table: pd.DataFrame,
) -> Iterator[str]:
    """Caveats that only some data call for."""
    if None in asked and (pair.k, pair.m) == USUAL:
        yield f"{pair.k} against {pair.m} was chosen from the numbers that can be compared."
    elif None in asked:
        yield (
            f"{pair.k} against {pair.m} was taken in place of {USUAL[0]} against {USUAL[1]}: of"
            " the pairs that can be compared, the nearest to that, then the wider, then the"
            " smaller k, whose weights carry it (or the nearest, where none do). Followers and"
            " weights decided, not the outcome."
        )
    if not data.no_remission and cohort.criteria.remission is not None:
        yield (
            "Remission, where two scores of it end the sessions:"
            f" {cohort.criteria.remission.predicate}."
        )
    if data.irregular:
        yield f"Visits are irregular here: {data.irregular}."
    means = table.set_index("key")["mean_weight"][["window_k", "window_m"]]
    low, high = MEAN_WEIGHT
    off = [
        str(number)
        for number, mean in zip((pair.k, pair.m), means, strict=True)
        if not low <= mean <= high
    ]
    if off:
        yield (
            f"The mean weight around {' and '.join(off)} lies outside {low:g} to {high:g}, where"
            " that of a model that fits who goes on would lie: read the estimate with doubt."
        )
