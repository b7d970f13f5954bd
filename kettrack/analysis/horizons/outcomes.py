"""What one score at a horizon means: response, remission, reliable change, and change in points."""

from __future__ import annotations

from typing import Final

import numpy as np

from kettrack.arrays import Bools, Floats
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.published.reliable_change import CHANGES, classify_change
from kettrack.timelines.states import meets

RESPONSE: Final = "response"
REMISSION: Final = "remission"
IMPROVED: Final = "reliable_improvement"
RECOVERED: Final = "reliable_recovery"
WORSE: Final = "reliable_deterioration"
CHANGE: Final = "change"
EFFECT: Final = "effect_size"
# Outcome -> what it is, and its unit; the harm stands beside the good news.
OUTCOMES: Final = {
    RESPONSE: ("response", "%"),
    REMISSION: ("remission", "%"),
    IMPROVED: ("improved by a reliable change", "%"),
    RECOVERED: ("reliably improved and no longer a case", "%"),
    WORSE: ("worse by a reliable change", "%"),
    CHANGE: ("mean change", "points"),
    EFFECT: (
        "mean change at the severity of everybody counted, in SDs of their baselines",
        "SD",
    ),
}


def shares_of(cohort: DerivedCohort) -> tuple[str, ...]:
    """Outcomes that are shares of people, as far as the scale and the rules define them."""
    rules = cohort.criteria
    # A recalled value is no default anywhere, so there is then no reliable change.
    reliable = cohort.instrument.reliable_change
    known = reliable is not None and reliable.usable
    case = rules.caseness is not None
    there = {
        RESPONSE: rules.response is not None,
        REMISSION: rules.remission is not None,
        IMPROVED: known,
        RECOVERED: known and case,
        WORSE: known,
    }
    return tuple(name for name, defined in there.items() if defined)


def flags_of(
    cohort: DerivedCohort, baseline: Floats, score: Floats
) -> dict[str, Bools]:
    """Whether each score has each outcome.

    Parameters
    ----------
    cohort : DerivedCohort
        Rules and scale.
    baseline : float64, shape (n,)
    score : float64, shape (n,) or (sets, n)
        Without a missing one.
    """
    change = score - baseline
    above = np.broadcast_to(baseline - cohort.instrument.minimum, score.shape)
    # Nothing can fall by half from the lowest score there is.
    percent = np.divide(
        100 * change, above, out=np.full(score.shape, np.nan), where=above > 0
    )
    measures = {"score": score, "change": change, "percent_change": percent}
    rules = cohort.criteria
    found = {
        RESPONSE: meets(rules.response, measures),
        REMISSION: meets(rules.remission, measures),
        **_reliable(cohort, baseline, score),
    }
    shown = shares_of(cohort)
    return {name: np.asarray(found[name]) for name in OUTCOMES if name in shown}


def scores_on_scale(cohort: DerivedCohort, score: Floats) -> Floats:
    """Imputed scores as the scale has them: a rule speaks of scores that exist, so 4.4 is a 4, and
    nothing lies beyond the ends.
    """
    scale = cohort.instrument
    whole = np.round(score) if scale.whole_numbers else score
    return np.asarray(np.clip(whole, scale.minimum, scale.maximum))


def _reliable(
    cohort: DerivedCohort, baseline: Floats, score: Floats
) -> dict[str, Bools]:
    """The outcomes of reliable change; nothing where the scale has none."""
    scale = cohort.instrument
    reliable = scale.reliable_change
    if reliable is None or not reliable.usable:
        return {}
    caseness = cohort.criteria.caseness
    before = np.broadcast_to(baseline, score.shape).ravel()
    kinds = classify_change(
        before,
        score.ravel(),
        reliable.value,
        caseness.value if caseness else np.nan,
        scale.higher_is_worse,
    )
    code = np.asarray(kinds.codes).reshape(score.shape)
    place = CHANGES.index
    return {
        # Whoever has recovered has improved as well.
        IMPROVED: code >= place("improved"),
        RECOVERED: code == place("recovered"),
        WORSE: code == place("deteriorated"),
    }
