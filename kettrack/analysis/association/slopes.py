"""The relation everyone plots, between the number of sessions and the change in the score, and why
it misleads.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.association.course_scores import (
    HORIZON,
    WITHIN,
    course_scores,
    final_scores,
    score_gaps,
)
from kettrack.analysis.association.models import (
    Row,
    growth_rows,
    probit_rows,
    slope_rows,
)
from kettrack.analysis.association.regression import (
    CAVEAT,
    Entry,
    find_entry,
    regression_rows,
    regression_words,
)
from kettrack.analysis.context import made_from, refusal, release, rule_words
from kettrack.analysis.registry import question
from kettrack.errors import NotIdentified
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort

FEWEST: Final = 30  # people below which a slope says next to nothing
ESTIMAND: Final = (
    "Association between the number of sessions a person ended up having and the score. The"
    " number is decided along the way, by how the person does; nothing here says what one more"
    " session would do."
)
EXPECTED: Final = {
    "worse": (
        "This is expected when people who feel well stop; it does not show that sessions harm."
    ),
    "better": (
        "This is expected when people who are not helped leave, and when sessions help; it cannot"
        " tell the one from the other."
    ),
}
_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "about": "label",
    "unit": "label",
    "n": "denominator",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
}


@question(
    "association",
    asks="How is the number of sessions related to change, and why does that mislead?",
)
def association(cohort: DerivedCohort) -> Result:
    """Every common way to relate the number of sessions to the score, side by side, each worded as
    association.

    Returns
    -------
    Result
        One row per quantity: `about` (what it is, in words) `unit` `n` `estimate` `ci_low`
        `ci_high`.

        - `slope_last` `slope_last_adjusted`: points of the last score of the course per session,
          raw change and with the baseline held equal; `slope_fixed` `slope_fixed_adjusted`: the
          same for the score at day 84; `correlation_change` `correlation_last`: of the number of
          sessions with change, and with the last score;
        - `one_curve_rate`, `own_curve_rate`, `own_curve_by_length`, `likelihood_ratio`, `aic_gain`:
          dose-effect growth (one curve over the logarithm of the session number for all) against
          good-enough-level growth (a curve that differs by the number of sessions in the end);
        - `probit_slope` `probit_4` `probit_8`: share responding at the end among people with that
          many sessions;
        - `observed_drop`, `mean_regression_low`, `mean_regression_high`: improvement from the
          baseline to the last score of the course, and what regression to the mean alone is worth,
          because only cases are counted (natural course not in it). The range is missing where the
          baselines do not tell at which score people came;
        - `recall_overlap`: % of neighbouring scores, as they were taken, closer together than the
          instrument looks back.

        Refused with fewer than 30 people whose course is over and scored at its end.
    """
    try:
        entry = find_entry(cohort)
        table = _table(cohort, entry)
    except NotIdentified as error:
        return release(refusal("association", cohort, error, ESTIMAND), cohort)
    result = Result(
        name="association",
        table=table,
        roles=_ROLES,
        decimals={"estimate": 2, "ci_low": 2, "ci_high": 2},
        show=("about", "unit", "n", "estimate", "ci_low", "ci_high"),
        sentence=_sentence(table, cohort.instrument.sign, entry),
        estimand=ESTIMAND,
        caveats=_caveats(cohort),
        made_from=made_from(cohort, unit="as named in each row", level=0.95),
    )
    return release(result, cohort)


def slopes(cohort: DerivedCohort) -> Result:
    """The slopes of `association` alone: score or change on the number of sessions, as everyone
    plots them.
    """
    try:
        people = final_scores(cohort)
        rows = _slopes(people, _ended(people))
    except NotIdentified as error:
        return refusal("slopes", cohort, error, ESTIMAND)
    table = pd.DataFrame(rows).reindex(columns=list(_ROLES))
    return release(
        Result(
            name="slopes", table=table, roles=_ROLES, sentence="", estimand=ESTIMAND
        ),
        cohort,
    )


def _slopes(people: pd.DataFrame, ended: pd.DataFrame) -> list[Row]:
    """At the end of the course, and at the horizon."""
    return [
        *slope_rows(ended, "last", "the last score of the course"),
        *slope_rows(
            people.dropna(subset=["at_horizon"]),
            "at_horizon",
            f"the score at day {HORIZON}",
        ),
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
            f"only {len(ended)} people have a rated baseline, a course known to be over, and a"
            f" score within 14 days after its last session; fewer than {FEWEST}.",
            "scores at the end of each course, and observed_to_day for each patient.",
        )
    return ended


def _table(cohort: DerivedCohort, entry: Entry) -> pd.DataFrame:
    scores = course_scores(cohort)
    people = final_scores(cohort)
    ended = _ended(people)
    rows = [
        *_slopes(people, ended),
        *growth_rows(scores.dropna(subset=["total"])),
        *probit_rows(ended, cohort),
        *regression_rows(cohort, ended, entry),
        _overlap(cohort),
    ]
    return pd.DataFrame(rows, columns=list(_ROLES))


def _overlap(cohort: DerivedCohort) -> Row:
    """Share of neighbouring scores whose windows of recall overlap."""
    recall = cohort.instrument.recall_days
    gaps = score_gaps(cohort)
    known = recall is not None and recall.usable and len(gaps)
    share = (
        100 * float((gaps["gap"] < recall.value).mean()) if known and recall else np.nan
    )
    about = "neighbouring scores closer together than the instrument looks back"
    return {
        "key": "recall_overlap",
        "about": about,
        "unit": "%",
        "n": gaps["patient_id"].nunique(),
        "estimate": share,
    }


def _sentence(table: pd.DataFrame, sign: int, entry: Entry) -> str:
    """The slope and what explains it; the fall and what would be there anyway. `sign` is +1 where
    higher is worse.
    """
    rows = {str(row["key"]): row for row in table.to_dict("records")}
    said = (
        "Scores improved by {observed_drop.estimate} points on average"
        if rows["observed_drop"]["estimate"] >= 0
        else "Scores changed by {observed_drop.estimate} points on average (minus = worse)"
    )
    return f"{_slope_words(rows['slope_last_adjusted'], sign)}{said}{regression_words(entry)}."


def _slope_words(row: Mapping[Hashable, Any], sign: int) -> str:
    """What the slope says, where there is one; `sign` times it is positive where people with more
    sessions ended worse.
    """
    if np.isnan(row["estimate"]):
        return (
            "Everybody had the same number of sessions, so there is nothing to relate. "
        )
    size = (
        "{slope_last_adjusted.estimate} points per session ({slope_last_adjusted.ci_low} to"
        " {slope_last_adjusted.ci_high})"
    )
    if row["ci_low"] <= 0 <= row["ci_high"]:
        return (
            "Last score of the course by the number of sessions people ended up having,"
            f" baselines being equal: {size}. The interval holds 0: no relation would fit these"
            " data too. "
        )
    worse = row["estimate"] * sign > 0
    return (
        f"People who had more sessions ended {'worse' if worse else 'better'}: {size} in the last"
        " score of the course, baselines being equal."
        f" {EXPECTED['worse' if worse else 'better']} "
    )


def _caveats(cohort: DerivedCohort) -> tuple[str, ...]:
    return (
        (
            "Association, biased by design as an answer to what a session does: the number of"
            " sessions is an outcome of the course. Severe patients stay longer and have more"
            " room to fall, which hides the relation in raw change."
        ),
        (
            "Growth models: score on ln(session + 1), each person with an intercept and slope of"
            " their own, maximum likelihood. The interaction with the number of sessions tells"
            " who stops when; it is no dose."
        ),
        CAVEAT,
        (
            f"Last score of the course: at most {cohort.criteria.late_after_days} days after its"
            f" last session. Day {HORIZON}: nearest score, {WITHIN} days either way, sessions"
            f" going on or not. {rule_words(cohort)}."
        ),
    )
