"""Sessions and symptom change in one table: what everyone plots, what survives, and what would
change our mind.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.association.association import EXPECTED, slopes
from kettrack.analysis.context import LEVEL, rule_words
from kettrack.analysis.next_session.answer import (
    ENOUGH_OVERLAP_PERCENT,
    FEW_COULD_GO_EITHER_WAY,
    NO_DIFFERENCE_FITS,
    next_session,
    signed_interval,
)
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.session_answers.method_rows import (
    BIASED,
    CAUSAL,
    CONTRADICTED,
    HORIZON_WORDS,
    SECOND_OPINION,
    MethodRow,
    check_rows,
    is_contradicted,
    naive_rows,
    next_rows,
    sessions_compared,
    stop_rows,
)
from kettrack.analysis.stop_after.answer import stop_after
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.days import NEXT_SESSION_GRACE_DAYS
from kettrack.vocabulary.instruments import PHQ9
from kettrack.vocabulary.made_of import SAID_BY_UNIT, ByRow, Kept
from kettrack.vocabulary.plain_words import score_difference_words, value_with_interval

_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "about": "label",
    "unit": "label",
    "n": "denominator",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    "size": "derived",
    "size_low": "derived",
    "size_high": "derived",
    "truth": "derived",
    "kind": "label",
    "status": "label",
    "reason": "label",
    "note": "label",
    "better": "label",
}


_ANSWERS: Final = ("naive_slope", "adjusted_slope", "next_session", "stop_after")
_CONTRADICTION: Final = (
    "But a measure that was left out of the adjustment differs by"
    f" {value_with_interval('negative_control').replace(' (', ' points (', 1)} between those who"
    " went on and those who did not, at equal histories. So reasons that were not recorded decide"
    " who goes on, and none of these differences must be read as what sessions do."
)
_STOP_AFTER_ROWS: Final = ("stop_after", "strict", "g_formula")
_TRUTH_SHOWN: Final = (
    "The clinic is simulated, so the truth is known: it was found by settling what happens to many"
    " simulated people instead of looking at who stops when. A clinic of real people has no such"
    " column."
)


@question(
    "sessions_and_change",
    recipes=(
        SAID_BY_UNIT,
        ByRow(value="size", ends=("size_low", "size_high"), unit="unit"),
        Kept(values=("truth",), of="n"),
    ),
    asks="What do more sessions change, by every method side by side?",
    unit="as named in each row",
    estimand=(
        "Difference in the score that goes with more sessions, by each method beside the others."
        " Each row says whose score, when, and what is compared. Only rows marked causal are about"
        " what a session does, and only under their assumptions."
    ),
    roles=_ROLES,
    decimals=dict.fromkeys(
        ("estimate", "ci_low", "ci_high", "size", "size_low", "size_high", "truth"), 2
    ),
    show=(
        "about",
        "unit",
        "n",
        "estimate",
        "ci_low",
        "ci_high",
        "truth",
        "kind",
        "status",
        "reason",
        "note",
    ),
)
def session_answers(
    cohort: DerivedCohort,
    stop: Result | None = None,
    following: Result | None = None,
    naive: Result | None = None,
    calibrations: Sequence[Result] = (),
) -> Answer:
    """Every answer to "what do more sessions change", side by side, and what speaks against each.

    Parameters
    ----------
    cohort : DerivedCohort
        As it came through the reader.
    stop, following, naive : Result, optional
        Of `stop_after`, `next_session` and `association` of the same cohort, where they are there
        already; otherwise what is taken from them is asked for here.
    calibrations : sequence of Result, optional
        Of `calibration` and `stop_after_calibration`. Never run from here, as they take a while.

    Returns
    -------
    Result
        One row per answer and per check: `key` `about` (whose score, when, what is compared) `unit`
        `n` (people) `estimate` `ci_low` `ci_high` `kind` (biased by design; causal, under
        assumptions; second opinion; contradicted by its check, in place of these two where the
        negative control differs; check) `status` (ok, refused, hidden) `reason` (of a refusal)
        `note`, and `better` (lower or higher scores). `size` `size_low` `size_high` are the same
        turned so that the estimate is not negative. `truth`: what is true of a simulated clinic;
        missing for any other.

        - `naive_slope` `adjusted_slope`: for as many sessions more as the two strategies of
          `stop_after` differ by;
        - `next_session`, `stop_after`, `strict`, `g_formula`: what survives;
        - `negative_control` `negative_control_detectable` `e_value` `e_value_limit` `overlap`
          `effective_k` `effective_m` `largest_share` and, where they were given, `calibration_zero`
          `calibration_point` `stop_after_calibration_zero` `stop_after_calibration_point`: what
          would change our mind.

        Never refused as a whole: a method that refuses is one row that says why, without its
        checks.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> found = session_answers(load_cohort(sample_folder()))
    >>> found.table["kind"].unique().tolist()
    ['biased by design', 'causal, under assumptions', 'check']
    """
    # what the caller has already is not worked out again
    following = following or next_session(cohort)
    stop = stop or stop_after(cohort)
    naive = naive or slopes(cohort)
    rows = [
        *naive_rows(naive, stop),
        *next_rows(following),
        *stop_rows(stop),
        *check_rows(following, stop, calibrations),
    ]
    table = _one_cause_once(pd.DataFrame(rows).reindex(columns=list(_ROLES)))
    # the reasons to stop are the same for every method that relies on their being recorded
    if is_contradicted(following):
        doubt = {CAUSAL: CONTRADICTED, SECOND_OPINION: CONTRADICTED}
        table["kind"] = table["kind"].replace(doubt)
    table = _with_truths(_with_sizes(table), cohort, stop)
    table["better"] = "lower" if cohort.instrument.higher_is_worse else "higher"
    return Answer(
        table=table,
        sentence=_sentence(table),
        caveats=(
            *_caveats(cohort, following, stop),
            *([_TRUTH_SHOWN] if table["truth"].notna().any() else []),
        ),
        level=LEVEL,
        seed=stop.made_from.get("seed"),
    )


def _one_cause_once(table: pd.DataFrame) -> pd.DataFrame:
    """Without rows that are refused for a reason that an earlier row gives; the answers themselves
    stay.
    """
    again = (table["status"] == "refused") & table["reason"].duplicated()
    is_answer = table["key"].isin(_ANSWERS)
    return table[is_answer | ~again].reset_index(drop=True)


def _with_sizes(table: pd.DataFrame) -> pd.DataFrame:
    """Estimates and intervals turned so that no estimate is negative: the ends change places."""
    # a missing estimate is not below 0 and stays missing
    below = table["estimate"] < 0
    return table.assign(
        n=table["n"].astype("Int64"),
        size=table["estimate"].abs(),
        size_low=np.where(below, -table["ci_high"], table["ci_low"]),
        size_high=np.where(below, -table["ci_low"], table["ci_high"]),
    )


def _sentence(table: pd.DataFrame) -> str:
    """Template of the text: what goes with more sessions, what one more session does, what stopping
    later does.
    """
    rows = {
        str(row["key"]): {str(name): value for name, value in row.items()}
        for row in table.to_dict("records")
    }
    parts = [
        _naive_words(rows["adjusted_slope"]),
        *_causal_words(rows),
    ]
    if rows["next_session"]["kind"] == CONTRADICTED:
        parts.append(_CONTRADICTION)
    return " ".join(parts)


def _naive_words(row: MethodRow) -> str:
    if row["status"] != "ok":
        return (
            "The relation between the number of sessions and the score cannot be described, because"
            f" {_why(row)}."
        )
    scored, than = score_difference_words("adjusted_slope", row["estimate"])
    # better or worse by the scale's own direction, not by the sign
    meaning = "better" if _way(row) == row["better"] else "worse"
    expected = f" {EXPECTED[meaning]}" if than == "than" else ""
    # such as "People who had 3 more sessions in the end, at equal baselines: score at week 12"
    who, when = row["about"].split(": ")
    return (
        f"{who}, scored {scored} {when.removeprefix('score ')}"
        f" ({_interval('adjusted_slope', row)}).{expected}"
    )


def _causal_words(rows: dict[str, MethodRow]) -> list[str]:
    """What one more session does, and what stopping later does; one reason for both is said
    once.
    """
    next_row = rows["next_session"]
    stop_row = rows["stop_after"]
    refused = next_row["status"] != "ok" and stop_row["status"] != "ok"
    if refused and _why(next_row) == _why(stop_row):
        return [
            "These data can say neither what one more session changes nor what stopping later"
            f" changes, because {_why(next_row)}."
        ]
    return [*_next_words(next_row, rows), *_stop_words(stop_row)]


def _next_words(row: MethodRow, rows: dict[str, MethodRow]) -> list[str]:
    if row["status"] != "ok":
        why = _why(row)
        return [f"These data cannot say what one more session changes, because {why}."]
    # an assumption that its check contradicts is not repeated as if it might hold
    contradicted = row["kind"] == CONTRADICTED
    assumed = (
        "" if contradicted else ", provided that every reason to stop was recorded"
    )
    parts = [f"{_next_comparison(row)}{assumed}."]
    shared = rows["overlap"]
    if shared["status"] == "ok" and shared["estimate"] < ENOUGH_OVERLAP_PERCENT:
        parts.append(FEW_COULD_GO_EITHER_WAY)
    if contradicted:
        return parts
    # an interval that includes 0 needs no hidden reason
    if _includes_zero(row):
        parts.append(NO_DIFFERENCE_FITS)
    elif rows["e_value"]["status"] == "ok":
        parts.append(
            "A reason that was not recorded would explain the whole difference if it were linked"
            " both to stopping and to the score by a risk ratio of {e_value.estimate}."
        )
    return parts


def _next_comparison(row: MethodRow) -> str:
    one = row["about"].startswith("One more")
    who = "had one more session" if one else "went on"
    others = "did not" if one else "paused"
    # such as "... alike so far; score about 21 days later"
    _, there, later = row["about"].rpartition("; score ")
    when = f" {later}" if there else ""
    scored, than = score_difference_words("next_session", row["estimate"])
    return (
        f"Among people still coming, those who {who} scored {scored}{when} {than} similar people"
        f" who {others} ({_interval('next_session', row)})"
    )


def _stop_words(row: MethodRow) -> list[str]:
    why = _why(row)
    if row["status"] != "ok":
        # such a reason is a sentence of its own
        if "cannot say" in why:
            return [f"{why[0].upper()}{why[1:]}."]
        return [
            f"Stopping later cannot be compared with stopping earlier, because {why}."
        ]
    size, _ = score_difference_words("stop_after", row["estimate"])
    said = (
        f"{row['about'].split(':')[0]}, the score at {HORIZON_WORDS} would have been {size}"
        f" ({_interval('stop_after', row)}), as far as the recorded history explains who stops."
    )
    return [said, NO_DIFFERENCE_FITS] if _includes_zero(row) else [said]


def _includes_zero(row: MethodRow) -> bool:
    return bool(row["ci_low"] <= 0 <= row["ci_high"])


def _interval(key: str, row: MethodRow) -> str:
    return signed_interval(key, _way(row), _includes_zero(row))


def _way(row: MethodRow) -> str:
    return "lower" if row["estimate"] < 0 else "higher"


def _why(row: MethodRow) -> str:
    return str(row["reason"]).rstrip(".")


def _caveats(cohort: DerivedCohort, following: Result, stop: Result) -> tuple[str, ...]:
    return (
        (
            f"{rule_words(cohort)}. The rows do not answer the same question. Read what each row"
            " compares before comparing rows."
        ),
        (
            f"{BIASED.capitalize()}: the number of sessions is decided along the way, by how the"
            " person does. So these two rows are association, whatever their interval."
        ),
        (
            f"{CAUSAL.capitalize()}: every reason to stop that also predicts the score is in the"
            " history; with each history some people went on and some did not; all sessions are"
            " alike. Nothing in the data can prove the first assumption."
        ),
        (
            f"{SECOND_OPINION.capitalize()}: models of the score week by week. They are biased"
            " towards no difference when the score is noisy."
        ),
        (
            f"{CONTRADICTED.capitalize()}: a measure left out of the history differs between those"
            " who went on and those who did not, at equal histories. So reasons that were not"
            " recorded decide who goes on, and every row that relies on recorded reasons is in"
            " doubt."
        ),
        f"One more session: {following.estimand}",
        f"Stopping after a number of sessions: {stop.estimand}",
        (
            "A refusal is an answer: these data do not allow that comparison. The reason says what"
            " is missing."
        ),
    )


def _truths_of(
    cohort: DerivedCohort,
    stop: Result,
) -> dict[str, float]:
    """The truth of each answer of which a simulated clinic knows it; empty for any other clinic.

    The row `next_session` asks about a session within the grace, and about the first score after
    the recall. The rows of `stop_after` have a truth for the numbers of sessions that the file
    names, and where no session follows.
    """
    truths = cohort.cohort.truths
    scale = cohort.instrument
    # What is simulated is a PHQ-9.
    if not truths or scale.name != PHQ9.name:
        return {}
    begin = NEXT_SESSION_GRACE_DAYS + scale.recall().days
    k, m = sessions_compared(stop)
    wanted = {"next_session": f"going_on_from_day_{begin}"}
    for row in _STOP_AFTER_ROWS:
        wanted[row] = f"stop_after_{k}_minus_{m}"
    return {
        row: truths[name]
        for row, name in wanted.items()
        # A truth of other numbers of sessions is none of these.
        if name in truths
    }


def _with_truths(
    table: pd.DataFrame,
    cohort: DerivedCohort,
    stop: Result,
) -> pd.DataFrame:
    """The table with the column `truth`; missing where none is known."""
    truths = _truths_of(cohort, stop)
    known = table["key"].map(truths)
    return table.assign(truth=known.astype("float64"))
