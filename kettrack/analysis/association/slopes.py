"""The relation everyone plots, between the number of sessions and the change in the score, and why it misleads."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from kettrack.analysis.association.course_scores import HORIZON, WITHIN, course_scores, final_scores
from kettrack.analysis.association.models import Row, growth_rows, probit_rows, regression_rows, slope_rows
from kettrack.analysis.context import made_from, refusal, release, rule_words
from kettrack.errors import NotIdentified
from kettrack.reading.cohort import Cohort
from kettrack.result import Result, Role

FEWEST: Final = 30  # people below which a slope says next to nothing
ESTIMAND: Final = (
    "Association between the number of sessions a person ended up having and the score. The number is decided along the way, "
    "by how the person does; nothing here says what one more session would do."
)
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "about": "label",
    "unit": "label",
    "n": "denominator",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
}


def association(cohort: Cohort) -> Result:
    """Every common way to relate the number of sessions to the score, side by side, each worded as association.

    Returns
    -------
    Result
        One row per quantity: `about` (what it is, in words) `unit` `n` `estimate` `ci_low` `ci_high`.

        - `slope_last` `slope_last_adjusted`: points of the last score of the course per session, raw change and with the
          baseline held equal; `slope_fixed` `slope_fixed_adjusted`: the same for the score at day 84;
          `correlation_change` `correlation_last`: of the number of sessions with change, and with the last score;
        - `one_curve_rate`, `own_curve_rate`, `own_curve_by_length`, `likelihood_ratio`, `aic_gain`: dose-effect growth (one
          curve over the logarithm of the session number for all) against good-enough-level growth (a curve that differs by the
          number of sessions in the end);
        - `probit_slope` `probit_4` `probit_8`: share responding at the end among people with that many sessions;
        - `observed_drop`, `mean_regression_low`, `mean_regression_high`: improvement from the baseline to the last score of the
          course, and what regression to the mean alone is worth, because only cases are counted (natural course not in it);
        - `recall_overlap`: % of neighbouring scores closer together than the instrument looks back.

        Refused with fewer than 30 people whose course is over and scored at its end.
    """
    try:
        table = _table(cohort)
    except NotIdentified as error:
        return release(refusal("association", cohort, error, ESTIMAND), cohort)
    result = Result(
        name="association",
        table=table,
        roles=_ROLES,
        decimals={"estimate": 2, "ci_low": 2, "ci_high": 2},
        show=("about", "unit", "n", "estimate", "ci_low", "ci_high"),
        sentence=_sentence(table, cohort.instrument.sign),
        estimand=ESTIMAND,
        caveats=_caveats(cohort),
        made_from=made_from(cohort, unit="as named in each row", level=0.95),
    )
    return release(result, cohort)


def slopes(cohort: Cohort) -> Result:
    """The slopes of `association` alone: score or change on the number of sessions, as everyone plots them."""
    try:
        people = final_scores(cohort)
        rows = _slopes(people, _ended(people))
    except NotIdentified as error:
        return refusal("slopes", cohort, error, ESTIMAND)
    table = pd.DataFrame(rows).reindex(columns=list(_ROLES))
    return release(Result(name="slopes", table=table, roles=_ROLES, sentence="", estimand=ESTIMAND), cohort)


def _slopes(people: pd.DataFrame, ended: pd.DataFrame) -> list[Row]:
    """At the end of the course, and at the horizon."""
    return [
        *slope_rows(ended, "last", "the last score of the course"),
        *slope_rows(people.dropna(subset=["at_horizon"]), "at_horizon", f"the score at day {HORIZON}"),
    ]


def _ended(people: pd.DataFrame) -> pd.DataFrame:
    """Who has a score at the end of a course that is over.

    Raises
    ------
    NotIdentified
        Too few for a slope.
    """
    ended = people.dropna(subset=["last"])
    if len(ended) < FEWEST:
        raise NotIdentified(
            f"only {len(ended)} people have a rated baseline, a course known to be over, and a score within 14 days after its "
            f"last session; fewer than {FEWEST}.",
            "scores at the end of each course, and observed_to_day for each patient.",
        )
    return ended


def _table(cohort: Cohort) -> pd.DataFrame:
    scores, people = course_scores(cohort), final_scores(cohort)
    ended = _ended(people)
    rows = [
        *_slopes(people, ended),
        *growth_rows(scores.dropna(subset=["total"])),
        *probit_rows(ended, cohort),
        *regression_rows(cohort, ended),
        _overlap(scores, cohort),
    ]
    return pd.DataFrame(rows, columns=list(_ROLES))


def _overlap(scores: pd.DataFrame, cohort: Cohort) -> dict[str, object]:
    """Share of neighbouring scores whose windows of recall overlap."""
    recall, gaps = cohort.instrument.recall_days, scores["gap"].dropna()
    known = recall is not None and recall.usable and len(gaps)
    share = 100 * float((gaps < recall.value).mean()) if known and recall else np.nan
    about = "neighbouring scores closer together than the instrument looks back"
    return {"key": "recall_overlap", "about": about, "unit": "%", "n": scores["patient_id"].nunique(), "estimate": share}


def _sentence(table: pd.DataFrame, sign: int) -> str:
    """The slope and what explains it; the fall and what would be there anyway. `sign` is +1 where higher is worse."""
    rows = table.set_index("key")["estimate"]
    said = (
        "Scores improved by {observed_drop.estimate} points on average"
        if rows["observed_drop"] >= 0
        else "Scores changed by {observed_drop.estimate} points on average (minus = worse)"
    )
    if rows[["mean_regression_low", "mean_regression_high"]].notna().all():
        said += (
            "; regression to the mean alone, because people came when they scored worst, is worth between "
            "{mean_regression_low.estimate} and {mean_regression_high.estimate} points. The natural course, and what people "
            "expect of a treatment, come on top and are not in that range: for what a clinic like this would show if its "
            "sessions did nothing, see the null curve (response_by_session)"
        )
    return f"{_slope_words(float(rows['slope_last_adjusted']) * sign)}{said}."


def _slope_words(worse: float) -> str:
    """What the slope says, where there is one; `worse` is positive where people with more sessions ended worse."""
    if np.isnan(worse):
        return "Everybody had the same number of sessions, so there is nothing to relate. "
    why = (
        "This is expected when people who feel well stop; it does not show that sessions harm."
        if worse > 0
        else "This is expected when people who are not helped leave; it does not show how much a session helps."
    )
    return (
        f"People who had more sessions ended {'worse' if worse > 0 else 'better'}: {{slope_last_adjusted.estimate}} points per "
        "session ({slope_last_adjusted.ci_low} to {slope_last_adjusted.ci_high}) in the last score of the course, baselines "
        f"being equal. {why} "
    )


def _caveats(cohort: Cohort) -> tuple[str, ...]:
    return (
        "Association, biased by design as an answer to what a session does: the number of sessions is an outcome of the "
        "course. Severe patients stay longer and have more room to fall, which hides the relation in raw change.",
        "Growth models: score on ln(session + 1), each person with an intercept and slope of their own, maximum likelihood. "
        "The interaction with the number of sessions tells who stops when; it is no dose.",
        "Regression to the mean: what measurement error alone does to people chosen for a high score, with nobody changing; "
        "natural course and expectation are not in it. Reliability between .60 (scores weeks apart, assumption) and .86 "
        "(internal consistency of the PHQ-9, taken for every scale), entry at caseness, spread of all recorded baselines "
        "taken as that of everyone.",
        f"Last score of the course: at most {cohort.criteria.late_after_days} days after its last session. Day {HORIZON}: "
        f"nearest score, {WITHIN} days either way, sessions going on or not. {rule_words(cohort)}.",
    )
