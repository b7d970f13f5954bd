"""Stopping after k sessions against stopping after m: the score twelve weeks on, had everybody done
the one or the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL, rule_words
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.stop_after.checks import (
    LEAST_IN_TIME,
    MEAN_WEIGHT,
    USUAL_PAIR,
    pair_of,
    require_two,
)
from kettrack.analysis.stop_after.comparisons import compare
from kettrack.analysis.stop_after.rows import LEFT_OUT, StopData, stop_data
from kettrack.analysis.stop_after.second_opinion import G_FORMULA_REPLICATES
from kettrack.analysis.stop_after.table import (
    ESTIMATES,
    LABELS,
    OUTCOME,
    UNIT,
    WEIGHTS,
    difference_words,
    estimands,
    people_left_out,
    row_of,
    table_of,
)
from kettrack.analysis.stop_after.weights import STEPS, Pair
from kettrack.errors import NotIdentified, UsageError
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import (
    DAYS_IN_WEEK,
    HORIZON_DAYS,
    HORIZON_TOLERANCE_DAYS,
    SECOND_REMISSION_DAYS,
    STOP_AFTER_GRACE_DAYS,
)
from kettrack.vocabulary.instrument import Recall
from kettrack.vocabulary.limits import MOST_REWEIGHTED
from kettrack.vocabulary.made_of import SAID_BY_UNIT, Kept, LikeCounts

# Each end of a 95 % percentile interval then rests on a dozen draws.
BOOTSTRAPS: Final = 500
AfterStop = Literal["none", "usual_care"]
_NAME: Final = "stop_after"
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    **dict.fromkeys(LABELS, "label"),
    "n": "denominator",
    "followers": "count",
    **dict.fromkeys((*ESTIMATES, *WEIGHTS), "derived"),
}
_DECIMALS: Final = {
    "ess": 0,
    # a share of at most a twentieth needs a third decimal
    "largest_share": 3,
    "mean_weight": 2,
    "p99_weight": 2,
    "max_weight": 2,
    "estimate": 2,
    "ci_low": 2,
    "ci_high": 2,
}
_SHOW: Final = (
    "about",
    "followers",
    *ESTIMATES,
    "ess",
    "largest_share",
    "status",
    "reason",
)
# Where no comparison was made there is nothing else to show.
_SHOW_REFUSED: Final = ("about", "followers", "status", "reason")


@dataclass(frozen=True, slots=True)
class _Request:
    """What was asked for: the two numbers, None where left open, and how."""

    k: int | None
    m: int | None
    usual_care: bool
    recall: Recall
    replicates: int

    @property
    def left_open(self) -> bool:
        return self.k is None or self.m is None


@question(
    _NAME,
    recipes=(
        SAID_BY_UNIT,
        LikeCounts(values=("ess",)),
        Kept(
            values=(
                "largest_share",
                "mean_weight",
                "p99_weight",
                "max_weight",
            ),
            of="n",
        ),
    ),
    asks=(
        "Would stopping after more sessions have changed the score at week"
        f" {HORIZON_DAYS // DAYS_IN_WEEK}?"
    ),
    unit=UNIT,
    estimand=f"{difference_words('k', 'm')}.",
    roles=_ROLES,
    decimals=_DECIMALS,
    show=_SHOW,
    steps=STEPS,
)
def stop_after(  # noqa: PLR0913 - each part of the question by its name
    cohort: DerivedCohort,
    k: int | None = None,
    m: int | None = None,
    *,
    after_stop: AfterStop = "none",
    recall_days: int | None = None,
    replicates: int = BOOTSTRAPS,
    seed: int = 1,
    on_step: Callable[[], None] = lambda: None,
) -> Answer:
    """Difference in the mean score around day 84 between "stop after k sessions" and "stop after
    m", for everybody.

    Estimand E4. A strategy asks for so many session days, each within 28 days of the one before, at
    the clinic's own spacing, and then for none to day 84. Each patient is copied into every
    strategy on day 0, leaves it when they depart from it, and those who followed one stand for all
    by weights: one over the probability of what they did, given what was recorded.

    Parameters
    ----------
    cohort : Cohort or DerivedCohort
        With `observed_to_day`, and scores around day 84 also of those who stopped early.
    k, m : int, optional
        Numbers of session days; default 6 against 3. Where the data do not carry that, the nearest
        pair that they do carry: in order of how far k is from 6 and m from 3 together, of equally
        near ones the wider, then the smaller k, the first with an effective sample size of 50 and
        nobody above 5 % of the weight on either side. Followers and weights decide, never the
        outcome.
    after_stop : {"none", "usual_care"}
        Whether later sessions depart from the strategy, or belong to it once 28 days have passed:
        another question.
    recall_days : int, optional
        Days a score looks back; default the instrument's. A strategy must be over before the
        outcome can look back on it.
    replicates, seed : int
        Of the patient bootstrap, which fits all models anew.
    on_step : callable
        Called up to `STEPS` times.

    Returns
    -------
    Result
        One row per quantity, by `key`: `stop_after` (the answer: a weighted quadratic in the number
        of sessions), `strict` (weighted means of those who stopped exactly there) with its two
        means `strict_k` `strict_m`, `other_rule` (the other `after_stop`), `dynamic` (at most k
        against at most m, ended by two scores in remission), `g_formula` (second opinion),
        `window_k` `window_m` (weights), `truncated_995` and on, with deaths `deaths_worst`, with
        unscored people `unscored_worse_k` `unscored_worse_m` (sensitivity). Columns: `about` (the
        estimand) `unit` `k` `m` `n` (patients who followed a strategy of the row; for `g_formula`
        all) `followers` (those with an outcome; in the rows `left_out_...`, `later_sessions` and
        `cohort` the patients themselves) `estimate` `ci_low` `ci_high` (points; negative where the
        score is lower after k) `ess` (effective sample size) `largest_share` (0 to 1, of the weaker
        side) `mean_weight` `p99_weight` `max_weight` `status` `reason`. A refused row has no
        estimate; where the first row is refused, so is the result.

    Raises
    ------
    UsageError
        For another `after_stop`, numbers below 1, the same number twice, or a recall below 0 days.

    Notes
    -----
    Clone, censor, weight: Hernan 2018, BMJ 360:k182. Here nobody needs to be cloned in fact: each
    person follows at most one "stop after k" to its end, the one that they are weighted in.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> stop_after(load_cohort(sample_folder()), replicates=20).status
    'ok'
    """
    _require_usage(k, m, after_stop, replicates)
    recall = cohort.instrument.recall(recall_days)
    request = _Request(k, m, after_stop == "usual_care", recall, replicates)
    # a refusal shows who was left out, as far as that is known by then
    data = None
    try:
        data = stop_data(cohort)
        pair = pair_of(data, (k, m), request.usual_care, recall.days)
    except NotIdentified as error:
        return _refused(error, request, data)
    table, against = compare(cohort, data, pair, (replicates, seed), on_step)
    caveats = (
        *_caveats(cohort, data, pair, request),
        *_conditional_caveats(cohort, data, pair, request, table),
    )
    return Answer(
        table=table,
        sentence=_sentence(pair),
        estimand=estimands(pair)[_NAME] + ".",
        caveats=caveats,
        level=LEVEL,
        seed=seed,
        refused=against,
    )


def _require_usage(
    k: int | None, m: int | None, after_stop: str, replicates: int
) -> None:
    """Stop at options that are none."""
    numbers = [number for number in (k, m, replicates) if number is not None]
    if after_stop not in ("none", "usual_care") or min(numbers) < 1:
        raise UsageError(
            "after_stop is 'none' or 'usual_care'; k, m and replicates are at least 1."
        )
    require_two(k, m)


def _refused(error: NotIdentified, request: _Request, data: StopData | None) -> Answer:
    """A refusal before anything could be weighted: its row, and who was left out."""
    estimand = f"{difference_words(request.k or 'k', request.m or 'm')}."
    rows = [row_of(_NAME, estimand, error)]
    if data is not None:
        rows += people_left_out(data)
    return Answer(
        table=table_of(rows),
        estimand=estimand,
        show=_SHOW_REFUSED,
        refused=error,
    )


def _sentence(pair: Pair) -> str:
    """The answer in words; a minus is left to the number, so that it holds either way."""
    # counts stay cells of the table, so that the disclosure gate hides them here as there
    first = next(iter(LEFT_OUT))
    left_out = ", ".join(
        f"{{left_out_{name}.followers}}{' people' if name == first else ''} {words}"
        for name, words in LEFT_OUT.items()
    )
    return (
        f"If everyone had stopped after {pair.k} sessions instead of after {pair.m}, the"
        f" {OUTCOME} would have differed by {{{_NAME}.estimate}} points"
        f" ({{{_NAME}.ci_low}} to {{{_NAME}.ci_high}}), as far as the recorded history explains who"
        f" stops. A negative number means a lower score after {pair.k} sessions."
        f" Of the {{cohort.followers}} people followed, {{{_NAME}.n}} kept to at most"
        f" {pair.largest} sessions, which is early enough to be compared, and"
        f" {{{_NAME}.followers}} of these had a score around day {HORIZON_DAYS}. The effective"
        f" sample size is {{{_NAME}.ess}} on the weaker side."
        f" {{later_sessions.followers}} people had a session more than {STOP_AFTER_GRACE_DAYS} days"
        f" after the last one of the course. Left out: {left_out}."
    )


def _caveats(
    cohort: DerivedCohort, data: StopData, pair: Pair, request: _Request
) -> tuple[str, ...]:
    # from what is counted to what is assumed, then what is known of the method's own errors
    return (
        _outcome_words(cohort, data),
        _time_words(request.recall),
        _spacing_words(data),
        (
            "The estimate assumes that every reason to go on or to stop that also predicts the"
            " score is recorded: scores, the number of sessions, adverse events, a stop for side"
            " effects. Weights are not truncated."
        ),
        (
            f"People without a score around day {HORIZON_DAYS} are represented by people with a"
            " score and a similar history. Where nearly everyone with a low score stops, or nearly"
            " everyone with a high score, few people made the other choice. In simulated clinics"
            " like that the estimate was too close to 0, and it was often refused."
        ),
        (
            "In simulated clinics with weekly sessions, the row in which two scores in remission"
            " end the sessions agreed with the true difference. Usual care afterwards is"
            " experimental: in a simulated clinic where people came back after a relapse, the"
            " estimate was 0.15 points too far from 0, because a quadratic curve over the number of"
            " sessions does not follow what comes later. With irregular visits both are"
            " experimental."
        ),
        (
            f"{100 * LEVEL:.0f} % intervals are percentiles of {request.replicates} bootstrap"
            f" samples of {_drawn_words(data)}. The second opinion uses"
            f" {min(request.replicates, G_FORMULA_REPLICATES)}."
        ),
    )


def _drawn_words(data: StopData) -> str:
    """Who is bootstrapped, and how models follow the samples: where people are many, some of them,
    by one step.
    """
    if data.n <= MOST_REWEIGHTED:
        return "patients; every model is fitted again in each"
    return (
        f"{MOST_REWEIGHTED:,} patients drawn by chance; their width is scaled to all patients. The"
        " models of who goes on follow each sample by one step of their fit"
    )


def _outcome_words(cohort: DerivedCohort, data: StopData) -> str:
    words = (
        f"{rule_words(cohort)}. The outcome is the score nearest to day {HORIZON_DAYS}, at most"
        f" {HORIZON_TOLERANCE_DAYS} days from it."
    )
    if not data.died.any():
        return words
    last_day = HORIZON_DAYS + HORIZON_TOLERANCE_DAYS
    return (
        f"{words} People who died by day {last_day} have no score; one row gives them the worst"
        " score."
    )


def _time_words(recall: Recall) -> str:
    before = HORIZON_TOLERANCE_DAYS + recall.days
    return (
        f"A number of sessions is compared only where at least {LEAST_IN_TIME:.0f} % of the people"
        f" who had so many had the last of them at least {before} days before day"
        f" {HORIZON_DAYS}. {recall}"
    )


def _spacing_words(data: StopData) -> str:
    gaps = np.diff(data.first_days, axis=1)
    # missing beyond the last session of each person
    low, middle, high = np.nanpercentile(gaps, (25, 50, 75))
    return (
        "Sessions keep the clinic's own spacing: the median is"
        f" {middle:.0f} days from one session to the next (quartiles {low:.0f} and {high:.0f})."
        f" The next session of a course comes within {STOP_AFTER_GRACE_DAYS} days."
    )


def _conditional_caveats(
    cohort: DerivedCohort,
    data: StopData,
    pair: Pair,
    request: _Request,
    table: pd.DataFrame,
) -> Iterator[str]:
    """Caveats that only some data call for."""
    compared = f"{pair.k} against {pair.m}"
    usual = f"{USUAL_PAIR[0]} against {USUAL_PAIR[1]}"
    # who named both numbers knows which they are
    if request.left_open and (pair.k, pair.m) == USUAL_PAIR:
        yield f"{compared} was chosen from the numbers that can be compared."
    elif request.left_open:
        yield (
            f"{compared} was taken in place of {usual}. Of the pairs that can be compared, it is"
            f" the nearest to {usual} whose weights carry it (then the wider pair, then the smaller"
            " k); where no pair is carried, it is the nearest of all. Numbers of people and weights"
            " decided this, not the outcome."
        )
    remission = cohort.criteria.remission
    if not data.no_remission and remission is not None:
        yield (
            f"In the row where remission ends the sessions, remission is"
            f" {remission.predicate.words}, seen twice and at least {SECOND_REMISSION_DAYS} days"
            " apart."
        )
    if data.irregular:
        yield f"Visits are irregular here: {data.irregular}."
    yield from _doubtful_weights(pair, table)


def _doubtful_weights(pair: Pair, table: pd.DataFrame) -> Iterator[str]:
    """Where the mean weight of a side is far from 1, as it is when a model does not fit."""
    # stabilised weights have mean 1 where the models fit; a refused window has none and is doubtful
    means = table.set_index("key")["mean_weight"]
    low, high = MEAN_WEIGHT
    doubtful = [
        str(number)
        for number, key in ((pair.k, "window_k"), (pair.m, "window_m"))
        if not low <= means[key] <= high
    ]
    if doubtful:
        yield (
            "The mean weight of the people who stopped around"
            f" {' and '.join(doubtful)} sessions is outside {low:g} to {high:g}. It would be"
            " inside if the model of who goes on fitted well, so read the estimate with doubt."
        )
