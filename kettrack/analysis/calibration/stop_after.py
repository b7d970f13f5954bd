"""Whether stopping after k can be told from stopping after m in a clinic like this: the method run
where the truth is known.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.calibration.found import (
    DECIMALS,
    EFFECTS,
    OWN_MODEL,
    ROLES,
    SHOW,
    Asked,
    judged,
)
from kettrack.analysis.calibration.stop_after_clinic import Clinic, clinic_of
from kettrack.analysis.calibration.stop_after_runs import (
    Question,
    run_cohorts,
    true_answer,
)
from kettrack.analysis.context import made_from, refusal, release, rule_words
from kettrack.analysis.registry import question
from kettrack.analysis.stop_after.checks import pair_of
from kettrack.analysis.stop_after.rows import StopData, stop_data
from kettrack.errors import NotIdentified, UsageError
from kettrack.result import Result
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import HORIZON_DAYS as HORIZON

NAME: Final = "stop_after_calibration"
COHORTS: Final = 50
REPLICATES: Final = 100
SEED: Final = 1
N_STEPS: Final = 20
ESTIMAND: Final = (
    'What "stop after k against stop after m" finds in cohorts simulated to be like this one, in'
    " which it is known what a session does, against what is true in them."
)
_KEYS: Final = ("stop_after", "unrefused")


@question(
    "stop_after_calibration",
    asks="What does stopping after more sessions come to where the truth is known, in a clinic like this?",
    steps=N_STEPS,
)
def stop_after_calibration(  # noqa: PLR0913 - each part of the question by its name
    cohort: DerivedCohort,
    k: int | None = None,
    m: int | None = None,
    *,
    recall_days: int | None = None,
    cohorts: int = COHORTS,
    replicates: int = REPLICATES,
    seed: int = SEED,
    on_step: Callable[[], None] = lambda: None,
) -> Result:
    """Run `stop_after` on simulated cohorts like this one, in which sessions do nothing, or take
    off 1 point each.

    Parameters
    ----------
    cohort : DerivedCohort
        With scores on and off treatment, so that its course can be simulated.
    k, m, recall_days : int, optional
        As `stop_after`. The two numbers are chosen on the cohort itself, and every simulated one is
        asked about the same. Two numbers asked for are tried also where the cohort itself cannot
        carry them.
    cohorts : int
        Simulated for each of the two.
    replicates : int
        Of the patient bootstrap in each cohort.
    seed : int
        Everything random follows from it.
    on_step : callable
        Called up to `N_STEPS` times.

    Returns
    -------
    Result
        One row per method and points that a session takes off (`stop_after_0` `stop_after_1`, and
        `unrefused_0` `unrefused_1`: the same estimate in every cohort, those included in which it
        would be refused; no interval): `about` `method` `n` (people in each cohort) `cohorts`
        `answers` (those not refused) `truth` (points, found by forcing both numbers on everybody)
        `estimate` (mean found) `bias` `sd` (of what was found, points) `holds` (% of the answers
        whose interval holds the truth) `tells` (% whose interval leaves 0 out) `refused` (% of the
        cohorts).

        Refused where the course of scores cannot be fitted, or where no two numbers can be compared
        and none were asked for.

    Raises
    ------
    UsageError
        With fewer than 1 cohort or replicate, numbers below 1, the same number twice, or a recall
        below 0 days.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> stop_after_calibration(load_cohort(sample_folder())).status
    'refused'
    """
    if any(number is not None and number < 1 for number in (k, m, cohorts, replicates)):
        raise UsageError(
            "stop_after_calibration needs at least 1 cohort and 1 replicate; k and m are at"
            " least 1."
        )
    recall = cohort.instrument.recall(recall_days)
    try:
        data = stop_data(cohort)
        numbers = _numbers(data, k, m, recall.days)
        clinic = clinic_of(cohort, data)
    except NotIdentified as error:
        return release(refusal(NAME, cohort, error, ESTIMAND), cohort)
    table = _table(
        clinic, Question(*numbers, recall.days, replicates), (cohorts, seed), on_step
    )
    result = Result(
        name=NAME,
        table=table,
        roles=ROLES,
        decimals=DECIMALS,
        show=SHOW,
        sentence=_sentence(table, numbers),
        estimand=ESTIMAND,
        caveats=(*_caveats(cohort, clinic, numbers, replicates, seed), str(recall)),
        made_from=made_from(cohort, unit="points", level=0.95, seed=seed),
    )
    return release(result, cohort)


def _numbers(
    data: StopData, k: int | None, m: int | None, recall: int
) -> tuple[int, int]:
    """The two to compare; two that were asked for are tried wherever anybody had so many
    sessions.
    """
    try:
        pair = pair_of(data, (k, m), False, recall)
    except NotIdentified:
        if k is None or m is None or max(k, m) > data.first_days.shape[1]:
            raise
        return k, m
    return pair.k, pair.m


def _table(
    clinic: Clinic,
    question: Question,
    many: tuple[int, int],
    on_step: Callable[[], None],
) -> pd.DataFrame:
    """One row per method and effect; `many` is cohorts and seed."""
    cohorts, seed = many
    about = f"stop after {question.k} against {question.m}"
    methods = (about, f"{about}, never refused")
    on_cohort = _in_steps(on_step, len(EFFECTS) * cohorts)
    rows = []
    for effect in EFFECTS:
        streams = [np.random.default_rng([seed, effect, part]) for part in range(2)]
        runs = run_cohorts(clinic, question, effect, cohorts, streams[0], on_cohort)
        truth = (
            true_answer(clinic, question, effect, runs.looked_at, streams[1])
            if effect
            else 0.0
        )
        for key, method, found in zip(
            _KEYS, methods, (runs.answers, runs.every), strict=True
        ):
            rows.append(judged(Asked(key, method, clinic.people, effect), found, truth))
    table = pd.DataFrame(rows).sort_values(
        "key", key=lambda keys: keys.str.startswith(_KEYS[1]), kind="stable"
    )
    return table.reindex(columns=list(ROLES)).reset_index(drop=True)


def _in_steps(on_step: Callable[[], None], total: int) -> Callable[[], None]:
    """Called `total` times, it calls `on_step` at most `N_STEPS` times, evenly."""
    done = 0

    def on_one() -> None:
        nonlocal done
        done += 1
        if done * N_STEPS // total > (done - 1) * N_STEPS // total:
            on_step()

    return on_one


def _sentence(table: pd.DataFrame, numbers: tuple[int, int]) -> str:
    refused = table.set_index("key")["refused"][["stop_after_0", "stop_after_1"]]
    asked = f"stopping after {numbers[0]} against {numbers[1]}"
    if (refused == 100).any():
        return (
            f"With data like yours the method for {asked} refuses to answer in"
            " {stop_after_0.refused} % of {stop_after_0.cohorts} simulated cohorts in which"
            " sessions do nothing, and in {stop_after_1.refused} % of those in which each"
            " takes off 1 point. If it never refused it would be off by {unrefused_0.bias} and"
            " {unrefused_1.bias} points (true: {unrefused_0.truth} and"
            " {unrefused_1.truth})."
        )
    begin = (
        f"With data like yours the method for {asked} finds 0 (its interval holds it) when the"
        " truth is 0 in {stop_after_0.holds} % "
    )
    if not (refused > 0).any():
        return (
            f"{begin}of {{stop_after_0.cohorts}} simulated cohorts, and is off by"
            " {stop_after_1.bias} points when each session takes off 1 point (true there:"
            " {stop_after_1.truth}; its interval holds that in {stop_after_1.holds} % and"
            " leaves 0 out in {stop_after_1.tells} %)."
        )
    return (
        f"{begin}of {{stop_after_0.answers}} answers ({{stop_after_0.cohorts}} cohorts were"
        " simulated; it refused in {stop_after_0.refused} %). When each session takes off 1"
        " point (true there: {stop_after_1.truth}) it refuses in {stop_after_1.refused} %;"
        " it is off by {stop_after_1.bias} points in its answers and by {unrefused_1.bias}"
        " in all cohorts, and the interval of an answer holds what is true in"
        " {stop_after_1.holds} % and leaves 0 out in {stop_after_1.tells} %."
    )


def _caveats(
    cohort: DerivedCohort,
    clinic: Clinic,
    numbers: tuple[int, int],
    replicates: int,
    seed: int,
) -> tuple[str, ...]:
    return (
        OWN_MODEL,
        (
            f"Simulated: the {clinic.people} people of the comparison with their baselines, plans"
            " and the ends of their logs; gaps, stopping, coming back and days of scores as"
            f" fitted. A point wears off as fitted. Seed {seed}."
        ),
        (
            f"What is true with 1 point for each session was found by forcing {numbers[0]} and"
            f" {numbers[1]} sessions on everybody, at the clinic's own spacing, everyone scored"
            f" around day {HORIZON}; sessions wear off, scores have a lowest value."
        ),
        (
            f"Intervals from {replicates} bootstraps in each cohort; refused by the same rules as"
            " on your own data. Refused cohorts are left out of mean, bias, spread and share,"
            f" except where it says never refused. {rule_words(cohort)}."
        ),
    )
