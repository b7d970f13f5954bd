"""The same outcomes under each way of dealing with scores that are missing.

The names of ICH E9(R1) stand beside each: what is done about a further session (nothing: treatment
policy) is one thing, and what is assumed of a missing score is another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np

from kettrack.analysis.context import LEVEL
from kettrack.analysis.horizons.following import HISTORY_COLUMNS, followed_rows
from kettrack.analysis.horizons.visits import (
    CHANGE,
    EFFECT,
    WORSE,
    Visit,
    flags_of,
    scores_on_scale,
    shares_of,
)
from kettrack.arrays import Bools, Floats
from kettrack.errors import NotIdentified
from kettrack.estimators.causal.standardised import FollowedRows, weighted_means
from kettrack.estimators.intervals import wilson, wilson_of_estimate
from kettrack.estimators.regression.imputation import (
    impute_scores,
    pool_means,
    pool_shares,
)
from kettrack.estimators.regression.least_squares import fit_clustered
from kettrack.estimators.regression.repeated_measures import (
    RepeatedMeasures,
    fit_repeated_measures,
)
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.limits import (
    FEWEST_EFFECTIVE_OUTCOMES,
    FEWEST_MISSING_PER_COLUMN,
    MOST_UNLIKE,
    UNSCORED_WORSE_BY_SD,
)

SETS: Final = 50
IMPUTATION_SEED: Final = 1
OutcomeCells = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Strategy:
    """One way with missing scores.

    Parameters
    ----------
    words : str
        As a reader sees it.
    estimand : str
        Its name in ICH E9(R1).
    assumes : str
        What must be true of the people who were not scored.
    """

    words: str
    estimand: str
    assumes: str


OBSERVED: Final = "observed"
COMPOSITE: Final = "non_responder"
WEIGHTED: Final = "weighted"
IMPUTED: Final = "imputed"
REPEATED: Final = "repeated_measures"
SHIFTED: Final = "delta"
BEST: Final = "best_case"
WORST: Final = "worst_case"
_POLICY: Final = "treatment policy"
_ALIKE: Final = "they are like scored people with the same earlier scores"
STRATEGIES: Final = {
    OBSERVED: Strategy(
        "observed only",
        f"{_POLICY}, of the people scored",
        "nothing: it speaks of the scored only",
    ),
    COMPOSITE: Strategy(
        "not scored counts as not better",
        "composite variable",
        "nothing: not to be scored is itself a bad outcome",
    ),
    WEIGHTED: Strategy("inverse-probability weights", _POLICY, _ALIKE),
    IMPUTED: Strategy("multiple imputation", _POLICY, _ALIKE),
    REPEATED: Strategy("repeated-measures mixed model (MMRM)", _POLICY, _ALIKE),
    SHIFTED: Strategy(
        f"imputed, and {UNSCORED_WORSE_BY_SD:g} SD worse",
        f"{_POLICY}, sensitivity",
        f"they are {UNSCORED_WORSE_BY_SD:g} SD worse than such people",
    ),
    BEST: Strategy(
        "best case", f"{_POLICY}, bound", "all of them are as well as can be"
    ),
    WORST: Strategy(
        "worst case", f"{_POLICY}, bound", "all of them are as ill as can be"
    ),
}


@dataclass(frozen=True, slots=True)
class Completed:
    """Imputed scores of everybody at a horizon, and the model they come from.

    Parameters
    ----------
    scores : float64, shape (sets, people)
        Those that are known are the same in every set.
    model : RepeatedMeasures
    """

    scores: Floats
    model: RepeatedMeasures


def complete(visit: Visit, draws: int = SETS, seed: int = IMPUTATION_SEED) -> Completed:
    """Impute the scores that are missing at a horizon.

    Raises
    ------
    NotIdentified
        When there are too few scores for the model.
    """
    x = _covariates(visit)
    model = fit_repeated_measures(x, visit.visits)
    # What came after the horizon helps the model; people leave in the order of time.
    before = visit.visits[:, : visit.place + 1]
    return Completed(impute_scores(model, x, before, draws, seed), model)


def _covariates(visit: Visit) -> Floats:
    """Intercept, and baselines where they differ."""
    ones = np.ones(len(visit.baseline))
    if np.ptp(visit.baseline) == 0:
        return ones[:, None]
    return np.column_stack([ones, visit.baseline])


class Estimates:
    """Outcomes of one horizon under every strategy.

    Parameters
    ----------
    cohort : DerivedCohort
        Rules and scale.
    visit : Visit
        Who could be scored, and who was.
    """

    def __init__(
        self,
        cohort: DerivedCohort,
        visit: Visit,
    ) -> None:
        self.cohort = cohort
        self.visit = visit
        self.n = len(visit.baseline)
        self.spread = float(visit.baseline.std(ddof=1)) if self.n > 1 else np.nan

    # ---- without a model

    def observed(self) -> OutcomeCells:
        """The scored only, each for themselves; the effect size at the severity of everybody."""
        known = self.visit.scored
        baseline = self.visit.baseline[known]
        score = self.visit.score[known]
        cells = _counts(flags_of(self.cohort, baseline, score))
        change = score - baseline
        cells[CHANGE] = _mean_cells(change)
        # The scored may have come more or less ill than everybody did.
        apart = baseline - self.visit.baseline.mean()
        varying = apart if np.ptp(apart) > 0 else apart[:0]
        columns = [np.ones(len(score)), *([varying] if len(varying) else [])]
        fit = fit_clustered(np.column_stack(columns), change, np.arange(len(score)))
        cells[EFFECT] = self._effect(
            float(fit.coefficients[0]), float(fit.error[0]) ** 2, len(score) - 2
        )
        return cells

    def non_responder(self) -> OutcomeCells:
        """Whoever was not scored is not better: no response, no change. It says nothing of harm."""
        known = self.visit.scored
        flags = flags_of(self.cohort, self.visit.baseline, self._filled(np.nan))
        kept = {name: flag & known for name, flag in flags.items() if name != WORSE}
        score = np.where(known, self.visit.score, self.visit.baseline)
        return _counts(kept) | self._change_cells(score)

    def bound(
        self,
        best: bool,
    ) -> OutcomeCells:
        """Everybody who was not scored is as well, or as ill, as the scale can tell."""
        scale = self.cohort.instrument
        lowest = best == scale.higher_is_worse
        score = self._filled(scale.minimum if lowest else scale.maximum)
        known = self.visit.scored
        flags = flags_of(self.cohort, self.visit.baseline, score)
        sure = {
            name: np.where(known, flag, (name == WORSE) != best)
            for name, flag in flags.items()
        }
        return _counts(sure) | self._change_cells(score)

    def _filled(
        self,
        value: float,
    ) -> Floats:
        """The scores with one value for all that are missing; NaN = the baseline."""
        other = self.visit.baseline if np.isnan(value) else value
        return np.where(self.visit.scored, self.visit.score, other)

    def _change_cells(
        self,
        score: Floats,
    ) -> OutcomeCells:
        change = _mean_cells(score - self.visit.baseline)
        return {CHANGE: change, EFFECT: self._scaled(score - self.visit.baseline)}

    def _scaled(
        self,
        change: Floats,
    ) -> dict[str, Any]:
        n = len(change)
        return self._effect(float(change.mean()), float(change.var(ddof=1)) / n, n - 1)

    def _effect(
        self,
        mean: float,
        variance: float,
        freedom: float,
    ) -> dict[str, Any]:
        """A mean in SDs of the baseline; the SD is itself an estimate."""
        if not self.spread > 0 or freedom < 1:
            return {"estimate": np.nan}
        effect = mean / self.spread
        # The variance of a ratio, with that of a standard deviation of n people.
        error = variance / self.spread**2 + effect**2 / (2 * (self.n - 1))
        return _student(effect, error, freedom)

    # ---- with a model

    def weighted(self) -> OutcomeCells:
        """Scored people stand for those like them who were not.

        Raises
        ------
        NotIdentified
            When too few are missing, or too few scored, to tell why.
        """
        known = self.visit.scored
        score = self._filled(np.nan)
        flags = flags_of(self.cohort, self.visit.baseline, score)
        if known.all():
            # Everybody weighs the same, and there is no chance to fit.
            return _counts(flags) | self._change_cells(score)
        change = score - self.visit.baseline
        names = list(flags)
        outcomes = np.column_stack([*(flags[name] for name in names), change])
        rows = followed_rows(self.cohort, self.visit)
        self._require_weights(rows)
        found = weighted_means(rows, known, outcomes.astype(np.float64))
        few = found.effective < FEWEST_EFFECTIVE_OUTCOMES
        if few or found.unlike > MOST_UNLIKE:
            raise NotIdentified(
                "the people scored stand for too few of the others.",
                "scores of more people at the horizon.",
            )
        cells: OutcomeCells = {}
        # An effective number of people, not their number, is behind a weighted share.
        for place, name in enumerate(names):
            cells[name] = _share_cells(
                found.means[place], found.variances[place], found.effective
            )
        mean = float(found.means[-1])
        variance = float(found.variances[-1])
        freedom = found.effective - 1
        cells[CHANGE] = _student(mean, variance, freedom)
        return cells | {EFFECT: self._effect(mean, variance, freedom)}

    def _require_weights(
        self,
        rows: FollowedRows,
    ) -> None:
        fewest = FEWEST_MISSING_PER_COLUMN * HISTORY_COLUMNS
        missing = len(rows.stays) - int(rows.stays.sum())
        # People who leave tell why; the others stand for them.
        if min(missing, int(self.visit.scored.sum())) < fewest:
            raise NotIdentified(
                f"fewer than {fewest} people were scored, or not scored, at the horizon.",
                "more people.",
            )

    def imputed(
        self,
        completed: Completed,
        shift: float = 0.0,
    ) -> OutcomeCells:
        """Rubin's rules over the completed sets; the silent may be worse by some points."""
        moved = np.where(self.visit.scored, 0.0, shift * self.cohort.instrument.sign)
        scores = completed.scores + moved
        silent = ~self.visit.scored
        # A score that is known stays as it is, prorated ones with their decimals.
        real = scores.copy()
        real[:, silent] = scores_on_scale(self.cohort, scores[:, silent])
        flags = flags_of(self.cohort, self.visit.baseline, real)
        cells: OutcomeCells = {}
        for name, flag in flags.items():
            pooled = pool_shares(flag)
            # At 0 and 100 % nobody is certain of more people than were scored.
            people = int(self.visit.scored.sum())
            cells[name] = _share_cells(pooled.estimate, pooled.variance, people)
        # A mean keeps scores that lie beyond the scale: to cut them off would move it.
        change = pool_means(scores - self.visit.baseline)
        cells[CHANGE] = _student(change.estimate, change.variance, change.freedom)
        return cells | {
            EFFECT: self._effect(change.estimate, change.variance, change.freedom)
        }

    def repeated(
        self,
        model: RepeatedMeasures,
    ) -> OutcomeCells:
        """Mean at the average baseline; a model of means says nothing of shares."""
        last = self.visit.place
        average = float(self.visit.baseline.mean())
        columns = model.coefficients.shape[1]
        row = [1.0, average][:columns]
        mean, _ = model.mean(last, row)
        seen, freedom = model.seen_variance(last, row)
        slope = float(model.coefficients[last, 1]) if columns > 1 else 0.0
        # The average baseline is that of these people, who are themselves a sample.
        between = (slope - 1) ** 2 * self.spread**2 / self.n
        between = between if columns > 1 else 0.0
        variance = seen + between
        # Each part is known as well as its own degrees of freedom say (Satterthwaite).
        parts = seen**2 / freedom + between**2 / (self.n - 1)
        freedom = variance**2 / parts
        change = mean - average
        return {
            CHANGE: _student(change, variance, freedom),
            EFFECT: self._effect(change, variance, freedom),
        }

    def shift(self) -> float:
        """Points by which the silent are worse in the delta-adjusted strategy."""
        score = self.visit.score[self.visit.scored]
        return UNSCORED_WORSE_BY_SD * float(score.std(ddof=1))


def _counts(flags: dict[str, Bools]) -> OutcomeCells:
    """Plain counts, with Wilson's interval, or the exact one at 0 and 100 %."""
    cells: OutcomeCells = {}
    for name, flag in flags.items():
        events = int(flag.sum())
        n = len(flag)
        cells[name] = {"events": events, "n": n} | wilson(events, n, LEVEL)._asdict()
    return cells


def _share_cells(
    share: float,
    variance: float,
    people: float,
) -> dict[str, Any]:
    return wilson_of_estimate(
        float(share), float(variance), float(people), LEVEL
    )._asdict()


def _mean_cells(values: Floats) -> dict[str, Any]:
    n = len(values)
    if n < 2:
        return {"estimate": np.nan}
    variance = float(values.var(ddof=1)) / n
    return {"n": n} | _student(float(values.mean()), variance, n - 1)


def _student(
    mean: float,
    variance: float,
    freedom: float,
) -> dict[str, Any]:
    """A mean with Student's interval."""
    from scipy.special import stdtrit

    half = float(stdtrit(freedom, 0.5 + LEVEL / 2)) * float(np.sqrt(variance))
    return {"estimate": mean, "ci_low": mean - half, "ci_high": mean + half}


def outcome_names(cohort: DerivedCohort) -> tuple[str, ...]:
    """Outcomes in the order of a table."""
    return (*shares_of(cohort), CHANGE, EFFECT)


def gather(
    estimates: Estimates, completed: Completed | NotIdentified, names: Iterable[str]
) -> tuple[dict[str, OutcomeCells], dict[str, str]]:
    """Outcomes of each strategy, and the reason of each that has none."""
    found: dict[str, OutcomeCells] = {}
    # A strategy that these data cannot carry leaves the others as they are.
    without: dict[str, str] = {}
    for name in names:
        try:
            found[name] = _cells_of(estimates, completed, name)
        except NotIdentified as error:
            without[name] = error.reason
    return found, without


def _cells_of(
    estimates: Estimates,
    completed: Completed | NotIdentified,
    name: str,
) -> OutcomeCells:
    plain: dict[str, Callable[[], OutcomeCells]] = {
        OBSERVED: estimates.observed,
        COMPOSITE: estimates.non_responder,
        WEIGHTED: estimates.weighted,
        BEST: partial(estimates.bound, best=True),
        WORST: partial(estimates.bound, best=False),
    }
    if name in plain:
        return plain[name]()
    if isinstance(completed, NotIdentified):
        raise completed
    if name == REPEATED:
        return estimates.repeated(completed.model)
    shift = estimates.shift() if name == SHIFTED else 0.0
    return estimates.imputed(completed, shift)
