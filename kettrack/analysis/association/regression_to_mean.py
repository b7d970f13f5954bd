"""Regression to the mean in the association table: at which score people came, and how far scores
fall by that alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import NORMAL_QUANTILE
from kettrack.analysis.registry import asked_as
from kettrack.arrays import Floats
from kettrack.estimators.regression.comparison_models import expected_drop
from kettrack.privacy.policies import get_policy
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.limits import FEWEST_BASELINES_FOR_ENTRY

# Reliability of scores weeks apart, where the state itself has changed: an assumption.
LOW_RELIABILITY: Final = 0.60
# PHQ-9, internal consistency .86-.89 (Stafford 2007 and others).
HIGH_RELIABILITY: Final = 0.86
# Percent of baselines below caseness up to which a cohort was not open to such people.
STRAY_PERCENT: Final = 5
# Observed SDs; a wider population is drawn from the shape of a tail alone.
WIDEST_SD: Final = 3.0
# Population SDs between the population mean and the cut-off; the same.
FARTHEST_SD: Final = 2.0
# What the fit is off by with so many baselines, in simulated clinics.
_UNCERTAIN_BASELINES: Final = 500
CAVEAT: Final = (
    "Regression to the mean is what measurement error alone does to people who were chosen for a"
    " high score, when nobody changes. The natural course and expectation are not included. The"
    f" range is for a reliability between {LOW_RELIABILITY:.2f} (scores weeks apart, an assumption)"
    f" and {HIGH_RELIABILITY:.2f} (internal consistency of the PHQ-9, used for every scale). Where"
    f" more than {STRAY_PERCENT} % of the recorded baselines are below caseness, people are taken"
    " to enter at caseness, and the spread of all baselines is taken as that of everyone."
    " Otherwise people are taken to enter at the least severe baseline of a case. Everyone is then"
    " taken to follow a normal distribution, of which the baselines are the part beyond that"
    " cut-off (maximum likelihood; the worst score of the scale stands for anything worse). This"
    f" is not done with fewer than {FEWEST_BASELINES_FOR_ENTRY} baselines. With"
    f" {_UNCERTAIN_BASELINES} it is uncertain by half of its size, and one baseline far from the"
    " others moves that cut-off."
)
_Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class EntryCutoff:
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
        if not self.known:
            return np.nan
        return expected_drop(self.mean, self.sd, self.cutoff, reliability)


def find_entry_cutoff(cohort: DerivedCohort) -> EntryCutoff:
    """Cut-off and population of the recorded baselines, those of people who are not counted
    included.
    """
    sign = cohort.instrument.sign
    caseness = cohort.criteria.caseness
    recorded = cohort.timeline.groupby("patient_id")["baseline"].first().dropna()
    # the sign turns every scale so that higher is worse
    baselines = sign * recorded.to_numpy(float)
    if len(baselines) < 2:
        return EntryCutoff("too few baselines", known=False)
    if caseness is not None:
        case = sign * float(caseness.value)
        if 100 * (baselines < case).mean() > STRAY_PERCENT:
            return _from_caseness(baselines, case, sign)
        baselines = baselines[baselines >= case]
    worst = cohort.instrument.maximum if sign > 0 else -cohort.instrument.minimum
    # the least severe baseline is that of one person
    may_be_named = not get_policy(cohort.policy).for_release
    return _from_the_least_severe(baselines, float(worst), sign, may_be_named)


def _from_caseness(baselines: Floats, case: float, sign: int) -> EntryCutoff:
    """People below caseness came too: all baselines together show everyone."""
    return EntryCutoff(
        f"entry at caseness, {_side(case, sign)}",
        known=True,
        cutoff=case,
        mean=float(baselines.mean()),
        sd=float(baselines.std(ddof=1)),
    )


def _from_the_least_severe(
    baselines: Floats, worst: float, sign: int, may_be_named: bool
) -> EntryCutoff:
    """Nobody came below the cut-off: everyone is told from the shape of what lies beyond it."""
    if len(baselines) < FEWEST_BASELINES_FOR_ENTRY:
        words = f"fewer than {FEWEST_BASELINES_FOR_ENTRY}, hardly any below caseness"
        return EntryCutoff(words, known=False)
    lowest = float(baselines.min())
    side = f", {_side(lowest, sign)}" if may_be_named else ""
    whole = bool((baselines == np.round(baselines)).all())
    # whole scores: 18 stands for everything from 17.5
    half = 0.5 if whole else 0.0
    edge = lowest - half
    fit = _fit_cut_off_normal(baselines, edge, worst - half)
    if fit is None:
        words = f"all baselines at the least severe of them or beyond{side}"
        return EntryCutoff(words, known=False)
    mean, sd = fit
    return EntryCutoff(
        f"entry at the least severe baseline{side}",
        known=True,
        cutoff=edge,
        mean=mean,
        sd=sd,
    )


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

    middle = float(values.mean())
    spread = float(values.std())
    inside = (values[values < end] - middle) / spread if spread > 0 else np.empty(0)
    if not inside.size:
        return None
    cut = (edge - middle) / spread
    top = (end - middle) / spread
    loss = _tail_loss(inside, inside.size / values.size, cut, top)
    # wider than what is accepted below, so that the search does not end at a limit
    sd_limits = (np.log(0.5), np.log(10 * WIDEST_SD))
    fit = minimize(
        loss,
        np.zeros(2),
        method="Nelder-Mead",
        bounds=[(-100.0, 10.0), sd_limits],
        options={"xatol": 1e-6, "fatol": 1e-10},
    )
    mean = float(fit.x[0])
    sd = float(np.exp(fit.x[1]))
    too_far = cut - mean > FARTHEST_SD * sd
    if not fit.success or sd > WIDEST_SD or too_far:
        return None
    return middle + spread * mean, spread * sd


def _tail_loss(
    inside: Floats, share: float, cut: float, top: float
) -> Callable[[Floats], float]:
    """Minus the mean log-likelihood of a normal distribution seen beyond `cut`, as a function of
    its mean and ln SD; `inside` are the values below `top`, `share` of all.
    """
    from scipy.special import log_ndtr

    # the likelihood needs the values below the top only through these two
    inside_mean = float(inside.mean())
    inside_variance = float(inside.var())

    def loss(at: Floats) -> float:
        mean = at[0]
        log_sd = at[1]
        sd = np.exp(log_sd)
        squares = inside_variance + (inside_mean - mean) ** 2
        below_top = share * (log_sd + squares / (2 * sd**2))
        at_top = (1 - share) * log_ndtr((mean - top) / sd)
        # every value is beyond the cut-off: the chance of that divides the likelihood
        beyond_cut = log_ndtr((mean - cut) / sd)
        return float(below_top - at_top + beyond_cut)

    return loss


def regression_rows(
    cohort: DerivedCohort, people: pd.DataFrame, entry: EntryCutoff
) -> list[_Row]:
    """The observed fall, and the part that measurement error alone explains; the natural course is
    not in it.
    """
    drop = (people["baseline"] - people["last"]) * cohort.instrument.sign
    half = NORMAL_QUANTILE * float(drop.std()) / np.sqrt(len(drop))
    mean = float(drop.mean())
    words = (
        entry.words
        if entry.known
        else f"the baselines do not show at which score people came ({entry.words})"
    )
    alone = f"improvement by regression to the mean alone, {words}, reliability"
    cells = {
        "observed_drop": {
            "about": "improvement from the baseline to the last score of the course",
            "estimate": mean,
            "ci_low": mean - half,
            "ci_high": mean + half,
        },
        # a reliable score falls little by itself
        "mean_regression_low": {
            "about": f"{alone} {HIGH_RELIABILITY:.2f}",
            "estimate": entry.drop(HIGH_RELIABILITY),
        },
        "mean_regression_high": {
            "about": f"{alone} {LOW_RELIABILITY:g}",
            "estimate": entry.drop(LOW_RELIABILITY),
        },
    }
    return [
        {"key": key, "unit": "points", "n": len(people)} | more
        for key, more in cells.items()
    ]


def regression_words(entry: EntryCutoff) -> str:
    """Template of the sentences on what would be there anyway."""
    null_curve = (
        "What a clinic like this would find if its sessions did nothing is the null curve of"
        f" {asked_as('response_by_session')}"
    )
    if not entry.known:
        return (
            "How much of this is regression to the mean alone cannot be said, because the baselines"
            f" do not show at which score people came ({entry.words}). {null_curve}"
        )
    return (
        "People came when their scores were bad, so scores improve by regression to the mean alone:"
        " by {mean_regression_low.estimate} to {mean_regression_high.estimate} points"
        f" ({entry.words}). The natural course, and what people expect of a treatment, come on top"
        f" and are not in that range. {null_curve}"
    )
