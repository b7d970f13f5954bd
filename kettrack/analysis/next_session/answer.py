"""What one more session changes, among people still coming: every session day is read as a small
trial, and the answer is told with its assumption.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import partial
from typing import Any, Final

import pandas as pd

from kettrack.analysis.context import LEVEL, NORMAL_QUANTILE, rule_words
from kettrack.analysis.next_session.answer_table import (
    NO_DIFFERENCE,
    ONE_MORE,
    ROLES,
    UNRECORDED,
    answer_table,
    first_row,
)
from kettrack.analysis.next_session.outcome_model import OutcomeModel
from kettrack.analysis.next_session.protocol import (
    ProtocolWords,
    TrialProtocol,
    first_course,
    first_course_estimand,
)
from kettrack.analysis.person_rows import finished, joined
from kettrack.analysis.registry import Answer, question
from kettrack.arrays import Floats
from kettrack.errors import UsageError
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import FRESH_DAYS, NEXT_SESSION_GRACE_DAYS
from kettrack.vocabulary.instrument import Recall
from kettrack.vocabulary.made_of import SAID_BY_UNIT, ByRow
from kettrack.vocabulary.plain_words import score_difference_words, value_with_interval

NO_DIFFERENCE_FITS: Final = (
    "The interval includes 0, so these data also fit no difference at all."
)
# Percent of decisions that could have gone either way, below which the sentence says so.
ENOUGH_OVERLAP_PERCENT: Final = 80.0
# Percent of decisions with an outcome, below which the sentence says what the others could do.
ENOUGH_SCORED_PERCENT: Final = 90.0
FEW_COULD_GO_EITHER_WAY: Final = (
    "Only {overlap.estimate:%} of the decisions could have gone either way; for the others the"
    " answer rests on the statistical model alone."
)
# What both questions about the next session tell the registry.
ANSWER_FACTS: Final[dict[str, Any]] = {
    "unit": "as named in each row",
    "roles": ROLES,
    "decimals": {"estimate": 2, "ci_low": 2, "ci_high": 2},
    "show": (
        "about",
        "unit",
        "trials",
        "n",
        "count",
        "estimate",
        "ci_low",
        "ci_high",
        "note",
    ),
}

HISTORY_ROWS = "history"
MODIFIER_ROWS = "modifier"


@question(
    "next_session",
    recipes=(
        SAID_BY_UNIT,
        ByRow(value="size", ends=("size_low", "size_high"), unit="unit"),
    ),
    asks="What does one more session change, among people still coming?",
    estimand=first_course_estimand(
        f"the grace ({NEXT_SESSION_GRACE_DAYS} days unless another is chosen)"
    ),
    **ANSWER_FACTS,
)
def next_session(
    cohort: DerivedCohort,
    recall_days: int | None = None,
    grace_days: int = NEXT_SESSION_GRACE_DAYS,
) -> Answer:
    """What having the next session soon changes in the score, against not having it, at equal
    histories.

    Estimand E3 by sequential trials: every session day of the first course is a decision, with what
    was known at its end as the history. Maintenance is another question and not part of it.

    Parameters
    ----------
    cohort : DerivedCohort
        With `observed_to_day`, and scores after sessions and after stopping.
    recall_days : int, optional
        Days that a score looks back, so that it only sees what came after the decision; default:
        those of the instrument. 0 takes the next assessment, which is fair only where scores come
        at equal intervals whether people come or not.
    grace_days : int
        Days within which the next session counts as going on. Half and twice as many are printed
        beside it.

    Returns
    -------
    Result
        One row per quantity: `about` (the estimand in words) `unit` `trials` (decisions) `n`
        (patients) `count` (of the decisions, where the row counts some) `estimate` `ci_low`
        `ci_high` (95 %) `note` (why a row is empty, or what it says). `size` `size_low` `size_high`
        are the same turned so that the estimate is not negative.

        - `next_session`: the answer in points, below 0 = lower with a session; `session_*`
          `score_*`: the same fit over the decisions after those sessions, and at those scores;
        - `all_scored`: % of the decisions with an outcome; `unscored_worse`: the interval if the
          unscored were up to `unscored_worse_by` points worse than similar people with a score;
          `unscored_tipping`: the difference of the unscored that would bring it to 0;
        - `crude` `overlap_weighted` `worst_score` `half_grace` `double_grace` `unweighted`: the
          same question in other ways;
        - `overlap` `largest_weight` `e_value` `e_value_limit` `negative_control`
          `negative_control_detectable`;
        - `on_*` and `off_*`: the arms; `left_out_*`: decisions that are no trial.

        Refused with too few patients in an arm, or too few with an outcome; where hardly anybody
        with the same history is scored; with outcomes days later on average than in the other arm;
        with decisions that the history nearly settles; with an interval that tells nothing. The
        limits are in `vocabulary.limits`, `outcome_model`, `unscored` and `diagnostics`.

    Raises
    ------
    UsageError
        For a negative number of days.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> next_session(load_cohort(sample_folder())).name
    'next_session'
    """
    if grace_days < 1:
        raise UsageError(
            f"grace_days is {grace_days}; a grace of at least 1 day is needed."
        )
    return answer_next_session(cohort, first_course(grace_days), recall_days)


def next_session_alone(
    cohort: DerivedCohort,
) -> dict[str, Any]:
    """The first row of `next_session` with its usual options, in a fifth of its time.

    Raises
    ------
    NotIdentified
        As `next_session` refuses.
    """
    recall = cohort.instrument.recall(None)
    return first_row(cohort, first_course(NEXT_SESSION_GRACE_DAYS), recall.days)


def answer_next_session(
    cohort: DerivedCohort, protocol: TrialProtocol, recall_days: int | None
) -> Answer:
    """Answer one question about the next session: the table of `next_session`, its first row named
    after the question.

    Raises
    ------
    NotIdentified
        As `fit_trials`.
    UsageError
        For a negative recall.
    """
    # an assumed recall is said in the caveats, not refused
    recall = cohort.instrument.recall(recall_days)
    table, model = answer_table(cohort, protocol, recall.days)
    codes = cohort.bucket.patient_id
    return Answer(
        table=table,
        sentence=_sentence(table, protocol),
        estimand=protocol.words.estimand,
        caveats=_caveats(cohort, protocol.words, recall),
        level=LEVEL,
        rows=partial(
            decision_rows,
            protocol.name,
            model,
            codes,
        ),
    )


def _sentence(table: pd.DataFrame, protocol: TrialProtocol) -> str:
    rows = table.set_index("key")
    answer = rows.loc[protocol.name]
    includes_zero = bool(answer["ci_low"] <= 0 <= answer["ci_high"])
    # an interval that includes 0 needs no hidden reason to reach it, so its E-values say nothing
    parts = [
        _comparison(answer.to_dict(), protocol, includes_zero),
        (
            "By the time of the outcome those who went on had had {on_sessions.size} sessions, the"
            " others {off_sessions.size}."
        ),
        NO_DIFFERENCE_FITS if includes_zero else _E_VALUES,
    ]
    if float(rows["estimate"]["overlap"]) < ENOUGH_OVERLAP_PERCENT:
        parts.append(FEW_COULD_GO_EITHER_WAY)
    if float(rows["estimate"]["all_scored"]) < ENOUGH_SCORED_PERCENT:
        parts.append(_UNSCORED)
    parts.append(_control_sentence(str(rows.loc["negative_control", "note"])))
    # a reader of the first words alone must not miss that it is experimental
    if protocol.words.warnings:
        parts.insert(0, "This answer is experimental; see the first note.")
    return " ".join(parts)


def _comparison(
    answer: Mapping[Hashable, Any], protocol: TrialProtocol, includes_zero: bool
) -> str:
    """The difference, with its interval and its assumption in the same sentence."""
    # sizes are turned to be positive, so the sentence says the way in words
    name = protocol.name
    way = "lower" if answer["estimate"] < 0 else "higher"
    one = str(answer["about"]).startswith(ONE_MORE)
    who = f"those who {'had one more session' if one else 'went on'}"
    others = f"similar people who {'did not have it then' if one else 'paused'}"
    scored, than = score_difference_words(name, answer["estimate"])
    interval = signed_interval(name, way, includes_zero)
    return (
        f"Among {protocol.words.people}, {who} scored {scored} about"
        f" {{on_day.size:.0f}} days later {than} {others} ({interval}), provided that every reason"
        " to stop was recorded."
    )


_E_VALUES: Final = (
    "A reason that was not recorded would explain the whole difference if it were linked both to"
    " stopping and to the score by a risk ratio of {e_value.estimate}; with"
    " {e_value_limit.estimate} the interval would reach 0."
)


_UNSCORED: Final = (
    "A score in time is there for {all_scored.estimate:%} of the decisions. If people without one"
    " were up to {unscored_worse_by.estimate} points worse than similar people with one, the"
    " interval would go from {unscored_worse.ci_low} to {unscored_worse.ci_high} points; a negative"
    " number means lower."
)


def signed_interval(name: str, way: str, includes_zero: bool) -> str:
    """Template of the interval of a row; one that includes 0 goes both ways."""
    # turned ends would hide that the interval goes both ways
    if includes_zero:
        ends = f"{{{name}.ci_low}} to {{{name}.ci_high}}"
        return f"95 % interval {ends} points; a negative number means lower"
    return f"95 % interval {{{name}.size_low}} to {{{name}.size_high}} points {way}"


def _control_sentence(note: str) -> str:
    # the unit stands with the number, not with the interval
    interval = value_with_interval("negative_control").replace(" (", " points (", 1)
    differs = (
        f"a measure that was left out of the adjustment differs by {interval} between the two"
        " groups at equal histories"
    )
    if note == NO_DIFFERENCE:
        return (
            f"As a check, {differs}. A difference of {{negative_control_detectable.estimate}} SD"
            " or more would usually have been found. Finding none does not prove that every reason"
            " was recorded."
        )
    if note == UNRECORDED:
        return (
            f"But {differs}. So {UNRECORDED}, and the difference in the score must not be read as"
            " what a session does."
        )
    return "No other measure was recorded often enough to check that assumption."


def _caveats(
    cohort: DerivedCohort, words: ProtocolWords, recall: Recall
) -> tuple[str, ...]:
    # warnings come first: the sentence points at the first note
    return (
        *words.warnings,
        (
            f"{rule_words(cohort)}. The outcome is the first score"
            f" {words.window(recall.days)}. {recall}"
        ),
        (
            "The answer assumes that every reason to stop that also predicts the score is in the"
            " history. The history holds the scores so far (the last one, its square, the one"
            " before, their mean, the baseline, the share of it that is gone and its square, the"
            " age of the last score and whether it was taken after the session), the session number"
            " and its square, the last gap, the days since"
            f" session 1, the dose, adverse events of the day{words.further_history}. A missing"
            " value is replaced by the mean. A score that the clinic acted on and did not record is"
            " a reason that was not recorded."
        ),
        (
            "A decision counts when the person has a rated baseline, a score in the last"
            f" {FRESH_DAYS} days, no ECT or TMS in that time, and a log that covers the outcome."
            f" {words.decisions} Nothing after the decision chooses who is included, and no score"
            " of the next session's day is part of the history."
        ),
        (
            "The method is least squares of the outcome on arm, history, session number, arm x"
            " history (without the squares) and arm x group of sessions, averaged over all eligible"
            f" decisions. Intervals count patients, not decisions ({NORMAL_QUANTILE:.2f}"
            " bias-reduced standard errors). Missing outcomes are never carried forward; observed"
            " outcomes are weighted by 1 / P(observed | arm, history, sessions and last score"
            " since)."
        ),
        words.scores_between,
        (
            "After the grace care goes on as usual: some people who paused come back, and some"
            f" who went on stop. {words.excludes}"
        ),
        (
            "Rows by session and by score come from one model that is linear in the history. They"
            " are many, and differences between them are not tested."
        ),
    )


def decision_rows(
    name: str,
    model: OutcomeModel,
    codes: pd.Index,
) -> pd.DataFrame:
    """One row per decision: `time` (number of the session), `status` (whether the next one came in
    time), `weight`, `value` (the outcome; missing without one). Below them, in the same order, one
    row per decision and column of the history (curves `history_1` and so on), and of that part of
    it that may change the difference (`modifier_1` and so on), both with their `value`.

    Parameters
    ----------
    name : str
        Curve of the decisions themselves.
    model : OutcomeModel
        The fit behind the answer.
    codes : Index
        Of the patients, by place.
    """
    trials = model.trials
    same = pd.DataFrame(
        {
            "patient_id": codes[trials.patient],
            "time": trials.session,
        }
    )
    cause = pd.Series(trials.arm).map({True: "went_on", False: "paused"})
    decisions = same.assign(
        curve=name,
        status=pd.array(trials.arm, dtype="boolean"),
        cause=cause,
        weight=model.weights,
        value=trials.outcome,
    )
    parts = [
        decisions,
        *_columns(HISTORY_ROWS, model.history, same),
        *_columns(MODIFIER_ROWS, model.modifiers, same),
    ]
    return finished(joined(parts))


def _columns(
    name: str,
    columns: Floats,
    same: pd.DataFrame,
) -> list[pd.DataFrame]:
    return [
        same.assign(curve=f"{name}_{place}", value=column)
        for place, column in enumerate(columns.T, start=1)
    ]
