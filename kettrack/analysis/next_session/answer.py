"""What one more session changes, among people still coming: every session day as a trial the clinic
ran unawares.
"""

from __future__ import annotations

from typing import Final

import pandas as pd

from kettrack.analysis.context import NORMAL, made_from, refusal, release, rule_words
from kettrack.analysis.next_session.fit import fit_trials
from kettrack.analysis.next_session.points import FRESH
from kettrack.analysis.next_session.question import Question, Words, first_course
from kettrack.analysis.next_session.rows import (
    UNRECORDED,
    Frame,
    answer_rows,
    arm_rows,
    diagnostic_rows,
    left_out_rows,
    sensitivity_rows,
)
from kettrack.analysis.next_session.trials import GRACE, find_trials
from kettrack.analysis.registry import question
from kettrack.errors import NotIdentified, UsageError
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.instrument import Recall
from kettrack.vocabulary.instruments import GAD7, PHQ9

NONE_FITS: Final = "The interval holds 0: no difference would fit these data too."
# percent of decisions that could have gone either way, below which the sentence says so
WELL_SHARED: Final = 80.0
_ROLES: Final[dict[str, Role]] = {
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


@question(
    "next_session", asks="What does one more session change, among people still coming?"
)
def next_session(
    cohort: DerivedCohort, recall_days: int | None = None, grace_days: int = GRACE
) -> Result:
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
        - `crude` `overlap_weighted` `worst_score` `half_grace` `double_grace` `clones`: asked
          otherwise;
        - `overlap` `largest_weight` `e_value` `e_value_limit` `negative_control`
          `negative_control_detectable`;
        - `on_*` and `off_*`: the arms; `left_out_*`: decisions that are no trial.

        Refused with fewer than 30 patients in an arm; outcomes for fewer than half of an arm, for
        20 points more of the other, or more than 3 days later on average than in the other;
        decisions that the history nearly settles; and where nobody knows how far the instrument
        looks back.

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
    if grace_days < 1 or (recall_days is not None and recall_days < 0):
        raise UsageError(
            "next_session needs a grace of at least 1 day and a recall of at least 0 days."
        )
    return ask(cohort, first_course(grace_days), recall_days)


def ask(cohort: DerivedCohort, question: Question, recall_days: int | None) -> Result:
    """Answer one question about the next session: the table of `next_session`, its first row named
    after the question.
    """
    estimand = question.words.estimand
    try:
        recall = cohort.instrument.recall(recall_days)
        table = _table(cohort, question, recall.days)
    except NotIdentified as error:
        return release(refusal(question.name, cohort, error, estimand), cohort)
    result = Result(
        name=question.name,
        table=table,
        roles=_ROLES,
        decimals={"estimate": 2, "ci_low": 2, "ci_high": 2},
        show=(
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
        sentence=_sentence(table, question),
        estimand=estimand,
        caveats=_caveats(cohort, question.words, recall),
        made_from=made_from(cohort, unit="as named in each row", level=0.95),
    )
    return release(result, cohort)


def left_out_instrument(cohort: DerivedCohort) -> str:
    """The measure kept out of the history: depression beside anxiety, anxiety beside all else."""
    return PHQ9.name if cohort.instrument.construct == "anxiety" else GAD7.name


def _table(cohort: DerivedCohort, question: Question, recall: int) -> pd.DataFrame:
    left_out = left_out_instrument(cohort)
    points = question.points(cohort, left_out)
    frame = Frame(question, question.grace(points), recall, cohort.instrument)
    trials = find_trials(points, frame.grace, frame.recall)
    fitted = fit_trials(trials)
    rows = [
        *answer_rows(fitted, frame),
        *sensitivity_rows(points, fitted, frame),
        *diagnostic_rows(fitted, left_out),
        *arm_rows(trials, question),
        *left_out_rows(points, frame),
    ]
    table = pd.DataFrame(rows).reindex(columns=list(_ROLES))
    turned = (
        table["estimate"]
        .where(table["estimate"] >= 0, -1.0)
        .where(table["estimate"] < 0, 1.0)
    )
    ends = [table[name] * turned for name in ("ci_low", "ci_high")]
    sizes = {
        "size": table["estimate"].abs(),
        "size_low": ends[0].where(turned > 0, ends[1]),
    }
    sizes["size_high"] = ends[1].where(turned > 0, ends[0])
    return table.assign(
        count=table["count"].astype("Int64"), note=table["note"].fillna(""), **sizes
    )


def _sentence(table: pd.DataFrame, question: Question) -> str:
    rows = table.set_index("key")
    name = question.name
    found = rows.loc[name]
    way = "lower" if found["estimate"] < 0 else "higher"
    none_fits = bool(found["ci_low"] <= 0 <= found["ci_high"])
    one = str(found["about"]).startswith("one more")
    who = "those who had one more session" if one else "those who went on"
    verb = "did not have it then" if one else "paused"
    others = (
        f"people who {verb} ({{on_sessions.size}} against {{off_sessions.size}} sessions by the"
        " time of the outcome)"
    )
    said = (
        f"Among {question.words.who}, {who} scored {{{name}.size}} points {way} about"
        f" {{on_day.size}} days later than similar {others}"
        f" ({interval_words(name, way, none_fits)}). "
    )
    if none_fits:
        said += f"{NONE_FITS} It assumes we recorded the reasons people stop. "
    else:
        said += (
            "It assumes we recorded the reasons people stop; a reason linked to both by a factor"
            " of {e_value.estimate} would remove it, one of {e_value_limit.estimate} would make"
            " its interval reach 0. "
        )
    if float(rows["estimate"]["overlap"]) < WELL_SHARED:
        said += (
            "Only {overlap.estimate} % of the decisions could have gone either way; for the"
            " others the models speak. "
        )
    if question.words.warnings:
        said = f"Experimental, see the first note: {said[0].lower()}{said[1:]}"
    return said + _control_words(str(rows.loc["negative_control", "note"]))


def interval_words(name: str, way: str, none_fits: bool) -> str:
    """Template of the interval of a row; one that holds 0 goes both ways."""
    if none_fits:
        return f"95 % interval {{{name}.ci_low}} to {{{name}.ci_high}} points, below 0 = lower"
    return f"95 % interval {{{name}.size_low}} to {{{name}.size_high}} points {way}"


def _control_words(note: str) -> str:
    numbers = (
        "{negative_control.estimate} points ({negative_control.ci_low} to"
        " {negative_control.ci_high})"
    )
    if note.startswith("silent"):
        return (
            f"A measure left out of the adjustment differs by {numbers} between the two at equal"
            " histories; an imbalance of {negative_control_detectable.estimate} SD would have"
            " been seen. That it is silent never reassures."
        )
    if note == UNRECORDED:
        return (
            f"But a measure left out of the adjustment differs by {numbers} between the two at"
            " equal histories: reasons that were not recorded decide who goes on, so this"
            " difference must not be read as what a session does."
        )
    return "No other measure was recorded often enough to test that."


def _caveats(cohort: DerivedCohort, words: Words, recall: Recall) -> tuple[str, ...]:
    return (
        *words.warnings,
        (
            f"{rule_words(cohort)}. Outcome: first score {words.window(recall.days)}. {recall}"
        ),
        (
            "Assumes that every reason to stop that also predicts the score is in the history:"
            " scores so far (last, its square, the one before, mean, baseline, age of the last,"
            " whether taken after the session), session number and its square, last gap, days"
            f" since session 1, dose, adverse events of the day{words.also_known}. A value that"
            " is missing takes the mean. A score that the clinic acted on and did not record is"
            " a reason not recorded."
        ),
        (
            f"Eligible: rated baseline, a score in the last {FRESH} days, no ECT or TMS in that"
            f" time, a log that covers the outcome. {words.decides} Nothing after the decision"
            " chooses who is in, and no score of the next session's day is part of the history."
        ),
        (
            "Least squares of the outcome on arm, history and arm x history (squares apart),"
            " averaged over all eligible decisions; intervals count patients, not decisions"
            f" ({NORMAL:.2f} bias-reduced standard errors). Missing outcomes are weighted for by"
            " 1 / P(observed | arm, history), never carried forward."
        ),
        words.meanwhile,
        (
            "After the grace care goes on as usual: some who paused come back, some who went on"
            f" stop. {words.apart}"
        ),
        (
            "Rows by session and by score come from one fit that is linear in the history; they"
            " are many, and differences between them are not tested."
        ),
    )
