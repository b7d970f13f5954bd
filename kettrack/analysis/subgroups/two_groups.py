"""Two groups, or two arms, compared as papers do: log-rank test, Cox model, difference in means."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import numpy as np
import pandas as pd

from kettrack.analysis.association.fixed_week import WEEK, scores_at_week
from kettrack.analysis.context import LEVEL, NORMAL_QUANTILE, rule_words
from kettrack.analysis.courses.by_week import WEEK_CAUSES
from kettrack.analysis.person_rows import exit_rows
from kettrack.analysis.registry import Answer, asked_as, question
from kettrack.analysis.response.time_to import event_exits
from kettrack.analysis.subgroups.groups import (
    compared_groups,
    differ_caveat,
    groups_of,
    severity_caveat,
    silent_caveats,
    silent_groups,
)
from kettrack.errors import NotIdentified
from kettrack.estimators.survival.cox import fit_cox
from kettrack.result import Role
from kettrack.timelines.derived import DerivedCohort
from kettrack.vocabulary.limits import FEWEST_EVENTS, FEWEST_PEOPLE
from kettrack.vocabulary.made_of import COUNTED_BY_UNIT, Kept

_ROLES: Final[dict[str, Role]] = {
    "key": "key",
    "about": "label",
    "unit": "label",
    "n": "denominator",
    "events": "count",
    "estimate": "derived",
    "ci_low": "derived",
    "ci_high": "derived",
    "p": "derived",
}
_DECIMALS: Final = {"estimate": 2, "ci_low": 2, "ci_high": 2, "p": 3}


@question(
    "two_groups",
    recipes=(
        COUNTED_BY_UNIT,
        Kept(values=("p",), of="n"),
    ),
    asks="How do two groups differ in response over time and in change?",
    unit="as named in each row",
    estimand=(
        "Difference between two groups as they are: in the rate of first responses by day since"
        " session 1 among people still scored (cause-specific), and in the mean change to a fixed"
        " week among people scored then."
    ),
    roles=_ROLES,
    decimals=_DECIMALS,
)
def two_groups(
    cohort: DerivedCohort,
    column: str = "severity",
    week: int = WEEK,
) -> Answer:
    """The two largest groups of a column, compared.

    Parameters
    ----------
    column : str
        As for `by`: `severity`, `route`, `drug`, a column of the patients table, another scale.
    week : int
        Of the change in the score.

    Returns
    -------
    Result
        `group_1` `group_2`: people and first responses of each. `log_rank`: chi-squared with one
        degree of freedom, and `p`. `hazard_ratio`: of the second group against the first, Cox model
        with Efron's ties and a robust error; whoever is no longer scored is censored. `mean_1`
        `mean_2` and `difference`: change to the week with Welch's interval. Refused where fewer
        than two groups hold `FEWEST_PEOPLE` people each.
    """
    exits = event_exits(cohort, "response").set_index("patient_id")
    exits = exits[exits["step"] > 0]
    people = groups_of(cohort, column).reindex(exits.index)
    silent = silent_groups(cohort, people, FEWEST_PEOPLE)
    known = compared_groups(cohort, people, FEWEST_PEOPLE)
    group = people.astype(object)
    names = _two_largest(group[group.isin(known)], column)
    rows = [
        *_time_rows(exits, group, names),
        *_change_rows(cohort, column, names, week),
    ]
    table = pd.DataFrame(rows).reindex(columns=list(_ROLES))
    table["events"] = table["events"].astype("Int64")
    return Answer(
        table=table,
        sentence=_sentence(table, week),
        caveats=(
            differ_caveat(cohort, column),
            *silent_caveats(silent),
            *([severity_caveat()] if column == "severity" else []),
            "Only the two largest groups are compared, and nothing is adjusted. A Cox model with"
            " stopping as censoring takes people who stop to be like those who go on; the shares"
            f" of everybody by group are the answer by group to {asked_as('response_by_session')}",
            f"The hazard ratio takes the ratio to be the same on every day. {rule_words(cohort)}.",
        ),
        level=LEVEL,
        rows=partial(
            exit_rows,
            "response",
            exits.assign(step=exits["step"] - 1),
            WEEK_CAUSES,
            group.where(group.isin(names)),
            first_step=0,
        ),
    )


def _two_largest(group: pd.Series, column: str) -> tuple[str, str]:
    """Names of the two largest of the groups that can be compared, the larger one first."""
    # Equally large groups would come in any order, were they not sorted by name first.
    sizes = (
        group.sort_values(kind="stable")
        .value_counts(sort=False)
        .sort_values(ascending=False, kind="stable")
    )
    if len(sizes) < 2:
        raise NotIdentified(
            f"fewer than two groups of {column} hold {FEWEST_PEOPLE} people with a rated baseline,"
            " a log that is long enough, and scores after session 1.",
            f"{column} of each patient, a baseline, later scores, and observed_to_day.",
        )
    return str(sizes.index[0]), str(sizes.index[1])


def _time_rows(
    exits: pd.DataFrame,
    group: pd.Series,
    names: tuple[str, str],
) -> list[dict[str, Any]]:
    """People and responses of each group, the log-rank test and the hazard ratio."""
    parts = [exits[group == name] for name in names]
    rows: list[dict[str, Any]] = [
        {
            "key": f"group_{place}",
            "about": name,
            "unit": "people",
            "n": len(part),
            "events": int((part["cause"] == 1).sum()),
        }
        for place, (name, part) in enumerate(zip(names, parts, strict=True), start=1)
    ]
    common = {
        "n": sum(row["n"] for row in rows),
        "events": sum(row["events"] for row in rows),
    }
    # With hardly any response in a group neither test says anything.
    enough = min(row["events"] for row in rows) >= FEWEST_EVENTS
    ratio = f"hazard ratio of response, {names[1]} against {names[0]}"
    found = {
        "log_rank": ("log-rank test", "chi-squared", _log_rank),
        "hazard_ratio": (ratio, "ratio", _hazard_ratio),
    }
    for key, (about, unit, compare) in found.items():
        cells = compare(*parts) if enough else {"estimate": np.nan}
        rows.append({"key": key, "about": about, "unit": unit, **common, **cells})
    return rows


def _log_rank(one: pd.DataFrame, other: pd.DataFrame) -> dict[str, float]:
    from scipy.stats import CensoredData, logrank

    # Whoever left by another cause is censored on that day.
    samples = [
        CensoredData.right_censored(part["step"].to_numpy(float), part["cause"] != 1)
        for part in (one, other)
    ]
    test = logrank(*samples)
    return {"estimate": float(test.statistic) ** 2, "p": float(test.pvalue)}


def _hazard_ratio(one: pd.DataFrame, other: pd.DataFrame) -> dict[str, float]:
    both = pd.concat([one, other])
    second = np.repeat([0.0, 1.0], [len(one), len(other)])
    try:
        fit = fit_cox(
            np.zeros(len(both)),
            both["step"].to_numpy(float),
            (both["cause"] == 1).to_numpy(),
            second[:, None],
            np.arange(len(both)),
            ties="efron",
        )
    except NotIdentified:
        # The groups never are at risk together.
        return {"estimate": np.nan}
    # Symmetric on the scale of the logarithm.
    log_ratio = float(fit.coefficient[0])
    half = NORMAL_QUANTILE * float(fit.robust_error[0])
    return {
        "estimate": float(np.exp(log_ratio)),
        "ci_low": float(np.exp(log_ratio - half)),
        "ci_high": float(np.exp(log_ratio + half)),
    }


def _change_rows(
    cohort: DerivedCohort,
    column: str,
    names: tuple[str, str],
    week: int,
) -> list[dict[str, Any]]:
    """Mean change of each group, and the difference with Welch's interval."""
    from scipy.stats import ttest_ind

    scored = scores_at_week(cohort, week).dropna(subset=["score"])
    group = groups_of(cohort, column).astype(object).reindex(scored.index)
    parts = [scored.loc[group == name, "change"].to_numpy(float) for name in names]
    rows: list[dict[str, Any]] = [
        {
            "key": f"mean_{place}",
            "about": f"mean change to week {week}, {name}",
            "unit": "points",
            "n": len(part),
            "estimate": float(part.mean()) if len(part) else np.nan,
        }
        for place, (name, part) in enumerate(zip(names, parts, strict=True), start=1)
    ]
    difference: dict[str, Any] = {
        "key": "difference",
        "about": f"difference in mean change, {names[1]} minus {names[0]}",
        "unit": "points",
        "n": sum(map(len, parts)),
        "estimate": np.nan,
    }
    if min(map(len, parts)) < FEWEST_PEOPLE:
        return [*rows, difference]
    welch = ttest_ind(parts[1], parts[0], equal_var=False)
    ends = welch.confidence_interval(LEVEL)
    return [
        *rows,
        difference
        | {
            "estimate": float(parts[1].mean() - parts[0].mean()),
            "ci_low": float(ends.low),
            "ci_high": float(ends.high),
            "p": float(welch.pvalue),
        },
    ]


def _sentence(table: pd.DataFrame, week: int) -> str:
    """Both groups, the ratio and the difference; what cannot be told says so."""
    known = table.set_index("key")["estimate"].notna()
    ratio = (
        "The hazard ratio of a first response is {hazard_ratio.estimate} (95 % interval"
        " {hazard_ratio.ci_low} to {hazard_ratio.ci_high}), the second group against the first."
        if known["hazard_ratio"]
        else "Too few responded for a hazard ratio."
    )
    change = (
        f" From before treatment to week {week}, scores changed by {{mean_1.estimate}} and"
        " {mean_2.estimate} points: a difference of {difference.estimate} points (95 % interval"
        " {difference.ci_low} to {difference.ci_high})."
        if known["difference"]
        else f" Too few were scored at week {week} to compare change."
    )
    return (
        "{group_1.events} of {group_1.n} people ({group_1.about}) and {group_2.events} of"
        f" {{group_2.n}} people ({{group_2.about}}) had responded. {ratio}{change} Nothing is"
        " adjusted: the groups may differ in more than this."
    )
