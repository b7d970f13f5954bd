"""The table of `next_session`: the answer, by group, the same question asked in other ways, what
would change the answer, the two arms, and the decisions that are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.next_session.decisions import (
    EXCLUSIONS,
    HISTORY,
    DecisionPoints,
    Grace,
    exclusion_codes,
)
from kettrack.analysis.next_session.diagnostics import (
    OPEN_PROBABILITY,
    NegativeControl,
    e_values,
    negative_control,
    overlap,
)
from kettrack.analysis.next_session.outcome_model import (
    Interval,
    OutcomeModel,
    crude_difference,
    fit_trials,
    fitted_again,
    fitted_with_weights,
    overlap_weighted_difference,
)
from kettrack.analysis.next_session.protocol import (
    EXCLUSION_WORDS,
    TrialGroup,
    TrialProtocol,
)
from kettrack.analysis.next_session.trials import Trials, find_trials
from kettrack.analysis.next_session.unscored import ARMS, unscored_bounds
from kettrack.errors import NotIdentified
from kettrack.result import Role
from kettrack.timelines.bucket import Array
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.instruments import GAD7, PHQ9
from kettrack.vocabulary.limits import FEWEST_DECISIONS_IN_GROUP

ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "about": "label",
    "unit": "label",
    "trials": "denominator",
    "n": "denominator",
    "count": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    "size": "derived",
    "size_low": "derived",
    "size_high": "derived",
    "note": "label",
}
# Difference in sessions received that may be called one more session; kettrack's own convention.
ONE_SESSION: Final = (0.75, 1.5)
# The sentence reads from this beginning of a row whether the answer may be called so.
ONE_MORE: Final = "one more session"
# Notes of a negative control: one that differs, and one that does not.
UNRECORDED: Final = "reasons that were not recorded decide who goes on"
NO_DIFFERENCE: Final = (
    "no difference found, which does not prove that every reason was recorded"
)
# True = went on; the keys of the rows of each arm begin with it.
_ARM_KEYS: Final = {True: "on", False: "off"}
_Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TrialSetup:
    """How the trials are made: the protocol, grace and recall in days, and the instrument the
    outcome is measured on.
    """

    protocol: TrialProtocol
    grace: Grace
    recall: int
    instrument: Instrument

    def difference(self, trials: Trials) -> Interval:
        """The answer as this question asks it."""
        return fit_trials(trials, self.protocol.weighted_for_wait).difference()


def left_out_instrument(cohort: DerivedCohort) -> str:
    """The measure kept out of the history: depression beside anxiety, anxiety beside all else."""
    # a scale of the same construct would tell what the history tells already
    return PHQ9.name if cohort.instrument.construct == "anxiety" else GAD7.name


def answer_table(
    cohort: DerivedCohort, protocol: TrialProtocol, recall: int
) -> tuple[pd.DataFrame, OutcomeModel]:
    """Every row of the answer to a question about the next session, and the fit behind it.

    Raises
    ------
    NotIdentified
        As `fit_trials`.
    """
    left_out = left_out_instrument(cohort)
    points = protocol.points(cohort, left_out)
    model, setup = _fitted(points, protocol, recall, cohort.instrument)
    # the answer comes first: the sentence and other questions read it by its key
    rows = [
        *_answer_rows(model, setup),
        *_sensitivity_rows(points, model, setup),
        *_diagnostic_rows(model, left_out),
        *_arm_rows(model.trials, protocol),
        *_exclusion_rows(points, setup),
    ]
    table = pd.DataFrame(rows).reindex(columns=list(ROLES))
    count = table["count"].astype("Int64")
    note = table["note"].fillna("")
    return table.assign(count=count, note=note, **_sizes(table)), model


def first_row(
    cohort: DerivedCohort,
    protocol: TrialProtocol,
    recall: int,
) -> _Row:
    """The answer without the rows beside it, which take most of the time."""
    points = protocol.points(cohort, left_out_instrument(cohort))
    return _answer_row(*_fitted(points, protocol, recall, cohort.instrument))


def _fitted(
    points: DecisionPoints, protocol: TrialProtocol, recall: int, scale: Instrument
) -> tuple[OutcomeModel, TrialSetup]:
    setup = TrialSetup(protocol, protocol.grace(points), recall, scale)
    trials = find_trials(points, setup.grace, setup.recall)
    return fit_trials(trials, protocol.weighted_for_wait), setup


def _sizes(table: pd.DataFrame) -> dict[str, pd.Series]:
    """Estimate and interval turned so that the estimate is not negative: the ends change places."""
    turned = table["estimate"] < 0
    low = table["ci_low"]
    high = table["ci_high"]
    return {
        "size": table["estimate"].abs(),
        "size_low": low.where(~turned, -high),
        "size_high": high.where(~turned, -low),
    }


def _row(
    key: str,
    about: str,
    unit: str,
    trials: Trials,
    value: Interval | float = np.nan,
    **more: Any,
) -> _Row:
    """One row of the table; `n` is the number of patients behind `trials`."""
    # a plain number has no interval
    if not isinstance(value, Interval):
        value = Interval(value, np.nan, np.nan)
    return {
        "key": key,
        "about": about,
        "unit": unit,
        "trials": trials.n,
        "n": trials.n_people,
        "estimate": value.estimate,
        "ci_low": value.low,
        "ci_high": value.high,
    } | more


def _mean_received(trials: Trials, arm: bool) -> float:
    """Mean number of session days between the decision and the outcome, where the outcome is
    there.
    """
    return float(np.nanmean(trials.in_arm(arm).received))


def _is_one_session(trials: Trials) -> bool:
    """Whether the arms differ by about one session, so that the answer may be called one more
    session.
    """
    low, high = ONE_SESSION
    difference = _mean_received(trials, True) - _mean_received(trials, False)
    return low <= difference <= high


def _answer_rows(model: OutcomeModel, setup: TrialSetup) -> list[_Row]:
    """The answer, and the same fit averaged over groups of trials."""
    trials = model.trials
    # every trial is in one group by session and in one by score, so the groups make up the whole
    groups = setup.protocol.groups(trials) + _groups_by_score(trials, setup.instrument)
    return [_answer_row(model, setup)] + [
        _group_row(key, about, model, chosen) for key, about, chosen in groups
    ]


def _answer_row(model: OutcomeModel, setup: TrialSetup) -> _Row:
    trials = model.trials
    name = ONE_MORE if _is_one_session(trials) else "going on versus pausing"
    about = f"{name}, mean over all eligible decisions"
    return _row(setup.protocol.name, about, "points", trials, model.difference())


def _groups_by_score(trials: Trials, instrument: Instrument) -> list[TrialGroup]:
    """Trials by the severity band of the last score before the decision."""
    score = trials.history[:, HISTORY.index("score")]
    # a band ends where the next begins, so that a score between whole numbers belongs to one
    ends = [band.low for band in instrument.bands[1:]] + [np.inf]
    groups = []
    for band, end in zip(instrument.bands, ends, strict=False):
        about = f"decided at a score of {band.low:g}-{band.high:g} ({band.label})"
        inside = (score >= band.low) & (score < end)
        groups.append((f"score_{band.low:g}", about, inside))
    return groups


def _group_row(key: str, about: str, model: OutcomeModel, chosen: Array) -> _Row:
    trials = model.trials.take(chosen)
    # outcomes, not people: a missing outcome tells nothing about the difference
    with_session = (trials.arm & trials.observed).sum()
    without = (~trials.arm & trials.observed).sum()
    if min(with_session, without) < FEWEST_DECISIONS_IN_GROUP:
        note = (
            f"fewer than {FEWEST_DECISIONS_IN_GROUP} outcomes in one of the two groups"
        )
        return _row(key, about, "points", trials, note=note)
    return _row(key, about, "points", trials, model.difference(chosen))


def _sensitivity_rows(
    points: DecisionPoints, model: OutcomeModel, setup: TrialSetup
) -> list[_Row]:
    """The same question asked in other ways; what cannot be answered that way stays, with the
    reason.
    """
    trials = model.trials
    rows = [
        _sensitivity_row(
            "crude",
            "without any adjustment: biased by design",
            trials,
            crude_difference,
        ),
        _sensitivity_row(
            "overlap_weighted",
            "without history x arm: decisions that could go either way count most",
            trials,
            lambda _: overlap_weighted_difference(model),
        ),
        _sensitivity_row(
            "worst_score",
            "missing outcomes replaced by the worst observed outcome",
            _with_worst_outcome(trials, setup.instrument.sign),
            partial(fitted_again, model, setup.protocol.weighted_for_wait),
        ),
    ]
    # other graces make other trials, from the same decisions
    graces = (("half_grace", setup.grace // 2), ("double_grace", 2 * setup.grace))
    words = setup.protocol.words.graces
    for (key, grace), about in zip(graces, words, strict=True):
        other = find_trials(points, grace, setup.recall)
        rows.append(_sensitivity_row(key, about, other, setup.difference))
    rows.append(_waiting_row(model, setup))
    return rows + _unscored_rows(model, setup)


def _unscored_rows(model: OutcomeModel, setup: TrialSetup) -> list[_Row]:
    """How far the people without an outcome could move the answer."""
    trials = model.trials
    answer = model.difference()
    bounds = unscored_bounds(
        trials, model.history, answer.low, answer.high, setup.instrument.sign
    )
    missing = trials.take(~trials.observed)
    about = (
        "if the unscored were up to half an SD worse than similar people with a score"
    )
    moved = Interval(answer.estimate, bounds.low, bounds.high)
    note = ""
    if not missing.n:
        note = "everybody was scored"
    elif np.isnan(bounds.tipping):
        note = "the interval holds 0 already"
    return [
        _row("unscored_worse", about, "points", trials, moved),
        _row(
            "unscored_worse_by",
            "half an SD of the outcome: how much worse the unscored are taken to be",
            "points",
            missing,
            bounds.worse_by,
        ),
        _row(
            "unscored_tipping",
            (
                "difference of the unscored of one group from similar people with a score that"
                " would bring the interval to 0"
            ),
            "points",
            missing,
            bounds.tipping,
            note=note,
        ),
    ]


def _waiting_row(model: OutcomeModel, setup: TrialSetup) -> _Row:
    """The answer without the weights for scores while the decision was open, or with them where the
    answer goes without.
    """
    key = "clones"
    about = "weighted for scores taken while the decision was open (experimental)"
    analyse = partial(fitted_with_weights, model)
    if setup.protocol.weighted_for_wait:
        key = "unweighted"
        about = "not weighted for scores taken while the decision was open"
        analyse = partial(fitted_again, model, False)
    return _sensitivity_row(key, about, model.trials, analyse)


def _sensitivity_row(
    key: str, about: str, trials: Trials, analyse: Callable[[Trials], Interval]
) -> _Row:
    # a refusal here is a row with its reason and never takes the answer with it
    try:
        return _row(key, about, "points", trials, analyse(trials))
    except NotIdentified as error:
        return _row(key, about, "points", trials, note=error.reason)


def _with_worst_outcome(trials: Trials, sign: int) -> Trials:
    """Missing outcomes replaced by the worst observed one; `sign` is 1 where higher is worse."""
    # the sign turns every scale so that the largest is the worst, and back again
    worst = sign * np.nanmax(sign * trials.outcome)
    return trials.with_outcome(np.where(trials.observed, trials.outcome, worst))


def _diagnostic_rows(model: OutcomeModel, left_out: str) -> list[_Row]:
    """What would change the answer: overlap, weights, the E-value, a measure left out."""
    trials = model.trials
    answer = model.difference()
    # the spread of those who paused: what the outcome varies by without another session
    controls = trials.outcome[~trials.arm & trials.observed]
    spread = float(controls.std(ddof=1))
    of_answer, of_near_end = e_values(answer.estimate, answer.low, answer.high, spread)
    could_go = " to ".join(f"{end:.2f}"[1:] for end in OPEN_PROBABILITY)
    rows = [
        _row(
            "overlap",
            f"decisions that could have gone either way (fitted probability {could_go})",
            "%",
            trials,
            overlap(model.decisions.going_on),
        ),
        _row(
            "largest_weight",
            "largest weight for missing outcomes",
            "weight",
            trials,
            float(model.weights.max()),
        ),
        _row(
            "e_value",
            "strength of an unrecorded reason that would explain the whole difference",
            "risk ratio",
            trials,
            of_answer,
        ),
        _row(
            "e_value_limit",
            "strength of an unrecorded reason that would bring the interval to 0",
            "risk ratio",
            trials,
            of_near_end,
        ),
    ]
    control = negative_control(
        trials.left_out_measure, trials.arm, model.history, trials.patient
    )
    return rows + _control_rows(trials, control, left_out)


def _control_rows(
    trials: Trials, control: NegativeControl | None, left_out: str
) -> list[_Row]:
    # its own people: the measure may be there for a part of the decisions only
    measured = trials.take(~np.isnan(trials.left_out_measure))
    about = (
        f"{left_out} at the time of the decision, at equal histories: those who went on minus the"
        " others"
    )
    if control is None:
        note = f"{left_out} was hardly ever recorded at the decisions"
        return [_row("negative_control", about, "points", measured, note=note)]
    difference = Interval(control.difference, control.low, control.high)
    note = UNRECORDED if control.fires else NO_DIFFERENCE
    return [
        _row("negative_control", about, "points", measured, difference, note=note),
        _row(
            "negative_control_detectable",
            f"smallest difference in {left_out} that this test would usually have found",
            "SD",
            measured,
            control.detectable,
        ),
    ]


def _arm_rows(trials: Trials, protocol: TrialProtocol) -> list[_Row]:
    """What each arm was: its outcome, when, after how many sessions, how complete; deaths and
    admissions.
    """
    rows = [
        _row(key, about, unit, trials, value)
        for key, about, unit, value in protocol.more_rows(trials)
    ]
    everybody = "decisions with an outcome"
    rows.append(_count_row("all_scored", everybody, trials, trials.observed))
    for arm, words in ARMS:
        part = trials.in_arm(arm)
        rows += _means_of_arm(part, arm, words) + _counts_of_arm(part, arm, words)
    # no session within the grace: some stopped for good, some came later
    off = trials.in_arm(False)
    never = "those who had none: no later session in the log"
    later = "those who had none: it came later"
    rows.append(_count_row("off_stopped", never, off, off.stopped))
    rows.append(_count_row("off_delayed", later, off, ~off.stopped))
    return rows


def _means_of_arm(part: Trials, arm: bool, words: str) -> list[_Row]:
    key = _ARM_KEYS[arm]
    # means of the outcome are of those who have one, counts below of everybody in the arm
    seen = part.take(part.observed)
    score = float(seen.outcome.mean())
    day = float(seen.after.mean())
    sessions = _mean_received(part, arm)
    about_score = f"mean outcome of those who {words} in the grace"
    about_day = f"mean day of the outcome, those who {words}"
    about_sessions = f"sessions up to the outcome, those who {words}"
    return [
        _row(f"{key}_score", about_score, "points", seen, score),
        _row(f"{key}_day", about_day, "days", seen, day),
        _row(f"{key}_sessions", about_sessions, "sessions", seen, sessions),
    ]


def _counts_of_arm(part: Trials, arm: bool, words: str) -> list[_Row]:
    key = _ARM_KEYS[arm]
    who = f"those who {words}"
    died = f"{who}: died before the end of the window"
    admitted = f"{who}: admitted before the end of the window"
    return [
        _count_row(f"{key}_observed", f"{who}: with an outcome", part, part.observed),
        _count_row(f"{key}_died", died, part, part.died),
        _count_row(f"{key}_admitted", admitted, part, part.admitted),
    ]


def _count_row(key: str, about: str, part: Trials, chosen: Array) -> _Row:
    percent = float(100 * chosen.mean())
    count = int(chosen.sum())
    return _row(key, about, "% of decisions", part, percent, count=count)


def _exclusion_rows(points: DecisionPoints, setup: TrialSetup) -> list[_Row]:
    """Decision points that are no trial, by the first reason that applies."""
    codes = exclusion_codes(points, setup.grace, setup.recall)
    # each point has one code, so these rows and the trials add up to all decision points
    rows = []
    for name in setup.protocol.exclusions:
        here = codes == EXCLUSIONS.index(name)
        row = {
            "key": f"left_out_{name}",
            "about": f"left out: {EXCLUSION_WORDS[name]}",
            "unit": "decisions",
            "trials": int(here.sum()),
            "n": len(np.unique(points.patient[here])),
        }
        rows.append(row)
    return rows
