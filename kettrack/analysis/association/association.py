"""The relation everyone plots, between the number of sessions and the change in the score, and why
it misleads.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.association.course_scores import (
    course_scores,
    final_scores,
    score_gaps,
)
from kettrack.analysis.association.regression_to_mean import (
    CAVEAT,
    EntryCutoff,
    find_entry_cutoff,
    regression_rows,
    regression_words,
)
from kettrack.analysis.association.slopes import (
    SlopeRow,
    add_null_slopes,
    interval_of,
    null_slope_words,
    slope_rows,
)
from kettrack.analysis.context import (
    LEVEL,
    refusal,
    release,
    require_log_end,
    rule_words,
)
from kettrack.analysis.registry import Answer, question
from kettrack.analysis.response.benchmark import NULL_COLUMNS, NULL_SEED
from kettrack.errors import NotIdentified, UsageError
from kettrack.estimators.regression.comparison_models import fit_probit_curve
from kettrack.estimators.regression.growth import GrowthFit, fit_growth
from kettrack.result import Result, Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.timelines.states import measures, meets
from kettrack.vocabulary.days import HORIZON_DAYS, HORIZON_TOLERANCE_DAYS
from kettrack.vocabulary.limits import FEWEST_PEOPLE_FOR_SLOPE
from kettrack.vocabulary.made_of import SAID_BY_UNIT, Kept

# Numbers of sessions at which the probit curve is read; four and eight as in the older literature.
PROBIT_SESSIONS: Final = (4, 8)
ESTIMAND: Final = (
    "Association between the number of sessions that a person had in the end and the score. The"
    " number of sessions is decided along the way, by how the person does. So this does not say"
    " what one more session would do."
)
EXPECTED: Final = {
    "worse": (
        "This is expected when people who feel well stop; it does not show that sessions harm."
    ),
    "better": (
        "This is expected when people who are not helped leave, and also when sessions help. These"
        " data cannot tell which."
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
    **dict.fromkeys(NULL_COLUMNS, "derived"),
}
_DECIMALS: Final = dict.fromkeys(("estimate", "ci_low", "ci_high", *NULL_COLUMNS), 2)
_GROWTH: Final = (
    (
        "one_curve_rate",
        "one growth curve for all: change",
        "points per ln(session + 1)",
    ),
    (
        "own_curve_rate",
        "curves by length of course: change at the mean length",
        "points per ln(session + 1)",
    ),
    (
        "own_curve_by_length",
        "curves by length of course: how change differs with length",
        "per ln(sessions in the end)",
    ),
    (
        "likelihood_ratio",
        "likelihood ratio of the two, 2 degrees of freedom",
        "chi-squared",
    ),
    (
        "aic_gain",
        "AIC of one curve minus AIC of curves by length",
        "positive = by length fits better",
    ),
)
_PROBIT: Final = (
    (
        "probit_slope",
        "probit curve of responding at the end on ln(sessions)",
        "probit per ln(sessions)",
    ),
    *(
        (f"probit_{k}", f"probit curve: responding among those who had {k}", "%")
        for k in PROBIT_SESSIONS
    ),
)


@question(
    "association",
    recipes=(SAID_BY_UNIT, Kept(values=NULL_COLUMNS, of="n")),
    asks="How is the number of sessions related to change, and why does that mislead?",
    unit="as named in each row",
    estimand=ESTIMAND,
    roles=_ROLES,
    decimals=_DECIMALS,
    show=("about", "unit", "n", "estimate", "ci_low", "ci_high", *NULL_COLUMNS),
)
def association(cohort: DerivedCohort) -> Answer:
    """Every common way to relate the number of sessions to the score, side by side, each worded as
    association.

    Returns
    -------
    Result
        One row per quantity: `about` (what it is, in words) `unit` `n` `estimate` `ci_low`
        `ci_high`, and `null` `null_low` `null_high` (if sessions did nothing, with its interval:
        for the slopes and correlations of the last score; missing where no such model can be
        fitted).

        - `slope_last` `slope_last_adjusted`: points of the last score of the course per session,
          raw change and with the baseline held equal; `slope_fixed` `slope_fixed_adjusted`: the
          same for the score at `HORIZON_DAYS`; `correlation_change` `correlation_last`: of the
          number of sessions with change, and with the last score;
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

        Refused with fewer than `FEWEST_PEOPLE_FOR_SLOPE` people whose course is over and scored at
        its end.
    """
    entry = find_entry_cutoff(cohort)
    table, null_caveats = add_null_slopes(_table(cohort, entry), cohort)
    return Answer(
        table=table,
        sentence=_sentence(table, cohort.instrument.sign, entry),
        caveats=(*_caveats(cohort), *null_caveats),
        level=LEVEL,
        seed=NULL_SEED,
    )


def slopes(cohort: DerivedCohort) -> Result:
    """The slopes of `association` alone: score or change on the number of sessions, as everyone
    plots them.

    It is no question of its own: another table takes its rows.
    """
    try:
        people = final_scores(cohort)
        rows = _slopes(people, _scored_at_end(people, cohort))
    except NotIdentified as error:
        return refusal("slopes", cohort, error, ESTIMAND)
    result = Result(
        name="slopes",
        table=pd.DataFrame(rows).reindex(columns=list(_ROLES)),
        roles=_ROLES,
        sentence="",
        estimand=ESTIMAND,
    )
    return release(result, cohort)


def _slopes(people: pd.DataFrame, ended: pd.DataFrame) -> list[SlopeRow]:
    """At the end of the course, and at the horizon."""
    at_horizon = people.dropna(subset=["at_horizon"])
    return [
        *slope_rows(ended, "last", "the last score of the course"),
        *slope_rows(at_horizon, "at_horizon", f"the score at day {HORIZON_DAYS}"),
    ]


def _scored_at_end(people: pd.DataFrame, cohort: DerivedCohort) -> pd.DataFrame:
    """Who has a score at the end of a course that is over.

    Raises
    ------
    NotIdentified
        Too few for a slope.
    """
    require_log_end(cohort)
    ended = people.dropna(subset=["last"])
    if len(ended) < FEWEST_PEOPLE_FOR_SLOPE:
        raise NotIdentified(
            f"only {len(ended)} people have a rated baseline, a course known to be over, and a"
            f" score within {cohort.criteria.late_after_days} days after its last session; at"
            f" least {FEWEST_PEOPLE_FOR_SLOPE} are necessary.",
            "scores at the end of each course, and observed_to_day for each patient.",
        )
    return ended


def _table(cohort: DerivedCohort, entry: EntryCutoff) -> pd.DataFrame:
    scores = course_scores(cohort)
    people = final_scores(cohort)
    ended = _scored_at_end(people, cohort)
    # the growth models use every score of a course that is over, the other rows its last one
    rows = [
        *_slopes(people, ended),
        *_growth_rows(scores.dropna(subset=["total"])),
        *_probit_rows(ended, cohort),
        *regression_rows(cohort, ended, entry),
        _recall_overlap(cohort),
    ]
    return pd.DataFrame(rows, columns=list(_ROLES))


def _recall_overlap(cohort: DerivedCohort) -> SlopeRow:
    """Share of neighbouring scores whose windows of recall overlap."""
    recall = cohort.instrument.recall_days
    gaps = score_gaps(cohort)
    share = np.nan
    # an assumed window would make the share an assumption too
    if recall is not None and recall.usable and len(gaps):
        share = 100 * float((gaps["gap"] < recall.value).mean())
    return {
        "key": "recall_overlap",
        "about": "neighbouring scores closer together than the instrument looks back",
        "unit": "%",
        "n": gaps["patient_id"].nunique(),
        "estimate": share,
    }


def _growth_rows(scores: pd.DataFrame) -> list[SlopeRow]:
    """One curve for all against a curve that differs by the number of sessions in the end; both of
    one kind.
    """
    n = scores["patient_id"].nunique()
    try:
        one, own, why = _growth_pair(scores)
    except UsageError:
        return [
            {"key": key, "about": about, "unit": unit, "n": n, "estimate": np.nan}
            for key, about, unit in _GROWTH
        ]
    # the larger model adds two coefficients: of the length, and of the length on the change
    values = {
        "one_curve_rate": one.interval("log_session", LEVEL)._asdict(),
        "own_curve_rate": own.interval("log_session", LEVEL)._asdict(),
        "own_curve_by_length": own.interval("log_session_by_length", LEVEL)._asdict(),
        "likelihood_ratio": {"estimate": 2 * (own.loglik - one.loglik)},
        "aic_gain": {"estimate": one.aic - own.aic},
    }
    kind = f"{own.kind}, instead of {why}" if why else own.kind
    return [
        {"key": key, "about": f"{about} ({kind})", "unit": unit, "n": n} | values[key]
        for key, about, unit in _GROWTH
    ]


def _growth_pair(scores: pd.DataFrame) -> tuple[GrowthFit, GrowthFit, str]:
    """Both of one kind, and why it is not the first kind."""
    log_session = np.log(scores["session"].to_numpy(float) + 1)
    log_total = np.log(scores["total"].to_numpy(float))
    # centred at the mean over people, not over scores, so that long courses do not weigh more
    by_person = scores.groupby("patient_id")["total"].first().to_numpy(float)
    length = log_total - np.log(by_person).mean()
    shared = {"intercept": np.ones(len(scores)), "log_session": log_session}
    differing = {"length": length, "log_session_by_length": log_session * length}
    every = shared | differing
    y = scores["score"].to_numpy(float)
    patient = scores["patient_id"].to_numpy()
    # the smaller model is part of the larger one, so their likelihoods can be compared
    own = fit_growth(y, every, patient, slope="log_session")
    one = fit_growth(y, shared, patient, slope="log_session", kind=own.kind)
    why = "; ".join(filter(None, (own.fallback, one.fallback)))
    # only the simpler of the two kinds holds for both
    if one.kind != own.kind:
        own = fit_growth(y, every, patient, slope="log_session", kind=one.kind)
    return one, own, why


def _probit_rows(people: pd.DataFrame, cohort: DerivedCohort) -> list[SlopeRow]:
    """Share responding at the end of the course against the logarithm of its length."""
    n = len(people)
    # rows stay, without a number, where no curve can be fitted
    rows: list[SlopeRow] = [
        {"key": key, "about": about, "unit": unit, "n": n, "estimate": np.nan}
        for key, about, unit in _PROBIT
    ]
    groups = _responders_by_length(people, cohort)
    if groups is None:
        return rows
    try:
        curve = fit_probit_curve(
            groups.index.to_numpy(), groups["sum"].to_numpy(), groups["size"].to_numpy()
        )
    except UsageError:
        return rows
    slope = interval_of(curve.slope, float(np.sqrt(curve.covariance[1, 1])))
    shares = [{"estimate": 100 * share} for share in curve.share(PROBIT_SESSIONS)]
    return [row | cells for row, cells in zip(rows, [slope, *shares], strict=True)]


def _responders_by_length(
    people: pd.DataFrame, cohort: DerivedCohort
) -> pd.DataFrame | None:
    """People and responders at each number of sessions; None without a response rule."""
    rule = cohort.criteria.response
    if rule is None:
        return None
    score = people["last"].to_numpy(float)
    baseline = people["baseline"].to_numpy(float)
    tested = measures(score, baseline, cohort.bucket.zero)
    # the rule in force, applied to the last score of the course
    responding = pd.Series(meets(rule, tested))
    sessions = people["total"].to_numpy(float)
    return responding.groupby(sessions).agg(["sum", "size"])


def _sentence(table: pd.DataFrame, sign: int, entry: EntryCutoff) -> str:
    """The slope and what explains it; the fall and what would be there anyway. `sign` is +1 where
    higher is worse.
    """
    rows = {str(row["key"]): row for row in table.to_dict("records")}
    change = (
        "Scores improved by {observed_drop.estimate} points on average."
        if rows["observed_drop"]["estimate"] >= 0
        else "Scores changed by {observed_drop.estimate} points on average; a negative number means"
        " that they became worse."
    )
    adjusted = rows["slope_last_adjusted"]
    slope = f"{_slope_words(adjusted, sign)}{null_slope_words(adjusted)}"
    return f"{slope} {change} {regression_words(entry)}"


def _slope_words(row: Mapping[Hashable, Any], sign: int) -> str:
    """What the slope says, where there is one; `sign` times it is positive where people with more
    sessions ended worse.
    """
    if np.isnan(row["estimate"]):
        return (
            "Everybody had the same number of sessions, so there is nothing to relate."
        )
    size = (
        "{slope_last_adjusted.estimate} points per session (95 % interval"
        " {slope_last_adjusted.ci_low} to {slope_last_adjusted.ci_high})"
    )
    if row["ci_low"] <= 0 <= row["ci_high"]:
        return (
            f"At equal baselines, the last score of the course differs by {size} between people"
            " with more and people with fewer sessions. The interval includes 0, so these data also"
            " fit no relation at all."
        )
    # what is expected anyway stands beside the slope, so that it is not read as an effect
    way = "worse" if row["estimate"] * sign > 0 else "better"
    return (
        f"People who had more sessions ended {way}. At equal baselines, the last score of the"
        f" course differs by {size}. {EXPECTED[way]}"
    )


def _caveats(cohort: DerivedCohort) -> tuple[str, ...]:
    return (
        (
            "This is association. As an answer to what a session does it is biased by design,"
            " because the number of sessions is an outcome of the course. Severe patients stay"
            " longer and have more room to improve, which hides the relation in raw change."
        ),
        (
            "Where sessions do nothing these slopes are not 0, because who feels well or is not"
            " helped stops. So a slope is no effect, and neither is its distance from 0. Their"
            " null, where it stands, was at most 0.06 points per session from the truth on the mean"
            " of 64 simulated clinics of 240 people; its interval is not tried yet."
        ),
        (
            "The growth models fit the score to ln(session + 1) by maximum likelihood, with"
            " Student's intervals and Satterthwaite's degrees of freedom. Each person has an"
            " intercept and a slope of their own. The interaction with the number of"
            " sessions shows who stops when; it is not the effect of a dose."
        ),
        CAVEAT,
        (
            "The last score of the course is the last one before another session would usually have"
            f" come, or else the first, at most {cohort.criteria.late_after_days} days after the"
            " last session. So whoever stopped is looked at no more often than the others. The"
            " score at day"
            f" {HORIZON_DAYS} is the nearest one, at most {HORIZON_TOLERANCE_DAYS} days before or"
            f" after, whether sessions go on or not. {rule_words(cohort)}."
        ),
    )
