"""The curve "if nobody had stopped early" on trial: what it finds in a simulated clinic, beside the
plain one.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL
from kettrack.analysis.response.if_all_continued import SCORED_STOPPERS, last_session
from kettrack.analysis.response.staying_rows import count
from kettrack.estimators.causal.censoring_weights import (
    estimate_staying,
    replicate_curves,
    staying_probability,
    weighted_curve,
)
from kettrack.estimators.intervals import patient_weights, percentile_interval
from kettrack.reading.cohort import Cohort
from kettrack.timelines.derived import derive
from kettrack.trials.gate import Check, Gate, Truths, bias, coverage, off_by, share

BY_SESSION: Final = 8
INTERVAL_AT: Final = 6
# As a fraction: two percentage points.
LARGEST_BIAS: Final = 0.02
ANYTHING: Final = (float("-inf"), float("inf"))
# share of cohorts refused, at least and at most
AT_VISITS: Final = {"J0": (1.0, 1.0), "J30": ANYTHING, "J70": (0.0, 0.0)}
# at least so far off where the well stop, and where those who are not helped leave
PLAIN_OFF: Final = {"A": -0.03, "C": 0.06}


def continued_by(
    cohort: Cohort, session: int = BY_SESSION, replicates: int = 0, seed: int = 1
) -> dict[str, float]:
    """Response by one session if all go on, taken beyond the session at which the estimate would
    stop showing it.

    A gate on the mean of many cohorts needs a number from each, also where too few effective
    patients are left to print it.

    Parameters
    ----------
    cohort : Cohort
        From a simulated clinic.
    session : int
        Session; the last one at which anybody is at risk stands in for a later one.
    replicates, seed : int
        Of the patient bootstrap; 0 = no interval.

    Returns
    -------
    dict of str to float
        Fractions `estimate` (weighted), `plain` (Kaplan-Meier), `ci_low` `ci_high` (missing without
        replicates), `refused` (1 where too few of those who stopped were scored afterwards for the
        estimate to be shown), `ess` and `last_shown` (session at which the printed curve ends).

    Raises
    ------
    NotIdentified
        When nobody is at risk.
    """
    counts = count(derive(cohort))
    # The steps of the estimate are taken one by one, since the question itself would refuse some.
    rows = counts.rows
    chance = staying_probability(rows)
    found = estimate_staying(rows, chance)
    plain = weighted_curve(rows, np.ones(len(rows.step)))
    place = min(session, len(plain)) - 1
    # without replicates there is no interval, and a gate on coverage cannot pass
    low = high = np.full(len(plain), np.nan)
    if replicates:
        low, high = percentile_interval(
            replicate_curves(rows, patient_weights(rows.people, replicates, seed)),
            LEVEL,
        )
    return {
        "estimate": float(found.estimate[place]),
        "plain": float(plain[place]),
        "ci_low": float(low[place]),
        "ci_high": float(high[place]),
        # The same rule as in the question: too few of those who stopped were scored.
        "refused": float(counts.stoppers_scored < SCORED_STOPPERS * counts.stoppers),
        "ess": float(found.ess[place]),
        "last_shown": float(last_session(counts, chance, found)[0]),
    }


def judge_continued(
    frame: pd.DataFrame, truths: Truths, plain_off: float | None = None
) -> list[Check]:
    """The weighted curve is unbiased; the plain one is off, as predicted where `plain_off` says how
    far.
    """
    truth = truths[f"response_by_{BY_SESSION}"]
    where = f"response by session {BY_SESSION} if nobody had stopped"
    plain = (
        bias(frame, "plain", truth, float("inf"), f"bias of the plain curve, {where}")
        if plain_off is None
        else off_by(
            frame, "plain", truth, plain_off, f"bias of the plain curve, {where}"
        )
    )
    return [bias(frame, "estimate", truth, LARGEST_BIAS, f"bias, {where}"), plain]


def judge_curve_interval(frame: pd.DataFrame, truths: Truths) -> list[Check]:
    """The bootstrap interval, its weights refitted in every replicate, covers."""
    truth = truths[f"response_by_{INTERVAL_AT}"]
    return [
        coverage(
            frame,
            ("ci_low", "ci_high"),
            truth,
            what=f"coverage of the 95 % interval, session {INTERVAL_AT}",
        )
    ]


def judge_at_visits(
    frame: pd.DataFrame, truths: Truths, refused: tuple[float, float]
) -> list[Check]:
    """Scores at visits only: refused where hardly anybody is scored after stopping; the bias of
    what is shown is reported.
    """
    truth = truths[f"response_by_{BY_SESSION}"]
    # A refused estimate misleads nobody, so only those shown are judged.
    shown = frame[frame["refused"] == 0]
    checks = [share(frame, "refused", *refused, what="share of cohorts refused")]
    if len(shown):
        checks.append(
            bias(
                shown,
                "estimate",
                truth,
                LARGEST_BIAS,
                f"bias where not refused, session {BY_SESSION}",
            )
        )
    return checks


GATES: Final = (
    *(
        Gate(
            name=f"continued-{scenario}",
            question=(
                "Do the weights find the response if nobody had stopped early, where the plain"
                " curve does not?"
            ),
            scenario=scenario,
            cohorts=200,
            first_seed=103,
            measure=continued_by,
            judge=partial(judge_continued, plain_off=PLAIN_OFF.get(scenario)),
        )
        for scenario in ("A", "B", "C", "D")
    ),
    *(
        Gate(
            name=f"continued_interval-{scenario}",
            question="Does the interval of the weighted curve cover?",
            scenario=scenario,
            cohorts=500,
            fast_cohorts=5 if scenario == "A" else 0,
            first_seed=104,
            measure=partial(continued_by, session=INTERVAL_AT, replicates=500),
            judge=judge_curve_interval,
        )
        for scenario in ("A", "B")
    ),
    *(
        Gate(
            name=f"continued_at_visits-{scenario}",
            question="Is the curve refused, or right, where scores are taken at the next visit?",
            scenario=scenario,
            cohorts=200,
            first_seed=105,
            measure=continued_by,
            judge=partial(judge_at_visits, refused=limits),
        )
        for scenario, limits in AT_VISITS.items()
    ),
)
