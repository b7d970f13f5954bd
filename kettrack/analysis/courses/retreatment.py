"""People who came back for a second series: did it work again, after how many sessions, and how did
the first one go.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.context import LEVEL, made_from, refusal, release, rule_words
from kettrack.analysis.registry import question
from kettrack.errors import NotIdentified
from kettrack.estimators.intervals import wilson
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.retreatments import WHY_NOT, rated_courses

ESTIMAND: Final = (
    "Response to the first re-induction, from the person's score of the 30 days before it, among"
    " those who came back for one."
)
COLLECT: Final = (
    "a score in the 30 days before each re-induction and scores during it; observed_to_day for"
    " each patient."
)
REASONS: Final = {
    "prior_sessions": "not rated: treated before the log begins",
    "placebo": "not rated: placebo",
    "no_baseline": "not rated: no score in the 30 days before it",
    "below_caseness": "not rated: its own baseline is below caseness",
    "log_ends": "not rated: the log ends before it is over",
    "no_follow_up": "not rated: no score in it or in the 14 days after",
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


@question("retreatment", asks="Did a second series work, for those who came back?")
def retreatment(cohort: DerivedCohort) -> Result:
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
    try:
        courses = rated_courses(cohort)
        table = pd.DataFrame(_rows(courses), columns=list(_ROLES))
        if not (courses.loc[courses["treatment"] == 2, "responded"].notna()).any():
            raise NotIdentified(_nobody(courses), COLLECT)
    except NotIdentified as error:
        return release(refusal("retreatment", cohort, error, ESTIMAND), cohort)
    result = Result(
        name="retreatment",
        table=table,
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
        sentence=_sentence(table),
        estimand=ESTIMAND,
        caveats=_caveats(cohort),
        made_from=made_from(cohort, unit="percent of people", level=LEVEL),
    )
    return release(result, cohort)


def _nobody(courses: pd.DataFrame) -> str:
    again = courses[courses["treatment"] == 2]
    if again.empty:
        return (
            "nobody had a re-induction, a later series of three or more sessions after a pause of"
            " 28 days."
        )
    return (
        "nobody's re-induction has a rated baseline of its own and a score after its first"
        " session."
    )


def _rows(courses: pd.DataFrame) -> list[dict[str, object]]:
    """Rows of the summary from one row per patient and course."""
    first = courses[courses["treatment"] == 1].set_index("patient_id")
    again = courses[courses["treatment"] == 2].set_index("patient_id")
    rated = again[again["responded"].notna()]
    n = len(again)
    rows = [
        _row("re_induced", "had a re-induction, of all who started", len(first), n),
        _row(
            "more_than_once",
            "had more than one",
            n,
            int((courses["treatment"] == 3).sum()),
        ),
        *(
            _row(why, REASONS[why], n, int((again["why_not"] == why).sum()))
            for why in WHY_NOT
        ),
        _row("rated", "could be rated", n, len(rated)),
    ]
    responders = rated[rated["responded"].astype(bool)]
    original = rated["from_original"].dropna().astype(bool)
    rows += [
        _row(
            "again",
            "responded, from its own baseline",
            len(rated),
            len(responders),
            True,
        )
        | {"sessions": _median(responders["after_sessions"])},
        _row(
            "from_original",
            "met the rule against the original baseline",
            len(original),
            int(original.sum()),
            True,
        ),
    ]
    return [*rows, *_compared(first, rated)]


def _compared(first: pd.DataFrame, rated: pd.DataFrame) -> list[dict[str, object]]:
    """Those rated both times: which of the two courses they responded to."""
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
    estimate, low, high = wilson(events, n, LEVEL)
    bounds = (
        {"ci_low": low, "ci_high": high}
        if interval
        else {"ci_low": np.nan, "ci_high": np.nan}
    )
    missing = {"sessions": np.nan, "sessions_first": np.nan}
    return (
        {"key": key, "about": about, "n": n, "events": events, "estimate": estimate}
        | bounds
        | missing
    )


def _sentence(table: pd.DataFrame) -> str:
    rows = table.set_index("key")
    after = (
        ", after a median {again.sessions} sessions"
        if rows["sessions"].notna()["again"]
        else ""
    )
    said = (
        "{re_induced.events} of {re_induced.n} people who started came back for a"
        " re-induction; in {rated.events} of them the first one could be rated."
        " {again.events} of {again.n} ({again.estimate} %;"
        " {again.ci_low}-{again.ci_high}) responded from the score they had before"
        f" it{after}."
    )
    if not rows.loc["both", "n"]:
        return said
    return (
        said
        + " Of {both.n} rated both times, {both.events} responded both times, {first_only.events}"
        " only the first time, {again_only.events} only the second, {neither.events} neither"
        " time."
    )


def _caveats(cohort: DerivedCohort) -> tuple[str, ...]:
    days = cohort.criteria.late_after_days
    return (
        (
            f"Response: {cohort.criteria.response}; {rule_words(cohort)}; a re-induction is rated"
            " by the same rule."
        ),
        (
            f"Rated by scores after its first session and up to {days} days after its last,"
            " before any other session; only once it is over. The first course is rated the same"
            " way here, so its figure differs from the response curve's."
        ),
        (
            "Association only: those who come back were well enough once, and unwell enough"
            " again, to return; scores taken at the worst moment fall by themselves (regression"
            " to the mean). Not comparable with everyone's first course."
        ),
        (
            "Against the original baseline a response can be met before the first session of the"
            " re-induction."
        ),
    )


COURSES_ESTIMAND: Final = (
    "Every re-induction, each rated from the person's score of the 30 days before it; treatment 2"
    " is a person's first re-induction, 3 the second."
)


@question(
    "retreatment_courses",
    asks="Each second series beside the first of the same person.",
)
def retreatment_courses(cohort: DerivedCohort) -> Result:
    """Every re-induction beside the first course of the same person: one row per re-induction.

    Returns
    -------
    Result
        `place` `treatment` `start_day` `n_sessions` `baseline` `original_baseline` `best`
        `responded` `after_sessions` `first_responded` `first_after_sessions` `why_not`; highest
        `baseline` first, without names; empty under a release policy.
    """
    try:
        courses = rated_courses(cohort)
    except NotIdentified as error:
        return release(
            refusal("retreatment_courses", cohort, error, COURSES_ESTIMAND), cohort
        )
    result = Result(
        name="retreatment_courses",
        table=_beside_the_first(courses),
        roles={
            "place": "key",
            **dict.fromkeys(("responded", "first_responded", "why_not"), "label"),
            **dict.fromkeys(
                (
                    "treatment",
                    "start_day",
                    "n_sessions",
                    "after_sessions",
                    "first_after_sessions",
                ),
                "person",
            ),
            **dict.fromkeys(("baseline", "original_baseline", "best"), "person"),
        },
        decimals=dict.fromkeys(
            (
                "treatment",
                "start_day",
                "n_sessions",
                "after_sessions",
                "first_after_sessions",
            ),
            0,
        ),
        sentence=(
            "Each re-induction beside the first course of the same person, highest own baseline"
            " first."
            if (courses["treatment"] > 1).any()
            else "Nobody had a re-induction."
        ),
        estimand=COURSES_ESTIMAND,
        caveats=(rule_words(cohort),),
        made_from=made_from(cohort, unit="points"),
    )
    return release(result, cohort)


def _beside_the_first(courses: pd.DataFrame) -> pd.DataFrame:
    first = (
        courses[courses["treatment"] == 1]
        .set_index("patient_id")[["responded", "after_sessions"]]
        .add_prefix("first_")
    )
    again = courses[courses["treatment"] > 1].join(first, on="patient_id")
    order = ["baseline", "start_day", "original_baseline", "n_sessions"]
    again = again.sort_values(
        order, ascending=False, na_position="last", ignore_index=True
    )
    words = {True: "yes", False: "no"}
    for name in ("responded", "first_responded"):
        again[name] = again[name].map(words).astype(object).fillna("not rated")
    again["why_not"] = again["why_not"].astype(object).fillna("").str.replace("_", " ")
    again.insert(0, "place", again.index + 1)
    columns = [
        "place",
        "treatment",
        "start_day",
        "n_sessions",
        "baseline",
        "original_baseline",
        "best",
        "responded",
    ]
    return again[
        [
            *columns,
            "after_sessions",
            "first_responded",
            "first_after_sessions",
            "why_not",
        ]
    ]
