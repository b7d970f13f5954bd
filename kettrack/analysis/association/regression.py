"""Regression to the mean in the association table: at which score people came, and how far scores
fall by that alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.association.models import Row
from kettrack.analysis.context import NORMAL
from kettrack.arrays import Floats
from kettrack.estimators.regression.comparison_models import expected_drop
from kettrack.privacy.disclosure import get_policy
from kettrack.timelines.derived import DerivedCohort

LOW_RELIABILITY: Final = 0.60  # scores weeks apart, assumption
# PHQ-9, internal consistency .86-.89 (Stafford 2007 and others)
HIGH_RELIABILITY: Final = 0.86
# baselines from which a cut-off and everyone beyond it can be told; with fewer it is a guess
FEWEST: Final = 100
# share of baselines below caseness up to which a cohort was not open to them
STRAY: Final = 0.05
# observed SDs; a wider population is drawn from the shape of a tail alone
WIDEST: Final = 3.0
# population SDs between the population mean and the cut-off; the same
FARTHEST: Final = 2.0
CAVEAT: Final = (
    "Regression to the mean: what measurement error alone does to people chosen for a high score,"
    " with nobody changing; natural course and expectation are not in it. Reliability between .60"
    " (scores weeks apart, assumption) and .86 (internal consistency of the PHQ-9, taken for"
    " every scale). Where more than 5 % of the recorded baselines are below caseness: entry at"
    " caseness, spread of all of them taken as that of everyone. Else entry at the least severe"
    " baseline of a case, everyone being a normal distribution of which the baselines are the"
    " part beyond it (maximum likelihood; the worst score of the scale stands for anything"
    " worse): not told from fewer than 100 baselines, with 500 uncertain by half of its size, and"
    " one baseline far from the others moves that cut-off."
)


@dataclass(frozen=True, slots=True)
class Entry:
    """At which score people came, and the scores of everyone from whom they came; all with higher =
    worse.

    Parameters
    ----------
    words : str
        The cut-off, as the scale counts.
    known : bool
        Whether the baselines tell a cut-off and a population.
    cutoff, mean, sd : float
        In points; NaN where they are not known.
    """

    words: str
    known: bool
    cutoff: float = np.nan
    mean: float = np.nan
    sd: float = np.nan

    def drop(self, reliability: float) -> float:
        """Points by which scores of that reliability fall by themselves; NaN where the cut-off is
        not known.
        """
        return (
            expected_drop(self.mean, self.sd, self.cutoff, reliability)
            if self.known
            else np.nan
        )


def find_entry(cohort: DerivedCohort) -> Entry:
    """Cut-off and population of the recorded baselines, those of people who are not counted
    included.
    """
    sign = cohort.instrument.sign
    caseness = cohort.criteria.caseness
    found = cohort.timeline.groupby("patient_id")["baseline"].first().dropna()
    baselines = sign * found.to_numpy(float)
    if len(baselines) < 2:
        return Entry("too few baselines", known=False)
    if caseness is not None:
        case = sign * float(caseness.value)
        if (baselines < case).mean() > STRAY:
            words = f"entry at caseness, {_side(case, sign)}"
            return Entry(
                words, True, case, float(baselines.mean()), float(baselines.std(ddof=1))
            )
        baselines = baselines[baselines >= case]
    worst = cohort.instrument.maximum if sign > 0 else -cohort.instrument.minimum
    # the least severe baseline is that of one person
    named = get_policy(cohort.settings.policy).smallest_count <= 1
    return _from_the_least_severe(baselines, float(worst), sign, named)


def _from_the_least_severe(
    baselines: Floats, worst: float, sign: int, named: bool
) -> Entry:
    """Nobody came below the cut-off: everyone is told from the shape of what lies beyond it."""
    if len(baselines) < FEWEST:
        return Entry(f"fewer than {FEWEST}, hardly any below caseness", known=False)
    lowest = float(baselines.min())
    side = f", {_side(lowest, sign)}" if named else ""
    whole = bool((baselines == np.round(baselines)).all())
    half = 0.5 if whole else 0.0  # whole scores: 18 stands for everything from 17.5
    edge = lowest - half
    fit = _fit_cut_off_normal(baselines, edge, worst - half)
    if fit is None:
        return Entry(
            f"all baselines at the least severe of them or beyond{side}", known=False
        )
    return Entry(f"entry at the least severe baseline{side}", True, edge, *fit)


def _side(value: float, sign: int) -> str:
    return f"{sign * value:g} or {'above' if sign > 0 else 'below'}"


def _fit_cut_off_normal(
    values: Floats, edge: float, end: float
) -> tuple[float, float] | None:
    """Mean and SD of the normal distribution of which the values are the part above `edge`; None
    where it is not credible.

    Values from `end` on, the worst score of the scale, may stand for anything worse. In units of
    the observed SD.
    """
    from scipy.optimize import minimize
    from scipy.stats import norm

    middle = float(values.mean())
    spread = float(values.std())
    inside = (values[values < end] - middle) / spread if spread > 0 else np.empty(0)
    if not inside.size:
        return None
    cut = (edge - middle) / spread
    top = (end - middle) / spread
    share = inside.size / values.size
    about = float(inside.mean())
    around = float(inside.var())

    def loss(at: Floats) -> float:
        """Minus the mean log-likelihood; at = mean, ln SD."""
        mean = at[0]
        sd = np.exp(at[1])
        within = at[1] + (around + (about - mean) ** 2) / (2 * sd**2)
        return float(
            share * within
            - (1 - share) * norm.logsf(top, mean, sd)
            + norm.logsf(cut, mean, sd)
        )

    limits = [(-100.0, 10.0), (np.log(0.5), np.log(10 * WIDEST))]
    found = minimize(
        loss,
        np.zeros(2),
        method="Nelder-Mead",
        bounds=limits,
        options={"xatol": 1e-6, "fatol": 1e-10},
    )
    mean = float(found.x[0])
    sd = float(np.exp(found.x[1]))
    if not found.success or sd > WIDEST or cut - mean > FARTHEST * sd:
        return None
    return middle + spread * mean, spread * sd


def regression_rows(
    cohort: DerivedCohort, people: pd.DataFrame, entry: Entry
) -> list[Row]:
    """The observed fall, and the part that measurement error alone explains; the natural course is
    not in it.
    """
    drop = (people["baseline"] - people["last"]) * cohort.instrument.sign
    half = NORMAL * float(drop.std()) / np.sqrt(len(drop))
    mean = float(drop.mean())
    words = (
        entry.words
        if entry.known
        else f"the cut-off cannot be told from such baselines ({entry.words})"
    )
    alone = f"improvement by regression to the mean alone, {words}, reliability"
    observed = {"estimate": mean, "ci_low": mean - half, "ci_high": mean + half}
    named = (
        (
            "observed_drop",
            "improvement from the baseline to the last score of the course",
            observed,
        ),
        (
            "mean_regression_low",
            f"{alone} {HIGH_RELIABILITY}",
            {"estimate": entry.drop(HIGH_RELIABILITY)},
        ),
        (
            "mean_regression_high",
            f"{alone} {LOW_RELIABILITY}",
            {"estimate": entry.drop(LOW_RELIABILITY)},
        ),
    )
    return [
        {"key": key, "about": about, "unit": "points", "n": len(people)} | found
        for key, about, found in named
    ]


def regression_words(entry: Entry) -> str:
    """Template of the sentence's part on what would be there anyway."""
    null = (
        "for what a clinic like this would show if its sessions did nothing, see the null curve"
        " (response_by_session)"
    )
    if not entry.known:
        return (
            "; what regression to the mean alone is worth cannot be said, because the cut-off at"
            f" which people came cannot be told from such baselines ({entry.words}): {null}"
        )
    return (
        "; regression to the mean alone, because people came when they scored worst"
        f" ({entry.words}), is worth between {{mean_regression_low.estimate}} and"
        " {mean_regression_high.estimate} points. The natural course, and what people expect"
        f" of a treatment, come on top and are not in that range: {null}"
    )
