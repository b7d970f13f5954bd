"""The rows of `next_session`: the answer, by group, what was done to test it, the arms, and who was
left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from kettrack.analysis.next_session.clones import steering_weights
from kettrack.analysis.next_session.diagnostics import (
    NegativeControl,
    e_values,
    negative_control,
    overlap,
)
from kettrack.analysis.next_session.fit import (
    ARMS,
    Fitted,
    Interval,
    crude,
    fit_trials,
    overlap_weighted,
)
from kettrack.analysis.next_session.points import HISTORY, LEFT_OUT, Points
from kettrack.analysis.next_session.question import REASONS, Question
from kettrack.analysis.next_session.trials import Grace, Trials, faults_of, find_trials
from kettrack.errors import NotIdentified
from kettrack.timelines.bucket import Array
from kettrack.vocabulary.instrument import Instrument

Row = dict[str, Any]
# trials in each arm below which a group has no row of its own
FEWEST_IN_GROUP: Final = 10
# difference in sessions received that may be called one more session
ONE_SESSION: Final = (0.75, 1.5)
# note of a negative control that differs
UNRECORDED: Final = "not recorded reasons decide who goes on"
_ARM_KEYS: Final = {True: "on", False: "off"}


@dataclass(frozen=True, slots=True)
class Frame:
    """How the trials are made: the question, grace and recall in days, and the instrument the
    outcome is measured on.
    """

    question: Question
    grace: Grace
    recall: int
    instrument: Instrument


def row(
    key: str,
    about: str,
    unit: str,
    trials: Trials,
    found: Interval | float = np.nan,
    **more: Any,
) -> Row:
    """One row of the table; `n` is the number of patients behind `trials`."""
    values = found if isinstance(found, Interval) else Interval(found, np.nan, np.nan)
    return {
        "key": key,
        "about": about,
        "unit": unit,
        "trials": len(trials.arm),
        "n": len(np.unique(trials.patient)),
        "estimate": values.estimate,
        "ci_low": values.low,
        "ci_high": values.high,
    } | more


def received(trials: Trials, arm: bool) -> float:
    """Mean number of session days between the decision and the outcome, where the outcome is
    there.
    """
    return float(np.nanmean(trials.received[trials.arm == arm]))


def is_one_session(trials: Trials) -> bool:
    """Whether the arms differ by about one session, so that the answer may be called one more
    session.
    """
    return (
        ONE_SESSION[0]
        <= received(trials, True) - received(trials, False)
        <= ONE_SESSION[1]
    )


def answer_rows(fitted: Fitted, frame: Frame) -> list[Row]:
    """The answer, and the same fit averaged over groups of trials."""
    trials = fitted.trials
    name = "one more session" if is_one_session(trials) else "going on versus pausing"
    rows = [
        row(
            frame.question.name,
            f"{name}, mean over all who were eligible",
            "points",
            trials,
            fitted.difference(),
        )
    ]
    score = trials.history[:, HISTORY.index("score")]
    bands = frame.instrument.bands
    groups = frame.question.groups(trials)
    for place, band in enumerate(bands):
        inside = (score >= band.low) & (
            score < (bands[place + 1].low if place + 1 < len(bands) else np.inf)
        )
        groups.append(
            (
                f"score_{band.low:g}",
                f"decided at a score of {band.low:g}-{band.high:g} ({band.label})",
                inside,
            )
        )
    return rows + [_group(key, about, fitted, chosen) for key, about, chosen in groups]


def _group(key: str, about: str, fitted: Fitted, chosen: Array) -> Row:
    trials = fitted.trials.take(chosen)
    if (
        min((trials.arm & trials.observed).sum(), (~trials.arm & trials.observed).sum())
        < FEWEST_IN_GROUP
    ):
        return row(
            key,
            about,
            "points",
            trials,
            note=f"fewer than {FEWEST_IN_GROUP} outcomes in an arm",
        )
    return row(key, about, "points", trials, fitted.difference(chosen))


def sensitivity_rows(points: Points, fitted: Fitted, frame: Frame) -> list[Row]:
    """The same question asked otherwise; what cannot be answered that way stays, with the
    reason.
    """
    trials = fitted.trials
    sign = frame.instrument.sign
    worst = trials.with_outcome(
        np.where(
            trials.observed, trials.outcome, sign * np.nanmax(sign * trials.outcome)
        )
    )
    rows = [
        _tried(
            "crude", "as it stands, nothing held equal: biased by design", trials, crude
        ),
        _tried(
            "overlap_weighted",
            "without history x arm: more where either is usual",
            trials,
            lambda _: overlap_weighted(fitted),
        ),
        _tried(
            "worst_score",
            "missing outcomes taken as the worst there was",
            worst,
            _difference,
        ),
    ]
    graces = (("half_grace", frame.grace // 2), ("double_grace", 2 * frame.grace))
    for (key, grace), words in zip(graces, frame.question.words.graces, strict=True):
        rows.append(
            _tried(key, words, find_trials(points, grace, frame.recall), _difference)
        )
    about = "weighted for scores taken while the decision was open (experimental)"
    return [*rows, _tried("clones", about, trials, lambda _: _steered(fitted))]


def _tried(
    key: str, about: str, trials: Trials, ask: Callable[[Trials], Interval]
) -> Row:
    try:
        return row(key, about, "points", trials, ask(trials))
    except NotIdentified as error:
        return row(key, about, "points", trials, note=error.reason)


def _difference(trials: Trials) -> Interval:
    return fit_trials(trials).difference()


def _steered(fitted: Fitted) -> Interval:
    return fit_trials(
        fitted.trials, steering_weights(fitted.trials, fitted.history)
    ).difference()


def diagnostic_rows(fitted: Fitted, left_out: str) -> list[Row]:
    """What would change the answer: overlap, weights, the E-value, a measure left out."""
    trials = fitted.trials
    found = fitted.difference()
    off = ~trials.arm & trials.observed
    whole, near = e_values(
        found.estimate, found.low, found.high, float(trials.outcome[off].std(ddof=1))
    )
    largest = float(fitted.weights.max())
    rows = [
        row(
            "overlap",
            "decisions that could have gone either way (fitted .05 to .95)",
            "%",
            trials,
            overlap(fitted.going_on),
        ),
        row(
            "largest_weight",
            "largest weight for missing outcomes",
            "weight",
            trials,
            largest,
        ),
        row(
            "e_value",
            "strength of an unrecorded reason that would remove the answer",
            "risk ratio",
            trials,
            whole,
        ),
        row(
            "e_value_limit",
            "strength that would make its interval reach 0",
            "risk ratio",
            trials,
            near,
        ),
    ]
    control = negative_control(
        trials.left_out_measure, trials.arm, fitted.history, trials.patient
    )
    return rows + _control_rows(trials, control, left_out)


def _control_rows(
    trials: Trials, control: NegativeControl | None, left_out: str
) -> list[Row]:
    with_it = trials.take(~np.isnan(trials.left_out_measure))
    about = f"{left_out} of the same time, at equal histories: those who went on less the others"
    if control is None:
        return [
            row(
                "negative_control",
                about,
                "points",
                with_it,
                note=f"hardly any {left_out} at the decisions",
            )
        ]
    interval = Interval(control.difference, control.low, control.high)
    note = UNRECORDED if control.fires else "silent, which never reassures"
    detectable = f"imbalance in {left_out} that would have been seen"
    return [
        row("negative_control", about, "points", with_it, interval, note=note),
        row(
            "negative_control_detectable", detectable, "SD", with_it, control.detectable
        ),
    ]


def arm_rows(trials: Trials, question: Question) -> list[Row]:
    """What each arm was: its outcome, when, after how many sessions, how complete; deaths and
    admissions.
    """
    rows = [
        row(key, about, unit, trials, found)
        for key, about, unit, found in question.more_rows(trials)
    ]
    for arm, words in ARMS:
        part = trials.take(trials.arm == arm)
        key = _ARM_KEYS[arm]
        seen = part.take(part.observed)
        rows += [
            row(
                f"{key}_score",
                f"mean outcome of those who {words} in the grace",
                "points",
                seen,
                float(seen.outcome.mean()),
            ),
            row(
                f"{key}_day",
                f"mean day of the outcome, those who {words}",
                "days",
                seen,
                float(seen.after.mean()),
            ),
            row(
                f"{key}_sessions",
                f"sessions up to the outcome, those who {words}",
                "sessions",
                seen,
                received(part, arm),
            ),
            _count(
                f"{key}_observed",
                f"those who {words}: with an outcome",
                part,
                part.observed,
            ),
            _count(
                f"{key}_died",
                f"those who {words}: died before the end of the window",
                part,
                part.died,
            ),
            _count(
                f"{key}_admitted",
                f"those who {words}: admitted before the end of the window",
                part,
                part.admitted,
            ),
        ]
    off = trials.take(~trials.arm)
    rows.append(
        _count(
            "off_stopped",
            "those who had none: no later session in the log",
            off,
            off.stopped,
        )
    )
    rows.append(
        _count("off_delayed", "those who had none: it came later", off, ~off.stopped)
    )
    return rows


def _count(key: str, about: str, part: Trials, chosen: Array) -> Row:
    return row(
        key,
        about,
        "% of decisions",
        part,
        float(100 * chosen.mean()),
        count=int(chosen.sum()),
    )


def left_out_rows(points: Points, frame: Frame) -> list[Row]:
    """Decision points that are no trial, by the first reason that applies."""
    fault = faults_of(points, frame.grace, frame.recall)
    out = []
    for name in frame.question.reasons:
        here = fault == LEFT_OUT.index(name)
        people = len(np.unique(points.patient[here]))
        found = {
            "key": f"left_out_{name}",
            "about": f"left out: {REASONS[name]}",
            "unit": "decisions",
            "trials": int(here.sum()),
        }
        out.append(found | {"n": people})
    return out
