"""What both calibrations share: cohorts simulated to be like the one at hand, methods run on them,
and how often the answers were right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL
from kettrack.analysis.response.benchmark import learnt_from
from kettrack.analysis.response.plasmode import panel_cohort
from kettrack.arrays import Floats
from kettrack.estimators.exact import clopper_pearson
from kettrack.estimators.plasmode.clinic import (
    PanelPeople,
    PlasmodeModel,
    SimulatedPanel,
)
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.limits import FEWEST_SIMULATED_ANSWERS
from kettrack.vocabulary.made_of import Kept

# Simulated for each effect unless another number is asked for: the same in the report, in notebooks
# and on the command line.
USUAL_COHORTS: Final = 50
PEOPLE_AT_ONCE: Final = 20_000  # simulated together, as many as fit into memory
PEOPLE_FOR_TRUTH: Final = 40_000  # simulated to find what is true
# Points that each session takes off: nothing, where a right method finds 0, and a point, which is
# of the size that clinics report.
EFFECTS: Final = (0, 1)
SOME_EFFECT: Final = f"each session takes off {EFFECTS[1]} point"
CALIBRATION_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "about": "label",
    "method": "label",
    "n": "denominator",
    "cohorts": "derived",
    "answers": "derived",
    "truth": "derived",
    "estimate": "derived",
    "bias": "derived",
    "bias_error": "derived",
    "sd": "derived",
    "holds": "derived",
    "holds_low": "derived",
    "holds_high": "derived",
    "tells": "derived",
    "refused": "derived",
}
# What was found in simulated clinics tells nothing of the people here.
CALIBRATION_RECIPES: Final[tuple[Kept, ...]] = (
    Kept(
        values=tuple(
            name for name, role in CALIBRATION_ROLES.items() if role == "derived"
        ),
        of="n",
    ),
)
CALIBRATION_DECIMALS: Final[dict[str, int]] = {
    "cohorts": 0,
    "answers": 0,
    "holds": 0,
    "holds_low": 0,
    "holds_high": 0,
    "tells": 0,
    "refused": 0,
    "truth": 2,
    "estimate": 2,
    "bias": 2,
    "bias_error": 2,
    "sd": 2,
}
CALIBRATION_SHOW: Final[tuple[str, ...]] = tuple(
    name for name in CALIBRATION_ROLES if name not in ("key", "method")
)
OWN_MODEL: Final = (
    "A simulated clinic follows its own model: people stop and are scored as their scores say, and"
    " for no other reason. The check therefore cannot show what an unrecorded reason does. It shows"
    " what a small number of people, uneven scoring and the method itself do."
)


@dataclass(frozen=True, slots=True)
class SimulatedAnswers:
    """Estimates and intervals, one per cohort; missing where refused, or where a method gives no
    interval.
    """

    estimate: Floats
    low: Floats
    high: Floats


def answers_of(rows: list[tuple[float, float, float]]) -> SimulatedAnswers:
    """Answers from an estimate, a lower and an upper end for each cohort."""
    # with no row at all the array still has its three columns
    columns = np.array(rows, np.float64).reshape(-1, 3).T
    return SimulatedAnswers(*columns)


# Points a session takes off, random numbers -> answers by method, and what was seen of the days of
# the outcomes, which the truth is asked about.
RunCohorts = Callable[
    [int, np.random.Generator], tuple[Mapping[str, SimulatedAnswers], Any]
]
FindTruth = Callable[[int, Any, np.random.Generator], float]


def run_methods(
    methods: Mapping[str, str],
    people: int,
    run: RunCohorts,
    find_truth: FindTruth,
    seed: int,
) -> pd.DataFrame:
    """Every method where sessions do nothing, and where each takes off a point: one row per method
    and effect.

    Parameters
    ----------
    methods : mapping
        Key of each method -> what it is, in words.
    people : int
        In each cohort.
    run : callable
        Simulates the cohorts of one effect and answers in each.
    find_truth : callable
        What is true under an effect; never asked where sessions do nothing, as that is 0.
    seed : int
        Everything random follows from it.
    """
    rows = []
    for effect in EFFECTS:
        # two streams, so that the truth does not depend on how many cohorts there are
        for_cohorts = np.random.default_rng([seed, effect, 0])
        for_truth = np.random.default_rng([seed, effect, 1])
        answers, days = run(effect, for_cohorts)
        truth = find_truth(effect, days, for_truth) if effect else 0.0
        for key, of_method in answers.items():
            does = SOME_EFFECT if effect else "sessions do nothing"
            row = {
                "key": f"{key}_{effect}",
                "about": f"{methods[key]}, where {does}",
                "method": methods[key],
                "n": people,
            }
            rows.append(row | performance(of_method, truth))
    return pd.DataFrame(rows).reindex(columns=list(CALIBRATION_ROLES))


def performance(answers: SimulatedAnswers, truth: float) -> dict[str, Any]:
    """Bias, spread, coverage and refusals of one method under one effect, with what the number of
    simulated cohorts leaves open; only the counts with fewer than `FEWEST_SIMULATED_ANSWERS`.
    """
    given = ~np.isnan(answers.estimate)
    row: dict[str, Any] = {
        "cohorts": len(given),
        "answers": int(given.sum()),
        "truth": truth,
        "refused": 100 * float((~given).mean()),
    }
    # a share of a handful of answers says nothing about the method
    if given.sum() < FEWEST_SIMULATED_ANSWERS:
        return row
    estimate = answers.estimate[given]
    mean = float(estimate.mean())
    row["estimate"] = mean
    row["bias"] = mean - truth
    row["sd"] = float(estimate.std(ddof=1))
    row["bias_error"] = row["sd"] / np.sqrt(len(estimate))
    low = answers.low[given]
    high = answers.high[given]
    if np.isnan(low).all():
        return row
    holds = (low <= truth) & (truth <= high)
    tells = (low > 0) | (high < 0)
    row["holds"] = 100 * float(holds.mean())
    exact = clopper_pearson(int(holds.sum()), len(holds), LEVEL)
    row["holds_low"] = exact.ci_low
    row["holds_high"] = exact.ci_high
    row["tells"] = 100 * float(tells.mean())
    return row


def batches(cohorts: int, people: int) -> Iterator[int]:
    """How many cohorts to simulate together, until there are so many."""
    most = max(PEOPLE_AT_ONCE // people, 1)
    for begin in range(0, cohorts, most):
        yield min(most, cohorts - begin)


def cohort_of_panel(
    panel: SimulatedPanel,
    model: PlasmodeModel,
    cohort: DerivedCohort,
    observed_to: Floats,
) -> DerivedCohort:
    """A panel as a cohort whose logs end where those of the clinic do; the clinic may be in it many
    times over.
    """
    whole = panel_cohort(panel, PanelPeople.of(model), cohort)
    times = model.baseline.size // observed_to.size
    # patients are numbered in order, so that the clinic's own ends repeat
    end = np.tile(observed_to, times)
    kept = {}
    for name in ("sessions", "scores"):
        rows = getattr(whole, name)
        who = rows["patient_id"].to_numpy()
        logged = rows["day"].to_numpy() <= end[who]
        kept[name] = rows[logged].reset_index(drop=True)
    observed = pd.Series(end).astype("Int64")
    patients = whole.patients.assign(observed_to_day=observed)
    return whole.replace(patients=patients, **kept)


def people_words(people: int, everybody: int, who: str) -> str:
    """Who is in a simulated cohort, as the end of a sentence.

    Examples
    --------
    >>> people_words(500, 500, "at risk")
    'the 500 people at risk'
    """
    if people == everybody:
        return f"the {people} people {who}"
    return f"{people:,} of the {everybody:,} people {who}, drawn by chance"


def drawn_words(people: int, everybody: int, cohort: DerivedCohort) -> tuple[str, ...]:
    """What smaller cohorts cannot show; nothing where everybody is in each."""
    if people == everybody:
        return ()
    learnt = learnt_from(cohort)
    fitted = "everybody"
    if learnt is not cohort:
        fitted = f"{len(learnt.patients):,} people drawn by chance"
    return (
        f"The models were fitted to {fitted}. With all {everybody:,} people in each cohort an"
        " interval would be narrower, and the same bias would take it away from the truth more"
        " often.",
    )


def floats_of_column(column: pd.Series, missing: float = np.nan) -> Floats:
    """A column of days or numbers as floats."""
    values = column.astype("Float64").to_numpy(np.float64, na_value=missing)
    return np.asarray(values, np.float64)


def too_few_answers(table: pd.DataFrame, method: str) -> str:
    """The sentence where a method answered in too few simulated cohorts; empty where it did in
    enough.
    """
    answers = table.set_index("key")["answers"]
    if min(answers[f"{method}_0"], answers[f"{method}_1"]) >= FEWEST_SIMULATED_ANSWERS:
        return ""
    zero, point = (
        f"{{{method}_{effect}.answers}} of {{{method}_{effect}.cohorts}}"
        for effect in EFFECTS
    )
    return (
        f"it answers in {zero} cohorts, and in {point} where {SOME_EFFECT}; in the others it is"
        f" refused. How well it works is told from {FEWEST_SIMULATED_ANSWERS} answers on."
    )


def holds_words(row: str) -> str:
    """Template of the share of intervals that hold the truth, with what the simulation leaves
    open.
    """
    return f"{{{row}.holds:%}} ({{{row}.holds_low:.0f}} to {{{row}.holds_high:.0f}} %)"


def bias_words(row: str) -> str:
    """Template of the mean error in points with its simulation error."""
    return f"{{{row}.bias}} points (simulation error {{{row}.bias_error}})"
