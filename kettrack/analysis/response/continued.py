"""How many would respond if nobody stopped early, as far as the recorded scores explain who
stops.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import (
    FEWEST,
    LEVEL,
    made_from,
    refusal,
    release,
    rule_words,
)
from kettrack.analysis.courses.session_counts import FIRST_COURSE
from kettrack.analysis.registry import question
from kettrack.analysis.response.continued_rows import WAYS, Continued, count
from kettrack.analysis.response.response_curve import count as count_exits
from kettrack.arrays import Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.causal.censoring_weights import (
    CensoringWeightedCurve,
    by_step,
    estimate_staying,
    replicate_curves,
    staying_probability,
    weighted_curve,
)
from kettrack.estimators.intervals import patient_weights, percentile_interval
from kettrack.estimators.survival.competing_risks import estimate_incidence
from kettrack.privacy import disclosure
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort

NAME: Final = "response_if_all_continued"
ESTIMAND: Final = (
    "Chance of a first response by session s of the first course, if nobody had stopped"
    " early."
)
REPLICATES: Final = 500
SEED: Final = 1
FEWEST_EFFECTIVE: Final = 50  # effective number at risk
# of those who stop, at least this share must be scored afterwards
SCORED_STOPPERS: Final = 0.5
LEAST_CHANCE: Final = 0.05  # to go on ...
SUPPORTED: Final = 0.95  # ... in at least this share of those at risk
LEFT_OUT: Final = ("too_new", "never_scored", "response_before")
ROLES: Final[dict[str, Role]] = {
    "session": "key",
    "n": "denominator",
    **dict.fromkeys(LEFT_OUT, "count"),
    "at_risk": "running",
    **{f"new_{way}": "count" for way in WAYS[:-1]},
    "log_ends": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    **dict.fromkeys(("plain", "observed", "difference"), "derived"),
    "ess": "derived",
    "mean_weight": "derived",
    "largest_weight": "derived",
    "curve_ends": "label",
}
_ENDS: Final = {
    "support": (
        "who is left there has next to no chance to go on (the planned end, or scores at which"
        " everybody stops)"
    ),
    "ess": f"after it the weights leave fewer than {FEWEST_EFFECTIVE} effective patients",
    "at_risk": f"after it fewer than {FEWEST} are at risk",
    "data": "nobody was followed further",
}


def estimate(
    counts: Continued, replicates: int = REPLICATES, seed: int = SEED
) -> pd.DataFrame:
    """Weighted and plain response curve by session, in percent.

    Parameters
    ----------
    counts : Continued
        From `count`, or the sum of several.
    replicates, seed : int
        Of the patient bootstrap, which refits the weights in every replicate.

    Returns
    -------
    DataFrame
        One row per session, as far as the data carry it: `session` `n` (at risk at session 1)
        `too_new` `never_scored` `response_before` (people who are not in it: log too short, no
        score with a session behind it, rule already met before) `at_risk`, the new exits by way,
        `log_ends`, `estimate` `ci_low` `ci_high` (weighted), `plain` (Kaplan-Meier), `ess`
        (effective number at risk) `mean_weight` `largest_weight` (stabilised by session) and
        `curve_ends` (why it ends).

    Raises
    ------
    NotIdentified
        When fewer than half of those who stopped were scored afterwards, or not even session 1 is
        carried.
    """
    if counts.stoppers_scored < SCORED_STOPPERS * counts.stoppers:
        raise NotIdentified(
            "fewer than half of those who stopped early have a score within 14 days after their"
            " last session, so how they were when they stopped is not known.",
            "a score within two weeks after the last session, also when someone stops.",
        )
    rows = counts.rows
    chance = staying_probability(rows)
    found = estimate_staying(rows, chance)
    at_risk = by_step(rows, np.ones(len(rows.step)))
    last, why = last_session(counts, chance, found)
    if not last:
        raise NotIdentified(
            f"fewer than {FEWEST_EFFECTIVE} patients are at risk at session 1.",
            "baseline, scores after each session, and observed_to_day of more patients.",
        )
    low, high = percentile_interval(
        replicate_curves(rows, patient_weights(rows.people, replicates, seed))[
            :, :last
        ],
        LEVEL,
    )
    table = pd.DataFrame({"session": np.arange(1, last + 1), "n": int(at_risk[0])})
    for name in LEFT_OUT:
        table[name] = counts.left_out[name]
    table["at_risk"] = at_risk[:last].astype(np.int64)
    for place, way in enumerate(WAYS):
        table["log_ends" if way == "log_ends" else f"new_{way}"] = by_step(
            rows, 1.0 * (counts.way == place)
        )[:last].astype(int)
    plain = weighted_curve(rows, np.ones(len(rows.step)))
    # at either end a bootstrap knows no uncertainty
    inside = (found.estimate[:last] > 0) & (found.estimate[:last] < 1)
    low = np.where(inside, low, np.nan)
    high = np.where(inside, high, np.nan)
    for name, values in (
        ("estimate", found.estimate),
        ("ci_low", low),
        ("ci_high", high),
        ("plain", plain),
    ):
        table[name] = 100 * values[:last]
    for name in ("ess", "mean_weight", "largest_weight"):
        table[name] = getattr(found, name)[:last]
    return table.assign(curve_ends=_ENDS[why])


def last_session(
    counts: Continued, chance: Floats, found: CensoringWeightedCurve
) -> tuple[int, str]:
    """Last session that the data carry, and why they carry none further.

    Parameters
    ----------
    counts : Continued
        From `count`.
    chance : float64, shape (rows,)
        Fitted probability of going on, from `staying_probability`.
    found : CensoringWeightedCurve
        From `estimate_staying`.

    Returns
    -------
    session : int
        0 where not even the first is carried.
    reason : {"support", "at_risk", "ess", "data"}
        Next to no chance to go on from there, too few at risk, too few effective patients, or
        nobody was followed further.
    """
    rows = counts.rows
    at_risk = by_step(rows, np.ones(len(rows.step)))
    staying = (~rows.event).astype(np.float64)
    possible = staying * (chance >= LEAST_CHANCE) * ~counts.planned_end
    supported = by_step(rows, possible) >= SUPPORTED * by_step(rows, staying)
    # A session is carried when those at risk at the one before could go on to it.
    tests = {
        "support": np.concatenate([[True], supported[:-1]]),
        "at_risk": at_risk >= FEWEST,
        "ess": found.ess >= FEWEST_EFFECTIVE - 1e-6,
    }
    ends = {
        name: int(np.logical_and.accumulate(holds).sum())
        for name, holds in tests.items()
    }
    last = min(ends.values())
    if last == len(at_risk):
        return last, "support" if not supported[-1] else "data"
    return last, next(name for name in ends if ends[name] == last)


@question(
    "response_if_all_continued",
    asks="How many would have responded if nobody had stopped early?",
)
def response_if_all_continued(
    cohort: DerivedCohort, replicates: int = REPLICATES, seed: int = SEED
) -> Result:
    """Percent who would have responded by each session if nobody had stopped early, beside the
    plain Kaplan-Meier curve.

    Estimand E2, by inverse probability of censoring weights: whoever stayed although their scores
    made it unlikely stands for those who left. It answers a question about a clinic that does not
    exist; `response_by_session` describes the one that does.

    Parameters
    ----------
    cohort : DerivedCohort
        With `observed_to_day`, and scores after each session and after stopping.
    replicates, seed : int
        Of the patient bootstrap.

    Returns
    -------
    Result
        See `estimate` for the table. Beside it stand, by the same session, `observed` (% who had
        responded as things happened, stopping included: `response_by_session`, which also counts
        those never scored) and `difference` (`estimate` less `observed`, in points). Refused when
        no log says to which day it is complete, fewer than half of those who stopped were scored
        within 14 days, or fewer than 50 are at risk.
    """
    try:
        table = _beside_observed(estimate(count(cohort), replicates, seed), cohort)
    except NotIdentified as error:
        return release(refusal(NAME, cohort, error, ESTIMAND), cohort)
    result = Result(
        name=NAME,
        table=table,
        roles=ROLES,
        decimals={"ess": 0, "mean_weight": 2},
        show=(
            "session",
            "at_risk",
            *(f"new_{way}" for way in WAYS[:-1]),
            "log_ends",
            "estimate",
            "ci_low",
            "ci_high",
            "plain",
            "observed",
            "difference",
            "ess",
            "mean_weight",
            "largest_weight",
        ),
        sentence=_sentence(table),
        estimand=ESTIMAND,
        caveats=_caveats(cohort, replicates),
        made_from=made_from(cohort, unit="percent of patients", level=LEVEL, seed=seed),
    )
    return release(result, cohort)


def _beside_observed(table: pd.DataFrame, cohort: DerivedCohort) -> pd.DataFrame:
    """What happened by the same sessions, stopping included; the last value holds on where nobody
    is left.

    Missing under a release policy where a session has few events: the shares would tell them.
    """
    counts = count_exits(cohort)
    share = estimate_incidence(counts, LEVEL).estimate[: len(table), 0]
    observed = 100 * np.pad(share, (0, len(table) - len(share)), "edge")
    events = counts.events[: len(table)]
    if (
        (events > 0)
        & (events < disclosure.get_policy(cohort.settings.policy).smallest_count)
    ).any():
        observed = np.full(len(table), np.nan)
    return table.assign(observed=observed, difference=table["estimate"] - observed)


def _observed_said(table: pd.DataFrame, key: str) -> str:
    if table["observed"].isna().all():
        return ""
    return (
        f"; as things happened, stopping included, {{{key}.observed}} % had by the same session"
        f" ({{{key}.difference}} points between the two, which do not count quite the same"
        " people: the second also counts those never scored)"
    )


def _sentence(table: pd.DataFrame) -> str:
    """Both curves at session 6, or at the last session shown, and what the weights did to the
    number of patients.
    """
    key = f"row{min(6, len(table))}"
    last = f"row{len(table)}"
    return (
        f"If nobody had stopped early, {{{key}.estimate}} % ({{{key}.ci_low}}-{{{key}.ci_high}})"
        f" of {{{key}.n}} people would have responded by session {{{key}.session}}, as far as the"
        f" recorded scores explain who stops{_observed_said(table, key)}. Counting those who"
        f" stopped as if they were like the others gives {{{key}.plain}} %. At that session the"
        f" weights leave {{{key}.ess}} effective patients of {{{key}.at_risk}} at risk (mean"
        f" weight {{{key}.mean_weight}}, largest {{{key}.largest_weight}}). The curve ends at"
        f" session {{{last}.session}}: {{{last}.curve_ends}}. Not in it:"
        f" {{{key}.response_before}} people who met the rule before session 1,"
        f" {{{key}.never_scored}} never scored after it, {{{key}.too_new}} with a log too short."
        " What happens in this clinic, stopping included, is the curve by session that counts"
        " everyone (response_by_session)."
    )


def _caveats(cohort: DerivedCohort, replicates: int) -> tuple[str, ...]:
    return (
        (
            f"{rule_words(cohort)}. Response: {cohort.criteria.response}; by a single score,"
            " since waiting for a second one loses those who leave well."
        ),
        (
            "It assumes that every reason to stop, or not to be scored any more, that also"
            " predicts the score is in the scores themselves; reasons nobody recorded leave it"
            " wrong by an unknown amount."
        ),
        (
            "Going on and being scored again is modelled by logistic regression on the session's"
            " score and its square, the one before, the mean so far, the baseline and the session"
            " number, pooled over sessions; weights are not truncated."
        ),
        (
            "A planned end is not an early stop and is not modelled; beyond the number that was"
            " planned nothing is identified."
        ),
        (
            "Scores belong to a session when they come before the next is usually due, else the"
            f" first within {cohort.criteria.late_after_days} days: those who stop are not looked"
            " at more often than those who go on."
        ),
        (
            f"95 % percentile intervals, pointwise, from {replicates} patient bootstraps that"
            f" refit the weights. {FIRST_COURSE} Two sessions on a day count as one."
        ),
    )
