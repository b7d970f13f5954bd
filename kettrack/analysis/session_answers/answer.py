"""Sessions and symptom change in one table: what everyone plots, what survives, and what would
change our mind.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.association.association import slopes
from kettrack.analysis.context import made_from, release, rule_words
from kettrack.analysis.next_session.answer import next_session
from kettrack.analysis.registry import question
from kettrack.analysis.session_answers.rows import (
    BIASED,
    CAUSAL,
    DOUBTED,
    SECOND,
    check_rows,
    doubted,
    naive_rows,
    next_rows,
    stop_rows,
)
from kettrack.analysis.session_answers.words import one_sentence
from kettrack.analysis.stop_after.answer import stop_after
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort

NAME: Final = "sessions_and_change"
ESTIMAND: Final = (
    "Difference in the score that goes with more sessions, by each method beside the others; each"
    " row says whose score, when, and what is compared. Only rows marked causal are about what a"
    " session does, and only under their assumptions."
)
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
    "kind": "label",
    "status": "label",
    "reason": "label",
    "note": "label",
    "better": "label",
}


@question(
    "sessions_and_change",
    asks="What do more sessions change, by every method side by side?",
)
def session_answers(
    cohort: DerivedCohort,
    stop: Result | None = None,
    following: Result | None = None,
    naive: Result | None = None,
    calibrations: Sequence[Result] = (),
) -> Result:
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
        turned so that the estimate is not negative.

        - `naive_slope` `adjusted_slope`: for as many sessions more as the two strategies of
          `stop_after` differ by;
        - `next_session`, `stop_after`, `strict`, `g_formula`: what survives;
        - `negative_control` `negative_control_detectable` `e_value` `e_value_limit` `overlap`
          `effective_k` `effective_m` `largest_share` and, where they were given, `calibration_zero`
          `calibration_point` `stop_after_calibration_zero` `stop_after_calibration_point`: what
          would change our mind.

        Never refused as a whole: a method that refuses is a row that says why.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> found = session_answers(load_cohort(sample_folder()))
    >>> found.table["kind"].unique().tolist()
    ['biased by design', 'causal, under assumptions', 'second opinion', 'check']
    """
    following = following or next_session(cohort)
    stop = stop or stop_after(cohort)
    naive = naive or slopes(cohort)
    table = _table(cohort, naive, following, stop, calibrations)
    result = Result(
        name=NAME,
        table=table,
        roles=_ROLES,
        decimals=dict.fromkeys(
            ("estimate", "ci_low", "ci_high", "size", "size_low", "size_high"), 2
        ),
        show=(
            "about",
            "unit",
            "n",
            "estimate",
            "ci_low",
            "ci_high",
            "kind",
            "status",
            "reason",
            "note",
        ),
        sentence=one_sentence(table),
        estimand=ESTIMAND,
        caveats=_caveats(cohort, following, stop),
        made_from=made_from(
            cohort,
            unit="as named in each row",
            level=0.95,
            seed=stop.made_from.get("seed"),
        ),
    )
    return release(result, cohort)


def _table(
    cohort: DerivedCohort,
    naive: Result,
    following: Result,
    stop: Result,
    calibrations: Sequence[Result],
) -> pd.DataFrame:
    rows: list[dict[str, Any]] = [
        *naive_rows(naive, stop),
        *next_rows(following),
        *stop_rows(stop),
        *check_rows(following, stop, calibrations),
    ]
    table = pd.DataFrame(rows).reindex(columns=list(_ROLES))
    # the reasons to stop are the same for every method that relies on their being recorded
    if doubted(following):
        table["kind"] = table["kind"].replace({CAUSAL: DOUBTED, SECOND: DOUBTED})
    below = table["estimate"] < 0
    turned: dict[str, Any] = {
        "size": table["estimate"].abs(),
        "size_low": np.where(below, -table["ci_high"], table["ci_low"]),
        "size_high": np.where(below, -table["ci_low"], table["ci_high"]),
    }
    better = "lower" if cohort.instrument.higher_is_worse else "higher"
    return table.assign(n=table["n"].astype("Int64"), better=better, **turned)


def _caveats(cohort: DerivedCohort, following: Result, stop: Result) -> tuple[str, ...]:
    return (
        (
            f"{rule_words(cohort)}. Rows are not the same question: read what is compared before"
            " comparing them."
        ),
        (
            f"{BIASED.capitalize()}: the number of sessions is decided along the way by how the"
            " person does, so these two rows are association, whatever their interval."
        ),
        (
            f"{CAUSAL.capitalize()}: that the reasons to stop which also predict the score are in"
            " the history, that some with each history went on and some did not, and that"
            " sessions are alike. Nothing in the data can show the first."
        ),
        (
            f"{SECOND.capitalize()}: models for the score week by week; they err towards no"
            " difference when the score is noisy."
        ),
        (
            f"{DOUBTED.capitalize()}: a measure left out of the history differs between those who"
            " went on and those who did not at equal histories, so reasons that were not"
            " recorded decide who goes on, and every row that relies on them is in doubt."
        ),
        f"One more session: {following.estimand}",
        f"Stopping after so many: {stop.estimand}",
        (
            "A refusal is an answer: these data do not carry that comparison. The reason says"
            " what is missing."
        ),
    )
