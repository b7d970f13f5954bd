"""How many people would respond if nobody stopped early, as far as the recorded scores explain who
stops.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL, rule_words
from kettrack.analysis.courses.session_counts import FIRST_COURSE
from kettrack.analysis.registry import Answer, asked_as, question
from kettrack.analysis.response.curve_words import TOLD_SESSION
from kettrack.analysis.response.response_curve import count as count_exits
from kettrack.analysis.response.staying_rows import WAYS, StayingCounts, count
from kettrack.arrays import Bools, Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.causal.censoring_weights import (
    CensoringWeightedCurve,
    by_step,
    estimate_staying,
    replicate_curves,
    staying_probability,
    staying_weights,
    weighted_curve,
)
from kettrack.estimators.intervals import (
    effective_number,
    exact_ends,
    patient_weights,
    percentile_interval,
)
from kettrack.estimators.survival.competing_risks import estimate_incidence
from kettrack.estimators.survival.life_table import share_before, still_counted
from kettrack.privacy.policies import get_policy
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.limits import FEWEST_EFFECTIVE_PEOPLE, FEWEST_PEOPLE
from kettrack.vocabulary.made_of import FigureDifference, Kept, LikeCounts, Scaled
from kettrack.vocabulary.plain_words import share_with_interval

CURVE_REPLICATES: Final = 500
CURVE_SEED: Final = 1
# Of the people who stop, at least this share must be scored afterwards. With fewer it is not known
# how they were when they stopped.
SCORED_STOPPERS: Final = 0.5
# A session is carried while at least this share of those at risk had at least this chance to go on.
SUPPORTED_SHARE: Final = 0.95
LEAST_CHANCE_TO_GO_ON: Final = 0.05
_LEFT_OUT: Final = ("too_new", "never_scored", "response_before")
_EXITS: Final = (*(f"new_{way}" for way in WAYS[:-1]), WAYS[-1])
_ROLES: Final[dict[str, Role]] = {
    "session": "key",
    "n": "denominator",
    **dict.fromkeys(_LEFT_OUT, "count"),
    "at_risk": "running",
    **dict.fromkeys(_EXITS, "count"),
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    **dict.fromkeys(("plain", "observed", "difference"), "derived"),
    "ess": "derived",
    "mean_weight": "derived",
    "largest_weight": "derived",
    "curve_ends": "label",
}
_SHOWN: Final = (
    "session",
    "at_risk",
    *_EXITS,
    "estimate",
    "ci_low",
    "ci_high",
    "plain",
    "observed",
    "difference",
    "ess",
    "mean_weight",
    "largest_weight",
)
# A cell of the table, so that a clinic can read where the curve ends.
_ENDS: Final = {
    "support": (
        "who is left there has next to no chance to go on (the planned end, or scores at which"
        " everybody stops)"
    ),
    "ess": f"after it the weights leave fewer than {FEWEST_EFFECTIVE_PEOPLE} effective patients",
    "at_risk": f"after it fewer than {FEWEST_PEOPLE} are at risk or had responded",
    "data": "nobody was followed further",
}


def estimate(
    counts: StayingCounts,
    replicates: int = CURVE_REPLICATES,
    seed: int = CURVE_SEED,
) -> pd.DataFrame:
    """Weighted and plain response curve by session, in percent.

    Parameters
    ----------
    counts : StayingCounts
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
        When too few of those who stopped were scored afterwards (`SCORED_STOPPERS`), or not even
        session 1 is carried.
    """
    rows = counts.rows
    _require_scored_stoppers(counts)
    chance = staying_probability(rows)
    found = estimate_staying(rows, chance)
    last, why = last_session(counts, chance, found)
    if not last:
        raise NotIdentified(
            f"fewer than {FEWEST_EFFECTIVE_PEOPLE} patients are at risk at session 1.",
            "baseline, scores after each session, and observed_to_day of more patients.",
        )
    weighted = found.estimate[:last]
    # With equal weights it is the Kaplan-Meier curve: stopping as if by chance.
    plain = weighted_curve(rows, np.ones(len(rows.step)))
    low, high = _interval(counts, found, replicates, seed)
    low, high = low[:last], high[:last]
    table = _count_table(counts, last)
    table["estimate"] = 100 * weighted
    table["ci_low"] = 100 * low
    table["ci_high"] = 100 * high
    table["plain"] = 100 * plain[:last]
    table["ess"] = found.ess[:last]
    table["mean_weight"] = found.mean_weight[:last]
    table["largest_weight"] = found.largest_weight[:last]
    return table.assign(curve_ends=_ENDS[why])


def _require_scored_stoppers(counts: StayingCounts) -> None:
    """Refuse where it is not known how those who stopped were when they stopped."""
    if counts.stoppers_scored >= SCORED_STOPPERS * counts.stoppers:
        return
    late = counts.late_after_days
    raise NotIdentified(
        f"fewer than {100 * SCORED_STOPPERS:.0f} % of the people who stopped early have a score"
        f" within {late} days after their last session, so it is not known how they were when"
        " they stopped.",
        f"a score within {late} days after the last session, also when someone stops.",
    )


def _interval(
    counts: StayingCounts,
    found: CensoringWeightedCurve,
    replicates: int,
    seed: int,
) -> tuple[Floats, Floats]:
    """Percentile interval of the weighted curve from the patient bootstrap."""
    rows = counts.rows
    # Patients are drawn, not rows, and every replicate refits the weights.
    drawn = patient_weights(rows.people, replicates, seed)
    curves = replicate_curves(rows, drawn)
    low, high = percentile_interval(curves, LEVEL)
    # At 0 and at 1 every replicate is the same: a bootstrap knows no uncertainty there.
    return exact_ends(found.estimate, low, high, _effective(found), LEVEL)


def _effective(found: CensoringWeightedCurve) -> Floats:
    """Effective number of people at each session; those who have responded stay in it."""
    return effective_number(found.ess, share_before(1 - found.estimate))


def _count_table(counts: StayingCounts, last: int) -> pd.DataFrame:
    """Who is in the curve, who is left out, and who leaves at each session."""
    rows = counts.rows
    # every row counts as one: those at risk, without weights
    at_risk = by_step(rows, np.ones(len(rows.step)))
    table = pd.DataFrame({"session": np.arange(1, last + 1), "n": int(at_risk[0])})
    for name in _LEFT_OUT:
        table[name] = counts.left_out[name]
    table["at_risk"] = at_risk[:last].astype(np.int64)
    for place, name in enumerate(_EXITS):
        leaves = by_step(rows, 1.0 * (counts.way == place))
        table[name] = leaves[:last].astype(int)
    return table


def last_session(
    counts: StayingCounts,
    chance: Floats,
    found: CensoringWeightedCurve,
) -> tuple[int, str]:
    """Last session that the data carry, and why they carry none further.

    Parameters
    ----------
    counts : StayingCounts
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
    responded = by_step(rows, 1.0 * rows.event)
    staying = (~rows.event).astype(np.float64)
    can_go_on = (chance >= LEAST_CHANCE_TO_GO_ON) & ~counts.planned_end
    possible = by_step(rows, staying * can_go_on)
    supported = possible >= SUPPORTED_SHARE * by_step(rows, staying)
    # A session is carried when those at risk at the one before could go on to it.
    tests: dict[str, Bools] = {
        "support": np.concatenate([[True], supported[:-1]]),
        "at_risk": still_counted(at_risk, responded) >= FEWEST_PEOPLE,
        # a sum of weights may end a few bits below a limit that it meets
        "ess": _effective(found) >= FEWEST_EFFECTIVE_PEOPLE - 1e-6,
    }
    # The first session that fails a test ends the curve, whatever holds after it.
    ends = {
        name: int(np.logical_and.accumulate(holds).sum())
        for name, holds in tests.items()
    }
    last = min(ends.values())
    # Everyone was carried to the last step: nobody there could go on, or the logs end.
    if last == len(at_risk):
        return last, "data" if supported[-1] else "support"
    return last, next(name for name in ends if ends[name] == last)


@question(
    "response_if_all_continued",
    recipes=(
        Scaled(value="estimate", of="n", ends=("ci_low", "ci_high"), weighted=True),
        Scaled(value="plain", of="n"),
        Scaled(value="observed", of="n"),
        FigureDifference(value="difference", first="estimate", second="observed"),
        LikeCounts(values=("ess",)),
        Kept(
            values=(
                "mean_weight",
                "largest_weight",
            ),
            of="n",
        ),
    ),
    asks="How many people would have responded if nobody had stopped early?",
    unit="percent of patients",
    estimand=(
        "Chance of a first response by session s of the first course, if nobody had stopped early."
    ),
    roles=_ROLES,
    decimals={"ess": 0, "mean_weight": 2},
    show=_SHOWN,
)
def response_if_all_continued(
    cohort: DerivedCohort,
    replicates: int = CURVE_REPLICATES,
    seed: int = CURVE_SEED,
) -> Answer:
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
        no log says to which day it is complete, too few of those who stopped were scored
        afterwards, or fewer than `FEWEST_EFFECTIVE_PEOPLE` are at risk.
    """
    counts = count(cohort)
    table = _add_observed(estimate(counts, replicates, seed), cohort)
    return Answer(
        table=table,
        sentence=_sentence(table),
        caveats=_caveats(cohort, replicates),
        level=LEVEL,
        seed=seed,
        rows=partial(_person_rows, counts),
    )


def _person_rows(counts: StayingCounts) -> pd.DataFrame:
    """One row per person and session at risk, with the weight of that session; without weights it
    is the plain curve.
    """
    rows = counts.rows
    # The place -1 of people who stay is that of the word appended last.
    ways = np.array([*WAYS, "goes_on"], dtype=object)
    return pd.DataFrame(
        {
            "curve": "estimate",
            "patient_id": counts.patient_id,
            "start": rows.step - 1,
            "time": rows.step,
            "status": rows.event,
            "cause": ways[counts.way],
            "weight": staying_weights(rows, staying_probability(rows)),
            "dated": rows.step,
        }
    )


def _add_observed(table: pd.DataFrame, cohort: DerivedCohort) -> pd.DataFrame:
    """The table with what happened by the same sessions, stopping included; the last value holds on
    where nobody is left.

    Missing under a release policy where a session has few events: the shares would tell them.
    """
    counts = count_exits(cohort)
    share = estimate_incidence(counts, LEVEL).estimate[: len(table), 0]
    beyond = np.repeat(share[-1:], len(table) - len(share))
    observed = 100 * np.concatenate([share, beyond])
    events = counts.events[: len(table)]
    # Few events at a session could be read off the step of this curve.
    smallest = get_policy(cohort.policy).smallest_count
    if ((events > 0) & (events < smallest)).any():
        observed = np.full(len(table), np.nan)
    return table.assign(observed=observed, difference=table["estimate"] - observed)


def _sentence(table: pd.DataFrame) -> str:
    """Both curves at session 6, or at the last session shown, and what the weights did to the
    number of patients.
    """
    row = f"row{min(TOLD_SESSION, len(table))}"
    last = f"row{len(table)}"
    return (
        f"If nobody had stopped early, {share_with_interval(row)} of {{{row}.n}} people would have"
        f" responded by session {{{row}.session}}, as far as the recorded scores explain who"
        f" stops. {_observed_words(table, row)}Counting the people who stopped as if they were like"
        f" the others gives {{{row}.plain:%}}. At that session the effective sample size is"
        f" {{{row}.ess}} of {{{row}.at_risk}} people at risk (mean weight {{{row}.mean_weight}},"
        f" largest {{{row}.largest_weight}}). The curve ends at session {{{last}.session}}:"
        f" {{{last}.curve_ends}}. Not counted: {{{row}.response_before}} people who met the rule"
        f" before session 1, {{{row}.never_scored}} people not scored in time after any session,"
        f" and {{{row}.too_new}} people whose log is too short. The curve that counts everyone, and"
        f" so describes this clinic, answers {asked_as('response_by_session')}"
    )


def _observed_words(table: pd.DataFrame, row: str) -> str:
    """What happened, stopping included; empty where the disclosure rules hide it."""
    if table["observed"].isna().all():
        return ""
    return (
        f"As things happened, stopping included, {{{row}.observed:%}} had responded by the same"
        f" session, a difference of {{{row}.difference}} points. That share also counts people who"
        " were not scored in time. "
    )


def _caveats(cohort: DerivedCohort, replicates: int) -> tuple[str, ...]:
    """The rules, what is assumed, how the weights are made, and what is not identified."""
    response = cohort.criteria.response
    late = cohort.criteria.late_after_days
    return (
        f"{rule_words(cohort)}. Response: {response.words if response else 'no rule'}. A second"
        " score is not asked for, because people who leave well often have none.",
        "It assumes that the scores themselves hold every reason to stop, or not to be scored any"
        " more, that also predicts the score. Reasons that nobody recorded make the curve wrong by"
        " an unknown amount.",
        "A logistic regression, pooled over sessions, gives the chance to go on and be scored"
        " again. It uses the score of the session and its square, the score before, the mean so"
        " far, the baseline and the session number. Weights are not truncated.",
        "A planned end is not an early stop and is not modelled; beyond the number that was"
        " planned nothing is identified.",
        "A score belongs to a session when it comes before the next session is usually due; else"
        f" the first score within {late} days belongs to it. So people who stop are not looked at"
        " more often than people who go on.",
        f"The 95 % intervals are percentile intervals, each for one session by itself, from"
        f" {replicates} patient bootstraps that refit the weights. {FIRST_COURSE} Two sessions on"
        " a day count as one.",
    )
