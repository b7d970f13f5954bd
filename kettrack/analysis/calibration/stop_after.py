"""Whether stopping after k can be told from stopping after m in a clinic like this: the method run
where the truth is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.calibration.runner import (
    CALIBRATION_DECIMALS,
    CALIBRATION_RECIPES,
    CALIBRATION_ROLES,
    CALIBRATION_SHOW,
    EFFECTS,
    OWN_MODEL,
    PEOPLE_FOR_TRUTH,
    SOME_EFFECT,
    USUAL_COHORTS,
    SimulatedAnswers,
    answers_of,
    batches,
    bias_words,
    cohort_of_panel,
    drawn_words,
    holds_words,
    people_words,
    run_methods,
    too_few_answers,
)
from kettrack.analysis.calibration.stop_after_clinic import (
    StopAfterClinic,
    fit_stop_after_clinic,
)
from kettrack.analysis.context import LEVEL, rule_words
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.response.benchmark import learnt_from
from kettrack.analysis.stop_after.answer import BOOTSTRAPS
from kettrack.analysis.stop_after.checks import pair_of
from kettrack.analysis.stop_after.comparisons import weigh_arms
from kettrack.analysis.stop_after.rows import StopData, stop_data
from kettrack.analysis.stop_after.weights import Pair, contrasts, replicate_contrasts
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified, UsageError
from kettrack.estimators.intervals import percentile_interval
from kettrack.estimators.plasmode.stopping import (
    simulate_stopping,
    true_strategy_difference,
)
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import HORIZON_DAYS

CALIBRATION_STEPS: Final = 20
# The same estimate shown from every cohort: refusals depend on the weights, and so on who is
# there, so that the answers alone could look better than the method is.
_NEVER_REFUSED: Final = "unrefused"
_NO_INTERVAL: Final = (np.nan, np.nan)


@question(
    "stop_after_calibration",
    recipes=CALIBRATION_RECIPES,
    asks=(
        "How well does the comparison of stopping after more and after fewer sessions work in"
        " simulated clinics like this one?"
    ),
    unit="points",
    estimand=(
        "The answers to stop after k against stop after m in simulated cohorts like this one,"
        " compared with what sessions really do in them."
    ),
    roles=CALIBRATION_ROLES,
    decimals=CALIBRATION_DECIMALS,
    show=CALIBRATION_SHOW,
    steps=CALIBRATION_STEPS,
)
def stop_after_calibration(  # noqa: PLR0913 - each part of the question by its name
    cohort: DerivedCohort,
    k: int | None = None,
    m: int | None = None,
    *,
    recall_days: int | None = None,
    cohorts: int = USUAL_COHORTS,
    replicates: int = 100,
    seed: int = 1,
    on_step: Callable[[], None] = lambda: None,
) -> Answer:
    """Run `stop_after` on simulated cohorts like this one, in which sessions do nothing, or take
    off 1 point each.

    Parameters
    ----------
    cohort : Cohort or DerivedCohort
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
        Called up to `CALIBRATION_STEPS` times.

    Returns
    -------
    Result
        One row per method and points that a session takes off (`stop_after_0` `stop_after_1`, and
        `unrefused_0` `unrefused_1`: the same estimate in every cohort, those included in which it
        would be refused; no interval): `about` `method` `n` (people in each cohort) `cohorts`
        `answers` (those not refused) `truth` (points, found by forcing both numbers on everybody)
        `estimate` (mean of the answers) `bias` `bias_error` (its simulation error) `sd` (of the
        answers, points) `holds` `holds_low` `holds_high` (% of the answers whose interval holds the
        truth, with its exact 95 % interval) `tells` (% whose interval leaves 0 out) `refused` (%
        of the cohorts).

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
    >>> stop_after_calibration(load_cohort(sample_folder()), cohorts=2).status
    'ok'
    """
    if any(number is not None and number < 1 for number in (k, m, cohorts, replicates)):
        raise UsageError(
            "stop_after_calibration needs at least 1 cohort and 1 replicate; k and m are at"
            " least 1."
        )
    recall = cohort.instrument.recall(recall_days)
    data = stop_data(cohort)
    everybody = data.n
    request = StopAfterRequest(
        *_numbers(data, k, m, recall.days),
        recall=recall.days,
        replicates=replicates,
    )
    learnt = learnt_from(cohort)
    if learnt is not cohort:
        data = stop_data(learnt)
    clinic = fit_stop_after_clinic(learnt, data).drawn(everybody, seed)
    on_cohort = _in_steps(on_step, len(EFFECTS) * cohorts)
    table = _table(clinic, request, cohorts, seed, on_cohort)
    return Answer(
        table=table,
        sentence=_sentence(table, request),
        caveats=(*_caveats(cohort, clinic, request, seed), str(recall)),
        level=LEVEL,
        seed=seed,
    )


@dataclass(frozen=True, slots=True)
class StopAfterRequest:
    """What every simulated cohort is asked: the two numbers, the days a score looks back, and the
    bootstrap replicates.
    """

    k: int
    m: int
    recall: int
    replicates: int


def _numbers(
    data: StopData, k: int | None, m: int | None, recall: int
) -> tuple[int, int]:
    """The two to compare; two that were asked for are tried wherever anybody had so many
    sessions.
    """
    # the check is for those who doubt a refusal too, so numbers asked for are always tried
    try:
        pair = pair_of(data, (k, m), False, recall)
    except NotIdentified:
        if k is None or m is None or max(k, m) > data.first_days.shape[1]:
            raise
        return k, m
    return pair.k, pair.m


def _table(
    clinic: StopAfterClinic,
    request: StopAfterRequest,
    cohorts: int,
    seed: int,
    on_cohort: Callable[[], None],
) -> pd.DataFrame:
    """One row per method and effect; the rows of the method as it answers come first."""
    about = f"stop after {request.k} against {request.m}"
    methods = {"stop_after": about, _NEVER_REFUSED: f"{about}, never refused"}

    def run(
        effect: int, rng: np.random.Generator
    ) -> tuple[dict[str, SimulatedAnswers], Floats]:
        return run_stop_after_cohorts(clinic, request, effect, cohorts, rng, on_cohort)

    def find_truth(effect: int, days: Floats, rng: np.random.Generator) -> float:
        model, stopping = clinic.repeated(PEOPLE_FOR_TRUTH)
        strategies = (request.k, request.m)
        return true_strategy_difference(model, stopping, effect, strategies, days, rng)

    table = run_methods(methods, clinic.people, run, find_truth, seed)
    never_refused = table["key"].str.startswith(_NEVER_REFUSED)
    # a stable sort: within each method the effects stay in order
    order = np.argsort(never_refused.to_numpy(), kind="stable")
    return table.iloc[order].reset_index(drop=True)


def _in_steps(on_step: Callable[[], None], total: int) -> Callable[[], None]:
    """Called `total` times, it calls `on_step` at most `CALIBRATION_STEPS` times, evenly."""
    done = 0

    def on_one() -> None:
        nonlocal done
        before = done * CALIBRATION_STEPS // total
        done += 1
        if done * CALIBRATION_STEPS // total > before:
            on_step()

    return on_one


def _sentence(table: pd.DataFrame, request: StopAfterRequest) -> str:
    method = f"the comparison of stopping after {request.k} and after {request.m}"
    begin = "In simulated cohorts like yours where sessions do nothing"
    few = too_few_answers(table, "stop_after")
    # a method that hardly answers has neither bias nor coverage; its estimate has
    if few:
        said = f"{begin}, {method} can hardly be tried: {few}"
        if table.set_index("key")["bias"].notna()[["unrefused_0", "unrefused_1"]].all():
            said += (
                f" If it never refused, it would be off by {bias_words('unrefused_0')} where the"
                " true difference is {unrefused_0.truth}, and by"
                f" {bias_words('unrefused_1')} where it is {{unrefused_1.truth}}."
            )
        return said
    refused = table.set_index("key")["refused"]
    of_both = refused[["stop_after_0", "stop_after_1"]]
    holds = (
        f"{begin}, the {100 * LEVEL:.0f} % interval of {method} holds the truth, 0, in"
        f" {holds_words('stop_after_0')}"
    )
    truth = f"Where {SOME_EFFECT}, the true difference is {{stop_after_1.truth}} points"
    interval = (
        f"the interval holds the truth in {holds_words('stop_after_1')} and excludes 0 in"
        " {stop_after_1.tells:%}."
    )
    if not (of_both > 0).any():
        return (
            f"{holds} of {{stop_after_0.cohorts}} cohorts. {truth}; the answers are off by"
            f" {bias_words('stop_after_1')} on average, and {interval}"
        )
    return (
        f"{holds} of {{stop_after_0.answers}} answers ({{stop_after_0.cohorts}} cohorts were"
        f" simulated, and the method refused in {{stop_after_0.refused:%}}). {truth}; the method"
        f" refuses in {{stop_after_1.refused:%}}. It is off by {bias_words('stop_after_1')} on"
        f" average in its answers, and by {bias_words('unrefused_1')} in all cohorts; {interval}"
    )


def _caveats(
    cohort: DerivedCohort,
    clinic: StopAfterClinic,
    request: StopAfterRequest,
    seed: int,
) -> tuple[str, ...]:
    people = clinic.people
    everybody = clinic.everybody
    who = people_words(people, everybody, "of the comparison")
    return (
        OWN_MODEL,
        (
            f"Each simulated cohort has {who}, with their baselines, their plans and the ends of"
            " their logs. Gaps between sessions, stopping, coming back and the days of scores"
            " follow models that were fitted to them; so does the time in which what a session"
            f" takes off wears off. Seed {seed}."
        ),
        *drawn_words(people, everybody, cohort),
        (
            f"The truth where {SOME_EFFECT} was found by forcing {request.k} and {request.m}"
            " sessions on everybody, at the clinic's own spacing, with everyone scored around day"
            f" {HORIZON_DAYS}. It is smaller than the difference in sessions, because sessions wear"
            " off and scores have a lowest value."
        ),
        (
            f"The interval in each cohort comes from {request.replicates} bootstrap samples. A"
            " cohort is refused by the same rules as your own data. Refused cohorts are left out"
            " of mean, bias, spread and coverage, except in the rows that are never refused."
            f" {rule_words(cohort)}."
        ),
    )


def run_stop_after_cohorts(
    clinic: StopAfterClinic,
    request: StopAfterRequest,
    effect: int,
    cohorts: int,
    rng: np.random.Generator,
    on_cohort: Callable[[], None],
) -> tuple[dict[str, SimulatedAnswers], Floats]:
    """Simulate cohorts, many at once, and ask each the question: the answers, the same estimate
    from every cohort, those included that are refused, and the days of the outcomes.
    """
    answers = []
    never_refused = []
    days = [np.empty(0)]
    for number in batches(cohorts, clinic.people):
        for cohort in simulated_cohorts(clinic, effect, number, rng):
            # drawn for every cohort, also a refused one, so that the next does not depend on it
            seed = int(rng.integers(2**31))
            estimate, answer, of_outcomes = _ask(cohort, request, seed)
            answers.append(answer)
            never_refused.append((estimate, *_NO_INTERVAL))
            days.append(of_outcomes)
            on_cohort()
    of_methods = {
        "stop_after": answers_of(answers),
        _NEVER_REFUSED: answers_of(never_refused),
    }
    # the truth is asked about the days on which people were scored in fact
    looked_at = np.concatenate(days)
    if not looked_at.size:
        looked_at = np.array([float(HORIZON_DAYS)])
    return of_methods, looked_at


def simulated_cohorts(
    clinic: StopAfterClinic, effect: float, number: int, rng: np.random.Generator
) -> Iterator[DerivedCohort]:
    """So many cohorts, simulated together."""
    model, stopping = clinic.repeated(number * clinic.people)
    panel = simulate_stopping(model, stopping, effect, rng)
    together = cohort_of_panel(panel, model, clinic.cohort, clinic.observed_to)
    # people are numbered in order: a cohort is a stretch of them, and of every sorted table
    edges = np.arange(0, model.baseline.size + 1, clinic.people)
    tables = {
        name: getattr(together, name) for name in ("patients", "sessions", "scores")
    }
    places = {
        name: np.searchsorted(table["patient_id"], edges)
        for name, table in tables.items()
    }
    for part in range(number):
        rows = {}
        for name, table in tables.items():
            begin, end = places[name][part : part + 2]
            rows[name] = table.iloc[begin:end].reset_index(drop=True)
        yield together.replace(**rows)


def _ask(
    cohort: DerivedCohort, request: StopAfterRequest, seed: int
) -> tuple[float, tuple[float, float, float], Floats]:
    """The estimate in any case, the answer unless it is refused, and the days of the outcomes."""
    no_answer = (np.nan, *_NO_INTERVAL)
    try:
        data = stop_data(cohort)
    except NotIdentified:
        return np.nan, no_answer, np.empty(0)
    days = data.outcome_day[data.observed]
    pair, refused = _pair_or_refused(data, request)
    estimate = float(contrasts(data, pair, None, ("static",))["smooth"])
    if refused:
        return estimate, no_answer, days
    low, high = _interval(data, pair, request.replicates, seed)
    return estimate, (estimate, low, high), days


def _pair_or_refused(data: StopData, request: StopAfterRequest) -> tuple[Pair, bool]:
    """The two numbers, and whether the comparison is refused; where they cannot be compared, with
    everybody in the smooth model.
    """
    try:
        pair = pair_of(data, (request.k, request.m), False, request.recall)
        return pair, weigh_arms(data, pair).refusals["stop_after"] is not None
    except NotIdentified:
        return Pair(request.k, request.m, False, data.first_days.shape[1]), True


def _interval(
    data: StopData, pair: Pair, replicates: int, seed: int
) -> tuple[float, float]:
    drawn = replicate_contrasts(data, pair, (replicates, seed), ("static",))
    low, high = percentile_interval(drawn["smooth"], wider_level(replicates))
    return float(low), float(high)


def wider_level(replicates: int) -> float:
    """Level at which so few replicates leave out, on the mean, what the many of `stop_after` leave
    out at theirs.

    A new draw falls below the one of rank r of n with chance r / (n + 1), and percentiles of few
    draws lie further in: with 100 at 95 % the interval held the truth up to two points too seldom.

    Examples
    --------
    >>> round(wider_level(100), 3), round(wider_level(BOOTSTRAPS), 3)
    (0.965, 0.95)
    """
    tail = (1 - LEVEL) / 2
    # rank of the percentile among the many, as a chance, then the rank of the same chance among
    # the few
    left_out = (1 + (BOOTSTRAPS - 1) * tail) / (BOOTSTRAPS + 1)
    rank = (replicates + 1) * left_out - 1
    tail_of_few = max(rank / max(replicates - 1, 1), 0.0)
    return 1 - 2 * tail_of_few
