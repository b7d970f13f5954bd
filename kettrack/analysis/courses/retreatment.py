"""People who came back for a second series: did it work again, after how many sessions, and how did
the first one go.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL, rule_words
from kettrack.analysis.registry import Answer, question
from kettrack.errors import NotIdentified
from kettrack.estimators.intervals import wilson
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.retreatments import WHY_NOT, rated_courses
from kettrack.vocabulary.days import BASELINE_WINDOW_DAYS
from kettrack.vocabulary.made_of import COUNTED, Kept
from kettrack.vocabulary.plain_words import share_with_interval
from kettrack.vocabulary.rules import CourseRules

_RULES: Final = CourseRules()
_COLLECT: Final = (
    f"a score in the {BASELINE_WINDOW_DAYS} days before each re-induction and scores during it;"
    " observed_to_day for each patient."
)
_REASONS: Final = {
    "prior_sessions": "not rated: treated before the log begins",
    "placebo": "not rated: placebo",
    "no_baseline": f"not rated: no score in the {BASELINE_WINDOW_DAYS} days before it",
    "below_caseness": "not rated: its own baseline is below caseness",
    "log_ends": "not rated: the log ends before it is over",
    "no_follow_up": "not rated: no score in it or in the {late} days after",
}
BOTH: Final = {
    "both": "responded both times",
    "first_only": "responded the first time only",
    "again_only": "responded the second time only",
    "neither": "responded neither time",
}
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "about": "label",
    "n": "denominator",
    "events": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    "sessions": "derived",
    "sessions_first": "derived",
}


@question(
    "retreatment",
    recipes=(
        COUNTED,
        Kept(
            values=(
                "sessions",
                "sessions_first",
            ),
            of="n",
        ),
    ),
    asks="Did a second series work, for those who came back?",
    unit="percent of people",
    estimand=(
        "Response to the first re-induction, from the person's score of the"
        f" {BASELINE_WINDOW_DAYS} days before it, among the people who came back for one."
    ),
    roles=_ROLES,
    decimals={"sessions": 0, "sessions_first": 0},
    show=(
        "about",
        "n",
        "events",
        "estimate",
        "ci_low",
        "ci_high",
        "sessions",
        "sessions_first",
    ),
)
def retreatment(cohort: DerivedCohort) -> Answer:
    """Whether a first re-induction worked, how that compares with the first course, and who could
    not be rated.

    Returns
    -------
    Result
        One row per question, `events` of `n` people with Wilson interval where both are rated:
        `re_induced` of everyone who started; `more_than_once`, one row per reason for not being
        rated, and `rated`, of the re-induced; `again` (responded from the own baseline; `sessions`
        = median number before it among them) and `from_original` (met the same rule against the
        original baseline) of the rated; `both` `first_only` `again_only` `neither` of those rated
        both times (`sessions` in the second, `sessions_first` in the first course, medians).
        Refused when nobody came back, or nobody could be rated.
    """
    courses = rated_courses(cohort)
    again = courses[courses["treatment"] == 2]
    if again.empty:
        raise NotIdentified(
            "nobody had a re-induction, a later series of at least"
            f" {_RULES.reinduction_sessions} sessions after a pause of"
            f" {_RULES.reinduction_pause_days} days.",
            _COLLECT,
        )
    if again["responded"].isna().all():
        raise NotIdentified(
            "nobody's re-induction has a rated baseline of its own and a score after its first"
            " session.",
            _COLLECT,
        )
    rows = _rows(courses, cohort.criteria.late_after_days)
    table = pd.DataFrame(rows, columns=list(_ROLES))
    return Answer(
        table=table,
        sentence=_sentence(table),
        caveats=_caveats(cohort),
        level=LEVEL,
    )


def _rows(courses: pd.DataFrame, late: int) -> list[dict[str, object]]:
    """Rows of the summary from one row per patient and course."""
    first = courses[courses["treatment"] == 1].set_index("patient_id")
    again = courses[courses["treatment"] == 2].set_index("patient_id")
    rated = again[again["responded"].notna()]
    n = len(again)
    # Treatment 1 is the first course, 2 the first re-induction, 3 the second.
    thrice = int((courses["treatment"] == 3).sum())
    rows = [
        _row("re_induced", "had a re-induction, of all who started", len(first), n),
        _row("more_than_once", "had more than one", n, thrice),
    ]
    for why in WHY_NOT:
        not_rated = int((again["why_not"] == why).sum())
        rows.append(_row(why, _REASONS[why].format(late=late), n, not_rated))
    rows.append(_row("rated", "could be rated", n, len(rated)))
    responders = rated[rated["responded"].astype(bool)]
    own = "responded, from its own baseline"
    response = _row("again", own, len(rated), len(responders), True)
    rows.append(response | {"sessions": _median(responders["after_sessions"])})
    original = rated["from_original"].dropna().astype(bool)
    about = "met the rule against the original baseline"
    met = int(original.sum())
    rows.append(_row("from_original", about, len(original), met, True))
    return [*rows, *_compared(first, rated)]


def _compared(first: pd.DataFrame, rated: pd.DataFrame) -> list[dict[str, object]]:
    """Those rated both times: which of the two courses they responded to."""
    # The first course of the same people, who may not be rated in it.
    before = first.reindex(rated.index)
    known = before["responded"].notna()
    then = before[known]
    now = rated[known]
    one = then["responded"].astype(bool)
    two = now["responded"].astype(bool)
    groups = {
        "both": one & two,
        "first_only": one & ~two,
        "again_only": ~one & two,
        "neither": ~one & ~two,
    }
    rows = []
    for key, flags in groups.items():
        medians = {"sessions": _median(now.loc[flags, "after_sessions"])}
        medians["sessions_first"] = _median(then.loc[flags, "after_sessions"])
        rows.append(_row(key, BOTH[key], len(now), int(flags.sum()), True) | medians)
    return rows


def _median(values: pd.Series) -> float:
    numbers = values.dropna().astype(float)
    return float(numbers.median()) if len(numbers) else float("nan")


def _row(
    key: str, about: str, n: int, events: int, interval: bool = False
) -> dict[str, object]:
    """One row of the summary; medians are filled in where there are any."""
    estimate, low, high = wilson(events, n, LEVEL)
    return {
        "key": key,
        "about": about,
        "n": n,
        "events": events,
        "estimate": estimate,
        "ci_low": low if interval else np.nan,
        "ci_high": high if interval else np.nan,
        "sessions": np.nan,
        "sessions_first": np.nan,
    }


def _sentence(table: pd.DataFrame) -> str:
    rows = table.set_index("key")
    after = (
        " Half of these responded by session {again.sessions}."
        if rows["sessions"].notna()["again"]
        else ""
    )
    said = (
        "{re_induced.events} of {re_induced.n} people who started came back for a re-induction."
        " For {rated.events} of them the first re-induction could be rated. {again.events} of"
        f" {{again.n}}, {share_with_interval('again')}, responded, measured from the score they"
        f" had before it.{after}"
    )
    if not rows.loc["both", "n"]:
        return said
    return (
        f"{said} {{both.n}} people could be rated both times: {{both.events}} responded both"
        " times, {first_only.events} only the first time, {again_only.events} only the second"
        " time and {neither.events} neither time."
    )


def _caveats(cohort: DerivedCohort) -> tuple[str, ...]:
    days = cohort.criteria.late_after_days
    response = cohort.criteria.response
    rule = response.words if response is not None else "not defined"
    return (
        (
            f"Response: {rule}. {rule_words(cohort)}. A re-induction is rated by the same rule."
            f" Brackets hold the {100 * LEVEL:g} % interval."
        ),
        (
            "A re-induction is rated once it is over, by the scores from its first session to"
            f" {days} days after its last, before any other session. The first course is rated in"
            " the same way here, so its figure differs from that of the response curve."
        ),
        (
            "This is an association only. People who come back were well enough once, and unwell"
            " enough again, to return. A score taken at the worst moment falls by itself"
            " (regression to the mean). The figure cannot be compared with everyone's first"
            " course."
        ),
        (
            "Against the original baseline, a response can be there before the first session of"
            " the re-induction."
        ),
    )


_WHOLE_NUMBERS: Final = (
    "treatment",
    "start_day",
    "n_sessions",
    "after_sessions",
    "first_after_sessions",
)


@question(
    "retreatment_courses",
    asks="How did each second series go, beside the first of the same person?",
    unit="points",
    estimand=(
        "Every re-induction, each rated from the person's score of the"
        f" {BASELINE_WINDOW_DAYS} days before it. Treatment 2 is a person's first re-induction, 3"
        " the second."
    ),
    roles={
        "place": "key",
        "responded": "label",
        "first_responded": "label",
        "why_not": "label",
        "baseline": "person",
        "original_baseline": "person",
        "best": "person",
        **dict.fromkeys(_WHOLE_NUMBERS, "person"),
    },
    decimals=dict.fromkeys(_WHOLE_NUMBERS, 0),
)
def retreatment_courses(cohort: DerivedCohort) -> Answer:
    """Every re-induction beside the first course of the same person: one row per re-induction.

    Returns
    -------
    Result
        `place` `treatment` `start_day` `n_sessions` `baseline` `original_baseline` `best`
        `responded` `after_sessions` `first_responded` `first_after_sessions` `why_not`; highest
        `baseline` first, without names; empty under a release policy.
    """
    courses = rated_courses(cohort)
    return Answer(
        table=_beside_the_first(courses),
        sentence=(
            "Each re-induction stands beside the first course of the same person, the highest"
            " own baseline first."
            if (courses["treatment"] > 1).any()
            else "Nobody had a re-induction."
        ),
        caveats=(f"{rule_words(cohort)}.",),
    )


def _beside_the_first(courses: pd.DataFrame) -> pd.DataFrame:
    """Re-inductions with the response of the first course, highest baseline first."""
    first = courses[courses["treatment"] == 1].set_index("patient_id")
    first = first[["responded", "after_sessions"]].add_prefix("first_")
    again = courses[courses["treatment"] > 1].join(first, on="patient_id")
    again = again.sort_values(
        ["baseline", "start_day", "original_baseline", "n_sessions"],
        ascending=False,
        na_position="last",
        ignore_index=True,
    )
    words = {True: "yes", False: "no"}
    for name in ("responded", "first_responded"):
        again[name] = again[name].map(words).astype(object).fillna("not rated")
    again["why_not"] = again["why_not"].astype(object).fillna("").str.replace("_", " ")
    again.insert(0, "place", again.index + 1)
    return again[
        [
            "place",
            "treatment",
            "start_day",
            "n_sessions",
            "baseline",
            "original_baseline",
            "best",
            "responded",
            "after_sessions",
            "first_responded",
            "first_after_sessions",
            "why_not",
        ]
    ]
