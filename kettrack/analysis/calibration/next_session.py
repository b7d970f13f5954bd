"""Whether one more session can be told from nothing in a clinic like this: the method run where the
truth is known.
"""

from __future__ import annotations

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
from kettrack.analysis.calibration.next_session_runs import (
    Clinic,
    clinic_of,
    run_cohorts,
    true_answer,
)
from kettrack.analysis.context import made_from, refusal, release, rule_words
from kettrack.analysis.registry import question
from kettrack.errors import NotIdentified, UsageError
from kettrack.result import Result
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import NEXT_SESSION_GRACE_DAYS

NAME: Final = "calibration"
COHORTS: Final = 100
SEED: Final = 1
ESTIMAND: Final = (
    "What each method finds in cohorts simulated to be like this one, in which it is known what a"
    " session does, against what is true in them."
)
_METHODS: Final = {
    "next_session": "one more session",
    "adjusted_slope": "adjusted slope, biased by design",
}


@question(
    "calibration",
    asks="What does the method find where the truth is known, in a clinic like this?",
)
def calibration_check(
    cohort: DerivedCohort,
    recall_days: int | None = None,
    grace_days: int = NEXT_SESSION_GRACE_DAYS,
    cohorts: int = COHORTS,
    seed: int = SEED,
) -> Result:
    """Run the method for one more session on simulated cohorts like this one, in which sessions do
    nothing, or 1 point each.

    Parameters
    ----------
    cohort : DerivedCohort
        With scores on and off treatment, so that its course can be simulated.
    recall_days, grace_days : int
        As `next_session`.
    cohorts : int
        Simulated for each of the two.
    seed : int
        Everything random follows from it.

    Returns
    -------
    Result
        One row per method and points that a session takes off (`next_session_0` `next_session_1`
        `adjusted_slope_0`): `about` `method` `n` (people in each cohort) `cohorts` `answers` (those
        not refused) `truth` (points, found by settling one decision of each person by lot; missing
        where a method aims at none) `estimate` (mean found) `bias` `sd` (of what was found, points)
        `holds` (% of the answers whose interval holds the truth) `tells` (% whose interval leaves 0
        out) `refused` (% of the cohorts).

        Refused where the course of scores cannot be fitted, or nobody has another session within
        the grace.

    Raises
    ------
    UsageError
        With fewer than 1 cohort.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> calibration_check(load_cohort(sample_folder()), cohorts=2).table["truth"].iloc[0]
    np.float64(0.0)
    """
    if cohorts < 1:
        raise UsageError("calibration_check needs at least 1 cohort.")
    try:
        clinic = clinic_of(cohort, recall_days, grace_days)
        table = _table(clinic, cohorts, seed)
    except NotIdentified as error:
        return release(refusal(NAME, cohort, error, ESTIMAND), cohort)
    result = Result(
        name=NAME,
        table=table,
        roles=ROLES,
        decimals=DECIMALS,
        show=SHOW,
        sentence=_sentence(table),
        estimand=ESTIMAND,
        caveats=(
            *_caveats(cohort, clinic, seed),
            str(cohort.instrument.recall(recall_days)),
        ),
        made_from=made_from(cohort, unit="points", level=0.95, seed=seed),
    )
    return release(result, cohort)


def _table(clinic: Clinic, cohorts: int, seed: int) -> pd.DataFrame:
    rows = []
    for effect in EFFECTS:
        streams = [np.random.default_rng([seed, effect, part]) for part in range(2)]
        runs = run_cohorts(clinic, effect, cohorts, streams[0])
        truth = (
            true_answer(clinic, effect, runs.looked_at, streams[1]) if effect else 0.0
        )
        found = {"next_session": runs.answers} | (
            {} if effect else {"adjusted_slope": runs.slopes}
        )
        rows += [
            judged(Asked(name, _METHODS[name], clinic.people, effect), each, truth)
            for name, each in found.items()
        ]
    return pd.DataFrame(rows).reindex(columns=list(ROLES))


def _sentence(table: pd.DataFrame) -> str:
    rows = table.set_index("key")
    refused = rows["refused"]
    if refused["next_session_0"] == 100 or refused["next_session_1"] == 100:
        return (
            "With data like yours the method for one more session refuses to answer in"
            " {next_session_0.refused} % of {next_session_0.cohorts} simulated cohorts in which"
            " sessions do nothing, and in {next_session_1.refused} % of those in which each takes"
            " off 1 point."
        )
    some = refused[["next_session_0", "next_session_1"]].max() > 0
    answers = (
        "of {next_session_0.answers} answers ({next_session_0.cohorts} cohorts were simulated; it"
        " refused in {next_session_0.refused} %)"
    )
    return (
        "With data like yours this method finds 0 (its interval holds it) when the truth is 0 in"
        " {next_session_0.holds} % "
        + (answers if some else "of {next_session_0.cohorts} simulated cohorts")
        + ", and is off by {next_session_1.bias} points when each session takes off 1 point (true"
        " there: {next_session_1.truth}; its interval leaves 0 out in {next_session_1.tells}"
        " %). The adjusted slope finds 0 when the truth is 0 in {adjusted_slope_0.holds} %."
    )


def _caveats(cohort: DerivedCohort, clinic: Clinic, seed: int) -> tuple[str, ...]:
    return (
        OWN_MODEL,
        (
            f"Simulated: the {clinic.people} people at risk in the first course with their"
            " baselines, plans and the ends of their logs; gaps, stopping and days of scores as"
            f" fitted. A point wears off as fitted. Seed {seed}."
        ),
        (
            "What is true with 1 point for each session was found by settling one decision of"
            f" each person by lot, {clinic.grace} days of grace, everyone scored; it is not 1, as"
            " sessions wear off, others follow, and scores have a lowest value."
        ),
        f"Refused cohorts are left out of mean, bias, spread and share. {rule_words(cohort)}.",
    )
